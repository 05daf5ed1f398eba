"""Gaps summed over a subtree, from the table that is kept ready."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, String, bindparam, case, func, select

from app.calendar import today
from app.database import Reader, Row
from app.errors import NotFound
from app.models.competencies import Competency, CompetencyVersion
from app.models.competency_profiles import CompetencyRefresh, UnitGap
from app.models.organisation import Unit, UnitVersion
from app.schemas.competency_gaps import GapGroup, GapGrouping, GapQuery, GapSummary
from app.services.structure import IN_FORCE, UNIT_ID
from app.services.timeline import holds

HUNDREDTHS = Decimal("0.01")
TENTHS = Decimal("0.1")
NUMBERS = ("people", "assessed", "short", "gap")
REFRESHED = select(CompetencyRefresh.day, CompetencyRefresh.refreshed_at)
ROOT = select(UnitVersion.unit_id).where(UnitVersion.parent_id.is_(None), holds(UnitVersion))


def branches_below() -> CTE:
    """The subtree of `:unit_id`; each unit with the one right below the top that it lies under."""
    unit = UnitVersion.unit_id
    top = select(unit, unit.label("branch")).where(unit == UNIT_ID, holds(UnitVersion))
    tree = top.cte("branches", recursive=True)
    branch = case((tree.c.unit_id == UNIT_ID, unit), else_=tree.c.branch)
    below = select(unit, branch).join(tree, UnitVersion.parent_id == tree.c.unit_id)
    return tree.union_all(below.where(holds(UnitVersion)))


def _key(group_by: GapGrouping, branches: CTE) -> ColumnElement[Any]:
    keys: dict[GapGrouping, Any] = {
        GapGrouping.COMPETENCY: UnitGap.competency_id,
        GapGrouping.UNIT: branches.c.branch,
        GapGrouping.JOB_KIND: UnitGap.job_kind,
    }
    key: ColumnElement[Any] = keys[group_by].label("key")
    return key


@lru_cache(maxsize=32)
def _sums(group_by: GapGrouping, filters: frozenset[str]) -> Select[Any]:
    branches = branches_below()
    key = _key(group_by, branches)
    conditions = {
        "job_kind": UnitGap.job_kind == bindparam("job_kind", type_=String()),
        "competency": UnitGap.competency_id
        == select(Competency.id)
        .where(Competency.code == bindparam("competency", type_=String()))
        .scalar_subquery(),
    }
    sums = (func.sum(getattr(UnitGap, name)).label(name) for name in NUMBERS)
    return (
        select(key, *sums)
        .join(branches, branches.c.unit_id == UnitGap.unit_id)
        .where(*(condition for name, condition in conditions.items() if name in filters))
        .group_by(key)
    )


@lru_cache(maxsize=32)
def _summary(group_by: GapGrouping, filters: frozenset[str]) -> Select[Any]:
    """The sums with the names of what they are summed by, the largest share of gaps first."""
    sums = _sums(group_by, filters).subquery("sums")
    share = func.coalesce(sums.c.short * 1.0 / func.nullif(sums.c.assessed, 0), 0)
    numbers = [sums.c[name] for name in NUMBERS]
    if group_by is GapGrouping.JOB_KIND:
        return select(sums.c.key.label("job_kind"), *numbers).order_by(share.desc(), sums.c.key)
    if group_by is GapGrouping.UNIT:
        named = select(
            Unit.id.label("unit_id"),
            Unit.code.label("unit_code"),
            UnitVersion.name.label("unit_name"),
            *numbers,
        )
        version = (UnitVersion.unit_id == Unit.id) & holds(UnitVersion)
        named = named.join(sums, sums.c.key == Unit.id).join(UnitVersion, version)
        return named.order_by(share.desc(), Unit.code)
    named = select(
        Competency.id.label("competency_id"),
        Competency.code.label("competency"),
        CompetencyVersion.name.label("competency_name"),
        Competency.kind.label("competency_kind"),
        *numbers,
    )
    text = (CompetencyVersion.competency_id == Competency.id) & holds(CompetencyVersion)
    named = named.join(sums, sums.c.key == Competency.id).join(CompetencyVersion, text)
    return named.order_by(share.desc(), Competency.ordinal)


async def subtree_top(reader: Reader, unit_id: UUID | None) -> UUID:
    """The unit that was asked for, or the root. Errors: NotFound."""
    if unit_id is None:
        found = await reader.value(ROOT, as_of=today())
    else:
        found = await reader.value(IN_FORCE, unit_id=unit_id, as_of=today())
    if found is None:
        raise NotFound
    return UUID(str(found))


async def gap_summary(reader: Reader, query: GapQuery) -> GapSummary:
    """Gaps of everybody with a seat in the subtree. Errors: NotFound where the unit is not."""
    top = await subtree_top(reader, query.unit_id)
    values: dict[str, object] = {
        "job_kind": query.job_kind and query.job_kind.value,
        "competency": query.competency,
    }
    values = {name: value for name, value in values.items() if value is not None}
    statement = _summary(query.group_by, frozenset(values))
    rows = await reader.all(statement, unit_id=top, as_of=today(), **values)
    refreshed = await reader.one(REFRESHED)
    return GapSummary(
        unit_id=top,
        group_by=query.group_by,
        day=refreshed and refreshed["day"],
        refreshed_at=refreshed and refreshed["refreshed_at"],
        items=[_group(row) for row in rows],
    )


def _group(row: Row) -> GapGroup:
    named = {name: value for name, value in row.items() if name not in NUMBERS}
    people, assessed, short, gap = (int(row[name]) for name in NUMBERS)
    return GapGroup.model_validate(
        {
            **named,
            "people": people,
            "assessed": assessed,
            "not_assessed": people - assessed,
            "short": short,
            "short_percent": _share(100 * short, assessed, TENTHS),
            "mean_gap": _share(Decimal(gap) / 100, short, HUNDREDTHS),
        }
    )


def _share(part: Decimal | int, whole: int, places: Decimal) -> Decimal | None:
    return (Decimal(part) / whole).quantize(places, ROUND_HALF_UP) if whole else None
