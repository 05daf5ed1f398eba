"""Imports as the API knows them: begun, listed, looked at, mended, applied."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from app.access.actors import Actor
from app.access.imports import can_see, owner, visible
from app.calendar import today
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Gone, Invalid, Language, NotFound
from app.models.employees import EmployeeIdentifier
from app.models.imports import Import, ImportFile, ImportFinding, ImportProgress
from app.pagination import decode_cursor, encode_cursor
from app.schemas.imports import (
    FileFinding,
    FindingPage,
    FindingQuery,
    FindingRead,
    ImportColumn,
    ImportColumns,
    ImportCounts,
    ImportPage,
    ImportProgressRead,
    ImportQuery,
    ImportRead,
)
from app.sealing import Sealer
from app.services.imports.columns import BY_NAME, COLUMNS
from app.services.imports.files import open_file, seal_file
from app.services.imports.process import ReaderFailed, reading
from app.services.imports.running import IMPORT, job_payload
from app.services.queue import enqueue
from app.vocabulary import ImportState, ImportStep, Role, Severity

NEWEST_FIRST = "imports"
BY_ROW = "import_findings"
LONGEST_NAME = 200
LARGEST_MAPPING = 100
"""Headings that a mapping may name; more columns no file may have that is read."""
IMPORT_ID: ColumnElement[UUID] = bindparam("import_id", type_=Uuid())


class NotChecked(Conflict):
    """Only a finished dry run can be applied."""

    code = "import_not_checked"
    title = Bilingual("Hanya uji coba yang selesai dapat diterapkan", "Only a finished dry run")


class RowsWrong(Conflict):
    """Rows are wrong: mend them, or ask for the good ones alone."""

    code = "import_rows_wrong"
    title = Bilingual("Masih ada baris yang salah", "Some rows are wrong")


class FileRemoved(Gone):
    """Files are kept for thirty days."""

    code = "import_file_removed"
    title = Bilingual("Berkas impor sudah dihapus", "The file of the import was removed")


class NothingWrong(NotFound):
    """There is no error file where no row is wrong."""

    code = "import_nothing_wrong"
    title = Bilingual("Tidak ada baris yang salah", "No row is wrong")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a file is to be imported."""

    dry_run: bool
    partial: bool
    create_positions: bool
    effective_from: date | None
    sheet: str | None
    mapping: str | None


# --- beginning --------------------------------------------------------------------------


async def create_import(
    session: AsyncSession,
    actor: Actor,
    sealer: Sealer,
    filename: str,
    content: bytes,
    wishes: Wishes,
) -> ImportRead:
    """Keep the file, and put the job into the queue. Errors: Invalid."""
    digest, sealed = await seal_file(sealer, content)
    brought = Import(
        account_id=actor.account_id,
        filename=_named(filename),
        sha256=digest,
        dry_run=wishes.dry_run,
        partial=wishes.partial,
        create_positions=wishes.create_positions,
        effective_from=wishes.effective_from or today(),
        sheet=wishes.sheet,
        mapping=_mapping(wishes.mapping),
    )
    session.add(brought)
    await session.flush()
    await session.execute(insert(ImportFile).values(import_id=brought.id, content=sealed))
    return await _begun(session, actor, brought.id)


async def apply_import(
    session: AsyncSession, actor: Actor, import_id: UUID, *, partial: bool
) -> ImportRead:
    """Import the file of a finished dry run, as it was checked.

    Errors: NotFound, NotChecked, RowsWrong, FileRemoved.
    """
    checked = await session.get(Import, import_id)
    if checked is None or not can_see(actor, checked.account_id):
        raise NotFound
    if checked.state is not ImportState.CHECKED:
        raise NotChecked
    if checked.counts["wrong"] and not partial:
        raise RowsWrong
    kept = ("filename", "sha256", "create_positions", "effective_from", "sheet", "mapping")
    facts = {name: getattr(checked, name) for name in kept}
    brought = Import(account_id=actor.account_id, dry_run=False, partial=partial, **facts)
    session.add(brought)
    await session.flush()
    file: Any = select(literal_column(f"'{brought.id}'::uuid"), ImportFile.content)
    copied = await session.execute(
        insert(ImportFile)
        .from_select(["import_id", "content"], file.where(ImportFile.import_id == import_id))
        .returning(ImportFile.import_id)
    )
    if copied.first() is None:
        raise FileRemoved
    return await _begun(session, actor, brought.id)


async def _begun(session: AsyncSession, actor: Actor, import_id: UUID) -> ImportRead:
    await enqueue(session, IMPORT, job_payload(import_id, actor))
    return await get_import(SessionReader(session), actor, import_id, "id")


def _named(filename: str) -> str:
    """The file's name alone, as far as it can be printed."""
    name = PurePath(filename.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-LONGEST_NAME:].strip() or "berkas"


