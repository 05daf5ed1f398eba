"""`kemuning demo`: from nothing to a served API with data, and back to nothing."""

import asyncio
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from rich.console import Console
from rich.table import Table

from app.demo import seeding
from app.embedded import EmbeddedServer, EmbeddedServerError
from app.installation import LOGIN, OWNER, create_database, drop_database, migrate
from app.main import create_app
from app.settings import Settings, with_driver

DATABASE = "kemuning"
SOURCE_OF_TRUTH = ("KEMUNING_DATABASE_URL", "KEMUNING_OWNER_DATABASE_URL")


class DemoRefused(Exception):
    """Why the demo does not start, in a sentence for its user."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo keeps what it makes."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "postgresql"

    @property
    def secret(self) -> Path:
        """The key that seals NIK and signing keys."""
        return self.folder / "secret-key"

    @property
    def accounts(self) -> Path:
        """The accounts and their passwords, readable by the owner alone."""
        return self.folder / "accounts.json"

    @property
    def import_files(self) -> list[Path]:
        """The messy files that the first five minutes import."""
        return [self.folder / name for name in (seeding.PEOPLE_FILE, seeding.RESULTS_FILE)]

    @property
    def ours(self) -> bool:
        """Whether a demo has begun here: PostgreSQL's lock is the first thing that it makes."""
        data = self.data
        foreign = data.exists() and any(data.iterdir()) and not (data / "PG_VERSION").exists()
        return data.with_name(f"{data.name}.lock").is_file() and not foreign

    def files(self) -> list[Path]:
        """What the demo has written, beside PostgreSQL's data, and what came of its import."""
        patterns = ("secret-key", "accounts.json", ".*.new", "postgresql.lock")
        imported = (f"{file.stem}*" for file in self.import_files)
        return [file for pattern in (*patterns, *imported) for file in self.folder.glob(pattern)]


def serve_demo(folder: Path, port: int, *, as_json: bool, out: Console) -> None:
    """Make what is missing, then serve until Ctrl-C or SIGTERM; PostgreSQL stops too.

    Errors: DemoRefused.
    """
    refuse_real_data()
    check_port(port)
    place = Place(folder.resolve())
    try:
        with out.status("Starting PostgreSQL"):
            server = EmbeddedServer(place.data)
            server.start()
    except EmbeddedServerError as error:
        raise DemoRefused(str(error)) from error
    with server:
        settings = _settings(server, place)
        accounts = _prepare(server, settings, place, out)
        _serve(settings, port, _Welcome(place, accounts, port, as_json, out))


def remove_demo(folder: Path) -> bool:
    """Remove what the demo made, and no file of others; whether there was anything.

    Errors: DemoRefused.
    """
    place = Place(folder.resolve())
    if not place.folder.exists():
        return False
    if not place.ours:
        raise DemoRefused(f"{folder} is not a demo's folder; nothing was removed.")
    try:
        EmbeddedServer(place.data).remove()
    except EmbeddedServerError as error:
        raise DemoRefused(str(error)) from error
    for file in place.files():
        file.unlink()
    if not any(place.folder.iterdir()):
        place.folder.rmdir()
    return True


def refuse_real_data() -> None:
    """Errors: DemoRefused where the environment names a database or production."""
    named = [name for name in SOURCE_OF_TRUTH if os.environ.get(name)]
    if named:
        raise DemoRefused(
            f"{named[0]} is set: the demo uses a PostgreSQL of its own and never touches another. "
            f"Unset it, or use `kemuning serve`."
        )
    if os.environ.get("KEMUNING_ENVIRONMENT", "").lower() == "production":
        raise DemoRefused("KEMUNING_ENVIRONMENT is production: no demo there.")


