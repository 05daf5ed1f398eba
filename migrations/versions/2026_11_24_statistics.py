"""Public statistics."""

from alembic import op

from migrations.security import HR_ADMIN, PEOPLE, audited, grant, policy, secure_rows

revision = "statistics"
down_revision = "sync"

TABLE = """
CREATE TABLE statistics_snapshots (
    id uuid DEFAULT uuidv7() NOT NULL,
    dataset varchar NOT NULL,
    day date NOT NULL,
    k smallint NOT NULL,
    rule varchar NOT NULL,
    dimensions jsonb NOT NULL,
    cells jsonb NOT NULL,
    sha256 varchar NOT NULL,
    published_by uuid NOT NULL,
    published_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_statistics_snapshots PRIMARY KEY (id),
    CONSTRAINT ck_statistics_snapshots_dataset CHECK (dataset IN ('fit', 'competency_gaps')),
    CONSTRAINT fk_statistics_snapshots_published_by
        FOREIGN KEY (published_by) REFERENCES accounts (id)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(
        "CREATE UNIQUE INDEX uq_statistics_snapshots_dataset_day"
        " ON statistics_snapshots (dataset, day)"
    )
    secure_rows("statistics_snapshots")
    grant("statistics_snapshots", "SELECT", *PEOPLE)
    policy("statistics_snapshots", "everybody", "SELECT", PEOPLE)
    grant("statistics_snapshots", "INSERT", HR_ADMIN)
    policy("statistics_snapshots", "publish", "INSERT", (HR_ADMIN,))
    audited("statistics_snapshots")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
