"""Freezes a table of counts for the public, and reads what was frozen."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Date, Integer, String, bindparam, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import today
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, Language, NotFound
from app.models.statistics import StatisticsSnapshot
from app.pagination import decode_cursor, encode_cursor
from app.rules import pack
from app.schemas.statistics import (
    DatasetList,
    DatasetRead,
    SnapshotPage,
    SnapshotQuery,
    SnapshotRead,
    SnapshotSummary,
)
from app.services.statistics.counting import COUNTERS, DESCRIPTIONS, Table, count_fit
from app.suppression import TOTAL, Cell, ProtectedCell, protect, shares
from app.vocabulary import StatisticsDataset

Json = dict[str, Any]
SNAPSHOT = StatisticsSnapshot


class SnapshotTooSoon(Conflict):
    """Two snapshots close together would tell by their difference what one person's result was."""

    code = "snapshot_too_soon"
    title = Bilingual(
        "Statistik baru saja diterbitkan", "These statistics were published a short while ago"
    )
    constraints = ("uq_statistics_snapshots_dataset_day",)


class NothingToCount(Conflict):
    """Nobody holds a seat that requires a competency, or nothing has been computed yet."""

    code = "nothing_to_count"
    title = Bilingual("Belum ada yang dapat dihitung", "There is nothing to count yet")


# --- publishing -------------------------------------------------------------------------------


async def publish_snapshot(
    session: AsyncSession, actor: Actor, dataset: StatisticsDataset
) -> SnapshotRead:
    """Count, protect and freeze. Errors: SnapshotTooSoon, NothingToCount."""
    assert actor.account_id is not None  # the access table lets nobody else in
    rule = pack("statistics", today())
    await _require_distance(session, dataset, rule.integer("days_between_snapshots"))
    reader = SessionReader(session)
    table = await COUNTERS[dataset](reader)
    if not any(table.counts.values()):
        raise NothingToCount
    k = rule.integer("staff_k")
    # On a thread: a large table takes seconds, in which the loop serves others.
    beside = await count_fit(reader) if table.same_people else None
    cells = await asyncio.to_thread(_protected, table, beside, k)
    snapshot = StatisticsSnapshot(
        dataset=dataset,
        day=today(),
        k=k,
        rule=rule.rule_id,
        dimensions=_dimensions(table),
        cells=cells,
        sha256=digest(cells),
        published_by=actor.account_id,
    )
    session.add(snapshot)
    await session.flush()
    return await get_snapshot(SessionReader(session), dataset)


async def _require_distance(session: AsyncSession, dataset: StatisticsDataset, days: int) -> None:
    last = await session.scalar(select(func.max(SNAPSHOT.day)).where(SNAPSHOT.dataset == dataset))
    if last is not None and (next_on := last + timedelta(days=days)) > today():
        detail = Bilingual(
            f"Dapat diterbitkan lagi mulai {next_on}.", f"Can be published again from {next_on}."
        )
        raise SnapshotTooSoon(detail, next_on=next_on.isoformat())


def _dimensions(table: Table) -> list[Json]:
    return [
        {"name": name, "categories": [{"code": c.code, "name": c.name} for c in categories]}
        for name, categories in table.dimensions.items()
    ]


def _protected(table: Table, beside: Table | None, k: int) -> list[Json]:
    """Every cell and total as it may be published, with its share of the last dimension."""
    cells = protect(table.cells, k=k) if beside is None else _lines(table, beside, k)
    parts = {share.key: share for share in shares(cells, dimension=len(table.dimensions) - 1)}
    return [_cell(cell, parts.get(cell.key)) for cell in cells]


