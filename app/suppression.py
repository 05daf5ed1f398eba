"""Counts of people made fit for publication: no small cell can be read or computed.

Pure functions. A table has one to three dimensions; its totals are published with it, so they
are part of what is protected. A cell is safe if an outsider, who sees all that is published
and knows that counts are whole and not negative, must leave its value open by k or more.

The proof is by example. An *alternative* is another table that looks the same from outside;
where alternatives differ by k or more in a cell, that cell is safe. Alternatives are reached by
steps: some people more in one cell, and as many less or more in the other corners of a
hypercube, so that all totals hold (the hypercube method of Repsilber and Giessing).

    sensitive cells -> hide them -> walk to alternatives within what is hidden
                    -> too narrow? hide the cheapest hypercube that widens it -> walk again

This ends, for a cell rises without limit together with its totals. docs/decisions/0011 says
why no solver is asked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache, reduce
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

TOTAL: Final = "*"  # in a key: the sum over this dimension
MAX_DIMENSIONS = 3

Key = tuple[str, ...]
_Counts = NDArray[np.int64]
_Marks = NDArray[np.bool_]
_Place = tuple[int, ...]

_UNLIMITED = np.iinfo(np.int64).max
_UP, _DOWN = 1, -1
_ALL = slice(None)
_ONE = np.ones(1, dtype=np.int64)


class Status(StrEnum):
    """Whether a figure is shown; a share of nobody is undefined."""

    PUBLISHED = "published"
    SUPPRESSED = "suppressed"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Cell:
    """How many people share these attributes, one for each dimension."""

    key: Key
    value: int


@dataclass(frozen=True, slots=True)
class ProtectedCell:
    """A count as it may be published; `TOTAL` in the key marks a margin."""

    key: Key
    value: int | None

    @property
    def status(self) -> Status:
        return Status.SUPPRESSED if self.value is None else Status.PUBLISHED

    def to_fields(self) -> dict[str, int | str | None]:
        """The JSON members: a suppressed value is null, never 0 and never left out."""
        return {"value": self.value, "status": self.status.value}


@dataclass(frozen=True, slots=True)
class Share:
    """A cell as part of its total, 0 to 1 with four decimals, where it may be published."""

    key: Key
    value: Decimal | None
    status: Status


def protect(
    table: Iterable[Cell], *, k: int, withheld: Collection[Key] = ()
) -> Sequence[ProtectedCell]:
    """The table with all its totals, each published or suppressed, in the order of the keys.

    `table` holds the inner cells in any order; a combination of its attributes that is missing
    counts 0. Suppressed are counts of 1 to k - 1, cells that make up the whole of their total
    (together with a zero beside them), the keys `withheld` for a reason of the caller's, and
    whatever else is needed so that none of these can be computed to within less than k.

    Raises ValueError for k below 2, a negative count, a key that is there twice, of another
    length or with `TOTAL` in it, for more than three dimensions, and for a withheld key that
    the table has not.
    """
    if k < 2:
        raise ValueError("a threshold below 2 protects nobody")
    counts = _counts_by_key(list(table))
    if not counts:
        return []
    categories, values = _with_totals(counts)
    keys = list(product(*((*names, TOTAL) for names in categories)))
    hidden = _sensitive(values, k) | _withheld(keys, withheld).reshape(values.shape)
    hidden = _completed(values, hidden, k)
    return [
        ProtectedCell(key, None if is_hidden else int(value))
        for key, is_hidden, value in zip(keys, hidden.flat, values.flat, strict=True)
    ]


def shares(cells: Iterable[ProtectedCell], *, dimension: int) -> Sequence[Share]:
    """Each cell as a part of its total over one dimension, such as the band within a group.

    A share is given only where the cell, its total and all the rest of that line are published.
    Totals over that dimension have no share. The order is that of `cells`.
    """
    lines: dict[Key, dict[str, int | None]] = {}
    keys = []
    for cell in cells:
        keys.append(cell.key)
        lines.setdefault(_beside(cell.key, dimension), {})[cell.key[dimension]] = cell.value
    return [
        _share(key, key[dimension], lines[_beside(key, dimension)])
        for key in keys
        if key[dimension] != TOTAL
    ]


def _beside(key: Key, dimension: int) -> Key:
    return key[:dimension] + key[dimension + 1 :]


def _share(key: Key, category: str, line: Mapping[str, int | None]) -> Share:
    part, whole = line[category], line[TOTAL]
    if part is None or whole is None or None in line.values():
        return Share(key, None, Status.SUPPRESSED)
    if whole == 0:
        return Share(key, None, Status.UNDEFINED)
    return Share(key, (Decimal(part) / whole).quantize(Decimal("0.0001")), Status.PUBLISHED)


# --- The table --------------------------------------------------------------------------------


def _counts_by_key(table: Sequence[Cell]) -> dict[Key, int]:
    counts = {cell.key: cell.value for cell in table}
    if len(counts) != len(table):
        raise ValueError("a key is there twice")
    lengths = {len(key) for key in counts}
    if len(lengths) > 1 or not lengths <= set(range(1, MAX_DIMENSIONS + 1)):
        raise ValueError(f"keys have one length, 1 to {MAX_DIMENSIONS}")
    if any(TOTAL in key for key in counts):
        raise ValueError(f"{TOTAL!r} names a total")
    if any(count < 0 for count in counts.values()):
        raise ValueError("a count is not negative")
    return counts


def _with_totals(counts: Mapping[Key, int]) -> tuple[list[list[str]], _Counts]:
    """The categories of each dimension, and the counts with the total last along each."""
    categories = [sorted(set(names)) for names in zip(*counts, strict=True)]
    inner = [counts.get(key, 0) for key in product(*categories)]
    values = np.array(inner, dtype=np.int64).reshape([len(names) for names in categories])
    for axis in range(values.ndim):
        values = np.concatenate([values, values.sum(axis, keepdims=True)], axis)
    return categories, values


def _withheld(keys: Sequence[Key], withheld: Collection[Key]) -> _Marks:
    wanted = set(withheld)
    if not wanted <= set(keys):
        raise ValueError("a withheld key is not of this table")
    return np.array([key in wanted for key in keys])


def _sensitive(values: _Counts, k: int) -> _Marks:
    """Small counts, and of each total that one cell makes up that cell and a zero beside it.

    Hiding the small ones is not enough: that all of a group are in one band tells the band of
    everybody, however large the group.
    """
    marks = (values > 0) & (values < k)
    for axis in range(values.ndim):
        # The zero to hide is the one whose category is most usual: the hardest to rule out.
        usual = values[tuple(slice(-1) if other == axis else -1 for other in range(values.ndim))]
        lines = np.moveaxis(values, axis, -1)
        line_marks = np.moveaxis(marks, axis, -1)  # a view: written through
        for place in np.argwhere(lines[..., :-1].max(-1) == lines[..., -1]):
            line = lines[tuple(place)][:-1]
            if line.size > 1 and line.any():
                zero = np.where(line == 0, usual, -1).argmax()
                line_marks[tuple(place)][[line.argmax(), zero]] = True
    return marks


# --- Alternatives -----------------------------------------------------------------------------


def _completed(values: _Counts, hidden: _Marks, k: int) -> _Marks:
    """What to hide so that every hidden cell is safe, proved anew from just that."""
    while True:
        protection = _Protection(values, hidden.copy(), k)
        protection.complete()
        if (protection.hidden == hidden).all():
            return hidden
        hidden = protection.hidden


@dataclass(slots=True)
class _Protection:
    """What is hidden, and how far the alternatives found so far spread each cell."""

    values: _Counts
    hidden: _Marks
    k: int
    lowest: _Counts = field(init=False)
    highest: _Counts = field(init=False)

    def __post_init__(self) -> None:
        self.lowest, self.highest = self.values.copy(), self.values.copy()

    def complete(self) -> None:
        """Hide further cells until every hidden one is safe."""
        while (unsafe := np.argwhere(self.hidden & (self.highest - self.lowest < self.k))).size:
            cell = tuple(int(at) for at in unsafe[0])
            ends = {direction: self._walk(cell, direction) for direction in (_UP, _DOWN)}
            if self._missing(cell):
                self._hide_cheapest(cell, ends)

    def _missing(self, cell: _Place) -> int:
        return max(0, self.k - int(self.highest[cell] - self.lowest[cell]))

    def _walk(self, cell: _Place, direction: int) -> _Counts:
        """As far one way from the true table as is needed or as hidden cells alone allow."""
        table = self.values.copy()
        free = _sum_of_corners((~self.hidden).astype(np.int64), cell) == 0
        while missing := self._missing(cell):
            room = np.where(free, _room(table, cell, direction), 0)
            partner = _place(room.argmax(), room.shape)
            if not room[partner]:
                break
            self._step(table, cell, partner, direction * min(int(room[partner]), missing))
        return table

    def _hide_cheapest(self, cell: _Place, ends: Mapping[int, _Counts]) -> None:
        """Go on from an end of the walk by the one step that hides the least."""
        # A zero costs as much as k people: an outsider may know why nobody is there.
        costs = _sum_of_corners(np.where(self.hidden, 0, np.maximum(self.values, self.k)), cell)
        missing = self._missing(cell)
        offers = []
        for direction, table in ends.items():
            prices = np.where(_room(table, cell, direction) < missing, _UNLIMITED, costs)
            partner = _place(prices.argmin(), prices.shape)
            offers.append((prices[partner], partner, direction))
        _, partner, direction = min(offers)
        self._step(ends[direction], cell, partner, direction * missing)

    def _step(self, table: _Counts, cell: _Place, partner: _Place, people: int) -> None:
        """Move the corners of the hypercube between two cells; what moves is hidden."""
        for corner, signs in _corners(cell, table.shape):
            is_there = [side == _ALL for side in corner]
            place = tuple(np.where(is_there, partner, cell))
            table[place] += people * signs[tuple(np.where(is_there, partner, 0))]
            self.hidden[place] = True
        np.minimum(self.lowest, table, out=self.lowest)
        np.maximum(self.highest, table, out=self.highest)


def _place(flat: np.intp, shape: _Place) -> _Place:
    return tuple(int(at) for at in np.unravel_index(flat, shape))


def _corners(cell: _Place, shape: _Place) -> Iterator[tuple[tuple[slice, ...], _Counts]]:
    """Each corner of the hypercubes between a cell and all other cells of a table.

    Yields where the corner is, on either the cell's side or any partner's along each
    dimension, and its sign for each partner: +1 where it rises with the cell, -1 where it
    falls. Between two categories people are exchanged; a category and its total rise together.
    """
    is_total = tuple(here == length - 1 for here, length in zip(cell, shape, strict=True))
    own = [slice(here, here + 1) for here in cell]
    sides = product(*((side, _ALL) for side in own))
    return zip(sides, _signs(is_total, shape), strict=True)


@cache
def _signs(is_total: tuple[bool, ...], shape: _Place) -> tuple[_Counts, ...]:
    along = []
    for of_total, length in zip(is_total, shape, strict=True):
        sign = np.full(length, 1 if of_total else -1)
        sign[-1] = 1
        along.append((_ONE, sign))
    return tuple(reduce(np.multiply, np.ix_(*factors)) for factors in product(*along))


def _room(table: _Counts, cell: _Place, direction: int) -> _Counts:
    """How far the cell may go with each partner before another corner would fall below 0."""
    room = np.full(table.shape, _UNLIMITED)
    for corner, signs in _corners(cell, table.shape):
        np.minimum(room, np.where(signs == direction, _UNLIMITED, table[corner]), out=room)
    for axis, here in enumerate(cell):  # along every dimension a partner is elsewhere
        np.moveaxis(room, axis, 0)[here] = 0
    return room


def _sum_of_corners(amounts: _Counts, cell: _Place) -> _Counts:
    """The amounts at all corners together, for each partner."""
    sums = np.zeros(amounts.shape, dtype=np.int64)
    for corner, _ in _corners(cell, amounts.shape):
        sums += amounts[corner]
    return sums
