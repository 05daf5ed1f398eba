"""Signing in: by password and second factor, by refresh token, by client credentials.

The answer to an unknown login, a wrong password and a disabled account is the same and costs
the same. Passwords are hashed while no transaction is open.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accounts import next_steps
from app.access.actors import SIGN_IN
from app.calendar import now
from app.database import Database, SessionReader
from app.errors import BadRequest, Bilingual, Unauthenticated
from app.models.accounts import Account, RefreshToken, SignInSession
from app.passwords import hash_password, needs_rehash, verify_password
from app.schemas.sign_in import AccountSummary, ClientToken, Refresh, SignedIn, SignIn, TokenRequest
from app.services import second_factor, security_events, throttle
from app.services.second_factor import SecondFactorRequired
from app.services.security_events import Refusal
from app.services.signing_keys import Keyring
from app.services.throttle import ADDRESS, LOGIN, Caller
from app.tokens import (
    LEEWAY_SECONDS,
    AccessClaims,
    InvalidToken,
    new_refresh_token,
    refresh_digest,
)
from app.vocabulary import NextStep, Role, SecurityEvent

GRACE = timedelta(seconds=10)
"""How long a lost answer may be asked for again (design: immediate predecessor only, once)."""
LONGEST_USER_AGENT = 200

AccountRow = Mapping[str, Any]


class InvalidCredentials(Refusal, Unauthenticated):
    """Login or password is wrong, or the account is disabled; which of them is not told."""

    code = "invalid_credentials"
    title = Bilingual("Nama masuk atau kata sandi salah", "Wrong login or password")
    event = SecurityEvent.SIGN_IN_REFUSED


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is unknown, used, expired or revoked: sign in again."""

    code = "invalid_refresh_token"
    title = Bilingual("Sesi telah berakhir; silakan masuk lagi", "The session is over; sign in")


class InvalidClient(Refusal, Unauthenticated):
    """RFC 6749, section 5.2: client authentication failed."""

    code = "invalid_client"
    title = Bilingual("Klien tidak dikenal atau rahasianya salah", "Unknown client or wrong secret")
    event = SecurityEvent.SIGN_IN_REFUSED

    def __init__(self) -> None:
        super().__init__()
        self.members["error"] = self.code


class TokenRequestError(BadRequest):
    """RFC 6749, section 5.2: the request for a token is wrong; `error` repeats the code."""

    code = "invalid_request"
    title = Bilingual("Permintaan token tidak lengkap", "The token request is incomplete")

    def __init__(self) -> None:
        super().__init__(error=self.code)


class UnsupportedGrantType(TokenRequestError):
    """RFC 6749, section 5.2: only `client_credentials` is served."""

    code = "unsupported_grant_type"
    title = Bilingual("Jenis grant tidak didukung", "Unsupported grant type")


class InvalidScope(TokenRequestError):
    """RFC 6749, section 5.2: the client doesn't have this scope."""

    code = "invalid_scope"
    title = Bilingual("Klien tidak memiliki cakupan ini", "The client doesn't have this scope")


CREDENTIALS = (
    *(Account.id, Account.login, Account.display_name, Account.role, Account.employee_id),
    *(Account.subject_id, Account.scopes, Account.password_hash, Account.must_change_password),
    *(Account.token_version, Account.totp_secret_sealed, Account.totp_confirmed_at),
    *(Account.totp_last_step, Account.disabled_at),
)
BY_LOGIN = select(*CREDENTIALS).where(
    Account.login == bindparam("login"), Account.disabled_at.is_(None)
)
BY_ID = select(*CREDENTIALS).where(Account.id == bindparam("id"), Account.disabled_at.is_(None))
AS_PROVEN = BY_ID.where(Account.password_hash == bindparam("proven_hash")).with_for_update()
FAMILY = (
    select(SignInSession.id)
    .join(RefreshToken, RefreshToken.session_id == SignInSession.id)
    .where(RefreshToken.digest == bindparam("digest"))
    .with_for_update(of=SignInSession)
)
TOKEN = (
    select(
        RefreshToken.used_at,
        RefreshToken.graced_at,
        SignInSession.id.label("session_id"),
        SignInSession.account_id,
        SignInSession.revoked_at,
        SignInSession.expires_at,
    )
    .join(SignInSession, RefreshToken.session_id == SignInSession.id)
    .where(RefreshToken.digest == bindparam("digest"))
)
SUPERSEDE_UNUSED_SUCCESSOR = (
    update(RefreshToken)
    .where(RefreshToken.parent_digest == bindparam("parent"), RefreshToken.used_at.is_(None))
    .values(used_at=bindparam("at"))
    .returning(RefreshToken.digest)
)
ACT_AS = text(
    "SELECT set_config('app.account', :account, true), set_config('app.role', :role, true)"
)


# --- By password ------------------------------------------------------------------------


