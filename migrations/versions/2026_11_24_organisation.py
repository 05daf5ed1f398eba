"""Units, positions and seats."""

from alembic import op

from migrations.security import (
    EDITORS,
    STAFF,
    audited,
    grant,
    person_scoped,
    policy,
    secure_rows,
    without_overlaps,
)

revision = "organisation"
down_revision = "employees"

TABLES = """
CREATE TABLE units (
    id uuid DEFAULT uuidv7() NOT NULL,
    code varchar NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_units PRIMARY KEY (id),
    CONSTRAINT uq_units_code UNIQUE (code)
);

CREATE TABLE unit_versions (
    id uuid DEFAULT uuidv7() NOT NULL,
    unit_id uuid NOT NULL,
    parent_id uuid,
    name varchar NOT NULL,
    kind varchar NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_unit_versions PRIMARY KEY (id),
    CONSTRAINT ck_unit_versions_kind
        CHECK (kind IN ('pemerintah_daerah', 'setda', 'setwan', 'inspektorat', 'dinas', 'badan',
        'kecamatan', 'kelurahan', 'uptd', 'bagian', 'bidang', 'seksi', 'subbagian')),
    CONSTRAINT ck_unit_versions_not_its_own_parent CHECK (parent_id <> unit_id),
    CONSTRAINT uq_unit_versions_root EXCLUDE USING gist (valid WITH &&) WHERE (parent_id IS NULL),
    CONSTRAINT fk_unit_versions_unit_id FOREIGN KEY (unit_id) REFERENCES units (id),
    CONSTRAINT fk_unit_versions_parent_id FOREIGN KEY (parent_id) REFERENCES units (id)
);
CREATE INDEX ix_unit_versions_unit_id ON unit_versions (unit_id);
CREATE INDEX ix_unit_versions_parent_id ON unit_versions (parent_id);

CREATE TABLE unit_successions (
    id uuid DEFAULT uuidv7() NOT NULL,
    from_unit_id uuid NOT NULL,
    to_unit_id uuid NOT NULL,
    kind varchar NOT NULL,
    on_date date NOT NULL,
    legal_basis varchar,
    CONSTRAINT pk_unit_successions PRIMARY KEY (id),
    CONSTRAINT ck_unit_successions_kind CHECK (kind IN ('merger', 'split', 'renaming')),
    CONSTRAINT fk_unit_successions_from_unit_id FOREIGN KEY (from_unit_id) REFERENCES units (id),
    CONSTRAINT fk_unit_successions_to_unit_id FOREIGN KEY (to_unit_id) REFERENCES units (id)
);
CREATE UNIQUE INDEX uq_unit_successions ON unit_successions (from_unit_id, to_unit_id, on_date);

CREATE TABLE positions (
    id uuid DEFAULT uuidv7() NOT NULL,
    code varchar NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_positions PRIMARY KEY (id),
    CONSTRAINT uq_positions_code UNIQUE (code)
);

CREATE TABLE position_versions (
    id uuid DEFAULT uuidv7() NOT NULL,
    position_id uuid NOT NULL,
    unit_id uuid NOT NULL,
    title varchar NOT NULL,
    job_kind varchar NOT NULL,
    jenjang varchar,
    job_class smallint,
    retirement_age smallint NOT NULL,
    retirement_age_rule varchar NOT NULL,
    seats integer NOT NULL,
    workload jsonb DEFAULT '[]' NOT NULL,
    workload_need numeric(14, 2),
    workload_rule varchar,
    valid daterange NOT NULL,
    CONSTRAINT pk_position_versions PRIMARY KEY (id),
    CONSTRAINT ck_position_versions_job_kind
        CHECK (job_kind IN ('jpt_utama', 'jpt_madya', 'jpt_pratama', 'administrator', 'pengawas',
        'fungsional', 'pelaksana')),
    CONSTRAINT ck_position_versions_jenjang
        CHECK (jenjang IN ('ahli_pertama', 'ahli_muda', 'ahli_madya', 'ahli_utama', 'pemula',
        'terampil', 'mahir', 'penyelia')),
    CONSTRAINT ck_position_versions_jenjang_of_jf
        CHECK ((job_kind = 'fungsional') = (jenjang IS NOT NULL)),
    CONSTRAINT ck_position_versions_job_class CHECK (job_class BETWEEN 1 AND 17),
    CONSTRAINT ck_position_versions_seats CHECK (seats BETWEEN 0 AND 10000),
    CONSTRAINT ck_position_versions_retirement_age CHECK (retirement_age BETWEEN 50 AND 70),
    CONSTRAINT fk_position_versions_position_id
        FOREIGN KEY (position_id) REFERENCES positions (id),
    CONSTRAINT fk_position_versions_unit_id FOREIGN KEY (unit_id) REFERENCES units (id)
);
CREATE INDEX ix_position_versions_position_id ON position_versions (position_id);
CREATE INDEX ix_position_versions_unit_id ON position_versions (unit_id);
CREATE INDEX ix_position_versions_title_trigram ON position_versions
    USING gin (title gin_trgm_ops);

CREATE TABLE seat_assignments (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    position_id uuid NOT NULL,
    seat_no integer NOT NULL,
    kind varchar NOT NULL,
    decree_no varchar,
    over_capacity_reason varchar,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_seat_assignments PRIMARY KEY (id),
    CONSTRAINT ck_seat_assignments_kind CHECK (kind IN ('definitif', 'plt', 'plh')),
    CONSTRAINT ck_seat_assignments_seat_no CHECK (seat_no BETWEEN 1 AND 20000),
    CONSTRAINT ck_seat_assignments_valid CHECK (NOT isempty(valid)),
    CONSTRAINT uq_seat_assignments_seat
        EXCLUDE USING gist (position_id WITH =, seat_no WITH =, valid WITH &&)
        WHERE (kind <> 'plh'),
    CONSTRAINT uq_seat_assignments_plh
        EXCLUDE USING gist (position_id WITH =, seat_no WITH =, valid WITH &&)
        WHERE (kind = 'plh'),
    CONSTRAINT uq_seat_assignments_employee_id
        EXCLUDE USING gist (employee_id WITH =, valid WITH &&) WHERE (kind = 'definitif'),
    CONSTRAINT fk_seat_assignments_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_seat_assignments_position_id
        FOREIGN KEY (position_id) REFERENCES positions (id)
);
CREATE INDEX ix_seat_assignments_employee_id ON seat_assignments (employee_id);
CREATE INDEX ix_seat_assignments_position_id ON seat_assignments (position_id);
"""

