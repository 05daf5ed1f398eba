"""NIP and NI PPPK: reading, refusing, warning, masking, making."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.identifiers import (
    WORDS,
    IdentifierInvalid,
    Nip,
    NiPppk,
    identify,
    make_ni_pppk,
    make_nip,
    mask,
    parse_ni_pppk,
    parse_nip,
)
from app.vocabulary import IdentifierKind, Sex

NIP = "198501312010011001"
NI_PPPK = "199003042022212005"

births = st.dates(date(1900, 1, 1), date(2010, 12, 31))
sexes = st.sampled_from(Sex)
sequences = st.integers(1, 999)
nips = st.builds(make_nip, births, st.dates(date(2011, 1, 1), date(2099, 12, 31)), sexes, sequences)
ni_pppks = st.builds(
    make_ni_pppk, births, st.integers(2011, 2099), st.integers(21, 99), sexes, sequences
)


def test_a_nip_is_read_into_its_parts() -> None:
    nip = parse_nip(NIP)
    assert nip == Nip(NIP, date(1985, 1, 31), date(2010, 1, 1), Sex.MALE, 1)
    assert nip.kind is IdentifierKind.NIP


def test_a_ni_pppk_is_read_into_its_parts() -> None:
    found = identify(NI_PPPK)
    assert found == NiPppk(NI_PPPK, date(1990, 3, 4), 2022, 21, Sex.FEMALE, 5)
    assert found.kind is IdentifierKind.NI_PPPK


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "length", None),
        (NIP[:-1], "length", None),
        (NIP + "1", "length", None),
        ("1985013l2010011001", "not_digits", 8),
        ("19850131 2010011001", "not_digits", 9),
        ("1985013120100110\x001", "not_digits", 17),
        ("\ud800" + NIP[1:], "not_digits", 1),
        ("１９８５０１３１２０１００１１００１", "digits_not_ascii", 1),
        ("19850131201001100\u0661", "digits_not_ascii", 18),
        ("198502302010011001", "birth_date", 1),
        ("189901012010011001", "birth_date", 1),
        ("000000002010011001", "birth_date", 1),
        ("198501311984011001", "appointment_year", 9),
        ("198501310000011001", "appointment_year", 9),
        ("198501312010001001", "appointment_month", 13),
        ("198501312010131001", "appointment_month", 13),
        ("198501312010201001", "appointment_month", 13),
        ("198501312010010001", "sex", 15),
        ("198501312010013001", "sex", 15),
        ("198501312010011000", "sequence", 16),
        ("9" * 10_000, "length", None),
    ],
)
def test_what_is_wrong_is_named(text: str, code: str, position: int | None) -> None:
    with pytest.raises(IdentifierInvalid) as raised:
        identify(text)
    assert (raised.value.code, raised.value.position) == (code, position)
    assert raised.value.detail_id.endswith(".")
    assert raised.value.detail_en.endswith(".")


def test_each_reader_refuses_the_other_identifier() -> None:
    with pytest.raises(IdentifierInvalid, match="appointment_month"):
        parse_nip(NI_PPPK)
    with pytest.raises(IdentifierInvalid, match="contract_code"):
        parse_ni_pppk(NIP)
    with pytest.raises(IdentifierInvalid, match="appointment_year"):
        parse_ni_pppk("199003041989211001")


def test_disagreement_with_the_biodata_warns() -> None:
    nip = parse_nip(NIP)
    assert nip.warnings() == ()
    assert nip.warnings(birth_date=date(1985, 1, 31), sex=Sex.MALE) == ()
    assert nip.warnings(birth_date=date(1985, 1, 30)) == ("birth_date_differs",)
    assert nip.warnings(birth_date=date(1985, 1, 30), sex=Sex.FEMALE) == (
        "birth_date_differs",
        "sex_differs",
    )
    assert identify(NI_PPPK).warnings(sex=Sex.MALE) == ("sex_differs",)


def test_a_mask_hides_the_day_the_month_and_most_of_the_rest() -> None:
    assert mask(NIP) == "1985************01"
    assert mask("") == mask("123") == mask("1" * 19) == "******"


@pytest.mark.parametrize("code", [0, 12, 20, 100])
def test_no_ni_pppk_is_made_with_a_code_that_is_no_contract(code: int) -> None:
    with pytest.raises(IdentifierInvalid, match="contract_code"):
        make_ni_pppk(date(1990, 1, 1), 2022, code, Sex.MALE, 1)


@pytest.mark.parametrize("sequence", [-1, 0, 1000])
def test_no_nip_is_made_with_a_sequence_outside_the_rule(sequence: int) -> None:
    with pytest.raises(IdentifierInvalid, match="sequence"):
        make_nip(date(1985, 1, 31), date(2010, 1, 1), Sex.MALE, sequence)


@given(st.one_of(nips, ni_pppks))
def test_what_is_made_reads_back_as_itself(made: Nip | NiPppk) -> None:
    assert identify(made.value) == made
    assert len(made.value) == 18


CODES_BY_POSITION = {
    **dict.fromkeys(range(8), frozenset({"birth_date", "appointment_year"})),
    **dict.fromkeys(range(8, 12), frozenset({"appointment_year"})),
    **dict.fromkeys(range(12, 14), frozenset({"appointment_month", "appointment_year"})),
    14: {"sex"},
    **dict.fromkeys(range(15, 18), frozenset({"sequence"})),
}


@given(st.one_of(nips, ni_pppks), st.integers(0, 17), st.sampled_from("0123456789x"))
def test_one_changed_digit_is_still_sound_or_gets_its_own_code(
    made: Nip | NiPppk, position: int, digit: str
) -> None:
    text = made.value[:position] + digit + made.value[position + 1 :]
    expected = {"not_digits"} if digit == "x" else CODES_BY_POSITION[position]
    assert _code_or_value(identify, text) in {text, *expected}


def _code_or_value(read: Callable[[str], Nip | NiPppk], text: str) -> str:
    try:
        return read(text).value
    except IdentifierInvalid as invalid:
        return invalid.code


anything = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Nd", "No", "Cs", "Cc"]), min_size=17, max_size=19),
    st.text("0123456789", min_size=17, max_size=19),
)


@given(anything)
def test_no_text_breaks_the_reader(text: str) -> None:
    for read in (identify, parse_nip, parse_ni_pppk):
        outcome = _code_or_value(read, text)
        assert outcome in WORDS or (outcome == text and text.isascii() and len(text) == 18)
    assert len(mask(text)) in (6, 18)
