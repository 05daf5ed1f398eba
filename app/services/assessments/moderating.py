"""From draft to moderated, one assessment or a whole event: what is ready moves on.

Every step takes assessments that are locked, says of each what stands in its way, and moves the
others in one statement. A single one is the same with what stands in its way raised.

Whoever adds, withdraws or returns a rater holds the assessment's lock too, and only while it is
a draft. So a rater who is still `assigned` always rates in a draft, and the rater's own writes
need to look at nothing but their assignment.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import OwnAssessment, require_another
from app.calendar import now
from app.database import Row, SessionReader
from app.errors import (
    Bilingual,
    Conflict,
    DomainError,
    Forbidden,
    Language,
    NotFound,
    TransitionNotAllowed,
)
from app.models.assessments import Assessment, AssessorAssignment
from app.schemas.assessments import AssessmentRead, AssessmentsMoved, RefusedAssessment
from app.services.assessment_events import locked_event
from app.services.assessments.reading import get_assessment
from app.vocabulary import AssessmentState, AssessorAssignmentState

S = AssessmentState
TRANSITIONS: Mapping[AssessmentState, tuple[AssessmentState, ...]] = {
    S.DRAFT: (S.SUBMITTED, S.CANCELLED),
    S.SUBMITTED: (S.MODERATED, S.DRAFT, S.CANCELLED),
    S.MODERATED: (S.PUBLISHED, S.DRAFT),
    S.PUBLISHED: (S.SUPERSEDED,),
    S.SUPERSEDED: (),
    S.CANCELLED: (),
}
AT_ONCE: Final = 1000
"""Assessments of an event that one call moves."""
MOST_REFUSALS: Final = 200
"""Refused ones that an answer names."""


class NobodyAssessed(Conflict):
    """No assessor has submitted: there is nothing to moderate."""

    code = "nobody_assessed"
    title = Bilingual("Belum ada asesor yang menyerahkan nilai", "No assessor has submitted")


class RatersPending(Conflict):
    """Some raters have not submitted; `close_pending` withdraws them."""

    code = "raters_pending"
    title = Bilingual(
        "Masih ada penilai yang belum menyerahkan nilai", "Some raters have not submitted"
    )


class RaterModerates(Forbidden):
    """Who rates in an assessment doesn't moderate it."""

    code = "rater_moderates"
    title = Bilingual(
        "Penilai tidak memoderasi penilaiannya sendiri",
        "A rater can't moderate the same assessment",
    )


Refusal = Callable[[Actor, Row], DomainError | None]


@dataclass(frozen=True, slots=True)
class Step:
    """A move of the state, what it writes beside it, and what stands in its way."""

    to: AssessmentState
    values: Mapping[str, object]
    refusal: Refusal = lambda _actor, _standing: None
    withdraws: tuple[AssessorAssignmentState, ...] = ()
    """Raters in these states are withdrawn with it."""


def submitting(*, close_pending: bool) -> Step:
    """Close rating. `submitted_at` stays when it is returned: see `AnonymousGroupFixed`."""

    def refusal(_: Actor, standing: Row) -> DomainError | None:
        if not standing["assessors"]:
            return NobodyAssessed()
        if standing["pending"] and not close_pending:
            return RatersPending(pending=standing["pending"])
        return None

    values = {"submitted_at": now(), "note": None}
    return Step(S.SUBMITTED, values, refusal, withdraws=(AssessorAssignmentState.ASSIGNED,))


def moderating(actor: Actor, note: str | None) -> Step:
    """Say that the ratings are sound. Without a note, what an import noted stays."""

    def refusal(_: Actor, standing: Row) -> DomainError | None:
        return RaterModerates() if standing["rated_by_actor"] else None

    values: dict[str, object] = {"moderated_by": actor.account_id, "moderated_at": now()}
    if note is not None:
        values["note"] = note
    return Step(S.MODERATED, values, refusal)


def returning(reason: str) -> Step:
    """Open rating again."""
    return Step(S.DRAFT, {"moderated_by": None, "moderated_at": None, "note": reason})


def cancelling(reason: str) -> Step:
    """Give it up. All raters lose sight of the candidate."""
    every = (AssessorAssignmentState.ASSIGNED, AssessorAssignmentState.SUBMITTED)
    return Step(S.CANCELLED, {"note": reason}, withdraws=every)


# --- one ----------------------------------------------------------------------------------


async def take(
    session: AsyncSession, actor: Actor, assessment_id: UUID, step: Step
) -> AssessmentRead:
    """Take a step with one assessment.

    Errors: NotFound, OwnAssessment, TransitionNotAllowed, and what the step refuses.
    """
    await locked(session, actor, assessment_id, step.to)
    refused = await _take(session, actor, [assessment_id], step)
    if assessment_id in refused:
        raise refused[assessment_id]
    return await get_assessment(SessionReader(session), actor, assessment_id)


