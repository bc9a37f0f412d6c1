"""Coming in by oneself: registering, verifying, being invited. The form says nothing; the mailbox does."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from kontor.accounts import configuration, mails, people
from kontor.accounts.links import Purpose
from kontor.accounts.people import State
from kontor.core.clock import moved
from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.factories.accounts import (
    PASSWORD,
    audit_lines,
    bearer,
    browser,
    link_for,
    mails_to,
    make_account,
    signed_in_browser,
    tokens_for,
)
from tests.factories.house import House, opened

APPLICANT = {"email": "otto@example.org", "password": "seven brown hens", "name": "Otto Normal"}


async def configure(house: House, **changes: object) -> None:
    async with house.database.system("configuration") as unit:
        await configuration.write(unit, dict(changes))


async def register(house: House, **changes: object) -> Response:
    return await house.client().post("/auth/register", json=APPLICANT | changes)


async def token_in_mail(house: House, email: str, *, number: int = -1) -> str:
    _, rendered = (await mails_to(house, email))[number]
    found = re.search(r"(?:token=|/reset/|/invite/)([A-Za-z0-9_-]{43})", rendered.text)
    assert found is not None, rendered.text
    return found[1]


async def log_in(house: House, email: str = APPLICANT["email"], password: str = APPLICANT["password"]) -> Response:
    return await house.client().post("/auth/login", json={"email": email, "password": password})


async def test_where_registration_is_closed_nobody_registers(house: House) -> None:
    assert (await register(house)).json()["code"] == "auth.registration_closed"


async def test_alone_nobody_registers_whatever_is_configured(house: House) -> None:
    await configure(house, registration="open")
    house.kernel.settings = house.kernel.settings.model_copy(update={"kontor_kind": "single"})
    assert (await register(house)).status_code == 403


async def test_new_people_come_in_once_their_address_is_verified(house: House) -> None:
    await configure(house, registration="open")
    answer = await register(house, role="admin", state="active")
    assert (answer.status_code, answer.json()) == (202, {"state": "verify"})
    assert (await log_in(house)).json()["state"] == "unverified"
    token = await token_in_mail(house, "otto@example.org")
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 204
    tokens = (await log_in(house)).json()
    me = (await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))).json()
    assert (me["role"], me["state"], me["email_verified"], me["name"]) == ("user", "active", True, "Otto Normal")
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 400


async def test_the_link_in_the_mail_verifies_as_it_is(house: House) -> None:
    await configure(house, registration="open")
    await register(house)
    token = await token_in_mail(house, "otto@example.org")
    first = await house.client().get("/auth/verify", params={"token": token})
    second = await house.client().get("/auth/verify", params={"token": token})
    without = await house.client().get("/auth/verify")
    assert (first.status_code, first.headers["location"]) == (303, "/login?verified=1")
    assert second.headers["location"] == without.headers["location"] == "/login?verified=0"


async def test_by_approval_people_wait_after_their_address_is_verified(house: House) -> None:
    await configure(house, registration="approval")
    admin = await make_account(house, role=Role.ADMIN)
    assert (await register(house)).json() == {"state": "approval"}
    await house.client().post("/auth/verify", json={"token": await token_in_mail(house, "otto@example.org")})
    refused = await log_in(house)
    assert (refused.status_code, refused.json()["state"]) == (403, "waiting")
    desk = await signed_in_browser(house, admin)
    assert [notice["kind"] for notice in (await desk.get("/notifications")).json()["items"]] == ["approval.waiting"]
    async with house.database.system("people") as unit:
        person = await people.find_person(unit, "otto@example.org")
        await people.approve(unit, person.id)
    assert (await log_in(house)).status_code == 200


async def test_known_and_unknown_addresses_are_answered_the_same(house: House) -> None:
    """And their mailboxes are told what is true."""
    await configure(house, registration="open")
    active = await make_account(house)
    suspended = await make_account(house, state=State.SUSPENDED)
    answers = [await register(house, email=email) for email in (active.email, suspended.email, "new@example.org")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"state":"verify"}')}
    kinds = [(await mails_to(house, email))[-1][0].template for email in (active.email, "new@example.org")]
    assert kinds == ["already_registered", "verify"]
    assert (await log_in(house, active.email)).status_code == 401
    assert (await log_in(house, active.email, PASSWORD)).status_code == 200


@pytest.mark.parametrize("is_thief_first", [True, False])
async def test_nobody_lays_an_account_in_the_way_of_an_address(house: House, is_thief_first: bool) -> None:
    """Whoever registers somebody's address, before them or after, leaves neither a password nor a link behind."""
    await configure(house, registration="open")
    passwords = ["the thief's words", APPLICANT["password"]]
    for password in passwords if is_thief_first else reversed(passwords):
        await register(house, password=password)
    old, new = [await token_in_mail(house, "otto@example.org", number=number) for number in (0, 1)]
    assert (await house.client().post("/auth/verify", json={"token": old})).status_code == 400
    answer = await house.client().get("/auth/verify", params={"token": new})
    assert {(await log_in(house, password=password)).status_code for password in passwords} == {401}
    # The mailbox has the last word: its link leads to where a password is chosen.
    assert answer.status_code == 303
    token = answer.headers["location"].removeprefix("/reset/")
    chosen = await house.client().post("/auth/reset-password", json={"token": token, "password": "eight red cats"})
    assert chosen.status_code == 204
    assert (await log_in(house, password="eight red cats")).status_code == 200


