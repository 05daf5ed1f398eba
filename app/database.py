"""The database: the transaction of a request, for writes and for reads.

Writes go through a SQLAlchemy AsyncSession, reads run compiled Core statements on the driver
itself (an eighth of the cost), and so does a write of one statement that comes often. All begin
by becoming the actor's persona: the login role owns nothing and may do nothing until then, and
row-level security judges every row after.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import Dialect, Executable, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.access.actors import Actor
from app.errors import DatabaseUnavailable, Overloaded
from app.settings import Settings

log = structlog.get_logger()
Row = Mapping[str, Any]
DIALECT: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]

ENTER_TO_WRITE = text(
    "SELECT app.check_account(:account, :token_version, :session),"
    " set_config('role', :persona, true),"
    " set_config('app.account', :account_text, true),"
    " set_config('app.employee', :employee, true),"
    " set_config('app.role', :role, true),"
    " set_config('app.operation', :operation, true),"
    " set_config('app.purpose', :purpose, true),"
    " set_config('app.request_id', :request_id, true)"
)


class Reader(Protocol):
    """What a read needs: rows by statement, and a note of whose data they reveal."""

    async def all(self, statement: Executable, **values: object) -> Sequence[Row]:
        """Every row."""

    async def one(self, statement: Executable, **values: object) -> Row | None:
        """The first row, or None."""

    async def value(self, statement: Executable, **values: object) -> Any:
        """The first column of the first row, or None."""

    def reveals(self, employee_ids: Sequence[UUID]) -> None:
        """Note that the answer holds these persons' data: it goes to the audit log."""


@lru_cache(maxsize=2048)
def _compiled(
    statement: Executable, persona: str
) -> tuple[str, tuple[str, ...], Any, dict[str, Any]]:
    """SQL with $n, the names in their order, and what the dialect does to values.

    Cached by the statement's identity: keep statements at module level or behind a cached
    builder, never build one per request on a hot path. The text names the persona, so that
    each has a prepared statement of its own: a plan holds for one persona's policies, and a
    connection that changes personas would plan anew each time.
    """
    compiled = statement.compile(  # type: ignore[attr-defined]
        dialect=DIALECT, compile_kwargs={"render_postcompile": True}
    )
    return (
        f"/* {persona} */ {compiled}",
        tuple(compiled.positiontup or ()),
        compiled,
        compiled._bind_processors,
    )


def bind(
    statement: Executable, values: Mapping[str, object], persona: str = ""
) -> tuple[str, list[object]]:
    """The SQL text and positional arguments of a statement for the driver itself."""
    sql, names, compiled, processors = _compiled(statement, persona)
    if not names:
        return sql, []
    given = compiled.construct_params(dict(values))
    return sql, [
        processors[name](given[name]) if name in processors else given[name] for name in names
    ]


class DriverReader:
    """A transaction on an asyncpg connection: read-only, or for a single statement that writes."""

    def __init__(self, connection: asyncpg.Connection, actor: Actor) -> None:
        self.connection = connection
        self.actor = actor
        self.persona = actor.persona
        self.revealed: list[UUID] = []

    async def all(self, statement: Executable, **values: object) -> Sequence[Row]:
        sql, arguments = bind(statement, values, self.persona)
        rows: Sequence[Row] = await self.connection.fetch(sql, *arguments)
        return rows

    async def one(self, statement: Executable, **values: object) -> Row | None:
        sql, arguments = bind(statement, values, self.persona)
        row: Row | None = await self.connection.fetchrow(sql, *arguments)
        return row

    async def value(self, statement: Executable, **values: object) -> Any:
        sql, arguments = bind(statement, values, self.persona)
        return await self.connection.fetchval(sql, *arguments)

    def reveals(self, employee_ids: Sequence[UUID]) -> None:
        self.revealed.extend(e for e in employee_ids if not self.actor.is_self(e))


class SessionReader:
    """Reads inside a write's transaction. The write's own event names the person."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def all(self, statement: Executable, **values: object) -> Sequence[Row]:
        return (await self.session.execute(statement, values)).mappings().all()  # type: ignore[return-value]

    async def one(self, statement: Executable, **values: object) -> Row | None:
        return (await self.session.execute(statement, values)).mappings().first()  # type: ignore[return-value]

    async def value(self, statement: Executable, **values: object) -> Any:
        return (await self.session.execute(statement, values)).scalar()

    def reveals(self, employee_ids: Sequence[UUID]) -> None:
        """Nothing to do: see the class."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Every setting we make ends with its transaction, so nothing is left to reset."""

    def get_reset_query(self) -> str:
        return ""


async def _prepare(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )


def enter_to_read(actor: Actor, persona: str | None = None, snapshot: str | None = None) -> str:
    """One round trip: begin, check the account, become the persona.

    Every value is an enumeration's or a UUID's, or PostgreSQL's own name of a snapshot that
    another transaction shares, so that it can stand in the text.
    """
    shared = f"SET TRANSACTION SNAPSHOT '{snapshot}';" if snapshot else ""
    begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{shared}"
    return begin + _become(actor, persona or actor.persona)


def enter_to_write(actor: Actor) -> str:
    """The same for a write, with what its events say of it: texts stand in it in hex."""
    said = {
        "role": actor.role.value,
        "operation": actor.operation,
        "purpose": actor.purpose,
        "request_id": actor.request_id,
    }
    settings = (
        f", set_config('app.{name}', convert_from(decode('{value.encode().hex()}', 'hex'),"
        " 'UTF8'), true)"
        for name, value in said.items()
    )
    return "BEGIN;" + _become(actor, actor.persona) + "".join(settings)


