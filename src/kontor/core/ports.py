"""Who holds a TCP port, as far as this user may know."""

import sys
from dataclasses import dataclass
from pathlib import Path

from kontor.core import processes

LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Holder:
    pid: int
    name: str


def holder_of(port: int) -> Holder | None:
    """The process that listens there. Linux only, and only processes of this user unless we are root."""
    if sys.platform != "linux":
        return None
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(Path("/proc/net") / table, port)}
    if not inodes:
        return None
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            descriptors = list((entry / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target in inodes:
                return Holder(int(entry.name), processes.name_of(int(entry.name)) or "?")
    return None


def _listening(table: Path, port: int) -> list[str]:
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]
