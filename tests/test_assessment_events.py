"""Providers, their accreditation, events, and the people who are added to them."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.assessing import Assessing, office
from tests.organisation import Government, made, ok
from tests.people import matching

ACCREDITED = {
    "accreditation_no": "12/BKN/2026",
    "purposes": ["mapping"],
    "effective_from": "2026-01-01",
}


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


@pytest.fixture
async def assessing(hr: Client, owner: asyncpg.Connection) -> Assessing:
    return Assessing(Government(hr, owner))


def planned(provider: object, **changes: Any) -> dict[str, Any]:
    return {
        "code": "EV-1",
        "title": "Pemetaan 2026",
        "purpose": "mapping",
        "method": "assessment_center",
        "provider_id": str(provider),
        "starts_on": "2026-09-01",
        "ends_on": "2026-09-03",
    } | changes


def errors(answer: Any) -> dict[str, str]:
    """What is wrong, by pointer."""
    return {e["pointer"]: e["code"] for e in problem(answer, 422, "invalid")["errors"]}


# --- providers ----------------------------------------------------------------------------


async def test_a_provider_is_entered_accredited_and_renamed(hr: Client, actors: Actors) -> None:
    new = await hr.post("/assessment-providers", json={"code": "PPK", "name": "Puspekom"})
    provider = made(new)
    assert provider["accreditations"] == []
    path = new.headers["location"].removeprefix("/api/v1")
    accredited = await hr.put(f"{path}/accreditation", json=ACCREDITED, headers=matching(new))
    later = ACCREDITED | {"purposes": ["promotion", "mapping"], "effective_from": "2027-01-01"}
    both = await hr.put(f"{path}/accreditation", json=later, headers=matching(accredited))
    first, second = ok(both)["accreditations"][::-1]
    assert (first["effective_until"], second["effective_until"]) == ("2027-01-01", None)
    assert second["purposes"] == ["mapping", "promotion"]
    ended = await hr.delete(
        f"{path}/accreditation", params={"effective_from": "2026-07-01"}, headers=matching(both)
    )
    (left,) = ok(ended)["accreditations"]
    assert left["effective_until"] == "2026-07-01"
    renamed = await hr.patch(path, json={"name": "Puspekom Jateng"}, headers=matching(ended))
    assert ok(renamed)["name"] == "Puspekom Jateng"
    problem(await hr.patch(path, json={"name": "X"}, headers=matching(new)), 412, "stale_version")
    problem(
        await hr.post("/assessment-providers", json={"code": "PPK", "name": "Lain"}),
        409,
        "provider_code_taken",
    )
    citizen = await actors.public()
    problem(await citizen.get("/assessment-providers"), 403, "forbidden")
    auditor = await actors.auditor()
    assert ok(await auditor.get("/assessment-providers"))["items"] == [ok(renamed)]


async def test_what_is_not_accredited_anyway_is_not_ended(hr: Client, assessing: Assessing) -> None:
    provider = await assessing.provider(until=date(2026, 1, 1))
    path = f"/assessment-providers/{provider}"
    version = matching(await hr.get(path))
    params = {"effective_from": "2026-01-01"}
    problem(
        await hr.delete(f"{path}/accreditation", params=params, headers=version),
        409,
        "not_in_force",
    )


# --- events -------------------------------------------------------------------------------


async def test_an_event_needs_an_accredited_provider_on_each_of_its_days(
    hr: Client, assessing: Assessing
) -> None:
    provider = await assessing.provider(purposes=["mapping"], until=date(2026, 9, 3))
    body = problem(
        await hr.post("/assessment-events", json=planned(provider)), 409, "provider_not_accredited"
    )
    assert body["first_day"] == "2026-09-03"
    day_before = planned(provider, ends_on="2026-09-02")
    event = made(await hr.post("/assessment-events", json=day_before))
    assert event["provider"]["id"] == str(provider)
    assert event["closed_at"] is None
    for_promotion = planned(provider, code="EV-2", purpose="promotion", ends_on="2026-09-02")
    body = problem(
        await hr.post("/assessment-events", json=for_promotion), 409, "provider_not_accredited"
    )
    assert body["first_day"] == "2026-09-01"
    # And a change of its days is judged as they then are.
    path = f"/assessment-events/{event['id']}"
    headers = matching(await hr.get(path))
    later = {"ends_on": "2026-09-03"}
    problem(await hr.patch(path, json=later, headers=headers), 409, "provider_not_accredited")
    changed = await hr.patch(path, json={"starts_on": "2026-08-31"}, headers=headers)
    assert ok(changed)["starts_on"] == "2026-08-31"
    problem(await hr.patch(path, json={"title": "X"}, headers=headers), 412, "stale_version")


async def test_two_accreditations_that_meet_are_one(hr: Client, assessing: Assessing) -> None:
    provider = await assessing.provider(until=date(2026, 9, 2))
    path = f"/assessment-providers/{provider}/accreditation"
    body = ACCREDITED | {"effective_from": "2026-09-02"}
    headers = matching(await hr.get(f"/assessment-providers/{provider}"))
    ok(await hr.put(path, json=body, headers=headers))
    made(await hr.post("/assessment-events", json=planned(provider)))


async def test_what_an_event_can_not_be(hr: Client, assessing: Assessing) -> None:
    provider = await assessing.provider(since=date(1950, 1, 1))
    post = hr.post
    backwards = planned(provider, ends_on="2026-08-31")
    assert errors(await post("/assessment-events", json=backwards)) == {"": "ends_before_start"}
    unknown = planned(uuid4())
    assert errors(await post("/assessment-events", json=unknown)) == {"/provider_id": "unknown"}
    early = planned(provider, starts_on="1999-01-01", ends_on="1999-01-01")
    assert errors(await post("/assessment-events", json=early)) == {"/ends_on": "no_rule_yet"}
    made(await post("/assessment-events", json=planned(provider)))
    again = await post("/assessment-events", json=planned(provider))
    problem(again, 409, "event_code_taken")


async def test_once_something_is_published_an_event_stays_as_it_is(
    hr: Client, owner: asyncpg.Connection
) -> None:
    here = await office(hr, owner)
    assessment = await here.assessment(state="published")
    event = await owner.fetchval("SELECT event_id FROM assessments WHERE id = $1", assessment)
    path = f"/assessment-events/{event}"
    headers = matching(await hr.get(path))
    problem(await hr.patch(path, json={"title": "X"}, headers=headers), 409, "event_published")


async def test_an_event_is_not_moved_to_days_on_which_a_rater_is_not_independent(
    hr: Client, owner: asyncpg.Connection
) -> None:
    """The assessor takes over the dinas in October, and is married in the next year."""
    here = await office(hr, owner)
    event = await here.assessing.event()
    assessment = await here.assessing.assessment(event, here.candidate, here.position)
    await here.assessing.rater(assessment, "self")
    await here.assessing.rater(assessment, "assessor")
    await here.assessing.rater(assessment, "assessor", here.assessor)
    for seat in (here.assessor, here.superior):
        await owner.execute(
            "UPDATE seat_assignments SET valid = '[2020-01-01,2026-10-01)' WHERE employee_id = $1",
            seat,
        )
    await owner.execute(
        "INSERT INTO seat_assignments (employee_id, position_id, kind, seat_no, valid)"
        " SELECT $1, position_id, kind, seat_no, '[2026-10-01,2027-01-01)'"
        " FROM seat_assignments WHERE employee_id = $2",
        *(here.assessor, here.superior),
    )
    await owner.execute(
        "INSERT INTO employee_spouses (employee_id, spouse_id, valid)"
        " VALUES ($1, $2, '[2027-01-10,)'), ($2, $1, '[2027-01-10,)')",
        *(here.assessor, here.candidate),
    )

    async def moved(first: str, last: str) -> Any:
        path, days = f"/assessment-events/{event}", {"starts_on": first, "ends_on": last}
        return await hr.patch(path, json=days, headers=matching(await hr.get(path)))

    for days in (("2026-10-01", "2026-10-02"), ("2027-01-05", "2027-01-10")):
        refused = problem(await moved(*days), 409, "raters_not_independent")
        assert refused["assessments"] == [str(assessment)]
    ok(await moved("2027-01-05", "2027-01-09"))


async def test_events_are_filtered(hr: Client, assessing: Assessing, actors: Actors) -> None:
    first = await assessing.event()
    second = await assessing.event(purpose="promotion", starts_on=date(2026, 10, 1))
    third = await assessing.event(method="interview", starts_on=date(2026, 11, 1))
    assert ok(await hr.post(f"/assessment-events/{third}/close"))["closed_at"]
    problem(await hr.post(f"/assessment-events/{third}/close"), 409, "transition_not_allowed")

    async def ids(**query: Any) -> list[UUID]:
        page = ok(await hr.get("/assessment-events", params=query))
        return [UUID(item["id"]) for item in page["items"]]

    assert await ids() == [third, second, first]
    assert await ids(purpose="mapping") == [third, first]
    assert await ids(method="interview") == [third]
    assert await ids(open=True) == [second, first]
    assert await ids(open=False) == [third]


# --- people -------------------------------------------------------------------------------


async def test_people_are_added_in_their_own_seat_or_for_another(
    hr: Client, owner: asyncpg.Connection
) -> None:
    here = await office(hr, owner)
    event = await here.assessing.event()
    people = [here.candidate, here.superior, *here.peers]
    body: dict[str, Any] = {"candidates": [{"employee_id": str(p)} for p in people]}
    body["candidates"][1]["position_id"] = here.position
    path = f"/assessment-events/{event}/assessments"
    added = made(await hr.post(path, json=body))["assessments"]
    assert [UUID(a["employee_id"]) for a in added] == people
    assert added[0]["position_id"] == added[1]["position_id"] == here.position
    page = ok(await hr.get(path, params={"include_total": True}))
    assert page["total"] == 7
    assert {a["id"] for a in added} == {item["id"] for item in page["items"]}
    (mine,) = [i for i in page["items"] if i["candidate"]["name"] == "Siti Aminah"]
    assert mine["position"] == {
        "id": here.position,
        "title": "Jabatan KABID",
        "unit_id": here.bidang,
        "unit_name": "Unit SMP",
    }
    assert mine["state"] == "draft"
    # One event of the audit log tells of all of them.
    logged = await owner.fetch("SELECT * FROM audit_events WHERE entity = 'assessments'")
    assert [set(e["subject_ids"]) for e in logged] == [set(people)]


async def test_all_of_them_or_none_and_why(hr: Client, owner: asyncpg.Connection) -> None:
    here = await office(hr, owner)
    government = here.assessing.government
    left = await government.employee("Purna", until=date(2026, 9, 1))
    seatless = await government.employee("Tanpa Jabatan")
    event = await here.assessing.event()
    await here.assessing.assessment(event, here.superior, here.position)
    named = [here.candidate, uuid4(), left, seatless, here.superior, here.candidate]
    body: dict[str, Any] = {"candidates": [{"employee_id": str(p)} for p in named]}
    body["candidates"].append({"employee_id": str(here.peers[0]), "position_id": str(uuid4())})
    path = f"/assessment-events/{event}/assessments"
    assert errors(await hr.post(path, json=body)) == {
        "/candidates/1/employee_id": "unknown",
        "/candidates/2/employee_id": "not_employed",
        "/candidates/3/position_id": "no_seat",
        "/candidates/4/employee_id": "already_in_event",
        "/candidates/5/employee_id": "named_twice",
        "/candidates/6/position_id": "not_in_force",
    }
    assert await owner.fetchval("SELECT count(*) FROM assessments") == 1
    await owner.execute("UPDATE assessment_events SET closed_at = now()")
    one = {"candidates": body["candidates"][:1]}
    problem(await hr.post(path, json=one), 409, "event_closed")
    missing = f"/assessment-events/{uuid4()}/assessments"
    problem(await hr.post(missing, json=one), 404, "not_found")
    problem(await hr.get(missing), 404, "not_found")


async def test_two_officers_who_add_the_same_person_at_once(
    hr: Client, actors: Actors, owner: asyncpg.Connection
) -> None:
    here = await office(hr, owner)
    event = await here.assessing.event()
    body = {"candidates": [{"employee_id": str(here.candidate)}]}
    other = await actors.hr_admin()
    answers = await asyncio.gather(
        *(c.post(f"/assessment-events/{event}/assessments", json=body) for c in (hr, other))
    )
    assert sorted(a.status_code for a in answers) in ([201, 409], [201, 422])
    assert await owner.fetchval("SELECT count(*) FROM assessments") == 1


async def test_a_thousand_people_in_one_call(hr: Client, owner: asyncpg.Connection) -> None:
    here = await office(hr, owner)
    people = await owner.fetch(
        "WITH new AS (INSERT INTO employees (birth_date, sex) SELECT '1985-01-15', 'female'"
        "  FROM generate_series(1, 1000) RETURNING id),"
        " status AS (INSERT INTO employee_statuses (employee_id, status, valid)"
        "  SELECT id, 'pns', '[2010-01-01,)' FROM new)"
        " SELECT id FROM new"
    )
    event = await here.assessing.event()
    named = [{"employee_id": str(p["id"]), "position_id": here.position} for p in people]
    path = f"/assessment-events/{event}/assessments"
    added = made(await hr.post(path, json={"candidates": named}))
    assert len(added["assessments"]) == 1000
    one_more = {"candidates": [*named, named[0]]}
    assert (await hr.post(path, json=one_more)).status_code == 422


# --- marriages ----------------------------------------------------------------------------


@pytest.fixture
async def couple(hr: Client, assessing: Assessing) -> tuple[UUID, UUID]:
    employee = assessing.government.employee
    return await employee("Siti"), await employee("Budi")


async def version(hr: Client, person: UUID) -> dict[str, str]:
    """If-Match with an employee's version."""
    return matching(await hr.get(f"/employees/{person}"))


