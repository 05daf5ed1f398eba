"""The reader, as a program of its own: `python -m app.services.imports.child`.

Reading a large workbook is seconds of pure computation and may take much memory, and the file
is a stranger's: it is done beside the serving process, which stays responsive and survives.

Standard input: one line of JSON, then the file. Standard output: the rows for COPY, or the
error file. Standard error: lines of JSON that tell of the file, and how far it has come.
"""

import json
import resource
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.rules.identifiers import Nip, NiPppk
from app.sealing import Sealer
from app.services.imports.layout import ESCAPES, NULL, Layout
from app.services.imports.layouts import layout_of
from app.services.imports.parsing import ParsedRow, parse_rows
from app.services.imports.reading import Table, read_table
from app.services.imports.words import Finding, UnreadableFile, noted
from app.vocabulary import ImportKind

LARGEST_MEMORY: Final = 3 * 1024**3
REPORTED_ROWS: Final = 2_000
STAGED: Final = ("row_number", "identifier", "skipped", "wrong", "findings")
"""The columns that every kind's staging table begins with; its own ones follow."""


def main() -> None:
    """Do what the line of JSON asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    if len(content) != asked["size"]:
        sys.exit(1)  # whoever asked is gone
    try:
        layout = layout_of(ImportKind(asked["kind"]), asked["competencies"])
        table = read_table(
            content,
            asked["filename"],
            layout.columns,
            sheet=asked["sheet"],
            mapping=asked["mapping"],
        )
        if asked["action"] == "rows":
            _report(notes=[*map(noted, table.warnings)], total=table.row_limit)
            _write_rows(table, layout, Sealer(asked["secret"].encode()))
        else:
            _write_error_file(table, layout, asked)
    except UnreadableFile as unreadable:
        _report(problem=noted(unreadable))


def _report(**facts: object) -> None:
    sys.stderr.write(json.dumps(facts) + "\n")
    sys.stderr.flush()


def _write_rows(table: Table, layout: Layout, sealer: Sealer) -> None:
    count = 0
    for count, row in enumerate(parse_rows(table, layout.check), 1):
        sys.stdout.buffer.write(staged(row, layout, sealer).encode())
        if count % REPORTED_ROWS == 0:
            _report(done=count)
    sys.stdout.buffer.flush()
    _report(done=count)


def _write_error_file(table: Table, layout: Layout, asked: Mapping[str, Any]) -> None:
    from app.services.imports.template import error_csv, error_xlsx

    errors = {
        int(row): [Finding(*finding) for finding in findings]
        for row, findings in asked["errors"].items()
    }
    rows = parse_rows(table, layout.check)
    identifiers = [row.values.get("nip") for row in rows if row.row_number in errors]
    _report(identifiers=[i.value for i in identifiers if isinstance(i, Nip | NiPppk)])
    write = error_xlsx if asked["xlsx"] else error_csv
    sys.stdout.buffer.write(write(table, errors, language=asked["language"]))


def staged(row: ParsedRow, layout: Layout, sealer: Sealer) -> str:
    """The row as a line for COPY into the staging table."""
    identifier = row.values.get("nip")
    fields = (
        str(row.row_number),
        identifier.value if isinstance(identifier, Nip | NiPppk) else NULL,
        "f" if row.repeats is None else "t",
        "t" if row.errors else "f",
        _findings(row).translate(ESCAPES) if row.errors or row.warnings else NULL,
        *layout.stage(row.values, sealer),
    )
    return "\t".join(fields) + "\n"


def _findings(row: ParsedRow) -> str:
    return json.dumps([*_listed(row.errors, "error"), *_listed(row.warnings, "warning")])


def _listed(findings: tuple[Finding, ...], severity: str) -> Iterator[dict[str, str | None]]:
    for finding in findings:
        yield {
            "severity": severity,
            "column_name": finding.column,
            "code": finding.code,
            "detail_id": finding.detail_id,
            "detail_en": finding.detail_en,
        }


if __name__ == "__main__":
    main()
