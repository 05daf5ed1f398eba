"""Making a database ready: the owner's role, the schema, the login role's password."""

import asyncio
import tempfile
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import URL

from app.embedded import EmbeddedServer
from app.settings import with_driver

OWNER = "kemuning_owner"
LOGIN = "kemuning_login"
ALEMBIC_INI = Path(__file__).parent.parent / "alembic.ini"


async def create_database(superuser_dsn: str, name: str, *, template: str | None = None) -> None:
    """A database that the owner role owns; the role is made where it is missing.

    For the embedded server. On a server of their own, an administrator does the same by hand:
    `CREATE ROLE kemuning_owner LOGIN CREATEROLE; CREATE DATABASE … OWNER kemuning_owner`.
    """
    connection = await asyncpg.connect(superuser_dsn)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER):
            await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            source = f"TEMPLATE {template}" if template else ""
            await connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} {source}")
    finally:
        await connection.close()


async def drop_database(superuser_dsn: str, name: str) -> None:
    """Remove a database of the embedded server, if it is there."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()


def migrate(owner_url: URL, revision: str = "head") -> None:
    """Bring the schema to the revision. Starts an event loop of its own."""
    config = Config(ALEMBIC_INI)
    config.attributes["url"] = owner_url
    command.upgrade(config, revision)


def check_migrations() -> None:
    """Migrate an empty embedded database and compare it with the models.

    Errors: alembic's CommandError where they differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "postgresql", settings={"fsync": "off"})
        with server:
            asyncio.run(create_database(server.dsn(), "kemuning"))
            config = Config(ALEMBIC_INI)
            config.attributes["url"] = with_driver(server.url("kemuning", OWNER))
            command.upgrade(config, "head")
            command.check(config)


async def set_login_password(owner_url: URL, password: str) -> None:
    """Give the login role its password, by a statement that no server log shows in full."""
    dsn = owner_url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        statement = await connection.fetchval(
            "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", LOGIN, password
        )
        await connection.execute(statement)
    finally:
        await connection.close()
