"""Which accounts and sessions somebody may see, and which accounts they may change."""

from uuid import UUID

from sqlalchemy import ColumnElement, true

from app.access.actors import Actor
from app.models.accounts import Account, SignInSession
from app.vocabulary import NextStep, Role

SEE_EVERY_ACCOUNT = frozenset({Role.HR_ADMIN, Role.AUDITOR})
MUST_HAVE_TOTP = frozenset({Role.HR_ADMIN, Role.AUDITOR})


def can_see(actor: Actor, account_id: UUID) -> bool:
    """One's own account; hr_admin and auditor see all, so that rights are overseen."""
    return actor.role in SEE_EVERY_ACCOUNT or account_id == actor.account_id


def visible(actor: Actor) -> ColumnElement[bool]:
    """The SQL twin of `can_see`."""
    if actor.role in SEE_EVERY_ACCOUNT:
        return true()
    return Account.id == actor.account_id


def can_see_sessions(actor: Actor, account_id: UUID) -> bool:
    """One's own; hr_admin, once nothing is left to do before, sees and ends everybody's."""
    return _sees_every_session(actor) or account_id == actor.account_id


def sessions_visible(actor: Actor) -> ColumnElement[bool]:
    """The SQL twin of `can_see_sessions`."""
    if _sees_every_session(actor):
        return true()
    return SignInSession.account_id == actor.account_id


def _sees_every_session(actor: Actor) -> bool:
    return actor.role is Role.HR_ADMIN and actor.next_step is None


def can_administer(actor: Actor, account_id: UUID) -> bool:
    """Separation of duties: nobody changes their own role, rights or access."""
    return actor.role is Role.HR_ADMIN and account_id != actor.account_id


def next_steps(
    role: Role, *, must_change_password: bool, has_totp: bool, require_totp: bool
) -> list[NextStep]:
    """What an account has to do before anything else, in this order."""
    steps = {
        NextStep.MUST_CHANGE_PASSWORD: must_change_password,
        NextStep.ENROL_TOTP: require_totp and role in MUST_HAVE_TOTP and not has_totp,
    }
    return [step for step, needed in steps.items() if needed]
