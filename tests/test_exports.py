"""Exports: every format read back by a real reader, from one snapshot, on record, vouched for."""

import asyncio
import csv
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pyarrow.parquet
import pytest
import uvicorn
from fastapi import FastAPI
from python_calamine import CalamineWorkbook
from sqlalchemy import func, literal_column, select
from typer.testing import CliRunner, Result

from app.access.actors import Actor
from app.access.exports import can_see, owner, visible
from app.calendar import now
from app.cli import app as command
from app.database import bind
from app.embedded import EmbeddedServer
from app.main import create_app
from app.models.exports import Export
from app.services.audit.checkpoints import public_key_of
from app.services.exports import catalogue, delivering, encoders, requests
from app.services.exports.columns import made
from app.services.exports.manifests import ManifestInvalid, authentic_manifest
from app.vocabulary import ExportColumnType, ExportDataset, ExportFormat, Role
from tests.actors import Actors, Client, problem
from tests.assessing import Assessing
from tests.conftest import settings_for
from tests.credentials import PASSWORD, make_account
from tests.organisation import Government
from tests.people import enter, named, shown
from tests.populated import Populated

WHY = {"X-Purpose": "pemeriksaan tahunan"}
READ = "SELECT * FROM audit_events WHERE kind = 'read' AND operation = 'exports_get_content'"


async def ask(client: Client, dataset: str, form: str = "csv", **more: Any) -> dict[str, Any]:
    """A new export."""
    body = {"dataset": dataset, "format": form, **more}
    export: dict[str, Any] = shown(await client.post("/exports", json=body, headers=WHY), 201)
    return export


async def content(client: Client, export: dict[str, Any]) -> bytes:
    """The whole of an export."""
    answer = await client.get(f"/exports/{export['id']}/content")
    assert answer.status_code == 200, answer.text
    return answer.content


async def fetch(client: Client, dataset: str, form: str = "csv", **more: Any) -> bytes:
    """A new export's content."""
    return await content(client, await ask(client, dataset, form, **more))


async def rows(client: Client, dataset: str, **more: Any) -> list[dict[str, str]]:
    """The rows of a data set, by CSV."""
    return table(await fetch(client, dataset, **more))


def table(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(file.decode(), newline="")))


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    """Two people in two seats, and one unit below another."""
    made = Government(await actors.hr_admin(), owner)
    root = await made.unit("KAB", kind="pemerintah_daerah")
    position = await made.position(await made.unit("DISDIK", root), "GURU", seats=9)
    for name in ("Siti Aminah", "Budi Santoso"):
        await made.assign(position, await made.employee(name))
    return made


@pytest.fixture
async def measured(government: Government) -> Assessing:
    """Both have been assessed, by an assessor, themselves, and three peers; and have results."""
    assessing = Assessing(government)
    position = await government.owner.fetchval("SELECT id FROM positions")
    for person in await government.owner.fetch("SELECT id FROM employees ORDER BY id LIMIT 2"):
        assessment = await assessing.assessed(person["id"], position)
        await assessing.rater(assessment, "self", levels=4)
        for level in (2, 3, 4):
            await assessing.rater(assessment, "peer", levels=level, note='Kata "rekan"\nbaris 2')
        body = {"reason": "Penerbitan pertama"}
        answer = await government.hr.post(f"/assessments/{assessment}/publish", json=body)
        assert answer.is_success, answer.text
    return assessing


# --- formats ------------------------------------------------------------------------------


async def test_each_data_set_says_the_same_in_each_format(
    measured: Assessing, actors: Actors
) -> None:
    auditor = await actors.auditor()
    told = {d["name"]: d for d in shown(await auditor.get("/exports/datasets"))["items"]}
    assert set(told) == set(ExportDataset)
    for name, dataset in told.items():
        types = {column["name"]: column["type"] for column in dataset["columns"]}
        as_csv = await rows(auditor, name)
        assert as_csv, name
        assert list(as_csv[0]) == list(types)
        lines = (await fetch(auditor, name, "ndjson")).decode().splitlines()
        as_json = [json.loads(line) for line in lines]
        assert [_texts(row, types) for row in as_json] == _bare(as_csv, types), name
        sheet = _sheet(await fetch(auditor, name, "xlsx"), types)
        assert sheet == _to_the_millisecond(_bare(as_csv, types), types), name
        parquet = pyarrow.parquet.read_table(BytesIO(await fetch(auditor, name, "parquet")))
        as_parquet = [_texts(row, types) for row in parquet.to_pylist()]
        assert as_parquet == _bare(as_csv, types), name


