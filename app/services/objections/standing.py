"""Where an objection stands: the states that it goes through, and who may not rule on it."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import Actor
from app.access.assessments import viewer
from app.access.objections import objections_visible
from app.calendar import now
from app.errors import Bilingual, NotFound, TransitionNotAllowed
from app.models.objections import Objection
from app.vocabulary import ObjectionState

S = ObjectionState
TRANSITIONS: Mapping[ObjectionState, tuple[ObjectionState, ...]] = {
    S.FILED: (S.HEARING, S.WITHDRAWN),
    S.HEARING: (S.RULED, S.WITHDRAWN),
    S.RULED: (),
    S.WITHDRAWN: (),
}


async def locked(session: AsyncSession, actor: Actor, objection_id: UUID) -> Objection:
    """The objection as it is now, locked while it is open. Errors: NotFound.

    Row-level security lets nobody lock one that has ended: it is read, and never changes.
    """
    seen = objections_visible(actor.role, Objection.employee_id, Objection.result_id)
    chosen = select(Objection).where(Objection.id == objection_id, seen)
    chosen = chosen.execution_options(populate_existing=True)
    values = viewer(actor)
    found = await session.scalar(chosen.with_for_update(of=Objection), values)
    found = found or await session.scalar(chosen, values)
    if found is None:
        raise NotFound
    return found


def require(objection: Objection, state: ObjectionState) -> None:
    """Errors: TransitionNotAllowed where its present state doesn't lead to that one."""
    allowed = TRANSITIONS[objection.state]
    if state not in allowed:
        raise TransitionNotAllowed(state=objection.state.value, allowed=list(allowed))


def hear(objection: Objection) -> None:
    """Open the hearing, or go on with it: a new version. Errors: TransitionNotAllowed."""
    if objection.state is not S.HEARING:
        require(objection, S.HEARING)
        objection.state = S.HEARING
    objection.updated_at = now()


# --- who may not rule ---------------------------------------------------------------------

OBSTACLES: Final[Mapping[str, Bilingual]] = {
    "no_officer": Bilingual(
        "Bukan akun petugas (hr_admin) yang aktif.", "Not an active account of an officer."
    ),
    "is_the_person": Bilingual(
        "Keberatan ini tentang orang itu sendiri.", "The objection is about that person."
    ),
    "is_subordinate": Bilingual(
        "Bawahan tidak memutus keberatan atasannya.",
        "A subordinate can't rule on a superior's objection.",
    ),
    "has_rated": Bilingual("Ia penilai dalam penilaian ini.", "A rater of this assessment."),
    "has_moderated": Bilingual("Ia memoderasi penilaian ini.", "The moderator of this assessment."),
    "has_published": Bilingual("Ia menerbitkan hasilnya.", "The publisher of the result."),
}
"""What keeps somebody from ruling, the first that is found."""
_OBSTACLES = text(
    """
    SELECT r.employee_id = ruler.employee_id AS is_the_person,
           r.employee_id = ANY (app.superiors(ruler.employee_id)) AS is_subordinate,
           EXISTS (SELECT FROM assessor_assignments s
                   WHERE s.assessment_id = a.id AND s.rater_id = ruler.employee_id
                     AND s.state <> 'withdrawn') AS has_rated,
           EXISTS (SELECT FROM accounts m
                   WHERE m.id = a.moderated_by
                     AND (m.id = ruler.id OR m.employee_id = ruler.employee_id)) AS has_moderated,
           EXISTS (SELECT FROM assessment_results v JOIN accounts p ON p.id = v.published_by
                   WHERE v.assessment_id = a.id
                     AND (p.id = ruler.id OR p.employee_id = ruler.employee_id)) AS has_published
    FROM accounts ruler, assessment_results r JOIN assessments a ON a.id = r.assessment_id
    WHERE ruler.id = :account_id AND ruler.role = 'hr_admin' AND ruler.disabled_at IS NULL
      AND r.id = :result_id
    """
).bindparams(bindparam("account_id", type_=Uuid()), bindparam("result_id", type_=Uuid()))
"""By account, and by the employee behind it, who may have another account too."""


async def obstacle(session: AsyncSession, account_id: UUID, objection: Objection) -> str | None:
    """The code of what keeps an account from ruling, a key of `OBSTACLES`; None where nothing."""
    values = {"account_id": account_id, "result_id": objection.result_id}
    found = (await session.execute(_OBSTACLES, values)).mappings().first()
    if found is None:
        return "no_officer"
    return next((code for code in OBSTACLES if found.get(code)), None)