def _mapping(given: str | None) -> dict[str, str]:
    """The JSON object {heading: column}. Errors: Invalid."""
    if not given:
        return {}
    try:
        mapping = json.loads(given)
    except (ValueError, RecursionError):
        mapping = None
    if (
        isinstance(mapping, dict)
        and len(mapping) <= LARGEST_MAPPING
        and all(
            isinstance(name, str) and (not name or name in BY_NAME) for name in mapping.values()
        )
        and "\\u0000" not in json.dumps(mapping)
        and _encodable(mapping)
    ):
        return mapping
    detail = Bilingual(
        "Objek JSON {judul di berkas: nama kolom}; nama kolom dari GET /imports/columns.",
        "A JSON object {heading in the file: column name}; names as in GET /imports/columns.",
    )
    raise Invalid(errors=[FieldError("/mapping", "invalid_mapping", detail)])


def _encodable(mapping: Mapping[str, str]) -> bool:
    try:
        "".join(mapping).encode()
    except UnicodeEncodeError:
        return False
    return True


# --- reading ----------------------------------------------------------------------------

SILENT = func.clock_timestamp() - literal_column("interval '15 seconds'")
RUNNING = ImportProgress.beat_at > SILENT
STATE = case(
    ((Import.state == ImportState.QUEUED) & RUNNING, literal_column("'running'")),
    else_=Import.state,
)
"""A worker that was killed beats no more: its import waits for the next one."""


def _shown(role: Role) -> Select[Any]:
    columns = (
        *(c for c in Import.__table__.c if c.name not in ("state", "sha256", "account_id")),
        STATE.label("state"),
        *(
            getattr(ImportProgress, name)
            for name in ("step", "done", "total", "attempt", "started_at", "beat_at")
        ),
    )
    return (
        select(*columns)
        .outerjoin(ImportProgress, ImportProgress.import_id == Import.id)
        .where(visible(role))
    )


@lru_cache(maxsize=8)
def _one(role: Role) -> Select[Any]:
    return _shown(role).where(Import.id == IMPORT_ID)


@lru_cache(maxsize=32)
def _page(role: Role, *, state: bool, after: bool) -> Select[Any]:
    page = _shown(role)
    if state:
        page = page.where(bindparam("state", type_=String()) == STATE)
    if after:
        at = bindparam("after_at", type_=TIMESTAMP(timezone=True))
        mark = tuple_(at, bindparam("after_id", type_=Uuid()))
        page = page.where(tuple_(Import.created_at, Import.id) < mark)
    newest = page.order_by(Import.created_at.desc(), Import.id.desc())
    return newest.limit(bindparam("limit", type_=Integer()))


@lru_cache(maxsize=16)
def _count(role: Role, *, state: bool) -> Select[Any]:
    counted = _shown(role)
    if state:
        counted = counted.where(bindparam("state", type_=String()) == STATE)
    return select(func.count()).select_from(counted.subquery())


async def get_import(
    reader: Reader, actor: Actor, import_id: UUID, language: Language
) -> ImportRead:
    """One import. Errors: NotFound."""
    row = await reader.one(_one(actor.role), import_id=import_id, **owner(actor))
    if row is None:
        raise NotFound
    return _read(row, language)


