"""The competency dictionary and the standards of positions."""

import json
import tomllib
from datetime import date
from pathlib import Path

from alembic import op
from sqlalchemy import text

from migrations.security import (
    ASN,
    AUDITOR,
    EDITORS,
    PEOPLE,
    STAFF,
    audited,
    grant,
    policy,
    secure_rows,
    without_overlaps,
)

revision = "competencies"
down_revision = "jobs"

TABLES = """
CREATE TABLE competencies (
    id uuid DEFAULT uuidv7() NOT NULL,
    code varchar NOT NULL,
    kind varchar NOT NULL,
    job_family varchar,
    ordinal smallint NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_competencies PRIMARY KEY (id),
    CONSTRAINT ck_competencies_kind
        CHECK (kind IN ('managerial', 'socio_cultural', 'technical')),
    CONSTRAINT ck_competencies_job_family
        CHECK ((kind = 'technical') = (job_family IS NOT NULL)),
    CONSTRAINT ck_competencies_ordinal CHECK (ordinal BETWEEN 1 AND 1000)
);
CREATE UNIQUE INDEX uq_competencies_code ON competencies (code);
CREATE UNIQUE INDEX uq_competencies_ordinal ON competencies (ordinal);

CREATE TABLE competency_versions (
    id uuid DEFAULT uuidv7() NOT NULL,
    competency_id uuid NOT NULL,
    name varchar NOT NULL,
    definition varchar NOT NULL,
    levels jsonb NOT NULL,
    source varchar NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_competency_versions PRIMARY KEY (id),
    CONSTRAINT fk_competency_versions_competency_id
        FOREIGN KEY (competency_id) REFERENCES competencies (id)
);
CREATE INDEX ix_competency_versions_competency_id ON competency_versions (competency_id);

CREATE TABLE standard_proposals (
    id uuid DEFAULT uuidv7() NOT NULL,
    position_id uuid NOT NULL,
    effective_from date NOT NULL,
    levels jsonb NOT NULL,
    basis varchar NOT NULL,
    state varchar DEFAULT 'proposed' NOT NULL,
    proposed_by uuid NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    decision_reason varchar,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_standard_proposals PRIMARY KEY (id),
    CONSTRAINT ck_standard_proposals_state
        CHECK (state IN ('proposed', 'approved', 'declined', 'withdrawn')),
    CONSTRAINT ck_standard_proposals_decided
        CHECK ((state IN ('approved', 'declined')) = (decided_by IS NOT NULL)),
    CONSTRAINT ck_standard_proposals_four_eyes CHECK (decided_by <> proposed_by),
    CONSTRAINT ck_standard_proposals_declined_why
        CHECK (state <> 'declined' OR decision_reason IS NOT NULL),
    CONSTRAINT fk_standard_proposals_position_id
        FOREIGN KEY (position_id) REFERENCES positions (id),
    CONSTRAINT fk_standard_proposals_proposed_by
        FOREIGN KEY (proposed_by) REFERENCES accounts (id),
    CONSTRAINT fk_standard_proposals_decided_by
        FOREIGN KEY (decided_by) REFERENCES accounts (id)
);
CREATE INDEX ix_standard_proposals_position_id ON standard_proposals (position_id);
CREATE INDEX ix_standard_proposals_state ON standard_proposals (state, created_at, id);
CREATE UNIQUE INDEX uq_standard_proposals_pending
    ON standard_proposals (position_id) WHERE state = 'proposed';

CREATE TABLE competency_standards (
    id uuid DEFAULT uuidv7() NOT NULL,
    position_id uuid NOT NULL,
    competency_id uuid NOT NULL,
    required_level smallint NOT NULL,
    proposal_id uuid NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_competency_standards PRIMARY KEY (id),
    CONSTRAINT ck_competency_standards_required_level CHECK (required_level BETWEEN 1 AND 5),
    CONSTRAINT fk_competency_standards_position_id
        FOREIGN KEY (position_id) REFERENCES positions (id),
    CONSTRAINT fk_competency_standards_competency_id
        FOREIGN KEY (competency_id) REFERENCES competencies (id),
    CONSTRAINT fk_competency_standards_proposal_id
        FOREIGN KEY (proposal_id) REFERENCES standard_proposals (id)
);
CREATE INDEX ix_competency_standards_position_id ON competency_standards (position_id);
"""

TABLE_NAMES = ("competencies", "competency_versions", "standard_proposals", "competency_standards")
DATA = Path(__file__).parent.parent / "data"
SOURCE = "PermenPANRB 38/2017; uraian oleh Kemuning"
FIRST_DAY = date(2018, 1, 1)


def install_dictionary() -> None:
    """The dictionary that Kemuning brings along; a government goes on from it in its own words."""
    dictionary = tomllib.loads((DATA / "competencies.toml").read_text(encoding="utf-8"))
    connection = op.get_bind()
    for ordinal, entry in enumerate(dictionary["competency"], start=1):
        competency_id = connection.scalar(
            text(
                "INSERT INTO competencies (code, kind, job_family, ordinal)"
                " VALUES (:code, :kind, :job_family, :ordinal) RETURNING id"
            ),
            {
                "code": entry["code"],
                "kind": entry["kind"],
                "job_family": entry.get("job_family"),
                "ordinal": ordinal,
            },
        )
        connection.execute(
            text(
                "INSERT INTO competency_versions"
                " (competency_id, name, definition, levels, source, valid)"
                " VALUES (:competency_id, :name, :definition, CAST(:levels AS jsonb), :source,"
                " daterange(:first_day, NULL))"
            ),
            {
                "competency_id": competency_id,
                "name": entry["name"],
                "definition": entry["definition"],
                "levels": json.dumps(entry["level"], ensure_ascii=False),
                "source": SOURCE,
                "first_day": FIRST_DAY,
            },
        )


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    without_overlaps("competency_versions", "uq_competency_versions_competency_id", "competency_id")
    without_overlaps(
        "competency_standards",
        "uq_competency_standards_position_id_competency_id",
        "position_id",
        "competency_id",
    )

    install_dictionary()

    for table in ("competencies", "competency_versions"):
        secure_rows(table)
        grant(table, "SELECT", *PEOPLE)
        policy(table, "everyone", "SELECT", PEOPLE)
    secure_rows("competency_standards")
    grant("competency_standards", "SELECT", *STAFF)
    policy("competency_standards", "staff", "SELECT", STAFF)
    secure_rows("standard_proposals")
    grant("standard_proposals", "SELECT", ASN, AUDITOR)
    policy("standard_proposals", "approved", "SELECT", (ASN,), "state = 'approved'")
    policy("standard_proposals", "oversight", "SELECT", (AUDITOR,))
    for table in TABLE_NAMES:
        grant(table, "SELECT, INSERT, UPDATE, DELETE", *EDITORS)
        policy(table, "editors", "ALL", EDITORS)
        audited(table)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
