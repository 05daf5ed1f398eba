"""How far a client has come: places in the audit log, sealed into tokens and cursors.

A place is a transaction id below which every transaction had ended when it was taken. What
another transaction writes, however late it commits, is found from there on.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.access.actors import Actor
from app.calendar import JAKARTA
from app.errors import BadRequest, Bilingual, Gone, InvalidCursor
from app.sealing import SealBroken, Sealer

LONGEST = timedelta(days=30)
"""How long a token is good for: what was gone before that is no longer told of."""
BEFORE_EVERYTHING = UUID(int=0)


class InvalidSyncToken(BadRequest):
    """No token that this account was given for this data set."""

    code = "invalid_sync_token"
    title = Bilingual("Token sinkronisasi tidak dikenal", "Unknown sync token")


class SyncTokenExpired(Gone):
    """Too old, or the caller now sees others than then: forget what is stored, and start anew."""

    code = "sync_token_expired"
    title = Bilingual(
        "Token sinkronisasi tidak berlaku lagi; mulai sinkronisasi dari awal",
        "The sync token no longer holds; start a new synchronisation",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the log, and when it was taken."""

    xid: int
    at: datetime

    @property
    def day(self) -> date:
        """The day in Jakarta: what holds then was shown."""
        return self.at.astimezone(JAKARTA).date()


@dataclass(frozen=True, slots=True)
class Round:
    """One synchronisation, which may take many pages; the next one goes on where it began."""

    since: Place | None
    """None in a first synchronisation."""
    begun: Place
    after: UUID = BEFORE_EVERYTHING
    """The last item of the page before."""


@dataclass(frozen=True, slots=True)
class Seals:
    """Writes and reads the tokens of one account in one data set.

    `scope` says what the caller may see, and in which history of the database: where it differs
    from the token's, no delta can tell what was gained or lost.
    """

    sealer: Sealer
    actor: Actor
    data_set: str
    scope: str
    here: Place

    def token(self, place: Place) -> str:
        """A token to go on from that place."""
        return self._sealed("sync_token", _written(place))

    def cursor(self, turn: Round) -> str:
        """A cursor to go on in that round."""
        since = _written(turn.since) if turn.since else None
        return self._sealed("sync_cursor", [since, _written(turn.begun), str(turn.after)])

    def place_of(self, token: str) -> Place:
        """Errors: InvalidSyncToken, SyncTokenExpired."""
        try:
            return self._checked(_read(self._opened("sync_token", token)))
        except SealBroken:
            raise InvalidSyncToken from None

    def round_of(self, cursor: str) -> Round:
        """Errors: InvalidCursor, SyncTokenExpired."""
        try:
            since, begun, after = self._opened("sync_cursor", cursor)
        except SealBroken:
            raise InvalidCursor from None
        begun = self._checked(_read(begun))
        return Round(_read(since) if since else None, begun, UUID(after))

    def _checked(self, place: Place) -> Place:
        if place.xid > self.here.xid or self.here.at - place.at > LONGEST:
            raise SyncTokenExpired
        return place

    def _sealed(self, purpose: str, value: object) -> str:
        content = json.dumps([self._scope, value], separators=(",", ":")).encode()
        sealed = self.sealer.seal(purpose, content, context=self._context)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _opened(self, purpose: str, text: str) -> Any:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise SealBroken from None
        scope, value = json.loads(self.sealer.open(purpose, sealed, context=self._context))
        if scope != self._scope:
            raise SyncTokenExpired
        return value

    @property
    def _context(self) -> bytes:
        return f"{self.data_set} {self.actor.account_id}".encode()

    @property
    def _scope(self) -> str:
        return hashlib.sha256(self.scope.encode()).hexdigest()[:32]


def _written(place: Place) -> list[int]:
    return [place.xid, int(place.at.timestamp())]


def _read(written: list[int]) -> Place:
    xid, seconds = written
    return Place(xid, datetime.fromtimestamp(seconds, UTC))
