"""The list of employees: filters, search, order, pages, as of a day."""

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
import pytest

from app.database import bind
from app.services.employees import search_statements, searching
from app.services.employees.search_statements import Shape
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.organisation import Government
from tests.people import entered, matching, named, ni_pppk, shown

PPPK = {
    "status": {"status": "pppk", "effective_from": "2022-03-01"},
    "golongan": {"golongan": "IX", "effective_from": "2022-03-01"},
}
PEOPLE: dict[str, dict[str, Any]] = {
    "Agus Santoso": {"sex": "male", "birth_date": "1970-02-01"},
    "Budi Hartono": {"sex": "male", "birth_date": "1980-03-01"},
    "Dewi Lestari": {"birth_date": "1990-04-01", "educations": [{"level": "s2"}, {"level": "s1"}]},
    "Siti Aminah": {"birth_date": "1985-01-15", "educations": [{"level": "s1"}]},
    "Ánna Müller": {"birth_date": "1985-01-15"},
}


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


@pytest.fixture
async def ids(hr: Client) -> dict[str, str]:
    """Name -> id of a small staff; Rina Pertiwi is PPPK."""
    made = {}
    for name, more in PEOPLE.items():
        made[name] = shown(await hr.post("/employees", json=named(name, **more)), 201)["id"]
    rina = named("Rina Pertiwi", birth_date="1995-05-05", **PPPK) | {"identifier": ni_pppk()}
    made["Rina Pertiwi"] = shown(await hr.post("/employees", json=rina), 201)["id"]
    return made


async def names(client: Client, **parameters: Any) -> list[str]:
    """The full names of a page."""
    page = shown(await client.get("/employees", params=parameters))
    return [item["full_name"] for item in page["items"]]


async def test_a_row_shows_what_is_needed_to_recognise_somebody(
    hr: Client, ids: dict[str, str]
) -> None:
    page = shown(await hr.get("/employees", params={"q": "Rina"}))
    (row,) = page["items"]
    assert row == {
        "id": ids["Rina Pertiwi"],
        "identifier": row["identifier"],
        "full_name": "Rina Pertiwi",
        "birth_date": "1995-05-05",
        "status": "pppk",
        "golongan": "IX",
        "position_title": None,
        "job_kind": None,
        "unit_id": None,
        "unit_name": None,
    }


async def test_sorted_by_name_without_marks_or_by_birth(hr: Client, ids: dict[str, str]) -> None:
    by_name = ["Agus Santoso", "Ánna Müller", "Budi Hartono", "Dewi Lestari", "Rina Pertiwi"]
    assert await names(hr) == [*by_name, "Siti Aminah"]
    assert await names(hr, sort="-name") == ["Siti Aminah", *reversed(by_name)]
    assert (await names(hr, sort="birth_date"))[0] == "Agus Santoso"
    assert (await names(hr, sort="-birth_date"))[0] == "Rina Pertiwi"
    problem(await hr.get("/employees", params={"sort": "nik"}), 422, "invalid")


