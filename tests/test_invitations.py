"""Invitations: codes for many people at once, each of which makes one account, once."""

import asyncio
import csv
import json
import time
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from python_calamine import CalamineWorkbook
from sqlalchemy.exc import ProgrammingError

from app.access.actors import SIGN_IN, Actor
from app.database import Database
from app.one_time_codes import code_digest
from app.services import invitations
from tests.actors import Actors, Client, problem
from tests.credentials import PASSWORD, WRONG, knock, make_account, security_events, sign_in
from tests.organisation import Government, made, ok

PATH = "/accounts/invitations"


class Office:
    """An officer, and people who are to get accounts."""

    def __init__(self, hr: Client, unit: str, school: str, people: dict[str, UUID]) -> None:
        self.hr, self.unit, self.school, self.people = hr, unit, school, people

    async def invite(self, *names: str, **wanted: Any) -> dict[str, Any]:
        if names:
            wanted["employee_ids"] = [str(self.people[name]) for name in names]
        return made(await self.hr.post(PATH, json=wanted))

    async def code_of(self, name: str) -> str:
        code: str = (await self.invite(name))["items"][0]["activation_code"]
        return code


@pytest.fixture
async def office(actors: Actors, owner: asyncpg.Connection) -> Office:
    """Sri heads a dinas, Agus teaches at its school, Dewi has no seat, Tono has left."""
    hr = await actors.hr_admin()
    government = Government(hr, owner)
    root = await government.unit("KAB", kind="pemerintah_daerah")
    unit = await government.unit("DISDIK", root)
    school = await government.unit("SMP1", unit, kind="uptd")
    people = {name: await government.employee(name) for name in ("Sri", "Agus", "Dewi")}
    people["Tono"] = await government.employee("Tono", until=date(2020, 1, 1))
    for name, place in (("Sri", unit), ("Agus", school)):
        made(await government.assign(await government.position(place, f"J-{name}"), people[name]))
    return Office(hr, unit, school, people)


async def activate(client: Client, code: str, password: str = PASSWORD) -> httpx.Response:
    body = {"activation_code": code, "password": password}
    return await client.post("/sign-in/activate", json=body)


def names(issued: dict[str, Any]) -> list[str]:
    return [item["full_name"] for item in issued["items"]]


