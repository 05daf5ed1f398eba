"""Giving an employee a seat, and correcting what was recorded of it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, bindparam, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.employees import require_another
from app.access.organisation import can_see_holder, require_sight_of_holders
from app.calendar import now
from app.database import SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.employees import Employee, EmployeeStatus
from app.models.organisation import Position, PositionVersion, SeatAssignment
from app.schemas.seats import AssignmentCreate, AssignmentRead, AssignmentUpdate
from app.services.assignments.leaving import assignments_of, cut, finish
from app.services.assignments.reading import read_assignment
from app.services.assignments.seating import require_somebody_behind_plh, seat_for
from app.services.employees.aggregate import NotEmployed
from app.services.structure import lock_rows, require_change_day, require_in_force
from app.services.timeline import holds
from app.vocabulary import AssignmentKind

DEFINITIF, PLT, PLH = AssignmentKind


class AlreadyPlaced(Conflict):
    """The employee holds a seat for good on one of the days; `position` names it."""

    code = "already_placed"
    title = Bilingual("Pegawai sudah menduduki jabatan", "The employee holds a position already")
    constraints = ("uq_seat_assignments_employee_id",)


async def assign(
    session: AsyncSession, actor: Actor, position_id: UUID, new: AssignmentCreate
) -> AssignmentRead:
    """Give the employee a seat of the position.

    A definitif holder gets the lowest free number, and ends the seat's plt with the day before.
    Where every seat is taken, `over_capacity_reason` places the employee beyond them.
    Errors: NotFound, Invalid, NotEmployed, NotInForce, AlreadyPlaced, NoVacantSeat, SeatTaken,
    NobodyToStandInFor; OwnRecord; Forbidden for a script that may not see holders.
    """
    require_sight_of_holders(actor)
    require_another(actor, new.employee_id)
    days = Range(new.effective_from, new.effective_until)
    await _require_employed(session, new.employee_id, new.effective_from)
    definitif = new.kind is DEFINITIF
    held = await _held(session, new.employee_id, days) if definitif else []
    locked = await lock_rows(session, Position, {position_id, *(h.position_id for h in held)})
    if position_id not in locked:
        raise NotFound
    if held:
        await _leave(session, await _held(session, new.employee_id, days), new)
    await require_in_force(session, PositionVersion.position_id, position_id, days)
    seat_no, over = await seat_for(session, position_id, days, new)
    if definitif:
        await cut(session, position_id, seat_no, PLT, days)
    assignment = SeatAssignment(
        employee_id=new.employee_id,
        position_id=position_id,
        seat_no=seat_no,
        kind=new.kind,
        decree_no=new.decree_no,
        over_capacity_reason=new.over_capacity_reason if over else None,
        valid=days,
    )
    session.add(assignment)
    await session.flush()
    return await read_assignment(SessionReader(session), actor, position_id, assignment.id)


async def update_assignment(
    session: AsyncSession,
    actor: Actor,
    position_id: UUID,
    assignment_id: UUID,
    expected_version: int,
    change: AssignmentUpdate,
) -> AssignmentRead:
    """End an assignment, open it again, or correct its days or its decree.

    The plh of a holder who leaves ends with them. Errors: NotFound, StaleVersion, Invalid,
    NotInForce, SeatTaken, AlreadyPlaced, NobodyToStandInFor.
    """
    assignment = await _mine(session, actor, position_id, assignment_id)
    if assignment.version != expected_version:
        raise StaleVersion
    days = _changed_days(assignment, change)
    if days != assignment.valid:
        await require_in_force(session, PositionVersion.position_id, position_id, days)
        if assignment.kind is DEFINITIF and days.upper is not None:
            await cut(session, position_id, assignment.seat_no, PLH, Range(days.upper, None))
        assignment.valid = days
    if "decree_no" in change.model_fields_set:
        assignment.decree_no = change.decree_no
    assignment.updated_at = now()  # what changes nothing still shows the holder: an event
    await session.flush()
    await require_somebody_behind_plh(session, position_id, assignment.seat_no)
    return await read_assignment(SessionReader(session), actor, position_id, assignment_id)


async def _mine(
    session: AsyncSession, actor: Actor, position_id: UUID, assignment_id: UUID
) -> SeatAssignment:
    """The assignment, with its position locked, if it exists for the actor."""
    await lock_rows(session, Position, {position_id})
    assignment = await session.get(SeatAssignment, assignment_id, with_for_update=True)
    if assignment is None or assignment.position_id != position_id:
        raise NotFound
    if not can_see_holder(actor, assignment.employee_id):
        raise NotFound
    return assignment


def _changed_days(assignment: SeatAssignment, change: AssignmentUpdate) -> Range[date]:
    begin = change.effective_from or assignment.effective_from
    until = assignment.effective_until
    if "effective_until" in change.model_fields_set:
        until = change.effective_until
    if until is not None and until <= begin:
        detail = Bilingual("Harus sesudah effective_from.", "Must be later than effective_from.")
        raise Invalid(errors=[FieldError("/effective_until", "days_out_of_order", detail)])
    return Range(begin, until)


async def _require_employed(session: AsyncSession, employee_id: UUID, on: date) -> None:
    """In service on that day, and not being separated meanwhile. Errors: Invalid, NotEmployed."""
    shared = {"read": True}
    if await session.get(Employee, employee_id, with_for_update=shared) is None:
        detail = Bilingual("Pegawai tidak dikenal.", "Unknown employee.")
        raise Invalid(errors=[FieldError("/employee_id", "unknown", detail)])
    day = bindparam(None, on, type_=Date)
    status = select(EmployeeStatus.id).where(
        EmployeeStatus.employee_id == employee_id, holds(EmployeeStatus, day)
    )
    if await session.scalar(status) is None:
        raise NotEmployed


async def _held(
    session: AsyncSession, employee_id: UUID, days: Range[date]
) -> list[SeatAssignment]:
    """What the employee holds for good on one of the days."""
    found = await assignments_of(session, employee_id, days)
    return [assignment for assignment in found if assignment.kind is DEFINITIF]


async def _leave(
    session: AsyncSession, held: Sequence[SeatAssignment], new: AssignmentCreate
) -> None:
    """End what the employee holds with the day before the new seat. Errors: AlreadyPlaced."""
    for assignment in held:
        if not new.end_current or assignment.effective_from >= new.effective_from:
            raise await _already_placed(session, assignment, new.effective_from)
        await finish(session, assignment, new.effective_from)


async def _already_placed(
    session: AsyncSession, assignment: SeatAssignment, on: date
) -> AlreadyPlaced:
    day = max(on, assignment.effective_from)
    position = await session.get_one(Position, assignment.position_id)
    fact = await require_change_day(session, PositionVersion.position_id, position.id, day)
    detail = Bilingual(
        f"Menduduki {fact.title} ({position.code}) sejak {assignment.effective_from}.",
        f"Holds {fact.title} ({position.code}) since {assignment.effective_from}.",
    )
    named = {"id": position.id, "code": position.code, "title": fact.title}
    return AlreadyPlaced(detail, position=named, assignment_id=assignment.id)
