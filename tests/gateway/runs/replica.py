"""One process that produces and follows runs, over real rows and a practice provider. A test may have several."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from kontor.accounts.tables import Person
from kontor.billing import configuration, prices, wallets
from kontor.billing.configuration import BillingChange
from kontor.billing.known import KnownBilling
from kontor.billing.rates import PriceSheet
from kontor.billing.service import PriceKey
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.fetch import Fetcher
from kontor.core.ids import UserId, new_id
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.gateway.resilience import Retry
from kontor.gateway.runs.continuing import continued
from kontor.gateway.runs.events import RunEvent
from kontor.gateway.runs.judging import CutPolicy
from kontor.gateway.runs.ports import Asks, Candidate, Route, Wish
from kontor.gateway.runs.service import Runs
from kontor.gateway.transport import Outgoing, Timeouts, Transport
from kontor.gateway.wire.adapters import ADAPTERS
from kontor.gateway.wire.port import (
    Adapter,
    Call,
    Endpoint,
    Finished,
    Prepared,
    Quirks,
    Reason,
    Said,
    Text,
    UsageSeen,
)
from kontor.gateway.wire.quirks import KINDS
from tests.wire.llm_server import USD_NANO_PER_MILLION, LlmServer

QUESTION = [{"role": "user", "content": "What is there to know about the practice provider?"}]


def asking(model: str = "fake-n20", **more: Any) -> Wish:
    return Wish(messages=more.pop("messages", QUESTION), model=model, **more)


@dataclass
class Chain:
    """Routes for tests: the model's name is a list, its parts are asked one after another."""

    server: LlmServer
    quirks: Quirks = field(default_factory=lambda: KINDS["openai"].quirks)
    protocol: str = "openai_chat"
    after_stop: Any = "cancel"
    unanswered: CutPolicy = CutPolicy.INPUT
    is_local: bool = False
    is_own_key: bool = False
    concurrency: int | None = None
    provider_id: UUID = field(default_factory=new_id)
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(first_byte=20, idle=20))

    async def route(self, actor: Actor, wish: Wish) -> Route:
        names = (wish.model or "fake-n20").split(",")
        return Route(
            [self.candidate(actor, wish, name) for name in names],
            {"asked": wish.model, "by": "name"},
            after_stop=self.after_stop,
            unanswered=self.unanswered,
        )

    def candidate(self, actor: Actor, wish: Wish, name: str) -> Candidate:
        return Candidate(
            model_id=None,
            provider_id=self.provider_id,
            key_id=None,
            provider_kind="openai",
            model_name=name,
            adapter=ADAPTERS[self.protocol],
            at=Endpoint(self.server.url, self.server.key, self.quirks),
            call=Call(
                model=name,
                messages=continued(wish.messages, wish.partial, takes_prefill=self.quirks.takes_prefill),
                tools=wish.tools,
                schema=wish.schema,
                is_streamed=wish.is_streamed,
                **wish.parameters,
            ),
            outgoing=Outgoing(
                person=actor.user_id,
                provider=self.provider_id,
                label="Practice",
                model=name,
                timeouts=self.timeouts,
                retry=Retry(attempts=1),
                concurrency=self.concurrency,
            ),
            is_local=self.is_local,
            is_own_key=self.is_own_key,
            max_output=1000,
        )


class Rough:
    """Four letters are a token: what the practice provider counts, too."""

    def input_tokens(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> int:
        return max(1, sum(len(str(message["content"])) for message in messages) // 4)

    def output_tokens(self, model: str, characters: int) -> int:
        return -(-characters // 4)

    def learn(self, model: str, call: Call, *, estimated: Usage, told: Usage) -> None:
        self.learned = (model, estimated, told)


class Scripted:
    """A transport that says what it was told to, call by call, and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Call] = []

    async def stream(
        self, request: Outgoing, adapter: Adapter, call: Call, at: Endpoint, prepared: Prepared | None = None
    ) -> AsyncGenerator[Sequence[Said], None]:
        self.asked.append(call)
        if request.went_out is not None:
            request.went_out()
        answer = self.answers[len(self.asked) - 1]
        for word in answer.split(" "):
            yield [Text(f"{word} ")]
        yield [UsageSeen(Usage(input=10, output=len(answer.split(" ")))), Finished(Reason.STOP)]


@dataclass
class Replica:
    database: Database
    listener: Listener
    runs: Runs
    chain: Chain
    estimates: Rough


@asynccontextmanager
async def replica(
    url: str,
    settings: Settings,
    chain: Chain,
    *,
    lease_seconds: float = 10.0,
    renew_seconds: float = 1.0,
    asks: Asks | None = None,
) -> AsyncIterator[Replica]:
    database = Database.connect(url, pool_size=10)
    listener = Listener(url)
    fetcher = Fetcher.of(settings)
    transport = Transport(fetcher)
    estimates = Rough()
    runs = Runs(
        database,
        listener,
        router=chain,
        books=KnownBilling(database, Listener(None)),  # deaf: tests change prices and ask at once
        asks=asks or transport,
        estimates=estimates,
        lease_seconds=lease_seconds,
        renew_seconds=renew_seconds,
    )
    try:
        async with listener.running(), runs.running():
            yield Replica(database, listener, runs, chain, estimates)
    finally:
        await transport.close()
        await fetcher.close()
        await database.close()


async def person(database: Database, role: Role = Role.USER) -> Actor:
    async with database.system("test") as unit:
        made = Person(id=new_id(), name="Anna Muster", role=role.value, state="active")
        unit.add(made)
    return Actor(UserId(made.id), role)


async def price(database: Database, *models: str, by: UserId) -> None:
    """What the practice provider charges."""
    async with database.system("test") as unit:
        for model in models:
            await prices.add(
                unit,
                PriceKey("openai", model),
                PriceSheet(USD_NANO_PER_MILLION),
                source="admin",
                valid_from=now() - timedelta(days=1),
                by=by,
            )


async def switch_billing_on(database: Database, **more: Any) -> None:
    async with database.system("test") as unit:
        await configuration.change(unit, BillingChange(is_on=True, currency="USD", **more), seen=None)


async def top_up(database: Database, owner: UserId, nano: int) -> None:
    async with database.system("test") as unit:
        await wallets.top_up(unit, owner, nano, source="test", source_id=str(new_id()))


async def rows(database: Database, statement: str, **values: Any) -> list[Row[Any]]:
    async with database.system("test") as unit:
        return list((await unit.execute(text(statement), values)).all())


async def row(database: Database, statement: str, **values: Any) -> Row[Any]:
    (found,) = await rows(database, statement, **values)
    return found


async def singly(batches: AsyncGenerator[Sequence[RunEvent], None]) -> AsyncGenerator[RunEvent, None]:
    """Of what a reader is handed, one event after the other."""
    async for batch in batches:
        for event in batch:
            yield event
