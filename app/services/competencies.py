"""The competency dictionary: by what people are measured, as of any day.

A text that has begun to hold is never changed: results name the text that they went by. Another
text holds from a later day on. Codes and places in the order are kept for life.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, String, Uuid, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import now, today
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, NotFound, StaleVersion
from app.models.base import Word
from app.models.competencies import Competency, CompetencyStandard, CompetencyVersion
from app.models.organisation import Position
from app.pagination import decode_cursor, encode_cursor
from app.schemas.competencies import (
    CompetencyClose,
    CompetencyCreate,
    CompetencyItem,
    CompetencyPage,
    CompetencyQuery,
    CompetencyRead,
    CompetencyTexts,
    CompetencyUpdate,
    CompetencyVersionRead,
)
from app.services import timeline
from app.services.structure import (
    containing,
    from_then_on,
    require_change_day,
    require_ending_day,
    since,
)
from app.services.timeline import begins, ends, holds
from app.vocabulary import CompetencyKind

ORDER = "competencies:ordinal"
DICTIONARY_LOCK = 0x6B656D76
"""The key of the advisory lock on the order: two new competencies take turns at a place."""


class CompetencyCodeTaken(Conflict):
    """Another competency has, or had, this code."""

    code = "competency_code_taken"
    title = Bilingual("Kode kompetensi sudah dipakai", "The competency code is taken")
    constraints = ("uq_competencies_code",)


class DictionaryFull(Conflict):
    """A place in the order is never given twice, and there are a thousand."""

    code = "dictionary_full"
    title = Bilingual("Kamus kompetensi sudah penuh", "The competency dictionary is full")
    constraints = ("ck_competencies_ordinal",)


class TextHolds(Conflict):
    """The text has begun to hold, and results may go by it: another one needs a later day."""

    code = "competency_text_holds"
    title = Bilingual(
        "Naskah ini sudah berlaku; tetapkan yang baru sejak hari sesudahnya",
        "This text holds already; let the new one begin on a later day",
    )


class CoreCompetency(Conflict):
    """The nine managerial and socio-cultural competencies are every position's."""

    code = "core_competency"
    title = Bilingual(
        "Kompetensi manajerial dan sosial kultural tidak dapat diakhiri",
        "A managerial or socio-cultural competency can't be ended",
    )


class CompetencyInUse(Conflict):
    """Positions require it then or later (`blocking` names them), or results go by its text."""

    code = "competency_in_use"
    title = Bilingual("Kompetensi masih dipakai", "The competency is still in use")
    constraints = ("fk_competency_scores_competency_version_id",)


# --- reading ----------------------------------------------------------------------------

_ID = bindparam("competency_id", type_=Uuid())
_TEXT = (
    CompetencyVersion.id.label("competency_version_id"),
    CompetencyVersion.name,
    CompetencyVersion.definition,
    CompetencyVersion.source,
    begins(CompetencyVersion).label("effective_from"),
    ends(CompetencyVersion).label("effective_until"),
)
_COMPETENCY = (
    Competency.id,
    Competency.code,
    Competency.kind,
    Competency.job_family,
    Competency.ordinal,
)
_ITEMS = (
    select(*_COMPETENCY, *_TEXT, Competency.version)
    .join(CompetencyVersion, CompetencyVersion.competency_id == Competency.id)
    .where(holds(CompetencyVersion))
)
_ONE = _ITEMS.add_columns(CompetencyVersion.levels).where(Competency.id == _ID)
_DICTIONARY = _ITEMS.add_columns(CompetencyVersion.levels).order_by(Competency.ordinal)
_NAMED = bindparam("q", type_=String)
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "kind": Competency.kind == bindparam("kind", type_=Word(CompetencyKind)),
    "job_family": Competency.job_family == bindparam("job_family", type_=String),
    "q": or_(
        CompetencyVersion.name.ilike(_NAMED),
        CompetencyVersion.definition.ilike(_NAMED),
        Competency.code.ilike(_NAMED),
    ),
    "after": Competency.ordinal > bindparam("after", type_=Integer),
}


async def dictionary(reader: Reader, as_of: date) -> list[CompetencyRead]:
    """Every competency in force on that day, in its order; none before the first text."""
    return [CompetencyRead(**row) for row in await reader.all(_DICTIONARY, as_of=as_of)]


async def read_competency(reader: Reader, competency_id: UUID, as_of: date) -> CompetencyRead:
    """The competency as it is on that day. Errors: NotFound where it is not in force then."""
    row = await reader.one(_ONE, competency_id=competency_id, as_of=as_of)
    if row is None:
        raise NotFound
    return CompetencyRead(**row)


