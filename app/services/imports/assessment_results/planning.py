"""What an import of results would do, row by row: compared with what is recorded, and judged.

Set-based, as for employees. A blank cell changes nothing: what an earlier file brought stays.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import SessionReader
from app.models.assessments import AssessmentEvent
from app.services.imports.judging import ERROR, WARNING, Rule, judge
from app.services.imports.staging import copy_records
from app.services.standards import required_levels_of

LEVELS = """
CREATE TEMP TABLE import_levels ON COMMIT DROP AS
SELECT r.row_number, given.competency_id, given.level
FROM import_rows r,
     unnest(CAST(:competencies AS uuid[]), r.levels) AS given (competency_id, level)
WHERE NOT r.skipped AND given.level IS NOT NULL
"""

FIRST_DAY, LAST_DAY = "CAST(:starts_on AS date)", "CAST(:ends_on AS date)"


def _holds(fact: str, day: str) -> str:
    """The fact holds on that day; see `timeline.holds`."""
    return f"lower({fact}.valid) <= {day} AND (upper({fact}.valid) > {day}) IS NOT FALSE"


# A code is taken as it is recorded, or else without regard to case where that is one position.
PLAN = f"""
CREATE TEMP TABLE import_plan ON COMMIT DROP AS
WITH folded AS (
    SELECT replace(lower(code), ' ', '') AS key, min(id::text)::uuid AS id
    FROM positions GROUP BY 1 HAVING count(*) = 1
)
SELECT r.row_number, r.wrong, r.identifier, i.employee_id, a.id IS NULL AS new,
       coalesce(a.id, uuidv7()) AS assessment_id, a.version,
       coalesce(a.state IN ('draft', 'submitted'), true) AS open, a.state = 'draft' AS draft,
       EXISTS (
           SELECT FROM assessor_assignments o WHERE o.assessment_id = a.id AND o.state = 'assigned'
             AND o.rater_id IS NOT NULL
       ) AS pending,
       part.id IS NULL AS part_new, coalesce(part.id, uuidv7()) AS assignment_id,
       coalesce(exact.id, folded.id) AS named_position_id,
       a.position_id AS recorded_position_id, recorded.code AS recorded_code,
       coalesce(exact.id, folded.id, a.position_id, seat.position_id) AS position_id,
       (part.state = 'submitted' AND (r.potential IS NULL OR r.potential = part.potential_score))
           IS NOT TRUE AS differs,
       r.note IS NOT NULL AND r.note IS DISTINCT FROM a.note AS note_differs,
       position(profile.name_sort IN r.name_sort) = 0 AS name_differs,
       EXISTS (
           SELECT FROM employee_statuses s WHERE s.employee_id = i.employee_id
             AND {_holds("s", FIRST_DAY)}
       ) AS in_service,
       CAST(NULL AS text) AS missing
FROM import_rows r
LEFT JOIN employee_identifiers i ON i.value = r.identifier
LEFT JOIN LATERAL (
    SELECT f.name_sort FROM employee_profiles f
    WHERE f.employee_id = i.employee_id AND {_holds("f", LAST_DAY)}
) AS profile ON true
LEFT JOIN LATERAL (
    SELECT f.position_id FROM seat_assignments f
    WHERE f.employee_id = i.employee_id AND f.kind = 'definitif' AND {_holds("f", FIRST_DAY)}
    ORDER BY f.id LIMIT 1
) AS seat ON true
LEFT JOIN positions exact ON exact.code = r.position_code
LEFT JOIN folded ON folded.key = r.position_key AND exact.id IS NULL
LEFT JOIN assessments a
    ON a.event_id = :event_id AND a.employee_id = i.employee_id AND a.state <> 'cancelled'
LEFT JOIN positions recorded ON recorded.id = a.position_id
LEFT JOIN assessor_assignments part
    ON part.assessment_id = a.id AND part.rater_id IS NULL AND part.state <> 'withdrawn'
