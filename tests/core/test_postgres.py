"""The embedded server: real processes, killed for real."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from kontor.core import postgres, processes
from kontor.core.postgres import AlreadyRunning, EmbeddedPostgres, OtherMajorVersion, PidFile, ServerFailed, attach


def eventually(claim: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a cluster in it, below a folder that nobody else may enter."""
    data = tmp_path_factory.mktemp("private") / "with a space" / "data"
    with EmbeddedPostgres(data).running():
        pass
    return data


@pytest.fixture
def embedded(made: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(made)
    yield server
    server.stop()


async def test_the_owner_is_no_superuser_and_has_the_vector_extension(embedded: EmbeddedPostgres) -> None:
    url = embedded.start().url()
    assert await ask(url, "SELECT current_user || ' ' || rolsuper FROM pg_roles WHERE rolname = current_user") == (
        "kontor false"
    )
    assert await ask(url, "SELECT '[1,2]'::vector <-> '[1,4]'::vector") == 2
    assert await ask(url, "SELECT lower('ÄÖÜ') || pg_encoding_to_char(encoding) FROM pg_database LIMIT 1") == "äöüUTF8"


async def test_nobody_comes_in_without_the_password(embedded: EmbeddedPostgres) -> None:
    server = embedded.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url(password="guessed"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url(user=postgres.SUPERUSER, password=server.password("kontor")))


def test_only_the_owner_may_open_what_is_the_databases(embedded: EmbeddedPostgres, made: Path) -> None:
    server = embedded.start()
    assert stat.S_IMODE((made / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    for name in ("postgres.key", "postgres.json", "postgres.log", "postgres.lock"):
        assert stat.S_IMODE((made / name).stat().st_mode) == 0o600, name
    assert len(str(server.socket_dir / ".s.PGSQL.5432")) <= postgres.SOCKET_PATH_LIMIT


def test_the_folders_above_stay_as_private_as_they_were(tmp_path: Path) -> None:
    above = tmp_path / "private"
    above.mkdir(mode=0o700)
    with EmbeddedPostgres(above / "data").running():
        pass
    assert stat.S_IMODE(above.stat().st_mode) == 0o700
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_the_server_does_not_run_as_root(embedded: EmbeddedPostgres) -> None:
    server = embedded.start()
    owner = Path(f"/proc/{server.pid}").stat().st_uid if sys.platform == "linux" else os.geteuid()
    assert owner != 0


def test_a_second_start_on_the_same_folder_is_refused_and_others_attach(embedded: EmbeddedPostgres, made: Path) -> None:
    server = embedded.start()
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        EmbeddedPostgres(made).start()
    assert embedded.poll() is None
    with EmbeddedPostgres(made).running() as attached:
        assert attached.url() == server.url()
    assert embedded.poll() is None, "whoever attached must not stop the server"


def test_after_a_stop_there_is_nothing_to_attach_to(embedded: EmbeddedPostgres, made: Path) -> None:
    pid = embedded.start().pid
    embedded.stop()
    assert attach(made) is None
    assert not processes.is_running(pid)


@pytest.mark.chaos
async def test_a_killed_server_comes_back_with_everything_committed(embedded: EmbeddedPostgres) -> None:
    server = embedded.start()
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int); TRUNCATE kept")
    for n in range(50):
        await connection.execute("INSERT INTO kept VALUES ($1)", n)
    os.kill(server.pid, signal.SIGKILL)
    assert eventually(lambda: embedded.poll() is not None)
    again = embedded.restart()
    assert (again.pid, again.url()) != (server.pid, "")
    assert await ask(again.url(), "SELECT count(*) FROM kept") == 50
    connection.terminate()


PROGRAM = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from kontor.core.postgres import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]), use_watchdog=sys.argv[2] == "watchdog").start()
    print(server.pid, flush=True)
    time.sleep(600)
