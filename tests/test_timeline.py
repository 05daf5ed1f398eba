"""Dated facts against a naive model: what holds on each day."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.models.employees import EmployeeGolongan, EmployeeProfile
from app.models.organisation import UnitVersion
from app.services import timeline
from app.settings import with_driver
from app.vocabulary import Golongan

FIRST = date(2024, 1, 1)
DAYS = 12
OWNER = EmployeeGolongan.employee_id


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


class Naive:
    """What holds on each of the days, and on which of them a recorded fact begins."""

    def __init__(self) -> None:
        self.values: list[str | None] = [None] * DAYS
        self.begun: set[int] = set()

    def record(self, on: int, value: str) -> None:
        until = self._until(on)
        self.values[on:until] = [value] * (until - on)
        self.begun.add(on)

    def lapse(self, on: int) -> None:
        if self.values[on] is not None:
            until = self._until(on)
            self.values[on:until] = [None] * (until - on)
            self.begun.discard(on)

    def end(self, on: int) -> None:
        self.values[on:] = [None] * (DAYS - on)
        self.begun = {b for b in self.begun if b < on}

    def _until(self, on: int) -> int:
        until = min((b for b in self.begun if b > on and self._is_beginning(b)), default=DAYS)
        if self.values[on] is not None:
            until = next((d for d in range(on, until) if self.values[d] is None), until)
        return until

    def _is_beginning(self, number: int) -> bool:
        return self.values[number] is not None


@pytest.fixture
async def session(server: object, database: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(with_driver(server.url(database)))  # type: ignore[attr-defined]
    async with AsyncSession(engine) as opened:
        yield opened
        await opened.rollback()
    await engine.dispose()


async def new_employee(session: AsyncSession) -> UUID:
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(connection, asyncpg.Connection)
    made: UUID = await connection.fetchval(
        "INSERT INTO employees (birth_date, sex) VALUES ('1980-01-01', 'male') RETURNING id"
    )
    return made


async def read(session: AsyncSession, employee: UUID) -> list[str | None]:
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(connection, asyncpg.Connection)
    rows = await connection.fetch(
        "SELECT golongan, lower(valid) AS first, upper(valid) AS until"
        " FROM employee_golongan WHERE employee_id = $1",
        employee,
    )
    held: list[str | None] = [None] * DAYS
    for row in rows:
        assert row["until"] is None or row["first"] < row["until"]
        for number in range(DAYS):
            if row["first"] <= day(number) and (row["until"] is None or day(number) < row["until"]):
                assert held[number] is None, "two facts on one day"
                held[number] = row["golongan"]
    return held


RANKS = st.sampled_from([g.value for g in list(Golongan)[8:14]])
NUMBERS = st.integers(0, DAYS - 1)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["record", "record", "end", "lapse"]), NUMBERS, RANKS),
    max_size=8,
)


async def test_any_changes_leave_what_the_naive_model_says(session: AsyncSession) -> None:
    examples: list[list[tuple[str, int, str]]] = []

    @settings(
        max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(CHANGES)
    def collect(changes: list[tuple[str, int, str]]) -> None:
        examples.append(changes)

    collect()
    for changes in examples:
        employee, naive = await new_employee(session), Naive()
        for kind, number, rank in changes:
            if kind == "record":
                await timeline.record(session, OWNER, employee, day(number), {"golongan": rank})
                naive.record(number, rank)
            elif kind == "lapse":
                await timeline.lapse(session, OWNER, employee, day(number))
                naive.lapse(number)
            else:
                await timeline.end(session, OWNER, employee, day(number))
                naive.end(number)
            assert await read(session, employee) == naive.values, changes


async def test_values_left_out_go_on_and_papers_do_not(session: AsyncSession) -> None:
    employee = await new_employee(session)
    owner = EmployeeProfile.employee_id
    await timeline.record(
        session, owner, employee, day(0), {"name": "Sri", "name_sort": "sri", "phone": "1"}
    )
    changed = await timeline.record(session, owner, employee, day(5), {"phone": "2"})
    assert isinstance(changed, EmployeeProfile)
    assert (changed.name, changed.phone) == ("Sri", "2")
    await timeline.record(
        session, OWNER, employee, day(0), {"golongan": "III/a", "decree_no": "SK-1"}
    )
    promoted = await timeline.record(session, OWNER, employee, day(3), {"golongan": "III/b"})
    assert isinstance(promoted, EmployeeGolongan)
    assert promoted.decree_no is None


async def test_a_change_before_a_recorded_one_holds_up_to_it(session: AsyncSession) -> None:
    employee = await new_employee(session)
    await timeline.record(session, OWNER, employee, day(0), {"golongan": "III/a"})
    await timeline.record(session, OWNER, employee, day(8), {"golongan": "III/c"})
    between = await timeline.record(session, OWNER, employee, day(4), {"golongan": "III/b"})
    assert (between.effective_from, between.effective_until) == (day(4), day(8))
    before = await timeline.record(session, OWNER, employee, day(0), {"golongan": "II/d"})
    assert (before.effective_from, before.effective_until) == (day(0), day(4))


async def test_ending_returns_the_last_fact_and_withdraws_the_coming(
    session: AsyncSession,
) -> None:
    employee = await new_employee(session)
    assert await timeline.end(session, OWNER, employee, day(3)) is None
    await timeline.record(session, OWNER, employee, day(0), {"golongan": "III/a"})
    await timeline.record(session, OWNER, employee, day(6), {"golongan": "III/b"})
    last = await timeline.end(session, OWNER, employee, day(3))
    assert isinstance(last, EmployeeGolongan)
    assert (last.golongan, last.effective_until) == ("III/a", day(3))
    assert await read(session, employee) == ["III/a"] * 3 + [None] * (DAYS - 3)
    assert await timeline.end(session, OWNER, employee, day(0)) is None
    assert await read(session, employee) == [None] * DAYS


async def test_passing_on_splits_what_holds_and_takes_over_what_comes(
    session: AsyncSession,
) -> None:
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(connection, asyncpg.Connection)
    a, b, child, later = [
        await connection.fetchval("INSERT INTO units (code) VALUES ($1) RETURNING id", code)
        for code in ("a", "b", "child", "later")
    ]
    for unit, begin in ((child, day(0)), (later, day(9))):
        session.add(
            UnitVersion(unit_id=unit, parent_id=a, name="n", kind="dinas", valid=Range(begin, None))
        )
    await session.flush()
    passed = await timeline.pass_on(session, UnitVersion.parent_id, a, b, day(4))
    assert {(f.effective_from, f.parent_id) for f in passed if isinstance(f, UnitVersion)} == {
        (day(4), b),
        (day(9), b),
    }
    rows = await connection.fetch(
        "SELECT parent_id, lower(valid) AS first, upper(valid) AS until FROM unit_versions"
        " WHERE unit_id = $1 ORDER BY valid",
        child,
    )
    assert [tuple(r) for r in rows] == [(a, day(0), day(4)), (b, day(4), None)]
