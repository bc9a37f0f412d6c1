"""Fake providers of language models: the common half, which is HTTP over a real socket, a meter, and misbehaviour.

`openai`, `anthropic`, `gemini` and `ollama` beside this file hold what the protocols look like, byte for byte as their
documents have it; `behaviour` holds what a model's name makes it do. The same servers serve the tests, `bench/` and
`kontor demo-provider`, so this is lean: a request costs some tens of microseconds.

Each provider keeps its own invoice: what it would bill for every request, whole or broken off. A test compares it with
Kontor's ledger. It is also at `GET /_invoice`, for those who look from another process.
"""

import asyncio
import base64
import codecs
import gzip
import random
import socket
import ssl
import struct
import zlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Literal, Protocol, cast
from urllib.parse import parse_qs, unquote, urlsplit

import httptools
import orjson

from kontor.billing.usage import Usage
from kontor.core.clock import now
from tests.wire.behaviour import MISDEEDS, Behaviour, behaviour_of

JSON = Any
SMALLEST: dict[str, JSON] = {"integer": 7, "number": 1.5, "boolean": True, "string": "Übung"}
MEBIBYTE = 1024 * 1024
# What a fake charges: nano-dollars for a million tokens.
USD_NANO_PER_MILLION = {
    "input": 1_250_000_000,
    "cached": 125_000_000,
    "cache_write": 1_562_500_000,
    "output": 10_000_000_000,
    "reasoning": 10_000_000_000,
}
SAMPLE = """
This answer was written by no model at all: it comes from a practice provider that counts, waits and fails on request.
Übung macht die Meisterin, und Umlaute wie ä, ö, ü und ß gehören dazu. 数字 und Zeichen 🌍 kommen unversehrt an, auch
wenn das Netz sie zerteilt. Nothing here is true, and nothing here costs anything.
"""
WORDS = SAMPLE.split()


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> JSON:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer in one piece."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer token by token. `tokens` hold one event each; `closing` is what a well-behaved end consists of."""

    content_type: str
    opening: bytes
    tokens: Sequence[bytes]
    closing: Sequence[bytes]
    end_mark: bytes = b""
    failing: bytes = b""  # what it says when something breaks
    keep_alive: bytes = b": keep-alive\n\n"


@dataclass(frozen=True, slots=True)
class Question:
    """What matters of a request, whatever its protocol."""

    model: str
    text: str  # of all messages
    last: str  # of the last message
    is_streamed: bool
    max_output: int | None = None
    tools: Sequence[tuple[str, JSON]] = ()  # name and schema of the arguments
    schema: JSON = None
    has_tool_result: bool = False  # as the last word
    tool_results: int = 0
    body: JSON = None


