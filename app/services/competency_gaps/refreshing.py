"""Keeps the profiles and the gaps of units up with the change log.

The log of every write is there already, so nothing is marked while people work: the refresher
follows it as the sequencer does, up to what is settled, and computes anew whom it concerns.
"""

import asyncio
import json

from sqlalchemy import text

from app.access.actors import JOBS, Actor
from app.calendar import today
from app.database import Database
from app.rules.standards import default_levels
from app.services.background import repeat

NOBODY = Actor()
"""The background task acts for no account."""
LONG = text("SET LOCAL statement_timeout = '10min'")
"""Everybody at once takes longer than a request may."""
REFRESH = text(
    "SELECT app.refresh_competency_profiles(:day, CAST(:levels AS jsonb), :rule, :everybody)"
)


async def refresh_profiles(database: Database, *, everybody: bool = False) -> int:
    """Follow the change log to here; how many profiles were computed anew."""
    day = today()
    levels = default_levels(day)
    values = {
        "day": day,
        "levels": json.dumps(dict(levels.value)),
        "rule": levels.rule_id,
        "everybody": everybody,
    }
    async with database.transaction(NOBODY, persona=JOBS) as session:
        await session.execute(LONG)
        return int((await session.execute(REFRESH, values)).scalar_one())


async def run_refresher(database: Database, stop: asyncio.Event) -> None:
    """Refresh until `stop` is set."""
    await repeat("profile_refresher", lambda: refresh_profiles(database), stop)
