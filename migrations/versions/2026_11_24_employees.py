"""Employees and the dated facts about them."""

from alembic import op

from migrations.security import ASN, audited, person_scoped, policy, without_overlaps

revision = "employees"
down_revision = "foundation"

TABLES = """
CREATE TABLE employees (
    id uuid DEFAULT uuidv7() NOT NULL,
    birth_place varchar,
    birth_date date NOT NULL,
    sex varchar NOT NULL,
    nik_sealed bytea,
    nik_index bytea,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_employees PRIMARY KEY (id),
    CONSTRAINT ck_employees_sex CHECK (sex IN ('male', 'female'))
);
CREATE INDEX ix_employees_birth_date ON employees (birth_date, id);
CREATE UNIQUE INDEX uq_employees_nik_index ON employees (nik_index);

CREATE TABLE employee_profiles (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    name varchar NOT NULL,
    name_sort varchar COLLATE "C" NOT NULL,
    title_prefix varchar,
    title_suffix varchar,
    email varchar,
    phone varchar,
    address varchar,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_profiles PRIMARY KEY (id),
    CONSTRAINT fk_employee_profiles_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_profiles_employee_id ON employee_profiles (employee_id);
CREATE INDEX ix_employee_profiles_name_sort ON employee_profiles (name_sort, employee_id);
CREATE INDEX ix_employee_profiles_name_trigram
    ON employee_profiles USING gin (name_sort gin_trgm_ops);

CREATE TABLE employee_identifiers (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    kind varchar NOT NULL,
    value varchar NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_identifiers PRIMARY KEY (id),
    CONSTRAINT ck_employee_identifiers_kind CHECK (kind IN ('nip', 'ni_pppk')),
    CONSTRAINT ck_employee_identifiers_value CHECK (value ~ '^[0-9]{18}$'),
    CONSTRAINT fk_employee_identifiers_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_identifiers_employee_id ON employee_identifiers (employee_id);
CREATE INDEX ix_employee_identifiers_value_trigram
    ON employee_identifiers USING gin (value gin_trgm_ops);
CREATE UNIQUE INDEX uq_employee_identifiers_value ON employee_identifiers (value);

CREATE TABLE employee_statuses (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    status varchar NOT NULL,
    end_reason varchar,
    decree_no varchar,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_statuses PRIMARY KEY (id),
    CONSTRAINT ck_employee_statuses_status
        CHECK (status IN ('cpns', 'pns', 'pppk', 'pppk_paruh_waktu')),
    CONSTRAINT ck_employee_statuses_end_reason
        CHECK (end_reason IN ('pensiun', 'meninggal', 'mengundurkan_diri', 'diberhentikan',
        'mutasi_keluar', 'kontrak_berakhir')),
    CONSTRAINT ck_employee_statuses_ended CHECK (end_reason IS NULL OR NOT upper_inf(valid)),
    CONSTRAINT fk_employee_statuses_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_statuses_employee_id ON employee_statuses (employee_id);
CREATE INDEX ix_employee_statuses_status ON employee_statuses (status, employee_id);

CREATE TABLE employee_golongan (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    golongan varchar NOT NULL,
    decree_no varchar,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_golongan PRIMARY KEY (id),
    CONSTRAINT ck_employee_golongan_golongan
        CHECK (golongan IN ('I/a', 'I/b', 'I/c', 'I/d', 'II/a', 'II/b', 'II/c', 'II/d', 'III/a',
        'III/b', 'III/c', 'III/d', 'IV/a', 'IV/b', 'IV/c', 'IV/d', 'IV/e', 'I', 'II', 'III',
        'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII', 'XIII', 'XIV', 'XV', 'XVI',
        'XVII')),
    CONSTRAINT fk_employee_golongan_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_golongan_employee_id ON employee_golongan (employee_id);
CREATE INDEX ix_employee_golongan_golongan ON employee_golongan (golongan, employee_id);

CREATE TABLE employee_educations (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    level varchar NOT NULL,
    major varchar,
    institution varchar,
    graduation_year smallint,
    CONSTRAINT pk_employee_educations PRIMARY KEY (id),
    CONSTRAINT ck_employee_educations_level
        CHECK (level IN ('sd', 'smp', 'sma', 'd1', 'd2', 'd3', 'd4', 's1', 's2', 's3')),
    CONSTRAINT ck_employee_educations_graduation_year
        CHECK (graduation_year BETWEEN 1940 AND 2200),
    CONSTRAINT fk_employee_educations_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_educations_employee_id ON employee_educations (employee_id);

CREATE TABLE employee_disciplines (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    level varchar NOT NULL,
    fact varchar NOT NULL,
    decree_no varchar,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_disciplines PRIMARY KEY (id),
    CONSTRAINT ck_employee_disciplines_level CHECK (level IN ('ringan', 'sedang', 'berat')),
    CONSTRAINT fk_employee_disciplines_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_disciplines_employee_id ON employee_disciplines (employee_id);

CREATE TABLE employee_spouses (
    id uuid DEFAULT uuidv7() NOT NULL,
    employee_id uuid NOT NULL,
    spouse_id uuid NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT pk_employee_spouses PRIMARY KEY (id),
    CONSTRAINT ck_employee_spouses_two_people CHECK (employee_id <> spouse_id),
    CONSTRAINT fk_employee_spouses_employee_id
        FOREIGN KEY (employee_id) REFERENCES employees (id),
    CONSTRAINT fk_employee_spouses_spouse_id FOREIGN KEY (spouse_id) REFERENCES employees (id)
);
CREATE INDEX ix_employee_spouses_employee_id ON employee_spouses (employee_id);
CREATE INDEX ix_employee_spouses_spouse_id ON employee_spouses (spouse_id);
"""

FACTS = (
    "employee_profiles",
    "employee_identifiers",
    "employee_statuses",
    "employee_golongan",
    "employee_educations",
    "employee_disciplines",
    "employee_spouses",
)


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    without_overlaps("employee_profiles", "uq_employee_profiles_employee_id", "employee_id")
    without_overlaps("employee_identifiers", "uq_employee_identifiers_employee_id", "employee_id")
    without_overlaps("employee_statuses", "uq_employee_statuses_employee_id", "employee_id")
    without_overlaps("employee_golongan", "uq_employee_golongan_employee_id", "employee_id")
    without_overlaps("employee_spouses", "uq_employee_spouses_employee_id", "employee_id")
    op.execute(
        "ALTER TABLE employee_spouses ADD CONSTRAINT uq_employee_spouses_spouse_id"
        " UNIQUE (spouse_id, valid WITHOUT OVERLAPS)"
    )

    person_scoped("employees", "id")
    audited("employees", "id", ("nik_sealed", "nik_index"))
    for table in FACTS:
        person_scoped(table)
        audited(table, "employee_id")
    mine = "spouse_id = (SELECT app.current_employee())"
    policy("employee_spouses", "spouse", "SELECT", (ASN,), mine)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
