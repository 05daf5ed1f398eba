"""Which level of which competency a position requires on a day, and why.

The nine managerial and socio-cultural competencies take the default of the position's tier from
the rule pack, unless the position has a level of its own; a technical competency is required only
where it has one. A position's own levels come by an approved proposal: `standard_proposals`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache, partial
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, bindparam, func, select

from app.database import Reader, Row
from app.errors import NotFound
from app.models.competencies import (
    Competency,
    CompetencyStandard,
    CompetencyVersion,
    StandardProposal,
)
from app.models.organisation import Position, PositionVersion
from app.rules import Ruled
from app.rules.standards import default_level
from app.schemas.standards import (
    OwnLevelRead,
    RequiredLevelRead,
    StandardHistory,
    StandardRead,
)
from app.services.timeline import begins, ends, holds
from app.vocabulary import CompetencyKind, Jenjang, JobKind, StandardOrigin


@dataclass(frozen=True, slots=True)
class RequiredLevel:
    """The level, 1 to 5, that a position requires of one competency, and why it is that."""

    competency_id: UUID
    code: str
    name: str
    kind: CompetencyKind
    ordinal: int
    competency_version_id: UUID
    """The text in force on the day."""
    level: int
    origin: StandardOrigin
    source: str
    """The regulation behind the default, or the basis of the approved proposal."""
    rule_id: str | None = None
    """The rule pack of a default."""
    proposal_id: UUID | None = None
    """By which the position's own level was approved."""
    effective_from: date | None = None
    """Since when the position's own level holds; None for a default."""
    effective_until: date | None = None


@dataclass(frozen=True, slots=True)
class EffectiveStandard:
    """All that a position requires on a day, in the order of the dictionary."""

    position_id: UUID
    as_of: date
    job_kind: JobKind
    jenjang: Jenjang | None
    levels: tuple[RequiredLevel, ...]

    @property
    def by_code(self) -> Mapping[str, RequiredLevel]:
        """The same by the competency's code."""
        return {level.code: level for level in self.levels}


_IDS = bindparam("position_ids", type_=ARRAY(Uuid()))
_TIERS = select(
    PositionVersion.position_id, PositionVersion.job_kind, PositionVersion.jenjang
).where(PositionVersion.position_id == func.any(_IDS), holds(PositionVersion))
_IN_FORCE = (
    select(
        Competency.id.label("competency_id"),
        Competency.code,
        CompetencyVersion.name,
        Competency.kind,
        Competency.ordinal,
        CompetencyVersion.id.label("competency_version_id"),
    )
    .join(CompetencyVersion, CompetencyVersion.competency_id == Competency.id)
    .where(holds(CompetencyVersion))
    .order_by(Competency.ordinal)
)
_OWN = (
    select(
        CompetencyStandard.position_id,
        CompetencyStandard.competency_id,
        CompetencyStandard.required_level.label("level"),
        CompetencyStandard.proposal_id,
        StandardProposal.basis,
        begins(CompetencyStandard).label("effective_from"),
        ends(CompetencyStandard).label("effective_until"),
    )
    .join(StandardProposal, StandardProposal.id == CompetencyStandard.proposal_id)
    .where(CompetencyStandard.position_id == func.any(_IDS), holds(CompetencyStandard))
)


async def required_levels(reader: Reader, position_id: UUID, as_of: date) -> EffectiveStandard:
    """What the position requires on that day. Errors: NotFound where it is not in force then."""
    found = await required_levels_of(reader, [position_id], as_of)
    if position_id not in found:
        raise NotFound
    return found[position_id]


async def required_levels_of(
    reader: Reader, position_ids: Collection[UUID], as_of: date
) -> dict[UUID, EffectiveStandard]:
    """The same for many positions, in three statements; those not in force are left out."""
    ids = list(set(position_ids))
    tiers = await reader.all(_TIERS, position_ids=ids, as_of=as_of)
    own: defaultdict[UUID, dict[UUID, Row]] = defaultdict(dict)
    for row in await reader.all(_OWN, position_ids=ids, as_of=as_of):
        own[row["position_id"]][row["competency_id"]] = row
    competencies = {
        row["competency_id"]: {**row, "kind": CompetencyKind(row["kind"])}
        for row in await reader.all(_IN_FORCE, as_of=as_of)
    }
    defaults = cache(partial(_defaults, competencies.values(), as_of))
    found = {}
    for tier in tiers:
        kind, jenjang = JobKind(tier["job_kind"]), tier["jenjang"] and Jenjang(tier["jenjang"])
        levels = _levels(competencies, own[tier["position_id"]], defaults(kind, jenjang))
        found[tier["position_id"]] = EffectiveStandard(
            tier["position_id"], as_of, kind, jenjang, levels
        )
    return found


