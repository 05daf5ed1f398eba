"""Configuration: one object, read from the environment once, checked before anything starts."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.sealing import Sealer

MINIMUM_SECRET_BYTES = 32


class Settings(BaseSettings):
    """Every setting is an environment variable with the prefix `KEMUNING_`.

    Errors: a pydantic ValidationError that names the variable; outside `development`
    a secret shorter than 32 bytes or visibly made up is refused.
    """

    model_config = SettingsConfigDict(env_prefix="KEMUNING_", extra="ignore", frozen=True)

    environment: Literal["development", "demo", "production"] = "production"
    database_url: SecretStr
    """The login role's URL: it owns nothing and may only become one of the personas."""
    owner_database_url: SecretStr | None = None
    """The owner's URL, for migrations only. The serving process never needs it."""
    login_password: SecretStr | None = None
    """Set on the login role by `kemuning migrate`, where the server asks for one."""

    secret_key: SecretStr
    """Seals signing keys, TOTP secrets and NIK; at least 32 bytes."""
    issuer: str = "https://kemuning.example"
    audience: str = "kemuning-api"
    access_token_seconds: Annotated[int, Field(ge=60, le=600)] = 480
    refresh_token_days: Annotated[int, Field(ge=1, le=90)] = 30
    require_totp: bool = True
    """hr_admin and auditor must enrol TOTP before anything else; the demo may go without."""

    root_path: str = ""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Comma-separated origins."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 1024 * 1024
    max_import_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    request_timeout_seconds: Annotated[float, Field(gt=0)] = 30
    statement_timeout_ms: Annotated[int, Field(ge=100)] = 15_000
    lock_timeout_ms: Annotated[int, Field(ge=100)] = 5_000
    pool_size: Annotated[int, Field(ge=1, le=200)] = 10
    """Connections a process keeps for reads, and as many for writes."""
    pool_timeout_seconds: Annotated[float, Field(gt=0)] = 5
    pgbouncer: bool = False
    """True behind PgBouncer in transaction mode: prepared statements are not cached."""

    run_jobs: bool = True
    """Whether the serving process also works off jobs and sequences the audit log."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="before")
    @classmethod
    def _split_origins(cls, values: dict[str, object]) -> dict[str, object]:
        origins = values.get("cors_origins")
        if isinstance(origins, str):
            values["cors_origins"] = tuple(o.strip() for o in origins.split(",") if o.strip())
        return values

    @model_validator(mode="after")
    def _refuse_weak(self) -> Self:
        secret = self.secret_key.get_secret_value().encode()
        if len(secret) < MINIMUM_SECRET_BYTES or len(set(secret)) < 10:
            raise ValueError(
                "KEMUNING_SECRET_KEY must be at least 32 random bytes, for example from "
                "`python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
            )
        if self.environment == "production":
            self._refuse_trusting_server()
        return self

    def _refuse_trusting_server(self) -> None:
        """The embedded server trusts every local user: good for a demo, never for real data."""
        url = self.login_url
        if url.password is None and "host" in url.query and "embedded" in str(url.query["host"]):
            raise ValueError("the embedded PostgreSQL is refused in production")
        if not self.require_totp:
            raise ValueError("KEMUNING_REQUIRE_TOTP can't be switched off in production")

    @cached_property
    def login_url(self) -> URL:
        """The login role's URL with the driver that Kemuning uses."""
        return with_driver(self.database_url.get_secret_value())

    @cached_property
    def owner_url(self) -> URL:
        """The URL that migrations run with; the login role's where no owner is named."""
        return with_driver((self.owner_database_url or self.database_url).get_secret_value())

    @cached_property
    def sealer(self) -> Sealer:
        """Seals and opens what the database must not hold in the clear."""
        return Sealer(self.secret_key.get_secret_value().encode())


def with_driver(url: str) -> URL:
    """`postgres://` and `postgresql://` with the asyncpg driver made explicit."""
    try:
        parsed = make_url(url)
    except ArgumentError:  # may hold the password: not told, not chained
        raise ValueError("KEMUNING_DATABASE_URL must be a postgresql:// URL") from None
    if parsed.drivername in {"postgres", "postgresql", "postgresql+asyncpg"}:
        return parsed.set(drivername="postgresql+asyncpg")
    raise ValueError(f"KEMUNING_DATABASE_URL must be a postgresql:// URL, not {parsed.drivername}")
