"""What an import would do, row by row: compared with what is recorded, and judged.

Set-based: one statement compares all rows, one a rule finds what is wrong. A dated fact is
compared with the latest of its kind; nothing is ever written before it, so an old file can't
overwrite newer facts.
"""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.imports.judging import ERROR, WARNING, Rule, judge

RECORDED = {
    "profile": (
        "employee_profiles",
        "name, name_sort, title_prefix, title_suffix, email, phone, address",
    ),
    "status": ("employee_statuses", "status"),
    "golongan": ("employee_golongan", "golongan"),
    "seat": ("seat_assignments", "position_id"),
}
"""Table and compared columns of each dated part."""
PROFILE = ("name", "title_prefix", "title_suffix", "email", "phone", "address")
DAYS = {
    "profile": "CAST(:effective_from AS date)",
    "status": "coalesce(r.status_since, :effective_from)",
    "golongan": "coalesce(r.golongan_since, :effective_from)",
    "seat": "coalesce(r.job_since, :effective_from)",
}
"""From when a change of the part holds: the row's own TMT where its column has one."""
SAME = {
    "profile": " AND ".join(f"(r.{c} IS NULL OR r.{c} = profile.{c})" for c in PROFILE),
    "status": "r.status = status.status",
    "golongan": "r.golongan = golongan.golongan",
    "seat": "p.position_id = seat.position_id",
}
GIVEN = {
    "profile": "r.name",
    "status": "r.status",
    "golongan": "r.golongan",
    "seat": "p.position_id",
}


def _latest(part: str) -> str:
    table, columns = RECORDED[part]
    kind = " AND f.kind = 'definitif'" if part == "seat" else ""
    return (
        f"LEFT JOIN LATERAL (SELECT f.id, f.valid, {columns} FROM {table} f"
        f" WHERE f.employee_id = e.id{kind} ORDER BY lower(f.valid) DESC LIMIT 1"
        f") AS {part} ON e.id IS NOT NULL"
    )


def _verdict(part: str) -> str:
    """same, first, next (from a later day), correct (from the same day), or older: refused."""
    day, valid = DAYS[part], f"{part}.valid"
    return (
        f"CASE WHEN {GIVEN[part]} IS NULL OR ({SAME[part]} AND upper_inf({valid})) THEN 'same'"
        f" WHEN {part}.id IS NULL THEN 'first'"
        f" WHEN {day} < lower({valid}) OR {day} < upper({valid}) THEN 'older'"
        f" WHEN {day} = lower({valid}) THEN 'correct' ELSE 'next' END AS {part}_verdict,"
        f" {day} AS {part}_day, {part}.id AS {part}_id, {valid} AS {part}_valid"
    )


PLAN = f"""
CREATE TEMP TABLE import_plan ON COMMIT DROP AS
SELECT r.row_number, r.new_id, coalesce(e.id, r.new_id) AS employee_id, e.id IS NULL AS new,
       e.version, r.wrong OR coalesce(p.wrong, false) AS wrong,
       p.position_id, p.seats, i.valid AS identifier_valid,
       least(CAST(:effective_from AS date), r.status_since,
             CASE WHEN r.golongan IS NOT NULL THEN r.golongan_since END,
             CASE WHEN p.position_id IS NOT NULL THEN r.job_since END) AS first_day,
       r.birth_date <> e.birth_date AS birth_date_differs,
       similarity(r.name_sort, profile.name_sort) < 0.3 AS name_differs,
       e.nik_index <> r.nik_index AS nik_differs,
       e.id IS NOT NULL AND e.nik_index IS NULL AND r.nik_index IS NOT NULL AS nik_new,
       (r.birth_date <> e.birth_date OR r.sex <> e.sex
        OR r.birth_place IS DISTINCT FROM e.birth_place AND r.birth_place IS NOT NULL
        OR e.nik_index IS NULL AND r.nik_index IS NOT NULL) IS TRUE AND e.id IS NOT NULL
           AS person_differs,
       r.education_level IS NOT NULL AND NOT EXISTS (
           SELECT FROM employee_educations d
           WHERE d.employee_id = e.id AND d.level = r.education_level
             AND (r.education_major IS NULL OR lower(d.major) = lower(r.education_major))
             AND (r.education_year IS NULL OR d.graduation_year = r.education_year)
       ) AS education_new,
       {", ".join(map(_verdict, RECORDED))}
FROM import_rows r
LEFT JOIN import_places p USING (unit_code_key, unit_key, job_key, job_kind, jenjang)
LEFT JOIN employee_identifiers i ON i.value = r.identifier
LEFT JOIN employees e ON e.id = i.employee_id
{" ".join(map(_latest, RECORDED))}
WHERE NOT r.skipped
"""

