"""Alembic's environment: runs on the owner's connection, one transaction a migration."""

import asyncio
import os

from alembic import context
from sqlalchemy import URL, Connection, pool
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine

from app.models import Base
from app.models.audit import Xid8
from app.settings import with_driver

ischema_names["xid8"] = Xid8


def owner_url() -> URL:
    """The URL that `kemuning migrate` passes on, or the environment's."""
    given = context.config.attributes.get("url")
    if isinstance(given, URL):
        return given
    names = ("KEMUNING_OWNER_DATABASE_URL", "KEMUNING_DATABASE_URL")
    return with_driver(next(os.environ[n] for n in names if n in os.environ))


def include_object(thing: object, name: str | None, kind: str, reflected: bool, _: object) -> bool:
    """Leave alone what Alembic can't compare: the queue's tables, and WITHOUT OVERLAPS."""
    if kind == "table":
        return not (name or "").startswith("pgqueuer")
    temporal = any(c.name == "valid" for c in getattr(thing, "columns", ()))
    return not (kind == "unique_constraint" and reflected and temporal)


def migrate(connection: Connection) -> None:
    """Bring the connection's database to the wanted revision."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect as the owner and migrate."""
    engine = create_async_engine(
        owner_url(),
        poolclass=pool.NullPool,
        connect_args={"server_settings": {"lock_timeout": "5000"}},
    )
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(main())
