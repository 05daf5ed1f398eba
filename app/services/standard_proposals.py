"""How a position gets levels of its own: one officer proposes, another approves.

Approving writes the levels as dated facts, each up to the next change already recorded of it.
Results that are published go on naming what was required of them: nothing here touches them.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import DATERANGE, TIMESTAMP, Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import now
from app.database import Reader, Row, SessionReader
from app.errors import (
    Bilingual,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    TransitionNotAllowed,
)
from app.models.competencies import (
    Competency,
    CompetencyStandard,
    CompetencyVersion,
    StandardProposal,
)
from app.models.organisation import Position, PositionVersion
from app.pagination import decode_cursor, encode_cursor
from app.schemas.standards import (
    ProposedLevel,
    StandardProposalCreate,
    StandardProposalDecline,
    StandardProposalItem,
    StandardProposalPage,
    StandardProposalQuery,
    StandardProposalRead,
)
from app.services import timeline
from app.services.standards import RequiredLevel, required_levels, required_levels_of
from app.services.structure import NotInForce, lock_rows, require_change_day, require_known
from app.services.timeline import holds
from app.vocabulary import StandardOrigin, StandardState

S = StandardState
TRANSITIONS: Mapping[StandardState, tuple[StandardState, ...]] = {
    S.PROPOSED: (S.APPROVED, S.DECLINED, S.WITHDRAWN),
    S.APPROVED: (),
    S.DECLINED: (),
    S.WITHDRAWN: (),
}


class ProposalPending(Conflict):
    """One proposal a position at a time."""

    code = "proposal_pending"
    title = Bilingual(
        "Masih ada usulan standar untuk jabatan ini", "A proposal for this position is pending"
    )
    constraints = ("uq_standard_proposals_pending",)


class OwnProposal(Forbidden):
    """Four eyes: who proposes a standard doesn't decide on it."""

    code = "own_proposal"
    title = Bilingual(
        "Usulan sendiri diputus oleh petugas lain", "Another officer must decide on your proposal"
    )
    constraints = ("ck_standard_proposals_four_eyes",)


# --- proposing --------------------------------------------------------------------------


async def create_proposal(
    session: AsyncSession, actor: Actor, new: StandardProposalCreate
) -> StandardProposalRead:
    """Propose levels for a position.

    Errors: Invalid where the position or a competency is unknown, or a level is what holds
    already; NotInForce where one of them is not in force then; ProposalPending.
    """
    on = new.effective_from
    await require_known(session, Position, new.position_id, "/position_id")
    await require_change_day(session, PositionVersion.position_id, new.position_id, on)
    await _competencies(session, new.levels, on)
    await _require_changes(session, new)
    proposal = StandardProposal(**new.model_dump(), proposed_by=actor.account_id)
    session.add(proposal)
    await session.flush()
    return await get_proposal(SessionReader(session), proposal.id)


async def _require_changes(session: AsyncSession, new: StandardProposalCreate) -> None:
    """Errors: Invalid naming every level that is what holds on that day already."""
    reader = SessionReader(session)
    present = (await required_levels(reader, new.position_id, new.effective_from)).by_code
    same = [code for code, level in new.levels.items() if _holds_already(present.get(code), level)]
    if same:
        detail = Bilingual("Sama dengan yang sudah berlaku.", "This is what holds already.")
        raise Invalid(errors=[FieldError(f"/levels/{c}", "same_as_present", detail) for c in same])


def _holds_already(present: RequiredLevel | None, level: int | None) -> bool:
    if level is None:
        return present is None or present.origin is StandardOrigin.DEFAULT
    return present is not None and present.level == level


