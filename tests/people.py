"""Employees for tests, entered through the API as an officer does."""

from itertools import cycle
from typing import Any
from uuid import UUID

import httpx

from tests.actors import Client

_numbers = cycle(range(1, 1000))  # each test has a database of its own
PPPK = {"status": "pppk", "effective_from": "2022-03-01"}


def nip() -> str:
    """Another valid NIP of a woman who was born on 1985-01-15."""
    return f"198501152010012{next(_numbers):03d}"


def ni_pppk() -> str:
    """Another valid NI PPPK of the same woman."""
    return f"198501152022212{next(_numbers):03d}"


def person(**changes: Any) -> dict[str, Any]:
    """A body for POST /employees."""
    body: dict[str, Any] = {
        "identifier": nip(),
        "birth_place": "Magelang",
        "birth_date": "1985-01-15",
        "sex": "female",
        "profile": {"name": "Siti Aminah", "title_prefix": "Dra.", "title_suffix": "M.Si."},
        "status": {"status": "pns", "effective_from": "2011-01-01"},
        "golongan": {"golongan": "III/a", "effective_from": "2011-01-01"},
    }
    return body | changes


def named(name: str, **changes: Any) -> dict[str, Any]:
    """A body for somebody of that name, without titles."""
    return person(profile={"name": name}, **changes)


async def entered(hr: Client, **changes: Any) -> dict[str, Any]:
    """An employee as the API answered."""
    return shown(await hr.post("/employees", json=person(**changes)), 201)


async def enter(hr: Client, **changes: Any) -> UUID:
    """A new employee's id."""
    return UUID((await entered(hr, **changes))["id"])


def shown(response: httpx.Response, status: int = 200) -> Any:
    """Assert the status and return the answer."""
    assert response.status_code == status, response.text
    return response.json()


def matching(response: httpx.Response) -> dict[str, str]:
    """If-Match with the ETag of an answer."""
    return {"If-Match": response.headers["etag"]}
