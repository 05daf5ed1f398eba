"""Clients who write and read until they are told to stop, and keep a ledger of the answers."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.credentials import PASSWORD, make_account
from tests.people import person
from tests.process.programs import eventually

Answer = httpx.Response | httpx.TransportError
_numbers = count()


def nip() -> str:
    """Another valid NIP of the woman in `tests.people`."""
    number = next(_numbers)
    month, serial = divmod(number, 999)
    return f"19850115{2005 + month // 12}{month % 12 + 1:02d}2{serial + 1:03d}"


@dataclass(slots=True)
class Ledger:
    """What the service has acknowledged, and what it has not."""

    written: dict[str, str] = field(default_factory=dict)
    """Request id of an acknowledged write -> the employee's id."""
    read: dict[str, str] = field(default_factory=dict)
    in_doubt: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Idempotency key and body of each write whose answer never came."""
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Status and code of each problem."""
    slowest: float = 0


class Load:
    """Writers and readers on a service, each with one request under way."""

    def __init__(self, url: str, token: str, *, writers: int = 4, readers: int = 4) -> None:
        self.ledger = Ledger()
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/v1", timeout=30, headers={"Authorization": f"Bearer {token}"}
        )
        self._stop = asyncio.Event()
        self._roles = [self._write] * writers + [self._read] * readers
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Load":
        await self._write()
        self._tasks = [asyncio.create_task(self._repeat(role)) for role in self._roles]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()
        await self._client.aclose()

    async def acknowledged(self, more: int, seconds: float = 60) -> None:
        """Wait until so many more writes and reads are acknowledged."""
        writes, reads = len(self.ledger.written) + more, len(self.ledger.read) + more

        async def reached() -> bool:
            return len(self.ledger.written) >= writes and len(self.ledger.read) >= reads

        await eventually(reached, seconds)

    async def end(self) -> Ledger:
        """Let each request finish; the ledger."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
        return self.ledger

    async def _repeat(self, act: Any) -> None:
        while not self._stop.is_set():
            await act()

    async def _send(self, method: str, path: str, **values: Any) -> Answer:
        """The answer, or how the connection broke. A problem goes into the ledger."""
        began = time.monotonic()
        try:
            answer = await self._client.request(method, path, **values)
        except httpx.TransportError as error:
            await asyncio.sleep(0.2)
            return error
        finally:
            self.ledger.slowest = max(self.ledger.slowest, time.monotonic() - began)
        if answer.status_code >= 400:
            self.ledger.refused[answer.status_code, answer.json()["code"]] += 1
            await asyncio.sleep(0.2)
        return answer

    async def _write(self) -> None:
        await self.write(str(uuid4()), person(identifier=nip()))

    async def write(self, key: str, body: dict[str, Any]) -> None:
        """Enter an employee; the key makes it safe to send it twice."""
        request_id = str(uuid4())
        headers = {"Idempotency-Key": key, "X-Request-Id": request_id}
        answer = await self._send("POST", "/employees", json=body, headers=headers)
        if isinstance(answer, httpx.Response) and answer.status_code == 201:
            self.ledger.written[request_id] = answer.json()["id"]
        elif not isinstance(answer, httpx.ConnectError):  # then nothing was ever sent
            self.ledger.in_doubt.append((key, body))

    async def send_again(self) -> None:
        """Send every write in doubt once more, with its key."""
        doubtful, self.ledger.in_doubt = self.ledger.in_doubt, []
        for key, body in doubtful:
            await self.write(key, body)

    async def _read(self) -> None:
        employee = next(reversed(self.ledger.written.values()))
        request_id = str(uuid4())
        answer = await self._send(
            "GET", f"/employees/{employee}", headers={"X-Request-Id": request_id}
        )
        if isinstance(answer, httpx.Response) and answer.status_code == 200:
            self.ledger.read[request_id] = employee


async def sign_in(url: str, dsn: str, role: str = "hr_admin") -> str:
    """An access token of a new account, by its password."""
    owner = await asyncpg.connect(dsn)
    login = await make_account(owner, role)
    await owner.close()
    async with httpx.AsyncClient() as client:
        body = {"login": login, "password": PASSWORD}
        answer = await client.post(f"{url}/api/v1/sign-in", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
