"""Reading the log: the whole of it for auditors, and for each person what concerns them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, array
from sqlalchemy.types import String, Uuid

from app.access.actors import Actor
from app.access.audit import ABOUT_VIEWER, subject_of, visible
from app.calendar import today
from app.database import Reader, Row
from app.errors import Language, NotFound
from app.models.audit import AuditDetail, AuditEvent, AuditLink
from app.models.employees import EmployeeProfile
from app.pagination import decode_cursor, encode_cursor
from app.schemas.audit import (
    AccountReads,
    AccountReadsPage,
    AccountReadsQuery,
    AuditEventPage,
    AuditEventQuery,
    AuditEventRead,
    DataAccess,
    DataAccessPage,
    DataAccessQuery,
    Period,
)
from app.services.audit.words import deed
from app.vocabulary import AuditKind, Role

MOST_DETAILED = 20
"""Events with details a page: one of an import holds a thousand rows."""
MOST_PURPOSES = 20
EVENTS, READS, MINE = "audit_events", "audit_reads", "audit_mine"
"""The lists that a cursor may belong to."""
ID_BEFORE_TIME = timedelta(minutes=10)
"""An event's id tells a time too, taken at most this long before `at` in the same statement."""

_INSTANT = TIMESTAMP(timezone=True)
_LIMIT = bindparam("limit", type_=Integer)
FILTERS: Mapping[str, ColumnElement[bool]] = {
    "since": and_(
        AuditEvent.at >= bindparam("since", type_=_INSTANT),
        AuditEvent.id >= bindparam("since_id", type_=Uuid),
    ),
    "until": and_(
        AuditEvent.at < bindparam("until", type_=_INSTANT),
        AuditEvent.id < bindparam("until_id", type_=Uuid),
    ),
    "before_id": AuditEvent.id < bindparam("before_id", type_=Uuid),
    "id": AuditEvent.id == bindparam("id", type_=Uuid),
    "actor_account_id": AuditEvent.actor_account_id == bindparam("actor_account_id", type_=Uuid),
    "subject_id": AuditEvent.subject_ids.contains(array([bindparam("subject_id", type_=Uuid)])),
    **{
        name: getattr(AuditEvent, name) == bindparam(name, type_=String)
        for name in ("kind", "operation", "entity", "request_id")
    },
}
"""The times narrow the ids as well, so that the list's own index serves them."""


# --- for auditors -----------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _events(role: Role, filters: frozenset[str], details: bool) -> Select[Any]:
    columns = [
        *(AuditEvent.id, AuditLink.seq, AuditEvent.at, AuditEvent.kind, AuditEvent.operation),
        *(AuditEvent.actor_account_id, AuditEvent.actor_role, AuditEvent.purpose),
        *(AuditEvent.request_id, AuditEvent.entity, AuditEvent.subject_ids),
        func.app.actor_name(AuditEvent.actor_account_id).label("actor_name"),
    ]
    statement = select(*columns).outerjoin(AuditLink, AuditLink.event_id == AuditEvent.id)
    if details:
        statement = statement.add_columns(AuditDetail.changes.label("details")).outerjoin(
            AuditDetail, AuditDetail.event_id == AuditEvent.id
        )
    return (
        statement.where(visible(role), *(FILTERS[name] for name in sorted(filters)))
        .order_by(AuditEvent.id.desc())
        .limit(_LIMIT)
    )


@lru_cache(maxsize=512)
def _count(role: Role, filters: frozenset[str]) -> Select[Any]:
    conditions = (FILTERS[name] for name in sorted(filters - {"before_id"}))
    return select(func.count()).select_from(AuditEvent).where(visible(role), *conditions)