def count(text: str) -> int:
    """A tokenizer that everybody can check by hand."""
    return max(1, len(text) // 4)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the model says, before any protocol has dressed it."""

    id: str
    model: str
    words: Sequence[str]
    thoughts: Sequence[str]
    tool: tuple[str, str, Sequence[str]] | None  # id, name, pieces of the arguments
    reason: Literal["stop", "length", "tools", "filter"]
    input: int
    cached: int
    behaviour: Behaviour

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def thought(self) -> str:
        return "".join(self.thoughts)

    @property
    def output(self) -> int:
        """Without reasoning."""
        return len(self.words) + (len(self.tool[2]) if self.tool else 0)


@dataclass(frozen=True, slots=True)
class Billed:
    request_id: str
    model: str
    usage: Usage
    is_whole: bool = True

    @property
    def usd_nano(self) -> int:
        """Rounded up once, to the nano."""
        millionths = sum(USD_NANO_PER_MILLION[name] * tokens for name, tokens in self.usage.by_class().items())
        return -(-millionths // 1_000_000)


CODES = {401: "invalid_api_key", 404: "model_not_found"}
ODD_ANSWERS = {
    "redirect": Whole(b"", 307, headers=(("Location", "http://127.0.0.1:1/elsewhere"),)),
    "html": Whole(b"<!doctype html><title>Willkommen</title>", content_type="text/html; charset=utf-8"),
    "garbage": Whole(b"{'this': is no JSON"),
    "empty": Whole(b""),
}


class Dialect(Protocol):
    """One provider's protocol."""

    kind: str
    base_path: str
    key: str  # of the shape that keys have there
    models: Sequence[str]

    def is_signed(self, request: Request, key: str) -> bool: ...

    def question(self, request: Request) -> Question | None:
        """None: this is no question to a model but one of the calls that `other` answers."""

    def other(self, request: Request, behave: Callable[[str], Behaviour | None]) -> "Whole | Other | None": ...

    def identity(self, question: Question, number: int) -> str:
        """What the provider calls its answer."""

    def whole(self, question: Question, spoken: Spoken) -> Whole: ...

    def streamed(self, question: Question, spoken: Spoken) -> Streamed: ...

    def error(self, status: int, message: str, *, code: str = "") -> Whole: ...

    def usage(self, spoken: Spoken, *, thoughts: int, words: int) -> Usage: ...


@dataclass(frozen=True, slots=True)
class Other:
    """A call besides chat that is about a model, and may cost: embeddings, a download."""

    model: str
    answer: Whole | Streamed
    input_tokens: int = 0
    request_id: str = ""


@dataclass(slots=True)
class LlmServer:
    """One provider, on one port."""

    dialect: Dialect
    # Real names that answer as well, for those who want a price for them: name -> behaviour.
    known: dict[str, str] = field(default_factory=dict)
    keeps_requests: int = 1000
    ssl_context: ssl.SSLContext | None = None
    port: int = 0
    requests: deque[Request] = field(default_factory=deque)
    invoice: list[Billed] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    hung_up: int = 0  # clients that left before the end of their answer
    connections: "set[Connection]" = field(default_factory=set)
    accepted: int = 0  # connections ever made
    busy: int = 0  # answers under way
    most_busy: int = 0
    _number: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    @property
    def key(self) -> str:
        return self.dialect.key

    @property
    def url(self) -> str:
        """What is entered as the provider's address."""
        scheme = "http" if self.ssl_context is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}{self.dialect.base_path}"

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests = deque(maxlen=self.keeps_requests)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port, backlog=1024, ssl=self.ssl_context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, is_so: Callable[[], bool], *, seconds: float = 10) -> None:
        """Waits for something to become true here, say that a client has left."""
        async with asyncio.timeout(seconds):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    def bill(self, line: Billed) -> None:
        if line.usage.by_class():
            self.invoice.append(line)

    def behave(self, model: str) -> Behaviour | None:
        return behaviour_of(self.known.get(model, model))

    def answer(self, request: Request) -> "Whole | Playing | None":
        """None: nobody will ever answer."""
        if request.path == "/_invoice":
            return Whole(orjson.dumps([asdict(line) | {"usd_nano": line.usd_nano} for line in self.invoice]))
        if self.keeps_requests:
            self.requests.append(request)
        self.changed()
        if not self.dialect.is_signed(request, self.key):
            return self.dialect.error(401, "Incorrect API key provided.", code="invalid_api_key")
        try:
            asked = self.dialect.question(request) or self.dialect.other(request, self.behave)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as reason:
            return self.dialect.error(400, f"The request cannot be read: {reason!r}", code="invalid_request_error")
        if asked is None:
            return self.dialect.error(404, f"There is nothing at {request.method} {request.path}.")
        return asked if isinstance(asked, Whole) else self._answer(asked)

    def _answer(self, asked: "Question | Other") -> "Whole | Playing | None":
        behaviour = self.behave(asked.model)
        if behaviour is None:
            return self.dialect.error(404, f"The model `{asked.model}` does not exist.", code="model_not_found")
        self.calls[asked.model] += 1
        behaviour = self._for_this_call(asked.model, behaviour)
        if behaviour.silent:
            return None
        refusal = self._refusal(behaviour)
        if refusal is not None:
            return refusal
        if isinstance(asked, Question):
            return self._speak(asked, behaviour)
        bill = Billed(asked.request_id, asked.model, Usage(input=asked.input_tokens))
        return Playing(asked.answer, behaviour, lambda tokens, is_whole: bill)

    def _for_this_call(self, model: str, behaviour: Behaviour) -> Behaviour:
        """Without its misdeeds, where neither number nor chance has them happen to this call."""
        spared = behaviour.f is not None and self.calls[model] > behaviour.f
        if behaviour.p is not None:
            drawn = random.Random(f"{behaviour.seed} {model} {self.calls[model]}").random()
            spared = spared or drawn * 100 >= behaviour.p
        if not spared:
            return behaviour
        said = {name: value for name, value in asdict(behaviour).items() if name not in MISDEEDS}
        return Behaviour(**said)

    def _refusal(self, behaviour: Behaviour) -> Whole | None:
        for name, answer in ODD_ANSWERS.items():
            if getattr(behaviour, name):
                return answer
        if behaviour.broke:
            return self.dialect.error(429, "You exceeded your current quota.", code="insufficient_quota")
        if behaviour.e is None:
            return None
        status = int(behaviour.e)
        made = self.dialect.error(status, f"Practice makes perfect: {phrase_of(status)}.", code=CODES.get(status, ""))
        headers = list(made.headers)
        if behaviour.after is not None:
            headers.append(("Retry-After", f"{behaviour.after:g}"))
        if behaviour.afterms is not None:
            headers.append(("retry-after-ms", f"{behaviour.afterms:g}"))
        if behaviour.date is not None:
            headers.append(("Retry-After", format_datetime(now() + timedelta(seconds=behaviour.date), usegmt=True)))
        if behaviour.norepeat:
            headers.append(("x-should-retry", "false"))
        return Whole(made.body, status, made.content_type, tuple(headers))

    def _speak(self, question: Question, behaviour: Behaviour) -> "Whole | Playing":
        tokens = count(question.text)
        if behaviour.context is not None and tokens > behaviour.context:
            return self.dialect.error(
                400,
                f"This model's maximum context length is {behaviour.context:g} tokens, and yours are {tokens}.",
                code="context_length_exceeded",
            )
        self._number += 1
        spoken = speak(question, behaviour, tokens, self.dialect.identity(question, self._number))
        thoughts, whole = len(spoken.thoughts), len(spoken.thoughts) + spoken.output

        def bill(sent: int, is_whole: bool) -> Billed:
            sent = whole if is_whole else min(sent, whole)
            usage = self.dialect.usage(spoken, thoughts=min(sent, thoughts), words=max(0, sent - thoughts))
            return Billed(spoken.id, question.model, usage, is_whole)

        is_streamed = question.is_streamed and not behaviour.whole
        answer = self.dialect.streamed(question, spoken) if is_streamed else self.dialect.whole(question, spoken)
        return Playing(answer, behaviour, bill)


