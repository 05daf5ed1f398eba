"""A small, coherent set of data, and what the OpenAPI document says can be done with it.

The tests of every operation derive from `operations(app)`: a new one is covered at once, or
the test says what it still has to be told.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from app.access.table import TABLE, Rule
from app.calendar import today
from app.main import create_app
from app.runtime import Runtime
from app.services.audit.sequencing import sequence_log
from app.services.competency_gaps.refreshing import refresh_profiles
from app.settings import Settings
from app.vocabulary import Role, Scope
from tests.actors import Actors, Client
from tests.assessing import Assessing
from tests.importing import Officer
from tests.importing import person as row
from tests.organisation import Government, made
from tests.people import PPPK, enter, ni_pppk, shown

ORIGIN = "http://kemuning.test"
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"


@dataclass(frozen=True)
class Operation:
    """One operation of the OpenAPI document."""

    method: str
    path: str
    described: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def id(self) -> str:
        name: str = self.described["operationId"]
        return name

    @property
    def rule(self) -> Rule:
        return TABLE[self.id]

    def parameters(self, *places: str) -> list[Mapping[str, Any]]:
        """Those of the path, query or header."""
        return [p for p in self.described.get("parameters", []) if p["in"] in places]

    @property
    def body(self) -> Mapping[str, Any] | None:
        """The schema of the JSON body, if it takes one."""
        content = self.described.get("requestBody", {}).get("content", {})
        return self.resolved(content[JSON]["schema"]) if JSON in content else None

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema behind a `$ref`."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def example(self) -> Any:
        """The first example of the JSON body; `{}` where it takes none."""
        body = self.body
        return json.loads(json.dumps(body["examples"][0])) if body and body.get("examples") else {}

    def url(self, values: Mapping[str, object]) -> str:
        """The address with its path parameters filled in."""
        return ORIGIN + re.sub(r"{(\w+)}", lambda m: str(values[m[1]]), self.path)

    def nothing(self) -> dict[str, object]:
        """Path parameters that no thing has."""
        return {
            p["name"]: 999_999_999 if p["schema"].get("type") == "integer" else uuid4()
            for p in self.parameters("path")
        }

    async def send(
        self, client: httpx.AsyncClient, values: Mapping[str, object], **more: Any
    ) -> httpx.Response:
        """Ask for it with the example as the body, unless another is given."""
        content = self.described.get("requestBody", {}).get("content", {})
        if JSON in content and not {"json", "content"} & more.keys():
            more["json"] = self.example()
        headers = {"If-Match": '"1"', "X-Purpose": "Uji", **more.pop("headers", {})}
        return await client.request(self.method, self.url(values), headers=headers, **more)


def operations(app: FastAPI) -> list[Operation]:
    """Every operation, in the document's order."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    return [
        Operation(method.upper(), path, described, schemas)
        for path, item in document["paths"].items()
        for method, described in item.items()
        if method in METHODS
    ]


def unserved() -> FastAPI:
    """The application for its document alone: nothing is asked of a database."""
    return create_app(
        Settings(
            environment="development",
            database_url=SecretStr("postgresql://nobody@/nothing"),
            secret_key=SecretStr("q8Zs-3kfXv0wYpL2mNd7RtBhUjEcGa5i"),
        )
    )


@dataclass(frozen=True)
class Records:
    """What stands in the filled database."""

    ids: Mapping[str, object]
    """By the parameter that takes them: of the unit, the position, and what is `foreign`'s."""
    foreign: UUID
    """An employee with something of every kind."""
    own: UUID
    """The employee whom the client of the role `asn` is, with something of every kind too."""
    reader: UUID
    """The account that has looked at people's data."""
    secrets: tuple[str, ...]
    """Texts that only stand in what belongs to `foreign`."""
    rated_by_own: object
    """The form of which `own` is the rater."""


@dataclass(frozen=True)
class Populated(Records):
    """The filled database and a client of every role; the service client holds every scope."""

    clients: Mapping[Role, Client]

    @property
    def asn(self) -> Client:
        return self.clients[Role.ASN]

    def ids_for(self, operation: Operation) -> Mapping[str, object]:
        """Ids that whoever may call it can use: a form shows itself to its own rater alone."""
        only_asn = operation.rule.roles == {Role.ASN}
        return {**self.ids, "assessor_assignment_id": self.rated_by_own} if only_asn else self.ids

    def client(self, operation: Operation) -> Client:
        """Somebody who may call it, the strongest first."""
        return next(c for role, c in self.clients.items() if role in operation.rule.roles)

    async def version(self, operation: Operation) -> str:
        """The ETag of what the operation changes, as it is now."""
        whole = re.match(r".*?{\w+}(/assignments/{\w+})?", operation.path)
        path = whole[0] if whole else operation.path
        asked = Operation("GET", path, operation.described, operation.schemas)
        answer = await self.client(operation).get(asked.url(self.ids_for(operation)))
        return answer.headers.get("etag", '"1"')


