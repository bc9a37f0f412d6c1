"""People, what they keep in folders and projects, and whom they share it with."""

from collections.abc import AsyncIterator

import pytest

from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.house import House, opened


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    """Everything that happens in it is undone after the test."""
    async with opened(settings, database) as made:
        yield made
