"""Assessment events: for what, how, by whom and when people are assessed."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Code, Day, Line, Page, PageQuery, Schema, example, page_example
from app.vocabulary import AssessmentMethod, AssessmentPurpose


class AssessmentEventCreate(Schema):
    """A new event."""

    model_config = example(
        {
            "code": "PEMETAAN-2026-1",
            "title": "Pemetaan kompetensi pejabat administrator 2026",
            "purpose": "mapping",
            "method": "assessment_center",
            "provider_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba0",
            "starts_on": "2026-09-01",
            "ends_on": "2026-09-03",
        }
    )

    code: Code
    title: Line
    purpose: AssessmentPurpose
    method: AssessmentMethod
    provider_id: UUID
    starts_on: Day
    ends_on: Annotated[Day, Field(description="The last day of measuring: results count from it.")]

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on < self.starts_on:
            raise PydanticCustomError(
                "ends_before_start",
                "Must not end before it starts.",
                {"indonesian": "Tidak boleh berakhir sebelum dimulai."},
            )
        return self


class AssessmentEventUpdate(Schema):
    """What changes; what is left out stays."""

    model_config = example({"title": "Pemetaan kompetensi pejabat pengawas 2026"})

    title: Line | None = None
    purpose: AssessmentPurpose | None = None
    method: AssessmentMethod | None = None
    provider_id: UUID | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None


class EventProvider(Schema):
    """Who holds the event."""

    id: UUID
    code: str
    name: str


class AssessmentEventRead(Schema):
    """An event."""

    model_config = example(
        {
            "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba1",
            "version": 1,
            "code": "PEMETAAN-2026-1",
            "title": "Pemetaan kompetensi pejabat administrator 2026",
            "purpose": "mapping",
            "method": "assessment_center",
            "provider": {
                "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba0",
                "code": "PUSPEKOM-JATENG",
                "name": "Puspekom Provinsi Jawa Tengah",
            },
            "starts_on": "2026-09-01",
            "ends_on": "2026-09-03",
            "closed_at": None,
        }
    )

    id: UUID
    version: int
    code: str
    title: str
    purpose: AssessmentPurpose
    method: AssessmentMethod
    provider: EventProvider
    starts_on: date
    ends_on: date
    closed_at: datetime | None = Field(description="Since when nobody is added any more.")


class AssessmentEventQuery(PageQuery):
    """What narrows the list of events; the latest first."""

    code: Code | None = None
    purpose: AssessmentPurpose | None = None
    method: AssessmentMethod | None = None
    open: Annotated[
        bool | None, Field(description="Only those to which people are still added, or only not.")
    ] = None


class AssessmentEventPage(Page):
    """One page of events."""

    model_config = page_example(AssessmentEventRead)

    items: list[AssessmentEventRead]
