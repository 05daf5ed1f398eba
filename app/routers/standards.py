"""Standards of positions, and the proposals by which they are set."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    AsOf,
    CurrentActor,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    answer_with_etag,
    etag_of,
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
from app.schemas.standards import (
    StandardHistory,
    StandardProposalCreate,
    StandardProposalDecline,
    StandardProposalPage,
    StandardProposalQuery,
    StandardProposalRead,
    StandardRead,
)
from app.services import standard_proposals as proposals
from app.services import standards
from app.services.standard_proposals import OwnProposal, ProposalPending
from app.services.structure import NotInForce

router = Router(tag="standards")
PROPOSALS = "/standard-proposals"
ONE = f"{PROPOSALS}/{{proposal_id}}"


@router.get(
    "/positions/{position_id}/standard",
    response_model=StandardRead,
    responses=problems(NotFound),
)
async def get_standard(position_id: UUID, reader: ReadSession, as_of: AsOf) -> Response:
    """What a position requires.

    On the day asked for: the level of every competency, and why it is that. By the default of
    the position's tier, or by a level of its own with the decree behind it.
    """
    standard = await standards.read_standard(reader, position_id, as_of)
    return answer_with_etag(standard.version, standard)


@router.get("/positions/{position_id}/standard/history", responses=problems(NotFound))
async def get_history(position_id: UUID, reader: ReadSession) -> StandardHistory:
    """The levels that a position has had of its own.

    With their days and the basis of each. On the days between, the default of its tier holds.
    """
    return await standards.read_history(reader, position_id)


@router.post(
    PROPOSALS,
    status_code=status.HTTP_201_CREATED,
    responses=problems(ProposalPending, NotInForce, Invalid),
)
async def create_proposal(
    new: StandardProposalCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> StandardProposalRead:
    """Propose levels for a position.

    One proposal a position at a time; another officer decides on it. The day may lie in the
    past: results that are published don't change by it.
    """
    made = await proposals.create_proposal(session, actor, new)
    response.headers["Location"] = f"{request.url.path}/{made.id}"
    response.headers["ETag"] = etag_of(made.version, made)
    return made


@router.get(PROPOSALS, responses=problems(InvalidCursor))
async def list_proposals(
    query: Annotated[StandardProposalQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> StandardProposalPage:
    """Proposals of standards.

    Oldest first; `state=proposed` shows what waits for a decision.
    """
    page = await proposals.list_proposals(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(ONE, response_model=StandardProposalRead, responses=problems(NotFound))
async def get_proposal(proposal_id: UUID, reader: ReadSession) -> Response:
    """One proposal.

    With what it proposes for each competency beside what holds on that day now.
    """
    found = await proposals.get_proposal(reader, proposal_id)
    return answer_with_etag(found.version, found)


@router.post(
    f"{ONE}/approve",
    responses=problems(NotFound, OwnProposal, TransitionNotAllowed, NotInForce),
)
async def approve(
    proposal_id: UUID,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> StandardProposalRead:
    """Approve a proposal.

    The position requires its levels from `effective_from` on, each up to the next change
    already recorded of it. Not by the officer who proposed it.
    """
    approved = await proposals.approve_proposal(session, actor, proposal_id)
    response.headers["ETag"] = etag_of(approved.version, approved)
    return approved


@router.post(f"{ONE}/decline", responses=problems(NotFound, OwnProposal, TransitionNotAllowed))
async def decline(
    proposal_id: UUID,
    ruling: StandardProposalDecline,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> StandardProposalRead:
    """Decline a proposal.

    With a reason, which its proposer reads.
    """
    declined = await proposals.decline_proposal(session, actor, proposal_id, ruling)
    response.headers["ETag"] = etag_of(declined.version, declined)
    return declined


@router.post(f"{ONE}/withdraw", responses=problems(NotFound, Forbidden, TransitionNotAllowed))
async def withdraw(
    proposal_id: UUID,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> StandardProposalRead:
    """Take back one's own proposal.

    While it waits for a decision.
    """
    withdrawn = await proposals.withdraw_proposal(session, actor, proposal_id)
    response.headers["ETag"] = etag_of(withdrawn.version, withdrawn)
    return withdrawn
