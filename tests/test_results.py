"""Results: published by rules from ratings, read by those whom they concern, never changed."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import ColumnElement, select, true

from app.access import assessments as access
from app.access.actors import Actor
from app.access.assessments import (
    OwnAssessment,
    can_see_profile,
    can_see_result,
    profile_visible,
    results_visible,
    viewer,
)
from app.calendar import today
from app.database import Database
from app.models.assessments import AssessmentResult, CompetencyScore
from app.rules.scoring import ScoringInputs
from app.services.results import comparing, people, publishing, reading
from app.services.results.publishing import ResultReplaced
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.measuring import Office, staffed
from tests.organisation import made, ok

RATED: dict[str, list[Any]] = {
    "assessor": [3],
    "superior": [2],
    "peer": [1, 2],
    "subordinate": [1, 2, 5],
    "self": [5],
}
"""Of every source somebody; of peers too few."""


@pytest.fixture
async def office(actors: Actors, owner: asyncpg.Connection) -> Office:
    return await staffed(await actors.hr_admin(), owner)


@pytest.fixture
def transactions(app: FastAPI) -> Database:
    found: Database = app.state.runtime.database
    return found


def officer(client: Client, employee: UUID | None = None) -> Actor:
    return Actor(role=Role.HR_ADMIN, account_id=client.account_id, employee_id=employee)


async def states(owner: asyncpg.Connection) -> dict[UUID, str]:
    return {row["id"]: row["state"] for row in await owner.fetch("SELECT * FROM assessments")}


# --- publishing ---------------------------------------------------------------------------


async def test_ratings_become_a_result(office: Office, owner: asyncpg.Connection) -> None:
    assessment = await office.measured(RATED, potential="81.5")
    answer = await office.publish(assessment)
    result = made(answer)
    assert answer.headers["location"] == f"/api/v1/assessment-results/{result['id']}"
    # 3 x 60, 2 x 20, 2.67 x 10 over 90: peers are too few, one's own view is shown only.
    assert {score["actual"] for score in result["scores"]} == {"2.74"}
    assert {score["gap"] for score in result["scores"]} == {"0.26"}
    assert (result["jpm"], result["band"], result["potential"]) == ("91.33", "optimal", "tinggi")
    assert (result["gaps"], result["complete"], result["missing"]) == (9, True, [])
    assert (result["assessed_on"], result["valid_until"]) == ("2026-09-03", "2029-09-03")
    assert (result["version_no"], result["in_force"]) == (1, True)
    assert result["reason"] == "Hasil pemetaan."
    sources = {each["source"]: each for each in result["scores"][0]["sources"]}
    assert sources["peer"] == {
        "source": "peer",
        "raters": None,
        "mean": None,
        "weight": 10,
        "reason": "below_threshold",
    }
    assert (sources["subordinate"]["mean"], sources["subordinate"]["raters"]) == ("2.67", 3)
    assert sources["self"]["reason"] == "shown_only"
    assert await states(owner) == {assessment: "published"}
    scores = await owner.fetch("SELECT * FROM competency_scores")
    assert {(s["required"], str(s["actual"]), str(s["gap"])) for s in scores} == {
        (3, "2.74", "0.26")
    }
    assert len(scores) == 9


async def test_what_was_not_measured_leaves_the_result_incomplete(office: Office) -> None:
    result = await office.published({"integritas": 4})
    assert (result["jpm"], result["band"], result["complete"]) == (None, None, False)
    assert len(result["missing"]) == 8
    (score,) = (s for s in result["scores"] if s["code"] == "integritas")
    assert (score["actual"], score["gap"], score["surplus"]) == ("4.00", "0.00", "1.00")
    assert result["jpm_in_words"].startswith("JPM tidak dihitung: Kerja Sama, Komunikasi, ")


async def test_the_words_follow_the_reader(office: Office) -> None:
    path = f"/assessment-results/{(await office.published(3))['id']}"
    indonesian = ok(await office.hr.get(path))
    english = ok(await office.hr.get(path, headers={"Accept-Language": "en"}))
    assert indonesian["jpm_in_words"].endswith("27,00 ÷ 27 × 100 = 100,00%, paling tinggi 100%.")
    assert english["jpm_in_words"].endswith("27.00 ÷ 27 × 100 = 100.00%, at most 100%.")
    rules = {rule["kind"]: rule for rule in english["rules"]}
    assert rules["assessment_validity"]["in_words"].startswith("The result is valid for 3 years")
    assert rules["jpm_bands"]["in_words"].startswith("optimal from 90; ")
    assert rules["raters"]["rule_id"] == "raters-kemuning@1"


@pytest.mark.parametrize("state", ["draft", "submitted", "published", "superseded", "cancelled"])
async def test_only_what_is_moderated_is_published(state: str, office: Office) -> None:
    event = await office.assessing.event()
    assessment = await office.assessing.assessment(
        event, office.staff, office.position, state=state
    )
    body = problem(await office.publish(assessment), 409, "transition_not_allowed")
    assert body["state"] == state


async def test_an_assessment_that_nobody_knows(office: Office) -> None:
    problem(await office.publish(uuid4()), 404, "not_found")
    path = f"/assessment-events/{uuid4()}/publish"
    problem(await office.hr.post(path, json={"reason": "x"}), 404, "not_found")


async def test_nobody_publishes_their_own(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    event = await office.assessing.event()
    own = await office.measured({"assessor": [3]}, event=event)
    other = await office.measured({"assessor": [3]}, employee=office.peer, event=event)
    clerk = await actors.sign_in(Role.HR_ADMIN, office.staff)
    problem(await office.publish(own, clerk), 403, "own_assessment")
    answer = ok(await clerk.post(f"/assessment-events/{event}/publish", json={"reason": "x"}))
    assert (answer["done"], answer["remaining"], answer["refused"]) == (1, 0, 1)
    assert answer["refusals"][0]["code"] == "own_assessment"
    assert await states(owner) == {own: "moderated", other: "published"}


async def test_without_a_standard_or_rules_there_is_no_result(office: Office) -> None:
    """The position came later than the event, or the event is older than every rule."""
    early = await office.measured({"assessor": [3]}, starts_on=date(2019, 5, 1))
    problem(await office.publish(early), 409, "standard_missing")
    older = await office.measured({"assessor": [3]}, starts_on=date(2017, 5, 1))
    problem(await office.publish(older), 409, "rules_missing")


async def test_nothing_is_published_before_the_last_day(office: Office) -> None:
    tomorrow = today() + timedelta(days=1)
    early = await office.measured({"assessor": [3]}, starts_on=tomorrow)
    problem(await office.publish(early), 409, "event_not_over")
    last_day = await office.measured({"assessor": [3]}, starts_on=today())
    made(await office.publish(last_day))


async def test_a_whole_event_at_once(office: Office, owner: asyncpg.Connection) -> None:
    event = await office.assessing.event()
    draft = await office.assessing.assessment(event, office.chief, office.chief_position)
    for employee in (office.staff, office.peer):
        await office.measured({"assessor": [3], "peer": [2, 3, 4]}, employee=employee, event=event)
    path, body = f"/assessment-events/{event}/publish", {"reason": "Pemetaan 2026."}
    answer = ok(await office.hr.post(path, json=body))
    assert answer == {"done": 2, "remaining": 0, "refused": 0, "refusals": []}
    assert sorted((await states(owner)).values()) == ["draft", "published", "published"]
    assert (await states(owner))[draft] == "draft"
    assert ok(await office.hr.post(path, json=body))["done"] == 0
    # A thousand of them make few audit events: one a statement.
    events = await owner.fetch(
        "SELECT entity, count(*) AS n FROM audit_events"
        " WHERE operation = 'assessment_results_publish_event' GROUP BY entity"
    )
    assert {row["entity"]: row["n"] for row in events} == {
        "assessment_results": 1,
        "competency_scores": 1,
        "assessments": 1,
    }


async def test_the_newest_assessment_counts_in_whatever_order_they_are_published(
    office: Office, owner: asyncpg.Connection
) -> None:
    middle = await office.measured({"assessor": [3]}, starts_on=date(2024, 3, 1))
    newest = await office.measured({"assessor": [3]}, starts_on=date(2026, 3, 1))
    oldest = await office.measured({"assessor": [3]}, starts_on=date(2021, 3, 1))
    made(await office.publish(middle))
    assert (await states(owner))[middle] == "published"
    assert made(await office.publish(newest))["in_force"] is True
    late = made(await office.publish(oldest))
    assert late["in_force"] is False
    assert await states(owner) == {
        oldest: "superseded",
        middle: "superseded",
        newest: "published",
    }


async def test_two_publications_at_once_make_one_result(
    office: Office, owner: asyncpg.Connection
) -> None:
    assessment = await office.measured({"assessor": [3]})
    answers = await asyncio.gather(*(office.publish(assessment) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await owner.fetchval("SELECT count(*) FROM assessment_results") == 1


async def test_two_events_of_one_person_published_at_once(
    office: Office, owner: asyncpg.Connection
) -> None:
    old = await office.measured({"assessor": [3]}, starts_on=date(2024, 3, 1))
    new = await office.measured({"assessor": [3]}, starts_on=date(2026, 3, 1))
    await asyncio.gather(office.publish(old), office.publish(new))
    assert await states(owner) == {old: "superseded", new: "published"}


# --- another version ----------------------------------------------------------------------


async def test_another_version_takes_the_place_of_the_one_before(
    office: Office, transactions: Database, owner: asyncpg.Connection
) -> None:
    first = UUID((await office.published(2))["id"])
    actor = officer(office.hr)
    async with transactions.transaction(actor, signed_in=False) as session:
        old = await session.get_one(AssessmentResult, first)
        inputs = _ruled(old.inputs, "integritas", "4")
        second = await publishing.new_version(
            session, actor, first, inputs=inputs, reason="Keberatan dikabulkan sebagian."
        )
    shown = ok(await office.hr.get(f"/assessment-results/{second.id}"))
    (score,) = (s for s in shown["scores"] if s["code"] == "integritas")
    assert (score["actual"], score["surplus"]) == ("4.00", "1.00")
    assert [version["version_no"] for version in shown["versions"]] == [1, 2]
    assert (shown["in_force"], shown["reason"]) == (True, "Keberatan dikabulkan sebagian.")
    before = ok(await office.hr.get(f"/assessment-results/{first}"))
    assert (before["in_force"], before["jpm"]) == (False, "66.67")
    assert before["superseded_at"] is not None

    with pytest.raises(ResultReplaced):
        async with transactions.transaction(actor, signed_in=False) as session:
            await publishing.new_version(session, actor, first, inputs=inputs, reason="Lagi.")
    own = officer(office.hr, office.staff)
    with pytest.raises(OwnAssessment):
        async with transactions.transaction(own, signed_in=False) as session:
            await publishing.new_version(session, own, second.id, inputs=inputs, reason="Lagi.")
    assert await owner.fetchval("SELECT count(*) FROM assessment_results") == 2


def _ruled(stored: dict[str, Any], code: str, level: str) -> ScoringInputs:
    for competency in stored["competencies"]:
        if competency["code"] == code:
            competency["ruled_level"] = level
    return ScoringInputs.from_json(stored)


async def test_of_two_new_versions_at_once_one_is_made(
    office: Office, transactions: Database, owner: asyncpg.Connection
) -> None:
    first = UUID((await office.published(2))["id"])
    actor = officer(office.hr)

    async def again(level: str) -> None:
        async with transactions.transaction(actor, signed_in=False) as session:
            old = await session.get_one(AssessmentResult, first)
            inputs = _ruled(old.inputs, "integritas", level)
            await publishing.new_version(session, actor, first, inputs=inputs, reason="Putusan.")

    ended = await asyncio.gather(again("3"), again("4"), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["NoneType", "ResultReplaced"]
    versions = await owner.fetch(
        "SELECT version_no FROM assessment_results WHERE superseded_at IS NULL"
    )
    assert [row["version_no"] for row in versions] == [2]


async def test_a_new_version_and_a_publication_of_one_person_take_turns(
    office: Office, transactions: Database, owner: asyncpg.Connection
) -> None:
    first = await office.measured({"assessor": [3]}, starts_on=date(2026, 3, 1))
    result = UUID(made(await office.publish(first))["id"])
    same_day = await office.measured({"assessor": [3]}, starts_on=date(2026, 3, 1))
    made(await office.publish(same_day))
    newest = await office.measured({"assessor": [3]}, starts_on=date(2026, 6, 1))
    actor = officer(office.hr)
    async with transactions.transaction(actor, signed_in=False) as session:
        old = await session.get_one(AssessmentResult, result)
        inputs = _ruled(old.inputs, "integritas", "4")
        await publishing.new_version(session, actor, result, inputs=inputs, reason="Putusan.")
        publication = asyncio.create_task(office.publish(newest))
        await asyncio.sleep(0.3)  # enough to publish where it doesn't wait
    made(await publication)
    assert await states(owner) == {
        first: "superseded",
        same_day: "superseded",
        newest: "published",
    }


async def test_a_version_of_another_day_is_refused(office: Office, transactions: Database) -> None:
    first = UUID((await office.published(2))["id"])
    actor = officer(office.hr)
    async with transactions.transaction(actor, signed_in=False) as session:
        old = await session.get_one(AssessmentResult, first)
        moved = ScoringInputs.from_json({**old.inputs, "assessed_on": "2025-01-01"})
        with pytest.raises(ValueError, match="same purpose and day"):
            await publishing.new_version(session, actor, first, inputs=moved, reason="Lagi.")


# --- nothing is changed -------------------------------------------------------------------

CHANGES = (
    "UPDATE assessment_results SET jpm = 100",
    "UPDATE assessment_results SET outcome = '{}'",
    "UPDATE assessment_results SET reason = 'x'",
    "DELETE FROM assessment_results",
    "UPDATE competency_scores SET actual = 5",
    "DELETE FROM competency_scores",
    "TRUNCATE assessment_results CASCADE",
)


@pytest.mark.parametrize("role", list(Role))
async def test_nobody_changes_a_result(
    role: Role, office: Office, transactions: Database, owner: asyncpg.Connection
) -> None:
    """Not even with the application's own rights: a persona may write `superseded_at` alone."""
    await office.published(3)
    before = await owner.fetch("SELECT * FROM assessment_results")
    actor = Actor(role=role, employee_id=office.staff if role is Role.ASN else None)
    for change in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transactions.driver(actor.persona) as connection:
                await connection.execute(change)
    assert await owner.fetch("SELECT * FROM assessment_results") == before


