"""From bytes to a table: every kind of file, and everything that may be wrong with one."""

import random
import struct
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.imports import reading, workbooks
from app.services.imports.employees.layout import EMPLOYEES
from app.services.imports.headings import column_letters
from app.services.imports.parsing import parse_rows
from app.services.imports.reading import Table
from app.services.imports.reading import read_table as read_columns
from app.services.imports.words import UnreadableFile

HEADINGS = ("NIP", "Nama", "Tanggal lahir", "L/P", "Status", "Unit kerja")
ROW = ("198501312010011001", "Siti Aminah", "31-01-1985", "L", "PNS", "Dinas Kesehatan")

Rows = Sequence[Any]
read_table = partial(read_columns, columns=EMPLOYEES.columns)


def xlsx(
    rows: Rows, *, merges: Sequence[tuple[int, int, int, int, str]] = (), **options: Any
) -> bytes:
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("Pegawai")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for number, row in enumerate(rows):
            for index, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, index, cell, day)
                elif isinstance(cell, str) and cell.startswith("#"):
                    sheet.write_formula(number, index, "=1/0", None, cell)
                elif cell is not None:
                    sheet.write(number, index, cell)
        for merge in merges:
            sheet.merge_range(*merge)
    return output.getvalue()


def csv(rows: Rows, delimiter: str = ",") -> bytes:
    return "\r\n".join(delimiter.join(map(str, row)) for row in rows).encode()


def names(table: Table) -> list[str | None]:
    return [heading.column.name if heading.column else None for heading in table.headings]


def refused(data: bytes | Path, filename: str = "a.xlsx", **options: Any) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as raised:
        list(parse_rows(read_table(data, filename, **options), EMPLOYEES.check))
    assert raised.value.detail_id.endswith(".")
    assert raised.value.detail_en.endswith(".")
    return raised.value


KNOWN = ["nip", "name", "birth_date", "sex", "status", "unit_name"]


# --- Shapes of good files


@pytest.mark.parametrize("make", [xlsx, csv])
def test_a_plain_table_is_read_with_its_row_numbers(make: Callable[[Rows], bytes]) -> None:
    name = "a.xlsx" if make is xlsx else "a.csv"
    table = read_table(make([HEADINGS, ROW, ["", "", "", "", "", ""], ROW]), name)
    assert names(table) == KNOWN
    assert [(number, list(row)) for number, row in table.rows()] == [(2, [*ROW]), (4, [*ROW])]
    assert table.warnings == ()


def test_rows_may_be_walked_again_and_files_may_lie_on_disk(tmp_path: Path) -> None:
    for name, data in (("a.xlsx", xlsx([HEADINGS, ROW])), ("a.csv", csv([HEADINGS, ROW]))):
        path = tmp_path / name
        path.write_bytes(data)
        table = read_table(path, name)
        assert list(table.rows()) == list(table.rows()) == list(read_table(data, name).rows())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    assert names(read_table(csv([HEADINGS, ROW], delimiter), "a.csv")) == KNOWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_are_recognised(encoding: str) -> None:
    text = csv([HEADINGS, [*ROW[:1], "Zoë Ølsen", *ROW[2:]]]).decode()
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    table = read_table(mark + text.encode(encoding), "a.csv")
    assert next(table.rows())[1][1] == "Zoë Ølsen"
    assert table.warnings == ()


def test_windows_1252_is_a_guess_that_is_told() -> None:
    table = read_table(csv([HEADINGS, ROW]).replace(b"Siti", b"Zo\xeb"), "a.csv")
    assert next(table.rows())[1][1] == "Zoë Aminah"
    assert [warning.code for warning in table.warnings] == ["encoding_guessed"]


def test_quotes_and_line_breaks_in_cells_keep_excel_row_numbers() -> None:
    rows = [HEADINGS, [*ROW[:5], '"Dinas, ""Sehat""\nRaya"'], [*ROW]]
    table = read_table(csv(rows), "a.csv")
    assert [number for number, _ in table.rows()] == [2, 3]
    assert next(table.rows())[1][5] == 'Dinas, "Sehat"\nRaya'


def test_excels_separator_line_is_a_title() -> None:
    assert names(read_table(b"sep=;\r\n" + csv([HEADINGS, ROW], ";"), "a.csv")) == KNOWN


def test_title_lines_stand_above_the_headings() -> None:
    rows = [["DAFTAR PEGAWAI"], [], ["Keadaan 2026", None, "NIP"], HEADINGS, ROW]
    table = read_table(xlsx(rows), "a.xlsx")
    assert table.heading_row == 4
    assert [number for number, _ in table.rows()] == [5]


