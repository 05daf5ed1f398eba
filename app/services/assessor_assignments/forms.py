"""The rater's side: whom one is to rate, and the form with what one has given so far.

It shows the candidate's name and position and nothing else about them. That a peer or a
subordinate looked at it is no event about the candidate: it would tell them who rates them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, func, or_, select

from app.access.actors import Actor
from app.access.assessments import assignments_visible, viewer
from app.database import Reader, Row
from app.errors import NotFound
from app.models.assessments import Assessment, AssessmentRating, AssessorAssignment
from app.models.base import Word
from app.models.competencies import Competency, CompetencyStandard, CompetencyVersion
from app.pagination import decode_cursor, encode_cursor
from app.schemas.assessor_assignments import (
    FormCompetency,
    OwnAssignment,
    OwnAssignmentPage,
    OwnAssignmentQuery,
    RatingForm,
    RatingRead,
)
from app.services.assessments.reading import LAST_DAY, names_of, place, with_place
from app.services.timeline import holds
from app.vocabulary import AssessorAssignmentState, CompetencyKind, RaterSource, Role

ORDER = "assessor_assignments"
A, C, R = AssessorAssignment, Competency, AssessmentRating
_ID = bindparam("assignment_id", type_=Uuid())
_COLUMNS = (
    *(A.id, A.version, A.assessment_id, A.candidate_id, A.source, A.state),
    *(A.potential_score, A.submitted_at, A.note),
)


def _assignments(role: Role) -> Select[Any]:
    """Those that still are one's own."""
    chosen: Select[*tuple[Any, ...]] = (
        select(*_COLUMNS).select_from(A).join(Assessment, Assessment.id == A.assessment_id)
    )
    mine = assignments_visible(role, A.rater_id)
    return with_place(chosen).where(mine, A.state != AssessorAssignmentState.WITHDRAWN)


@lru_cache(maxsize=4)
def _one(role: Role) -> Select[Any]:
    return _assignments(role).add_columns(LAST_DAY.label("last_day")).where(A.id == _ID)


@lru_cache(maxsize=16)
def _page(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = _assignments(role).where(*(_FILTERS[name] for name in sorted(filters)))
    return chosen.order_by(A.id.desc()).limit(bindparam("rows", type_=Integer))


@lru_cache(maxsize=16)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = _assignments(role).where(*(_FILTERS[name] for name in sorted(filters)))
    return select(func.count()).select_from(chosen.with_only_columns(A.id).subquery())


_FILTERS = {
    "state": A.state == bindparam("state", type_=Word(AssessorAssignmentState)),
    "before_id": A.id < bindparam("before_id", type_=Uuid()),
}


async def list_own(reader: Reader, actor: Actor, query: OwnAssignmentQuery) -> OwnAssignmentPage:
    """One page of whom the actor is to rate, the newest first. Errors: InvalidCursor."""
    values: dict[str, Any] = {"state": query.state} if query.state else {}
    total = None
    if query.include_total:
        statement = _count(actor.role, frozenset(values))
        total = await reader.value(statement, **values, **viewer(actor))
    if query.cursor:
        (values["before_id"],) = decode_cursor(query.cursor, ORDER, (UUID,))
    statement = _page(actor.role, frozenset(values))
    rows = await reader.all(statement, **values, **viewer(actor), rows=query.limit + 1)
    shown = rows[: query.limit]
    _reveal(reader, shown)
    names = await names_of(reader, actor, {row["candidate_id"] for row in shown})
    return OwnAssignmentPage(
        items=[OwnAssignment(**_fields(row, names)) for row in shown],
        next_cursor=encode_cursor(ORDER, [shown[-1]["id"]]) if len(rows) > query.limit else None,
        total=total,
    )


def _reveal(reader: Reader, rows: Sequence[Row]) -> None:
    named = [row for row in rows if not RaterSource(row["source"]).is_anonymous]
    reader.reveals([row["candidate_id"] for row in named])


def _fields(row: Row, names: Mapping[UUID, str]) -> dict[str, Any]:
    kept = ("id", "assessment_id", "source", "state", "submitted_at", "note")
    score = row["potential_score"]
    return {
        **{name: row[name] for name in kept},
        **place(row),
        "candidate_name": names.get(row["candidate_id"]),
        "potential_score": None if score is None else str(score),
    }


# --- the form -----------------------------------------------------------------------------

_ITS_OWN = (
    select(CompetencyStandard.id)
    .where(
        CompetencyStandard.position_id == bindparam("position_id", type_=Uuid()),
        CompetencyStandard.competency_id == C.id,
        holds(CompetencyStandard),
    )
    .exists()
)
TO_RATE = or_(C.kind != CompetencyKind.TECHNICAL, _ITS_OWN)
"""What everybody is measured in, and what the position has a standard of its own for."""
_COMPETENCIES = (
    select(
        C.id.label("competency_id"),
        *(C.code, C.kind, CompetencyVersion.name, CompetencyVersion.definition),
        CompetencyVersion.levels,
        *(R.version, R.level, R.note, R.evidence, R.updated_at),
    )
    .join(CompetencyVersion, (CompetencyVersion.competency_id == C.id) & holds(CompetencyVersion))
    .outerjoin(R, (R.competency_id == C.id) & (R.assignment_id == _ID))
    .where(TO_RATE)
    .order_by(C.ordinal)
)


async def get_form(reader: Reader, actor: Actor, assignment_id: UUID) -> RatingForm:
    """The form of one of the actor's assignments. Errors: NotFound."""
    row = await reader.one(_one(actor.role), assignment_id=assignment_id, **viewer(actor))
    if row is None:
        raise NotFound
    _reveal(reader, [row])
    names = await names_of(reader, actor, {row["candidate_id"]})
    competencies = [
        _competency(each)
        for each in await reader.all(
            _COMPETENCIES,
            assignment_id=assignment_id,
            position_id=row["position_id"],
            as_of=row["last_day"],
        )
    ]
    rated = sum(each.rating.version for each in competencies if each.rating)
    version = row["version"] + rated
    return RatingForm(**_fields(row, names), version=version, competencies=competencies)


def _competency(row: Row) -> FormCompetency:
    values = dict(row)
    given = {name: values.pop(name) for name in ("version", "level", "note", "evidence")}
    given |= {"updated_at": values.pop("updated_at"), "competency_id": row["competency_id"]}
    rating = None if given["version"] is None else RatingRead(**given)
    return FormCompetency(**values, rating=rating)
