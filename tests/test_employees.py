"""Employees: entering, reading, correcting; who may; and what happens when many do at once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.access.actors import Actor
from app.access.employees import can_see, viewer, visible
from app.database import bind
from app.models.employees import Employee
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.organisation import Government
from tests.people import enter, entered, matching, ni_pppk, nip, person, shown

NIK = "3308015501850001"


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


async def test_an_employee_is_entered_and_read_as_a_whole(hr: Client, actors: Actors) -> None:
    body = person(
        nik=NIK,
        profile={
            "name": "  Siti   Aminah ",
            "title_prefix": "Dra.",
            "title_suffix": "M.Si.",
            "email": "siti@contoh.go.id",
            "phone": "+62 812 3456 7890",
            "address": "Jl. Kemuning 1\nMagelang",
        },
        educations=[
            {"level": "sma", "graduation_year": 2003},
            {"level": "s2", "major": "Administrasi", "graduation_year": 2012},
            {"level": "s1", "graduation_year": 2007},
        ],
    )
    made = await hr.post("/employees", json=body)
    employee = shown(made, 201)
    assert made.headers["location"] == f"/api/v1/employees/{employee['id']}"
    assert employee["warnings"] == []
    read = await hr.get(f"/employees/{employee['id']}")
    assert read.headers["etag"] == made.headers["etag"]
    whole = shown(read)
    assert whole == {k: v for k, v in employee.items() if k != "warnings"}
    assert whole["identifier"]["value"] == body["identifier"]
    assert whole["identifier"]["kind"] == "nip"
    assert whole["profile"]["full_name"] == "Dra. Siti Aminah, M.Si."
    assert whole["profile"]["email"] == "siti@contoh.go.id"
    assert whole["status"]["status"] == "pns"
    assert (whole["golongan"]["golongan"], whole["golongan"]["pangkat"]) == ("III/a", "Penata Muda")
    assert whole["education"]["level"] == "s2"
    assert whole["position"] is None
    assert whole["nik_recorded"] is True
    assert NIK not in read.text
    assert (whole["version"], whole["birth_date"], whole["sex"]) == (1, "1985-01-15", "female")


async def test_not_modified_until_something_changes(hr: Client, owner: asyncpg.Connection) -> None:
    government = Government(hr, owner)
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    position = await government.position(unit, "ANALIS")
    employee = await enter(hr)
    shown(await government.assign(position, employee), 201)
    first = await hr.get(f"/employees/{employee}")
    assert shown(first)["position"]["title"] == "Jabatan ANALIS"
    assert shown(first)["position"]["unit_name"] == "Unit KAB"
    again = {"If-None-Match": first.headers["etag"]}
    assert (await hr.get(f"/employees/{employee}", headers=again)).status_code == 304
    # Nothing of the employee changes, but the answer does.
    await owner.execute("UPDATE unit_versions SET name = 'Badan Kepegawaian'")
    renamed = await hr.get(f"/employees/{employee}", headers=again)
    assert shown(renamed)["position"]["unit_name"] == "Badan Kepegawaian"


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ("19850115201001200", "identifier_length"),
        ("198513152010012001", "identifier_birth_date"),
        ("19850115201001200A", "identifier_not_digits"),
        ("198501152010132001", "identifier_appointment_month"),
        ("198501152010013001", "identifier_sex"),
        ("198501152010012000", "identifier_sequence"),
    ],
)
async def test_the_identifier_must_be_one(hr: Client, identifier: str, code: str) -> None:
    found = problem(await hr.post("/employees", json=person(identifier=identifier)), 422, "invalid")
    assert [(e["pointer"], e["code"]) for e in found["errors"]] == [("/identifier", code)]
    assert identifier not in str(found)


async def test_an_identifier_that_disagrees_only_warns(hr: Client) -> None:
    body = person(birth_date="1985-01-16", sex="male")
    warned = shown(await hr.post("/employees", json=body), 201)["warnings"]
    assert [(w["pointer"], w["code"]) for w in warned] == [
        ("/birth_date", "birth_date_differs"),
        ("/sex", "sex_differs"),
    ]
    assert "Tanggal lahir" in warned[0]["detail"]
    english = await hr.post(
        "/employees", json=person(sex="male"), headers={"Accept-Language": "en"}
    )
    assert "The sex differs" in shown(english, 201)["warnings"][0]["detail"]


async def test_golongan_and_identifier_must_fit_the_status(hr: Client) -> None:
    pppk = {"status": "pppk", "effective_from": "2022-03-01"}
    found = problem(await hr.post("/employees", json=person(status=pppk)), 422, "invalid")
    assert found["errors"][0]["code"] == "golongan_does_not_fit"
    assert found["errors"][0]["pointer"] == "/golongan"
    found = problem(
        await hr.post("/employees", json=person(status=pppk, golongan=None)), 422, "invalid"
    )
    assert found["errors"][0]["code"] == "identifier_does_not_fit"
    grade = {"golongan": "IX", "effective_from": "2022-03-01"}
    body = person(status=pppk, golongan=grade, identifier=ni_pppk())
    employee = shown(await hr.post("/employees", json=body), 201)
    assert employee["golongan"]["pangkat"] is None


async def test_no_two_share_an_identifier_or_a_nik(hr: Client) -> None:
    body = person(nik=NIK)
    shown(await hr.post("/employees", json=body), 201)
    same = person(identifier=body["identifier"])
    problem(await hr.post("/employees", json=same), 409, "identifier_taken")
    problem(await hr.post("/employees", json=person(nik=NIK)), 409, "nik_taken")


async def test_nothing_begins_before_the_birth(hr: Client) -> None:
    status = {"status": "pns", "effective_from": "1985-01-15"}
    found = problem(await hr.post("/employees", json=person(status=status)), 422, "invalid")
    assert found["errors"][0]["pointer"] == "/status/effective_from"


async def test_correcting_what_does_not_change_with_time(hr: Client) -> None:
    employee = await enter(hr)
    path = f"/employees/{employee}"
    read = await hr.get(path)
    change = {"birth_place": "Kota Magelang", "birth_date": "1985-01-14"}
    problem(await hr.patch(path, json=change), 428, "if_match_required")
    problem(await hr.patch(path, json=change, headers={"If-Match": '"7"'}), 412, "stale_version")
    changed = await hr.patch(path, json=change, headers=matching(read))
    answer = shown(changed)
    assert (answer["birth_place"], answer["version"]) == ("Kota Magelang", 2)
    assert [w["code"] for w in answer["warnings"]] == ["birth_date_differs"]
    problem(await hr.patch(path, json=change, headers=matching(read)), 412, "stale_version")
    emptied = await hr.patch(path, json={"sex": None}, headers=matching(changed))
    (error,) = problem(emptied, 422, "invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("/sex", "never_empty")


async def test_absent_and_unreadable(hr: Client) -> None:
    problem(await hr.get(f"/employees/{uuid4()}"), 404, "not_found")
    problem(await hr.get("/employees/12"), 422, "invalid")
    problem(
        await hr.patch(f"/employees/{uuid4()}", json={}, headers={"If-Match": '"1"'}),
        404,
        "not_found",
    )
    problem(await hr.post("/employees", json=person(shoe_size=42)), 422, "invalid")


# --- NIK --------------------------------------------------------------------------------------


async def test_the_nik_is_sealed_and_shown_for_a_stated_purpose(
    hr: Client, actors: Actors, owner: asyncpg.Connection
) -> None:
    employee = await enter(hr, nik=NIK)
    row = await owner.fetchrow("SELECT nik_sealed, nik_index FROM employees")
    assert NIK.encode() not in row["nik_sealed"] + row["nik_index"]
    path = f"/employees/{employee}/nik/reveal"
    problem(await hr.post(path, json={}), 422, "invalid")
    assert not await owner.fetchval("SELECT count(*) FROM audit_events WHERE entity = 'nik'")

    why = {"purpose": "Pencocokan dengan Dukcapil"}
    assert shown(await hr.post(path, json=why)) == {"nik": NIK}
    event = await owner.fetchrow("SELECT * FROM audit_events WHERE entity = 'nik'")
    assert (event["kind"], event["operation"]) == ("read", "employees_reveal_nik")
    assert event["purpose"] == "Pencocokan dengan Dukcapil"
    assert event["subject_ids"] == [employee]
    assert event["actor_account_id"] == hr.account_id
    for other in (await actors.auditor(), await actors.asn(employee)):
        problem(await other.post(path, json=why), 403, "forbidden")

    changes = await owner.fetchval("SELECT string_agg(changes::text, '') FROM audit_details")
    assert NIK not in changes
    assert "nik_sealed" not in changes


async def test_no_nik_no_answer_without_its_event(
    app: FastAPI, hr: Client, owner: asyncpg.Connection
) -> None:
    employee = await enter(hr)
    why = {"purpose": "Pencocokan data"}
    problem(await hr.post(f"/employees/{employee}/nik/reveal", json=why), 404, "nik_not_recorded")
    read = await hr.get(f"/employees/{employee}")
    change = await hr.patch(f"/employees/{employee}", json={"nik": NIK}, headers=matching(read))
    assert shown(change)["nik_recorded"] is True
    await owner.execute("REVOKE INSERT ON audit_events FROM kemuning_recorder")
    refused = await hr.post(f"/employees/{employee}/nik/reveal", json=why)
    assert refused.status_code == 503
    assert NIK not in refused.text


# --- roles ------------------------------------------------------------------------------------


async def test_who_may_what(actors: Actors, hr: Client) -> None:
    mine, other = await enter(hr), await enter(hr)
    asn, auditor = await actors.asn(mine), await actors.auditor()
    reader = await actors.service("employees:read")
    writer = await actors.service("employees:write")

    shown(await asn.get(f"/employees/{mine}"))
    shown(await asn.get(f"/employees/{mine}/history"))
    absent = await asn.get(f"/employees/{uuid4()}")
    for path in (f"/employees/{other}", f"/employees/{other}/history"):
        hidden = problem(await asn.get(path), 404, "not_found")
        assert hidden | {"request_id": ""} == absent.json() | {"request_id": ""}
    problem(await asn.get("/employees"), 403, "forbidden")

    for client in (auditor, reader):
        shown(await client.get(f"/employees/{other}"))
        shown(await client.get("/employees"))
    for client in (asn, auditor, reader):
        problem(await client.post("/employees", json=person()), 403, "forbidden")
        change = await client.patch(
            f"/employees/{mine}", json={"birth_place": "X"}, headers={"If-Match": '"1"'}
        )
        problem(change, 403, "forbidden")
    shown(await writer.post("/employees", json=person()), 201)
    problem(await writer.get("/employees"), 403, "forbidden")
    for path in ("/employees", f"/employees/{mine}", f"/employees/{mine}/history"):
        problem(await (await actors.public()).get(path), 403, "forbidden")
        problem(await actors.anonymous().get(path), 401, "unauthenticated")


async def test_reading_anothers_data_leaves_an_event_and_ones_own_none(
    actors: Actors, hr: Client, owner: asyncpg.Connection
) -> None:
    first, second = await enter(hr), await enter(hr)
    asn = await actors.asn(first)
    shown(await asn.get(f"/employees/{first}"))
    reads = "SELECT operation, subject_ids FROM audit_events WHERE kind = 'read' ORDER BY id"
    assert await owner.fetch(reads) == []
    shown(await hr.get(f"/employees/{first}"))
    shown(await hr.get(f"/employees/{second}/history"))
    shown(await hr.get("/employees"))
    events = [(e["operation"], set(e["subject_ids"])) for e in await owner.fetch(reads)]
    assert events == [
        ("employees_get_employee", {first}),
        ("employees_get_history", {second}),
        ("employees_list_employees", {first, second}),
    ]


async def test_the_predicate_and_its_sql_twin_agree(hr: Client, owner: asyncpg.Connection) -> None:
    people = [await enter(hr), await enter(hr)]
    actors = [
        Actor(role=role, account_id=uuid4(), employee_id=employee)
        for role in Role
        for employee in (None, *people)
    ]
    for actor in actors:
        statement = select(Employee.id).where(visible(actor.role, Employee.id))
        sql, values = bind(statement, viewer(actor))
        found = {row["id"] for row in await owner.fetch(sql, *values)}
        assert found == {p for p in people if can_see(actor, p)}, actor


async def test_row_level_security_holds_without_the_application(
    actors: Actors, hr: Client, owner: asyncpg.Connection
) -> None:
    """Every table about employees that an ASN may read has a policy `own`, and shows them their
    rows only.
    """
    mine, other = await enter(hr), await enter(hr)
    for employee in (mine, other):
        asn = await actors.asn(employee)
        request = {"field": "phone", "proposed_value": "0812345678", "reason": "Ganti nomor."}
        shown(await asn.post(f"/employees/{employee}/correction-requests", json=request), 201)
        for part, fact in (
            ("educations", {"level": "s1"}),
            ("disciplines", {"level": "ringan", "fact": "x", "effective_from": "2024-01-01"}),
        ):
            shown(await hr.post(f"/employees/{employee}/{part}", json=fact), 201)
    government = Government(hr, owner)
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    for number, employee in enumerate((mine, other)):
        position = await government.position(unit, f"P{number}")
        shown(await government.assign(position, employee), 201)

    about_employees = await owner.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'employee_id'"
        " AND table_name <> 'accounts'"
        " AND has_table_privilege('kemuning_asn', format('%I.%I', table_schema, table_name),"
        " 'SELECT')"
        " UNION SELECT 'employees', 'id' ORDER BY 1"
    )
    guarded = {
        row["tablename"]
        for row in await owner.fetch(
            "SELECT tablename FROM pg_policies WHERE policyname = 'own'"
            " AND roles = '{kemuning_asn}' AND cmd = 'SELECT'"
        )
    }
    tables = {row["table_name"]: row["column_name"] for row in about_employees}
    assert len(tables) >= 9
    assert guarded >= tables.keys()
    recorded = {
        table
        for table, column in tables.items()
        if await owner.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", mine)
    }
    assert len(recorded) >= 8
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(
        "SELECT set_config('role', 'kemuning_asn', true), set_config('app.employee', $1, true)",
        str(mine),
    )
    for table, column in tables.items():
        seen = {row[0] for row in await owner.fetch(f"SELECT {column} FROM {table}")}
        assert seen == ({mine} if table in recorded else set()), table
    for table in tables.keys() - {"correction_requests"}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with owner.transaction():
                await owner.execute(f"DELETE FROM {table}")
    await transaction.rollback()


# --- races ------------------------------------------------------------------------------------


async def test_racing_changes_lose_no_update(hr: Client, owner: asyncpg.Connection) -> None:
    """Of two hundred that start from one version, as many win as there are new versions."""
    employee = await enter(hr)
    path = f"/employees/{employee}"

    async def change(number: int) -> int:
        answer = await hr.patch(
            path, json={"birth_place": f"Kota {number}"}, headers={"If-Match": '"1"'}
        )
        return answer.status_code

    answers = await asyncio.gather(*(change(n) for n in range(200)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 412, 503}
    assert await owner.fetchval("SELECT version FROM employees") == 2


async def test_racing_changes_that_retry_add_up(hr: Client, owner: asyncpg.Connection) -> None:
    employee = await enter(hr)
    path = f"/employees/{employee}"

    async def add_one() -> None:
        while True:
            read = await hr.get(path)
            number = int(read.json()["birth_place"].removeprefix("Kota ") or 0)
            answer = await hr.patch(
                path, json={"birth_place": f"Kota {number + 1}"}, headers=matching(read)
            )
            if answer.status_code == 200:
                return
            assert answer.status_code in (412, 503)

    read = await hr.get(path)
    shown(await hr.patch(path, json={"birth_place": "Kota 0"}, headers=matching(read)))
    await asyncio.gather(*(add_one() for _ in range(20)))
    row = await owner.fetchrow("SELECT birth_place, version FROM employees")
    assert tuple(row) == ("Kota 20", 22)


async def test_one_key_enters_one_employee(hr: Client, owner: asyncpg.Connection) -> None:
    body = person(nik=NIK)

    async def enter_once() -> Any:
        return await hr.post("/employees", json=body, headers={"Idempotency-Key": "abc"})

    answers = await asyncio.gather(*(enter_once() for _ in range(100)))
    made = {a.json()["id"] for a in answers if a.status_code == 201}
    assert len(made) == 1
    assert {a.json()["code"] for a in answers if a.status_code != 201} <= {
        "idempotency_in_flight",
        "overloaded",
    }
    assert await owner.fetchval("SELECT count(*) FROM employees") == 1
    replay = await enter_once()
    assert replay.headers["idempotency-replayed"] == "true"
    assert {replay.json()["id"]} == made


async def test_one_identifier_enters_one_employee(hr: Client, owner: asyncpg.Connection) -> None:
    value = nip()
    answers = await asyncio.gather(
        *(hr.post("/employees", json=person(identifier=value)) for _ in range(10))
    )
    assert sorted({a.status_code for a in answers}) == [201, 409]
    assert [a.status_code for a in answers].count(201) == 1
    assert await owner.fetchval("SELECT count(*) FROM employee_profiles") == 1


# --- subject access ---------------------------------------------------------------------------


async def test_all_about_me_as_one_document(actors: Actors, hr: Client) -> None:
    mine, other = await enter(hr, nik=NIK), await enter(hr)
    asn = await actors.asn(mine)
    request = {"field": "phone", "proposed_value": "0812345678", "reason": "Ganti nomor."}
    shown(await asn.post(f"/employees/{mine}/correction-requests", json=request), 201)
    document = shown(await asn.get(f"/employees/{mine}/data-export"))
    assert document["employee"]["id"] == document["history"]["id"] == str(mine)
    assert document["nik"] == NIK
    assert [r["field"] for r in document["correction_requests"]] == ["phone"]
    assert document["processing_trail"] == "/api/v1/me/data-access"
    problem(await asn.get(f"/employees/{other}/data-export"), 404, "not_found")
    problem(await hr.get(f"/employees/{mine}/data-export"), 403, "forbidden")


async def test_ids_of_others_parts_are_absent(hr: Client) -> None:
    first, second = await entered(hr), await entered(hr)
    made = await hr.post(f"/employees/{first['id']}/educations", json={"level": "s1"})
    education = UUID(shown(made, 201)["id"])
    path = f"/employees/{second['id']}/educations/{education}"
    problem(await hr.delete(path, headers={"If-Match": '"1"'}), 404, "not_found")


async def test_nobody_changes_their_own_record(actors: Actors, hr: Client) -> None:
    """An officer who is an employee too leaves their own record to a colleague."""
    me = await enter(hr)
    officer = await actors.sign_in(Role.HR_ADMIN, me)
    fact = {"level": "ringan", "fact": "x", "effective_from": "2024-01-01"}
    problem(await officer.post(f"/employees/{me}/disciplines", json=fact), 403, "own_record")
    shown(await hr.post(f"/employees/{me}/disciplines", json=fact), 201)
