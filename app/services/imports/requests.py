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
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from app.access.actors import Actor
from app.access.imports import can_see, owner, visible
from app.calendar import today
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Gone, Invalid, Language, NotFound
from app.models.assessments import AssessmentEvent
from app.models.imports import Import, ImportFile, ImportProgress
from app.pagination import decode_cursor, encode_cursor
from app.schemas.imports import (
    FileFinding,
    ImportColumn,
    ImportColumns,
    ImportCounts,
    ImportPage,
    ImportProgressRead,
    ImportQuery,
    ImportRead,
)
from app.sealing import Sealer
from app.services.assessments.adding import EventClosed
from app.services.imports.columns import Columns
from app.services.imports.files import seal_file
from app.services.imports.kinds import columns_on, competencies_of
from app.services.imports.layouts import layout_of
from app.services.imports.running import IMPORT, job_payload
from app.services.imports.template import template_csv, template_xlsx
from app.services.queue import enqueue
from app.vocabulary import ImportKind, ImportState, ImportStep, Role

NEWEST_FIRST = "imports"
LONGEST_NAME = 200
LARGEST_MAPPING = 100
"""Headings that a mapping may name; more columns no file may have that is read."""
IMPORT_ID: ColumnElement[UUID] = bindparam("import_id", type_=Uuid())


UNFIT = Bilingual(
    "Hasil penilaian diimpor ke sebuah kegiatan (event_id), tanpa effective_from dan "
    "create_positions; pegawai diimpor tanpa kegiatan.",
    "Assessment results are imported into an event (event_id), without effective_from and "
    "create_positions; employees are imported without an event.",
)
UNKNOWN_EVENT = Bilingual("Kegiatan ini tidak ada.", "There is no such event.")


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


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a file is to be imported."""

    kind: ImportKind
    event_id: UUID | None
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
    """Keep the file, and put the job into the queue. Errors: Invalid, EventClosed."""
    day = await _day(session, wishes)
    known = await competencies_of(SessionReader(session), wishes.kind, day)
    mapping = _mapping(wishes.mapping, layout_of(wishes.kind, known).columns)
    digest, sealed = await seal_file(sealer, content)
    brought = Import(
        account_id=actor.account_id,
        kind=wishes.kind,
        event_id=wishes.event_id,
        filename=_named(filename),
        sha256=digest,
        dry_run=wishes.dry_run,
        partial=wishes.partial,
        create_positions=wishes.create_positions,
        effective_from=day,
        sheet=wishes.sheet,
        mapping=mapping,
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
    kept = (
        *("kind", "event_id", "filename", "sha256"),
        *("create_positions", "effective_from", "sheet", "mapping"),
    )
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


async def _day(session: AsyncSession, wishes: Wishes) -> date:
    """The day that the file's words are read by: of results, the event's last one."""
    results = wishes.kind is ImportKind.ASSESSMENT_RESULTS
    unfit = {
        "event_id": results is (wishes.event_id is None),
        "effective_from": results and wishes.effective_from is not None,
        "create_positions": results and wishes.create_positions,
    }
    if any(unfit.values()):
        fields = [name for name, wrong in unfit.items() if wrong]
        raise Invalid(errors=[FieldError(f"/{name}", "unfit", UNFIT) for name in fields])
    if wishes.event_id is None:
        return wishes.effective_from or today()
    event = await session.get(AssessmentEvent, wishes.event_id)
    if event is None:
        raise Invalid(errors=[FieldError("/event_id", "unknown_event", UNKNOWN_EVENT)])
    if event.closed_at is not None:
        raise EventClosed
    return event.ends_on


def _named(filename: str) -> str:
    """The file's name alone, as far as it can be printed."""
    name = PurePath(filename.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-LONGEST_NAME:].strip() or "berkas"


def _mapping(given: str | None, columns: Columns) -> dict[str, str]:
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
            isinstance(name, str) and (not name or name in columns.by_name)
            for name in mapping.values()
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


_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "kind": Import.kind == bindparam("kind", type_=String()),
    "state": bindparam("state", type_=String()) == STATE,
    "after_id": tuple_(Import.created_at, Import.id)
    < tuple_(
        bindparam("after_at", type_=TIMESTAMP(timezone=True)), bindparam("after_id", type_=Uuid())
    ),
}


def _chosen(role: Role, filters: frozenset[str]) -> Select[Any]:
    return _shown(role).where(*(_FILTERS[name] for name in sorted(filters)))


@lru_cache(maxsize=32)
def _page(role: Role, filters: frozenset[str]) -> Select[Any]:
    newest = _chosen(role, filters).order_by(Import.created_at.desc(), Import.id.desc())
    return newest.limit(bindparam("limit", type_=Integer()))


@lru_cache(maxsize=16)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(_chosen(role, filters).subquery())


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
    asked = {"kind": query.kind, "state": query.state}
    chosen: dict[str, object] = {n: value.value for n, value in asked.items() if value}
    filters = frozenset(chosen)
    chosen |= owner(actor)
    total = None
    if query.include_total:
        total = await reader.value(_count(actor.role, filters), **chosen)
    if query.cursor:
        at, last = decode_cursor(query.cursor, NEWEST_FIRST, (datetime, UUID))
        chosen |= {"after_at": at, "after_id": last}
        filters |= {"after_id"}
    rows = await reader.all(_page(actor.role, filters), **chosen, limit=query.limit + 1)
    items = [_read(row, language) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return ImportPage(
        items=items,
        next_cursor=encode_cursor(NEWEST_FIRST, (items[-1].created_at, items[-1].id))
        if more
        else None,
        total=total,
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


# --- files to fill in -----------------------------------------------------------------


async def known_columns(reader: Reader, kind: ImportKind, language: Language) -> ImportColumns:
    """The columns that the import knows, for a screen that maps headings to them."""
    layout = await columns_on(reader, kind, today())
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
            for column in layout.columns
        ]
    )


async def make_template(reader: Reader, kind: ImportKind, *, xlsx: bool) -> tuple[str, bytes]:
    """The name and the content of an empty file to fill in, with today's competencies."""
    layout = await columns_on(reader, kind, today())
    stem = "templat-" + layout.title.lower().removeprefix("data ").replace(" ", "-")
    if xlsx:
        return f"{stem}.xlsx", template_xlsx(layout)
    return f"{stem}.csv", template_csv(layout)
