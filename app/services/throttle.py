"""How often something may be tried: an atomic counter in PostgreSQL, exact across workers.

An attempt is counted and committed before it is judged, so that no refusal, crash or race
leaves it uncounted; a good one gives its count back. Counting begins anew when the window has
passed: nobody is locked out for good, and knocking on a closed door doesn't keep it closed.
"""

import ipaddress
import math
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import now
from app.errors import TooManyRequests
from app.models.accounts import SignInThrottle
from app.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` attempts in a window of `seconds`."""

    name: str
    quota: int
    seconds: int


LOGIN = Limit("login", 10, 300)
"""Wrong passwords of one login, from wherever they come."""
ADDRESS = Limit("address", 100, 300)
"""Wrong passwords from one address: an office may stand behind it."""
PROOF = Limit("proof", 10, 300)
"""Wrong passwords and codes of somebody who is signed in."""
REGISTRATION = Limit("registration", 60, 3600)
"""Registrations from one address: mobile carriers put many citizens behind one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One attempt that was counted."""

    limit: Limit
    key: bytes
    window_start: datetime
    attempts: int

    @property
    def reset_seconds(self) -> int:
        """Whole seconds until the window ends, at least one."""
        ends = self.window_start + timedelta(seconds=self.limit.seconds)
        return max(1, math.ceil((ends - now()).total_seconds()))


@dataclass(slots=True)
class Caller:
    """Who knocks: the actor so far, their network address and device.

    `headers` go out with the answer, whatever it will be.
    """

    actor: Actor
    address: str
    user_agent: str | None
    headers: MutableMapping[str, str]
    sealer: Sealer
    taken: list[Taken] = field(default_factory=list)

    @property
    def network(self) -> str:
        """The address; of IPv6 the /64, since one subscriber has all of it."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))

    def tell_limits(self, *, given_back: int = 0) -> None:
        """Set the headers of draft-ietf-httpapi-ratelimit-headers."""
        self.headers["RateLimit-Policy"] = ", ".join(
            f'"{t.limit.name}";q={t.limit.quota};w={t.limit.seconds}' for t in self.taken
        )
        self.headers["RateLimit"] = ", ".join(
            f'"{t.limit.name}";r={max(0, t.limit.quota - t.attempts + given_back)}'
            f";t={t.reset_seconds}"
            for t in self.taken
        )


TAKE = text("""
INSERT INTO sign_in_throttles AS t (key, window_start, attempts)
VALUES (:key, statement_timestamp(), 1)
ON CONFLICT (key) DO UPDATE SET
    attempts = CASE WHEN t.window_start <= statement_timestamp() - CAST(:window AS interval)
        THEN 1 ELSE t.attempts + 1 END,
    window_start = CASE WHEN t.window_start <= statement_timestamp() - CAST(:window AS interval)
        THEN statement_timestamp() ELSE t.window_start END
WHERE t.attempts < :quota OR t.window_start <= statement_timestamp() - CAST(:window AS interval)
RETURNING attempts, window_start
""")
GIVE_BACK = text("""
UPDATE sign_in_throttles SET attempts = attempts - 1
WHERE key = :key AND window_start = :window_start AND attempts > 0
""")


async def take(session: AsyncSession, caller: Caller, *limits: tuple[Limit, str]) -> None:
    """Count one attempt against each limit; of the value only a keyed digest is kept.

    Commit before judging the attempt. Name the limits in one order everywhere: each locks a
    row. Errors: TooManyRequests where one is used up; then nothing is counted.
    """
    for limit, value in limits:
        key = caller.sealer.blind_index(f"throttle:{limit.name}", value)
        values = {"key": key, "window": timedelta(seconds=limit.seconds), "quota": limit.quota}
        row = (await session.execute(TAKE, values)).one_or_none()
        if row is None:
            await _refuse(session, caller, limit, key)
        else:
            caller.taken.append(Taken(limit, key, row.window_start, row.attempts))
    caller.tell_limits()


async def _refuse(session: AsyncSession, caller: Caller, limit: Limit, key: bytes) -> None:
    stored = await session.get(SignInThrottle, key)
    full = Taken(limit, key, stored.window_start if stored else now(), limit.quota)
    caller.taken = [full]
    caller.tell_limits()
    raise TooManyRequests(full.reset_seconds)


async def give_back(session: AsyncSession, caller: Caller) -> None:
    """The attempt was good: it doesn't count. Part of the transaction that it makes true."""
    for taken in caller.taken:
        await session.execute(GIVE_BACK, {"key": taken.key, "window_start": taken.window_start})
    caller.tell_limits(given_back=1)
