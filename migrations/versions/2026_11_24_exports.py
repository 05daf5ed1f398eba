"""Exports, and each time that one went out to its end."""

from alembic import op

from migrations.security import AUDITOR, SERVICE, audited, grant, policy, secure_rows

revision = "exports"
down_revision = "competency_profiles"

TABLES = """
CREATE TABLE exports (
    id uuid DEFAULT uuidv7() NOT NULL,
    account_id uuid NOT NULL,
    dataset varchar NOT NULL,
    format varchar NOT NULL,
    as_of timestamptz NOT NULL,
    purpose varchar NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_exports PRIMARY KEY (id),
    CONSTRAINT ck_exports_dataset
        CHECK (dataset IN ('employees', 'units', 'positions', 'competencies', 'standards',
        'assessments', 'ratings', 'results', 'scores', 'rule_packs')),
    CONSTRAINT ck_exports_format CHECK (format IN ('csv', 'ndjson', 'xlsx', 'parquet')),
    CONSTRAINT ck_exports_purpose CHECK (purpose <> ''),
    CONSTRAINT fk_exports_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX ix_exports_account_id ON exports (account_id, id);

CREATE TABLE export_deliveries (
    id uuid DEFAULT uuidv7() NOT NULL,
    export_id uuid NOT NULL,
    account_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    manifest jsonb NOT NULL,
    completed_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_export_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_export_deliveries_export_id FOREIGN KEY (export_id) REFERENCES exports (id),
    CONSTRAINT fk_export_deliveries_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX ix_export_deliveries_export_id ON export_deliveries (export_id, id);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    # Nothing of it is ever changed: what was asked for and what went out are evidence.
    by_me = "account_id = (SELECT app.current_account())"
    for table in ("exports", "export_deliveries"):
        secure_rows(table)
        grant(table, "SELECT, INSERT", AUDITOR, SERVICE)
        policy(table, "oversight", "SELECT", (AUDITOR,))
        audited(table)
    policy("exports", "own", "SELECT", (SERVICE,), by_me)
    policy("exports", "ask", "INSERT", (AUDITOR, SERVICE), by_me)
    # the policies of `exports` hold inside the subquery too
    of_export = "export_id IN (SELECT id FROM exports)"
    policy("export_deliveries", "of_export", "SELECT", (SERVICE,), of_export)
    policy("export_deliveries", "deliver", "INSERT", (AUDITOR, SERVICE), f"{by_me} AND {of_export}")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
