"""From ratings to levels, gaps, job person match (JPM), band, potential and validity.

Pure: the same inputs under the same rules give the same outcome, in whatever order they came.
A result stores its inputs, the ids of its rules and its outcome as plain JSON (decimals as
text), so that :func:`replay` can compute it again years later and :func:`differences` can tell
what no longer agrees.

Two roundings, both half up, each once: a level to the decimals of the pack `raters`, and the
JPM to those of the pack `jpm`, computed from the levels as they are shown. Bands and gaps are
read off the rounded figures, so that nobody is shown 80.00 in the band below 80.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from math import lcm
from typing import Any, Final, Self

from app.rules import RulePack, by_rule_id, pack
from app.vocabulary import (
    AssessmentPurpose,
    CompetencyKind,
    JpmBand,
    JpmCap,
    JpmFormula,
    Potential,
    RaterSource,
    SourceUse,
)

Json = dict[str, Any]

_KINDS: Final = ("jpm", "jpm_bands", "assessment_validity", "potential", "raters")
_FIT_DECIMALS: Final = 2
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True, order=True)
class Rating:
    """The level that one rater saw, from 0 (`belum menunjukkan level 1`) to 5."""

    source: RaterSource
    level: int


@dataclass(frozen=True, slots=True)
class CompetencyInput:
    """What is known of one competency: the required level, 1 to 5, and the ratings.

    `ruled_level` is fixed by the ruling on an objection, and replaces the ratings.
    """

    code: str
    kind: CompetencyKind
    required: int
    competency_version_id: str | None = None
    ratings: tuple[Rating, ...] = ()
    ruled_level: Decimal | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratings", tuple(sorted(self.ratings)))

    def to_json(self) -> Json:
        """Plain JSON, the same for the same ratings."""
        return {
            "code": self.code,
            "kind": self.kind.value,
            "competency_version_id": self.competency_version_id,
            "required": self.required,
            "ratings": [
                {"source": rating.source.value, "level": rating.level} for rating in self.ratings
            ],
            "ruled_level": _text(self.ruled_level),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back; KeyError or ValueError for anything else."""
        return cls(
            code=data["code"],
            kind=CompetencyKind(data["kind"]),
            required=_whole(data["required"]),
            competency_version_id=data["competency_version_id"],
            ratings=tuple(
                Rating(RaterSource(each["source"]), _whole(each["level"]))
                for each in data["ratings"]
            ),
            ruled_level=_decimal(data["ruled_level"]),
        )


