"""Holding the log to its own hashes, its chain, its checkpoints, and to a saved checkpoint.

A walk along the chain in batches, with memory for one of them. It recomputes every event's hash
and every link, checks the commitment of details that are still there (those erased by law are
counted, no fault), that no event was slipped in among settled ones, and at each checkpoint the
Merkle root. It begins at the last checkpoint before the range, which is signed; and after a
fault it goes on with what is stored, so that each fault is told once, at its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from app.database import Reader, Row
from app.errors import Bilingual, FieldError, Invalid, Language
from app.models.audit import AuditCheckpoint, AuditDetail, AuditEvent, AuditLink
from app.schemas.audit import CheckpointDocument, Fault, Verification, VerificationRequest
from app.services.audit.checkpoints import (
    AFTER,
    AT_MOST,
    CHECKPOINT_COLUMNS,
    END,
    LATEST,
    PublicKeys,
    authentic,
    opened,
    public_keys,
)
from app.services.audit.events import (
    FIRST_PLACE,
    HASHED_COLUMNS,
    LAST_SEQ,
    XID,
    Place,
    bound_place,
    event_place,
    hash_of,
)
from app.services.audit.words import FAULTS, SOUND
from app.transparency import (
    CHAIN_START,
    HASH_BYTES,
    CheckpointInvalid,
    Frontier,
    SignedCheckpoint,
    chain_hash,
)
from app.vocabulary import AuditFault

BATCH = 500
MOST_PER_REQUEST = 50_000
"""Events that one request verifies: some seconds of work, far from its time limit."""
MOST_FAULTS = 100
"""Faults that a report lists; it counts them all."""
ERASABLE = frozenset({"accounts", "sign_in_sessions"})
"""Entities whose details a citizen who withdraws consent has erased (`app.erase_my_account`)."""
Progress = Callable[[int, int], None]

_COMMITTED = func.sha256(
    AuditDetail.salt.op("||")(func.convert_to(cast(AuditDetail.changes, Text), "UTF8"))
)
LINKS = (
    select(
        *(AuditLink.seq, AuditLink.event_id, AuditLink.event_hash, AuditLink.chain_hash),
        *HASHED_COLUMNS,
        AuditDetail.event_id.is_not(None).label("has_details"),
        (AuditEvent.commitment == _COMMITTED).label("details_hold"),
    )
    .outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id)
    .outerjoin(AuditDetail, AuditDetail.event_id == AuditLink.event_id)
    .where(AuditLink.seq > AFTER, AuditLink.seq <= AT_MOST)
    .order_by(AuditLink.seq)
)
CHECKPOINTS = (
    select(*CHECKPOINT_COLUMNS)
    .where(AuditCheckpoint.tree_size > AFTER, AuditCheckpoint.tree_size <= AT_MOST)
    .order_by(AuditCheckpoint.tree_size)
)


PLACES = (
    select(AuditEvent.id, XID)
    .where(event_place > bound_place("low"), event_place < bound_place("high"))
    .order_by(AuditEvent.xid, AuditEvent.id)
    .limit(BATCH + MOST_FAULTS)
)
"""Events between two places: those of a batch, and any without a place in the chain."""
CHAINED = select(AuditLink.event_id).where(
    AuditLink.event_id == any_(bindparam("ids", type_=ARRAY(Uuid())))
)
START = (
    select(AuditLink.chain_hash, XID, AuditEvent.id)
    .outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id)
    .where(AuditLink.seq == AFTER)
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Something wrong at a number, or somewhere from one to another."""

    reason: AuditFault
    first: int
    last: int
    event_id: UUID | None

    def order(self) -> tuple[int, int]:
        """By number."""
        return self.first, self.last


