"""Seats as the API shows and takes them: how many, and who holds which."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Day, Line, Page, PageQuery, Schema, Text, example
from app.vocabulary import AssignmentKind, JobKind

POSITION = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2c10"
EMPLOYEE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2d20"


class SeatNumbers(Schema):
    """Seats counted position by position: a vacancy here doesn't hide an excess there."""

    model_config = example({"seats": 12, "filled": 10, "vacant": 3, "over_filled": 1})

    seats: Annotated[int, Field(description="Seats that exist (formasi).")]
    filled: Annotated[int, Field(description="Definitif holders; acting ones fill no seat.")]
    vacant: Annotated[int, Field(description="Seats beyond the holders.")]
    over_filled: Annotated[int, Field(description="Holders beyond the seats.")]


GROUP = {
    "positions": 3,
    "seats": 12,
    "filled": 10,
    "vacant": 3,
    "over_filled": 1,
    "overdue": 0,
    "retiring_within": [1, 1, 2, 4, 4],
    "need": "11.40",
    "positions_without_need": 0,
}


class SeatGroup(SeatNumbers):
    """The seats of some positions, when they fall vacant by retirement, and the need."""

    model_config = example(GROUP)

    positions: int
    overdue: Annotated[
        int, Field(description="Holders whose retirement date has come and who still sit.")
    ]
    retiring_within: Annotated[
        list[int],
        Field(
            min_length=5,
            max_length=5,
            description=(
                "Holders who retire within 1, 2, 3, 4 and 5 years of the day: cumulative, each "
                "number holds the one before it, and all hold the overdue. The age is that of "
                "the position held; retirement begins on the first of the next month."
            ),
        ),
    ]
    need: Annotated[
        Decimal | None,
        Field(description="Staff needed by workload (ABK), over the positions that state it."),
    ]
    positions_without_need: Annotated[
        int, Field(description="Positions whose workload is not stated.")
    ]


class JobKindSeats(SeatGroup):
    """The seats of one kind of position."""

    model_config = example({"job_kind": "administrator", **GROUP})

    job_kind: JobKind


class SeatSummary(Schema):
    """The seats of a unit, or of it and all below, on one day."""

    model_config = example(
        {
            "unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
            "as_of": "2026-11-24",
            "include_subtree": True,
            "job_kinds": [{"job_kind": "pelaksana", **GROUP}],
            "total": GROUP,
        }
    )

    unit_id: UUID
    as_of: date
    include_subtree: bool
    job_kinds: list[JobKindSeats]
    total: SeatGroup


class RetirementQuery(PageQuery):
    """Which retirements to list."""

    as_of: Annotated[Day | None, Field(description="Holders on this day; today when left out.")] = (
        None
    )
    within_years: Annotated[int, Field(ge=1, le=5, description="Years from that day.")] = 1
    include_subtree: bool = Field(default=True, description="Also of the units below.")


class RetirementRead(Schema):
    """Who leaves which position by retirement, and when."""

    assignment_id: UUID
    employee_id: UUID
    employee_name: str | None
    employee_identifier: Annotated[str | None, Field(description="NIP or NI PPPK.")]
    position_id: UUID
    position_code: str
    position_title: str
    unit_id: UUID
    retirement_age: int
    retires_on: Annotated[date, Field(description="The first day of retirement.")]


class RetirementPage(Page):
    """One page of retirements, the earliest first."""

    model_config = example(
        {
            "items": [
                {
                    "assignment_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2e30",
                    "employee_id": EMPLOYEE,
                    "employee_name": "Sri Wahyuni",
                    "employee_identifier": "196903151994032001",
                    "position_id": POSITION,
                    "position_code": "DISDIK-ANALIS",
                    "position_title": "Analis Sumber Daya Manusia",
                    "unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
                    "retirement_age": 58,
                    "retires_on": "2027-04-01",
                }
            ],
            "next_cursor": None,
            "total": None,
        }
    )

    items: list[RetirementRead]


