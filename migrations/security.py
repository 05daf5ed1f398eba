"""The words in which a migration says who may touch a table: grants, row policies, audit.

Personas are NOLOGIN roles; the login role may become each of them and nothing else. Policies
name their persona, never test it in an OR: the planner then drops what doesn't apply.
"""

from alembic import op

PERSONAS = (
    "kemuning_public",
    "kemuning_asn",
    "kemuning_hr_admin",
    "kemuning_auditor",
    "kemuning_service",
    "kemuning_sign_in",
    "kemuning_recorder",
    "kemuning_sequencer",
    "kemuning_jobs",
)
PUBLIC, ASN, HR_ADMIN, AUDITOR, SERVICE, SIGN_IN, RECORDER, SEQUENCER, JOBS = PERSONAS
PEOPLE = (PUBLIC, ASN, HR_ADMIN, AUDITOR, SERVICE)
STAFF = (ASN, HR_ADMIN, AUDITOR, SERVICE)
EDITORS = (HR_ADMIN, SERVICE)


def grant(table: str, rights: str, *personas: str) -> None:
    """GRANT rights on a table."""
    op.execute(f"GRANT {rights} ON {table} TO {', '.join(personas)}")


def secure_rows(table: str, *, force: bool = True) -> None:
    """Row-level security: without a policy nobody sees a row.

    `force` binds the owner too; left off only where a SECURITY DEFINER function of the owner
    must read or write the table (accounts and the audit log).
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    if force:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def policy(
    table: str, name: str, command: str, personas: tuple[str, ...], rows: str = "true"
) -> None:
    """A policy: these personas may do this command to these rows."""
    using = "" if command == "INSERT" else f"USING ({rows})"
    check = "" if command in ("SELECT", "DELETE") else f"WITH CHECK ({rows})"
    op.execute(
        f"CREATE POLICY {name} ON {table} FOR {command} TO {', '.join(personas)} {using} {check}"
    )


def person_scoped(table: str, column: str = "employee_id") -> None:
    """A table about employees: the person sees their own rows, staff of the agency all."""
    secure_rows(table)
    grant(table, "SELECT", *STAFF)
    grant(table, "INSERT, UPDATE, DELETE", *EDITORS)
    policy(table, "own", "SELECT", (ASN,), f"{column} = (SELECT app.current_employee())")
    policy(table, "oversight", "SELECT", (AUDITOR,))
    policy(table, "editors", "ALL", EDITORS)


def audited(table: str, subject: str | None = None, hidden: tuple[str, ...] = ()) -> None:
    """Every write of the table leaves an event; `hidden` columns never reach it.

    `subject` is the column that names the employee whom a row is about.
    """
    arguments = ", ".join(f"'{a}'" for a in (subject or "", *hidden))
    for event, tables in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        op.execute(
            f"CREATE TRIGGER audit_{event.lower()} AFTER {event} ON {table} "
            f"REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION app.audit_write({arguments})"
        )


def without_overlaps(table: str, name: str, *columns: str) -> None:
    """PostgreSQL 18's temporal key: these columns hold one fact a day."""
    op.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} "
        f"UNIQUE ({', '.join(columns)}, valid WITHOUT OVERLAPS)"
    )
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_valid CHECK (NOT isempty(valid))")
