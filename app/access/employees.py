"""Who may see which employee: the rule for one, and its SQL twin for lists."""

from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, false, true
from sqlalchemy.orm import InstrumentedAttribute

from app.access.actors import Actor
from app.errors import Bilingual, Forbidden
from app.vocabulary import Role

SEES_EVERYONE = frozenset({Role.HR_ADMIN, Role.AUDITOR, Role.SERVICE})
VIEWER = bindparam("viewer", type_=Uuid())
"""The employee who asks; only the statements of the role `asn` hold it."""


def can_see(actor: Actor, employee_id: UUID) -> bool:
    """Whether this employee exists for the actor: staff of the agency see all, an ASN themself."""
    return actor.role in SEES_EVERYONE or (actor.role is Role.ASN and actor.is_self(employee_id))


class OwnRecord(Forbidden):
    """Nobody changes what is recorded about themself: a colleague does, or rules on a request."""

    code = "own_record"
    title = Bilingual(
        "Data diri sendiri diubah oleh petugas lain", "Another officer must change your own record"
    )


def require_another(actor: Actor, employee_id: UUID) -> None:
    """Errors: OwnRecord where the employee is the actor."""
    if actor.is_self(employee_id):
        raise OwnRecord


def visible(
    role: Role, employee_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]
) -> ColumnElement[bool]:
    """The rows that exist for an actor of this role, by the column that names the employee.

    The twin of `can_see`. A statement is built once a role; `VIEWER` names the ASN at the call.
    """
    if role in SEES_EVERYONE:
        return true()
    return employee_id == VIEWER if role is Role.ASN else false()


def viewer(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with `visible` is called with."""
    return {VIEWER.key: actor.employee_id} if actor.role is Role.ASN else {}
