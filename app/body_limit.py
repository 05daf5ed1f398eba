"""How large a body may be, by operation.

Starlette's own limit answers from outside of every other layer: in plain text, and without the
request's id. This one raises where the body is read, so that its answer is a problem as any.
"""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses a body beyond `largest` bytes; uploads, at paths with this end, have their own."""

    def __init__(
        self, app: ASGIApp, *, largest: int, upload_path: str, largest_upload: int
    ) -> None:
        self.app = app
        self.largest = largest
        self.upload_path = upload_path
        self.largest_upload = largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            upload = scope["path"].endswith(self.upload_path)
            receive = _limited(scope, receive, self.largest_upload if upload else self.largest)
        await self.app(scope, receive, send)


def _limited(scope: Scope, receive: Receive, largest: int) -> Receive:
    """Raises 413 on reading, by the length that the client states, or as the body comes."""
    stated = Headers(scope=scope).get("content-length", "")
    known_too_large = stated.isdecimal() and (len(stated) > 18 or int(stated) > largest)
    received = 0

    async def read() -> Message:
        nonlocal received
        message: Message = {} if known_too_large else await receive()
        received += len(message.get("body", b""))
        if known_too_large or received > largest:
            raise HTTPException(413)
        return message

    return read
