"""`kemuning demo` as a newcomer's terminal runs it, and whatever ends it."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from app.embedded import EmbeddedServer, EmbeddedServerError
from tests.people import person
from tests.process.programs import Program, Start, free_port

SECONDS_TO_STOP = 15
SEEDING = (
    "SELECT count(*) FROM pg_locks"
    " WHERE relation = to_regclass('employees') AND mode = 'RowExclusiveLock'"
)
AS_NOBODY = """
import encodings.idna, encodings.utf_8_sig, os, sys
from app import cli, openapi
from app.demo import run
os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[1]))
os.environ["HOME"] = "/nonexistent"
sys.argv[1:3] = []
cli.app()
"""


class Demo:
    """A demo's folder, and the process that serves it."""

    def __init__(self, start: Start, folder: Path) -> None:
        self._run = start
        self.folder = folder
        self.port = free_port()
        self.command: list[str] | None = None

    def launch(self, port: int | None = None, **settings: str) -> Program:
        """Start the process and don't wait."""
        options = ("--json", "--port", str(port or self.port), "--folder", str(self.folder))
        return self._run("demo", *options, command=self.command, **settings)

    def start(self) -> tuple[Program, dict[str, Any]]:
        """Start it; the process, and what it prints once it serves."""
        program = self.launch()
        program.until(lambda: program.output.endswith("}\n"), seconds=120)
        told: dict[str, Any] = json.loads(program.output)
        return program, told

    @property
    def processes(self) -> list[psutil.Process]:
        """PostgreSQL's processes of this folder."""
        found = []
        for process in psutil.process_iter(["name"]):
            try:
                here = process.info["name"] == "postgres" and Path(process.cwd()) == self.data
            except (psutil.Error, OSError):
                continue
            if here:
                found.append(process)
        return found

    @property
    def data(self) -> Path:
        return self.folder / "postgresql"


@pytest.fixture
def demo(kemuning: Start) -> Iterator[Demo]:
    """A demo in a folder that does not exist yet."""
    base = Path(tempfile.mkdtemp(prefix="kemuning-demo-"))
    made = Demo(kemuning, base.resolve() / "demo")
    yield made
    for process in made.processes:  # of a test that failed
        process.kill()
    shutil.rmtree(base)


def sign_in(told: dict[str, Any], account: dict[str, str]) -> httpx.Client:
    """Somebody who is signed in with what the demo has printed."""
    body = {"login": account["login"], "password": account["password"]}
    answer = httpx.post(f"{told['urls']['api']}/sign-in", json=body)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=told["urls"]["api"], headers=headers, timeout=20)


def officer(told: dict[str, Any]) -> httpx.Client:
    return sign_in(told, next(a for a in told["accounts"] if a["role"] == "hr_admin"))


def count_employees(client: httpx.Client) -> int:
    answer = client.get("/employees", params={"limit": 1, "include_total": True})
    return int(answer.json()["total"])


def stops(demo: Demo, program: Program, number: int) -> None:
    """The signal ends the process promptly, and PostgreSQL with it."""
    began = time.monotonic()
    program.end(number, SECONDS_TO_STOP)
    assert time.monotonic() - began < SECONDS_TO_STOP
    assert not demo.processes
    assert "Traceback" not in program.errors


def refused(program: Program) -> str:
    """A plain sentence on standard error, with status 1."""
    assert program.wait() == 1
    assert program.output == ""
    assert "Traceback" not in program.errors
    return " ".join(program.errors.split())


def test_the_first_start_and_the_second(demo: Demo) -> None:
    program, told = demo.start()
    assert {a["role"] for a in told["accounts"]} == {"hr_admin", "auditor", "public", "asn"}
    accounts = demo.folder / "accounts.json"
    assert json.loads(accounts.read_text()) == told["accounts"]
    assert accounts.stat().st_mode & 0o777 == 0o600
    assert (demo.folder / "secret-key").stat().st_mode & 0o777 == 0o600
    for name in ("pegawai-baru.xlsx", "hasil-penilaian.xlsx"):
        assert (demo.folder / name).read_bytes().startswith(b"PK")
    for account in told["accounts"]:
        with sign_in(told, account) as client:
            assert client.get("/me").json()["role"] == account["role"]
    for url in (told["urls"]["docs"], told["urls"]["openapi"]):
        assert httpx.get(url).status_code == 200
    the_printed_curl_works(told["curl"])
    with officer(told) as client:
        employees = count_employees(client)
        assert employees >= 500
    stops(demo, program, signal.SIGINT)
    program, again = demo.start()
    assert again["accounts"] == told["accounts"]
    with officer(again) as client:
        assert count_employees(client) == employees
    stops(demo, program, signal.SIGTERM)


