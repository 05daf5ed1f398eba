"""Whose assessment is missing, expired or about to expire."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)

from app.calendar import today
from app.database import Reader
from app.models.competency_profiles import CompetencyProfile
from app.pagination import decode_cursor, encode_cursor
from app.schemas.competency_gaps import CoveragePage, CoverageQuery, CoverageRead, CoverageState
from app.services.competency_gaps.summary import subtree_top
from app.services.seats import person, with_person
from app.services.structure import subtree
from app.services.timeline import AS_OF

ORDER = "assessment_coverage"
NEVER = date(1, 1, 1)
"""Stands for no result at all: sorts before every day."""
SOON = bindparam("soon", type_=Date)
PROFILE = CompetencyProfile
ENDS = func.coalesce(PROFILE.valid_until, literal(NEVER, Date))
STATES: dict[CoverageState, ColumnElement[bool]] = {
    CoverageState.MISSING: PROFILE.valid_until.is_(None),
    CoverageState.EXPIRED: PROFILE.valid_until <= AS_OF,
    CoverageState.EXPIRING: (PROFILE.valid_until > AS_OF) & (PROFILE.valid_until <= SOON),
    CoverageState.VALID: PROFILE.valid_until > SOON,
}
SHOWN = (
    PROFILE.employee_id,
    PROFILE.position_id,
    PROFILE.unit_id,
    PROFILE.job_kind,
    PROFILE.result_id,
    PROFILE.assessed_on,
    PROFILE.valid_until,
)


@lru_cache(maxsize=128)
def _covered(state: CoverageState, given: frozenset[str], *, count: bool) -> Select[Any]:
    below = subtree()
    conditions: dict[str, ColumnElement[bool]] = {
        "unit_id": PROFILE.unit_id.in_(select(below.c.unit_id)),
        "job_kind": PROFILE.job_kind == bindparam("job_kind", type_=String()),
        "after_id": tuple_(ENDS, PROFILE.employee_id)
        > tuple_(bindparam("after", type_=Date()), bindparam("after_id", type_=Uuid())),
    }
    asked = [STATES[state], *(c for name, c in conditions.items() if name in given)]
    if count:
        return select(func.count()).select_from(PROFILE).where(*asked)
    page = select(*SHOWN, ENDS.label("ends")).where(*asked).order_by(ENDS, PROFILE.employee_id)
    limited = page.limit(bindparam("limit", type_=Integer)).subquery("page")
    return with_person(limited, "ends", "employee_id")


async def list_coverage(reader: Reader, query: CoverageQuery) -> CoveragePage:
    """One page of the people in this state. Errors: NotFound for an unknown unit, InvalidCursor."""
    day = today()
    values: dict[str, Any] = {}
    if query.unit_id is not None:
        values["unit_id"] = await subtree_top(reader, query.unit_id)
    if query.job_kind is not None:
        values["job_kind"] = query.job_kind.value
    days = {"as_of": day, "soon": day + timedelta(days=query.within_days)}
    total = None
    if query.include_total:
        counted = _covered(query.state, frozenset(values), count=True)
        total = await reader.value(counted, **values, **days)
    if query.cursor:
        values["after"], values["after_id"] = decode_cursor(query.cursor, ORDER, (date, UUID))
    page = _covered(query.state, frozenset(values), count=False)
    rows = await reader.all(page, limit=query.limit + 1, **values, **days)
    shown = rows[: query.limit]
    reader.reveals([row["employee_id"] for row in shown])
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [shown[-1]["ends"], shown[-1]["employee_id"]]) if more else None
    items = [
        CoverageRead.model_validate(
            {**{k: v for k, v in person(row).items() if k != "ends"}, "state": query.state}
        )
        for row in shown
    ]
    return CoveragePage(items=items, next_cursor=cursor, total=total)
