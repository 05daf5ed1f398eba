"""Idempotency-Key: one effect and one answer, however often and however fast it is asked for."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.errors import Unavailable
from app.services import idempotency, units
from tests.actors import Actors, Client, problem
from tests.populated import Populated, operations

UNIT = {
    "code": "DINKES",
    "name": "Dinas Kesehatan",
    "kind": "dinas",
    "effective_from": "2026-01-01",
}


def unit(**changes: Any) -> dict[str, Any]:
    return UNIT | changes


async def make(client: Client, key: str, **changes: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key, "Accept-Language": "en"}
    return await client.post("/units", json=unit(**changes), headers=headers)


async def below(client: Client) -> dict[str, Any]:
    """What makes it another unit, below the first."""
    (root,) = (await client.get("/units")).json()["items"]
    return {"code": "DISHUB", "parent_id": root["id"]}


async def made(owner: asyncpg.Connection) -> int:
    count: int = await owner.fetchval("SELECT count(*) FROM units")
    return count


def same(first: httpx.Response, second: httpx.Response) -> None:
    """The second is the first, but for what names the request itself."""
    own = {"x-request-id", "idempotency-replayed"}
    assert second.status_code == first.status_code
    assert second.content == first.content
    assert {k: v for k, v in second.headers.items() if k not in own} == {
        k: v for k, v in first.headers.items() if k not in own
    }


async def test_a_hundred_at_once_have_one_effect(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    answers = await asyncio.gather(*(make(hr, "sekali") for _ in range(100)))
    assert await made(owner) == 1
    codes = Counter(a.status_code for a in answers)
    assert set(codes) <= {201, 409, 503}, codes
    succeeded = [a for a in answers if a.is_success]
    assert sum("idempotency-replayed" not in a.headers for a in succeeded) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "idempotency_in_flight")
    last = await make(hr, "sekali")
    same(succeeded[0], last)
    assert last.headers["idempotency-replayed"] == "true"
    assert await owner.fetchval("SELECT count(*) FROM audit_events WHERE entity = 'units'") == 1


async def test_another_body_query_or_address_is_refused(actors: Actors) -> None:
    hr = await actors.hr_admin()
    first = await make(hr, "kunci")
    assert first.status_code == 201
    problem(await make(hr, "kunci", name="Dinas Lain"), 422, "idempotency_key_reused")
    path = f"/units/{first.json()['id']}/close"
    body = {"effective_from": "2030-01-01"}
    headers = {"Idempotency-Key": "kunci", "If-Match": '"1"'}
    closed = await hr.post(path, json=body, headers=headers)
    assert closed.status_code == 200, "a key is of one operation"
    other = f"/units/{uuid4()}/close"
    problem(await hr.post(other, json=body, headers=headers), 422, "idempotency_key_reused")


async def test_the_same_key_of_another_person_is_another_key(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    first, second = await actors.hr_admin(), await actors.hr_admin()
    assert (await make(first, "kunci")).status_code == 201
    problem(await make(second, "kunci"), 409, "unit_code_taken")
    assert (await make(second, "kunci", **await below(second))).status_code == 201
    assert await made(owner) == 2


async def test_while_the_first_is_under_way_the_second_is_told_so(
    actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr, begun, go_on = await actors.hr_admin(), asyncio.Event(), asyncio.Event()
    create = units.create_unit

    async def slowly(*arguments: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await create(*arguments)

    monkeypatch.setattr(units, "create_unit", slowly)
    first = asyncio.create_task(make(hr, "lambat"))
    await begun.wait()
    problem(await make(hr, "lambat"), 409, "idempotency_in_flight")
    problem(await make(hr, "lambat", name="Lain"), 409, "idempotency_in_flight")
    go_on.set()
    assert (await first).status_code == 201
    same(await first, await make(hr, "lambat"))


async def test_a_refusal_is_not_kept(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    problem(await make(hr, "kunci", kind="kerajaan"), 422, "invalid")
    assert (await make(hr, "kunci")).status_code == 201
    assert await made(owner) == 1


async def test_an_answer_whose_transaction_fails_is_not_kept(
    actors: Actors, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr, finish = await actors.hr_admin(), idempotency.finish

    async def then_fail(*arguments: Any) -> None:
        await finish(*arguments)
        raise Unavailable

    monkeypatch.setattr(idempotency, "finish", then_fail)
    problem(await make(hr, "kunci"), 503, "unavailable")
    assert await made(owner) == 0
    assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    monkeypatch.undo()
    assert (await make(hr, "kunci")).status_code == 201


async def test_the_effect_is_not_kept_without_the_answer(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    """A deferred trigger makes the commit itself fail: neither is there."""
    await owner.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE SQLSTATE '40001'; END $$;"
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON idempotency_keys"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    hr = await actors.hr_admin()
    problem(await make(hr, "kunci"), 503, "overloaded")
    assert await made(owner) == 0
    assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_a_key_is_forgotten_after_a_day(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    assert (await make(hr, "kunci")).status_code == 201
    aged = "UPDATE idempotency_keys SET created_at = now() - $1::interval"
    await owner.execute(aged.replace("$1", "'23 hours 59 minutes'"))
    assert "idempotency-replayed" in (await make(hr, "kunci")).headers
    await owner.execute(aged.replace("$1", "'24 hours 1 minute'"))
    other = await below(hr)
    again = await make(hr, "kunci", **other)
    assert again.status_code == 201
    same(again, await make(hr, "kunci", **other))


async def test_stored_answers_are_sealed(
    actors: Actors, owner: asyncpg.Connection, populated: Populated
) -> None:
    """An answer may hold a secret that is shown once, or a person's data."""
    hr = await actors.hr_admin()
    body = {"login": "rina@contoh.go.id", "display_name": "Rina Rahasia", "role": "hr_admin"}
    answer = await hr.post("/accounts", json=body, headers={"Idempotency-Key": "akun"})
    assert answer.status_code == 201, answer.text
    row = await owner.fetchrow("SELECT * FROM idempotency_keys WHERE key = 'akun'")
    assert row is not None
    assert row["principal"] == str(hr.account_id)
    for text in (answer.json()["secret"], "Rina Rahasia", "rina@contoh.go.id"):
        assert text.encode() not in row["body_sealed"]
        assert text not in str(row["headers"])
    replay = await hr.post("/accounts", json=body, headers={"Idempotency-Key": "akun"})
    same(answer, replay)


