"""What is wrong with the rows, beside what the reader found: rules, and what came of them.

Set-based: one statement a rule finds every row that it concerns. The kind of import has laid its
plan beside the rows: `import_plan`, which holds `row_number`, `new` and `wrong` of each row that
is not skipped.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.imports.words import CELL_WORDS
from app.vocabulary import Severity

ERROR, WARNING = Severity


class Rule(NamedTuple):
    """What is found wrong where the condition holds; `fact` fills `{fact}` in the words."""

    severity: Severity
    column: str | None
    code: str
    condition: str
    fact: str = "''"


TOLD = """
INSERT INTO import_found
SELECT r.row_number, f.* FROM import_rows r
JOIN LATERAL jsonb_to_recordset(r.findings) AS f
     (severity text, column_name text, code text, detail_id text, detail_en text) ON true
WHERE r.findings IS NOT NULL
"""

MARK_WRONG = """
UPDATE import_plan p SET wrong = true
FROM import_found f WHERE f.row_number = p.row_number AND f.severity = 'error' AND NOT p.wrong
"""

COUNTS = """
SELECT (SELECT count(*) FROM import_rows) AS rows,
       (SELECT count(*) FROM import_rows WHERE skipped) AS skipped,
       count(*) FILTER (WHERE wrong) AS wrong,
       count(*) FILTER (WHERE NOT wrong AND new) AS new,
       count(*) FILTER (WHERE NOT wrong AND NOT new AND {changed}) AS changed,
       count(*) FILTER (WHERE NOT wrong AND NOT new AND NOT {changed}) AS unchanged,
       (SELECT count(*) FROM import_found WHERE severity = 'warning') AS warnings
FROM import_plan
"""

KEEP_FINDINGS = """
INSERT INTO import_findings
    (import_id, row_number, no, severity, column_name, code, detail_id, detail_en)
SELECT :import_id, row_number,
       row_number() OVER (PARTITION BY row_number ORDER BY severity, column_name, code),
       severity, column_name, code, detail_id, detail_en
FROM import_found
"""


class PlanOutdated(Exception):
    """Somebody changed what the plan was made from: make it again."""


async def judge(
    session: AsyncSession, rules: Iterable[Rule], *, changed: str, **values: object
) -> dict[str, int]:
    """Find what is wrong by these rules and by the reader; how many rows are what.

    `changed` says of a row of the plan, in SQL, whether the import would change anything;
    `values` are what the rules name.
    """
    await session.execute(text(TOLD))
    for rule in rules:
        await _apply(session, rule, values)
    await session.execute(text(MARK_WRONG))
    row = (await session.execute(text(COUNTS.format(changed=changed)))).mappings().one()
    return {name: int(number) for name, number in row.items()}


async def _apply(session: AsyncSession, rule: Rule, values: Mapping[str, object]) -> None:
    indonesian, english = CELL_WORDS[rule.code]
    named = {name: value for name, value in values.items() if f":{name}" in rule.fact}
    await session.execute(
        text(
            "INSERT INTO import_found SELECT row_number, :severity, :column, :code,"
            f" replace(:indonesian, '{{fact}}', {rule.fact}),"
            f" replace(:english, '{{fact}}', {rule.fact})"
            f" FROM import_plan p JOIN import_rows r USING (row_number) WHERE {rule.condition}"
        ),
        {
            "severity": rule.severity.value,
            "column": rule.column,
            "code": rule.code,
            "indonesian": indonesian,
            "english": english,
            **named,
        },
    )
