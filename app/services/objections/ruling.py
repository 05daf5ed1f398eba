"""The ruling: final, by somebody without a part in the result, after both sides were heard."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import now
from app.database import SessionReader
from app.errors import Bilingual, Conflict, FieldError, Forbidden, Invalid
from app.models.assessments import AssessmentResult
from app.models.objections import Objection, ObjectionStatement
from app.rules.scoring import ScoringInputs
from app.schemas.objections import LevelRuling, ObjectionRead, ObjectionRule
from app.services.objections.reading import get_objection
from app.services.objections.standing import OBSTACLES, locked, obstacle, require
from app.services.results.publishing import new_version
from app.vocabulary import ObjectionOutcome, ObjectionSide, ObjectionState


class NotTheRuler(Forbidden):
    """Only who was assigned to it rules."""

    code = "not_the_ruler"
    title = Bilingual(
        "Hanya petugas yang ditunjuk yang memutus", "Only the officer assigned to it rules"
    )


class RulerInvolved(Forbidden):
    """Who was assigned has come to have a part in the result; `because` says which."""

    code = "ruler_involved"
    title = Bilingual(
        "Pemutus terlibat dalam hasil ini; tunjuk petugas lain",
        "The ruler has a part in this result: assign somebody else",
    )


class SideNotHeard(Conflict):
    """Those who made the result have said nothing, and no reason is given to rule without them."""

    code = "side_not_heard"
    title = Bilingual(
        "Pihak penilai belum didengar; dengarkan atau sebutkan alasannya (unheard_reason)",
        "The assessors' side is unheard: hear it, or say why not (unheard_reason)",
    )


async def rule(
    session: AsyncSession, actor: Actor, objection_id: UUID, ruling: ObjectionRule
) -> ObjectionRead:
    """Rule on an objection. Levels that change make a new version of the result.

    Errors: NotFound; TransitionNotAllowed; NotTheRuler; RulerInvolved; SideNotHeard; Invalid;
    ResultReplaced.
    """
    objection = await locked(session, actor, objection_id)
    await _require_ruler(session, actor, objection)
    await _require_both_heard(session, objection, ruling)
    _require_levels_where_granted(ruling)
    if ruling.levels:
        objection.new_result_id, objection.levels = await _change(
            session, actor, objection, ruling.levels
        )
    objection.state, objection.ruled_at = ObjectionState.RULED, now()
    objection.outcome, objection.ruling = ruling.outcome, ruling.ruling
    objection.unheard_reason = ruling.unheard_reason
    await session.flush()
    return await get_objection(SessionReader(session), actor, objection_id)


async def _require_ruler(session: AsyncSession, actor: Actor, objection: Objection) -> None:
    require(objection, ObjectionState.RULED)
    if objection.ruler_id is None or objection.ruler_id != actor.account_id:
        raise NotTheRuler
    why = await obstacle(session, objection.ruler_id, objection)
    if why is not None:
        raise RulerInvolved(OBSTACLES[why], because=why)


async def _require_both_heard(
    session: AsyncSession, objection: Objection, ruling: ObjectionRule
) -> None:
    """What the person wrote when filing is heard already."""
    said = ObjectionStatement
    of_assessors = (said.objection_id == objection.id) & (said.side == ObjectionSide.ASSESSORS)
    heard = await session.scalar(select(exists().where(of_assessors)))
    if not heard and ruling.unheard_reason is None:
        raise SideNotHeard
    if heard and ruling.unheard_reason is not None:
        detail = Bilingual("Pihak penilai sudah didengar.", "The assessors' side was heard.")
        raise Invalid(errors=[FieldError("/unheard_reason", "side_heard", detail)])


def _require_levels_where_granted(ruling: ObjectionRule) -> None:
    denied = ruling.outcome is ObjectionOutcome.DENIED
    if denied and ruling.levels:
        detail = Bilingual("Penolakan tidak mengubah level.", "A denial changes no level.")
        raise Invalid(errors=[FieldError("/levels", "denied", detail)])
    if not denied and not ruling.levels:
        detail = Bilingual("Sebutkan level yang berubah.", "Name the levels that change.")
        raise Invalid(errors=[FieldError("/levels", "missing", detail)])


# --- what it changes ----------------------------------------------------------------------


async def _change(
    session: AsyncSession, actor: Actor, objection: Objection, levels: Sequence[LevelRuling]
) -> tuple[UUID, list[dict[str, Any]]]:
    """Make the new version: its id, and the levels as they are kept.

    The version's reason names the ruling by its id alone: who sees results may not see it.
    """
    old = await session.get_one(AssessmentResult, objection.result_id)
    measured = {each["code"]: each["actual"] for each in old.outcome["competencies"]}
    _require_change(measured, levels)
    ruled = {each.competency: Decimal(each.level) for each in levels}
    inputs = ScoringInputs.from_json(old.inputs)
    competencies = tuple(
        replace(each, ruled_level=ruled.get(each.code, each.ruled_level))
        for each in inputs.competencies
    )
    reason = f"Putusan atas keberatan {objection.id}."
    inputs = replace(inputs, competencies=competencies)
    made = await new_version(session, actor, old.id, inputs=inputs, reason=reason)
    kept = [
        {
            "competency": each.competency,
            "before": measured[each.competency],
            "level": f"{ruled[each.competency]:.2f}",
            "reason": each.reason,
        }
        for each in levels
    ]
    return made.id, kept


def _require_change(measured: dict[str, str | None], levels: Sequence[LevelRuling]) -> None:
    """Errors: Invalid where a competency isn't the result's, comes twice, or nothing changes."""
    unknown = Bilingual("Tidak ada dalam hasil ini.", "Not in this result.")
    twice = Bilingual("Disebut lebih dari sekali.", "Named more than once.")
    wrong, seen = [], set[str]()
    for n, each in enumerate(levels):
        pointer = f"/levels/{n}/competency"
        if each.competency not in measured:
            wrong.append(FieldError(pointer, "unknown_competency", unknown))
        elif each.competency in seen:
            wrong.append(FieldError(pointer, "named_twice", twice))
        seen.add(each.competency)
    if wrong:
        raise Invalid(errors=wrong)
    before = {code: None if level is None else Decimal(level) for code, level in measured.items()}
    if all(before[each.competency] == Decimal(each.level) for each in levels):
        same = Bilingual(
            "Semua level sama dengan hasil sekarang: tidak ada yang berubah.",
            "Every level is that of the result: nothing would change.",
        )
        raise Invalid(errors=[FieldError("/levels", "nothing_changes", same)])
    if not any((before[each.competency] or 0) < Decimal(each.level) for each in levels):
        lower = Bilingual(
            "Tidak ada level yang naik: keberatan tidak dikabulkan dengan hanya menurunkan.",
            "No level rises: lowering alone grants no objection.",
        )
        raise Invalid(errors=[FieldError("/levels", "only_lowered", lower)])