async def test_a_marriage_holds_for_both_over_its_days(
    hr: Client, actors: Actors, couple: tuple[UUID, UUID]
) -> None:
    siti, budi = couple
    body = {"spouse_id": str(budi), "effective_from": "2020-02-02"}
    path = f"/employees/{siti}/spouse"
    recorded = await hr.put(path, json=body, headers=await version(hr, siti))
    assert ok(recorded)["spouse_id"] == str(budi)
    for person, spouse in ((siti, budi), (budi, siti)):
        themself = await actors.asn(person)
        for client in (hr, themself):
            seen = ok(await client.get(f"/employees/{person}/spouse"))
            assert seen["spouse_id"] == str(spouse)
        before = await themself.get(f"/employees/{person}/spouse", params={"as_of": "2020-02-01"})
        problem(before, 404, "not_found")
        export = ok(await themself.get(f"/employees/{person}/data-export"))
        assert [s["spouse_id"] for s in export["spouses"]] == [str(spouse)]
    stranger = await actors.asn(budi)
    problem(await stranger.get(path), 404, "not_found")
    ended = await hr.delete(
        f"/employees/{budi}/spouse",
        params={"effective_from": "2024-01-01"},
        headers=await version(hr, budi),
    )
    assert ended.status_code == 204
    problem(await hr.get(path), 404, "not_found")
    last = ok(await hr.get(path, params={"as_of": "2023-12-31"}))
    assert last["effective_until"] == "2024-01-01"


