"""A running application over a test's database, and people who are really signed in to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI
from httpx import Response
from sqlalchemy import text

from kontor.accounts import access_tokens, sessions
from kontor.accounts.callers import Caller
from kontor.accounts.emails import parse_email
from kontor.accounts.sessions import SessionKind
from kontor.accounts.tables import Person
from kontor.core.database import Database
from kontor.core.events.publishing import person_topic
from kontor.core.ids import SessionId, UserId, new_id
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.web.app import create_app


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, with a client of their own."""

    http: httpx.AsyncClient
    id: UserId
    session_id: SessionId
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, session_id=self.session_id)

    async def get(self, path: str, **kwargs: Any) -> Response:
        return await self.http.get(path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> Response:
        return await self.http.post(path, **kwargs)

    async def put(self, path: str, **kwargs: Any) -> Response:
        return await self.http.put(path, **kwargs)

    async def patch(self, path: str, **kwargs: Any) -> Response:
        return await self.http.patch(path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> Response:
        return await self.http.delete(path, **kwargs)


class House:
    def __init__(self, app: FastAPI, kernel: Kernel) -> None:
        self.app = app
        self.kernel = kernel
        self._clients: list[httpx.AsyncClient] = []

    @property
    def database(self) -> Database:
        return self.kernel.database

    async def person(
        self, role: Role = Role.USER, *, name: str = "Anna Muster", state: str = "active", email: str | None = None
    ) -> UserId:
        parsed = parse_email(email or f"{new_id().hex}@example.org")
        async with self.database.system("people") as unit:
            made = Person(
                id=new_id(), name=name, role=role.value, state=state, email=parsed.written, email_key=parsed.key
            )
            unit.add(made)
        return UserId(made.id)

    async def sign_in(
        self, user_id: UserId, *, by: SessionKind = SessionKind.API, proved_at: datetime | None = None
    ) -> Visitor:
        async with self.database.system("sign-in") as unit:
            found = await unit.get_one(Person, user_id)
            opened = await sessions.open_session(
                unit, found, Caller("192.0.2.7", "test"), kind=by, days=30, proved_at=proved_at
            )
        token = access_tokens.issue(self.kernel.secrets, user_id=user_id, session_id=opened.session_id)
        client = self.client(headers={"Authorization": f"Bearer {token}"})
        return Visitor(client, user_id, opened.session_id, Role(found.role))

    async def visitor(self, role: Role = Role.USER, *, name: str = "Anna Muster", email: str | None = None) -> Visitor:
        return await self.sign_in(await self.person(role, name=name, email=email))

    async def events_of(self, user_id: UserId, kind: str) -> list[dict[str, Any]]:
        """What was published to this person, oldest first."""
        async with self.database.system("events") as unit:
            rows = await unit.execute(
                text("SELECT data FROM event WHERE topic = :topic AND kind = :kind ORDER BY id"),
                {"topic": person_topic(user_id), "kind": kind},
            )
            return [row.data for row in rows]

    def client(self, **kwargs: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=("192.0.2.7", 4711))
        made = httpx.AsyncClient(transport=transport, base_url="http://localhost:8000/api/v1", **kwargs)
        self._clients.append(made)
        return made

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def opened(settings: Settings, database: Database) -> AsyncIterator[House]:
    settings.kontor_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    kernel = Kernel(settings, database, Secrets.load(settings))
    app = create_app(settings, kernel)
    house = House(app, kernel)
    try:
        yield house
    finally:
        await house.close()
        await kernel.close()
