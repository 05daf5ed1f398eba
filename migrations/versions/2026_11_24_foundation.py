"""Personas, the functions that row policies use, the audit log, stored answers of POSTs."""

from alembic import op

from migrations.security import (
    ASN,
    AUDITOR,
    HR_ADMIN,
    PEOPLE,
    PERSONAS,
    PUBLIC,
    RECORDER,
    SEQUENCER,
    SERVICE,
    SIGN_IN,
    grant,
    policy,
    secure_rows,
)

revision = "foundation"
down_revision = None

TABLES = """
CREATE TABLE audit_events (
    id uuid DEFAULT uuidv7() NOT NULL CONSTRAINT pk_audit_events PRIMARY KEY,
    at timestamptz DEFAULT clock_timestamp() NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    kind varchar NOT NULL
        CONSTRAINT ck_audit_events_kind CHECK (kind IN ('read', 'write', 'security')),
    operation varchar NOT NULL,
    actor_account_id uuid,
    actor_role varchar NOT NULL,
    purpose varchar DEFAULT '' NOT NULL,
    request_id varchar DEFAULT '' NOT NULL,
    entity varchar NOT NULL,
    subject_ids uuid[] DEFAULT '{}' NOT NULL,
    commitment bytea
);
CREATE INDEX ix_audit_events_xid_id ON audit_events (xid, id);
CREATE INDEX ix_audit_events_actor_account_id ON audit_events (actor_account_id, id);
CREATE INDEX ix_audit_events_subject_ids ON audit_events USING gin (subject_ids);
-- A thousand ids hardly shrink, and trying takes as long as storing them.
ALTER TABLE audit_events ALTER subject_ids SET STORAGE EXTERNAL;

CREATE TABLE audit_details (
    event_id uuid NOT NULL CONSTRAINT pk_audit_details PRIMARY KEY
        CONSTRAINT fk_audit_details_event_id REFERENCES audit_events (id),
    salt bytea NOT NULL,
    changes jsonb NOT NULL
);

CREATE TABLE audit_chain (
    seq bigint NOT NULL CONSTRAINT pk_audit_chain PRIMARY KEY,
    event_id uuid NOT NULL CONSTRAINT uq_audit_chain_event_id UNIQUE
        CONSTRAINT fk_audit_chain_event_id REFERENCES audit_events (id),
    event_hash bytea NOT NULL,
    chain_hash bytea NOT NULL
);

CREATE TABLE audit_checkpoints (
    tree_size bigint NOT NULL CONSTRAINT pk_audit_checkpoints PRIMARY KEY,
    signed jsonb NOT NULL,
    frontier jsonb NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE audit_keys (
    kid varchar NOT NULL CONSTRAINT pk_audit_keys PRIMARY KEY,
    private_sealed bytea NOT NULL,
    public_jwk jsonb NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE idempotency_keys (
    principal varchar NOT NULL,
    operation varchar NOT NULL,
    key varchar NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (principal, operation, key)
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
"""

