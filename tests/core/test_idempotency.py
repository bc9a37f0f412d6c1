"""A request that is sent again because its answer was lost has its effect once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.house import House, Visitor, opened

TOKEN = {"name": "Script", "scopes": ["account:read"], "expires_in_days": 7}


async def make_token(visitor: Visitor, key: str, **changed: object) -> tuple[int, dict[str, object], bool]:
    answer = await visitor.post("/auth/tokens", json=TOKEN | changed, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json(), "idempotency-replayed" in answer.headers


async def count_tokens(visitor: Visitor) -> int:
    return len((await visitor.get("/auth/tokens")).json()["items"])


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made


async def test_the_same_key_gives_the_first_answer_and_no_second_effect(house: House) -> None:
    anna = await house.visitor()
    first = await make_token(anna, "k1")
    again = await make_token(anna, "k1")
    assert first[0] == again[0] == 201
    assert first[1] == again[1]
    assert (first[2], again[2]) == (False, True)
    assert await count_tokens(anna) == 1
    assert (await make_token(anna, "k2"))[1] != first[1]
    assert await count_tokens(anna) == 2


async def test_the_same_key_for_another_request_is_refused(house: House) -> None:
    anna = await house.visitor()
    await make_token(anna, "k1")
    status, problem, _ = await make_token(anna, "k1", name="Another")
    assert (status, problem["code"]) == (422, "http.idempotency_mismatch")
    assert await count_tokens(anna) == 1


async def test_keys_of_two_people_never_meet(house: House) -> None:
    anna, bert = await house.visitor(), await house.visitor()
    first, second = await make_token(anna, "k1"), await make_token(bert, "k1")
    assert first[1]["token"] != second[1]["token"]
    assert (first[2], second[2]) == (False, False)


async def test_what_failed_is_not_remembered(house: House) -> None:
    anna = await house.visitor()
    status, problem, _ = await make_token(anna, "k1", scopes=["admin:write"])
    assert (status, problem["code"]) == (403, "auth.scope_too_wide")
    assert (await make_token(anna, "k1"))[0] == 201


@pytest.mark.parametrize("key", ["x" * 201, "tab\tkey"])
async def test_a_key_that_cannot_be_kept_is_named(house: House, key: str) -> None:
    anna = await house.visitor()
    status, problem, _ = await make_token(anna, key)
    assert status == 422
    assert problem["errors"] == [
        {"field": "Idempotency-Key", "message": "Use 1 to 200 printable characters.", "code": "invalid"}
    ]


async def test_a_secret_that_was_shown_once_is_not_readable_in_the_memory(house: House) -> None:
    anna = await house.visitor()
    _, shown, _ = await make_token(anna, "k1")
    async with house.database.unit(anna.actor) as unit:
        kept = bytes((await unit.execute(text("SELECT body FROM idempotency_key"))).scalar_one())
    assert str(shown["token"]).encode() not in kept


async def test_of_many_at_once_one_has_the_effect(committed_database: Database, settings: Settings) -> None:
    async with opened(settings, committed_database) as house:
        anna = await house.visitor()
        answers = await asyncio.gather(*(make_token(anna, "k1") for _ in range(16)))
        assert {status for status, _, _ in answers} <= {201, 409}
        assert len({str(body["token"]) for status, body, _ in answers if status == 201}) == 1
        assert {body["code"] for status, body, _ in answers if status == 409} <= {"http.idempotency_running"}
        assert await count_tokens(anna) == 1
        assert (await make_token(anna, "k1"))[2]
