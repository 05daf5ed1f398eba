"""A person whose results are read as a whole, and the result that stands."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import array

from app.access.actors import Actor
from app.access.assessments import profile_visible, viewer
from app.access.organisation import Sight, sight, visible_holder
from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.employees import Employee, EmployeeProfile, full_name
from app.models.organisation import PositionVersion, SeatAssignment, UnitVersion
from app.schemas.assessments import AssessedPerson, AssessedPosition
from app.services.assessments.reading import place
from app.services.results.reading import DETAILS, LAST_VERSION, R, results
from app.services.timeline import holds
from app.vocabulary import AssignmentKind, ResultStanding, Role

EMPLOYEE_ID = bindparam("employee_id", type_=Uuid())
TITLED = ("name", "title_prefix", "title_suffix")


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whose competencies the actor may read, and what was last measured of them."""

    person: AssessedPerson
    result: Row | None
    """The last version of the newest result, with `DETAILS`; also where it no longer counts."""

    @property
    def standing(self) -> ResultStanding:
        """Whether there is a result that counts today."""
        if self.result is None:
            return ResultStanding.NOT_ASSESSED
        in_force = self.result["in_force"]
        return ResultStanding.IN_FORCE if in_force else ResultStanding.EXPIRED


@lru_cache(maxsize=8)
def _person(role: Role) -> Select[Any]:
    """The person, if the role may know of them; an ASN's own way is a function, as of names."""
    if role is Role.ASN:
        given = array[Any]([EMPLOYEE_ID], type_=Uuid())
        names = [column(name, String()) for name in TITLED]
        known = func.app.known_names(given).table_valued(column("employee_id", Uuid()), *names)
        return select(known).where(profile_visible(role, known.c.employee_id))
    profile = EmployeeProfile
    held = (profile.employee_id == Employee.id) & holds(profile)
    columns_of = (Employee.id.label("employee_id"), *(getattr(profile, name) for name in TITLED))
    return (
        select(*columns_of)
        .select_from(Employee)
        .outerjoin(profile, held)
        .where(Employee.id == EMPLOYEE_ID, profile_visible(role, Employee.id.expression))
    )


@lru_cache(maxsize=8)
def _newest(role: Role) -> Select[Any]:
    own = results(role, *DETAILS).where(R.employee_id == EMPLOYEE_ID, LAST_VERSION)
    return own.order_by(R.assessed_on.desc(), R.published_at.desc()).limit(1)


async def known_person(reader: Reader, actor: Actor, employee_id: UUID) -> AssessedPerson:
    """The person. Errors: NotFound, also where the actor may not read their competencies."""
    values: dict[str, object] = {"employee_id": employee_id, **viewer(actor)}
    if actor.role is not Role.ASN:
        values["as_of"] = today()
    row = await reader.one(_person(actor.role), **values)
    if row is None:
        raise NotFound
    reader.reveals([employee_id])
    name = full_name(*(row[part] for part in TITLED)) if row["name"] else None
    return AssessedPerson(employee_id=employee_id, name=name)


async def find(reader: Reader, actor: Actor, employee_id: UUID) -> Subject:
    """The person and their newest result. Errors: NotFound."""
    person = await known_person(reader, actor, employee_id)
    values = {"employee_id": employee_id, "today": today(), **viewer(actor)}
    return Subject(person, await reader.one(_newest(actor.role), **values))


# --- seats --------------------------------------------------------------------------------

_PLACE: tuple[Any, ...] = (
    PositionVersion.position_id.label("id"),
    PositionVersion.title,
    PositionVersion.unit_id,
    UnitVersion.name.label("unit_name"),
)
_UNIT = (UnitVersion.unit_id == PositionVersion.unit_id) & holds(UnitVersion)
_POSITION = (
    select(*_PLACE)
    .outerjoin(UnitVersion, _UNIT)
    .where(PositionVersion.position_id == bindparam("position_id", type_=Uuid()))
    .where(holds(PositionVersion))
)


@lru_cache(maxsize=4)
def _seat(seen: Sight) -> Select[Any]:
    seat = SeatAssignment
    return (
        select(*_PLACE)
        .select_from(seat)
        .join(PositionVersion, PositionVersion.position_id == seat.position_id)
        .outerjoin(UnitVersion, _UNIT)
        .where(seat.employee_id == EMPLOYEE_ID, seat.kind == AssignmentKind.DEFINITIF)
        .where(holds(seat), holds(PositionVersion), visible_holder(seen, seat.employee_id))
    )


async def seat_of(reader: Reader, actor: Actor, employee_id: UUID) -> AssessedPosition | None:
    """The seat that the person holds for good today, as far as the actor may see holders."""
    seen = sight(actor)
    values: dict[str, object] = {"employee_id": employee_id, "as_of": today()}
    if seen is Sight.OWN:
        values |= viewer(actor)
    row = await reader.one(_seat(seen), **values)
    return AssessedPosition(**row) if row else None


async def own_place(reader: Reader, actor: Actor, subject: Subject) -> AssessedPosition | None:
    """That seat; where there is none or the actor may not see it, the position last measured."""
    seat = await seat_of(reader, actor, subject.person.employee_id)
    if seat is None and subject.result is not None:
        seat = AssessedPosition(**place(subject.result)["position"])
    return seat


async def position_today(reader: Reader, position_id: UUID) -> AssessedPosition:
    """Any position in force today. Errors: NotFound."""
    row = await reader.one(_POSITION, position_id=position_id, as_of=today())
    if row is None:
        raise NotFound
    return AssessedPosition(**row)
