"""The supervisor, with everything that it starts."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kontor.core import processes
from tests.cli.program import Program, ask, eventually, free_port, kontor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the children in /proc")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the tests that start and end Kontor themselves: making a database takes most of a first start."""
    return tmp_path_factory.mktemp("up") / "a folder" / "data"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One Kontor for all tests that leave it running; whatever they kill comes back."""
    with Program(tmp_path_factory.mktemp("running") / "data") as program:
        yield program.until_ready()


def test_it_starts_serves_and_stops_cleanly(data: Path) -> None:
    with Program(data) as program:
        program.until_ready()
        assert ask(program.port) == 200
        assert set(program.children) == {"postgres", "web", "worker"}
        started = list(program.children.values())
        assert program.end(signal.SIGINT) == 0
        program.until("Stopped. Everything is saved.")
    assert not any(processes.is_running(pid) for pid in started)
    assert ask(program.port) is None


def test_what_it_writes_is_for_its_owner_only(running: Program) -> None:
    for name in ("kontor.log", "postgres.log", "postgres.key", "master.key"):
        path = running.data / name
        if path.exists():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, name


@pytest.mark.chaos
@pytest.mark.parametrize("part", ["web", "postgres"])
def test_what_is_killed_comes_back(running: Program, part: str) -> None:
    before = running.children[part]
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: running.children.get(part, before) != before)
    assert eventually(lambda: ask(running.port) == 200), "ready again without a hand"
    assert running.process.poll() is None


@pytest.mark.chaos
def test_a_killed_worker_comes_back(running: Program) -> None:
    before = running.children["worker"]
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: running.children.get("worker", before) != before)


@pytest.mark.chaos
def test_when_it_is_killed_nothing_stays_behind_and_the_next_start_needs_no_hand(data: Path) -> None:
    with Program(data) as program:
        program.until_ready()
        left = list(program.children.values())
        program.process.kill()
        program.process.wait()
    assert eventually(lambda: not any(processes.is_running(pid) for pid in left))
    with Program(data, port=program.port) as again:
        again.until_ready()
        assert ask(again.port) == 200


@pytest.mark.chaos
def test_it_can_be_stopped_while_it_starts(tmp_path: Path) -> None:
    with Program(tmp_path / "data") as program:
        program.until("Database")
        assert program.end(signal.SIGTERM) == 0
        assert not (program.data / "postgres" / "postmaster.pid").exists()
    with Program(tmp_path / "data") as again:
        again.until_ready()


@pytest.mark.chaos
def test_a_second_signal_ends_it_at_once_and_still_in_order(data: Path) -> None:
    with Program(data) as program:
        program.until_ready()
        os.kill(program.children["web"], signal.SIGSTOP)  # a web process that does not let go
        began = time.monotonic()
        assert program.end(signal.SIGINT, signal.SIGINT) == 0
        assert time.monotonic() - began < 10
        assert not (data / "postgres" / "postmaster.pid").exists(), "the database was shut down, not killed"


def test_a_second_one_on_the_same_folder_says_where_the_first_is(running: Program) -> None:
    second = kontor("--data", str(running.data), "--port", str(free_port()), "--no-browser")
    assert second.returncode == 69
    assert f"process {running.process.pid}" in second.stderr
    assert "kontor login-link" in second.stderr
    assert ask(running.port) == 200


def test_a_second_one_on_the_same_port_says_that_it_is_kontor(running: Program, tmp_path: Path) -> None:
    second = kontor("--data", str(tmp_path), "--port", str(running.port), "--no-browser")
    assert second.returncode == 69
    assert "A Kontor already serves" in second.stderr


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        outcome = kontor("--data", str(tmp_path), "--port", str(port), "--no-browser")
    assert outcome.returncode == 69
    assert f"process {os.getpid()}" in outcome.stderr
    assert f"--port {port + 1}" in outcome.stderr
    assert not list(tmp_path.iterdir()), "nothing was begun"


def test_a_wrong_setting_is_named_in_plain_words(tmp_path: Path) -> None:
    outcome = kontor("--data", str(tmp_path), KONTOR_PORT="many")
    assert outcome.returncode == 78
    assert "KONTOR_PORT" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_an_address_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    outcome = kontor("--data", str(tmp_path), "--host", "192.0.2.1", "--no-browser")
    assert outcome.returncode == 69
    assert "no address of this machine" in outcome.stderr


@pytest.mark.chaos
def test_a_program_that_can_never_start_is_given_up_with_its_reason(data: Path) -> None:
    """A master key that others can read is no passing trouble."""
    with Program(data) as program:
        program.until_ready()
        program.end()
    key = data / "master.key"
    key.chmod(0o644)
    try:
        with Program(data) as program:
            program.until("master.key")
            assert program.process.wait(30) == 78
    finally:
        key.chmod(0o600)


def test_commands_beside_it_use_its_database_and_its_address(running: Program) -> None:
    made = kontor("user", "create", "ada@example.org", "--data", str(running.data))
    assert made.returncode == 0, made.stderr
    assert f"http://127.0.0.1:{running.port}/" in made.stdout
    assert "ada@example.org" in kontor("user", "list", "--data", str(running.data)).stdout
    assert ask(running.port) == 200


def test_the_supervisor_loads_nothing_heavy() -> None:
    code = (
        "import sys, kontor.cli.main, kontor.cli.up;"
        "print([name for name in ('pydantic', 'asyncio', 'sqlalchemy', 'structlog', 'fastapi') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
