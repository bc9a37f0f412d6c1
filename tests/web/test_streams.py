"""Streams over real sockets: nothing is missed, nobody hears what is not theirs, and whoever may not stays not."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets
from sqlalchemy import delete, update

from kontor.accounts.opaque import digest, new_personal_token
from kontor.accounts.tables import Person, PersonalToken, Session
from kontor.core.clock import now
from kontor.core.events.publishing import ADMIN_TOPIC, EVERYONE_TOPIC, person_topic, publish
from kontor.core.http.streaming import Beat, Frame
from kontor.core.ids import UserId, new_id
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Kind, NoArgs
from kontor.core.tenancy import Identity, Role, Scope
from kontor.gateway import known
from kontor.web import streams
from kontor.web.streams import as_sse
from tests.web.conftest import Live, SignedInPerson, eventually


class Reader:
    """Frames of one answer that stays open."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.position: str | None = None

    async def begin(self) -> None:
        """The first beat says from where on nothing is missed."""
        async with asyncio.timeout(8):
            while self.position is None:
                name, _, value = (await anext(self._lines)).partition(": ")
                self.position = value if name == "id" else None

    async def next(self, *, seconds: float = 8) -> tuple[str, Any]:
        kind, data = "", None
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.position = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                elif line == "" and kind:
                    return kind, data
        return "closed", None

    async def until(self, kind: str, *, seconds: float = 8) -> Any:
        while True:
            found, data = await self.next(seconds=seconds)
            if found == kind:
                return data
            assert found != "closed", f"The stream ended before {kind} came."


@asynccontextmanager
async def listening(live: Live, person: SignedInPerson, *, after: str | None = None) -> AsyncIterator[Reader]:
    headers = person.headers | ({"Last-Event-ID": after} if after else {})
    async with live.client() as client, client.stream("GET", "/api/v1/events", headers=headers) as response:
        assert response.status_code == 200
        reader = Reader(response)
        await anext(reader._lines)  # retry
        await eventually(lambda: live.state.streams.count > 0)
        if after is None:
            await reader.begin()
        yield reader


async def tell(live: Live, user_id: UserId, kind: str = "desk.changed", **data: Any) -> None:
    async with live.database.system("test") as unit:
        await publish(unit, topic=person_topic(user_id), kind=kind, data=data)


async def test_what_happens_to_me_arrives_and_what_happens_to_others_does_not(live: Live) -> None:
    ada, eve = await live.sign_in(), await live.sign_in()
    async with listening(live, ada) as reader:
        await tell(live, eve.id, number=1)
        await tell(live, ada.id, number=2)
        data = await reader.until("desk.changed")
    assert data["data"] == {"number": 2}
    assert data["topic"] == person_topic(ada.id)
    assert reader.response.headers["cache-control"] == "no-store, no-transform"
    assert reader.response.headers["x-accel-buffering"] == "no"


async def test_after_an_interruption_a_reader_goes_on_where_it_was(live: Live) -> None:
    ada = await live.sign_in()
    async with listening(live, ada) as reader:
        await tell(live, ada.id, number=1)
        await reader.until("desk.changed")
        position = reader.position
    for number in (2, 3):
        await tell(live, ada.id, number=number)
    async with listening(live, ada, after=position) as reader:
        assert [(await reader.until("desk.changed"))["data"]["number"] for _ in range(2)] == [2, 3]


async def test_only_administrators_hear_what_is_for_administrators(live: Live) -> None:
    ada, boss = await live.sign_in(), await live.sign_in(Role.ADMIN)
    async with listening(live, ada) as reader, listening(live, boss) as their_reader:
        async with live.database.system("test") as unit:
            await publish(unit, topic=ADMIN_TOPIC, kind="people.changed", data={})
        await their_reader.until("people.changed")
        await tell(live, ada.id)
        assert (await reader.next())[0] == "desk.changed"


async def test_managers_hear_that_somebody_changed_and_not_who(live: Live) -> None:
    chief, ada = await live.sign_in(Role.MANAGER), await live.sign_in()
    async with listening(live, chief) as reader, live.client() as client:
        async with live.database.system("test") as unit:
            await publish(unit, topic=ADMIN_TOPIC, kind="jobs.changed", data={"jobs": [], "count": 0})
        answer = await client.post(f"/api/v1/admin/users/{ada.id}/suspend", headers=chief.headers)
        assert answer.status_code == 200, answer.text
        kind, data = await reader.next()
        assert (kind, data["topic"], data["data"]) == ("people.changed", "managers", {})


