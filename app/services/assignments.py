"""Who holds which seat, over which days.

The lock on the position makes takers of its seats queue; exclusion constraints in the database
hold even without it: a seat has one definitif holder or one plt a day, nobody has two seats.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    SQLColumnExpression,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    not_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.actors import Actor
from app.access.organisation import (
    Sight,
    can_see_holder,
    require_sight_of_holders,
    sight,
    viewer,
    visible_holder,
)
from app.calendar import today
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.employees import Employee, EmployeeStatus
from app.models.organisation import Position, PositionVersion, SeatAssignment
from app.pagination import decode_cursor, encode_cursor
from app.schemas.seats import (
    AssignmentCreate,
    AssignmentPage,
    AssignmentQuery,
    AssignmentRead,
    AssignmentUpdate,
)
from app.services.employees.aggregate import NotEmployed
from app.services.seats import person, with_person
from app.services.structure import lock_rows, require_change_day, require_in_force
from app.services.timeline import begins, ends, holds, overlaps
from app.vocabulary import AssignmentKind

ORDER = "assignments"
DEFINITIF, PLT, PLH = AssignmentKind
POSITION_ID = bindparam("position_id", type_=Uuid())


class NoVacantSeat(Conflict):
    """Every seat is taken on one of the days."""

    code = "no_vacant_seat"
    title = Bilingual("Tidak ada kursi kosong", "There is no vacant seat")


class SeatTaken(Conflict):
    """Somebody has this seat on one of the days."""

    code = "seat_taken"
    title = Bilingual("Kursi ini sudah terisi", "This seat is taken")
    constraints = ("uq_seat_assignments_seat", "uq_seat_assignments_plh")


class AlreadyPlaced(Conflict):
    """The employee holds a seat for good on one of the days; `position` names it."""

    code = "already_placed"
    title = Bilingual("Pegawai sudah menduduki jabatan", "The employee holds a position already")
    constraints = ("uq_seat_assignments_employee_id",)


class NobodyToStandInFor(Conflict):
    """A plh stands in for a definitif holder, and the seat has none on one of the days."""

    code = "nobody_to_stand_in_for"
    title = Bilingual("Tidak ada pejabat definitif", "There is no definitif holder")


# --- reading ----------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _page(seen: Sight, *, day: bool, after: bool) -> Select[Any]:
    chosen = _chosen(seen, day=day)
    if after:
        mark = tuple_(bindparam("after_day", type_=Date), bindparam("after_id", type_=Uuid()))
        chosen = chosen.where(tuple_(begins(SeatAssignment), SeatAssignment.id) < mark)
    chosen = chosen.order_by(begins(SeatAssignment).desc(), SeatAssignment.id.desc())
    page = chosen.limit(bindparam("limit", type_=Integer)).subquery("page")
    named: Select[Any] = with_person(page)
    return named.order_by(page.c.effective_from.desc(), page.c.id.desc())


@lru_cache(maxsize=8)
def _count(seen: Sight, *, day: bool) -> Select[Any]:
    return select(func.count()).select_from(_chosen(seen, day=day).subquery())


@lru_cache(maxsize=4)
def _one(seen: Sight) -> Select[Any]:
    chosen = _chosen(seen, day=False)
    chosen = chosen.where(SeatAssignment.id == bindparam("assignment_id", type_=Uuid()))
    return with_person(chosen.subquery("page"))


def _chosen(seen: Sight, *, day: bool) -> Select[*tuple[Any, ...]]:
    """Assignments of the position `:position_id` that somebody with this sight may see."""
    columns = (
        SeatAssignment.id,
        SeatAssignment.employee_id,
        SeatAssignment.position_id,
        SeatAssignment.seat_no,
        SeatAssignment.kind,
        SeatAssignment.decree_no,
        SeatAssignment.over_capacity_reason,
        begins(SeatAssignment).label("effective_from"),
        ends(SeatAssignment).label("effective_until"),
        SeatAssignment.version,
    )
    chosen = select(*columns).where(
        SeatAssignment.position_id == POSITION_ID,
        visible_holder(seen, SeatAssignment.employee_id),
    )
    return chosen.where(holds(SeatAssignment)) if day else chosen


_POSITION = select(Position.id).where(Position.id == POSITION_ID)


async def list_assignments(
    reader: Reader, actor: Actor, position_id: UUID, query: AssignmentQuery
) -> AssignmentPage:
    """Who held, holds and will hold the seats, the latest first. Errors: NotFound."""
    if await reader.value(_POSITION, position_id=position_id) is None:
        raise NotFound
    seen, day = sight(actor), query.as_of is not None
    values: dict[str, Any] = {"position_id": position_id, "as_of": query.as_of or today()}
    values |= viewer(actor)
    total = None
    if query.include_total:
        total = await reader.value(_count(seen, day=day), **values)
    if query.cursor:
        mark = decode_cursor(query.cursor, ORDER, (date, UUID))
        values |= {"after_day": mark[0], "after_id": mark[1]}
    statement = _page(seen, day=day, after=bool(query.cursor))
    rows = await reader.all(statement, limit=query.limit + 1, **values)
    items = [AssignmentRead(**person(row)) for row in rows[: query.limit]]
    reader.reveals([item.employee_id for item in items])
    cursor = None
    if len(rows) > query.limit:
        cursor = encode_cursor(ORDER, [items[-1].effective_from, items[-1].id])
    return AssignmentPage(items=items, next_cursor=cursor, total=total)


async def holders(
    reader: Reader, actor: Actor, position_id: UUID, as_of: date
) -> list[AssignmentRead]:
    """Up to 200 holders on that day whom the actor may see, by seat."""
    statement = _page(sight(actor), day=True, after=False)
    values = {"position_id": position_id, "as_of": as_of, "limit": 200, **viewer(actor)}
    rows = await reader.all(statement, **values)
    found = [AssignmentRead(**person(row)) for row in rows]
    reader.reveals([holder.employee_id for holder in found])
    return sorted(found, key=lambda holder: (holder.seat_no, holder.kind))


async def read_assignment(
    reader: Reader, actor: Actor, position_id: UUID, assignment_id: UUID
) -> AssignmentRead:
    """One assignment. Errors: NotFound."""
    values = {"position_id": position_id, "assignment_id": assignment_id, "as_of": today()}
    row = await reader.one(_one(sight(actor)), **values, **viewer(actor))
    if row is None:
        raise NotFound
    reader.reveals([row["employee_id"]])
    return AssignmentRead(**person(row))


# --- placing ----------------------------------------------------------------------------


async def assign(
    session: AsyncSession, actor: Actor, position_id: UUID, new: AssignmentCreate
) -> AssignmentRead:
    """Give the employee a seat of the position.

    A definitif holder gets the lowest free number, and ends the seat's plt with the day before.
    Where every seat is taken, `over_capacity_reason` places the employee beyond them.
    Errors: NotFound, Invalid, NotEmployed, NotInForce, AlreadyPlaced, NoVacantSeat, SeatTaken,
    NobodyToStandInFor; Forbidden for a script that may not see holders.
    """
    require_sight_of_holders(actor)
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
    seat_no, over = await _seat(session, position_id, days, new)
    if definitif:
        await _cut(session, position_id, seat_no, PLT, new.effective_from)
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
            await _cut(session, position_id, assignment.seat_no, PLH, days.upper)
        assignment.valid = days
    if "decree_no" in change.model_fields_set:
        assignment.decree_no = change.decree_no
    await session.flush()
    await _require_somebody_behind_plh(session, position_id, assignment.seat_no)
    return await read_assignment(SessionReader(session), actor, position_id, assignment_id)


async def end_assignments(session: AsyncSession, employee_id: UUID, on: date) -> None:
    """Let every seat of the employee end with the day before: they leave the service.

    What was to begin on that day or later is withdrawn.
    """
    held = await _assignments_of(session, employee_id, Range(on, None))
    await lock_rows(session, Position, {h.position_id for h in held})
    for assignment in await _assignments_of(session, employee_id, Range(on, None)):
        await _finish(session, assignment, on)


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


# --- leaving ----------------------------------------------------------------------------


async def _assignments_of(
    session: AsyncSession, employee_id: UUID, days: Range[date]
) -> Sequence[SeatAssignment]:
    wanted = select(SeatAssignment).where(
        SeatAssignment.employee_id == employee_id, overlaps(SeatAssignment, days)
    )
    ordered = wanted.order_by(begins(SeatAssignment))
    return (await session.scalars(ordered.execution_options(populate_existing=True))).all()


async def _held(
    session: AsyncSession, employee_id: UUID, days: Range[date]
) -> list[SeatAssignment]:
    """What the employee holds for good on one of the days."""
    found = await _assignments_of(session, employee_id, days)
    return [assignment for assignment in found if assignment.kind is DEFINITIF]


async def _leave(
    session: AsyncSession, held: Sequence[SeatAssignment], new: AssignmentCreate
) -> None:
    """End what the employee holds with the day before the new seat. Errors: AlreadyPlaced."""
    for assignment in held:
        if not new.end_current or assignment.effective_from >= new.effective_from:
            raise await _already_placed(session, assignment, new.effective_from)
        await _finish(session, assignment, new.effective_from)


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


async def _finish(session: AsyncSession, assignment: SeatAssignment, on: date) -> None:
    """Let it end with the day before; withdraw it where it was to begin then or later."""
    if assignment.kind is DEFINITIF:
        await _cut(session, assignment.position_id, assignment.seat_no, PLH, on)
    await _shorten(session, assignment, on)
    await session.flush()


async def _shorten(session: AsyncSession, assignment: SeatAssignment, on: date) -> None:
    if assignment.effective_from < on:
        assignment.valid = Range(assignment.effective_from, on)
    else:
        await session.delete(assignment)


async def _cut(
    session: AsyncSession, position_id: UUID, seat_no: int, kind: AssignmentKind, on: date
) -> None:
    """Those who act in the seat stop with the day before: its holder comes, or goes."""
    acting = select(SeatAssignment).where(
        SeatAssignment.position_id == position_id,
        SeatAssignment.seat_no == seat_no,
        SeatAssignment.kind == kind,
        overlaps(SeatAssignment, Range(on, None)),
    )
    for assignment in (await session.scalars(acting)).all():
        await _shorten(session, assignment, on)
    await session.flush()


# --- which seat -------------------------------------------------------------------------


async def _seat(
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
        SeatAssignment.position_id == position_id,
        SeatAssignment.kind == DEFINITIF,
        not_(other),
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


def _covers(fact: Any, days: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return func.range_agg(fact.valid).op("@>", is_comparison=True)(days)


async def _require_somebody_behind_plh(
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
