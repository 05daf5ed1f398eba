"""Files of assessment results: levels and scores as people write them."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.services.imports.assessment_results.layout import LEVEL, results_layout
from app.services.imports.assessment_results.messy import (
    MUST_MEND,
    messy_results,
    messy_results_csv,
)
from app.services.imports.cells import Cell, Result, converter
from app.services.imports.columns import squeeze
from app.services.imports.layout import Layout
from app.services.imports.parsing import ParsedRow, parse_rows
from app.services.imports.reading import read_table
from app.services.imports.template import csv_bytes, template_csv, template_xlsx
from app.services.imports.words import Finding, UnreadableFile

NIP = "198501312010011001"


def competency(code: str, name: str, *aliases: str, in_force: bool = True) -> dict[str, Any]:
    """As the dictionary tells the reader."""
    levels = [{"level": n, "name": f"T{n}", "description": f"Uraian {n}."} for n in range(1, 6)]
    names = {"code": code, "name": name, "aliases": list(aliases)}
    return {"id": code, **names, "in_force": in_force, "levels": levels}


COMPETENCIES = [
    competency("integritas", "Integritas"),
    competency("kerja_sama", "Kerja Sama", "Kerja Kelompok"),
    competency("komunikasi", "Komunikasi"),
    competency("lama", "Kepemimpinan", in_force=False),
]
LAYOUT = results_layout(COMPETENCIES)


def parse(data: bytes, name: str = "a.csv", layout: Layout = LAYOUT) -> list[ParsedRow]:
    return list(parse_rows(read_table(data, name, layout.columns), layout.check))


def read(column: str, cell: Cell) -> Result:
    return converter(LAYOUT.columns.by_name[column])(cell)


def code(column: str, cell: Cell) -> str:
    found = read(column, cell)
    assert isinstance(found, Finding), found
    return found.code


@pytest.mark.parametrize(
    ("cell", "level"),
    [
        ("3", 3), (3.0, 3), ("3.0", 3), ("3,0", 3), (" 3 ", 3), ("'3", 3), ("0", 0),
        ("Level 3", 3), ("level3", 3), ("LEVEL: 3", 3), ("Tingkat 4", 4), ("L2", 2), ("lvl. 5", 5),
        ("3 (menengah)", 3), ("3 (Menengah)", 3), ("Level 4 (mumpuni)", 4), ("Menengah", 3),
        ("paham", 1), ("", None), ("-", None), (None, None),
    ],
)  # fmt: skip
def test_a_level_is_read_as_it_is_written(cell: Cell, level: int | None) -> None:
    assert read("level.integritas", cell) == level


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (3.5, "level_not_whole"), ("3,5", "level_not_whole"), ("2.75", "level_not_whole"),
        ("Level 3,5", "level_not_whole"), ("6", "level_out_of_range"), (7.0, "level_out_of_range"),
        ("10", "level_out_of_range"), ("-1", "level_unreadable"), ("tiga", "level_unreadable"),
        ("3/5", "level_unreadable"), ("3 (dasar)", "level_unreadable"), (True, "cell_is_boolean"),
        ("3-4", "level_unreadable"), ("#N/A", "formula_error"), ("٣", "level_unreadable"),
        ("3 (hebat)", "level_unreadable"),
    ],
)  # fmt: skip
def test_what_is_no_level_is_said(cell: Cell, why: str) -> None:
    assert code("level.integritas", cell) == why


def test_a_competency_out_of_force_has_no_level() -> None:
    assert read("level.lama", "-") is None
    assert code("level.lama", "3") == "competency_not_in_force"


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("78,5", "78.50"), ("78.5", "78.50"), (78.5, "78.50"), ("100", "100.00"), ("0", "0.00"),
        (77.33333333333333, "77.33"), ("1", "1.00"), ("-", None),
    ],
)  # fmt: skip
def test_a_score_of_potential_is_read(cell: Cell, score: str | None) -> None:
    assert read("potential", cell) == (score and Decimal(score))


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("101", "potential_out_of_range"), (100.001, "potential_out_of_range"),
        (0.785, "potential_is_share"), ("78%", "potential_unreadable"),
        ("tinggi", "potential_unreadable"), ("-3", "potential_unreadable"),
        ("1e2", "potential_unreadable"),
    ],
)  # fmt: skip
def test_what_is_no_score_is_said(cell: Cell, why: str) -> None:
    assert code("potential", cell) == why


@given(st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.dates(), st.times()))
def test_no_cell_breaks_any_column(cell: Cell) -> None:
    for column in LAYOUT.columns:
        found = read(column.name, cell)
        if column.name.startswith(LEVEL) and found is not None:
            assert isinstance(found, Finding) or found in range(6)
        if column.name == "potential" and isinstance(found, Decimal):
            assert 0 <= found <= 100


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("INTEGRITAS", "level.integritas"),
        ("kerja_sama", "level.kerja_sama"),
        ("Kerja sama", "level.kerja_sama"),
        ("Kerja Kelompok", "level.kerja_sama"),
        ("Level Komunikasi", "level.komunikasi"),
        ("Tingkat Kerja Sama", "level.kerja_sama"),
        ("Komunikasi (1-5)", "level.komunikasi"),
        ("NIP Baru", "nip"),
        ("Nilai Potensi (0-100)", "potential"),
        ("Skor Potensi", "potential"),
        ("Keterangan", "note"),
        ("Kode Jabatan", "position_code"),
    ],
)
def test_headings_are_known(heading: str, name: str) -> None:
    column = LAYOUT.columns.for_heading(heading)
    assert column is not None
    assert column.name == name


def test_each_heading_belongs_to_one_column() -> None:
    owners: dict[str, str] = {}
    for column in LAYOUT.columns:
        for heading in {squeeze(text) for text in (column.header, column.name, *column.aliases)}:
            assert owners.setdefault(heading, column.name) == column.name


def test_a_row_without_a_level_is_refused_and_so_is_a_file_without_a_competency() -> None:
    rows = parse(csv_bytes([["NIP", "Nilai potensi", "Integritas"], [NIP, "70", ""]]))
    assert [error.code for error in rows[0].errors] == ["levels_missing"]
    with pytest.raises(UnreadableFile) as raised:
        parse(csv_bytes([["NIP", "Nama"], [NIP, "Siti"]]))
    assert raised.value.code == "missing_columns"
    assert "Integritas / Kerja Sama / Komunikasi / …" in raised.value.detail_id


def test_a_wrong_level_is_said_once() -> None:
    (row,) = parse(csv_bytes([["NIP", "Nama", "Integritas"], [NIP, "Siti", "9"]]))
    assert [(e.column, e.code) for e in row.errors] == [("level.integritas", "level_out_of_range")]


def test_staged_rows_hold_levels_in_the_order_of_the_dictionary() -> None:
    table = [["Komunikasi", "NIP", "Integritas", "Kode jabatan"], ["4", NIP, "2", "A\\Nb c"]]
    (row,) = parse(csv_bytes(table))
    staged = list(LAYOUT.stage(row.values, None))  # type: ignore[arg-type]
    fields = dict(zip(LAYOUT.staged, staged, strict=True))
    assert fields["levels"] == "{2,NULL,4,NULL}"
    assert (fields["position_code"], fields["position_key"]) == ("A\\\\Nb c", "a\\\\nbc")
    assert fields["potential"] == "\\N"


def test_the_template_reads_as_empty_and_explains_the_levels() -> None:
    layout = results_layout([c for c in COMPETENCIES if c["in_force"]])
    book = CalamineWorkbook.from_filelike(BytesIO(template_xlsx(layout)))
    assert book.sheet_names == ["Hasil Penilaian", "Petunjuk", "Level"]
    headings = book.get_sheet_by_index(0).to_python()[0]
    assert headings == [column.header for column in layout.columns]
    assert "Kepemimpinan" not in headings
    explained = book.get_sheet_by_name("Level").to_python()
    assert explained[:2] == [
        ["Kompetensi", "Level", "Sebutan", "Uraian"],
        ["Integritas", "1", "T1", "Uraian 1."],
    ]
    assert len(explained) == 1 + 3 * 5
    for data, name in ((template_xlsx(layout), "a.xlsx"), (template_csv(layout), "a.csv")):
        with pytest.raises(UnreadableFile, match="no_data_rows"):
            parse(data, name)


def test_the_template_filled_with_its_examples_is_sound() -> None:
    layout = results_layout([c for c in COMPETENCIES if c["in_force"]])
    table = [[c.header for c in layout.columns], [c.example for c in layout.columns]]
    (row,) = parse(csv_bytes(table), layout=layout)
    assert row.errors == ()
    assert row.values["level.integritas"] == 3


def clean_rows(count: int) -> list[dict[str, Any]]:
    """People whose results are as they should be."""
    return [
        {
            "nip": f"198501312010011{number + 1:03d}",
            "name": f"Siti {chr(65 + number % 26)}",
            "potential": Decimal("70.25"),
            "level.integritas": 1 + number % 5,
            "level.kerja_sama": 3,
            "level.komunikasi": number % 6,
            "note": "",
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [12, 30, 200])
@pytest.mark.parametrize(
    ("write", "name"), [(messy_results, "a.xlsx"), (messy_results_csv, "a.csv")]
)
def test_of_a_messy_file_only_what_must_be_mended_is_refused(
    count: int, write: Any, name: str
) -> None:
    clean = clean_rows(count)
    rows = parse(write(clean, COMPETENCIES), name)
    assert tuple(row.errors[0].code for row in rows if row.errors) == MUST_MEND
    good = {row.values["nip"].value: row.values for row in rows if not row.errors}  # type: ignore[union-attr]
    assert len(good) == count - len(MUST_MEND)
    for row in clean:
        for column, value in good.get(row["nip"], {}).items():
            if column != "nip":
                assert value == (row[column] if row[column] != "" else None), column
