"""Reads over HTTP against a bare ASGI application with the same SQL."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.access.actors import Actor
from app.access.employees import viewer
from app.calendar import today
from app.database import Database, bind
from app.embedded import EmbeddedServer
from app.pagination import encode_cursor
from app.services.employees.reading import AGGREGATE
from app.services.employees.search_statements import Shape, walk
from app.services.signing_keys import Keyring
from app.settings import Settings
from app.tokens import AccessClaims
from app.vocabulary import Role
from bench import data

KEMUNING_PORT, BARE_PORT = 8741, 8742
SECONDS, ROUNDS, CONNECTIONS = 4, 3, 16


@dataclass(frozen=True)
class Mark:
    """A ratio to reach: at least `least` of the limit, or at most `most` times the first."""

    name: str
    kemuning: list[str]
    bare: list[str]
    token: str
    least: float


def run(running: EmbeddedServer) -> list[tuple[str, float, float]]:
    """Measure every read; returns (name, ratio, mark)."""
    settings = data.settings(running)
    people = asyncio.run(_people(running, settings))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        job = folder / "bare.json"
        job.write_text(json.dumps(_bare_job(running, people)))
        stack.enter_context(serving("app.main:app_from_environment", KEMUNING_PORT, settings))
        stack.enter_context(serving("bench.bare:app", BARE_PORT, settings, job))
        results = [_ratio(mark) for mark in _marks(people)]
        results.append(_deep_page(people))
    return results


def _marks(people: dict[str, Any]) -> list[Mark]:
    own, others = str(people["own"]), [str(i) for i in people["others"]]
    one = "/api/v1/employees"
    return [
        Mark("read one's own record", [f"{one}/{own}"], [f"/one/{own}"], "asn", 0.30),
        Mark(
            "read another's, with its audit event",
            [f"{one}/{i}" for i in others],
            [f"/one/{i}" for i in others],
            "hr_admin",
            0.20,
        ),
        Mark("list 50", [f"{one}?limit=50"], ["/list"], "hr_admin", 0.50),
        Mark("list 50, deep", [_deep_path(people)], ["/deep"], "hr_admin", 0.50),
    ]


def _ratio(mark: Mark) -> tuple[str, float, float]:
    ratios = []
    for _ in range(ROUNDS):
        bare = _load(BARE_PORT, mark.bare, None)
        ours = _load(KEMUNING_PORT, mark.kemuning, TOKENS[mark.token])
        ratios.append(ours["per_second"] / bare["per_second"])
        print(
            f"  {mark.name}: bare {bare['per_second']:,.0f}/s, Kemuning {ours['per_second']:,.0f}/s"
            f" (p50 {ours['p50_ms']:.1f} ms, p99 {ours['p99_ms']:.1f} ms)",
            flush=True,
        )
    return mark.name, statistics.median(ratios), mark.least


def _deep_page(people: dict[str, Any]) -> tuple[str, float, float]:
    """How much longer a deep page takes than the first."""
    times = []
    for _ in range(ROUNDS):
        first = _load(KEMUNING_PORT, ["/api/v1/employees?limit=50"], TOKENS["hr_admin"])
        deep = _load(KEMUNING_PORT, [_deep_path(people)], TOKENS["hr_admin"])
        times.append(deep["p50_ms"] / first["p50_ms"])
    return "deep page against the first (at most)", statistics.median(times), -1.5


def _deep_path(people: dict[str, Any]) -> str:
    return f"/api/v1/employees?limit=50&cursor={people['cursor']}"


def _load(port: int, paths: list[str], token: str | None) -> dict[str, Any]:
    job = {
        "port": port,
        "paths": paths,
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "connections": CONNECTIONS,
        "seconds": SECONDS,
    }
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {"200"}:
        raise RuntimeError(f"{paths[0]} answered {result['statuses']}")
    return result


# --- the two servers --------------------------------------------------------------------


@contextmanager
def serving(
    application: str, port: int, settings: Settings, job: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process of the application, ready."""
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    command += [] if job else ["--factory"]
    environment = {
        **os.environ,
        "KEMUNING_ENVIRONMENT": "development",
        "KEMUNING_DATABASE_URL": settings.database_url.get_secret_value(),
        "KEMUNING_SECRET_KEY": data.SECRET,
        "KEMUNING_REQUIRE_TOTP": "false",
        "KEMUNING_RUN_JOBS": "false",
        "BENCH_BARE": str(job or ""),
    }
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/one/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing serves on port {port}")


