"""The frame around every request: its id, its time limit, its log line, its metrics.

One plain ASGI class; each further layer would cost every request.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DomainError, TimedOut, domain_error, language_of, problem_response

log = structlog.get_logger()

REQUEST_SECONDS = Histogram(
    "kemuning_request_seconds",
    "Time from a request's first byte to its answer's last.",
    ["operation", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
UNHANDLED = Counter("kemuning_unhandled_errors_total", "Answers with an internal error.")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS = tuple(
    (name.lower().encode(), value.encode())
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Resource-Policy": "same-site",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }.items()
)
"""Of every answer that doesn't bring its own."""


class RequestFrame:
    """Request id, security headers, time limit, access log and metrics of every request."""

    def __init__(self, app: ASGIApp, *, timeout_seconds: float) -> None:
        self.app = app
        self.timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        frame = _Frame(scope, send)
        try:
            async with asyncio.timeout(self.timeout_seconds) as limit:
                scope["kemuning.limit"] = limit  # which a long download moves
                await self.app(scope, receive, frame.send)
        except TimeoutError:
            await frame.fail(TimedOut(), receive)
        except Exception as error:
            await frame.fail(domain_error(error), receive)
        finally:
            frame.finish()


class _Frame:
    """One request, from its first byte to its last."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self._send = send
        self.started = time.perf_counter()
        self.status = 0
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid4())
        scope["kemuning.request_id"] = self.request_id
        structlog.contextvars.bind_contextvars(request_id=self.request_id)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [*message["headers"], (b"x-request-id", self.request_id.encode())]
            own += _raw(self.scope.get("kemuning.headers", {}))
            names = {name for name, _ in own}
            message["headers"] = [*own, *(h for h in HEADERS if h[0] not in names)]
        await self._send(message)

    async def fail(self, error: DomainError, receive: Receive) -> None:
        """Answer with a problem, unless the answer has begun: then only the log can tell."""
        if error.status == 500:
            UNHANDLED.inc()
        if not self.status:
            language = language_of(Headers(scope=self.scope).get("accept-language"))
            response = problem_response(error, self.request_id, language)
            await response(self.scope, receive, self.send)

    def finish(self) -> None:
        seconds = time.perf_counter() - self.started
        route = self.scope.get("route")
        operation = getattr(route, "unique_id", "unrouted")
        method = self.scope["method"] if route is not None else "*"
        REQUEST_SECONDS.labels(operation, method, self.status).observe(seconds)
        actor: Any = self.scope.get("kemuning.actor")
        log.info(
            "request",
            method=self.scope["method"],
            operation=operation,
            status=self.status,
            ms=round(seconds * 1000, 2),
            account=str(actor.account_id) if actor and actor.account_id else None,
        )


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
