"""Imports and the findings on their rows."""

from alembic import op

from migrations.security import (
    EDITORS,
    audited,
    grant,
    policy,
    secure_rows,
)

revision = "imports"
down_revision = "corrections"

TABLES = """
CREATE TABLE imports (
    id uuid DEFAULT uuidv7() NOT NULL,
    account_id uuid,
    filename varchar NOT NULL,
    sha256 bytea NOT NULL,
    dry_run boolean NOT NULL,
    partial boolean DEFAULT false NOT NULL,
    mapping jsonb DEFAULT '{}' NOT NULL,
    state varchar DEFAULT 'queued' NOT NULL,
    progress integer DEFAULT 0 NOT NULL,
    counts jsonb DEFAULT '{}' NOT NULL,
    problem jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT ck_imports_state
        CHECK (state IN ('queued', 'running', 'checked', 'imported', 'refused', 'failed')),
    CONSTRAINT fk_imports_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX ix_imports_created_at ON imports (created_at, id);

CREATE TABLE import_files (
    import_id uuid NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_import_files PRIMARY KEY (import_id),
    CONSTRAINT fk_import_files_import_id
        FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE
);

CREATE TABLE import_findings (
    import_id uuid NOT NULL,
    row_number integer NOT NULL,
    no integer NOT NULL,
    severity varchar NOT NULL,
    column_name varchar,
    code varchar NOT NULL,
    detail_id varchar NOT NULL,
    detail_en varchar NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_import_findings PRIMARY KEY (import_id, row_number, no),
    CONSTRAINT ck_import_findings_severity CHECK (severity IN ('error', 'warning')),
    CONSTRAINT fk_import_findings_import_id
        FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    for table in ("imports", "import_files", "import_findings"):
        secure_rows(table)
        grant(table, "SELECT, INSERT, UPDATE, DELETE", *EDITORS)
        policy(table, "editors", "ALL", EDITORS)
    audited("imports")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
