"""Imports: what is asked for, how far it has come, what is wrong."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.base import Page, PageQuery, Schema, example
from app.vocabulary import ImportKind, ImportState, ImportStep, Severity

COUNTS = {
    "rows": 512,
    "new": 480,
    "changed": 20,
    "unchanged": 8,
    "skipped": 1,
    "wrong": 3,
    "warnings": 12,
}
IMPORT = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "kind": "employees",
    "event_id": None,
    "filename": "pegawai-2026.xlsx",
    "dry_run": True,
    "partial": False,
    "create_positions": False,
    "effective_from": "2026-11-24",
    "sheet": None,
    "mapping": {"Nomor Pegawai": "nip"},
    "state": "checked",
    "progress": None,
    "counts": COUNTS,
    "problem": None,
    "notes": [{"code": "unknown_column", "detail": "Kolom Z (Catatan) tidak dikenal."}],
    "created_at": "2026-11-24T02:00:00Z",
    "finished_at": "2026-11-24T02:00:09Z",
}
FINDING = {
    "row_number": 17,
    "severity": "error",
    "column": "nip",
    "header": "NIP",
    "code": "nip_lost_digits",
    "detail": "Excel menyimpan NIP ini sebagai angka sehingga digit terakhirnya hilang.",
}


class ImportCounts(Schema):
    """What came of the rows; `rows` is the sum of new, changed, unchanged, skipped, wrong."""

    rows: int
    new: int
    changed: int
    unchanged: int
    skipped: Annotated[int, Field(description="Rows that repeat an earlier one word for word.")]
    wrong: Annotated[int, Field(description="Rows with an error; they are not imported.")]
    warnings: int


class ImportProgressRead(Schema):
    """How far a running import has come."""

    step: ImportStep
    done: Annotated[int, Field(description="Rows handled so far in this step.")]
    total: Annotated[int | None, Field(description="Rows of the file, once they are known.")]
    attempt: Annotated[int, Field(description="Above 1 where an earlier worker was interrupted.")]
    started_at: datetime


class FileFinding(Schema):
    """What is wrong with, or worth knowing of, the file as a whole."""

    code: str
    detail: str


class ImportRead(Schema):
    """An import.

    `checked` is the end of a dry run, `imported` that of an import; `refused` says that rows or
    the file are wrong and nothing was changed, `failed` that the server was at fault.
    """

    model_config = example(IMPORT)

    id: UUID
    kind: ImportKind
    event_id: Annotated[UUID | None, Field(description="Whose assessment results they are.")]
    filename: str
    dry_run: bool
    partial: bool
    create_positions: bool
    effective_from: Annotated[
        date,
        Field(
            description="From when a change holds whose column names no day; of assessment results "
            "the last day of the event."
        ),
    ]
    sheet: str | None
    mapping: dict[str, str]
    state: ImportState
    progress: ImportProgressRead | None
    counts: ImportCounts | None
    problem: FileFinding | None
    notes: list[FileFinding]
    created_at: datetime
    finished_at: datetime | None


class ImportPage(Page):
    """Imports, newest first."""

    model_config = example({"items": [IMPORT], "next_cursor": None, "total": None})

    items: list[ImportRead]


class ImportQuery(PageQuery):
    """Which imports."""

    kind: ImportKind | None = Field(default=None, description="Of this kind only.")
    state: ImportState | None = Field(default=None, description="In this state only.")


class FindingRead(Schema):
    """What is wrong with, or worth knowing of, one cell; `column` is null for a whole row."""

    row_number: Annotated[int, Field(description="As the spreadsheet counts.")]
    severity: Severity
    column: str | None
    header: Annotated[str | None, Field(description="The column's heading in the template.")]
    code: str
    detail: str


class FindingPage(Page):
    """Findings, by row."""

    model_config = example({"items": [FINDING], "next_cursor": None, "total": None})

    items: list[FindingRead]


class FindingQuery(PageQuery):
    """Which findings."""

    severity: Severity | None = Field(default=None, description="Only errors, or only warnings.")


class ImportColumn(Schema):
    """A column that the import knows."""

    name: str
    header: str
    aliases: Annotated[list[str], Field(description="Other headings that are taken for it.")]
    help: str
    example: str
    required: bool


class ImportColumns(Schema):
    """Every column, in the order of the template.

    Of employees one of unit_code and unit_name is required, of assessment results one level.
    """

    model_config = example(
        {
            "items": [
                {
                    "name": "nip",
                    "header": "NIP",
                    "aliases": ["nip baru"],
                    "help": "NIP (PNS, CPNS) atau NI PPPK, 18 angka.",
                    "example": "198501312010011001",
                    "required": True,
                }
            ]
        }
    )

    items: list[ImportColumn]


FileFormat = Literal["xlsx", "csv"]
