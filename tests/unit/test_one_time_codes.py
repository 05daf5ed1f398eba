"""TOTP and recovery codes: the RFC's vectors, the window, replay, and codes as people type."""

import base64
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.one_time_codes import (
    code_digest,
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    provisioning_uri,
)

SECRET = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238, appendix B
NOW = 1_800_000_000.0
STEP = int(NOW) // 30


def code_of(step: int, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).generate_otp(step)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(moment: float, code: str) -> None:
    assert matching_step(SECRET, code, moment, last_step=None) == moment // 30


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_one_step_before_and_after_is_accepted(offset: int) -> None:
    assert matching_step(SECRET, code_of(STEP + offset), NOW, last_step=None) == STEP + offset


@pytest.mark.parametrize("offset", [-1000, -3, -2, 2, 3, 1000])
def test_more_is_refused(offset: int) -> None:
    assert matching_step(SECRET, code_of(STEP + offset), NOW, last_step=None) is None


def test_the_window_moves_with_the_clock() -> None:
    code = code_of(STEP)
    assert matching_step(SECRET, code, STEP * 30 + 59.999, last_step=None) == STEP
    assert matching_step(SECRET, code, STEP * 30 + 60, last_step=None) is None
    assert matching_step(SECRET, code, STEP * 30 - 30, last_step=None) == STEP
    assert matching_step(SECRET, code, STEP * 30 - 30.001, last_step=None) is None


def test_a_code_is_good_once() -> None:
    code = code_of(STEP)
    used = matching_step(SECRET, code, NOW, last_step=None)
    assert used == STEP
    assert matching_step(SECRET, code, NOW + 20, last_step=used) is None


def test_a_used_step_closes_the_earlier_ones_too() -> None:
    assert matching_step(SECRET, code_of(STEP - 1), NOW, last_step=STEP) is None
    assert matching_step(SECRET, code_of(STEP + 1), NOW, last_step=STEP) == STEP + 1
    assert matching_step(SECRET, code_of(STEP + 1), NOW, last_step=STEP + 1) is None


def test_a_last_step_far_ahead_refuses_everything() -> None:
    for offset in (-1, 0, 1):
        assert matching_step(SECRET, code_of(STEP + offset), NOW, last_step=STEP + 9) is None


def test_a_code_shared_by_two_steps_closes_both() -> None:
    """Two neighbours share a code once in a million; it must not be good twice then."""
    twin = 910737
    assert code_of(twin) == code_of(twin + 1)
    moment = twin * 30.0
    used = matching_step(SECRET, code_of(twin), moment, last_step=None)
    assert used == twin + 1
    assert matching_step(SECRET, code_of(twin), moment, last_step=used) is None


def test_the_first_step_of_time_has_none_before_it() -> None:
    assert matching_step(SECRET, code_of(0), 0, last_step=None) == 0


@pytest.mark.parametrize("typed", ["{} {}", "{}-{}", " {}{} ", "{}\u00a0{}", "{}\u2013{}\n"])
def test_a_code_as_people_type_it(typed: str) -> None:
    code = code_of(STEP)
    assert matching_step(SECRET, typed.format(code[:3], code[3:]), NOW, last_step=None) == STEP


def test_what_is_no_code() -> None:
    code = code_of(STEP)
    wrong = ["", "0", code[:5], code + "0", "0" + code, code * 2, "abcdef", "\ud800", "9" * 10**6]
    for zero in (0x660, 0xFF10):  # the same digits in Arabic and in full width
        wrong += [code.translate({48 + digit: zero + digit for digit in range(10)})]
    assert [c for c in wrong if matching_step(SECRET, c, NOW, last_step=None) is not None] == []


@given(st.text(max_size=12))
def test_any_text_is_refused_without_an_error(code: str) -> None:
    near = {code_of(STEP + offset) for offset in (-1, 0, 1)}
    matched = matching_step(SECRET, code, NOW, last_step=None)
    assert (matched is not None) == ("".join(filter(str.isalnum, code)) in near)


def test_another_secret_is_refused() -> None:
    assert matching_step(new_totp_secret(), code_of(STEP), NOW, last_step=None) is None


def test_a_secret_has_160_bits() -> None:
    assert len(base64.b32decode(new_totp_secret())) == 20
    assert new_totp_secret() != new_totp_secret()


def test_the_provisioning_uri_is_what_apps_read() -> None:
    uri = urlsplit(provisioning_uri(SECRET, "siti@kab.example", "Kemuning: Kab. Uji"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Kemuning: Kab. Uji:siti@kab.example"
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Kemuning: Kab. Uji"]}


# --- Recovery codes -------------------------------------------------------------------


def test_ten_different_codes_of_80_bits() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    crockford = "[0-9A-HJKMNP-TV-Z]"
    assert all(re.fullmatch(f"({crockford}{{4}}-){{3}}{crockford}{{4}}", code) for code in codes)
    assert len({code_digest(code) for code in codes}) == 10


def test_every_character_of_the_alphabet_is_used() -> None:
    drawn = "".join("".join(new_recovery_codes()) for _ in range(40)).replace("-", "")
    assert len(set(drawn)) == 32


@pytest.mark.parametrize(
    "typed",
    [
        "7K3M-Q0TZ-91XH-VB2D",
        "7k3m-q0tz-91xh-vb2d",
        "7K3MQ0TZ91XHVB2D",
        " 7K3M Q0TZ 91XH VB2D\n",
        "7K3M\u2013Q0TZ\u201491XH\u00a0VB2D",
        "7K3M-QOTZ-9IXH-VB2D",
        "7k3m-qotz-9lxh-vb2d",
    ],
)
def test_a_recovery_code_as_people_type_it(typed: str) -> None:
    assert code_digest(typed) == code_digest("7K3M-Q0TZ-91XH-VB2D")


@pytest.mark.parametrize("other", ["", "-", "7K3M-Q0TZ-91XH-VB2", "7K3M-Q0TZ-91XH-VB2E", "\ud800"])
def test_another_code_has_another_digest(other: str) -> None:
    assert len(code_digest(other)) == 32
    assert code_digest(other) != code_digest("7K3M-Q0TZ-91XH-VB2D")


@given(st.text(max_size=40))
def test_any_text_has_a_digest_and_no_error(code: str) -> None:
    assert len(code_digest(code)) == 32
