"""Measures a first start on a bare checkout, later starts, memory when idle, and what it all takes on the disk.

    python3 bench/start.py                 clone this checkout's HEAD, start it cold, then five times more
    python3 bench/start.py --here          only the later starts and memory, of this checkout as it is

A cold start fetches every package anew (empty caches), so the network is part of its figure. Standard library only.
"""

import argparse
import contextlib
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTLING_SECONDS = 15.0
PATIENCE_SECONDS = 900.0


@dataclass
class Figures:
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, value: str, limit: str = "") -> None:
        self.rows.append((what, value, limit))
        print(f"{what:<44} {value:>12}  {limit}", flush=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--here", action="store_true", help="leave out the cold start")
    arguments.add_argument("--starts", type=int, default=5, help="how many later starts (5)")
    options = arguments.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        top = Path(folder)
        os.chmod(top, 0o755)  # noqa: PTH101 - the database's own user passes through, as it would anywhere
        if options.here:
            checkout, data = ROOT, top / "data"
            with started(checkout, data):
                pass
        else:
            checkout, data = top / "kontor", top / "data"
            measure_cold(figures, checkout, data, top)
        measure_later(figures, checkout, data, options.starts)
        measure_size(figures, checkout, data)
    return 0


def measure_cold(figures: Figures, checkout: Path, data: Path, top: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    caches = {"UV_CACHE_DIR": "uv", "npm_config_cache": "npm", "PIP_CACHE_DIR": "pip"}
    with started(checkout, data, **{name: str(top / "caches" / place) for name, place in caches.items()}) as run:
        figures.add("cold set-up and start, empty caches", f"{run.seconds:.1f} s")


def measure_later(figures: Figures, checkout: Path, data: Path, starts: int) -> None:
    seconds: list[float] = []
    endings: list[float] = []
    memory: list[dict[str, float]] = []
    for _ in range(starts):
        with started(checkout, data) as run:
            seconds.append(run.seconds)
            if len(memory) < 3:
                time.sleep(SETTLING_SECONDS)
                memory.append(memory_of(run.process.pid))
        endings.append(run.ending)
    figures.add(f"later start, median of {starts}", f"{statistics.median(seconds):.2f} s", "at most 5 s")
    figures.add(f"later start, slowest of {starts}", f"{max(seconds):.2f} s")
    figures.add("clean stop, median", f"{statistics.median(endings):.2f} s", "at most 30 s")
    for part in ("supervisor", "web", "worker", "Kontor", "postgres"):
        middle = statistics.median(found.get(part, 0.0) for found in memory)
        what = {"Kontor": "idle memory, the three together", "postgres": "idle memory, PostgreSQL"}
        limit = "at most 250 MB" if part == "Kontor" else ""
        figures.add(what.get(part, f"idle memory, {part}"), f"{middle:.0f} MB", limit)


def measure_size(figures: Figures, checkout: Path, data: Path) -> None:
    for what, place in (
        ("Python packages (.venv)", ".venv"),
        ("tools for setting up (.tools)", ".tools"),
        ("web app as built", "src/kontor/_ui"),
        ("packages to build the web app from", "frontend/node_modules"),
    ):
        figures.add(f"on disk: {what}", f"{size_of(checkout / place):.0f} MB")
    figures.add("on disk: a new data folder", f"{size_of(data):.0f} MB")


@dataclass
class Run:
    process: "subprocess.Popen[bytes]"
    seconds: float
    ending: float = 0.0


@contextmanager
def started(checkout: Path, data: Path, **more: str) -> Iterator[Run]:
    """From the command until /health/ready answers 200; stopped cleanly at the end."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KONTOR_", "DATABASE_"))}
    command = [str(checkout / "kontor"), "--data", str(data), "--port", str(port), "--no-browser"]
    log = data.with_name("start.log")
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment | more, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    run = Run(process, 0.0)
    try:
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() - began > PATIENCE_SECONDS:
                sys.exit(f"Kontor did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.02)
        run.seconds = time.monotonic() - began
        yield run
    finally:
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        run.ending = time.monotonic() - began
    if status != 0:
        sys.exit(f"Kontor ended with status {status}:\n{log.read_text('utf-8', 'replace')[-4000:]}")


def is_ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            return b" 200 " in connection.recv(4096).split(b"\r\n", 1)[0]
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_of(supervisor: int) -> dict[str, float]:
    """Megabytes by part, as the proportional share of each process (PSS), so that shared pages count once."""
    found = {"supervisor": share_of(supervisor)}
    for child in children_of(supervisor):
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        part = "postgres" if words[0].endswith(b"postgres") else words[-2].decode()
        found[part] = share_of(child) + sum(share_of(grandchild) for grandchild in children_of(child))
    found["Kontor"] = found["supervisor"] + found.get("web", 0.0) + found.get("worker", 0.0)
    return found


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def share_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def size_of(folder: Path) -> float:
    """What it occupies, each file once: package managers link the same file into several places."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            facts = os.lstat(Path(place, name))
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_blocks * 512
    return total / 1e6


if __name__ == "__main__":
    sys.exit(main())
