"""The audit log: events, their erasable details, the chain over them, and its checkpoints.

Events of writes come from triggers on the tables themselves, so that no write can do without;
events of reads come from the recorder.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType, Uuid

from app.models.base import Base, Identified


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class AuditEvent(Identified, Base):
    """Who did what to whose data, why, and in which request. INSERT only."""

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("kind IN ('read', 'write', 'security')", name="kind"),
        Index("ix_audit_events_xid_id", "xid", "id"),
        Index(
            "ix_audit_events_written",
            "entity",
            "xid",
            postgresql_where=text("kind = 'write'"),
        ),
        Index("ix_audit_events_actor_account_id", "actor_account_id", "id"),
        Index("ix_audit_events_subject_ids", "subject_ids", postgresql_using="gin"),
    )

    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    xid: Mapped[int] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))
    """The writing transaction: once it lies below every running one, the event is settled."""
    kind: Mapped[str]
    operation: Mapped[str]
    actor_account_id: Mapped[UUID | None]
    actor_role: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default="")
    request_id: Mapped[str] = mapped_column(server_default="")
    entity: Mapped[str]
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    """The employees whom the event is about."""
    commitment: Mapped[bytes | None]
    """SHA-256 over the salt and the details, so that details can be erased by law."""


class AuditDetail(Base):
    """What an event changed: `[{"id", "before", "after"}]`; erasable, the commitment stays."""

    __tablename__ = "audit_details"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("audit_events.id"), primary_key=True)
    salt: Mapped[bytes]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class AuditLink(Base):
    """The event's place in the gap-free order, and the hash chain up to it."""

    __tablename__ = "audit_chain"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("audit_events.id"), unique=True)
    event_hash: Mapped[bytes]
    chain_hash: Mapped[bytes]


class AuditCheckpoint(Base):
    """A signed Merkle root over the first `tree_size` events."""

    __tablename__ = "audit_checkpoints"

    tree_size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    signed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    frontier: Mapped[list[str]] = mapped_column(JSONB)
    """Roots of the perfect subtrees, in hex: what the next checkpoint goes on from."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class AuditKey(Base):
    """An ES256 key that signs checkpoints; the newest signs, all of them verify for good.

    Kept apart from the keys of tokens: a checkpoint is evidence long after those retired.
    """

    __tablename__ = "audit_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    private_sealed: Mapped[bytes]
    public_jwk: Mapped[dict[str, str]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
