"""Gaps over units, coverage and candidates: kept ready, and the same as computed anew."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.calendar import today
from app.database import Database
from app.rules.scoring import fit
from app.rules.standards import default_levels
from app.schemas.competency_gaps import CandidateQuery, EducationLevel
from app.services.competency_gaps import refreshing
from app.services.competency_gaps.candidates import _demanded
from app.services.competency_gaps.refreshing import refresh_profiles
from app.vocabulary import Golongan
from tests.actors import Actors, Client, problem
from tests.assessing import Assessing
from tests.organisation import Government, made, ok

LONG_AGO = date(2020, 6, 1)


@dataclass(frozen=True)
class Place:
    """A dinas with two bidang, a head, staff, and an officer who asks."""

    government: Government
    assessing: Assessing
    database: Database
    root: str
    dinas: str
    bidang: str
    head: str
    """A position of a pengawas in the bidang: requires level 2 of the nine."""
    staff: str
    """A position of pelaksana in the bidang: requires level 1 of the nine."""

    @property
    def hr(self) -> Client:
        return self.government.hr

    async def refreshed(self) -> int:
        return await refresh_profiles(self.database)

    async def published(self, person: UUID, position: str, levels: Any, **more: Any) -> None:
        assessment = await self.assessing.assessed(person, position, levels, **more)
        ok_or_made = await self.hr.post(
            f"/assessments/{assessment}/publish", json={"reason": "Penerbitan pertama"}
        )
        assert ok_or_made.status_code in (200, 201), ok_or_made.text

    async def gaps(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = ok(await self.hr.get("/competency-gaps", params=query))[
            "items"
        ]
        return items

    async def candidates(self, position: str, **query: Any) -> dict[str, Any]:
        page: dict[str, Any] = ok(
            await self.hr.get(f"/positions/{position}/candidates", params=query)
        )
        return page

    async def covered(self, state: str, **query: Any) -> list[str]:
        page = ok(await self.hr.get("/assessment-coverage", params={"state": state, **query}))
        return [item["employee_id"] for item in page["items"]]


@pytest.fixture
async def place(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Place:
    government = Government(await actors.hr_admin(), owner)
    root = await government.unit("KAB", kind="pemerintah_daerah")
    dinas = await government.unit("DIN", root)
    bidang = await government.unit("BID", dinas, kind="bidang")
    return Place(
        government=government,
        assessing=Assessing(government),
        database=app.state.runtime.database,
        root=root,
        dinas=dinas,
        bidang=bidang,
        head=await government.position(bidang, "KEPALA", job_kind="pengawas", seats=1),
        staff=await government.position(bidang, "STAF", seats=50),
    )


async def live(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    return await owner.fetch(
        "SELECT * FROM app.competency_profiles_live(NULL, $1, $2::jsonb) ORDER BY employee_id",
        today(),
        json.dumps(dict(default_levels(today()).value)),
    )


async def assert_kept_is_live(place: Place, owner: asyncpg.Connection) -> None:
    await place.refreshed()
    kept = "SELECT * FROM competency_profiles ORDER BY employee_id"
    assert await owner.fetch(kept) == await live(owner)
    order = "ORDER BY unit_id, job_kind, competency_id"
    assert await owner.fetch(f"SELECT * FROM unit_gaps {order}") == await owner.fetch(
        f"SELECT * FROM app.unit_gaps_of_profiles(NULL, $1) {order}", today()
    )


# --- what is kept ready -----------------------------------------------------------------------


async def test_an_empty_government_has_no_gaps(place: Place) -> None:
    answer = ok(await place.hr.get("/competency-gaps"))
    assert answer["items"] == []
    assert answer["unit_id"] == place.root
    assert answer["refreshed_at"] is None
    await place.refreshed()
    assert ok(await place.hr.get("/competency-gaps"))["refreshed_at"] is not None


async def test_everything_that_a_profile_is_made_of_reaches_it(
    place: Place, owner: asyncpg.Connection
) -> None:
    """After each change the tables hold what the live query gives, nothing more or less."""
    person = await place.assessing.seated(place.staff)
    await assert_kept_is_live(place, owner)
    await place.published(person, place.staff, {"komunikasi": 0, "integritas": 3})
    await assert_kept_is_live(place, owner)
    made(await place.government.assign(place.head, await place.government.employee()))
    await assert_kept_is_live(place, owner)
    await place.government.change(
        f"/positions/{place.staff}",
        {"job_kind": "fungsional", "jenjang": "ahli_muda", "effective_from": "2024-01-01"},
    )
    await assert_kept_is_live(place, owner)
    (gap,) = [g for g in await place.gaps(job_kind="fungsional") if g["competency"] == "komunikasi"]
    assert (gap["people"], gap["assessed"], gap["short"]) == (1, 1, 1)
    assert (gap["short_percent"], gap["mean_gap"]) == ("100.0", "3.00")
    await owner.execute(
        "INSERT INTO employee_golongan (employee_id, golongan, valid)"
        " VALUES ($1, 'III/c', '[2020-01-01,)')",
        person,
    )
    await owner.execute(
        "INSERT INTO employee_educations (employee_id, level) VALUES ($1, 's1'), ($1, 'sma')",
        person,
    )
    await assert_kept_is_live(place, owner)
    found = await owner.fetchrow(
        "SELECT golongan, education FROM competency_profiles WHERE employee_id = $1", person
    )
    assert tuple(found) == ("III/c", "s1")
    await owner.execute(
        "UPDATE employee_statuses SET valid = daterange(lower(valid), '2024-01-01')"
        " WHERE employee_id = $1",
        person,
    )
    await assert_kept_is_live(place, owner)
    assert not await owner.fetchval("SELECT count(*) FROM unit_gaps WHERE job_kind = 'fungsional'")


async def test_an_approved_standard_reaches_the_holders(
    place: Place, owner: asyncpg.Connection, actors: Actors
) -> None:
    person = await place.assessing.seated(place.staff)
    await place.published(person, place.staff, 2)
    await place.refreshed()
    assert {g["short"] for g in await place.gaps()} == {0}
    body = {
        "position_id": place.staff,
        "effective_from": "2026-01-01",
        "levels": {"komunikasi": 4},
        "basis": "SK Bupati 12/2026",
    }
    proposal = made(await place.hr.post("/standard-proposals", json=body))
    colleague = await actors.hr_admin()
    ok(await colleague.post(f"/standard-proposals/{proposal['id']}/approve", json={}))
    await assert_kept_is_live(place, owner)
    (gap,) = await place.gaps(competency="komunikasi")
    assert (gap["short"], gap["mean_gap"]) == (1, "2.00")


async def test_only_whom_a_change_concerns_is_computed_anew(place: Place) -> None:
    people = [await place.assessing.seated(place.staff) for _ in range(3)]
    assert await place.refreshed() == 3
    assert await place.refreshed() == 0
    await place.published(people[0], place.staff, 2)
    assert await place.refreshed() == 1


async def test_a_change_that_commits_late_is_followed_later(
    place: Place, server: Any, database: str, owner: asyncpg.Connection
) -> None:
    person = await place.assessing.seated(place.staff)
    await place.refreshed()
    late = await asyncpg.connect(server.dsn(database))
    transaction = late.transaction()
    await transaction.start()
    await late.execute(
        "INSERT INTO employee_golongan (employee_id, golongan, valid)"
        " VALUES ($1, 'IV/a', '[2020-01-01,)')",
        person,
    )
    await place.assessing.seated(place.staff)  # commits in between
    await place.refreshed()
    await transaction.commit()
    await late.close()
    await assert_kept_is_live(place, owner)
    assert await owner.fetchval(
        "SELECT golongan FROM competency_profiles WHERE employee_id = $1", person
    ) == ("IV/a")


async def test_behind_a_long_transaction_it_does_not_claim_to_know(
    place: Place, server: Any, database: str, owner: asyncpg.Connection
) -> None:
    at = "SELECT refreshed_at FROM competency_refreshes"
    await place.refreshed()
    idle = await owner.fetchval(at)
    await place.refreshed()
    assert await owner.fetchval(at) > idle
    long = await asyncpg.connect(server.dsn(database))
    transaction = long.transaction()
    await transaction.start()
    await long.execute("SELECT pg_current_xact_id()")
    await place.refreshed()
    behind = await owner.fetchval(at)
    await place.assessing.seated(place.staff)
    await place.refreshed()
    assert await owner.fetchval(at) == behind
    await transaction.rollback()
    await long.close()
    await place.refreshed()
    assert await owner.fetchval(at) > behind


async def test_a_new_day_is_read_anew(
    place: Place, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seat that is taken tomorrow, and a result that ends then, need no write to count."""
    person = await place.assessing.seated(place.staff)
    await place.refreshed()
    tomorrow = today() + timedelta(days=1)
    newcomer = await place.government.employee()
    made(await place.government.assign(place.staff, newcomer, since=tomorrow.isoformat()))
    await place.refreshed()
    in_staff = "SELECT employee_id FROM competency_profiles WHERE position_id = $1"
    assert {r[0] for r in await owner.fetch(in_staff, UUID(place.staff))} == {person}
    monkeypatch.setattr(refreshing, "today", lambda: tomorrow)
    await place.refreshed()
    assert {r[0] for r in await owner.fetch(in_staff, UUID(place.staff))} == {person, newcomer}


