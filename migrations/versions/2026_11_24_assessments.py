"""Assessments: providers, events, raters, ratings and results."""

from alembic import op

from migrations.security import (
    ASN,
    AUDITOR,
    EDITORS,
    STAFF,
    audited,
    grant,
    policy,
    secure_rows,
    without_overlaps,
)

revision = "assessments"
down_revision = "competencies"

TABLES = """
CREATE TABLE assessment_providers (
    id uuid DEFAULT uuidv7() NOT NULL,
    code varchar NOT NULL,
    name varchar NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessment_providers PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_assessment_providers_code ON assessment_providers (code);

CREATE TABLE provider_accreditations (
    id uuid DEFAULT uuidv7() NOT NULL,
    provider_id uuid NOT NULL,
    accreditation_no varchar NOT NULL,
    purposes varchar[] NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_provider_accreditations PRIMARY KEY (id),
    CONSTRAINT ck_provider_accreditations_purposes CHECK (cardinality(purposes) > 0),
    CONSTRAINT fk_provider_accreditations_provider_id
        FOREIGN KEY (provider_id) REFERENCES assessment_providers (id)
);
CREATE INDEX ix_provider_accreditations_provider_id ON provider_accreditations (provider_id);

CREATE TABLE assessment_events (
    id uuid DEFAULT uuidv7() NOT NULL,
    code varchar NOT NULL,
    title varchar NOT NULL,
    purpose varchar NOT NULL,
    method varchar NOT NULL,
    provider_id uuid NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    closed_at timestamptz,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessment_events PRIMARY KEY (id),
    CONSTRAINT ck_assessment_events_purpose
        CHECK (purpose IN ('promotion', 'mutation', 'mapping')),
    CONSTRAINT ck_assessment_events_method
        CHECK (method IN ('assessment_center', 'interview', 'computer_test', 'multi_rater')),
    CONSTRAINT ck_assessment_events_days CHECK (ends_on >= starts_on),
    CONSTRAINT fk_assessment_events_provider_id
        FOREIGN KEY (provider_id) REFERENCES assessment_providers (id)
);
CREATE INDEX ix_assessment_events_provider_id ON assessment_events (provider_id);
CREATE INDEX ix_assessment_events_starts_on ON assessment_events (starts_on, id);
CREATE UNIQUE INDEX uq_assessment_events_code ON assessment_events (code);

-- Imports came first, and bring the results of events too.
ALTER TABLE imports ADD CONSTRAINT fk_imports_event_id
    FOREIGN KEY (event_id) REFERENCES assessment_events (id);

CREATE TABLE assessments (
    id uuid DEFAULT uuidv7() NOT NULL,
    event_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    position_id uuid NOT NULL,
    state varchar DEFAULT 'draft' NOT NULL,
    submitted_at timestamptz,
    moderated_by uuid,
    moderated_at timestamptz,
    note varchar,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessments PRIMARY KEY (id),
    CONSTRAINT ck_assessments_state
        CHECK (state IN ('draft', 'submitted', 'moderated', 'published', 'superseded',
        'cancelled')),
    CONSTRAINT ck_assessments_moderated
        CHECK ((state IN ('moderated', 'published', 'superseded')) <= (moderated_by IS NOT NULL)),
    CONSTRAINT fk_assessments_event_id FOREIGN KEY (event_id) REFERENCES assessment_events (id),
    CONSTRAINT fk_assessments_employee_id FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_assessments_position_id FOREIGN KEY (position_id) REFERENCES positions (id),
    CONSTRAINT fk_assessments_moderated_by FOREIGN KEY (moderated_by) REFERENCES accounts (id)
);
CREATE INDEX ix_assessments_employee_id ON assessments (employee_id);
CREATE INDEX ix_assessments_event_id ON assessments (event_id, state, id);
CREATE INDEX ix_assessments_position_id ON assessments (position_id);
CREATE INDEX ix_assessments_state ON assessments (state, id);
CREATE UNIQUE INDEX uq_assessments_event_id_employee_id
    ON assessments (event_id, employee_id) WHERE state <> 'cancelled';

CREATE TABLE assessor_assignments (
    id uuid DEFAULT uuidv7() NOT NULL,
    assessment_id uuid NOT NULL,
    candidate_id uuid NOT NULL,
    rater_id uuid,
    source varchar NOT NULL,
    state varchar DEFAULT 'assigned' NOT NULL,
    potential_score numeric(5, 2),
    submitted_at timestamptz,
    note varchar,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessor_assignments PRIMARY KEY (id),
    CONSTRAINT ck_assessor_assignments_source
        CHECK (source IN ('self', 'superior', 'peer', 'subordinate', 'assessor')),
    CONSTRAINT ck_assessor_assignments_state
        CHECK (state IN ('assigned', 'submitted', 'withdrawn')),
    CONSTRAINT ck_assessor_assignments_self
        CHECK ((source = 'self') = (rater_id IS NOT DISTINCT FROM candidate_id)),
    CONSTRAINT ck_assessor_assignments_provider
        CHECK (rater_id IS NOT NULL OR source = 'assessor'),
    CONSTRAINT ck_assessor_assignments_submitted
        CHECK ((state = 'submitted') = (submitted_at IS NOT NULL)),
    CONSTRAINT ck_assessor_assignments_potential_score CHECK (potential_score BETWEEN 0 AND 100),
    CONSTRAINT ck_assessor_assignments_potential_source
        CHECK (potential_score IS NULL OR source = 'assessor'),
    CONSTRAINT fk_assessor_assignments_assessment_id
        FOREIGN KEY (assessment_id) REFERENCES assessments (id),
    CONSTRAINT fk_assessor_assignments_candidate_id
        FOREIGN KEY (candidate_id) REFERENCES employees (id),
    CONSTRAINT fk_assessor_assignments_rater_id FOREIGN KEY (rater_id) REFERENCES employees (id)
);
CREATE INDEX ix_assessor_assignments_assessment_id ON assessor_assignments (assessment_id);
CREATE INDEX ix_assessor_assignments_rater_id ON assessor_assignments (rater_id, state, id);
CREATE UNIQUE INDEX uq_assessor_assignments_assessment_id_rater_id
    ON assessor_assignments (assessment_id, rater_id) NULLS NOT DISTINCT WHERE state <> 'withdrawn';

CREATE TABLE assessment_ratings (
    id uuid DEFAULT uuidv7() NOT NULL,
    assignment_id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    competency_id uuid NOT NULL,
    rater_id uuid,
    source varchar NOT NULL,
    level smallint NOT NULL,
    note varchar,
    evidence jsonb DEFAULT '[]' NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessment_ratings PRIMARY KEY (id),
    CONSTRAINT ck_assessment_ratings_source
        CHECK (source IN ('self', 'superior', 'peer', 'subordinate', 'assessor')),
    CONSTRAINT ck_assessment_ratings_level CHECK (level BETWEEN 0 AND 5),
    CONSTRAINT fk_assessment_ratings_assignment_id
        FOREIGN KEY (assignment_id) REFERENCES assessor_assignments (id),
    CONSTRAINT fk_assessment_ratings_assessment_id
        FOREIGN KEY (assessment_id) REFERENCES assessments (id),
    CONSTRAINT fk_assessment_ratings_competency_id
        FOREIGN KEY (competency_id) REFERENCES competencies (id),
    CONSTRAINT fk_assessment_ratings_rater_id FOREIGN KEY (rater_id) REFERENCES employees (id)
);
CREATE INDEX ix_assessment_ratings_assessment_id ON assessment_ratings (assessment_id);
CREATE UNIQUE INDEX uq_assessment_ratings_assignment_id_competency_id
    ON assessment_ratings (assignment_id, competency_id);

CREATE TABLE assessment_results (
    id uuid DEFAULT uuidv7() NOT NULL,
    assessment_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    position_id uuid NOT NULL,
    version_no smallint NOT NULL,
    purpose varchar NOT NULL,
    assessed_on date NOT NULL,
    inputs jsonb NOT NULL,
    rules jsonb NOT NULL,
    outcome jsonb NOT NULL,
    jpm numeric(7, 2),
    jpm_uncapped numeric(7, 2),
    band varchar,
    potential varchar,
    gaps smallint NOT NULL,
    valid_until date NOT NULL,
    reason varchar NOT NULL,
    published_by uuid NOT NULL,
    published_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    superseded_at timestamptz,
    CONSTRAINT pk_assessment_results PRIMARY KEY (id),
    CONSTRAINT ck_assessment_results_purpose
        CHECK (purpose IN ('promotion', 'mutation', 'mapping')),
    CONSTRAINT ck_assessment_results_band
        CHECK (band IN ('memenuhi_syarat', 'masih_memenuhi_syarat', 'kurang_memenuhi_syarat',
        'optimal', 'cukup_optimal', 'kurang_optimal')),
    CONSTRAINT ck_assessment_results_potential
        CHECK (potential IN ('tinggi', 'menengah', 'rendah')),
    CONSTRAINT ck_assessment_results_band_of_jpm CHECK ((jpm IS NULL) = (band IS NULL)),
    CONSTRAINT fk_assessment_results_assessment_id
        FOREIGN KEY (assessment_id) REFERENCES assessments (id),
    CONSTRAINT fk_assessment_results_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_assessment_results_position_id
        FOREIGN KEY (position_id) REFERENCES positions (id),
    CONSTRAINT fk_assessment_results_published_by
        FOREIGN KEY (published_by) REFERENCES accounts (id)
);
CREATE INDEX ix_assessment_results_employee_id
    ON assessment_results (employee_id, assessed_on, id);
CREATE INDEX ix_assessment_results_published_at ON assessment_results (published_at, id);
CREATE INDEX ix_assessment_results_valid_until
    ON assessment_results (valid_until, id) WHERE superseded_at IS NULL;
CREATE UNIQUE INDEX uq_assessment_results_in_force
    ON assessment_results (assessment_id) WHERE superseded_at IS NULL;
CREATE UNIQUE INDEX uq_assessment_results_version_no
    ON assessment_results (assessment_id, version_no);

CREATE TABLE competency_scores (
    id uuid DEFAULT uuidv7() NOT NULL,
    result_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    competency_id uuid NOT NULL,
    competency_version_id uuid NOT NULL,
    required smallint NOT NULL,
    actual numeric(3, 2),
    gap numeric(3, 2),
    surplus numeric(3, 2),
    CONSTRAINT pk_competency_scores PRIMARY KEY (id),
    CONSTRAINT ck_competency_scores_required CHECK (required BETWEEN 1 AND 5),
    CONSTRAINT ck_competency_scores_actual CHECK (actual BETWEEN 0 AND 5),
    CONSTRAINT fk_competency_scores_result_id
        FOREIGN KEY (result_id) REFERENCES assessment_results (id),
    CONSTRAINT fk_competency_scores_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_competency_scores_competency_id
        FOREIGN KEY (competency_id) REFERENCES competencies (id),
    CONSTRAINT fk_competency_scores_competency_version_id
        FOREIGN KEY (competency_version_id) REFERENCES competency_versions (id)
);
CREATE UNIQUE INDEX uq_competency_scores_result_id_competency_id
    ON competency_scores (result_id, competency_id);
"""

