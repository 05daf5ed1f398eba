"""Stored results are what their inputs and rules give: computed again, and tampering found."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from app import cli, rules
from app.access.actors import Actor
from app.embedded import EmbeddedServer
from app.rules.scoring import replay
from app.services.results import replaying
from app.vocabulary import Role
from tests.actors import Actors, Client, problem
from tests.conftest import settings_for
from tests.measuring import Office, staffed
from tests.organisation import made, ok


@pytest.fixture
async def office(actors: Actors, owner: asyncpg.Connection) -> Office:
    return await staffed(await actors.hr_admin(), owner)


@pytest.fixture
async def auditor(actors: Actors) -> Client:
    return await actors.auditor()


async def replayed(client: Client, **which: Any) -> Any:
    return ok(await client.post("/assessment-results/replay", json=which))


RATED: dict[str, list[Any]] = {"assessor": [3], "superior": [2], "peer": [1, 2, 4], "self": [5]}
TAMPERED = {
    "UPDATE assessment_results SET outcome = jsonb_set(outcome, '{jpm}', '\"99.99\"')": [
        "/outcome/jpm"
    ],
    "UPDATE assessment_results SET outcome = jsonb_set("
    "outcome, '{competencies,0,by_source,peer,raters}', '4')": [
        "/outcome/competencies/0/by_source/peer/raters"
    ],
    "UPDATE assessment_results SET jpm = 99, band = 'kurang_optimal'": ["/band", "/jpm"],
    "UPDATE assessment_results SET valid_until = valid_until + 1": ["/valid_until"],
    "UPDATE assessment_results SET purpose = 'promotion'": ["/purpose"],
    "UPDATE assessment_results SET gaps = 0": ["/gaps"],
    "UPDATE competency_scores SET actual = 5 WHERE competency_id ="
    " (SELECT id FROM competencies WHERE code = 'integritas')": ["/scores/integritas/actual"],
    "DELETE FROM competency_scores WHERE competency_id ="
    " (SELECT id FROM competencies WHERE code = 'integritas')": ["/scores/integritas"],
    "UPDATE assessment_results SET rules = jsonb_set(rules, '{jpm}', '\"jpm-none@1\"')": ["/rules"],
    "UPDATE assessment_results SET rules = rules || '{\"more\": 1}'": ["/rules/more"],
    "UPDATE assessment_results SET inputs = inputs || '{\"more\": 1}'": ["/inputs/more"],
    "UPDATE assessment_results r SET position_id = ("
    "SELECT p.id FROM positions p WHERE p.id <> r.position_id LIMIT 1)": ["/position_id"],
    "WITH another AS (UPDATE assessment_results r SET employee_id = ("
    "SELECT e.id FROM employees e WHERE e.id <> r.employee_id ORDER BY e.id DESC LIMIT 1)"
    " RETURNING r.id, r.employee_id)"
    " UPDATE competency_scores s SET employee_id = a.employee_id FROM another a"
    " WHERE s.result_id = a.id AND s.competency_id ="
    " (SELECT id FROM competencies WHERE code = 'integritas')": [
        "/employee_id",
        "/scores/integritas/employee_id",
    ],
    "UPDATE assessment_results SET rules = '{}'": ["/rules"],
    "UPDATE assessment_results SET inputs = '{}'": ["/inputs"],
    "UPDATE assessment_results SET inputs = '[]'": ["/inputs"],
    "UPDATE assessment_results SET inputs = jsonb_set(inputs, '{potential_score}', '\"x\"')": [
        "/inputs"
    ],
    "UPDATE assessment_results SET inputs = jsonb_set("
    "inputs, '{competencies,0,ratings,0,level}', '9')": ["/inputs"],
}


async def test_what_was_changed_past_the_application_is_found(
    office: Office, auditor: Client, owner: asyncpg.Connection
) -> None:
    result = made(await office.publish(await office.measured(RATED)))["id"]
    sound = {"ok": True, "checked": 1, "complete": True, "differences": []}
    tables = ("competency_scores", "assessment_results")
    for table in tables:
        await owner.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    for tampering, paths in TAMPERED.items():
        assert await replayed(auditor, sample=10) == sound
        await owner.execute(tampering)
        found = await replayed(auditor, sample=10)
        assert (found["ok"], found["checked"]) == (False, 1), tampering
        assert found["differences"] == [{"result_id": result, "paths": paths}], tampering
        for table in tables:
            await owner.execute(f"DELETE FROM {table}")
        for table in reversed(tables):
            await owner.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")


async def test_other_inputs_give_another_outcome(
    office: Office, auditor: Client, owner: asyncpg.Connection
) -> None:
    await office.published(2)
    await owner.execute(
        "UPDATE assessment_results"
        " SET inputs = jsonb_set(inputs, '{competencies,0,ratings,0,level}', '3')"
    )
    (difference,) = (await replayed(auditor, sample=1))["differences"]
    assert {"/outcome/jpm", "/jpm", "/scores/integritas/actual"} <= set(difference["paths"])


# --- which results ------------------------------------------------------------------------


async def test_one_persons_one_events_or_a_sample(
    office: Office, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await office.assessing.event()
    await office.published(3, event=event)
    await office.published(3, event=event, employee=office.peer)
    await office.published(3, starts_on=date(2024, 5, 1))
    assert (await replayed(auditor, employee_id=str(office.staff)))["checked"] == 2
    assert (await replayed(auditor, event_id=str(event)))["checked"] == 2
    assert (await replayed(auditor, sample=2))["checked"] == 2
    monkeypatch.setattr(replaying, "AT_MOST", 1)
    limited = await replayed(auditor, event_id=str(event))
    assert (limited["checked"], limited["complete"]) == (1, False)


@pytest.mark.parametrize(
    "body", [{}, {"sample": 0}, {"sample": 1001}, {"sample": 1, "event_id": str(uuid4())}]
)
async def test_one_way_of_choosing_at_a_time(body: dict[str, Any], auditor: Client) -> None:
    problem(await auditor.post("/assessment-results/replay", json=body), 422, "invalid")


async def test_it_is_for_auditors(office: Office, actors: Actors) -> None:
    for client in (office.hr, await actors.asn(office.staff)):
        answer = await client.post("/assessment-results/replay", json={"sample": 1})
        problem(answer, 403, "forbidden")


# --- another rule pack --------------------------------------------------------------------


@pytest.fixture
def stricter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new version of two packs, in force since before every assessment."""
    bounds = {p: MappingProxyType({"optimal": "99", "kurang_optimal": "0"}) for p in ("mapping",)}
    known = dict(rules._packs_newest_first())
    jpm, bands = known["jpm"][0], known["jpm_bands"][0]
    newer = (
        replace(jpm, version="2", values={**jpm.values, "formula": "mean_ratio"}),
        replace(bands, version="2", values={**bands.values, "from": MappingProxyType(bounds)}),
    )
    for pack in newer:
        known[pack.kind] = (replace(pack, effective_from=date(2018, 1, 2)), *known[pack.kind])
    rules._packs_by_rule_id.cache_clear()
    monkeypatch.setattr(rules, "_packs_newest_first", lambda: known)
    yield
    monkeypatch.undo()
    rules._packs_by_rule_id.cache_clear()


