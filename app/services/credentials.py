"""Secrets of an account: made, chosen, changed by their owner, and proven before a change.

Whoever sits down at somebody's open browser must not be able to take the account over: a
change of credentials needs the password once more, and such proofs are throttled too. They
run as the sign-in persona, the only one that may read a secret, in transactions of their own:
a password is hashed while none is open.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accounts import MUST_HAVE_TOTP
from app.access.actors import SIGN_IN, Actor
from app.calendar import now
from app.database import Database, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Forbidden, Invalid
from app.models.accounts import Account
from app.one_time_codes import new_totp_secret, provisioning_uri
from app.passwords import (
    PasswordProblem,
    generate_password,
    hash_password,
    password_problem,
    verify_password,
)
from app.schemas.accounts import (
    FullProof,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    Registration,
    TotpConfirmation,
    TotpEnrolment,
)
from app.services import second_factor, security_events, sessions, sign_in, throttle
from app.services.security_events import Refusal
from app.services.throttle import PROOF, REGISTRATION, Caller
from app.vocabulary import Role, SecurityEvent

ISSUER = "Kemuning"
AccountRow = Mapping[str, Any]


class WrongPassword(Refusal, Forbidden):
    """The password that was to prove a change is wrong."""

    code = "wrong_password"
    title = Bilingual("Kata sandi salah", "Wrong password")
    event = SecurityEvent.PROOF_REFUSED


class TotpAlreadyEnrolled(Conflict):
    """TOTP is on: take it off first, to set up another device."""

    code = "totp_already_enrolled"
    title = Bilingual("TOTP sudah aktif", "TOTP is already on")


class TotpNotEnrolled(Conflict):
    """There is no TOTP, or its enrolment hasn't begun."""

    code = "totp_not_enrolled"
    title = Bilingual("TOTP belum diatur", "TOTP is not set up")


class TotpMandatory(Forbidden):
    """This role must have TOTP."""

    code = "totp_mandatory"
    title = Bilingual("Peran ini wajib memakai TOTP", "This role must have TOTP")


# --- New passwords ----------------------------------------------------------------------

PASSWORD_PROBLEMS: Mapping[PasswordProblem, Bilingual] = {
    "too_short": Bilingual("Paling sedikit 12 karakter.", "At least 12 characters."),
    "too_long": Bilingual("Paling banyak 128 karakter.", "At most 128 characters."),
    "contains_login": Bilingual("Memuat nama masuk.", "Contains the login."),
    "common": Bilingual("Terlalu mudah ditebak.", "Too easy to guess."),
}

UNCHANGED = Bilingual("Sama dengan yang lama.", "The same as the old one.")


