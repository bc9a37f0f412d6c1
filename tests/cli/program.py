"""Kontor as a person starts it: a process, its words and its children."""

import io
import json
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Self

from kontor.cli.main import dispatch


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(("KONTOR_", "DATABASE_"))}


def clean_environment() -> dict[str, str]:
    return clean_environment_of(os.environ)


def kontor(*arguments: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kontor.cli.main", *arguments],
        env=clean_environment() | more,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def kontor_here(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: status, output, errors. Quicker, for what needs no process of its own."""
    output, errors, before = io.StringIO(), io.StringIO(), dict(os.environ)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    os.environ.clear()
    os.environ.update(clean_environment_of(before))
    try:
        # In a thread, because commands run a loop of their own and a session of tests has one already.
        with redirect_stdout(output), redirect_stderr(errors), ThreadPoolExecutor(1) as pool:
            status = pool.submit(dispatch, list(arguments)).result()
    finally:
        os.environ.clear()
        os.environ.update(before)
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    return status, output.getvalue(), errors.getvalue()


def ask(port: int, path: str = "/health/ready") -> int | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            words = connection.recv(1000).split()
    except OSError:
        return None
    return int(words[1]) if len(words) > 1 else None


def eventually(claim: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def children_of(pid: int) -> dict[str, int]:
    """By their part: web, worker, postgres."""
    found = {}
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if len(words) < 2:
            continue  # it has ended, and nobody has collected it yet
        part = "postgres" if words[0].endswith(b"postgres") else words[-2].decode()
        found[part] = int(number)
    return found


class Program:
    def __init__(self, data: Path, *, port: int | None = None, arguments: tuple[str, ...] = (), **more: str) -> None:
        self.data, self.port = data, port or free_port()
        command = ["--data", str(data), "--port", str(self.port), "--no-browser", *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kontor.cli.main", *command],
            env=clean_environment() | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # As from a terminal, also where the tests themselves were started in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no lock in it
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")

    def until(self, words: str, seconds: float = 60) -> str:
        """The first line that holds the words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                if not self._reader.is_alive():
                    break
                continue
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"Kontor never said {words!r}. It said:\n" + "\n".join(self.said))

    def until_ready(self) -> Self:
        self.until("Kontor is ready")
        return self

    @property
    def children(self) -> dict[str, int]:
        return children_of(self.process.pid)

    @property
    def state(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.data / "postgres.json").read_text())
        return found

    def end(self, *signals: signal.Signals) -> int:
        for number in signals or (signal.SIGTERM,):
            self.process.send_signal(number)
            time.sleep(0.3)
        return self.process.wait(40)