async def test_people_can_be_changed_while_everybody_is_computed_anew(
    place: Place, server: Any, database: str, owner: asyncpg.Connection
) -> None:
    person = await place.assessing.seated(place.staff)
    refresher = await asyncpg.connect(server.dsn(database))
    transaction = refresher.transaction()
    await transaction.start()
    levels = json.dumps(dict(default_levels(today()).value))
    refresh = "SELECT app.refresh_competency_profiles($1, $2, 'any', true)"
    assert await refresher.fetchval(refresh, today(), levels) == 1
    lock = "SELECT id FROM employees WHERE id = $1 FOR UPDATE NOWAIT"
    assert await owner.fetchval(lock, person) == person
    await transaction.rollback()
    await refresher.close()


# --- gaps -------------------------------------------------------------------------------------


async def test_gaps_by_unit_kind_and_competency(place: Place) -> None:
    head = await place.assessing.seated(place.head)
    first, second = [await place.assessing.seated(place.staff) for _ in range(2)]
    await place.published(head, place.head, {"komunikasi": 0, "integritas": 5})
    await place.published(first, place.staff, 1)
    await place.refreshed()
    by_code = {g["competency"]: g for g in await place.gaps(unit_id=place.dinas)}
    assert len(by_code) == 9
    komunikasi = by_code["komunikasi"]
    assert (komunikasi["people"], komunikasi["assessed"], komunikasi["not_assessed"]) == (3, 2, 1)
    assert (komunikasi["short"], komunikasi["short_percent"]) == (1, "50.0")
    assert komunikasi["mean_gap"] == "2.00"
    assert by_code["integritas"]["short"] == 0
    assert by_code["integritas"]["mean_gap"] is None
    assert by_code["kerja_sama"]["assessed"] == 1
    assert next(iter(by_code)) == "komunikasi"  # the largest share first
    kinds = {g["job_kind"]: g for g in await place.gaps(group_by="job_kind")}
    assert (kinds["pengawas"]["short"], kinds["pelaksana"]["short"]) == (1, 0)
    assert second


