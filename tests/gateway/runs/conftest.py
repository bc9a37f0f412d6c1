"""A database of the test's own, a practice provider, and one process."""

from collections.abc import AsyncIterator

import pytest

from kontor.core.settings import Settings
from kontor.core.tenancy import Actor
from tests.conftest import Server
from tests.gateway.runs.replica import Chain, Replica, person, replica
from tests.wire.llm_server import LlmServer, serving
from tests.wire.openai import OpenAi


@pytest.fixture
async def provider() -> AsyncIterator[LlmServer]:
    async with serving(OpenAi()) as made:
        yield made


@pytest.fixture
def app_url(server: Server, copy: str) -> str:
    return server.app_url(copy)


@pytest.fixture
def owner_url(server: Server, copy: str) -> str:
    return server.owner_url(copy)


@pytest.fixture
def chain(provider: LlmServer) -> Chain:
    return Chain(provider)


@pytest.fixture
async def here(app_url: str, settings: Settings, chain: Chain) -> AsyncIterator[Replica]:
    async with replica(app_url, settings, chain) as made:
        yield made


@pytest.fixture
async def anna(here: Replica) -> Actor:
    return await person(here.database)
