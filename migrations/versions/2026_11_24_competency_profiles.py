"""Profiles and gaps of units, derived from results, seats and standards."""

from alembic import op

from migrations.security import AUDITOR, HR_ADMIN, JOBS, SERVICE, grant, policy, secure_rows

revision = "competency_profiles"
down_revision = "objections"

# Without foreign keys: what is derived can't refer to what is not there, and checking them would
# lock every employee while everybody is computed anew.
TABLES = """
CREATE TABLE competency_profiles (
    employee_id uuid NOT NULL,
    position_id uuid,
    unit_id uuid,
    job_kind varchar,
    golongan varchar,
    education varchar,
    result_id uuid,
    assessed_on date,
    valid_until date,
    levels smallint[] NOT NULL,
    required smallint[] NOT NULL,
    CONSTRAINT pk_competency_profiles PRIMARY KEY (employee_id)
);
CREATE INDEX ix_competency_profiles_unit_id ON competency_profiles (unit_id, employee_id);
CREATE INDEX ix_competency_profiles_position_id ON competency_profiles (position_id);
CREATE INDEX ix_competency_profiles_valid_until ON competency_profiles (valid_until, employee_id);

CREATE TABLE unit_gaps (
    unit_id uuid NOT NULL,
    job_kind varchar NOT NULL,
    competency_id uuid NOT NULL,
    people integer NOT NULL,
    assessed integer NOT NULL,
    short integer NOT NULL,
    gap integer NOT NULL,
    surplus integer NOT NULL,
    CONSTRAINT pk_unit_gaps PRIMARY KEY (unit_id, job_kind, competency_id)
);

CREATE TABLE competency_refreshes (
    id smallint NOT NULL,
    upto xid8 NOT NULL,
    day date NOT NULL,
    defaults varchar NOT NULL,
    refreshed_at timestamptz NOT NULL,
    CONSTRAINT pk_competency_refreshes PRIMARY KEY (id)
);
"""

# What a profile is made of; a change of any of them is found in the audit log, where it names the
# person, or the position whose holders it concerns.
OF_PEOPLE = (
    "assessment_results",
    "employee_educations",
    "employee_golongan",
    "employee_statuses",
    "seat_assignments",
)
OF_POSITIONS = ("competency_standards", "position_versions")
READ = (*OF_PEOPLE, *OF_POSITIONS, "competencies", "competency_scores")

