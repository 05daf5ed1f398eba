"""An import of assessment results, from the staged rows to what is recorded."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.imports import Import
from app.services.assessment_events import locked_event
from app.services.imports.assessment_results.layout import Competencies
from app.services.imports.assessment_results.planning import make_plan
from app.services.imports.assessment_results.writing import write_plan
from app.services.imports.words import about_file, noted

TABLES = (
    # What the file says; levels in the order of the dictionary.
    """
    CREATE TEMP TABLE import_rows (
        row_number integer NOT NULL, identifier text, name_sort text COLLATE "C",
        position_code text, position_key text NOT NULL, potential numeric(5, 2), note text,
        levels smallint[] NOT NULL,
        skipped boolean NOT NULL, wrong boolean NOT NULL, findings jsonb
    ) ON COMMIT DROP
    """,
)


class ResultsWork:
    """What becomes of the rows of an event's results."""

    tables = TABLES

    def __init__(self, session: AsyncSession, brought: Import, competencies: Competencies) -> None:
        self._session, self._brought = session, brought
        self._competency_ids = [each["id"] for each in competencies]

    async def obstacle(self) -> dict[str, str] | None:
        """A closed event; an open one stays open until the import is through."""
        assert self._brought.event_id is not None
        self._event = await locked_event(self._session, self._brought.event_id, shared=True)
        return noted(about_file("event_closed")) if self._event.closed_at else None

    async def judge(self) -> dict[str, int]:
        """Plan, by the days of the event."""
        return await make_plan(self._session, self._event, self._competency_ids)

    def write(self) -> AsyncIterator[float]:
        """Carry the plan out."""
        return write_plan(self._session, self._event.id, self._brought.filename)
