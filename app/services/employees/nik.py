"""The NIK: stored sealed, found by a blind index, shown by one operation only."""

from uuid import UUID

from sqlalchemy import select

from app.access.actors import Actor
from app.access.employees import can_see
from app.database import Reader
from app.errors import Bilingual, NotFound
from app.models.employees import Employee
from app.sealing import Sealer
from app.services.employees.reading import EMPLOYEE_ID

PURPOSE = "nik"
SEALED = select(Employee.nik_sealed).where(Employee.id == EMPLOYEE_ID)


class NikNotRecorded(NotFound):
    """The employee is known, their NIK is not."""

    code = "nik_not_recorded"
    title = Bilingual("NIK pegawai ini belum tercatat", "This employee's NIK is not recorded")


def nik_columns(sealer: Sealer, employee_id: UUID, nik: str | None) -> dict[str, bytes | None]:
    """The columns that hold a NIK: sealed to this employee, and an index that finds a double."""
    if nik is None:
        return {"nik_sealed": None, "nik_index": None}
    return {
        "nik_sealed": sealer.seal(PURPOSE, nik.encode(), context=employee_id.bytes),
        "nik_index": sealer.blind_index(PURPOSE, nik),
    }


async def open_nik(reader: Reader, actor: Actor, sealer: Sealer, employee_id: UUID) -> str:
    """The NIK in full; the caller records that it was shown. Errors: NotFound, NikNotRecorded."""
    row = None
    if can_see(actor, employee_id):
        row = await reader.one(SEALED, employee_id=employee_id)
    if row is None:
        raise NotFound
    if row["nik_sealed"] is None:
        raise NikNotRecorded
    return sealer.open(PURPOSE, row["nik_sealed"], context=employee_id.bytes).decode()