async def _competencies(
    session: AsyncSession, levels: Mapping[str, int | None], on: date
) -> dict[str, UUID]:
    """The ids of these competencies, which can't be ended until the transaction does.

    Errors: Invalid for unknown codes; NotInForce, naming as `competencies` those that are to be
    required and are not in force from that day on.
    """
    wanted = select(Competency).where(Competency.code.in_(levels)).order_by(Competency.id)
    ids = {c.code: c.id for c in await session.scalars(wanted.with_for_update(read=True))}
    unknown = [code for code in levels if code not in ids]
    if unknown:
        detail = Bilingual("Tidak dikenal.", "Unknown.")
        raise Invalid(errors=[FieldError(f"/levels/{c}", "unknown", detail) for c in unknown])
    lasting = await _lasting(session, ids.values(), on)
    ending = [c for c, level in levels.items() if level is not None and ids[c] not in lasting]
    if ending:
        names = ", ".join(ending)
        detail = Bilingual(
            f"Tidak berlaku sepanjang hari-hari sejak {on}: {names}.",
            f"Not in force over all the days from {on} on: {names}.",
        )
        raise NotInForce(detail, competencies=ending)
    return ids


async def _lasting(session: AsyncSession, ids: Collection[UUID], on: date) -> set[UUID]:
    """Those of the competencies that are in force from that day on without end."""
    version = CompetencyVersion
    days = bindparam(None, Range(on, None), type_=DATERANGE)
    lasting = (
        select(version.competency_id)
        .where(version.competency_id.in_(ids))
        .group_by(version.competency_id)
        .having(func.range_agg(version.valid).op("@>", is_comparison=True)(days))
    )
    return set(await session.scalars(lasting))


# --- deciding ---------------------------------------------------------------------------


async def approve_proposal(
    session: AsyncSession, actor: Actor, proposal_id: UUID
) -> StandardProposalRead:
    """Approve, and record the levels in the same transaction.

    Errors: NotFound, OwnProposal, TransitionNotAllowed; NotInForce where the position or a
    competency has been closed in the meantime.
    """
    proposal = await _to_decide_on(session, actor, proposal_id, S.APPROVED)
    position_id, on = proposal.position_id, proposal.effective_from
    await lock_rows(session, Position, [position_id])
    await require_change_day(session, PositionVersion.position_id, position_id, on)
    ids = await _competencies(session, proposal.levels, on)
    owner = CompetencyStandard.position_id
    for code, level in proposal.levels.items():
        part = {"competency_id": ids[code]}
        if level is None:
            await timeline.lapse(session, owner, position_id, on, part)
        else:
            values = {"required_level": level, "proposal_id": proposal.id}
            await timeline.record(session, owner, position_id, on, values, part)
    return await get_proposal(SessionReader(session), proposal_id)


async def decline_proposal(
    session: AsyncSession, actor: Actor, proposal_id: UUID, decline: StandardProposalDecline
) -> StandardProposalRead:
    """Decline, with a reason. Errors: NotFound, OwnProposal, TransitionNotAllowed."""
    proposal = await _to_decide_on(session, actor, proposal_id, S.DECLINED)
    proposal.decision_reason = decline.reason
    await session.flush()
    return await get_proposal(SessionReader(session), proposal_id)


async def withdraw_proposal(
    session: AsyncSession, actor: Actor, proposal_id: UUID
) -> StandardProposalRead:
    """Take one's own proposal back. Errors: NotFound, Forbidden, TransitionNotAllowed."""
    proposal = await _locked(session, proposal_id)
    if proposal.proposed_by != actor.account_id:
        raise Forbidden(
            Bilingual("Hanya pengusul yang dapat menariknya.", "Only its proposer withdraws it.")
        )
    _move(proposal, S.WITHDRAWN)
    await session.flush()
    return await get_proposal(SessionReader(session), proposal_id)


async def _to_decide_on(
    session: AsyncSession, actor: Actor, proposal_id: UUID, state: StandardState
) -> StandardProposal:
    proposal = await _locked(session, proposal_id)
    if proposal.proposed_by == actor.account_id:
        raise OwnProposal
    _move(proposal, state)
    proposal.decided_by, proposal.decided_at = actor.account_id, now()
    return proposal


async def _locked(session: AsyncSession, proposal_id: UUID) -> StandardProposal:
    proposal = await session.get(StandardProposal, proposal_id, with_for_update=True)
    if proposal is None:
        raise NotFound
    return proposal


