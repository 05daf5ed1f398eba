"""A served application, a browser, and a record of what the browser sought elsewhere."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from fastapi import FastAPI

from app.embedded import EmbeddedServer
from app.installation import create_database
from app.main import create_app
from app.settings import Settings
from tests.browser.chromium import Browser, Missing
from tests.browser.serving import serving
from tests.conftest import TEMPLATE, settings_for

_sought: list[str] = []


class _Recorder(StreamRequestHandler):
    """A proxy that refuses all, and writes down what was asked of it."""

    def handle(self) -> None:
        _sought.append(self.rfile.readline().decode("latin-1").strip())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests, with every way out closed."""
    with ThreadingTCPServer(("127.0.0.1", 0), _Recorder) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        try:
            chromium = _start(tmp_path_factory.mktemp("profile"), proxy.server_address[1])
            yield chromium
            chromium.close()
        finally:
            proxy.shutdown()


def _start(profile: Path, proxy_port: int) -> Browser:
    try:
        return Browser(profile, proxy=f"127.0.0.1:{proxy_port}")
    except Missing as missing:
        pytest.fail(f"These tests need Chromium, and {missing}. Debian: apt-get install chromium")


@pytest.fixture
def outside() -> list[str]:
    """What pages have asked of any other host since the test began, as request lines."""
    _sought.clear()
    return _sought


@pytest.fixture(scope="session")
def settings(server: EmbeddedServer) -> Settings:
    """Those of a developer's machine, with a migrated database."""
    asyncio.run(create_database(server.dsn(), "browser", template=TEMPLATE))
    return settings_for(server, "browser")


@pytest.fixture(scope="session")
def served_url(settings: Settings) -> Iterator[str]:
    """Kemuning at the root of its host."""
    with serving(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="session")
def mounted_url(settings: Settings) -> Iterator[str]:
    """Kemuning below a root_path."""
    kemuning = create_app(settings)
    outer = FastAPI(
        docs_url=None, redoc_url=None, lifespan=lambda _: kemuning.router.lifespan_context(kemuning)
    )
    outer.mount("/kemuning", kemuning)
    with serving(outer) as url:
        yield f"{url}/kemuning"
