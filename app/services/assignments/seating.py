"""Which seat of a position somebody gets.

The lock on the position makes takers of its seats queue; exclusion constraints in the database
hold even without it: a seat has one definitif holder or one plt a day, nobody has two seats.
"""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    bindparam,
    exists,
    func,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import Bilingual, Conflict, FieldError, Invalid
from app.models.organisation import PositionVersion, SeatAssignment
from app.schemas.seats import AssignmentCreate
from app.services.structure import require_change_day
from app.services.timeline import overlaps
from app.vocabulary import AssignmentKind

DEFINITIF, PLT, PLH = AssignmentKind


class NoVacantSeat(Conflict):
    """Every seat is taken on one of the days."""

    code = "no_vacant_seat"
    title = Bilingual("Tidak ada kursi kosong", "There is no vacant seat")


class SeatTaken(Conflict):
    """Somebody has this seat on one of the days."""

    code = "seat_taken"
    title = Bilingual("Kursi ini sudah terisi", "This seat is taken")
    constraints = ("uq_seat_assignments_seat", "uq_seat_assignments_plh")


class NobodyToStandInFor(Conflict):
    """A plh stands in for a definitif holder, and the seat has none on one of the days."""

    code = "nobody_to_stand_in_for"
    title = Bilingual("Tidak ada pejabat definitif", "There is no definitif holder")


async def seat_for(
    session: AsyncSession, position_id: UUID, days: Range[date], new: AssignmentCreate
) -> tuple[int, bool]:
    """The number of the seat, and whether it lies beyond the seats that exist."""
    assert days.lower is not None
    fact = await require_change_day(session, PositionVersion.position_id, position_id, days.lower)
    if new.kind is PLH:
        return await _seat_to_stand_in(session, position_id, days, new.seat_no), False
    definitif = new.kind is DEFINITIF
    taken = await _taken(session, position_id, days, definitif_only=definitif)
    over = len(taken) >= fact.seats
    if over and not new.over_capacity_reason:
        detail = Bilingual(
            f"Ada {fact.seats} kursi, dan semuanya terisi pada salah satu hari itu.",
            f"There are {fact.seats} seats, and all are taken on one of those days.",
        )
        raise NoVacantSeat(detail, seats=fact.seats)
    if new.seat_no is None:
        return next(number for number in count(1) if number not in taken), over
    if new.seat_no > fact.seats:
        detail = Bilingual(f"Ada {fact.seats} kursi.", f"There are {fact.seats} seats.")
        raise Invalid(errors=[FieldError("/seat_no", "unknown", detail)])
    if new.seat_no in taken:
        raise SeatTaken
    return new.seat_no, over


async def _taken(
    session: AsyncSession, position_id: UUID, days: Range[date], *, definitif_only: bool
) -> set[int]:
    kinds = [DEFINITIF] if definitif_only else [DEFINITIF, PLT]
    numbers = select(SeatAssignment.seat_no).where(
        SeatAssignment.position_id == position_id,
        SeatAssignment.kind.in_(kinds),
        overlaps(SeatAssignment, days),
    )
    return set(await session.scalars(numbers))


async def _seat_to_stand_in(
    session: AsyncSession, position_id: UUID, days: Range[date], wanted: int | None
) -> int:
    """The lowest seat with a holder on every one of the days and no plh on any."""
    plh = aliased(SeatAssignment)
    other = exists().where(
        plh.position_id == position_id,
        plh.seat_no == SeatAssignment.seat_no,
        plh.kind == PLH,
        plh.valid.op("&&", is_comparison=True)(bindparam(None, days, type_=DATERANGE)),
    )
    candidates = select(SeatAssignment.seat_no).where(
        SeatAssignment.position_id == position_id, SeatAssignment.kind == DEFINITIF, not_(other)
    )
    if wanted is not None:
        candidates = candidates.where(SeatAssignment.seat_no == wanted)
    held_throughout = candidates.group_by(SeatAssignment.seat_no).having(
        _covers(SeatAssignment, bindparam(None, days, type_=DATERANGE))
    )
    found = await session.scalar(held_throughout.order_by(SeatAssignment.seat_no).limit(1))
    if found is None:
        raise NobodyToStandInFor
    return found


async def require_somebody_behind_plh(
    session: AsyncSession, position_id: UUID, seat_no: int
) -> None:
    """No plh of the seat without its holder. Errors: NobodyToStandInFor."""
    holder, plh = aliased(SeatAssignment), aliased(SeatAssignment)
    covered = (
        select(func.coalesce(_covers(holder, plh.valid), False))
        .where(
            and_(holder.position_id == plh.position_id, holder.seat_no == plh.seat_no),
            holder.kind == DEFINITIF,
        )
        .scalar_subquery()
    )
    alone = select(plh.id).where(
        plh.position_id == position_id, plh.seat_no == seat_no, plh.kind == PLH, not_(covered)
    )
    if await session.scalar(alone.limit(1)) is not None:
        raise NobodyToStandInFor


def _covers(fact: Any, days: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return func.range_agg(fact.valid).op("@>", is_comparison=True)(days)
