"""Files for people: the template, the file of errors, and the messy samples."""

from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from app.rules.identifiers import make_ni_pppk, make_nip
from app.services.imports.cells import converter
from app.services.imports.columns import ERROR_HEADER
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.layout import EMPLOYEES
from app.services.imports.employees.messy import MUST_MEND, messy_csv, messy_sample
from app.services.imports.parsing import ParsedRow, parse_rows
from app.services.imports.reading import Table, read_table
from app.services.imports.template import (
    csv_bytes,
    error_csv,
    error_xlsx,
    label,
    template_csv,
    template_xlsx,
)
from app.services.imports.words import Finding, UnreadableFile
from app.vocabulary import EducationLevel, EmploymentStatus, Golongan, Jenjang, JobKind, Sex


def clean_rows(count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(count):
        born = date(1966 + number % 34, 1 + number % 12, 1 + number % 28)
        sex = list(Sex)[number % 2]
        pns = number % 3 != 2
        rows.append(
            {
                "nip": make_nip(born, date(2005, 3, 1), sex, number % 999 + 1)
                if pns
                else make_ni_pppk(born, 2022, 21, sex, number % 999 + 1),
                "name": f"Nama Ke {chr(65 + number % 26)}",
                "birth_place": "Bandung",
                "birth_date": born,
                "sex": sex,
                "status": EmploymentStatus.PNS if pns else EmploymentStatus.PPPK,
                "golongan": Golongan.III_B if pns else Golongan.PPPK_IX,
                "job_title": "Analis Kebijakan Ahli Muda",
                "job_kind": JobKind.FUNGSIONAL,
                "jenjang": Jenjang.AHLI_MUDA,
                "job_since": date(2022, 1, 3),
                "unit_code": "BKPSDM",
                "education_level": EducationLevel.S1,
                "education_year": 2007,
                "email": f"pegawai{number}@example.go.id",
                "phone": f"+62812{number:08d}",
                "nik": f"32040171{number:08d}",
            }
        )
    return rows


def parsed(data: bytes, name: str) -> tuple[Table, list[ParsedRow]]:
    table = read_table(data, name, COLUMNS)
    return table, list(parse_rows(table, EMPLOYEES.check))


def errors_of(rows: list[ParsedRow]) -> dict[int, tuple[Finding, ...]]:
    return {row.row_number: row.errors for row in rows if row.errors}


# --- Template


def test_the_template_has_every_column_and_reads_as_empty() -> None:
    book = CalamineWorkbook.from_filelike(BytesIO(template_xlsx(EMPLOYEES)))
    headings = book.get_sheet_by_name(EMPLOYEES.title).to_python()[0]
    assert [COLUMNS.for_heading(str(heading)) for heading in headings] == list(COLUMNS)
    assert template_csv(EMPLOYEES).decode("utf-8-sig").strip().split(";") == [
        c.header for c in COLUMNS
    ]
    for data, name in ((template_xlsx(EMPLOYEES), "a.xlsx"), (template_csv(EMPLOYEES), "a.csv")):
        with pytest.raises(UnreadableFile, match="no_data_rows"):
            read_table(data, name, COLUMNS)


def test_the_template_filled_with_its_examples_is_sound() -> None:
    data = csv_bytes([[c.header for c in COLUMNS], [c.example for c in COLUMNS]])
    _, (row,) = parsed(data, "a.csv")
    assert row.errors == ()


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("sex", Sex),
        ("status", EmploymentStatus),
        ("golongan", Golongan),
        ("job_kind", JobKind),
        ("jenjang", Jenjang),
        ("education_level", EducationLevel),
    ],
)
def test_every_choice_that_is_offered_reads_back(column: str, words: Any) -> None:
    for word in words:
        assert converter(COLUMNS.by_name[column])(label(word)) is word


# --- File of errors


def faulty_xlsx() -> bytes:
    output = BytesIO()
    with xlsxwriter.Workbook(output) as book:
        sheet = book.add_worksheet()
        used = ("nip", "name", "birth_date", "sex", "status", "unit_code", "address")
        sheet.write_row(0, 0, [COLUMNS.by_name[name].header for name in used])
        sheet.write_row(1, 0, [198501312010011001, "Budi", 31078, "L", "PNS", "A", "Jalan"])
        sheet.write_row(2, 0, ["198501312010011002", "Siti", 31078, "P", "PNS", "A", "Jalan"])
        sheet.write_row(3, 0, ["198501312010011003", "Ani", 31078, "?", "PNS", "A"])
        sheet.write_string(3, 6, "=HYPERLINK(1)")
    return output.getvalue()


