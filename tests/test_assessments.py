"""Assessments: who sees them, and their way from draft to moderated."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from app.access.actors import Actor
from app.access.assessments import (
    assessments_visible,
    assignments_visible,
    can_rate,
    can_see_assessment,
    viewer,
)
from app.database import Database
from app.models.assessments import Assessment, AssessorAssignment
from app.runtime import Runtime
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.assessing import Office, office
from tests.organisation import made, ok


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


@pytest.fixture
async def here(hr: Client, owner: asyncpg.Connection) -> Office:
    return await office(hr, owner)


def ids(page: dict[str, Any]) -> list[UUID]:
    return [UUID(item["id"]) for item in page["items"]]


# --- who sees them ------------------------------------------------------------------------


async def test_an_assessment_is_seen_by_relation(hr: Client, actors: Actors, here: Office) -> None:
    assessment = await here.assessment()
    await here.assessing.rater(assessment, "peer", here.peers[0])
    path = f"/assessments/{assessment}"
    by_source = [{"source": "peer", "assigned": 1, "submitted": 0}]
    for client in (hr, await actors.auditor(), await actors.service("assessments:read")):
        assert ok(await client.get(path))["progress"]["by_source"] == by_source
        assert ids(ok(await client.get("/assessments"))) == [assessment]
    for person in (here.candidate, here.superior, here.peers[0]):
        client = await actors.asn(person)
        seen = ok(await client.get(path))
        assert seen["candidate"] == {"employee_id": str(here.candidate), "name": "Siti Aminah"}
        assert seen["progress"] == {"assigned": 1, "submitted": 0, "by_source": None}
        assert ids(ok(await client.get("/assessments"))) == [assessment]
    for person in (here.peers[1], here.subordinates[0]):
        stranger = await actors.asn(person)
        problem(await stranger.get(path), 404, "not_found")
        page = ok(await stranger.get("/assessments", params={"include_total": True}))
        assert (page["items"], page["total"]) == ([], 0)


async def test_reading_is_told_to_the_person_unless_by_an_anonymous_rater(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment()
    await here.assessing.rater(assessment, "peer", here.peers[0])
    clients = {
        "hr": (hr, 2),
        "superior": (await actors.asn(here.superior), 2),
        "peer": (await actors.asn(here.peers[0]), 0),
        "self": (await actors.asn(here.candidate), 0),
    }
    for who, (client, events) in clients.items():
        for path in ("/assessments", f"/assessments/{assessment}"):
            ok(await client.get(path))
        told = await owner.fetchval(
            "SELECT count(*) FROM audit_events"
            " WHERE kind = 'read' AND actor_account_id = $1 AND $2 = ANY (subject_ids)",
            client.account_id,
            here.candidate,
        )
        assert told == events, who


async def test_the_list_is_filtered(hr: Client, here: Office) -> None:
    first = await here.assessment()
    second = await here.assessment(state="submitted")
    event = await here.assessing.event()
    third = await here.assessing.assessment(event, here.superior, here.position)

    async def found(**query: Any) -> list[UUID]:
        return ids(ok(await hr.get("/assessments", params=query)))

    assert await found() == [third, second, first]
    assert await found(state="submitted") == [second]
    assert await found(event_id=str(event)) == [third]
    assert await found(employee_id=str(here.candidate)) == [second, first]
    assert await found(unit_id=here.dinas) == [third, second, first]
    assert await found(unit_id=here.bidang, state="draft") == [third, first]
    assert await found(unit_id=str(uuid.uuid4())) == []
    page = ok(await hr.get("/assessments", params={"limit": 2, "include_total": True}))
    assert (ids(page), page["total"]) == ([third, second], 3)
    rest = await hr.get("/assessments", params={"cursor": page["next_cursor"]})
    assert ids(ok(rest)) == [first]


async def test_the_rules_for_one_and_for_many_are_twins(
    app: Any, here: Office, owner: asyncpg.Connection
) -> None:
    """`can_see_assessment` and `can_rate` over everybody, against what the statements show.

    Without row-level security, which would hide it if they showed too much.
    """
    mine = await here.assessment()
    event = await here.assessing.event()
    other = await here.assessing.assessment(event, here.superior, here.position)
    await here.assessing.rater(mine, "peer", here.peers[0])
    await here.assessing.rater(mine, "assessor", here.peers[1])
    await here.assessing.rater(mine, "peer", here.peers[2], state="withdrawn")
    await here.assessing.rater(other, "subordinate", here.candidate)
    superiors = {here.candidate: {here.superior}, here.superior: set[UUID]()}
    raters = {mine: {here.peers[0], here.peers[1]}, other: {here.candidate}}
    people = (here.candidate, here.superior, *here.peers[:4], here.subordinates[0])
    for table in ("assessments", "assessor_assignments"):
        await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    runtime: Runtime = app.state.runtime
    everybody = [(Role.ASN, person) for person in people]
    for role, person in (*everybody, (Role.HR_ADMIN, None), (Role.AUDITOR, None)):
        actor = Actor(role=role, employee_id=person)
        shown = await _shown(runtime.database, actor)
        for assessment, employee in ((mine, here.candidate), (other, here.superior)):
            expected = can_see_assessment(
                actor, employee, superiors=superiors[employee], raters=raters[assessment]
            )
            assert (assessment in shown[0]) is expected, (role, person, assessment)
        rows = await owner.fetch("SELECT id, rater_id, state FROM assessor_assignments")
        withdrawn = {r["id"] for r in rows if r["state"] == "withdrawn"}
        allowed = {r["id"] for r in rows if can_rate(actor, r["rater_id"])}
        assert shown[1] - withdrawn == allowed - withdrawn, (role, person)


async def _shown(database: Database, actor: Actor) -> tuple[set[UUID], set[UUID]]:
    """Assessments and assignments, by the rules for many."""
    a, s = Assessment, AssessorAssignment
    assessments = select(a.id).where(assessments_visible(actor.role, a.employee_id, a.id))
    assignments = select(s.id).where(assignments_visible(actor.role, s.rater_id))
    async with database.reading(actor) as reader:
        first = await reader.all(assessments, **viewer(actor))
        second = await reader.all(assignments, **viewer(actor))
    return {row["id"] for row in first}, {row["id"] for row in second}


async def test_the_database_itself_shows_assessments_by_relation(
    here: Office, owner: asyncpg.Connection
) -> None:
    """SQL as the persona: what the application's filter would let through is not there."""
    await here.assessing.rater(await here.assessment(), "peer", here.peers[0])
    seen = {
        here.candidate: (1, 0),
        here.superior: (1, 0),
        here.peers[0]: (1, 1),
        here.peers[1]: (0, 0),
        here.subordinates[0]: (0, 0),
    }
    for person, (assessments, assignments) in seen.items():
        async with owner.transaction():
            await owner.execute("SET LOCAL ROLE kemuning_asn")
            await owner.execute("SELECT set_config('app.employee', $1, true)", str(person))
            assert await owner.fetchval("SELECT count(*) FROM assessments") == assessments
            count = "SELECT count(*) FROM assessor_assignments"
            assert await owner.fetchval(count) == assignments
            names = await owner.fetch("SELECT * FROM app.known_names($1)", [here.candidate])
            assert len(names) == assessments
            for write in ("UPDATE assessments SET state = 'cancelled'", "DELETE FROM assessments"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with owner.transaction():
                        await owner.execute(write)


# --- one step at a time -------------------------------------------------------------------


async def move(client: Client, assessment: UUID, step: str, **body: Any) -> Any:
    return await client.post(f"/assessments/{assessment}/{step}", json=body)


async def test_from_draft_to_moderated_and_back(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment()
    rater = here.assessing.rater
    problem(await move(hr, assessment, "submit"), 409, "nobody_assessed")
    await rater(assessment, "superior", here.superior, levels=3)
    problem(await move(hr, assessment, "submit"), 409, "nobody_assessed")
    await rater(assessment, "assessor", levels=3)
    waiting = await rater(assessment, "peer", here.peers[0])
    body = problem(await move(hr, assessment, "submit"), 409, "raters_pending")
    assert body["pending"] == 1
    submitted = ok(await move(hr, assessment, "submit", close_pending=True))
    assert (submitted["state"], submitted["version"]) == ("submitted", 2)
    assert await here.assessing.state("assessor_assignments", waiting) == "withdrawn"
    moderated = ok(await move(hr, assessment, "moderate", note="Selaras."))
    assert (moderated["state"], moderated["note"]) == ("moderated", "Selaras.")
    returned = ok(await move(hr, assessment, "return", reason="Bukti kurang."))
    assert (returned["state"], returned["note"]) == ("draft", "Bukti kurang.")
    assert returned["moderated_at"] is None
    candidate = await actors.asn(here.candidate)
    assert ok(await candidate.get(f"/assessments/{assessment}"))["note"] == "Bukti kurang."
    assert ok(await move(hr, assessment, "submit"))["note"] is None
    ok(await move(hr, assessment, "return", reason="Bukti kurang."))
    assert ok(await move(hr, assessment, "cancel", reason="Salah orang."))["state"] == "cancelled"
    left = "SELECT count(*) FROM assessor_assignments WHERE state <> 'withdrawn'"
    assert await owner.fetchval(left) == 0


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("draft", {"submit", "cancel"}),
        ("submitted", {"moderate", "return", "cancel"}),
        ("moderated", {"return"}),
        ("published", set()),
        ("superseded", set()),
        ("cancelled", set()),
    ],
)
async def test_each_state_leads_where_it_leads(
    state: str, allowed: set[str], hr: Client, here: Office
) -> None:
    for step in ("submit", "moderate", "return", "cancel"):
        assessment = await here.assessment(state=state)
        await here.assessing.rater(assessment, "assessor", levels=3)
        body = {"reason": "Sebab."} if step in ("return", "cancel") else {}
        answer = await move(hr, assessment, step, **body)
        if step in allowed:
            assert answer.status_code == 200, step
        else:
            told = problem(answer, 409, "transition_not_allowed")
            assert told["state"] == state
    if state != "draft":
        closed = await here.assessment(state=state)
        waiting = await here.assessing.rater(closed, "superior", here.superior, levels=3)
        raters = {"raters": [{"employee_id": str(here.peers[0]), "source": "peer"}]}
        answers = [await hr.post(f"/assessments/{closed}/assignments", json=raters)]
        for step in ("withdraw", "return"):
            path = f"/assessor-assignments/{waiting}/{step}"
            answers.append(await hr.post(path, json={"reason": "Sebab."}))
        for answer in answers:
            problem(answer, 409, "transition_not_allowed")


