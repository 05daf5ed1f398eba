"""Correction requests: asked by the person, ruled on by somebody else."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.people import enter, matching, shown


class Case:
    """An employee, their account and an officer."""

    def __init__(self, employee: UUID, asn: Client, hr: Client) -> None:
        self.employee, self.asn, self.hr = employee, asn, hr
        self.path = f"/employees/{employee}"

    async def ask(self, field: str, value: str, **more: Any) -> Any:
        body = {"field": field, "proposed_value": value, "reason": "Salah tulis.", **more}
        return await self.asn.post(f"{self.path}/correction-requests", json=body)

    async def asked(self, field: str, value: str) -> str:
        """The path of a new request."""
        return f"/correction-requests/{shown(await self.ask(field, value), 201)['id']}"

    async def accept(self, request: str, **ruling: Any) -> Any:
        return await self.hr.post(f"{request}/accept", json=ruling)

    async def now(self, **parameters: str) -> dict[str, Any]:
        whole: dict[str, Any] = shown(await self.hr.get(self.path, params=parameters))
        return whole


@pytest.fixture
async def case(actors: Actors) -> Case:
    hr = await actors.hr_admin()
    employee = await enter(hr)
    return Case(employee, await actors.asn(employee), hr)


async def test_asked_queued_accepted_and_corrected(case: Case, owner: asyncpg.Connection) -> None:
    evidence = [{"title": "Akta kelahiran", "reference": "12/1985"}]
    made = await case.ask("birth_place", "Kota Magelang", evidence=evidence)
    request = shown(made, 201)
    assert made.headers["location"] == f"/api/v1/correction-requests/{request['id']}"
    assert (request["state"], request["recorded_value"]) == ("pending", "Magelang")
    assert request["employee_name"] == "Dra. Siti Aminah, M.Si."
    assert request["evidence"] == evidence
    queue = shown(await case.hr.get("/correction-requests", params={"state": "pending"}))
    assert [r["id"] for r in queue["items"]] == [request["id"]]
    own = shown(await case.asn.get(f"{case.path}/correction-requests"))
    assert own["items"] == queue["items"]

    path = f"/correction-requests/{request['id']}"
    ruled = shown(await case.accept(path, note="Sesuai akta."))
    assert (ruled["state"], ruled["decision_reason"]) == ("accepted", "Sesuai akta.")
    assert ruled["decided_at"] is not None
    whole = await case.now()
    assert (whole["birth_place"], whole["version"]) == ("Kota Magelang", 2)
    assert shown(await case.asn.get(path)) == ruled
    event = "SELECT count(*) FROM audit_events WHERE operation = 'correction_requests_accept'"
    assert await owner.fetchval(event) == 2  # the ruling and the correction, in one transaction


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("name", "Siti Aminah Putri", ("profile", "name")),
        ("title_prefix", "Dr.", ("profile", "title_prefix")),
        ("email", "siti@contoh.go.id", ("profile", "email")),
        ("phone", "+62 812 345 678", ("profile", "phone")),
        ("address", "Jl. Melati 2", ("profile", "address")),
        ("birth_date", "1985-01-16", ("birth_date",)),
        ("sex", "male", ("sex",)),
        ("golongan", "III/c", ("golongan", "golongan")),
    ],
)
async def test_what_one_value_corrects_is_corrected(
    case: Case, field: str, value: str, where: tuple[str, ...]
) -> None:
    shown(await case.accept(await case.asked(field, value)))
    found: Any = await case.now()
    for step in where:
        found = found[step]
    assert found == value
    history = shown(await case.hr.get(f"{case.path}/history"))
    assert (len(history["profiles"]), len(history["golongan"])) == (1, 1)  # from the first day on
    assert history["version"] == 2


async def test_a_correction_may_hold_from_a_day(case: Case) -> None:
    request = await case.asked("name", "Siti Aminah Putri")
    shown(await case.accept(request, effective_from="2024-05-01"))
    assert (await case.now(as_of="2024-04-30"))["profile"]["name"] == "Siti Aminah"
    after = (await case.now(as_of="2024-05-01"))["profile"]
    assert after["full_name"] == "Dra. Siti Aminah Putri, M.Si."  # the titles go on
    undated = await case.asked("birth_place", "Solo")
    refused = problem(await case.accept(undated, effective_from="2024-05-01"), 422, "invalid")
    assert refused["errors"][0]["code"] == "not_dated"
    assert shown(await case.hr.get(undated))["state"] == "pending"


async def test_what_no_value_corrects_is_done_by_hand_first(case: Case) -> None:
    request = await case.asked("education", "S2 Administrasi Publik, 2012")
    refused = problem(await case.accept(request), 422, "invalid")
    assert refused["errors"][0]["code"] == "change_it_first"
    assert shown(await case.hr.get(request))["state"] == "pending"
    assert shown(await case.accept(request, done_by_hand=True))["state"] == "accepted"


async def test_a_correction_that_does_not_fit_changes_nothing(case: Case) -> None:
    request = await case.asked("golongan", "IX")
    refused = problem(await case.accept(request), 422, "invalid")
    assert refused["errors"][0]["code"] == "golongan_does_not_fit"
    assert shown(await case.hr.get(request))["state"] == "pending"
    assert (await case.now())["version"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "15 Januari 1985"),
        ("sex", "perempuan"),
        ("golongan", "gol. tiga"),
        ("email", "bukan surel"),
        ("identifier", "123"),
        ("name", "Siti\nAminah"),
        ("phone", "telepon"),
    ],
)
async def test_a_proposal_must_be_what_the_field_holds(case: Case, field: str, value: str) -> None:
    found = problem(await case.ask(field, value), 422, "invalid")
    assert [e["pointer"] for e in found["errors"]] == ["/proposed_value"]
    assert value not in str(found)


async def test_what_can_not_be_asked(case: Case) -> None:
    problem(await case.ask("salary", "1"), 422, "invalid")
    same = problem(await case.ask("birth_place", "Magelang"), 422, "invalid")
    assert same["errors"][0]["code"] == "same_as_recorded"


async def test_one_pending_request_a_field(case: Case) -> None:
    first = await case.asked("phone", "0812345678")
    problem(await case.ask("phone", "0812345679"), 409, "correction_pending")
    await case.asked("email", "siti@contoh.go.id")
    shown(await case.asn.post(f"{first}/withdraw"))
    await case.asked("phone", "0812345679")
    answers = await asyncio.gather(*(case.ask("address", f"Jl. {n}") for n in range(10)))
    assert sorted({a.status_code for a in answers}) == [201, 409]
    assert [a.status_code for a in answers].count(201) == 1


async def test_declined_with_a_reason(case: Case) -> None:
    request = await case.asked("phone", "0812345678")
    problem(await case.hr.post(f"{request}/decline", json={}), 422, "invalid")
    ruled = shown(await case.hr.post(f"{request}/decline", json={"reason": "Tanpa bukti."}))
    assert (ruled["state"], ruled["decision_reason"]) == ("declined", "Tanpa bukti.")
    assert shown(await case.asn.get(request))["decision_reason"] == "Tanpa bukti."
    assert (await case.now())["version"] == 1


async def test_a_ruling_is_final(case: Case) -> None:
    request = await case.asked("phone", "0812345678")
    shown(await case.hr.post(f"{request}/decline", json={"reason": "Tanpa bukti."}))
    for attempt in (
        case.accept(request),
        case.hr.post(f"{request}/decline", json={"reason": "Lagi."}),
        case.asn.post(f"{request}/withdraw"),
    ):
        found = problem(await attempt, 409, "transition_not_allowed")
        assert (found["state"], found["allowed"]) == ("declined", [])


async def test_two_officers_rule_once(case: Case, actors: Actors) -> None:
    request = await case.asked("birth_place", "Kota Magelang")
    others = [await actors.hr_admin() for _ in range(5)]
    answers = await asyncio.gather(*(hr.post(f"{request}/accept", json={}) for hr in others))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409]
    assert (await case.now())["version"] == 2


async def test_nobody_rules_on_a_request_about_themself(case: Case, actors: Actors) -> None:
    request = await case.asked("golongan", "III/d")
    oneself = await actors.sign_in(Role.HR_ADMIN, case.employee)
    problem(await oneself.post(f"{request}/accept", json={}), 403, "own_request")
    decline = {"reason": "Saya sendiri."}
    problem(await oneself.post(f"{request}/decline", json=decline), 403, "own_request")
    shown(await case.accept(request))


async def test_others_requests_are_absent(case: Case, actors: Actors) -> None:
    request = await case.asked("phone", "0812345678")
    other = await actors.asn(await enter(case.hr))
    problem(await other.get(request), 404, "not_found")
    problem(await other.post(f"{request}/withdraw"), 404, "not_found")
    problem(await other.get(f"{case.path}/correction-requests"), 404, "not_found")
    body = {"field": "email", "proposed_value": "a@b.id", "reason": "Salah."}
    foreign = await other.post(f"{case.path}/correction-requests", json=body)
    problem(foreign, 404, "not_found")
    problem(await case.hr.get(f"/correction-requests/{uuid4()}"), 404, "not_found")


async def test_who_may_what(case: Case, actors: Actors) -> None:
    request = await case.asked("phone", "0812345678")
    auditor = await actors.auditor()
    reader = await actors.service("corrections:read")
    for client in (auditor, reader):
        shown(await client.get("/correction-requests"))
        shown(await client.get(request))
    for client in (auditor, reader, case.asn):
        problem(await client.post(f"{request}/accept", json={}), 403, "forbidden")
        decline = await client.post(f"{request}/decline", json={"reason": "Tidak."})
        problem(decline, 403, "forbidden")
    problem(await case.asn.get("/correction-requests"), 403, "forbidden")
    problem(await case.hr.post(f"{request}/withdraw"), 403, "forbidden")
    body = {"field": "email", "proposed_value": "a@b.id", "reason": "Salah."}
    for_another = await case.hr.post(f"{case.path}/correction-requests", json=body)
    problem(for_another, 403, "forbidden")
    problem(await (await actors.public()).get(request), 403, "forbidden")


async def test_the_queue_is_oldest_first_and_paged(case: Case) -> None:
    fields = ["phone", "email", "address", "name", "sex"]
    values = ["0812345678", "a@b.id", "Jl. 1", "Siti", "male"]
    made = [await case.asked(*pair) for pair in zip(fields, values, strict=True)]
    await case.hr.post(f"{made[1]}/decline", json={"reason": "Tidak."})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        parameters = {"state": "pending", "limit": 2, "include_total": True, **cursor}
        answer = await case.hr.get("/correction-requests", params=parameters)
        page = shown(answer)
        assert page["total"] == 4
        seen += [item["field"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        assert 'rel="next"' in answer.headers["link"]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["phone", "address", "name", "sex"]
    only = shown(await case.hr.get("/correction-requests", params={"field": "email"}))
    assert [i["state"] for i in only["items"]] == ["declined"]
    problem(await case.hr.get("/correction-requests?state=open"), 422, "invalid")


async def test_unchanged_until_it_is_ruled_on(case: Case) -> None:
    request = await case.asked("phone", "0812345678")
    first = await case.asn.get(request)
    unchanged = {"If-None-Match": first.headers["etag"]}
    assert (await case.asn.get(request, headers=unchanged)).status_code == 304
    shown(await case.accept(request))
    assert matching(await case.asn.get(request, headers=unchanged)) == {"If-Match": '"2"'}


async def test_an_employee_can_not_write_a_ruling_even_in_sql(
    case: Case, owner: asyncpg.Connection
) -> None:
    await case.asked("phone", "0812345678")
    become = "SELECT set_config('role', 'kemuning_asn', true), set_config('app.employee', $1, true)"
    for statement in (
        "UPDATE correction_requests SET state = 'accepted'",
        "UPDATE correction_requests SET decided_at = now()",
        "UPDATE correction_requests SET proposed_value = 'x'",
        "INSERT INTO correction_requests (employee_id, field, proposed_value, reason, state)"
        f" VALUES ('{case.employee}', 'sex', 'male', 'x', 'accepted')",
        "INSERT INTO correction_requests (employee_id, field, proposed_value, reason)"
        f" VALUES ('{uuid4()}', 'sex', 'male', 'x')",
    ):
        transaction = owner.transaction()
        await transaction.start()
        await owner.fetch(become, str(case.employee))
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await owner.execute(statement)
        await transaction.rollback()
