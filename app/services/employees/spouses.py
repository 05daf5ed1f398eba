"""Who is married to whom, among the employees: neither may assess the other.

A marriage is one row, whoever of the two it is entered for; each of them has one a day at most.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.employees import can_see
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound
from app.models.employees import Employee, EmployeeSpouse
from app.schemas.spouses import SpouseRead, SpouseRecord
from app.services.employees.aggregate import locked
from app.services.timeline import begins, ends, holds, overlaps

M = EmployeeSpouse
_PERSON = bindparam("employee_id", type_=Uuid())
_MARRIAGE = select(
    M.employee_id,
    M.spouse_id,
    begins(M).label("effective_from"),
    ends(M).label("effective_until"),
    Employee.version,
).join(Employee, Employee.id == _PERSON)
_THEIRS = _MARRIAGE.where(or_(M.employee_id == _PERSON, M.spouse_id == _PERSON))
_ONE = _THEIRS.where(holds(M))
_EVERY = _THEIRS.order_by(begins(M))


class AlreadyMarried(Conflict):
    """One of the two is married on one of these days: end that marriage first."""

    code = "already_married"
    title = Bilingual("Sudah memiliki pasangan pada hari-hari itu", "Already married on those days")
    constraints = ("uq_employee_spouses_employee_id", "uq_employee_spouses_spouse_id")


async def get_spouse(reader: Reader, actor: Actor, employee_id: UUID, as_of: date) -> SpouseRead:
    """The spouse on that day. Errors: NotFound, also where none is recorded."""
    row = None
    if can_see(actor, employee_id):
        row = await reader.one(_ONE, employee_id=employee_id, as_of=as_of)
    if row is None:
        raise NotFound
    reader.reveals([row["employee_id"], row["spouse_id"]])
    return _read(employee_id, row)


async def list_spouses(reader: Reader, employee_id: UUID) -> list[SpouseRead]:
    """Every marriage recorded of somebody whom the caller may see, oldest first."""
    rows = await reader.all(_EVERY, employee_id=employee_id)
    return [_read(employee_id, row) for row in rows]


def _read(employee_id: UUID, row: Row) -> SpouseRead:
    spouse = _other(employee_id, row["employee_id"], row["spouse_id"])
    return SpouseRead.model_validate({**row, "employee_id": employee_id, "spouse_id": spouse})


async def record_spouse(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, new: SpouseRecord
) -> SpouseRead:
    """Two employees are married from that day on.

    Errors: NotFound, OwnRecord, StaleVersion, AlreadyMarried; Invalid for an unknown spouse.
    """
    if new.spouse_id == employee_id:
        detail = Bilingual("Orang yang sama.", "The same person.")
        raise Invalid(errors=[FieldError("/spouse_id", "same_person", detail)])
    await _lock(session, actor, employee_id, {new.spouse_id}, expected)
    if await session.scalar(_of({employee_id, new.spouse_id}, new.effective_from).limit(1)):
        raise AlreadyMarried
    session.add(
        M(
            employee_id=employee_id,
            spouse_id=new.spouse_id,
            valid=Range(new.effective_from, None),
        )
    )
    await session.flush()
    return await get_spouse(SessionReader(session), actor, employee_id, new.effective_from)


async def end_marriage(
    session: AsyncSession, actor: Actor, employee_id: UUID, expected: int, on: date
) -> int:
    """From that day on they are not married; one that begins then or later is withdrawn.

    Returns the employee's new version.
    Errors: NotFound where nobody is recorded then or later, OwnRecord, StaleVersion.
    """
    found = (await session.scalars(_of({employee_id}, on))).all()
    if not found or not can_see(actor, employee_id):
        raise NotFound
    spouses = {_other(employee_id, each.employee_id, each.spouse_id) for each in found}
    await _lock(session, actor, employee_id, spouses, expected)
    for marriage in found:
        if marriage.effective_from >= on:
            await session.delete(marriage)
        else:
            marriage.valid = Range(marriage.effective_from, on)
    employee = await session.get_one(Employee, employee_id)
    await session.flush()
    return employee.version


def _of(people: set[UUID], on: date) -> Select[EmployeeSpouse]:
    """Their marriages on that day or later."""
    theirs = or_(M.employee_id.in_(people), M.spouse_id.in_(people))
    return select(M).where(theirs, overlaps(M, Range(on, None))).order_by(begins(M))


async def _lock(
    session: AsyncSession, actor: Actor, employee_id: UUID, spouses: set[UUID], expected: int
) -> None:
    """Lock all of them in the order of their ids, so that no two writers wait in a ring."""
    for person in sorted({employee_id, *spouses}):
        try:
            await locked(session, actor, person, expected if person == employee_id else None)
        except NotFound:
            if person == employee_id:
                raise
            detail = Bilingual("Tidak dikenal.", "Unknown.")
            raise Invalid(errors=[FieldError("/spouse_id", "unknown", detail)]) from None


def _other(person: UUID, first: UUID, second: UUID) -> UUID:
    return second if person == first else first
