"""Who was assessed in the demo government, when, by whom, and at which levels.

Only what people do is made up here: what comes of it is left to the rules. Numbers stand for
people, by their place in the population.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle, islice
from random import Random
from typing import Final, NamedTuple, TypeAlias

from app.demo.chart import Chart
from app.demo.organisation import Position
from app.demo.population import Person, Population
from app.rules import pack
from app.rules.standards import default_level
from app.vocabulary import (
    AssessmentMethod,
    AssessmentPurpose,
    AssessmentState,
    EmploymentStatus,
    JobKind,
    RaterSource,
)

Levels: TypeAlias = Mapping[str, int]
"""Levels by code of the competency."""
S: Final = AssessmentState
_DAY: Final = timedelta(days=1)


# --- what there is --------------------------------------------------------------------------


class Provider(NamedTuple):
    """An institution, and what it is accredited for; `until` is the first day without it."""

    code: str
    name: str
    accreditation_no: str
    purposes: Sequence[AssessmentPurpose]
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one rater gave; no levels while they are still at it."""

    source: RaterSource
    rater: int | None
    """None: the provider's own assessors."""
    levels: Levels | None
    potential: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Assessed:
    """One person's assessment, and where it stands."""

    person: int
    position_code: str
    state: AssessmentState
    parts: Sequence[Part]
    published_on: date | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An occasion with everybody assessed on it."""

    code: str
    title: str
    purpose: AssessmentPurpose
    method: AssessmentMethod
    provider_code: str
    starts_on: date
    ends_on: date
    closed: bool
    assessed: Sequence[Assessed]


@dataclass(frozen=True, slots=True)
class Standard:
    """Technical levels that a position requires from a day on, once they are approved."""

    position_code: str
    effective_from: date
    levels: Levels
    approved: bool


@dataclass(frozen=True, slots=True)
class Story:
    """The people whom the first five minutes are about."""

    civil_servant: int
    superior: int
    colleague: int
    """A peer whom the civil servant is asked to rate."""
    waiting: int
    """Has objected, and waits for a ruling."""
    granted: int
    """Has objected, and was right."""


class Late(NamedTuple):
    """Levels that came by file after everybody else's."""

    person: int
    levels: Levels
    potential: Decimal


@dataclass(frozen=True, slots=True)
class Assessments:
    """All of it."""

    story: Story
    providers: Sequence[Provider]
    standards: Sequence[Standard]
    events: Sequence[Event]
    late: Sequence[Late]
    """Results of `MAPPING` that are still to be imported."""


MAPPING: Final = "PEMETAAN"
"""Of the event whose results count now."""
OBJECTED: Final = "komunikasi"
"""What the objections are about."""
UPT: Final = "UPT-PK"
_LENTERA: Final = "LENTERA"


# --- standards ------------------------------------------------------------------------------

_TECHNICAL: Final[Mapping[str, Sequence[str]]] = {
    "DINSOS.1": ("pendampingan_sosial", "pengelolaan_bantuan_sosial"),
    "DINSOS.2": ("pengelolaan_bantuan_sosial",),
    "BKPSDM.1": ("administrasi_kepegawaian",),
    "DISKOMINFO.2": ("pengelolaan_komunikasi_publik", "pelayanan_informasi_publik"),
}
_PROPOSED: Final = ("DISDUKCAPIL.1", "administrasi_kependudukan")


def _standards(made: Population, since: date) -> list[Standard]:
    """At the level of the position's tier; one waits for its approval."""
    wanted: dict[str, Sequence[str]] = {**_TECHNICAL, _PROPOSED[0]: _PROPOSED[1:]}
    found = [
        Standard(
            position.code,
            since,
            dict.fromkeys(
                wanted[position.unit_code],
                default_level(position.kind, position.jenjang, since).value,
            ),
            approved=position.unit_code in _TECHNICAL,
        )
        for position in made.organisation.open_positions()
        if position.unit_code in wanted
    ]
    pending = next(each for each in found if not each.approved)
    return [*(each for each in found if each.approved), pending]


@dataclass(frozen=True, slots=True)
class _Required:
    """Which levels a position requires on a day."""

    standards: Sequence[Standard]

    def __call__(self, position: Position, day: date) -> dict[str, int]:
        default = default_level(position.kind, position.jenjang, day).value
        levels = dict.fromkeys(pack("jpm", day).texts("must_be_measured"), default)
        for each in self.standards:
            if each.approved and each.position_code == position.code:
                levels |= each.levels if each.effective_from <= day else {}
        return levels


# --- levels ---------------------------------------------------------------------------------

