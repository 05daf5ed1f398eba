"""Correction requests: what employees say is recorded wrongly."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
)
from app.errors import (
    Forbidden,
    Invalid,
    InvalidCursor,
    NotFound,
    TransitionNotAllowed,
    problems,
)
from app.schemas.correction_requests import (
    CorrectionAccept,
    CorrectionCreate,
    CorrectionDecline,
    CorrectionPage,
    CorrectionQuery,
    CorrectionRead,
)
from app.services import correction_requests as corrections
from app.services.correction_requests import AlreadyPending, OwnRequest

router = Router(tag="correction_requests")
ONE = "/correction-requests/{request_id}"


@router.post(
    "/employees/{employee_id}/correction-requests",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, AlreadyPending, Invalid),
)
async def create_request(
    employee_id: UUID,
    new: CorrectionCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> CorrectionRead:
    """Ask for a correction of one's own record.

    One request a field at a time.
    """
    made = await corrections.create_request(session, actor, employee_id, new)
    base = request.url.path.partition("/employees/")[0]
    response.headers["Location"] = f"{base}/correction-requests/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return made


@router.get(
    "/employees/{employee_id}/correction-requests", responses=problems(NotFound, InvalidCursor)
)
async def list_of_employee(
    employee_id: UUID,
    query: Annotated[CorrectionQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> CorrectionPage:
    """One employee's correction requests.

    Oldest first. An ASN reads their own.
    """
    page = await corrections.list_requests(reader, actor, query, employee_id)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/correction-requests", responses=problems(InvalidCursor))
async def list_requests(
    query: Annotated[CorrectionQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> CorrectionPage:
    """The queue of correction requests.

    Oldest first; `state=pending` shows what waits for a ruling.
    """
    page = await corrections.list_requests(reader, actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(ONE, responses=problems(NotFound))
async def get_request(
    request_id: UUID, reader: ReadSession, actor: CurrentActor, response: Response
) -> CorrectionRead:
    """One correction request.

    With its ruling, where there is one.
    """
    found = await corrections.get_request(reader, actor, request_id)
    response.headers["ETag"] = etag(found.version)
    return found


@router.post(f"{ONE}/accept", responses=problems(NotFound, TransitionNotAllowed, OwnRequest))
async def accept(
    request_id: UUID,
    ruling: CorrectionAccept,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> CorrectionRead:
    """Accept a request, and correct the record.

    In one transaction, or stated as done by hand for what no single value can correct.
    """
    ruled = await corrections.accept_request(session, actor, request_id, ruling)
    response.headers["ETag"] = etag(ruled.version)
    return ruled


@router.post(f"{ONE}/decline", responses=problems(NotFound, TransitionNotAllowed, OwnRequest))
async def decline(
    request_id: UUID,
    ruling: CorrectionDecline,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> CorrectionRead:
    """Decline a request.

    With a reason, which the employee reads.
    """
    ruled = await corrections.decline_request(session, actor, request_id, ruling)
    response.headers["ETag"] = etag(ruled.version)
    return ruled


@router.post(f"{ONE}/withdraw", responses=problems(NotFound, TransitionNotAllowed, Forbidden))
async def withdraw(
    request_id: UUID,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> CorrectionRead:
    """Take back one's own request.

    While it is pending.
    """
    withdrawn = await corrections.withdraw_request(session, actor, request_id)
    response.headers["ETag"] = etag(withdrawn.version)
    return withdrawn
