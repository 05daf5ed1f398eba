"""The queue of jobs: pgqueuer's own tables, and what the worker cleans up at night."""

import re

from alembic import op
from pgqueuer.adapters.persistence.schema_ddl import render_install
from pgqueuer.domain.settings import DBSettings

from migrations.security import EDITORS, JOBS, grant, policy

revision = "jobs"
down_revision = "imports"

QUEUE = ("pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics")
CLEANED = (
    *("idempotency_keys", "import_files", "import_progress"),
    *("sign_in_throttles", "sign_in_sessions", "invitations"),
)


def upgrade() -> None:
    script = render_install(DBSettings(), create_schema=False)
    for statement in re.split(r";\s+(?=CREATE )", script):
        op.get_bind().exec_driver_sql(statement)

    for table in QUEUE:
        grant(table, "SELECT, INSERT, UPDATE, DELETE", JOBS)
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {JOBS}")
    # Whoever may start a job may put it into the queue, and sees no other's payload there.
    grant("pgqueuer", "INSERT, SELECT (id, entrypoint, priority, dedupe_key)", *EDITORS)
    grant("pgqueuer_log", "INSERT", *EDITORS)
    for sequence in ("pgqueuer_id_seq", "pgqueuer_log_id_seq"):
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {', '.join(EDITORS)}")

    for table in CLEANED:
        grant(table, "SELECT, DELETE", JOBS)
        policy(table, "cleaning", "ALL", (JOBS,))
    grant("imports", "SELECT (id, state, created_at)", JOBS)
    policy("imports", "cleaning", "SELECT", (JOBS,))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
