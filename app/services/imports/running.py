"""The job of an import: reads the file, judges it, and writes it unless something is wrong.

One transaction does it all, so that a worker may be killed at any moment: nothing half-written
stays, and the next attempt starts afresh. Only the progress is committed beside it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.calendar import now
from app.database import Database, SessionReader
from app.models.accounts import Account
from app.models.imports import Import, ImportFile, ImportProgress
from app.services.imports.assessment_results.layout import Competencies
from app.services.imports.child import STAGED
from app.services.imports.files import open_file
from app.services.imports.judging import KEEP_FINDINGS
from app.services.imports.kinds import Work, competencies_of, work_for
from app.services.imports.layouts import layout_of
from app.services.imports.process import Report, reading
from app.services.imports.staging import copy_rows, create_tables, take_time
from app.settings import Settings
from app.vocabulary import ImportState, ImportStep, Role

IMPORT = "import"
"""The name of the job in the queue."""
BEAT_SECONDS = 2.0
TURN = 0x696D706F
"""The key of the advisory lock: one import at a time, in all processes."""
log = structlog.get_logger()

FAILED = {
    "code": "import_failed",
    "id": "Impor gagal karena kesalahan di server. Tidak ada data yang berubah; coba lagi nanti.",
    "en": "The import failed by a fault of the server. Nothing was changed; try again later.",
}
ACCOUNT_GONE = {
    "code": "account_disabled",
    "id": "Akun yang memulai impor ini sudah tidak aktif. Tidak ada data yang berubah.",
    "en": "The account that started this import is no longer active. Nothing was changed.",
}


def job_payload(import_id: UUID, actor: Actor) -> dict[str, Any]:
    """What the worker has to know: which import, and on whose behalf."""
    return {
        "import_id": str(import_id),
        "account_id": str(actor.account_id),
        "role": actor.role.value,
        "employee_id": str(actor.employee_id) if actor.employee_id else None,
        "operation": actor.operation,
        "purpose": actor.purpose,
        "request_id": actor.request_id,
    }


def _actor(payload: Mapping[str, Any]) -> Actor:
    employee = payload["employee_id"]
    return Actor(
        role=Role(payload["role"]),
        account_id=UUID(payload["account_id"]),
        employee_id=UUID(employee) if employee else None,
        operation=payload["operation"],
        purpose=payload["purpose"],
        request_id=payload["request_id"],
    )


@dataclass(slots=True)
class _Progress:
    """How far the import has come, for the beat to tell."""

    step: ImportStep = ImportStep.READING
    done: int = 0
    total: int | None = None
    begun: list[tuple[ImportStep, float]] = field(
        default_factory=lambda: [(ImportStep.READING, monotonic())]
    )

    def at(self, step: ImportStep, done: int, total: int | None) -> None:
        self.step, self.done, self.total = step, done, total
        self.begun.append((step, monotonic()))

    def seconds(self) -> dict[str, float]:
        """How long each step took until now."""
        marks = [*self.begun, (self.step, monotonic())]
        return {step.value: round(end - begun, 2) for (step, begun), (_, end) in pairwise(marks)}

    def listen(self, report: Report) -> None:
        self.total = report.get("total", self.total)
        self.done = report.get("done", self.done)


async def run_import(
    database: Database, settings: Settings, payload: Mapping[str, Any], last_attempt: bool
) -> None:
    """Bring one import to its end, from wherever an earlier attempt left off: nowhere.

    Errors: whatever came between; the queue tries again, unless it was the last attempt.
    """
    import_id, actor = UUID(payload["import_id"]), _actor(payload)
    try:
        async with _beating(database, actor, import_id) as progress:
            state = await _attempt(database, settings, actor, import_id, progress)
    except Exception:
        if not last_attempt:
            raise
        log.exception("import_failed", import_id=str(import_id))
        async with database.transaction(actor, signed_in=False) as session:
            brought = await _locked(session, import_id)
            if brought is not None:
                _finish(brought, ImportState.FAILED, problem=FAILED)
        return
    if state is not None:
        steps = progress.seconds()
        log.info("import_finished", import_id=str(import_id), state=state, steps=steps)


async def _attempt(
    database: Database, settings: Settings, actor: Actor, import_id: UUID, progress: _Progress
) -> ImportState | None:
    """The whole import in one transaction; None where another attempt has finished it."""
    async with database.transaction(actor, signed_in=False) as session:
        await take_time(session)
        await session.execute(select(func.pg_advisory_xact_lock(TURN)))
        brought = await _locked(session, import_id)
        if brought is None:
            return None
        if not await _still_active(session, actor):
            _finish(brought, ImportState.REFUSED, problem=ACCOUNT_GONE)
            return brought.state
        known = await competencies_of(SessionReader(session), brought.kind, brought.effective_from)
        work = work_for(session, brought, settings.sealer, known)
        await create_tables(session, work.tables)
        problem = await work.obstacle() or await _read(settings, session, brought, known, progress)
        if problem is not None:
            _finish(brought, ImportState.REFUSED, problem=problem)
        else:
            await _judge_and_write(work, session, brought, progress)
        return brought.state


async def _locked(session: AsyncSession, import_id: UUID) -> Import | None:
    """The import, where it is not finished yet; kept from everybody else."""
    brought = await session.get(Import, import_id, with_for_update=True)
    return brought if brought is not None and brought.state is ImportState.QUEUED else None


async def _still_active(session: AsyncSession, actor: Actor) -> bool:
    active = select(Account.id).where(
        Account.id == actor.account_id, Account.role == actor.role, Account.disabled_at.is_(None)
    )
    return await session.scalar(active) is not None


async def _read(
    settings: Settings,
    session: AsyncSession,
    brought: Import,
    known: Competencies,
    progress: _Progress,
) -> dict[str, str] | None:
    """Stage the rows of the file; what is wrong with it as a whole, if anything."""
    sealed = await session.scalar(
        select(ImportFile.content).where(ImportFile.import_id == brought.id)
    )
    assert sealed is not None
    content = await open_file(settings.sealer, sealed, brought.sha256)
    asked = {
        "action": "rows",
        "kind": brought.kind,
        "competencies": known,
        "filename": brought.filename,
        "sheet": brought.sheet,
        "mapping": brought.mapping,
        "secret": settings.secret_key.get_secret_value(),
    }
    async with reading(asked, content, progress.listen) as child:
        columns = (*STAGED, *layout_of(brought.kind, known).staged)
        await copy_rows(session, child.chunks(), columns)
    brought.notes = child.notes
    return child.problem


async def _judge_and_write(
    work: Work, session: AsyncSession, brought: Import, progress: _Progress
) -> None:
    progress.at(ImportStep.CHECKING, 0, progress.done)
    brought.counts = await work.judge()
    await session.execute(text(KEEP_FINDINGS), {"import_id": brought.id})
    if brought.dry_run:
        _finish(brought, ImportState.CHECKED)
    elif brought.counts["wrong"] and not brought.partial:
        _finish(brought, ImportState.REFUSED)
    else:
        rows = brought.counts["rows"]
        progress.at(ImportStep.WRITING, 0, rows)
        async for share in work.write():
            progress.done = int(rows * share)
        _finish(brought, ImportState.IMPORTED)


def _finish(brought: Import, state: ImportState, *, problem: dict[str, str] | None = None) -> None:
    brought.state, brought.problem, brought.finished_at = state, problem, now()


# --- progress ---------------------------------------------------------------------------


@asynccontextmanager
async def _beating(database: Database, actor: Actor, import_id: UUID) -> AsyncIterator[_Progress]:
    """Tell every other second how far the import has come, for as long as it runs."""
    progress = _Progress()
    await _tell(database, actor, import_id, progress, begins=True)
    beat = asyncio.create_task(_beat(database, actor, import_id, progress))
    try:
        yield progress
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


async def _beat(database: Database, actor: Actor, import_id: UUID, progress: _Progress) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        with suppress(Exception):  # the next beat tells it
            await _tell(database, actor, import_id, progress, begins=False)


async def _tell(
    database: Database, actor: Actor, import_id: UUID, progress: _Progress, *, begins: bool
) -> None:
    clock = func.clock_timestamp()
    facts: dict[str, Any] = {
        "step": progress.step,
        "done": progress.done,
        "total": progress.total,
        "beat_at": clock,
    }
    statement = insert(ImportProgress).values(import_id=import_id, attempt=1, **facts)
    if begins:
        facts |= {"attempt": ImportProgress.attempt + 1, "started_at": clock}
    statement = statement.on_conflict_do_update(index_elements=["import_id"], set_=facts)
    async with database.transaction(actor, signed_in=False) as session:
        await session.execute(statement)
