"""The dictionary as a file of results may name it: by codes, and by names of any time."""

from datetime import date
from typing import Any

from sqlalchemy import select

from app.database import Reader
from app.models.competencies import Competency, CompetencyVersion
from app.services.imports.assessment_results.layout import Competencies
from app.services.timeline import begins, holds

_VERSIONS = (
    select(
        Competency.id,
        Competency.code,
        CompetencyVersion.name,
        CompetencyVersion.levels,
        holds(CompetencyVersion).label("in_force"),
    )
    .join(CompetencyVersion, CompetencyVersion.competency_id == Competency.id)
    .order_by(
        Competency.ordinal,
        holds(CompetencyVersion).desc(),
        begins(CompetencyVersion).desc(),
    )
)
"""Of each competency first the text in force, else the latest."""


async def every_competency(reader: Reader, as_of: date) -> Competencies:
    """Every competency there is or ever was, in its order."""
    known: dict[str, dict[str, Any]] = {}
    for row in await reader.all(_VERSIONS, as_of=as_of):
        fresh = {**row, "id": str(row["id"]), "aliases": []}
        first = known.setdefault(row["code"], fresh)
        if row["name"] not in (first["name"], *first["aliases"]):
            first["aliases"].append(row["name"])
    return [*known.values()]
