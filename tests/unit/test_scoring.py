"""Scoring: levels, gaps, JPM, bands, validity, and that the same comes out again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import rules
from app.rules import RulePackMissing, RulePackUnknown, all_packs, by_rule_id, pack
from app.rules.scoring import (
    CompetencyInput,
    CompetencyScore,
    Rating,
    RulesUsed,
    Scoring,
    ScoringInputs,
    differences,
    fit,
    replay,
    rules_in_force,
    score,
    what_would_change_it,
)
from app.rules.standards import default_level
from app.vocabulary import (
    AssessmentPurpose,
    CompetencyKind,
    Jenjang,
    JobKind,
    JpmBand,
    JpmCap,
    JpmFormula,
    Potential,
    RaterSource,
    SourceUse,
)

DAY = date(2026, 3, 2)
RULES = rules_in_force(DAY)
NINE = RULES.pack("jpm").texts("must_be_measured")
TECHNICAL = tuple(f"teknis_{number:02}" for number in range(1, 32))
ASSESSOR, SELF, PEER = RaterSource.ASSESSOR, RaterSource.SELF, RaterSource.PEER
SUPERIOR, SUBORDINATE = RaterSource.SUPERIOR, RaterSource.SUBORDINATE
NOTHING: Mapping[RaterSource, int] = {}

unhurried = settings(deadline=None)


def competency(
    code: str = "integritas",
    *ratings: tuple[RaterSource, int],
    required: int = 3,
    ruled: str | None = None,
) -> CompetencyInput:
    kind = CompetencyKind.MANAGERIAL
    if code not in NINE:
        kind = CompetencyKind.TECHNICAL
    return CompetencyInput(
        code=code,
        kind=kind,
        required=required,
        ratings=tuple(Rating(source, level) for source, level in ratings),
        ruled_level=None if ruled is None else Decimal(ruled),
    )


def inputs_of(
    *competencies: CompetencyInput,
    purpose: AssessmentPurpose = AssessmentPurpose.PROMOTION,
    potential: str | None = None,
    on: date = DAY,
    withheld: Mapping[RaterSource, int] = NOTHING,
) -> ScoringInputs:
    score_of_potential = None if potential is None else Decimal(potential)
    return ScoringInputs(purpose, on, score_of_potential, competencies, withheld)


def measured(*ratings: tuple[RaterSource, int], ruled: str | None = None) -> CompetencyScore:
    """How one competency comes out of these ratings."""
    scored = score(inputs_of(competency("integritas", *ratings, ruled=ruled)), RULES)
    return scored.competencies[0]


def of_total(total: Decimal, count: int, purpose: AssessmentPurpose) -> ScoringInputs:
    """Inputs whose `count` competencies, each of level 5 required, reach `total` together."""
    competencies = []
    for code in (NINE + TECHNICAL)[:count]:
        level = min(total, Decimal(5))
        total -= level
        competencies.append(competency(code, required=5, ruled=str(level)))
    return inputs_of(*competencies, purpose=purpose)


def with_jpm(jpm: Decimal, purpose: AssessmentPurpose) -> ScoringInputs:
    """Inputs that score exactly this JPM, two decimals: 100 levels are required."""
    return of_total(jpm, 20, purpose)


def raised(inputs: ScoringInputs, code: str) -> ScoringInputs:
    """The same, with every rating of one competency a level higher where there is one."""

    def higher(rating: Rating) -> Rating:
        return replace(rating, level=min(rating.level + 1, 5))

    return replace(
        inputs,
        competencies=tuple(
            replace(each, ratings=tuple(map(higher, each.ratings))) if each.code == code else each
            for each in inputs.competencies
        ),
    )


def as_stored(plain: Any) -> Any:
    """What is read back from a column of JSON."""
    return json.loads(json.dumps(plain))


def by_code(scoring: Scoring) -> dict[str, CompetencyScore]:
    return {each.code: each for each in scoring.competencies}


one_competencys_ratings = st.lists(
    st.tuples(st.sampled_from(list(RaterSource)), st.integers(0, 5)), max_size=9
)


@st.composite
def any_inputs(draw: st.DrawFn, *, complete: bool = False) -> ScoringInputs:
    """Inputs of the nine and a few technical competencies, in any order."""
    codes = draw(st.permutations([*NINE, *TECHNICAL[: draw(st.integers(0, 3))]]))
    if not complete:
        codes = codes[draw(st.integers(0, 2)) :]
    given_competencies = []
    for code in codes:
        rated = draw(one_competencys_ratings)
        if complete:
            rated.append((ASSESSOR, draw(st.integers(0, 5))))
        given_competencies.append(competency(code, *rated, required=draw(st.integers(1, 5))))
    return inputs_of(
        *given_competencies,
        purpose=draw(st.sampled_from(list(AssessmentPurpose))),
        potential=draw(st.none() | st.decimals(0, 100, places=2).map(str)),
        on=draw(st.dates(date(2018, 1, 1), date(2090, 1, 1))),
    )


complete_inputs = any_inputs(complete=True)
all_inputs = complete_inputs | any_inputs()


# -- the packs --


def test_a_pack_is_found_by_the_id_that_results_store() -> None:
    packs = list(all_packs())
    assert len({each.rule_id for each in packs}) == len(packs)
    for each in packs:
        assert by_rule_id(each.rule_id) is each
        assert each.ruled(1).rule_id == each.rule_id
    with pytest.raises(RulePackUnknown) as refused:
        by_rule_id("jpm-permenpanrb-38-2017@0")
    assert refused.value.rule_id == "jpm-permenpanrb-38-2017@0"


def bounds(kind: str) -> Iterator[dict[str, Decimal]]:
    """Every ladder of lower bounds in the packs of this kind."""
    for each in all_packs():
        if each.kind == kind:
            table = each.table("from")
            paths = [("from",)] if kind == "potential" else [("from", name) for name in table]
            for path in paths:
                yield {word: each.decimal(*path, word) for word in each.table(*path)}


@pytest.mark.parametrize("kind", ["jpm_bands", "potential"])
def test_bounds_descend_strictly_to_nought(kind: str) -> None:
    ladders = list(bounds(kind))
    assert ladders
    for ladder in ladders:
        values = list(ladder.values())
        assert values == sorted(set(values), reverse=True)
        assert values[-1] == 0
        assert values[0] <= 100


def test_every_purpose_has_its_three_bands_and_potential_its_three_words() -> None:
    best_first = list(JpmBand)
    for each in all_packs():
        if each.kind == "jpm_bands":
            assert set(each.table("from")) == set(AssessmentPurpose)
            for purpose in AssessmentPurpose:
                expected = best_first[3:] if purpose == "mapping" else best_first[:3]
                assert list(each.table("from", purpose)) == expected
        if each.kind == "potential":
            assert list(each.table("from")) == list(Potential)


def test_the_packs_of_scoring_speak_the_words_of_the_law() -> None:
    for each in all_packs():
        if each.kind == "jpm":
            JpmFormula(each.text("formula"))
            JpmCap(each.text("cap"))
            assert len(set(each.texts("must_be_measured"))) == 9
        if each.kind == "raters":
            assert set(each.table("weight")) == set(RaterSource)
            assert all(each.integer("weight", source) >= 0 for source in RaterSource)
            assert each.integer("weight", SELF) == 0
            assert each.integer("weight", ASSESSOR) > 0
        if each.kind == "required_levels":
            assert set(each.table("job_kind")) == set(JobKind) - {JobKind.FUNGSIONAL}
            assert set(each.table("jenjang")) == set(Jenjang)


def test_the_rules_in_force_are_named() -> None:
    assert RULES.to_json() == {
        "jpm": "jpm-permenpanrb-38-2017@1",
        "jpm_bands": "jpm-bands-permenpanrb-38-2017@1",
        "assessment_validity": "assessment-validity-bkn-26-2019@1",
        "potential": "potential-permenpanrb-3-2020@1",
        "raters": "raters-kemuning@1",
        "formula": "sum_ratio",
        "cap": "total",
    }
    assert RulesUsed.from_json(RULES.to_json()) == RULES
    assert rules_in_force(date(2018, 1, 1)) == RULES
    with pytest.raises(RulePackMissing):
        rules_in_force(date(2017, 12, 31))


def test_a_pack_of_another_kind_is_refused() -> None:
    mixed = RULES.to_json() | {"raters": RULES.rule_ids["jpm"]}
    with pytest.raises(ValueError, match="of kind 'jpm', not 'raters'"):
        RulesUsed.from_json(mixed).pack("raters")


def test_public_statistics_hide_fewer_than_ten_of_the_staff_and_five_citizens() -> None:
    rule = pack("statistics", DAY)
    assert (rule.integer("staff_k"), rule.integer("citizens_k")) == (10, 5)


@pytest.mark.parametrize(
    ("kind", "jenjang", "level"),
    [
        (JobKind.JPT_UTAMA, None, 5),
        (JobKind.JPT_MADYA, None, 5),
        (JobKind.JPT_PRATAMA, None, 4),
        (JobKind.ADMINISTRATOR, None, 3),
        (JobKind.PENGAWAS, None, 2),
        (JobKind.PELAKSANA, None, 1),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_UTAMA, 5),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_MADYA, 4),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_MUDA, 3),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_PERTAMA, 2),
        (JobKind.FUNGSIONAL, Jenjang.PENYELIA, 3),
        (JobKind.FUNGSIONAL, Jenjang.MAHIR, 2),
        (JobKind.FUNGSIONAL, Jenjang.TERAMPIL, 1),
        (JobKind.FUNGSIONAL, Jenjang.PEMULA, 1),
    ],
)
def test_the_default_level_follows_the_tier(
    kind: JobKind, jenjang: Jenjang | None, level: int
) -> None:
    found = default_level(kind, jenjang, DAY)
    assert found.value == level
    assert found.rule_id == "required-levels-permenpanrb-38-2017@1"


def test_a_fungsional_without_jenjang_has_no_default_level() -> None:
    with pytest.raises(ValueError, match="jenjang"):
        default_level(JobKind.FUNGSIONAL, None, DAY)


# -- levels --


def test_the_sources_are_weighted() -> None:
    rated = measured((ASSESSOR, 3), (SUPERIOR, 4), *[(PEER, 2)] * 3, *[(SUBORDINATE, 5)] * 3)
    assert rated.actual == Decimal("3.30")  # (60 x 3 + 20 x 4 + 10 x 2 + 10 x 5) / 100
    assert (rated.gap, rated.surplus) == (Decimal("0.00"), Decimal("0.30"))


def test_weights_are_shared_among_the_sources_that_are_there() -> None:
    rated = measured((ASSESSOR, 4), *[(PEER, 1)] * 3)
    assert rated.actual == Decimal("3.57")  # (60 x 4 + 10 x 1) / 70
    assert measured((SUPERIOR, 2)).actual == 2
    assert measured((ASSESSOR, 2), (ASSESSOR, 3)).actual == Decimal("2.50")


def test_self_assessment_is_shown_and_never_counts() -> None:
    with_self, alone = measured((ASSESSOR, 3), (SELF, 5)), measured((SELF, 5))
    assert with_self.actual == 3
    assert with_self.by_source[SELF].mean == 5
    assert with_self.by_source[SELF].reason is SourceUse.SHOWN_ONLY
    assert not with_self.by_source[SELF].counted
    assert (alone.actual, alone.gap, alone.surplus) == (None, None, None)


@pytest.mark.parametrize("source", [PEER, SUBORDINATE])
def test_fewer_anonymous_raters_than_the_threshold_neither_count_nor_show(
    source: RaterSource,
) -> None:
    threshold = RULES.pack("raters").integer("anonymity_threshold")
    few = measured((ASSESSOR, 3), *[(source, 5)] * (threshold - 1))
    enough = measured((ASSESSOR, 3), *[(source, 5)] * threshold)
    assert few.actual == 3
    assert few.by_source[source].to_json() == {
        "mean": None,
        "raters": threshold - 1,
        "counted": False,
        "weight": 10,
        "reason": "below_threshold",
    }
    assert enough.actual == Decimal("3.29")  # (60 x 3 + 10 x 5) / 70
    assert enough.by_source[source].to_json() == {
        "mean": "5.00",
        "raters": threshold,
        "counted": True,
        "weight": 10,
        "reason": "counted",
    }


@unhurried
@given(st.lists(st.integers(0, 5), min_size=2, max_size=2), st.integers(0, 5))
def test_nothing_of_too_few_anonymous_raters_reaches_the_outcome(
    levels: list[int], other: int
) -> None:
    def outcome(few: list[int]) -> dict[str, Any]:
        return measured((ASSESSOR, other), *((PEER, level) for level in few)).to_json()

    assert outcome(levels) == outcome([0, 0])


def test_ratings_withheld_come_out_as_those_below_the_threshold() -> None:
    given_levels = competency("integritas", (ASSESSOR, 3), (PEER, 5), (PEER, 4), (SELF, 2))
    without = competency("integritas", (ASSESSOR, 3), (SELF, 2))
    other_order = inputs_of(without, withheld={SUBORDINATE: 1, PEER: 2})
    withheld = inputs_of(without, withheld={PEER: 2, SUBORDINATE: 1})
    outcome = score(inputs_of(without, withheld={PEER: 2}), RULES).to_json()
    assert json.dumps(outcome) == json.dumps(score(inputs_of(given_levels), RULES).to_json())
    assert json.dumps(withheld.to_json()) == json.dumps(other_order.to_json())
    assert ScoringInputs.from_json(as_stored(withheld.to_json())) == withheld


@pytest.mark.parametrize(
    "withheld", [{PEER: 3}, {PEER: 0}, {ASSESSOR: 1}, {SELF: 1}, {SUBORDINATE: 1}]
)
def test_only_too_few_anonymous_raters_are_withheld(withheld: Mapping[RaterSource, int]) -> None:
    rated = competency("integritas", (ASSESSOR, 3), (SUBORDINATE, 3))
    with pytest.raises(ValueError, match="not withheld"):
        score(inputs_of(rated, withheld=withheld), RULES)


def test_a_single_superior_or_assessor_counts() -> None:
    rated = measured((SUPERIOR, 1), (ASSESSOR, 5))
    assert rated.actual == 4
    assert all(each.counted for each in rated.by_source.values())


def test_a_level_is_rounded_once_half_up() -> None:
    assert measured(*[(ASSESSOR, 2)] * 7, (ASSESSOR, 3)).actual == Decimal("2.13")  # 2.125
    rated = measured((ASSESSOR, 3), *[(ASSESSOR, 4)] * 2, *[(SUPERIOR, 2)] * 2, (SUPERIOR, 3))
    assert rated.by_source[ASSESSOR].mean == Decimal("3.67")
    assert rated.by_source[SUPERIOR].mean == Decimal("2.33")
    assert rated.actual == Decimal("3.33")  # (60 x 11/3 + 20 x 7/3) / 80; 3.34 from the rounded


def test_a_ruling_replaces_the_ratings_and_shows_them_still() -> None:
    rated = measured((ASSESSOR, 2), (SELF, 5), (PEER, 1), ruled="3.505")
    assert rated.actual == Decimal("3.51")
    assert rated.by_source[ASSESSOR].mean == 2
    assert {source: each.reason for source, each in rated.by_source.items()} == {
        ASSESSOR: SourceUse.REPLACED_BY_RULING,
        SELF: SourceUse.SHOWN_ONLY,
        PEER: SourceUse.BELOW_THRESHOLD,
    }
    assert measured(ruled="0").actual == 0


@pytest.mark.parametrize(
    "wrong",
    [
        competency("integritas", (ASSESSOR, 6)),
        competency("integritas", (ASSESSOR, -1)),
        competency("integritas", ruled="5.01"),
        competency("integritas", (ASSESSOR, 3), required=0),
        competency("integritas", (ASSESSOR, 3), required=6),
    ],
)
def test_a_level_out_of_range_is_refused(wrong: CompetencyInput) -> None:
    with pytest.raises(ValueError, match="integritas"):
        score(inputs_of(wrong), RULES)


def test_a_competency_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        inputs_of(competency("komunikasi"), competency("komunikasi"))


# -- job person match --


def test_every_variant_of_the_jpm_is_computed() -> None:
    levels = dict.fromkeys(NINE, (3, 3)) | {"integritas": (5, 4), "komunikasi": (1, 2)}
    scored = score(
        inputs_of(
            *(
                competency(code, (ASSESSOR, actual), required=required)
                for code, (actual, required) in levels.items()
            )
        ),
        RULES,
    )
    assert scored.to_json()["variants"] == {
        "sum_ratio": {"none": "100.00", "total": "100.00", "competency": "96.30"},  # 26/27
        "mean_ratio": {"none": "97.22", "total": "97.22", "competency": "94.44"},
    }
    assert scored.jpm == scored.jpm_uncapped == scored.jpm_capped == 100
    assert by_code(scored)["komunikasi"].gap == 1
    assert by_code(scored)["integritas"].surplus == 1


def test_a_surplus_is_capped_as_a_whole() -> None:
    scored = score(inputs_of(*(competency(code, ruled="3.75") for code in NINE)), RULES)
    assert scored.jpm == scored.jpm_capped == 100
    assert scored.jpm_uncapped == 125


def test_the_whole_outcome_as_it_is_stored() -> None:
    measured_ones = [competency(code, (ASSESSOR, 4)) for code in NINE[:8]]
    scored = score(inputs_of(*measured_ones, competency(NINE[8], (SUPERIOR, 2))), RULES)
    outcome = scored.to_json()
    competencies = outcome.pop("competencies")
    assert [each["code"] for each in competencies] == sorted(NINE)
    assert next(each for each in competencies if each["code"] == NINE[8]) == {
        "code": "perekat_bangsa",
        "kind": "managerial",
        "required": 3,
        "actual": "2.00",
        "gap": "1.00",
        "surplus": "0.00",
        "by_source": {
            "superior": {
                "mean": "2.00",
                "raters": 1,
                "counted": True,
                "weight": 20,
                "reason": "counted",
            }
        },
    }
    assert outcome == {
        "purpose": "promotion",
        "complete": True,
        "missing": [],
        "formula": "sum_ratio",
        "cap": "total",
        "jpm": "100.00",
        "jpm_uncapped": "125.93",  # 34 / 27
        "jpm_capped": "100.00",
        "variants": {
            "sum_ratio": {"none": "125.93", "total": "100.00", "competency": "96.30"},
            "mean_ratio": {"none": "125.93", "total": "100.00", "competency": "96.30"},
        },
        "band": "memenuhi_syarat",
        "potential": None,
        "valid_until": "2029-03-02",
    }


def test_the_variant_of_the_rules_decides() -> None:
    rules = replace(RULES, formula=JpmFormula.MEAN_RATIO, cap=JpmCap.COMPETENCY)
    inputs = inputs_of(
        *(competency(code, ruled="3", required=3) for code in NINE[1:]),
        competency(NINE[0], ruled="1", required=4),
    )
    scored = score(inputs, rules)
    assert scored.jpm == Decimal("91.67")  # (8 + 1/4) / 9
    assert score(inputs, RULES).jpm == Decimal("89.29")  # 25 / 28
    assert replay(inputs.to_json(), rules.to_json()) == scored.to_json()


BOUNDARIES = [
    (purpose, jpm, band)
    for purpose in (AssessmentPurpose.PROMOTION, AssessmentPurpose.MUTATION)
    for jpm, band in [
        ("100.00", JpmBand.MEMENUHI_SYARAT),
        ("80.01", JpmBand.MEMENUHI_SYARAT),
        ("80.00", JpmBand.MEMENUHI_SYARAT),
        ("79.99", JpmBand.MASIH_MEMENUHI_SYARAT),
        ("68.00", JpmBand.MASIH_MEMENUHI_SYARAT),
        ("67.99", JpmBand.KURANG_MEMENUHI_SYARAT),
        ("0.00", JpmBand.KURANG_MEMENUHI_SYARAT),
    ]
] + [
    (AssessmentPurpose.MAPPING, jpm, band)
    for jpm, band in [
        ("100.00", JpmBand.OPTIMAL),
        ("90.00", JpmBand.OPTIMAL),
        ("89.99", JpmBand.CUKUP_OPTIMAL),
        ("78.00", JpmBand.CUKUP_OPTIMAL),
        ("77.99", JpmBand.KURANG_OPTIMAL),
        ("0.00", JpmBand.KURANG_OPTIMAL),
    ]
]


@pytest.mark.parametrize(("purpose", "jpm", "band"), BOUNDARIES)
def test_bands_at_their_edges(purpose: AssessmentPurpose, jpm: str, band: JpmBand) -> None:
    scored = score(with_jpm(Decimal(jpm), purpose), RULES)
    assert str(scored.jpm) == jpm
    assert scored.band is band


@unhurried
@given(st.sampled_from(list(AssessmentPurpose)), st.decimals(0, 100, places=2))
def test_every_jpm_stands_in_the_band_whose_bound_it_reaches(
    purpose: AssessmentPurpose, jpm: Decimal
) -> None:
    scored = score(with_jpm(jpm, purpose), RULES)
    assert scored.jpm == jpm
    best, middle, lowest = list(JpmBand)[3:] if purpose == "mapping" else list(JpmBand)[:3]
    high, low = (90, 78) if purpose == "mapping" else (80, 68)
    assert scored.band is (best if jpm >= high else middle if jpm >= low else lowest)


@pytest.mark.parametrize(
    ("total", "jpm", "band"),
    [
        ("159.99", "80.00", JpmBand.MEMENUHI_SYARAT),  # 79.995
        ("159.98", "79.99", JpmBand.MASIH_MEMENUHI_SYARAT),
        ("135.99", "68.00", JpmBand.MASIH_MEMENUHI_SYARAT),  # 67.995
        ("135.98", "67.99", JpmBand.KURANG_MEMENUHI_SYARAT),
    ],
)
def test_the_jpm_is_rounded_half_up_and_its_band_read_off_the_rounded(
    total: str, jpm: str, band: JpmBand
) -> None:
    scored = score(of_total(Decimal(total), 40, AssessmentPurpose.PROMOTION), RULES)
    assert (str(scored.jpm), scored.band) == (jpm, band)


@unhurried
@given(complete_inputs)
def test_a_surplus_never_hides_a_gap(inputs: ScoringInputs) -> None:
    scored = score(inputs, RULES)
    has_gap = any(each.gap for each in scored.competencies)
    for formula in JpmFormula:
        jpm = scored.variants[formula][JpmCap.COMPETENCY]
        assert jpm is not None
        assert has_gap == (jpm < 100)
    for each in scored.competencies:
        assert each.actual is not None
        assert each.gap == max(each.required - each.actual, Decimal(0))
        assert each.surplus == max(each.actual - each.required, Decimal(0))


@unhurried
@given(complete_inputs, st.data())
def test_raising_one_level_leaves_the_gaps_of_the_others(
    inputs: ScoringInputs, data: st.DataObject
) -> None:
    code = data.draw(st.sampled_from([each.code for each in inputs.competencies]))
    before, after = by_code(score(inputs, RULES)), by_code(score(raised(inputs, code), RULES))
    assert {c: s.gap for c, s in before.items() if c != code} == {
        c: s.gap for c, s in after.items() if c != code
    }


@unhurried
@given(complete_inputs, st.data())
def test_raising_a_level_lowers_nothing_but_its_gap(
    inputs: ScoringInputs, data: st.DataObject
) -> None:
    code = data.draw(st.sampled_from([each.code for each in inputs.competencies]))
    before, after = score(inputs, RULES), score(raised(inputs, code), RULES)
    for formula, caps in before.variants.items():
        for cap, jpm in caps.items():
            assert (jpm or 0) <= (after.variants[formula][cap] or 0)
    best_first = list(JpmBand)
    assert before.band is not None
    assert after.band is not None
    assert best_first.index(after.band) <= best_first.index(before.band)
    lower, higher = by_code(before)[code], by_code(after)[code]
    assert (lower.actual or 0) <= (higher.actual or 0)
    assert (lower.surplus or 0) <= (higher.surplus or 0)
    assert (lower.gap or 0) >= (higher.gap or 0)


@unhurried
@given(all_inputs, st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(inputs: ScoringInputs, random: Any) -> None:
    def shuffled(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(items, len(items)))

    other = replace(
        inputs,
        competencies=shuffled(
            tuple(replace(each, ratings=shuffled(each.ratings)) for each in inputs.competencies)
        ),
    )
    assert json.dumps(other.to_json()) == json.dumps(inputs.to_json())
    assert json.dumps(score(other, RULES).to_json()) == json.dumps(score(inputs, RULES).to_json())


# -- what is not measured --


@pytest.mark.parametrize(
    ("competencies", "missing"),
    [
        ([competency(code, (ASSESSOR, 3)) for code in NINE[1:]], NINE[0]),
        ([competency(code, *([(ASSESSOR, 3)] * (code != NINE[0]))) for code in NINE], NINE[0]),
        ([competency(code, (SELF if code == NINE[0] else ASSESSOR, 3)) for code in NINE], NINE[0]),
        (
            [competency(code, (ASSESSOR, 3)) for code in NINE] + [competency("teknis_01")],
            "teknis_01",
        ),
    ],
)
def test_without_one_competency_there_is_no_jpm(
    competencies: list[CompetencyInput], missing: str
) -> None:
    scored = score(inputs_of(*competencies, potential="85"), RULES)
    assert not scored.complete
    assert scored.missing == (missing,)
    assert (scored.jpm, scored.jpm_uncapped, scored.jpm_capped, scored.band) == (None,) * 4
    assert all(jpm is None for caps in scored.variants.values() for jpm in caps.values())
    assert scored.potential is Potential.TINGGI
    assert what_would_change_it(scored, RULES) == []


def test_nothing_measured_is_an_outcome_too() -> None:
    scored = score(inputs_of(), RULES)
    assert scored.missing == tuple(sorted(NINE))
    assert scored.jpm is None


@pytest.mark.parametrize(
    ("potential", "category"),
    [
        ("100", Potential.TINGGI),
        ("80", Potential.TINGGI),
        ("79.99", Potential.MENENGAH),
        ("60.00", Potential.MENENGAH),
        ("59.999", Potential.RENDAH),
        ("0", Potential.RENDAH),
        (None, None),
    ],
)
def test_potential_at_its_edges(potential: str | None, category: Potential | None) -> None:
    assert score(inputs_of(potential=potential), RULES).potential is category


@pytest.mark.parametrize("wrong", ["100.01", "-0.01"])
def test_a_score_of_potential_out_of_range_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="potential"):
        score(inputs_of(potential=wrong), RULES)


@pytest.mark.parametrize(
    ("assessed_on", "valid_until"),
    [
        (date(2026, 3, 2), date(2029, 3, 2)),
        (date(2023, 12, 31), date(2026, 12, 31)),
        (date(2025, 2, 28), date(2028, 2, 28)),
        (date(2024, 2, 29), date(2027, 3, 1)),
    ],
)
def test_a_result_is_valid_for_three_years(assessed_on: date, valid_until: date) -> None:
    assert score(inputs_of(on=assessed_on), RULES).valid_until == valid_until


# -- stored, read again, computed again --


@unhurried
@given(all_inputs)
def test_inputs_survive_json(inputs: ScoringInputs) -> None:
    stored = as_stored(inputs.to_json())
    assert ScoringInputs.from_json(stored) == inputs
    assert ScoringInputs.from_json(stored).to_json() == stored


def test_one_number_has_one_text() -> None:
    texts = {inputs_of(potential=text).to_json()["potential_score"] for text in ("80", "80.00")}
    assert texts == {"80"}
    assert inputs_of(potential="100").to_json()["potential_score"] == "100"
    assert inputs_of(potential="0.50").to_json()["potential_score"] == "0.5"


def test_a_ruling_and_a_version_survive_json() -> None:
    given_competency = replace(
        competency("komunikasi", (PEER, 2), ruled="2.5"), competency_version_id="v-1"
    )
    stored = as_stored(inputs_of(given_competency).to_json())
    assert ScoringInputs.from_json(stored).competencies == (given_competency,)


@pytest.mark.parametrize("wrong", [3.5, 3.0, "3", True, None])
def test_a_stored_level_that_is_no_whole_number_is_not_read(wrong: Any) -> None:
    stored = inputs_of(competency("komunikasi", (PEER, 2))).to_json()
    stored["competencies"][0]["ratings"][0]["level"] = wrong
    with pytest.raises(ValueError, match="whole"):
        replay(stored, RULES.to_json())


@pytest.mark.parametrize("wrong", [80.5, 80, "NaN", "8e1", "", "٨", True])
def test_a_stored_decimal_that_is_no_plain_number_is_not_read(wrong: Any) -> None:
    stored = inputs_of(potential="80").to_json() | {"potential_score": wrong}
    with pytest.raises(ValueError, match="decimal"):
        replay(stored, RULES.to_json())


@unhurried
@given(all_inputs)
def test_a_replay_equals_what_was_stored(inputs: ScoringInputs) -> None:
    stored = as_stored(score(inputs, RULES).to_json())
    given_again, rules_again = as_stored(inputs.to_json()), as_stored(RULES.to_json())
    again = replay(given_again, rules_again)
    assert differences(stored, again) == []
    assert again == stored
    assert differences(given_again, inputs.to_json()) == []
    assert differences(rules_again, RULES.to_json()) == []


def leaves(value: Any, at: str = "") -> Iterator[str]:
    """JSON pointers to every single value."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, item in items:
        if isinstance(item, dict | list) and item:
            yield from leaves(item, f"{at}/{key}")
        else:
            yield f"{at}/{key}"


