"""Making, changing and closing positions."""

from collections.abc import Mapping
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.organisation import Position, PositionVersion, SeatAssignment, Unit, UnitVersion
from app.schemas.positions import (
    PositionClose,
    PositionCreate,
    PositionRead,
    PositionUpdate,
    jenjang_mismatch,
)
from app.services import timeline
from app.services.positions.figures import age_of, need_of
from app.services.positions.reading import read_position
from app.services.structure import (
    from_then_on,
    lock_rows,
    lock_structure,
    raise_versions,
    require_change_day,
    require_ending_day,
    require_in_force,
    require_known,
    since,
)
from app.vocabulary import Jenjang, JobKind


class PositionCodeTaken(Conflict):
    """Another position has, or had, this code."""

    code = "position_code_taken"
    title = Bilingual("Kode jabatan sudah dipakai", "The position code is taken")
    constraints = ("uq_positions_code",)


class PositionInUse(Conflict):
    """Seats of it are held then or later; `blocking` names the assignments."""

    code = "position_in_use"
    title = Bilingual("Jabatan masih diduduki", "The position is still held")


async def create_position(session: AsyncSession, new: PositionCreate) -> PositionRead:
    """A position that exists from `effective_from` on.

    Errors: PositionCodeTaken, Invalid or NotInForce for its unit, Invalid where no rule pack
    gives its retirement age or its need on that day.
    """
    await lock_structure(session, shared=True)
    on = new.effective_from
    values = {
        **new.model_dump(include={"unit_id", "title", "job_kind", "jenjang", "job_class", "seats"}),
        **age_of(new.job_kind, new.jenjang, new.own_retirement_age, on),
        **need_of(new.workload, on),
    }
    position = Position(code=new.code)
    session.add(position)
    await session.flush()
    await _record(session, position.id, on, values)
    return await read_position(SessionReader(session), position.id, on)


async def update_position(
    session: AsyncSession, position_id: UUID, expected_version: int, change: PositionUpdate
) -> PositionRead:
    """Other facts from a day on, up to the next change already recorded.

    Fewer seats than holders are allowed: the answer then shows how many are over-filled.
    Errors: NotFound, StaleVersion, NotInForce, Invalid.
    """
    await _position(session, position_id, expected_version)
    on = change.effective_from
    current = await require_change_day(session, PositionVersion.position_id, position_id, on)
    await _record(session, position_id, on, _changes(current, change))
    await raise_versions(session, Position, [position_id])
    return await read_position(SessionReader(session), position_id, on)


async def close_position(
    session: AsyncSession, position_id: UUID, close: PositionClose
) -> PositionRead:
    """Let the position end with the day before; answers with its last state.

    Errors: NotFound, NotInForce, PositionInUse where seats are held then or later.
    """
    await _position(session, position_id)
    on = close.effective_from
    await require_ending_day(session, PositionVersion.position_id, position_id, on)
    blocking = await _blocking(session, position_id, on)
    if blocking:
        detail = Bilingual(
            f"Kursinya masih diduduki pada {on} atau sesudahnya.",
            f"Its seats are held on {on} or later.",
        )
        raise PositionInUse(detail, blocking=blocking)
    last = await timeline.end(session, PositionVersion.position_id, position_id, on)
    assert last is not None
    await raise_versions(session, Position, [position_id])
    return await read_position(SessionReader(session), position_id, last.effective_from)


async def _position(
    session: AsyncSession, position_id: UUID, expected_version: int | None = None
) -> Position:
    await lock_structure(session, shared=True)
    position = (await lock_rows(session, Position, [position_id])).get(position_id)
    if position is None:
        raise NotFound
    if expected_version not in (None, position.version):
        raise StaleVersion
    return position


async def _record(
    session: AsyncSession, position_id: UUID, on: date, values: Mapping[str, object]
) -> None:
    if "unit_id" in values:
        await require_known(session, Unit, cast(UUID, values["unit_id"]), "/unit_id")
    fact = await timeline.record(session, PositionVersion.position_id, position_id, on, values)
    unit_id = cast(PositionVersion, fact).unit_id
    await require_in_force(session, UnitVersion.unit_id, unit_id, fact.valid)


def _changes(current: PositionVersion, change: PositionUpdate) -> dict[str, object]:
    """The values that the change sets, and those that follow from them."""
    sent, on = change.model_fields_set, change.effective_from
    plain = ("unit_id", "title", "job_kind", "seats")
    values = {n: getattr(change, n) for n in plain if getattr(change, n) is not None}
    if "job_class" in sent:
        values["job_class"] = change.job_class
    kind: JobKind = values.get("job_kind", current.job_kind)
    jenjang = change.jenjang if "jenjang" in sent else current.jenjang
    if kind is not JobKind.FUNGSIONAL and "jenjang" not in sent:
        jenjang = None
    _require_jenjang(kind, jenjang)
    values["jenjang"] = jenjang
    other_kind = (kind, jenjang) != (current.job_kind, current.jenjang)
    if other_kind or "own_retirement_age" in sent:
        values |= age_of(kind, jenjang, change.own_retirement_age, on)
    if "workload" in sent:
        values |= need_of(change.workload or [], on)
    return values


def _require_jenjang(kind: JobKind, jenjang: Jenjang | None) -> None:
    if (kind is JobKind.FUNGSIONAL) != (jenjang is not None):
        wrong = jenjang_mismatch()
        detail = Bilingual(str((wrong.context or {})["indonesian"]), wrong.message())
        raise Invalid(errors=[FieldError("/jenjang", wrong.type, detail)])


async def _blocking(session: AsyncSession, position_id: UUID, on: date) -> list[dict[str, object]]:
    """Up to fifty assignments that hold on that day or later; their holders stay unnamed."""
    held = (
        select(
            SeatAssignment.id.label("assignment_id"),
            SeatAssignment.seat_no,
            SeatAssignment.kind,
            since(SeatAssignment, on).label("from"),
        )
        .where(SeatAssignment.position_id == position_id, from_then_on(SeatAssignment, on))
        .order_by(SeatAssignment.seat_no, SeatAssignment.kind)
        .limit(50)
    )
    return [dict(row) for row in (await session.execute(held)).mappings()]
