"""One cell of a file, as messy as people leave it, into a typed value or a finding.

Nothing is guessed: where digits are lost or a meaning is unsure, the officer is told so.
Dates that leave it open are read day first. A cell that holds only a dash is empty.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from app.rules.identifiers import IdentifierInvalid, Nip, NiPppk, identify, mask
from app.services.imports import synonyms
from app.services.imports.columns import Column, Shown, squeeze
from app.services.imports.words import Finding, about_cell

Cell: TypeAlias = str | float | bool | date | datetime | time | timedelta | None
Value: TypeAlias = str | int | Decimal | date | Nip | NiPppk
Result: TypeAlias = Value | Finding | None
Convert: TypeAlias = Callable[[Cell], Result]

# A double holds fifteen decimal digits surely; Excel cuts what it keeps to fifteen.
_EXACT_BELOW: Final = 10**15
_SERIAL_1900: Final = date(1899, 12, 30)  # right from 1 March 1900, after the 29 Feb that wasn't
_SERIAL_1904: Final = date(1904, 1, 1)
# A lone year (1985) read as a serial would be a day in 1905: serials count from 1920 on.
_SERIAL_YEARS: Final = range(1920, 2101)
_DATE_YEARS: Final = range(1900, 2101)
_GRADUATION_YEARS: Final = range(1940, 2101)
_MEMO_LIMIT: Final = 50_000
_SHOWN_LIMIT: Final = 40

_INVISIBLE: Final = dict.fromkeys(
    (0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
_SPACES: Final = dict.fromkeys(
    (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "
)
_LINE_SPACES: Final = dict.fromkeys(map(ord, "\t\n\r\v\f\x85\u2028\u2029"), " ")
_UNSEEN: Final = {**_INVISIBLE, **_SPACES, **_LINE_SPACES}
_BLANKS: Final = frozenset(("", "-", "--", "\u2013", "\u2014"))
# Marks that people put into numbers: leading apostrophe of Excel, groups, brackets.
_DIGIT_DRESS: Final = dict.fromkeys((*_UNSEEN, *map(ord, " '`\u2019.-\u2010\u2011\u2013/()")))

_SCIENTIFIC: Final = re.compile(r"[+]?\d+(?:[.,]\d+)?[eE][+]?\d+", re.ASCII)
_NUMBER_TEXT: Final = re.compile(r"\d{16,}[.,]0+", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[\s./-]+([A-Za-z]+|\d{1,2})[\s.,/-]+(\d{1,4})", re.ASCII)
_MONTH_NAME_FIRST: Final = re.compile(r"([A-Za-z]+)\.?\s*(\d{1,2}),?\s+(\d{2,4})", re.ASCII)
_YEAR_FIRST: Final = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})", re.ASCII)
_TIME_OF_DAY: Final = re.compile(
    r"[T ]\s*\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2}|WIB|AM|PM)?$",
    re.ASCII | re.IGNORECASE,
)
_EMAIL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@")
_NEUTRALISED: Final = re.compile(r"'+[=+\-@]")
_DIGIT: Final = re.compile(r"\d")
_LEVEL: Final = re.compile(
    r"(?:(?:level|lvl|tingkat|l)[.:]? ?)?([0-9]{1,9})(?:[.,]([0-9]{1,20}))?(?: ?\(([^()]+)\))?",
    re.ASCII | re.IGNORECASE,
)
LEVELS: Final = range(6)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,20})?", re.ASCII)
_HUNDREDTH: Final = Decimal("0.01")


class _Refused(Exception):
    """Inside this module: the cell can't be read, for this reason."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def converter(column: Column, *, date1904: bool = False) -> Convert:
    """The function that reads this column's cells: a value, None for an empty cell, a Finding.

    A required column gives a finding for an empty cell. Texts that repeat are remembered.
    """
    read = _READERS.get(column.reads) or partial(_read_text, column=column)
    if column.reads == "date":
        read = partial(_read_date, epoch=_SERIAL_1904 if date1904 else _SERIAL_1900)
    empty = about_cell(column.name, "required") if column.required else None

    def convert(cell: Cell) -> Result:
        try:
            value = read(cell)
        except _Refused as refused:
            return about_cell(column.name, refused.code, _shown(column, cell), **refused.facts)
        return empty if value is None else value

    return _Memo(convert).__getitem__ if column.repeats else convert


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before = + - @.

    The reader takes one apostrophe off again, so the text reads the same as before.
    """
    text = text.lstrip("\t\r\n ")
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def as_text(cell: Cell) -> str:
    """A cell as a person would type it, for headings and the error file. Never fails.

    A number that lost digits stays in scientific notation, so that nobody takes the made-up
    digits for real ones: the reader refuses it again.
    """
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell)) if abs(cell) < _EXACT_BELOW else f"{cell:.14e}"
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return str(cell)


class _Memo(dict[Cell, Result]):
    """Results by text or day, so that `memo[cell]` costs one look-up the second time."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: Cell) -> Result:
        result = self._convert(cell)
        # Numbers stay out: True, 1 and 1.0 are one key.
        if isinstance(cell, str | date) and len(self) < _MEMO_LIMIT:
            self[cell] = result
        return result


