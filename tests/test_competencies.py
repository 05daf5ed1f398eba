"""The competency dictionary: read by everybody, changed by officers, and never rewritten."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.calendar import today
from tests.actors import Actors, Client, problem
from tests.competencies import DECREE, competency, levels
from tests.organisation import Government, made, ok
from tests.people import matching

MISSING = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
FIRST_DAY = "2018-01-01"


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


async def by_code(client: Client, code: str, **query: str) -> dict[str, Any]:
    page = ok(await client.get("/competencies", params={"q": code, **query}))
    return next(item for item in page["items"] if item["code"] == code)


def refusal(response: Any) -> list[tuple[str, str]]:
    errors = problem(response, 422, "invalid")["errors"]
    return [(error["pointer"], error["code"]) for error in errors]


# --- reading ----------------------------------------------------------------------------------


async def test_everybody_who_has_signed_in_reads_by_what_people_are_measured(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    employee = await Government(await actors.hr_admin(), owner).employee()
    readers = (
        await actors.public(),
        await actors.asn(employee),
        await actors.hr_admin(),
        await actors.auditor(),
        await actors.service(),
    )
    for client in readers:
        page = ok(await client.get("/competencies", params={"limit": 200}))
        nine = [i for i in page["items"] if i["kind"] != "technical"]
        assert [i["ordinal"] for i in nine] == list(range(1, 10))
        assert page["items"] == sorted(page["items"], key=lambda i: i["ordinal"])
        path = f"/competencies/{nine[0]['id']}"
        one = ok(await client.get(path))
        assert (one["code"], one["name"], one["job_family"]) == ("integritas", "Integritas", None)
        assert [level["level"] for level in one["levels"]] == [1, 2, 3, 4, 5]
        assert all(level["indicators"] for level in one["levels"])
        history = ok(await client.get(f"{path}/history"))
        assert history["versions"][0]["levels"] == one["levels"]
    problem(await actors.anonymous().get("/competencies"), 401, "unauthenticated")


async def test_filters_and_days(hr: Client) -> None:
    async def codes(**query: Any) -> list[str]:
        page = ok(await hr.get("/competencies", params={"limit": 200, **query}))
        return [item["code"] for item in page["items"]]

    assert await codes(kind="socio_cultural") == ["perekat_bangsa"]
    assert len(await codes(kind="managerial")) == 8
    technical = await codes(kind="technical")
    assert technical
    assert set(technical) == {
        item["code"]
        for family in {i["job_family"] for i in (await technical_items(hr))}
        for item in ok(await hr.get("/competencies", params={"job_family": family}))["items"]
    }
    assert await codes(q="INTEGRITAS") == ["integritas"]
    assert await codes(q="100%") == []
    assert await codes(job_family="tidak_ada") == []
    assert await codes(as_of="2017-12-31") == []
    assert len(await codes(as_of=FIRST_DAY)) == len(await codes())
    assert refusal(await hr.get("/competencies?kind=sihir")) == [("/query/kind", "enum")]
    problem(await hr.get(f"/competencies/{MISSING}"), 404, "not_found")
    problem(await hr.get(f"/competencies/{MISSING}/history"), 404, "not_found")
    core = await by_code(hr, "integritas")
    problem(await hr.get(f"/competencies/{core['id']}?as_of=2017-12-31"), 404, "not_found")


async def technical_items(client: Client) -> list[dict[str, Any]]:
    page = ok(await client.get("/competencies", params={"kind": "technical", "limit": 200}))
    items: list[dict[str, Any]] = page["items"]
    return items


# --- adding -----------------------------------------------------------------------------------


async def test_a_technical_competency_is_added_last(hr: Client) -> None:
    last = max(item["ordinal"] for item in await technical_items(hr))
    answer = await hr.post("/competencies", json=competency())
    added = made(answer)
    assert answer.headers["location"] == f"/api/v1/competencies/{added['id']}"
    assert (added["kind"], added["job_family"]) == ("technical", "kearsipan")
    assert (added["ordinal"], added["version"], added["source"]) == (last + 1, 1, DECREE)
    assert added["levels"] == levels()
    path = f"/competencies/{added['id']}"
    day_before = await hr.get(path, params={"as_of": "2024-02-29"})
    problem(day_before, 404, "not_found")
    first_day = await hr.get(path, params={"as_of": "2024-03-01"})
    assert ok(first_day) == added
    again = await hr.get(path, params={"as_of": "2024-03-01"}, headers=_if_none(first_day))
    assert again.status_code == 304


def _if_none(response: Any) -> dict[str, str]:
    return {"If-None-Match": response.headers["etag"]}


async def test_codes_are_kept_for_life(hr: Client) -> None:
    for taken in ("integritas", (await technical_items(hr))[0]["code"]):
        answer = await hr.post("/competencies", json=competency(code=taken))
        problem(answer, 409, "competency_code_taken")
    path = f"/competencies/{made(await hr.post('/competencies', json=competency()))['id']}"
    ok(await hr.post(f"{path}/close", json={"effective_from": "2025-01-01"}))
    answer = await hr.post("/competencies", json=competency(effective_from="2026-01-01"))
    problem(answer, 409, "competency_code_taken")


async def test_two_at_once_take_turns_at_a_place(hr: Client) -> None:
    answers = await asyncio.gather(
        *(hr.post("/competencies", json=competency(code=f"arsip_{n}")) for n in "abc")
    )
    places = sorted(made(answer)["ordinal"] for answer in answers)
    assert places == list(range(places[0], places[0] + 3))


async def test_a_full_dictionary_takes_no_more(hr: Client, owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE competencies SET ordinal = 1000 WHERE code = 'integritas'")
    problem(await hr.post("/competencies", json=competency()), 409, "dictionary_full")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"levels": levels()[:4]}, "/levels", "too_short"),
        ({"levels": [*levels(), levels()[0]]}, "/levels", "too_long"),
        ({"levels": levels()[::-1]}, "/levels", "levels_in_order"),
        ({"levels": levels(level=2)}, "/levels", "levels_in_order"),
        ({"levels": levels(level=6)}, "/levels/2/level", "less_than_equal"),
        ({"levels": levels(indicators=[])}, "/levels/2/indicators", "too_short"),
        ({"levels": levels(indicators=["  "])}, "/levels/2/indicators/0", "string_too_short"),
        ({"levels": levels(name="")}, "/levels/2/name", "string_too_short"),
        ({"code": "Arsip Vital"}, "/code", "string_pattern_mismatch"),
        ({"code": "x" * 65}, "/code", "string_too_long"),
        ({"job_family": None}, "/job_family", "string_type"),
        ({"kind": "managerial"}, "/kind", "extra_forbidden"),
    ],
)
async def test_what_is_wrong_is_named(
    changes: dict[str, Any], pointer: str, code: str, hr: Client
) -> None:
    answer = await hr.post("/competencies", json=competency(**changes))
    assert refusal(answer) == [(pointer, code)]
    assert answer.json()["errors"][0]["detail"] != "Nilai tidak sah."


# --- another text -----------------------------------------------------------------------------


async def test_another_text_holds_from_a_later_day(hr: Client) -> None:
    core = await by_code(hr, "integritas")
    path = f"/competencies/{core['id']}"
    before = await hr.get(path)
    change = {"name": "Integritas Diri", "source": DECREE, "effective_from": "2025-01-01"}
    problem(await hr.patch(path, json=change), 428, "if_match_required")
    problem(await hr.patch(path, json=change, headers={"If-Match": '"9"'}), 412, "stale_version")
    answer = await hr.patch(path, json=change, headers=matching(before))
    changed = ok(answer)
    assert (changed["name"], changed["source"], changed["version"]) == (
        "Integritas Diri",
        DECREE,
        2,
    )
    assert changed["levels"] == before.json()["levels"]
    assert changed["competency_version_id"] != core["competency_version_id"]

    day_before = ok(await hr.get(path, params={"as_of": "2024-12-31"}))
    assert (day_before["name"], day_before["effective_until"]) == ("Integritas", "2025-01-01")
    assert day_before["competency_version_id"] == core["competency_version_id"]
    assert ok(await hr.get(path, params={"as_of": "2025-01-01"}))["name"] == "Integritas Diri"
    assert (await by_code(hr, "integritas", as_of="2024-12-31"))["name"] == "Integritas"
    history = ok(await hr.get(f"{path}/history"))
    assert [v["name"] for v in history["versions"]] == ["Integritas Diri", "Integritas"]
    assert history["versions"][1]["competency_version_id"] == core["competency_version_id"]


async def test_a_text_that_holds_is_never_rewritten(hr: Client) -> None:
    added = made(await hr.post("/competencies", json=competency()))
    path = f"/competencies/{added['id']}"

    async def change(name: str, on: str) -> Any:
        version = ok(await hr.get(path))["version"]
        body = {"name": name, "source": DECREE, "effective_from": on}
        return await hr.patch(path, json=body, headers={"If-Match": f'"{version}"'})

    problem(await change("Lain", "2024-03-01"), 409, "competency_text_holds")
    problem(await change("Lain", "2024-02-29"), 409, "not_in_force")
    coming = (today() + timedelta(days=30)).isoformat()
    first = ok(await change("Salah Tulis", coming))
    second = ok(await change("Sudah Betul", coming))
    assert second["competency_version_id"] == first["competency_version_id"]
    assert ok(await hr.get(path)) == {**added, "effective_until": coming, "version": 3}
    nothing = {"source": DECREE, "effective_from": coming}
    answer = await hr.patch(path, json=nothing, headers={"If-Match": '"3"'})
    assert refusal(answer) == [("", "nothing_to_change")]
    unordered = {**nothing, "levels": levels()[::-1]}
    answer = await hr.patch(path, json=unordered, headers={"If-Match": '"3"'})
    assert refusal(answer) == [("/levels", "levels_in_order")]


# --- ending -----------------------------------------------------------------------------------


async def test_a_technical_competency_ends(hr: Client) -> None:
    added = made(await hr.post("/competencies", json=competency()))
    path = f"/competencies/{added['id']}"
    too_early = await hr.post(f"{path}/close", json={"effective_from": "2024-03-01"})
    problem(too_early, 409, "not_in_force")
    ended = ok(await hr.post(f"{path}/close", json={"effective_from": "2025-01-01"}))
    assert (ended["effective_until"], ended["version"]) == ("2025-01-01", 2)
    assert ok(await hr.get(path, params={"as_of": "2024-12-31"})) == ended
    problem(await hr.get(path, params={"as_of": "2025-01-01"}), 404, "not_found")
    assert ok(await hr.get(f"{path}/history"))["versions"][0]["effective_until"] == "2025-01-01"
    again = await hr.post(f"{path}/close", json={"effective_from": "2026-01-01"})
    problem(again, 409, "not_in_force")
    nowhere = f"/competencies/{MISSING}/close"
    problem(await hr.post(nowhere, json={"effective_from": "2025-01-01"}), 404, "not_found")


async def test_the_nine_do_not_end(hr: Client) -> None:
    for item in ok(await hr.get("/competencies", params={"kind": "managerial"}))["items"]:
        close = await hr.post(
            f"/competencies/{item['id']}/close", json={"effective_from": "2026-01-01"}
        )
        problem(close, 409, "core_competency")


async def test_what_a_position_requires_does_not_end(
    hr: Client, actors: Actors, owner: asyncpg.Connection
) -> None:
    government = Government(hr, owner)
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    position = await government.position(unit, "ARSIPARIS")
    path = f"/competencies/{made(await hr.post('/competencies', json=competency()))['id']}"
    other = await actors.hr_admin()

    async def require(level: int | None, on: str) -> None:
        body = {"position_id": position, "effective_from": on, "basis": "SK 1/2025"}
        proposal = made(
            await hr.post("/standard-proposals", json=body | {"levels": {"arsip_vital": level}})
        )
        ok(await other.post(f"/standard-proposals/{proposal['id']}/approve"))

    await require(3, "2025-01-01")
    for day in ("2024-06-01", "2025-06-01"):
        body = problem(
            await hr.post(f"{path}/close", json={"effective_from": day}), 409, "competency_in_use"
        )
        since = max(day, "2025-01-01")
        assert body["blocking"] == [{"id": position, "code": "ARSIPARIS", "from": since}]
    await require(None, "2025-07-01")
    problem(
        await hr.post(f"{path}/close", json={"effective_from": "2025-06-30"}),
        409,
        "competency_in_use",
    )
    ok(await hr.post(f"{path}/close", json={"effective_from": "2025-07-01"}))


async def test_a_text_that_a_result_goes_by_is_not_withdrawn(
    hr: Client, owner: asyncpg.Connection
) -> None:
    path = f"/competencies/{made(await hr.post('/competencies', json=competency()))['id']}"
    change = {"name": "Arsip", "source": DECREE, "effective_from": "2025-01-01"}
    second = ok(await hr.patch(path, json=change, headers={"If-Match": '"1"'}))
    await owner.execute("SET session_replication_role = replica")  # so that no result need be
    await owner.execute(
        "INSERT INTO competency_scores"
        " (result_id, employee_id, competency_id, competency_version_id, required)"
        " VALUES (uuidv7(), uuidv7(), $1, $2, 3)",
        second["id"],
        second["competency_version_id"],
    )
    earlier = await hr.post(f"{path}/close", json={"effective_from": "2024-06-01"})
    problem(earlier, 409, "competency_in_use")
    ok(await hr.post(f"{path}/close", json={"effective_from": "2025-06-01"}))


# --- the third wall ---------------------------------------------------------------------------


@pytest.mark.parametrize("persona", ["public", "asn", "auditor"])
async def test_row_level_security_lets_only_editors_write(
    persona: str, owner: asyncpg.Connection
) -> None:
    writes = (
        "UPDATE competencies SET version = version + 1",
        "DELETE FROM competency_versions",
        "INSERT INTO competencies (code, kind, ordinal) VALUES ('x', 'managerial', 999)",
    )
    for write in writes:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(f"BEGIN; SET LOCAL ROLE kemuning_{persona}; {write}")
        await owner.execute("ROLLBACK")


async def test_writes_are_in_the_log(hr: Client, owner: asyncpg.Connection) -> None:
    made(await hr.post("/competencies", json=competency()))
    events = await owner.fetch(
        "SELECT entity FROM audit_events WHERE operation = 'competencies_create_competency'"
    )
    assert {row["entity"] for row in events} == {"competencies", "competency_versions"}