@lru_cache(maxsize=64)
def _page(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    chosen: Select[*tuple[Any, ...]] = _ITEMS.where(*(_FILTERS[name] for name in sorted(filters)))
    return chosen.order_by(Competency.ordinal).limit(bindparam("limit", type_=Integer))


@lru_cache(maxsize=64)
def _count(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    chosen = _ITEMS.where(*(_FILTERS[name] for name in sorted(filters)))
    return select(func.count()).select_from(chosen.subquery())


async def list_competencies(reader: Reader, query: CompetencyQuery) -> CompetencyPage:
    """The dictionary of the day, in its order. Errors: InvalidCursor."""
    given: dict[str, object] = {
        "kind": query.kind,
        "job_family": query.job_family,
        "q": containing(query.q) if query.q else None,
    }
    given = {name: value for name, value in given.items() if value is not None}
    day = query.as_of or today()
    total = None
    if query.include_total:
        total = await reader.value(_count(frozenset(given)), as_of=day, **given)
    if query.cursor:
        (given["after"],) = decode_cursor(query.cursor, ORDER, (int,))
    rows = await reader.all(_page(frozenset(given)), as_of=day, limit=query.limit + 1, **given)
    items = [CompetencyItem(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [items[-1].ordinal]) if more else None
    return CompetencyPage(items=items, next_cursor=cursor, total=total)


_OF_ANY_DAY = select(*_COMPETENCY).where(Competency.id == _ID)
_VERSIONS = (
    select(*_TEXT, CompetencyVersion.levels)
    .where(CompetencyVersion.competency_id == _ID)
    .order_by(begins(CompetencyVersion).desc())
)


async def read_history(reader: Reader, competency_id: UUID) -> CompetencyTexts:
    """Every text that the competency has had or will have. Errors: NotFound."""
    competency = await reader.one(_OF_ANY_DAY, competency_id=competency_id)
    if competency is None:
        raise NotFound
    rows = await reader.all(_VERSIONS, competency_id=competency_id)
    return CompetencyTexts(**competency, versions=[CompetencyVersionRead(**row) for row in rows])


# --- changing ---------------------------------------------------------------------------


async def create_competency(session: AsyncSession, new: CompetencyCreate) -> CompetencyRead:
    """A technical competency that is in force from `effective_from` on, last in the order.

    Errors: CompetencyCodeTaken, DictionaryFull.
    """
    await session.execute(select(func.pg_advisory_xact_lock(DICTIONARY_LOCK)))
    last: int | None = await session.scalar(select(func.max(Competency.ordinal)))
    competency = Competency(
        code=new.code,
        kind=CompetencyKind.TECHNICAL,
        job_family=new.job_family,
        ordinal=(last or 0) + 1,
    )
    session.add(competency)
    await session.flush()
    text = new.model_dump(include={"name", "definition", "levels", "source"})
    return await _record(session, competency.id, new.effective_from, text)


async def update_competency(
    session: AsyncSession, competency_id: UUID, expected_version: int, change: CompetencyUpdate
) -> CompetencyRead:
    """Another text from a day on, up to the next change already recorded.

    Errors: NotFound, StaleVersion, NotInForce; TextHolds where a text that holds already begins
    on that very day.
    """
    competency = await _locked(session, competency_id)
    if competency.version != expected_version:
        raise StaleVersion
    on = change.effective_from
    owner = CompetencyVersion.competency_id
    current: CompetencyVersion = await require_change_day(session, owner, competency_id, on)
    if current.effective_from == on and on <= today():
        raise TextHolds
    competency.updated_at = now()
    text = change.model_dump(exclude={"effective_from"}, exclude_none=True)
    return await _record(session, competency_id, on, text)


async def close_competency(
    session: AsyncSession, competency_id: UUID, close: CompetencyClose
) -> CompetencyRead:
    """Let a technical competency end with the day before; answers with its last state.

    Errors: NotFound, CoreCompetency, NotInForce; CompetencyInUse where a position requires it
    then or later, or a result goes by a text that would be withdrawn.
    """
    competency = await _locked(session, competency_id)
    if competency.kind is not CompetencyKind.TECHNICAL:
        raise CoreCompetency
    on, owner = close.effective_from, CompetencyVersion.competency_id
    await require_ending_day(session, owner, competency_id, on)
    await _require_unused(session, competency_id, on)
    last = await timeline.end(session, owner, competency_id, on)
    assert last is not None
    competency.updated_at = now()
    await session.flush()
    return await read_competency(SessionReader(session), competency_id, last.effective_from)


async def _locked(session: AsyncSession, competency_id: UUID) -> Competency:
    competency = await session.get(Competency, competency_id, with_for_update=True)
    if competency is None:
        raise NotFound
    return competency


async def _record(
    session: AsyncSession, competency_id: UUID, on: date, text: Mapping[str, object]
) -> CompetencyRead:
    await timeline.record(session, CompetencyVersion.competency_id, competency_id, on, text)
    return await read_competency(SessionReader(session), competency_id, on)


async def _require_unused(session: AsyncSession, competency_id: UUID, on: date) -> None:
    """Errors: CompetencyInUse with up to fifty of the positions that require it."""
    standard = CompetencyStandard
    requiring = (
        select(Position.id, Position.code, since(standard, on).label("from"))
        .join(standard, standard.position_id == Position.id)
        .where(standard.competency_id == competency_id, from_then_on(standard, on))
        .order_by(Position.code, begins(standard))
        .limit(50)
    )
    blocking = [dict(row) for row in (await session.execute(requiring)).mappings()]
    if blocking:
        codes = ", ".join(str(position["code"]) for position in blocking[:5])
        detail = Bilingual(
            f"Masih dipersyaratkan pada {on} atau sesudahnya oleh: {codes}.",
            f"On {on} or later it is still required by: {codes}.",
        )
        raise CompetencyInUse(detail, blocking=blocking)
