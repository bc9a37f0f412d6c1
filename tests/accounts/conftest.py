"""A house with an application in it."""

from collections.abc import AsyncIterator

import pytest

from kontor.accounts import routes_desk, routes_settings
from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from tests.factories.house import House, opened

ROUTERS = (routes_desk.router, routes_settings.router)


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    """Everything that happens in it is undone after the test."""
    async with opened(Kernel(settings, database, Secrets.load(settings)), *ROUTERS) as made:
        yield made