async def test_who_has_a_part_in_it_does_not_moderate(actors: Actors, here: Office) -> None:
    assessment = await here.assessment(state="submitted")
    await here.assessing.rater(assessment, "assessor", here.assessor, levels=3)
    rater = await actors.sign_in(Role.HR_ADMIN, here.assessor)
    problem(await move(rater, assessment, "moderate"), 403, "rater_moderates")
    candidate = await actors.sign_in(Role.HR_ADMIN, here.candidate)
    for step, body in (
        *(("submit", {}), ("moderate", {})),
        *(("return", {"reason": "x"}), ("cancel", {"reason": "x"})),
    ):
        answer = await move(candidate, assessment, step, **body)
        problem(answer, 403, "own_assessment")
    colleague = await actors.sign_in(Role.HR_ADMIN, here.peers[0])
    assert ok(await move(colleague, assessment, "moderate"))["state"] == "moderated"
    problem(await move(colleague, uuid.uuid4(), "moderate"), 404, "not_found")


async def test_closing_and_the_last_hand_in_take_turns(
    hr: Client, actors: Actors, here: Office
) -> None:
    """Either the rater was in time and counts, or they are withdrawn."""
    assessment = await here.assessment()
    await here.assessing.rater(assessment, "assessor", levels=3)
    assignment = await here.assessing.rater(assessment, "superior", here.superior)
    await here.assessing.rate(assignment, 2)
    rater = await actors.asn(here.superior)
    closed, handed_in = await asyncio.gather(
        move(hr, assessment, "submit", close_pending=True),
        rater.post(f"/assessor-assignments/{assignment}/submit", json={}),
    )
    assert closed.status_code == 200
    state = await here.assessing.state("assessor_assignments", assignment)
    assert (handed_in.status_code, state) in ((200, "submitted"), (404, "withdrawn"))


