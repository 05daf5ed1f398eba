"""Assessment events: occasions on which an accredited provider measures people."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import now
from app.database import Reader, Row, SessionReader
from app.errors import (
    Bilingual,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    StaleVersion,
    TransitionNotAllowed,
)
from app.models.assessments import Assessment, AssessmentEvent, AssessmentProvider
from app.models.base import Word
from app.pagination import decode_cursor, encode_cursor
from app.rules import RulePackMissing
from app.rules.scoring import rules_in_force
from app.schemas.assessment_events import (
    AssessmentEventCreate,
    AssessmentEventPage,
    AssessmentEventQuery,
    AssessmentEventRead,
    AssessmentEventUpdate,
    EventProvider,
)
from app.services.assessment_providers import require_accredited
from app.vocabulary import AssessmentMethod, AssessmentPurpose, AssessmentState

ORDER = "assessment_events:starts_on"
E, P = AssessmentEvent, AssessmentProvider
FINAL = (AssessmentState.PUBLISHED, AssessmentState.SUPERSEDED)


class EventCodeTaken(Conflict):
    """Another event has this code."""

    code = "event_code_taken"
    title = Bilingual("Kode kegiatan sudah dipakai", "The event code is taken")
    constraints = ("uq_assessment_events_code",)


class EventPublished(Conflict):
    """Results of the event are published: what they were measured by no longer changes."""

    code = "event_published"
    title = Bilingual(
        "Hasil kegiatan ini sudah terbit", "Results of this event have been published"
    )


class RatersNotIndependent(Conflict):
    """On other days, `assessments` would have somebody rate their superior or their spouse."""

    code = "raters_not_independent"
    title = Bilingual(
        "Pada hari-hari itu ada penilai yang tidak independen",
        "On those days some raters would not be independent",
    )


# --- reading ------------------------------------------------------------------------------

_EVENTS = select(
    *(E.id, E.version, E.code, E.title, E.purpose, E.method, E.starts_on, E.ends_on, E.closed_at),
    P.id.label("provider_id"),
    P.code.label("provider_code"),
    P.name.label("provider_name"),
).join(P, P.id == E.provider_id)
_ONE = _EVENTS.where(E.id == bindparam("event_id", type_=Uuid()))
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "code": E.code == bindparam("code", type_=String()),
    "purpose": E.purpose == bindparam("purpose", type_=Word(AssessmentPurpose)),
    "method": E.method == bindparam("method", type_=Word(AssessmentMethod)),
    "open": E.closed_at.is_(None),
    "closed": E.closed_at.is_not(None),
    "before_id": tuple_(E.starts_on, E.id)
    < tuple_(bindparam("before", type_=Date()), bindparam("before_id", type_=Uuid())),
}


@lru_cache(maxsize=64)
def _page(filters: frozenset[str]) -> Select[Any]:
    chosen: Select[*tuple[Any, ...]] = _EVENTS.where(*(_FILTERS[name] for name in sorted(filters)))
    rows = bindparam("rows", type_=Integer)
    return chosen.order_by(E.starts_on.desc(), E.id.desc()).limit(rows)


@lru_cache(maxsize=64)
def _count(filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(E).where(*(_FILTERS[n] for n in sorted(filters)))


async def read_event(reader: Reader, event_id: UUID) -> AssessmentEventRead:
    """One event. Errors: NotFound."""
    row = await reader.one(_ONE, event_id=event_id)
    if row is None:
        raise NotFound
    return _read(row)


async def list_events(reader: Reader, query: AssessmentEventQuery) -> AssessmentEventPage:
    """One page of events, the latest first. Errors: InvalidCursor."""
    values: dict[str, Any] = query.model_dump(include={"code", "purpose", "method"})
    values = {name: value for name, value in values.items() if value is not None}
    filters = set(values)
    if query.open is not None:
        filters.add("open" if query.open else "closed")
    total = None
    if query.include_total:
        total = await reader.value(_count(frozenset(filters)), **values)
    if query.cursor:
        values["before"], values["before_id"] = decode_cursor(query.cursor, ORDER, (date, UUID))
        filters.add("before_id")
    rows = await reader.all(_page(frozenset(filters)), rows=query.limit + 1, **values)
    items = [_read(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [items[-1].starts_on, items[-1].id]) if more else None
    return AssessmentEventPage(items=items, next_cursor=cursor, total=total)


def _read(row: Row) -> AssessmentEventRead:
    values = dict(row)
    provider = EventProvider(**{n: values.pop(f"provider_{n}") for n in EventProvider.model_fields})
    return AssessmentEventRead(**values, provider=provider)


# --- changing -----------------------------------------------------------------------------


async def create_event(session: AsyncSession, new: AssessmentEventCreate) -> AssessmentEventRead:
    """An event of a provider that is accredited for its purpose on each of its days.

    Errors: EventCodeTaken, NotAccredited; Invalid where the provider is unknown or no rule was
    in force yet.
    """
    event = AssessmentEvent(**new.model_dump())
    await _require_lawful(session, event)
    session.add(event)
    await session.flush()
    return await read_event(SessionReader(session), event.id)


async def update_event(
    session: AsyncSession, event_id: UUID, expected: int, change: AssessmentEventUpdate
) -> AssessmentEventRead:
    """Change an event of which nothing is published.

    Errors: NotFound, StaleVersion, EventPublished, NotAccredited, RatersNotIndependent, Invalid.
    """
    event = await locked_event(session, event_id)
    if event.version != expected:
        raise StaleVersion
    await _require_unpublished(session, event_id)
    days = event.starts_on, event.ends_on
    for name, value in change.model_dump(exclude_none=True).items():
        setattr(event, name, value)
    with session.no_autoflush:
        await _require_lawful(session, event)
        if days != (event.starts_on, event.ends_on):
            await _require_independent(session, event)
    event.updated_at = now()
    await session.flush()
    return await read_event(SessionReader(session), event_id)


async def close_event(session: AsyncSession, event_id: UUID) -> AssessmentEventRead:
    """Nobody is added any more. Errors: NotFound, TransitionNotAllowed where it is closed."""
    event = await locked_event(session, event_id)
    if event.closed_at is not None:
        raise TransitionNotAllowed(state="closed", allowed=[])
    event.closed_at = now()
    await session.flush()
    return await read_event(SessionReader(session), event_id)


async def locked_event(
    session: AsyncSession, event_id: UUID, *, shared: bool = False
) -> AssessmentEvent:
    """The event, which nobody changes until the transaction ends. Errors: NotFound."""
    event = await session.get(AssessmentEvent, event_id, with_for_update={"read": shared})
    if event is None:
        raise NotFound
    return event


async def _require_unpublished(session: AsyncSession, event_id: UUID) -> None:
    """Nothing is published meanwhile: that takes the event's lock too."""
    final = (Assessment.event_id == event_id) & Assessment.state.in_(FINAL)
    if await session.scalar(select(Assessment.id).where(final).limit(1)):
        raise EventPublished


