"""Password hashing, policy and generation."""

import asyncio
import re
import statistics
import threading
import time
import unicodedata
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from app import passwords
from app.passwords import (
    generate_password,
    hash_password,
    needs_rehash,
    password_problem,
    verify_password,
)

GOOD = "sungai keruh di hulu"


def hashed(password: str) -> str:
    return asyncio.run(hash_password(password))


def verified(password: str, stored: str | None) -> bool:
    return asyncio.run(verify_password(password, stored))


STORED = hashed(GOOD)


# --- Hashing --------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [STORED, passwords._HASH_OF_NOBODY])
def test_the_parameters_are_those_of_the_design(stored: str) -> None:
    """The hash of nobody has the same ones, else it would take another time."""
    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert (parameters.salt_len, parameters.hash_len, parameters.version) == (16, 32, 19)
    assert not needs_rehash(stored)


def test_the_right_password_and_others() -> None:
    assert verified(GOOD, STORED)
    for other in ["", GOOD.upper(), GOOD + " ", " " + GOOD, GOOD[:-1], GOOD + "\0", "x" * 10_000]:
        assert not verified(other, STORED)


def test_two_hashes_of_one_password_differ() -> None:
    assert hashed(GOOD) != STORED


def test_what_comes_after_a_nul_counts() -> None:
    stored = hashed("before\0after one")
    assert not verified("before\0after two", stored)
    assert verified("before\0after one", stored)


@pytest.mark.parametrize("password", ["", GOOD, "x" * 10_000, "\ud800"])
def test_an_unknown_user_has_no_password(password: str) -> None:
    assert verified(password, None) is False


def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    def seconds(password: str, stored: str | None) -> float:
        started = time.process_time()  # other work on the machine doesn't count
        assert not verified(password, stored)
        return time.process_time() - started

    rounds = range(7)
    known = statistics.median(seconds("wrong password", STORED) for _ in rounds)
    unknown = statistics.median(seconds("wrong password", None) for _ in rounds)
    overlong = statistics.median(seconds("x" * 5_000, STORED) for _ in rounds)
    assert 0.5 < unknown / known < 2
    assert 0.5 < overlong / known < 2


@pytest.mark.parametrize("stored", ["", "!", "x", "$argon2id$", "$2b$12$" + "a" * 53])
def test_a_damaged_hash_has_no_password(stored: str) -> None:
    assert not verified(GOOD, stored)


def test_a_hash_of_other_parameters_is_verified_and_renewed() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    assert verified(GOOD, older)
    assert needs_rehash(older)


def test_composed_and_decomposed_accents_are_one_password() -> None:
    composed = unicodedata.normalize("NFC", "kafé di tepi kali")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert verified(decomposed, hashed(composed))
    assert verified(composed, hashed(decomposed))


def test_characters_that_only_look_alike_stay_different() -> None:
    assert not verified("\ufb01le di tepi kali", hashed("file di tepi kali"))  # the fi ligature


def test_a_lone_surrogate_is_a_character_like_another() -> None:
    stored = hashed("\ud800" * 12)
    assert verified("\ud800" * 12, stored)
    assert not verified("\ud801" * 12, stored)


def test_an_overlong_password_is_never_hashed() -> None:
    with pytest.raises(ValueError, match="too long"):
        hashed("x" * 129)
    assert verified("x" * 128, hashed("x" * 128))


def test_an_overlong_password_is_not_even_compared() -> None:
    """Its length is the attacker's to choose, and normalising it would cost accordingly."""
    assert verified("x" * 128, PasswordHasher().hash("x" * 128))
    assert not verified("x" * 129, PasswordHasher().hash("x" * 129))


