"""Ending assignments: of one who moves or leaves, and of those who acted in the seat."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.organisation import Position, SeatAssignment
from app.services.structure import lock_rows
from app.services.timeline import begins, overlaps
from app.vocabulary import AssignmentKind

DEFINITIF, PLT, PLH = AssignmentKind


async def end_assignments(session: AsyncSession, employee_id: UUID, on: date) -> None:
    """Let every seat of the employee end with the day before: they leave the service.

    What was to begin on that day or later is withdrawn.
    """
    held = await assignments_of(session, employee_id, Range(on, None))
    await lock_rows(session, Position, {h.position_id for h in held})
    for assignment in await assignments_of(session, employee_id, Range(on, None)):
        await finish(session, assignment, on)


async def assignments_of(
    session: AsyncSession, employee_id: UUID, days: Range[date]
) -> Sequence[SeatAssignment]:
    """What the employee holds, for good or acting, on one of the days; as it is now."""
    wanted = select(SeatAssignment).where(
        SeatAssignment.employee_id == employee_id, overlaps(SeatAssignment, days)
    )
    ordered = wanted.order_by(begins(SeatAssignment))
    return (await session.scalars(ordered.execution_options(populate_existing=True))).all()


async def finish(session: AsyncSession, assignment: SeatAssignment, on: date) -> None:
    """Let it end with the day before; withdraw it where it was to begin then or later."""
    if assignment.kind is DEFINITIF:
        await cut(session, assignment.position_id, assignment.seat_no, PLH, Range(on, None))
    await _shorten(session, assignment, on)
    await session.flush()


async def cut(
    session: AsyncSession, position_id: UUID, seat_no: int, kind: AssignmentKind, days: Range[date]
) -> None:
    """Who acts in the seat on one of these days stops before them: its holder comes, or goes."""
    assert days.lower is not None
    acting = select(SeatAssignment).where(
        SeatAssignment.position_id == position_id,
        SeatAssignment.seat_no == seat_no,
        SeatAssignment.kind == kind,
        overlaps(SeatAssignment, days),
    )
    for assignment in (await session.scalars(acting)).all():
        await _shorten(session, assignment, days.lower)
    await session.flush()


async def _shorten(session: AsyncSession, assignment: SeatAssignment, on: date) -> None:
    if assignment.effective_from < on:
        assignment.valid = Range(assignment.effective_from, on)
    else:
        await session.delete(assignment)
