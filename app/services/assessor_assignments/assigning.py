"""Who rates whom: assigned by the agency, as what they truly are to the candidate.

Independence is checked on the days of the event: who leads whom on its first, and marriage on
any of them. Nobody assesses themself, their superior or their spouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import can_see_assessment, require_another
from app.calendar import now, today
from app.database import Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, TransitionNotAllowed
from app.models.assessments import Assessment, AssessmentEvent, AssessorAssignment
from app.schemas.assessments import AssessedPerson
from app.schemas.assessor_assignments import (
    AssignmentList,
    Rater,
    RaterRead,
    RatersAssign,
)
from app.services.assessments.moderating import locked
from app.services.assessments.reading import names_of
from app.vocabulary import AssessorAssignmentState, RaterSource

S = AssessorAssignmentState
TRANSITIONS: Mapping[AssessorAssignmentState, tuple[AssessorAssignmentState, ...]] = {
    S.ASSIGNED: (S.SUBMITTED, S.WITHDRAWN),
    S.SUBMITTED: (S.ASSIGNED, S.WITHDRAWN),
    S.WITHDRAWN: (),
}


class AnonymousGroupFixed(Conflict):
    """Mean and range of peers and subordinates have been shown: one more or less would tell."""

    code = "anonymous_group_fixed"
    title = Bilingual(
        "Penilai anonim tidak berubah lagi sesudah penilaian pernah ditutup",
        "Anonymous raters no longer change once rating has been closed",
    )


class AlreadyAssigned(Conflict):
    """Somebody else has just assigned one of these raters."""

    code = "already_assigned"
    title = Bilingual("Penilai sudah ditugaskan", "The rater is already assigned")
    constraints = ("uq_assessor_assignments_assessment_id_rater_id",)


# --- assigning ----------------------------------------------------------------------------

WRONG = {
    "unknown": Bilingual("Tidak dikenal.", "Unknown."),
    "named_twice": Bilingual("Disebut dua kali.", "Named twice."),
    "already_assigned": Bilingual("Sudah ditugaskan.", "Already assigned."),
    "not_employed": Bilingual("Sudah tidak berstatus aktif.", "No longer employed."),
    "rater_is_spouse": Bilingual("Pasangan dari yang dinilai.", "Married to the candidate."),
    "not_independent": Bilingual(
        "Asesor tidak menilai diri sendiri, atasan, atau bawahannya; hubungannya: {relation}.",
        "An assessor assesses neither themself nor their superior or subordinate; theirs is "
        "{relation}.",
    ),
    "source_not_true": Bilingual(
        "Pada hari pertama kegiatan hubungannya: {relation}.",
        "On the first day of the event they are: {relation}.",
    ),
}
RELATIONS: Mapping[RaterSource, Bilingual] = {
    RaterSource.SELF: Bilingual("diri sendiri", "the candidate"),
    RaterSource.SUPERIOR: Bilingual("atasan", "superior"),
    RaterSource.SUBORDINATE: Bilingual("bawahan", "subordinate"),
    RaterSource.PEER: Bilingual("rekan kerja", "peer"),
    RaterSource.ASSESSOR: Bilingual("asesor", "assessor"),
}
FACTS = text(
    """
    SELECT given.number, given.rater_id, given.source, e.id IS NOT NULL AS known,
           given.rater_id = :candidate AS is_self,
           given.rater_id = ANY ((SELECT app.superiors(:candidate, :first))::uuid[]) AS leads,
           :candidate = ANY (app.superiors(given.rater_id, :first)) AS led,
           EXISTS (SELECT FROM employee_statuses s
                   WHERE s.employee_id = e.id AND s.valid @> CAST(:today AS date)) AS employed,
           EXISTS (SELECT FROM employee_spouses m
                   WHERE m.valid && daterange(:first, :last, '[]')
                   AND (m.employee_id, m.spouse_id) IN
                       ((e.id, :candidate), (:candidate, e.id))) AS married,
           EXISTS (SELECT FROM assessor_assignments a
                   WHERE a.assessment_id = :assessment_id AND a.rater_id = e.id
                   AND a.state <> 'withdrawn') AS assigned
    FROM unnest(:raters, :sources) WITH ORDINALITY AS given (rater_id, source, number)
    LEFT JOIN employees e ON e.id = given.rater_id
    ORDER BY given.number
    """
).bindparams(
    bindparam("candidate", type_=Uuid()),
    bindparam("raters", type_=ARRAY(Uuid())),
    bindparam("sources", type_=ARRAY(String())),
)
INSERT = text(
    """
    INSERT INTO assessor_assignments
        (assessment_id, candidate_id, rater_id, source, created_at, updated_at)
    SELECT :assessment_id, :candidate, given.rater_id, given.source, :now, :now
    FROM unnest(:raters, :sources) AS given (rater_id, source)
    """
).bindparams(bindparam("raters", type_=ARRAY(Uuid())), bindparam("sources", type_=ARRAY(String())))


async def assign_raters(
    session: AsyncSession, actor: Actor, assessment_id: UUID, new: RatersAssign
) -> AssignmentList:
    """Assign these raters, or none of them.

    Errors: NotFound, OwnAssessment, TransitionNotAllowed unless it is a draft, AlreadyAssigned,
    AnonymousGroupFixed; Invalid, with what is wrong with whom.
    """
    assessment = await locked(session, actor, assessment_id)
    for rater in new.raters:
        _require_open_group(assessment, rater.source)
    errors = list(_errors(await _facts(session, assessment, new.raters)))
    if errors:
        raise Invalid(errors=errors)
    await session.execute(
        INSERT,
        {
            "assessment_id": assessment_id,
            "candidate": assessment.employee_id,
            "raters": [rater.employee_id for rater in new.raters],
            "sources": [rater.source.value for rater in new.raters],
            "now": now(),
        },
    )
    return await list_raters(SessionReader(session), actor, assessment_id)


def _require_open_group(assessment: Assessment, source: RaterSource) -> None:
    if source.is_anonymous and assessment.submitted_at is not None:
        raise AnonymousGroupFixed


async def _facts(
    session: AsyncSession, assessment: Assessment, raters: Sequence[Rater]
) -> Sequence[Row]:
    event = await session.get_one(AssessmentEvent, assessment.event_id)
    return await SessionReader(session).all(
        FACTS,
        assessment_id=assessment.id,
        candidate=assessment.employee_id,
        first=event.starts_on,
        last=event.ends_on,
        today=today(),
        raters=[rater.employee_id for rater in raters],
        sources=[rater.source.value for rater in raters],
    )


def _errors(facts: Sequence[Row]) -> Iterator[FieldError]:
    seen: set[UUID] = set()
    for fact in facts:
        found = _wrong(fact, seen)
        if found is not None:
            field, code = found
            pointer = f"/raters/{fact['number'] - 1}/{field}"
            yield FieldError(pointer, code, _in_words(code, fact))
        seen.add(fact["rater_id"])


def _in_words(code: str, fact: Row) -> Bilingual:
    relations = [RELATIONS[source] for source in sorted(true_sources(fact))]
    return Bilingual(
        WRONG[code].id.format(relation=" / ".join(each.id for each in relations)),
        WRONG[code].en.format(relation=" / ".join(each.en for each in relations)),
    )


def _wrong(fact: Row, seen: set[UUID]) -> tuple[str, str] | None:
    """The first thing that is wrong with one of them: which field, and what."""
    source = RaterSource(fact["source"])
    assessor = source is RaterSource.ASSESSOR
    checks = (
        (fact["known"], "employee_id", "unknown"),
        (fact["rater_id"] not in seen, "employee_id", "named_twice"),
        (not fact["assigned"], "employee_id", "already_assigned"),
        (fact["employed"], "employee_id", "not_employed"),
        (not fact["married"], "employee_id", "rater_is_spouse"),
        (
            source in true_sources(fact),
            "source",
            "not_independent" if assessor else "source_not_true",
        ),
    )
    return next(((field, code) for fine, field, code in checks if not fine), None)


def true_sources(fact: Row) -> frozenset[RaterSource]:
    """As what somebody may rate: what they are, or where they are nothing, peer or assessor.

    Who acts in a seat may lead and be led at once.
    """
    if fact["is_self"]:
        return frozenset({RaterSource.SELF})
    leading = {RaterSource.SUPERIOR} if fact["leads"] else set()
    led = {RaterSource.SUBORDINATE} if fact["led"] else set()
    return frozenset(leading | led or {RaterSource.PEER, RaterSource.ASSESSOR})


# --- reading ------------------------------------------------------------------------------

A = AssessorAssignment
_ASSESSMENT_ID = bindparam("assessment_id", type_=Uuid())
_PERSON = select(Assessment.employee_id).where(Assessment.id == _ASSESSMENT_ID)
_RATERS = (
    select(
        *(A.id, A.version, A.rater_id, A.source, A.state),
        *(A.potential_score, A.submitted_at, A.note),
    )
    .where(A.assessment_id == _ASSESSMENT_ID)
    .order_by(A.id)
)


async def list_raters(reader: Reader, actor: Actor, assessment_id: UUID) -> AssignmentList:
    """Every rater that the assessment has or had.

    Errors: NotFound; OwnAssessment, since an officer is not to learn either who rates them.

    The event of the read names the candidate alone: beside them a rater's name would tell them
    who rates them.
    """
    person = await reader.value(_PERSON, assessment_id=assessment_id)
    nobody: tuple[UUID, ...] = ()
    if person is None or not can_see_assessment(actor, person, superiors=nobody, raters=nobody):
        raise NotFound
    require_another(actor, person)
    reader.reveals([person])
    rows = await reader.all(_RATERS, assessment_id=assessment_id)
    names = await names_of(reader, actor, {row["rater_id"] for row in rows if row["rater_id"]})
    return AssignmentList(
        assessment_id=assessment_id, assignments=[_read(row, names) for row in rows]
    )


def _read(row: Row, names: Mapping[UUID, str]) -> RaterRead:
    values = dict(row)
    rater, score = values.pop("rater_id"), values.pop("potential_score")
    person = rater and AssessedPerson(employee_id=rater, name=names.get(rater))
    return RaterRead(**values, rater=person, potential_score=score and str(score))


# --- taking back --------------------------------------------------------------------------


async def withdraw(
    session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str
) -> RaterRead:
    """The rater's part no longer counts, and the candidate leaves their sight.

    Errors: NotFound, OwnAssessment, TransitionNotAllowed unless it is a draft,
    AnonymousGroupFixed.
    """
    return await _move(session, actor, assignment_id, S.WITHDRAWN, reason)


async def return_form(
    session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str
) -> RaterRead:
    """The rater goes on with a form that they had submitted.

    Errors: as `withdraw`.
    """
    return await _move(session, actor, assignment_id, S.ASSIGNED, reason)


async def _move(
    session: AsyncSession,
    actor: Actor,
    assignment_id: UUID,
    to: AssessorAssignmentState,
    reason: str,
) -> RaterRead:
    found = await session.get(AssessorAssignment, assignment_id)
    if found is None:
        raise NotFound
    assessment = await locked(session, actor, found.assessment_id)  # before the assignment's lock
    await session.refresh(found, with_for_update={"key_share": True})
    allowed = TRANSITIONS[found.state]
    if to not in allowed:
        raise TransitionNotAllowed(state=found.state.value, allowed=list(allowed))
    if found.state is S.SUBMITTED:
        _require_open_group(assessment, found.source)
    found.state, found.note, found.submitted_at, found.updated_at = to, reason, None, now()
    await session.flush()
    raters = await list_raters(SessionReader(session), actor, assessment.id)
    return next(each for each in raters.assignments if each.id == assignment_id)
