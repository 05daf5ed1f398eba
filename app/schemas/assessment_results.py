"""Results of assessments, and what a person reads of them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.assessments import AssessedPerson, AssessedPosition, EventSummary
from app.schemas.base import Day, Page, PageQuery, Schema, Text, example
from app.schemas.competencies import CompetencyLevel
from app.vocabulary import (
    AssessmentPurpose,
    CompetencyKind,
    JpmBand,
    JpmCap,
    JpmFormula,
    ObjectionState,
    Potential,
    RaterSource,
    ResultStanding,
    SourceUse,
)

Level = Annotated[Decimal, Field(description="0.00 to 5.00.")]
Percent = Annotated[Decimal, Field(description="Percent, two decimals.")]

_RESULT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2bb1"
_ASSESSMENT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba2"
_EMPLOYEE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
_POSITION = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91"
_COMPETENCY = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba5"
_UNIT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b92"
_EVENT = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba1",
    "code": "PEMETAAN-2026-1",
    "title": "Pemetaan kompetensi pejabat administrator 2026",
    "purpose": "mapping",
    "method": "assessment_center",
    "starts_on": "2026-09-01",
    "ends_on": "2026-09-03",
}
_PERSON = {"employee_id": _EMPLOYEE, "name": "Dra. Siti Aminah, M.Si."}
_PLACE = {
    "id": _POSITION,
    "title": "Kepala Bidang Pembinaan SMP",
    "unit_id": _UNIT,
    "unit_name": "Bidang Pembinaan SMP",
}


# --- publishing ---------------------------------------------------------------------------


class ResultPublish(Schema):
    """Why the result is published; the person reads it."""

    model_config = example({"reason": "Hasil pemetaan kompetensi 2026."})

    reason: Text


# --- many ---------------------------------------------------------------------------------

_SUMMARY = {
    "id": _RESULT,
    "assessment_id": _ASSESSMENT,
    "version_no": 1,
    "person": _PERSON,
    "position": _PLACE,
    "event": _EVENT,
    "purpose": "mapping",
    "assessed_on": "2026-09-03",
    "jpm": "91.33",
    "jpm_uncapped": "91.33",
    "band": "optimal",
    "potential": "tinggi",
    "gaps": 9,
    "valid_until": "2029-09-03",
    "in_force": True,
    "reason": "Hasil pemetaan kompetensi 2026.",
    "published_at": "2026-09-20T02:00:00Z",
    "superseded_at": None,
}


class AssessmentResultSummary(Schema):
    """A result in a list."""

    model_config = example(_SUMMARY)

    id: UUID
    assessment_id: UUID
    version_no: int = Field(description="1 for the first result of the assessment.")
    person: AssessedPerson
    position: AssessedPosition = Field(description="The position whose standard was measured.")
    event: EventSummary
    purpose: AssessmentPurpose
    assessed_on: date
    jpm: Percent | None = Field(
        description="Job person match by the formula and cap in force; null where something that "
        "has to be measured was not."
    )
    jpm_uncapped: Percent | None
    band: JpmBand | None
    potential: Potential | None
    gaps: int = Field(description="Competencies below the required level, whatever the JPM says.")
    valid_until: date = Field(description="The first day on which it no longer counts.")
    in_force: bool = Field(
        description="It counts today: the last version of the person's newest assessment, valid."
    )
    reason: str = Field(description="Why this version was made.")
    published_at: datetime
    superseded_at: datetime | None = Field(
        description="Since when another version stands in its place."
    )


class AssessmentResultQuery(PageQuery):
    """What narrows the list of results; the newest first."""

    employee_id: UUID | None = None
    event_id: UUID | None = None
    unit_id: Annotated[
        UUID | None,
        Field(description="Measured against a position in this unit or below it, as it is today."),
    ] = None
    purpose: AssessmentPurpose | None = None
    band: JpmBand | None = None
    in_force: Annotated[
        bool | None,
        Field(
            description="`true`: only what counts today. `false`: only what doesn't, earlier "
            "versions among it. Left out: all."
        ),
    ] = None
    valid_on: Annotated[
        Day | None, Field(description="Assessed by that day and valid on it; last versions only.")
    ] = None


class AssessmentResultPage(Page):
    """One page of results."""

    model_config = example({"items": [_SUMMARY], "next_cursor": None, "total": None})

    items: list[AssessmentResultSummary]


# --- one ----------------------------------------------------------------------------------


class SourceScore(Schema):
    """What the raters of one source came to in one competency."""

    source: RaterSource
    raters: int | None = Field(
        description="Null where peers or subordinates are too few: nothing is told of them."
    )
    mean: Level | None
    weight: int = Field(description="Among the sources that counted, shared out anew.")
    reason: SourceUse


class ScoreRead(Schema):
    """One competency of a result."""

    competency_id: UUID
    code: str
    name: str
    kind: CompetencyKind
    required: int
    actual: Level | None = Field(description="Null where nobody's rating counts.")
    gap: Level | None = Field(description="Levels below the required one; never negative.")
    surplus: Level | None = Field(description="Levels above it; never set against a gap.")
    sources: list[SourceScore]


class JpmVariant(Schema):
    """The job person match by one formula and one cap."""

    formula: JpmFormula
    cap: JpmCap
    jpm: Percent | None
    decisive: bool = Field(description="The one in force, which gives the band.")


class RuleUsed(Schema):
    """A rule by which the result was made."""

    kind: str
    rule_id: str = Field(description="Rule pack and version.")
    source: str = Field(description="The regulation.")
    in_words: str


class OfficialAct(Schema):
    """What was done by office: the officer answers for the agency, not in person."""

    office: str
    at: datetime | None
    account_id: UUID | None = Field(description="For auditors only.")


class ResultVersion(Schema):
    """One version in the history of a result."""

    id: UUID
    version_no: int
    jpm: Percent | None
    band: JpmBand | None
    reason: str
    published_at: datetime
    superseded_at: datetime | None


class Recomputable(Schema):
    """Everything that is needed to compute the result again, as it is stored."""

    inputs: dict[str, Any]
    rules: dict[str, Any]
    outcome: dict[str, Any]


_SOURCE = {
    "source": "peer",
    "raters": 4,
    "mean": "2.75",
    "weight": 10,
    "reason": "counted",
}
_SCORE = {
    "competency_id": _COMPETENCY,
    "code": "integritas",
    "name": "Integritas",
    "kind": "managerial",
    "required": 3,
    "actual": "2.74",
    "gap": "0.26",
    "surplus": "0.00",
    "sources": [_SOURCE],
}
_VARIANT = {"formula": "sum_ratio", "cap": "total", "jpm": "91.33", "decisive": True}
_RULE = {
    "kind": "assessment_validity",
    "rule_id": "assessment-validity-bkn-26-2019@1",
    "source": "Peraturan BKN 26/2019 pasal 29 ayat (4)",
    "in_words": "Hasil berlaku 3 tahun sejak hari penilaian.",
}
_ACT = {"office": "Instansi kepegawaian", "at": "2026-09-20T02:00:00Z", "account_id": None}
_VERSION = {
    name: _SUMMARY[name]
    for name in ("id", "version_no", "jpm", "band", "reason", "published_at", "superseded_at")
}


class AssessmentResultRead(AssessmentResultSummary):
    """A whole result."""

    model_config = example(
        {
            **_SUMMARY,
            "complete": True,
            "missing": [],
            "scores": [_SCORE],
            "variants": [_VARIANT],
            "jpm_in_words": "24,66 ÷ 27 × 100 = 91,33%, paling tinggi 100%.",
            "rules": [_RULE],
            "moderated": _ACT,
            "published": _ACT,
            "versions": [_VERSION],
            "recomputable": None,
        }
    )

    complete: bool
    missing: list[str] = Field(description="Codes of competencies that had to be measured.")
    scores: list[ScoreRead]
    variants: list[JpmVariant]
    jpm_in_words: str = Field(description="The formula with its numbers.")
    rules: list[RuleUsed]
    moderated: OfficialAct
    published: OfficialAct
    versions: list[ResultVersion]
    recomputable: Recomputable | None = Field(description="For auditors only.")


# --- the profile of a person --------------------------------------------------------------


class ProfileCompetency(Schema):
    """One competency of a person: where they stand, and what comes next."""

    competency_id: UUID
    code: str
    name: str
    kind: CompetencyKind
    definition: str
    required: int
    actual: Level | None
    gap: Level | None
    surplus: Level | None
    present: CompetencyLevel | None = Field(
        description="The level that is reached in full; null below level 1 or where not measured."
    )
    next: CompetencyLevel | None = Field(description="What to work on; null at level 5.")
    advice: str


class ProfileResult(Schema):
    """The result that the profile shows."""

    id: UUID
    version_no: int
    purpose: AssessmentPurpose
    assessed_on: date
    published_at: datetime
    position: AssessedPosition
    jpm: Percent | None
    jpm_uncapped: Percent | None
    jpm_in_words: str
    band: JpmBand | None
    potential: Potential | None
    complete: bool
    missing: list[str]
    gaps: int
    valid_until: date
    days_left: int = Field(description="0 once it no longer counts.")


class SourceTaking(Schema):
    """One kind of rater that took part."""

    source: RaterSource
    raters: int | None = Field(description="Null where anonymous raters are too few to be told.")
    in_words: str


class ChangeStep(Schema):
    """What closing one gap alone would do."""

    code: str
    name: str
    gap: Level
    jpm: Percent
    band: JpmBand
    reaches: bool


class BandAhead(Schema):
    """A better band, and what is missing to it."""

    band: JpmBand
    starts_at: Percent
    missing: Percent
    in_words: str
    steps: list[ChangeStep]


class Measurement(Schema):
    """How this was measured, and what would change it."""

    event: EventSummary
    sources: list[SourceTaking]
    rules: list[RuleUsed]
    moderated: OfficialAct
    published: OfficialAct
    reason: str
    what_would_change_it: list[BandAhead]


class ObjectionChance(Schema):
    """Whether and until when the person may object to the result."""

    open: bool
    file_by: datetime = Field(description="The first instant that is too late.")
    how: str
    objection_id: UUID | None = Field(description="Of an objection that stands.")
    state: ObjectionState | None


class ProfileLinks(Schema):
    """Where to read on."""

    result: str | None
    radar: str
    history: str
    comparison: str


_MEANING = {
    "level": 2,
    "name": "Dasar",
    "description": "Mengajak rekan kerja bertindak sesuai nilai dan etika organisasi.",
    "indicators": ["Mengingatkan rekan kerja untuk bertindak sesuai etika."],
}
_PROFILE = {
    "person": _PERSON,
    "standing": "in_force",
    "in_words": "Hasil ini berlaku sampai 2 September 2029.",
    "position": _PLACE,
    "result": {
        **{
            name: _SUMMARY[name]
            for name in (
                *("id", "version_no", "purpose", "assessed_on", "published_at", "position"),
                *("jpm", "jpm_uncapped", "band", "potential", "gaps", "valid_until"),
            )
        },
        "jpm_in_words": "24,66 ÷ 27 × 100 = 91,33%, paling tinggi 100%.",
        "complete": True,
        "missing": [],
        "days_left": 1080,
    },
    "competencies": [
        {
            **{name: value for name, value in _SCORE.items() if name != "sources"},
            "definition": "Konsisten berperilaku selaras dengan nilai, norma dan etika.",
            "present": _MEANING,
            "next": {**_MEANING, "level": 3, "name": "Menengah"},
            "advice": "Kurang 0,26 level. Berikutnya: level 3, Menengah.",
        }
    ],
    "measurement": {
        "event": _EVENT,
        "sources": [{"source": "peer", "raters": 4, "in_words": "Rekan kerja (4 penilai)."}],
        "rules": [_RULE],
        "moderated": _ACT,
        "published": _ACT,
        "reason": "Hasil pemetaan kompetensi 2026.",
        "what_would_change_it": [],
    },
    "objection": {
        "open": True,
        "file_by": "2026-10-04T17:00:00Z",
        "how": "Ajukan keberatan beserta alasan dan buktinya sebelum 5 Oktober 2026.",
        "objection_id": None,
        "state": None,
    },
    "links": {
        "result": f"/api/v1/assessment-results/{_RESULT}",
        "radar": f"/api/v1/employees/{_EMPLOYEE}/competency-profile/radar.svg",
        "history": f"/api/v1/employees/{_EMPLOYEE}/competency-history",
        "comparison": f"/api/v1/employees/{_EMPLOYEE}/comparison",
    },
}


class CompetencyProfileRead(Schema):
    """A person's competencies in one document: where they stand and what they do now."""

    model_config = example(_PROFILE)

    person: AssessedPerson
    standing: ResultStanding
    in_words: str
    position: AssessedPosition | None = Field(
        description="The seat held for good today; where there is none or the reader may not see "
        "it, the position that was measured."
    )
    result: ProfileResult | None
    competencies: list[ProfileCompetency] = Field(
        description="Gaps first, the largest first. Without a result, what the position requires."
    )
    measurement: Measurement | None
    objection: ObjectionChance | None
    links: ProfileLinks


