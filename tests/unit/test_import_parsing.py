"""Rows: what only several cells together tell, doubled rows, and the speed of it all."""

import time
from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from app.rules.identifiers import Nip, make_ni_pppk, make_nip
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.layout import EMPLOYEES
from app.services.imports.parsing import ParsedRow, parse_rows
from app.services.imports.reading import Table, read_table
from app.services.imports.template import csv_bytes
from app.vocabulary import EducationLevel, EmploymentStatus, Golongan, Jenjang, JobKind, Sex

CLEAN = {
    "nip": "198501312010011001",
    "name": "Budi Santoso",
    "birth_date": "31-01-1985",
    "sex": "L",
    "status": "PNS",
    "golongan": "III/b",
    "job_title": "Analis Kebijakan",
    "job_kind": "Fungsional",
    "jenjang": "Ahli Muda",
    "unit_code": "BKPSDM",
}


def table_of(data: bytes) -> Table:
    return read_table(data, "a.csv", COLUMNS)


def parse(*rows: Mapping[str, str], header: Sequence[str] = ()) -> list[ParsedRow]:
    used = [c for c in COLUMNS if c.name in header or any(c.name in row for row in rows)]
    lines = [[c.header for c in used], *([row.get(c.name, "") for c in used] for row in rows)]
    return list(parse_rows(table_of(csv_bytes(lines)), EMPLOYEES.check))


def errors(**changes: str) -> list[tuple[str | None, str]]:
    (row,) = parse(CLEAN | changes)
    return [(error.column, error.code) for error in row.errors]


def warnings(**changes: str) -> list[tuple[str | None, str]]:
    (row,) = parse(CLEAN | changes)
    assert row.errors == ()
    return [(warning.column, warning.code) for warning in row.warnings]


def test_a_clean_row_has_typed_values() -> None:
    (row,) = parse(CLEAN | {"education_level": "S-1", "education_year": "2007", "email": ""})
    nip = row.values.pop("nip")
    assert isinstance(nip, Nip)
    assert row == ParsedRow(
        2,
        {
            "name": "Budi Santoso",
            "birth_date": date(1985, 1, 31),
            "sex": Sex.MALE,
            "status": EmploymentStatus.PNS,
            "golongan": Golongan.III_B,
            "job_title": "Analis Kebijakan",
            "job_kind": JobKind.FUNGSIONAL,
            "jenjang": Jenjang.AHLI_MUDA,
            "unit_code": "BKPSDM",
            "education_level": EducationLevel.S1,
            "education_year": 2007,
            "email": None,
        },
    )


def test_every_fault_of_a_row_is_told_at_once() -> None:
    assert errors(nip="1", birth_date="x", sex="?", status="", unit_code="") == [
        ("nip", "length"),
        ("birth_date", "date_unreadable"),
        ("sex", "sex_unknown"),
        ("status", "required"),
        ("unit_code", "unit_missing"),
    ]


def test_a_wrong_cell_has_no_value() -> None:
    (row,) = parse(CLEAN | {"sex": "?"})
    assert row.values["sex"] is None


def test_one_of_code_and_name_of_the_unit_is_enough() -> None:
    assert errors(unit_code="", unit_name="Dinas Kesehatan") == []
    assert errors(unit_code="x" * 65, unit_name="") == [("unit_code", "too_long")]


@pytest.mark.parametrize(
    ("status", "golongan", "sound"),
    [
        ("PNS", "IV/e", True),
        ("CPNS", "III/a", True),
        ("CPNS", "III/d", False),
        ("PNS", "IX", False),
        ("PPPK", "IX", True),
        ("PPPK", "III/a", False),
        ("PPPK Paruh Waktu", "V", True),
    ],
)
def test_golongan_goes_with_the_status(status: str, golongan: str, sound: bool) -> None:
    expected = [] if sound else [("golongan", "golongan_not_for_status")]
    assert errors(status=status, golongan=golongan) == expected


def test_a_jenjang_is_told_by_the_end_of_the_positions_name() -> None:
    for title, jenjang in (
        ("GURU AHLI MADYA", Jenjang.AHLI_MADYA),
        ("Perawat Terampil", Jenjang.TERAMPIL),
    ):
        for row in parse(CLEAN | {"jenjang": "", "job_title": title}):
            assert row.errors == ()
            assert row.values["jenjang"] is jenjang
    without = {key: value for key, value in CLEAN.items() if key != "jenjang"}
    (row,) = parse(without | {"job_title": "Bidan Mahir"})
    assert row.values["jenjang"] is Jenjang.MAHIR


