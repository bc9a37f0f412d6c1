"""Bytes off the network, cut into what readers take: the data of an SSE event, a line of NDJSON, a whole JSON body.

However the network splits the bytes, the frames are the same. Nothing is decoded here, so a letter that arrives in two
halves needs no care; and nothing is looked at byte by byte, which is what makes it cheap.
"""

import codecs
from typing import Literal, Protocol

MEBIBYTE = 1024 * 1024
LONGEST_FRAME = 16 * MEBIBYTE  # a picture in base64 is a line of some megabytes
DONE = b"[DONE]"


class FrameTooLong(Exception):
    """Raised before the rest of it is kept: a line without an end would otherwise fill the memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A frame is longer than {limit} bytes.")
        self.limit = limit


class Framer(Protocol):
    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now."""

    def end(self) -> list[bytes]:
        """What is left when the other side has ended its body in good order."""


class Lines:
    """Lines that end in LF, CRLF or CR, without their ends, and without the mark that some put before the first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._ended_in_cr = False
        self._head: bytes | None = b""  # the first bytes, until it is clear whether they are a BOM

    def cut(self, data: bytes) -> list[bytes]:
        if self._head is not None:
            data = self._without_bom(data)
        if not data:
            return []
        if self._ended_in_cr and data[:1] == b"\n":
            data = data[1:]
            self._ended_in_cr = False
            if not data:
                return []
        if b"\r" in data:
            self._ended_in_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            self._ended_in_cr = False
        lines = data.split(b"\n")
        self._kept.append(lines[0])
        self._kept_bytes += len(lines[0])
        if len(lines) > 1:
            lines[0] = b"".join(self._kept)
            rest = lines.pop()
            if self._kept_bytes > self._limit or (len(data) > self._limit and max(map(len, lines)) > self._limit):
                raise FrameTooLong(self._limit)
            self._kept = [rest] if rest else []
            self._kept_bytes = len(rest)
        else:
            lines = []
        if self._kept_bytes > self._limit:
            raise FrameTooLong(self._limit)
        return lines

    @property
    def is_between(self) -> bool:
        """Whether what was fed so far ended with a line."""
        return not self._kept_bytes and self._head is None and not self._ended_in_cr

    def rest(self) -> bytes:
        rest = b"".join(self._kept)
        if self._head:
            rest = self._head + rest
        self._kept.clear()
        self._kept_bytes = 0
        return rest

    def _without_bom(self, data: bytes) -> bytes:
        data = (self._head or b"") + data
        if len(data) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(data):
            self._head = data
            return b""
        self._head = None
        return data.removeprefix(codecs.BOM_UTF8)


class ServerSentEvents:
    """The data of each event. Names, ids and comments are dropped: every protocol that we read says it all in the data.

    An event that ends with the body instead of an empty line counts, other than in a browser: some servers forget it.
    So does JSON that stands beside the events: Google ends a stream so when it breaks, and without it nobody knew why.
    """

    def __init__(self, limit: int = LONGEST_FRAME) -> None:
        self._lines = Lines(limit)
        self._limit = limit
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._beside: list[bytes] = []
        self._beside_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        # Nearly always whole events come, of one line of data each: those are cut without a look at every line.
        if data.startswith(b"data: ") and data.endswith(b"\n\n") and len(data) < self._limit and self._is_between:
            frames = data[6:-2].split(b"\n\ndata: ")
            if data.count(b"\n") == 2 * len(frames) and b"\r" not in data and b"" not in frames:
                return frames
        return self._read(self._lines.cut(data))

    @property
    def _is_between(self) -> bool:
        return not self._data and not self._beside and self._lines.is_between

    def end(self) -> list[bytes]:
        frames = self._read([self._lines.rest(), b""])
        if self._beside:
            frames.append(b"\n".join(self._beside))
            self._beside.clear()
        return frames

    def _read(self, lines: list[bytes]) -> list[bytes]:
        frames = []
        for line in lines:
            if line.startswith(b"data:"):
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._data_bytes += len(value)
                if self._data_bytes > self._limit:
                    raise FrameTooLong(self._limit)
            elif not line:
                if self._data:
                    frame = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    if frame:
                        frames.append(frame)
                    self._data.clear()
                    self._data_bytes = 0
            elif line == b"data":
                self._data.append(b"")
            elif self._beside or line[0] in b"{[":
                self._beside.append(line)
                self._beside_bytes += len(line)
                if self._beside_bytes > self._limit:
                    raise FrameTooLong(self._limit)
        return frames


class JsonLines:
    def __init__(self, limit: int = LONGEST_FRAME) -> None:
        self._lines = Lines(limit)

    def feed(self, data: bytes) -> list[bytes]:
        return [line for line in self._lines.cut(data) if line.strip()]

    def end(self) -> list[bytes]:
        rest = self._lines.rest()
        return [rest] if rest.strip() else []


class WholeBody:
    def __init__(self, limit: int = LONGEST_FRAME) -> None:
        self._limit = limit
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        self._kept.append(data)
        self._kept_bytes += len(data)
        if self._kept_bytes > self._limit:
            raise FrameTooLong(self._limit)
        return []

    def end(self) -> list[bytes]:
        body = b"".join(self._kept)
        self._kept.clear()
        return [body] if body else []


def framer(framing: Literal["sse", "ndjson", "json"], *, limit: int = LONGEST_FRAME) -> Framer:
    match framing:
        case "sse":
            return ServerSentEvents(limit)
        case "ndjson":
            return JsonLines(limit)
        case "json":
            return WholeBody(limit)
