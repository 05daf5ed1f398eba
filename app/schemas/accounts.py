"""Accounts: registration, one's own account, administration, credentials."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.schemas.base import Line, Page, PageQuery, Schema, example, page_example
from app.schemas.sign_in import OneTimeCode, Password, RecoveryCode
from app.vocabulary import NextStep, Role, Scope

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NIP = re.compile(r"[0-9]{18}")


def _login(value: str) -> str:
    value = value.lower()
    if not _LOGIN.fullmatch(value):
        raise PydanticCustomError(
            "login_characters",
            "Letters, digits, dot, dash, underscore, plus and @ only.",
            {"indonesian": "Hanya huruf, angka, titik, tanda hubung, garis bawah, plus, dan @."},
        )
    return value


def _not_a_nip(value: str) -> str:
    """A NIP is anybody's to guess, and would pass for the civil servant's own account."""
    if _NIP.fullmatch(value):
        raise PydanticCustomError(
            "login_reserved",
            "18 digits are reserved for civil servants.",
            {"indonesian": "18 angka hanya untuk ASN."},
        )
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise PydanticCustomError(
            "email_form", "Not an e-mail address.", {"indonesian": "Bukan alamat surel."}
        )
    return value


Login = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=200),
    AfterValidator(_login),
]
"""Letters, digits and `. _ - + @`; kept in lower case."""
CitizenLogin = Annotated[Login, AfterValidator(_not_a_nip)]
Email = Annotated[Line, AfterValidator(_email)]
ACCOUNT = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "login": "198003152005011003",
    "display_name": "Budi Santoso",
    "email": "budi@contoh.go.id",
    "role": "asn",
    "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b8f",
    "scopes": [],
    "must_change_password": True,
    "has_totp": False,
    "disabled_at": None,
    "consented_at": None,
    "created_at": "2026-11-24T01:00:00Z",
    "updated_at": "2026-11-24T01:00:00Z",
    "version": 1,
}


class Registration(Schema):
    """A citizen's wish for an account, and their consent (UU PDP 27/2022 art. 20)."""

    model_config = example(
        {
            "login": "siti@contoh.id",
            "display_name": "Siti",
            "email": "siti@contoh.id",
            "password": "kopi-tubruk-di-beranda",
            "consent": True,
        }
    )

    login: CitizenLogin
    display_name: Line
    email: Email | None = None
    password: Password
    consent: Literal[True] = Field(
        description="Agrees to the processing of these data; may be withdrawn at any time."
    )


class RegistrationReceived(Schema):
    """The same, whether or not the login was free."""

    model_config = example({"status": "received"})

    status: Literal["received"] = "received"


class AccountRead(Schema):
    """An account; never a secret of it."""

    model_config = example(ACCOUNT)

    id: UUID
    login: str
    display_name: str
    email: str | None
    role: Role
    employee_id: UUID | None
    scopes: list[Scope] = Field(description="Of a service client only.")
    must_change_password: bool
    has_totp: bool
    disabled_at: datetime | None
    consented_at: datetime | None = Field(description="Of a citizen only.")
    created_at: datetime
    updated_at: datetime
    version: int


class AccountPage(Page):
    """Accounts by login."""

    model_config = page_example(AccountRead)

    items: list[AccountRead]


class AccountQuery(PageQuery):
    """Which accounts."""

    role: Role | None = Field(default=None, description="Of this role only.")
    employee_id: UUID | None = Field(default=None, description="Of this employee only.")
    disabled: bool | None = Field(default=None, description="Whether they are disabled.")
    q: Annotated[
        str | None, Field(min_length=2, max_length=100, description="Part of login or name.")
    ] = None


class AccountCreate(Schema):
    """An account that hr_admin gives somebody. Citizens register themselves."""

    model_config = example(
        {
            "login": "198003152005011003",
            "display_name": "Budi Santoso",
            "role": "asn",
            "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b8f",
        }
    )

    login: Login
    display_name: Line
    email: Email | None = None
    role: Literal[Role.ASN, Role.HR_ADMIN, Role.AUDITOR, Role.SERVICE]
    employee_id: UUID | None = Field(default=None, description="Required for `asn`.")
    scopes: list[Scope] = Field(default=[], description="Of a `service` only; at least one.")


class AccountUpdate(Schema):
    """What is left out stays as it is; null empties `email` and `employee_id`."""

    model_config = example({"disabled": True})

    display_name: Line | None = None
    email: Email | None = None
    role: Literal[Role.ASN, Role.HR_ADMIN, Role.AUDITOR] | None = None
    employee_id: UUID | None = None
    scopes: list[Scope] | None = None
    disabled: bool | None = None


class AccountSecret(AccountRead):
    """The account and its new secret, which is shown this once."""

    model_config = example({**ACCOUNT, "secret": "k7m2q-hx9fd-3wanz-t8rce"})

    secret: str = Field(description="The password; of a service client, the client secret.")


class Me(AccountRead):
    """One's own account, and what has to be done before anything else."""

    model_config = example({**ACCOUNT, "next_steps": ["must_change_password"]})

    next_steps: list[NextStep]


class MeUpdate(Schema):
    """What is left out stays as it is; null empties `email`."""

    model_config = example({"display_name": "Budi S."})

    display_name: Line | None = None
    email: Email | None = None


class PasswordChange(Schema):
    """The present password, and the one to come."""

    model_config = example(
        {"current_password": "k7m2q-hx9fd-3wanz-t8rce", "new_password": "kopi-tubruk-di-beranda"}
    )

    current_password: Password
    new_password: Password


class PasswordProof(Schema):
    """The password, once more."""

    model_config = example({"password": "kopi-tubruk-di-beranda"})

    password: Password


class FullProof(Schema):
    """The password and one code, once more."""

    model_config = example({"password": "kopi-tubruk-di-beranda", "totp_code": "492039"})

    password: Password
    totp_code: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = None


class TotpEnrolment(Schema):
    """What the authenticator app needs; shown this once."""

    model_config = example(
        {
            "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "provisioning_uri": "otpauth://totp/Kemuning:rina?secret=JBSWY3DP…&issuer=Kemuning",
        }
    )

    secret: str
    provisioning_uri: str = Field(description="To show as a QR code.")


class TotpConfirmation(Schema):
    """A code of the app that was just set up."""

    model_config = example({"totp_code": "492039"})

    totp_code: OneTimeCode


class RecoveryCodes(Schema):
    """Ten codes that stand in for TOTP, each once; shown this once."""

    model_config = example({"recovery_codes": ["7K3M-Q0TZ-91XH-VB2D"]})

    recovery_codes: list[str]
