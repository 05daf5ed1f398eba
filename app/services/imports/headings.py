"""Finding the heading row of a table, and which column stands where.

Real files have title lines above the headings, headings over two lines with merged cells,
and the same heading twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple, TypeAlias

from app.services.imports.cells import Cell, as_text
from app.services.imports.columns import ERROR_HEADER, Column, Columns, squeeze
from app.services.imports.words import Finding, UnreadableFile, about_file

SEARCHED_ROWS: Final = 20
_FEWEST_KNOWN: Final = 2
_HEADING_LIMIT: Final = 60
_NAMED: Final = 3
"""How many columns are named of those of which one must be there."""

Merged: TypeAlias = Sequence[tuple[tuple[int, int], tuple[int, int]]]


class Assigned(NamedTuple):
    """What the caller says of one heading: its column, None to leave it out."""

    heading: str
    column: Column | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column a heading stands for: what the caller says of it goes first."""

    columns: Columns
    assigned: Mapping[str, Assigned]
    """By squeezed heading."""

    def column(self, heading: str) -> Column | None:
        """The heading's column, None for a stranger and for one that is left out."""
        assigned = self.assigned.get(squeeze(heading))
        return assigned.column if assigned else self.columns.for_heading(heading)


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: its place from 0, its text, and the column it stands for."""

    index: int
    text: str
    column: Column | None

    @property
    def letters(self) -> str:
        """The column's letters as Excel shows them."""
        return column_letters(self.index)


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a table, found in the rows `first` to `last`, counted from 0."""

    first: int
    last: int
    headings: tuple[Heading, ...]

    @property
    def known(self) -> int:
        """How many different columns are recognised."""
        return len({heading.column.name for heading in self.headings if heading.column})


def find_headings(rows: Sequence[Sequence[Cell]], merged: Merged, mapping: Mapped) -> Headings:
    """The best match within the first rows; UnreadableFile(`no_heading`) where there is none.

    A single row wins over two rows that recognise no more, the upper over the lower.
    """
    texts = [[readable(cell) for cell in row] for row in rows[:SEARCHED_ROWS]]
    single = [_named(place, place, row, mapping) for place, row in enumerate(texts)]
    double = [
        _named(
            place,
            place + 1,
            _joined(_spread(upper, place, merged, len(lower)), lower, mapping),
            mapping,
        )
        for place, (upper, lower) in enumerate(pairwise(texts))
    ]
    best = max([*single, *double], key=lambda found: found.known, default=None)
    if best is None or best.known < _FEWEST_KNOWN:
        raise UnreadableFile("no_heading", limit=SEARCHED_ROWS)
    return best


def check_headings(found: Headings, mapping: Mapped) -> tuple[Finding, ...]:
    """Warnings of ignored columns; UnreadableFile for repeated and missing ones."""
    _refuse_unused_mapping(found, mapping)
    _refuse_repeated(found)
    _refuse_missing(found, mapping.columns)
    return tuple(
        about_file("unknown_column", letters=heading.letters, heading=heading.text)
        for heading in found.headings
        if heading.column is None
        and heading.text
        and squeeze(heading.text) not in mapping.assigned
        and squeeze(heading.text) != squeeze(ERROR_HEADER)
    )


def read_mapping(columns: Columns, mapping: Mapping[str, str] | None) -> Mapped:
    """`{heading: column name}` by squeezed heading; an empty name means: leave it out."""
    read: dict[str, Assigned] = {}
    for heading, name in (mapping or {}).items():
        if name and name not in columns.by_name:
            raise UnreadableFile("mapping_unknown_column", column=readable(name))
        heading = readable(heading)
        read[squeeze(heading)] = Assigned(heading, columns.by_name[name] if name else None)
    return Mapped(columns, read)


def readable(cell: Cell) -> str:
    """A heading's text: visible characters in single spaces, cut to a length."""
    visible = "".join(
        character if character.isprintable() else " " for character in as_text(cell)[:1000]
    )
    return " ".join(visible.split())[:_HEADING_LIMIT]


def column_letters(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _named(first: int, last: int, texts: Sequence[str], mapping: Mapped) -> Headings:
    headings = (
        Heading(index, text, mapping.column(text) if text else None)
        for index, text in enumerate(texts)
    )
    return Headings(first, last, tuple(headings))


def _spread(texts: Sequence[str], row: int, merged: Merged, width: int) -> list[str]:
    """A row in which a text covers every column of its merged cell.

    Where a file tells nothing of merged cells (CSV), a text covers the gaps to its right.
    """
    spread = [*texts, *[""] * (width - len(texts))]
    if merged:
        for (top, left), (bottom, right) in merged:
            if top <= row <= bottom and left < len(spread):
                spread[left : right + 1] = [spread[left]] * len(spread[left : right + 1])
        return spread
    for index in range(1, len(spread)):
        spread[index] = spread[index] or spread[index - 1]
    return spread


def _joined(upper: Sequence[str], lower: Sequence[str], mapping: Mapped) -> list[str]:
    """Two lines as one heading a column: both together where that is known, else the lower."""
    joined = []
    for above, below in zip_longest(upper, lower, fillvalue=""):
        both = (f"{above} {below}", f"{below} {above}") if above and below else ()
        known = (text for text in (*both, below, above) if text and mapping.column(text))
        joined.append(next(known, below or above))
    return joined


def _refuse_unused_mapping(found: Headings, mapping: Mapped) -> None:
    present = {squeeze(heading.text) for heading in found.headings}
    for key, assigned in mapping.assigned.items():
        if key not in present:
            raise UnreadableFile("mapping_unknown_heading", heading=assigned.heading)


def _refuse_repeated(found: Headings) -> None:
    first: dict[str, Heading] = {}
    for heading in found.headings:
        if heading.column is None:
            continue
        earlier = first.setdefault(heading.column.name, heading)
        if earlier is not heading:
            raise UnreadableFile(
                "repeated_heading",
                first=earlier.letters,
                first_heading=earlier.text,
                second=heading.letters,
                second_heading=heading.text,
                column=heading.column.header,
            )


def _refuse_missing(found: Headings, columns: Columns) -> None:
    present = {heading.column.name for heading in found.headings if heading.column}
    missing = [
        column.header for column in columns if column.required and column.name not in present
    ]
    if columns.one_of and present.isdisjoint(columns.one_of):
        headers = [columns.by_name[name].header for name in columns.one_of[:_NAMED]]
        missing.append(" / ".join(headers) + (" / …" if len(columns.one_of) > _NAMED else ""))
    if missing:
        raise UnreadableFile("missing_columns", columns=", ".join(missing))
