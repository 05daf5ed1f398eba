"""An event in the form that is hashed, and where the log stands."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Tuple, bindparam, cast, func, select, tuple_
from sqlalchemy.types import Uuid

from app.models.audit import AuditEvent, AuditLink, Xid8
from app.transparency import event_hash

XID = cast(AuditEvent.xid, Text).label("xid")
"""As text: the driver has no type for a 64-bit transaction id."""
HASHED_COLUMNS = (
    *(AuditEvent.id, AuditEvent.at, XID, AuditEvent.kind, AuditEvent.operation),
    *(AuditEvent.actor_account_id, AuditEvent.actor_role, AuditEvent.purpose),
    *(AuditEvent.request_id, AuditEvent.entity, AuditEvent.subject_ids, AuditEvent.commitment),
)
Place = tuple[int, UUID]
"""Where an event stands in the order of settling: its transaction, then its id."""
FIRST_PLACE: Place = (0, UUID(int=0))
event_place = tuple_(AuditEvent.xid, AuditEvent.id)
SEQUENCER_LOCK = 0x6175_6469
LOCK = select(func.pg_advisory_xact_lock(SEQUENCER_LOCK))
"""Until the transaction ends, nobody else chains events or signs checkpoints."""
LAST_SEQ = select(AuditLink.seq).order_by(AuditLink.seq.desc()).limit(1)


def bound_place(name: str) -> Tuple:
    """A place to compare event_place with: binds `{name}_xid` (as text) and `{name}_id`."""
    xid = cast(bindparam(f"{name}_xid", type_=Text), Xid8)
    return tuple_(xid, bindparam(f"{name}_id", type_=Uuid))


class LogBroken(Exception):
    """The log isn't what it was when it was last sequenced: run a verification."""


def canonical_event(row: Mapping[str, Any]) -> dict[str, object]:
    """Everything that the event's hash covers; `row` has HASHED_COLUMNS.

    A column that is added one day enters only where it is not null, so that the hashes of
    today still hold.
    """
    return {
        "id": row["id"],
        "at": row["at"],
        "xid": int(row["xid"]),
        "kind": row["kind"],
        "operation": row["operation"],
        "actor_account_id": row["actor_account_id"],
        "actor_role": row["actor_role"],
        "purpose": row["purpose"],
        "request_id": row["request_id"],
        "entity": row["entity"],
        "subject_ids": [str(subject) for subject in row["subject_ids"]],
        "commitment": row["commitment"],
    }


def hash_of(row: Mapping[str, Any]) -> bytes:
    """The event's leaf hash, 32 bytes."""
    return event_hash(canonical_event(row))