@dataclass(slots=True)
class _Walk:
    """How far a verification has come, and what it found."""

    seq: int
    chain: bytes | None
    """None where the link before is missing."""
    tree: Frontier | None
    """None where leaves are missing, until the next checkpoint."""
    place: Place | None
    """The last event's place in the order of settling; None where it is unknown."""
    signed_to: int
    """The size of the last checkpoint passed."""
    at_signed: int = 0
    """How many faults were known by then."""
    checked: int = 0
    details_checked: int = 0
    details_erased: int = 0
    checkpoints_checked: int = 0
    fault_count: int = 0
    faults: list[_Fault] = field(default_factory=list)

    def note(
        self, reason: AuditFault, first: int, last: int | None = None, event: UUID | None = None
    ) -> None:
        """Note a fault at a number, or somewhere from one to another."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(_Fault(reason, first, last or first, event))

    def link(self, row: Row) -> Place | None:
        """Check the next link and its event; the event's place, where that can be trusted."""
        if row["seq"] != self.seq + 1:
            self.note(AuditFault.LINK_MISSING, self.seq + 1, row["seq"] - 1)
            self.chain = self.tree = None
        self.seq = row["seq"]
        self.checked += 1
        leaf, chain = _as_hash(row["event_hash"]), _as_hash(row["chain_hash"])
        if self.chain is not None and chain_hash(self.chain, leaf) != chain:
            self.note(AuditFault.CHAIN_BROKEN, self.seq, event=row["event_id"])
        self.chain = chain
        if self.tree is not None:
            self.tree.append(leaf)
        if row["id"] is None:
            self.note(AuditFault.EVENT_MISSING, self.seq, event=row["event_id"])
            return None
        self._details(row)
        return self._event(row)

    def _event(self, row: Row) -> Place | None:
        if hash_of(row) != row["event_hash"]:
            self.note(AuditFault.EVENT_CHANGED, self.seq, event=row["event_id"])
            return None
        place = _place_of(row)
        if self.place is not None and place <= self.place:
            self.note(AuditFault.OUT_OF_ORDER, self.seq, event=row["event_id"])
        self.place = place
        return place

    def _details(self, row: Row) -> None:
        if row["has_details"]:
            self.details_checked += 1
            if not row["details_hold"]:
                self.note(AuditFault.DETAILS_CHANGED, self.seq, event=row["event_id"])
        elif row["commitment"] is not None and row["entity"] in ERASABLE:
            self.details_erased += 1
        elif row["commitment"] is not None:
            self.note(AuditFault.DETAILS_MISSING, self.seq, event=row["event_id"])

    def arrive(self, end: int) -> None:
        """The range ends here, whatever the last link was."""
        if self.seq < end:
            self.note(AuditFault.LINK_MISSING, self.seq + 1, end)
            self.seq = end

    def agrees(self, signed: SignedCheckpoint) -> bool:
        """Check the log up to here against a checkpoint of this size.

        Where it differs and no fault since the last checkpoint says why, that is one.
        """
        self.checkpoints_checked += 1
        checkpoint = signed.checkpoint
        if self.tree is None:
            return False
        same = (self.tree.root(), self.chain) == (checkpoint.root_hash, checkpoint.chain_hash)
        if not same and self.fault_count == self.at_signed:
            self.note(AuditFault.CHECKPOINT_MISMATCH, self.signed_to + 1, self.seq)
        return same

    def go_on_from(self, tree: Frontier) -> None:
        """From a checkpoint on, only what comes after it is in question."""
        self.tree = tree
        self.signed_to, self.at_signed = self.seq, self.fault_count


def _as_hash(stored: bytes) -> bytes:
    """What somebody wrote in a hash's place may have any length; zeros match nothing."""
    return stored if len(stored) == HASH_BYTES else bytes(HASH_BYTES)


def _place_of(row: Row) -> Place:
    return int(row["xid"]), row["id"]


async def verify_log(
    reader: Reader,
    *,
    from_seq: int = 1,
    to_seq: int | None = None,
    saved: CheckpointDocument | None = None,
    language: Language = "id",
    progress: Progress | None = None,
) -> Verification:
    """Verify the log from one number to another (to its end), and against a saved checkpoint.

    `progress(checked, of)` is called after each batch. A saved checkpoint within the range is
    compared with the log as it was at that size. Reads as the auditor or the sequencer.
    """
    keys = await public_keys(reader)
    last = await reader.value(LAST_SEQ) or 0
    end = min(to_seq or last, last)
    walk = await _begin(reader, keys, from_seq)
    begun = walk.seq
    against = _Saved.of(saved, keys)
    for after in range(begun, end, BATCH):
        until = min(after + BATCH, end)
        await _batch(reader, keys, walk, (after, until), against)
        if progress is not None:
            progress(until - begun, end - begun)
    walk.arrive(end)
    await _look_beyond(reader, walk, last, against)
    return _report(walk, begun, last, against, language)


@dataclass(slots=True)
class _Saved:
    """A checkpoint that was kept elsewhere, and whether the log agrees with it."""

    signed: SignedCheckpoint | None = None
    size: int = -1
    agrees: bool | None = None

    @classmethod
    def of(cls, document: CheckpointDocument | None, keys: PublicKeys) -> "_Saved":
        """The document, held to its signature."""
        if document is None:
            return cls()
        try:
            signed = authentic(document.model_dump(), keys)
        except CheckpointInvalid:
            return cls(None, document.tree_size, agrees=False)
        empty = signed.checkpoint.tree_size == 0  # what every log was once
        return cls(signed, document.tree_size, agrees=empty)


async def _begin(reader: Reader, keys: PublicKeys, from_seq: int) -> _Walk:
    """Begin behind the last checkpoint before the range; unanchored where that is not ours."""
    row = await reader.one(LATEST, at_most=from_seq - 1)
    if row is None or row["tree_size"] == 0:
        return _Walk(0, CHAIN_START, Frontier(), FIRST_PLACE, 0)
    size = row["tree_size"]
    start = await reader.one(START, after=size)
    place = _place_of(start) if start and start["id"] else None
    try:
        signed, tree = opened(row, keys)
    except CheckpointInvalid:
        walk = _Walk(size, None, None, place, size)
        walk.note(AuditFault.CHECKPOINT_NOT_OURS, size)
        return walk
    return _Walk(size, signed.checkpoint.chain_hash, tree, place, size)


