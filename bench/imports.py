r"""The import of new employees against `psql \copy` of the very rows that it wrote.

Kemuning's side is the whole job, as the worker does it for an hr_admin: the file out of the
database, parsing, staging, comparing and judging, findings, the rows of seven tables under
row-level security, and their audit events. The limit is one transaction of a superuser that
copies the same rows, staging rows included, from prepared text into a clone of the same
database, with the same indexes and constraints and without audit triggers.
"""

import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from structlog.testing import capture_logs

from app.access.actors import Actor
from app.database import Database
from app.embedded import EmbeddedServer, _binaries
from app.installation import create_database
from app.rules.identifiers import make_nip
from app.services.imports.child import STAGED, staged
from app.services.imports.employees.layout import EMPLOYEES
from app.services.imports.employees.work import TABLES
from app.services.imports.parsing import parse_rows
from app.services.imports.reading import read_table
from app.services.imports.requests import Wishes, create_import
from app.services.imports.running import job_payload, run_import
from app.services.imports.template import csv_bytes, label
from app.settings import Settings
from app.vocabulary import ImportKind, Jenjang, JobKind, Role, Sex
from bench import data

COLUMNS = (*STAGED, *EMPLOYEES.staged)
ROUNDS = 3
BEFORE, CLONE = "bench_import_before", "bench_import"
FILENAME = "pegawai.csv"
WRITTEN = (
    "employees",
    "employee_identifiers",
    "employee_profiles",
    "employee_statuses",
    "employee_golongan",
    "employee_educations",
    "seat_assignments",
)
"""In an order that foreign keys allow."""
MISTAKES: tuple[dict[str, str], ...] = (
    {"golongan": "III/z"},
    {"birth_date": "31-02-1990"},
    {"unit_code": "TIDAK-ADA"},
    {"nip": "19900101"},
    {"job_title": "Juru Terbang"},
)
"""Every hundredth row has one of them."""
DAY = date(2026, 1, 1)
ROOM = """
UPDATE position_versions SET seats = 10000 WHERE id IN (
    SELECT (array_agg(p.id))[1] FROM position_versions p JOIN unit_versions u USING (unit_id)
    WHERE p.valid @> $1::date AND u.valid @> $1::date AND upper_inf(p.valid * u.valid)
      AND p.job_kind IN ('fungsional', 'pelaksana')
    GROUP BY unit_id, lower(p.title) HAVING count(*) = 1
)
"""
"""Positions that a file names without doubt take all who come."""
PLACES = """
SELECT u.code, p.title, p.job_kind, p.jenjang FROM position_versions p
JOIN units u ON u.id = p.unit_id WHERE p.seats = 10000 ORDER BY u.code, p.title LIMIT 1000
"""
ERRORS = """
SELECT code, count(*), min(detail_en) FROM import_findings
WHERE import_id = $1 AND severity = 'error' GROUP BY code
"""
OFFICER = """
INSERT INTO accounts (login, display_name, role, password_hash)
VALUES ('bench-import', 'Bench', 'hr_admin', '-') RETURNING id
"""


@dataclass
class Round:
    """What one import took, and what it wrote."""

    seconds: float
    steps: Mapping[str, float]
    counts: Mapping[str, int]
    rows: dict[str, int] = field(default_factory=dict)


