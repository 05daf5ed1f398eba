"""`kemuning serve`: several workers, what it refuses, what it logs, the headers it sends."""

import asyncio
import json
import re
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from app.services.throttle import LOGIN
from tests.actors import problem
from tests.credentials import PASSWORD, make_account
from tests.people import person
from tests.process.load import nip, sign_in
from tests.process.programs import SECRET, Postgres, Service, Start, answers, eventually

Serve = Callable[..., Service]
REQUESTS = re.compile(r'kemuning_request_seconds_count\{.*livez".*\} (\d+)')


def children(service: Service) -> list[psutil.Process]:
    """The worker processes, not the resource tracker beside them."""
    return [p for p in psutil.Process(service.program.process.pid).children() if is_worker(p)]


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has just ended
        return "spawn_main" in " ".join(process.cmdline())
    return False


async def test_two_workers(postgres: Postgres, serve: Serve) -> None:
    """Limits and metrics hold across them, and one that is killed is replaced."""
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database), "--workers", "2")
    await asyncio.to_thread(service.program.until, lambda: len(children(service)) == 2)
    owner = await asyncpg.connect(postgres.dsn(database))
    login = await make_account(owner, "hr_admin")
    await owner.close()
    wrong = {"login": login, "password": "bukan-kata-sandinya"}
    # A connection each, so that both workers get some
    tried = await asyncio.gather(*(once(service, "/api/v1/sign-in", wrong) for _ in range(24)))
    assert Counter(a.status_code for a in tried) == {401: LOGIN.quota, 429: 24 - LOGIN.quota}
    before = await counted(service)
    await asyncio.gather(*(once(service, "/livez") for _ in range(20)))
    assert await counted(service) == before + 20
    victim = children(service)[0]
    metrics = Path(victim.environ()["PROMETHEUS_MULTIPROC_DIR"])
    victim.kill()
    await eventually(partial(answers, f"{service.url}/livez", 200), 20)
    await asyncio.to_thread(
        service.program.until,
        lambda: len(children(service)) == 2 and victim not in children(service),
    )
    await asyncio.to_thread(service.program.end, signal.SIGTERM)
    assert not await asyncio.to_thread(metrics.exists)


async def once(service: Service, path: str, body: object = None) -> httpx.Response:
    """On a connection of its own."""
    async with httpx.AsyncClient(base_url=service.url, timeout=20) as client:
        return await (client.get(path) if body is None else client.post(path, json=body))


async def counted(service: Service) -> int:
    """How many times /livez was answered, by whichever worker is asked."""
    answer = await once(service, "/metrics")
    return sum(int(float(n)) for n in REQUESTS.findall(answer.text))


# --- refusals ---------------------------------------------------------------------------

NOWHERE = "postgresql://kemuning_login:x@localhost:1/none"
EMBEDDED = "postgresql://kemuning_login@/kemuning?host=/tmp/kemuning-embedded-x&port=5432"
REFUSALS = [
    ({"secret_key": "sempit"}, "KEMUNING_SECRET_KEY must be at least 32 random bytes"),
    ({"secret_key": "a" * 40}, "KEMUNING_SECRET_KEY must be at least 32 random bytes"),
    ({"environment": "production", "database_url": EMBEDDED}, "refused in production"),
    ({"environment": "production", "require_totp": "no"}, "KEMUNING_REQUIRE_TOTP"),
    ({"environment": "prod"}, "KEMUNING_ENVIRONMENT"),
    ({"database_url": "mysql://somebody:geheim@localhost/x"}, "KEMUNING_DATABASE_URL"),
    ({"access_token_seconds": "86400"}, "KEMUNING_ACCESS_TOKEN_SECONDS"),
    ({"log_level": "loud"}, "KEMUNING_LOG_LEVEL"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSALS)
def test_a_wrong_setting_is_a_plain_sentence(
    kemuning: Start, changes: dict[str, str], sentence: str
) -> None:
    settings = {"database_url": NOWHERE, "secret_key": SECRET} | changes
    program = kemuning("serve", "--port", "1", **settings)
    assert program.wait() == 2
    assert sentence in " ".join(program.errors.split())
    assert "Traceback" not in program.errors
    for secret in ("sempit", "a" * 40, "geheim"):
        assert secret not in program.errors


def test_missing_settings_are_named(kemuning: Start) -> None:
    program = kemuning("serve")
    assert program.wait() == 2
    assert "KEMUNING_DATABASE_URL" in program.errors
    assert "KEMUNING_SECRET_KEY" in program.errors
    assert "Traceback" not in program.errors


def test_an_unknown_setting_is_told(kemuning: Start) -> None:
    program = kemuning("serve", require_topt="false", url="http://localhost")
    assert program.wait() == 2
    assert "KEMUNING_REQUIRE_TOPT is no setting" in program.errors
    assert "KEMUNING_URL" not in program.errors


# --- what it logs -----------------------------------------------------------------------

PRIVATE = ("Rahasia", "3374015501850001", "teh-manis", PASSWORD, "eyJ", "Bearer", "nip_dicari")


async def test_the_log_is_json_and_holds_nothing_private(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database, log_level="info"))
    token = await sign_in(service.url, postgres.dsn(database))
    async with httpx.AsyncClient(base_url=service.url) as client:
        await client.post("/api/v1/sign-in", json={"login": "x", "password": "teh-manis"})
        client.headers["Authorization"] = f"Bearer {token}"
        await client.get("/api/v1/employees", params={"q": "Rahasia"})
        await client.get("/api/v1/employees/nip_dicari", params={"Rahasia": "1"})
        failed = await refuse_a_row(client, postgres.dsn(database))
    await send_rubbish(service)
    service.program.end()
    lines = [json.loads(line) for line in service.program.errors.splitlines()]
    for private in PRIVATE:
        assert private not in service.program.errors
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    requests = [line for line in lines if line["event"] == "request"]
    assert len({line["operation"] for line in requests}) >= 4
    told = [line for line in lines if line.get("request_id") == failed["request_id"]]
    assert [line["event"] for line in told] == ["unhandled_error", "request"]
    assert told[0]["exception"][-1]["kind"] == "asyncpg.exceptions.CheckViolationError"
    assert any("app/services/employees" in place for place in told[0]["exception"][0]["places"])


