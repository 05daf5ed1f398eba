"""Public statistics as everybody reads them, without signing in."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from app.schemas.base import Day, Page, PageQuery, Schema, example
from app.suppression import Status
from app.vocabulary import StatisticsDataset

SNAPSHOT: dict[str, Any] = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2f40",
    "dataset": "competency_gaps",
    "day": "2026-11-24",
    "k": 10,
    "rule": "statistics-kemuning@1",
    "sha256": "5f" * 32,
    "published_at": "2026-11-24T02:15:09.120431Z",
}
CELLS: dict[str, Any] = {
    "dimensions": [
        {"name": "competency", "categories": [{"code": "komunikasi", "name": "Komunikasi"}]},
        {
            "name": "fitness",
            "categories": [
                {"code": "short", "name": "Di bawah standar"},
                {"code": "reached", "name": "Sesuai standar"},
            ],
        },
    ],
    "cells": [
        {
            "key": ["komunikasi", "short"],
            "value": 95,
            "status": "published",
            "share": "0.2500",
            "share_status": "published",
        },
        {
            "key": ["komunikasi", "reached"],
            "value": None,
            "status": "suppressed",
            "share": None,
            "share_status": "suppressed",
        },
    ],
}


class StatisticsCategory(Schema):
    """One value of a dimension."""

    code: str = Field(description="As in the keys of cells; `*` there is the total.")
    name: str


class StatisticsDimension(Schema):
    """What people are counted by."""

    name: str
    categories: list[StatisticsCategory]


class StatisticsCell(Schema):
    """How many people share these attributes."""

    key: list[str] = Field(description="A code for each dimension, in their order; `*` is all.")
    value: int | None = Field(description="Null where it is suppressed; never 0 instead.")
    status: Status
    share: Decimal | None = Field(
        description="Part of its total over the last dimension, 0 to 1, four decimals."
    )
    share_status: Status | None = Field(description="Null for totals, which have no share.")


class SnapshotSummary(Schema):
    """A table of counts, frozen on the day that it was published."""

    model_config = example(SNAPSHOT)

    id: UUID
    dataset: StatisticsDataset
    day: date = Field(description="People were counted as of this day.")
    k: int = Field(description="Fewer people than this are never shown nor computable.")
    rule: str = Field(description="The rule pack and version that k is from.")
    sha256: str = Field(description="Over the cells as canonical JSON (sorted keys, no spaces).")
    published_at: datetime


class SnapshotRead(SnapshotSummary):
    """A snapshot with its cells."""

    model_config = example(SNAPSHOT | CELLS)

    dimensions: list[StatisticsDimension]
    cells: list[StatisticsCell]


class SnapshotPage(Page):
    """Snapshots, newest first."""

    model_config = example({"items": [SNAPSHOT], "next_cursor": None, "total": None})

    items: list[SnapshotSummary]


class SnapshotQuery(PageQuery):
    """Which snapshots."""


class DatasetRead(Schema):
    """A table that is published, and how its figures are made."""

    model_config = example(
        {
            "dataset": "competency_gaps",
            "title": "Kesenjangan kompetensi",
            "description": "Pemegang jabatan menurut kompetensi dan hasilnya.",
            "method": "Pegawai dihitung sekali untuk tiap kompetensi …",
            "latest": SNAPSHOT,
        }
    )

    dataset: StatisticsDataset
    title: str
    description: str
    method: str
    latest: SnapshotSummary | None = Field(description="Null until one is published.")


class DatasetList(Schema):
    """Every table that is published."""

    model_config = example(
        {"items": [DatasetRead.model_config["json_schema_extra"]["examples"][0]]}  # type: ignore[index]
    )

    items: list[DatasetRead]


class SnapshotOn(Schema):
    """Which snapshot of a table."""

    day: Day | None = Field(default=None, description="The one of this day; the newest otherwise.")
