"""The words that files use for the domain's vocabulary, squeezed to letters and digits."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from app.rules.golongan import ladder, pangkat
from app.services.imports.columns import squeeze
from app.vocabulary import EducationLevel, EmploymentStatus, Golongan, Jenjang, JobKind, Sex

W = TypeVar("W", bound=StrEnum)


def _squeezed(words: Mapping[W, str]) -> dict[str, W]:
    """Each word's own value, and each of the synonyms that a comma separates."""
    return {
        squeeze(synonym): word
        for word, synonyms in words.items()
        for synonym in (word.value, *synonyms.split(","))
    }


SEXES: Final = _squeezed(
    {
        Sex.MALE: "L, Laki-laki, Laki, Lk, Pria, M, 1",
        Sex.FEMALE: "P, Perempuan, Pr, Wanita, F, 2",
    }
)

STATUSES: Final = _squeezed(
    {
        EmploymentStatus.CPNS: "CPNS, C, Calon PNS, Calon Pegawai Negeri Sipil",
        EmploymentStatus.PNS: "PNS, Pegawai Negeri Sipil, PNS Daerah, PNSD, PNS Pusat",
        EmploymentStatus.PPPK: "PPPK, P3K, PPPK Penuh Waktu, "
        "Pegawai Pemerintah dengan Perjanjian Kerja",
        EmploymentStatus.PPPK_PARUH_WAKTU: "PPPK Paruh Waktu, P3K Paruh Waktu, PPPK PW, P3K PW, "
        "PPPKPW, Paruh Waktu",
    }
)

# Kedudukan hukum, which SIASN shows beside the status and officers confuse with it.
KEDUDUKAN: Final = frozenset(
    map(squeeze, ("Aktif", "Tidak Aktif", "CLTN", "Tugas Belajar", "Pensiun", "Diberhentikan"))
)

# Eselon to jabatan: UU 5/2014 art. 131. Eselon I may be JPT utama or madya, so it isn't here.
JOB_KINDS: Final = _squeezed(
    {
        JobKind.JPT_UTAMA: "JPT Utama, Jabatan Pimpinan Tinggi Utama, Pimpinan Tinggi Utama",
        JobKind.JPT_MADYA: "JPT Madya, Jabatan Pimpinan Tinggi Madya, Pimpinan Tinggi Madya",
        JobKind.JPT_PRATAMA: "JPT Pratama, Jabatan Pimpinan Tinggi Pratama, JPTP, "
        "Pimpinan Tinggi Pratama",
        JobKind.ADMINISTRATOR: "Administrator, Jabatan Administrator, Pejabat Administrator",
        JobKind.PENGAWAS: "Pengawas, Jabatan Pengawas, Pejabat Pengawas",
        JobKind.FUNGSIONAL: "Fungsional, JF, JFT, Jabatan Fungsional, Fungsional Tertentu, "
        "Jabatan Fungsional Tertentu, Jabatan Fungsional (JFT)",
        JobKind.PELAKSANA: "Pelaksana, JFU, Jabatan Pelaksana, Fungsional Umum, "
        "Jabatan Fungsional Umum, Pejabat Pelaksana",
    }
) | {
    prefix + eselon: kind
    for kind, eselons in {
        JobKind.JPT_PRATAMA: ("ii", "iia", "iib", "2", "2a", "2b"),
        JobKind.ADMINISTRATOR: ("iii", "iiia", "iiib", "3", "3a", "3b"),
        JobKind.PENGAWAS: ("iv", "iva", "ivb", "4", "4a", "4b"),
        JobKind.PELAKSANA: ("v", "va", "5", "5a"),
    }.items()
    for eselon in eselons
    for prefix in (
        "eselon",
        "es",
        "struktural",
        "strukturaleselon",
        "jabatanstruktural",
        "jabatanstrukturaleselon",
    )
}

AMBIGUOUS_JOB_KINDS: Final = frozenset(
    map(
        squeeze,
        (
            "Struktural",
            "Jabatan Struktural",
            "JPT",
            "Jabatan Pimpinan Tinggi",
            "Administrasi",
            "Jabatan Administrasi",
            "Manajerial",
            "Jabatan Manajerial",
            "Eselon I",
            "Eselon I.a",
            "Eselon I.b",
            "Struktural Eselon I",
            "Struktural Eselon I.a",
            "Struktural Eselon I.b",
        ),
    )
)

