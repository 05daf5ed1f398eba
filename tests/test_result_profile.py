"""A person's competencies in one document, as a chart, over time, and against another seat."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import asyncpg
import pytest
from fastapi import FastAPI

from app.access.actors import Actor
from app.calendar import today
from app.database import Database
from app.models.assessments import AssessmentResult
from app.rules.scoring import ScoringInputs
from app.services.results import publishing
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.assessing import ENDS
from tests.measuring import Office, staffed
from tests.organisation import ok

MIXED = {
    "integritas": 1,
    "kerja_sama": 2,
    "komunikasi": 5,
    "orientasi_pada_hasil": 3,
    "pelayanan_publik": 3,
    "pengembangan_diri_dan_orang_lain": 3,
    "mengelola_perubahan": 3,
    "pengambilan_keputusan": 3,
    "perekat_bangsa": 0,
}
"""Against a required level of 3: gaps of 2, 1 and 3, and a surplus of 2 that hides none."""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
async def office(actors: Actors, owner: asyncpg.Connection) -> Office:
    return await staffed(await actors.hr_admin(), owner)


@pytest.fixture
async def staff(office: Office, actors: Actors) -> Client:
    return await actors.asn(office.staff)


async def profile(client: Client, employee: UUID, language: str = "id") -> dict[str, Any]:
    path = f"/employees/{employee}/competency-profile"
    shown: dict[str, Any] = ok(await client.get(path, headers={"Accept-Language": language}))
    return shown


# --- the document -------------------------------------------------------------------------


async def test_nobody_has_assessed_them_yet(office: Office, staff: Client) -> None:
    shown = await profile(staff, office.staff)
    assert (shown["standing"], shown["result"], shown["measurement"]) == (
        "not_assessed",
        None,
        None,
    )
    assert shown["in_words"].startswith("Belum pernah dinilai.")
    assert shown["position"]["title"] == "Jabatan ANALIS"
    assert len(shown["competencies"]) == 9
    first = shown["competencies"][0]
    assert (first["required"], first["actual"], first["present"]) == (3, None, None)
    assert (first["next"]["level"], first["advice"]) == (3, "Belum terukur.")
    assert len(first["next"]["indicators"]) > 0


async def test_what_do_i_do_now(office: Office, staff: Client) -> None:
    await office.published(MIXED)
    shown = await profile(staff, office.staff)
    assert shown["standing"] == "in_force"
    days = (date(ENDS.year + 3, ENDS.month, ENDS.day) - today()).days
    assert shown["in_words"] == f"Hasil ini berlaku sampai 2 September 2029: {days} hari lagi."
    assert (shown["result"]["days_left"], shown["result"]["gaps"]) == (days, 3)
    assert shown["result"]["jpm"] == "85.19"
    assert "23,00 ÷ 27 × 100 = 85,19%" in shown["result"]["jpm_in_words"]
    worst, second, third = shown["competencies"][:3]
    assert [c["code"] for c in (worst, second, third)] == [
        "perekat_bangsa",
        "integritas",
        "kerja_sama",
    ]
    assert (worst["present"], worst["next"]["level"], worst["gap"]) == (None, 1, "3.00")
    assert (second["present"]["level"], second["next"]["level"]) == (1, 2)
    assert second["advice"] == "Kurang 2,00 level. Tunjukkan perilaku level 2, Dasar."
    assert second["next"]["indicators"]
    (best,) = (c for c in shown["competencies"] if c["code"] == "komunikasi")
    assert (best["next"], best["surplus"], best["gap"]) == (None, "2.00", "0.00")
    assert best["advice"] == "Melebihi yang dipersyaratkan sebesar 2,00 level."


async def test_how_it_was_measured_and_what_would_change_it(office: Office, staff: Client) -> None:
    ratings: dict[str, Any] = {"assessor": [MIXED], "peer": [4, 4], "self": [5], "superior": [3]}
    await office.publish(await office.measured(ratings))
    measured = (await profile(staff, office.staff, "en"))["measurement"]
    words = {each["source"]: each["in_words"] for each in measured["sources"]}
    assert words == {
        "assessor": "Assessors (raters: 1).",
        "peer": "Peers, anonymous (too few to count or to be shown).",
        "self": "Self-assessment (raters: 1).",
        "superior": "Superiors (raters: 1).",
    }
    assert {rule["kind"] for rule in measured["rules"]} == {
        *("jpm", "jpm_bands", "assessment_validity", "potential", "raters")
    }
    assert all(rule["source"] and rule["in_words"] for rule in measured["rules"])
    assert measured["published"]["office"] == "The personnel agency"
    (ahead,) = measured["what_would_change_it"]
    assert (ahead["band"], ahead["starts_at"]) == ("optimal", "90")
    assert ahead["steps"][0]["name"] == "Perekat Bangsa"
    assert ahead["in_words"].startswith("To the band optimal (from 90%) ")
    reaching = [step["name"] for step in ahead["steps"] if step["reaches"]]
    assert reaching
    assert all(name in ahead["in_words"] for name in reaching)


async def test_an_expired_result_says_that_it_no_longer_counts(
    office: Office, staff: Client
) -> None:
    await office.published(3, starts_on=date(2021, 5, 1))
    shown = await profile(staff, office.staff)
    assert (shown["standing"], shown["result"]["days_left"]) == ("expired", 0)
    assert "tidak berlaku lagi sejak 1 Mei 2024" in shown["in_words"]
    needed = ok(await staff.get(_comparison(office.staff, office.position)))
    assert (needed["standing"], needed["fits"], needed["percent"]) == ("expired", False, "100.00")
    assert needed["in_words"].startswith("Hasil terakhir tidak berlaku lagi")


async def test_the_day_on_which_a_result_ends(
    office: Office, staff: Client, owner: asyncpg.Connection
) -> None:
    """Valid through the last day, and not on the next."""
    await office.published(3)
    for days, standing in ((1, "in_force"), (0, "expired"), (-1, "expired")):
        end = today() + timedelta(days=days)
        await owner.execute("UPDATE assessment_results SET valid_until = $1", end)
        shown = await profile(staff, office.staff)
        assert (shown["standing"], shown["result"]["days_left"]) == (standing, max(days, 0))
        listed = ok(await staff.get("/assessment-results", params={"in_force": days > 0}))
        assert len(listed["items"]) == 1


# --- objecting ----------------------------------------------------------------------------


async def test_until_when_to_object(
    office: Office, staff: Client, actors: Actors, owner: asyncpg.Connection
) -> None:
    result = await office.published(MIXED)
    chance = (await profile(staff, office.staff))["objection"]
    assert (chance["open"], chance["objection_id"], chance["state"]) == (True, None, None)
    assert chance["file_by"].endswith("T17:00:00Z")  # midnight in Jakarta
    assert (date.fromisoformat(chance["file_by"][:10]) - today()).days == 14
    assert f"/api/v1/assessment-results/{result['id']}/objections" in chance["how"]
    chief = await actors.asn(office.chief)
    assert (await profile(chief, office.staff))["objection"] is None
    filed = await owner.fetchval(
        "INSERT INTO objections (result_id, employee_id, reasons, filed_at, file_by, rule_by, rule)"
        " VALUES ($1, $2, 'x', now(), now() + interval '1 day', now() + interval '9 days', 'x')"
        " RETURNING id",
        UUID(result["id"]),
        office.staff,
    )
    chance = (await profile(staff, office.staff))["objection"]
    assert (chance["open"], chance["objection_id"], chance["state"]) == (
        False,
        str(filed),
        "filed",
    )
    assert chance["how"] == "Keberatan sudah diajukan."


async def test_too_late_to_object(office: Office, staff: Client, owner: asyncpg.Connection) -> None:
    await office.published(MIXED)
    await owner.execute("UPDATE assessment_results SET published_at = now() - interval '16 days'")
    chance = (await profile(staff, office.staff))["objection"]
    assert chance["open"] is False
    assert chance["how"].startswith("Batas waktu keberatan berakhir pada ")


async def test_a_ruling_is_final(
    office: Office, staff: Client, app: FastAPI, owner: asyncpg.Connection
) -> None:
    result = UUID((await office.published(MIXED))["id"])
    second = await _next_version(app, office, result)
    await owner.execute(
        "INSERT INTO objections (result_id, employee_id, state, reasons, filed_at, file_by,"
        " rule_by, rule, outcome, ruling, ruled_at, new_result_id) VALUES ($1, $2, 'ruled', 'x',"
        " now(), now() + interval '1 day', now() + interval '9 days', 'x', 'granted', 'Ya.',"
        " now(), $3)",
        result,
        office.staff,
        second,
    )
    shown = await profile(staff, office.staff)
    assert (shown["result"]["id"], shown["result"]["version_no"]) == (str(second), 2)
    assert shown["objection"]["open"] is False
    assert shown["objection"]["how"] == "Hasil ini adalah putusan akhir atas keberatan."
    assert shown["measurement"]["reason"] == "Keberatan."


async def _next_version(app: FastAPI, office: Office, result: UUID) -> UUID:
    database: Database = app.state.runtime.database
    actor = Actor(role=Role.HR_ADMIN, account_id=office.hr.account_id)
    async with database.transaction(actor, signed_in=False) as session:
        old = await session.get_one(AssessmentResult, result)
        inputs = ScoringInputs.from_json(old.inputs)
        made = await publishing.new_version(
            session, actor, result, inputs=inputs, reason="Keberatan."
        )
        return made.id


@pytest.mark.parametrize("path", ["competency-profile", "comparison"])
@pytest.mark.parametrize("language", ["id", "en"])
async def test_words_say_in_which_language_they_are(
    path: str, language: str, office: Office, staff: Client
) -> None:
    await office.published(MIXED)
    answer = await staff.get(
        f"/employees/{office.staff}/{path}", headers={"Accept-Language": language}
    )
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"


# --- the chart ----------------------------------------------------------------------------


@pytest.mark.parametrize("assessed", [True, False])
async def test_the_chart(assessed: bool, office: Office, staff: Client) -> None:
    if assessed:
        await office.published(MIXED)
    path = f"/employees/{office.staff}/competency-profile/radar.svg"
    answer = await staff.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-language"] == "en"
    drawn = ElementTree.fromstring(answer.text)
    title, description = drawn.find(f"{SVG}title"), drawn.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Competency profile of Pegawai staff"
    assert description is not None
    expected = "Integritas: required 3, assessed 1" if assessed else "not assessed"
    assert expected in str(description.text)
    same = await staff.get(
        path, headers={"Accept-Language": "en", "If-None-Match": answer.headers["etag"]}
    )
    assert same.status_code == 304
    other = await staff.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert other.status_code == 200


async def test_nothing_to_draw(office: Office, actors: Actors) -> None:
    """Somebody without a seat or a result."""
    nobody = await office.assessing.government.employee("Tanpa Jabatan")
    client = await actors.asn(nobody)
    problem(await client.get(f"/employees/{nobody}/competency-profile/radar.svg"), 404, "not_found")
    shown = await profile(client, nobody)
    assert (shown["position"], shown["competencies"]) == (None, [])


# --- over time ----------------------------------------------------------------------------


async def test_results_over_time(office: Office, staff: Client, app: FastAPI) -> None:
    newest = await office.published(MIXED)
    first = await office.published(2, starts_on=date(2021, 5, 1))
    replaced = UUID((await office.published(3, starts_on=date(2024, 5, 1)))["id"])
    second = await _next_version(app, office, replaced)
    shown = ok(await staff.get(f"/employees/{office.staff}/competency-history"))
    assert [result["id"] for result in shown["results"]] == [
        first["id"],
        str(second),
        newest["id"],
    ]
    assert [result["in_force"] for result in shown["results"]] == [False, False, True]
    courses = {course["code"]: course["points"] for course in shown["competencies"]}
    assert [point["actual"] for point in courses["integritas"]] == ["2.00", "3.00", "1.00"]
    assert [point["gap"] for point in courses["perekat_bangsa"]] == ["1.00", "0.00", "3.00"]
    everything = ok(await staff.get(f"/employees/{office.staff}/data-export"))
    assert everything["competency_history"] == shown


async def test_no_results_yet(office: Office, staff: Client) -> None:
    shown = ok(await staff.get(f"/employees/{office.staff}/competency-history"))
    assert (shown["results"], shown["competencies"]) == ([], [])


# --- against another seat -----------------------------------------------------------------


def _comparison(employee: UUID, position: object) -> str:
    return f"/employees/{employee}/comparison?position_id={position}"


async def test_what_would_i_need_for_that_seat(office: Office, staff: Client) -> None:
    await office.published(MIXED)
    shown = ok(await staff.get(_comparison(office.staff, office.head_position)))
    assert (shown["position"]["title"], shown["fits"]) == ("Jabatan KADIS", False)
    # Each at most 4 of 4: 1 + 2 + 4 + 5 x 3 + 0 of 36.
    assert shown["percent"] == "61.11"
    needs = {need["code"]: need for need in shown["needs"]}
    assert [needs[code]["gap"] for code in ("perekat_bangsa", "integritas", "komunikasi")] == [
        "4.00",
        "3.00",
        "0.00",
    ]
    assert (needs["komunikasi"]["surplus"], needs["komunikasi"]["required"]) == ("1.00", 4)
    assert shown["needs"][0]["code"] == "perekat_bangsa"
    assert "Perekat Bangsa (4,00 level)" in shown["in_words"]
    assert "Golongan" in shown["not_judged"]


async def test_against_the_seat_that_one_holds(
    office: Office, staff: Client, actors: Actors
) -> None:
    path = f"/employees/{office.staff}/comparison"
    chief = await actors.asn(office.chief)
    problem(await chief.get(path), 404, "not_found")  # who holds which seat is not told so
    script = await actors.service("assessments:read")
    assert (await profile(script, office.staff))["position"] is None
    both = await actors.service("assessments:read", "employees:read")
    assert (await profile(both, office.staff))["position"]["id"] == office.position
    await office.published(MIXED)
    for client in (staff, chief):
        shown = ok(await client.get(path))
        assert (shown["position"]["id"], shown["percent"]) == (office.position, "77.78")
    nobody = await office.assessing.government.employee("Tanpa Jabatan")
    problem(await office.hr.get(f"/employees/{nobody}/comparison"), 404, "not_found")


async def test_against_a_seat_before_any_assessment(office: Office, staff: Client) -> None:
    shown = ok(await staff.get(_comparison(office.staff, office.head_position)))
    assert (shown["standing"], shown["percent"], shown["fits"]) == ("not_assessed", None, False)
    assert {need["measured"] for need in shown["needs"]} == {False}
    assert {need["gap"] for need in shown["needs"]} == {None}


async def test_what_was_not_measured_is_told(office: Office, staff: Client) -> None:
    await office.published({"integritas": 5})
    shown = ok(await staff.get(_comparison(office.staff, office.position)))
    assert (shown["fits"], shown["percent"]) == (False, "11.11")
    assert "Yang belum terukur: " in shown["in_words"]


async def test_a_seat_that_nobody_knows(office: Office, staff: Client) -> None:
    problem(await staff.get(_comparison(office.staff, uuid4())), 404, "not_found")
    problem(await staff.get(_comparison(office.staff, "x")), 422, "invalid")


# --- who reads it -------------------------------------------------------------------------


async def test_the_person_and_those_who_lead_them_read_it(
    office: Office, actors: Actors, owner: asyncpg.Connection
) -> None:
    assessor = await office.assessing.government.employee("Asesor")
    await office.publish(await office.measured({"assessor": [3]}, raters={"assessor": [assessor]}))
    person = f"/employees/{office.staff}"
    paths = (
        f"{person}/competency-profile",
        f"{person}/competency-profile/radar.svg",
        f"{person}/competency-history",
        _comparison(office.staff, office.head_position),
    )
    employees = {name: getattr(office, name) for name in ("staff", "chief", "head", "peer")}
    clients = {name: await actors.asn(employee) for name, employee in employees.items()}
    clients |= {"assessor": await actors.asn(assessor), "auditor": await actors.auditor()}
    for path in paths:
        for name, client in clients.items():
            answer = await client.get(path)
            if name in ("peer", "assessor"):
                problem(answer, 404, "not_found")
            else:
                assert answer.status_code == 200, f"{name}: {path}"
                assert "Pegawai staff" in answer.text
    reads = await owner.fetchval(
        "SELECT count(*) FROM audit_events WHERE kind = 'read' AND $1 = ANY (subject_ids)"
        " AND entity = 'assessment_results'",
        office.staff,
    )
    assert reads == len(paths) * 3, "chief, head and auditor, once a document"


async def test_nobody_knows_of_somebody_who_is_not_there(office: Office, actors: Actors) -> None:
    for client in (office.hr, await actors.auditor(), await actors.asn(office.chief)):
        problem(await client.get(f"/employees/{uuid4()}/competency-profile"), 404, "not_found")
