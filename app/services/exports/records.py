"""Data sets of employees, the organisation, and the rules that figures are computed by."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    Date,
    String,
    and_,
    cast,
    column,
    false,
    func,
    literal_column,
    select,
    values,
)
from sqlalchemy.orm import aliased

from app.errors import Bilingual
from app.models.employees import (
    Employee,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
)
from app.models.organisation import Position, PositionVersion, SeatAssignment, Unit, UnitVersion
from app.rules import RulePack, all_packs
from app.services.exports.columns import Column, Dataset, made, of
from app.services.timeline import AS_OF, begins, ends, holds
from app.transparency import canonical_json
from app.vocabulary import AssignmentKind, ExportDataset
from app.vocabulary import ExportColumnType as Type

BY_DAY: Final = Bilingual(
    "Fakta bertanggal sebagaimana berlaku pada hari (WIB) dari saat itu, menurut yang tercatat "
    "ketika berkas dibaca.",
    "Dated facts as they hold on the moment's day in Jakarta, as recorded when the file is read.",
)

# --- employees ----------------------------------------------------------------------------

_definitif = SeatAssignment.kind == literal_column(f"'{AssignmentKind.DEFINITIF}'")
_PEOPLE = (
    select()
    .select_from(Employee)
    .join(
        EmployeeProfile,
        and_(EmployeeProfile.employee_id == Employee.id, holds(EmployeeProfile)),
    )
    .outerjoin(
        EmployeeIdentifier,
        and_(EmployeeIdentifier.employee_id == Employee.id, holds(EmployeeIdentifier)),
    )
    .outerjoin(
        EmployeeStatus, and_(EmployeeStatus.employee_id == Employee.id, holds(EmployeeStatus))
    )
    .outerjoin(
        EmployeeGolongan,
        and_(EmployeeGolongan.employee_id == Employee.id, holds(EmployeeGolongan)),
    )
    .outerjoin(
        SeatAssignment,
        and_(SeatAssignment.employee_id == Employee.id, _definitif, holds(SeatAssignment)),
    )
    .outerjoin(
        PositionVersion,
        and_(PositionVersion.position_id == SeatAssignment.position_id, holds(PositionVersion)),
    )
    .outerjoin(Position, Position.id == PositionVersion.position_id)
    .outerjoin(
        UnitVersion, and_(UnitVersion.unit_id == PositionVersion.unit_id, holds(UnitVersion))
    )
    .outerjoin(Unit, Unit.id == UnitVersion.unit_id)
)

EMPLOYEES = Dataset(
    name=ExportDataset.EMPLOYEES,
    title=Bilingual("Pegawai", "Employees"),
    as_of=Bilingual(
        BY_DAY.id + " Satu baris untuk setiap orang yang tercatat pada hari itu; yang sudah "
        "berhenti tanpa status.",
        BY_DAY.en + " One row for everybody on record on that day; those who have left are "
        "without a status.",
    ),
    columns=(
        of(Employee.id, Type.UUID, "Pengenal tetap pegawai", "The employee's lasting id",
           "employee_id"),
        of(EmployeeIdentifier.kind, Type.WORD, "NIP atau NI PPPK", "NIP or NI PPPK",
           "identifier_kind"),
        of(EmployeeIdentifier.value, Type.CODE, "NIP atau NI PPPK, 18 angka",
           "NIP or NI PPPK, 18 digits", "identifier"),
        of(EmployeeProfile.name, Type.TEXT, "Nama tanpa gelar", "Name without titles"),
        of(EmployeeProfile.title_prefix, Type.TEXT, "Gelar depan", "Titles before the name"),
        of(EmployeeProfile.title_suffix, Type.TEXT, "Gelar belakang", "Titles after the name"),
        of(Employee.sex, Type.WORD, "Jenis kelamin", "Sex"),
        of(Employee.birth_date, Type.DATE, "Tanggal lahir", "Date of birth"),
        of(EmployeeStatus.status, Type.WORD, "Status kepegawaian", "Kind of employment"),
        of(EmployeeGolongan.golongan, Type.CODE, "Golongan", "Rank (golongan)"),
        of(Unit.code, Type.CODE, "Kode unit kerja", "Code of the unit", "unit_code"),
        of(UnitVersion.name, Type.TEXT, "Nama unit kerja", "Name of the unit", "unit_name"),
        of(Position.code, Type.CODE, "Kode jabatan", "Code of the position", "position_code"),
        of(PositionVersion.title, Type.TEXT, "Nama jabatan definitif",
           "Title of the position held for good", "position_title"),
        of(PositionVersion.job_kind, Type.WORD, "Jenis jabatan", "Kind of position"),
        of(PositionVersion.jenjang, Type.WORD, "Jenjang jabatan fungsional",
           "Level of a jabatan fungsional"),
        of(PositionVersion.job_class, Type.INTEGER, "Kelas jabatan, 1 sampai 17",
           "Job class, 1 to 17"),
        made("position_since", begins(SeatAssignment), Type.DATE, "seat_assignments.valid",
             "Sejak kapan memangku jabatan itu", "Since when that position is held"),
    ),
    rows=_PEOPLE.order_by(Employee.id),
    subjects=select(EmployeeProfile.employee_id)
    .where(holds(EmployeeProfile))
    .order_by(EmployeeProfile.employee_id),
    entity="employees",
    hash_joins=True,
)  # fmt: skip


# --- organisation -------------------------------------------------------------------------

_PARENT = aliased(Unit, name="parent")


def days(fact: Any) -> tuple[Column, Column]:
    """The two ends of a dated fact."""
    source = f"{fact.__tablename__}.valid"
    return (
        made("effective_from", begins(fact), Type.DATE, source,
             "Hari pertama fakta ini berlaku", "First day on which this holds"),
        made("effective_until", ends(fact), Type.DATE, source,
             "Hari pertama fakta ini tidak berlaku lagi; kosong bila masih berlaku",
             "First day on which it no longer holds; empty while open"),
    )  # fmt: skip


UNITS = Dataset(
    name=ExportDataset.UNITS,
    title=Bilingual("Unit kerja", "Units"),
    as_of=BY_DAY,
    columns=(
        of(Unit.id, Type.UUID, "Pengenal tetap unit", "The unit's lasting id", "unit_id"),
        of(Unit.code, Type.CODE, "Kode unit", "Code"),
        of(UnitVersion.name, Type.TEXT, "Nama unit", "Name"),
        of(UnitVersion.kind, Type.WORD, "Jenis perangkat daerah (PP 18/2016)",
           "Kind of unit (PP 18/2016)"),
        made("parent_code", _PARENT.code, Type.CODE, "units.code",
             "Kode unit induk; kosong untuk pemerintah daerah itu sendiri",
             "Code of the unit above; empty for the government itself"),
        *days(UnitVersion),
    ),
    rows=select()
    .select_from(Unit)
    .join(UnitVersion, and_(UnitVersion.unit_id == Unit.id, holds(UnitVersion)))
    .outerjoin(_PARENT, _PARENT.id == UnitVersion.parent_id)
    .order_by(Unit.id),
)  # fmt: skip

POSITIONS = Dataset(
    name=ExportDataset.POSITIONS,
    title=Bilingual("Jabatan", "Positions"),
    as_of=BY_DAY,
    columns=(
        of(Position.id, Type.UUID, "Pengenal tetap jabatan", "The position's lasting id",
           "position_id"),
        of(Position.code, Type.CODE, "Kode jabatan", "Code"),
        of(PositionVersion.title, Type.TEXT, "Nama jabatan", "Title"),
        of(Unit.code, Type.CODE, "Kode unit kerja", "Code of the unit", "unit_code"),
        of(PositionVersion.job_kind, Type.WORD, "Jenis jabatan (UU 20/2023)",
           "Kind of position (UU 20/2023)"),
        of(PositionVersion.jenjang, Type.WORD, "Jenjang jabatan fungsional",
           "Level of a jabatan fungsional"),
        of(PositionVersion.job_class, Type.INTEGER, "Kelas jabatan, 1 sampai 17",
           "Job class, 1 to 17"),
        of(PositionVersion.seats, Type.INTEGER, "Jumlah formasi", "Number of seats"),
        of(PositionVersion.workload_need, Type.DECIMAL, "Kebutuhan pegawai menurut ABK",
           "Staff needed by the workload (ABK)"),
        of(PositionVersion.workload_rule, Type.CODE, "Aturan yang menghitung kebutuhan",
           "The rule that computed the need"),
        of(PositionVersion.retirement_age, Type.INTEGER, "Batas usia pensiun, tahun",
           "Retirement age, years"),
        of(PositionVersion.retirement_age_rule, Type.TEXT, "Dasar batas usia pensiun",
           "The rule, or own basis, of the retirement age"),
        *days(PositionVersion),
    ),
    rows=select()
    .select_from(Position)
    .join(
        PositionVersion,
        and_(PositionVersion.position_id == Position.id, holds(PositionVersion)),
    )
    .join(Unit, Unit.id == PositionVersion.unit_id)
    .order_by(Position.id),
)  # fmt: skip


# --- rule packs ---------------------------------------------------------------------------


def _pack_row(pack: RulePack) -> tuple[object, ...]:
    """A pack as a row; its values as the one JSON text of them."""
    content = canonical_json(_plain(pack.values)).decode()
    head = (pack.kind, pack.id, pack.version, pack.effective_from)
    return (*head, pack.source, pack.confidence.value, content)


def _plain(value: Any) -> Any:
    """Plain tables and lists, which canonical JSON knows."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