async def test_everybody_hears_that_the_models_of_the_house_changed_and_nothing_more(live: Live) -> None:
    boss, ada, eve = await live.sign_in(Role.ADMIN), await live.sign_in(), await live.sign_in()
    async with listening(live, boss) as theirs, listening(live, ada) as reader, live.client() as client:
        async with live.database.system("test") as unit:
            await known.tell(unit, eve.id)  # of keys of her own
            await publish(unit, topic=ADMIN_TOPIC, kind="mail.shown", data={})
        answer = await client.put("/api/v1/admin/llm-config", json={"default_model": "local"}, headers=boss.headers)
        assert answer.status_code == 200, answer.text
        kind, data = await reader.next()
        assert (kind, data["topic"], data["data"]) == ("models.changed", EVERYONE_TOPIC, {})
        assert [(await theirs.next())[0] for _ in range(2)] == ["mail.shown", "models.changed"]


async def test_administrators_hear_of_jobs_that_people_put_down_and_cancel(live: Live) -> None:
    ada, boss = await live.sign_in(), await live.sign_in(Role.ADMIN)
    async with live.database.unit(Identity(Scope.PERSON, ada.id)) as unit:
        job_id = await enqueue(unit, Kind("test.work", NoArgs, "Holiday"), NoArgs(), owner_id=ada.id)
    async with listening(live, boss) as reader, live.client() as client:
        answer = await client.post(f"/api/v1/jobs/{job_id}/cancel", headers=ada.headers)
        assert answer.status_code == 200, answer.text
        data = (await reader.until("jobs.changed"))["data"]
    assert [(job["id"], job["state"]) for job in data["jobs"]] == [(str(job_id), "cancelled")]
    assert "Holiday" not in json.dumps(data)


async def test_who_is_no_administrator_any_more_hears_nothing_of_theirs_wherever_they_go_on(live: Live) -> None:
    boss = await live.sign_in(Role.ADMIN)
    async with listening(live, boss) as reader:
        position = reader.position
        await demote(live, boss)
        assert await reader.until("stream.end", seconds=5) == {"reason": "rights_changed"}
    async with live.database.system("test") as unit:
        await publish(unit, topic=ADMIN_TOPIC, kind="people.changed", data={})
    async with listening(live, boss, after=position) as reader:
        assert (await reader.next())[0] == "reset"  # the place was one in other topics
        await tell(live, boss.id)
        assert (await reader.next())[0] == "desk.changed"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}])
