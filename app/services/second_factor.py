"""The second factor: a TOTP code that works once, or a recovery code that works once."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import now
from app.errors import Bilingual, Forbidden, Unauthenticated
from app.models.accounts import Account, RecoveryCode
from app.one_time_codes import code_digest, matching_step, new_recovery_codes
from app.sealing import Sealer
from app.services import security_events
from app.services.security_events import Refusal
from app.services.throttle import Caller
from app.vocabulary import SecurityEvent

USE_RECOVERY_CODE = (
    update(RecoveryCode)
    .where(
        RecoveryCode.account_id == bindparam("account"),
        RecoveryCode.digest == bindparam("given"),
        RecoveryCode.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
    .returning(RecoveryCode.account_id)
)


class SecondFactorRequired(Unauthenticated):
    """The password is right; send it again with `totp_code` or `recovery_code`."""

    code = "second_factor_required"
    title = Bilingual("Masukkan kode TOTP atau kode pemulihan", "Enter a TOTP or recovery code")


class WrongSecondFactor(Refusal, Forbidden):
    """The code is wrong, too old, or was used before."""

    code = "wrong_second_factor"
    title = Bilingual(
        "Kode salah, kedaluwarsa, atau sudah dipakai", "The code is wrong, expired or already used"
    )
    event = SecurityEvent.SECOND_FACTOR_REFUSED


def sealed_totp(sealer: Sealer, account_id: Any, secret: str) -> bytes:
    """The TOTP secret as the account stores it."""
    return sealer.seal("totp", secret.encode(), context=account_id.bytes)


def step_of(sealer: Sealer, account: Mapping[str, Any], code: str) -> int:
    """The time step of a good code, to be stored. Errors: WrongSecondFactor."""
    if account["totp_secret_sealed"] is None:
        raise WrongSecondFactor
    secret = sealer.open("totp", account["totp_secret_sealed"], context=account["id"].bytes)
    step = matching_step(secret.decode(), code, time.time(), last_step=account["totp_last_step"])
    if step is None:
        raise WrongSecondFactor
    return step


async def check(
    session: AsyncSession,
    caller: Caller,
    account: Mapping[str, Any],
    totp_code: str | None,
    recovery_code: str | None,
) -> None:
    """Use up a code of the account, whose row is locked.

    Errors: WrongSecondFactor.
    """
    if totp_code is not None:
        step = step_of(caller.sealer, account, totp_code)
        await session.execute(
            update(Account).where(Account.id == account["id"]).values(totp_last_step=step)
        )
    else:
        await _use_recovery_code(session, account, recovery_code or "")
        event = SecurityEvent.RECOVERY_CODE_USED
        await security_events.record(session, caller.actor, event, account)


async def _use_recovery_code(session: AsyncSession, account: Mapping[str, Any], code: str) -> None:
    given = {"account": account["id"], "given": code_digest(code), "at": now()}
    if await session.scalar(USE_RECOVERY_CODE, given) is None:
        raise WrongSecondFactor


async def delete_recovery_codes(session: AsyncSession, account_id: Any) -> None:
    """None of them works any more."""
    await session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.account_id == account_id)
        .execution_options(synchronize_session=False)
    )


async def replace_recovery_codes(session: AsyncSession, account_id: Any) -> list[str]:
    """New recovery codes, shown once; the old ones no longer work."""
    await delete_recovery_codes(session, account_id)
    codes = new_recovery_codes()
    await session.execute(
        insert(RecoveryCode),
        [{"account_id": account_id, "digest": code_digest(code)} for code in codes],
    )
    return codes
