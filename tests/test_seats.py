"""Seats: who holds which, how many are filled, and which fall vacant."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, true
from sqlalchemy.dialects import postgresql

from app.access.actors import Actor
from app.access.organisation import can_see_holder, sight, viewer, visible_holder
from app.models.organisation import SeatAssignment
from app.rules.bup import retirement_date
from app.vocabulary import Role
from tests.actors import Actors, problem
from tests.organisation import Government, made, ok

MISSING = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


@pytest.fixture
async def dinas(government: Government) -> str:
    kab = await government.unit("KAB", kind="pemerintah_daerah")
    return await government.unit("DIKNAS", kab)


# --- placing ----------------------------------------------------------------------------


async def test_an_employee_takes_the_lowest_free_seat(government: Government, dinas: str) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=2)
    first = await g.assign(position, await g.employee("Sri Wahyuni"), decree_no="SK-1")
    body = made(first)
    assert (body["seat_no"], body["employee_name"], body["decree_no"]) == (1, "Sri Wahyuni", "SK-1")
    assert first.headers["location"] == f"/api/v1/positions/{position}/assignments/{body['id']}"
    path = f"/positions/{position}/assignments/{body['id']}"
    assert ok(await g.hr.get(path)) == body
    second = made(await g.assign(position, await g.employee(), since="2021-01-01"))
    assert second["seat_no"] == 2
    full = problem(await g.assign(position, await g.employee()), 409, "no_vacant_seat")
    assert full["seats"] == 2

    problem(await g.hr.patch(path, json={}), 428, "if_match_required")
    ended = ok(await g.change(path, {"effective_until": "2024-01-01"}))
    assert (ended["effective_until"], ended["version"]) == ("2024-01-01", 2)
    problem(
        await g.change(path, {"effective_until": "2025-01-01"}, version=1), 412, "stale_version"
    )
    third = made(await g.assign(position, await g.employee(), since="2024-01-01"))
    assert third["seat_no"] == 1
    problem(await g.change(path, {"effective_until": None}), 409, "seat_taken")
    backwards = problem(await g.change(path, {"effective_until": "2020-01-01"}), 422, "invalid")
    assert backwards["errors"][0]["pointer"] == "/effective_until"

    listed = ok(await g.hr.get(f"/positions/{position}/assignments"))["items"]
    assert [item["seat_no"] for item in listed] == [1, 2, 1]
    then = ok(await g.hr.get(f"/positions/{position}/assignments?as_of=2020-06-01"))["items"]
    assert [item["id"] for item in then] == [body["id"]]
    page = await g.hr.get(f"/positions/{position}/assignments?limit=2&include_total=true")
    assert (page.json()["total"], "link" in page.headers) == (3, True)
    cursor = page.json()["next_cursor"]
    rest = ok(await g.hr.get(f"/positions/{position}/assignments?limit=2&cursor={cursor}"))
    assert [item["id"] for item in rest["items"]] == [body["id"]]


async def test_beyond_the_seats_only_with_a_reason(government: Government, dinas: str) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    made(await g.assign(position, await g.employee(), over_capacity_reason="tidak perlu"))
    reason = "Pengembalian dari tugas belajar"
    extra = made(await g.assign(position, await g.employee(), over_capacity_reason=reason))
    assert (extra["seat_no"], extra["over_capacity_reason"]) == (2, reason)
    seats = ok(await g.hr.get(f"/positions/{position}"))
    assert (seats["over_filled"], seats["vacant"]) == (1, 0)
    assert seats["holders"][0]["over_capacity_reason"] is None


async def test_one_employee_holds_one_seat_and_moves_in_one_step(
    government: Government, dinas: str
) -> None:
    g = government
    old, new = await g.position(dinas, "LAMA"), await g.position(dinas, "BARU")
    person = await g.employee()
    held = made(await g.assign(old, person))
    refused = problem(await g.assign(new, person, since="2025-01-01"), 409, "already_placed")
    assert refused["position"]["code"] == "LAMA"
    assert "LAMA" in refused["detail"]
    same_day = await g.assign(new, person, since="2020-01-01", end_current=True)
    problem(same_day, 409, "already_placed")
    made(await g.assign(new, person, since="2025-01-01", end_current=True))
    before = ok(await g.hr.get(f"/positions/{old}/assignments"))["items"]
    assert [(i["id"], i["effective_until"]) for i in before] == [(held["id"], "2025-01-01")]
    assert ok(await g.hr.get(f"/positions/{old}?as_of=2024-12-31"))["filled"] == 1
    assert ok(await g.hr.get(f"/positions/{old}?as_of=2025-01-01"))["vacant"] == 1


async def test_refusals_of_an_assignment(government: Government, dinas: str) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    person = await g.employee()
    problem(await g.assign(MISSING, person), 404, "not_found")
    unknown = problem(await g.assign(position, UUID(MISSING)), 422, "invalid")
    assert unknown["errors"][0]["pointer"] == "/employee_id"
    gone = await g.employee(until=date(2024, 1, 1))
    problem(await g.assign(position, gone, since="2024-01-01"), 409, "not_employed")
    problem(await g.assign(position, person, since="2019-01-01"), 409, "not_in_force")
    problem(await g.assign(position, person, effective_until="2020-01-01"), 422, "invalid")
    problem(await g.assign(position, person, seat_no=1), 422, "invalid")
    problem(await g.assign(position, person, kind="plt", end_current=True), 422, "invalid")
    held = made(await g.assign(position, person))
    other = await g.position(dinas, "LAIN")
    for wrong in (
        f"/positions/{other}/assignments/{held['id']}",
        f"/positions/{position}/assignments/{MISSING}",
    ):
        problem(await g.hr.get(wrong), 404, "not_found")
        problem(await g.change(wrong, {"decree_no": "x"}, version=1), 404, "not_found")
    problem(await g.hr.get(f"/positions/{MISSING}/assignments"), 404, "not_found")


async def test_a_plt_takes_a_vacant_seat_and_yields_to_the_holder(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "KADIS", seats=2)
    holder, deputy, other = [await g.employee() for _ in range(3)]
    made(await g.assign(position, holder))
    acting = made(await g.assign(position, deputy, kind="plt"))
    assert acting["seat_no"] == 2
    problem(await g.assign(position, other, kind="plt"), 409, "no_vacant_seat")
    problem(await g.assign(position, other, kind="plt", seat_no=1), 409, "no_vacant_seat")
    assert ok(await g.hr.get(f"/positions/{position}"))["filled"] == 1
    made(await g.assign(position, other, since="2025-01-01"))
    path = f"/positions/{position}/assignments/{acting['id']}"
    ended = ok(await g.hr.get(path))
    assert ended["effective_until"] == "2025-01-01"
    problem(await g.change(path, {"effective_until": None}), 409, "seat_taken")


async def test_a_holder_for_a_while_ends_only_the_plt_of_those_days(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "KADIS")
    before = made(
        await g.assign(
            position,
            await g.employee(),
            since="2024-01-01",
            kind="plt",
            effective_until="2024-06-01",
        )
    )
    after = made(await g.assign(position, await g.employee(), since="2025-01-01", kind="plt"))
    made(
        await g.assign(
            position, await g.employee(), since="2024-03-01", effective_until="2024-12-01"
        )
    )
    path = f"/positions/{position}/assignments"
    assert ok(await g.hr.get(f"{path}/{before['id']}"))["effective_until"] == "2024-03-01"
    assert ok(await g.hr.get(f"{path}/{after['id']}"))["effective_from"] == "2025-01-01"


async def test_a_plh_stands_in_for_a_holder_and_goes_with_them(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "KADIS", seats=2)
    holder, deputy = await g.employee(), await g.employee()
    problem(await g.assign(position, deputy, kind="plh"), 409, "nobody_to_stand_in_for")
    held = made(await g.assign(position, holder, since="2024-01-01"))
    problem(await g.assign(position, deputy, kind="plh"), 409, "nobody_to_stand_in_for")
    stand_in = made(await g.assign(position, deputy, since="2024-03-01", kind="plh"))
    assert stand_in["seat_no"] == 1
    problem(
        await g.assign(position, await g.employee(), since="2024-05-01", kind="plh"),
        409,
        "nobody_to_stand_in_for",
    )
    path = f"/positions/{position}/assignments"
    late = await g.change(f"{path}/{held['id']}", {"effective_from": "2024-04-01"})
    problem(late, 409, "nobody_to_stand_in_for")
    ok(await g.change(f"{path}/{held['id']}", {"effective_until": "2025-01-01"}))
    assert ok(await g.hr.get(f"{path}/{stand_in['id']}"))["effective_until"] == "2025-01-01"
    problem(
        await g.change(f"{path}/{stand_in['id']}", {"effective_until": None}),
        409,
        "nobody_to_stand_in_for",
    )


async def test_fifty_at_once_for_the_last_seat_and_one_gets_it(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=2)
    made(await g.assign(position, await g.employee()))
    people = [await g.employee() for _ in range(50)]
    closed = await g.position(dinas, "KOSONG", seats=0)  # opens the pool's connections
    await asyncio.gather(*(g.assign(closed, person) for person in people[:10]))
    answers = await asyncio.gather(*(g.assign(position, person) for person in people))
    codes = [a.status_code for a in answers]
    assert codes.count(201) == 1
    # Besides those who came too late for the seat, some may have found the server too busy.
    assert set(codes) <= {201, 409, 503}
    refused = [a.json()["code"] for a in answers if a.status_code == 409]
    assert set(refused) == {"no_vacant_seat"}
    assert await g.owner.fetchval("SELECT count(*) FROM seat_assignments") == 2


async def test_one_employee_asked_for_by_many_gets_one_seat(
    government: Government, dinas: str
) -> None:
    g = government
    positions = [await g.position(dinas, f"P{n}") for n in range(8)]
    person = await g.employee()
    answers = await asyncio.gather(*(g.assign(p, person) for p in positions))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"already_placed"}


async def test_two_who_swap_seats_do_not_wait_for_ever(government: Government, dinas: str) -> None:
    g = government
    a, b = await g.position(dinas, "A", seats=2), await g.position(dinas, "B", seats=2)
    one, two = await g.employee(), await g.employee()
    made(await g.assign(a, one))
    made(await g.assign(b, two))
    answers = await asyncio.gather(
        g.assign(b, one, since="2025-01-01", end_current=True),
        g.assign(a, two, since="2025-01-01", end_current=True),
    )
    assert [x.status_code for x in answers] == [201, 201]


@pytest.mark.parametrize(
    ("first", "second"),
    [("definitif", "definitif"), ("plt", "plt"), ("definitif", "plt"), ("plh", "plh")],
)
async def test_the_database_itself_fills_no_seat_twice(
    government: Government, dinas: str, first: str, second: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=2)
    insert = (
        "INSERT INTO seat_assignments (employee_id, position_id, seat_no, kind, valid)"
        " VALUES ($1, $2, 1, $3, '[2024-01-01,)')"
    )
    await g.owner.execute(insert, await g.employee(), UUID(position), first)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await g.owner.execute(insert, await g.employee(), UUID(position), second)


# --- who may see whom -------------------------------------------------------------------


async def test_counts_are_open_to_staff_and_names_are_not(
    actors: Actors, government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=3)
    me, colleague = await g.employee("Saya"), await g.employee("Rekan")
    mine = made(await g.assign(position, me))
    theirs = made(await g.assign(position, colleague))
    asn = await actors.asn(me)
    auditor = await actors.auditor()
    script = await actors.service("organisation:read")
    reader = await actors.service("organisation:read", "employees:read")

    async def names(client: Any) -> set[str]:
        shown = ok(await client.get(f"/positions/{position}"))
        assert (shown["filled"], shown["vacant"]) == (2, 1)
        listed = ok(await client.get(f"/positions/{position}/assignments?include_total=true"))
        found = {holder["employee_name"] for holder in shown["holders"]}
        assert found == {item["employee_name"] for item in listed["items"]}
        assert listed["total"] == len(found)
        tree = ok(await client.get("/units/tree"))["items"]
        assert tree[0]["subtree"] == {"seats": 3, "filled": 2, "vacant": 1, "over_filled": 0}
        return found

    assert await names(asn) == {"Saya"}
    assert await names(auditor) == {"Saya", "Rekan"}
    assert await names(script) == set()
    assert await names(reader) == {"Saya", "Rekan"}
    path = f"/positions/{position}/assignments"
    ok(await asn.get(f"{path}/{mine['id']}"))
    problem(await asn.get(f"{path}/{theirs['id']}"), 404, "not_found")
    problem(await script.get(f"{path}/{mine['id']}"), 404, "not_found")


async def test_a_script_that_may_not_see_people_may_not_place_them(
    actors: Actors, government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    person = await g.employee()
    held = made(await g.assign(position, person))
    blind = await actors.service("organisation:write")
    body = {"employee_id": str(person), "kind": "definitif", "effective_from": "2024-01-01"}
    path = f"/positions/{position}/assignments"
    problem(await blind.post(path, json=body), 403, "forbidden")
    patch = await blind.patch(f"{path}/{held['id']}", json={}, headers={"If-Match": '"1"'})
    problem(patch, 404, "not_found")
    seeing = await actors.service("organisation:write", "employees:read")
    ended = await seeing.patch(
        f"{path}/{held['id']}", json={"effective_until": "2025-01-01"}, headers={"If-Match": '"1"'}
    )
    assert ok(ended)["effective_until"] == "2025-01-01"


async def test_seeing_holders_leaves_an_event_that_names_them(
    actors: Actors, government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=2)
    me, colleague = await g.employee(born=date(1967, 1, 5)), await g.employee()
    made(await g.assign(position, me))
    held = made(await g.assign(position, colleague))

    async def subjects(operation: str) -> list[set[UUID]]:
        rows = await g.owner.fetch(
            "SELECT subject_ids FROM audit_events WHERE kind = 'read' AND operation = $1",
            operation,
        )
        return [set(row["subject_ids"]) for row in rows]

    path = f"/positions/{position}"
    ok(await g.hr.get(path))
    ok(await g.hr.get(f"{path}/assignments"))
    ok(await g.hr.get(f"{path}/assignments/{held['id']}"))
    ok(await g.hr.get(f"/units/{dinas}/retirements?within_years=5"))
    assert await subjects("positions_get_position") == [{me, colleague}]
    assert await subjects("positions_list_assignments") == [{me, colleague}]
    assert await subjects("positions_get_assignment") == [{colleague}]
    asn = await actors.asn(me)
    ok(await asn.get(path))
    ok(await asn.get("/units/tree"))
    assert len(await subjects("positions_get_position")) == 1
    written = await g.owner.fetch(
        "SELECT subject_ids FROM audit_events WHERE operation = 'positions_create_assignment'"
    )
    assert [set(row["subject_ids"]) for row in written] == [{me}, {colleague}]
    nothing = await g.hr.patch(
        f"{path}/assignments/{held['id']}", json={}, headers={"If-Match": f'"{held["version"]}"'}
    )
    assert ok(nothing)["employee_name"]
    shown = await g.owner.fetchval(
        "SELECT subject_ids FROM audit_events WHERE operation = 'positions_update_assignment'"
    )
    assert shown == [colleague]


async def test_an_answer_that_names_people_changes_its_etag_with_the_name(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    person = await g.employee("Sri")
    made(await g.assign(position, person))
    first = (await g.hr.get(f"/positions/{position}")).headers["etag"]
    same = await g.hr.get(f"/positions/{position}", headers={"If-None-Match": first})
    assert same.status_code == 304
    await g.owner.execute(
        "UPDATE employee_profiles SET name = 'Sri Rahayu' WHERE employee_id = $1", person
    )
    changed = await g.hr.get(f"/positions/{position}", headers={"If-None-Match": first})
    assert ok(changed)["holders"][0]["employee_name"] == "Sri Rahayu"


@pytest.fixture
async def as_asn(server: Any, database: str) -> AsyncIterator[asyncpg.Connection]:
    """The login role as an ASN's transaction has it, without the application in between."""
    connection = await asyncpg.connect(server.dsn(database, "kemuning_login"))
    await connection.execute("BEGIN; SET LOCAL ROLE kemuning_asn")
    yield connection
    await connection.close()


