"""Who sees which events of the audit log.

An auditor sees the whole log; a civil servant sees what was done with their own data, and
nobody else sees anything: not even those who administer accounts and records, whose own doings
the log is about.
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
"""The employee who looks; every statement that uses `visible` names it."""


def can_see(actor: Actor, subject_ids: Collection[UUID]) -> bool:
    """Whether the actor sees an event about these employees."""
    if actor.role is Role.AUDITOR:
        return True
    return actor.role is Role.ASN and actor.employee_id in subject_ids


def visible(role: Role) -> ColumnElement[bool]:
    """The rows that somebody of this role sees, for `viewer`."""
    if role is Role.AUDITOR:
        return true()
    if role is Role.ASN:
        return AuditEvent.subject_ids.contains(array([VIEWER]))
    return false()
