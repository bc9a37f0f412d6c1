"""Sign-in by a provider that speaks OpenID Connect over real sockets: the way there, the way back, and lies."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from httpx import Response
from pydantic import SecretStr

from kontor.accounts import configuration, oidc, people
from kontor.accounts.people import State
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.settings import Settings
from tests.factories.accounts import Browser, audit_lines, browser, make_account
from tests.factories.house import House, opened
from tests.wire.oidc import CLIENT_ID, CLIENT_SECRET, NOT_THERE, OidcServer, oidc_server

AWAY = "/login?error=auth.provider_away"
OTTO = {"sub": "otto-7", "email": "otto@example.org", "email_verified": True, "name": "Otto Normal"}


@pytest.fixture
async def provider() -> AsyncIterator[OidcServer]:
    async with oidc_server() as made:
        made.claims = dict(OTTO)
        yield made


@pytest.fixture
async def house(database: Database, settings: Settings, provider: OidcServer) -> AsyncIterator[House]:
    changed = {
        "oidc_issuer": provider.url + "/",
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
        "oidc_label": "Our house",
        "kontor_url": "http://localhost:8000",
    }
    async with opened(settings.model_copy(update=changed), database) as made:
        yield made


async def configure(house: House, **changes: object) -> None:
    async with house.database.system("configuration") as unit:
        await configuration.write(unit, dict(changes))


async def leave(someone: Browser, **query: str) -> str:
    """To the provider, through its page, and back with a code: what the browser is asked to open next."""
    answer = await someone.get("/auth/oidc/oidc", params=query)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    async with aiohttp.ClientSession() as client, client.get(address, allow_redirects=False) as page:
        assert page.status == 302
        return page.headers["location"]


async def come_back(someone: Browser, address: str) -> Response:
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == "http://localhost:8000"
    return await someone.get(parts.path.removeprefix("/api/v1"), params=parse_qs(parts.query))


async def sign_in(house: House, **query: str) -> tuple[Browser, Response]:
    someone = browser(house)
    return someone, await come_back(someone, await leave(someone, **query))


async def test_the_button_is_offered(house: House) -> None:
    offered = (await house.client().get("/installation")).json()["oidc"]
    assert offered == [{"id": "oidc", "label": "Our house"}]
    assert (await house.client().get("/auth/oidc/other")).status_code == 404


async def test_new_people_come_in_where_registration_is_open(house: House, provider: OidcServer) -> None:
    await configure(house, registration="open")
    otto, answer = await sign_in(house)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = (await otto.get("/auth/me")).json()
    assert (me["email"], me["name"], me["email_verified"], me["has_password"]) == (
        "otto@example.org", "Otto Normal", True, False,
    )  # fmt: skip
    again, _ = await sign_in(house)
    assert (await again.get("/auth/me")).json()["id"] == me["id"]
    assert provider.requests.count("token") == 2


async def test_the_subject_counts_and_not_the_address(house: House, provider: OidcServer) -> None:
    await configure(house, registration="open")
    otto, _ = await sign_in(house)
    mine = (await otto.get("/auth/me")).json()["id"]
    provider.claims["email"] = "otto@elsewhere.example"
    moved_on, _ = await sign_in(house)
    assert (await moved_on.get("/auth/me")).json()["id"] == mine
    provider.claims |= {"sub": "other-8", "email": "otto@example.org"}
    await configure(house, registration="closed")
    third, _ = await sign_in(house)
    assert (await third.get("/auth/me")).json()["id"] == mine


async def test_an_account_is_bound_by_an_address_that_both_sides_have_verified(house: House) -> None:
    account = await make_account(house, email="OTTO@example.org")
    otto, answer = await sign_in(house)
    assert answer.headers["location"] == "/"
    assert (await otto.get("/auth/me")).json()["id"] == str(account.id)
    assert len(await audit_lines(house, owner=account.id, action="provider.linked")) == 1


@pytest.mark.parametrize("value", [False, None, "true", 1, NOT_THERE])
async def test_an_address_that_the_provider_has_not_verified_binds_nothing(
    house: House, provider: OidcServer, value: object
) -> None:
    await configure(house, registration="open")
    await make_account(house, email="otto@example.org")
    provider.lies = {"email_verified": value}
    otto, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.oidc_email_unverified"
    assert (await otto.get("/auth/me")).status_code == 401


async def test_an_account_whose_address_was_never_verified_is_not_handed_over(house: House) -> None:
    """Somebody may have laid it in the way of whoever owns the address."""
    await configure(house, registration="open")
    await make_account(house, email="otto@example.org", is_verified=False)
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.oidc_email_unverified"


@pytest.mark.parametrize("address", ["\u017fam@example.org", "\uff53am@example.org"])
async def test_an_address_that_only_looks_like_another_is_not_given_its_account(
    house: House, provider: OidcServer, address: str
) -> None:
    await make_account(house, email="sam@example.org")
    provider.claims["email"] = address
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.oidc_email_unverified"


async def test_where_registration_is_closed_only_known_people_come_in(house: House) -> None:
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.registration_closed"
    assert await people.list_people(house.database) == []


async def test_by_approval_they_are_kept_and_wait(house: House) -> None:
    await configure(house, registration="approval")
    for _ in range(2):
        otto, answer = await sign_in(house)
        assert answer.headers["location"] == "/login?error=auth.not_active"
        assert (await otto.get("/auth/me")).status_code == 401
    assert [person.state for person in await people.list_people(house.database)] == [State.WAITING]


async def test_people_of_other_domains_do_not_register_this_way_either(house: House) -> None:
    await configure(house, registration="open", allowed_domains=["example.com"])
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.registration_closed"


async def test_whoever_is_suspended_stays_out(house: House) -> None:
    account = await make_account(house, email="otto@example.org", state=State.SUSPENDED)
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.not_active"
    assert await audit_lines(house, owner=account.id, action="sign_in.succeeded") == []


LIES: list[dict[str, Any]] = [
    {"iss": "https://elsewhere.example"},
    {"iss": NOT_THERE},
    {"aud": "somebody else"},
    {"aud": NOT_THERE},
    {"aud": [CLIENT_ID, "somebody else"]},
    {"nonce": "another"},
    {"nonce": NOT_THERE},
    {"exp": int(now().timestamp()) - 3600},
    {"exp": NOT_THERE},
    {"nbf": int(now().timestamp()) + 3600},
    {"sub": NOT_THERE},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 256},
    {"sub": "a\nb"},
]


@pytest.mark.parametrize("lies", LIES)
async def test_an_id_token_that_is_not_for_us_is_refused(
    house: House, provider: OidcServer, lies: dict[str, Any]
) -> None:
    await configure(house, registration="open")
    provider.lies = lies
    otto, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.oidc_refused"
    assert (await otto.get("/auth/me")).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "stranger"])
async def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    house: House, provider: OidcServer, algorithm: str
) -> None:
    await configure(house, registration="open")
    provider.is_signed_by_stranger = algorithm == "stranger"
    provider.algorithm = "RS256" if provider.is_signed_by_stranger else algorithm
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/login?error=auth.oidc_refused"


async def test_other_keys_and_other_ways_to_prove_the_client_work_too(house: House, provider: OidcServer) -> None:
    await configure(house, registration="open")
    provider.algorithm = "ES256"
    provider.auth_methods = ["client_secret_post"]
    provider.lies = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/"


async def test_the_way_back_belongs_to_the_browser_that_left_and_works_once(house: House) -> None:
    await configure(house, registration="open")
    otto, thief = browser(house), browser(house)
    address = await leave(otto)
    refused = await come_back(thief, address)
    assert refused.headers["location"] == "/login?error=auth.oidc_refused"
    await leave(thief)
    assert (await come_back(thief, address)).headers["location"] == "/login?error=auth.oidc_refused"
    state = otto.http.cookies.get("kontor-sign-in") or ""
    assert (await come_back(otto, address)).headers["location"] == "/"
    otto.http.cookies.set("kontor-sign-in", state, domain="localhost", path="/api/v1/auth/oidc")
    assert (await come_back(otto, address)).headers["location"] == "/login?error=auth.oidc_refused"


async def test_who_takes_too_long_begins_again(house: House) -> None:
    await configure(house, registration="open")
    otto = browser(house)
    address = await leave(otto)
    with moved(timedelta(minutes=11)):
        assert (await come_back(otto, address)).headers["location"] == "/login?error=auth.oidc_refused"


@pytest.mark.parametrize("query", ["", "?error=access_denied&state=x", "?code=x", "?state=x", "?code=x&state=x"])
async def test_other_answers_end_on_the_sign_in_page(house: House, query: str) -> None:
    answer = await house.client().get(f"/auth/oidc/oidc/callback{query}")
    assert answer.headers["location"] == "/login?error=auth.oidc_refused"


async def test_a_provider_that_is_away_is_said_to_be(house: House, provider: OidcServer) -> None:
    await configure(house, registration="open")
    provider.token_status = 503
    assert (await sign_in(house))[1].headers["location"] == AWAY
    provider.token_status = 200
    provider.token_padding_bytes = oidc.MOST_BYTES
    assert (await sign_in(house))[1].headers["location"] == AWAY
    provider.token_padding_bytes = 0
    for number, lie in enumerate(({"issuer": "https://elsewhere.example"}, {"token_endpoint": "not an address"}), 1):
        provider.discovery_lies = lie
        with moved(number * oidc.DISCOVERED_FOR):
            assert (await house.client().get("/auth/oidc/oidc")).headers["location"] == AWAY
    house.kernel.settings = house.kernel.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    assert (await house.client().get("/auth/oidc/oidc")).headers["location"] == AWAY


async def test_the_provider_is_not_asked_for_everybody_who_opens_the_page(house: House, provider: OidcServer) -> None:
    for _ in range(5):
        assert (await house.client().get("/auth/oidc/oidc")).status_code == 303
    assert provider.requests == ["discovery"]


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/settings/keys?x=1#bindings", "/settings/keys?x=1#bindings"),
        ("/documents/%C3%9Cbersicht", "/documents/%C3%9Cbersicht"),
        ("/search?q=https://example.org/a//b", "/search?q=https://example.org/a//b"),
        ("/apiary", "/apiary"),
        ("", "/"),
        ("settings", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("/ /evil.example", "/"),
        ("/.//evil.example", "/"),
        ("/%2e//evil.example", "/"),
        ("/a/..//evil.example", "/"),
        ("/a/%2E%2e/", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/\u202eevil", "/"),
        ("/api/v1/auth/verify?token=x", "/"),
        ("/" + "x" * 2000, "/"),
    ],
)
async def test_people_arrive_where_they_wanted_to_go_and_never_elsewhere(house: House, wanted: str, page: str) -> None:
    await make_account(house, email="otto@example.org")
    _, answer = await sign_in(house, next=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, page)


async def test_a_provider_is_asked_for_a_proof_and_its_word_on_the_time_counts(
    house: House, provider: OidcServer
) -> None:
    await make_account(house, email="otto@example.org", password=None)
    asked = parse_qs(urlsplit((await browser(house).get("/auth/oidc/oidc?fresh=1")).headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    make = {"name": "Script", "scopes": ["account:read"]}

    # Somebody who leaves `prompt` out has the provider let them in by what it remembers.
    provider.claims["auth_time"] = int(now().timestamp()) - 3600
    otto, _ = await sign_in(house, fresh="1")
    me = (await otto.get("/auth/me")).json()
    otto.csrf_token = me["csrf_token"]
    refused = await otto.post("/auth/tokens", json=make)
    assert (refused.json()["code"], refused.json()["methods"]) == ("auth.proof_needed", ["provider"])

    provider.claims["auth_time"] = int(now().timestamp())
    otto, _ = await sign_in(house, fresh="1")
    otto.csrf_token = (await otto.get("/auth/me")).json()["csrf_token"]
    assert (await otto.post("/auth/tokens", json=make)).status_code == 201


@pytest.mark.parametrize("told", [True, "yesterday", -1, 10**30, None])
async def test_a_time_that_is_none_is_not_believed_to_be_one(house: House, provider: OidcServer, told: object) -> None:
    await make_account(house, email="otto@example.org")
    provider.claims["auth_time"] = told
    _, answer = await sign_in(house)
    assert answer.headers["location"] == "/"
