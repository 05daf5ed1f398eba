"""Assessments: one and many, and how far their raters are."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    bindparam,
    case,
    func,
    select,
    text,
)

from app.access.actors import Actor
from app.access.assessments import assessments_visible, results_visible, viewer
from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.assessments import Assessment, AssessmentEvent, AssessorAssignment
from app.models.base import Word
from app.models.employees import EmployeeProfile, full_name
from app.models.organisation import PositionVersion, UnitVersion
from app.pagination import decode_cursor, encode_cursor
from app.schemas.assessments import (
    AssessedPosition,
    AssessmentPage,
    AssessmentQuery,
    AssessmentRead,
    EventSummary,
    RatingProgress,
    SourceProgress,
)
from app.services.structure import subtree
from app.services.timeline import holds
from app.vocabulary import AssessmentState, AssessorAssignmentState, Role

ORDER, OF_EVENT = "assessments", "assessments_of_event"
"""The lists that a cursor may belong to."""
A, E, S = Assessment, AssessmentEvent, AssessorAssignment
LAST_DAY = E.ends_on.expression
OF_EVENT_ROW = {name: f"event_{name}" for name in EventSummary.model_fields}
OF_POSITION_ROW = {name: f"position_{name}" for name in AssessedPosition.model_fields}
"""Fields by the columns of `with_place`."""
EVENT_COLUMNS = tuple(getattr(E, name).label(column) for name, column in OF_EVENT_ROW.items())
POSITION_COLUMNS = (
    A.position_id,
    PositionVersion.title.label("position_title"),
    PositionVersion.unit_id.label("position_unit_id"),
    UnitVersion.name.label("position_unit_name"),
)


def with_place(chosen: Select[*tuple[Any, ...]]) -> Select[Any]:
    """Beside an assessment its event, and its position as it is on the event's last day."""
    version, unit = PositionVersion, UnitVersion
    return (
        chosen.add_columns(*EVENT_COLUMNS, *POSITION_COLUMNS)
        .join(E, E.id == A.event_id)
        .outerjoin(version, (version.position_id == A.position_id) & holds(version, LAST_DAY))
        .outerjoin(unit, (unit.unit_id == version.unit_id) & holds(unit, LAST_DAY))
    )


def _assessments(role: Role) -> Select[Any]:
    """What the role sees; `known` is false where somebody only rates and learns no more."""
    known = results_visible(role, A.employee_id, A.id)
    columns = (A.id, A.version, A.employee_id, A.state, A.submitted_at, A.moderated_at)
    return with_place(
        select(*columns, known.label("known"), case((known, A.note)).label("note"))
        .select_from(A)
        .where(assessments_visible(role, A.employee_id, A.id))
    )


@lru_cache(maxsize=8)
def _one(role: Role) -> Select[Any]:
    return _assessments(role).where(A.id == bindparam("assessment_id", type_=Uuid()))


_IN_UNIT = select(PositionVersion.position_id).where(
    PositionVersion.unit_id.in_(select(subtree().c.unit_id)), holds(PositionVersion)
)
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "event_id": A.event_id == bindparam("event_id", type_=Uuid()),
    "state": A.state == bindparam("state", type_=Word(AssessmentState)),
    "employee_id": A.employee_id == bindparam("employee_id", type_=Uuid()),
    "unit_id": A.position_id.in_(_IN_UNIT),
    "before_id": A.id < bindparam("before_id", type_=Uuid()),
}