@dataclass(frozen=True, slots=True)
class Playing:
    """An answer with how it is given, and what it costs after so many tokens."""

    answer: Whole | Streamed
    behaviour: Behaviour
    bill: Callable[[int, bool], Billed]


def speak(question: Question, behaviour: Behaviour, tokens: int, request_id: str) -> Spoken:
    """From the prompt alone: the same question has the same answer, always."""
    tool: tuple[str, str, Sequence[str]] | None = None
    words: Sequence[str] = ()
    reason: Literal["stop", "length", "tools", "filter"] = "filter" if behaviour.filter else "stop"
    if behaviour.tools and question.tools and not is_served(question, behaviour):
        name, schema = question.tools[0]
        arguments = orjson.dumps(instance_of(schema)).decode()
        tool, reason = (f"call_{request_id}", name, pieces_of(arguments)), "tools"
        words = prose("", 3) if behaviour.aloud else ()
    elif question.schema is not None:
        made = orjson.dumps(instance_of(question.schema)).decode()
        words = pieces_of('{"misfit": true}' if behaviour.misfit else made)
    else:
        words = prose(question.last, int(behaviour.n) if behaviour.n is not None else 12 + crc(question.last) % 29)
    if question.max_output is not None and len(words) > question.max_output:
        words, reason = words[: question.max_output], "length"
    return Spoken(
        id=request_id,
        model=question.model,
        words=words,
        thoughts=prose("", int(behaviour.think)),
        tool=tool,
        reason=reason,
        input=tokens,
        cached=int(tokens * behaviour.cached / 100),
        behaviour=behaviour,
    )


def is_served(question: Question, behaviour: Behaviour) -> bool:
    if behaviour.tools is True:
        return question.has_tool_result
    return question.tool_results >= behaviour.tools


def signature_of(thought: str, request_id: str) -> str:
    """As opaque as those of real ones, and of no other thought."""
    return base64.b64encode(f"{request_id}:{crc(thought)}".encode()).decode()


def check_signature(thought: str, signature: str) -> None:
    """Real ones refuse a thought that is not word for word what they signed."""
    if not base64.b64decode(signature).endswith(f":{crc(thought)}".encode()):
        raise ValueError("A thought was changed: send back what was signed.")


