"""From moderated ratings to a result that counts, and from a result to its next version.

Results are only ever added. Of one assessment the last version counts; of one person's
assessments the one that was measured last is `published`, and older ones are `superseded`:
their states follow from the results, whatever the order in which they are published.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import OwnAssessment, require_another
from app.calendar import now, today
from app.database import SessionReader
from app.errors import (
    Bilingual,
    Conflict,
    DomainError,
    Language,
    NotFound,
    TransitionNotAllowed,
)
from app.models.assessments import Assessment, AssessmentEvent, AssessmentResult
from app.models.employees import Employee
from app.rules.scoring import RulesUsed, ScoringInputs
from app.schemas.assessments import AssessmentsMoved, RefusedAssessment
from app.services.assessment_events import locked_event
from app.services.assessments.moderating import AT_ONCE, MOST_REFUSALS, TRANSITIONS
from app.services.results.gathering import NoStandard, gather, rules_for
from app.services.results.scored import Scored
from app.vocabulary import AssessmentState

S = AssessmentState


class ResultReplaced(Conflict):
    """Another version stands in this result's place: a new one is made from that."""

    code = "result_replaced"
    title = Bilingual(
        "Sudah ada versi hasil yang lebih baru", "A newer version of the result stands in its place"
    )


class EventNotOver(Conflict):
    """A result counts from the last day of measuring: before it there is none."""

    code = "event_not_over"
    title = Bilingual("Kegiatan belum selesai", "The event isn't over yet")


@dataclass(frozen=True, slots=True)
class Published:
    """What came of publishing, by assessment."""

    results: Mapping[UUID, UUID]
    refused: Mapping[UUID, DomainError]


# --- the first version ----------------------------------------------------------------------


async def publish(session: AsyncSession, actor: Actor, assessment_id: UUID, reason: str) -> UUID:
    """Publish one moderated assessment: the id of its result.

    Errors: NotFound, EventNotOver, OwnAssessment, TransitionNotAllowed, NoStandard, NoRules.
    """
    assessment = await session.get(Assessment, assessment_id)
    if assessment is None:
        raise NotFound
    require_another(actor, assessment.employee_id)
    event = await locked_event(session, assessment.event_id, shared=True)
    people = {assessment_id: assessment.employee_id}
    published = await _publish(session, actor, event, people, reason)
    if refusal := published.refused.get(assessment_id):
        raise refusal
    return published.results[assessment_id]


async def publish_event(
    session: AsyncSession, actor: Actor, event_id: UUID, reason: str, language: Language = "id"
) -> AssessmentsMoved:
    """Publish the moderated assessments of an event, at most `AT_ONCE` a call.

    Errors: NotFound, EventNotOver, NoRules. What is wrong with one assessment only is told, and
    keeps it moderated, without hindering the others.
    """
    event = await locked_event(session, event_id, shared=True)
    moderated = (Assessment.event_id == event_id) & (Assessment.state == S.MODERATED)
    waiting = select(Assessment.id, Assessment.employee_id).where(moderated)
    chosen = await session.execute(waiting.order_by(Assessment.id).limit(AT_ONCE))
    published = await _publish(session, actor, event, dict(chosen.all()), reason)
    left = await session.scalar(select(func.count()).where(moderated)) or 0
    refused = list(published.refused.items())
    return AssessmentsMoved(
        done=len(published.results),
        remaining=left - len(refused),
        refused=len(refused),
        refusals=[
            RefusedAssessment(assessment_id=each, code=why.code, detail=why.title.text(language))
            for each, why in refused[:MOST_REFUSALS]
        ],
    )


async def _publish(
    session: AsyncSession,
    actor: Actor,
    event: AssessmentEvent,
    people: Mapping[UUID, UUID],
    reason: str,
) -> Published:
    """Publish these assessments of one event, given with the person of each."""
    if event.ends_on > today():
        raise EventNotOver
    rules = rules_for(event)
    own = {each for each, person in people.items() if actor.is_self(person)}
    refused: dict[UUID, DomainError] = {each: OwnAssessment() for each in own}
    assessments = await _locked(session, {i: p for i, p in people.items() if i not in own})
    refused |= {each.id: _wrong_state(each) for each in assessments if each.state != S.MODERATED}
    ready = [each for each in assessments if each.id not in refused]
    inputs = await gather(SessionReader(session), event, ready, rules)
    refused |= {each.id: NoStandard() for each in ready if each.id not in inputs}
    scorable = [each for each in ready if each.id in inputs]
    # On a thread: a thousand of them take a second, in which the loop serves others.
    scored = await asyncio.to_thread(_score_all, inputs, rules)
    rows = [_row(actor, each, scored[each.id], reason) for each in scorable]
    results = await _insert(session, rows)
    await _settle(session, [each.employee_id for each in scorable])
    return Published(results, refused)


