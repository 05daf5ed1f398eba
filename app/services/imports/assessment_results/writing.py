"""The plan carried out: set by set, in the one transaction of the import.

What the provider's own assessors found becomes their part of each assessment, which is then
submitted; whoever moderates it looks at it next. Nothing is published by an import.
"""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.imports.assessment_results.planning import CHANGED
from app.services.imports.judging import PlanOutdated

GOOD = "import_plan p JOIN import_rows r USING (row_number) WHERE NOT p.wrong"
EVIDENCE = """
jsonb_build_array(jsonb_build_object(
    'title', 'Berkas hasil penilaian', 'reference', CAST(:filename AS text)))
"""

# Asked once more under the assessment's lock, which whoever adds a rater holds.
DONE = """
NOT EXISTS (
    SELECT FROM assessor_assignments o WHERE o.assessment_id = a.id AND o.state = 'assigned'
      AND o.rater_id IS NOT NULL)
"""

# Whoever changes an assessment raises its version under its lock: one that has moved since the
# plan was made means that the plan is out of date.
LOCK = f"""
SELECT count(*) FILTER (WHERE locked.version <> p.version) FROM (
    SELECT id, version FROM assessments
    WHERE id IN (SELECT assessment_id FROM import_plan WHERE NOT wrong AND NOT new AND {CHANGED})
    ORDER BY id FOR UPDATE
) locked JOIN import_plan p ON p.assessment_id = locked.id AND NOT p.wrong
"""

STATEMENTS = (
    f"""
    INSERT INTO assessments (id, event_id, employee_id, position_id, state, submitted_at, note)
    SELECT p.assessment_id, :event_id, p.employee_id, p.position_id, 'submitted', now(), r.note
    FROM {GOOD} AND p.new ORDER BY p.row_number
    """,
    f"""
    UPDATE assessments a SET
        state = CASE WHEN {DONE} THEN 'submitted' ELSE a.state END,
        submitted_at = CASE WHEN a.state = 'draft' AND {DONE} THEN now() ELSE a.submitted_at END,
        note = coalesce(r.note, a.note),
        version = a.version + 1, updated_at = now()
    FROM {GOOD} AND NOT p.new AND {CHANGED} AND a.id = p.assessment_id
    """,
    f"""
    INSERT INTO assessor_assignments
        (id, assessment_id, candidate_id, source, state, potential_score, submitted_at)
    SELECT p.assignment_id, p.assessment_id, p.employee_id, 'assessor', 'submitted', r.potential,
           now()
    FROM {GOOD} AND p.part_new ORDER BY p.row_number
    """,
    f"""
    UPDATE assessor_assignments a SET
        state = 'submitted', submitted_at = now(),
        potential_score = coalesce(r.potential, a.potential_score),
        version = a.version + 1, updated_at = now()
    FROM {GOOD} AND NOT p.part_new AND p.differs AND a.id = p.assignment_id
    """,
)

CHUNK = 10_000
"""Rows of the file whose ratings are written at once: an audit event is made in memory."""
CHUNK_OF = """
import_ratings g JOIN import_plan p USING (row_number)
WHERE NOT p.wrong AND p.row_number > :after AND p.row_number <= :after + :chunk
"""
RATINGS = (
    f"""
    UPDATE assessment_ratings t SET
        level = g.level, evidence = {EVIDENCE}, version = t.version + 1, updated_at = now()
    FROM {CHUNK_OF} AND t.id = g.rating_id
    """,
    f"""
    INSERT INTO assessment_ratings
        (assignment_id, assessment_id, competency_id, source, level, evidence)
    SELECT p.assignment_id, p.assessment_id, g.competency_id, 'assessor', g.level, {EVIDENCE}
    FROM {CHUNK_OF} AND g.rating_id IS NULL ORDER BY p.row_number
    """,
)


async def write_plan(session: AsyncSession, event_id: UUID, filename: str) -> AsyncIterator[float]:
    """Write it all; yields how much is done, from 0 to 1. Errors: PlanOutdated."""
    if await session.scalar(text(LOCK)):
        raise PlanOutdated
    for statement in STATEMENTS:
        values = {"event_id": event_id} if ":event_id" in statement else {}
        await session.execute(text(statement), values)
    last = await session.scalar(text("SELECT max(row_number) FROM import_plan")) or 0
    for after in range(0, last, CHUNK):
        for statement in RATINGS:
            place = {"filename": filename, "after": after, "chunk": CHUNK}
            await session.execute(text(statement), place)
        yield min(1, (after + CHUNK) / last)
