"""The clocks of an objection: days of Asia/Jakarta, ends as instants."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar import JAKARTA
from app.rules import RulePack, pack
from app.rules.objections import filing_deadline, ruling_deadline

RULE = pack("objections", date(2026, 11, 24))
SATURDAY = 5
unhurried = settings(deadline=None)


def working(*holidays: date) -> RulePack:
    """The rule with working days instead of calendar days."""
    changed = {**RULE.values, "working_days": True, "holidays": holidays}
    return replace(RULE, values=MappingProxyType(changed))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


instants = st.builds(
    lambda since: utc("2018-01-01") + since, st.timedeltas(timedelta(0), timedelta(days=26_000))
)
days = st.dates(date(2018, 1, 1), date(2090, 1, 1))


def test_the_pack_in_force_is_that_of_calendar_days() -> None:
    assert (RULE.integer("filing_days"), RULE.integer("ruling_days")) == (14, 21)
    assert RULE.flag("working_days") is False
    assert RULE.dates("holidays") == ()
    assert "analogi" in RULE.source


@pytest.mark.parametrize(
    ("received", "ends"),
    [
        # 2 March in Jakarta, to its last microsecond: filing through the 16th.
        ("2026-03-01T17:00:00", "2026-03-16T17:00:00"),
        ("2026-03-02T16:59:59.999999", "2026-03-16T17:00:00"),
        # One moment later it is 3 March there.
        ("2026-03-02T17:00:00", "2026-03-17T17:00:00"),
        # The year's end: received on 31 December and on 1 January in Jakarta.
        ("2026-12-31T16:59:59", "2027-01-14T17:00:00"),
        ("2026-12-31T17:00:00", "2027-01-15T17:00:00"),
        # Through February, with and without a 29th, and from a 29th.
        ("2028-02-15T05:00:00", "2028-02-29T17:00:00"),
        ("2028-02-16T05:00:00", "2028-03-01T17:00:00"),
        ("2027-02-15T05:00:00", "2027-03-01T17:00:00"),
        ("2028-02-29T05:00:00", "2028-03-14T17:00:00"),
    ],
)
def test_filing_ends_with_the_fourteenth_day_in_jakarta(received: str, ends: str) -> None:
    assert filing_deadline(utc(received), RULE) == utc(ends)


def test_ruling_is_due_by_the_end_of_the_twenty_first_day_in_jakarta() -> None:
    assert ruling_deadline(utc("2026-03-02T16:59:59"), RULE) == utc("2026-03-23T17:00:00")
    assert ruling_deadline(utc("2026-03-02T17:00:00"), RULE) == utc("2026-03-24T17:00:00")


def test_the_zone_of_the_instant_does_not_matter() -> None:
    in_utc = utc("2026-03-02T17:00:00")
    for hours in (-11, 0, 7, 9, 14):
        elsewhere = in_utc.astimezone(timezone(timedelta(hours=hours)))
        assert filing_deadline(elsewhere, RULE) == filing_deadline(in_utc, RULE)
    assert filing_deadline(in_utc, RULE).tzinfo is UTC


def test_an_instant_without_its_zone_is_refused() -> None:
    bare = utc("2026-03-02T00:00:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        filing_deadline(bare, RULE)
    with pytest.raises(ValueError, match="zone"):
        ruling_deadline(bare, RULE)


@unhurried
@given(instants)
def test_there_are_fourteen_whole_days_and_the_rest_of_the_first(received: datetime) -> None:
    left = filing_deadline(received, RULE) - received
    assert timedelta(days=14) < left <= timedelta(days=15)


@pytest.mark.parametrize("rule", [RULE, working(date(2026, 12, 25))])
def test_a_later_receipt_never_ends_sooner(rule: RulePack) -> None:
    received = [utc("2026-01-01T16:59:59") + timedelta(days=n) for n in range(3 * 365)]
    ends = [filing_deadline(each, rule) for each in received]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    ("received", "holidays", "ends"),
    [
        # Monday 2 March: fourteen working days end on Friday 20 March.
        ("2026-03-02T03:00:00", [], "2026-03-20T17:00:00"),
        # Friday: the weekend doesn't count; Thursday 26 March is the fourteenth.
        ("2026-03-06T03:00:00", [], "2026-03-26T17:00:00"),
        # Friday 17:00 UTC is Saturday in Jakarta: counting starts on the same Monday.
        ("2026-03-06T17:00:00", [], "2026-03-26T17:00:00"),
        # A holiday on a working day puts it off by one, over the weekend.
        ("2026-03-02T03:00:00", [date(2026, 3, 19)], "2026-03-23T17:00:00"),
        # One on the very last day as well; one on a Saturday or before the first day doesn't.
        ("2026-03-02T03:00:00", [date(2026, 3, 20)], "2026-03-23T17:00:00"),
        ("2026-03-02T03:00:00", [date(2026, 3, 7), date(2026, 3, 2)], "2026-03-20T17:00:00"),
        # Around the new year.
        (
            "2026-12-21T03:00:00",
            [date(2026, 12, 25), date(2027, 1, 1)],
            "2027-01-12T17:00:00",
        ),
    ],
)
def test_working_days_leave_out_weekends_and_holidays(
    received: str, holidays: list[date], ends: str
) -> None:
    assert filing_deadline(utc(received), working(*holidays)) == utc(ends)


def test_ruling_by_working_days() -> None:
    # Monday 2 March: the twenty-first working day is Tuesday 31 March, one later with a holiday.
    assert ruling_deadline(utc("2026-03-02T03:00:00"), working()) == utc("2026-03-31T17:00:00")
    late = ruling_deadline(utc("2026-03-02T03:00:00"), working(date(2026, 3, 19)))
    assert late == utc("2026-04-01T17:00:00")


@unhurried
@given(instants, st.frozensets(days, max_size=5))
def test_the_last_day_is_a_working_day_and_as_many_were_counted(
    received: datetime, holidays: frozenset[date]
) -> None:
    first = received.astimezone(JAKARTA).date()
    end = filing_deadline(received, working(*holidays)).astimezone(JAKARTA)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
    between = [first + timedelta(days=n) for n in range(1, (end.date() - first).days)]
    counted = [day for day in between if day.weekday() < SATURDAY and day not in holidays]
    assert len(counted) == 14
    assert between[-1] == counted[-1]


def test_holidays_do_not_matter_to_calendar_days() -> None:
    values = MappingProxyType({**RULE.values, "holidays": (date(2026, 3, 16),)})
    rule = replace(RULE, values=values)
    assert filing_deadline(utc("2026-03-02T03:00:00"), rule) == utc("2026-03-16T17:00:00")