async def test_two_officers_moderate_at_once(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment(state="submitted")
    other = await actors.hr_admin()
    answers = await asyncio.gather(*(move(c, assessment, "moderate") for c in (hr, other)))
    assert sorted(a.status_code for a in answers) == [200, 409]


# --- a whole event ------------------------------------------------------------------------


async def test_an_event_moves_on_with_those_who_are_ready(
    actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessing = here.assessing
    event = await assessing.event()

    async def add(person: UUID) -> UUID:
        return await assessing.assessment(event, person, here.position)

    ready, pending, own = (
        await add(here.candidate),
        await add(here.superior),
        await add(here.peers[0]),
    )
    empty = await add(here.peers[1])
    for assessment in (ready, pending, own):
        await assessing.rater(assessment, "assessor", levels=3)
    await assessing.rater(ready, "peer", here.assessor, levels=2)
    await assessing.rater(pending, "peer", here.peers[2])
    officer = await actors.sign_in(Role.HR_ADMIN, here.peers[0])
    path = f"/assessment-events/{event}"
    headers = {"Accept-Language": "en"}
    moved = ok(await officer.post(f"{path}/submit", json={}, headers=headers))
    assert (moved["done"], moved["remaining"], moved["refused"]) == (1, 0, 3)
    assert {r["assessment_id"]: r["code"] for r in moved["refusals"]} == {
        str(pending): "raters_pending",
        str(own): "own_assessment",
        str(empty): "nobody_assessed",
    }
    assert "Some raters have not submitted" in {r["detail"] for r in moved["refusals"]}
    moved = ok(await officer.post(f"{path}/submit", json={"close_pending": True}))
    assert (moved["done"], moved["refused"]) == (1, 2)
    moderator = await actors.sign_in(Role.HR_ADMIN, here.assessor)
    moved = ok(await moderator.post(f"{path}/moderate", json={"note": "Selaras."}))
    assert (moved["done"], moved["refused"]) == (1, 1)
    assert moved["refusals"][0] == {
        "assessment_id": str(ready),
        "code": "rater_moderates",
        "detail": "Penilai tidak memoderasi penilaiannya sendiri",
    }
    states = {
        row["id"]: row["state"] for row in await owner.fetch("SELECT id, state FROM assessments")
    }
    assert states == {ready: "submitted", pending: "moderated", own: "draft", empty: "draft"}
    missing = f"/assessment-events/{uuid.uuid4()}"
    problem(await officer.post(f"{missing}/moderate", json={}), 404, "not_found")


async def test_an_event_of_many_moves_a_thousand_a_call(
    hr: Client, here: Office, owner: asyncpg.Connection
) -> None:
    event = await here.assessing.event()
    await owner.execute(
        "WITH people AS (INSERT INTO employees (birth_date, sex)"
        "  SELECT '1985-01-15', 'female' FROM generate_series(1, 1003) RETURNING id),"
        " assessments AS (INSERT INTO assessments (event_id, employee_id, position_id)"
        "  SELECT $1, id, $2 FROM people RETURNING id, employee_id)"
        " INSERT INTO assessor_assignments"
        "  (assessment_id, candidate_id, source, state, submitted_at)"
        " SELECT id, employee_id, 'assessor', 'submitted', now() FROM assessments",
        event,
        UUID(here.position),
    )
    events = "SELECT count(*) FROM audit_events WHERE operation = 'assessment_events_submit'"
    path = f"/assessment-events/{event}/submit"
    for done, remaining in ((1000, 3), (3, 0), (0, 0)):
        moved = ok(await hr.post(path, json={}))
        assert (moved["done"], moved["remaining"], moved["refused"]) == (done, remaining, 0)
    assert await owner.fetchval(events) == 2, "a call is one event, not a thousand"


# --- what was rated -----------------------------------------------------------------------


async def test_a_moderator_reads_named_ratings_and_figures_of_the_others(
    hr: Client, actors: Actors, here: Office
) -> None:
    assessment = await here.assessment(state="submitted")
    rate = here.assessing.rater
    await rate(assessment, "superior", here.superior, levels={"integritas": 4}, note="Teguh.")
    await rate(assessment, "assessor", levels={"integritas": 3})
    for rater, level in zip(here.peers, (1, 2, 2), strict=False):
        await rate(assessment, "peer", rater, levels={"integritas": level}, note="Rahasia")
    for rater in here.subordinates[:2]:
        await rate(assessment, "subordinate", rater, levels={"integritas": 5}, note="Rahasia")
    await rate(assessment, "superior", here.assessor, levels={"integritas": 0}, state="assigned")
    read = ok(await hr.get(f"/assessments/{assessment}/ratings"))
    (integrity,) = read["competencies"]
    sources = {s.pop("source"): s for s in integrity["sources"]}
    ratings = {name: s.pop("ratings") for name, s in sources.items()}
    shown = {"withheld": False}
    figures = {"mean": "1.67", "lowest": 1, "highest": 2}
    assert sources == {
        "superior": {"raters": 1, "mean": "4.00", "lowest": 4, "highest": 4, **shown},
        "peer": {"raters": 3, **figures, **shown},
        "subordinate": {"raters": 2, "mean": None, "lowest": None, "highest": None}
        | {"withheld": True},
        "assessor": {"raters": 1, "mean": "3.00", "lowest": 3, "highest": 3, **shown},
    }
    assert ratings["peer"] == ratings["subordinate"] == []
    assert ratings["superior"][0]["rater"]["name"] == "Kadis Utama"
    assert ratings["superior"][0]["note"] == "Teguh."
    assert ratings["assessor"][0]["rater"] is None
    assert ratings["assessor"][0]["evidence"]
    auditor = await actors.auditor()
    read = ok(await auditor.get(f"/assessments/{assessment}/ratings"))
    everything = {s["source"]: s for s in read["competencies"][0]["sources"]}
    assert sorted(r["level"] for r in everything["peer"]["ratings"]) == [1, 2, 2]
    assert everything["subordinate"]["mean"] == "5.00"
    problem(await auditor.get(f"/assessments/{uuid.uuid4()}/ratings"), 404, "not_found")


async def test_a_competency_that_few_anonymous_raters_rated_shows_nothing_of_them(
    hr: Client, here: Office
) -> None:
    """The event was moved while they rated: only the last of them was asked for one more."""
    assessing = here.assessing
    assessment = await here.assessment(state="submitted")
    technical = await assessing.competencies("technical")
    core = dict.fromkeys(set(await assessing.competencies()) - set(technical), 3)
    more = core | {next(iter(technical)): 5}
    for peer, levels in zip(here.peers, (core, core, more), strict=False):
        await assessing.rater(assessment, "peer", peer, levels=levels)
    read = ok(await hr.get(f"/assessments/{assessment}/ratings"))
    assert {each["code"] for each in read["competencies"]} == set(core)


async def test_people_are_assigned_and_read_in_one_story(
    hr: Client, actors: Actors, here: Office
) -> None:
    """From the event to the moderated assessment, through the API alone."""
    provider = await here.assessing.provider()
    event = made(
        await hr.post(
            "/assessment-events",
            json={
                "code": "EV-API",
                "title": "Pemetaan",
                "purpose": "mapping",
                "method": "multi_rater",
                "provider_id": str(provider),
                "starts_on": "2026-09-01",
                "ends_on": "2026-09-03",
            },
        )
    )
    body: dict[str, Any] = {"candidates": [{"employee_id": str(here.candidate)}]}
    added = made(await hr.post(f"/assessment-events/{event['id']}/assessments", json=body))
    path = f"/assessments/{added['assessments'][0]['id']}"
    raters = [(here.assessor, "assessor"), (here.superior, "superior"), (here.candidate, "self")]
    body = {"raters": [{"employee_id": str(r), "source": s} for r, s in raters]}
    made(await hr.post(f"{path}/assignments", json=body))
    for rater, source in raters:
        client = await actors.asn(rater)
        (own,) = ok(await client.get("/assessor-assignments"))["items"]
        form_path = f"/assessor-assignments/{own['id']}"
        form = ok(await client.get(form_path))
        ratings = [
            {"competency_id": c["competency_id"], "level": 3, "note": "Ada."}
            for c in form["competencies"]
        ]
        headers = {"If-Match": f'"{form["version"]}"'}
        ok(await client.put(f"{form_path}/ratings", json={"ratings": ratings}, headers=headers))
        score = {"potential_score": "80"} if source == "assessor" else {}
        ok(await client.post(f"{form_path}/submit", json=score))
    assert ok(await hr.get(path))["progress"]["submitted"] == 3
    assert ok(await hr.post(f"{path}/submit", json={}))["state"] == "submitted"
    assert ok(await hr.post(f"{path}/moderate", json={}))["state"] == "moderated"
