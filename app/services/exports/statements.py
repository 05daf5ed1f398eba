r"""The COPY of each format: PostgreSQL itself writes the rows, and Python only passes them on.

- **CSV** is COPY's own. Texts that a spreadsheet would take for a formula get an apostrophe.
- **NDJSON** is COPY's CSV too, with control characters for the delimiter and the quote, which no
  JSON text holds: columns alternate with the literal text between them (`{"id":`), and what is
  left, once the two characters are taken out, is one JSON object a line. That is twice as fast
  as `row_to_json`, which builds each row twice.
- **XLSX and Parquet** are made from plain CSV, read back in batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
from sqlalchemy.types import String

from app.calendar import JAKARTA
from app.database import DIALECT
from app.services.exports.columns import Column, Dataset
from app.vocabulary import ExportColumnType as Type
from app.vocabulary import ExportFormat

Value = SQLColumnExpression[Any]
QUOTE: Final = "\x01"
DELIMITER: Final = "\x02"
CONTROLS: Final = (QUOTE + DELIMITER).encode()
"""What NDJSON is without."""
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
        options: dict[str, Any] = {
            "format": "csv",
            "delimiter": DELIMITER,
            "quote": QUOTE,
            "null": "null",
        }
        columns = list(_members(dataset.columns, rows))
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
    quoted = literal_column("''''", type_=String()).concat(value)
    return case((func.ascii(value).in_(starts), quoted), else_=value)


def _members(columns: tuple[Column, ...], rows: FromClause) -> Iterator[Value]:
    """The values of a JSON object, and before each the text that leads to it."""
    for number, column in enumerate(columns):
        yield literal_column(f"""'{"," if number else "{"}"{column.name}":'""")
        yield _json(column, rows.c[column.name])
    yield literal_column("'}'")


def _json(column: Column, value: Value) -> Value:
    """A value as JSON; NULL is what COPY is told to write for it, `null`."""
    value = _plain(column, value)
    if column.type in (Type.INTEGER, Type.BOOLEAN, Type.JSON):
        return value
    if column.type in (Type.TEXT, Type.WORD, Type.CODE):
        return func.to_json(value)
    mark = literal_column("""'"'""", type_=String())
    return mark.concat(cast(value, Text)).concat(mark)