@pytest.mark.parametrize("extension", ["xlsx", "csv"])
def test_the_file_of_errors_can_be_mended_and_sent_again(extension: str) -> None:
    table, rows = parsed(faulty_xlsx(), "a.xlsx")
    errors = errors_of(rows)
    assert list(errors) == [2, 4]
    write = error_xlsx if extension == "xlsx" else error_csv
    again, same = parsed(write(table, errors), f"b.{extension}")
    assert again.warnings == ()
    assert [h.text for h in again.headings] == [ERROR_HEADER, *(h.text for h in table.headings)]
    assert [row.errors[0].code for row in same] == ["nip_lost_digits", "sex_unknown"]
    assert [row.values["birth_date"] for row in same] == [date(1985, 1, 31)] * 2
    assert same[1].values["address"] == "=HYPERLINK(1)"
    told = [str(cells[0]) for _, cells in again.rows()]
    assert told[0].startswith("Baris 2. NIP: Excel menyimpan NIP ini sebagai angka")
    assert told[1].startswith("Baris 4. Jenis kelamin: Jenis kelamin tidak dikenal")
    raw = [cells[7] for _, cells in again.rows()]
    assert raw[1] == "'=HYPERLINK(1)"


def test_the_words_come_in_english_too() -> None:
    table, rows = parsed(faulty_xlsx(), "a.xlsx")
    text = error_csv(table, errors_of(rows), language="en").decode("utf-8-sig")
    assert "Row 4. Jenis kelamin: Unknown sex." in text


def test_an_error_file_of_an_error_file_has_one_column_of_words() -> None:
    table, rows = parsed(faulty_xlsx(), "a.xlsx")
    once, faulty = parsed(error_xlsx(table, errors_of(rows)), "b.xlsx")
    twice = read_table(error_xlsx(once, errors_of(faulty)), "c.xlsx", COLUMNS)
    assert [h.text for h in twice.headings].count(ERROR_HEADER) == 1


def test_serial_dates_of_1904_keep_their_day_in_the_file_of_errors() -> None:
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        used = ("nip", "name", "birth_date", "sex", "status", "unit_code")
        sheet.write_row(0, 0, [COLUMNS.by_name[name].header for name in used])
        sheet.write_row(1, 0, ["x", "Budi", 31078 - 1462, "L", "PNS", "A"])
    table, rows = parsed(output.getvalue(), "a.xlsx")
    assert rows[0].values["birth_date"] == date(1985, 1, 31)
    _, (again,) = parsed(error_csv(table, errors_of(rows)), "b.csv")
    assert again.values["birth_date"] == date(1985, 1, 31)


def test_cells_with_broken_characters_can_be_written() -> None:
    head = ";".join(
        COLUMNS.by_name[n].header for n in ("nip", "name", "birth_date", "sex", "status")
    )
    data = f"{head};Kode unit\r\nx;B\x00u\x07di;1;L;PNS;A".encode()
    table, rows = parsed(data, "a.csv")
    for write, name in ((error_xlsx, "b.xlsx"), (error_csv, "b.csv")):
        _, (again,) = parsed(write(table, errors_of(rows)), name)
        assert again.errors


# --- Messy samples


def values_by_nip(rows: list[ParsedRow]) -> dict[Any, Mapping[str, Any]]:
    return {row.values["nip"]: row.values for row in rows if not row.errors}


@pytest.mark.parametrize("count", [25, 60, 500])
@pytest.mark.parametrize(("write", "name"), [(messy_sample, "a.xlsx"), (messy_csv, "a.csv")])
def test_of_a_messy_file_only_what_must_be_mended_is_refused(
    count: int, write: Any, name: str
) -> None:
    clean = clean_rows(count)
    _, rows = parsed(write(clean), name)
    assert tuple(row.errors[0].code for row in rows if row.errors) == MUST_MEND
    assert [row.repeats is not None for row in rows].count(True) == 1
    good = values_by_nip(rows)
    assert len(good) == count - len(MUST_MEND)
    for row in clean:
        for column, value in good.get(row["nip"], {}).items():
            assert value == row.get(column), column


def test_a_messy_file_is_the_same_each_time() -> None:
    rows = clean_rows(30)
    assert messy_csv(rows) == messy_csv(rows)
    assert messy_csv(rows).startswith(b"\xef\xbb\xbfNIP;NAMA;")


def test_the_messy_workbook_has_the_faults_of_real_ones() -> None:
    table = read_table(messy_sample(clean_rows(60)), "a.xlsx", COLUMNS)
    assert table.heading_row == 4
    assert [warning.code for warning in table.warnings] == ["unknown_column"]
    kinds = {type(row[6]).__name__ for _, row in table.rows()}
    assert {"str", "float", "date"} <= kinds