# --- whom and what is read --------------------------------------------------------------

TOKENS: dict[str, str] = {}


async def _people(running: EmbeddedServer, settings: Settings) -> dict[str, Any]:
    """Accounts with tokens, the employees to read, and a cursor three quarters down the list."""
    connection = await asyncpg.connect(running.dsn(data.DATABASE))
    database = Database(settings)
    try:
        rows = await connection.fetch(
            "SELECT id FROM employees e WHERE NOT EXISTS"
            " (SELECT FROM accounts a WHERE a.employee_id = e.id) ORDER BY id LIMIT 2001"
        )
        own, *others = [row["id"] for row in rows]
        keyring = Keyring(database, settings)
        TOKENS["asn"] = await token_of(connection, keyring, Role.ASN, own)
        TOKENS["hr_admin"] = await token_of(connection, keyring, Role.HR_ADMIN, None)
        deep = await connection.fetchrow(
            "SELECT name_sort, employee_id FROM employee_profiles ORDER BY 1, 2"
            " OFFSET (SELECT count(*) * 3 / 4 FROM employees) LIMIT 1"
        )
        key = (deep["name_sort"], deep["employee_id"])
        return {
            "own": own,
            "others": others,
            "after": key,
            "cursor": encode_cursor("employees:name", key),
        }
    finally:
        await database.close()
        await connection.close()


async def token_of(
    connection: asyncpg.Connection, keyring: Keyring, role: Role, employee_id: UUID | None
) -> str:
    account = await connection.fetchval(
        "INSERT INTO accounts (login, display_name, role, employee_id, password_hash)"
        " VALUES ('bench-' || gen_random_uuid(), 'Bench', $1, $2, '-') RETURNING id",
        str(role),
        employee_id,
    )
    session = await connection.fetchval(
        "INSERT INTO sign_in_sessions (account_id, expires_at)"
        " VALUES ($1, now() + interval '1 hour') RETURNING id",
        account,
    )
    claims = AccessClaims(
        account_id=account,
        role=role,
        token_version=1,
        session_id=session,
        employee_id=employee_id,
        scopes=frozenset(),
        expires_at=int(time.time()) + 600,
    )
    return await keyring.issue(claims)


def _bare_job(running: EmbeddedServer, people: dict[str, Any]) -> dict[str, Any]:
    day = today()
    one, one_values = bind(AGGREGATE, {"employee_id": people["own"], "as_of": day})
    shape = Shape(Role.HR_ADMIN, True, False, filters=frozenset({"employed"}))
    listed = {"as_of": day, "rows": 51, **viewer(Actor(role=Role.HR_ADMIN))}
    deep_shape = Shape(Role.HR_ADMIN, True, False, True, shape.filters)
    after = {"after_key": people["after"][0], "after_id": people["after"][1]}
    statements = {
        "one": (one, one_values),
        "list": bind(walk(shape), listed),
        "deep": bind(walk(deep_shape), {**listed, **after}),
    }
    job: dict[str, Any] = {"dsn": running.dsn(data.DATABASE)}
    job["id_at"] = one_values.index(people["own"])
    for name, (sql, values) in statements.items():
        job[name] = {"sql": sql, "args": [_portable(v) for v in values]}
    return job


def _portable(value: object) -> object:
    if isinstance(value, UUID):
        return {"kind": "uuid", "value": str(value)}
    if isinstance(value, date):
        return {"kind": "date", "value": value.isoformat()}
    return value
