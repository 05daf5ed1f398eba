"""The people of the demo government: invented, consistent, and the same for the same seed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from app.demo.careers import (
    Entry,
    GolonganPeriod,
    Job,
    PastSeats,
    Seat,
    confirmed_on,
    enter,
    golongan_history,
)
from app.demo.education import Education, Student, studied
from app.demo.names import STREETS, name_and_birth_place
from app.demo.organisation import Organisation, Position, organisation
from app.rules.identifiers import make_ni_pppk, make_nip
from app.vocabulary import (
    DisciplineLevel,
    EmploymentStatus,
    IdentifierKind,
    JobKind,
    Sex,
    UnitKind,
)

SEED: Final = 2026
SIZE: Final = 620
TODAY: Final = date(2026, 1, 1)
EARLIEST_TODAY: Final = date(2025, 1, 1)
"""The history of the units reaches into 2024."""


class StatusPeriod(NamedTuple):
    """A kind of employment from a day on."""

    status: EmploymentStatus
    since: date


class Discipline(NamedTuple):
    """A hukuman disiplin; `until` is the first day after it was served."""

    level: DisciplineLevel
    fact: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Person:
    """A civil servant. Histories are oldest first, and their last entries hold today."""

    name: str
    title_prefix: str | None
    title_suffix: str | None
    birth_place: str
    birth_date: date
    sex: Sex
    identifier: str
    statuses: tuple[StatusPeriod, ...]
    golongan: tuple[GolonganPeriod, ...]
    educations: tuple[Education, ...]
    jobs: tuple[Job, ...]
    disciplines: tuple[Discipline, ...]
    email: str
    phone: str
    nik: str
    address: str

    @property
    def status(self) -> EmploymentStatus:
        """The kind of employment today."""
        return self.statuses[-1].status

    @property
    def identifier_kind(self) -> IdentifierKind:
        """Whether `identifier` is a NIP or a NI PPPK."""
        return IdentifierKind.NI_PPPK if self.status in _PPPK else IdentifierKind.NIP

    @property
    def appointed(self) -> date:
        """The day of entering service."""
        return self.statuses[0].since

    @property
    def job(self) -> Job:
        """Today's seat."""
        return self.jobs[-1]


@dataclass(frozen=True, slots=True)
class Population:
    """A government and its people on a day."""

    seed: int
    today: date
    organisation: Organisation
    people: tuple[Person, ...]


_PPPK: Final = (EmploymentStatus.PPPK, EmploymentStatus.PPPK_PARUH_WAKTU)


def population(*, seed: int = SEED, size: int = SIZE, today: date = TODAY) -> Population:
    """A government with exactly `size` people, the same for the same arguments.

    Some 8 % of the seats are vacant, and a few positions hold one person too many. Linear in
    `size`: 200,000 people take about half a minute. ValueError for a day before 2025.
    """
    if today < EARLIEST_TODAY:
        raise ValueError(f"the demo government begins on {EARLIEST_TODAY.isoformat()}")
    rng = Random(f"{seed}/population")  # noqa: S311 - demo data, not a secret
    government = organisation(seed=seed, size=size)
    filled, vacant = _filled(rng, government, size, today)
    entries = [(seat, enter(rng, seat.position, today)) for seat in filled]
    for seat, entry in entries:
        seat.free_before = entry.job_since
    past = PastSeats([*_within(filled), *vacant, *_closed(government)])
    maker = _Maker(rng, government, today)
    people = tuple(
        maker.person(seat, entry, past.jobs_before(rng, seat, entry)) for seat, entry in entries
    )
    return Population(seed, today, government, people)


def newcomers(population: Population, *, n: int = 60) -> tuple[Person, ...]:
    """People who aren't in the population yet, in its vacant seats as far as these reach.

    They took their seats in the last weeks; their numbers collide with nobody's.
    """
    rng = Random(f"{population.seed}/newcomers")  # noqa: S311 - demo data, not a secret
    maker = _Maker(rng, population.organisation, population.today, population.people)
    since = (population.today - timedelta(days=20)).replace(day=1)
    people = []
    for seat in _newcomers_seats(rng, population, n):
        entry = enter(rng, seat.position, population.today)
        entry = entry._replace(job_since=max(since, entry.appointed))
        people.append(maker.person(seat, entry, []))
    return tuple(people)


def import_rows(people: Iterable[Person], organisation: Organisation) -> Iterator[dict[str, str]]:
    """Each person as a row of the employee import: its column names, dates in ISO form."""
    positions = {position.code: position for position in organisation.positions}
    units = {unit.code: unit.name for unit in organisation.units if unit.until is None}
    for person in people:
        yield _import_row(person, positions[person.job.position_code], units)


