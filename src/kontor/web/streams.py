"""Streams to people: server-sent events and sockets over anything that yields frames.

A stream holds no news of its own: what it sends is read when the reader has room, so a slow reader costs a place in
the table and nothing else. It ends when its reader leaves, when the process shuts down, when the reader's session or
role is no longer what it was, and when the reader takes nothing for too long.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from kontor.accounts.authentication import SignedIn, still_signed_in
from kontor.core.http.actors import Unauthenticated
from kontor.core.http.streaming import STRAIGHT, Beat, Frame, Raw, Source
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.observability import Metrics
from kontor.core.outage import is_outage
from kontor.projects import service as projects
from kontor.web.lifecycle import Lifecycle

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 3.0  # a demoted or suspended person's streams are closed within 5 s, whatever was heard
COALESCE_SECONDS = 0.1  # many events of one moment are one question
SLOW_READER_SECONDS = 30.0
STREAMS_PER_PERSON = 30
RECONNECT_MS = 1500
SOCKET_MESSAGES_PER_SECOND = 20


class End(StrEnum):
    """Why we ended a stream. The reader is told, because what to do next depends on it."""

    RESTART = "restart"  # come back, with the last position
    SESSION_ENDED = "session_ended"  # sign in first
    RIGHTS_CHANGED = "rights_changed"  # come back: what you may see is not the same any more
    TOO_SLOW = "too_slow"  # come back
    REPLACED = "replaced"  # this person has opened too many; the oldest goes
    MISUSED = "misused"  # a socket that talks without end
    FAILED = "failed"  # our mistake; come back later


CLOSE_CODES: Mapping[End, int] = {
    End.RESTART: 1012,
    End.SESSION_ENDED: 4401,
    End.RIGHTS_CHANGED: 4403,
    End.TOO_SLOW: 4408,
    End.REPLACED: 4409,
    End.MISUSED: 1008,
    End.FAILED: 1011,
}


# An answer ends by itself; one in a protocol that is not ours has a reader who could not come back for its rest, and to
# the reader of one that is awaited in one piece it is no stream at all.
StreamKind = Literal["sse", "socket", "answer", "foreign", "awaited"]
ANSWERS = frozenset({"answer", "foreign", "awaited"})
STAYING = frozenset({"foreign", "awaited"})  # when the process goes, for as long as it waits


@dataclass(eq=False, slots=True)
class Open:
    """An open stream, as the register knows it."""

    seen: SignedIn
    kind: StreamKind
    ended: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    reason: End | None = None
    patience: asyncio.Timeout | None = None  # of whoever awaits an answer
    project_id: UUID | None = None  # whose news it carries, and which its reader must be allowed to read

    def end(self, reason: End) -> None:
        if self.reason is None:
            self.reason = reason
            self.ended.set_result(None)
            if self.patience is not None:
                self.patience.reschedule(asyncio.get_running_loop().time())

    @property
    def key(self) -> tuple[Any, Any]:
        """Streams of one session (or token) are asked about together."""
        return (self.seen.actor.session_id, self.seen.token_id)


class Streams:
    """All open streams of this process, and the watch over whether their readers may still read."""

    def __init__(self, lifecycle: Lifecycle, metrics: Metrics) -> None:
        self.lifecycle = lifecycle
        self.metrics = metrics
        self._open: dict[UserId, list[Open]] = defaultdict(list)
        self._suspects: set[UserId] = set()
        self._suspicion = asyncio.Event()

    @property
    def count(self) -> int:
        return sum(map(len, self._open.values()))

    @asynccontextmanager
    async def opened(self, seen: SignedIn, kind: StreamKind, *, project_id: UUID | None = None) -> AsyncIterator[Open]:
        stream = Open(seen, kind, project_id=project_id)
        mine = self._open[seen.actor.user_id]
        mine.append(stream)
        if kind not in ANSWERS:
            # Of those that end by themselves a program may want many at once.
            staying = [each for each in mine if each.kind not in ANSWERS]
            if len(staying) > STREAMS_PER_PERSON:
                # Half-open connections of a lost network must not lock a person out, so the oldest goes.
                staying[0].end(End.REPLACED)
        gauge = self.metrics.streams.labels(kind)
        gauge.inc()
        if self.lifecycle.draining.is_set() and kind not in STAYING:
            stream.end(End.RESTART)
        try:
            yield stream
        finally:
            gauge.dec()
            mine.remove(stream)
            if not mine:
                self._open.pop(seen.actor.user_id, None)
            if stream.reason is not None:
                self.metrics.stream_ends.labels(stream.reason.value).inc()

    def answer(
        self,
        request: Request,
        source: Source,
        *,
        headers: Mapping[str, str] | None = None,
        last: Callable[[str], bytes] | None = None,
    ) -> "EventSource":
        """See `core.http.streaming`."""
        kind: StreamKind = "answer" if last is None else "foreign"
        return EventSource(self, signed_in(request), source, kind=kind, headers=headers, last=last)

    @asynccontextmanager
    async def awaiting(self, request: Request) -> AsyncIterator[None]:
        """See `core.http.streaming`. Among the streams, and so asked about together with them."""
        async with self.opened(signed_in(request), "awaited") as stream:
            try:
                async with asyncio.timeout(None) as stream.patience:
                    yield
            except TimeoutError:
                if stream.reason is None:
                    raise
                raise Unauthenticated from None
            finally:
                stream.patience = None

    def heard(self, payload: str | None) -> None:
        """The rights of a person have changed, who may be reading here (`accounts.known_tokens`)."""
        if payload is None:
            return  # the regular round asks about everybody anyway
        user_id = UserId(UUID(payload))
        if user_id in self._open:
            self._suspects.add(user_id)
            self._suspicion.set()

    async def watch(self, kernel: Kernel) -> None:
        """Runs as long as the process serves."""
        loop = asyncio.get_running_loop()
        next_round = loop.time() + RECHECK_SECONDS
        while not self.lifecycle.draining.is_set():
            self._suspicion.clear()
            if loop.time() >= next_round:
                next_round = loop.time() + RECHECK_SECONDS
                asked, self._suspects = set(self._open), set()
            else:
                asked, self._suspects = self._suspects, set()
            await self._ask(kernel, asked)
            await asyncio.sleep(COALESCE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_round - loop.time())):
                    await first_of(self._suspicion, self.lifecycle.draining)

    async def _ask(self, kernel: Kernel, people: set[UserId]) -> None:
        by_key: dict[tuple[Any, Any], list[Open]] = defaultdict(list)
        for user_id in people:
            for stream in self._open.get(user_id, ()):
                by_key[stream.key].append(stream)
        for streams in by_key.values():
            seen = streams[0].seen
            try:
                found = await still_signed_in(kernel, seen)
            except Exception as error:
                if not is_outage(error):
                    log.error("streams.check_failed", exc_info=error)
                # Nothing can be read from a database that is away, by nobody; the streams wait with it.
                return
            for stream in streams:
                if found is None:
                    stream.end(End.SESSION_ENDED)
                elif rights(found) != rights(stream.seen) and stream.kind != "awaited":
                    stream.end(End.RIGHTS_CHANGED)
        for user_id in people:
            await self._ask_projects(kernel, user_id)

    async def _ask_projects(self, kernel: Kernel, user_id: UserId) -> None:
        """Whoever may not read a project any more hears no more of it."""
        reading = [stream for stream in self._open.get(user_id, ()) if stream.project_id is not None]
        if not reading:
            return
        asked = {stream.project_id for stream in reading if stream.project_id is not None}
        try:
            readable = await projects.readable(kernel.database, user_id, sorted(asked))
        except Exception as error:
            if not is_outage(error):
                log.error("streams.check_failed", exc_info=error)
            return
        for stream in reading:
            if stream.project_id not in readable:
                stream.end(End.RIGHTS_CHANGED)

    async def end_when_draining(self) -> None:
        """Readers are told to come back, which leads them to a process that stays. Who cannot, reads to the end of the
        run, for which there is a time."""
        await self.lifecycle.draining.wait()
        for streams in self._open.values():
            for stream in streams:
                if stream.kind not in STAYING:
                    stream.end(End.RESTART)


def signed_in(request: Request) -> SignedIn:
    seen = request.scope.get("kontor.session")
    if not isinstance(seen, SignedIn):
        raise Unauthenticated
    return seen


async def first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def rights(seen: SignedIn) -> tuple[Any, ...]:
    return (seen.actor.role, seen.actor.token_scopes, seen.actor.full_access_until)


async def pump(
    stream: Open, source: Source, *, deliver: Callable[[Frame | Beat | Raw], Awaitable[None]], gone: Awaitable[None]
) -> End | None:
    """Carry frames to the reader until one of the reasons to stop; None when the reader has left."""

    loop = asyncio.get_running_loop()
    delivering_since: float | None = None
    watch: asyncio.TimerHandle | None = None

    async def carry() -> None:
        nonlocal delivering_since
        async with aclosing(source()) as frames:
            async for frame in frames:
                delivering_since = loop.time()
                await deliver(frame)
                delivering_since = None

    def look() -> None:
        """One timer for the whole stream: a timeout around each of its thousand pieces costs more than they do."""
        nonlocal watch
        if delivering_since is not None and loop.time() - delivering_since >= SLOW_READER_SECONDS:
            stream.end(End.TOO_SLOW)
        else:
            watch = loop.call_later(SLOW_READER_SECONDS / 4, look)

    watch = loop.call_later(SLOW_READER_SECONDS, look)
    carrying = asyncio.create_task(carry())
    leaving = asyncio.ensure_future(gone)
    try:
        await asyncio.wait({carrying, leaving, stream.ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if watch is not None:
            watch.cancel()
        carrying.cancel()
        leaving.cancel()
        await asyncio.gather(carrying, leaving, return_exceptions=True)
    error = None if carrying.cancelled() else carrying.exception()
    if error is not None and not is_gone(error):
        log.error("stream.failed", exc_info=error)
        stream.end(End.FAILED)
    return stream.reason


def is_gone(error: BaseException) -> bool:
    """Writing to a reader who has just left."""
    return isinstance(error, OSError)


SSE_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx would keep the news until its buffer is full
}


def as_sse(frame: Frame | Beat | Raw) -> bytes:
    if isinstance(frame, Raw):
        return frame.chunk
    place = b"" if frame.position is None else b"id: " + frame.position.encode() + b"\n"
    if isinstance(frame, Beat):
        return place + b": beat\n\n"
    # orjson writes no line breaks, so one data line is always enough; kinds are names of ours.
    return place + b"event: " + frame.kind.encode() + b"\ndata: " + orjson.dumps(frame.data) + b"\n\n"


def told_end(reason: str) -> bytes:
    return as_sse(Frame("stream.end", {"reason": reason}))


class EventSource(Response):
    """The answer of a route that streams."""

    def __init__(
        self,
        streams: Streams,
        seen: SignedIn,
        source: Source,
        *,
        kind: StreamKind = "sse",
        headers: Mapping[str, str] | None = None,
        last: Callable[[str], bytes] | None = None,
        project_id: UUID | None = None,
    ) -> None:
        super().__init__(status_code=200, headers={**SSE_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._streams = streams
        self._seen = seen
        self._source = source
        self._kind: StreamKind = kind
        self._project_id = project_id
        # Clients of other protocols know no field but data, so they are told nothing that is only ours.
        self._first = f"retry: {RECONNECT_MS}\n\n".encode() if last is None else b""
        self._last = last or told_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        wrote_at = loop.time()
        # Nobody on the way out looks at the pieces between the head and the end, of which there may be thousands.
        send_piece: Send = scope.get(STRAIGHT, send)

        async def deliver(frame: Frame | Beat | Raw) -> None:
            nonlocal wrote_at
            wrote_at = loop.time()
            await send_piece({"type": "http.response.body", "body": as_sse(frame), "more_body": True})

        async def gone() -> None:
            """Also keeps the line open where the source has no beat of its own: a model may think for minutes."""
            while True:
                try:
                    async with asyncio.timeout_at(wrote_at + HEARTBEAT_SECONDS):
                        await left()
                    return
                except TimeoutError:
                    if loop.time() - wrote_at >= HEARTBEAT_SECONDS:
                        await deliver(Beat())

        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async with self._streams.opened(self._seen, self._kind, project_id=self._project_id) as stream:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if self._first:
                await send({"type": "http.response.body", "body": self._first, "more_body": True})
            reason = await pump(stream, self._source, deliver=deliver, gone=gone() if self._kind in ANSWERS else left())
            last = b"" if reason is None else self._last(reason.value)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await send({"type": "http.response.body", "body": last, "more_body": False})


def as_text(frame: Frame | Beat | Raw) -> str:
    if isinstance(frame, Raw):
        raise TypeError("Sockets speak our protocol alone.")
    body: dict[str, Any] = {"type": "beat"} if isinstance(frame, Beat) else {"type": frame.kind, "data": frame.data}
    if frame.position is not None:
        body["position"] = frame.position
    return orjson.dumps(body).decode()


async def serve_socket(
    streams: Streams,
    seen: SignedIn,
    source: Source,
    *,
    receive: Receive,
    send: Send,
    heard: Callable[[Message], Awaitable[None]] | None = None,
) -> None:
    """An accepted socket: frames go out, messages go to `heard` (or nowhere) at a bounded rate."""

    async def deliver(frame: Frame | Beat | Raw) -> None:
        await send({"type": "websocket.send", "text": as_text(frame)})

    async with streams.opened(seen, "socket") as stream:

        async def gone() -> None:
            loop = asyncio.get_running_loop()
            allowance, asked_at = float(SOCKET_MESSAGES_PER_SECOND), loop.time()
            while (message := await receive())["type"] != "websocket.disconnect":
                passed, asked_at = loop.time() - asked_at, loop.time()
                allowance = min(float(SOCKET_MESSAGES_PER_SECOND), allowance + passed * SOCKET_MESSAGES_PER_SECOND)
                allowance -= 1
                if allowance < 0:
                    stream.end(End.MISUSED)
                    return
                if heard is not None:
                    await heard(message)

        reason = await pump(stream, source, deliver=deliver, gone=gone())
        if reason is not None:
            with suppress(OSError, RuntimeError, TimeoutError):
                async with asyncio.timeout(1):
                    await deliver(Frame("stream.end", {"reason": reason.value}))
                    await send({"type": "websocket.close", "code": CLOSE_CODES[reason], "reason": reason.value})
