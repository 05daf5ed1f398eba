"""Every write leaves an event in its own transaction, by triggers on the tables themselves."""

import json
from hashlib import sha256
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.access.actors import Actor
from app.runtime import Runtime
from app.services.audit.words import ENTITIES
from app.vocabulary import Role
from tests.audit_log import write_employees

EVENTS = """
SELECT e.*, d.salt, d.changes::text AS changes FROM audit_events e
JOIN audit_details d ON d.event_id = e.id WHERE entity = $1 ORDER BY e.id
"""


async def changes(owner: asyncpg.Connection, entity: str = "employees") -> list[Any]:
    return [json.loads(row["changes"]) for row in await owner.fetch(EVENTS, entity)]


async def test_before_and_after(owner: asyncpg.Connection) -> None:
    (row,) = await write_employees(owner, 1)
    await owner.execute("UPDATE employees SET birth_place = 'Kudus'")
    await owner.execute("UPDATE employees SET birth_place = 'Kudus'")
    await owner.execute("DELETE FROM employees")
    inserted, updated, deleted = await changes(owner)
    assert inserted[0]["after"]["birth_date"] == "1980-01-02"
    assert updated == [
        {"id": str(row["id"]), "before": {"birth_place": None}, "after": {"birth_place": "Kudus"}}
    ]
    assert deleted[0]["before"]["birth_place"] == "Kudus"
    for event in await owner.fetch(EVENTS, "employees"):
        assert event["subject_ids"] == [row["id"]]
        assert len(event["salt"]) == 32
        committed = sha256(event["salt"] + event["changes"].encode()).digest()
        assert event["commitment"] == committed


async def test_hidden_columns_stay_out(owner: asyncpg.Connection) -> None:
    (row,) = await write_employees(owner, 1)
    await owner.execute("UPDATE employees SET nik_sealed = 'sealed', nik_index = 'index'")
    await owner.execute("DELETE FROM employees")
    inserted, updated, deleted = await changes(owner)
    assert "nik_sealed" not in inserted[0]["after"]
    assert updated == [{"id": str(row["id"]), "before": {}, "after": {}}], "that it changed is told"
    assert "nik_index" not in deleted[0]["before"]


async def test_accounts_are_the_subjects_of_their_own_events(owner: asyncpg.Connection) -> None:
    """Where the column that names the subject is itself hidden."""
    account = await owner.fetchval(
        "INSERT INTO accounts (login, display_name, role, password_hash)"
        " VALUES ('a', 'A', 'public', 'secret') RETURNING id"
    )
    (event,) = await owner.fetch(EVENTS, "accounts")
    assert event["subject_ids"] == [account]
    assert "secret" not in event["changes"]


async def test_a_large_statement_is_told_in_parts(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "INSERT INTO employees (birth_date, sex)"
        " SELECT '1980-01-01', 'male' FROM generate_series(1, 2500)"
    )
    events = await owner.fetch(EVENTS, "employees")
    assert sorted(len(event["subject_ids"]) for event in events) == [500, 1000, 1000]
    told = [change["id"] for event in events for change in json.loads(event["changes"])]
    assert len(set(told)) == 2500
    assert {e["id"]: len(json.loads(e["changes"])) for e in events} == {
        e["id"]: len(e["subject_ids"]) for e in events
    }


async def test_by_whom_and_why(app: FastAPI, owner: asyncpg.Connection) -> None:
    runtime: Runtime = app.state.runtime
    actor = Actor(
        role=Role.HR_ADMIN, operation="employees_create", purpose="SK 12", request_id="request-1"
    )
    async with runtime.database.transaction(actor) as session:
        await session.execute(
            text("INSERT INTO employees (birth_date, sex) VALUES ('1980-01-01', 'male')")
        )
    (event,) = await owner.fetch(EVENTS, "employees")
    told = {"kind", "operation", "actor_role", "purpose", "request_id", "actor_account_id"}
    assert {name: event[name] for name in told} == {
        "kind": "write",
        "operation": "employees_create",
        "actor_role": "hr_admin",
        "purpose": "SK 12",
        "request_id": "request-1",
        "actor_account_id": None,
    }


async def test_no_write_without_its_event(app: FastAPI, owner: asyncpg.Connection) -> None:
    await owner.execute("ALTER TABLE audit_details ADD CHECK (false) NOT VALID")
    with pytest.raises(asyncpg.CheckViolationError):
        await write_employees(owner, 1)
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0
    assert await owner.fetchval("SELECT count(*) FROM audit_events") == 0


@pytest.mark.parametrize(
    ("persona", "kind"),
    [
        *(("kemuning_recorder", kind) for kind in ("write", "security")),
        *(("kemuning_sign_in", kind) for kind in ("write", "read")),
    ],
)
async def test_nobody_but_the_triggers_tells_of_a_write(
    app: FastAPI, persona: str, kind: str
) -> None:
    runtime: Runtime = app.state.runtime
    forged = (
        "INSERT INTO audit_events (kind, operation, actor_role, entity)"
        f" VALUES ('{kind}', 'employees_change_golongan', 'hr_admin', 'employees')"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with runtime.database.driver(persona) as connection:
            await connection.execute(forged)


async def test_whose_data_is_changed_is_told_what_it_was(owner: asyncpg.Connection) -> None:
    """Tables that name a person in their events; nobody reads "other data" about themself."""
    tables = await owner.fetch(
        "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger"
        " WHERE tgname LIKE 'audit_%' AND octet_length(tgargs) > 1"
    )
    assert {table["name"] for table in tables} <= ENTITIES.keys()