# --- over time, and against another seat --------------------------------------------------


class HistoryPoint(Schema):
    """A competency in one result."""

    result_id: UUID
    assessed_on: date
    required: int
    actual: Level | None
    gap: Level | None
    surplus: Level | None


class CompetencyCourse(Schema):
    """One competency over time, oldest first."""

    competency_id: UUID
    code: str
    name: str
    points: list[HistoryPoint]


class HistoryResult(Schema):
    """A result in the history: its last version."""

    id: UUID
    version_no: int
    purpose: AssessmentPurpose
    assessed_on: date
    valid_until: date
    in_force: bool
    jpm: Percent | None
    band: JpmBand | None
    potential: Potential | None
    gaps: int
    position: AssessedPosition


class PersonHistory(Schema):
    """A person's results over time."""

    model_config = example(
        {
            "person": _PERSON,
            "results": [
                {
                    name: _SUMMARY[name]
                    for name in (
                        *("id", "version_no", "purpose", "assessed_on", "valid_until", "in_force"),
                        *("jpm", "band", "potential", "gaps", "position"),
                    )
                }
            ],
            "competencies": [
                {
                    "competency_id": _COMPETENCY,
                    "code": "integritas",
                    "name": "Integritas",
                    "points": [
                        {
                            "result_id": _RESULT,
                            "assessed_on": "2026-09-03",
                            "required": 3,
                            "actual": "2.74",
                            "gap": "0.26",
                            "surplus": "0.00",
                        }
                    ],
                }
            ],
        }
    )

    person: AssessedPerson
    results: list[HistoryResult] = Field(description="Oldest first.")
    competencies: list[CompetencyCourse]