class AssignmentCreate(Schema):
    """Somebody takes a seat, for good or acting."""

    model_config = example(
        {
            "employee_id": EMPLOYEE,
            "kind": "definitif",
            "effective_from": "2026-12-01",
            "decree_no": "800.1.3/112/2026",
            "end_current": True,
        }
    )

    employee_id: UUID
    kind: AssignmentKind
    effective_from: Day
    effective_until: Annotated[
        Day | None, Field(description="The first day without it; left out while it has no end.")
    ] = None
    decree_no: Line | None = None
    seat_no: Annotated[
        int | None,
        Field(ge=1, le=20_000, description="For plt and plh; the lowest that fits if left out."),
    ] = None
    end_current: Annotated[
        bool,
        Field(description="End the seat that the employee holds for good on the day before."),
    ] = False
    over_capacity_reason: Annotated[
        Text | None,
        Field(description="Place the employee although every seat is taken, and say why."),
    ] = None

    @model_validator(mode="after")
    def _days_in_order(self) -> "AssignmentCreate":
        check_days(self.effective_from, self.effective_until)
        return self

    @model_validator(mode="after")
    def _only_where_it_means_something(self) -> "AssignmentCreate":
        definitif = self.kind is AssignmentKind.DEFINITIF
        if definitif and self.seat_no is not None:
            raise PydanticCustomError(
                "seat_no_of_acting",
                "A definitif holder gets the lowest free seat; leave seat_no out.",
                {"indonesian": "Pemangku definitif mendapat kursi kosong terendah; kosongkan."},
            )
        if not definitif and (self.end_current or self.over_capacity_reason):
            raise PydanticCustomError(
                "only_definitif",
                "end_current and over_capacity_reason belong to a definitif assignment.",
                {"indonesian": "end_current dan over_capacity_reason hanya untuk definitif."},
            )
        return self


def check_days(begin: date, until: date | None) -> None:
    """Errors: PydanticCustomError where a range of days has none."""
    if until is not None and until <= begin:
        raise PydanticCustomError(
            "days_out_of_order",
            "effective_until must be later than effective_from.",
            {"indonesian": "effective_until harus sesudah effective_from."},
        )


class AssignmentUpdate(Schema):
    """What changes of an assignment; what is left out stays."""

    model_config = example({"effective_until": "2027-01-01"})

    effective_from: Day | None = None
    effective_until: Annotated[
        Day | None, Field(description="The first day without it; null opens it again.")
    ] = None
    decree_no: Line | None = None


ASSIGNMENT = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2e30",
    "employee_id": EMPLOYEE,
    "employee_name": "Sri Wahyuni",
    "employee_identifier": "198003152005032001",
    "position_id": POSITION,
    "seat_no": 1,
    "kind": "definitif",
    "decree_no": "800.1.3/112/2026",
    "over_capacity_reason": None,
    "effective_from": "2026-12-01",
    "effective_until": None,
    "version": 1,
}


class AssignmentRead(Schema):
    """Who holds, held or will hold a seat of the position, over which days."""

    model_config = example(ASSIGNMENT)

    id: UUID
    employee_id: UUID
    employee_name: Annotated[str | None, Field(description="On the day asked for, or today.")]
    employee_identifier: Annotated[str | None, Field(description="NIP or NI PPPK.")]
    position_id: UUID
    seat_no: int
    kind: AssignmentKind
    decree_no: str | None
    over_capacity_reason: str | None
    effective_from: date
    effective_until: date | None
    version: int


class AssignmentPage(Page):
    """One page of assignments, the latest first."""

    model_config = example({"items": [ASSIGNMENT], "next_cursor": None, "total": None})

    items: list[AssignmentRead]


class AssignmentQuery(PageQuery):
    """Which assignments to list."""

    as_of: Annotated[
        Day | None, Field(description="Those of this day; the whole history when left out.")
    ] = None