# What the government is at pains to better: people fall short here more than elsewhere.
_WEAK: Final = {"komunikasi": 0.5, "pelayanan_publik": 0.4, "mengelola_perubahan": 0.65}

_SHORT: Final = {"komunikasi": 1, "pelayanan_publik": 1, "mengelola_perubahan": 2}
"""Of the civil servant whom the first five minutes are about."""


@dataclass(frozen=True, slots=True)
class _Eyes:
    """What raters see in people, who are stronger or weaker as a whole."""

    rng: Random
    strengths: dict[int, float] = field(default_factory=dict)

    def strength(self, person: int) -> float:
        if person not in self.strengths:
            self.strengths[person] = self.rng.gauss(0.1, 0.35)
        return self.strengths[person]

    def levels(self, person: int, required: Levels) -> dict[str, int]:
        """What trained assessors see: around what is required."""
        strength = self.strength(person) + 0.2
        return {
            code: _level(level + strength + self.rng.gauss(0, 0.45) - _WEAK.get(code, 0))
            for code, level in required.items()
        }

    def others(self, seen: Levels, bias: float = 0.1) -> dict[str, int]:
        """What somebody else sees in the same person: about the same."""
        return {code: _level(level + self.rng.gauss(bias, 0.4)) for code, level in seen.items()}

    def assessors(self, person: int, levels: Levels) -> Part:
        """The part of the provider's own assessors, with a score of potential."""
        potential = self.rng.gauss(70 + 14 * self.strength(person), 7)
        score = Decimal(round(100 * min(99.0, max(35.0, potential)))) / 100
        return Part(RaterSource.ASSESSOR, None, levels, score)


def _level(seen: float) -> int:
    return max(0, min(5, round(seen)))


# --- what happened --------------------------------------------------------------------------

_COUNTS: Final = 0.62
_ENDING: Final = 0.78
_ENDED: Final = 0.9
_UNDER_WAY: Final = 0.94
"""Of the people: whose newest result counts, soon ends, has ended; is still being made."""
_EARLIER: Final = 0.25
"""Of those with a result that counts: who have one of the time before, too."""
_CANDIDATES: Final = 10
_LATE: Final = 14
_VALID: Final = 3 * 365 + 1  # days; about what results are valid


def assessments(made: Population) -> Assessments:
    """The same for the same population."""
    rng = Random(f"{made.seed}/assessments")  # noqa: S311 - demo data, not a secret
    today = made.today
    standards = _standards(made, today - timedelta(days=150))
    maker = _Maker(made, _Eyes(rng), _Required(standards))
    mapping = _Days(today - timedelta(days=75), today - timedelta(days=40))
    ending = _Days(today - timedelta(days=_VALID - 15), today - timedelta(days=_VALID - 50))
    ended = _Days(today - timedelta(days=_VALID + 75), today - timedelta(days=_VALID + 40))
    story = maker.story(mapping, ending)
    groups = maker.groups(rng, story, mapping)
    return Assessments(
        story=story,
        providers=_providers(ended),
        standards=standards,
        events=(
            maker.earlier("I", _LENTERA, ended, groups.ended, groups.counts),
            maker.earlier("II", UPT, ending, groups.ending, groups.counts),
            maker.current(mapping, groups, story),
            maker.promotion(_Days(today - 14 * _DAY, today + 14 * _DAY), story),
        ),
        late=[maker.late(person, mapping) for person in groups.missing[:_LATE]],
    )


def civil_servant(made: Population, charts: Sequence[Chart]) -> int:
    """Somebody with a long history: best a fungsional of the Dinas Sosial, seated in all charts."""
    now = charts[0]

    def likeness(number: int) -> tuple[bool, ...]:
        position = now.seats.get(number)
        return (
            position is not None and position.kind is JobKind.FUNGSIONAL,
            position is not None and position.unit_code.startswith("DINSOS."),
            all(number in chart.seats for chart in charts),
            _has_a_story(made.people[number]),
        )

    return max(range(len(made.people)), key=lambda number: (likeness(number), -number))


def _has_a_story(p: Person) -> bool:
    return p.status is EmploymentStatus.PNS and len(p.jobs) > 1 and len(p.golongan) > 2


def _providers(ended: "_Days") -> tuple[Provider, ...]:
    """One that assesses today, and one that no longer does."""
    return (
        Provider(
            UPT,
            "UPT Penilaian Kompetensi",
            f"A/{ended.first.year - 1}/0417",
            tuple(AssessmentPurpose),
            date(ended.first.year - 1, 1, 1),
            None,
        ),
        Provider(
            _LENTERA,
            "Lembaga Asesmen Lentera Kompetensi",
            f"B/{ended.first.year - 2}/0093",
            (AssessmentPurpose.MAPPING,),
            date(ended.first.year - 2, 7, 1),
            date(ended.last.year + 1, 7, 1),
        ),
    )


