"""Imports, their progress, and the findings on their rows."""

from alembic import op

from migrations.security import (
    EDITORS,
    HR_ADMIN,
    SERVICE,
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
    account_id uuid NOT NULL,
    kind varchar DEFAULT 'employees' NOT NULL,
    event_id uuid,
    filename varchar NOT NULL,
    sha256 bytea NOT NULL,
    dry_run boolean NOT NULL,
    partial boolean DEFAULT false NOT NULL,
    create_positions boolean DEFAULT false NOT NULL,
    effective_from date NOT NULL,
    sheet varchar,
    mapping jsonb DEFAULT '{}' NOT NULL,
    state varchar DEFAULT 'queued' NOT NULL,
    counts jsonb DEFAULT '{}' NOT NULL,
    problem jsonb,
    notes jsonb DEFAULT '[]' NOT NULL,
    finished_at timestamptz,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT ck_imports_kind CHECK (kind IN ('employees', 'assessment_results')),
    CONSTRAINT ck_imports_event CHECK ((kind = 'assessment_results') = (event_id IS NOT NULL)),
    CONSTRAINT ck_imports_state
        CHECK (state IN ('queued', 'running', 'checked', 'imported', 'refused', 'failed')
               AND state <> 'running'),
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
    CONSTRAINT pk_import_findings PRIMARY KEY (import_id, row_number, no),
    CONSTRAINT ck_import_findings_severity CHECK (severity IN ('error', 'warning')),
    CONSTRAINT fk_import_findings_import_id
        FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE
);

-- Unlogged and without a foreign key's lock on the import that is being written
CREATE UNLOGGED TABLE import_progress (
    import_id uuid NOT NULL,
    attempt integer NOT NULL,
    step varchar NOT NULL,
    done integer NOT NULL,
    total integer,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    beat_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_import_progress PRIMARY KEY (import_id),
    CONSTRAINT ck_import_progress_step CHECK (step IN ('reading', 'checking', 'writing'))
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    for table in ("imports", "import_files", "import_findings", "import_progress"):
        secure_rows(table)
    grant("imports", "SELECT, INSERT, UPDATE", *EDITORS)
    grant("import_files", "SELECT, INSERT", *EDITORS)
    grant("import_findings", "SELECT, INSERT", *EDITORS)
    grant("import_progress", "SELECT, INSERT, UPDATE", *EDITORS)
    policy("imports", "administration", "ALL", (HR_ADMIN,))
    policy("imports", "own", "ALL", (SERVICE,), "account_id = (SELECT app.current_account())")
    for table in ("import_files", "import_findings", "import_progress"):
        # the policies of `imports` hold inside the subquery too; it is run once a statement
        policy(table, "of_import", "ALL", EDITORS, "import_id IN (SELECT id FROM imports)")
    audited("imports")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
