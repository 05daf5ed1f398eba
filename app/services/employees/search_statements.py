"""The statements of the list of employees, quick at 200,000 of them.

Two statements can find a page, and neither alone is quick for every filter:

- The *walk* reads on in the order of the list, at most `WINDOW` rows, and keeps those that
  match. Where one in forty matches, that fills a page in a few milliseconds, at any depth.
- The *collection* finds all that match by the filters' own indexes, then sorts. It is quick
  where few match, and is asked only where the walk didn't fill the page. It is planned for
  its values every time: a plan for any value is a hundred times slower here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Date,
    FromClause,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql import ColumnElement

from app.access.employees import visible
from app.models.base import Base
from app.models.employees import (
    Employee,
    EmployeeEducation,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
)
from app.models.organisation import PositionVersion, SeatAssignment, UnitVersion
from app.services.employees.reading import HIGHEST_FIRST
from app.services.timeline import holds
from app.vocabulary import AssignmentKind, Role

WINDOW = 2000
"""Rows that a walk reads at most."""
ROWS = bindparam("rows", type_=Integer())


@dataclass(frozen=True, slots=True)
class Shape:
    """All that a statement depends on; values come at the call."""

    role: Role
    by_name: bool
    descending: bool
    after: bool = False
    filters: frozenset[str] = field(default_factory=frozenset)


class _Facts:
    """A source of employees, joined on demand with the facts that hold on the day.

    `forced` joins look each fact up by its employee, in the order of the source; otherwise
    the planner is free to begin with any of them.
    """

    def __init__(self, source: FromClause, employee_id: ColumnElement[UUID], forced: bool) -> None:
        self.source = source
        self.employee_id = employee_id
        self.forced = forced

    def _join(
        self,
        name: str,
        model: type[Base],
        key: str,
        owner: ColumnElement[UUID],
        *conditions: ColumnElement[bool],
    ) -> FromClause:
        table = model.__table__
        facts = select(table).where(*conditions)
        if self.forced:
            one = facts.where(table.c[key] == owner).limit(literal_column("1"))
            fact: FromClause = one.lateral(name)
            self.source = self.source.outerjoin(fact, true())
        else:
            fact = facts.subquery(name)
            self.source = self.source.outerjoin(fact, fact.c[key] == owner)
        return fact

    def _of_employee(self, name: str, model: Any, *conditions: ColumnElement[bool]) -> FromClause:
        on = (holds(model), *conditions)
        return self._join(name, model, "employee_id", self.employee_id, *on)

    @cached_property
    def employee(self) -> FromClause:
        """Birth and sex."""
        return self._join("employee", Employee, "id", self.employee_id)

    @cached_property
    def profile(self) -> FromClause:
        """Name and titles."""
        return self._of_employee("profile", EmployeeProfile)

    @cached_property
    def identifier(self) -> FromClause:
        """NIP or NI PPPK."""
        return self._of_employee("identifier", EmployeeIdentifier)

    @cached_property
    def status(self) -> FromClause:
        """Status; absent for who isn't employed."""
        return self._of_employee("status", EmployeeStatus)

    @cached_property
    def golongan(self) -> FromClause:
        """Golongan."""
        return self._of_employee("golongan", EmployeeGolongan)

    @cached_property
    def seat(self) -> FromClause:
        """The seat held for good."""
        definitif = SeatAssignment.kind == literal_column(f"'{AssignmentKind.DEFINITIF}'")
        return self._of_employee("seat", SeatAssignment, definitif)

    @cached_property
    def position(self) -> FromClause:
        """The position of that seat."""
        seat = self.seat
        return self._join(
            "position",
            PositionVersion,
            "position_id",
            seat.c.position_id,
            holds(PositionVersion),
        )

    @cached_property
    def unit(self) -> FromClause:
        """The unit of that position."""
        position = self.position
        on = holds(UnitVersion)
        return self._join("unit", UnitVersion, "unit_id", position.c.unit_id, on)

    @cached_property
    def education(self) -> FromClause:
        """The highest education."""
        one = select(EmployeeEducation.level).where(
            EmployeeEducation.employee_id == self.employee_id
        )
        fact = one.order_by(*HIGHEST_FIRST).limit(literal_column("1")).lateral("education")
        self.source = self.source.outerjoin(fact, true())
        return fact


