"""A transport, and the fake providers that it asks."""

from collections.abc import AsyncIterator, Mapping

import pytest

from kontor.core.database import Database
from kontor.core.fetch import Fetcher
from kontor.core.settings import Settings
from kontor.gateway.transport import Transport
from tests.factories.house import House, opened
from tests.wire.fleet import all_serving
from tests.wire.llm_server import LlmServer, serving
from tests.wire.openai import OpenAi


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    fetcher = Fetcher()
    made = Transport(fetcher)
    yield made
    await made.close()
    await fetcher.close()


@pytest.fixture
async def provider() -> AsyncIterator[LlmServer]:
    async with serving(OpenAi()) as server:
        yield server


@pytest.fixture
async def providers() -> AsyncIterator[Mapping[str, LlmServer]]:
    async with all_serving() as servers:
        yield servers


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made
