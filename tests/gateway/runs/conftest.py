"""A database of the test's own, a practice provider, and one process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

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


Another = Callable[..., AbstractAsyncContextManager[Replica]]


@pytest.fixture
def another(app_url: str, settings: Settings, chain: Chain) -> Another:
    """One more process on the same database."""
    return partial(replica, app_url, settings, chain)


@pytest.fixture
async def here(another: Another) -> AsyncIterator[Replica]:
    async with another() as made:
        yield made


@pytest.fixture
async def anna(here: Replica) -> Actor:
    return await person(here.database)
