"""What the people of the demo government studied, and the titles that it gives them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from app.demo.organisation import Position
from app.vocabulary import EducationLevel, Jenjang, JobKind, Sex


class Degree(NamedTuple):
    """A field of study with its titles; `former` is the prefix that it once gave."""

    major: str
    suffix: str = ""
    prefix: str = ""
    former: str = ""


class Student(NamedTuple):
    """What decides a person's studies; `entered` is the year of entering service."""

    position: Position
    start: EducationLevel
    sex: Sex
    birth_year: int
    entered: int
    this_year: int


class Education(NamedTuple):
    """One finished education."""

    level: EducationLevel
    major: str
    institution: str
    year: int


class Studied(NamedTuple):
    """Educations, oldest first, and the titles before and after the name."""

    educations: tuple[Education, ...]
    title_prefix: str | None
    title_suffix: str | None


_L: Final = EducationLevel
_FORMER_UNTIL: Final = 1992

AGE_AT_GRADUATION: Final = {
    _L.SMA: 18, _L.D3: 21, _L.D4: 22, _L.S1: 22, _L.S2: 25,
}  # fmt: skip

_SCHOOL: Final = (
    Degree("Ilmu Pengetahuan Alam"),
    Degree("Ilmu Pengetahuan Sosial"),
    Degree("Akuntansi"),
    Degree("Administrasi Perkantoran"),
    Degree("Teknik Komputer dan Jaringan"),
)
_GENERAL: Final[Mapping[EducationLevel, Sequence[Degree]]] = {
    _L.SMA: _SCHOOL,
    _L.D3: (
        Degree("Akuntansi", "A.Md.Ak."),
        Degree("Administrasi Publik", "A.Md.A.P."),
        Degree("Manajemen Informatika", "A.Md.Kom."),
        Degree("Kearsipan", "A.Md."),
    ),
    _L.D4: (Degree("Ilmu Pemerintahan", "S.STP."), Degree("Manajemen Pemerintahan", "S.Tr.I.P.")),
    _L.S1: (
        Degree("Administrasi Negara", "S.Sos.", former="Drs."),
        Degree("Ilmu Pemerintahan", "S.I.P.", former="Drs."),
        Degree("Ilmu Hukum", "S.H."),
        Degree("Ekonomi Pembangunan", "S.E."),
        Degree("Manajemen", "S.E."),
        Degree("Ilmu Komunikasi", "S.I.Kom.", former="Drs."),
        Degree("Teknik Sipil", "S.T.", former="Ir."),
        Degree("Psikologi", "S.Psi.", former="Drs."),
    ),
    _L.S2: (
        Degree("Administrasi Publik", "M.A.P."),
        Degree("Ilmu Administrasi", "M.Si."),
        Degree("Manajemen", "M.M."),
        Degree("Ilmu Hukum", "M.H."),
    ),
}


def _field(*degrees: tuple[EducationLevel, Degree]) -> dict[EducationLevel, tuple[Degree, ...]]:
    levels = dict.fromkeys(level for level, _ in degrees)
    return {wanted: tuple(d for level, d in degrees if level is wanted) for wanted in levels}


