"""Positions (jabatan), and who holds their seats."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    AsOf,
    CurrentActor,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    answer_with_etag,
    etag,
    next_link,
)
from app.errors import (
    Forbidden,
    IfMatchRequired,
    Invalid,
    InvalidCursor,
    NotFound,
    StaleVersion,
    problems,
)
from app.schemas.positions import (
    PositionClose,
    PositionCreate,
    PositionDetail,
    PositionHistory,
    PositionPage,
    PositionQuery,
    PositionRead,
    PositionUpdate,
)
from app.schemas.seats import (
    AssignmentCreate,
    AssignmentPage,
    AssignmentQuery,
    AssignmentRead,
    AssignmentUpdate,
)
from app.services.assignments import placing
from app.services.assignments import reading as assignments
from app.services.assignments.placing import AlreadyPlaced
from app.services.assignments.seating import NobodyToStandInFor, NoVacantSeat, SeatTaken
from app.services.employees.aggregate import NotEmployed
from app.services.positions import changing, reading
from app.services.positions.changing import PositionCodeTaken, PositionInUse
from app.services.structure import NotInForce

router = Router("/positions", tag="positions")


@router.get("", responses=problems(InvalidCursor))
async def list_positions(
    query: Annotated[PositionQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> PositionPage:
    """Positions in force on a day.

    Sorted by code, each with its seats counted. `vacant=true` leaves those with a vacant seat.
    """
    page = await reading.list_positions(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/{position_id}", response_model=PositionDetail, responses=problems(NotFound))
async def get_position(
    position_id: UUID, reader: ReadSession, actor: CurrentActor, as_of: AsOf
) -> Response:
    """One position.

    As it is on the day asked for, with its workload, the staff needed against the seats, and up
    to 200 of its holders: those whom the caller may see.
    """
    position = await reading.read_detail(reader, actor, position_id, as_of)
    return answer_with_etag(position.version, position)


@router.get("/{position_id}/history", responses=problems(NotFound))
async def get_history(position_id: UUID, reader: ReadSession) -> PositionHistory:
    """A position's history.

    Everything that held of it with its days, newest first.
    """
    return await reading.read_history(reader, position_id)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PositionCodeTaken, NotInForce, Invalid),
)
async def create_position(
    new: PositionCreate,
    session: Session,
    request: Request,
    response: Response,
    _: IdempotencyKey = None,
) -> PositionRead:
    """Create a position.

    The retirement age comes from the rule pack of the day, unless the position's own regulation
    sets another. The workload gives the staff needed.
    """
    position = await changing.create_position(session, new)
    response.headers["Location"] = f"{request.url.path}/{position.id}"
    response.headers["ETag"] = etag(position.version)
    return position


@router.patch(
    "/{position_id}",
    responses=problems(NotFound, NotInForce, StaleVersion, IfMatchRequired, Invalid),
)
async def update_position(
    position_id: UUID,
    change: PositionUpdate,
    version: ExpectedVersion,
    session: Session,
    response: Response,
) -> PositionRead:
    """Change a position.

    Holds from `effective_from` up to the next change already recorded (`effective_until`).
    Seats may fall below the holders: `over_filled` in the answer then says by how many.
    """
    position = await changing.update_position(session, position_id, version, change)
    response.headers["ETag"] = etag(position.version)
    return position


@router.post("/{position_id}/close", responses=problems(NotFound, NotInForce, PositionInUse))
async def close_position(
    position_id: UUID,
    close: PositionClose,
    session: Session,
    response: Response,
    _: IdempotencyKey = None,
) -> PositionRead:
    """Close a position.

    It ends with the day before `effective_from`. Refused while its seats are held then or later.
    """
    position = await changing.close_position(session, position_id, close)
    response.headers["ETag"] = etag(position.version)
    return position


@router.get("/{position_id}/assignments", responses=problems(NotFound, InvalidCursor))
async def list_assignments(
    position_id: UUID,
    query: Annotated[AssignmentQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> AssignmentPage:
    """Who held, holds and will hold the seats.

    The latest first. An ASN sees their own only.
    """
    page = await assignments.list_assignments(reader, actor, position_id, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(
    "/{position_id}/assignments/{assignment_id}",
    response_model=AssignmentRead,
    responses=problems(NotFound),
)
async def get_assignment(
    position_id: UUID, assignment_id: UUID, reader: ReadSession, actor: CurrentActor
) -> Response:
    """One assignment.

    With the name that its holder has today.
    """
    found = await assignments.read_assignment(reader, actor, position_id, assignment_id)
    return answer_with_etag(found.version, found)


@router.post(
    "/{position_id}/assignments",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        NotFound,
        NoVacantSeat,
        AlreadyPlaced,
        SeatTaken,
        NobodyToStandInFor,
        NotEmployed,
        NotInForce,
        Invalid,
        Forbidden,
    ),
)
async def create_assignment(
    position_id: UUID,
    new: AssignmentCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _: IdempotencyKey = None,
) -> AssignmentRead:
    """Give somebody a seat.

    `definitif` takes the lowest free seat and ends its plt; where none is free, it needs
    `over_capacity_reason`. With `end_current` the employee's present seat ends the day before.
    `plt` takes a seat without holder, `plh` stands in for a seat's holder.
    """
    made = await placing.assign(session, actor, position_id, new)
    response.headers["Location"] = f"{request.url.path}/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return made


@router.patch(
    "/{position_id}/assignments/{assignment_id}",
    responses=problems(
        NotFound,
        StaleVersion,
        IfMatchRequired,
        SeatTaken,
        AlreadyPlaced,
        NobodyToStandInFor,
        NotInForce,
        Invalid,
    ),
)
async def update_assignment(
    position_id: UUID,
    assignment_id: UUID,
    change: AssignmentUpdate,
    version: ExpectedVersion,
    session: Session,
    actor: CurrentActor,
    response: Response,
) -> AssignmentRead:
    """End an assignment, or correct it.

    `effective_until` is the first day without it; null opens it again. When a holder goes, the
    plh who stands in for them goes too.
    """
    changed = await placing.update_assignment(
        session, actor, position_id, assignment_id, version, change
    )
    response.headers["ETag"] = etag(changed.version)
    return changed
