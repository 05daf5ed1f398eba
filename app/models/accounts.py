"""Accounts, their sessions and the keys that their tokens are signed with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Versioned, Word, one_of, trigram
from app.vocabulary import Role


class Account(Identified, Versioned, Base):
    """Somebody, or a script, that can sign in.

    A service client is an account too: its login is the client id, its password the client
    secret, and `scopes` what it may do. Secrets are never loaded with the entity: only the
    sign-in persona may read them, by name.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint("login = lower(login)", name="login_lower"),
        CheckConstraint("(role = 'service') OR scopes = '{}'", name="scopes_of_service"),
        CheckConstraint("(role <> 'asn') OR employee_id IS NOT NULL", name="asn_is_employee"),
        Index("uq_accounts_login", "login", unique=True),
        Index("ix_accounts_employee_id", "employee_id"),
        Index("uq_accounts_asn", "employee_id", unique=True, postgresql_where=text("role = 'asn'")),
        trigram("accounts", "login"),
        trigram("accounts", "display_name"),
    )

    login: Mapped[str] = mapped_column(String)
    display_name: Mapped[str]
    email: Mapped[str | None]
    role: Mapped[Role] = mapped_column(Word(Role))
    employee_id: Mapped[UUID | None] = mapped_column(ForeignKey("employees.id"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}", default=list)
    subject_id: Mapped[UUID] = mapped_column(Computed("COALESCE(employee_id, id)", persisted=True))
    """Whom the audit log names: the employee; for an account without one, the account."""
    password_hash: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)
    must_change_password: Mapped[bool] = mapped_column(server_default="false", default=False)
    token_version: Mapped[int] = mapped_column(server_default="1", default=1)
    """Raised to end every access token of the account at once."""
    totp_secret_sealed: Mapped[bytes | None] = mapped_column(deferred=True, deferred_raiseload=True)
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(deferred=True, deferred_raiseload=True)
    """The last time step whose code was used, so that no code works twice."""
    disabled_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    """When a citizen agreed to the processing of their data (UU PDP 27/2022)."""


class Invitation(Identified, Base):
    """What an employee activates their own account with, once: a code, known by its SHA-256 only.

    Login and name are those of the day of the invitation: what the person was told is what they
    sign in with.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        Index("uq_invitations_employee_id", "employee_id", unique=True),
        Index("uq_invitations_code_digest", "code_digest", unique=True),
        Index("ix_invitations_login", "login", "id"),
    )

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employees.id"))
    login: Mapped[str]
    display_name: Mapped[str]
    code_digest: Mapped[bytes] = mapped_column(deferred=True, deferred_raiseload=True)
    invited_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A digest of a code that stands in for TOTP once."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]


class SignInSession(Identified, Base):
    """One sign-in on one device: a family of refresh tokens, ended as a whole."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index("ix_sign_in_sessions_account_id", "account_id", "created_at"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_used_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


class RefreshToken(Base):
    """One refresh token, known by the SHA-256 of it only.

    `parent_digest` is the token that it was given for; `graced_at` when a second pair was
    given for this token, because the answer that held the first may have been lost.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_session_id", "session_id"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sign_in_sessions.id", ondelete="CASCADE"))
    parent_digest: Mapped[bytes | None]
    issued_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    used_at: Mapped[datetime | None]
    graced_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Attempts by a keyed digest of a login or an address; forgets, never locks for good."""

    __tablename__ = "sign_in_throttles"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime]
    attempts: Mapped[int]


class SigningKey(Base):
    """An ES256 key of the key set; the newest signs, retired ones verify until they expire."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    private_sealed: Mapped[bytes]
    """Emptied when the key retires."""
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    retired_at: Mapped[datetime | None]
