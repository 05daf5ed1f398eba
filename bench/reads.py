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

KEMUNING_PORT, BARE_PORT = 8491, 8492
SECONDS, ROUNDS, CONNECTIONS = 4, 3, 16


@dataclass(frozen=True)
class Mark:
    """A ratio to reach: at least `least` of the limit, by the paths of both sides."""

    name: str
    kemuning: list[str]
    bare: list[str]
    token: str
    least: float


def run(running: EmbeddedServer) -> list[tuple[str, float, float]]:
    """Measure every read; returns (name, ratio, mark)."""
    settings = data.settings(running)
    people = asyncio.run(_people(running, settings))
    with both_serving(settings, _bare_job(running, people)):
        results = [ratio(mark) for mark in _marks(people)]
        results.append(_deep_page(people))
    return results


@contextmanager
def both_serving(settings: Settings, bare: dict[str, Any]) -> Iterator[None]:
    """Kemuning and the bare application beside it."""
    with ExitStack() as stack:
        job = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "bare.json"
        job.write_text(json.dumps(bare))
        stack.enter_context(serving("app.main:app_from_environment", KEMUNING_PORT, settings))
        stack.enter_context(serving("bench.bare:app", BARE_PORT, settings, job))
        yield


def _marks(people: dict[str, Any]) -> list[Mark]:
    own, others = str(people["own"]), [str(i) for i in people["others"]]
    asn, hr_admin = people["asn"], people["hr_admin"]
    one = "/api/v1/employees"
    return [
        Mark("read one's own record", [f"{one}/{own}"], [f"/one/{own}"], asn, 0.30),
        Mark(
            "read another's, with its audit event",
            [f"{one}/{i}" for i in others],
            [f"/one/{i}" for i in others],
            hr_admin,
            0.20,
        ),
        Mark("list 50", [f"{one}?limit=50"], ["/list"], hr_admin, 0.50),
        Mark("list 50, deep", [_deep_path(people)], ["/deep"], hr_admin, 0.50),
    ]


def ratio(mark: Mark) -> tuple[str, float, float]:
    """Both sides turn about; the median of the ratios of requests a second."""
    ratios = []
    for _ in range(ROUNDS):
        bare = load(BARE_PORT, mark.bare, None)
        ours = load(KEMUNING_PORT, mark.kemuning, mark.token)
        ratios.append(ours["per_second"] / bare["per_second"])
        print(
            f"  {mark.name}: bare {bare['per_second']:,.0f}/s, Kemuning {ours['per_second']:,.0f}/s"
            f" (p50 {ours['p50_ms']:.1f} ms, p99 {ours['p99_ms']:.1f} ms)",
            flush=True,
        )
    return mark.name, statistics.median(ratios), mark.least


def _deep_page(people: dict[str, Any]) -> tuple[str, float, float]:
    """How much longer a deep page takes than the first."""
    times, token = [], people["hr_admin"]
    for _ in range(ROUNDS):
        first = load(KEMUNING_PORT, ["/api/v1/employees?limit=50"], token)
        deep = load(KEMUNING_PORT, [_deep_path(people)], token)
        times.append(deep["p50_ms"] / first["p50_ms"])
    return "deep page against the first (at most)", statistics.median(times), -1.5


def _deep_path(people: dict[str, Any]) -> str:
    return f"/api/v1/employees?limit=50&cursor={people['cursor']}"


def load(
    port: int, paths: list[str], token: str | None, connections: int = CONNECTIONS
) -> dict[str, Any]:
    """What `bench.load` measures of reads."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return measured({"port": port, "paths": paths, "headers": headers, "connections": connections})


def measured(job: dict[str, Any]) -> dict[str, Any]:
    """What `bench.load` measures of a job. Errors: RuntimeError where one isn't answered 200."""
    command = [sys.executable, "-m", "bench.load"]
    told = json.dumps({"seconds": SECONDS, **job})
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {"200"}:
        raise RuntimeError(f"port {job['port']} answered {result['statuses']}")
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
        deep = await connection.fetchrow(
            "SELECT name_sort, employee_id FROM employee_profiles ORDER BY 1, 2"
            " OFFSET (SELECT count(*) * 3 / 4 FROM employees) LIMIT 1"
        )
        key = (deep["name_sort"], deep["employee_id"])
        return {
            "asn": await token_of(connection, keyring, Role.ASN, own),
            "hr_admin": await token_of(connection, keyring, Role.HR_ADMIN, None),
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
    return {
        "dsn": running.dsn(data.DATABASE),
        "id_at": one_values.index(people["own"]),
        "statements": {name: stated(*bound) for name, bound in statements.items()},
    }


def stated(sql: str, values: list[object]) -> dict[str, Any]:
    """A bound statement as JSON."""
    return {"sql": sql, "args": [_portable(value) for value in values]}


def _portable(value: object) -> object:
    if isinstance(value, UUID):
        return {"kind": "uuid", "value": str(value)}
    if isinstance(value, date):
        return {"kind": "date", "value": value.isoformat()}
    return value
