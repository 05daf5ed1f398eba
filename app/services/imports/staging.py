"""The tables that an import works with: temporary, seen by nobody else, gone with it."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.imports.child import STAGED

TABLES = (
    # What the file says; texts in key columns are squeezed, and empty rather than null.
    """
    CREATE TEMP TABLE import_rows (
        row_number integer NOT NULL, new_id uuid NOT NULL, identifier text, identifier_kind text,
        name text, name_sort text COLLATE "C", title_prefix text, title_suffix text,
        birth_place text, birth_date date, sex text, status text, status_since date,
        golongan text, golongan_since date,
        job_title text, job_key text NOT NULL, job_kind text NOT NULL, jenjang text NOT NULL,
        job_since date, unit_code text, unit_code_key text NOT NULL,
        unit_name text, unit_key text NOT NULL,
        education_level text, education_major text, education_year smallint,
        email text, phone text, address text, nik_index bytea, nik_sealed bytea,
        skipped boolean NOT NULL, wrong boolean NOT NULL, findings jsonb
    ) ON COMMIT DROP
    """,
    # What the words for unit and position mean.
    """
    CREATE TEMP TABLE import_places (
        unit_code_key text NOT NULL, unit_key text NOT NULL, job_key text NOT NULL,
        job_kind text NOT NULL, jenjang text NOT NULL,
        unit_id uuid, position_id uuid, seats integer, wrong boolean NOT NULL, findings text
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE import_found (
        row_number integer NOT NULL, severity text NOT NULL, column_name text,
        code text NOT NULL, detail_id text NOT NULL, detail_en text NOT NULL
    ) ON COMMIT DROP
    """,
)
LONG_WORK = (
    "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '30s', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true),"
    " set_config('work_mem', '128MB', true)"
)


async def create_tables(session: AsyncSession) -> None:
    """Make the tables, in a transaction that may take its time."""
    await session.execute(text(LONG_WORK))
    for statement in TABLES:
        await session.execute(text(statement))


async def copy_rows(session: AsyncSession, chunks: AsyncIterator[bytes]) -> None:
    """COPY the reader's output, as it comes."""
    connection = await _driver(session)
    await connection.copy_to_table("import_rows", source=chunks, columns=STAGED)
    await session.execute(text("ANALYZE import_rows"))


async def copy_places(session: AsyncSession, records: list[tuple[Any, ...]]) -> None:
    """COPY what the words for units and positions mean."""
    connection = await _driver(session)
    await connection.copy_records_to_table("import_places", records=records)
    await session.execute(text("ANALYZE import_places"))


async def _driver(session: AsyncSession) -> Any:
    """The driver's own connection, in the session's transaction."""
    return (await (await session.connection()).get_raw_connection()).driver_connection
