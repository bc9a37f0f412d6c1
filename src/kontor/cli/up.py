"""`kontor` without a command: the supervisor. It starts the database, the web process and the worker, starts again
whichever of them dies, and stops them in order.

It stays alive as long as Kontor does, so it loads little: settings are read by a child that ends at once.
"""

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from kontor.cli.words import FAILED, MISCONFIGURED, OK, UNAVAILABLE, complain, explain_settings, say, step
from kontor.core import processes
from kontor.core.errors import KontorError
from kontor.core.ports import holder_of
from kontor.core.postgres import AlreadyRunning, EmbeddedPostgres, OtherMajorVersion, StartCancelled

LISTEN_FD = "KONTOR_LISTEN_FD"
LINK_FD = "KONTOR_LINK_FD"

PLACE_FILE = "kontor.json"

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a child that lived this long has earned a fresh start of the pauses
KILL_AFTER_SECONDS = 27.0  # a supervisor above us waits 30
TICK_SECONDS = 0.1
LOG_LIMIT_BYTES = 20_000_000
ATTEMPTS_BEFORE_READY = 5
WORKER_WAITS_SECONDS = 10.0
MOST_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Facts:
    """The few settings that the supervisor itself needs."""

    data_dir: Path
    host: str
    port: int
    url: str
    external: bool


@dataclass
class Child:
    """A process that is wanted for as long as Kontor runs."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    keep: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = None
    watchdog: processes.Watchdog | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float = 0.0
    ends: int = field(default=0)

    def start(self, log: IO[bytes] | None) -> None:
        # A group of its own: Ctrl-C in the terminal is for the supervisor, which stops everything in order.
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(self.environment),
            pass_fds=self.keep,
            process_group=0,
            preexec_fn=processes.dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - we have no threads
        )
        if sys.platform != "linux":
            self.watchdog = processes.Watchdog(self.process.pid, signal.SIGKILL)
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """The status of a process that has ended, told once."""
        if self.process is None or self.process.poll() is None:
            return None
        status = self.process.returncode
        self.process = None
        if self.watchdog is not None:
            self.watchdog.dismiss()
            self.watchdog = None
        steady = time.monotonic() - self.started_at > STEADY_SECONDS
        self.pause = FIRST_PAUSE_SECONDS if steady else min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.due_at = time.monotonic() + self.pause
        self.ends += 1
        return status

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class GivingUp(Exception):
    """Ends the supervisor; the status is for whoever started it."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def run(*, open_browser: bool, show_log: bool) -> int:
    began = time.monotonic()
    facts = read_facts()
    if isinstance(facts, int):
        return facts
    try:
        with Signals() as signals, listen(facts) as listener:
            supervisor = Supervisor(facts, listener, signals, show_log=show_log or not sys.stdout.isatty())
            supervisor.run(began, open_browser=open_browser)
    except GivingUp as end:
        complain(str(end))
        return end.status
    return OK


