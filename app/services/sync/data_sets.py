"""What can be synchronised: of each data set its ids, what changes an item, how items are read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from app.access.actors import Actor
from app.access.employees import visible
from app.database import Reader
from app.models.employees import (
    Employee,
    EmployeeEducation,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
)
from app.models.organisation import Position, PositionVersion, SeatAssignment, Unit, UnitVersion
from app.schemas.sync import EmployeeSyncPage, PositionSyncPage, SyncPage, UnitSyncPage
from app.services.employees.reading import read_employees
from app.services.positions.reading import read_positions
from app.services.sync.changes import Ids, of_persons, of_wholes, together
from app.services.timeline import holds
from app.services.units import read_units
from app.vocabulary import Role

Page = TypeVar("Page", bound=SyncPage)


@dataclass(frozen=True, eq=False)
class DataSet(Generic[Page]):
    """Something that clients keep a copy of, item by item."""

    name: str
    page: type[Page]
    every: Callable[[Role], Select[Any]]
    """The ids of all that somebody of the role may see, as the column `id`."""
    changed: Callable[[Role, bool], Select[Any]]
    """The ids of what changed for them; also by days that passed, where some did."""
    read: Callable[[Reader, Actor, Sequence[UUID], date], Awaitable[Sequence[Any]]]
    """The items of these ids that the actor may see on the day."""


def _employees(role: Role) -> Select[Any]:
    return select(Employee.id).where(visible(role, Employee.id))


def _changed_employees(role: Role, days_pass: bool) -> Select[Any]:
    persons = of_persons(
        Employee.id,
        EmployeeProfile.employee_id,
        EmployeeIdentifier.employee_id,
        EmployeeStatus.employee_id,
        EmployeeGolongan.employee_id,
        EmployeeEducation.employee_id,
        SeatAssignment.employee_id,
        days_pass=days_pass,
    )
    changed = together(
        persons,
        _holders(SeatAssignment.position_id.in_(of_wholes(PositionVersion.position_id))),
        _holders(SeatAssignment.position_id.in_(_positions_in_changed_units())),
    )
    return changed.where(visible(role, changed.selected_columns.id))


def _holders(where: ColumnElement[bool]) -> Ids:
    return select(SeatAssignment.employee_id).where(holds(SeatAssignment), where)


def _positions_in_changed_units() -> Ids:
    units = of_wholes(UnitVersion.unit_id)
    return select(PositionVersion.position_id).where(
        holds(PositionVersion), PositionVersion.unit_id.in_(units)
    )


EMPLOYEES = DataSet(
    name="employees",
    page=EmployeeSyncPage,
    every=_employees,
    changed=_changed_employees,
    read=read_employees,
)
UNITS = DataSet(
    name="units",
    page=UnitSyncPage,
    every=lambda _: select(Unit.id),
    changed=lambda *_: together(of_wholes(Unit.id), of_wholes(UnitVersion.unit_id)),
    read=lambda reader, _, ids, as_of: read_units(reader, ids, as_of),
)
POSITIONS = DataSet(
    name="positions",
    page=PositionSyncPage,
    every=lambda _: select(Position.id),
    changed=lambda *_: together(
        of_wholes(Position.id),
        of_wholes(PositionVersion.position_id),
        of_wholes(SeatAssignment.position_id),
        _positions_in_changed_units(),
    ),
    read=lambda reader, _, ids, as_of: read_positions(reader, ids, as_of),
)
