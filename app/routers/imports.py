"""Imports of employees and of assessment results from spreadsheets."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, File, Form, Query, Request, Response, UploadFile, status

from app.dependencies import (
    CurrentActor,
    CurrentLanguage,
    CurrentRuntime,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    next_link,
)
from app.errors import (
    ContentTooLarge,
    Invalid,
    InvalidCursor,
    NotFound,
    problems,
)
from app.schemas.base import Day, Line
from app.schemas.imports import (
    FileFormat,
    FindingPage,
    FindingQuery,
    ImportColumns,
    ImportPage,
    ImportQuery,
    ImportRead,
)
from app.services.assessments.adding import EventClosed
from app.services.imports import findings, requests
from app.services.imports.findings import NothingWrong
from app.services.imports.requests import (
    FileRemoved,
    NotChecked,
    RowsWrong,
    Wishes,
)
from app.vocabulary import ImportKind

router = Router("/imports", tag="imports")
uploads = Router("/imports", tag="imports")
"""Apart, because it takes larger bodies than every other operation."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
SPREADSHEET: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            XLSX: {"schema": {"type": "string", "format": "binary"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


Kind = Annotated[ImportKind, Query(description="What the rows are.")]


def _wishes(
    kind: Kind = ImportKind.EMPLOYEES,
    event_id: Annotated[
        UUID | None, Query(description="The open event that assessment results belong to.")
    ] = None,
    dry_run: Annotated[bool, Query(description="Check everything, change nothing.")] = False,
    partial: Annotated[
        bool, Query(description="Import the good rows although others are wrong.")
    ] = False,
    create_positions: Annotated[
        bool, Query(description="Create positions that a unit doesn't have yet.")
    ] = False,
    effective_from: Annotated[
        Day | None,
        Query(
            description="From when a change of an employee holds whose column names no day; today "
            "by default."
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        Form(
            max_length=20_000,
            description="JSON object {heading in the file: column name}; an empty name leaves "
            "the heading out.",
        ),
    ] = None,
    sheet: Annotated[
        Line | None, Form(description="The first visible sheet with headings by default.")
    ] = None,
) -> Wishes:
    return Wishes(
        kind, event_id, dry_run, partial, create_positions, effective_from, sheet, mapping
    )


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(Invalid, ContentTooLarge, EventClosed),
)
async def create_import(
    file: Annotated[UploadFile, File(description="XLSX, or CSV with any usual delimiter.")],
    wishes: Annotated[Wishes, Depends(_wishes)],
    session: Session,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    response: Response,
    _: IdempotencyKey = None,
) -> ImportRead:
    """Import employees, or the results of an assessment event.

    The file is read by a job: follow `Location` until the state is final. All or nothing,
    unless `partial`; the same file again changes nothing. Assessment results become the part of
    the provider's own assessors, and are submitted to be moderated; none is published.
    """
    sealer = runtime.settings.sealer
    begun = await requests.create_import(
        session, actor, sealer, file.filename or "", await file.read(), wishes
    )
    response.headers["Location"] = f"/api/v1/imports/{begun.id}"
    return begun


@router.get("", responses=problems(InvalidCursor))
async def list_imports(
    query: Annotated[ImportQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    language: CurrentLanguage,
    request: Request,
    response: Response,
) -> ImportPage:
    """Imports, newest first."""
    page = await requests.list_imports(reader, actor, query, language)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/columns")
async def list_columns(
    _: CurrentActor,
    reader: ReadSession,
    language: CurrentLanguage,
    kind: Kind = ImportKind.EMPLOYEES,
) -> ImportColumns:
    """The columns that an import knows.

    With the headings that are taken for each, for a screen that maps a file's headings.
    """
    return await requests.known_columns(reader, kind, language)


@router.get("/template", response_class=Response, responses=SPREADSHEET)
async def get_template(
    _: CurrentActor,
    reader: ReadSession,
    format: Annotated[FileFormat, Query(description="Of the file.")] = "xlsx",
    kind: Kind = ImportKind.EMPLOYEES,
) -> Response:
    """An empty file to fill in.

    For assessment results with a column for each competency of the dictionary; those that were
    not measured may be deleted.
    """
    name, content = await requests.make_template(reader, kind, xlsx=format == "xlsx")
    return _file(name, content, XLSX if format == "xlsx" else CSV)


@router.get("/{import_id}", responses=problems(NotFound))
async def get_import(
    import_id: UUID, reader: ReadSession, actor: CurrentActor, language: CurrentLanguage
) -> ImportRead:
    """One import: how far it has come, and what came of it."""
    return await requests.get_import(reader, actor, import_id, language)


@router.get("/{import_id}/findings", responses=problems(NotFound, InvalidCursor))
async def list_findings(
    import_id: UUID,
    query: Annotated[FindingQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    language: CurrentLanguage,
    request: Request,
    response: Response,
) -> FindingPage:
    """What is wrong with which cell, by row."""
    page = await findings.list_findings(reader, actor, import_id, query, language)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(
    "/{import_id}/error-file",
    response_class=Response,
    responses={**SPREADSHEET, **problems(NotFound, NothingWrong, FileRemoved)},
)
async def get_error_file(
    import_id: UUID,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    language: CurrentLanguage,
) -> Response:
    """The wrong rows, to mend and send again.

    As they came, in the format of the upload; the first column says what is wrong.
    """
    sealer = runtime.settings.sealer
    made = await findings.make_error_file(reader, actor, sealer, import_id, language)
    return _file(made.filename, made.content, XLSX if made.xlsx else CSV)


@router.post(
    "/{import_id}/apply",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFound, NotChecked, RowsWrong, FileRemoved),
)
async def apply_import(
    import_id: UUID,
    session: Session,
    actor: CurrentActor,
    response: Response,
    partial: Annotated[
        bool, Query(description="Import the good rows although others are wrong.")
    ] = False,
    _: IdempotencyKey = None,
) -> ImportRead:
    """Import the file of a finished dry run.

    Without sending it again; it is checked once more, for much may have changed since.
    """
    begun = await requests.apply_import(session, actor, import_id, partial=partial)
    response.headers["Location"] = f"/api/v1/imports/{begun.id}"
    return begun


def _file(filename: str, content: bytes, media_type: str) -> Response:
    named = f"attachment; filename*=UTF-8''{quote(filename)}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": named})
