"""What routers ask for: the actor, a session to write with, a reader to read with.

The Annotated aliases at the end are all that a router needs. `Route` adds what every
operation has: unknown query parameters refused, 304, and the stored answer of an
Idempotency-Key.
"""

import hashlib
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import date
from functools import cached_property
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import Match
from starlette.types import Scope

from app.access.actors import Actor
from app.access.table import TABLE, check_operation
from app.calendar import today
from app.database import DriverReader
from app.errors import (
    BadRequest,
    Bilingual,
    FieldError,
    IfMatchRequired,
    Invalid,
    Language,
    StaleVersion,
    language_of,
)
from app.runtime import Runtime
from app.schemas.base import Day, Line
from app.services import idempotency
from app.services.credentials import Secret
from app.services.throttle import Caller


def runtime_of(request: Request) -> Runtime:
    """The runtime of the process."""
    return cast(Runtime, request.app.state.runtime)


async def judged_actor(request: Request) -> Actor:
    """Who asks, judged by the access table before anything else is looked at.

    Errors: Unauthenticated, Forbidden.
    """
    scope = request.scope
    operation = scope["route"].unique_id
    rule = TABLE[operation]
    purpose = request.headers.get("x-purpose") or ""
    facts = {
        "operation": operation,
        "purpose": _purpose(purpose),
        "request_id": scope["kemuning.request_id"],
    }
    header = None if rule.proof_in_body else request.headers.get("authorization")
    token = _bearer(header)
    actor = await runtime_of(request).keyring.actor(token, facts) if token else Actor(**facts)
    scope["kemuning.actor"] = actor
    check_operation(rule, actor)
    return actor


async def current_actor(request: Request) -> Actor:
    """Who asks; `Route` has judged them."""
    return cast(Actor, request.scope["kemuning.actor"])


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _purpose(header: str) -> str:
    """X-Purpose is kept with the audit event: one printable line, at most 200 characters."""
    purpose = header.encode("latin-1", "replace").decode("utf-8", "replace")
    if len(purpose) > 200 or not purpose.isprintable():
        detail = Bilingual(
            "Satu baris, paling banyak 200 karakter.", "One line of at most 200 characters."
        )
        raise Invalid(errors=[FieldError("/header/X-Purpose", "invalid_purpose", detail)])
    return purpose


CurrentActor = Annotated[Actor, Depends(current_actor)]


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The transaction of a write. With `scope="function"` it is committed before the answer."""
    actor = await current_actor(request)
    async with runtime_of(request).database.transaction(actor) as session:
        request.scope["kemuning.session"] = session
        await idempotency.begin(session, actor, request.scope.get("kemuning.idempotency"))
        yield session


async def open_reader(request: Request) -> DriverReader:
    """The snapshot of a read. `Route` closes it: a dependency that yields costs as much again."""
    actor = await current_actor(request)
    opened: AsyncExitStack = request.scope["kemuning.opened"]
    reader = await opened.enter_async_context(runtime_of(request).database.reading(actor))
    request.scope["kemuning.reader"] = reader
    return reader


async def open_writer(request: Request) -> DriverReader:
    """The transaction of a write of one statement. `Route` commits it before the answer."""
    actor = await current_actor(request)
    opened: AsyncExitStack = request.scope["kemuning.opened"]
    return await opened.enter_async_context(runtime_of(request).database.writing(actor))


async def _record_read(request: Request) -> None:
    """Whose data the answer reveals is on disk before it goes out."""
    reader: DriverReader | None = request.scope.get("kemuning.reader")
    if reader is not None and reader.revealed:
        entity = request.scope["route"].tags[0]
        await runtime_of(request).recorder.record_read(reader.actor, entity, reader.revealed)


async def _expected_version(
    if_match: Annotated[
        str | None,
        Header(description="The ETag that the change is based on.", examples=['"3"']),
    ] = None,
) -> int:
    if if_match is None:
        raise IfMatchRequired
    match = ETAG.fullmatch(if_match.strip())
    if match is None:
        raise StaleVersion
    return int(match[1])


ETAG = re.compile(r'"(\d{1,18})(?:\.[\w-]+)?"')


def etag(version: int, as_of: date | None = None) -> str:
    """The strong ETag of a representation: its version, and its day where it depends on one."""
    return f'"{version}.{as_of.isoformat()}"' if as_of else f'"{version}"'


def told(*headers: str) -> dict[str, dict[str, str]]:
    """Headers of an answer, as its documentation tells of them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


def etag_of(version: int, shown: BaseModel) -> str:
    """The ETag of an answer that also shows what its version doesn't cover: names, counts."""
    return _content_etag(version, shown.model_dump_json().encode())


def answer_with_etag(version: int, shown: BaseModel) -> Response:
    """That answer itself, written once for the ETag and for the wire."""
    body = shown.model_dump_json().encode()
    headers = {"ETag": _content_etag(version, body)}
    return Response(body, headers=headers, media_type="application/json")


def _content_etag(version: int, body: bytes) -> str:
    return f'"{version}.{hashlib.sha256(body).hexdigest()[:16]}"'


async def _caller(request: Request, actor: CurrentActor) -> Caller:
    """Who knocks at an operation that is throttled."""
    return Caller(
        actor=actor,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent"),
        headers=request.scope.setdefault("kemuning.headers", {}),
        sealer=runtime_of(request).settings.sealer,
    )


async def _fresh_secret(_: CurrentActor) -> Secret:
    return await Secret.random()


