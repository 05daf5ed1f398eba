"""Passwords: Argon2id away from the event loop, the policy, and readable random ones."""

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from pwdlib.hashers.argon2 import Argon2Hasher

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 128

PasswordProblem = Literal["too_short", "too_long", "contains_login", "common"]

# OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
_MEMORY_KIB, _PASSES, _LANES = 19456, 2, 1
_hasher = Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)

# A wave of logins takes at most two cores and 38 MiB, and never the event loop.
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

# --- Hashing --------------------------------------------------------------------------


async def hash_password(password: str) -> str:
    """The Argon2id hash in PHC format, to be stored.

    Errors: ValueError above 128 characters; `password_problem` says so first.
    """
    if len(password) > MAXIMUM_LENGTH:
        raise ValueError("the password is too long")
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, _hasher.hash, _canonical(password))


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password has this hash.

    `stored` is None for an unknown user: the answer is False and takes as long as any other.
    """
    if stored is None or len(password) > MAXIMUM_LENGTH:
        password, stored = "", _HASH_OF_NOBODY
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, _hasher.verify, _canonical(password), stored)


def needs_rehash(stored: str) -> bool:
    """Whether a hash that has just been verified was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _canonical(password: str) -> bytes:
    """The bytes to hash.

    One keyboard sends "é" as one code point, another as "e" and an accent: NFC makes them the
    same password. It isn't NFKC, which would make different characters equal. A lone surrogate
    has no UTF-8; `surrogatepass` keeps it from being an error.
    """
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


def _unpadded(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()


# Well-formed, with a random digest: no password has it, and checking one costs the same.
_HASH_OF_NOBODY = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}"
    f"${_unpadded(secrets.token_bytes(16))}${_unpadded(secrets.token_bytes(32))}"
)

# --- Policy ---------------------------------------------------------------------------

_SHORTEST_TELLING_LOGIN = 4
_FEWEST_OWN_CHARACTERS = 6

# Words and keyboard runs of the passwords people here choose; the longest of a kind first,
# since each is cut out in this order.
_COMMON_PARTS = (
    *("administrator", "kabupaten", "indonesia", "merdeka", "pancasila", "nusantara", "garuda"),
    *("katasandi", "sandi", "password", "passw0rd", "p@ssw0rd", "p@ssword", "rahasia", "secret"),
    *("bismillah", "alhamdulillah", "assalamualaikum", "sayangku", "sayang", "cintaku", "cinta"),
    *("kepegawaian", "pegawai", "kemuning", "penataan", "bkpsdm", "pemda", "dinas", "admin"),
    *("semangat", "sukses", "selamat", "terimakasih", "jakarta", "bandung", "surabaya"),
    *("welcome", "letmein", "iloveyou", "aku", "kamu", "login", "user", "default", "changeme"),
    *("qwertyuiop", "qwerty", "asdfghjkl", "asdfgh", "zxcvbnm", "1q2w3e4r5t", "1qaz2wsx"),
    *("abcdefghijklmnopqrstuvwxyz", "abcdefghijkl", "abcdef", "01234567890", "1234567890"),
    *("123456789", "12345678", "1234567", "123456", "12345", "1234", "654321"),
)


def password_problem(password: str, *, login: str) -> PasswordProblem | None:
    """Why the password is refused, as a stable code, or None where it is good.

    At least 12 and at most 128 characters; without the login; not made of what everybody
    takes. No rule on kinds of characters: it makes passwords worse (NIST SP 800-63B, 3.1.1.2).
    """
    if len(password) > MAXIMUM_LENGTH:  # before normalising, whose cost grows with the length
        return "too_long"
    plain = unicodedata.normalize("NFC", password)
    if len(plain) < MINIMUM_LENGTH:
        return "too_short"
    folded = plain.casefold()
    if any(name in folded for name in _telling_names(login)):
        return "contains_login"
    return "common" if _is_common(folded) else None


def _telling_names(login: str) -> set[str]:
    """The login, and of an e-mail address the part before the @."""
    name = unicodedata.normalize("NFC", login).casefold()
    return {part for part in (name, name.split("@")[0]) if len(part) >= _SHORTEST_TELLING_LOGIN}


def _is_common(folded: str) -> bool:
    if folded.isdecimal():  # a telephone number, NIK, NIP or date of birth
        return True
    for part in _COMMON_PARTS:
        folded = folded.replace(part, "")
    return len(set(folded)) < _FEWEST_OWN_CHARACTERS


# --- Random passwords -----------------------------------------------------------------

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without i, l, o, 0 and 1, which look alike
_GROUPS, _GROUP_LENGTH = 4, 5  # 20 characters of 4.95 bits: 99 bits


def generate_password() -> str:
    """A random password of 99 bits that can be read out, such as `k7m2q-hx9fd-3wanz-t8rce`."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
    )