CHANGED = (
    "(person_differs OR education_new OR "
    + " OR ".join(f"{part}_verdict <> 'same'" for part in RECORDED)
    + ")"
)


SINCE = {"status": "status_since", "golongan": "golongan_since", "seat": "job_since"}
OTHER = "birth_date_differs AND name_differs"


def _day(part: str) -> str:
    return f"to_char(lower({part}_valid), 'DD-MM-YYYY')"


RULES = (
    Rule(ERROR, "nip", "identifier_replaced", "NOT new AND NOT upper_inf(identifier_valid)"),
    Rule(ERROR, "nip", "employee_left", "status_id IS NOT NULL AND NOT upper_inf(status_valid)"),
    Rule(ERROR, "nip", "identifier_of_other", OTHER),
    Rule(WARNING, "birth_date", "birth_date_changes", f"birth_date_differs AND NOT ({OTHER})"),
    Rule(ERROR, "nik", "nik_differs", "nik_differs"),
    Rule(
        ERROR,
        "nik",
        "nik_of_other",
        "EXISTS (SELECT FROM employees o WHERE o.nik_index = r.nik_index"
        " AND o.id <> p.employee_id)",
    ),
    Rule(
        ERROR,
        "nik",
        "nik_repeated",
        "r.nik_index IN (SELECT nik_index FROM import_rows WHERE NOT skipped"
        " GROUP BY nik_index HAVING count(*) > 1)",
    ),
    *(
        Rule(ERROR, column, "date_before_birth", f"r.{column} <= r.birth_date")
        for column in SINCE.values()
    ),
    Rule(ERROR, "name", "older_than_recorded", "profile_verdict = 'older'", _day("profile")),
    *(
        # of a person who left, that is said once
        Rule(
            ERROR,
            column,
            "older_than_recorded",
            f"{part}_verdict = 'older' AND upper_inf(status_valid)",
            _day(part),
        )
        for part, column in SINCE.items()
    ),
    *(
        Rule(
            WARNING,
            column,
            "since_differs",
            f"{part}_verdict = 'same' AND {part}_id IS NOT NULL"
            f" AND {'p.position_id' if part == 'seat' else 'r.' + part} IS NOT NULL"
            f" AND r.{column} <> lower({part}_valid)",
            _day(part),
        )
        for part, column in SINCE.items()
    ),
    Rule(
        WARNING,
        "job_title",
        "seat_over_capacity",
        "p.row_number IN (SELECT row_number FROM import_crowded)",
    ),
)

# Rows beyond the seats of their position, counting who stays there and who comes before them.
CROWDED = """
CREATE TEMP TABLE import_crowded ON COMMIT DROP AS
WITH coming AS (
    SELECT row_number, position_id, seats,
           row_number() OVER (PARTITION BY position_id ORDER BY seat_day, row_number) AS nth
    FROM import_plan WHERE seat_verdict <> 'same'
), staying AS (
    SELECT a.position_id, count(*) AS holders
    FROM seat_assignments a
    WHERE a.kind = 'definitif' AND upper_inf(a.valid)
      AND a.position_id IN (SELECT position_id FROM coming)
      AND a.id NOT IN (SELECT seat_id FROM import_plan
                       WHERE seat_verdict <> 'same' AND seat_id IS NOT NULL)
    GROUP BY a.position_id
)
SELECT row_number FROM coming LEFT JOIN staying USING (position_id)
WHERE nth + coalesce(holders, 0) > seats
"""

PLACES_TOLD = """
INSERT INTO import_found
SELECT r.row_number, f.* FROM import_rows r
JOIN import_places p USING (unit_code_key, unit_key, job_key, job_kind, jenjang)
JOIN LATERAL jsonb_to_recordset(p.findings::jsonb) AS f
     (severity text, column_name text, code text, detail_id text, detail_en text) ON true
WHERE p.findings IS NOT NULL AND NOT r.skipped
"""


async def make_plan(session: AsyncSession, effective_from: date) -> dict[str, int]:
    """Compare and judge the staged rows; what came of it, in numbers."""
    await session.execute(text(PLAN), {"effective_from": effective_from})
    await session.execute(text("ANALYZE import_plan"))
    await session.execute(text(CROWDED))
    await session.execute(text(PLACES_TOLD))
    return await judge(session, RULES, changed=CHANGED)
