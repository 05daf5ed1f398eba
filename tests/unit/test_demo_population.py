"""The demo government: sound, consistent, the same for the same seed."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import pytest

from app.demo.organisation import (
    ESTABLISHED,
    MERGED_ON,
    MOVED_ON,
    RENAMED_ON,
    ROOT,
    ChangeKind,
    Position,
)
from app.demo.population import (
    TODAY,
    Person,
    Population,
    import_rows,
    newcomers,
    population,
)
from app.rules import pack
from app.rules.bup import retirement_age, retirement_date
from app.rules.golongan import allowed_golongan, order
from app.rules.identifiers import NiPppk, identify, make_nip
from app.services.imports.employees.columns import COLUMNS
from app.vocabulary import EducationLevel, EmploymentStatus, IdentifierKind, JobKind, Sex

DAYS = (TODAY, date(2026, 11, 24), date(2031, 2, 28))


@cache
def government(size: int = 620, today: date = TODAY) -> Population:
    return population(size=size, today=today)


@pytest.fixture(params=DAYS, ids=str)
def made(request: pytest.FixtureRequest) -> Population:
    return government(today=request.param)


def positions_of(made: Population) -> dict[str, Position]:
    return {position.code: position for position in made.organisation.positions}


def everyone(made: Population) -> tuple[Person, ...]:
    return (*made.people, *newcomers(made))


def test_the_same_seed_gives_the_same_people() -> None:
    again = population(size=620, today=TODAY)
    assert repr(again) == repr(government())
    assert repr(newcomers(again)) == repr(newcomers(government()))
    assert repr(population(seed=1, size=620).people) != repr(again.people)


@pytest.mark.parametrize("size", [1, 500, 620, 6_000])
def test_there_are_as_many_people_as_asked_for(size: int) -> None:
    assert len(government(size).people) == size


def test_a_day_before_the_history_of_the_units_is_refused() -> None:
    with pytest.raises(ValueError, match="2025-01-01"):
        population(today=date(2024, 12, 31))


# --- The organisation -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [620, 6_000])
@pytest.mark.parametrize("day", [ESTABLISHED, RENAMED_ON, MOVED_ON, MERGED_ON, TODAY])
def test_on_every_day_the_units_are_one_tree(size: int, day: date) -> None:
    units = government(size).organisation.units_on(day)
    assert [unit.code for unit in units.values() if unit.parent_code is None] == [ROOT]
    for unit in units.values():
        seen = set()
        while unit.parent_code is not None:
            assert unit.code not in seen
            seen.add(unit.code)
            unit = units[unit.parent_code]


def test_a_unit_has_one_form_on_a_day_and_a_name_of_its_own() -> None:
    organisation = government(6_000).organisation
    now = organisation.units_on(TODAY)
    assert len({unit.name for unit in now.values()}) == len(now)
    forms: dict[str, list[tuple[date, date | None]]] = {}
    for unit in organisation.units:
        forms.setdefault(unit.code, []).append((unit.since, unit.until))
    for spans in forms.values():
        assert all(earlier[1] == later[0] for earlier, later in pairwise(spans))


def test_every_change_shows_as_of_the_day_before_and_the_day_itself() -> None:
    organisation = government().organisation
    assert {change.kind for change in organisation.changes} == set(ChangeKind)
    for change in organisation.changes:
        before = organisation.units_on(change.on - timedelta(days=1))
        after = organisation.units_on(change.on)
        if change.kind is ChangeKind.MERGER:
            assert change.before in before
            assert change.before not in after
            assert change.after in after
            assert change.after not in before
            continue
        attribute = "name" if change.kind is ChangeKind.RENAMING else "parent_code"
        assert getattr(before[change.unit_code], attribute) == change.before
        assert getattr(after[change.unit_code], attribute) == change.after


def test_what_the_merged_units_held_goes_on_in_the_new_one() -> None:
    organisation = government().organisation
    before = organisation.units_on(MERGED_ON - timedelta(days=1))
    after = organisation.units_on(MERGED_ON)
    moved = [code for code in before if before[code].parent_code in ("DISKOPUKM", "DISPERINDAG")]
    stayed = [code for code in moved if code in after]
    assert len(stayed) == 4
    assert {after[code].parent_code for code in stayed} == {"DISKOPERINDAG"}


@pytest.mark.parametrize("size", [620, 6_000])
def test_a_position_stands_in_a_unit_for_as_long_as_it_exists(size: int) -> None:
    organisation = government(size).organisation
    codes = [position.code for position in organisation.positions]
    assert len(set(codes)) == len(codes)
    trees = {
        day: organisation.units_on(day)
        for day in (ESTABLISHED, MERGED_ON - timedelta(days=1), MERGED_ON, TODAY)
    }
    for position in organisation.positions:
        last_day = TODAY if position.until is None else position.until - timedelta(days=1)
        assert position.unit_code in trees[position.since]
        assert position.unit_code in trees[last_day]
        assert (position.kind is JobKind.FUNGSIONAL) == (position.jenjang is not None)
        assert 1 <= position.job_class <= 16
        assert position.seats >= 1


def test_workloads_match_the_seats_more_or_less() -> None:
    a_year = pack("abk", TODAY).integer("effective_minutes_a_year")
    loads = []
    for position in government().organisation.positions:
        minutes = sum(item.volume * item.minutes for item in position.workload)
        loads.append(minutes / (a_year * position.seats))
        assert all(item.volume >= 1 and item.minutes >= 1 for item in position.workload)
    assert min(loads) > 0.5
    assert max(loads) < 1.7
    assert sum(load > 1.1 for load in loads) > 50
    assert sum(load < 0.8 for load in loads) > 20


def test_seats_are_somewhat_more_than_people() -> None:
    for size in (620, 6_000):
        made = government(size)
        held = Counter(person.job.position_code for person in made.people)
        now = made.organisation.open_positions()
        seats = sum(position.seats for position in now)
        vacant = sum(max(0, position.seats - held[position.code]) for position in now)
        over = sum(max(0, held[position.code] - position.seats) for position in now)
        assert 0.06 < vacant / seats < 0.11
        assert 3 <= over < size * 0.02
        assert held["SETDA-01"] == 1


# --- The people -----------------------------------------------------------------------------


def test_numbers_are_unique_and_agree_with_the_biodata(made: Population) -> None:
    people = everyone(made)
    for person in people:
        identifier = identify(person.identifier)
        assert identifier.warnings(birth_date=person.birth_date, sex=person.sex) == ()
        assert identifier.kind is person.identifier_kind
        if isinstance(identifier, NiPppk):
            assert identifier.contract_year == person.appointed.year
        else:
            assert identifier.appointed == person.appointed
        day = int(person.nik[6:8]) - (40 if person.sex is Sex.FEMALE else 0)
        assert (day, person.nik[8:12]) == (person.birth_date.day, f"{person.birth_date:%m%y}")
        assert len(person.nik) == 16
        assert person.nik.startswith("99")
        assert person.phone.startswith("+62840")
        assert person.email.endswith("@kemuning.example")
    for number in ("identifier", "nik", "phone", "email"):
        assert len({getattr(person, number) for person in people}) == len(people)


def test_whoever_shares_a_birth_day_an_entry_and_a_sex_gets_the_next_number() -> None:
    made = government()
    person = next(p for p in made.people if p.status is EmploymentStatus.PNS)
    taken = [newcomer.identifier for newcomer in newcomers(made)]
    twin = next(p for p in newcomers(made) if p.identifier_kind is IdentifierKind.NIP)
    clash = make_nip(twin.birth_date, twin.appointed, twin.sex, 1).value
    known = (*made.people, replace(person, identifier=clash))
    again = [p.identifier for p in newcomers(replace(made, people=known))]
    assert clash in taken
    assert clash not in again


def test_nobody_is_too_young_or_retired(made: Population) -> None:
    positions = positions_of(made)
    for person in everyone(made):
        birth, job = person.birth_date, positions[person.job.position_code]
        entered = person.appointed
        years = entered.year - birth.year - ((entered.month, 1) < (birth.month, birth.day))
        assert years >= 18
        age = retirement_age(job.kind, job.jenjang, made.today).value
        assert retirement_date(birth, age) > made.today


def test_golongan_fit_the_status_and_rise(made: Population) -> None:
    for person in everyone(made):
        held = [period.golongan for period in person.golongan]
        for golongan in held:
            assert golongan in allowed_golongan(person.status, made.today).value
        assert all(order(later) == order(earlier) + 1 for earlier, later in pairwise(held))
        if not held[0].is_pns:
            assert len(held) == 1


def test_dates_are_in_order(made: Population) -> None:
    for person in everyone(made):
        assert person.golongan[0].since == person.appointed
        for history in (person.statuses, person.golongan):
            since = [entry.since for entry in history]
            assert since == sorted(set(since))
            assert since[-1] <= made.today
        jobs = person.jobs
        assert jobs[0].since >= person.appointed
        assert all(
            earlier.until and earlier.until <= later.since for earlier, later in pairwise(jobs)
        )
        assert all(job.until is None or job.since < job.until for job in jobs)
        assert jobs[-1].until is None
        assert jobs[-1].since <= made.today
        years = [education.year for education in person.educations]
        assert years == sorted(years)
        assert years[0] >= person.birth_date.year + 17
        assert years[-1] <= made.today.year
        for discipline in person.disciplines:
            assert person.appointed <= discipline.since <= made.today
            assert discipline.since < discipline.until


@pytest.mark.parametrize("size", [620, 6_000])
def test_no_seat_has_two_holders_and_no_holder_two_seats_at_once(size: int) -> None:
    made = government(size)
    positions = positions_of(made)
    held: dict[tuple[str, int], list[tuple[date, date]]] = {}
    for person in everyone(made):
        assert 1 <= len(person.jobs) <= 4
        for job in person.jobs:
            position = positions[job.position_code]
            until = job.until or date.max
            assert position.since <= job.since
            assert until <= (position.until or date.max)
            assert 1 <= job.seat_no <= position.seats + 1
            held.setdefault((job.position_code, job.seat_no), []).append((job.since, until))
    for spans in held.values():
        spans.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_holders_of_closed_positions_went_on_in_the_merged_unit() -> None:
    made = government()
    closed = {p.code for p in made.organisation.positions if p.until is not None}
    went_on = [
        person.job.position_code
        for person in made.people
        if person.job.since == MERGED_ON
        and person.job.position_code.startswith("DISKOPERINDAG")
        and any(job.position_code in closed and job.until == MERGED_ON for job in person.jobs)
    ]
    assert "DISKOPERINDAG-01" in went_on
    assert len(went_on) >= 2


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2023, 12, 31), date(2010, 1, 1)])
def test_most_of_those_in_service_had_a_seat_as_of_an_earlier_day(day: date) -> None:
    for size, missing in ((620, 0.2), (6_000, 0.1)):
        then = [p for p in government(size, DAYS[1]).people if p.appointed <= day]
        seated = sum(
            any(job.since <= day < (job.until or date.max) for job in person.jobs)
            for person in then
        )
        assert seated / len(then) > 1 - missing


def test_nobody_leads_before_the_service_that_it_takes() -> None:
    made = government(6_000)
    positions = positions_of(made)
    least = {JobKind.JPT_PRATAMA: 21, JobKind.ADMINISTRATOR: 13, JobKind.PENGAWAS: 8}
    for person in made.people:
        for job in person.jobs:
            years = least.get(positions[job.position_code].kind, 0)
            assert job.since >= person.appointed + timedelta(days=365 * years)


def test_titles_follow_from_education() -> None:
    for person in government(6_000).people:
        levels = {education.level for education in person.educations}
        suffix = person.title_suffix or ""
        if levels == {EducationLevel.SMA}:
            assert person.title_prefix is None
            assert not suffix
        master = any(title.startswith("M.") for title in suffix.split(", "))
        assert master == (EducationLevel.S2 in levels), suffix
        if person.title_prefix and person.title_prefix.startswith("Dr"):
            assert person.title_prefix == ("Dra." if person.sex is Sex.FEMALE else "Drs.")


def share(people: tuple[Person, ...], count: int) -> float:
    return count / len(people)


def test_the_make_up_is_realistic() -> None:
    made = government(6_000, DAYS[1])
    positions, people = positions_of(made), made.people
    stems = Counter(positions[p.job.position_code].stem for p in people)
    kinds = Counter(positions[p.job.position_code].kind for p in people)
    pppk = sum(p.identifier_kind is IdentifierKind.NI_PPPK for p in people)
    teachers = [p for p in people if positions[p.job.position_code].stem == "Guru"]
    assert 0.45 < share(people, stems["Guru"] + stems["Perawat"] + stems["Bidan"]) < 0.6
    assert 0.2 < share(people, kinds[JobKind.PELAKSANA]) < 0.3
    assert 0.2 < share(people, pppk) < 0.35
    assert 0.58 < sum(p.sex is Sex.FEMALE for p in teachers) / len(teachers) < 0.7
    assert 0.005 < share(people, sum(bool(p.disciplines) for p in people)) < 0.03
    assert {p.status for p in people} == set(EmploymentStatus)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("size", [620, 6_000])
def test_every_coming_year_a_few_retire(size: int, day: date) -> None:
    made = government(size, day)
    positions = positions_of(made)
    years: Counter[int] = Counter()
    for person in made.people:
        job = positions[person.job.position_code]
        leaves = retirement_date(
            person.birth_date, retirement_age(job.kind, job.jenjang, day).value
        )
        years[(leaves - day).days // 366] += 1
    assert all(0.015 < years[year] / size < 0.08 for year in range(5)), years


def test_names_repeat_no_more_than_by_chance() -> None:
    names = Counter(person.name for person in government().people)
    assert sum(count - 1 for count in names.values()) < 25
    assert max(names.values()) <= 4
    assert any(" " not in name for name in names)


# --- The rows of an import ------------------------------------------------------------------


def test_newcomers_are_strangers_in_vacant_seats(made: Population) -> None:
    new = newcomers(made)
    assert len(new) == 60
    assert len(newcomers(made, n=5)) == 5
    taken = {(p.job.position_code, p.job.seat_no) for p in made.people}
    seats = [(p.job.position_code, p.job.seat_no) for p in new]
    assert len(set(seats)) == len(seats)
    assert not taken & set(seats)
    positions = positions_of(made)
    beyond = sum(number > positions[code].seats for code, number in seats)
    assert beyond <= 10
    assert all(made.today - p.job.since < timedelta(days=60) for p in new)


def test_import_rows_carry_todays_facts() -> None:
    made = government()
    rows = list(import_rows(made.people, made.organisation))
    assert len(rows) == len(made.people)
    units = made.organisation.units_on(TODAY)
    for person, row in zip(made.people, rows, strict=True):
        assert row["nip"] == person.identifier
        assert row["birth_date"] == person.birth_date.isoformat()
        assert row["status"] == person.status.value
        assert units[row["unit_code"]].name == row["unit_name"]
        assert all(type(value) is str for value in row.values())
        required = row.keys() - {"title_prefix", "title_suffix", "jenjang"}
        assert all(row[column] for column in required)


def test_the_import_knows_every_column() -> None:
    made = government()
    row = next(iter(import_rows(made.people, made.organisation)))
    assert list(row) == [column.name for column in COLUMNS]
