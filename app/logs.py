"""Logs as JSON lines on standard error. No path, query or body: they may hold personal data."""

import logging
import sys

import structlog
from pydantic_core import to_json


def _json(event: object, **_: object) -> str:
    return to_json(event, fallback=str).decode()


def configure(level: str) -> None:
    """One line of JSON an event, with an RFC 3339 time in UTC."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
