"""Public statistics: true counts, none that tells of few people, frozen, without an account."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.calendar import today
from app.database import Database
from app.services.competency_gaps.refreshing import refresh_profiles
from app.services.statistics import publishing
from app.services.statistics.counting import Category, Table
from tests.actors import Actors, Client, problem
from tests.assessing import Assessing
from tests.organisation import Government, made, ok

Cells = dict[tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True)
class Agency:
    """An officer, and 40 holders of seats in two dinas: 25 as required, 12 short, 3 unknown."""

    hr: Client
    anyone: Client
    database: Database

    async def publish(self, dataset: str) -> dict[str, Any]:
        return made(await self.hr.post(f"/statistics/{dataset}/snapshots"))

    async def cells(self, dataset: str) -> Cells:
        snapshot = ok(await self.anyone.get(f"/statistics/{dataset}"))
        return {tuple(cell["key"]): cell for cell in snapshot["cells"]}


@pytest.fixture
async def agency(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Agency:
    government = Government(await actors.hr_admin(), owner)
    assessing = Assessing(government)
    root = await government.unit("KAB", kind="pemerintah_daerah")
    event = await assessing.event()
    for code, reached, short, unknown in (("DIN-A", 25, 0, 3), ("DIN-B", 0, 12, 0)):
        unit = await government.unit(code, root)
        position = await government.position(unit, f"STAF-{code}", seats=50)
        for number in range(reached + short + unknown):
            person = await assessing.seated(position)
            if number < reached + short:
                level = 1 if number < reached else 0
                await assessing.assessed(person, position, level, event=event)
    await government.hr.post(f"/assessment-events/{event}/publish", json={"reason": "Pemetaan"})
    database: Database = app.state.runtime.database
    await refresh_profiles(database)
    return Agency(government.hr, actors.anonymous(), database)


def value(cells: Cells, *key: str) -> int | None:
    found: int | None = cells[key]["value"]
    return found


async def test_everybody_reads_what_was_published(agency: Agency) -> None:
    problem(await agency.anyone.get("/statistics/fit"), 404, "not_found")
    for item in ok(await agency.anyone.get("/statistics"))["items"]:
        assert item["latest"] is None
        assert item["method"]
    published = await agency.publish("fit")
    read = await agency.anyone.get("/statistics/fit")
    assert ok(read) == published
    assert "public" in read.headers["cache-control"]
    same = {"If-None-Match": read.headers["etag"]}
    assert (await agency.anyone.get("/statistics/fit", headers=same)).status_code == 304
    on_day = {"day": published["day"]}
    assert ok(await agency.anyone.get("/statistics/fit", params=on_day)) == published
    other = {"day": "2020-01-01"}
    problem(await agency.anyone.get("/statistics/fit", params=other), 404, "not_found")
    (listed,) = ok(await agency.anyone.get("/statistics/fit/snapshots"))["items"]
    assert listed["id"] == published["id"]
    english = {"Accept-Language": "en"}
    items = ok(await agency.anyone.get("/statistics", headers=english))["items"]
    latest = {item["title"]: item["latest"] for item in items}
    assert latest["Fit with the position's standard"]["id"] == published["id"]
    assert latest["Competency gaps"] is None


async def test_small_counts_are_hidden(agency: Agency) -> None:
    """With as few people as here, nearly all would tell of somebody."""
    await agency.publish("fit")
    cells = await agency.cells("fit")
    assert value(cells, "*", "not_assessed") is None  # three people
    assert cells["DIN-A", "not_assessed"]["status"] == "suppressed"
    # All of this dinas are short: to say so would tell it of each of them.
    assert value(cells, "DIN-B", "short") is None
    for cell in cells.values():
        assert (cell["value"] is None) == (cell["status"] == "suppressed")
        assert cell["value"] is None or cell["value"] == 0 or cell["value"] >= 10


async def test_counts_are_true(agency: Agency, owner: asyncpg.Connection) -> None:
    """A hundred times as many people: what is published is their number."""
    await owner.execute(
        "WITH copies AS (INSERT INTO employees (birth_date, sex)"
        "  SELECT date '1980-01-01', 'male' FROM generate_series(1, 3960) RETURNING id),"
        " numbered AS (SELECT id, row_number() OVER () % 40 AS n FROM copies),"
        " originals AS (SELECT *, row_number() OVER () - 1 AS n FROM competency_profiles)"
        " INSERT INTO competency_profiles SELECT c.id, o.position_id, o.unit_id, o.job_kind,"
        "  o.golongan, o.education, o.result_id, o.assessed_on, o.valid_until, o.levels, o.required"
        " FROM numbered c JOIN originals o USING (n)"
    )
    await agency.publish("fit")
    cells = await agency.cells("fit")
    assert value(cells, "*", "*") == 4000
    assert value(cells, "*", "not_assessed") == 300
    assert value(cells, "DIN-A", "*") == 2800
    published = {key: cell["value"] for key, cell in cells.items() if cell["value"]}
    assert published.get(("DIN-A", "reached"), 2500) == 2500


async def test_gaps_are_withheld_where_they_would_tell_what_the_other_table_hides(
    agency: Agency, owner: asyncpg.Connection
) -> None:
    """How many were assessed, taken from everybody, leaves the three who were not."""
    await agency.publish("competency_gaps")
    cells = await agency.cells("competency_gaps")
    assert value(cells, "komunikasi", "*") is None
    stored = await owner.fetchval("SELECT cells::text FROM statistics_snapshots")
    for cell in json.loads(stored):
        assert cell["value"] is None
        assert cell["key"][0] != "*"


FITNESS = ("reached", "short")


@given(st.integers(0, 60), st.lists(st.integers(0, 60), min_size=9, max_size=9))
def test_no_competency_tells_what_another_hides(assessed: int, short: list[int]) -> None:
    """Everybody is measured in all nine: whoever reads how many in one line knows it in all."""
    lines = {f"c{n}": min(each, assessed) for n, each in enumerate(short)}
    counts = {(code, "short"): short for code, short in lines.items()}
    counts |= {(code, "reached"): assessed - short for code, short in lines.items()}
    dimensions = {
        "competency": [Category(code, code) for code in lines],
        "fitness": [Category(code, code) for code in FITNESS],
    }
    gaps = Table(dimensions, counts, same_people=True)
    of_all = {("U", code): 1000 for code in FITNESS}
    fit = Table({"unit": [Category("U", "U")], "fitness": dimensions["fitness"]}, of_all)
    shown = {tuple(cell["key"]): cell["value"] for cell in publishing._protected(gaps, fit, 10)}
    totals = {shown[code, "*"] for code in lines}
    assert len(totals) == 1
    for code in lines:
        hidden = [name for name in FITNESS if shown[code, name] is None]
        assert len(hidden) != 1
        assert bool(hidden) == (assessed > 0 and not 10 <= lines[code] <= assessed - 10)


async def test_shares_are_of_the_last_dimension(agency: Agency, owner: asyncpg.Connection) -> None:
    """Without the three who hide the others."""
    await owner.execute("DELETE FROM competency_profiles WHERE result_id IS NULL")
    await owner.execute("DELETE FROM unit_gaps")
    await owner.execute(
        "INSERT INTO unit_gaps SELECT * FROM app.unit_gaps_of_profiles(NULL, $1)", today()
    )
    await agency.publish("competency_gaps")
    cells = await agency.cells("competency_gaps")
    assert value(cells, "komunikasi", "short") == 12
    assert cells["komunikasi", "short"]["share"] == "0.3243"  # of 37
    assert cells["komunikasi", "*"]["share_status"] is None


async def test_the_hash_is_over_the_cells(agency: Agency) -> None:
    published = await agency.publish("fit")
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    canonical = json.dumps(published["cells"], **form)
    assert published["sha256"] == hashlib.sha256(canonical.encode()).hexdigest()


async def test_a_snapshot_is_not_repeated_soon(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await agency.publish("fit")
    again = await agency.hr.post("/statistics/fit/snapshots")
    body = problem(again, 409, "snapshot_too_soon")
    assert body["next_on"] == (today() + timedelta(days=90)).isoformat()
    await agency.publish("competency_gaps")
    for days, status in ((89, 409), (90, 201)):
        later = today() + timedelta(days=days)
        monkeypatch.setattr(publishing, "today", lambda later=later: later)
        answer = await agency.hr.post("/statistics/fit/snapshots")
        assert answer.status_code == status, answer.text
    page = ok(await agency.anyone.get("/statistics/fit/snapshots", params={"limit": 1}))
    cursor = {"cursor": page["next_cursor"]}
    rest = ok(await agency.anyone.get("/statistics/fit/snapshots", params=cursor))
    assert [item["id"] for item in rest["items"]] == [first["id"]]


async def test_nothing_to_count_is_said(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    await Government(hr, owner).unit("KAB", kind="pemerintah_daerah")
    for dataset in ("fit", "competency_gaps"):
        answer = await hr.post(f"/statistics/{dataset}/snapshots")
        problem(answer, 409, "nothing_to_count")


@pytest.mark.parametrize("persona", ["public", "asn", "hr_admin", "auditor", "service"])
async def test_nobody_changes_what_was_published(owner: asyncpg.Connection, persona: str) -> None:
    await owner.execute(f"SET ROLE kemuning_{persona}")
    for statement in ("UPDATE statistics_snapshots SET k = 1", "DELETE FROM statistics_snapshots"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)


@pytest.mark.parametrize(
    "table", ["competency_profiles", "unit_gaps", "assessment_results", "competency_scores"]
)
async def test_the_public_reads_no_person(owner: asyncpg.Connection, table: str) -> None:
    await owner.execute("SET ROLE kemuning_public")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.fetch(f"SELECT * FROM {table}")
