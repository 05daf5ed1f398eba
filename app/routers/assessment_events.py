"""Assessment events, their people, and the steps that all of these take at once."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    CurrentLanguage,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
    told,
)
from app.errors import (
    IfMatchRequired,
    Invalid,
    InvalidCursor,
    NotFound,
    StaleVersion,
    TransitionNotAllowed,
    problems,
)
from app.schemas.assessment_events import (
    AssessmentEventCreate,
    AssessmentEventPage,
    AssessmentEventQuery,
    AssessmentEventRead,
    AssessmentEventUpdate,
)
from app.schemas.assessments import (
    AssessmentModerate,
    AssessmentPage,
    AssessmentQuery,
    AssessmentsMoved,
    AssessmentSubmit,
    CandidatesAdd,
    CandidatesAdded,
    EventAssessmentQuery,
)
from app.services import assessment_events as events
from app.services.assessment_events import (
    EventCodeTaken,
    EventPublished,
    RatersNotIndependent,
)
from app.services.assessment_providers import NotAccredited
from app.services.assessments import adding, moderating, reading
from app.services.assessments.adding import AlreadyInEvent, EventClosed

router = Router("/assessment-events", tag="assessment_events")
ONE = "/{assessment_event_id}"


@router.get("", responses=problems(InvalidCursor))
async def list_events(
    query: Annotated[AssessmentEventQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> AssessmentEventPage:
    """Assessment events.

    The latest first.
    """
    page = await events.list_events(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(EventCodeTaken, NotAccredited, Invalid),
)
async def create_event(
    new: AssessmentEventCreate,
    session: Session,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentEventRead:
    """Plan an assessment event.

    Its provider must be accredited for the purpose on each of its days; `first_day` names the
    first on which it isn't.
    """
    event = await events.create_event(session, new)
    response.headers["Location"] = f"{request.url.path}/{event.id}"
    response.headers["ETag"] = etag(event.version)
    return event


@router.get(ONE, responses=problems(NotFound))
async def get_event(
    assessment_event_id: UUID, reader: ReadSession, response: Response
) -> AssessmentEventRead:
    """One assessment event.

    Who was assessed in it is told by its assessments.
    """
    event = await events.read_event(reader, assessment_event_id)
    response.headers["ETag"] = etag(event.version)
    return event


@router.patch(
    ONE,
    responses=problems(
        NotFound,
        StaleVersion,
        IfMatchRequired,
        EventPublished,
        NotAccredited,
        RatersNotIndependent,
    ),
)
async def update_event(
    assessment_event_id: UUID,
    change: AssessmentEventUpdate,
    expected: ExpectedVersion,
    session: Session,
    response: Response,
) -> AssessmentEventRead:
    """Change an assessment event.

    Until results of it are published.
    """
    event = await events.update_event(session, assessment_event_id, expected, change)
    response.headers["ETag"] = etag(event.version)
    return event


@router.post(f"{ONE}/close", responses=problems(NotFound, TransitionNotAllowed))
async def close(
    assessment_event_id: UUID, session: Session, response: Response, _key: IdempotencyKey = None
) -> AssessmentEventRead:
    """Close an assessment event.

    Nobody is added to it any more.
    """
    event = await events.close_event(session, assessment_event_id)
    response.headers["ETag"] = etag(event.version)
    return event


@router.get(f"{ONE}/assessments", responses=problems(NotFound, InvalidCursor))
async def list_assessments(
    assessment_event_id: UUID,
    query: Annotated[EventAssessmentQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> AssessmentPage:
    """Who is assessed in an event.

    The newest first.
    """
    asked = AssessmentQuery(event_id=assessment_event_id, **query.model_dump())
    page = await reading.list_of_event(reader, reader.actor, asked)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    f"{ONE}/assessments",
    status_code=status.HTTP_201_CREATED,
    responses={
        201: {"headers": told("Location")},
        **problems(NotFound, EventClosed, AlreadyInEvent, Invalid),
    },
)
async def add_candidates(
    assessment_event_id: UUID,
    new: CandidatesAdd,
    session: Session,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> CandidatesAdded:
    """Add people to an event.

    Up to 1,000, all of them or none; `errors` say what is wrong with whom.
    """
    response.headers["Location"] = request.url.path
    return await adding.add_candidates(session, assessment_event_id, new)


@router.post(f"{ONE}/submit", responses=problems(NotFound))
async def submit(
    assessment_event_id: UUID,
    how: AssessmentSubmit,
    session: Session,
    actor: CurrentActor,
    language: CurrentLanguage,
    _key: IdempotencyKey = None,
) -> AssessmentsMoved:
    """Close rating for all of an event that are ready.

    At most 1,000 a call; call again while something remains. What stands in the way of one
    doesn't hinder the others.
    """
    step = moderating.submitting(close_pending=how.close_pending)
    return await moderating.take_event(session, actor, assessment_event_id, step, language)


@router.post(f"{ONE}/moderate", responses=problems(NotFound))
async def moderate(
    assessment_event_id: UUID,
    how: AssessmentModerate,
    session: Session,
    actor: CurrentActor,
    language: CurrentLanguage,
    _key: IdempotencyKey = None,
) -> AssessmentsMoved:
    """Moderate all submitted assessments of an event.

    At most 1,000 a call. Those of whoever moderates, and those in which they rate, stay.
    """
    step = moderating.moderating(actor, how.note)
    return await moderating.take_event(session, actor, assessment_event_id, step, language)
