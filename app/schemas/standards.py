"""Standards of positions, and the proposals by which they are set."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.base import Page, PageQuery, Schema, Text, example, page_example
from app.schemas.competencies import COMPETENCY, SnakeCase
from app.schemas.seats import POSITION
from app.schemas.units import EffectiveFrom
from app.vocabulary import CompetencyKind, Jenjang, JobKind, StandardOrigin, StandardState

PROPOSAL = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2d01"
ACCOUNT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2d02"
BASIS = "Keputusan Bupati Kemuning 41/2026: pejabat ini memimpin penyelesaian sengketa."

OwnLevel = Annotated[int, Field(ge=1, le=5)]

_REQUIRED = {
    "competency_id": COMPETENCY,
    "code": "komunikasi",
    "name": "Komunikasi",
    "kind": "managerial",
    "competency_version_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2c02",
    "required_level": 4,
    "origin": "position",
    "source": BASIS,
    "rule_id": None,
    "proposal_id": PROPOSAL,
    "effective_from": "2026-07-01",
    "effective_until": None,
}


class RequiredLevelRead(Schema):
    """The level that a position requires of one competency, and why it is that."""

    model_config = example(_REQUIRED)

    competency_id: UUID
    code: str
    name: str
    kind: CompetencyKind
    competency_version_id: Annotated[UUID, Field(description="The text in force on the day.")]
    required_level: int
    origin: Annotated[
        StandardOrigin, Field(description="By the tier's default, or the position's own level.")
    ]
    source: Annotated[
        str, Field(description="The regulation behind the default, or the basis of the own level.")
    ]
    rule_id: Annotated[str | None, Field(description="Rule pack and version of a default.")]
    proposal_id: Annotated[UUID | None, Field(description="By which an own level was approved.")]
    effective_from: Annotated[date | None, Field(description="Since when an own level holds.")]
    effective_until: date | None


class StandardRead(Schema):
    """All that a position requires on a day, in the order of the dictionary."""

    model_config = example(
        {
            "position_id": POSITION,
            "as_of": "2026-11-24",
            "job_kind": "fungsional",
            "jenjang": "ahli_muda",
            "levels": [_REQUIRED],
            "version": 1,
        }
    )

    position_id: UUID
    as_of: date
    job_kind: JobKind
    jenjang: Jenjang | None
    levels: list[RequiredLevelRead]
    version: Annotated[int, Field(description="That of the position.")]


_FACT = {
    "competency_id": COMPETENCY,
    "code": "komunikasi",
    "name": "Komunikasi",
    "kind": "managerial",
    "required_level": 4,
    "source": BASIS,
    "proposal_id": PROPOSAL,
    "effective_from": "2026-07-01",
    "effective_until": None,
}


class OwnLevelRead(Schema):
    """A level that a position requires of its own, with the days over which it holds."""

    model_config = example(_FACT)

    competency_id: UUID
    code: str
    name: Annotated[str | None, Field(description="On the first of the days.")]
    kind: CompetencyKind
    required_level: int
    source: Annotated[str, Field(description="The basis of the proposal.")]
    proposal_id: UUID
    effective_from: date
    effective_until: date | None


class StandardHistory(Schema):
    """Every level of the position's own; on the days between, the default of its tier holds."""

    model_config = example({"position_id": POSITION, "levels": [_FACT]})

    position_id: UUID
    levels: Annotated[list[OwnLevelRead], Field(description="By competency, newest first.")]


# --- proposals --------------------------------------------------------------------------


class StandardProposalCreate(Schema):
    """Which levels a position shall require of its own from a day on, and why."""

    model_config = example(
        {
            "position_id": POSITION,
            "effective_from": "2026-07-01",
            "levels": {"komunikasi": 4, "penataan_arsip_vital": None},
            "basis": BASIS,
        }
    )

    position_id: UUID
    effective_from: EffectiveFrom
    levels: Annotated[
        dict[SnakeCase, OwnLevel | None],
        Field(
            min_length=1,
            max_length=100,
            description="By the competency's code. Null goes back to the default of the tier; a "
            "technical competency is then not required.",
        ),
    ]
    basis: Annotated[Text, Field(description="The decree, and why it differs from the tier.")]


class StandardProposalDecline(Schema):
    """No, and why not."""

    model_config = example({"reason": "Keputusan yang disebut belum ditetapkan."})

    reason: Text


_ITEM = {
    "id": PROPOSAL,
    "version": 1,
    "position_id": POSITION,
    "position_code": "DISDIK-ANALIS",
    "position_title": "Analis Sumber Daya Manusia",
    "effective_from": "2026-07-01",
    "basis": BASIS,
    "state": "proposed",
    "proposed_by": ACCOUNT,
    "created_at": "2026-06-02T02:00:00Z",
    "decided_by": None,
    "decided_at": None,
    "decision_reason": None,
}


class StandardProposalItem(Schema):
    """A proposal, and what became of it."""

    model_config = example(_ITEM)

    id: UUID
    version: int
    position_id: UUID
    position_code: str
    position_title: Annotated[str | None, Field(description="On the first day of the change.")]
    effective_from: date
    basis: str
    state: StandardState
    proposed_by: Annotated[UUID, Field(description="The account that may not approve it.")]
    created_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_reason: str | None


_CHANGE = {
    "code": "komunikasi",
    "name": "Komunikasi",
    "proposed_level": 4,
    "present_level": 3,
    "present_origin": "default",
}


class ProposedLevel(Schema):
    """What is proposed for one competency, beside what holds now."""

    model_config = example(_CHANGE)

    code: str
    name: Annotated[str | None, Field(description="On the first day of the change.")]
    proposed_level: Annotated[
        int | None, Field(description="Null: the default of the tier, or not required.")
    ]
    present_level: Annotated[
        int | None,
        Field(description="What is required on the first day of the change as it now stands."),
    ]
    present_origin: StandardOrigin | None


class StandardProposalRead(StandardProposalItem):
    """A proposal with its levels. Once approved, what is present is what it set."""

    model_config = example({**_ITEM, "levels": [_CHANGE]})

    levels: list[ProposedLevel]


class StandardProposalPage(Page):
    """One page of proposals, oldest first."""

    model_config = page_example(StandardProposalItem)

    items: list[StandardProposalItem]


class StandardProposalQuery(PageQuery):
    """What narrows the list of proposals."""

    state: StandardState | None = None
    position_id: UUID | None = None
