"""Paging, for every list of the OpenAPI document."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from tests.actors import problem
from tests.populated import Operation, Populated, operations, unserved


def is_list(operation: Operation) -> bool:
    """A synchronisation is none: it has its own order, and ends with a token."""
    names = {p["name"] for p in operation.parameters("query")}
    return "cursor" in names and "sync_token" not in names


LISTS = [operation for operation in operations(unserved()) if is_list(operation)]
LONGEST = 200
"""Rows that a page holds at most."""
each_list = pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.id)


async def page(operation: Operation, populated: Populated, **query: Any) -> httpx.Response:
    """With the ids that a filter by account takes: of one that was active."""
    names = {p["name"] for p in operation.parameters("query")}
    if "account_id" in names:
        query["account_id"] = str(populated.ids["account_id"])
    if "within_years" in names:
        query["within_years"] = 5
    ids = {**populated.ids_for(operation), "account_id": populated.reader}
    return await operation.send(populated.client(operation), ids, params=query)


def shown(answer: httpx.Response) -> Mapping[str, Any]:
    assert answer.status_code == 200, answer.text
    body: Mapping[str, Any] = answer.json()
    return body


async def test_a_walk_by_ones_shows_what_one_page_shows(app: FastAPI, populated: Populated) -> None:
    lengths = {}
    for operation in LISTS:
        # The log grows by our own looking at it: what was there before is all that is compared.
        grows = any(p["name"] == "until" for p in operation.parameters("query"))
        until = {"until": datetime.now(UTC).isoformat()} if grows else {}
        whole = shown(await page(operation, populated, limit=LONGEST, include_total=True, **until))
        walked, query = [], {"limit": 1, **until}
        while True:
            answer = await page(operation, populated, **query)
            body = shown(answer)
            assert len(body["items"]) <= 1
            assert body["total"] is None, operation.id
            walked += body["items"]
            assert _next(answer) == body["next_cursor"], operation.id
            if body["next_cursor"] is None:
                break
            query["cursor"] = body["next_cursor"]
            assert len(walked) <= 500, operation.id
        assert walked[:LONGEST] == whole["items"], operation.id
        assert whole["total"] == len(walked), operation.id
        assert (whole["next_cursor"] is None) == (len(walked) <= LONGEST), operation.id
        keys = [json.dumps(item, sort_keys=True) for item in walked]
        assert len(keys) == len(set(keys)), f"{operation.id} shows one twice"
        lengths[operation.id] = len(walked)
    few = [name for name, length in lengths.items() if length < 2]
    assert not few, f"nothing to walk in {few}: fill tests/populated.py"


def _next(answer: httpx.Response) -> str | None:
    """The cursor of the Link header; the address is that of the same list."""
    link = answer.headers.get("link")
    if link is None:
        return None
    address, _, relation = link.partition("; ")
    assert relation == 'rel="next"'
    parts = urlsplit(address.strip("<>"))
    assert parts.path == answer.request.url.path
    return httpx.QueryParams(parts.query)["cursor"]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "", "satu", str(2**63)])
async def test_limits_have_bounds(limit: str, app: FastAPI, populated: Populated) -> None:
    for operation in LISTS:
        body = problem(await page(operation, populated, limit=limit), 422, "invalid")
        assert [e["pointer"] for e in body["errors"]] == ["/query/limit"], operation.id


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


STRANGE = (
    "x",
    "=",
    "AAAA",
    "é",
    "\x00",
    " ",
    "'; DROP TABLE units; --",
    "W10",  # []
    "e30",  # {}
    "bnVsbA",  # null
    "TmFO",  # NaN
    "Ww",  # [
    base64.urlsafe_b64encode(b"[" * 400).decode(),
    base64.urlsafe_b64encode(b'["\\ud800"]').decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    cursor("units", "x"),
    cursor(None),
    cursor(1, 2, 3),
    cursor("x" * 300),
)


async def test_a_cursor_that_was_not_given_out_is_refused(
    app: FastAPI, populated: Populated
) -> None:
    for operation in LISTS:
        for strange in (*STRANGE, *await _bent(operation, populated)):
            answer = await page(operation, populated, cursor=strange)
            assert answer.status_code in (400, 422), f"{operation.id}: {strange}: {answer.text}"
            if answer.status_code == 400:
                problem(answer, 400, "invalid_cursor")
            else:
                assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


async def _bent(operation: Operation, populated: Populated) -> list[str]:
    """Its own cursor with one value made wrong."""
    given = shown(await page(operation, populated, limit=1))["next_cursor"]
    if given is None:
        return []
    order, *values = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    wrong = (None, 1, [], {}, "\x00", "\ud800")
    bent = [cursor(order, *values[:-1], value) for value in wrong]
    return [*bent, cursor(order), cursor(order, *values, "x"), given[:-2], given + "AA"]


async def test_a_cursor_of_another_list_is_refused(app: FastAPI, populated: Populated) -> None:
    given = {
        operation.id: shown(await page(operation, populated, limit=1))["next_cursor"]
        for operation in LISTS
    }
    for operation in LISTS:
        for other, theirs in given.items():
            if theirs is not None and other not in (operation.id, SAME_ORDER.get(operation.id)):
                answer = await page(operation, populated, cursor=theirs)
                problem(answer, 400, "invalid_cursor")


SAME_ORDER: Mapping[str, str] = {
    "correction_requests_list_requests": "correction_requests_list_of_employee",
    "correction_requests_list_of_employee": "correction_requests_list_requests",
}
"""Lists of the same things in the same order, where a cursor says the same."""
