r"""One score written with its audit event, against `pgbench` doing the same inserts.

Kemuning's side is the whole request of an assessor: token, checks, row-level security, the rating
and, by its trigger, the event with its details, durable before the answer. pgbench, of the same
PostgreSQL, inserts the same rows into the same three tables as the superuser, in one transaction
a score, with the trigger off. Both have sixteen clients, each an assessor with forms of their own.
"""

import asyncio
import json
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.database import Database
from app.embedded import EmbeddedServer, _binaries
from app.services.signing_keys import Keyring
from app.vocabulary import Role
from bench import data
from bench.reads import CONNECTIONS, KEMUNING_PORT, SECONDS, measured, serving, token_of

ROUNDS = 3
OURS, THEIRS = 100, 400
"""Forms of each assessor for one round: more than either side fills."""
FORMS = ROUNDS * (OURS + THEIRS)
LEAST = 0.30
RATING = {
    "level": 3,
    "note": "Konsisten di dua simulasi.",
    "evidence": [{"title": "Laporan simulasi", "reference": "SIM/12/2026"}],
}
RATERS = """
SELECT id FROM employees e WHERE NOT EXISTS (SELECT FROM accounts WHERE employee_id = e.id)
ORDER BY id DESC LIMIT $1
"""
BASIC = "SELECT id FROM competencies WHERE kind <> 'technical' ORDER BY ordinal"
PREPARE = """
WITH event AS (
    INSERT INTO assessment_events (code, title, purpose, method, provider_id, starts_on, ends_on)
    SELECT 'RATINGS', 'Bench', 'mapping', 'assessment_center', id, current_date, current_date
    FROM assessment_providers WHERE code = 'BENCH' RETURNING id
), people AS (
    SELECT employee_id, position_id, row_number() OVER (ORDER BY id) - 1 AS number
    FROM assessments WHERE NOT employee_id = ANY ($1) ORDER BY id LIMIT $2
), made AS (
    INSERT INTO assessments (id, event_id, employee_id, position_id)
    SELECT {assessment}, event.id, employee_id, position_id FROM event, people
)
INSERT INTO assessor_assignments (id, assessment_id, candidate_id, rater_id, source)
SELECT {assignment}, {assessment}, employee_id, $1[number / $3 + 1], 'assessor' FROM people
"""
REMOVE = """
CREATE TEMP TABLE gone AS SELECT a.id FROM assessments a
JOIN assessment_events e ON e.id = a.event_id WHERE e.code = 'RATINGS';
DELETE FROM assessment_ratings WHERE assessment_id IN (SELECT id FROM gone);
DELETE FROM assessor_assignments WHERE assessment_id IN (SELECT id FROM gone);
DELETE FROM assessments WHERE id IN (SELECT id FROM gone);
DELETE FROM assessment_events WHERE code = 'RATINGS';
"""
LAST_EVENT = """
SELECT e.actor_account_id, e.request_id, d.changes FROM audit_events e
JOIN audit_details d ON d.event_id = e.id
WHERE e.entity = 'assessment_ratings' ORDER BY e.id DESC LIMIT 1
"""
SCRIPT = r"""
\set i :i + 1
\set number :client_id * {forms} + :first + :i / {each}
\set competency :i % {each} + 1
\set rater :client_id + 1
BEGIN;
INSERT INTO assessment_ratings
    (assignment_id, assessment_id, competency_id, rater_id, source, level, note, evidence)
VALUES ({assignment}, {assessment}, ({competencies})[:competency::integer],
        ({raters})[:rater::integer], 'assessor', {level}, '{note}', '{evidence}');
INSERT INTO audit_events
    (kind, operation, actor_account_id, actor_role, request_id, entity, commitment)
VALUES ('write', 'assessor_assignments_rate', '{actor_account_id}', 'asn', '{request_id}',
        'assessment_ratings', sha256('{request_id}'))
RETURNING id AS event_id \gset
INSERT INTO audit_details (event_id, salt, changes)
VALUES (:event_id::uuid, sha256('{request_id}'), '{changes}');
COMMIT;
"""


def run(running: EmbeddedServer) -> list[tuple[str, float, float]]:
    """Measure; returns (name, ratio, mark)."""
    settings = data.settings(running)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("app.main:app_from_environment", KEMUNING_PORT, settings),
    ):
        bench = _Bench(running, Path(folder) / "rate.sql")
        asyncio.run(bench.prepare())
        try:
            ratios = [bench.round(number) for number in range(ROUNDS)]
        finally:
            asyncio.run(bench.execute(REMOVE))
    return [("one score with its audit event", statistics.median(ratios), LEAST)]


