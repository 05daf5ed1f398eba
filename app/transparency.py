"""The cryptography of the audit log: what is hashed, chained, proved and signed.

Pure functions over bytes; the sequencer and the verifier bring the events. A log is evidence
only if an outsider can check it, so every form here is a published one: canonical JSON after
RFC 8785, the Merkle tree of RFC 6962 (proofs verified as RFC 9162 says), signatures ES256.

    detail + salt -> commitment -> event_hash (leaf) -> chain_hash, Frontier -> Checkpoint
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from hashlib import sha256
from json.encoder import encode_basestring
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key

HASH_BYTES = 32
SALT_BYTES = 32

# One prefix a purpose, so that no leaf, node or link can be passed off as another. The first
# two are RFC 6962's; the third is ours.
_LEAF, _NODE, _LINK = b"\x00", b"\x01", b"\x02"

EMPTY_ROOT = sha256(b"").digest()
CHAIN_START = bytes(HASH_BYTES)


# --- Canonical form ---------------------------------------------------------------------------


def canonical_json(value: object) -> bytes:
    """The one JSON text of a value, as UTF-8: RFC 8785 for the types that events use.

    Dates are ISO 8601, instants RFC 3339 in UTC with six decimals, bytes lower-case hex. The
    result parsed and made canonical again is the same, so store `json.loads(canonical_json(x))`
    and the hash still holds when it is read back. Integers stay exact beyond 2**53, where
    RFC 8785 would round them.

    Raises TypeError for any other type, floats first of all (their text is where languages
    disagree), and ValueError for a lone surrogate or an instant without a time zone.
    """
    return _canonical(value).encode()


def _canonical(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():  # before int, which it is too
            return "true" if value else "false"
        case str():
            return encode_basestring(value)
        case int():
            return int.__repr__(value)
        case Mapping():
            return "{" + ",".join(_members(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case _:
            return encode_basestring(_scalar_text(value))


def _members(mapping: Mapping[object, object]) -> Iterable[str]:
    keys = [key for key in mapping if isinstance(key, str)]
    if len(keys) != len(mapping):
        raise TypeError("keys of canonical JSON are text")
    # RFC 8785 sorts by UTF-16 code units, which differs from code points above U+FFFF.
    for key in sorted(keys, key=lambda key: key.encode("utf-16-be")):
        yield f"{encode_basestring(key)}:{_canonical(mapping[key])}"


def _scalar_text(value: object) -> str:
    match value:
        case datetime():  # before date, which it is too
            return _instant(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- Events and their chain -------------------------------------------------------------------


def commitment(salt: bytes, detail: Mapping[str, object]) -> bytes:
    """SHA-256 over a random salt of 32 bytes and the canonical detail.

    The detail of an event holds personal data, which a person may have erased (UU 27/2022
    art. 8, 43 and 44), while the log must stay whole. So only this commitment enters the event's
    hash: with salt and detail at hand anyone can recompute it; with both erased it tells nothing,
    not even to someone who tries every possible detail, and the chain still verifies. The salt
    is therefore fresh for each event and erased along with the detail.
    """
    if len(salt) != SALT_BYTES:  # a fixed length keeps salt and detail apart without a separator
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return sha256(salt + canonical_json(detail)).digest()


def event_hash(event: Mapping[str, object]) -> bytes:
    """The leaf hash of an event (RFC 6962 section 2.1): 32 bytes.

    `event` carries the commitment of its detail, never the detail or the salt: what is hashed
    here can never be erased.
    """
    return sha256(_LEAF + canonical_json(event)).digest()


def chain_hash(previous: bytes, event_hash: bytes) -> bytes:
    """The link that ties an event to all before it; the first follows `CHAIN_START`."""
    return sha256(_LINK + _hash(previous) + _hash(event_hash)).digest()


# --- The Merkle tree --------------------------------------------------------------------------


class Frontier:
    """A growing Merkle tree, kept as the roots of its complete subtrees, largest first.

    There are as many as `size` has one-bits, so a checkpoint over n events needs O(log n) state.
    Store `size` and `roots`, and give them back to go on from there.
    """

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self.roots = [_hash(root) for root in roots]
        if size < 0 or len(self.roots) != size.bit_count():
            raise ValueError(f"{len(self.roots)} subtree roots do not make a tree of {size}")

    def append(self, leaf_hash: bytes) -> None:
        """Add the next leaf; it completes one subtree for each trailing one-bit of the size."""
        node, size = _hash(leaf_hash), self.size
        while size & 1:
            node = _node(self.roots.pop(), node)
            size >>= 1
        self.roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree's hash: 32 bytes, `EMPTY_ROOT` for an empty tree."""
        if not self.roots:
            return EMPTY_ROOT
        return reduce(lambda right, left: _node(left, right), reversed(self.roots))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes which show that leaf `index` is in the tree over these leaf hashes.

    Raises IndexError where there is no such leaf. Reads all leaves: O(n) time and memory.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    return _path(list(leaves), index)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes which show that the tree over the first `old_size` leaves was only added to.

    Raises IndexError where the old tree is larger. Reads all leaves: O(n) time and memory.
    """
    if not 0 <= old_size <= len(leaves):
        raise IndexError(f"no tree of {old_size} within a tree of {len(leaves)}")
    if old_size in (0, len(leaves)):
        return []
    level, index = list(leaves), old_size - 1
    while index & 1:  # up to the largest complete subtree that ends the old tree
        level, index = _parents(level), index >> 1
    # At index 0 that subtree is the whole old tree, whose root the verifier has.
    start = [level[index]] if index else []
    return start + _path(level, index)


def verify_inclusion(
    leaf_hash: bytes, index: int, tree_size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof shows the leaf at `index` of that tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < tree_size or not _are_hashes(leaf_hash, root, *proof):
        return False
    node, last = leaf_hash, tree_size - 1
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = _node(sibling, node)
            index, last = _skip_promoted(index, last)
        else:
            node = _node(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the new tree extends the old (RFC 9162 section 2.1.4.2).

    Every tree extends the empty one, and each itself; both with an empty proof.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == new_size:
        return old_root == new_root and not proof
    if old_size == 0:
        return old_root == EMPTY_ROOT and not proof
    return _extends(old_size, old_root, new_size, new_root, proof)


def _extends(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    if old_size.bit_count() == 1:  # the proof leaves out what the verifier has
        proof = [old_root, *proof]
    if not proof:
        return False
    index, last = old_size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old, new = _node(sibling, old), _node(sibling, new)
            index, last = _skip_promoted(index, last)
        else:
            new = _node(new, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _skip_promoted(index: int, last: int) -> tuple[int, int]:
    """Pass the levels where a last, unpaired node rose unchanged and so left no hash."""
    while index and not index & 1:
        index, last = index >> 1, last >> 1
    return index, last


def _path(level: list[bytes], index: int) -> list[bytes]:
    """The siblings met on the way up from one node of a level."""
    proof = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level, index = _parents(level), index >> 1
    return proof


def _parents(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    unpaired = level[-1:] if len(level) & 1 else []
    return [_node(left, right) for left, right in pairs] + unpaired


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _hash(value: bytes) -> bytes:
    if not _are_hashes(value):
        raise ValueError(f"a hash has {HASH_BYTES} bytes")
    return value


# --- Signatures -------------------------------------------------------------------------------

_SIGNATURE_BYTES = 64  # ES256: r and s, 32 bytes each (RFC 7518 section 3.4)


def sign_es256(private_pem: bytes, content: bytes) -> bytes:
    """64 bytes, by a P-256 key in PEM without a passphrase; ValueError for any other key."""
    key = load_pem_private_key(private_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key):
        raise ValueError("documents are signed with a P-256 key")
    r, s = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def is_signed_es256(
    public_key: ec.EllipticCurvePublicKey, signature: bytes, content: bytes
) -> bool:
    """Whether this P-256 key made that signature of the content."""
    if not _is_p256(public_key) or len(signature) != _SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_p256(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bool:
    return isinstance(key.curve, ec.SECP256R1)


# --- Signed checkpoints -----------------------------------------------------------------------

_TYPE = "kemuning-audit-checkpoint-v1"  # signed too: this key's other signatures mean other things
_FIELDS = {"type", "origin", "tree_size", "root_hash", "chain_hash", "at", "kid", "signature"}
_NAME = re.compile(r"[!-~]{1,255}")  # visible ASCII: nothing to normalise, nothing to hide
_MAX_JSON = 4096
_MAX_SIZE = 2**63 - 1  # a PostgreSQL bigint


class CheckpointInvalid(Exception):
    """A checkpoint is malformed, or its signature isn't by the key it is held against."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log was at one moment: saved elsewhere, it makes any later rewriting visible.

    `tree_size` counts events; `root_hash` and `chain_hash` are 32 bytes over just those;
    `kid` names the signing key. Raises CheckpointInvalid where a field cannot be.
    """

    origin: str
    tree_size: int
    root_hash: bytes
    chain_hash: bytes
    at: datetime
    kid: str

    def __post_init__(self) -> None:
        _require(_NAME.fullmatch(self.origin), "origin")
        _require(_NAME.fullmatch(self.kid), "kid")
        _require(0 <= self.tree_size <= _MAX_SIZE, "tree_size")
        _require(_are_hashes(self.root_hash), "root_hash")
        _require(_are_hashes(self.chain_hash), "chain_hash")
        _require(self.at.tzinfo, "at")

    def sign(self, private_pem: bytes) -> "SignedCheckpoint":
        """Sign with a P-256 key in PEM without a passphrase; raises ValueError for another."""
        return SignedCheckpoint(self, sign_es256(private_pem, self.to_signed_bytes()))

    def to_signed_bytes(self) -> bytes:
        """What the signature is over: the canonical JSON of the export without `signature`."""
        return canonical_json(self.to_fields())

    def to_fields(self) -> dict[str, str | int]:
        """The JSON members, hashes as lower-case hex and `at` as RFC 3339 in UTC."""
        return {
            "type": _TYPE,
            "origin": self.origin,
            "tree_size": self.tree_size,
            "root_hash": self.root_hash.hex(),
            "chain_hash": self.chain_hash.hex(),
            "at": _instant(self.at),
            "kid": self.kid,
        }


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and its ES256 signature, r and s in 64 bytes: the form that leaves the host."""

    checkpoint: Checkpoint
    signature: bytes

    def __post_init__(self) -> None:
        _require(len(self.signature) == _SIGNATURE_BYTES, "signature")

    def verify(self, public_key: ec.EllipticCurvePublicKey) -> None:
        """Raise CheckpointInvalid unless this P-256 key signed it.

        Says nothing on whether the key is to be trusted: choose it by `checkpoint.kid` from
        a key set that you have from elsewhere.
        """
        signed = self.checkpoint.to_signed_bytes()
        _require(is_signed_es256(public_key, self.signature, signed), "signature")

    def to_json(self) -> str:
        """One line of canonical JSON, the signature as base64url without padding."""
        signature = urlsafe_b64encode(self.signature).rstrip(b"=").decode()
        return canonical_json({**self.checkpoint.to_fields(), "signature": signature}).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "SignedCheckpoint":
        """Read an export; the layout is free, every member is held to its one spelling.

        Raises CheckpointInvalid, naming the member at fault. Does not verify the signature.
        """
        fields = _parse_members(text)
        try:
            return cls(_checkpoint(fields), _base64url(fields, "signature"))
        except CheckpointInvalid:
            raise
        except (ValueError, OverflowError):
            raise CheckpointInvalid("malformed") from None


