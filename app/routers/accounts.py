"""Who can sign in: registration, and administration by hr_admin."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    CurrentCaller,
    CurrentRuntime,
    ExpectedVersion,
    FreshSecret,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
)
from app.errors import (
    IfMatchRequired,
    Invalid,
    InvalidCursor,
    NotFound,
    StaleVersion,
    TooManyRequests,
    problems,
)
from app.schemas.accounts import (
    AccountCreate,
    AccountPage,
    AccountQuery,
    AccountRead,
    AccountSecret,
    AccountUpdate,
    Registration,
    RegistrationReceived,
)
from app.services import accounts, credentials
from app.services.accounts import (
    ConsentWithdrawn,
    EmployeeHasAccount,
    LastAdministrator,
    LoginTaken,
    OwnAccount,
    UnknownEmployee,
)

router = Router("/accounts", tag="accounts")


@router.post(
    "/register",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(Invalid, TooManyRequests),
)
async def register(
    new: Registration, runtime: CurrentRuntime, caller: CurrentCaller
) -> RegistrationReceived:
    """Register as a citizen.

    Sign in next. The answer is the same where the login is taken, so that nobody learns who has
    an account: who can't sign in then chooses another login. `consent` is the consent to the
    processing of these data (UU PDP 27/2022); `POST /me/consent/withdraw` takes it back.
    """
    await credentials.register(runtime.database, caller, new)
    return RegistrationReceived()


@router.get("", responses=problems(InvalidCursor))
async def list_accounts(
    query: Annotated[AccountQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> AccountPage:
    """Accounts, by login.

    Filtered by role, employee, whether they are disabled, and part of the login or name.
    """
    page = await accounts.list_accounts(reader, actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(LoginTaken, EmployeeHasAccount, Invalid, UnknownEmployee),
)
async def create_account(
    new: AccountCreate,
    actor: CurrentActor,
    secret: FreshSecret,
    session: Session,
    response: Response,
    _: IdempotencyKey = None,
) -> AccountSecret:
    """Give somebody an account.

    For an employee (`asn`), an officer, an auditor or a script (`service`). The random password
    or client secret in the answer is shown this once; a person must change it when they first
    sign in.
    """
    created = await accounts.create_account(session, actor, new, secret)
    response.headers["Location"] = f"/api/v1/accounts/{created.id}"
    response.headers["ETag"] = etag(created.version)
    return created


@router.get("/{account_id}", responses=problems(NotFound))
async def get_account(
    account_id: UUID, reader: ReadSession, actor: CurrentActor, response: Response
) -> AccountRead:
    """One account.

    Never a secret of it.
    """
    account = await accounts.read_account(reader, actor, account_id)
    response.headers["ETag"] = etag(account.version)
    return account


@router.patch(
    "/{account_id}",
    responses=problems(
        NotFound,
        IfMatchRequired,
        StaleVersion,
        OwnAccount,
        LastAdministrator,
        ConsentWithdrawn,
        EmployeeHasAccount,
        Invalid,
    ),
)
async def update_account(
    account_id: UUID,
    change: AccountUpdate,
    session: Session,
    actor: CurrentActor,
    expected: ExpectedVersion,
    response: Response,
) -> AccountRead:
    """Change, disable or enable an account.

    Disabling ends every session at once; a change of role, employee or scopes ends every access
    token. Nobody changes what they themselves may do, and one administrator always remains.
    """
    account = await accounts.update_account(session, actor, account_id, change, expected)
    response.headers["ETag"] = etag(account.version)
    return account


@router.post("/{account_id}/password-reset", responses=problems(NotFound, OwnAccount))
async def reset_password(
    account_id: UUID,
    actor: CurrentActor,
    secret: FreshSecret,
    session: Session,
    response: Response,
    _: IdempotencyKey = None,
) -> AccountSecret:
    """Give a new password.

    Random, shown this once, to be changed at the next sign-in; for a script it is the new
    client secret. Ends every session of the account.
    """
    account = await accounts.reset_password(session, actor, account_id, secret)
    response.headers["ETag"] = etag(account.version)
    return account


@router.post("/{account_id}/totp-reset", responses=problems(NotFound, OwnAccount))
async def reset_totp(
    account_id: UUID,
    actor: CurrentActor,
    session: Session,
    response: Response,
    _: IdempotencyKey = None,
) -> AccountRead:
    """Take away a lost second factor.

    Ends every session of the account. Where its role needs TOTP, it must enrol anew.
    """
    account = await accounts.reset_totp(session, actor, account_id)
    response.headers["ETag"] = etag(account.version)
    return account
