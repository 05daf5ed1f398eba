"""Exports as the API knows them: what can be had, asked for, listed, vouched for."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, Select, String, Uuid, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.actors import Actor
from app.access.exports import owner, visible
from app.calendar import JAKARTA, now
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound
from app.models.exports import Export, ExportDelivery
from app.pagination import decode_cursor, encode_cursor
from app.schemas.exports import (
    ExportColumn,
    ExportCreate,
    ExportDatasetRead,
    ExportDatasets,
    ExportDelivered,
    ExportFormatRead,
    ExportManifest,
    ExportPage,
    ExportQuery,
    ExportRead,
)
from app.services.exports.catalogue import DATASETS
from app.services.exports.columns import Dataset
from app.services.exports.encoders import MOST_SHEET_ROWS, parquet_installed
from app.services.exports.statements import counted, values_of
from app.vocabulary import ExportDataset, ExportFormat, ExportState, Role

NEWEST_FIRST = "exports"
EXPORT_ID = bindparam("export_id", type_=Uuid())
MEDIA_TYPES: Final[Mapping[ExportFormat, str]] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


class NotCompleted(Conflict):
    """Nobody has read the export to its end yet, so there is nothing to vouch for."""

    code = "export_not_completed"
    title = Bilingual(
        "Ekspor ini belum pernah dibaca sampai selesai",
        "This export has not been read to its end yet",
    )


class FormatNotInstalled(Invalid):
    """The server lacks what writes this format."""

    code = "format_not_installed"
    title = Bilingual(
        "Format ini tidak terpasang di server", "This format isn't installed on the server"
    )


class TooManyRows(Invalid):
    """A sheet holds no more rows; other formats do."""

    code = "export_too_many_rows"
    title = Bilingual("Terlalu banyak baris untuk XLSX", "Too many rows for XLSX")

    def __init__(self) -> None:
        most = MOST_SHEET_ROWS
        super().__init__(
            Bilingual(
                f"Satu lembar memuat paling banyak {most:,} baris; pakailah CSV.".replace(",", "."),
                f"A sheet holds at most {most:,} rows; use CSV.",
            )
        )


# --- what can be had ----------------------------------------------------------------------


def list_datasets() -> ExportDatasets:
    """Every data set with its dictionary, and every format."""
    return ExportDatasets(
        items=[_dataset(dataset) for dataset in DATASETS.values()],
        formats=[_format(form) for form in ExportFormat],
    )


def _dataset(dataset: Dataset) -> ExportDatasetRead:
    return ExportDatasetRead(
        name=dataset.name,
        title_id=dataset.title.id,
        title_en=dataset.title.en,
        as_of_id=dataset.as_of.id,
        as_of_en=dataset.as_of.en,
        personal=dataset.subjects is not None,
        columns=dictionary(dataset),
    )


def dictionary(dataset: Dataset) -> list[ExportColumn]:
    """The columns, explained."""
    return [
        ExportColumn(name=c.name, type=c.type, id=c.meaning.id, en=c.meaning.en, source=c.source)
        for c in dataset.columns
    ]


def _format(form: ExportFormat) -> ExportFormatRead:
    return ExportFormatRead(
        name=form,
        media_type=MEDIA_TYPES[form],
        installed=form is not ExportFormat.PARQUET or parquet_installed(),
        most_rows=MOST_SHEET_ROWS if form is ExportFormat.XLSX else None,
    )


# --- asking -------------------------------------------------------------------------------


async def create_export(session: AsyncSession, actor: Actor, new: ExportCreate) -> ExportRead:
    """Ask for an export; its rows are read when its content is.

    Errors: Invalid for a moment that is to come, FormatNotInstalled, TooManyRows.
    """
    as_of = new.as_of or now()
    if as_of > now():
        detail = Bilingual("Waktu itu belum tiba.", "This moment is still to come.")
        raise Invalid(errors=[FieldError("/as_of", "as_of_in_future", detail)])
    if new.format is ExportFormat.PARQUET and not parquet_installed():
        raise FormatNotInstalled
    export = Export(
        account_id=actor.account_id,
        dataset=new.dataset,
        format=new.format,
        as_of=as_of,
        purpose=actor.purpose,
    )
    reader = SessionReader(session)
    await refuse_too_many(reader, export)
    session.add(export)
    await session.flush()
    return await get_export(reader, actor, export.id)


@lru_cache(maxsize=32)
def _counted(dataset: ExportDataset, most: int) -> Select[Any]:
    return counted(DATASETS[dataset], most)


async def refuse_too_many(reader: Reader, export: Export | ExportRead) -> None:
    """Errors: TooManyRows where a sheet can't hold them."""
    if export.format is ExportFormat.XLSX:
        rows = _counted(export.dataset, MOST_SHEET_ROWS)
        if await reader.value(rows, **values_of(export.as_of)) > MOST_SHEET_ROWS:
            raise TooManyRows


