r"""The COPY of each format: PostgreSQL itself writes the rows, and Python only passes them on.

- **CSV** is COPY's own. Texts that a spreadsheet would take for a formula get an apostrophe.
- **NDJSON** is COPY's CSV of one column, a JSON object, with a delimiter and a quote that no JSON
  text holds: so each line is the object as it is. It is put together from its members' texts,
  which takes half of what `row_to_json` does.
- **XLSX and Parquet** are made from plain CSV, read back in batches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final

from sqlalchemy import (
    Executable,
    FromClause,
    Select,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from app.calendar import JAKARTA
from app.database import DIALECT
from app.services.exports.columns import Column, Dataset
from app.vocabulary import ExportColumnType as Type
from app.vocabulary import ExportFormat

Value = SQLColumnExpression[Any]
QUOTE: Final = "\x01"
DELIMITER: Final = "\x02"
"""Control characters, which JSON writes as escapes."""
FORMULA_STARTS: Final = "=+-@\t\r"
INSTANT: Final[SQLColumnExpression[str]] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")


@dataclass(frozen=True, slots=True)
class Copy:
    """A query, and the options of the COPY that runs it."""

    query: str
    options: dict[str, Any]


def copy_of(dataset: Dataset, form: ExportFormat, as_of: datetime) -> Copy:
    """What has PostgreSQL write the data set, as of an instant."""
    values: list[Value] = [column.value.label(column.name) for column in dataset.columns]
    rows = dataset.rows.with_only_columns(*values).subquery("rows")  # sorted before they grow
    if form is ExportFormat.NDJSON:
        options: dict[str, Any] = {"format": "csv", "delimiter": DELIMITER, "quote": QUOTE}
        columns = [_object(dataset.columns, rows)]
    else:
        for_people = form is ExportFormat.CSV
        texts = _defused if for_people else _plain
        columns = [texts(c, rows.c[c.name]).label(c.name) for c in dataset.columns]
        options = {"format": "csv", "header": for_people}
    return Copy(_sql(select(*columns).select_from(rows), as_of), options)


def values_of(as_of: datetime) -> dict[str, object]:
    """What the statements of a data set are called with."""
    return {"as_of": as_of.astimezone(JAKARTA).date(), "moment": as_of}


def counted(dataset: Dataset, most: int) -> Select[Any]:
    """How many rows there are, counted to one beyond the most."""
    one: SQLColumnExpression[int] = literal_column("1").label("one")
    rows = dataset.rows.with_only_columns(one).order_by(None).limit(literal_column(str(most + 1)))
    return select(func.count()).select_from(rows.subquery())


def _sql(statement: Executable, as_of: datetime) -> str:
    """With its values in the text: COPY takes no arguments. They are dates that we have parsed."""
    given = statement.params(values_of(as_of))  # type: ignore[attr-defined]
    return str(given.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


def _plain(column: Column, value: Value) -> Value:
    """As COPY writes it; instants as RFC 3339 has them, booleans as words."""
    if column.type is Type.INSTANT:
        utc = func.timezone(literal_column("'UTC'"), value, type_=TIMESTAMP())
        return func.to_char(utc, INSTANT, type_=Text())
    if column.type in (Type.BOOLEAN, Type.JSON):
        return cast(value, Text)
    return value


def _defused(column: Column, value: Value) -> Value:
    if column.type is not Type.TEXT:
        return _plain(column, value)
    starts: list[SQLColumnExpression[int]] = [
        literal_column(str(ord(character))) for character in FORMULA_STARTS
    ]
    quoted = _literal("''").concat(value)
    return case((func.ascii(value).in_(starts), quoted), else_=value)


def _object(columns: tuple[Column, ...], rows: FromClause) -> Value:
    """A row as the text of one JSON object."""
    parts: list[Value] = []
    before = "{"
    for column in columns:
        value, mark = _json(column, rows.c[column.name])
        parts += [_literal(f'{before}"{column.name}":{mark}'), value]
        before = f"{mark},"
    return _joined([*parts, _literal(before.removesuffix(",") + "}")])


def _json(column: Column, value: Value) -> tuple[Value, str]:
    """A value as JSON, and the mark that belongs around it."""
    text: Value = cast(_plain(column, value), Text)
    mark = ""
    if column.type is Type.TEXT:
        text = cast(func.to_json(value), Text)
    elif column.type not in (Type.INTEGER, Type.BOOLEAN, Type.JSON):
        mark = '"'
    if column.never_null:
        return text, mark
    marked = _joined([_literal(mark), text, _literal(mark)]) if mark else text
    return func.coalesce(marked, _literal("null")), ""


def _joined(texts: Iterable[Value]) -> Value:
    return reduce(lambda before, text: before.concat(text), texts)


def _literal(text: str) -> Value:
    return literal_column(f"'{text}'", type_=Text())
