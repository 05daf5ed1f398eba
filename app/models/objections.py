"""Objections (keberatan) to a result, and what both sides said."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Versioned, Word, of_employee, one_of
from app.vocabulary import ObjectionOutcome, ObjectionSide, ObjectionState


class Objection(Identified, Versioned, Base):
    """A person objects to their result; somebody who had no part in it rules, finally."""

    __tablename__ = "objections"
    __table_args__ = (
        CheckConstraint(one_of("state", ObjectionState), name="state"),
        CheckConstraint(one_of("outcome", ObjectionOutcome), name="outcome"),
        CheckConstraint(
            "(state = 'ruled') = (outcome IS NOT NULL) AND (state = 'ruled') = (ruling IS NOT NULL)"
            " AND (state = 'ruled') = (ruled_at IS NOT NULL)",
            name="ruled",
        ),
        CheckConstraint(
            "coalesce(outcome IN ('granted', 'partly_granted'), false)"
            " = (new_result_id IS NOT NULL)",
            name="new_result",
        ),
        CheckConstraint("filed_at < file_by", name="in_time"),
        Index(
            "uq_objections_result_id",
            "result_id",
            unique=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_objections_state", "state", "rule_by", "id"),
    )

    result_id: Mapped[UUID] = mapped_column(ForeignKey("assessment_results.id"))
    employee_id: Mapped[UUID] = of_employee()
    state: Mapped[ObjectionState] = mapped_column(
        Word(ObjectionState), server_default="filed", default=ObjectionState.FILED
    )
    reasons: Mapped[str]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """References to documents: `[{"title", "reference"}]`."""
    filed_at: Mapped[datetime]
    file_by: Mapped[datetime]
    """The instant at which the time for filing ended."""
    rule_by: Mapped[datetime]
    """The instant from which a ruling is overdue."""
    rule: Mapped[str]
    """The rule pack and version that gave both."""
    ruler_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    """Who is to rule: an hr_admin without a part in the result."""
    outcome: Mapped[ObjectionOutcome | None] = mapped_column(Word(ObjectionOutcome))
    ruling: Mapped[str | None]
    """The reasons of the ruling."""
    unheard_reason: Mapped[str | None]
    """Why it was ruled without those who made the result."""
    levels: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """What was ruled of levels: `[{"competency", "before", "level", "reason"}]`."""
    ruled_at: Mapped[datetime | None]
    new_result_id: Mapped[UUID | None] = mapped_column(ForeignKey("assessment_results.id"))


class ObjectionStatement(Identified, Base):
    """What one side said before the ruling."""

    __tablename__ = "objection_statements"
    __table_args__ = (CheckConstraint(one_of("side", ObjectionSide), name="side"),)

    objection_id: Mapped[UUID] = mapped_column(ForeignKey("objections.id"), index=True)
    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    """Whose objection it is."""
    side: Mapped[ObjectionSide] = mapped_column(Word(ObjectionSide))
    statement: Mapped[str]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