UNTRUE = """
    SELECT count(*) FROM assessor_assignments a
    JOIN assessments s ON s.id = a.assessment_id JOIN assessment_events e ON e.id = s.event_id,
    LATERAL (SELECT a.rater_id = ANY (app.superiors(a.candidate_id, e.starts_on)) AS leads,
                    a.candidate_id = ANY (app.superiors(a.rater_id, e.starts_on)) AS led) AS facts
    WHERE a.rater_id <> a.candidate_id
      AND a.source <> CASE WHEN leads THEN 'superior' WHEN led THEN 'subordinate' ELSE 'peer' END
"""


def test_what_was_assessed(demo: Demo) -> None:
    """Computed again it is the same; its log is whole; and each role finds its part of it."""
    program, told = demo.start()
    database = EmbeddedServer(demo.data)
    settings = {
        "environment": "demo",
        "database_url": database.dsn("kemuning", "kemuning_login"),
        "secret_key": (demo.folder / "secret-key").read_text(),
        "require_totp": "false",
    }
    replayed = demo._run("rules", "replay", "--json", **settings)
    assert replayed.wait() == 0, replayed.errors
    assert json.loads(replayed.output)["checked"] > 500
    verified = demo._run("audit", "verify", **settings)
    assert verified.wait() == 0, verified.errors
    assert asyncio.run(ask(demo, UNTRUE)) == 0
    own, leading = (a for a in told["accounts"] if a["role"] == "asn")
    path = f"/employees/{own['employee_id']}/competency-profile"
    with sign_in(told, own) as client:
        profile = client.get(path).json()
        assert (profile["standing"], profile["result"]["gaps"]) == ("in_force", 3)
        assert profile["objection"]["open"]
        assert client.get(f"{path}/radar.svg").status_code == 200
        assert len(client.get("/assessment-results").json()["items"]) == 2
        forms = client.get("/assessor-assignments", params={"state": "assigned"}).json()["items"]
        assert [form["source"] for form in forms] == ["peer"]
    with sign_in(told, leading) as client:
        assert client.get(path).status_code == 200
    with officer(told) as client:
        objections = client.get("/objections").json()["items"]
        assert {each["state"] for each in objections} == {"filed", "ruled"}
        for state in ("missing", "expired", "expiring", "valid"):
            assert client.get("/assessment-coverage", params={"state": state}).json()["items"]
    for dataset in ("fit", "competency_gaps"):
        assert httpx.get(f"{told['urls']['api']}/statistics/{dataset}").status_code == 200
    stops(demo, program, signal.SIGTERM)


