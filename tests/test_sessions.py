"""Where an account is signed in, and the end of it."""

from uuid import uuid4

import asyncpg
import pytest

from app.pagination import encode_cursor
from tests.actors import Actors, problem
from tests.credentials import make_account, refresh, sign_in


async def test_each_device_is_a_session_that_can_be_ended(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    login = await make_account(owner, "auditor")
    phone, desk = actors.anonymous(), actors.anonymous()
    phone.headers["User-Agent"] = "Kemuning Mobile/1.0\t(Android)" + "x" * 300
    tokens = await sign_in(phone, login)
    await sign_in(desk, login)

    sessions = (await desk.get("/sessions")).json()["items"]
    assert [s["current"] for s in sessions] == [True, False]
    of_phone = sessions[1]
    assert of_phone["user_agent"].startswith("Kemuning Mobile/1.0(Android)x")
    assert len(of_phone["user_agent"]) == 200

    assert (await desk.delete(f"/sessions/{of_phone['id']}")).status_code == 204
    problem(await phone.get("/me"), 401, "unauthenticated")
    problem(await refresh(phone, tokens["refresh_token"]), 401, "invalid_refresh_token")
    assert len((await desk.get("/sessions")).json()["items"]) == 1
    assert (await desk.delete(f"/sessions/{of_phone['id']}")).status_code == 204


async def test_all_but_this_one_and_then_all(actors: Actors, owner: asyncpg.Connection) -> None:
    login = await make_account(owner, "public")
    phone, desk, stranger = actors.anonymous(), actors.anonymous(), await actors.public()
    await sign_in(phone, login)
    await sign_in(desk, login)
    assert (await desk.delete("/sessions")).status_code == 204
    problem(await phone.get("/me"), 401, "unauthenticated")
    assert (await desk.get("/me")).status_code == 200
    assert (await desk.delete("/sessions?keep_current=false")).status_code == 204
    problem(await desk.get("/me"), 401, "unauthenticated")
    assert (await stranger.get("/me")).status_code == 200


async def test_the_list_is_paged(actors: Actors, owner: asyncpg.Connection) -> None:
    rina = await actors.auditor()
    await owner.execute(
        "INSERT INTO sign_in_sessions (account_id, created_at, expires_at, revoked_at)"
        " SELECT $1, now() - interval '1 hour', now() + interval '1 hour' * sign, revoked"
        " FROM (VALUES (1, NULL), (1, NULL), (-1, NULL), (1, now())) AS v (sign, revoked)",
        rina.account_id,
    )
    first = await rina.get("/sessions?limit=2&include_total=true")
    assert first.json()["total"] == 3
    cursor = first.json()["next_cursor"]
    assert f"cursor={cursor}" in first.headers["link"]
    second = (await rina.get(f"/sessions?limit=2&cursor={cursor}")).json()
    assert second["next_cursor"] is None
    ids = [s["id"] for s in (*first.json()["items"], *second["items"])]
    assert len(ids) == len(set(ids)) == 3
    problem(await rina.get("/sessions?cursor=abc"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00+99"]
)
async def test_a_cursor_of_somebody_elses_making_is_refused(actors: Actors, moment: str) -> None:
    rina = await actors.auditor()
    cursor = encode_cursor("sessions:-created_at", (moment, uuid4()))
    problem(await rina.get(f"/sessions?cursor={cursor}"), 400, "invalid_cursor")
    assert (await rina.get("/sessions?cursor=")).status_code == 200


async def test_anothers_sessions_are_hr_admins_to_see_and_end(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    citizen, auditor, hr = await actors.public(), await actors.auditor(), await actors.hr_admin()
    whose = f"account_id={citizen.account_id}"
    for nosy in (auditor, await actors.public()):
        problem(await nosy.get(f"/sessions?{whose}"), 404, "not_found")
        problem(await nosy.delete(f"/sessions?{whose}"), 404, "not_found")
    (session,) = (await hr.get(f"/sessions?{whose}")).json()["items"]
    assert session["account_id"] == str(citizen.account_id)
    assert not session["current"]
    read = await owner.fetchrow("SELECT * FROM audit_events WHERE kind = 'read'")
    assert read["operation"] == "sessions_list_sessions"
    assert read["subject_ids"] == [citizen.account_id]
    assert read["actor_account_id"] == hr.account_id

    problem(await auditor.delete(f"/sessions/{session['id']}"), 404, "not_found")
    problem(await hr.delete(f"/sessions/{uuid4()}"), 404, "not_found")
    assert (await hr.delete(f"/sessions?{whose}")).status_code == 204
    problem(await citizen.get("/me"), 401, "unauthenticated")
    assert (await hr.get("/me")).status_code == 200


async def test_an_administrator_begins_with_their_own_password(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    citizen, fresh = await actors.public(), actors.anonymous()
    tokens = await sign_in(fresh, await make_account(owner, "hr_admin", must_change_password=True))
    assert tokens["next_steps"] == ["must_change_password"]
    whose = f"account_id={citizen.account_id}"
    problem(await fresh.get(f"/sessions?{whose}"), 404, "not_found")
    problem(await fresh.delete(f"/sessions?{whose}"), 404, "not_found")
    theirs = await owner.fetchval(
        "SELECT id FROM sign_in_sessions WHERE account_id = $1", citizen.account_id
    )
    problem(await fresh.delete(f"/sessions/{theirs}"), 404, "not_found")
    assert (await citizen.get("/me")).status_code == 200
    assert len((await fresh.get("/sessions")).json()["items"]) == 1


async def test_ones_own_list_is_no_read_of_anothers_data(
    actors: Actors, owner: asyncpg.Connection
) -> None:
    hr = await actors.hr_admin()
    await hr.get("/sessions")
    await hr.get("/me")
    assert await owner.fetchval("SELECT count(*) FROM audit_events WHERE kind = 'read'") == 0
