"""Assessments: one person in one event, and what its raters and moderators do with it."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.base import Page, PageQuery, Schema, Text, example
from app.schemas.correction_requests import Evidence
from app.vocabulary import (
    AssessmentMethod,
    AssessmentPurpose,
    AssessmentState,
    RaterSource,
)

Percent = Annotated[
    str, Field(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$", description="0 to 100.")
]
MeanLevel = Annotated[str, Field(pattern=r"^[0-5]\.[0-9]{2}$")]

_ASSESSMENT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba2"
_EMPLOYEE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
_POSITION = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91"
_UNIT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b92"
EVENT_EXAMPLE = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba1",
    "code": "PEMETAAN-2026-1",
    "title": "Pemetaan kompetensi pejabat administrator 2026",
    "purpose": "mapping",
    "method": "assessment_center",
    "starts_on": "2026-09-01",
    "ends_on": "2026-09-03",
}
POSITION_EXAMPLE = {
    "id": _POSITION,
    "title": "Kepala Bidang Pembinaan SMP",
    "unit_id": _UNIT,
    "unit_name": "Bidang Pembinaan SMP",
}


# --- who is assessed ----------------------------------------------------------------------


class Candidate(Schema):
    """Somebody to be assessed, and against which position's standard."""

    employee_id: UUID
    position_id: Annotated[
        UUID | None,
        Field(
            description="The position to be filled; left out, the seat that the person holds for "
            "good on the first day of the event."
        ),
    ] = None


class CandidatesAdd(Schema):
    """Up to 1,000 people; all of them are added, or none."""

    model_config = example({"candidates": [{"employee_id": _EMPLOYEE, "position_id": None}]})

    candidates: Annotated[list[Candidate], Field(min_length=1, max_length=1000)]


class AddedAssessment(Schema):
    """The assessment that was made for one of them."""

    id: UUID
    employee_id: UUID
    position_id: UUID


class CandidatesAdded(Schema):
    """The new assessments, in the order in which their people were named."""

    model_config = example(
        {"assessments": [{"id": _ASSESSMENT, "employee_id": _EMPLOYEE, "position_id": _POSITION}]}
    )

    assessments: list[AddedAssessment]


# --- reading ------------------------------------------------------------------------------


class AssessedPerson(Schema):
    """Who is assessed."""

    employee_id: UUID
    name: str | None


class AssessedPosition(Schema):
    """The position whose standard counts, as it is on the last day of the event."""

    id: UUID
    title: str | None
    unit_id: UUID | None
    unit_name: str | None


class EventSummary(Schema):
    """The event of an assessment."""

    id: UUID
    code: str
    title: str
    purpose: AssessmentPurpose
    method: AssessmentMethod
    starts_on: date
    ends_on: date


_SUMMARY = {
    "id": _ASSESSMENT,
    "version": 1,
    "event": EVENT_EXAMPLE,
    "candidate": {"employee_id": _EMPLOYEE, "name": "Dra. Siti Aminah, M.Si."},
    "position": POSITION_EXAMPLE,
    "state": "draft",
    "note": None,
    "submitted_at": None,
    "moderated_at": None,
}


class AssessmentSummary(Schema):
    """An assessment in a list."""

    model_config = example(_SUMMARY)

    id: UUID
    version: int
    event: EventSummary
    candidate: AssessedPerson
    position: AssessedPosition
    state: AssessmentState
    note: str | None = Field(
        description="What an import noted, or why it was returned, cancelled or moderated as it "
        "was. Not for those who only rate in it."
    )
    submitted_at: datetime | None = Field(description="When rating was last closed.")
    moderated_at: datetime | None


class SourceProgress(Schema):
    """How far the raters of one source are."""

    source: RaterSource
    assigned: int = Field(description="All that are assigned, also those who are done.")
    submitted: int


class RatingProgress(Schema):
    """How far the raters are: numbers only."""

    assigned: int = Field(description="All that are assigned, also those who are done.")
    submitted: int
    by_source: list[SourceProgress] | None = Field(
        description="For hr_admin, auditor and service clients only."
    )