def _lines(table: Table, beside: Table, k: int) -> list[ProtectedCell]:
    """Each line protected by itself, without totals over the lines.

    They count the same people, so a figure that is hidden in one could be read off another: only
    what is counted in the line itself may protect it. And where the table beside hides how many
    there are of everybody, lines that add up to them would tell: then all are withheld.
    """
    everybody = (TOTAL,) * (len(beside.dimensions) - 1)
    whole = [cell for cell in protect(beside.cells, k=k) if cell.key[:-1] == everybody]
    lines = groupby(table.cells, key=lambda cell: cell.key[0])
    cells = [
        ProtectedCell((line, *cell.key), cell.value)
        for line, counts in lines
        for cell in protect([Cell(each.key[1:], each.value) for each in counts], k=k)
    ]
    if any(cell.value is None for cell in whole):
        cells = [ProtectedCell(cell.key, None) for cell in cells]
    return cells


def _cell(cell: ProtectedCell, share: Any) -> Json:
    return {
        "key": list(cell.key),
        **cell.to_fields(),
        "share": None if share is None or share.value is None else str(share.value),
        "share_status": None if share is None else share.status.value,
    }


def digest(cells: Sequence[Json]) -> str:
    """SHA-256 over the cells as canonical JSON, in hex."""
    canonical = json.dumps(cells, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


# --- reading ----------------------------------------------------------------------------------

DATASET = bindparam("dataset", type_=String())
SUMMARY = tuple(getattr(SNAPSHOT, name) for name in SnapshotSummary.model_fields)
WHOLE = tuple(getattr(SNAPSHOT, name) for name in SnapshotRead.model_fields)
OF_DATASET = select(*WHOLE).where(SNAPSHOT.dataset == DATASET)
NEWEST = OF_DATASET.order_by(SNAPSHOT.day.desc()).limit(1)
ON_DAY = OF_DATASET.where(SNAPSHOT.day == bindparam("day", type_=Date()))
LATEST = (
    select(*SUMMARY)
    .ext(distinct_on(SNAPSHOT.dataset))
    .order_by(SNAPSHOT.dataset, SNAPSHOT.day.desc())
)
LISTED = (
    select(*SUMMARY)
    .where(SNAPSHOT.dataset == DATASET, SNAPSHOT.day < bindparam("before", type_=Date()))
    .order_by(SNAPSHOT.day.desc())
    .limit(bindparam("rows", type_=Integer()))
)
COUNT = select(func.count()).select_from(SNAPSHOT).where(SNAPSHOT.dataset == DATASET)


async def list_datasets(reader: Reader, language: Language) -> DatasetList:
    """Every table with its newest snapshot."""
    latest = {row["dataset"]: row for row in await reader.all(LATEST)}
    return DatasetList(
        items=[
            DatasetRead(
                dataset=dataset,
                title=title.text(language),
                description=description.text(language),
                method=method.text(language),
                latest=SnapshotSummary(**latest[dataset]) if dataset in latest else None,
            )
            for dataset, (title, description, method) in DESCRIPTIONS.items()
        ]
    )


async def list_snapshots(
    reader: Reader, dataset: StatisticsDataset, query: SnapshotQuery
) -> SnapshotPage:
    """One page of a table's snapshots, the newest first. Errors: InvalidCursor."""
    order = f"statistics:{dataset}"
    before = date.max
    if query.cursor:
        (before,) = decode_cursor(query.cursor, order, (date,))
    values = {"dataset": dataset.value}
    rows = await reader.all(LISTED, **values, before=before, rows=query.limit + 1)
    items = [SnapshotSummary(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return SnapshotPage(
        items=items,
        next_cursor=encode_cursor(order, [items[-1].day]) if more else None,
        total=await reader.value(COUNT, **values) if query.include_total else None,
    )


async def get_snapshot(
    reader: Reader, dataset: StatisticsDataset, day: date | None = None
) -> SnapshotRead:
    """The snapshot of a day, or the newest. Errors: NotFound."""
    if day is None:
        row = await reader.one(NEWEST, dataset=dataset.value)
    else:
        row = await reader.one(ON_DAY, dataset=dataset.value, day=day)
    if row is None:
        raise NotFound
    return SnapshotRead.model_validate(dict(row))
