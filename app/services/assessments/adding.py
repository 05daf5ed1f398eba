"""Adding people to an event: up to a thousand at once, in a handful of statements."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import now
from app.database import Row, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid
from app.models.assessments import AssessmentEvent
from app.schemas.assessments import AddedAssessment, Candidate, CandidatesAdd, CandidatesAdded
from app.services.assessment_events import locked_event


class EventClosed(Conflict):
    """The event is closed: nobody is added to it."""

    code = "event_closed"
    title = Bilingual("Kegiatan sudah ditutup", "The event is closed")


class AlreadyInEvent(Conflict):
    """Somebody else has just added one of these people."""

    code = "already_in_event"
    title = Bilingual(
        "Pegawai sudah menjadi peserta kegiatan ini", "The person is already in this event"
    )
    constraints = ("uq_assessments_event_id_employee_id",)


WRONG = {
    "unknown": Bilingual("Tidak dikenal.", "Unknown."),
    "named_twice": Bilingual("Disebut dua kali.", "Named twice."),
    "not_employed": Bilingual(
        "Tidak berstatus aktif pada hari pertama kegiatan.",
        "Not employed on the first day of the event.",
    ),
    "already_in_event": Bilingual("Sudah menjadi peserta.", "Already in the event."),
    "no_seat": Bilingual(
        "Tidak memangku jabatan definitif pada hari pertama kegiatan.",
        "Holds no seat for good on the first day of the event.",
    ),
    "not_in_force": Bilingual(
        "Jabatan tidak berlaku pada hari terakhir kegiatan.",
        "The position is not in force on the last day of the event.",
    ),
}
_ARRAYS = tuple(bindparam(name, type_=ARRAY(Uuid())) for name in ("employees", "positions"))
FACTS = text(
    """
    SELECT given.number, given.employee_id, e.id IS NOT NULL AS known,
           coalesce(given.position_id, seat.position_id) AS position_id,
           EXISTS (SELECT FROM employee_statuses s
                   WHERE s.employee_id = e.id AND s.valid @> CAST(:first AS date)) AS employed,
           EXISTS (SELECT FROM assessments a WHERE a.event_id = :event_id
                   AND a.employee_id = e.id AND a.state <> 'cancelled') AS already,
           EXISTS (SELECT FROM position_versions v
                   WHERE v.position_id = coalesce(given.position_id, seat.position_id)
                   AND v.valid @> CAST(:last AS date)) AS in_force
    FROM unnest(:employees, :positions)
        WITH ORDINALITY AS given (employee_id, position_id, number)
    LEFT JOIN employees e ON e.id = given.employee_id
    LEFT JOIN seat_assignments seat ON seat.employee_id = e.id AND seat.kind = 'definitif'
        AND seat.valid @> CAST(:first AS date)
    ORDER BY given.number
    """
).bindparams(*_ARRAYS)
INSERT = text(
    """
    INSERT INTO assessments (event_id, employee_id, position_id, created_at, updated_at)
    SELECT :event_id, given.employee_id, given.position_id, :now, :now
    FROM unnest(:employees, :positions) AS given (employee_id, position_id)
    RETURNING id, employee_id, position_id
    """
).bindparams(*_ARRAYS)


async def add_candidates(
    session: AsyncSession, event_id: UUID, new: CandidatesAdd
) -> CandidatesAdded:
    """An assessment for each of these people, or for none.

    Errors: NotFound, EventClosed, AlreadyInEvent; Invalid, with what is wrong with whom.
    """
    event = await locked_event(session, event_id, shared=True)
    if event.closed_at is not None:
        raise EventClosed
    facts = await _facts(session, event, new.candidates)
    errors = list(_errors(facts))
    if errors:
        raise Invalid(errors=errors)
    people = [fact["employee_id"] for fact in facts]
    values = {"employees": people, "positions": [fact["position_id"] for fact in facts]}
    rows = await session.execute(INSERT, {"event_id": event_id, "now": now(), **values})
    made = {row["employee_id"]: AddedAssessment(**row) for row in rows.mappings()}
    return CandidatesAdded(assessments=[made[person] for person in people])


async def _facts(
    session: AsyncSession, event: AssessmentEvent, candidates: Sequence[Candidate]
) -> Sequence[Row]:
    return await SessionReader(session).all(
        FACTS,
        event_id=event.id,
        first=event.starts_on,
        last=event.ends_on,
        employees=[c.employee_id for c in candidates],
        positions=[c.position_id for c in candidates],
    )


def _errors(facts: Sequence[Row]) -> Iterator[FieldError]:
    seen: set[UUID] = set()
    for fact in facts:
        found = _wrong(fact, seen)
        if found is not None:
            field, code = found
            pointer = f"/candidates/{fact['number'] - 1}/{field}"
            yield FieldError(pointer, code, WRONG[code])
        seen.add(fact["employee_id"])


def _wrong(fact: Row, seen: set[UUID]) -> tuple[str, str] | None:
    """The first thing that is wrong with one of them: which field, and what."""
    checks = (
        (fact["known"], "employee_id", "unknown"),
        (fact["employee_id"] not in seen, "employee_id", "named_twice"),
        (fact["employed"], "employee_id", "not_employed"),
        (not fact["already"], "employee_id", "already_in_event"),
        (fact["position_id"] is not None, "position_id", "no_seat"),
        (fact["in_force"], "position_id", "not_in_force"),
    )
    return next(((field, code) for fine, field, code in checks if not fine), None)
