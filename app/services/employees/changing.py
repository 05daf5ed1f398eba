"""Entering an employee, and every dated change of one."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.errors import Bilingual, FieldError, Invalid, NotFound
from app.models.employees import (
    Employee,
    EmployeeDiscipline,
    EmployeeEducation,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
)
from app.names import sorting_form
from app.rules.identifiers import identify
from app.schemas.employees import (
    DisciplineCreate,
    DisciplineRead,
    EducationCreate,
    EducationRead,
    EmployeeCreate,
    EmployeeUpdate,
    GolonganChange,
    IdentifierChange,
    ProfileChange,
    SeparationCreate,
    StatusChange,
)
from app.sealing import Sealer
from app.services import timeline
from app.services.assignments.leaving import end_assignments
from app.services.employees.aggregate import (
    NotEmployed,
    Written,
    locked,
    require_fitting,
    written,
)
from app.services.employees.nik import nik_columns


async def create_employee(
    session: AsyncSession, actor: Actor, sealer: Sealer, new: EmployeeCreate
) -> Written:
    """Enter a civil servant, employed from the day of their status.

    Errors: Invalid where golongan or identifier don't fit the status; IdentifierTaken, NikTaken.
    """
    employee_id: UUID = await session.scalar(select(func.uuidv7(type_=Uuid())))  # type: ignore[assignment]
    start = new.status.effective_from
    session.add(
        Employee(
            id=employee_id,
            birth_place=new.birth_place,
            birth_date=new.birth_date,
            sex=new.sex,
            **nik_columns(sealer, employee_id, new.nik),
        )
    )
    await session.flush()
    since = "/status/effective_from"
    profile, identifier = new.profile.model_dump(), _identifier(new.identifier)
    await _record(session, EmployeeProfile, employee_id, start, profile, since)
    await _record(session, EmployeeIdentifier, employee_id, start, identifier, since)
    status = new.status.model_dump(exclude={"effective_from"})
    await _record(session, EmployeeStatus, employee_id, start, status, since)
    if new.golongan is not None:
        rank, since = new.golongan, "/golongan/effective_from"
        values = rank.model_dump(exclude={"effective_from"})
        await _record(session, EmployeeGolongan, employee_id, rank.effective_from, values, since)
    session.add_all(
        EmployeeEducation(employee_id=employee_id, **e.model_dump()) for e in new.educations
    )
    await require_fitting(session, employee_id, Range(start, None))
    return await written(session, actor, employee_id, start)


async def update_employee(
    session: AsyncSession,
    actor: Actor,
    sealer: Sealer,
    employee_id: UUID,
    expected: int,
    change: EmployeeUpdate,
) -> Written:
    """Correct what does not change with time. Errors: NotFound, StaleVersion, NikTaken."""
    employee = await locked(session, actor, employee_id, expected)
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    if "nik" in values:
        values |= nik_columns(sealer, employee_id, values.pop("nik"))
    correct(employee, values)
    return await written(session, actor, employee_id)


def correct(employee: Employee, values: dict[str, Any]) -> None:
    """Set what does not change with time, on a locked employee."""
    for name, value in values.items():
        setattr(employee, name, value)


async def change_profile(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, change: ProfileChange
) -> Written:
    """Name, titles and contact from a day on. Errors: NotFound, StaleVersion."""
    await locked(session, actor, employee_id, expected)
    values = change.model_dump(exclude={"effective_from"})
    await _record(session, EmployeeProfile, employee_id, change.effective_from, values)
    return await written(session, actor, employee_id, change.effective_from)


async def change_identifier(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, change: IdentifierChange
) -> Written:
    """The NIP or NI PPPK from a day on.

    Errors: NotFound, StaleVersion, IdentifierTaken, Invalid where it doesn't fit the status.
    """
    await locked(session, actor, employee_id, expected)
    values = _identifier(change.identifier)
    await record_fitting(session, EmployeeIdentifier, employee_id, change.effective_from, values)
    return await written(session, actor, employee_id, change.effective_from)


async def change_golongan(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, change: GolonganChange
) -> Written:
    """The golongan from a day on.

    Errors: NotFound, StaleVersion, Invalid where it doesn't fit the status.
    """
    await locked(session, actor, employee_id, expected)
    values = change.model_dump(exclude={"effective_from"})
    await record_fitting(session, EmployeeGolongan, employee_id, change.effective_from, values)
    return await written(session, actor, employee_id, change.effective_from)


async def change_status(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, change: StatusChange
) -> Written:
    """The status from a day on, with the golongan and identifier that it brings.

    Errors: NotFound, StaleVersion, IdentifierTaken, Invalid where they don't fit the status.
    """
    await locked(session, actor, employee_id, expected)
    start = change.effective_from
    if change.identifier is not None:
        values = _identifier(change.identifier)
        await _record(session, EmployeeIdentifier, employee_id, start, values)
    if change.golongan is not None:
        values = {"golongan": change.golongan, "decree_no": change.decree_no}
        await _record(session, EmployeeGolongan, employee_id, start, values)
    await _record_status(session, employee_id, change)
    return await written(session, actor, employee_id, start)


async def _record_status(session: AsyncSession, employee_id: UUID, change: StatusChange) -> None:
    """A separation that lies ahead stays the end of what is now the last status."""
    before = await _holding_status(session, employee_id, change.effective_from)
    reason = before.end_reason if before else None
    values = {"status": change.status, "decree_no": change.decree_no, "end_reason": reason}
    if before is not None and before.effective_from < change.effective_from:
        before.end_reason = None
    await record_fitting(session, EmployeeStatus, employee_id, change.effective_from, values)


async def _holding_status(
    session: AsyncSession, employee_id: UUID, on: date
) -> EmployeeStatus | None:
    statement = select(EmployeeStatus).where(
        EmployeeStatus.employee_id == employee_id,
        timeline.holds(EmployeeStatus, literal(on, Date())),
    )
    found: EmployeeStatus | None = await session.scalar(statement)
    return found


async def separate_employee(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, end: SeparationCreate
) -> Written:
    """End the employment on a day: the status ends with its reason, and every seat is left.

    Statuses and seats that were to begin on that day or later are withdrawn.
    Errors: NotFound, StaleVersion, NotEmployed where nothing held on the day before.
    """
    await locked(session, actor, employee_id, expected)
    owner = EmployeeStatus.employee_id
    status = await timeline.end(session, owner, employee_id, end.effective_from)
    if not isinstance(status, EmployeeStatus):
        raise NotEmployed
    status.end_reason = end.reason
    await end_assignments(session, employee_id, end.effective_from)
    return await written(session, actor, employee_id, end.effective_from)


async def add_education(
    session: AsyncSession, actor: Actor, employee_id: UUID, new: EducationCreate
) -> tuple[EducationRead, int]:
    """A completed education, and the employee's new version. Errors: NotFound."""
    employee = await locked(session, actor, employee_id)
    education = EmployeeEducation(employee_id=employee_id, **new.model_dump())
    session.add(education)
    await session.flush()
    return EducationRead(id=education.id, **new.model_dump()), employee.version


