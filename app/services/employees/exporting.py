"""Subject access: all that is held about a person, as one document (UU PDP 27/2022 art. 32)."""

from uuid import UUID

from app.access.actors import Actor
from app.access.employees import can_see
from app.calendar import now, today
from app.database import Reader
from app.errors import Bilingual, Forbidden, NotFound
from app.schemas.correction_requests import CorrectionQuery, CorrectionRead
from app.schemas.subject_access import DataExport
from app.sealing import Sealer
from app.services import correction_requests
from app.services.employees.nik import NikNotRecorded, open_nik
from app.services.employees.reading import get_employee, get_history
from app.services.employees.spouses import list_spouses
from app.services.results import comparing as results

TRAIL = "/api/v1/me/data-access"


async def export_data(
    reader: Reader, actor: Actor, sealer: Sealer, employee_id: UUID
) -> DataExport:
    """Everything about oneself. Errors: NotFound; Forbidden for another's, however visible."""
    if not can_see(actor, employee_id):
        raise NotFound
    if not actor.is_self(employee_id):
        raise Forbidden(Bilingual("Hanya untuk data diri sendiri.", "For one's own data only."))
    employee = await get_employee(reader, actor, employee_id, today())
    history = await get_history(reader, actor, employee_id)
    try:
        nik = await open_nik(reader, actor, sealer, employee_id)
    except NikNotRecorded:
        nik = None
    return DataExport(
        generated_at=now(),
        employee=employee,
        nik=nik,
        history=history,
        spouses=await list_spouses(reader, employee_id),
        competency_history=await results.get_history(reader, actor, employee_id),
        correction_requests=await _requests(reader, actor, employee_id),
        processing_trail=TRAIL,
    )


async def _requests(reader: Reader, actor: Actor, employee_id: UUID) -> list[CorrectionRead]:
    """Every request ever made, page by page."""
    found: list[CorrectionRead] = []
    query = CorrectionQuery(limit=200)
    while True:
        page = await correction_requests.list_requests(reader, actor, query, employee_id)
        found += page.items
        if page.next_cursor is None:
            return found
        query = CorrectionQuery(limit=200, cursor=page.next_cursor)
