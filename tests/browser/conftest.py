"""A served application, a browser, and a record of what the browser sought elsewhere."""

import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from fastapi import FastAPI

from tests.browser.chromium import Browser, Missing
from tests.browser.small_app import serving, small_app

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
def served_url() -> Iterator[str]:
    """The application under test, at the root of its host."""
    with serving(small_app()) as url:
        yield url


@pytest.fixture(scope="session")
def mounted_url() -> Iterator[str]:
    """An application below a root_path."""
    outer = FastAPI(docs_url=None, redoc_url=None)
    outer.mount("/kemuning", small_app())
    with serving(outer) as url:
        yield f"{url}/kemuning"
