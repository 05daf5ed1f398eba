"""What an account asked for and a script sees of its own only: imports and exports."""

from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, false, true
from sqlalchemy.orm import InstrumentedAttribute

from app.access.actors import Actor
from app.vocabulary import Role

OWNER = bindparam("owner", type_=Uuid())
"""The account that asks; only the statements of the role `service` hold it."""


def can_see_owned(actor: Actor, account_id: UUID, sees_all: Role) -> bool:
    """Whether what this account asked for exists for the actor; one role sees everybody's."""
    if actor.role is Role.SERVICE:
        return actor.account_id == account_id
    return actor.role is sees_all


def owned_visible(
    role: Role, account_id: InstrumentedAttribute[UUID], sees_all: Role
) -> ColumnElement[bool]:
    """The twin of `can_see_owned`, by the column that names the account."""
    if role is Role.SERVICE:
        return account_id == OWNER
    return true() if role is sees_all else false()


def owner(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with `owned_visible` is called with."""
    return {OWNER.key: actor.account_id} if actor.role is Role.SERVICE else {}