def test_hashing_leaves_the_event_loop_free_and_takes_two_threads() -> None:
    threads: set[str] = set()
    original: Callable[..., bool] = passwords._hasher.verify

    def observed(password: bytes, stored: str) -> bool:
        threads.add(threading.current_thread().name)
        return original(password, stored)

    async def many() -> int:
        turns = 0
        work = asyncio.gather(*(verify_password(GOOD, STORED) for _ in range(12)))
        while not work.done():
            turns += 1
            await asyncio.sleep(0.001)
        assert all(await work)
        return turns

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords._hasher, "verify", observed)
        assert asyncio.run(many()) > 5
    assert 1 <= len(threads) <= 2
    assert all(name.startswith("argon2") for name in threads)


# --- Policy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "too_short"),
        ("Gx7!kq2#pZ9", "too_short"),
        ("e\u0301" * 8, "too_short"),  # sixteen code points, eight characters
        ("Gx7!kq2#pZ9v", None),
        ("kuda lumping di pasar", None),
        ("ikan asin tiga ekor", None),
        ("Hujan-turun-di-Bogor", None),
        ("ab cd ef gh " * 10 + "ijklmnop", None),
        ("ab cd ef gh " * 10 + "ijklmnopq", "too_long"),
        ("x" * 1_000_000, "too_long"),
    ],
)
def test_length_alone_makes_a_password_good(password: str, problem: str | None) -> None:
    assert password_problem(password, login="siti.rahayu@kab.example") == problem


@pytest.mark.parametrize(
    "password",
    [
        "siti.rahayu@kab.example",
        "my SITI.RAHAYU pass",
        "siti.rahayu-2026-gunung",
        "gunung-Siti.Rahayu@Kab.Example",
    ],
)
def test_the_login_is_no_part_of_the_password(password: str) -> None:
    assert password_problem(password, login="Siti.Rahayu@kab.example") == "contains_login"


def test_an_nip_as_login() -> None:
    nip = "198504232010012001"
    assert password_problem(nip, login=nip) == "contains_login"
    assert password_problem(f"pegawai{nip}", login=nip) == "contains_login"


@pytest.mark.parametrize("login", ["", "adi", "a@kab.example", "@"])
def test_a_login_too_short_to_tell_forbids_nothing(login: str) -> None:
    assert password_problem("kuda padi jalan 77", login=login) is None


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password12345",
        "P@ssw0rd12345",
        "passwordpassword",
        "katasandi123",
        "Rahasia123456",
        "rahasia-rahasia",
        "Indonesia2026!",
        "INDONESIAMERDEKA",
        "merdeka171717",
        "bismillah1234",
        "Bismillah.123!",
        "sayangkamu123",
        "admin1234567",
        "administrator1",
        "kemuning2026",
        "bkpsdmpegawai",
        "qwertyuiop12",
        "qwerty123456",
        "1q2w3e4r5t12",
        "abcdefghijkl",
        "123456789012",
        "081234567890",  # a telephone number
        "198504232010012001",  # an NIP
        "3578012304850001",  # a NIK
        "170819451708",
        "aaaaaaaaaaaa",
        "abababababab",
        "            ",
        "!!!!!!!!!!!!",
    ],
)
def test_what_everybody_takes_is_common(password: str) -> None:
    assert password_problem(password, login="tata.usaha") == "common"


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_has_an_answer(password: str, login: str) -> None:
    problem = password_problem(password, login=login)
    assert problem in {None, "too_short", "too_long", "contains_login", "common"}
    if problem is None:
        assert 12 <= len(unicodedata.normalize("NFC", password)) <= 128


# --- Random passwords -----------------------------------------------------------------


def test_generated_passwords_are_good_readable_and_different() -> None:
    generated = {generate_password() for _ in range(500)}
    assert len(generated) == 500
    letters = "[abcdefghjkmnpqrstuvwxyz2-9]"
    for password in generated:
        assert re.fullmatch(f"({letters}{{5}}-){{3}}{letters}{{5}}", password)
        assert password_problem(password, login="tata.usaha") is None
    drawn = "".join(generated).replace("-", "")
    assert len(set(drawn)) == 31  # 20 characters of log2(31): 99 bits