async def test_a_new_pack_changes_no_old_result(
    office: Office, auditor: Client, request: pytest.FixtureRequest
) -> None:
    old = await office.published(3)
    request.getfixturevalue("stricter")
    assert (await replayed(auditor, sample=1))["ok"] is True
    path = f"/assessment-results/{old['id']}"
    shown = ok(await auditor.get(path))
    assert (shown["jpm"], shown["band"]) == (old["jpm"], old["band"])
    assert shown["rules"] == old["rules"]
    # But what is published from now on goes by it.
    new = await office.published(3, employee=office.peer)
    ids = {rule["kind"]: rule["rule_id"] for rule in new["rules"]}
    assert ids["jpm"] == "jpm-permenpanrb-38-2017@2"
    assert "rata-rata" in new["jpm_in_words"]
    assert (await replayed(auditor, sample=2)) == {
        "ok": True,
        "checked": 2,
        "complete": True,
        "differences": [],
    }


# --- whatever was rated -------------------------------------------------------------------

LEVELS = st.integers(min_value=0, max_value=5)
GROUPS = st.fixed_dictionaries(
    {"assessor": st.lists(LEVELS, min_size=1, max_size=1)},
    optional={
        "superior": st.lists(LEVELS, min_size=1, max_size=2),
        "peer": st.lists(LEVELS, min_size=1, max_size=4),
        "subordinate": st.lists(LEVELS, min_size=1, max_size=4),
        "self": st.lists(LEVELS, min_size=1, max_size=1),
    },
)
POTENTIAL = st.none() | st.decimals(0, 100, places=2).map(str)


