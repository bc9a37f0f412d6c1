"""One local model for all tests of a process: loading it takes half a second."""

from collections.abc import AsyncIterator

import pytest

from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.retrieval.embedder import LocalEmbedder
from tests.factories.house import House, opened


@pytest.fixture(scope="session")
async def embedder() -> AsyncIterator[LocalEmbedder]:
    async with LocalEmbedder() as made:
        yield made


@pytest.fixture
async def house(database: Database, settings: Settings, embedder: LocalEmbedder) -> AsyncIterator[House]:
    """Everything that happens in it is undone after the test."""
    async with opened(settings, database) as made:
        retrieval = made.app.state.retrieval
        own, retrieval.embedder = retrieval.embedder, embedder
        yield made
        retrieval.embedder = own  # which the kernel closes