_TEACHER: Final = _field(
    *(
        (_L.S1, Degree(major, "S.Pd.", former="Drs."))
        for major in (
            "Pendidikan Guru Sekolah Dasar",
            "Pendidikan Matematika",
            "Pendidikan Bahasa Indonesia",
            "Pendidikan Bahasa Inggris",
            "Pendidikan Ilmu Pengetahuan Alam",
            "Pendidikan Ilmu Pengetahuan Sosial",
            "Pendidikan Jasmani",
        )
    ),
    (_L.S2, Degree("Manajemen Pendidikan", "M.Pd.")),
)
_DIGITAL: Final = _field(
    (_L.D3, Degree("Teknik Informatika", "A.Md.Kom.")),
    (_L.S1, Degree("Teknik Informatika", "S.Kom.")),
    (_L.S1, Degree("Sistem Informasi", "S.Kom.")),
    (_L.S2, Degree("Ilmu Komputer", "M.Kom.")),
)
_BUILDING: Final = _field(
    (_L.S1, Degree("Teknik Sipil", "S.T.", former="Ir.")),
    (_L.S1, Degree("Perencanaan Wilayah dan Kota", "S.T.", former="Ir.")),
    (_L.S2, Degree("Teknik Sipil", "M.T.")),
)
_FARMING: Final = _field(
    (_L.S1, Degree("Agronomi", "S.P.", former="Ir.")),
    (_L.S1, Degree("Agribisnis", "S.P.", former="Ir.")),
    (_L.S2, Degree("Ilmu Pertanian", "M.P.")),
)
_ACCOUNTING: Final = _field(
    (_L.S1, Degree("Akuntansi", "S.E.")),
    (_L.S1, Degree("Akuntansi", "S.Ak.")),
    (_L.S2, Degree("Akuntansi", "M.Ak.")),
)
_NURSE: Final = _field(
    (_L.D3, Degree("Keperawatan", "A.Md.Kep.")),
    (_L.S1, Degree("Profesi Ners", "S.Kep., Ners")),
    (_L.S2, Degree("Keperawatan", "M.Kep.")),
)
_MIDWIFE: Final = _field(
    (_L.D3, Degree("Kebidanan", "A.Md.Keb.")),
    (_L.D4, Degree("Kebidanan", "S.Tr.Keb.")),
    (_L.S2, Degree("Kebidanan", "M.Keb.")),
)
_FIELDS: Final[Mapping[str, Mapping[EducationLevel, Sequence[Degree]]]] = {
    "Guru": _TEACHER,
    "Perawat": _NURSE,
    "Bidan": _MIDWIFE,
    "Dokter": _field(
        (_L.S1, Degree("Profesi Dokter", prefix="dr.")),
        (_L.S2, Degree("Kesehatan Masyarakat", "M.K.M.")),
    ),
    "Dokter Gigi": _field(
        (_L.S1, Degree("Profesi Dokter Gigi", prefix="drg.")),
        (_L.S2, Degree("Kesehatan Masyarakat", "M.K.M.")),
    ),
    "Apoteker": _field(
        (_L.S1, Degree("Profesi Apoteker", "S.Farm., Apt.")),
        (_L.S2, Degree("Farmasi", "M.Farm.")),
    ),
    "Nutrisionis": _field((_L.D3, Degree("Gizi", "A.Md.Gz."))),
    "Tenaga Sanitasi Lingkungan": _field((_L.D3, Degree("Kesehatan Lingkungan", "A.Md.Kes."))),
    "Pranata Laboratorium Kesehatan": _field(
        (_L.D3, Degree("Teknologi Laboratorium Medis", "A.Md.Kes."))
    ),
    "Administrator Kesehatan": _field(
        (_L.S1, Degree("Kesehatan Masyarakat", "S.K.M.")),
        (_L.S2, Degree("Kesehatan Masyarakat", "M.K.M.")),
    ),
    "Epidemiolog Kesehatan": _field(
        (_L.S1, Degree("Epidemiologi", "S.K.M.")),
        (_L.S2, Degree("Epidemiologi", "M.Epid.")),
    ),
    "Medik Veteriner": _field(
        (_L.S1, Degree("Profesi Dokter Hewan", prefix="drh.")),
        (_L.S2, Degree("Sains Veteriner", "M.Si.")),
    ),
    "Perancang Peraturan Perundang-undangan": _field(
        (_L.S1, Degree("Ilmu Hukum", "S.H.")), (_L.S2, Degree("Ilmu Hukum", "M.H."))
    ),
    "Statistisi": _field(
        (_L.S1, Degree("Statistika", "S.Stat.")), (_L.S2, Degree("Statistika", "M.Stat."))
    ),
    "Analis Keuangan Pusat dan Daerah": _ACCOUNTING,
    "Auditor": _ACCOUNTING,
    "Pranata Komputer": _DIGITAL,
    "Pengembang Teknologi Pembelajaran": _DIGITAL,
    "Teknik Jalan dan Jembatan": _BUILDING,
    "Teknik Pengairan": _BUILDING,
    "Teknik Tata Bangunan dan Perumahan": _BUILDING,
    "Penata Ruang": _BUILDING,
    "Penyuluh Pertanian": _FARMING,
    "Pengawas Benih Tanaman": _FARMING,
}