# --- who sees it --------------------------------------------------------------------------


async def readers(office: Office, actors: Actors) -> dict[str, Client]:
    """Somebody of every relation to the staff member, and an assessor who measured them."""
    named = {
        name: await actors.asn(getattr(office, name))
        for name in ("staff", "chief", "head", "peer", "stranger")
    }
    return named | {"hr_admin": office.hr, "auditor": await actors.auditor()}


async def test_the_person_their_superiors_and_their_assessor_see_it(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    assessor = await office.assessing.government.employee("Asesor")
    assessment = await office.measured(
        {"assessor": [3], "peer": [2, 3, 4], "superior": [3]},
        raters={"assessor": [assessor], "peer": [office.peer], "superior": [office.chief]},
    )
    everybody = await readers(office, actors) | {"assessor": await actors.asn(assessor)}
    for name, client in everybody.items():
        seen = ok(await client.get("/assessment-results"))["items"]
        assert seen == [], f"{name} sees a result before it is published"
    result = made(await office.publish(assessment))["id"]
    allowed = {"staff", "chief", "head", "assessor", "hr_admin", "auditor"}
    for name, client in everybody.items():
        listed = ok(await client.get("/assessment-results"))["items"]
        one = await client.get(f"/assessment-results/{result}")
        assert [item["id"] for item in listed] == ([result] if name in allowed else []), name
        if name in allowed:
            assert ok(one)["person"]["name"].startswith("Pegawai staff"), name
        else:
            problem(one, 404, "not_found")
    for client in (await actors.public(), await actors.service("employees:read")):
        problem(await client.get(f"/assessment-results/{result}"), 403, "forbidden")
    script = await actors.service("assessments:read")
    assert ok(await script.get(f"/assessment-results/{result}"))["recomputable"] is None


async def test_a_chain_that_ends_takes_the_sight_along(office: Office, actors: Actors) -> None:
    """Who led the person once, and no longer does, sees nothing any more."""
    result = (await office.published(3))["id"]
    chief = await actors.asn(office.chief)
    ok(await chief.get(f"/assessment-results/{result}"))
    await office.assessing.owner.execute(
        "UPDATE seat_assignments SET valid = daterange(lower(valid), '2026-01-01')"
        " WHERE employee_id = $1",
        office.chief,
    )
    problem(await chief.get(f"/assessment-results/{result}"), 404, "not_found")


@pytest.fixture
def without_row_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The services with every row rule saying yes."""

    def everything(*_: object) -> ColumnElement[bool]:
        return true()

    builders = (
        *(reading._page, reading._count, reading._one),
        *(people._person, people._newest, comparing._all_of),
    )
    for module in (reading, people, access):
        for name in ("results_visible", "profile_visible"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, everything)
    for builder in builders:
        builder.cache_clear()
    yield
    monkeypatch.undo()
    for builder in builders:
        builder.cache_clear()


async def test_row_level_security_holds_without_the_row_rules(
    office: Office, actors: Actors, without_row_rules: None
) -> None:
    result = await office.published(3)
    paths = (
        f"/assessment-results/{result['id']}",
        f"/employees/{office.staff}/competency-profile",
        f"/employees/{office.staff}/competency-profile/radar.svg",
        f"/employees/{office.staff}/competency-history",
        f"/employees/{office.staff}/comparison?position_id={office.head_position}",
    )
    for name, client in (await readers(office, actors)).items():
        listed = ok(await client.get("/assessment-results"))["items"]
        blind = name in ("peer", "stranger")
        assert len(listed) == (0 if blind else 1), name
        for path in paths:
            answer = await client.get(path)
            if blind:
                problem(answer, 404, "not_found")
            else:
                assert answer.status_code == 200, f"{name}: {path}"


async def test_the_database_itself_shows_a_stranger_nothing(
    office: Office, transactions: Database
) -> None:
    """As the persona, with no filter at all: rows of results, scores and their figures."""
    await office.published(3)
    seen = {}
    for name in ("staff", "chief", "head", "peer", "stranger"):
        actor = Actor(role=Role.ASN, employee_id=getattr(office, name))
        async with transactions.reading(actor) as reader:
            seen[name] = [
                len(await reader.all(select(table.id)))
                for table in (AssessmentResult, CompetencyScore)
            ]
    assert seen == {
        "staff": [1, 9],
        "chief": [1, 9],
        "head": [1, 9],
        "peer": [0, 0],
        "stranger": [0, 0],
    }


async def test_the_predicates_and_their_twins_agree(
    office: Office, transactions: Database, owner: asyncpg.Connection
) -> None:
    assessor = await office.assessing.government.employee("Asesor")
    assessment = await office.measured({"assessor": [3]}, raters={"assessor": [assessor]})
    made(await office.publish(assessment))
    await owner.execute("ALTER TABLE assessment_results DISABLE ROW LEVEL SECURITY")
    superiors, r = [office.chief, office.head], AssessmentResult
    asked = [office.staff, *superiors, office.peer, office.stranger, assessor]
    everybody = [Actor(role=Role.ASN, employee_id=employee) for employee in asked]
    everybody += [Actor(role=role) for role in (Role.HR_ADMIN, Role.AUDITOR, Role.SERVICE)]
    answers = []
    for actor in everybody:
        seen = can_see_result(actor, office.staff, superiors=superiors, assessors=[assessor])
        whole = can_see_profile(actor, office.staff, superiors=superiors)
        twins = (
            (seen, results_visible(actor.role, r.employee_id, r.assessment_id)),
            (whole, profile_visible(actor.role, r.employee_id)),
        )
        for expected, condition in twins:
            async with transactions.reading(actor) as reader:
                rows = await reader.all(select(r.id).where(condition), **viewer(actor))
            assert bool(rows) == expected, actor
            answers.append(expected)
    assert (answers.count(True), answers.count(False)) == (13, 5)
    citizen = Actor()
    assert not can_see_result(citizen, office.staff, superiors=(), assessors=())
    assert str(results_visible(Role.PUBLIC, r.employee_id, r.assessment_id)) == "false"
    assert str(profile_visible(Role.PUBLIC, r.employee_id)) == "false"


# --- what is told, and to whom ------------------------------------------------------------


async def test_only_auditors_get_what_a_result_is_computed_from(
    office: Office, actors: Actors
) -> None:
    result = made(await office.publish(await office.measured(RATED)))["id"]
    people_of = await readers(office, actors)
    for name in ("staff", "chief", "hr_admin"):
        answer = await people_of[name].get(f"/assessment-results/{result}")
        shown = ok(answer)
        assert shown["recomputable"] is None
        assert shown["published"] == {
            "office": "Instansi kepegawaian",
            "at": shown["published_at"],
            "account_id": None,
        }
        assert str(office.hr.account_id) not in answer.text
    shown = ok(await people_of["auditor"].get(f"/assessment-results/{result}"))
    assert shown["published"]["account_id"] == str(office.hr.account_id)
    inputs = ScoringInputs.from_json(shown["recomputable"]["inputs"])
    assert {source.value: n for source, n in inputs.withheld.items()} == {"peer": 2}
    assert "peer" not in {r.source.value for c in inputs.competencies for r in c.ratings}


async def test_who_reads_anothers_result_is_recorded(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    result = (await office.published(3))["id"]
    chief, staff = await actors.asn(office.chief), await actors.asn(office.staff)
    ok(await staff.get(f"/assessment-results/{result}"))
    for path in ("/assessment-results", f"/assessment-results/{result}"):
        ok(await chief.get(path))
    reads = await owner.fetch(
        "SELECT actor_account_id AS actor_id, operation, subject_ids FROM audit_events"
        " WHERE kind = 'read' AND entity = 'assessment_results' ORDER BY id"
    )
    assert [(r["actor_id"], r["operation"], r["subject_ids"]) for r in reads] == [
        (chief.account_id, f"assessment_results_{name}", [office.staff])
        for name in ("list_results", "get_result")
    ]


# --- the list -----------------------------------------------------------------------------


async def test_the_list_is_narrowed(office: Office, owner: asyncpg.Connection) -> None:
    expired = await office.published(3, starts_on=date(2021, 5, 1), purpose="promotion")
    staff = await office.published(3, starts_on=date(2026, 5, 1))
    event = await office.assessing.event(starts_on=date(2026, 6, 1))
    chief = await office.published(
        1, employee=office.chief, position=office.chief_position, event=event
    )
    away = await office.assessing.government.position(office.other, "STAF-LAIN")
    other = await office.published(2, employee=office.stranger, position=away)
    names = {r["id"]: n for n, r in (("expired", expired), ("staff", staff), ("chief", chief))}
    names[other["id"]] = "other"

    async def found(**query: Any) -> set[str]:
        page = ok(await office.hr.get("/assessment-results", params={**query, "limit": 200}))
        return {names[item["id"]] for item in page["items"]}

    assert await found() == {"expired", "staff", "chief", "other"}
    assert await found(employee_id=str(office.staff)) == {"expired", "staff"}
    assert await found(event_id=str(event)) == {"chief"}
    assert await found(unit_id=office.dinas) == {"expired", "staff", "chief"}
    assert await found(unit_id=office.other) == {"other"}
    assert await found(purpose="promotion") == {"expired"}
    assert await found(band="kurang_optimal") == {"chief"}
    assert await found(in_force="true") == {"staff", "chief", "other"}
    assert await found(in_force="false") == {"expired"}
    assert await found(valid_on="2022-01-01") == {"expired"}
    assert await found(valid_on="2026-05-20") == {"staff"}
    assert await found(valid_on="2024-04-30") == {"expired"}
    assert await found(valid_on="2024-05-01") == set()
    page = ok(await office.hr.get("/assessment-results", params={"limit": 1}))
    assert names[page["items"][0]["id"]] == "other"
    assert page["items"][0]["position"]["title"] == "Jabatan STAF-LAIN"
    after = {"limit": 200, "cursor": page["next_cursor"], "include_total": True}
    rest = ok(await office.hr.get("/assessment-results", params=after))
    assert [names[item["id"]] for item in rest["items"]] == ["chief", "staff", "expired"]
    assert rest["total"] == 4
