"""Dated facts: one row says what held over a half-open range of days.

Recording a change on a day closes what held until then and opens what holds from then on, up
to the next change already recorded. Recording it on the very day a fact began corrects that
fact. So any screen can be read as of any day, and nothing that was true is lost.

Whoever writes here holds a lock on the owner's row: two changes of one owner take turns.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Date, bindparam, false, func, select
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.models.base import Dated

AS_OF = bindparam("as_of", type_=Date)
"""The day that a read asks for; every statement over dated facts names it so."""
WHOLE: Mapping[str, object] = {}
"""Of most owners one fact holds on a day."""


def holds(fact: type[Dated], on: ColumnElement[date] | None = None) -> ColumnElement[bool]:
    """The fact holds on that day (`as_of` where none is named).

    Not written as `valid @> day`: of that the planner, whom row-level security keeps from the
    statistics, expects one fact in two hundred and chooses nested loops over everybody. Of
    this form it expects one in nine, and finds an owner's facts by the B-tree.
    """
    day = AS_OF if on is None else on
    return (begins(fact) <= day) & (ends(fact) > day).is_not(false())


def begins(fact: type[Dated]) -> ColumnElement[date]:
    """The first day of the fact, as a column; the API's `effective_from`."""
    return func.lower(fact.valid, type_=Date)


def ends(fact: type[Dated]) -> ColumnElement[date | None]:
    """The first day on which it no longer holds, or NULL; the API's `effective_until`."""
    return func.upper(fact.valid, type_=Date)


def overlaps(fact: type[Dated], days: Range[date]) -> ColumnElement[bool]:
    """The fact holds on one of these days."""
    return fact.valid.op("&&", is_comparison=True)(bindparam(None, days, type_=DATERANGE))


async def record(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    effective_from: date,
    values: Mapping[str, object],
    part: Mapping[str, object] = WHOLE,
) -> Dated:
    """Record that from that day on these values hold for the owner.

    `owner` is the column that names whom the fact is about, for example
    `EmployeeGolongan.employee_id`; its model is the fact's. Values that are left out are
    taken over from the fact that held before. Where several facts hold of an owner on one day,
    `part` names which of them it is: `{"competency_id": …}`.
    """
    current = await _holding(session, owner, owner_id, effective_from, part)
    if current is not None and current.effective_from == effective_from:
        _apply(current, values)
        await session.flush()
        return current
    if current is not None:
        carried, until = _carried(current), current.effective_until
        current.valid = Range(current.effective_from, effective_from)
        await session.flush()  # the old range must end before the new one begins
    else:
        until = await _next_beginning(session, owner, owner_id, effective_from, part)
        carried = {}
    fact: Dated = _model(owner)(**{owner.key: owner_id, **part, **carried, **values})
    fact.valid = Range(effective_from, until)
    session.add(fact)
    await session.flush()
    return fact


async def end(
    session: AsyncSession, owner: InstrumentedAttribute[UUID], owner_id: UUID, on: date
) -> Dated | None:
    """From that day on nothing holds for the owner: `on` is the first day without a fact.

    Facts that were to begin on that day or later are withdrawn. Returns the fact that held on
    the day before, now the last; None where nothing did.
    """
    model = _model(owner)
    coming = select(model).where(owner == owner_id, begins(model) >= on)
    for fact in (await session.scalars(coming)).all():
        await session.delete(fact)
    last = await _holding(session, owner, owner_id, on - timedelta(days=1))
    if last is not None:
        last.valid = Range(last.effective_from, on)
    await session.flush()
    return last


async def lapse(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    on: date,
    part: Mapping[str, object] = WHOLE,
) -> None:
    """From that day on nothing holds, up to the next change already recorded."""
    current = await _holding(session, owner, owner_id, on, part)
    if current is not None and current.effective_from == on:
        await session.delete(current)
    elif current is not None:
        current.valid = Range(current.effective_from, on)
    await session.flush()


async def pass_on(
    session: AsyncSession, reference: InstrumentedAttribute[Any], old: UUID, new: UUID, on: date
) -> list[Dated]:
    """From that day on, every fact that names `old` in the column names `new`.

    For example `PositionVersion.unit_id`, where one unit passes into another. Returns the facts
    that hold then or later. The caller holds the locks of all their owners.
    """
    model = _model(reference)
    named = select(model).where(reference == old, overlaps(model, Range(on, None)))
    facts: list[Dated] = list((await session.scalars(named.order_by(begins(model)))).all())
    passed: list[Dated] = []
    for fact in facts:
        if fact.effective_from < on:
            successor: Dated = model(**_carried(fact))
            successor.valid = Range(on, fact.effective_until)
            fact.valid = Range(fact.effective_from, on)
            passed.append(successor)
        else:
            passed.append(fact)
    await session.flush()
    for fact in passed:
        setattr(fact, reference.key, new)
    session.add_all(passed)
    await session.flush()
    return passed


def _model(owner: InstrumentedAttribute[Any]) -> type[Any]:
    return cast(type[Any], owner.class_)


async def _holding(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    on: date,
    part: Mapping[str, object] = WHOLE,
) -> Dated | None:
    model = _model(owner)
    day = bindparam(None, on, type_=Date)
    found: Dated | None = await session.scalar(
        select(model).where(owner == owner_id, holds(model, day)).filter_by(**part)
    )
    return found


async def _next_beginning(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    after: date,
    part: Mapping[str, object],
) -> date | None:
    model = _model(owner)
    first = select(func.min(begins(model))).where(owner == owner_id, begins(model) > after)
    found: date | None = await session.scalar(first.filter_by(**part))
    return found


def _carried(fact: Dated) -> dict[str, object]:
    """What goes on to hold: all but the row's key, its days, and the papers of one change."""
    left_out = {"id", "valid", "end_reason", "decree_no"}
    columns = type(fact).__mapper__.columns  # type: ignore[attr-defined]
    return {c.key: getattr(fact, c.key) for c in columns if c.key not in left_out}


def _apply(fact: Dated, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(fact, name, value)
