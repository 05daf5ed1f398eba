"""The OpenAPI document: what FastAPI derives from the code, made fit for client generators.

Added: the access table as security and `x-roles`, problem+json as every operation's error, the
version headers, uploads as `format: binary`. Everything else comes from the routers' types.
"""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.access.table import TABLE, Rule
from app.dependencies import told
from app.errors import PROBLEM_JSON, Problem
from app.schemas.base import Schema

DESCRIPTION = """
The API of Kemuning: employees, organisation, imports and the audit log of a local government's
civil service.

* **Sign in** with `POST /api/v1/sign-in`, then send `Authorization: Bearer …`.
* **Errors** are RFC 9457 problems with a stable `code`; `Accept-Language: id` (default) or `en`.
* **Lists** are paged by `cursor`; follow `next_cursor` or `Link: rel="next"`.
* **Changes** of existing things need `If-Match` with the `ETag` that was read.
* **POST** takes an `Idempotency-Key`; the same key and body get the first answer again.
* **As of**: `as_of=2026-01-01` shows any dated fact as it was on that day.
* **X-Purpose** says why personal data is looked at; it is kept with the audit event.
"""
TAGS = {
    "sign_in": "Signing in, refreshing and signing out.",
    "sessions": "The devices on which an account is signed in.",
    "me": "One's own account, and who looked at one's data.",
    "accounts": "Who can sign in; for hr_admin.",
    "invitations": "Codes by which employees make their accounts; for hr_admin.",
    "units": "The unit tree, as of any day.",
    "positions": "Positions (jabatan), their seats and who holds them.",
    "employees": "Civil servants and the dated facts about them.",
    "correction_requests": "What employees say is recorded wrongly.",
    "sync": "Keeping a copy: first everything page by page, and from then on, by the `sync_token` "
    "of the last page, only what has changed. Nothing is missed; something may come twice. On 410 "
    "`sync_token_expired`, forget the copy and start anew.",
    "competencies": "The competency dictionary: by what people are measured.",
    "standards": "Which levels a position requires, and the proposals of them.",
    "imports": "Bringing in employees, and results of assessments, from CSV and XLSX.",
    "exports": "Whole data sets for auditors, streamed, with a signed manifest.",
    "assessment_providers": "Who may assess, and what they are accredited for.",
    "assessment_events": "Occasions on which people are assessed.",
    "assessments": "One person in one event: raters, moderation, and how far it is.",
    "assessor_assignments": "For raters: whom to rate, and the form.",
    "assessment_results": "What the rules made of an assessment, and a person's competencies.",
    "objections": "What people object to in their results, both sides heard, and the ruling.",
    "competency_gaps": "Where competencies fall short, and who fits which seat; for the agency.",
    "statistics": "Counts for the public, protected and frozen; without an account.",
    "audit": "Who did what to whose data, provably.",
    "health": "For operators.",
}
HEADERS = {
    "ETag": "The version of what is shown; send it as If-Match to change, as If-None-Match to ask "
    "whether it has changed.",
    "Location": "The address of what was made.",
    "Link": 'The next page, as `<address>; rel="next"`; absent on the last.',
    "Content-Disposition": "The name of the file.",
    "Retry-After": "Seconds to wait.",
}
OTHER_PATHS = {"dataset": "Which data set.", "tree_size": "How many events the checkpoint covers."}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
METHODS = ("get", "put", "post", "delete", "patch")


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the application, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION.strip(),
        routes=app.routes,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    components = made.setdefault("components", {})
    components["securitySchemes"] = {"bearer": BEARER}
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    _give_examples(schemas)
    components["headers"] = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()
    }
    used = set()
    for path in made["paths"].values():
        for method in METHODS:
            if method in path:
                _finish(path[method])
                _tell_headers(method, path[method], schemas)
                used.update(path[method].get("tags", ()))
    made["tags"] = [{"name": n, "description": d} for n, d in TAGS.items() if n in used]
    components["schemas"] = {name: _generator_friendly(schemas[name]) for name in sorted(schemas)}
    return made


def _give_examples(schemas: dict[str, Any]) -> None:
    """Whole ones: FastAPI leaves out every null."""
    pending: list[type[Schema]] = [Schema]
    while pending:
        model = pending.pop()
        pending.extend(model.__subclasses__())
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and model.__name__ in schemas:
            schemas[model.__name__] |= deepcopy(extra)


def _finish(operation: dict[str, Any]) -> None:
    rule = TABLE[operation["operationId"]]
    operation["security"] = _security(rule)
    operation["x-roles"] = sorted(rule.roles) if not rule.anonymous else ["anyone"]
    if rule.scope:
        operation["x-scope"] = rule.scope
    for parameter in operation.get("parameters", ()):
        parameter.setdefault("description", _identified(parameter["name"]))
    responses = operation["responses"]
    if _is_fastapis(responses.get("422")):
        del responses["422"]
    responses["default"] = {
        "description": "Any other problem, such as `unauthenticated`, `forbidden` or `invalid`.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _identified(parameter: str) -> str:
    """What a path names: most of them a thing by its id, `position_id` the position."""
    thing = parameter.removesuffix("_id").replace("_", " ")
    return OTHER_PATHS.get(parameter, f"Which {thing}, by its id.")


def _tell_headers(method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """What routers and errors do everywhere alike; what one of them adds, it tells itself."""
    for status, response in operation["responses"].items():
        found = set()
        if status in ("429", "503"):
            found.add("Retry-After")
        elif status.startswith("2"):
            found = _headers_of(method, operation, response, schemas)
        if found:
            response.setdefault("headers", {}).update(told(*sorted(found)))
    if method == "get" and "ETag" in operation["responses"]["200"].get("headers", {}):
        operation["responses"]["304"] = {"description": "Unchanged since the ETag that was sent."}


def _headers_of(
    method: str, operation: dict[str, Any], response: dict[str, Any], schemas: dict[str, Any]
) -> set[str]:
    deep = method != "get"  # what a change made, beside its warnings
    fields = _fields(response.get("content", {}).get("application/json", {}), schemas, deep)
    parameters = {p["name"].lower() for p in operation.get("parameters", ())}
    contents = response.get("content", {}).values()
    facts = {
        "ETag": "version" in fields or "if-match" in parameters,
        "Location": "id" in fields and method == "post" and "200" not in operation["responses"],
        "Link": "cursor" in parameters,
        "Content-Disposition": any("format" in c.get("schema", {}) for c in contents),
    }
    return {name for name, holds in facts.items() if holds}


def _fields(content: dict[str, Any], schemas: dict[str, Any], deep: bool) -> set[str]:
    shown = schemas.get(content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1], {})
    fields = shown.get("properties", {})
    inner = fields.values() if deep else ()
    return set(fields).union(*(_fields({"schema": field}, schemas, False) for field in inner))


def _security(rule: Rule) -> list[dict[str, list[str]]]:
    if rule.proof_in_body:
        return []
    return [{}, {"bearer": []}] if rule.anonymous else [{"bearer": []}]


def _is_fastapis(response: dict[str, Any] | None) -> bool:
    return "HTTPValidationError" in str(response)


def _generator_friendly(schema: Any) -> Any:
    """Generators know an upload by `format: binary`, not yet by contentMediaType."""
    if isinstance(schema, dict):
        if schema.get("contentMediaType") == "application/octet-stream":
            rest = {k: v for k, v in schema.items() if k != "contentMediaType"}
            return {**rest, "format": "binary"}
        return {key: _generator_friendly(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_generator_friendly(value) for value in schema]
    return schema