# --- reading ------------------------------------------------------------------------------

_LATEST = aliased(
    ExportDelivery,
    select(ExportDelivery)
    .where(ExportDelivery.export_id == Export.id)
    .order_by(ExportDelivery.id.desc())
    .limit(1)
    .lateral("latest"),
)
_STATES = {
    ExportState.REQUESTED: _LATEST.id.is_(None),
    ExportState.COMPLETED: _LATEST.id.is_not(None),
}


def _shown(role: Role) -> Select[Any]:
    latest = (_LATEST.completed_at, _LATEST.manifest)
    return select(*Export.__table__.c, *latest).outerjoin(_LATEST, true()).where(visible(role))


@lru_cache(maxsize=8)
def _one(role: Role) -> Select[Any]:
    return _shown(role).where(Export.id == EXPORT_ID)


@lru_cache(maxsize=64)
def _found(role: Role, dataset: bool, state: ExportState | None) -> Select[Any]:
    found = _shown(role)
    if dataset:
        found = found.where(Export.dataset == bindparam("dataset", type_=String()))
    return found if state is None else found.where(_STATES[state])


@lru_cache(maxsize=64)
def _page(role: Role, dataset: bool, state: ExportState | None, after: bool) -> Select[Any]:
    page = _found(role, dataset, state)
    if after:
        page = page.where(Export.id < bindparam("after", type_=Uuid()))
    return page.order_by(Export.id.desc()).limit(bindparam("limit", type_=Integer()))


@lru_cache(maxsize=64)
def _count(role: Role, dataset: bool, state: ExportState | None) -> Select[Any]:
    return select(func.count()).select_from(_found(role, dataset, state).subquery())


async def get_export(reader: Reader, actor: Actor, export_id: UUID) -> ExportRead:
    """One export. Errors: NotFound."""
    row = await reader.one(_one(actor.role), export_id=export_id, **owner(actor))
    if row is None:
        raise NotFound
    return _read(row)


async def list_exports(reader: Reader, actor: Actor, query: ExportQuery) -> ExportPage:
    """Exports, newest first. Errors: InvalidCursor."""
    chosen: dict[str, object] = {"dataset": query.dataset.value} if query.dataset else {}
    chosen |= owner(actor)
    shape = (actor.role, query.dataset is not None, query.state)
    after: dict[str, object] = {}
    if query.cursor:
        (after["after"],) = decode_cursor(query.cursor, NEWEST_FIRST, (UUID,))
    page = _page(*shape, bool(after))
    rows = await reader.all(page, **chosen, **after, limit=query.limit + 1)
    items = [_read(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return ExportPage(
        items=items,
        next_cursor=encode_cursor(NEWEST_FIRST, [items[-1].id]) if more else None,
        total=await reader.value(_count(*shape), **chosen) if query.include_total else None,
    )


def _read(row: Row) -> ExportRead:
    here = f"/api/v1/exports/{row['id']}"
    manifest = row["manifest"]
    return ExportRead(
        **{name: row[name] for name in ("id", "account_id", "as_of", "purpose", "created_at")},
        dataset=ExportDataset(row["dataset"]),
        format=ExportFormat(row["format"]),
        state=ExportState.COMPLETED if manifest else ExportState.REQUESTED,
        content_url=f"{here}/content",
        manifest_url=f"{here}/manifest",
        latest=ExportDelivered(
            completed_at=row["completed_at"],
            **{name: manifest[name] for name in ("rows", "bytes", "sha256")},
        )
        if manifest
        else None,
    )


def filename(export: ExportRead) -> str:
    """What a browser calls the file."""
    day = export.as_of.astimezone(JAKARTA).date()
    return f"kemuning-{export.dataset}-{day}.{export.format}"


# --- vouching -----------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _manifest(role: Role, by_hash: bool) -> Select[Any]:
    found = (
        select(ExportDelivery.manifest)
        .join(Export, Export.id == ExportDelivery.export_id)
        .where(visible(role), Export.id == EXPORT_ID)
    )
    if by_hash:
        found = found.where(ExportDelivery.sha256 == bindparam("sha256", type_=LargeBinary()))
    return found.order_by(ExportDelivery.id.desc()).limit(1)


async def get_manifest(
    reader: Reader, actor: Actor, export_id: UUID, sha256: str | None
) -> ExportManifest:
    """The manifest of the latest delivery, or of the latest with that hash.

    Errors: NotFound; NotCompleted.
    """
    export = await get_export(reader, actor, export_id)
    if export.state is ExportState.REQUESTED:
        raise NotCompleted
    hashed = {"sha256": bytes.fromhex(sha256)} if sha256 else {}
    statement = _manifest(actor.role, bool(hashed))
    row = await reader.one(statement, export_id=export_id, **owner(actor), **hashed)
    if row is None:
        raise NotFound
    return ExportManifest.model_validate(row["manifest"])
