"""Who sees which events of the audit log.

An auditor sees the whole log; every other person sees what was done with their own data, and no
more: not even those who administer accounts and records, whose own doings the log is about.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, false, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.types import Uuid

from app.access.actors import Actor
from app.models.audit import AuditEvent
from app.vocabulary import Role

VIEWER = bindparam("viewer", type_=Uuid)
"""Who looks, as `subject_of`; every statement that uses `visible` names it."""


def subject_of(actor: Actor) -> UUID | None:
    """By which id events name the actor's own data: the employee, else the account."""
    return actor.employee_id or actor.account_id


ABOUT_VIEWER = AuditEvent.subject_ids.contains(array([VIEWER]))


def can_see(actor: Actor, subject_ids: Collection[UUID]) -> bool:
    """Whether the actor sees an event about these persons."""
    if actor.role is Role.AUDITOR:
        return True
    return actor.role is not Role.SERVICE and subject_of(actor) in subject_ids


def visible(role: Role) -> ColumnElement[bool]:
    """The rows that somebody of this role sees, for `viewer`."""
    if role is Role.AUDITOR:
        return true()
    return false() if role is Role.SERVICE else ABOUT_VIEWER