async def locked(
    session: AsyncSession, actor: Actor, assessment_id: UUID, to: AssessmentState | None = None
) -> Assessment:
    """The assessment, which nobody else moves meanwhile, and which may move to that state.

    Without `to` it must be a draft: only then do its raters change.
    Errors: NotFound, OwnAssessment, TransitionNotAllowed.
    """
    statement = select(Assessment).where(Assessment.id == assessment_id)
    # Not the key: a rater's new rating refers to it, and whoever waits for that rater holds this.
    fresh = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    assessment: Assessment | None = await session.scalar(fresh)
    if assessment is None:
        raise NotFound
    require_another(actor, assessment.employee_id)
    allowed = TRANSITIONS[assessment.state]
    if to not in allowed if to else assessment.state is not S.DRAFT:
        raise TransitionNotAllowed(state=assessment.state.value, allowed=list(allowed))
    return assessment


# --- an event -----------------------------------------------------------------------------


async def take_event(
    session: AsyncSession, actor: Actor, event_id: UUID, step: Step, language: Language
) -> AssessmentsMoved:
    """Take a step with all of an event's assessments that are ready, at most `AT_ONCE` a call.

    Errors: NotFound. What stands in one's way doesn't hinder the others.
    """
    await locked_event(session, event_id, shared=True)
    sources = [state for state, allowed in TRANSITIONS.items() if step.to in allowed]
    waiting = select(Assessment.id).where(
        Assessment.event_id == event_id, Assessment.state.in_(sources)
    )
    ids = (
        await session.scalars(waiting.order_by(Assessment.id).with_for_update(key_share=True))
    ).all()
    refused = await _refusals(session, actor, ids, step)
    ready = [each for each in ids if each not in refused]
    await _move(session, ready[:AT_ONCE], step)
    return AssessmentsMoved(
        done=len(ready[:AT_ONCE]),
        remaining=len(ready[AT_ONCE:]),
        refused=len(refused),
        refusals=[
            RefusedAssessment(assessment_id=each, code=why.code, detail=why.title.text(language))
            for each, why in list(refused.items())[:MOST_REFUSALS]
        ],
    )


# --- both ---------------------------------------------------------------------------------

STANDING = text(
    """
    SELECT a.id, a.employee_id,
           count(*) FILTER (WHERE r.state = 'assigned') AS pending,
           count(*) FILTER (WHERE r.state = 'submitted' AND r.source = 'assessor') AS assessors,
           coalesce(bool_or(r.rater_id = :actor), false) AS rated_by_actor
    FROM assessments a
    LEFT JOIN assessor_assignments r ON r.assessment_id = a.id AND r.state <> 'withdrawn'
    WHERE a.id = ANY (:ids) GROUP BY a.id ORDER BY a.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("actor", type_=Uuid()))
"""A rater who submits meanwhile only brings it further: their rows need no lock."""


async def _take(
    session: AsyncSession, actor: Actor, ids: Collection[UUID], step: Step
) -> dict[UUID, DomainError]:
    refused = await _refusals(session, actor, ids, step)
    await _move(session, [each for each in ids if each not in refused], step)
    return refused


async def _refusals(
    session: AsyncSession, actor: Actor, ids: Collection[UUID], step: Step
) -> dict[UUID, DomainError]:
    """What stands in the way of each of these assessments."""
    values = {"ids": list(ids), "actor": actor.employee_id}
    refused: dict[UUID, DomainError] = {}
    for standing in await SessionReader(session).all(STANDING, **values):
        own = actor.is_self(standing["employee_id"])
        why = OwnAssessment() if own else step.refusal(actor, standing)
        if why is not None:
            refused[standing["id"]] = why
    return refused


async def _move(session: AsyncSession, ids: Iterable[UUID], step: Step) -> None:
    """Set-based: a thousand assessments make one audit event, not a thousand."""
    ids = list(ids)
    if not ids:
        return
    moved: dict[str, Any] = {"state": step.to, **step.values}
    await _write(session, Assessment, Assessment.id.in_(ids), moved)
    if step.withdraws:
        raters = AssessorAssignment.assessment_id.in_(ids)
        open_ones = AssessorAssignment.state.in_(step.withdraws)
        withdrawn = {"state": AssessorAssignmentState.WITHDRAWN, "submitted_at": None}
        await _write(session, AssessorAssignment, raters & open_ones, withdrawn)


async def _write(session: AsyncSession, model: Any, rows: Any, values: Mapping[str, Any]) -> None:
    versioned = {"version": model.version + 1, "updated_at": now(), **values}
    statement = update(model).where(rows).values(versioned)
    await session.execute(statement.execution_options(synchronize_session=False))
