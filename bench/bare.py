"""The limit for reads: a bare ASGI application on asyncpg, with Kemuning's own SQL.

No token, no access rules, no row-level security, no audit, no validation, no framework: the
query, its rows as JSON, the answer. The statements come from Kemuning itself by `BENCH_BARE`, a
JSON file: `{"dsn", "statements": {"one": {"sql", "args"}, "list": …}}`. `one` takes its id from
the path, at the argument `id_at`; `names`, where there is one, is asked for the people of a list.
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


def _arguments(statement: dict[str, Any]) -> list[Any]:
    return [KINDS[a["kind"]](a["value"]) if isinstance(a, dict) else a for a in statement["args"]]


async def app(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """ASGI."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    _, name, *rest = scope["path"].split("/")
    async with STATE["pool"].acquire() as connection:
        if name == "one":
            body = to_json(dict((await _rows(connection, name, JOB["id_at"], UUID(rest[0])))[0]))
        else:
            items = [dict(row) for row in await _rows(connection, name)]
            if "names" in JOB["statements"]:
                await _name(connection, items)
            body = to_json({"items": items})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _rows(
    connection: asyncpg.Connection, name: str, at: int | None = None, value: object = None
) -> list[asyncpg.Record]:
    arguments = list(STATE[name])
    if at is not None:
        arguments[at] = value
    rows: list[asyncpg.Record] = await connection.fetch(JOB["statements"][name]["sql"], *arguments)
    return rows


async def _name(connection: asyncpg.Connection, items: list[dict[str, Any]]) -> None:
    people = [item["employee_id"] for item in items]
    rows = await _rows(connection, "names", JOB["people_at"], people)
    names = {row["employee_id"]: row["name"] for row in rows}
    for item in items:
        item["name"] = names.get(item["employee_id"])


async def _lifespan(receive: Any, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            STATE["pool"] = await asyncpg.create_pool(JOB["dsn"], min_size=10, max_size=10)
            STATE.update({name: _arguments(s) for name, s in JOB["statements"].items()})
        else:
            await STATE["pool"].close()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
