"""What raters gave, as a moderator and an auditor see it.

A moderator reads named ratings one by one, and of peers and subordinates their number and, where
they are enough, mean and range: not before rating is closed, since who watches a mean move knows
what the last one gave. An auditor reads all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, func, select, text

from app.access.actors import Actor
from app.access.assessments import can_see_assessment, require_another
from app.database import Reader, Row
from app.errors import NotFound
from app.models.assessments import (
    Assessment,
    AssessmentEvent,
    AssessmentRating,
    AssessorAssignment,
)
from app.models.competencies import Competency, CompetencyVersion
from app.rules import pack
from app.schemas.assessments import (
    AssessedPerson,
    AssessmentRatings,
    CompetencyRatings,
    GivenRating,
    SourceRatings,
)
from app.services.assessments.reading import names_of
from app.services.timeline import holds
from app.vocabulary import AssessmentState, AssessorAssignmentState, RaterSource, Role

A, E, R, S = Assessment, AssessmentEvent, AssessmentRating, AssessorAssignment
_ID = bindparam("assessment_id", type_=Uuid())
_ASSESSMENT = (
    select(A.id, A.employee_id, A.state, E.ends_on).join(E, E.id == A.event_id).where(A.id == _ID)
)
_SUBMITTED = (S.assessment_id == _ID) & (S.state == AssessorAssignmentState.SUBMITTED)
_RATERS = select(S.source, func.count().label("raters")).where(_SUBMITTED).group_by(S.source)
_RATINGS = (
    select(R.assignment_id, R.competency_id, R.rater_id, R.source, R.level, R.note, R.evidence)
    .join(S, S.id == R.assignment_id)
    .where(_SUBMITTED)
    .order_by(R.assignment_id)
)
"""Row-level security leaves out those of peers and subordinates, but for auditors."""
_COUNTED = text(
    "SELECT competency_id, source, levels"
    " FROM app.counted_ratings(ARRAY[:assessment_id], :threshold)"
    " WHERE source IN ('peer', 'subordinate') AND competency_id IS NOT NULL"
).bindparams(_ID, bindparam("threshold", type_=Integer()))
_COMPETENCIES = (
    select(Competency.id, Competency.code, CompetencyVersion.name)
    .join(CompetencyVersion, CompetencyVersion.competency_id == Competency.id)
    .where(holds(CompetencyVersion))
    .order_by(Competency.ordinal)
)
Given = Mapping[tuple[UUID, RaterSource], Sequence[Row]]
Levels = Mapping[tuple[UUID, RaterSource], Sequence[int]]


async def get_ratings(reader: Reader, actor: Actor, assessment_id: UUID) -> AssessmentRatings:
    """What the submitted raters gave, by competency and source.

    Errors: NotFound; OwnAssessment.
    """
    row = await reader.one(_ASSESSMENT, assessment_id=assessment_id)
    nobody: tuple[UUID, ...] = ()
    if row is None or not can_see_assessment(
        actor, row["employee_id"], superiors=nobody, raters=nobody
    ):
        raise NotFound
    require_another(actor, row["employee_id"])
    reader.reveals([row["employee_id"]])
    raters = {
        RaterSource(counted["source"]): counted["raters"]
        for counted in await reader.all(_RATERS, assessment_id=assessment_id)
    }
    threshold = pack("raters", row["ends_on"]).integer("anonymity_threshold")
    given = _grouped(await reader.all(_RATINGS, assessment_id=assessment_id))
    levels = await _levels(reader, actor, row, given, threshold)
    names = await names_of(reader, actor, _people(given))
    return AssessmentRatings(
        assessment_id=assessment_id,
        state=row["state"],
        anonymity_threshold=threshold,
        competencies=[
            CompetencyRatings(
                competency_id=competency["id"],
                code=competency["code"],
                name=competency["name"],
                sources=_sources(competency["id"], raters, levels, given, names),
            )
            for competency in await reader.all(_COMPETENCIES, as_of=row["ends_on"])
            if any((competency["id"], source) in levels for source in raters)
        ],
    )


def _grouped(rows: Iterable[Row]) -> Given:
    given: dict[tuple[UUID, RaterSource], list[Row]] = defaultdict(list)
    for row in rows:
        given[row["competency_id"], RaterSource(row["source"])].append(row)
    return given


async def _levels(
    reader: Reader, actor: Actor, assessment: Row, given: Given, threshold: int
) -> Levels:
    """The levels from which mean and range are made."""
    levels = {key: [row["level"] for row in rows] for key, rows in given.items()}
    if actor.role is not Role.AUDITOR and assessment["state"] != AssessmentState.DRAFT:
        values = {"assessment_id": assessment["id"], "threshold": threshold}
        for row in await reader.all(_COUNTED, **values):
            levels[row["competency_id"], RaterSource(row["source"])] = row["levels"]
    return levels


def _people(given: Given) -> set[UUID]:
    return {row["rater_id"] for rows in given.values() for row in rows if row["rater_id"]}


def _sources(
    competency_id: UUID,
    raters: Mapping[RaterSource, int],
    levels: Levels,
    given: Given,
    names: Mapping[UUID, str],
) -> list[SourceRatings]:
    found = []
    for source in RaterSource:
        key = competency_id, source
        known = levels.get(key, ())
        if source in raters:
            ratings = [_rating(row, names) for row in given.get(key, ())]
            found.append(
                SourceRatings(
                    source=source,
                    raters=raters[source],
                    withheld=source.is_anonymous and not known,
                    ratings=ratings,
                    **_figures(known),
                )
            )
    return found


def _figures(levels: Sequence[int]) -> dict[str, Any]:
    if not levels:
        return {"mean": None, "lowest": None, "highest": None}
    mean = Decimal(sum(levels)) / len(levels)
    rounded = mean.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return {"mean": str(rounded), "lowest": min(levels), "highest": max(levels)}


def _rating(row: Row, names: Mapping[UUID, str]) -> GivenRating:
    rater = row["rater_id"]
    person = rater and AssessedPerson(employee_id=rater, name=names.get(rater))
    kept = {n: row[n] for n in ("assignment_id", "level", "note", "evidence")}
    return GivenRating(rater=person, **kept)
