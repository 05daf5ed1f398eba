"""Invitations: each employee makes their own account of a code that was handed to them.

So an officer gives thousands of people an account in one request, knows nobody's password,
and no password is hashed before its owner chose it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import Any, cast
from uuid import UUID

import xlsxwriter
from sqlalchemy import (
    ARRAY,
    FromClause,
    LargeBinary,
    Select,
    String,
    Table,
    Uuid,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from app.access.actors import SIGN_IN
from app.calendar import JAKARTA, now, today
from app.database import Database, Reader, Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, Unauthenticated
from app.models.accounts import Account, Invitation
from app.models.base import Base
from app.models.employees import EmployeeIdentifier, EmployeeProfile, EmployeeStatus, full_name
from app.models.organisation import PositionVersion, SeatAssignment, UnitVersion
from app.one_time_codes import code_digest, new_activation_codes
from app.pagination import decode_cursor, encode_cursor
from app.passwords import hash_password
from app.schemas.invitations import (
    MOST_INVITED,
    Activated,
    Activation,
    InvitationPage,
    InvitationQuery,
    InvitationRead,
    InvitationsCreate,
    IssuedInvitation,
    IssuedInvitations,
    LeftOut,
)
from app.services import security_events, structure, throttle
from app.services.credentials import check_new_password
from app.services.imports.cells import defused
from app.services.security_events import Refusal
from app.services.throttle import ADDRESS, Caller
from app.services.timeline import holds
from app.vocabulary import AssignmentKind, Role, SecurityEvent

VALID_FOR = timedelta(days=30)
"""Letters reach a school in the hills in two weeks; a code that lies about longer is a risk."""
ORDER = "invitations:login"


class TooManyPeople(Invalid):
    """More people than one request invites."""

    code = "too_many_people"
    title = Bilingual(
        f"Lebih dari {MOST_INVITED} orang; undang per unit",
        f"More than {MOST_INVITED} people; invite by unit",
    )


class AlreadyActivated(Conflict):
    """The account is there: disable it instead."""

    code = "already_activated"
    title = Bilingual("Undangan ini sudah dipakai", "This invitation was used")


class InvalidActivationCode(Refusal, Unauthenticated):
    """No invitation that holds has this code: unknown, used, expired, revoked or replaced."""

    code = "invalid_activation_code"
    title = Bilingual(
        "Kode aktivasi salah atau tidak berlaku lagi", "Wrong activation code, or no longer valid"
    )
    event = SecurityEvent.ACTIVATION_REFUSED


# --- Inviting ---------------------------------------------------------------------------

HELD = (Invitation.activated_at.is_(None), Invitation.expires_at > func.now())


def _one(model: type[Base], *conditions: ColumnElement[bool]) -> FromClause:
    """The row that these conditions leave, looked up for each employee by its index: so the cost
    grows with the people alone, whatever the planner knows of a table that was just filled.
    """
    return select(model.__table__).where(*conditions).limit(literal_column("1")).lateral()


EMPLOYEE = EmployeeStatus.employee_id
IDENTIFIER = _one(
    EmployeeIdentifier, EmployeeIdentifier.employee_id == EMPLOYEE, holds(EmployeeIdentifier)
)
PROFILE = _one(EmployeeProfile, EmployeeProfile.employee_id == EMPLOYEE, holds(EmployeeProfile))
SEAT = _one(
    SeatAssignment,
    SeatAssignment.employee_id == EMPLOYEE,
    SeatAssignment.kind == AssignmentKind.DEFINITIF,
    holds(SeatAssignment),
)
POSITION = _one(
    PositionVersion, PositionVersion.position_id == SEAT.c.position_id, holds(PositionVersion)
)
UNIT = _one(UnitVersion, UnitVersion.unit_id == POSITION.c.unit_id, holds(UnitVersion))
ACCOUNT = (
    select(Account.id)
    .where(Account.employee_id == EMPLOYEE, Account.role == Role.ASN)
    .limit(literal_column("1"))
    .lateral()
)
INVITATION = _one(Invitation, Invitation.employee_id == EMPLOYEE, *HELD)
EMPLOYED = (
    EmployeeStatus.__table__.join(IDENTIFIER, true())
    .join(PROFILE, true())
    .outerjoin(SEAT, true())
    .outerjoin(POSITION, true())
    .outerjoin(UNIT, true())
    .outerjoin(ACCOUNT, true())
    .outerjoin(INVITATION, true())
)
"""Who is employed, with the seat that they hold for good and what they would sign in with."""
UNITS = select(structure.subtree().c.unit_id)
IDS = ARRAY(Uuid())
NARROWED = {
    "unit_ids": POSITION.c.unit_id == func.any(bindparam("unit_ids", type_=IDS)),
    "employee_ids": EmployeeStatus.employee_id == func.any(bindparam("employee_ids", type_=IDS)),
}


def _wanted(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    return [holds(EmployeeStatus), *(NARROWED[name] for name in filters & NARROWED.keys())]


@lru_cache
def _to_invite(filters: frozenset[str], replace: bool) -> Select[*tuple[Any, ...]]:
    names = (PROFILE.c.name, PROFILE.c.title_prefix, PROFILE.c.title_suffix)
    unit = (POSITION.c.unit_id, UNIT.c.name.label("unit_name"))
    held = [] if replace else [INVITATION.c.id.is_(None)]
    return (
        select(EMPLOYEE, IDENTIFIER.c.value.label("login"), *names, *unit)
        .select_from(EMPLOYED)
        .where(*_wanted(filters), ACCOUNT.c.id.is_(None), *held)
        .order_by(UNIT.c.name, PROFILE.c.name_sort, EMPLOYEE)
        .limit(MOST_INVITED + 1)
    )


@lru_cache
def _counts(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    invited = func.count(INVITATION.c.id).filter(ACCOUNT.c.id.is_(None))
    return (
        select(
            func.count().label("employed"),
            func.count(ACCOUNT.c.id).label("has_account"),
            invited.label("invited"),
        )
        .select_from(EMPLOYED)
        .where(*_wanted(filters))
    )


INVITE = text("""
INSERT INTO invitations (employee_id, login, display_name, code_digest, expires_at)
SELECT u.*, CAST(:expires_at AS timestamptz)
FROM unnest(CAST(:employee_ids AS uuid[]), CAST(:logins AS varchar[]),
            CAST(:names AS varchar[]), CAST(:digests AS bytea[])) AS u