def _clean(cell: Cell) -> str:
    """The visible text of a cell in single spaces, `` for an empty one."""
    if not isinstance(cell, str):
        return _number_text(cell)
    text = cell
    if not text.isprintable() or not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_UNSEEN))
        if not text.isprintable():
            raise _Refused("control_character")
    if "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    if text[:1] == "'" and _NEUTRALISED.match(text):
        text = text[1:]
    if text[:1] == "#" and text.upper() in synonyms.FORMULA_ERRORS:
        raise _Refused("formula_error")
    return "" if text in _BLANKS else text


def _number_text(cell: float | date | time | timedelta | None) -> str:
    """The digits of a cell that Excel keeps as a number."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        raise _Refused("cell_is_boolean")
    if isinstance(cell, date):
        raise _Refused("cell_is_date")
    if isinstance(cell, time | timedelta):
        raise _Refused("cell_is_time")
    if not abs(cell) < _EXACT_BELOW:
        raise _Refused("number_lost_digits")
    return str(int(cell)) if cell == int(cell) else repr(cell)


def _read_text(cell: Cell, *, column: Column) -> str | None:
    text = _clean(cell)
    if len(text) > column.max_length:
        raise _Refused("too_long", limit=column.max_length)
    return text or None


def _read_name(cell: Cell, *, limit: int = 200) -> str | None:
    text = _clean(cell)
    if len(text) > limit:
        raise _Refused("too_long", limit=limit)
    if text and not any(map(str.isalpha, text)):
        raise _Refused("name_without_letters")
    return text or None


def _read_identifier(cell: Cell) -> Nip | NiPppk | None:
    digits = cell if isinstance(cell, str) else _number_digits(cell, lost="nip_lost_digits")
    if len(digits) != 18 or not digits.isdigit():
        digits = _undressed(digits, lost="nip_lost_digits")
        if not digits:
            return None
    try:
        return identify(digits)
    except IdentifierInvalid as invalid:
        # The sequence is never 000: these are the zeros that a spreadsheet put in.
        code = "nip_lost_digits" if invalid.code == "sequence" else invalid.code
        if not digits.isprintable():
            code = "control_character"
        raise _Refused(code) from None


def _read_nik(cell: Cell) -> str | None:
    digits = cell if isinstance(cell, str) else _number_digits(cell, lost="nik_lost_digits")
    if len(digits) != 16 or not digits.isdigit():
        digits = _undressed(digits, lost="nik_lost_digits")
        if not digits:
            return None
    if len(digits) != 16 or not (digits.isascii() and digits.isdigit()):
        raise _Refused("nik_invalid" if digits.isprintable() else "control_character")
    return digits


def _number_digits(cell: Cell, *, lost: str) -> str:
    try:
        return _number_text(cell) if not isinstance(cell, str) else cell
    except _Refused as refused:
        raise _Refused(lost if refused.code == "number_lost_digits" else refused.code) from None


def _undressed(text: str, *, lost: str) -> str:
    """A number without apostrophe, spaces, dots, dashes; `lost` where it was a float before."""
    if text.strip().upper() in synonyms.FORMULA_ERRORS:
        raise _Refused("formula_error")
    bare = text.translate(_UNSEEN).strip(" '")
    if _SCIENTIFIC.fullmatch(bare) or _NUMBER_TEXT.fullmatch(bare):
        raise _Refused(lost)
    return text.translate(_DIGIT_DRESS)


def _read_date(cell: Cell, *, epoch: date) -> date | None:
    if isinstance(cell, datetime):
        return _within(cell.date())
    if isinstance(cell, date):
        return _within(cell)
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return _serial(cell, epoch)
    text = _clean(cell).strip("'")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) == 5:
        return _serial(int(text), epoch)
    return _within(_date_from(_TIME_OF_DAY.sub("", text)))


def _serial(number: float, epoch: date) -> date:
    if 0 < number < 100_000:
        day = epoch + timedelta(days=int(number))
        if day.year in _SERIAL_YEARS:
            return day
    raise _Refused("date_number")


def _within(day: date) -> date:
    if day.year not in _DATE_YEARS:
        raise _Refused("date_out_of_range")
    return day


def _date_from(text: str) -> date:
    """Day first unless the year or a month's name stands first; never a two-digit year."""
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
    elif found := _MONTH_NAME_FIRST.fullmatch(text):
        month, day, year = found.groups()
    else:
        raise _Refused("date_unreadable")
    number = int(month) if month.isdigit() else synonyms.MONTHS.get(month.lower())
    if number is None or len(year) == 3:
        raise _Refused("date_unreadable")
    if len(year) < 4:
        raise _Refused("date_two_digit_year")
    if number > 12:
        raise _Refused("date_day_first")
    try:
        return date(int(year), number, int(day))
    except ValueError:
        raise _Refused("date_nonexistent") from None


