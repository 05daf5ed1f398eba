"""Filing, withdrawing, and hearing both sides."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import require_another, results_visible, viewer
from app.calendar import now
from app.database import SessionReader
from app.errors import Bilingual, Conflict, FieldError, Forbidden, Invalid, NotFound
from app.models.assessments import Assessment, AssessmentResult
from app.models.objections import Objection, ObjectionStatement
from app.rules.objections import filing_deadline, last_day, rule_for, ruling_deadline
from app.schemas.objections import ObjectionCreate, ObjectionRead, RulerAssign, StatementCreate
from app.services.objections.reading import get_objection
from app.services.objections.standing import OBSTACLES, hear, locked, obstacle, require
from app.services.results import words
from app.services.results.publishing import ResultReplaced
from app.vocabulary import ObjectionSide, ObjectionState, Role


class FiledTooLate(Conflict):
    """The time for objecting is over; `file_by` is the first instant that was too late."""

    code = "objection_too_late"
    title = Bilingual("Batas waktu keberatan sudah lewat", "The time for objecting is over")


class AlreadyFiled(Conflict):
    """One objection a result; one that was withdrawn doesn't count."""

    code = "objection_filed"
    title = Bilingual(
        "Keberatan atas hasil ini sudah diajukan", "An objection to this result has been filed"
    )
    constraints = ("uq_objections_result_id",)


class RulingFinal(Conflict):
    """The result was made by the ruling on an objection, and that ends the matter."""

    code = "ruling_final"
    title = Bilingual(
        "Hasil ini adalah putusan akhir atas keberatan",
        "This result is the final ruling on an objection",
    )


class NoSide(Forbidden):
    """Those heard are the person, the assessors, and who moderated or published the result."""

    code = "no_side"
    title = Bilingual(
        "Hanya pihak dalam penilaian ini yang didengar",
        "Only the sides of this assessment are heard",
    )


# --- the person ---------------------------------------------------------------------------


async def file_objection(
    session: AsyncSession, actor: Actor, result_id: UUID, new: ObjectionCreate
) -> ObjectionRead:
    """Object to one's own result.

    Errors: NotFound; Forbidden for another's; ResultReplaced, RulingFinal, FiledTooLate,
    AlreadyFiled.
    """
    result = await _result_to_object_to(session, actor, result_id)
    at, rule = now(), rule_for(result.published_at)
    file_by = filing_deadline(result.published_at, rule)
    if at >= file_by:
        raise _too_late(file_by)
    objection = Objection(
        result_id=result_id,
        employee_id=result.employee_id,
        reasons=new.reasons,
        evidence=[each.model_dump() for each in new.evidence],
        filed_at=at,
        file_by=file_by,
        rule_by=ruling_deadline(at, rule),
        rule=rule.rule_id,
    )
    session.add(objection)
    await session.flush()
    return await get_objection(SessionReader(session), actor, objection.id)


async def _result_to_object_to(session: AsyncSession, actor: Actor, result_id: UUID) -> Any:
    r = AssessmentResult
    seen = results_visible(actor.role, r.employee_id, r.assessment_id)
    chosen = select(r.employee_id, r.published_at, r.superseded_at).where(r.id == result_id, seen)
    result = (await session.execute(chosen, viewer(actor))).one_or_none()
    if result is None:
        raise NotFound
    if not actor.is_self(result.employee_id):
        raise Forbidden
    if result.superseded_at is not None:
        raise ResultReplaced
    made_by = select(Objection.id).where(Objection.new_result_id == result_id)
    if await session.scalar(made_by) is not None:
        raise RulingFinal
    return result


def _too_late(file_by: Any) -> FiledTooLate:
    detail = Bilingual("Keberatan dapat diajukan sampai {last}.", "You could object until {last}.")
    id_, en = (words.day(last_day(file_by), language) for language in ("id", "en"))
    texts = Bilingual(detail.id.format(last=id_), detail.en.format(last=en))
    return FiledTooLate(texts, file_by=file_by.isoformat())


async def withdraw(session: AsyncSession, actor: Actor, objection_id: UUID) -> ObjectionRead:
    """Take one's own objection back before the ruling.

    Errors: NotFound; Forbidden for another's; TransitionNotAllowed.
    """
    objection = await locked(session, actor, objection_id)
    if not actor.is_self(objection.employee_id):
        raise Forbidden
    require(objection, ObjectionState.WITHDRAWN)
    objection.state = ObjectionState.WITHDRAWN
    await session.flush()
    return await get_objection(SessionReader(session), actor, objection_id)


# --- the hearing --------------------------------------------------------------------------


async def assign(
    session: AsyncSession, actor: Actor, objection_id: UUID, body: RulerAssign
) -> ObjectionRead:
    """Say who is to rule, or that somebody else is.

    Errors: NotFound; OwnAssessment; TransitionNotAllowed; Invalid with a code of `OBSTACLES`.
    """
    objection = await locked(session, actor, objection_id)
    require_another(actor, objection.employee_id)
    why = await obstacle(session, body.ruler_id, objection)
    hear(objection)
    if why is not None:
        raise Invalid(errors=[FieldError("/ruler_id", why, OBSTACLES[why])])
    objection.ruler_id = body.ruler_id
    await session.flush()
    return await get_objection(SessionReader(session), actor, objection_id)


async def speak(
    session: AsyncSession, actor: Actor, objection_id: UUID, new: StatementCreate
) -> ObjectionRead:
    """Say something for one's own side.

    Errors: NotFound; TransitionNotAllowed; OwnAssessment; NoSide.
    """
    objection = await locked(session, actor, objection_id)
    side = await _side(session, actor, objection)
    hear(objection)
    statement = ObjectionStatement(
        objection_id=objection_id,
        employee_id=objection.employee_id,
        side=side,
        statement=new.statement,
        evidence=[each.model_dump() for each in new.evidence],
        author_id=actor.account_id,
    )
    session.add(statement)
    await session.flush()
    return await get_objection(SessionReader(session), actor, objection_id)


async def _side(session: AsyncSession, actor: Actor, objection: Objection) -> ObjectionSide:
    """An ASN who sees it is the person or an assessor; of officers, those who made the result."""
    if actor.role is Role.ASN:
        own = actor.is_self(objection.employee_id)
        return ObjectionSide.PERSON if own else ObjectionSide.ASSESSORS
    require_another(actor, objection.employee_id)
    r = AssessmentResult
    made_by = select(Assessment.moderated_by, r.published_by).join(
        r, r.assessment_id == Assessment.id
    )
    officers = (await session.execute(made_by.where(r.id == objection.result_id))).one()
    if actor.account_id not in officers:
        raise NoSide
    return ObjectionSide.ASSESSORS
