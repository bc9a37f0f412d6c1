"""Zip archives from strangers: counted while they are read, since what they say of their sizes may be a lie."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from kontor.documents.parsing.limits import Limits, Reason, Unreadable

CHUNK_BYTES = 1 << 16
UNSUSPICIOUS_BYTES = 8 << 20  # small parts may be packed as well as they like
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)

damaged = Unreadable(Reason.DAMAGED, "The file is damaged or cut off.")


class Archive:
    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._limits = limits
        self._left = limits.unpacked_bytes
        try:
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
        except BROKEN as reason:
            raise damaged from reason
        if len(entries) > limits.entries:
            raise Unreadable(Reason.TOO_MANY_PARTS, f"The file is an archive of more than {limits.entries} parts.")
        self._entries = {entry.filename: entry for entry in entries}

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @contextmanager
    def open(self, name: str) -> Iterator["Counted"]:
        entry = self._entries.get(name)
        if entry is None:
            raise Unreadable(Reason.DAMAGED, f"The file is damaged: its part {name} is missing.")
        if entry.flag_bits & 1:
            raise Unreadable(Reason.ENCRYPTED, "The file is protected by a password. Save it without one.")
        if entry.file_size > self._left:
            raise too_large(self._limits)
        try:
            with self._zip.open(entry) as stream:
                yield Counted(stream, self, max(1, entry.compress_size))
        except BROKEN as reason:
            raise damaged from reason

    def read(self, name: str) -> bytes:
        with self.open(name) as stream:
            return b"".join(iter(lambda: stream.read(CHUNK_BYTES), b""))

    def took(self, size: int, *, of_part: int, packed: int) -> None:
        self._left -= size
        if self._left < 0:
            raise too_large(self._limits)
        if of_part > UNSUSPICIOUS_BYTES and of_part > self._limits.ratio * packed:
            raise Unreadable(
                Reason.TOO_COMPRESSED, "The file unpacks to far more than such files do, and was not unpacked."
            )


def too_large(limits: Limits) -> Unreadable:
    return Unreadable(Reason.TOO_LARGE, f"Unpacked, the file is larger than {limits.unpacked_bytes >> 20} MB.")


class Counted:
    """A part of an archive as a file that can only be read."""

    def __init__(self, stream: IO[bytes], archive: Archive, packed: int) -> None:
        self._stream, self._archive, self._packed, self._read = stream, archive, packed, 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(CHUNK_BYTES if size < 0 else min(size, CHUNK_BYTES))
        self._read += len(data)
        self._archive.took(len(data), of_part=self._read, packed=self._packed)
        return data
