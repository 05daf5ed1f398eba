r"""Exports over HTTP against `psql \copy` of the same rows, and what they add to the memory.

Kemuning's side is the whole download from a real server: the events of the read in the audit log,
row-level security, hashing, signing, HTTP. The limit is the superuser's `\copy` of the same query
as plain CSV. Both are thrown away where they arrive; ratios are of rows a second.
"""

import asyncio
import http.client
import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]

from app.calendar import now
from app.database import Database
from app.embedded import EmbeddedServer, _binaries
from app.services.exports.catalogue import DATASETS
from app.services.exports.statements import copy_of
from app.services.signing_keys import Keyring
from app.vocabulary import ExportDataset, ExportFormat, Role
from bench import data
from bench.reads import serving, token_of

PORT = 8414
ROUNDS = 3
LEAST = {ExportFormat.CSV: 0.80, ExportFormat.NDJSON: 0.40}
MOST_MIB = 64.0


@dataclass
class Download:
    """One export from its first request to its last byte."""

    seconds: float
    rows: int
    mib: float
    added_mib: float


def run(running: EmbeddedServer) -> list[tuple[str, float, float]]:
    """Measure; returns (name, ratio, mark)."""
    settings = data.settings(running)
    token = asyncio.run(_auditor(running))
    results, added = [], 0.0
    with serving("app.main:app_from_environment", PORT, settings) as server:
        client = _Client(token, psutil.Process(server.pid))
        for dataset in (ExportDataset.EMPLOYEES, ExportDataset.SCORES):
            client.download(dataset, ExportFormat.CSV)  # both sides read from memory
            for form, least in LEAST.items():
                ratio, most = _ratio(running, client, dataset, form)
                results.append((f"export of {dataset} as {form}", ratio, least))
                added = max(added, most)
    results.append(("memory that an export adds, MiB (at most)", added, -MOST_MIB))
    return results


def _ratio(
    running: EmbeddedServer, client: "_Client", dataset: ExportDataset, form: ExportFormat
) -> tuple[float, float]:
    ratios, added = [], 0.0
    for _ in range(ROUNDS):
        bare = _copy(running, dataset)
        ours = client.download(dataset, form)
        ratios.append(bare / ours.seconds)
        added = max(added, ours.added_mib)
        print(
            f"  {dataset} as {form}: \\copy {ours.rows / bare:,.0f} rows/s, Kemuning"
            f" {ours.rows / ours.seconds:,.0f} rows/s ({ours.rows:,} rows, {ours.mib:,.0f} MiB in"
            f" {bare:.2f} and {ours.seconds:.2f} s; {ours.added_mib:.0f} MiB of memory added)",
            flush=True,
        )
    return statistics.median(ratios), added


def _copy(running: EmbeddedServer, dataset: ExportDataset) -> float:
    """Seconds that `psql` takes, planned alike; plain columns, without our apostrophes."""
    query = " ".join(copy_of(DATASETS[dataset], ExportFormat.XLSX, now()).query.split())
    words = [_binaries() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", running.dsn(data.DATABASE)]
    started = time.perf_counter()
    planner = "-c enable_nestloop=off" if DATASETS[dataset].hash_joins else ""
    environment = {**os.environ, "PGOPTIONS": f"-c jit=off -c work_mem=64MB {planner}"}
    subprocess.run(
        [*words, "-c", rf"\copy ({query}) TO '/dev/null' CSV HEADER"], check=True, env=environment
    )
    return time.perf_counter() - started


class _Client:
    def __init__(self, token: str, server: psutil.Process) -> None:
        self.headers = {"Authorization": f"Bearer {token}", "X-Purpose": "Bench"}
        self.server = server

    def download(self, dataset: ExportDataset, form: ExportFormat) -> Download:
        """Ask, read to the end, look at the manifest."""
        body = json.dumps({"dataset": dataset, "format": form})
        asked = self._json("POST", "/api/v1/exports", body)
        with self._watched() as peak:
            started = time.perf_counter()
            size = self._read(asked["content_url"])
            seconds = time.perf_counter() - started
        manifest = self._json("GET", asked["manifest_url"])
        if manifest["bytes"] != size:
            raise RuntimeError(f"{size} bytes came, the manifest says {manifest['bytes']}")
        return Download(seconds, manifest["rows"], size / 2**20, peak[0] / 2**20)

    def _read(self, path: str) -> int:
        size, buffer = 0, bytearray(1 << 18)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(answer.read().decode())
        while read := answer.readinto(buffer):
            size += read
        connection.close()
        return size

    def _json(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        headers = {**self.headers, "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        read: dict[str, Any] = json.loads(answer.read())
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(str(read))
        return read

    @contextmanager
    def _watched(self) -> Iterator[list[int]]:
        """By how much the server's memory grew at most, in bytes."""
        before, peak, done = self.server.memory_info().rss, [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                peak[0] = max(peak[0], self.server.memory_info().rss - before)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield peak
        finally:
            done.set()
            watching.join()


async def _auditor(running: EmbeddedServer) -> str:
    connection = await asyncpg.connect(running.dsn(data.DATABASE))
    database = Database(data.settings(running))
    try:
        return await token_of(connection, Keyring(database, database.settings), Role.AUDITOR, None)
    finally:
        await database.close()
        await connection.close()