ON CONFLICT (employee_id) DO UPDATE SET
    login = excluded.login, display_name = excluded.display_name,
    code_digest = excluded.code_digest, invited_at = now(), expires_at = excluded.expires_at,
    activated_at = NULL
""")
"""One statement for all: the audit log hears of it in a few events, and never of the codes."""


async def invite(session: AsyncSession, wanted: InvitationsCreate) -> IssuedInvitations:
    """Invite all who are wanted and have no account; the codes are told this once.

    Errors: Invalid for an unknown unit, TooManyPeople.
    """
    reader = SessionReader(session)
    values = await _values(reader, wanted)
    filters = frozenset(values)
    people = await reader.all(_to_invite(filters, wanted.replace), **values)
    if len(people) > MOST_INVITED:
        raise TooManyPeople
    counts = await reader.one(_counts(filters), **values)
    assert counts is not None
    expires_at = now() + VALID_FOR
    left_out = LeftOut(
        has_account=counts["has_account"],
        still_invited=0 if wanted.replace else counts["invited"],
        not_found=max(0, len(set(wanted.employee_ids or ())) - counts["employed"]),
    )
    items = await _issue(session, people, expires_at)
    return IssuedInvitations(expires_at=expires_at, items=items, left_out=left_out)


async def _values(reader: Reader, wanted: InvitationsCreate) -> dict[str, Any]:
    """The filters' values by name. Errors: Invalid."""
    values: dict[str, Any] = {"as_of": today()}
    if wanted.unit_id is not None:
        units = await reader.all(UNITS, unit_id=wanted.unit_id, **values)
        if not units:
            detail = Bilingual("Tidak berlaku hari ini.", "Not in force today.")
            raise Invalid(errors=[FieldError("/unit_id", "unknown", detail)])
        values["unit_ids"] = [unit["unit_id"] for unit in units]
    if wanted.employee_ids is not None:
        values["employee_ids"] = wanted.employee_ids
    return values


async def _issue(
    session: AsyncSession, people: Sequence[Row], expires_at: datetime
) -> list[IssuedInvitation]:
    """Store the digests of new codes, in the order of ids, so that no two writers wait in a
    ring; the codes, in the order of the people.
    """
    codes = await asyncio.to_thread(new_activation_codes, len(people))
    digests = await asyncio.to_thread(lambda: [code_digest(code) for code in codes])
    rows = sorted(zip(people, digests, strict=True), key=lambda row: row[0]["employee_id"])
    values = {
        "expires_at": expires_at,
        "employee_ids": [person["employee_id"] for person, _ in rows],
        "logins": [person["login"] for person, _ in rows],
        "names": [person["name"] for person, _ in rows],
        "digests": [digest for _, digest in rows],
    }
    await session.execute(INVITE, values)
    return [_issued(person, code) for person, code in zip(people, codes, strict=True)]


def _issued(person: Row, code: str) -> IssuedInvitation:
    return IssuedInvitation(
        employee_id=person["employee_id"],
        login=person["login"],
        unit_id=person["unit_id"],
        unit_name=person["unit_name"],
        full_name=full_name(person["name"], person["title_prefix"], person["title_suffix"]),
        activation_code=code,
    )


# --- As a file --------------------------------------------------------------------------

HEADINGS = ("Unit", "Nama", "NIP/NI PPPK (nama masuk)", "Kode aktivasi", "Berlaku sampai")


