"""The first run: a printed link, the first screens, the first administrator from the environment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from httpx import Response
from pydantic import SecretStr

from kontor.accounts import installation, people
from kontor.accounts.installation import FirstAdminInvalid, create_login_link, ensure_first_admin
from kontor.accounts.people import State
from kontor.core.clock import moved
from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.factories.accounts import Browser, browser, mails_to, make_account
from tests.factories.house import House, opened

FIRST = {
    "name": "Hanna Haus",
    "language": "de",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "theme": "dark",
}


@pytest.fixture
async def alone(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_kind": "single"}), database) as made:
        yield made


async def follow(house: House, link: str | None) -> tuple[Browser, Response]:
    parts = urlsplit(link or "")
    assert (parts.path, parts.query) == ("/login/link", "")
    owner = browser(house)
    return owner, await owner.post("/auth/link", json={"token": parts.fragment.removeprefix("token=")})


async def owner_of(house: House) -> Browser:
    owner, answer = await follow(house, await create_login_link(house.kernel))
    return owner.takes(answer)


async def test_the_printed_link_signs_the_owner_in_once(alone: House) -> None:
    link = await create_login_link(alone.kernel)
    assert link is not None
    assert link.startswith("http://127.0.0.1:8000/login/link#token=")
    owner, answer = await follow(alone, link)
    owner.takes(answer)
    me = answer.json()["me"]
    assert (me["role"], me["email"], me["has_password"], me["must_set_up"]) == ("admin", None, False, True)
    items = (await owner.get("/auth/sessions")).json()["items"]
    assert [item["kind"] for item in items] == ["link"]
    _, again = await follow(alone, link)
    assert (again.status_code, again.json()["code"]) == (400, "auth.invalid_link")


async def test_a_new_link_makes_the_one_before_worthless_and_each_ends_in_time(alone: House) -> None:
    old, new = await create_login_link(alone.kernel), await create_login_link(alone.kernel)
    assert (await follow(alone, old))[1].status_code == 400
    with moved(timedelta(minutes=59)):
        assert (await follow(alone, new))[1].status_code == 200
    with moved(timedelta(hours=-2)):
        late = await create_login_link(alone.kernel)
    assert (await follow(alone, late))[1].status_code == 400


async def test_there_is_one_owner_however_often_it_starts(alone: House) -> None:
    for _ in range(3):
        await create_login_link(alone.kernel)
    assert [person.role for person in await people.list_people(alone.database)] == [Role.ADMIN]


async def test_what_anybody_may_know_before_signing_in(alone: House, house: House) -> None:
    await ensure_first_admin(alone.kernel)
    assert (await alone.client().get("/installation")).json() == {
        "name": "Kontor",
        "kind": "single",
        "version": "0.1.0",
        "registration": "closed",
        "setup_needed": True,
        "password_sign_in": False,
        "oidc": [],
        "languages": ["de", "en"],
        "mail_configured": False,
        "passwordless_loopback": True,
        "owners_see_full_access": True,
    }
    shared = (await house.client().get("/installation")).json()
    assert (shared["kind"], shared["password_sign_in"], shared["passwordless_loopback"]) == ("multi", True, False)


async def test_the_first_screens_are_filled_in_once(alone: House) -> None:
    owner = await owner_of(alone)
    answer = await owner.post("/setup", json=FIRST)
    me = answer.json()
    assert (answer.status_code, me["name"], me["must_set_up"], me["has_password"]) == (200, "Hanna Haus", False, False)
    kept = {name: me["settings"][name] for name in ("language", "timezone", "currency", "theme")}
    assert kept == {name: value for name, value in FIRST.items() if name != "name"}
    assert (await alone.client().get("/installation")).json()["setup_needed"] is False
    again = await owner.post("/setup", json=FIRST)
    assert (again.status_code, again.json()["code"]) == (409, "setup.done")
    assert (await alone.client().post("/setup", json=FIRST)).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"currency": "XXX"}, "currency"),
        ({"theme": "pink"}, "theme"),
        ({"password": "short"}, "password"),
        ({"email": "hanna"}, "email"),
        ({"name": " "}, "name"),
    ],
)
async def test_what_cannot_be_set_names_its_field_and_leaves_the_setup_open(
    alone: House, change: dict[str, str], field: str
) -> None:
    owner = await owner_of(alone)
    answer = await owner.post("/setup", json=FIRST | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await owner.get("/auth/me")).json()["must_set_up"] is True


async def test_a_password_is_the_owners_choice_and_needs_no_address(alone: House) -> None:
    owner = await owner_of(alone)
    await owner.post("/setup", json=FIRST | {"password": "eight red cats"})
    assert (await alone.client().get("/installation")).json()["password_sign_in"] is True
    for typed in ("", "owner", "hanna@example.org"):
        right = await alone.client().post("/auth/login", json={"email": typed, "password": "eight red cats"})
        assert right.status_code == 200
    wrong = await alone.client().post("/auth/login", json={"email": "", "password": "five tame ducks"})
    assert wrong.status_code == 401


async def test_who_guesses_the_owners_password_under_many_names_is_slowed_down_as_under_one(alone: House) -> None:
    owner = await owner_of(alone)
    await owner.post("/setup", json=FIRST | {"password": "eight red cats"})
    guesses = [
        await alone.client().post("/auth/login", json={"email": f"owner{number}@example.org", "password": "wrong one"})
        for number in range(20)
    ]
    assert [answer.status_code for answer in guesses].count(429) >= 5


async def test_an_address_given_at_setup_still_has_to_be_verified(alone: House) -> None:
    owner = await owner_of(alone)
    me = (await owner.post("/setup", json=FIRST | {"email": "hanna@example.org"})).json()
    assert (me["email"], me["email_verified"]) == ("hanna@example.org", False)
    assert [mail.template for mail, _ in await mails_to(alone, "hanna@example.org")] == ["verify"]


async def test_with_people_the_first_administrator_comes_from_the_environment(house: House) -> None:
    changes = {"admin_email": "Boss@Example.org", "admin_password": SecretStr("eight red cats")}
    house.kernel.settings = house.kernel.settings.model_copy(update=changes)
    for _ in range(2):
        assert await create_login_link(house.kernel) is None
    assert [(each.email, each.role) for each in await people.list_people(house.database)] == [
        ("Boss@Example.org", Role.ADMIN)
    ]
    answer = await house.client().post("/auth/login", json={"email": "boss@example.org", "password": "eight red cats"})
    assert answer.status_code == 200


@pytest.mark.parametrize(("email", "password"), [("boss", "eight red cats"), ("boss@example.org", "passwort123")])
async def test_a_first_administrator_who_cannot_be_made_is_said_at_start(
    house: House, email: str, password: str
) -> None:
    changes = {"admin_email": email, "admin_password": SecretStr(password)}
    house.kernel.settings = house.kernel.settings.model_copy(update=changes)
    with pytest.raises(FirstAdminInvalid) as refused:
        await ensure_first_admin(house.kernel)
    assert password not in refused.value.message


async def test_with_people_and_no_administrator_the_link_is_for_the_first_one(house: House) -> None:
    owner, answer = await follow(house, await create_login_link(house.kernel))
    owner.takes(answer)
    without = await owner.post("/setup", json=FIRST | {"email": "hanna@example.org"})
    assert without.json()["errors"][0]["field"] == "password"
    nameless = await owner.post("/setup", json=FIRST | {"password": "eight red cats"})
    assert nameless.json()["errors"][0]["field"] == "email"
    done = await owner.post("/setup", json=FIRST | {"email": "hanna@example.org", "password": "eight red cats"})
    assert done.status_code == 200
    assert await create_login_link(house.kernel) is None


async def test_where_there_is_an_administrator_no_link_is_printed(house: House) -> None:
    await make_account(house, role=Role.ADMIN)
    assert await create_login_link(house.kernel) is None
    assert len(await people.list_people(house.database)) == 1


async def test_a_suspended_administrator_is_no_reason_for_a_new_one(house: House) -> None:
    await make_account(house, role=Role.ADMIN, state=State.SUSPENDED)
    assert await create_login_link(house.kernel) is None
    assert len(await people.list_people(house.database)) == 1


async def test_somebody_who_is_no_administrator_sets_nothing_up(house: House) -> None:
    visitor = await house.visitor()
    answer = await visitor.post("/setup", json=FIRST)
    assert (answer.status_code, answer.json()["code"]) == (409, "setup.done")


async def test_of_many_processes_that_start_at_once_one_makes_the_owner(
    committed_database: Database, settings: Settings
) -> None:
    async with opened(settings.model_copy(update={"kontor_kind": "single"}), committed_database) as real:
        await asyncio.gather(*(ensure_first_admin(real.kernel) for _ in range(8)))
        assert len(await people.list_people(real.database)) == 1
        assert installation.OWNER_NAME in {person.name for person in await people.list_people(real.database)}
