"""The plan carried out: set by set, in the one transaction of the import.

Every row that the plan finds good is written; triggers record each write as that of the account
whose import it is.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.organisation import Position, PositionVersion
from app.rules.bup import retirement_age
from app.sealing import Sealer
from app.services.imports.employees.layout import NIK_PURPOSE
from app.services.imports.employees.places import NewPosition
from app.services.imports.employees.planning import CHANGED, PROFILE, RECORDED
from app.services.imports.judging import PlanOutdated

GOOD = "import_plan p JOIN import_rows r USING (row_number) WHERE NOT p.wrong"

# Whoever changes an employee raises the version under the employee's lock: a version that has
# moved since the plan was made means that the plan is out of date.
LOCK_EMPLOYEES = f"""
SELECT count(*) FILTER (WHERE locked.version <> p.version) FROM (
    SELECT e.id, e.version FROM employees e
    WHERE e.id IN (SELECT employee_id FROM import_plan WHERE NOT wrong AND NOT new AND {CHANGED})
    ORDER BY e.id FOR UPDATE
) locked JOIN import_plan p ON p.employee_id = locked.id AND NOT p.wrong
"""
LOCK_POSITIONS = """
SELECT count(*) FROM (
    SELECT id FROM positions WHERE id IN (
        SELECT position_id FROM import_plan WHERE NOT wrong AND seat_verdict <> 'same'
        UNION
        SELECT a.position_id FROM import_plan p JOIN seat_assignments a ON a.id = p.seat_id
        WHERE NOT p.wrong AND p.seat_verdict <> 'same'
    ) ORDER BY id FOR UPDATE
) locked
"""

NIKS_TO_SEAL = """
SELECT p.employee_id, p.new_id, r.nik_sealed FROM import_plan p
JOIN import_rows r USING (row_number) WHERE p.nik_new AND NOT p.wrong
"""
SEAL = """
UPDATE import_rows r SET nik_sealed = s.sealed
FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS s (new_id, sealed)
WHERE r.new_id = s.new_id
"""

PERSONS = (
    f"""
    INSERT INTO employees (id, birth_place, birth_date, sex, nik_sealed, nik_index)
    SELECT p.employee_id, r.birth_place, r.birth_date, r.sex, r.nik_sealed, r.nik_index
    FROM {GOOD} AND p.new ORDER BY p.row_number
    """,
    f"""
    INSERT INTO employee_identifiers (employee_id, kind, value, valid)
    SELECT p.employee_id, r.identifier_kind, r.identifier, daterange(p.first_day, NULL)
    FROM {GOOD} AND p.new ORDER BY p.row_number
    """,
    f"""
    UPDATE employees e SET
        birth_place = coalesce(r.birth_place, e.birth_place),
        birth_date = r.birth_date,
        sex = r.sex,
        nik_sealed = CASE WHEN p.nik_new THEN r.nik_sealed ELSE e.nik_sealed END,
        nik_index = CASE WHEN p.nik_new THEN r.nik_index ELSE e.nik_index END,
        version = e.version + 1, updated_at = now()
    FROM {GOOD} AND NOT p.new AND {CHANGED} AND e.id = p.employee_id
    """,
    f"""
    INSERT INTO employee_educations (employee_id, level, major, graduation_year)
    SELECT p.employee_id, r.education_level, r.education_major, r.education_year
    FROM {GOOD} AND p.education_new ORDER BY p.row_number
    """,
)

VALUES = {
    "profile": {
        **{c: f"coalesce(r.{c}, old.{c})" for c in PROFILE},
        "name_sort": "coalesce(r.name_sort, old.name_sort)",
    },
    "status": {"status": "r.status"},
    "golongan": {"golongan": "r.golongan"},
}
"""What stands in each column of a part: from the file, and where it is silent from before."""


def _close(part: str) -> str:
    """End what held until the day before the change."""
    table = RECORDED[part][0]
    return f"""
    UPDATE {table} f SET valid = daterange(lower(f.valid), p.{part}_day)
    FROM import_plan p
    WHERE NOT p.wrong AND p.{part}_verdict = 'next' AND f.id = p.{part}_id
      AND f.valid @> p.{part}_day
    """


def _correct(part: str) -> str:
    """A change on the very day on which the fact began corrects it."""
    sets = ", ".join(
        f"{column} = {value.replace('old.', 'f.')}" for column, value in VALUES[part].items()
    )
    return f"""
    UPDATE {RECORDED[part][0]} f SET {sets}
    FROM {GOOD} AND p.{part}_verdict = 'correct' AND f.id = p.{part}_id
    """


def _open(part: str) -> str:
    """Begin what holds from the day on; for a new employee's profile, from their first day."""
    table, columns = RECORDED[part][0], VALUES[part]
    day = "CASE WHEN p.new THEN p.first_day ELSE p.profile_day END"
    return f"""
    INSERT INTO {table} (employee_id, valid, {", ".join(columns)})
    SELECT p.employee_id, daterange({day if part == "profile" else f"p.{part}_day"}, NULL),
           {", ".join(columns.values())}
    FROM import_plan p JOIN import_rows r USING (row_number)
    LEFT JOIN {table} old ON old.id = p.{part}_id
    WHERE NOT p.wrong AND p.{part}_verdict IN ('first', 'next') ORDER BY p.row_number
    """


