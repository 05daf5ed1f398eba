"""Dated changes of an employee: what holds when, what is still to come, and how it ends."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.calendar import today
from tests.actors import Actors, Client, problem
from tests.organisation import Government
from tests.people import entered, matching, ni_pppk, nip, shown


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


class Person:
    """One employee, and changes of them that follow each other."""

    def __init__(self, hr: Client, employee: dict[str, Any]) -> None:
        self.hr = hr
        self.path = f"/employees/{employee['id']}"

    async def put(self, part: str, **body: Any) -> httpx.Response:
        return await self.hr.put(f"{self.path}/{part}", json=body, headers=await self.version())

    async def version(self) -> dict[str, str]:
        return matching(await self.hr.get(self.path))

    async def on(self, day: str) -> dict[str, Any]:
        whole: dict[str, Any] = shown(await self.hr.get(self.path, params={"as_of": day}))
        return whole

    async def history(self) -> dict[str, Any]:
        everything: dict[str, Any] = shown(await self.hr.get(f"{self.path}/history"))
        return everything


@pytest.fixture
async def siti(hr: Client) -> Person:
    return Person(hr, await entered(hr))


async def test_a_change_holds_from_its_day_and_the_past_stays(siti: Person) -> None:
    shown(await siti.put("profile", name="Siti Aminah Putri", effective_from="2020-06-01"))
    answer = await siti.put("golongan", golongan="III/b", effective_from="2015-04-01")
    assert shown(answer)["version"] == 3
    before, after = await siti.on("2015-03-31"), await siti.on("2020-06-01")
    assert before["golongan"]["golongan"] == "III/a"
    assert before["golongan"]["effective_until"] == "2015-04-01"
    assert after["golongan"]["golongan"] == "III/b"
    assert before["profile"]["full_name"] == "Dra. Siti Aminah, M.Si."
    # The whole profile is replaced: titles that are left out are gone.
    assert after["profile"]["full_name"] == "Siti Aminah Putri"
    assert before["version"] == after["version"] == 3
    ranks = [g["golongan"] for g in (await siti.history())["golongan"]]
    assert ranks == ["III/a", "III/b"]


async def test_before_the_first_day_nothing_holds(siti: Person) -> None:
    whole = await siti.on("2010-12-31")
    for part in ("identifier", "profile", "status", "golongan", "position"):
        assert whole[part] is None


async def test_the_first_day_of_a_fact_corrects_it(siti: Person) -> None:
    shown(await siti.put("golongan", golongan="III/c", effective_from="2011-01-01"))
    assert [g["golongan"] for g in (await siti.history())["golongan"]] == ["III/c"]


async def test_a_change_may_lie_ahead(siti: Person) -> None:
    ahead = today() + timedelta(days=30)
    changed = shown(await siti.put("golongan", golongan="III/b", effective_from=ahead.isoformat()))
    assert (changed["as_of"], changed["golongan"]["golongan"]) == (ahead.isoformat(), "III/b")
    assert (await siti.on(today().isoformat()))["golongan"]["golongan"] == "III/a"
    assert len((await siti.history())["golongan"]) == 2


async def test_each_change_needs_the_current_version(siti: Person, hr: Client) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "profile": {"name": "X"},
        "golongan": {"golongan": "III/b"},
        "status": {"status": "pns"},
        "identifier": {"identifier": nip()},
    }
    for part, body in bodies.items():
        change = {**body, "effective_from": "2016-01-01"}
        path = f"{siti.path}/{part}"
        problem(await hr.put(path, json=change), 428, "if_match_required")
        stale = await hr.put(path, json=change, headers={"If-Match": '"99"'})
        problem(stale, 412, "stale_version")
        problem(await hr.put(path, json=body, headers={"If-Match": '"1"'}), 422, "invalid")
    assert (await siti.on("2026-01-01"))["version"] == 1


async def test_a_golongan_must_fit_the_status_of_its_days(siti: Person) -> None:
    found = problem(
        await siti.put("golongan", golongan="IX", effective_from="2015-01-01"), 422, "invalid"
    )
    assert found["errors"][0]["code"] == "golongan_does_not_fit"
    assert "2015-01-01" in found["errors"][0]["detail"]
    assert (await siti.on("2016-01-01"))["version"] == 1
    # Before the employment nothing can contradict it.
    shown(await siti.put("golongan", golongan="II/c", effective_from="2010-06-01"))


async def test_a_status_brings_its_golongan_and_identifier(siti: Person) -> None:
    alone = await siti.put("status", status="pppk", effective_from="2024-01-01")
    assert problem(alone, 422, "invalid")["errors"][0]["code"] == "golongan_does_not_fit"
    number = ni_pppk()
    changed = shown(
        await siti.put(
            "status",
            status="pppk",
            effective_from="2024-01-01",
            golongan="IX",
            identifier=number,
            decree_no="810/1/2024",
        )
    )
    assert changed["identifier"]["value"] == number
    assert changed["identifier"]["kind"] == "ni_pppk"
    assert (changed["golongan"]["golongan"], changed["golongan"]["pangkat"]) == ("IX", None)
    assert changed["status"]["decree_no"] == "810/1/2024"
    assert (await siti.on("2023-12-31"))["identifier"]["kind"] == "nip"
    history = await siti.history()
    assert [i["kind"] for i in history["identifiers"]] == ["nip", "ni_pppk"]
    assert [s["status"] for s in history["statuses"]] == ["pns", "pppk"]


async def test_anothers_identifier_is_taken_even_a_former_one(siti: Person, hr: Client) -> None:
    other = Person(hr, await entered(hr))
    former = (await other.on("2026-01-01"))["identifier"]["value"]
    shown(await other.put("identifier", identifier=nip(), effective_from="2020-01-01"))
    taken = await siti.put("identifier", identifier=former, effective_from="2021-01-01")
    problem(taken, 409, "identifier_taken")


async def test_educations_and_disciplines_come_and_go(siti: Person, hr: Client) -> None:
    made = await hr.post(f"{siti.path}/educations", json={"level": "s1", "graduation_year": 2007})
    education = shown(made, 201)
    assert made.headers["location"] == f"/api/v1{siti.path}/educations/{education['id']}"
    assert made.headers["etag"] == '"2"'
    discipline = {
        "level": "sedang",
        "fact": "Tidak masuk kerja.",
        "effective_from": "2024-01-01",
        "effective_until": "2025-01-01",
    }
    made = await hr.post(f"{siti.path}/disciplines", json=discipline)
    assert shown(made, 201) | {"id": None} == {**discipline, "decree_no": None, "id": None}
    backwards = discipline | {"effective_until": "2023-01-01"}
    refused = problem(await hr.post(f"{siti.path}/disciplines", json=backwards), 422, "invalid")
    assert refused["errors"][0]["pointer"] == "/effective_until"
    history = await siti.history()
    assert (len(history["educations"]), len(history["disciplines"])) == (1, 1)

    path = f"{siti.path}/educations/{education['id']}"
    problem(await hr.delete(path), 428, "if_match_required")
    problem(await hr.delete(path, headers={"If-Match": '"1"'}), 412, "stale_version")
    gone = await hr.delete(path, headers=matching(made))
    assert (gone.status_code, gone.headers["etag"]) == (204, '"4"')
    assert (await siti.on("2026-01-01"))["education"] is None


async def test_employment_ends_with_its_seat(
    siti: Person, hr: Client, owner: asyncpg.Connection
) -> None:
    government = Government(hr, owner)
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    old, new = await government.position(unit, "P1"), await government.position(unit, "P2")
    person = (await siti.on("2026-01-01"))["id"]
    shown(await government.assign(old, person, since="2021-01-01"), 201)
    assert (await siti.on("2021-01-01"))["position"]["unit_name"] == "Unit KAB"

    body = {"effective_from": "2026-03-01", "reason": "pensiun"}
    problem(await hr.post(f"{siti.path}/separation", json=body), 428, "if_match_required")
    path, version = f"{siti.path}/separation", await siti.version()
    ended = shown(await hr.post(path, json=body, headers=version))
    assert (ended["status"], ended["position"]) == (None, None)
    last = await siti.on("2026-02-28")
    assert last["status"]["end_reason"] == "pensiun"
    assert last["position"]["effective_until"] == "2026-03-01"
    assert (await siti.history())["positions"][0]["title"] == "Jabatan P1"
    again = await hr.post(path, json=body, headers=await siti.version())
    assert shown(again)["version"] == ended["version"] + 1  # the same end is no other end
    after = {"effective_from": "2026-06-01", "reason": "meninggal"}
    problem(await hr.post(path, json=after, headers=await siti.version()), 409, "not_employed")
    # The seat is free again.
    successor = await entered(hr)
    shown(await government.assign(old, successor["id"], since="2026-03-01"), 201)
    assert new


async def test_a_promotion_before_the_end_keeps_the_end(siti: Person, hr: Client) -> None:
    body = {"effective_from": "2030-01-01", "reason": "pensiun"}
    shown(await hr.post(f"{siti.path}/separation", json=body, headers=await siti.version()))
    shown(await siti.put("status", status="pns", effective_from="2025-01-01"))
    statuses = (await siti.history())["statuses"]
    assert [(s["effective_until"], s["end_reason"]) for s in statuses] == [
        ("2025-01-01", None),
        ("2030-01-01", "pensiun"),
    ]


async def test_who_left_may_come_back(siti: Person, hr: Client) -> None:
    body = {"effective_from": "2020-01-01", "reason": "mengundurkan_diri"}
    shown(await hr.post(f"{siti.path}/separation", json=body, headers=await siti.version()))
    shown(await siti.put("status", status="pns", effective_from="2022-01-01"))
    assert (await siti.on("2021-01-01"))["status"] is None
    assert (await siti.on("2022-01-01"))["status"]["status"] == "pns"
    reasons = [s["end_reason"] for s in (await siti.history())["statuses"]]
    assert reasons == ["mengundurkan_diri", None]


async def test_every_change_is_in_the_audit_log(
    siti: Person, hr: Client, owner: asyncpg.Connection
) -> None:
    shown(await siti.put("golongan", golongan="III/b", effective_from="2015-04-01"))
    person = (await siti.on("2026-01-01"))["id"]
    entities = await owner.fetch(
        "SELECT entity FROM audit_events WHERE kind = 'write' AND operation ="
        " 'employees_change_golongan' AND subject_ids = ARRAY[$1::uuid]",
        person,
    )
    assert {e["entity"] for e in entities} == {"employees", "employee_golongan"}


async def test_days_outside_the_republic_are_refused(siti: Person) -> None:
    for day in ("1945-08-16", "2201-01-01", "yesterday"):
        answer = await siti.put("golongan", golongan="III/b", effective_from=day)
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == "/effective_from"
    assert date(1945, 8, 17) < today()
