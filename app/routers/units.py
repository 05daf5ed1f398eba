"""Units: the tree, its changes, and the sums of its seats."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    AsOf,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
)
from app.errors import IfMatchRequired, Invalid, InvalidCursor, NotFound, StaleVersion, problems
from app.schemas.seats import RetirementPage, RetirementQuery, SeatSummary
from app.schemas.units import (
    UnitClose,
    UnitCreate,
    UnitHistory,
    UnitMerge,
    UnitMerged,
    UnitMove,
    UnitPage,
    UnitQuery,
    UnitRead,
    UnitTree,
    UnitUpdate,
)
from app.services import seats, units
from app.services.structure import NotInForce
from app.services.units import RootExists, UnitCodeTaken, UnitInUse, WouldBeCycle

router = Router("/units", tag="units")


@router.get("", responses=problems(InvalidCursor))
async def list_units(
    query: Annotated[UnitQuery, Query()], reader: ReadSession, request: Request, response: Response
) -> UnitPage:
    """Units in force on a day.

    Sorted by code. `q` looks for a part of the name or the code.
    """
    page = await units.list_units(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/tree", responses=problems(NotFound))
async def get_tree(
    reader: ReadSession,
    as_of: AsOf,
    root: Annotated[UUID | None, Query(description="Only this unit and all below it.")] = None,
) -> UnitTree:
    """The tree of units with its seats.

    Flat: every unit stands after its parent and before the units below it, with its depth and
    the codes that lead to it. `own` counts the unit's seats, `subtree` also those of all below.
    """
    return await seats.read_tree(reader, as_of, root)


@router.get("/{unit_id}", responses=problems(NotFound))
async def get_unit(unit_id: UUID, reader: ReadSession, as_of: AsOf, response: Response) -> UnitRead:
    """One unit.

    As it is on the day asked for; 404 where it is not in force then.
    """
    unit = await units.read_unit(reader, unit_id, as_of)
    response.headers["ETag"] = etag(unit.version, as_of)
    return unit


@router.get("/{unit_id}/history", responses=problems(NotFound))
async def get_history(unit_id: UUID, reader: ReadSession) -> UnitHistory:
    """A unit's history.

    Every name, kind and parent with its days, newest first, and the units that passed into it
    or that it passed into.
    """
    return await units.read_history(reader, unit_id)


@router.get("/{unit_id}/seats", responses=problems(NotFound))
async def get_seats(
    unit_id: UUID,
    reader: ReadSession,
    as_of: AsOf,
    include_subtree: Annotated[bool, Query(description="Count the units below it too.")] = True,
) -> SeatSummary:
    """Seats of a unit: filled, vacant, over-filled, falling vacant.

    Grouped by kind of position, with the staff needed by workload. Retirement follows the age
    of the position held, and begins on the first of the month after the birthday.
    """
    return await seats.read_summary(reader, unit_id, as_of, include_subtree=include_subtree)


@router.get("/{unit_id}/retirements", responses=problems(NotFound, InvalidCursor))
async def list_retirements(
    unit_id: UUID,
    query: Annotated[RetirementQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> RetirementPage:
    """Who retires within some years.

    The earliest first, those whose date has come included. Reading it is audited for each
    person that it names.
    """
    page = await seats.list_retirements(reader, unit_id, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(UnitCodeTaken, RootExists, NotInForce, WouldBeCycle, Invalid),
)
async def create_unit(
    new: UnitCreate,
    session: Session,
    request: Request,
    response: Response,
    _: IdempotencyKey = None,
) -> UnitRead:
    """Create a unit.

    It exists from `effective_from` on. Only the root has no parent, and there is one root a day.
    """
    unit = await units.create_unit(session, new)
    response.headers["Location"] = f"{request.url.path}/{unit.id}"
    response.headers["ETag"] = etag(unit.version)
    return unit


@router.patch("/{unit_id}", responses=problems(NotFound, NotInForce, StaleVersion, IfMatchRequired))
async def update_unit(
    unit_id: UUID,
    change: UnitUpdate,
    version: ExpectedVersion,
    session: Session,
    response: Response,
) -> UnitRead:
    """Rename a unit, or change its kind.

    Holds from `effective_from` up to the next change already recorded (`effective_until`).
    """
    unit = await units.update_unit(session, unit_id, version, change)
    response.headers["ETag"] = etag(unit.version)
    return unit


@router.post("/{unit_id}/move", responses=problems(NotFound, NotInForce, WouldBeCycle, Invalid))
async def move_unit(
    unit_id: UUID, move: UnitMove, session: Session, response: Response, _: IdempotencyKey = None
) -> UnitRead:
    """Move a unit under another parent.

    With all below it, from `effective_from` up to the next change already recorded. Refused
    where it would stand under itself on any of those days; `first_day` names the first.
    """
    unit = await units.move_unit(session, unit_id, move)
    response.headers["ETag"] = etag(unit.version)
    return unit


@router.post("/{unit_id}/merge", responses=problems(NotFound, NotInForce, WouldBeCycle, Invalid))
async def merge_unit(
    unit_id: UUID, merge: UnitMerge, session: Session, _: IdempotencyKey = None
) -> UnitMerged:
    """Merge a unit into another.

    On that day its child units and positions, with those who hold them, pass to the successor;
    the merged unit ends with the day before. All of it or nothing.
    """
    return await units.merge_unit(session, unit_id, merge)


@router.post("/{unit_id}/close", responses=problems(NotFound, NotInForce, UnitInUse))
async def close_unit(
    unit_id: UUID, close: UnitClose, session: Session, response: Response, _: IdempotencyKey = None
) -> UnitRead:
    """Close a unit.

    It ends with the day before `effective_from`. Refused while units or positions stand in it
    then or later; `blocking` names up to fifty of each.
    """
    unit = await units.close_unit(session, unit_id, close)
    response.headers["ETag"] = etag(unit.version)
    return unit