async def people_of(records: Records, actors: Actors) -> Populated:
    """New clients for the records."""
    clients = {
        Role.HR_ADMIN: await actors.hr_admin(),
        Role.AUDITOR: await actors.auditor(),
        Role.ASN: await actors.asn(records.own),
        Role.PUBLIC: await actors.public(),
        Role.SERVICE: await actors.service(*Scope),
    }
    return Populated(**vars(records), clients=clients)


async def populate(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Records:
    """Fill the database through the API, as an officer and two employees do."""
    hr = await actors.hr_admin()
    government = Government(hr, owner)
    root = await government.unit("KAB", kind="pemerintah_daerah", name="Kabupaten Kemuning")
    unit = await government.unit("DISDIK", root, name="Dinas Pendidikan")
    badan = await government.unit("BKPSDM", root, kind="badan")
    position = await government.position(unit, "GURU", seats=4)
    head = await government.position(unit, "KADIS", job_kind="jpt_pratama")
    foreign = await _employee(hr, government, position, "Siti Rahasia", "Jl. Rahasia No. 77")
    own = await _employee(hr, government, position, "Budi Santoso", "Jl. Kemuning No. 2")
    wayan = await _employee(hr, government, position, "Wayan Darma", "Jl. Kemuning No. 3")
    await _marry(hr, foreign["employee_id"], wayan["employee_id"])
    await enter(hr, identifier=ni_pppk(), status=PPPK, golongan=None)
    await actors.asn(foreign["employee_id"])  # on another device
    siti = await actors.asn(foreign["employee_id"])
    await _ask_for_corrections(siti, await actors.asn(own["employee_id"]))

    ids = foreign | {"unit_id": unit, "parent_id": root, "root": root, "position_id": position}
    ids |= await _standards(hr, position, head)
    ids |= await _assessments(Assessing(government), position, foreign["employee_id"])
    own_form = await _assessments(Assessing(government), position, own["employee_id"])
    people = (foreign["employee_id"], own["employee_id"])
    ids["result_id"] = await _results(Assessing(government), position, *people)
    objectors = (siti, await actors.asn(own["employee_id"]))
    ids["objection_id"], ids["ruler"] = await _objections(owner, *objectors), hr.account_id
    await _candidates(Assessing(government), await government.position(badan, "ANALIS", seats=4))
    ids["dataset"] = await _statistics(app, hr, owner)
    ids["account_id"], ids["import_id"] = siti.account_id, await _imports(Officer(app, hr))
    made(await hr.post("/accounts/invitations", json={}))
    for name, table, column, value in (
        ("request_id", "correction_requests", "employee_id", siti.employee_id),
        ("session_id", "sign_in_sessions", "account_id", siti.account_id),
        ("invitation_id", "invitations", "display_name", "Wayan Darma"),
    ):
        ids[name] = await owner.fetchval(f"SELECT id FROM {table} WHERE {column} = $1", value)
    await _look_and_sign(app, actors, hr, ids, owner)
    secrets = ["Siti Rahasia", "Jl. Rahasia No. 77", str(siti.employee_id)]
    secrets += [
        str(ids[n])
        for n in ("assignment_id", "education_id", "request_id", "session_id", "result_id")
    ]
    secrets.append(str(ids["objection_id"]))
    assert hr.account_id is not None
    rated_by_own = own_form["assessor_assignment_id"]
    people = foreign["employee_id"], own["employee_id"]
    return Records(ids, *people, hr.account_id, tuple(secrets), rated_by_own)


async def _assessments(assessing: Assessing, position: str, person: UUID) -> dict[str, object]:
    """Two events in which the person assesses themself, and somebody else beside them."""
    for _ in range(2):
        provider = await assessing.provider()
        event = await assessing.event(provider=provider)
        other = await assessing.government.employee("Peserta Lain")
        await assessing.assessment(event, other, position)
        assessment = await assessing.assessment(event, person, position)
        assignment = await assessing.rater(assessment, "self")
    return {
        "provider_id": provider,
        "assessment_event_id": event,
        "assessment_id": assessment,
        "assessor_assignment_id": assignment,
    }


async def _objections(owner: asyncpg.Connection, *people: Client) -> object:
    """What these people object to in their results; the id of the first one's objection."""
    filed = []
    for client in people:
        own = "SELECT id FROM assessment_results WHERE employee_id = $1"
        result = await owner.fetchval(own, client.employee_id)
        body = {"reasons": "Bukti kinerja belum dipertimbangkan."}
        filed.append(made(await client.post(f"/assessment-results/{result}/objections", json=body)))
    return filed[0]["id"]


async def _results(assessing: Assessing, position: str, *employees: UUID) -> object:
    """Published results of these employees; the id of the first one's."""
    assessments = [await assessing.assessed(person, position) for person in employees]
    body = {"reason": "Pemetaan kompetensi."}
    path = "/assessments/{}/publish"
    results = [made(await assessing.hr.post(path.format(a), json=body)) for a in assessments]
    return results[0]["id"]


async def _candidates(assessing: Assessing, position: str) -> None:
    """Two in another position, with results: they may fit the seats of the first."""
    people = [await assessing.seated(position, name) for name in ("Ketut Rai", "Made Sari")]
    await _results(assessing, position, *people)


async def _statistics(app: FastAPI, hr: Client, owner: asyncpg.Connection) -> object:
    """Two snapshots of a table, old enough for another."""
    runtime: Runtime = app.state.runtime
    await refresh_profiles(runtime.database)
    for _ in range(2):
        snapshot = made(await hr.post("/statistics/fit/snapshots"))
        await owner.execute("UPDATE statistics_snapshots SET day = day - 100")
    return snapshot["dataset"]


async def _standards(hr: Client, *positions: str) -> dict[str, object]:
    """A proposal for each of the positions, and one of the competencies."""
    for position in positions:
        levels = {"integritas": 3, "komunikasi": 2}
        body = {"position_id": position, "effective_from": "2024-01-01", "levels": levels}
        asked = made(await hr.post("/standard-proposals", json={**body, "basis": "SK 41/2024"}))
    competencies = shown(await hr.get("/competencies", params={"limit": 1}))["items"]
    return {"proposal_id": asked["id"], "competency_id": competencies[0]["id"]}


async def _marry(hr: Client, person: UUID, spouse: UUID) -> None:
    path, body = f"/employees/{person}", {"spouse_id": str(spouse), "effective_from": "2015-06-20"}
    version = {"If-Match": (await hr.get(path)).headers["etag"]}
    shown(await hr.put(f"{path}/spouse", json=body, headers=version))


async def _ask_for_corrections(*employees: Client) -> None:
    for client in employees:
        path = f"/employees/{client.employee_id}/correction-requests"
        for name in ("birth_place", "address"):
            body = {"field": name, "proposed_value": f"Rahasia {name}", "reason": "Sesuai akta."}
            made(await client.post(path, json=body))


async def _employee(
    hr: Client, government: Government, position: str, name: str, address: str
) -> dict[str, Any]:
    """Ids of an employee and of the facts about them."""
    born = f"{today().year - 56}-01-15"  # and to retire in the year after next
    profile = {"name": name, "address": address}
    employee_id = await enter(hr, profile=profile, birth_date=born)
    path = f"/employees/{employee_id}"
    assigned = made(await government.assign(position, employee_id))
    education = {"level": "s1", "graduation_year": 2008}
    discipline = {"level": "ringan", "fact": "Terlambat.", "effective_from": "2024-03-01"}
    educated = made(await hr.post(f"{path}/educations", json=education))
    disciplined = made(await hr.post(f"{path}/disciplines", json=discipline))
    return {
        "employee_id": employee_id,
        "assignment_id": assigned["id"],
        "education_id": _one(educated, "educations"),
        "discipline_id": _one(disciplined, "disciplines"),
    }


def _one(answer: Mapping[str, Any], part: str) -> object:
    """The fact itself, or the aggregate that now holds it."""
    return answer[part][0]["id"] if part in answer else answer["id"]


async def _imports(officer: Officer) -> object:
    """Two imports of a file in which everything is wrong."""
    for _ in range(2):
        brought = await officer.bring([row(1, sex="?"), row(2, nip="123")], dry_run=True)
    return brought["id"]


async def _look_and_sign(
    app: FastAPI, actors: Actors, hr: Client, ids: dict[str, object], owner: asyncpg.Connection
) -> None:
    """Events of reads, a chained log, and two checkpoints."""
    runtime: Runtime = app.state.runtime
    auditor = await actors.auditor()
    for employee in await owner.fetch("SELECT id FROM employees ORDER BY id LIMIT 2"):
        shown(await hr.get(f"/employees/{employee['id']}"))
        await sequence_log(runtime.database)
        checkpoint = await auditor.post("/audit/checkpoints")
        ids["tree_size"] = shown(checkpoint, 201)["tree_size"]
    ids["export_id"] = await _exports(auditor)
    ids["event_id"] = await owner.fetchval(
        "SELECT id FROM audit_events WHERE $1 = ANY(subject_ids)", ids["employee_id"]
    )


async def _exports(auditor: Client) -> object:
    """Two exports, of which the second has been read."""
    for _ in range(2):
        body = {"dataset": "employees", "format": "csv"}
        asked = made(await auditor.post("/exports", json=body, headers={"X-Purpose": "Uji"}))
        await auditor.get(f"/exports/{asked['id']}/content")
    return asked["id"]
