"""Objections: one and many, with their clocks."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy import tuple_ as row_of
from sqlalchemy.dialects.postgresql import TIMESTAMP

from app.access.actors import Actor
from app.access.assessments import viewer
from app.access.objections import SEES_ACCOUNTS, objections_visible
from app.calendar import JAKARTA, now
from app.database import Reader, Row
from app.errors import NotFound
from app.models.assessments import AssessmentResult
from app.models.objections import Objection, ObjectionStatement
from app.pagination import decode_cursor, encode_cursor
from app.rules.objections import last_day
from app.schemas.assessments import AssessedPerson
from app.schemas.objections import (
    ObjectionPage,
    ObjectionQuery,
    ObjectionRead,
    ObjectionSummary,
    RuledLevelRead,
    StatementRead,
)
from app.services.assessments.reading import names_of
from app.vocabulary import ObjectionState, Role

ORDER: Final = "objections"
O, S = Objection, ObjectionStatement  # noqa: E741 - as the other tables
OPEN: Final = (ObjectionState.FILED, ObjectionState.HEARING)
INSTANT = TIMESTAMP(timezone=True)
SUMMARY: tuple[Any, ...] = (
    *(O.id, O.version, O.result_id, O.employee_id, O.state, O.filed_at, O.file_by, O.rule_by),
    *(O.ruler_id, O.outcome, O.ruled_at, O.new_result_id, AssessmentResult.assessment_id),
)
DETAILS = (O.rule, O.reasons, O.evidence, O.ruling, O.unheard_reason, O.levels)


def _objections(role: Role, *more: Any) -> Select[Any]:
    result = AssessmentResult
    chosen = select(*SUMMARY, *more).select_from(O).join(result, result.id == O.result_id)
    return chosen.where(objections_visible(role, O.employee_id, O.result_id))


# --- one ----------------------------------------------------------------------------------

_OBJECTION_ID = bindparam("objection_id", type_=Uuid())


@lru_cache(maxsize=8)
def _one(role: Role) -> Select[Any]:
    return _objections(role, *DETAILS).where(O.id == _OBJECTION_ID)


_STATEMENTS = (
    select(S.side, S.statement, S.evidence, S.created_at, S.author_id)
    .where(S.objection_id == _OBJECTION_ID)
    .order_by(S.created_at, S.id)
)


async def get_objection(reader: Reader, actor: Actor, objection_id: UUID) -> ObjectionRead:
    """One objection. Errors: NotFound."""
    row = await reader.one(_one(actor.role), objection_id=objection_id, **viewer(actor))
    if row is None:
        raise NotFound
    names = await names_of(reader, actor, {row["employee_id"]})
    reader.reveals([row["employee_id"]])
    said = await reader.all(_STATEMENTS, objection_id=objection_id)
    named = ("rule", "reasons", "evidence", "ruling", "unheard_reason")
    return ObjectionRead(
        **_summary(actor, row, names, now()),
        **{name: row[name] for name in named},
        statements=[
            StatementRead(**{**each, "author_id": _account(actor, each["author_id"])})
            for each in said
        ],
        levels=[RuledLevelRead(**each) for each in row["levels"]],
    )


# --- many ---------------------------------------------------------------------------------

_OVERDUE = and_(
    or_(*(O.state == state for state in OPEN)), O.rule_by <= bindparam("now", type_=INSTANT)
)
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "state": O.state == func.any(bindparam("state", type_=ARRAY(String))),
    "overdue": _OVERDUE,
    "not_overdue": not_(_OVERDUE),
    "ruler": O.ruler_id == bindparam("ruler", type_=Uuid()),
    "after_id": row_of(O.rule_by, O.id)
    > row_of(bindparam("after", type_=INSTANT), bindparam("after_id", type_=Uuid())),
}


@lru_cache(maxsize=128)
def _page(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = _objections(role).where(*(_FILTERS[name] for name in sorted(filters)))
    return chosen.order_by(O.rule_by, O.id).limit(bindparam("rows", type_=Integer))


@lru_cache(maxsize=128)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    seen = objections_visible(role, O.employee_id, O.result_id)
    asked = (_FILTERS[name] for name in sorted(filters))
    return select(func.count()).select_from(O).where(seen, *asked)


async def list_objections(reader: Reader, actor: Actor, query: ObjectionQuery) -> ObjectionPage:
    """One page of what the actor sees, what is due first before. Errors: InvalidCursor."""
    asked = {"state": [state.value for state in query.state], "ruler": query.ruler}
    values: dict[str, Any] = {name: value for name, value in asked.items() if value}
    late = {True: {"overdue"}, False: {"not_overdue"}, None: set[str]()}
    filters = frozenset(values) | late[query.overdue]
    at = now()
    values |= {"now": at, **viewer(actor)}
    total = None
    if query.include_total:
        total = await reader.value(_count(actor.role, filters), **values)
    if query.cursor:
        values["after"], values["after_id"] = decode_cursor(query.cursor, ORDER, (datetime, UUID))
        filters |= {"after_id"}
    rows = await reader.all(_page(actor.role, filters), **values, rows=query.limit + 1)
    shown = rows[: query.limit]
    people = [row["employee_id"] for row in shown]
    names = await names_of(reader, actor, set(people))
    reader.reveals(people)
    last = [shown[-1]["rule_by"], shown[-1]["id"]] if len(rows) > query.limit else None
    return ObjectionPage(
        items=[ObjectionSummary(**_summary(actor, row, names, at)) for row in shown],
        next_cursor=last and encode_cursor(ORDER, last),
        total=total,
    )


# --- what both show -----------------------------------------------------------------------

_OF_ROW = ObjectionSummary.model_fields.keys() - {
    *("person", "overdue", "days_left", "ruler_assigned", "ruler_id")
}


def _summary(actor: Actor, row: Row, names: Mapping[UUID, str], at: datetime) -> dict[str, Any]:
    person, is_open = row["employee_id"], row["state"] in OPEN
    left = last_day(row["rule_by"]) - at.astimezone(JAKARTA).date()
    return {
        **{name: row[name] for name in _OF_ROW},
        "person": AssessedPerson(employee_id=person, name=names.get(person)),
        "overdue": is_open and row["rule_by"] <= at,
        "days_left": left.days if is_open else None,
        "ruler_assigned": row["ruler_id"] is not None,
        "ruler_id": _account(actor, row["ruler_id"]),
    }


def _account(actor: Actor, account_id: UUID | None) -> UUID | None:
    return account_id if actor.role in SEES_ACCOUNTS else None