def test_only_fungsional_have_a_jenjang_and_must() -> None:
    assert errors(jenjang="") == [("jenjang", "jenjang_missing")]
    assert errors(jenjang="?") == [("jenjang", "jenjang_unknown")]
    assert errors(job_kind="Pelaksana") == [("jenjang", "jenjang_not_fungsional")]
    assert errors(job_kind="Pelaksana", jenjang="-") == []


def test_a_nip_at_odds_with_the_biodata_warns() -> None:
    assert warnings(birth_date="30-01-1985", sex="P") == [
        ("birth_date", "birth_date_differs"),
        ("sex", "sex_differs"),
    ]
    assert warnings(status="PPPK", golongan="IX") == [("nip", "identifier_not_for_status")]
    pppk = make_ni_pppk(date(1985, 1, 31), 2022, 21, Sex.MALE, 1).value
    assert warnings(nip=pppk, status="PPPK", golongan="IX") == []
    assert warnings(nip=pppk) == [("nip", "identifier_not_for_status")]


def test_a_doubled_row_is_skipped_with_a_warning() -> None:
    first, second = parse(CLEAN, CLEAN | {"name": " Budi  Santoso "})
    assert first.repeats is None
    assert first.warnings == ()
    assert second.repeats == 2
    assert [warning.code for warning in second.warnings] == ["row_repeated"]
    assert "baris 2" in second.warnings[0].detail_id
    assert second.errors == ()


def test_the_same_nip_with_other_contents_is_an_error_that_names_the_first_row() -> None:
    first, second = parse(CLEAN, CLEAN | {"name": "Budi Santosa"})
    assert first.errors == ()
    assert [(error.column, error.code) for error in second.errors] == [
        ("nip", "identifier_repeated")
    ]
    assert "baris 2" in second.errors[0].detail_id
    assert second.repeats is None


def test_rows_without_any_known_value_are_left_out_and_numbers_kept() -> None:
    data = csv_bytes(
        [
            ["No", *(c.header for c in COLUMNS)],
            ["1", *(CLEAN.get(c.name, "") for c in COLUMNS)],
            ["2", *("" for _ in COLUMNS)],
            ["3", "198501312010011002", *(CLEAN.get(c.name, "") for c in [*COLUMNS][1:])],
        ]
    )
    assert [row.row_number for row in parse_rows(table_of(data), EMPLOYEES.check)] == [2, 4]


def test_data_under_no_heading_is_told() -> None:
    used = [c for c in COLUMNS if c.name in CLEAN]
    lines = [
        [used[0].header, "", *(c.header for c in used[1:])],
        [CLEAN["nip"], "catatan", *(CLEAN[c.name] for c in used[1:]), "", "lagi"],
    ]
    (row,) = parse_rows(table_of(csv_bytes(lines)), EMPLOYEES.check)
    assert row.errors == ()
    assert [warning.code for warning in row.warnings] == ["cell_without_heading"]
    assert "B, M" in row.warnings[0].detail_id


def test_a_large_file_is_parsed_in_seconds() -> None:
    """A bound with room for a busy machine; `bench/` measures the speed itself."""
    rows = 20_000
    lines = [[c.header for c in COLUMNS]]
    for number in range(rows):
        born = date(1965 + number % 35, 1 + number % 12, 1 + number % 28)
        appointed = date(2005 + number // 18_000, 1 + number // 1_500 % 12, 1)
        nip = make_nip(born, appointed, Sex.FEMALE, 1 + number % 999).value
        row = {c.name: c.example for c in COLUMNS} | {
            "nip": nip,
            "name": f"Pegawai {number}",
            "birth_date": f"{born:%d-%m-%Y}",
            "email": f"a{number}@example.go.id",
        }
        lines.append([row[c.name] for c in COLUMNS])
    table = table_of(csv_bytes(lines))
    start = time.perf_counter()
    parsed = list(parse_rows(table, EMPLOYEES.check))
    assert time.perf_counter() - start < 4
    assert len(parsed) == rows
    assert not any(row.errors for row in parsed)
