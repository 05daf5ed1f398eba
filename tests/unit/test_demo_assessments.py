"""The demo's assessments: the same for the same people, and as real ones would be."""

from collections import Counter
from datetime import date, timedelta
from functools import cache

import pytest

from app.demo.assessments import OBJECTED, Assessed, Assessments, Event, assessments
from app.demo.chart import Chart
from app.demo.population import TODAY, Population, population
from app.rules import pack
from app.vocabulary import AssessmentState, RaterSource

DAYS = (TODAY, date(2025, 1, 1), date(2026, 11, 24), date(2028, 2, 29), date(2031, 2, 28))
STATES = AssessmentState


@cache
def government(day: date) -> tuple[Population, Assessments]:
    made = population(today=day)
    return made, assessments(made)


@pytest.fixture(params=DAYS, ids=str)
def day(request: pytest.FixtureRequest) -> date:
    found: date = request.param
    return found


def published(made: Assessments) -> list[tuple[Event, Assessed]]:
    return [(e, a) for e in made.events for a in e.assessed if a.published_on is not None]


def test_the_same_people_give_the_same_assessments() -> None:
    assert repr(assessments(population(today=TODAY))) == repr(government(TODAY)[1])


def test_most_people_have_a_result_and_every_standing_is_there(day: date) -> None:
    made, assessed = government(day)
    years = pack("assessment_validity", day).integer("years")
    newest = {a.person: e.ends_on for e, a in published(assessed)}
    left = Counter(
        "ended" if end <= day else "ends" if (end - day).days <= 90 else "counts"
        for end in (e.replace(year=e.year + years) for e in newest.values())
    )
    assert 0.7 < len(newest) / len(made.people) < 0.88
    assert min(left["ended"], left["ends"]) >= 25
    assert left["counts"] > len(made.people) / 2


def test_a_result_is_superseded_where_a_newer_one_was_published(day: date) -> None:
    by_person: dict[int, list[AssessmentState]] = {}
    for _, a in published(government(day)[1]):
        by_person.setdefault(a.person, []).append(a.state)
    for states in by_person.values():
        assert states == [*[STATES.SUPERSEDED] * (len(states) - 1), STATES.PUBLISHED]
    assert any(len(states) == 2 for states in by_person.values())


def test_everybody_rates_as_what_they_are(day: date) -> None:
    made, assessed = government(day)
    for event in assessed.events:
        chart = Chart(made, event.starts_on)
        for a in event.assessed:
            raters = [part.rater for part in a.parts]
            assert len(set(raters)) == len(raters)
            for part in a.parts:
                if part.rater is not None:
                    assert part.source is true_source(chart, a.person, part.rater)


def true_source(chart: Chart, candidate: int, rater: int) -> RaterSource:
    if rater == candidate:
        return RaterSource.SELF
    if rater in chart.superiors(candidate):
        return RaterSource.SUPERIOR
    return RaterSource.SUBORDINATE if candidate in chart.superiors(rater) else RaterSource.PEER


def test_an_event_is_of_an_accredited_provider(day: date) -> None:
    _, assessed = government(day)
    providers = {provider.code: provider for provider in assessed.providers}
    for event in assessed.events:
        provider = providers[event.provider_code]
        assert event.purpose in provider.purposes
        assert provider.since <= event.starts_on <= event.ends_on
        assert event.ends_on < (provider.until or date.max)
    assert any(provider.until and provider.until <= day for provider in providers.values())


def test_every_stage_is_there(day: date) -> None:
    _, assessed = government(day)
    running = assessed.events[-1]
    assert running.starts_on < day < running.ends_on
    assert {a.state for a in running.assessed} == {
        *(STATES.DRAFT, STATES.SUBMITTED, STATES.MODERATED)
    }
    sources = {part.source for a in running.assessed for part in a.parts}
    assert sources == set(RaterSource)
    for a in running.assessed:
        assert all(part.levels for part in a.parts) == (a.state is not STATES.DRAFT)


def test_people_fall_short_where_the_government_is_weak() -> None:
    made, assessed = government(TODAY)
    (mapping,) = (e for e in assessed.events if e.code == "PEMETAAN")
    chart = Chart(made, mapping.starts_on)
    seen: Counter[str] = Counter()
    for a in mapping.assessed:
        assert all(0 <= level <= 5 for part in a.parts for level in (part.levels or {}).values())
        assert chart.seats[a.person].code == a.position_code
        seen.update(a.parts[0].levels)
    weakest = [code for code, _ in seen.most_common()[::-1] if seen[code] > len(mapping.assessed)]
    assert set(weakest[:3]) == {"komunikasi", "mengelola_perubahan", "pelayanan_publik"}


def test_the_people_of_the_story(day: date) -> None:
    made, assessed = government(day)
    story = assessed.story
    people = {getattr(story, name) for name in story.__slots__}
    assert len(people) == len(story.__slots__)
    mapping, running = assessed.events[-2:]
    chart = Chart(made, running.starts_on)
    assert chart.superiors(story.civil_servant)[0] == story.superior
    (mine,) = (a for a in mapping.assessed if a.person == story.civil_servant)
    assert Counter(p.source for p in mine.parts) == Counter(assessor=1, superior=1, self=1, peer=3)
    (colleague,) = (a for a in running.assessed if a.person == story.colleague)
    waits = {part.rater for part in colleague.parts if part.levels is None}
    assert {story.civil_servant, story.superior} <= waits
    for person in (story.waiting, story.granted):
        (a,) = (a for a in mapping.assessed if a.person == person)
        assert a.published_on is not None
        assert a.published_on < day - timedelta(days=5)
        assert (a.parts[0].levels or {})[OBJECTED] < max((a.parts[0].levels or {}).values())


def test_what_is_imported_is_new(day: date) -> None:
    _, assessed = government(day)
    known = {a.person for a in assessed.events[-2].assessed}
    assert len(assessed.late) >= 12
    assert not known & {late.person for late in assessed.late}
