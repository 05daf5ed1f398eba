"""Imports of what a provider's assessors found, through the API, with the worker in the test."""

import asyncio
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from python_calamine import CalamineWorkbook
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs import run_pending_jobs
from app.services.imports.assessment_results import work
from app.services.imports.assessment_results.layout import results_layout
from app.services.imports.assessment_results.messy import MUST_MEND, messy_results
from app.services.imports.assessment_results.planning import make_plan
from app.services.imports.template import csv_bytes
from app.vocabulary import Role
from tests.actors import Actors, problem
from tests.assessing import ENDS, Assessing
from tests.importing import Officer, xlsx_file
from tests.organisation import Government, ok

CORE = ("integritas", "kerja_sama", "komunikasi", "orientasi_pada_hasil", "pelayanan_publik",
        "pengembangan_diri_dan_orang_lain", "mengelola_perubahan", "pengambilan_keputusan",
        "perekat_bangsa")  # fmt: skip
HEADERS = {"nip": "NIP", "name": "Nama", "position_code": "Kode jabatan",
           "potential": "Nilai potensi", "note": "Catatan"}  # fmt: skip
Row = Mapping[str, str]


class Provider(Officer):
    """An officer who sends in what a provider found, in one event."""

    def __init__(
        self, app: FastAPI, assessing: Assessing, event: UUID, unit: str, position: str
    ) -> None:
        super().__init__(app, assessing.hr)
        self.assessing, self.event = assessing, event
        self.unit, self.position = unit, position
        self.owner = assessing.owner

    async def candidate(self, name: str = "Sri Wahyuni") -> UUID:
        """Somebody in a seat of the position."""
        return await self.assessing.seated(self.position, name)

    async def row(self, employee: UUID, level: int | None = 3, **changes: Any) -> dict[str, str]:
        """The row of this person, the same level in each of the nine."""
        nip = await self.owner.fetchval(
            "SELECT value FROM employee_identifiers WHERE employee_id = $1", employee
        )
        name = await self.owner.fetchval(
            "SELECT name FROM employee_profiles WHERE employee_id = $1", employee
        )
        levels = {code: "" if level is None else str(level) for code in CORE}
        row = {"nip": nip, "name": name, "potential": "78,5", **levels, "note": ""}
        return row | {key: str(value) for key, value in changes.items()}

    async def results(self, *rows: Row, **options: Any) -> dict[str, Any]:
        """Send these rows in, and return the import as it ended."""
        return await self.file(results_csv(*rows), **options)

    async def file(
        self, content: bytes, filename: str = "hasil.csv", **options: Any
    ) -> dict[str, Any]:
        """Send this file in, and return the import as it ended."""
        what = {"kind": "assessment_results", "event_id": str(self.event)}
        return await self.bring(content, filename, **(what | options))

    async def assessments(self) -> list[dict[str, Any]]:
        """What is recorded of the event: state, potential, levels by code."""
        rows = await self.owner.fetch(
            "SELECT a.id, a.employee_id, a.position_id, a.state, a.note, a.version,"
            "  a.submitted_at, s.id AS part, s.state AS part_state, s.potential_score,"
            "  (SELECT jsonb_object_agg(c.code, r.level) FROM assessment_ratings r"
            "   JOIN competencies c ON c.id = r.competency_id"
            "   WHERE r.assignment_id = s.id) AS levels"
            " FROM assessments a LEFT JOIN assessor_assignments s"
            "  ON s.assessment_id = a.id AND s.rater_id IS NULL"
            " WHERE a.event_id = $1 ORDER BY a.id",
            self.event,
        )
        return [dict(row) for row in rows]

    async def codes(self, done: Mapping[str, Any], severity: str = "error") -> list[Any]:
        """Which column has which error."""
        found = await self.findings(done["id"], severity=severity)
        return [(f["column"], f["code"]) for f in found]