async def test_row_level_security_holds_without_the_application(
    government: Government, dinas: str, as_asn: asyncpg.Connection
) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=2)
    me, colleague = await g.employee(), await g.employee()
    made(await g.assign(position, me))
    made(await g.assign(position, colleague))
    await as_asn.execute("SELECT set_config('app.employee', $1, true)", str(me))
    seen = await as_asn.fetch("SELECT employee_id FROM seat_assignments")
    assert [row["employee_id"] for row in seen] == [me]
    counted = await as_asn.fetch(
        "SELECT * FROM app.seats_filled('2024-01-01', $1)", [UUID(position)]
    )
    assert [tuple(row) for row in counted] == [(UUID(position), 2)]
    await as_asn.execute("SAVEPOINT before")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_asn.execute("UPDATE seat_assignments SET seat_no = 2")
    await as_asn.execute("ROLLBACK TO before; SET LOCAL ROLE kemuning_public")
    for statement in (
        "SELECT * FROM units",
        "SELECT * FROM app.seats_filled('2024-01-01', '{}')",
        "SELECT * FROM app.seats_retiring('2024-01-01', '{}')",
    ):
        await as_asn.execute("SAVEPOINT before")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_asn.execute(statement)
        await as_asn.execute("ROLLBACK TO before")


async def test_the_owner_itself_reads_for_its_functions_and_writes_nothing(
    government: Government, dinas: str, server: Any, database: str
) -> None:
    g = government
    position = await g.position(dinas, "GURU")
    made(await g.assign(position, await g.employee()))
    connection = await asyncpg.connect(server.dsn(database, "kemuning_owner"))
    assert await connection.execute("DELETE FROM seat_assignments") == "DELETE 0"
    assert await connection.execute("UPDATE employee_profiles SET email = NULL") == "UPDATE 0"
    await connection.close()


