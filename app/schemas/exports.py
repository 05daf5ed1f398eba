"""Exports: what can be had, what was asked for, and the manifest of what went out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.audit import Hex, Instant
from app.schemas.base import Page, PageQuery, Schema, example
from app.vocabulary import ExportColumnType, ExportDataset, ExportFormat, ExportState, Role

EXPORT_ID = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
ACCOUNT_ID = "0199f1c2-0000-7b61-a8a4-6f3a7d1c2b90"
COLUMN = {
    "name": "birth_date",
    "type": "date",
    "id": "Tanggal lahir",
    "en": "Date of birth",
    "source": "employees.birth_date",
}
DELIVERED = {
    "completed_at": "2026-11-24T02:00:09.120431Z",
    "rows": 5120,
    "bytes": 1048576,
    "sha256": "5f" * 32,
}
EXPORT = {
    "id": EXPORT_ID,
    "account_id": ACCOUNT_ID,
    "dataset": "employees",
    "format": "csv",
    "as_of": "2026-11-24T02:00:00Z",
    "purpose": "pemeriksaan tahunan",
    "state": "completed",
    "created_at": "2026-11-24T02:00:00Z",
    "content_url": f"/api/v1/exports/{EXPORT_ID}/content",
    "manifest_url": f"/api/v1/exports/{EXPORT_ID}/manifest",
    "latest": DELIVERED,
}
MANIFEST = {
    "type": "kemuning-export-manifest-v1",
    "origin": "https://kemuning.example",
    "export_id": EXPORT_ID,
    "dataset": "employees",
    "format": "csv",
    "columns": [COLUMN],
    "as_of": "2026-11-24T02:00:00.000000Z",
    "read_at": "2026-11-24T02:00:05.000000Z",
    "snapshot": "812:812:",
    "schema_revision": "exports",
    "rows": 5120,
    "bytes": 1048576,
    "sha256": "5f" * 32,
    "requested_by": ACCOUNT_ID,
    "account_id": ACCOUNT_ID,
    "role": "auditor",
    "purpose": "pemeriksaan tahunan",
    "request_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91",
    "kid": "Q0Zl9n3J1mWk6mL8bHc2oXr7tYvU5sPdEaGfIjKxNzw",
    "signature": "A" * 86,
}


class ExportColumn(Schema):
    """A column, and what it means.

    A `text` is what people typed; in CSV one that begins with = + - @, a tab or a carriage return
    has an apostrophe before it, so that no spreadsheet takes it for a formula. Decimals are exact:
    text in NDJSON. Instants are RFC 3339 in UTC. `json` is a value of its own in NDJSON.
    """

    model_config = example(COLUMN)

    name: str
    type: ExportColumnType
    id: str = Field(description="Its meaning in Indonesian.")
    en: str = Field(description="Its meaning in English.")
    source: str = Field(description="The table and column that it comes from.")


class ExportDatasetRead(Schema):
    """A data set with its dictionary."""

    name: ExportDataset
    title_id: str
    title_en: str
    as_of_id: str = Field(description="How the moment applies, in Indonesian.")
    as_of_en: str = Field(description="How the moment applies, in English.")
    personal: bool = Field(description="Whether it is about people: each read of it is recorded.")
    columns: list[ExportColumn]


class ExportFormatRead(Schema):
    """A format, and whether this server can write it."""

    name: ExportFormat
    media_type: str
    installed: bool
    most_rows: int | None = Field(description="More rows are refused; null without a limit.")


class ExportDatasets(Schema):
    """Every data set and format."""

    model_config = example(
        {
            "items": [
                {
                    "name": "employees",
                    "title_id": "Pegawai",
                    "title_en": "Employees",
                    "as_of_id": "Fakta bertanggal pada hari itu.",
                    "as_of_en": "Dated facts on that day.",
                    "personal": True,
                    "columns": [COLUMN],
                }
            ],
            "formats": [
                {
                    "name": "csv",
                    "media_type": "text/csv; charset=utf-8",
                    "installed": True,
                    "most_rows": None,
                }
            ],
        }
    )

    items: list[ExportDatasetRead]
    formats: list[ExportFormatRead]


class ExportCreate(Schema):
    """Which data set, in which format, as of when."""

    model_config = example({"dataset": "employees", "format": "csv"})

    dataset: ExportDataset
    format: ExportFormat
    as_of: Instant | None = Field(
        default=None, description="The moment to show; now when left out, and never later."
    )


class ExportDelivered(Schema):
    """What went out when the export was last read to its end."""

    completed_at: datetime
    rows: int
    bytes: int
    sha256: Hex


class ExportRead(Schema):
    """An export: `content_url` may be read again and again; each time a manifest is made."""

    model_config = example(EXPORT)

    id: UUID
    account_id: UUID = Field(description="Who asked for it.")
    dataset: ExportDataset
    format: ExportFormat
    as_of: datetime
    purpose: str
    state: ExportState
    created_at: datetime
    content_url: str
    manifest_url: str
    latest: ExportDelivered | None


class ExportPage(Page):
    """Exports, newest first."""

    model_config = example({"items": [EXPORT], "next_cursor": None, "total": None})

    items: list[ExportRead]


class ExportQuery(PageQuery):
    """Which exports."""

    dataset: ExportDataset | None = None
    state: ExportState | None = None


class ExportManifest(Schema):
    """What a delivered file is, signed (ES256 over the canonical JSON without `signature`).

    `kemuning export verify FILE MANIFEST` holds a file to it with the published audit keys.
    """

    model_config = example(MANIFEST)

    type: str
    origin: str
    export_id: UUID
    dataset: ExportDataset
    format: ExportFormat
    columns: list[ExportColumn]
    as_of: str = Field(description="The moment that was asked for.")
    read_at: str = Field(description="When the data were read.")
    snapshot: str = Field(description="PostgreSQL's name of what the read saw.")
    schema_revision: str
    rows: int
    bytes: int
    sha256: Hex
    requested_by: UUID
    account_id: UUID = Field(description="Who read it.")
    role: Role
    purpose: str
    request_id: str = Field(description="By which the audit log tells of the read.")
    kid: str
    signature: Annotated[str, Field(max_length=100)]
