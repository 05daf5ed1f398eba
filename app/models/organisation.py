"""Units, positions (jabatan) and their seats, each fact with the days on which it holds."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
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
    trigram,
)
from app.vocabulary import AssignmentKind, Jenjang, JobKind, SuccessionKind, UnitKind


class Unit(Identified, Versioned, Base):
    """A unit of the government, by a code that it keeps for life."""

    __tablename__ = "units"

    code: Mapped[str] = mapped_column(unique=True)


class UnitVersion(Identified, Dated, Base):
    """A unit's name, kind and place in the tree over some days."""

    __tablename__ = "unit_versions"
    __table_args__ = (
        CheckConstraint(one_of("kind", UnitKind), name="kind"),
        CheckConstraint("parent_id <> unit_id", name="not_its_own_parent"),
        never_twice("unit_id", name="uq_unit_versions_unit_id"),
        ExcludeConstraint(
            ("valid", "&&"),
            name="uq_unit_versions_root",
            using="gist",
            where="parent_id IS NULL",
        ),
        Index("ix_unit_versions_unit_id", "unit_id"),
        Index("ix_unit_versions_parent_id", "parent_id"),
    )

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """None for the root only, of which there is one a day."""
    name: Mapped[str]
    kind: Mapped[UnitKind] = mapped_column(Word(UnitKind))


class UnitSuccession(Identified, Base):
    """One unit passed into another on a day."""

    __tablename__ = "unit_successions"
    __table_args__ = (
        CheckConstraint(one_of("kind", SuccessionKind), name="kind"),
        Index("uq_unit_successions", "from_unit_id", "to_unit_id", "on_date", unique=True),
    )

    from_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    to_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    kind: Mapped[SuccessionKind] = mapped_column(Word(SuccessionKind))
    on_date: Mapped[date]
    legal_basis: Mapped[str | None]


class Position(Identified, Versioned, Base):
    """A jabatan in the organisation, by a code that it keeps for life."""

    __tablename__ = "positions"

    code: Mapped[str] = mapped_column(unique=True)


class PositionVersion(Identified, Dated, Base):
    """A position's place, kind and number of seats over some days."""

    __tablename__ = "position_versions"
    __table_args__ = (
        CheckConstraint(one_of("job_kind", JobKind), name="job_kind"),
        CheckConstraint(one_of("jenjang", Jenjang), name="jenjang"),
        CheckConstraint("(job_kind = 'fungsional') = (jenjang IS NOT NULL)", name="jenjang_of_jf"),
        CheckConstraint("job_class BETWEEN 1 AND 17", name="job_class"),
        CheckConstraint("seats BETWEEN 0 AND 10000", name="seats"),
        CheckConstraint("retirement_age BETWEEN 50 AND 70", name="retirement_age"),
        never_twice("position_id", name="uq_position_versions_position_id"),
        Index("ix_position_versions_position_id", "position_id"),
        Index("ix_position_versions_unit_id", "unit_id"),
        trigram("position_versions", "title"),
    )

    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    title: Mapped[str]
    job_kind: Mapped[JobKind] = mapped_column(Word(JobKind))
    jenjang: Mapped[Jenjang | None] = mapped_column(Word(Jenjang))
    job_class: Mapped[int | None] = mapped_column(SmallInteger)
    """Kelas jabatan, 1 to 17."""
    retirement_age: Mapped[int] = mapped_column(SmallInteger)
    """BUP in years, from the rule pack unless the position's own law says otherwise."""
    retirement_age_rule: Mapped[str]
    """The rule pack and version that gave the age, or `own: ` and its basis."""
    seats: Mapped[int]
    workload: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """ABK: `[{"task", "volume" per year, "minutes" per unit}]`."""
    workload_need: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    """Staff needed by the workload."""
    workload_rule: Mapped[str | None]
    """The rule pack and version that computed the need."""


class SeatAssignment(Identified, Versioned, Dated, Base):
    """Who held which seat when. A seat number above `seats` means over-filled.

    The database itself keeps a seat from being filled twice: on one day it has one definitif
    holder or one plt, and beside a holder at most one plh; and nobody holds two seats for good.
    """

    __tablename__ = "seat_assignments"
    __table_args__ = (
        CheckConstraint(one_of("kind", AssignmentKind), name="kind"),
        CheckConstraint("seat_no BETWEEN 1 AND 20000", name="seat_no"),
        ExcludeConstraint(
            ("position_id", "="),
            ("seat_no", "="),
            ("valid", "&&"),
            name="uq_seat_assignments_seat",
            using="gist",
            where="kind <> 'plh'",
        ),
        ExcludeConstraint(
            ("position_id", "="),
            ("seat_no", "="),
            ("valid", "&&"),
            name="uq_seat_assignments_plh",
            using="gist",
            where="kind = 'plh'",
        ),
        ExcludeConstraint(
            ("employee_id", "="),
            ("valid", "&&"),
            name="uq_seat_assignments_employee_id",
            using="gist",
            where="kind = 'definitif'",
        ),
        Index("ix_seat_assignments_position_id", "position_id"),
    )

    employee_id: Mapped[UUID] = of_employee()
    position_id: Mapped[UUID] = mapped_column(ForeignKey("positions.id"))
    seat_no: Mapped[int]
    kind: Mapped[AssignmentKind] = mapped_column(Word(AssignmentKind))
    decree_no: Mapped[str | None]
    over_capacity_reason: Mapped[str | None]
    """Why somebody was placed although no seat was free."""
