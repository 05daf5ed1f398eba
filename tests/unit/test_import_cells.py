"""One cell at a time: everything people write, read as meant or refused in words."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.identifiers import Nip, NiPppk
from app.services.imports.cells import Cell, Result, as_text, converter, defused
from app.services.imports.columns import squeeze
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.words import CELL_WORDS, FILE_WORDS, Finding
from app.vocabulary import (
    EducationLevel,
    EmploymentStatus,
    Golongan,
    Jenjang,
    JobKind,
    Sex,
)

NIP = "198501312010011001"
BORN = date(1985, 1, 31)


def read(column: str, cell: Cell, *, date1904: bool = False) -> Result:
    return converter(COLUMNS.by_name[column], date1904=date1904)(cell)


def code(column: str, cell: Cell) -> str:
    found = read(column, cell)
    assert isinstance(found, Finding), found
    assert found.column == column
    return found.code


# --- NIP


@pytest.mark.parametrize(
    "cell",
    [
        NIP,
        f"'{NIP}",
        f" {NIP} ",
        "19850131 201001 1 001",
        "19850131.201001.1.001",
        "19850131-201001-1-001",
        "\u00a019850131\u00a0201001\u00a01\u00a0001\u200b",
        f"\ufeff{NIP}\n",
    ],
)
def test_a_nip_is_read_through_its_dress(cell: str) -> None:
    found = read("nip", cell)
    assert isinstance(found, Nip)
    assert found.value == NIP


def test_a_ni_pppk_is_read_in_the_same_column() -> None:
    assert isinstance(read("nip", "199003042022212005"), NiPppk)


@pytest.mark.parametrize(
    "cell",
    [
        198501312010011001,
        198501312010011001.0,
        float(NIP),
        1e17,
        1e300,
        float("inf"),
        float("nan"),
        "1.98501312010011E+17",
        "1,98501312010011E+17",
        "1.98501E+17",
        "'1.98501e17",
        "198501312010011000",
        "198501312010011001.0",
    ],
)
def test_a_nip_that_was_a_number_has_lost_its_digits_and_is_never_guessed(cell: Cell) -> None:
    assert code("nip", cell) == "nip_lost_digits"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, "required"),
        ("", "required"),
        ("  \u00a0", "required"),
        ("-", "required"),
        (12345, "length"),
        (12345.0, "length"),
        ("12345", "length"),
        ("1985O1312010011001", "not_digits"),
        ("１９８５０１３１２０１００１１００１", "digits_not_ascii"),
        ("198502312010011001", "birth_date"),
        ("198501312010131001", "appointment_month"),
        ("198501312010013001", "sex"),
        ("1985013120100110\x0001", "control_character"),
        ("#N/A", "formula_error"),
        (" #REF! ", "formula_error"),
        (True, "cell_is_boolean"),
        (BORN, "cell_is_date"),
        (time(1, 2), "cell_is_time"),
    ],
)
def test_what_is_wrong_with_a_nip_is_named(cell: Cell, expected: str) -> None:
    assert code("nip", cell) == expected


def test_a_finding_shows_no_whole_identifier_and_never_a_nik() -> None:
    wrong_nip = read("nip", "198502312010011001")
    wrong_nik = read("nik", "320401710185000")
    wrong_date = read("birth_date", "31/13/1985")
    assert isinstance(wrong_nip, Finding)
    assert isinstance(wrong_nik, Finding)
    assert isinstance(wrong_date, Finding)
    assert wrong_nip.shown == "1985************01"
    assert wrong_nik.shown is None
    assert wrong_date.shown == "##/##/####"


# --- NIK


@pytest.mark.parametrize("cell", ["3204017101850001", "'3204017101850001", "3204.0171.0185.0001"])
def test_a_nik_is_read(cell: str) -> None:
    assert read("nik", cell) == "3204017101850001"


@pytest.mark.parametrize("cell", [3204017101850001, 3204017101850001.0, "3.20401710185E+15"])
def test_a_nik_that_was_a_number_has_lost_its_last_digit(cell: Cell) -> None:
    assert code("nik", cell) == "nik_lost_digits"


@pytest.mark.parametrize("cell", ["320401710185000", "32040171018500012", "x" * 16, 5])
def test_a_wrong_nik_is_refused(cell: Cell) -> None:
    assert code("nik", cell) == "nik_invalid"


def test_a_nik_may_be_absent() -> None:
    assert read("nik", "-") is None


# --- Dates


@pytest.mark.parametrize(
    "cell",
    [
        BORN,
        datetime.combine(BORN, time()),
        datetime.combine(BORN, time(13, 5)),
        31078,
        31078.0,
        31078.75,
        "31078",
        "1985-01-31",
        "1985/1/31",
        "31-01-1985",
        "31/01/1985",
        "31/1/1985",
        "31.01.1985",
        "31 01 1985",
        "31 Januari 1985",
        "31  januari  1985",
        "31 JAN 1985",
        "31-Jan-1985",
        "31 January 1985",
        "January 31, 1985",
        "Jan 31 1985",
        "31 Jan. 1985",
        "31-01-1985 00:00:00",
        "1985-01-31T00:00:00",
        "1985-01-31 00:00:00.000",
        "1985-01-31T00:00:00Z",
        " '31-01-1985 ",
        "31\u00a0Januari\u00a01985",
    ],
)
def test_a_date_is_read_in_every_usual_way(cell: Cell) -> None:
    assert read("birth_date", cell) == BORN


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("Jan Januari January", 1),
        ("Feb Peb Februari Pebruari February", 2),
        ("Mar Mrt Maret March", 3),
        ("Apr April", 4),
        ("Mei May", 5),
        ("Jun Juni June", 6),
        ("Jul Juli July", 7),
        ("Agt Ags Agu Agust Agustus Aug August", 8),
        ("Sep Sept September", 9),
        ("Okt Oct Oktober October", 10),
        ("Nov Nop November Nopember", 11),
        ("Des Dec Desember December", 12),
    ],
)
def test_months_go_by_many_names(text: str, month: int) -> None:
    for name in text.split():
        assert read("status_since", f"5 {name} 2020") == date(2020, month, 5)


def test_a_date_is_read_day_first() -> None:
    assert read("birth_date", "03/04/1985") == date(1985, 4, 3)


def test_a_serial_number_counts_from_the_epoch_of_the_workbook() -> None:
    days = (BORN - date(1904, 1, 1)).days
    assert read("birth_date", float(days), date1904=True) == BORN
    assert read("birth_date", 36526) == date(2000, 1, 1)
    assert read("birth_date", 60000.5) == date(2064, 4, 8)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("31 Jan 85", "date_two_digit_year"),
        ("31-01-85", "date_two_digit_year"),
        ("Jan 31, 85", "date_two_digit_year"),
        ("01/31/1985", "date_day_first"),
        ("1985-31-01", "date_day_first"),
        ("31-02-1985", "date_nonexistent"),
        ("29 Februari 1985", "date_nonexistent"),
        ("0000-00-00", "date_nonexistent"),
        ("31 Foo 1985", "date_unreadable"),
        ("31-01-985", "date_unreadable"),
        ("besok", "date_unreadable"),
        ("1985", "date_unreadable"),
        ("٣١-٠١-١٩٨٥", "date_unreadable"),
        ("31-01-0985", "date_out_of_range"),
        (date(1899, 1, 1), "date_out_of_range"),
        (1985, "date_number"),
        (19850131, "date_number"),
        (0, "date_number"),
        (-5.0, "date_number"),
        (float("nan"), "date_number"),
        (float("inf"), "date_number"),
        ("99999", "date_number"),
        (True, "cell_is_boolean"),
        (timedelta(days=3), "cell_is_time"),
        ("", "required"),
        ("-", "required"),
        ("#VALUE!", "formula_error"),
    ],
)
def test_a_date_that_is_unsure_is_refused(cell: Cell, expected: str) -> None:
    assert code("birth_date", cell) == expected


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.sampled_from(["%d-%m-%Y", "%Y-%m-%d"]))
def test_every_written_date_reads_back(day: date, form: str) -> None:
    assert read("birth_date", f"{day:{form}}") == day
    assert read("birth_date", as_text(datetime.combine(day, time()))) == day


# --- Words of the vocabulary


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("sex", ["L", "l", "Laki-laki", "LAKI - LAKI", "Pria", "M", "1", 1, 1.0], Sex.MALE),
        ("sex", ["P", " p ", "Perempuan", "Wanita", "F", "2", 2.0], Sex.FEMALE),
        ("status", ["PNS", "pns", "Pegawai Negeri Sipil"], EmploymentStatus.PNS),
        ("status", ["CPNS", "Calon PNS"], EmploymentStatus.CPNS),
        ("status", ["PPPK", "P3K", "p3k"], EmploymentStatus.PPPK),
        (
            "status",
            ["PPPK Paruh Waktu", "P3K PARUH WAKTU", "pppk_paruh_waktu"],
            EmploymentStatus.PPPK_PARUH_WAKTU,
        ),
        (
            "golongan",
            ["III/a", "III a", "3a", "IIIA", "III-A", "Gol. III/a", "3/A", "iii/A", "Penata Muda",
             "Penata Muda (III/a)", "Penata Muda, III/a", "III/a - Penata Muda"],
            Golongan.III_A,
        ),
        ("golongan", ["Pembina Tk. I (IV/b)", "Pembina Tingkat I", "4b"], Golongan.IV_B),
        ("golongan", ["I/d", "Id", "1d", "Juru Tk.I"], Golongan.I_D),
        ("golongan", ["IX", "9", 9, 9.0, "ix", "Gol. IX", "Golongan IX"], Golongan.PPPK_IX),
        ("golongan", ["V", "5"], Golongan.PPPK_V),
        ("job_kind", ["JPT Pratama", "jpt_pratama", "Struktural eselon II.b", "Eselon II.a"],
         JobKind.JPT_PRATAMA),
        ("job_kind", ["Administrator", "Eselon III.b", "Jabatan Administrator"],
         JobKind.ADMINISTRATOR),
        ("job_kind", ["Pengawas", "Eselon IV.a", "ES. IV A"], JobKind.PENGAWAS),
        ("job_kind", ["JFT", "Fungsional", "Jabatan Fungsional Tertentu"], JobKind.FUNGSIONAL),
        ("job_kind", ["JFU", "Pelaksana", "Fungsional Umum"], JobKind.PELAKSANA),
        ("jenjang", ["Ahli Muda", "muda", "AHLI MUDA", "ahli_muda"], Jenjang.AHLI_MUDA),
        ("jenjang", ["Terampil"], Jenjang.TERAMPIL),
        ("jenjang", ["Mahir", "Pelaksana Lanjutan"], Jenjang.MAHIR),
        ("education_level", ["S-1", "S1", "Sarjana", "S-1/Sarjana", "Strata 1"],
         EducationLevel.S1),
        ("education_level", ["SLTA", "SMK", "SMA/Sederajat", "SLTA Kejuruan"], EducationLevel.SMA),
        ("education_level", ["D-III", "D3", "Diploma III/Sarjana Muda", "Diploma III"],
         EducationLevel.D3),
        ("education_level", ["D-IV", "Diploma IV"], EducationLevel.D4),
        ("education_level", ["S-2", "Magister"], EducationLevel.S2),
        ("education_level", ["S-3/Doktor"], EducationLevel.S3),
    ],
)  # fmt: skip
def test_words_go_by_many_spellings(column: str, cells: list[Cell], expected: object) -> None:
    for cell in cells:
        assert read(column, cell) is expected, cell


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("sex", "X", "sex_unknown"),
        ("sex", 3, "sex_unknown"),
        ("sex", True, "cell_is_boolean"),
        ("status", "Honorer", "status_unknown"),
        ("status", "Aktif", "status_is_kedudukan"),
        ("golongan", "V/a", "golongan_unknown"),
        ("golongan", "III/e", "golongan_unknown"),
        ("golongan", "XVIII", "golongan_unknown"),
        ("golongan", 3.5, "golongan_unknown"),
        ("job_kind", "Struktural", "job_kind_ambiguous"),
        ("job_kind", "JPT", "job_kind_ambiguous"),
        ("job_kind", "Eselon I.b", "job_kind_ambiguous"),
        ("job_kind", "II.b", "job_kind_unknown"),
        ("job_kind", "Direktur", "job_kind_unknown"),
        ("jenjang", "Pelaksana", "jenjang_unknown"),
        ("education_level", "Profesi", "education_level_unknown"),
        ("education_year", "07", "year_invalid"),
        ("education_year", "1939", "year_invalid"),
        ("education_year", 2101, "year_invalid"),
        ("education_year", "٢٠٠٧", "year_invalid"),
        ("education_year", 2007.5, "year_invalid"),
    ],
)
def test_unknown_and_ambiguous_words_are_refused(column: str, cell: Cell, expected: str) -> None:
    assert code(column, cell) == expected


def test_a_year_is_a_whole_number() -> None:
    assert read("education_year", 2007.0) == read("education_year", " 2007 ") == 2007


# --- Contact


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("081234567890", "+6281234567890"),
        ("0812-3456-7890", "+6281234567890"),
        ("(0812) 3456 7890", "+6281234567890"),
        ("+62 812 3456 7890", "+6281234567890"),
        ("6281234567890", "+6281234567890"),
        ("+62 0812 3456 7890", "+6281234567890"),
        ("'081234567890", "+6281234567890"),
        (81234567890, "+6281234567890"),
        (81234567890.0, "+6281234567890"),
        ("81234567890", "+6281234567890"),
        ("(022) 4203456", "+62224203456"),
        ("+60123456789", "+60123456789"),
    ],
)
def test_a_telephone_number_becomes_e164(cell: Cell, number: str) -> None:
    assert read("phone", cell) == number


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (224203456, "phone_ambiguous"),
        ("224203456", "phone_ambiguous"),
        ("0812", "phone_invalid"),
        ("tidak ada", "phone_invalid"),
        ("081234567890 / 081234567891", "phone_invalid"),
        ("0812345678901234567", "phone_invalid"),
        ("+62", "phone_invalid"),
        (1e20, "number_lost_digits"),
        ("٠٨١٢٣٤٥٦٧٨٩٠", "phone_invalid"),
    ],
)
def test_an_unsure_telephone_number_is_refused(cell: Cell, expected: str) -> None:
    assert code("phone", cell) == expected


def test_an_email_is_lowered_and_checked() -> None:
    assert read("email", " Siti.Aminah@Contoh.GO.ID ") == "siti.aminah@contoh.go.id"
    for wrong in ("siti", "siti@", "@contoh.id", "a@b", "a b@c.id", "a@c.id, b@c.id", "a@@c.id"):
        assert code("email", wrong) == "email_invalid"
    assert code("email", "a" * 250 + "@c.id") == "too_long"


# --- Text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  Siti   Aminah ", "Siti Aminah"),
        ("Siti\u00a0Aminah", "Siti Aminah"),
        ("Siti\u200b Aminah\ufeff", "Siti Aminah"),
        ("Siti\nAminah\t", "Siti Aminah"),
        ("Jose\u0301", "Jos\u00e9"),
        ("'Aisyah", "'Aisyah"),
        ("'=Siti", "=Siti"),
    ],
)
def test_text_is_freed_of_stray_marks(cell: str, text: str) -> None:
    assert read("name", cell) == text


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x7f", "\ud800", "\uffff"])
def test_invisible_and_broken_characters_are_refused(character: str) -> None:
    for column in COLUMNS:
        assert code(column.name, f"Siti{character}Aminah") == "control_character"


def test_text_has_a_limit() -> None:
    for column in COLUMNS:
        assert isinstance(read(column.name, "x" * 10_000), Finding)
    assert code("address", "x" * 501) == "too_long"
    assert read("address", "x" * 500) == "x" * 500


def test_a_name_has_letters() -> None:
    assert code("name", "12345") == "name_without_letters"


@pytest.mark.parametrize("cell", ["", None, "-", "\u2013", " ", "\u200b"])
def test_an_empty_cell_is_nothing_or_required(cell: Cell) -> None:
    for column in COLUMNS:
        found = read(column.name, cell)
        if column.required:
            assert isinstance(found, Finding)
            assert found.code == "required"
        else:
            assert found is None


@pytest.mark.parametrize("cell", ["#N/A", "#REF!", "#value!", "#DIV/0!", "#NAME?", "#NUM!"])
def test_a_failed_formula_is_said(cell: str) -> None:
    for column in COLUMNS:
        assert code(column.name, cell) == "formula_error"


def test_a_memo_confuses_no_numbers_with_truth_values() -> None:
    convert = converter(COLUMNS.by_name["education_year"])
    assert isinstance(convert(True), Finding)
    sex = converter(COLUMNS.by_name["sex"])
    assert sex(1) is Sex.MALE
    assert isinstance(sex(True), Finding)
    assert sex(1.0) is Sex.MALE
    assert sex("1") is sex("1") is Sex.MALE


# --- For every cell there is


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.text(),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Nd", "Zs", "Po", "Lu"])),
    st.from_regex(r"\A[\s'+(]*[0-9]{1,18}[-./ ][A-Za-z0-9]{1,9}[-./ ][0-9]{1,5}( [0-9:]+)?\Z"),
    st.from_regex(r"\A[0-9]{1,3}[.,][0-9]{1,15}[eE]\+?[0-9]{1,400}\Z"),
)


@given(cells)
def test_no_cell_breaks_any_column(cell: Cell) -> None:
    for column in COLUMNS:
        for date1904 in (False, True):
            found = read(column.name, cell, date1904=date1904)
            if isinstance(found, Finding):
                assert found.code not in FILE_WORDS
                assert found.detail_id.endswith(".")
                assert found.detail_en.endswith(".")
                (found.shown or "").encode()
            elif isinstance(found, str):
                assert found == found.strip() != ""
                assert found.isprintable()


@given(cells)
def test_any_cell_has_a_text_and_reads_the_same_when_defused(cell: Cell) -> None:
    text = as_text(cell)
    assert defused(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    for column in COLUMNS:
        again = read(column.name, defused(text))
        straight = read(column.name, text)
        if isinstance(straight, Finding):
            assert isinstance(again, Finding)
            assert again.code == straight.code
        else:
            assert again == straight


@given(st.floats(1e15, 1e22))
def test_lost_digits_never_come_back_as_a_valid_number(number: float) -> None:
    for column in ("nip", "nik"):
        assert isinstance(read(column, number), Finding)
        assert isinstance(read(column, as_text(number)), Finding)


# --- The table of columns


def test_each_heading_belongs_to_one_column() -> None:
    owners: dict[str, str] = {}
    for column in COLUMNS:
        for heading in {squeeze(text) for text in (column.header, column.name, *column.aliases)}:
            assert owners.setdefault(heading, column.name) == column.name
            assert COLUMNS.for_heading(heading) is column


def test_each_example_reads() -> None:
    for column in COLUMNS:
        assert not isinstance(read(column.name, column.example), Finding), column.name


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("nipBaru", "nip"),
        ("NIP (wajib)", "nip"),
        ("nama", "name"),
        ("gelarDepan", "title_prefix"),
        ("gelarBelakang", "title_suffix"),
        ("tempatLahir", "birth_place"),
        ("tglLahir", "birth_date"),
        ("jenisKelamin", "sex"),
        ("statusPegawai", "status"),
        ("kedudukan", "status"),
        ("golRuangAkhir", "golongan"),
        ("tmtGolAkhir", "golongan_since"),
        ("jabatanNama", "job_title"),
        ("jenisJabatan", "job_kind"),
        ("tmtJabatan", "job_since"),
        ("unorNama", "unit_name"),
        ("unorId", "unit_code"),
        ("kodeUnor", "unit_code"),
        ("tkPendidikanTerakhir", "education_level"),
        ("pendidikanTerakhirNama", "education_major"),
        ("tahunLulus", "education_year"),
        ("email", "email"),
        ("noHp", "phone"),
        ("NO. HP", "phone"),
        ("nik", "nik"),
        ("alamat", "address"),
    ],
)
def test_headings_of_siasn_are_known(heading: str, name: str) -> None:
    column = COLUMNS.for_heading(heading)
    assert column is not None
    assert column.name == name


def test_every_word_is_a_sentence_in_both_languages() -> None:
    for words in (CELL_WORDS, FILE_WORDS):
        for indonesian, english in words.values():
            assert indonesian.removesuffix("{near}").endswith(".")  # a hint is a sentence too
            assert english.removesuffix("{near}").endswith(".")