class _Days(NamedTuple):
    """The days of an event."""

    first: date
    last: date


@dataclass(slots=True)
class _Groups:
    """Which results people have."""

    counts: set[int] = field(default_factory=set)
    ending: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    under_way: set[int] = field(default_factory=set)
    missing: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Maker:
    made: Population
    eyes: _Eyes
    required: _Required
    charts: dict[date, Chart] = field(default_factory=dict)

    def chart(self, day: date) -> Chart:
        if day not in self.charts:
            self.charts[day] = Chart(self.made, day)
        return self.charts[day]

    def seated(self, days: _Days) -> dict[int, Position]:
        """Whoever held one position from the first day to the last."""
        last = self.chart(days.last).seats
        first = self.chart(days.first).seats
        return {n: position for n, position in first.items() if last.get(n) == position}

    def story(self, mapping: _Days, ending: _Days) -> Story:
        days = (*mapping, *ending)
        hero = civil_servant(self.made, [self.chart(day) for day in days])
        seated = self.seated(mapping)
        chart = self.chart(mapping.first)
        others = [
            number
            for number, position in seated.items()
            if position.kind is JobKind.FUNGSIONAL
            and position.unit_code.split(".")[0] != chart.seats[hero].unit_code.split(".")[0]
            and default_level(position.kind, position.jenjang, mapping.last).value > 1
        ]
        superior = chart.superiors(hero)[0]
        colleague = next(n for n in chart.peers(hero) if chart.superiors(n)[:1] == [superior])
        return Story(hero, superior, colleague, *others[:2])

    def groups(self, rng: Random, story: Story, mapping: _Days) -> _Groups:
        """Who is assessed on which event."""
        found = _Groups()
        seated = self.seated(mapping)
        for number in range(len(self.made.people)):
            chance = rng.random()
            known = number in (story.civil_servant, story.waiting, story.granted)
            if number in seated and (known or chance < _COUNTS):
                found.counts.add(number)
                if number == story.civil_servant or rng.random() < _EARLIER:
                    found.ending.add(number)
            elif chance < _ENDING:
                found.ending.add(number)
            elif chance < _ENDED:
                found.ended.add(number)
            elif number in seated and chance < _UNDER_WAY:
                found.under_way.add(number)
            elif number in seated:
                found.missing.append(number)
        return found

    def earlier(
        self, wave: str, provider: str, days: _Days, people: set[int], counts: set[int]
    ) -> Event:
        """A wave three years ago: only the provider's assessors rated."""
        assessed = []
        for person, position in self.seated(days).items():
            if person not in people:
                continue
            levels = self.eyes.levels(person, self.required(position, days.last))
            assessed.append(
                Assessed(
                    person,
                    position.code,
                    S.SUPERSEDED if person in counts else S.PUBLISHED,
                    [self.eyes.assessors(person, levels)],
                    days.last + 21 * _DAY,
                )
            )
        year = days.last.year
        return Event(
            f"{MAPPING}-{year}-{wave}",
            f"Pemetaan Kompetensi {year} Gelombang {wave}",
            AssessmentPurpose.MAPPING,
            AssessmentMethod.ASSESSMENT_CENTER,
            provider,
            *days,
            closed=True,
            assessed=assessed,
        )

    def current(self, days: _Days, groups: _Groups, story: Story) -> Event:
        """The mapping that counts now, with what superiors saw; a few are still under way."""
        chart = self.chart(days.first)
        assessed = []
        stages = cycle((S.MODERATED, S.SUBMITTED, S.SUBMITTED))
        for person, position in self.seated(days).items():
            done = person in groups.counts
            if not done and person not in groups.under_way:
                continue
            required = self.required(position, days.last)
            assessed.append(
                Assessed(
                    person,
                    position.code,
                    S.PUBLISHED if done else next(stages),
                    self._current_parts(chart, person, required, story),
                    self._published_on(person, story) if done else None,
                )
            )
        year = days.last.year
        return Event(
            MAPPING,
            f"Pemetaan Kompetensi {year}",
            AssessmentPurpose.MAPPING,
            AssessmentMethod.ASSESSMENT_CENTER,
            UPT,
            *days,
            closed=False,
            assessed=assessed,
        )

    def _published_on(self, person: int, story: Story) -> date:
        ago = {story.granted: 34, story.waiting: 8}.get(person, 5)
        return self.made.today - timedelta(days=ago)

    def _current_parts(
        self, chart: Chart, person: int, required: Levels, story: Story
    ) -> list[Part]:
        """The assessors and the superior."""
        superiors = chart.superiors(person)[:1]
        if person == story.civil_servant:
            return self._civil_servants_parts(superiors, chart.peers(person), person, required)
        levels = self.eyes.levels(person, required)
        if person in (story.waiting, story.granted):
            levels[OBJECTED] = required[OBJECTED] - 1
        seen = (Part(RaterSource.SUPERIOR, n, self.eyes.others(levels)) for n in superiors)
        return [self.eyes.assessors(person, levels), *seen]

    def _civil_servants_parts(
        self, superiors: Iterable[int], peers: Iterable[int], person: int, required: Levels
    ) -> list[Part]:
        """Good at their trade, short in what is hard for others too; rated from all sides."""
        short = {code: max(0, required[code] - missing) for code, missing in _SHORT.items()}
        levels = {**required, **short}
        served = {**levels, "pelayanan_publik": required["pelayanan_publik"]}
        return [
            self.eyes.assessors(person, levels),
            *(Part(RaterSource.SUPERIOR, n, served) for n in superiors),
            Part(RaterSource.SELF, person, required),
            *(Part(RaterSource.PEER, n, levels) for n in islice(peers, 3)),
        ]

    def promotion(self, days: _Days, story: Story) -> Event:
        """Candidates for vacant seats, rated from all sides; all stages are there."""
        chart = self.chart(days.first)
        seats = cycle(chart.vacant_leading_positions() or [chart.seats[story.superior]])
        stages = (*[S.DRAFT] * 4, *[S.SUBMITTED] * 3, *[S.MODERATED] * 3)
        assessed = []
        for person, stage in zip(self._candidates(chart, story), stages, strict=True):
            target = next(seats)
            parts = self._all_sides(chart, person, self.required(target, days.last), story)
            if stage is S.DRAFT:
                parts = [self._maybe_waiting(n, part, story) for n, part in enumerate(parts)]
            assessed.append(Assessed(person, target.code, stage, parts))
        return Event(
            f"PROMOSI-{days.first.year}",
            f"Promosi Terbuka {days.first.year}",
            AssessmentPurpose.PROMOTION,
            AssessmentMethod.MULTI_RATER,
            UPT,
            *days,
            closed=False,
            assessed=assessed,
        )

    def _candidates(self, chart: Chart, story: Story) -> Iterator[int]:
        """The colleague first; then leaders with people under them, and experts, in turn."""
        known = {story.civil_servant, story.superior, story.colleague}
        in_service = (n for n in chart.seats if n not in known and chart.superiors(n))
        enough = [n for n in in_service if len(list(islice(chart.peers(n), 3))) == 3]
        leaders = [
            n
            for n in enough
            if chart.seats[n].kind in (JobKind.ADMINISTRATOR, JobKind.PENGAWAS)
            and len(chart.subordinates(n)) >= 3
        ]
        experts = [n for n in enough if chart.seats[n].kind is JobKind.FUNGSIONAL]
        chosen = [
            each
            for pair in zip(leaders[::3], experts[:: max(1, len(experts) // 8)], strict=False)
            for each in pair
        ]
        return islice((story.colleague, *chosen, *experts[1:]), _CANDIDATES)

    def _all_sides(self, chart: Chart, person: int, required: Levels, story: Story) -> list[Part]:
        levels = self.eyes.levels(person, required)
        peers = list(islice(chart.peers(person), 3))
        if person == story.colleague and story.civil_servant not in peers:
            peers[0] = story.civil_servant
        superiors, led = chart.superiors(person)[:1], chart.subordinates(person)[:3]
        sides = (
            (RaterSource.SELF, [person], 0.5),
            (RaterSource.SUPERIOR, superiors, 0.1),
            (RaterSource.PEER, peers, 0.1),
            (RaterSource.SUBORDINATE, led, 0.3),
        )
        parts = [
            Part(source, rater, self.eyes.others(levels, bias))
            for source, raters, bias in sides
            for rater in raters
        ]
        return [self.eyes.assessors(person, levels), *parts]

    @staticmethod
    def _maybe_waiting(number: int, part: Part, story: Story) -> Part:
        """In a draft, every third rater isn't done, nor is anybody of the story."""
        mine = part.rater in (story.civil_servant, story.superior)
        if part.rater is None or not (mine or number % 3 == 0):
            return part
        return Part(part.source, part.rater, None)

    def late(self, person: int, days: _Days) -> Late:
        """What the provider sends for somebody after the others."""
        position = self.chart(days.first).seats[person]
        levels = self.eyes.levels(person, self.required(position, days.last))
        return Late(person, levels, self.eyes.assessors(person, levels).potential or Decimal(0))
