"""What the demo government is made of: its agencies, their divisions, and the jobs there."""

from typing import Final, NamedTuple

from app.vocabulary import Jenjang, JobKind, UnitKind


class Division(NamedTuple):
    """A bidang or bagian by its name, with the fungsional who work there."""

    name: str
    functional: str


class Agency(NamedTuple):
    """A dinas or badan: code, full name, and divisions, the most needed first."""

    code: str
    name: str
    kind: UnitKind
    divisions: tuple[Division, ...]


class Task(NamedTuple):
    """A piece of work for the workload analysis, in minutes for one."""

    name: str
    minutes: int


def _agency(kind: UnitKind, code: str, name: str, *divisions: tuple[str, str]) -> Agency:
    return Agency(code, name, kind, tuple(Division(*division) for division in divisions))


_D: Final = UnitKind.DINAS
_B: Final = UnitKind.BADAN

DINAS: Final = (
    _agency(
        _D,
        "DISDIK",
        "Dinas Pendidikan",
        ("Pembinaan Sekolah Dasar", "Analis Kebijakan"),
        ("Pembinaan Sekolah Menengah Pertama", "Pengembang Teknologi Pembelajaran"),
        ("Pembinaan PAUD dan Pendidikan Nonformal", "Pamong Belajar"),
        ("Pembinaan Guru dan Tenaga Kependidikan", "Analis SDM Aparatur"),
    ),
    _agency(
        _D,
        "DINKES",
        "Dinas Kesehatan",
        ("Pelayanan Kesehatan", "Administrator Kesehatan"),
        ("Pencegahan dan Pengendalian Penyakit", "Epidemiolog Kesehatan"),
        ("Kesehatan Masyarakat", "Administrator Kesehatan"),
        ("Sumber Daya Kesehatan", "Perencana"),
    ),
    _agency(
        _D,
        "DPUPR",
        "Dinas Pekerjaan Umum dan Penataan Ruang",
        ("Bina Marga", "Teknik Jalan dan Jembatan"),
        ("Cipta Karya", "Teknik Tata Bangunan dan Perumahan"),
        ("Sumber Daya Air", "Teknik Pengairan"),
        ("Tata Ruang", "Penata Ruang"),
    ),
    _agency(
        _D,
        "DINSOS",
        "Dinas Sosial",
        ("Rehabilitasi Sosial", "Pekerja Sosial"),
        ("Perlindungan dan Jaminan Sosial", "Penyuluh Sosial"),
        ("Pemberdayaan Sosial", "Penyuluh Sosial"),
    ),
    _agency(
        _D,
        "DISDUKCAPIL",
        "Dinas Kependudukan dan Pencatatan Sipil",
        ("Pelayanan Pendaftaran Penduduk", "Administrator Database Kependudukan"),
        ("Pelayanan Pencatatan Sipil", "Administrator Database Kependudukan"),
        ("Pengelolaan Informasi Administrasi Kependudukan", "Pranata Komputer"),
    ),
    _agency(
        _D,
        "DISKOMINFO",
        "Dinas Komunikasi dan Informatika",
        ("Penyelenggaraan Pemerintahan Digital", "Pranata Komputer"),
        ("Informasi dan Komunikasi Publik", "Pranata Hubungan Masyarakat"),
        ("Statistik dan Persandian", "Statistisi"),
    ),
    _agency(
        _D,
        "DISHUB",
        "Dinas Perhubungan",
        ("Lalu Lintas", "Analis Kebijakan"),
        ("Angkutan", "Analis Kebijakan"),
        ("Prasarana Perhubungan", "Perencana"),
    ),
    _agency(
        _D,
        "DISTAN",
        "Dinas Pertanian",
        ("Tanaman Pangan dan Hortikultura", "Penyuluh Pertanian"),
        ("Peternakan dan Kesehatan Hewan", "Medik Veteriner"),
        ("Perkebunan", "Pengawas Benih Tanaman"),
        ("Prasarana dan Penyuluhan Pertanian", "Penyuluh Pertanian"),
    ),
    _agency(
        _D,
        "DLH",
        "Dinas Lingkungan Hidup",
        ("Tata Lingkungan", "Pengendali Dampak Lingkungan"),
        ("Pengelolaan Sampah dan Limbah", "Pengendali Dampak Lingkungan"),
        ("Penaatan Lingkungan", "Pengawas Lingkungan Hidup"),
    ),
    _agency(
        _D,
        "DISPAR",
        "Dinas Pariwisata",
        ("Destinasi Pariwisata", "Adyatama Kepariwisataan dan Ekonomi Kreatif"),
        ("Pemasaran Pariwisata", "Adyatama Kepariwisataan dan Ekonomi Kreatif"),
        ("Ekonomi Kreatif", "Adyatama Kepariwisataan dan Ekonomi Kreatif"),
    ),
    _agency(
        _D,
        "DISNAKER",
        "Dinas Tenaga Kerja",
        ("Penempatan Tenaga Kerja", "Pengantar Kerja"),
        ("Hubungan Industrial", "Mediator Hubungan Industrial"),
        ("Pelatihan dan Produktivitas Kerja", "Instruktur"),
    ),
)

