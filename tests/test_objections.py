"""Objections: filed in time, both sides heard, ruled on once by somebody without a part in it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import ColumnElement, select, true

from app.access.actors import Actor
from app.access.assessments import viewer
from app.access.objections import can_see_objection, objections_visible
from app.database import Database
from app.models.objections import Objection, ObjectionStatement
from app.services.competency_gaps.refreshing import refresh_profiles
from app.services.objections import hearing, reading, standing
from app.services.results import profile
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.measuring import Office, staffed
from tests.organisation import made, ok

REASONS = {"reasons": "Laporan kinerja saya belum dipertimbangkan."}
EVIDENCE = [{"title": "Laporan kinerja 2025", "reference": "LK/12/2025"}]
INTEGRITAS = {"competency": "integritas", "level": "3", "reason": "Laporan kinerja menunjukkannya."}
GRANTED = {"outcome": "granted", "ruling": "Keberatan diterima.", "levels": [INTEGRITAS]}
DENIED = {"outcome": "denied", "ruling": "Keberatan ditolak."}


@dataclass
class Case:
    """A result of level 2 throughout, its person, and everybody who has to do with it."""

    office: Office
    actors: Actors
    owner: asyncpg.Connection
    result: str
    staff: Client
    assessor: Client
    ruler: Client
    """Another officer, without a part in the result."""

    @property
    def hr(self) -> Client:
        """The moderator and publisher."""
        return self.office.hr

    async def file(self, result: str | None = None, **more: Any) -> httpx.Response:
        path = f"/assessment-results/{result or self.result}/objections"
        return await self.staff.post(path, json=REASONS | more)

    async def filed(self, **more: Any) -> str:
        """The path of a new objection."""
        return f"/objections/{made(await self.file(**more))['id']}"

    async def assign(self, path: str, to: Client | UUID, by: Client | None = None) -> Any:
        ruler = to.account_id if isinstance(to, Client) else to
        return await (by or self.hr).post(f"{path}/assign", json={"ruler_id": str(ruler)})

    async def say(self, path: str, by: Client, text: str = "Begini.") -> httpx.Response:
        return await by.post(f"{path}/statements", json={"statement": text})

    async def heard(self) -> str:
        """The path of an objection that may be ruled on."""
        path = await self.filed()
        ok(await self.assign(path, self.ruler))
        made(await self.say(path, self.assessor))
        return path

    async def rule(self, path: str, ruling: Any = GRANTED, **more: Any) -> httpx.Response:
        return await self.ruler.post(f"{path}/rule", json=ruling | more)


@pytest.fixture
async def case(actors: Actors, owner: asyncpg.Connection) -> Case:
    office = await staffed(await actors.hr_admin(), owner)
    assessor = await office.assessing.government.employee("Asesor")
    assessment = await office.measured(
        {"assessor": [2], "peer": [2]}, raters={"assessor": [assessor], "peer": [office.peer]}
    )
    return Case(
        office=office,
        actors=actors,
        owner=owner,
        result=made(await office.publish(assessment))["id"],
        staff=await actors.asn(office.staff),
        assessor=await actors.asn(assessor),
        ruler=await actors.hr_admin(),
    )


@pytest.fixture
def transactions(app: FastAPI) -> Database:
    found: Database = app.state.runtime.database
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The application's clock stands at this instant of UTC."""
    for module in (hearing, reading, standing, profile):
        monkeypatch.setattr(module, "now", lambda: instant(text))


# --- the story ----------------------------------------------------------------------------


