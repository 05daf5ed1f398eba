"""From the bytes of a file to a table of raw cells, whatever program wrote it."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.services.imports.cells import Cell
from app.services.imports.columns import Columns
from app.services.imports.headings import (
    SEARCHED_ROWS,
    Heading,
    Headings,
    Mapped,
    Merged,
    check_headings,
    find_headings,
    read_mapping,
)
from app.services.imports.words import Finding, UnreadableFile, about_file
from app.services.imports.workbooks import MAX_COLUMNS, MAX_ROWS, ErrorCells, Survey, survey

Row: TypeAlias = Sequence[Cell]
T = TypeVar("T")

_DELIMITERS: Final = ",;\t|"
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_TEXT_NAMES: Final = (".csv", ".txt", ".tsv")
_LOOKED_AT: Final = 4096


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one sheet under recognised headings. `rows()` may be walked again.

    `row_limit` is the number of the last row where it is known beforehand (XLSX), for
    progress. `warnings` concern the file as a whole.
    """

    filename: str
    columns: Columns
    sheet: str | None
    headings: tuple[Heading, ...]
    heading_row: int
    warnings: tuple[Finding, ...]
    date1904: bool
    row_limit: int | None
    _source: Callable[[], Iterator[Row]]
    _heading_rows: frozenset[tuple[Cell, ...]]

    def rows(self) -> Iterator[tuple[int, Row]]:
        """(row number as in the file, raw cells) of each data row.

        Left out: blank rows, headings that a printed file repeats on each page, and the line
        1, 2, 3 ... that official tables carry under their headings. Rows are as wide as the
        headings. UnreadableFile where the file breaks on the way.
        """
        width = len(self.headings)
        known = [heading.index for heading in self.headings if heading.column]
        mark = known[0]
        titles = {row[mark] for row in self._heading_rows}
        for number, row in enumerate(islice(self._source(), self.heading_row, None), 1):
            if not any(row):
                continue
            if len(row) < width:
                row = [*row, *[""] * (width - len(row))]
            if row[mark] in titles and tuple(row[:width]) in self._heading_rows:
                continue
            if number == 1 and _counts_up(row):
                continue
            yield self.heading_row + number, row


