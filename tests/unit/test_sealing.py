"""Sealing: what was altered, moved or sealed for another purpose doesn't open."""

import hmac
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sealing import SealBroken, Sealer

SECRET = bytes(range(32))
SEALER = Sealer(SECRET)
NIK = b"3578012304850001"
CONTEXT = b"employees.nik:0198c0de"


def sealed_nik() -> bytes:
    return SEALER.seal("nik", NIK, context=CONTEXT)


@given(st.binary(max_size=200), st.binary(max_size=50), st.text(max_size=10))
def test_what_was_sealed_opens(plaintext: bytes, context: bytes, purpose: str) -> None:
    try:
        purpose.encode()
    except UnicodeEncodeError:
        return
    sealed = SEALER.seal(purpose, plaintext, context=context)
    assert len(sealed) == 1 + 12 + len(plaintext) + 16
    assert Sealer(SECRET).open(purpose, sealed, context=context) == plaintext


def test_the_plaintext_is_not_seen_and_no_two_seals_are_equal() -> None:
    seals = {sealed_nik() for _ in range(100)}
    assert len(seals) == 100
    assert len({seal[1:13] for seal in seals}) == 100
    assert all(NIK not in seal for seal in seals)


def test_every_flipped_bit_breaks_it() -> None:
    sealed = sealed_nik()
    for bit in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            SEALER.open("nik", bytes(altered), context=CONTEXT)


def test_every_truncation_and_any_more_breaks_it() -> None:
    sealed = sealed_nik()
    for altered in [sealed[:length] for length in range(len(sealed))] + [
        sealed + b"\0",
        b"\x01" + sealed,
        sealed[1:],
    ]:
        with pytest.raises(SealBroken):
            SEALER.open("nik", altered, context=CONTEXT)


@pytest.mark.parametrize("context", [b"", b"employees.nik:0198c0df", CONTEXT + b"\0"])
def test_another_row_breaks_it(context: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open("nik", sealed_nik(), context=context)


@pytest.mark.parametrize("purpose", ["totp", "", "NIK", "nik "])
def test_another_purpose_breaks_it(purpose: str) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(purpose, sealed_nik(), context=CONTEXT)


def test_another_secret_breaks_it() -> None:
    with pytest.raises(SealBroken):
        Sealer(secrets.token_bytes(32)).open("nik", sealed_nik(), context=CONTEXT)


def test_the_error_tells_nothing() -> None:
    with pytest.raises(SealBroken) as caught:
        SEALER.open("nik", sealed_nik(), context=b"")
    assert not caught.value.args


@given(st.binary(max_size=100))
def test_any_bytes_are_broken_and_no_other_error(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open("nik", sealed, context=CONTEXT)


def test_a_stored_seal_still_opens() -> None:
    """Made once; fails where a change of the format would lose the data in the database."""
    stored = bytes.fromhex(
        "011a77d711ca8c09783020a5db0f98a0d0c5c80f538fe7051b6f1670f5f3051a716d85b3610768f6a7cee8fce8"
    )
    assert SEALER.open("nik", stored, context=CONTEXT) == NIK


def test_a_stored_index_is_still_found() -> None:
    stored = bytes.fromhex("b1460cc4cd42fc36fd9daea6180b16835127b81b2694f36db62d0d6d8818375a")
    assert SEALER.blind_index("nik", NIK.decode()) == stored


def test_a_blind_index_depends_on_value_purpose_and_secret() -> None:
    index = SEALER.blind_index("nik", "1")
    assert len(index) == 32
    assert index == Sealer(SECRET).blind_index("nik", "1")
    assert index != SEALER.blind_index("nik", "2")
    assert index != SEALER.blind_index("receipt", "1")
    assert index != Sealer(secrets.token_bytes(32)).blind_index("nik", "1")
    assert index != hmac.digest(SECRET, b"1", "sha256")


def test_keys_differ_by_use_and_purpose() -> None:
    keys = {SEALER._key(use, purpose) for use in ("seal", "index") for purpose in ("nik", "totp")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_short_secret_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"s" * length)


def test_the_secret_is_not_shown() -> None:
    assert "x" * 32 not in repr(Sealer(b"x" * 32))