async def test_filed_heard_granted_and_computed_again(case: Case, transactions: Database) -> None:
    await refresh_profiles(transactions)
    gaps = {g["competency"]: g["short"] for g in await gaps_of(case)}
    assert gaps["integritas"] == 1
    answer = await case.file(evidence=EVIDENCE)
    filed = made(answer)
    path = f"/objections/{filed['id']}"
    assert answer.headers["location"] == f"/api/v1{path}"
    assert (filed["state"], filed["ruler_assigned"], filed["overdue"]) == ("filed", False, False)
    assert (filed["reasons"], filed["evidence"]) == (REASONS["reasons"], EVIDENCE)
    assert filed["rule"] == "objections-pp-30-2019@1"
    assert filed["days_left"] == 21
    assigned = ok(await case.assign(path, case.ruler))
    assert (assigned["state"], assigned["version"]) == ("hearing", 2)
    assert assigned["ruler_id"] == str(case.ruler.account_id)
    made(await case.say(path, case.staff, "Saya menambahkan laporan."))
    made(await case.say(path, case.assessor, "Simulasi menunjukkan level 2."))
    made(await case.say(path, case.hr, "Moderasi mengikuti asesor."))

    ruled = ok(await case.rule(path))
    assert (ruled["state"], ruled["outcome"], ruled["version"]) == ("ruled", "granted", 6)
    assert ruled["days_left"] is None
    assert ruled["levels"] == [INTEGRITAS | {"before": "2.00", "level": "3.00"}]
    seen = ok(await case.staff.get(path))
    sides = [(s["side"], s["author_id"]) for s in seen["statements"]]
    assert sides == [("person", None), ("assessors", None), ("assessors", None)]
    assert seen["ruler_id"] is None

    result = ok(await case.staff.get(f"/assessment-results/{ruled['new_result_id']}"))
    assert (result["version_no"], result["in_force"], result["gaps"]) == (2, True, 8)
    assert result["jpm"] == "70.37"  # 19 of 27
    scores = {s["code"]: s for s in result["scores"]}
    assert (scores["integritas"]["actual"], scores["komunikasi"]["actual"]) == ("3.00", "2.00")
    assert [v["version_no"] for v in result["versions"]] == [1, 2]
    # Who sees the result learns that there was a ruling, and not what was said.
    assert result["reason"] == f"Putusan atas keberatan {filed['id']}."
    old = ok(await case.staff.get(f"/assessment-results/{case.result}"))
    assert (old["in_force"], old["gaps"]) == (False, 9)

    assert await refresh_profiles(transactions) > 0
    after = {g["competency"]: g["short"] for g in await gaps_of(case)}
    assert after == gaps | {"integritas": 0}


async def gaps_of(case: Case) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(await case.hr.get("/competency-gaps"))["items"]
    return items


async def test_denied_changes_no_result(case: Case) -> None:
    path = await case.heard()
    ruled = ok(await case.rule(path, DENIED))
    assert (ruled["outcome"], ruled["new_result_id"], ruled["levels"]) == ("denied", None, [])
    assert ok(await case.staff.get(f"/assessment-results/{case.result}"))["in_force"] is True
    problem(await case.file(), 409, "objection_filed")


async def test_every_step_is_audited_about_the_person(case: Case) -> None:
    path = await case.heard()
    ok(await case.rule(path))
    events = await case.owner.fetch(
        "SELECT operation, entity FROM audit_events WHERE $1 = ANY (subject_ids)"
        " AND kind = 'write' ORDER BY id",
        case.office.staff,
    )
    found = [(e["operation"].removeprefix("objections_"), e["entity"]) for e in events]
    assert ("file_objection", "objections") in found
    assert ("assign", "objections") in found
    assert ("add_statement", "objection_statements") in found
    assert {e for o, e in found if o == "rule"} >= {
        *("objections", "assessment_results", "competency_scores")
    }


