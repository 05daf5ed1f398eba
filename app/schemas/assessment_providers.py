"""Providers of assessments, and what they are accredited for."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.base import Code, Day, Line, Page, PageQuery, Schema, example, page_example
from app.vocabulary import AssessmentPurpose

Purposes = Annotated[
    list[AssessmentPurpose],
    Field(min_length=1, max_length=len(AssessmentPurpose), description="What it may assess for."),
]


class ProviderCreate(Schema):
    """A new provider; it may assess once it is accredited."""

    model_config = example({"code": "PUSPEKOM-JATENG", "name": "Puspekom Provinsi Jawa Tengah"})

    code: Code
    name: Line


class ProviderUpdate(Schema):
    """Another name."""

    model_config = example({"name": "Pusat Penilaian Kompetensi Jawa Tengah"})

    name: Line


class AccreditationRecord(Schema):
    """What the provider is accredited for from a day on, up to the next change recorded."""

    model_config = example(
        {
            "accreditation_no": "12/AKREDITASI/BKN/2026",
            "purposes": ["promotion", "mutation", "mapping"],
            "effective_from": "2026-01-01",
        }
    )

    accreditation_no: Line
    purposes: Purposes
    effective_from: Day


class AccreditationRead(Schema):
    """One accreditation and its days."""

    accreditation_no: str
    purposes: list[AssessmentPurpose]
    effective_from: date
    effective_until: date | None = Field(description="The first day without it; null while open.")


class ProviderRead(Schema):
    """A provider with every accreditation that it had, has or will have, newest first."""

    model_config = example(
        {
            "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba0",
            "version": 2,
            "code": "PUSPEKOM-JATENG",
            "name": "Puspekom Provinsi Jawa Tengah",
            "accreditations": [
                {
                    "accreditation_no": "12/AKREDITASI/BKN/2026",
                    "purposes": ["promotion", "mutation", "mapping"],
                    "effective_from": "2026-01-01",
                    "effective_until": None,
                }
            ],
        }
    )

    id: UUID
    version: int
    code: str
    name: str
    accreditations: list[AccreditationRead]


class ProviderQuery(PageQuery):
    """Providers, by code."""


class ProviderPage(Page):
    """One page of providers."""

    model_config = page_example(ProviderRead)

    items: list[ProviderRead]
