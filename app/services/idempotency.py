"""Idempotency-Key: the answer of a POST, stored in the transaction that made it true.

The same key and body get the stored answer again; another body is refused; a request that
comes while the first is under way is told so. Kept 24 hours, per principal and operation.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import now
from app.errors import Bilingual, Conflict, FieldError, Invalid
from app.models.idempotency import IdempotencyKey
from app.sealing import Sealer

KEPT = timedelta(hours=24)


class InFlight(Conflict):
    """The first request with this key has not finished."""

    code = "idempotency_in_flight"
    title = Bilingual(
        "Permintaan dengan kunci ini sedang diproses", "A request with this key is under way"
    )


class OtherBody(Invalid):
    """The key was used for a different request."""

    code = "idempotency_key_reused"
    title = Bilingual(
        "Kunci ini sudah dipakai untuk permintaan lain", "The key was used for another request"
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as the client sent it, the fingerprint of what came with it, and the sealer.

    Answers may hold personal data or secrets that are shown once, so they are stored sealed.
    """

    key: str
    fingerprint: bytes
    sealer: Sealer


class Replay(Exception):
    """The stored answer, to be sent again."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self.status, self.headers, self.body = status, headers, body


def checked_key(key: str) -> str:
    """Errors: Invalid where the key is not 1 to 200 printable ASCII characters."""
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        detail = Bilingual(
            "1 sampai 200 karakter ASCII yang tercetak.", "1 to 200 printable ASCII characters."
        )
        raise Invalid(errors=[FieldError("/header/Idempotency-Key", "invalid_key", detail)])
    return key


def fingerprint(*parts: bytes) -> bytes:
    """SHA-256 over the parts and their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _principal(actor: Actor) -> str:
    return str(actor.account_id or "anonymous")


def _identity(actor: Actor, claim: Claim) -> bytes:
    return fingerprint(_principal(actor).encode(), actor.operation.encode(), claim.key.encode())


async def begin(session: AsyncSession, actor: Actor, claim: Claim | None) -> None:
    """Take the key for this transaction. Errors: InFlight, OtherBody; raises Replay."""
    if claim is None:
        return
    lock = _identity(actor, claim)
    number = int.from_bytes(lock[:8], "big", signed=True)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise InFlight
    stored = await session.get(IdempotencyKey, (_principal(actor), actor.operation, claim.key))
    if stored is None or stored.created_at < now() - KEPT:
        return
    if stored.fingerprint != claim.fingerprint:
        raise OtherBody
    body = claim.sealer.open("idempotency", stored.body_sealed, context=lock)
    raise Replay(stored.status, {**stored.headers, "Idempotency-Replayed": "true"}, body)


async def finish(
    session: AsyncSession,
    actor: Actor,
    claim: Claim,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Store the answer beside what it tells of."""
    facts = {
        "fingerprint": claim.fingerprint,
        "status": status,
        "headers": headers,
        "body_sealed": claim.sealer.seal("idempotency", body, context=_identity(actor, claim)),
        "created_at": now(),
    }
    key = {"principal": _principal(actor), "operation": actor.operation, "key": claim.key}
    statement = insert(IdempotencyKey).values(**key, **facts)
    await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=facts))
