"""Puts the demo's people and accounts into an empty database, by COPY."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.calendar import now, today
from app.demo.organisation import ChangeKind, Organisation
from app.demo.population import Person, Population, import_rows, newcomers, population
from app.names import sorting_form
from app.passwords import generate_password, hash_password
from app.rules import abk, bup
from app.sealing import Sealer
from app.services.employees.nik import nik_columns
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.messy import messy_sample
from app.services.imports.template import csv_bytes
from app.settings import Settings
from app.vocabulary import AssignmentKind, EmploymentStatus, Role

Rows = Iterable[dict[str, Any]]
DATE_COLUMNS = ("birth_date", "status_since", "golongan_since", "job_since")
STAFF = (
    ("bkpsdm", "Petugas BKPSDM", Role.HR_ADMIN),
    ("inspektorat", "Auditor Inspektorat", Role.AUDITOR),
    ("warga", "Warga Kemuning", Role.PUBLIC),
)


async def seed(superuser_dsn: str, settings: Settings, import_file: Path) -> list[dict[str, str]]:
    """Fill an empty database; returns one account a role, with its password.

    All in one transaction: an interrupted seed leaves nothing, and is made again.
    """
    made = population(today=today())
    connection = await asyncpg.connect(superuser_dsn)
    await prepare(connection)
    try:
        async with connection.transaction():
            await _name_the_actor(connection)
            employee_ids = await load(connection, made, settings.sealer)
            accounts = await _accounts(connection, made, employee_ids)
    finally:
        await connection.close()
    await asyncio.to_thread(_write_imports, made, import_file)
    return accounts


def _write_imports(made: Population, import_file: Path) -> None:
    """A messy workbook to import, and beside it the same people with everything mended."""
    rows = list(import_rows(newcomers(made), made.organisation))
    import_file.write_bytes(messy_sample([*_typed(rows)]))
    headings = [column.header for column in COLUMNS]
    cells = ([row[column.name] for column in COLUMNS] for row in rows)
    mended = import_file.with_name(f"{import_file.stem}-diperbaiki.csv")
    mended.write_bytes(csv_bytes(iter([headings, *cells])))


async def prepare(connection: asyncpg.Connection) -> None:
    """Let COPY take JSON."""
    await connection.set_type_codec(
        "jsonb", encoder=_jsonb, decoder=json.loads, schema="pg_catalog", format="binary"
    )


async def _name_the_actor(connection: asyncpg.Connection) -> None:
    """The audit log names the seed, not a person."""
    await connection.execute(
        "SELECT set_config('app.role', 'system', true),"
        " set_config('app.operation', 'demo_seed', true)"
    )


async def load(connection: asyncpg.Connection, made: Population, sealer: Sealer) -> list[UUID]:
    """Copy a population into empty tables; returns the employees' ids, in its order."""
    positions = await _load_organisation(connection, made.organisation, made.today)
    people = made.people
    ids = await _new_ids(connection, len(people))
    pairs = list(zip(ids, people, strict=True))
    await _copy(connection, "employees", (_employee(i, p, sealer) for i, p in pairs))
    await _copy(connection, "employee_profiles", (_profile(i, p) for i, p in pairs))
    await _copy(connection, "employee_identifiers", (_identifier(i, p) for i, p in pairs))
    await _copy(connection, "employee_statuses", _each(pairs, _statuses))
    await _copy(connection, "employee_golongan", _each(pairs, _golongan))
    await _copy(connection, "employee_educations", _each(pairs, _educations))
    await _copy(connection, "employee_disciplines", _each(pairs, _disciplines))
    assignments = (_assignments(i, p, positions) for i, p in pairs)
    await _copy(connection, "seat_assignments", (row for rows in assignments for row in rows))
    return ids


# --- the organisation -------------------------------------------------------------------


async def _load_organisation(
    connection: asyncpg.Connection, organisation: Organisation, on: date
) -> dict[str, UUID]:
    units = await _coded(connection, "units", (u.code for u in organisation.units))
    await _copy(
        connection,
        "unit_versions",
        (
            {
                "unit_id": units[u.code],
                "parent_id": units[u.parent_code] if u.parent_code else None,
                "name": u.name,
                "kind": str(u.kind),
                "valid": asyncpg.Range(u.since, u.until),
            }
            for u in organisation.units
        ),
    )
    await _copy(connection, "unit_successions", _successions(organisation, units))
    positions = await _coded(connection, "positions", (p.code for p in organisation.positions))
    await _copy(
        connection, "position_versions", _position_versions(organisation, units, positions, on)
    )
    return positions


def _successions(organisation: Organisation, units: dict[str, UUID]) -> Iterator[dict[str, Any]]:
    for change in organisation.changes:
        if change.kind is ChangeKind.MERGER:
            yield {
                "from_unit_id": units[change.before],
                "to_unit_id": units[change.after],
                "kind": "merger",
                "on_date": change.on,
            }


def _position_versions(
    organisation: Organisation, units: dict[str, UUID], positions: dict[str, UUID], on: date
) -> Iterator[dict[str, Any]]:
    for p in organisation.positions:
        age = bup.retirement_age(p.kind, p.jenjang, on)
        need = abk.needed_staff([(Decimal(w.volume), Decimal(w.minutes)) for w in p.workload], on)
        yield {
            "position_id": positions[p.code],
            "unit_id": units[p.unit_code],
            "title": p.title,
            "job_kind": str(p.kind),
            "jenjang": p.jenjang and str(p.jenjang),
            "job_class": p.job_class,
            "retirement_age": age.value,
            "retirement_age_rule": age.rule_id,
            "seats": p.seats,
            "workload": [
                {"task": w.task, "volume": str(w.volume), "minutes": str(w.minutes)}
                for w in p.workload
            ],
            "workload_need": need.value if p.workload else None,
            "workload_rule": need.rule_id if p.workload else None,
            "valid": asyncpg.Range(p.since, p.until),
        }


