"""Imports of employees through the API, with the worker doing its jobs inside the test."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.access.actors import Actor
from app.access.imports import can_see, visible
from app.embedded import EmbeddedServer
from app.jobs import run_pending_jobs
from app.main import create_app
from app.models.imports import Import
from app.pagination import encode_cursor
from app.services.imports.employees import work
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.messy import MUST_MEND, messy_sample
from app.services.imports.employees.planning import make_plan
from app.services.imports.template import csv_bytes
from app.vocabulary import Role
from tests.actors import Actors, problem
from tests.conftest import settings_for
from tests.importing import (
    POSITIONS,
    Officer,
    csv_file,
    headed,
    mend,
    organise,
    person,
    xlsx_file,
)


@pytest.fixture
async def officer(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Officer:
    """An officer in an organisation without people."""
    await organise(owner)
    return Officer(app, await actors.hr_admin())


async def test_a_clean_file_brings_in_everybody(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    people = [person(number) for number in range(30)]
    done = await officer.bring(people)
    assert done["state"] == "imported", done
    assert done["counts"] == {
        "rows": 30, "new": 30, "changed": 0, "unchanged": 0, "skipped": 0, "wrong": 0,
        "warnings": 0,
    }  # fmt: skip
    for table in ("employees", "employee_profiles", "employee_identifiers", "employee_statuses",
                  "employee_golongan", "employee_educations", "seat_assignments"):  # fmt: skip
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 30, table
    again = await officer.bring(people)
    assert again["state"] == "imported"
    assert again["counts"]["unchanged"] == 30
    assert again["counts"]["new"] == again["counts"]["changed"] == 0


async def test_messy_file_from_dry_run_to_unchanged(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    people = [person(number) for number in range(40)]
    dry = await officer.bring(messy_sample(people), "nominatif.xlsx", dry_run=True)
    assert dry["state"] == "checked"
    assert dry["counts"]["wrong"] == len(MUST_MEND)
    assert dry["counts"]["skipped"] == 1
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0
    errors = await officer.findings(dry["id"], severity="error")
    assert [found["code"] for found in errors] == list(MUST_MEND)
    assert all(person(0)["nip"][:8] not in found["detail"] for found in errors)

    refused = await officer.bring(messy_sample(people), "nominatif.xlsx")
    assert refused["state"] == "refused"
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0

    partial = await officer.bring(messy_sample(people), "nominatif.xlsx", partial=True)
    assert partial["state"] == "imported"
    assert partial["counts"]["new"] == 40 - len(MUST_MEND)

    answer = await officer.client.get(f"/imports/{partial['id']}/error-file")
    assert answer.headers["content-type"].startswith("application/vnd.openxml")
    assert "nominatif-kesalahan.xlsx" in answer.headers["content-disposition"]
    mended = mend(answer.content, people)
    done = await officer.bring(mended, "nominatif-kesalahan.xlsx")
    assert done["state"] == "imported", await officer.findings(done["id"])
    assert done["counts"]["new"] == len(MUST_MEND)

    again = await officer.bring(people)
    assert again["counts"]["unchanged"] == 40, await officer.findings(again["id"])
    assert await owner.fetchval("SELECT count(*) FROM employees") == 40


async def test_one_wrong_row_leaves_no_trace(officer: Officer, owner: asyncpg.Connection) -> None:
    people = [person(1), person(2, unit_code="BKPSDN"), person(3)]
    done = await officer.bring(people)
    assert done["state"] == "refused"
    assert done["counts"] | {"warnings": 0} == {
        "rows": 3, "new": 2, "changed": 0, "unchanged": 0, "skipped": 0, "wrong": 1, "warnings": 0,
    }  # fmt: skip
    [found] = await officer.findings(done["id"])
    assert (found["row_number"], found["column"], found["code"]) == (
        3,
        "unit_code",
        "unit_code_unknown",
    )
    assert "BKPSDM" in found["detail"]
    for table in ("employees", "employee_profiles", "seat_assignments"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_apply_a_finished_dry_run(officer: Officer, owner: asyncpg.Connection) -> None:
    dry = await officer.bring([person(1), person(2)], dry_run=True)
    answer = await officer.client.post(f"/imports/{dry['id']}/apply")
    assert answer.status_code == 202, answer.text
    await run_pending_jobs(officer.app.state.runtime)
    done = await officer.look(answer.json()["id"])
    assert (done["state"], done["counts"]["new"]) == ("imported", 2)
    problem(await officer.client.post(f"/imports/{done['id']}/apply"), 409, "import_not_checked")
    wrong = await officer.bring([person(3), person(4, unit_code="X")], dry_run=True)
    url = f"/imports/{wrong['id']}/apply"
    problem(await officer.client.post(url), 409, "import_rows_wrong")
    assert (await officer.client.post(url, params={"partial": True})).status_code == 202
    await run_pending_jobs(officer.app.state.runtime)
    assert await owner.fetchval("SELECT count(*) FROM employees") == 3


CHANGES = {
    "golongan": {"golongan": "III/c", "golongan_since": "01-04-2024"},
    "name": {"name": "Siti Sekarang"},
    "position": {"unit_code": "BKPSDM-SEK", "job_since": "01-02-2024"},
    "status": {"status": "CPNS", "status_since": "01-01-2011"},
    "birth place": {"birth_place": "Magelang"},
    "education": {"education_level": "S2", "education_year": "2015"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_a_change_is_dated_and_made_once(
    officer: Officer, owner: asyncpg.Connection, changes: dict[str, str]
) -> None:
    await officer.bring([person(1), person(2)])
    changed = [person(1, **changes), person(2)]
    done = await officer.bring(changed)
    assert done["state"] == "imported", await officer.findings(done["id"])
    assert (done["counts"]["changed"], done["counts"]["unchanged"]) == (1, 1)
    versions = await owner.fetch("SELECT version FROM employees ORDER BY version")
    assert [row["version"] for row in versions] == [1, 2]
    again = await officer.bring(changed)
    assert again["counts"]["unchanged"] == 2, await officer.findings(again["id"])


async def test_history_is_kept(officer: Officer, owner: asyncpg.Connection) -> None:
    await officer.bring([person(1)])
    await officer.bring([person(1, **CHANGES["golongan"])])
    await officer.bring([person(1, **CHANGES["golongan"], **CHANGES["position"])])
    employee = await owner.fetchval("SELECT id FROM employees")
    history = (await officer.client.get(f"/employees/{employee}/history")).json()
    golongan = [
        (g["golongan"], g["effective_from"], g["effective_until"]) for g in history["golongan"]
    ]
    assert golongan == [
        ("III/b", "2020-04-01", "2024-04-01"),
        ("III/c", "2024-04-01", None),
    ]
    assert [(p["effective_from"], p["effective_until"]) for p in history["positions"]] == [
        ("2022-01-02", "2024-02-01"),
        ("2024-02-01", None),
    ]
    old = await officer.bring([person(1)])
    assert old["state"] == "refused"
    codes = {(f["column"], f["code"]) for f in await officer.findings(old["id"])}
    assert codes == {
        ("golongan_since", "older_than_recorded"),
        ("job_since", "older_than_recorded"),
    }


async def test_everything_is_recorded_as_the_officers_doing(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    await officer.bring([person(number) for number in range(3)])
    events = await owner.fetch(
        "SELECT entity, operation, actor_account_id, cardinality(subject_ids) AS subjects"
        " FROM audit_events WHERE entity LIKE 'employee%' OR entity = 'seat_assignments'"
    )
    assert {event["entity"] for event in events} == {
        "employees", "employee_profiles", "employee_identifiers", "employee_statuses",
        "employee_golongan", "employee_educations", "seat_assignments",
    }  # fmt: skip
    for event in events:
        assert event["operation"] == "imports_create_import"
        assert event["actor_account_id"] == officer.client.account_id
        assert event["subjects"] == 3


async def test_the_nik_is_sealed_to_its_employee(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    without = {**person(1), "nik": ""}
    await officer.bring([without, person(2)])
    await officer.bring([person(1)])
    for number in (1, 2):
        employee = await owner.fetchval(
            "SELECT employee_id FROM employee_identifiers WHERE value = $1", person(number)["nip"]
        )
        answer = await officer.client.post(
            f"/employees/{employee}/nik/reveal", json={"purpose": "Pemeriksaan berkas"}
        )
        assert answer.json()["nik"] == person(number)["nik"], answer.text


WRONG = {
    "unknown unit name": ({"unit_code": "", "unit_name": "Dinas Penddikan"}, "unit_unknown"),
    "ambiguous unit name": ({"unit_code": "", "unit_name": "Sekretariat"}, "unit_ambiguous"),
    "unknown position": ({"job_title": "Pengadministrasi Umu"}, "position_unknown"),
    "other kind": ({"job_kind": "Pengawas"}, "position_kind_differs"),
    "ambiguous position": (
        {"job_title": "Analis SDM Aparatur", "job_kind": ""},
        "position_ambiguous",
    ),
    "no unit": ({"unit_code": ""}, "unit_missing"),
    "before birth": ({"status_since": "01-01-1970"}, "date_before_birth"),
    "golongan of others": ({"golongan": "IX"}, "golongan_not_for_status"),
}


@pytest.mark.parametrize(("changes", "code"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_said(officer: Officer, changes: dict[str, str], code: str) -> None:
    done = await officer.bring([person(1, **changes)], dry_run=True)
    assert [f["code"] for f in await officer.findings(done["id"], severity="error")] == [code]
    assert done["counts"]["wrong"] == 1
    english = await officer.client.get(
        f"/imports/{done['id']}/findings", headers={"Accept-Language": "en"}
    )
    assert english.json()["items"][0]["detail"] != (await officer.findings(done["id"]))[0]["detail"]


async def test_codes_that_differ_by_a_mark_are_two_units(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    other = await owner.fetchval("INSERT INTO units (code) VALUES ('BKP.SDM') RETURNING id")
    await owner.execute(
        "INSERT INTO unit_versions (unit_id, parent_id, name, kind, valid)"
        " SELECT $1, parent_id, 'Bagian', kind, valid FROM unit_versions WHERE name LIKE 'Dinas %'",
        other,
    )
    people = [person(1, unit_code=" bkpsdm"), person(2, unit_code="BKP.SDM")]
    done = await officer.bring(people, dry_run=True)
    errors = await officer.findings(done["id"], severity="error")
    assert [(f["row_number"], f["code"]) for f in errors] == [(3, "position_unknown")]


async def test_two_people_are_never_made_one(officer: Officer) -> None:
    await officer.bring([person(1)])
    rows = [
        {**person(2, name="Bambang Hartono"), "nip": person(1)["nip"], "nik": ""},
        person(3, nik=person(1)["nik"]),
        person(4, nik=person(5)["nik"]),
        person(5),
    ]
    done = await officer.bring(rows, dry_run=True)
    errors = await officer.findings(done["id"], severity="error")
    assert [(f["row_number"], f["code"]) for f in errors] == [
        (2, "identifier_of_other"),
        (3, "nik_of_other"),
        (4, "nik_repeated"),
        (5, "nik_repeated"),
    ]


async def test_who_left_and_whose_number_changed(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    await officer.bring([person(1), person(2)])
    await owner.execute(
        "UPDATE employee_statuses s SET valid = daterange(lower(s.valid), '2025-01-01'),"
        " end_reason = 'pensiun' FROM employee_identifiers i"
        " WHERE i.employee_id = s.employee_id AND i.value = $1",
        person(1)["nip"],
    )
    await owner.execute(
        "UPDATE employee_identifiers SET valid = daterange(lower(valid), '2025-01-01')"
        " WHERE value = $1",
        person(2)["nip"],
    )
    done = await officer.bring([person(1), person(2)], dry_run=True)
    errors = await officer.findings(done["id"], severity="error")
    assert [f["code"] for f in errors] == ["employee_left", "identifier_replaced"]


async def test_more_holders_than_seats_is_a_warning(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    head = {"job_title": "Kepala Badan Kepegawaian", "job_kind": "JPT Pratama"}
    done = await officer.bring([person(1, **head), person(2, **head)])
    assert done["state"] == "imported"
    assert [f["code"] for f in await officer.findings(done["id"])] == ["seat_over_capacity"]
    seats = await owner.fetch(
        "SELECT seat_no, over_capacity_reason FROM seat_assignments ORDER BY seat_no"
    )
    assert [tuple(seat) for seat in seats] == [(1, None), (2, "Impor pegawai.csv")]
    moved = person(1, unit_code="BKPSDM-SEK", job_since="01-03-2026")
    successor = person(3, **head, job_since="01-03-2026")
    done = await officer.bring([successor, moved])
    assert done["counts"]["warnings"] == 1  # two in one seat still, as before
    assert await owner.fetchval("SELECT max(seat_no) FROM seat_assignments") == 2


async def test_positions_are_created_where_asked_for(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    new = {"job_title": "Arsiparis Terampil", "job_kind": "Fungsional", "unit_code": "DISDIK"}
    people = [person(1, **new), person(2, **new), person(3)]
    dry = await officer.bring(people, create_positions=True, dry_run=True)
    assert dry["counts"]["wrong"] == 0
    assert await owner.fetchval("SELECT count(*) FROM positions") == len(POSITIONS)
    done = await officer.bring(people, create_positions=True)
    assert done["state"] == "imported", await officer.findings(done["id"])
    made = await owner.fetchrow(
        "SELECT v.*, p.code FROM position_versions v JOIN positions p ON p.id = v.position_id"
        " WHERE title = 'Arsiparis Terampil'"
    )
    assert (made["jenjang"], made["seats"], made["code"][:7]) == ("terampil", 2, "DISDIK-")
    again = await officer.bring(people)
    assert again["counts"]["unchanged"] == 3, await officer.findings(again["id"])


async def test_semicolons_merged_headings_and_a_mapping(officer: Officer) -> None:
    headings, *rows = headed([person(1)])
    grouped = xlsx_file([["DAFTAR PEGAWAI"], [], headings, *rows])
    assert (await officer.bring(grouped, "a.xlsx"))["counts"]["new"] == 1

    headings, *rows = headed([person(2)])
    headings[headings.index("NIP")] = "Nomor Pegawai"
    strange = csv_bytes([headings, *rows])
    refused = await officer.bring(strange)
    assert (refused["state"], refused["problem"]["code"]) == ("refused", "missing_columns")
    assert refused["counts"] is None
    mapped = await officer.bring(strange, mapping=json.dumps({"Nomor Pegawai": "nip"}))
    assert mapped["counts"]["new"] == 1
    for wrong in (
        "{",
        "[]",
        '{"A": "nothing"}',
        '{"A": 1}',
        '{"\\u0000": "nip"}',
        '{"\\ud800": ""}',
    ):
        problem(await officer.send(strange, mapping=wrong), 422, "invalid")


async def test_files_that_are_none(officer: Officer) -> None:
    for content, filename, code in (
        (b"", "a.csv", "empty_file"),
        (b"%PDF-1.7", "a.pdf", "wrong_type"),
        (b"PK\x03\x04 no zip", "a.xlsx", "corrupt"),
        (bomb(), "a.xlsx", "too_large"),
    ):
        done = await officer.bring(content, filename)
        assert (done["state"], done["problem"]["code"]) == ("refused", code)
        problem(
            await officer.client.get(f"/imports/{done['id']}/error-file"),
            404,
            "import_nothing_wrong",
        )


def bomb() -> bytes:
    """A small archive that unpacks to a gigabyte."""
    output = BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(600):
                member.write(bytes(1024 * 1024))
    return output.getvalue()


async def test_a_file_too_large_is_refused_at_the_door(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection
) -> None:
    app = create_app(settings_for(server, database, max_body_bytes=1024, max_import_bytes=50_000))
    actors = Actors(app, owner)
    officer = Officer(app, await actors.hr_admin())
    problem(await officer.send(b"x" * 60_000), 413, "content_too_large")
    assert (await officer.send(b"x" * 30_000)).status_code == 202
    body = b'{"name": "' + b"x" * 2000
    problem(await officer.client.post("/units", content=body), 413, "content_too_large")

    async def unmeasured() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    answer = await officer.client.post("/units", content=unmeasured())
    problem(answer, 413, "content_too_large")
    await actors.close()
    await app.state.runtime.close()


async def test_the_same_file_twice_at_once(officer: Officer, owner: asyncpg.Connection) -> None:
    content = csv_file([person(number) for number in range(10)])
    first, second = await asyncio.gather(officer.send(content), officer.send(content))
    runtime = officer.app.state.runtime
    await asyncio.gather(run_pending_jobs(runtime), run_pending_jobs(runtime))
    done = [await officer.look(answer.json()["id"]) for answer in (first, second)]
    assert {d["state"] for d in done} == {"imported"}
    assert sorted(d["counts"]["new"] for d in done) == [0, 10]
    assert await owner.fetchval("SELECT count(*) FROM employees") == 10


async def test_one_key_is_one_import(officer: Officer, owner: asyncpg.Connection) -> None:
    content = csv_file([person(1)])
    key = {"Idempotency-Key": "monday"}
    first = await officer.send(content, headers=key)
    second = await officer.send(content, headers=key)
    assert first.json()["id"] == second.json()["id"]
    problem(await officer.send(content + b"\n", headers=key), 422, "idempotency_key_reused")
    assert await owner.fetchval("SELECT count(*) FROM imports") == 1
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 1


async def test_a_change_made_meanwhile_is_not_lost(
    officer: Officer, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes an employee between the plan and the writing: the plan is made again."""
    await officer.bring([person(1)])
    employee = await owner.fetchval("SELECT id FROM employees")
    plans = []

    async def plan_then_meddle(session: AsyncSession, day: date) -> dict[str, int]:
        counts = await make_plan(session, day)
        plans.append(counts)
        if len(plans) == 1:
            answer = await officer.client.patch(
                f"/employees/{employee}",
                json={"birth_place": "Salatiga"},
                headers={"If-Match": '"1"'},
            )
            assert answer.status_code == 200, answer.text
        return counts

    monkeypatch.setattr(work, "make_plan", plan_then_meddle)
    row = {**person(1, name="Siti Baru"), "birth_place": ""}
    done = await officer.bring([row])
    assert done["state"] == "imported"
    assert len(plans) == 2
    kept = await owner.fetchrow("SELECT birth_place, version FROM employees")
    assert tuple(kept) == ("Salatiga", 3)