@unhurried
@given(all_inputs, st.data())
def test_a_changed_value_is_found_where_it_was_changed(
    inputs: ScoringInputs, data: st.DataObject
) -> None:
    stored = score(inputs, RULES).to_json()
    path = data.draw(st.sampled_from(list(leaves(stored))))
    *parents, last = path.split("/")[1:]
    holder: Any = stored
    for step in parents:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = "forged"
    assert differences(stored, replay(inputs.to_json(), RULES.to_json())) == [path]


@pytest.mark.parametrize(
    ("stored", "recomputed", "paths"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1, "b": None}, ["/b"]),
        ({"a": None}, {}, ["/a"]),
        ({"a": [1, 2, 3]}, {"a": [1, 5]}, ["/a/1", "/a/2"]),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, ["/a~1b/~0"]),
        ({"a": True}, {"a": 1}, ["/a"]),
        ({"a": {}}, {"a": []}, ["/a"]),
        ("80.00", "80.0", [""]),
    ],
)
def test_differences_are_named_by_pointer(stored: Any, recomputed: Any, paths: list[str]) -> None:
    assert differences(stored, recomputed) == paths


def test_a_new_pack_changes_no_old_result(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = inputs_of(*(competency(code, (ASSESSOR, 2), (SUPERIOR, 4)) for code in NINE))
    stored = score(inputs, RULES).to_json()
    old = RULES.pack("raters")
    weights = MappingProxyType(dict.fromkeys(RaterSource, 1))
    values = MappingProxyType({**old.values, "weight": weights})
    new = replace(old, version="2", effective_from=DAY + timedelta(days=1), values=values)
    packs = {**rules._packs_newest_first(), "raters": (new, old)}
    monkeypatch.setattr(rules, "_packs_newest_first", lambda: packs)
    monkeypatch.setattr(rules, "_packs_by_rule_id", rules._packs_by_rule_id.__wrapped__)
    assert rules_in_force(DAY) == RULES
    assert differences(stored, replay(inputs.to_json(), RULES.to_json())) == []
    later = rules_in_force(DAY + timedelta(days=1))
    assert later.rule_ids["raters"] == "raters-kemuning@2"
    assert score(inputs, later).competencies[0].actual == 3  # 2.50 by the old weights


def test_an_unknown_rule_is_not_replayed() -> None:
    with pytest.raises(RulePackUnknown):
        replay(inputs_of().to_json(), RULES.to_json() | {"raters": "nonesuch@1"})


# -- what would change it, and what another seat asks --


def test_what_is_missing_to_each_band_above() -> None:
    levels = dict.fromkeys(NINE, "2") | {"integritas": "1.20", "komunikasi": "1.00"}
    scored = score(inputs_of(*(competency(code, ruled=lvl) for code, lvl in levels.items())), RULES)
    assert str(scored.jpm) == "60.00"  # 16.2 / 27
    nearest, best = what_would_change_it(scored, RULES)
    assert [nearest["band"], nearest["from"], nearest["missing"]] == [
        "masih_memenuhi_syarat",
        "68",
        "8.00",
    ]
    assert [best["band"], best["from"], best["missing"]] == ["memenuhi_syarat", "80", "20.00"]
    assert [each["code"] for each in best["gaps"]] == [
        "komunikasi",
        "integritas",
        *sorted(set(NINE) - {"komunikasi", "integritas"}),
    ]
    assert nearest["gaps"][0] == {
        "code": "komunikasi",
        "gap": "2.00",
        "jpm": "67.41",  # 18.2 / 27
        "band": "kurang_memenuhi_syarat",
        "reaches": False,
    }


def test_nothing_is_above_the_best_band() -> None:
    scored = score(with_jpm(Decimal("80.00"), AssessmentPurpose.PROMOTION), RULES)
    assert what_would_change_it(scored, RULES) == []


@unhurried
@given(complete_inputs)
def test_closing_a_gap_does_what_was_said(inputs: ScoringInputs) -> None:
    scored = score(inputs, RULES)
    above = what_would_change_it(scored, RULES)
    assert as_stored(above) == above
    for each in above:
        assert scored.jpm is not None
        assert scored.jpm + Decimal(each["missing"]) == Decimal(each["from"])
        sizes = [Decimal(gap["gap"]) for gap in each["gaps"]]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) == sum(1 for measure in scored.competencies if measure.gap)
        for gap in each["gaps"]:
            closed = score(_closed(inputs, gap["code"]), RULES)
            assert str(closed.jpm) == gap["jpm"]
            assert closed.band == gap["band"]
            assert gap["reaches"] == (Decimal(gap["jpm"]) >= Decimal(each["from"]))


