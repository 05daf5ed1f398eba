"""Units: the tree as of any day, and how it changes."""

import asyncio

import asyncpg
import pytest

from tests.actors import Actors, problem
from tests.organisation import Government, made, ok


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


async def small_tree(g: Government) -> dict[str, str]:
    """KAB with two dinas; DIKNAS has two bidang."""
    kab = await g.unit("KAB", kind="pemerintah_daerah")
    diknas = await g.unit("DIKNAS", kab)
    return {
        "KAB": kab,
        "DIKNAS": diknas,
        "DISBUD": await g.unit("DISBUD", kab),
        "SD": await g.unit("SD", diknas, kind="bidang"),
        "SMP": await g.unit("SMP", diknas, kind="bidang"),
    }


async def tree(g: Government, **parameters: str) -> dict[str, str | None]:
    """The code of each unit's parent."""
    items = ok(await g.hr.get("/units/tree", params=parameters))["items"]
    codes = {item["id"]: item["code"] for item in items}
    assert all(item["path"][-1] == item["code"] for item in items)
    return {item["code"]: codes.get(item["parent_id"]) for item in items}


async def test_a_unit_is_made_read_renamed_and_remembered(government: Government) -> None:
    hr = government.hr
    answer = await hr.post(
        "/units",
        json={
            "code": "KAB",
            "name": "Kabupaten",
            "kind": "pemerintah_daerah",
            "effective_from": "2020-01-01",
        },
    )
    unit = made(answer)
    assert answer.headers["location"] == f"/api/v1/units/{unit['id']}"
    assert answer.headers["etag"] == '"1"'

    path = f"/units/{unit['id']}"
    change = {"name": "Kabupaten Kemuning", "effective_from": "2024-01-01"}
    problem(await hr.patch(path, json=change), 428, "if_match_required")
    problem(await hr.patch(path, json=change, headers={"If-Match": '"9"'}), 412, "stale_version")
    renamed = ok(await hr.patch(path, json=change, headers={"If-Match": '"1"'}))
    assert (renamed["name"], renamed["version"]) == ("Kabupaten Kemuning", 2)
    assert renamed["effective_from"] == "2024-01-01"

    before = ok(await hr.get(path, params={"as_of": "2023-12-31"}))
    assert (before["name"], before["effective_until"]) == ("Kabupaten", "2024-01-01")
    problem(await hr.get(path, params={"as_of": "2019-12-31"}), 404, "not_found")

    now = await hr.get(path)
    assert now.json()["name"] == "Kabupaten Kemuning"
    again = await hr.get(path, headers={"If-None-Match": now.headers["etag"]})
    assert again.status_code == 304
    history = ok(await hr.get(f"{path}/history"))
    assert [v["name"] for v in history["versions"]] == ["Kabupaten Kemuning", "Kabupaten"]


async def test_refusals_of_a_new_unit_and_of_a_change(government: Government) -> None:
    g = government
    kab = await g.unit("KAB", kind="pemerintah_daerah")
    body = {"code": "X", "name": "X", "kind": "dinas", "effective_from": "2020-01-01"}
    problem(await g.hr.post("/units", json=body), 409, "root_exists")
    problem(
        await g.hr.post("/units", json=body | {"code": "KAB", "parent_id": kab}),
        409,
        "unit_code_taken",
    )
    missing = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
    found = problem(await g.hr.post("/units", json=body | {"parent_id": missing}), 422, "invalid")
    assert found["errors"][0]["pointer"] == "/parent_id"
    early = body | {"parent_id": kab, "effective_from": "2019-01-01"}
    problem(await g.hr.post("/units", json=early), 409, "not_in_force")
    problem(await g.hr.post("/units", json=body | {"kind": "kementerian"}), 422, "invalid")

    nothing = await g.change(f"/units/{kab}", {"effective_from": "2024-01-01"})
    assert problem(nothing, 422, "invalid")["errors"][0]["code"] == "nothing_to_change"
    too_early = {"name": "Y", "effective_from": "2019-01-01"}
    problem(await g.change(f"/units/{kab}", too_early, version=1), 409, "not_in_force")
    problem(await g.change(f"/units/{missing}", too_early, version=1), 404, "not_found")


