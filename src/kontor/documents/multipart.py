"""A form with files, read as it arrives: nothing of it waits in memory or on disk before somebody takes it. How long
and how many headers may be is the parser's own business."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from kontor.documents.errors import BadForm

MOST_PARTS = 1000
LONGEST_FIELD = 64 * 1024


@dataclass
class Part:
    """A field or a file. `filename` is None for a field."""

    name: str
    filename: str | None
    media_type: str
    _form: "Form" = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """To be read before the next part is asked for; what is left over then is passed by."""
        while (chunk := await self._form.next_chunk(self)) is not None:
            yield chunk

    async def text(self) -> str:
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > LONGEST_FIELD:
                raise BadForm
        return body.decode("utf-8", "replace")


class Form:
    def __init__(self, content_type: str, stream: AsyncIterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
            raise BadForm
        self._stream = stream
        self._found: deque[Part | bytes | None] = deque()  # None ends a part
        self._headers = Message()
        self._label = self._value = b""
        self._seen = 0
        self._current: Part | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_header_field": self._add_label,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
            },
        )

    async def parts(self) -> AsyncIterator[Part]:
        while True:
            while self._found and not isinstance(self._found[0], Part):
                self._found.popleft()
            if self._found:
                part = self._found.popleft()
                assert isinstance(part, Part)  # noqa: S101 - looked at above
                self._current = part
                yield part
            elif not await self._feed():
                return

    async def next_chunk(self, part: Part) -> bytes | None:
        while self._current is part:
            if not self._found:
                if not await self._feed():
                    raise BadForm  # cut off within a part
                continue
            if isinstance(self._found[0], Part):
                return None
            chunk = self._found.popleft()
            assert not isinstance(chunk, Part)  # noqa: S101 - looked at above
            if chunk is None:
                self._current = None
            return chunk
        return None

    async def _feed(self) -> bool:
        chunk = await anext(self._stream, None)
        if chunk is None:
            return False
        try:
            self._parser.write(chunk)
        except FormParserError as reason:
            raise BadForm from reason
        return True

    # What the parser calls

    def _begin(self) -> None:
        self._seen += 1
        if self._seen > MOST_PARTS:
            raise BadForm
        self._headers = Message()
        self._label = self._value = b""

    def _add_label(self, data: bytes, start: int, end: int) -> None:
        self._label += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._label.decode("latin-1")] = self._value.decode("latin-1")
        self._label = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", "").encode("latin-1"))
        filename = options.get(b"filename")
        self._found.append(
            Part(
                options.get(b"name", b"").decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                self._headers.get("content-type", ""),
                self,
            )
        )

    def _data(self, data: bytes, start: int, end: int) -> None:
        if end > start:
            self._found.append(data[start:end])

    def _end(self) -> None:
        self._found.append(None)
