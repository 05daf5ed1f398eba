"""A sample of assessment results as messy as a real file, for the demo.

The reader bears every fault but the ones in `MUST_MEND`, which only the assessors can put right.
"""

from collections.abc import Sequence
from typing import Final

from app.services.imports.assessment_results.layout import LEVEL, Competencies, results_layout
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

MUST_MEND: Final = ("nip_lost_digits", "level_not_whole", "level_out_of_range")
"""Codes of the errors that the samples hold, in the order of their rows."""

_LEVEL_NAMES: Final = ("", "Paham", "Dasar", "Menengah", "Mumpuni", "Ahli")


def messy_results(rows: Sequence[CleanRow], competencies: Competencies) -> bytes:
    """A workbook of these people's results, spoiled: {column name: value}.

    Levels stand in `level.<code>`; the file has a column for each competency that somebody has a
    level in. It takes twelve rows to hold every fault; fewer rows hold fewer.
    """
    return spoiled_workbook(_sample(rows, competencies), rows)


def messy_results_csv(rows: Sequence[CleanRow], competencies: Competencies) -> bytes:
    """The same rows and faults in one CSV."""
    return spoiled_csv(_sample(rows, competencies), rows)


def _sample(rows: Sequence[CleanRow], competencies: Competencies) -> Sample:
    used = {name for row in rows for name, value in row.items() if value is not None}
    columns = [c for c in results_layout(competencies).columns if c.name in used]
    levels = {c.name: c.header.upper() for c in columns if c.name.startswith(LEVEL)}
    before: Groups = [(c.header, {c.name: ""}) for c in columns if c.name in _BEFORE]
    after: Groups = [(c.header, {c.name: ""}) for c in columns if c.name == "note"]
    groups = [*before, ("Level Kompetensi", levels), *after]
    return Sample("Rekap", "REKAPITULASI HASIL PENILAIAN KOMPETENSI", columns, groups, _SPOILS)


_BEFORE: Final = ("nip", "name", "position_code", "potential")


# --- The faults, each on a row of its own


def _levels(cells: Spoiled) -> list[str]:
    return [name for name, cell in cells.items() if name.startswith(LEVEL) and cell]


def _level_with_word(cells: Spoiled) -> None:
    for name in _levels(cells)[:1]:
        cells[name] = f"Level {cells[name]}"


def _level_with_name(cells: Spoiled) -> None:
    for name in _levels(cells)[1:2]:
        level = str(cells[name])
        cells[name] = f"{level} ({_LEVEL_NAMES[int(level)].lower()})" if level != "0" else level


def _levels_as_numbers(cells: Spoiled) -> None:
    for name in _levels(cells):
        cells[name] = float(str(cells[name]))


def _level_averaged(cells: Spoiled) -> None:
    for name in _levels(cells)[:1]:
        cells[name] = 3.5


def _level_out_of_range(cells: Spoiled) -> None:
    for name in _levels(cells)[:1]:
        cells[name] = "7"


def _potential_with_comma(cells: Spoiled) -> None:
    if "potential" in cells:
        cells["potential"] = str(cells["potential"]).replace(".", ",")


def _potential_of_a_formula(cells: Spoiled) -> None:
    """An average with digits that nobody typed; it is kept to two decimals, as it was."""
    if cells.get("potential"):
        cells["potential"] = float(str(cells["potential"])) + 0.000333333


def _dash_for_nothing(cells: Spoiled) -> None:
    if "note" in cells:
        cells["note"] = str(cells["note"] or "-")


_SPOILS: Final[tuple[Spoil, ...]] = (
    nip_in_groups,
    _level_with_word,
    nip_as_number,
    _levels_as_numbers,
    name_with_spaces,
    _level_averaged,
    _potential_with_comma,
    _level_with_name,
    nip_with_apostrophe,
    _level_out_of_range,
    _potential_of_a_formula,
    _dash_for_nothing,
)
