"""The tables of counts: people in service with a seat, by fixed dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from sqlalchemy import SmallInteger, String, case, column, func, literal, select

from app.calendar import today
from app.database import Reader
from app.errors import Bilingual
from app.models.competencies import Competency, CompetencyVersion
from app.models.competency_profiles import CompetencyProfile, UnitGap
from app.models.organisation import Unit, UnitVersion
from app.services.competency_gaps.summary import branches_below, subtree_top
from app.services.timeline import AS_OF, holds
from app.suppression import Cell
from app.vocabulary import Fitness, StatisticsDataset


@dataclass(frozen=True, slots=True)
class Category:
    """One value of a dimension."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """Counts that nobody has protected yet, with what they are counted by."""

    dimensions: Mapping[str, Sequence[Category]]
    counts: Mapping[tuple[str, ...], int]
    same_people: bool = False
    """Whether each line of the first dimension counts the same people over again."""

    @property
    def cells(self) -> list[Cell]:
        """Every combination, also those that nobody has: they are part of what is protected."""
        codes = ([each.code for each in categories] for categories in self.dimensions.values())
        return [Cell(key, self.counts.get(key, 0)) for key in product(*codes)]


FITNESS = tuple(
    Category(fitness.value, name)
    for fitness, name in (
        (Fitness.REACHED, "Sesuai standar"),
        (Fitness.SHORT, "Di bawah standar"),
        (Fitness.NOT_ASSESSED, "Belum dinilai"),
    )
)
MEASURED = tuple(each for each in FITNESS if each.code != Fitness.NOT_ASSESSED)

DESCRIPTIONS: Mapping[StatisticsDataset, tuple[Bilingual, Bilingual, Bilingual]] = {
    StatisticsDataset.FIT: (
        Bilingual("Kesesuaian dengan standar jabatan", "Fit with the position's standard"),
        Bilingual(
            "Pemegang jabatan menurut perangkat daerah dan kesesuaiannya.",
            "Holders of seats by unit and fit.",
        ),
        Bilingual(
            "Pegawai dihitung sekali. Sesuai: semua kompetensi yang dipersyaratkan tercapai dalam"
            " hasil yang masih berlaku. Di bawah standar: satu saja di bawahnya. Belum dinilai:"
            " tanpa hasil yang lengkap dan berlaku. Angka di bawah k, dan angka lain yang dapat"
            " membukanya, ditutup.",
            "Everybody is counted once. Reached: every required competency, in a result that"
            " counts. Short: at least one below. Not assessed: no complete result that counts."
            " Figures below k, and others that would give them away, are suppressed.",
        ),
    ),
    StatisticsDataset.COMPETENCY_GAPS: (
        Bilingual("Kesenjangan kompetensi", "Competency gaps"),
        Bilingual(
            "Pemegang jabatan menurut kompetensi dan hasilnya.",
            "Holders of seats by competency and how they stand in it.",
        ),
        Bilingual(
            "Pegawai dengan hasil yang masih berlaku dihitung sekali untuk tiap kompetensi yang"
            " dipersyaratkan jabatannya. Kelebihan tidak menutup kesenjangan. Tiap kompetensi"
            " ditutup tersendiri: angka di bawah k, dan angka lain yang dapat membukanya.",
            "Whoever has a result that counts is counted once for each competency that their seat"
            " requires. A surplus never hides a gap. Each competency is suppressed by itself:"
            " figures below k, and others that would give them away.",
        ),
    ),
}
"""Title, description and method of each table."""

_PROFILE = CompetencyProfile
_LEVEL = (
    func.unnest(_PROFILE.levels, _PROFILE.required)
    .table_valued(column("level", SmallInteger), column("required", SmallInteger))
    .render_derived()
)
_BY_LEVELS = (
    select(
        func.bool_or(_LEVEL.c.level.is_(None)).label("unknown"),
        func.bool_or(_LEVEL.c.level < _LEVEL.c.required).label("short"),
    )
    .where(_LEVEL.c.required.is_not(None))
    .correlate(_PROFILE)
    .lateral("by_levels")
)
_COUNTS = (_PROFILE.valid_until > AS_OF).is_not(True) | _BY_LEVELS.c.unknown
_FITNESS = case(
    (_COUNTS, literal(Fitness.NOT_ASSESSED, String)),
    (_BY_LEVELS.c.short, literal(Fitness.SHORT, String)),
    else_=literal(Fitness.REACHED, String),
).label("fitness")
_BRANCHES = branches_below()
FIT = (
    select(Unit.code, _FITNESS, func.count().label("people"))
    .select_from(_PROFILE)
    .join(_BRANCHES, _BRANCHES.c.unit_id == _PROFILE.unit_id)
    .join(Unit, Unit.id == _BRANCHES.c.branch)
    .join(_BY_LEVELS, literal(True))
    .group_by(Unit.code, _FITNESS)
)
UNITS = (
    select(Unit.code, UnitVersion.name)
    .join(UnitVersion, (UnitVersion.unit_id == Unit.id) & holds(UnitVersion))
    .where(Unit.id.in_(select(branches_below().c.branch)))
    .order_by(Unit.code)
)
GAPS = (
    select(
        Competency.code,
        CompetencyVersion.name,
        func.sum(UnitGap.assessed).label("assessed"),
        func.sum(UnitGap.short).label("short"),
    )
    .join(Competency, Competency.id == UnitGap.competency_id)
    .join(
        CompetencyVersion,
        (CompetencyVersion.competency_id == Competency.id) & holds(CompetencyVersion),
    )
    .group_by(Competency.code, CompetencyVersion.name, Competency.ordinal)
    .order_by(Competency.ordinal)
)


async def count_fit(reader: Reader) -> Table:
    """People by the unit right below the top and their fit.

    By no more: with the kind of job beside, most cells would be too small to publish, and their
    totals with them.
    """
    values = {"unit_id": await subtree_top(reader, None), "as_of": today()}
    units = [Category(row["code"], row["name"]) for row in await reader.all(UNITS, **values)]
    counts: dict[tuple[str, ...], int] = {
        (row["code"], str(row["fitness"])): int(row["people"])
        for row in await reader.all(FIT, **values)
    }
    return Table({"unit": units, "fitness": FITNESS}, counts)


async def count_gaps(reader: Reader) -> Table:
    """People with a result that counts, by competency and how they stand in it."""
    rows = await reader.all(GAPS, as_of=today())
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        assessed, short = int(row["assessed"]), int(row["short"])
        counts[row["code"], Fitness.REACHED.value] = assessed - short
        counts[row["code"], Fitness.SHORT.value] = short
    competencies = [Category(row["code"], row["name"]) for row in rows]
    return Table({"competency": competencies, "fitness": MEASURED}, counts, same_people=True)


COUNTERS = {StatisticsDataset.FIT: count_fit, StatisticsDataset.COMPETENCY_GAPS: count_gaps}
