"""Signing in by password, second factor, refresh token and client credentials."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import structlog
from fastapi import FastAPI

from app import errors, middleware
from app.access.actors import SIGN_IN, Actor
from app.access.table import TABLE, PasswordChangeRequired, TotpRequired, check_operation
from app.database import Database
from app.embedded import EmbeddedServer
from app.main import create_app
from app.passwords import verify_password
from app.sealing import Sealer
from app.services import sign_in as service
from app.services.throttle import Caller
from app.vocabulary import NextStep, Scope
from tests.actors import API, Actors, Client, problem
from tests.conftest import settings_for
from tests.credentials import (
    PASSWORD,
    WRONG,
    age_throttles,
    carry,
    enrol_totp,
    knock,
    make_account,
    make_employee,
    refresh,
    security_events,
    sign_in,
)


async def token(client: Client, **form: str) -> httpx.Response:
    """Ask for a script's token."""
    return await client.post("/sign-in/token", data=form)


# --- By password ------------------------------------------------------------------------


async def test_signing_in(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "auditor")
    rina = actors.anonymous()
    answer = await knock(rina, f"  {login.upper()} ")
    signed_in = carry(rina, answer)
    assert answer.headers["cache-control"] == "no-store"
    assert signed_in["token_type"] == "Bearer"
    assert signed_in["expires_in"] == 480
    assert signed_in["account"]["login"] == login
    assert signed_in["next_steps"] == []
    assert (await rina.get("/me")).json()["id"] == signed_in["account"]["id"]
    event = await owner.fetchrow(
        "SELECT actor_account_id, actor_role FROM audit_events"
        " WHERE operation = 'sign_in_with_password' AND entity = 'sign_in_sessions'"
    )
    assert event["actor_account_id"] == rina.account_id
    assert event["actor_role"] == "auditor"