async def list_events(reader: Reader, actor: Actor, query: AuditEventQuery) -> AuditEventPage:
    """Events, newest first. Errors: InvalidCursor."""
    limit = min(query.limit, MOST_DETAILED) if query.include_details else query.limit
    values = _filters(query, EVENTS)
    statement = _events(actor.role, _names(values), query.include_details)
    rows = await reader.all(statement, viewer=subject_of(actor), limit=limit + 1, **values)
    if query.include_details:
        reader.reveals(list({s for row in rows[:limit] for s in row["subject_ids"]}))
    elif query.subject_id is not None:
        reader.reveals([query.subject_id])
    return AuditEventPage(
        items=[_event(row) for row in rows[:limit]],
        next_cursor=_next(EVENTS, rows, limit, "id"),
        total=await _total(reader, actor, query.include_total, values),
    )


async def get_event(reader: Reader, actor: Actor, event_id: UUID) -> AuditEventRead:
    """One event with its details. Errors: NotFound."""
    statement = _events(actor.role, frozenset({"id"}), True)
    row = await reader.one(statement, viewer=subject_of(actor), limit=1, id=event_id)
    if row is None:
        raise NotFound
    reader.reveals(row["subject_ids"])
    return _event(row)


def _event(row: Row) -> AuditEventRead:
    return AuditEventRead.model_validate({"details": None, **row})


async def _total(
    reader: Reader, actor: Actor, wanted: bool, values: Mapping[str, object]
) -> int | None:
    if not wanted:
        return None
    statement = _count(actor.role, _names(values))
    count: int = await reader.value(statement, viewer=subject_of(actor), **values)
    return count


def _filters(query: AuditEventQuery | DataAccessQuery, order: str) -> dict[str, object]:
    """The values of the filters that were asked for, by the names that FILTERS binds."""
    values = _period(query)
    for name in FILTERS.keys() - {"since", "until"}:
        if (value := getattr(query, name, None)) is not None:
            values[name] = value
    if query.cursor is not None:
        (values["before_id"],) = decode_cursor(query.cursor, order, (UUID,))
    return values


def _names(values: Mapping[str, object]) -> frozenset[str]:
    return frozenset(values.keys() & FILTERS.keys())


def _period(period: Period) -> dict[str, object]:
    values: dict[str, object] = {}
    if period.since is not None:
        values |= {"since": period.since, "since_id": _id_at(period.since - ID_BEFORE_TIME)}
    if period.until is not None:
        values |= {"until": period.until, "until_id": _id_at(period.until + timedelta(seconds=1))}
    return values


