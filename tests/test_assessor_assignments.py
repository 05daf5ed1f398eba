"""Raters: who may be one, their forms, and that nobody learns who anonymous raters are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.database import bind
from app.services.assessor_assignments.rating import RATE
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.assessing import Office, office
from tests.organisation import made, ok
from tests.people import shown

EVIDENCE = [{"title": "Laporan simulasi", "reference": "SIM/1/2026"}]


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


@pytest.fixture
async def here(hr: Client, owner: asyncpg.Connection) -> Office:
    return await office(hr, owner)


async def assign(client: Client, assessment: UUID, *raters: tuple[UUID, str]) -> httpx.Response:
    body = {"raters": [{"employee_id": str(who), "source": source} for who, source in raters]}
    return await client.post(f"/assessments/{assessment}/assignments", json=body)


def errors(answer: httpx.Response) -> dict[str, str]:
    return {e["pointer"]: e["code"] for e in problem(answer, 422, "invalid")["errors"]}


@asynccontextmanager
async def persona(
    owner: asyncpg.Connection, role: Role, employee: UUID | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """The database as somebody of that role sees it, whatever the application asks."""
    async with owner.transaction():
        await owner.execute(f"SET LOCAL ROLE kemuning_{role}")
        await owner.execute("SELECT set_config('app.employee', $1, true)", str(employee or ""))
        yield owner


# --- who may rate -------------------------------------------------------------------------


async def test_each_rates_as_what_they_are(hr: Client, here: Office) -> None:
    assessment = await here.assessment()
    answer = await assign(
        hr,
        assessment,
        (here.candidate, "self"),
        (here.superior, "superior"),
        (here.subordinates[0], "subordinate"),
        (here.peers[0], "peer"),
        (here.assessor, "assessor"),
    )
    assignments = made(answer)["assignments"]
    assert [a["source"] for a in assignments] == [
        *("self", "superior", "subordinate", "peer", "assessor")
    ]
    assert assignments[1]["rater"]["name"] == "Kadis Utama"
    listed = ok(await hr.get(f"/assessments/{assessment}/assignments"))
    assert listed["assignments"] == assignments


@pytest.mark.parametrize(
    ("who", "source", "code"),
    [
        ("candidate", "peer", "source_not_true"),
        ("candidate", "assessor", "not_independent"),
        ("superior", "peer", "source_not_true"),
        ("superior", "self", "source_not_true"),
        ("superior", "subordinate", "source_not_true"),
        ("superior", "assessor", "not_independent"),
        ("subordinate", "superior", "source_not_true"),
        ("subordinate", "peer", "source_not_true"),
        ("subordinate", "assessor", "not_independent"),
        ("peer", "superior", "source_not_true"),
        ("peer", "subordinate", "source_not_true"),
        ("peer", "self", "source_not_true"),
    ],
)
async def test_a_source_must_be_true(
    who: str, source: str, code: str, hr: Client, here: Office
) -> None:
    people = {
        "candidate": here.candidate,
        "superior": here.superior,
        "subordinate": here.subordinates[0],
        "peer": here.peers[0],
    }
    answer = await assign(hr, await here.assessment(), (people[who], source))
    assert errors(answer) == {"/raters/0/source": code}


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("id", "Pada hari pertama kegiatan hubungannya: atasan."),
        ("en", "On the first day of the event they are: superior."),
    ],
)
async def test_what_a_rater_is_is_told_in_words(
    language: str, detail: str, hr: Client, here: Office
) -> None:
    answer = await hr.post(
        f"/assessments/{await here.assessment()}/assignments",
        json={"raters": [{"employee_id": str(here.superior), "source": "peer"}]},
        headers={"Accept-Language": language},
    )
    (error,) = problem(answer, 422, "invalid")["errors"]
    assert error["detail"] == detail


async def test_who_may_not_rate_at_all(hr: Client, here: Office, owner: asyncpg.Connection) -> None:
    assessment = await here.assessment()
    left = await here.assessing.government.employee("Purna")
    await owner.execute(
        "UPDATE employee_statuses SET valid = '[2010-01-01,2026-09-02)' WHERE employee_id = $1",
        left,
    )
    # Married on the last day of the event alone, and entered for the candidate.
    await owner.execute(
        "INSERT INTO employee_spouses (employee_id, spouse_id, valid)"
        " VALUES ($1, $2, '[2026-09-03,2026-09-04)')",
        here.candidate,
        here.peers[0],
    )
    made(await assign(hr, assessment, (here.peers[1], "peer")))
    answer = await assign(
        hr,
        assessment,
        (left, "peer"),
        (here.peers[0], "assessor"),
        (here.peers[1], "assessor"),
        (uuid4(), "peer"),
        (here.peers[2], "peer"),
        (here.peers[2], "peer"),
    )
    assert errors(answer) == {
        "/raters/0/employee_id": "not_employed",
        "/raters/1/employee_id": "rater_is_spouse",
        "/raters/2/employee_id": "already_assigned",
        "/raters/3/employee_id": "unknown",
        "/raters/5/employee_id": "named_twice",
    }
    assert await owner.fetchval("SELECT count(*) FROM assessor_assignments") == 1
    await owner.execute("UPDATE employee_spouses SET valid = '[2026-09-04,)'")
    made(await assign(hr, assessment, (here.peers[0], "assessor")))


async def test_an_officer_has_no_hand_in_their_own_assessment(actors: Actors, here: Office) -> None:
    assessment = await here.assessment()
    waiting = await here.assessing.rater(assessment, "peer", here.peers[0])
    officer = await actors.sign_in(Role.HR_ADMIN, here.candidate)
    problem(await assign(officer, assessment, (here.peers[1], "peer")), 403, "own_assessment")
    for path in (
        *(f"/assessments/{assessment}/cancel", f"/assessor-assignments/{waiting}/withdraw"),
        f"/assessor-assignments/{waiting}/return",
    ):
        problem(await officer.post(path, json={"reason": "x"}), 403, "own_assessment")


async def test_two_officers_who_assign_the_same_rater(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment, other = await here.assessment(), await actors.hr_admin()
    rater = (here.peers[0], "peer")
    answers = await asyncio.gather(*(assign(c, assessment, rater) for c in (hr, other)))
    assert sorted(a.status_code for a in answers) == [201, 422]
    assert await owner.fetchval("SELECT count(*) FROM assessor_assignments") == 1


# --- the form -----------------------------------------------------------------------------


class Form:
    """A rater's own form, as their device works on it."""

    def __init__(self, client: Client, assignment: UUID) -> None:
        self.client = client
        self.path = f"/assessor-assignments/{assignment}"

    async def read(self) -> dict[str, Any]:
        form: dict[str, Any] = ok(await self.client.get(self.path))
        return form

    async def rate(
        self, competency: object, level: int, version: int = 0, **more: Any
    ) -> httpx.Response:
        return await self.client.put(
            f"{self.path}/ratings/{competency}",
            json={"level": level, **more},
            headers={"If-Match": f'"{version}"'},
        )

    async def put(self, version: object, levels: dict[str, int], **more: Any) -> httpx.Response:
        ratings = [{"competency_id": c, "level": n, **more} for c, n in levels.items()]
        headers = {"If-Match": f'"{version}"'}
        return await self.client.put(
            f"{self.path}/ratings", json={"ratings": ratings}, headers=headers
        )

    async def fill(self, level: int, **more: Any) -> None:
        form = await self.read()
        levels = {c["competency_id"]: level for c in form["competencies"]}
        ok(await self.put(form["version"], levels, **more))

    async def submit(self, **body: Any) -> httpx.Response:
        return await self.client.post(f"{self.path}/submit", json=body)