@lru_cache(maxsize=256)
def _page(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = _assessments(role).where(*(_FILTERS[name] for name in sorted(filters)))
    return chosen.order_by(A.id.desc()).limit(bindparam("rows", type_=Integer))


@lru_cache(maxsize=256)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = select(func.count()).select_from(A)
    asked = (_FILTERS[name] for name in sorted(filters))
    return chosen.where(assessments_visible(role, A.employee_id, A.id), *asked)


async def list_assessments(
    reader: Reader, actor: Actor, query: AssessmentQuery, order: str = ORDER
) -> AssessmentPage:
    """One page of what the actor sees, the newest first. Errors: InvalidCursor."""
    asked = query.model_dump(include={"event_id", "state", "employee_id", "unit_id"})
    values = {name: value for name, value in asked.items() if value is not None}
    always = {"as_of": today(), **viewer(actor)}
    total = None
    if query.include_total:
        total = await reader.value(_count(actor.role, frozenset(values)), **values, **always)
    if query.cursor:
        (values["before_id"],) = decode_cursor(query.cursor, order, (UUID,))
    statement = _page(actor.role, frozenset(values))
    rows = await reader.all(statement, **values, **always, rows=query.limit + 1)
    shown, more = rows[: query.limit], len(rows) > query.limit
    names = await names_of(reader, actor, {row["employee_id"] for row in shown})
    reader.reveals([row["employee_id"] for row in shown if row["known"]])
    return AssessmentPage.model_validate(
        {
            "items": [_fields(row, names) for row in shown],
            "next_cursor": encode_cursor(order, [shown[-1]["id"]]) if more else None,
            "total": total,
        }
    )


_EVENT_EXISTS = select(E.id).where(E.id == bindparam("event_id", type_=Uuid()))


async def list_of_event(reader: Reader, actor: Actor, query: AssessmentQuery) -> AssessmentPage:
    """One page of an event's assessments. Errors: NotFound, InvalidCursor."""
    if await reader.value(_EVENT_EXISTS, event_id=query.event_id) is None:
        raise NotFound
    return await list_assessments(reader, actor, query, OF_EVENT)


async def get_assessment(reader: Reader, actor: Actor, assessment_id: UUID) -> AssessmentRead:
    """One assessment. Errors: NotFound."""
    row = await reader.one(_one(actor.role), assessment_id=assessment_id, **viewer(actor))
    if row is None:
        raise NotFound
    names = await names_of(reader, actor, {row["employee_id"]})
    if row["known"]:
        reader.reveals([row["employee_id"]])
    progress = await _progress(reader, actor, assessment_id)
    if actor.is_self(row["employee_id"]):
        progress.by_source = None
    return AssessmentRead(**_fields(row, names), progress=progress)


def _fields(row: Row, names: Mapping[UUID, str]) -> dict[str, Any]:
    person = row["employee_id"]
    return {
        **{n: row[n] for n in ("id", "version", "state", "note", "submitted_at", "moderated_at")},
        "candidate": {"employee_id": person, "name": names.get(person)},
        **place(row),
    }


def place(row: Row) -> dict[str, Any]:
    """The fields of the event and of the position in a row that `with_place` made."""
    return {
        "event": {name: row[column] for name, column in OF_EVENT_ROW.items()},
        "position": {name: row[column] for name, column in OF_POSITION_ROW.items()},
    }


# --- names --------------------------------------------------------------------------------

_PEOPLE = bindparam("people", type_=ARRAY(Uuid()))
_NAMES = select(
    EmployeeProfile.employee_id,
    EmployeeProfile.name,
    EmployeeProfile.title_prefix,
    EmployeeProfile.title_suffix,
).where(EmployeeProfile.employee_id == func.any(_PEOPLE), holds(EmployeeProfile))
_KNOWN_NAMES = text("SELECT * FROM app.known_names(:people)").bindparams(_PEOPLE)
"""An ASN's own way: row-level security keeps the profiles of others from them."""


async def names_of(reader: Reader, actor: Actor, people: Collection[UUID]) -> dict[UUID, str]:
    """Full names as they are today; an ASN learns those of whom they lead or rate."""
    if not people:
        return {}
    if actor.role is Role.ASN:
        rows = await reader.all(_KNOWN_NAMES, people=list(people))
    else:
        rows = await reader.all(_NAMES, people=list(people), as_of=today())
    titled = ("name", "title_prefix", "title_suffix")
    return {row["employee_id"]: full_name(*(row[n] for n in titled)) for row in rows}


# --- progress -----------------------------------------------------------------------------

_ASSESSMENT_ID = bindparam("assessment_id", type_=Uuid())
_TOTALS = text(
    "SELECT assigned, submitted FROM app.rating_progress(ARRAY[:assessment_id])"
).bindparams(_ASSESSMENT_ID)
_SUBMITTED = S.state == AssessorAssignmentState.SUBMITTED
_BY_SOURCE = (
    select(
        S.source,
        func.count().label("assigned"),
        func.count().filter(_SUBMITTED).label("submitted"),
    )
    .where(S.assessment_id == _ASSESSMENT_ID, S.state != AssessorAssignmentState.WITHDRAWN)
    .group_by(S.source)
    .order_by(S.source)
)


async def _progress(reader: Reader, actor: Actor, assessment_id: UUID) -> RatingProgress:
    """Numbers; by source for the staff only: of two peers, one would tell who the other is."""
    if actor.role is Role.ASN:
        row = await reader.one(_TOTALS, assessment_id=assessment_id)
        totals = dict(row) if row else {"assigned": 0, "submitted": 0}
        return RatingProgress(**totals, by_source=None)
    sources = [
        SourceProgress(**row) for row in await reader.all(_BY_SOURCE, assessment_id=assessment_id)
    ]
    return RatingProgress(
        assigned=sum(s.assigned for s in sources),
        submitted=sum(s.submitted for s in sources),
        by_source=sources,
    )
