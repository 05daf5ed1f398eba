"""Employees: search, one person as of a day, and the dated changes of what is recorded."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    AsOf,
    CurrentActor,
    CurrentLanguage,
    CurrentRuntime,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    answer_with_etag,
    etag,
    etag_of,
    next_link,
    told,
)
from app.errors import (
    Forbidden,
    IfMatchRequired,
    Invalid,
    InvalidCursor,
    Language,
    NotFound,
    StaleVersion,
    problems,
)
from app.schemas.base import Day
from app.schemas.employees import (
    DisciplineCreate,
    DisciplineRead,
    EducationCreate,
    EducationRead,
    EmployeeCreate,
    EmployeeHistory,
    EmployeePage,
    EmployeeQuery,
    EmployeeRead,
    EmployeeUpdate,
    EmployeeWritten,
    GolonganChange,
    IdentifierChange,
    NikRead,
    NikReveal,
    ProfileChange,
    SeparationCreate,
    StatusChange,
    Warned,
)
from app.schemas.spouses import SpouseRead, SpouseRecord
from app.schemas.subject_access import DataExport
from app.services.employees import changing, exporting, nik, reading, searching, spouses
from app.services.employees.aggregate import IdentifierTaken, NikTaken, NotEmployed, Written
from app.services.employees.spouses import AlreadyMarried

router = Router("/employees", tag="employees")
CHANGE = (NotFound, StaleVersion, IfMatchRequired, Invalid)


@router.get("", responses=problems(InvalidCursor, Invalid))
async def list_employees(
    query: Annotated[EmployeeQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> EmployeePage:
    """Search and filter employees.

    As of a day. Who is not employed on that day is left out unless `include_separated`. Digits
    in `q` search the NIP and NI PPPK, anything else the name, every word of it.
    """
    page = await searching.list_employees(reader, reader.actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(IdentifierTaken, NikTaken))
async def create_employee(
    new: EmployeeCreate,
    session: Session,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    request: Request,
    language: CurrentLanguage,
    response: Response,
    _key: IdempotencyKey = None,
) -> EmployeeWritten:
    """Enter a civil servant.

    Where the identifier disagrees with birth date or sex, the answer says so in `warnings`:
    lawful corrections make that possible, so that it never rejects.
    """
    sealer = runtime.settings.sealer
    written = await changing.create_employee(session, actor, sealer, new)
    response.headers["Location"] = f"{request.url.path}/{written.employee.id}"
    return _answer(language, response, written)


@router.get("/{employee_id}", response_model=EmployeeRead, responses=problems(NotFound))
async def get_employee(employee_id: UUID, reader: ReadSession, as_of: AsOf) -> Response:
    """One employee.

    The whole record as of a day. An ASN reads only their own.
    """
    employee = await reading.get_employee(reader, reader.actor, employee_id, as_of)
    return answer_with_etag(employee.version, employee)


@router.get("/{employee_id}/history", response_model=EmployeeHistory, responses=problems(NotFound))
async def get_history(employee_id: UUID, reader: ReadSession) -> Response:
    """An employee's history.

    Every dated fact, oldest first, with what is still to come. A position shows its title and
    unit as they were on the first day of holding it.
    """
    history = await reading.get_history(reader, reader.actor, employee_id)
    return answer_with_etag(history.version, history)


@router.patch("/{employee_id}", responses=problems(*CHANGE, NikTaken))
async def update_employee(
    employee_id: UUID,
    change: EmployeeUpdate,
    session: Session,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
) -> EmployeeWritten:
    """Correct birth, sex or NIK.

    For what does not change with time, or only because it was wrong.
    """
    sealer = runtime.settings.sealer
    written = await changing.update_employee(session, actor, sealer, employee_id, expected, change)
    return _answer(language, response, written)


@router.put("/{employee_id}/profile", responses=problems(*CHANGE))
async def change_profile(
    employee_id: UUID,
    change: ProfileChange,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
) -> EmployeeWritten:
    """Change name, titles or contact from a day on.

    The body is the whole profile. A day to come schedules the change; the day on which the
    present profile began corrects it.
    """
    written = await changing.change_profile(session, actor, employee_id, expected, change)
    return _answer(language, response, written)


@router.put("/{employee_id}/identifier", responses=problems(*CHANGE, IdentifierTaken))
async def change_identifier(
    employee_id: UUID,
    change: IdentifierChange,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
) -> EmployeeWritten:
    """Change the NIP or NI PPPK from a day on.

    A NI PPPK changes with a new agreement at another agency. The former ones stay in the history.
    """
    written = await changing.change_identifier(session, actor, employee_id, expected, change)
    return _answer(language, response, written)


@router.put("/{employee_id}/status", responses=problems(*CHANGE, IdentifierTaken))
async def change_status(
    employee_id: UUID,
    change: StatusChange,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
) -> EmployeeWritten:
    """Change the status from a day on.

    With the golongan and identifier that the new status brings, where the present ones don't
    fit it. After a separation this employs the person again.
    """
    written = await changing.change_status(session, actor, employee_id, expected, change)
    return _answer(language, response, written)


@router.put("/{employee_id}/golongan", responses=problems(*CHANGE))
async def change_golongan(
    employee_id: UUID,
    change: GolonganChange,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
) -> EmployeeWritten:
    """Change the golongan from a day on.

    It must be one that the status may hold on each day on which it holds.
    """
    written = await changing.change_golongan(session, actor, employee_id, expected, change)
    return _answer(language, response, written)


@router.post("/{employee_id}/separation", responses=problems(*CHANGE, NotEmployed))
async def separate(
    employee_id: UUID,
    end: SeparationCreate,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    language: CurrentLanguage,
    response: Response,
    _key: IdempotencyKey = None,
) -> EmployeeWritten:
    """End the employment.

    From that day on the person has no status and holds no seat; statuses and seats that were
    to begin later are withdrawn.
    """
    written = await changing.separate_employee(session, actor, employee_id, expected, end)
    return _answer(language, response, written)


@router.post(
    "/{employee_id}/educations",
    status_code=status.HTTP_201_CREATED,
    responses={201: {"headers": told("ETag")}, **problems(NotFound, Invalid)},
)
async def add_education(
    employee_id: UUID,
    new: EducationCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> EducationRead:
    """Add a completed education.

    The ETag of the answer is the employee's new version.
    """
    education, version = await changing.add_education(session, actor, employee_id, new)
    response.headers["ETag"] = etag(version)
    response.headers["Location"] = f"{request.url.path}/{education.id}"
    return education


@router.delete(
    "/{employee_id}/educations/{education_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*CHANGE),
)
async def remove_education(
    employee_id: UUID,
    education_id: UUID,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    response: Response,
) -> None:
    """Remove an education that was recorded wrongly.

    The ETag of the answer is the employee's new version.
    """
    version = await changing.remove_education(session, actor, employee_id, expected, education_id)
    response.headers["ETag"] = etag(version)


@router.post(
    "/{employee_id}/disciplines",
    status_code=status.HTTP_201_CREATED,
    responses={201: {"headers": told("ETag")}, **problems(NotFound, Invalid)},
)
async def add_discipline(
    employee_id: UUID,
    new: DisciplineCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> DisciplineRead:
    """Add a hukuman disiplin (PP 94/2021).

    The ETag of the answer is the employee's new version.
    """
    discipline, version = await changing.add_discipline(session, actor, employee_id, new)
    response.headers["ETag"] = etag(version)
    response.headers["Location"] = f"{request.url.path}/{discipline.id}"
    return discipline


@router.delete(
    "/{employee_id}/disciplines/{discipline_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*CHANGE),
)
async def remove_discipline(
    employee_id: UUID,
    discipline_id: UUID,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    response: Response,
) -> None:
    """Remove a hukuman disiplin that was recorded wrongly.

    The ETag of the answer is the employee's new version.
    """
    version = await changing.remove_discipline(session, actor, employee_id, expected, discipline_id)
    response.headers["ETag"] = etag(version)


@router.get("/{employee_id}/spouse", responses=problems(NotFound))
async def get_spouse(
    employee_id: UUID, reader: ReadSession, as_of: AsOf, response: Response
) -> SpouseRead:
    """Whom an employee is married to among the employees.

    404 where nobody is recorded on the day.
    """
    spouse = await spouses.get_spouse(reader, reader.actor, employee_id, as_of)
    response.headers["ETag"] = etag_of(spouse.version, spouse)
    return spouse


@router.put("/{employee_id}/spouse", responses=problems(*CHANGE, AlreadyMarried))
async def record_spouse(
    employee_id: UUID,
    new: SpouseRecord,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    response: Response,
) -> SpouseRead:
    """Record that two employees are married.

    From a day on. Neither may then assess the other. Entered for one of them it holds for both.
    """
    spouse = await spouses.record_spouse(session, actor, employee_id, expected, new)
    response.headers["ETag"] = etag_of(spouse.version, spouse)
    return spouse


@router.delete(
    "/{employee_id}/spouse",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*CHANGE),
)
async def end_marriage(
    employee_id: UUID,
    effective_from: Annotated[Day, Query(description="The first day without the marriage.")],
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    response: Response,
) -> None:
    """End a marriage.

    One that begins on that day or later is withdrawn. The ETag of the answer is the employee's
    new version.
    """
    version = await spouses.end_marriage(session, actor, employee_id, expected, effective_from)
    response.headers["ETag"] = etag(version)


@router.post("/{employee_id}/nik/reveal", responses=problems(NotFound, nik.NikNotRecorded))
async def reveal_nik(
    employee_id: UUID,
    why: NikReveal,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    _key: IdempotencyKey = None,
) -> NikRead:
    """Show the NIK in full.

    The purpose is kept in the audit log, where the person can read it, before the answer goes
    out. Never replayed: each request is an event of its own.
    """
    shown = await nik.open_nik(reader, actor, runtime.settings.sealer, employee_id)
    stating = replace(actor, purpose=why.purpose)
    await runtime.recorder.record_read(stating, "nik", [employee_id])
    return NikRead(nik=shown)


@router.get("/{employee_id}/data-export", responses=problems(NotFound, Forbidden))
async def export_data(
    employee_id: UUID, reader: ReadSession, actor: CurrentActor, runtime: CurrentRuntime
) -> DataExport:
    """All that is held about me.

    One document for the person themself: the record, its history, the correction requests and
    where to read who looked at the data (UU PDP 27/2022 art. 32).
    """
    return await exporting.export_data(reader, actor, runtime.settings.sealer, employee_id)


def _answer(language: Language, response: Response, written: Written) -> EmployeeWritten:
    response.headers["ETag"] = etag_of(written.employee.version, written.employee)
    warnings = [
        Warned(pointer=w.pointer, code=w.code, detail=w.detail.text(language))
        for w in written.warnings
    ]
    return EmployeeWritten.model_construct(**dict(written.employee), warnings=warnings)
