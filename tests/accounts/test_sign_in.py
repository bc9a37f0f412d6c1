"""Signing in with a password, by JSON and by form, for people and for whoever guesses."""

import statistics
import time
from datetime import timedelta

import pytest
from httpx import Response

from kontor.accounts import people
from kontor.accounts.people import State
from kontor.core.clock import moved
from kontor.core.tenancy import Role
from tests.factories.accounts import (
    PASSWORD,
    audit_lines,
    bearer,
    browser,
    make_account,
    signed_in_browser,
    tokens_for,
)
from tests.factories.house import House

WRONG = {"password": "five tame ducks"}


async def test_tokens_are_given_for_address_and_password(house: House) -> None:
    account = await make_account(house)
    tokens = await tokens_for(house, account)
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 600)
    me = await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))
    assert me.status_code == 200
    assert (me.json()["email"], me.json()["initials"], me.json()["csrf_token"]) == (account.email, "AM", None)


async def test_the_form_of_oauth2_is_taken_at_the_same_address(house: House) -> None:
    account = await make_account(house)
    form = {"grant_type": "password", "username": account.email, "password": account.password}
    answer = await house.client().post("/auth/login", data=form)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert "set-cookie" not in answer.headers


async def test_the_browser_gets_a_cookie_that_scripts_cannot_read(house: House) -> None:
    account = await make_account(house)
    answer = await browser(house).post(
        "/auth/login", json={"email": account.email, "password": account.password, "cookie": True}
    )
    kept = answer.headers["set-cookie"]
    assert kept.startswith("kontor=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(kept.split("; "))
    assert "Domain" not in kept
    assert "Max-Age=7776000" in kept
    assert answer.json()["me"]["csrf_token"] == answer.json()["csrf_token"]


async def test_who_is_not_to_be_remembered_loses_the_cookie_with_the_window(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account, remember=False)
    assert anna.cookie is not None
    with moved(timedelta(hours=11)):
        assert (await anna.get("/auth/me")).status_code == 200
    with moved(timedelta(hours=11 + 13)):
        assert (await anna.get("/auth/me")).status_code == 401


@pytest.mark.parametrize("spelling", ["ANNA@Example.org", " anna@example.org ", "\uff41nna@example.org"])
async def test_an_address_is_known_in_every_spelling(house: House, spelling: str) -> None:
    await make_account(house, email="anna@example.org")
    answer = await house.client().post("/auth/login", json={"email": spelling, "password": PASSWORD})
    assert answer.status_code == 200


async def test_wrong_and_unknown_are_told_the_same(house: House) -> None:
    known = await make_account(house)
    without_password = await make_account(house, password=None)
    tries = [known.email, without_password.email, "nobody@example.org", "no address at all", "", "a\x00@example.org"]
    answers = [await house.client().post("/auth/login", json={"email": email, **WRONG}) for email in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({plain(answer) for answer in answers}) == 1
    assert answers[0].json()["code"] == "auth.invalid_credentials"


def plain(answer: Response) -> str:
    return str({name: value for name, value in answer.json().items() if name != "request_id"})


@pytest.mark.usefixtures("slow_passwords")
async def test_a_wrong_password_takes_as_long_for_nobody_as_for_somebody(house: House) -> None:
    """By ratio and in turns, so that a busy machine slows down both."""
    known = await make_account(house)
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(12):
        email = {"known": known.email, "unknown": f"nobody{number}@example.org"}
        for who in ("known", "unknown"):
            with moved(timedelta(hours=2 * number)):
                began = time.perf_counter()
                answer = await house.client().post("/auth/login", json={"email": email[who], **WRONG})
                seconds[who].append(time.perf_counter() - began)
                assert answer.status_code == 401
    known_median, unknown_median = (statistics.median(seconds[who]) for who in ("known", "unknown"))
    assert 0.5 < known_median / unknown_median < 2


async def test_whoever_may_not_come_in_hears_so_only_with_the_right_password(house: House) -> None:
    for state in (State.SUSPENDED, State.UNVERIFIED, State.WAITING, State.INVITED):
        account = await make_account(house, state=state)
        right = await house.client().post("/auth/login", json={"email": account.email, "password": PASSWORD})
        wrong = await house.client().post("/auth/login", json={"email": account.email, **WRONG})
        assert (right.status_code, right.json()["code"], right.json()["state"]) == (403, "auth.not_active", state)
        assert wrong.status_code == 401


async def test_guessing_gets_slower_and_the_right_password_is_heard_in_time(house: House) -> None:
    account = await make_account(house)
    answers = [await house.client().post("/auth/login", json={"email": account.email, **WRONG}) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert len(refused) > 20
    waiting = max(int(answer.headers["retry-after"]) for answer in refused)
    assert 1 <= waiting <= 300
    with moved(timedelta(seconds=waiting)):
        answer = await house.client().post("/auth/login", json={"email": account.email, "password": PASSWORD})
        assert answer.status_code == 200


async def test_an_unknown_address_is_slowed_down_just_the_same(house: House) -> None:
    account = await make_account(house)
    series = []
    for email in (account.email, "nobody@example.org"):
        answers = [await house.client().post("/auth/login", json={"email": email, **WRONG}) for _ in range(8)]
        series.append([answer.status_code for answer in answers])
    assert series[0] == series[1]


async def test_a_sign_in_and_a_failure_leave_a_line_that_their_owner_sees(house: House) -> None:
    account = await make_account(house)
    await house.client().post("/auth/login", json={"email": account.email, **WRONG})
    await tokens_for(house, account)
    lines = await audit_lines(house, owner=account.id)
    assert [line.action for line in lines] == ["sign_in.failed", "sign_in.succeeded"]
    assert [line.address for line in lines] == ["192.0.2.7", "192.0.2.7"]
    assert lines[1].details == {"way": "password", "kind": "api"}
    assert account.email not in str(lines)


async def test_unknown_fields_and_types_are_answered_and_never_raise(house: House) -> None:
    bodies: list[object] = [{}, {"email": 7, "password": []}, {"email": "a@b.c"}, [], "x", None]
    for body in bodies:
        answer = await house.client().post("/auth/login", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid_request")
        assert "input" not in answer.text
    broken = await house.client().post(
        "/auth/login", content=b'{"email": "\xff', headers={"content-type": "application/json"}
    )
    assert broken.status_code == 422


async def test_the_profile_takes_no_privileges_from_its_owner(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    before = (await anna.get("/auth/me")).json()
    greedy = {
        "role": "admin", "is_admin": True, "state": "active", "email_verified": True, "balance": 1,
        "id": str(account.id), "plan": "x", "workspace_id": "x", "must_set_up": True,
    }  # fmt: skip
    answer = await anna.patch("/auth/me", json=greedy)
    assert answer.status_code == 200
    assert (await anna.get("/auth/me")).json() == before


async def test_suspension_and_demotion_count_from_the_next_request(house: House) -> None:
    await make_account(house, role=Role.ADMIN)
    account = await make_account(house, role=Role.ADMIN)
    anna = await signed_in_browser(house, account)
    tokens = await tokens_for(house, account)
    async with house.database.system("people") as unit:
        await people.set_role(unit, account.id, Role.USER)
    assert (await anna.get("/auth/me")).json()["role"] == "user"
    assert (await anna.get("/admin/mail")).status_code == 403
    async with house.database.system("people") as unit:
        await people.suspend(unit, account.id, reason="asked for it")
    assert (await anna.get("/auth/me")).status_code == 401
    assert (await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
    refresh = await house.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refresh.status_code == 401
    ended = await house.events_of(account.id, "session.ended")
    assert {event["reason"] for event in ended} == {"suspended"}
    async with house.database.system("people") as unit:
        await people.restore(unit, account.id)
    assert (await anna.get("/auth/me")).status_code == 401
    assert (await tokens_for(house, account))["access_token"]


async def test_a_new_device_is_told_where_there_was_another(house: House) -> None:
    account = await make_account(house)
    first = await signed_in_browser(house, account)
    assert (await first.get("/notifications")).json()["items"] == []
    second = browser(house)
    second.headers = {"User-Agent": "Another/1.0"}
    second.takes(await second.post("/auth/login", json={"email": account.email, "password": PASSWORD, "cookie": True}))
    told = (await first.get("/notifications")).json()["items"]
    assert [(notice["kind"], notice["data"]["client"]) for notice in told] == [("sign_in.new_device", "Another/1.0")]