def test_an_empty_margin_shifts_no_letters() -> None:
    rows: Rows = [[], [], *[[None, None, *row] for row in ([*HEADINGS, "Hobi"], [*ROW, "catur"])]]
    table = read_table(xlsx(rows), "a.xlsx")
    assert table.heading_row == 3
    assert [number for number, _ in table.rows()] == [4]
    assert "Kolom I (Hobi)" in table.warnings[0].detail_id


TWO_LINES = (
    ("NIP", "Nama", "Lahir", "", "L/P", "Status", "Jabatan", "", "Unit", ""),
    ("", "", "Tempat", "Tanggal", "", "", "Nama", "TMT", "Kode", "Nama"),
)
TWO_LINE_NAMES = [
    "nip", "name", "birth_place", "birth_date", "sex", "status",
    "job_title", "job_since", "unit_code", "unit_name",
]  # fmt: skip
TWO_LINE_ROW = (*ROW[:2], "Bandung", *ROW[2:5], "Bidan Terampil", "01-01-2020", "DINKES", ROW[5])


def test_headings_over_two_lines_with_merged_cells() -> None:
    merges = [
        (0, 0, 1, 0, "NIP"),
        (0, 1, 1, 1, "Nama"),
        (0, 2, 0, 3, "Lahir"),
        (0, 6, 0, 7, "Jabatan"),
        (0, 8, 0, 9, "Unit"),
    ]
    table = read_table(xlsx([*TWO_LINES, TWO_LINE_ROW], merges=merges), "a.xlsx")
    assert names(table) == TWO_LINE_NAMES
    assert table.heading_row == 2
    assert [number for number, _ in table.rows()] == [3]


def test_headings_over_two_lines_in_a_csv() -> None:
    assert names(read_table(csv([*TWO_LINES, TWO_LINE_ROW], ";"), "a.csv")) == TWO_LINE_NAMES


def test_headings_repeated_on_each_page_and_column_numbers_are_left_out() -> None:
    numbers = [1, 2, 3, 4, 5, 6]
    for data, name in (
        (xlsx([HEADINGS, numbers, ROW, HEADINGS, ROW]), "a.xlsx"),
        (csv([HEADINGS, numbers, ROW, HEADINGS, ROW]), "a.csv"),
    ):
        assert [number for number, _ in read_table(data, name).rows()] == [3, 5]


def test_the_first_visible_sheet_with_headings_is_taken_or_the_one_that_is_named() -> None:
    output = BytesIO()
    with xlsxwriter.Workbook(output) as book:
        sheets = [book.add_worksheet(name) for name in ("Sampul", "Lama", "Baru", "Lain")]
        sheets[0].write(0, 0, "Sampul")
        sheets[0].activate()
        sheets[1].hide()
        for sheet in sheets[1:]:
            for number, row in enumerate((HEADINGS, ROW)):
                sheet.write_row(number, 0, row)
    data = output.getvalue()
    assert read_table(data, "a.xlsx").sheet == "Baru"
    assert read_table(data, "a.xlsx", sheet="Lama").sheet == "Lama"
    missing = refused(data, sheet="Nihil")
    assert missing.code == "sheet_missing"
    assert "Baru" in missing.detail_id
    assert refused(data, sheet="Sampul").code == "no_heading"


def test_dates_of_the_1904_system_and_formula_errors_come_through() -> None:
    born = datetime.combine(date(1985, 1, 31), time())
    serial = (born.date() - date(1904, 1, 1)).days
    rows = [[*HEADINGS, "TMT status", "Alamat"], [*ROW[:2], born, *ROW[3:], serial, "#REF!"]]
    table = read_table(xlsx(rows, date_1904=True), "a.xlsx")
    row = next(parse_rows(table, EMPLOYEES.check))
    assert row.values["birth_date"] == row.values["status_since"] == born.date()
    assert [error.code for error in row.errors] == ["formula_error"]


# --- Mapping


def test_unknown_columns_are_told_and_the_error_column_is_not() -> None:
    rows = [["KESALAHAN", *HEADINGS, "Hobi"], ["Salah.", *ROW, "catur"]]
    table = read_table(xlsx(rows), "a.xlsx")
    assert [warning.code for warning in table.warnings] == ["unknown_column"]
    assert "Kolom H (Hobi)" in table.warnings[0].detail_id


def test_a_mapping_overrides_what_the_heading_says() -> None:
    rows = [[*HEADINGS[:5], "Tempat Tugas", "Unit kerja"], [*ROW, "lama"]]
    table = read_table(
        xlsx(rows), "a.xlsx", mapping={"tempat tugas": "unit_name", "UNIT KERJA": ""}
    )
    assert names(table) == [*KNOWN, None]
    assert table.warnings == ()


