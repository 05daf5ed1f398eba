"""How many seats there are, filled, vacant and falling vacant: the tree, and one unit's sums.

The counts come from `app.seats_filled` and `app.seats_retiring`, which tell how many hold the
seats of a position and never who: an ASN reads the same numbers as the officer.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Date,
    Integer,
    Label,
    Select,
    String,
    TableValuedAlias,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array

from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.employees import Employee, EmployeeIdentifier, EmployeeProfile, full_name
from app.models.organisation import (
    Position,
    PositionVersion,
    SeatAssignment,
    Unit,
    UnitVersion,
)
from app.pagination import decode_cursor, encode_cursor
from app.schemas.seats import (
    JobKindSeats,
    RetirementPage,
    RetirementQuery,
    RetirementRead,
    SeatGroup,
    SeatNumbers,
    SeatSummary,
)
from app.schemas.units import UnitNode, UnitTree
from app.services.structure import UNIT_ID, only_unit, require_unit, subtree
from app.services.timeline import AS_OF, holds
from app.vocabulary import AssignmentKind, JobKind

RETIREMENTS = "retirements"


def filled(positions: Select[tuple[UUID]]) -> TableValuedAlias:
    """Definitif holders on the day `:as_of` of the positions that a statement selects."""
    counted = func.app.seats_filled(AS_OF, func.array(positions.scalar_subquery()))
    columns = (column("position_id", Uuid()), column("filled", Integer))
    return counted.table_valued(*columns).alias("held")


def _retiring(positions: Select[tuple[UUID]]) -> TableValuedAlias:
    """The same, and how many of them retire within one to five years."""
    counted = func.app.seats_retiring(AS_OF, func.array(positions.scalar_subquery()))
    columns = (column("position_id", Uuid()), column("filled", Integer))
    more = (column("overdue", Integer), column("within", ARRAY(Integer)))
    return counted.table_valued(*columns, *more).alias("held")


def vacancy(seats: ColumnElement[int], holders: ColumnElement[int]) -> ColumnElement[int]:
    """Seats beyond the holders."""
    return func.greatest(seats - holders, 0, type_=Integer())


def _total(value: ColumnElement[int], name: str) -> Label[int]:
    return func.coalesce(func.sum(value), 0).label(name)


def _totals(seats: ColumnElement[int], holders: ColumnElement[int]) -> tuple[Label[int], ...]:
    return (
        _total(seats, "seats"),
        _total(holders, "filled"),
        _total(vacancy(seats, holders), "vacant"),
        _total(vacancy(holders, seats), "over_filled"),
    )


# --- the tree ---------------------------------------------------------------------------


def _nodes(top: ColumnElement[bool]) -> CTE:
    """Units from the top down, each with the codes and ids that lead to it."""
    unit = (
        UnitVersion.unit_id,
        Unit.code,
        UnitVersion.name,
        UnitVersion.kind,
        UnitVersion.parent_id,
    )
    with_code = select(*unit).join(Unit, Unit.id == UnitVersion.unit_id).where(holds(UnitVersion))
    nodes = (
        with_code.where(top)
        .add_columns(
            literal(0, Integer).label("depth"),
            array[Any]([Unit.code], type_=String()).label("path"),
            array[Any]([UnitVersion.unit_id], type_=Uuid()).label("ancestors"),
        )
        .cte("nodes", recursive=True)
    )
    below = with_code.join(nodes, UnitVersion.parent_id == nodes.c.unit_id).add_columns(
        nodes.c.depth + 1,
        func.array_append(nodes.c.path, Unit.code),
        func.array_append(nodes.c.ancestors, UnitVersion.unit_id),
    )
    return nodes.union_all(below)


@lru_cache(maxsize=2)
def _tree(*, whole: bool) -> Select[*tuple[Any, ...]]:
    """Every unit of the tree in its order, with its own numbers and its subtree's."""
    top = UnitVersion.parent_id.is_(None) if whole else UnitVersion.unit_id == UNIT_ID
    nodes = _nodes(top)
    places = (
        select(PositionVersion.unit_id, PositionVersion.position_id, PositionVersion.seats)
        .join(nodes, PositionVersion.unit_id == nodes.c.unit_id)
        .where(holds(PositionVersion))
        .cte("places")
    )
    held = filled(select(places.c.position_id))
    numbers = _totals(places.c.seats, func.coalesce(held.c.filled, 0))
    own = (
        select(places.c.unit_id, *numbers)
        .outerjoin_from(places, held, held.c.position_id == places.c.position_id)
        .group_by(places.c.unit_id)
        .cte("own")
    )
    lines = (
        select(func.unnest(nodes.c.ancestors, type_=Uuid()).label("unit_id"), *_numbers(own))
        .join_from(nodes, own, own.c.unit_id == nodes.c.unit_id)
        .subquery("lines")
    )
    below = (
        select(lines.c.unit_id, *(_total(lines.c[name], name) for name in NUMBERS))
        .group_by(lines.c.unit_id)
        .subquery("below")
    )
    return (
        select(nodes, *_numbers(own, "own_"), *_numbers(below, "subtree_"))
        .outerjoin_from(nodes, own, own.c.unit_id == nodes.c.unit_id)
        .outerjoin(below, below.c.unit_id == nodes.c.unit_id)
        .order_by(nodes.c.path)
    )


