"""Where the bytes of an upload wait until they are all there: a file of this machine, locked while we live.

The lock is the heartbeat: when the process is killed, the kernel lets go of it, and the next sweep throws the file away
without having to guess how old is old.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import shutil
import threading
from pathlib import Path
from uuid import UUID

from kontor.core.blobs.errors import StoreFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Incoming:
    """One upload's file. Written and hashed in a thread, so that a slow disk holds nobody else up."""

    def __init__(self, folder: Path, upload_id: UUID) -> None:
        self.path = folder / upload_id.hex
        self.size = 0
        self._hash = hashlib.sha256()
        # A cancelled upload leaves its thread writing for a moment; the handle is closed after it, never under it.
        self._turn = threading.Lock()
        self._is_open = True
        self._handle = open_locked(self.path)

    async def write(self, data: bytes | bytearray) -> None:
        await asyncio.to_thread(self._write, bytes(data))

    def _write(self, data: bytes) -> None:
        with self._turn:
            if not self._is_open:
                return
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._handle, view) :]
            except OSError as reason:
                if reason.errno in NO_ROOM:
                    raise StoreFull from reason
                raise
            self._hash.update(data)
            self.size += len(data)

    async def finish(self) -> bytes:
        """On disk for good; returns the SHA-256 of all that was written."""
        await asyncio.to_thread(self._sync)
        return self._hash.digest()

    def _sync(self) -> None:
        with self._turn:
            if self._is_open:
                os.fsync(self._handle)

    async def discard(self) -> None:
        """Also after the file was moved into the store: then there is nothing left to remove."""
        await asyncio.to_thread(self._discard)

    def _discard(self) -> None:
        with self._turn:
            if self._is_open:
                self._is_open = False
                self.path.unlink(missing_ok=True)
                os.close(self._handle)


def open_locked(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as reason:
            if reason.errno in NO_ROOM:
                raise StoreFull from reason
            raise
        fcntl.flock(handle, fcntl.LOCK_EX)
        # A sweep may have come between the two lines above; then the name is gone, and we begin again.
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def free_bytes(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def sweep_incoming(folder: Path) -> int:
    """Remove what killed processes of this machine have left. Returns how many files went."""
    removed = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            removed += 1
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
    return removed
