"""What every change of an employee shares: the lock, the version, the answer, the errors."""

from datetime import date
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.employees import can_see, require_another
from app.calendar import now, today
from app.database import SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.base import Dated
from app.models.employees import Employee, EmployeeGolongan, EmployeeIdentifier, EmployeeStatus
from app.rules.golongan import allowed_golongan
from app.rules.identifiers import identify
from app.schemas.employees import EmployeeRead
from app.services.employees.reading import get_employee
from app.services.timeline import overlaps
from app.vocabulary import EmploymentStatus, IdentifierKind


class IdentifierTaken(Conflict):
    """Somebody holds or held this NIP or NI PPPK."""

    code = "identifier_taken"
    title = Bilingual("NIP atau NI PPPK ini sudah tercatat", "This identifier is already recorded")
    constraints = ("uq_employee_identifiers_value",)


class NikTaken(Conflict):
    """Somebody else holds this NIK."""

    code = "nik_taken"
    title = Bilingual("NIK ini sudah tercatat pada pegawai lain", "This NIK is already recorded")
    constraints = ("uq_employees_nik_index",)


class NotEmployed(Conflict):
    """The person is not employed on that day."""

    code = "not_employed"
    title = Bilingual(
        "Pegawai tidak berstatus aktif pada tanggal itu", "The person is not employed on that day"
    )


Fact = TypeVar("Fact", EmployeeStatus, EmployeeGolongan, EmployeeIdentifier)
IDENTIFIER_OF = {
    EmploymentStatus.CPNS: IdentifierKind.NIP,
    EmploymentStatus.PNS: IdentifierKind.NIP,
    EmploymentStatus.PPPK: IdentifierKind.NI_PPPK,
    EmploymentStatus.PPPK_PARUH_WAKTU: IdentifierKind.NI_PPPK,
}
DISAGREEMENTS = {
    "birth_date_differs": FieldError(
        "/birth_date",
        "birth_date_differs",
        Bilingual(
            "Tanggal lahir berbeda dari yang tertulis di NIP atau NI PPPK.",
            "The date of birth differs from the one in the identifier.",
        ),
    ),
    "sex_differs": FieldError(
        "/sex",
        "sex_differs",
        Bilingual(
            "Jenis kelamin berbeda dari yang tertulis di NIP atau NI PPPK.",
            "The sex differs from the one in the identifier.",
        ),
    ),
}


class Written(NamedTuple):
    """The employee after a change, and what looks wrong but does not stop it."""

    employee: EmployeeRead
    warnings: tuple[FieldError, ...]


async def locked(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int | None = None
) -> Employee:
    """The employee, locked and about to get a new version: every change begins here.

    Errors: NotFound; OwnRecord; StaleVersion where another version than `expected` is current.
    """
    employee = None
    if can_see(actor, employee_id):
        statement = select(Employee).where(Employee.id == employee_id).with_for_update()
        employee = await session.scalar(statement)
    if employee is None:
        raise NotFound
    require_another(actor, employee_id)
    if expected is not None and employee.version != expected:
        raise StaleVersion
    employee.updated_at = now()  # a change of a dated fact is a change of the employee
    return employee


async def written(
    session: AsyncSession, actor: Actor, employee_id: UUID, effective_from: date | None = None
) -> Written:
    """The answer of a change: today, or on the day from which it holds where that is to come."""
    await session.flush()
    day = max(today(), effective_from or date.min)
    employee = await get_employee(SessionReader(session), actor, employee_id, day)
    return Written(employee, _warnings(employee))


def _warnings(employee: EmployeeRead) -> tuple[FieldError, ...]:
    if employee.identifier is None:
        return ()
    codes = identify(employee.identifier.value).warnings(
        birth_date=employee.birth_date, sex=employee.sex
    )
    return tuple(DISAGREEMENTS[code] for code in codes)


async def require_fitting(session: AsyncSession, employee_id: UUID, days: Range[date]) -> None:
    """On each of these days, golongan and identifier are ones that the status may hold.

    Errors: Invalid, with the first day on which they don't fit.
    """
    statuses = await _facts(session, EmployeeStatus, employee_id, days)
    for rank in await _facts(session, EmployeeGolongan, employee_id, days):
        for status, day in _together(statuses, rank, days):
            if rank.golongan not in allowed_golongan(status.status, day).value:
                raise _unfit("/golongan", "golongan_does_not_fit", rank.golongan, status, day)
    for identifier in await _facts(session, EmployeeIdentifier, employee_id, days):
        for status, day in _together(statuses, identifier, days):
            if IDENTIFIER_OF[status.status] is not identifier.kind:
                kind = identifier.kind
                raise _unfit("/identifier", "identifier_does_not_fit", kind, status, day)


def _unfit(pointer: str, code: str, held: str, status: EmployeeStatus, day: date) -> Invalid:
    words = {"held": held, "status": status.status, "day": day.isoformat()}
    detail = Bilingual(
        "{held} tidak dapat dimiliki {status} pada {day}.", "{status} can't hold {held} on {day}."
    )
    return Invalid(errors=[FieldError(pointer, code, detail.format(**words))])


async def _facts(
    session: AsyncSession, model: type[Fact], employee_id: UUID, days: Range[date]
) -> list[Fact]:
    statement = select(model).where(model.employee_id == employee_id, overlaps(model, days))
    return list(await session.scalars(statement))


def _together(
    statuses: list[EmployeeStatus], fact: Dated, days: Range[date]
) -> list[tuple[EmployeeStatus, date]]:
    """The statuses that hold beside the fact on some of the days, each with the first day."""
    found = []
    for status in statuses:
        both = status.valid.intersection(fact.valid).intersection(days)
        if not both.is_empty and both.lower is not None:
            found.append((status, both.lower))
    return found
