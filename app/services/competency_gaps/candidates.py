"""Who fits this seat: everybody ranked by their levels against what it requires, and explained.

A level counts at most as much as is required, so that a surplus never hides a gap; the figure
shown is `app.rules.scoring.fit`, and the rank goes by the same sums in SQL.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    case,
    func,
    select,
    tuple_,
)
from sqlalchemy.sql.functions import coalesce

from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.competency_profiles import CompetencyProfile
from app.models.organisation import PositionVersion
from app.pagination import decode_cursor, encode_cursor
from app.rules.golongan import ladder
from app.rules.scoring import Fit, fit
from app.schemas.competency_gaps import (
    CandidateGap,
    CandidatePage,
    CandidateQuery,
    CandidateRead,
    CandidateStandard,
    Ineligibility,
)
from app.services.competency_gaps.summary import REFRESHED, subtree_top
from app.services.seats import person, with_person
from app.services.standards import RequiredLevel, required_levels
from app.services.structure import subtree
from app.services.timeline import AS_OF, holds
from app.vocabulary import EducationLevel

ORDER = "candidates"
PROFILE = CompetencyProfile
POSITION_ID = bindparam("position_id", type_=Uuid())
TITLE = select(PositionVersion.title).where(
    PositionVersion.position_id == POSITION_ID, holds(PositionVersion)
)
Values = dict[str, Any]


# --- ranking ----------------------------------------------------------------------------------


def _level(ordinal: int) -> ColumnElement[int]:
    """In hundredths; nothing measured counts as nothing."""
    return coalesce(PROFILE.levels[ordinal], 0)


def _required(ordinal: int) -> ColumnElement[int]:
    return bindparam(f"required_{ordinal}", type_=Integer())


def _sum(parts: Sequence[ColumnElement[int]]) -> ColumnElement[int]:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _eligible(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions = {
        "golongan": PROFILE.golongan == func.any(bindparam("golongan", type_=ARRAY(String))),
        "education": PROFILE.education == func.any(bindparam("education", type_=ARRAY(String))),
        "in_force": PROFILE.valid_until > AS_OF,
    }
    return [condition for name, condition in conditions.items() if name in filters]


def _considered(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    """Not who holds the position already; of the unit and the kind of job that were asked for."""
    below = subtree()
    conditions = {
        "unit_id": PROFILE.unit_id.in_(select(below.c.unit_id)),
        "job_kind": PROFILE.job_kind == bindparam("job_kind", type_=String()),
    }
    asked = [condition for name, condition in conditions.items() if name in filters]
    return [PROFILE.position_id.is_distinct_from(POSITION_ID), *asked, *_eligible(filters)]


@lru_cache(maxsize=256)
def _ranked(ordinals: tuple[int, ...], filters: frozenset[str], *, count: bool) -> Select[Any]:
    """One page by what is missing and in how many competencies, both from the least.

    The sums are spelled out competency by competency: a tenth of what taking the arrays apart
    row by row costs, at 200,000 people.
    """
    if count:
        return select(func.count()).select_from(PROFILE).where(*_considered(filters))
    missing = _sum(
        [func.greatest(_required(n) - _level(n), 0, type_=Integer()) for n in ordinals]
    ).label("missing")
    short = _sum([case((_level(n) < _required(n), 1), else_=0) for n in ordinals]).label("short")
    ranked = select(PROFILE, missing, short).where(*_considered(filters)).subquery("ranked")
    place = (ranked.c.missing, ranked.c.short, ranked.c.employee_id)
    page = select(ranked).order_by(*place).limit(bindparam("limit", type_=Integer()))
    if "after_id" in filters:
        names = ("after_missing", "after_short")
        mark = (bindparam(name, type_=Integer()) for name in names)
        page = page.where(tuple_(*place) > tuple_(*mark, bindparam("after_id", type_=Uuid())))
    return with_person(page.subquery("page"), "missing", "short", "employee_id")


# --- reading ----------------------------------------------------------------------------------


async def list_candidates(
    reader: Reader, position_id: UUID, query: CandidateQuery
) -> CandidatePage:
    """One page of who fits the position. Errors: NotFound for it or the unit; InvalidCursor."""
    day = today()
    title = await reader.value(TITLE, position_id=position_id, as_of=day)
    if title is None:
        raise NotFound
    standard = (await required_levels(reader, position_id, day)).levels
    ordinals = tuple(level.ordinal for level in standard)
    values = await _filters(reader, query)
    fixed: Values = {"as_of": day, "position_id": position_id}
    total = None
    if query.include_total:
        counted = _ranked(ordinals, frozenset(values), count=True)
        total = await reader.value(counted, **fixed, **values)
    rank = 0
    if query.cursor:
        names = ("rank", "after_missing", "after_short", "after_id")
        mark = decode_cursor(query.cursor, ORDER, (int, int, int, UUID))
        values |= dict(zip(names, mark, strict=True))
        rank = values.pop("rank")
    required = {f"required_{level.ordinal}": 100 * level.level for level in standard}
    page = _ranked(ordinals, frozenset(values), count=False)
    rows = await reader.all(page, limit=query.limit + 1, **fixed, **values, **required)
    shown = rows[: query.limit]
    reader.reveals([row["employee_id"] for row in shown])
    refreshed = await reader.one(REFRESHED)
    return CandidatePage(
        position_id=position_id,
        title=title,
        standard=[_standard(level) for level in standard],
        refreshed_at=refreshed and refreshed["refreshed_at"],
        items=[
            _candidate(row, place, standard, query, day)
            for place, row in enumerate(shown, start=rank + 1)
        ],
        next_cursor=_cursor(rank + len(shown), shown[-1]) if len(rows) > query.limit else None,
        total=total,
    )


def _cursor(rank: int, last: Row) -> str:
    return encode_cursor(ORDER, [rank, last["missing"], last["short"], last["employee_id"]])


async def _filters(reader: Reader, query: CandidateQuery) -> Values:
    """The values of the conditions that hold, by the condition's name."""
    values: Values = {}
    if query.unit_id is not None:
        values["unit_id"] = await subtree_top(reader, query.unit_id)
    if query.job_kind is not None:
        values["job_kind"] = query.job_kind.value
    if not query.include_ineligible:
        values |= {name: list(words) for name, words in _demanded(query).items()}
        values["in_force"] = True
    return values


