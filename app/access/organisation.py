"""Who may see who holds a seat. The structure itself is open to all staff (the access table)."""

from enum import StrEnum, auto
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, false, true

from app.access.actors import Actor
from app.access.employees import VIEWER
from app.errors import Bilingual, Forbidden
from app.vocabulary import Role, Scope


class Sight(StrEnum):
    """Which holders somebody sees; a statement is built once for each."""

    ALL = auto()
    OWN = auto()
    NONE = auto()


def sight(actor: Actor) -> Sight:
    """Staff of the agency see every holder, a script with the scope too, an ASN themself."""
    if actor.role in (Role.HR_ADMIN, Role.AUDITOR):
        return Sight.ALL
    if actor.role is Role.SERVICE and Scope.EMPLOYEES_READ in actor.scopes:
        return Sight.ALL
    return Sight.OWN if actor.role is Role.ASN else Sight.NONE


def can_see_holder(actor: Actor, employee_id: UUID) -> bool:
    """Whether this holder of a seat exists for the actor."""
    seen = sight(actor)
    return seen is Sight.ALL or (seen is Sight.OWN and actor.is_self(employee_id))


def visible_holder(seen: Sight, employee_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """The twin of `can_see_holder`, by the column that names the employee."""
    if seen is Sight.ALL:
        return true()
    return employee_id == VIEWER if seen is Sight.OWN else false()


def viewer(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with `visible_holder` is called with."""
    return {VIEWER.key: actor.employee_id} if sight(actor) is Sight.OWN else {}


def require_sight_of_holders(actor: Actor) -> None:
    """Who places people must see people. Errors: Forbidden for a script without the scope."""
    if sight(actor) is not Sight.ALL:
        raise Forbidden(
            Bilingual(
                f"Klien layanan memerlukan juga cakupan {Scope.EMPLOYEES_READ}.",
                f"The service client needs the scope {Scope.EMPLOYEES_READ} too.",
            )
        )