async def test_the_predicate_and_its_sql_twin_agree(government: Government, dinas: str) -> None:
    g = government
    position = await g.position(dinas, "GURU", seats=3)
    people = [await g.employee() for _ in range(3)]
    for person in people:
        made(await g.assign(position, person))
    account = UUID(MISSING)
    actors = [
        Actor(role=role, account_id=account, employee_id=employee, scopes=frozenset(scopes))
        for role in Role
        for employee in (None, people[0])
        for scopes in ((), ("organisation:read",), ("organisation:read", "employees:read"))
    ]
    dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
    for actor in actors:
        statement = select(SeatAssignment.employee_id).where(
            true(), visible_holder(sight(actor), SeatAssignment.employee_id)
        )
        compiled = statement.compile(dialect=dialect)
        rows = await g.owner.fetch(str(compiled), *viewer(actor).values())
        listed = {row["employee_id"] for row in rows}
        assert listed == {p for p in people if can_see_holder(actor, p)}, actor


# --- numbers ----------------------------------------------------------------------------


async def test_seats_are_summed_over_the_subtree_position_by_position(
    government: Government, dinas: str
) -> None:
    g = government
    bidang = await g.unit("SD", dinas, kind="bidang")
    task = {"task": "T", "volume": "1000", "minutes": "150"}
    head = await g.position(dinas, "KADIS", job_kind="jpt_pratama")
    await g.position(dinas, "STAF", seats=3, workload=[task])
    over = await g.position(bidang, "ANALIS")
    made(await g.assign(head, await g.employee()))
    for reason in (None, "tambahan", "tambahan"):
        made(await g.assign(over, await g.employee(), over_capacity_reason=reason))

    summary = ok(await g.hr.get(f"/units/{dinas}/seats"))
    assert [group["job_kind"] for group in summary["job_kinds"]] == ["jpt_pratama", "pelaksana"]
    staff = summary["job_kinds"][1]
    assert (staff["positions"], staff["seats"], staff["filled"]) == (2, 4, 3)
    assert (staff["vacant"], staff["over_filled"]) == (3, 2)  # one does not hide the other
    assert (staff["need"], staff["positions_without_need"]) == ("2.00", 1)
    total = summary["total"]
    assert (total["positions"], total["seats"], total["filled"]) == (3, 5, 4)
    assert (total["vacant"], total["over_filled"]) == (3, 2)

    own = ok(await g.hr.get(f"/units/{dinas}/seats?include_subtree=false"))["total"]
    assert (own["seats"], own["filled"], own["over_filled"]) == (4, 1, 0)
    early = ok(await g.hr.get(f"/units/{dinas}/seats?as_of=2020-01-01"))["total"]
    assert early["filled"] == 4
    none = ok(await g.hr.get(f"/units/{await g.unit('X', dinas)}/seats"))
    assert (none["job_kinds"], none["total"]["seats"], none["total"]["need"]) == ([], 0, None)
    problem(await g.hr.get(f"/units/{dinas}/seats?as_of=2019-01-01"), 404, "not_found")

    nodes = {n["code"]: n for n in ok(await g.hr.get("/units/tree"))["items"]}
    assert list(nodes) == ["KAB", "DIKNAS", "SD", "X"]
    assert nodes["KAB"]["own"] == {"seats": 0, "filled": 0, "vacant": 0, "over_filled": 0}
    assert nodes["KAB"]["subtree"] == {"seats": 5, "filled": 4, "vacant": 3, "over_filled": 2}
    assert nodes["SD"]["subtree"] == {"seats": 1, "filled": 3, "vacant": 0, "over_filled": 2}
    assert (nodes["SD"]["depth"], nodes["SD"]["path"]) == (2, ["KAB", "DIKNAS", "SD"])


