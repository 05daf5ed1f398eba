"""An application with what the documentation page draws in ways of its own, and its serving."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.types import ASGIApp

from app.api_docs import docs_router


class Person(BaseModel):
    name: str = Field(examples=["Siti"])
    kind: Literal["pns", "pppk"] = "pns"
    golongan: str | None = Field(None, pattern="^[IV]+/[a-e]$")
    holds: list["Person"] = []


def small_app() -> FastAPI:
    app = FastAPI(title="Kemuning <&>", docs_url=None, redoc_url=None)
    app.include_router(docs_router())

    @app.get("/health", tags=["health"])
    async def read_health() -> dict[str, str]:
        """Whether it *works*, with `code`, a [link](https://outside.example/) and a table.

        Its columns have no alignment: that becomes a style attribute, which the policy forbids.

        | a | b |
        |---|---|
        | 1 | 2 |
        """
        return {"status": "well"}

    @app.post("/people", tags=["people"])
    async def create_person(person: Person) -> Person:
        return person

    @app.get("/me", tags=["people"])
    async def read_me(
        token: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
    ) -> dict[str, str]:
        return {"token": token.credentials}

    return app


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The application on a free port of 127.0.0.1, by uvicorn; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