def test_a_mapping_that_fits_nothing_is_refused() -> None:
    data = xlsx([HEADINGS, ROW])
    assert refused(data, mapping={"NIP": "nipp"}).code == "mapping_unknown_column"
    unknown = refused(data, mapping={"Tempat Tugas": "unit_name"})
    assert unknown.code == "mapping_unknown_heading"
    assert "Tempat Tugas" in unknown.detail_id


def test_repeated_headings_are_named_both() -> None:
    error = refused(xlsx([[*HEADINGS, "nipBaru"], [*ROW, ROW[0]]]))
    assert error.code == "repeated_heading"
    assert "Kolom A (NIP) dan kolom G (nipBaru)" in error.detail_id
    data = xlsx([[*HEADINGS, "nipBaru"], [*ROW, ROW[0]]])
    assert names(read_table(data, "a.xlsx", mapping={"nipBaru": ""})) == [*KNOWN, None]


def test_missing_columns_are_named() -> None:
    error = refused(xlsx([["NIP", "Nama", "Status"], ROW[:3]]))
    assert error.code == "missing_columns"
    for header in ("Tanggal lahir", "Jenis kelamin", "Kode unit / Nama unit"):
        assert header in error.detail_id


# --- Files that are none


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"", "a.xlsx", "empty_file"),
        (b"", "a.csv", "empty_file"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "a.xls", "old_excel"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "encrypted"),
        (b"<html><table>", "a.xls", "old_excel"),
        (b"NIP,Nama", "a.xlsx", "corrupt"),
        (b"PK\x03\x04 and then nothing", "a.xlsx", "corrupt"),
        (b"PK\x03\x04 and then nothing", "a.csv", "corrupt"),
        (b"%PDF-1.7 ...", "a.pdf", "wrong_type"),
        (b"%PDF-1.7 ...", "a.csv", "wrong_type"),
        (b"NIP,Nama", "a.docx", "wrong_type"),
        (b"\0\0\0\x01\0\x02", "a.csv", "wrong_type"),
        (b"hello", "a.csv", "no_heading"),
        (b"\n\n\n", "a.csv", "no_heading"),
        (b"NIP,Nama\x81\n", "a.csv", "encoding_unknown"),
        (b"\xff\xfeN\0I\0P", "a.csv", "encoding_unknown"),
        (csv([HEADINGS]), "a.csv", "no_data_rows"),
        (csv([HEADINGS, ["", "", ""]]), "a.csv", "no_data_rows"),
        (xlsx([HEADINGS]), "a.xlsx", "no_data_rows"),
        (xlsx([]), "a.xlsx", "no_heading"),
        (xlsx([*[["judul"]] * 20, HEADINGS, ROW]), "a.xlsx", "no_heading"),
        (csv([HEADINGS, [*ROW[:5], '"Dinas'], ROW]), "a.csv", "csv_broken"),
        (csv([HEADINGS, *[ROW] * 30, [*ROW[:5], '"Dinas'], ROW]), "a.csv", "csv_broken"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(data: bytes, name: str, expected: str) -> None:
    assert refused(data, name).code == expected


def test_a_broken_quotation_names_its_row() -> None:
    error = refused(csv([HEADINGS, *[ROW] * 30, [*ROW[:5], '"Dinas'], ROW]), "a.csv")
    assert "baris 32" in error.detail_id


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(output, "w", compression) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return output.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as read:
        return {name: read.read(name) for name in read.namelist()}


def with_sheet(replace: Callable[[bytes], bytes]) -> bytes:
    members = members_of(xlsx([HEADINGS, ROW]))
    members["xl/worksheets/sheet1.xml"] = replace(members["xl/worksheets/sheet1.xml"])
    return archive(members)


def test_an_archive_of_something_else_is_the_wrong_type() -> None:
    assert refused(archive({"word/document.xml": b"<w/>"})).code == "wrong_type"
    assert refused(archive({"xl/workbook.bin": b""}), "a.xlsb").code == "wrong_type"


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1_000_000)
    members = members_of(xlsx([HEADINGS, ROW]))
    assert refused(archive(members | {"xl/media/a.png": b"\0" * 1_000_001})).code == "too_large"
    assert read_table(archive(members), "a.xlsx")


def test_a_text_shared_by_too_many_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "Jalan Melati " * 100
    rows = [[*HEADINGS, "Alamat"], *[[*ROW, address]] * 400]
    sound = [[*HEADINGS, "Alamat"], *[[*ROW, f"{address}{n}"] for n in range(400)]]
    monkeypatch.setattr(workbooks, "MAX_TEXT", 600_000)
    assert read_table(xlsx(sound), "a.xlsx")
    monkeypatch.setattr(workbooks, "MAX_TEXT", 500_000)
    assert refused(xlsx(rows)).code == "too_large"


