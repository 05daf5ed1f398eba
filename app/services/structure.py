"""What units, positions and seats share: the subtree, days in force, and turns at writing.

Every change of the tree takes the structure's lock, every change that leans on a unit (a new
position in it) shares it: so no position arises in a unit that is being closed, and no two
moves make a cycle together. Who holds which seat is guarded by the lock on the position.
"""

import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Date, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.calendar import now
from app.database import Reader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound
from app.models.organisation import Position, Unit, UnitVersion
from app.services.timeline import begins, holds, overlaps

STRUCTURE_LOCK = 0x6B656D75
"""The key of the advisory lock on the tree; an import of units and positions takes it too."""
UNIT_ID = bindparam("unit_id", type_=Uuid())


Owner = TypeVar("Owner", Unit, Position)


class NotInForce(Conflict):
    """A unit or position does not exist over all of the days that the change is for."""

    code = "not_in_force"
    title = Bilingual("Tidak berlaku pada hari-hari itu", "Not in force on those days")


def subtree() -> CTE:
    """The ids of the unit `:unit_id` and of all below it on the day `:as_of`."""
    top = select(UnitVersion.unit_id).where(UnitVersion.unit_id == UNIT_ID, holds(UnitVersion))
    found = top.cte("subtree", recursive=True)
    below = select(UnitVersion.unit_id).join(found, UnitVersion.parent_id == found.c.unit_id)
    return found.union_all(below.where(holds(UnitVersion)))


def only_unit() -> CTE:
    """The id of the unit `:unit_id` alone, where it is in force on the day `:as_of`."""
    top = select(UnitVersion.unit_id).where(UnitVersion.unit_id == UNIT_ID, holds(UnitVersion))
    return top.cte("only_unit")


IN_FORCE = select(UnitVersion.unit_id).where(UnitVersion.unit_id == UNIT_ID, holds(UnitVersion))


async def require_unit(reader: Reader, unit_id: UUID, as_of: date) -> None:
    """Errors: NotFound where the unit is not in force on that day."""
    if await reader.value(IN_FORCE, unit_id=unit_id, as_of=as_of) is None:
        raise NotFound


def containing(text: str) -> str:
    """The LIKE pattern for texts that contain this one."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


async def lock_structure(session: AsyncSession, *, shared: bool = False) -> None:
    """Take the turn at changing the tree, until the transaction ends."""
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await session.execute(select(lock(STRUCTURE_LOCK)))


async def lock_rows(
    session: AsyncSession, model: type[Owner], ids: Collection[UUID]
) -> dict[UUID, Owner]:
    """Lock these rows in the order of their ids, so that no two writers wait in a ring.

    Returns those that exist, as they are now.
    """
    wanted = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
    found = await session.scalars(wanted.execution_options(populate_existing=True))
    return {row.id: row for row in found}


async def raise_versions(session: AsyncSession, model: type[Owner], ids: Collection[UUID]) -> None:
    """What these aggregates show has changed by a change elsewhere: their ETags move on."""
    for row in (await lock_rows(session, model, ids)).values():
        row.updated_at = now()
    await session.flush()


async def require_known(
    session: AsyncSession, model: type[Owner], owner_id: UUID, pointer: str
) -> None:
    """Errors: Invalid at the pointer where there is no such unit or position."""
    if await session.get(model, owner_id) is None:
        detail = Bilingual("Tidak dikenal.", "Unknown.")
        raise Invalid(errors=[FieldError(pointer, "unknown", detail)])


async def require_in_force(
    session: AsyncSession, owner: InstrumentedAttribute[UUID], owner_id: UUID, days: Range[date]
) -> None:
    """The unit or position that a change leans on exists over all its days. Errors: NotInForce."""
    whole = bindparam(None, days, type_=DATERANGE)
    covered: ColumnElement[bool] = func.range_agg(owner.class_.valid).op("@>")(whole)
    if not await session.scalar(select(covered).where(owner == owner_id)):
        until = days.upper
        raise NotInForce(
            Bilingual(
                f"{WORDS[owner.key].id} tidak berlaku sepanjang hari-hari sejak {days.lower}"
                + (f" sampai sebelum {until}." if until else "."),
                f"{WORDS[owner.key].en} is not in force over all the days from {days.lower}"
                + (f" to before {until}." if until else " on."),
            )
        )


WORDS = {
    "unit_id": Bilingual("Unit", "The unit"),
    "position_id": Bilingual("Jabatan", "The position"),
}


async def require_change_day(
    session: AsyncSession, owner: InstrumentedAttribute[UUID], owner_id: UUID, on: date
) -> Any:
    """The fact of the owner that holds on the day of its change. Errors: NotInForce."""
    model = cast(type[Any], owner.class_)
    day = bindparam(None, on, type_=Date)
    fact = await session.scalar(select(model).where(owner == owner_id, holds(model, day)))
    if fact is None:
        raise NotInForce(
            Bilingual(f"Tidak berlaku pada {on}.", f"It is not in force on {on}."),
        )
    return fact


async def require_ending_day(
    session: AsyncSession, owner: InstrumentedAttribute[UUID], owner_id: UUID, on: date
) -> None:
    """It can end with the day before `on`: it holds on both days. Errors: NotInForce."""
    await require_change_day(session, owner, owner_id, on - timedelta(days=1))
    await require_change_day(session, owner, owner_id, on)


def from_then_on(fact: type[Any], on: date) -> ColumnElement[bool]:
    """The fact holds on that day or later."""
    return overlaps(fact, Range(on, None))


def since(fact: type[Any], on: date) -> ColumnElement[date]:
    """From when, of the days from `on`, the fact holds."""
    return func.greatest(begins(fact), on, type_=begins(fact).type)
