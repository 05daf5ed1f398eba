"""Accounts: one's own, and their administration by hr_admin."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, Uuid, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accounts import can_administer, next_steps
from app.access.actors import Actor
from app.calendar import now
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Forbidden, Invalid, NotFound, StaleVersion
from app.models.accounts import Account
from app.pagination import decode_cursor, encode_cursor
from app.schemas.accounts import (
    AccountCreate,
    AccountPage,
    AccountQuery,
    AccountRead,
    AccountSecret,
    AccountUpdate,
    Me,
    MeUpdate,
)
from app.services import second_factor, sessions
from app.services.credentials import Secret
from app.vocabulary import Role

ORDER = "accounts:login"
NAMES = frozenset({"display_name", "email"})
NULLABLE = frozenset({"email", "employee_id"})
LAST_ADMINISTRATOR_LOCK = 0x6164_6D69
"""Two administrators who disable each other leave one of them in office."""


class LoginTaken(Conflict):
    """Another account has this login."""

    code = "login_taken"
    title = Bilingual("Nama masuk ini sudah dipakai", "This login is taken")
    constraints = ("uq_accounts_login",)


class EmployeeHasAccount(Conflict):
    """An employee has one account of their own at most, disabled or not."""

    code = "employee_has_account"
    title = Bilingual("Pegawai ini sudah memiliki akun", "This employee already has an account")
    constraints = ("uq_accounts_asn",)


class UnknownEmployee(Invalid):
    """No employee has this id."""

    code = "unknown_employee"
    title = Bilingual("Pegawai tidak ditemukan", "No such employee")
    constraints = ("fk_accounts_employee_id",)


class OwnAccount(Forbidden):
    """Separation of duties: nobody administers their own account."""

    code = "own_account"
    title = Bilingual(
        "Akun sendiri hanya dapat diubah oleh admin lain",
        "Only another administrator can change your own account",
    )


class LastAdministrator(Conflict):
    """Somebody must remain who can administer accounts."""

    code = "last_administrator"
    title = Bilingual(
        "Admin terakhir yang aktif tidak dapat dinonaktifkan",
        "The last active administrator can't be taken away",
    )


class ConsentWithdrawn(Conflict):
    """A citizen's account without consent stays closed (UU PDP 27/2022)."""

    code = "consent_withdrawn"
    title = Bilingual(
        "Pemilik akun telah menarik persetujuannya", "The account's owner withdrew their consent"
    )


# --- Rules ------------------------------------------------------------------------------


def _check_role(role: Role, employee_id: UUID | None, scopes: list[Any]) -> None:
    """Errors: Invalid, where employee or scopes don't go with the role."""
    errors = []
    if role is Role.ASN and employee_id is None:
        detail = Bilingual("Wajib untuk peran asn.", "Required for the role asn.")
        errors.append(FieldError("/employee_id", "missing", detail))
    if role in (Role.SERVICE, Role.PUBLIC) and employee_id is not None:
        detail = Bilingual("Peran ini bukan milik pegawai.", "This role is no employee's.")
        errors.append(FieldError("/employee_id", "not_an_employee", detail))
    if (role is Role.SERVICE) != bool(scopes):
        detail = Bilingual(
            "Wajib untuk klien layanan, dan hanya untuknya.",
            "Required for a service client, and for it only.",
        )
        errors.append(FieldError("/scopes", "scopes_of_service", detail))
    if errors:
        raise Invalid(errors=errors)


# --- Reading ----------------------------------------------------------------------------

READABLE = (
    *(Account.id, Account.login, Account.display_name, Account.email, Account.role),
    *(Account.employee_id, Account.scopes, Account.must_change_password),
    Account.totp_confirmed_at.is_not(None).label("has_totp"),
    *(Account.disabled_at, Account.consented_at, Account.created_at, Account.updated_at),
    Account.version,
)
BY_ID = select(*READABLE).where(Account.id == bindparam("id", type_=Uuid()))
FILTERS = {
    "role": Account.role == bindparam("role", type_=String()),
    "employee_id": Account.employee_id == bindparam("employee_id", type_=Uuid()),
    "enabled": Account.disabled_at.is_(None),
    "disabled": Account.disabled_at.is_not(None),
    "q": or_(
        Account.login.ilike(bindparam("q", type_=String())),
        Account.display_name.ilike(bindparam("q", type_=String())),
    ),
    "after": Account.login > bindparam("after", type_=String()),
}


