"""Codes that are good once: of a second factor (RFC 6238), its stand-ins, and invitations."""

import hashlib
import hmac
import secrets

import pyotp

STEP_SECONDS = 30
WINDOW_STEPS = 1
"""Steps accepted before and after the present one, for clocks that stand apart."""
RECOVERY_CODES = 10

# Crockford's base 32: no I, L, O (read as 1, 1, 0) and no U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_AS_WRITTEN_BY_HAND = str.maketrans("ILO", "110")
_BITS = 5  # a character
_GROUP_LENGTH = 4
_RECOVERY_GROUPS = 4  # 80 bits
_ACTIVATION_GROUPS = 5  # 100 bits: it opens an account without anything beside it


def new_totp_secret() -> str:
    """160 random bits in base 32, as authenticator apps want them."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, account_name: str, issuer: str) -> str:
    """The `otpauth://` URI to show as a QR code. It holds the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=account_name, issuer_name=issuer)


def matching_step(secret: str, code: str, now: float, *, last_step: int | None) -> int | None:
    """The 30-second step that the code belongs to, or None where it is wrong or used before.

    `now` in seconds since the epoch. Store the step, and hand it back as `last_step`: a step up
    to it is refused (RFC 6238, section 5.2: a code is good once).
    """
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    given = _without_separators(code).encode()
    present = totp.timecode(now)
    first = max(present - WINDOW_STEPS, 0 if last_step is None else last_step + 1)
    steps = range(first, present + WINDOW_STEPS + 1)
    matching = [
        step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)
    ]
    # Two steps may share a code; the later one closes both.
    return max(matching, default=None)


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 bits, such as `7K3M-Q0TZ-91XH-VB2D`; show them once, store the digests."""
    return [_new_code(_RECOVERY_GROUPS) for _ in range(RECOVERY_CODES)]


def new_activation_codes(count: int) -> list[str]:
    """Codes of 100 bits, such as `7K3M-Q0TZ-91XH-VB2D-M4YA`."""
    return [_new_code(_ACTIVATION_GROUPS) for _ in range(count)]


def code_digest(code: str) -> bytes:
    """SHA-256 of the code, however it was typed: spaces, dashes, case, O for 0, I or L for 1.

    80 random bits can't be guessed from a fast hash. A malformed code just matches none.
    """
    canonical = _without_separators(code).upper().translate(_AS_WRITTEN_BY_HAND)
    return hashlib.sha256(canonical.encode()).digest()


def _new_code(groups: int) -> str:
    length = groups * _GROUP_LENGTH
    bits = secrets.randbits(length * _BITS)
    code = "".join(_ALPHABET[bits >> _BITS * n & 31] for n in range(length))
    return "-".join(code[n : n + _GROUP_LENGTH] for n in range(0, length, _GROUP_LENGTH))


def _without_separators(code: str) -> str:
    return "".join(character for character in code if character.isalnum())
