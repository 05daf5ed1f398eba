"""Results: one, many, and what a result stands on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    func,
    not_,
    select,
)
from sqlalchemy import tuple_ as row_of
from sqlalchemy.dialects.postgresql import TIMESTAMP

from app.access.actors import Actor
from app.access.assessments import results_visible, viewer
from app.calendar import today
from app.database import Reader, Row
from app.errors import Language, NotFound
from app.models.assessments import Assessment, AssessmentResult, CompetencyScore
from app.models.base import Word
from app.models.competencies import Competency, CompetencyVersion
from app.models.organisation import PositionVersion
from app.pagination import decode_cursor, encode_cursor
from app.rules.scoring import RulesUsed
from app.schemas.assessment_results import (
    AssessmentResultPage,
    AssessmentResultQuery,
    AssessmentResultRead,
    AssessmentResultSummary,
    JpmVariant,
    OfficialAct,
    Recomputable,
    ResultVersion,
    ScoreRead,
    SourceScore,
)
from app.services.assessments.reading import names_of, place, with_place
from app.services.results import words
from app.services.structure import subtree
from app.services.timeline import holds
from app.vocabulary import AssessmentPurpose, AssessmentState, JpmBand, Role, SourceUse

ORDER = "assessment_results"
R, A, S = AssessmentResult, Assessment, CompetencyScore
ON = bindparam("today", type_=Date)
LAST_VERSION = R.superseded_at.is_(None)
IN_FORCE = and_(LAST_VERSION, A.state == AssessmentState.PUBLISHED, R.valid_until > ON)
SUMMARY = (
    *(R.id, R.assessment_id, R.version_no, R.employee_id, R.purpose, R.assessed_on, R.jpm),
    *(R.jpm_uncapped, R.band, R.potential, R.gaps, R.valid_until, R.reason, R.published_at),
    *(R.superseded_at, IN_FORCE.label("in_force")),
)
DETAILS = (R.inputs, R.rules, R.outcome, R.published_by, A.moderated_by, A.moderated_at)


def results(role: Role, *more: Any) -> Select[Any]:
    """The results that the role sees, each with its event and position."""
    chosen = select(*SUMMARY, *more).select_from(R).join(A, A.id == R.assessment_id)
    return with_place(chosen).where(results_visible(role, R.employee_id, R.assessment_id))


# --- many ---------------------------------------------------------------------------------

_IN_UNIT = select(PositionVersion.position_id).where(
    PositionVersion.unit_id.in_(select(subtree().c.unit_id)), holds(PositionVersion)
)
_DAY = bindparam("valid_on", type_=Date)
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "employee_id": R.employee_id == bindparam("employee_id", type_=Uuid()),
    "event_id": A.event_id == bindparam("event_id", type_=Uuid()),
    "unit_id": R.position_id.in_(_IN_UNIT),
    "purpose": R.purpose == bindparam("purpose", type_=Word(AssessmentPurpose)),
    "band": R.band == bindparam("band", type_=Word(JpmBand)),
    "valid_on": and_(LAST_VERSION, R.assessed_on <= _DAY, R.valid_until > _DAY),
    "in_force": IN_FORCE,
    "not_in_force": not_(IN_FORCE),
    "before_id": row_of(R.published_at, R.id)
    < row_of(
        bindparam("before", type_=TIMESTAMP(timezone=True)), bindparam("before_id", type_=Uuid())
    ),
}


@lru_cache(maxsize=256)
def _page(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = results(role).where(*(_FILTERS[name] for name in sorted(filters)))
    newest_first = (R.published_at.desc(), R.id.desc())
    return chosen.order_by(*newest_first).limit(bindparam("rows", type_=Integer))


@lru_cache(maxsize=256)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    chosen = select(func.count()).select_from(R).join(A, A.id == R.assessment_id)
    seen = results_visible(role, R.employee_id, R.assessment_id)
    return chosen.where(seen, *(_FILTERS[name] for name in sorted(filters)))


def _given(query: AssessmentResultQuery) -> tuple[frozenset[str], dict[str, Any]]:
    """Which filters the query names, and their values."""
    asked = query.model_dump(exclude={"limit", "cursor", "include_total", "in_force"})
    values = {name: value for name, value in asked.items() if value is not None}
    counts = {True: {"in_force"}, False: {"not_in_force"}, None: set[str]()}
    return frozenset(values) | counts[query.in_force], values


async def list_results(
    reader: Reader, actor: Actor, query: AssessmentResultQuery
) -> AssessmentResultPage:
    """One page of what the actor sees, the newest first. Errors: InvalidCursor."""
    filters, values = _given(query)
    values |= {"today": today(), "as_of": today(), **viewer(actor)}
    total = None
    if query.include_total:
        total = await reader.value(_count(actor.role, filters), **values)
    if query.cursor:
        kinds = (datetime, UUID)
        values["before"], values["before_id"] = decode_cursor(query.cursor, ORDER, kinds)
        filters |= {"before_id"}
    rows = await reader.all(_page(actor.role, filters), **values, rows=query.limit + 1)
    shown = rows[: query.limit]
    last = [shown[-1]["published_at"], shown[-1]["id"]] if len(rows) > query.limit else None
    return AssessmentResultPage.model_validate(
        {
            "items": await _summaries(reader, actor, shown),
            "next_cursor": last and encode_cursor(ORDER, last),
            "total": total,
        }
    )


@lru_cache(maxsize=8)
def _these(role: Role) -> Select[Any]:
    return results(role).where(R.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))))


async def read_results(
    reader: Reader, actor: Actor, ids: Sequence[UUID], as_of: date
) -> list[AssessmentResultSummary]:
    """Those of these results that the actor sees; in any order."""
    rows = await reader.all(_these(actor.role), ids=ids, today=as_of, **viewer(actor))
    summaries = await _summaries(reader, actor, rows)
    return [AssessmentResultSummary.model_validate(each) for each in summaries]


async def _summaries(reader: Reader, actor: Actor, rows: Sequence[Row]) -> list[dict[str, Any]]:
    people = [row["employee_id"] for row in rows]
    names = await names_of(reader, actor, set(people))
    reader.reveals(people)
    return [summary(row, names) for row in rows]


_OF_ROW = frozenset(AssessmentResultSummary.model_fields) - {"person", "position", "event"}


def summary(row: Row, names: Mapping[UUID, str]) -> dict[str, Any]:
    """The fields of a result in a list."""
    person = row["employee_id"]
    return {
        **{name: row[name] for name in _OF_ROW},
        "person": {"employee_id": person, "name": names.get(person)},
        **place(row),
    }


# --- one ----------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _one(role: Role) -> Select[Any]:
    return results(role, *DETAILS).where(R.id == bindparam("result_id", type_=Uuid()))


_ASSESSMENT_ID = bindparam("assessment_id", type_=Uuid())
_RESULT_ID = bindparam("result_id", type_=Uuid())
_VERSIONS = (
    select(*(getattr(R, name) for name in ResultVersion.model_fields))
    .where(R.assessment_id == _ASSESSMENT_ID)
    .order_by(R.version_no)
)
SCORES = (
    select(
        *(S.result_id, S.competency_id, S.required, S.actual, S.gap, S.surplus),
        *(Competency.code, Competency.kind, Competency.ordinal),
        *(CompetencyVersion.name, CompetencyVersion.definition, CompetencyVersion.levels),
    )
    .join(Competency, Competency.id == S.competency_id)
    .join(CompetencyVersion, CompetencyVersion.id == S.competency_version_id)
    .order_by(Competency.ordinal)
)
"""Scores with the text that they were measured by."""
_SCORES_OF_ONE = SCORES.where(S.result_id == _RESULT_ID)


async def get_result(
    reader: Reader, actor: Actor, result_id: UUID, language: Language
) -> AssessmentResultRead:
    """A whole result. Errors: NotFound.

    Of its inputs only what each source came to, but for auditors.
    """
    values = {"today": today(), **viewer(actor)}
    row = await reader.one(_one(actor.role), result_id=result_id, **values)
    if row is None:
        raise NotFound
    names = await names_of(reader, actor, {row["employee_id"]})
    reader.reveals([row["employee_id"]])
    scores = await scores_of(reader, result_id)
    versions = await reader.all(_VERSIONS, assessment_id=row["assessment_id"])
    outcome, rules = row["outcome"], RulesUsed.from_json(row["rules"])
    return AssessmentResultRead(
        **summary(row, names),
        complete=outcome["complete"],
        missing=outcome["missing"],
        scores=[_score(each, sources_of(outcome, each["code"])) for each in scores],
        variants=_variants(outcome),
        jpm_in_words=words.jpm(outcome, {each["code"]: each["name"] for each in scores}, language),
        rules=words.rules_used(rules, row["purpose"], language),
        moderated=act(actor, row["moderated_by"], row["moderated_at"], language),
        published=act(actor, row["published_by"], row["published_at"], language),
        versions=[ResultVersion(**version) for version in versions],
        recomputable=_recomputable(actor, row),
    )


async def scores_of(reader: Reader, result_id: UUID) -> Sequence[Row]:
    """The rows of `SCORES` of a result that the actor sees, in the order of the dictionary."""
    return await reader.all(_SCORES_OF_ONE, result_id=result_id)


def sources_of(outcome: Mapping[str, Any], code: str) -> list[SourceScore]:
    """What each source came to; of too few anonymous raters not even how many they were."""
    found = next(each for each in outcome["competencies"] if each["code"] == code)
    return [
        SourceScore(
            source=source,
            raters=None if given["reason"] == SourceUse.BELOW_THRESHOLD else given["raters"],
            mean=given["mean"],
            weight=given["weight"],
            reason=given["reason"],
        )
        for source, given in sorted(found["by_source"].items())
    ]


def _score(row: Row, sources: list[SourceScore]) -> ScoreRead:
    return ScoreRead(
        **{name: row[name] for name in ScoreRead.model_fields.keys() - {"sources"}},
        sources=sources,
    )


def _variants(outcome: Mapping[str, Any]) -> list[JpmVariant]:
    decisive = outcome["formula"], outcome["cap"]
    return [
        JpmVariant(formula=formula, cap=cap, jpm=jpm, decisive=(formula, cap) == decisive)
        for formula, caps in sorted(outcome["variants"].items())
        for cap, jpm in sorted(caps.items())
    ]


def act(actor: Actor, account: UUID | None, at: datetime | None, language: Language) -> OfficialAct:
    """What was done by office; only auditors learn by which account."""
    shown = account if actor.role is Role.AUDITOR else None
    return OfficialAct(office=words.OFFICE.text(language), at=at, account_id=shown)


def _recomputable(actor: Actor, row: Row) -> Recomputable | None:
    if actor.role is not Role.AUDITOR:
        return None
    return Recomputable(**{name: row[name] for name in Recomputable.model_fields})
