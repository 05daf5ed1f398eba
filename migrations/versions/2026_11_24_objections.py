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
    unheard_reason varchar,
    levels jsonb DEFAULT '[]' NOT NULL,
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
ME = "(SELECT app.current_account())"
OPEN = "state IN ('filed', 'hearing')"
ASSESSED = (
    "result_id IN (SELECT id FROM assessment_results"
    " WHERE assessment_id = ANY ((SELECT app.assessed_assessments())::uuid[]))"
)
RULING = (
    "state, ruler_id, outcome, ruling, unheard_reason, levels, ruled_at, new_result_id,"
    " version, updated_at"
)


def change(name: str, persona: str, using: str, check: str) -> None:
    """What of an objection this persona may make out of what; one that has ended stays."""
    op.execute(
        f"CREATE POLICY {name} ON objections FOR UPDATE TO {persona} "
        f"USING ({OPEN} AND {using}) WITH CHECK ({check})"
    )


def secure_objections() -> None:
    """The person files and withdraws; both sides speak; nobody rules but who is assigned to."""
    grant("objections", "INSERT, UPDATE (state, version, updated_at)", ASN)
    grant("objections", f"UPDATE ({RULING})", HR_ADMIN)
    unruled = "state = 'filed' AND ruler_id IS NULL AND outcome IS NULL"
    standing = f"SELECT id FROM assessment_results WHERE {OWN} AND superseded_at IS NULL"
    filed = f"{OWN} AND {unruled} AND result_id IN ({standing})"
    policy("objections", "file", "INSERT", (ASN,), filed)
    policy("objections", "assessors", "SELECT", (ASN,), ASSESSED)
    change("own_change", ASN, OWN, f"{OWN} AND state IN ('hearing', 'withdrawn')")
    change("assessors_change", ASN, ASSESSED, f"{ASSESSED} AND state = 'hearing'")
    ruled = f"state = 'ruled' AND ruler_id = {ME}"
    change("agency_change", HR_ADMIN, "true", f"state = 'hearing' OR {ruled}")


def secure_statements() -> None:
    """Said in one's own name, for one's own side, while the objection is open; never changed."""
    grant("objection_statements", "INSERT", ASN, HR_ADMIN)
    seen = "objection_id IN (SELECT id FROM objections)"
    policy("objection_statements", "assessors", "SELECT", (ASN,), seen)
    heard = (
        f"author_id = {ME} AND EXISTS (SELECT FROM objections o WHERE o.id = objection_id"
        f" AND o.employee_id = objection_statements.employee_id AND o.{OPEN})"
    )
    own_side = f"{heard} AND (side = 'person') = ({OWN})"
    policy("objection_statements", "speak", "INSERT", (ASN,), own_side)
    officers = f"{heard} AND side = 'assessors'"
    policy("objection_statements", "officers", "INSERT", (HR_ADMIN,), officers)


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in ("objections", "objection_statements"):
        secure_rows(table)
        grant(table, "SELECT", *STAFF)
        policy(table, "own", "SELECT", (ASN,), OWN)
        policy(table, "oversight", "SELECT", (HR_ADMIN, AUDITOR, SERVICE))
        audited(table, "employee_id")
    secure_objections()
    secure_statements()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
