"""Accounts, invitations to them, sign-in sessions and signing keys."""

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
    subject_id uuid GENERATED ALWAYS AS (COALESCE(employee_id, id)) STORED NOT NULL,
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
CREATE UNIQUE INDEX uq_accounts_asn ON accounts (employee_id) WHERE role = 'asn';
CREATE UNIQUE INDEX uq_accounts_login ON accounts (login);
CREATE INDEX ix_accounts_login_trigram ON accounts USING gin (login gin_trgm_ops);
CREATE INDEX ix_accounts_display_name_trigram ON accounts USING gin (display_name gin_trgm_ops);

CREATE TABLE invitations (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    login varchar NOT NULL,
    display_name varchar NOT NULL,
    code_digest bytea NOT NULL,
    invited_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    activated_at timestamptz,
    CONSTRAINT pk_invitations PRIMARY KEY (id),
    CONSTRAINT fk_invitations_employee_id FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE UNIQUE INDEX uq_invitations_employee_id ON invitations (employee_id);
CREATE UNIQUE INDEX uq_invitations_code_digest ON invitations (code_digest);
CREATE INDEX ix_invitations_login ON invitations (login, id);

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
    parent_digest bytea,
    issued_at timestamptz DEFAULT now() NOT NULL,
    used_at timestamptz,
    graced_at timestamptz,
    CONSTRAINT pk_refresh_tokens PRIMARY KEY (digest),
    CONSTRAINT fk_refresh_tokens_session_id
        FOREIGN KEY (session_id) REFERENCES sign_in_sessions (id) ON DELETE CASCADE
);
CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);

CREATE TABLE sign_in_throttles (
    key bytea NOT NULL,
    window_start timestamptz NOT NULL,
    attempts integer NOT NULL,
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
    "recovery_codes",
    "sign_in_sessions",
    "refresh_tokens",
    "sign_in_throttles",
    "signing_keys",
)
READABLE = (
    *("id", "login", "display_name", "email", "role", "employee_id", "scopes", "subject_id"),
    *("must_change_password", "token_version", "totp_confirmed_at", "disabled_at"),
    *("consented_at", "version", "created_at", "updated_at"),
)
OWN_CREDENTIALS = (
    *("password_hash", "must_change_password", "token_version", "totp_secret_sealed"),
    *("totp_confirmed_at", "totp_last_step", "version", "updated_at"),
)
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

-- Whoever processes personal data on duty does it by name: the person concerned may know who.
-- The name is looked up, never stored in an event, which stays for good; citizens have none here.
CREATE FUNCTION app.actor_name(account uuid) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
RETURN (SELECT display_name FROM public.accounts WHERE id = account AND role <> 'public');

-- A citizen withdraws their consent (UU PDP 27/2022): the account is emptied and closed, and
-- with it what the audit log kept of its former values. The events stay, with commitments to
-- what is gone, so that the log still proves itself.
CREATE FUNCTION app.erase_my_account() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account uuid := app.current_account();
BEGIN
    UPDATE public.accounts
    SET login = 'erased-' || id, display_name = '-', email = NULL, password_hash = '',
        totp_secret_sealed = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,
        consented_at = NULL, disabled_at = clock_timestamp(),
        token_version = token_version + 1, version = version + 1, updated_at = now()
    WHERE id = account AND role = 'public';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a citizen''s own account can be erased';
    END IF;
    DELETE FROM public.recovery_codes WHERE account_id = account;
    DELETE FROM public.refresh_tokens t USING public.sign_in_sessions s
    WHERE s.id = t.session_id AND s.account_id = account;
    UPDATE public.sign_in_sessions
    SET user_agent = NULL, revoked_at = coalesce(revoked_at, clock_timestamp()),
        revoked_because = coalesce(revoked_because, 'consent_withdrawn')
    WHERE account_id = account;
    DELETE FROM public.audit_details d USING public.audit_events e
    WHERE e.id = d.event_id AND e.subject_ids = ARRAY[account]
      AND e.entity IN ('accounts', 'sign_in_sessions');
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    for statement in FUNCTIONS.split("\n\n"):
        op.execute(statement)
    op.execute("REVOKE EXECUTE ON FUNCTION app.erase_my_account() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION app.erase_my_account() TO {SIGN_IN}")
    op.execute("REVOKE EXECUTE ON FUNCTION app.actor_name(uuid) FROM PUBLIC")
    everybody = ", ".join((PUBLIC, ASN, HR_ADMIN, AUDITOR))
    op.execute(f"GRANT EXECUTE ON FUNCTION app.actor_name(uuid) TO {everybody}")
    for table in ("accounts", "recovery_codes", "sign_in_sessions", "refresh_tokens"):
        secure_rows(table, force=False)
    for table in ("sign_in_throttles", "signing_keys"):
        secure_rows(table)
    for table in SIGN_IN_TABLES:
        grant(table, "SELECT, INSERT, UPDATE, DELETE", SIGN_IN)
        policy(table, "sign_in", "ALL", (SIGN_IN,))
    _secure_accounts()
    _secure_invitations()
    _secure_sessions()