@pytest.fixture
async def form(actors: Actors, here: Office) -> Form:
    """Of an assessor."""
    assessment = await here.assessment()
    assignment = await here.assessing.rater(assessment, "assessor", here.assessor)
    return Form(await actors.asn(here.assessor), assignment)


async def test_a_form_shows_what_to_rate_and_no_required_level(form: Form, here: Office) -> None:
    shown_form = await form.read()
    assert shown_form["candidate_name"] == "Siti Aminah"
    assert shown_form["position"]["title"] == "Jabatan KABID"
    assert str(here.candidate) not in json.dumps(shown_form)
    assert len(shown_form["competencies"]) == 9
    first = shown_form["competencies"][0]
    assert [level["level"] for level in first["levels"]] == [1, 2, 3, 4, 5]
    assert first["rating"] is None
    assert "required" not in json.dumps(shown_form)
    (listed,) = ok(await form.client.get("/assessor-assignments"))["items"]
    assert listed["candidate_name"] == "Siti Aminah"
    page = await form.client.get("/assessor-assignments", params={"state": "submitted"})
    assert ok(page)["items"] == []


async def test_a_technical_competency_is_rated_where_the_position_has_a_standard(
    form: Form, here: Office, hr: Client, owner: asyncpg.Connection
) -> None:
    technical = next(iter((await here.assessing.competencies("technical")).values()))
    problem(await form.rate(technical, 3), 404, "not_found")
    proposal = await owner.fetchval(
        "INSERT INTO standard_proposals (position_id, effective_from, levels, basis, proposed_by)"
        " VALUES ($1, '2026-01-01', '{}', 'SK', $2) RETURNING id",
        UUID(here.position),
        hr.account_id,
    )
    await owner.execute(
        "INSERT INTO competency_standards"
        " (position_id, competency_id, required_level, proposal_id, valid)"
        " VALUES ($1, $2, 3, $3, '[2026-01-01,2026-09-04)')",
        UUID(here.position),
        technical,
        proposal,
    )
    assert ok(await form.rate(technical, 3))["version"] == 1
    assert len((await form.read())["competencies"]) == 10
    # On the day after the event's last the standard need not hold.
    await owner.execute("UPDATE competency_standards SET valid = '[2026-01-01,2026-09-03)'")
    problem(await form.rate(technical, 3, 1), 404, "not_found")


