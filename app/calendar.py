"""Days in the government's own time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

JAKARTA = ZoneInfo("Asia/Jakarta")


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in Asia/Jakarta: a day begins there seven hours before it does in UTC."""
    return datetime.now(JAKARTA).date()
