"""The competency dictionary, and which level a position requires."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Dated, Identified, Versioned, Word, never_twice, one_of
from app.vocabulary import CompetencyKind, StandardState


class Competency(Identified, Versioned, Base):
    """A competency, by a code that it keeps for life."""

    __tablename__ = "competencies"
    __table_args__ = (
        CheckConstraint(one_of("kind", CompetencyKind), name="kind"),
        CheckConstraint("(kind = 'technical') = (job_family IS NOT NULL)", name="job_family"),
        CheckConstraint("ordinal BETWEEN 1 AND 1000", name="ordinal"),
        Index("uq_competencies_code", "code", unique=True),
        Index("uq_competencies_ordinal", "ordinal", unique=True),
    )

    code: Mapped[str]
    kind: Mapped[CompetencyKind] = mapped_column(Word(CompetencyKind))
    job_family: Mapped[str | None]
    """Of a technical competency only."""
    ordinal: Mapped[int] = mapped_column(SmallInteger)
    """Its place in lists, and in a person's array of levels."""


class CompetencyVersion(Identified, Dated, Base):
    """What a competency means over some days: the text that assessments went by."""

    __tablename__ = "competency_versions"
    __table_args__ = (
        never_twice("competency_id", name="uq_competency_versions_competency_id"),
        Index("ix_competency_versions_competency_id", "competency_id"),
    )

    competency_id: Mapped[UUID] = mapped_column(ForeignKey("competencies.id"))
    name: Mapped[str]
    definition: Mapped[str]
    levels: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Five, in order: `[{"level", "name", "description", "indicators": [text]}]`."""
    source: Mapped[str]
    """The regulation or decree that the text goes by."""


class StandardProposal(Identified, Versioned, Base):
    """Somebody proposes which levels a position requires; somebody else approves."""

    __tablename__ = "standard_proposals"
    __table_args__ = (
        CheckConstraint(one_of("state", StandardState), name="state"),
        CheckConstraint(
            "(state IN ('approved', 'declined')) = (decided_by IS NOT NULL)", name="decided"
        ),
        CheckConstraint("decided_by <> proposed_by", name="four_eyes"),
        CheckConstraint("state <> 'declined' OR decision_reason IS NOT NULL", name="declined_why"),
        Index("ix_standard_proposals_state", "state", "created_at", "id"),
        Index(
            "uq_standard_proposals_pending",
            "position_id",
            unique=True,
            postgresql_where=text("state = 'proposed'"),
        ),
    )

    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"), index=True)
    effective_from: Mapped[date]
    levels: Mapped[dict[str, int | None]] = mapped_column(JSONB)
    """Competency code to required level; null goes back to the default of the tier, or for a
    technical competency to none."""
    basis: Mapped[str]
    """The decree, and why the position differs from its tier."""
    state: Mapped[StandardState] = mapped_column(
        Word(StandardState), server_default="proposed", default=StandardState.PROPOSED
    )
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]


class CompetencyStandard(Identified, Dated, Base):
    """The level that a position requires of its own over some days, as approved.

    Where there is none, the nine managerial and socio-cultural competencies take the default of
    the position's tier from the rule pack, and a technical competency isn't required.
    """

    __tablename__ = "competency_standards"
    __table_args__ = (
        CheckConstraint("required_level BETWEEN 1 AND 5", name="required_level"),
        never_twice(
            "position_id", "competency_id", name="uq_competency_standards_position_id_competency_id"
        ),
        Index("ix_competency_standards_position_id", "position_id"),
    )

    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"))
    competency_id: Mapped[UUID] = mapped_column(ForeignKey("competencies.id"))
    required_level: Mapped[int] = mapped_column(SmallInteger)
    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("standard_proposals.id"))