def _score_all(inputs: Mapping[UUID, ScoringInputs], rules: RulesUsed) -> dict[UUID, Scored]:
    return {each: Scored.of(given, rules) for each, given in inputs.items()}


def _wrong_state(assessment: Assessment) -> TransitionNotAllowed:
    allowed = list(TRANSITIONS[assessment.state])
    return TransitionNotAllowed(state=assessment.state.value, allowed=allowed)


async def _locked(session: AsyncSession, people: Mapping[UUID, UUID]) -> Sequence[Assessment]:
    """The assessments as they are now, in the turn of their people."""
    await _take_turn(session, people.values())
    assessments = select(Assessment).where(Assessment.id.in_(people)).order_by(Assessment.id)
    fresh = assessments.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(fresh)).all()


async def _take_turn(session: AsyncSession, people: Collection[UUID]) -> None:
    """Two publications of one person's results would not see each other's."""
    turn = select(Employee.id).where(Employee.id.in_(people)).order_by(Employee.id)
    await session.execute(turn.with_for_update(key_share=True))


def _row(
    actor: Actor, assessment: Assessment, scored: Scored, reason: str, version_no: int = 1
) -> dict[str, Any]:
    return {
        "assessment_id": assessment.id,
        "employee_id": assessment.employee_id,
        "position_id": assessment.position_id,
        "version_no": version_no,
        "reason": reason,
        "published_by": actor.account_id,
        **scored.columns(),
    }


SCORES = text(
    """
    INSERT INTO competency_scores (result_id, employee_id, competency_id, competency_version_id,
                                   required, actual, gap, surplus)
    SELECT r.id, r.employee_id, c.id, (i.one ->> 'competency_version_id')::uuid,
           (o.one ->> 'required')::smallint, (o.one ->> 'actual')::numeric,
           (o.one ->> 'gap')::numeric, (o.one ->> 'surplus')::numeric
    FROM assessment_results r
    CROSS JOIN jsonb_array_elements(r.outcome -> 'competencies') AS o(one)
    JOIN jsonb_array_elements(r.inputs -> 'competencies') AS i(one)
        ON i.one ->> 'code' = o.one ->> 'code'
    JOIN competencies c ON c.code = o.one ->> 'code'
    WHERE r.id = ANY (:ids)
    """
)
"""The scores of a result are read off its outcome, so that they can't differ."""


async def _insert(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> dict[UUID, UUID]:
    """Write results and their scores, a statement each: by assessment, the result's id."""
    if not rows:
        return {}
    made = insert(AssessmentResult).returning(AssessmentResult.assessment_id, AssessmentResult.id)
    results = dict((await session.execute(made, rows)).all())
    await session.execute(SCORES, {"ids": list(results.values())})
    return results


async def _settle(session: AsyncSession, people: Collection[UUID]) -> None:
    """The states of these people's assessments, by their results; and all that depends on them."""
    if not people:
        return
    r = AssessmentResult
    newest_first = (r.assessed_on.desc(), r.published_at.desc())
    place = func.row_number().over(partition_by=r.employee_id, order_by=newest_first)
    ranked = (
        select(r.assessment_id, place.label("place"))
        .where(r.employee_id.in_(people), r.superseded_at.is_(None))
        .subquery()
    )
    state = case((ranked.c.place == 1, S.PUBLISHED.value), else_=S.SUPERSEDED.value)
    await session.execute(
        update(Assessment)
        .where(Assessment.id == ranked.c.assessment_id, Assessment.state != state)
        .values(state=state, version=Assessment.version + 1)
        .execution_options(synchronize_session=False)
    )


# --- the versions after it ------------------------------------------------------------------


async def new_version(
    session: AsyncSession,
    actor: Actor,
    result_id: UUID,
    *,
    inputs: ScoringInputs,
    reason: str,
) -> AssessmentResult:
    """Put another version in the place of a result: these inputs, by the same rules as before.

    A rule pack that came since doesn't touch it. Errors: NotFound; OwnAssessment; ResultReplaced
    where the result isn't the last version; ValueError where the inputs are of another
    assessment.
    """
    statement = select(AssessmentResult).where(AssessmentResult.id == result_id)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    old = await session.scalar(fresh)
    if old is None:
        raise NotFound
    require_another(actor, old.employee_id)
    if old.superseded_at is not None:
        raise ResultReplaced
    if (inputs.purpose, inputs.assessed_on) != (old.purpose, old.assessed_on):
        raise ValueError("a version is of the same purpose and day as the one before it")
    await _take_turn(session, [old.employee_id])
    assessment = await session.get_one(Assessment, old.assessment_id)
    scored = Scored.of(inputs, RulesUsed.from_json(old.rules))
    row = _row(actor, assessment, scored, reason, old.version_no + 1)
    old.superseded_at = now()
    await session.flush()  # one version at a time counts
    made = await _insert(session, [row])
    await _settle(session, [old.employee_id])
    return await session.get_one(AssessmentResult, made[old.assessment_id])
