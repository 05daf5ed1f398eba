"""Which level a position requires: by its tier, by its own standard, and who said so."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI

from app.access.actors import Actor
from app.services.standards import required_levels_of
from app.vocabulary import CompetencyKind, Jenjang, JobKind, Role, StandardOrigin
from tests.actors import Actors, Client, problem
from tests.competencies import competency
from tests.organisation import Government, made, ok

BY_KIND = {
    "jpt_utama": 5,
    "jpt_madya": 5,
    "jpt_pratama": 4,
    "administrator": 3,
    "pengawas": 2,
    "pelaksana": 1,
}
BY_JENJANG = {
    "ahli_pertama": 2,
    "ahli_muda": 3,
    "ahli_madya": 4,
    "ahli_utama": 5,
    "pemula": 1,
    "terampil": 1,
    "mahir": 2,
    "penyelia": 3,
}
Levels = Mapping[str, int | None]
MISSING = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
BASIS = "Keputusan Bupati 41/2024: memimpin penyelesaian sengketa."
RULE = "required-levels-permenpanrb-38-2017@1"


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


@pytest.fixture
async def dinas(government: Government) -> str:
    kab = await government.unit("KAB", kind="pemerintah_daerah")
    return await government.unit("DIKNAS", kab)


async def test_the_default_of_every_tier(app: FastAPI, government: Government, dinas: str) -> None:
    assert BY_KIND.keys() == set(JobKind) - {JobKind.FUNGSIONAL}
    assert BY_JENJANG.keys() == set(Jenjang)
    expected = {}
    for kind, level in BY_KIND.items():
        position = await government.position(dinas, kind.upper(), job_kind=kind)
        expected[UUID(position)] = level
    for jenjang, level in BY_JENJANG.items():
        position = await government.position(
            dinas, jenjang.upper(), job_kind="fungsional", jenjang=jenjang
        )
        expected[UUID(position)] = level
    reading = app.state.runtime.database.reading(Actor(role=Role.ASN))
    async with reading as reader:
        found = await required_levels_of(reader, list(expected), date(2026, 1, 1))
        before = await required_levels_of(reader, list(expected), date(2019, 12, 31))
    assert before == {}
    assert found.keys() == expected.keys()
    for position_id, level in expected.items():
        standard = found[position_id]
        assert len(standard.levels) == 9
        for required in standard.levels:
            assert required.kind is not CompetencyKind.TECHNICAL
            assert (required.level, required.origin) == (level, StandardOrigin.DEFAULT)
            assert (required.rule_id, required.proposal_id) == (RULE, None)
            assert required.source.startswith("PermenPANRB 38/2017")
        ordinals = [required.ordinal for required in standard.levels]
        assert ordinals == sorted(ordinals)


# --- a level of the position's own ------------------------------------------------------------


@dataclass
class Case:
    """A position of tier 2, the officer who proposes and the one who decides."""

    government: Government
    position: str
    hr: Client
    other: Client

    @property
    def path(self) -> str:
        return f"/positions/{self.position}/standard"

    async def propose(self, levels: Levels, since: str = "2024-07-01", **more: Any) -> Any:
        body = {"position_id": self.position, "effective_from": since, "basis": BASIS}
        return await self.hr.post("/standard-proposals", json={**body, "levels": levels, **more})

    async def proposed(self, levels: Levels, since: str = "2024-07-01", **more: Any) -> str:
        """The path of a new proposal."""
        return f"/standard-proposals/{made(await self.propose(levels, since, **more))['id']}"

    async def set(self, levels: Levels, since: str = "2024-07-01", **more: Any) -> str:
        """The path of a proposal that has been approved."""
        path = await self.proposed(levels, since, **more)
        ok(await self.other.post(f"{path}/approve"))
        return path

    async def on(self, day: str, client: Client | None = None) -> dict[str, Any]:
        """The required levels on that day, by the competency's code."""
        standard = ok(await (client or self.hr).get(self.path, params={"as_of": day}))
        return {level["code"]: level for level in standard["levels"]}

    async def level(self, code: str, day: str) -> int | None:
        found = (await self.on(day)).get(code)
        return found and found["required_level"]