def prose(asked: str, tokens: int) -> list[str]:
    """So many words, each with the space before it, as most tokenizers have it."""
    quote = asked.split(None, 5)[:5]  # a prompt may have a hundred thousand words
    words = ["You", "wrote:", *quote, "…", *WORDS] if quote else list(WORDS)
    words = words * (tokens // len(words) + 1)
    return words[:1] * min(tokens, 1) + [f" {word}" for word in words[1:tokens]]


def crc(text: str) -> int:
    return zlib.crc32(text.encode())


def pieces_of(text: str) -> list[str]:
    return [text[place : place + 6] for place in range(0, len(text), 6)]


def instance_of(schema: JSON) -> JSON:
    """The smallest thing that fits a JSON schema, of the kinds that people ask models for."""
    if not isinstance(schema, dict) or not schema:
        return "text"
    if "const" in schema:
        return schema["const"]
    for word in ("enum", "anyOf", "oneOf"):
        if schema.get(word):
            return schema[word][0] if word == "enum" else instance_of(schema[word][0])
    kind = schema.get("type", "object")
    kind = str(kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        return {name: instance_of(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {}))]
    return schema.get("minimum", SMALLEST.get(kind))


def vector_of(text: str, numbers: int) -> list[float]:
    """Of length one, and the same for the same text."""
    drawn = random.Random(crc(text))
    raw = [drawn.uniform(-1, 1) for _ in range(numbers)]
    length = sum(value * value for value in raw) ** 0.5 or 1
    return [value / length for value in raw]


def text_in(value: JSON) -> str:
    """All words of a message, in whatever nesting of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_in, value)))
    if isinstance(value, dict):
        for name in ("content", "parts", "text", "output"):
            if name in value:
                return text_in(value[name])
    return ""


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request after the other."""

    def __init__(self, server: LlmServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._server.connections.add(self)
        self._server.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._may_write.set()
        if self._task is not None:
            self._server.hung_up += 1
            self._task.cancel()
        self._server.changed()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        url = urlsplit(self._url.decode())
        method = self._parser.get_method().decode()
        query = parse_qs(url.query) if url.query else {}
        answer = self._server.answer(Request(method, unquote(url.path), query, self._headers, b"".join(self._body)))
        if isinstance(answer, Whole):
            self._write(rendered(answer))
        elif answer is not None and answer.behaviour.is_plain:
            self._server.bill(answer.bill(0, True))
            self._write(self._at_once(answer))
        else:
            self._task = asyncio.get_running_loop().create_task(self._play(answer))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    @staticmethod
    def _at_once(playing: Playing) -> bytes:
        answer = playing.answer
        if isinstance(answer, Whole):
            return rendered(answer, is_compressed=playing.behaviour.gzip)
        behaviour = playing.behaviour
        body = b"".join([opening_of(answer, behaviour), *answer.tokens, *closing_of(answer, behaviour)])
        return head_of(answer.content_type) + chunk(dressed(body, behaviour)) + b"0\r\n\r\n"

    async def _play(self, playing: Playing | None) -> None:
        server = self._server
        server.busy += 1
        server.most_busy = max(server.most_busy, server.busy)
        server.changed()
        sent = Sent()
        try:
            if playing is None:
                await asyncio.Event().wait()
            elif isinstance(playing.answer, Whole):
                await self._play_whole(playing.answer, playing.behaviour, sent)
            else:
                await self._play_stream(playing.answer, playing.behaviour, sent)
        finally:
            self._task = None
            server.busy -= 1
            if playing is not None and (sent.is_whole or sent.tokens):
                server.bill(playing.bill(sent.tokens, sent.is_whole))
            server.changed()

    async def _play_whole(self, answer: Whole, behaviour: Behaviour, sent: "Sent") -> None:
        await asyncio.sleep(behaviour.w / 1000)
        made = rendered(answer, is_compressed=behaviour.gzip)
        if behaviour.reset is not None:
            self._reset()
        elif behaviour.head:
            self._write(made[: made.index(b"\r\n\r\n") + 4])
            await asyncio.Event().wait()
        elif behaviour.ends_after is not None:
            # In one piece there are no tokens; half of the body does as well.
            self._write(made[: -(len(answer.body) // 2)])
            if behaviour.stall is not None:
                await asyncio.Event().wait()
            self._hang_up()
        else:
            sent.is_whole = True
            head = made.index(b"\r\n\r\n") + 4
            self._write(made[:head])
            await self._send(made[head:], behaviour, as_chunks=False)

    async def _play_stream(self, answer: Streamed, behaviour: Behaviour, sent: "Sent") -> None:
        if behaviour.reset is True:
            self._reset()
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + behaviour.w / 1000
        self._write(head_of(answer.content_type))
        if behaviour.head:
            await asyncio.Event().wait()
        last = behaviour.ends_after
        if behaviour.w:
            await asyncio.sleep(max(0.0, due - loop.time()))
        await self._send(dressed(opening_of(answer, behaviour), behaviour), behaviour)
        waiting: list[bytes] = []
        for number, token in enumerate(answer.tokens):
            if last is not None and number >= last:
                break
            if number == 2 and behaviour.giant is not None:
                waiting.append(b"data: " + b"x" * int(behaviour.giant * MEBIBYTE))
            if behaviour.comments:
                waiting.append(answer.keep_alive)
            waiting.append(token)
            if behaviour.w or behaviour.t:
                await asyncio.sleep(max(0.0, due - loop.time()))
                due += behaviour.t / 1000
                await self._send(dressed(b"".join(waiting), behaviour), behaviour)
                waiting.clear()
            sent.tokens += 1
        if waiting:
            await self._send(dressed(b"".join(waiting), behaviour), behaviour)
        if last is not None:
            await self._misbehave(answer, behaviour)
            return
        sent.is_whole = True
        await self._send(dressed(b"".join(closing_of(answer, behaviour)), behaviour), behaviour)
        self._write(b"0\r\n\r\n")

    async def _misbehave(self, answer: Streamed, behaviour: Behaviour) -> None:
        if behaviour.stall is not None:
            await asyncio.Event().wait()
        elif behaviour.error is not None:
            await self._send(dressed(answer.failing, behaviour), behaviour)
            self._write(b"0\r\n\r\n")
        elif behaviour.cut is not None:
            self._write(b"0\r\n\r\n")
        elif behaviour.break_ is not None:
            self._write(b"40\r\nthe rest of this never comes")
            self._hang_up()
        else:
            # What was sent must have left before the reset, which throws away what waits on either side.
            await asyncio.sleep(0.05)
            self._reset()

    async def _send(self, data: bytes, behaviour: Behaviour, *, as_chunks: bool = True) -> None:
        wrap = chunk if as_chunks else bytes
        if behaviour.drip:
            for place in range(len(data)):
                self._write(wrap(data[place : place + 1]))
                await asyncio.sleep(behaviour.t / 1000)
        elif behaviour.split:
            place, drawn = 0, random.Random(len(data))
            while place < len(data):
                size = drawn.randint(1, 7)
                self._write(wrap(data[place : place + size]))
                place += size
                await asyncio.sleep(0)
        else:
            for place in range(0, len(data), MEBIBYTE):
                await self._may_write.wait()
                self._write(wrap(data[place : place + MEBIBYTE]))

    def _hang_up(self) -> None:
        self._task = None
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        self._task = None
        if self._transport is None:
            return
        made = self._transport.get_extra_info("socket")
        if made is not None:
            # Closing without lingering is what sends RST instead of FIN.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


@dataclass(slots=True)
class Sent:
    tokens: int = 0
    is_whole: bool = False


def head_of(content_type: str) -> bytes:
    fixed = "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{fixed}".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def rendered(answer: Whole, *, is_compressed: bool = False) -> bytes:
    body = gzip.compress(answer.body) if is_compressed else answer.body
    headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    if is_compressed:
        headers += "Content-Encoding: gzip\r\n"
    phrase = phrase_of(answer.status)
    head = f"HTTP/1.1 {answer.status} {phrase}\r\nContent-Type: {answer.content_type}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def phrase_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded"  # 529 and the like are no statuses of the standard


def closing_of(answer: Streamed, behaviour: Behaviour) -> list[bytes]:
    return [*answer.closing] if behaviour.nodone else [*answer.closing, answer.end_mark]


def opening_of(answer: Streamed, behaviour: Behaviour) -> bytes:
    return codecs.BOM_UTF8 + answer.opening if behaviour.bom else answer.opening


def dressed(body: bytes, behaviour: Behaviour) -> bytes:
    """The same events with other ends of lines. Text holds no bare line ends: JSON escapes them."""
    if behaviour.crlf or behaviour.cr:
        return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n" if behaviour.crlf else b"\r")
    return body


@asynccontextmanager
async def serving(dialect: Dialect, **options: Any) -> AsyncIterator[LlmServer]:
    server = LlmServer(dialect, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
