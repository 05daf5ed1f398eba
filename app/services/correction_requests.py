"""An employee says that something recorded about them is wrong; hr_admin rules on it."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Integer, Select, String, Uuid, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.employees import can_see, viewer, visible
from app.calendar import now, today
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
from app.models.employees import (
    CorrectionRequest,
    EmployeeGolongan,
    EmployeeProfile,
    full_name,
)
from app.pagination import decode_cursor, encode_cursor
from app.schemas.correction_requests import (
    CorrectionAccept,
    CorrectionCreate,
    CorrectionDecline,
    CorrectionPage,
    CorrectionQuery,
    CorrectionRead,
    text_of,
    value_of,
)
from app.schemas.employees import EmployeeRead
from app.services import timeline
from app.services.employees.aggregate import locked
from app.services.employees.changing import correct, record_fitting
from app.services.employees.reading import get_employee
from app.vocabulary import CorrectionField, CorrectionState, Role

F, S = CorrectionField, CorrectionState
PROFILE_FIELDS = frozenset({F.NAME, F.TITLE_PREFIX, F.TITLE_SUFFIX, F.EMAIL, F.PHONE, F.ADDRESS})
IDENTITY_FIELDS = frozenset({F.BIRTH_PLACE, F.BIRTH_DATE, F.SEX})
BY_HAND = frozenset({F.IDENTIFIER, F.EDUCATION, F.POSITION})
"""What no single value can correct: the officer changes it by its own operation first."""
TRANSITIONS: Mapping[CorrectionState, tuple[CorrectionState, ...]] = {
    S.PENDING: (S.ACCEPTED, S.DECLINED, S.WITHDRAWN),
    S.ACCEPTED: (),
    S.DECLINED: (),
    S.WITHDRAWN: (),
}


class AlreadyPending(Conflict):
    """One request a field at a time."""

    code = "correction_pending"
    title = Bilingual(
        "Masih ada permintaan koreksi untuk isian ini", "A request for this field is pending"
    )
    constraints = ("uq_correction_requests_pending",)


class OwnRequest(Forbidden):
    """Nobody rules on a request about themself."""

    code = "own_request"
    title = Bilingual(
        "Permintaan tentang diri sendiri diputus oleh petugas lain",
        "Another officer must rule on a request about yourself",
    )


# --- asking -----------------------------------------------------------------------------------


async def create_request(
    session: AsyncSession, actor: Actor, employee_id: UUID, new: CorrectionCreate
) -> CorrectionRead:
    """Ask for a correction of one's own record.

    Errors: NotFound; AlreadyPending; Invalid where the value is what is recorded already.
    """
    if not actor.is_self(employee_id):
        raise NotFound
    employee = await get_employee(SessionReader(session), actor, employee_id, today())
    recorded = recorded_value(employee, new.field)
    proposed = str(text_of(value_of(new.field, new.proposed_value)))
    if proposed == recorded:
        detail = Bilingual("Sama dengan yang sudah tercatat.", "This is what is recorded.")
        raise Invalid(errors=[FieldError("/proposed_value", "same_as_recorded", detail)])
    request = CorrectionRequest(
        employee_id=employee_id,
        field=new.field,
        recorded_value=recorded,
        proposed_value=proposed,
        reason=new.reason,
        evidence=[e.model_dump() for e in new.evidence],
    )
    session.add(request)
    await session.flush()
    return await get_request(SessionReader(session), actor, request.id)


def recorded_value(employee: EmployeeRead, field: CorrectionField) -> str | None:
    """What is recorded of a field, as text; None where nothing is."""
    if field in IDENTITY_FIELDS:
        return text_of(getattr(employee, field))
    if field in PROFILE_FIELDS:
        return text_of(getattr(employee.profile, field, None))
    if field is F.EDUCATION:
        e = employee.education
        parts = (e.level, e.major, e.institution, e.graduation_year) if e else ()
        return ", ".join(str(part) for part in parts if part is not None) or None
    part = getattr(employee, field)  # golongan, identifier or position
    names = {F.GOLONGAN: "golongan", F.IDENTIFIER: "value", F.POSITION: "title"}
    return text_of(getattr(part, names[field], None))


async def withdraw_request(session: AsyncSession, actor: Actor, request_id: UUID) -> CorrectionRead:
    """Take one's own request back. Errors: NotFound, TransitionNotAllowed."""
    request = await _locked(session, actor, request_id)
    if not actor.is_self(request.employee_id):
        raise Forbidden
    _move(request, S.WITHDRAWN)
    await session.flush()
    return await get_request(SessionReader(session), actor, request_id)


