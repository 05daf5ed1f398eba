"""From the raw rows of a table to typed values, with what is wrong with each row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from app.rules.golongan import allowed_golongan
from app.rules.identifiers import Nip, NiPppk
from app.services.imports.cells import Cell, Convert, Result, Value, converter
from app.services.imports.columns import UNIT_COLUMNS
from app.services.imports.headings import column_letters
from app.services.imports.reading import Row, Table
from app.services.imports.synonyms import JENJANG_ENDINGS
from app.services.imports.words import Finding, about_cell
from app.vocabulary import EmploymentStatus, IdentifierKind, JobKind, Sex

Values: TypeAlias = dict[str, Value | None]

_ALLOWED_GOLONGAN: Final = {
    status: frozenset(allowed_golongan(status, date.max).value) for status in EmploymentStatus
}
_IDENTIFIER_KIND: Final = {
    EmploymentStatus.CPNS: IdentifierKind.NIP,
    EmploymentStatus.PNS: IdentifierKind.NIP,
    EmploymentStatus.PPPK: IdentifierKind.NI_PPPK,
    EmploymentStatus.PPPK_PARUH_WAKTU: IdentifierKind.NI_PPPK,
}
_KIND_NAMES: Final = {IdentifierKind.NIP: "NIP", IdentifierKind.NI_PPPK: "NI PPPK"}


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


def parse_rows(table: Table) -> Iterator[ParsedRow]:
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
        _check_row(row)
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


def _check_row(row: ParsedRow) -> None:
    """What can be judged only by looking at several cells of the row."""
    values = row.values
    if values.get("unit_code") is None and values.get("unit_name") is None:
        _refuse(row, "unit_missing", *UNIT_COLUMNS)
    status = values.get("status")
    if isinstance(status, EmploymentStatus):
        golongan = values.get("golongan")
        if golongan is not None and golongan not in _ALLOWED_GOLONGAN[status]:
            _refuse(row, "golongan_not_for_status", "golongan")
    _check_jenjang(row)
    _check_identifier(row)


def _check_jenjang(row: ParsedRow) -> None:
    """Only fungsional have a jenjang, and must; the end of the position's name may tell it."""
    kind, jenjang = row.values.get("job_kind"), row.values.get("jenjang")
    if kind is JobKind.FUNGSIONAL and jenjang is None:
        title = str(row.values.get("job_title") or "").lower()
        for ending, told in JENJANG_ENDINGS.items():
            if title.endswith(f" {ending}"):
                row.values["jenjang"] = told
                return
        _refuse(row, "jenjang_missing", "jenjang")
    elif jenjang is not None and kind is not None and kind is not JobKind.FUNGSIONAL:
        _refuse(row, "jenjang_not_fungsional", "jenjang")


def _check_identifier(row: ParsedRow) -> None:
    """Warnings: lawful corrections may part an identifier from the biodata."""
    identifier = row.values.get("nip")
    if not isinstance(identifier, Nip | NiPppk):
        return
    birth_date, sex = row.values.get("birth_date"), row.values.get("sex")
    if birth_date != identifier.birth_date or sex is not identifier.sex:
        codes = identifier.warnings(
            birth_date=birth_date if isinstance(birth_date, date) else None,
            sex=sex if isinstance(sex, Sex) else None,
        )
        columns = {"birth_date_differs": "birth_date", "sex_differs": "sex"}
        row.warnings += tuple(about_cell(columns[code], code) for code in codes)
    status = row.values.get("status")
    if isinstance(status, EmploymentStatus) and _IDENTIFIER_KIND[status] is not identifier.kind:
        kind = _KIND_NAMES[identifier.kind]
        row.warnings += (about_cell("nip", "identifier_not_for_status", kind=kind),)


def _refuse(row: ParsedRow, code: str, *columns: str) -> None:
    """Add an error on the first column, unless one of them is found wrong already."""
    if not any(error.column in columns for error in row.errors):
        row.errors += (about_cell(columns[0], code),)


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