async def test_nobody_is_married_twice_on_a_day(
    hr: Client, assessing: Assessing, couple: tuple[UUID, UUID]
) -> None:
    siti, budi = couple
    third = await assessing.government.employee("Tuti")
    since = {"effective_from": "2020-02-02"}
    path = f"/employees/{siti}/spouse"
    first = await hr.put(
        path, json=since | {"spouse_id": str(budi)}, headers=await version(hr, siti)
    )
    for person, other in ((third, siti), (third, budi), (budi, third)):
        again = await hr.put(
            f"/employees/{person}/spouse",
            json=since | {"spouse_id": str(other)},
            headers=await version(hr, person),
        )
        problem(again, 409, "already_married")
    alone = await hr.put(path, json=since | {"spouse_id": str(siti)}, headers=matching(first))
    assert errors(alone) == {"/spouse_id": "same_person"}
    unknown = await hr.put(path, json=since | {"spouse_id": str(uuid4())}, headers=matching(first))
    assert errors(unknown) == {"/spouse_id": "unknown"}
    withdrawn = await hr.delete(path, params=since, headers=await version(hr, siti))
    assert withdrawn.status_code == 204
    problem(await hr.delete(path, params=since, headers=matching(first)), 404, "not_found")
    ok(
        await hr.put(
            f"/employees/{third}/spouse",
            json=since | {"spouse_id": str(siti)},
            headers=await version(hr, third),
        )
    )


