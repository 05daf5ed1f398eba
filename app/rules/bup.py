"""Batas usia pensiun (BUP): the age follows the position, never the golongan."""

from datetime import date

from app.rules import Ruled, pack
from app.vocabulary import Jenjang, JobKind


def retirement_age(kind: JobKind, jenjang: Jenjang | None, on: date) -> Ruled[int]:
    """Age in years at which a holder of this position retires, under the rule of a day.

    UU 20/2023 art. 55; for fungsional PP 11/2017 art. 239, by jenjang. A fungsional position
    without jenjang has no age: ValueError. RulePackMissing before the first rule.
    """
    if kind is not JobKind.FUNGSIONAL:
        rule = pack("bup", on)
        return rule.ruled(rule.integer("age", kind))
    if jenjang is None:
        raise ValueError("a fungsional position needs its jenjang to have a retirement age")
    rule = pack("bup_fungsional", on)
    return rule.ruled(rule.integer("age", jenjang))


def retirement_date(birth_date: date, age: int) -> date:
    """First day of the month after the birthday on which the age is reached.

    Born on 29 February, one reaches it in February of any year, and retires on 1 March.
    """
    years, month = divmod(birth_date.month, 12)
    return date(birth_date.year + age + years, month + 1, 1)