async def test_the_event_of_a_rating_keeps_the_raters_own_words(
    form: Form, owner: asyncpg.Connection
) -> None:
    one = (await form.read())["competencies"][0]["competency_id"]
    purpose = r"Menilai 'Bu É'; \x41 -- $1"
    headers = {"If-Match": '"0"', "X-Purpose": purpose.encode()}
    ok(await form.client.put(f"{form.path}/ratings/{one}", json={"level": 3}, headers=headers))
    event = await owner.fetchrow(
        "SELECT operation, actor_role, purpose FROM audit_events"
        " WHERE entity = 'assessment_ratings'"
    )
    assert tuple(event) == ("assessor_assignments_rate", "asn", purpose)


async def test_levels_are_given_changed_and_taken_back(form: Form) -> None:
    one, two = [c["competency_id"] for c in (await form.read())["competencies"]][:2]
    given = await form.rate(one, 3, note="Baik.", evidence=EVIDENCE)
    assert given.headers["etag"] == '"1"'
    assert ok(given)["evidence"] == EVIDENCE
    problem(await form.rate(one, 4), 412, "stale_version")
    assert ok(await form.rate(one, 4, 1))["version"] == 2
    problem(await form.rate(two, 4, 1), 412, "stale_version")
    problem(await form.rate(uuid4(), 4), 404, "not_found")
    assert errors(await form.rate(two, 6)) == {"/level": "less_than_equal"}
    assert errors(await form.rate(two, -1)) == {"/level": "greater_than_equal"}
    before = (await form.read())["version"]
    path = f"{form.path}/ratings/{one}"
    problem(await form.client.delete(path, headers={"If-Match": '"1"'}), 412, "stale_version")
    gone = await form.client.delete(path, headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    problem(await form.client.delete(path, headers={"If-Match": '"2"'}), 404, "not_found")
    after = await form.read()
    assert gone.headers["etag"] == f'"{after["version"]}"'
    assert after["version"] > before, "a form's version never comes back"
    assert ok(await form.rate(one, 0))["level"] == 0


async def test_the_whole_form_at_once(form: Form) -> None:
    first = await form.read()
    ids = [c["competency_id"] for c in first["competencies"]]
    whole = ok(await form.put(first["version"], dict.fromkeys(ids, 3), note="Ada."))
    assert {c["rating"]["level"] for c in whole["competencies"]} == {3}
    problem(await form.put(first["version"], {ids[0]: 1}), 412, "stale_version")
    less = ok(await form.put(whole["version"], dict.fromkeys(ids[:2], 3), note="Ada."))
    assert sum(c["rating"] is not None for c in less["competencies"]) == 2
    assert less["version"] > whole["version"]
    # What stays as it was is not written again.
    assert less["competencies"][0]["rating"]["version"] == 1
    unknown = await form.put(less["version"], {str(uuid4()): 3})
    assert errors(unknown) == {"/ratings/0/competency_id": "unknown"}
    headers = {"If-Match": f'"{less["version"]}"'}
    twice = {"ratings": [{"competency_id": ids[0], "level": n} for n in (1, 2)]}
    answer = await form.client.put(f"{form.path}/ratings", json=twice, headers=headers)
    assert errors(answer) == {"/ratings/1/competency_id": "named_twice"}


async def test_a_form_is_handed_in_when_all_is_rated_with_evidence(form: Form) -> None:
    ids = [c["competency_id"] for c in (await form.read())["competencies"]]
    for competency in ids[:-1]:
        ok(await form.rate(competency, 3, evidence=EVIDENCE))
    body = problem(await form.submit(), 409, "not_all_rated")
    assert [u["competency_id"] for u in body["unrated"]] == ids[-1:]
    ok(await form.rate(ids[-1], 3))
    body = problem(await form.submit(), 409, "evidence_missing")
    assert [u["competency_id"] for u in body["without"]] == ids[-1:]
    ok(await form.rate(ids[-1], 3, 1, note="Diamati pada simulasi."))
    for score in ("100.01", "-1", "1e2", "78.555", "abc"):
        assert "/potential_score" in errors(await form.submit(potential_score=score))
    done = ok(await form.submit(potential_score="78.50"))
    assert (done["state"], done["potential_score"]) == ("submitted", "78.50")
    for answer in (
        await form.submit(),
        await form.rate(ids[0], 5, 1),
        await form.put(done["version"], {ids[0]: 5}),
        await form.client.delete(f"{form.path}/ratings/{ids[0]}", headers={"If-Match": '"1"'}),
    ):
        body = problem(answer, 409, "transition_not_allowed")
        assert body["state"] == "submitted"
    assert (await form.read())["competencies"][0]["rating"]["level"] == 3


async def test_others_need_no_evidence_and_score_no_potential(actors: Actors, here: Office) -> None:
    assignment = await here.assessing.rater(await here.assessment(), "peer", here.peers[0])
    form = Form(await actors.asn(here.peers[0]), assignment)
    await form.fill(2)
    answer = await form.submit(potential_score="70")
    assert errors(answer) == {"/potential_score": "assessor_only"}
    assert ok(await form.submit())["state"] == "submitted"


async def test_who_has_left_hands_in_nothing(form: Form, owner: asyncpg.Connection) -> None:
    await form.fill(3, note="Ada.")
    await owner.execute("UPDATE employee_statuses SET valid = '[2010-01-01,2026-09-02)'")
    problem(await form.submit(), 403, "rater_not_employed")


async def test_a_form_is_returned_and_handed_in_again(form: Form, hr: Client) -> None:
    await form.fill(3, note="Ada.")
    ok(await form.submit(potential_score="60"))
    back = await hr.post(f"{form.path}/return", json={"reason": "Bukti kurang."})
    assert ok(back)["state"] == "assigned"
    again = await form.read()
    assert (again["state"], again["note"]) == ("assigned", "Bukti kurang.")
    problem(
        await hr.post(f"{form.path}/return", json={"reason": "Lagi."}),
        409,
        "transition_not_allowed",
    )
    one = again["competencies"][0]
    ok(await form.rate(one["competency_id"], 4, one["rating"]["version"], note="Lebih baik."))
    ok(await form.submit(potential_score="60"))


async def test_who_is_withdrawn_loses_sight_at_once(
    form: Form, hr: Client, here: Office, owner: asyncpg.Connection
) -> None:
    shown_form = await form.read()
    one = shown_form["competencies"][0]["competency_id"]
    ok(await form.rate(one, 3))
    assert ok(await form.client.get("/assessments"))["items"]
    withdrawn = ok(await hr.post(f"{form.path}/withdraw", json={"reason": "Berhalangan."}))
    assert (withdrawn["state"], withdrawn["note"]) == ("withdrawn", "Berhalangan.")
    problem(await form.client.get(form.path), 404, "not_found")
    problem(await form.rate(one, 4, 1), 404, "not_found")
    problem(await form.put(shown_form["version"], {one: 4}), 404, "not_found")
    problem(await form.submit(), 404, "not_found")
    assert ok(await form.client.get("/assessor-assignments"))["items"] == []
    assert ok(await form.client.get("/assessments"))["items"] == []
    assessment = shown_form["assessment_id"]
    problem(await form.client.get(f"/assessments/{assessment}"), 404, "not_found")
    problem(
        await hr.post(f"{form.path}/withdraw", json={"reason": "x"}), 409, "transition_not_allowed"
    )
    async with persona(owner, Role.ASN, here.assessor) as connection:
        for table in ("assessor_assignments", "assessments"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        names = await connection.fetch("SELECT * FROM app.known_names($1)", [here.candidate])
        assert names == []
    # And may be assigned anew.
    made(await assign(hr, UUID(assessment), (here.assessor, "assessor")))


# --- at once ------------------------------------------------------------------------------


async def test_two_devices_never_overwrite_one_another(form: Form) -> None:
    one = (await form.read())["competencies"][0]["competency_id"]
    answers = await asyncio.gather(*(form.rate(one, level) for level in (1, 2, 3, 4)))
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412]
    kept = next(a.json()["level"] for a in answers if a.status_code == 200)
    assert (await form.read())["competencies"][0]["rating"]["level"] == kept
    answers = await asyncio.gather(*(form.rate(one, level, 1) for level in (1, 2, 3, 4)))
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412]


