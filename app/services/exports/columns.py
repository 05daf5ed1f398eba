"""What a data set is made of: columns that explain themselves, rows, and whom they are about."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, SelectBase, SQLColumnExpression, bindparam
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import Bilingual
from app.vocabulary import ExportColumnType, ExportDataset

MOMENT = bindparam("moment", type_=TIMESTAMP(timezone=True))
"""The instant as of which rows are shown; `timeline.AS_OF` is its day in Jakarta."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its value in SQL, and what a reader has to know of it.

    `type` TEXT is what people typed freely; words, codes and identifiers hold neither quotes nor
    backslashes, nor begin as a formula does.
    """

    name: str
    type: ExportColumnType
    value: SQLColumnExpression[Any]
    meaning: Bilingual
    source: str
    """The table and column it comes from."""
    never_null: bool = False
    """Known to hold a value in each row: written as JSON in fewer steps."""
    scale: int = 2
    """Digits after the point, of a decimal."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows to export: `rows` is a SELECT without columns, in a fixed order.

    `subjects` selects the employees whom the rows are about, each once and in order; None where
    they are about nobody. `entity` is what the audit log says was looked at.
    """

    name: ExportDataset
    title: Bilingual
    as_of: Bilingual
    """How the moment applies to it."""
    columns: tuple[Column, ...]
    rows: Select[Any]
    subjects: SelectBase | None = None
    entity: str = "exports"
    hash_joins: bool = False
    """Whether it joins dated facts of everybody. The planner, who expects few facts to hold on a
    day, would look each of them up by itself, which takes three times as long."""


def of(
    attribute: InstrumentedAttribute[Any],
    type_: ExportColumnType,
    indonesian: str,
    english: str,
    name: str | None = None,
    *,
    never_null: bool = False,
) -> Column:
    """A column of a table as it stands."""
    source = f"{attribute.class_.__tablename__}.{attribute.key}"
    meaning = Bilingual(indonesian, english)
    return Column(name or attribute.key, type_, attribute, meaning, source, never_null)


def made(
    name: str,
    value: SQLColumnExpression[Any],
    type_: ExportColumnType,
    source: str,
    indonesian: str,
    english: str,
) -> Column:
    """A column that is computed, or whose table stands under another name."""
    return Column(name, type_, value, Bilingual(indonesian, english), source)
