"""Imports: the file, how far the job has come, what is wrong with which row."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Versioned, Word, one_of
from app.vocabulary import ImportKind, ImportState, ImportStep, Severity


class Import(Identified, Versioned, Base):
    """One file that somebody brought in, and what came of it.

    `state` is `queued` until it is final. That it runs is told by its progress, so that no
    state outlives a worker that was killed.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(one_of("kind", ImportKind), name="kind"),
        CheckConstraint("(kind = 'assessment_results') = (event_id IS NOT NULL)", name="event"),
        CheckConstraint(one_of("state", ImportState) + " AND state <> 'running'", name="state"),
        Index("ix_imports_created_at", "created_at", "id"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[ImportKind] = mapped_column(
        Word(ImportKind), server_default="employees", default=ImportKind.EMPLOYEES
    )
    event_id: Mapped[UUID | None] = mapped_column(ForeignKey("assessment_events.id"))
    """Whose results they are."""
    filename: Mapped[str]
    sha256: Mapped[bytes]
    dry_run: Mapped[bool]
    partial: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Import the good rows although others are wrong; all or nothing when false."""
    create_positions: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Make the positions that a unit doesn't have yet; otherwise they are errors."""
    effective_from: Mapped[date]
    """From when a change holds whose column names no day; of results the event's last day."""
    sheet: Mapped[str | None]
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}", default=dict)
    state: Mapped[ImportState] = mapped_column(
        Word(ImportState), server_default="queued", default=ImportState.QUEUED
    )
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}", default=dict)
    """rows, new, changed, unchanged, skipped, wrong, warnings."""
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What is wrong with the file as a whole: code, id, en."""
    notes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """What is worth knowing of the file as a whole: code, id, en."""
    finished_at: Mapped[datetime | None]


class ImportProgress(Base):
    """How far the job has come. Unlogged, and committed while the import's own work is not."""

    __tablename__ = "import_progress"
    __table_args__ = (
        CheckConstraint(one_of("step", ImportStep), name="step"),
        {"prefixes": ["UNLOGGED"]},
    )

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    step: Mapped[ImportStep] = mapped_column(Word(ImportStep))
    done: Mapped[int]
    """Rows handled so far in this step."""
    total: Mapped[int | None]
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    beat_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    """A job that has not beaten for some seconds was killed; another worker will take it."""


class ImportFile(Base):
    """The bytes as they came, sealed, and removed some time after the import."""

    __tablename__ = "import_files"

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    content: Mapped[bytes]


class ImportFinding(Base):
    """What is wrong with, or worth knowing of, one cell of one row."""

    __tablename__ = "import_findings"
    __table_args__ = (CheckConstraint(one_of("severity", Severity), name="severity"),)

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    row_number: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    severity: Mapped[Severity] = mapped_column(Word(Severity))
    column_name: Mapped[str | None]
    code: Mapped[str]
    detail_id: Mapped[str]
    detail_en: Mapped[str]
