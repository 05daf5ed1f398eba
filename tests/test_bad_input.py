"""Bad input, for every operation of the OpenAPI document: always a problem, never a 500.

The answer names the field by a pointer, and neither it nor the log repeats what was sent.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from io import StringIO
from itertools import pairwise, product
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from fastapi import FastAPI

from app.errors import PROBLEM_JSON
from tests.actors import Actors, problem
from tests.populated import (
    JSON,
    Operation,
    Populated,
    operations,
)

MARKER = "RAHASIA7731"
"""What was sent, and must not come back."""


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Everything that the application logs, at every level."""
    lines = StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(lines),
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    )
    for name, module in list(sys.modules.items()):
        if name.startswith("app.") and hasattr(module, "log"):
            monkeypatch.setattr(module, "log", logger)
    yield lines
    assert MARKER not in lines.getvalue()
    assert "unhandled_error" not in lines.getvalue()


def refused(answer: httpx.Response, what: object) -> list[str]:
    """Assert a problem of the 4xx kind without the marker; the pointers that it names."""
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:400]}"
    assert answer.headers["content-type"] == PROBLEM_JSON, what
    assert MARKER not in answer.text, f"{what} is repeated: {answer.text[:400]}"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["code"] not in ("unauthenticated", "forbidden"), f"{what} was not looked at"
    return [error["pointer"] for error in body["errors"]]


def with_body(app: FastAPI) -> list[Operation]:
    return [o for o in operations(app) if o.body is not None]


def one_a_noun(app: FastAPI, method: str) -> list[Operation]:
    """For what is the same everywhere."""
    found = {o.described["tags"][0]: o for o in operations(app) if o.method == method}
    return list(found.values())


# --- the fields of a body -------------------------------------------------------------------

WRONG: Mapping[str, str] = {
    "object": f'{{"x": "{MARKER}"}}',
    "list": f'[["{MARKER}"]]',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "1e400": "1e400",
    "2**63": str(2**63),
    "2**200": str(2**200),
    "surrogate": f'"\\ud800{MARKER}"',
    "surrogate key": '{"\\udfff": 1}',
    "NUL": f'"{MARKER}\\u0000"',
    "escape": f'"{MARKER}\\u001b[2J"',
    "long": f'"{MARKER * 600}"',
}
"""JSON texts that no field takes."""

Path = tuple[str | int, ...]


