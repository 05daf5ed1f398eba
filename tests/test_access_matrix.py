"""The three walls, over every operation of the OpenAPI document.

`EXPECTED` is written by hand and not read from the access table: who loosens a rule must say so
here too, and who adds an operation must say who may call it.
"""

import functools
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import ColumnElement, true

from app import main
from app.access.organisation import Sight
from app.access.table import TABLE, UnlistedOperation
from app.vocabulary import Role, Scope
from tests.actors import Actors, Client, problem
from tests.audit_log import write_employees
from tests.populated import Operation, Populated, operations, unserved

EXPECTED = """
sign_in_with_password               anyone
sign_in_refresh                     anyone
sign_in_client_token                anyone
sign_in_activate                    anyone
sign_in_sign_out                    public asn hr_admin auditor service
sign_in_keys                        anyone
sessions_list_sessions              public asn hr_admin auditor service
sessions_revoke                     public asn hr_admin auditor service
sessions_revoke_all                 public asn hr_admin auditor service
me_get_me                           public asn hr_admin auditor service
me_update_me                        public asn hr_admin auditor
me_change_password                  public asn hr_admin auditor
me_start_totp                       public asn hr_admin auditor
me_confirm_totp                     public asn hr_admin auditor
me_remove_totp                      public asn hr_admin auditor
me_renew_recovery_codes             public asn hr_admin auditor
me_withdraw_consent                 public
me_list_data_access                 public asn hr_admin auditor
accounts_register                   anyone
accounts_list_accounts                         hr_admin auditor
accounts_create_account                        hr_admin
accounts_get_account                           hr_admin auditor
accounts_update_account                        hr_admin
accounts_reset_password                        hr_admin
accounts_reset_totp                            hr_admin
invitations_create_invitations                 hr_admin
invitations_list_invitations                   hr_admin
invitations_revoke                             hr_admin
health_livez                        anyone
health_readyz                       anyone
health_metrics                      anyone
units_list_units                           asn hr_admin auditor organisation:read
units_get_tree                             asn hr_admin auditor organisation:read
units_get_unit                             asn hr_admin auditor organisation:read
units_get_history                          asn hr_admin auditor organisation:read
units_get_seats                            hr_admin auditor organisation:read
units_list_retirements                         hr_admin auditor
units_create_unit                              hr_admin         organisation:write
units_update_unit                              hr_admin         organisation:write
units_move_unit                                hr_admin         organisation:write
units_merge_unit                               hr_admin         organisation:write
units_close_unit                               hr_admin         organisation:write
positions_list_positions                   asn hr_admin auditor organisation:read
positions_get_position                     asn hr_admin auditor organisation:read
positions_get_history                      asn hr_admin auditor organisation:read
positions_list_assignments                 asn hr_admin auditor organisation:read
positions_get_assignment                   asn hr_admin auditor organisation:read
positions_create_position                      hr_admin         organisation:write
positions_update_position                      hr_admin         organisation:write
positions_close_position                       hr_admin         organisation:write
positions_create_assignment                    hr_admin         organisation:write
positions_update_assignment                    hr_admin         organisation:write
employees_list_employees                       hr_admin auditor employees:read
employees_get_employee                     asn hr_admin auditor employees:read
employees_get_history                      asn hr_admin auditor employees:read
employees_create_employee                      hr_admin         employees:write
employees_update_employee                      hr_admin         employees:write
employees_change_profile                       hr_admin         employees:write
employees_change_identifier                    hr_admin         employees:write
employees_change_status                        hr_admin         employees:write
employees_change_golongan                      hr_admin         employees:write
employees_separate                             hr_admin         employees:write
employees_add_education                        hr_admin         employees:write
employees_remove_education                     hr_admin         employees:write
employees_add_discipline                       hr_admin         employees:write
employees_remove_discipline                    hr_admin         employees:write
employees_get_spouse                       asn hr_admin auditor employees:read
employees_record_spouse                        hr_admin         employees:write
employees_end_marriage                         hr_admin         employees:write
employees_reveal_nik                           hr_admin
employees_export_data                      asn hr_admin auditor
correction_requests_create_request         asn
correction_requests_list_of_employee       asn hr_admin auditor corrections:read
correction_requests_list_requests              hr_admin auditor corrections:read
correction_requests_get_request            asn hr_admin auditor corrections:read
correction_requests_accept                     hr_admin
correction_requests_decline                    hr_admin
correction_requests_withdraw               asn
sync_get_employees                         asn hr_admin auditor employees:read
sync_get_units                             asn hr_admin auditor organisation:read
sync_get_positions                         asn hr_admin auditor organisation:read
sync_get_assessment_results                asn hr_admin auditor assessments:read
imports_create_import                          hr_admin         imports:write
imports_apply_import                           hr_admin         imports:write
imports_list_imports                           hr_admin         imports:read
imports_list_columns                           hr_admin         imports:read
imports_get_template                           hr_admin         imports:read
imports_get_import                             hr_admin         imports:read
imports_list_findings                          hr_admin         imports:read
imports_get_error_file                         hr_admin         imports:read
exports_list_datasets                                   auditor exports:read
exports_create_export                                   auditor exports:read
exports_list_exports                                    auditor exports:read
exports_get_export                                      auditor exports:read
exports_get_content                                     auditor exports:read
exports_get_manifest                                    auditor exports:read
competencies_list_competencies      public asn hr_admin auditor service
competencies_get_competency         public asn hr_admin auditor service
competencies_get_history            public asn hr_admin auditor service
competencies_create_competency                 hr_admin
competencies_update_competency                 hr_admin
competencies_close_competency                  hr_admin
standards_get_standard                     asn hr_admin auditor organisation:read
standards_get_history                      asn hr_admin auditor organisation:read
standards_list_proposals                       hr_admin auditor
standards_get_proposal                         hr_admin auditor
standards_create_proposal                      hr_admin
standards_approve                              hr_admin
standards_decline                              hr_admin
standards_withdraw                             hr_admin
assessment_providers_list_providers        asn hr_admin auditor assessments:read
assessment_providers_get_provider          asn hr_admin auditor assessments:read
assessment_providers_create_provider           hr_admin
assessment_providers_update_provider           hr_admin
assessment_providers_record_accreditation      hr_admin
assessment_providers_end_accreditation         hr_admin
assessment_events_list_events              asn hr_admin auditor assessments:read
assessment_events_get_event                asn hr_admin auditor assessments:read
assessment_events_create_event                 hr_admin         assessments:write
assessment_events_update_event                 hr_admin         assessments:write
assessment_events_close                        hr_admin
assessment_events_list_assessments             hr_admin auditor assessments:read
assessment_events_add_candidates               hr_admin         assessments:write
assessment_events_submit                       hr_admin
assessment_events_moderate                     hr_admin
assessments_list_assessments               asn hr_admin auditor assessments:read
assessments_get_assessment                 asn hr_admin auditor assessments:read
assessments_get_ratings                        hr_admin auditor
assessments_list_raters                        hr_admin auditor assessments:read
assessments_assign_raters                      hr_admin         assessments:write
assessments_submit                             hr_admin
assessments_return_to_draft                    hr_admin
assessments_moderate                           hr_admin
assessments_cancel                             hr_admin
assessor_assignments_list_own              asn
assessor_assignments_get_form              asn
assessor_assignments_put_form              asn
assessor_assignments_rate                  asn
assessor_assignments_remove_rating         asn
assessor_assignments_submit                asn
assessor_assignments_withdraw                  hr_admin
assessor_assignments_return_form               hr_admin
assessment_results_list_results            asn hr_admin auditor assessments:read
assessment_results_get_result              asn hr_admin auditor assessments:read
assessment_results_get_profile             asn hr_admin auditor assessments:read
assessment_results_get_radar               asn hr_admin auditor assessments:read
assessment_results_get_history             asn hr_admin auditor assessments:read
assessment_results_compare                 asn hr_admin auditor assessments:read
assessment_results_publish                     hr_admin
assessment_results_publish_event               hr_admin
assessment_results_replay                               auditor
objections_list_objections                 asn hr_admin auditor assessments:read
objections_get_objection                   asn hr_admin auditor assessments:read
objections_file_objection                  asn
objections_withdraw                        asn
objections_add_statement                   asn hr_admin
objections_assign                              hr_admin
objections_rule                                hr_admin
competency_gaps_get_summary                    hr_admin auditor assessments:read
competency_gaps_list_coverage                  hr_admin auditor assessments:read
competency_gaps_list_candidates                hr_admin auditor assessments:read
statistics_list_datasets            anyone
statistics_get_snapshot             anyone
statistics_list_snapshots           anyone
statistics_publish_snapshot                    hr_admin
audit_list_events                                       auditor
audit_get_event                                         auditor
audit_get_inclusion_proof                               auditor
audit_list_reads_of_account                             auditor
audit_verify                                            auditor
audit_list_checkpoints                                  auditor audit:read
audit_create_checkpoint                                 auditor
audit_get_checkpoint                                    auditor audit:read
audit_get_audit_keys                anyone
"""
"""Operation, the roles that may call it, and the scope by which a service client may."""