FUNCTIONS = """
CREATE FUNCTION app.current_account() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.account', true), '')::uuid;

CREATE FUNCTION app.current_employee() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.employee', true), '')::uuid;

CREATE FUNCTION app.schema_revision() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
RETURN (SELECT version_num FROM public.alembic_version);

-- Triggers call this after every statement on an audited table: an event for at most 1,000
-- rows, its details beside it, and in the event only a salted commitment to them. Arguments:
-- the column that names the employee, then the columns that stay out. Without nested loops: a
-- plan remembers how many rows its first call had, and a later one may have ten thousand.
CREATE FUNCTION app.audit_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
DECLARE
    subject_column text := TG_ARGV[0];
    hidden text[] := TG_ARGV[1:];
    rows jsonb[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(jsonb_build_object(
                   'id', n -> 'id', 'subject', n -> subject_column, 'after', n - hidden))
        INTO rows
        FROM new_rows AS r, to_jsonb(r) AS n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(jsonb_build_object(
                   'id', o -> 'id', 'subject', o -> subject_column, 'before', o - hidden))
        INTO rows
        FROM old_rows AS r, to_jsonb(r) AS o;
    ELSE
        SELECT array_agg(jsonb_build_object(
                   'id', n -> 'id', 'subject', n -> subject_column,
                   'before', app.differing(o, n) - hidden, 'after', app.differing(n, o) - hidden))
        INTO rows
        FROM old_rows AS r JOIN new_rows AS s USING (id), to_jsonb(r) AS o, to_jsonb(s) AS n
        WHERE o <> n;
    END IF;
    IF rows IS NULL THEN
        RETURN NULL;
    END IF;
    WITH numbered AS (
        SELECT (position - 1) / 1000 AS batch, position, r
        FROM unnest(rows) WITH ORDINALITY AS u (r, position)
    ), batches AS MATERIALIZED (
        SELECT uuidv7() AS event_id,
               uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt,
               coalesce(array_agg(DISTINCT (r ->> 'subject')::uuid)
                        FILTER (WHERE r ->> 'subject' IS NOT NULL), '{}') AS subjects,
               jsonb_agg(r - 'subject' ORDER BY position) AS changes
        FROM numbered GROUP BY batch
    ), events AS (
        INSERT INTO public.audit_events (id, kind, operation, actor_account_id, actor_role,
                                         purpose, request_id, entity, subject_ids, commitment)
        SELECT event_id, 'write',
               coalesce(nullif(current_setting('app.operation', true), ''), lower(TG_OP)),
               nullif(current_setting('app.account', true), '')::uuid,
               coalesce(nullif(current_setting('app.role', true), ''), session_user::text),
               coalesce(current_setting('app.purpose', true), ''),
               coalesce(current_setting('app.request_id', true), ''),
               TG_TABLE_NAME, subjects, sha256(salt || convert_to(changes::text, 'UTF8'))
        FROM batches
    )
    INSERT INTO public.audit_details (event_id, salt, changes)
    SELECT event_id, salt, changes FROM batches;
    RETURN NULL;
END $$;

CREATE FUNCTION app.differing(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN (SELECT coalesce(jsonb_object_agg(key, value), '{}')
        FROM jsonb_each(a) WHERE value IS DISTINCT FROM b -> key);
"""


def create_personas() -> None:
    """Roles belong to the whole server: another database of it may have made them already."""
    for name, attributes in (
        ("kemuning_login", "LOGIN"),
        *((p, "NOLOGIN") for p in PERSONAS),
    ):
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {name} {attributes} NOINHERIT;"
            f" EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    for name in PERSONAS:
        op.execute(f"GRANT {name} TO kemuning_login WITH INHERIT FALSE, SET TRUE")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    create_personas()
    op.execute("CREATE SCHEMA app")
    everyone = ", ".join(("kemuning_login", *PERSONAS))
    op.execute(f"GRANT USAGE ON SCHEMA public, app TO {everyone}")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for statement in FUNCTIONS.split("\n\n"):
        if statement.strip():
            op.execute(statement)
    op.execute("REVOKE EXECUTE ON FUNCTION app.audit_write() FROM PUBLIC")

    for table in ("audit_events", "audit_details", "audit_chain", "audit_checkpoints"):
        secure_rows(table, force=False)
        grant(table, "SELECT", AUDITOR, SEQUENCER)
        policy(table, "whole_log", "SELECT", (AUDITOR, SEQUENCER))
    grant("audit_checkpoints", "SELECT", SERVICE)
    policy("audit_checkpoints", "export", "SELECT", (SERVICE,))
    grant("audit_events", "INSERT", RECORDER, SIGN_IN)
    # Neither may write what only the triggers write: that something was changed.
    policy("audit_events", "recorder", "INSERT", (RECORDER,), "kind = 'read'")
    policy("audit_events", "sign_in", "INSERT", (SIGN_IN,), "kind = 'security'")
    grant("audit_events", "SELECT", PUBLIC, ASN, HR_ADMIN)
    me = "(SELECT coalesce(app.current_employee(), app.current_account()))"
    policy(
        "audit_events", "about_me", "SELECT", (PUBLIC, ASN, HR_ADMIN), f"subject_ids @> ARRAY[{me}]"
    )
    for table in ("audit_chain", "audit_checkpoints", "audit_keys"):
        grant(table, "INSERT", SEQUENCER)
        policy(table, "sequencer", "INSERT", (SEQUENCER,))
    secure_rows("audit_keys")
    grant("audit_keys", "SELECT", SEQUENCER)
    grant("audit_keys", "SELECT (kid, public_jwk, created_at)", *PEOPLE)
    policy("audit_keys", "everyone", "SELECT", (*PEOPLE, SEQUENCER))

    secure_rows("idempotency_keys")
    grant("idempotency_keys", "SELECT, INSERT, UPDATE", *PEOPLE)
    mine = "principal = coalesce((SELECT app.current_account())::text, 'anonymous')"
    policy("idempotency_keys", "own", "ALL", PEOPLE, mine)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