def check_port(port: int) -> None:
    """Errors: DemoRefused with a free port to try, where this one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            free = _free_port()
            raise DemoRefused(
                f"Port {port} is taken. Try: make demo ARGS='--port {free}'"
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _settings(server: EmbeddedServer, place: Place) -> Settings:
    if not place.secret.exists():
        write_private(place.secret, secrets.token_urlsafe(48))
    return Settings(
        environment="demo",
        database_url=server.url(DATABASE, LOGIN),
        owner_database_url=server.url(DATABASE, OWNER),
        secret_key=place.secret.read_text(),
        require_totp=False,
        log_level="warning",
    )


def _prepare(
    server: EmbeddedServer, settings: Settings, place: Place, out: Console
) -> list[dict[str, str]]:
    """Database, schema and data: each made once. The accounts' file is written last.

    Without it nobody could sign in, so what an interrupted first start left is made anew.
    """
    with out.status("Bringing the schema up to date"):
        if not place.accounts.exists():
            asyncio.run(drop_database(server.dsn(), DATABASE))
        asyncio.run(create_database(server.dsn(), DATABASE))
        migrate(with_driver(server.url(DATABASE, OWNER)))
    if not place.accounts.exists():
        with out.status("Making a kabupaten with its civil service"):
            made = asyncio.run(seeding.seed(server.dsn(DATABASE), settings, place.folder))
        write_private(place.accounts, json.dumps(made, indent=1))
    accounts: list[dict[str, str]] = json.loads(place.accounts.read_text())
    return accounts


@dataclass(frozen=True, slots=True)
class _Welcome:
    """What a newcomer reads once the API answers."""

    place: Place
    accounts: list[dict[str, str]]
    port: int
    as_json: bool
    out: Console

    def say(self) -> None:
        base = f"http://127.0.0.1:{self.port}"
        urls = {"api": f"{base}/api/v1", "docs": f"{base}/docs", "openapi": f"{base}/openapi.json"}
        curl = first_curl(base, next(a for a in self.accounts if a["role"] == "hr_admin"))
        if self.as_json:
            whole = {"urls": urls, "accounts": self.accounts, "curl": curl}
            print(json.dumps(whole), flush=True)  # noqa: T201 - for programs
            return
        self._say_to_people(urls, curl)

    def _say_to_people(self, urls: dict[str, str], curl: str) -> None:
        for name, url in urls.items():
            self.out.print(f"{name:8} {url}", highlight=False)
        table = Table("role", "login", "password", "who", box=None, padding=(0, 2, 0, 0))
        for account in self.accounts:
            table.add_row(*(account[k] for k in ("role", "login", "password", "who")))
        self.out.print(table)
        self.out.print(f"Also in {self.place.accounts}", soft_wrap=True)
        for file in self.place.import_files:
            self.out.print(f"A file to import: {file}", soft_wrap=True)
        self.out.print("Demo accounts go without TOTP; elsewhere hr_admin and auditor need it.")
        self.out.print("Try:\n")
        self.out.print(curl, soft_wrap=True, markup=False, highlight=False)
        self.out.print("\nCtrl-C stops the API and PostgreSQL; the data stay.")


def first_curl(base: str, account: dict[str, str]) -> str:
    """Sign in and list three employees, with nothing but curl and python3."""
    body = json.dumps({"login": account["login"], "password": account["password"]})
    read = "import json,sys;print(json.load(sys.stdin)['access_token'])"
    return (
        f"TOKEN=$(curl -s {base}/api/v1/sign-in -H 'Content-Type: application/json' "
        f"-d '{body}' | python3 -c \"{read}\")\n"
        f'curl -s "{base}/api/v1/employees?limit=3" -H "Authorization: Bearer $TOKEN"'
    )


def _serve(settings: Settings, port: int, welcome: _Welcome) -> None:
    config = uvicorn.Config(
        create_app(settings),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    _DemoServer(config, welcome).run()


class _DemoServer(uvicorn.Server):
    """Says the welcome once it listens."""

    def __init__(self, config: uvicorn.Config, welcome: _Welcome) -> None:
        super().__init__(config)
        self._welcome = welcome

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._welcome.say()
