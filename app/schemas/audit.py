"""The audit log as auditors read and verify it, and as it tells people of their own data."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Code, Line, Page, PageQuery, Schema, example
from app.vocabulary import AuditFault, AuditKind, Role

Seq = Annotated[int, Field(ge=1, le=2**63 - 1)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

EVENT = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "seq": 1042,
    "at": "2026-11-24T02:15:09.120431Z",
    "kind": "read",
    "operation": "employees_get_employee",
    "actor_account_id": "0199f1c2-0000-7b61-a8a4-6f3a7d1c2b90",
    "actor_name": "Petugas Kepegawaian",
    "actor_role": "hr_admin",
    "purpose": "verifikasi kenaikan pangkat",
    "request_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91",
    "entity": "employees",
    "subject_ids": ["0199f1c2-1111-7b61-a8a4-6f3a7d1c2b90"],
    "details": None,
}
CHECKPOINT = {
    "type": "kemuning-audit-checkpoint-v1",
    "origin": "https://kemuning.example",
    "tree_size": 10000,
    "root_hash": "5f" * 32,
    "chain_hash": "a1" * 32,
    "at": "2026-11-24T02:20:00.000000Z",
    "kid": "Q0Zl9n3J1mWk6mL8bHc2oXr7tYvU5sPdEaGfIjKxNzw",
    "signature": "A" * 86,
}


def _of_our_time(instant: datetime) -> datetime:
    if not 1970 < instant.year < 2200:
        raise PydanticCustomError(
            "date_out_of_range",
            "Must lie between 1970 and 2200.",
            {"indonesian": "Harus di antara tahun 1970 dan 2200."},
        )
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_of_our_time)]


class Period(Schema):
    """From an instant up to, and without, another."""

    since: Instant | None = Field(default=None, description="From this instant on.")
    until: Instant | None = Field(default=None, description="Before this instant.")


class AuditEventQuery(PageQuery, Period):
    """Which events."""

    actor_account_id: UUID | None = Field(default=None, description="By this account only.")
    subject_id: UUID | None = Field(default=None, description="An employee the event is about.")
    kind: AuditKind | None = Field(default=None, description="Of this kind only.")
    operation: Code | None = Field(default=None, description="By this operation only.")
    entity: Code | None = Field(default=None, description="The table written, or the noun read.")
    request_id: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9._-]{8,64}$", description="Of this request only."),
    ] = None
    include_details: bool = Field(
        default=False,
        description="With what was written, before and after; pages then hold at most 20 events.",
    )


class AuditEventRead(Schema):
    """Who did what to whose data, why, and in which request."""

    model_config = example(EVENT)

    id: UUID
    seq: int | None = Field(description="Its place in the chain; null until it is sequenced.")
    at: datetime
    kind: AuditKind
    operation: str
    actor_account_id: UUID | None
    actor_name: str | None = Field(description="As the account is called now; null for citizens.")
    actor_role: str
    purpose: str
    request_id: str
    entity: str
    subject_ids: list[UUID]
    details: list[dict[str, Any]] | None = Field(
        description="What was written: id, before and after. Null where not asked for, or erased."
    )


class AuditEventPage(Page):
    """Events, newest first."""

    model_config = example({"items": [EVENT], "next_cursor": None, "total": None})

    items: list[AuditEventRead]


class AccountReadsQuery(PageQuery, Period):
    """Whose data an account looked at, over a time."""


READS = {
    "employee_id": "0199f1c2-1111-7b61-a8a4-6f3a7d1c2b90",
    "name": "Siti Rahmawati",
    "reads": 3,
    "first_at": "2026-11-20T01:12:44.000000Z",
    "last_at": "2026-11-24T02:15:09.120431Z",
    "purposes": ["verifikasi kenaikan pangkat"],
}


class AccountReads(Schema):
    """How often an account looked at one person's data, when and why."""

    model_config = example(READS)

    employee_id: UUID
    name: str | None
    reads: int
    first_at: datetime
    last_at: datetime
    purposes: list[str] = Field(description="The purposes that were stated, at most 20.")


class AccountReadsPage(Page):
    """Persons, in the order in which the account first looked at their data."""

    model_config = example({"items": [READS], "next_cursor": None, "total": None})

    items: list[AccountReads]


class DataAccessQuery(PageQuery, Period):
    """What was done with one's own data."""

    kind: AuditKind | None = Field(default=None, description="`read` or `write`.")


ACCESS = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "at": "2026-11-24T02:15:09.120431Z",
    "kind": "read",
    "what": "Melihat data kepegawaian",
    "by_me": False,
    "actor_role": "hr_admin",
    "actor_name": "Petugas Kepegawaian",
    "purpose": "verifikasi kenaikan pangkat",
    "request_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91",
}


