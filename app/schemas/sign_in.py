"""Signing in: credentials in, tokens out; the list of sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from app.schemas.base import Line, Page, PageQuery, Schema, example, page_example
from app.vocabulary import NextStep, Role

Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
OneTimeCode = Annotated[
    Line, Field(min_length=6, max_length=12, description="Six digits of the authenticator app.")
]
RecoveryCode = Annotated[
    Line, Field(min_length=16, max_length=40, description="Stands in for TOTP once.")
]


class SignIn(Schema):
    """A login and its password; with TOTP, one code too."""

    model_config = example(
        {"login": "rina@contoh.go.id", "password": "k7m2q-hx9fd-3wanz-t8rce", "totp_code": "492039"}
    )

    login: Line
    password: Password
    totp_code: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = Field(
        default=None, description="Instead of `totp_code`, where the device is lost."
    )


class Refresh(Schema):
    """The last refresh token that was given out."""

    model_config = example({"refresh_token": "3q2-7wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw"})

    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class AccountSummary(Schema):
    """Who has signed in."""

    id: UUID
    login: str
    display_name: str
    role: Role
    employee_id: UUID | None


class SignedIn(Schema):
    """An access token to send as `Authorization: Bearer`, and the refresh token for the next.

    While `next_steps` names something, all but taking that step answers 403; take it, then
    refresh.
    """

    model_config = example(
        {
            "access_token": "eyJhbGciOiJFUzI1NiIs…",
            "token_type": "Bearer",
            "expires_in": 480,
            "refresh_token": "3q2-7wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw",
            "account": {
                "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
                "login": "rina@contoh.go.id",
                "display_name": "Rina",
                "role": "hr_admin",
                "employee_id": None,
            },
            "next_steps": ["enrol_totp"],
        }
    )

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str = Field(description="Works once, then its successor does.")
    account: AccountSummary
    next_steps: list[NextStep]


class TokenRequest(Schema):
    """RFC 6749, section 4.4: the client credentials grant, as a form."""

    model_config = example(
        {
            "grant_type": "client_credentials",
            "client_id": "siasn-sync",
            "client_secret": "k7m2q-hx9fd-3wanz-t8rce",
            "scope": "employees:read",
        }
    )

    grant_type: Line | None = Field(default=None, description="`client_credentials`.")
    client_id: Line | None = None
    client_secret: Password | None = None
    scope: Annotated[str | None, Field(max_length=1000)] = Field(
        default=None,
        description="Scopes separated by spaces, of those that the client has; all when left out.",
    )


class ClientToken(Schema):
    """RFC 6749, section 5.1. There is no refresh token: ask again."""

    model_config = example(
        {
            "access_token": "eyJhbGciOiJFUzI1NiIs…",
            "token_type": "Bearer",
            "expires_in": 480,
            "scope": "employees:read",
        }
    )

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    scope: str


class JsonWebKey(Schema):
    """RFC 7517: a public key of the set."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str
    use: Literal["sig"]
    alg: Literal["ES256"]


class JsonWebKeySet(Schema):
    """RFC 7517: the keys that access tokens are verified with."""

    model_config = example(
        {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                    "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
                    "use": "sig",
                    "alg": "ES256",
                }
            ]
        }
    )

    keys: list[JsonWebKey]


class SessionRead(Schema):
    """One sign-in on one device."""

    model_config = example(
        {
            "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91",
            "account_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
            "user_agent": "Mozilla/5.0 (Android 15; Mobile)",
            "created_at": "2026-11-24T01:00:00Z",
            "last_used_at": "2026-11-24T03:12:00Z",
            "expires_at": "2026-12-24T01:00:00Z",
            "current": True,
        }
    )

    id: UUID
    account_id: UUID
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool = Field(description="Whether this request belongs to it.")


class SessionPage(Page):
    """Sessions that still hold, the newest first."""

    model_config = page_example(SessionRead)

    items: list[SessionRead]


class SessionQuery(PageQuery):
    """Whose sessions."""

    account_id: UUID | None = Field(
        default=None, description="Another's, for hr_admin; one's own when left out."
    )