def _id_at(instant: datetime) -> UUID:
    """Below every UUIDv7 made from that instant on: its first 48 bits are milliseconds."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def _next(order: str, rows: Sequence[Row], limit: int, *columns: str) -> str | None:
    if len(rows) <= limit:
        return None
    return encode_cursor(order, [rows[limit - 1][column] for column in columns])


# --- whose data did an account see ------------------------------------------------------------

_SUBJECT = func.unnest(AuditEvent.subject_ids).column_valued("employee_id", joins_implicitly=True)
_FIRST_AT = func.min(AuditEvent.at)
_AFTER = tuple_(bindparam("after_at", type_=_INSTANT), bindparam("after_id", type_=Uuid))


def _seen(filters: frozenset[str]) -> Select[Any]:
    """Everybody whom the account looked at: rows by person."""
    conditions = [FILTERS[name] for name in sorted(FILTERS.keys() & filters)]
    statement = (
        select(
            _SUBJECT.label("employee_id"),
            func.count().label("reads"),
            _FIRST_AT.label("first_at"),
            func.max(AuditEvent.at).label("last_at"),
            func.array_agg(AuditEvent.purpose.distinct())
            .filter(AuditEvent.purpose != "")
            .label("purposes"),
        )
        .where(visible(Role.AUDITOR), AuditEvent.kind == AuditKind.READ.value, *conditions)
        .group_by(_SUBJECT)
    )
    return statement


@lru_cache(maxsize=16)
def _reads(filters: frozenset[str]) -> Select[Any]:
    seen = _seen(filters)
    if "after_id" in filters:
        seen = seen.having(tuple_(_FIRST_AT, _SUBJECT) > _AFTER)
    page = seen.order_by(_FIRST_AT, _SUBJECT).limit(_LIMIT).subquery("seen")
    holds = EmployeeProfile.valid.op("@>")(bindparam("today", type_=Date))
    return (
        select(page, EmployeeProfile.name)
        .outerjoin(EmployeeProfile, and_(EmployeeProfile.employee_id == page.c.employee_id, holds))
        .order_by(page.c.first_at, page.c.employee_id)
    )


@lru_cache(maxsize=16)
def _count_seen(filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(_seen(filters).subquery())


async def list_reads_of_account(
    reader: Reader, account_id: UUID, query: AccountReadsQuery
) -> AccountReadsPage:
    """Whose data the account looked at, in the order in which it first did.

    In that order no person moves while an auditor turns the pages. Errors: InvalidCursor.
    """
    values = {"actor_account_id": account_id, **_period(query)}
    filters = _names(values)
    total = await reader.value(_count_seen(filters), **values) if query.include_total else None
    if query.cursor is not None:
        after = decode_cursor(query.cursor, READS, (datetime, UUID))
        values |= {"after_at": after[0], "after_id": after[1]}
        filters |= {"after_id"}
    rows = await reader.all(_reads(filters), today=today(), limit=query.limit + 1, **values)
    items = [_read(row) for row in rows[: query.limit]]
    reader.reveals([item.employee_id for item in items])
    cursor = _next(READS, rows, query.limit, "first_at", "employee_id")
    return AccountReadsPage(items=items, next_cursor=cursor, total=total)


def _read(row: Row) -> AccountReads:
    purposes = (row["purposes"] or [])[:MOST_PURPOSES]
    return AccountReads.model_validate({**row, "purposes": purposes})


# --- who saw my data --------------------------------------------------------------------------

_ABOUT_ME = (ABOUT_VIEWER, AuditEvent.kind != AuditKind.SECURITY.value)


@lru_cache(maxsize=32)
def _mine(filters: frozenset[str]) -> Select[Any]:
    return (
        select(
            *(AuditEvent.id, AuditEvent.at, AuditEvent.kind, AuditEvent.entity),
            *(AuditEvent.actor_account_id, AuditEvent.actor_role, AuditEvent.purpose),
            AuditEvent.request_id,
            func.app.actor_name(AuditEvent.actor_account_id).label("actor_name"),
        )
        .where(*_ABOUT_ME, *(FILTERS[name] for name in sorted(filters)))
        .order_by(AuditEvent.id.desc())
        .limit(_LIMIT)
    )


@lru_cache(maxsize=32)
def _count_mine(filters: frozenset[str]) -> Select[Any]:
    conditions = (FILTERS[name] for name in sorted(filters - {"before_id"}))
    return select(func.count()).select_from(AuditEvent).where(*_ABOUT_ME, *conditions)


async def list_my_data_access(
    reader: Reader, actor: Actor, query: DataAccessQuery, language: Language
) -> DataAccessPage:
    """Who looked at or changed the actor's own data, newest first.

    Those who acted on duty are named; of an event that concerned others too, nothing tells of
    them. Errors: InvalidCursor.
    """
    values = {"viewer": subject_of(actor), **_filters(query, MINE)}
    filters = _names(values)
    rows = await reader.all(_mine(filters), limit=query.limit + 1, **values)
    return DataAccessPage(
        items=[_access(row, actor, language) for row in rows[: query.limit]],
        next_cursor=_next(MINE, rows, query.limit, "id"),
        total=await reader.value(_count_mine(filters), **values) if query.include_total else None,
    )


def _access(row: Row, actor: Actor, language: Language) -> DataAccess:
    return DataAccess(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        what=deed(AuditKind(row["kind"]), row["entity"]).text(language),
        by_me=row["actor_account_id"] == actor.account_id,
        actor_role=Role(row["actor_role"]) if row["actor_role"] in set(Role) else None,
        actor_name=row["actor_name"],
        purpose=row["purpose"],
        request_id=row["request_id"],
    )