FUNCTIONS = (
    """
    CREATE FUNCTION app.today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (now() AT TIME ZONE 'Asia/Jakarta')::date
    """,
    """
    -- How high a managerial position stands (UU 20/2023 art. 13); 0 for the others.
    CREATE FUNCTION app.managerial_rank(job_kind text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE job_kind
        WHEN 'jpt_utama' THEN 5 WHEN 'jpt_madya' THEN 4 WHEN 'jpt_pratama' THEN 3
        WHEN 'administrator' THEN 2 WHEN 'pengawas' THEN 1 ELSE 0 END
    """,
    """
    -- The positions that lead a unit on a day: the highest managerial ones in it.
    CREATE FUNCTION app.leading_positions(units uuid[], day date)
    RETURNS TABLE (unit_id uuid, position_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        SELECT ranked.unit_id, ranked.position_id
        FROM (SELECT v.unit_id, v.position_id,
                     rank() OVER (PARTITION BY v.unit_id
                                  ORDER BY app.managerial_rank(v.job_kind) DESC) AS place
              FROM public.position_versions v
              WHERE v.unit_id = ANY (units) AND app.managerial_rank(v.job_kind) > 0
                AND lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE) AS ranked
        WHERE place = 1;
    END
    """,
    """
    -- Whom the current employee leads on a day: everybody with a seat in a unit that they lead (for
    -- good or acting) or below it, but for those who lead that same unit.
    CREATE FUNCTION app.subordinates(day date DEFAULT app.today()) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH RECURSIVE own AS MATERIALIZED (
            SELECT v.unit_id, v.position_id
            FROM public.seat_assignments a JOIN public.position_versions v USING (position_id)
            WHERE a.employee_id = app.current_employee() AND app.managerial_rank(v.job_kind) > 0
              AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
              AND lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE
        ), led AS MATERIALIZED (
            SELECT l.unit_id
            FROM app.leading_positions(ARRAY(SELECT unit_id FROM own), day) l
            JOIN own USING (unit_id, position_id)
        ), heads AS MATERIALIZED (
            SELECT l.unit_id AS top, a.employee_id
            FROM app.leading_positions(ARRAY(SELECT unit_id FROM led), day) l
            JOIN public.seat_assignments a USING (position_id)
            WHERE lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
        ), tree AS (
            SELECT unit_id AS top, unit_id FROM led
            UNION
            SELECT tree.top, u.unit_id
            FROM public.unit_versions u JOIN tree ON u.parent_id = tree.unit_id
            WHERE lower(u.valid) <= day AND (upper(u.valid) > day) IS NOT FALSE
        )
        SELECT coalesce(array_agg(DISTINCT a.employee_id), '{}')
        FROM tree
        JOIN public.position_versions v USING (unit_id)
        JOIN public.seat_assignments a USING (position_id)
        WHERE lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE
          AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
          AND NOT EXISTS (SELECT FROM heads h
                          WHERE h.top = tree.top AND h.employee_id = a.employee_id);
    END
    """,
    """
    -- Who leads a person on a day: the holders of the positions that lead the person's units and
    -- the units above, but for those who lead the same unit. The twin of app.subordinates.
    CREATE FUNCTION app.superiors(person uuid, day date DEFAULT app.today()) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH RECURSIVE own AS MATERIALIZED (
            SELECT v.unit_id, v.position_id
            FROM public.seat_assignments a JOIN public.position_versions v USING (position_id)
            WHERE a.employee_id = person
              AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
              AND lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE
        ), up AS (
            SELECT unit_id FROM own
            UNION
            SELECT u.parent_id FROM public.unit_versions u JOIN up ON u.unit_id = up.unit_id
            WHERE u.parent_id IS NOT NULL
              AND lower(u.valid) <= day AND (upper(u.valid) > day) IS NOT FALSE
        )
        SELECT coalesce(array_agg(DISTINCT a.employee_id), '{}')
        FROM app.leading_positions(ARRAY(SELECT unit_id FROM up), day) l
        JOIN public.seat_assignments a USING (position_id)
        WHERE lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
          AND a.employee_id <> person
          AND NOT EXISTS (
              SELECT FROM own JOIN app.leading_positions(ARRAY(SELECT unit_id FROM own), day) o
                  USING (unit_id, position_id)
              WHERE o.unit_id = l.unit_id);
    END
    """,
    """
    -- The assessments that the current employee rates in any part, and those as an assessor.
    -- They run as whoever asks, who reads their own assignments only.
    CREATE FUNCTION app.rated_assessments() RETURNS uuid[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT assessment_id FROM public.assessor_assignments
                 WHERE rater_id = app.current_employee() AND state <> 'withdrawn')
    """,
    """
    CREATE FUNCTION app.assessed_assessments() RETURNS uuid[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT assessment_id FROM public.assessor_assignments
                 WHERE rater_id = app.current_employee() AND state <> 'withdrawn'
                   AND source = 'assessor')
    """,
    """
    -- What the rules are given: the levels of each source, without who gave them. Of peers and of
    -- subordinates nothing but their number, where they are fewer than the threshold: two at least,
    -- since what a single one gave is no secret under any threshold. So too of a competency that
    -- fewer of them rated, as when the event was moved while they rated.
    CREATE FUNCTION app.counted_ratings(assessments uuid[], threshold integer)
    RETURNS TABLE (assessment_id uuid, source text, raters integer, competency_id uuid,
                   levels smallint[])
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH sources AS (
            SELECT a.assessment_id, a.source, count(*)::integer AS raters, array_agg(a.id) AS ids
            FROM public.assessor_assignments a
            WHERE a.assessment_id = ANY (assessments) AND a.state = 'submitted'
            GROUP BY a.assessment_id, a.source
        )
        SELECT s.assessment_id, s.source, s.raters, r.competency_id,
               array_agg(r.level ORDER BY r.level) FILTER (WHERE r.level IS NOT NULL)
        FROM sources s
        LEFT JOIN public.assessment_ratings r
            ON r.assessment_id = s.assessment_id AND r.assignment_id = ANY (s.ids)
            AND (s.source NOT IN ('peer', 'subordinate') OR s.raters >= greatest(threshold, 2))
        GROUP BY s.assessment_id, s.source, s.raters, r.competency_id
        HAVING r.competency_id IS NULL OR s.source NOT IN ('peer', 'subordinate')
            OR count(*) >= greatest(threshold, 2);
    END
    """,
    """
    -- How many raters an assessment has and how many are done, without who or of which source.
    CREATE FUNCTION app.rating_progress(assessments uuid[])
    RETURNS TABLE (assessment_id uuid, assigned integer, submitted integer)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        SELECT a.assessment_id, count(*)::integer,
               count(*) FILTER (WHERE a.state = 'submitted')::integer
        FROM public.assessor_assignments a
        WHERE a.assessment_id = ANY (assessments) AND a.state <> 'withdrawn'
        GROUP BY a.assessment_id;
    END
    """,
    """
    -- The names of those of these people whom the current employee leads or rates: of all that is
    -- recorded about them, a rater needs no more.
    CREATE FUNCTION app.known_names(people uuid[])
    RETURNS TABLE (employee_id uuid, name text, title_prefix text, title_suffix text)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        SELECT p.employee_id, p.name, p.title_prefix, p.title_suffix
        FROM public.employee_profiles p
        WHERE p.employee_id = ANY (people)
          AND lower(p.valid) <= app.today() AND (upper(p.valid) > app.today()) IS NOT FALSE
          AND (p.employee_id = (SELECT app.current_employee())
               OR p.employee_id = ANY ((SELECT app.subordinates())::uuid[])
               OR p.employee_id IN (
                   SELECT a.candidate_id FROM public.assessor_assignments a
                   WHERE a.rater_id = (SELECT app.current_employee())
                     AND a.state <> 'withdrawn'));
    END
    """,
)

