"""What the rules are given: the ratings of many assessments, and what their positions require."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, Integer, SmallInteger, String, Uuid, bindparam, column, func, select

from app.database import Reader
from app.errors import Bilingual, Conflict
from app.models.assessments import Assessment, AssessmentEvent, AssessorAssignment
from app.rules import RulePackMissing
from app.rules.scoring import CompetencyInput, Rating, RulesUsed, ScoringInputs, rules_in_force
from app.services.standards import EffectiveStandard, required_levels_of
from app.vocabulary import AssessorAssignmentState, RaterSource


class NoStandard(Conflict):
    """On the last day of measuring, the position required nothing that could be measured."""

    code = "standard_missing"
    title = Bilingual(
        "Jabatan ini belum mempunyai standar kompetensi pada hari penilaian",
        "The position had no competency standard on the day of assessment",
    )


class NoRules(Conflict):
    """The assessment is older than the rules that score one."""

    code = "rules_missing"
    title = Bilingual(
        "Belum ada aturan penilaian pada hari itu", "There were no rules of scoring on that day"
    )


@dataclass(frozen=True, slots=True)
class Ratings:
    """What raters gave in one assessment, without who they were."""

    levels: Mapping[UUID, Sequence[Rating]]
    """By competency."""
    withheld: Mapping[RaterSource, int]
    """Anonymous sources of too few raters, and how many."""


NO_RATINGS = Ratings({}, {})
IDS = bindparam("ids", type_=ARRAY(Uuid()))
COUNTED = func.app.counted_ratings(IDS, bindparam("threshold", type_=Integer())).table_valued(
    column("assessment_id", Uuid()),
    column("source", String()),
    column("raters", Integer()),
    column("competency_id", Uuid()),
    column("levels", ARRAY(SmallInteger())),
)
RATINGS = select(COUNTED)
POTENTIAL = (
    select(
        AssessorAssignment.assessment_id,
        func.round(func.avg(AssessorAssignment.potential_score), 2).label("score"),
    )
    .where(
        AssessorAssignment.assessment_id == func.any(IDS),
        AssessorAssignment.state == AssessorAssignmentState.SUBMITTED,
        AssessorAssignment.potential_score.is_not(None),
    )
    .group_by(AssessorAssignment.assessment_id)
)
"""The mean of the assessors' scores: rounded here, since the mean is the input that is stored."""


def rules_for(event: AssessmentEvent) -> RulesUsed:
    """The rules in force on the last day of measuring. Errors: NoRules."""
    try:
        return rules_in_force(event.ends_on)
    except RulePackMissing as error:
        raise NoRules from error


async def gather(
    reader: Reader, event: AssessmentEvent, assessments: Sequence[Assessment], rules: RulesUsed
) -> dict[UUID, ScoringInputs]:
    """The inputs of each of these assessments of an event, by its id.

    One whose position required nothing on the event's last day is left out. Ratings of what the
    position doesn't require are left out too.
    """
    ids = [assessment.id for assessment in assessments]
    positions = {assessment.position_id for assessment in assessments}
    standards = await required_levels_of(reader, positions, event.ends_on)
    ratings = await _ratings(reader, ids, rules.pack("raters").integer("anonymity_threshold"))
    potential: Mapping[UUID, Decimal] = {
        row["assessment_id"]: row["score"] for row in await reader.all(POTENTIAL, ids=ids)
    }
    return {
        each.id: _inputs(
            event,
            _competencies(standard, ratings.get(each.id, NO_RATINGS)),
            potential.get(each.id),
            ratings.get(each.id, NO_RATINGS).withheld,
        )
        for each in assessments
        if (standard := standards.get(each.position_id)) and standard.levels
    }


async def _ratings(reader: Reader, ids: Sequence[UUID], threshold: int) -> dict[UUID, Ratings]:
    levels: dict[UUID, dict[UUID, list[Rating]]] = defaultdict(lambda: defaultdict(list))
    withheld: dict[UUID, dict[RaterSource, int]] = defaultdict(dict)
    for row in await reader.all(RATINGS, ids=ids, threshold=threshold):
        source = RaterSource(row["source"])
        if source.is_anonymous and row["raters"] < threshold:
            withheld[row["assessment_id"]][source] = row["raters"]
        elif row["competency_id"] is not None:
            given = levels[row["assessment_id"]][row["competency_id"]]
            given.extend(Rating(source, level) for level in row["levels"])
    return {each: Ratings(levels[each], withheld[each]) for each in {*levels, *withheld}}


def _competencies(standard: EffectiveStandard, ratings: Ratings) -> tuple[CompetencyInput, ...]:
    return tuple(
        CompetencyInput(
            code=each.code,
            kind=each.kind,
            required=each.level,
            competency_version_id=str(each.competency_version_id),
            ratings=tuple(ratings.levels.get(each.competency_id, ())),
        )
        for each in standard.levels
    )


def _inputs(
    event: AssessmentEvent,
    competencies: tuple[CompetencyInput, ...],
    potential_score: Decimal | None,
    withheld: Mapping[RaterSource, int],
) -> ScoringInputs:
    return ScoringInputs(
        purpose=event.purpose,
        assessed_on=event.ends_on,
        potential_score=potential_score,
        competencies=competencies,
        withheld=withheld,
    )
