"""The embedded PostgreSQL, with real processes: whatever ends its holder, the next start works."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.embedded import AlreadyRunning, EmbeddedServer, EmbeddedServerError

ROOT = Path(__file__).parents[2]
QUICK = {"fsync": "off"}
# The user is changed after the imports: the interpreter itself may be root's own
HOLDER = """
import os, sys, time
from pathlib import Path
from app.embedded import EmbeddedServer
if uid := int(sys.argv[2]):
    os.setgroups([]), os.setgid(uid), os.setuid(uid)
server = EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off"})
server.start()
print(server.dsn(), flush=True)
%s
"""
WAIT = "time.sleep(120)"
Holder = subprocess.Popen[str]


def ask(dsn: str, query: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def socket_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("kemuning-embedded-*"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder's future path, outside pytest's folder, which is closed to other users."""
    base = Path(tempfile.mkdtemp(prefix="kemuning-test-"))
    yield base / "data"
    EmbeddedServer(base / "data").remove()
    shutil.rmtree(base)


@pytest.fixture
def hold(folder: Path) -> Iterator[Callable[..., tuple[Holder, str]]]:
    """Start a process that holds the server; the answer is the process and the server's DSN."""
    holders: list[Holder] = []

    def start(then: str = WAIT, uid: int = 0) -> tuple[Holder, str]:
        environment = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
        holder = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", HOLDER % then, str(folder), str(uid)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        holders.append(holder)
        assert holder.stdout is not None
        dsn = holder.stdout.readline().strip()
        assert dsn.startswith("postgresql://")
        return holder, dsn

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_it_answers_with_the_settings_asked_for(folder: Path) -> None:
    settings = {"max_connections": "57", "application_name": 'it\'s "quoted" $HOME'}
    with EmbeddedServer(folder / "made" / "too", settings=settings) as server:
        assert server.running
        assert ask(server.dsn(), "SHOW max_connections") == "57"
        assert ask(server.dsn(), "SELECT reset_val FROM pg_settings WHERE name='data_checksums'")
        assert ask(server.dsn(), "SELECT lower('É') || (SELECT 'Z' < 'a')") == "étrue"
        assert ask(server.dsn(), "SHOW listen_addresses") == ""
        assert int(ask(server.dsn(), "SHOW server_version_num")) >= 180000
        assert asyncio.run(by_sqlalchemy(server.url("template1", "postgres"))) == "template1"
    assert not server.running
    EmbeddedServer(folder / "made" / "too").remove()
    (folder / "made" / "too.lock").unlink()
    (folder / "made").rmdir()


async def by_sqlalchemy(url: str) -> str:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
    await engine.dispose()
    return str(name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_postgresql_too(
    folder: Path, hold: Callable[..., tuple[Holder, str]], number: signal.Signals
) -> None:
    holder, dsn = hold()
    server = postmaster(folder)
    socket_folder = Path(dsn.split("host=")[1].split("&")[0])
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    holder.send_signal(number)
    assert holder.wait(20) != 0
    assert not alive(server)
    assert not socket_folder.exists()


def test_a_second_signal_does_not_disturb_the_stop(
    folder: Path, hold: Callable[..., tuple[Holder, str]]
) -> None:
    holder, _ = hold()
    server = postmaster(folder)
    for _ in range(20):
        holder.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    holder.wait(20)
    assert not alive(server)


@pytest.mark.parametrize("then", ["raise RuntimeError('a bug')", "sys.exit(3)", "pass"])
def test_the_end_of_the_program_stops_postgresql(
    folder: Path, hold: Callable[..., tuple[Holder, str]], then: str
) -> None:
    holder, _ = hold(then.replace("raise", "sys.stderr.close(); raise"))
    holder.wait(20)
    assert not EmbeddedServer(folder).running
    assert not (folder / "postmaster.pid").exists()


@pytest.mark.parametrize("server_too", [False, True])
def test_a_start_after_kill_9_keeps_the_data(
    folder: Path, hold: Callable[..., tuple[Holder, str]], server_too: bool
) -> None:
    holder, dsn = hold()
    old = postmaster(folder)
    ask(dsn, "CREATE TABLE kept AS SELECT 7 AS number")
    holder.kill()
    holder.wait(20)
    assert alive(old)
    if server_too:
        os.kill(old, signal.SIGKILL)
    with EmbeddedServer(folder, settings=QUICK) as server:
        assert not alive(old)
        assert ask(server.dsn(), "SELECT number FROM kept") == 7
        new = postmaster(folder)
    assert not alive(new)
    assert not Path(dsn.split("host=")[1].split("&")[0]).exists()


def test_a_stale_pid_that_is_another_process_now(folder: Path) -> None:
    with EmbeddedServer(folder, settings=QUICK):
        lines = (folder / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (folder / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert not EmbeddedServer(folder).running
    with EmbeddedServer(folder, settings=QUICK) as server:
        assert postmaster(folder) != os.getpid()
        assert server.running


def test_a_second_holder_is_refused(folder: Path, hold: Callable[..., tuple[Holder, str]]) -> None:
    holder, dsn = hold()
    for refused in (EmbeddedServer(folder).start, EmbeddedServer(folder).remove):
        with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
            refused()
    assert EmbeddedServer(folder).dsn() == dsn  # a reader finds it all the same
    assert ask(dsn, "SELECT 1") == 1


def test_a_long_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = folder / ("panjang" * 20) / ("sekali" * 20)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep.parent))
    with EmbeddedServer(deep, settings=QUICK) as server:
        assert ask(server.dsn(), "SELECT 1") == 1
    EmbeddedServer(deep).remove()
    shutil.rmtree(folder)


def test_an_ordinary_user_and_then_ourselves(
    folder: Path, hold: Callable[..., tuple[Holder, str]]
) -> None:
    """As root, the holder becomes `nobody`; otherwise it is the ordinary user that we are."""
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    EmbeddedServer(folder).remove()  # nothing yet; as root this only proves that it may
    folder.with_name("data.lock").unlink()
    os.chown(folder.parent, user, -1)
    with EmbeddedServer(folder.with_name("ours"), settings=QUICK):
        pass  # as root this opens the programs to others, as an installation by root needs
    holder, dsn = hold(uid=user if os.geteuid() == 0 else 0)
    assert ask(dsn, "SELECT 1") == 1
    assert (folder / "PG_VERSION").stat().st_uid == user
    holder.terminate()
    holder.wait(20)
    with EmbeddedServer(folder, settings=QUICK) as server:
        assert ask(server.dsn(), "SELECT 1") == 1
        assert (folder / "postmaster.pid").stat().st_uid == user


def test_an_interrupted_initdb_is_begun_again(folder: Path) -> None:
    draft = folder.with_name("data.new")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(folder, settings=QUICK) as server:
        assert server.running
    assert not draft.exists()


def test_a_folder_of_something_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(EmbeddedServerError, match="holds something else"):
        EmbeddedServer(folder).start()
    assert (folder / "letter.txt").read_text() == "mine"


def test_a_failed_start_says_why_and_lets_go(folder: Path) -> None:
    before = socket_folders()
    with pytest.raises(EmbeddedServerError) as caught:
        EmbeddedServer(folder, settings={"no_such_setting": "1"}).start()
    assert "no_such_setting" in caught.value.__notes__[0]
    assert socket_folders() == before
    with EmbeddedServer(folder, settings=QUICK) as server:
        assert server.running


def test_without_a_server_there_is_no_address(folder: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="no PostgreSQL runs"):
        EmbeddedServer(folder).url()
