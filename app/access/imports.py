"""Who sees which imports: officers all of them, a script its own."""

from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, false, true

from app.access.actors import Actor
from app.models.imports import Import
from app.vocabulary import Role

OWNER = bindparam("owner", type_=Uuid())
"""The account that asks; only the statements of the role `service` hold it."""


def can_see(actor: Actor, account_id: UUID) -> bool:
    """Whether an import of this account exists for the actor."""
    if actor.role is Role.SERVICE:
        return actor.account_id == account_id
    return actor.role is Role.HR_ADMIN


def visible(role: Role) -> ColumnElement[bool]:
    """The rows that exist for an actor of this role; the twin of `can_see`."""
    if role is Role.SERVICE:
        return Import.account_id == OWNER
    return true() if role is Role.HR_ADMIN else false()


def owner(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with `visible` is called with."""
    return {OWNER.key: actor.account_id} if actor.role is Role.SERVICE else {}