class _Bench:
    def __init__(self, running: EmbeddedServer, script: Path) -> None:
        self.running, self.script = running, script
        self.raters: dict[UUID, str] = {}
        self.competencies: list[UUID] = []

    async def prepare(self) -> None:
        """Assessors with their tokens and forms."""
        settings = data.settings(self.running)
        connection = await asyncpg.connect(self.running.dsn(data.DATABASE))
        database = Database(settings)
        try:
            for row in await connection.fetch(RATERS, CONNECTIONS):
                keyring = Keyring(database, settings)
                token = await token_of(connection, keyring, Role.ASN, row["id"])
                self.raters[row["id"]] = token
            self.competencies = [row["id"] for row in await connection.fetch(BASIC)]
            await connection.execute("SET session_replication_role = replica")
            ids = {name: _id(name, "number") for name in ("assessment", "assignment")}
            raters = list(self.raters)
            await connection.execute(PREPARE.format(**ids), raters, len(raters) * FORMS, FORMS)
            await connection.execute("ANALYZE assessments, assessor_assignments")
        finally:
            await database.close()
            await connection.close()

    def round(self, number: int) -> float:
        """Both sides once; how many scores a second ours writes for each of pgbench's."""
        job = {"port": KEMUNING_PORT, "clients": self._clients(number * OURS)}
        ours = measured(job)
        if number == 0:
            asyncio.run(self._write_script())
        theirs = self._pgbench(ROUNDS * OURS + number * THEIRS)
        print(
            f"  one score: pgbench {theirs:,.0f}/s, Kemuning {ours['per_second']:,.0f}/s"
            f" (p50 {ours['p50_ms']:.1f} ms, p99 {ours['p99_ms']:.1f} ms)",
            flush=True,
        )
        return float(ours["per_second"]) / theirs

    def _clients(self, first: int) -> list[dict[str, Any]]:
        body = json.dumps(RATING)
        return [
            {
                "headers": {"Authorization": f"Bearer {token}", "If-Match": '"0"'},
                "requests": [
                    ["PUT", f"{FORM}/{_uuid('assignment', form)}/ratings/{competency}", body]
                    for form in range(rater * FORMS + first, rater * FORMS + first + OURS)
                    for competency in self.competencies
                ],
            }
            for rater, token in enumerate(self.raters.values())
        ]

    async def _write_script(self) -> None:
        """What pgbench does: with the details of an event that Kemuning has just written."""
        connection = await asyncpg.connect(self.running.dsn(data.DATABASE))
        event = await connection.fetchrow(LAST_EVENT)
        await connection.close()
        ids = {name: _id(name, ":number::bigint") for name in ("assessment", "assignment")}
        evidence = json.dumps(RATING["evidence"])
        known = {"forms": FORMS, "each": len(self.competencies), "evidence": evidence}
        known |= {"raters": _array(self.raters), "competencies": _array(self.competencies)}
        known |= {"level": RATING["level"], "note": RATING["note"]}
        self.script.write_text(SCRIPT.format(**ids, **known, **event))

    def _pgbench(self, first: int) -> float:
        """Transactions a second."""
        words = [str(_binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared"]
        words += [f"--client={CONNECTIONS}", f"--time={SECONDS}", f"--file={self.script}"]
        words += ["--define=i=-1", f"--define=first={first}", self.running.dsn(data.DATABASE)]
        with self._no_trigger():
            done = subprocess.run(words, capture_output=True, text=True, check=True)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if found is None or "number of failed transactions: 0 " not in done.stdout:
            raise RuntimeError(done.stdout + done.stderr)
        return float(found[1])

    @contextmanager
    def _no_trigger(self) -> Iterator[None]:
        trigger = "ALTER TABLE assessment_ratings {} TRIGGER audit_insert"
        asyncio.run(self.execute(trigger.format("DISABLE")))
        try:
            yield
        finally:
            asyncio.run(self.execute(trigger.format("ENABLE")))

    async def execute(self, statements: str) -> None:
        connection = await asyncpg.connect(self.running.dsn(data.DATABASE))
        try:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(statements)
        finally:
            await connection.close()


FORM = "/api/v1/assessor-assignments"
PARTS = {"assessment": "0000", "assignment": "0001"}


def _uuid(name: str, number: int) -> UUID:
    """The id of what one form consists of."""
    return UUID(f"00000000-{PARTS[name]}-7000-8000-{number:012x}")


def _id(name: str, number: str) -> str:
    """The same in SQL."""
    return f"('00000000-{PARTS[name]}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def _array(ids: Iterable[UUID]) -> str:
    return "ARRAY[{}]::uuid[]".format(", ".join(f"'{each}'" for each in ids))