@lru_cache
def _page(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    statement = select(*READABLE).where(*(FILTERS[name] for name in filters))
    return statement.order_by(Account.login).limit(bindparam("limit"))


@lru_cache
def _count(filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    return select(func.count(Account.id)).where(*(FILTERS[name] for name in filters))


def _pattern(part: str) -> str:
    for special in ("\\", "%", "_"):
        part = part.replace(special, f"\\{special}")
    return f"%{part}%"


def _wanted(query: AccountQuery) -> dict[str, object]:
    """The filters' values by name."""
    wanted: dict[str, object] = {"role": query.role, "employee_id": query.employee_id}
    wanted["q"] = _pattern(query.q) if query.q else None
    if query.disabled is not None:
        wanted["disabled" if query.disabled else "enabled"] = True
    return {name: value for name, value in wanted.items() if value is not None}


async def list_accounts(reader: Reader, actor: Actor, query: AccountQuery) -> AccountPage:
    """One page by login. Errors: InvalidCursor."""
    wanted = _wanted(query)
    total = await reader.value(_count(frozenset(wanted)), **wanted) if query.include_total else None
    if query.cursor:
        (wanted["after"],) = decode_cursor(query.cursor, ORDER, (str,))
    rows = await reader.all(_page(frozenset(wanted)), **wanted, limit=query.limit + 1)
    items = [AccountRead(**row) for row in rows[: query.limit]]
    _reveal(reader, actor, items)
    more = len(rows) > query.limit
    cursor = encode_cursor(ORDER, (items[-1].login,)) if more else None
    return AccountPage(items=items, next_cursor=cursor, total=total)


def _reveal(reader: Reader, actor: Actor, accounts: list[AccountRead]) -> None:
    """A person's account is personal data; a script's is not."""
    reader.reveals(
        [
            account.employee_id or account.id
            for account in accounts
            if account.id != actor.account_id and account.role is not Role.SERVICE
        ]
    )


async def read_account(reader: Reader, actor: Actor, account_id: UUID) -> AccountRead:
    """One account. Errors: NotFound."""
    row = await reader.one(BY_ID, id=account_id)
    if row is None:
        raise NotFound
    account = AccountRead(**row)
    _reveal(reader, actor, [account])
    return account


async def read_me(reader: Reader, actor: Actor, *, require_totp: bool) -> Me:
    """One's own account."""
    assert actor.account_id is not None
    account = await read_account(reader, actor, actor.account_id)
    steps = next_steps(
        account.role,
        must_change_password=account.must_change_password,
        has_totp=account.has_totp,
        require_totp=require_totp,
    )
    return Me(**account.model_dump(), next_steps=steps)


# --- Changing ---------------------------------------------------------------------------


async def _locked(session: AsyncSession, account_id: UUID | None) -> Account:
    account = await session.scalar(
        select(Account).where(Account.id == account_id).with_for_update()
    )
    if account is None:
        raise NotFound
    return account


async def _administered(session: AsyncSession, actor: Actor, account_id: UUID) -> Account:
    """Somebody else's account, locked. Errors: NotFound, OwnAccount."""
    account = await _locked(session, account_id)
    if not can_administer(actor, account_id):
        raise OwnAccount
    return account


async def update_me(
    session: AsyncSession, actor: Actor, change: MeUpdate, expected: int, *, require_totp: bool
) -> Me:
    """Change one's own name or e-mail address. Errors: StaleVersion."""
    account = await _locked(session, actor.account_id)
    if account.version != expected:
        raise StaleVersion
    _apply(account, _given(change))
    await session.flush()
    return await read_me(SessionReader(session), actor, require_totp=require_totp)


async def create_account(
    session: AsyncSession, actor: Actor, new: AccountCreate, secret: Secret
) -> AccountSecret:
    """An account for an employee, an officer or a script; `secret` is to be handed over.

    Errors: LoginTaken, EmployeeHasAccount, UnknownEmployee, Invalid.
    """
    _check_role(new.role, new.employee_id, new.scopes)
    account = Account(
        **new.model_dump(),
        password_hash=secret.hashed,
        must_change_password=new.role is not Role.SERVICE,
    )
    session.add(account)
    await session.flush()
    return await _with_secret(session, actor, account.id, secret)


async def _with_secret(
    session: AsyncSession, actor: Actor, account_id: UUID, secret: Secret
) -> AccountSecret:
    account = await read_account(SessionReader(session), actor, account_id)
    return AccountSecret(**account.model_dump(), secret=secret.plain)


async def update_account(
    session: AsyncSession, actor: Actor, account_id: UUID, change: AccountUpdate, expected: int
) -> AccountRead:
    """Change, disable or enable an account. A change of what it may do ends its access tokens.

    Errors: NotFound, StaleVersion, OwnAccount, LastAdministrator, ConsentWithdrawn,
    EmployeeHasAccount, Invalid.
    """
    account = await _locked(session, account_id)
    if account.version != expected:
        raise StaleVersion
    changes = _given(change)
    if changes.keys() - NAMES and not can_administer(actor, account_id):
        raise OwnAccount
    disabled: bool | None = changes.pop("disabled", None)
    _check_change(account, changes)
    if account.role is Role.HR_ADMIN and (
        disabled or changes.get("role", account.role) != account.role
    ):
        await _require_another_administrator(session, account_id)
    if changes.keys() - NAMES:
        account.token_version += 1
    _apply(account, changes)
    account.updated_at = now()  # what changes nothing still shows the account: an event
    if disabled is not None:
        await _set_disabled(session, account, disabled=disabled)
    await session.flush()
    return await read_account(SessionReader(session), actor, account_id)


def _given(change: AccountUpdate | MeUpdate) -> dict[str, Any]:
    """The fields that were sent; null empties what may be empty, else leaves it as it is."""
    sent = change.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in NULLABLE}


def _apply(account: Account, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(account, name, value)


def _check_change(account: Account, changes: Mapping[str, Any]) -> None:
    """Errors: Invalid. A citizen stays a citizen, a script a script."""
    role = changes.get("role", account.role)
    if role != account.role and account.role in (Role.PUBLIC, Role.SERVICE):
        detail = Bilingual("Peran akun ini tetap.", "This account's role is fixed.")
        raise Invalid(errors=[FieldError("/role", "role_fixed", detail)])
    _check_role(
        role,
        changes.get("employee_id", account.employee_id),
        changes.get("scopes", account.scopes),
    )


async def _require_another_administrator(session: AsyncSession, account_id: UUID) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(LAST_ADMINISTRATOR_LOCK)))
    another = select(Account.id).where(
        Account.role == Role.HR_ADMIN, Account.disabled_at.is_(None), Account.id != account_id
    )
    if await session.scalar(another.limit(1)) is None:
        raise LastAdministrator