def test_a_text_that_is_not_there_is_corrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_TEXT", 100)
    data = with_sheet(lambda xml: xml.replace(b"<v>0</v>", b"<v>999</v>", 1))
    assert refused(data).code in ("corrupt", "too_large")


def test_an_archive_that_lies_about_its_size_is_corrupt() -> None:
    data = bytearray(with_sheet(lambda xml: xml + b" " * 5_000_000))
    directory = data.rindex(b"PK\x01\x02", 0, data.rindex(b"xl/worksheets/sheet1.xml"))
    struct.pack_into("<I", data, directory + 24, 1_000)
    with pytest.raises(UnreadableFile, match="corrupt"):
        workbooks.survey(bytes(data))


def test_a_panic_of_the_workbook_reader_is_a_damaged_file() -> None:
    class Panic(BaseException):
        pass

    def panics() -> None:
        raise Panic

    with pytest.raises(UnreadableFile, match="corrupt"):
        reading._calamine(panics)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (b'r="XFD1"', "too_many_columns"),
        (b'r="GS1"', "too_many_columns"),
        (b"r = 'GS1'", "too_many_columns"),
        (b's="1" r="ZZ1"', "too_many_columns"),
        (b'r="A1048576"', "too_many_rows"),
        (b'r="A200001"', "too_many_rows"),
        (b's="0"', "corrupt"),
    ],
)
def test_a_cell_far_away_is_refused_before_it_is_laid_out(position: bytes, expected: str) -> None:
    data = with_sheet(
        lambda xml: xml.replace(
            b"</sheetData>", b"<row><c " + position + b"><v>1</v></c></row></sheetData>"
        )
    )
    assert refused(data).code == expected


def test_a_cell_far_away_is_seen_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    far = b'<row r="9"><c r="XFD9"><v>1</v></c></row></sheetData>'
    for chunk in range(40, 90):
        monkeypatch.setattr(workbooks, "_CHUNK", chunk)
        assert (
            refused(with_sheet(lambda xml: xml.replace(b"</sheetData>", far))).code
            == "too_many_columns"
        )


def test_formula_errors_are_seen_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = xlsx([[*HEADINGS, "Alamat"], [*ROW, "#REF!"], [*ROW, "x"], [*ROW, "#DIV/0!"]])
    for chunk in range(40, 300, 7):
        monkeypatch.setattr(workbooks, "_CHUNK", chunk)
        found = [row[6] for _, row in read_table(data, "a.xlsx").rows()]
        assert found == ["#REF!", "x", "#DIV/0!"]


def test_too_many_columns_and_rows_of_a_csv_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = csv([[*HEADINGS, *map(str, range(250))], ROW])
    assert refused(wide, "a.csv").code in ("too_many_columns", "no_heading")
    monkeypatch.setattr("app.services.imports.reading.MAX_ROWS", 50)
    assert refused(csv([HEADINGS, *[ROW] * 60]), "a.csv").code == "too_many_rows"
    assert read_table(csv([HEADINGS, *[ROW] * 49]), "a.csv")


def test_columns_have_the_letters_of_excel() -> None:
    assert [column_letters(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


# --- For every file there is


def read_wholly(data: bytes, name: str) -> None:
    """Only UnreadableFile may come out."""
    try:
        for row in parse_rows(read_table(data, name), EMPLOYEES.check):
            assert row.row_number >= 1
    except UnreadableFile:
        return


@given(st.binary(), st.sampled_from(["a.csv", "a.xlsx", "a.txt", "a.xls", "a"]))
def test_no_bytes_break_the_reader(data: bytes, name: str) -> None:
    read_wholly(data, name)


@given(st.lists(st.lists(st.text(), max_size=8), max_size=8), st.sampled_from(",;\t|"))
def test_no_csv_breaks_the_reader(rows: list[list[str]], delimiter: str) -> None:
    head = csv([HEADINGS, ROW], delimiter)
    body = "\n".join(delimiter.join(row) for row in rows).encode("utf-8", "surrogatepass")
    read_wholly(head + b"\n" + body, "a.csv")


GOOD = xlsx([[*HEADINGS, "Alamat"], [*ROW, "#REF!"], [*ROW, 5.5]])


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_no_damage_to_a_workbook_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(GOOD)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    read_wholly(bytes(data[: chance.choice([len(data), chance.randrange(len(data))])]), "a.xlsx")


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_no_damage_inside_a_workbook_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    members = members_of(GOOD)
    name = chance.choice([name for name in members if name.startswith("xl/")])
    content = bytearray(members[name])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(content))
        content[at : at + chance.randrange(4)] = chance.choice(
            [b"", b"<", b'"', b"\xff", b"9999999", b"&x;", b"/>", bytes([chance.randrange(256)])]
        )
    read_wholly(archive(members | {name: bytes(content)}, zipfile.ZIP_STORED), "a.xlsx")
