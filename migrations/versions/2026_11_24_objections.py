"""Objections (keberatan) to results."""

from alembic import op

from migrations.security import (
    ASN,
    AUDITOR,
    HR_ADMIN,
    SERVICE,
    STAFF,
    audited,
    grant,
    policy,
    secure_rows,
)

revision = "objections"
down_revision = "assessments"

TABLES = """
CREATE TABLE objections (
    id uuid DEFAULT uuidv7() NOT NULL,
    result_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    state varchar DEFAULT 'filed' NOT NULL,
    reasons varchar NOT NULL,
    evidence jsonb DEFAULT '[]' NOT NULL,
    filed_at timestamptz NOT NULL,
    file_by timestamptz NOT NULL,
    rule_by timestamptz NOT NULL,
    rule varchar NOT NULL,
    ruler_id uuid,
    outcome varchar,
    ruling varchar,
    ruled_at timestamptz,
    new_result_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_objections PRIMARY KEY (id),
    CONSTRAINT ck_objections_state CHECK (state IN ('filed', 'hearing', 'ruled', 'withdrawn')),
    CONSTRAINT ck_objections_outcome CHECK (outcome IN ('granted', 'partly_granted', 'denied')),
    CONSTRAINT ck_objections_ruled
        CHECK ((state = 'ruled') = (outcome IS NOT NULL) AND (state = 'ruled') = (ruling IS NOT
        NULL) AND (state = 'ruled') = (ruled_at IS NOT NULL)),
    CONSTRAINT ck_objections_new_result
        CHECK (coalesce(outcome IN ('granted', 'partly_granted'), false) = (new_result_id IS NOT
        NULL)),
    CONSTRAINT ck_objections_in_time CHECK (filed_at < file_by),
    CONSTRAINT fk_objections_result_id
        FOREIGN KEY (result_id) REFERENCES assessment_results (id),
    CONSTRAINT fk_objections_employee_id FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_objections_ruler_id FOREIGN KEY (ruler_id) REFERENCES accounts (id),
    CONSTRAINT fk_objections_new_result_id
        FOREIGN KEY (new_result_id) REFERENCES assessment_results (id)
);
CREATE INDEX ix_objections_employee_id ON objections (employee_id);
CREATE INDEX ix_objections_state ON objections (state, rule_by, id);
CREATE UNIQUE INDEX uq_objections_result_id ON objections (result_id) WHERE state <> 'withdrawn';

CREATE TABLE objection_statements (
    id uuid DEFAULT uuidv7() NOT NULL,
    objection_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    side varchar NOT NULL,
    statement varchar NOT NULL,
    evidence jsonb DEFAULT '[]' NOT NULL,
    author_id uuid NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_objection_statements PRIMARY KEY (id),
    CONSTRAINT ck_objection_statements_side CHECK (side IN ('person', 'assessors')),
    CONSTRAINT fk_objection_statements_objection_id
        FOREIGN KEY (objection_id) REFERENCES objections (id),
    CONSTRAINT fk_objection_statements_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_objection_statements_author_id
        FOREIGN KEY (author_id) REFERENCES accounts (id)
);
CREATE INDEX ix_objection_statements_objection_id ON objection_statements (objection_id);
"""

OWN = "employee_id = (SELECT app.current_employee())"


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)

    for table in ("objections", "objection_statements"):
        secure_rows(table)
        grant(table, "SELECT", *STAFF)
        grant(table, "INSERT, UPDATE", HR_ADMIN)
        grant(table, "INSERT", ASN)
        policy(table, "own", "SELECT", (ASN,), OWN)
        policy(table, "oversight", "SELECT", (AUDITOR, SERVICE))
        policy(table, "agency", "ALL", (HR_ADMIN,))
        audited(table, "employee_id")

    # A person files and withdraws, and can't write a ruling.
    grant("objections", "UPDATE (state, version, updated_at)", ASN)
    unruled = "state = 'filed' AND ruler_id IS NULL AND outcome IS NULL"
    policy("objections", "file", "INSERT", (ASN,), f"{OWN} AND {unruled}")
    op.execute(
        "CREATE POLICY withdraw ON objections FOR UPDATE TO kemuning_asn "
        f"USING ({OWN}) WITH CHECK ({OWN} AND state = 'withdrawn')"
    )
    assessed = "assessment_id IN (SELECT unnest(app.assessed_assessments()))"
    results = f"result_id IN (SELECT id FROM assessment_results WHERE {assessed})"
    policy("objections", "assessors", "SELECT", (ASN,), results)
    answered = "objection_id IN (SELECT id FROM objections)"
    policy("objection_statements", "assessors", "SELECT", (ASN,), answered)
    author = "author_id = (SELECT app.current_account())"
    policy(
        "objection_statements",
        "speak",
        "INSERT",
        (ASN,),
        f"{author} AND {answered} AND (side = 'person') = ({OWN})",
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