async def test_whoever_registers_twice_with_one_password_keeps_it(house: House) -> None:
    await configure(house, registration="open")
    await register(house)
    await register(house)
    token = await token_in_mail(house, "otto@example.org")
    answer = await house.client().get("/auth/verify", params={"token": token})
    assert answer.headers["location"] == "/login?verified=1"
    assert (await log_in(house)).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "otto@example.org"}, "password"),
        ({"password": "passwort123"}, "password"),
        ({"password": "x" * 2000}, "password"),
        ({"email": "otto"}, "email"),
        ({"email": "otto@example.org\r\nBcc: all@example.org"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "Otto\x00"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"language": "fr"}, "language"),
        ({"password": None}, "password"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(house: House, change: dict[str, Any], field: str) -> None:
    await configure(house, registration="open")
    answer = await register(house, **change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_only_people_of_the_named_domains_register(house: House) -> None:
    await configure(house, registration="open", allowed_domains=["example.com"])
    assert (await register(house)).json()["errors"][0]["code"] == "email.domain"
    assert (await register(house, email="otto@EXAMPLE.com")).status_code == 202


@pytest.mark.parametrize("token", [None, "", "x", "0" * 43, 43 * "A"])
async def test_links_that_are_none_are_told_the_same(house: House, token: str | None) -> None:
    """Missing, empty, used, expired, of another purpose: one answer."""
    account = await make_account(house)
    used = await link_for(house, account, Purpose.RESET)
    body = {"password": "a new long one"}
    assert (await house.client().post("/auth/reset-password", json=body | {"token": used})).status_code == 204
    other = await link_for(house, account, Purpose.VERIFY, email=account.email)
    tries: list[dict[str, Any]] = [{"token": token}, {}, {"token": used}, {"token": other}]
    answers = [await house.client().post("/auth/reset-password", json=body | each) for each in tries]
    with moved(timedelta(hours=-2)):
        expired = await link_for(house, account, Purpose.RESET)
    answers.append(await house.client().post("/auth/reset-password", json=body | {"token": expired}))
    assert {(answer.status_code, answer.json()["detail"], answer.json()["code"]) for answer in answers} == {
        (400, "This link does not work (any more). Ask for a new one.", "auth.invalid_link")
    }


async def test_a_forgotten_password_is_set_anew_and_ends_every_session(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    tokens = await tokens_for(house, account)
    asked = await house.client().post("/auth/forgot-password", json={"email": account.email})
    unknown = await house.client().post("/auth/forgot-password", json={"email": "nobody@example.org"})
    assert (asked.status_code, asked.text) == (unknown.status_code, unknown.text) == (202, "{}")
    token = await token_in_mail(house, account.email)
    weak = await house.client().post("/auth/reset-password", json={"token": token, "password": "short"})
    assert weak.status_code == 422
    strong = await house.client().post("/auth/reset-password", json={"token": token, "password": "eight red cats"})
    assert strong.status_code == 204
    assert (await anna.get("/auth/me")).status_code == 401
    refresh = await house.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refresh.status_code == 401
    assert (await log_in(house, account.email, PASSWORD)).status_code == 401
    assert (await log_in(house, account.email, "eight red cats")).status_code == 200
    assert (await mails_to(house, account.email))[-1][0].template == "password_changed"
    assert [line.action for line in await audit_lines(house, owner=account.id)][-3:] == [
        "password.reset", "sign_in.failed", "sign_in.succeeded",
    ]  # fmt: skip


async def test_whoever_is_not_active_is_sent_what_helps_them(house: House) -> None:
    sent = {}
    for state in (State.UNVERIFIED, State.INVITED, State.SUSPENDED, State.WAITING):
        account = await make_account(house, state=state)
        answer = await house.client().post("/auth/forgot-password", json={"email": account.email})
        assert answer.status_code == 202
        sent[state.value] = [mail.template for mail, _ in await mails_to(house, account.email)]
    assert sent == {"unverified": ["verify"], "invited": ["invite"], "suspended": [], "waiting": []}


async def test_a_mailbox_is_not_flooded(house: House) -> None:
    account = await make_account(house)
    answers = [await house.client().post("/auth/forgot-password", json={"email": account.email}) for _ in range(12)]
    assert [answer.status_code for answer in answers].count(429) >= 8
    assert len(await mails_to(house, account.email)) <= 4


async def test_a_password_is_changed_by_whoever_knows_it_and_ends_the_other_sessions(house: House) -> None:
    account = await make_account(house)
    anna, phone = await signed_in_browser(house, account), await signed_in_browser(house, account)
    wrong = await anna.post("/auth/change-password", json={"current_password": "x", "new_password": "eight red cats"})
    missing = await anna.post("/auth/change-password", json={"new_password": "eight red cats"})
    weak = await anna.post("/auth/change-password", json={"current_password": PASSWORD, "new_password": "cats"})
    assert [answer.json()["errors"][0]["field"] for answer in (wrong, missing, weak)] == [
        "current_password", "current_password", "new_password",
    ]  # fmt: skip
    right = await anna.post(
        "/auth/change-password", json={"current_password": PASSWORD, "new_password": "eight red cats"}
    )
    assert right.status_code == 204
    assert (await anna.get("/auth/me")).status_code == 200
    assert (await phone.get("/auth/me")).status_code == 401
    assert (await house.events_of(account.id, "session.ended"))[-1]["reason"] == "password"


async def test_a_first_password_needs_no_present_one(house: House) -> None:
    account = await make_account(house, password=None)
    anna = await house.sign_in(account.id)
    answer = await anna.post("/auth/change-password", json={"new_password": "eight red cats"})
    assert answer.status_code == 204
    assert (await log_in(house, account.email, "eight red cats")).status_code == 200


async def test_a_new_address_counts_once_its_mailbox_has_said_so(house: House) -> None:
    account, other = await make_account(house), await make_account(house)
    anna = await signed_in_browser(house, account)
    taken = await anna.patch("/auth/me", json={"email": other.email})
    asked = await anna.patch("/auth/me", json={"email": "anna@new.example"})
    assert (taken.status_code, asked.status_code) == (200, 200)
    assert asked.json()["email"] == taken.json()["email"] == account.email
    assert await mails_to(house, other.email) == []
    token = await token_in_mail(house, "anna@new.example")
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 204
    assert (await anna.get("/auth/me")).json()["email"] == "anna@new.example"
    assert (await mails_to(house, account.email))[-1][0].template == "email_changed"
    assert (await log_in(house, account.email, PASSWORD)).status_code == 401
    assert (await log_in(house, "anna@new.example", PASSWORD)).status_code == 200


async def test_nobody_has_mails_sent_to_all_the_world(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    answers = [await anna.patch("/auth/me", json={"email": f"victim{number}@new.example"}) for number in range(15)]
    assert [answer.status_code for answer in answers].count(429) >= 4
    assert (await anna.patch("/auth/me", json={"name": "Anna Neu"})).status_code == 200


async def test_an_address_that_was_taken_meanwhile_is_not_taken_twice(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    await anna.patch("/auth/me", json={"email": "free@example.org"})
    token = await token_in_mail(house, "free@example.org")
    await make_account(house, email="FREE@example.org")
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 400
    assert (await anna.get("/auth/me")).json()["email"] == account.email


async def test_an_invitation_is_accepted_once(house: House) -> None:
    account = await make_account(house, state=State.INVITED, password=None, is_verified=False)
    async with house.database.system("people") as unit:
        await mails.send_invite(unit, house.kernel, await people.find_person(unit, account.email))
    token = await token_in_mail(house, account.email)
    shown = (await house.client().get(f"/auth/invite/{token}")).json()
    assert (shown["email"], shown["name"], shown["invited_by_name"]) == (account.email, "Anna Muster", None)
    anna = browser(house)
    body = {"name": "Anna M.", "password": "eight red cats", "language": "de", "role": "admin"}
    assert (await anna.post(f"/auth/invite/{token}", json=body | {"password": "x"})).status_code == 422
    answer = await anna.post(f"/auth/invite/{token}", json=body)
    me = anna.takes(answer).http
    assert (answer.json()["me"]["name"], answer.json()["me"]["role"]) == ("Anna M.", "user")
    assert (await me.get("/auth/me")).json()["email_verified"] is True
    assert (await house.client().post(f"/auth/invite/{token}", json=body)).status_code == 400
    assert (await house.client().get(f"/auth/invite/{token}")).status_code == 400


@pytest.fixture
async def real_house(committed_database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_rate_factor": 0}), committed_database) as made:
        yield made


@pytest.mark.parametrize("what", ["reset", "verify", "link"])
async def test_of_32_tries_at_once_one_link_works_once(real_house: House, what: str) -> None:
    account = await make_account(real_house)
    token = await link_for(real_house, account, Purpose(what), email=account.email)
    path = {"reset": "/auth/reset-password", "verify": "/auth/verify", "link": "/auth/link"}[what]

    async def attempt(number: int) -> int:
        client = real_house.client()
        body = {"token": token, "password": f"number {number} of many"}
        return (await client.post(path, json=body)).status_code

    statuses = await asyncio.gather(*(attempt(number) for number in range(32)))
    assert sum(status in {200, 204} for status in statuses) == 1
    assert set(statuses) <= {200, 204, 400, 429}


async def test_of_many_who_register_one_address_at_once_one_is_kept(real_house: House) -> None:
    await configure(real_house, registration="open")
    answers = await asyncio.gather(*(register(real_house, name=f"Otto {number}") for number in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await people.list_people(real_house.database)) == 1


async def test_the_mail_that_confirms_an_address_is_sent_again(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    other = await make_account(house)
    for wanted in ("anna@new.example", other.email):
        await anna.patch("/auth/me", json={"email": wanted})
        # One whom somebody else has looks the same, and gets no mail.
        assert (await anna.get("/auth/me")).json()["pending_email"] == wanted
        again = await anna.post("/auth/resend-verification")
        assert (again.status_code, again.json()) == (202, {})
        assert len(await mails_to(house, wanted)) == (0 if wanted == other.email else 2)
    await anna.patch("/auth/me", json={"email": "anna@new.example"})
    await anna.post("/auth/resend-verification")
    token = await token_in_mail(house, "anna@new.example")
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 204
    me = (await anna.get("/auth/me")).json()
    assert (me["email"], me["email_verified"], me["pending_email"]) == ("anna@new.example", True, None)


async def test_an_own_address_that_was_never_confirmed_is_asked_once_more(house: House) -> None:
    account = await make_account(house, is_verified=False)
    anna = await signed_in_browser(house, account)
    assert (await anna.post("/auth/resend-verification")).status_code == 202
    token = await token_in_mail(house, account.email)
    assert (await anna.get("/auth/me")).json()["pending_email"] is None
    assert (await house.client().post("/auth/verify", json={"token": token})).status_code == 204
    assert (await anna.get("/auth/me")).json()["email_verified"] is True


@pytest.mark.usefixtures("slow_passwords")
async def test_where_nothing_is_to_be_confirmed_the_answer_is_the_same_and_as_slow(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    answers = [await anna.post("/auth/resend-verification") for _ in range(15)]
    assert (answers[0].status_code, answers[-1].status_code) == (202, 429)
    assert await mails_to(house, account.email) == []
