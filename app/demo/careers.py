"""How a working life in the demo government goes: entry, ranks, earlier seats."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple, TypeAlias

from app.demo.education import starting_level
from app.demo.organisation import Position
from app.rules.bup import retirement_age
from app.rules.golongan import ladder
from app.vocabulary import EducationLevel, EmploymentStatus, Golongan, Jenjang, JobKind

_L: Final = EducationLevel
_YEAR: Final = 365.2425
_NEWEST_PAPERS: Final = timedelta(days=30)
"""Nobody took a seat in the last days: decrees are recorded with a delay."""


class Entry(NamedTuple):
    """How someone came into service and into today's seat."""

    status: EmploymentStatus
    start: EducationLevel
    birth_date: date
    appointed: date
    job_since: date


class GolonganPeriod(NamedTuple):
    """A rank from a day on."""

    golongan: Golongan
    since: date


@dataclass(slots=True)
class Seat:
    """One seat; `free_before` is the first day on which a later holder had it."""

    position: Position
    number: int
    free_before: date


class Job(NamedTuple):
    """A seat held from a day on; `until` is the first day without it, None for today's."""

    position_code: str
    seat_no: int
    since: date
    until: date | None


class _Path(NamedTuple):
    """What holders of a kind of job have behind them: years of service, and the highest rank."""

    least: float
    most: float
    cap: Golongan
    stay: float = 8.0
    """Years after which they have mostly moved on."""


_PATHS: Final = {
    JobKind.JPT_PRATAMA: _Path(22.5, 37, Golongan.IV_C, 5),
    JobKind.ADMINISTRATOR: _Path(14.5, 35, Golongan.IV_B, 6),
    JobKind.PENGAWAS: _Path(9.5, 35, Golongan.III_D, 7),
    JobKind.PELAKSANA: _Path(0.1, 39, Golongan.III_D, 10),
    Jenjang.PEMULA: _Path(0.1, 9, Golongan.II_B, 9),
    Jenjang.TERAMPIL: _Path(0.1, 12, Golongan.II_D),
    Jenjang.MAHIR: _Path(9.5, 28, Golongan.III_B),
    Jenjang.PENYELIA: _Path(18.5, 37, Golongan.III_D),
    Jenjang.AHLI_PERTAMA: _Path(0.1, 12, Golongan.III_B),
    Jenjang.AHLI_MUDA: _Path(9.5, 33, Golongan.III_D, 9),
    Jenjang.AHLI_MADYA: _Path(18.5, 36, Golongan.IV_B, 10),
}
# Age on entering service as CPNS, by education.
_ENTRY_AGES: Final = {
    _L.SMA: (19.2, 30.0),
    _L.D3: (22.2, 32.0),
    _L.D4: (23.2, 34.0),
    _L.S1: (23.2, 34.0),
    _L.S2: (26.2, 34.5),
}
_CPNS_GOLONGAN: Final = {
    _L.SMA: Golongan.II_A,
    _L.D3: Golongan.II_C,
    _L.D4: Golongan.III_A,
    _L.S1: Golongan.III_A,
    _L.S2: Golongan.III_B,
}
# How far one rises as pelaksana with the education of one's entry.
_PELAKSANA_CAP: Final = {
    _L.SMA: Golongan.III_B,
    _L.D3: Golongan.III_C,
    _L.S1: Golongan.III_D,
}
_PNS_RANKS: Final = ladder(Golongan.I_A)
_PPPK_GOLONGAN: Final = {
    _L.SMA: Golongan.PPPK_V,
    _L.D3: Golongan.PPPK_VII,
    _L.D4: Golongan.PPPK_IX,
    _L.S1: Golongan.PPPK_IX,
    _L.S2: Golongan.PPPK_X,
}
_PROFESSIONS_ABOVE_S1: Final = ("Dokter", "Dokter Gigi", "Medik Veteriner", "Apoteker")
_PPPK_CHANCE: Final[dict[JobKind | Jenjang, float]] = {
    Jenjang.AHLI_PERTAMA: 0.58,
    Jenjang.TERAMPIL: 0.52,
    Jenjang.PEMULA: 0.5,
    JobKind.PELAKSANA: 0.4,
}
_PART_TIME_CHANCE: Final = 0.2
_PART_TIME_FROM: Final = date(2025, 10, 1)
_FIRST_PPPK_YEAR: Final = 2021
_PPPK_MONTHS: Final = (1, 3, 4, 6)
_PPPK_YOUNGEST: Final = 28.0
_RETIRING_SOON: Final = 0.06
_BEFORE_RETIREMENT: Final = 0.05
_TAKING_OFFICE_ONCE: Final = 0.6
_YEARS_TO_PROMOTION: Final = 4
_PROMOTION_MONTHS: Final = (4, 10)
_EARLIER_JOBS: Final = 3
_TRIES: Final = 24
_SHORTEST_SPELL: Final = 6  # months