def _levels(
    competencies: Mapping[UUID, Row],
    own: Mapping[UUID, Row],
    defaults: Mapping[UUID, RequiredLevel],
) -> tuple[RequiredLevel, ...]:
    """What a position requires: its own levels, and for the rest the defaults of its tier."""
    if not own:
        return tuple(defaults.values())
    return tuple(
        _of_its_own(competency, own[key]) if key in own else defaults[key]
        for key, competency in competencies.items()
        if key in own or key in defaults
    )


def _defaults(
    competencies: Iterable[Row], on: date, kind: JobKind, jenjang: Jenjang | None
) -> dict[UUID, RequiredLevel]:
    """Of one tier, by competency: thousands of positions share them."""
    core = [c for c in competencies if c["kind"] is not CompetencyKind.TECHNICAL]
    if not core:
        return {}
    ruled = default_level(kind, jenjang, on)
    return {competency["competency_id"]: _by_default(competency, ruled) for competency in core}


def _of_its_own(competency: Row, held: Row) -> RequiredLevel:
    return RequiredLevel(
        **competency,
        level=held["level"],
        origin=StandardOrigin.POSITION,
        source=held["basis"],
        proposal_id=held["proposal_id"],
        effective_from=held["effective_from"],
        effective_until=held["effective_until"],
    )


def _by_default(competency: Row, ruled: Ruled[int]) -> RequiredLevel:
    return RequiredLevel(
        **competency,
        level=ruled.value,
        origin=StandardOrigin.DEFAULT,
        source=ruled.source,
        rule_id=ruled.rule_id,
    )


# --- what the API shows -----------------------------------------------------------------

_POSITION_ID = bindparam("position_id", type_=Uuid())
_VERSION = select(Position.version).where(Position.id == _POSITION_ID)
_HISTORY = (
    select(
        Competency.id.label("competency_id"),
        Competency.code,
        CompetencyVersion.name,
        Competency.kind,
        CompetencyStandard.required_level,
        StandardProposal.basis.label("source"),
        CompetencyStandard.proposal_id,
        begins(CompetencyStandard).label("effective_from"),
        ends(CompetencyStandard).label("effective_until"),
    )
    .select_from(CompetencyStandard)
    .join(Competency, Competency.id == CompetencyStandard.competency_id)
    .join(StandardProposal, StandardProposal.id == CompetencyStandard.proposal_id)
    .outerjoin(
        CompetencyVersion,
        and_(
            CompetencyVersion.competency_id == Competency.id,
            holds(CompetencyVersion, begins(CompetencyStandard)),
        ),
    )
    .where(CompetencyStandard.position_id == _POSITION_ID)
    .order_by(Competency.ordinal, begins(CompetencyStandard).desc())
)


async def read_standard(reader: Reader, position_id: UUID, as_of: date) -> StandardRead:
    """The position's standard on that day. Errors: NotFound where it is not in force then."""
    standard = await required_levels(reader, position_id, as_of)
    return StandardRead(
        position_id=position_id,
        as_of=as_of,
        job_kind=standard.job_kind,
        jenjang=standard.jenjang,
        levels=[_shown(required) for required in standard.levels],
        version=await reader.value(_VERSION, position_id=position_id),
    )


def _shown(required: RequiredLevel) -> RequiredLevelRead:
    fields = asdict(required)
    del fields["ordinal"]
    return RequiredLevelRead(required_level=fields.pop("level"), **fields)


async def read_history(reader: Reader, position_id: UUID) -> StandardHistory:
    """Every level that the position has had of its own. Errors: NotFound."""
    if await reader.value(_VERSION, position_id=position_id) is None:
        raise NotFound
    rows = await reader.all(_HISTORY, position_id=position_id)
    return StandardHistory(position_id=position_id, levels=[OwnLevelRead(**row) for row in rows])
