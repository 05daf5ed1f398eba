"""Positions (jabatan): what they are, where they stand and how many seats they have."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import today
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.base import Word
from app.models.organisation import (
    Position,
    PositionVersion,
    SeatAssignment,
    Unit,
    UnitVersion,
)
from app.pagination import decode_cursor, encode_cursor
from app.rules import Ruled, RulePackMissing, abk, bup
from app.schemas.positions import (
    OwnRetirementAge,
    PositionClose,
    PositionCreate,
    PositionDetail,
    PositionHistory,
    PositionPage,
    PositionQuery,
    PositionRead,
    PositionUpdate,
    PositionVersionRead,
    Staffing,
    WorkloadTask,
    jenjang_mismatch,
)
from app.services import timeline
from app.services.assignments import POSITION_ID, holders
from app.services.seats import filled, vacancy
from app.services.structure import (
    UNIT_ID,
    containing,
    from_then_on,
    lock_rows,
    lock_structure,
    raise_versions,
    require_change_day,
    require_ending_day,
    require_in_force,
    require_known,
    since,
    subtree,
)
from app.services.timeline import begins, ends, holds
from app.vocabulary import Jenjang, JobKind

ORDER = "positions:code"


class PositionCodeTaken(Conflict):
    """Another position has, or had, this code."""

    code = "position_code_taken"
    title = Bilingual("Kode jabatan sudah dipakai", "The position code is taken")
    constraints = ("uq_positions_code",)


class PositionInUse(Conflict):
    """Seats of it are held then or later; `blocking` names the assignments."""

    code = "position_in_use"
    title = Bilingual("Jabatan masih diduduki", "The position is still held")


# --- reading ----------------------------------------------------------------------------

_COLUMNS = (
    Position.id,
    Position.code,
    PositionVersion.unit_id,
    PositionVersion.title,
    PositionVersion.job_kind,
    PositionVersion.jenjang,
    PositionVersion.job_class,
    PositionVersion.retirement_age,
    PositionVersion.retirement_age_rule,
    PositionVersion.seats,
    PositionVersion.workload_need,
    PositionVersion.workload_rule,
    begins(PositionVersion).label("effective_from"),
    ends(PositionVersion).label("effective_until"),
    Position.version,
)
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "position_id": Position.id == POSITION_ID,
    "unit_id": PositionVersion.unit_id == UNIT_ID,
    "job_kind": PositionVersion.job_kind == bindparam("job_kind", type_=Word(JobKind)),
    "jenjang": PositionVersion.jenjang == bindparam("jenjang", type_=Word(Jenjang)),
    "q": PositionVersion.title.ilike(bindparam("q", type_=String)),
    "after": Position.code > bindparam("after", type_=String),
}


def _chosen(filters: frozenset[str], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Positions in force on the day that pass the filters."""
    chosen = select(*_COLUMNS, *columns).join_from(
        Position, PositionVersion, PositionVersion.position_id == Position.id
    )
    chosen = chosen.where(
        holds(PositionVersion), *(_FILTERS[f] for f in sorted(filters & set(_FILTERS)))
    )
    if "subtree" in filters:
        below = subtree()
        chosen = chosen.join(below, below.c.unit_id == PositionVersion.unit_id)
    return chosen


