"""One PostgreSQL server a run, migrated once; each test gets a database of its own.

A database cloned from the migrated template costs some 40 ms, and buys real commits, real
races and both pools of the application as they run in production.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from app.embedded import EmbeddedServer
from app.installation import LOGIN, OWNER, create_database, migrate
from app.main import create_app
from app.settings import Settings, with_driver
from tests.actors import Actors
from tests.populated import Populated, Records, people_of, populate

TEMPLATE = "kemuning_template"
POPULATED_TEMPLATE = "kemuning_populated"
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does; as SystemExit it would only fail the test it met."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Kemuning runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The run's PostgreSQL, with the migrated template database.

    Not in pytest's own folder: that keeps the last three runs, also of those that still run.
    """
    with (
        TemporaryDirectory(prefix="kemuning-test-") as folder,
        EmbeddedServer(Path(folder) / "data", settings=FAST) as running,
    ):
        asyncio.run(create_database(running.dsn(), TEMPLATE))
        migrate(with_driver(running.url(TEMPLATE, OWNER)))
        yield running


@pytest.fixture(scope="session")
def filled(server: EmbeddedServer) -> Records:
    """A second template, with something of every kind in it; filled through the API, once."""
    return asyncio.run(_fill(server))


async def _fill(server: EmbeddedServer) -> Records:
    await create_database(server.dsn(), POPULATED_TEMPLATE, template=TEMPLATE)
    owner = await asyncpg.connect(server.dsn(POPULATED_TEMPLATE))
    application = create_app(settings_for(server, POPULATED_TEMPLATE))
    people = Actors(application, owner)
    try:
        return await populate(application, people, owner)
    finally:
        await people.close()
        await application.state.runtime.close()
        await owner.close()


@pytest.fixture
def template(request: pytest.FixtureRequest) -> str:
    """What the test's database is cloned from: the filled one where it asks for `populated`."""
    if "populated" not in request.fixturenames:
        return TEMPLATE
    request.getfixturevalue("filled")
    return POPULATED_TEMPLATE


@pytest.fixture
async def database(server: EmbeddedServer, template: str) -> AsyncIterator[str]:
    """The name of a migrated database of the test's own; dropped after it."""
    name = f"test_{uuid4().hex}"
    await create_database(server.dsn(), name, template=template)
    yield name
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def owner(server: EmbeddedServer, database: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to the test's database: row-level security does not bind it."""
    connection = await asyncpg.connect(server.dsn(database))
    yield connection
    await connection.close()


def settings_for(server: EmbeddedServer, database: str, **changes: Any) -> Settings:
    """Settings as a developer's machine has them."""
    values: dict[str, Any] = {
        "environment": "development",
        "database_url": server.url(database, LOGIN),
        "owner_database_url": server.url(database, OWNER),
        "secret_key": "q8Zs-3kfXv0wYpL2mNd7RtBhUjEcGa5i",
        "pool_size": 5,
        "run_jobs": False,
        "require_totp": False,
        "log_level": os.environ.get("TEST_LOG_LEVEL", "error"),
    }
    return Settings(**(values | changes))


@pytest.fixture
async def app(server: EmbeddedServer, database: str) -> AsyncIterator[FastAPI]:
    """The application on the test's database."""
    application = create_app(settings_for(server, database))
    yield application
    await application.state.runtime.close()


@pytest.fixture
async def actors(app: FastAPI, owner: asyncpg.Connection) -> AsyncIterator[Actors]:
    """Named people who call the API."""
    people = Actors(app, owner)
    yield people
    await people.close()


@pytest.fixture
async def populated(filled: Records, actors: Actors) -> Populated:
    """A small government with something of every kind in it, and a client of every role."""
    return await people_of(filled, actors)
