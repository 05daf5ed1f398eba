"""Signed checkpoints: what the log was at a moment, in a form that leaves the host.

Whoever rules the database could rewrite what no checkpoint covers yet; whoever saved a
checkpoint elsewhere can show any rewriting of what it covers. So they come often: within ten
minutes, and no more than 10,000 events apart, which also bounds what an inclusion proof reads.
At 1 KB each that is 50 MB a year. Each one also goes to the process's log, which most
installations ship to another host anyway.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from app.access.actors import SEQUENCER, Actor
from app.calendar import now
from app.database import Database, Reader, SessionReader
from app.models.audit import AuditCheckpoint, AuditKey, AuditLink
from app.sealing import SealBroken
from app.services.audit.events import LAST_SEQ, LOCK, LogBroken
from app.settings import Settings
from app.tokens import SigningKey
from app.transparency import (
    CHAIN_START,
    Checkpoint,
    CheckpointInvalid,
    Frontier,
    SignedCheckpoint,
)

EVERY_EVENTS = 10_000
EVERY = timedelta(minutes=10)
SEALED_FOR = "audit_key"
PublicKeys = Mapping[str, ec.EllipticCurvePublicKey]
log = structlog.get_logger()

AT_MOST = bindparam("at_most", type_=BigInteger)
AFTER = bindparam("after", type_=BigInteger)
CHECKPOINT_COLUMNS = (AuditCheckpoint.tree_size, AuditCheckpoint.signed, AuditCheckpoint.frontier)
LATEST = (
    select(*CHECKPOINT_COLUMNS, AuditCheckpoint.created_at)
    .where(AuditCheckpoint.tree_size <= AT_MOST)
    .order_by(AuditCheckpoint.tree_size.desc())
    .limit(1)
)
LEAVES = (
    select(AuditLink.seq, AuditLink.event_hash, AuditLink.chain_hash)
    .where(AuditLink.seq > AFTER)
    .order_by(AuditLink.seq)
    .limit(EVERY_EVENTS)
)
KEYS = select(AuditKey.kid, AuditKey.public_jwk).order_by(AuditKey.created_at)
NEWEST_KEY = (
    select(AuditKey.kid, AuditKey.private_sealed).order_by(AuditKey.created_at.desc()).limit(1)
)
END = 2**63 - 1
"""Beyond any log: PostgreSQL's largest bigint."""


async def sign_when_due(database: Database, settings: Settings) -> None:
    """Sign what has been sequenced, where it is time. Errors: LogBroken."""
    while True:
        async with database.transaction(Actor(), persona=SEQUENCER) as session:
            if not await _due(SessionReader(session)):
                return
            await make_checkpoint(session, settings)


async def sign_now(database: Database, settings: Settings, actor: Actor) -> SignedCheckpoint:
    """Sign all that has been sequenced; the latest again where nothing is new.

    Errors: LogBroken.
    """
    while True:
        async with database.transaction(actor, persona=SEQUENCER) as session:
            signed = await make_checkpoint(session, settings)
            if signed.checkpoint.tree_size >= (await SessionReader(session).value(LAST_SEQ) or 0):
                return signed


async def _due(reader: Reader) -> bool:
    latest = await reader.one(LATEST, at_most=END)
    unsigned = (await reader.value(LAST_SEQ) or 0) - (latest["tree_size"] if latest else 0)
    if latest is None or unsigned <= 0:
        return unsigned > 0
    return unsigned >= EVERY_EVENTS or bool(now() - latest["created_at"] >= EVERY)


