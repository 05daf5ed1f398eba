"""Raters: who rates whom, the form that they fill in, and what they give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.assessments import (
    EVENT_EXAMPLE,
    POSITION_EXAMPLE,
    AssessedPerson,
    AssessedPosition,
    EventSummary,
    Percent,
)
from app.schemas.base import Page, PageQuery, Schema, Text, example
from app.schemas.correction_requests import Evidence
from app.vocabulary import AssessorAssignmentState, CompetencyKind, RaterSource

Level = Annotated[int, Field(ge=0, le=5, description="0: not yet level 1.")]
_ASSIGNMENT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba3"
_ASSESSMENT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba2"
_COMPETENCY = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2ba5"
_EVIDENCE = {"title": "Laporan simulasi", "reference": "SIM/12/2026"}


# --- for the agency -----------------------------------------------------------------------


class Rater(Schema):
    """Somebody who is to rate, and as what: it must be true on the first day of the event."""

    employee_id: UUID
    source: RaterSource


class RatersAssign(Schema):
    """Up to 50 raters; all of them are assigned, or none."""

    model_config = example(
        {"raters": [{"employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b93", "source": "peer"}]}
    )

    raters: Annotated[list[Rater], Field(min_length=1, max_length=50)]


_RATER = {
    "id": _ASSIGNMENT,
    "version": 1,
    "rater": {
        "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b93",
        "name": "Budi Santoso, S.Kom.",
    },
    "source": "peer",
    "state": "assigned",
    "potential_score": None,
    "submitted_at": None,
    "note": None,
}


class RaterRead(Schema):
    """Who rates, as the agency and auditors see it."""

    model_config = example(_RATER)

    id: UUID
    version: int
    rater: AssessedPerson | None = Field(description="Null: the provider's own assessors.")
    source: RaterSource
    state: AssessorAssignmentState
    potential_score: Percent | None
    submitted_at: datetime | None
    note: str | None = Field(description="Why it was returned or withdrawn; the rater reads it.")


class AssignmentList(Schema):
    """The raters of an assessment, in the order in which they were assigned."""

    model_config = example({"assessment_id": _ASSESSMENT, "assignments": [_RATER]})

    assessment_id: UUID
    assignments: list[RaterRead]


class AssignmentReason(Schema):
    """Why; the rater reads it."""

    model_config = example({"reason": "Bukti belum lengkap."})

    reason: Text


# --- for the rater ------------------------------------------------------------------------

_OWN = {
    "id": _ASSIGNMENT,
    "assessment_id": _ASSESSMENT,
    "source": "assessor",
    "state": "assigned",
    "candidate_name": "Dra. Siti Aminah, M.Si.",
    "position": POSITION_EXAMPLE,
    "event": EVENT_EXAMPLE,
    "potential_score": None,
    "submitted_at": None,
    "note": None,
}


class OwnAssignment(Schema):
    """Whom one is to rate. Of the candidate it shows name and position, and no more."""

    model_config = example(_OWN)

    id: UUID
    assessment_id: UUID
    source: RaterSource
    state: AssessorAssignmentState
    candidate_name: str | None
    position: AssessedPosition
    event: EventSummary
    potential_score: Percent | None
    submitted_at: datetime | None
    note: str | None = Field(description="Why the form was returned.")


class OwnAssignmentQuery(PageQuery):
    """What narrows the list of one's assignments; the newest first."""

    state: AssessorAssignmentState | None = None


class OwnAssignmentPage(Page):
    """One page of one's assignments."""

    model_config = example({"items": [_OWN], "next_cursor": None, "total": None})

    items: list[OwnAssignment]


class RatingPut(Schema):
    """What one gives in one competency."""

    model_config = example(
        {"level": 3, "note": "Konsisten di dua simulasi.", "evidence": [_EVIDENCE]}
    )

    level: Level
    note: Text | None = None
    evidence: Annotated[
        list[Evidence],
        Field(max_length=20, description="An assessor gives evidence or a note for every level."),
    ] = []  # noqa: RUF012 - pydantic copies it


class RatingRead(RatingPut):
    """What one gave. `version` is what the next change of it sends as If-Match."""

    model_config = example(
        {
            "competency_id": _COMPETENCY,
            "version": 1,
            "level": 3,
            "note": "Konsisten di dua simulasi.",
            "evidence": [_EVIDENCE],
            "updated_at": "2026-09-02T03:00:00Z",
        }
    )

    competency_id: UUID
    version: int
    updated_at: datetime


class FormRating(RatingPut):
    """One line of the whole form."""

    model_config = example(
        {
            "competency_id": _COMPETENCY,
            "level": 3,
            "note": "Konsisten di dua simulasi.",
            "evidence": [_EVIDENCE],
        }
    )

    competency_id: UUID


class FormPut(Schema):
    """The whole form: what isn't in it is no longer rated."""

    model_config = example(
        {
            "ratings": [
                {
                    "competency_id": _COMPETENCY,
                    "level": 3,
                    "note": "Konsisten di dua simulasi.",
                    "evidence": [_EVIDENCE],
                }
            ]
        }
    )

    ratings: Annotated[list[FormRating], Field(max_length=100)]


class FormLevel(Schema):
    """What a level means."""

    level: int
    name: str
    description: str
    indicators: list[str]


class FormCompetency(Schema):
    """A competency to rate, by the text in force on the last day of the event.

    Which level the position requires isn't told: it would draw the rating to itself.
    """

    competency_id: UUID
    code: str
    kind: CompetencyKind
    name: str
    definition: str
    levels: list[FormLevel]
    rating: RatingRead | None = Field(description="Null: not rated yet; its version is 0.")


class RatingForm(OwnAssignment):
    """The form: what to rate, and what one has given so far."""

    model_config = example(
        {
            **_OWN,
            "version": 2,
            "competencies": [
                {
                    "competency_id": _COMPETENCY,
                    "code": "integritas",
                    "kind": "managerial",
                    "name": "Integritas",
                    "definition": "Konsisten berperilaku selaras dengan nilai dan norma.",
                    "levels": [
                        {
                            "level": 1,
                            "name": "Paham",
                            "description": "Bertindak sesuai nilai dan norma.",
                            "indicators": ["Mengikuti kode etik."],
                        }
                    ],
                    "rating": None,
                }
            ],
        }
    )

    version: int = Field(description="It grows with every rating that is written or removed.")
    competencies: list[FormCompetency]


class FormSubmit(Schema):
    """One is done."""

    model_config = example({"potential_score": "78.50"})

    potential_score: Annotated[
        Percent | None, Field(description="The candidate's potential; by an assessor only.")
    ] = None
