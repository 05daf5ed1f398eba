"""Dated facts: one row says what held over a half-open range of days.

Recording a change on a day closes what held until then and opens what holds from then on, up
to the next change already recorded. Recording it on the very day a fact began corrects that
fact. So any screen can be read as of any day, and nothing that was true is lost.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Date, bindparam, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.models.base import Dated

AS_OF = bindparam("as_of", type_=Date)
"""The day that a read asks for; every statement over dated facts names it so."""


def holds(fact: type[Dated], on: ColumnElement[date] | None = None) -> ColumnElement[bool]:
    """The fact holds on that day (`as_of` where none is named)."""
    return fact.valid.op("@>")(AS_OF if on is None else on)


async def record(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    effective_from: date,
    values: Mapping[str, object],
) -> Dated:
    """Record that from that day on these values hold for the owner.

    `owner` is the column that names whom the fact is about, for example
    `EmployeeGolongan.employee_id`; its model is the fact's. Values that are left out are
    taken over from the fact that held before.
    """
    model = _model(owner)
    current = await _first(session, owner, owner_id, holds(_model(owner), _day(effective_from)))
    if current is not None and current.effective_from == effective_from:
        _apply(current, values)
        await session.flush()
        return current
    carried: dict[str, object] = {}
    until: date | None
    if current is not None:
        carried = _carried(current)
        until = current.effective_until
        current.valid = Range(current.effective_from, effective_from)
        await session.flush()  # the old range must end before the new one begins
    else:
        later = func.lower(model.valid) > effective_from
        following = await _first(session, owner, owner_id, later)
        until = following.effective_from if following else None
    fact: Dated = model(**{owner.key: owner_id, **carried, **values})
    fact.valid = Range(effective_from, until)
    session.add(fact)
    await session.flush()
    return fact


async def end(
    session: AsyncSession, owner: InstrumentedAttribute[UUID], owner_id: UUID, on: date
) -> Dated | None:
    """Let the fact that holds on that day end with the day before; None where none holds.

    `on` is the first day on which it no longer holds.
    """
    current = await _first(session, owner, owner_id, holds(_model(owner), _day(on)))
    if current is not None and current.effective_from < on:
        current.valid = Range(current.effective_from, on)
        await session.flush()
    return current


def _model(owner: InstrumentedAttribute[UUID]) -> type[Any]:
    return cast(type[Any], owner.class_)


def _day(value: date) -> ColumnElement[date]:
    return bindparam(None, value, type_=Date)


async def _first(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    condition: ColumnElement[bool],
) -> Dated | None:
    model = _model(owner)
    statement = (
        select(model)
        .where(owner == owner_id, condition)
        .order_by(func.lower(model.valid))
        .limit(1)
        .with_for_update()
    )
    found: Dated | None = await session.scalar(statement)
    return found


def _carried(fact: Dated) -> dict[str, object]:
    """What goes on to hold: all but the row's key, its days, and the papers of one change."""
    left_out = {"id", "valid", "end_reason", "decree_no"}
    columns = type(fact).__mapper__.columns  # type: ignore[attr-defined]
    return {c.key: getattr(fact, c.key) for c in columns if c.key not in left_out}


def _apply(fact: Dated, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(fact, name, value)
