"""Somebody who rules the database tampers with the log; a verification finds what and where."""

import json
from hashlib import sha256
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from app.access.actors import Actor
from app.database import DriverReader
from app.runtime import Runtime
from app.schemas.audit import CheckpointDocument
from app.services.audit import checkpoints, verification
from app.services.audit.checkpoints import sign_now
from app.services.audit.events import canonical_event, hash_of
from app.services.audit.sequencing import sequence_log
from app.services.audit.verification import verify_log
from app.transparency import chain_hash, verify_inclusion
from app.vocabulary import Role
from tests.actors import Actors, problem
from tests.audit_log import write_employees, write_events


@pytest.fixture
def runtime(app: FastAPI) -> Runtime:
    runtime: Runtime = app.state.runtime
    return runtime


@pytest.fixture
async def log(runtime: Runtime, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty events, every second one with details; checkpoints at 8, 16 and 20; batches of 6."""
    monkeypatch.setattr(verification, "BATCH", 6)
    monkeypatch.setattr(checkpoints, "LEAVES", checkpoints.LEAVES.limit(8))
    for _ in range(10):
        await write_employees(owner, 1)
        await write_events(owner, 1)
    await sequence_log(runtime.database)
    await sign_now(runtime.database, runtime.settings, Actor())
    await owner.execute("SET session_replication_role = replica")
    for kind, write, read in (("jsonb", json.dumps, json.loads), ("xid8", str, int)):
        await owner.set_type_codec(kind, encoder=write, decoder=read, schema="pg_catalog")


async def verify(runtime: Runtime, **asked: Any) -> Any:
    async with runtime.database.reading(Actor(role=Role.AUDITOR)) as reader:
        return await verify_log(reader, **asked)


def found(report: Any) -> list[tuple[str, int, int]]:
    return [(fault.reason.value, fault.first_seq, fault.last_seq) for fault in report.faults]


async def test_a_sound_log(runtime: Runtime, log: None) -> None:
    steps: list[tuple[int, int]] = []
    report = await verify(runtime, progress=lambda done, of: steps.append((done, of)))
    assert report.ok, report
    assert (report.from_seq, report.to_seq, report.last_seq, report.next_from_seq) == (
        *(1, 20, 20),
        None,
    )
    assert (report.checked, report.details_checked, report.checkpoints_checked) == (20, 10, 3)
    assert steps == [(6, 20), (12, 20), (18, 20), (20, 20)]


async def test_an_empty_log(runtime: Runtime) -> None:
    report = await verify(runtime)
    assert report.ok
    assert report.checked == 0


# --- tampering --------------------------------------------------------------------------------

COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "xid": "(xid::text::bigint + 100000)::text::xid8",
    "kind": "'security'",
    "operation": "operation || '_'",
    "actor_account_id": "uuidv7()",
    "actor_role": "'auditor'",
    "purpose": "'lain'",
    "request_id": "'lain'",
    "entity": "'accounts'",
    "subject_ids": "'{}'",
    "commitment": "sha256('')",
}
AT = "(SELECT event_id FROM audit_chain WHERE seq = {})"
LINK = "UPDATE audit_chain SET {} WHERE seq = {}"
SWAP = "UPDATE audit_chain SET seq = CASE seq WHEN 11 THEN 13 ELSE 11 END WHERE seq IN (11, 13)"
Found = list[tuple[str, int, int]]
CASES: dict[str, tuple[str, Found]] = {
    "event deleted": (
        f"DELETE FROM audit_events WHERE id = {AT.format(9)}",
        [("event_missing", 9, 9)],
    ),
    "event deleted with its link": (
        f"DELETE FROM audit_events WHERE id = {AT.format(9)};DELETE FROM audit_chain WHERE seq = 9",
        [("link_missing", 9, 9)],
    ),
    "link deleted": (
        "DELETE FROM audit_chain WHERE seq = 9",
        [("link_missing", 9, 9), ("event_not_chained", 9, 9)],
    ),
    "links deleted over a checkpoint": (
        "DELETE FROM audit_chain WHERE seq BETWEEN 7 AND 10",
        [("link_missing", 7, 10), *[("event_not_chained", 7, 7)] * 4],
    ),
    "links deleted over a whole batch": (
        "DELETE FROM audit_chain WHERE seq BETWEEN 5 AND 13",
        [("link_missing", 5, 13), *[("event_not_chained", 5, 5)] * 9],
    ),
    "details changed": (
        f"UPDATE audit_details SET changes = '[]' WHERE event_id = {AT.format(11)}",
        [("details_changed", 11, 11)],
    ),
    "salt changed": (
        f"UPDATE audit_details SET salt = '' WHERE event_id = {AT.format(11)}",
        [("details_changed", 11, 11)],
    ),
    "details given to an event without": (
        f"INSERT INTO audit_details VALUES ({AT.format(12)}, '', '[]')",
        [("details_changed", 12, 12)],
    ),
    "event's hash changed": (
        LINK.format("event_hash = sha256('')", 9),
        [("chain_broken", 9, 9), ("event_changed", 9, 9)],
    ),
    "hash of another length": (
        LINK.format("event_hash = ''", 9),
        [("chain_broken", 9, 9), ("event_changed", 9, 9)],
    ),
    "chain's hash changed": (
        LINK.format("chain_hash = sha256('')", 9),
        [("chain_broken", 9, 9), ("chain_broken", 10, 10)],
    ),
    "two links swapped": (
        SWAP.replace("seq = CASE", "seq = -CASE") + ";UPDATE audit_chain SET seq = abs(seq)",
        [
            *[("chain_broken", seq, seq) for seq in (11, 12, 13, 14)],
            ("out_of_order", 12, 12),
            ("out_of_order", 13, 13),
        ],
    ),
    "event slipped in": (
        "INSERT INTO audit_events (xid, kind, operation, actor_role, entity)"
        f" SELECT xid, 'read', 'x', 'asn', 'employees' FROM audit_events WHERE id = {AT.format(9)}",
        [("event_not_chained", 10, 10)],
    ),
    "end cut off": (
        "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_chain WHERE seq > 17);"
        "DELETE FROM audit_chain WHERE seq > 17",
        [("log_shortened", 18, 20)],
    ),
    "checkpoint altered": (
        "UPDATE audit_checkpoints SET signed = jsonb_set(signed, '{tree_size}', '9')"
        " WHERE tree_size = 8",
        [("checkpoint_not_ours", 8, 8)],
    ),
    "tree altered": (
        "UPDATE audit_checkpoints SET frontier = '[]' WHERE tree_size = 8",
        [("checkpoint_not_ours", 8, 8)],
    ),
    "tree is no tree": (
        "UPDATE audit_checkpoints SET frontier = '[1]' WHERE tree_size = 8",
        [("checkpoint_not_ours", 8, 8)],
    ),
}


async def found_after(owner: asyncpg.Connection, tampering: str) -> Any:
    """What a verification of the whole log reports; the tampering is undone after it."""
    undo = owner.transaction()
    await undo.start()
    try:
        await owner.execute(tampering)
        return await verify_log(DriverReader(owner, Actor(role=Role.AUDITOR)))
    finally:
        await undo.rollback()


@pytest.mark.usefixtures("log")
async def test_any_changed_column_is_found(owner: asyncpg.Connection) -> None:
    hashed = set(canonical_event(await owner.fetchrow("SELECT * FROM audit_events LIMIT 1")))
    assert COLUMNS.keys() == hashed - {"id"}, "the key is held by the link"
    for column, value in COLUMNS.items():
        change = f"UPDATE audit_events SET {column} = {value} WHERE id = {AT.format(9)}"
        report = await found_after(owner, change)
        assert (report.reason, report.first_bad_seq) == ("event_changed", 9) or (
            column == "commitment" and report.first_bad_seq == 9
        ), (column, report.faults)


@pytest.mark.usefixtures("log")
async def test_tampering_is_found_at_its_number(owner: asyncpg.Connection) -> None:
    for name, (tampering, expected) in CASES.items():
        report = await found_after(owner, tampering)
        assert sorted(found(report)) == sorted(expected), name
        assert not report.ok, name
        assert report.fault_count == len(expected), name
        assert report.first_bad_seq == min(first for _, first, _ in expected), name


async def rewrite(owner: asyncpg.Connection, seq: int) -> None:
    """Change an event, then every hash from it on, as somebody who knows the forms would."""
    await owner.execute(f"UPDATE audit_events SET purpose = 'lain' WHERE id = {AT.format(seq)}")
    rows = await owner.fetch(
        "SELECT e.*, c.seq, c.chain_hash, c.event_hash FROM audit_chain c"
        " JOIN audit_events e ON e.id = c.event_id WHERE seq >= $1 ORDER BY seq",
        seq - 1,
    )
    chain = rows[0]["chain_hash"]
    for row in rows[1:]:
        leaf = hash_of(row)
        chain = chain_hash(chain, leaf)
        await owner.execute(
            "UPDATE audit_chain SET event_hash = $2, chain_hash = $3 WHERE seq = $1",
            *(row["seq"], leaf, chain),
        )


@pytest.mark.usefixtures("log")
async def test_a_log_rewritten_throughout_differs_from_its_checkpoints(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    await rewrite(owner, 11)
    report = await verify(runtime)
    assert found(report) == [("checkpoint_mismatch", 9, 16), ("checkpoint_mismatch", 17, 20)]
    assert report.first_bad_seq == 9


@pytest.mark.usefixtures("log")
async def test_a_saved_checkpoint_outlives_the_checkpoints_of_the_log(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    saved = CheckpointDocument.model_validate(
        await owner.fetchval("SELECT signed FROM audit_checkpoints WHERE tree_size = 16")
    )
    sound = await verify(runtime, saved=saved)
    assert sound.ok
    assert sound.checkpoint_consistent is True
    await owner.execute("DELETE FROM audit_checkpoints")
    await rewrite(owner, 11)
    blind = await verify(runtime)
    assert blind.ok, "by itself such a log looks sound"
    report = await verify(runtime, saved=saved)
    assert report.checkpoint_consistent is False
    assert found(report) == [("checkpoint_mismatch", 1, 16)]
    await owner.execute("DELETE FROM audit_chain WHERE seq > 12")
    report = await verify(runtime, saved=saved)
    assert found(report) == [("log_shortened", 13, 16)]
    assert report.checkpoint_consistent is False


@pytest.mark.usefixtures("log")
async def test_a_saved_checkpoint_that_this_log_never_signed(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    document = await owner.fetchval("SELECT signed FROM audit_checkpoints WHERE tree_size = 16")
    for change in ({"tree_size": 15}, {"kid": "other"}, {"signature": "A" * 86}):
        saved = CheckpointDocument.model_validate(document | change)
        report = await verify(runtime, saved=saved)
        assert [fault.reason for fault in report.faults] == ["checkpoint_not_ours"]
        assert report.checkpoint_consistent is False


async def test_erased_details_are_told_and_no_fault(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    for login in ("warga", "wargi"):
        await owner.execute(
            "INSERT INTO accounts (login, display_name, role, password_hash)"
            " VALUES ($1, $1, 'public', '-')",
            login,
        )
    await sequence_log(runtime.database)
    await owner.execute(
        "DELETE FROM audit_details WHERE event_id = (SELECT id FROM audit_events LIMIT 1)"
    )
    report = await verify(runtime)
    assert report.ok
    assert (report.details_checked, report.details_erased) == (1, 1)


@pytest.mark.usefixtures("log")
async def test_details_that_no_law_erases_are_missed(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    await owner.execute(f"DELETE FROM audit_details WHERE event_id = {AT.format(11)}")
    report = await verify(runtime)
    assert [fault.reason for fault in report.faults] == ["details_missing"]
    assert report.first_bad_seq == 11


@pytest.mark.usefixtures("log")
async def test_a_range_begins_at_the_checkpoint_before_it(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    report = await verify(runtime, from_seq=12, to_seq=18)
    assert report.ok
    assert (report.from_seq, report.to_seq, report.next_from_seq) == (9, 18, 19)
    await rewrite(owner, 5)
    report = await verify(runtime, from_seq=12, to_seq=18)
    assert not report.ok, "what follows the signed checkpoint doesn't follow from it"
    assert report.first_bad_seq == 9
    await owner.execute("DELETE FROM audit_chain WHERE seq = 18")
    report = await verify(runtime, from_seq=17, to_seq=18)
    assert found(report) == [("chain_broken", 17, 17), ("link_missing", 18, 18)]
    await owner.execute("UPDATE audit_checkpoints SET frontier = '[]' WHERE tree_size = 8")
    report = await verify(runtime, from_seq=12, to_seq=14)
    assert found(report) == [("checkpoint_not_ours", 8, 8)]


# --- over HTTP --------------------------------------------------------------------------------


@pytest.mark.usefixtures("log")
async def test_verifications_and_saved_checkpoints_over_http(
    actors: Actors, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = await actors.auditor()
    saved = (await auditor.get("/audit/checkpoints/16")).json()
    report = (await auditor.post("/audit/verifications", json={})).json()
    assert report["ok"] is True
    assert report["explanation"] == "Tidak ditemukan kejanggalan."
    report = (await auditor.post("/audit/verifications", json={"checkpoint": saved})).json()
    assert (report["from_seq"], report["to_seq"]) == (9, 16)
    assert report["checkpoint_consistent"] is True

    monkeypatch.setattr(verification, "MOST_PER_REQUEST", 8)
    part = (await auditor.post("/audit/verifications", json={"from_seq": 3})).json()
    assert (part["to_seq"], part["next_from_seq"]) == (10, 11)
    asked = {"from_seq": 3, "checkpoint": saved}
    refused = problem(await auditor.post("/audit/verifications", json=asked), 422, "invalid")
    assert refused["errors"][0]["pointer"] == "/checkpoint/tree_size"
    asked = {"from_seq": 3, "to_seq": 2}
    refused = problem(await auditor.post("/audit/verifications", json=asked), 422, "invalid")
    assert refused["errors"][0]["code"] == "range_backwards"

    await rewrite(owner, 11)
    english = {"Accept-Language": "en"}
    answer = await auditor.post("/audit/verifications", json={"checkpoint": saved}, headers=english)
    report = answer.json()
    assert report["ok"] is False
    assert report["reason"] == "checkpoint_mismatch"
    assert report["explanation"] == "Events 9 to 16 are not those that were signed."


async def test_documents_that_are_no_checkpoints(actors: Actors) -> None:
    auditor = await actors.auditor()
    sound = {
        "type": "kemuning-audit-checkpoint-v1",
        "origin": "x",
        "tree_size": 1,
        "root_hash": "0" * 64,
        "chain_hash": "0" * 64,
        "at": "2026-11-24T00:00:00.000000Z",
        "kid": "x",
        "signature": "A" * 86,
    }
    report = (await auditor.post("/audit/verifications", json={"checkpoint": sound})).json()
    assert report["reason"] == "checkpoint_not_ours"
    for change in ({"root_hash": "0"}, {"tree_size": -1}, {"tree_size": 2**63}, {"kid": None}):
        body = {"checkpoint": sound | change}
        problem(await auditor.post("/audit/verifications", json=body), 422, "invalid")
    for change in ({"at": "now"}, {"origin": "\u00e9"}, {"at": "9999-99-99"}, {"signature": "!"}):
        body = {"checkpoint": sound | change}
        report = (await auditor.post("/audit/verifications", json=body)).json()
        assert report["reason"] == "checkpoint_not_ours"


@pytest.mark.usefixtures("log")
async def test_inclusion_proofs_of_every_event(
    actors: Actors, runtime: Runtime, owner: asyncpg.Connection
) -> None:
    auditor = await actors.auditor()
    await owner.execute("DELETE FROM audit_checkpoints WHERE tree_size = 16")
    for row in await owner.fetch("SELECT seq, event_id FROM audit_chain ORDER BY seq"):
        answer = await auditor.get(f"/audit/events/{row['event_id']}/inclusion-proof")
        proof = answer.json()
        checkpoint = proof["checkpoint"]
        assert (proof["seq"], checkpoint["tree_size"]) == (row["seq"], 8 if row["seq"] < 9 else 20)
        leaf = sha256(b"\0" + proof["canonical_event"].encode()).digest()
        assert json.loads(proof["canonical_event"])["id"] == str(row["event_id"])
        assert verify_inclusion(
            leaf,
            proof["index"],
            checkpoint["tree_size"],
            [bytes.fromhex(node) for node in proof["proof"]],
            bytes.fromhex(checkpoint["root_hash"]),
        )


@pytest.mark.usefixtures("log")
async def test_no_proof_for_what_is_unsigned_unknown_or_changed(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    auditor = await actors.auditor()

    async def prove(seq: int) -> Any:
        event = await owner.fetchval("SELECT event_id FROM audit_chain WHERE seq = $1", seq)
        return await auditor.get(f"/audit/events/{event}/inclusion-proof")

    problem(await auditor.get(f"/audit/events/{uuid4()}/inclusion-proof"), 404, "not_found")
    await owner.execute(f"UPDATE audit_events SET purpose = 'lain' WHERE id = {AT.format(9)}")
    problem(await prove(9), 409, "log_inconsistent")
    await owner.execute("DELETE FROM audit_checkpoints WHERE tree_size > 8")
    problem(await prove(10), 409, "not_yet_signed")
    made = await auditor.post("/audit/checkpoints")
    assert made.status_code == 201
    assert (
        await auditor.get(made.headers["location"].removeprefix("/api/v1"))
    ).json() == made.json()
    assert (await prove(10)).status_code == 200
