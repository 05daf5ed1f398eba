"""Employees: an identity that stays, and dated facts about it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
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
from app.vocabulary import (
    CorrectionField,
    CorrectionState,
    DisciplineLevel,
    EducationLevel,
    EmploymentStatus,
    Golongan,
    IdentifierKind,
    Sex,
    StatusEndReason,
)


class Employee(Identified, Versioned, Base):
    """A civil servant: what stays the same, or changes only because it was wrong.

    `version` covers the whole aggregate: every change of a dated fact raises it too.
    """

    __tablename__ = "employees"
    __table_args__ = (
        CheckConstraint(one_of("sex", Sex), name="sex"),
        Index("uq_employees_nik_index", "nik_index", unique=True),
        Index("ix_employees_birth_date", "birth_date", "id"),
    )

    birth_place: Mapped[str | None]
    birth_date: Mapped[date]
    sex: Mapped[Sex] = mapped_column(Word(Sex))
    nik_sealed: Mapped[bytes | None]
    nik_index: Mapped[bytes | None]
    """HMAC of the NIK: finds a double without opening it."""


def full_name(name: str, title_prefix: str | None, title_suffix: str | None) -> str:
    """The name with its titles: `Dr. Siti Aminah, S.E.`."""
    titled = f"{title_prefix} {name}" if title_prefix else name
    return f"{titled}, {title_suffix}" if title_suffix else titled


class EmployeeProfile(Identified, Dated, Base):
    """Name, titles and contact over some days."""

    __tablename__ = "employee_profiles"
    __table_args__ = (
        never_twice("employee_id", name="uq_employee_profiles_employee_id"),
        Index("ix_employee_profiles_employee_id", "employee_id"),
        Index("ix_employee_profiles_name_sort", "name_sort", "employee_id"),
        trigram("employee_profiles", "name_sort", "name"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    name: Mapped[str]
    """Without titles."""
    name_sort: Mapped[str] = mapped_column(String(collation="C"))
    """`app.names.sorting_form(name)`, written with the name. Sorted by code points, so that the
    order is the same on every server."""
    title_prefix: Mapped[str | None]
    title_suffix: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    address: Mapped[str | None]


class EmployeeIdentifier(Identified, Dated, Base):
    """A NIP, or an NI PPPK, which changes with a new agreement at another agency."""

    __tablename__ = "employee_identifiers"
    __table_args__ = (
        CheckConstraint(one_of("kind", IdentifierKind), name="kind"),
        CheckConstraint("value ~ '^[0-9]{18}$'", name="value"),
        never_twice("employee_id", name="uq_employee_identifiers_employee_id"),
        Index("ix_employee_identifiers_employee_id", "employee_id"),
        Index("uq_employee_identifiers_value", "value", unique=True),
        trigram("employee_identifiers", "value"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    kind: Mapped[IdentifierKind] = mapped_column(Word(IdentifierKind))
    value: Mapped[str]


class EmployeeStatus(Identified, Dated, Base):
    """Kind of employment over some days; a last range with an end and a reason means left."""

    __tablename__ = "employee_statuses"
    __table_args__ = (
        CheckConstraint(one_of("status", EmploymentStatus), name="status"),
        CheckConstraint(one_of("end_reason", StatusEndReason), name="end_reason"),
        CheckConstraint("end_reason IS NULL OR NOT upper_inf(valid)", name="ended"),
        never_twice("employee_id", name="uq_employee_statuses_employee_id"),
        Index("ix_employee_statuses_employee_id", "employee_id"),
        Index("ix_employee_statuses_status", "status", "employee_id"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    status: Mapped[EmploymentStatus] = mapped_column(Word(EmploymentStatus))
    end_reason: Mapped[StatusEndReason | None] = mapped_column(Word(StatusEndReason))
    decree_no: Mapped[str | None]


class EmployeeGolongan(Identified, Dated, Base):
    """Rank over some days."""

    __tablename__ = "employee_golongan"
    __table_args__ = (
        CheckConstraint(one_of("golongan", Golongan), name="golongan"),
        never_twice("employee_id", name="uq_employee_golongan_employee_id"),
        Index("ix_employee_golongan_employee_id", "employee_id"),
        Index("ix_employee_golongan_golongan", "golongan", "employee_id"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    golongan: Mapped[Golongan] = mapped_column(Word(Golongan))
    decree_no: Mapped[str | None]


class EmployeeEducation(Identified, Base):
    """One finished education."""

    __tablename__ = "employee_educations"
    __table_args__ = (
        CheckConstraint(one_of("level", EducationLevel), name="level"),
        CheckConstraint("graduation_year BETWEEN 1940 AND 2200", name="graduation_year"),
    )

    employee_id: Mapped[UUID] = of_employee()
    level: Mapped[EducationLevel] = mapped_column(Word(EducationLevel))
    major: Mapped[str | None]
    institution: Mapped[str | None]
    graduation_year: Mapped[int | None] = mapped_column(SmallInteger)


class EmployeeDiscipline(Identified, Dated, Base):
    """A hukuman disiplin over the days on which it is served (PP 94/2021)."""

    __tablename__ = "employee_disciplines"
    __table_args__ = (CheckConstraint(one_of("level", DisciplineLevel), name="level"),)

    employee_id: Mapped[UUID] = of_employee()
    level: Mapped[DisciplineLevel] = mapped_column(Word(DisciplineLevel))
    fact: Mapped[str]
    decree_no: Mapped[str | None]


class EmployeeSpouse(Identified, Dated, Base):
    """Two employees who are married to each other over some days: neither assesses the other."""

    __tablename__ = "employee_spouses"
    __table_args__ = (
        CheckConstraint("employee_id <> spouse_id", name="two_people"),
        never_twice("employee_id", name="uq_employee_spouses_employee_id"),
        never_twice("spouse_id", name="uq_employee_spouses_spouse_id"),
        Index("ix_employee_spouses_employee_id", "employee_id"),
        Index("ix_employee_spouses_spouse_id", "spouse_id"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    spouse_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))


class CorrectionRequest(Identified, Versioned, Base):
    """An employee says that something recorded about them is wrong; hr_admin rules on it."""

    __tablename__ = "correction_requests"
    __table_args__ = (
        CheckConstraint(one_of("state", CorrectionState), name="state"),
        CheckConstraint(one_of("field", CorrectionField), name="field"),
        CheckConstraint(
            "(state IN ('accepted', 'declined')) = (decided_at IS NOT NULL)",
            name="decided",
        ),
        CheckConstraint("state <> 'declined' OR decision_reason IS NOT NULL", name="declined_why"),
        Index("ix_correction_requests_state", "state", "created_at", "id"),
        Index(
            "uq_correction_requests_pending",
            "employee_id",
            "field",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
    )

    employee_id: Mapped[UUID] = of_employee()
    field: Mapped[CorrectionField] = mapped_column(Word(CorrectionField))
    recorded_value: Mapped[str | None]
    """What was recorded when the request was made."""
    proposed_value: Mapped[str]
    reason: Mapped[str]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """References to documents: `[{"title", "reference"}]`."""
    state: Mapped[CorrectionState] = mapped_column(
        Word(CorrectionState), server_default="pending", default=CorrectionState.PENDING
    )
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