def path_of(position: Position) -> _Path:
    """What its holders have behind them."""
    return _PATHS[position.jenjang or position.kind]


def enter(rng: Random, position: Position, today: date) -> Entry:
    """A way into service and into this position that fits age, education and service."""
    start = starting_level(rng, position)
    chance = _PPPK_CHANCE.get(position.jenjang or position.kind, 0.0)
    if rng.random() < chance and start is not _L.S2:
        return _enter_pppk(rng, position, start, today)
    return _enter_cpns(rng, position, start, today)


def _enter_cpns(rng: Random, position: Position, start: EducationLevel, today: date) -> Entry:
    path = path_of(position)
    youngest, oldest = _ENTRY_AGES[start]
    age = _age(rng, position, youngest + path.least, oldest + path.most, today)
    age_then = rng.uniform(max(youngest, age - path.most), min(oldest, age - path.least))
    appointed = _month(_back(today, age - age_then))
    status = EmploymentStatus.PNS if confirmed_on(appointed) <= today else EmploymentStatus.CPNS
    job_since = _job_since(rng, position, path, appointed, today)
    return Entry(status, start, _back(today, age), appointed, job_since)


def _enter_pppk(rng: Random, position: Position, start: EducationLevel, today: date) -> Entry:
    age = _age(rng, position, _PPPK_YOUNGEST, 99, today)
    status = EmploymentStatus.PPPK
    part_time = position.kind is JobKind.PELAKSANA and rng.random() < _PART_TIME_CHANCE
    if part_time and today > _PART_TIME_FROM:
        status = EmploymentStatus.PPPK_PARUH_WAKTU
        since = max(_PART_TIME_FROM, date(today.year - 1, 10, 1))
    else:
        since = rng.choice(_pppk_waves(today))
    birth = _back(today, age)
    return Entry(status, start, birth, since, max(since, position.since))


def _pppk_waves(today: date) -> list[date]:
    """Days on which contracts began: five years back, the longest that one runs."""
    return [
        date(year, month, 1)
        for year in range(max(_FIRST_PPPK_YEAR, today.year - 4), today.year + 1)
        for month in _PPPK_MONTHS
        if date(year, month, 1) <= today
    ]


def _age(rng: Random, position: Position, low: float, high: float, today: date) -> float:
    """Years of age; more people than by chance stand within five years of retiring."""
    last = retirement_age(position.kind, position.jenjang, today).value - _BEFORE_RETIREMENT
    if high >= last and rng.random() < _RETIRING_SOON:
        return rng.uniform(max(low, last - 5), last)
    return rng.uniform(low, min(high, last))


def _job_since(rng: Random, position: Position, path: _Path, appointed: date, today: date) -> date:
    """The day on which today's seat was taken: on entry, or with promotion."""
    if path.least < 1 and position.since <= appointed and rng.random() < _TAKING_OFFICE_ONCE:
        return appointed
    earliest = max(_ready_on(path, appointed), _back(today, path.stay))
    if position.since > earliest:  # whoever could, took the new seat at once
        return position.since
    span = (today - _NEWEST_PAPERS - earliest).days
    chosen = earliest + timedelta(days=rng.randrange(span)) if span > 0 else earliest
    return max(_month(chosen), appointed)


def _ready_on(path: _Path, appointed: date) -> date:
    """Promotion comes within the year before the least service of the holders."""
    return appointed + timedelta(days=max(0.0, path.least - 1) * _YEAR)


def confirmed_on(appointed: date) -> date:
    """The day on which a CPNS becomes a PNS, after a year of trial (PP 11/2017 art. 34)."""
    return appointed.replace(year=appointed.year + 1)


def golongan_history(
    rng: Random, position: Position, entry: Entry, today: date
) -> tuple[GolonganPeriod, ...]:
    """Every rank held so far: PPPK keep theirs, PNS rise every four years up to a cap."""
    bonus = position.stem in _PROFESSIONS_ABOVE_S1 and entry.start is _L.S1
    if entry.status in (EmploymentStatus.PPPK, EmploymentStatus.PPPK_PARUH_WAKTU):
        golongan = Golongan.PPPK_X if bonus else _PPPK_GOLONGAN[entry.start]
        return (GolonganPeriod(golongan, entry.appointed),)
    first = Golongan.III_B if bonus else _CPNS_GOLONGAN[entry.start]
    cap = path_of(position).cap
    if position.kind is JobKind.PELAKSANA:
        cap = _PELAKSANA_CAP[entry.start]
    found = [GolonganPeriod(first, entry.appointed)]
    for golongan in _PNS_RANKS[_PNS_RANKS.index(first) + 1 : _PNS_RANKS.index(cap) + 1]:
        since = _promoted(rng, found[-1].since)
        if since > today - _NEWEST_PAPERS:
            break
        found.append(GolonganPeriod(golongan, since))
    return tuple(found)


