"""Who leads whom: `app.subordinates` and `app.superiors` tell the same story from both ends."""

import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest
import structlog

from tests.actors import Actors
from tests.assessing import office

DAY = date(2026, 6, 1)
RANKS = ("jpt_madya", "jpt_pratama", "administrator", "pengawas", "fungsional", "pelaksana")


@asynccontextmanager
async def as_employee(
    owner: asyncpg.Connection, employee: UUID
) -> AsyncIterator[asyncpg.Connection]:
    """The same connection, as the persona of an ASN."""
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_asn")
        await owner.execute("SELECT set_config('app.employee', $1, true)", str(employee))
        yield owner


async def subordinates(owner: asyncpg.Connection, employee: UUID, on: date = DAY) -> set[UUID]:
    async with as_employee(owner, employee) as connection:
        return set(await connection.fetchval("SELECT app.subordinates($1)", on))


async def superiors(owner: asyncpg.Connection, employee: UUID, on: date = DAY) -> set[UUID]:
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_hr_admin")
        return set(await owner.fetchval("SELECT app.superiors($1, $2)", employee, on))


# --- by hand ------------------------------------------------------------------------------


class Tree:
    """Units and seats straight into the database: a small organisation in a few statements."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self.owner = owner
        self.people: list[UUID] = []
        self._number = 0

    async def unit(self, parent: UUID | None, days: asyncpg.Range | None = None) -> UUID:
        self._number += 1
        unit: UUID = await self.owner.fetchval(
            "INSERT INTO units (code) VALUES ($1) RETURNING id", f"U{self._number}"
        )
        await self.place(unit, parent, days or since(date(2020, 1, 1)))
        return unit

    async def place(self, unit: UUID, parent: UUID | None, days: asyncpg.Range) -> None:
        await self.owner.execute(
            "INSERT INTO unit_versions (unit_id, parent_id, name, kind, valid)"
            " VALUES ($1, $2, 'Unit', 'dinas', $3)",
            unit,
            parent,
            days,
        )

    async def position(
        self, unit: UUID, kind: str, days: asyncpg.Range | None = None, seats: int = 9
    ) -> UUID:
        self._number += 1
        position: UUID = await self.owner.fetchval(
            "INSERT INTO positions (code) VALUES ($1) RETURNING id", f"P{self._number}"
        )
        jenjang = "ahli_muda" if kind == "fungsional" else None
        await self.owner.execute(
            "INSERT INTO position_versions"
            " (position_id, unit_id, title, job_kind, jenjang, seats, retirement_age,"
            "  retirement_age_rule, valid)"
            " VALUES ($1, $2, 'Jabatan', $3, $4, $5, 58, 'uji@1', $6)",
            position,
            unit,
            kind,
            jenjang,
            seats,
            days or since(date(2020, 1, 1)),
        )
        return position

    async def person(self) -> UUID:
        person: UUID = await self.owner.fetchval(
            "INSERT INTO employees (birth_date, sex) VALUES ('1985-01-15', 'female') RETURNING id"
        )
        self.people.append(person)
        return person

    async def seat(
        self,
        position: UUID,
        person: UUID | None = None,
        kind: str = "definitif",
        days: asyncpg.Range | None = None,
    ) -> UUID:
        person = person or await self.person()
        await self.owner.execute(
            "INSERT INTO seat_assignments (employee_id, position_id, kind, seat_no, valid)"
            " SELECT $1, $2, $3, coalesce(max(seat_no), 0) + 1, $4"
            " FROM seat_assignments WHERE position_id = $2",
            person,
            position,
            kind,
            days or since(date(2020, 1, 1)),
        )
        return person


def since(first: date, until: date | None = None) -> asyncpg.Range:
    return asyncpg.Range(first, until)


async def test_a_head_leads_the_unit_and_all_below(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    here = await office(await actors.hr_admin(), owner)
    below = {here.candidate, *here.subordinates, *here.peers}
    assert await subordinates(owner, here.superior) == below
    assert await subordinates(owner, here.candidate) == set(here.subordinates)
    assert await superiors(owner, here.candidate) == {here.superior}
    assert await superiors(owner, here.subordinates[0]) == {here.superior, here.candidate}
    assert await superiors(owner, here.superior) == set()
    # Who does not lead leads nobody, however high the unit.
    assert await subordinates(owner, here.peers[0]) == set()


async def test_who_leads_one_unit_together_leads_not_one_another(
    owner: asyncpg.Connection,
) -> None:
    tree = Tree(owner)
    root = await tree.unit(None)
    below = await tree.unit(root)
    heads = await tree.position(root, "jpt_pratama")
    deputy = await tree.position(root, "administrator")
    first, second = await tree.seat(heads), await tree.seat(heads)
    third = await tree.seat(deputy)  # a lower position in the same unit: led
    fourth = await tree.seat(await tree.position(below, "pelaksana"))
    assert await subordinates(owner, first) == {third, fourth}
    assert await subordinates(owner, second) == {third, fourth}
    assert await superiors(owner, third) == {first, second}
    assert await superiors(owner, first) == set()
    # The deputy stands in the unit of the heads and does not lead it: nor what is below.
    assert await subordinates(owner, third) == set()


async def test_a_co_head_is_led_through_the_unit_above(owner: asyncpg.Connection) -> None:
    tree = Tree(owner)
    root = await tree.unit(None)
    unit = await tree.unit(root)
    position = await tree.position(unit, "administrator")
    both = await tree.seat(await tree.position(root, "jpt_pratama"))
    await tree.seat(position, both, "plt")
    other = await tree.seat(position)
    assert await subordinates(owner, both) == {other}
    assert await superiors(owner, other) == {both}
    assert await subordinates(owner, other) == set()
    # And who leads a unit is not led in it, though they also hold a lower seat there.
    await tree.seat(await tree.position(unit, "pelaksana"), other, "plt")
    third = await tree.seat(position)
    assert await subordinates(owner, third) == set()
    assert await superiors(owner, third) == {both}


async def test_who_acts_as_head_leads_while_acting(owner: asyncpg.Connection) -> None:
    tree = Tree(owner)
    root = await tree.unit(None)
    first, second = await tree.unit(root), await tree.unit(root)
    head_of_first = await tree.seat(await tree.position(first, "administrator"))
    vacant = await tree.position(second, "administrator")
    staff = await tree.seat(await tree.position(second, "pelaksana"))
    acting = since(date(2026, 5, 1), date(2026, 7, 1))
    await tree.seat(vacant, head_of_first, "plt", acting)
    assert await subordinates(owner, head_of_first) == {staff}
    assert await superiors(owner, staff) == {head_of_first}
    assert await subordinates(owner, head_of_first, date(2026, 4, 30)) == set()
    assert await superiors(owner, staff, date(2026, 7, 1)) == set()


async def test_it_follows_the_tree_of_the_day(owner: asyncpg.Connection) -> None:
    tree = Tree(owner)
    root = await tree.unit(None)
    old, new = await tree.unit(root), await tree.unit(root)
    moved = await tree.unit(old, since(date(2020, 1, 1), date(2026, 6, 1)))
    await tree.place(moved, new, since(date(2026, 6, 1)))
    former = await tree.seat(await tree.position(old, "administrator"))
    present = await tree.seat(await tree.position(new, "administrator"))
    staff = await tree.seat(await tree.position(moved, "pelaksana"))
    assert await superiors(owner, staff, date(2026, 5, 31)) == {former}
    assert await superiors(owner, staff, date(2026, 6, 1)) == {present}
    assert await subordinates(owner, former, date(2026, 6, 1)) == set()
    assert await subordinates(owner, present, date(2026, 6, 1)) == {staff}


async def test_the_head_of_the_root_leads_everybody_and_has_no_superior(
    owner: asyncpg.Connection,
) -> None:
    tree = Tree(owner)
    root = await tree.unit(None)
    unit = root
    for _ in range(5):
        unit = await tree.unit(unit)
    head = await tree.seat(await tree.position(root, "jpt_madya"))
    deep = await tree.seat(await tree.position(unit, "pelaksana"))
    assert await subordinates(owner, head) == {deep}
    assert await superiors(owner, deep) == {head}
    assert await superiors(owner, head) == set()


async def test_it_asks_for_oneself_only(actors: Actors, owner: asyncpg.Connection) -> None:
    """An ASN can't ask who leads whom, and nobody asks in somebody else's name."""
    here = await office(await actors.hr_admin(), owner)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_employee(owner, here.candidate) as connection:
            await connection.fetchval("SELECT app.superiors($1)", here.candidate)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_employee(owner, here.candidate) as connection:
            await connection.fetchval("SELECT app.leading_positions('{}', $1)", DAY)
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_asn")
        await owner.execute("SELECT set_config('app.employee', '', true)")
        assert await owner.fetchval("SELECT app.subordinates()") == []


# --- any organisation ---------------------------------------------------------------------


async def _grow(tree: Tree, chance: random.Random) -> list[date]:
    """A random small organisation over some weeks; the days on which anything changes in it."""
    days = [DAY + timedelta(days=7 * n) for n in range(4)]

    def span() -> asyncpg.Range:
        first, last = sorted(chance.sample(range(5), 2))
        start = days[0] - timedelta(days=100) if first == 0 else days[first - 1]
        return since(start, None if last == 4 else days[last - 1])

    whole = since(date(2020, 1, 1))
    units = [await tree.unit(None)]
    for _ in range(chance.randint(1, 6)):
        parent, moved = chance.choice(units), chance.random() < 0.3 and len(units) > 1
        if moved:
            unit = await tree.unit(parent, since(date(2020, 1, 1), days[1]))
            await tree.place(unit, chance.choice(units), since(days[1]))
        else:
            unit = await tree.unit(parent)
        units.append(unit)
    positions = [
        await tree.position(chance.choice(units), chance.choice(RANKS))
        for _ in range(chance.randint(2, 10))
    ]
    for _ in range(chance.randint(2, 10)):
        held = whole if chance.random() < 0.6 else span()
        person = await tree.seat(chance.choice(positions), days=held)
        for _ in range(chance.choice((0, 0, 1, 2))):
            await tree.seat(chance.choice(positions), person, "plt", span())
    return days


async def _pairs(
    owner: asyncpg.Connection, people: Iterable[UUID], on: date, seed: int
) -> set[tuple[UUID, UUID]]:
    """Who leads whom, found from above and from below."""
    down = {(person, other) for person in people for other in await subordinates(owner, person, on)}
    up = {(other, person) for person in people for other in await superiors(owner, person, on)}
    assert down == up, f"seed {seed}, {on}"
    assert all(first != second for first, second in down)
    return down


async def test_they_are_twins_in_any_organisation(owner: asyncpg.Connection) -> None:
    relations = 0
    for seed in range(40):
        async with _undone(owner):
            tree = Tree(owner)
            for on in await _grow(tree, random.Random(seed)):
                relations += len(await _pairs(owner, tree.people, on, seed))
    assert relations > 500, "too little to compare"


@asynccontextmanager
async def _undone(owner: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = owner.transaction()
    await transaction.start()
    yield
    await transaction.rollback()


# --- and a large one ----------------------------------------------------------------------


async def test_in_a_large_government_it_takes_moments(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    """Some 1,100 units of four levels, 5,000 people. A generous bound: the machine may be busy."""
    tree = Tree(owner)
    root = await tree.unit(None)
    head = await tree.seat(await tree.position(root, "jpt_madya"))
    leaf_head, leaf_staff = await _widen(owner, root)
    for name, expected, ask in (
        ("head", 5000, subordinates(owner, head)),
        ("leaf_head", 3, subordinates(owner, leaf_head)),
        ("superiors", 3, superiors(owner, leaf_staff)),
    ):
        started = time.perf_counter()
        found = await ask
        seconds = time.perf_counter() - started
        structlog.get_logger().warning("asked", who=name, found=len(found), seconds=seconds)
        assert len(found) >= expected
        assert seconds < 2


async def _widen(owner: asyncpg.Connection, root: UUID) -> tuple[UUID, UUID]:
    """Ten units below each, three levels deep; a head and four others in each."""
    parents = [root]
    for level, kind in enumerate(("jpt_pratama", "administrator", "pengawas")):
        parents = [
            row["id"]
            for row in await owner.fetch(
                "WITH new AS (INSERT INTO units (code)"
                "  SELECT format('L%s-%s', $2::int, n) FROM generate_series(1, $3::int) n"
                "  RETURNING id),"
                " placed AS (INSERT INTO unit_versions (unit_id, parent_id, name, kind, valid)"
                "  SELECT id, ($1::uuid[])[1 + row_number() OVER () % cardinality($1)], 'U',"
                "   'dinas', '[2020-01-01,)' FROM new)"
                " SELECT id FROM new",
                parents,
                level,
                10 ** (level + 1),
            )
        ]
        for rank, seats in ((kind, 1), ("pelaksana", 4)):
            await _fill(owner, parents, rank, seats)
    unit = parents[0]
    holders = await owner.fetch(
        "SELECT a.employee_id, v.job_kind FROM seat_assignments a"
        " JOIN position_versions v USING (position_id) WHERE v.unit_id = $1",
        unit,
    )
    leading = next(h["employee_id"] for h in holders if h["job_kind"] == "pengawas")
    return leading, next(h["employee_id"] for h in holders if h["job_kind"] == "pelaksana")


async def _fill(owner: asyncpg.Connection, units: list[UUID], rank: str, seats: int) -> None:
    await owner.execute(
        "WITH made AS (SELECT uuidv7() AS position_id, u AS unit_id FROM unnest($1::uuid[]) u),"
        " positions AS (INSERT INTO positions (id, code)"
        "  SELECT position_id, position_id::text FROM made),"
        " versions AS (INSERT INTO position_versions (position_id, unit_id, title, job_kind,"
        "   seats, retirement_age, retirement_age_rule, valid)"
        "  SELECT position_id, unit_id, 'J', $2, $3, 58, 'uji@1', '[2020-01-01,)' FROM made),"
        " people AS (SELECT uuidv7() AS employee_id, position_id, n"
        "  FROM made, generate_series(1, $3) n),"
        " employees AS (INSERT INTO employees (id, birth_date, sex)"
        "  SELECT employee_id, '1985-01-15', 'female' FROM people)"
        " INSERT INTO seat_assignments (employee_id, position_id, kind, seat_no, valid)"
        " SELECT employee_id, position_id, 'definitif', n, '[2020-01-01,)' FROM people",
        units,
        rank,
        seats,
    )
