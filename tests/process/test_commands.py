"""What an operator does from a terminal: accounts, keys, the audit log's proof."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.process.programs import Postgres, Program, Service, Start, eventually

Run = Callable[..., Program]
Serve = Callable[..., Service]


@pytest.fixture
def database(postgres: Postgres) -> str:
    return asyncio.run(postgres.database())


@pytest.fixture
def run(kemuning: Start, postgres: Postgres, database: str) -> Run:
    """Run a command on the database, to its end."""

    def finish(*arguments: str) -> Program:
        program = kemuning(*arguments, **postgres.settings(database))
        program.wait()
        assert "Traceback" not in program.errors
        return program

    return finish


def status(program: Program) -> int:
    return program.wait()


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("rotate-keys",),
        ("create-account", "ayu", "--role", "auditor", "--name", "Ayu"),
    ],
)
def test_a_database_that_is_not_there(
    command: tuple[str, ...], kemuning: Start, postgres: Postgres
) -> None:
    program = kemuning(*command, **postgres.settings("nowhere"))
    assert program.wait() == 1
    said = " ".join(program.errors.split())
    assert 'The database is unavailable: database "nowhere" does not exist' in said
    assert "Traceback" not in said


async def test_the_first_administrator(
    run: Run, serve: Serve, postgres: Postgres, database: str
) -> None:
    wanted = ("create-account", "rina", "--role", "hr_admin", "--name", "Rina Kartika")
    made = await asyncio.to_thread(run, *wanted)
    assert status(made) == 0
    password = made.output.strip()
    assert len(password) > 20
    assert password not in made.errors
    again = await asyncio.to_thread(run, *wanted)
    assert (status(again), again.output) == (1, "")
    assert "This login is taken." in again.errors
    service = await asyncio.to_thread(serve, postgres.settings(database))
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1") as client:
        signed = await client.post("/sign-in", json={"login": "rina", "password": password})
        assert signed.status_code == 200, signed.text
        client.headers["Authorization"] = f"Bearer {signed.json()['access_token']}"
        me = (await client.get("/me")).json()
        assert (me["role"], me["next_steps"]) == ("hr_admin", ["must_change_password"])
    event = await ask(
        postgres, database, "SELECT * FROM audit_events WHERE operation = 'cli_create_account'"
    )
    assert (event["actor_role"], event["actor_account_id"]) == ("system", None)
    assert event["subject_ids"]


async def test_a_script(run: Run, serve: Serve, postgres: Postgres, database: str) -> None:
    scopes = ("--scope", "employees:read", "--scope", "organisation:read")
    wanted = ("create-account", "siasn-sync", "--role", "service", "--name", "SIASN", *scopes)
    secret = (await asyncio.to_thread(run, *wanted)).output.strip()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    form = {"grant_type": "client_credentials", "client_id": "siasn-sync", "client_secret": secret}
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1") as client:
        token = (await client.post("/sign-in/token", data=form)).json()["access_token"]
        answer = await client.get("/employees", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


REFUSED = [
    (("--role", "service"), "scopes"),
    (("--role", "asn"), "employee_id"),
    (("--role", "public"), "role"),
    (("--role", "hr_admin", "--scope", "employees:read"), "scopes"),
    (("--role", "asn", "--employee-id", "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"), "employee"),
]


@pytest.mark.parametrize(("options", "named"), REFUSED)
def test_an_account_that_can_not_be(run: Run, options: tuple[str, ...], named: str) -> None:
    program = run("create-account", "rina", "--name", "Rina", *options)
    assert (status(program), program.output) == (1, "")
    assert named in program.errors


async def test_keys_are_rotated(run: Run, serve: Serve, postgres: Postgres, database: str) -> None:
    service = await asyncio.to_thread(serve, postgres.settings(database))
    before = await kids(service)
    rotated = await asyncio.to_thread(run, "rotate-keys")
    assert status(rotated) == 0

    async def told() -> bool:
        return any(kid in rotated.errors for kid in await kids(service) - before)

    await eventually(told, 10)
    assert before < await kids(service)


async def kids(service: Service) -> set[str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{service.url}/.well-known/jwks.json")
    return {key["kid"] for key in answer.json()["keys"]}


async def test_the_log_is_signed_and_verified(
    run: Run, postgres: Postgres, database: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(
        run, "create-account", "rina", "--role", "hr_admin", "--name", "Rina Kartika"
    )
    signed = await asyncio.to_thread(run, "audit", "checkpoint")
    assert status(signed) == 0
    saved = tmp_path / "checkpoint.json"
    saved.write_text(signed.output)
    assert json.loads(signed.output)["tree_size"] >= 1
    sound = await asyncio.to_thread(run, "audit", "verify", "--checkpoint", str(saved))
    found = json.loads(sound.output)
    assert (status(sound), found["ok"], found["checkpoint_consistent"]) == (0, True, True)
    await ask(postgres, database, "UPDATE audit_events SET actor_role = 'auditor' RETURNING 1")
    broken = await asyncio.to_thread(run, "audit", "verify", "--checkpoint", str(saved))
    assert status(broken) == 1
    assert json.loads(broken.output)["first_bad_seq"] == 1
    saved.write_text("{}")
    other = await asyncio.to_thread(run, "audit", "verify", "--checkpoint", str(saved))
    assert status(other) == 1
    assert "is not a checkpoint" in " ".join(other.errors.split())


def test_without_a_database_it_is_a_plain_sentence(kemuning: Start, postgres: Postgres) -> None:
    settings = postgres.settings("none") | {"database_url": "postgresql://x@127.0.0.1:1/none"}
    for command in (("rotate-keys",), ("audit", "verify"), ("audit", "checkpoint")):
        program = kemuning(*command, **settings)
        assert (program.wait(), program.output) == (1, "")
        assert "The database is unavailable: " in program.errors
        assert "Traceback" not in program.errors


async def ask(postgres: Postgres, database: str, query: str) -> Any:
    connection = await asyncpg.connect(postgres.dsn(database))
    try:
        return await connection.fetchrow(query)
    finally:
        await connection.close()
