"""What the personnel agency asks of everybody at once, kept ready: profiles and gaps of units.

Derived from results, seats and standards by `app.refresh_competency_profiles`, a moment after
they change. They hold nothing of their own: emptied, they fill again. And they refer to nothing,
since checking that would lock every employee while everybody is computed anew.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.audit import Xid8
from app.models.base import Base, Word
from app.vocabulary import EducationLevel, JobKind


class CompetencyProfile(Base):
    """An employee in service, their seat, and the levels of their newest result."""

    __tablename__ = "competency_profiles"
    __table_args__ = (
        Index("ix_competency_profiles_unit_id", "unit_id", "employee_id"),
        Index("ix_competency_profiles_position_id", "position_id"),
        Index("ix_competency_profiles_valid_until", "valid_until", "employee_id"),
    )

    employee_id: Mapped[UUID] = mapped_column(primary_key=True)
    position_id: Mapped[UUID | None]
    """Where they hold a seat for good."""
    unit_id: Mapped[UUID | None]
    job_kind: Mapped[JobKind | None] = mapped_column(Word(JobKind))
    golongan: Mapped[str | None]
    education: Mapped[EducationLevel | None] = mapped_column(Word(EducationLevel))
    """The highest one finished."""
    result_id: Mapped[UUID | None]
    """Of the assessment that was made last, also where it no longer counts."""
    assessed_on: Mapped[date | None]
    valid_until: Mapped[date | None]
    """The first day on which the result no longer counts."""
    levels: Mapped[list[int | None]] = mapped_column(ARRAY(SmallInteger))
    """By the competencies' ordinals, in hundredths; NULL where nothing was measured."""
    required: Mapped[list[int | None]] = mapped_column(ARRAY(SmallInteger))
    """Of the seat, by the competencies' ordinals, in hundredths; NULL where nothing is required."""


class UnitGap(Base):
    """How the holders of seats in one unit, of one kind, stand in one competency."""

    __tablename__ = "unit_gaps"

    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_kind: Mapped[JobKind] = mapped_column(Word(JobKind), primary_key=True)
    competency_id: Mapped[UUID] = mapped_column(primary_key=True)
    people: Mapped[int]
    """Whose seat requires the competency."""
    assessed: Mapped[int]
    """Of these, with a level in a result that counts on `CompetencyRefresh.day`."""
    short: Mapped[int]
    """Of these, below the required level."""
    gap: Mapped[int]
    """Sum of their gaps, in hundredths of a level."""
    surplus: Mapped[int]
    """Sum of the surpluses of the others, in hundredths; never set against a gap."""


class CompetencyRefresh(Base):
    """How far the change log has been followed; one row."""

    __tablename__ = "competency_refreshes"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    upto: Mapped[int] = mapped_column(Xid8())
    """Every transaction below has been followed."""
    day: Mapped[date]
    """The day in Asia/Jakarta for which dated facts were read."""
    defaults: Mapped[str] = mapped_column(String)
    """The rule that gave the default levels."""
    refreshed_at: Mapped[datetime]
