"""Schemathesis: requests made from the OpenAPI document, those that fit it and those that don't.

Over HTTP, to a server with a filled database. No answer may be a 5xx, and each must have the
status, content type and shape that the document tells of. The same requests in every run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.access.table import TABLE
from app.vocabulary import Role
from tests.actors import Actors
from tests.populated import Populated

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
"""Requests an operation, role and mode; the fields' own cases are in test_bad_input.py."""
SETTINGS = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Server(uvicorn.Server):
    """Leaves the signals to the test run, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The address of a server of the test's application."""
    server = Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    await server.listening.wait()
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("role", [Role.HR_ADMIN, Role.AUDITOR, Role.ASN])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_no_request_breaks_it(
    role: Role,
    mode: GenerationMode,
    url: str,
    app: FastAPI,
    actors: Actors,
    populated: Populated,
) -> None:
    schema = schemathesis.openapi.from_dict(app.openapi())
    for result in schema.get_all_operations():
        operation = result.ok()
        if role not in TABLE[operation.definition.raw["operationId"]].roles:
            continue  # which tests/test_access_matrix.py looks at
        if mode is GenerationMode.NEGATIVE and not _takes_anything(operation):
            continue
        employee = populated.own if role is Role.ASN else None
        client = await actors.sign_in(role, employee)  # anew: some operations end the session
        await asyncio.to_thread(
            attack, operation, mode, populated, url, client.headers["Authorization"]
        )


def _takes_anything(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    return bool(operation.definition.raw.keys() & {"parameters", "requestBody"})


def attack(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    populated: Populated,
    url: str,
    authorization: str,
) -> None:
    """Send what Schemathesis makes for one operation; where it fits, about things that exist."""
    names = {p.name for p in operation.path_parameters}
    real = {name: str(populated.ids[name]) for name in names}
    known = {"path_parameters": real} if real and mode is GenerationMode.POSITIVE else {}

    @SETTINGS
    @given(operation.as_strategy(mode, **known))
    def send(case: Case) -> None:
        answer = case.call(url, headers={"Authorization": authorization}, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    send()
