"""Computing stored results again, and telling what no longer agrees.

A result holds its inputs and the ids of its rules. Scored again they must give the outcome that is
stored, the columns read off it, and the scores beside it; and it must be of its assessment's person
and position. A rule pack that came since changes none of that; a row that somebody changed past the
application does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, cast, func, select

from app.database import Reader, Row
from app.errors import Bilingual, FieldError, Invalid
from app.models.assessments import Assessment, AssessmentEvent, AssessmentResult, CompetencyScore
from app.models.competencies import Competency
from app.models.employees import Employee
from app.rules.scoring import RulesUsed, ScoringInputs, differences
from app.schemas.assessment_results import ReplayDifference, ReplayReport, ReplayRequest
from app.services.results.scored import Scored

BATCH: Final = 500
AT_MOST: Final = 1000
"""Results that one request computes again: about a second of work."""
Progress = Callable[[int, int], None]
R, S = AssessmentResult, CompetencyScore
DERIVED = (
    *("purpose", "assessed_on", "jpm", "jpm_uncapped", "band", "potential", "gaps"),
    "valid_until",
)
"""The columns that the rules give, beside `outcome`."""
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading JSON that isn't as it was written ends in."""

_SCORE = ("required", "actual", "gap", "surplus", "competency_version_id", "employee_id")
_SCORES = (
    select(
        func.jsonb_object_agg(
            Competency.code,
            func.jsonb_build_array(*(cast(getattr(S, name), Text) for name in _SCORE)),
        )
    )
    .select_from(S)
    .join(Competency, Competency.id == S.competency_id)
    .where(S.result_id == R.id)
    .scalar_subquery()
)
AS_WRITTEN = ("inputs", "rules", "outcome")
"""JSON that has one way to be written: what is in it beside was put there later."""
OF_ASSESSMENT = ("employee_id", "position_id")
"""The columns that are as the assessment has them."""
_STORED = (
    select(
        *(R.id, R.employee_id, R.position_id, R.inputs, R.rules, R.outcome),
        *(getattr(R, name) for name in DERIVED),
        *(getattr(Assessment, name).label(f"assessed_{name}") for name in OF_ASSESSMENT),
        func.coalesce(_SCORES, func.jsonb_build_object()).label("scores"),
    )
    .join(Assessment, Assessment.id == R.assessment_id)
    .order_by(R.id)
)
_AFTER = bindparam("after", type_=Uuid())
_ROWS = bindparam("rows", type_=Integer())
_NEXT = _STORED.where(R.id > _AFTER).limit(_ROWS)
_CHOSEN = _STORED.where(R.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))))
_TOTAL = select(func.count()).select_from(R)
_OF_EVENT = select(Assessment.id).where(Assessment.event_id == bindparam("event_id", type_=Uuid()))
_IDS: Mapping[str, Any] = {
    "employee_id": select(R.id)
    .where(R.employee_id == bindparam("employee_id", type_=Uuid()))
    .order_by(R.id)
    .limit(_ROWS),
    "event_id": select(R.id).where(R.assessment_id.in_(_OF_EVENT)).order_by(R.id).limit(_ROWS),
    "sample": select(R.id).order_by(func.random()).limit(_ROWS),
}
_KNOWN: Mapping[str, Any] = {
    "employee_id": select(Employee.id).where(Employee.id == bindparam("employee_id", type_=Uuid())),
    "event_id": select(AssessmentEvent.id).where(
        AssessmentEvent.id == bindparam("event_id", type_=Uuid())
    ),
}
_FIRST: Final = UUID(int=0)


async def replay_all(reader: Reader, progress: Progress = lambda _at, _of: None) -> ReplayReport:
    """Every result, in batches: memory for one of them."""
    total = await reader.value(_TOTAL)
    checked, found = 0, list[ReplayDifference]()
    async for rows in _batches(reader):
        found += await _check(reader, rows)
        checked += len(rows)
        progress(checked, total)
    return ReplayReport(ok=not found, checked=checked, complete=True, differences=found)


async def replay_some(reader: Reader, request: ReplayRequest) -> ReplayReport:
    """One person's results, one event's, or a sample: at most `AT_MOST`.

    Errors: Invalid where there is no such person or event: of nothing, nothing is proved.
    """
    given = request.model_dump(exclude_unset=True)
    ((chosen, value),) = given.items()
    rows = min(value, AT_MOST) if chosen == "sample" else AT_MOST + 1
    values = {} if chosen == "sample" else given
    ids = [row["id"] for row in await reader.all(_IDS[chosen], rows=rows, **values)]
    if chosen in _KNOWN and await reader.value(_KNOWN[chosen], **values) is None:
        unknown = Bilingual("Tidak dikenal.", "Unknown.")
        raise Invalid(errors=[FieldError(f"/{chosen}", "unknown", unknown)])
    stored = await reader.all(_CHOSEN, ids=ids[:AT_MOST])
    found = await _check(reader, stored)
    return ReplayReport(
        ok=not found, checked=len(stored), complete=len(ids) <= AT_MOST, differences=found
    )


async def _batches(reader: Reader) -> AsyncIterator[Sequence[Row]]:
    after = _FIRST
    while rows := await reader.all(_NEXT, after=after, rows=BATCH):
        yield rows
        after = rows[-1]["id"]


async def _check(reader: Reader, rows: Sequence[Row]) -> list[ReplayDifference]:
    """On a thread, so that the loop serves others meanwhile."""
    paths = await asyncio.to_thread(lambda: [changed(row) for row in rows])
    wrong = [(row, found) for row, found in zip(rows, paths, strict=True) if found]
    reader.reveals([row["employee_id"] for row, _ in wrong])
    return [ReplayDifference(result_id=row["id"], paths=found) for row, found in wrong]


def changed(row: Row) -> list[str]:
    """Where what is stored isn't what its inputs and rules give; `_STORED`'s columns."""
    try:
        rules = RulesUsed.from_json(row["rules"])
        for kind in rules.rule_ids:
            rules.pack(kind)
    except UNREADABLE:
        return ["/rules"]
    try:
        scored = Scored.of(ScoringInputs.from_json(row["inputs"]), rules)
    except UNREADABLE:
        return ["/inputs"]
    return differences(_stored(row), _again(scored, row))


def _stored(row: Row) -> dict[str, Any]:
    scores = {code: dict(zip(_SCORE, given, strict=True)) for code, given in row["scores"].items()}
    return {
        "scores": scores,
        **{name: row[name] for name in AS_WRITTEN},
        **{name: _plain(row[name]) for name in (*DERIVED, *OF_ASSESSMENT)},
    }


def _again(scored: Scored, row: Row) -> dict[str, Any]:
    columns = scored.columns()
    versions = {each.code: each.competency_version_id for each in scored.inputs.competencies}
    scores = {
        each.code: {
            **{name: _plain(getattr(each, name)) for name in _SCORE[:4]},
            "competency_version_id": versions[each.code],
            "employee_id": str(row["assessed_employee_id"]),
        }
        for each in scored.outcome.competencies
    }
    return {
        "scores": scores,
        **{name: columns[name] for name in AS_WRITTEN},
        **{name: _plain(columns[name]) for name in DERIVED},
        **{name: _plain(row[f"assessed_{name}"]) for name in OF_ASSESSMENT},
    }


def _plain(value: object) -> str | None:
    return None if value is None else str(value)