# An ASN reads how many seats are filled without reading who fills them. These functions run as
# the owner and give counts only; the owner, whom FORCE ROW LEVEL SECURITY binds, may read the
# tables for them, and still write none. They are planned anew each time, because one position
# and the whole government want different plans; days are compared in the form of
# app.services.timeline.holds, for the reason given there.
COUNTS = (
    """
    -- app.rules.bup.retirement_date in SQL: the first of the month after the birthday on which
    -- the age is reached.
    CREATE FUNCTION app.retirement_date(birth_date date, age integer) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (date_trunc('month', birth_date + make_interval(years => age))
            + interval '1 month')::date
    """,
    """
    CREATE FUNCTION app.seats_filled(day date, positions uuid[])
    RETURNS TABLE (position_id uuid, filled integer)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        SELECT a.position_id, count(*)::integer
        FROM unnest(positions) AS wanted (id)
        JOIN public.seat_assignments a ON a.position_id = wanted.id
        WHERE a.kind = 'definitif'
          AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
        GROUP BY a.position_id;
    END
    """,
    """
    -- Beside the count: holders whose retirement date has come, and holders whose date comes
    -- within 1, 2, 3, 4 and 5 years (each number holds the one before it). Somebody retires by a
    -- day if the age was reached before its month began: they were born before that, less the age.
    CREATE FUNCTION app.seats_retiring(day date, positions uuid[])
    RETURNS TABLE (position_id uuid, filled integer, overdue integer, within integer[])
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    BEGIN ATOMIC
        WITH born_before AS MATERIALIZED (
            SELECT age, array_agg(
                       (date_trunc('month', day + make_interval(years => ahead))
                        - make_interval(years => age))::date ORDER BY ahead) AS years
            FROM generate_series(50, 70) AS age, generate_series(0, 5) AS ahead
            GROUP BY age
        )
        SELECT a.position_id, count(*)::integer,
               count(*) FILTER (WHERE e.birth_date < b.years[1])::integer,
               ARRAY[
                   count(*) FILTER (WHERE e.birth_date < b.years[2])::integer,
                   count(*) FILTER (WHERE e.birth_date < b.years[3])::integer,
                   count(*) FILTER (WHERE e.birth_date < b.years[4])::integer,
                   count(*) FILTER (WHERE e.birth_date < b.years[5])::integer,
                   count(*) FILTER (WHERE e.birth_date < b.years[6])::integer
               ]
        FROM unnest(positions) AS wanted (id)
        JOIN public.position_versions v ON v.position_id = wanted.id
        JOIN born_before b ON b.age = v.retirement_age
        JOIN public.seat_assignments a ON a.position_id = v.position_id
        JOIN public.employees e ON e.id = a.employee_id
        WHERE a.kind = 'definitif'
          AND lower(v.valid) <= day AND (upper(v.valid) > day) IS NOT FALSE
          AND lower(a.valid) <= day AND (upper(a.valid) > day) IS NOT FALSE
        GROUP BY a.position_id;
    END
    """,
)

STRUCTURE = (
    "units",
    "unit_versions",
    "unit_successions",
    "positions",
    "position_versions",
)


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    without_overlaps("unit_versions", "uq_unit_versions_unit_id", "unit_id")
    without_overlaps("position_versions", "uq_position_versions_position_id", "position_id")

    for table in STRUCTURE:
        secure_rows(table)
        grant(table, "SELECT", *STAFF)
        grant(table, "INSERT, UPDATE, DELETE", *EDITORS)
        policy(table, "staff", "SELECT", STAFF)
        policy(table, "editors", "ALL", EDITORS)
        audited(table)
    person_scoped("seat_assignments")
    for statement in COUNTS:
        op.execute(statement)
    for table in ("seat_assignments", "employees", "position_versions"):
        policy(table, "counts", "SELECT", ("CURRENT_USER",))
    for function in ("app.seats_filled", "app.seats_retiring"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(STAFF)}")
    audited("seat_assignments", "employee_id")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
