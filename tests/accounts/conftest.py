"""A house with the whole application in it."""

from collections.abc import AsyncIterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from kontor.accounts.passwords import hasher
from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.house import House, opened


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    """Everything that happens in it is undone after the test."""
    async with opened(settings, database) as made:
        yield made


@pytest.fixture
def slow_passwords() -> None:
    """For tests of the hashing itself, and of how long it takes."""


@pytest.fixture(autouse=True)
def quick_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with the least of memory: at full strength a sixth of what all these tests take."""
    if "slow_passwords" not in request.fixturenames:
        monkeypatch.setattr(hasher, "_hash", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))
        monkeypatch.setattr(hasher, "_dummy", None)