class DataAccess(Schema):
    """One time that somebody looked at, or changed, the caller's data."""

    model_config = example(ACCESS)

    id: UUID
    at: datetime
    kind: AuditKind
    what: str = Field(description="In plain words, in the language of Accept-Language.")
    by_me: bool
    actor_role: Role | None = Field(description="Null for the system itself.")
    actor_name: str | None
    purpose: str
    request_id: str


class DataAccessPage(Page):
    """Accesses, newest first."""

    model_config = example({"items": [ACCESS], "next_cursor": None, "total": None})

    items: list[DataAccess]


class CheckpointDocument(Schema):
    """A signed checkpoint (ES256 over the canonical JSON without `signature`): keep it elsewhere.

    `tree_size` counts events; `root_hash` is their Merkle root (RFC 6962).
    """

    model_config = example(CHECKPOINT)

    type: Annotated[Line, Field(max_length=100)]
    origin: Line
    tree_size: Annotated[int, Field(ge=0, le=2**63 - 1)]
    root_hash: Hex
    chain_hash: Hex
    at: Annotated[Line, Field(max_length=40)]
    kid: Line
    signature: Annotated[Line, Field(max_length=100)]


class CheckpointPage(Page):
    """Checkpoints, newest first."""

    model_config = example({"items": [CHECKPOINT], "next_cursor": None, "total": None})

    items: list[CheckpointDocument]


class VerificationRequest(Schema):
    """What to verify: a range, the log's agreement with a saved checkpoint, or both.

    With a checkpoint alone, the range is what that checkpoint covers since the one before it.
    """

    model_config = example({"from_seq": 1, "to_seq": 10000})

    from_seq: Seq | None = None
    to_seq: Seq | None = None
    checkpoint: CheckpointDocument | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_seq is not None and self.to_seq < (self.from_seq or 1):
            raise PydanticCustomError(
                "range_backwards",
                "`to_seq` lies before `from_seq`.",
                {"indonesian": "`to_seq` mendahului `from_seq`."},
            )
        return self


class Fault(Schema):
    """Something wrong at a number of the log, or somewhere from one to another."""

    reason: AuditFault
    first_seq: int
    last_seq: int
    event_id: UUID | None
    explanation: str


class Verification(Schema):
    """What a verification found."""

    model_config = example(
        {
            "ok": True,
            "explanation": "Tidak ditemukan kejanggalan.",
            "first_bad_seq": None,
            "reason": None,
            "from_seq": 1,
            "to_seq": 10000,
            "last_seq": 10442,
            "next_from_seq": 10001,
            "checked": 10000,
            "details_checked": 3120,
            "details_erased": 2,
            "checkpoints_checked": 4,
            "checkpoint_consistent": None,
            "fault_count": 0,
            "faults": [],
        }
    )

    ok: bool
    explanation: str
    first_bad_seq: int | None
    reason: AuditFault | None
    from_seq: int = Field(description="Where it began: at the checkpoint before what was asked.")
    to_seq: int
    last_seq: int = Field(description="Where the log ends.")
    next_from_seq: int | None = Field(
        description="Where to go on, since one request verifies a bounded number; null at the end."
    )
    checked: int
    details_checked: int
    details_erased: int = Field(description="Details erased by law; their events still verify.")
    checkpoints_checked: int
    checkpoint_consistent: bool | None = Field(
        description="Whether the log still holds what the given checkpoint signed."
    )
    fault_count: int
    faults: list[Fault] = Field(description="At most 100, by number.")


class InclusionProof(Schema):
    """Shows that an event is among those that a checkpoint signed (RFC 9162 section 2.1.3.2).

    `event_hash` is SHA-256 over a zero byte and `canonical_event` in UTF-8; `index` is `seq` - 1.
    """

    model_config = example(
        {
            "event_id": EVENT["id"],
            "seq": 1042,
            "index": 1041,
            "canonical_event": '{"actor_account_id":null,"at":"2026-11-24T02:15:09.120431Z"}',
            "event_hash": "0c" * 32,
            "proof": ["1d" * 32, "2e" * 32],
            "checkpoint": CHECKPOINT,
        }
    )

    event_id: UUID
    seq: int
    index: int
    canonical_event: str
    event_hash: Hex
    proof: list[Hex]
    checkpoint: CheckpointDocument


class AuditKeySet(Schema):
    """The public keys that checkpoints are signed with, as a JSON Web Key Set (RFC 7517)."""

    model_config = example(
        {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                    "kid": "Q0Zl9n3J1mWk6mL8bHc2oXr7tYvU5sPdEaGfIjKxNzw",
                    "use": "sig",
                    "alg": "ES256",
                }
            ]
        }
    )

    keys: list[dict[str, str]]
