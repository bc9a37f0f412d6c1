"""The way to a provider, over real sockets, with everything that goes wrong on it."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from random import Random
from uuid import uuid4

import pytest
import structlog
import trustme

from kontor.billing.usage import Usage
from kontor.core.errors import KontorError
from kontor.core.fetch import AddressRules, Fetcher, FetchRefused
from kontor.gateway.errors import (
    AccountEmpty,
    AnswerTooLarge,
    BadAnswer,
    CircuitOpen,
    ContextTooLong,
    GatewayError,
    KeyRefused,
    ModelNotFound,
    ProviderBusy,
    ProviderFailed,
    ProviderUnreachable,
    RefusedByProvider,
    TimedOut,
)
from kontor.gateway.resilience import Retry
from kontor.gateway.transport import Attempt, Outgoing, Timeouts, Transport
from kontor.gateway.wire.adapters import ADAPTERS
from kontor.gateway.wire.port import (
    Call,
    Endpoint,
    Failed,
    Finished,
    Named,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)
from kontor.gateway.wire.quirks import KINDS
from tests.wire.fleet import SPEAKERS, endpoint_of
from tests.wire.llm_server import LlmServer, prose, serving
from tests.wire.openai import OpenAi

QUESTION = "Wie viele Umlaute hat dieser Satz über Öl?"
AT_ONCE = Retry(attempts=3, first_wait_seconds=0.001)
HURRIED = Timeouts(queue=0.2, connect=2, first_byte=0.2, idle=0.2, total=10, tail=0.1)
PROTOCOLS = pytest.mark.parametrize("protocol", SPEAKERS)
BODY_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}


def outgoing(model: str, **changes: object) -> Outgoing:
    made = Outgoing(person="ada", provider=uuid4(), label="Practice", model=model, retry=AT_ONCE)
    return replace(made, **changes)  # type: ignore[arg-type]  # each field has a type of its own


def call(model: str, **changes: object) -> Call:
    made = Call(model=model, messages=[{"role": "user", "content": QUESTION}], max_output=500)
    return replace(made, **changes)  # type: ignore[arg-type]  # each field has a type of its own


async def ask(
    transport: Transport,
    server: LlmServer,
    model: str,
    *,
    protocol: str = "openai_chat",
    at: Endpoint | None = None,
    asked: Call | None = None,
    **changes: object,
) -> list[Said]:
    request = outgoing(model, **changes)
    stream = transport.stream(request, ADAPTERS[protocol], asked or call(model), at or endpoint_of(server))
    async with aclosing(stream) as said:
        return [each async for batch in said for each in batch]


def text_of(said: Sequence[Said]) -> str:
    return "".join(each.text for each in said if isinstance(each, Text))


def usage_of(said: Sequence[Said]) -> Usage | None:
    return next((each.usage for each in reversed(said) if isinstance(each, UsageSeen)), None)


def reason_of(said: Sequence[Said]) -> Reason | None:
    return next((each.reason for each in said if isinstance(each, Finished)), None)


# What is said arrives, whole and once, in every protocol and however it comes off the wire


@PROTOCOLS
@pytest.mark.parametrize(
    "manner",
    ["n70", "n9-split", "n4-drip", "n30-comments", "n30-crlf", "n30-cr-comments", "n30-bom", "n30-whole", "n30-gzip",
     "n5-w1-t1"],
)  # fmt: skip
async def test_every_manner_of_sending_says_the_same(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str, manner: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    said = await ask(transport, server, f"fake-{manner}", protocol=protocol)
    tokens = int(manner.partition("-")[0][1:])
    assert text_of(said) == "".join(prose(QUESTION, tokens))
    assert reason_of(said) is Reason.STOP
    assert usage_of(said) == server.invoice[0].usage
    if protocol != "ollama":  # it names no answer
        assert server.invoice[0].request_id in {each.request_id for each in said if isinstance(each, Named)}


@PROTOCOLS
async def test_answers_in_one_piece_say_the_same_as_streams(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    model = "fake-n40-think9"
    whole = await ask(transport, server, model, protocol=protocol, asked=call(model, is_streamed=False))
    streamed = await ask(transport, server, model, protocol=protocol)
    assert text_of(whole) == text_of(streamed) == "".join(prose(QUESTION, 40))
    assert usage_of(whole) == usage_of(streamed) == server.invoice[0].usage == server.invoice[1].usage
    thoughts = ["".join(each.text for each in said if isinstance(each, Reasoning)) for said in (whole, streamed)]
    assert thoughts[0] == thoughts[1] == "".join(prose("", 9))


@PROTOCOLS
async def test_tools_are_called_with_whole_arguments(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    asked = call("fake-tools", tools=[BODY_TOOL])
    said = await ask(transport, server, "fake-tools", protocol=protocol, asked=asked)
    pieces = [each for each in said if isinstance(each, ToolCall)]
    assert [each.name for each in pieces if each.name] == ["look_up"]
    assert "".join(each.arguments for each in pieces).replace(" ", "") == '{"word":"Übung"}'
    assert reason_of(said) is Reason.TOOLS
    assert usage_of(said) == server.invoice[0].usage


@PROTOCOLS
async def test_what_was_cut_is_told_apart_from_what_ended(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    for model in ("fake-n20-cut7", "fake-n20-break7", "fake-n20-reset7"):
        said = await ask(transport, server, model, protocol=protocol)
        assert text_of(said) == "".join(prose(QUESTION, 7)), model
        assert isinstance(said[-1], Failed), model
        assert said[-1].code == "gateway.cut", model
        assert "charged" not in said[-1].message, model
        await server.until(lambda: not server.busy)
        assert server.invoice[-1].usage.written == 7, model
    assert len(server.invoice) == 3, "nothing that was said is asked for again"


@PROTOCOLS
async def test_an_error_amid_the_text_ends_it_and_one_before_it_is_tried_again(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    said = await ask(transport, server, "fake-n20-error5", protocol=protocol)
    assert text_of(said) == "".join(prose(QUESTION, 5))
    assert isinstance(said[-1], Failed)
    assert said[-1].code in {"gateway.provider_failed", "gateway.provider_busy"}
    assert server.calls["fake-n20-error5"] == 1

    said = await ask(transport, server, "fake-n20-error0-f2", protocol=protocol)
    assert text_of(said) == "".join(prose(QUESTION, 20))
    assert server.calls["fake-n20-error0-f2"] == 3
    assert len([each for each in said if isinstance(each, Named)]) == 1, "attempts that said nothing leave no trace"


@PROTOCOLS
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("fake-e400", RefusedByProvider),
        ("fake-e403", KeyRefused),
        ("fake-e404", ModelNotFound),
        ("fake-unheard", ModelNotFound),
        ("fake-context2", ContextTooLong),
        ("fake-broke", AccountEmpty),
        ("fake-html", BadAnswer),
        ("fake-redirect", BadAnswer),
    ],
)
async def test_what_no_repetition_mends_is_asked_once_and_named(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str, model: str, error: type[GatewayError]
) -> None:
    server = providers[SPEAKERS[protocol]]
    with pytest.raises(error) as caught:
        await ask(transport, server, model, protocol=protocol)
    assert "Nothing was charged." in caught.value.message
    assert len(server.requests) == 1
    assert server.invoice == []


@PROTOCOLS
@pytest.mark.parametrize("failure", ["e500", "e502", "e503", "e529", "e429", "reset", "cut0", "empty"])
async def test_what_may_pass_is_tried_again(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str, failure: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    model = f"fake-n10-f2-{failure}"
    said = await ask(transport, server, model, protocol=protocol)
    assert text_of(said) == "".join(prose(QUESTION, 10))
    assert len(server.requests) == 3
    assert [line.usage for line in server.invoice if line.is_whole] == [usage_of(said)]


@PROTOCOLS
async def test_a_wrong_key_is_refused_and_stands_in_no_message(
    transport: Transport, providers: Mapping[str, LlmServer], protocol: str
) -> None:
    server = providers[SPEAKERS[protocol]]
    if protocol == "ollama":
        return  # it knows no keys
    at = replace(endpoint_of(server), key="sk-a-wrong-one-0123456789")
    with pytest.raises(KeyRefused) as caught:
        await ask(transport, server, "fake", protocol=protocol, at=at)
    assert "0123456789" not in caught.value.message


# Repetition


class Waits:
    """Remembers how long somebody would have waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