def _any(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    kind = Uuid() if name == "unit_ids" else String()
    return column == func.any(bindparam(name, type_=ARRAY(kind)))


ONE_OF: Mapping[str, tuple[str, str]] = {
    "status": ("status", "status"),
    "golongan": ("golongan", "golongan"),
    "unit_ids": ("position", "unit_id"),
    "job_kind": ("position", "job_kind"),
    "jenjang": ("position", "jenjang"),
    "education_level": ("education", "level"),
}
"""Filters of several values: the fact and column that hold one of them."""


def _conditions(shape: Shape, facts: _Facts) -> list[ColumnElement[bool]]:
    """What the filters ask for, on the facts that they need."""
    wanted = shape.filters
    found = [visible(shape.role, facts.employee_id)]
    if not (facts.forced and shape.by_name):  # whose window is made of profiles
        found.append(facts.profile.c.name.is_not(None))
    if "employed" in wanted:
        found.append(facts.status.c.status.is_not(None))
    for name, (fact, column) in ONE_OF.items():
        if name in wanted:
            found.append(_any(getattr(facts, fact).c[column], name))
    if "education_level" in wanted and not facts.forced:  # find who holds it at all first
        holders = select(EmployeeEducation.employee_id)
        level = EmployeeEducation.__table__.c.level
        found.append(facts.employee_id.in_(holders.where(_any(level, "education_level"))))
    if "sex" in wanted:
        found.append(facts.employee.c.sex == bindparam("sex", type_=String()))
    if "without_position" in wanted:
        found.append(facts.seat.c.id.is_(None))
    return found + _search(wanted, facts)


def _search(wanted: frozenset[str], facts: _Facts) -> list[ColumnElement[bool]]:
    pattern = bindparam("pattern", type_=String())
    if "identifier" in wanted:
        return [facts.identifier.c.value == pattern]
    if "identifier_part" in wanted:
        return [facts.identifier.c.value.like(pattern)]
    if "name" in wanted:  # the longest word finds by the index, then all of them are checked
        name = facts.profile.c.name_sort
        every = func.all(bindparam("patterns", type_=ARRAY(String())))
        return [name.like(pattern), name.op("LIKE", is_comparison=True)(every)]
    return []


def _order(shape: Shape, *keys: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [key.desc() if shape.descending else key.asc() for key in keys]


def _beyond(
    shape: Shape, key: ColumnElement[Any], employee_id: ColumnElement[UUID]
) -> list[ColumnElement[bool]]:
    """The rows after the cursor."""
    if not shape.after:
        return []
    here = tuple_(key, employee_id)
    last = tuple_(
        bindparam("after_key", type_=String() if shape.by_name else Date()),
        bindparam("after_id", type_=Uuid()),
    )
    return [here < last if shape.descending else here > last]


def _window(shape: Shape) -> FromClause:
    """The next rows in the list's order, whatever else holds for them."""
    table = (EmployeeProfile if shape.by_name else Employee).__table__
    employee_id = table.c.employee_id if shape.by_name else table.c.id
    key = table.c.name_sort if shape.by_name else table.c.birth_date
    rows = select(employee_id.label("employee_id"), key.label("sort_key"))
    if shape.by_name:
        rows = rows.where(holds(EmployeeProfile))
    rows = rows.where(*_beyond(shape, key, employee_id)).order_by(*_order(shape, key, employee_id))
    return rows.limit(literal_column(str(WINDOW))).subquery("window")


@lru_cache(maxsize=512)
def walk(shape: Shape) -> Select[Any]:
    """A page found by reading on in the order of the list; short where the window held few."""
    window = _window(shape)
    facts = _Facts(window, window.c.employee_id, forced=True)
    conditions = _conditions(shape, facts)
    found = select(window).select_from(facts.source).where(*conditions)
    order = _order(shape, window.c.sort_key, window.c.employee_id)
    return _listed(shape, found.order_by(*order).limit(ROWS).subquery("page"))


@lru_cache(maxsize=512)
def collection(shape: Shape) -> Select[Any]:
    """A page found by collecting all that match."""
    facts, conditions = _matching(shape)
    key = facts.profile.c.name_sort if shape.by_name else Employee.__table__.c.birth_date
    conditions += _beyond(shape, key, facts.employee_id)
    found = (
        select(facts.employee_id.label("employee_id"), key.label("sort_key"))
        .select_from(facts.source)
        .where(*conditions)
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    order = _order(shape, found.c.sort_key, found.c.employee_id)
    return _listed(shape, select(found).order_by(*order).limit(ROWS).subquery("page"))


def _matching(shape: Shape) -> tuple[_Facts, list[ColumnElement[bool]]]:
    facts = _Facts(Employee.__table__, Employee.__table__.c.id, forced=False)
    return facts, _conditions(shape, facts)


@lru_cache(maxsize=512)
def count(shape: Shape) -> Select[Any]:
    """How many match."""
    facts, conditions = _matching(shape)
    return select(func.count()).select_from(facts.source).where(*conditions)


def _listed(shape: Shape, page: FromClause) -> Select[Any]:
    """The rows of a page with what the list shows of them."""
    facts = _Facts(page, page.c.employee_id, forced=True)
    columns = (
        page.c.employee_id.label("id"),
        page.c.sort_key,
        facts.employee.c.birth_date,
        facts.profile.c.name,
        facts.profile.c.title_prefix,
        facts.profile.c.title_suffix,
        facts.identifier.c.value.label("identifier"),
        facts.status.c.status,
        facts.golongan.c.golongan,
        facts.position.c.title.label("position_title"),
        facts.position.c.job_kind,
        facts.position.c.unit_id,
        facts.unit.c.name.label("unit_name"),
    )
    order = _order(shape, page.c.sort_key, page.c.employee_id)
    return select(*columns).select_from(facts.source).order_by(*order)


def _below() -> Select[Any]:
    """A unit and every unit below it on the day."""
    start = select(bindparam("unit_id", type_=Uuid()).label("id"))
    tree = start.cte("tree", recursive=True)
    child = (
        select(UnitVersion.unit_id)
        .join(tree, UnitVersion.parent_id == tree.c.id)
        .where(holds(UnitVersion))
    )
    return select(tree.union(child).c.id)


BELOW = _below()
"""The ids of a unit and of every unit below it."""