def _read_word(cell: Cell, *, words: Mapping[str, StrEnum], unknown: str) -> StrEnum | None:
    text = _clean(cell)
    if not text:
        return None
    word = words.get(squeeze(text))
    if word is None:
        raise _Refused(unknown)
    return word


def _read_status(cell: Cell) -> StrEnum | None:
    text = _clean(cell)
    unknown = "status_is_kedudukan" if squeeze(text) in synonyms.KEDUDUKAN else "status_unknown"
    return _read_word(text, words=synonyms.STATUSES, unknown=unknown)


def _read_job_kind(cell: Cell) -> StrEnum | None:
    text = _clean(cell)
    ambiguous = squeeze(text) in synonyms.AMBIGUOUS_JOB_KINDS
    unknown = "job_kind_ambiguous" if ambiguous else "job_kind_unknown"
    return _read_word(text, words=synonyms.JOB_KINDS, unknown=unknown)


def _read_year(cell: Cell) -> int | None:
    text = _clean(cell)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise _Refused("year_invalid")
    year = int(text)
    if year not in _GRADUATION_YEARS:
        raise _Refused("year_invalid")
    return year


def _read_email(cell: Cell) -> str | None:
    text = _clean(cell).lower()
    if len(text) > 254:
        raise _Refused("too_long", limit=254)
    if text and not _EMAIL.fullmatch(text):
        raise _Refused("email_invalid")
    return text or None


