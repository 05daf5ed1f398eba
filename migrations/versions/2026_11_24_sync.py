"""Delta synchronisation: what the audit log tells of changes, by ids alone."""

from alembic import op

from migrations.security import STAFF, policy

revision = "sync"
down_revision = "exports"

INDEX = "CREATE INDEX ix_audit_events_written ON audit_events (entity, xid) WHERE kind = 'write'"

# Nobody but an auditor reads the log. These functions run as its owner and give ids only; what
# stands behind an id is then read by the caller's own rights. They are planned anew each time:
# the log of five minutes and that of thirty days want different plans.
FUNCTIONS = (
    """
    -- Of whose changes the caller may know: NULL stands for everybody's.
    CREATE FUNCTION app.known_subjects() RETURNS uuid[] LANGUAGE sql STABLE
    RETURN CASE
        WHEN current_setting('role') = 'kemuning_asn' THEN
            app.current_employee() || app.subordinates()
            || ARRAY(SELECT candidate_id FROM public.assessor_assignments
                     WHERE rater_id = app.current_employee() AND source = 'assessor'
                       AND state <> 'withdrawn')
        WHEN current_setting('role')
             IN ('kemuning_hr_admin', 'kemuning_auditor', 'kemuning_service') THEN NULL
        ELSE '{}' END
    """,
    """
    -- The persons about whom these tables were written since: the events themselves name them, so
    -- that erased details are not missed. And those about whom a fact in one of the tables begins
    -- or ceases to hold on a day after `until` up to `today`.
    CREATE FUNCTION app.changed_persons(entities text[], since xid8, until date, today date)
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    DECLARE
        known uuid[] := app.known_subjects();
        dated text;
    BEGIN
        RETURN QUERY
        SELECT DISTINCT s.id FROM public.audit_events AS e, unnest(e.subject_ids) AS s (id)
        WHERE e.kind = 'write' AND e.entity = ANY (entities) AND e.xid >= since
          AND (known IS NULL OR e.subject_ids && known AND s.id = ANY (known));
        FOR dated IN
            SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
            WHERE until < today AND c.relnamespace = 'public'::regnamespace
              AND c.relname = ANY (entities) AND a.attname = 'valid'
        LOOP
            RETURN QUERY EXECUTE format($query$
                SELECT t.employee_id FROM public.%I AS t
                WHERE ($1 IS NULL OR t.employee_id = ANY ($1))
                  AND (lower(t.valid) > $2 AND lower(t.valid) <= $3
                       OR upper(t.valid) > $2 AND upper(t.valid) <= $3)
                $query$, dated) USING known, until, today;
        END LOOP;
    END $$
    """,
    """
    -- The same for what all staff may know of: the units, positions or events of which the rows of
    -- a table are part. Of an update the log tells only what differs: then the row itself names
    -- what it is part of.
    CREATE FUNCTION app.changed_wholes(entity text, whole text, since xid8, until date, today date)
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        IF (entity, whole) NOT IN (('units', 'id'), ('unit_versions', 'unit_id'),
                                   ('positions', 'id'), ('position_versions', 'position_id'),
                                   ('seat_assignments', 'position_id'),
                                   ('assessment_events', 'id')) THEN
            RAISE EXCEPTION '% of % is not synchronised', whole, entity;
        END IF;
        RETURN QUERY EXECUTE format($query$
            WITH changes AS MATERIALIZED (
                SELECT c AS change
                FROM public.audit_events AS e
                JOIN public.audit_details AS d ON d.event_id = e.id,
                     jsonb_array_elements(d.changes) AS c
                WHERE e.kind = 'write' AND e.entity = $1 AND e.xid >= $3
            )
            SELECT (change -> side ->> $2)::uuid
            FROM changes, unnest(ARRAY['before', 'after']) AS side
            WHERE change -> side ? $2
            UNION
            SELECT t.%1$I FROM public.%2$I AS t
            WHERE t.id IN (SELECT (change ->> 'id')::uuid FROM changes)
            $query$, whole, entity) USING entity, whole, since;
        IF until < today AND whole <> 'id' THEN
            RETURN QUERY EXECUTE format($query$
                SELECT t.%1$I FROM public.%2$I AS t
                WHERE lower(t.valid) > $1 AND lower(t.valid) <= $2
                   OR upper(t.valid) > $1 AND upper(t.valid) <= $2
                $query$, whole, entity) USING until, today;
        END IF;
    END $$
    """,
    """
    -- Where the log stands: every transaction below has ended. And which history of the database
    -- this is: one that was restored from a backup goes on in another.
    CREATE FUNCTION app.log_place(OUT xid text, OUT history text) LANGUAGE sql STABLE AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
           s.system_identifier || '/' || c.timeline_id
    FROM pg_control_system() AS s, pg_control_checkpoint() AS c
    $$
    """,
)
READ = ("units", "unit_versions", "positions", "employee_identifiers", "assessment_events")
"""What the functions read as their owner, beside what those of other migrations read already."""
GRANTED = (
    "app.changed_persons(text[], xid8, date, date)",
    "app.changed_wholes(text, text, xid8, date, date)",
    "app.log_place()",
)


def upgrade() -> None:
    op.execute(INDEX)
    for statement in FUNCTIONS:
        op.execute(statement)
    for table in READ:
        policy(table, "changes", "SELECT", ("CURRENT_USER",))
    op.execute("REVOKE EXECUTE ON FUNCTION app.known_subjects() FROM PUBLIC")
    for function in GRANTED:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(STAFF)}")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
