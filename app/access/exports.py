"""Who sees which exports: auditors all of them, a script its own."""

from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, false, true

from app.access.actors import Actor
from app.models.exports import Export
from app.vocabulary import Role

OWNER = bindparam("owner", type_=Uuid())
"""The account that asks; only the statements of the role `service` hold it."""


def can_see(actor: Actor, account_id: UUID) -> bool:
    """Whether an export that this account asked for exists for the actor."""
    if actor.role is Role.SERVICE:
        return actor.account_id == account_id
    return actor.role is Role.AUDITOR


def visible(role: Role) -> ColumnElement[bool]:
    """The rows that exist for an actor of this role; the twin of `can_see`."""
    if role is Role.SERVICE:
        return Export.account_id == OWNER
    return true() if role is Role.AUDITOR else false()


def owner(actor: Actor) -> dict[str, UUID | None]:
    """The value that a statement with `visible` is called with."""
    return {OWNER.key: actor.account_id} if actor.role is Role.SERVICE else {}