async def list_imports(
    reader: Reader, actor: Actor, query: ImportQuery, language: Language
) -> ImportPage:
    """Imports, newest first. Errors: InvalidCursor."""
    chosen: dict[str, object] = {"state": query.state.value} if query.state else {}
    chosen |= owner(actor)
    after: dict[str, object] = {}
    if query.cursor:
        at, last = decode_cursor(query.cursor, NEWEST_FIRST, (datetime, UUID))
        after = {"after_at": at, "after_id": last}
    page = _page(actor.role, state=query.state is not None, after=bool(after))
    rows = await reader.all(page, **chosen, **after, limit=query.limit + 1)
    items = [_read(row, language) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    count = _count(actor.role, state=query.state is not None)
    return ImportPage(
        items=items,
        next_cursor=encode_cursor(NEWEST_FIRST, (items[-1].created_at, items[-1].id))
        if more
        else None,
        total=await reader.value(count, **chosen) if query.include_total else None,
    )


def _read(row: Row, language: Language) -> ImportRead:
    kept = {
        name: row[name]
        for name in ImportRead.model_fields
        if name not in ("progress", "counts", "problem", "notes")
    }
    running = row["state"] == ImportState.RUNNING
    return ImportRead(
        **kept,
        progress=_progress(row) if running else None,
        counts=ImportCounts(**row["counts"]) if row["counts"] else None,
        problem=_told(row["problem"], language) if row["problem"] else None,
        notes=[_told(note, language) for note in row["notes"]],
    )


def _progress(row: Row) -> ImportProgressRead:
    return ImportProgressRead(
        step=ImportStep(row["step"]),
        done=row["done"],
        total=row["total"],
        attempt=row["attempt"],
        started_at=row["started_at"],
    )


def _told(words: Mapping[str, str], language: Language) -> FileFinding:
    return FileFinding(code=words["code"], detail=words[language])


# --- findings ---------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _findings(*, severity: bool, after: bool) -> Select[Any]:
    found = select(ImportFinding).where(ImportFinding.import_id == IMPORT_ID)
    if severity:
        found = found.where(ImportFinding.severity == bindparam("severity", type_=String()))
    if after:
        mark = tuple_(
            bindparam("after_row", type_=Integer()), bindparam("after_no", type_=Integer())
        )
        found = found.where(tuple_(ImportFinding.row_number, ImportFinding.no) > mark)
    ordered = found.order_by(ImportFinding.row_number, ImportFinding.no)
    return ordered.limit(bindparam("limit", type_=Integer()))


@lru_cache(maxsize=4)
def _findings_count(*, severity: bool) -> Select[Any]:
    counted = select(func.count()).where(ImportFinding.import_id == IMPORT_ID)
    if severity:
        counted = counted.where(ImportFinding.severity == bindparam("severity", type_=String()))
    return counted


async def list_findings(
    reader: Reader, actor: Actor, import_id: UUID, query: FindingQuery, language: Language
) -> FindingPage:
    """What is wrong with which cell, by row. Errors: NotFound, InvalidCursor."""
    await get_import(reader, actor, import_id, language)
    chosen: dict[str, object] = {"import_id": import_id}
    if query.severity:
        chosen["severity"] = query.severity.value
    after: dict[str, object] = {}
    if query.cursor:
        row, no = decode_cursor(query.cursor, BY_ROW, (int, int))
        after = {"after_row": _int32(row), "after_no": _int32(no)}
    page = _findings(severity=query.severity is not None, after=bool(after))
    rows = await reader.all(page, **chosen, **after, limit=query.limit + 1)
    last = rows[query.limit - 1] if len(rows) > query.limit else None
    count = _findings_count(severity=query.severity is not None)
    return FindingPage(
        items=[_finding(row, language) for row in rows[: query.limit]],
        next_cursor=encode_cursor(BY_ROW, (last["row_number"], last["no"])) if last else None,
        total=await reader.value(count, **chosen) if query.include_total else None,
    )


def _int32(value: int) -> int:
    return max(-(2**31), min(value, 2**31 - 1))


def _finding(row: Row, language: Language) -> FindingRead:
    column = BY_NAME.get(row["column_name"] or "")
    return FindingRead(
        row_number=row["row_number"],
        severity=Severity(row["severity"]),
        column=row["column_name"],
        header=column.header if column else None,
        code=row["code"],
        detail=row["detail_en"] if language == "en" else row["detail_id"],
    )


ERRORS = (
    select(ImportFinding)
    .where(ImportFinding.import_id == IMPORT_ID, ImportFinding.severity == Severity.ERROR)
    .order_by(ImportFinding.row_number, ImportFinding.no)
)
FILE = (
    select(ImportFile.content, Import.filename, Import.sha256, Import.sheet, Import.mapping)
    .join(Import, Import.id == ImportFile.import_id)
    .where(ImportFile.import_id == IMPORT_ID)
)
KNOWN = select(EmployeeIdentifier.employee_id).where(
    EmployeeIdentifier.value == func.any(bindparam("identifiers", type_=ARRAY(String())))
)
"""The employees among the rows of an error file: the answer tells of them."""


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """The rows to mend, in the format of the upload."""

    filename: str
    xlsx: bool
    content: bytes


async def make_error_file(
    reader: Reader, actor: Actor, sealer: Sealer, import_id: UUID, language: Language
) -> ErrorFile:
    """The wrong rows as they came, with what is wrong, to be mended and sent again.

    Errors: NotFound, NothingWrong, FileRemoved.
    """
    await get_import(reader, actor, import_id, language)
    errors: dict[int, list[tuple[str | None, ...]]] = {}
    for found in await reader.all(ERRORS, import_id=import_id):
        named = ("column_name", "code", "detail_id", "detail_en")
        errors.setdefault(found["row_number"], []).append(tuple(found[n] for n in named))
    if not errors:
        raise NothingWrong
    file = await reader.one(FILE, import_id=import_id)
    if file is None:
        raise FileRemoved
    upload = await open_file(sealer, file["content"], file["sha256"])
    xlsx = upload[:2] == b"PK"
    asked = {
        "action": "error_file",
        **{name: file[name] for name in ("filename", "sheet", "mapping")},
        "errors": errors,
        "xlsx": xlsx,
        "language": language,
    }
    async with reading(asked, upload) as child:
        content = b"".join([chunk async for chunk in child.chunks()])
    if child.problem is not None:
        raise ReaderFailed
    known = await reader.all(KNOWN, identifiers=child.identifiers)
    reader.reveals([row["employee_id"] for row in known])
    stem = PurePath(file["filename"]).stem
    return ErrorFile(f"{stem}-kesalahan.{'xlsx' if xlsx else 'csv'}", xlsx, content)


def known_columns(language: Language) -> ImportColumns:
    """The columns that the import knows, for a screen that maps headings to them."""
    return ImportColumns(
        items=[
            ImportColumn(
                name=column.name,
                header=column.header,
                aliases=list(column.aliases),
                help=column.help_en if language == "en" else column.help_id,
                example=column.example,
                required=column.required,
            )
            for column in COLUMNS
        ]
    )
