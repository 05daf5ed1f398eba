"""The key set: one first key, rotation, and what others see of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from app.embedded import EmbeddedServer
from app.errors import Unauthenticated
from app.main import create_app
from app.services.signing_keys import Keyring, rotate_keys
from app.tokens import AccessClaims
from app.vocabulary import Role
from tests.actors import Actors, problem
from tests.conftest import settings_for

JWKS = "http://kemuning.test/.well-known/jwks.json"
FACTS = {"operation": "test", "purpose": "", "request_id": "test"}


@pytest.fixture
async def workers(server: EmbeddedServer, database: str) -> AsyncIterator[list[FastAPI]]:
    """Several processes of one installation, as far as the database can tell."""
    apps = [create_app(settings_for(server, database)) for _ in range(6)]
    yield apps
    for app in apps:
        await app.state.runtime.close()


def keyring(app: FastAPI) -> Keyring:
    ring: Keyring = app.state.runtime.keyring
    return ring


def claims() -> AccessClaims:
    return AccessClaims(
        account_id=uuid4(),
        role=Role.PUBLIC,
        token_version=1,
        session_id=uuid4(),
        employee_id=None,
        scopes=frozenset(),
        expires_at=int(time.time()) + 300,
    )


async def test_workers_that_start_together_make_one_first_key(
    workers: list[FastAPI], owner: asyncpg.Connection
) -> None:
    sets = await asyncio.gather(*(keyring(app).keys() for app in workers))
    assert len({s.current.kid for s in sets}) == 1
    assert await owner.fetchval("SELECT count(*) FROM signing_keys") == 1
    token = await keyring(workers[0]).issue(claims())
    for app in workers[1:]:
        assert (await keyring(app).actor(token, FACTS)).role is Role.PUBLIC


async def test_rotation_reaches_every_worker_and_breaks_no_token(
    workers: list[FastAPI], owner: asyncpg.Connection
) -> None:
    here, there = keyring(workers[0]), keyring(workers[1])
    old_token = await here.issue(claims())
    await there.actor(old_token, FACTS)
    kid = await rotate_keys(workers[0].state.runtime.database)
    rotated = keyring(workers[2])
    new_token = await rotated.issue(claims())
    assert (await rotated.keys()).current.kid == kid
    await asyncio.sleep(2.1)  # a worker looks for an unknown key every two seconds
    for token in (old_token, new_token):
        await there.actor(token, FACTS)
    event = "SELECT count(*) FROM audit_events WHERE purpose = 'signing_key_rotated'"
    assert await owner.fetchval(event) == 1


async def test_a_retired_key_ends_after_its_last_token(
    workers: list[FastAPI], owner: asyncpg.Connection
) -> None:
    token = await keyring(workers[0]).issue(claims())
    await rotate_keys(workers[0].state.runtime.database)
    await owner.execute("UPDATE signing_keys SET retired_at = retired_at - interval '14 minutes'")
    await keyring(workers[1]).actor(token, FACTS)
    await owner.execute("UPDATE signing_keys SET retired_at = retired_at - interval '2 minutes'")
    with pytest.raises(Unauthenticated):
        await keyring(workers[2]).actor(token, FACTS)


async def test_rotations_at_once_leave_one_signing_key(
    workers: list[FastAPI], owner: asyncpg.Connection
) -> None:
    await keyring(workers[0]).keys()
    kids = await asyncio.gather(*(rotate_keys(app.state.runtime.database) for app in workers))
    assert len(set(kids)) == len(workers)
    rows = await owner.fetch("SELECT retired_at, private_sealed FROM signing_keys")
    assert len(rows) == len(workers) + 1
    assert sum(row["retired_at"] is None for row in rows) == 1
    for row in rows:  # a key that has retired can't sign any more, whoever reads the table
        assert (row["private_sealed"] == b"") == (row["retired_at"] is not None)
        assert b"PRIVATE KEY" not in row["private_sealed"]


async def test_the_published_set(actors: Actors, app: FastAPI) -> None:
    answer = await actors.anonymous().get(JWKS)
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    kid = await rotate_keys(app.state.runtime.database)
    await asyncio.sleep(2.1)
    kids = [k["kid"] for k in (await actors.anonymous().get(JWKS)).json()["keys"]]
    assert kids == [kid, key["kid"]]


async def test_no_persona_of_a_request_reads_the_keys(actors: Actors, app: FastAPI) -> None:
    hr = await actors.hr_admin()
    database = app.state.runtime.database
    actor = await keyring(app).actor(hr.headers["Authorization"].split()[1], FACTS)
    for statement in (
        "SELECT * FROM signing_keys",
        "SELECT * FROM refresh_tokens",
        "SELECT digest FROM recovery_codes",
        "SELECT password_hash FROM accounts",
        "SELECT totp_secret_sealed FROM accounts",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.reading(actor) as reader:
                await reader.connection.fetch(statement)
    problem(await actors.anonymous().get("/me"), 401, "unauthenticated")
