"""The keyset cursor: an opaque text that says after which row the next page begins.

A page deep in a list costs what the first costs. The cursor names the list and order that it
was made for; used elsewhere it is refused. It holds sort values only, and grants nothing:
the next page is filtered by the same rules as the first.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.errors import InvalidCursor

Parser = Callable[[str], Any]


def _instant(text: str) -> datetime:
    """In UTC, as the driver sends it: beyond the calendar is an OverflowError here, not there."""
    return datetime.fromisoformat(text).astimezone(UTC)


PARSERS: dict[type, Parser] = {
    str: str,
    int: int,
    UUID: UUID,
    date: date.fromisoformat,
    datetime: _instant,
}


def encode_cursor(order: str, values: Sequence[object]) -> str:
    """The cursor after a row with these sort values, in the list and order named `order`."""
    texts = [v.isoformat() if isinstance(v, date) else str(v) for v in values]
    raw = json.dumps([order, *texts], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The sort values of a cursor. Errors: InvalidCursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, *texts = json.loads(raw)
        if made_for != order or len(texts) != len(kinds):
            raise InvalidCursor
        return [_parse(kind, value) for kind, value in zip(kinds, texts, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError) as error:
        raise InvalidCursor from error


def _parse(kind: type, value: object) -> Any:
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidCursor
    value.encode()  # a lone surrogate is a ValueError
    parsed = PARSERS[kind](value)
    if kind is int and not -(2**63) <= parsed < 2**63:
        raise InvalidCursor
    return parsed
