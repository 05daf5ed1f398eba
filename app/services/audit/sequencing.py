"""The sequencer: gives settled events a gap-free order, and chains them.

A chain made while events are written would let one writer wait for the other. So order is
given afterwards: an event is settled once its transaction lies below every one still running;
then no event can ever appear before it in (xid, id), and its place is final.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import Text, cast, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import SEQUENCER, Actor
from app.database import Database
from app.models.audit import AuditEvent, AuditLink
from app.schemas.audit import CheckpointDocument
from app.services.audit.checkpoints import sign_now, sign_when_due
from app.services.audit.events import (
    HASHED_COLUMNS,
    LOCK,
    XID,
    LogBroken,
    bound_place,
    event_place,
    hash_of,
)
from app.services.audit.evidence import LogInconsistent
from app.services.background import repeat
from app.settings import Settings
from app.transparency import CHAIN_START, chain_hash

BATCH = 500
"""Events a transaction: some 25 ms of work, in which the process does nothing else."""
FIRST_ID = UUID(int=0)
NOBODY = Actor()
"""The background task acts for no account."""
log = structlog.get_logger()

HEAD = (
    select(AuditLink.seq, AuditLink.chain_hash, AuditLink.event_id, XID)
    .outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id)
    .order_by(AuditLink.seq.desc())
    .limit(1)
)
_XMIN = func.pg_snapshot_xmin(func.pg_current_snapshot())
SETTLED = (
    select(*HASHED_COLUMNS)
    .where(event_place > bound_place("head"), AuditEvent.xid < _XMIN)
    .order_by(AuditEvent.xid, AuditEvent.id)
    .limit(BATCH)
)
NEXT_XID = select(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text))


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the chain ends."""

    seq: int = 0
    chain_hash: bytes = CHAIN_START
    event_id: UUID = FIRST_ID
    xid: str = "0"


async def sequence_batch(session: AsyncSession) -> int:
    """Chain the next settled events, at most BATCH; how many they were.

    One sequencer at a time, by a lock until the end of the transaction. Errors: LogBroken.
    """
    await session.execute(LOCK)
    head = await _head(session)
    place = {"head_xid": head.xid, "head_id": head.event_id}
    events = (await session.execute(SETTLED, place)).mappings().all()
    links, chain = [], head.chain_hash
    for seq, event in enumerate(events, head.seq + 1):
        leaf = hash_of(event)  # type: ignore[arg-type]
        chain = chain_hash(chain, leaf)
        links.append({"seq": seq, "event_id": event["id"], "event_hash": leaf, "chain_hash": chain})
    if links:
        await session.execute(insert(AuditLink), links)
    return len(links)


async def _head(session: AsyncSession) -> _Head:
    row = (await session.execute(HEAD)).mappings().first()
    if row is None:
        return _Head()
    head = _Head(**row)
    if head.xid is None:
        raise LogBroken(f"the event at {head.seq} is gone")
    if int(head.xid) >= int((await session.execute(NEXT_XID)).scalar_one()):
        # A dump loaded into another server: its transaction ids must go on above the old ones.
        raise LogBroken("transaction ids went back; raise them with pg_resetwal --epoch")
    return head


async def sequence_log(
    database: Database, actor: Actor = NOBODY, stop: asyncio.Event | None = None
) -> int:
    """Chain whatever is settled now, a transaction a batch; how many events they were.

    Ends after a batch where `stop` is set. Errors: LogBroken, and those of
    `Database.transaction`.
    """
    total = 0
    while stop is None or not stop.is_set():
        async with database.transaction(actor, persona=SEQUENCER) as session:
            count = await sequence_batch(session)
        total += count
        if count < BATCH:
            break
    return total


async def run_sequencer(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Sequence and sign until `stop` is set."""

    async def sequence() -> None:
        await sequence_log(database, stop=stop)
        await sign_when_due(database, settings)

    await repeat("audit_sequencer", sequence, stop)


async def sequence_and_sign(
    database: Database, settings: Settings, actor: Actor
) -> CheckpointDocument:
    """Chain and sign whatever is settled now. Errors: LogInconsistent."""
    try:
        await sequence_log(database, actor)
        signed = await sign_now(database, settings, actor)
    except LogBroken as error:
        log.error("audit_log_broken", reason=str(error))
        raise LogInconsistent from error
    return CheckpointDocument.model_validate_json(signed.to_json())
