"""The way to a provider and back: connects, waits, repeats, and cuts what comes into frames for the adapter's reader.

Nothing is repeated that somebody may already have read: once a word came, an error ends the stream as `Failed`. Whoever
closes the stream, or is cancelled in it, closes the connection to the provider in the same moment.

Addresses that people entered go through `core.fetch`: public ones only, and what was checked is what is connected to.
Those of the house may be anywhere. Redirects are followed nowhere, because a key would travel with them.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import Literal
from uuid import UUID

import aiohttp
import structlog
from yarl import URL

from kontor.core import clock
from kontor.core.errors import KontorError
from kontor.core.fetch import Decoder, FetchBadAnswer, Fetcher
from kontor.core.tenancy import Actor
from kontor.gateway.errors import (
    AnswerTooLarge,
    BadAnswer,
    CircuitOpen,
    Cut,
    GatewayError,
    Phase,
    ProviderBusy,
    ProviderUnreachable,
    TimedOut,
    error_of,
)
from kontor.gateway.resilience import (
    BreakerRules,
    CircuitKey,
    Circuits,
    Gate,
    Gates,
    QueueFull,
    Retry,
    Ticket,
    read_retry_after,
)
from kontor.gateway.wire.faults import Unreadable
from kontor.gateway.wire.frames import DONE, LONGEST_FRAME, MEBIBYTE, Framer, FrameTooLong, framer
from kontor.gateway.wire.port import (
    Adapter,
    Call,
    Endpoint,
    Failed,
    Finished,
    Named,
    Prepared,
    Reader,
    Said,
    Text,
    UsageSeen,
)

log = structlog.get_logger(__name__)

USER_AGENT = "Kontor"
LARGEST_REFUSAL = 65_536
LARGE_BODY = 512 * 1024  # sent in pieces, so that one upload does not hold up all streams
HEADER_BYTES = 16_384
# Below what servers usually keep an idle connection for, so that one is seldom used at the moment it is closed.
KEPT_ALIVE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `first_byte` is for streams: an answer in one piece begins only when it is finished."""

    queue: float = 60
    connect: float = 10
    first_byte: float = 120
    idle: float = 90
    total: float = 1800
    tail: float = 5  # for what may follow after the end was said


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Who asks whom, and how long and how often at most."""

    person: Hashable  # whose turn it is in the queue
    provider: UUID
    label: str  # the provider's name for people
    model: str = ""
    key: UUID | None = None
    is_guarded: bool = False  # a person gave the address, so only public ones are connected to
    concurrency: int | None = None
    timeouts: Timeouts = Timeouts()
    retry: Retry = field(default_factory=Retry)
    largest_answer: int = 64 * MEBIBYTE
    went_out: Callable[[], None] | None = None  # told when the wait for a place is over and the provider is asked
    # Whose question it is and what it is about, for answers that are found in the house itself.
    actor: Actor | None = None
    project_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one try, for the provider's health and for the run's record."""

    request: Outgoing
    number: int
    error: KontorError | None
    seconds: float  # to the first word, or to the failure
    waits: float | None = None  # until the next try


Watcher = Callable[[Attempt], None]
Sleep = Callable[[float], Awaitable[None]]