FUNCTION_USERS = {
    "app.today": STAFF,
    "app.leading_positions": ("CURRENT_USER",),
    "app.subordinates": (ASN,),
    "app.superiors": EDITORS,
    "app.counted_ratings": EDITORS,
    "app.rating_progress": (ASN,),
    "app.known_names": (ASN,),
}

FUNCTION_TABLES = (
    "unit_versions",
    "employee_profiles",
    "assessor_assignments",
    "assessment_ratings",
)
"""What the functions read as their owner, beside what those of the organisation read already."""
ME = "(SELECT app.current_employee())"
OWN = f"employee_id = {ME}"
LED = "employee_id IN (SELECT unnest(app.subordinates()))"
ANONYMOUS = "source IN ('peer', 'subordinate')"


def secure_assessments() -> None:
    """The person, their superiors, their raters, the agency and auditors know of it."""
    secure_rows("assessments")
    grant("assessments", "SELECT", *STAFF)
    grant("assessments", "INSERT, UPDATE", *EDITORS)
    policy("assessments", "own", "SELECT", (ASN,), OWN)
    policy("assessments", "superiors", "SELECT", (ASN,), LED)
    rated = "id IN (SELECT unnest(app.rated_assessments()))"
    policy("assessments", "raters", "SELECT", (ASN,), rated)
    policy("assessments", "oversight", "SELECT", (AUDITOR,))
    policy("assessments", "editors", "ALL", EDITORS)
    audited("assessments", "employee_id")


