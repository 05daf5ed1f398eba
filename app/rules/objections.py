"""Clocks of an objection (keberatan): the instants at which filing and ruling end.

PP 30/2019 art. 59, by analogy. The day on which something happens doesn't count; the last day
counts to its end. Days begin and end in Asia/Jakarta, and a deadline is the first instant that
is too late, in UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from app.calendar import JAKARTA
from app.rules import RulePack, pack

_DAY = timedelta(days=1)
_SATURDAY = 5


def rule_for(received_at: datetime) -> RulePack:
    """The pack of `objections` in force on the Jakarta day on which a result was received."""
    return pack("objections", received_at.astimezone(JAKARTA).date())


def filing_deadline(received_at: datetime, rule: RulePack) -> datetime:
    """When filing ends for a result received at this instant, under a pack of `objections`.

    ValueError for an instant without its zone.
    """
    return _deadline(received_at, rule.integer("filing_days"), rule)


def ruling_deadline(filed_at: datetime, rule: RulePack) -> datetime:
    """When an objection filed at this instant is overdue, under a pack of `objections`.

    ValueError for an instant without its zone.
    """
    return _deadline(filed_at, rule.integer("ruling_days"), rule)


def last_day(deadline: datetime) -> date:
    """The Jakarta day to the end of which there is time."""
    return deadline.astimezone(JAKARTA).date() - _DAY


def _deadline(start: datetime, days: int, rule: RulePack) -> datetime:
    if start.tzinfo is None:
        raise ValueError("an instant needs its zone")
    first = start.astimezone(JAKARTA).date() + _DAY
    last = next(islice(_counted_days(first, rule), days - 1, None))
    return datetime.combine(last + _DAY, time.min, JAKARTA).astimezone(UTC)


def _counted_days(day: date, rule: RulePack) -> Iterator[date]:
    only_working, holidays = rule.flag("working_days"), frozenset(rule.dates("holidays"))
    while True:
        if not only_working or (day.weekday() < _SATURDAY and day not in holidays):
            yield day
        day += _DAY