class AssessmentRead(AssessmentSummary):
    """An assessment and how far it is."""

    model_config = example(
        {**_SUMMARY, "progress": {"assigned": 5, "submitted": 3, "by_source": None}}
    )

    progress: RatingProgress


class EventAssessmentQuery(PageQuery):
    """What narrows the list of an event's assessments; the newest first."""

    state: AssessmentState | None = None
    unit_id: Annotated[
        UUID | None,
        Field(description="Measured against a position in this unit or below it, as it is today."),
    ] = None


class AssessmentQuery(EventAssessmentQuery):
    """What narrows the list of assessments; the newest first."""

    event_id: UUID | None = None
    employee_id: UUID | None = None


class AssessmentPage(Page):
    """One page of assessments."""

    model_config = example({"items": [_SUMMARY], "next_cursor": None, "total": None})

    items: list[AssessmentSummary]


# --- moderating ---------------------------------------------------------------------------


class AssessmentSubmit(Schema):
    """Close rating."""

    model_config = example({"close_pending": False})

    close_pending: Annotated[
        bool, Field(description="Withdraw the raters who have not submitted; else they are awaited")
    ] = False


class AssessmentModerate(Schema):
    """The ratings are sound."""

    model_config = example({"note": "Skor antarasesor selaras."})

    note: Annotated[
        Text | None, Field(description="The person reads it; without one, an import's stays.")
    ] = None


class AssessmentReason(Schema):
    """Why; the person reads it."""

    model_config = example({"reason": "Bukti untuk kompetensi komunikasi belum lengkap."})

    reason: Text


class RefusedAssessment(Schema):
    """One that was left as it is, and why."""

    assessment_id: UUID
    code: str
    detail: str


class AssessmentsMoved(Schema):
    """What became of an event's assessments. Call again while something remains."""

    model_config = example(
        {
            "done": 1000,
            "remaining": 12,
            "refused": 1,
            "refusals": [
                {
                    "assessment_id": _ASSESSMENT,
                    "code": "raters_pending",
                    "detail": "Masih ada penilai yang belum menyerahkan",
                }
            ],
        }
    )

    done: int
    remaining: int = Field(description="Ready, but beyond what one call takes.")
    refused: int = Field(description="Not ready.")
    refusals: list[RefusedAssessment] = Field(description="The first 200 of them.")


class GivenRating(Schema):
    """What one rater gave."""

    assignment_id: UUID
    rater: AssessedPerson | None = Field(description="Null: the provider's own assessors.")
    level: int
    note: str | None
    evidence: list[Evidence]


class SourceRatings(Schema):
    """What the raters of one source gave in one competency, once they have submitted."""

    source: RaterSource
    raters: int
    withheld: bool = Field(
        description="Too few anonymous raters, or not yet closed: nothing but their number."
    )
    mean: MeanLevel | None
    lowest: int | None
    highest: int | None
    ratings: list[GivenRating] = Field(
        description="Of peers and subordinates shown to auditors only."
    )


class CompetencyRatings(Schema):
    """One competency, source by source."""

    competency_id: UUID
    code: str
    name: str
    sources: list[SourceRatings]


class AssessmentRatings(Schema):
    """All that was rated, as a moderator or an auditor may see it."""

    model_config = example(
        {
            "assessment_id": _ASSESSMENT,
            "state": "submitted",
            "anonymity_threshold": 3,
            "competencies": [
                {
                    "competency_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba5",
                    "code": "integritas",
                    "name": "Integritas",
                    "sources": [
                        {
                            "source": "peer",
                            "raters": 3,
                            "withheld": False,
                            "mean": "3.33",
                            "lowest": 3,
                            "highest": 4,
                            "ratings": [],
                        }
                    ],
                }
            ],
        }
    )

    assessment_id: UUID
    state: AssessmentState
    anonymity_threshold: int
    competencies: list[CompetencyRatings]