def check_new_password(password: str, login: str, pointer: str) -> None:
    """Errors: Invalid, by the field that `pointer` names."""
    found = password_problem(password, login=login)
    if found is not None:
        error = FieldError(pointer, f"password_{found}", PASSWORD_PROBLEMS[found])
        raise Invalid(errors=[error])


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or client secret, to be shown once, and the hash to be stored."""

    plain: str = field(repr=False)
    hashed: str = field(repr=False)

    @classmethod
    async def random(cls) -> "Secret":
        """A random one."""
        plain = generate_password()
        return cls(plain, await hash_password(plain))


# --- Registration -----------------------------------------------------------------------

REGISTER = insert(cast(Table, Account.__table__)).on_conflict_do_nothing().inline()


async def register(database: Database, caller: Caller, new: Registration) -> None:
    """Make a citizen's account, unless the login is taken; the answer doesn't tell.

    A stranger can't learn which logins exist, short of making an account for each that
    doesn't. Somebody whose choice was taken finds that they can't sign in, and chooses another.
    Errors: Invalid for a bad password, TooManyRequests.
    """
    password = new.password.get_secret_value()
    check_new_password(password, new.login, "/password")
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        await throttle.take(session, caller, (REGISTRATION, caller.network))
    values = {
        "login": new.login,
        "display_name": new.display_name,
        "email": new.email,
        "role": Role.PUBLIC,
        "password_hash": await hash_password(password),
        "consented_at": now(),
    }
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        await session.execute(REGISTER, values)


# --- Proofs -----------------------------------------------------------------------------


async def _knock(session: AsyncSession, caller: Caller) -> AccountRow:
    """Count the attempt, and read what it has to match."""
    account = await _own(session, caller.actor)
    await throttle.take(session, caller, (PROOF, str(account["id"])))
    return account


async def _own(session: AsyncSession, actor: Actor) -> AccountRow:
    account = await SessionReader(session).one(sign_in.BY_ID, id=actor.account_id)
    assert account is not None  # the transaction began by checking it
    return account


@asynccontextmanager
async def _proven(
    database: Database, caller: Caller, password: str
) -> AsyncIterator[tuple[AsyncSession, AccountRow]]:
    """A transaction on one's own account, locked, after its password was proven.

    Errors: WrongPassword, TooManyRequests.
    """
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        account = await _knock(session, caller)
    async with _changing(database, caller, account, password) as change:
        yield change


@asynccontextmanager
async def _changing(
    database: Database, caller: Caller, account: AccountRow, password: str
) -> AsyncIterator[tuple[AsyncSession, AccountRow]]:
    async with security_events.recorded(database, caller.actor, account):
        if not await verify_password(password, account["password_hash"]):
            raise WrongPassword
        async with database.transaction(caller.actor, persona=SIGN_IN) as session:
            locked = await sign_in.as_proven(session, account)
            await throttle.give_back(session, caller)
            yield session, locked


async def _store(session: AsyncSession, account: AccountRow, **values: object) -> None:
    await session.execute(
        update(Account)
        .where(Account.id == account["id"])
        .values(version=Account.version + 1, updated_at=func.now(), **values)
        .execution_options(synchronize_session=False)
    )


# --- Password ---------------------------------------------------------------------------


async def change_password(database: Database, caller: Caller, given: PasswordChange) -> None:
    """Choose a new password. Every other session ends, and every access token: refresh next.

    Errors: WrongPassword, Invalid, TooManyRequests.
    """
    current, new = given.current_password.get_secret_value(), given.new_password.get_secret_value()
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        account = await _own(session, caller.actor)
        check_new_password(new, account["login"], "/new_password")
        if new == current:
            raise Invalid(errors=[FieldError("/new_password", "password_unchanged", UNCHANGED)])
        await _knock(session, caller)
    hashed = await hash_password(new)
    async with _changing(database, caller, account, current) as (session, account):
        await _store(
            session,
            account,
            password_hash=hashed,
            must_change_password=False,
            token_version=Account.token_version + 1,
        )
        keep = caller.actor.session_id
        await sessions.end_all(session, account["id"], "password_changed", keep=keep)


# --- TOTP -------------------------------------------------------------------------------


async def start_totp(database: Database, caller: Caller, proof: PasswordProof) -> TotpEnrolment:
    """Begin to enrol TOTP; starting again gives a new secret.

    Errors: WrongPassword, TotpAlreadyEnrolled, TooManyRequests.
    """
    async with _proven(database, caller, proof.password.get_secret_value()) as (session, account):
        if account["totp_confirmed_at"] is not None:
            raise TotpAlreadyEnrolled
        secret = new_totp_secret()
        sealed = second_factor.sealed_totp(caller.sealer, account["id"], secret)
        await _store(session, account, totp_secret_sealed=sealed, totp_last_step=None)
    uri = provisioning_uri(secret, account["login"], ISSUER)
    return TotpEnrolment(secret=secret, provisioning_uri=uri)


async def confirm_totp(
    database: Database, caller: Caller, given: TotpConfirmation
) -> RecoveryCodes:
    """Finish to enrol TOTP by a first code.

    Errors: WrongSecondFactor, TotpAlreadyEnrolled, TotpNotEnrolled, TooManyRequests.
    """
    async with database.transaction(caller.actor, persona=SIGN_IN) as session:
        account = await _knock(session, caller)
    async with (
        security_events.recorded(database, caller.actor, account),
        database.transaction(caller.actor, persona=SIGN_IN) as session,
    ):
        account = await sign_in.as_proven(session, account)
        if account["totp_confirmed_at"] is not None:
            raise TotpAlreadyEnrolled
        if account["totp_secret_sealed"] is None:
            raise TotpNotEnrolled
        step = second_factor.step_of(caller.sealer, account, given.totp_code)
        await _store(session, account, totp_confirmed_at=now(), totp_last_step=step)
        await throttle.give_back(session, caller)
        codes = await second_factor.replace_recovery_codes(session, account["id"])
    return RecoveryCodes(recovery_codes=codes)


@asynccontextmanager
async def _proven_fully(
    database: Database, caller: Caller, proof: FullProof
) -> AsyncIterator[tuple[AsyncSession, AccountRow]]:
    """As `_proven`, by a code too. Errors: TotpNotEnrolled, WrongSecondFactor beside."""
    async with _proven(database, caller, proof.password.get_secret_value()) as (session, account):
        if account["totp_confirmed_at"] is None:
            raise TotpNotEnrolled
        await second_factor.check(session, caller, account, proof.totp_code, proof.recovery_code)
        yield session, account


async def remove_totp(database: Database, caller: Caller, proof: FullProof) -> None:
    """Take TOTP off. Errors: TotpMandatory and those of `_proven_fully`."""
    if database.settings.require_totp and caller.actor.role in MUST_HAVE_TOTP:
        raise TotpMandatory
    async with _proven_fully(database, caller, proof) as (session, account):
        await _store(
            session, account, totp_secret_sealed=None, totp_confirmed_at=None, totp_last_step=None
        )
        await second_factor.delete_recovery_codes(session, account["id"])


async def renew_recovery_codes(
    database: Database, caller: Caller, proof: FullProof
) -> RecoveryCodes:
    """Ten new recovery codes; the old ones no longer work. Errors: those of `_proven_fully`."""
    async with _proven_fully(database, caller, proof) as (session, account):
        await _store(session, account)  # so that the audit log hears of it
        codes = await second_factor.replace_recovery_codes(session, account["id"])
    return RecoveryCodes(recovery_codes=codes)


# --- Consent ----------------------------------------------------------------------------

ERASE = select(func.app.erase_my_account())


async def withdraw_consent(database: Database, caller: Caller, proof: PasswordProof) -> None:
    """Empty and close a citizen's account, and the audit log's details about it.

    UU PDP 27/2022 arts 8, 9 and 43: withdrawal ends the processing and erases the data; the
    events stay, with commitments to what is gone. Errors: WrongPassword, TooManyRequests.
    """
    async with _proven(database, caller, proof.password.get_secret_value()) as (session, _):
        await session.execute(ERASE)