NUMBERS = ("seats", "filled", "vacant", "over_filled")


def _numbers(source: Any, prefix: str = "") -> list[Label[int]]:
    return [func.coalesce(source.c[name], 0).label(prefix + name) for name in NUMBERS]


async def read_tree(reader: Reader, as_of: date, root: UUID | None) -> UnitTree:
    """The tree, or the part of it under one unit, on that day.

    Errors: NotFound where that unit is not in force then.
    """
    if root is None:
        rows = await reader.all(_tree(whole=True), as_of=as_of)
    else:
        rows = await reader.all(_tree(whole=False), as_of=as_of, unit_id=root)
        if not rows:
            raise NotFound
    return UnitTree(as_of=as_of, items=[_node(row) for row in rows])


def _node(row: Row) -> UnitNode:
    return UnitNode(
        id=row["unit_id"],
        code=row["code"],
        name=row["name"],
        kind=row["kind"],
        parent_id=row["parent_id"],
        depth=row["depth"],
        path=row["path"],
        own=_seat_numbers(row, "own_"),
        subtree=_seat_numbers(row, "subtree_"),
    )


def _seat_numbers(row: Row, prefix: str) -> SeatNumbers:
    return SeatNumbers(**{name: row[prefix + name] for name in NUMBERS})


# --- one unit's sums --------------------------------------------------------------------


@lru_cache(maxsize=2)
def _summary(*, below: bool) -> Select[*tuple[Any, ...]]:
    """A line for each kind of position, and one without a kind for all of them."""
    units = subtree() if below else only_unit()
    version = PositionVersion
    places = (
        select(version.position_id, version.job_kind, version.seats, version.workload_need)
        .join(units, version.unit_id == units.c.unit_id)
        .where(holds(version))
        .cte("places")
    )
    held = _retiring(select(places.c.position_id))
    within = [func.coalesce(func.sum(held.c.within[year]), 0) for year in range(1, 6)]
    lines: Select[*tuple[Any, ...]] = (
        select(
            places.c.job_kind,
            func.count().label("positions"),
            *_totals(places.c.seats, func.coalesce(held.c.filled, 0)),
            _total(held.c.overdue, "overdue"),
            array[Any](within, type_=Integer()).label("retiring_within"),
            func.sum(places.c.workload_need).label("need"),
            (func.count() - func.count(places.c.workload_need)).label("positions_without_need"),
        )
        .outerjoin_from(places, held, held.c.position_id == places.c.position_id)
        .group_by(func.grouping_sets(tuple_(places.c.job_kind), tuple_()))
    )
    return lines


async def read_summary(
    reader: Reader, unit_id: UUID, as_of: date, *, include_subtree: bool
) -> SeatSummary:
    """The seats of the unit, or of it and all below, on that day. Errors: NotFound."""
    await require_unit(reader, unit_id, as_of)
    rows = await reader.all(_summary(below=include_subtree), unit_id=unit_id, as_of=as_of)
    total = next(row for row in rows if row["job_kind"] is None)
    kinds = [JobKindSeats(**row) for row in rows if row["job_kind"] is not None]
    order = list(JobKind)
    return SeatSummary(
        unit_id=unit_id,
        as_of=as_of,
        include_subtree=include_subtree,
        job_kinds=sorted(kinds, key=lambda group: order.index(group.job_kind)),
        total=SeatGroup(**{name: value for name, value in total.items() if name != "job_kind"}),
    )