def read_table(
    data: bytes | Path,
    filename: str,
    columns: Columns,
    *,
    sheet: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Table:
    """Find the table with some of these columns in an XLSX or CSV file.

    `mapping` is {heading in the file: column name}, overriding what the heading says; an empty
    column name leaves the heading out. Without `sheet` the first visible sheet with headings is
    taken. UnreadableFile says in words what is wrong with the file as a whole.
    """
    mapped = read_mapping(columns, mapping)
    start = _start(data)
    if not start:
        raise UnreadableFile("empty_file")
    if start.startswith(b"PK"):
        table = _read_workbook(data, filename, sheet, mapped)
    else:
        _refuse_other_types(start, data, filename)
        table = _read_csv(data, filename, mapped)
    if next(table.rows(), None) is None:
        raise UnreadableFile("no_data_rows")
    return table


def _start(data: bytes | Path) -> bytes:
    if isinstance(data, bytes):
        return data[:_LOOKED_AT]
    with data.open("rb") as file:
        return file.read(_LOOKED_AT)


def _refuse_other_types(start: bytes, data: bytes | Path, filename: str) -> None:
    name = filename.lower()
    if start.startswith(_OLE_MAGIC):
        whole = data if isinstance(data, bytes) else data.read_bytes()
        raise UnreadableFile("encrypted" if _ENCRYPTED_STREAM in whole else "old_excel")
    if name.endswith((".xlsx", ".xlsm")):
        raise UnreadableFile("corrupt")
    if name.endswith(".xls"):
        raise UnreadableFile("old_excel")
    if not name.endswith(_TEXT_NAMES) or start.startswith((b"%PDF", b"{\\rtf")):
        raise UnreadableFile("wrong_type")


# --- XLSX


def _read_workbook(data: bytes | Path, filename: str, wanted: str | None, mapping: Mapped) -> Table:
    seen = survey(data)
    book = _calamine(lambda: _opened_workbook(data))
    names = [
        meta.name
        for meta in book.sheets_metadata
        if meta.typ is SheetTypeEnum.WorkSheet and meta.visible is SheetVisibleEnum.Visible
    ]
    if wanted is not None and wanted not in book.sheet_names:
        raise UnreadableFile("sheet_missing", sheets=", ".join(names))
    failure = UnreadableFile("no_heading", limit=SEARCHED_ROWS)
    for name in names if wanted is None else [wanted]:
        sheet = _calamine(lambda name=name: book.get_sheet_by_name(name))  # type: ignore[misc]
        try:
            return _sheet_table(sheet, filename, seen, mapping)
        except UnreadableFile as unreadable:
            if unreadable.code != "no_heading":
                raise
            failure = unreadable
    raise failure


def _opened_workbook(data: bytes | Path) -> CalamineWorkbook:
    if isinstance(data, bytes):
        return CalamineWorkbook.from_filelike(BytesIO(data))
    return CalamineWorkbook.from_path(str(data))


def _calamine(call: Callable[[], T]) -> T:
    """Call into the workbook reader, for which a damaged file may be anything, even a panic."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a Rust panic is no Exception
        raise UnreadableFile("corrupt") from error


def _sheet_table(sheet: CalamineSheet, filename: str, seen: Survey, mapping: Mapped) -> Table:
    if sheet.total_height > MAX_ROWS:
        raise UnreadableFile("too_many_rows", limit=MAX_ROWS)
    if sheet.total_width > MAX_COLUMNS:
        raise UnreadableFile("too_many_columns", limit=MAX_COLUMNS)
    errors = seen.errors_by_sheet.get(sheet.name, {})
    return _table(
        lambda: _sheet_rows(sheet, errors),
        filename,
        merged=sheet.merged_cell_ranges or (),
        mapping=mapping,
        sheet=sheet.name,
        date1904=seen.date1904,
        row_limit=sheet.total_height,
    )


def _sheet_rows(sheet: CalamineSheet, errors: ErrorCells) -> Iterator[Row]:
    """Rows from the first of the sheet, with its empty columns and its formula errors."""
    if sheet.start is None:
        return
    margin: list[Cell] = [""] * sheet.start[1]
    for number, cells in enumerate(sheet.iter_rows()):
        row: list[Cell] = [*margin, *cells] if margin else list(cells)
        for index, text in errors.get(number, {}).items() if errors else ():
            if index < len(row):
                row[index] = text
        yield row


# --- CSV


def _read_csv(data: bytes | Path, filename: str, mapping: Mapped) -> Table:
    encoding, guessed = _encoding(data)
    found: list[tuple[int, str]] = []
    for delimiter in _DELIMITERS:
        try:
            head = list(islice(_csv_rows(data, encoding, delimiter), SEARCHED_ROWS))
            found.append((find_headings(head, (), mapping).known, delimiter))
        except UnreadableFile as unreadable:
            if unreadable.code not in ("no_heading", "csv_broken", "too_many_columns"):
                raise
    # On a tie the delimiter named first: max keeps the first of equals.
    delimiter = max(found, key=lambda pair: pair[0], default=(0, ","))[1]
    return _table(
        lambda: _csv_rows(data, encoding, delimiter),
        filename,
        mapping=mapping,
        warnings=(about_file("encoding_guessed"),) if guessed else (),
    )


def _encoding(data: bytes | Path) -> tuple[str, bool]:
    """The encoding, and whether it is a guess. Excel writes UTF-8, UTF-16 or Windows-1252."""
    raw = data if isinstance(data, bytes) else data.read_bytes()
    if raw.startswith(_UTF16_MARKS):
        encodings = ["utf-16"]
    elif b"\0" in raw[:_LOOKED_AT:2] and b"\0" in raw[1:_LOOKED_AT:2]:
        raise UnreadableFile("wrong_type")
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding, encoding == "cp1252"
    raise UnreadableFile("encoding_unknown")


def _csv_rows(data: bytes | Path, encoding: str, delimiter: str) -> Iterator[Row]:
    """Records as Excel counts them: a line break within quotes starts no new row."""
    opened = BytesIO(data) if isinstance(data, bytes) else data.open("rb")
    number = 0
    with TextIOWrapper(opened, encoding=encoding, newline="") as text:
        try:
            for row in csv.reader(text, delimiter=delimiter, strict=True):
                number += 1
                if number > MAX_ROWS:
                    raise UnreadableFile("too_many_rows", limit=MAX_ROWS)
                if len(row) > MAX_COLUMNS:
                    raise UnreadableFile("too_many_columns", limit=MAX_COLUMNS)
                yield row
        except csv.Error as error:
            raise UnreadableFile("csv_broken", row=number + 1) from error


# --- Both


def _table(
    source: Callable[[], Iterator[Row]],
    filename: str,
    *,
    mapping: Mapped,
    merged: Merged = (),
    sheet: str | None = None,
    date1904: bool = False,
    row_limit: int | None = None,
    warnings: tuple[Finding, ...] = (),
) -> Table:
    head = list(islice(source(), SEARCHED_ROWS))
    found = find_headings(head, merged, mapping)
    return Table(
        filename=filename,
        columns=mapping.columns,
        sheet=sheet,
        headings=found.headings,
        heading_row=found.last + 1,
        warnings=(*warnings, *check_headings(found, mapping)),
        date1904=date1904,
        row_limit=row_limit,
        _source=source,
        _heading_rows=_heading_rows(head, found),
    )


def _heading_rows(head: Sequence[Row], found: Headings) -> frozenset[tuple[Cell, ...]]:
    width = len(found.headings)
    rows = ([*row, *[""] * width][:width] for row in head[found.first : found.last + 1])
    return frozenset(map(tuple, rows))


def _counts_up(row: Iterable[Cell]) -> bool:
    """Whether the cells are 1, 2, 3 ..., at least three of them."""
    filled = [cell for cell in row if cell not in ("", None)]
    counted = [str(number) for number in range(1, len(filled) + 1)]
    return len(filled) >= 3 and [str(cell).removesuffix(".0") for cell in filled] == counted
