"""A small government for tests: units, positions, employees and who holds which seat."""

from collections.abc import Mapping
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from tests.actors import Client

SINCE = "2020-01-01"
_numbers = count(1)


class Government:
    """What an officer builds through the API; employees come straight into the database."""

    def __init__(self, hr: Client, owner: asyncpg.Connection) -> None:
        self.hr = hr
        self.owner = owner

    async def unit(
        self,
        code: str,
        parent: str | None = None,
        since: str = SINCE,
        kind: str = "dinas",
        name: str | None = None,
    ) -> str:
        """A unit's id."""
        body = {"code": code, "name": name or f"Unit {code}", "kind": kind}
        answer = await self.hr.post(
            "/units", json={**body, "parent_id": parent, "effective_from": since}
        )
        return made(answer)["id"]

    async def position(
        self, unit: str, code: str, seats: int = 1, since: str = SINCE, **more: Any
    ) -> str:
        """A position's id."""
        body = {
            "code": code,
            "unit_id": unit,
            "title": f"Jabatan {code}",
            "job_kind": "pelaksana",
            "seats": seats,
            "effective_from": since,
        }
        return made(await self.hr.post("/positions", json=body | more))["id"]

    async def employee(
        self, name: str = "Sri Wahyuni", born: date = date(1980, 5, 17), until: date | None = None
    ) -> UUID:
        """An employee in service since 2010."""
        number = next(_numbers)
        person: UUID = await self.owner.fetchval(
            "INSERT INTO employees (birth_date, sex) VALUES ($1, 'female') RETURNING id", born
        )
        days = asyncpg.Range(date(2010, 1, 1), until)
        await self.owner.execute(
            "INSERT INTO employee_profiles (employee_id, name, name_sort, valid)"
            " VALUES ($1, $2::text, lower($2::text), $3)",
            person,
            name,
            asyncpg.Range(date(2010, 1, 1), None),
        )
        await self.owner.execute(
            "INSERT INTO employee_identifiers (employee_id, kind, value, valid)"
            " VALUES ($1, 'nip', $2, $3)",
            person,
            f"19800517{2001 + number // 999}012{number % 999 + 1:03d}",
            days,
        )
        await self.owner.execute(
            "INSERT INTO employee_statuses (employee_id, status, valid) VALUES ($1, 'pns', $2)",
            person,
            days,
        )
        return person

    async def assign(
        self, position: str, employee: UUID, since: str = SINCE, **more: Any
    ) -> httpx.Response:
        """Ask for a seat."""
        body = {"employee_id": str(employee), "kind": "definitif", "effective_from": since}
        return await self.hr.post(f"/positions/{position}/assignments", json=body | more)

    async def change(
        self, path: str, body: Mapping[str, Any], version: int | None = None
    ) -> httpx.Response:
        """PATCH with the version as it is now, unless another is given."""
        if version is None:
            day = {} if "/assignments/" in path else {"as_of": body["effective_from"]}
            version = (await self.hr.get(path, params=day)).json()["version"]
        return await self.hr.patch(path, json=body, headers={"If-Match": f'"{version}"'})


def made(response: httpx.Response) -> dict[str, Any]:
    """Assert 201 and return what was made."""
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def ok(response: httpx.Response) -> Any:
    """Assert 200 and return the answer."""
    assert response.status_code == 200, response.text
    return response.json()