async def patient() -> AsyncIterator[tuple[Transport, Waits]]:
    waits, fetcher = Waits(), Fetcher()
    made = Transport(fetcher, sleep=waits, chance=Random(1))
    yield made, waits
    await made.close()
    await fetcher.close()


@pytest.mark.parametrize(
    ("model", "least", "most"),
    [
        ("fake-e429-after7-f1", 7, 7.7),
        ("fake-e503-after2-f1", 2, 2.2),
        ("fake-e429-afterms1500-f1", 1.5, 1.65),
        ("fake-e429-date9-f1", 7.5, 9.9),  # dates have whole seconds
        ("fake-e503-f1", 0.25, 0.5),
    ],
)
async def test_what_the_provider_asks_for_is_waited(
    patient: tuple[Transport, Waits], provider: LlmServer, model: str, least: float, most: float
) -> None:
    transport, waits = patient
    await ask(transport, provider, model, retry=Retry())
    [waited] = waits.seconds
    assert least <= waited <= most


async def test_waits_grow_and_end(patient: tuple[Transport, Waits], provider: LlmServer) -> None:
    transport, waits = patient
    with pytest.raises(ProviderFailed):
        await ask(transport, provider, "fake-e500", retry=Retry(attempts=4))
    assert len(waits.seconds) == 3
    assert 0.25 <= waits.seconds[0] <= 0.5 <= waits.seconds[1] <= 1 <= waits.seconds[2] <= 2


