"""Refresh tokens: one follows the other; two tabs stay in; a thief and their victim go out together."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from kontor.core.clock import clock, moved
from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.accounts import audit_lines, bearer, make_account, tokens_for
from tests.factories.house import House, opened

LATER = timedelta(seconds=21)


@pytest.fixture
def configured(settings: Settings) -> Settings:
    """Hundreds of refreshes from one address are no attack here."""
    return settings.model_copy(update={"kontor_rate_factor": 0})


@pytest.fixture
async def house(database: Database, configured: Settings) -> AsyncIterator[House]:
    async with opened(configured, database) as made:
        yield made


async def refresh(house: House, token: str) -> str | None:
    answer = await house.client().post("/auth/refresh", json={"refresh_token": token})
    if answer.status_code == 401:
        return None
    body = answer.json()
    me = await house.client().get("/auth/me", headers=bearer(body["access_token"]))
    assert me.status_code == 200
    return str(body["refresh_token"])


async def test_each_token_is_followed_by_another(house: House) -> None:
    token = str((await tokens_for(house, await make_account(house)))["refresh_token"])
    seen = {token}
    for _ in range(5):
        following = await refresh(house, token)
        assert following is not None
        token = following
        seen.add(token)
    assert len(seen) == 6


async def test_the_second_of_two_tabs_is_given_the_same_successor(house: House) -> None:
    first = (await tokens_for(house, await make_account(house)))["refresh_token"]
    second = await refresh(house, first)
    assert await refresh(house, first) == second
    assert second is not None
    with moved(LATER):
        assert await refresh(house, second) is not None


async def test_a_token_that_comes_again_later_ends_the_family_and_leaves_a_line(house: House) -> None:
    account = await make_account(house)
    tokens = await tokens_for(house, account)
    elsewhere = await tokens_for(house, account)
    second = await refresh(house, tokens["refresh_token"])
    assert second is not None
    with moved(LATER):
        assert await refresh(house, tokens["refresh_token"]) is None
        assert await refresh(house, second) is None
        assert (await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
        assert await refresh(house, elsewhere["refresh_token"]) is not None
    assert len(await audit_lines(house, owner=account.id, action="session.reuse_detected")) == 1
    assert (await house.events_of(account.id, "session.ended"))[-1]["reason"] == "reuse"


async def test_nothing_else_is_a_refresh_token(house: House) -> None:
    tokens = await tokens_for(house, await make_account(house))
    for token in ("", "x", tokens["access_token"], tokens["refresh_token"] + "x", tokens["refresh_token"].swapcase()):
        assert await refresh(house, token) is None


async def test_refreshing_keeps_a_session_alive_up_to_its_latest_end(house: House) -> None:
    token: str | None = (await tokens_for(house, await make_account(house)))["refresh_token"]
    for day in (29, 58, 87, 89):
        with moved(timedelta(days=day)):
            token = await refresh(house, token or "")
            assert token is not None
    with moved(timedelta(days=91)):
        assert await refresh(house, token or "") is None


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 15, 25])), min_size=1, max_size=10))
@how(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_rotation_agrees_with_its_plain_description(house: House, steps: list[tuple[int, int]]) -> None:
    """Steps: come with the n-th newest token, after so many seconds."""
    issued: list[str] = [(await tokens_for(house, await make_account(house)))["refresh_token"]]
    used_at: dict[int, float] = {}
    at, is_alive = 0.0, True
    try:
        for back, seconds in steps:
            clock.advance(timedelta(seconds=seconds))
            at += seconds
            number = max(0, len(issued) - 1 - back)
            answer = await refresh(house, issued[number])
            if not is_alive:
                assert answer is None
            elif number not in used_at:
                assert answer is not None
                assert answer not in issued
                used_at[number] = at
                issued.append(answer)
            elif at - used_at[number] < 18:
                assert answer == issued[number + 1]
            elif at - used_at[number] > 22:
                assert answer is None
                is_alive = False
    finally:
        clock.reset()


@pytest.fixture
async def real_house(committed_database: Database, configured: Settings) -> AsyncIterator[House]:
    """With commits that other connections see."""
    async with opened(configured, committed_database) as made:
        yield made


async def test_of_many_tabs_at_once_all_are_given_one_successor(real_house: House) -> None:
    token = (await tokens_for(real_house, await make_account(real_house)))["refresh_token"]
    following = await asyncio.gather(*(refresh(real_house, token) for _ in range(16)))
    assert len(set(following)) == 1
    assert following[0] is not None
    assert await refresh(real_house, following[0]) is not None
