"""Reading the audit log: auditors all of it, each person what concerns them, nobody else any."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.access.actors import Actor
from app.access.audit import can_see, subject_of, visible
from app.database import bind
from app.embedded import EmbeddedServer
from app.installation import LOGIN
from app.models.audit import AuditEvent
from app.runtime import Runtime
from app.services.audit.sequencing import sequence_log
from app.vocabulary import Role
from migrations.security import PERSONAS
from tests.actors import Actors, Client, problem
from tests.audit_log import write_employees

PURPOSE = "verifikasi kenaikan pangkat"


async def employee(owner: asyncpg.Connection, name: str = "Siti Rahmawati") -> UUID:
    """Somebody whose data there is to see."""
    (row,) = await write_employees(owner, 1)
    await owner.execute(
        "INSERT INTO employee_profiles (employee_id, name, name_sort, valid)"
        " VALUES ($1, $2::text, lower($2::text), '[1980-01-01,)')",
        *(row["id"], name),
    )
    person: UUID = row["id"]
    return person


async def read_by(
    app: FastAPI,
    reader: Client,
    *subjects: UUID,
    purpose: str = PURPOSE,
    role: Role = Role.HR_ADMIN,
) -> str:
    """The event of somebody's read of these persons' data, as the recorder writes it."""
    runtime: Runtime = app.state.runtime
    request_id = str(uuid4())
    actor = Actor(
        role=role,
        account_id=reader.account_id,
        operation="employees_get_employee",
        purpose=purpose,
        request_id=request_id,
    )
    await runtime.recorder.record_read(actor, "employees", subjects)
    return request_id


async def items(client: Client, path: str, **query: object) -> list[dict[str, Any]]:
    response = await client.get(path, params={k: str(v) for k, v in query.items()})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["items"]
    return found


# --- for auditors -----------------------------------------------------------------------------


async def test_an_auditor_filters_the_log(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    auditor, hr, other = (
        await actors.auditor(),
        await actors.hr_admin(),
        await actors.hr_admin(),
    )
    siti, budi = await employee(owner), await employee(owner, "Budi Santoso")
    before = datetime.now(UTC)
    first = await read_by(app, hr, siti)
    second = await read_by(app, hr, siti, budi)
    third = await read_by(app, other, budi)
    after = datetime.now(UTC)

    async def requests(**query: object) -> list[str]:
        return [e["request_id"] for e in await items(auditor, "/audit/events", **query)]

    period = {"since": before.isoformat(), "until": after.isoformat()}
    assert await requests(kind="read") == [third, second, first]
    assert await requests(actor_account_id=hr.account_id, kind="read") == [second, first]
    assert await requests(subject_id=siti, kind="read") == [second, first]
    assert await requests(request_id=third) == [third]
    assert await requests(operation="employees_get_employee", **period) == [third, second, first]
    assert await requests(entity="employees", kind="read", since=after.isoformat()) == []
    assert await requests(kind="read", until=before.isoformat()) == []
    assert await requests(kind="security") == []
    assert len(await requests(entity="employee_profiles", kind="write")) == 2
    problem(await auditor.get("/audit/events?kind=other"), 422, "invalid")
    problem(await auditor.get("/audit/events?since=2026-11-24"), 422, "invalid")
    problem(await auditor.get("/audit/events?since=0001-01-01T00:00:00%2B14:00"), 422, "invalid")
    problem(await auditor.get("/audit/events?cursor=x"), 400, "invalid_cursor")


async def test_pages_meet_without_gap_or_overlap(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    auditor, hr = await actors.auditor(), await actors.hr_admin()
    siti = await employee(owner)
    made = [await read_by(app, hr, siti) for _ in range(7)]
    path: str | None = "/audit/events?kind=read&limit=3&include_total=true"
    seen: list[str] = []
    while path:
        page = await auditor.get(path)
        assert page.json()["total"] == 7
        seen += [e["request_id"] for e in page.json()["items"]]
        path = page.links["next"]["url"].removeprefix("/api/v1") if "next" in page.links else None
    assert seen == made[::-1]


async def test_details_and_places_in_the_chain(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    auditor = await actors.auditor()
    siti = await employee(owner)
    query = {"entity": "employee_profiles", "include_details": "true"}
    (event,) = await items(auditor, "/audit/events", **query)
    assert event["seq"] is None
    assert event["details"][0]["after"]["name"] == "Siti Rahmawati"
    assert event["subject_ids"] == [str(siti)]
    await sequence_log(app.state.runtime.database)
    single = (await auditor.get(f"/audit/events/{event['id']}")).json()
    assert single["seq"] > 0
    assert {**single, "seq": None} == event
    await owner.execute("DELETE FROM audit_details WHERE event_id = $1", UUID(event["id"]))
    assert (await auditor.get(f"/audit/events/{event['id']}")).json()["details"] is None
    problem(await auditor.get(f"/audit/events/{uuid4()}"), 404, "not_found")
    own = await items(auditor, "/audit/events", kind="read", subject_id=siti)
    assert [e["operation"] for e in own] == ["audit_get_event"] * 2 + ["audit_list_events"], (
        "the auditor's looking at details is itself on record"
    )


async def test_whose_data_an_account_saw(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    auditor, hr, other = (
        await actors.auditor(),
        await actors.hr_admin(),
        await actors.hr_admin(),
    )
    siti, budi, joko = [await employee(owner, n) for n in ("Siti", "Budi", "Joko")]
    await read_by(app, hr, budi)
    middle = datetime.now(UTC)
    await read_by(app, hr, siti, budi, purpose="mutasi")
    await read_by(app, hr, budi, budi, purpose="")
    await read_by(app, other, joko)
    path = f"/audit/accounts/{hr.account_id}/reads"
    seen = await items(auditor, path)
    assert [(s["employee_id"], s["name"], s["reads"], s["purposes"]) for s in seen] == [
        (str(budi), "Budi", 3, ["mutasi", PURPOSE]),
        (str(siti), "Siti", 1, ["mutasi"]),
    ]
    assert seen[0]["first_at"] < middle.isoformat() < seen[0]["last_at"]
    since = await items(auditor, path, since=middle.isoformat())
    assert {s["employee_id"]: s["reads"] for s in since} == {str(budi): 2, str(siti): 1}
    page = (await auditor.get(f"{path}?limit=1&include_total=true")).json()
    assert page["total"] == 2
    (rest,) = await items(auditor, path, limit=1, cursor=page["next_cursor"])
    assert rest == seen[1]
    assert await items(auditor, f"/audit/accounts/{uuid4()}/reads") == []
    reveals = await items(auditor, "/audit/events", operation="audit_list_reads_of_account")
    assert set(reveals[-1]["subject_ids"]) == {str(siti), str(budi)}


# --- who saw my data --------------------------------------------------------------------------


async def test_who_saw_my_data(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> None:
    siti, budi = await employee(owner), await employee(owner, "Budi Santoso")
    me, hr = await actors.asn(siti), await actors.hr_admin()
    request_id = await read_by(app, hr, siti, budi)
    await read_by(app, hr, budi)
    answer = await me.get("/me/data-access?kind=read&include_total=true")
    assert answer.headers["content-language"] == "id"
    assert answer.json()["total"] == 1
    (seen,) = answer.json()["items"]
    assert seen | {"id": None, "at": None} == {
        "id": None,
        "at": None,
        "kind": "read",
        "what": "Melihat data kepegawaian",
        "by_me": False,
        "actor_role": "hr_admin",
        "actor_name": "Test hr_admin",
        "purpose": PURPOSE,
        "request_id": request_id,
    }
    assert str(budi) not in answer.text
    english = await me.get("/me/data-access?kind=read", headers={"Accept-Language": "en"})
    assert english.json()["items"][0]["what"] == "Looked at the employment record"
    writes = await items(me, "/me/data-access", kind="write")
    assert [w["what"] for w in writes] == [
        "Mencatat atau mengubah akun",
        "Mencatat atau mengubah nama dan kontak",
        "Mencatat atau mengubah data kepegawaian",
    ]
    assert {w["actor_role"] for w in writes} == {None}, "made by no account: the system itself"
    assert await items(me, "/me/data-access", kind="security") == []
    page = (await me.get("/me/data-access?limit=2")).json()
    assert len(page["items"]) == 2
    rest = await items(me, "/me/data-access", cursor=page["next_cursor"])
    assert [*page["items"], *rest] == [seen, *writes]


async def test_who_saw_the_account_of_somebody_who_is_no_employee(actors: Actors) -> None:
    hr, auditor, citizen = await actors.hr_admin(), await actors.auditor(), await actors.public()
    people = (hr, auditor, citizen)
    for person in people:
        assert (await hr.get(f"/accounts/{person.account_id}")).status_code == 200
    for person, seen in zip(people, ([], ["Test hr_admin"], ["Test hr_admin"]), strict=True):
        reads = await items(person, "/me/data-access", kind="read")
        assert [r["actor_name"] for r in reads] == seen
    assert "Melihat akun" in {r["what"] for r in reads}


async def test_names_only_those_who_act_on_duty(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    siti = await employee(owner)
    me = await actors.asn(siti)
    makers = {
        Role.AUDITOR: await actors.auditor(),
        Role.SERVICE: await actors.service(),
        Role.ASN: me,
        Role.PUBLIC: await actors.public(),
    }
    for role, client in makers.items():
        await read_by(app, client, siti, role=role)
    seen = await items(me, "/me/data-access", kind="read")
    names = [(s["actor_role"], s["actor_name"], s["by_me"]) for s in reversed(seen)]
    assert names == [
        ("auditor", "Test auditor", False),
        ("service", "Test service", False),
        ("asn", "Test asn", True),
        ("public", None, False),
    ]


# --- the three walls --------------------------------------------------------------------------

FOR_AUDITORS = (
    ("GET", "/audit/events"),
    ("GET", f"/audit/events/{UUID(int=0)}"),
    ("GET", f"/audit/events/{UUID(int=0)}/inclusion-proof"),
    ("GET", f"/audit/accounts/{UUID(int=0)}/reads"),
    ("POST", "/audit/verifications"),
    ("GET", "/audit/checkpoints"),
    ("POST", "/audit/checkpoints"),
    ("GET", "/audit/checkpoints/1"),
)


async def test_who_may_ask_at_all(actors: Actors, owner: asyncpg.Connection) -> None:
    siti = await employee(owner)
    others = [
        *(await actors.public(), await actors.asn(siti), await actors.hr_admin()),
        await actors.service("employees:read"),
    ]
    for method, path in FOR_AUDITORS:
        problem(await actors.anonymous().request(method, path), 401, "unauthenticated")
        for client in others:
            problem(await client.request(method, path, json={}), 403, "forbidden")
    problem(await (await actors.service("audit:read")).get("/me/data-access"), 403, "forbidden")


async def test_checkpoints_are_for_scripts_and_their_keys_for_everybody(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    script, auditor = await actors.service("audit:read"), await actors.auditor()
    keys = "http://kemuning.test/.well-known/audit-keys.json"
    made = await auditor.post("/audit/checkpoints")
    document = made.json()
    (listed,) = await items(script, "/audit/checkpoints")
    size = document["tree_size"]
    saved = await script.get(f"/audit/checkpoints/{size}")
    assert saved.json() == listed == document
    assert f"kemuning-checkpoint-{size}.json" in saved.headers["content-disposition"]
    unchanged = {"If-None-Match": saved.headers["etag"]}
    again = await script.get(f"/audit/checkpoints/{size}", headers=unchanged)
    assert again.status_code == 304
    problem(await script.get(f"/audit/checkpoints/{size + 1}"), 404, "not_found")
    problem(await script.get("/audit/events"), 403, "forbidden")
    for client in (actors.anonymous(), await actors.public(), script):
        (key,) = (await client.get(keys)).json()["keys"]
        assert key["kid"] == document["kid"]
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_checkpoints_page_by_page(
    actors: Actors, app: FastAPI, owner: asyncpg.Connection
) -> None:
    auditor = await actors.auditor()
    sizes = []
    for _ in range(3):
        await write_employees(owner, 1)
        sizes.append((await auditor.post("/audit/checkpoints")).json()["tree_size"])
    again = (await auditor.post("/audit/checkpoints")).json()["tree_size"]
    assert again == sizes[-1], "nothing new, nothing made"
    first = (await auditor.get("/audit/checkpoints?limit=2&include_total=true")).json()
    assert first["total"] == 3
    rest = await items(auditor, "/audit/checkpoints", limit=2, cursor=first["next_cursor"])
    assert [c["tree_size"] for c in (*first["items"], *rest)] == sizes[::-1]


async def test_a_disabled_auditor_signs_nothing(actors: Actors, owner: asyncpg.Connection) -> None:
    auditor = await actors.auditor()
    await owner.execute("UPDATE accounts SET disabled_at = now()")
    problem(await auditor.post("/audit/checkpoints"), 401, "unauthenticated")
    assert await owner.fetchval("SELECT count(*) FROM audit_checkpoints") == 0


async def test_row_rules_and_their_sql_twins_agree(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    siti, budi = await employee(owner), await employee(owner, "Budi")
    hr = await actors.hr_admin()
    for subjects in ((siti,), (budi,), (siti, budi), ()):
        await read_by(app, hr, *subjects)
    events = await owner.fetch("SELECT id, subject_ids FROM audit_events")
    for role in Role:
        for viewer in (siti, budi, None):
            actor = Actor(role=role, employee_id=viewer, account_id=uuid4())
            query, values = bind(
                select(AuditEvent.id).where(visible(role)), {"viewer": subject_of(actor)}
            )
            rows = {row["id"] for row in await owner.fetch(query, *values)}
            assert rows == {e["id"] for e in events if can_see(actor, e["subject_ids"])}, actor


AUDIT_TABLES = (
    *("audit_events", "audit_details", "audit_chain", "audit_checkpoints", "audit_keys"),
)
INSERTS = {
    ("kemuning_recorder", "audit_events"),
    ("kemuning_sign_in", "audit_events"),
    *(("kemuning_sequencer", t) for t in ("audit_chain", "audit_checkpoints", "audit_keys")),
}
READERS = {
    *((p, t) for p in ("kemuning_auditor", "kemuning_sequencer") for t in AUDIT_TABLES),
    *((f"kemuning_{role}", "audit_events") for role in ("public", "asn", "hr_admin")),
    ("kemuning_service", "audit_checkpoints"),
} - {("kemuning_auditor", "audit_keys")}


@pytest.fixture
async def login(server: EmbeddedServer, database: str) -> Any:
    connection = await asyncpg.connect(server.url(database, LOGIN).replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def test_the_log_is_only_ever_added_to(login: asyncpg.Connection) -> None:
    """Neither the login role nor any persona may do more to it than its duty needs."""
    for persona in (LOGIN, *PERSONAS):
        await login.execute(f"SET ROLE {persona}")
        for table in AUDIT_TABLES:
            tries = {
                f"UPDATE {table} SET {COLUMN[table]} = {COLUMN[table]}": False,
                f"DELETE FROM {table}": False,
                f"TRUNCATE {table} CASCADE": False,
                f"SELECT * FROM {table}": (persona, table) in READERS,
                f"INSERT INTO {table} SELECT * FROM {table} WHERE false": (persona, table)
                in INSERTS & READERS,
            }
            for statement, allowed in tries.items():
                assert await _may(login, statement) is allowed, (persona, statement)


COLUMN = {
    "audit_events": "purpose",
    "audit_details": "changes",
    "audit_chain": "event_hash",
    "audit_checkpoints": "signed",
    "audit_keys": "public_jwk",
}


async def _may(connection: asyncpg.Connection, statement: str) -> bool:
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def test_row_level_security_holds_without_the_applications_filter(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    siti, budi = await employee(owner), await employee(owner, "Budi")
    hr = await actors.hr_admin()
    await read_by(app, hr, siti)
    await read_by(app, hr, budi)
    runtime: Runtime = app.state.runtime
    everything = select(AuditEvent.subject_ids)
    async with runtime.database.reading(Actor(role=Role.ASN, employee_id=siti)) as reader:
        rows = await reader.all(everything)
    assert rows
    assert all(siti in row["subject_ids"] for row in rows)
    async with runtime.database.reading(Actor(role=Role.ASN)) as reader:
        assert await reader.all(everything) == []


async def test_names_are_not_for_other_personas(login: asyncpg.Connection) -> None:
    may = {f"kemuning_{role}" for role in ("public", "asn", "hr_admin", "auditor")}
    for persona in PERSONAS:
        await login.execute(f"SET ROLE {persona}")
        assert await _may(login, "SELECT app.actor_name(NULL)") is (persona in may)


# --- the recorder -----------------------------------------------------------------------------


async def test_reads_that_wait_together_share_a_commit(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    hr, siti = await actors.hr_admin(), await employee(owner)
    await asyncio.gather(*(read_by(app, hr, siti, siti) for _ in range(100)))
    rows = await owner.fetch("SELECT xid::text, subject_ids FROM audit_events WHERE kind = 'read'")
    assert len(rows) == 100
    assert len({row["xid"] for row in rows}) < 10
    assert {tuple(row["subject_ids"]) for row in rows} == {(siti,)}, "each person once"


async def test_no_answer_without_its_event(actors: Actors, owner: asyncpg.Connection) -> None:
    """Where the event can't be written, the data doesn't go out."""
    auditor, siti = await actors.auditor(), await employee(owner)
    await owner.execute("REVOKE INSERT ON audit_events FROM kemuning_recorder")
    path = f"/audit/events?subject_id={siti}"
    problem(await auditor.get(path), 503, "unavailable")
    await owner.execute("GRANT INSERT ON audit_events TO kemuning_recorder")
    assert (await auditor.get(path)).status_code == 200