def the_printed_curl_works(curl: str) -> None:
    assert shutil.which("curl"), "this test pastes the printed command: install curl"
    pasted = subprocess.run(["bash"], input=curl, capture_output=True, text=True, timeout=30)
    assert pasted.returncode == 0
    assert len(json.loads(pasted.stdout)["items"]) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_requests_are_under_way(demo: Demo, number: signal.Signals) -> None:
    program, told = demo.start()
    stop = threading.Event()

    def read_on(client: httpx.Client) -> None:
        while not stop.is_set():
            try:
                answer = client.get("/employees")
                assert answer.status_code in (200, 503), answer.text
            except httpx.TransportError:
                return

    with officer(told) as client:
        readers = [threading.Thread(target=read_on, args=(client,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        time.sleep(0.5)
        stops(demo, program, number)
        stop.set()
        for reader in readers:
            reader.join(20)


def test_a_start_after_kill_9(demo: Demo) -> None:
    program, told = demo.start()
    with officer(told) as client:
        entered = client.post("/employees", json=person())
        assert entered.status_code == 201, entered.text
    program.end(signal.SIGKILL)
    assert demo.processes  # nobody could stop them
    program, again = demo.start()
    assert again["accounts"] == told["accounts"]
    with officer(again) as client:
        assert client.get(f"/employees/{entered.json()['id']}").status_code == 200
    stops(demo, program, signal.SIGTERM)


def test_an_interrupted_first_start_is_made_whole(demo: Demo) -> None:
    program = demo.launch()
    program.until(lambda: seeding(demo))
    program.end(signal.SIGKILL)
    assert not (demo.folder / "accounts.json").exists()
    program, told = demo.start()
    with officer(told) as client:
        employees = count_employees(client)
    assert employees >= 500
    stops(demo, program, signal.SIGTERM)
    (demo.folder / "accounts.json").unlink()  # as if it ended with the data, before the file
    program, told = demo.start()
    with officer(told) as client:
        assert count_employees(client) == employees
    stops(demo, program, signal.SIGTERM)


def seeding(demo: Demo) -> bool:
    """Whether people are being written now."""
    try:
        return bool(asyncio.run(ask(demo, SEEDING)))
    except (EmbeddedServerError, OSError, asyncpg.PostgresError):
        return False


async def ask(demo: Demo, query: str) -> Any:
    """A value from the demo's database."""
    connection = await asyncpg.connect(EmbeddedServer(demo.data).dsn("kemuning"))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_a_stop_during_the_first_start(demo: Demo) -> None:
    program = demo.launch()
    program.until(lambda: demo.processes)
    stops(demo, program, signal.SIGTERM)


def test_a_second_demo_on_the_folder_is_refused(demo: Demo) -> None:
    program, _ = demo.start()
    second = demo.launch(port=free_port())
    assert f"in use by the process {program.process.pid}" in refused(second)
    assert demo.processes
    reset = demo._run("reset", "--demo", "--folder", str(demo.folder))
    assert "in use by the process" in refused(reset)
    stops(demo, program, signal.SIGTERM)
    reset = demo._run("reset", "--demo", "--folder", str(demo.folder))
    assert reset.wait() == 0
    assert not demo.folder.exists()
    assert not list(demo.folder.parent.iterdir())
    again = demo._run("reset", "--demo", "--folder", str(demo.folder))
    assert again.wait() == 0
    assert "Nothing to remove" in again.errors


def test_a_taken_port_is_said_before_anything_starts(demo: Demo) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        sentence = refused(demo.launch(port=number))
    assert f"Port {number} is taken" in sentence
    assert "--port" in sentence
    assert not demo.folder.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql://somebody@localhost/real"),
        ("owner_database_url", "postgresql://somebody@localhost/real"),
        ("environment", "production"),
    ],
)
def test_no_demo_beside_real_data(demo: Demo, name: str, value: str) -> None:
    sentence = refused(demo.launch(**{name: value}))
    assert f"KEMUNING_{name.upper()} is" in sentence
    assert "somebody" not in sentence
    assert not demo.folder.exists()


@pytest.mark.parametrize("inside", ["letter.txt", "postgresql/letter.txt", "postgresql/PG_VERSION"])
def test_reset_leaves_other_folders_alone(demo: Demo, inside: str) -> None:
    letter = demo.folder / inside
    letter.parent.mkdir(parents=True)
    letter.write_text("mine")
    reset = demo._run("reset", "--demo", "--folder", str(demo.folder))
    assert "nothing was removed" in refused(reset)
    assert letter.read_text() == "mine"


def test_reset_leaves_the_files_of_others(demo: Demo) -> None:
    program = demo.launch()
    program.until(lambda: demo.processes)
    program.end(signal.SIGKILL)
    letter = demo.folder / "letter.txt"
    letter.write_text("mine")
    reset = demo._run("reset", "--demo", "--folder", str(demo.folder))
    assert reset.wait() == 0
    assert not demo.processes
    assert list(demo.folder.iterdir()) == [letter]


def test_reset_needs_the_word_demo(demo: Demo) -> None:
    demo.folder.mkdir()
    assert "reset --demo" in refused(demo._run("reset", "--folder", str(demo.folder)))
    assert demo.folder.exists()


def test_an_ordinary_user(demo: Demo) -> None:
    """As root, the demo becomes `nobody` once it is loaded: root's files may be closed to it."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(demo.folder.parent, user.pw_uid, user.pw_gid)
        demo.command = [sys.executable, "-c", AS_NOBODY, str(user.pw_uid), str(user.pw_gid)]
        open_programs(demo.folder.parent)
    program, told = demo.start()
    assert psutil.Process(program.process.pid).uids().effective != 0
    with officer(told) as client:
        assert count_employees(client) >= 500
    stops(demo, program, signal.SIGTERM)


def open_programs(base: Path) -> None:
    """A start by root opens PostgreSQL's programs to others, as an installation by root needs."""
    server = EmbeddedServer(base / "opening" / "data", settings={"fsync": "off"})
    with server:
        pass
    server.remove()
    shutil.rmtree(base / "opening")
