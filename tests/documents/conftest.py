"""People and their projects; everything that happens is undone after a test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.house import House, Visitor, opened
from tests.factories.projects import make_project


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made


@pytest.fixture
async def owner(house: House) -> Visitor:
    return await house.visitor(name="Olga Owner")


@pytest.fixture
async def project(owner: Visitor) -> dict[str, Any]:
    return await make_project(owner, "Contracts")
