"""The tables that an import works with: temporary, seen by nobody else, gone with it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FOUND = """
CREATE TEMP TABLE import_found (
    row_number integer NOT NULL, severity text NOT NULL, column_name text,
    code text NOT NULL, detail_id text NOT NULL, detail_en text NOT NULL
) ON COMMIT DROP
"""
"""What is wrong with which row."""
LONG_WORK = (
    "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '30s', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true),"
    " set_config('work_mem', '128MB', true)"
)


async def take_time(session: AsyncSession) -> None:
    """Let the transaction take as long as the import of a large file does."""
    await session.execute(text(LONG_WORK))


async def create_tables(session: AsyncSession, tables: Sequence[str]) -> None:
    """Make the tables of a kind of import, and that of the findings."""
    for statement in (*tables, FOUND):
        await session.execute(text(statement))


async def copy_rows(
    session: AsyncSession, chunks: AsyncIterator[bytes], columns: Sequence[str]
) -> None:
    """COPY the reader's output, as it comes."""
    connection = await _driver(session)
    await connection.copy_to_table("import_rows", source=chunks, columns=columns)
    await session.execute(text("ANALYZE import_rows"))


async def copy_records(
    session: AsyncSession, table: str, records: Sequence[tuple[Any, ...]]
) -> None:
    """COPY what was found out beside the rows."""
    connection = await _driver(session)
    await connection.copy_records_to_table(table, records=records)
    await session.execute(text(f"ANALYZE {table}"))


async def _driver(session: AsyncSession) -> Any:
    """The driver's own connection, in the session's transaction."""
    return (await (await session.connection()).get_raw_connection()).driver_connection