NOT_INDEPENDENT = text(
    """
    SELECT DISTINCT r.assessment_id
    FROM assessor_assignments r JOIN assessments a ON a.id = r.assessment_id
    WHERE a.event_id = :event_id AND r.state <> 'withdrawn' AND r.rater_id <> r.candidate_id
      AND (EXISTS (SELECT FROM employee_spouses m
                   WHERE m.valid && daterange(:first, :last, '[]')
                   AND (m.employee_id, m.spouse_id) IN
                       ((r.rater_id, r.candidate_id), (r.candidate_id, r.rater_id)))
           OR r.source = 'assessor'
           AND (r.rater_id = ANY (app.superiors(r.candidate_id, :first))
                OR r.candidate_id = ANY (app.superiors(r.rater_id, :first))))
    ORDER BY r.assessment_id LIMIT 50
    """
)


async def _require_independent(session: AsyncSession, event: AssessmentEvent) -> None:
    """Raters were checked on the days as they were when they were assigned."""
    values = {"event_id": event.id, "first": event.starts_on, "last": event.ends_on}
    found = (await session.scalars(NOT_INDEPENDENT, values)).all()
    if found:
        raise RatersNotIndependent(assessments=[str(each) for each in found])


async def _require_lawful(session: AsyncSession, event: AssessmentEvent) -> None:
    if event.ends_on < event.starts_on:
        detail = Bilingual(
            "Tidak boleh berakhir sebelum dimulai.", "Must not end before it starts."
        )
        raise Invalid(errors=[FieldError("/ends_on", "ends_before_start", detail)])
    try:
        rules_in_force(event.ends_on)
    except RulePackMissing:
        detail = Bilingual(
            "Belum ada aturan penilaian pada tanggal itu.", "No rule of assessment was in force yet"
        )
        raise Invalid(errors=[FieldError("/ends_on", "no_rule_yet", detail)]) from None
    days = event.starts_on, event.ends_on
    await require_accredited(session, event.provider_id, event.purpose, *days)