async def test_several_levels_at_once(form: Form) -> None:
    ids = [c["competency_id"] for c in (await form.read())["competencies"]]
    answers = await asyncio.gather(*(form.rate(competency, 3) for competency in ids))
    assert {a.status_code for a in answers} == {200}
    assert (await form.read())["version"] == 1 + len(ids)


async def test_a_level_and_the_handing_in_take_turns(form: Form) -> None:
    """Whatever comes first: what was handed in is what stays."""
    await form.fill(3, note="Ada.")
    one = (await form.read())["competencies"][0]["competency_id"]
    answers = await asyncio.gather(
        *(form.rate(one, 5, 1, note="Ada."), form.submit(), form.submit())
    )
    rated, *submitted = [a.status_code for a in answers]
    assert sorted(submitted) == [200, 409]
    level = (await form.read())["competencies"][0]["rating"]["level"]
    assert (rated, level) in ((200, 5), (409, 3))


async def test_rating_while_being_withdrawn(
    form: Form, hr: Client, owner: asyncpg.Connection
) -> None:
    ids = [c["competency_id"] for c in (await form.read())["competencies"]]
    answers = await asyncio.gather(
        *(form.rate(c, 3) for c in ids[:4]),
        hr.post(f"{form.path}/withdraw", json={"reason": "Berhalangan."}),
        *(form.rate(c, 3) for c in ids[4:]),
    )
    codes = [a.status_code for a in answers]
    assert codes.pop(4) == 200
    assert set(codes) <= {200, 404}
    assert await owner.fetchval("SELECT count(*) FROM assessment_ratings") == codes.count(200)