async def test_list_filters_and_pages(government: Government) -> None:
    g = government
    units = await small_tree(g)

    async def codes(**parameters: object) -> list[str]:
        page = ok(await g.hr.get("/units", params=parameters))  # type: ignore[arg-type]
        return [item["code"] for item in page["items"]]

    assert await codes() == ["DIKNAS", "DISBUD", "KAB", "SD", "SMP"]
    assert await codes(kind="bidang") == ["SD", "SMP"]
    assert await codes(parent_id=units["KAB"]) == ["DIKNAS", "DISBUD"]
    assert await codes(q="unit dis") == ["DISBUD"]
    assert await codes(q="%") == []
    assert await codes(as_of="2019-12-31") == []

    first = await g.hr.get("/units", params={"limit": 2, "include_total": True, "kind": "bidang"})
    assert (first.json()["total"], first.json()["next_cursor"]) == (2, None)
    first = await g.hr.get("/units", params={"limit": 3})
    assert 'rel="next"' in first.headers["link"]
    cursor = first.json()["next_cursor"]
    assert await codes(limit=3, cursor=cursor) == ["SD", "SMP"]
    problem(await g.hr.get("/units?cursor=nonsense"), 400, "invalid_cursor")
    problem(await g.hr.get("/units?colour=red"), 422, "invalid")


async def test_a_move_holds_from_its_day_and_makes_no_cycle(government: Government) -> None:
    g = government
    units = await small_tree(g)
    move = {"parent_id": units["DISBUD"], "effective_from": "2025-01-01"}
    moved = ok(await g.hr.post(f"/units/{units['SMP']}/move", json=move))
    assert (moved["parent_id"], moved["version"]) == (units["DISBUD"], 2)
    assert (await tree(g, as_of="2024-12-31"))["SMP"] == "DIKNAS"
    assert (await tree(g, as_of="2025-01-01"))["SMP"] == "DISBUD"
    assert set(await tree(g, root=units["DISBUD"])) == {"DISBUD", "SMP"}
    problem(await g.hr.get(f"/units/tree?root={units['SMP']}&as_of=2010-01-01"), 404, "not_found")

    under_itself = {"parent_id": units["SD"], "effective_from": "2025-01-01"}
    found = problem(
        await g.hr.post(f"/units/{units['DIKNAS']}/move", json=under_itself), 409, "unit_cycle"
    )
    assert found["first_day"] == "2025-01-01"
    itself = {"parent_id": units["SD"], "effective_from": "2025-01-01"}
    problem(await g.hr.post(f"/units/{units['SD']}/move", json=itself), 409, "unit_cycle")


async def test_a_move_is_refused_for_a_cycle_on_a_later_day(government: Government) -> None:
    """SMP goes under DISBUD in 2026: from then on, DISBUD can't stand under SMP."""
    g = government
    units = await small_tree(g)
    later = {"parent_id": units["DISBUD"], "effective_from": "2026-01-01"}
    ok(await g.hr.post(f"/units/{units['SMP']}/move", json=later))
    sooner = {"parent_id": units["SMP"], "effective_from": "2025-01-01"}
    found = problem(
        await g.hr.post(f"/units/{units['DISBUD']}/move", json=sooner), 409, "unit_cycle"
    )
    assert found["first_day"] == "2026-01-01"
    assert (await tree(g, as_of="2025-06-01"))["DISBUD"] == "KAB"


async def test_two_moves_at_once_make_no_cycle(government: Government) -> None:
    g = government
    units = await small_tree(g)

    async def move(unit: str, parent: str) -> int:
        body = {"parent_id": units[parent], "effective_from": "2025-01-01"}
        return (await g.hr.post(f"/units/{units[unit]}/move", json=body)).status_code

    for _ in range(3):
        answers = await asyncio.gather(move("DIKNAS", "DISBUD"), move("DISBUD", "DIKNAS"))
        assert sorted(answers) == [200, 409]
        assert len(await tree(g)) == 5
        await move("DIKNAS", "KAB")
        await move("DISBUD", "KAB")


