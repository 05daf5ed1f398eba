"""Samples of employees as messy as real files, for the demo and the first five minutes.

The reader bears every fault but the ones in `MUST_MEND`, which nobody could put right without
the original documents.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Final

from app.services.imports.employees.columns import COLUMNS
from app.services.imports.messy import (
    CleanRow,
    Groups,
    Sample,
    Spoil,
    Spoiled,
    name_with_spaces,
    nip_as_number,
    nip_in_groups,
    nip_with_apostrophe,
    spoiled_csv,
    spoiled_workbook,
)
from app.services.imports.template import label
from app.vocabulary import Sex

MUST_MEND: Final = ("nip_lost_digits", "date_two_digit_year", "required", "formula_error")
"""Codes of the errors that the samples hold, in the order of their rows."""

_MONTHS: Final = (
    "Januari", "Pebruari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agt", "September", "Oktober", "Nopember", "Des",
)  # fmt: skip
_GROUPS: Final[Groups] = (
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


def messy_sample(rows: Sequence[CleanRow]) -> bytes:
    """A workbook of these rows, spoiled; rows are {column name: typed value or text}.

    Dates must be typed. It takes eighteen rows to hold every fault; fewer rows hold fewer.
    """
    return spoiled_workbook(_SAMPLE, rows)


def messy_csv(rows: Sequence[CleanRow]) -> bytes:
    """The same rows and faults in one CSV."""
    return spoiled_csv(_SAMPLE, rows)


# --- The faults, each on a row of its own


def _day(cells: Spoiled) -> date:
    day, month, year = str(cells["birth_date"]).split("-")
    return date(int(year), int(month), int(day))


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
    nip_in_groups,
    _date_in_words,
    nip_as_number,
    _date_as_serial,
    name_with_spaces,
    _date_as_date,
    nip_with_apostrophe,
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
_SAMPLE: Final = Sample("Nominatif", "DAFTAR NOMINATIF PEGAWAI", tuple(COLUMNS), _GROUPS, _SPOILS)
