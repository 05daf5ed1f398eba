"""Who sees which assessment and result: relations decide, not roles.

A person sees their own. So do those who lead them, and whoever is assigned as their assessor;
peers and subordinates see that they are to rate, never what came of it. Staff of the agency see
all but who of the anonymous raters gave what.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, bindparam, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from app.access.actors import Actor
from app.errors import Bilingual, Forbidden
from app.vocabulary import Role

SEES_EVERY_RESULT = frozenset({Role.HR_ADMIN, Role.AUDITOR, Role.SERVICE})
VIEWER = bindparam("viewer", type_=Uuid())
"""The employee who asks; only the statements of the role `asn` hold it."""
Column = ColumnElement[UUID] | InstrumentedAttribute[UUID]


def _given_by(function: str) -> Select[tuple[UUID]]:
    """The ids that a function gives: called once a statement, and looked up by their hash.

    `= ANY` would go through them for every row, and a dinas may have thousands of people.
    """
    ids = getattr(func.app, function)(type_=ARRAY(Uuid()))
    return select(func.unnest(ids, type_=Uuid()))


LED = _given_by("subordinates")
"""Whom the employee who asks leads today, directly or not."""
RATED = _given_by("rated_assessments")
"""The assessments in which the employee who asks rates, in any part."""
ASSESSED = _given_by("assessed_assessments")
"""Those in which they are an assessor."""


def can_see_result(
    actor: Actor, employee_id: UUID, *, superiors: Collection[UUID], assessors: Collection[UUID]
) -> bool:
    """Whether the results of this employee's assessment exist for the actor.

    `superiors` lead the employee; `assessors` are assigned to the assessment as such.
    """
    if actor.role in SEES_EVERY_RESULT:
        return True
    if actor.role is not Role.ASN or actor.employee_id is None:
        return False
    return actor.is_self(employee_id) or actor.employee_id in {*superiors, *assessors}


def results_visible(role: Role, employee_id: Column, assessment_id: Column) -> ColumnElement[bool]:
    """The twin of `can_see_result`, by the columns that name the person and the assessment."""
    if role in SEES_EVERY_RESULT:
        return true()
    if role is not Role.ASN:
        return false()
    return or_(
        employee_id == VIEWER,
        employee_id.in_(LED),
        assessment_id.in_(ASSESSED),
    )


def can_see_assessment(
    actor: Actor, employee_id: UUID, *, superiors: Collection[UUID], raters: Collection[UUID]
) -> bool:
    """Whether the assessment exists for the actor: as its results do, and for every rater."""
    return can_see_result(actor, employee_id, superiors=superiors, assessors=raters)


def assessments_visible(
    role: Role, employee_id: Column, assessment_id: Column
) -> ColumnElement[bool]:
    """The twin of `can_see_assessment`."""
    if role is not Role.ASN:
        return results_visible(role, employee_id, assessment_id)
    return or_(
        employee_id == VIEWER,
        employee_id.in_(LED),
        assessment_id.in_(RATED),
    )


def can_rate(actor: Actor, rater_id: UUID | None) -> bool:
    """Whether a rater's assignment exists for the actor: for the rater, and for the staff."""
    if actor.role in SEES_EVERY_RESULT:
        return True
    return actor.role is Role.ASN and rater_id is not None and actor.is_self(rater_id)


def assignments_visible(
    role: Role, rater_id: InstrumentedAttribute[UUID | None]
) -> ColumnElement[bool]:
    """The twin of `can_rate`, by the column that names the rater."""
    if role in SEES_EVERY_RESULT:
        return true()
    return rater_id == VIEWER if role is Role.ASN else false()


def can_see_profile(actor: Actor, employee_id: UUID, *, superiors: Collection[UUID]) -> bool:
    """Whether all that was measured of this employee exists for the actor, over time and in one.

    Not for assessors, who see what they measured and not what others did.
    """
    return can_see_result(actor, employee_id, superiors=superiors, assessors=())


def profile_visible(role: Role, employee_id: Column) -> ColumnElement[bool]:
    """The twin of `can_see_profile`, by the column that names the person."""
    if role in SEES_EVERY_RESULT:
        return true()
    if role is not Role.ASN:
        return false()
    return or_(employee_id == VIEWER, employee_id.in_(LED))


def viewer(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with one of the twins is called with."""
    return {VIEWER.key: actor.employee_id} if actor.role is Role.ASN else {}


class OwnAssessment(Forbidden):
    """Nobody moderates, publishes or rules on what is about themself: a colleague does."""

    code = "own_assessment"
    title = Bilingual(
        "Penilaian diri sendiri ditangani petugas lain",
        "Another officer must handle your own assessment",
    )


def require_another(actor: Actor, employee_id: UUID) -> None:
    """Errors: OwnAssessment where the assessment is the actor's own."""
    if actor.is_self(employee_id):
        raise OwnAssessment
