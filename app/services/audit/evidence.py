"""What outsiders hold the log to: its checkpoints, its public keys, proofs of inclusion."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select
from sqlalchemy.types import Uuid

from app.access.audit import visible
from app.database import Reader
from app.errors import Bilingual, Conflict, NotFound
from app.models.audit import AuditCheckpoint, AuditEvent, AuditLink
from app.pagination import decode_cursor, encode_cursor
from app.schemas.audit import AuditKeySet, CheckpointDocument, CheckpointPage, InclusionProof
from app.schemas.base import PageQuery
from app.services.audit.checkpoints import (
    AFTER,
    AT_MOST,
    CHECKPOINT_COLUMNS,
    END,
    KEYS,
    LATEST,
    opened,
    public_keys,
)
from app.services.audit.events import HASHED_COLUMNS, canonical_event, hash_of
from app.transparency import CheckpointInvalid, Frontier, canonical_json, verify_inclusion
from app.vocabulary import Role

EVENT = (
    select(*HASHED_COLUMNS, AuditLink.seq)
    .outerjoin(AuditLink, AuditLink.event_id == AuditEvent.id)
    .where(visible(Role.AUDITOR), AuditEvent.id == bindparam("event_id", type_=Uuid))
)
PAGE = (
    select(AuditCheckpoint.tree_size, AuditCheckpoint.signed)
    .where(AuditCheckpoint.tree_size <= AT_MOST)
    .order_by(AuditCheckpoint.tree_size.desc())
    .limit(bindparam("limit", type_=Integer))
)
COUNT = select(func.count()).select_from(AuditCheckpoint)
CHECKPOINTS = "audit_checkpoints"
FIRST_OVER = (
    select(*CHECKPOINT_COLUMNS)
    .where(AuditCheckpoint.tree_size >= AFTER)
    .order_by(AuditCheckpoint.tree_size)
    .limit(1)
)
LEAVES = (
    select(AuditLink.event_hash)
    .where(AuditLink.seq > AFTER, AuditLink.seq <= AT_MOST)
    .order_by(AuditLink.seq)
)


class NotYetSigned(Conflict):
    """No checkpoint covers the event yet."""

    code = "not_yet_signed"
    title = Bilingual(
        "Catatan ini belum tercakup dalam checkpoint; buat checkpoint lebih dahulu",
        "No checkpoint covers this event yet; make one first",
    )


class LogInconsistent(Conflict):
    """The log contradicts its own checkpoint: run a verification."""

    code = "log_inconsistent"
    title = Bilingual(
        "Jejak audit bertentangan dengan checkpoint-nya; jalankan verifikasi",
        "The log contradicts its checkpoint; run a verification",
    )


async def list_checkpoints(reader: Reader, query: PageQuery) -> CheckpointPage:
    """Checkpoints, newest first. Errors: InvalidCursor."""
    at_most = END
    if query.cursor is not None:
        at_most = decode_cursor(query.cursor, CHECKPOINTS, (int,))[0] - 1
    rows = await reader.all(PAGE, at_most=at_most, limit=query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return CheckpointPage(
        items=[CheckpointDocument.model_validate(row["signed"]) for row in shown],
        next_cursor=encode_cursor(CHECKPOINTS, [shown[-1]["tree_size"]]) if more else None,
        total=await reader.value(COUNT) if query.include_total else None,
    )


async def get_checkpoint(reader: Reader, tree_size: int) -> CheckpointDocument:
    """The checkpoint over the first `tree_size` events. Errors: NotFound."""
    row = await reader.one(LATEST, at_most=tree_size)
    if row is None or row["tree_size"] != tree_size:
        raise NotFound
    return CheckpointDocument.model_validate(row["signed"])


async def key_set(reader: Reader) -> AuditKeySet:
    """The public half of every key that ever signed a checkpoint."""
    return AuditKeySet(keys=[row["public_jwk"] for row in await reader.all(KEYS)])


async def prove_inclusion(reader: Reader, event_id: UUID) -> InclusionProof:
    """That the event is among those that the first checkpoint after it signed.

    Reads only what lies between that checkpoint and the one before. Errors: NotFound,
    NotYetSigned, LogInconsistent.
    """
    event = await reader.one(EVENT, event_id=event_id)
    if event is None:
        raise NotFound
    over = await reader.one(FIRST_OVER, after=event["seq"]) if event["seq"] else None
    if over is None:
        raise NotYetSigned
    index, size = event["seq"] - 1, over["tree_size"]
    try:
        before = await _tree_before(reader, index)
    except CheckpointInvalid:
        raise LogInconsistent from None
    leaves = [
        row["event_hash"] for row in await reader.all(LEAVES, after=before.size, at_most=size)
    ]
    proof = path(before, leaves, index)
    signed = CheckpointDocument.model_validate(over["signed"])
    root = bytes.fromhex(signed.root_hash)
    if not verify_inclusion(hash_of(event), index, size, proof, root):
        raise LogInconsistent
    return InclusionProof(
        event_id=event_id,
        seq=event["seq"],
        index=index,
        canonical_event=canonical_json(canonical_event(event)).decode(),
        event_hash=hash_of(event).hex(),
        proof=[node.hex() for node in proof],
        checkpoint=signed,
    )


async def _tree_before(reader: Reader, index: int) -> Frontier:
    row = await reader.one(LATEST, at_most=index)
    if row is None:
        return Frontier()
    return opened(row, await public_keys(reader))[1]


def path(before: Frontier, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of a leaf, from the tree before some leaves and those leaves to the end.

    Going up from the leaf, what stands to its left are the roots of the tree before it; what
    stands to its right holds leaves that come after it. So nothing before `before` is read.
    """
    size, passed = before.size + len(leaves), index - before.size
    left = Frontier(before.size, before.roots)
    for leaf in leaves[:passed]:
        left.append(leaf)
    lefts, rights = list(left.roots), leaves[passed:]
    proof: list[bytes] = []
    level = 0
    while (last := (size - 1) >> level) > 0:
        node = index >> level
        if node & 1:
            proof.append(lefts.pop())
        elif node < last:
            start, end = (node + 1) << level, min((node + 2) << level, size)
            proof.append(_root(rights[start - index : end - index]))
        level += 1
    return proof


def _root(leaves: Sequence[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()
