"""Results read over HTTP, and what HR asks of everybody at once.

The list of results stands beside a bare application with the same SQL. Gaps are served from the
table that is kept ready; beside it stands the same answer, computed from results, scores, seats
and standards by the superuser, in PostgreSQL alone. Who fits a seat has a mark in seconds.
"""

import asyncio
import json
import statistics
import time
import urllib.request
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from app.calendar import today
from app.database import Database, bind
from app.embedded import EmbeddedServer
from app.rules.standards import default_levels
from app.schemas.competency_gaps import GapGrouping
from app.services.assessments import reading as assessments
from app.services.competency_gaps.refreshing import refresh_profiles
from app.services.competency_gaps.summary import _summary as summed
from app.services.results.reading import _page as results_page
from app.services.signing_keys import Keyring
from app.vocabulary import Role
from bench import data
from bench.reads import KEMUNING_PORT, Mark, both_serving, load, ratio, stated, token_of

API = "/api/v1"
ROUNDS = 3
FASTER, FASTEST_SECONDS = 30.0, 1.0
Measured = tuple[str, float, float]

LIVE = """
unit_gaps AS (
    SELECT p.unit_id, p.job_kind, c.id AS competency_id, count(*) AS people,
           count(l.level) AS assessed, count(*) FILTER (WHERE l.level < s.required) AS short,
           coalesce(sum(greatest(s.required - l.level, 0)), 0) AS gap
    FROM app.competency_profiles_live({people}, '{day}', '{defaults}') AS p
    CROSS JOIN LATERAL unnest(p.required) WITH ORDINALITY AS s (required, ordinal)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.valid_until > '{day}' THEN p.levels[s.ordinal] END AS level) AS l
    JOIN competencies c ON c.ordinal = s.ordinal
    WHERE s.required IS NOT NULL AND p.unit_id IS NOT NULL
    GROUP BY p.unit_id, p.job_kind, c.id
)
"""
"""Stands in the served statement for the table of that name."""
HOLDERS = """
WITH RECURSIVE tree AS (
    SELECT CAST($1 AS uuid) AS unit_id
    UNION
    SELECT u.unit_id FROM unit_versions u JOIN tree ON u.parent_id = tree.unit_id
    WHERE u.valid @> $2::date
)
SELECT array_agg(a.employee_id)
FROM tree JOIN position_versions p USING (unit_id) JOIN seat_assignments a USING (position_id)
WHERE p.valid @> $2::date AND a.valid @> $2::date AND a.kind = 'definitif'
"""
UNITS = "SELECT unit_id FROM unit_versions WHERE valid @> $1::date AND "
SEATS = """
SELECT DISTINCT ON (job_kind, jenjang) job_kind, position_id FROM position_versions
WHERE valid @> $1::date ORDER BY job_kind, jenjang, position_id
"""


@dataclass(frozen=True)
class World:
    """Who asks, and for what."""

    token: str
    root: UUID
    dinas: list[UUID]
    seats: dict[UUID, str]


