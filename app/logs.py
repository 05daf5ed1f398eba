"""Logs as JSON lines on standard error. No path, query or body: they may hold personal data."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import structlog
from pydantic_core import to_json

OURS = str(Path(__file__).parent)


def _json(event: object, **_: object) -> str:
    return to_json(event, fallback=str).decode()


def configure(level: str) -> None:
    """One line of JSON an event, with an RFC 3339 time in UTC; other libraries' warnings too."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[structlog.typing.Processor] = [
        show_where_only,
        structlog.processors.JSONRenderer(serializer=_json),
    ]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def show_where_only(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An exception as its kinds and the places that it went through.

    Not its words: PostgreSQL quotes the row that it refuses, Python the value that it can't read.
    """
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["exception"] = [
            {"kind": f"{type(e).__module__}.{type(e).__qualname__}", "places": _places(e)}
            for e in _causes(error)
        ]
    return event


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _places(error: BaseException) -> list[str]:
    """Ours, and the innermost."""
    frames = traceback.extract_tb(error.__traceback__)
    shown = [f for f in frames[:-1] if f.filename.startswith(OURS)] + frames[-1:]
    return [f"{f.filename}:{f.lineno} {f.name}" for f in shown]
