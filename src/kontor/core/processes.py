"""Facts about processes, and children that do not outlive us. Standard library only: the supervisor stays light."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1


def is_running(pid: int) -> bool:
    """Whether the process is alive; a zombie that nobody has collected yet is not."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _state(pid) != "Z"


def started_at(pid: int) -> float | None:
    """Start of the process in seconds since the epoch, good to about a second; None when it is unknown."""
    if sys.platform == "linux":
        fields = _stat(pid)
        if fields is None:
            return None
        return _booted_at() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return None


def name_of(pid: int) -> str | None:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
        except OSError:
            return None
    shown = subprocess.run(["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return Path(shown.stdout.strip()).name or None


def standing_in(folder: Path) -> list[int]:
    """Processes whose working folder is this one (Linux; elsewhere none is found)."""
    if sys.platform != "linux":
        return []
    wanted = folder.stat()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            there = (entry / "cwd").stat()
        except OSError:
            continue
        if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(entry.name))
    return found


def dying_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel sends `number` to the child when we die, however we die. Linux only.

    The kernel means the thread that started the child: start children from a thread that stays.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # we died between the fork and the line above
            os._exit(1)

    return before_exec


class Watchdog:
    """Where the kernel has no parent-death signal: a shell that waits for our end of a pipe to close."""

    def __init__(self, pid: int, number: signal.Signals) -> None:
        script = f"read _ || kill -{int(number)} {pid} 2>/dev/null"
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
        )

    def dismiss(self) -> None:
        """Lets the shell go without killing anybody."""
        pipe = self._shell.stdin
        assert pipe is not None  # noqa: S101 - Popen was given PIPE
        try:
            pipe.write(b"\n")
            pipe.close()
        except BrokenPipeError:
            pass
        self._shell.wait()


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on; the name before them may hold spaces and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _state(pid: int) -> str:
    if sys.platform == "linux":
        fields = _stat(pid)
        return fields[0] if fields else "Z"
    shown = subprocess.run(["/bin/ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1] or "Z"


def _booted_at() -> float:
    for line in Path("/proc/stat").read_text("ascii").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
