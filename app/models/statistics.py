"""Public statistics: counts as they were published, never changed after."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Word, one_of
from app.vocabulary import StatisticsDataset


class StatisticsSnapshot(Identified, Base):
    """A table of counts with its dimensions, as the public reads it. INSERT only."""

    __tablename__ = "statistics_snapshots"
    __table_args__ = (
        CheckConstraint(one_of("dataset", StatisticsDataset), name="dataset"),
        Index("uq_statistics_snapshots_dataset_day", "dataset", "day", unique=True),
    )

    dataset: Mapped[StatisticsDataset] = mapped_column(Word(StatisticsDataset))
    day: Mapped[date]
    """The day for which people were counted."""
    k: Mapped[int] = mapped_column(SmallInteger)
    rule: Mapped[str]
    """The rule pack and version that k is from."""
    dimensions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """In the order of a cell's key: `[{"name", "categories": [{"code", "name"}]}]`."""
    cells: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`[{"key", "value", "status", "share", "share_status"}]`; what is suppressed is nowhere."""
    sha256: Mapped[str]
    """Over the cells as canonical JSON."""
    published_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    published_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