def _secure_accounts() -> None:
    """Only the sign-in persona reads secrets, and of itself makes citizens; it raises no role."""
    grant("accounts", "SELECT, INSERT", SIGN_IN)
    grant("accounts", f"UPDATE ({', '.join(OWN_CREDENTIALS)})", SIGN_IN)
    policy("accounts", "sign_in", "SELECT", (SIGN_IN,))
    policy("accounts", "credentials", "UPDATE", (SIGN_IN,))
    citizen = "role = 'public' AND employee_id IS NULL"
    policy("accounts", "registration", "INSERT", (SIGN_IN,), citizen)
    grant("accounts", f"SELECT ({', '.join(READABLE)})", *PEOPLE)
    grant("accounts", "UPDATE (display_name, email, version, updated_at)", PUBLIC, ASN, AUDITOR)
    grant("accounts", "INSERT, UPDATE", HR_ADMIN)
    own = "id = (SELECT app.current_account())"
    policy("accounts", "own", "ALL", (PUBLIC, ASN, AUDITOR, SERVICE), own)
    policy("accounts", "oversight", "SELECT", (AUDITOR,))
    policy("accounts", "administration", "ALL", (HR_ADMIN,))
    audited(
        "accounts",
        "subject_id",
        ("subject_id", "password_hash", "totp_secret_sealed", "totp_last_step"),
    )
    grant("recovery_codes", "SELECT (account_id), DELETE", HR_ADMIN)
    policy("recovery_codes", "reset", "ALL", (HR_ADMIN,))


def _secure_invitations() -> None:
    """The sign-in persona makes a civil servant's account only in the transaction that uses up
    their invitation, and with its login: `now()` is the time at which a transaction began.
    """
    secure_rows("invitations")
    grant("invitations", "SELECT, INSERT, UPDATE, DELETE", HR_ADMIN)
    policy("invitations", "administration", "ALL", (HR_ADMIN,))
    grant("invitations", "SELECT, UPDATE (activated_at)", SIGN_IN)
    policy("invitations", "activation", "ALL", (SIGN_IN,))
    invited = (
        "role = 'asn' AND EXISTS (SELECT FROM invitations i WHERE i.activated_at = now()"
        " AND i.employee_id = accounts.employee_id AND i.login = accounts.login)"
    )
    policy("accounts", "activation", "INSERT", (SIGN_IN,), invited)
    audited("invitations", "employee_id", ("code_digest",))


def _secure_sessions() -> None:
    grant("sign_in_sessions", "SELECT, UPDATE (revoked_at, revoked_because)", *PEOPLE)
    own = "account_id = (SELECT app.current_account())"
    policy("sign_in_sessions", "own", "ALL", (PUBLIC, ASN, AUDITOR, SERVICE), own)
    policy("sign_in_sessions", "administration", "ALL", (HR_ADMIN,))
    audited("sign_in_sessions", "account_id")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
