"""The kinds of imports, as far as the database goes; the files are told apart in `layouts`."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Reader
from app.models.imports import Import
from app.sealing import Sealer
from app.services.imports.assessment_results.dictionary import every_competency
from app.services.imports.assessment_results.layout import Competencies
from app.services.imports.assessment_results.work import ResultsWork
from app.services.imports.employees.work import EmployeeWork
from app.services.imports.layout import Layout
from app.services.imports.layouts import layout_of
from app.vocabulary import ImportKind


class Work(Protocol):
    """What a kind of import does with its rows, all in the transaction of the import.

    `tables` create what it works with, `import_rows` first.
    """

    @property
    def tables(self) -> Sequence[str]: ...

    async def obstacle(self) -> dict[str, str] | None:
        """Why the file can't be imported at all, whatever its rows say: code, id, en."""

    async def judge(self) -> dict[str, int]:
        """Compare the staged rows with what is recorded, and judge them; the counts."""

    def write(self) -> AsyncIterator[float]:
        """Write every good row; yields how much is done, from 0 to 1. Errors: PlanOutdated."""


async def competencies_of(reader: Reader, kind: ImportKind, as_of: date) -> Competencies:
    """What the reader of a file has to know of the dictionary on that day."""
    return [] if kind is ImportKind.EMPLOYEES else await every_competency(reader, as_of)


async def columns_on(reader: Reader, kind: ImportKind, as_of: date) -> Layout:
    """The layout for somebody who makes a file: with the competencies in force on that day."""
    known = await competencies_of(reader, kind, as_of)
    return layout_of(kind, [each for each in known if each["in_force"]])


def work_for(
    session: AsyncSession, brought: Import, sealer: Sealer, competencies: Competencies
) -> Work:
    """The work of this import's kind."""
    if brought.kind is ImportKind.EMPLOYEES:
        return EmployeeWork(session, brought, sealer)
    return ResultsWork(session, brought, competencies)
