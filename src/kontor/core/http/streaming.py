"""What a route streams, and to what it hands it. How a stream is watched over and ended is for `web.streams`."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of news. `position` is what the reader hands back to go on after it."""

    kind: str
    data: Any
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """No news: keeps the connection open and the position fresh."""

    position: str | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Server-sent events as they go out, for protocols that are not ours."""

    chunk: bytes


# In a request's scope: the server's own way to send, past everything that looks at heads and ends alone.
STRAIGHT = "kontor.send"

Source = Callable[[], AsyncGenerator[Frame | Beat | Raw, None]]


class Streaming(Protocol):
    """Ends a stream when its reader leaves, when the process does, and when the reader may not read any more."""

    def answer(
        self,
        request: Request,
        source: Source,
        *,
        headers: Mapping[str, str] | None = None,
        last: Callable[[str], bytes] | None = None,
    ) -> Response:
        """Without `last` the reader is told in our words why a stream was ended; with it, in those that it returns,
        and the stream holds nothing but what the source says."""

    def awaiting(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Around the wait for an answer in one piece. Whoever may not read any more gets none: the wait is over within
        5 s, by `Unauthenticated`. What is waited for goes on or not as it pleases."""


def streaming_of(request: Request) -> Streaming:
    found: Streaming = request.app.state.streams
    return found
