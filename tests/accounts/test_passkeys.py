"""Passkeys: made and used with an authenticator in software, and with its lies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from kontor.accounts import people
from kontor.core.clock import moved
from kontor.core.database import Database
from kontor.core.limits.throttle import SignInThrottle
from kontor.core.settings import Settings
from tests.factories.accounts import Browser, audit_lines, browser, make_account, signed_in_browser
from tests.factories.authenticator import PRESENT, Authenticator
from tests.factories.house import House, opened


async def enrol(anna: Browser, device: Authenticator, name: str = "phone") -> Response:
    options = (await anna.post("/auth/passkeys/options")).json()
    return await anna.post("/auth/passkeys", json={"name": name, "credential": device.create(options)})


async def sign_in(house: House, device: Authenticator, **changes: object) -> Response:
    client = browser(house)
    options = (await client.post("/auth/passkeys/sign-in/options")).json()
    return await client.post("/auth/passkeys/sign-in", json={"credential": device.get(options) | changes})


async def test_a_passkey_signs_in_without_an_address(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    device = Authenticator()
    made = await enrol(anna, device)
    assert made.status_code == 201
    assert set(made.json()) == {"id", "name", "created_at", "last_used_at"}
    answer = await sign_in(house, device)
    assert (answer.status_code, answer.json()["me"]["id"]) == (200, str(account.id))
    assert "HttpOnly" in answer.headers["set-cookie"]
    listed = (await anna.get("/auth/passkeys")).json()["items"]
    assert [(item["name"], item["last_used_at"] is None) for item in listed] == [("phone", False)]
    assert (await anna.get("/auth/me")).json()["passkeys"] == 1
    assert [line.action for line in await audit_lines(house, owner=account.id)][1:] == [
        "passkey.added", "sign_in.succeeded",
    ]  # fmt: skip


async def test_the_options_ask_for_a_key_that_is_found_and_verified_by_the_device(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    await enrol(anna, Authenticator())
    options = (await anna.post("/auth/passkeys/options")).json()
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert len(options["excludeCredentials"]) == 1
    asked = (await browser(house).post("/auth/passkeys/sign-in/options")).json()
    assert (asked["userVerification"], asked["allowCredentials"], asked["rpId"]) == ("required", [], "localhost")


LIES: dict[str, Callable[[Authenticator], None]] = {
    "another origin": lambda device: setattr(device, "origin", "http://localhost:8001"),
    "https instead": lambda device: setattr(device, "origin", "https://localhost:8000"),
    "a page elsewhere": lambda device: setattr(device, "origin", "http://evil.example"),
    "another site's key": lambda device: setattr(device, "rp_id", "evil.example"),
    "nobody verified": lambda device: setattr(device, "flags", PRESENT),
    "nobody there": lambda device: setattr(device, "flags", 0),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_key_that_was_not_made_for_us_is_refused(house: House, lie: str) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    device = Authenticator()
    LIES[lie](device)
    answer = await enrol(anna, device)
    assert (answer.status_code, answer.json()["code"]) == (400, "auth.passkey_refused")


@pytest.mark.parametrize("lie", LIES)
async def test_an_answer_that_was_not_given_to_us_is_refused(house: House, lie: str) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    device = Authenticator()
    assert (await enrol(anna, device)).status_code == 201
    LIES[lie](device)
    assert (await sign_in(house, device)).json()["code"] == "auth.passkey_refused"


async def test_another_key_under_the_same_name_is_refused(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    device = Authenticator()
    await enrol(anna, device)
    forged = Authenticator(credential_id=device.credential_id, user_handle=device.user_handle, sign_count=9)
    assert (await sign_in(house, forged)).status_code == 400
    assert (await sign_in(house, Authenticator())).status_code == 400
    stranger = await signed_in_browser(house, await make_account(house))
    assert (await enrol(stranger, Authenticator(credential_id=device.credential_id))).status_code == 400
    device.user_handle = uuid4().bytes
    assert (await sign_in(house, device)).status_code == 400


async def test_a_copied_key_is_told_by_its_count(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    device = Authenticator()
    await enrol(anna, device)
    assert (await sign_in(house, device)).status_code == 200
    assert (await sign_in(house, device)).status_code == 200
    device.sign_count = 0
    assert (await sign_in(house, device)).status_code == 400
    never_counts = Authenticator(counts=False)
    await enrol(anna, never_counts, "ring")
    assert [(await sign_in(house, never_counts)).status_code for _ in range(2)] == [200, 200]


async def test_each_challenge_is_answered_once_in_time_and_by_whom_it_was_given(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    stranger = await signed_in_browser(house, await make_account(house))
    device = Authenticator()
    options = (await anna.post("/auth/passkeys/options")).json()
    crossed = await stranger.post("/auth/passkeys", json={"name": "x", "credential": device.create(options)})
    assert crossed.status_code == 400
    again = await anna.post("/auth/passkeys", json={"name": "x", "credential": device.create(options)})
    assert again.status_code in {201, 400}
    await enrol(anna, device)
    client = browser(house)
    asked = (await client.post("/auth/passkeys/sign-in/options")).json()
    answer = device.get(asked)
    assert (await client.post("/auth/passkeys/sign-in", json={"credential": answer})).status_code == 200
    assert (await client.post("/auth/passkeys/sign-in", json={"credential": answer})).status_code == 400
    late = (await client.post("/auth/passkeys/sign-in/options")).json()
    with moved(timedelta(minutes=11)):
        refused = await client.post("/auth/passkeys/sign-in", json={"credential": device.get(late)})
        assert refused.status_code == 400
    as_new = (await client.post("/auth/passkeys/sign-in/options")).json() | {"user": options["user"]}
    crossed = await anna.post("/auth/passkeys", json={"name": "x", "credential": Authenticator().create(as_new)})
    assert crossed.status_code == 400


async def test_a_removed_key_and_a_suspended_person_stay_out(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    stranger = await signed_in_browser(house, await make_account(house))
    first, second = Authenticator(), Authenticator()
    first_id = (await enrol(anna, first)).json()["id"]
    await enrol(anna, second)
    assert (await stranger.delete(f"/auth/passkeys/{first_id}")).status_code == 404
    assert (await anna.delete(f"/auth/passkeys/{first_id}")).status_code == 204
    assert (await sign_in(house, first)).status_code == 400
    async with house.database.system("people") as unit:
        await people.suspend(unit, account.id)
    assert (await sign_in(house, second)).json()["code"] == "auth.not_active"


async def test_bare_addresses_have_no_passkeys(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    house.kernel.settings = house.kernel.settings.model_copy(update={"kontor_url": "http://192.0.2.1:8000"})
    answer = await anna.post("/auth/passkeys/options")
    assert (answer.status_code, answer.json()["code"]) == (409, "auth.passkeys_unavailable")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True, slots=True)
class Enrolled:
    house: House
    anna: Browser
    device: Authenticator

    def unthrottled(self) -> Browser:
        """Every example begins as if nobody had tried before."""
        self.house.kernel.throttle = SignInThrottle.of(self.house.kernel.settings)
        return self.anna


@pytest.fixture
async def enrolled(database: Database, settings: Settings) -> AsyncIterator[Enrolled]:
    async with opened(settings.model_copy(update={"kontor_rate_factor": 0}), database) as made:
        anna, device = await signed_in_browser(made, await make_account(made)), Authenticator()
        assert (await enrol(anna, device)).status_code == 201
        yield Enrolled(made, anna, device)


@given(junk=JUNK, where=st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "attestationObject"]))
@how(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_nonsense_is_refused_and_never_raises(enrolled: Enrolled, junk: Any, where: str) -> None:
    anna = enrolled.unthrottled()
    options = (await anna.post("/auth/passkeys/options")).json()
    credential = Authenticator().create(options)
    (credential if where in credential else credential["response"])[where] = junk
    answer = await anna.post("/auth/passkeys", json={"name": "x", "credential": credential})
    assert answer.status_code in {400, 422}
    asked = (await anna.post("/auth/passkeys/sign-in/options")).json()
    answered = Authenticator().get(asked)
    (answered if where in answered else answered["response"])[where] = junk
    answer = await anna.post("/auth/passkeys/sign-in", json={"credential": answered})
    assert answer.status_code in {400, 422}


@given(at=st.integers(0, 400), by=st.sampled_from("AZaz09-_"))
@how(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_no_bent_answer_signs_anybody_in(enrolled: Enrolled, at: int, by: str) -> None:
    anna = enrolled.unthrottled()
    options = (await anna.post("/auth/passkeys/sign-in/options")).json()
    answered = enrolled.device.get(options)
    for part in ("authenticatorData", "signature", "clientDataJSON"):
        whole = answered["response"][part]
        place = at % (len(whole) - 1)  # the last letter holds bits that mean nothing
        bent = whole[:place] + by + whole[place + 1 :]
        if bent != whole:
            credential = {**answered, "response": {**answered["response"], part: bent}}
            answer = await anna.post("/auth/passkeys/sign-in", json={"credential": credential})
            assert answer.status_code == 400


@pytest.fixture
async def real_house(committed_database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_rate_factor": 0}), committed_database) as made:
        yield made


async def test_of_many_who_send_one_answer_at_once_one_comes_in(real_house: House) -> None:
    anna = await signed_in_browser(real_house, await make_account(real_house))
    device = Authenticator()
    await enrol(anna, device)
    options = (await anna.post("/auth/passkeys/sign-in/options")).json()
    credential = device.get(options)

    async def attempt() -> int:
        return (await browser(real_house).post("/auth/passkeys/sign-in", json={"credential": credential})).status_code

    statuses = await asyncio.gather(*(attempt() for _ in range(16)))
    assert statuses.count(200) == 1