# --- people -----------------------------------------------------------------------------


def _employee(employee_id: UUID, p: Person, sealer: Sealer) -> dict[str, Any]:
    return {
        "id": employee_id,
        "birth_place": p.birth_place,
        "birth_date": p.birth_date,
        "sex": str(p.sex),
        **nik_columns(sealer, employee_id, p.nik),
    }


def _profile(employee_id: UUID, p: Person) -> dict[str, Any]:
    return {
        "employee_id": employee_id,
        "name": p.name,
        "name_sort": sorting_form(p.name),
        "title_prefix": p.title_prefix,
        "title_suffix": p.title_suffix,
        "email": p.email,
        "phone": p.phone,
        "address": p.address,
        "valid": asyncpg.Range(p.appointed, None),
    }


def _identifier(employee_id: UUID, p: Person) -> dict[str, Any]:
    return {
        "employee_id": employee_id,
        "kind": str(p.identifier_kind),
        "value": p.identifier,
        "valid": asyncpg.Range(p.appointed, None),
    }


def _statuses(p: Person) -> Iterator[dict[str, Any]]:
    for period, valid in _periods([s.since for s in p.statuses]):
        yield {"status": str(p.statuses[period].status), "valid": valid}


def _golongan(p: Person) -> Iterator[dict[str, Any]]:
    for period, valid in _periods([g.since for g in p.golongan]):
        yield {"golongan": str(p.golongan[period].golongan), "valid": valid}


def _periods(starts: list[date]) -> Iterator[tuple[int, Any]]:
    """Each period's number and days: until the next begins."""
    for number, (since, until) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        yield number, asyncpg.Range(since, until)


def _educations(p: Person) -> Iterator[dict[str, Any]]:
    for e in p.educations:
        yield {
            "level": str(e.level),
            "major": e.major,
            "institution": e.institution,
            "graduation_year": e.year,
        }


def _disciplines(p: Person) -> Iterator[dict[str, Any]]:
    for d in p.disciplines:
        valid = asyncpg.Range(d.since, d.until)
        yield {"level": str(d.level), "fact": d.fact, "valid": valid}


def _assignments(
    employee_id: UUID, p: Person, positions: dict[str, UUID]
) -> Iterator[dict[str, Any]]:
    for job in p.jobs:
        yield {
            "employee_id": employee_id,
            "position_id": positions[job.position_code],
            "seat_no": job.seat_no,
            "kind": str(AssignmentKind.DEFINITIF),
            "valid": asyncpg.Range(job.since, job.until),
        }


def _each(pairs: list[tuple[UUID, Person]], facts: Any) -> Iterator[dict[str, Any]]:
    for employee_id, person in pairs:
        for fact in facts(person):
            yield {"employee_id": employee_id, **fact}


# --- accounts ---------------------------------------------------------------------------


async def _accounts(
    connection: asyncpg.Connection, made: Population, employee_ids: list[UUID]
) -> list[dict[str, str]]:
    """One account a role; the civil servant's belongs to a PNS with a long history."""
    number = next(n for n, p in enumerate(made.people) if _has_a_story(p))
    person = made.people[number]
    wanted: list[tuple[str, str, Role, UUID | None]] = [
        *((login, name, role, None) for login, name, role in STAFF),
        (person.identifier, person.name, Role.ASN, employee_ids[number]),
    ]
    accounts = []
    for login, name, role, employee_id in wanted:
        password = generate_password()
        await connection.execute(
            "INSERT INTO accounts (login, display_name, role, employee_id, password_hash,"
            " consented_at) VALUES ($1, $2, $3, $4, $5, $6)",
            login,
            name,
            str(role),
            employee_id,
            await hash_password(password),
            now() if role is Role.PUBLIC else None,
        )
        accounts.append({"role": str(role), "login": login, "password": password, "who": name})
    return accounts


def _has_a_story(p: Person) -> bool:
    return p.status is EmploymentStatus.PNS and len(p.jobs) > 2 and len(p.golongan) > 2


# --- plumbing ---------------------------------------------------------------------------


async def _new_ids(connection: asyncpg.Connection, count: int) -> list[UUID]:
    rows = await connection.fetch("SELECT uuidv7() AS id FROM generate_series(1, $1)", count)
    return [row["id"] for row in rows]


async def _coded(
    connection: asyncpg.Connection, table: str, codes: Iterable[str]
) -> dict[str, UUID]:
    """Rows that are a code only; returns their ids by code."""
    distinct = list(dict.fromkeys(codes))
    ids = dict(zip(distinct, await _new_ids(connection, len(distinct)), strict=True))
    await _copy(connection, table, ({"id": ids[code], "code": code} for code in distinct))
    return ids


async def _copy(connection: asyncpg.Connection, table: str, rows: Rows) -> None:
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


def _jsonb(value: Any) -> bytes:
    """COPY is binary: jsonb's version byte, then its text."""
    return b"\x01" + json.dumps(value).encode()


def _typed(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Rows of the import with their dates as dates, as the spoiler wants them."""
    for row in rows:
        yield {
            name: date.fromisoformat(text) if name in DATE_COLUMNS else text
            for name, text in row.items()
        }
