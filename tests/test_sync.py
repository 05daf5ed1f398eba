"""Delta synchronisation: a copy that follows the server, and never misses a change."""

import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI

from app import calendar
from app.calendar import today
from app.embedded import EmbeddedServer
from app.runtime import Runtime
from app.services.sync import rounds
from app.tokens import AccessClaims
from app.vocabulary import Role, Scope
from tests.actors import Actors, Client, problem
from tests.assessing import Office, office
from tests.audit_log import write_employees
from tests.organisation import Government, made, ok
from tests.people import enter, matching, shown

DATA_SETS = ("employees", "units", "positions")


class Copy:
    """What a client keeps of a data set."""

    def __init__(self, client: Client, data_set: str, limit: int = 200) -> None:
        self.client, self.path, self.limit = client, f"/sync/{data_set}", limit
        self.items: dict[str, Any] = {}
        self.token: str | None = None

    async def pages(self) -> AsyncIterator[dict[str, Any]]:
        """One round; the copy is brought up to date on the way."""
        query: dict[str, Any] = {"limit": self.limit}
        if self.token is not None:
            query["sync_token"] = self.token
        while True:
            page: dict[str, Any] = shown(await self.client.get(self.path, params=query))
            self.items |= {item["id"]: item for item in page["items"]}
            for stone in page["tombstones"]:
                assert stone == {"id": stone["id"], "deleted": True}
                self.items.pop(stone["id"], None)
            assert (page["sync_token"] is None) is (page["next_cursor"] is not None)
            yield page
            if page["next_cursor"] is None:
                self.token = page["sync_token"]
                return
            query = {"limit": self.limit, "cursor": page["next_cursor"]}

    async def follow(self) -> tuple[set[str], set[str]]:
        """A whole round: which items it showed, and which are gone."""
        pages = [page async for page in self.pages()]
        items = [item["id"] for page in pages for item in page["items"]]
        gone = [stone["id"] for page in pages for stone in page["tombstones"]]
        assert len({*items, *gone}) == len(items) + len(gone), "one came twice in a round"
        assert items == sorted(items)
        return set(items), set(gone)

    async def is_the_truth(self) -> bool:
        """Whether somebody who starts anew gets the same."""
        anew = Copy(self.client, self.path.rsplit("/", 1)[1])
        await anew.follow()
        return anew.items == self.items


async def copied(client: Client, data_set: str, limit: int = 200) -> Copy:
    """A copy after the first synchronisation."""
    copy = Copy(client, data_set, limit)
    _, gone = await copy.follow()
    assert not gone
    return copy


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


@asynccontextmanager
async def transaction(
    server: EmbeddedServer, database: str
) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.transaction.Transaction]]:
    """A transaction of its own, committed by whoever asked for it."""
    connection = await asyncpg.connect(server.dsn(database))
    try:
        opened = connection.transaction()
        await opened.start()
        yield connection, opened
    finally:
        await connection.close()