WHERE NOT r.skipped
"""

# The levels that are not recorded yet, and the rating that each of them corrects. Whoever else
# writes a provider's ratings is an import, and waits for this one.
RATINGS = """
CREATE TEMP TABLE import_ratings ON COMMIT DROP AS
SELECT l.row_number, l.competency_id, l.level, t.id AS rating_id
FROM import_levels l JOIN import_plan USING (row_number)
LEFT JOIN assessment_ratings t USING (assignment_id, competency_id)
WHERE t.level IS DISTINCT FROM l.level
"""
LEVELS_DIFFER = """
UPDATE import_plan SET differs = true
WHERE NOT differs AND row_number IN (SELECT row_number FROM import_ratings)
"""

CHANGED = "(differs OR open AND note_differs OR draft AND NOT pending)"
"""An open assessment is a draft, or submitted. It stays a draft while other raters are at it."""

POSITIONS = """
SELECT DISTINCT position_id FROM import_plan WHERE position_id IS NOT NULL
"""
REQUIRED = """
CREATE TEMP TABLE import_required (
    position_id uuid NOT NULL, competency_id uuid NOT NULL, ordinal integer NOT NULL,
    name text NOT NULL
) ON COMMIT DROP
"""
MISSING = """
UPDATE import_plan p SET missing = found.names FROM (
    SELECT p.row_number, string_agg(q.name, ', ' ORDER BY q.ordinal) AS names
    FROM import_plan p JOIN import_required q USING (position_id)
    LEFT JOIN import_levels l USING (row_number, competency_id)
    LEFT JOIN assessment_ratings t USING (assessment_id, competency_id)
    WHERE NOT p.wrong AND l.level IS NULL AND t.level IS NULL
    GROUP BY p.row_number
) AS found WHERE found.row_number = p.row_number
"""

KNOWN = "p.employee_id IS NOT NULL"
RULES = (
    Rule(ERROR, "nip", "identifier_unknown", "r.identifier IS NOT NULL AND p.employee_id IS NULL"),
    Rule(ERROR, "nip", "employee_not_in_service", f"{KNOWN} AND NOT in_service"),
    Rule(ERROR, "nip", "own_result", "p.employee_id = (SELECT app.current_employee())"),
    Rule(
        ERROR,
        "nip",
        "employee_repeated",
        "p.employee_id IN (SELECT employee_id FROM import_plan"
        " GROUP BY employee_id HAVING count(DISTINCT identifier) > 1)",
    ),
    Rule(WARNING, "name", "name_differs", "name_differs"),
    Rule(
        ERROR,
        "position_code",
        "position_code_unknown",
        "r.position_key <> '' AND named_position_id IS NULL",
    ),
    Rule(
        ERROR,
        "position_code",
        "position_without_standard",
        "p.position_id IS NOT NULL"
        " AND p.position_id NOT IN (SELECT position_id FROM import_required)",
    ),
    Rule(
        ERROR,
        "position_code",
        "seat_missing",
        f"r.position_key = '' AND {KNOWN} AND in_service AND p.position_id IS NULL",
        f"to_char({FIRST_DAY}, 'DD-MM-YYYY')",
    ),
    Rule(
        ERROR,
        "position_code",
        "assessed_for_other",
        "named_position_id <> recorded_position_id",
        "recorded_code",
    ),
    Rule(ERROR, "nip", "result_settled", "NOT open AND differs"),
    Rule(WARNING, None, "raters_pending", "open AND pending"),
    Rule(WARNING, None, "competencies_missing", "missing IS NOT NULL", "missing"),
)


async def make_plan(
    session: AsyncSession, event: AssessmentEvent, competency_ids: Sequence[str]
) -> dict[str, int]:
    """Compare and judge the staged rows; what came of it, in numbers.

    `competency_ids` in the order of the staged levels.
    """
    days = {"starts_on": event.starts_on, "ends_on": event.ends_on}
    await session.execute(text(LEVELS), {"competencies": competency_ids})
    await session.execute(text(PLAN), {"event_id": event.id, **days})
    await session.execute(text("ANALYZE import_levels, import_plan"))
    await session.execute(text(RATINGS))
    await session.execute(text("ANALYZE import_ratings"))
    await session.execute(text(LEVELS_DIFFER))
    await _require(session, event)
    return await judge(session, RULES, changed=CHANGED, **days)


async def _require(session: AsyncSession, event: AssessmentEvent) -> None:
    """What the positions require on the last day, and which rows leave some of it out."""
    positions = (await session.scalars(text(POSITIONS))).all()
    standards = await required_levels_of(SessionReader(session), positions, event.ends_on)
    required: list[tuple[Any, ...]] = [
        (position_id, level.competency_id, level.ordinal, level.name)
        for position_id, standard in standards.items()
        for level in standard.levels
    ]
    await session.execute(text(REQUIRED))
    await copy_records(session, "import_required", required)
    await session.execute(text(MISSING))
