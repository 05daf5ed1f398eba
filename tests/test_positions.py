"""Positions: what they are on a day, their age, their need, their seats."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.actors import Actors, problem
from tests.organisation import Government, made, ok

MISSING = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
REPORTS = {"task": "Menyusun laporan", "volume": "1000", "minutes": "90"}


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


@pytest.fixture
async def dinas(government: Government) -> str:
    kab = await government.unit("KAB", kind="pemerintah_daerah")
    return await government.unit("DIKNAS", kab)


def analyst(unit: str, **more: Any) -> dict[str, Any]:
    return {
        "code": "ANALIS",
        "unit_id": unit,
        "title": "Analis Sumber Daya Manusia",
        "job_kind": "fungsional",
        "jenjang": "ahli_madya",
        "job_class": 11,
        "seats": 2,
        "effective_from": "2024-01-01",
    } | more


async def test_a_position_is_made_read_changed_and_remembered(
    government: Government, dinas: str
) -> None:
    hr = government.hr
    answer = await hr.post("/positions", json=analyst(dinas, workload=[REPORTS]))
    position = made(answer)
    assert answer.headers["location"] == f"/api/v1/positions/{position['id']}"
    assert position["retirement_age"] == 60
    assert position["retirement_age_rule"] == "bup-fungsional-pp-11-2017@1"
    assert position["workload_need"] == "1.20"  # 1,000 x 90 / 75,000
    assert position["workload_rule"] == "abk-permenpanrb-1-2020@1"
    assert position["unit_name"] == "Unit DIKNAS"
    assert (position["seats"], position["filled"], position["vacant"]) == (2, 0, 2)

    path = f"/positions/{position['id']}"
    change = {"jenjang": "ahli_utama", "seats": 3, "effective_from": "2025-01-01"}
    problem(await hr.patch(path, json=change), 428, "if_match_required")
    problem(await hr.patch(path, json=change, headers={"If-Match": '"7"'}), 412, "stale_version")
    changed = ok(await hr.patch(path, json=change, headers={"If-Match": '"1"'}))
    assert (changed["retirement_age"], changed["seats"], changed["version"]) == (65, 3, 2)
    assert changed["workload_need"] == "1.20"
    before = ok(await hr.get(path, params={"as_of": "2024-12-31"}))
    assert (before["retirement_age"], before["effective_until"]) == (60, "2025-01-01")
    history = ok(await hr.get(f"{path}/history"))
    assert [v["jenjang"] for v in history["versions"]] == ["ahli_utama", "ahli_madya"]
    assert history["versions"][0]["unit_name"] == "Unit DIKNAS"
    problem(await hr.get(path, params={"as_of": "2023-12-31"}), 404, "not_found")
    problem(await hr.get(f"/positions/{MISSING}"), 404, "not_found")
    problem(await hr.get(f"/positions/{MISSING}/history"), 404, "not_found")


async def test_the_age_follows_the_kind_unless_the_position_has_its_own(
    government: Government, dinas: str
) -> None:
    g = government
    made(await g.hr.post("/positions", json=analyst(dinas)))
    own = {"age": 65, "basis": "UU 14/2005 pasal 67"}
    professor = made(
        await g.hr.post("/positions", json=analyst(dinas, code="GB", own_retirement_age=own))
    )
    assert professor["retirement_age_rule"] == "own: UU 14/2005 pasal 67"
    path = f"/positions/{professor['id']}"
    kept = ok(await g.change(path, {"title": "Guru Besar", "effective_from": "2024-06-01"}))
    assert kept["retirement_age"] == 65
    back = ok(await g.change(path, {"own_retirement_age": None, "effective_from": "2025-01-01"}))
    assert (back["retirement_age"], back["retirement_age_rule"][:4]) == (60, "bup-")
    admin = ok(await g.change(path, {"job_kind": "administrator", "effective_from": "2026-01-01"}))
    assert (admin["retirement_age"], admin["jenjang"]) == (58, None)
    assert admin["retirement_age_rule"] == "bup-uu-20-2023@1"

    no_basis = analyst(dinas, code="X", own_retirement_age={"age": 65})
    found = problem(await g.hr.post("/positions", json=no_basis), 422, "invalid")
    assert found["errors"][0]["pointer"] == "/own_retirement_age/basis"


async def test_refusals(government: Government, dinas: str) -> None:
    g = government

    async def refused(body: dict[str, Any], pointer: str, code: str) -> None:
        found = problem(await g.hr.post("/positions", json=body), 422, "invalid")
        assert [(e["pointer"], e["code"]) for e in found["errors"]] == [(pointer, code)]

    await refused(analyst(dinas, jenjang=None), "", "jenjang_of_fungsional")
    await refused(analyst(dinas, job_kind="pelaksana"), "", "jenjang_of_fungsional")
    await refused(analyst(MISSING), "/unit_id", "unknown")
    await refused(analyst(dinas, seats=-1), "/seats", "greater_than_equal")
    await refused(analyst(dinas, job_class=18), "/job_class", "less_than_equal")
    await refused(
        analyst(dinas, effective_from="2012-01-01"), "/own_retirement_age", "no_rule_then"
    )
    endless = [REPORTS | {"volume": 1e8}]
    await refused(analyst(dinas, workload=endless), "/workload/0/volume", "decimal_whole_digits")
    problem(
        await g.hr.post("/positions", json=analyst(dinas, effective_from="2019-06-01")),
        409,
        "not_in_force",
    )
    position = made(await g.hr.post("/positions", json=analyst(dinas)))
    problem(await g.hr.post("/positions", json=analyst(dinas)), 409, "position_code_taken")

    path = f"/positions/{position['id']}"
    nothing = await g.change(path, {"effective_from": "2025-01-01"})
    assert problem(nothing, 422, "invalid")["errors"][0]["code"] == "nothing_to_change"
    emptied = await g.change(path, {"seats": None, "effective_from": "2025-01-01"})
    assert problem(emptied, 422, "invalid")["errors"][0]["pointer"] == "/seats"
    without = await g.change(path, {"jenjang": None, "effective_from": "2025-01-01"})
    assert problem(without, 422, "invalid")["errors"][0]["pointer"] == "/jenjang"
    early = {"seats": 3, "effective_from": "2023-01-01"}
    problem(await g.change(path, early, version=1), 409, "not_in_force")
    unknown = await g.change(path, {"unit_id": MISSING, "effective_from": "2025-01-01"})
    assert problem(unknown, 422, "invalid")["errors"][0]["pointer"] == "/unit_id"


async def test_the_largest_workload_is_stored(government: Government, dinas: str) -> None:
    most = [{"task": "T", "volume": "9999999.99", "minutes": "9999999.99"}] * 200
    position = made(await government.hr.post("/positions", json=analyst(dinas, workload=most)))
    assert Decimal(position["workload_need"]) > 10**11


async def test_staffing_tells_need_against_seats_and_holders(
    government: Government, dinas: str
) -> None:
    g = government
    position = made(await g.hr.post("/positions", json=analyst(dinas, workload=[REPORTS])))["id"]
    empty = ok(await g.hr.get(f"/positions/{position}"))
    assert empty["staffing"] == {
        "need": "1.20",
        "seats_beyond_need": "0.80",
        "effectiveness": None,
        "achievement": None,
        "rule": "abk-permenpanrb-1-2020@1",
    }
    made(await g.assign(position, await g.employee(), since="2024-01-01"))
    one = ok(await g.hr.get(f"/positions/{position}"))["staffing"]
    assert (one["effectiveness"], one["achievement"]) == ("1.20", "A")
    made(await g.assign(position, await g.employee(), since="2024-01-01"))
    two = ok(await g.hr.get(f"/positions/{position}"))["staffing"]
    assert (two["effectiveness"], two["achievement"]) == ("0.60", "D")
    assert ok(await g.hr.get(f"/positions/{position}"))["workload"] == [REPORTS]
    cleared = ok(
        await g.change(f"/positions/{position}", {"workload": [], "effective_from": "2025-01-01"})
    )
    assert cleared["workload_need"] is None
    assert ok(await g.hr.get(f"/positions/{position}"))["staffing"] is None


async def test_list_filters_and_pages(government: Government, dinas: str) -> None:
    g = government
    bidang = await g.unit("SD", dinas, kind="bidang")
    await g.position(dinas, "A", title="Kepala Dinas", job_kind="jpt_pratama")
    full = await g.position(dinas, "B", title="Pengadministrasi 100% Umum")
    await g.position(bidang, "C", seats=2, title="Analis Kurikulum")
    await g.position(
        bidang, "D", title="Guru", job_kind="fungsional", jenjang="ahli_muda", since="2025-01-01"
    )
    made(await g.assign(full, await g.employee()))

    async def codes(**parameters: object) -> list[str]:
        page = ok(await g.hr.get("/positions", params=parameters))  # type: ignore[arg-type]
        return [item["code"] for item in page["items"]]

    assert await codes() == ["A", "B", "C", "D"]
    assert await codes(as_of="2024-12-31") == ["A", "B", "C"]
    assert await codes(unit_id=dinas) == ["A", "B"]
    assert await codes(unit_id=dinas, include_subtree=True) == ["A", "B", "C", "D"]
    assert await codes(unit_id=bidang, include_subtree=True) == ["C", "D"]
    assert await codes(job_kind="jpt_pratama") == ["A"]
    assert await codes(jenjang="ahli_muda") == ["D"]
    assert await codes(q="analis") == ["C"]
    assert await codes(q="100%") == ["B"]
    assert await codes(q="_") == []
    assert await codes(vacant=True) == ["A", "C", "D"]
    assert await codes(vacant=True, unit_id=dinas) == ["A"]
    first = await g.hr.get("/positions?vacant=true&limit=2&include_total=true")
    assert (first.json()["total"], "link" in first.headers) == (3, True)
    cursor = first.json()["next_cursor"]
    assert await codes(vacant=True, limit=2, cursor=cursor) == ["D"]
    numbers = ok(await g.hr.get("/positions", params={"q": "umum"}))["items"][0]
    assert (numbers["filled"], numbers["vacant"], numbers["unit_name"]) == (1, 0, "Unit DIKNAS")
    problem(await g.hr.get(f"/units?cursor={cursor}"), 400, "invalid_cursor")


async def test_fewer_seats_than_holders_show_as_over_filled(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=3)
    for _ in range(3):
        made(await g.assign(position, await g.employee()))
    change = {"seats": 1, "effective_from": "2025-01-01"}
    reduced = ok(await g.change(f"/positions/{position}", change))
    assert (reduced["seats"], reduced["filled"]) == (1, 3)
    assert (reduced["vacant"], reduced["over_filled"]) == (0, 2)
    problem(await g.assign(position, await g.employee(), since="2025-02-01"), 409, "no_vacant_seat")


async def test_a_position_closes_only_when_nobody_holds_it(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    holder = made(await g.assign(position, await g.employee(), since="2024-01-01"))
    close = {"effective_from": "2025-01-01"}
    found = problem(
        await g.hr.post(f"/positions/{position}/close", json=close), 409, "position_in_use"
    )
    assert [b["assignment_id"] for b in found["blocking"]] == [holder["id"]]
    assert "Sri" not in str(found)
    path = f"/positions/{position}/assignments/{holder['id']}"
    ok(await g.change(path, {"effective_until": "2025-01-01"}))
    closed = ok(await g.hr.post(f"/positions/{position}/close", json=close))
    assert closed["effective_until"] == "2025-01-01"
    problem(await g.hr.get(f"/positions/{position}"), 404, "not_found")
    problem(await g.assign(position, await g.employee(), since="2025-01-01"), 409, "not_in_force")
    problem(await g.assign(position, await g.employee(), since="2024-06-01"), 409, "not_in_force")
    problem(await g.change(path, {"effective_until": None}), 409, "not_in_force")


async def test_a_position_moves_to_another_unit(government: Government, dinas: str) -> None:
    g = government
    other = await g.unit("DISBUD", dinas, since="2025-01-01")
    position = await g.position(dinas, "GURU")
    path = f"/positions/{position}"
    early = {"unit_id": other, "effective_from": "2024-01-01"}
    problem(await g.change(path, early), 409, "not_in_force")
    ok(await g.change(path, early | {"effective_from": "2025-01-01"}))
    assert ok(await g.hr.get(path))["unit_name"] == "Unit DISBUD"
    history = ok(await g.hr.get(f"{path}/history"))
    assert [v["unit_id"] for v in history["versions"]] == [other, dinas]


async def test_no_position_arises_in_a_unit_that_is_being_closed(
    government: Government, dinas: str
) -> None:
    g = government

    async def close(unit: str) -> int:
        body = {"effective_from": "2025-01-01"}
        return (await g.hr.post(f"/units/{unit}/close", json=body)).status_code

    async def create(unit: str, code: str) -> int:
        body = analyst(unit, code=code, effective_from="2024-01-01")
        return (await g.hr.post("/positions", json=body)).status_code

    for number in range(5):
        unit = await g.unit(f"U{number}", dinas)
        attempts = [create(unit, f"P{number}.{n}") for n in range(3)]
        *created, closed = await asyncio.gather(*attempts, close(unit))
        assert closed == (409 if 201 in created else 200), created


async def test_racing_changes_lose_none(government: Government, dinas: str) -> None:
    g = government
    position = await g.position(dinas, "GURU")

    async def change(seats: int) -> int:
        body = {"seats": seats, "effective_from": "2024-01-01"}
        return (await g.change(f"/positions/{position}", body, version=1)).status_code

    answers = await asyncio.gather(*(change(n) for n in range(20)))
    assert (answers.count(200), answers.count(412)) == (1, 19)


async def test_who_may_read_and_who_may_change(
    actors: Actors, government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    reads = (
        "/positions",
        f"/positions/{position}",
        f"/positions/{position}/history",
        f"/positions/{position}/assignments",
    )
    for reader in (
        await actors.asn(await g.employee()),
        await actors.auditor(),
        await actors.service("organisation:read"),
    ):
        for path in reads:
            assert (await reader.get(path)).status_code == 200, path
        problem(await reader.post("/positions", json=analyst(dinas)), 403, "forbidden")
        patch = await reader.patch(f"/positions/{position}", json={}, headers={"If-Match": '"1"'})
        problem(patch, 403, "forbidden")
    for path in reads:
        problem(await (await actors.public()).get(path), 403, "forbidden")
        problem(await actors.anonymous().get(path), 401, "unauthenticated")
    writer = await actors.service("organisation:write")
    made(await writer.post("/positions", json=analyst(dinas)))