def born_to_retire(on: date, age: int) -> date:
    """A birth date whose holder retires on the first of that month."""
    middle = (on - timedelta(days=10)).replace(day=15)
    return middle.replace(year=middle.year - age)


async def test_retirement_follows_the_position_held(government: Government, dinas: str) -> None:
    """As of 1 January 2026: the same age leaves a pelaksana (58) and not a JPT (60)."""
    g = government
    position = await g.position(dinas, "STAF", seats=10)
    head = await g.position(dinas, "KADIS", job_kind="jpt_pratama", seats=10)
    firsts = [
        date(2025, 6, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2030, 12, 1),
        date(2031, 1, 1),
        date(2031, 2, 1),
    ]
    for first in firsts:
        made(await g.assign(position, await g.employee(born=born_to_retire(first, 58))))
    made(await g.assign(head, await g.employee(born=born_to_retire(date(2026, 2, 1), 58))))

    summary = ok(await g.hr.get(f"/units/{dinas}/seats?as_of=2026-01-01"))
    staff = next(k for k in summary["job_kinds"] if k["job_kind"] == "pelaksana")
    assert staff["overdue"] == 2
    assert staff["retiring_within"] == [4, 5, 5, 5, 7]
    leader = next(k for k in summary["job_kinds"] if k["job_kind"] == "jpt_pratama")
    assert (leader["overdue"], leader["retiring_within"]) == (0, [0, 0, 1, 1, 1])
    assert summary["total"]["retiring_within"] == [4, 5, 6, 6, 8]

    path = f"/units/{dinas}/retirements?as_of=2026-01-01"
    listed = ok(await g.hr.get(f"{path}&within_years=5&include_total=true"))
    assert listed["total"] == 8
    assert [item["retires_on"] for item in listed["items"]] == [
        "2025-06-01",
        "2026-01-01",
        "2026-02-01",
        "2027-01-01",
        "2027-02-01",
        "2028-02-01",
        "2030-12-01",
        "2031-01-01",
    ]
    assert listed["items"][5]["position_code"] == "KADIS"
    first = await g.hr.get(f"{path}&within_years=1&limit=3")
    cursor = first.json()["next_cursor"]
    rest = ok(await g.hr.get(f"{path}&within_years=1&limit=3&cursor={cursor}"))["items"]
    assert [item["retires_on"] for item in rest] == ["2027-01-01"]
    problem(await g.hr.get(f"{path}&within_years=6"), 422, "invalid")


