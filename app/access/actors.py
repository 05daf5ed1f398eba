"""The one who asks."""

from dataclasses import dataclass
from uuid import UUID

from app.vocabulary import NextStep, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes this request, and what the audit log will say of it.

    `account_id` is None for somebody who has not signed in; their role is `public`.
    `next_step` is what the account has to do before anything else.
    `purpose` is why personal data is looked at, in the caller's own words (X-Purpose) or
    the operation's default.
    """

    role: Role = Role.PUBLIC
    account_id: UUID | None = None
    employee_id: UUID | None = None
    session_id: UUID | None = None
    token_version: int = 0
    scopes: frozenset[str] = frozenset()
    next_step: NextStep | None = None
    operation: str = ""
    purpose: str = ""
    request_id: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether an account stands behind this actor."""
        return self.account_id is not None

    @property
    def persona(self) -> str:
        """The PostgreSQL role that this actor's transactions run as."""
        return f"kemuning_{self.role}"

    def is_self(self, employee_id: UUID) -> bool:
        """Whether that employee is this actor."""
        return self.employee_id is not None and self.employee_id == employee_id


SIGN_IN = "kemuning_sign_in"
"""The persona of the sign-in service, which acts before anybody is known."""
RECORDER = "kemuning_recorder"
"""The persona that writes the events of reads."""
SEQUENCER = "kemuning_sequencer"
"""The persona that chains and checkpoints the audit log."""
JOBS = "kemuning_jobs"
"""The persona that takes jobs from the queue."""
