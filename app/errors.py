"""Domain errors, and the one seam where they become problem+json (RFC 9457).

An error is a class: `status`, a stable `code`, and a title in both languages. Services raise
them; nothing else in the application knows HTTP status codes. Errors of one noun stand in that
noun's service and derive from the classes here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import structlog
from asyncpg import PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.validation_messages import explain

Language = Literal["id", "en"]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text for people, in Indonesian and in English."""

    id: str
    en: str

    def text(self, language: Language) -> str:
        """The text in the reader's language."""
        return self.en if language == "en" else self.id

    def format(self, **values: object) -> "Bilingual":
        """Both texts with their `{placeholders}` filled."""
        return Bilingual(self.id.format(**values), self.en.format(**values))


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: `pointer` is a JSON pointer into the request."""

    pointer: str
    code: str
    detail: Bilingual


class DomainError(Exception):
    """The root of every error that a caller is told about."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Bilingual] = Bilingual("Kesalahan di server", "Internal server error")
    constraints: ClassVar[tuple[str, ...]] = ()
    """Names of database constraints whose violation means this error."""

    by_constraint: ClassVar[dict[str, type["DomainError"]]] = {}
    by_code: ClassVar[dict[str, type["DomainError"]]] = {}

    def __init__(
        self,
        detail: Bilingual | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = members

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        DomainError.by_code[cls.code] = cls
        for name in cls.constraints:
            DomainError.by_constraint[name] = cls


class BadRequest(DomainError):
    """The request can't be read at all."""

    status, code = 400, "bad_request"
    title = Bilingual("Permintaan tidak dapat dibaca", "The request can't be read")


class InvalidCursor(BadRequest):
    """A page cursor that this operation did not give out."""

    code = "invalid_cursor"
    title = Bilingual("Kursor halaman tidak dikenal", "Unknown page cursor")


class Unauthenticated(DomainError):
    """No valid access token."""

    status, code = 401, "unauthenticated"
    title = Bilingual("Silakan masuk lebih dahulu", "Sign in first")

    def __init__(self, detail: Bilingual | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(DomainError):
    """The caller may see this, but not do it."""

    status, code = 403, "forbidden"
    title = Bilingual("Anda tidak berwenang", "You may not do this")


class NotFound(DomainError):
    """Absent or invisible: the answer is the same in both cases."""

    status, code = 404, "not_found"
    title = Bilingual("Tidak ditemukan", "Not found")


class MethodNotAllowed(DomainError):
    """The path exists, the method doesn't."""

    status, code = 405, "method_not_allowed"
    title = Bilingual("Metode tidak tersedia di alamat ini", "Method not allowed here")


class Conflict(DomainError):
    """The request contradicts the present state."""

    status, code = 409, "conflict"
    title = Bilingual("Bertentangan dengan keadaan saat ini", "Conflicts with the present state")


class TransitionNotAllowed(Conflict):
    """Its present `state` doesn't lead there; `allowed` names the states that it leads to."""

    code = "transition_not_allowed"
    title = Bilingual(
        "Tindakan ini tidak dapat dilakukan pada keadaan sekarang",
        "This can't be done in the present state",
    )


class Gone(DomainError):
    """It was here and is no more."""

    status, code = 410, "gone"
    title = Bilingual("Sudah tidak tersedia", "No longer available")


class StaleVersion(DomainError):
    """If-Match names a version that is no longer current: read it again, then change it."""

    status, code = 412, "stale_version"
    title = Bilingual(
        "Data telah berubah; muat ulang lalu coba lagi", "It has changed; read it again and retry"
    )


class ContentTooLarge(DomainError):
    """The body is larger than this operation takes."""

    status, code = 413, "content_too_large"
    title = Bilingual("Isi permintaan terlalu besar", "The request body is too large")


class UnsupportedMediaType(DomainError):
    """The body's content type is not one that this operation reads."""

    status, code = 415, "unsupported_media_type"
    title = Bilingual("Jenis isi tidak didukung", "Unsupported content type")


class Invalid(DomainError):
    """The request can be read, but a field is wrong; `errors` names each."""

    status, code = 422, "invalid"
    title = Bilingual("Ada isian yang tidak sah", "Some fields are invalid")


class IfMatchRequired(DomainError):
    """Changing this needs the If-Match header, so that no update is lost."""

    status, code = 428, "if_match_required"
    title = Bilingual("Header If-Match wajib diisi", "The If-Match header is required")


class TooManyRequests(DomainError):
    """Slow down; Retry-After says for how long."""

    status, code = 429, "too_many_requests"
    title = Bilingual("Terlalu banyak permintaan", "Too many requests")

    def __init__(self, retry_after_seconds: int, detail: Bilingual | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class InternalError(DomainError):
    """A bug. Its id is in the log."""


class Unavailable(DomainError):
    """The server can't answer now; try again after Retry-After."""

    status, code = 503, "unavailable"
    title = Bilingual("Layanan sedang tidak tersedia", "Temporarily unavailable")

    def __init__(self, detail: Bilingual | None = None, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class TimedOut(Unavailable):
    """The request took longer than the server allows."""

    code = "timed_out"
    title = Bilingual("Permintaan terlalu lama", "The request took too long")


class DatabaseUnavailable(Unavailable):
    """PostgreSQL can't be reached or is restarting."""

    code = "database_unavailable"
    title = Bilingual("Basis data sedang tidak tersedia", "The database is unavailable")


class Overloaded(Unavailable):
    """Every database connection is busy."""

    code = "overloaded"
    title = Bilingual("Server sedang sibuk", "The server is busy")


# --- the OpenAPI side -------------------------------------------------------------------


class FieldProblem(BaseModel):
    """One wrong field."""

    model_config = ConfigDict(extra="forbid")

    pointer: str = Field(description="JSON pointer into the body, or `/query/…`, `/header/…`.")
    code: str = Field(description="Stable code of what is wrong.")
    detail: str = Field(description="What is wrong, in the language of Accept-Language.")


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is stable; `title` and `detail` follow Accept-Language."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="URI of the kind of problem; ends in the code.")
    title: str
    status: int
    code: str
    detail: str | None = None
    request_id: str
    errors: list[FieldProblem] = []


PROBLEM_JSON = "application/problem+json"


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an operation that may raise these errors."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = responses.setdefault(
            error.status,
            {
                "description": "",
                "content": {
                    PROBLEM_JSON: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        entry["content"][PROBLEM_JSON]["examples"][error.code] = {"value": _example(error)}
        codes = entry["content"][PROBLEM_JSON]["examples"]
        entry["description"] = f"{error.title.en} (`{'`, `'.join(codes)}`)"
    return responses


def _example(error: type[DomainError]) -> dict[str, object]:
    return {
        "type": problem_type(error.code),
        "title": error.title.id,
        "status": error.status,
        "code": error.code,
        "request_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
        "errors": [],
    }


# --- the seam ---------------------------------------------------------------------------


def problem_type(code: str) -> str:
    """A URI that identifies the kind of problem."""
    return f"urn:kemuning:problem:{code}"


def language_of(accept_language: str | None) -> Language:
    """The caller's language: the heaviest of `id` and `en` in Accept-Language; else `id`."""
    best: tuple[float, Language] = (0.0, "id")
    for part in (accept_language or "")[:200].lower().split(","):
        tag, _, weight = part.partition(";q=")
        primary = tag.strip().split("-")[0]
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if primary in ("id", "en") and quality > best[0]:
            best = (quality, "en" if primary == "en" else "id")
    return best[1]


def problem_response(error: DomainError, request_id: str, language: Language) -> Response:
    """The answer that tells a caller of this error."""
    body: dict[str, object] = {
        "type": problem_type(error.code),
        "title": error.title.text(language),
        "status": error.status,
        "code": error.code,
        "detail": error.detail.text(language) if error.detail else None,
        "request_id": request_id,
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": e.detail.text(language)}
            for e in error.errors
        ],
        **error.members,
    }
    # ASCII only: a lone surrogate in a field's name can't be written as UTF-8.
    content = json.dumps(body, ensure_ascii=True, default=str).encode()
    headers = {"Content-Language": language, "Cache-Control": "no-store", **error.headers}
    return Response(content, error.status, headers=headers, media_type=PROBLEM_JSON)


HTTP_ERRORS: dict[int, type[DomainError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: ContentTooLarge,
    415: UnsupportedMediaType,
}


def _from_http(error: HTTPException) -> DomainError:
    if isinstance(error.__cause__, DomainError):  # raised while FastAPI read the body
        return error.__cause__
    domain = HTTP_ERRORS.get(error.status_code, BadRequest)()
    domain.headers.update(error.headers or {})
    return domain


def _from_validation(error: RequestValidationError) -> DomainError:
    """Every wrong field, by pointer and code; never its value, which may be personal data."""
    if any(e["type"] == "json_invalid" for e in error.errors()):
        position = error.errors()[0]["loc"][-1]
        return BadRequest(
            Bilingual(
                f"JSON tidak sah pada karakter ke-{position}.",
                f"Invalid JSON at character {position}.",
            )
        )
    found = []
    for e in error.errors()[:100]:
        text = explain(e["type"], e.get("msg", ""), e.get("ctx") or {})
        found.append(FieldError(_pointer(e["loc"]), e["type"], Bilingual(*text)))
    return Invalid(errors=found)


def _pointer(location: Sequence[str | int]) -> str:
    parts = list(location)
    if parts and parts[0] == "body":
        parts = parts[1:]
    names = [str(p)[:100].replace("~", "~0").replace("/", "~1") for p in parts]
    return "/" + "/".join(names) if names else ""


SQLSTATE_ERRORS: dict[str, DomainError] = {
    "KM401": Unauthenticated(),
    "57014": TimedOut(),  # query_canceled, by statement_timeout
    "55P03": Overloaded(),  # lock_not_available
    "40P01": Overloaded(),  # deadlock_detected
    "40001": Overloaded(),  # serialization_failure
    "53300": Overloaded(),  # too_many_connections
    "57P01": DatabaseUnavailable(),  # admin_shutdown
    "57P02": DatabaseUnavailable(),  # crash_shutdown
    "57P03": DatabaseUnavailable(),  # cannot_connect_now
    "22021": Invalid(Bilingual("Teks memuat karakter NUL.", "Text holds a NUL character.")),
}


def from_database(error: BaseException) -> DomainError | None:
    """The domain error that a database error means; None for one that is a bug."""
    if isinstance(error, StaleDataError):
        return StaleVersion()
    cause = driver_error(error)
    if isinstance(cause, PostgresError):
        constraint = getattr(cause, "constraint_name", None)
        if constraint in DomainError.by_constraint:
            return DomainError.by_constraint[constraint]()
        state = cause.sqlstate or ""
        unreachable = state[:2] in UNREACHABLE
        return SQLSTATE_ERRORS.get(state) or (DatabaseUnavailable() if unreachable else None)
    if isinstance(cause, OSError) or type(cause).__name__ in CONNECTION_FAULTS:
        return DatabaseUnavailable()
    return None


UNREACHABLE = ("08", "28", "3D")
"""SQLSTATE's classes: no connection, a wrong password or role, no such database."""
CONNECTION_FAULTS = {"ConnectionDoesNotExistError", "InterfaceError", "InternalClientError"}


def driver_error(error: BaseException) -> BaseException:
    """Asyncpg's own error, below SQLAlchemy's wrapping."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def domain_error(error: Exception) -> DomainError:
    """Any exception as the domain error that the caller is told; a bug becomes InternalError."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, RequestValidationError):
        return _from_validation(error)
    if isinstance(error, HTTPException):
        return _from_http(error)
    known = from_database(error)
    if known is None:
        log.error("unhandled_error", exc_info=error)
        return InternalError()
    log.warning("database_error", code=known.code, fault=type(driver_error(error)).__name__)
    return known


async def answer(request: Request, error: Exception) -> Response:
    """The exception handler of the application."""
    request_id = request.scope.get("kemuning.request_id", "")
    return problem_response(
        domain_error(error), request_id, language_of(request.headers.get("accept-language"))
    )


def install(app: FastAPI) -> None:
    """Every error of this application leaves through `answer`."""
    for kind in (DomainError, RequestValidationError, HTTPException, DBAPIError, PostgresError):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(StaleDataError, answer)
    app.add_exception_handler(OSError, answer)
