"""Real processes: `kemuning` as a terminal starts it, and a PostgreSQL that may die."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from app.embedded import EmbeddedServer
from app.installation import LOGIN, OWNER, create_database

ROOT = Path(__file__).parents[2]
KEMUNING = Path(sys.executable).with_name("kemuning")
TEMPLATE = "kemuning_template"
SECRET = "q8Zs-3kfXv0wYpL2mNd7RtBhUjEcGa5i"


class Program:
    """A process of ours, with what it says in files that it can't block on."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str], cwd: Path = ROOT
    ) -> None:
        self._output, self._errors = folder / "output", folder / "errors"
        plain = {k: v for k, v in os.environ.items() if not k.startswith("KEMUNING_")}
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**plain, "COLUMNS": "400", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                # A shell's background job ignores SIGINT; a terminal's does not
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def output(self) -> str:
        """Standard output so far."""
        return self._output.read_text()

    @property
    def errors(self) -> str:
        """Standard error so far."""
        return self._errors.read_text()

    def wait(self, seconds: float = 60) -> int:
        """The status it ends with."""
        return self.process.wait(seconds)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Send a signal; the status it ends with."""
        self.process.send_signal(number)
        return self.wait(seconds)

    def until(self, done: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait until `done()` is true; what it said. Fails where the process ends first."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if found := done():
                return found
            assert self.process.poll() is None, f"ended early: {self.errors}"
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {self.errors}")

    def close(self) -> None:
        """End it and what it started, however it stands."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


Start = Callable[..., Program]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answers(url: str, status: int) -> bool:
    """Whether a GET has this status."""
    return await asyncio.to_thread(status_of, url) == status


def status_of(url: str) -> int:
    """The status of a GET; 0 where nobody answers."""
    try:
        return httpx.get(url, timeout=10).status_code
    except httpx.TransportError:
        return 0


async def eventually(check: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Wait until `check()` is true. Errors: TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.1)


class Postgres:
    """A durable PostgreSQL whose address stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedServer(folder / "data", settings={"max_connections": "60"})
        self._link = folder / "at"

    def start(self) -> None:
        """Start it, and let the address lead there."""
        self.server.start()
        there = self.server.dsn().split("host=")[1].split("&")[0]
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(there)

    def kill(self) -> None:
        """End the postmaster as a crash of the machine does, with nothing said to anybody."""
        pid = int((self.server.data_folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def restart(self) -> None:
        """Start it again after `kill` or a stop."""
        self.server.stop()
        self.start()

    def dsn(self, database: str, user: str = "postgres") -> str:
        """An address that outlives a restart."""
        return f"postgresql://{user}@/{database}?host={self._link}&port=5432"

    async def database(self) -> str:
        """The name of a new, migrated database."""
        name = f"test_{secrets.token_hex(8)}"
        await create_database(self.server.dsn(), name, template=TEMPLATE)
        return name

    def settings(self, database: str, **changes: str) -> dict[str, str]:
        """The settings of a server process on that database."""
        return {
            "environment": "development",
            "database_url": self.dsn(database, LOGIN),
            "owner_database_url": self.dsn(database, OWNER),
            "secret_key": SECRET,
            "require_totp": "false",
            **changes,
        }


class Service:
    """`kemuning serve` on a database, which can be ended and started again."""

    def __init__(self, start: Start, settings: Mapping[str, str], *arguments: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = dict(settings)
        self._arguments = arguments
        self._start = start
        self.program = self.launch()

    def launch(self) -> Program:
        """Start it, and wait until it answers."""
        self.program = self._start(
            "serve", "--port", str(self.port), *self._arguments, **self.settings
        )
        self.program.until(lambda: status_of(f"{self.url}/livez") == 200)
        return self.program
