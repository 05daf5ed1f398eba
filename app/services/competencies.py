"""The competency dictionary: by what people are measured, as of any day.

A text that has begun to hold is never changed: results name the version that they went by. Another
text holds from a later day on. Codes and places in the order are kept for life.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.database import Reader
from app.models.competencies import Competency, CompetencyVersion
from app.services.timeline import holds
from app.vocabulary import CompetencyKind


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """A competency with its text in force on a day."""

    id: UUID
    code: str
    kind: CompetencyKind
    job_family: str | None
    ordinal: int
    version_id: UUID
    name: str
    definition: str
    levels: Sequence[dict[str, Any]]
    """Five, in order: `{"level", "name", "description", "indicators"}`."""


_DICTIONARY = (
    select(
        Competency.id,
        Competency.code,
        Competency.kind,
        Competency.job_family,
        Competency.ordinal,
        CompetencyVersion.id.label("version_id"),
        CompetencyVersion.name,
        CompetencyVersion.definition,
        CompetencyVersion.levels,
    )
    .join(CompetencyVersion, CompetencyVersion.competency_id == Competency.id)
    .where(holds(CompetencyVersion))
    .order_by(Competency.ordinal)
)


async def dictionary(reader: Reader, as_of: date) -> list[DictionaryEntry]:
    """Every competency in force on that day, in its order; none before the first text."""
    rows = await reader.all(_DICTIONARY, as_of=as_of)
    return [DictionaryEntry(**{**row, "kind": CompetencyKind(row["kind"])}) for row in rows]