class Transport:
    """Made once at start, closed at the end."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        rules: BreakerRules | None = None,
        ssl_context: ssl.SSLContext | None = None,
        watcher: Watcher | None = None,
        sleep: Sleep = asyncio.sleep,
        chance: Random | None = None,
    ) -> None:
        self.circuits = Circuits(rules)
        self.gates = Gates()
        self.watcher = watcher
        self._fetcher = fetcher
        self._ssl_context = ssl_context
        self._sleep = sleep
        self._chance = chance or Random()  # noqa: S311 - spreads waits, guards nothing
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def stream(
        self, request: Outgoing, adapter: Adapter, call: Call, at: Endpoint, prepared: Prepared | None = None
    ) -> AsyncGenerator[Sequence[Said], None]:
        """What the model says, as it comes: each time, all that came at once. Use it within `contextlib.aclosing`, so
        that leaving it closes it at once.

        Raises a `GatewayError` (or `core.fetch`'s refusal of an address) as long as nothing was said; after that an
        error is the last thing said. `prepared` spares making the request a second time.
        """
        prepared = prepared or adapter.chat(call, at)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeouts.total
        attempt = 0
        while True:
            attempt += 1
            exchange = Exchange(self, request, adapter, prepared, at, deadline=deadline)
            held: list[Said] | None = []
            try:
                await exchange.open()
                reading = exchange.read_as(call)
                while (said := await reading.more()) is not None:
                    if held is not None:
                        held += said
                        if not any(map(is_speech, held)):
                            continue
                        said, held = held, None
                        exchange.ticket_answered()
                        self._tell(Attempt(request, attempt, None, exchange.seconds))
                    if said:
                        yield said
                exchange.finished()
                if held:
                    yield held
            except KontorError as error:
                exchange.failed(error)
                if held is None:
                    yield (failed_late(error),)
                    return
                wait = await self._wait_or_raise(request, attempt, error, exchange.seconds, left=deadline - loop.time())
            else:
                return
            finally:
                exchange.close()
            await self._sleep(wait)

    async def send(self, request: Outgoing, adapter: Adapter, prepared: Prepared, at: Endpoint) -> bytes:
        """One whole answer: a list of models, embeddings, the test of a key."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeouts.total
        attempt = 0
        while True:
            attempt += 1
            exchange = Exchange(self, request, adapter, prepared, at, deadline=deadline)
            try:
                await exchange.open()
                body = await exchange.whole()
                exchange.finished()
                self._tell(Attempt(request, attempt, None, exchange.seconds))
                return body
            except KontorError as error:
                exchange.failed(error)
                wait = await self._wait_or_raise(request, attempt, error, exchange.seconds, left=deadline - loop.time())
            finally:
                exchange.close()
            await self._sleep(wait)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    def session(self, *, is_guarded: bool) -> aiohttp.ClientSession:
        found = self._sessions.get(is_guarded)
        if found is None:
            found = self._sessions[is_guarded] = aiohttp.ClientSession(
                connector=self._fetcher.connector(limit=1024, limit_per_host=64)
                if is_guarded
                else aiohttp.TCPConnector(
                    limit=0,  # the gates count, and share fairly
                    keepalive_timeout=KEPT_ALIVE_SECONDS,
                    ssl=True if self._ssl_context is None else self._ssl_context,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Whoever compresses all the same is inflated by us, in bounded pieces.
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEADER_BYTES,
                max_field_size=HEADER_BYTES,
            )
        return found

    def address(self, url: str, *, is_guarded: bool) -> URL:
        return self._fetcher.check(url) if is_guarded else parsed(url)

    async def _wait_or_raise(
        self, request: Outgoing, attempt: int, error: KontorError, seconds: float, *, left: float
    ) -> float:
        wait = None
        if isinstance(error, GatewayError) and error.is_passing:
            wait = request.retry.wait(attempt, retry_after=error.retry_after, left_seconds=left, chance=self._chance)
        log.info(
            "gateway.attempt_failed",
            provider=str(request.provider),
            model=request.model,
            code=error.code,
            attempt=attempt,
            waits=wait,
        )
        self._tell(Attempt(request, attempt, error, seconds, wait))
        if wait is None:
            raise error
        return wait

    def _tell(self, attempt: Attempt) -> None:
        if self.watcher is not None:
            self.watcher(attempt)


class Exchange:
    """One request and its answer. Holds a place at the provider and a ticket of its circuit until it is closed."""

    def __init__(
        self,
        transport: Transport,
        request: Outgoing,
        adapter: Adapter,
        prepared: Prepared,
        at: Endpoint,
        *,
        deadline: float,
    ) -> None:
        self.request = request
        self.adapter = adapter
        self.prepared = prepared
        self.at = at
        self.deadline = deadline
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._gate: Gate | None = None
        self._ticket: Ticket | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._watch: Watch | None = None
        self._decoder: Decoder | None = None
        self._arrived = 0

    @property
    def seconds(self) -> float:
        return self._loop.time() - self._began

    @property
    def provider(self) -> str:
        return self.request.label

    async def open(self) -> None:
        """Up to the head of a good answer; any other is read and raised."""
        await self._take_place()
        self._take_ticket()
        if self.request.went_out is not None:
            self.request.went_out()
        self._response = response = await self._ask()
        self._watch = Watch(self._loop, response.close, self.deadline)
        encoding = response.headers.get("Content-Encoding")
        if encoding:
            try:
                self._decoder = Decoder(encoding)
            except FetchBadAnswer as reason:
                raise BadAnswer(self.provider, reason="compressed in a way that was not asked for") from reason
        if not 200 <= response.status < 300:
            raise await self._refusal(response)

    def read_as(self, call: Call) -> "Reading":
        framing = self.prepared.framing
        media_type = self._media_type()
        if media_type == "text/html":
            raise BadAnswer(self.provider, reason="a web page came instead of an answer")
        if framing == "sse" and media_type == "application/json":
            # Some servers know nothing of streams and answer in one piece, whatever was asked for.
            framing, call = "json", replace(call, is_streamed=False)
        return Reading(self, framing, self.adapter.reader(call, self.at))

    async def whole(self) -> bytes:
        pieces = []
        while piece := await self.piece("idle", self.request.timeouts.idle):
            pieces.append(piece)
        return b"".join(pieces)

    async def piece(self, phase: Phase, seconds: float) -> bytes:
        """The next bytes, or none at the end of the body."""
        if self._response is None or self._watch is None:
            raise RuntimeError("read before it was opened")
        self._watch.wait(phase, seconds)
        try:
            data = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as reason:
            raise self._broken() from reason
        finally:
            self._watch.rest()
        self._arrived += len(data)
        if self._decoder is not None:
            data = self._inflated(self._decoder, data)
        if self._arrived > self.request.largest_answer:
            raise AnswerTooLarge(self.provider, limit_bytes=self.request.largest_answer)
        return data

    def ticket_answered(self) -> None:
        if self._ticket is not None:
            self._ticket.answered()

    def finished(self) -> None:
        if self._ticket is not None:
            self._ticket.good()

    def failed(self, error: KontorError) -> None:
        if self._ticket is None:
            return
        if isinstance(error, GatewayError) and error.counts:
            self._ticket.bad(error.retry_after)
        else:
            self._ticket.left(has_answered=self._response is not None)

    def close(self) -> None:
        """Whatever has not been read is not waited for. Nothing in here waits, so a cancellation cannot stop it."""
        if self._watch is not None:
            self._watch.stop()
        if self._response is not None:
            # Changes nothing where the body was read to its end: that connection is back in the pool already.
            self._response.close()
        if self._ticket is not None:
            self._ticket.left()
        if self._gate is not None:
            self._gate.leave()
            self._gate = None

    async def _take_place(self) -> None:
        request = self.request
        if request.concurrency is None:
            return
        gate = self._transport.gates.of(request.provider)
        seconds = min(request.timeouts.queue, self.deadline - self._loop.time())
        try:
            await gate.enter(request.person, limit=request.concurrency, seconds=seconds)
        except QueueFull as reason:
            raise ProviderBusy(self.provider) from reason
        except TimeoutError as reason:
            raise TimedOut(self.provider, phase="queue", seconds=request.timeouts.queue) from reason
        self._gate = gate

    def _take_ticket(self) -> None:
        request = self.request
        breaker = self._transport.circuits.of(
            CircuitKey(request.provider, self.at.base_url, request.key, request.model)
        )
        entered = breaker.enter()
        if not isinstance(entered, Ticket):
            raise CircuitOpen(self.provider, model=request.model, retry_after=entered)
        self._ticket = entered

    async def _ask(self) -> aiohttp.ClientResponse:
        request, prepared = self.request, self.prepared
        limits = request.timeouts
        body = prepared.body
        until, seconds = self.deadline, limits.total
        phase: Phase = "total"
        first_byte = self._loop.time() + limits.first_byte
        if prepared.framing != "json" and first_byte < until:
            until, phase, seconds = first_byte, "first_byte", limits.first_byte
        try:
            url = self._transport.address(prepared.url, is_guarded=request.is_guarded)
            async with asyncio.timeout_at(until):
                return await self._transport.session(is_guarded=request.is_guarded).request(
                    prepared.method,
                    url,
                    headers=prepared.headers,
                    data=(io.BytesIO(body) if len(body) > LARGE_BODY else body) or None,
                    allow_redirects=False,
                    timeout=connecting(limits.connect),
                )
        except aiohttp.ConnectionTimeoutError as reason:
            raise TimedOut(self.provider, phase="connect", seconds=limits.connect) from reason
        except TimeoutError as reason:
            raise TimedOut(self.provider, phase=phase, seconds=seconds) from reason
        except (aiohttp.ClientConnectionError, OSError) as reason:
            raise ProviderUnreachable(self.provider, reason=why_unreachable(reason)) from reason
        except (aiohttp.InvalidURL, ValueError) as reason:
            raise ProviderUnreachable(self.provider, reason="its address is not valid") from reason
        except aiohttp.ClientError as reason:
            raise BadAnswer(self.provider, reason="it does not speak HTTP as it should") from reason

    def _broken(self) -> GatewayError:
        limits = self.request.timeouts
        match self._watch.expired if self._watch is not None else None:
            case None:
                return Cut(self.provider)
            case "total":
                return TimedOut(self.provider, phase="total", seconds=limits.total)
            case "first_byte":
                return TimedOut(self.provider, phase="first_byte", seconds=limits.first_byte)
            case phase:
                return TimedOut(self.provider, phase=phase, seconds=limits.idle)

    async def _refusal(self, response: aiohttp.ClientResponse) -> GatewayError:
        if 300 <= response.status < 400:
            return BadAnswer(self.provider, reason="its address leads elsewhere; redirects are not followed")
        body = b""
        while len(body) < LARGEST_REFUSAL and (piece := await self.piece("idle", self.request.timeouts.idle)):
            body += piece
        failed = self.adapter.failure(response.status, body[:LARGEST_REFUSAL])
        if self.at.key:
            failed = replace(failed, message=failed.message.replace(self.at.key, "…"))
        if response.headers.get("x-should-retry") == "false":
            failed = replace(failed, is_passing=False)
        after = read_retry_after(response.headers, clock.now())
        if after is None:
            after = failed.retry_after
        return error_of(failed, provider=self.provider, model=self.request.model, retry_after=after)

    def _inflated(self, decoder: Decoder, data: bytes) -> bytes:
        try:
            pieces = []
            for piece in decoder.decode(data) if data else ():
                self._arrived += len(piece)
                if self._arrived > self.request.largest_answer:
                    break
                pieces.append(piece)
            if not data:
                decoder.finish()
        except FetchBadAnswer as reason:
            raise BadAnswer(self.provider, reason="its compressed data are damaged") from reason
        return b"".join(pieces)

    def _media_type(self) -> str:
        if self._response is None:
            return ""
        return self._response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class Reading:
    """Bytes to frames to what was said, up to the end of the body."""

    def __init__(self, exchange: Exchange, framing: Literal["sse", "ndjson", "json"], reader: Reader) -> None:
        self._exchange = exchange
        self._limits = exchange.request.timeouts
        self._framer: Framer = framer(framing, limit=min(LONGEST_FRAME, exchange.request.largest_answer))
        self._reader = reader
        self._has_begun = framing == "json"
        self._has_finished = False
        self._is_over = False
        self._error: GatewayError | None = None  # raised when what came before it has been handed on

    async def more(self) -> Sequence[Said] | None:
        """What the next bytes say, which may be nothing yet; None at the end."""
        if self._error is not None:
            raise self._error
        if self._is_over:
            return None
        data = await self._next()
        said: list[Said] = []
        for frame in self._cut(data):
            self._take(self._read(frame), said)
            if self._error is not None:
                return at_once(said)
        if self._is_over:
            self._take(self._reader.end(), said)
            if not self._has_finished and self._error is None:
                self._error = Cut(self._exchange.provider)
        return at_once(said)

    async def _next(self) -> bytes | None:
        """None: the connection failed after the end had been said."""
        phase: Phase = "idle"
        if self._has_finished:
            seconds = self._limits.tail
        elif self._has_begun:
            seconds = self._limits.idle
        else:
            self._has_begun = True
            phase, seconds = "first_byte", max(self._limits.first_byte - self._exchange.seconds, 0)
        try:
            return await self._exchange.piece(phase, seconds)
        except GatewayError:
            # What is still missing belongs to the connection, not to the answer.
            if self._has_finished:
                return None
            raise

    def _cut(self, data: bytes | None) -> Sequence[bytes]:
        self._is_over = not data
        if data is None:
            return ()
        try:
            return self._framer.feed(data) if data else self._framer.end()
        except FrameTooLong as reason:
            raise AnswerTooLarge(self._exchange.provider, limit_bytes=reason.limit) from reason

    def _read(self, frame: bytes) -> Sequence[Said]:
        try:
            return self._reader.feed(frame)
        except Unreadable:
            if frame != DONE:
                self._error = BadAnswer(self._exchange.provider, reason="its JSON cannot be read")
            return ()

    def _take(self, items: Sequence[Said], said: list[Said]) -> None:
        if len(items) == 1 and type(items[0]) is Text:
            said.append(items[0])  # as nearly all are
            return
        for item in items:
            if isinstance(item, Failed):
                request = self._exchange.request
                self._error = error_of(item, provider=request.label, model=request.model)
                return
            if isinstance(item, Finished):
                self._has_finished = True
            said.append(item)


class Watch:
    """Closes a connection that is silent for too long, or open for too long.

    One timer that mostly finds out that it is not yet time: a timeout around each piece would cost more than the piece.
    Nothing is cancelled, so it may stay while a stream is in its reader's hands; then only the whole time counts.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, close: Callable[[], None], deadline: float) -> None:
        self.expired: Phase | None = None
        self._loop = loop
        self._close = close
        self._deadline = deadline
        self._until: float | None = None
        self._phase: Phase = "idle"
        self._set_for = deadline
        self._timer = loop.call_at(deadline, self._look)

    def wait(self, phase: Phase, seconds: float) -> None:
        self._until = self._loop.time() + seconds
        self._phase = phase
        if self._until < self._set_for:
            self._set(self._until)

    def rest(self) -> None:
        self._until = None

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._deadline:
            self.expired = "total"
        elif self._until is not None and now >= self._until:
            self.expired = self._phase
        else:
            self._set(self._deadline if self._until is None else min(self._until, self._deadline))
            return
        self._close()

    def _set(self, at: float) -> None:
        self._timer.cancel()
        self._set_for = at
        self._timer = self._loop.call_at(at, self._look)


def at_once(said: list[Said]) -> list[Said]:
    """Pieces of text that came together are one: nobody saw them apart, and each costs its way to a reader."""
    if len(said) < 2:
        return said
    whole: list[Said] = []
    pieces: list[str] = []
    for each in said:
        if type(each) is Text:
            pieces.append(each.text)
            continue
        if pieces:
            whole.append(Text("".join(pieces)))
            pieces.clear()
        whole.append(each)
    if pieces:
        whole.append(Text("".join(pieces)))
    return whole


def is_speech(said: Said) -> bool:
    """What somebody may have read. Names, counts and an end alone can be taken back by another attempt."""
    if isinstance(said, Text):
        return bool(said.text)
    return not isinstance(said, Named | UsageSeen | Finished)


def failed_late(error: KontorError) -> Failed:
    """As `GatewayError`, but without the promise that nothing is charged."""
    status = error.details.get("status")
    return Failed(
        status=status if isinstance(status, int) else None,
        code=error.code,
        message=error.bare_message if isinstance(error, GatewayError) else error.message,
        is_passing=isinstance(error, GatewayError) and error.is_passing,
    )


def why_unreachable(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name leads nowhere"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "nothing answers there"
    return "the connection broke"


@lru_cache(maxsize=1024)
def parsed(url: str) -> URL:
    return URL(url)


@lru_cache(maxsize=64)
def connecting(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds)