async def test_from_the_invitation_to_ones_own_record(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    issued = await office.invite()
    assert names(issued) == ["Sri", "Agus", "Dewi"]  # by unit, then name; who left isn't there
    sri = issued["items"][0]
    assert (sri["unit_id"], sri["unit_name"]) == (office.unit, "Unit DISDIK")
    client = actors.anonymous()
    answer = ok(await activate(client, sri["activation_code"].lower().replace("-", " ")))
    assert answer == {"login": sri["login"], "display_name": "Sri"}
    signed_in = await sign_in(client, sri["login"])
    assert (signed_in["next_steps"], signed_in["account"]["role"]) == ([], "asn")
    assert ok(await client.get(f"/employees/{office.people['Sri']}"))["profile"]["name"] == "Sri"

    page = ok(await office.hr.get(PATH, params={"include_total": True}))
    assert page["total"] == 3
    assert [i["display_name"] for i in page["items"] if i["activated_at"]] == ["Sri"]
    again = await office.invite()
    assert names(again) == ["Agus", "Dewi"]
    assert again["left_out"] == {"has_account": 1, "still_invited": 0, "not_found": 0}


async def test_who_is_invited(office: Office, owner: asyncpg.Connection) -> None:
    assert names(await office.invite(unit_id=office.unit)) == ["Sri", "Agus"]
    assert names(await office.invite(unit_id=office.school)) == ["Agus"]
    assert names(await office.invite("Sri", "Dewi", unit_id=office.unit)) == ["Sri"]
    left = await office.invite("Dewi", "Tono", "Tono")
    assert names(left) == ["Dewi"]
    assert left["left_out"]["not_found"] == 1
    missing = await office.invite(employee_ids=[str(uuid4())])
    assert (missing["items"], missing["left_out"]["not_found"]) == ([], 1)
    new = await office.invite(replace=False)
    assert (names(new), new["left_out"]["still_invited"]) == ([], 3)
    assert await owner.fetchval("SELECT count(*) FROM invitations") == 3
    # An officer's account is not the account of their own that an employee has.
    await make_account(owner, "hr_admin", employee_id=office.people["Sri"])
    await make_account(
        owner, "asn", employee_id=office.people["Agus"], disabled_at=datetime.now(UTC)
    )
    issued = await office.invite()
    assert (names(issued), issued["left_out"]["has_account"]) == (["Sri", "Dewi"], 1)


async def test_what_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for body, pointer, code in (
        ({"unit_id": str(uuid4())}, "/unit_id", "unknown"),
        ({"employee_ids": []}, "/employee_ids", "too_short"),
        ({"employee_ids": [str(uuid4())] * 10_001}, "/employee_ids", "too_long"),
        ({"everybody": True}, "/everybody", "extra_forbidden"),
    ):
        found = problem(await office.hr.post(PATH, json=body), 422, "invalid")
        assert [(e["pointer"], e["code"]) for e in found["errors"]] == [(pointer, code)]
    problem(await office.hr.post(PATH, json={}, params={"format": "pdf"}), 422, "invalid")
    monkeypatch.setattr(invitations, "MOST_INVITED", 2)
    invitations._to_invite.cache_clear()
    problem(await office.hr.post(PATH, json={}), 422, "too_many_people")
    invitations._to_invite.cache_clear()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_as_a_table(office: Office, owner: asyncpg.Connection, kind: str) -> None:
    await owner.execute("UPDATE employee_profiles SET name = '=Sri' WHERE name = 'Sri'")
    answer = await office.hr.post(PATH, json={}, params={"format": kind})
    assert answer.status_code == 201
    assert answer.headers["content-disposition"] == f'attachment; filename="undangan.{kind}"'
    if kind == "csv":
        text = answer.content.decode("utf-8-sig")
        rows: list[list[Any]] = list(csv.reader(StringIO(text), delimiter=";"))
    else:
        sheet = CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0)
        rows = [list(row) for row in sheet.to_python()]
    assert [row[1] for row in rows] == ["Nama", "'=Sri", "Agus", "Dewi"]
    stored = await owner.fetch("SELECT login, code_digest FROM invitations")
    assert {(r[2], code_digest(r[3])) for r in rows[1:]} == {tuple(r) for r in stored}


async def test_a_code_works_once(office: Office, actors: Actors, owner: asyncpg.Connection) -> None:
    code = await office.code_of("Sri")
    client = actors.anonymous()
    answers = await asyncio.gather(
        *(activate(client, code, f"kopi-tubruk-di-teras-{n}") for n in range(5))
    )
    assert sorted(a.status_code for a in answers) == [200, 401, 401, 401, 401]
    winner = next(n for n, a in enumerate(answers) if a.status_code == 200)
    login = answers[winner].json()["login"]
    await sign_in(client, login, f"kopi-tubruk-di-teras-{winner}")
    problem(await activate(client, code), 401, "invalid_activation_code")
    assert await owner.fetchval("SELECT count(*) FROM accounts WHERE role = 'asn'") == 1


