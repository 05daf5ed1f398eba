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


async def _fill(running: EmbeddedServer, employees: int) -> None:
    connection = await asyncpg.connect(running.dsn(DATABASE))
    try:
        if await connection.fetchval("SELECT count(*) FROM employees") == employees:
            return
        print(f"Making {employees:,} employees, once …", flush=True)
        made = population(size=employees)
        await seeding.prepare(connection)
        async with connection.transaction():
            # Neither audit events nor foreign keys: these rows are scenery.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await seeding.load(connection, made, settings(running).sealer)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