SEATS = (
    _close("seat").replace("SET valid", "SET version = f.version + 1, updated_at = now(), valid"),
    """
    DELETE FROM seat_assignments f USING import_plan p
    WHERE NOT p.wrong AND p.seat_verdict = 'correct' AND f.id = p.seat_id
    """,
    # The lowest numbers that nobody holds, or held, on a day that the newcomers ask for.
    """
    INSERT INTO seat_assignments
        (employee_id, position_id, seat_no, kind, over_capacity_reason, valid)
    WITH coming AS (
        SELECT employee_id, position_id, seats, seat_day,
               row_number() OVER (PARTITION BY position_id ORDER BY seat_day, row_number) AS nth
        FROM import_plan WHERE NOT wrong AND seat_verdict <> 'same'
    ), needed AS (
        SELECT position_id, count(*) AS number, min(seat_day) AS since
        FROM coming GROUP BY position_id
    ), taken AS (
        SELECT DISTINCT a.position_id, a.seat_no
        FROM seat_assignments a JOIN needed n USING (position_id)
        WHERE a.kind <> 'plh' AND (upper_inf(a.valid) OR upper(a.valid) > n.since)
    ), vacant AS (
        SELECT n.position_id, g.seat_no,
               row_number() OVER (PARTITION BY n.position_id ORDER BY g.seat_no) AS nth
        FROM needed n
        CROSS JOIN LATERAL generate_series(
            1, n.number + (SELECT count(*) FROM taken t WHERE t.position_id = n.position_id)
        ) AS g (seat_no)
        LEFT JOIN taken t ON t.position_id = n.position_id AND t.seat_no = g.seat_no
        WHERE t.seat_no IS NULL
    )
    SELECT c.employee_id, c.position_id, v.seat_no, 'definitif',
           CASE WHEN v.seat_no > c.seats THEN CAST(:reason AS text) END,
           daterange(c.seat_day, NULL)
    FROM coming c JOIN vacant v USING (position_id, nth)
    """,
)


async def write_plan(
    session: AsyncSession, created: Sequence[NewPosition], sealer: Sealer, reason: str, day: date
) -> AsyncIterator[float]:
    """Write it all; yields how much is done, from 0 to 1. Errors: PlanOutdated."""
    if await session.scalar(text(LOCK_EMPLOYEES)):
        raise PlanOutdated
    await _create_positions(session, created, day)
    await session.execute(text(LOCK_POSITIONS))
    await _seal_added_niks(session, sealer)
    statements = (
        *PERSONS,
        *(make(part) for part in VALUES for make in (_close, _correct, _open)),
        *SEATS,
    )
    for number, statement in enumerate(statements, 1):
        values = {"reason": reason} if ":reason" in statement else {}
        await session.execute(text(statement), values)
        yield number / len(statements)


async def _create_positions(
    session: AsyncSession, created: Sequence[NewPosition], day: date
) -> None:
    """Those that a good row is placed in, with as many seats as the file has holders."""
    used = await session.execute(
        text(
            "SELECT position_id, min(seat_day), count(*)"
            " FROM import_plan WHERE NOT wrong GROUP BY position_id"
        )
    )
    since: dict[UUID, tuple[date, int]] = {row[0]: (row[1], row[2]) for row in used}
    for new in created:
        if new.position_id not in since:
            continue
        first_day, holders = since[new.position_id]
        age = retirement_age(new.kind, new.jenjang, day)
        session.add(Position(id=new.position_id, code=_code(new)))
        await session.flush()
        session.add(
            PositionVersion(
                position_id=new.position_id,
                unit_id=new.unit_id,
                title=new.title,
                job_kind=new.kind,
                jenjang=new.jenjang,
                retirement_age=age.value,
                retirement_age_rule=age.rule_id,
                seats=holders,
                valid=Range(first_day, None),
            )
        )
    await session.flush()


def _code(new: NewPosition) -> str:
    return f"{new.unit_code[:55]}-{new.position_id.hex[:8].upper()}"


async def _seal_added_niks(session: AsyncSession, sealer: Sealer) -> None:
    """The reader sealed each NIK to a new employee; here it turned out to be a known one's."""
    ids, sealed = [], []
    for row in (await session.execute(text(NIKS_TO_SEAL))).mappings():
        nik = sealer.open(NIK_PURPOSE, row["nik_sealed"], context=row["new_id"].bytes)
        ids.append(row["new_id"])
        sealed.append(sealer.seal(NIK_PURPOSE, nik, context=row["employee_id"].bytes))
    if ids:
        await session.execute(text(SEAL), {"ids": ids, "sealed": sealed})