async def test_a_fault_of_the_server_is_said_after_the_last_attempt(
    officer: Officer, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(work, "make_plan", fail)
    monkeypatch.setattr(jobs, "ATTEMPTS", 2)
    done = await officer.bring([person(1)])
    assert (done["state"], done["problem"]["code"]) == ("failed", "import_failed")
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_who_may_and_who_sees(
    officer: Officer, actors: Actors, owner: asyncpg.Connection
) -> None:
    done = await officer.bring([person(1)])
    employee = await owner.fetchval("SELECT id FROM employees")
    script = await actors.service("imports:read", "imports:write")
    for client in (await actors.public(), await actors.asn(employee), await actors.auditor(),
                   await actors.service("employees:read")):  # fmt: skip
        problem(await client.get("/imports"), 403, "forbidden")
        problem(await client.post("/imports", files={"file": ("a.csv", b"x")}), 403, "forbidden")
    problem(await actors.anonymous().get("/imports"), 401, "unauthenticated")

    for path in ("", "/findings", "/error-file"):
        problem(await script.get(f"/imports/{done['id']}{path}"), 404, "not_found")
    problem(await script.post(f"/imports/{done['id']}/apply"), 404, "not_found")
    assert (await script.get("/imports")).json()["items"] == []

    mine = await Officer(officer.app, script).bring([person(2)])
    assert mine["state"] == "imported"
    listed = (await script.get("/imports", params={"include_total": True})).json()
    assert ([i["id"] for i in listed["items"]], listed["total"]) == ([mine["id"]], 1)
    page = (await officer.client.get("/imports", params={"limit": 1})).json()
    assert page["items"][0]["id"] == mine["id"]
    rest = await officer.client.get("/imports", params={"cursor": page["next_cursor"]})
    assert [i["id"] for i in rest.json()["items"]] == [done["id"]]


async def test_row_level_security_keeps_a_script_to_its_own_imports(
    officer: Officer, actors: Actors, owner: asyncpg.Connection
) -> None:
    done = await officer.bring([person(1), person(2, unit_code="X")])
    script = await actors.service("imports:read")
    for persona, account, seen in (
        ("kemuning_service", script.account_id, 0),
        ("kemuning_service", officer.client.account_id, 1),
        ("kemuning_hr_admin", officer.client.account_id, 1),
    ):
        async with owner.transaction():
            await owner.execute(f"SET LOCAL ROLE {persona}")
            await owner.execute("SELECT set_config('app.account', $1, true)", str(account))
            for table in ("imports", "import_files", "import_findings", "import_progress"):
                assert await owner.fetchval(f"SELECT count(*) FROM {table}") == seen, table
    assert done["state"] == "refused"


def test_the_access_rule_and_its_sql_twin_agree() -> None:
    mine, theirs = uuid4(), uuid4()
    for role in Role:
        actor = Actor(role=role, account_id=mine)
        for account in (mine, theirs):
            statement = select(visible(role)).select_from(Import)
            sql = str(statement.compile(compile_kwargs={"literal_binds": False}))
            by_owner = "account_id" in sql
            seen = (account == mine) if by_owner else ("true" in sql.lower() or " 1 = 1" in sql)
            assert can_see(actor, account) is seen, (role, sql)


async def test_columns_and_template(officer: Officer) -> None:
    columns = (await officer.client.get("/imports/columns")).json()["items"]
    assert [c["name"] for c in columns] == [c.name for c in COLUMNS]
    for kind, start in (("xlsx", b"PK"), ("csv", b"\xef\xbb\xbfNIP;")):
        answer = await officer.client.get("/imports/template", params={"format": kind})
        assert answer.content.startswith(start)
        assert f"templat-pegawai.{kind}" in answer.headers["content-disposition"]


async def test_the_error_file_of_a_csv_neutralises_formulas(officer: Officer) -> None:
    done = await officer.bring([person(1, unit_code="X", address="=HYPERLINK(1)")], dry_run=True)
    answer = await officer.client.get(f"/imports/{done['id']}/error-file")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert b";'=HYPERLINK(1)" in answer.content


async def test_findings_are_paged(officer: Officer) -> None:
    people = [person(number, unit_code="X") for number in range(7)]
    done = await officer.bring(people, dry_run=True)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        url = f"/imports/{done['id']}/findings"
        page = (await officer.client.get(url, params={"limit": 3, **cursor})).json()
        seen += [f["row_number"] for f in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == list(range(2, 9))
    huge = encode_cursor("import_findings", (2**40, 1))
    assert (await officer.client.get(url, params={"cursor": huge})).json()["items"] == []


async def test_who_looks_at_an_error_file_is_recorded(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    await officer.bring([person(1), person(2)])
    done = await officer.bring([person(1, unit_code="X"), person(2)], dry_run=True)
    await officer.client.get(f"/imports/{done['id']}/error-file")
    [event] = await owner.fetch("SELECT * FROM audit_events WHERE kind = 'read'")
    employee = await owner.fetchval(
        "SELECT employee_id FROM employee_identifiers WHERE value = $1", person(1)["nip"]
    )
    assert (event["operation"], event["subject_ids"]) == ("imports_get_error_file", [employee])


async def test_the_database_keeps_no_readable_file(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    nik = "3308014101800007"
    await officer.bring([person(1, unit_code="X", nik=nik)], dry_run=True)
    content = await owner.fetchval("SELECT content FROM import_files")
    assert nik.encode() not in content
    assert person(1)["nip"].encode() not in content
