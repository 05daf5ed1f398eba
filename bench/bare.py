"""The limit for reads: a bare ASGI application on asyncpg, with Kemuning's own SQL.

No token, no access rules, no row-level security, no audit, no validation, no framework: the
query, its rows as JSON, the answer. The statements come from Kemuning itself by `BENCH_BARE`, a
JSON file: `{"dsn", "one": {"sql", "args"}, "list": …, "deep": …}`.
"""

import json
import os
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import to_json

Send = Callable[[dict[str, Any]], Awaitable[None]]
JOB = json.loads(Path(os.environ["BENCH_BARE"]).read_text())
KINDS = {"date": date.fromisoformat, "uuid": UUID}
STATE: dict[str, Any] = {}


def _arguments(name: str) -> list[Any]:
    return [KINDS[a["kind"]](a["value"]) if isinstance(a, dict) else a for a in JOB[name]["args"]]


async def app(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """ASGI."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    _, name, *rest = scope["path"].split("/")
    sql, arguments = JOB[name]["sql"], list(STATE[name])
    async with STATE["pool"].acquire() as connection:
        if name == "one":
            arguments[JOB["id_at"]] = UUID(rest[0])
            row = await connection.fetchrow(sql, *arguments)
            body = to_json(dict(row))
        else:
            body = to_json({"items": [dict(r) for r in await connection.fetch(sql, *arguments)]})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            STATE["pool"] = await asyncpg.create_pool(JOB["dsn"], min_size=10, max_size=10)
            STATE.update({name: _arguments(name) for name in ("one", "list", "deep")})
        else:
            await STATE["pool"].close()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
