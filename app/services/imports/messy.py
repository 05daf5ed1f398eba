"""Sample files as messy as real ones, for the demo and the first five minutes.

The faults stand at fixed places. The reader bears all of them but the ones in `MUST_MEND`,
which nobody could put right without the original documents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from io import BytesIO
from typing import Final, TypeAlias

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.rules.identifiers import Nip, NiPppk
from app.services.imports.cells import Cell, as_text, defused
from app.services.imports.columns import COLUMNS
from app.services.imports.template import csv_bytes, label
from app.vocabulary import Sex

CleanRow: TypeAlias = Mapping[str, object]
Spoiled: TypeAlias = dict[str, Cell]
Spoil: TypeAlias = Callable[[Spoiled], None]

MUST_MEND: Final = ("nip_lost_digits", "date_two_digit_year", "required", "formula_error")
"""Codes of the errors that the samples hold, in the order of their rows."""

_MONTHS: Final = (
    "Januari", "Pebruari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agt", "September", "Oktober", "Nopember", "Des",
)  # fmt: skip
# Heading over several columns, or over none: (upper line, {column name: lower line}).
_GROUPS: Final = (
    ("NIP", {"nip": ""}),
    ("Nama", {"name": ""}),
    ("Gelar", {"title_prefix": "Depan", "title_suffix": "Belakang"}),
    ("Lahir", {"birth_place": "Tempat", "birth_date": "Tanggal"}),
    ("L/P", {"sex": ""}),
    ("Status Kepegawaian", {"status": ""}),
    ("TMT Status", {"status_since": ""}),
    ("Golongan", {"golongan": "Ruang", "golongan_since": "TMT"}),
    (
        "Jabatan",
        {"job_title": "Nama", "job_kind": "Jenis", "jenjang": "Jenjang", "job_since": "TMT"},
    ),
    ("Unit", {"unit_code": "Kode", "unit_name": "Nama"}),
    (
        "Pendidikan",
        {
            "education_level": "Tingkat",
            "education_major": "Jurusan",
            "education_year": "Tahun lulus",
        },
    ),
    ("E-mail", {"email": ""}),
    ("No. HP", {"phone": ""}),
    ("NIK", {"nik": ""}),
    ("Alamat", {"address": ""}),
)
_PAGE: Final = 25  # data rows after which the headings come again, as on printed pages


def messy_sample(rows: Sequence[CleanRow]) -> bytes:
    """A workbook of these rows, spoiled; rows are {column name: typed value or text}.

    Dates must be typed. It takes eighteen rows to hold every fault; fewer rows hold fewer.
    Title lines, headings over two lines with merged cells and again in the middle, a line of
    column numbers, a column of running numbers, blank and doubled rows, and in single cells
    what `_SPOILS` does.
    """
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Nominatif")
        bold = book.add_format({"bold": True, "align": "center"})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_string(0, 0, "DAFTAR NOMINATIF PEGAWAI", bold)
        at = 2
        for number, row in enumerate(_spoiled(rows)):
            if number % _PAGE == 0:
                at = _write_headings(sheet, at, bold, merge=number == 0)
            if number == 0:
                for index in range(len(COLUMNS) + 1):
                    sheet.write_number(at, index, index + 1)
                at += 1
            _write_row(sheet, at, [float(number + 1), *row.values()], day)
            at += 2 if number % 10 == 9 else 1
    return output.getvalue()


def messy_csv(rows: Sequence[CleanRow]) -> bytes:
    """The same rows and faults in one CSV: semicolons, a BOM, headings in capitals."""
    headings = [column.header.upper() for column in COLUMNS]
    texts = ([defused(as_text(cell)) for cell in row.values()] for row in _spoiled(rows))
    return csv_bytes(iter([headings, *texts]))


def _spoiled(rows: Sequence[CleanRow]) -> Iterator[Spoiled]:
    """Every row in its cells; a fault in every few of them, and one row twice."""
    step = max(1, len(rows) // (len(_SPOILS) + 1))
    for number, row in enumerate(rows):
        cells: Spoiled = {column.name: _cell(row.get(column.name)) for column in COLUMNS}
        place, rest = divmod(number, step)
        if rest == 0 and place < len(_SPOILS):
            _SPOILS[place](cells)
        yield cells
        if number == step * len(_SPOILS):
            yield dict(cells)


def _cell(value: object) -> str:
    if isinstance(value, StrEnum):
        return label(value)
    if isinstance(value, date):
        return f"{value:%d-%m-%Y}"
    if isinstance(value, Nip | NiPppk):
        return value.value
    return "" if value is None else str(value)


def _write_headings(sheet: Worksheet, at: int, bold: object, *, merge: bool) -> int:
    sheet.write_string(at, 0, "No", bold)
    index = 1
    for upper, columns in _GROUPS:
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


# --- The faults, each on a row of its own


def _day(cells: Spoiled) -> date:
    day, month, year = str(cells["birth_date"]).split("-")
    return date(int(year), int(month), int(day))


def _nip_as_number(cells: Spoiled) -> None:
    cells["nip"] = float(str(cells["nip"]))


def _nip_in_groups(cells: Spoiled) -> None:
    nip = str(cells["nip"])
    cells["nip"] = f" {nip[:8]} {nip[8:14]} {nip[14]} {nip[15:]}"


def _nip_with_apostrophe(cells: Spoiled) -> None:
    cells["nip"] = f"'{cells['nip']}"


def _date_as_serial(cells: Spoiled) -> None:
    cells["birth_date"] = float((_day(cells) - date(1899, 12, 30)).days)


def _date_as_date(cells: Spoiled) -> None:
    cells["birth_date"] = datetime.combine(_day(cells), time())


def _date_in_words(cells: Spoiled) -> None:
    day = _day(cells)
    cells["birth_date"] = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _date_with_time(cells: Spoiled) -> None:
    cells["birth_date"] = f"{cells['birth_date']} 00:00:00"


def _date_with_slashes(cells: Spoiled) -> None:
    cells["birth_date"] = str(cells["birth_date"]).replace("-", "/")


def _date_with_short_year(cells: Spoiled) -> None:
    cells["birth_date"] = f"{_day(cells):%d-%m-%y}"


def _name_with_spaces(cells: Spoiled) -> None:
    cells["name"] = "\u00a0" + str(cells["name"]).replace(" ", "  ") + "\u200b "


def _sex_in_words(cells: Spoiled) -> None:
    cells["sex"] = "Laki - laki" if cells["sex"] == label(Sex.MALE) else "PEREMPUAN"


def _sex_left_out(cells: Spoiled) -> None:
    cells["sex"] = ""


def _golongan_without_slash(cells: Spoiled) -> None:
    cells["golongan"] = str(cells["golongan"]).replace("/", "").upper()


def _phone_as_number(cells: Spoiled) -> None:
    if cells["phone"]:
        cells["phone"] = float(str(cells["phone"]).replace("+62", "0"))


def _email_in_capitals(cells: Spoiled) -> None:
    cells["email"] = str(cells["email"]).upper()


def _dash_for_nothing(cells: Spoiled) -> None:
    cells["title_prefix"] = str(cells["title_prefix"] or "-")


def _formula_that_failed(cells: Spoiled) -> None:
    cells["job_title"] = "#N/A"


_SPOILS: Final[tuple[Spoil, ...]] = (
    _nip_in_groups,
    _date_in_words,
    _nip_as_number,
    _date_as_serial,
    _name_with_spaces,
    _date_as_date,
    _nip_with_apostrophe,
    _date_with_short_year,
    _date_with_time,
    _sex_in_words,
    _golongan_without_slash,
    _sex_left_out,
    _phone_as_number,
    _date_with_slashes,
    _email_in_capitals,
    _formula_that_failed,
    _dash_for_nothing,
)
