"""The units and positions of the demo government, today's and those of earlier days.

The tree follows PP 18/2016. What holds only for some days is written as versions: a unit that
moved or was renamed stands here once for each of its forms, with the days on which it held.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum, StrEnum, auto
from itertools import cycle, islice
from random import Random
from typing import Final

from app.demo import catalogue
from app.demo.catalogue import Agency, Division, Job, Task
from app.demo.names import place_names
from app.rules import pack
from app.vocabulary import Jenjang, JobKind, UnitKind

ESTABLISHED: Final = date(1980, 1, 1)
MERGED_ON: Final = date(2024, 1, 1)
MOVED_ON: Final = date(2022, 7, 1)
RENAMED_ON: Final = date(2021, 3, 1)
ROOT: Final = "KEMUNING"


@dataclass(frozen=True, slots=True)
class Unit:
    """One form of a unit: its code stays for life; `until` is the first day without it."""

    code: str
    name: str
    kind: UnitKind
    parent_code: str | None
    since: date = ESTABLISHED
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether this form held on that day."""
        return self.since <= day and (self.until is None or day < self.until)


class ChangeKind(StrEnum):
    """How a unit became what it is."""

    MERGER = "merger"
    MOVE = "move"
    RENAMING = "renaming"


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What happened to a unit on a day.

    `before` and `after` are unit codes in a merger, codes of the parent in a move, and names
    in a renaming.
    """

    on: date
    kind: ChangeKind
    unit_code: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class WorkloadItem:
    """One line of the ABK: how often a year, and minutes for one."""

    task: str
    volume: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Position:
    """A jabatan with its seats; `until` is the first day without it."""

    code: str
    unit_code: str
    title: str
    kind: JobKind
    jenjang: Jenjang | None
    job_class: int
    seats: int
    workload: tuple[WorkloadItem, ...]
    since: date = ESTABLISHED
    until: date | None = None

    @property
    def stem(self) -> str:
        """The title without its jenjang: `Guru` of `Guru Ahli Muda`."""
        if self.jenjang is None:
            return self.title
        return self.title.removesuffix(f" {jenjang_label(self.jenjang)}")


@dataclass(frozen=True, slots=True)
class Organisation:
    """Every form of every unit, parents first, and every position, closed ones too."""

    units: tuple[Unit, ...]
    changes: tuple[UnitChange, ...]
    positions: tuple[Position, ...]

    def units_on(self, day: date) -> dict[str, Unit]:
        """The tree of a day, by code."""
        return {unit.code: unit for unit in self.units if unit.holds_on(day)}

    def open_positions(self) -> list[Position]:
        """The positions that exist today."""
        return [position for position in self.positions if position.until is None]


def organisation(*, seed: int, size: int) -> Organisation:
    """A government for about `size` people, with some 8 % more seats than people.

    Below 500 people the smallest tree is kept, with many seats left vacant. Linear in `size`.
    """
    rng = Random(f"{seed}/organisation")  # noqa: S311 - demo data, not a secret
    builder = _Builder(Scale.of(size), rng)
    builder.build()
    return Organisation(
        units=tuple(builder.units),
        changes=_CHANGES,
        positions=tuple(_seated(builder.drafts, round(size / _FILLED), rng)),
    )


def jenjang_label(jenjang: Jenjang) -> str:
    """As titles spell it: `Ahli Muda`."""
    return jenjang.replace("_", " ").title()


_FILLED: Final = 0.925
_FIRE_BRIGADE: Final = "DAMKAR"
_CHANGES: Final = (
    UnitChange(
        RENAMED_ON,
        ChangeKind.RENAMING,
        "BKPSDM",
        catalogue.BKPSDM_BEFORE,
        catalogue.BADAN[0].name,
    ),
    UnitChange(MOVED_ON, ChangeKind.MOVE, _FIRE_BRIGADE, "DPUPR", "BPBD"),
    *(
        UnitChange(
            MERGED_ON, ChangeKind.MERGER, agency.code, agency.code, catalogue.MERGED_INTO.code
        )
        for agency in catalogue.MERGED
    ),
)


class Share(Enum):
    """Positions that share one part of the seats among them; ONE is a single seat."""

    ONE = auto()
    TEACHING = auto()
    HEALTH = auto()
    SUPPORT = auto()
    FUNCTIONAL = auto()


# Of the seats that leaders leave.
_PART: Final = {
    Share.TEACHING: 0.35,
    Share.HEALTH: 0.21,
    Share.SUPPORT: 0.29,
    Share.FUNCTIONAL: 0.15,
}
_TASKS: Final[dict[Share, Sequence[Task]]] = {
    Share.ONE: catalogue.LEADING_TASKS,
    Share.TEACHING: catalogue.TEACHING_TASKS,
    Share.HEALTH: catalogue.HEALTH_TASKS,
    Share.SUPPORT: catalogue.SUPPORT_TASKS,
    Share.FUNCTIONAL: catalogue.FUNCTIONAL_TASKS,
}
# Work over time at hand: below 1 the position is overstaffed, above it understaffed.
_LOADS: Final = (0.55, 0.75, 0.9, 1.0, 1.05, 1.15, 1.35, 1.6)
_LOAD_WEIGHTS: Final = (1, 2, 4, 5, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many units of each sort a government of some size has."""

    divisions: int
    sections: int
    districts: int
    villages: int
    schools: int
    clinics: int

    @classmethod
    def of(cls, size: int) -> "Scale":
        """The scale for so many people."""
        return cls(
            divisions=2 + size // 1_500,
            sections=min(3, size // 2_500),
            districts=max(8, min(120, size // 1_500)),
            villages=min(10, 2 + size // 1_500),
            schools=max(8, size // 75),
            clinics=max(4, size // 250),
        )


@dataclass(slots=True)
class _Draft:
    """A position whose seats aren't counted yet."""

    code: str
    unit_code: str
    job: Job
    share: Share
    since: date
    until: date | None
    seats: int = 1

    def position(self, rng: Random) -> Position:
        title, kind, jenjang, job_class, _ = self.job
        if jenjang is not None:
            title = f"{title} {jenjang_label(jenjang)}"
        return Position(
            self.code,
            self.unit_code,
            title,
            kind,
            jenjang,
            job_class,
            self.seats,
            _workload(_TASKS[self.share], self.seats, rng),
            self.since,
            self.until,
        )


@dataclass(slots=True)
class _Builder:
    scale: Scale
    rng: Random
    units: list[Unit] = field(default_factory=list)
    drafts: list[_Draft] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    posts_in: dict[str, int] = field(default_factory=dict)

    def build(self) -> None:
        """Fill `units` and `drafts`."""
        self.places = place_names(self.rng)
        self.unit(ROOT, "Pemerintah Kabupaten Kemuning", UnitKind.PEMERINTAH_DAERAH, None)
        self.secretariats()
        self.inspectorate()
        for agency in (*catalogue.DINAS, *catalogue.BADAN):
            self.agency(agency)
            if agency.code == "BKPSDM":
                self.change(agency.code, RENAMED_ON, before_name=catalogue.BKPSDM_BEFORE)
        self.merger()
        self.fire_brigade()
        self.schools_and_clinics(self.districts())

    def unit(
        self,
        code: str,
        name: str,
        kind: UnitKind,
        parent: str | None,
        since: date = ESTABLISHED,
        until: date | None = None,
    ) -> str:
        self.units.append(Unit(code, name, kind, parent, since, until))
        return code

    def change(
        self,
        code: str,
        on: date,
        *,
        before_name: str | None = None,
        before_parent: str | None = None,
    ) -> None:
        """Split a unit's only form in two on a day."""
        index = next(i for i, unit in enumerate(self.units) if unit.code == code)
        now = self.units[index]
        before = replace(
            now,
            name=before_name or now.name,
            parent_code=before_parent or now.parent_code,
            until=on,
        )
        self.units[index : index + 1] = [before, replace(now, since=on)]

    def post(
        self,
        unit: str,
        job: Job,
        share: Share,
        since: date = ESTABLISHED,
        until: date | None = None,
    ) -> None:
        number = self.posts_in[unit] = self.posts_in.get(unit, 0) + 1
        self.drafts.append(_Draft(f"{unit}-{number:02d}", unit, job, share, since, until))

    def lead(
        self,
        unit: str,
        title: str,
        kind: JobKind,
        job_class: int,
        since: date = ESTABLISHED,
        until: date | None = None,
    ) -> None:
        self.post(unit, Job(title, kind, None, job_class), Share.ONE, since, until)

    def staff(self, unit: str, *jobs: Job, share: Share = Share.SUPPORT) -> None:
        for job in jobs:
            self.post(unit, job, share)

    def secretariats(self) -> None:
        setda = self.unit("SETDA", "Sekretariat Daerah", UnitKind.SETDA, ROOT)
        self.lead(setda, "Sekretaris Daerah", JobKind.JPT_PRATAMA, 15)
        for title in catalogue.ASISTEN:
            self.lead(setda, title, JobKind.JPT_PRATAMA, 14)
        self.bagian(setda, catalogue.BAGIAN)
        setwan = self.unit(
            "SETWAN", "Sekretariat Dewan Perwakilan Rakyat Daerah", UnitKind.SETWAN, ROOT
        )
        self.lead(setwan, "Sekretaris DPRD", JobKind.JPT_PRATAMA, 14)
        self.bagian(setwan, catalogue.SETWAN_BAGIAN)

    def bagian(self, parent: str, divisions: Iterable[Division]) -> None:
        for number, (name, functional) in enumerate(divisions, start=1):
            unit = self.unit(f"{parent}.{number}", f"Bagian {name}", UnitKind.BAGIAN, parent)
            self.lead(unit, f"Kepala Bagian {name}", JobKind.ADMINISTRATOR, 12)
            self.staff(
                unit,
                catalogue.functional(functional, Jenjang.AHLI_MUDA),
                share=Share.FUNCTIONAL,
            )
            self.staff(unit, catalogue.PENELAAH, catalogue.PENGADMINISTRASI)

    def inspectorate(self) -> None:
        unit = self.unit("INSPEKTORAT", "Inspektorat Daerah", UnitKind.INSPEKTORAT, ROOT)
        self.lead(unit, "Inspektur", JobKind.JPT_PRATAMA, 14)
        self.secretariat(unit, "Inspektorat Daerah")
        for number in range(1, min(4, self.scale.divisions) + 1):
            roman = ("I", "II", "III", "IV")[number - 1]
            irban = self.unit(
                f"{unit}.{number}", f"Inspektur Pembantu Wilayah {roman}", UnitKind.BIDANG, unit
            )
            self.lead(irban, f"Inspektur Pembantu Wilayah {roman}", JobKind.ADMINISTRATOR, 12)
            for jenjang in (Jenjang.AHLI_PERTAMA, Jenjang.AHLI_MUDA, Jenjang.AHLI_MADYA):
                self.staff(irban, catalogue.functional("Auditor", jenjang), share=Share.FUNCTIONAL)

    def agency(self, agency: Agency) -> None:
        self.agency_head(agency)
        for number, division in enumerate(agency.divisions[: self.scale.divisions], start=1):
            self.division(agency, number, division)

    def agency_head(
        self, agency: Agency, since: date = ESTABLISHED, until: date | None = None
    ) -> None:
        """An agency with its head and its sekretariat."""
        self.unit(agency.code, agency.name, agency.kind, ROOT, since, until)
        title = "Kepala Pelaksana" if agency.code == "BPBD" else "Kepala"
        self.lead(agency.code, f"{title} {agency.name}", JobKind.JPT_PRATAMA, 14, since, until)
        self.secretariat(agency.code, agency.name, since, until)

    def secretariat(
        self, parent: str, name: str, since: date = ESTABLISHED, until: date | None = None
    ) -> None:
        unit = self.unit(
            f"{parent}.S", f"Sekretariat {name}", UnitKind.BAGIAN, parent, since, until
        )
        self.lead(unit, f"Sekretaris {name}", JobKind.ADMINISTRATOR, 12, since, until)
        below = self.unit(
            f"{unit}1",
            f"Subbagian Umum dan Kepegawaian {name}",
            UnitKind.SUBBAGIAN,
            unit,
            since,
            until,
        )
        title = "Kepala Subbagian Umum dan Kepegawaian"
        self.lead(below, title, JobKind.PENGAWAS, 9, since, until)
        for job in (catalogue.PENGELOLA_KEUANGAN, catalogue.PENGADMINISTRASI):
            self.post(below, job, Share.SUPPORT, since, until)

    def division(self, agency: Agency, number: int, division: Division) -> None:
        name, functional = division
        unit = self.unit(f"{agency.code}.{number}", f"Bidang {name}", UnitKind.BIDANG, agency.code)
        self.lead(unit, f"Kepala Bidang {name}", JobKind.ADMINISTRATOR, 11)
        levels = [Jenjang.AHLI_MUDA, Jenjang.AHLI_PERTAMA]
        if agency.kind is UnitKind.BADAN and number == 1:
            levels.append(Jenjang.AHLI_MADYA)
        if functional == "Pranata Komputer":
            levels.append(Jenjang.TERAMPIL)
        for jenjang in levels:
            self.staff(unit, catalogue.functional(functional, jenjang), share=Share.FUNCTIONAL)
        self.staff(unit, catalogue.PENGOLAH_DATA if number % 2 else catalogue.PENATA_LAYANAN)
        for index, seksi in enumerate(catalogue.SEKSI[: self.scale.sections], start=1):
            section = self.unit(f"{unit}.{index}", f"Seksi {seksi} {name}", UnitKind.SEKSI, unit)
            self.lead(section, f"Kepala Seksi {seksi} {name}", JobKind.PENGAWAS, 9)
            self.staff(section, catalogue.PENGELOLA_LAYANAN)

    def merger(self) -> None:
        """Two dinas became one: their divisions moved, their heads' seats were closed."""
        into = catalogue.MERGED_INTO
        for agency in catalogue.MERGED:
            self.agency_head(agency, until=MERGED_ON)
        self.agency_head(into, since=MERGED_ON)
        number = 0
        for agency in catalogue.MERGED:
            for division in agency.divisions:
                number += 1
                self.division(into, number, division)
                self.change(f"{into.code}.{number}", MERGED_ON, before_parent=agency.code)

    def fire_brigade(self) -> None:
        name = "UPTD Pemadam Kebakaran dan Penyelamatan"
        unit = self.unit(_FIRE_BRIGADE, name, UnitKind.UPTD, "BPBD")
        self.change(unit, MOVED_ON, before_parent="DPUPR")
        self.lead(unit, f"Kepala {name}", JobKind.PENGAWAS, 9)
        self.staff(unit, *catalogue.FIRE, share=Share.FUNCTIONAL)

    def districts(self) -> list[str]:
        """Kecamatan with their kelurahan; gives the names of the kelurahan."""
        names = iter(self.places)
        villages: list[str] = []
        for number in range(1, self.scale.districts + 1):
            code = self.district(f"KEC{number:02d}", next(names))
            for index, name in enumerate(islice(names, self.scale.villages), start=1):
                self.village(f"{code}.{index}", name, code)
                villages.append(name)
        return villages

    def district(self, code: str, name: str) -> str:
        self.unit(code, f"Kecamatan {name}", UnitKind.KECAMATAN, ROOT)
        self.lead(code, f"Camat {name}", JobKind.ADMINISTRATOR, 12)
        self.lead(code, f"Sekretaris Kecamatan {name}", JobKind.ADMINISTRATOR, 11)
        self.staff(code, catalogue.PENGELOLA_KEUANGAN, catalogue.PENGADMINISTRASI)
        for index, seksi in enumerate(catalogue.SEKSI_KECAMATAN[: 1 + self.scale.sections], 1):
            unit = self.unit(
                f"{code}.S{index}", f"Seksi {seksi} Kecamatan {name}", UnitKind.SEKSI, code
            )
            self.lead(unit, f"Kepala Seksi {seksi} Kecamatan {name}", JobKind.PENGAWAS, 9)
        return code

    def village(self, code: str, name: str, district: str) -> None:
        self.unit(code, f"Kelurahan {name}", UnitKind.KELURAHAN, district)
        self.lead(code, f"Lurah {name}", JobKind.PENGAWAS, 9)
        self.staff(code, catalogue.OPERATOR)
        if self.scale.sections:
            self.lead(code, f"Sekretaris Kelurahan {name}", JobKind.PENGAWAS, 8)

    def schools_and_clinics(self, villages: Sequence[str]) -> None:
        hospital = self.unit("RSUD", "RSUD Kemuning", UnitKind.UPTD, "DINKES")
        heavier = (job._replace(weight=4 * job.weight) for job in catalogue.HEALTH)
        self.staff(hospital, *heavier, *catalogue.HOSPITAL_ONLY, share=Share.HEALTH)
        self.staff(hospital, catalogue.PENGADMINISTRASI, catalogue.PENGELOLA_KEUANGAN)
        for number, name in enumerate(islice(cycle(villages), self.scale.clinics)):
            place = _numbered(name, number // len(villages))
            unit = self.unit(
                f"PKM{number + 1:03d}", f"UPTD Puskesmas {place}", UnitKind.UPTD, "DINKES"
            )
            jobs = catalogue.HEALTH[: 9 + 2 * self.scale.sections]
            self.staff(unit, *jobs, share=Share.HEALTH)
            self.staff(unit, catalogue.PENGADMINISTRASI)
        for number, name in enumerate(islice(cycle(villages), self.scale.schools)):
            level = "SMP" if number % 4 == 3 else "SD"
            unit = self.unit(
                f"{level}N{number + 1:04d}",
                f"UPTD {level} Negeri {1 + number // len(villages)} {name}",
                UnitKind.UPTD,
                "DISDIK",
            )
            self.staff(unit, *catalogue.TEACHING, share=Share.TEACHING)
            self.staff(unit, catalogue.OPERATOR)


def _numbered(name: str, round_: int) -> str:
    return f"{name} {round_ + 1}" if round_ else name


def _seated(drafts: list[_Draft], total: int, rng: Random) -> Iterable[Position]:
    """Share the seats of today out, at least one each; closed positions keep a single seat."""
    now = [draft for draft in drafts if draft.until is None]
    left = max(0, total - sum(draft.share is Share.ONE for draft in now))
    for share, part in _PART.items():
        sharing = [draft for draft in now if draft.share is share]
        _share_out(sharing, round(left * part))
    for draft in drafts:
        yield draft.position(rng)


def _share_out(drafts: list[_Draft], seats: int) -> None:
    weights = sum(draft.job.weight for draft in drafts)
    for draft in drafts:
        draft.seats = max(1, seats * draft.job.weight // weights)
    spare = seats - sum(draft.seats for draft in drafts)
    heaviest_first = sorted(drafts, key=lambda draft: -draft.job.weight)
    for draft in islice(cycle(heaviest_first), max(0, spare)):
        draft.seats += 1


def _workload(tasks: Sequence[Task], seats: int, rng: Random) -> tuple[WorkloadItem, ...]:
    """A year's work that the seats more or less carry."""
    a_year = pack("abk", date.max).integer("effective_minutes_a_year")
    minutes = a_year * seats * rng.choices(_LOADS, _LOAD_WEIGHTS)[0]
    parts = [rng.uniform(1, 3) for _ in tasks]
    return tuple(
        WorkloadItem(
            task.name, max(1, round(minutes * part / sum(parts) / task.minutes)), task.minutes
        )
        for task, part in zip(tasks, parts, strict=True)
    )