ALLOWED = {line.split()[0]: frozenset(line.split()[1:]) for line in EXPECTED.strip().splitlines()}
WHO = ("anonymous", "public", "asn", "hr_admin", "auditor", "service", *Scope)
"""Roles; `service` holds no scope, and a scope stands for a service client with it alone."""


def may(who: str, operation: str) -> bool:
    """Whether the expectation lets them."""
    allowed = ALLOWED[operation]
    return "anyone" in allowed or who in allowed or (who in set(Scope) and "service" in allowed)


# --- the first wall: the access table -----------------------------------------------------


def test_every_operation_has_a_line_and_every_line_an_operation() -> None:
    served = {operation.id for operation in operations(unserved())}
    assert served - ALLOWED.keys() == set(), "say in EXPECTED who may call these"
    assert ALLOWED.keys() - served == set(), "these are not served any more"


@pytest.mark.parametrize("who", WHO)
async def test_who_may_call_what(
    who: str, app: FastAPI, actors: Actors, owner: asyncpg.Connection
) -> None:
    employee, colleague = await write_employees(owner, 2)
    for operation in operations(app):
        # An officer exports their own data, and never changes their own record.
        own = who == "asn" or operation.method == "GET"
        person = employee if own else colleague
        client = await _client(who, actors, person["id"])  # a new one: some end a session
        values = operation.nothing() | {"employee_id": employee["id"]}
        answer = await operation.send(client, values, json={})
        allowed = may(who, operation.id)
        assert (answer.status_code in (401, 403)) is not allowed, f"{who}: {operation.id}"
        if not allowed and who == "anonymous":
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
        elif not allowed:
            problem(answer, 403, "forbidden")