async def test_every_refusal_looks_and_costs_the_same(
    actors: Actors, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await make_account(owner, "auditor")
    disabled = await make_account(owner, "auditor")
    script = await make_account(owner, "service", scopes=["employees:read"])
    await owner.execute("UPDATE accounts SET disabled_at = now() WHERE login = $1", disabled)
    hashed = 0

    async def counted(password: str, stored: str | None) -> bool:
        nonlocal hashed
        hashed += 1
        return await verify_password(password, stored)

    monkeypatch.setattr(service, "verify_password", counted)
    stranger = actors.anonymous()
    tries = [("nobody", PASSWORD), (known, WRONG), (disabled, PASSWORD), (script, PASSWORD)]
    tries += [(known, "x" * 1024), ("ñ 漢", PASSWORD)]
    bodies = set()
    for login, password in tries:
        answer = await knock(stranger, login, password)
        body = problem(answer, 401, "invalid_credentials")
        del body["request_id"]
        assert answer.headers["ratelimit"].split(", ")[1].startswith('"login";r=')
        bodies.add(repr(body))
    assert len(bodies) == 1
    assert hashed == len(tries)
    assert await security_events(owner) == ["sign_in_refused"] * len(tries)


async def test_a_nip_is_a_login_and_never_a_proof(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    nip = "198003152005011003"
    employee = await make_employee(owner)
    await make_account(owner, "asn", login=nip, employee_id=employee)
    budi = actors.anonymous()
    problem(await knock(budi, nip, nip), 401, "invalid_credentials")
    assert (await sign_in(budi, nip))["account"]["employee_id"] == str(employee)
    change = {"current_password": PASSWORD, "new_password": nip}
    found = problem(await budi.post("/me/password", json=change), 422, "invalid")
    assert found["errors"][0]["code"] == "password_contains_login"
    change["new_password"] = "199001012015012007"
    found = problem(await budi.post("/me/password", json=change), 422, "invalid")
    assert found["errors"][0]["code"] == "password_common"


BAD_INPUT: list[tuple[dict[str, object], str]] = [
    ({"login": "rina"}, "/password"),
    ({"login": "rina", "password": ""}, "/password"),
    ({"login": "rina", "password": "x" * 1025}, "/password"),
    ({"login": "rina", "password": ["x"]}, "/password"),
    ({"login": "a\x00b", "password": "x"}, "/login"),
    ({"login": "rina", "password": "x", "totp_code": 123456}, "/totp_code"),
    ({"login": "rina", "password": "x", "role": "hr_admin"}, "/role"),
]


async def test_bad_input_names_the_field_and_echoes_nothing(actors: Actors) -> None:
    client = actors.anonymous()
    for body, pointer in BAD_INPUT:
        answer = await client.post("/sign-in", json=body)
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == pointer
        assert "hr_admin" not in answer.text


async def test_lone_surrogates_are_refused_or_wrong(actors: Actors) -> None:
    raw = b'{"login": "rina", "password": "\\ud800abcdefghijkl"}'
    headers = {"Content-Type": "application/json"}
    answer = await actors.anonymous().post("/sign-in", content=raw, headers=headers)
    assert answer.status_code in (401, 422)


async def test_a_token_that_came_along_is_not_looked_at(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    client.headers["Authorization"] = "Bearer long.gone.token"
    problem(await client.get("/me"), 401, "unauthenticated")
    tokens = await sign_in(client, login)
    client.headers["Authorization"] = "Bearer long.gone.token"
    assert (await refresh(client, tokens["refresh_token"])).status_code == 200


async def test_an_idempotency_key_stores_no_answer(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    client.headers["Idempotency-Key"] = "the-same-key"
    first, second = await sign_in(client, login), await sign_in(client, login)
    assert first["refresh_token"] != second["refresh_token"]
    next_pair = carry(client, await refresh(client, second["refresh_token"]))
    assert next_pair["refresh_token"] != second["refresh_token"]
    assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_the_database_holds_no_password_token_login_or_address_in_the_clear(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    tokens = await sign_in(client, login)
    await knock(client, "nobody@contoh.id", WRONG)
    stored = ""
    for table in ("audit_events", "audit_details", "sign_in_sessions", "refresh_tokens"):
        stored += await owner.fetchval(f"SELECT coalesce(json_agg(t)::text, '') FROM {table} t")
    stored += await owner.fetchval("SELECT json_agg(t)::text FROM sign_in_throttles t")
    assert login in stored  # the account's own event tells its login
    secrets = (PASSWORD, WRONG, "argon2", "nobody@contoh.id", "127.0.0.1")
    for secret in (*secrets, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in stored, secret


async def test_the_log_tells_no_secret_even_of_a_bug(
    actors: Actors, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.StringIO()
    processors: list[Any] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    log = structlog.wrap_logger(
        structlog.WriteLogger(lines),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
    )
    for module in (middleware, errors):
        monkeypatch.setattr(module, "log", log)
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    client.headers["User-Agent"] = "Device of Rina"
    tokens = await sign_in(client, login)
    await knock(client, login, WRONG)
    await token(client, client_id=login, client_secret=WRONG, grant_type="client_credentials")
    await refresh(client, tokens["refresh_token"])
    await owner.execute("ALTER TABLE sign_in_sessions RENAME COLUMN user_agent TO device")
    problem(await knock(client, login), 500, "internal_error")
    written = lines.getvalue()
    assert written.count('"event": "request"') == 5
    assert '"event": "unhandled_error"' in written
    secrets = (PASSWORD, WRONG, login, "argon2", "Device of Rina", "127.0.0.1")
    for secret in (*secrets, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in written, secret


# --- The throttle -----------------------------------------------------------------------


async def test_fifty_at_once_are_counted_exactly(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    answers = await asyncio.gather(*(knock(client, login, WRONG) for _ in range(50)))
    assert sorted(a.status_code for a in answers) == [401] * 10 + [429] * 40
    attempts = await owner.fetch("SELECT attempts FROM sign_in_throttles")
    assert [a["attempts"] for a in attempts] == [10, 10]  # by login and by address
    assert await security_events(owner) == ["sign_in_refused"] * 10

    refused = await knock(client, login)
    problem(refused, 429, "too_many_requests")
    assert 290 <= int(refused.headers["retry-after"]) <= 300
    assert refused.headers["ratelimit-policy"] == '"login";q=10;w=300'
    assert refused.headers["ratelimit"].startswith('"login";r=0;t=')


async def test_nobody_is_locked_out_for_good(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    for _ in range(10):
        problem(await knock(client, login, WRONG), 401, "invalid_credentials")
    await age_throttles(owner, 200)
    problem(await knock(client, login), 429, "too_many_requests")  # which prolongs nothing
    await age_throttles(owner, 101)
    await sign_in(client, login)


async def test_good_sign_ins_are_not_counted(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    for _ in range(11):
        answer = await knock(client, login)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"address";q=100;w=300, "login";q=10;w=300'
        assert [part.split(";")[1] for part in answer.headers["ratelimit"].split(", ")] == [
            "r=100",
            "r=10",
        ]


async def test_another_login_and_another_address_are_free(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    login, other = await make_account(owner, "auditor"), await make_account(owner, "auditor")
    here = actors.anonymous()
    problem(await knock(here, login, WRONG), 401, "invalid_credentials")
    await owner.execute("UPDATE sign_in_throttles SET attempts = 10")
    problem(await knock(here, login), 429, "too_many_requests")
    await sign_in(here, other)

    await owner.execute("UPDATE sign_in_throttles SET attempts = 100")
    answer = await knock(here, other)
    problem(answer, 429, "too_many_requests")
    assert answer.headers["ratelimit-policy"] == '"address";q=100;w=300'
    await owner.execute("DELETE FROM sign_in_throttles WHERE attempts < 100")
    transport = httpx.ASGITransport(app, client=("203.0.113.9", 4711))
    async with Client(transport=transport, base_url=API) as elsewhere:
        await sign_in(elsewhere, await make_account(owner, "auditor"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_subscriber_counts_as_one(address: str, network: str) -> None:
    assert Caller(Actor(), address, None, {}, Sealer(b"x" * 32)).network == network


# --- The second factor ------------------------------------------------------------------


async def test_totp_is_asked_for_and_a_code_works_once(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    await sign_in(client, login)
    phone, _ = await enrol_totp(client)
    answer = await knock(client, login)
    problem(answer, 401, "second_factor_required")
    assert answer.headers["ratelimit"].split(", ")[1].startswith('"login";r=10')  # no failure
    problem(await knock(client, login, WRONG), 401, "invalid_credentials")
    problem(await knock(client, login, totp_code="000000"), 403, "wrong_second_factor")
    code = phone.code()
    await sign_in(client, login, totp_code=code)
    problem(await knock(client, login, totp_code=code), 403, "wrong_second_factor")
    attempts = await owner.fetchval("SELECT max(attempts) FROM sign_in_throttles")
    assert attempts == 3
    assert (await security_events(owner))[-2:] == ["second_factor_refused"] * 2


async def test_one_code_at_once_signs_in_once(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    await sign_in(client, login)
    phone, recovery_codes = await enrol_totp(client)
    code = phone.code()
    answers = await asyncio.gather(*(knock(client, login, totp_code=code) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 403, 403, 403]
    code = recovery_codes[0]
    answers = await asyncio.gather(*(knock(client, login, recovery_code=code) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 403, 403, 403]
    assert (await security_events(owner)).count("recovery_code_used") == 1


async def test_an_account_is_locked_while_its_code_is_judged(
    app: FastAPI, owner: asyncpg.Connection
) -> None:
    """Two at once could else both find a code unused."""
    database: Database = app.state.runtime.database
    login = await make_account(owner, "auditor")
    account = await owner.fetchrow("SELECT id, password_hash FROM accounts WHERE login = $1", login)

    async def judge() -> None:
        async with database.transaction(Actor(), persona=SIGN_IN) as session:
            await service.as_proven(session, account)

    async with database.transaction(Actor(), persona=SIGN_IN) as session:
        await service.as_proven(session, account)
        second = asyncio.create_task(judge())
        await asyncio.sleep(0.3)
        assert not second.done()
    await second


async def test_a_recovery_code_stands_in_however_it_is_typed(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    client = actors.anonymous()
    await sign_in(client, login)
    _, codes = await enrol_totp(client)
    assert len(set(codes)) == 10
    await sign_in(client, login, recovery_code=codes[3].lower().replace("-", " "))
    problem(await knock(client, login, recovery_code=codes[3]), 403, "wrong_second_factor")
    foreign = await make_account(owner, "auditor")
    await sign_in(client, foreign)
    await enrol_totp(client)
    problem(await knock(client, foreign, recovery_code=codes[4]), 403, "wrong_second_factor")


# --- Refreshing -------------------------------------------------------------------------


async def age_tokens(owner: asyncpg.Connection, seconds: int) -> None:
    await owner.execute(
        "UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => $1)", seconds
    )


async def test_rotation(actors: Actors, owner: asyncpg.Connection) -> None:
    client = actors.anonymous()
    tokens = await sign_in(client, await make_account(owner, "auditor"))
    seen = {tokens["refresh_token"]}
    for _ in range(3):
        tokens = carry(client, await refresh(client, tokens["refresh_token"]))
        seen.add(tokens["refresh_token"])
        assert (await client.get("/me")).status_code == 200
    assert len(seen) == 4
    assert await owner.fetchval("SELECT count(*) FROM sign_in_sessions") == 1


async def test_a_token_used_twice_ends_its_family(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    login = await make_account(owner, "auditor")
    other_device = actors.anonymous()
    await sign_in(other_device, login)
    first = await sign_in(client, login)
    second = carry(client, await refresh(client, first["refresh_token"]))
    await age_tokens(owner, 11)
    problem(await refresh(client, first["refresh_token"]), 401, "invalid_refresh_token")
    # The refusal was a 401, and what it did stands:
    problem(await refresh(client, second["refresh_token"]), 401, "invalid_refresh_token")
    problem(await client.get("/me"), 401, "unauthenticated")
    assert await security_events(owner) == ["refresh_token_reused"]
    assert (await other_device.get("/me")).status_code == 200


async def test_grace_is_for_a_lost_answer_once(actors: Actors, owner: asyncpg.Connection) -> None:
    client = actors.anonymous()
    first = await sign_in(client, await make_account(owner, "auditor"))
    lost = (await refresh(client, first["refresh_token"])).json()
    again = carry(client, await refresh(client, first["refresh_token"]))
    assert again["refresh_token"] != lost["refresh_token"]
    carry(client, await refresh(client, again["refresh_token"]))
    assert await security_events(owner) == []
    # The pair that was lost is nobody's: whoever has it, stole it.
    problem(await refresh(client, lost["refresh_token"]), 401, "invalid_refresh_token")
    assert await security_events(owner) == ["refresh_token_reused"]
    problem(await client.get("/me"), 401, "unauthenticated")


async def test_grace_is_not_given_twice(actors: Actors, owner: asyncpg.Connection) -> None:
    client = actors.anonymous()
    first = await sign_in(client, await make_account(owner, "auditor"))
    for _ in range(2):
        assert (await refresh(client, first["refresh_token"])).status_code == 200
    problem(await refresh(client, first["refresh_token"]), 401, "invalid_refresh_token")
    assert await security_events(owner) == ["refresh_token_reused"]


async def test_grace_is_for_the_immediate_predecessor_only(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    first = await sign_in(client, await make_account(owner, "auditor"))
    second = (await refresh(client, first["refresh_token"])).json()
    carry(client, await refresh(client, second["refresh_token"]))
    problem(await refresh(client, first["refresh_token"]), 401, "invalid_refresh_token")
    problem(await client.get("/me"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("at_once", "answers", "alive"), [(2, [200, 200], 1), (3, [200, 200, 401], 0)]
)
async def test_one_token_used_at_once(
    actors: Actors, owner: asyncpg.Connection, at_once: int, answers: list[int], alive: int
) -> None:
    """Two: one of them may be a lost answer, and one live token remains. Three: never."""
    client = actors.anonymous()
    first = await sign_in(client, await make_account(owner, "auditor"))
    got = await asyncio.gather(*(refresh(client, first["refresh_token"]) for _ in range(at_once)))
    assert sorted(g.status_code for g in got) == answers
    unused = await owner.fetchval(
        "SELECT count(*) FROM refresh_tokens t JOIN sign_in_sessions s ON s.id = t.session_id"
        " WHERE t.used_at IS NULL AND s.revoked_at IS NULL"
    )
    assert unused == alive
    assert await security_events(owner) == ["refresh_token_reused"] * (1 - alive)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_in_sessions SET expires_at = now()",
        "UPDATE sign_in_sessions SET revoked_at = now()",
        "UPDATE accounts SET disabled_at = now()",
        "DELETE FROM refresh_tokens",
    ],
)
async def test_a_session_that_is_over_is_not_refreshed(
    actors: Actors, owner: asyncpg.Connection, change: str
) -> None:
    client = actors.anonymous()
    tokens = await sign_in(client, await make_account(owner, "auditor"))
    await owner.execute(change)
    problem(await refresh(client, tokens["refresh_token"]), 401, "invalid_refresh_token")
    assert await security_events(owner) == []


async def test_junk_is_no_refresh_token(actors: Actors) -> None:
    for junk in ("x", "é" * 43, "A" * 43, "A" * 200, " " * 43):
        problem(await refresh(actors.anonymous(), junk), 401, "invalid_refresh_token")


# --- What ends an access token at once --------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts SET disabled_at = now()",
        "UPDATE accounts SET token_version = token_version + 1",
        "UPDATE sign_in_sessions SET revoked_at = now()",
        "UPDATE sign_in_sessions SET expires_at = now()",
        "DELETE FROM sign_in_sessions",
    ],
)
async def test_an_access_token_ends_at_once(
    actors: Actors, owner: asyncpg.Connection, change: str
) -> None:
    client = actors.anonymous()
    await sign_in(client, await make_account(owner, "auditor"))
    etag = (await client.get("/me")).headers["etag"]
    await owner.execute(change)
    problem(await client.get("/me"), 401, "unauthenticated")
    write = await client.patch("/me", json={"display_name": "X"}, headers={"If-Match": etag})
    problem(write, 401, "unauthenticated")


async def test_signing_out_ends_both_tokens(actors: Actors, owner: asyncpg.Connection) -> None:
    client = actors.anonymous()
    tokens = await sign_in(client, await make_account(owner, "auditor"))
    assert (await client.post("/sign-out")).status_code == 204
    problem(await client.get("/me"), 401, "unauthenticated")
    problem(await refresh(client, tokens["refresh_token"]), 401, "invalid_refresh_token")
    problem(await client.post("/sign-out"), 401, "unauthenticated")
    assert await security_events(owner) == []


# --- What has to be done first ----------------------------------------------------------


@pytest.fixture
async def strict(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection
) -> AsyncIterator[Actors]:
    """People of an installation that requires TOTP."""
    app = create_app(settings_for(server, database, require_totp=True))
    people = Actors(app, owner)
    yield people
    await people.close()
    await app.state.runtime.close()


@pytest.mark.parametrize("role", ["hr_admin", "auditor"])
async def test_officers_enrol_totp_before_anything_else(
    strict: Actors, owner: asyncpg.Connection, role: str
) -> None:
    login = await make_account(owner, role)
    client = strict.anonymous()
    tokens = await sign_in(client, login)
    assert tokens["next_steps"] == ["enrol_totp"]
    problem(await client.get("/accounts"), 403, "totp_required")
    assert (await client.get("/me")).json()["next_steps"] == ["enrol_totp"]
    phone, _ = await enrol_totp(client)
    problem(await client.get("/accounts"), 403, "totp_required")  # until it refreshes
    assert carry(client, await refresh(client, tokens["refresh_token"]))["next_steps"] == []
    assert (await client.get("/accounts")).status_code == 200
    proof = {"password": PASSWORD, "totp_code": phone.code()}
    problem(await client.post("/me/totp/remove", json=proof), 403, "totp_mandatory")


async def test_others_need_no_totp(strict: Actors, owner: asyncpg.Connection) -> None:
    client = strict.anonymous()
    assert (await sign_in(client, await make_account(owner, "public")))["next_steps"] == []
    employee = await make_employee(owner)
    login = await make_account(owner, "asn", employee_id=employee)
    assert (await sign_in(client, login))["next_steps"] == []


async def test_a_password_given_by_another_is_changed_first(
    strict: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "hr_admin", must_change_password=True)
    client = strict.anonymous()
    tokens = await sign_in(client, login)
    assert tokens["next_steps"] == ["must_change_password", "enrol_totp"]
    problem(await client.get("/accounts"), 403, "password_change_required")
    change = {"current_password": PASSWORD, "new_password": WRONG}
    assert (await client.post("/me/password", json=change)).status_code == 204
    problem(await client.get("/me"), 401, "unauthenticated")  # every access token has ended
    tokens = carry(client, await refresh(client, tokens["refresh_token"]))
    assert tokens["next_steps"] == ["enrol_totp"]
    problem(await client.get("/accounts"), 403, "totp_required")


# --- Scripts ----------------------------------------------------------------------------

GRANT = {"grant_type": "client_credentials", "client_secret": PASSWORD}


async def test_a_script_gets_a_token(actors: Actors, owner: asyncpg.Connection) -> None:
    scopes = ["employees:read", "imports:write"]
    client_id = await make_account(owner, "service", scopes=scopes)
    script = actors.anonymous()
    answer = await token(script, client_id=client_id, **GRANT)
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert answer.json()["scope"] == "employees:read imports:write"
    assert answer.headers["cache-control"] == "no-store"
    script.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await script.get("/me")).json()["scopes"] == scopes
    problem(await script.get("/accounts"), 403, "forbidden")
    problem(await script.post("/me/totp", json={"password": PASSWORD}), 403, "forbidden")

    narrow = await token(script, client_id=client_id, scope="imports:write", **GRANT)
    assert narrow.json()["scope"] == "imports:write"
    script.headers["Authorization"] = f"Bearer {narrow.json()['access_token']}"
    problem(await script.get("/employees"), 403, "forbidden")

    await owner.execute("UPDATE accounts SET token_version = 2")
    problem(await script.get("/me"), 401, "unauthenticated")


async def test_errors_of_the_token_operation_are_the_rfcs(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client_id = await make_account(owner, "service", scopes=["employees:read"])
    person = await make_account(owner, "auditor")
    script = actors.anonymous()
    known = {"client_id": client_id, **GRANT}
    for form, status, code in (
        ({}, 400, "invalid_request"),
        ({**known, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**known, "scope": "employees:read audit:read"}, 400, "invalid_scope"),
        ({**known, "client_secret": WRONG}, 401, "invalid_client"),
        ({**known, "client_id": "nobody"}, 401, "invalid_client"),
        ({**known, "client_id": person}, 401, "invalid_client"),
    ):
        assert problem(await token(script, **form), status, code)["error"] == code
    problem(await script.post("/sign-in/token", json=known), 400, "invalid_request")
    problem(await token(script, **known, colour="red"), 422, "invalid")


async def test_a_script_is_throttled_too(actors: Actors, owner: asyncpg.Connection) -> None:
    client_id = await make_account(owner, "service", scopes=["employees:read"])
    script = actors.anonymous()
    for _ in range(11):
        assert (await token(script, client_id=client_id, **GRANT)).status_code == 200
    await owner.execute("UPDATE sign_in_throttles SET attempts = 10")
    refused = await token(script, client_id=client_id, **GRANT)
    problem(refused, 429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_session_of_a_script_lasts_as_long_as_its_token(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client_id = await make_account(owner, "service", scopes=["employees:read"])
    await token(actors.anonymous(), client_id=client_id, **GRANT)
    lasts = await owner.fetchval("SELECT expires_at - created_at FROM sign_in_sessions")
    assert 480 <= lasts.total_seconds() <= 491
    assert await owner.fetchval("SELECT count(*) FROM refresh_tokens") == 0
    assert isinstance(await owner.fetchval("SELECT account_id FROM sign_in_sessions"), UUID)


@pytest.mark.parametrize("step", NextStep)
def test_a_limited_token_opens_nothing_but_the_way_on(step: NextStep) -> None:
    """Every rule of the access table, for every role."""
    way_on = {operation for operation, rule in TABLE.items() if rule.before_totp}
    assert {"me_change_password", "me_start_totp", "me_confirm_totp", "sign_in_refresh"} <= way_on
    for operation, rule in TABLE.items():
        for role in rule.roles:
            actor = Actor(role=role, account_id=uuid4(), scopes=frozenset(Scope), next_step=step)
            if operation in way_on:
                check_operation(rule, actor)
            else:
                with pytest.raises((PasswordChangeRequired, TotpRequired)):
                    check_operation(rule, actor)
