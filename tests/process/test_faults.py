"""What a crash leaves behind: of the worker, of PostgreSQL, under load and on a real disk."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from asyncpg.transaction import Transaction

from tests.actors import problem
from tests.people import person
from tests.process.load import Ledger, Load, nip, sign_in
from tests.process.programs import Postgres, Service, answers, eventually

Serve = Callable[..., Service]
UNAVAILABLE = {(503, "database_unavailable"), (503, "overloaded"), (503, "timed_out")}
ENDED = (0, -signal.SIGTERM, -signal.SIGINT)
"""How a server ends on request: of itself, or by the signal that it takes once it is done."""
UNCHAINED = (
    "SELECT count(*) FROM audit_events LEFT JOIN audit_chain ON event_id = id WHERE seq IS NULL"
)
OURS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'kemuning%'"
)
WORKERS = f"SELECT count(*) {OURS} AND application_name = 'kemuning worker'"
BACKEND = f"SELECT min(pid) {OURS} AND application_name = 'kemuning'"
BUSY = f"SELECT count(*) {OURS} AND application_name = 'kemuning' AND state <> 'idle'"
PARTS = ("employee_profiles", "employee_identifiers", "employee_statuses", "employee_golongan")


async def verify(dsn: str, ledger: Ledger) -> None:
    """Every acknowledged write and read is in the database, whole, and nothing is half there."""
    connection = await asyncpg.connect(dsn)
    try:
        stored = {str(r["id"]) for r in await connection.fetch("SELECT id FROM employees")}
        assert set(ledger.written.values()) <= stored
        for part in PARTS:
            owners = await connection.fetch(f"SELECT employee_id FROM {part}")
            assert {str(r["employee_id"]) for r in owners} == stored, part
            assert len(owners) == len(stored), part
        events = await connection.fetch(
            "SELECT kind, request_id, entity, unnest(subject_ids)::text AS subject"
            " FROM audit_events"
        )
        seen = {(e["kind"], e["request_id"], e["entity"], e["subject"]) for e in events}
        created = {(e["kind"], e["entity"], e["subject"]) for e in events}
        assert {("write", "employees", employee) for employee in stored} <= created
        for request_id, employee in ledger.read.items():
            assert ("read", request_id, "employees", employee) in seen
    finally:
        await connection.close()


async def test_a_killed_worker_loses_nothing_acknowledged(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    token = await sign_in(service.url, postgres.dsn(database))
    async with Load(service.url, token) as load:
        for _ in range(2):
            await load.acknowledged(12)
            service.program.end(signal.SIGKILL)
            await asyncio.to_thread(service.launch)
        await load.acknowledged(3)
        ledger = await load.end()
        assert not ledger.refused
        await verify(postgres.dsn(database), ledger)
        await load.send_again()
        assert not ledger.in_doubt
        await verify(postgres.dsn(database), ledger)


async def test_a_killed_postgresql_is_503_and_recovers(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    token = await sign_in(service.url, postgres.dsn(database))
    async with Load(service.url, token) as load:
        await load.acknowledged(12)
        postgres.kill()
        await asyncio.sleep(1.5)
        assert await answers(f"{service.url}/livez", 200)
        assert await answers(f"{service.url}/readyz", 503)
        await asyncio.to_thread(postgres.restart)
        await load.acknowledged(1, seconds=5)
        await load.acknowledged(12)
        ledger = await load.end()
        assert ledger.refused
        assert set(ledger.refused) <= UNAVAILABLE
        assert ledger.slowest < 10
        await load.send_again()
        assert not ledger.in_doubt
        await verify(postgres.dsn(database), ledger)
    await verify_background(postgres.dsn(database))
    assert service.program.end() in ENDED


async def verify_background(dsn: str) -> None:
    """The sequencer chains every event, and a worker listens for jobs, soon after."""
    connection = await asyncpg.connect(dsn)

    async def at_work() -> bool:
        unchained, workers = [await connection.fetchval(q) for q in (UNCHAINED, WORKERS)]
        return not unchained and bool(workers)

    try:
        await eventually(at_work, 30)
    finally:
        await connection.close()


async def test_a_killed_backend_is_a_short_503(postgres: Postgres, serve: Serve) -> None:
    """PostgreSQL then ends every other session too, and recovers by itself."""
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    token = await sign_in(service.url, postgres.dsn(database))
    async with Load(service.url, token) as load:
        await load.acknowledged(6)
        await asyncio.to_thread(kill_a_backend, postgres, database)
        await load.acknowledged(6, seconds=15)
        ledger = await load.end()
        assert set(ledger.refused) <= UNAVAILABLE
        await load.send_again()
        await verify(postgres.dsn(database), ledger)


def kill_a_backend(postgres: Postgres, database: str) -> None:
    """End one session by kill -9 of that database."""

    async def find() -> int:
        connection = await asyncpg.connect(postgres.dsn(database))
        try:
            return int(await connection.fetchval(BACKEND))
        finally:
            await connection.close()

    os.kill(asyncio.run(find()), signal.SIGKILL)


async def test_a_start_before_postgresql(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    await asyncio.to_thread(postgres.server.stop)
    service = await asyncio.to_thread(serve, postgres.settings(database))
    try:
        assert await answers(f"{service.url}/livez", 200)
        assert await answers(f"{service.url}/readyz", 503)
    finally:
        await asyncio.to_thread(postgres.start)
    await eventually(partial(answers, f"{service.url}/readyz", 200), 5)
    await sign_in(service.url, postgres.dsn(database))
    await verify_background(postgres.dsn(database))


# --- limits -----------------------------------------------------------------------------


@asynccontextmanager
async def locked_employees(dsn: str) -> AsyncIterator[Transaction]:
    """Nobody can read or write employees within; `rollback()` ends it sooner."""
    connection = await asyncpg.connect(dsn)
    transaction = connection.transaction()
    try:
        await transaction.start()
        await connection.execute("LOCK TABLE employees IN ACCESS EXCLUSIVE MODE")
        yield transaction
    finally:
        await connection.close()


def clients(service: Service, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{service.url}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )


async def write(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/employees", json=person(identifier=nip()))


async def read(client: httpx.AsyncClient) -> httpx.Response:
    return await client.get("/employees")


LIMITS = [
    ("lock_timeout_ms", "200", "overloaded"),
    ("statement_timeout_ms", "900", "timed_out"),
    ("request_timeout_seconds", "0.6", "timed_out"),
]


@pytest.mark.parametrize(("setting", "value", "code"), LIMITS)
async def test_a_limit_is_a_503_and_nothing_stays_behind(
    postgres: Postgres, serve: Serve, setting: str, value: str, code: str
) -> None:
    database = await postgres.database()
    settings = postgres.settings(database, pool_size="2", **{setting: value})
    service = await asyncio.to_thread(serve, settings)
    token = await sign_in(service.url, postgres.dsn(database))
    async with clients(service, token) as client, locked_employees(postgres.dsn(database)) as lock:
        for act in (read, write, read, write, read, write):
            unavailable(await act(client), code)
        await lock.rollback()
        assert (await write(client)).status_code == 201
        assert (await read(client)).status_code == 200
        assert await waiting_in(postgres.dsn(database)) == 0


@pytest.mark.parametrize("act", [read, write])
async def test_a_full_pool_is_told_and_empties(
    postgres: Postgres, serve: Serve, act: Callable[..., Any]
) -> None:
    database = await postgres.database()
    settings = postgres.settings(database, pool_size="1", pool_timeout_seconds="0.5")
    service = await asyncio.to_thread(serve, settings)
    token = await sign_in(service.url, postgres.dsn(database))
    async with clients(service, token) as client, locked_employees(postgres.dsn(database)) as lock:
        first = asyncio.create_task(act(client))
        await asyncio.sleep(0.3)
        for answer in await asyncio.gather(*(act(client) for _ in range(5))):
            unavailable(answer, "overloaded")
        await lock.rollback()
        assert (await first).status_code in (200, 201)
        assert (await act(client)).status_code in (200, 201)


def unavailable(answer: httpx.Response, code: str) -> None:
    problem(answer, 503, code)
    assert int(answer.headers["retry-after"]) >= 1


async def waiting_in(dsn: str) -> int:
    """Sessions of the service that still do something."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(BUSY))
    finally:
        await connection.close()


# --- the end ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_requests_under_way_get_their_answers(
    postgres: Postgres, serve: Serve, number: signal.Signals
) -> None:
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    token = await sign_in(service.url, postgres.dsn(database))
    async with clients(service, token) as client:
        async with locked_employees(postgres.dsn(database)) as lock:
            under_way = [asyncio.create_task(act(client)) for act in (read, write, read, write)]
            await asyncio.sleep(0.5)
            service.program.process.send_signal(number)
            await asyncio.sleep(0.5)
            assert service.program.process.poll() is None
            with pytest.raises(httpx.ConnectError):
                await httpx.AsyncClient().get(f"{service.url}/livez")
            await lock.rollback()
        given = await asyncio.gather(*under_way)
    assert [answer.status_code for answer in given] == [200, 201, 200, 201]
    assert await asyncio.to_thread(service.program.wait, 10) in ENDED