""")


def run_program(data: Path, how: str) -> tuple["subprocess.Popen[str]", int]:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(data), how], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


@pytest.mark.chaos
@pytest.mark.parametrize("how", ["kernel", "watchdog"])
def test_the_server_ends_when_the_program_is_killed(made: Path, embedded: EmbeddedPostgres, how: str) -> None:
    if how == "kernel" and sys.platform != "linux":
        pytest.skip("only Linux has a parent-death signal")
    program, pid = run_program(made, how)
    program.kill()
    program.communicate()
    assert eventually(lambda: not processes.is_running(pid))
    assert embedded.start().pid != pid


@pytest.mark.chaos
@pytest.mark.skipif(sys.platform != "linux", reason="finds the watchdog in /proc")
def test_a_server_left_behind_is_stopped_before_a_new_one_starts(made: Path) -> None:
    lines: list[str] = []
    program, pid = run_program(made, "watchdog")
    # The watchdog goes first, so that nothing ends the server with its program.
    for child in children_of(program.pid):
        if processes.name_of(child) == "sh":
            os.kill(child, signal.SIGKILL)
    program.kill()
    program.communicate()
    assert processes.is_running(pid)
    server = EmbeddedPostgres(made, report=lines.append)
    try:
        assert server.start().pid != pid
        assert not processes.is_running(pid)
        assert lines == [f"Stopping a PostgreSQL that was left behind (process {pid})"]
    finally:
        server.stop()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_stale_pid_file_whose_number_belongs_to_somebody_else_does_not_block(
    embedded: EmbeddedPostgres, made: Path
) -> None:
    embedded.start()
    embedded.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lines = [stranger.pid, made / "postgres", 1_700_000_000, 5432, "", "", "1 1", "ready"]
        (made / "postgres" / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n")
        state = {"pid": stranger.pid, "cluster": str(made / "postgres"), "socket_dir": "/tmp"}
        (made / "postgres.json").write_text(json.dumps(state))
        assert attach(made) is None, "a number alone is no server"
        embedded.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_newer_extension_is_made_known_to_the_database(embedded: EmbeddedPostgres, made: Path) -> None:
    mark = made / "postgres.vector"
    version = mark.read_text()
    assert await ask(embedded.start().url(), "SELECT extversion FROM pg_extension WHERE extname = 'vector'") == version
    embedded.stop()
    mark.write_text("0.0.1")
    embedded.start()
    assert mark.read_text() == version


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "data").running() as server:
        assert PidFile.read(tmp_path / "data" / "postgres") is not None
        assert server.pid
    assert not half.exists()


def test_a_cluster_of_another_major_version_is_left_alone(tmp_path: Path) -> None:
    cluster = tmp_path / "data" / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    (tmp_path / "data" / "postgres.key").write_text("kept")
    with pytest.raises(OtherMajorVersion, match="PostgreSQL 16"), EmbeddedPostgres(tmp_path / "data").running():
        pass
    assert [file.name for file in cluster.iterdir()] == ["PG_VERSION"]


def test_a_cluster_without_its_key_is_not_given_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    with pytest.raises(ServerFailed, match=r"postgres\.key is missing"):
        EmbeddedPostgres(tmp_path / "data").start()
    assert not (tmp_path / "data" / "postgres.key").exists()


def test_a_server_that_cannot_start_tells_its_last_words(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data").running():
        pass
    (tmp_path / "data" / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ServerFailed, match="no_such_setting"):
        EmbeddedPostgres(tmp_path / "data").start()


def test_a_very_long_folder_name_still_gives_a_socket(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / ("long" * 40) / "data").running() as server:
        assert server.socket_dir.is_dir()


def test_a_server_that_need_not_last_leaves_nothing(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False).running() as server:
        home = server.socket_dir.parent
        assert home.exists()
    assert not home.exists()


def test_the_process_facts_tell_a_zombie_from_a_living_one() -> None:
    child = subprocess.Popen(["sleep", "60"])
    assert processes.is_running(child.pid)
    assert abs((processes.started_at(child.pid) or time.time()) - time.time()) < 5
    child.kill()
    assert eventually(lambda: not processes.is_running(child.pid)), "not collected, but dead"
    child.wait()
    assert not processes.is_running(child.pid)
    assert not processes.is_running(0)
