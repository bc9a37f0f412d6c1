"""A transport, and the fake providers that it asks."""

from collections.abc import AsyncIterator, Mapping

import pytest

from kontor.core.fetch import Fetcher
from kontor.gateway.transport import Transport
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
