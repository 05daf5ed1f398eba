"""Imports of employees through the API, with the worker doing its jobs inside the test."""

import asyncpg
import pytest
from fastapi import FastAPI

from tests.actors import Actors
from tests.importing import Officer, organise, person


@pytest.fixture
async def officer(app: FastAPI, actors: Actors, owner: asyncpg.Connection) -> Officer:
    """An officer in an organisation without people."""
    await organise(owner)
    return Officer(app, await actors.hr_admin())


async def test_a_clean_file_brings_in_everybody(
    officer: Officer, owner: asyncpg.Connection
) -> None:
    people = [person(number) for number in range(30)]
    done = await officer.bring(people)
    assert done["state"] == "imported", done
    assert done["counts"] == {
        "rows": 30, "new": 30, "changed": 0, "unchanged": 0, "skipped": 0, "wrong": 0,
        "warnings": 0,
    }  # fmt: skip
    for table in ("employees", "employee_profiles", "employee_identifiers", "employee_statuses",
                  "employee_golongan", "employee_educations", "seat_assignments"):  # fmt: skip
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 30, table
    again = await officer.bring(people)
    assert again["state"] == "imported"
    assert again["counts"]["unchanged"] == 30
    assert again["counts"]["new"] == again["counts"]["changed"] == 0