_PACKS = (
    values(
        column("kind", String),
        column("id", String),
        column("version", String),
        column("effective_from", Date),
        column("source", String),
        column("confidence", String),
        column("values", String),
        name="packs",
    )
    .data([_pack_row(pack) for pack in all_packs()])
    .alias("packs")
)
_SINCE = cast(_PACKS.c.effective_from, Date)  # VALUES hold texts
_IN_FORCE = (_SINCE <= AS_OF) & (
    func.max(_SINCE).filter(_SINCE <= AS_OF).over(partition_by=_PACKS.c.kind) == _SINCE
)

RULE_PACKS = Dataset(
    name=ExportDataset.RULE_PACKS,
    title=Bilingual("Paket aturan", "Rule packs"),
    as_of=Bilingual(
        "Semua paket yang dikenal; `in_force` menunjukkan yang berlaku pada hari (WIB) itu.",
        "Every pack that is known; `in_force` tells those in force on that day in Jakarta.",
    ),
    columns=(
        made("kind", _PACKS.c.kind, Type.CODE, "app/rules/packs", "Jenis aturan", "Kind of rule"),
        made("id", _PACKS.c.id, Type.CODE, "app/rules/packs", "Pengenal paket", "The pack's id"),
        made("version", _PACKS.c.version, Type.CODE, "app/rules/packs", "Versi", "Version"),
        made("effective_from", _SINCE, Type.DATE, "app/rules/packs",
             "Berlaku sejak", "In force from"),
        made("in_force", func.coalesce(_IN_FORCE, false()), Type.BOOLEAN, "app/rules/packs",
             "Berlaku pada hari itu", "In force on the day"),
        made("source", _PACKS.c.source, Type.TEXT, "app/rules/packs",
             "Peraturan asalnya", "The regulation it comes from"),
        made("confidence", _PACKS.c.confidence, Type.CODE, "app/rules/packs",
             "Keyakinan bahwa paket sesuai peraturan: H, M, L",
             "How sure it is that the pack says what the law says: H, M, L"),
        made("values", _PACKS.c["values"], Type.JSON, "app/rules/packs",
             "Semua angka dan tabel paket", "All numbers and tables of the pack"),
    ),
    rows=select().select_from(_PACKS).order_by(
        _PACKS.c.kind, _SINCE, _PACKS.c.id
    ),
)  # fmt: skip
