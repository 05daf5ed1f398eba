"""Who sees which exports: auditors all of them, a script its own."""

from uuid import UUID

from sqlalchemy import ColumnElement

from app.access.actors import Actor
from app.access.owned import can_see_owned, owned_visible, owner
from app.models.exports import Export
from app.vocabulary import Role

__all__ = ["can_see", "owner", "visible"]


def can_see(actor: Actor, account_id: UUID) -> bool:
    """Whether an export that this account asked for exists for the actor."""
    return can_see_owned(actor, account_id, Role.AUDITOR)


def visible(role: Role) -> ColumnElement[bool]:
    """The rows that exist for an actor of this role; the twin of `can_see`."""
    return owned_visible(role, Export.account_id, Role.AUDITOR)
