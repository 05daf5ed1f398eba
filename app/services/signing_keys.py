"""The key set that access tokens are signed and verified with: made, rotated, found.

Keys live sealed in the database, so that every worker signs with the same one. A process
reads them by its first need, again when a token names a key it doesn't know, and every minute.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import SIGN_IN, Actor
from app.calendar import now
from app.database import Database
from app.errors import Unauthenticated
from app.models.accounts import SigningKey as StoredKey
from app.services import security_events
from app.settings import Settings
from app.tokens import (
    AccessClaims,
    InvalidToken,
    KeySet,
    PublicKey,
    SigningKey,
    TokenVerifier,
    issue_access_token,
)
from app.vocabulary import SecurityEvent

RELOAD_SECONDS = 60
RELOAD_AT_MOST_EVERY_SECONDS = 2
ROTATION_LOCK = 0x6B65_7973
"""Two workers that start together make one first key; two rotations leave one signing key."""
VERIFY_AFTER_RETIREMENT = timedelta(minutes=15)
"""Longer than any access token lives."""


class Keyring:
    """Issues and verifies access tokens with the keys of the database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._keys: KeySet | None = None
        self._verifier: TokenVerifier | None = None
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()

    async def actor(self, token: str, facts: dict[str, Any]) -> Actor:
        """The bearer of an access token. Errors: Unauthenticated."""
        claims = await self._verify(token)
        return Actor(
            role=claims.role,
            account_id=claims.account_id,
            employee_id=claims.employee_id,
            session_id=claims.session_id,
            token_version=claims.token_version,
            scopes=claims.scopes,
            next_step=claims.next_step,
            **facts,
        )

    async def _verify(self, token: str) -> AccessClaims:
        verifier = await self._current_verifier(RELOAD_SECONDS)
        try:
            return verifier.verify(token)
        except InvalidToken:
            pass
        # It may be signed with a key that another worker has just made.
        verifier = await self._current_verifier(RELOAD_AT_MOST_EVERY_SECONDS)
        try:
            return verifier.verify(token)
        except InvalidToken:
            raise Unauthenticated from None

    async def _current_verifier(self, oldest_seconds: float) -> TokenVerifier:
        if self._verifier is None or time.monotonic() - self._loaded_at > oldest_seconds:
            async with self._loading:
                if self._verifier is None or time.monotonic() - self._loaded_at > oldest_seconds:
                    await self._load()
        assert self._verifier is not None
        return self._verifier

    async def _load(self) -> None:
        async with self._database.transaction(Actor(), persona=SIGN_IN) as session:
            keys = await key_set(session, self._settings)
        if self._verifier is None:
            self._verifier = TokenVerifier(
                keys, issuer=self._settings.issuer, audience=self._settings.audience
            )
        elif keys != self._keys:
            self._verifier.replace_keys(keys)
        self._keys = keys
        self._loaded_at = time.monotonic()

    async def keys(self) -> KeySet:
        """The key set as it is now, at most a minute old."""
        await self._current_verifier(RELOAD_SECONDS)
        assert self._keys is not None
        return self._keys

    async def published(self) -> KeySet:
        """The key set to show to others: with a key that another worker has just made."""
        await self._current_verifier(RELOAD_AT_MOST_EVERY_SECONDS)
        assert self._keys is not None
        return self._keys

    async def issue(self, claims: AccessClaims) -> str:
        """A signed access token."""
        return issue_access_token(
            await self.keys(),
            claims,
            issuer=self._settings.issuer,
            audience=self._settings.audience,
            now=time.time(),
        )


async def key_set(session: AsyncSession, settings: Settings) -> KeySet:
    """The signing key and those that still verify; the first call ever makes the first key."""
    rows = await _stored(session)
    if not any(row.retired_at is None for row in rows):
        await session.execute(select(func.pg_advisory_xact_lock(ROTATION_LOCK)))
        rows = await _stored(session)
    if not any(row.retired_at is None for row in rows):
        await rotate(session, settings)
        rows = await _stored(session)
    current = next(row for row in rows if row.retired_at is None)
    pem = settings.sealer.open(
        "signing_key", current.private_sealed, context=current.kid.encode()
    ).decode()
    return KeySet(SigningKey.from_pem(pem), tuple(PublicKey.from_jwk(r.public_jwk) for r in rows))


async def _stored(session: AsyncSession) -> list[StoredKey]:
    still_verifying = (StoredKey.retired_at.is_(None)) | (
        StoredKey.retired_at > now() - VERIFY_AFTER_RETIREMENT
    )
    statement = select(StoredKey).where(still_verifying).order_by(StoredKey.created_at.desc())
    return list(await session.scalars(statement))


async def rotate_keys(database: Database) -> str:
    """Rotate now; the new key's id. Other workers follow within a minute."""
    actor = Actor(operation="rotate_keys")
    async with database.transaction(actor, persona=SIGN_IN) as session:
        key = await rotate(session, database.settings)
        await security_events.record(session, actor, SecurityEvent.SIGNING_KEY_ROTATED, None)
    return key.kid


async def rotate(session: AsyncSession, settings: Settings) -> SigningKey:
    """Sign with a new key from now on; the old one verifies until its last token has expired.

    Its private half is erased at once; workers that hold it sign with it for another minute.
    """
    await session.execute(select(func.pg_advisory_xact_lock(ROTATION_LOCK)))
    key = SigningKey.generate()
    await session.execute(
        update(StoredKey)
        .where(StoredKey.retired_at.is_(None))
        .values(retired_at=now(), private_sealed=b"")
    )
    session.add(
        StoredKey(
            kid=key.kid,
            private_sealed=settings.sealer.seal(
                "signing_key", key.private_pem.encode(), context=key.kid.encode()
            ),
            public_jwk=key.public_jwk(),
        )
    )
    await session.flush()
    return key