class Supervisor:
    def __init__(self, facts: Facts, listener: socket.socket, signals: "Signals", *, show_log: bool) -> None:
        self.facts = facts
        self.signals = signals
        self.log_path = None if show_log else facts.data_dir / "kontor.log"
        self.log: IO[bytes] | None = None
        self.place = facts.data_dir / PLACE_FILE
        self.is_noted = False
        self.postgres = (
            None
            if facts.external
            else EmbeddedPostgres(
                facts.data_dir, report=lambda line: say(f"  {line} …"), cancelled=lambda: signals.wanted_end > 0
            )
        )
        self.postgres_pause = FIRST_PAUSE_SECONDS
        self.postgres_due_at = 0.0
        self.link_pipe, writing_end = os.pipe()
        os.set_blocking(self.link_pipe, False)
        self._writing_end: int | None = writing_end
        own = [sys.executable, "-P", "-m", "kontor.cli.main"]
        environment = dict(os.environ)
        self.web = Child(
            "web",
            [*own, "web"],
            environment | {LISTEN_FD: str(listener.fileno()), LINK_FD: str(writing_end)},
            (listener.fileno(), writing_end),
        )
        self.worker = Child("worker", [*own, "worker"], environment)

    def run(self, began: float, *, open_browser: bool) -> None:
        try:
            self.start()
            self.wait_until_ready(began)
            self.announce(began, open_browser=open_browser)
            self.watch()
        except StartCancelled:
            pass
        except KontorError as error:
            self.stop(quietly=True)
            raise GivingUp(*advise(error)) from error
        except BaseException:
            self.stop(quietly=True)
            raise
        self.stop()

    def start(self) -> None:
        if self.postgres is not None:
            with step("Database") as ended:
                server = self.postgres.start()
                ended(f"ready (PostgreSQL in {self.facts.data_dir}, process {server.pid})")
        self._open_log()
        self._note_place()
        self.web.start(self.log)
        # People wait for the web process, so it has the machine to itself for a moment.
        self.worker.due_at = time.monotonic() + WORKER_WAITS_SECONDS

    def wait_until_ready(self, began: float) -> None:
        told = time.monotonic()
        with step("Kontor"):
            while not self.signals.wanted_end:
                self.look_after()
                answer = ask_ready(self.facts)
                if answer is not None and answer.status == 200:
                    self.worker.due_at = 0.0
                    self.look_after()
                    return
                if self.web.ends >= ATTEMPTS_BEFORE_READY:
                    where = f" The log is {self.log_path}." if self.log_path else ""
                    raise GivingUp(FAILED, f"The web process ended {self.web.ends} times before it was ready.{where}")
                if time.monotonic() - told > 5:
                    told = time.monotonic()
                    detail = answer.detail if answer else "The program is being loaded."
                    say(f"  … {told - began:.0f} s so far. {detail}")
                self.signals.wait(TICK_SECONDS)

    def announce(self, began: float, *, open_browser: bool) -> None:
        if self.signals.wanted_end:
            return
        link = self._read_link()
        seconds = time.monotonic() - began
        say(f"\nKontor is ready, {seconds:.1f} s. It runs until you press Ctrl-C.\n")
        say(f"    {link or self.facts.url}\n")
        if link:
            say("The link signs you in once and for a short time. Another one: kontor login-link")
        if self.log_path:
            say(f"The log is {self.log_path}")
        if open_browser and link:
            show_in_browser(link)

    def _read_link(self) -> str | None:
        """What the web process writes into the pipe once it serves; nothing when no link is wanted."""
        if self._writing_end is not None:
            os.close(self._writing_end)  # so that the pipe ends with the web process
            self._writing_end = None
        deadline = time.monotonic() + 10
        text = b""
        while time.monotonic() < deadline and not self.signals.wanted_end:
            if not select.select([self.link_pipe], [], [], TICK_SECONDS)[0]:
                continue
            part = os.read(self.link_pipe, 4096)
            text += part
            if not part or text.endswith(b"\n"):
                break
        # A web process that is started again has nobody to tell a link to.
        self.web.environment = {key: value for key, value in self.web.environment.items() if key != LINK_FD}
        self.web.keep = self.web.keep[:1]
        return text.decode().strip() or None

    def watch(self) -> None:
        trimmed = time.monotonic()
        while not self.signals.wanted_end:
            self.look_after()
            if time.monotonic() - trimmed > 60:
                trimmed = time.monotonic()
                self._trim_log()
            self.signals.wait(self._next_due())

    def look_after(self) -> None:
        """Start again what has died, after a pause that grows with every death."""
        now = time.monotonic()
        if self.postgres is not None and self.postgres.poll() is not None:
            self._revive_postgres(now)
        for child in (self.web, self.worker):
            status = child.ended()
            if status == MISCONFIGURED:
                where = f" {tail(self.log_path)}" if self.log_path else ""
                raise GivingUp(MISCONFIGURED, f"The {child.name} process cannot run like this.{where}")
            if status is not None:
                complain(f"The {child.name} process {describe(status)}; it starts again in {child.pause:.1f} s.")
            if child.process is None and now >= child.due_at:
                child.start(self.log)

    def _revive_postgres(self, now: float) -> None:
        assert self.postgres is not None  # noqa: S101 - the caller asked
        if now < self.postgres_due_at:
            return
        complain(f"PostgreSQL {describe(self.postgres.poll() or 0)}; it is started again.")
        # Set before the try: a server that dies at once must not keep us busy.
        self.postgres_due_at = now + self.postgres_pause
        self.postgres_pause = min(self.postgres_pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            self.postgres.restart()
        except StartCancelled:
            return
        except KontorError as error:
            complain(error.message)

    def _next_due(self) -> float:
        if self.postgres is not None and self.postgres.poll() is not None:
            return TICK_SECONDS
        waiting = [child.due_at - time.monotonic() for child in (self.web, self.worker) if child.process is None]
        return max(0.0, min([5.0, *waiting]))

    def stop(self, *, quietly: bool = False) -> None:
        """Web and worker first, so that they can hand back what they hold; then the database."""
        running = [child for child in (self.web, self.worker) if child.process is not None]
        if running and not quietly:
            say("\nStopping … (Ctrl-C again: at once)")
        for child in running:
            child.signal(signal.SIGTERM)
        deadline, seen = time.monotonic() + KILL_AFTER_SECONDS, self.signals.wanted_end
        while any(child.process is not None and child.process.poll() is None for child in running):
            if time.monotonic() > deadline or self.signals.wanted_end > seen:
                for child in running:
                    child.signal(signal.SIGKILL)
            self.signals.wait(TICK_SECONDS)
        for child in running:
            child.ended()
        if self.postgres is not None:
            self.postgres.stop()
        if self.is_noted:  # otherwise it is the note of the Kontor that made us stop
            self.place.unlink(missing_ok=True)
        if self.log is not None:
            self.log.close()
        os.close(self.link_pipe)
        if self._writing_end is not None:
            os.close(self._writing_end)
        if running and not quietly:
            say("Stopped. Everything is saved.")

    def _note_place(self) -> None:
        """For commands beside us: the links that they print should lead here."""
        self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = {"pid": os.getpid(), "host": self.facts.host, "port": self.facts.port}
        self.place.write_text(json.dumps(place), "utf-8")
        self.is_noted = True

    def _open_log(self) -> None:
        if self.log_path is None:
            return
        self.log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log = os.fdopen(os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        self._trim_log()

    def _trim_log(self) -> None:
        """The children write into the open file, so its content moves and the file stays."""
        if self.log_path is None or self.log is None or self.log_path.stat().st_size < LOG_LIMIT_BYTES:
            return
        shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
        self.log_path.with_suffix(".log.1").chmod(0o600)
        os.ftruncate(self.log.fileno(), 0)


class Signals:
    """Signals as things to wait for. Handlers only count; everything else happens in the loop."""

    def __init__(self) -> None:
        self.wanted_end = 0
        self._reading, self._writing = socket.socketpair()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup, or a shell that started us in the background
            self._before[number] = signal.signal(number, self._end)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.wanted_end += 1

    def wait(self, seconds: float) -> None:
        """Until a signal arrives or the time is over."""
        if select.select([self._reading], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                while self._reading.recv(4096):
                    pass


def read_facts() -> Facts | int:
    """The settings, checked by the class that everybody uses, in a child that gives its memory back."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = MISCONFIGURED
        try:
            os.write(writing, json.dumps(settings_as_facts()).encode())
            status = OK
        except Exception as error:
            complain(explain_settings(error) if hasattr(error, "errors") else str(error))  # type: ignore[arg-type]
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        return os.waitstatus_to_exitcode(status)
    found = json.loads(text)
    return Facts(Path(found["data_dir"]), found["host"], found["port"], found["url"], found["external"])


def settings_as_facts() -> dict[str, str | int | bool]:
    from kontor.core.settings import load_settings

    settings = load_settings()
    return {
        "data_dir": str(settings.kontor_data),
        "host": settings.kontor_host,
        "port": settings.kontor_port,
        "url": settings.public_url,
        "external": settings.database_url is not None,
    }


def listen(facts: Facts) -> socket.socket:
    """The port is taken here and lent to the web process, so that it stays ours while that is started again.

    Bound only: the web process listens, and whoever connects before is refused rather than kept waiting.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            facts.host, facts.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise GivingUp(UNAVAILABLE, f"Kontor cannot serve on {facts.host}: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Two sockets may be bound to one port; only one may listen. A moment of listening asks who that is.
        with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        listener.close()
        raise GivingUp(UNAVAILABLE, why_not(facts, error)) from None
    return listener


def advise(error: KontorError) -> tuple[int, str]:
    match error:
        case AlreadyRunning():
            return UNAVAILABLE, f"{error.message}\nA new link that signs you in: kontor login-link"
        case OtherMajorVersion():
            return MISCONFIGURED, error.message
    return FAILED, error.message


def why_not(facts: Facts, error: OSError) -> str:
    place = f"{facts.host} port {facts.port}"
    if error.errno == errno.EADDRINUSE:
        if ask_ready(facts) is not None:
            return (
                f"A Kontor already serves on {place}. A new link that signs you in: kontor login-link. "
                f"To run a second one: kontor --port {facts.port + 1} --data ANOTHER_FOLDER"
            )
        holder = holder_of(facts.port)
        by = f" by {holder.name} (process {holder.pid})" if holder else ""
        return f"{place} is taken{by}. Choose another port: kontor --port {facts.port + 1}"
    if error.errno == errno.EACCES:
        return f"This user may not serve on {place}. Ports below 1024 need a privilege; choose one above with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{facts.host} is no address of this machine. Choose another with --host; 127.0.0.1 is for this machine."
    return f"Kontor cannot serve on {place}: {error.strerror}."


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    detail: str  # what is still missing, in the web process's words


def ask_ready(facts: Facts) -> Answer | None:
    """What /health/ready says; None when nobody answers there, or nobody who knows Kontor's health."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(facts.host, facts.host)  # noqa: S104 - compared, not bound
    name = f"[{host}]" if ":" in host else host
    answer = b""
    try:
        with socket.create_connection((host, facts.port), timeout=1) as connection:
            connection.sendall(f"GET /health/ready HTTP/1.0\r\nHost: {name}:{facts.port}\r\n\r\n".encode())
            while len(answer) < MOST_ANSWER_BYTES and (part := connection.recv(4096)):
                answer += part
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or words[1] not in {b"200", b"503"}:
        return None
    try:
        detail = str(json.loads(body).get("detail", ""))
    except (ValueError, AttributeError):
        return None
    return Answer(int(words[1]), detail)


def show_in_browser(link: str) -> None:
    """Only where there is a desktop to show it on; whoever works on a distant machine clicks the link."""
    if sys.platform == "darwin":
        opener = "open"
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        opener = "xdg-open"
    else:
        return
    program = shutil.which(opener)
    if program:
        silent = subprocess.DEVNULL
        subprocess.Popen([program, link], stdin=silent, stdout=silent, stderr=silent, start_new_session=True)


def describe(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def tail(path: Path) -> str:
    """The last lines that are words and not fields."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()[-8:]
    except OSError:
        return ""
    return "\n".join(["Its last words:", *(f"  {line}" for line in lines)])