def _vacant(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Those of them that have a vacant seat."""
    chosen = _chosen(filters).cte("chosen")
    held = filled(select(chosen.c.id))
    holders = func.coalesce(held.c.filled, 0)
    counted = select(chosen, holders.label("filled"))
    joined = counted.outerjoin_from(chosen, held, held.c.position_id == chosen.c.id)
    return joined.where(chosen.c.seats > holders)


@lru_cache(maxsize=256)
def _page(filters: frozenset[str], *, vacant: bool) -> Select[*tuple[Any, ...]]:
    """One page by code, each position with the name of its unit and its holders counted."""
    limit = bindparam("limit", type_=Integer)
    if vacant:
        chosen = _vacant(filters)
        page = chosen.order_by("code").limit(limit).cte("page")
        holders: ColumnElement[int] = page.c.filled
        source: Any = page
    else:
        page = _chosen(filters).order_by(Position.code).limit(limit).cte("page")
        held = filled(select(page.c.id))
        holders = func.coalesce(held.c.filled, 0)
        source = page.outerjoin(held, held.c.position_id == page.c.id)
    return (
        select(
            *(column for column in page.c if column.name != "filled"),
            UnitVersion.name.label("unit_name"),
            holders.label("filled"),
            vacancy(page.c.seats, holders).label("vacant"),
            vacancy(holders, page.c.seats).label("over_filled"),
        )
        .select_from(source)
        .join(UnitVersion, and_(UnitVersion.unit_id == page.c.unit_id, holds(UnitVersion)))
        .order_by(page.c.code)
    )


@lru_cache(maxsize=256)
def _count(filters: frozenset[str], *, vacant: bool) -> Select[*tuple[Any, ...]]:
    chosen = _vacant(filters) if vacant else _chosen(filters)
    return select(func.count()).select_from(chosen.subquery())


def _given(query: PositionQuery) -> tuple[frozenset[str], dict[str, Any]]:
    """Which filters the query names, and their values."""
    values: dict[str, Any] = {
        "unit_id": query.unit_id,
        "job_kind": query.job_kind,
        "jenjang": query.jenjang,
        "q": containing(query.q) if query.q else None,
    }
    values = {name: value for name, value in values.items() if value is not None}
    filters = set(values)
    if query.include_subtree and "unit_id" in filters:
        filters = filters - {"unit_id"} | {"subtree"}
    return frozenset(filters), values | {"as_of": query.as_of or today()}


async def list_positions(reader: Reader, query: PositionQuery) -> PositionPage:
    """Positions in force on the day, by code."""
    filters, values = _given(query)
    total = None
    if query.include_total:
        total = await reader.value(_count(filters, vacant=query.vacant), **values)
    if query.cursor:
        (values["after"],) = decode_cursor(query.cursor, ORDER, (str,))
        filters |= {"after"}
    page = _page(filters, vacant=query.vacant)
    rows = await reader.all(page, limit=query.limit + 1, **values)
    items = [PositionRead(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [items[-1].code]) if more else None
    return PositionPage(items=items, next_cursor=cursor, total=total)


_ONE = frozenset({"position_id"})
_WORKLOAD = select(PositionVersion.workload).where(
    PositionVersion.position_id == POSITION_ID, holds(PositionVersion)
)


async def read_position(reader: Reader, position_id: UUID, as_of: date) -> PositionRead:
    """The position as it is on that day. Errors: NotFound where it is not in force then."""
    return PositionRead(**await _row(reader, position_id, as_of))


async def read_detail(
    reader: Reader, actor: Actor, position_id: UUID, as_of: date
) -> PositionDetail:
    """With workload, staffing, and the holders whom the actor may see. Errors: NotFound."""
    row = await _row(reader, position_id, as_of)
    stored = await reader.value(_WORKLOAD, position_id=position_id, as_of=as_of)
    workload = [WorkloadTask.model_validate(task) for task in stored]
    return PositionDetail(
        **row,
        workload=workload,
        staffing=_staffing(row, workload, as_of),
        holders=await holders(reader, actor, position_id, as_of),
    )


async def _row(reader: Reader, position_id: UUID, as_of: date) -> Row:
    page = _page(_ONE, vacant=False)
    row = await reader.one(page, position_id=position_id, as_of=as_of, limit=1)
    if row is None:
        raise NotFound
    return row


def _staffing(row: Row, workload: list[WorkloadTask], on: date) -> Staffing | None:
    """Need against seats; EJ and PEJ by those who hold the seats for good."""
    if row["workload_need"] is None:
        return None
    effectiveness: Decimal | None = None
    achievement: str | None = None
    rule = row["workload_rule"]
    if row["filled"]:
        ruled = abk.effectiveness(_amounts(workload), row["filled"], on)
        effectiveness, rule = ruled.value, rule_id(ruled)
        achievement = abk.achievement_letter(effectiveness, on).value
    return Staffing(
        need=row["workload_need"],
        seats_beyond_need=row["seats"] - row["workload_need"],
        effectiveness=effectiveness,
        achievement=achievement,
        rule=rule,
    )


_CODE = select(Position.code).where(Position.id == POSITION_ID)
_VERSIONS = (
    select(
        PositionVersion.unit_id,
        UnitVersion.name.label("unit_name"),
        *(c for c in _COLUMNS[3:-1]),
    )
    .outerjoin(
        UnitVersion,
        and_(
            UnitVersion.unit_id == PositionVersion.unit_id,
            holds(UnitVersion, begins(PositionVersion)),
        ),
    )
    .where(PositionVersion.position_id == POSITION_ID)
    .order_by(begins(PositionVersion).desc())
)


async def read_history(reader: Reader, position_id: UUID) -> PositionHistory:
    """Everything that held or will hold of the position. Errors: NotFound."""
    code = await reader.value(_CODE, position_id=position_id)
    if code is None:
        raise NotFound
    rows = await reader.all(_VERSIONS, position_id=position_id)
    versions = [PositionVersionRead(**row) for row in rows]
    return PositionHistory(id=position_id, code=code, versions=versions)


# --- changing ---------------------------------------------------------------------------


async def create_position(session: AsyncSession, new: PositionCreate) -> PositionRead:
    """A position that exists from `effective_from` on.

    Errors: PositionCodeTaken, Invalid or NotInForce for its unit, Invalid where no rule pack
    gives its retirement age or its need on that day.
    """
    await lock_structure(session, shared=True)
    on = new.effective_from
    values = {
        **new.model_dump(include={"unit_id", "title", "job_kind", "jenjang", "job_class", "seats"}),
        **_age(new.job_kind, new.jenjang, new.own_retirement_age, on),
        **_need(new.workload, on),
    }
    position = Position(code=new.code)
    session.add(position)
    await session.flush()
    await _record(session, position.id, on, values)
    return await read_position(SessionReader(session), position.id, on)


async def update_position(
    session: AsyncSession, position_id: UUID, expected_version: int, change: PositionUpdate
) -> PositionRead:
    """Other facts from a day on, up to the next change already recorded.

    Fewer seats than holders are allowed: the answer then shows how many are over-filled.
    Errors: NotFound, StaleVersion, NotInForce, Invalid.
    """
    await _position(session, position_id, expected_version)
    on = change.effective_from
    current = await require_change_day(session, PositionVersion.position_id, position_id, on)
    await _record(session, position_id, on, _changes(current, change))
    await raise_versions(session, Position, [position_id])
    return await read_position(SessionReader(session), position_id, on)


async def close_position(
    session: AsyncSession, position_id: UUID, close: PositionClose
) -> PositionRead:
    """Let the position end with the day before; answers with its last state.

    Errors: NotFound, NotInForce, PositionInUse where seats are held then or later.
    """
    await _position(session, position_id)
    on = close.effective_from
    await require_ending_day(session, PositionVersion.position_id, position_id, on)
    blocking = await _blocking(session, position_id, on)
    if blocking:
        detail = Bilingual(
            f"Kursinya masih diduduki pada {on} atau sesudahnya.",
            f"Its seats are held on {on} or later.",
        )
        raise PositionInUse(detail, blocking=blocking)
    last = await timeline.end(session, PositionVersion.position_id, position_id, on)
    assert last is not None
    await raise_versions(session, Position, [position_id])
    return await read_position(SessionReader(session), position_id, last.effective_from)


async def _position(
    session: AsyncSession, position_id: UUID, expected_version: int | None = None
) -> Position:
    await lock_structure(session, shared=True)
    position = (await lock_rows(session, Position, [position_id])).get(position_id)
    if position is None:
        raise NotFound
    if expected_version not in (None, position.version):
        raise StaleVersion
    return position


async def _record(
    session: AsyncSession, position_id: UUID, on: date, values: Mapping[str, object]
) -> None:
    if "unit_id" in values:
        await require_known(session, Unit, cast(UUID, values["unit_id"]), "/unit_id")
    fact = await timeline.record(session, PositionVersion.position_id, position_id, on, values)
    unit_id = cast(PositionVersion, fact).unit_id
    await require_in_force(session, UnitVersion.unit_id, unit_id, fact.valid)


def _changes(current: PositionVersion, change: PositionUpdate) -> dict[str, object]:
    """The values that the change sets, and those that follow from them."""
    sent, on = change.model_fields_set, change.effective_from
    plain = ("unit_id", "title", "job_kind", "seats")
    values = {n: getattr(change, n) for n in plain if getattr(change, n) is not None}
    if "job_class" in sent:
        values["job_class"] = change.job_class
    kind: JobKind = values.get("job_kind", current.job_kind)
    jenjang = change.jenjang if "jenjang" in sent else current.jenjang
    if kind is not JobKind.FUNGSIONAL and "jenjang" not in sent:
        jenjang = None
    _require_jenjang(kind, jenjang)
    values["jenjang"] = jenjang
    other_kind = (kind, jenjang) != (current.job_kind, current.jenjang)
    if other_kind or "own_retirement_age" in sent:
        values |= _age(kind, jenjang, change.own_retirement_age, on)
    if "workload" in sent:
        values |= _need(change.workload or [], on)
    return values


def _require_jenjang(kind: JobKind, jenjang: Jenjang | None) -> None:
    if (kind is JobKind.FUNGSIONAL) != (jenjang is not None):
        wrong = jenjang_mismatch()
        detail = Bilingual(str((wrong.context or {})["indonesian"]), wrong.message())
        raise Invalid(errors=[FieldError("/jenjang", wrong.type, detail)])


async def _blocking(session: AsyncSession, position_id: UUID, on: date) -> list[dict[str, object]]:
    """Up to fifty assignments that hold on that day or later; their holders stay unnamed."""
    held = (
        select(
            SeatAssignment.id.label("assignment_id"),
            SeatAssignment.seat_no,
            SeatAssignment.kind,
            since(SeatAssignment, on).label("from"),
        )
        .where(SeatAssignment.position_id == position_id, from_then_on(SeatAssignment, on))
        .order_by(SeatAssignment.seat_no, SeatAssignment.kind)
        .limit(50)
    )
    return [dict(row) for row in (await session.execute(held)).mappings()]


# --- figures of the rule packs ----------------------------------------------------------


def rule_id(ruled: Ruled[Any]) -> str:
    """The pack and version that gave a figure, as it is stored beside it."""
    return f"{ruled.pack_id}@{ruled.pack_version}"


def _age(
    kind: JobKind, jenjang: Jenjang | None, own: OwnRetirementAge | None, on: date
) -> dict[str, object]:
    """BUP: the position's own, with its basis, or that of the rule pack of the day."""
    if own is not None:
        return {"retirement_age": own.age, "retirement_age_rule": f"own: {own.basis}"}
    try:
        ruled = bup.retirement_age(kind, jenjang, on)
    except RulePackMissing as error:
        raise _no_rule("/own_retirement_age", on) from error
    return {"retirement_age": ruled.value, "retirement_age_rule": rule_id(ruled)}


def _need(workload: list[WorkloadTask], on: date) -> dict[str, object]:
    """The workload as it is stored, and the staff that it needs by the rule pack of the day."""
    stored = [task.model_dump(mode="json") for task in workload]
    if not workload:
        return {"workload": stored, "workload_need": None, "workload_rule": None}
    try:
        ruled = abk.needed_staff(_amounts(workload), on)
    except RulePackMissing as error:
        raise _no_rule("/workload", on) from error
    return {
        "workload": stored,
        "workload_need": ruled.value,
        "workload_rule": rule_id(ruled),
    }


def _no_rule(pointer: str, on: date) -> Invalid:
    detail = Bilingual(
        f"Tidak ada aturan yang tercatat untuk {on}.", f"No rule is recorded for {on}."
    )
    return Invalid(errors=[FieldError(pointer, "no_rule_then", detail)])


def _amounts(workload: list[WorkloadTask]) -> list[tuple[Decimal, Decimal]]:
    return [(task.volume, task.minutes) for task in workload]