def secure_assignments() -> None:
    """Who rates whom is known to the rater, the agency and auditors, never to the person.

    For the same reason its events name nobody: a person reads the events about themself.
    """
    secure_rows("assessor_assignments")
    grant("assessor_assignments", "SELECT", *STAFF)
    grant("assessor_assignments", "INSERT, UPDATE", *EDITORS)
    columns = "state, submitted_at, potential_score, version, updated_at"
    grant("assessor_assignments", f"UPDATE ({columns})", ASN)
    rater = f"rater_id = {ME}"
    policy("assessor_assignments", "rater", "SELECT", (ASN,), f"{rater} AND state <> 'withdrawn'")
    op.execute(
        "CREATE POLICY rate ON assessor_assignments FOR UPDATE TO kemuning_asn"
        f" USING ({rater} AND state = 'assigned')"
        f" WITH CHECK ({rater} AND state IN ('assigned', 'submitted'))"
    )
    policy("assessor_assignments", "oversight", "SELECT", (AUDITOR,))
    policy("assessor_assignments", "editors", "ALL", EDITORS)
    audited("assessor_assignments")


def secure_ratings() -> None:
    """A rater writes their own until it is submitted.

    The agency reads the named ones, and enters a provider's.
    """
    secure_rows("assessment_ratings")
    grant("assessment_ratings", "SELECT", *STAFF)
    grant("assessment_ratings", "INSERT, UPDATE, DELETE", ASN, *EDITORS)
    open_to_me = f"a.id = assignment_id AND a.rater_id = {ME} AND a.state = 'assigned'"
    assigned = f"EXISTS (SELECT FROM assessor_assignments a WHERE {open_to_me})"
    policy("assessment_ratings", "own", "SELECT", (ASN,), f"rater_id = {ME}")
    for command in ("INSERT", "UPDATE", "DELETE"):
        own = f"rater_id = {ME} AND {assigned}"
        policy("assessment_ratings", f"rate_{command.lower()}", command, (ASN,), own)
        provider = "rater_id IS NULL AND source = 'assessor'"
        policy("assessment_ratings", f"provider_{command.lower()}", command, EDITORS, provider)
    policy("assessment_ratings", "named", "SELECT", EDITORS, f"NOT ({ANONYMOUS})")
    policy("assessment_ratings", "oversight", "SELECT", (AUDITOR,))
    audited("assessment_ratings")


