"""Positions (jabatan) as the API shows and takes them."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Code, Day, Line, Page, PageQuery, Schema, example
from app.schemas.seats import ASSIGNMENT, POSITION, AssignmentRead, SeatNumbers
from app.schemas.units import DINAS, EffectiveFrom, nothing_to_change
from app.vocabulary import Jenjang, JobKind

Amount = Annotated[
    Decimal,
    Field(gt=0, max_digits=9, decimal_places=2),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,7}(\.\d{1,2})?$"}),
]
Seats = Annotated[int, Field(ge=0, le=10_000, description="Seats that exist (formasi).")]
JobClass = Annotated[int, Field(ge=1, le=17, description="Kelas jabatan.")]


class WorkloadTask(Schema):
    """One task of an ABK: how often in a year, and how long each time."""

    model_config = example({"task": "Menyusun laporan", "volume": "240", "minutes": "90"})

    task: Line
    volume: Annotated[Amount, Field(description="Times in a year.")]
    minutes: Annotated[Amount, Field(description="Minutes for one.")]


class OwnRetirementAge(Schema):
    """An age that the position's own regulation sets, in place of the rule pack's."""

    model_config = example({"age": 65, "basis": "UU 14/2005 pasal 67"})

    age: Annotated[int, Field(ge=50, le=70)]
    basis: Annotated[Line, Field(description="The regulation that sets it.")]


Workload = Annotated[list[WorkloadTask], Field(max_length=200)]


class PositionCreate(Schema):
    """A new position."""

    model_config = example(
        {
            "code": "DISDIK-ANALIS",
            "unit_id": DINAS,
            "title": "Analis Sumber Daya Manusia",
            "job_kind": "fungsional",
            "jenjang": "ahli_muda",
            "job_class": 9,
            "seats": 3,
            "workload": [{"task": "Menyusun laporan", "volume": "240", "minutes": "90"}],
            "effective_from": "2026-01-01",
        }
    )

    code: Annotated[Code, Field(description="Kept for life.")]
    unit_id: UUID
    title: Line
    job_kind: JobKind
    jenjang: Jenjang | None = None
    job_class: JobClass | None = None
    seats: Seats = 1
    workload: Workload = Field(default_factory=list)
    own_retirement_age: OwnRetirementAge | None = None
    effective_from: EffectiveFrom

    @model_validator(mode="after")
    def _jenjang_of_fungsional(self) -> "PositionCreate":
        if (self.job_kind is JobKind.FUNGSIONAL) != (self.jenjang is not None):
            raise jenjang_mismatch()
        return self


def jenjang_mismatch() -> PydanticCustomError:
    """The error of a fungsional position without jenjang, or another one with it."""
    return PydanticCustomError(
        "jenjang_of_fungsional",
        "A fungsional position has a jenjang, no other has one.",
        {"indonesian": "Jabatan fungsional mempunyai jenjang, yang lain tidak."},
    )


class PositionUpdate(Schema):
    """What changes from a day on; what is left out stays, null empties what may be empty."""

    model_config = example({"seats": 4, "effective_from": "2026-07-01"})

    unit_id: UUID | None = None
    title: Line | None = None
    job_kind: JobKind | None = None
    jenjang: Jenjang | None = None
    job_class: JobClass | None = None
    seats: Seats | None = None
    workload: Workload | None = None
    own_retirement_age: Annotated[
        OwnRetirementAge | None, Field(description="Null goes back to the rule pack's age.")
    ] = None
    effective_from: EffectiveFrom

    @field_validator("unit_id", "title", "job_kind", "seats", mode="after")
    @classmethod
    def _never_empty(cls, value: object) -> object:
        if value is None:
            raise PydanticCustomError(
                "null_not_allowed",
                "Can't be emptied; leave it out.",
                {"indonesian": "Tidak dapat dikosongkan; jangan disebut."},
            )
        return value

    @model_validator(mode="after")
    def _changes_something(self) -> "PositionUpdate":
        if self.model_fields_set <= {"effective_from"}:
            raise nothing_to_change()
        return self


class PositionClose(Schema):
    """The day from which the position is no more."""

    model_config = example({"effective_from": "2027-01-01"})

    effective_from: Annotated[Day, Field(description="The first day without the position.")]


POSITION_ITEM = {
    "id": POSITION,
    "code": "DISDIK-ANALIS",
    "unit_id": DINAS,
    "unit_name": "Dinas Pendidikan",
    "title": "Analis Sumber Daya Manusia",
    "job_kind": "fungsional",
    "jenjang": "ahli_muda",
    "job_class": 9,
    "retirement_age": 58,
    "retirement_age_rule": "bup-fungsional-pp-11-2017@1",
    "seats": 3,
    "filled": 1,
    "vacant": 2,
    "over_filled": 0,
    "workload_need": "0.29",
    "workload_rule": "abk-permenpanrb-1-2020@1",
    "effective_from": "2026-01-01",
    "effective_until": None,
    "version": 1,
}


class PositionRead(SeatNumbers):
    """A position on one day. The days are those over which these facts hold."""

    model_config = example(POSITION_ITEM)

    id: UUID
    code: str
    unit_id: UUID
    unit_name: str | None
    title: str
    job_kind: JobKind
    jenjang: Jenjang | None
    job_class: int | None
    retirement_age: Annotated[int, Field(description="BUP, in years.")]
    retirement_age_rule: Annotated[
        str, Field(description="Rule pack and version that gave the age, or `own: ` and its basis.")
    ]
    workload_need: Annotated[Decimal | None, Field(description="Staff needed by workload (ABK).")]
    workload_rule: str | None
    effective_from: date
    effective_until: date | None
    version: int


class Staffing(Schema):
    """Need against seats and holders (PermenPANRB 1/2020)."""

    model_config = example(
        {
            "need": "0.29",
            "seats_beyond_need": "2.71",
            "effectiveness": "0.29",
            "achievement": "E",
            "rule": "abk-permenpanrb-1-2020@1",
        }
    )

    need: Decimal
    seats_beyond_need: Annotated[Decimal, Field(description="Seats less need.")]
    effectiveness: Annotated[
        Decimal | None,
        Field(description="EJ: workload over the holders' working time; null without holders."),
    ]
    achievement: Annotated[str | None, Field(description="PEJ, A to E.")]
    rule: Annotated[str, Field(description="Rule pack and version of EJ and PEJ.")]


class PositionDetail(PositionRead):
    """A position with its workload, and those of its holders whom the caller may see."""

    model_config = example(
        {
            **POSITION_ITEM,
            "workload": [{"task": "Menyusun laporan", "volume": "240", "minutes": "90"}],
            "staffing": {
                "need": "0.29",
                "seats_beyond_need": "2.71",
                "effectiveness": "0.29",
                "achievement": "E",
                "rule": "abk-permenpanrb-1-2020@1",
            },
            "holders": [ASSIGNMENT],
        }
    )

    workload: list[WorkloadTask]
    staffing: Annotated[Staffing | None, Field(description="Null where no workload is stated.")]
    holders: list[AssignmentRead]


class PositionPage(Page):
    """One page of positions, by code."""

    model_config = example({"items": [POSITION_ITEM], "next_cursor": None, "total": None})

    items: list[PositionRead]


class PositionQuery(PageQuery):
    """Filters of the list of positions."""

    as_of: Annotated[
        Day | None, Field(description="Show the state on this day; today when left out.")
    ] = None
    unit_id: UUID | None = Field(default=None, description="In this unit.")
    include_subtree: Annotated[
        bool, Field(description="Positions of the units below `unit_id` too.")
    ] = False
    job_kind: JobKind | None = Field(default=None, description="Of this kind only.")
    jenjang: Jenjang | None = Field(default=None, description="Of this jenjang only.")
    vacant: Annotated[bool, Field(description="Only positions with a vacant seat.")] = False
    q: Annotated[Line | None, Field(description="Part of the title.")] = None


class PositionVersionRead(Schema):
    """What held of a position over some days."""

    unit_id: UUID
    unit_name: Annotated[str | None, Field(description="On the first of the days.")]
    title: str
    job_kind: JobKind
    jenjang: Jenjang | None
    job_class: int | None
    retirement_age: int
    retirement_age_rule: str
    seats: int
    workload_need: Decimal | None
    workload_rule: str | None
    effective_from: date
    effective_until: date | None


class PositionHistory(Schema):
    """Everything that held of a position, newest first."""

    model_config = example(
        {
            "id": POSITION,
            "code": "DISDIK-ANALIS",
            "versions": [
                {
                    "unit_id": DINAS,
                    "unit_name": "Dinas Pendidikan",
                    "title": "Analis Sumber Daya Manusia",
                    "job_kind": "fungsional",
                    "jenjang": "ahli_muda",
                    "job_class": 9,
                    "retirement_age": 58,
                    "retirement_age_rule": "bup-fungsional-pp-11-2017@1",
                    "seats": 3,
                    "workload_need": "0.29",
                    "workload_rule": "abk-permenpanrb-1-2020@1",
                    "effective_from": "2026-01-01",
                    "effective_until": None,
                }
            ],
        }
    )

    id: UUID
    code: str
    versions: list[PositionVersionRead]
