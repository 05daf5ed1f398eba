"""Accounts, sign-in sessions and signing keys."""

from alembic import op

from migrations.security import (
    ASN,
    AUDITOR,
    HR_ADMIN,
    PEOPLE,
    PUBLIC,
    SERVICE,
    SIGN_IN,
    audited,
    grant,
    policy,
    secure_rows,
)

revision = "accounts"
down_revision = "organisation"

TABLES = """
CREATE TABLE accounts (
    id uuid DEFAULT uuidv7() NOT NULL,
    login varchar NOT NULL,
    display_name varchar NOT NULL,
    email varchar,
    role varchar NOT NULL,
    employee_id uuid,
    scopes varchar[] DEFAULT '{}' NOT NULL,
    password_hash varchar NOT NULL,
    must_change_password boolean DEFAULT false NOT NULL,
    token_version integer DEFAULT 1 NOT NULL,
    totp_secret_sealed bytea,
    totp_confirmed_at timestamptz,
    totp_last_step integer,
    disabled_at timestamptz,
    consented_at timestamptz,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_role
        CHECK (role IN ('public', 'asn', 'hr_admin', 'auditor', 'service')),
    CONSTRAINT ck_accounts_login_lower CHECK (login = lower(login)),
    CONSTRAINT ck_accounts_scopes_of_service CHECK ((role = 'service') OR scopes = '{}'),
    CONSTRAINT ck_accounts_asn_is_employee CHECK ((role <> 'asn') OR employee_id IS NOT NULL),
    CONSTRAINT fk_accounts_employee_id FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_accounts_employee_id ON accounts (employee_id);
CREATE UNIQUE INDEX uq_accounts_login ON accounts (login);

CREATE TABLE recovery_codes (
    account_id uuid NOT NULL,
    digest bytea NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (account_id, digest),
    CONSTRAINT fk_recovery_codes_account_id
        FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE sign_in_sessions (
    id uuid DEFAULT uuidv7() NOT NULL,
    account_id uuid NOT NULL,
    user_agent varchar,
    last_used_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because varchar,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_sign_in_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sign_in_sessions_account_id
        FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX ix_sign_in_sessions_account_id ON sign_in_sessions (account_id, created_at);

CREATE TABLE refresh_tokens (
    digest bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamptz DEFAULT now() NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_refresh_tokens PRIMARY KEY (digest),
    CONSTRAINT fk_refresh_tokens_session_id
        FOREIGN KEY (session_id) REFERENCES sign_in_sessions (id) ON DELETE CASCADE
);
CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);

CREATE TABLE sign_in_throttles (
    key bytea NOT NULL,
    window_start timestamptz NOT NULL,
    failures integer NOT NULL,
    CONSTRAINT pk_sign_in_throttles PRIMARY KEY (key)
);

CREATE TABLE signing_keys (
    kid varchar NOT NULL,
    private_sealed bytea NOT NULL,
    public_jwk jsonb NOT NULL,
    retired_at timestamptz,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_signing_keys PRIMARY KEY (kid)
);
"""

SIGN_IN_TABLES = (
    "accounts",
    "recovery_codes",
    "sign_in_sessions",
    "refresh_tokens",
    "sign_in_throttles",
    "signing_keys",
)
OWN = "account_id = (SELECT app.current_account())"
FUNCTIONS = """
-- Called as the login role at the start of every transaction: an account that is disabled, a
-- raised token_version or a revoked session ends every access token at once.
CREATE FUNCTION app.check_account(account uuid, token_version integer, session uuid)
RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF account IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM public.accounts a JOIN public.sign_in_sessions s ON s.account_id = a.id
    WHERE a.id = account AND a.token_version = check_account.token_version
      AND a.disabled_at IS NULL
      AND s.id = session AND s.revoked_at IS NULL AND s.expires_at > now();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account or session no longer valid' USING ERRCODE = 'KM401';
    END IF;
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    for statement in FUNCTIONS.split("\n\n"):
        op.execute(statement)
    for table in ("accounts", "recovery_codes", "sign_in_sessions", "refresh_tokens"):
        secure_rows(table, force=False)
    for table in ("sign_in_throttles", "signing_keys"):
        secure_rows(table)
    for table in SIGN_IN_TABLES:
        grant(table, "SELECT, INSERT, UPDATE, DELETE", SIGN_IN)
        policy(table, "sign_in", "ALL", (SIGN_IN,))

    grant("accounts", "SELECT, UPDATE", *PEOPLE)
    policy(
        "accounts",
        "own",
        "ALL",
        (PUBLIC, ASN, AUDITOR, SERVICE),
        "id = (SELECT app.current_account())",
    )
    grant("accounts", "INSERT", HR_ADMIN)
    policy("accounts", "administration", "ALL", (HR_ADMIN,))
    audited(
        "accounts",
        "employee_id",
        ("password_hash", "totp_secret_sealed", "totp_last_step"),
    )

    for table in ("recovery_codes", "sign_in_sessions"):
        grant(table, "SELECT, INSERT, UPDATE, DELETE", *PEOPLE)
        policy(table, "own", "ALL", (PUBLIC, ASN, AUDITOR, SERVICE), OWN)
        policy(table, "administration", "ALL", (HR_ADMIN,))
    audited("sign_in_sessions")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
