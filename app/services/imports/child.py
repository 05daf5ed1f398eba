"""The reader, as a program of its own: `python -m app.services.imports.child`.

Reading a large workbook is seconds of pure computation and may take much memory, and the file
is a stranger's: it is done beside the serving process, which stays responsive and survives.

Standard input: one line of JSON, then the file. Standard output: the rows for COPY, or the
error file. Standard error: lines of JSON that tell of the file, and how far it has come.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from app.names import sorting_form
from app.rules.identifiers import Nip, NiPppk
from app.sealing import Sealer
from app.services.imports.columns import code_key, squeeze
from app.services.imports.parsing import ParsedRow, Values, parse_rows
from app.services.imports.reading import Table, read_table
from app.services.imports.words import Finding, UnreadableFile

LARGEST_MEMORY: Final = 3 * 1024**3
REPORTED_ROWS: Final = 2_000
NIK_PURPOSE: Final = "nik"
"""As `app.services.employees.nik` seals it."""

# Copied as they are: column of the file -> column of the staging table, in its order.
PLAIN: Final = (
    "name", "title_prefix", "title_suffix", "birth_place", "birth_date", "sex", "status",
    "status_since", "golongan", "golongan_since", "job_title", "job_since", "unit_code",
    "unit_name", "education_level", "education_major", "education_year", "email", "phone",
    "address",
)  # fmt: skip
MADE: Final = (
    "row_number", "new_id", "identifier", "identifier_kind", "name_sort", "unit_code_key",
    "unit_key", "job_key", "job_kind", "jenjang", "nik_index", "nik_sealed", "skipped", "wrong",
    "findings",
)  # fmt: skip
STAGED: Final = (*MADE, *PLAIN)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL: Final = "\\N"


def main() -> None:
    """Do what the line of JSON asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    if len(content) != asked["size"]:
        sys.exit(1)  # whoever asked is gone
    try:
        table = read_table(
            content, asked["filename"], sheet=asked["sheet"], mapping=asked["mapping"]
        )
        if asked["action"] == "rows":
            _report(notes=[_noted(finding) for finding in table.warnings], total=table.row_limit)
            _write_rows(table, Sealer(asked["secret"].encode()))
        else:
            _write_error_file(table, asked)
    except UnreadableFile as unreadable:
        problem = {
            "code": unreadable.code,
            "id": unreadable.detail_id,
            "en": unreadable.detail_en,
        }
        _report(problem=problem)


def _report(**facts: object) -> None:
    sys.stderr.write(json.dumps(facts) + "\n")
    sys.stderr.flush()


def _noted(finding: Finding) -> dict[str, str]:
    return {"code": finding.code, "id": finding.detail_id, "en": finding.detail_en}


def _write_rows(table: Table, sealer: Sealer) -> None:
    count = 0
    for count, row in enumerate(parse_rows(table), 1):
        sys.stdout.buffer.write(staged(row, sealer).encode())
        if count % REPORTED_ROWS == 0:
            _report(done=count)
    sys.stdout.buffer.flush()
    _report(done=count)


def _write_error_file(table: Table, asked: Mapping[str, Any]) -> None:
    from app.services.imports.template import error_csv, error_xlsx

    errors = {
        int(row): [Finding(*finding) for finding in findings]
        for row, findings in asked["errors"].items()
    }
    identifiers = [row.values.get("nip") for row in parse_rows(table) if row.row_number in errors]
    _report(identifiers=[i.value for i in identifiers if isinstance(i, Nip | NiPppk)])
    write = error_xlsx if asked["xlsx"] else error_csv
    sys.stdout.buffer.write(write(table, errors, language=asked["language"]))


def staged(row: ParsedRow, sealer: Sealer) -> str:
    """The row as a line for COPY into the staging table."""
    values = row.values
    new_id = _uuid7()
    name, nik = values.get("name"), values.get("nik")
    identifier = values.get("nip")
    known = isinstance(identifier, Nip | NiPppk)
    fields = [
        str(row.row_number),
        str(new_id),
        cast(Nip, identifier).value if known else _NULL,
        cast(Nip, identifier).kind.value if known else _NULL,
        sorting_form(str(name)).translate(_ESCAPES) if name else _NULL,
        code_key(str(values.get("unit_code") or "")),
        _key(values, "unit_name"),
        _key(values, "job_title"),
        str(values.get("job_kind") or ""),
        str(values.get("jenjang") or ""),
        _bytes(sealer.blind_index(NIK_PURPOSE, str(nik))) if nik else _NULL,
        _bytes(sealer.seal(NIK_PURPOSE, str(nik).encode(), context=new_id.bytes)) if nik else _NULL,
        "f" if row.repeats is None else "t",
        "t" if row.errors else "f",
        _findings(row).translate(_ESCAPES) if row.errors or row.warnings else _NULL,
        *(_plain(values.get(column)) for column in PLAIN),
    ]
    return "\t".join(fields) + "\n"


def _plain(value: object) -> str:
    if value is None:
        return _NULL
    if isinstance(value, date):
        return value.isoformat()
    return str(value).translate(_ESCAPES)


def _key(values: Values, column: str) -> str:
    return squeeze(str(values.get(column) or ""))


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


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


def _uuid7() -> UUID:
    """A UUID that grows with time (RFC 9562), as the database makes them."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


if __name__ == "__main__":
    main()
