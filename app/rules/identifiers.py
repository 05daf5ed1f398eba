"""NIP and NI PPPK: reading, checking, masking and making them.

An identifier is eighteen ASCII digits without a check digit (Perka BKN 22/2007). Its parts
may disagree with the biodata in lawful correction cases: that warns, and never rejects.
"""

from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from app.rules import pack
from app.vocabulary import IdentifierKind, Sex

_RULE: Final = pack("nip", date.max)
_LENGTH: Final = _RULE.integer("length")
_BIRTH_YEAR_MIN: Final = _RULE.integer("birth_year_min")
_CONTRACT_CODE_MIN: Final = _RULE.integer("contract_code_min")
_SEQUENCE_MIN: Final = _RULE.integer("sequence_min")
_SEX_BY_DIGIT: Final = {digit: Sex(name) for digit, name in _RULE.table("sex").items()}
_DIGIT_BY_SEX: Final = {sex: digit for digit, sex in _SEX_BY_DIGIT.items()}

# code -> what an officer is told, in Indonesian and in English
WORDS: Final = {
    "length": (
        "NIP atau NI PPPK harus tepat 18 angka.",
        "A NIP or NI PPPK has exactly 18 digits.",
    ),
    "not_digits": (
        "NIP atau NI PPPK hanya boleh berisi angka 0 sampai 9.",
        "A NIP or NI PPPK holds only the digits 0 to 9.",
    ),
    "digits_not_ascii": (
        "NIP memakai angka dari papan ketik atau huruf lain (misalnya angka lebar). "
        "Ketik ulang dengan angka biasa 0 sampai 9.",
        "The NIP uses digits of another script or width. Type it again with plain digits 0 to 9.",
    ),
    "birth_date": (
        "Angka ke-1 sampai ke-8 harus tanggal lahir yang ada (tahun, bulan, tanggal).",
        "Digits 1 to 8 must be a real date of birth (year, month, day).",
    ),
    "appointment_year": (
        "Angka ke-9 sampai ke-12 (tahun pengangkatan) tidak boleh mendahului tahun lahir.",
        "Digits 9 to 12 (year of appointment) cannot come before the birth.",
    ),
    "appointment_month": (
        "Angka ke-13 dan ke-14 harus bulan pengangkatan (01 sampai 12) untuk NIP, atau kode "
        "kontrak (21 ke atas) untuk NI PPPK.",
        "Digits 13 and 14 must be the month of appointment (01 to 12) in a NIP, or the contract "
        "code (21 or higher) in a NI PPPK.",
    ),
    "contract_code": (
        "Angka ke-13 dan ke-14 NI PPPK harus kode kontrak 21 atau lebih.",
        "Digits 13 and 14 of a NI PPPK must be a contract code of 21 or higher.",
    ),
    "sex": (
        "Angka ke-15 harus 1 (laki-laki) atau 2 (perempuan).",
        "Digit 15 must be 1 (male) or 2 (female).",
    ),
    "sequence": (
        "Nomor urut pada angka ke-16 sampai ke-18 harus 001 sampai 999.",
        "The sequence in digits 16 to 18 must be 001 to 999.",
    ),
}


