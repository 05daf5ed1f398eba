"""Work that goes on while the application serves: again and again, and no fault ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
log = structlog.get_logger()


async def repeat(name: str, work: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Do it, pause, and do it again until `stop` is set; after a fault the pauses grow."""
    pause = PAUSE_SECONDS
    while not stop.is_set():
        try:
            await work()
            pause = PAUSE_SECONDS
        except Exception as error:
            log.error(f"{name}_failed", fault=type(error).__name__, reason=str(error)[:200])
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