def leaves(operation: Operation, schema: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    """Where the fields are that hold no other field; secrets apart, which may be any text."""
    schema = operation.resolved(schema)
    parts = [operation.resolved(p) for p in schema.get("anyOf", [schema])]
    if is_secret(parts):
        return
    inner = next((p for p in parts if "properties" in p or p.get("type") == "array"), None)
    if inner is None:
        yield at
    elif "properties" in inner:
        for name, field in inner["properties"].items():
            yield from leaves(operation, field, (*at, name))
    else:
        yield from leaves(operation, inner["items"], (*at, 0))


def is_secret(schemas: Iterable[Mapping[str, Any]]) -> bool:
    return any(schema.get("format") == "password" for schema in schemas)


def put(body: Any, path: Path, value: object) -> None:
    """Set the value at the path, making what lies on the way."""
    for step, following in pairwise(path):
        if isinstance(step, int):
            if not body:
                body.append([] if isinstance(following, int) else {})
        elif body.get(step) is None:
            body[step] = [] if isinstance(following, int) else {}
        body = body[step]
    if isinstance(path[-1], int):
        body[:] = [value]
    else:
        body[path[-1]] = value


def pointer(path: Path) -> str:
    return "".join(f"/{step}" for step in path)


@pytest.mark.parametrize("wrong", WRONG)
async def test_every_field_refuses_it(
    wrong: str, app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    """All fields wrong at once: each is named."""
    for operation in with_body(app):
        assert operation.body is not None
        paths = list(leaves(operation, operation.body))
        containers = {path[:1] for path in paths}
        for group in (paths, containers):
            body = operation.example()
            for path in group:
                put(body, path, "<wrong>")
            content = json.dumps(body).replace('"<wrong>"', WRONG[wrong])
            answer = await _post(operation, populated, content)
            named = refused(answer, f"{operation.id}: {wrong}")
            for path in group:
                assert any(p.startswith(pointer(path)) for p in named), (
                    f"{operation.id}: {wrong} in {pointer(path)} is not named: {answer.text[:900]}"
                )


@pytest.mark.parametrize("wrong", ["surrogate", "NUL", "escape", "long", "object", "NaN"])
async def test_a_secret_that_nobody_types_is_a_wrong_one(
    wrong: str, app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    tried = 0
    for operation in with_body(app):
        fields = (operation.body or {}).get("properties", {})
        body = operation.example() | {
            name: "<wrong>"
            for name, field in fields.items()
            if is_secret([operation.resolved(s) for s in field.get("anyOf", [field])])
        }
        if "<wrong>" in body.values():
            content = json.dumps(body).replace('"<wrong>"', WRONG[wrong])
            answer = await _post(operation, populated, content)
            assert answer.status_code < 500, f"{operation.id}: {answer.text}"
            assert MARKER not in answer.text
            tried += 1
    assert tried > 3


async def test_an_unknown_field_is_named(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in with_body(app):
        body = operation.example() | {"tidak_dikenal": MARKER, "a/b~c": MARKER}
        answer = await _post(operation, populated, json.dumps(body))
        named = refused(answer, operation.id)
        assert {"/tidak_dikenal", "/a~1b~0c"} <= set(named), operation.id


async def test_a_missing_field_is_named(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in with_body(app):
        assert operation.body is not None
        if required := operation.body.get("required"):
            named = refused(await _post(operation, populated, "{}"), operation.id)
            assert {f"/{name}" for name in required} <= set(named), operation.id


async def _post(
    operation: Operation,
    populated: Populated,
    content: str | bytes,
    content_type: str | bytes | None = JSON,
) -> httpx.Response:
    headers = {"Content-Type": content_type} if content_type else {}
    client = populated.client(operation)
    return await operation.send(client, populated.ids, content=content, headers=headers)


# --- the body as a whole --------------------------------------------------------------------

UNREADABLE: Mapping[str, bytes] = {
    "empty": b"",
    "space": b"  ",
    "null": b"null",
    "number": b"42",
    "NaN": b"NaN",
    "text": f'"{MARKER}"'.encode(),
    "list": f'["{MARKER}"]'.encode(),
    "cut off": f'{{"a": "{MARKER}'.encode(),
    "not JSON": f"<a>{MARKER}</a>".encode(),
    "not UTF-8": b'{"a": "\xff\xfe' + MARKER.encode() + b'"}',
    "raw surrogate": b'{"a": "\xed\xa0\x80' + MARKER.encode() + b'"}',
    "UTF-16": f'{{"a": "{MARKER}"}}'.encode("utf-16"),
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "digits": b'{"a": ' + b"9" * 10_000 + b"}",
}


async def test_a_body_that_is_no_object_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in with_body(app):
        for name in ("empty", "list") if operation not in one_a_noun(app, "POST") else UNREADABLE:
            optional = not operation.described["requestBody"].get("required")
            if not (optional and name in ("empty", "space", "null")):
                answer = await _post(operation, populated, UNREADABLE[name])
                refused(answer, f"{operation.id}: {name}")


async def test_another_content_type_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in with_body(app):
        content = json.dumps(operation.example() | {"tidak_dikenal": MARKER})
        for content_type in (
            OTHER_TYPES if operation in one_a_noun(app, "POST") else OTHER_TYPES[:2]
        ):
            answer = await _post(operation, populated, content, content_type)
            refused(answer, f"{operation.id}: {content_type!r}")


OTHER_TYPES: tuple[str | bytes | None, ...] = (
    None,
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "a/b/c;;=",
    b"\xff",
)


async def test_a_name_that_occurs_twice_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    """RFC 8259: what comes of it differs from reader to reader."""
    for operation in with_body(app):
        members = json.dumps(operation.example())[1:-1]
        twice = f'{{"kunci": 1, "kunci": 2{", " if members else ""}{members}}}'
        problem(await _post(operation, populated, twice), 400, "bad_request")


# --- bodies that are too large --------------------------------------------------------------

CHUNK = 256 * 1024
LARGE = 50 * 1024 * 1024


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    declared: bool, app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    """Fifty megabytes; of uploads, which may be larger, twice what they may be."""
    settings = app.state.runtime.settings
    for operation in operations(app):
        content = operation.described.get("requestBody", {}).get("content", {})
        if not content:
            continue
        uploads = "multipart/form-data" in content
        limit = settings.max_import_bytes if uploads else settings.max_body_bytes
        large = _Large(2 * limit if uploads else LARGE)
        headers = {"Content-Type": next(iter(content)) + "; boundary=x"}
        if declared:
            headers["Content-Length"] = str(large.size)
        client = populated.client(operation)
        answer = await operation.send(
            client, populated.ids, content=large.chunks(), headers=headers
        )
        assert answer.status_code == 413, operation.id + answer.text
        problem(answer, 413, "content_too_large")
        assert large.sent <= (CHUNK if declared else limit + 2**20 + 2 * CHUNK), operation.id


class _Large:
    """A body that counts how much of it was asked for; it begins as a file of a form does."""

    def __init__(self, size: int) -> None:
        self.size, self.sent = size, 0

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while self.sent < self.size:
            self.sent += CHUNK
            yield b" " * CHUNK


# --- parameters -----------------------------------------------------------------------------

WRONG_PARAMETERS: Mapping[str, str] = {
    "NUL": f"%00{MARKER}",
    "surrogate": f"%ED%A0%80{MARKER}",
    "not UTF-8": f"%FF{MARKER}",
    "2**63": str(2**63),
    "2**200": str(2**200),
    "digits": "9" * 1000,
    "NaN": "NaN",
    "1e400": "1e400",
    "long": MARKER * 100,
    "object": quote(f'{{"a": "{MARKER}"}}'),
    "slash": f"..%2F{MARKER}",
    "quote": quote(f"' OR 1=1 --{MARKER}"),
}


def typed(operation: Operation, parameter: Mapping[str, Any]) -> bool:
    """Whether it takes something else than any text."""
    schema = str([operation.resolved(s) for s in _parts(parameter["schema"])])
    return any(f"'{word}'" in schema for word in ("integer", "boolean", "format", "enum"))


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [i.get("items", i) for i in schema.get("anyOf", [schema])]


async def test_every_query_parameter_refuses_what_is_none(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation, (wrong, value) in product(operations(app), WRONG_PARAMETERS.items()):
        parameters = operation.parameters("query")
        if not any(typed(operation, p) for p in parameters):
            continue
        client = populated.client(operation)
        query = "&".join(f"{p['name']}={value}" for p in parameters)
        url = f"{operation.url(populated.ids)}?{query}"
        answer = await client.request(operation.method, url, headers={"If-Match": '"1"'})
        named = refused(answer, f"{operation.id}: {wrong}")
        for parameter in parameters:
            if typed(operation, parameter):
                at = f"/query/{parameter['name']}"
                assert {at, f"{at}/0"} & set(named), f"{operation.id}: {answer.text}"


async def test_free_text_in_a_query_is_searched_for_or_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation, (wrong, value) in product(operations(app), WRONG_PARAMETERS.items()):
        for parameter in operation.parameters("query"):
            if not typed(operation, parameter):
                url = f"{operation.url(populated.ids)}?{parameter['name']}={value}"
                answer = await populated.client(operation).request(operation.method, url)
                assert answer.status_code < 500, f"{url}: {answer.text}"
                assert MARKER not in answer.text.replace(quote(MARKER), ""), url
                if wrong in ("NUL", "long"):
                    refused(answer, url)


async def test_every_path_parameter_refuses_what_is_none(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    wrongs = ((name, WRONG_PARAMETERS[name]) for name in ("NUL", "surrogate", "2**200", "slash"))
    for operation, (wrong, value) in product(operations(app), wrongs):
        if parameters := operation.parameters("path"):
            ids = {p["name"]: value for p in parameters}
            answer = await operation.send(populated.client(operation), ids)
            named = refused(answer, f"{operation.id}: {wrong}")
            if answer.status_code != 404:
                assert {f"/path/{name}" for name in ids} <= set(named), operation.id


async def test_an_unknown_parameter_is_named(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in operations(app):
        client = populated.client(operation)
        url = f"{operation.url(populated.ids)}?tidak_dikenal={MARKER}&limitt=1"
        answer = await client.request(operation.method, url)
        named = refused(answer, operation.id)
        assert named == ["/query/tidak_dikenal", "/query/limitt"], operation.id


# --- headers --------------------------------------------------------------------------------

NOT_ASCII = b"\xff\xfe" + MARKER.encode()
LONG = (MARKER * 10_000).encode()


NO_VERSIONS = [
    b"x",
    b"*",
    b'W/"1"',
    b'""',
    b"1",
    b'"1", "2"',
    b'"99999999999999999999999"',
    b'"-1"',
    NOT_ASCII,
    LONG,
]


async def test_an_if_match_that_names_no_version_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation, value in product(_with_header(app, "if-match"), NO_VERSIONS):
        client = populated.client(operation)
        answer = await operation.send(client, populated.ids, headers={"If-Match": value})
        refused(answer, f"{operation.id}: {value!r}")
        assert answer.status_code in (412, 422), f"{operation.id}: {answer.text}"


async def test_a_change_without_if_match_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in _with_header(app, "if-match"):
        client = populated.client(operation)
        answer = await client.request(
            operation.method, operation.url(populated.ids), json=operation.example()
        )
        problem(answer, 428, "if_match_required")


def _with_header(app: FastAPI, name: str) -> list[Operation]:
    return [
        o for o in operations(app) if any(p["name"].lower() == name for p in o.parameters("header"))
    ]


NO_KEYS = [b"", b" ", NOT_ASCII, LONG, b"a\tb"]


async def test_an_idempotency_key_that_is_none_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation, value in product(_with_header(app, "idempotency-key"), NO_KEYS):
        client = populated.client(operation)
        answer = await operation.send(client, populated.ids, headers={"Idempotency-Key": value})
        assert "/header/Idempotency-Key" in refused(answer, f"{operation.id}: {value!r}")


NO_PURPOSES = [b"x" * 201, b"a\tb", b"\x1b[2J", LONG]


async def test_a_purpose_that_is_no_line_is_refused(
    app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation, value in product(one_a_noun(app, "GET"), NO_PURPOSES):
        answer = await operation.send(
            populated.client(operation), populated.ids, headers={"X-Purpose": value}
        )
        assert refused(answer, operation.id) == ["/header/X-Purpose"]


STRANGE: tuple[Mapping[str, bytes], ...] = (
    {"Accept-Language": b";;;,,,"},
    {"Accept-Language": b"en;q=nan, id;q=inf, *;q=1e400"},
    {"Accept-Language": NOT_ASCII},
    {
        "Accept-Language": LONG,
        "Accept": NOT_ASCII,
        "Cookie": LONG,
        "If-None-Match": NOT_ASCII,
        "Origin": NOT_ASCII,
        "Range": b"bytes=" + b"0-," * 10_000,
        "User-Agent": NOT_ASCII + b"\x01" + LONG,
        "X-Forwarded-For": NOT_ASCII,
        "X-Purpose": NOT_ASCII,
        "X-Request-Id": NOT_ASCII,
    },
)


@pytest.mark.parametrize("headers", STRANGE)
async def test_strange_headers_change_nothing(
    headers: Mapping[str, bytes], app: FastAPI, populated: Populated, logged: StringIO
) -> None:
    for operation in operations(app) if len(headers) > 1 else one_a_noun(app, "GET"):
        if operation.method == "GET":
            client = populated.client(operation)
            usual = await operation.send(client, populated.ids)
            answer = await operation.send(client, populated.ids, headers=headers)
            assert answer.status_code == usual.status_code, f"{operation.id}: {answer.text}"
            assert MARKER not in str(answer.headers)


NO_TOKENS = [
    b"",
    b"Bearer",
    b"Bearer ",
    b"Basic eDp5",
    b"Bearer a.b.c",
    NOT_ASCII,
    LONG,
    b"Bearer " + NOT_ASCII,
    b"Bearer " + LONG,
    b"bearer " + b"." * 5000,
]


async def test_an_authorization_that_is_none_is_401(
    app: FastAPI, actors: Actors, populated: Populated, logged: StringIO
) -> None:
    for operation, value in product(one_a_noun(app, "GET"), NO_TOKENS):
        if not operation.rule.anonymous:
            answer = await operation.send(
                actors.anonymous(), populated.ids, headers={"Authorization": value}
            )
            problem(answer, 401, "unauthenticated")
            assert MARKER not in answer.text
