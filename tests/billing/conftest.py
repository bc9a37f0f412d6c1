"""A house with the whole application in it."""

from collections.abc import AsyncIterator

import pytest

from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.house import House, opened


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made