async def test_a_withdrawal_waits_for_a_rating_under_way(
    form: Form, hr: Client, here: Office, owner: asyncpg.Connection
) -> None:
    """The rater's transaction is still open: what it writes is seen, or never was."""
    one = (await form.read())["competencies"][0]["competency_id"]
    keys = {"assignment_id": UUID(form.path.rsplit("/", 1)[1]), "competency_id": UUID(one)}
    values = {"rater_id": here.assessor, "level": 3, "note": None, "evidence": "[]", "expected": 0}
    statement, arguments = bind(RATE, keys | values)
    async with persona(owner, Role.ASN, here.assessor) as connection:
        assert await connection.fetchval(statement, *arguments) == 1
        withdrawal = asyncio.create_task(
            hr.post(f"{form.path}/withdraw", json={"reason": "Berhalangan."})
        )
        await asyncio.sleep(0.3)
        assert not withdrawal.done()
    assert (await withdrawal).status_code == 200


# --- others' candidates -------------------------------------------------------------------


async def test_no_rater_sees_anothers_candidates(
    actors: Actors, here: Office, form: Form, owner: asyncpg.Connection
) -> None:
    other_event = await here.assessing.event()
    other = await here.assessing.assessment(other_event, here.superior, here.position)
    foreign = await here.assessing.rater(other, "assessor", here.peers[0], levels=4)
    mine = await form.read()
    # The other's candidate is their superior, whom they do not lead either.
    for method, path, body in (
        ("GET", f"/assessor-assignments/{foreign}", None),
        ("GET", f"/assessments/{other}", None),
        ("PUT", f"/assessor-assignments/{foreign}/ratings", {"ratings": []}),
        ("POST", f"/assessor-assignments/{foreign}/submit", {}),
    ):
        for client in (form.client, await actors.asn(here.subordinates[0])):
            answer = await client.request(method, path, json=body, headers={"If-Match": '"1"'})
            problem(answer, 404, "not_found")
    competency = mine["competencies"][0]["competency_id"]
    stranger = Form(form.client, foreign)
    problem(await stranger.rate(competency, 1), 404, "not_found")
    answer = await form.client.delete(
        f"{stranger.path}/ratings/{competency}", headers={"If-Match": '"1"'}
    )
    problem(answer, 404, "not_found")
    assert [i["id"] for i in ok(await form.client.get("/assessor-assignments"))["items"]] == [
        mine["id"]
    ]
    assert await owner.fetchval("SELECT count(*) FROM assessment_ratings WHERE level = 4") == 9


