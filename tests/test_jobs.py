"""The worker: it listens, comes back after a fault, gives up its job when it is to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from app import jobs
from app.access.actors import JOBS, Actor
from app.jobs import clean_up, run_pending_jobs, run_worker
from app.services.queue import enqueue
from app.vocabulary import Role
from tests.actors import Actors


class Work:
    """A job that notes its payloads, and may be told to linger or to fail."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.begun = 0
        self.lingers = False
        self.failures = 0

    async def __call__(self, database: object, settings: object, payload: Any, last: bool) -> None:
        self.begun += 1
        if self.lingers:
            await asyncio.sleep(60)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a fault")
        self.done.append(payload)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    made = Work()
    monkeypatch.setattr(jobs, "HANDLERS", {"work": made})
    return made


@pytest.fixture
async def actor(actors: Actors) -> Actor:
    client = await actors.hr_admin()
    return Actor(role=Role.HR_ADMIN, account_id=client.account_id)


@asynccontextmanager
async def working(app: FastAPI) -> AsyncIterator[asyncio.Event]:
    """A worker beside the test; stopped at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(app.state.runtime, stop))
    yield stop
    stop.set()
    await asyncio.wait_for(task, 10)


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


async def settled(owner: asyncpg.Connection) -> None:
    """Until the queue knows that its jobs are done; it is told a moment after they are."""
    async with asyncio.timeout(10):
        while await owner.fetchval("SELECT count(*) FROM pgqueuer"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def put(app: FastAPI, actor: Actor, payload: dict[str, Any]) -> None:
    async with app.state.runtime.database.transaction(actor, signed_in=False) as session:
        await enqueue(session, "work", payload)


async def test_a_job_is_there_exactly_if_its_transaction_is(
    app: FastAPI, actor: Actor, work: Work, owner: asyncpg.Connection
) -> None:
    database = app.state.runtime.database
    with suppress(KeyError):
        async with database.transaction(actor, signed_in=False) as session:
            await enqueue(session, "work", {"number": 1})
            raise KeyError
    await put(app, actor, {"number": 2})
    await run_pending_jobs(app.state.runtime)
    assert work.done == [{"number": 2}]
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_the_worker_is_told_of_a_job_at_once(app: FastAPI, actor: Actor, work: Work) -> None:
    async with working(app):
        await put(app, actor, {"number": 1})
        await until(lambda: len(work.done) == 1)
        await put(app, actor, {"number": 2})
        await until(lambda: len(work.done) == 2, seconds=3)  # sooner than it would look itself


async def test_the_worker_comes_back_after_its_connection_broke(
    app: FastAPI, actor: Actor, work: Work, owner: asyncpg.Connection
) -> None:
    async with working(app):
        await put(app, actor, {"number": 1})
        await until(lambda: len(work.done) == 1)
        await settled(owner)
        ended = await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'kemuning worker' AND datname = current_database()"
        )
        assert ended == 1
        await put(app, actor, {"number": 2})
        await until(lambda: len(work.done) == 2)


async def test_a_failed_job_is_tried_again(
    app: FastAPI, actor: Actor, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.failures = 1
    await put(app, actor, {"number": 1})
    await run_pending_jobs(app.state.runtime)
    assert (work.begun, work.done) == (2, [{"number": 1}])


async def test_a_stopping_worker_gives_its_job_back(
    app: FastAPI, actor: Actor, work: Work, owner: asyncpg.Connection
) -> None:
    work.lingers = True
    async with working(app):
        await put(app, actor, {"number": 1})
        await until(lambda: work.begun == 1)
    assert await owner.fetchval("SELECT status::text FROM pgqueuer") == "queued"
    work.lingers = False
    await run_pending_jobs(app.state.runtime)
    assert work.done == [{"number": 1}]


async def test_the_job_of_a_killed_worker_is_taken_over(
    app: FastAPI, actor: Actor, work: Work, owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await put(app, actor, {"number": 1})
    await owner.execute(
        "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), slot = 0,"
        " heartbeat = now()"
    )
    monkeypatch.setattr(jobs, "HEARTBEAT", timedelta(seconds=1))
    monkeypatch.setattr(jobs, "POLL", timedelta(seconds=0.2))
    async with working(app):
        await until(lambda: len(work.done) == 1)


async def test_cleaning_removes_what_is_old_and_nothing_else(
    actor: Actor, owner: asyncpg.Connection
) -> None:
    for age in ("1 hour", "40 days"):
        await owner.execute(
            "INSERT INTO idempotency_keys (principal, operation, key, fingerprint, status, headers,"
            " body_sealed, created_at)"
            " VALUES ('a', 'b', $1::text, '', 200, '{}', '', now() - $1::text::interval)",
            age,
        )
        await owner.execute(
            "INSERT INTO sign_in_throttles VALUES (convert_to($1::text, 'UTF8'),"
            " now() - $1::text::interval, 1)",
            age,
        )
        await owner.execute(
            "WITH i AS (INSERT INTO imports (account_id, filename, sha256, dry_run, effective_from,"
            " created_at) VALUES ($1, 'a.csv', '', true, now(), now() - $2::text::interval)"
            " RETURNING id) INSERT INTO import_files SELECT id, 'x' FROM i",
            actor.account_id,
            age,
        )
    for age in ("80 days", "100 days"):
        await owner.execute(
            "WITH s AS (INSERT INTO sign_in_sessions (account_id, expires_at)"
            " VALUES ($1, now() - $2::text::interval) RETURNING id)"
            " INSERT INTO refresh_tokens (digest, session_id) SELECT uuid_send(id), id FROM s",
            actor.account_id,
            age,
        )
        await owner.execute(
            "WITH e AS (INSERT INTO employees (birth_date, sex) VALUES (now(), 'male')"
            " RETURNING id) INSERT INTO invitations (employee_id, login, display_name,"
            " code_digest, expires_at)"
            " SELECT id, 'a', 'A', uuid_send(id), now() - $1::text::interval FROM e",
            age,
        )
    sessions = await owner.fetchval("SELECT count(*) FROM sign_in_sessions")
    async with owner.transaction():
        await owner.execute(f"SET LOCAL ROLE {JOBS}")
        await clean_up(owner)
    cleaned = ("idempotency_keys", "import_files", "sign_in_throttles", "invitations")
    for table in (*cleaned, "refresh_tokens"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 1, table
    assert await owner.fetchval("SELECT count(*) FROM sign_in_sessions") == sessions - 1
    assert await owner.fetchval("SELECT count(*) FROM imports") == 2


@pytest.mark.parametrize("persona", ["kemuning_asn", "kemuning_public", "kemuning_auditor"])
async def test_others_may_not_use_the_queue(owner: asyncpg.Connection, persona: str) -> None:
    async with owner.transaction():
        await owner.execute(f"SET LOCAL ROLE {persona}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch("SELECT id FROM pgqueuer")


async def test_officers_see_no_payload_in_the_queue(owner: asyncpg.Connection) -> None:
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_hr_admin")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch("SELECT payload FROM pgqueuer")