def _demanded(query: CandidateQuery) -> Mapping[str, Sequence[str]]:
    """Which golongan and education are high enough, where that was asked."""
    demanded: dict[str, Sequence[str]] = {}
    if query.min_golongan is not None:
        steps = ladder(query.min_golongan)
        demanded["golongan"] = steps[steps.index(query.min_golongan) :]
    if query.min_education is not None:
        levels = tuple(EducationLevel)
        demanded["education"] = levels[levels.index(query.min_education) :]
    return demanded


# --- explaining -------------------------------------------------------------------------------


def _standard(level: RequiredLevel) -> CandidateStandard:
    return CandidateStandard(
        competency=level.code, competency_name=level.name, required=level.level
    )


def _candidate(
    row: Row, rank: int, standard: Sequence[RequiredLevel], query: CandidateQuery, day: date
) -> CandidateRead:
    levels = {level.code: _found(row["levels"], level.ordinal) for level in standard}
    fitting = fit(levels, {level.code: level.level for level in standard})
    shown = CandidateRead.model_fields.keys()
    return CandidateRead.model_validate(
        {
            **{name: value for name, value in person(row).items() if name in shown},
            "rank": rank,
            "fit_percent": fitting.percent,
            "gaps": _gaps(fitting, levels, standard),
            "ineligible": _ineligible(row, query, day),
        }
    )


def _found(levels: Sequence[int | None], ordinal: int) -> Decimal | None:
    level = levels[ordinal - 1] if ordinal <= len(levels) else None
    return None if level is None else Decimal(level).scaleb(-2)


def _gaps(
    fitting: Fit, levels: Mapping[str, Decimal | None], standard: Sequence[RequiredLevel]
) -> list[CandidateGap]:
    by_code = {level.code: level for level in standard}
    return [
        CandidateGap(
            competency=code,
            competency_name=by_code[code].name,
            required=by_code[code].level,
            actual=levels[code],
            gap=fitting.gaps.get(code),
        )
        for code in (*fitting.gaps, *fitting.not_measured)
    ]


def _ineligible(row: Row, query: CandidateQuery, day: date) -> list[Ineligibility]:
    found = [
        Ineligibility(name)
        for name, enough in _demanded(query).items()
        if row[name] is None or row[name] not in enough
    ]
    if row["valid_until"] is None:
        found.append(Ineligibility.NOT_ASSESSED)
    elif row["valid_until"] <= day:
        found.append(Ineligibility.RESULT_EXPIRED)
    return found