def _read_phone(cell: Cell) -> str | None:
    """E.164 with +62 for numbers of this country; a mobile number without its 0 starts with 8."""
    text = _clean(cell)
    if not text:
        return None
    if "/" in text:
        raise _Refused("phone_invalid")
    digits = text if text.isdigit() else text.translate(_DIGIT_DRESS)
    foreign = digits[:1] == "+" and digits[:3] != "+62"
    bare = digits.removeprefix("+")
    if not (bare.isascii() and bare.isdigit() and 8 <= len(bare) <= 15):
        raise _Refused("phone_invalid")
    if foreign:
        return digits
    return "+62" + _national_number(bare, marked=digits[:1] == "+")


def _national_number(digits: str, *, marked: bool) -> str:
    """The number after the country code 62; `marked` when a + stood before."""
    if marked or (digits[:2] == "62" and len(digits) >= 10):
        national = digits[2:].removeprefix("0")
    elif digits[0] == "0":
        national = digits[1:]
    elif digits[0] == "8" and 9 <= len(digits) <= 12:
        national = digits
    else:
        raise _Refused("phone_ambiguous")
    if not 7 <= len(national) <= 12 or national[0] == "0":
        raise _Refused("phone_invalid")
    return national


def _read_level(cell: Cell) -> int | None:
    """0 to 5: `3`, `Level 3`, `3 (menengah)`, `Menengah`. What an assessor finds is whole."""
    text = _clean(cell).strip("'")
    if not text:
        return None
    word = synonyms.LEVELS.get(squeeze(text))
    found = _LEVEL.fullmatch(text)
    if found is None:
        if word is None:
            raise _Refused("level_unreadable")
        return word
    whole, rest, name = found.groups()
    if rest and rest.strip("0"):
        raise _Refused("level_not_whole")
    if len(whole) > 1 or int(whole) not in LEVELS:
        raise _Refused("level_out_of_range")
    if name and synonyms.LEVELS.get(squeeze(name)) != int(whole):
        raise _Refused("level_unreadable")
    return int(whole)


def _refuse_level(cell: Cell) -> None:
    if _clean(cell):
        raise _Refused("competency_not_in_force")


def _read_potential(cell: Cell) -> Decimal | None:
    """0 to 100, as exact as it is kept: two decimals. Excel adds digits that nobody typed."""
    text = _clean(cell).strip("'")
    if not text:
        return None
    if not _DECIMAL.fullmatch(text):
        raise _Refused("potential_unreadable")
    value = Decimal(text.replace(",", "."))
    if value > 100:
        raise _Refused("potential_out_of_range")
    if 0 < value < 1:
        raise _Refused("potential_is_share")
    return value.quantize(_HUNDREDTH, ROUND_HALF_UP)


def _shown(column: Column, cell: Cell) -> str | None:
    """What a finding may repeat of a cell: digits of masked columns become #."""
    if column.shown is Shown.NEVER:
        return None
    text = as_text(cell)[:200]
    text = "".join(filter(str.isprintable, text))[:_SHOWN_LIMIT]
    if column.reads == "identifier":
        return mask(text)
    return _DIGIT.sub("#", text) if column.shown is Shown.MASKED else text


_READERS: Final[Mapping[str, Callable[[Cell], Value | None]]] = {
    "identifier": _read_identifier,
    "name": _read_name,
    "sex": partial(_read_word, words=synonyms.SEXES, unknown="sex_unknown"),
    "status": _read_status,
    "golongan": partial(_read_word, words=synonyms.GOLONGAN, unknown="golongan_unknown"),
    "job_kind": _read_job_kind,
    "jenjang": partial(_read_word, words=synonyms.JENJANG, unknown="jenjang_unknown"),
    "education_level": partial(
        _read_word, words=synonyms.EDUCATION_LEVELS, unknown="education_level_unknown"
    ),
    "year": _read_year,
    "email": _read_email,
    "phone": _read_phone,
    "nik": _read_nik,
    "level": _read_level,
    "level_not_in_force": _refuse_level,
    "potential": _read_potential,
}