# --- filing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "last_second"),
    [
        ("2026-11-10T16:59:59", "2026-11-24T16:59:59"),  # late on 10 November in Jakarta
        ("2026-11-10T17:00:00", "2026-11-25T16:59:59"),  # 11 November has begun there
    ],
)
async def test_filing_ends_at_midnight_in_jakarta(
    published: str, last_second: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case.owner.execute("UPDATE assessment_results SET published_at = $1", instant(published))
    midnight = instant(last_second) + timedelta(seconds=1)
    at(monkeypatch, midnight.isoformat()[:19])
    late = problem(await case.file(), 409, "objection_too_late")
    assert datetime.fromisoformat(late["file_by"]) == midnight
    assert late["detail"].endswith(f"{instant(last_second).day} November 2026.")
    assert (await chance(case))["open"] is False
    at(monkeypatch, last_second)
    before = await chance(case)
    assert before["open"] is True
    filed = made(await case.file())
    assert filed["file_by"] == before["file_by"]
    assert datetime.fromisoformat(filed["file_by"]) == midnight
    after = await chance(case)
    assert (after["objection_id"], after["state"], after["open"]) == (filed["id"], "filed", False)


async def chance(case: Case) -> dict[str, Any]:
    """What the profile says of objecting."""
    shown = ok(await case.staff.get(f"/employees/{case.office.staff}/competency-profile"))
    found: dict[str, Any] = shown["objection"]
    return found


async def test_nobody_objects_for_another(case: Case) -> None:
    path = f"/assessment-results/{case.result}/objections"
    chief = await case.actors.asn(case.office.chief)
    for knows in (chief, case.assessor):
        problem(await knows.post(path, json=REASONS), 403, "forbidden")
    stranger = await case.actors.asn(case.office.stranger)
    problem(await stranger.post(path, json=REASONS), 404, "not_found")
    problem(await case.hr.post(path, json=REASONS), 403, "forbidden")
    problem(await case.file(str(uuid4())), 404, "not_found")


async def test_one_objection_a_result(case: Case) -> None:
    answers = await asyncio.gather(*(case.file() for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409]
    problem(await case.file(), 409, "objection_filed")


async def test_a_ruling_can_not_be_objected_to(case: Case) -> None:
    new = ok(await case.rule(await case.heard()))["new_result_id"]
    problem(await case.file(new), 409, "ruling_final")
    problem(await case.file(), 409, "result_replaced")
    assert (await chance(case))["how"] == "Hasil ini adalah putusan akhir atas keberatan."


async def test_filing_is_repeated_by_its_key(case: Case) -> None:
    path = f"/assessment-results/{case.result}/objections"
    key = {"Idempotency-Key": "keberatan-1"}
    first, second = [await case.staff.post(path, json=REASONS, headers=key) for _ in range(2)]
    assert made(first) == made(second)


# --- withdrawing --------------------------------------------------------------------------


async def test_withdrawn_and_filed_again(case: Case) -> None:
    path = await case.heard()
    problem(await case.assessor.post(f"{path}/withdraw"), 403, "forbidden")
    assert ok(await case.staff.post(f"{path}/withdraw"))["state"] == "withdrawn"
    for attempt in (
        case.staff.post(f"{path}/withdraw"),
        case.assign(path, case.ruler),
        case.say(path, case.staff),
        case.say(path, case.assessor),
        case.rule(path),
    ):
        found = problem(await attempt, 409, "transition_not_allowed")
        assert (found["state"], found["allowed"]) == ("withdrawn", [])
    await case.filed()


async def test_a_ruling_is_final(case: Case) -> None:
    path = await case.heard()
    ok(await case.rule(path, DENIED))
    for attempt in (
        case.staff.post(f"{path}/withdraw"),
        case.assign(path, case.ruler),
        case.say(path, case.hr),
        case.rule(path),
    ):
        found = problem(await attempt, 409, "transition_not_allowed")
        assert (found["state"], found["allowed"]) == ("ruled", [])


# --- who rules ----------------------------------------------------------------------------


async def test_nobody_with_a_part_in_it_is_assigned(case: Case) -> None:
    path = await case.filed()
    office, officer = case.office, case.actors.sign_in
    leads = await case.actors.sign_in(Role.HR_ADMIN, office.head)
    subordinate_of_chief = await objection_of_chief(case)
    refused = {
        "has_moderated": case.hr.account_id,
        "is_the_person": (await officer(Role.HR_ADMIN, office.staff)).account_id,
        "has_rated": (await officer(Role.HR_ADMIN, case.assessor.employee_id)).account_id,
        "no_officer": case.staff.account_id,
    }
    for code, account in refused.items():
        await assert_refused(case, path, account, code)
    peer = (await officer(Role.HR_ADMIN, office.peer)).account_id
    await assert_refused(case, path, peer, "has_rated")
    await assert_refused(case, path, uuid4(), "no_officer")
    staff = (await officer(Role.HR_ADMIN, office.staff)).account_id
    await assert_refused(case, subordinate_of_chief, staff, "is_subordinate")
    ok(await case.assign(path, leads))  # a superior may: they had no part in it
    gone = await case.actors.hr_admin()
    await case.owner.execute(
        "UPDATE accounts SET disabled_at = now() WHERE id = $1", gone.account_id
    )
    await assert_refused(case, path, gone.account_id, "no_officer")
    assert ok(await case.hr.get(path))["ruler_id"] == str(leads.account_id)


async def objection_of_chief(case: Case) -> str:
    """Of the one who leads the staff member."""
    position, chief = case.office.chief_position, case.office.chief
    result = await case.office.published(2, employee=chief, position=position)
    client = await case.actors.asn(chief)
    filed = await client.post(f"/assessment-results/{result['id']}/objections", json=REASONS)
    return f"/objections/{made(filed)['id']}"


async def assert_refused(case: Case, path: str, account: UUID | None, code: str) -> None:
    assert account is not None
    (error,) = problem(await case.assign(path, account), 422, "invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("/ruler_id", code)


async def test_who_published_only_is_not_assigned_by_any_account(case: Case) -> None:
    """Also by another account of the same employee."""
    twice = await case.office.assessing.government.employee("Petugas")
    publisher = await case.actors.sign_in(Role.HR_ADMIN, twice)
    other_account = await case.actors.sign_in(Role.HR_ADMIN, twice)
    assessment = await case.office.measured({"assessor": [2]})
    result = made(await case.office.publish(assessment, by=publisher))["id"]
    path = await case.filed(result=result)
    for client in (publisher, other_account):
        await assert_refused(case, path, client.account_id, "has_published")
    made(await case.say(path, publisher, "Saya yang menerbitkan."))


async def test_nobody_assigns_for_their_own_objection(case: Case) -> None:
    path = await case.filed()
    oneself = await case.actors.sign_in(Role.HR_ADMIN, case.office.staff)
    problem(await case.assign(path, case.ruler, by=oneself), 403, "own_assessment")
    problem(await case.say(path, oneself), 403, "own_assessment")


async def test_only_the_ruler_rules_and_only_while_uninvolved(case: Case) -> None:
    path = await case.filed()
    found = problem(await case.rule(path), 409, "transition_not_allowed")
    assert (found["state"], found["allowed"]) == ("filed", ["hearing", "withdrawn"])
    made(await case.say(path, case.assessor))
    problem(await case.rule(path), 403, "not_the_ruler")  # nobody is assigned yet
    ok(await case.assign(path, case.ruler))
    problem(await case.hr.post(f"{path}/rule", json=GRANTED), 403, "not_the_ruler")
    await case.owner.execute(
        "UPDATE accounts SET employee_id = $1 WHERE id = $2",
        case.assessor.employee_id,
        case.ruler.account_id,
    )
    found = problem(await case.rule(path), 403, "ruler_involved")
    assert found["because"] == "has_rated"
    other = await case.actors.hr_admin()
    ok(await case.assign(path, other))
    ok(await other.post(f"{path}/rule", json=GRANTED))


# --- what is heard, and ruled -------------------------------------------------------------


async def test_both_sides_are_heard(case: Case) -> None:
    path = await case.filed()
    ok(await case.assign(path, case.ruler))
    made(await case.say(path, case.staff))
    problem(await case.say(path, case.ruler), 403, "no_side")
    problem(await case.rule(path), 409, "side_not_heard")
    unheard = "Asesor tidak menjawab panggilan."
    ruled = ok(await case.rule(path, unheard_reason=unheard))
    assert ruled["unheard_reason"] == unheard


async def test_who_was_heard_is_not_called_unheard(case: Case) -> None:
    path = await case.heard()
    answer = problem(await case.rule(path, unheard_reason="Tidak hadir."), 422, "invalid")
    assert [e["code"] for e in answer["errors"]] == ["side_heard"]


@pytest.mark.parametrize(
    ("ruling", "pointer", "code"),
    [
        (GRANTED | {"levels": []}, "/levels", "missing"),
        (DENIED | {"levels": [INTEGRITAS]}, "/levels", "denied"),
        (GRANTED | {"levels": [INTEGRITAS | {"level": "2.00"}]}, "/levels", "nothing_changes"),
        (GRANTED | {"levels": [INTEGRITAS | {"level": "1.00"}]}, "/levels", "only_lowered"),
        (
            GRANTED | {"levels": [INTEGRITAS | {"competency": "tak-ada"}]},
            "/levels/0/competency",
            "unknown_competency",
        ),
        (GRANTED | {"levels": [INTEGRITAS] * 2}, "/levels/1/competency", "named_twice"),
        *(
            (
                GRANTED | {"levels": [INTEGRITAS | {"level": level}]},
                "/levels/0/level",
                "string_pattern_mismatch",
            )
            for level in ("5.01", "6", "-1", "2.345", "nan", "")
        ),
    ],
)
async def test_a_ruling_that_can_not_be(
    ruling: dict[str, Any], pointer: str, code: str, case: Case
) -> None:
    path = await case.heard()
    (error,) = problem(await case.rule(path, ruling), 422, "invalid")["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert ok(await case.hr.get(path))["state"] == "hearing"
    assert ok(await case.hr.get(f"/assessment-results/{case.result}"))["in_force"] is True


# --- races --------------------------------------------------------------------------------


async def test_of_two_rulings_at_once_one_counts(case: Case) -> None:
    path = await case.heard()
    other = GRANTED | {"levels": [INTEGRITAS | {"level": "4.5"}]}
    answers = await asyncio.gather(*(case.rule(path, r) for r in (GRANTED, other, DENIED)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "transition_not_allowed")
    versions = await case.owner.fetchval("SELECT count(*) FROM assessment_results")
    assert versions == (1 if ok(await case.hr.get(path))["outcome"] == "denied" else 2)


async def test_ruled_or_withdrawn_but_never_both(case: Case) -> None:
    path = await case.heard()
    answers = await asyncio.gather(case.rule(path), case.staff.post(f"{path}/withdraw"))
    assert sorted(a.status_code for a in answers) == [200, 409]
    (lost,) = (a for a in answers if a.status_code == 409)
    state = ok(await case.hr.get(path))["state"]
    assert problem(lost, 409, "transition_not_allowed")["state"] == state
    versions = await case.owner.fetchval("SELECT count(*) FROM assessment_results")
    assert versions == (2 if state == "ruled" else 1)


# --- clocks and the list ------------------------------------------------------------------


async def test_overdue_from_midnight_in_jakarta(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = instant("2026-11-20T02:00:00")
    await case.owner.execute("UPDATE assessment_results SET published_at = $1", published)
    at(monkeypatch, "2026-11-20T16:59:59")
    path = await case.filed()
    clocks = {
        "2026-11-20T17:00:00": (False, 20),  # the first of 21 days
        "2026-12-11T16:59:59": (False, 0),
        "2026-12-11T17:00:00": (True, -1),
        "2026-12-12T17:00:00": (True, -2),
    }
    for clock, expected in clocks.items():
        at(monkeypatch, clock)
        shown = ok(await case.hr.get(path))
        assert (shown["overdue"], shown["days_left"]) == expected, clock
        for asked in (True, False):
            query = {"overdue": asked, "include_total": True}
            page = ok(await case.hr.get("/objections", params=query))
            there = [shown["id"]] if asked == expected[0] else []
            assert ([i["id"] for i in page["items"]], page["total"]) == (there, len(there)), clock
    ok(await case.staff.post(f"{path}/withdraw"))
    ended = ok(await case.hr.get(path))
    assert (ended["overdue"], ended["days_left"]) == (False, None)
    assert ok(await case.hr.get("/objections?overdue=true"))["items"] == []


async def test_the_list_is_by_what_is_due_first(case: Case) -> None:
    first, second = await case.filed(), await objection_of_chief(case)
    ok(await case.assign(second, case.ruler))
    await case.owner.execute(
        "UPDATE objections SET rule_by = rule_by + interval '1 day' WHERE id = $1",
        UUID(first.rsplit("/", 1)[1]),
    )
    seen: list[str] = []
    cursor: dict[str, str | None] = {}
    for _ in range(2):
        answer = await case.hr.get("/objections", params={"limit": 1, **cursor})
        page = ok(answer)
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert [f"/objections/{each}" for each in seen] == [second, first]
    assert cursor == {"cursor": None}
    for query, expected in (
        ({"state": "filed"}, [first]),
        ({"state": ["filed", "hearing"]}, [second, first]),
        ({"state": ["ruled", "withdrawn"]}, []),
        ({"ruler": str(case.ruler.account_id)}, [second]),
        ({"ruler": str(case.hr.account_id)}, []),
    ):
        items = ok(await case.hr.get("/objections", params=query))["items"]
        assert [f"/objections/{item['id']}" for item in items] == expected
    problem(await case.hr.get("/objections?state=open"), 422, "invalid")
    problem(await case.hr.get("/objections?cursor=x"), 400, "invalid_cursor")


async def test_unchanged_until_something_is_said(case: Case) -> None:
    path = await case.filed()
    unchanged = {"If-None-Match": (await case.staff.get(path)).headers["etag"]}
    assert (await case.staff.get(path, headers=unchanged)).status_code == 304
    made(await case.say(path, case.assessor))
    assert ok(await case.staff.get(path, headers=unchanged))["state"] == "hearing"


# --- who sees it --------------------------------------------------------------------------

SEES = {"staff": True, "assessor": True, "hr_admin": True, "auditor": True, "service": True}
BLIND = ("chief", "head", "peer", "stranger")


async def clients(case: Case) -> dict[str, Client]:
    named = {name: await case.actors.asn(getattr(case.office, name)) for name in BLIND}
    return named | {
        "staff": case.staff,
        "assessor": case.assessor,
        "hr_admin": case.ruler,
        "auditor": await case.actors.auditor(),
        "service": await case.actors.service("assessments:read"),
    }


async def test_the_person_their_assessor_and_the_agency_see_it(case: Case) -> None:
    path = await case.heard()
    for name, client in (await clients(case)).items():
        await assert_sees(client, path, SEES.get(name, False), name)
    for client in (await case.actors.public(), await case.actors.service("employees:read")):
        problem(await client.get(path), 403, "forbidden")
    for client in (await case.actors.auditor(), await case.actors.service("assessments:read")):
        problem(await client.post(f"{path}/rule", json=GRANTED), 403, "forbidden")
        problem(await case.say(path, client), 403, "forbidden")


async def assert_sees(client: Client, path: str, sees: bool, name: str) -> None:
    listed = ok(await client.get("/objections", params={"include_total": True}))
    assert (len(listed["items"]), listed["total"]) == (int(sees), int(sees)), name
    if sees:
        assert len(ok(await client.get(path))["statements"]) == 1, name
        return
    problem(await client.get(path), 404, "not_found")
    problem(await client.post(f"{path}/statements", json={"statement": "Ya."}), 404, "not_found")
    problem(await client.post(f"{path}/withdraw"), 404, "not_found")


async def test_reading_anothers_is_recorded(case: Case) -> None:
    path = await case.filed()
    for client in (case.staff, case.assessor):
        ok(await client.get(path))
    reads = await case.owner.fetch(
        "SELECT actor_account_id AS reader, subject_ids FROM audit_events"
        " WHERE kind = 'read' AND entity = 'objections'"
    )
    expected = [(case.assessor.account_id, [case.office.staff])]
    assert [(r["reader"], r["subject_ids"]) for r in reads] == expected


async def test_row_level_security_holds_without_the_row_rules(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await case.heard()

    def everything(*_: object) -> ColumnElement[bool]:
        return true()

    builders = (reading._one, reading._page, reading._count)
    for module in (reading, standing):
        monkeypatch.setattr(module, "objections_visible", everything)
    try:
        for builder in builders:
            builder.cache_clear()
        for name, client in (await clients(case)).items():
            await assert_sees(client, path, SEES.get(name, False), name)
    finally:
        monkeypatch.undo()
        for builder in builders:
            builder.cache_clear()


async def test_the_database_itself_shows_a_stranger_nothing(
    case: Case, transactions: Database
) -> None:
    await case.heard()
    people = {name: getattr(case.office, name) for name in (*BLIND, "staff")}
    people["assessor"] = case.assessor.employee_id
    for name, employee in people.items():
        async with transactions.reading(Actor(role=Role.ASN, employee_id=employee)) as reader:
            rows = [await reader.all(select(t.id)) for t in (Objection, ObjectionStatement)]
        assert [len(r) for r in rows] == [int(SEES.get(name, False))] * 2, name


async def test_the_predicate_and_its_twin_agree(case: Case, transactions: Database) -> None:
    await case.filed()
    await case.owner.execute("ALTER TABLE objections DISABLE ROW LEVEL SECURITY")
    assessor = case.assessor.employee_id
    assert assessor is not None
    asked = [case.office.staff, assessor, *(getattr(case.office, name) for name in BLIND)]
    everybody = [Actor(role=Role.ASN, employee_id=employee) for employee in asked]
    everybody += [Actor(role=role) for role in (Role.HR_ADMIN, Role.AUDITOR, Role.SERVICE)]
    answers = []
    for actor in everybody:
        condition = objections_visible(actor.role, Objection.employee_id, Objection.result_id)
        async with transactions.reading(actor) as reader:
            rows = await reader.all(select(Objection.id).where(condition), **viewer(actor))
        expected = can_see_objection(actor, case.office.staff, assessors=[assessor])
        assert bool(rows) == expected, actor
        answers.append(expected)
    assert (answers.count(True), answers.count(False)) == (5, 4)
    assert not can_see_objection(Actor(), case.office.staff, assessors=())
    condition = objections_visible(Role.PUBLIC, Objection.employee_id, Objection.result_id)
    assert str(condition) == "false"


# --- what SQL itself lets them write --------------------------------------------------------

INSERT = (
    "INSERT INTO objections (result_id, employee_id, reasons, filed_at, file_by, rule_by, rule"
    "{more})"
    " SELECT id, '{person}', 'x', now(), now() + interval '1 day', now() + interval '2 days',"
    " 'x'{values} FROM assessment_results"
)
SAY = (
    "INSERT INTO objection_statements (objection_id, employee_id, side, statement, author_id)"
    " SELECT id, employee_id, '{side}', 'x', '{author}' FROM objections"
)


async def test_nobody_writes_more_than_is_theirs_even_in_sql(case: Case) -> None:
    person, me = case.office.staff, case.staff.account_id
    may = INSERT.format(person=person, more="", values="")
    assert await as_persona(case, case.staff, may) == "INSERT 0 1"
    for statement in (
        INSERT.format(person=case.office.chief, more="", values=""),
        INSERT.format(person=person, more=", ruler_id", values=f", '{case.hr.account_id}'"),
    ):
        assert await refused(case, case.staff, statement), statement
    chief = await case.actors.asn(case.office.chief)
    theirs = INSERT.format(person=case.office.chief, more="", values="")
    assert await refused(case, chief, theirs), "on the result of somebody whom they lead"
    await case.heard()
    for client, side in (
        (case.staff, "person"),
        (case.assessor, "assessors"),
        (case.hr, "assessors"),
    ):
        say = SAY.format(side=side, author=client.account_id)
        assert await as_persona(case, client, say) == "INSERT 0 1"
    for client, statements in (
        (
            case.staff,
            (
                "UPDATE objections SET state = 'ruled'",
                "UPDATE objections SET state = 'filed', version = 9",
                "UPDATE objections SET ruler_id = NULL",
                "UPDATE objections SET file_by = now() + interval '9 days'",
                "UPDATE objection_statements SET statement = 'x'",
                "DELETE FROM objections",
                SAY.format(side="assessors", author=me),
                SAY.format(side="person", author=case.hr.account_id),
            ),
        ),
        (
            case.assessor,
            (
                "UPDATE objections SET state = 'withdrawn'",
                SAY.format(side="person", author=case.assessor.account_id),
            ),
        ),
        (
            case.hr,
            (
                f"UPDATE objections SET state = 'ruled', outcome = 'denied', ruling = 'x',"
                f" ruled_at = now(), ruler_id = '{case.ruler.account_id}'",
                "UPDATE objections SET state = 'withdrawn'",
                "UPDATE objections SET rule_by = now() + interval '9 days'",
                "UPDATE objection_statements SET statement = 'x'",
                INSERT.format(person=person, more="", values=""),
                SAY.format(side="person", author=case.hr.account_id),
                SAY.format(side="assessors", author=me),
            ),
        ),
    ):
        for statement in statements:
            assert await refused(case, client, statement), statement


async def test_what_has_ended_stays_even_in_sql(case: Case) -> None:
    path = await case.heard()
    ok(await case.staff.post(f"{path}/withdraw"))
    for client in (case.staff, case.assessor, case.hr):
        reopen = "UPDATE objections SET state = 'hearing'"
        assert await as_persona(case, client, reopen) == "UPDATE 0"
        say = SAY.format(side="assessors", author=client.account_id)
        assert await refused(case, client, say)


async def refused(case: Case, client: Client, statement: str) -> bool:
    try:
        await as_persona(case, client, statement)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError):
        return True
    return False


async def as_persona(case: Case, client: Client, statement: str) -> str:
    """Run it as the application does for them, and take it back."""
    role = "hr_admin" if client in (case.hr, case.ruler) else "asn"
    transaction = case.owner.transaction()
    await transaction.start()
    try:
        for name, value in settings(client, role):
            await case.owner.fetch("SELECT set_config($1, $2, true)", name, value)
        done: str = await case.owner.execute(statement)
        return done
    finally:
        await transaction.rollback()


def settings(client: Client, role: str) -> Iterable[tuple[str, str]]:
    yield "app.account", str(client.account_id)
    yield "app.employee", str(client.employee_id or "")
    yield "role", f"kemuning_{role}"
