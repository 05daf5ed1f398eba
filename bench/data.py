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


RESULTS = """
INSERT INTO assessment_results (
    id, assessment_id, employee_id, position_id, version_no, purpose, assessed_on, inputs, rules,
    outcome, jpm, jpm_uncapped, band, potential, gaps, valid_until, reason, published_by,
    published_at)
SELECT uuidv7(), uuidv7(), a.employee_id, a.position_id, 1, 'mapping', day, '{}', '{}', '{}',
       80, 80, 'cukup_optimal', 'menengah', 2, day + interval '3 years', 'Penerbitan pertama',
       a.employee_id, day + interval '30 days'
FROM seat_assignments a,
     LATERAL (SELECT date '2024-01-01' + (hashtext(a.employee_id::text) & 1023) AS day) AS d
WHERE a.kind = 'definitif' AND upper_inf(a.valid)
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


async def _fill(running: EmbeddedServer, employees: int) -> None:
    """Employees, and for each a result of ten competencies."""
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
            await connection.execute(RESULTS)
            await connection.execute(SCORES)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