def rows_of(issued: IssuedInvitations) -> list[list[str]]:
    """What to print or merge into letters: a heading, then a row a person."""
    until = issued.expires_at.astimezone(JAKARTA).strftime("%d-%m-%Y %H:%M WIB")
    return [
        list(HEADINGS),
        *(
            [*map(defused, (i.unit_name or "", i.full_name)), i.login, i.activation_code, until]
            for i in issued.items
        ),
    ]


def workbook_of(issued: IssuedInvitations) -> bytes:
    """The rows as a workbook: of a CSV, Excel would round the 18 digits of a NIP."""
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"constant_memory": True}) as book:
        text_cell = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet("Undangan")
        sheet.set_column(0, len(HEADINGS) - 1, 32, text_cell)
        for number, row in enumerate(rows_of(issued)):
            for index, cell in enumerate(row):
                sheet.write_string(number, index, cell, text_cell)
    return output.getvalue()


# --- Administration ---------------------------------------------------------------------

FILTERS = {
    "activated": Invitation.activated_at.is_not(None),
    "not_activated": Invitation.activated_at.is_(None),
    "expired": Invitation.expires_at <= func.now(),
    "not_expired": Invitation.expires_at > func.now(),
    "after": tuple_(Invitation.login, Invitation.id)
    > tuple_(bindparam("after_login", type_=String()), bindparam("after_id", type_=Uuid())),
}
READABLE = tuple(getattr(Invitation, name) for name in InvitationRead.model_fields)


@lru_cache
def _page(filters: frozenset[str]) -> Select[Any]:
    statement = select(*READABLE).where(*(FILTERS[name] for name in filters))
    return statement.order_by(Invitation.login, Invitation.id).limit(bindparam("limit"))


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return select(func.count(Invitation.id)).where(*(FILTERS[name] for name in filters))


async def list_invitations(reader: Reader, query: InvitationQuery) -> InvitationPage:
    """One page by login. Errors: InvalidCursor."""
    asked = {"activated": query.activated, "expired": query.expired}
    filters = {n if wanted else f"not_{n}" for n, wanted in asked.items() if wanted is not None}
    total = await reader.value(_count(frozenset(filters))) if query.include_total else None
    after: dict[str, object] = {}
    if query.cursor:
        filters.add("after")
        login, invitation_id = decode_cursor(query.cursor, ORDER, (str, UUID))
        after = {"after_login": login, "after_id": invitation_id}
    rows = await reader.all(_page(frozenset(filters)), **after, limit=query.limit + 1)
    items = [InvitationRead(**row) for row in rows[: query.limit]]
    reader.reveals([item.employee_id for item in items])
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, (items[-1].login, items[-1].id)) if more else None
    return InvitationPage(items=items, next_cursor=cursor, total=total)


async def revoke(session: AsyncSession, invitation_id: UUID) -> None:
    """Take an invitation back: its code stops working. Errors: NotFound, AlreadyActivated."""
    found = await session.get(Invitation, invitation_id, with_for_update=True)
    if found is None:
        raise NotFound
    if found.activated_at is not None:
        raise AlreadyActivated
    await session.delete(found)
    await session.flush()


# --- Activating -------------------------------------------------------------------------

BY_CODE = select(Invitation.login).where(
    Invitation.code_digest == bindparam("digest", type_=LargeBinary()), *HELD
)
USE_UP = (
    update(Invitation)
    .where(Invitation.code_digest == bindparam("digest", type_=LargeBinary()), *HELD)
    .values(activated_at=func.now())
    .returning(Invitation.employee_id, Invitation.login, Invitation.display_name)
    .execution_options(synchronize_session=False)
)
OPEN_ACCOUNT = insert(cast(Table, Account.__table__)).inline()


async def activate(database: Database, caller: Caller, given: Activation) -> Activated:
    """Make the account that the code is for. Of two who send one code at once, one wins.

    Errors: InvalidActivationCode, Invalid for a bad password, LoginTaken, EmployeeHasAccount,
    TooManyRequests; the code still works after all but the first.
    """
    digest = code_digest(given.activation_code.get_secret_value())
    password = given.password.get_secret_value()
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        await throttle.take(session, caller, (ADDRESS, caller.network))
        login = await SessionReader(session).value(BY_CODE, digest=digest)
    async with security_events.recorded(database, caller.actor, None):
        if login is None:
            raise InvalidActivationCode
        check_new_password(password, login, "/password")
        password_hash = await hash_password(password)
        async with database.transaction(caller.actor, persona=SIGN_IN) as session:
            invited = await SessionReader(session).one(USE_UP, digest=digest)
            if invited is None:
                raise InvalidActivationCode
            account = {**invited, "role": Role.ASN, "password_hash": password_hash}
            await session.execute(OPEN_ACCOUNT, account)
            await throttle.give_back(session, caller)
    return Activated(login=invited["login"], display_name=invited["display_name"])
