"""What a rater gives: one level at a time or the whole form, until they submit it.

Writing one level is a single statement beside those of the transaction itself. It leans on the
lock of the rater's own assignment: who closes rating, withdraws or returns a form takes it too.

A rating's version is 0 before it is written, so that If-Match tells of each by itself: two
devices don't overwrite each other, and several levels travel at once. The form's version is the
assignment's and those of its ratings together; what a removal takes from it the assignment gives
back, so that it only grows.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    SmallInteger,
    String,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import can_rate
from app.calendar import now, today
from app.database import Reader, SessionReader
from app.errors import (
    Bilingual,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    StaleVersion,
    TransitionNotAllowed,
)
from app.models.assessments import AssessmentRating, AssessorAssignment
from app.models.employees import EmployeeStatus
from app.schemas.assessor_assignments import (
    FormCompetency,
    FormPut,
    FormRating,
    FormSubmit,
    RatingForm,
    RatingPut,
    RatingRead,
)
from app.services.assessor_assignments.assigning import TRANSITIONS
from app.services.assessor_assignments.forms import get_form
from app.services.timeline import holds
from app.vocabulary import AssessorAssignmentState, RaterSource

A, R, S = AssessorAssignment, AssessmentRating, AssessorAssignmentState


class NotAllRated(Conflict):
    """`unrated` names the competencies that are still to be rated."""

    code = "not_all_rated"
    title = Bilingual("Masih ada kompetensi yang belum dinilai", "Some competencies are not rated")


class EvidenceMissing(Conflict):
    """An assessor gives evidence or a note for every level; `without` names those that lack it."""

    code = "evidence_missing"
    title = Bilingual(
        "Asesor menyertakan bukti atau catatan untuk setiap nilai",
        "An assessor gives evidence or a note for every level",
    )


class RaterNotEmployed(Forbidden):
    """Who has left rates no more."""

    code = "rater_not_employed"
    title = Bilingual("Penilai sudah tidak berstatus aktif", "The rater is no longer employed")


# --- one level ----------------------------------------------------------------------------

RATE = text(
    """
    WITH form AS (
        SELECT id, assessment_id, rater_id, source FROM assessor_assignments
        WHERE id = :assignment_id AND rater_id = :rater_id AND state = 'assigned'
        FOR SHARE
    )
    INSERT INTO assessment_ratings AS old
        (assignment_id, assessment_id, competency_id, rater_id, source, level, note, evidence)
    SELECT f.id, f.assessment_id, c.id, f.rater_id, f.source, :level, :note,
           CAST(:evidence AS jsonb)
    FROM form f JOIN competencies c ON c.id = :competency_id
    WHERE (c.kind <> 'technical' OR EXISTS (
              SELECT FROM assessments a
              JOIN assessment_events e ON e.id = a.event_id
              JOIN competency_versions v ON v.competency_id = c.id AND v.valid @> e.ends_on
              JOIN competency_standards s ON s.position_id = a.position_id
                  AND s.competency_id = c.id AND s.valid @> e.ends_on
              WHERE a.id = f.assessment_id))
      AND :expected = coalesce((
              SELECT version FROM assessment_ratings
              WHERE assignment_id = f.id AND competency_id = c.id), 0)
    ON CONFLICT (assignment_id, competency_id) DO UPDATE
        SET level = excluded.level, note = excluded.note, evidence = excluded.evidence,
            version = old.version + 1, updated_at = clock_timestamp()
        WHERE old.version = :expected
    RETURNING version, updated_at
    """
).bindparams(
    bindparam("assignment_id", type_=Uuid()),
    bindparam("rater_id", type_=Uuid()),
    bindparam("competency_id", type_=Uuid()),
    bindparam("level", type_=SmallInteger()),
    bindparam("note", type_=String()),
    bindparam("evidence", type_=String()),
    bindparam("expected", type_=Integer()),
)


async def rate(
    reader: Reader,
    actor: Actor,
    assignment_id: UUID,
    competency_id: UUID,
    expected: int,
    given: RatingPut,
) -> RatingRead:
    """Give a level, for the first time where `expected` is 0.

    Errors: NotFound, also for a competency that isn't rated here; TransitionNotAllowed once it
    is submitted; StaleVersion.
    """
    values = given.model_dump()
    written = {**values, "evidence": json.dumps(values["evidence"])}
    keys = {"assignment_id": assignment_id, "competency_id": competency_id, "expected": expected}
    row = await reader.one(RATE, rater_id=actor.employee_id, **keys, **written)
    if row is None:
        raise await _why_not(reader, actor, assignment_id, competency_id)
    return RatingRead(competency_id=competency_id, **values, **row)


async def _why_not(
    reader: Reader, actor: Actor, assignment_id: UUID, competency_id: UUID
) -> Exception:
    """Why nothing was written."""
    form = await get_form(reader, actor, assignment_id)
    if form.state is not S.ASSIGNED:
        return _submitted(form.state)
    known = any(each.competency_id == competency_id for each in form.competencies)
    return StaleVersion() if known else NotFound()


def _submitted(state: AssessorAssignmentState) -> TransitionNotAllowed:
    return TransitionNotAllowed(state=state.value, allowed=list(TRANSITIONS[state]))


async def remove_rating(
    session: AsyncSession, actor: Actor, assignment_id: UUID, competency_id: UUID, expected: int
) -> int:
    """Take a level back: the form's new version.

    Errors: NotFound, TransitionNotAllowed, StaleVersion.
    """
    await _open(session, actor, assignment_id)
    rating = await session.scalar(
        select(R).where(R.assignment_id == assignment_id, R.competency_id == competency_id)
    )
    if rating is None:
        raise NotFound
    if rating.version != expected:
        raise StaleVersion
    await session.execute(delete(R).where(R.id == rating.id))
    await _grow(session, assignment_id, expected + 1)
    return (await get_form(SessionReader(session), actor, assignment_id)).version


# --- the whole form -----------------------------------------------------------------------

WRITE = text(
    """
    INSERT INTO assessment_ratings AS old
        (assignment_id, assessment_id, competency_id, rater_id, source, level, note, evidence)
    SELECT f.id, f.assessment_id, given.competency_id, f.rater_id, f.source,
           given.level, given.note, given.evidence::jsonb
    FROM assessor_assignments f, unnest(:competencies, :levels, :notes, :evidences)
        AS given (competency_id, level, note, evidence)
    WHERE f.id = :assignment_id
    ON CONFLICT (assignment_id, competency_id) DO UPDATE
        SET level = excluded.level, note = excluded.note, evidence = excluded.evidence,
            version = old.version + 1, updated_at = clock_timestamp()
        WHERE (old.level, old.note, old.evidence)
            IS DISTINCT FROM (excluded.level, excluded.note, excluded.evidence)
    """
).bindparams(
    bindparam("assignment_id", type_=Uuid()),
    bindparam("competencies", type_=ARRAY(Uuid())),
    bindparam("levels", type_=ARRAY(SmallInteger())),
    bindparam("notes", type_=ARRAY(String())),
    bindparam("evidences", type_=ARRAY(String())),
)


async def put_form(
    session: AsyncSession, actor: Actor, assignment_id: UUID, expected: int, given: FormPut
) -> RatingForm:
    """Give all levels at once; what isn't among them is no longer rated.

    Errors: NotFound, TransitionNotAllowed, StaleVersion; Invalid where a competency isn't rated
    here, or is named twice.
    """
    await _open(session, actor, assignment_id)
    form = await get_form(SessionReader(session), actor, assignment_id)
    if form.version != expected:
        raise StaleVersion
    _require_fitting(form, given.ratings)
    await session.execute(WRITE, {"assignment_id": assignment_id, **_columns(given.ratings)})
    kept = {rating.competency_id for rating in given.ratings}
    dropped = [c.rating for c in form.competencies if c.rating and c.competency_id not in kept]
    if dropped:
        gone = R.competency_id.in_([rating.competency_id for rating in dropped])
        await session.execute(delete(R).where(R.assignment_id == assignment_id, gone))
        await _grow(session, assignment_id, sum(rating.version for rating in dropped) + 1)
    return await get_form(SessionReader(session), actor, assignment_id)


def _columns(ratings: Sequence[FormRating]) -> dict[str, Any]:
    return {
        "competencies": [each.competency_id for each in ratings],
        "levels": [each.level for each in ratings],
        "notes": [each.note for each in ratings],
        "evidences": [json.dumps([e.model_dump() for e in each.evidence]) for each in ratings],
    }


def _require_fitting(form: RatingForm, ratings: Sequence[FormRating]) -> None:
    to_rate = {each.competency_id for each in form.competencies}
    errors, seen = [], set[UUID]()
    for number, rating in enumerate(ratings):
        competency_id, pointer = rating.competency_id, f"/ratings/{number}/competency_id"
        if competency_id not in to_rate:
            detail = Bilingual("Tidak dinilai di sini.", "Not rated here.")
            errors.append(FieldError(pointer, "unknown", detail))
        elif competency_id in seen:
            detail = Bilingual("Disebut dua kali.", "Named twice.")
            errors.append(FieldError(pointer, "named_twice", detail))
        seen.add(competency_id)
    if errors:
        raise Invalid(errors=errors)


# --- submitting ---------------------------------------------------------------------------


async def submit(
    session: AsyncSession, actor: Actor, assignment_id: UUID, done: FormSubmit
) -> RatingForm:
    """Hand the form in: nothing in it changes any more, unless the agency returns it.

    Errors: NotFound, TransitionNotAllowed, NotAllRated, EvidenceMissing, RaterNotEmployed;
    Invalid where somebody else than an assessor scores the potential.
    """
    source = await _open(session, actor, assignment_id)
    if done.potential_score is not None and source is not RaterSource.ASSESSOR:
        detail = Bilingual("Hanya oleh asesor.", "By an assessor only.")
        raise Invalid(errors=[FieldError("/potential_score", "assessor_only", detail)])
    await _require_employed(session, actor)
    form = await get_form(SessionReader(session), actor, assignment_id)
    _require_complete(form)
    score = done.potential_score and Decimal(done.potential_score)
    values = {"state": S.SUBMITTED, "submitted_at": now(), "potential_score": score}
    await _write(session, assignment_id, {"version": A.version + 1, **values})
    return await get_form(SessionReader(session), actor, assignment_id)


def _require_complete(form: RatingForm) -> None:
    unrated = [each for each in form.competencies if each.rating is None]
    if unrated:
        raise NotAllRated(unrated=_named(unrated))
    if form.source is RaterSource.ASSESSOR:
        without = [each for each in form.competencies if not _is_evident(each)]
        if without:
            raise EvidenceMissing(without=_named(without))


def _is_evident(competency: FormCompetency) -> bool:
    rating = competency.rating
    return rating is not None and bool(rating.evidence or rating.note)


def _named(competencies: Sequence[FormCompetency]) -> list[dict[str, str]]:
    return [{"competency_id": str(c.competency_id), "code": c.code} for c in competencies]


async def _require_employed(session: AsyncSession, actor: Actor) -> None:
    status = select(EmployeeStatus.id).where(
        EmployeeStatus.employee_id == actor.employee_id, holds(EmployeeStatus)
    )
    if await session.scalar(status, {"as_of": today()}) is None:
        raise RaterNotEmployed


# --- shared -------------------------------------------------------------------------------


async def _open(session: AsyncSession, actor: Actor, assignment_id: UUID) -> RaterSource:
    """The source of the actor's assignment, locked and still open.

    Errors: NotFound, TransitionNotAllowed.
    """
    mine = select(A.source, A.rater_id).where(A.id == assignment_id, A.state == S.ASSIGNED)
    row = (await session.execute(mine.with_for_update(key_share=True))).one_or_none()
    if row is None or not can_rate(actor, row.rater_id):
        form = await get_form(SessionReader(session), actor, assignment_id)
        raise _submitted(form.state)
    return RaterSource(row.source)


async def _grow(session: AsyncSession, assignment_id: UUID, by: int) -> None:
    await _write(session, assignment_id, {"version": A.version + by})


async def _write(session: AsyncSession, assignment_id: UUID, values: Mapping[str, Any]) -> None:
    written = update(A).where(A.id == assignment_id).values(updated_at=func.now(), **values)
    await session.execute(written.execution_options(synchronize_session=False))
