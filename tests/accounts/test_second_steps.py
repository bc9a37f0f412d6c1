"""Codes of an app, recovery codes, and tokens for programs."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response
from sqlalchemy import text

from kontor.accounts import people, totp
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.factories.accounts import (
    PASSWORD,
    Account,
    Browser,
    audit_lines,
    bearer,
    browser,
    make_account,
    signed_in_browser,
)
from tests.factories.house import House, opened


def code_of(secret: str, *, steps: int = 0) -> str:
    return totp.code_for(base64.b32decode(secret), totp.step_at(now().timestamp()) + steps)


async def switch_on(anna: Browser) -> tuple[str, list[str]]:
    begun = (await anna.post("/auth/totp")).json()
    assert begun["uri"].startswith("otpauth://totp/")
    assert begun["qr_svg"].startswith("<svg")
    confirmed = await anna.post("/auth/totp/confirm", json={"code": code_of(begun["secret"])})
    assert confirmed.status_code == 200, confirmed.text
    return begun["secret"], confirmed.json()["recovery_codes"]


async def log_in(house: House, account: Account, code: str | None = None) -> Response:
    body = {"email": account.email, "password": PASSWORD} | ({} if code is None else {"code": code})
    return await house.client().post("/auth/login", json=body)


async def test_codes_are_asked_for_once_they_are_confirmed(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    begun = (await anna.post("/auth/totp")).json()
    assert (await log_in(house, account)).status_code == 200
    wrong = await anna.post("/auth/totp/confirm", json={"code": "000000"})
    assert wrong.json()["errors"][0]["field"] == "code"
    again = (await anna.post("/auth/totp")).json()
    assert again["secret"] != begun["secret"]
    _, codes = await switch_on(anna)
    assert len(set(codes)) == 10
    assert (await log_in(house, account)).json()["code"] == "auth.code_required"
    assert (await anna.get("/auth/me")).json()["totp_enabled"] is True
    assert (await anna.post("/auth/totp")).status_code == 409


async def test_each_code_opens_the_door_once(house: House) -> None:
    account = await make_account(house)
    secret, _ = await switch_on(await signed_in_browser(house, account))
    replayed = await log_in(house, account, code_of(secret))
    assert (replayed.status_code, replayed.json()["code"]) == (401, "auth.code_refused")
    fresh = code_of(secret, steps=1)
    assert (await log_in(house, account, fresh)).status_code == 200
    assert (await log_in(house, account, fresh)).status_code == 401
    with moved(timedelta(seconds=90)):
        assert (await log_in(house, account, code_of(secret, steps=-1))).status_code == 200


async def test_a_code_without_the_password_says_nothing(house: House) -> None:
    account = await make_account(house)
    secret, _ = await switch_on(await signed_in_browser(house, account))
    body = {"email": account.email, "password": "five tame ducks", "code": code_of(secret, steps=1)}
    answer = await house.client().post("/auth/login", json=body)
    assert answer.json()["code"] == "auth.invalid_credentials"
    assert (await log_in(house, account, code_of(secret, steps=1))).status_code == 200


async def test_codes_cannot_be_guessed_at_speed(house: House) -> None:
    account = await make_account(house)
    await switch_on(await signed_in_browser(house, account))
    statuses = [(await log_in(house, account, f"{number:06}")).status_code for number in range(25)]
    assert statuses.count(429) >= 10


async def test_recovery_codes_work_once_each_and_are_noted(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    _, codes = await switch_on(anna)
    assert (await log_in(house, account, codes[0].upper().replace("-", " "))).status_code == 200
    assert (await log_in(house, account, codes[0])).status_code == 401
    assert len(await audit_lines(house, owner=account.id, action="totp.recovery_code_used")) == 1
    with moved(timedelta(minutes=2)):
        renewed = await anna.post("/auth/totp/recovery-codes")
        assert len(renewed.json()["recovery_codes"]) == 10
        assert (await log_in(house, account, codes[1])).status_code == 401
        assert (await log_in(house, account, renewed.json()["recovery_codes"][1])).status_code == 200


async def test_codes_that_are_switched_off_are_not_asked_for(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    await switch_on(anna)
    assert (await anna.delete("/auth/totp")).status_code == 204
    assert (await log_in(house, account)).status_code == 200
    assert (await anna.delete("/auth/totp")).status_code == 409
    assert (await anna.post("/auth/totp/recovery-codes")).status_code == 409


async def test_the_seed_is_sealed_and_bound_to_its_owner(house: House) -> None:
    first, second = await make_account(house), await make_account(house)
    secret, _ = await switch_on(await signed_in_browser(house, first))
    await switch_on(await signed_in_browser(house, second))
    async with house.database.system("test") as unit:
        rows = {row.owner_id: row.secret for row in await unit.execute(text("SELECT * FROM totp"))}
        assert base64.b32decode(secret) not in rows[first.id]
        await unit.execute(
            text("UPDATE totp SET secret = :secret, last_step = 0 WHERE owner_id = :owner"),
            {"secret": rows[first.id], "owner": second.id},
        )
    answer = await log_in(house, second, code_of(secret, steps=1))
    assert answer.status_code == 500
    assert answer.json()["code"] == "vault.seal_broken"


async def make_token(anna: Browser, **changes: object) -> Response:
    body = {"name": "script", "scopes": ["account:read"], "expires_in_days": 30} | changes
    return await anna.post("/auth/tokens", json=body)


async def test_a_token_is_shown_once_and_works_at_every_door(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    made = (await make_token(anna)).json()
    token = made["token"]
    assert token.startswith("ktr_")
    assert made["ending"] == token[-4:]
    listed = (await anna.get("/auth/tokens")).json()["items"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert "token" not in listed[0]
    for headers in (bearer(token), {"X-Api-Key": token}, {"Authorization": f"bearer {token}"}):
        assert (await house.client().get("/auth/me", headers=headers)).status_code == 200
        change = await house.client().patch("/settings", json={"theme": "dark"}, headers=headers)
        assert (change.status_code, change.json()["code"]) == (403, "auth.scope_required")
    assert (await house.client().get(f"/auth/me?token={token}&api_key={token}")).status_code == 401
    by_cookie = browser(house)
    by_cookie.http.cookies.set("kontor", token, domain="localhost")
    assert (await by_cookie.get("/auth/me")).status_code == 401
    async with house.database.system("test") as unit:
        stored = (await unit.execute(text("SELECT * FROM personal_token"))).one()
        assert token not in str(stored)
        assert len(stored.hash) == 32
    assert (await anna.delete(f"/auth/tokens/{made['id']}")).status_code == 204
    assert (await house.client().get("/auth/me", headers=bearer(token))).status_code == 401
    assert (await anna.delete(f"/auth/tokens/{made['id']}")).status_code == 404


async def test_a_token_is_never_wider_than_its_owner_at_any_time(house: House) -> None:
    plain = await signed_in_browser(house, await make_account(house))
    refused = await make_token(plain, scopes=["account:read", "admin:read"])
    assert (refused.status_code, refused.json()["code"], refused.json()["scopes"]) == (
        403, "auth.scope_too_wide", ["admin:read"],
    )  # fmt: skip
    for scopes in ([], ["*"], ["admin:*"], ["account:read", "root"], "account:read"):
        assert (await make_token(plain, scopes=scopes)).status_code == 422

    await make_account(house, role=Role.ADMIN)
    account = await make_account(house, role=Role.ADMIN)
    admin = await signed_in_browser(house, account)
    token = (await make_token(admin, scopes=["admin:read", "account:read"])).json()["token"]
    client = house.client(headers=bearer(token))
    assert (await client.get("/admin/mail")).status_code == 200
    assert (await client.post("/admin/mail/test", json={"to": "x@example.org"})).status_code == 403
    async with house.database.system("people") as unit:
        await people.set_role(unit, account.id, Role.USER)
    assert (await client.get("/admin/mail")).status_code == 403
    assert (await client.get("/auth/me")).status_code == 200
    async with house.database.system("people") as unit:
        await people.suspend(unit, account.id)
    assert (await client.get("/auth/me")).status_code == 401


async def test_a_token_cannot_change_how_its_owner_comes_in(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    token = (await make_token(anna, scopes=["account:read", "account:write"])).json()["token"]
    client = house.client(headers=bearer(token))
    deeds: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "/auth/me", {"email": "thief@example.org"}),
        ("POST", "/auth/change-password", {"current_password": PASSWORD, "new_password": "eight red cats"}),
        ("POST", "/auth/tokens", {"name": "child", "scopes": ["account:read"]}),
        ("POST", "/auth/totp", {}),
        ("POST", "/auth/totp/confirm", {"code": "123456"}),
        ("POST", "/auth/totp/recovery-codes", {"code": "123456"}),
        ("DELETE", "/auth/totp", {"password": PASSWORD}),
        ("POST", "/auth/passkeys/options", {}),
        ("POST", "/auth/passkeys", {"name": "x", "credential": {}}),
        ("DELETE", f"/auth/passkeys/{uuid4()}", {}),
        ("POST", "/auth/logout", {}),
        ("POST", "/setup", {"name": "x"}),
    ]
    for method, path, body in deeds:
        answer = await client.request(method, path, json=body)
        assert (path, answer.status_code, answer.json()["code"]) == (path, 403, "auth.session_required")


async def test_a_token_ends_when_it_was_said_to(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    client = house.client(headers=bearer((await make_token(anna, expires_in_days=1)).json()["token"]))
    forever = house.client(headers=bearer((await make_token(anna, expires_in_days=None)).json()["token"]))
    with moved(timedelta(hours=23)):
        assert (await client.get("/auth/me")).status_code == 200
    with moved(timedelta(hours=25)):
        assert (await client.get("/auth/me")).status_code == 401
    with moved(timedelta(days=4000)):
        assert (await forever.get("/auth/me")).status_code == 200


async def test_the_last_use_is_noted_at_most_once_a_minute(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    client = house.client(headers=bearer((await make_token(anna)).json()["token"]))
    seen = []
    for seconds in (0, 10, 50, 61):
        with moved(timedelta(seconds=seconds)):
            await client.get("/auth/me")
            seen.append((await anna.get("/auth/tokens")).json()["items"][0]["last_used_at"])
    assert seen[0] is not None
    assert seen[0] == seen[1] == seen[2] != seen[3]


async def test_a_stranger_cannot_tell_whether_a_token_exists(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    stranger = await signed_in_browser(house, await make_account(house))
    made = (await make_token(anna)).json()
    hidden = await stranger.delete(f"/auth/tokens/{made['id']}")
    missing = await stranger.delete(f"/auth/tokens/{uuid4()}")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["detail"] == missing.json()["detail"]
    assert (await stranger.get("/auth/tokens")).json()["items"] == []


@pytest.fixture
async def real_house(committed_database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_rate_factor": 0}), committed_database) as made:
        yield made


async def test_of_many_who_show_one_code_at_once_one_comes_in(real_house: House) -> None:
    account = await make_account(real_house)
    secret, codes = await switch_on(await signed_in_browser(real_house, account))
    for code in (code_of(secret, steps=1), codes[3]):
        answers = await asyncio.gather(*(log_in(real_house, account, code) for _ in range(8)))
        assert [answer.status_code for answer in answers].count(200) == 1
