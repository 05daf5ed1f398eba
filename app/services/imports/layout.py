"""What differs between the files of one kind of import and another, as far as a file goes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from app.sealing import Sealer
from app.services.imports.columns import Columns
from app.services.imports.parsing import Check, Values

Stage: TypeAlias = Callable[[Values, Sealer], Iterable[str]]


class Sheet(NamedTuple):
    """A sheet of the template that only explains: its name, and rows under a heading row."""

    name: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file: its columns, what is judged of a row, and what is kept of it.

    `staged` are columns of the staging table, and `stage` gives a row's fields for them, as
    COPY reads them. `title` names sheet and file of the template, `notes` stand in its help.
    """

    columns: Columns
    check: Check
    staged: tuple[str, ...]
    stage: Stage
    title: str
    notes: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()


NULL: Final = "\\N"
ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def field(value: object) -> str:
    """A value as COPY reads it."""
    if value is None:
        return NULL
    if isinstance(value, date):
        return value.isoformat()
    return str(value).translate(ESCAPES)