async def _client(who: str, actors: Actors, employee: UUID) -> Client:
    """Somebody of that role; staff are employees too, whose own data some operations are for."""
    if who == "anonymous":
        return actors.anonymous()
    if who in set(Scope):
        return await actors.service(who)
    staff = who in ("asn", "hr_admin", "auditor")
    return await actors.sign_in(Role(who), employee if staff else None)


async def test_refused_before_anything_is_looked_at(app: FastAPI, populated: Populated) -> None:
    """A forbidden caller can't tell by the answer whether an id exists or a body is right."""
    citizen = populated.clients[Role.PUBLIC]
    for operation in operations(app):
        if not may("public", operation.id):
            real = await operation.send(citizen, populated.ids)
            problem(real, 403, "forbidden")
            assert _bare(real) == _bare(await operation.send(citizen, operation.nothing()))


def test_an_unlisted_operation_keeps_the_application_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = APIRouter(tags=["units"])

    @extra.get("/forgotten")
    async def forgotten() -> None: ...

    monkeypatch.setattr(main, "ROUTERS", (*main.ROUTERS, extra))
    with pytest.raises(UnlistedOperation, match="units_forgotten"):
        unserved()


def test_a_rule_without_an_operation_keeps_it_from_starting_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TABLE, "units_vanished", TABLE["units_get_unit"])  # type: ignore[arg-type]
    with pytest.raises(UnlistedOperation, match="units_vanished"):
        unserved()


# --- the second wall: ids of others -------------------------------------------------------

OPEN = {
    *("unit_id", "parent_id", "root", "position_id", "competency_id"),
    *("provider_id", "assessment_event_id", "dataset"),
}
"""What every caller whom the table lets in may see: not a person's."""


@pytest.mark.parametrize("secured", [True, False])
async def test_a_foreign_id_is_as_an_absent_one(
    secured: bool, app: FastAPI, owner: asyncpg.Connection, populated: Populated
) -> None:
    """Also where row-level security is gone: the row rules hold by themselves."""
    if not secured:
        await _disable_row_level_security(owner)
    tried = Counter[str]()
    for role in (Role.ASN, Role.PUBLIC):
        client = populated.clients[role]
        for operation in operations(app):
            if may(role, operation.id):
                for name in _ids(operation) - OPEN:
                    await _same_answer(operation, client, populated, name)
                    tried[name] += 1
    assert {"employee_id", "assignment_id", "request_id", "session_id", "account_id"} <= set(tried)


def _ids(operation: Operation) -> set[str]:
    """The parameters that take an id."""
    return {
        p["name"]
        for p in operation.parameters("path", "query")
        if p["in"] == "path" or "'uuid'" in str(p["schema"])
    }