def _promoted(rng: Random, last: date) -> date:
    """1 April or 1 October, four years on; now and then half a year late."""
    earliest = last.replace(year=last.year + _YEARS_TO_PROMOTION)
    days = [date(earliest.year + year, month, 1) for year in (0, 1) for month in _PROMOTION_MONTHS]
    later = [day for day in days if day >= earliest]
    return later[1] if rng.random() < 0.1 else later[0]


_Rung: TypeAlias = tuple[str, int]
"""A ladder of positions, and how high one stands on it."""


class PastSeats:
    """Finds seats for what people did before, so that no seat had two holders at once."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self._by_rung: defaultdict[_Rung, list[Seat]] = defaultdict(list)
        self._closed: defaultdict[_Rung, list[Seat]] = defaultdict(list)
        for seat in seats:
            self._by_rung[_rung(seat.position)].append(seat)
            if seat.position.until is not None:
                self._closed[_rung(seat.position)].append(seat)

    def jobs_before(self, rng: Random, seat: Seat, entry: Entry) -> list[Job]:
        """Up to three earlier jobs, oldest first; a spell without a free seat is left out."""
        rung = _rung(seat.position)
        renewed = seat.position.since == entry.job_since
        found: list[Job] = []
        until = entry.job_since
        for back in range(1, _EARLIER_JOBS + 1):
            if _months_between(entry.appointed, until) < _SHORTEST_SPELL:
                break
            since = _spell_start(rng, entry.appointed, until, last=back == _EARLIER_JOBS)
            for before, seats in self._choices(rung, closed=renewed and back == 1):
                job = _taken(rng, seats, entry.appointed, since, until)
                if job is not None:
                    found.append(job)
                    rung, since = before, job.since
                    break
            until = since
        return found[::-1]

    def _choices(self, rung: _Rung, *, closed: bool) -> Iterator[tuple[_Rung, list[Seat]]]:
        """Where one may have come from, the likeliest first."""
        if closed:
            yield rung, self._closed.get(rung, [])
        below = rung[0], max(0, rung[1] - 1)
        for before in (below, rung, _FIRST_RUNG):
            yield before, self._by_rung.get(before, [])


def _taken(
    rng: Random, seats: Sequence[Seat], appointed: date, since: date, until: date
) -> Job | None:
    """A seat free until a day, and from the other one or from when one was ready for it."""
    for _ in range(_TRIES if seats else 0):
        seat = rng.choice(seats)
        if seat.free_before < until:
            continue
        start = max(since, _month(_ready_on(path_of(seat.position), appointed)))
        if until > start >= seat.position.since:
            seat.free_before = start
            return Job(seat.position.code, seat.number, start, until)
    return None


def _spell_start(rng: Random, appointed: date, until: date, *, last: bool) -> date:
    """Where a spell of two to eight years began that ended on a day; the last fills the rest."""
    months = _months_between(appointed, until) - rng.randrange(24, 96)
    return appointed if last or months < _SHORTEST_SPELL else _months_on(appointed, months)


_LEADERS: Final = (
    JobKind.PELAKSANA,
    JobKind.PENGAWAS,
    JobKind.ADMINISTRATOR,
    JobKind.JPT_PRATAMA,
)
_SKILL: Final = (Jenjang.PEMULA, Jenjang.TERAMPIL, Jenjang.MAHIR, Jenjang.PENYELIA)
_EXPERT: Final = (
    Jenjang.AHLI_PERTAMA,
    Jenjang.AHLI_MUDA,
    Jenjang.AHLI_MADYA,
    Jenjang.AHLI_UTAMA,
)
_FIRST_RUNG: Final = ("", 0)


def _rung(position: Position) -> _Rung:
    """The ladder that a position stands on, and how high: leaders share one."""
    if position.jenjang is None:
        return "", _LEADERS.index(position.kind)
    if position.jenjang in _SKILL:
        return f"{position.stem}, keterampilan", _SKILL.index(position.jenjang)
    return position.stem, _EXPERT.index(position.jenjang)


def _back(day: date, years: float) -> date:
    return day - timedelta(days=round(years * _YEAR))


def _month(day: date) -> date:
    return day.replace(day=1)


def _months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def _months_on(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, day.day)