def _move(proposal: StandardProposal, state: StandardState) -> None:
    allowed = TRANSITIONS[proposal.state]
    if state not in allowed:
        raise TransitionNotAllowed(state=proposal.state.value, allowed=list(allowed))
    proposal.state = state


# --- reading ----------------------------------------------------------------------------

ORDER = "standard_proposals"
_ITEMS = (
    select(
        *(
            column
            for column in StandardProposal.__table__.columns
            if column.key not in ("levels", "updated_at")
        ),
        Position.code.label("position_code"),
        PositionVersion.title.label("position_title"),
    )
    .select_from(StandardProposal)
    .join(Position, Position.id == StandardProposal.position_id)
    .outerjoin(
        PositionVersion,
        and_(
            PositionVersion.position_id == StandardProposal.position_id,
            holds(PositionVersion, cast(Any, StandardProposal.effective_from)),
        ),
    )
)
_ONE = _ITEMS.add_columns(StandardProposal.levels).where(
    StandardProposal.id == bindparam("proposal_id", type_=Uuid())
)
_NAMES = (
    select(Competency.code, CompetencyVersion.name)
    .outerjoin(
        CompetencyVersion,
        and_(CompetencyVersion.competency_id == Competency.id, holds(CompetencyVersion)),
    )
    .where(Competency.code == func.any(bindparam("codes", type_=ARRAY(String()))))
    .order_by(Competency.ordinal)
)


async def get_proposal(reader: Reader, proposal_id: UUID) -> StandardProposalRead:
    """One proposal, beside what holds. Errors: NotFound."""
    row = await reader.one(_ONE, proposal_id=proposal_id)
    if row is None:
        raise NotFound
    item = {name: value for name, value in row.items() if name != "levels"}
    return StandardProposalRead(**item, levels=await _beside_present(reader, row))


async def _beside_present(reader: Reader, proposal: Row) -> list[ProposedLevel]:
    levels, on = proposal["levels"], proposal["effective_from"]
    position_id = proposal["position_id"]
    standard = (await required_levels_of(reader, [position_id], on)).get(position_id)
    present = standard.by_code if standard else {}
    names = await reader.all(_NAMES, codes=list(levels), as_of=on)
    return [
        ProposedLevel(
            code=code,
            name=name,
            proposed_level=levels[code],
            present_level=present[code].level if code in present else None,
            present_origin=present[code].origin if code in present else None,
        )
        for code, name in ((row["code"], row["name"]) for row in names)
    ]


@lru_cache(maxsize=16)
def _filtered(given: frozenset[str], *, count: bool) -> Select[Any]:
    table = StandardProposal
    conditions = {
        "state": table.state == bindparam("state", type_=String()),
        "position_id": table.position_id == bindparam("position_id", type_=Uuid()),
        "after_id": tuple_(table.created_at, table.id)
        > tuple_(
            bindparam("after", type_=TIMESTAMP(timezone=True)), bindparam("after_id", type_=Uuid())
        ),
    }
    asked = [condition for name, condition in conditions.items() if name in given]
    if count:
        return select(func.count()).select_from(table).where(*asked)
    page = _ITEMS.where(*asked).order_by(table.created_at, table.id)
    return page.limit(bindparam("rows", type_=Integer()))


async def list_proposals(reader: Reader, query: StandardProposalQuery) -> StandardProposalPage:
    """One page of proposals, oldest first. Errors: InvalidCursor."""
    asked = {"state": query.state and query.state.value, "position_id": query.position_id}
    values: dict[str, object] = {name: v for name, v in asked.items() if v is not None}
    total = None
    if query.include_total:
        total = await reader.value(_filtered(frozenset(values), count=True), **values)
    if query.cursor:
        kinds = (datetime, UUID)
        values["after"], values["after_id"] = decode_cursor(query.cursor, ORDER, kinds)
    page = _filtered(frozenset(values), count=False)
    rows = await reader.all(page, **values, rows=query.limit + 1)
    items = [StandardProposalItem(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [items[-1].created_at, items[-1].id]) if more else None
    return StandardProposalPage(items=items, next_cursor=cursor, total=total)
