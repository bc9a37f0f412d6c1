"""Whoever finds a browser open does not take the account over: what decides who comes in is asked for again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from httpx import Response
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.accounts.proof import FRESH
from kontor.accounts.tables import Person
from kontor.core.clock import clock
from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.accounts.test_passkeys import enrol
from tests.accounts.test_second_steps import code_of, switch_on
from tests.factories.accounts import (
    PASSWORD,
    Account,
    Browser,
    audit_lines,
    bearer,
    browser,
    mails_to,
    make_account,
    signed_in_browser,
    tokens_for,
)
from tests.factories.authenticator import Authenticator
from tests.factories.house import House, Visitor, opened

Deed = Callable[[Browser | Visitor], Awaitable[Response]]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TOKEN = {"name": "Script", "scopes": ["account:read"]}
WISH = {"reason": "Looking for a lost contract", "minutes": 30}

SENSITIVE: dict[str, Deed] = {
    "a new address": lambda someone: someone.patch("/auth/me", json={"email": "new@example.org"}),
    "codes of an app": lambda someone: someone.post("/auth/totp"),
    "the first code": lambda someone: someone.post("/auth/totp/confirm", json={"code": "123456"}),
    "no codes any more": lambda someone: someone.delete("/auth/totp"),
    "new recovery codes": lambda someone: someone.post("/auth/totp/recovery-codes"),
    "the question to a passkey": lambda someone: someone.post("/auth/passkeys/options"),
    "a passkey": lambda someone: someone.post("/auth/passkeys", json={"name": "x", "credential": {"id": "none"}}),
    "a passkey less": lambda someone: someone.delete("/auth/passkeys/00000000-0000-4000-8000-000000000001"),
    "a token": lambda someone: someone.post("/auth/tokens", json=TOKEN),
    "full access": lambda someone: someone.post("/admin/full-access", json=WISH),
}


def is_asked(answer: Response) -> bool:
    return (answer.status_code, answer.json().get("code")) == (403, "auth.proof_needed") if answer.content else False


@pytest.fixture
async def account(house: House) -> Account:
    return await make_account(house, role=Role.ADMIN)


@pytest.fixture
async def anna(house: House, account: Account) -> Browser:
    return await signed_in_browser(house, account)


@pytest.mark.parametrize("what", SENSITIVE)
async def test_what_could_take_an_account_over_is_asked_for_again(anna: Browser, what: str) -> None:
    deed = SENSITIVE[what]
    clock.advance(FRESH - timedelta(minutes=1))
    assert not is_asked(await deed(anna))
    clock.advance(timedelta(minutes=1))
    asked = await deed(anna)
    assert is_asked(asked), asked.text
    assert asked.json()["methods"] == ["password"]
    assert (await anna.post("/auth/prove", json={"password": PASSWORD})).status_code == 204
    assert not is_asked(await deed(anna))
    clock.advance(FRESH)
    assert is_asked(await deed(anna))


async def test_nothing_of_a_refused_change_happens(house: House, anna: Browser, account: Account) -> None:
    clock.advance(FRESH)
    asked = await anna.patch("/auth/me", json={"name": "Renamed", "email": "new@example.org"})
    assert is_asked(asked)
    assert (await anna.get("/auth/me")).json()["name"] == "Anna Muster"
    assert await mails_to(house, "new@example.org") == []
    # What takes nothing over is not asked for.
    assert (await anna.patch("/auth/me", json={"name": "Renamed", "email": account.email})).status_code == 200
    assert (await anna.delete("/auth/sessions")).status_code == 200


async def test_a_proof_belongs_to_the_session_that_gave_it(house: House, anna: Browser, account: Account) -> None:
    other = await signed_in_browser(house, account)
    clock.advance(FRESH)
    assert (await anna.post("/auth/prove", json={"password": PASSWORD})).status_code == 204
    assert is_asked(await other.post("/auth/tokens", json=TOKEN))


async def test_programs_with_a_session_prove_the_same_way(house: House, account: Account) -> None:
    given = await tokens_for(house, account)
    clock.advance(FRESH)
    client = house.client()
    fresh = (await client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]})).json()
    client = house.client(headers=bearer(fresh["access_token"]))
    # To follow one token by the next is no proof.
    assert is_asked(await client.post("/auth/tokens", json=TOKEN))
    assert (await client.post("/auth/prove", json={"password": PASSWORD})).status_code == 204
    assert (await client.post("/auth/tokens", json=TOKEN)).status_code == 201


@pytest.mark.parametrize("path", ["/auth/prove", "/auth/prove/passkey/options", "/auth/prove/passkey"])
async def test_a_personal_token_proves_nothing(house: House, anna: Browser, path: str) -> None:
    scopes = ["account:read", "account:write", "admin:write"]
    made = await anna.post("/auth/tokens", json={"name": "Script", "scopes": scopes})
    client = house.client(headers=bearer(made.json()["token"]))
    answer = await client.post(path, json={"password": PASSWORD, "credential": {}})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.session_required")


async def test_codes_prove_once_each_and_recovery_codes_too(house: House, anna: Browser, account: Account) -> None:
    secret, recovery = await switch_on(anna)
    clock.advance(FRESH)
    assert (await anna.post("/auth/tokens", json=TOKEN)).json()["methods"] == ["password", "code"]
    code = code_of(secret)
    assert (await anna.post("/auth/prove", json={"code": code})).status_code == 204
    again = await anna.post("/auth/prove", json={"code": code})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "code")
    clock.advance(FRESH)
    assert (await anna.post("/auth/prove", json={"code": recovery[0]})).status_code == 204
    assert (await anna.post("/auth/prove", json={"code": recovery[0]})).status_code == 422
    assert len(await audit_lines(house, owner=account.id, action="totp.recovery_code_used")) == 1
    assert (await anna.delete("/auth/totp")).status_code == 204


async def test_a_passkey_answers_only_the_question_to_its_own_person(house: House, anna: Browser) -> None:
    device, foreign = Authenticator(), Authenticator()
    await enrol(anna, device)
    stranger = await signed_in_browser(house, await make_account(house))
    await enrol(stranger, foreign)
    clock.advance(FRESH)
    assert (await anna.post("/auth/tokens", json=TOKEN)).json()["methods"] == ["password", "passkey"]

    options = (await anna.post("/auth/prove/passkey/options")).json()
    assert len(options["allowCredentials"]) == 1
    sign_in = (await browser(house).post("/auth/passkeys/sign-in/options")).json()
    other = (await stranger.post("/auth/prove/passkey/options")).json()
    for answer in (device.get(sign_in), device.get(other), foreign.get(options)):
        refused = await anna.post("/auth/prove/passkey", json={"credential": answer})
        assert (refused.status_code, refused.json()["code"]) == (400, "auth.passkey_refused")
    assert is_asked(await anna.post("/auth/tokens", json=TOKEN))


async def test_a_proof_by_passkey_is_used_up_and_signs_nobody_in(house: House, anna: Browser) -> None:
    device = Authenticator()
    await enrol(anna, device)
    clock.advance(FRESH)
    asked = (await anna.post("/auth/prove/passkey/options")).json()
    right = {"credential": device.get(asked)}
    assert (await browser(house).post("/auth/passkeys/sign-in", json=right)).status_code == 400
    assert (await anna.post("/auth/prove/passkey", json=right)).status_code == 204
    assert (await anna.post("/auth/prove/passkey", json=right)).status_code == 400
    assert (await anna.post("/auth/tokens", json=TOKEN)).status_code == 201


@pytest.mark.parametrize("body", [{"password": "wrong"}, {"code": "000000"}])
async def test_guessing_grows_slow(anna: Browser, body: dict[str, str]) -> None:
    answers = [await anna.post("/auth/prove", json=body) for _ in range(14)]
    assert [answer.status_code for answer in answers[:3]] == [422] * 3
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_what_failed_and_what_did_not_stands_in_the_record(house: House, anna: Browser, account: Account) -> None:
    await anna.post("/auth/prove", json={"password": "wrong"})
    await anna.post("/auth/prove", json={"code": "000000"})
    await anna.post("/auth/prove/passkey", json={"credential": {"id": "none"}})
    await anna.post("/auth/prove", json={"password": PASSWORD})
    assert (await anna.post("/auth/prove", json={})).json()["errors"][0]["code"] == "required"
    lines = await audit_lines(house, owner=account.id)
    assert [(line.action, line.details["method"]) for line in lines if line.action.startswith("proof.")] == [
        ("proof.refused", "password"),
        ("proof.refused", "code"),
        ("proof.refused", "passkey"),
        ("proof.given", "password"),
    ]


async def test_no_session_says_of_itself_that_it_was_proved(house: House, account: Account) -> None:
    visitor = await house.sign_in(account.id)
    for identity in (visitor.actor, visitor.actor.as_admin()):
        with pytest.raises(DBAPIError, match="does not prove itself"):
            async with house.database.unit(identity) as unit:
                await unit.execute(text("UPDATE session SET proved_at = now()"))


async def test_an_administrator_does_not_go_round_by_the_administration(anna: Browser, account: Account) -> None:
    clock.advance(FRESH)
    assert is_asked(await anna.post(f"/admin/users/{account.id}/reset-link"))
    assert is_asked(await anna.patch(f"/admin/users/{account.id}", json={"email": "new@example.org"}))
    assert (await anna.patch(f"/admin/users/{account.id}", json={"name": "Renamed"})).status_code == 200


@pytest.fixture
async def alone(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_kind": "single"}), database) as made:
        yield made


async def without_means(house: House, role: Role = Role.ADMIN) -> Visitor:
    """Signed in long ago."""
    account = await make_account(house, role=role, password=None)
    return await house.sign_in(account.id, proved_at=LONG_AGO)


async def test_the_owner_of_a_house_without_passwords_is_not_asked(alone: House) -> None:
    owner = await without_means(alone)
    assert (await owner.post("/auth/tokens", json=TOKEN)).status_code == 201
    first = await owner.post("/auth/change-password", json={"new_password": "a long and unusual one"})
    assert first.status_code == 204
    # From now on there is something to ask for.
    assert is_asked(await owner.post("/auth/tokens", json=TOKEN))
    without = await owner.post("/auth/change-password", json={"new_password": "another unusual one"})
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "current_password")


async def test_a_first_password_is_not_given_by_whoever_finds_the_passkey_owner_s_session(alone: House) -> None:
    owner = await without_means(alone)
    assert (await enrol(Browser(owner.http), Authenticator())).status_code == 201
    asked = await owner.post("/auth/change-password", json={"new_password": "a long and unusual one"})
    assert is_asked(asked)
    assert asked.json()["methods"] == ["passkey"]


async def test_among_many_a_session_alone_gives_itself_no_password(house: House) -> None:
    someone = await without_means(house, Role.USER)
    asked = await someone.post("/auth/change-password", json={"new_password": "a long and unusual one"})
    assert is_asked(asked)
    assert asked.json()["methods"] == []


async def test_the_first_run_is_not_held_up_but_takes_no_password_away(house: House) -> None:
    account = await make_account(house, role=Role.ADMIN)
    async with house.database.system("people") as unit:
        (await unit.get_one(Person, account.id)).must_set_up = True
    visitor = await house.sign_in(account.id, proved_at=LONG_AGO)
    body = {"name": "Ada", "password": "a long and unusual one"}
    assert is_asked(await visitor.post("/setup", json=body))
    async with house.database.system("people") as unit:
        await unit.execute(text("DELETE FROM password"))
    assert (await visitor.post("/setup", json=body)).status_code == 200