async def make_checkpoint(session: AsyncSession, settings: Settings) -> SignedCheckpoint:
    """Sign the log up to at most EVERY_EVENTS past the latest checkpoint, as the sequencer.

    Where nothing is new, that is the latest again. Errors: LogBroken.
    """
    await session.execute(LOCK)
    reader = SessionReader(session)
    latest, frontier = await _resume(reader)
    chain = latest.checkpoint.chain_hash if latest else CHAIN_START
    leaves = await reader.all(LEAVES, after=frontier.size)
    if latest and not leaves:
        return latest
    for leaf in leaves:
        if leaf["seq"] != frontier.size + 1:
            raise LogBroken(f"the link at {frontier.size + 1} is gone")
        frontier.append(leaf["event_hash"])
        chain = leaf["chain_hash"]
    return await _store(session, settings, frontier, chain)


async def _resume(reader: Reader) -> tuple[SignedCheckpoint | None, Frontier]:
    row = await reader.one(LATEST, at_most=END)
    if row is None:
        return None, Frontier()
    try:
        return opened(row, await public_keys(reader))
    except CheckpointInvalid as error:
        raise LogBroken(f"the checkpoint at {row['tree_size']} was changed") from error


async def _store(
    session: AsyncSession, settings: Settings, frontier: Frontier, chain: bytes
) -> SignedCheckpoint:
    key = await signing_key(session, settings)
    checkpoint = Checkpoint(settings.issuer, frontier.size, frontier.root(), chain, now(), key.kid)
    signed = checkpoint.sign(key.private_pem.encode())
    document = json.loads(signed.to_json())
    values = {
        "tree_size": frontier.size,
        "signed": document,
        "frontier": [root.hex() for root in frontier.roots],
    }
    await session.execute(insert(AuditCheckpoint), values)
    log.info("audit_checkpoint", checkpoint=document)
    return signed


async def signing_key(session: AsyncSession, settings: Settings) -> SigningKey:
    """The newest key; a new one where there is none, or where the secret has changed since."""
    stored = (await session.execute(NEWEST_KEY)).first()
    if stored is not None:
        try:
            pem = settings.sealer.open(
                SEALED_FOR, stored.private_sealed, context=stored.kid.encode()
            )
            return SigningKey.from_pem(pem.decode())
        except SealBroken:
            log.warning("audit_key_not_opened", kid=stored.kid)
    return await add_key(session, settings)


async def add_key(session: AsyncSession, settings: Settings) -> SigningKey:
    """A new key that signs from now on; all before it go on verifying."""
    key = SigningKey.generate()
    sealed = settings.sealer.seal(SEALED_FOR, key.private_pem.encode(), context=key.kid.encode())
    values = {"kid": key.kid, "private_sealed": sealed, "public_jwk": key.public_jwk()}
    await session.execute(insert(AuditKey), values)
    return key


def opened(row: Mapping[str, Any], keys: PublicKeys) -> tuple[SignedCheckpoint, Frontier]:
    """A stored checkpoint and its tree, held to its signature. Errors: CheckpointInvalid."""
    signed = authentic(row["signed"], keys)
    try:
        frontier = Frontier(row["tree_size"], map(bytes.fromhex, row["frontier"]))
    except (ValueError, TypeError):
        raise CheckpointInvalid("frontier") from None
    root, size = signed.checkpoint.root_hash, signed.checkpoint.tree_size
    if (frontier.size, frontier.root()) != (size, root):
        raise CheckpointInvalid("frontier")
    return signed, frontier


def authentic(document: Mapping[str, Any], keys: PublicKeys) -> SignedCheckpoint:
    """A checkpoint that one of these keys signed. Errors: CheckpointInvalid."""
    signed = SignedCheckpoint.from_json(json.dumps(document))
    key = keys.get(signed.checkpoint.kid)
    if key is None:
        raise CheckpointInvalid("kid")
    signed.verify(key)
    return signed


async def public_keys(reader: Reader) -> PublicKeys:
    """Every key that ever signed a checkpoint, by its kid."""
    return {row["kid"]: public_key_of(row["public_jwk"]) for row in await reader.all(KEYS)}


def public_key_of(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """The key that a JWK of the published set means."""
    x, y = (int.from_bytes(urlsafe_b64decode(jwk[name] + "==")) for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
