"""Fixtures of real processes; see `programs.py`."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from app.installation import OWNER, create_database, migrate
from app.settings import with_driver
from tests.process.programs import KEMUNING, TEMPLATE, Postgres, Program, Service, Start


@pytest.fixture
def kemuning() -> Iterator[Start]:
    """Start `kemuning` with these arguments and settings; every one is ended after the test."""
    programs: list[Program] = []
    base = Path(tempfile.mkdtemp(prefix="kemuning-process-"))

    def start(*arguments: str, command: list[str] | None = None, **settings: str) -> Program:
        folder = base / str(len(programs))
        folder.mkdir()
        environment = {f"KEMUNING_{name.upper()}": value for name, value in settings.items()}
        program = Program([*(command or [str(KEMUNING)]), *arguments], folder, environment)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.close()
    shutil.rmtree(base)


@pytest.fixture(scope="session")
def durable() -> Iterator[Postgres]:
    """One for all tests of processes: with fsync, unlike the other tests' server."""
    folder = Path(tempfile.mkdtemp(prefix="kemuning-postgres-"))
    made = Postgres(folder)
    try:
        asyncio.run(asyncio.to_thread(made.start))  # restarts come from such threads too
        asyncio.run(create_database(made.server.dsn(), TEMPLATE))
        migrate(with_driver(made.server.url(TEMPLATE, OWNER)))
        yield made
    finally:
        made.server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def postgres(durable: Postgres) -> Postgres:
    """The same, started again where a test has left it dead."""
    if not durable.server.running:
        asyncio.run(asyncio.to_thread(durable.restart))
    return durable


@pytest.fixture
def serve(kemuning: Start) -> Callable[..., Service]:
    """Start a server process; it answers when this returns."""

    def start(settings: Mapping[str, str], *arguments: str) -> Service:
        return Service(kemuning, settings, *arguments)

    return start
