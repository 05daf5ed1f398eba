"""Positions as of a day: one, many, their history, and need against seats."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    func,
    select,
)

from app.access.actors import Actor
from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.base import Word
from app.models.organisation import Position, PositionVersion, UnitVersion
from app.pagination import decode_cursor, encode_cursor
from app.rules import abk
from app.schemas.positions import (
    PositionDetail,
    PositionHistory,
    PositionPage,
    PositionQuery,
    PositionRead,
    PositionVersionRead,
    Staffing,
    WorkloadTask,
)
from app.services.assignments.reading import POSITION_ID, holders
from app.services.positions.figures import amounts
from app.services.seats import filled, vacancy
from app.services.structure import UNIT_ID, containing, subtree
from app.services.timeline import begins, ends, holds
from app.vocabulary import Jenjang, JobKind

ORDER = "positions:code"

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
    "ids": Position.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
    "unit_id": PositionVersion.unit_id == UNIT_ID,
    "job_kind": PositionVersion.job_kind == bindparam("job_kind", type_=Word(JobKind)),
    "jenjang": PositionVersion.jenjang == bindparam("jenjang", type_=Word(Jenjang)),
    "q": PositionVersion.title.ilike(bindparam("q", type_=String)),
    "after": Position.code > bindparam("after", type_=String),
}


def _chosen(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Positions in force on the day that pass the filters."""
    version = PositionVersion
    chosen = (
        select(*_COLUMNS)
        .join_from(Position, version, version.position_id == Position.id)
        .where(holds(version), *(_FILTERS[f] for f in sorted(filters & set(_FILTERS))))
    )
    if "subtree" in filters:
        below = subtree()
        chosen = chosen.join(below, below.c.unit_id == version.unit_id)
    return chosen


def _counted(positions: CTE) -> Select[*tuple[Any, ...]]:
    """The same with the name of their unit, and their holders counted."""
    unit, held = UnitVersion, filled(select(positions.c.id))
    holders = func.coalesce(held.c.filled, 0)
    return (
        select(
            positions,
            unit.name.label("unit_name"),
            holders.label("filled"),
            vacancy(positions.c.seats, holders).label("vacant"),
            vacancy(holders, positions.c.seats).label("over_filled"),
        )
        .outerjoin_from(positions, held, held.c.position_id == positions.c.id)
        .outerjoin(unit, and_(unit.unit_id == positions.c.unit_id, holds(unit)))
    )


def _vacant(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Those of them that have a vacant seat: the holders of all must be counted."""
    counted = _counted(_chosen(filters).cte("chosen")).subquery("counted")
    return select(counted).where(counted.c.vacant > 0)


@lru_cache(maxsize=256)
def _page(filters: frozenset[str], *, vacant: bool) -> Select[*tuple[Any, ...]]:
    """One page by code. Unless vacancy is asked for, only the page's holders are counted."""
    limit = bindparam("limit", type_=Integer)
    if vacant:
        return _vacant(filters).order_by("code").limit(limit)
    page = _chosen(filters).order_by(Position.code).limit(limit).cte("page")
    return _counted(page).order_by(page.c.code)


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


async def read_positions(reader: Reader, ids: Sequence[UUID], as_of: date) -> list[PositionRead]:
    """Those of these positions that are in force on that day; by code."""
    page = _page(frozenset({"ids"}), vacant=False)
    rows = await reader.all(page, ids=ids, as_of=as_of, limit=len(ids))
    return [PositionRead(**row) for row in rows]


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
        ruled = abk.effectiveness(amounts(workload), row["filled"], on)
        effectiveness, rule = ruled.value, ruled.rule_id
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
        PositionVersion.unit_id, UnitVersion.name.label("unit_name"), *(c for c in _COLUMNS[3:-1])
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
