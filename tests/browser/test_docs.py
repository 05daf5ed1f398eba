"""`/docs` in a real browser, with every outside request blocked."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.api_docs import docs_router
from tests.browser.chromium import Browser, Page
from tests.browser.serving import serving

READY = "#operations-health-health_readyz"
ME = "#operations-me-me_get_me"
SHOWN = "document.querySelectorAll('.opblock').length"
IDS = "[...document.querySelectorAll('.opblock')].map(element => element.id)"
SCHEMA = ".models .json-schema-2020-12-accordion"
SAMPLE = 8


@pytest.fixture(params=["served_url", "mounted_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def docs(browser: Browser, url: str, outside: list[str]) -> Iterator[Page]:
    """The page, rendered. Whatever a test does with it, it must stay clean."""
    page = browser.open(f"{url}/docs")
    page.wait_for(SHOWN)
    yield page
    assert page.violations() == []
    assert page.complaints() == []
    assert page.origins() == {url.removesuffix("/kemuning")}
    assert outside == []
    page.close()


def execute(page: Page, operation: str) -> str:
    """Try an operation out; the live answer's text."""
    page.click(f"{operation} .opblock-summary-control")
    page.click(f"{operation} .try-out__btn")
    page.click(f"{operation} .btn.execute")
    answer = f"document.querySelector('{operation} .live-responses-table .response')?.innerText"
    return str(page.wait_for(answer))


def test_every_operation_is_rendered(docs: Page) -> None:
    openapi = docs.evaluate("fetch('openapi.json').then(answer => answer.json())")
    operations = [operation for path in openapi["paths"].values() for operation in path.values()]
    ids = [f"operations-{each['tags'][0]}-{each['operationId']}" for each in operations]
    assert sorted(docs.evaluate(IDS)) == sorted(ids)
    assert docs.evaluate("document.title") == openapi["info"]["title"]


@pytest.mark.parametrize("url", ["served_url"], indirect=True)
def test_every_kind_of_part_opens(docs: Page) -> None:
    """Each has its own way of drawing, and so of breaking the policy. A sample: it's slow."""
    operations = docs.evaluate(IDS)
    for operation in operations[:: 1 + len(operations) // SAMPLE]:
        summary = f"#{operation} .opblock-summary-control"
        docs.click(summary)
        docs.click(f"#{operation} .try-out__btn")
        docs.wait_for(f"!!document.querySelector('#{operation} .btn.execute')")
        docs.click(summary)
        docs.wait_for(f"!document.querySelector('#{operation}.is-open')")
    docs.click(SCHEMA)
    docs.wait_for("document.querySelectorAll('.models .json-schema-2020-12-property').length")


def test_execute_sends_the_request_and_shows_the_answer(docs: Page, url: str) -> None:
    answer = execute(docs, READY)
    assert answer.startswith("200")
    assert '"schema_revision": "' in answer
    assert "GET" in [sent["method"] for sent in docs.requests() if sent["url"] == f"{url}/readyz"]


def test_a_token_is_sent_and_not_kept(
    browser: Browser, served_url: str, outside: list[str]
) -> None:
    """A token that nobody issued: it's refused, and stands in the request."""
    page = browser.open(f"{served_url}/docs")
    page.click(".auth-wrapper .btn.authorize")
    page.type(".auth-container input", "abc.def")
    page.click(".auth-btn-wrapper .btn.authorize")
    page.click(".auth-btn-wrapper .btn-done")
    assert execute(page, ME).startswith("401")
    sent = [request["headers"] for request in page.requests() if request["url"].endswith("/me")]
    assert [headers["Authorization"] for headers in sent] == ["Bearer abc.def"]
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "abc.def" not in kept
    assert page.violations() == []
    assert outside == []
    page.close()


def test_a_style_in_a_description_is_stopped(browser: Browser) -> None:
    """Why no description may have one: `tests/unit/test_api_docs.py` looks at them all."""
    app = FastAPI(docs_url=None, redoc_url=None, description="| a |\n|--:|\n| 1 |")
    app.include_router(docs_router())
    with serving(app) as url:
        page = browser.open(f"{url}/docs")
        page.wait_for("document.querySelectorAll('.info td').length")
        stopped = [violation.split()[0] for violation in page.violations()]
        assert stopped.count("style-src-attr") >= 2  # a cell each, and again if it is drawn again
        assert set(stopped) == {"style-src-attr"}
        page.close()


def test_a_link_opens_its_operation(browser: Browser, served_url: str) -> None:
    page = browser.open(f"{served_url}/docs#/health/health_readyz")
    page.wait_for(f"!!document.querySelector('{READY}.is-open')")
    page.close()


def test_no_query_brings_in_another_document(browser: Browser, served_url: str) -> None:
    query = "url=https://outside.example/a.json&configUrl=/b.json"
    page = browser.open(f"{served_url}/docs?{query}")
    page.wait_for(SHOWN)
    asked = {request["url"] for request in page.requests()} - {f"{served_url}/docs?{query}"}
    assert f"{served_url}/openapi.json" in asked
    assert not [address for address in asked if address.endswith(("/a.json", "/b.json"))]
    page.close()


def test_the_watchers_see_what_they_watch_for(browser: Browser, outside: list[str]) -> None:
    """A page with every fault there is, since a watcher that sees nothing also passes."""
    faulty = """<p style="color: red"><script>1</script><script src="/absent.js"></script>
        <img src="http://outside.example/pixel.png"><script src="http://outside.example/a.js"></script>"""
    policy = {"Content-Security-Policy": "default-src 'none'; script-src 'self'; img-src *"}
    route = Route("/", lambda _: HTMLResponse(faulty, headers=policy))
    with serving(Starlette(routes=[route])) as url:
        page = browser.open(url)
        page.wait_for("(window.violations ?? []).length == 3")
        stopped = [violation.split()[0] for violation in page.violations()]
        assert sorted(stopped) == ["script-src-elem", "script-src-elem", "style-src-attr"]
        assert any("absent.js" in str(entry.get("url")) for entry in page.complaints())
        assert "http://outside.example" in page.origins()
        assert outside == ["GET http://outside.example/pixel.png HTTP/1.1"]
        page.close()