async def test_nobody_listens_without_signing_in(live: Live, header: dict[str, str]) -> None:
    async with live.client() as client:
        answer = await client.get("/api/v1/events", headers=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with websockets.connect(f"ws://127.0.0.1:{live.port}/ws/events", additional_headers=header):
            pass
    assert caught.value.response.status_code == 401


async def end_session(live: Live, person: SignedInPerson) -> None:
    async with live.database.system("test") as unit:
        ended = update(Session).where(Session.id == person.session_id).values(ended_at=now(), ended_reason="logout")
        await unit.execute(ended)


async def suspend(live: Live, person: SignedInPerson) -> None:
    async with live.database.system("test") as unit:
        await unit.execute(update(Person).where(Person.id == person.id).values(state="suspended", suspended_at=now()))


async def demote(live: Live, person: SignedInPerson) -> None:
    async with live.database.system("test") as unit:
        await unit.execute(update(Person).where(Person.id == person.id).values(role="user"))


@pytest.mark.parametrize(
    ("deed", "reason", "code"),
    [
        (end_session, "session_ended", 4401),
        (suspend, "session_ended", 4401),
        (demote, "rights_changed", 4403),
    ],
)
async def test_streams_are_cut_within_five_seconds_of_what_ends_the_right_to_them(
    live: Live, deed: Any, reason: str, code: int
) -> None:
    """Without any event: the regular round finds it."""
    boss = await live.sign_in(Role.ADMIN)
    uri = f"ws://127.0.0.1:{live.port}/ws/events"
    async with listening(live, boss) as reader, websockets.connect(uri, additional_headers=boss.headers) as socket:
        await socket.recv()
        began = time.monotonic()
        await deed(live, boss)
        assert await reader.until("stream.end") == {"reason": reason}
        assert (await reader.next())[0] == "closed"
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await socket.recv()
        assert time.monotonic() - began < 5
        assert socket.close_code == code
    await eventually(lambda: live.state.streams.count == 0)


async def test_a_word_about_the_person_has_them_asked_about_at_once(live: Live) -> None:
    ada = await live.sign_in()
    async with listening(live, ada) as reader:
        await asyncio.sleep(0.5)
        began = time.monotonic()
        async with live.database.system("test") as unit:
            await unit.execute(
                update(Session).where(Session.id == ada.session_id).values(ended_at=now(), ended_reason="logout")
            )
            await publish(unit, topic=person_topic(ada.id), kind="session.ended", data={})
        await reader.until("stream.end")
        assert time.monotonic() - began < 1.5


async def make_token(live: Live, person: SignedInPerson, *scopes: str) -> str:
    token = new_personal_token()
    made = PersonalToken(
        id=new_id(), owner_id=person.id, name="t", hash=digest(token), ending=token[-4:], scopes=list(scopes)
    )
    async with live.database.system("test") as unit:
        unit.add(made)
    return token


async def test_a_token_hears_what_its_scopes_cover_until_it_is_revoked(live: Live) -> None:
    ada = await live.sign_in()
    deaf = SignedInPerson(ada.id, ada.session_id, await make_token(live, ada, "account:write"))
    async with live.client() as client:
        answer = await client.get("/api/v1/events", headers=deaf.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope_required")
    hearing = SignedInPerson(ada.id, ada.session_id, await make_token(live, ada, "account:read"))
    async with listening(live, hearing) as reader:
        await tell(live, ada.id)
        await reader.until("desk.changed")
        async with live.database.system("test") as unit:
            await unit.execute(delete(PersonalToken).where(PersonalToken.owner_id == ada.id))
        assert await reader.until("stream.end", seconds=5) == {"reason": "session_ended"}


async def test_a_reader_who_takes_nothing_is_let_go(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SLOW_READER_SECONDS", 0.5)
    ada = await live.sign_in()
    _reader, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=1024)
    try:
        writer.write(
            f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ada.token}\r\n\r\n".encode()
        )
        await writer.drain()
        await eventually(lambda: live.state.streams.count == 1)
        for _ in range(30):  # nothing is read, so the socket's buffers fill up
            async with live.database.system("test") as unit:
                for _ in range(20):
                    await publish(unit, topic=person_topic(ada.id), kind="desk.changed", data={"x": "y" * 30_000})
            if live.state.streams.count == 0:
                break
        await eventually(lambda: live.state.streams.count == 0)
    finally:
        writer.transport.abort()


async def test_the_oldest_goes_when_a_person_opens_too_many(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_PER_PERSON", 2)
    ada = await live.sign_in()
    async with listening(live, ada) as first, listening(live, ada) as second, listening(live, ada):
        assert await first.until("stream.end") == {"reason": "replaced"}
        await tell(live, ada.id)
        await second.until("desk.changed")


async def test_a_socket_that_talks_without_end_is_closed(live: Live) -> None:
    ada = await live.sign_in()
    uri = f"ws://127.0.0.1:{live.port}/ws/events"
    async with websockets.connect(uri, additional_headers=ada.headers) as socket:
        with pytest.raises(websockets.ConnectionClosed):
            for _ in range(500):
                await socket.send("{}")
                await asyncio.sleep(0)
            while True:
                await socket.recv()
        assert socket.close_code == 1008


async def test_frames_of_a_socket_name_type_data_and_position(live: Live) -> None:
    ada = await live.sign_in()
    uri = f"ws://127.0.0.1:{live.port}/ws/events"
    async with websockets.connect(uri, additional_headers=ada.headers) as socket:
        first = json.loads(await socket.recv())
        assert first["type"] == "beat" and first["position"]
        await tell(live, ada.id, number=7)
        frame = json.loads(await socket.recv())
    assert (frame["type"], frame["data"]["data"]) == ("desk.changed", {"number": 7})
    async with websockets.connect(f"{uri}?after={first['position']}", additional_headers=ada.headers) as socket:
        while (again := json.loads(await socket.recv()))["type"] == "beat":
            pass
    assert again == frame


async def test_readers_who_leave_leave_nothing_behind(live: Live) -> None:
    ada = await live.sign_in()
    for _ in range(20):
        async with listening(live, ada):
            pass
    await eventually(lambda: live.state.streams.count == 0)
    assert live.state.kernel.events.readers == 0


def test_news_are_written_on_one_line_whatever_they_hold() -> None:
    written = as_sse(Frame("desk.changed", {"text": "a\nb\r\nevent: session.ended\n\n"}, "7")).decode()
    assert written.splitlines()[:2] == ["id: 7", "event: desk.changed"]
    assert written.count("\n") == 4
    assert as_sse(Beat("8")) == b"id: 8\n: beat\n\n"
