"""Units: the government's tree, as of any day. How many seats it has stands in `seats`."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.calendar import today
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, NotFound, StaleVersion
from app.models.base import Word
from app.models.organisation import (
    Position,
    PositionVersion,
    Unit,
    UnitSuccession,
    UnitVersion,
)
from app.pagination import decode_cursor, encode_cursor
from app.schemas.units import (
    SuccessionRead,
    UnitClose,
    UnitCreate,
    UnitHistory,
    UnitMerge,
    UnitMerged,
    UnitMove,
    UnitPage,
    UnitQuery,
    UnitRead,
    UnitUpdate,
    UnitVersionRead,
)
from app.services import timeline
from app.services.structure import (
    UNIT_ID,
    containing,
    from_then_on,
    lock_structure,
    raise_versions,
    require_change_day,
    require_ending_day,
    require_in_force,
    require_known,
    since,
)
from app.services.timeline import begins, ends, holds
from app.vocabulary import SuccessionKind, UnitKind

ORDER = "units:code"


class UnitCodeTaken(Conflict):
    """Another unit has, or had, this code."""

    code = "unit_code_taken"
    title = Bilingual("Kode unit sudah dipakai", "The unit code is taken")
    constraints = ("uq_units_code",)


class RootExists(Conflict):
    """Two units without a parent on one day."""

    code = "root_exists"
    title = Bilingual("Unit puncak sudah ada", "There is a root unit already")
    constraints = ("uq_unit_versions_root",)


class WouldBeCycle(Conflict):
    """A unit would stand under itself."""

    code = "unit_cycle"
    title = Bilingual(
        "Unit akan berada di bawah dirinya sendiri", "The unit would stand under itself"
    )
    constraints = ("ck_unit_versions_not_its_own_parent",)


class UnitInUse(Conflict):
    """Units or positions stand in it; `blocking` names them."""

    code = "unit_in_use"
    title = Bilingual("Unit masih dipakai", "The unit is still in use")


# --- reading ----------------------------------------------------------------------------

_UNITS = (
    select(
        Unit.id,
        Unit.code,
        UnitVersion.name,
        UnitVersion.kind,
        UnitVersion.parent_id,
        begins(UnitVersion).label("effective_from"),
        ends(UnitVersion).label("effective_until"),
        Unit.version,
    )
    .join(UnitVersion, UnitVersion.unit_id == Unit.id)
    .where(holds(UnitVersion))
)
_ONE = _UNITS.where(Unit.id == UNIT_ID)
_THESE = _UNITS.where(Unit.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))))
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "kind": UnitVersion.kind == bindparam("kind", type_=Word(UnitKind)),
    "parent_id": UnitVersion.parent_id == bindparam("parent_id", type_=Uuid()),
    "q": or_(
        UnitVersion.name.ilike(bindparam("q", type_=String)),
        Unit.code.ilike(bindparam("q", type_=String)),
    ),
    "after": Unit.code > bindparam("after", type_=String),
}


@lru_cache(maxsize=64)
def _page(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    chosen: Select[*tuple[Any, ...]] = _UNITS.where(*(_FILTERS[name] for name in sorted(filters)))
    return chosen.order_by(Unit.code).limit(bindparam("limit", type_=Integer))


@lru_cache(maxsize=64)
def _count(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    chosen = _UNITS.where(*(_FILTERS[name] for name in sorted(filters)))
    return select(func.count()).select_from(chosen.subquery())


async def read_unit(reader: Reader, unit_id: UUID, as_of: date) -> UnitRead:
    """The unit as it is on that day. Errors: NotFound where it is not in force then."""
    row = await reader.one(_ONE, unit_id=unit_id, as_of=as_of)
    if row is None:
        raise NotFound
    return UnitRead(**row)


async def read_units(reader: Reader, ids: Sequence[UUID], as_of: date) -> list[UnitRead]:
    """Those of these units that are in force on that day; in any order."""
    return [UnitRead(**row) for row in await reader.all(_THESE, ids=ids, as_of=as_of)]


async def list_units(reader: Reader, query: UnitQuery) -> UnitPage:
    """Units in force on the day, by code."""
    given: dict[str, object] = {
        "kind": query.kind,
        "parent_id": query.parent_id,
        "q": containing(query.q) if query.q else None,
    }
    given = {name: value for name, value in given.items() if value is not None}
    day = query.as_of or today()
    total = None
    if query.include_total:
        total = await reader.value(_count(frozenset(given)), as_of=day, **given)
    if query.cursor:
        (given["after"],) = decode_cursor(query.cursor, ORDER, (str,))
    rows = await reader.all(_page(frozenset(given)), as_of=day, limit=query.limit + 1, **given)
    items = [UnitRead(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [items[-1].code]) if more else None
    return UnitPage(items=items, next_cursor=cursor, total=total)


_CODE = select(Unit.code).where(Unit.id == UNIT_ID)
_VERSIONS = (
    select(
        UnitVersion.name,
        UnitVersion.kind,
        UnitVersion.parent_id,
        begins(UnitVersion).label("effective_from"),
        ends(UnitVersion).label("effective_until"),
    )
    .where(UnitVersion.unit_id == UNIT_ID)
    .order_by(begins(UnitVersion).desc())
)
_From, _To = aliased(Unit), aliased(Unit)
_SUCCESSIONS = (
    select(
        UnitSuccession.kind,
        UnitSuccession.from_unit_id,
        _From.code.label("from_unit_code"),
        UnitSuccession.to_unit_id,
        _To.code.label("to_unit_code"),
        UnitSuccession.on_date,
        UnitSuccession.legal_basis,
    )
    .join(_From, _From.id == UnitSuccession.from_unit_id)
    .join(_To, _To.id == UnitSuccession.to_unit_id)
    .where(or_(UnitSuccession.from_unit_id == UNIT_ID, UnitSuccession.to_unit_id == UNIT_ID))
    .order_by(UnitSuccession.on_date.desc(), UnitSuccession.id.desc())
)


async def read_history(reader: Reader, unit_id: UUID) -> UnitHistory:
    """Every name, kind and place that the unit has had or will have. Errors: NotFound."""
    code = await reader.value(_CODE, unit_id=unit_id)
    if code is None:
        raise NotFound
    versions = await reader.all(_VERSIONS, unit_id=unit_id)
    successions = await reader.all(_SUCCESSIONS, unit_id=unit_id)
    return UnitHistory(
        id=unit_id,
        code=code,
        versions=[UnitVersionRead(**row) for row in versions],
        successions=[SuccessionRead(**row) for row in successions],
    )


# --- changing ---------------------------------------------------------------------------


async def create_unit(session: AsyncSession, new: UnitCreate) -> UnitRead:
    """A unit that exists from `effective_from` on.

    Errors: UnitCodeTaken, RootExists, Invalid or NotInForce for its parent.
    """
    await lock_structure(session)
    unit = Unit(code=new.code)
    session.add(unit)
    await session.flush()
    place = {"name": new.name, "kind": new.kind, "parent_id": new.parent_id}
    await _record(session, unit.id, new.effective_from, place)
    return await read_unit(SessionReader(session), unit.id, new.effective_from)


async def update_unit(
    session: AsyncSession, unit_id: UUID, expected_version: int, change: UnitUpdate
) -> UnitRead:
    """Another name or kind from a day on, up to the next change already recorded.

    Errors: NotFound, StaleVersion, NotInForce.
    """
    unit = await _unit(session, unit_id)
    if unit.version != expected_version:
        raise StaleVersion
    return await _change(session, unit, change.effective_from, change)


async def move_unit(session: AsyncSession, unit_id: UUID, move: UnitMove) -> UnitRead:
    """Another parent from a day on, up to the next change already recorded.

    Errors: NotFound, NotInForce, Invalid, WouldBeCycle on any of those days.
    """
    unit = await _unit(session, unit_id)
    return await _change(session, unit, move.effective_from, move)


async def merge_unit(session: AsyncSession, unit_id: UUID, merge: UnitMerge) -> UnitMerged:
    """Let the unit pass into another: its child units and positions too, all on one day.

    The merged unit ends with the day before. Errors: NotFound, NotInForce where either does not
    exist then, WouldBeCycle where the successor stands under it.
    """
    unit = await _unit(session, unit_id)
    into, on = merge.into_unit_id, merge.effective_from
    await require_ending_day(session, UnitVersion.unit_id, unit_id, on)
    days = Range(on, None)
    await require_known(session, Unit, into, "/into_unit_id")
    await require_in_force(session, UnitVersion.unit_id, into, days)
    await _require_no_cycle(session, unit_id, into, days)
    units = await timeline.pass_on(session, UnitVersion.parent_id, unit_id, into, on)
    positions = await timeline.pass_on(session, PositionVersion.unit_id, unit_id, into, on)
    await timeline.end(session, UnitVersion.unit_id, unit_id, on)
    passed = {cast(UnitVersion, fact).unit_id for fact in units}
    seats = {cast(PositionVersion, fact).position_id for fact in positions}
    await raise_versions(session, Unit, passed | {unit.id})
    await raise_versions(session, Position, seats)
    succession = await _succeed(session, unit_id, merge)
    return UnitMerged(succession=succession, units_passed=len(passed), positions_passed=len(seats))


async def close_unit(session: AsyncSession, unit_id: UUID, close: UnitClose) -> UnitRead:
    """Let the unit end with the day before; answers with its last state.

    Errors: NotFound, NotInForce, UnitInUse where units or positions stand in it then or later.
    """
    unit = await _unit(session, unit_id)
    on = close.effective_from
    await require_ending_day(session, UnitVersion.unit_id, unit_id, on)
    blocking = await _blocking(session, unit_id, on)
    if blocking:
        names = ", ".join(f"{b['code']} ({b['name']})" for b in blocking[:5])
        detail = Bilingual(
            f"Masih ada isinya pada {on} atau sesudahnya: {names}.",
            f"On {on} or later it still holds: {names}.",
        )
        raise UnitInUse(detail, blocking=blocking)
    last = await timeline.end(session, UnitVersion.unit_id, unit_id, on)
    assert last is not None
    await raise_versions(session, Unit, [unit.id])
    return await read_unit(SessionReader(session), unit_id, last.effective_from)


async def _unit(session: AsyncSession, unit_id: UUID) -> Unit:
    await lock_structure(session)
    unit = await session.get(Unit, unit_id, with_for_update=True)
    if unit is None:
        raise NotFound
    return unit


async def _change(
    session: AsyncSession, unit: Unit, on: date, change: UnitUpdate | UnitMove
) -> UnitRead:
    await require_change_day(session, UnitVersion.unit_id, unit.id, on)
    values = change.model_dump(exclude={"effective_from"}, exclude_none=True)
    await _record(session, unit.id, on, values)
    await raise_versions(session, Unit, [unit.id])
    return await read_unit(SessionReader(session), unit.id, on)


async def _record(
    session: AsyncSession, unit_id: UUID, on: date, values: Mapping[str, object]
) -> None:
    """Record the fact, then see whether the tree still is one over its days."""
    parent_id = cast(UUID | None, values.get("parent_id"))
    if parent_id is not None:
        await require_known(session, Unit, parent_id, "/parent_id")
    fact = await timeline.record(session, UnitVersion.unit_id, unit_id, on, values)
    if parent_id is not None:
        await require_in_force(session, UnitVersion.unit_id, parent_id, fact.valid)
        await _require_no_cycle(session, unit_id, parent_id, fact.valid)


def _under() -> Select[*tuple[Any, ...]]:
    """The first of `:days` on which the unit `:below` is, or stands under, `:above`."""
    start = select(
        bindparam("below", type_=Uuid()).label("unit_id"),
        bindparam("days", type_=DATERANGE).label("days"),
    ).cte("up", recursive=True)
    valid = UnitVersion.valid
    higher = (
        select(UnitVersion.parent_id, valid.op("*")(start.c.days))
        .join(start, and_(UnitVersion.unit_id == start.c.unit_id, valid.op("&&")(start.c.days)))
        .where(UnitVersion.parent_id.is_not(None))
    )
    up = start.union(higher)
    first = func.min(func.lower(up.c.days, type_=Date))
    return select(first).where(up.c.unit_id == bindparam("above", type_=Uuid()))


_UNDER = _under()


async def _require_no_cycle(
    session: AsyncSession, unit_id: UUID, parent_id: UUID, days: Range[date]
) -> None:
    values = {"below": parent_id, "above": unit_id, "days": days}
    first = await session.scalar(_UNDER, values)
    if first is not None:
        detail = Bilingual(
            f"Pada {first} induk barunya berada di bawah unit ini.",
            f"On {first} the new parent stands under this unit.",
        )
        raise WouldBeCycle(detail, first_day=first)


async def _succeed(session: AsyncSession, unit_id: UUID, merge: UnitMerge) -> SuccessionRead:
    session.add(
        UnitSuccession(
            from_unit_id=unit_id,
            to_unit_id=merge.into_unit_id,
            kind=SuccessionKind.MERGER,
            on_date=merge.effective_from,
            legal_basis=merge.legal_basis,
        )
    )
    await session.flush()
    rows = await SessionReader(session).all(_SUCCESSIONS, unit_id=unit_id)
    return next(SuccessionRead(**row) for row in rows if row["from_unit_id"] == unit_id)


async def _blocking(session: AsyncSession, unit_id: UUID, on: date) -> list[dict[str, object]]:
    """Up to fifty child units and positions that stand in the unit on that day or later."""
    units = (
        select(Unit.id, Unit.code, UnitVersion.name, since(UnitVersion, on).label("from"))
        .join(UnitVersion, UnitVersion.unit_id == Unit.id)
        .where(UnitVersion.parent_id == unit_id, from_then_on(UnitVersion, on))
    )
    name = PositionVersion.title.label("name")
    positions = (
        select(Position.id, Position.code, name, since(PositionVersion, on).label("from"))
        .join(PositionVersion, PositionVersion.position_id == Position.id)
        .where(PositionVersion.unit_id == unit_id, from_then_on(PositionVersion, on))
    )
    found: list[dict[str, object]] = []
    for kind, statement in (("unit", units), ("position", positions)):
        rows = await session.execute(statement.order_by("code").limit(50))
        found += [{"kind": kind, **row} for row in rows.mappings()]
    return found