async def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language"))


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The Link header (RFC 8288) to the page after this one; none where it is the last."""
    if cursor is None:
        return {}
    url = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}


Session = Annotated[AsyncSession, Depends(open_session, scope="function")]
ReadSession = Annotated[DriverReader, Depends(open_reader)]
WriteStatement = Annotated[DriverReader, Depends(open_writer)]
CurrentRuntime = Annotated[Runtime, Depends(runtime_of)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
CurrentLanguage = Annotated[Language, Depends(_language)]
"""What the caller wants to read: Indonesian, or English by Accept-Language."""
FreshSecret = Annotated[Secret, Depends(_fresh_secret)]
"""Name it before the session: it is hashed while no transaction is open."""
AsOf = Annotated[
    Day,
    Query(default_factory=today, description="Show the state on this day; today when left out."),
]
ExpectedVersion = Annotated[int, Depends(_expected_version)]
IdempotencyKey = Annotated[
    Line | None,
    Header(
        alias="Idempotency-Key",
        description="Repeat the same key with the same body to get the first answer again.",
    ),
]


def operation_id(route: APIRoute) -> str:
    """`{tag}_{function}`: what client generators make method names of."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class UnambiguousRequest(Request):
    """A request whose JSON names no member twice: which one counts differs from reader to reader.

    RFC 8259 section 4. A proxy that checks the first would be passed by with the second.
    """

    async def json(self) -> Any:
        """The body. Errors: BadRequest; a ValueError where it is no JSON."""
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), object_pairs_hook=_members)
        return self._json


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:100]
        raise BadRequest(Bilingual(f"{twice} muncul dua kali.", f"{twice} occurs twice."))
    return members


class Route(APIRoute):
    """What every operation has, beside its own work."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "generate_unique_id_function": operation_id})
        summary, _, description = (inspect.getdoc(self.endpoint) or "").partition("\n")
        self.summary, self.description = summary.rstrip("."), description.strip()

    def get_route_handler(self) -> Handler:
        """The handler of the operation with the checks before and the headers after it."""
        handle = super().get_route_handler()
        known = frozenset(_query_names(self))

        async def handler(request: Request) -> Response:
            await judged_actor(request)
            if request.scope["query_string"]:
                _refuse_unknown(request, known)
            if request.method != "GET":
                request = UnambiguousRequest(request.scope, request.receive)
            key = request.headers.get("idempotency-key") if request.method == "POST" else None
            async with AsyncExitStack() as opened:
                request.scope["kemuning.opened"] = opened
                response = await (handle(request) if key is None else _once(request, key, handle))
            await _record_read(request)
            if "etag" in response.headers and request.method == "GET":
                return _unless_unchanged(request, response)
            return response

        return handler


class Router(APIRouter):
    """The operations of one noun. A request for another address is turned away at once:

    FastAPI would try the pattern of every operation, twice, and that costs more than the query.
    """

    def __init__(self, prefix: str = "", *, tag: str) -> None:
        super().__init__(prefix=prefix, tags=[tag], route_class=Route)

    @cached_property
    def _nouns(self) -> frozenset[str]:
        """The first words of its addresses."""
        return frozenset(str(getattr(r, "path", "/")).split("/")[1] for r in self.routes)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether one of the operations answers this request."""
        if self._nouns.isdisjoint(scope["path"].split("/")):
            return Match.NONE, {}
        return super().matches(scope)


def _query_names(route: APIRoute) -> set[str]:
    names: set[str] = set()
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        pending.extend(dependant.dependencies)
        for parameter in dependant.query_params:
            fields = getattr(parameter.field_info.annotation, "model_fields", None)
            names.update(fields or {parameter.alias})
    return names


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        detail = Bilingual("Parameter ini tidak dikenal.", "This parameter is unknown.")
        raise Invalid(
            errors=[FieldError(f"/query/{n[:100]}", "extra_forbidden", detail) for n in unknown]
        )


async def _once(request: Request, key: str, handle: Handler) -> Response:
    """Run a POST once per key: its answer is stored in the transaction that made it true."""
    request.scope["kemuning.idempotency"] = idempotency.Claim(
        idempotency.checked_key(key),
        await _fingerprint(request),
        runtime_of(request).settings.sealer,
    )
    try:
        response = await handle(request)
    except idempotency.Replay as replay:
        return Response(replay.body, replay.status, headers=replay.headers)
    session = request.scope.get("kemuning.session")
    if session is not None and response.status_code < 400:
        await idempotency.finish(
            session,
            request.scope["kemuning.actor"],
            request.scope["kemuning.idempotency"],
            response.status_code,
            {k: v for k, v in response.headers.items() if k != "content-length"},
            bytes(response.body),
        )
    return response


async def _fingerprint(request: Request) -> bytes:
    """What makes two requests the same: path, query and body; for forms, the parts' content."""
    target = request.url.path + "?" + urlencode(sorted(request.query_params.multi_items()))
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        parts: list[bytes] = []
        for name, value in (await request.form()).multi_items():
            parts.append(name.encode())
            if isinstance(value, str):
                parts.append(value.encode())
            else:
                parts.append(await value.read())
                await value.seek(0)
        return idempotency.fingerprint(target.encode(), *parts)
    return idempotency.fingerprint(target.encode(), await request.body())


def _unless_unchanged(request: Request, response: Response) -> Response:
    asked = request.headers.get("if-none-match")
    tags = {t.strip().removeprefix("W/") for t in (asked or "").split(",")}
    if asked is None or (response.headers["etag"] not in tags and "*" not in tags):
        return response
    kept = {k: v for k, v in response.headers.items() if k in ("etag", "cache-control", "vary")}
    return Response(status_code=304, headers=kept)
