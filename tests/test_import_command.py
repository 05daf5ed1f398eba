"""`kemuning import` against a served API, with the worker beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from app.cli import app as command
from app.embedded import EmbeddedServer
from app.main import create_app
from tests.actors import Actors
from tests.assessing import Assessing
from tests.conftest import settings_for
from tests.credentials import PASSWORD, make_account
from tests.importing import csv_file, organise, person
from tests.organisation import Government


@asynccontextmanager
async def served(server: EmbeddedServer, database: str) -> AsyncIterator[str]:
    """The URL of the API, served with its background tasks."""
    app = create_app(settings_for(server, database, run_jobs=True))
    serving = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    task = asyncio.create_task(serving.serve())
    async with asyncio.timeout(10):
        while not serving.started:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{serving.servers[0].sockets[0].getsockname()[1]}"
    serving.should_exit = True
    await task


async def run(*arguments: str, password: str = PASSWORD) -> Result:
    """The command as a terminal runs it."""
    runner = CliRunner(env={"KEMUNING_PASSWORD": password, "COLUMNS": "200"})
    return await asyncio.to_thread(runner.invoke, command, ["import", *arguments])


async def test_from_the_terminal(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await organise(owner)
    login = await make_account(owner, "hr_admin")
    people = [person(1), person(2, unit_code="X"), person(3), person(3)]
    file = tmp_path / "pegawai.csv"
    file.write_bytes(csv_file(people))
    async with served(server, database) as url:
        who = ("--url", url, "--login", login)
        dry = await run(str(file), "--dry-run", *who)
        assert dry.exit_code == 1, dry.output
        assert "3 Kode unit" in dry.output
        assert "Warnings:\n     5 Baris ini sama dengan baris 4 dan dilewati." in dry.output
        mended = tmp_path / "pegawai-kesalahan.csv"
        assert mended.exists()
        assert (await run(str(file), "--partial", *who)).exit_code == 1
        assert await owner.fetchval("SELECT count(*) FROM employees") == 2

        good = tmp_path / "benar.csv"
        good.write_bytes(csv_file([person(2)]))
        done = await run(str(good), *who)
        assert done.exit_code == 0, done.output
        assert await owner.fetchval("SELECT count(*) FROM employees") == 3

        wrong = await run(str(good), *who, password="salah-sama-sekali")
        assert wrong.exit_code == 1
        assert "kata sandi salah" in wrong.output


async def test_results_of_an_event(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection, app: FastAPI,
    actors: Actors, tmp_path: Path,
) -> None:  # fmt: skip
    government = Government(await actors.hr_admin(), owner)
    position = await government.position(await government.unit("DISDIK"), "GURU", seats=9)
    assessing = Assessing(government)
    await assessing.event()
    code = await owner.fetchval("SELECT code FROM assessment_events")
    person = await assessing.seated(position)
    nip = await owner.fetchval(
        "SELECT value FROM employee_identifiers WHERE employee_id = $1", person
    )
    login = await make_account(owner, "hr_admin")
    file = tmp_path / "hasil.csv"
    file.write_text(f"NIP;Integritas;Kerja sama\n{nip};3;Level 4\n")
    async with served(server, database) as url:
        who = ("--url", url, "--login", login, "--kind", "assessment_results")
        assert "no assessment event X" in (await run(str(file), "--event", "X", *who)).output
        assert "event_id" in (await run(str(file), *who)).output
        done = await run(str(file), "--event", code, *who)
        assert done.exit_code == 0, done.output
        assert "Komunikasi" in done.output  # required, and left out: a warning
    levels = await owner.fetch("SELECT level FROM assessment_ratings ORDER BY level")
    assert [row["level"] for row in levels] == [3, 4]


async def test_as_a_service_client_and_without_a_server(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await organise(owner)
    login = await make_account(owner, "service", scopes=["imports:read", "imports:write"])
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    file = tmp_path / "pegawai.csv"
    file.write_bytes(csv_file([person(1)]))
    who = ("--service", "--login", login, "--password-file", str(secret))
    async with served(server, database) as url:
        done = await run(str(file), "--url", url, *who)
        assert done.exit_code == 0, done.output
    assert await owner.fetchval("SELECT count(*) FROM employees") == 1
    gone = await run(str(file), "--url", url, *who)
    assert gone.exit_code == 1
    assert "does not answer" in gone.output
    vague = await run(str(file), "--url", "localhost:8000", *who)
    assert "begin it with http:// or https://" in vague.output
