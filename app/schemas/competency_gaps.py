"""Gaps over units, coverage by assessments, and who fits a seat, as the agency reads them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.base import Code, Page, PageQuery, Schema, example, page_example
from app.vocabulary import CompetencyKind, EducationLevel, Golongan, JobKind

UNIT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2a01"
POSITION = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2c10"
EMPLOYEE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2d20"
RESULT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2e30"

Levels = Annotated[Decimal, Field(description="In levels, two decimals.")]


class GapGrouping(StrEnum):
    """What the gaps are summed by."""

    COMPETENCY = "competency"
    UNIT = "unit"
    JOB_KIND = "job_kind"


class GapQuery(Schema):
    """Which gaps, and summed by what."""

    unit_id: UUID | None = Field(
        default=None, description="This unit and all below it; the whole government when left out."
    )
    job_kind: JobKind | None = Field(default=None, description="Holders of this kind of job only.")
    competency: Code | None = Field(default=None, description="This competency only, by its code.")
    group_by: GapGrouping = Field(
        default=GapGrouping.COMPETENCY,
        description="`unit` sums by the units right below, each with its subtree.",
    )


class GapNumbers(Schema):
    """People counted once a competency that their seat requires."""

    people: int = Field(
        description="Holders of seats that require it. By unit or kind of job, somebody counts "
        "once for each competency that their seat requires, unless `competency` names one."
    )
    assessed: int = Field(description="Of these, with a level in a result that still counts.")
    not_assessed: int = Field(description="The others: nobody knows.")
    short: int = Field(description="Of the assessed, below the required level.")
    short_percent: Decimal | None = Field(
        description="The short among the assessed, one decimal; null where nobody is assessed."
    )
    mean_gap: Decimal | None = Field(
        description="Mean gap of the short in levels; a surplus of others is not set against it."
    )


class GapGroup(GapNumbers):
    """One competency, unit or kind of job; the other two are null."""

    competency_id: UUID | None = None
    competency: str | None = Field(default=None, description="The competency's code.")
    competency_name: str | None = None
    competency_kind: CompetencyKind | None = None
    unit_id: UUID | None = None
    unit_code: str | None = None
    unit_name: str | None = None
    job_kind: JobKind | None = None


class GapSummary(Schema):
    """The gaps of a subtree, largest share first, as of the last refresh."""

    model_config = example(
        {
            "unit_id": UNIT,
            "group_by": "competency",
            "day": "2026-11-24",
            "refreshed_at": "2026-11-24T02:15:09.120431Z",
            "items": [
                {
                    "people": 420,
                    "assessed": 380,
                    "not_assessed": 40,
                    "short": 95,
                    "short_percent": "25.0",
                    "mean_gap": "1.12",
                    "competency_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b10",
                    "competency": "komunikasi",
                    "competency_name": "Komunikasi",
                    "competency_kind": "managerial",
                    "unit_id": None,
                    "unit_code": None,
                    "unit_name": None,
                    "job_kind": None,
                }
            ],
        }
    )

    unit_id: UUID
    group_by: GapGrouping
    day: date | None = Field(description="The day for which seats and validity were read.")
    refreshed_at: datetime | None = Field(
        description="Every change committed before is counted; null before the first refresh."
    )
    items: list[GapGroup]


class CoverageState(StrEnum):
    """How somebody in service stands with their assessment."""

    MISSING = "missing"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    VALID = "valid"


class CoverageQuery(PageQuery):
    """Whose assessment is missing, expired or about to expire."""

    state: CoverageState = Field(
        default=CoverageState.MISSING,
        description="`expiring` still counts, and ends within the days; `valid` counts longer.",
    )
    within_days: Annotated[int, Field(ge=1, le=1096, description="For `expiring`.")] = 90
    unit_id: UUID | None = Field(default=None, description="This unit and all below it.")
    job_kind: JobKind | None = Field(default=None, description="Holders of this kind of job only.")


class CoverageRead(Schema):
    """One person, and until when their result counts."""

    model_config = example(
        {
            "employee_id": EMPLOYEE,
            "employee_name": "Siti Rahmawati, S.E.",
            "employee_identifier": "198503122009012003",
            "position_id": POSITION,
            "unit_id": UNIT,
            "job_kind": "pelaksana",
            "state": "expired",
            "result_id": RESULT,
            "assessed_on": "2023-03-02",
            "valid_until": "2026-03-02",
        }
    )

    employee_id: UUID
    employee_name: str | None
    employee_identifier: str | None
    position_id: UUID | None
    unit_id: UUID | None
    job_kind: JobKind | None
    state: CoverageState
    result_id: UUID | None
    assessed_on: date | None
    valid_until: date | None = Field(description="The first day on which it no longer counts.")


class CoveragePage(Page):
    """People, those whose result ended first at the top."""

    model_config = page_example(CoverageRead)

    items: list[CoverageRead]


class CandidateQuery(PageQuery):
    """Who is looked at for a seat."""

    unit_id: UUID | None = Field(default=None, description="From this unit and all below it.")
    job_kind: JobKind | None = Field(default=None, description="Holders of this kind of job only.")
    min_golongan: Golongan | None = Field(
        default=None, description="This golongan or a higher one of the same ladder."
    )
    min_education: EducationLevel | None = Field(
        default=None, description="This level of education or a higher one."
    )
    include_ineligible: bool = Field(
        default=False,
        description="Also who lacks golongan, education or a result that counts; each says what.",
    )


class Ineligibility(StrEnum):
    """What keeps somebody from the seat, whatever their levels."""

    GOLONGAN = "golongan"
    EDUCATION = "education"
    RESULT_EXPIRED = "result_expired"
    NOT_ASSESSED = "not_assessed"


class CandidateGap(Schema):
    """A competency in which the seat requires more than was found."""

    competency: str
    competency_name: str
    required: int
    actual: Levels | None = Field(description="Null where it was not measured.")
    gap: Levels | None = Field(description="Null where it was not measured.")


class CandidateRead(Schema):
    """How one person fits the seat, and why they stand where they stand."""

    model_config = example(
        {
            "rank": 1,
            "employee_id": EMPLOYEE,
            "employee_name": "Siti Rahmawati, S.E.",
            "employee_identifier": "198503122009012003",
            "position_id": POSITION,
            "unit_id": UNIT,
            "job_kind": "pengawas",
            "golongan": "III/d",
            "education": "s1",
            "result_id": RESULT,
            "assessed_on": "2025-03-02",
            "valid_until": "2028-03-02",
            "fit_percent": "96.30",
            "gaps": [
                {
                    "competency": "komunikasi",
                    "competency_name": "Komunikasi",
                    "required": 3,
                    "actual": "2.00",
                    "gap": "1.00",
                }
            ],
            "ineligible": [],
        }
    )

    rank: int = Field(description="Place in this list, from 1; equals share no place.")
    employee_id: UUID
    employee_name: str | None
    employee_identifier: str | None
    position_id: UUID | None = Field(description="Where they hold a seat now.")
    unit_id: UUID | None
    job_kind: JobKind | None
    golongan: Golongan | None
    education: EducationLevel | None
    result_id: UUID | None
    assessed_on: date | None
    valid_until: date | None
    fit_percent: Decimal = Field(
        description=(
            "Sum of levels over sum of required levels, each level at most at its required one: "
            "a surplus never hides a gap. What was not measured counts as 0."
        )
    )
    gaps: list[CandidateGap] = Field(description="Largest first; then what was not measured.")
    ineligible: list[Ineligibility]


class CandidateStandard(Schema):
    """One level that the seat requires."""

    competency: str
    competency_name: str
    required: int


class CandidatePage(Page):
    """People by fit, then fewest gaps; who holds the position already is left out."""

    model_config = example(
        {
            "position_id": POSITION,
            "title": "Kepala Subbagian Kepegawaian",
            "standard": [
                {"competency": "komunikasi", "competency_name": "Komunikasi", "required": 3}
            ],
            "refreshed_at": "2026-11-24T02:15:09.120431Z",
            "items": [CandidateRead.model_config["json_schema_extra"]["examples"][0]],  # type: ignore[index]
            "next_cursor": None,
            "total": None,
        }
    )

    position_id: UUID
    title: str
    standard: list[CandidateStandard]
    refreshed_at: datetime | None
    items: list[CandidateRead]