# --- who retires ------------------------------------------------------------------------

_RETIRES_ON = func.app.retirement_date(
    Employee.birth_date, PositionVersion.retirement_age, type_=Date
)


@lru_cache(maxsize=8)
def _retirements(*, below: bool, after: bool, count: bool) -> Select[*tuple[Any, ...]]:
    units = subtree() if below else only_unit()
    chosen = (
        select(
            SeatAssignment.id.label("assignment_id"),
            SeatAssignment.employee_id,
            SeatAssignment.position_id,
            Position.code.label("position_code"),
            PositionVersion.title.label("position_title"),
            PositionVersion.unit_id,
            PositionVersion.retirement_age,
            _RETIRES_ON.label("retires_on"),
        )
        .join_from(units, PositionVersion, PositionVersion.unit_id == units.c.unit_id)
        .join(Position, Position.id == PositionVersion.position_id)
        .join(SeatAssignment, SeatAssignment.position_id == Position.id)
        .join(Employee, Employee.id == SeatAssignment.employee_id)
        .where(holds(PositionVersion), holds(SeatAssignment))
        .where(SeatAssignment.kind == AssignmentKind.DEFINITIF)
        .where(AS_OF + func.make_interval(bindparam("years", type_=Integer)) >= _RETIRES_ON)
    )
    if count:
        return select(func.count()).select_from(chosen.subquery())
    if after:
        mark = tuple_(bindparam("after_day", type_=Date), bindparam("after_id", type_=Uuid()))
        chosen = chosen.where(tuple_(_RETIRES_ON, SeatAssignment.id) > mark)
    page = chosen.order_by("retires_on", SeatAssignment.id).limit(bindparam("limit", type_=Integer))
    return with_person(page.subquery("page"), "retires_on", "assignment_id")


def with_person(page: Any, *order: str) -> Select[*tuple[Any, ...]]:
    """The rows of a page with the name and number that each employee has on the day."""
    profile, identifier = EmployeeProfile, EmployeeIdentifier
    return (
        select(
            page,
            profile.name,
            profile.title_prefix,
            profile.title_suffix,
            identifier.value.label("employee_identifier"),
        )
        .outerjoin_from(
            page, profile, and_(profile.employee_id == page.c.employee_id, holds(profile))
        )
        .outerjoin(
            identifier, and_(identifier.employee_id == page.c.employee_id, holds(identifier))
        )
        .order_by(*(page.c[name] for name in order))
    )


def person(row: Row) -> Mapping[str, Any]:
    """A row of `with_person` with the parts of the name made one."""
    parts = ("name", "title_prefix", "title_suffix")
    named = {key: value for key, value in row.items() if key not in parts}
    name = full_name(*(row[part] for part in parts)) if row["name"] else None
    return {**named, "employee_name": name}


async def list_retirements(reader: Reader, unit_id: UUID, query: RetirementQuery) -> RetirementPage:
    """Who leaves a position of the unit by retirement within the years, the earliest first.

    Errors: NotFound.
    """
    day = query.as_of or today()
    await require_unit(reader, unit_id, day)
    values: dict[str, Any] = {"unit_id": unit_id, "as_of": day, "years": query.within_years}
    total = None
    if query.include_total:
        counted = _retirements(below=query.include_subtree, after=False, count=True)
        total = await reader.value(counted, **values)
    if query.cursor:
        mark = decode_cursor(query.cursor, RETIREMENTS, (date, UUID))
        values |= {"after_day": mark[0], "after_id": mark[1]}
    page = _retirements(below=query.include_subtree, after=bool(query.cursor), count=False)
    rows = await reader.all(page, limit=query.limit + 1, **values)
    items = [RetirementRead(**person(row)) for row in rows[: query.limit]]
    reader.reveals([item.employee_id for item in items])
    cursor = None
    if len(rows) > query.limit:
        cursor = encode_cursor(RETIREMENTS, [items[-1].retires_on, items[-1].assignment_id])
    return RetirementPage(items=items, next_cursor=cursor, total=total)