def _asked(operation: Operation, ids: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """The ids of the query as what `send` takes."""
    names = _ids(operation) & {p["name"] for p in operation.parameters("query")}
    return {"params": {name: str(ids[name]) for name in names}}


async def _same_answer(
    operation: Operation, client: Client, populated: Populated, name: str
) -> None:
    """With somebody else's id the answer is, byte by byte, that of an id that nothing has."""
    assert name in populated.ids, f"tests/populated.py has no {name}"
    in_path = "{" + name + "}" in operation.path
    answers = []
    for value in (populated.ids[name], uuid4()):
        query = {} if in_path else {"params": {name: str(value)}}
        answers.append(await operation.send(client, populated.ids | {name: value}, **query))
    foreign, absent = answers
    assert _bare(foreign) == _bare(absent), f"{operation.id} tells of a foreign {name}"
    if in_path:
        problem(foreign, 404, "not_found")


def _bare(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """An answer without what differs between any two."""
    request_id = answer.headers["x-request-id"].encode()
    headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")}
    return answer.status_code, answer.content.replace(request_id, b""), headers


# --- the third wall: row-level security ---------------------------------------------------


@pytest.fixture
def without_row_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The application with every row rule of app/access answering yes; counts their calls."""
    asked = Counter[str]()
    for module in _modules("app.access."):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and (answer := _yes(function)) is not None:
                _replace(monkeypatch, function, _always(answer, f"{module.__name__}.{name}", asked))
    _forget_statements()
    yield asked
    monkeypatch.undo()
    _forget_statements()


def _modules(prefix: str) -> list[ModuleType]:
    return [m for name, m in sorted(sys.modules.items()) if name.startswith(prefix)]


def _yes(function: Callable[..., Any]) -> object:
    """What a row rule says when it lets everything through; None for what is no row rule."""
    kind = inspect.signature(function, eval_str=True).return_annotation
    return {bool: True, ColumnElement[bool]: true(), Sight: Sight.ALL}.get(kind)


def _always(answer: object, name: str, asked: Counter[str]) -> Callable[..., object]:
    def rule(*_: object, **__: object) -> object:
        asked[name] += 1
        return answer

    return rule


def _replace(
    monkeypatch: pytest.MonkeyPatch, old: Callable[..., Any], new: Callable[..., Any]
) -> None:
    for module in _modules("app."):
        for name, value in list(vars(module).items()):
            if value is old:
                monkeypatch.setattr(module, name, new)


def _forget_statements() -> None:
    """Statements are built once; with the rules that then were."""
    for module in _modules("app.services."):
        for value in vars(module).values():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


async def test_row_level_security_holds_where_the_row_rules_are_gone(
    app: FastAPI,
    owner: asyncpg.Connection,
    populated: Populated,
    without_row_rules: Counter[str],
) -> None:
    for operation in operations(app):
        if operation.method == "GET" and may("asn", operation.id):
            for leak in await _leaks(operation, populated):
                pytest.fail(f"{operation.id} shows an ASN {leak}")
    assert without_row_rules, "no row rule was asked"

    # And it is row-level security that held: without it, the same requests do leak.
    await _disable_row_level_security(owner)
    leaking = [
        o.id
        for o in operations(app)
        if o.method == "GET" and may("asn", o.id) and await _leaks(o, populated)
    ]
    assert {"employees_get_employee", "sessions_list_sessions"} <= set(leaking)
    assert "positions_list_assignments" in leaking


async def _leaks(operation: Operation, populated: Populated) -> list[str]:
    """What the answer to an ASN who asks for the foreign employee holds of theirs."""
    sent = {str(value) for value in populated.ids.values()}
    asked = _asked(operation, populated.ids)
    answer = await operation.send(populated.asn, populated.ids, **asked)
    assert answer.status_code < 500, operation.id
    return [
        s for s in populated.secrets if s in answer.text and (s not in sent or answer.is_success)
    ]


async def _disable_row_level_security(owner: asyncpg.Connection) -> None:
    for table in await owner.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relrowsecurity"
    ):
        await owner.execute(f"ALTER TABLE {table['name']} DISABLE ROW LEVEL SECURITY")


async def test_row_level_security_lets_nobody_write_about_another(
    app: FastAPI, owner: asyncpg.Connection, populated: Populated, without_row_rules: Counter[str]
) -> None:
    before = await _state(owner, populated.foreign)
    for operation in operations(app):
        if operation.method != "GET" and may("asn", operation.id) and _ids(operation) - OPEN:
            await operation.send(populated.asn, populated.ids, **_asked(operation, populated.ids))
    assert await _state(owner, populated.foreign) == before


async def _state(owner: asyncpg.Connection, employee: UUID) -> list[asyncpg.Record]:
    return await owner.fetch(
        "SELECT 'correction', id, version FROM correction_requests WHERE employee_id = $1"
        " UNION ALL SELECT 'session', s.id, (revoked_at IS NULL)::int FROM sign_in_sessions s"
        " JOIN accounts a ON a.id = s.account_id WHERE a.employee_id = $1 ORDER BY 1, 2",
        employee,
    )