async def test_who_may_list_retirements(actors: Actors, government: Government, dinas: str) -> None:
    g = government
    path = f"/units/{dinas}/retirements"
    ok(await (await actors.auditor()).get(path))
    for other in (
        await actors.asn(await g.employee()),
        await actors.service("organisation:read", "employees:read"),
        await actors.public(),
    ):
        problem(await other.get(path), 403, "forbidden")


async def test_the_retirement_date_in_sql_is_that_of_the_rules(
    owner: asyncpg.Connection,
) -> None:
    days = [date(1960, 1, 1) + timedelta(days=n) for n in range(366 * 5)]
    rows = await owner.fetch(
        "SELECT born, age, app.retirement_date(born, age) AS retires"
        " FROM unnest($1::date[]) AS born, unnest(ARRAY[57, 58, 60, 65]) AS age",
        days,
    )
    assert len(rows) == len(days) * 4
    for row in rows:
        assert row["retires"] == retirement_date(row["born"], row["age"])


async def test_who_leaves_the_service_leaves_the_seat_and_takes_the_plh_along(
    government: Government, dinas: str
) -> None:
    g = government
    position = await g.position(dinas, "KADIS")
    holder, deputy = await g.employee(), await g.employee()
    made(await g.assign(position, holder))
    acting = made(await g.assign(position, deputy, since="2024-01-01", kind="plh"))
    version = (await g.hr.get(f"/employees/{holder}")).headers["etag"]
    leave = {"effective_from": "2025-01-01", "reason": "pensiun"}
    left = await g.hr.post(
        f"/employees/{holder}/separation", json=leave, headers={"If-Match": version}
    )
    assert left.status_code in {200, 201}, left.text
    path = f"/positions/{position}/assignments"
    assert ok(await g.hr.get(f"{path}/{acting['id']}"))["effective_until"] == "2025-01-01"
    assert ok(await g.hr.get(f"/positions/{position}"))["vacant"] == 1
    problem(await g.assign(position, holder, since="2025-01-01"), 409, "not_employed")
