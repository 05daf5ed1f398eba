"""The columns of the employee import: what they're called, and what may stand in them."""

import re
from collections.abc import Mapping
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
    """One column that the import knows.

    `aliases` are headings of SIASN and of daily practice; case, spaces and punctuation
    don't matter. `max_length` counts characters of free text.
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


COLUMNS: Final = (
    Column(
        "nip",
        "NIP",
        ("nip baru", "nip/ni pppk", "nip/nipppk", "ni pppk", "nomor induk pegawai", "nip pegawai"),
        "NIP (PNS, CPNS) atau NI PPPK, 18 angka. Format kolom harus Teks, bukan Angka.",
        "NIP (PNS, CPNS) or NI PPPK, 18 digits. The column must be formatted as Text.",
        "198501312010011001",
        required=True,
        shown=Shown.MASKED,
    ),
    Column(
        "name",
        "Nama",
        ("nama lengkap", "nama pegawai", "nama tanpa gelar"),
        "Nama tanpa gelar.",
        "Name without titles.",
        "Siti Aminah",
        required=True,
        shown=Shown.NEVER,
    ),
    Column(
        "title_prefix",
        "Gelar depan",
        ("gelardepan", "gelar dpn"),
        "Gelar di depan nama.",
        "Titles before the name.",
        "Dr.",
        max_length=60,
    ),
    Column(
        "title_suffix",
        "Gelar belakang",
        ("gelarbelakang", "gelar blk"),
        "Gelar di belakang nama.",
        "Titles after the name.",
        "S.Sos., M.Si.",
        max_length=100,
    ),
    Column(
        "birth_place",
        "Tempat lahir",
        ("tempat lahir nama", "tmp lahir", "tmpt lahir"),
        "Kabupaten atau kota kelahiran.",
        "Town of birth.",
        "Bandung",
        max_length=100,
    ),
    Column(
        "birth_date",
        "Tanggal lahir",
        ("tgl lahir", "tgllahir", "tanggal lahir pegawai"),
        "Tanggal lahir, hari dulu: 31-01-1985 atau 31 Januari 1985.",
        "Date of birth, day first: 31-01-1985 or 31 Januari 1985.",
        "31-01-1985",
        required=True,
        shown=Shown.MASKED,
    ),
    Column(
        "sex",
        "Jenis kelamin",
        ("jeniskelamin", "jk", "l/p", "kelamin", "gender"),
        "L (laki-laki) atau P (perempuan).",
        "L (male) or P (female).",
        "P",
        required=True,
    ),
    Column(
        "status",
        "Status pegawai",
        ("status kepegawaian", "kedudukan", "status cpns pns", "status asn", "status"),
        "CPNS, PNS, PPPK, atau PPPK Paruh Waktu.",
        "CPNS, PNS, PPPK or PPPK Paruh Waktu.",
        "PNS",
        required=True,
    ),
    Column(
        "status_since",
        "TMT status",
        ("tmt", "tmt pegawai", "tmt status pegawai"),
        "Tanggal mulai berlakunya status pegawai.",
        "Day from which the status holds.",
        "01-03-2011",
    ),
    Column(
        "golongan",
        "Golongan",
        (
            "gol ruang akhir",
            "golruangakhir",
            "golongan ruang",
            "gol ruang",
            "gol",
            "gol akhir nama",
            "golongan akhir",
            "pangkat/golongan",
            "pangkat golongan ruang",
            "pangkat gol ruang",
        ),
        "I/a sampai IV/e untuk PNS dan CPNS; I sampai XVII untuk PPPK.",
        "I/a to IV/e for PNS and CPNS; I to XVII for PPPK.",
        "III/b",
    ),
    Column(
        "golongan_since",
        "TMT golongan",
        ("tmt gol akhir", "tmtgolakhir", "tmt gol", "tmt golongan ruang", "tmt pangkat"),
        "Tanggal mulai berlakunya golongan.",
        "Day from which the golongan holds.",
        "01-04-2020",
    ),
    Column(
        "job_title",
        "Nama jabatan",
        ("jabatan nama", "jabatannama", "jabatan"),
        "Nama jabatan lengkap, misalnya Kepala Bidang Mutasi.",
        "Full name of the position, such as Kepala Bidang Mutasi.",
        "Analis SDM Aparatur Ahli Muda",
    ),
    Column(
        "job_kind",
        "Jenis jabatan",
        ("jenisjabatan", "jenis jabatan nama", "jenis jab"),
        "JPT Pratama, Administrator, Pengawas, Fungsional, atau Pelaksana.",
        "JPT Pratama, Administrator, Pengawas, Fungsional or Pelaksana.",
        "Fungsional",
    ),
    Column(
        "jenjang",
        "Jenjang",
        ("jenjang jabatan", "jenjang fungsional", "jenjang jf"),
        "Jenjang jabatan fungsional, misalnya Ahli Muda atau Terampil. Boleh kosong bila nama "
        "jabatan sudah menyebutnya.",
        "Level of a jabatan fungsional, such as Ahli Muda or Terampil. May stay empty where the "
        "position's name ends with it.",
        "Ahli Muda",
    ),
    Column(
        "job_since",
        "TMT jabatan",
        ("tmtjabatan", "tmt jab"),
        "Tanggal mulai memangku jabatan.",
        "Day from which the position is held.",
        "02-01-2022",
    ),
    Column(
        "unit_code",
        "Kode unit",
        ("kode unit kerja", "kode unor", "unor id", "unorid", "id unor", "kode opd"),
        "Kode unit organisasi. Isi kode atau nama unit.",
        "Code of the unit. Fill in the code or the name.",
        "BKPSDM",
        max_length=64,
    ),
    Column(
        "unit_name",
        "Nama unit",
        ("unor nama", "unornama", "nama unor", "unit kerja", "unor", "opd", "nama unit kerja"),
        "Nama unit organisasi. Isi kode atau nama unit.",
        "Name of the unit. Fill in the code or the name.",
        "Badan Kepegawaian dan Pengembangan SDM",
        max_length=300,
    ),
    Column(
        "education_level",
        "Tingkat pendidikan",
        (
            "tk pendidikan terakhir",
            "tkpendidikanterakhir",
            "tingkat pendidikan nama",
            "tingkat pendidikan terakhir",
            "pendidikan terakhir",
            "pendidikan",
        ),
        "SD, SMP, SMA, D1 sampai D4, S1, S2, atau S3.",
        "SD, SMP, SMA, D1 to D4, S1, S2 or S3.",
        "S1",
    ),
    Column(
        "education_major",
        "Program studi",
        ("pendidikan terakhir nama", "pendidikan nama", "jurusan", "prodi", "nama pendidikan"),
        "Program studi atau jurusan.",
        "Field of study.",
        "Administrasi Negara",
    ),
    Column(
        "education_year",
        "Tahun lulus",
        ("tahunlulus", "thn lulus", "tahun kelulusan"),
        "Tahun lulus, empat angka.",
        "Year of graduation, four digits.",
        "2007",
    ),
    Column(
        "email",
        "Email",
        ("surel", "e-mail", "alamat email"),
        "Alamat surel.",
        "E-mail address.",
        "siti.aminah@example.go.id",
        max_length=254,
        shown=Shown.NEVER,
    ),
    Column(
        "phone",
        "Nomor HP",
        ("nohp", "no. hp", "hp", "nomor telepon", "no telp", "telepon", "nomor hp pegawai"),
        "Nomor telepon, dimulai 08 atau +62. Format kolom harus Teks.",
        "Telephone number, starting with 08 or +62. The column must be formatted as Text.",
        "081234567890",
        shown=Shown.MASKED,
    ),
    Column(
        "nik",
        "NIK",
        ("nomor induk kependudukan", "no ktp", "nomor ktp", "no. nik"),
        "Nomor induk kependudukan, 16 angka. Format kolom harus Teks.",
        "National identity number, 16 digits. The column must be formatted as Text.",
        "3204017101850001",
        shown=Shown.NEVER,
    ),
    Column(
        "address",
        "Alamat",
        ("alamat rumah", "alamat tinggal", "alamat domisili"),
        "Alamat tempat tinggal.",
        "Home address.",
        "Jalan Melati Nomor 5",
        max_length=500,
        shown=Shown.NEVER,
    ),
)

BY_NAME: Final[Mapping[str, Column]] = {column.name: column for column in COLUMNS}

ERROR_HEADER: Final = "KESALAHAN"
"""Heading of the words that the error file adds; the reader skips it without a warning."""

# Of these at least one must be there, as a column and in each row.
UNIT_COLUMNS: Final = ("unit_code", "unit_name")

_PARENTHESES = re.compile(r"\([^)]*\)")


def squeeze(text: str) -> str:
    """The letters and digits of a text, without case: how headings and words are compared."""
    return "".join(filter(str.isalnum, text.casefold()))


def code_key(text: str) -> str:
    """A code without case and spaces. Its marks stay: KEC10.1 is another unit than KEC101."""
    return "".join(text.casefold().split())


_BY_HEADER: Final[Mapping[str, Column]] = {
    squeeze(heading): column
    for column in COLUMNS
    for heading in (column.name, column.header, *column.aliases)
}


def column_for(heading: str) -> Column | None:
    """The column that a heading stands for, None for a stranger. `NIP (wajib)` is `NIP`."""
    exact = _BY_HEADER.get(squeeze(heading))
    return exact or _BY_HEADER.get(squeeze(_PARENTHESES.sub("", heading)))
