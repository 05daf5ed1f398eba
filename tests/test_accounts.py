"""Registration, one's own account and credentials, administration of accounts."""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.access.accounts import can_see, can_see_sessions, sessions_visible, visible
from app.access.actors import Actor
from app.access.table import TABLE
from app.database import Database
from app.models.accounts import Account, SignInSession
from app.vocabulary import Role, Scope
from tests.actors import Actors, Client, problem
from tests.credentials import (
    PASSWORD,
    WRONG,
    carry,
    enrol_totp,
    knock,
    make_account,
    make_employee,
    refresh,
    security_events,
    sign_in,
)

SITI = {
    "login": "Siti@Contoh.id",
    "display_name": "Siti",
    "email": "siti@contoh.id",
    "password": PASSWORD,
    "consent": True,
}


async def register(client: Client, **changes: object) -> httpx.Response:
    return await client.post("/accounts/register", json={**SITI, **changes})


async def get(client: Client, account: str) -> tuple[dict[str, object], dict[str, str]]:
    """The account, and the header for changing it."""
    answer = await client.get(f"/accounts/{account}")
    assert answer.status_code == 200, answer.text
    return answer.json(), {"If-Match": answer.headers["etag"]}


async def change(client: Client, account: object, **changes: object) -> httpx.Response:
    """Change the account as it is now."""
    headers = {"If-Match": (await client.get(f"/accounts/{account}")).headers["etag"]}
    return await client.patch(f"/accounts/{account}", json=changes, headers=headers)


# --- Registration -----------------------------------------------------------------------


async def test_a_citizen_registers_and_signs_in(actors: Actors) -> None:
    siti = actors.anonymous()
    answer = await register(siti)
    assert (answer.status_code, answer.json()) == (202, {"status": "received"})
    assert answer.headers["ratelimit"].startswith('"registration";r=59;t=')
    await sign_in(siti, "siti@contoh.id")
    me = (await siti.get("/me")).json()
    assert (me["role"], me["login"], me["employee_id"]) == ("public", "siti@contoh.id", None)
    assert me["consented_at"] is not None
    problem(await siti.get("/accounts"), 403, "forbidden")


async def test_a_taken_login_is_not_told(actors: Actors, owner: asyncpg.Connection) -> None:
    thief = actors.anonymous()
    first = await register(thief)
    second = await register(thief, password=WRONG, display_name="Thief")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    problem(await knock(thief, "siti@contoh.id", WRONG), 401, "invalid_credentials")
    await sign_in(thief, "siti@contoh.id", PASSWORD)
    assert await owner.fetchval("SELECT display_name FROM accounts") == "Siti"


REFUSED: list[tuple[dict[str, object], str, str]] = [
    ({"consent": False}, "/consent", "literal_error"),
    ({"login": "198003152005011003"}, "/login", "login_reserved"),
    ({"login": "siti sari"}, "/login", "login_characters"),
    ({"login": "ѕiti"}, "/login", "login_characters"),
    ({"login": "ab"}, "/login", "string_too_short"),
    ({"password": "pendek"}, "/password", "password_too_short"),
    ({"password": "x" * 129}, "/password", "password_too_long"),
    ({"password": "siti@contoh.id-1"}, "/password", "password_contains_login"),
    ({"password": "rahasia123456"}, "/password", "password_common"),
    ({"email": "siti"}, "/email", "email_form"),
    ({"role": "hr_admin"}, "/role", "extra_forbidden"),
]


async def test_what_is_refused(actors: Actors) -> None:
    client = actors.anonymous()
    for changes, pointer, code in REFUSED:
        found = problem(await register(client, **changes), 422, "invalid")
        assert [(e["pointer"], e["code"]) for e in found["errors"]] == [(pointer, code)]