@pytest.fixture
async def case(government: Government, dinas: str, actors: Actors) -> Case:
    position = await government.position(dinas, "KASI", job_kind="pengawas")
    return Case(government, position, government.hr, await actors.hr_admin())


async def technical(hr: Client) -> str:
    """The id of the technical competency `arsip_vital`, in force from 2024-03-01 on."""
    competency_id: str = made(await hr.post("/competencies", json=competency()))["id"]
    return competency_id


async def test_proposed_approved_and_read_with_its_reason(case: Case, actors: Actors) -> None:
    await technical(case.hr)
    answer = await case.propose({"komunikasi": 4, "arsip_vital": 3})
    proposal = made(answer)
    assert answer.headers["location"] == f"/api/v1/standard-proposals/{proposal['id']}"
    assert (proposal["state"], proposal["position_code"]) == ("proposed", "KASI")
    assert (proposal["basis"], proposal["proposed_by"]) == (BASIS, str(case.hr.account_id))
    assert proposal["levels"] == [
        {
            "code": "komunikasi",
            "name": "Komunikasi",
            "proposed_level": 4,
            "present_level": 2,
            "present_origin": "default",
        },
        {
            "code": "arsip_vital",
            "name": "Arsip Vital",
            "proposed_level": 3,
            "present_level": None,
            "present_origin": None,
        },
    ]
    before = await case.hr.get(case.path, params={"as_of": "2024-07-01"})
    assert await case.level("komunikasi", "2024-07-01") == 2  # nothing holds until it is approved

    path = f"/standard-proposals/{proposal['id']}"
    approved = ok(await case.other.post(f"{path}/approve"))
    assert (approved["state"], approved["version"]) == ("approved", 2)
    assert (approved["decided_by"], approved["decided_at"] is None) == (
        str(case.other.account_id),
        False,
    )
    assert [level["present_level"] for level in approved["levels"]] == [4, 3]
    assert ok(await case.hr.get(path)) == approved

    after = await case.hr.get(case.path, params={"as_of": "2024-07-01"})
    assert after.headers["etag"] != before.headers["etag"]
    employee = await case.government.employee()
    for client in (case.hr, await actors.auditor(), await actors.asn(employee)):
        own = (await case.on("2024-07-01", client))["komunikasi"]
        assert (own["required_level"], own["origin"], own["rule_id"]) == (4, "position", None)
        assert (own["source"], own["proposal_id"]) == (BASIS, proposal["id"])
        assert (own["effective_from"], own["effective_until"]) == ("2024-07-01", None)
        kept = (await case.on("2024-07-01", client))["integritas"]
        assert (kept["required_level"], kept["origin"], kept["rule_id"]) == (2, "default", RULE)
        assert kept["source"].startswith("PermenPANRB 38/2017")
        assert (await case.on("2024-06-30", client))["komunikasi"]["origin"] == "default"
        history = ok(await client.get(f"{case.path}/history"))
        assert [(f["code"], f["required_level"], f["name"]) for f in history["levels"]] == [
            ("komunikasi", 4, "Komunikasi"),
            ("arsip_vital", 3, "Arsip Vital"),
        ]
    assert "arsip_vital" not in await case.on("2024-06-30")
    assert len(await case.on("2024-07-01")) == 10


async def test_each_level_holds_up_to_the_next_change(case: Case) -> None:
    await case.set({"komunikasi": 4, "integritas": 3}, "2025-01-01")
    await case.set({"komunikasi": 5}, "2024-03-01")  # approved later, for an earlier day
    await case.set({"integritas": 4}, "2025-06-01")
    days = ("2024-02-29", "2024-03-01", "2024-12-31", "2025-01-01", "2025-05-31", "2025-06-01")
    assert [await case.level("komunikasi", day) for day in days] == [2, 5, 5, 4, 4, 4]
    assert [await case.level("integritas", day) for day in days] == [2, 2, 2, 3, 3, 4]


