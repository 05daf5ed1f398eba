"""One's own account and its credentials."""

from fastapi import Response, status

from app.dependencies import (
    CurrentActor,
    CurrentCaller,
    CurrentRuntime,
    ExpectedVersion,
    ReadSession,
    Router,
    Session,
    etag,
)
from app.errors import IfMatchRequired, Invalid, StaleVersion, TooManyRequests, problems
from app.schemas.accounts import (
    FullProof,
    Me,
    MeUpdate,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    TotpConfirmation,
    TotpEnrolment,
)
from app.services import accounts, credentials
from app.services.credentials import (
    TotpAlreadyEnrolled,
    TotpMandatory,
    TotpNotEnrolled,
    WrongPassword,
)
from app.services.second_factor import WrongSecondFactor

router = Router("/me", tag="me")


@router.get("")
async def get_me(
    reader: ReadSession, actor: CurrentActor, runtime: CurrentRuntime, response: Response
) -> Me:
    """One's own account.

    With the steps that have to be taken before anything else.
    """
    require_totp = runtime.settings.require_totp
    me = await accounts.read_me(reader, actor, require_totp=require_totp)
    response.headers["ETag"] = etag(me.version)
    return me


@router.patch("", responses=problems(IfMatchRequired, StaleVersion))
async def update_me(
    change: MeUpdate,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    runtime: CurrentRuntime,
    response: Response,
) -> Me:
    """Change one's own name or e-mail address.

    Of the account; what the civil service records of an employee is corrected by request.
    """
    require_totp = runtime.settings.require_totp
    me = await accounts.update_me(session, actor, change, expected, require_totp=require_totp)
    response.headers["ETag"] = etag(me.version)
    return me


@router.post(
    "/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(WrongPassword, Invalid, TooManyRequests),
)
async def change_password(
    given: PasswordChange, runtime: CurrentRuntime, caller: CurrentCaller
) -> None:
    """Choose a new password.

    Ends every other session, and every access token, this one too: refresh next.
    """
    await credentials.change_password(runtime.database, caller, given)


@router.post("/totp", responses=problems(WrongPassword, TotpAlreadyEnrolled, TooManyRequests))
async def start_totp(
    proof: PasswordProof, runtime: CurrentRuntime, caller: CurrentCaller
) -> TotpEnrolment:
    """Begin to enrol TOTP.

    The secret is shown this once. Confirm it with a code; until then it does nothing.
    """
    return await credentials.start_totp(runtime.database, caller, proof)


@router.post(
    "/totp/confirm",
    responses=problems(WrongSecondFactor, TotpAlreadyEnrolled, TotpNotEnrolled, TooManyRequests),
)
async def confirm_totp(
    given: TotpConfirmation, runtime: CurrentRuntime, caller: CurrentCaller
) -> RecoveryCodes:
    """Finish to enrol TOTP.

    Signing in needs a code from now on. The recovery codes are shown this once. Refresh next,
    where TOTP was what kept everything else closed.
    """
    return await credentials.confirm_totp(runtime.database, caller, given)


@router.post(
    "/totp/remove",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        WrongPassword, WrongSecondFactor, TotpNotEnrolled, TotpMandatory, TooManyRequests
    ),
)
async def remove_totp(proof: FullProof, runtime: CurrentRuntime, caller: CurrentCaller) -> None:
    """Take TOTP off.

    Needs the password and a code. Not for hr_admin and auditor, where they must have it.
    """
    await credentials.remove_totp(runtime.database, caller, proof)


@router.post(
    "/recovery-codes",
    responses=problems(WrongPassword, WrongSecondFactor, TotpNotEnrolled, TooManyRequests),
)
async def renew_recovery_codes(
    proof: FullProof, runtime: CurrentRuntime, caller: CurrentCaller
) -> RecoveryCodes:
    """Ten new recovery codes.

    Shown this once; the old ones no longer work. Needs the password and a code.
    """
    return await credentials.renew_recovery_codes(runtime.database, caller, proof)


@router.post(
    "/consent/withdraw",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(WrongPassword, TooManyRequests),
)
async def withdraw_consent(
    proof: PasswordProof, runtime: CurrentRuntime, caller: CurrentCaller
) -> None:
    """Withdraw consent and have one's data erased.

    For citizens (UU PDP 27/2022). The account is closed, its login, name, e-mail address and
    secrets are erased at once, and what the audit log kept of their former values too. This
    can't be undone.
    """
    await credentials.withdraw_consent(runtime.database, caller, proof)