def _closed(inputs: ScoringInputs, code: str) -> ScoringInputs:
    return replace(
        inputs,
        competencies=tuple(
            replace(each, ruled_level=Decimal(each.required)) if each.code == code else each
            for each in inputs.competencies
        ),
    )


def test_fit_counts_no_surplus_and_nothing_for_what_is_not_measured() -> None:
    levels = {
        "integritas": Decimal("2.50"),
        "kerja_sama": Decimal("5.00"),
        "komunikasi": None,
        "unasked": Decimal(5),
    }
    required = {"integritas": 4, "kerja_sama": 3, "komunikasi": 2, "perekat_bangsa": 1}
    found = fit(levels, required)
    assert found.to_json() == {
        "percent": "55.00",  # (2.5 + 3) / 10
        "fits": False,
        "gaps": {"integritas": "1.50"},
        "surplus": {"kerja_sama": "2.00"},
        "not_measured": ["komunikasi", "perekat_bangsa"],
    }


def test_fit_names_the_largest_gap_first() -> None:
    levels = {"a": Decimal("2.00"), "b": Decimal("1.00"), "c": Decimal("1.00")}
    assert list(fit(levels, {"a": 3, "c": 3, "b": 3}).gaps) == ["b", "c", "a"]


def test_a_seat_that_requires_nothing_has_no_fit() -> None:
    with pytest.raises(ValueError, match="no competency"):
        fit({"a": Decimal(1)}, {})


codes = st.sampled_from(NINE)
some_levels = st.dictionaries(codes, st.none() | st.decimals(0, 5, places=2))
some_requirements = st.dictionaries(codes, st.integers(1, 5), min_size=1)


@unhurried
@given(some_levels, some_requirements)
def test_only_who_reaches_every_level_fits_fully(
    levels: dict[str, Decimal | None], required: dict[str, int]
) -> None:
    found = fit(levels, required)
    reached = all((levels.get(code) or Decimal(0)) >= level for code, level in required.items())
    assert found.fits is reached
    assert (found.percent == 100) is reached
    assert 0 <= found.percent <= 100
