"""Who held, holds and will hold the seats of a position, as far as the actor may see."""

from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, Select, Uuid, bindparam, func, select, tuple_

from app.access.actors import Actor
from app.access.organisation import Sight, sight, viewer, visible_holder
from app.calendar import today
from app.database import Reader
from app.errors import NotFound
from app.models.organisation import Position, SeatAssignment
from app.pagination import decode_cursor, encode_cursor
from app.schemas.seats import AssignmentPage, AssignmentQuery, AssignmentRead
from app.services.seats import person, with_person
from app.services.timeline import begins, ends, holds

ORDER = "assignments"
POSITION_ID = bindparam("position_id", type_=Uuid())


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
        SeatAssignment.position_id == POSITION_ID, visible_holder(seen, SeatAssignment.employee_id)
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
