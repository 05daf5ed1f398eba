"""Activating an account, signing in and out, tokens, and the keys that they are signed with."""

from typing import Annotated

from fastapi import Form, Response, status

from app.dependencies import CurrentActor, CurrentCaller, CurrentRuntime, Router, Session
from app.errors import Invalid, TooManyRequests, problems
from app.schemas.invitations import Activated, Activation
from app.schemas.sign_in import (
    ClientToken,
    JsonWebKeySet,
    Refresh,
    SignedIn,
    SignIn,
    TokenRequest,
)
from app.services import invitations, sessions, sign_in
from app.services.accounts import EmployeeHasAccount, LoginTaken
from app.services.invitations import InvalidActivationCode
from app.services.second_factor import SecondFactorRequired, WrongSecondFactor
from app.services.sign_in import (
    InvalidClient,
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidScope,
    TokenRequestError,
    UnsupportedGrantType,
)

router = Router(tag="sign_in")
well_known = Router("/.well-known", tag="sign_in")


@router.post(
    "/sign-in",
    responses=problems(
        InvalidCredentials, SecondFactorRequired, WrongSecondFactor, TooManyRequests
    ),
)
async def with_password(given: SignIn, runtime: CurrentRuntime, caller: CurrentCaller) -> SignedIn:
    """Sign in with a password.

    An account with TOTP answers `second_factor_required` until a code comes along. Attempts are
    counted by login and by address: `RateLimit` tells how many are left, and counting begins
    anew after five minutes. While `next_steps` names something, everything but taking that step
    answers 403.
    """
    return await sign_in.sign_in(runtime.database, runtime.keyring, caller, given)


@router.post("/sign-in/refresh", responses=problems(InvalidRefreshToken))
async def refresh(given: Refresh, runtime: CurrentRuntime, caller: CurrentCaller) -> SignedIn:
    """Exchange the refresh token for the next pair.

    A refresh token works once; using one again ends the session for everybody who holds one of
    its tokens. Where the answer was lost, the same token may be sent once more within ten
    seconds; the pair in the lost answer then no longer works.
    """
    return await sign_in.refresh(runtime.database, runtime.keyring, caller, given)


@router.post(
    "/sign-in/token",
    responses=problems(
        TokenRequestError, UnsupportedGrantType, InvalidScope, InvalidClient, TooManyRequests
    ),
)
async def client_token(
    asked: Annotated[TokenRequest, Form()], runtime: CurrentRuntime, caller: CurrentCaller
) -> ClientToken:
    """An access token for a script.

    The client credentials grant of RFC 6749 (section 4.4), as a form. Errors are problems with
    the RFC's code in `error`. There is no refresh token: ask again.
    """
    return await sign_in.client_token(runtime.database, runtime.keyring, caller, asked)


@router.post(
    "/sign-in/activate",
    responses=problems(
        InvalidActivationCode, LoginTaken, EmployeeHasAccount, Invalid, TooManyRequests
    ),
)
async def activate(given: Activation, runtime: CurrentRuntime, caller: CurrentCaller) -> Activated:
    """Activate the account that one was invited to.

    The code works once, and makes the account of a civil servant with the password that comes
    along; sign in next. An unknown code, one that was used and one that expired get the same
    answer. Attempts are counted by address, as at sign-in.
    """
    return await invitations.activate(runtime.database, caller, given)


@router.post("/sign-out", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(session: Session, actor: CurrentActor) -> None:
    """Sign out.

    Ends the session of the access token that was sent; its access and refresh tokens stop
    working at once.
    """
    await sessions.sign_out(session, actor)


@well_known.get("/jwks.json")
async def keys(_: CurrentActor, runtime: CurrentRuntime, response: Response) -> JsonWebKeySet:
    """The keys that access tokens are verified with.

    RFC 7517. Fetch again where a token names a key that is not among them.
    """
    response.headers["Cache-Control"] = "public, max-age=300"
    return JsonWebKeySet.model_validate((await runtime.keyring.published()).jwks())