def results_csv(*rows: Row) -> bytes:
    """The rows under headings that people write: names for columns, codes for competencies."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    headings = [HEADERS.get(name, name) for name in names]
    return csv_bytes([headings, *([row.get(name, "") for name in names] for row in rows)])


@pytest.fixture
async def provider(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Provider:
    """An event to which results are to come."""
    government = Government(await actors.hr_admin(), owner)
    unit = await government.unit("DISDIK")
    position = await government.position(unit, "KABID", seats=500, job_kind="administrator")
    assessing = Assessing(government)
    return Provider(app, assessing, await assessing.event(), unit, position)


async def test_results_become_submitted_assessments(provider: Provider) -> None:
    people = [await provider.candidate(f"Sri {letter}") for letter in "ABC"]
    rows = [await provider.row(person, note="Simulasi daring") for person in people]
    done = await provider.results(*rows)
    assert done["state"] == "imported", await provider.findings(done["id"])
    assert done["kind"] == "assessment_results"
    assert done["event_id"] == str(provider.event)
    assert done["effective_from"] == ENDS.isoformat()
    assert done["counts"] == {
        "rows": 3, "new": 3, "changed": 0, "unchanged": 0, "skipped": 0, "wrong": 0, "warnings": 0,
    }  # fmt: skip
    recorded = await provider.assessments()
    assert {each["employee_id"] for each in recorded} == set(people)
    for each in recorded:
        assert (each["state"], each["part_state"]) == ("submitted", "submitted")
        assert (each["potential_score"], each["note"]) == (Decimal("78.50"), "Simulasi daring")
        assert str(each["position_id"]) == provider.position
        assert each["levels"] == str(
            dict.fromkeys(sorted(CORE, key=lambda c: (len(c), c)), 3)
        ).replace("'", '"')
        assert each["submitted_at"] is not None
    evidence = await provider.owner.fetchval("SELECT DISTINCT evidence FROM assessment_ratings")
    assert evidence == '[{"title": "Berkas hasil penilaian", "reference": "hasil.csv"}]'
    assert await provider.owner.fetchval("SELECT count(*) FROM assessment_results") == 0

    again = await provider.results(*rows)
    assert (again["state"], again["counts"]["unchanged"]) == ("imported", 3)
    assert await provider.assessments() == recorded


async def test_what_was_imported_is_moderated_and_published_by_people(provider: Provider) -> None:
    person = await provider.candidate()
    await provider.results(await provider.row(person, level=4))
    [assessment] = await provider.assessments()
    path = f"/assessments/{assessment['id']}"
    seen = (await provider.client.get(f"{path}/ratings")).json()
    assert {c["code"] for c in seen["competencies"]} == set(CORE)
    moderated = await provider.client.post(f"{path}/moderate", json={})
    assert moderated.status_code == 200, moderated.text
    published = await provider.client.post(f"{path}/publish", json={"reason": "Pemetaan 2026"})
    assert published.status_code == 201, published.text
    scores = await provider.owner.fetch("SELECT actual FROM competency_scores")
    assert [score["actual"] for score in scores] == [Decimal(4)] * len(CORE)


async def test_a_change_is_made_once_and_recorded(provider: Provider) -> None:
    first, second = await provider.candidate("Sri A"), await provider.candidate("Sri B")
    rows = [await provider.row(first), await provider.row(second)]
    await provider.results(*rows)
    before = {each["employee_id"]: each for each in await provider.assessments()}
    changed = [rows[0] | {"integritas": "5", "potential": ""}, rows[1]]
    done = await provider.results(*changed)
    assert (done["counts"]["changed"], done["counts"]["unchanged"]) == (1, 1)
    after = {each["employee_id"]: each for each in await provider.assessments()}
    assert after[second] == before[second]
    assert after[first]["version"] == before[first]["version"] + 1
    assert after[first]["submitted_at"] == before[first]["submitted_at"]
    assert '"integritas": 5' in after[first]["levels"]
    assert after[first]["potential_score"] == Decimal("78.50")  # silent cells change nothing
    events = await provider.owner.fetch(
        "SELECT operation, actor_account_id FROM audit_events"
        " WHERE entity = 'assessment_ratings' ORDER BY id"
    )
    assert len(events) == 2
    assert {event["operation"] for event in events} == {"imports_create_import"}
    assert {event["actor_account_id"] for event in events} == {provider.client.account_id}
    assert (await provider.results(*changed))["counts"]["unchanged"] == 2

    noted = [rows[0] | {"integritas": "5", "note": "Catatan baru"}, rows[1]]
    assert (await provider.results(*noted))["counts"]["changed"] == 1
    assert (await provider.results(*noted))["counts"]["unchanged"] == 2


async def test_a_draft_gets_the_providers_part(provider: Provider) -> None:
    assessing = provider.assessing
    ready, waiting = await provider.candidate("Sri A"), await provider.candidate("Sri B")
    alone = await assessing.assessment(provider.event, ready, provider.position)
    await assessing.rater(alone, "superior", levels=4)
    open_still = await assessing.assessment(provider.event, waiting, provider.position)
    await assessing.rater(open_still, "superior")
    rows = [await provider.row(ready), await provider.row(waiting)]
    done = await provider.results(*rows)
    assert done["state"] == "imported", await provider.findings(done["id"])
    assert (done["counts"]["new"], done["counts"]["changed"]) == (0, 2)
    assert await provider.codes(done, "warning") == [(None, "raters_pending")]
    state = {
        each["id"]: (each["state"], each["part_state"]) for each in await provider.assessments()
    }
    assert state == {alone: ("submitted", "submitted"), open_still: ("draft", "submitted")}
    assert (await provider.results(*rows))["counts"]["unchanged"] == 2


async def test_a_part_that_waits_for_the_provider_is_filled(provider: Provider) -> None:
    person = await provider.candidate()
    assessment = await provider.assessing.assessment(provider.event, person, provider.position)
    part = await provider.assessing.rater(assessment, "assessor")
    done = await provider.results(await provider.row(person))
    assert done["counts"]["changed"] == 1
    [recorded] = await provider.assessments()
    assert (recorded["part"], recorded["part_state"]) == (part, "submitted")


async def test_what_was_noted_outlives_a_moderation_without_a_note(provider: Provider) -> None:
    person = await provider.candidate()
    await provider.results(await provider.row(person, note="Simulasi daring"))
    ok(await provider.client.post(f"/assessment-events/{provider.event}/moderate", json={}))
    (recorded,) = await provider.assessments()
    assert (recorded["state"], recorded["note"]) == ("moderated", "Simulasi daring")


@pytest.mark.parametrize("state", ["moderated", "published", "superseded"])
async def test_what_is_settled_changes_by_objection_only(provider: Provider, state: str) -> None:
    person = await provider.candidate()
    await provider.results(row := await provider.row(person, note="Pertama"))
    await provider.owner.execute(
        "UPDATE assessments SET state = $1, moderated_by = $2, note = 'Moderator'",
        state,
        provider.client.account_id,
    )
    before = await provider.assessments()
    same = await provider.results(row)
    assert same["counts"]["unchanged"] == 1, await provider.findings(same["id"])
    for other in ({"integritas": "4"}, {"potential": "12"}):
        done = await provider.results(row | other)
        assert done["state"] == "refused"
        assert await provider.codes(done) == [("nip", "result_settled")]
    assert await provider.assessments() == before


async def test_a_cancelled_assessment_is_as_if_there_were_none(provider: Provider) -> None:
    person = await provider.candidate()
    await provider.assessing.assessment(
        provider.event, person, provider.position, state="cancelled"
    )
    done = await provider.results(await provider.row(person))
    assert done["counts"]["new"] == 1
    assert {each["state"] for each in await provider.assessments()} == {"cancelled", "submitted"}


WRONG = {
    "nip of nobody": ({"nip": "198501312010011001"}, ("nip", "identifier_unknown")),
    "nip that Excel cut": ({"nip": "1,98001E+17"}, ("nip", "nip_lost_digits")),
    "level above five": ({"integritas": "6"}, ("level.integritas", "level_out_of_range")),
    "level of a mean": ({"kerja_sama": "3,5"}, ("level.kerja_sama", "level_not_whole")),
    "level in prose": ({"komunikasi": "baik"}, ("level.komunikasi", "level_unreadable")),
    "potential of a percentage": ({"potential": "0,78"}, ("potential", "potential_is_share")),
    "position of nobody": ({"position_code": "XX"}, ("position_code", "position_code_unknown")),
    "no level at all": (dict.fromkeys(CORE, ""), (None, "levels_missing")),
}


@pytest.mark.parametrize(("changes", "found"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_said(
    provider: Provider, changes: dict[str, str], found: tuple[str | None, str]
) -> None:
    good, bad = await provider.candidate("Sri A"), await provider.candidate("Sri B")
    rows = [await provider.row(good), await provider.row(bad) | changes]
    done = await provider.results(*rows)
    assert done["state"] == "refused"
    assert await provider.codes(done) == [found]
    assert await provider.assessments() == []
    part = await provider.results(*rows, partial=True)
    assert (part["counts"]["new"], part["counts"]["wrong"]) == (1, 1)
    assert [each["employee_id"] for each in await provider.assessments()] == [good]


async def test_findings_name_the_column_and_speak_both_languages(provider: Provider) -> None:
    person = await provider.candidate()
    done = await provider.results(await provider.row(person, kerja_sama="9"), dry_run=True)
    assert done["state"] == "checked"
    [found] = await provider.findings(done["id"])
    assert (found["header"], found["row_number"]) == ("Kerja Sama", 2)
    assert found["detail"] == "Level hanya 0 sampai 5."
    english = await provider.client.get(
        f"/imports/{done['id']}/findings", headers={"Accept-Language": "en"}
    )
    assert english.json()["items"][0]["detail"] == "A level lies between 0 and 5."
    assert await provider.assessments() == []


async def test_who_left_who_comes_twice_and_who_is_called_otherwise(provider: Provider) -> None:
    left = await provider.assessing.government.employee("Sri Pergi", until=date(2026, 8, 1))
    twice = await provider.candidate("Sri Dua")
    number = await provider.owner.fetchval(
        "INSERT INTO employee_identifiers (employee_id, kind, value, valid)"
        " VALUES ($1, 'nip', '198005172009012001', '[2009-01-01,2010-01-01)') RETURNING value",
        twice,
    )
    titled = await provider.candidate("Sri Gelar")
    rows = [
        await provider.row(left, position_code="KABID"),
        await provider.row(twice),
        await provider.row(twice, name="Sri Dua", nip=number),
        await provider.row(titled, name="Dr. SRI  GELAR, M.Si."),
        await provider.row(titled, name="Dr. SRI  GELAR, M.Si."),
        await provider.row(titled, name="Sri Lain", integritas=5),
    ]
    done = await provider.results(*rows, dry_run=True)
    errors = await provider.findings(done["id"], severity="error")
    assert [(f["row_number"], f["code"]) for f in errors] == [
        (2, "employee_not_in_service"),
        (3, "employee_repeated"),
        (4, "employee_repeated"),
        (7, "identifier_repeated"),
    ]
    warnings = await provider.findings(done["id"], severity="warning")
    assert [(f["row_number"], f["code"]) for f in warnings] == [
        (6, "row_repeated"),
        (7, "name_differs"),
    ]
    assert done["counts"]["skipped"] == 1


async def test_the_position_measured_against(provider: Provider) -> None:
    government = provider.assessing.government
    head = await government.position(provider.unit, "KADIS.1", seats=3, job_kind="jpt_pratama")
    closed = await government.position(provider.unit, "TUTUP", seats=3)
    await provider.owner.execute(
        "UPDATE position_versions SET valid = '[2020-01-01,2026-01-01)' WHERE position_id = $1",
        UUID(closed),
    )
    seatless = await government.employee("Sri Bebas")
    rows = [
        await provider.row(await provider.candidate("Sri A"), position_code=" kadis.1"),
        await provider.row(seatless, position_code="KADIS.1"),
        await provider.row(await provider.candidate("Sri B")),
    ]
    done = await provider.results(*rows)
    assert done["state"] == "imported", await provider.findings(done["id"])
    positions = [str(each["position_id"]) for each in await provider.assessments()]
    assert sorted(positions) == sorted([head, head, provider.position])

    wrong = [
        rows[0] | {"position_code": "KABID"},
        rows[1] | {"position_code": "TUTUP"},
        await provider.row(await government.employee("Sri Baru")),
    ]
    done = await provider.results(*wrong, dry_run=True)
    found = await provider.findings(done["id"], severity="error")
    assert [(f["row_number"], f["code"]) for f in found] == [
        (2, "assessed_for_other"),
        (3, "assessed_for_other"),
        (3, "position_without_standard"),
        (4, "seat_missing"),
    ]
    assert "KADIS.1" in found[0]["detail"]
    assert "01-09-2026" in found[3]["detail"]
    fresh = await provider.row(await government.employee("Sri Lain"), position_code="TUTUP")
    done = await provider.results(fresh, dry_run=True)
    assert await provider.codes(done) == [("position_code", "position_without_standard")]


async def test_a_required_competency_left_out_is_a_warning(provider: Provider) -> None:
    person = await provider.candidate()
    row = await provider.row(person, integritas="", komunikasi="")
    done = await provider.results(row)
    assert done["state"] == "imported"
    [found] = await provider.findings(done["id"])
    assert (found["column"], found["code"]) == (None, "competencies_missing")
    assert "Integritas, Komunikasi," in found["detail"]
    rest = await provider.row(person, level=None, integritas=2, komunikasi=3)
    done = await provider.results(rest)  # what came before stays
    assert (done["counts"]["changed"], done["counts"]["warnings"]) == (1, 0)
    [recorded] = await provider.assessments()
    assert recorded["levels"].count(":") == len(CORE)


async def test_a_competency_out_of_the_dictionary(provider: Provider) -> None:
    await provider.owner.execute(
        "UPDATE competency_versions SET valid = daterange(lower(valid), '2026-09-01')"
        " WHERE name = 'Integritas'"
    )
    person = await provider.candidate()
    done = await provider.results(await provider.row(person))
    assert await provider.codes(done) == [("level.integritas", "competency_not_in_force")]
    [found] = await provider.findings(done["id"])
    assert found["header"] == "Integritas"
    done = await provider.results(await provider.row(person, integritas=""))
    assert done["state"] == "imported", await provider.findings(done["id"])


async def test_messy_workbook_from_dry_run_to_unchanged(provider: Provider) -> None:
    people = [await provider.candidate(f"Sri {letter}") for letter in "ABCDEFGHIJKLMNOP"]
    clean = [await provider.row(person) for person in people]
    named = [
        {f"level.{name}" if name in CORE else name: value for name, value in row.items()}
        | {"potential": "78.5"}
        for row in clean
    ]
    competencies = [
        {"code": code, "name": code.replace("_", " ").title(), "aliases": [], "in_force": True,
         "levels": []}
        for code in CORE
    ]  # fmt: skip
    content = messy_results(named, competencies)
    dry = await provider.file(content, "rekap.xlsx", dry_run=True)
    assert dry["state"] == "checked", dry
    errors = await provider.findings(dry["id"], severity="error")
    assert [found["code"] for found in errors] == list(MUST_MEND)
    assert await provider.assessments() == []
    assert (await provider.file(content, "rekap.xlsx"))["state"] == "refused"

    applied = await provider.client.post(f"/imports/{dry['id']}/apply", params={"partial": True})
    assert applied.status_code == 202, applied.text
    await run_pending_jobs(provider.app.state.runtime)
    partial = await provider.look(applied.json()["id"])
    assert (partial["state"], partial["kind"]) == ("imported", "assessment_results")
    assert partial["counts"]["new"] == len(people) - len(MUST_MEND)

    answer = await provider.client.get(f"/imports/{partial['id']}/error-file")
    assert "rekap-kesalahan.xlsx" in answer.headers["content-disposition"]
    mended = mend(answer.content, clean)
    done = await provider.file(mended, "rekap-kesalahan.xlsx")
    assert done["state"] == "imported", await provider.findings(done["id"])
    assert done["counts"]["new"] == len(MUST_MEND)
    again = await provider.results(*clean)
    assert again["counts"]["unchanged"] == len(people), await provider.findings(again["id"])


def mend(error_file: bytes, clean: list[dict[str, str]]) -> bytes:
    """The error file with each row put right, found by the name."""
    book = CalamineWorkbook.from_filelike(BytesIO(error_file))
    headings, *rows = book.get_sheet_by_index(0).to_python()
    known = results_layout(
        [{"code": c, "name": c, "aliases": [], "in_force": True, "levels": []} for c in CORE]
    ).columns
    columns = [known.for_heading(str(heading)) for heading in headings]
    by_name = {row["name"]: row for row in clean}
    name = next(i for i, c in enumerate(columns) if c and c.name == "name")
    mended = [
        [
            by_name[str(row[name])].get(c.name.removeprefix("level."), "") if c else ""
            for c in columns
        ]
        for row in rows
    ]
    return xlsx_file([[str(heading) for heading in headings], *mended])


async def test_a_closed_event_takes_no_more(provider: Provider) -> None:
    content = results_csv(await provider.row(await provider.candidate()))
    what = {"kind": "assessment_results", "event_id": str(provider.event)}
    sent = await provider.send(content, **what)
    await provider.owner.execute("UPDATE assessment_events SET closed_at = now()")
    await run_pending_jobs(provider.app.state.runtime)
    done = await provider.look(sent.json()["id"])
    assert (done["state"], done["problem"]["code"]) == ("refused", "event_closed")
    problem(await provider.send(content, **what), 409, "event_closed")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"kind": "assessment_results"}, "/event_id"),
        ({"kind": "assessment_results", "event_id": str(uuid4())}, "/event_id"),
        ({"kind": "employees", "event_id": "event"}, "/event_id"),
        ({"kind": "assessment_results", "event_id": "event", "create_positions": True},
         "/create_positions"),
        ({"kind": "assessment_results", "event_id": "event", "effective_from": "2026-01-01"},
         "/effective_from"),
        ({"kind": "assessment_results", "event_id": "event", "mapping": '{"A": "email"}'},
         "/mapping"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_the_kind_is_refused(
    provider: Provider, options: dict[str, Any], pointer: str
) -> None:
    if options.get("event_id") == "event":
        options = options | {"event_id": str(provider.event)}
    body = problem(await provider.send(b"x", **options), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == [pointer]


async def test_nobody_brings_in_their_own_result(provider: Provider, actors: Actors) -> None:
    person = await provider.candidate()
    officer = await actors.sign_in(Role.HR_ADMIN, person)
    content = results_csv(await provider.row(person))
    sent = Officer(provider.app, officer)
    done = await sent.bring(content, kind="assessment_results", event_id=str(provider.event))
    assert await provider.codes(done) == [("nip", "own_result")]


async def test_roles(provider: Provider, actors: Actors) -> None:
    person = await provider.candidate()
    content = results_csv(await provider.row(person))
    what = {"kind": "assessment_results", "event_id": str(provider.event)}
    for client in (await actors.public(), await actors.asn(person), await actors.auditor(),
                   await actors.service("assessments:write")):  # fmt: skip
        problem(await Officer(provider.app, client).send(content, **what), 403, "forbidden")
    script = Officer(provider.app, await actors.service("imports:read", "imports:write"))
    done = await script.bring(content, **what)
    assert done["state"] == "imported", await script.findings(done["id"])
    listed = (await provider.client.get("/imports", params={"kind": "assessment_results"})).json()
    assert [each["id"] for each in listed["items"]] == [done["id"]]
    listed = (await provider.client.get("/imports", params={"kind": "employees"})).json()
    assert listed["items"] == []


async def test_columns_and_template(provider: Provider) -> None:
    kind = {"kind": "assessment_results"}
    columns = (await provider.client.get("/imports/columns", params=kind)).json()["items"]
    names = [column["name"] for column in columns]
    assert names[:5] == ["nip", "name", "position_code", "potential", "level.integritas"]
    template = await provider.client.get("/imports/template", params=kind)
    assert "templat-hasil-penilaian.xlsx" in template.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(BytesIO(template.content))
    assert book.sheet_names == ["Hasil Penilaian", "Petunjuk", "Level"]
    csv = await provider.client.get("/imports/template", params=kind | {"format": "csv"})
    assert csv.content.startswith(b"\xef\xbb\xbfNIP;Nama;Kode jabatan;Nilai potensi;Integritas;")


async def test_a_moderation_meanwhile_is_not_overrun(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody moderates between the plan and the writing: the plan is made again, and refuses."""
    person = await provider.candidate()
    await provider.results(row := await provider.row(person))
    plans = []

    async def plan_then_meddle(session: AsyncSession, *given: Any) -> dict[str, int]:
        plans.append(await make_plan(session, *given))
        if len(plans) == 1:
            await provider.owner.execute(
                "UPDATE assessments SET state = 'moderated', moderated_by = $1,"
                " version = version + 1",
                provider.client.account_id,
            )
        return plans[-1]

    monkeypatch.setattr(work, "make_plan", plan_then_meddle)
    done = await provider.results(row | {"integritas": "5"})
    assert (done["state"], len(plans)) == ("refused", 2)
    assert await provider.codes(done) == [("nip", "result_settled")]


async def test_the_same_file_twice_at_once(provider: Provider) -> None:
    content = results_csv(await provider.row(await provider.candidate()))
    what = {"kind": "assessment_results", "event_id": str(provider.event)}
    sent = await asyncio.gather(*(provider.send(content, **what) for _ in range(2)))
    runtime = provider.app.state.runtime
    await asyncio.gather(run_pending_jobs(runtime), run_pending_jobs(runtime))
    done = [await provider.look(answer.json()["id"]) for answer in sent]
    assert sorted(each["counts"]["new"] for each in done) == [0, 1]
    assert len(await provider.assessments()) == 1
