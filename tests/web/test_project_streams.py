"""News of a project over real sockets: for whoever may read it, and no longer than that."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import text

from kontor.core.events.publishing import publish
from kontor.core.ids import UserId
from kontor.projects.news import project_topic
from tests.web.conftest import Live, SignedInPerson, eventually
from tests.web.test_streams import Reader

API = "/api/v1"


@asynccontextmanager
async def following(live: Live, person: SignedInPerson, project_id: str) -> AsyncIterator[Reader]:
    path = f"{API}/projects/{project_id}/events"
    async with live.client() as client, client.stream("GET", path, headers=person.headers) as response:
        assert response.status_code == 200
        reader = Reader(response)
        await reader.begin()
        yield reader


async def ask(client: httpx.AsyncClient, person: SignedInPerson, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.request(method, f"{API}{path}", json=body or None, headers=person.headers)
    assert answer.status_code < 300, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def address_of(live: Live, user_id: UserId) -> str:
    async with live.database.system("test") as unit:
        email: str = await unit.scalar(
            text("UPDATE person SET email_verified_at = now() WHERE id = :id RETURNING email"), {"id": user_id}
        )
    return email


async def test_whoever_loses_a_project_hears_no_more_of_it_within_a_moment(live: Live) -> None:
    ada, ben, eve = await live.sign_in(), await live.sign_in(), await live.sign_in()
    address = await address_of(live, ben.id)
    async with live.client() as client:
        folder = await ask(client, ada, "POST", "/folders", name="Shared")
        project = await ask(client, ada, "POST", "/projects", name="Inside", folder_id=folder["id"])
        share = await ask(client, ada, "POST", "/shares", folder_id=folder["id"], email=address, role="viewer")
        await ask(client, ben, "POST", f"/shares/{share['id']}/accept")
        refused = await client.get(f"{API}/projects/{project['id']}/events", headers=eve.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "project.not_found")
        async with following(live, ada, project["id"]) as hers, following(live, ben, project["id"]) as his:
            await eventually(lambda: live.state.streams.count == 2)
            await ask(client, ada, "PATCH", f"/projects/{project['id']}", name="Renamed")
            assert (await his.until("project.changed"))["data"] == {"version": 2}
            await hers.until("project.changed")
            began = time.monotonic()
            await ask(client, ada, "DELETE", f"/shares/{share['id']}")
            # What is told from now on is not for his eyes, even before his stream is closed.
            async with live.database.system("test") as unit:
                await publish(unit, topic=project_topic(project["id"]), kind="secret.told", data={}, owner_id=ada.id)
            kind, data = await his.next(seconds=5)
            assert (kind, data) == ("stream.end", {"reason": "rights_changed"})
            assert time.monotonic() - began < 5
            await hers.until("secret.told")
        gone = await client.get(f"{API}/projects/{project['id']}", headers=ben.headers)
        assert gone.status_code == 404


async def test_a_project_that_is_thrown_away_is_heard_by_its_owner_alone(live: Live) -> None:
    ada, ben = await live.sign_in(), await live.sign_in()
    address = await address_of(live, ben.id)
    async with live.client() as client:
        project = await ask(client, ada, "POST", "/projects", name="Shared")
        share = await ask(client, ada, "POST", "/shares", project_id=project["id"], email=address, role="editor")
        await ask(client, ben, "POST", f"/shares/{share['id']}/accept")
        async with following(live, ada, project["id"]), following(live, ben, project["id"]) as his:
            await eventually(lambda: live.state.streams.count == 2)
            await ask(client, ada, "DELETE", f"/projects/{project['id']}")
            assert (await his.until("stream.end"))["reason"] == "rights_changed"
            assert live.state.streams.count >= 1