class SeatNeed(Schema):
    """One competency that a seat requires, and where the person stands."""

    competency_id: UUID
    code: str
    name: str
    kind: CompetencyKind
    required: int
    actual: Level | None
    gap: Level | None = Field(description="Null where it was not measured.")
    surplus: Level | None
    measured: bool
    source: str = Field(description="Why the seat requires it.")


class SeatComparison(Schema):
    """What a person would need for a seat, by its standard of today."""

    model_config = example(
        {
            "person": _PERSON,
            "position": _PLACE,
            "as_of": "2026-11-24",
            "standing": "in_force",
            "result_id": _RESULT,
            "percent": "91.33",
            "fits": False,
            "needs": [
                {
                    **{name: value for name, value in _SCORE.items() if name != "sources"},
                    "measured": True,
                    "source": "PermenPANRB 38/2017",
                }
            ],
            "in_words": "Yang perlu dikembangkan: Integritas (0,26 level).",
            "not_judged": "Golongan, pendidikan dan syarat lain tidak dinilai di sini.",
        }
    )

    person: AssessedPerson
    position: AssessedPosition
    as_of: date
    standing: ResultStanding
    result_id: UUID | None
    percent: Percent | None = Field(
        description="Each competency counts at most its required level; what was not measured "
        "counts as 0. Not a JPM: it has no band. Null without a result."
    )
    fits: bool = Field(description="Every required level is reached, by a result that counts.")
    needs: list[SeatNeed] = Field(description="Gaps first, the largest first.")
    in_words: str
    not_judged: str