async def test_units_are_summed_by_those_right_below(place: Place) -> None:
    other = await place.government.unit("LAIN", place.root)
    position = await place.government.position(other, "STAF-LAIN", seats=5)
    await place.assessing.seated(position)
    await place.assessing.seated(place.staff)
    await place.refreshed()
    below = {g["unit_code"]: g["people"] for g in await place.gaps(group_by="unit")}
    assert below == {"DIN": 9, "LAIN": 9}
    below = {
        g["unit_code"]: g["people"]
        for g in await place.gaps(group_by="unit", unit_id=place.dinas, competency="komunikasi")
    }
    assert below == {"BID": 1}


async def test_an_expired_result_tells_nothing_any_more(place: Place) -> None:
    person = await place.assessing.seated(place.staff)
    await place.published(person, place.staff, 0, starts_on=LONG_AGO)
    await place.refreshed()
    (gap,) = await place.gaps(competency="komunikasi")
    assert (gap["people"], gap["assessed"], gap["short"]) == (1, 0, 0)


# --- coverage ---------------------------------------------------------------------------------


async def test_missing_expired_expiring_and_valid(place: Place) -> None:
    people = {
        name: await place.assessing.seated(place.staff, name.title())
        for name in ("missing", "expired", "expiring", "valid")
    }
    ending = today().replace(year=today().year - 3) + timedelta(days=30)
    days = {"expired": LONG_AGO, "expiring": ending, "valid": date(2026, 9, 1)}
    for name, day in days.items():
        await place.published(people[name], place.staff, 2, starts_on=day)
    await place.refreshed()
    for name, person in people.items():
        assert await place.covered(name) == [str(person)], name
        assert await place.covered(name, unit_id=place.dinas, job_kind="pelaksana") == [str(person)]
        assert await place.covered(name, job_kind="pengawas") == []
    assert await place.covered("expiring", within_days=7) == []
    assert len(await place.covered("valid", within_days=7)) == 2