@pytest.mark.parametrize("sort", ["name", "-name", "birth_date", "-birth_date"])
@pytest.mark.parametrize("filters", [{}, {"status": "pns"}, {"q": "an"}])
async def test_pages_follow_each_other_without_gap_or_double(
    hr: Client, ids: dict[str, str], sort: str, filters: dict[str, str]
) -> None:
    parameters = {"sort": sort, **filters, **({"q": "198"} if "q" in filters else {})}
    whole = await names(hr, **parameters)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await hr.get("/employees", params={**parameters, "limit": 2, **cursor})
        page = shown(answer)
        seen += [item["full_name"] for item in page["items"]]
        if page["next_cursor"] is None:
            assert "link" not in answer.headers
            break
        link = answer.headers["link"].partition(">")[0].removeprefix("<")
        assert parse_qs(urlsplit(link).query)["cursor"] == [page["next_cursor"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == whole
    assert len(seen) == len(set(seen))


async def test_a_cursor_serves_its_own_order_only(hr: Client, ids: dict[str, str]) -> None:
    cursor = shown(await hr.get("/employees", params={"limit": 1}))["next_cursor"]
    other = {"limit": 1, "cursor": cursor, "sort": "birth_date"}
    problem(await hr.get("/employees", params=other), 400, "invalid_cursor")
    problem(await hr.get("/employees", params={"cursor": "bm8"}), 400, "invalid_cursor")


async def test_filters_narrow(hr: Client, ids: dict[str, str]) -> None:
    assert await names(hr, status="pppk") == ["Rina Pertiwi"]
    assert len(await names(hr, status=["pppk", "pns"])) == 6
    assert await names(hr, golongan="IX") == ["Rina Pertiwi"]
    assert await names(hr, golongan=["IX", "IV/e"], status="pns") == []
    assert await names(hr, sex="male") == ["Agus Santoso", "Budi Hartono"]
    assert await names(hr, education_level="s1") == ["Siti Aminah"]  # Dewi's highest is s2
    assert await names(hr, education_level=["s1", "s2"]) == ["Dewi Lestari", "Siti Aminah"]
    for unknown in ({"golongan": "V/a"}, {"colour": "red"}, {"limit": 201}, {"q": "ab"}):
        problem(await hr.get("/employees", params=unknown), 422, "invalid")


async def test_search_by_name_and_by_number(hr: Client, ids: dict[str, str]) -> None:
    assert await names(hr, q="aminah siti") == ["Siti Aminah"]
    assert await names(hr, q="MULLER") == ["Ánna Müller"]
    assert await names(hr, q="ann") == ["Ánna Müller"]
    for special in ("%%%", "___", "a%a", "\\\\\\", "' OR 1=1 --"):
        assert await names(hr, q=special) == []
    number = shown(await hr.get(f"/employees/{ids['Siti Aminah']}"))["identifier"]["value"]
    assert await names(hr, q=number) == ["Siti Aminah"]
    assert await names(hr, q=f"{number[:8]} {number[8:]}") == ["Siti Aminah"]
    assert await names(hr, q=number[:14], status="pns", limit=1) == ["Agus Santoso"]
    assert await names(hr, q=number[-6:]) == ["Siti Aminah"]
    assert await names(hr, q="999999") == []


async def test_units_with_all_below_them(
    hr: Client, ids: dict[str, str], owner: asyncpg.Connection
) -> None:
    government = Government(hr, owner)
    kab = await government.unit("KAB", kind="pemerintah_daerah")
    dinas = await government.unit("DINAS", kab)
    bidang = await government.unit("BIDANG", dinas, kind="bidang")
    for name, unit, more in (
        ("Agus Santoso", dinas, {"job_kind": "jpt_pratama"}),
        ("Dewi Lestari", bidang, {"job_kind": "fungsional", "jenjang": "ahli_muda"}),
        ("Siti Aminah", bidang, {}),
    ):
        position = await government.position(unit, f"P-{name.split()[0].upper()}", **more)
        shown(await government.assign(position, ids[name], since="2022-01-01"), 201)  # type: ignore[arg-type]
    assert await names(hr, unit_id=kab) == ["Agus Santoso", "Dewi Lestari", "Siti Aminah"]
    assert await names(hr, unit_id=kab, include_subtree=False) == []
    assert await names(hr, unit_id=dinas, include_subtree=False) == ["Agus Santoso"]
    assert await names(hr, unit_id=bidang, sex="female", q="dewi") == ["Dewi Lestari"]
    assert await names(hr, unit_id=bidang, as_of="2021-12-31") == []
    assert await names(hr, job_kind="jpt_pratama") == ["Agus Santoso"]
    assert await names(hr, jenjang="ahli_muda") == ["Dewi Lestari"]
    assert await names(hr, without_position=True) == ["Ánna Müller", "Budi Hartono", "Rina Pertiwi"]
    counted = await hr.get("/employees", params={"unit_id": kab, "include_total": True, "limit": 1})
    assert (shown(counted)["total"], len(shown(counted)["items"])) == (3, 1)
    (row,) = shown(await hr.get("/employees", params={"q": "dewi"}))["items"]
    assert (row["unit_name"], row["job_kind"]) == ("Unit BIDANG", "fungsional")


async def test_the_list_of_another_day(hr: Client, ids: dict[str, str]) -> None:
    assert await names(hr, as_of="2010-12-31") == []
    assert "Rina Pertiwi" not in await names(hr, as_of="2022-02-28")
    agus = f"/employees/{ids['Agus Santoso']}"
    version = matching(await hr.get(agus))
    renamed = {"name": "Zainal Santoso", "effective_from": "2024-01-01"}
    shown(await hr.put(f"{agus}/profile", json=renamed, headers=version))
    assert (await names(hr))[-1] == "Zainal Santoso"
    assert (await names(hr, as_of="2023-12-31"))[0] == "Agus Santoso"
    assert await names(hr, q="zainal", as_of="2023-12-31") == []


async def test_who_left_is_shown_only_when_asked_for(hr: Client, ids: dict[str, str]) -> None:
    budi = f"/employees/{ids['Budi Hartono']}"
    end = {"effective_from": "2024-01-01", "reason": "pensiun"}
    version = matching(await hr.get(budi))
    shown(await hr.post(f"{budi}/separation", json=end, headers=version))
    assert "Budi Hartono" not in await names(hr)
    assert "Budi Hartono" in await names(hr, as_of="2023-12-31")
    page = shown(await hr.get("/employees", params={"include_separated": True, "q": "budi"}))
    assert [(i["full_name"], i["status"]) for i in page["items"]] == [("Budi Hartono", None)]
    total = {"include_separated": True, "include_total": True}
    assert shown(await hr.get("/employees", params=total))["total"] == 6


async def test_both_ways_of_finding_a_page_agree(
    hr: Client, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk that sees few rows hands over to the collection."""
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"status": "pppk"},
        {"sex": "female", "sort": "-birth_date"},
        {"golongan": ["III/a", "IX"], "limit": 3},
        {"q": "s", "limit": 1} | {"q": "siti"},
    )
    walked = [await names(hr, **query) for query in asked]
    monkeypatch.setattr(searching, "_walks", lambda *_: False)
    assert [await names(hr, **query) for query in asked] == walked


async def test_the_event_of_a_list_names_who_was_shown(
    hr: Client, ids: dict[str, str], owner: asyncpg.Connection
) -> None:
    await names(hr, q="siti")
    event = await owner.fetchrow("SELECT * FROM audit_events WHERE kind = 'read'")
    assert [str(s) for s in event["subject_ids"]] == [ids["Siti Aminah"]]


async def test_somebody_without_titles_or_golongan_is_listed(hr: Client) -> None:
    await entered(hr, profile={"name": "Sukarno"}, golongan=None)
    assert await names(hr) == ["Sukarno"]


@pytest.mark.parametrize(
    ("made", "index"),
    [
        ((search_statements.walk, True, "employed"), "ix_employee_profiles_name_sort"),
        ((search_statements.walk, False, "employed"), "ix_employees_birth_date"),
        ((search_statements.collection, True, "name"), "ix_employee_profiles_name_trigram"),
        (
            (search_statements.collection, True, "identifier_part"),
            "ix_employee_identifiers_value_trigram",
        ),
        ((search_statements.collection, True, "identifier"), "uq_employee_identifiers_value"),
        ((search_statements.collection, True, "golongan"), "ix_employee_golongan_golongan"),
    ],
)
async def test_each_way_of_finding_has_its_index(
    owner: asyncpg.Connection, made: tuple[Any, bool, str], index: str
) -> None:
    """With sequential scans off, the plan for an officer goes by the index."""
    statement, by_name, wanted = made
    shape = Shape(Role.HR_ADMIN, by_name, False, True, frozenset({wanted}))
    after: Any = "m" if by_name else date(1980, 1, 1)
    values = {"as_of": date(2026, 1, 1), "rows": 51, "after_key": after, "after_id": uuid4()}
    values |= {"pattern": "%aminah%", "patterns": ["%aminah%"], "golongan": ["IV/e"]}
    sql, arguments = bind(statement(shape), values)
    await owner.execute("SET ROLE kemuning_hr_admin; SET enable_seqscan = off")
    plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {sql}", *arguments))
    await owner.execute("RESET ROLE")
    assert index in plan