async def test_a_merger_passes_on_units_positions_and_their_holders(
    government: Government,
) -> None:
    g = government
    units = await small_tree(g)
    teacher = await g.position(units["DIKNAS"], "GURU", seats=3)
    planned = await g.position(units["DIKNAS"], "BARU", since="2026-01-01")
    person = await g.employee()
    made(await g.assign(teacher, person))
    merge = {
        "into_unit_id": units["DISBUD"],
        "effective_from": "2025-07-01",
        "legal_basis": "Perda 4/2025",
    }
    merged = ok(await g.hr.post(f"/units/{units['DIKNAS']}/merge", json=merge))
    assert (merged["units_passed"], merged["positions_passed"]) == (2, 2)
    assert merged["succession"]["from_unit_code"] == "DIKNAS"

    assert (await tree(g, as_of="2025-06-30")) == {
        "KAB": None,
        "DIKNAS": "KAB",
        "DISBUD": "KAB",
        "SD": "DIKNAS",
        "SMP": "DIKNAS",
    }
    assert (await tree(g, as_of="2025-07-01")) == {
        "KAB": None,
        "DISBUD": "KAB",
        "SD": "DISBUD",
        "SMP": "DISBUD",
    }
    seats = ok(await g.hr.get(f"/units/{units['DISBUD']}/seats", params={"as_of": "2026-01-01"}))
    assert (seats["total"]["seats"], seats["total"]["filled"]) == (4, 1)
    old = ok(await g.hr.get(f"/positions/{teacher}", params={"as_of": "2025-06-30"}))
    new = ok(await g.hr.get(f"/positions/{teacher}", params={"as_of": "2025-07-01"}))
    assert (old["unit_id"], new["unit_id"]) == (units["DIKNAS"], units["DISBUD"])
    assert new["holders"][0]["effective_from"] == "2020-01-01"
    assert new["version"] == 2
    coming = ok(await g.hr.get(f"/positions/{planned}", params={"as_of": "2026-01-01"}))
    assert coming["unit_id"] == units["DISBUD"]

    for unit in ("DIKNAS", "DISBUD"):
        history = ok(await g.hr.get(f"/units/{units[unit]}/history"))
        assert history["successions"][0]["legal_basis"] == "Perda 4/2025"
    problem(await g.hr.post(f"/units/{units['DIKNAS']}/merge", json=merge), 409, "not_in_force")
    problem(await g.hr.get(f"/units/{units['DIKNAS']}"), 404, "not_found")


async def test_a_merger_is_refused_whole(government: Government) -> None:
    g = government
    units = await small_tree(g)
    path = f"/units/{units['DIKNAS']}/merge"
    into_child = {"into_unit_id": units["SD"], "effective_from": "2025-07-01"}
    problem(await g.hr.post(path, json=into_child), 409, "unit_cycle")
    itself = {"into_unit_id": units["DIKNAS"], "effective_from": "2025-07-01"}
    problem(await g.hr.post(path, json=itself), 409, "unit_cycle")
    young = await g.unit("BARU", units["KAB"], since="2026-01-01")
    too_early = {"into_unit_id": young, "effective_from": "2025-07-01"}
    problem(await g.hr.post(path, json=too_early), 409, "not_in_force")
    on_first_day = {"into_unit_id": units["DISBUD"], "effective_from": "2020-01-01"}
    problem(await g.hr.post(path, json=on_first_day), 409, "not_in_force")
    unknown = {
        "into_unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
        "effective_from": "2025-07-01",
    }
    problem(await g.hr.post(path, json=unknown), 422, "invalid")
    assert (await tree(g, as_of="2025-07-01"))["SMP"] == "DIKNAS"
    assert (await g.hr.get(f"/units/{units['DIKNAS']}")).json()["version"] == 1


async def test_a_unit_closes_only_when_empty(government: Government) -> None:
    g = government
    units = await small_tree(g)
    close = {"effective_from": "2025-01-01"}
    await g.position(units["DIKNAS"], "GURU")
    found = problem(
        await g.hr.post(f"/units/{units['DIKNAS']}/close", json=close), 409, "unit_in_use"
    )
    assert [(b["kind"], b["code"]) for b in found["blocking"]] == [
        ("unit", "SD"),
        ("unit", "SMP"),
        ("position", "GURU"),
    ]
    assert "GURU" in found["detail"]
    closed = ok(await g.hr.post(f"/units/{units['SD']}/close", json=close))
    assert closed["effective_until"] == "2025-01-01"
    assert "SD" in await tree(g, as_of="2024-12-31")
    assert "SD" not in await tree(g, as_of="2025-01-01")
    problem(await g.hr.post(f"/units/{units['SD']}/close", json=close), 409, "not_in_force")
    late = {
        "code": "P",
        "unit_id": units["SD"],
        "title": "P",
        "job_kind": "pelaksana",
        "effective_from": "2024-01-01",
    }
    problem(await g.hr.post("/positions", json=late), 409, "not_in_force")