FUNCTIONS = (
    """
    -- The profiles of these people (of everybody where NULL) as they are on a day, computed from
    -- results, seats and standards. `defaults` gives the level of each tier: a kind of job, or a
    -- jenjang of fungsional. This is the live query that the maintained tables save.
    CREATE FUNCTION app.competency_profiles_live(people uuid[], day date, defaults jsonb)
    RETURNS SETOF public.competency_profiles
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100000
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH seats AS MATERIALIZED (
            SELECT s.employee_id, v.position_id, v.unit_id, v.job_kind, v.jenjang
            FROM public.employee_statuses s
            LEFT JOIN (public.seat_assignments a
                       JOIN public.position_versions v
                           ON v.position_id = a.position_id
                           AND lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE)
                ON a.employee_id = s.employee_id AND a.kind = 'definitif'
                AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
            WHERE (people IS NULL OR s.employee_id = ANY (people))
              AND lower(s.valid) <= day AND (upper(s.valid) > day) IS NOT FALSE
        ), standards AS MATERIALIZED (
            SELECT p.position_id,
                   array_agg((100 * coalesce(
                       c.required_level,
                       CASE WHEN k.kind <> 'technical'
                            THEN (defaults ->> coalesce(p.jenjang, p.job_kind))::integer END
                   ))::smallint ORDER BY k.ordinal) AS required
            FROM (SELECT DISTINCT position_id, job_kind, jenjang FROM seats) AS p
            CROSS JOIN public.competencies k
            LEFT JOIN public.competency_standards c
                ON c.position_id = p.position_id AND c.competency_id = k.id
                AND lower(c.valid) <= day AND (upper(c.valid) > day) IS NOT FALSE
            GROUP BY p.position_id
        ), newest AS MATERIALIZED (
            SELECT DISTINCT ON (r.employee_id) r.employee_id, r.id, r.assessed_on, r.valid_until
            FROM public.assessment_results r
            WHERE r.superseded_at IS NULL AND (people IS NULL OR r.employee_id = ANY (people))
            ORDER BY r.employee_id, r.assessed_on DESC, r.published_at DESC
        ), scored AS MATERIALIZED (
            SELECT n.*, s.levels
            FROM newest n
            CROSS JOIN LATERAL (
                SELECT array_agg((100 * s.actual)::smallint ORDER BY k.ordinal) AS levels
                FROM public.competencies k
                LEFT JOIN public.competency_scores s
                    ON s.result_id = n.id AND s.competency_id = k.id) AS s
        ), educated AS (
            SELECT e.employee_id,
                   (ARRAY['sd', 'smp', 'sma', 'd1', 'd2', 'd3', 'd4', 's1', 's2', 's3'])[max(
                       array_position(ARRAY['sd', 'smp', 'sma', 'd1', 'd2', 'd3', 'd4', 's1',
                                            's2', 's3'], e.level::text))] AS level
            FROM public.employee_educations e
            WHERE people IS NULL OR e.employee_id = ANY (people)
            GROUP BY e.employee_id
        )
        SELECT p.employee_id, p.position_id, p.unit_id, p.job_kind, g.golongan, e.level,
               r.id, r.assessed_on, r.valid_until,
               coalesce(r.levels, '{}'), coalesce(s.required, '{}')
        FROM seats p
        LEFT JOIN standards s USING (position_id)
        LEFT JOIN scored r USING (employee_id)
        LEFT JOIN educated e USING (employee_id)
        LEFT JOIN public.employee_golongan g
            ON g.employee_id = p.employee_id
            AND lower(g.valid) <= day AND (upper(g.valid) > day) IS NOT FALSE;
    END
    """,
    """
    -- What profiles of these units (of all where NULL) come to, by kind of job and competency.
    CREATE FUNCTION app.unit_gaps_of_profiles(units uuid[], day date)
    RETURNS SETOF public.unit_gaps
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        SELECT p.unit_id, p.job_kind, c.id, count(*)::integer, count(l.level)::integer,
               (count(*) FILTER (WHERE l.level < s.required))::integer,
               coalesce(sum(greatest(s.required - l.level, 0)), 0)::integer,
               coalesce(sum(greatest(l.level - s.required, 0)), 0)::integer
        FROM public.competency_profiles p
        CROSS JOIN LATERAL unnest(p.required) WITH ORDINALITY AS s (required, ordinal)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p.valid_until > day THEN p.levels[s.ordinal] END AS level) AS l
        JOIN public.competencies c ON c.ordinal = s.ordinal
        WHERE s.required IS NOT NULL AND p.unit_id IS NOT NULL
          AND (units IS NULL OR p.unit_id = ANY (units))
        GROUP BY p.unit_id, p.job_kind, c.id;
    END
    """,
    f"""
    -- Whose profile may have changed by the transactions from `since` to below `before`.
    CREATE FUNCTION app.competency_changes(since xid8, before xid8) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH events AS MATERIALIZED (
            SELECT e.id, e.entity, e.subject_ids FROM public.audit_events e
            WHERE e.xid >= since AND e.xid < before AND e.kind = 'write'
              AND e.entity IN ({", ".join(f"'{t}'" for t in (*OF_PEOPLE, *OF_POSITIONS))})
        ), positions AS (
            SELECT coalesce(
                       (c -> 'after' ->> 'position_id')::uuid,
                       (c -> 'before' ->> 'position_id')::uuid,
                       v.position_id, s.position_id) AS position_id
            FROM events e
            JOIN public.audit_details d ON d.event_id = e.id
            CROSS JOIN LATERAL jsonb_array_elements(d.changes) AS c
            LEFT JOIN public.position_versions v ON v.id = (c ->> 'id')::uuid
            LEFT JOIN public.competency_standards s ON s.id = (c ->> 'id')::uuid
            WHERE e.entity IN ({", ".join(f"'{t}'" for t in OF_POSITIONS)})
        )
        SELECT coalesce(array_agg(DISTINCT found.person), '{{}}')
        FROM (SELECT unnest(subject_ids) FROM events
              UNION ALL
              SELECT a.employee_id FROM public.seat_assignments a JOIN positions USING (position_id)
        ) AS found (person);
    END
    """,
    """
    -- Follow the change log up to what is settled now; everybody anew on a new day, under new
    -- default levels, and where asked. Whose profile was computed is counted. One at a time.
    CREATE FUNCTION app.refresh_competency_profiles(
        today date, default_levels jsonb, rule text, everybody boolean DEFAULT false)
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        last public.competency_refreshes;
        before xid8;
        changed uuid[];
        units uuid[];
        refreshed integer;
    BEGIN
        PERFORM pg_advisory_xact_lock(1802333028);
        before := pg_snapshot_xmin(pg_current_snapshot());
        SELECT * INTO last FROM public.competency_refreshes;
        today := greatest(today, last.day);  -- a server whose clock is behind turns nothing back
        IF last.day = today AND last.defaults = rule AND NOT everybody THEN
            changed := app.competency_changes(last.upto, before);
            IF changed = '{}' THEN
                -- Behind a long transaction nothing is known of what came after it.
                UPDATE public.competency_refreshes SET upto = before, refreshed_at = now()
                WHERE upto < before;
                RETURN 0;
            END IF;
        END IF;
        SELECT array_agg(DISTINCT p.unit_id) INTO units
        FROM public.competency_profiles p WHERE p.employee_id = ANY (changed);
        DELETE FROM public.competency_profiles p
        WHERE changed IS NULL OR p.employee_id = ANY (changed);
        INSERT INTO public.competency_profiles
        SELECT * FROM app.competency_profiles_live(changed, today, default_levels);
        GET DIAGNOSTICS refreshed = ROW_COUNT;
        IF changed IS NOT NULL THEN
            units := array_cat(units, ARRAY(
                SELECT DISTINCT p.unit_id FROM public.competency_profiles p
                WHERE p.employee_id = ANY (changed) AND p.unit_id IS NOT NULL));
        END IF;
        DELETE FROM public.unit_gaps g WHERE changed IS NULL OR g.unit_id = ANY (units);
        INSERT INTO public.unit_gaps
        SELECT * FROM app.unit_gaps_of_profiles(
            CASE WHEN changed IS NOT NULL THEN coalesce(units, '{}') END, today);
        INSERT INTO public.competency_refreshes (id, upto, day, defaults, refreshed_at)
        VALUES (1, before, today, rule, now())
        ON CONFLICT (id) DO UPDATE
        SET upto = excluded.upto, day = excluded.day, defaults = excluded.defaults,
            refreshed_at = excluded.refreshed_at;
        RETURN refreshed;
    END $$
    """,
)
DERIVED = ("competency_profiles", "unit_gaps", "competency_refreshes")


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for statement in FUNCTIONS:
        op.execute(statement)
    for function in ("competency_profiles_live", "unit_gaps_of_profiles", "competency_changes"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION app.{function} FROM PUBLIC")
    op.execute("REVOKE EXECUTE ON FUNCTION app.refresh_competency_profiles FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION app.refresh_competency_profiles TO {JOBS}")
    for table in READ:
        policy(table, "profiles", "SELECT", ("CURRENT_USER",))
    for table in DERIVED:
        secure_rows(table)
        policy(table, "profiles", "ALL", ("CURRENT_USER",))
        grant(table, "SELECT", HR_ADMIN, AUDITOR, SERVICE)
        policy(table, "agency", "SELECT", (HR_ADMIN, AUDITOR, SERVICE))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