async def test_nobody_waits_for_longer_than_is_left(patient: tuple[Transport, Waits], provider: LlmServer) -> None:
    transport, waits = patient
    with pytest.raises(ProviderBusy) as caught:
        await ask(transport, provider, "fake-e429-after600", retry=Retry())
    assert caught.value.retry_after == 600
    with pytest.raises(ProviderBusy):
        await ask(transport, provider, "fake-e429-after15", retry=Retry(), timeouts=Timeouts(total=10))
    assert waits.seconds == []


async def test_a_provider_that_says_so_is_not_asked_again(transport: Transport, provider: LlmServer) -> None:
    with pytest.raises(ProviderFailed):
        await ask(transport, provider, "fake-e500-norepeat")
    assert len(provider.requests) == 1


async def test_somebody_is_told_of_every_attempt(transport: Transport, provider: LlmServer) -> None:
    attempts: list[Attempt] = []
    transport.watcher = attempts.append
    await ask(transport, provider, "fake-e503-f2")
    assert [each.error.code if each.error else None for each in attempts] == [
        "gateway.provider_failed", "gateway.provider_failed", None,
    ]  # fmt: skip
    assert [each.number for each in attempts] == [1, 2, 3]
    assert all(each.seconds < 5 for each in attempts)


# Time


@pytest.mark.parametrize(("model", "phase"), [("fake-silent", "first_byte"), ("fake-head", "first_byte")])
async def test_silence_before_the_first_word_is_not_borne_for_long(
    transport: Transport, provider: LlmServer, model: str, phase: str
) -> None:
    with pytest.raises(TimedOut) as caught:
        await ask(transport, provider, model, timeouts=HURRIED)
    assert caught.value.phase == phase
    await provider.until(lambda: provider.hung_up == 1 and not provider.connections)
    assert len(provider.requests) == 1, "it may be at work, and would be paid twice"


async def test_silence_amid_the_text_ends_it(transport: Transport, provider: LlmServer) -> None:
    said = await ask(transport, provider, "fake-n20-stall6", timeouts=HURRIED)
    assert text_of(said) == "".join(prose(QUESTION, 6))
    assert isinstance(said[-1], Failed)
    assert said[-1].code == "gateway.timed_out"
    await provider.until(lambda: provider.hung_up == 1 and not provider.connections)
    assert provider.invoice[0].usage.written == 6


async def test_what_never_ends_is_ended(transport: Transport, provider: LlmServer) -> None:
    """Words keep coming, so that only the whole time is exceeded."""
    said = await ask(transport, provider, "fake-n2000-t20", timeouts=replace(HURRIED, total=0.5))
    assert isinstance(said[-1], Failed)
    assert said[-1].code == "gateway.timed_out"
    assert "0.5 seconds" in said[-1].message
    await provider.until(lambda: provider.hung_up == 1)


