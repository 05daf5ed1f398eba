"""People who call the API in tests: each is an HTTP client that is signed in as somebody.

`actors.hr_admin()`, `actors.asn(employee_id)`, `actors.public()`, `actors.anonymous()`. They
get their access token straight from the key ring, which saves a password hash a test; signing
in itself is tested through its own operations.
"""

import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI

from app.runtime import Runtime
from app.tokens import AccessClaims
from app.vocabulary import Role

API = "http://kemuning.test/api/v1"


class Client(httpx.AsyncClient):
    """An HTTP client of one person; paths are relative to /api/v1."""

    account_id: UUID | None = None
    employee_id: UUID | None = None


class Actors:
    """Makes accounts in the test's database, and clients for them."""

    def __init__(self, app: FastAPI, owner: asyncpg.Connection) -> None:
        self._app = app
        self._owner = owner
        self._clients: list[Client] = []

    def anonymous(self) -> Client:
        """Somebody who has not signed in."""
        client = Client(
            transport=httpx.ASGITransport(self._app, raise_app_exceptions=False), base_url=API
        )
        self._clients.append(client)
        return client

    async def public(self) -> Client:
        """A registered citizen."""
        return await self.sign_in(Role.PUBLIC)

    async def asn(self, employee_id: UUID) -> Client:
        """The account of that employee."""
        return await self.sign_in(Role.ASN, employee_id)

    async def hr_admin(self) -> Client:
        """An officer of the personnel agency."""
        return await self.sign_in(Role.HR_ADMIN)

    async def auditor(self) -> Client:
        """An auditor."""
        return await self.sign_in(Role.AUDITOR)

    async def service(self, *scopes: str) -> Client:
        """A script with these scopes."""
        return await self.sign_in(Role.SERVICE, scopes=scopes)

    async def sign_in(
        self, role: Role, employee_id: UUID | None = None, scopes: tuple[str, ...] = ()
    ) -> Client:
        """A new account of the role, or the one that an ASN has, and a client signed in to it."""
        account = await self._owner.fetchval(
            "INSERT INTO accounts (login, display_name, role, employee_id, scopes, password_hash)"
            " VALUES ($1, $2, $3, $4, $5, 'unusable')"
            " ON CONFLICT (employee_id) WHERE role = 'asn' DO UPDATE SET login = accounts.login"
            " RETURNING id",
            f"{role}-{uuid4().hex[:8]}",
            f"Test {role}",
            role.value,
            employee_id,
            list(scopes),
        )
        session = await self._owner.fetchval(
            "INSERT INTO sign_in_sessions (account_id, expires_at)"
            " VALUES ($1, now() + interval '1 day') RETURNING id",
            account,
        )
        claims = AccessClaims(
            account_id=account,
            role=role,
            token_version=1,
            session_id=session,
            employee_id=employee_id,
            scopes=frozenset(scopes),
            expires_at=int(time.time()) + 300,
        )
        client = self.anonymous()
        client.account_id, client.employee_id = account, employee_id
        client.headers["Authorization"] = f"Bearer {await self._runtime.keyring.issue(claims)}"
        return client

    @property
    def _runtime(self) -> Runtime:
        runtime: Runtime = self._app.state.runtime
        return runtime

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.aclose()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code, body
    assert body["request_id"] == response.headers["x-request-id"]
    return body