async def _batch(
    reader: Reader, keys: PublicKeys, walk: _Walk, span: tuple[int, int], against: _Saved
) -> None:
    begun, place = walk.seq, walk.place
    rows = await reader.all(LINKS, after=span[0], at_most=span[1])
    stored = await reader.all(CHECKPOINTS, after=span[0], at_most=span[1])
    checkpoints = {row["tree_size"]: row for row in stored}
    chained = []
    for row in rows:
        if trusted := walk.link(row):
            chained.append((trusted, walk.seq))
        if against.signed and walk.seq == against.size:
            against.agrees = walk.agrees(against.signed)
        if walk.seq in checkpoints:
            _pass(walk, checkpoints[walk.seq], keys)
    await _find_unchained(reader, walk, place, begun, chained)


def _pass(walk: _Walk, row: Row, keys: PublicKeys) -> None:
    try:
        signed, tree = opened(row, keys)
    except CheckpointInvalid:
        walk.note(AuditFault.CHECKPOINT_NOT_OURS, walk.seq)
    else:
        walk.agrees(signed)
        walk.go_on_from(tree)


async def _find_unchained(
    reader: Reader, walk: _Walk, after: Place | None, begun: int, chained: list[tuple[Place, int]]
) -> None:
    """Settled events among those of a batch that have no link: slipped in, or cut out."""
    if not chained:
        return
    low, high = after or min(chained)[0], max(chained)[0]
    bounds = {
        "low_xid": str(low[0]),
        "low_id": low[1],
        "high_xid": str(high[0]),
        "high_id": high[1],
    }
    known = {place for place, _ in chained}
    found = [p for r in await reader.all(PLACES, **bounds) if (p := _place_of(r)) not in known]
    if not found:
        return
    rows = await reader.all(CHAINED, ids=[event for _, event in found])
    elsewhere = {row["event_id"] for row in rows}
    for place in found:
        if place[1] not in elsewhere:
            before = [seq for other, seq in chained if other < place]
            walk.note(AuditFault.EVENT_NOT_CHAINED, max(before, default=begun) + 1, event=place[1])


async def _look_beyond(reader: Reader, walk: _Walk, last: int, against: _Saved) -> None:
    """What was signed once, here or in a saved checkpoint, can't lie beyond the log's end."""
    newest = await reader.one(LATEST, at_most=END)
    signed = max(newest["tree_size"] if newest else 0, against.size if against.signed else 0)
    if signed > last:
        walk.note(AuditFault.LOG_SHORTENED, last + 1, signed)
    if against.size >= 0 and against.signed is None:
        walk.note(AuditFault.CHECKPOINT_NOT_OURS, against.size)


def _report(
    walk: _Walk, begun: int, last: int, against: _Saved, language: Language
) -> Verification:
    faults = [_told(fault, language) for fault in sorted(walk.faults, key=_Fault.order)]
    first = faults[0] if faults else None
    return Verification(
        ok=not faults,
        explanation=first.explanation if first else SOUND.text(language),
        first_bad_seq=first.first_seq if first else None,
        reason=first.reason if first else None,
        from_seq=begun + 1,
        to_seq=walk.seq,
        last_seq=last,
        next_from_seq=walk.seq + 1 if walk.seq < last else None,
        checked=walk.checked,
        details_checked=walk.details_checked,
        details_erased=walk.details_erased,
        checkpoints_checked=walk.checkpoints_checked,
        checkpoint_consistent=None if against.size < 0 else against.agrees,
        fault_count=walk.fault_count,
        faults=faults,
    )


def _told(fault: _Fault, language: Language) -> Fault:
    text = FAULTS[fault.reason].format(first=fault.first, last=fault.last)
    return Fault(
        reason=fault.reason,
        first_seq=fault.first,
        last_seq=fault.last,
        event_id=fault.event_id,
        explanation=text.text(language),
    )


async def verify_part(
    reader: Reader, asked: VerificationRequest, language: Language
) -> Verification:
    """What one request may verify: MOST_PER_REQUEST events, and where to go on.

    Errors: Invalid where the range leaves out the checkpoint that it is to be compared with.
    """
    first, last = _range(asked)
    size = asked.checkpoint.tree_size if asked.checkpoint else 0
    if size and not first <= size <= last:
        detail = Bilingual(
            f"Di luar rentang {first} sampai {last}.", f"Outside the range {first} to {last}."
        )
        raise Invalid(errors=[FieldError("/checkpoint/tree_size", "outside_range", detail)])
    return await verify_log(
        reader, from_seq=first, to_seq=last, saved=asked.checkpoint, language=language
    )


def _range(asked: VerificationRequest) -> tuple[int, int]:
    size = asked.checkpoint.tree_size if asked.checkpoint else 0
    if size and asked.from_seq is None and asked.to_seq is None:
        return size, size
    first = asked.from_seq or 1
    most = first + MOST_PER_REQUEST - 1
    return first, min(asked.to_seq or most, most)