async def test_a_reader_that_thinks_is_no_silence_of_the_provider(transport: Transport, provider: LlmServer) -> None:
    request = outgoing("fake-n3-t5", timeouts=HURRIED)
    stream = transport.stream(request, ADAPTERS["openai_chat"], call(request.model), endpoint_of(provider))
    said: list[Said] = []
    async with aclosing(stream) as saying:
        async for batch in saying:
            said += batch
            if isinstance(batch[-1], Text) and len(said) < 4:
                await asyncio.sleep(0.3)  # longer than the provider may be silent
    assert text_of(said) == "".join(prose(QUESTION, 3))
    assert not isinstance(said[-1], Failed)


async def test_an_end_without_an_end_of_the_connection_is_an_end(transport: Transport) -> None:
    """Some servers say that they are done, and keep the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        end = b'data: {"choices":[{"index":0,"delta":{"content":"Ja"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + end)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        at = Endpoint(f"http://127.0.0.1:{port}/v1", "key", KINDS["openai"].quirks)
        stream = transport.stream(outgoing("any", timeouts=HURRIED), ADAPTERS["openai_chat"], call("any"), at)
        async with aclosing(stream) as saying:
            said = [each async for batch in saying for each in batch]
    assert text_of(said) == "Ja"
    assert reason_of(said) is Reason.STOP
    assert not isinstance(said[-1], Failed)


async def test_nobody_there_is_said_at_once(transport: Transport, provider: LlmServer) -> None:
    await provider.stop()
    with pytest.raises(ProviderUnreachable) as caught:
        await ask(transport, provider, "fake")
    assert "nothing answers there" in caught.value.message


async def test_a_connection_that_is_not_made_is_given_up(transport: Transport, provider: LlmServer) -> None:
    """A server whose queue of connections is full takes no more of them."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        at = endpoint_of(provider, base_url=f"http://127.0.0.1:{port}/v1")
        with pytest.raises(TimedOut) as caught:
            await ask(
                transport,
                provider,
                "fake",
                at=at,
                timeouts=replace(HURRIED, connect=0.2, first_byte=5),
                retry=Retry(attempts=1),
            )
        for each in waiting:
            each.close()
    assert caught.value.phase == "connect"


# Leaving


async def test_leaving_closes_the_connection_at_once(transport: Transport, provider: LlmServer) -> None:
    request = outgoing("fake-n1000-t20")
    async with aclosing(
        transport.stream(request, ADAPTERS["openai_chat"], call(request.model), endpoint_of(provider))
    ) as saying:
        async for batch in saying:
            if any(isinstance(each, Text) for each in batch):
                break
    await provider.until(lambda: provider.hung_up == 1 and not provider.connections, seconds=2)
    assert provider.invoice[0].usage.written < 100


@pytest.mark.parametrize("model", ["fake-silent", "fake-head", "fake-n1000-t20", "fake-n10-stall3"])
async def test_a_cancelled_reader_closes_the_connection_at_once(
    transport: Transport, provider: LlmServer, model: str
) -> None:
    asking = asyncio.create_task(ask(transport, provider, model))
    await provider.until(lambda: provider.busy == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await provider.until(lambda: not provider.connections, seconds=2)


async def test_connections_are_used_again(transport: Transport, provider: LlmServer) -> None:
    for model in ("fake", "fake-n30", "fake-e400", "fake-gzip"):
        try:
            await ask(transport, provider, model)
        except RefusedByProvider:
            continue
    assert provider.accepted == 1


async def test_many_streams_at_once_are_each_whole(transport: Transport, provider: LlmServer) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(ask(transport, provider, f"fake-n{30 + number}-t0.1", timeouts=Timeouts(total=60)))
            for number in range(60)
        ]
    for number, task in enumerate(tasks):
        assert text_of(task.result()) == "".join(prose(QUESTION, 30 + number))
    assert sorted(line.usage.written for line in provider.invoice) == list(range(30, 90))


# Bounds


