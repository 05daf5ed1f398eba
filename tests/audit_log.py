"""Filling the audit log in tests, as the triggers and the recorder do."""

import asyncpg

INSERT_READS = """
INSERT INTO audit_events (kind, operation, actor_role, purpose, entity, subject_ids)
SELECT 'read', 'employees_get_employee', 'hr_admin', 'uji', 'employees', ARRAY[uuidv7()]
FROM generate_series(1, $1)
"""
INSERT_WRITES = """
INSERT INTO employees (birth_date, sex)
SELECT date '1980-01-01' + n, 'female' FROM generate_series(1, $1) n RETURNING id
"""


async def write_events(connection: asyncpg.Connection, count: int) -> None:
    """That many events of reads, in one transaction."""
    await connection.execute(INSERT_READS, count)


async def write_employees(connection: asyncpg.Connection, count: int) -> list[asyncpg.Record]:
    """That many employees, each by a statement of its own: an event with details for each."""
    return [await connection.fetchrow(INSERT_WRITES, 1) for _ in range(count)]