async def add_discipline(
    session: AsyncSession, actor: Actor, employee_id: UUID, new: DisciplineCreate
) -> tuple[DisciplineRead, int]:
    """A hukuman disiplin, and the employee's new version. Errors: NotFound."""
    employee = await locked(session, actor, employee_id)
    values = new.model_dump(exclude={"effective_from", "effective_until"})
    days = Range(new.effective_from, new.effective_until)
    discipline = EmployeeDiscipline(employee_id=employee_id, valid=days, **values)
    session.add(discipline)
    await session.flush()
    return DisciplineRead(id=discipline.id, **new.model_dump()), employee.version


async def remove_education(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, education_id: UUID
) -> int:
    """Remove one that was recorded wrongly; the new version. Errors: NotFound, StaleVersion."""
    return await _remove(session, actor, employee_id, expected, EmployeeEducation, education_id)


async def remove_discipline(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, discipline_id: UUID
) -> int:
    """Remove one that was recorded wrongly; the new version. Errors: NotFound, StaleVersion."""
    return await _remove(session, actor, employee_id, expected, EmployeeDiscipline, discipline_id)


async def _remove(
    session: AsyncSession,
    actor: Actor,
    employee_id: UUID,
    expected: int,
    model: type[EmployeeEducation | EmployeeDiscipline],
    fact_id: UUID,
) -> int:
    employee = await locked(session, actor, employee_id, expected)
    fact: Any = await session.get(model, fact_id)
    if fact is None or fact.employee_id != employee_id:
        raise NotFound
    await session.delete(fact)
    await session.flush()
    return employee.version


def _identifier(value: str) -> dict[str, object]:
    return {"kind": identify(value).kind, "value": value}


async def _record(
    session: AsyncSession,
    model: Any,
    employee_id: UUID,
    start: date,
    values: dict[str, Any],
    pointer: str = "/effective_from",
) -> Any:
    """Errors: Invalid for a day before the birth."""
    born = await session.scalar(select(Employee.birth_date).where(Employee.id == employee_id))
    if born is not None and start <= born:
        detail = Bilingual("Harus sesudah tanggal lahir.", "Must come after the date of birth.")
        raise Invalid(errors=[FieldError(pointer, "before_birth", detail)])
    if "name" in values:
        values = {**values, "name_sort": sorting_form(values["name"])}
    return await timeline.record(session, model.employee_id, employee_id, start, values)


async def record_fitting(
    session: AsyncSession, model: Any, employee_id: UUID, start: date, values: dict[str, Any]
) -> None:
    """Record a dated fact that status, golongan or identifier have a say in. Errors: Invalid."""
    fact = await _record(session, model, employee_id, start, values)
    await require_fitting(session, employee_id, fact.valid)