async def test_a_line_without_an_end_is_not_kept(transport: Transport, provider: LlmServer) -> None:
    said = await ask(transport, provider, "fake-n10-giant3", largest_answer=2 * 1024 * 1024)
    assert text_of(said) == "".join(prose(QUESTION, 2))
    assert isinstance(said[-1], Failed)
    assert said[-1].code == "gateway.answer_too_large"


async def test_an_answer_has_a_greatest_size(transport: Transport, provider: LlmServer) -> None:
    asked = call("fake-n9000", max_output=None)
    said = await ask(transport, provider, "fake-n9000", asked=asked, largest_answer=300_000)
    assert isinstance(said[-1], Failed)
    assert said[-1].code == "gateway.answer_too_large"
    with pytest.raises(AnswerTooLarge):
        asked = replace(asked, is_streamed=False)
        await ask(transport, provider, "fake-n9000", asked=asked, largest_answer=10_000)


async def test_large_prompts_arrive_whole(transport: Transport, provider: LlmServer) -> None:
    long = "ä" * 3_000_000
    asked = call("fake-n1", messages=[{"role": "user", "content": long}])
    said = await ask(transport, provider, "fake-n1", asked=asked)
    usage = usage_of(said)
    assert usage is not None
    assert usage.input == len(long) // 4


# Whole answers


async def test_lists_and_embeddings_are_sent_for_in_the_same_way(
    transport: Transport, providers: Mapping[str, LlmServer]
) -> None:
    for protocol in ("openai_chat", "gemini", "ollama"):
        adapter, server = ADAPTERS[protocol], providers[SPEAKERS[protocol]]
        at = endpoint_of(server)
        body = await transport.send(outgoing(""), adapter, adapter.models(at), at)
        assert "fake" in {listed.name.removesuffix(":latest") for listed in adapter.read_models(body)}
        prepared = adapter.embed("fake-d5-e503-f1", ["eins", "zwei drei"], None, at)
        embedded = adapter.read_embedding(await transport.send(outgoing("fake-d5-e503-f1"), adapter, prepared, at))
        assert [len(vector) for vector in embedded.vectors] == [5, 5]
        assert server.calls["fake-d5-e503-f1"] == 2
    with pytest.raises(KeyRefused):
        at = replace(endpoint_of(providers["openai"]), key="wrong")
        await transport.send(outgoing(""), ADAPTERS["openai_chat"], ADAPTERS["openai_chat"].models(at), at)


# Health and places, through the whole way


async def test_a_provider_that_keeps_failing_is_left_alone_and_nobody_else_is(
    transport: Transport, provider: LlmServer
) -> None:
    request = outgoing("fake-e500", retry=Retry(attempts=1))
    at = endpoint_of(provider)

    async def once(request: Outgoing) -> None:
        async with aclosing(transport.stream(request, ADAPTERS["openai_chat"], call(request.model), at)) as saying:
            async for _ in saying:
                pass

    for _ in range(6):
        with pytest.raises(ProviderFailed):
            await once(request)
    asked = len(provider.requests)
    with pytest.raises(CircuitOpen) as caught:
        await once(request)
    assert len(provider.requests) == asked
    assert 10 < (caught.value.retry_after or 0) <= 15
    await once(replace(request, model="fake"))
    with pytest.raises(ProviderFailed):
        await once(replace(request, key=uuid4()))


async def test_wrong_requests_and_leavers_open_no_circuit(transport: Transport, provider: LlmServer) -> None:
    request = outgoing("fake-e400")
    for _ in range(20):
        with pytest.raises(RefusedByProvider):
            await ask(transport, provider, "fake-e400", provider=request.provider)
    for number in range(10):
        asking = asyncio.create_task(ask(transport, provider, "fake-silent", provider=request.provider))
        await provider.until(lambda count=number: provider.calls["fake-silent"] == count + 1)  # type: ignore[misc]
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert set(transport.circuits.states().values()) == {"closed"}


async def test_no_more_than_so_many_at_once_and_everybody_in_turn(transport: Transport, provider: LlmServer) -> None:
    place, order = uuid4(), list[str]()

    async def one(person: str) -> None:
        await ask(transport, provider, "fake-n3-w5", provider=place, concurrency=2, person=person)
        order.append(person)

    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(one("many"))
        await provider.until(lambda: provider.busy == 2)
        group.create_task(one("late"))
    assert provider.most_busy == 2
    assert order.index("late") <= 5, "one of many waits does not come before everybody else's first"


