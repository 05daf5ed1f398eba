"""Exports: every format read back by a real reader, and none that says more than it should."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from tests.actors import Actors, Client, problem
from tests.people import shown
from app.vocabulary import ExportDataset
from tests.populated import Populated

WHY = {"X-Purpose": "pemeriksaan tahunan"}


async def ask(client: Client, dataset: str, form: str = "csv", **more: Any) -> dict[str, Any]:
    """A new export."""
    body = {"dataset": dataset, "format": form, **more}
    export: dict[str, Any] = shown(await client.post("/exports", json=body, headers=WHY), 201)
    return export


async def fetch(client: Client, dataset: str, form: str = "csv", **more: Any) -> bytes:
    """A new export's content."""
    export = await ask(client, dataset, form, **more)
    answer = await client.get(f"/exports/{export['id']}/content")
    assert answer.status_code == 200, answer.text
    return answer.content


async def rows(client: Client, dataset: str, **more: Any) -> list[dict[str, str]]:
    """The rows of a data set, by CSV."""
    text = (await fetch(client, dataset, **more)).decode()
    return list(csv.DictReader(StringIO(text, newline="")))


@pytest.mark.parametrize("dataset", list(ExportDataset))
async def test_csv_and_ndjson_say_the_same(populated: Populated, dataset: str) -> None:
    auditor = populated.clients["auditor"]
    told = await rows(auditor, dataset)
    lines = (await fetch(auditor, dataset, "ndjson")).decode().splitlines()
    assert len(told) == len(lines)
    print(told[:1], lines[:1])
