"""Files of assessment results: a row a candidate, a column a competency."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from app.names import sorting_form
from app.sealing import Sealer
from app.services.imports.columns import NAME, NIP, Column, Columns, code_key
from app.services.imports.layout import NULL, Layout, Sheet, field
from app.services.imports.parsing import ParsedRow, Values, refuse

Competencies: TypeAlias = Sequence[Mapping[str, Any]]
"""The dictionary: `code`, `name`, `aliases` (its other names), `in_force`, `levels`, in order."""

LEVEL: Final = "level."
"""Before a competency's code: the name of its column."""

FIRST: Final = (
    NIP,
    replace(
        NAME,
        required=False,
        help_id="Nama, untuk diperiksa: bila berbeda dari yang tercatat, diberi peringatan.",
        help_en="Name, as a check: a warning is given where it differs from the recorded one.",
    ),
    Column(
        "position_code",
        "Kode jabatan",
        ("kode jabatan sasaran", "kode jabatan yang dituju", "kode jab"),
        "Kode jabatan yang standarnya menjadi ukuran. Kosong: jabatan definitif pada hari pertama "
        "kegiatan.",
        "Code of the position whose standard counts. Empty: the position held for good on the "
        "first day of the event.",
        "KABID-MUTASI",
        max_length=64,
    ),
    Column(
        "potential",
        "Nilai potensi",
        ("potensi", "skor potensi", "nilai potensial", "skor potensial"),
        "Nilai potensi 0 sampai 100, boleh dengan koma.",
        "Score of potential, 0 to 100, decimals allowed.",
        "78,5",
        reads="potential",
    ),
)
LAST: Final = (
    Column(
        "note",
        "Catatan",
        ("keterangan", "catatan penilai", "catatan asesor"),
        "Catatan penilai. Pegawai yang dinilai ikut membacanya.",
        "Note of the assessors. The person assessed reads it too.",
        "Simulasi kelompok diikuti secara daring.",
        max_length=1000,
    ),
)

NOTES: Final = (
    "Isi satu baris untuk satu pegawai pada lembar Hasil Penilaian. NIP wajib diisi, dan paling "
    "sedikit satu kompetensi. Kolom kompetensi yang tidak dinilai boleh dihapus atau dikosongkan.",
    "Level adalah bilangan bulat 0 sampai 5; 0 berarti belum mencapai level 1. Artinya ada "
    "pada lembar Level.",
    "One row is one person. The NIP must be filled in, and at least one competency. A level is a "
    "whole number from 0 (not yet level 1) to 5; the sheet Level says what each means.",
)


def results_layout(competencies: Competencies) -> Layout:
    """The layout of a file of results, with every competency that there is or ever was.

    A level of one that is not in force is refused.
    """
    levels = tuple(map(_level_column, competencies))
    names = tuple(column.name for column in levels)

    def check(row: ParsedRow) -> None:
        """An assessor's part without a single level is none."""
        if not row.errors and all(row.values.get(name) is None for name in names):
            refuse(row, "levels_missing")

    def stage(values: Values, _: Sealer) -> list[str]:
        given = ("NULL" if (v := values.get(n)) is None else str(v) for n in names)
        name = values.get("name")
        return [
            field(sorting_form(str(name))) if name else NULL,
            field(values.get("position_code")),
            field(code_key(str(values.get("position_code") or ""))),
            field(values.get("potential")),
            field(values.get("note")),
            "{" + ",".join(given) + "}",
        ]

    return Layout(
        columns=Columns((*FIRST, *levels, *LAST), one_of=names),
        check=check,
        staged=("name_sort", "position_code", "position_key", "potential", "note", "levels"),
        stage=stage,
        title="Hasil Penilaian",
        notes=NOTES,
        sheets=(Sheet("Level", _level_rows(competencies)),),
    )


def _level_column(competency: Mapping[str, Any]) -> Column:
    name = competency["name"]
    headings = (competency["code"], name, *competency["aliases"])
    return Column(
        LEVEL + competency["code"],
        name,
        tuple(
            prefix + heading
            for heading in dict.fromkeys(heading.lower() for heading in headings)
            for prefix in ("", "tingkat ", "level ", "skor ", "nilai ")
        ),
        f"Level {name}, bilangan bulat 0 sampai 5.",
        f"Level of {name}, a whole number from 0 to 5.",
        "3",
        reads="level" if competency["in_force"] else "level_not_in_force",
    )


def _level_rows(competencies: Competencies) -> Sequence[Sequence[str]]:
    headings = ("Kompetensi", "Level", "Sebutan", "Uraian")
    described = (
        (competency["name"], str(level["level"]), level["name"], level["description"])
        for competency in competencies
        if competency["in_force"]
        for level in competency["levels"]
    )
    return [headings, *described]