# --- computing again ----------------------------------------------------------------------


class ReplayRequest(Schema):
    """Which results to compute again: one person's, one event's, or a sample."""

    model_config = example({"sample": 100})

    employee_id: UUID | None = None
    event_id: UUID | None = None
    sample: Annotated[int | None, Field(ge=1, le=1000, description="So many, drawn at random.")] = (
        None
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "ReplayRequest":
        if len(self.model_fields_set & {"employee_id", "event_id", "sample"}) != 1:
            raise PydanticCustomError(
                "choose_one",
                "Name exactly one of employee_id, event_id and sample.",
                {"indonesian": "Sebutkan tepat satu: employee_id, event_id atau sample."},
            )
        return self


class ReplayDifference(Schema):
    """A result whose stored figures are not what its inputs and rules give."""

    result_id: UUID
    paths: list[str] = Field(
        description="JSON pointers: into `/outcome`, `/scores/<code>`, or a column. `/rules` or "
        "`/inputs` where these can't be read at all."
    )


class ReplayReport(Schema):
    """What came of computing results again."""

    model_config = example(
        {
            "ok": False,
            "checked": 100,
            "complete": True,
            "differences": [{"result_id": _RESULT, "paths": ["/outcome/jpm", "/jpm"]}],
        }
    )

    ok: bool
    checked: int
    complete: bool = Field(
        description="False where there are more results than the 1,000 that one call checks."
    )
    differences: list[ReplayDifference]
