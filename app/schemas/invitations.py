"""Invitations: employees get accounts of their own, many at once."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from app.schemas.base import Page, PageQuery, Schema, example, page_example
from app.schemas.sign_in import Password

MOST_INVITED = 10_000
"""People a request invites at most: a kabupaten's civil service, answered in about a second."""
CODE = "7K3M-Q0TZ-91XH-VB2D-M4YA"
InvitationFormat = Literal["json", "csv", "xlsx"]


class InvitationsCreate(Schema):
    """Whom to invite: all who are employed, narrowed by what is given."""

    model_config = example({"unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b77", "replace": False})

    unit_id: UUID | None = Field(default=None, description="Who has a seat in it or below it.")
    employee_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_INVITED)] | None = (
        Field(default=None, description="These only.")
    )
    replace: bool = Field(
        default=True,
        description="Whether who has an invitation that still holds gets a new code, which ends"
        " the former; false leaves them out.",
    )


class IssuedInvitation(Schema):
    """One person's code; shown this once."""

    employee_id: UUID
    login: str = Field(description="The NIP or NI PPPK: what they will sign in with.")
    full_name: str
    unit_id: UUID | None
    unit_name: str | None
    activation_code: str


class LeftOut(Schema):
    """How many were left out, by why."""

    has_account: int = Field(description="They have one already; where disabled, enable it.")
    still_invited: int = Field(description="Only with `replace=false`.")
    not_found: int = Field(description="Of `employee_ids`: not employed today, or elsewhere.")


class IssuedInvitations(Schema):
    """Who was invited, by unit and name, with the codes to hand out."""

    model_config = example(
        {
            "expires_at": "2026-12-24T01:00:00Z",
            "items": [
                {
                    "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b8f",
                    "login": "198003152005011003",
                    "full_name": "Budi Santoso, S.E.",
                    "unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b77",
                    "unit_name": "Dinas Pendidikan",
                    "activation_code": CODE,
                }
            ],
            "left_out": {"has_account": 12, "still_invited": 0, "not_found": 0},
        }
    )

    expires_at: datetime
    items: list[IssuedInvitation]
    left_out: LeftOut


class InvitationRead(Schema):
    """An invitation; never its code."""

    model_config = example(
        {
            "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b92",
            "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b8f",
            "login": "198003152005011003",
            "display_name": "Budi Santoso",
            "invited_at": "2026-11-24T01:00:00Z",
            "expires_at": "2026-12-24T01:00:00Z",
            "activated_at": None,
        }
    )

    id: UUID
    employee_id: UUID
    login: str
    display_name: str
    invited_at: datetime
    expires_at: datetime
    activated_at: datetime | None


class InvitationPage(Page):
    """Invitations by login."""

    model_config = page_example(InvitationRead)

    items: list[InvitationRead]


class InvitationQuery(PageQuery):
    """Which invitations."""

    activated: bool | None = Field(default=None, description="Whether they were used.")
    expired: bool | None = Field(default=None, description="Whether their time is over.")


class Activation(Schema):
    """The code of an invitation, and the password to sign in with from now on."""

    model_config = example({"activation_code": CODE, "password": "kopi-tubruk-di-beranda"})

    activation_code: Annotated[SecretStr, Field(min_length=1, max_length=100)]
    password: Password


class Activated(Schema):
    """The account is there: sign in with this login."""

    model_config = example({"login": "198003152005011003", "display_name": "Budi Santoso"})

    login: str
    display_name: str
