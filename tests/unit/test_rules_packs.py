"""The rule packs: which one holds on a day, and what each computes."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import rules
from app.rules import RulePackMissing, abk, bup, golongan, pack
from app.vocabulary import EmploymentStatus, Golongan, Jenjang, JobKind

TODAY = date(2026, 11, 24)


def test_the_pack_in_force_on_the_day_is_taken() -> None:
    assert pack("bup", date(2023, 10, 30)).id == "bup-pp-11-2017"
    assert pack("bup", date(2023, 10, 31)).id == "bup-uu-20-2023"
    with pytest.raises(RulePackMissing):
        pack("bup", date(2017, 4, 6))
    with pytest.raises(RulePackMissing):
        pack("nonesuch", TODAY)


def test_packs_are_named_dated_sourced_and_read_only() -> None:
    packs = list(rules.all_packs())
    assert len({(pack.id, pack.version) for pack in packs}) == len(packs)
    assert len({(pack.kind, pack.effective_from) for pack in packs}) == len(packs)
    for each in packs:
        assert each.source
        with pytest.raises(TypeError):
            each.values["age"] = 1  # type: ignore[index]


def test_a_pack_refuses_a_value_of_another_type() -> None:
    with pytest.raises(TypeError):
        pack("bup", TODAY).integer("age")


@pytest.mark.parametrize(
    ("kind", "jenjang", "age"),
    [
        (JobKind.JPT_UTAMA, None, 60),
        (JobKind.JPT_MADYA, None, 60),
        (JobKind.JPT_PRATAMA, None, 60),
        (JobKind.ADMINISTRATOR, None, 58),
        (JobKind.PENGAWAS, None, 58),
        (JobKind.PELAKSANA, None, 58),
        (JobKind.FUNGSIONAL, Jenjang.PEMULA, 58),
        (JobKind.FUNGSIONAL, Jenjang.TERAMPIL, 58),
        (JobKind.FUNGSIONAL, Jenjang.MAHIR, 58),
        (JobKind.FUNGSIONAL, Jenjang.PENYELIA, 58),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_PERTAMA, 58),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_MUDA, 58),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_MADYA, 60),
        (JobKind.FUNGSIONAL, Jenjang.AHLI_UTAMA, 65),
    ],
)
def test_retirement_age_follows_the_position(
    kind: JobKind, jenjang: Jenjang | None, age: int
) -> None:
    found = bup.retirement_age(kind, jenjang, TODAY)
    assert found.value == age
    assert found.pack_id.startswith("bup-")
    assert found.pack_version
    assert "pasal" in found.source


def test_a_fungsional_without_jenjang_has_no_retirement_age() -> None:
    with pytest.raises(ValueError, match="jenjang"):
        bup.retirement_age(JobKind.FUNGSIONAL, None, TODAY)


@pytest.mark.parametrize(
    ("birth", "age", "retires"),
    [
        (date(1968, 1, 31), 58, date(2026, 2, 1)),
        (date(1968, 2, 1), 58, date(2026, 3, 1)),
        (date(1968, 12, 15), 58, date(2027, 1, 1)),
        (date(1968, 2, 29), 58, date(2026, 3, 1)),
        (date(1968, 2, 29), 60, date(2028, 3, 1)),
    ],
)
def test_retirement_is_on_the_first_of_the_next_month(birth: date, age: int, retires: date) -> None:
    assert bup.retirement_date(birth, age) == retires


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(50, 70))
def test_retirement_comes_within_a_month_after_the_birthday(birth: date, age: int) -> None:
    retires = bup.retirement_date(birth, age)
    assert retires.day == 1
    months = (retires.year - birth.year - age) * 12 + retires.month - birth.month
    assert months == 1


def test_need_is_the_workload_over_75_000_minutes() -> None:
    need = abk.needed_staff([(Decimal(1250), Decimal(60)), (Decimal(10), Decimal(750))], TODAY)
    assert need.value == Decimal("1.10")
    assert need.pack_id == "abk-permenpanrb-1-2020"


def test_need_is_rounded_half_up_once() -> None:
    assert abk.needed_staff([(Decimal(1), Decimal(375))], TODAY).value == Decimal("0.01")
    assert abk.needed_staff([(Decimal(1), Decimal(374))], TODAY).value == Decimal("0.00")
    assert abk.needed_staff([(Decimal(1), Decimal("187.5"))] * 2, TODAY).value == Decimal("0.01")
    assert abk.needed_staff([], TODAY).value == 0


def test_effectiveness_shares_the_load_among_those_at_work() -> None:
    load = [(Decimal(2000), Decimal(60))]
    assert abk.effectiveness(load, 2, TODAY).value == Decimal("0.80")
    with pytest.raises(ValueError, match="at least one"):
        abk.effectiveness(load, 0, TODAY)


@pytest.mark.parametrize(
    ("value", "letter"),
    [
        ("1.01", "A"),
        ("1.00", "B"),
        ("0.90", "B"),
        ("0.89", "C"),
        ("0.70", "C"),
        ("0.69", "D"),
        ("0.50", "D"),
        ("0.49", "E"),
        ("0", "E"),
    ],
)
def test_achievement_letters_at_their_edges(value: str, letter: str) -> None:
    assert abk.achievement_letter(Decimal(value), TODAY).value == letter


def test_every_pns_golongan_has_its_pangkat_and_no_pppk_has_one() -> None:
    for each in Golongan:
        assert (golongan.pangkat(each, TODAY) is not None) == each.is_pns
    name = golongan.pangkat(Golongan.IV_E, TODAY)
    assert name is not None
    assert name.value == "Pembina Utama"


def test_golongan_stand_in_order_on_their_own_ladder() -> None:
    assert golongan.order(Golongan.I_A) == golongan.order(Golongan.PPPK_I) == 1
    assert golongan.order(Golongan.IV_E) == golongan.order(Golongan.PPPK_XVII) == 17
    assert len(golongan.ladder(Golongan.III_A)) == len(golongan.ladder(Golongan.PPPK_IX)) == 17


@pytest.mark.parametrize(
    ("status", "low", "high"),
    [
        (EmploymentStatus.CPNS, Golongan.I_A, Golongan.III_C),
        (EmploymentStatus.PNS, Golongan.I_A, Golongan.IV_E),
        (EmploymentStatus.PPPK, Golongan.PPPK_I, Golongan.PPPK_XVII),
        (EmploymentStatus.PPPK_PARUH_WAKTU, Golongan.PPPK_I, Golongan.PPPK_XVII),
    ],
)
def test_each_status_has_its_golongan(
    status: EmploymentStatus, low: Golongan, high: Golongan
) -> None:
    allowed = golongan.allowed_golongan(status, TODAY)
    assert (allowed.value[0], allowed.value[-1]) == (low, high)
    assert allowed.source