async def _set_disabled(session: AsyncSession, account: Account, *, disabled: bool) -> None:
    if disabled and account.disabled_at is None:
        account.disabled_at = now()
        await _end_access(session, account, "account_disabled")
    elif not disabled and account.disabled_at is not None:
        if account.role is Role.PUBLIC and account.consented_at is None:
            raise ConsentWithdrawn
        account.disabled_at = None


async def _end_access(session: AsyncSession, account: Account, because: str) -> None:
    """Every access and refresh token of the account stops working at once."""
    account.token_version += 1
    await sessions.end_all(session, account.id, because)


async def reset_password(
    session: AsyncSession, actor: Actor, account_id: UUID, secret: Secret
) -> AccountSecret:
    """Give a new password, to be changed by its owner, or a new client secret; ends all sessions.

    Errors: NotFound, OwnAccount.
    """
    account = await _administered(session, actor, account_id)
    account.password_hash = secret.hashed
    account.must_change_password = account.role is not Role.SERVICE
    await _end_access(session, account, "password_reset")
    await session.flush()
    return await _with_secret(session, actor, account_id, secret)


async def reset_totp(session: AsyncSession, actor: Actor, account_id: UUID) -> AccountRead:
    """Take away a second factor that is lost; ends all sessions. Errors: NotFound, OwnAccount."""
    account = await _administered(session, actor, account_id)
    await second_factor.delete_recovery_codes(session, account_id)
    account.totp_secret_sealed = account.totp_confirmed_at = account.totp_last_step = None
    await _end_access(session, account, "totp_reset")
    await session.flush()
    return await read_account(SessionReader(session), actor, account_id)
