"""Puts the demo's people, accounts and assessments into an empty database, by COPY."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from app.access.actors import Actor
from app.calendar import now, today
from app.database import Database
from app.demo.assessing import Cast, seed_assessments
from app.demo.assessments import Assessments, Late, Story, assessments
from app.demo.copying import copy, new_ids
from app.demo.organisation import ChangeKind, Organisation
from app.demo.population import Person, Population, import_rows, newcomers, population
from app.names import sorting_form
from app.passwords import generate_password, hash_password
from app.rules import abk, bup
from app.sealing import Sealer
from app.services.competency_gaps.refreshing import refresh_profiles
from app.services.employees.nik import nik_columns
from app.services.imports.assessment_results.layout import LEVEL, Competencies
from app.services.imports.assessment_results.messy import messy_results
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.messy import messy_sample
from app.services.imports.template import csv_bytes
from app.services.statistics.publishing import publish_snapshot
from app.settings import Settings
from app.vocabulary import AssignmentKind, Role, StatisticsDataset

DATE_COLUMNS = ("birth_date", "status_since", "golongan_since", "job_since")
PEOPLE_FILE, RESULTS_FILE = "pegawai-baru.xlsx", "hasil-penilaian.xlsx"
AS_AGENCY = "import pegawai-baru.xlsx; rule on the waiting objection: GET /objections"
AS_ASSESSING = "import hasil-penilaian.xlsx into the event PEMETAAN, moderate and publish"
AS_AUDITOR = "export results with their manifest; recompute the audit log"
AS_CIVIL_SERVANT = (
    "GET /employees/{employee_id}/competency-profile; object to the result;"
    " rate a colleague: GET /assessor-assignments"
)
AS_SUPERIOR = "read the profile of somebody you lead; rate a candidate"
AGENCY, ASSESSING = "bkpsdm", "penilaian"


async def seed(superuser_dsn: str, settings: Settings, folder: Path) -> list[dict[str, str]]:
    """Fill an empty database; returns the accounts, with their passwords.

    What an interrupted seed leaves is dropped before the next: see `run`.
    """
    made = population(today=today())
    assessed = assessments(made)
    connection = await asyncpg.connect(superuser_dsn)
    await prepare(connection)
    try:
        async with connection.transaction():
            await _name_the_actor(connection)
            employee_ids = await load(connection, made, settings.sealer)
            accounts = [
                await _open(connection, each)
                for each in _accounts(made, assessed.story, employee_ids)
            ]
            dictionary = await _dictionary(connection)
    finally:
        await connection.close()
    by_login = {told["login"]: account_id for account_id, told in accounts}
    cast = Cast(employee_ids, assessing=by_login[ASSESSING], agency=by_login[AGENCY])
    await seed_assessments(superuser_dsn, assessed, cast)
    await _derive(settings, by_login[AGENCY])
    await asyncio.to_thread(_write_imports, made, assessed, dictionary, folder)
    return [told for _, told in accounts]


async def _derive(settings: Settings, officer: UUID) -> None:
    """What the server keeps ready, and what the public reads."""
    database = Database(settings)
    try:
        await refresh_profiles(database, everybody=True)
        actor = Actor(role=Role.HR_ADMIN, account_id=officer, operation="demo_seed")
        async with database.transaction(actor, signed_in=False) as session:
            for dataset in StatisticsDataset:
                await publish_snapshot(session, actor, dataset)
    finally:
        await database.close()


def _write_imports(
    made: Population, assessed: Assessments, dictionary: Competencies, folder: Path
) -> None:
    """Messy workbooks to import, and beside that of people the same ones with everything mended."""
    rows = list(import_rows(newcomers(made), made.organisation))
    (folder / PEOPLE_FILE).write_bytes(messy_sample([*_typed(rows)]))
    headings = [column.header for column in COLUMNS]
    cells = ([row[column.name] for column in COLUMNS] for row in rows)
    mended = folder / PEOPLE_FILE.replace(".xlsx", "-diperbaiki.csv")
    mended.write_bytes(csv_bytes(iter([headings, *cells])))
    results = [_result_row(made.people[late.person], late) for late in assessed.late]
    (folder / RESULTS_FILE).write_bytes(messy_results(results, dictionary))


def _result_row(person: Person, late: Late) -> dict[str, Any]:
    levels = {f"{LEVEL}{code}": str(level) for code, level in late.levels.items()}
    return {
        "nip": person.identifier,
        "name": person.name,
        "potential": str(late.potential),
        **levels,
        "note": "Dinilai pada sesi susulan.",
    }


async def _dictionary(connection: asyncpg.Connection) -> Competencies:
    """Every competency, as files of results name it."""
    rows = await connection.fetch(
        "SELECT c.code, v.name, v.levels FROM competencies c"
        " JOIN competency_versions v ON v.competency_id = c.id ORDER BY c.ordinal"
    )
    return [{**row, "aliases": [], "in_force": True} for row in rows]


async def prepare(connection: asyncpg.Connection) -> None:
    """Let COPY take JSON."""
    await connection.set_type_codec(
        "jsonb", encoder=_jsonb, decoder=_from_jsonb, schema="pg_catalog", format="binary"
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
    ids = await new_ids(connection, len(people))
    pairs = list(zip(ids, people, strict=True))
    await copy(connection, "employees", (_employee(i, p, sealer) for i, p in pairs))
    await copy(connection, "employee_profiles", (_profile(i, p) for i, p in pairs))
    await copy(connection, "employee_identifiers", (_identifier(i, p) for i, p in pairs))
    await copy(connection, "employee_statuses", _each(pairs, _statuses))
    await copy(connection, "employee_golongan", _each(pairs, _golongan))
    await copy(connection, "employee_educations", _each(pairs, _educations))
    await copy(connection, "employee_disciplines", _each(pairs, _disciplines))
    assignments = (_assignments(i, p, positions) for i, p in pairs)
    await copy(connection, "seat_assignments", (row for rows in assignments for row in rows))
    return ids


# --- the organisation -------------------------------------------------------------------


async def _load_organisation(
    connection: asyncpg.Connection, organisation: Organisation, on: date
) -> dict[str, UUID]:
    units = await _coded(connection, "units", (u.code for u in organisation.units))
    await copy(
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
    await copy(connection, "unit_successions", _successions(organisation, units))
    positions = await _coded(connection, "positions", (p.code for p in organisation.positions))
    await copy(
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


class _Account(NamedTuple):
    """An account to be, and what its owner may try."""

    login: str
    who: str
    role: Role
    to_try: str
    employee_id: UUID | None = None


def _accounts(made: Population, story: Story, employee_ids: list[UUID]) -> Iterator[_Account]:
    """Officers, the public, a civil servant with a result, and who leads them."""
    yield _Account(AGENCY, "Petugas BKPSDM", Role.HR_ADMIN, AS_AGENCY)
    yield _Account(ASSESSING, "Petugas Penilaian Kompetensi", Role.HR_ADMIN, AS_ASSESSING)
    yield _Account("inspektorat", "Auditor Inspektorat", Role.AUDITOR, AS_AUDITOR)
    yield _Account("warga", "Warga Kemuning", Role.PUBLIC, "GET /statistics/fit")
    for number, to_try in ((story.civil_servant, AS_CIVIL_SERVANT), (story.superior, AS_SUPERIOR)):
        person = made.people[number]
        yield _Account(
            person.identifier, person.name, Role.ASN, to_try, employee_id=employee_ids[number]
        )


async def _open(connection: asyncpg.Connection, new: _Account) -> tuple[UUID, dict[str, str]]:
    """Its id, and what its owner is told."""
    password = generate_password()
    account_id = await connection.fetchval(
        "INSERT INTO accounts (login, display_name, role, employee_id, password_hash,"
        " consented_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        new.login,
        new.who,
        str(new.role),
        new.employee_id,
        await hash_password(password),
        now() if new.role is Role.PUBLIC else None,
    )
    told = {"role": str(new.role), "login": new.login, "password": password, "who": new.who}
    if new.employee_id is not None:
        told["employee_id"] = str(new.employee_id)
    return account_id, {**told, "try": new.to_try}


# --- plumbing ---------------------------------------------------------------------------


async def _coded(
    connection: asyncpg.Connection, table: str, codes: Iterable[str]
) -> dict[str, UUID]:
    """Rows that are a code only; returns their ids by code."""
    distinct = list(dict.fromkeys(codes))
    ids = dict(zip(distinct, await new_ids(connection, len(distinct)), strict=True))
    await copy(connection, table, ({"id": ids[code], "code": code} for code in distinct))
    return ids


def _jsonb(value: Any) -> bytes:
    """COPY is binary: jsonb's version byte, then its text."""
    return b"\x01" + json.dumps(value).encode()


def _from_jsonb(data: bytes) -> Any:
    return json.loads(data[1:])


def _typed(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Rows of the import with their dates as dates, as the spoiler wants them."""
    for row in rows:
        yield {
            name: date.fromisoformat(text) if name in DATE_COLUMNS else text
            for name, text in row.items()
        }