# --- ruling -----------------------------------------------------------------------------------


async def accept_request(
    session: AsyncSession, actor: Actor, request_id: UUID, ruling: CorrectionAccept
) -> CorrectionRead:
    """Accept, and correct the record in the same transaction.

    Errors: NotFound, TransitionNotAllowed, OwnRequest; Invalid where the field is corrected by
    hand and that was not stated, or where the new value doesn't fit the rest of the record.
    """
    request = await _to_rule_on(session, actor, request_id, S.ACCEPTED)
    request.decision_reason = ruling.note
    await session.flush()
    if request.field in BY_HAND:
        _require_done_by_hand(ruling)
    else:
        await _apply(session, actor, request, ruling.effective_from)
    await session.flush()
    return await get_request(SessionReader(session), actor, request_id)


def _require_done_by_hand(ruling: CorrectionAccept) -> None:
    if not ruling.done_by_hand:
        detail = Bilingual(
            "Ubah dahulu datanya, lalu nyatakan sudah dilakukan dengan done_by_hand.",
            "Make the change first, then state so with done_by_hand.",
        )
        raise Invalid(errors=[FieldError("/done_by_hand", "change_it_first", detail)])


async def _apply(
    session: AsyncSession, actor: Actor, request: CorrectionRequest, effective_from: date | None
) -> None:
    employee = await locked(session, actor, request.employee_id)
    value = value_of(request.field, request.proposed_value)
    if request.field in IDENTITY_FIELDS:
        if effective_from is not None:
            detail = Bilingual("Isian ini tidak bertanggal.", "This field has no days.")
            raise Invalid(errors=[FieldError("/effective_from", "not_dated", detail)])
        correct(employee, {request.field.value: value})
        return
    model = EmployeeGolongan if request.field is F.GOLONGAN else EmployeeProfile
    start = effective_from or await _first_day(session, model, request.employee_id)
    values = {request.field.value: value}
    await record_fitting(session, model, request.employee_id, start, values)


async def _first_day(
    session: AsyncSession, model: type[EmployeeGolongan | EmployeeProfile], employee_id: UUID
) -> date:
    """Since when what is recorded today holds."""
    statement = select(timeline.begins(model)).where(
        cast(Any, model).employee_id == employee_id, timeline.holds(model)
    )
    first: date | None = await session.scalar(statement, {"as_of": today()})
    return first or today()


async def decline_request(
    session: AsyncSession, actor: Actor, request_id: UUID, ruling: CorrectionDecline
) -> CorrectionRead:
    """Decline, with a reason. Errors: NotFound, TransitionNotAllowed, OwnRequest."""
    request = await _to_rule_on(session, actor, request_id, S.DECLINED)
    request.decision_reason = ruling.reason
    await session.flush()
    return await get_request(SessionReader(session), actor, request_id)


async def _to_rule_on(
    session: AsyncSession, actor: Actor, request_id: UUID, state: CorrectionState
) -> CorrectionRequest:
    request = await _locked(session, actor, request_id)
    if actor.is_self(request.employee_id):
        raise OwnRequest
    _move(request, state)
    request.decided_by, request.decided_at = actor.account_id, now()
    return request


async def _locked(session: AsyncSession, actor: Actor, request_id: UUID) -> CorrectionRequest:
    statement = select(CorrectionRequest).where(CorrectionRequest.id == request_id)
    request: CorrectionRequest | None = await session.scalar(statement.with_for_update())
    if request is None or not can_see(actor, request.employee_id):
        raise NotFound
    return request