def _become(actor: Actor, persona: str) -> str:
    account, session = _text(actor.account_id), _text(actor.session_id)
    return (
        f"SELECT app.check_account(nullif('{account}', '')::uuid, {int(actor.token_version)},"
        f" nullif('{session}', '')::uuid),"
        f" set_config('role', '{persona}', true),"
        f" set_config('app.account', '{account}', true),"
        f" set_config('app.employee', '{_text(actor.employee_id)}', true)"
    )


def _text(value: UUID | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, UUID):
        raise TypeError("only a UUID may stand in the text of a statement")
    return str(value)


class Database:
    """The two pools of a process, and the transactions on them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine: AsyncEngine = create_async_engine(
            settings.login_url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=settings.pool_timeout_seconds,
            pool_pre_ping=False,
            hide_parameters=True,  # an error in the log must not tell what was written
            connect_args=self._connect_arguments(),
        )
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readers: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    def _connect_arguments(self) -> dict[str, Any]:
        s = self.settings
        arguments: dict[str, Any] = {
            "timeout": s.pool_timeout_seconds,
            "server_settings": {
                "application_name": "kemuning",
                "statement_timeout": str(s.statement_timeout_ms),
                "lock_timeout": str(s.lock_timeout_ms),
                "idle_in_transaction_session_timeout": str(int(s.request_timeout_seconds * 1000)),
                "timezone": "UTC",
                "jit": "off",
            },
        }
        if s.pgbouncer:
            arguments["statement_cache_size"] = 0
            del arguments["server_settings"]["jit"]
        return arguments

    async def _pool(self) -> asyncpg.Pool:
        """The readers' pool, opened by its first use: the server may start before PostgreSQL."""
        if self._readers is None:
            async with self._opening:
                if self._readers is None:
                    self._readers = await asyncpg.create_pool(
                        driver_dsn(self.settings),
                        min_size=1,
                        max_size=self.settings.pool_size,
                        max_inactive_connection_lifetime=0,
                        connection_class=_Connection,
                        init=_prepare,
                        **self._connect_arguments(),
                    )
        return self._readers

    @asynccontextmanager
    async def transaction(
        self, actor: Actor, *, persona: str | None = None, signed_in: bool = True
    ) -> AsyncIterator[AsyncSession]:
        """A write: begun as the actor's persona, committed at the end, rolled back on any error.

        `signed_in=False` is for a job, which goes on after its account has signed out.
        Errors: Unauthenticated where the account is disabled or its tokens are revoked;
        Overloaded where no connection comes free in time; DatabaseUnavailable.
        """
        async with self.sessions() as session:
            session.info["actor"] = actor
            try:
                entry = _entry(actor, persona)
                await session.execute(
                    ENTER_TO_WRITE, entry if signed_in else entry | {"account": None}
                )
            except PoolTimeout as error:
                raise Overloaded from error
            try:
                yield session
                await session.commit()
            except BaseException:
                await asyncio.shield(session.rollback())
                raise

    @asynccontextmanager
    async def reading(
        self, actor: Actor, *, persona: str | None = None, snapshot: str | None = None
    ) -> AsyncIterator[DriverReader]:
        """A read: one snapshot, its own or a shared one, read-only, on the driver itself.

        Errors: as `transaction`.
        """
        async with self._entered(enter_to_read(actor, persona, snapshot)) as connection:
            yield DriverReader(connection, actor)

    @asynccontextmanager
    async def writing(self, actor: Actor) -> AsyncIterator[DriverReader]:
        """A write of one statement on the driver itself, which costs half of a session's.

        Errors: as `transaction`.
        """
        async with self._entered(enter_to_write(actor)) as connection:
            yield DriverReader(connection, actor)

    @asynccontextmanager
    async def driver(self, persona: str) -> AsyncIterator[asyncpg.Connection]:
        """A write transaction on the driver itself, for COPY and the audit writers."""
        enter = f"BEGIN; SELECT set_config('role', '{persona}', true)"
        async with self._entered(enter) as connection:
            yield connection

    @asynccontextmanager
    async def _entered(self, enter: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection in the transaction that `enter` begins; committed at the end."""
        pool = await self._pool()
        try:
            async with asyncio.timeout(self.settings.pool_timeout_seconds):
                connection = await pool.acquire()
        except TimeoutError as error:
            raise Overloaded from error
        try:
            await connection.execute(enter)
            yield connection
            await connection.execute("COMMIT")
        except BaseException:
            await asyncio.shield(_abandon(connection))
            raise
        finally:
            await pool.release(connection)

    async def ready(self) -> str:
        """The revision that the schema is at. Errors: DatabaseUnavailable."""
        try:
            pool = await self._pool()
            return str(await pool.fetchval("SELECT app.schema_revision()", timeout=2))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        """Close both pools."""
        await self.engine.dispose()
        if self._readers is not None:
            await self._readers.close()
            self._readers = None


async def _abandon(connection: asyncpg.Connection) -> None:
    """Roll back, or close the connection where even that fails."""
    try:
        await connection.execute("ROLLBACK", timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()  # the last one: in the midst of a COPY


def _entry(actor: Actor, persona: str | None) -> dict[str, object]:
    return {
        "account": actor.account_id,
        "token_version": actor.token_version,
        "session": actor.session_id,
        "persona": persona or actor.persona,
        "account_text": str(actor.account_id or ""),
        "employee": str(actor.employee_id or ""),
        "role": actor.role.value,
        "operation": actor.operation,
        "purpose": actor.purpose,
        "request_id": actor.request_id,
    }


def driver_dsn(settings: Settings) -> str:
    """The login role's URL as asyncpg itself reads it."""
    return settings.login_url.set(drivername="postgresql").render_as_string(hide_password=False)