def days_ago(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """The next synchronisations happen so many days ago."""
    monkeypatch.setattr(rounds, "now", lambda: calendar.now() - timedelta(days=days))


# --- the story ------------------------------------------------------------------------------


async def test_first_everything_then_what_changed(government: Government) -> None:
    hr = government.hr
    first, second = await enter(hr), await enter(hr)
    copy = await copied(hr, "employees")
    assert copy.items == {
        str(id_): shown(await hr.get(f"/employees/{id_}")) for id_ in (first, second)
    }
    assert await copy.follow() == (set(), set())

    was = await hr.get(f"/employees/{second}")
    body = {"birth_place": "Kudus"}
    ok(await hr.patch(f"/employees/{second}", json=body, headers=matching(was)))
    third = await enter(hr)
    assert await copy.follow() == ({str(second), str(third)}, set())
    assert copy.items[str(second)]["birth_place"] == "Kudus"
    assert await copy.is_the_truth()
    assert await copy.follow() == (set(), set()), "the token moves on"


async def test_every_fact_about_an_employee_counts(government: Government) -> None:
    hr, somebody = government.hr, await enter(government.hr)
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    position = await government.position(unit, "GURU")
    copy, path, day = await copied(hr, "employees"), f"/employees/{somebody}", "2026-01-05"
    education = made(await hr.post(f"{path}/educations", json={"level": "s2"}))
    assert await copy.follow() == ({str(somebody)}, set())
    made(await government.assign(position, somebody))
    assert await copy.follow() == ({str(somebody)}, set())
    for part, value in (
        ("profile", {"name": "Siti Aminah Lestari"}),
        ("golongan", {"golongan": "III/b"}),
        ("status", {"status": "pns", "decree_no": "821/1"}),
    ):
        version = matching(await hr.get(path))
        body = value | {"effective_from": day}
        ok(await hr.put(f"{path}/{part}", json=body, headers=version))
        assert await copy.follow() == ({str(somebody)}, set()), part
        assert await copy.is_the_truth(), part
    version = matching(await hr.get(path))
    gone = await hr.delete(f"{path}/educations/{education['id']}", headers=version)
    assert gone.status_code == 204
    assert await copy.follow() == ({str(somebody)}, set())
    assert copy.items[str(somebody)]["education"] is None


async def test_names_of_position_and_unit_are_the_employees_too(government: Government) -> None:
    hr = government.hr
    root = await government.unit("KAB", kind="pemerintah_daerah")
    unit = await government.unit("DISDIK", root)
    position = await government.position(unit, "GURU")
    somebody, _ = await enter(hr), await enter(hr)
    made(await government.assign(position, somebody))
    copy, day = await copied(hr, "employees"), today().isoformat()
    ok(await government.change(f"/units/{unit}", {"name": "Dinas", "effective_from": day}))
    assert await copy.follow() == ({str(somebody)}, set())
    assert copy.items[str(somebody)]["position"]["unit_name"] == "Dinas"
    ok(await government.change(f"/positions/{position}", {"title": "Guru", "effective_from": day}))
    assert await copy.follow() == ({str(somebody)}, set())
    assert copy.items[str(somebody)]["position"]["title"] == "Guru"
    ok(await government.change(f"/units/{root}", {"name": "Kabupaten", "effective_from": day}))
    assert await copy.follow() == (set(), set())


async def test_units_and_positions(government: Government) -> None:
    hr, day = government.hr, today().isoformat()
    root = await government.unit("KAB", kind="pemerintah_daerah")
    unit, other = await government.unit("DISDIK", root), await government.unit("DISBUD", root)
    position = await government.position(unit, "GURU", seats=2)
    elsewhere = await government.position(other, "PAMONG")
    units, positions = await copied(hr, "units"), await copied(hr, "positions")
    assert units.items == {id_: ok(await hr.get(f"/units/{id_}")) for id_ in (root, unit, other)}
    assert list(positions.items.values()) == ok(await hr.get("/positions"))["items"]

    ok(await government.change(f"/units/{unit}", {"name": "Dinas", "effective_from": day}))
    assert await units.follow() == ({unit}, set())
    assert await positions.follow() == ({position}, set()), "its unit's name has changed"
    made(await government.assign(position, await enter(hr)))
    assert await units.follow() == (set(), set())
    assert await positions.follow() == ({position}, set()), "a seat was taken"
    assert positions.items[position]["filled"] == 1
    tomorrow = (today() + timedelta(days=1)).isoformat()
    new = await government.position(unit, "KEPALA", since=tomorrow)
    assert await positions.follow() == (set(), {new}), "not in force yet"

    ok(await hr.post(f"/positions/{elsewhere}/close", json={"effective_from": day}))
    assert await positions.follow() == (set(), {elsewhere})
    ok(await hr.post(f"/units/{other}/close", json={"effective_from": day}))
    assert await units.follow() == (set(), {other})
    assert await units.is_the_truth()
    assert await positions.is_the_truth()


async def test_merged_units(government: Government) -> None:
    """Positions pass from unit to unit: those that name either change."""
    hr = government.hr
    root = await government.unit("KAB", kind="pemerintah_daerah")
    unit, other = await government.unit("DISDIK", root), await government.unit("DISBUD", root)
    position = await government.position(other, "PAMONG")
    somebody = await enter(hr)
    made(await government.assign(position, somebody))
    copies = [await copied(hr, name) for name in DATA_SETS]
    merge = {"into_unit_id": unit, "effective_from": today().isoformat()}
    ok(await hr.post(f"/units/{other}/merge", json=merge))
    assert [await copy.follow() for copy in copies] == [
        ({str(somebody)}, set()),
        (set(), {other}),
        ({position}, set()),
    ]
    for copy in copies:
        assert await copy.is_the_truth()


async def test_what_is_deleted_leaves_a_tombstone(
    government: Government, owner: asyncpg.Connection
) -> None:
    (row,) = await write_employees(owner, 1)
    copy = await copied(government.hr, "employees")
    (never_seen,) = await write_employees(owner, 1)
    await owner.execute("DELETE FROM employees")
    assert await copy.follow() == (set(), {str(row["id"]), str(never_seen["id"])})
    assert copy.items == {}
    assert await copy.follow() == (set(), set())


async def test_erased_details_are_not_missed(
    government: Government, owner: asyncpg.Connection
) -> None:
    somebody = await enter(government.hr)
    copy = await copied(government.hr, "employees")
    await owner.execute("UPDATE employees SET birth_place = 'Kudus' WHERE id = $1", somebody)
    await owner.execute("DELETE FROM audit_details")
    assert await copy.follow() == ({str(somebody)}, set())


async def test_a_thousand_changes_in_pages(
    government: Government, owner: asyncpg.Connection
) -> None:
    copy = await copied(government.hr, "employees", limit=150)
    await owner.execute(
        "INSERT INTO employees (birth_date, sex)"
        " SELECT date '1980-01-01' + n, 'female' FROM generate_series(1, 1000) n"
    )
    pages = [page async for page in copy.pages()]
    assert [len(page["items"]) for page in pages] == [150] * 6 + [100]
    assert await copy.is_the_truth()
    await owner.execute(
        "UPDATE employees SET birth_place = 'Kudus' WHERE birth_date < '1981-01-01'"
    )
    shown, _ = await copy.follow()
    assert len(shown) == 365
    assert await copy.is_the_truth()


async def test_the_next_page_is_linked(government: Government) -> None:
    for _ in range(3):
        await enter(government.hr)
    page = await government.hr.get("/sync/employees?limit=2")
    address = page.headers["link"].partition(">")[0].removeprefix("</api/v1")
    last = await government.hr.get(address)
    assert [len(shown(p)["items"]) for p in (page, last)] == [2, 1]
    assert "link" not in last.headers
    assert shown(last)["sync_token"]


# --- nothing is missed ----------------------------------------------------------------------


async def test_a_late_commit_is_not_missed(
    government: Government, server: EmbeddedServer, database: str
) -> None:
    """A transaction that writes, stays open over synchronisations, and commits after them."""
    hr = government.hr
    slow, quick = await enter(hr), await enter(hr)
    copy = await copied(hr, "employees")
    update = "UPDATE employees SET birth_place = $2 WHERE id = $1"
    async with transaction(server, database) as (connection, opened):
        await connection.execute(update, slow, "Kudus")
        ok(
            await hr.patch(
                f"/employees/{quick}",
                json={"birth_place": "Demak"},
                headers=matching(await hr.get(f"/employees/{quick}")),
            )
        )
        assert await copy.follow() == ({str(quick)}, set()), "the quick one is not kept waiting"
        anew = await copied(hr, "employees")
        assert await copy.follow() == ({str(quick)}, set()), "and comes twice"
        await opened.commit()
    for kept in (copy, anew):
        shown, _ = await kept.follow()
        assert str(slow) in shown
        assert kept.items[str(slow)]["birth_place"] == "Kudus"
        assert await kept.follow() == (set(), set())


@pytest.mark.parametrize("first", [True, False])
async def test_a_change_while_paging_comes_again(first: bool, government: Government) -> None:
    """Of an item that was shown already: in the next synchronisation."""
    hr = government.hr
    people = sorted([str(await enter(hr)) for _ in range(3)])
    copy = Copy(hr, "employees", limit=1)
    if not first:
        await copy.follow()
        for id_ in people:
            await _move(hr, id_, "Demak")
    pages = copy.pages()
    assert (await anext(pages))["items"][0]["id"] == people[0]
    await _move(hr, people[0], "Kudus")
    late = await enter(hr)
    rest = [page["items"][0]["id"] async for page in pages]
    assert rest == [*people[1:], str(late)]
    again, _ = await copy.follow()
    assert people[0] in again
    assert await copy.is_the_truth()


async def _move(hr: Client, employee_id: str, place: str) -> None:
    path = f"/employees/{employee_id}"
    version = matching(await hr.get(path))
    ok(await hr.patch(path, json={"birth_place": place}, headers=version))


async def test_days_that_pass_change_what_holds(
    government: Government, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts begin and end to hold by the calendar alone: nobody writes then."""
    hr, day = government.hr, today().isoformat()
    root = await government.unit("KAB", kind="pemerintah_daerah")
    unit = await government.unit("DISDIK", root)
    position, coming = [await government.position(unit, code) for code in ("GURU", "PAMONG")]
    promoted, placed, leaving, _ = [await enter(hr) for _ in range(4)]
    made(await government.assign(coming, leaving))
    version = matching(await hr.get(f"/employees/{promoted}"))
    body = {"golongan": "III/b", "effective_from": day}
    ok(await hr.put(f"/employees/{promoted}/golongan", json=body, headers=version))
    made(await government.assign(position, placed, since=day))
    end = {"effective_from": day, "reason": "pensiun"}
    version = matching(await hr.get(f"/employees/{leaving}"))
    assert (await hr.post(f"/employees/{leaving}/separation", json=end, headers=version)).is_success
    ok(await government.change(f"/units/{root}", {"name": "Kabupaten", "effective_from": day}))
    closed = await government.unit("DISBUD", root)
    ok(await hr.post(f"/units/{closed}/close", json={"effective_from": day}))

    days_ago(monkeypatch, 1)
    employees, units, positions = [await copied(hr, name) for name in DATA_SETS]
    before = employees.items[str(leaving)]["status"], employees.items[str(promoted)]["golongan"]
    assert (before[0]["status"], before[1]["golongan"]) == ("pns", "III/a")
    assert (await employees.follow(), await units.follow()) == ((set(), set()),) * 2
    monkeypatch.undo()
    changed = {str(id_) for id_ in (promoted, placed, leaving)}
    assert await employees.follow() == (changed, set())
    assert await units.follow() == ({root}, {closed})
    assert await positions.follow() == ({position, coming}, set())
    for copy in (employees, units, positions):
        copy.items = {id_: item | {"as_of": day} for id_, item in copy.items.items()}
        anew = await copied(hr, copy.path.rsplit("/", 1)[1])
        for id_, item in anew.items.items():
            assert copy.items[id_] == {**item, "as_of": day}
        assert await copy.follow() == (set(), set())


async def test_seats_taken_by_the_calendar_show_to_an_asn(
    government: Government, actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may not read the assignment, but the count."""
    unit = await government.unit("KAB", kind="pemerintah_daerah")
    position = await government.position(unit, "GURU")
    holder, viewer = await enter(government.hr), await enter(government.hr)
    made(await government.assign(position, holder, since=today().isoformat()))
    days_ago(monkeypatch, 1)
    copy = await copied(await actors.asn(viewer), "positions")
    assert copy.items[position]["filled"] == 0
    monkeypatch.undo()
    assert await copy.follow() == ({position}, set())
    assert copy.items[position]["filled"] == 1


@pytest.mark.parametrize("seed", range(3))
async def test_copies_under_writers_end_as_the_truth(
    seed: int, government: Government, server: EmbeddedServer, database: str, actors: Actors
) -> None:
    """Writers commit late, at once or never, while clients follow in small pages."""
    hr, dice = government.hr, random.Random(seed)
    root = await government.unit("KAB", kind="pemerintah_daerah")
    units = [await government.unit(f"U{n}", root) for n in range(3)]
    positions = [await government.position(unit, f"P{n}", 9) for n, unit in enumerate(units)]
    people = [await government.employee(f"Pegawai {n}") for n in range(8)]
    for n, person in enumerate(people):
        made(await government.assign(positions[n % 3], person))
    copies = [Copy(hr, name, limit=3) for name in DATA_SETS]
    copies.append(Copy(await actors.asn(people[0]), "employees"))
    writing = True

    async def write(number: int) -> None:
        for step in range(12):
            async with transaction(server, database) as (connection, opened):
                for _ in range(dice.randint(1, 3)):
                    await _write_something(connection, dice, f"{number}-{step}", people, units)
                    await asyncio.sleep(dice.random() * 0.03)
                await (opened.rollback() if dice.random() < 0.2 else opened.commit())

    async def follow(copy: Copy) -> None:
        while writing:
            await copy.follow()
            await asyncio.sleep(dice.random() * 0.02)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for copy in copies:
            tasks.create_task(follow(copy))
        await asyncio.gather(*(write(number) for number in range(4)))
        writing = False
    for copy in copies:
        await copy.follow()
        assert await copy.is_the_truth(), copy.path


async def _write_something(
    connection: asyncpg.Connection, dice: random.Random, text: str, people: list[UUID], units: Any
) -> None:
    person, unit = dice.choice(people), dice.choice(units)
    statement, values = dice.choice(
        (
            ("UPDATE employees SET birth_place = $1 WHERE id = $2", (text, person)),
            ("UPDATE employee_profiles SET name = $1 WHERE employee_id = $2", (text, person)),
            ("UPDATE unit_versions SET name = $1 WHERE unit_id = $2", (text, unit)),
            ("UPDATE position_versions SET title = $1 WHERE unit_id = $2", (text, unit)),
            ("DELETE FROM seat_assignments WHERE employee_id = $1", (person,)),
            ("INSERT INTO employees (birth_date, sex) VALUES ('1990-01-01', 'male')", ()),
            ("DELETE FROM employees WHERE birth_date = '1990-01-01'", ()),
        )
    )
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '300ms'")
            await connection.execute(statement, *values)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        pass


# --- who sees what --------------------------------------------------------------------------


async def test_an_asn_follows_themself(
    government: Government, actors: Actors, owner: asyncpg.Connection
) -> None:
    hr = government.hr
    me, other = await enter(hr), await enter(hr)
    copy = await copied(await actors.asn(me), "employees")
    assert copy.items == {str(me): shown(await hr.get(f"/employees/{me}"))}
    await _move(hr, str(other), "Kudus")
    await owner.execute("UPDATE employees SET birth_place = 'Demak'")  # one event about both
    (stranger,) = await write_employees(owner, 1)
    await owner.execute("DELETE FROM employees WHERE id = $1", stranger["id"])
    assert await copy.follow() == ({str(me)}, set()), "no tombstone tells of others"
    assert await copy.is_the_truth()


async def test_who_was_shown_is_in_the_log(
    government: Government, owner: asyncpg.Connection
) -> None:
    people = {await enter(government.hr) for _ in range(3)}
    copy = await copied(government.hr, "employees")
    named = "SELECT subject_ids FROM audit_events WHERE operation = 'sync_get_employees'"
    (event,) = await owner.fetch(named)
    assert set(event["subject_ids"]) == people
    await copy.follow()
    assert len(await owner.fetch(named)) == 1, "nobody was shown"


async def test_the_functions_tell_ids_of_what_is_synchronised_only(
    owner: asyncpg.Connection, actors: Actors, government: Government
) -> None:
    """Also to who speaks SQL as an ASN: of themself, and of units and positions."""
    me, _ = [await enter(government.hr) for _ in range(2)]
    async with owner.transaction():
        await owner.execute("SELECT set_config('app.employee', $1, true)", str(me))
        await owner.execute("SET LOCAL ROLE kemuning_asn")
        told = "SELECT app.changed_persons(ARRAY['employees'], '0', '2026-01-01', '2026-01-01')"
        assert [row[0] for row in await owner.fetch(told)] == [me]
        other = "SELECT app.changed_wholes('employees', 'id', '0', '2026-01-01', '2026-01-01')"
        with pytest.raises(asyncpg.RaiseError, match="not synchronised"):
            async with owner.transaction():
                await owner.execute(other)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("SELECT * FROM audit_details")
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_public")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(told)


# --- results of assessments -----------------------------------------------------------------


async def publish(office: Office, employee: UUID, **days: Any) -> str:
    """A result of that employee; its id."""
    assessed = await office.assessing.assessed(employee, office.position, **days)
    path = f"/assessments/{assessed}/publish"
    return str(made(await office.assessing.hr.post(path, json={"reason": "Pemetaan."}))["id"])


async def test_results_of_assessments(
    government: Government, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr, people = government.hr, await office(government.hr, owner)
    expired_since = today().replace(year=today().year - 3)
    first = await publish(people, people.candidate, starts_on=expired_since)
    other = await publish(people, people.peers[0])
    days_ago(monkeypatch, 1)
    copy = await copied(hr, "assessment-results")
    assert set(copy.items) == {first, other}
    assert copy.items[first]["valid_until"] == today().isoformat()
    assert copy.items[first]["in_force"], "yesterday"
    monkeypatch.undo()
    assert await copy.follow() == ({first}, set()), "the last day has passed"
    assert not copy.items[first]["in_force"]

    second = await publish(people, people.candidate)
    assert await copy.follow() == ({first, second}, set()), "a newer one supersedes"
    await owner.execute("UPDATE employee_profiles SET name = 'Wayan' WHERE name = 'Rekan 0'")
    assert await copy.follow() == ({other}, set())
    await owner.execute(
        "UPDATE assessment_events SET title = 'Pemetaan 2026' FROM assessments a"
        " JOIN assessment_results r ON r.assessment_id = a.id"
        " WHERE a.event_id = assessment_events.id AND r.id = $1",
        second,
    )
    assert await copy.follow() == ({second}, set())
    await owner.execute("UPDATE unit_versions SET name = 'SMP' WHERE unit_id = $1", people.bidang)
    assert await copy.follow() == ({first, second, other}, set())
    assert copy.items[second]["position"]["unit_name"] == "SMP"
    assert await copy.is_the_truth()


async def test_results_that_an_asn_sees(
    government: Government, owner: asyncpg.Connection, actors: Actors
) -> None:
    """Their own, and of those whom they lead; nothing tells of others."""
    people = await office(government.hr, owner)
    own, superior, stranger = [
        await copied(await actors.asn(who), "assessment-results")
        for who in (people.candidate, people.superior, people.peers[0])
    ]
    result = await publish(people, people.candidate)
    for copy, seen in ((own, {result}), (superior, {result}), (stranger, set())):
        assert await copy.follow() == (seen, set())
        assert await copy.is_the_truth()
    await owner.execute("UPDATE employee_profiles SET name = 'Wayan' WHERE name = 'Siti Aminah'")
    assert await superior.follow() == ({result}, set())
    assert superior.items[result]["person"]["name"] == "Wayan"


async def test_the_name_of_a_subordinate_changes_by_the_calendar(
    government: Government,
    owner: asyncpg.Connection,
    actors: Actors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever leads them reads no profile of theirs, but the name."""
    people = await office(government.hr, owner)
    result = await publish(people, people.candidate)
    path, day = f"/employees/{people.candidate}/profile", today().isoformat()
    version = matching(await government.hr.get(f"/employees/{people.candidate}"))
    named = {"name": "Siti Lestari", "effective_from": day}
    ok(await government.hr.put(path, json=named, headers=version))
    days_ago(monkeypatch, 1)
    copy = await copied(await actors.asn(people.superior), "assessment-results")
    monkeypatch.undo()
    assert await copy.follow() == ({result}, set())


async def test_who_leads_or_assesses_others_than_then_starts_anew(
    government: Government, owner: asyncpg.Connection, actors: Actors
) -> None:
    people = await office(government.hr, owner)
    await publish(people, people.candidate)
    assessment = await people.assessment()
    superior, assessor, own = [
        await copied(await actors.asn(who), "assessment-results")
        for who in (people.superior, people.assessor, people.candidate)
    ]
    assert len(superior.items) == 1
    await people.assessing.rater(assessment, "assessor", people.assessor)
    gone = await assessor.client.get(assessor.path, params={"sync_token": assessor.token})
    problem(gone, 410, "sync_token_expired")

    await owner.execute(
        "UPDATE seat_assignments SET valid = daterange('2020-01-01', $2) WHERE employee_id = $1",
        people.superior,
        today(),
    )
    gone = await superior.client.get(superior.path, params={"sync_token": superior.token})
    problem(gone, 410, "sync_token_expired")
    assert (await copied(superior.client, "assessment-results")).items == {}
    assert await own.follow() == (set(), set())


# --- tokens ---------------------------------------------------------------------------------


async def test_a_token_of_another_is_none(government: Government, actors: Actors) -> None:
    """Of another account, of another data set, of a cursor, bent, and made up."""
    hr = government.hr
    await enter(hr), await enter(hr)
    copy = await copied(hr, "employees")
    assert copy.token is not None
    cursor = shown(await hr.get("/sync/employees?limit=1"))["next_cursor"]
    colleague = await actors.hr_admin()
    bent = base64.urlsafe_b64decode(copy.token + "=" * (-len(copy.token) % 4))
    bent = bent[:-1] + bytes([bent[-1] ^ 1])
    made_up = ("", "x", "é", "AAAA", "=", base64.urlsafe_b64encode(bent).decode(), "A" * 600)
    for client, path, name, value in (
        (colleague, "employees", "sync_token", copy.token),
        (colleague, "employees", "cursor", cursor),
        (hr, "units", "sync_token", copy.token),
        (hr, "employees", "sync_token", cursor),
        (hr, "employees", "cursor", copy.token),
        *((hr, "employees", name, text) for text in made_up for name in ("sync_token", "cursor")),
    ):
        answer = await client.get(f"/sync/{path}", params={name: value})
        code = "invalid_sync_token" if name == "sync_token" else "invalid_cursor"
        problem(answer, 400, code)
    problem(await hr.get("/sync/employees", params={"cursor": "A" * 601}), 422, "invalid")
    for limit in ("0", "501", "x"):
        problem(await hr.get("/sync/employees", params={"limit": limit}), 422, "invalid")


async def test_a_token_grows_old(government: Government, monkeypatch: pytest.MonkeyPatch) -> None:
    hr = government.hr
    days_ago(monkeypatch, 29)
    young = await copied(hr, "employees")
    days_ago(monkeypatch, 31)
    old = await copied(hr, "employees")
    await enter(hr), await enter(hr)
    cursor = shown(await hr.get("/sync/employees?limit=1"))["next_cursor"]
    monkeypatch.undo()
    assert len((await young.follow())[0]) == 2
    for query in ({"sync_token": old.token}, {"cursor": cursor}):
        gone = problem(await hr.get("/sync/employees", params=query), 410, "sync_token_expired")
    assert "awal" in gone["title"]


async def test_who_sees_others_than_then_starts_anew(
    app: FastAPI, government: Government, actors: Actors
) -> None:
    """The same account in another role, or a script with other scopes: a delta can't tell."""
    me = await enter(government.hr)
    client = await actors.asn(me)
    token = (await copied(client, "employees")).token
    await _become(app, client, Role.HR_ADMIN, me)
    gone = await client.get("/sync/employees", params={"sync_token": token})
    problem(gone, 410, "sync_token_expired")

    script = await actors.service(Scope.EMPLOYEES_READ)
    token = (await copied(script, "employees")).token
    scopes = frozenset({Scope.EMPLOYEES_READ.value, Scope.AUDIT_READ.value})
    await _become(app, script, Role.SERVICE, None, scopes)
    gone = await script.get("/sync/employees", params={"sync_token": token})
    problem(gone, 410, "sync_token_expired")


async def _become(
    app: FastAPI,
    client: Client,
    role: Role,
    employee_id: UUID | None,
    scopes: frozenset[str] = frozenset(),
) -> None:
    """Let the client's account have another role, with a new access token of its session."""
    runtime: Runtime = app.state.runtime
    token = client.headers["authorization"].removeprefix("Bearer ")
    session = (await runtime.keyring.actor(token, {})).session_id
    assert client.account_id is not None
    assert session is not None
    claims = AccessClaims(
        account_id=client.account_id,
        role=role,
        token_version=1,
        session_id=session,
        employee_id=employee_id,
        scopes=scopes,
        expires_at=int(time.time()) + 300,
    )
    client.headers["Authorization"] = f"Bearer {await runtime.keyring.issue(claims)}"


async def test_another_history_starts_anew(
    government: Government, owner: asyncpg.Connection
) -> None:
    """A database that was restored counts its transactions from where the backup stood."""
    copy = await copied(government.hr, "employees")
    place = "SELECT '5'::text AS xid, h.history FROM app.log_place_of_now() AS h"
    definition = "(OUT xid text, OUT history text) LANGUAGE sql STABLE AS"
    await owner.execute("ALTER FUNCTION app.log_place() RENAME TO log_place_of_now")
    for body in (place, "SELECT xid, 'another/1' FROM app.log_place_of_now()"):
        await owner.execute(
            f"CREATE OR REPLACE FUNCTION app.log_place{definition} '{body}'".replace(
                "'5'", "''5''"
            ).replace("'another/1'", "''another/1''")
        )
        answer = await copy.client.get(copy.path, params={"sync_token": copy.token})
        problem(answer, 410, "sync_token_expired")