async def test_the_database_itself_shows_a_rater_their_own_only(
    here: Office, form: Form, owner: asyncpg.Connection
) -> None:
    """With no filter of the application at all: SQL as the rater's persona."""
    other_event = await here.assessing.event()
    other = await here.assessing.assessment(other_event, here.superior, here.position)
    foreign = await here.assessing.rater(other, "assessor", here.peers[0], levels=4)
    waiting = await here.assessing.rater(other, "peer", here.subordinates[0])
    own = UUID(form.path.rsplit("/", 1)[1])
    async with persona(owner, Role.ASN, here.assessor) as connection:
        seen = await connection.fetch("SELECT id FROM assessor_assignments")
        assert [row["id"] for row in seen] == [own]
        assert await connection.fetchval("SELECT count(*) FROM assessments") == 1
        assert await connection.fetchval("SELECT count(*) FROM assessment_ratings") == 0
        assert not await connection.fetch("SELECT * FROM app.known_names($1)", [here.superior])
        for change in (
            "UPDATE assessor_assignments SET state = 'submitted', submitted_at = now()"
            f" WHERE id = '{waiting}' RETURNING id",
            f"UPDATE assessment_ratings SET level = 0 WHERE assignment_id = '{foreign}'"
            " RETURNING id",
            f"DELETE FROM assessment_ratings WHERE assignment_id = '{foreign}' RETURNING id",
        ):
            assert await connection.fetch(change) == []
    competency = next(iter((await here.assessing.competencies()).values()))
    for assignment, rater, source in (
        (waiting, here.assessor, "peer"),  # into another's form
        (waiting, here.subordinates[0], "peer"),  # in another's name
        (own, None, "assessor"),  # as the provider
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with persona(owner, Role.ASN, here.assessor) as connection:
                await connection.execute(
                    "INSERT INTO assessment_ratings"
                    " (assignment_id, assessment_id, competency_id, rater_id, source, level)"
                    " VALUES ($1, $2, $3, $4, $5, 5)",
                    *(assignment, other, competency, rater, source),
                )


async def test_the_database_itself_keeps_what_was_handed_in(
    here: Office, form: Form, owner: asyncpg.Connection
) -> None:
    await form.fill(3, note="Ada.")
    ok(await form.submit())
    assignment = UUID(form.path.rsplit("/", 1)[1])
    async with persona(owner, Role.ASN, here.assessor) as connection:
        for change in (
            "UPDATE assessor_assignments SET state = 'assigned', submitted_at = NULL RETURNING id",
            "UPDATE assessment_ratings SET level = 5 RETURNING id",
            "DELETE FROM assessment_ratings RETURNING id",
        ):
            assert await connection.fetch(change) == []
    for column in ("source = 'peer'", "rater_id = NULL", "note = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with persona(owner, Role.ASN, here.assessor) as connection:
                await connection.execute(f"UPDATE assessor_assignments SET {column}")
    assert await here.assessing.state("assessor_assignments", assignment) == "submitted"


# --- anonymity ----------------------------------------------------------------------------


async def _everything(client: Client, assessment: UUID) -> str:
    """All that somebody can read about an assessment, their data and who looked at it."""
    person = client.employee_id
    texts = []
    for path in (
        *("/assessments", f"/assessments/{assessment}", "/assessor-assignments"),
        *(f"/assessments/{assessment}/assignments", f"/assessments/{assessment}/ratings"),
        *("/me", "/me/data-access", f"/employees/{person}", f"/employees/{person}/history"),
        f"/employees/{person}/data-export",
    ):
        answer = await client.get(path)
        assert answer.status_code in (200, 403, 404), path
        texts.append(answer.text)
    return "\n".join(texts)


async def test_nothing_tells_the_candidate_who_rates_them(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    """Peers and subordinates are assigned, look, rate, submit; then the candidate reads all."""
    assessment = await here.assessment()
    anonymous = [(here.peers[0], "peer"), (here.subordinates[0], "subordinate")]
    made(await assign(hr, assessment, *anonymous, (here.candidate, "self")))
    candidate = await actors.asn(here.candidate)
    before = ok(await candidate.get("/me/data-access"))["items"]
    raters = []
    for rater, _ in anonymous:
        client = await actors.asn(rater)
        raters.append(client)
        (own,) = ok(await client.get("/assessor-assignments"))["items"]
        form = Form(client, own["id"])
        await form.fill(2, note="Rahasia.")
        ok(await form.submit())
        ok(await client.get("/assessments"))
        ok(await client.get(f"/assessments/{assessment}"))
    ok(await hr.get(f"/assessments/{assessment}/assignments"))
    read = await _everything(candidate, assessment)
    forbidden = [str(c.account_id) for c in raters] + [str(r) for r, _ in anonymous]
    for secret in (*forbidden, "Rekan 0", "Staf 0", "Rahasia."):
        assert secret not in read, secret
    own = ok(await candidate.get(f"/assessments/{assessment}"))
    assert own["progress"] == {"assigned": 3, "submitted": 2, "by_source": None}
    # What anonymous raters did left no event about the candidate; what the officer did, one.
    events = await owner.fetch(
        "SELECT * FROM audit_events WHERE $1 = ANY (subject_ids)", here.candidate
    )
    assert {e["actor_account_id"] for e in events}.isdisjoint(c.account_id for c in raters)
    after = ok(await candidate.get("/me/data-access"))["items"]
    assert len(after) > len(before), "the officer's read is told"
    # And no event that the candidate may read holds a rater's id, by any column.
    async with persona(owner, Role.ASN, here.candidate) as connection:
        for table in ("audit_events", "assessor_assignments", "assessment_ratings"):
            rows = str(await connection.fetch(f"SELECT * FROM {table}"))
            assert not any(secret in rows for secret in forbidden), table


@pytest.mark.parametrize("role", [Role.HR_ADMIN, Role.AUDITOR])
async def test_nor_do_they_learn_it_from_their_office(
    role: Role, actors: Actors, here: Office
) -> None:
    assessment = await here.assessment(state="submitted")
    await here.assessing.rater(assessment, "peer", here.peers[0], levels=2)
    officer = await actors.sign_in(role, here.candidate)
    for part in ("assignments", "ratings"):
        answer = await officer.get(f"/assessments/{assessment}/{part}")
        problem(answer, 403, "own_assessment")
    shown_own = ok(await officer.get(f"/assessments/{assessment}"))
    assert shown_own["progress"] == {"assigned": 1, "submitted": 1, "by_source": None}


async def test_named_raters_leave_an_event_when_they_look(
    actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment()
    for rater, source in ((here.superior, "superior"), (here.assessor, "assessor")):
        assignment = await here.assessing.rater(assessment, source, rater)
        client = await actors.asn(rater)
        ok(await client.get(f"/assessor-assignments/{assignment}"))
        looked = await owner.fetchval(
            "SELECT count(*) FROM audit_events WHERE kind = 'read' AND actor_account_id = $1"
            " AND subject_ids = ARRAY[$2::uuid]",
            client.account_id,
            here.candidate,
        )
        assert looked == 1


async def test_an_officer_reads_no_rating_of_a_peer(
    hr: Client, actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment(state="submitted")
    rate = here.assessing.rater
    for rater in here.peers[:3]:
        await rate(assessment, "peer", rater, levels={"integritas": 4}, note="Catatan rekan")
    await rate(assessment, "subordinate", here.subordinates[0], levels=1, note="Catatan staf")
    await rate(assessment, "superior", here.superior, levels=3, note="Catatan atasan")
    paths = (
        *("/assessments", f"/assessments/{assessment}", f"/assessments/{assessment}/ratings"),
        f"/assessments/{assessment}/assignments",
    )
    read = "\n".join([shown_text(await hr.get(path)) for path in paths])
    assert "Catatan atasan" in read
    assert "Catatan rekan" not in read
    assert "Catatan staf" not in read
    for role in (Role.HR_ADMIN, Role.SERVICE):
        async with persona(owner, role) as connection:
            sources = await connection.fetch("SELECT DISTINCT source FROM assessment_ratings")
            assert [row["source"] for row in sources] == ["superior"]
            # Not by asking for a threshold of one either: what one gave is never a figure.
            counted = await connection.fetch(
                "SELECT * FROM app.counted_ratings(ARRAY[$1::uuid], 1)"
                " WHERE source = 'subordinate'",
                assessment,
            )
            assert [(row["raters"], row["levels"]) for row in counted] == [(1, None)]
    auditor = await actors.auditor()
    assert "Catatan rekan" in (await auditor.get(f"/assessments/{assessment}/ratings")).text


def shown_text(answer: httpx.Response) -> str:
    shown(answer)
    return answer.text


async def test_once_shown_an_anonymous_group_stays_as_it_is(
    hr: Client, here: Office, owner: asyncpg.Connection
) -> None:
    """Who sees the mean before and after one leaves knows what that one gave."""
    assessment = await here.assessment()
    rate = here.assessing.rater
    peers = [await rate(assessment, "peer", p, levels=3) for p in here.peers[:3]]
    superior = await rate(assessment, "superior", here.superior, levels=3)
    path = f"/assessments/{assessment}"

    async def seen() -> tuple[str | None, bool]:
        body = ok(await hr.get(f"{path}/ratings"))
        sources = {s["source"]: s for s in body["competencies"][0]["sources"]}
        return sources["peer"]["mean"], sources["peer"]["withheld"]

    await rate(assessment, "assessor", levels=3)
    assert await seen() == (None, True), "rating is still open"
    ok(await hr.post(f"{path}/submit", json={}))
    assert await seen() == ("3.00", False)
    ok(await hr.post(f"{path}/return", json={"reason": "Bukti."}))
    assert await seen() == (None, True)
    for move in ("withdraw", "return"):
        answer = await hr.post(f"/assessor-assignments/{peers[0]}/{move}", json={"reason": "x"})
        problem(answer, 409, "anonymous_group_fixed")
    answer = await assign(hr, assessment, (here.peers[3], "peer"))
    problem(answer, 409, "anonymous_group_fixed")
    ok(await hr.post(f"/assessor-assignments/{superior}/return", json={"reason": "x"}))


async def test_a_peer_learns_that_they_rate_and_nothing_more(
    actors: Actors, here: Office, owner: asyncpg.Connection
) -> None:
    assessment = await here.assessment(state="moderated", note="Catatan moderator")
    await here.assessing.rater(assessment, "peer", here.peers[0], levels=3)
    await here.assessing.rater(assessment, "assessor", here.peers[1], levels=3)
    peer, assessor = await actors.asn(here.peers[0]), await actors.asn(here.peers[1])
    head = await actors.asn(here.superior)
    path = f"/assessments/{assessment}"
    assert ok(await peer.get(path))["note"] is None
    assert ok(await peer.get("/assessments"))["items"][0]["note"] is None
    for client in (assessor, head):
        assert ok(await client.get(path))["note"] == "Catatan moderator"