# These two became one: their divisions live on in it.
MERGED: Final = (
    _agency(
        _D,
        "DISKOPUKM",
        "Dinas Koperasi dan Usaha Kecil dan Menengah",
        ("Kelembagaan Koperasi", "Pengawas Koperasi"),
        ("Pemberdayaan Usaha Kecil dan Menengah", "Pengembang Kewirausahaan"),
    ),
    _agency(
        _D,
        "DISPERINDAG",
        "Dinas Perindustrian dan Perdagangan",
        ("Perindustrian", "Penyuluh Perindustrian dan Perdagangan"),
        ("Perdagangan", "Analis Perdagangan"),
    ),
)
MERGED_INTO: Final = _agency(
    _D,
    "DISKOPERINDAG",
    "Dinas Koperasi, Usaha Kecil dan Menengah, Perindustrian dan Perdagangan",
)

BKPSDM_BEFORE: Final = "Badan Kepegawaian Daerah"
BADAN: Final = (
    _agency(
        _B,
        "BKPSDM",
        "Badan Kepegawaian dan Pengembangan Sumber Daya Manusia",
        ("Mutasi dan Promosi", "Analis SDM Aparatur"),
        ("Pengembangan Kompetensi Aparatur", "Analis SDM Aparatur"),
        ("Pengadaan, Pemberhentian, dan Informasi Kepegawaian", "Pranata Komputer"),
        ("Penilaian Kinerja dan Penghargaan", "Asesor SDM Aparatur"),
    ),
    _agency(
        _B,
        "BAPPEDA",
        "Badan Perencanaan Pembangunan Daerah",
        ("Perencanaan, Pengendalian, dan Evaluasi Pembangunan", "Perencana"),
        ("Perekonomian dan Infrastruktur Wilayah", "Perencana"),
        ("Pemerintahan dan Pembangunan Manusia", "Perencana"),
        ("Penelitian dan Pengembangan", "Analis Kebijakan"),
    ),
    _agency(
        _B,
        "BPKAD",
        "Badan Pengelolaan Keuangan dan Aset Daerah",
        ("Anggaran", "Analis Keuangan Pusat dan Daerah"),
        ("Perbendaharaan", "Analis Keuangan Pusat dan Daerah"),
        ("Akuntansi dan Pelaporan", "Analis Keuangan Pusat dan Daerah"),
        ("Pengelolaan Barang Milik Daerah", "Analis Kebijakan"),
    ),
    _agency(
        _B,
        "BPBD",
        "Badan Penanggulangan Bencana Daerah",
        ("Pencegahan dan Kesiapsiagaan", "Analis Kebencanaan"),
        ("Kedaruratan dan Logistik", "Analis Kebencanaan"),
        ("Rehabilitasi dan Rekonstruksi", "Analis Kebencanaan"),
    ),
)

ASISTEN: Final = (
    "Asisten Pemerintahan dan Kesejahteraan Rakyat",
    "Asisten Perekonomian dan Pembangunan",
    "Asisten Administrasi Umum",
)
BAGIAN: Final = (
    Division("Tata Pemerintahan", "Analis Kebijakan"),
    Division("Hukum", "Perancang Peraturan Perundang-undangan"),
    Division("Kesejahteraan Rakyat", "Analis Kebijakan"),
    Division("Pengadaan Barang dan Jasa", "Pengelola Pengadaan Barang/Jasa"),
    Division("Organisasi", "Analis SDM Aparatur"),
    Division("Umum", "Arsiparis"),
)
SETWAN_BAGIAN: Final = (
    Division("Persidangan dan Perundang-undangan", "Perancang Peraturan Perundang-undangan"),
    Division("Umum dan Keuangan Sekretariat DPRD", "Analis Kebijakan"),
)
SEKSI: Final = ("Perencanaan Teknis", "Pelaksanaan", "Evaluasi dan Pelaporan")
SEKSI_KECAMATAN: Final = (
    "Pemerintahan",
    "Ketenteraman dan Ketertiban Umum",
    "Pemberdayaan Masyarakat",
    "Kesejahteraan Sosial",
)


class Job(NamedTuple):
    """A kind of position: title without jenjang, and its weight among those of its place."""

    title: str
    kind: JobKind
    jenjang: Jenjang | None
    job_class: int
    weight: int = 1