async def test_what_is_stored_is_what_replay_gives(
    office: Office, auditor: Client, actors: Actors
) -> None:
    """Random ratings through the API: the stored outcome is the recomputed one."""
    drawn: list[tuple[dict[str, list[int]], str | None]] = []

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(GROUPS, POTENTIAL)
    def draw(groups: dict[str, list[int]], potential: str | None) -> None:
        drawn.append((groups, potential))

    draw()
    for number, (groups, potential) in enumerate(drawn):
        assessment = await office.measured(
            groups, potential=potential, starts_on=date(2024, 1, 1 + number)
        )
        result = made(await office.publish(assessment))["id"]
        shown = ok(await auditor.get(f"/assessment-results/{result}"))
        stored = shown["recomputable"]
        assert replay(stored["inputs"], stored["rules"]) == stored["outcome"]
    found = await replayed(auditor, employee_id=str(office.staff))
    assert (found["ok"], found["checked"]) == (True, len(drawn))


@pytest.mark.parametrize("name", ["event_id", "employee_id"])
async def test_of_nothing_nothing_is_proved(auditor: Client, name: str) -> None:
    answer = await auditor.post("/assessment-results/replay", json={name: str(uuid4())})
    body = problem(answer, 422, "invalid")
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [(f"/{name}", "unknown")]


# --- from a terminal ----------------------------------------------------------------------


async def test_all_of_them_in_batches(
    office: Office, app: FastAPI, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for year in (2023, 2024, 2025):
        last = await office.published(3, starts_on=date(year, 5, 1))
    await owner.execute("UPDATE assessment_results SET gaps = 7 WHERE id = $1", UUID(last["id"]))
    monkeypatch.setattr(replaying, "BATCH", 2)
    told: list[tuple[int, int]] = []
    actor = Actor(role=Role.AUDITOR)
    async with app.state.runtime.database.reading(actor) as reader:
        report = await replaying.replay_all(reader, lambda at, of: told.append((at, of)))
    assert told == [(2, 3), (3, 3)]
    assert [(str(d.result_id), d.paths) for d in report.differences] == [(last["id"], ["/gaps"])]


async def test_the_command(
    office: Office,
    server: EmbeddedServer,
    database: str,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = (await office.published(3))["id"]
    monkeypatch.setattr(cli, "settings_from_environment", lambda: settings_for(server, database))
    sound = await _command("replay", "--json")
    assert sound.exit_code == 0, sound.output
    assert json.loads(sound.stdout)["checked"] == 1
    await owner.execute("UPDATE assessment_results SET gaps = 7")
    broken = await _command("replay")
    assert broken.exit_code == 1
    assert broken.stdout == f"{result}\t/gaps\n"
    assert "1 of 1 results differ" in broken.stderr


async def _command(*arguments: str) -> Any:
    """On a thread: the command runs a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli.app, ["rules", *arguments])


async def test_the_rules_are_shown() -> None:
    listed = await _command("list")
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    assert ["raters", "raters-kemuning@1", "2018-01-01"] in [line[:3] for line in lines]
    shown = await _command("show", "objections-pp-30-2019@1")
    assert json.loads(shown.stdout)["values"]["filing_days"] == 14
    unknown = await _command("show", "objections@9")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
