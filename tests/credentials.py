"""Accounts with real passwords, and signing in as people do: by their operations."""

import time
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pyotp

from app.one_time_codes import STEP_SECONDS
from app.passwords import _hasher
from tests.actors import Client

PASSWORD = "kopi-tubruk-di-beranda"
WRONG = "teh-manis-di-beranda"


@cache
def hash_of(password: str) -> str:
    """Hashed once a run: it costs 30 ms."""
    return _hasher.hash(password)


async def make_account(owner: asyncpg.Connection, role: str, **columns: Any) -> str:
    """An account with the password above; its login."""
    values = {
        "login": f"{role}-{uuid4().hex[:8]}",
        "display_name": "Rina",
        "role": role,
        "password_hash": hash_of(PASSWORD),
        **columns,
    }
    names, places = ", ".join(values), ", ".join(f"${i + 1}" for i in range(len(values)))
    statement = f"INSERT INTO accounts ({names}) VALUES ({places}) RETURNING login"
    return str(await owner.fetchval(statement, *values.values()))


async def make_employee(owner: asyncpg.Connection) -> UUID:
    """Somebody for an ASN account to belong to."""
    employee: UUID = await owner.fetchval(
        "INSERT INTO employees (birth_date, sex) VALUES ('1980-03-15', 'male') RETURNING id"
    )
    return employee


async def knock(
    client: Client, login: str, password: str = PASSWORD, **codes: str
) -> httpx.Response:
    """Try to sign in."""
    given = {"login": login, "password": password, **codes}
    return await client.post("/sign-in", json=given)


async def sign_in(
    client: Client, login: str, password: str = PASSWORD, **codes: str
) -> dict[str, Any]:
    """Sign the client in; the answer."""
    return carry(client, await knock(client, login, password, **codes))


async def refresh(client: Client, token: str) -> httpx.Response:
    """Ask for the next pair."""
    return await client.post("/sign-in/refresh", json={"refresh_token": token})


def carry(client: Client, response: httpx.Response) -> dict[str, Any]:
    """Send the answer's access token from now on; the answer."""
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    client.account_id = UUID(tokens["account"]["id"])
    return tokens


class Authenticator:
    """An authenticator app: never shows one code twice, by going ahead of the clock."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self._step = int(time.time()) // STEP_SECONDS - 2

    def code(self) -> str:
        """The next code; at most three are good within one step of the clock."""
        self._step = max(self._step + 1, int(time.time()) // STEP_SECONDS - 1)
        return self._totp.generate_otp(self._step)


async def enrol_totp(client: Client, password: str = PASSWORD) -> tuple[Authenticator, list[str]]:
    """Enrol TOTP for the signed-in client: the app and the recovery codes."""
    started = await client.post("/me/totp", json={"password": password})
    assert started.status_code == 200, started.text
    app = Authenticator(started.json()["secret"])
    confirmed = await client.post("/me/totp/confirm", json={"totp_code": app.code()})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"]


async def age_throttles(owner: asyncpg.Connection, seconds: int) -> None:
    """Let that much time pass for every counter."""
    await owner.execute(
        "UPDATE sign_in_throttles SET window_start = window_start - make_interval(secs => $1)",
        seconds,
    )


async def security_events(owner: asyncpg.Connection) -> list[str]:
    """What the audit log tells, in its order."""
    rows = await owner.fetch("SELECT purpose FROM audit_events WHERE kind = 'security' ORDER BY id")
    return [row["purpose"] for row in rows]
