"""COPY for the demo: many rows at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

Rows: TypeAlias = Iterator[dict[str, Any]]


async def new_ids(connection: asyncpg.Connection, count: int) -> list[UUID]:
    """Ids for rows to come."""
    rows = await connection.fetch("SELECT uuidv7() AS id FROM generate_series(1, $1)", count)
    return [row["id"] for row in rows]


async def copy(connection: asyncpg.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """COPY rows of equal keys into a table."""
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return
    columns = list(first)
    while first is not None:
        batch = [first, *islice(waiting, 20_000)]
        records = [tuple(row[c] for c in columns) for row in batch]
        await connection.copy_records_to_table(table, records=records, columns=columns)
        first = next(waiting, None)