async def test_null_goes_back_to_the_default(case: Case) -> None:
    await technical(case.hr)
    await case.set({"komunikasi": 4, "arsip_vital": 3}, "2024-07-01")
    await case.set({"komunikasi": 5}, "2025-07-01")
    await case.set({"komunikasi": None, "arsip_vital": None}, "2025-01-01")
    days = ("2024-06-30", "2024-07-01", "2024-12-31", "2025-01-01", "2025-06-30", "2025-07-01")
    assert [await case.level("komunikasi", day) for day in days] == [2, 4, 4, 2, 2, 5]
    assert [await case.level("arsip_vital", day) for day in days] == [None, 3, 3, None, None, None]
    assert (await case.on("2025-01-01"))["komunikasi"]["origin"] == "default"
    await case.set({"komunikasi": None}, "2024-07-01")  # on the very day on which it began
    assert [await case.level("komunikasi", day) for day in days] == [2, 2, 2, 2, 2, 5]


async def test_an_own_level_stays_when_the_tier_changes(case: Case) -> None:
    await case.set({"komunikasi": 4})
    change = {"job_kind": "administrator", "effective_from": "2025-01-01"}
    ok(await case.government.change(f"/positions/{case.position}", change))
    assert await case.level("integritas", "2024-12-31") == 2
    assert await case.level("integritas", "2025-01-01") == 3
    assert await case.level("komunikasi", "2025-01-01") == 4


async def test_a_standard_stands_while_its_position_does(case: Case) -> None:
    closed = {"effective_from": "2026-01-01"}
    ok(await case.hr.post(f"/positions/{case.position}/close", json=closed))
    ok(await case.hr.get(case.path, params={"as_of": "2025-12-31"}))
    for day in ("2019-12-31", "2026-01-01"):
        problem(await case.hr.get(case.path, params={"as_of": day}), 404, "not_found")
        problem(await case.propose({"komunikasi": 4}, day), 409, "not_in_force")
    assert ok(await case.hr.get(f"{case.path}/history"))["levels"] == []
    nowhere = f"/positions/{MISSING}/standard"
    problem(await case.hr.get(nowhere), 404, "not_found")
    problem(await case.hr.get(f"{nowhere}/history"), 404, "not_found")


async def test_an_etag_says_whether_the_standard_has_changed(case: Case) -> None:
    first = await case.hr.get(case.path)
    headers = {"If-None-Match": first.headers["etag"]}
    assert (await case.hr.get(case.path, headers=headers)).status_code == 304
    await case.set({"komunikasi": 4})
    assert (await case.hr.get(case.path, headers=headers)).status_code == 200


# --- what can't be proposed -------------------------------------------------------------------


async def test_refused_proposals(case: Case) -> None:
    await technical(case.hr)

    async def refused(answer: Any) -> list[tuple[str, str]]:
        errors = problem(answer, 422, "invalid")["errors"]
        return [(error["pointer"], error["code"]) for error in errors]

    unknown = await case.propose({"sihir": 3, "komunikasi": 4, "ramalan": None})
    assert await refused(unknown) == [
        ("/levels/sihir", "unknown"),
        ("/levels/ramalan", "unknown"),
    ]
    same = await case.propose({"integritas": 2, "komunikasi": 4, "arsip_vital": None})
    assert await refused(same) == [
        ("/levels/integritas", "same_as_present"),
        ("/levels/arsip_vital", "same_as_present"),
    ]
    assert await refused(await case.propose({"integritas": None})) == [
        ("/levels/integritas", "same_as_present")
    ]
    assert await refused(await case.propose({})) == [("/levels", "too_short")]
    assert await refused(await case.propose({"integritas": 6})) == [
        ("/levels/integritas", "less_than_equal")
    ]
    assert await refused(await case.propose({"integritas": 0})) == [
        ("/levels/integritas", "greater_than_equal")
    ]
    assert await refused(await case.propose({"komunikasi": 4}, basis=" ")) == [
        ("/basis", "string_too_short")
    ]
    assert await refused(await case.propose({"komunikasi": 4}, position_id=MISSING)) == [
        ("/position_id", "unknown")
    ]
    too_early = problem(
        await case.propose({"arsip_vital": 3, "komunikasi": 4}, "2024-02-29"), 409, "not_in_force"
    )
    assert too_early["competencies"] == ["arsip_vital"]
    await case.set({"komunikasi": 4})
    assert await refused(await case.propose({"komunikasi": 4}, "2025-01-01")) == [
        ("/levels/komunikasi", "same_as_present")
    ]