async def test_codes_that_do_not_hold_are_answered_alike(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    codes = {"unknown": "7K3M-Q0TZ-91XH-VB2D-M4YA", "malformed": "\x00é"}
    codes["replaced"] = await office.code_of("Agus")
    codes["revoked"] = await office.code_of("Agus")
    items = ok(await office.hr.get(PATH))["items"]
    revoked = await office.hr.delete(f"{PATH}/{items[0]['id']}")
    assert revoked.status_code == 204
    codes["used"], codes["expired"] = await office.code_of("Sri"), await office.code_of("Dewi")
    ok(await activate(client, codes["used"]))
    await owner.execute(
        "UPDATE invitations SET expires_at = now() WHERE employee_id = $1", office.people["Dewi"]
    )
    bodies = set()
    for code in codes.values():
        found = problem(await activate(client, code), 401, "invalid_activation_code")
        bodies.add(json.dumps({k: v for k, v in found.items() if k != "request_id"}))
    assert len(bodies) == 1
    assert await security_events(owner) == ["activation_refused"] * 6
    assert await owner.fetchval("SELECT count(*) FROM accounts WHERE role = 'asn'") == 1


async def test_a_bad_password_leaves_the_code_as_it_was(office: Office, actors: Actors) -> None:
    issued = await office.invite("Sri")
    code, login = issued["items"][0]["activation_code"], issued["items"][0]["login"]
    client = actors.anonymous()
    for password, why in (("pendek", "too_short"), (f"kopi-{login}", "contains_login")):
        found = problem(await activate(client, code, password), 422, "invalid")
        errors = [(e["pointer"], e["code"]) for e in found["errors"]]
        assert errors == [("/password", f"password_{why}")]
    ok(await activate(client, code))


async def test_a_taken_login_and_a_second_account_are_told(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    issued = await office.invite("Sri", "Agus")
    sri, agus = issued["items"]
    taken = await make_account(owner, "auditor", login=sri["login"])
    client = actors.anonymous()
    problem(await activate(client, sri["activation_code"]), 409, "login_taken")
    await owner.execute("DELETE FROM accounts WHERE login = $1", taken)
    ok(await activate(client, sri["activation_code"]))
    own = {"login": "agus", "display_name": "Agus", "role": "asn"}
    own["employee_id"] = agus["employee_id"]
    made(await office.hr.post("/accounts", json=own))
    problem(await activate(client, agus["activation_code"]), 409, "employee_has_account")
    second = await office.hr.post("/accounts", json={**own, "login": "agus2"})
    problem(second, 409, "employee_has_account")


async def test_activating_is_throttled_by_address(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    code = await office.code_of("Sri")
    answer = await activate(client, "0000-0000-0000-0000-0000")
    assert answer.headers["ratelimit"].startswith('"address";r=99;t=')
    await owner.execute("UPDATE sign_in_throttles SET attempts = 99")
    assert ok(await activate(client, code))  # a good one doesn't count
    problem(await activate(client, code), 401, "invalid_activation_code")
    problem(await activate(client, code), 429, "too_many_requests")
    problem(await knock(client, "sri", WRONG), 429, "too_many_requests")


async def test_the_codes_stand_nowhere(office: Office, owner: asyncpg.Connection) -> None:
    key = {"Idempotency-Key": "one"}
    first = await office.hr.post(PATH, json={}, headers=key)
    second = await office.hr.post(PATH, json={}, headers=key)
    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")
    codes = [item["activation_code"] for item in made(first)["items"]]
    tables = "invitations", "audit_events", "audit_details", "idempotency_keys"
    for table in tables:
        rows = await owner.fetch(f"SELECT t::text AS whole FROM {table} t")
        assert rows
        for code in codes:
            plain, digest = code.encode().hex(), code_digest(code).hex()
            for row in rows:
                assert code not in row["whole"]
                assert plain not in row["whole"]
                assert digest not in row["whole"] or table == "invitations"
    subjects = await owner.fetchval(
        "SELECT subject_ids FROM audit_events WHERE entity = 'invitations'"
    )
    assert set(subjects) == {office.people[name] for name in ("Sri", "Agus", "Dewi")}


async def test_list_and_revoke(office: Office, actors: Actors, owner: asyncpg.Connection) -> None:
    issued = await office.invite()
    ok(await activate(actors.anonymous(), issued["items"][0]["activation_code"]))
    hr = office.hr
    first = await hr.get(PATH, params={"limit": 2})
    assert 'rel="next"' in first.headers["link"]
    cursor = {"cursor": first.json()["next_cursor"]}
    logins = [
        i["login"] for i in first.json()["items"] + ok(await hr.get(PATH, params=cursor))["items"]
    ]
    assert logins == sorted(item["login"] for item in issued["items"])
    read = await owner.fetchval("SELECT count(*) FROM audit_events WHERE kind = 'read'")
    assert read == 2
    for params, count in (
        ({"activated": True}, 1),
        ({"activated": False}, 2),
        ({"expired": True}, 0),
        ({"expired": False, "activated": True}, 1),
    ):
        assert len(ok(await hr.get(PATH, params=params))["items"]) == count
    problem(await hr.get(PATH, params={"cursor": "x"}), 400, "invalid_cursor")
    (used,) = ok(await hr.get(PATH, params={"activated": True}))["items"]
    problem(await hr.delete(f"{PATH}/{used['id']}"), 409, "already_activated")
    problem(await hr.delete(f"{PATH}/{uuid4()}"), 404, "not_found")


async def test_only_officers_invite(office: Office, actors: Actors) -> None:
    asn = await actors.asn(office.people["Dewi"])
    others = [await actors.auditor(), await actors.public(), asn, await actors.service()]
    for client in others:
        problem(await client.post(PATH, json={}), 403, "forbidden")
        problem(await client.get(PATH), 403, "forbidden")
    problem(await actors.anonymous().post(PATH, json={}), 401, "unauthenticated")


async def test_the_database_itself_lets_sign_in_make_no_other_civil_servant(
    office: Office, app: FastAPI, owner: asyncpg.Connection
) -> None:
    """Without an invitation that this very transaction uses up, no account of an employee."""
    await office.invite()
    await owner.execute("UPDATE invitations SET activated_at = now() - interval '1 minute'")
    row = await owner.fetchrow("SELECT employee_id, login FROM invitations LIMIT 1")
    values = {**row, "display_name": "X", "role": "asn", "password_hash": "x"}
    database: Database = app.state.runtime.database
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.transaction(Actor(), persona=SIGN_IN) as session:
            await session.execute(invitations.OPEN_ACCOUNT, values)


async def test_two_officers_at_once(office: Office, owner: asyncpg.Connection) -> None:
    answers = await asyncio.gather(*(office.hr.post(PATH, json={}) for _ in range(4)))
    assert {a.status_code for a in answers} == {201}
    stored = {r[0] for r in await owner.fetch("SELECT code_digest FROM invitations")}
    issued = [{code_digest(i["activation_code"]) for i in a.json()["items"]} for a in answers]
    assert stored in issued


PEOPLE = """
WITH made AS (
    INSERT INTO employees (birth_date, sex)
    SELECT '1980-05-17', 'female' FROM generate_series(1, 10000) RETURNING id
), numbered AS (SELECT id, row_number() OVER () AS n FROM made),
profiles AS (
    INSERT INTO employee_profiles (employee_id, name, name_sort, valid)
    SELECT id, 'Pegawai ' || n, 'pegawai ' || n, '[2010-01-01,)' FROM numbered
), statuses AS (
    INSERT INTO employee_statuses (employee_id, status, valid)
    SELECT id, 'pns', '[2010-01-01,)' FROM numbered
)
INSERT INTO employee_identifiers (employee_id, kind, value, valid)
SELECT id, 'nip', '1980051720100' || lpad(n::text, 5, '0'), '[2010-01-01,)' FROM numbered
"""


async def test_ten_thousand_in_one_request(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    await owner.execute(PEOPLE)
    for key in ("first", "once more"):  # the second compares ten thousand with ten thousand
        began = time.monotonic()
        issued = made(await hr.post(PATH, json={}, headers={"Idempotency-Key": key}))
        took = time.monotonic() - began
        assert len({item["activation_code"] for item in issued["items"]}) == 10_000
        assert took < 8, f"{took:.1f} s"  # about one; tests may share the machine
    events = "SELECT count(*) FROM audit_events WHERE entity = 'invitations'"
    assert await owner.fetchval(events) == 20
