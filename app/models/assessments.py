"""Assessments of competency: who measured whom, by what, and what came of it.

Ratings are what raters gave; a result is what the rules made of them. Results are never changed:
a ruling on an objection makes a new version.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    Dated,
    Identified,
    Versioned,
    Word,
    never_twice,
    of_employee,
    one_of,
)
from app.vocabulary import (
    AssessmentMethod,
    AssessmentPurpose,
    AssessmentState,
    AssessorAssignmentState,
    JpmBand,
    Potential,
    RaterSource,
)


class AssessmentProvider(Identified, Versioned, Base):
    """An institution that assesses, by a code that it keeps."""

    __tablename__ = "assessment_providers"
    __table_args__ = (Index("uq_assessment_providers_code", "code", unique=True),)

    code: Mapped[str]
    name: Mapped[str]


class ProviderAccreditation(Identified, Dated, Base):
    """What a provider is accredited for over some days (BKN 26/2019)."""

    __tablename__ = "provider_accreditations"
    __table_args__ = (
        CheckConstraint("cardinality(purposes) > 0", name="purposes"),
        never_twice("provider_id", name="uq_provider_accreditations_provider_id"),
        Index("ix_provider_accreditations_provider_id", "provider_id"),
    )

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("assessment_providers.id"))
    accreditation_no: Mapped[str]
    purposes: Mapped[list[str]] = mapped_column(ARRAY(String))


class AssessmentEvent(Identified, Versioned, Base):
    """An occasion on which people are assessed: for what, how, by whom, when."""

    __tablename__ = "assessment_events"
    __table_args__ = (
        CheckConstraint(one_of("purpose", AssessmentPurpose), name="purpose"),
        CheckConstraint(one_of("method", AssessmentMethod), name="method"),
        CheckConstraint("ends_on >= starts_on", name="days"),
        Index("uq_assessment_events_code", "code", unique=True),
        Index("ix_assessment_events_starts_on", "starts_on", "id"),
    )

    code: Mapped[str]
    title: Mapped[str]
    purpose: Mapped[AssessmentPurpose] = mapped_column(Word(AssessmentPurpose))
    method: Mapped[AssessmentMethod] = mapped_column(Word(AssessmentMethod))
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("assessment_providers.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """The last day of measuring: results count from it."""
    closed_at: Mapped[datetime | None]
    """Since when nobody is added any more."""


class Assessment(Identified, Versioned, Base):
    """One person in one event, measured against one position's standard."""

    __tablename__ = "assessments"
    __table_args__ = (
        CheckConstraint(one_of("state", AssessmentState), name="state"),
        CheckConstraint(
            "(state IN ('moderated', 'published', 'superseded')) <= (moderated_by IS NOT NULL)",
            name="moderated",
        ),
        Index("ix_assessments_event_id", "event_id", "state", "id"),
        Index("ix_assessments_state", "state", "id"),
        Index(
            "uq_assessments_event_id_employee_id",
            "event_id",
            "employee_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("assessment_events.id"))
    employee_id: Mapped[UUID] = of_employee()
    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"), index=True)
    """The position whose standard it is measured against: one's own, or the one to be filled."""
    state: Mapped[AssessmentState] = mapped_column(
        Word(AssessmentState), server_default="draft", default=AssessmentState.DRAFT
    )
    submitted_at: Mapped[datetime | None]
    moderated_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    moderated_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """Why it was returned, cancelled, or moderated as it was. The person reads it too."""


class AssessorAssignment(Identified, Versioned, Base):
    """Who rates whom in an assessment: a relation, which alone lets a rater see a candidate."""

    __tablename__ = "assessor_assignments"
    __table_args__ = (
        CheckConstraint(one_of("source", RaterSource), name="source"),
        CheckConstraint(one_of("state", AssessorAssignmentState), name="state"),
        CheckConstraint("(source = 'self') = (rater_id IS NOT DISTINCT FROM candidate_id)", "self"),
        CheckConstraint("rater_id IS NOT NULL OR source = 'assessor'", name="provider"),
        CheckConstraint("(state = 'submitted') = (submitted_at IS NOT NULL)", name="submitted"),
        CheckConstraint("potential_score BETWEEN 0 AND 100", name="potential_score"),
        CheckConstraint("potential_score IS NULL OR source = 'assessor'", name="potential_source"),
        Index("ix_assessor_assignments_rater_id", "rater_id", "state", "id"),
        Index(
            "uq_assessor_assignments_assessment_id_rater_id",
            "assessment_id",
            "rater_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"), index=True)
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    rater_id: Mapped[UUID | None] = mapped_column(ForeignKey("employees.id"))
    """None: the provider's own assessors, whose ratings came by import."""
    source: Mapped[RaterSource] = mapped_column(Word(RaterSource))
    state: Mapped[AssessorAssignmentState] = mapped_column(
        Word(AssessorAssignmentState),
        server_default="assigned",
        default=AssessorAssignmentState.ASSIGNED,
    )
    potential_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    """0 to 100, by an assessor only."""
    submitted_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """Why it was returned or withdrawn, by the agency; the rater reads it."""


class AssessmentRating(Identified, Versioned, Base):
    """The level that one rater saw in one competency, and on what evidence.

    Source and rater are those of the assignment, beside the rating for row-level security: what
    peers and subordinates gave is read by themselves and by auditors, and else only in numbers.
    """

    __tablename__ = "assessment_ratings"
    __table_args__ = (
        CheckConstraint(one_of("source", RaterSource), name="source"),
        CheckConstraint("level BETWEEN 0 AND 5", name="level"),
        Index(
            "uq_assessment_ratings_assignment_id_competency_id",
            "assignment_id",
            "competency_id",
            unique=True,
        ),
        Index("ix_assessment_ratings_assessment_id", "assessment_id"),
    )

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assessor_assignments.id"))
    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    competency_id: Mapped[UUID] = mapped_column(ForeignKey("competencies.id"))
    rater_id: Mapped[UUID | None] = mapped_column(ForeignKey("employees.id"))
    source: Mapped[RaterSource] = mapped_column(Word(RaterSource))
    level: Mapped[int] = mapped_column(SmallInteger)
    """0 (not yet level 1) to 5."""
    note: Mapped[str | None]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """References to what was seen: `[{"title", "reference"}]`."""


class AssessmentResult(Identified, Base):
    """What the rules made of an assessment's ratings. Only its end is ever written to it."""

    __tablename__ = "assessment_results"
    __table_args__ = (
        CheckConstraint(one_of("purpose", AssessmentPurpose), name="purpose"),
        CheckConstraint(one_of("band", JpmBand), name="band"),
        CheckConstraint(one_of("potential", Potential), name="potential"),
        CheckConstraint("(jpm IS NULL) = (band IS NULL)", name="band_of_jpm"),
        Index("uq_assessment_results_version_no", "assessment_id", "version_no", unique=True),
        Index(
            "uq_assessment_results_in_force",
            "assessment_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_assessment_results_employee_id", "employee_id", "assessed_on", "id"),
        Index("ix_assessment_results_published_at", "published_at", "id"),
        Index(
            "ix_assessment_results_valid_until",
            "valid_until",
            "id",
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"))
    version_no: Mapped[int] = mapped_column(SmallInteger)
    purpose: Mapped[AssessmentPurpose] = mapped_column(Word(AssessmentPurpose))
    assessed_on: Mapped[date]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`app.rules.scoring.ScoringInputs`: all that the rules were given."""
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`app.rules.scoring.RulesUsed`: packs by id and version, formula and cap."""
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`app.rules.scoring.Scoring`: all that the rules gave."""
    jpm: Mapped[Decimal | None] = mapped_column(Numeric(7, 2))
    """Job person match in percent, by the formula and cap in force; NULL where incomplete."""
    jpm_uncapped: Mapped[Decimal | None] = mapped_column(Numeric(7, 2))
    band: Mapped[JpmBand | None] = mapped_column(Word(JpmBand))
    potential: Mapped[Potential | None] = mapped_column(Word(Potential))
    gaps: Mapped[int] = mapped_column(SmallInteger)
    """In how many competencies the level is below the required one."""
    valid_until: Mapped[date]
    """The first day on which it no longer counts."""
    reason: Mapped[str]
    """Why this version was made."""
    published_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    published_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    superseded_at: Mapped[datetime | None]
    """Since when another version of the same assessment stands in its place."""


class CompetencyScore(Identified, Base):
    """One competency of a result."""

    __tablename__ = "competency_scores"
    __table_args__ = (
        CheckConstraint("required BETWEEN 1 AND 5", name="required"),
        CheckConstraint("actual BETWEEN 0 AND 5", name="actual"),
        Index(
            "uq_competency_scores_result_id_competency_id",
            "result_id",
            "competency_id",
            unique=True,
        ),
    )

    result_id: Mapped[UUID] = mapped_column(ForeignKey("assessment_results.id"))
    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    competency_id: Mapped[UUID] = mapped_column(ForeignKey("competencies.id"))
    competency_version_id: Mapped[UUID] = mapped_column(ForeignKey("competency_versions.id"))
    required: Mapped[int] = mapped_column(SmallInteger)
    actual: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    """The level found; NULL where nobody's rating counts."""
    gap: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    """Levels below the required one; never negative."""
    surplus: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    """Levels above it; never negative, and never set against a gap."""
