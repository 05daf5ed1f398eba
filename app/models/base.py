"""What every table shares: constraint names, surrogate keys, versions, dated facts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, ForeignKey, Index, MetaData, text
from sqlalchemy.dialects.postgresql import (
    DATERANGE,
    TIMESTAMP,
    ExcludeConstraint,
    Range,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import String, TypeDecorator, Uuid


class Base(DeclarativeBase):
    """Every model's root."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid(),
    }


class Word(TypeDecorator[Any]):
    """A StrEnum stored as text: a new word needs no ALTER TYPE; a CHECK lists the words."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


def one_of(column: str, words: type[StrEnum]) -> str:
    """The CHECK that a column holds one of these words."""
    return f"{column} IN ({', '.join(repr(str(w)) for w in words)})"


class Identified:
    """A surrogate key that grows with time, so that its index stays compact."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))


class Versioned:
    """Optimistic concurrency: an UPDATE that finds another version is a StaleDataError."""

    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), onupdate=text("now()")
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class, says SQLAlchemy
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


class Dated:
    """A fact that holds over a half-open range of days; the current one has no end."""

    valid: Mapped[Range[date]] = mapped_column(DATERANGE)

    @property
    def effective_from(self) -> date:
        """The first day on which the fact holds."""
        assert self.valid.lower is not None
        return self.valid.lower

    @property
    def effective_until(self) -> date | None:
        """The first day on which it no longer holds; None while it has no end."""
        return self.valid.upper


def never_twice(*columns: str, name: str) -> ExcludeConstraint:
    """No two facts of the same columns on one day.

    PostgreSQL 18's `UNIQUE (…, valid WITHOUT OVERLAPS)` is written in the migrations; SQLAlchemy
    knows the same rule as an exclusion constraint, which is what the server makes of it.
    """
    return ExcludeConstraint(*((c, "=") for c in columns), ("valid", "&&"), name=name, using="gist")


def trigram(table: str, column: str, name: str | None = None) -> Index:
    """An index that finds a part of a text anywhere in the column."""
    return Index(
        f"ix_{table}_{name or column}_trigram",
        column,
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
    )


def of_employee() -> Mapped[UUID]:
    """The person whom a row is about."""
    return mapped_column(ForeignKey("employees.id"), index=True)