@dataclass(frozen=True, slots=True)
class ScoringInputs:
    """All that a result is computed from. `potential_score` is 0 to 100.

    `competencies` are those the assessment has to measure: one without a level leaves the
    result incomplete. ValueError where one is named twice. The single ratings of anonymous
    sources are in it: what its person may see of them is in the outcome. `withheld` tells how
    many raters there were of an anonymous source that was too small for its ratings to be given.
    """

    purpose: AssessmentPurpose
    assessed_on: date
    potential_score: Decimal | None
    competencies: tuple[CompetencyInput, ...]
    withheld: Mapping[RaterSource, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len({each.code for each in self.competencies}) != len(self.competencies):
            raise ValueError("a competency is named twice")
        by_code = tuple(sorted(self.competencies, key=lambda each: each.code))
        object.__setattr__(self, "competencies", by_code)

    def to_json(self) -> Json:
        """Plain JSON, the same for the same inputs in any order."""
        return {
            "purpose": self.purpose.value,
            "assessed_on": self.assessed_on.isoformat(),
            "potential_score": _text(self.potential_score),
            "competencies": [each.to_json() for each in self.competencies],
            "withheld": {source.value: self.withheld[source] for source in sorted(self.withheld)},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back; KeyError or ValueError for anything else."""
        return cls(
            purpose=AssessmentPurpose(data["purpose"]),
            assessed_on=date.fromisoformat(data["assessed_on"]),
            potential_score=_decimal(data["potential_score"]),
            competencies=tuple(CompetencyInput.from_json(each) for each in data["competencies"]),
            withheld={
                RaterSource(source): _whole(raters) for source, raters in data["withheld"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class RulesUsed:
    """The rule id of each kind of pack, and the variant of the JPM that decides."""

    rule_ids: Mapping[str, str]
    formula: JpmFormula
    cap: JpmCap

    def pack(self, kind: str) -> RulePack:
        """The pack of this kind; RulePackUnknown, or ValueError for one of another kind."""
        found = by_rule_id(self.rule_ids[kind])
        if found.kind != kind:
            raise ValueError(f"rule pack {found.rule_id!r} is of kind {found.kind!r}, not {kind!r}")
        return found

    def to_json(self) -> Json:
        """Plain JSON: the kinds with their rule ids, `formula` and `cap`."""
        return {**self.rule_ids, "formula": self.formula.value, "cap": self.cap.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back; KeyError or ValueError for anything else."""
        return cls(
            rule_ids={kind: data[kind] for kind in _KINDS},
            formula=JpmFormula(data["formula"]),
            cap=JpmCap(data["cap"]),
        )


@dataclass(frozen=True, slots=True)
class SourceMean:
    """The raters of one source for one competency. `weight` is that of the pack.

    `mean` is None below the threshold of anonymity. The weights of the sources that counted
    are shared out anew among them.
    """

    mean: Decimal | None
    raters: int
    weight: int
    reason: SourceUse

    @property
    def counted(self) -> bool:
        """Whether the source is part of the level."""
        return self.reason is SourceUse.COUNTED

    def to_json(self) -> Json:
        """Plain JSON."""
        return {
            "mean": _shown(self.mean),
            "raters": self.raters,
            "counted": self.counted,
            "weight": self.weight,
            "reason": self.reason.value,
        }


@dataclass(frozen=True, slots=True)
class CompetencyScore:
    """One competency measured: `actual` is None where nobody's rating counts."""

    code: str
    kind: CompetencyKind
    required: int
    actual: Decimal | None
    by_source: Mapping[RaterSource, SourceMean]

    @property
    def gap(self) -> Decimal | None:
        """What is missing to the required level, 0 where nothing is."""
        return None if self.actual is None else _above(Decimal(self.required), self.actual)

    @property
    def surplus(self) -> Decimal | None:
        """What is above the required level, 0 where nothing is."""
        return None if self.actual is None else _above(self.actual, Decimal(self.required))

    def to_json(self) -> Json:
        """Plain JSON."""
        return {
            "code": self.code,
            "kind": self.kind.value,
            "required": self.required,
            "actual": _shown(self.actual),
            "gap": _shown(self.gap),
            "surplus": _shown(self.surplus),
            "by_source": {source.value: mean.to_json() for source, mean in self.by_source.items()},
        }


@dataclass(frozen=True, slots=True)
class Scoring:
    """The outcome. All nine must be assessed: with something `missing` there is no JPM.

    `variants` holds the JPM by formula and cap; `formula` and `cap` are those that decide.
    `valid_until` is the first day on which the result is no longer valid.
    """

    purpose: AssessmentPurpose
    competencies: tuple[CompetencyScore, ...]
    missing: tuple[str, ...]
    formula: JpmFormula
    cap: JpmCap
    variants: Mapping[JpmFormula, Mapping[JpmCap, Decimal | None]]
    band: JpmBand | None
    potential: Potential | None
    valid_until: date

    @property
    def complete(self) -> bool:
        """Whether all that has to be measured was."""
        return not self.missing

    @property
    def jpm(self) -> Decimal | None:
        """The JPM that decides on the band, in percent."""
        return self.variants[self.formula][self.cap]

    @property
    def jpm_uncapped(self) -> Decimal | None:
        """By the same formula, with every surplus counted."""
        return self.variants[self.formula][JpmCap.NONE]

    @property
    def jpm_capped(self) -> Decimal | None:
        """By the same formula, at most 100 as a whole."""
        return self.variants[self.formula][JpmCap.TOTAL]

    def to_json(self) -> Json:
        """Plain JSON, as the outcome is stored and as `replay` gives it."""
        return {
            "purpose": self.purpose.value,
            "competencies": [each.to_json() for each in self.competencies],
            "complete": self.complete,
            "missing": list(self.missing),
            "formula": self.formula.value,
            "cap": self.cap.value,
            "jpm": _shown(self.jpm),
            "jpm_uncapped": _shown(self.jpm_uncapped),
            "jpm_capped": _shown(self.jpm_capped),
            "variants": {
                formula.value: {cap.value: _shown(jpm) for cap, jpm in caps.items()}
                for formula, caps in self.variants.items()
            },
            "band": self.band and self.band.value,
            "potential": self.potential and self.potential.value,
            "valid_until": self.valid_until.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Fit:
    """How somebody's levels fit a seat; `gaps` and `surplus` hold only what isn't 0."""

    percent: Decimal
    gaps: Mapping[str, Decimal]
    surplus: Mapping[str, Decimal]
    not_measured: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every required level is reached."""
        return not self.gaps and not self.not_measured

    def to_json(self) -> Json:
        """Plain JSON, gaps largest first."""
        return {
            "percent": _shown(self.percent),
            "fits": self.fits,
            "gaps": {code: _shown(gap) for code, gap in self.gaps.items()},
            "surplus": {code: _shown(surplus) for code, surplus in self.surplus.items()},
            "not_measured": list(self.not_measured),
        }


def rules_in_force(on: date) -> RulesUsed:
    """The rules for an assessment of this day; RulePackMissing before the first of them."""
    jpm = pack("jpm", on)
    return RulesUsed(
        rule_ids={kind: pack(kind, on).rule_id for kind in _KINDS},
        formula=JpmFormula(jpm.text("formula")),
        cap=JpmCap(jpm.text("cap")),
    )


def score(inputs: ScoringInputs, rules: RulesUsed) -> Scoring:
    """The outcome of an assessment.

    ValueError for a level or a score out of its range, or what may not be withheld.
    """
    rule = rules.pack("raters")
    withheld = _withheld(inputs, rule)
    competencies = tuple(_measured(each, rule, withheld) for each in inputs.competencies)
    missing = _missing(competencies, rules.pack("jpm"))
    variants = _variants(() if missing else competencies, rules.pack("jpm"))
    jpm = variants[rules.formula][rules.cap]
    return Scoring(
        purpose=inputs.purpose,
        competencies=competencies,
        missing=missing,
        formula=rules.formula,
        cap=rules.cap,
        variants=variants,
        band=None if jpm is None else _band(jpm, inputs.purpose, rules),
        potential=_potential(inputs.potential_score, rules.pack("potential")),
        valid_until=_valid_until(inputs.assessed_on, rules.pack("assessment_validity")),
    )


def replay(inputs: Mapping[str, Any], rules: Mapping[str, Any]) -> Json:
    """The outcome of stored inputs under the stored rules, computed again.

    KeyError, ValueError or RulePackUnknown where what was stored can't be read.
    """
    return score(ScoringInputs.from_json(inputs), RulesUsed.from_json(rules)).to_json()


def differences(stored: Any, recomputed: Any, at: str = "") -> list[str]:
    """JSON pointers (RFC 6901) to what differs or is on one side only; `""` is the whole."""
    if isinstance(stored, dict) and isinstance(recomputed, dict):
        parts: Iterable[tuple[Any, bool]] = (
            (key, key in stored and key in recomputed) for key in sorted({*stored, *recomputed})
        )
    elif isinstance(stored, list) and isinstance(recomputed, list):
        shorter, longer = sorted((len(stored), len(recomputed)))
        parts = ((index, index < shorter) for index in range(longer))
    else:
        same = type(stored) is type(recomputed) and stored == recomputed
        return [] if same else [at]
    found = []
    for key, in_both in parts:
        path = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found += differences(stored[key], recomputed[key], path) if in_both else [path]
    return found


def what_would_change_it(scoring: Scoring, rules: RulesUsed) -> list[Json]:
    """For each band above the present one, nearest first: what is missing, and what would help.

    `missing` is in points of JPM. `gaps` are the gaps, largest first, each with the `jpm` and
    `band` if that gap alone were closed, and whether that `reaches` the band. Empty in the best
    band, and without a JPM.
    """
    jpm = scoring.jpm
    if jpm is None:
        return []
    closed = [_with_gap_closed(each, scoring, rules) for each in _largest_gap_first(scoring)]
    bounds = _bounds(rules.pack("jpm_bands"), "from", scoring.purpose)
    return [
        {
            "band": band,
            "from": _shown(bound),
            "missing": _shown(bound - jpm),
            "gaps": [{**each, "reaches": Decimal(each["jpm"]) >= bound} for each in closed],
        }
        for band, bound in [*bounds.items()][::-1]
        if bound > jpm
    ]


def fit(levels: Mapping[str, Decimal | None], required: Mapping[str, int]) -> Fit:
    """How levels, by competency, fit what a seat requires. ValueError if it requires nothing.

    The percentage counts each competency at most at its required level: a surplus never makes
    up for a gap, so 100 means that nothing is missing (only beyond 39 competencies may a gap of
    0.01 be rounded away; `fits` tells it even then). What isn't measured counts as 0. The figure
    ranks and explains; it isn't the JPM of an assessment, and has no band.
    """
    if not required:
        raise ValueError("the seat requires no competency")
    known = {code: level for code in required if (level := levels.get(code)) is not None}
    pairs = [(known.get(code, Decimal(0)), level) for code, level in required.items()]
    ratio = _percent(pairs, JpmFormula.SUM_RATIO, JpmCap.COMPETENCY)
    gaps = {code: _above(Decimal(required[code]), level) for code, level in known.items()}
    surplus = {code: _above(level, Decimal(required[code])) for code, level in known.items()}
    return Fit(
        percent=_rounded(ratio, _FIT_DECIMALS),
        gaps=_largest_first(gaps),
        surplus=_largest_first(surplus),
        not_measured=tuple(sorted(required.keys() - known.keys())),
    )


def _withheld(inputs: ScoringInputs, rule: RulePack) -> dict[RaterSource, SourceMean]:
    rated = {rating.source for each in inputs.competencies for rating in each.ratings}
    means = {}
    for source, raters in inputs.withheld.items():
        few = source.is_anonymous and 0 < raters < rule.integer("anonymity_threshold")
        if source in rated or not few:
            raise ValueError(f"ratings of {raters} {source.value} are not withheld")
        weight = rule.integer("weight", source)
        means[source] = SourceMean(None, raters, weight, SourceUse.BELOW_THRESHOLD)
    return means


def _measured(
    given: CompetencyInput, rule: RulePack, withheld: Mapping[RaterSource, SourceMean]
) -> CompetencyScore:
    _require_levels(given, rule)
    by_source: dict[RaterSource, SourceMean] = dict(withheld)
    counted: list[tuple[int, Fraction]] = []
    for source, group in groupby(given.ratings, key=lambda rating: rating.source):
        levels = [rating.level for rating in group]
        mean = Fraction(sum(levels), len(levels))
        by_source[source] = _source_mean(source, mean, len(levels), given, rule)
        if by_source[source].counted:
            counted.append((by_source[source].weight, mean))
    actual = _weighted(counted) if given.ruled_level is None else Fraction(given.ruled_level)
    level = None if actual is None else _rounded(actual, rule.integer("decimals"))
    in_order = dict(sorted(by_source.items()))
    return CompetencyScore(given.code, given.kind, given.required, level, in_order)


def _weighted(counted: Sequence[tuple[int, Fraction]]) -> Fraction | None:
    if not counted:
        return None
    total = sum((weight * mean for weight, mean in counted), Fraction(0))
    return total / sum(weight for weight, _ in counted)


def _source_mean(
    source: RaterSource, mean: Fraction, raters: int, given: CompetencyInput, rule: RulePack
) -> SourceMean:
    use = _use(source, raters, given, rule)
    hidden = use is SourceUse.BELOW_THRESHOLD
    shown = None if hidden else _rounded(mean, rule.integer("decimals"))
    return SourceMean(shown, raters, rule.integer("weight", source), use)


def _use(source: RaterSource, raters: int, given: CompetencyInput, rule: RulePack) -> SourceUse:
    if source.is_anonymous and raters < rule.integer("anonymity_threshold"):
        return SourceUse.BELOW_THRESHOLD
    if rule.integer("weight", source) == 0:
        return SourceUse.SHOWN_ONLY
    if given.ruled_level is not None:
        return SourceUse.REPLACED_BY_RULING
    return SourceUse.COUNTED


def _require_levels(given: CompetencyInput, rule: RulePack) -> None:
    low, high = rule.integer("level_min"), rule.integer("level_max")
    rated: list[int | Decimal] = [rating.level for rating in given.ratings]
    if given.ruled_level is not None:
        rated.append(given.ruled_level)
    if not all(low <= level <= high for level in rated) or not low < given.required <= high:
        raise ValueError(f"a level of {given.code!r} is not between {low} and {high}")


def _missing(competencies: Sequence[CompetencyScore], rule: RulePack) -> tuple[str, ...]:
    measured = {each.code for each in competencies if each.actual is not None}
    wanted = {each.code for each in competencies} | set(rule.texts("must_be_measured"))
    return tuple(sorted(wanted - measured))


def _variants(
    competencies: Sequence[CompetencyScore], rule: RulePack
) -> Mapping[JpmFormula, Mapping[JpmCap, Decimal | None]]:
    pairs = _pairs(competencies)
    decimals = rule.integer("decimals")
    return {
        formula: {
            cap: _rounded(_percent(pairs, formula, cap), decimals) if pairs else None
            for cap in JpmCap
        }
        for formula in JpmFormula
    }


def _pairs(competencies: Iterable[CompetencyScore]) -> list[tuple[Decimal, int]]:
    return [(each.actual, each.required) for each in competencies if each.actual is not None]


def _percent(pairs: Sequence[tuple[Decimal, int]], formula: JpmFormula, cap: JpmCap) -> Fraction:
    """JPM of (actual, required) pairs, exact. The sums of decimals are exact as well."""
    if cap is JpmCap.COMPETENCY:
        pairs = [(min(actual, Decimal(required)), required) for actual, required in pairs]
    if formula is JpmFormula.SUM_RATIO:
        actual_sum = sum((actual for actual, _ in pairs), Decimal(0))
        whole = sum(required for _, required in pairs)
    else:  # each ratio brought to one denominator
        scale = lcm(*(required for _, required in pairs))
        actual_sum = sum((actual * (scale // required) for actual, required in pairs), Decimal(0))
        whole = scale * len(pairs)
    percent = 100 * Fraction(actual_sum) / whole
    return min(percent, Fraction(100)) if cap is JpmCap.TOTAL else percent


def _band(jpm: Decimal, purpose: AssessmentPurpose, rules: RulesUsed) -> JpmBand:
    return JpmBand(_reached(jpm, _bounds(rules.pack("jpm_bands"), "from", purpose)))


def _potential(score: Decimal | None, rule: RulePack) -> Potential | None:
    if score is None:
        return None
    if not 0 <= score <= 100:
        raise ValueError("the score of potential is not between 0 and 100")
    return Potential(_reached(score, _bounds(rule, "from")))


def _bounds(rule: RulePack, *path: str) -> Mapping[str, Decimal]:
    """Lower bounds by band, best band first."""
    return {band: rule.decimal(*path, band) for band in rule.table(*path)}


def _reached(value: Decimal, bounds: Mapping[str, Decimal]) -> str:
    return next(band for band, bound in bounds.items() if value >= bound)


def _valid_until(assessed_on: date, rule: RulePack) -> date:
    year = assessed_on.year + rule.integer("years")
    try:
        return assessed_on.replace(year=year)
    except ValueError:  # 29 February: valid through the 28th
        return date(year, 3, 1)


def _largest_gap_first(scoring: Scoring) -> list[CompetencyScore]:
    gaps = _largest_first({each.code: each.gap or Decimal(0) for each in scoring.competencies})
    by_code = {each.code: each for each in scoring.competencies}
    return [by_code[code] for code in gaps]


def _with_gap_closed(closed: CompetencyScore, scoring: Scoring, rules: RulesUsed) -> Json:
    others = [each for each in scoring.competencies if each is not closed]
    pairs = [*_pairs(others), (Decimal(closed.required), closed.required)]
    jpm = _rounded(
        _percent(pairs, scoring.formula, scoring.cap), rules.pack("jpm").integer("decimals")
    )
    return {
        "code": closed.code,
        "gap": _shown(closed.gap),
        "jpm": _shown(jpm),
        "band": _band(jpm, scoring.purpose, rules).value,
    }


def _largest_first(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What isn't 0, largest first, then by code."""
    positive = [(code, amount) for code, amount in amounts.items() if amount > 0]
    return dict(sorted(positive, key=lambda item: (-item[1], item[0])))


def _above(value: Decimal, other: Decimal) -> Decimal:
    difference = value - other
    return difference if difference > 0 else difference - difference  # 0 with its decimals


def _rounded(value: Fraction, decimals: int) -> Decimal:
    """Half up, for what isn't negative."""
    numerator, denominator = value.numerator * 10**decimals, value.denominator
    return Decimal((2 * numerator + denominator) // (2 * denominator)).scaleb(-decimals)


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _text(value: Decimal | None) -> str | None:
    """One text for one number: 80 and 80.00 are the same input."""
    return None if value is None else f"{value.normalize():f}"


def _decimal(text: Any) -> Decimal | None:
    if text is None:
        return None
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal as text")
    return Decimal(text)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    return value
