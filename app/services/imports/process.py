"""The serving process's side of the reader: starts the child, feeds it, listens to it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

LARGEST_CHUNK = 256 * 1024
Report = dict[str, Any]
Listener = Callable[[Report], None]


class ReaderFailed(RuntimeError):
    """The child ended without saying why: killed, or out of memory."""


class Child:
    """A running reader; `chunks()` is what it writes, `problem` why it could not.

    `identifiers` are those of the rows in an error file.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.problem: dict[str, str] | None = None
        self.notes: list[dict[str, str]] = []
        self.identifiers: list[str] = []

    async def chunks(self) -> AsyncIterator[bytes]:
        """Standard output, piece by piece."""
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(LARGEST_CHUNK):
            yield chunk

    async def feed(self, line: Mapping[str, object], content: bytes) -> None:
        """Write the request; a child that ended early has said why."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.write(content)
            await self._process.stdin.drain()
            self._process.stdin.close()

    async def listen(self, listener: Listener | None) -> None:
        """Take in what it reports. Errors: ReaderFailed."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            try:
                report = json.loads(line)
            except ValueError:
                continue  # a traceback: the exit code tells
            self.problem = report.get("problem", self.problem)
            self.notes = report.get("notes", self.notes)
            self.identifiers = report.get("identifiers", self.identifiers)
            if listener is not None:
                listener(report)
        if await self._process.wait() != 0:
            raise ReaderFailed


@asynccontextmanager
async def reading(
    line: Mapping[str, object], content: bytes, listener: Listener | None = None
) -> AsyncIterator[Child]:
    """A child that reads this file; ended at the latest with the block. Errors: ReaderFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.services.imports.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    child = Child(process)
    tasks = (
        asyncio.create_task(child.feed({**line, "size": len(content)}, content)),
        asyncio.create_task(child.listen(listener)),
    )
    try:
        yield child
        await asyncio.gather(*tasks)
    finally:
        if process.returncode is None:
            process.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await process.wait()
