"""Files that people fill in: the empty template, and the file of faulty rows to mend."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from io import BytesIO, StringIO
from typing import Final, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from app.services.imports.cells import LEVELS, Cell, as_text, defused
from app.services.imports.columns import ERROR_HEADER, Column, Columns, squeeze
from app.services.imports.layout import Layout
from app.services.imports.reading import Row, Table
from app.services.imports.words import Finding
from app.services.imports.workbooks import MAX_ROWS
from app.vocabulary import EducationLevel, EmploymentStatus, Golongan, Jenjang, JobKind, Sex

Language = Literal["id", "en"]

HELP_SHEET: Final = "Petunjuk"

_CELL_LIMIT: Final = 32_767
_DAYS_BETWEEN_EPOCHS: Final = 1_462
_ABBREVIATIONS: Final = ("jpt", "cpns", "pns", "pppk")


def label(word: StrEnum) -> str:
    """How the template writes a word of the vocabulary; the reader takes it back."""
    if isinstance(word, Sex):
        return "L" if word is Sex.MALE else "P"
    if isinstance(word, Golongan):
        return word.value
    if isinstance(word, EducationLevel):
        return word.value.upper()
    parts = word.value.split("_")
    return " ".join(p.upper() if p in _ABBREVIATIONS else p.capitalize() for p in parts)


_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "sex": [*map(label, Sex)],
    "status": [*map(label, EmploymentStatus)],
    "golongan": [*map(label, Golongan)],
    "job_kind": [*map(label, JobKind)],
    "jenjang": [*map(label, Jenjang)],
    "education_level": [*map(label, EducationLevel)],
    "level": [str(level) for level in LEVELS],
}
"""What the template offers in a column, by the way in which it is read."""


def template_xlsx(layout: Layout) -> bytes:
    """An empty workbook to fill in: text cells, lists to choose from, a sheet of help."""
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        plain = book.add_format({"bold": True, "bg_color": "#D9E2EC", "border": 1})
        required = book.add_format({"bold": True, "bg_color": "#FFE699", "border": 1})
        sheet = book.add_worksheet(layout.title)
        for index, column in enumerate(layout.columns):
            sheet.set_column(index, index, max(12, len(column.header) + 4), text)
            sheet.write_string(0, index, column.header, required if column.required else plain)
            sheet.write_comment(0, index, f"{column.help_id}\n{column.help_en}")
            _offer_choices(sheet, index, column)
        sheet.freeze_panes(1, 2)
        wrapped = book.add_format({"text_wrap": True})
        _write_help(book.add_worksheet(HELP_SHEET), layout, plain, wrapped)
        for name, rows in layout.sheets:
            _write_sheet(book.add_worksheet(name), rows, plain, wrapped)
    return output.getvalue()


def template_csv(layout: Layout) -> bytes:
    """The headings alone, as Excel with Indonesian settings reads them: semicolons, UTF-8 BOM."""
    return csv_bytes([[column.header for column in layout.columns]])


def error_xlsx(
    table: Table, errors: Mapping[int, Sequence[Finding]], *, language: Language = "id"
) -> bytes:
    """The faulty rows as they came, with what is wrong in the first column, to mend and resend.

    `errors` by row number; rows without any are left out. Every cell is text, and none is
    taken for a formula. The reader skips the first column.
    """
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"constant_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        bold = book.add_format({"bold": True, "num_format": "@"})
        sheet = book.add_worksheet()
        sheet.set_column(0, 0, 60, text)
        sheet.set_column(1, len(table.headings), 18, text)
        sheet.freeze_panes(1, 1)
        for number, row in enumerate(_error_rows(table, errors, language)):
            for index, cell in enumerate(row):
                sheet.write_string(number, index, cell[:_CELL_LIMIT], text if number else bold)
    return output.getvalue()


def error_csv(
    table: Table, errors: Mapping[int, Sequence[Finding]], *, language: Language = "id"
) -> bytes:
    """As `error_xlsx`, with semicolons and a UTF-8 BOM."""
    return csv_bytes(_error_rows(table, errors, language))


def csv_bytes(rows: Sequence[Sequence[str]] | Iterator[list[str]]) -> bytes:
    """Rows of text as a CSV that Excel with Indonesian settings opens well."""
    output = StringIO()
    csv.writer(output, delimiter=";").writerows(rows)
    return output.getvalue().encode("utf-8-sig", "replace")


def _error_rows(
    table: Table, errors: Mapping[int, Sequence[Finding]], language: Language
) -> Iterator[list[str]]:
    kept = [h for h in table.headings if squeeze(h.text) != squeeze(ERROR_HEADER)]
    yield [ERROR_HEADER, *(defused(heading.text) for heading in kept)]
    for row_number, row in table.rows():
        if found := errors.get(row_number):
            cells = (_cell_text(table, row, heading.index) for heading in kept)
            yield [_explained(table.columns, row_number, found, language), *cells]


def _cell_text(table: Table, row: Row, index: int) -> str:
    cell: Cell = row[index]
    column = table.headings[index].column
    if table.date1904 and isinstance(cell, float) and column and column.reads == "date":
        # The error file counts days from 1900, wherever the original counted from.
        cell += _DAYS_BETWEEN_EPOCHS
    return defused(as_text(cell).encode("utf-8", "replace").decode())


def _explained(
    columns: Columns, row_number: int, findings: Sequence[Finding], language: Language
) -> str:
    words = []
    for finding in findings:
        detail = finding.detail_id if language == "id" else finding.detail_en
        column = columns.by_name.get(finding.column or "")
        words.append(f"{column.header}: {detail}" if column else detail)
    start = "Baris" if language == "id" else "Row"
    return f"{start} {row_number}. " + " ".join(words)


def _offer_choices(sheet: Worksheet, index: int, column: Column) -> None:
    words = _CHOICES.get(column.reads)
    if words:
        choices = {"validate": "list", "source": words}
        # A warning, not a stop: the reader knows more spellings than the list.
        sheet.data_validation(1, index, MAX_ROWS - 1, index, choices | {"error_type": "warning"})


def _write_help(sheet: Worksheet, layout: Layout, bold: Format, wrapped: Format) -> None:
    sheet.set_column(0, 1, 20)
    sheet.set_column(2, 3, 60, wrapped)
    sheet.set_column(4, 4, 32)
    headings = ("Judul", "Wajib", "Penjelasan", "Explanation", "Contoh")
    for index, heading in enumerate(headings):
        sheet.write_string(0, index, heading, bold)
    for row, column in enumerate(layout.columns, start=1):
        wajib = "ya" if column.required else ""
        cells = (column.header, wajib, column.help_id, column.help_en, column.example)
        for index, cell in enumerate(cells):
            sheet.write_string(row, index, cell)
    for row, note in enumerate(layout.notes, start=len(layout.columns) + 2):
        sheet.write_string(row, 0, note)


def _write_sheet(
    sheet: Worksheet, rows: Sequence[Sequence[str]], bold: Format, wrapped: Format
) -> None:
    """Rows of text, the first of them headings; the last column is as wide as a sentence."""
    last = len(rows[0]) - 1
    sheet.set_column(0, last - 1, 20)
    sheet.set_column(last, last, 100, wrapped)
    for row, texts in enumerate(rows):
        for index, text in enumerate(texts):
            sheet.write_string(row, index, text, *(() if row else (bold,)))