def secure_results(table: str) -> None:
    """The person, their superiors, their assessors, the agency and auditors; nothing is changed."""
    secure_rows(table)
    grant(table, "SELECT", *STAFF)
    grant(table, "INSERT", *EDITORS)
    assessed = "assessment_id IN (SELECT unnest(app.assessed_assessments()))"
    if table == "assessment_results":
        grant(table, "UPDATE (superseded_at)", *EDITORS)
    else:
        assessed = f"result_id IN (SELECT id FROM assessment_results WHERE {assessed})"
    policy(table, "own", "SELECT", (ASN,), OWN)
    policy(table, "superiors", "SELECT", (ASN,), LED)
    policy(table, "assessors", "SELECT", (ASN,), assessed)
    policy(table, "oversight", "SELECT", (AUDITOR,))
    policy(table, "editors", "ALL", EDITORS)
    audited(table, "employee_id")


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    without_overlaps(
        "provider_accreditations", "uq_provider_accreditations_provider_id", "provider_id"
    )
    for statement in FUNCTIONS:
        op.execute(statement)
    for table in FUNCTION_TABLES:
        policy(table, "functions", "SELECT", ("CURRENT_USER",))
    for function, personas in FUNCTION_USERS.items():
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(personas)}")

    for table in ("assessment_providers", "provider_accreditations", "assessment_events"):
        secure_rows(table)
        grant(table, "SELECT", *STAFF)
        grant(table, "INSERT, UPDATE, DELETE", *EDITORS)
        policy(table, "staff", "SELECT", STAFF)
        policy(table, "editors", "ALL", EDITORS)
        audited(table)
    secure_assessments()
    secure_assignments()
    secure_ratings()
    for table in ("assessment_results", "competency_scores"):
        secure_results(table)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
