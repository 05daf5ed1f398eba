"""Exports: what was asked for and why, and every time that it went out to its end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Word, one_of
from app.vocabulary import ExportDataset, ExportFormat


class Export(Identified, Base):
    """A data set that somebody may fetch in one format, as of one moment. Never changed."""

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint(one_of("dataset", ExportDataset), name="dataset"),
        CheckConstraint(one_of("format", ExportFormat), name="format"),
        CheckConstraint("purpose <> ''", name="purpose"),
        Index("ix_exports_account_id", "account_id", "id"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    dataset: Mapped[ExportDataset] = mapped_column(Word(ExportDataset))
    format: Mapped[ExportFormat] = mapped_column(Word(ExportFormat))
    as_of: Mapped[datetime]
    purpose: Mapped[str]
    """Why, in the words of who asked."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class ExportDelivery(Identified, Base):
    """One time that an export went out to its end, and the signed manifest of what went out."""

    __tablename__ = "export_deliveries"
    __table_args__ = (Index("ix_export_deliveries_export_id", "export_id", "id"),)

    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    sha256: Mapped[bytes]
    manifest: Mapped[dict[str, Any]] = mapped_column(JSONB)
    completed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
