"""The cookie, the CSRF token, origins and content types; sessions as their owner sees and ends them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from kontor.accounts.authentication import AuthenticationMiddleware, SignedIn, still_signed_in
from kontor.core.clock import moved
from kontor.core.settings import Settings
from tests.factories.accounts import Browser, audit_lines, bearer, browser, make_account, signed_in_browser, tokens_for
from tests.factories.house import House

FOREIGN = "https://evil.example"
CHANGE = {"name": "Otto"}


async def test_signing_out_kills_the_session_and_not_only_the_cookie(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    stolen = anna.cookie
    answer = await anna.post("/auth/logout")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert anna.cookie is None
    thief = browser(house)
    thief.http.cookies.set("kontor", stolen or "", domain="localhost")
    assert (await thief.get("/auth/me")).status_code == 401
    assert [line.action for line in await audit_lines(house, owner=account.id)][-1] == "sign_in.ended"


async def test_signing_out_with_a_token_ends_its_family(house: House) -> None:
    tokens = await tokens_for(house, await make_account(house))
    client = house.client(headers=bearer(tokens["access_token"]))
    assert (await client.post("/auth/logout")).status_code == 204
    assert (await client.get("/auth/me")).status_code == 401
    refresh = await house.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert (refresh.status_code, refresh.json()["code"]) == (401, "auth.invalid_refresh_token")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 403, "auth.csrf"),
        ({"X-Kontor-CSRF": ""}, 403, "auth.csrf"),
        ({"X-Kontor-CSRF": "x" * 43}, 403, "auth.csrf"),
        ({"Origin": FOREIGN, "Content-Type": "text/plain"}, 403, "auth.foreign_origin"),
        ({"Origin": "null"}, 403, "auth.foreign_origin"),
        ({"Origin": "http://localhost:8001", "X-Kontor-CSRF": "right"}, 403, "auth.foreign_origin"),
        ({"Origin": "http://localhost:8000.evil.example", "X-Kontor-CSRF": "right"}, 403, "auth.foreign_origin"),
        ({"Origin": "https://localhost:8000", "X-Kontor-CSRF": "right"}, 403, "auth.foreign_origin"),
        ({"Sec-Fetch-Site": "cross-site", "X-Kontor-CSRF": "right"}, 403, "auth.foreign_origin"),
        ({"Sec-Fetch-Site": "same-site", "X-Kontor-CSRF": "right"}, 403, "auth.foreign_origin"),
        ({"Content-Type": "text/plain", "X-Kontor-CSRF": "right"}, 415, "http.json_expected"),
        ({"Content-Type": "application/x-www-form-urlencoded", "X-Kontor-CSRF": "right"}, 415, "http.json_expected"),
        ({"Origin": "http://localhost:8000", "X-Kontor-CSRF": "right"}, 200, None),
        ({"Sec-Fetch-Site": "same-origin", "X-Kontor-CSRF": "right"}, 200, None),
    ],
)
async def test_a_cookie_alone_changes_nothing(
    house: House, headers: dict[str, str], status: int, code: str | None
) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    sent = {"Content-Type": "application/json"} | headers
    if sent.get("X-Kontor-CSRF") == "right":
        sent["X-Kontor-CSRF"] = anna.csrf_token
    answer = await anna.http.patch("/auth/me", content=b'{"name": "Otto"}', headers=sent)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    name = (await anna.get("/auth/me")).json()["name"]
    assert name == ("Otto" if status == 200 else "Anna Muster")
    assert "access-control-allow-origin" not in answer.headers


async def test_the_csrf_token_of_another_session_is_worthless(house: House) -> None:
    account = await make_account(house)
    first, second = await signed_in_browser(house, account), await signed_in_browser(house, account)
    crossed = Browser(first.http, second.csrf_token)
    assert (await crossed.patch("/auth/me", json=CHANGE)).json()["code"] == "auth.csrf"


async def test_a_token_sent_by_hand_needs_no_csrf_token_and_no_cookie_makes_up_for_a_bad_one(house: House) -> None:
    account = await make_account(house)
    tokens = await tokens_for(house, account)
    anna = await signed_in_browser(house, account)
    by_hand = await house.client().patch("/auth/me", json=CHANGE, headers=bearer(tokens["access_token"]))
    assert by_hand.status_code == 200
    for headers in (bearer("x"), bearer(""), {"X-Api-Key": "ktr_x"}, bearer(tokens["access_token"] + "x")):
        assert (await anna.get("/auth/me", headers=headers)).status_code == 401
    assert (await anna.get("/auth/me", headers={"Authorization": "Basic cHJveHk6cHJveHk="})).status_code == 200


@given(st.binary(max_size=400))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_no_bytes_are_a_credential(house: House, raw: bytes) -> None:
    client = house.client()
    header = raw.translate(None, b"\r\n\x00").strip()
    for name, value in (("authorization", b"Bearer " + header), ("cookie", b"kontor=" + header), ("x-api-key", header)):
        answer = await client.get("/auth/me", headers=[(name.encode(), value)])
        assert answer.status_code == 401


async def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    account = await make_account(house)
    body = {"email": account.email, "password": account.password, "cookie": True}
    answer = await house.client().post("/auth/login", json=body, headers={"Origin": FOREIGN})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.foreign_origin")
    by_form = await house.client().post("/auth/login", content=b"{}", headers={"Content-Type": "text/plain"})
    assert by_form.status_code == 415


async def test_a_stale_cookie_is_no_obstacle_to_signing_in_again(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    anna.csrf_token = "forgotten"
    again = await anna.post("/auth/login", json={"email": account.email, "password": account.password, "cookie": True})
    assert again.status_code == 200


async def test_behind_https_the_cookie_is_locked_to_the_host(house: House) -> None:
    account = await make_account(house)
    house.kernel.settings = house.kernel.settings.model_copy(update={"kontor_url": "https://kontor.example"})
    anna = browser(house)
    anna.headers = {"Origin": "https://kontor.example"}
    answer = await anna.post("/auth/login", json={"email": account.email, "password": account.password, "cookie": True})
    kept = answer.headers["set-cookie"]
    assert kept.startswith("__Host-kontor=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(kept.split("; "))
    value = kept.partition(";")[0]
    assert (await house.client().get("/auth/me", headers={"cookie": value})).status_code == 200
    plain = value.removeprefix("__Host-")
    assert (await house.client().get("/auth/me", headers={"cookie": plain})).status_code == 401


async def test_a_session_slides_while_it_is_used_and_ends_for_good(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    for days in range(25, 91, 25):
        with moved(timedelta(days=days)):
            assert (await anna.get("/auth/me")).status_code == 200
    with moved(timedelta(days=89)):
        assert (await anna.get("/auth/me")).status_code == 200
    with moved(timedelta(days=90, minutes=1)):
        assert (await anna.get("/auth/me")).status_code == 401


async def test_an_idle_session_ends(house: House) -> None:
    anna = await signed_in_browser(house, await make_account(house))
    with moved(timedelta(days=30, minutes=1)):
        assert (await anna.get("/auth/me")).status_code == 401


async def test_people_see_their_devices_and_end_them(house: House) -> None:
    account, other = await make_account(house), await make_account(house)
    anna, phone = await signed_in_browser(house, account), await signed_in_browser(house, account)
    tokens = await tokens_for(house, account)
    stranger = await signed_in_browser(house, other)
    items = (await anna.get("/auth/sessions")).json()["items"]
    assert [(item["kind"], item["address"]) for item in items].count(("browser", "192.0.2.7")) == 2
    assert [item["current"] for item in items].count(True) == 1
    assert {"secret", "cookie_hash"}.isdisjoint(items[0])

    phone_id = next(item["id"] for item in (await phone.get("/auth/sessions")).json()["items"] if item["current"])
    hidden, missing = (
        await stranger.delete(f"/auth/sessions/{phone_id}"),
        await stranger.delete(f"/auth/sessions/{uuid4()}"),
    )
    assert (hidden.status_code, hidden.json()["code"]) == (404, "auth.session_not_found")
    assert {**hidden.json(), "request_id": 0} == {**missing.json(), "request_id": 0}
    assert (await anna.delete(f"/auth/sessions/{phone_id}")).status_code == 204
    assert (await anna.delete(f"/auth/sessions/{phone_id}")).status_code == 404
    assert (await phone.get("/auth/me")).status_code == 401
    assert (await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))).status_code == 200

    ended = await anna.delete("/auth/sessions")
    assert ended.json() == {"ended": 1}
    assert (await house.client().get("/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
    assert (await anna.get("/auth/me")).status_code == 200
    assert (await stranger.get("/auth/me")).status_code == 200


async def test_a_list_of_devices_does_not_grow_without_end(house: House) -> None:
    from kontor.accounts import sessions

    account = await make_account(house)
    first = await house.sign_in(account.id)
    for _ in range(sessions.MOST_SESSIONS):
        await house.sign_in(account.id)
    assert (await first.get("/auth/me")).status_code == 401
    newest = await house.sign_in(account.id)
    assert len((await newest.get("/auth/sessions")).json()["items"]) == sessions.MOST_SESSIONS


class Socket:
    """A caller of the middleware by hand: what reached the application, and what was answered."""

    def __init__(self, house: House) -> None:
        self.seen: list[object] = []
        self.sent: list[Message] = []
        self.middleware = AuthenticationMiddleware(self.reached, kernel=house.kernel)

    async def reached(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["kontor.actor"])

    async def knock(self, **headers: str) -> "Socket":
        async def send(message: Message) -> None:
            self.sent.append(message)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        raw = [(name.encode(), value.encode()) for name, value in {"host": "localhost:8000", **headers}.items()]
        scope = {
            "type": "websocket", "path": "/ws/events", "scheme": "ws", "headers": raw, "client": ("192.0.2.7", 1),
        }  # fmt: skip
        await self.middleware(scope, receive, send)
        return self


async def test_a_socket_of_another_site_does_not_get_the_cookie_believed(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    tokens = await tokens_for(house, account)
    cookie = f"kontor={anna.cookie}"
    for headers in ({"cookie": cookie, "origin": FOREIGN}, {"cookie": cookie}, {"origin": "null", "cookie": cookie}):
        refused = await Socket(house).knock(**headers)
        assert refused.seen == []
        assert refused.sent[0]["code"] == 1008
    own = await Socket(house).knock(cookie=cookie, origin="http://localhost:8000")
    by_token = await Socket(house).knock(authorization=f"Bearer {tokens['access_token']}")
    nobody = await Socket(house).knock(origin="http://localhost:8000")
    assert [getattr(found.seen[0], "user_id", None) for found in (own, by_token, nobody)] == [account.id] * 2 + [None]


async def test_an_open_stream_can_ask_whether_it_still_may(house: House) -> None:
    visitor = await house.sign_in((await make_account(house)).id)
    seen = SignedIn(visitor.actor, door=_door(), token_id=None)
    assert await still_signed_in(house.kernel, seen) == seen
    await visitor.post("/auth/logout")
    assert await still_signed_in(house.kernel, seen) is None


def _door() -> Any:
    from kontor.accounts.authentication import Door

    return Door.ACCESS_TOKEN


def test_the_cookie_follows_the_public_address(settings: Settings) -> None:
    from kontor.accounts.cookies import session_cookie_name

    assert session_cookie_name(settings, "http") == "kontor"
    assert session_cookie_name(settings, "https") == session_cookie_name(settings, "wss") == "__Host-kontor"
