"""Objections (keberatan) to results: filed, heard, ruled on."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.schemas.assessments import AssessedPerson
from app.schemas.base import Code, Page, PageQuery, Schema, Text, example, page_example
from app.schemas.correction_requests import Evidence
from app.vocabulary import ObjectionOutcome, ObjectionSide, ObjectionState

Evidences = Annotated[
    list[Evidence], Field(max_length=20, description="References to documents, not the files.")
]
RuledLevel = Annotated[
    str,
    Field(
        pattern=r"^([0-4](\.[0-9]{1,2})?|5(\.0{1,2})?)$",
        description="0 to 5, at most two decimals.",
    ),
]

_EVIDENCE = {"title": "Laporan kinerja 2025", "reference": "LK/12/2025"}
_STATEMENT: dict[str, Any] = {
    "side": "assessors",
    "statement": "Simulasi menunjukkan level 2; laporan terlampir.",
    "evidence": [],
    "created_at": "2026-11-26T03:00:00Z",
    "author_id": None,
}
_LEVEL = {
    "competency": "integritas",
    "level": "3.00",
    "reason": "Laporan kinerja 2025 menunjukkan level 3.",
}
_SUMMARY: dict[str, Any] = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2bc1",
    "version": 2,
    "result_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2bb1",
    "assessment_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba2",
    "person": {
        "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
        "name": "Dra. Siti Aminah, M.Si.",
    },
    "state": "hearing",
    "filed_at": "2026-11-24T02:00:00Z",
    "file_by": "2026-12-04T17:00:00Z",
    "rule_by": "2026-12-15T17:00:00Z",
    "overdue": False,
    "days_left": 20,
    "ruler_assigned": True,
    "ruler_id": None,
    "outcome": None,
    "ruled_at": None,
    "new_result_id": None,
}
_OBJECTION = {
    **_SUMMARY,
    "rule": "objections-pp-30-2019@1",
    "reasons": "Bukti kinerja saya pada kompetensi integritas belum dipertimbangkan.",
    "evidence": [_EVIDENCE],
    "statements": [_STATEMENT],
    "ruling": None,
    "unheard_reason": None,
    "levels": [],
}


# --- what is asked for --------------------------------------------------------------------


class ObjectionCreate(Schema):
    """Why the person doesn't accept the result."""

    model_config = example({"reasons": _OBJECTION["reasons"], "evidence": [_EVIDENCE]})

    reasons: Text
    evidence: Evidences = Field(default_factory=list)


class RulerAssign(Schema):
    """Who is to rule: an officer without a part in the result."""

    model_config = example({"ruler_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b95"})

    ruler_id: Annotated[UUID, Field(description="An account of the role `hr_admin`.")]


class StatementCreate(Schema):
    """What one side says. Whose side it is follows from who says it."""

    model_config = example({"statement": _STATEMENT["statement"], "evidence": []})

    statement: Text
    evidence: Evidences = Field(default_factory=list)


class LevelRuling(Schema):
    """The level of one competency by the ruling."""

    model_config = example(_LEVEL)

    competency: Annotated[Code, Field(description="Its code.")]
    level: RuledLevel
    reason: Text


class ObjectionRule(Schema):
    """The ruling. It is final."""

    model_config = example(
        {
            "outcome": "partly_granted",
            "ruling": "Keberatan diterima untuk integritas, selebihnya ditolak.",
            "levels": [_LEVEL],
            "unheard_reason": None,
        }
    )

    outcome: ObjectionOutcome
    ruling: Text
    levels: Annotated[
        list[LevelRuling],
        Field(max_length=200, description="Levels that change; none where it is denied."),
    ] = Field(default_factory=list)
    unheard_reason: Annotated[
        Text | None,
        Field(description="Why it is ruled without a statement of those who made the result."),
    ] = None


class ObjectionQuery(PageQuery):
    """What narrows the list; what is due first comes first."""

    state: list[ObjectionState] = Field(
        default_factory=list,
        max_length=4,
        description="In one of these states; `filed` and `hearing` are what waits.",
    )
    overdue: Annotated[
        bool | None, Field(description="Whether the time for ruling is over and it isn't ruled.")
    ] = None
    ruler: Annotated[UUID | None, Field(description="The account that is to rule.")] = None


# --- what is answered ---------------------------------------------------------------------


class StatementRead(Schema):
    """What one side said, and when."""

    model_config = example(_STATEMENT)

    side: ObjectionSide
    statement: str
    evidence: list[Evidence]
    created_at: datetime
    author_id: UUID | None = Field(description="The account; told to the agency and auditors.")


class RuledLevelRead(Schema):
    """What was ruled of one competency."""

    model_config = example({**_LEVEL, "before": "2.00"})

    competency: str
    before: str | None = Field(description="The level objected to; null where none was measured.")
    level: str
    reason: str


class ObjectionSummary(Schema):
    """An objection in a list: about whom, where it stands, and until when."""

    model_config = example(_SUMMARY)

    id: UUID
    version: int
    result_id: UUID = Field(description="The version of the result that it is about.")
    assessment_id: UUID
    person: AssessedPerson
    state: ObjectionState
    filed_at: datetime
    file_by: datetime = Field(description="The first instant that was too late to file.")
    rule_by: datetime = Field(description="The instant from which a ruling is overdue.")
    overdue: bool = Field(description="Whether it is open and that instant has passed.")
    days_left: int | None = Field(
        description="Days in Jakarta after today on which a ruling is in time: 0 on the last, "
        "negative when overdue; null when it has ended."
    )
    ruler_assigned: bool
    ruler_id: UUID | None = Field(description="The account; told to the agency and auditors.")
    outcome: ObjectionOutcome | None
    ruled_at: datetime | None
    new_result_id: UUID | None = Field(description="The version of the result that it led to.")


class ObjectionRead(ObjectionSummary):
    """A whole objection: what both sides said, and the ruling."""

    model_config = example(_OBJECTION)

    rule: str = Field(description="Id and version of the rule pack that gave both deadlines.")
    reasons: str
    evidence: list[Evidence]
    statements: list[StatementRead] = Field(description="The oldest first.")
    ruling: str | None
    unheard_reason: str | None
    levels: list[RuledLevelRead]


class ObjectionPage(Page):
    """One page of objections."""

    model_config = page_example(ObjectionSummary)

    items: list[ObjectionSummary]