async def sign_in(database: Database, keyring: Keyring, caller: Caller, given: SignIn) -> SignedIn:
    """Open a session.

    Errors: InvalidCredentials, SecondFactorRequired, WrongSecondFactor, TooManyRequests.
    """
    account = await _knock(database, caller, given.login)
    if account is not None and account["role"] is Role.SERVICE:
        account = None
    password = given.password.get_secret_value()
    async with security_events.recorded(database, caller.actor, account):
        rehashed = await _prove(account, password)
        if account is None:
            raise InvalidCredentials
        if account["totp_confirmed_at"] and not (given.totp_code or given.recovery_code):
            async with database.transaction(caller.actor, persona=SIGN_IN) as session:
                await throttle.give_back(session, caller)
            raise SecondFactorRequired
        async with database.transaction(caller.actor, persona=SIGN_IN) as session:
            account = await as_proven(session, account)
            if account["totp_confirmed_at"]:
                await second_factor.check(
                    session, caller, account, given.totp_code, given.recovery_code
                )
            if rehashed:
                await _store_hash(session, account, rehashed)
            lifetime = timedelta(days=database.settings.refresh_token_days)
            session_id = await _open_session(session, caller, account, lifetime)
            refresh_token = await _issue_refresh_token(session, session_id, None)
    return await _answer(database, keyring, account, session_id, refresh_token)


async def _knock(database: Database, caller: Caller, login: str) -> AccountRow | None:
    """Count the attempt, durably, and find the account."""
    login = login.lower()
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        await throttle.take(session, caller, (ADDRESS, caller.network), (LOGIN, login))
        return await SessionReader(session).one(BY_LOGIN, login=login)


async def _prove(account: AccountRow | None, password: str) -> str | None:
    """Check the password; a new hash where the old one's parameters are out of date.

    Errors: InvalidCredentials, after the same time for everybody.
    """
    stored = account["password_hash"] if account else None
    if not await verify_password(password, stored):
        raise InvalidCredentials
    return await hash_password(password) if stored and needs_rehash(stored) else None


async def as_proven(session: AsyncSession, account: AccountRow) -> AccountRow:
    """The account's row, locked, as long as the password that was proven is still its own.

    Errors: InvalidCredentials.
    """
    locked = await SessionReader(session).one(
        AS_PROVEN, id=account["id"], proven_hash=account["password_hash"]
    )
    if locked is None:
        raise InvalidCredentials
    return locked


async def _store_hash(session: AsyncSession, account: AccountRow, password_hash: str) -> None:
    changed = update(Account).where(Account.id == account["id"])
    await session.execute(changed.values(password_hash=password_hash))


async def _open_session(
    session: AsyncSession, caller: Caller, account: AccountRow, lifetime: timedelta
) -> UUID:
    """The attempt was good: it doesn't count, and from here on the account acts."""
    await throttle.give_back(session, caller)
    await _act_as(session, account)
    user_agent = "".join(c for c in caller.user_agent or "" if c.isprintable())
    values = {
        "account_id": account["id"],
        "user_agent": user_agent[:LONGEST_USER_AGENT] or None,
        "expires_at": now() + lifetime,
    }
    opened = insert(SignInSession).values(**values).returning(SignInSession.id)
    return (await session.execute(opened)).scalar_one()


async def _act_as(session: AsyncSession, account: AccountRow) -> None:
    """Let the audit log name the account as the actor of what follows."""
    values = {"account": str(account["id"]), "role": account["role"].value}
    await session.execute(ACT_AS, values)


async def _issue_refresh_token(
    session: AsyncSession, session_id: UUID, parent_digest: bytes | None
) -> str:
    token, digest = new_refresh_token()
    session.add(RefreshToken(digest=digest, session_id=session_id, parent_digest=parent_digest))
    await session.flush()
    return token


# --- By refresh token -------------------------------------------------------------------


async def refresh(database: Database, keyring: Keyring, caller: Caller, given: Refresh) -> SignedIn:
    """Exchange a refresh token for the next pair; using one twice ends its whole family.

    An answer may get lost on its way: for ten seconds the token just exchanged, and no
    earlier one, gets one more pair, and the pair that was lost no longer works.
    Errors: InvalidRefreshToken.
    """
    try:
        digest = refresh_digest(given.refresh_token.get_secret_value())
    except InvalidToken:
        raise InvalidRefreshToken from None
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        exchanged = await _exchange(session, caller, digest)
    if exchanged is None:  # raised here, since what the reuse of a token ended stays ended
        raise InvalidRefreshToken
    return await _answer(database, keyring, *exchanged)