def run(running: EmbeddedServer) -> list[Measured]:
    """Measure; returns (name, ratio, mark)."""
    settings = data.settings(running)
    world = asyncio.run(_world(running))
    middle = world.dinas[len(world.dinas) // 2]
    with both_serving(settings, _bare_job(running)):
        listed = Mark(
            "list 50 results",
            [f"{API}/assessment-results?limit=50"],
            ["/list"],
            world.token,
            0.50,
        )
        return [
            ratio(listed),
            asyncio.run(_gaps(running, world, "the government", world.root)),
            asyncio.run(_gaps(running, world, "the largest dinas", world.dinas[0])),
            asyncio.run(_gaps(running, world, "a middling dinas", middle)),
            _candidates(world),
        ]


async def _world(running: EmbeddedServer) -> World:
    connection = await asyncpg.connect(running.dsn(data.DATABASE))
    database = Database(data.settings(running))
    day = today()
    try:
        started = time.perf_counter()
        people = await refresh_profiles(database, everybody=True)
        print(f"  profiles of {people:,} people in {time.perf_counter() - started:.1f} s")
        await connection.execute("VACUUM ANALYZE competency_profiles, unit_gaps")
        return World(
            await token_of(connection, Keyring(database, database.settings), Role.HR_ADMIN, None),
            await connection.fetchval(UNITS + "parent_id IS NULL", day),
            await _dinas(connection, day),
            {row["position_id"]: row["job_kind"] for row in await connection.fetch(SEATS, day)},
        )
    finally:
        await database.close()
        await connection.close()


async def _dinas(connection: asyncpg.Connection, day: date) -> list[UUID]:
    """Every dinas, the largest first."""
    units = [row["unit_id"] for row in await connection.fetch(UNITS + "kind = 'dinas'", day)]
    sizes = {unit: len(await connection.fetchval(HOLDERS, unit, day)) for unit in units}
    return sorted(units, key=sizes.__getitem__, reverse=True)


# --- the list -----------------------------------------------------------------------------


def _bare_job(running: EmbeddedServer) -> dict[str, Any]:
    day, nobody = today(), UUID(int=0)
    names = bind(assessments._NAMES, {"people": [nobody], "as_of": day})
    page = results_page(Role.HR_ADMIN, frozenset())
    listed = bind(page, {"today": day, "as_of": day, "rows": 51})
    return {
        "dsn": running.dsn(data.DATABASE),
        "people_at": names[1].index([nobody]),
        "statements": {"list": stated(*listed), "names": stated(names[0], [None, day])},
    }


# --- gaps ---------------------------------------------------------------------------------


async def _gaps(running: EmbeddedServer, world: World, name: str, unit: UUID) -> Measured:
    """Both sides turn about: a request over HTTP, and the live query; and the answers are one."""
    connection = await asyncpg.connect(running.dsn(data.DATABASE))
    times = []
    try:
        await connection.execute("SET jit = off; SET work_mem = '64MB'")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            live = await _live(connection, None if unit == world.root else unit, unit)
            seconds = time.perf_counter() - started
            path = f"{API}/competency-gaps?unit_id={unit}"
            served = await asyncio.to_thread(load, KEMUNING_PORT, [path], world.token, 1)
            _require_same(live, await asyncio.to_thread(_get, path, world.token))
            times.append(seconds * 1000 / served["p50_ms"])
            print(f"  gaps of {name}: live {seconds:.3f} s, served {served['p50_ms']:.1f} ms")
    finally:
        await connection.close()
    return f"gaps of {name}, times faster", statistics.median(times), FASTER


async def _live(
    connection: asyncpg.Connection, below: UUID | None, unit: UUID
) -> list[asyncpg.Record]:
    day = today()
    people = "NULL"
    if below is not None:
        ids = await connection.fetchval(HOLDERS, below, day)
        people = "ARRAY[{}]::uuid[]".format(",".join(f"'{each}'" for each in ids))
    defaults = json.dumps(dict(default_levels(day).value))
    live = LIVE.format(people=people, day=day, defaults=defaults)
    sql, values = bind(summed(GapGrouping.COMPETENCY, frozenset()), {"unit_id": unit, "as_of": day})
    rows: list[asyncpg.Record] = await connection.fetch(
        sql.replace("WITH RECURSIVE", f"WITH RECURSIVE {live},", 1), *values
    )
    return rows


def _require_same(live: list[asyncpg.Record], served: dict[str, Any]) -> None:
    numbers = ("people", "assessed", "short")
    expected = [(row["competency"], *(int(row[n]) for n in numbers)) for row in live]
    shown = [(item["competency"], *(item[n] for n in numbers)) for item in served["items"]]
    if not shown or shown != expected:
        raise RuntimeError(f"served {shown}, live {expected}")


# --- candidates ---------------------------------------------------------------------------


def _candidates(world: World) -> Measured:
    """The slowest of every kind of seat, with the number of all who were looked at."""
    slowest = 0.0
    for seat, job_kind in world.seats.items():
        path = f"{API}/positions/{seat}/candidates?limit=50&include_total=true"
        for more in ("", "&include_ineligible=true"):
            seconds = statistics.median(_timed(path + more, world.token) for _ in range(ROUNDS))
            print(f"  who fits a seat of {job_kind}{' at all' if more else ''}: {seconds:.3f} s")
            slowest = max(slowest, seconds)
    return "who fits a seat, seconds (at most)", slowest, -FASTEST_SECONDS


def _timed(path: str, token: str) -> float:
    started = time.perf_counter()
    _get(path, token)
    return time.perf_counter() - started


def _get(path: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{KEMUNING_PORT}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
