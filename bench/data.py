"""A server with many employees, kept between runs: loading takes longer than measuring."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from app.demo import seeding
from app.demo.population import population
from app.embedded import EmbeddedServer
from app.installation import LOGIN, OWNER, create_database, migrate
from app.settings import Settings, with_driver

DATABASE = "bench"
FOLDER = Path(".kemuning-demo-bench")
SECRET = "benchmark-" + "only-0123456789abcdefghijklmnopqrstuvwxyz"
TUNED = {"shared_buffers": "1GB", "max_wal_size": "4GB", "maintenance_work_mem": "512MB"}


@contextmanager
def server(employees: int) -> Iterator[EmbeddedServer]:
    """A running server, durable as in production, with that many employees."""
    with EmbeddedServer(FOLDER / f"postgresql-{employees}", settings=TUNED) as running:
        asyncio.run(create_database(running.dsn(), DATABASE))
        migrate(with_driver(running.url(DATABASE, OWNER)))
        asyncio.run(_fill(running, employees))
        yield running


def settings(running: EmbeddedServer, database: str = DATABASE) -> Settings:
    """What Kemuning is served with."""
    return Settings(
        environment="development",
        database_url=running.url(database, LOGIN),
        secret_key=SECRET,
        require_totp=False,
        run_jobs=False,
        log_level="info",
    )


EVENTS = """
WITH provider AS (
    INSERT INTO assessment_providers (code, name) VALUES ('BENCH', 'Penilai Bench') RETURNING id
)
INSERT INTO assessment_events (
    code, title, purpose, method, provider_id, starts_on, ends_on, closed_at)
SELECT 'BENCH-' || number, 'Pemetaan ' || number, 'mapping', 'assessment_center', provider.id,
       day - 5, day, day + interval '30 days'
FROM provider, generate_series(0, 31) AS number,
     LATERAL (SELECT date '2024-01-01' + 32 * number AS day) AS d
"""
ASSESSMENTS = """
INSERT INTO assessments (
    event_id, employee_id, position_id, state, submitted_at, moderated_by, moderated_at)
SELECT e.id, a.employee_id, a.position_id, 'published', e.ends_on + interval '10 days',
       a.employee_id, e.ends_on + interval '20 days'
FROM seat_assignments a
JOIN assessment_events e ON e.code = 'BENCH-' || (hashtext(a.employee_id::text) & 31)
WHERE a.kind = 'definitif' AND upper_inf(a.valid)
"""
RESULTS = """
INSERT INTO assessment_results (
    assessment_id, employee_id, position_id, version_no, purpose, assessed_on, inputs, rules,
    outcome, jpm, jpm_uncapped, band, potential, gaps, valid_until, reason, published_by,
    published_at)
SELECT a.id, a.employee_id, a.position_id, 1, e.purpose, e.ends_on, '{}', '{}', '{}',
       80, 80, 'cukup_optimal', 'menengah', 2, e.ends_on + interval '3 years',
       'Penerbitan pertama', a.moderated_by, e.ends_on + interval '30 days'
FROM assessments a JOIN assessment_events e ON e.id = a.event_id
"""
SCORES = """
INSERT INTO competency_scores (
    result_id, employee_id, competency_id, competency_version_id, required, actual, gap, surplus)
SELECT r.id, r.employee_id, c.id, v.id, s.required, s.actual,
       greatest(s.required - s.actual, 0), greatest(s.actual - s.required, 0)
FROM assessment_results r
JOIN competencies c ON c.ordinal <= 10
JOIN competency_versions v ON v.competency_id = c.id,
LATERAL (SELECT hashtext(r.id::text || c.code) & 1023 AS chance) AS h,
LATERAL (SELECT 1 + chance % 4 AS required, (50 + chance % 451) / 100.0 AS actual) AS s
"""
ASSIGNMENTS = """
INSERT INTO assessor_assignments (assessment_id, candidate_id, source, state, submitted_at)
SELECT id, employee_id, 'assessor', 'submitted', submitted_at FROM assessments
"""
RATINGS = """
INSERT INTO assessment_ratings (
    assignment_id, assessment_id, competency_id, source, level, note)
SELECT a.id, a.assessment_id, s.competency_id, a.source, floor(s.actual), 'Dua simulasi'
FROM assessor_assignments a
JOIN assessment_results r USING (assessment_id)
JOIN competency_scores s ON s.result_id = r.id
"""
SCENERY = (EVENTS, ASSESSMENTS, RESULTS, SCORES, ASSIGNMENTS, RATINGS)


async def _fill(running: EmbeddedServer, employees: int) -> None:
    """Employees, and for each a result of ten competencies from as many ratings."""
    connection = await asyncpg.connect(running.dsn(DATABASE))
    try:
        if await connection.fetchval("SELECT count(*) FROM employees") == employees:
            return
        print(f"Making {employees:,} employees and their results, once …", flush=True)
        made = population(size=employees)
        await seeding.prepare(connection)
        async with connection.transaction():
            # Neither audit events nor foreign keys: these rows are scenery.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await seeding.load(connection, made, settings(running).sealer)
            for statement in SCENERY:
                await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