# Kelas jabatan by jenjang; structural ones are given with their positions.
_CLASS: Final = {
    Jenjang.PEMULA: 5,
    Jenjang.TERAMPIL: 6,
    Jenjang.MAHIR: 7,
    Jenjang.PENYELIA: 8,
    Jenjang.AHLI_PERTAMA: 8,
    Jenjang.AHLI_MUDA: 9,
    Jenjang.AHLI_MADYA: 11,
    Jenjang.AHLI_UTAMA: 13,
}


def functional(title: str, jenjang: Jenjang, weight: int = 1, *, job_class: int = 0) -> Job:
    """A fungsional job, in the class of its jenjang unless another is told."""
    return Job(title, JobKind.FUNGSIONAL, jenjang, job_class or _CLASS[jenjang], weight)


def _support(title: str, job_class: int) -> Job:
    return Job(title, JobKind.PELAKSANA, None, job_class)


PENELAAH: Final = _support("Penelaah Teknis Kebijakan", 7)
PENATA_LAYANAN: Final = _support("Penata Layanan Operasional", 7)
PENGELOLA_KEUANGAN: Final = _support("Pengelola Keuangan", 6)
PENGOLAH_DATA: Final = _support("Pengolah Data dan Informasi", 6)
PENGELOLA_LAYANAN: Final = _support("Pengelola Layanan Operasional", 6)
PENGADMINISTRASI: Final = _support("Pengadministrasi Perkantoran", 5)
OPERATOR: Final = _support("Operator Layanan Operasional", 5)

TEACHING: Final = (
    functional("Guru", Jenjang.AHLI_PERTAMA, 12),
    functional("Guru", Jenjang.AHLI_MUDA, 8),
    functional("Guru", Jenjang.AHLI_MADYA, 3, job_class=12),
)
HEALTH: Final = (
    functional("Perawat", Jenjang.TERAMPIL, 6),
    functional("Bidan", Jenjang.TERAMPIL, 6),
    functional("Perawat", Jenjang.AHLI_PERTAMA, 3),
    functional("Dokter", Jenjang.AHLI_PERTAMA, 2, job_class=9),
    functional("Perawat", Jenjang.MAHIR, 3),
    functional("Bidan", Jenjang.MAHIR, 3),
    functional("Bidan", Jenjang.AHLI_PERTAMA, 2),
    functional("Dokter", Jenjang.AHLI_MUDA, 1, job_class=10),
    functional("Dokter Gigi", Jenjang.AHLI_PERTAMA, 1, job_class=9),
    functional("Apoteker", Jenjang.AHLI_PERTAMA, 1),
    functional("Nutrisionis", Jenjang.TERAMPIL, 1),
    functional("Tenaga Sanitasi Lingkungan", Jenjang.TERAMPIL, 1),
    functional("Pranata Laboratorium Kesehatan", Jenjang.TERAMPIL, 1),
    functional("Perawat", Jenjang.PENYELIA, 1),
    functional("Bidan", Jenjang.PENYELIA, 1),
)
HOSPITAL_ONLY: Final = (
    functional("Dokter", Jenjang.AHLI_MADYA, 1, job_class=12),
    functional("Perawat", Jenjang.AHLI_MUDA, 3),
)
FIRE: Final = (
    functional("Pemadam Kebakaran", Jenjang.PEMULA, 2),
    functional("Pemadam Kebakaran", Jenjang.TERAMPIL, 1),
)

TEACHING_TASKS: Final = (
    Task("Melaksanakan pembelajaran", 70),
    Task("Menyusun modul ajar", 180),
    Task("Menilai hasil belajar peserta didik", 20),
    Task("Membimbing peserta didik", 45),
)
HEALTH_TASKS: Final = (
    Task("Memberi pelayanan kepada pasien", 20),
    Task("Mengisi rekam medis", 10),
    Task("Melakukan kunjungan rumah", 90),
)
LEADING_TASKS: Final = (
    Task("Menyusun rencana kerja", 1_200),
    Task("Memimpin rapat koordinasi", 120),
    Task("Memeriksa dan menandatangani naskah dinas", 15),
    Task("Melaporkan pelaksanaan kegiatan", 600),
)
FUNCTIONAL_TASKS: Final = (
    Task("Menyusun telaahan", 600),
    Task("Melaksanakan kegiatan teknis", 180),
    Task("Menyusun laporan hasil kegiatan", 300),
)
SUPPORT_TASKS: Final = (
    Task("Mengelola surat masuk dan keluar", 15),
    Task("Mengolah dan memutakhirkan data", 30),
    Task("Menyiapkan bahan laporan", 240),
)
