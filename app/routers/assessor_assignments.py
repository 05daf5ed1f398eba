"""Raters: whom they are to rate, their forms, and what the agency takes back."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.access.assessments import OwnAssessment
from app.dependencies import (
    CurrentActor,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    WriteStatement,
    answer_with_etag,
    etag,
    etag_of,
    next_link,
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
from app.schemas.assessor_assignments import (
    AssignmentReason,
    FormPut,
    FormSubmit,
    OwnAssignmentPage,
    OwnAssignmentQuery,
    RaterRead,
    RatingForm,
    RatingPut,
    RatingRead,
)
from app.services.assessor_assignments import assigning, forms, rating
from app.services.assessor_assignments.assigning import AnonymousGroupFixed
from app.services.assessor_assignments.rating import (
    EvidenceMissing,
    NotAllRated,
    RaterNotEmployed,
)

router = Router("/assessor-assignments", tag="assessor_assignments")
ONE = "/{assessor_assignment_id}"
CHANGE = (NotFound, StaleVersion, IfMatchRequired, TransitionNotAllowed)


@router.get("", responses=problems(InvalidCursor))
async def list_own(
    query: Annotated[OwnAssignmentQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> OwnAssignmentPage:
    """Whom I am to rate.

    The newest first.
    """
    page = await forms.list_own(reader, reader.actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get(ONE, response_model=RatingForm, responses=problems(NotFound))
async def get_form(assessor_assignment_id: UUID, reader: ReadSession) -> Response:
    """My form.

    What to rate, what each level means, and what I have given so far.
    """
    form = await forms.get_form(reader, reader.actor, assessor_assignment_id)
    return answer_with_etag(form.version, form)


@router.put(f"{ONE}/ratings", responses=problems(*CHANGE, Invalid))
async def put_form(
    assessor_assignment_id: UUID,
    given: FormPut,
    expected: ExpectedVersion,
    session: Session,
    actor: CurrentActor,
    response: Response,
) -> RatingForm:
    """Fill in my whole form.

    What isn't in it is no longer rated. If-Match takes the ETag of the form.
    """
    form = await rating.put_form(session, actor, assessor_assignment_id, expected, given)
    response.headers["ETag"] = etag_of(form.version, form)
    return form


@router.put(f"{ONE}/ratings/{{competency_id}}", responses=problems(*CHANGE))
async def rate(
    assessor_assignment_id: UUID,
    competency_id: UUID,
    given: RatingPut,
    expected: ExpectedVersion,
    writer: WriteStatement,
    response: Response,
) -> RatingRead:
    """Rate one competency.

    If-Match takes the rating's own `version`, `"0"` where it isn't rated yet: levels of several
    competencies can be sent at once.
    """
    rated = await rating.rate(
        writer, writer.actor, assessor_assignment_id, competency_id, expected, given
    )
    response.headers["ETag"] = etag(rated.version)
    return rated


@router.delete(
    f"{ONE}/ratings/{{competency_id}}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*CHANGE),
)
async def remove_rating(
    assessor_assignment_id: UUID,
    competency_id: UUID,
    expected: ExpectedVersion,
    session: Session,
    actor: CurrentActor,
    response: Response,
) -> None:
    """Take back what I gave in one competency.

    If-Match takes the rating's own `version`. The ETag of the answer is the form's new version.
    """
    version = await rating.remove_rating(
        session, actor, assessor_assignment_id, competency_id, expected
    )
    response.headers["ETag"] = etag(version)


@router.post(
    f"{ONE}/submit",
    responses=problems(
        *(NotFound, TransitionNotAllowed, NotAllRated, EvidenceMissing, RaterNotEmployed, Invalid)
    ),
)
async def submit(
    assessor_assignment_id: UUID,
    done: FormSubmit,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> RatingForm:
    """Hand in my form.

    Every competency must be rated, by an assessor with evidence or a note for each level. It
    changes no more, unless the agency returns it.
    """
    form = await rating.submit(session, actor, assessor_assignment_id, done)
    response.headers["ETag"] = etag_of(form.version, form)
    return form


@router.post(
    f"{ONE}/withdraw",
    responses=problems(NotFound, TransitionNotAllowed, OwnAssessment, AnonymousGroupFixed),
)
async def withdraw(
    assessor_assignment_id: UUID,
    why: AssignmentReason,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> RaterRead:
    """Withdraw a rater.

    What they gave no longer counts, and the candidate leaves their sight at once.
    """
    moved = await assigning.withdraw(session, actor, assessor_assignment_id, why.reason)
    response.headers["ETag"] = etag(moved.version)
    return moved


@router.post(
    f"{ONE}/return",
    responses=problems(NotFound, TransitionNotAllowed, OwnAssessment, AnonymousGroupFixed),
)
async def return_form(
    assessor_assignment_id: UUID,
    why: AssignmentReason,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _key: IdempotencyKey = None,
) -> RaterRead:
    """Return a form to its rater.

    With a reason, while the assessment is a draft.
    """
    moved = await assigning.return_form(session, actor, assessor_assignment_id, why.reason)
    response.headers["ETag"] = etag(moved.version)
    return moved