async def test_coverage_is_paged(place: Place) -> None:
    people = {str(await place.assessing.seated(place.staff)) for _ in range(5)}
    await place.refreshed()
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "include_total": "true"}
    while True:
        page = ok(await place.hr.get("/assessment-coverage", params=query))
        assert page["total"] == 5
        seen += [item["employee_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == 5
    assert set(seen) == people


# --- candidates -------------------------------------------------------------------------------


async def test_candidates_are_ranked_and_explained(place: Place) -> None:
    """Level 2 of nine is required: 18 levels in all."""
    holder = await place.assessing.seated(place.head)
    full, half, unknown = [
        await place.assessing.seated(place.staff, name) for name in ("Penuh", "Sebagian", "Belum")
    ]
    await place.published(holder, place.head, 5)
    await place.published(full, place.staff, 2)
    nine = dict.fromkeys(list(await place.assessing.competencies())[:9], 5)
    await place.published(half, place.staff, nine | {"komunikasi": 1, "kerja_sama": 0})
    await place.refreshed()
    page = await place.candidates(place.head)
    assert page["title"] == "Jabatan KEPALA"
    assert {s["required"] for s in page["standard"]} == {2}
    assert [(i["rank"], i["employee_id"]) for i in page["items"]] == [
        (1, str(full)),
        (2, str(half)),
    ]
    assert [i["fit_percent"] for i in page["items"]] == ["100.00", "83.33"]
    assert [(g["competency"], g["actual"], g["gap"]) for g in page["items"][1]["gaps"]] == [
        ("kerja_sama", "0.00", "2.00"),
        ("komunikasi", "1.00", "1.00"),
    ]
    page = await place.candidates(place.head, include_ineligible=True, include_total=True)
    last = page["items"][-1]
    assert page["total"] == 3
    assert last["employee_id"] == str(unknown)
    assert last["ineligible"] == ["not_assessed"]
    assert last["fit_percent"] == "0.00"
    assert [g["actual"] for g in last["gaps"]] == [None] * 9


async def test_eligibility(place: Place, owner: asyncpg.Connection) -> None:
    low, high, pppk, old = [
        await place.assessing.seated(place.staff, name) for name in ("A", "B", "C", "D")
    ]
    for person, golongan in ((low, "III/b"), (high, "III/d"), (pppk, "IX"), (old, "IV/a")):
        await owner.execute(
            "INSERT INTO employee_golongan (employee_id, golongan, valid)"
            " VALUES ($1, $2, '[2020-01-01,)')",
            person,
            golongan,
        )
        await owner.execute(
            "INSERT INTO employee_educations (employee_id, level) VALUES ($1, $2)",
            person,
            "d3" if person == low else "s1",
        )
        day = LONG_AGO if person == old else date(2026, 9, 1)
        await place.published(person, place.staff, 2, starts_on=day)
    await place.refreshed()
    query = {"min_golongan": "III/c", "min_education": "d4"}
    page = await place.candidates(place.head, **query)
    assert [i["employee_id"] for i in page["items"]] == [str(high)]
    page = await place.candidates(place.head, include_ineligible=True, **query)
    assert {i["employee_id"]: i["ineligible"] for i in page["items"]} == {
        str(high): [],
        str(low): ["golongan", "education"],
        str(pppk): ["golongan"],
        str(old): ["result_expired"],
    }


async def test_candidates_are_paged_with_their_ranks(place: Place) -> None:
    for level in (0, 1, 1, 2, 2):
        await place.published(await place.assessing.seated(place.staff), place.staff, level)
    await place.refreshed()
    whole = (await place.candidates(place.head))["items"]
    paged: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await place.candidates(place.head, **query)
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert paged == whole
    assert [item["rank"] for item in whole] == [1, 2, 3, 4, 5]


async def test_unknown_things_are_not_found(place: Place) -> None:
    problem(await place.hr.get(f"/positions/{uuid4()}/candidates"), 404, "not_found")
    for path in ("/competency-gaps", "/assessment-coverage", f"/positions/{place.head}/candidates"):
        problem(await place.hr.get(path, params={"unit_id": str(uuid4())}), 404, "not_found")
    query = {"cursor": "bukan-kursor"}
    for path in ("/assessment-coverage", f"/positions/{place.head}/candidates"):
        problem(await place.hr.get(path, params=query), 400, "invalid_cursor")


LEVELS = st.lists(
    st.tuples(st.none() | st.decimals(0, 5, places=2), st.integers(1, 5)), min_size=1, max_size=12
)


@given(LEVELS)
def test_the_figure_shown_falls_as_what_is_missing_grows(pairs: list[Any]) -> None:
    """In SQL the order is by what is missing, summed over the competencies."""
    required = {str(n): need for n, (_, need) in enumerate(pairs)}
    levels = {str(n): level for n, (level, _) in enumerate(pairs)}
    missing = sum(max(need - (levels[code] or 0), 0) for code, need in required.items())
    whole = sum(required.values())
    assert abs(fit(levels, required).percent - (whole - missing) * 100 / Decimal(whole)) < 1


def test_a_golongan_is_compared_on_its_own_ladder() -> None:
    demanded = _demanded(CandidateQuery(min_golongan=Golongan.IV_D, min_education="s2"))
    assert demanded["golongan"] == (Golongan.IV_D, Golongan.IV_E)
    assert demanded["education"] == (EducationLevel.S2, EducationLevel.S3)
