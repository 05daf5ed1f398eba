"""Results of assessments: publishing, reading, a person's profile, and computing again."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.access.assessments import OwnAssessment
from app.database import SessionReader
from app.dependencies import (
    CurrentActor,
    CurrentLanguage,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    answer_with_etag,
    next_link,
    told,
)
from app.errors import (
    Invalid,
    InvalidCursor,
    Language,
    NotFound,
    TransitionNotAllowed,
    problems,
)
from app.schemas.assessment_results import (
    AssessmentResultPage,
    AssessmentResultQuery,
    AssessmentResultRead,
    CompetencyProfileRead,
    PersonHistory,
    ReplayReport,
    ReplayRequest,
    ResultPublish,
    SeatComparison,
)
from app.schemas.assessments import AssessmentsMoved
from app.services.results import comparing, profile, publishing, reading, replaying
from app.services.results.gathering import NoRules, NoStandard
from app.services.results.publishing import EventNotOver

router = Router(tag="assessment_results")
PERSON = "/employees/{employee_id}"
Responses = dict[int | str, dict[str, Any]]
WITH_ETAG: Responses = {200: {"headers": told("ETag")}}
SVG: Responses = {
    200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "headers": told("ETag")}
}


@router.post(
    "/assessments/{assessment_id}/publish",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        NotFound, EventNotOver, OwnAssessment, TransitionNotAllowed, NoStandard, NoRules
    ),
)
async def publish(
    assessment_id: UUID,
    body: ResultPublish,
    session: Session,
    actor: CurrentActor,
    request: Request,
    language: CurrentLanguage,
    response: Response,
    _key: IdempotencyKey = None,
) -> AssessmentResultRead:
    """Publish a moderated assessment.

    Its ratings become a result by the rules of the event's last day. Older assessments of the
    person are superseded; where a newer one is published already, this one is at once.
    """
    result = await publishing.publish(session, actor, assessment_id, body.reason)
    base = request.url.path.partition("/assessments/")[0]
    response.headers["Location"] = f"{base}/assessment-results/{result}"
    return await reading.get_result(SessionReader(session), actor, result, language)


@router.post(
    "/assessment-events/{assessment_event_id}/publish",
    responses=problems(NotFound, EventNotOver, NoRules),
)
async def publish_event(
    assessment_event_id: UUID,
    body: ResultPublish,
    session: Session,
    actor: CurrentActor,
    language: CurrentLanguage,
    _key: IdempotencyKey = None,
) -> AssessmentsMoved:
    """Publish an event's moderated assessments.

    At most 1,000 a call: call again while `remaining` is more than 0. What stands in the way of
    one doesn't hinder the others.
    """
    reason = body.reason
    return await publishing.publish_event(session, actor, assessment_event_id, reason, language)


@router.get("/assessment-results", responses=problems(InvalidCursor))
async def list_results(
    query: Annotated[AssessmentResultQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> AssessmentResultPage:
    """Results of assessments.

    The last published first. An ASN sees their own, those of people whom they lead, and those
    of assessments in which they are an assessor.
    """
    page = await reading.list_results(reader, reader.actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post("/assessment-results/replay", responses=problems(Invalid))
async def replay(body: ReplayRequest, reader: ReadSession) -> ReplayReport:
    """Compute results again.

    One person's, one event's or a sample, at most 1,000 results: tells which are not what their
    stored inputs and rules give. Changes nothing. `kemuning rules replay` does it for all.
    """
    return await replaying.replay_some(reader, body)


@router.get(
    "/assessment-results/{result_id}",
    response_model=AssessmentResultRead,
    responses={**WITH_ETAG, **problems(NotFound)},
)
async def get_result(result_id: UUID, reader: ReadSession, language: CurrentLanguage) -> Response:
    """One result.

    With its scores, every variant of the job person match, its rules in words, and all versions.
    Auditors get what is needed to compute it again. Words follow Accept-Language.
    """
    found = await reading.get_result(reader, reader.actor, result_id, language)
    return _in(language, answer_with_etag(found.version_no, found))


@router.get(
    f"{PERSON}/competency-profile",
    response_model=CompetencyProfileRead,
    responses={**WITH_ETAG, **problems(NotFound)},
)
async def get_profile(
    employee_id: UUID, reader: ReadSession, language: CurrentLanguage
) -> Response:
    """A person's competencies.

    In one document: where they stand and since when, what to do now, how it was measured, what
    would change it, and until when to object. For the person and those who lead them. Words
    follow Accept-Language.
    """
    found = await profile.get_profile(reader, reader.actor, employee_id, language)
    version = found.result.version_no if found.result else 0
    return _in(language, answer_with_etag(version, found))


@router.get(
    f"{PERSON}/competency-profile/radar.svg",
    response_class=Response,
    responses={**SVG, **problems(NotFound)},
)
async def get_radar(employee_id: UUID, reader: ReadSession, language: CurrentLanguage) -> Response:
    """The profile as a radar chart.

    An accessible SVG: its title and description say what it shows, in the language of
    Accept-Language.
    """
    drawn = (await profile.get_radar(reader, reader.actor, employee_id, language)).encode()
    headers = {"ETag": f'"{hashlib.sha256(drawn).hexdigest()[:16]}"'}
    return _in(language, Response(drawn, headers=headers, media_type="image/svg+xml"))


@router.get(
    f"{PERSON}/competency-history",
    response_model=PersonHistory,
    responses={**WITH_ETAG, **problems(NotFound)},
)
async def get_history(employee_id: UUID, reader: ReadSession) -> Response:
    """A person's results over time.

    Oldest first, and each competency over them.
    """
    found = await comparing.get_history(reader, reader.actor, employee_id)
    return answer_with_etag(len(found.results), found)


@router.get(
    f"{PERSON}/comparison",
    response_model=SeatComparison,
    responses={**WITH_ETAG, **problems(NotFound)},
)
async def compare(
    employee_id: UUID,
    reader: ReadSession,
    language: CurrentLanguage,
    position_id: Annotated[
        UUID | None,
        Query(description="The seat to compare with; left out, the one held for good today."),
    ] = None,
) -> Response:
    """What a person would need for a seat.

    By the standard that the position has today, against the newest result.
    """
    found = await comparing.compare(reader, reader.actor, employee_id, position_id, language)
    return _in(language, answer_with_etag(0, found))


def _in(language: Language, answer: Response) -> Response:
    """The answer, of which the words follow Accept-Language."""
    answer.headers.update({"Content-Language": language, "Vary": "Accept-Language"})
    return answer