def _import_row(person: Person, position: Position, units: dict[str, str]) -> dict[str, str]:
    status, golongan, education = person.statuses[-1], person.golongan[-1], person.educations[-1]
    return {
        "nip": person.identifier,
        "name": person.name,
        "title_prefix": person.title_prefix or "",
        "title_suffix": person.title_suffix or "",
        "birth_place": person.birth_place,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex.value,
        "status": status.status.value,
        "status_since": status.since.isoformat(),
        "golongan": golongan.golongan.value,
        "golongan_since": golongan.since.isoformat(),
        "job_title": position.title,
        "job_kind": position.kind.value,
        "jenjang": position.jenjang.value if position.jenjang else "",
        "job_since": person.job.since.isoformat(),
        "unit_code": position.unit_code,
        "unit_name": units[position.unit_code],
        "education_level": education.level.value,
        "education_major": education.major,
        "education_year": str(education.year),
        "email": person.email,
        "phone": person.phone,
        "nik": person.nik,
        "address": person.address,
    }


_HEAD_OF_SERVICE: Final = "SETDA-01"


def _filled(
    rng: Random, government: Organisation, size: int, today: date
) -> tuple[list[Seat], list[Seat]]:
    """The seats that are held, with those beyond the number of seats, and the vacant ones."""
    positions = government.open_positions()
    seats = [Seat(p, number, today) for p in positions for number in range(1, p.seats + 1)]
    crowded = [p for p in positions if p.kind in (JobKind.FUNGSIONAL, JobKind.PELAKSANA)]
    extra = rng.sample(crowded, min(len(crowded), size // 100))
    seats += [Seat(position, position.seats + 1, today) for position in extra]
    never_vacant = {_HEAD_OF_SERVICE, *(position.code for position in extra)}
    regular = [i for i, seat in enumerate(seats) if seat.position.code not in never_vacant]
    empty = set(rng.sample(regular, len(seats) - size))
    vacant = [seat for i, seat in enumerate(seats) if i in empty]
    for seat in vacant:
        seat.free_before = (today - timedelta(days=rng.randrange(90, 900))).replace(day=1)
    return [seat for i, seat in enumerate(seats) if i not in empty], vacant


def _within(seats: Iterable[Seat]) -> Iterator[Seat]:
    return (seat for seat in seats if seat.number <= seat.position.seats)


def _closed(government: Organisation) -> Iterator[Seat]:
    for position in government.positions:
        if position.until is not None:
            for number in range(1, position.seats + 1):
                yield Seat(position, number, position.until)


def _newcomers_seats(rng: Random, population: Population, n: int) -> list[Seat]:
    """Vacant seats, those of ordinary jobs first; where they end, seats beyond the number."""
    taken = {(person.job.position_code, person.job.seat_no) for person in population.people}
    positions = population.organisation.open_positions()
    vacant = [
        Seat(position, number, population.today)
        for position in positions
        for number in range(1, position.seats + 1)
        if (position.code, number) not in taken
    ]
    rng.shuffle(vacant)
    vacant.sort(key=lambda seat: seat.position.kind not in (JobKind.PELAKSANA, JobKind.FUNGSIONAL))
    crowded = [p for p in positions if (p.code, p.seats + 1) not in taken and p.seats > 1]
    extra = rng.sample(crowded, max(0, min(len(crowded), n - len(vacant))))
    vacant += [Seat(position, position.seats + 1, population.today) for position in extra]
    return vacant[:n]


# Share of women among the holders, by title or kind.
_WOMEN: Final[dict[str, float]] = {
    "Guru": 0.64,
    "Perawat": 0.68,
    "Bidan": 1.0,
    "Dokter": 0.58,
    "Dokter Gigi": 0.75,
    "Apoteker": 0.75,
    "Nutrisionis": 0.85,
    "Pemadam Kebakaran": 0.04,
    JobKind.JPT_PRATAMA: 0.2,
    JobKind.ADMINISTRATOR: 0.32,
    JobKind.PENGAWAS: 0.4,
}
_WOMEN_ELSEWHERE: Final = 0.5

# Facts and their sanctions' levels follow PP 94/2021 (days of absence without a valid reason).
_FACTS: Final = (
    (60, DisciplineLevel.RINGAN, 1, "Tidak masuk kerja tanpa alasan yang sah selama 3 hari"),
    (30, DisciplineLevel.RINGAN, 1, "Tidak menaati ketentuan jam kerja"),
    (20, DisciplineLevel.SEDANG, 183, "Tidak masuk kerja tanpa alasan yang sah selama 12 hari"),
    (10, DisciplineLevel.SEDANG, 365, "Tidak masuk kerja tanpa alasan yang sah selama 18 hari"),
    (5, DisciplineLevel.BERAT, 365, "Tidak masuk kerja tanpa alasan yang sah selama 22 hari"),
)
_FACT_WEIGHTS: Final = tuple(weight for weight, *_ in _FACTS)
_DISCIPLINED: Final = 0.02
_DISCIPLINE_YEARS: Final = 6

# No real place or line: no province has the code 99, no operator the prefix 0840.
_REGION: Final = 990_100
_PHONE_PREFIX: Final = "+62840"
_CONTRACT_CODE: Final = 21


class _Maker:
    """Makes people one after another, with numbers and addresses that nobody else has."""

    def __init__(
        self, rng: Random, government: Organisation, today: date, known: Sequence[Person] = ()
    ) -> None:
        self.rng = rng
        self.today = today
        self.villages = _villages(government)
        self.made = len(known)
        self.identifiers = Counter(p.identifier[:15] for p in known)
        self.niks = Counter(p.nik[:12] for p in known)
        self.mails = Counter(_mail_name(p.name) for p in known)

    def person(self, seat: Seat, entry: Entry, before: Sequence[Job]) -> Person:
        rng, position = self.rng, seat.position
        women = _WOMEN.get(position.stem, _WOMEN.get(position.kind, _WOMEN_ELSEWHERE))
        sex = Sex.FEMALE if rng.random() < women else Sex.MALE
        name, birth_place = name_and_birth_place(rng, sex)
        birth, years = entry.birth_date, (entry.appointed.year, self.today.year)
        studies = studied(rng, Student(position, entry.start, sex, birth.year, *years))
        district, village = rng.choice(self.villages)
        self.made += 1
        return Person(
            name=name,
            title_prefix=studies.title_prefix,
            title_suffix=studies.title_suffix,
            birth_place=birth_place,
            birth_date=birth,
            sex=sex,
            identifier=self._identifier(entry, sex),
            statuses=_statuses(entry, self.today),
            golongan=golongan_history(rng, position, entry, self.today),
            educations=studies.educations,
            jobs=(*before, Job(position.code, seat.number, entry.job_since, None)),
            disciplines=self._disciplines(entry),
            email=self._email(name),
            # An odd factor scatters the numbers and never makes two the same.
            phone=f"{_PHONE_PREFIX}{self.made * 48_271_337 % 100_000_000:08d}",
            nik=self._nik(birth, sex, district),
            address=f"Jalan {rng.choice(STREETS)} Nomor {rng.randrange(1, 200)}, {village}",
        )

    def _identifier(self, entry: Entry, sex: Sex) -> str:
        birth, appointed = entry.birth_date, entry.appointed
        if entry.status in _PPPK:
            first = make_ni_pppk(birth, appointed.year, _CONTRACT_CODE, sex, 1).value
        else:
            first = make_nip(birth, appointed, sex, 1).value
        return f"{first[:15]}{self._next(self.identifiers, first[:15]):03d}"

    def _nik(self, birth: date, sex: Sex, district: int) -> str:
        day = birth.day + (40 if sex is Sex.FEMALE else 0)
        start = f"{_REGION + district:06d}{day:02d}{birth:%m%y}"
        return f"{start}{self._next(self.niks, start):04d}"

    def _email(self, name: str) -> str:
        mail_name = _mail_name(name)
        number = self._next(self.mails, mail_name)
        return f"{mail_name}{number if number > 1 else ''}@kemuning.example"

    def _disciplines(self, entry: Entry) -> tuple[Discipline, ...]:
        if self.rng.random() >= _DISCIPLINED:
            return ()
        _, level, days, fact = self.rng.choices(_FACTS, _FACT_WEIGHTS)[0]
        earliest = max(entry.appointed, self.today - timedelta(days=365 * _DISCIPLINE_YEARS))
        span = (self.today - earliest).days
        since = earliest + timedelta(days=self.rng.randrange(max(1, span)))
        return (Discipline(level, fact, since, since + timedelta(days=days)),)

    @staticmethod
    def _next(counter: Counter[str], key: str) -> int:
        counter[key] += 1
        return counter[key]


def _villages(government: Organisation) -> list[tuple[int, str]]:
    """Each kelurahan with the number of its kecamatan, and both names."""
    names = {unit.code: unit.name for unit in government.units}
    return [
        (int(unit.parent_code.removeprefix("KEC")), f"{unit.name}, {names[unit.parent_code]}")
        for unit in government.units
        if unit.kind is UnitKind.KELURAHAN and unit.parent_code
    ]


def _statuses(entry: Entry, today: date) -> tuple[StatusPeriod, ...]:
    if entry.status in _PPPK:
        return (StatusPeriod(entry.status, entry.appointed),)
    trial = StatusPeriod(EmploymentStatus.CPNS, entry.appointed)
    if entry.status is EmploymentStatus.CPNS:
        return (trial,)
    return trial, StatusPeriod(EmploymentStatus.PNS, confirmed_on(entry.appointed))


def _mail_name(name: str) -> str:
    return name.lower().replace(" ", ".")
