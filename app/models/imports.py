"""Imports: the file, the job that reads it, what is wrong with which row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Versioned


class Import(Identified, Versioned, Base):
    """One file that somebody brought in, and how far it has come."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'checked', 'imported', 'refused', 'failed')",
            name="state",
        ),
        Index("ix_imports_created_at", "created_at", "id"),
    )

    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    filename: Mapped[str]
    sha256: Mapped[bytes]
    dry_run: Mapped[bool]
    partial: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Import the good rows although others are wrong; all or nothing when false."""
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}", default=dict)
    state: Mapped[str] = mapped_column(server_default="queued", default="queued")
    progress: Mapped[int] = mapped_column(server_default="0", default=0)
    """Rows handled so far in the present step."""
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    """rows, unchanged, changed, new, skipped, wrong, warnings."""
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What is wrong with the file as a whole, where something is."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ImportFile(Base):
    """The bytes as they came, removed some time after the import."""

    __tablename__ = "import_files"

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    content: Mapped[bytes]


class ImportFinding(Base):
    """What is wrong with, or worth knowing of, one cell of one row."""

    __tablename__ = "import_findings"
    __table_args__ = (CheckConstraint("severity IN ('error', 'warning')", name="severity"),)

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    row_number: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    severity: Mapped[str]
    column_name: Mapped[str | None]
    code: Mapped[str]
    detail_id: Mapped[str]
    detail_en: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
