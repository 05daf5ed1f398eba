"""An answer that is made while it is sent.

What goes wrong before its first byte is a problem as any. After that only one thing can be told:
the connection is cut, so that no client takes a part for the whole. A client that goes away ends
the making at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LONGEST_SECONDS = 30 * 60.0
STALLED_SECONDS = 60.0
"""How long a client may take nothing at all."""
Write = Callable[[bytes], Awaitable[None]]
Make = Callable[[Write], Coroutine[Any, Any, None]]
log = structlog.get_logger()


class Stream(Response):
    """`make` is called with what it writes the body to."""

    def __init__(self, make: Make, media_type: str, headers: Mapping[str, str]) -> None:
        self.make = make
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        limit: asyncio.Timeout = scope["kemuning.limit"]
        limit.reschedule(asyncio.get_running_loop().time() + LONGEST_SECONDS)
        body = _Body(self, send)
        try:
            if await _unless_gone(self._whole(body), receive):
                log.info("stream_left")
        except Exception as error:
            if not body.begun:
                raise
            log.error("stream_cut", exc_info=error)

    async def _whole(self, body: "_Body") -> None:
        await self.make(body.write)
        await body.end()


class _Body:
    """The messages of an answer, the head with the first bytes."""

    def __init__(self, response: Response, send: Send) -> None:
        self._response = response
        self._send = send
        self.begun = False

    async def write(self, data: bytes) -> None:
        """Errors: TimeoutError where the client takes nothing for a while."""
        await self._begin()
        async with asyncio.timeout(STALLED_SECONDS):
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """The body is whole."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            status, headers = self._response.status_code, self._response.raw_headers
            await self._send({"type": "http.response.start", "status": status, "headers": headers})


async def _unless_gone(work: Coroutine[Any, Any, None], receive: Receive) -> bool:
    """Do the work; where the client goes away first, end it there, and say so."""
    working, gone = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        left = not working.done()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.wait((working, gone))
    if not left:
        working.result()
    return left


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