async def test_a_full_house_says_so(transport: Transport, provider: LlmServer) -> None:
    place = uuid4()
    first = asyncio.create_task(ask(transport, provider, "fake-silent", provider=place, concurrency=1))
    await provider.until(lambda: provider.busy == 1)
    with pytest.raises(TimedOut) as caught:
        await ask(transport, provider, "fake", provider=place, concurrency=1, timeouts=HURRIED)
    assert caught.value.phase == "queue"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert text_of(await ask(transport, provider, "fake-n2", provider=place, concurrency=1)) == "You wrote:"


# Addresses that people enter


@asynccontextmanager
async def guarded(rules: AddressRules, port: int) -> AsyncIterator[Transport]:
    fetcher = Fetcher(rules=rules, ports=frozenset({port}))
    made = Transport(fetcher)
    try:
        yield made
    finally:
        await made.close()
        await fetcher.close()


async def test_a_persons_address_leads_to_public_places_only(provider: LlmServer) -> None:
    async with guarded(AddressRules(), provider.port) as transport:
        for address in (provider.url, f"http://localhost:{provider.port}/v1", "http://169.254.169.254/v1", "file:///x"):
            with pytest.raises(FetchRefused):
                await ask(transport, provider, "fake", at=endpoint_of(provider, base_url=address), is_guarded=True)
        assert provider.accepted == 0
        assert text_of(await ask(transport, provider, "fake-n2")) == "You wrote:", "the house's own may be anywhere"


async def test_what_the_rules_let_through_is_asked(provider: LlmServer) -> None:
    async with guarded(AddressRules(allowed=(ip_network("127.0.0.1"),)), provider.port) as transport:
        assert text_of(await ask(transport, provider, "fake-n2", is_guarded=True)) == "You wrote:"
        with pytest.raises(BadAnswer):
            await ask(transport, provider, "fake-redirect", is_guarded=True)


# Encrypted


@pytest.fixture(scope="module")
def authority() -> Iterator[trustme.CA]:
    yield trustme.CA()


@asynccontextmanager
async def encrypted(context: ssl.SSLContext | None) -> AsyncIterator[Transport]:
    fetcher = Fetcher()
    made = Transport(fetcher, ssl_context=context)
    try:
        yield made
    finally:
        await made.close()
        await fetcher.close()


async def test_certificates_are_checked(authority: trustme.CA) -> None:
    mine = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(mine)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(OpenAi(), ssl_context=mine) as server, encrypted(trusting) as good, encrypted(None) as strict:
        assert text_of(await ask(good, server, "fake-n2")) == "You wrote:"
        with pytest.raises(ProviderUnreachable) as caught:
            await ask(strict, server, "fake-n2")
    assert "certificate" in caught.value.message


# What is written down


async def test_neither_keys_nor_words_stand_in_the_log(transport: Transport, provider: LlmServer) -> None:
    with structlog.testing.capture_logs() as lines:
        for model in ("fake-e503", "fake-e400", "fake-garbage", "fake-e401"):
            with pytest.raises(KontorError):
                await ask(transport, provider, model)
    assert lines
    assert provider.key not in str(lines)
    assert "Umlaute" not in str(lines)


async def test_ten_thousand_streams_leave_nothing_behind(transport: Transport, provider: LlmServer) -> None:
    """In small: what a stream holds is gone after it, whichever way it ended."""

    async def some(count: int) -> None:
        for number in range(count):
            await ask(transport, provider, ("fake-n3", "fake-n3-cut1", "fake-n9-reset2")[number % 3])

    def ours() -> int:
        gc.collect()
        return sum(str(type(each).__module__).startswith("kontor.gateway") for each in gc.get_objects())

    await some(6)
    before = ours()
    await some(60)
    # A breaker stays for each provider; each call here was one of its own.
    assert ours() - before <= 4 * 60
    assert len(asyncio.all_tasks()) < 20
    assert transport.gates.of(uuid4()).in_use == 0