async def test_one_proposal_a_position_at_a_time(case: Case, dinas: str) -> None:
    answers = await asyncio.gather(*(case.propose({"komunikasi": n}) for n in (3, 4, 5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    problem(next(a for a in answers if a.status_code == 409), 409, "proposal_pending")
    elsewhere = await case.government.position(dinas, "KABID", job_kind="administrator")
    made(await case.propose({"komunikasi": 4}, position_id=elsewhere))

    pending = ok(await case.hr.get("/standard-proposals", params={"position_id": case.position}))
    (first,) = pending["items"]
    ok(await case.hr.post(f"/standard-proposals/{first['id']}/withdraw"))
    made(await case.propose({"komunikasi": 3}))
    states = ok(await case.hr.get("/standard-proposals?include_total=true"))
    assert [item["state"] for item in states["items"]] == ["withdrawn", "proposed", "proposed"]
    assert states["total"] == 3
    waiting = ok(await case.hr.get("/standard-proposals", params={"state": "proposed"}))
    assert [i["position_code"] for i in waiting["items"]] == ["KABID", "KASI"]


# --- who decides ------------------------------------------------------------------------------


async def test_four_eyes(case: Case, owner: asyncpg.Connection) -> None:
    path = await case.proposed({"komunikasi": 4})
    problem(await case.hr.post(f"{path}/approve"), 403, "own_proposal")
    declined = {"reason": "Tidak jadi."}
    problem(await case.hr.post(f"{path}/decline", json=declined), 403, "own_proposal")
    problem(await case.other.post(f"{path}/withdraw"), 403, "forbidden")
    assert ok(await case.hr.get(path))["state"] == "proposed"
    with pytest.raises(asyncpg.CheckViolationError):  # nor by the database itself
        await owner.execute(
            "UPDATE standard_proposals SET state = 'approved', decided_by = proposed_by"
        )


@pytest.mark.parametrize("first", ["approve", "decline", "withdraw"])
async def test_what_is_decided_is_decided(first: str, case: Case) -> None:
    path = await case.proposed({"komunikasi": 4})
    by = {"approve": case.other, "decline": case.other, "withdraw": case.hr}
    body: dict[str, Any] = {"decline": {"json": {"reason": "Belum ditetapkan."}}}
    decided = ok(await by[first].post(f"{path}/{first}", **body.get(first, {})))
    states = {"approve": "approved", "decline": "declined", "withdraw": "withdrawn"}
    assert decided["state"] == states[first]
    assert decided["decision_reason"] == ("Belum ditetapkan." if first == "decline" else None)
    for again, client in by.items():
        answer = await client.post(f"{path}/{again}", **body.get(again, {}))
        refused = problem(answer, 409, "transition_not_allowed")
        assert (refused["state"], refused["allowed"]) == (states[first], [])
    expected = 4 if first == "approve" else 2
    assert await case.level("komunikasi", "2024-07-01") == expected
    assert decided["levels"][0]["present_level"] == expected
    problem(await case.hr.get(f"/standard-proposals/{MISSING}"), 404, "not_found")
    for action, client in by.items():
        nowhere = f"/standard-proposals/{MISSING}/{action}"
        problem(await client.post(nowhere, **body.get(action, {})), 404, "not_found")


async def test_of_two_who_approve_at_once_one_does(
    case: Case, actors: Actors, owner: asyncpg.Connection
) -> None:
    path = await case.proposed({"komunikasi": 4, "integritas": 5})
    third = await actors.hr_admin()
    answers = await asyncio.gather(
        case.other.post(f"{path}/approve"),
        third.post(f"{path}/approve"),
        case.hr.post(f"{path}/withdraw"),
    )
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    for answer in answers:
        if answer is not won[0]:
            problem(answer, 409, "transition_not_allowed")
    written = await owner.fetchval("SELECT count(*) FROM competency_standards")
    assert written == (2 if won[0].json()["state"] == "approved" else 0)


async def test_what_has_been_closed_in_the_meantime_is_not_required(case: Case) -> None:
    competency_id = await technical(case.hr)
    path = await case.proposed({"arsip_vital": 3})
    close = {"effective_from": "2026-01-01"}
    ok(await case.hr.post(f"/competencies/{competency_id}/close", json=close))
    refused = problem(await case.other.post(f"{path}/approve"), 409, "not_in_force")
    assert refused["competencies"] == ["arsip_vital"]
    assert ok(await case.hr.get(path))["state"] == "proposed"
    ok(await case.hr.post(f"{path}/withdraw"))

    path = await case.proposed({"komunikasi": 4}, "2026-06-01")
    ok(await case.hr.post(f"/positions/{case.position}/close", json=close))
    problem(await case.other.post(f"{path}/approve"), 409, "not_in_force")


async def test_a_competency_is_either_ended_or_required(
    case: Case, owner: asyncpg.Connection
) -> None:
    competency_id = await technical(case.hr)
    path = await case.proposed({"arsip_vital": 3})
    close = {"effective_from": "2025-01-01"}
    approved, closed = await asyncio.gather(
        case.other.post(f"{path}/approve"),
        case.hr.post(f"/competencies/{competency_id}/close", json=close),
    )
    assert sorted((approved.status_code, closed.status_code)) == [200, 409]
    if approved.status_code == 200:
        problem(closed, 409, "competency_in_use")
    else:
        problem(approved, 409, "not_in_force")


async def test_a_repeated_approval_answers_the_same(case: Case) -> None:
    path = await case.proposed({"komunikasi": 4})
    key = {"Idempotency-Key": "setuju-1"}
    first = await case.other.post(f"{path}/approve", headers=key)
    again = await case.other.post(f"{path}/approve", headers=key)
    assert (ok(first), first.headers["etag"]) == (ok(again), again.headers["etag"])


# --- who may ----------------------------------------------------------------------------------


async def test_standards_are_for_staff_and_proposals_for_officers(
    case: Case, actors: Actors
) -> None:
    path = await case.proposed({"komunikasi": 4})
    citizen, employee = await actors.public(), await case.government.employee()
    for address in (case.path, f"{case.path}/history", "/standard-proposals", path):
        problem(await citizen.get(address), 403, "forbidden")
        ok(await (await actors.auditor()).get(address))
    asn = await actors.asn(employee)
    ok(await asn.get(case.path))
    problem(await asn.get(path), 403, "forbidden")
    problem(await (await actors.auditor()).post(f"{path}/approve"), 403, "forbidden")
    ok(await (await actors.service("organisation:read")).get(case.path))
    problem(await (await actors.service("assessments:read")).get(case.path), 403, "forbidden")


async def test_row_level_security_is_the_third_wall(case: Case, owner: asyncpg.Connection) -> None:
    await case.set({"komunikasi": 4})
    await case.proposed({"komunikasi": 5}, "2025-01-01")

    async def count(persona: str, table: str) -> int:
        async with owner.transaction():
            await owner.execute(f"SET LOCAL ROLE kemuning_{persona}")
            counted: int = await owner.fetchval(f"SELECT count(*) FROM {table}")
            return counted

    assert await count("asn", "competency_standards") == 1
    assert await count("asn", "standard_proposals") == 1  # why a level is what it is, no more
    assert await count("auditor", "standard_proposals") == 2
    for table in ("competency_standards", "standard_proposals"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await count("public", table)
    for persona in ("asn", "auditor", "public"):
        for write in (
            "UPDATE competency_standards SET required_level = 1",
            "DELETE FROM competency_standards",
            "UPDATE standard_proposals SET state = 'withdrawn'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(f"BEGIN; SET LOCAL ROLE kemuning_{persona}; {write}")
            await owner.execute("ROLLBACK")