_SKILLED: Final = (Jenjang.TERAMPIL, Jenjang.MAHIR, Jenjang.PENYELIA)
_BY_CLASS: Final = {5: _L.SMA, 6: _L.D3, 7: _L.S1}
_D4_AMONG_LEADERS: Final = 0.2
_S2_AT_START: Final = 0.05
# Chance of a master's degree earned in service.
_S2_LATER: Final = {
    JobKind.JPT_PRATAMA: 0.85,
    JobKind.ADMINISTRATOR: 0.6,
    JobKind.PENGAWAS: 0.3,
    JobKind.FUNGSIONAL: 0.12,
    JobKind.PELAKSANA: 0.03,
}


def starting_level(rng: Random, position: Position) -> EducationLevel:
    """The education with which a holder of this position entered service."""
    if position.jenjang is Jenjang.PEMULA:
        return _L.SMA
    if position.jenjang in _SKILLED:
        return _L.D3
    if position.kind is JobKind.PELAKSANA:
        return _BY_CLASS[position.job_class]
    levels = _FIELDS.get(position.stem, _GENERAL)
    if _L.S1 not in levels:
        return _L.D4
    if position.kind is not JobKind.FUNGSIONAL:
        return _L.D4 if rng.random() < _D4_AMONG_LEADERS else _L.S1
    return _L.S2 if rng.random() < _S2_AT_START else _L.S1


def studied(rng: Random, student: Student) -> Studied:
    """Everything that someone studied, with the titles that it gives."""
    fields = _FIELDS.get(student.position.stem, _GENERAL)
    found: list[Education] = []
    prefixes: list[str] = []
    suffixes: list[str] = []
    for level, year in _years(rng, student).items():
        degree = rng.choice(fields.get(level) or _GENERAL[level])
        found.append(Education(level, degree.major, _institution(rng, level), year))
        if degree.former and year <= _FORMER_UNTIL:
            woman = student.sex is Sex.FEMALE
            prefixes.append(degree.former.replace("Drs.", "Dra.") if woman else degree.former)
        else:
            prefixes.append(degree.prefix)
            suffixes.append(degree.suffix)
    return Studied(
        tuple(found),
        " ".join(filter(None, prefixes)) or None,
        ", ".join(filter(None, suffixes)) or None,
    )


def _years(rng: Random, student: Student) -> dict[EducationLevel, int]:
    """The levels that someone went through, lowest first, with the year of graduation."""
    start = student.start
    path = {_L.SMA, _L.S1 if start is _L.S2 else start, start}
    years = {
        level: min(student.birth_year + age, student.entered)
        for level, age in AGE_AT_GRADUATION.items()
        if level in path
    }
    if start in (_L.S1, _L.D4) and rng.random() < _S2_LATER[student.position.kind]:
        earliest = student.entered + 3
        if earliest < student.this_year:
            years[_L.S2] = rng.randrange(earliest, min(earliest + 12, student.this_year))
    return years


def _institution(rng: Random, level: EducationLevel) -> str:
    """An invented school, so that no real one is spoken of."""
    if level is _L.SMA:
        return f"SMA Negeri {rng.randrange(1, 9)} Kemuning"
    if level is _L.D3:
        return rng.choice(("Politeknik Kemuning", "Politeknik Nusa Lestari"))
    return rng.choice(
        ("Universitas Kemuning", "Universitas Bumi Lestari", "Universitas Cendana Raya")
    )