class IdentifierInvalid(ValueError):
    """Not an identifier. `code` is stable; `position` counts from 1, None for the whole."""

    def __init__(self, code: str, position: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.position = position
        self.detail_id, self.detail_en = WORDS[code]


class Nip(NamedTuple):
    """Nomor induk pegawai of a PNS or CPNS. `appointed` is the first day of its month."""

    value: str
    birth_date: date
    appointed: date
    sex: Sex
    sequence: int

    @property
    def kind(self) -> IdentifierKind:
        """Always `nip`."""
        return IdentifierKind.NIP

    def warnings(
        self, *, birth_date: date | None = None, sex: Sex | None = None
    ) -> tuple[str, ...]:
        """Codes where the NIP disagrees with the biodata; what is None isn't compared."""
        return _disagreements(self, birth_date, sex)


class NiPppk(NamedTuple):
    """Nomor induk PPPK, which changes with a new agreement at another agency."""

    value: str
    birth_date: date
    contract_year: int
    contract_code: int
    sex: Sex
    sequence: int

    @property
    def kind(self) -> IdentifierKind:
        """Always `ni_pppk`."""
        return IdentifierKind.NI_PPPK

    def warnings(
        self, *, birth_date: date | None = None, sex: Sex | None = None
    ) -> tuple[str, ...]:
        """Codes where the identifier disagrees with the biodata; None isn't compared."""
        return _disagreements(self, birth_date, sex)


def identify(text: str) -> Nip | NiPppk:
    """Read either identifier: digits 13 and 14 tell a month (NIP) from a contract code.

    IdentifierInvalid with `length`, `not_digits`, `digits_not_ascii`, `birth_date`,
    `appointment_year`, `appointment_month`, `sex` or `sequence`.
    """
    _require_digits(text)
    if int(text[12:14]) >= _CONTRACT_CODE_MIN:
        return _ni_pppk(text)
    return _nip(text)


def parse_nip(text: str) -> Nip:
    """Read a NIP, and nothing else; IdentifierInvalid as in `identify`."""
    _require_digits(text)
    return _nip(text)


def parse_ni_pppk(text: str) -> NiPppk:
    """Read a NI PPPK, and nothing else; a month instead of a code is `contract_code`."""
    _require_digits(text)
    return _ni_pppk(text)


def mask(text: str) -> str:
    """An identifier for display: year of birth and the last two digits, the rest starred.

    What isn't eighteen characters long is starred wholly, to a fixed length. The day and
    month of birth stay hidden, or the rest could be counted through.
    """
    if len(text) != _LENGTH:
        return "*" * 6
    return f"{text[:4]}{'*' * (_LENGTH - 6)}{text[-2:]}"


def make_nip(birth_date: date, appointed: date, sex: Sex, sequence: int) -> Nip:
    """Build a valid NIP; the day of `appointed` is dropped. IdentifierInvalid otherwise."""
    return parse_nip(
        f"{birth_date:%Y%m%d}{appointed:%Y%m}{_DIGIT_BY_SEX[sex]}{_three_digits(sequence)}"
    )


def make_ni_pppk(
    birth_date: date, contract_year: int, contract_code: int, sex: Sex, sequence: int
) -> NiPppk:
    """Build a valid NI PPPK; IdentifierInvalid where a part doesn't fit."""
    if not _CONTRACT_CODE_MIN <= contract_code <= 99:
        raise IdentifierInvalid("contract_code", 13)
    return parse_ni_pppk(
        f"{birth_date:%Y%m%d}{contract_year:04d}{contract_code}"
        f"{_DIGIT_BY_SEX[sex]}{_three_digits(sequence)}"
    )


def _require_digits(text: str) -> None:
    if len(text) == _LENGTH and text.isascii() and text.isdigit():
        return
    for position, character in enumerate(text[: _LENGTH + 1], start=1):
        if not character.isdigit():
            raise IdentifierInvalid("not_digits", position)
        if not character.isascii():
            raise IdentifierInvalid("digits_not_ascii", position)
    raise IdentifierInvalid("length")


def _nip(text: str) -> Nip:
    birth_date = _birth_date(text[:8])
    appointed = _appointed(text[8:14])
    if (appointed.year, appointed.month) < (birth_date.year, birth_date.month):
        raise IdentifierInvalid("appointment_year", 9)
    return Nip(text, birth_date, appointed, _sex(text), _sequence(text))


def _ni_pppk(text: str) -> NiPppk:
    birth_date = _birth_date(text[:8])
    year, code = int(text[8:12]), int(text[12:14])
    if year < birth_date.year:
        raise IdentifierInvalid("appointment_year", 9)
    if code < _CONTRACT_CODE_MIN:
        raise IdentifierInvalid("contract_code", 13)
    return NiPppk(text, birth_date, year, code, _sex(text), _sequence(text))


# Whole files of identifiers share few dates: both caches are for the import.
@lru_cache(maxsize=65_536)
def _birth_date(digits: str) -> date:
    year = int(digits[:4])
    try:
        if year >= _BIRTH_YEAR_MIN:
            return date(year, int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        pass
    raise IdentifierInvalid("birth_date", 1)


@lru_cache(maxsize=4_096)
def _appointed(digits: str) -> date:
    year, month = int(digits[:4]), int(digits[4:])
    if year < _BIRTH_YEAR_MIN:
        raise IdentifierInvalid("appointment_year", 9)
    if not 1 <= month <= 12:
        raise IdentifierInvalid("appointment_month", 13)
    return date(year, month, 1)


def _sex(text: str) -> Sex:
    sex = _SEX_BY_DIGIT.get(text[14])
    if sex is None:
        raise IdentifierInvalid("sex", 15)
    return sex


def _sequence(text: str) -> int:
    sequence = int(text[15:])
    if sequence < _SEQUENCE_MIN:
        raise IdentifierInvalid("sequence", 16)
    return sequence


def _three_digits(sequence: int) -> str:
    if not 0 <= sequence <= _RULE.integer("sequence_max"):
        raise IdentifierInvalid("sequence", 16)
    return f"{sequence:03d}"


def _disagreements(
    identifier: Nip | NiPppk, birth_date: date | None, sex: Sex | None
) -> tuple[str, ...]:
    found = []
    if birth_date is not None and birth_date != identifier.birth_date:
        found.append("birth_date_differs")
    if sex is not None and sex is not identifier.sex:
        found.append("sex_differs")
    return tuple(found)
