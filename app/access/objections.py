"""Who sees which objection: the person, their assessors and the agency, never their superiors."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select, true

from app.access.actors import Actor
from app.access.assessments import ASSESSED, SEES_EVERY_RESULT, VIEWER, Column
from app.models.assessments import AssessmentResult
from app.vocabulary import Role

SEES_ACCOUNTS = frozenset({Role.HR_ADMIN, Role.AUDITOR})
"""Who learns by which account something was done; to the others it is done by office."""
_ASSESSED_RESULTS = select(AssessmentResult.id).where(AssessmentResult.assessment_id.in_(ASSESSED))


def can_see_objection(actor: Actor, employee_id: UUID, *, assessors: Collection[UUID]) -> bool:
    """Whether this person's objection exists for the actor.

    `assessors` are assigned as such to the assessment that it is about.
    """
    if actor.role in SEES_EVERY_RESULT:
        return True
    if actor.role is not Role.ASN or actor.employee_id is None:
        return False
    return actor.is_self(employee_id) or actor.employee_id in assessors


def objections_visible(role: Role, employee_id: Column, result_id: Column) -> ColumnElement[bool]:
    """The twin of `can_see_objection`, by the columns that name the person and the result."""
    if role in SEES_EVERY_RESULT:
        return true()
    if role is not Role.ASN:
        return false()
    return or_(employee_id == VIEWER, result_id.in_(_ASSESSED_RESULTS))