def _bare(told: list[dict[str, str]], types: dict[str, str]) -> list[dict[str, str]]:
    """Rows with their JSON in one spelling."""
    return [
        {k: _spelled(json.loads(v)) if v and types[k] == "json" else v for k, v in row.items()}
        for row in told
    ]


def _to_the_millisecond(told: list[dict[str, str]], types: dict[str, str]) -> list[dict[str, str]]:
    """Rows with their instants as exact as a spreadsheet keeps them, in UTC without saying so."""
    return [
        {k: _rounded(v) if v and types[k] == "instant" else v for k, v in row.items()}
        for row in told
    ]


def _rounded(instant: str) -> str:
    at = datetime.fromisoformat(instant) + timedelta(microseconds=500)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _spelled(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _texts(row: dict[str, Any], types: dict[str, str]) -> dict[str, str]:
    """Values as CSV spells them."""
    return {name: _text(value, types[name]) for name, value in row.items()}


def _text(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "json":
        return _spelled(json.loads(value) if isinstance(value, str) else value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value)


def _sheet(file: bytes, types: dict[str, str]) -> list[dict[str, str]]:
    """The rows of a workbook, its numbers and times as CSV spells them."""
    book = CalamineWorkbook.from_filelike(BytesIO(file))
    assert book.sheet_names[1] == "kamus"
    names, *found = book.get_sheet_by_index(0).to_python()
    return [
        {str(n): _cell(cell, types[str(n)]) for n, cell in zip(names, row, strict=True)}
        for row in found
    ]


def _cell(cell: Any, kind: str) -> str:
    if cell == "":
        return ""
    if kind == "integer":
        return str(int(cell))
    if kind == "decimal":
        return f"{cell:.2f}"
    if kind == "instant":
        return str(cell.isoformat(timespec="milliseconds"))
    return _text(cell, kind)


async def test_what_a_spreadsheet_would_run_is_text(hr: Client, auditor: Client) -> None:
    starts = ["=1+1", "+62", "-3", "@SUM(A1)", "'quoted", 'say "hi", \\then leave']
    for number, name in enumerate(starts):
        await enter(hr, **named(f"{name} {number}"))
    wanted = [f"{name} {number}" for number, name in enumerate(starts)]
    told = [row["name"] for row in await rows(auditor, "employees")]
    assert told == [f"'{name}" if name[0] in "=+-@" else name for name in wanted]
    lines = (await fetch(auditor, "employees", "ndjson")).decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == wanted
    book = CalamineWorkbook.from_filelike(BytesIO(await fetch(auditor, "employees", "xlsx")))
    assert [row[3] for row in book.get_sheet_by_index(0).to_python()[1:]] == wanted
    parquet = pyarrow.parquet.read_table(BytesIO(await fetch(auditor, "employees", "parquet")))
    assert parquet.column("name").to_pylist() == wanted


@pytest.fixture
async def hr(actors: Actors) -> Client:
    return await actors.hr_admin()


@pytest.fixture
async def auditor(actors: Actors) -> Client:
    return await actors.auditor()


async def test_the_answer_names_the_file_and_its_manifest(auditor: Client) -> None:
    for form, kind in requests.MEDIA_TYPES.items():
        export = await ask(auditor, "units", form, as_of="2026-01-31T20:00:00Z")
        answer = await auditor.get(f"/exports/{export['id']}/content")
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-store"
        assert "content-length" not in answer.headers
        name = f"kemuning-units-2026-02-01.{form}"  # the day in Jakarta
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["link"] == f'<{export["manifest_url"]}>; rel="describedby"'


async def test_an_empty_data_set_is_a_file_too(auditor: Client) -> None:
    assert await rows(auditor, "units") == []
    assert await fetch(auditor, "units", "ndjson") == b""
    parquet = pyarrow.parquet.read_table(BytesIO(await fetch(auditor, "units", "parquet")))
    assert parquet.num_rows == 0
    assert parquet.schema.field("code").metadata[b"en"] == b"Code"
    book = CalamineWorkbook.from_filelike(BytesIO(await fetch(auditor, "units", "xlsx")))
    assert len(book.get_sheet_by_index(0).to_python()) == 1


async def test_what_the_server_cannot_write_is_refused(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "find_spec", lambda _: None)
    told = shown(await auditor.get("/exports/datasets"))["formats"]
    assert [f["name"] for f in told if not f["installed"]] == ["parquet"]
    body = {"dataset": "units", "format": "parquet"}
    problem(await auditor.post("/exports", json=body, headers=WHY), 422, "format_not_installed")


async def test_a_sheet_holds_no_more_rows(
    government: Government, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = await ask(auditor, "employees", "xlsx")
    monkeypatch.setattr(requests, "MOST_SHEET_ROWS", 1)
    body = {"dataset": "employees", "format": "xlsx"}
    headers = {**WHY, "Accept-Language": "en"}
    answer = await auditor.post("/exports", json=body, headers=headers)
    assert "use CSV" in problem(answer, 422, "export_too_many_rows")["detail"]
    late = await auditor.get(f"/exports/{fits['id']}/content")
    problem(late, 422, "export_too_many_rows")
    assert len(await rows(auditor, "employees")) == 2


# --- as of a moment -----------------------------------------------------------------------


async def test_dated_facts_are_those_of_the_day_in_jakarta(
    government: Government, auditor: Client
) -> None:
    unit = await government.owner.fetchval("SELECT id FROM units WHERE code = 'DISDIK'")
    change = {"name": "Dinas Baru", "effective_from": "2026-02-01"}
    assert (await government.change(f"/units/{unit}", change)).is_success
    before = await rows(auditor, "units", as_of="2026-01-31T16:59:59Z")
    after = await rows(auditor, "units", as_of="2026-02-01T00:00:00+07:00")
    assert {r["name"] for r in before} == {"Unit KAB", "Unit DISDIK"}
    assert {r["name"] for r in after} == {"Unit KAB", "Dinas Baru"}
    assert before[1]["effective_until"] == after[1]["effective_from"] == "2026-02-01"


async def test_results_are_exactly_those_in_force(measured: Assessing, auditor: Client) -> None:
    first = await measured.owner.fetchrow("SELECT * FROM assessment_results ORDER BY id LIMIT 1")
    published: datetime = first["published_at"]
    before = (published - timedelta(microseconds=1)).isoformat()
    assert await rows(auditor, "results", as_of=before) == []
    assert await rows(auditor, "scores", as_of=before) == []
    (then,) = await rows(auditor, "results", as_of=published.isoformat())
    assert then["result_id"] == str(first["id"])
    assert json.loads(then["inputs"]) == json.loads(first["inputs"])
    changed = published + timedelta(days=1)
    await measured.owner.execute(
        "UPDATE assessment_results SET superseded_at = $1, published_at = $2 WHERE id = $3",
        *(changed - timedelta(hours=23), published - timedelta(days=2), first["id"]),
    )
    assert len(await rows(auditor, "results")) == 2
    await measured.owner.execute(
        "UPDATE assessment_results SET superseded_at = $1 WHERE id = $2", published, first["id"]
    )
    a_day_ago = (published - timedelta(days=1)).isoformat()
    assert [r["result_id"] for r in await rows(auditor, "results", as_of=a_day_ago)] == [
        str(first["id"])
    ]
    assert str(first["id"]) not in {r["result_id"] for r in await rows(auditor, "results")}
    assert str(first["id"]) not in {r["result_id"] for r in await rows(auditor, "scores")}


async def test_a_moment_to_come_is_refused(auditor: Client) -> None:
    tomorrow = (now() + timedelta(days=1)).isoformat()
    body = {"dataset": "units", "format": "csv", "as_of": tomorrow}
    answer = await auditor.post("/exports", json=body, headers=WHY)
    (wrong,) = problem(answer, 422, "invalid")["errors"]
    assert (wrong["pointer"], wrong["code"]) == ("/as_of", "as_of_in_future")


async def test_a_purpose_is_required(auditor: Client) -> None:
    body = {"dataset": "units", "format": "csv"}
    (wrong,) = problem(await auditor.post("/exports", json=body), 422, "invalid")["errors"]
    assert wrong["pointer"] == "/header/X-Purpose"


# --- who ----------------------------------------------------------------------------------


async def test_peers_stay_without_a_name(measured: Assessing, auditor: Client) -> None:
    given = await rows(auditor, "ratings")
    sources = {row["source"] for row in given}
    assert sources == {"assessor", "self", "peer"}
    assert all(not row["rater_id"] for row in given if row["source"] == "peer")
    assert all(row["rater_id"] == row["employee_id"] for row in given if row["source"] == "self")
    raters = await measured.owner.fetch(
        "SELECT rater_id FROM assessor_assignments WHERE source = 'peer'"
    )
    for form in ExportFormat:
        file = await fetch(auditor, "ratings", form)
        assert not [r for r in raters if str(r["rater_id"]).encode() in file], form


async def test_a_script_gets_each_data_set(measured: Assessing, actors: Actors) -> None:
    """All but what anonymous raters gave: neither their ratings nor the inputs they went into."""
    script, auditor = await actors.service("exports:read"), await actors.auditor()
    for dataset in ExportDataset:
        whole = await rows(auditor, dataset)
        assert all(row.get("inputs") != "" for row in whole)
        named = [
            row | ({"inputs": ""} if "inputs" in row else {})
            for row in whole
            if row.get("source") != "peer"
        ]
        assert await rows(script, dataset) == named, dataset
        assert (len(named) < len(whole)) is (dataset is ExportDataset.RATINGS)


async def test_scripts_see_their_own_exports_only(populated: Populated, actors: Actors) -> None:
    script, other = await actors.service("exports:read"), await actors.service("exports:read")
    mine = await ask(script, "employees")
    assert shown(await script.get("/exports"))["items"] == [mine]
    assert shown(await other.get("/exports"))["items"] == []
    for path in ("", "/content", "/manifest"):
        foreign = problem(await other.get(f"/exports/{mine['id']}{path}"), 404, "not_found")
        absent = problem(await other.get(f"/exports/{uuid4()}{path}"), 404, "not_found")
        assert foreign | {"request_id": ""} == absent | {"request_id": ""}
    auditor = populated.clients[Role.AUDITOR]
    assert mine["id"] in {e["id"] for e in shown(await auditor.get("/exports"))["items"]}
    assert await content(auditor, mine) == await content(script, mine)
    for role in (Role.HR_ADMIN, Role.ASN, Role.PUBLIC):
        client = populated.clients[role]
        problem(await client.get(f"/exports/{mine['id']}/content"), 403, "forbidden")


async def test_the_twins_agree_and_row_level_security_holds_by_itself(
    populated: Populated, owner: asyncpg.Connection
) -> None:
    accounts = [row["account_id"] for row in await owner.fetch("SELECT account_id FROM exports")]
    for role, client in populated.clients.items():
        actor = Actor(role, client.account_id)
        sql, values = bind(
            select(Export.account_id).where(visible(role)), owner_values(actor), actor.persona
        )
        seen = [row["account_id"] for row in await owner.fetch(sql, *values)]
        assert seen == [account for account in accounts if can_see(actor, account)]
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE kemuning_service")
        stranger = str(populated.clients[Role.SERVICE].account_id)
        await owner.execute("SELECT set_config('app.account', $1, true)", stranger)
        for name in ("exports", "export_deliveries"):
            assert await owner.fetchval(f"SELECT count(*) FROM {name}") == 0


def owner_values(actor: Actor) -> dict[str, object]:
    return dict(owner_of(actor))


owner_of = owner


async def test_who_was_in_it_can_see_who_read_it(
    government: Government, actors: Actors, auditor: Client
) -> None:
    owner = government.owner
    people = [row["id"] for row in await owner.fetch("SELECT id FROM employees ORDER BY id")]
    export = await ask(auditor, "employees")
    assert not await owner.fetch(READ)
    for times in (1, 2):
        await content(auditor, export)
        events = await owner.fetch(READ)
        assert len(events) == times
    assert sorted(events[0]["subject_ids"]) == people
    assert events[0]["purpose"] == WHY["X-Purpose"]  # of the export
    seen = shown(await (await actors.asn(people[0])).get("/me/data-access"))["items"]
    assert [s["actor_name"] for s in seen if s["kind"] == "read"] == ["Test auditor"] * 2
    reads = await auditor.get(f"/audit/accounts/{auditor.account_id}/reads")
    assert {r["employee_id"] for r in shown(reads)["items"]} == {str(p) for p in people}
    await fetch(auditor, "units")
    assert len(await owner.fetch(READ)) == 2, "nobody's data are in it"


async def test_a_thousand_people_are_one_event(owner: asyncpg.Connection, auditor: Client) -> None:
    await owner.execute(
        "WITH made AS (INSERT INTO employees (birth_date, sex)"
        " SELECT '1980-01-01', 'female' FROM generate_series(1, 2001) RETURNING id)"
        " INSERT INTO employee_profiles (employee_id, name, name_sort, valid)"
        " SELECT id, 'Siti', 'siti', '[2000-01-01,)' FROM made"
    )
    assert len(await rows(auditor, "employees")) == 2001
    events = await owner.fetch(READ)
    assert sorted(len(event["subject_ids"]) for event in events) == [1, 1000, 1000]
    assert len({s for event in events for s in event["subject_ids"]}) == 2001


async def test_no_byte_goes_out_before_the_read_is_on_record(
    government: Government, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(delivering, "_record", never)
    export = await ask(auditor, "employees")
    answer = await auditor.get(f"/exports/{export['id']}/content")
    problem(answer, 503, "database_unavailable")
    problem(await auditor.get(f"/exports/{export['id']}/manifest"), 409, "export_not_completed")


# --- the manifest -------------------------------------------------------------------------


async def test_the_manifest_vouches_for_what_went_out(
    government: Government, actors: Actors, auditor: Client
) -> None:
    export = await ask(auditor, "employees", as_of="2026-03-01T00:00:00Z")
    assert export["state"] == "requested"
    assert export["latest"] is None
    problem(await auditor.get(f"/exports/{export['id']}/manifest"), 409, "export_not_completed")
    file = await content(auditor, export)
    manifest = shown(await auditor.get(f"/exports/{export['id']}/manifest"))
    assert manifest["sha256"] == hashlib.sha256(file).hexdigest()
    assert (manifest["bytes"], manifest["rows"]) == (len(file), 2)
    assert manifest["as_of"] == "2026-03-01T00:00:00.000000Z"
    assert manifest["purpose"] == WHY["X-Purpose"]
    assert manifest["account_id"] == manifest["requested_by"] == str(auditor.account_id)
    assert [c["name"] for c in manifest["columns"]] == list(table(file)[0])
    assert manifest["schema_revision"]
    keys = await published(actors.anonymous())
    assert authentic_manifest(json.dumps(manifest), keys) == manifest
    shown_now = shown(await auditor.get(f"/exports/{export['id']}"))
    assert shown_now["state"] == "completed"
    assert shown_now["latest"]["sha256"] == manifest["sha256"]
    for state, ids in (("completed", [export["id"]]), ("requested", [])):
        page = shown(await auditor.get("/exports", params={"state": state}))
        assert [e["id"] for e in page["items"]] == ids


async def published(anybody: Client) -> Any:
    answer = shown(await anybody.get("http://kemuning.test/.well-known/audit-keys.json"))
    return {jwk["kid"]: public_key_of(jwk) for jwk in answer["keys"]}


async def test_any_change_of_a_manifest_shows(auditor: Client, actors: Actors) -> None:
    export = await ask(auditor, "rule_packs")
    await content(auditor, export)
    manifest = shown(await auditor.get(f"/exports/{export['id']}/manifest"))
    keys = await published(actors.anonymous())
    for name, value in manifest.items():
        changed = {**manifest, name: value + 1 if isinstance(value, int) else f"{value}x"}
        with pytest.raises(ManifestInvalid):
            authentic_manifest(json.dumps(changed), keys)
    for text in ("[]", "{", json.dumps({**manifest, "more": 1.5}), "x" * (1 << 21)):
        with pytest.raises(ManifestInvalid):
            authentic_manifest(text, keys)
    with pytest.raises(ManifestInvalid, match="kid"):
        authentic_manifest(json.dumps(manifest), {})
    doubled = json.dumps(manifest)[:-1] + ', "rows": 1}'
    with pytest.raises(ManifestInvalid, match="not JSON"):
        authentic_manifest(doubled, keys)


async def test_each_delivery_keeps_its_own_manifest(
    government: Government, auditor: Client
) -> None:
    export = await ask(auditor, "employees")
    first = hashlib.sha256(await content(auditor, export)).hexdigest()
    assert hashlib.sha256(await content(auditor, export)).hexdigest() == first, "the same bytes"
    await government.owner.execute("UPDATE employee_profiles SET name = name || ' Z'")
    second = hashlib.sha256(await content(auditor, export)).hexdigest()
    assert second != first
    path = f"/exports/{export['id']}/manifest"
    assert shown(await auditor.get(path))["sha256"] == second
    assert shown(await auditor.get(path, params={"sha256": first}))["sha256"] == first
    problem(await auditor.get(path, params={"sha256": "0" * 64}), 404, "not_found")


async def test_asking_and_delivering_are_events_too(
    owner: asyncpg.Connection, auditor: Client
) -> None:
    await fetch(auditor, "units")
    written = await owner.fetch(
        "SELECT operation, entity FROM audit_events WHERE kind = 'write'"
        " AND entity IN ('exports', 'export_deliveries') ORDER BY id"
    )
    assert [tuple(row) for row in written] == [
        ("exports_create_export", "exports"),
        ("exports_get_content", "export_deliveries"),
    ]


async def test_a_key_asks_once(auditor: Client, owner: asyncpg.Connection) -> None:
    body = {"dataset": "units", "format": "csv"}
    headers = {**WHY, "Idempotency-Key": "sekali"}
    first = shown(await auditor.post("/exports", json=body, headers=headers), 201)
    assert shown(await auditor.post("/exports", json=body, headers=headers), 201) == first
    assert await owner.fetchval("SELECT count(*) FROM exports") == 1


# --- streams ------------------------------------------------------------------------------

ENDLESS = replace(
    catalogue.DATASETS[ExportDataset.UNITS],
    columns=(
        made(
            "text",
            func.repeat("x", literal_column("1000")),
            ExportColumnType.CODE,
            "nowhere",
            "Teks",
            "Text",
        ),
    ),
    rows=select().select_from(func.generate_series(1, 2_000_000).alias("n")),
)
"""Two gigabytes."""


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of a real server of the application."""
    serving = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(serving.serve())
    async with asyncio.timeout(10):
        while not serving.started:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{serving.servers[0].sockets[0].getsockname()[1]}/api/v1"
    finally:
        serving.should_exit = True
        await task


async def copies(owner: asyncpg.Connection) -> int:
    count: int = await owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state <> 'idle' AND query LIKE 'COPY%'"
    )
    return count


async def none_left(app: FastAPI, owner: asyncpg.Connection) -> None:
    """No COPY runs any more, and each slot is free again."""
    async with asyncio.timeout(5):
        while await copies(owner) or app.state.runtime.exports.free < delivering.AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = {**catalogue.DATASETS, ExportDataset.UNITS: ENDLESS}
    for module in (catalogue, requests, delivering):
        monkeypatch.setattr(module, "DATASETS", datasets)


async def test_a_reader_who_leaves_ends_the_copy(
    app: FastAPI, owner: asyncpg.Connection, auditor: Client, endless: None
) -> None:
    export = await ask(auditor, "units")
    async with served(app) as url, httpx.AsyncClient(headers=auditor.headers) as client:
        async with client.stream("GET", f"{url}/exports/{export['id']}/content") as answer:
            async for _ in answer.aiter_bytes():
                break
            assert await copies(owner) == 1
        await none_left(app, owner)
    problem(await auditor.get(f"/exports/{export['id']}/manifest"), 409, "export_not_completed")


async def test_a_failure_midway_cuts_the_answer(
    app: FastAPI, owner: asyncpg.Connection, auditor: Client, endless: None
) -> None:
    export = await ask(auditor, "units")
    async with served(app) as url, httpx.AsyncClient(headers=auditor.headers) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await _broken_off(client, f"{url}/exports/{export['id']}/content", owner)
        await none_left(app, owner)
        problem(await auditor.get(f"/exports/{export['id']}/manifest"), 409, "export_not_completed")
        assert (await client.get(f"{url}/exports/{export['id']}")).status_code == 200


async def _broken_off(client: httpx.AsyncClient, url: str, owner: asyncpg.Connection) -> None:
    """Read, and have the COPY's backend killed after the first bytes."""
    async with client.stream("GET", url) as answer:
        assert answer.status_code == 200
        killed = False
        async for _ in answer.aiter_bytes():
            if not killed:
                killed = True
                await owner.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'COPY%'"
                )


async def test_only_so_many_at_once(
    app: FastAPI, owner: asyncpg.Connection, auditor: Client, endless: None
) -> None:
    export = await ask(auditor, "units")
    path = f"/exports/{export['id']}/content"
    async with served(app) as url, httpx.AsyncClient(headers=auditor.headers) as client:
        async with client.stream("GET", url + path), client.stream("GET", url + path):
            answer = await client.get(url + path)
            assert answer.json()["code"] == "overloaded"
            assert answer.headers["retry-after"] == "30"
        await none_left(app, owner)


async def test_a_long_one_outlives_the_time_limit_of_requests(
    server: EmbeddedServer,
    database: str,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_for(server, database, request_timeout_seconds=0.7, statement_timeout_ms=700)
    slow = replace(ENDLESS, rows=select().select_from(func.pg_sleep(1.5).alias("slept")))
    datasets = {**catalogue.DATASETS, ExportDataset.UNITS: slow}
    monkeypatch.setattr(delivering, "DATASETS", datasets)
    app = create_app(settings)
    people = Actors(app, owner)
    auditor = await people.auditor()
    assert len(await rows(auditor, "units")) == 1
    await people.close()
    await app.state.runtime.close()


async def test_what_is_written_meanwhile_is_not_in_it(
    government: Government, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = delivering._record

    async def and_write(*arguments: Any) -> None:
        await recorded(*arguments)
        await government.employee("Wayan Darma")
        await government.owner.execute("UPDATE employee_profiles SET name = 'Lain'")

    monkeypatch.setattr(delivering, "_record", and_write)
    copied = delivering._copy

    async def afterwards(connection: Any, copy: Any, encoder: Any, outlet: Any) -> int:
        await outlet.recording  # the write is committed before the copy begins
        return await copied(connection, copy, encoder, outlet)

    monkeypatch.setattr(delivering, "_copy", afterwards)
    assert [row["name"] for row in await rows(auditor, "employees")] == [
        "Siti Aminah",
        "Budi Santoso",
    ]
    assert {row["name"] for row in await rows(auditor, "employees")} == {"Lain"}


# --- from the terminal --------------------------------------------------------------------


async def test_saved_and_verified_from_the_terminal(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    login = await make_account(owner, "service", scopes=["exports:read"])
    app = create_app(settings_for(server, database))
    file, keys = tmp_path / "aturan.csv", tmp_path / "keys.json"
    async with served(app) as url:
        root = url.removesuffix("/api/v1")
        who = ("--url", root, "--login", login, "--service", "--purpose", "pemeriksaan")
        saved = await run("save", "rule_packs", str(file), *who)
        assert saved.exit_code == 0, saved.output
        async with httpx.AsyncClient() as client:
            published = await client.get(f"{root}/.well-known/audit-keys.json")
        keys.write_bytes(published.content)
        wrong = await run("save", "rule_packs", str(tmp_path / "aturan.doc"), *who)
        assert wrong.exit_code == 1
        assert ".parquet" in wrong.output
    await app.state.runtime.close()

    manifest = tmp_path / "aturan.csv.manifest.json"
    verify = ("verify", str(file), str(manifest), "--keys", str(keys))
    good = await run(*verify)
    assert good.exit_code == 0, good.output
    assert "rule_packs" in good.output
    genuine = manifest.read_text()
    manifest.write_text(genuine.replace("rule_packs", "employees"))
    assert "not authentic" in (await run(*verify)).output
    manifest.write_text(genuine)
    file.write_bytes(file.read_bytes().replace(b"2020", b"2021"))
    changed = await run(*verify)
    assert changed.exit_code == 1
    assert "content differs" in changed.output
    nowhere = await run(*verify[:-1], str(tmp_path / "none.json"))
    assert "can't be read" in nowhere.output


async def run(*arguments: str) -> Result:
    """The command as a terminal runs it."""
    runner = CliRunner(env={"KEMUNING_PASSWORD": PASSWORD, "COLUMNS": "400"})
    return await asyncio.to_thread(runner.invoke, command, ["export", *arguments])
