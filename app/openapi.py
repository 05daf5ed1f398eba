"""The OpenAPI document: what FastAPI derives from the code, made fit for client generators.

Added: the access table as security and `x-roles`, problem+json as every operation's error, the
version headers, uploads as `format: binary`. Everything else comes from the routers' types.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.access.table import TABLE, Rule
from app.errors import PROBLEM_JSON, Problem

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
    "units": "The unit tree, as of any day.",
    "positions": "Positions (jabatan), their seats and who holds them.",
    "employees": "Civil servants and the dated facts about them.",
    "correction_requests": "What employees say is recorded wrongly.",
    "imports": "Bringing in employees from CSV and XLSX.",
    "audit": "Who did what to whose data, provably.",
    "health": "For operators.",
}
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
    used = set()
    for path in made["paths"].values():
        for method in METHODS:
            if method in path:
                _finish(path[method])
                used.update(path[method].get("tags", ()))
    made["tags"] = [{"name": n, "description": d} for n, d in TAGS.items() if n in used]
    components["schemas"] = {name: _generator_friendly(schemas[name]) for name in sorted(schemas)}
    return made


def _finish(operation: dict[str, Any]) -> None:
    rule = TABLE[operation["operationId"]]
    operation["security"] = _security(rule)
    operation["x-roles"] = sorted(rule.roles) if not rule.anonymous else ["anyone"]
    if rule.scope:
        operation["x-scope"] = rule.scope
    responses = operation["responses"]
    if _is_fastapis(responses.get("422")):
        del responses["422"]
    responses["default"] = {
        "description": "Any other problem, such as `unauthenticated`, `forbidden` or `invalid`.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


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