async def test_nobody_records_their_own_marriage(
    actors: Actors, hr: Client, couple: tuple[UUID, UUID]
) -> None:
    siti, budi = couple
    officer = await actors.sign_in(Role.HR_ADMIN, siti)
    since = {"effective_from": "2020-02-02"}
    for person, other in ((siti, budi), (budi, siti)):
        answer = await officer.put(
            f"/employees/{person}/spouse",
            json=since | {"spouse_id": str(other)},
            headers=await version(hr, person),
        )
        problem(answer, 403, "own_record")


async def test_one_of_two_marriages_at_once(
    hr: Client, assessing: Assessing, couple: tuple[UUID, UUID], owner: asyncpg.Connection
) -> None:
    siti, budi = couple
    third = await assessing.government.employee("Tuti")
    since = {"effective_from": "2020-02-02"}
    answers = await asyncio.gather(
        *[
            hr.put(
                f"/employees/{person}/spouse",
                json=since | {"spouse_id": str(other)},
                headers=await version(hr, person),
            )
            for person, other in ((siti, budi), (budi, third))
        ]
    )
    assert min(a.status_code for a in answers) == 200
    assert max(a.status_code for a in answers) in (409, 412)
    assert await owner.fetchval("SELECT count(*) FROM employee_spouses") == 1
