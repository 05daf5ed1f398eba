"""What can be synchronised: of each data set its ids, what changes an item, how items are read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, func, or_, select

from app.access.actors import Actor
from app.access.assessments import results_visible
from app.access.employees import visible
from app.database import Reader
from app.models.assessments import Assessment, AssessmentEvent, AssessmentResult
from app.models.employees import (
    Employee,
    EmployeeEducation,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
)
from app.models.organisation import Position, PositionVersion, SeatAssignment, Unit, UnitVersion
from app.schemas.sync import (
    AssessmentResultSyncPage,
    EmployeeSyncPage,
    PositionSyncPage,
    SyncPage,
    UnitSyncPage,
)
from app.services.employees.reading import read_employees
from app.services.positions.reading import read_positions
from app.services.results.reading import read_results
from app.services.sync.changes import UNTIL, Ids, of_persons, of_wholes, together
from app.services.timeline import AS_OF, holds
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
    changed: Callable[[Role], Select[Any]]
    """The ids of what changed for them, from the token's place and day on."""
    read: Callable[[Reader, Actor, Sequence[UUID], date], Awaitable[Sequence[Any]]]
    """The items of these ids that the actor may see on the day."""
    related: Select[*tuple[Any, ...]] | None = None
    """Ids that tell whose items an ASN sees beside their own: where others come or go, a delta
    can't tell what is gained or lost."""


def _employees(role: Role) -> Select[Any]:
    return select(Employee.id).where(visible(role, Employee.id))


def _changed_employees(role: Role) -> Select[Any]:
    changed = together(
        of_persons(
            Employee,
            EmployeeProfile,
            EmployeeIdentifier,
            EmployeeStatus,
            EmployeeGolongan,
            EmployeeEducation,
            SeatAssignment,
        ),
        _holders(SeatAssignment.position_id.in_(of_wholes(PositionVersion.position_id))),
        _holders(SeatAssignment.position_id.in_(_positions_in_changed_units())),
    )
    return changed.where(visible(role, changed.selected_columns.id))


def _holders(where: ColumnElement[bool]) -> Ids:
    return select(SeatAssignment.employee_id).where(holds(SeatAssignment), where)


def _positions_in_changed_units() -> Ids:
    """On whatever day: an item may show a position as it was."""
    units = of_wholes(UnitVersion.unit_id)
    return select(PositionVersion.position_id).where(PositionVersion.unit_id.in_(units))


def _results(role: Role) -> Select[Any]:
    seen = results_visible(role, AssessmentResult.employee_id, AssessmentResult.assessment_id)
    return select(AssessmentResult.id).where(seen)


def _changed_results(role: Role) -> Select[Any]:
    """A result shows its person's name, and its event and position as they were then.

    It changes by another result of the same person too, or by the day on which it expires.
    """
    persons = of_persons(AssessmentResult, Assessment, EmployeeProfile)
    assessments = (
        select(Assessment.id).where(column.in_(changed))
        for column, changed in (
            (Assessment.event_id, of_wholes(AssessmentEvent.id)),
            (Assessment.position_id, of_wholes(PositionVersion.position_id)),
            (Assessment.position_id, _positions_in_changed_units()),
        )
    )
    expires = AssessmentResult.valid_until
    return _results(role).where(
        or_(
            AssessmentResult.employee_id.in_(persons),
            AssessmentResult.assessment_id.in_(together(*assessments)),
            (expires > UNTIL) & (expires <= AS_OF),
        )
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
    changed=lambda _: together(of_wholes(Unit.id), of_wholes(UnitVersion.unit_id)),
    read=lambda reader, _, ids, as_of: read_units(reader, ids, as_of),
)
POSITIONS = DataSet(
    name="positions",
    page=PositionSyncPage,
    every=lambda _: select(Position.id),
    changed=lambda _: together(
        of_wholes(Position.id),
        of_wholes(PositionVersion.position_id),
        of_wholes(SeatAssignment.position_id),
        _positions_in_changed_units(),
    ),
    read=lambda reader, _, ids, as_of: read_positions(reader, ids, as_of),
)
ASSESSMENT_RESULTS = DataSet(
    name="assessment_results",
    page=AssessmentResultSyncPage,
    every=_results,
    changed=_changed_results,
    read=read_results,
    related=select(
        func.app.subordinates(type_=ARRAY(Uuid())).label("led"),
        func.app.assessed_assessments(type_=ARRAY(Uuid())).label("assessed"),
    ),
)
