"""How providers fare, from what real calls meet."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from kontor.core.clock import clock, now
from kontor.core.errors import KontorError
from kontor.gateway import health
from kontor.gateway.errors import ProviderFailed, ProviderUnreachable, RefusedByProvider, TimedOut
from kontor.gateway.health import SAMPLES, Recorder, Seen, middle, tick_of
from kontor.gateway.tables import ProviderCheck
from kontor.gateway.transport import Attempt, Outgoing
from tests.factories.house import House, Visitor
from tests.gateway.house import add_provider, administrator, gateway_of
from tests.wire.llm_server import LlmServer

WRITTEN = "Sehr geehrte Frau Muster"
FAILED = ProviderFailed("OpenAI", status=500, said=f"Your prompt was: {WRITTEN}")


@dataclass
class Desk:
    """An administrator before one provider, and the calls that it gets."""

    house: House
    admin: Visitor
    path: str
    request: Outgoing

    async def meets(self, *errors: KontorError | None, seconds: float = 0.5) -> None:
        clock.advance(timedelta(seconds=1))
        recorder = gateway_of(self.house).recorder
        for error in errors:
            recorder.note(Attempt(self.request, 1, error, seconds))
        await recorder.flush()

    async def later(self, passed: timedelta) -> None:
        """A token lasts for minutes only, so the administrator signs in again."""
        clock.advance(passed)
        self.admin = await self.house.sign_in(self.admin.id)

    async def state(self) -> str:
        found: str = (await self.admin.get(self.path)).json()["state"]
        return found

    async def health(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.admin.get(f"{self.path}/health")).json()
        return found


@pytest.fixture
async def desk(house: House, provider: LlmServer) -> Desk:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    known = await gateway_of(house).knowledge.house()
    (found,) = [each for each in known.providers.values() if each.kind == "openai"]
    request = Outgoing(person=None, provider=found.id, label=found.label)
    return Desk(house, admin, f"/admin/providers/{added['id']}", request)


async def test_one_bad_call_is_bad_luck_and_many_are_not(desk: Desk) -> None:
    await desk.meets(None, FAILED)
    assert await desk.state() == "ok"
    await desk.meets(None, FAILED, FAILED, FAILED)
    assert await desk.state() == "down"
    await desk.meets(None)
    assert await desk.state() == "ok"
    told = await desk.health()
    assert (told["requests"], told["failed"]) == (7, 4)


async def test_what_people_do_wrong_says_nothing_about_a_provider(desk: Desk) -> None:
    await desk.meets(*[RefusedByProvider("OpenAI", status=400, said=WRITTEN)] * 10)
    told = await desk.health()
    assert (told["state"], told["requests"], told["errors"]) == ("ok", 0, [])


async def test_words_of_a_provider_that_may_quote_people_are_not_kept(desk: Desk) -> None:
    await desk.meets(FAILED, FAILED, FAILED)
    told = await desk.health()
    assert (told["error_code"], told["error"]) == ("gateway.provider_failed", None)
    assert WRITTEN not in str(told)
    await desk.meets(*[TimedOut("OpenAI", phase="idle", seconds=90)] * 3)
    assert "90 seconds" in (await desk.health())["error"]


async def test_a_slow_provider_is_called_slow(desk: Desk) -> None:
    await desk.meets(*[None] * 5, seconds=6)
    told = await desk.health()
    assert (told["state"], told["first_ms_p50"], told["first_ms_p95"]) == ("slow", 6000, 6000)


async def test_a_day_has_48_ticks_and_older_ones_leave(desk: Desk) -> None:
    await desk.meets(ProviderUnreachable("OpenAI", reason="nothing answers there"))
    begun = tick_of(now())
    await desk.later(timedelta(hours=23))
    ticks = (await desk.health())["ticks"]
    assert (len(ticks), sum(tick["failed"] for tick in ticks)) == (48, 1)
    assert {tick["at"][:16] for tick in ticks if tick["failed"]} == {begun.isoformat()[:16]}
    await desk.later(timedelta(hours=1, minutes=30))
    assert sum(tick["failed"] for tick in (await desk.health())["ticks"]) == 0


async def test_nothing_of_a_provider_that_is_gone_is_written(desk: Desk) -> None:
    await desk.admin.delete(desk.path)
    await desk.meets(None, FAILED)


async def test_old_checks_are_swept(desk: Desk, house: House) -> None:
    await desk.meets(None)
    await desk.later(timedelta(days=9))
    async with house.database.system("sweep") as unit:
        await health.sweep(unit)
        assert await unit.scalar(select(func.count()).select_from(ProviderCheck)) == 0


def test_samples_are_fair_and_few() -> None:
    recorder, seen = Recorder(None, chance=Random(7)), Seen()  # type: ignore[arg-type]  # nothing is written here
    for ms in range(10_000):
        seen.ok += 1
        recorder._sample(seen, ms)
    assert len(seen.samples) == SAMPLES
    assert 3000 < (middle(seen.samples, 0.5) or 0) < 7000
    assert middle([], 0.5) is None
    assert (middle([1, 2, 3], 0.5), middle([1, 2, 3], 0.95)) == (2, 3)
