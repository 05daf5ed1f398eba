"""Objections (keberatan) to results: filed by the person, heard, ruled on by somebody else."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.access.assessments import OwnAssessment
from app.dependencies import (
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
from app.schemas.objections import (
    ObjectionCreate,
    ObjectionPage,
    ObjectionQuery,
    ObjectionRead,
    ObjectionRule,
    RulerAssign,
    StatementCreate,
)
from app.services.objections import hearing, reading, ruling
from app.services.objections.hearing import AlreadyFiled, FiledTooLate, NoSide, RulingFinal
from app.services.objections.ruling import NotTheRuler, RulerInvolved, SideNotHeard
from app.services.results.publishing import ResultReplaced

router = Router(tag="objections")
ONE = "/objections/{objection_id}"


@router.post(
    "/assessment-results/{result_id}/objections",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        NotFound, Forbidden, ResultReplaced, RulingFinal, FiledTooLate, AlreadyFiled, Invalid
    ),
)
async def file_objection(
    result_id: UUID,
    new: ObjectionCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> ObjectionRead:
    """Object to one's own result.

    Once, within the days that the rule gives from its publication, and not against a ruling.
    """
    filed = await hearing.file_objection(session, actor, result_id, new)
    base = request.url.path.partition("/assessment-results/")[0]
    response.headers["Location"] = f"{base}/objections/{filed.id}"
    response.headers["ETag"] = etag_of(filed.version, filed)
    return filed


@router.get("/objections", responses=problems(InvalidCursor))
async def list_objections(
    query: Annotated[ObjectionQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> ObjectionPage:
    """Objections to results.

    By the day on which a ruling is or was due, also those that are ruled on: `state=filed` and
    `state=hearing` show what waits, `overdue=true` what should have been ruled on. An ASN sees
    their own, and those against assessments in which they are an assessor.
    """
    page = await reading.list_objections(reader, reader.actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(ONE, response_model=ObjectionRead, responses=problems(NotFound))
async def get_objection(objection_id: UUID, reader: ReadSession) -> Response:
    """One objection.

    With what both sides said, until when a ruling is due, and the ruling.
    """
    found = await reading.get_objection(reader, reader.actor, objection_id)
    return answer_with_etag(found.version, found)


@router.post(f"{ONE}/withdraw", responses=problems(NotFound, Forbidden, TransitionNotAllowed))
async def withdraw(
    objection_id: UUID,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> ObjectionRead:
    """Take back one's own objection.

    Before the ruling. Another may be filed while there is time.
    """
    withdrawn = await hearing.withdraw(session, actor, objection_id)
    response.headers["ETag"] = etag_of(withdrawn.version, withdrawn)
    return withdrawn


@router.post(
    f"{ONE}/assign", responses=problems(NotFound, OwnAssessment, TransitionNotAllowed, Invalid)
)
async def assign(
    objection_id: UUID,
    body: RulerAssign,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> ObjectionRead:
    """Say which officer is to rule.

    Nobody who published, moderated or rated, nor the person or a subordinate of theirs.
    """
    assigned = await hearing.assign(session, actor, objection_id, body)
    response.headers["ETag"] = etag_of(assigned.version, assigned)
    return assigned


@router.post(
    f"{ONE}/statements",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, NoSide, OwnAssessment, TransitionNotAllowed, Invalid),
)
async def add_statement(
    objection_id: UUID,
    new: StatementCreate,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> ObjectionRead:
    """Say something for one's own side.

    The person for theirs; an assessor, or who moderated or published the result, for the other.
    """
    heard = await hearing.speak(session, actor, objection_id, new)
    response.headers["Location"] = request.url.path.removesuffix("/statements")
    response.headers["ETag"] = etag_of(heard.version, heard)
    return heard


@router.post(
    f"{ONE}/rule",
    responses=problems(
        *(NotFound, NotTheRuler, RulerInvolved, TransitionNotAllowed),
        *(SideNotHeard, ResultReplaced, Invalid),
    ),
)
async def rule(
    objection_id: UUID,
    body: ObjectionRule,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> ObjectionRead:
    """Rule on an objection, finally.

    By the officer assigned to it, after both sides were heard. Levels that change make a new
    version of the result, scored by the same rules as before.
    """
    ruled = await ruling.rule(session, actor, objection_id, body)
    response.headers["ETag"] = etag_of(ruled.version, ruled)
    return ruled
