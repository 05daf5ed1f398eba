"""The events of reads, durable before the answer, by group commit.

Auditing a read must not turn it into a write of its own. Every request that is waiting while
one commit is under way joins the next: one INSERT, one commit, no timer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.access.actors import RECORDER, Actor
from app.database import Database
from app.errors import DomainError, Unavailable, from_database

INSERT = """
INSERT INTO audit_events
    (kind, operation, actor_account_id, actor_role, purpose, request_id, entity, subject_ids)
SELECT 'read', e.operation, e.account, e.role, e.purpose, e.request_id, e.entity,
       string_to_array(e.subjects, ',')::uuid[]
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
     AS e(operation, account, role, purpose, request_id, entity, subjects)
"""
LARGEST_GROUP = 500
LONGEST_QUEUE = 20_000


@dataclass(slots=True)
class _Waiting:
    columns: tuple[object, ...]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.Future())


class Recorder:
    """Writes the events of many requests in one commit each, on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def record_read(self, actor: Actor, entity: str, subjects: Sequence[UUID]) -> None:
        """Returns when the event is on disk. Errors: Unavailable, and then no answer goes out."""
        if len(self._queue) >= LONGEST_QUEUE:
            raise Unavailable
        columns = (
            actor.operation,
            actor.account_id,
            actor.role.value,
            actor.purpose,
            actor.request_id,
            entity,
            ",".join(map(str, dict.fromkeys(subjects))),
        )
        waiting = _Waiting(columns)
        self._queue.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await waiting.done

    async def _write_all(self) -> None:
        while self._queue:
            group, self._queue = self._queue[:LARGEST_GROUP], self._queue[LARGEST_GROUP:]
            try:
                await self._write(group)
            except BaseException as error:
                _tell(group, _as_unavailable(error))
                if not isinstance(error, Exception):
                    raise
            else:
                _tell(group, None)

    async def _write(self, group: list[_Waiting]) -> None:
        columns = list(zip(*(w.columns for w in group), strict=True))
        async with self._database.driver(RECORDER) as connection:
            await connection.execute(INSERT, *columns)

    async def close(self) -> None:
        """Wait for what is queued, then close the connection."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._database.close()


def _tell(group: list[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        if waiting.done.done():
            continue  # its request was cancelled; the event is written all the same
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)


def _as_unavailable(error: BaseException) -> Exception:
    known = error if isinstance(error, DomainError) else from_database(error)
    return known if isinstance(known, Unavailable) else Unavailable()
