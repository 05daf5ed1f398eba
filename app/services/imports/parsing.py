"""From the raw rows of a table to typed values, with what is wrong with each row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.rules.identifiers import Nip, NiPppk
from app.services.imports.cells import Cell, Convert, Result, Value, converter
from app.services.imports.headings import column_letters
from app.services.imports.reading import Row, Table
from app.services.imports.words import Finding, about_cell

Values: TypeAlias = dict[str, Value | None]


@dataclass(slots=True)
class ParsedRow:
    """One row of the file: its number there, typed values by column name, and findings.

    `values` holds the columns that the file has; an empty cell is None. Where a cell is wrong
    its value is None too. `repeats` is the number of the earlier row that this one repeats:
    such a row is to be skipped.
    """

    row_number: int
    values: Values
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    repeats: int | None = None


Check: TypeAlias = Callable[[ParsedRow], None]
"""Adds to a row what can be judged only by looking at several of its cells."""


def parse_rows(table: Table, check: Check) -> Iterator[ParsedRow]:
    """Parse every data row, in the order of the file; rows without any known value are left out.

    A doubled row, whose values all equal an earlier row's, gets the warning `row_repeated`; the
    same identifier with other values is the error `identifier_repeated`. UnreadableFile where
    the file itself breaks on the way.
    """
    plan = _plan(table)
    unheaded = [h.index for h in table.headings if not h.text]
    seen: dict[str, tuple[int, int]] = {}
    for row_number, cells in table.rows():
        results: dict[str, Any] = {name: convert(cells[index]) for name, index, convert in plan}
        wrong = [result for result in results.values() if result.__class__ is Finding]
        if wrong and not any(map(_present, results.values())):
            continue
        row = _parsed(row_number, results) if wrong else ParsedRow(row_number, results)
        check(row)
        if unheaded or len(cells) > len(table.headings):
            _warn_of_unheaded(row, cells, unheaded, len(table.headings))
        if not row.errors:
            _check_repeated(row, seen)
        yield row


def _plan(table: Table) -> list[tuple[str, int, Convert]]:
    return [
        (
            heading.column.name,
            heading.index,
            converter(heading.column, date1904=table.date1904),
        )
        for heading in table.headings
        if heading.column
    ]


def _present(result: Result) -> bool:
    if isinstance(result, Finding):
        return result.code != "required"
    return result is not None


def _parsed(row_number: int, results: dict[str, Result]) -> ParsedRow:
    values: Values = {}
    errors = []
    for name, result in results.items():
        if isinstance(result, Finding):
            errors.append(result)
            values[name] = None
        else:
            values[name] = result
    return ParsedRow(row_number, values, tuple(errors))


def refuse(row: ParsedRow, code: str, *columns: str) -> None:
    """Add an error on the first column or on the row, unless one of them is wrong already."""
    if not any(error.column in columns for error in row.errors):
        row.errors += (about_cell(columns[0] if columns else None, code),)


def _warn_of_unheaded(row: ParsedRow, cells: Row, unheaded: list[int], width: int) -> None:
    indexes = [*unheaded, *range(width, len(cells))]
    filled = [column_letters(index) for index in indexes if not _blank(cells[index])]
    if filled:
        row.warnings += (about_cell(None, "cell_without_heading", letters=", ".join(filled)),)


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _check_repeated(row: ParsedRow, seen: dict[str, tuple[int, int]]) -> None:
    identifier = row.values["nip"]
    if not isinstance(identifier, Nip | NiPppk):
        return
    # A hash of the values tells equal rows at a tenth of the memory that keeping them takes.
    fingerprint = hash(tuple(row.values.values()))
    first_row, first_fingerprint = seen.setdefault(identifier.value, (row.row_number, fingerprint))
    if first_row == row.row_number:
        return
    if first_fingerprint == fingerprint:
        row.repeats = first_row
        row.warnings += (about_cell(None, "row_repeated", first_row=first_row),)
    else:
        row.errors += (about_cell("nip", "identifier_repeated", first_row=first_row),)