async def _exchange(
    session: AsyncSession, caller: Caller, digest: bytes
) -> tuple[AccountRow, UUID, str] | None:
    reader = SessionReader(session)
    if await reader.value(FAMILY, digest=digest) is None:
        return None
    token = await reader.one(TOKEN, digest=digest)  # as it is now that the family is locked
    if token is None or token["revoked_at"] is not None or token["expires_at"] <= now():
        return None
    account = await reader.one(BY_ID, id=token["account_id"])
    if account is None:
        return None
    await _act_as(session, account)
    if token["used_at"] is None:
        used: dict[str, Any] = {"used_at": now()}
    elif await _is_in_grace(session, token, digest):
        used = {"graced_at": now()}
    else:
        await _end_family(session, caller, account, token["session_id"])
        return None
    await session.execute(update(RefreshToken).where(RefreshToken.digest == digest).values(**used))
    await _touch(session, token["session_id"])
    successor = await _issue_refresh_token(session, token["session_id"], digest)
    return account, token["session_id"], successor


async def _is_in_grace(session: AsyncSession, token: Mapping[str, Any], digest: bytes) -> bool:
    """Whether its successor may have been lost; if so, the successor is used up."""
    if token["graced_at"] is not None or now() - token["used_at"] > GRACE:
        return False
    lost = await session.scalar(SUPERSEDE_UNUSED_SUCCESSOR, {"parent": digest, "at": now()})
    return lost is not None


async def _end_family(
    session: AsyncSession, caller: Caller, account: AccountRow, session_id: UUID
) -> None:
    await session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id)
        .values(revoked_at=now(), revoked_because=SecurityEvent.REFRESH_TOKEN_REUSED)
    )
    event = SecurityEvent.REFRESH_TOKEN_REUSED
    await security_events.record(session, caller.actor, event, account)


async def _touch(session: AsyncSession, session_id: UUID) -> None:
    seen = update(SignInSession).where(SignInSession.id == session_id)
    await session.execute(seen.values(last_used_at=now()))


# --- By client credentials --------------------------------------------------------------


async def client_token(
    database: Database, keyring: Keyring, caller: Caller, asked: TokenRequest
) -> ClientToken:
    """An access token for a service client (RFC 6749, section 4.4); no refresh token.

    Errors: TokenRequestError, UnsupportedGrantType, InvalidScope, InvalidClient,
    TooManyRequests.
    """
    if not (asked.grant_type and asked.client_id and asked.client_secret):
        raise TokenRequestError
    if asked.grant_type != "client_credentials":
        raise UnsupportedGrantType
    account = await _knock(database, caller, asked.client_id)
    if account is not None and account["role"] is not Role.SERVICE:
        account = None
    async with security_events.recorded(database, caller.actor, account):
        try:
            await _prove(account, asked.client_secret.get_secret_value())
            claims = await _open_client_session(database, caller, account, asked.scope)
        except InvalidCredentials:
            raise InvalidClient from None
    return ClientToken(
        access_token=await keyring.issue(claims),
        expires_in=database.settings.access_token_seconds,
        scope=" ".join(sorted(claims.scopes)),
    )


async def _open_client_session(
    database: Database, caller: Caller, account: AccountRow | None, scope: str | None
) -> AccessClaims:
    """A session that lasts as long as its one token."""
    if account is None:
        raise InvalidCredentials
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        account = await as_proven(session, account)
        scopes = _narrowed(account["scopes"], scope)
        seconds = database.settings.access_token_seconds + LEEWAY_SECONDS
        session_id = await _open_session(session, caller, account, timedelta(seconds=seconds))
    return _claims(database, account, session_id, scopes)


def _narrowed(granted: list[str], asked: str | None) -> set[str]:
    """The scopes of the token. Errors: InvalidScope for one that wasn't granted."""
    wanted = set((asked or "").split())
    if not wanted <= set(granted):
        raise InvalidScope
    return wanted or set(granted)


# --- The answer -------------------------------------------------------------------------


async def _answer(
    database: Database,
    keyring: Keyring,
    account: AccountRow,
    session_id: UUID,
    refresh_token: str,
) -> SignedIn:
    """Signed after the transaction: the keys may have to be read first."""
    return SignedIn(
        access_token=await keyring.issue(_claims(database, account, session_id)),
        expires_in=database.settings.access_token_seconds,
        refresh_token=refresh_token,
        account=AccountSummary.model_validate({f: account[f] for f in AccountSummary.model_fields}),
        next_steps=steps_of(database, account),
    )


def _claims(
    database: Database, account: AccountRow, session_id: UUID, scopes: Iterable[str] = ()
) -> AccessClaims:
    return AccessClaims(
        account_id=account["id"],
        role=account["role"],
        token_version=account["token_version"],
        session_id=session_id,
        employee_id=account["employee_id"],
        scopes=frozenset(scopes),
        expires_at=int(time.time()) + database.settings.access_token_seconds,
        next_step=next(iter(steps_of(database, account)), None),
    )


def steps_of(database: Database, account: AccountRow) -> list[NextStep]:
    """What this account has to do before anything else."""
    return next_steps(
        account["role"],
        must_change_password=account["must_change_password"],
        has_totp=account["totp_confirmed_at"] is not None,
        require_totp=database.settings.require_totp,
    )