def run(running: EmbeddedServer, people: int = 100_000) -> list[tuple[str, float, float]]:
    """Measure; returns (name, ratio, mark)."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(running, Path(folder))
        try:
            bench.prepare(people)
            ratios = [bench.round(number) for number in range(ROUNDS)]
        finally:
            asyncio.run(bench.drop(CLONE, BEFORE))
    return [(f"import of {people:,} rows, 1 % wrong", statistics.median(ratios), 0.40)]


class _Bench:
    def __init__(self, running: EmbeddedServer, folder: Path) -> None:
        self.running, self.folder = running, folder
        self.content = b""
        self.officer: UUID | None = None

    def prepare(self, people: int) -> None:
        """The database before the import, with room for the newcomers, and their file."""
        asyncio.run(self._prepare(people))
        self._write_staging(data.settings(self.running))

    async def _prepare(self, people: int) -> None:
        await self.drop(BEFORE)
        await create_database(self.running.dsn(), BEFORE, template=data.DATABASE)
        connection = await asyncpg.connect(self.running.dsn(BEFORE))
        try:
            await connection.execute(ROOM, DAY)
            self.officer = await connection.fetchval(OFFICER)
            places = await connection.fetch(PLACES)
        finally:
            await connection.close()
        self.content = csv_bytes(_table(people, places))

    def _write_staging(self, settings: Settings) -> None:
        rows = parse_rows(read_table(self.content, FILENAME, EMPLOYEES.columns), EMPLOYEES.check)
        text = "".join(staged(row, EMPLOYEES, settings.sealer) for row in rows)
        (self.folder / "import_rows").write_text(text)

    def round(self, number: int) -> float:
        r"""One import and one `\copy` of the same rows; how much faster the latter was."""
        asyncio.run(self._clone())
        brought = asyncio.run(self._import())
        if number == 0:
            self._export()
        brought.rows = self._written()
        asyncio.run(self._clone(audit=False))
        before = self._written()
        bare = self._copy()
        after = self._written()
        copied = {table: after[table] - before[table] for table in WRITTEN}
        made = {table: brought.rows[table] - before[table] for table in WRITTEN}
        if copied != made:
            raise RuntimeError(f"copied {copied}, imported {made}")
        rows = sum(made.values()) + brought.counts["rows"]
        _tell(brought, rows, bare)
        return bare / brought.seconds

    # Kemuning

    async def _import(self) -> Round:
        settings = data.settings(self.running, CLONE)
        database = Database(settings)
        actor = Actor(Role.HR_ADMIN, self.officer, operation="imports_create", purpose="Bench")
        wishes = Wishes(ImportKind.EMPLOYEES, None, False, True, False, DAY, None, None)
        try:
            async with database.transaction(actor, signed_in=False) as session:
                brought = await create_import(
                    session, actor, settings.sealer, FILENAME, self.content, wishes
                )
            payload = job_payload(brought.id, actor)
            with capture_logs() as logs:
                started = time.perf_counter()
                await run_import(database, settings, payload, last_attempt=True)
                seconds = time.perf_counter() - started
            counts = await self._counts(brought.id)
        finally:
            await database.close()
        (finished,) = (entry for entry in logs if entry["event"] == "import_finished")
        return Round(seconds, finished["steps"], counts)

    async def _counts(self, import_id: UUID) -> dict[str, int]:
        connection = await asyncpg.connect(self.running.dsn(CLONE))
        try:
            state, text = await connection.fetchrow(
                "SELECT state, counts FROM imports WHERE id = $1", import_id
            )
            errors = await connection.fetch(ERRORS, import_id)
        finally:
            await connection.close()
        counts: dict[str, int] = json.loads(text)
        if state != "imported" or not 0 < counts["wrong"] < counts["rows"] / 50:
            raise RuntimeError(f"the import is {state}: {counts}, {errors}")
        return counts

    # The limit

    def _export(self) -> None:
        """The rows of the import's transaction, by which they are known."""
        mine = "xmin = (SELECT xmin FROM imports)"
        self._psql(
            *(
                rf"\copy (SELECT * FROM {table} WHERE {mine}) TO '{self.folder / table}'"
                for table in WRITTEN
            )
        )

    def _copy(self) -> float:
        staging, *_ = TABLES
        copies = [rf"\copy {table} FROM '{self.folder / table}'" for table in WRITTEN]
        copies.insert(
            0, rf"\copy import_rows ({', '.join(COLUMNS)}) FROM '{self.folder}/import_rows'"
        )
        started = time.perf_counter()
        self._psql("BEGIN", " ".join(staging.split()), *copies, "COMMIT")
        return time.perf_counter() - started

    def _written(self) -> dict[str, int]:
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in WRITTEN)
        numbers = self._psql(f"SELECT {counts}").split("|")
        return dict(zip(WRITTEN, map(int, numbers), strict=True))

    def _psql(self, *commands: str) -> str:
        words = [_binaries() / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]
        words += [f"--command={command}" for command in commands]
        words.append(self.running.dsn(CLONE))
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout

    # Databases

    async def _clone(self, *, audit: bool = True) -> None:
        """The database before the import once more, with nothing left for later to write."""
        await self.drop(CLONE)
        await create_database(self.running.dsn(), CLONE, template=BEFORE)
        connection = await asyncpg.connect(self.running.dsn(CLONE))
        try:
            if not audit:
                for table in WRITTEN:
                    await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()

    async def drop(self, *databases: str) -> None:
        connection = await asyncpg.connect(self.running.dsn())
        try:
            for name in databases:
                await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await connection.close()


def _tell(brought: Round, rows: int, bare: float) -> None:
    shares = ", ".join(
        f"{step} {seconds / brought.seconds:.0%}" for step, seconds in brought.steps.items()
    )
    print(
        f"  import: \\copy {rows / bare:,.0f} rows/s, Kemuning {rows / brought.seconds:,.0f} rows/s"
        f" ({rows:,} rows in {bare:.1f} and {brought.seconds:.1f} s; {shares})",
        flush=True,
    )


# --- the file ---------------------------------------------------------------------------


def _table(people: int, places: list[Any]) -> Iterator[list[str]]:
    yield [column.header for column in EMPLOYEES.columns]
    for number in range(people):
        row = _newcomer(number, places[number % len(places)])
        if number % 100 == 99:
            row |= MISTAKES[number // 100 % len(MISTAKES)]
        yield [row.get(column.name, "") for column in EMPLOYEES.columns]


def _newcomer(number: int, place: Any) -> dict[str, str]:
    born = date(1975, 1, 1) + timedelta(days=number % 7300)
    sex = (Sex.MALE, Sex.FEMALE)[number % 2]
    jenjang = place["jenjang"]
    return {
        "nip": make_nip(born, date(2022, 3, 1), sex, 900 + number // 7300).value,
        "name": f"{NAMES[number % len(NAMES)]} {_letters(number)}",
        "title_suffix": "S.Sos.",
        "birth_place": "Kemuning",
        "birth_date": f"{born:%d-%m-%Y}",
        "sex": "LP"[number % 2],
        "status": "PNS",
        "status_since": "01-03-2023",
        "golongan": "III/b",
        "golongan_since": "01-04-2025",
        "job_title": place["title"],
        "job_kind": label(JobKind(place["job_kind"])),
        "jenjang": label(Jenjang(jenjang)) if jenjang else "",
        "job_since": "02-01-2025",
        "unit_code": place["code"],
        "education_level": "S1",
        "education_major": "Administrasi Negara",
        "education_year": "2020",
        "email": f"pegawai{number}@contoh.go.id",
        "phone": f"0812{number:08d}",
        "nik": f"{3299010000000000 + number}",
        "address": f"Jalan Melati Nomor {number}",
    }


NAMES = ("Siti", "Agus", "Dewi", "Budi", "Rina", "Joko", "Endang", "Hendra", "Yuni", "Wawan")


def _letters(number: int) -> str:
    return "".join("aeioulmnrs"[int(digit)] for digit in f"{number:06d}").capitalize()
