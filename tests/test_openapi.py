"""The OpenAPI document: fit for client generators, and true."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from app.errors import PROBLEM_JSON
from tests.populated import JSON, METHODS, Operation, Populated, operations, unserved

DOCUMENT = unserved().openapi()
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = operations(unserved())
DOWNLOADS = {"text/csv", "text/plain", "application/octet-stream", "image/svg+xml"}

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.id)


def bodies(operation: Operation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Content type and schema of the body and of every answer but problems."""
    content = dict(operation.described.get("requestBody", {}).get("content", {}))
    yield from ((kind, media["schema"]) for kind, media in content.items())
    for status, response in operation.described["responses"].items():
        for kind, media in response.get("content", {}).items():
            if status.startswith("2"):
                yield kind, media["schema"]


def named(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The named schema that this refers to."""
    assert set(schema) == {"$ref"}, f"not a named schema: {schema}"
    found: Mapping[str, Any] = SCHEMAS[schema["$ref"].removeprefix("#/components/schemas/")]
    return found


def everywhere(value: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in the document with its pointer."""
    if isinstance(value, Mapping):
        yield at, value
        for key, inner in value.items():
            if key not in ("example", "examples"):
                yield from everywhere(inner, f"{at}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from everywhere(inner, f"{at}/{number}")


def test_it_is_a_whole_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert json.loads(json.dumps(DOCUMENT, allow_nan=False)) == DOCUMENT
    for at, value in everywhere(DOCUMENT):
        if "$ref" in value and isinstance(value["$ref"], str):
            target: Any = DOCUMENT
            for step in value["$ref"].removeprefix("#/").split("/"):
                assert step in target, f"{at} refers to nothing: {value['$ref']}"
                target = target[step]
    used = {v["$ref"].rsplit("/", 1)[1] for _, v in everywhere(DOCUMENT) if "$ref" in v}
    assert SCHEMAS.keys() - used == set(), "schemas that nothing refers to"


def test_every_schema_is_one() -> None:
    for name, schema in SCHEMAS.items():
        Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        assert name == re.sub(r"\W", "", name), "generators make class names of these"


def test_ids_are_unique_and_tags_are_described() -> None:
    ids = [operation.id for operation in OPERATIONS]
    assert len(ids) == len(set(ids))
    told = {tag["name"] for tag in DOCUMENT["tags"]}
    assert told == {tag for o in OPERATIONS for tag in o.described["tags"]}
    for path, item in DOCUMENT["paths"].items():
        assert not set(item) - set(METHODS), path
        assert set(re.findall(r"{(\w+)}", path)) == {
            p["name"]
            for o in OPERATIONS
            if o.path == path
            for p in o.parameters("path")
        }  # fmt: skip


@each_operation
def test_an_operation_is_described(operation: Operation) -> None:
    (tag,) = operation.described["tags"]
    assert operation.id.startswith(f"{tag}_")
    assert operation.id == re.sub(r"[^a-z_]", "", operation.id)
    summary = operation.described["summary"]
    assert 5 <= len(summary) <= 80, summary
    assert not summary.endswith(".")
    assert "\n" not in summary
    for parameter in operation.parameters("path", "query", "header"):
        assert parameter["schema"], parameter


@each_operation
def test_security_is_that_of_the_access_table(operation: Operation) -> None:
    security = operation.described["security"]
    assert ({} in security or security == []) is operation.rule.anonymous
    assert ({"bearer": []} in security) is not operation.rule.proof_in_body
    roles = operation.described["x-roles"]
    assert roles == (["anyone"] if operation.rule.anonymous else sorted(operation.rule.roles))
    assert operation.described.get("x-scope") == operation.rule.scope


@each_operation
def test_bodies_have_a_named_schema_and_an_example(operation: Operation) -> None:
    for kind, schema in bodies(operation):
        if kind == JSON:
            assert named(schema).get("examples"), f"no example: {schema['$ref']}"


def test_every_example_fits_its_schema() -> None:
    """One that a model inherits lacks what the model adds."""
    for name, shape in SCHEMAS.items():
        whole = Draft202012Validator(
            {**shape, "components": DOCUMENT["components"]}, validate_formats=True
        )
        for example in shape.get("examples", ()):
            errors = [f"{list(e.instance_path)}: {e.message}" for e in whole.iter_errors(example)]
            assert not errors, f"{name}: {errors}"


@each_operation
def test_every_parameter_says_what_it_does(operation: Operation) -> None:
    for parameter in operation.described.get("parameters", ()):
        assert parameter.get("description"), parameter["name"]


@each_operation
def test_errors_are_problems(operation: Operation) -> None:
    for status, response in operation.described["responses"].items():
        if status == "default" or status[0] in "45":
            assert response["content"][PROBLEM_JSON]["schema"] == {
                "$ref": "#/components/schemas/Problem"
            }
            assert set(response["content"]) == {PROBLEM_JSON}
    assert "default" in operation.described["responses"]


@each_operation
def test_what_is_sent_in_is_closed(operation: Operation) -> None:
    """An unknown field is refused, and so says the document: in objects inside objects too."""
    if operation.body is not None:
        for at, schema in _reachable(operation.described["requestBody"]["content"][JSON]["schema"]):
            if schema.get("type") == "object" and "properties" in schema:
                assert schema.get("additionalProperties") is False, at


def _reachable(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for at, inner in everywhere(schema):
        yield at, inner
        if "$ref" in inner:
            yield from _reachable(SCHEMAS[inner["$ref"].rsplit("/", 1)[1]])


def test_objects_have_names() -> None:
    """Generators call an object without one `Items1` or `Anyof2`."""
    for name, schema in SCHEMAS.items():
        for at, inner in everywhere(schema):
            if at and inner.get("type") == "object":
                assert "properties" not in inner, f"{name}{at}"
    for operation in OPERATIONS:
        for kind, schema in bodies(operation):
            if "properties" in schema:
                pytest.fail(f"{operation.id}: {kind} has an object without a name")


def test_enumerations_have_names() -> None:
    for name, schema in SCHEMAS.items():
        for at, inner in everywhere(schema):
            if at and len(inner.get("enum", ())) > 4:
                pytest.fail(f"{name}{at} should be a StrEnum of its own")


@each_operation
def test_lists_are_pages(operation: Operation) -> None:
    if any(p["name"] == "cursor" for p in operation.parameters("query")):
        reference = operation.described["responses"]["200"]["content"][JSON]["schema"]
        assert reference["$ref"].endswith("Page")
        page = named(reference)
        names = {p["name"] for p in operation.parameters("query")}
        shown, asked = ("sync_token",) * 2 if "sync_token" in names else ("total", "include_total")
        assert {"items", "next_cursor", shown} <= page["properties"].keys()
        assert "400" in operation.described["responses"]
        assert {"limit", "cursor", asked} <= names


@each_operation
def test_changes_name_the_version_and_posts_take_a_key(operation: Operation) -> None:
    headers = {p["name"].lower() for p in operation.parameters("header")}
    responses = operation.described["responses"]
    if "if-match" in headers:
        assert {"412", "428"} <= responses.keys()
    if operation.method in ("PUT", "PATCH"):
        assert "if-match" in headers
    if operation.method == "POST" and not operation.rule.proof_in_body and "201" in responses:
        repeats = operation.id == "audit_create_checkpoint"  # signs once what is there to sign
        assert "idempotency-key" in headers or repeats


def test_uploads_and_downloads_are_binary() -> None:
    for at, schema in everywhere(DOCUMENT):
        assert schema.get("contentMediaType") != "application/octet-stream", at
    (upload,) = (o for o in OPERATIONS if o.id == "imports_create_import")
    form = upload.resolved(
        upload.described["requestBody"]["content"]["multipart/form-data"]["schema"]
    )
    assert form["properties"]["file"]["format"] == "binary"
    for operation in OPERATIONS:
        for kind, schema in bodies(operation):
            if kind != JSON and operation.method == "GET":
                assert schema["type"] == "string", operation.id
                assert kind in DOWNLOADS or schema["format"] == "binary", f"{operation.id}: {kind}"


def test_decimals_are_texts_with_a_pattern() -> None:
    for at, schema in everywhere(DOCUMENT):
        assert schema.get("type") != "number", f"{at}: a decimal is a string with a pattern"


# --- and it is true -------------------------------------------------------------------------

TOLD = ("etag", "location", "link", "content-disposition")


async def test_answers_are_as_documented(app: FastAPI, populated: Populated) -> None:
    faults: list[str] = []
    for operation in sorted(operations(app), key=lambda o: (o.method != "GET", o.id)):
        if operation.id.startswith(("sign_in_", "sessions_", "me_")) and operation.method != "GET":
            continue  # these end the session of those who ask
        more = {"params": {"limit": 1}} if "cursor" in str(operation.parameters("query")) else {}
        version = await populated.version(operation)
        answer = await operation.send(
            populated.client(operation),
            populated.ids_for(operation),
            headers={"If-Match": version},
            **more,
        )
        if answer.is_success:
            faults += [f"{operation.id}: {fault}" for fault in _untrue(operation, answer)]
    assert not faults, "\n".join(faults)


def _untrue(operation: Operation, answer: httpx.Response) -> Iterator[str]:
    """What differs between the answer and what the document tells of it."""
    response = operation.described["responses"][str(answer.status_code)]
    told = {name.lower() for name in response.get("headers", {})}
    sent = {name for name in TOLD if name in answer.headers}
    if sent != told - ({"link"} - sent):
        yield f"tells of {told}, sends {sent}"
    content, kind = response.get("content", {}), answer.headers.get("content-type", "")
    if answer.content and kind.split(";")[0] not in content:
        yield f"sends {kind}"
    if kind == JSON and content.get(JSON, {}).get("schema"):
        shape = operation.resolved(content[JSON]["schema"])
        whole = {**shape, "components": DOCUMENT["components"]}
        yield from (e.message for e in Draft202012Validator(whole).iter_errors(answer.json()))


async def test_a_get_with_an_etag_answers_304(app: FastAPI, populated: Populated) -> None:
    tried = 0
    for operation in operations(app):
        if "304" in operation.described["responses"]:
            client = populated.client(operation)
            first = await operation.send(client, populated.ids_for(operation))
            assert "etag" in first.headers, operation.id
            headers = {"If-None-Match": first.headers["etag"]}
            second = await operation.send(client, populated.ids_for(operation), headers=headers)
            assert (second.status_code, second.content) == (304, b""), operation.id
            tried += 1
    assert tried > 5