async def refuse_a_row(client: httpx.AsyncClient, dsn: str) -> dict[str, Any]:
    """A fault that nobody foresaw, of which PostgreSQL quotes the whole row."""
    owner = await asyncpg.connect(dsn)
    await owner.execute(
        "ALTER TABLE employee_profiles ADD CONSTRAINT unforeseen CHECK (name <> 'Rahasia')"
    )
    await owner.close()
    body = person(identifier=nip(), profile={"name": "Rahasia"}, nik="3374015501850001")
    answer = await client.post("/api/v1/employees", json=body)
    assert "Rahasia" not in answer.text
    return problem(answer, 500, "internal_error")


async def send_rubbish(service: Service) -> None:
    """The server's own complaints are lines of the log too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(b"Rahasia nip_dicari\r\n\r\n")
    await writer.drain()
    await reader.read()
    writer.close()
    await writer.wait_closed()


# --- what it sends ----------------------------------------------------------------------

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-site",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


async def test_headers(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    settings = postgres.settings(database, cors_origins="https://a.example, https://b.example")
    service = await asyncio.to_thread(serve, settings)
    async with httpx.AsyncClient(base_url=service.url) as client:
        for path in ("/livez", "/api/v1/employees", "/nowhere", "/api/v1/employees?x=1"):
            answer = await client.get(path)
            assert SECURITY.items() <= dict(answer.headers).items(), path
            assert "server" not in answer.headers
        await check_request_ids(client)
        await check_origins(client)


async def check_request_ids(client: httpx.AsyncClient) -> None:
    for sane in ("abc-12345", "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"):
        answer = await client.get("/nowhere", headers={"X-Request-Id": sane})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == sane
    for odd in ("short", "x" * 65, "with space", "<script>alert(1)", 'quo"te-12345'):
        answer = await client.get("/livez", headers={"X-Request-Id": odd})
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


async def check_origins(client: httpx.AsyncClient) -> None:
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,x-purpose",
    }
    for origin in ("https://a.example", "https://b.example"):
        answer = await client.options("/api/v1/me", headers={"Origin": origin, **asked})
        assert answer.status_code == 200, answer.text
        assert answer.headers["access-control-allow-origin"] == origin
        answer = await client.get("/livez", headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    stranger = {"Origin": "https://c.example", **asked}
    assert (await client.options("/api/v1/me", headers=stranger)).status_code == 400
    answer = await client.get("/livez", headers=stranger)
    assert "access-control-allow-origin" not in answer.headers


async def test_no_cors_unless_set(postgres: Postgres, serve: Serve) -> None:
    database = await postgres.database()
    service = await asyncio.to_thread(serve, postgres.settings(database))
    async with httpx.AsyncClient(base_url=service.url) as client:
        answer = await client.get("/livez", headers={"Origin": "https://a.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
