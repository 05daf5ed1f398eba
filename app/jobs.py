"""The worker: takes jobs from the queue and does them.

A worker that is killed stops beating, and another takes its job: every job here can be begun
again from the start.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from pgqueuer import AsyncpgDriver, PgQueuer
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job, Schedule
from pgqueuer.domain.types import QueueExecutionMode

from app.access.actors import JOBS
from app.database import Database, driver_dsn
from app.runtime import Runtime
from app.services.imports.running import IMPORT, run_import
from app.settings import Settings

log = structlog.get_logger()

HEARTBEAT = timedelta(seconds=12)
"""A job whose worker has not beaten for so long is taken by another."""
POLL = timedelta(seconds=5)
LONGEST_PAUSE_SECONDS = 30.0
ATTEMPTS = 5

Handler = Callable[[Database, Settings, Mapping[str, Any], bool], Awaitable[None]]
"""Beside database and settings the job's payload, and whether this is the last attempt."""
HANDLERS: Mapping[str, Handler] = {IMPORT: run_import}

CLEANING = (
    "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'",
    "DELETE FROM import_files f USING imports i"
    " WHERE i.id = f.import_id AND i.created_at < now() - interval '30 days'",
    "DELETE FROM import_progress p USING imports i"
    " WHERE i.id = p.import_id AND i.state <> 'queued'",
    "DELETE FROM sign_in_throttles WHERE window_start < now() - interval '24 hours'",
    "DELETE FROM sign_in_sessions WHERE expires_at < now() - interval '90 days'",
    "DELETE FROM invitations WHERE expires_at < now() - interval '90 days'",
    "DELETE FROM pgqueuer_log WHERE created < now() - interval '30 days'",
)


async def run_worker(runtime: Runtime, stop: asyncio.Event) -> None:
    """Work off jobs until `stop` is set. No fault ends it: it backs off and connects again."""
    pause = 1.0
    while not stop.is_set():
        try:
            async with _queue(runtime, stop) as queue:
                pause = 1.0
                await queue.run(
                    dequeue_timeout=POLL,
                    batch_size=2,
                    heartbeat_timeout=HEARTBEAT,
                    shutdown_on_listener_failure=True,
                )
        except Exception as error:
            log.warning("worker_interrupted", fault=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def run_pending_jobs(runtime: Runtime) -> None:
    """Work off what is in the queue now, and return."""
    async with _queue(runtime, asyncio.Event()) as queue:
        await queue.qm.run(
            mode=QueueExecutionMode.drain,
            dequeue_timeout=timedelta(seconds=0.1),
            batch_size=2,
            heartbeat_timeout=HEARTBEAT,
        )


@asynccontextmanager
async def _queue(runtime: Runtime, stop: asyncio.Event) -> AsyncIterator[PgQueuer]:
    """The queue on a connection of its own, which listens for new jobs."""
    connection = await asyncpg.connect(
        driver_dsn(runtime.settings),
        timeout=runtime.settings.pool_timeout_seconds,
        server_settings={"application_name": "kemuning worker", "timezone": "UTC"},
    )
    ending = asyncio.create_task(stop.wait())
    try:
        await connection.execute(f"SET SESSION ROLE {JOBS}")
        queue = PgQueuer(AsyncpgDriver(connection))
        ending.add_done_callback(lambda _: queue.shutdown.set())
        connection.add_termination_listener(lambda _: queue.shutdown.set())
        _register(queue, connection, runtime, stop)
        yield queue
    finally:
        ending.cancel()
        await connection.close(timeout=2)


def _register(
    queue: PgQueuer, connection: asyncpg.Connection, runtime: Runtime, stop: asyncio.Event
) -> None:
    for name, handler in HANDLERS.items():

        async def work(job: Job, handler: Handler = handler) -> None:
            await _work(runtime, handler, job, stop)

        queue.entrypoint(name, concurrency_limit=1)(work)

    @queue.schedule("clean", "23 18 * * *")  # in UTC: after midnight in Jakarta
    async def clean(_: Schedule) -> None:
        await clean_up(connection)


async def clean_up(connection: asyncpg.Connection) -> None:
    """Remove what has served its time; as the persona of the worker."""
    for statement in CLEANING:
        await connection.execute(statement)


async def _work(runtime: Runtime, handler: Handler, job: Job, stop: asyncio.Event) -> None:
    """One attempt. It is given up where the process is to stop, and begun again elsewhere."""
    payload = json.loads(job.payload or b"{}")
    last = job.attempts + 1 >= ATTEMPTS
    work = asyncio.ensure_future(handler(runtime.database, runtime.settings, payload, last))
    ending = asyncio.create_task(stop.wait())
    await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
        if work.cancelled():
            raise RetryRequested(delay=timedelta(0), reason="stopping")
    error = work.exception()
    if error is not None:
        log.warning("job_failed", job=job.entrypoint, attempt=job.attempts, exc_info=error)
        if not last:
            raise RetryRequested(delay=timedelta(seconds=2**job.attempts)) from error
        raise error