JENJANG: Final = _squeezed(
    {
        Jenjang.AHLI_PERTAMA: "Ahli Pertama, Pertama, Jenjang Ahli Pertama",
        Jenjang.AHLI_MUDA: "Ahli Muda, Muda, Jenjang Ahli Muda",
        Jenjang.AHLI_MADYA: "Ahli Madya, Madya, Jenjang Ahli Madya",
        Jenjang.AHLI_UTAMA: "Ahli Utama, Utama, Jenjang Ahli Utama",
        Jenjang.PEMULA: "Pemula, Pelaksana Pemula, Jenjang Pemula",
        Jenjang.TERAMPIL: "Terampil, Jenjang Terampil",
        Jenjang.MAHIR: "Mahir, Pelaksana Lanjutan, Jenjang Mahir",
        Jenjang.PENYELIA: "Penyelia, Jenjang Penyelia",
    }
)

# Only these ends of a position's name tell its jenjang beyond doubt (PermenPANRB 13/2019).
JENJANG_ENDINGS: Final = {jenjang.value.replace("_", " "): jenjang for jenjang in Jenjang}

# Without MA (madrasah or master) and ST (school or degree), which mean two things.
EDUCATION_LEVELS: Final = _squeezed(
    {
        EducationLevel.SD: "SD, Sekolah Dasar, Madrasah Ibtidaiyah, Paket A, SD/Sederajat, SDLB",
        EducationLevel.SMP: "SMP, SLTP, MTs, Paket B, SLTP Kejuruan, SMP/Sederajat, "
        "SLTP/Sederajat, Sekolah Menengah Pertama, SLTP/SMP",
        EducationLevel.SMA: "SMA, SLTA, SMU, SMK, Madrasah Aliyah, STM, SMEA, SPG, SPK, Paket C, "
        "SMA/SMK, SLTA Kejuruan, SLTA Keguruan, SMA/Sederajat, SLTA/Sederajat, SLTA/SMA, SLTA/SMK, "
        "Sekolah Menengah Atas, Sekolah Menengah Kejuruan, SMA/SMK/Sederajat",
        EducationLevel.D1: "D1, DI, Diploma I, Diploma 1",
        EducationLevel.D2: "D2, DII, Diploma II, Diploma 2",
        EducationLevel.D3: "D3, DIII, Diploma III, Diploma 3, Sarjana Muda, "
        "Diploma III/Sarjana Muda, D-III/Sarjana Muda, Ahli Madya",
        EducationLevel.D4: "D4, DIV, Diploma IV, Diploma 4, Sarjana Terapan",
        EducationLevel.S1: "S1, Sarjana, Strata 1, Strata I, Strata Satu, S-1/Sarjana, SI, "
        "Strata 1 (S1), Sarjana (S1)",
        EducationLevel.S2: "S2, Magister, Master, Strata 2, Strata II, Strata Dua, SII, "
        "S-2/Magister, Magister (S2)",
        EducationLevel.S3: "S3, Doktor, Strata 3, Strata III, Strata Tiga, SIII, S-3/Doktor, "
        "Doktor (S3)",
    }
)

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari pebruari february feb peb",
            "maret march mar mrt",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "agustus august aug agt agu agust ags",
            "september sept sep",
            "oktober october okt oct",
            "november nopember nov nop",
            "desember december des dec",
        ),
        start=1,
    )
    for name in names.split()
}

# The names of the levels of mastery (PermenPANRB 38/2017).
LEVELS: Final = {
    squeeze(name): level
    for level, names in enumerate(
        (
            "Paham, Awareness",
            "Dasar, Basic",
            "Menengah, Intermediate",
            "Mumpuni, Advanced",
            "Ahli, Expert",
        ),
        start=1,
    )
    for name in names.split(",")
}

FORMULA_ERRORS: Final = frozenset(
    (
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
        "#FIELD!",
        "#ERROR!",
    )
)


def _golongan_words() -> dict[str, Golongan]:
    """`III/a`, `3a`, `Gol. III/a`, `Penata Muda`, `Penata Muda (III/a)`; `IX`, `9`, `Gol. IX`."""
    words: dict[str, Golongan] = {}
    romans = [str(grade) for grade in ladder(Golongan.PPPK_I)]
    for golongan in Golongan:
        roman, _, letter = golongan.value.lower().partition("/")
        arabic = str(romans.index(roman.upper()) + 1)
        for code in (roman + letter, arabic + letter):
            words |= dict.fromkeys((code, "gol" + code, "golongan" + code), golongan)
    for golongan in Golongan:
        rank = pangkat(golongan, date.max)
        if rank is not None:
            code = squeeze(golongan)
            for name in {
                squeeze(rank.value.replace("Tingkat I", tingkat))
                for tingkat in ("Tingkat I", "Tk. I", "Tk. 1", "Tingkat 1")
            }:
                words |= dict.fromkeys((name, name + code, code + name), golongan)
    return words


GOLONGAN: Final = _golongan_words()
