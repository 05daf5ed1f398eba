"""A worker that is killed in the middle of writing: nothing half-written, and the import ends."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI

from app.embedded import EmbeddedServer
from app.installation import LOGIN
from tests.actors import Actors
from tests.conftest import settings_for
from tests.importing import Officer, csv_file, organise, person

ROOT = Path(__file__).parents[2]
PEOPLE = 60
PENDING = ("queued", "running")
WORKER = """
import asyncio, sys
from datetime import timedelta
from app import jobs
from app.runtime import Runtime
from app.services.imports import running
from app.services.imports.employees import work
from app.settings import Settings

jobs.HEARTBEAT, jobs.POLL = timedelta(seconds=2), timedelta(seconds=0.3)
running.BEAT_SECONDS = 0.1
write_plan = work.write_plan

async def slowly(*given):
    async for share in write_plan(*given):
        yield share
        await asyncio.sleep(float(sys.argv[1]))

work.write_plan = slowly
asyncio.run(jobs.run_worker(Runtime.of(Settings()), asyncio.Event()))
"""


def start(server: EmbeddedServer, database: str, pause: float) -> subprocess.Popen[bytes]:
    """A worker that rests after each statement of the writing."""
    settings = settings_for(server, database)
    environment = {
        "KEMUNING_ENVIRONMENT": "development",
        "KEMUNING_DATABASE_URL": server.url(database, LOGIN),
        "KEMUNING_SECRET_KEY": settings.secret_key.get_secret_value(),
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.Popen([sys.executable, "-c", WORKER, str(pause)], cwd=ROOT, env=environment)


def _writes(seen: dict[str, Any]) -> bool:
    progress = seen["progress"]
    return bool(progress and progress["step"] == "writing" and progress["done"])


async def test_a_worker_killed_while_it_writes(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection, server: EmbeddedServer, database: str
) -> None:
    await organise(owner)
    officer = Officer(app, await actors.hr_admin())
    sent = await officer.send(csv_file([person(number) for number in range(PEOPLE)]))
    import_id = sent.json()["id"]
    assert sent.json()["state"] == "queued"

    worker = start(server, database, pause=1)
    try:
        async with asyncio.timeout(30):
            while not _writes(await officer.look(import_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0

    worker = start(server, database, pause=0)
    try:
        async with asyncio.timeout(30):
            while (done := await officer.look(import_id))["state"] in PENDING:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert (done["state"], done["counts"]["new"]) == ("imported", PEOPLE)
    for table in ("employees", "employee_profiles", "seat_assignments"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == PEOPLE
    attempts = await owner.fetchval("SELECT attempt FROM import_progress")
    assert attempts == 2