async def test_a_stored_answer_opens_for_its_own_key_only(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    """Who may write the table can't pass one answer off as another's."""
    hr = await actors.hr_admin()
    await make(hr, "satu")
    other = await below(hr)
    await make(hr, "dua", **other)
    await owner.execute(
        "UPDATE idempotency_keys SET body_sealed ="
        " (SELECT body_sealed FROM idempotency_keys WHERE key = 'satu') WHERE key = 'dua'"
    )
    assert (await make(hr, "dua", **other)).status_code == 500


async def test_nobody_reads_the_answers_of_another(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    first, second = await actors.hr_admin(), await actors.hr_admin()
    await make(first, "kunci")
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_hr_admin")
        for account, seen in ((first.account_id, 1), (second.account_id, 0)):
            await owner.execute("SELECT set_config('app.account', $1, true)", str(account))
            assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == seen


async def test_who_has_lost_the_right_gets_no_replay(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    hr = await actors.hr_admin()
    await make(hr, "kunci")
    await owner.execute(
        "UPDATE accounts SET token_version = token_version + 1 WHERE id = $1", hr.account_id
    )
    problem(await make(hr, "kunci"), 401, "unauthenticated")


async def test_a_get_has_no_key(actors: Actors, owner: asyncpg.Connection) -> None:
    hr = await actors.hr_admin()
    answer = await hr.get("/units", headers={"Idempotency-Key": "kunci"})
    assert answer.status_code == 200
    assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_every_post_that_takes_a_key_keeps_its_answer(
    app: FastAPI, populated: Populated, owner: asyncpg.Connection
) -> None:
    """Where the parameter is documented, it does what it says."""
    replayed = 0
    for operation in operations(app):
        if not any(p["name"] == "Idempotency-Key" for p in operation.parameters("header")):
            continue
        client = populated.client(operation)
        headers = {"Idempotency-Key": uuid4().hex, "If-Match": await populated.version(operation)}
        first = await operation.send(client, populated.ids_for(operation), headers=headers)
        if first.is_success:
            second = await operation.send(client, populated.ids_for(operation), headers=headers)
            assert "idempotency-replayed" in second.headers, operation.id
            same(first, second)
            replayed += 1
    assert replayed > 3


async def test_nothing_is_kept_for_those_who_have_not_signed_in(
    app: FastAPI, actors: Actors, populated: Populated, owner: asyncpg.Connection
) -> None:
    """They have no name to keep it by, and what they get is tokens."""
    for operation in operations(app):
        if operation.rule.anonymous and operation.method == "POST":
            headers = {"Idempotency-Key": "kunci"}
            for _ in range(2):
                answer = await operation.send(actors.anonymous(), populated.ids, headers=headers)
                assert "idempotency-replayed" not in answer.headers, operation.id
    assert await owner.fetchval("SELECT count(*) FROM idempotency_keys") == 0
