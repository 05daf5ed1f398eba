"""Assessments: who sees them, their raters, and their way to a result."""

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
    told,
)
from app.errors import Invalid, InvalidCursor, NotFound, TransitionNotAllowed, problems
from app.schemas.assessments import (
    AssessmentModerate,
    AssessmentPage,
    AssessmentQuery,
    AssessmentRatings,
    AssessmentRead,
    AssessmentReason,
    AssessmentSubmit,
)
from app.schemas.assessor_assignments import AssignmentList, RatersAssign
from app.services.assessments import moderating, ratings, reading
from app.services.assessments.moderating import NobodyAssessed, RaterModerates, RatersPending
from app.services.assessor_assignments import assigning
from app.services.assessor_assignments.assigning import AlreadyAssigned, AnonymousGroupFixed

router = Router("/assessments", tag="assessments")
MOVE = (NotFound, TransitionNotAllowed, OwnAssessment)


@router.get("", responses=problems(InvalidCursor))
async def list_assessments(
    query: Annotated[AssessmentQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> AssessmentPage:
    """Assessments.

    The newest first. An ASN sees their own, those of whom they lead, and those in which they
    rate.
    """
    page = await reading.list_assessments(reader, reader.actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/{assessment_id}", response_model=AssessmentRead, responses=problems(NotFound))
async def get_assessment(assessment_id: UUID, reader: ReadSession) -> Response:
    """One assessment.

    What was rated isn't in it; how many raters are done is.
    """
    assessment = await reading.get_assessment(reader, reader.actor, assessment_id)
    return answer_with_etag(assessment.version, assessment)


@router.get("/{assessment_id}/ratings", responses=problems(NotFound, OwnAssessment))
async def get_ratings(assessment_id: UUID, reader: ReadSession) -> AssessmentRatings:
    """What was rated, for moderation.

    Of peers and subordinates only how many they are and, where they are enough and rating is
    closed, mean and range. An auditor reads every rating.
    """
    return await ratings.get_ratings(reader, reader.actor, assessment_id)


@router.get("/{assessment_id}/assignments", responses=problems(NotFound, OwnAssessment))
async def list_raters(assessment_id: UUID, reader: ReadSession) -> AssignmentList:
    """Who rates in an assessment.

    Those who were withdrawn too.
    """
    return await assigning.list_raters(reader, reader.actor, assessment_id)


@router.post(
    "/{assessment_id}/assignments",
    status_code=status.HTTP_201_CREATED,
    responses={
        201: {"headers": told("Location")},
        **problems(*MOVE, AlreadyAssigned, AnonymousGroupFixed, Invalid),
    },
)
async def assign_raters(
    assessment_id: UUID,
    new: RatersAssign,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssignmentList:
    """Assign raters.

    All of them or none. Each as what they are to the candidate on the first day of the event:
    who leads them a superior, whom they lead a subordinate, anybody else a peer or an assessor.
    Nobody assesses themself, their superior or their spouse.
    """
    response.headers["Location"] = request.url.path
    return await assigning.assign_raters(session, actor, assessment_id, new)


@router.post("/{assessment_id}/submit", responses=problems(*MOVE, NobodyAssessed, RatersPending))
async def submit(
    assessment_id: UUID,
    how: AssessmentSubmit,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentRead:
    """Close rating.

    At least one assessor must have submitted. Raters who have not are awaited, or with
    `close_pending` withdrawn.
    """
    step = moderating.submitting(close_pending=how.close_pending)
    moved = await moderating.take(session, actor, assessment_id, step)
    response.headers["ETag"] = etag_of(moved.version, moved)
    return moved


@router.post("/{assessment_id}/return", responses=problems(*MOVE))
async def return_to_draft(
    assessment_id: UUID,
    why: AssessmentReason,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentRead:
    """Open rating again.

    For what was submitted or moderated, with a reason.
    """
    step = moderating.returning(why.reason)
    moved = await moderating.take(session, actor, assessment_id, step)
    response.headers["ETag"] = etag_of(moved.version, moved)
    return moved


@router.post("/{assessment_id}/moderate", responses=problems(*MOVE, RaterModerates))
async def moderate(
    assessment_id: UUID,
    how: AssessmentModerate,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentRead:
    """Moderate an assessment.

    By an officer who is neither the person nor one of the raters.
    """
    step = moderating.moderating(actor, how.note)
    moved = await moderating.take(session, actor, assessment_id, step)
    response.headers["ETag"] = etag_of(moved.version, moved)
    return moved


@router.post("/{assessment_id}/cancel", responses=problems(*MOVE))
async def cancel(
    assessment_id: UUID,
    why: AssessmentReason,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentRead:
    """Cancel an assessment.

    Before it is moderated, with a reason. The raters lose sight of the person.
    """
    step = moderating.cancelling(why.reason)
    moved = await moderating.take(session, actor, assessment_id, step)
    response.headers["ETag"] = etag_of(moved.version, moved)
    return moved
