"""Sample files as messy as real ones: what every kind of file suffers from.

The faults stand at fixed places; each kind names its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import BytesIO
from typing import Final, TypeAlias

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.rules.identifiers import Nip, NiPppk
from app.services.imports.cells import Cell, as_text, defused
from app.services.imports.columns import Column
from app.services.imports.template import csv_bytes, label

CleanRow: TypeAlias = Mapping[str, object]
Spoiled: TypeAlias = dict[str, Cell]
Spoil: TypeAlias = Callable[[Spoiled], None]
Groups: TypeAlias = Sequence[tuple[str, Mapping[str, str]]]
"""Headings over several columns, or over none: (upper line, {column name: lower line})."""

_PAGE: Final = 25  # data rows after which the headings come again, as on printed pages


@dataclass(frozen=True, slots=True)
class Sample:
    """A kind of messy file: its sheet and title line, its columns in order, and its faults."""

    sheet: str
    title: str
    columns: Sequence[Column]
    groups: Groups
    spoils: Sequence[Spoil]


def spoiled_workbook(sample: Sample, rows: Sequence[CleanRow]) -> bytes:
    """A workbook of these rows, spoiled.

    Title lines, headings over two lines with merged cells and again in the middle, a line of
    column numbers, a column of running numbers, blank and doubled rows, and in single cells
    what the sample's faults do.
    """
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True}) as book:
        sheet = book.add_worksheet(sample.sheet)
        bold = book.add_format({"bold": True, "align": "center"})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_string(0, 0, sample.title, bold)
        at = 2
        for number, row in enumerate(_spoiled(sample, rows)):
            if number % _PAGE == 0:
                at = _write_headings(sheet, sample.groups, at, bold, merge=number == 0)
            if number == 0:
                for index in range(len(sample.columns) + 1):
                    sheet.write_number(at, index, index + 1)
                at += 1
            _write_row(sheet, at, [float(number + 1), *row.values()], day)
            at += 2 if number % 10 == 9 else 1
    return output.getvalue()


def spoiled_csv(sample: Sample, rows: Sequence[CleanRow]) -> bytes:
    """The same rows and faults in one CSV: semicolons, a BOM, headings in capitals."""
    headings = [column.header.upper() for column in sample.columns]
    texts = ([defused(as_text(cell)) for cell in row.values()] for row in _spoiled(sample, rows))
    return csv_bytes(iter([headings, *texts]))


def _spoiled(sample: Sample, rows: Sequence[CleanRow]) -> Iterator[Spoiled]:
    """Every row in its cells; a fault in every few of them, and one row twice."""
    step = max(1, len(rows) // (len(sample.spoils) + 1))
    for number, row in enumerate(rows):
        cells: Spoiled = {column.name: _cell(row.get(column.name)) for column in sample.columns}
        place, rest = divmod(number, step)
        if rest == 0 and place < len(sample.spoils):
            sample.spoils[place](cells)
        yield cells
        if number == step * len(sample.spoils):
            yield dict(cells)


def _cell(value: object) -> str:
    if isinstance(value, StrEnum):
        return label(value)
    if isinstance(value, date):
        return f"{value:%d-%m-%Y}"
    if isinstance(value, Nip | NiPppk):
        return value.value
    return "" if value is None else str(value)


def _write_headings(sheet: Worksheet, groups: Groups, at: int, bold: object, *, merge: bool) -> int:
    sheet.write_string(at, 0, "No", bold)
    index = 1
    for upper, columns in groups:
        last = index + len(columns) - 1
        lower = list(columns.values())
        if merge and (last > index or not lower[0]):
            sheet.merge_range(at, index, at if lower[0] else at + 1, last, upper, bold)
        else:
            sheet.write_string(at, index, upper, bold)
        for offset, text in enumerate(lower):
            if text:
                sheet.write_string(at + 1, index + offset, text, bold)
        index = last + 1
    return at + 2


def _write_row(sheet: Worksheet, at: int, cells: Sequence[Cell], day: object) -> None:
    for index, cell in enumerate(cells):
        if isinstance(cell, datetime):
            sheet.write_datetime(at, index, cell, day)
        elif isinstance(cell, float):
            sheet.write_number(at, index, cell)
        elif cell == "#N/A":
            sheet.write_formula(at, index, "=NA()", None, "#N/A")
        elif cell:
            sheet.write_string(at, index, str(cell))


# --- Faults of every kind of file


def nip_as_number(cells: Spoiled) -> None:
    """As Excel keeps what looks like a number: its last digits are lost."""
    cells["nip"] = float(str(cells["nip"]))


def nip_in_groups(cells: Spoiled) -> None:
    """As it is printed on cards."""
    nip = str(cells["nip"])
    cells["nip"] = f" {nip[:8]} {nip[8:14]} {nip[14]} {nip[15:]}"


def nip_with_apostrophe(cells: Spoiled) -> None:
    """As it is typed to keep Excel from it."""
    cells["nip"] = f"'{cells['nip']}"


def name_with_spaces(cells: Spoiled) -> None:
    """With the spaces of a web page that it was copied from."""
    cells["name"] = "\u00a0" + str(cells["name"]).replace(" ", "  ") + "\u200b "