async def test_registering_is_throttled(actors: Actors, owner: asyncpg.Connection) -> None:
    bot = actors.anonymous()
    await register(bot)
    await owner.execute("UPDATE sign_in_throttles SET attempts = 58")
    answers = await asyncio.gather(*(register(bot, login=f"bot-{n}") for n in range(5)))
    assert sorted(a.status_code for a in answers) == [202, 202, 429, 429, 429]
    assert await owner.fetchval("SELECT count(*) FROM accounts") == 3


async def test_one_login_registered_at_once_is_one_account(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    answers = await asyncio.gather(*(register(client) for _ in range(5)))
    assert {a.status_code for a in answers} == {202}
    assert await owner.fetchval("SELECT count(*) FROM accounts") == 1


# --- One's own account ------------------------------------------------------------------


async def test_changing_ones_own_name(actors: Actors, owner: asyncpg.Connection) -> None:
    rina = await actors.asn(await make_employee(owner))
    tag = (await rina.get("/me")).headers["etag"]
    problem(await rina.patch("/me", json={"display_name": "Rina"}), 428, "if_match_required")
    answer = await rina.patch(
        "/me", json={"display_name": "Rina", "email": "r@contoh.id"}, headers={"If-Match": tag}
    )
    assert (answer.json()["display_name"], answer.json()["email"]) == ("Rina", "r@contoh.id")
    stale = await rina.patch("/me", json={"email": None}, headers={"If-Match": tag})
    problem(stale, 412, "stale_version")
    current = {"If-Match": answer.headers["etag"]}
    cleared = await rina.patch("/me", json={"email": None, "display_name": None}, headers=current)
    assert (cleared.json()["display_name"], cleared.json()["email"]) == ("Rina", None)
    unchanged = {"If-None-Match": cleared.headers["etag"]}
    assert (await rina.get("/me", headers=unchanged)).status_code == 304
    for field in ("role", "employee_id", "disabled", "scopes", "login"):
        answer = await rina.patch("/me", json={field: None}, headers=current)
        problem(answer, 422, "invalid")


async def test_changing_the_password_ends_what_was(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "public")
    here, there = actors.anonymous(), actors.anonymous()
    tokens, others = await sign_in(here, login), await sign_in(there, login)
    body = {"current_password": PASSWORD, "new_password": WRONG}
    assert (await here.post("/me/password", json=body)).status_code == 204
    for client in (here, there):
        problem(await client.get("/me"), 401, "unauthenticated")
    problem(await refresh(there, others["refresh_token"]), 401, "invalid_refresh_token")
    carry(here, await refresh(here, tokens["refresh_token"]))
    assert (await here.get("/me")).status_code == 200
    problem(await knock(there, login, PASSWORD), 401, "invalid_credentials")
    await sign_in(there, login, WRONG)


async def test_a_new_password_is_another_and_a_good_one(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    client = actors.anonymous()
    await sign_in(client, await make_account(owner, "public"))
    for new, code in ((PASSWORD, "password_unchanged"), ("pendek", "password_too_short")):
        body = {"current_password": PASSWORD, "new_password": new}
        found = problem(await client.post("/me/password", json=body), 422, "invalid")
        assert [(e["pointer"], e["code"]) for e in found["errors"]] == [("/new_password", code)]


async def test_proofs_are_throttled_and_told(actors: Actors, owner: asyncpg.Connection) -> None:
    """Who found an open browser may not try passwords and codes for ever."""
    client = actors.anonymous()
    await sign_in(client, await make_account(owner, "public"))
    guesses = [
        ("/me/password", {"current_password": WRONG, "new_password": "kopi-susu-di-teras"}),
        ("/me/totp", {"password": WRONG}),
        ("/me/totp/remove", {"password": WRONG, "totp_code": "000000"}),
        ("/me/recovery-codes", {"password": WRONG, "totp_code": "000000"}),
        ("/me/consent/withdraw", {"password": WRONG}),
    ]
    answers = await asyncio.gather(*(client.post(p, json=b) for p, b in guesses * 3))
    assert sorted(a.status_code for a in answers) == [403] * 10 + [429] * 5
    for answer in answers:
        code = "wrong_password" if answer.status_code == 403 else "too_many_requests"
        problem(answer, answer.status_code, code)
        assert answer.headers["ratelimit-policy"] == '"proof";q=10;w=300'
    assert await security_events(owner) == ["proof_refused"] * 10
    assert (await client.get("/me")).status_code == 200


async def test_totp_from_enrolment_to_removal(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "public")
    client = actors.anonymous()
    await sign_in(client, login)
    code = {"totp_code": "123456"}
    problem(await client.post("/me/totp/confirm", json=code), 409, "totp_not_enrolled")
    proof = {"password": PASSWORD}
    first = (await client.post("/me/totp", json=proof)).json()
    assert first["provisioning_uri"].startswith("otpauth://totp/Kemuning:")
    problem(await client.post("/me/totp/confirm", json=code), 403, "wrong_second_factor")
    await sign_in(client, login)  # begun is not confirmed
    phone, old_codes = await enrol_totp(client)  # again: another secret
    assert (await client.get("/me")).json()["has_totp"]
    problem(await client.post("/me/totp", json=proof), 409, "totp_already_enrolled")

    full = {**proof, "totp_code": "000000"}
    problem(await client.post("/me/recovery-codes", json=full), 403, "wrong_second_factor")
    full = {**proof, "recovery_code": old_codes[0]}
    new_codes = (await client.post("/me/recovery-codes", json=full)).json()["recovery_codes"]
    assert not set(new_codes) & set(old_codes)
    problem(await knock(client, login, recovery_code=old_codes[1]), 403, "wrong_second_factor")

    full = {**proof, "totp_code": phone.code()}
    assert (await client.post("/me/totp/remove", json=full)).status_code == 204
    await sign_in(client, login)
    left = "SELECT count(*) FROM recovery_codes"
    assert await owner.fetchval(left) == 0
    problem(await client.post("/me/totp/remove", json=full), 409, "totp_not_enrolled")


# --- Withdrawal of consent --------------------------------------------------------------


async def test_withdrawing_consent_erases_the_person(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    siti, other = actors.anonymous(), actors.anonymous()
    await register(siti)
    await register(other, login="tono@contoh.id", display_name="Tono", email=None)
    siti.headers["User-Agent"] = "Siti's phone"
    tokens = await sign_in(siti, "siti@contoh.id")
    await sign_in(other, "tono@contoh.id")
    hr = await actors.hr_admin()
    assert (await change(hr, siti.account_id, display_name="Siti Sari")).status_code == 200
    before = await owner.fetchval("SELECT count(*) FROM audit_events")

    answer = await siti.post("/me/consent/withdraw", json={"password": PASSWORD})
    assert answer.status_code == 204, answer.text
    # Two events more, of account and session; all stay, with commitments to what is gone.
    assert await owner.fetchval("SELECT count(*) FROM audit_events") == before + 2
    problem(await siti.get("/me"), 401, "unauthenticated")
    problem(await refresh(siti, tokens["refresh_token"]), 401, "invalid_refresh_token")
    problem(await knock(siti, "siti@contoh.id"), 401, "invalid_credentials")
    everything = ""
    for table in ("accounts", "sign_in_sessions", "audit_events", "audit_details"):
        everything += await owner.fetchval(f"SELECT json_agg(t)::text FROM {table} t")
    assert "siti" not in everything.lower()
    assert "tono@contoh.id" in everything  # nobody else's details are touched
    events = await owner.fetch(
        "SELECT commitment FROM audit_events WHERE kind = 'write' AND subject_ids = $1",
        [siti.account_id],
    )
    assert len(events) >= 5
    assert all(len(e["commitment"]) == 32 for e in events)
    problem(await change(hr, siti.account_id, disabled=False), 409, "consent_withdrawn")
    # The login is free again.
    await register(siti)
    await sign_in(siti, "siti@contoh.id")


async def test_only_a_citizens_data_rest_on_consent(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "asn", employee_id=await make_employee(owner))
    budi = actors.anonymous()
    await sign_in(budi, login)
    proof = {"password": PASSWORD}
    problem(await budi.post("/me/consent/withdraw", json=proof), 403, "forbidden")


# --- Administration ---------------------------------------------------------------------


async def test_creating_accounts_of_every_kind(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    employee = str(await make_employee(owner))
    for new in (
        {"role": "asn", "employee_id": employee},
        {"role": "hr_admin", "employee_id": employee, "email": "a@contoh.go.id"},
        {"role": "auditor"},
    ):
        body = {"login": f"{new['role']}@contoh.go.id", "display_name": "Budi", **new}
        created = await hr.post("/accounts", json=body)
        assert created.status_code == 201, created.text
        account, secret = created.json(), created.json().pop("secret")
        assert created.headers["location"] == f"/api/v1/accounts/{account['id']}"
        assert account["must_change_password"]
        shown = await hr.get(f"/accounts/{account['id']}")
        assert shown.headers["etag"] == created.headers["etag"]
        assert shown.json() == {k: v for k, v in account.items() if k != "secret"}
        client = actors.anonymous()
        signed_in = await sign_in(client, body["login"].upper(), secret)
        assert signed_in["next_steps"] == ["must_change_password"]
        details = await owner.fetchval("SELECT json_agg(d)::text FROM audit_details d")
        assert secret not in details
        assert "argon2" not in details

    body = {"login": "sync", "display_name": "Sync", "role": "service"}
    created = await hr.post("/accounts", json={**body, "scopes": ["employees:read"]})
    assert not created.json()["must_change_password"]
    form = {"grant_type": "client_credentials", "client_id": "sync"}
    form["client_secret"] = created.json()["secret"]
    answer = await actors.anonymous().post("/sign-in/token", data=form)
    assert answer.json()["scope"] == "employees:read"


async def test_what_an_account_may_not_be(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    employee = str(await make_employee(owner))
    for body, pointer, code in (
        ({"role": "asn"}, "/employee_id", "missing"),
        ({"role": "service"}, "/scopes", "scopes_of_service"),
        ({"role": "auditor", "scopes": ["audit:read"]}, "/scopes", "scopes_of_service"),
        ({"role": "service", "scopes": ["everything"]}, "/scopes/0", "enum"),
        (
            {"role": "service", "scopes": ["audit:read"], "employee_id": employee},
            "/employee_id",
            "not_an_employee",
        ),
        ({"role": "public"}, "/role", "literal_error"),
        ({"role": "auditor", "password_hash": "x"}, "/password_hash", "extra_forbidden"),
    ):
        new = {"login": "baru", "display_name": "Baru", **body}
        found = problem(await hr.post("/accounts", json=new), 422, "invalid")
        assert [(e["pointer"], e["code"]) for e in found["errors"]] == [(pointer, code)]
    new = {"login": "baru", "display_name": "Baru", "role": "asn", "employee_id": str(uuid4())}
    problem(await hr.post("/accounts", json=new), 422, "unknown_employee")
    new = {"login": "baru", "display_name": "Baru", "role": "auditor"}
    assert (await hr.post("/accounts", json=new)).status_code == 201
    problem(await hr.post("/accounts", json={**new, "login": "BARU"}), 409, "login_taken")


async def test_the_same_key_makes_one_account_and_shows_one_secret(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    hr = await actors.hr_admin()
    new = {"login": "baru", "display_name": "Baru", "role": "auditor"}
    key = {"Idempotency-Key": "one"}
    first = await hr.post("/accounts", json=new, headers=key)
    again = await hr.post("/accounts", json=new, headers=key)
    assert first.json()["secret"] == again.json()["secret"]
    stored = await owner.fetchval("SELECT body_sealed FROM idempotency_keys")
    assert first.json()["secret"].encode() not in stored
    await sign_in(actors.anonymous(), "baru", first.json()["secret"])


async def test_finding_accounts(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    employee = await make_employee(owner)
    await make_account(owner, "asn", login="budi", display_name="Budi 100%", employee_id=employee)
    for n in range(4):
        await make_account(owner, "public", login=f"warga_{n}", display_name=f"Warga {n}")
    await owner.execute("UPDATE accounts SET disabled_at = now() WHERE login = 'warga_3'")

    async def found(query: str) -> list[str]:
        answer = await hr.get(f"/accounts?{query}")
        assert answer.status_code == 200, answer.text
        return [a["login"] for a in answer.json()["items"]]

    warga = [f"warga_{n}" for n in range(4)]
    assert await found("role=public") == warga
    assert await found("role=public&disabled=false") == warga[:3]
    assert await found("disabled=true") == warga[3:]
    assert await found(f"employee_id={employee}") == ["budi"]
    assert await found("q=WARGA") == warga
    assert await found("q=00%25") == ["budi"]  # a percent sign is one
    assert await found("q=a_") == warga
    assert await found("q=a%25") == []
    problem(await hr.get("/accounts?q=x"), 422, "invalid")
    problem(await hr.get("/accounts?sort=login"), 422, "invalid")
    problem(await hr.get("/accounts?cursor=x"), 400, "invalid_cursor")

    first = (await hr.get("/accounts?role=public&limit=3&include_total=true")).json()
    assert first["total"] == 4
    rest = await hr.get(f"/accounts?role=public&limit=3&cursor={first['next_cursor']}")
    assert [a["login"] for a in (*first["items"], *rest.json()["items"])] == warga
    assert rest.json()["next_cursor"] is None
    subjects = await owner.fetchval(
        "SELECT subject_ids FROM audit_events WHERE kind = 'read' ORDER BY id DESC LIMIT 1"
    )
    assert subjects == [UUID(a["id"]) for a in rest.json()["items"]]


async def test_disabling_ends_everything_at_once(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "public", consented_at=None)
    siti, hr = actors.anonymous(), await actors.hr_admin()
    tokens = await sign_in(siti, login)
    await owner.execute("UPDATE accounts SET consented_at = now() WHERE login = $1", login)
    assert (await change(hr, siti.account_id, disabled=True)).json()["disabled_at"]
    problem(await siti.get("/me"), 401, "unauthenticated")
    problem(await refresh(siti, tokens["refresh_token"]), 401, "invalid_refresh_token")
    problem(await knock(siti, login), 401, "invalid_credentials")
    assert (await change(hr, siti.account_id, disabled=False)).json()["disabled_at"] is None
    problem(await refresh(siti, tokens["refresh_token"]), 401, "invalid_refresh_token")
    await sign_in(siti, login)


async def test_changing_what_an_account_may_do_ends_its_access_tokens(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    hr, rina = await actors.hr_admin(), actors.anonymous()
    tokens = await sign_in(rina, await make_account(owner, "auditor"))
    assert (await change(hr, rina.account_id, display_name="Rina B.")).status_code == 200
    assert (await rina.get("/me")).status_code == 200  # a name is no right
    assert (await change(hr, rina.account_id, role="hr_admin")).status_code == 200
    problem(await rina.get("/accounts"), 401, "unauthenticated")
    tokens = carry(rina, await refresh(rina, tokens["refresh_token"]))
    assert tokens["account"]["role"] == "hr_admin"

    script = await actors.service("employees:read")
    assert (await change(hr, script.account_id, scopes=["audit:read"])).status_code == 200
    problem(await script.get("/me"), 401, "unauthenticated")
    problem(await change(hr, script.account_id, role="hr_admin"), 422, "invalid")
    citizen = await actors.public()
    problem(await change(hr, citizen.account_id, role="auditor"), 422, "invalid")
    problem(await change(hr, rina.account_id, role="asn"), 422, "invalid")


async def test_changes_need_the_current_version(actors: Actors) -> None:
    hr, auditor = await actors.hr_admin(), await actors.auditor()
    path = f"/accounts/{auditor.account_id}"
    problem(await hr.patch(path, json={"display_name": "A"}), 428, "if_match_required")
    _, match = await get(hr, str(auditor.account_id))
    names = [f"Name {n}" for n in range(8)]
    answers = await asyncio.gather(
        *(hr.patch(path, json={"display_name": n}, headers=match) for n in names)
    )
    assert sorted(a.status_code for a in answers) == [200] + [412] * 7
    problem(await hr.get(f"/accounts/{uuid4()}"), 404, "not_found")
    missing = await hr.patch(f"/accounts/{uuid4()}", json={}, headers=match)
    problem(missing, 404, "not_found")


async def test_nobody_administers_their_own_account(actors: Actors) -> None:
    hr = await actors.hr_admin()
    own = f"/accounts/{hr.account_id}"
    bodies: list[dict[str, object]] = [
        {"role": "auditor"},
        {"disabled": True},
        {"scopes": []},
        {"employee_id": None},
    ]
    for body in bodies:
        problem(await change(hr, hr.account_id, **body), 403, "own_account")
    problem(await hr.post(f"{own}/password-reset"), 403, "own_account")
    problem(await hr.post(f"{own}/totp-reset"), 403, "own_account")
    assert (await change(hr, hr.account_id, display_name="A")).status_code == 200


@pytest.mark.parametrize("body", [{"disabled": True}, {"role": "auditor"}])
async def test_one_administrator_always_remains(
    actors: Actors, owner: asyncpg.Connection, body: dict[str, object]
) -> None:
    """Three of them strike each other out at the same moment."""
    three = [await actors.hr_admin() for _ in range(3)]
    match = (await three[0].get(f"/accounts/{three[0].account_id}")).headers["etag"]
    answers = await asyncio.gather(
        *(
            three[n].patch(
                f"/accounts/{three[(n + 1) % 3].account_id}",
                json=body,
                headers={"If-Match": match},
            )
            for n in range(3)
        )
    )
    left = await owner.fetchval(
        "SELECT count(*) FROM accounts WHERE role = 'hr_admin' AND disabled_at IS NULL"
    )
    assert left == 1
    for answer in answers:
        assert answer.status_code in (200, 401, 409), answer.text
        if answer.status_code == 409:
            problem(answer, 409, "last_administrator")


async def test_resetting_a_password(actors: Actors, owner: asyncpg.Connection) -> None:
    hr, rina = await actors.hr_admin(), actors.anonymous()
    login = await make_account(owner, "auditor")
    tokens = await sign_in(rina, login)
    answer = await hr.post(f"/accounts/{rina.account_id}/password-reset")
    secret = answer.json()["secret"]
    assert answer.json()["must_change_password"]
    problem(await rina.get("/me"), 401, "unauthenticated")
    problem(await refresh(rina, tokens["refresh_token"]), 401, "invalid_refresh_token")
    problem(await knock(rina, login), 401, "invalid_credentials")
    assert (await sign_in(rina, login, secret))["next_steps"] == ["must_change_password"]
    problem(await rina.get("/accounts"), 403, "password_change_required")
    details = await owner.fetchval("SELECT json_agg(d)::text FROM audit_details d")
    assert secret not in details

    script = await actors.service("employees:read")
    answer = await hr.post(f"/accounts/{script.account_id}/password-reset")
    assert not answer.json()["must_change_password"]
    problem(await script.get("/me"), 401, "unauthenticated")


async def test_resetting_totp(actors: Actors, owner: asyncpg.Connection) -> None:
    hr, rina = await actors.hr_admin(), actors.anonymous()
    login = await make_account(owner, "auditor")
    await sign_in(rina, login)
    _, codes = await enrol_totp(rina)
    assert not (await hr.post(f"/accounts/{rina.account_id}/totp-reset")).json()["has_totp"]
    problem(await rina.get("/me"), 401, "unauthenticated")
    await sign_in(rina, login)
    await enrol_totp(rina)
    problem(await knock(rina, login, recovery_code=codes[0]), 403, "wrong_second_factor")


async def test_who_may_do_what(actors: Actors, owner: asyncpg.Connection) -> None:
    hr, auditor = await actors.hr_admin(), await actors.auditor()
    others = [
        await actors.public(),
        await actors.asn(await make_employee(owner)),
        await actors.service(*Scope),
    ]
    target = f"/accounts/{auditor.account_id}"
    assert (await auditor.get("/accounts")).status_code == 200
    assert (await auditor.get(f"/accounts/{hr.account_id}")).status_code == 200
    for nosy in others:
        problem(await nosy.get("/accounts"), 403, "forbidden")
        problem(await nosy.get(target), 403, "forbidden")
    new = {"login": "baru", "display_name": "Baru", "role": "auditor"}
    for nosy in (*others, auditor):
        problem(await nosy.post("/accounts", json=new), 403, "forbidden")
        headers = {"If-Match": '"1"'}
        problem(await nosy.patch(target, json={}, headers=headers), 403, "forbidden")
        problem(await nosy.post(f"{target}/password-reset"), 403, "forbidden")
        problem(await nosy.post(f"{target}/totp-reset"), 403, "forbidden")
    anonymous = actors.anonymous()
    for path in ("/me", "/sessions", "/accounts", target):
        problem(await anonymous.get(path), 401, "unauthenticated")
    problem(await anonymous.post("/accounts", json=new), 401, "unauthenticated")


def test_every_scope_of_the_table_can_be_given() -> None:
    assert {rule.scope for rule in TABLE.values() if rule.scope} <= set(Scope)


# --- The second and the third wall ------------------------------------------------------


async def everybody(actors: Actors, owner: asyncpg.Connection) -> list[Actor]:
    clients = {
        Role.PUBLIC: await actors.public(),
        Role.ASN: await actors.asn(await make_employee(owner)),
        Role.HR_ADMIN: await actors.hr_admin(),
        Role.AUDITOR: await actors.auditor(),
        Role.SERVICE: await actors.service("employees:read"),
    }
    sessions = dict(await owner.fetch("SELECT account_id, id FROM sign_in_sessions"))
    return [
        Actor(
            role=role,
            account_id=client.account_id,
            employee_id=client.employee_id,
            token_version=1,
            session_id=sessions[client.account_id],
        )
        for role, client in clients.items()
    ]


async def test_the_rules_and_their_twins_agree_with_the_database(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    """The pure rule, its SQL twin as the owner runs it, and row-level security without it."""
    database: Database = app.state.runtime.database
    people = await everybody(actors, owner)
    accounts = [a.account_id for a in people if a.account_id]
    for actor in people:
        may = {a for a in accounts if can_see(actor, a)}
        may_sessions = {a for a in accounts if can_see_sessions(actor, a)}
        async with database.transaction(actor) as session:
            walled = set(await session.scalars(select(Account.id)))
            assert walled == may, actor.role
            found = set(await session.scalars(select(Account.id).where(visible(actor))))
            assert found == may, actor.role
            walled = set(await session.scalars(select(SignInSession.account_id)))
            assert walled == may_sessions, actor.role
            twin = select(SignInSession.account_id).where(sessions_visible(actor))
            assert set(await session.scalars(twin)) == may_sessions, actor.role
        async with database.transaction(Actor(role=Role.HR_ADMIN)) as session:  # sees all
            found = set(await session.scalars(select(Account.id).where(visible(actor))))
            assert found == may, actor.role


ATTACKS = [
    "UPDATE accounts SET role = 'hr_admin' WHERE id = app.current_account()",
    "UPDATE accounts SET token_version = 9 WHERE id = app.current_account()",
    "UPDATE accounts SET disabled_at = NULL WHERE id = app.current_account()",
    "UPDATE accounts SET scopes = '{audit:read}' WHERE id = app.current_account()",
    "UPDATE accounts SET password_hash = '' WHERE id = app.current_account()",
    "INSERT INTO accounts (login, display_name, role, password_hash)"
    " VALUES ('x', 'x', 'hr_admin', '')",
    "DELETE FROM accounts",
    "DELETE FROM recovery_codes",
    "INSERT INTO sign_in_sessions (account_id, expires_at)"
    " VALUES (app.current_account(), 'infinity')",
    "UPDATE sign_in_sessions SET expires_at = 'infinity'",
    "SELECT app.erase_my_account()",
]


async def attack(database: Database, actor: Actor, statement: str) -> None:
    """Run it as the actor's persona, with the application out of the way."""
    async with database.driver(actor.persona) as connection:
        await connection.execute(
            "SELECT set_config('app.account', $1, true)", str(actor.account_id)
        )
        await connection.execute(statement)


async def test_no_persona_raises_itself(
    app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    database: Database = app.state.runtime.database
    for actor in await everybody(actors, owner):
        if actor.role is Role.HR_ADMIN:
            continue
        await attack(database, actor, "SELECT role FROM accounts")
        for statement in ATTACKS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await attack(database, actor, statement)


async def test_the_sign_in_persona_makes_citizens_only(app: FastAPI) -> None:
    database: Database = app.state.runtime.database
    for attack in (
        "INSERT INTO accounts (login, display_name, role, password_hash)"
        " VALUES ('x', 'x', 'hr_admin', '')",
        "UPDATE accounts SET role = 'hr_admin'",
        "UPDATE accounts SET disabled_at = NULL",
        "SELECT * FROM audit_events",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.driver("kemuning_sign_in") as connection:
                await connection.execute(attack)


async def test_what_one_changes_leaves_an_event_that_names_them(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    employee = await make_employee(owner)
    budi = actors.anonymous()
    await sign_in(budi, await make_account(owner, "asn", employee_id=employee))
    body = {"current_password": PASSWORD, "new_password": WRONG}
    assert (await budi.post("/me/password", json=body)).status_code == 204
    event = await owner.fetchrow(
        "SELECT e.*, d.changes FROM audit_events e JOIN audit_details d ON d.event_id = e.id"
        " WHERE operation = 'me_change_password' AND entity = 'accounts'"
    )
    assert event["subject_ids"] == [employee]
    assert event["actor_account_id"] == budi.account_id
    assert event["actor_role"] == "asn"
    (changed,) = json.loads(event["changes"])
    assert changed["after"].keys() == {"version", "token_version", "updated_at"}


async def test_a_change_of_nothing_is_told_since_it_shows_the_account(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    rina, budi = await actors.hr_admin(), await actors.public()
    headers = {"If-Match": '"1"', "X-Request-Id": "ubah-tanpa-isi"}
    answer = await rina.patch(f"/accounts/{budi.account_id}", json={}, headers=headers)
    assert answer.status_code == 200
    subjects = await owner.fetchval(
        "SELECT subject_ids FROM audit_events WHERE request_id = 'ubah-tanpa-isi'"
    )
    assert subjects == [budi.account_id]


async def test_a_purpose_is_kept_in_the_letters_it_was_written_in(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    rina, budi = await actors.hr_admin(), await actors.public()
    path, purpose = f"/accounts/{budi.account_id}", "Évaluasi — ‘uji’ ꦗꦮ"
    answer = await rina.get(path, headers={"X-Purpose": purpose.encode()})
    assert answer.status_code == 200, answer.text
    assert await owner.fetchval("SELECT purpose FROM audit_events WHERE kind = 'read'") == purpose
    hidden = await rina.get(path, headers={"X-Purpose": "\ufeffuji".encode()})
    problem(hidden, 422, "invalid")
