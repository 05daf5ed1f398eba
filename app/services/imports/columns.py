"""What a column of an import is: what it's called, and what may stand in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Shown(StrEnum):
    """How much of a cell may be repeated in a finding."""

    PLAIN = "plain"
    MASKED = "masked"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Column:
    """One column that an import knows.

    `aliases` are headings of other systems and of daily practice; case, spaces and punctuation
    don't matter. `max_length` counts characters of free text. `reads` names the way in which
    `cells` reads it. What repeats in many rows is read once and remembered.
    """

    name: str
    header: str
    aliases: tuple[str, ...]
    help_id: str
    help_en: str
    example: str
    required: bool = False
    max_length: int = 200
    shown: Shown = Shown.PLAIN
    reads: str = "text"
    repeats: bool = True


class Columns:
    """The columns of one kind of file, in the order of its template.

    Of `one_of` at least one must be there.
    """

    def __init__(self, columns: tuple[Column, ...], one_of: tuple[str, ...] = ()) -> None:
        self._columns = columns
        self.one_of = one_of
        self.by_name: Mapping[str, Column] = {column.name: column for column in columns}
        self._by_heading: Mapping[str, Column] = {
            squeeze(heading): column
            for column in columns
            for heading in (column.name, column.header, *column.aliases)
        }

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def for_heading(self, heading: str) -> Column | None:
        """The column that a heading stands for, None for a stranger. `NIP (wajib)` is `NIP`."""
        exact = self._by_heading.get(squeeze(heading))
        return exact or self._by_heading.get(squeeze(_PARENTHESES.sub("", heading)))


NIP: Final = Column(
    "nip",
    "NIP",
    (
        "nip baru",
        "nip/ni pppk",
        "nip/nipppk",
        "ni pppk",
        "nomor induk pegawai",
        "nip pegawai",
    ),
    "NIP (PNS, CPNS) atau NI PPPK, 18 angka. Format kolom harus Teks, bukan Angka.",
    "NIP (PNS, CPNS) or NI PPPK, 18 digits. The column must be formatted as Text.",
    "198501312010011001",
    required=True,
    shown=Shown.MASKED,
    reads="identifier",
    repeats=False,
)
"""Every kind of file says by it whom a row is about."""

NAME: Final = Column(
    "name",
    "Nama",
    ("nama lengkap", "nama pegawai", "nama tanpa gelar"),
    "Nama tanpa gelar.",
    "Name without titles.",
    "Siti Aminah",
    required=True,
    shown=Shown.NEVER,
    reads="name",
    repeats=False,
)

ERROR_HEADER: Final = "KESALAHAN"
"""Heading of the words that the error file adds; the reader skips it without a warning."""

_PARENTHESES = re.compile(r"\([^)]*\)")


def squeeze(text: str) -> str:
    """The letters and digits of a text, without case: how headings and words are compared."""
    return "".join(filter(str.isalnum, text.casefold()))


def code_key(text: str) -> str:
    """A code without case and spaces. Its marks stay: KEC10.1 is another unit than KEC101."""
    return "".join(text.casefold().split())
