"""An import of employees, from the staged rows to what is recorded."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.imports import Import
from app.sealing import Sealer
from app.services.imports.employees.places import NewPosition, resolve_places
from app.services.imports.employees.planning import make_plan
from app.services.imports.employees.writing import write_plan
from app.services.imports.staging import copy_records

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
)


class EmployeeWork:
    """What becomes of the rows of employees."""

    tables = TABLES

    def __init__(self, session: AsyncSession, brought: Import, sealer: Sealer) -> None:
        self._session, self._brought, self._sealer = session, brought, sealer
        self._created: list[NewPosition] = []

    async def obstacle(self) -> None:
        """Nothing but its rows keeps a file of employees out."""

    async def judge(self) -> dict[str, int]:
        """Find the places that the rows name, and plan."""
        day = self._brought.effective_from
        records, self._created = await resolve_places(
            self._session, day, create=self._brought.create_positions
        )
        await copy_records(self._session, "import_places", records)
        return await make_plan(self._session, day)

    def write(self) -> AsyncIterator[float]:
        """Carry the plan out."""
        brought = self._brought
        reason = f"Impor {brought.filename}"
        return write_plan(
            self._session, self._created, self._sealer, reason, brought.effective_from
        )