def _parse_members(text: str | bytes) -> dict[str, object]:
    _require(len(text) <= _MAX_JSON, "too long")
    try:
        fields = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise CheckpointInvalid("not JSON") from None
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise CheckpointInvalid("members")
    _require(fields["type"] == _TYPE, "type")
    return fields


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):  # which of two counts is where parsers disagree
        raise ValueError("doubled member")
    return members


def _checkpoint(fields: Mapping[str, object]) -> Checkpoint:
    size = fields["tree_size"]
    if type(size) is not int:
        raise CheckpointInvalid("tree_size")
    checkpoint = Checkpoint(
        origin=_text(fields, "origin"),
        tree_size=size,
        root_hash=_hex(fields, "root_hash"),
        chain_hash=_hex(fields, "chain_hash"),
        at=datetime.fromisoformat(_text(fields, "at")),
        kid=_text(fields, "kid"),
    )
    _require(_instant(checkpoint.at) == fields["at"], "at")
    return checkpoint


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise CheckpointInvalid(name)
    return value


def _hex(fields: Mapping[str, object], name: str) -> bytes:
    value = _text(fields, name)
    _require(re.fullmatch("[0-9a-f]{64}", value), name)
    return bytes.fromhex(value)


def _base64url(fields: Mapping[str, object], name: str) -> bytes:
    value = _text(fields, name)
    decoded = urlsafe_b64decode(value + "==")  # passes over what isn't base64url
    _require(urlsafe_b64encode(decoded).decode() == value + "==", name)
    return decoded


def _require(holds: object, name: str) -> None:
    if not holds:
        raise CheckpointInvalid(name)