async def test_closing_withdraws_what_was_to_come_and_leaves_a_trace(
    government: Government,
) -> None:
    g = government
    units = await small_tree(g)
    later = {"name": "Bidang SD dan PAUD", "effective_from": "2027-01-01"}
    ok(await g.change(f"/units/{units['SD']}", later))
    ok(await g.hr.post(f"/units/{units['SD']}/close", json={"effective_from": "2026-01-01"}))
    history = ok(await g.hr.get(f"/units/{units['SD']}/history"))
    assert [v["effective_until"] for v in history["versions"]] == ["2026-01-01"]
    withdrawn = await g.owner.fetchval(
        "SELECT count(*) FROM audit_events e JOIN audit_details d ON d.event_id = e.id"
        " WHERE e.operation = 'units_close_unit'"
        " AND d.changes -> 0 -> 'before' ->> 'name' = 'Bidang SD dan PAUD'"
    )
    assert withdrawn == 1


async def test_who_may_read_and_who_may_change(actors: Actors, government: Government) -> None:
    g = government
    kab = await g.unit("KAB", kind="pemerintah_daerah")
    body = {
        "code": "X",
        "name": "X",
        "kind": "dinas",
        "parent_id": kab,
        "effective_from": "2020-01-01",
    }
    reads = (
        "/units",
        "/units/tree",
        f"/units/{kab}",
        f"/units/{kab}/history",
    )
    seats = f"/units/{kab}/seats"  # by these an ASN could tell when a colleague retires
    readers = [
        await actors.asn(await g.employee()),
        await actors.auditor(),
        await actors.service("organisation:read"),
    ]
    for reader in readers:
        for path in reads:
            assert (await reader.get(path)).status_code == 200, path
        problem(await reader.post("/units", json=body), 403, "forbidden")
    problem(await readers[0].get(seats), 403, "forbidden")
    assert (await readers[1].get(seats)).status_code == 200
    for path in reads:
        problem(await (await actors.public()).get(path), 403, "forbidden")
        problem(await (await actors.service("employees:read")).get(path), 403, "forbidden")
        problem(await actors.anonymous().get(path), 401, "unauthenticated")
    writer = await actors.service("organisation:write")
    made(await writer.post("/units", json=body))


async def test_one_idempotency_key_makes_one_unit(government: Government) -> None:
    g = government
    body = {"code": "KAB", "name": "K", "kind": "pemerintah_daerah", "effective_from": "2020-01-01"}
    headers = {"Idempotency-Key": "one"}
    first = await g.hr.post("/units", json=body, headers=headers)
    second = await g.hr.post("/units", json=body, headers=headers)
    assert made(first)["id"] == made(second)["id"]
    assert second.headers["idempotency-replayed"] == "true"


async def test_the_database_itself_refuses_a_second_root(government: Government) -> None:
    g = government
    await g.unit("KAB", kind="pemerintah_daerah")
    other = await g.owner.fetchval("INSERT INTO units (code) VALUES ('B') RETURNING id")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await g.owner.execute(
            "INSERT INTO unit_versions (unit_id, name, kind, valid)"
            " VALUES ($1, 'B', 'dinas', '[2024-01-01,)')",
            other,
        )


async def test_racing_changes_lose_none(government: Government) -> None:
    g = government
    kab = await g.unit("KAB", kind="pemerintah_daerah")

    async def rename(number: int) -> int:
        body = {"name": f"Nama {number}", "effective_from": "2024-01-01"}
        return (await g.change(f"/units/{kab}", body, version=1)).status_code

    answers = await asyncio.gather(*(rename(n) for n in range(20)))
    assert sorted(set(answers)) == [200, 412]
    assert answers.count(200) == 1
