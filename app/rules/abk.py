"""Analisis beban kerja (ABK): how many people a position needs, and how well it is staffed."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from app.rules import Ruled, RulePack, pack


def needed_staff(workload: Iterable[tuple[Decimal, Decimal]], on: date) -> Ruled[Decimal]:
    """People needed for a year's workload, to two decimals, half up.

    Each item is (volume in a year, minutes for one). PermenPANRB 1/2020: the sum of
    volume x minutes, divided by 75,000 effective minutes. Rounded once, at the end.
    """
    rule = pack("abk", on)
    need = _minutes(workload) / rule.integer("effective_minutes_a_year")
    return rule.ruled(_rounded(need, rule))


def effectiveness(
    workload: Iterable[tuple[Decimal, Decimal]], headcount: int, on: date
) -> Ruled[Decimal]:
    """EJ (efektivitas jabatan): workload / (headcount x 75,000), two decimals, half up.

    Above 1 the holders carry more than their time. Nobody at work has no EJ: ValueError.
    """
    if headcount < 1:
        raise ValueError("effectiveness needs at least one person at work")
    rule = pack("abk", on)
    available = headcount * rule.integer("effective_minutes_a_year")
    return rule.ruled(_rounded(_minutes(workload) / available, rule))


def achievement_letter(effectiveness: Decimal, on: date) -> Ruled[str]:
    """PEJ (prestasi efektivitas jabatan): A above 1, B from .90, C from .70, D from .50, else E."""
    rule = pack("abk", on)
    if effectiveness > rule.decimal("pej", "above_for_a"):
        return rule.ruled("A")
    for letter in rule.table("pej", "from"):
        if effectiveness >= rule.decimal("pej", "from", letter):
            return rule.ruled(letter)
    return rule.ruled(str(rule.table("pej")["lowest_letter"]))


def _minutes(workload: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    return sum((volume * minutes for volume, minutes in workload), Decimal(0))


def _rounded(value: Decimal, rule: RulePack) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-rule.integer("decimals")), ROUND_HALF_UP)