def _move(request: CorrectionRequest, state: CorrectionState) -> None:
    allowed = TRANSITIONS[request.state]
    if state not in allowed:
        raise TransitionNotAllowed(state=request.state.value, allowed=list(allowed))
    request.state = state


# --- reading ----------------------------------------------------------------------------------

STATE = bindparam("state", type_=String())
FIELD = bindparam("field", type_=String())
ROWS = bindparam("rows", type_=Integer())
ORDER = "correction_requests"
COLUMNS = (
    *(c for c in CorrectionRequest.__table__.columns if c.key not in ("decided_by", "updated_at")),
    EmployeeProfile.name.label("name"),
    EmployeeProfile.title_prefix,
    EmployeeProfile.title_suffix,
)


def _requests(role: Role) -> Select[Any]:
    profile = (EmployeeProfile.employee_id == CorrectionRequest.employee_id) & timeline.holds(
        EmployeeProfile
    )
    return (
        select(*COLUMNS)
        .select_from(CorrectionRequest)
        .outerjoin(EmployeeProfile, profile)
        .where(visible(role, CorrectionRequest.employee_id))
    )


@lru_cache(maxsize=16)
def _one(role: Role) -> Select[Any]:
    return _requests(role).where(CorrectionRequest.id == bindparam("request_id", type_=Uuid()))


async def get_request(reader: Reader, actor: Actor, request_id: UUID) -> CorrectionRead:
    """One request. Errors: NotFound."""
    values = {"as_of": today(), **viewer(actor)}
    row = await reader.one(_one(actor.role), request_id=request_id, **values)
    if row is None:
        raise NotFound
    reader.reveals([row["employee_id"]])
    return _read(row)


@lru_cache(maxsize=256)
def _filtered(role: Role, given: frozenset[str], count: bool) -> Select[Any]:
    table = CorrectionRequest
    conditions = {
        "state": table.state == STATE,
        "field": table.field == FIELD,
        "employee_id": table.employee_id == bindparam("employee_id", type_=Uuid()),
        "after_id": tuple_(table.created_at, table.id)
        > tuple_(
            bindparam("after", type_=TIMESTAMP(timezone=True)), bindparam("after_id", type_=Uuid())
        ),
    }
    asked = [condition for name, condition in conditions.items() if name in given]
    if count:
        mine = visible(role, table.employee_id)
        return select(func.count()).select_from(table).where(mine, *asked)
    return _requests(role).where(*asked).order_by(table.created_at, table.id).limit(ROWS)


async def list_requests(
    reader: Reader, actor: Actor, query: CorrectionQuery, employee_id: UUID | None = None
) -> CorrectionPage:
    """One page of requests, oldest first; one person's where they are named.

    Errors: NotFound where the actor may not see that person; InvalidCursor.
    """
    if employee_id is not None and not can_see(actor, employee_id):
        raise NotFound
    values: dict[str, object] = {
        "state": query.state and query.state.value,
        "field": query.field and query.field.value,
        "employee_id": employee_id,
    }
    values = {name: value for name, value in values.items() if value is not None}
    days = {"as_of": today(), **viewer(actor)}
    total = None
    if query.include_total:
        statement = _filtered(actor.role, frozenset(values), True)
        total = await reader.value(statement, **values, **viewer(actor))
    if query.cursor:
        kinds = (datetime, UUID)
        values["after"], values["after_id"] = decode_cursor(query.cursor, ORDER, kinds)
    statement = _filtered(actor.role, frozenset(values), False)
    rows = await reader.all(statement, **values, **days, rows=query.limit + 1)
    shown = rows[: query.limit]
    reader.reveals([row["employee_id"] for row in shown])
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, [shown[-1]["created_at"], shown[-1]["id"]]) if more else None
    return CorrectionPage(items=[_read(row) for row in shown], next_cursor=cursor, total=total)


def _read(row: Row) -> CorrectionRead:
    values = dict(row)
    titled = values.pop("name"), values.pop("title_prefix"), values.pop("title_suffix")
    name = full_name(*titled) if titled[0] is not None else None
    return CorrectionRead.model_validate({**values, "employee_name": name})
