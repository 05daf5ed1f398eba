"""Requests of employees to correct what is recorded about them."""

from alembic import op

from migrations.security import ASN, audited, grant, person_scoped, policy

revision = "corrections"
down_revision = "accounts"

TABLES = """
CREATE TABLE correction_requests (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    field varchar NOT NULL,
    recorded_value varchar,
    proposed_value varchar NOT NULL,
    reason varchar NOT NULL,
    evidence jsonb DEFAULT '[]' NOT NULL,
    state varchar DEFAULT 'pending' NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    decision_reason varchar,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_correction_requests PRIMARY KEY (id),
    CONSTRAINT ck_correction_requests_state
        CHECK (state IN ('pending', 'accepted', 'declined', 'withdrawn')),
    CONSTRAINT ck_correction_requests_field
        CHECK (field IN ('name', 'title_prefix', 'title_suffix', 'email', 'phone', 'address',
        'birth_place', 'birth_date', 'sex', 'golongan', 'identifier', 'education', 'position')),
    CONSTRAINT ck_correction_requests_decided
        CHECK ((state IN ('accepted', 'declined')) = (decided_at IS NOT NULL)),
    CONSTRAINT ck_correction_requests_declined_why
        CHECK (state <> 'declined' OR decision_reason IS NOT NULL),
    CONSTRAINT fk_correction_requests_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_correction_requests_decided_by
        FOREIGN KEY (decided_by) REFERENCES accounts (id)
);
CREATE INDEX ix_correction_requests_employee_id ON correction_requests (employee_id);
CREATE INDEX ix_correction_requests_state ON correction_requests (state, created_at, id);
CREATE UNIQUE INDEX uq_correction_requests_pending
    ON correction_requests (employee_id, field) WHERE state = 'pending';
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    person_scoped("correction_requests")
    # An employee asks and withdraws, and can't write a decision.
    grant("correction_requests", "INSERT, UPDATE (state, version, updated_at)", ASN)
    own = "employee_id = (SELECT app.current_employee())"
    undecided = "state = 'pending' AND decided_by IS NULL AND decision_reason IS NULL"
    policy("correction_requests", "ask", "INSERT", (ASN,), f"{own} AND {undecided}")
    op.execute(
        "CREATE POLICY withdraw ON correction_requests FOR UPDATE TO kemuning_asn "
        f"USING ({own}) WITH CHECK ({own} AND state = 'withdrawn')"
    )
    audited("correction_requests", "employee_id")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
