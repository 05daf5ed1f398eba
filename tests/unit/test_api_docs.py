"""The documentation page on the wire; tests/browser has it in a real browser."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api_docs import docs_router

OPENAPI = Path(__file__).parents[2] / "openapi.json"
NAMES = ["docs.js", "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]


def documented(openapi_url: str | None = "/openapi.json") -> FastAPI:
    app = FastAPI(title="Kemuning <&>", docs_url=None, redoc_url=None, openapi_url=openapi_url)
    app.include_router(docs_router())
    return app


def mounted() -> FastAPI:
    outer = FastAPI(docs_url=None, redoc_url=None)
    outer.mount("/kemuning", documented())
    return outer


def ask(app: FastAPI, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://kemuning.test"
        ) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def test_the_policy_lets_nothing_in_from_elsewhere_or_inline() -> None:
    answer = ask(documented(), "/docs")
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.search(r"<style|style=|<script>|https?:|\son\w+=", answer.text)
    assert "<title>Kemuning &lt;&amp;&gt;</title>" in answer.text


def descriptions(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("description", "summary") and isinstance(value, str):
                yield value
            yield from descriptions(value)
    elif isinstance(part, list):
        for value in part:
            yield from descriptions(value)


def styled(markdown: str) -> bool:
    """Whether its HTML has a style attribute: an aligned table's cells do, and HTML may."""
    aligned = r"^[ |:-]*(:-|-:)[ |:-]*$"
    return bool(re.search(rf"{aligned}|<[^>]+\bstyle\b", markdown, re.IGNORECASE | re.MULTILINE))


def test_no_description_has_a_style_that_the_policy_would_stop() -> None:
    document = json.loads(OPENAPI.read_text())
    assert [text for text in descriptions(document) if styled(text)] == []


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("| a | b |\n|--:|---|\n| 1 | 2 |", True),
        ("a | b\n:-- | ---\n1 | 2", True),
        ('A <p\nSTYLE="color: red">word</p>', True),
        ("| a | b |\n|---|---|\n| 1 | 2 |", False),
        ("A style: in `words` - and x < y", False),
    ],
)
def test_styles_are_found(markdown: str, expected: bool) -> None:
    assert styled(markdown) is expected


@pytest.mark.parametrize("path", ["/docs", *(f"/docs/assets/{name}" for name in NAMES)])
def test_head_is_get_without_a_body(path: str) -> None:
    head, get = ask(documented(), path, "HEAD"), ask(documented(), path)
    assert (head.status_code, head.headers) == (200, get.headers)
    assert int(head.headers["Content-Length"]) == len(get.content) > 0


@pytest.mark.parametrize(("app", "root"), [(documented(), "/"), (mounted(), "/kemuning/")])
def test_all_that_the_page_names_is_there(app: FastAPI, root: str) -> None:
    html = ask(app, f"{root}docs").text
    addresses = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', html)
    assert len(addresses) == 6
    for address in addresses:
        assert ask(app, root + address).status_code == 200, address


def test_the_page_finds_an_openapi_document_below_a_prefix() -> None:
    html = ask(documented("/api/v1/openapi.json"), "/docs").text
    assert 'data-openapi="api/v1/openapi.json"' in html


@pytest.mark.parametrize("name", NAMES)
def test_assets_are_cached_for_good_and_revalidated(name: str) -> None:
    app, path = documented(), f"/docs/assets/{name}"
    first = ask(app, path)
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    tag = first.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        again = ask(app, path, **{"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for sent in ('"other"', ""):
        again = ask(app, path, **{"If-None-Match": sent})
        assert (again.status_code, again.content) == (200, first.content)


@pytest.mark.parametrize(
    "name",
    ["redoc.standalone.js", "", "%2e%2e%2fcore.py", "..%5ccore.py", "DOCS.JS"],
)
def test_only_the_listed_assets_are_served(name: str) -> None:
    assert ask(documented(), f"/docs/assets/{name}").status_code == 404


def test_no_document_no_page() -> None:
    assert ask(documented(openapi_url=None), "/docs").status_code == 404


def test_the_page_is_no_operation() -> None:
    assert documented().openapi()["paths"] == {}
