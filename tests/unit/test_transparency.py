"""The log's cryptography against published vectors, a naive RFC 6962, and tampering."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import reduce
from hashlib import sha256
from itertools import pairwise
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from app.transparency import (
    CHAIN_START,
    EMPTY_ROOT,
    Checkpoint,
    CheckpointInvalid,
    Frontier,
    SignedCheckpoint,
    canonical_json,
    chain_hash,
    commitment,
    consistency_proof,
    event_hash,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)

# --- RFC 6962 sections 2.1 to 2.1.2, word for word, for comparison ----------------------------


def naive_split(n: int) -> int:
    """The largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH, given the leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    n = len(leaves)
    if m == n:
        return [] if complete else [naive_root(leaves)]
    k = naive_split(n)
    if m <= k:
        return [*naive_subproof(m, leaves[:k], complete), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


# --- Published vectors: Certificate Transparency's reference tree -----------------------------

CT_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_LEAVES = [sha256(b"\x00" + entry).digest() for entry in CT_ENTRIES]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (2, 8): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


def grown(leaves: Sequence[bytes], frontier: Frontier | None = None) -> Frontier:
    frontier = frontier or Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert grown(CT_LEAVES[:size]).root().hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int) -> None:
    proof = inclusion_proof(CT_LEAVES[:size], index)
    assert [node.hex() for node in proof] == CT_INCLUSION[index, size]
    assert verify_inclusion(CT_LEAVES[index], index, size, proof, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    proof = consistency_proof(CT_LEAVES[:new], old)
    assert [node.hex() for node in proof] == CT_CONSISTENCY[old, new]
    old_root, new_root = bytes.fromhex(CT_ROOTS[old]), bytes.fromhex(CT_ROOTS[new])
    assert verify_consistency(old, old_root, new, new_root, proof)


# --- The tree against the naive one -----------------------------------------------------------

hashes_of_32 = st.binary(min_size=32, max_size=32)
trees = st.lists(hashes_of_32, min_size=1, max_size=70)
within = settings(deadline=None, max_examples=60)


@within
@given(trees)
def test_frontier_has_the_naive_root_at_every_size(leaves: list[bytes]) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(leaves, start=1):
        frontier.append(leaf)
        assert (frontier.size, frontier.root()) == (size, naive_root(leaves[:size]))


@within
@given(trees, st.data())
def test_frontier_goes_on_from_what_was_stored(leaves: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    stored = grown(leaves[:cut])
    assert len(stored.roots) <= cut.bit_length()
    resumed = Frontier(stored.size, list(stored.roots))
    assert grown(leaves[cut:], resumed).root() == naive_root(leaves)


@within
@given(trees)
def test_proofs_are_the_naive_ones(leaves: list[bytes]) -> None:
    n = len(leaves)
    assert [inclusion_proof(leaves, m) for m in range(n)] == [
        naive_path(m, leaves) for m in range(n)
    ]
    assert [consistency_proof(leaves, m) for m in range(1, n + 1)] == [
        naive_subproof(m, leaves, True) for m in range(1, n + 1)
    ]


def test_every_proof_of_every_small_tree_verifies() -> None:
    leaves = [bytes([n]) * 32 for n in range(40)]
    roots = [naive_root(leaves[:n]) for n in range(41)]
    for n in range(41):
        for m in range(n):
            proof = inclusion_proof(leaves[:n], m)
            assert verify_inclusion(leaves[m], m, n, proof, roots[n])
        for m in range(n + 1):
            proof = consistency_proof(leaves[:n], m)
            assert verify_consistency(m, roots[m], n, roots[n], proof)


def mutations(proof: list[bytes]) -> list[list[bytes]]:
    """The proof with a bit flipped, a hash dropped, added, shortened or two swapped."""
    flipped = [
        [*proof[:n], bytes([node[0] ^ 1]) + node[1:], *proof[n + 1 :]]
        for n, node in enumerate(proof)
    ]
    dropped = [proof[:n] + proof[n + 1 :] for n in range(len(proof))]
    added = [[bytes(32), *proof], [*proof, bytes(32)], [*proof, *proof[-1:], b""]]
    short = [[*proof[:-1], node[:-1]] for node in proof[-1:]]
    swapped = [
        [*proof[:n], right, left, *proof[n + 2 :]]
        for n, (left, right) in enumerate(pairwise(proof))
    ]
    return flipped + dropped + added + short + swapped


@within
@given(st.lists(hashes_of_32, min_size=2, max_size=40, unique=True), st.data())
def test_inclusion_of_anything_else_is_refused(leaves: list[bytes], data: st.DataObject) -> None:
    n, root = len(leaves), naive_root(leaves)
    index = data.draw(st.integers(0, n - 1))
    leaf, proof = leaves[index], inclusion_proof(leaves, index)
    for mutation in mutations(proof):
        assert not verify_inclusion(leaf, index, n, mutation, root)
    for other in range(-1, n + 2):
        assert verify_inclusion(leaf, other, n, proof, root) is (other == index)
        if 0 <= other < n:
            assert verify_inclusion(leaves[other], index, n, proof, root) is (other == index)
    assert not verify_inclusion(leaf, index, n, proof, leaf)
    assert not verify_inclusion(leaf[:-1], index, n, proof, root)


@within
@given(st.lists(hashes_of_32, min_size=2, max_size=40, unique=True), st.data())
def test_a_rewritten_past_is_refused(leaves: list[bytes], data: st.DataObject) -> None:
    new = len(leaves)
    old = data.draw(st.integers(1, new - 1))
    old_root, new_root = naive_root(leaves[:old]), naive_root(leaves)
    proof = consistency_proof(leaves, old)
    for mutation in mutations(proof):
        assert not verify_consistency(old, old_root, new, new_root, mutation)
    rewritten = [bytes(32), *leaves[1:]] if leaves[0] != bytes(32) else leaves[::-1]
    forged_root, forged_proof = naive_root(rewritten), consistency_proof(rewritten, old)
    assert not verify_consistency(old, old_root, new, forged_root, forged_proof)
    assert not verify_consistency(old, old_root, new, forged_root, proof)
    assert not verify_consistency(new, new_root, old, old_root, proof)
    assert not verify_consistency(0, old_root, new, new_root, [])
    assert not verify_consistency(0, EMPTY_ROOT, new, new_root, proof or [bytes(32)])
    assert not verify_consistency(new, old_root, new, new_root, [])
    assert not verify_consistency(new, new_root, new, new_root, [bytes(32)])
    assert not verify_consistency(old, old_root, 2 * new, new_root, proof)


def test_sizes_and_roots_that_cannot_be_are_refused() -> None:
    root = naive_root(CT_LEAVES)
    assert verify_consistency(8, root, 8, root, [])
    assert not verify_consistency(-1, root, -1, root, [])
    assert not verify_consistency(8, root[:-1], 8, root[:-1], [])
    assert not verify_consistency(0, b"", 8, root, [])


def test_a_proof_does_not_show_a_smaller_tree() -> None:
    """Paths of a larger tree, whose ends look like those of a smaller one."""
    assert verify_inclusion(CT_LEAVES[1], 1, 2, [CT_LEAVES[0]], naive_root(CT_LEAVES[:2]))
    assert not verify_inclusion(CT_LEAVES[1], 0, 1, [CT_LEAVES[0]], naive_root(CT_LEAVES[:2]))
    old_root, new_root = naive_root(CT_LEAVES[:7]), naive_root(CT_LEAVES)
    proof = consistency_proof(CT_LEAVES, 7)
    assert verify_consistency(7, old_root, 8, new_root, proof)
    assert not verify_consistency(3, old_root, 4, new_root, proof)


def test_a_node_is_no_leaf() -> None:
    # Without the prefixes, two leaves' hashes would pass as one event's content.
    assert event_hash({}) == sha256(b"\x00{}").digest()
    pair = grown(CT_LEAVES[:2])
    assert pair.root() != sha256(b"\x00" + b"".join(CT_LEAVES[:2])).digest()
    assert pair.root() != chain_hash(*CT_LEAVES[:2])


@pytest.mark.parametrize(("size", "roots"), [(0, 1), (1, 0), (3, 1), (4, 2), (-1, 1)])
def test_frontier_refuses_roots_that_do_not_fit_its_size(size: int, roots: int) -> None:
    with pytest.raises(ValueError, match="subtree roots"):
        Frontier(size, [bytes(32)] * roots)


def test_hashes_of_another_length_are_refused() -> None:
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="32 bytes"):
            Frontier().append(wrong)
        with pytest.raises(ValueError, match="32 bytes"):
            Frontier(1, [wrong])
        with pytest.raises(ValueError, match="32 bytes"):
            chain_hash(wrong, bytes(32))
        with pytest.raises(ValueError, match="32 bytes"):
            chain_hash(bytes(32), wrong)


@pytest.mark.parametrize("index", [-1, 3])
def test_proofs_of_what_is_not_there_are_refused(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_proof(CT_LEAVES[:3], index)
    with pytest.raises(IndexError):
        consistency_proof(CT_LEAVES[:3], index if index < 0 else index + 1)


# --- Canonical JSON ---------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
details = st.dictionaries(texts, values, max_size=4)


@given(values)
def test_canonical_json_says_the_same_and_is_stable(value: object) -> None:
    text = canonical_json(value)
    assert exactly(json.loads(text)) == exactly(value)
    assert canonical_json(json.loads(text)) == text


@given(details, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(detail: dict[str, object], random: object) -> None:
    keys = list(detail)
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert canonical_json({key: detail[key] for key in keys}) == canonical_json(detail)


def exactly(value: object) -> str:
    """For comparison: True == 1 in Python and not in JSON."""
    if isinstance(value, dict):
        return repr(sorted((key, exactly(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return "list" + repr([exactly(inner) for inner in value])
    return repr(value)


def test_canonical_json_sorts_and_escapes_as_rfc_8785_does() -> None:
    # RFC 8785 section 3.2.3, its own example of sorting by UTF-16 code units
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    order = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical_json(dict.fromkeys(keys)))) == order
    # section 3.2.2.2: only these are escaped, and in these ways
    assert (
        canonical_json('\u20ac$\x0f\nA\'B"\\\\"/\x7f')
        == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'.encode()
    )


def test_dates_instants_ids_and_bytes_are_text() -> None:
    jakarta = timezone(timedelta(hours=7))
    value = {
        "born": date(1990, 1, 2),
        "at": datetime(2026, 1, 1, 6, 30, tzinfo=jakarta),
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        "commitment": b"\x00\xff",
        "pair": (1, True),
    }
    assert canonical_json(value) == (
        b'{"at":"2025-12-31T23:30:00.000000Z","born":"1990-01-02","commitment":"00ff",'
        b'"id":"01890a5d-ac96-774b-bcce-b302099a8057","pair":[1,true]}'
    )


@pytest.mark.parametrize("value", [1.0, float("nan"), {1: "a"}, {None: 1}, {1, 2}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    for wrapped in (value, [value], {"a": value}):
        with pytest.raises(TypeError):
            canonical_json(wrapped)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, datetime(2026, 1, 1)])  # noqa: DTZ001
def test_text_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"surrogates|time zone"):
        canonical_json(value)


# --- Commitments ------------------------------------------------------------------------------

SALT = bytes(range(32))


@given(details, details, hashes_of_32, hashes_of_32)
def test_a_commitment_binds_salt_and_detail(
    one: dict[str, object], other: dict[str, object], salt: bytes, other_salt: bytes
) -> None:
    same = (salt, canonical_json(one)) == (other_salt, canonical_json(other))
    assert (commitment(salt, one) == commitment(other_salt, other)) == same


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_salt_has_one_length(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(bytes(size), {})


# --- The whole: tampering with events ---------------------------------------------------------

Event = dict[str, object]


def audit_event(seq: int, detail: Mapping[str, object]) -> Event:
    return {
        "seq": seq,
        "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seq),
        "action": "employee.read",
        "commitment": commitment(SALT, detail),
    }


def new_events(count: int) -> list[Event]:
    return [audit_event(seq, {}) for seq in range(100, 100 + count)]


def summed(events: Sequence[Event]) -> tuple[int, bytes, bytes]:
    """Size, Merkle root and last chain hash: what a checkpoint says of a log."""
    leaves = [event_hash(event) for event in events]
    return len(leaves), grown(leaves).root(), reduce(chain_hash, leaves, CHAIN_START)


def change(events: list[Event], at: int) -> None:
    events[at]["action"] = "employee.update"


def change_detail(events: list[Event], at: int) -> None:
    events[at]["commitment"] = commitment(SALT, {"reason": "another"})


def remove(events: list[Event], at: int) -> None:
    del events[at]


def swap(events: list[Event], at: int) -> None:
    events[at], events[at - 1] = events[at - 1], events[at]


def double(events: list[Event], at: int) -> None:
    events.insert(at, events[at])


def insert(events: list[Event], at: int) -> None:
    events.insert(at, audit_event(99, {}))


def cut(events: list[Event], at: int) -> None:
    del events[at:]


@pytest.mark.parametrize("tamper", [change, change_detail, remove, swap, double, insert, cut])
@within
@given(st.lists(details, min_size=2, max_size=20), st.data())
def test_tampering_with_any_event_shows(
    tamper: Callable[[list[Event], int], None],
    logged: list[dict[str, object]],
    data: st.DataObject,
) -> None:
    events = [audit_event(seq, detail) for seq, detail in enumerate(logged)]
    _, root, chain = summed(events)
    leaves = [event_hash(event) for event in events]
    at = data.draw(st.integers(0, len(events) - 1))
    tampered = deepcopy(events)
    tamper(tampered, at)

    _, tampered_root, tampered_chain = summed(tampered)
    assert tampered_root != root
    assert tampered_chain != chain
    if at < len(tampered) and tampered[at] != events[at]:
        proof = inclusion_proof(leaves, at)
        assert verify_inclusion(leaves[at], at, len(leaves), proof, root)
        assert not verify_inclusion(event_hash(tampered[at]), at, len(leaves), proof, root)
    # Nor can the rewriter go on from there, unless the tampered log only adds to the saved one.
    longer = [event_hash(event) for event in [*tampered, *new_events(len(events))]]
    old, proof = len(leaves), consistency_proof(longer, len(leaves))
    extends = verify_consistency(old, root, len(longer), naive_root(longer), proof)
    assert extends == (longer[:old] == leaves)


# --- Checkpoints ------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key()


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


CHECKPOINT = Checkpoint(
    origin="kemuning.example/audit",
    tree_size=8,
    root_hash=bytes.fromhex(CT_ROOTS[8]),
    chain_hash=bytes(range(32)),
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    kid="2026-01",
)
SIGNED = CHECKPOINT.sign(pem(KEY))
FIELDS: dict[str, object] = json.loads(SIGNED.to_json())


def test_a_checkpoint_survives_its_export() -> None:
    read = SignedCheckpoint.from_json(SIGNED.to_json())
    assert read == SIGNED
    read.verify(PUBLIC)
    # Members in another order and layout are the same checkpoint.
    reordered = json.dumps(dict(reversed(FIELDS.items())), indent=2)
    SignedCheckpoint.from_json(reordered.encode()).verify(PUBLIC)


def test_what_is_signed_is_the_export_without_its_signature() -> None:
    unsigned = {name: value for name, value in FIELDS.items() if name != "signature"}
    plain = json.dumps(unsigned, sort_keys=True, separators=(",", ":"))
    assert CHECKPOINT.to_signed_bytes() == plain.encode()
    assert len(SIGNED.signature) == 64


CHANGES: dict[str, object] = {
    "origin": "kemuning.example/other",
    "tree_size": 9,
    "root_hash": "00" * 32,
    "chain_hash": "00" * 32,
    "at": "2026-01-02T03:04:06.000000Z",
    "kid": "2026-02",
    "signature": urlsafe_b64encode(bytes(64)).rstrip(b"=").decode(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changing_any_member_breaks_the_signature(name: str) -> None:
    read = SignedCheckpoint.from_json(json.dumps({**FIELDS, name: CHANGES[name]}))
    assert read != SIGNED
    with pytest.raises(CheckpointInvalid, match="signature"):
        read.verify(PUBLIC)


def test_another_key_or_kind_of_key_is_refused() -> None:
    for other in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(CheckpointInvalid, match="signature"):
            SIGNED.verify(other.public_key())
    for unfit in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        with pytest.raises(ValueError, match="P-256"):
            CHECKPOINT.sign(pem(unfit))


def test_another_curve_of_the_same_size_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256K1())
    der = other.sign(CHECKPOINT.to_signed_bytes(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    signed = SignedCheckpoint(CHECKPOINT, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    with pytest.raises(CheckpointInvalid, match="signature"):
        signed.verify(other.public_key())


def test_a_signature_of_another_length_is_refused() -> None:
    private = pem(KEY)
    signatures = (CHECKPOINT.sign(private).signature for _ in range(10_000))
    padded = next(signature for signature in signatures if signature[32] == 0)
    SignedCheckpoint(CHECKPOINT, padded).verify(PUBLIC)
    for other in (b"", padded[:32] + padded[33:], padded + b"\0"):  # the second: the same numbers
        with pytest.raises(CheckpointInvalid, match="signature"):
            SignedCheckpoint(CHECKPOINT, other).verify(PUBLIC)


def test_a_checkpoint_holds_whole_hashes_and_a_time_with_its_zone() -> None:
    with pytest.raises(CheckpointInvalid, match="root_hash"):
        replace(CHECKPOINT, root_hash=bytes(31))
    with pytest.raises(CheckpointInvalid, match="chain_hash"):
        replace(CHECKPOINT, chain_hash=bytes(33))
    with pytest.raises(CheckpointInvalid, match="at"):
        replace(CHECKPOINT, at=CHECKPOINT.at.replace(tzinfo=None))


BAD_MEMBERS: list[tuple[str, object]] = [
    ("type", "kemuning-audit-checkpoint-v2"),
    ("origin", ""),
    ("origin", "two words"),
    ("origin", "line\n"),
    ("origin", "\u202eevil"),
    ("origin", "x" * 256),
    ("origin", 1),
    ("kid", ""),
    ("kid", None),
    ("tree_size", -1),
    ("tree_size", 2**63),
    ("tree_size", 8.0),
    ("tree_size", True),
    ("tree_size", "8"),
    ("root_hash", CT_ROOTS[8].upper()),
    ("root_hash", CT_ROOTS[8][:-2]),
    ("root_hash", CT_ROOTS[8] + "\n"),
    ("chain_hash", None),
    ("chain_hash", "g" * 64),
    ("at", "2026-01-02T03:04:05Z"),
    ("at", "2026-01-02T03:04:05.000000+00:00"),
    ("at", "2026-01-02T03:04:05.000000"),
    ("at", "0001-01-01T00:00:00.000000+07:00"),
    ("at", "yesterday"),
    ("at", 1767323045),
    ("signature", ""),
    ("signature", str(FIELDS["signature"]) + "=="),
    ("signature", "+" * 86),
    ("signature", "A" * 85 + "B"),  # decodes to the same bytes as "A" * 86
]


@pytest.mark.parametrize(("name", "value"), BAD_MEMBERS)
def test_members_are_validated_strictly(name: str, value: object) -> None:
    with pytest.raises(CheckpointInvalid):
        SignedCheckpoint.from_json(json.dumps({**FIELDS, name: value}))


def test_the_members_are_exactly_these() -> None:
    for name in FIELDS:
        less = {key: value for key, value in FIELDS.items() if key != name}
        with pytest.raises(CheckpointInvalid, match="members"):
            SignedCheckpoint.from_json(json.dumps(less))
    with pytest.raises(CheckpointInvalid, match="members"):
        SignedCheckpoint.from_json(json.dumps({**FIELDS, "extra": 1}))
    with pytest.raises(CheckpointInvalid, match="too long"):
        SignedCheckpoint.from_json(SIGNED.to_json() + " " * 4096)
    doubled = SIGNED.to_json().replace("{", '{"tree_size":9,', 1)
    with pytest.raises(CheckpointInvalid, match="not JSON"):
        SignedCheckpoint.from_json(doubled)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", b"\xff", "[" * 4000, '{"a":NaN}', "1" * 4096, '"\\ud800"'],
)
def test_what_is_no_checkpoint_is_refused(text: str | bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        SignedCheckpoint.from_json(text)


@given(st.text(max_size=60) | st.binary(max_size=60) | values.map(json.dumps))
def test_reading_fails_in_one_way_only(text: str | bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        SignedCheckpoint.from_json(text)
