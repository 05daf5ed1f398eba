"""An export going out: one snapshot, copied out as it is read, and on record before it is seen.

The rows come by COPY in one REPEATABLE READ transaction of the reader's persona, so row-level
security judges each, and nothing that is written meanwhile gets in. No more than some chunks of
them are ever in memory: PostgreSQL waits while the reader takes its time.

Whose data the file holds is written to the audit log by another connection. That takes as long
as copying some ten megabytes, so both go on at once; until it is on disk, what was copied is held.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from sqlalchemy import Integer, Select, SelectBase, Text, cast, func, insert, literal_column, select

from app.access.actors import RECORDER, SEQUENCER, Actor
from app.calendar import now
from app.database import Database, DriverReader
from app.errors import Bilingual, Overloaded
from app.models.exports import ExportDelivery
from app.schemas.exports import ExportRead
from app.services import audit_recorder
from app.services.audit.checkpoints import signing_key
from app.services.exports.catalogue import DATASETS
from app.services.exports.columns import Dataset
from app.services.exports.encoders import Encoder, encoder_of
from app.services.exports.manifests import signed_manifest
from app.services.exports.requests import dictionary, refuse_too_many
from app.services.exports.statements import Copy, copy_of, values_of

T = TypeVar("T")
Send = Callable[[bytes], Awaitable[None]]
AT_ONCE: Final = 2
"""Exports that a process sends at one time: each keeps a connection and half a core."""
RETRY_SECONDS: Final = 30
LONGEST_MS: Final = 30 * 60 * 1000
HELD_BYTES: Final = 8 << 20
SUBJECTS_AN_EVENT: Final = 1000
EVENTS_A_STATEMENT: Final = 20
UNHURRIED: Final = (
    f"SET LOCAL statement_timeout = {LONGEST_MS};"
    f" SET LOCAL idle_in_transaction_session_timeout = {LONGEST_MS};"
    " SET LOCAL work_mem = '64MB';"
    " SET LOCAL client_connection_check_interval = '1s'"
)
HASH_JOINS: Final = "SET LOCAL enable_nestloop = off"
INDEX_LATER: Final = "SET LOCAL gin_pending_list_limit = '32MB'"
"""Many subjects at once are put into their index in one go, by a later write or by a vacuum: that
takes a third of the time, and until then they are found all the same."""
FACTS = select(
    func.now().label("read_at"),
    cast(func.pg_current_snapshot(), Text).label("snapshot"),
    func.app.schema_revision().label("schema_revision"),
    func.pg_export_snapshot().label("shared"),
)
log = structlog.get_logger()


class ExportsBusy(Overloaded):
    """As many exports as the server sends at one time are under way."""

    def __init__(self) -> None:
        detail = Bilingual(
            f"Sudah {AT_ONCE} ekspor sedang dikirim; coba lagi sebentar lagi.",
            f"{AT_ONCE} exports are under way already; try again in a while.",
        )
        super().__init__(detail, RETRY_SECONDS)


class Slots:
    """How many exports a process may still begin."""

    def __init__(self, free: int = AT_ONCE) -> None:
        self.free = free

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of them, until the end of the block. Errors: ExportsBusy."""
        if not self.free:
            raise ExportsBusy
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What went out."""

    rows: int
    size: int
    sha256: bytes


async def deliver(
    database: Database, slots: Slots, actor: Actor, export: ExportRead, send: Send
) -> None:
    """Send the export's content, and keep the signed manifest of it.

    `send` is first called when the read is on record; what is raised before is a refusal, what
    is raised after must leave the reader with an answer that is visibly cut short.
    Errors: TooManyRows, ExportsBusy, and those of `Database.reading`.
    """
    actor = replace(actor, purpose=actor.purpose or export.purpose)
    dataset = DATASETS[export.dataset]
    with slots.taken(), closing(await _in_thread(encoder_of, export.format, dataset)) as encoder:
        outlet = _Outlet(send)
        async with database.reading(actor) as reader:
            facts, rows = await _read(database, reader, export, dataset, encoder, outlet)
        rest = encoder.finish()
        while piece := await _in_thread(next, rest, b""):
            await outlet.put(piece)
        sent = Sent(rows, outlet.size, outlet.digest.digest())
        await _keep(database, actor, export, dataset, facts, sent)
        log.info("export_delivered", export=str(export.id), rows=rows, bytes=sent.size)


async def _read(
    database: Database,
    reader: DriverReader,
    export: ExportRead,
    dataset: Dataset,
    encoder: Encoder,
    outlet: "_Outlet",
) -> tuple[dict[str, Any], int]:
    """Copy the rows out of one snapshot; what that snapshot was, and how many rows there were."""
    await reader.connection.execute(UNHURRIED)
    if dataset.hash_joins:
        await reader.connection.execute(HASH_JOINS)
    await refuse_too_many(reader, export)
    facts = dict(await reader.one(FACTS) or {})
    shared = facts.pop("shared")
    if dataset.subjects is not None:
        recording = _record(database, reader.actor, dataset, export.as_of, shared)
        outlet.recording = asyncio.create_task(recording)
    try:
        copy = copy_of(dataset, export.format, export.as_of)
        rows = await _copy(reader.connection, copy, encoder, outlet)
        await outlet.release()
    finally:
        await outlet.close()
    return facts, rows


async def _copy(
    connection: asyncpg.Connection, copy: Copy, encoder: Encoder, outlet: "_Outlet"
) -> int:
    """Run the COPY in batches of whole rows; how many rows it wrote."""
    gathered: list[bytes] = []
    size = 0

    async def flush() -> None:
        nonlocal size
        rows = b"".join(gathered)
        gathered.clear()
        size = 0
        if encoder.threaded:
            await outlet.put(await _in_thread(encoder.add, rows))
        else:
            await outlet.put(encoder.add(rows))

    async def take(data: bytes) -> None:
        """Messages of COPY, each a whole row."""
        nonlocal size
        gathered.append(data)
        size += len(data)
        if size >= encoder.batch:
            await flush()

    status = await connection.copy_from_query(copy.query, output=take, **copy.options)
    if gathered:
        await flush()
    return int(status.split()[-1])


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Who is cancelled meanwhile still waits for its end: nothing is closed under it."""
    working = asyncio.create_task(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


class _Outlet:
    """What goes out: counted, hashed, and held until the read is on record."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[bytes] = []
        self.recording: asyncio.Task[None] | None = None
        self.digest = hashlib.sha256()
        self.size = 0

    async def put(self, data: bytes) -> None:
        """The next bytes."""
        if not data:
            return
        self.digest.update(data)
        self.size += len(data)
        self._held.append(data)
        on_record = self.recording is None or self.recording.done()
        if on_record or self.size > HELD_BYTES:
            await self.release()

    async def close(self) -> None:
        """Nothing more is recorded."""
        if self.recording is not None:
            self.recording.cancel()
            await asyncio.wait([self.recording])

    async def release(self) -> None:
        """Wait for the record, then send what is held. Errors: those of the record."""
        if self.recording is not None:
            await self.recording
        held, self._held = self._held, []
        for data in held:
            await self._send(data)


# --- whose data it is ---------------------------------------------------------------------


async def _record(
    database: Database, actor: Actor, dataset: Dataset, as_of: datetime, snapshot: str
) -> None:
    """Events of the read, a thousand persons each: on disk when this returns.

    Not by the recorder of all other reads, which would have to wait for it.
    """
    async with database.reading(actor, snapshot=snapshot) as reader:
        statement = _in_thousands(dataset.subjects)
        rows = await reader.all(statement, **values_of(as_of))
    role, entity = actor.role.value, dataset.entity
    who = (actor.operation, actor.account_id, role, actor.purpose, actor.request_id, entity)
    async with database.driver(RECORDER) as connection:
        await connection.execute(INDEX_LATER)
        for start in range(0, len(rows), EVENTS_A_STATEMENT):
            subjects = [row["ids"] for row in rows[start : start + EVENTS_A_STATEMENT]]
            columns = ([value] * len(subjects) for value in who)
            await connection.execute(audit_recorder.INSERT, *columns, subjects)


@lru_cache(maxsize=32)
def _in_thousands(subjects: SelectBase) -> Select[Any]:
    """Ids joined by commas, a thousand a text."""
    people = subjects.subquery("people")
    (person,) = people.c
    place = func.row_number().over(order_by=person) - literal_column("1", type_=Integer)
    batch = place // literal_column(str(SUBJECTS_AN_EVENT), type_=Integer)
    numbered = select(person.label("id"), batch.label("batch")).subquery("numbered")
    ids = func.string_agg(cast(numbered.c.id, Text), literal_column("','"))
    return select(ids.label("ids")).group_by(numbered.c.batch).order_by(numbered.c.batch)


# --- what went out ------------------------------------------------------------------------


async def _keep(
    database: Database,
    actor: Actor,
    export: ExportRead,
    dataset: Dataset,
    facts: dict[str, Any],
    sent: Sent,
) -> None:
    """Sign and store the manifest. It went out, so also where the session has ended since."""
    told = {
        "origin": database.settings.issuer,
        "export_id": export.id,
        "dataset": dataset.name,
        "format": export.format,
        "columns": [column.model_dump(mode="json") for column in dictionary(dataset)],
        "as_of": export.as_of,
        **facts,
        "rows": sent.rows,
        "bytes": sent.size,
        "sha256": sent.sha256,
        "requested_by": export.account_id,
        "account_id": actor.account_id,
        "role": actor.role,
        "purpose": actor.purpose,
        "request_id": actor.request_id,
    }
    async with database.transaction(actor, persona=SEQUENCER, signed_in=False) as session:
        key = await signing_key(session, database.settings)
    values = {
        "export_id": export.id,
        "account_id": actor.account_id,
        "sha256": sent.sha256,
        "manifest": signed_manifest(told, key),
        "completed_at": now(),
    }
    async with database.transaction(actor, signed_in=False) as session:
        await session.execute(insert(ExportDelivery), values)
