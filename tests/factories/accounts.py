"""People as they stand in the database, and browsers that behave like browsers."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from httpx import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import links, people
from kontor.accounts.emails import parse_email
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import hasher
from kontor.accounts.people import NewPerson, State
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Role
from tests.factories.house import House

PASSWORD = "four wild geese"
ADDRESS = "192.0.2.7"


@dataclass(frozen=True, slots=True)
class Account:
    id: UserId
    email: str
    password: str = PASSWORD


async def make_account(
    house: House,
    *,
    email: str | None = None,
    role: Role = Role.USER,
    state: State = State.ACTIVE,
    password: str | None = PASSWORD,
    is_verified: bool = True,
    name: str = "Anna Muster",
) -> Account:
    address = email or f"{new_id().hex[:12]}@example.org"
    hashed = None if password is None else await hasher.hash(password)
    async with house.database.system("people") as unit:
        new = NewPerson(
            name=name,
            email=parse_email(address),
            role=role,
            state=state,
            password_hash=hashed,
            is_email_verified=is_verified,
        )
        person = await people.add(unit, new)
        return Account(UserId(person.id), address, password or "")


@dataclass(slots=True)
class Browser:
    """Keeps the cookie and sends the CSRF token, as the web app does."""

    http: httpx.AsyncClient
    csrf_token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def request(self, method: str, path: str, **kwargs: Any) -> Response:
        headers = {"X-Kontor-CSRF": self.csrf_token, **self.headers, **kwargs.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **kwargs)

    async def get(self, path: str, **kwargs: Any) -> Response:
        return await self.request("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> Response:
        return await self.request("POST", path, **kwargs)

    async def patch(self, path: str, **kwargs: Any) -> Response:
        return await self.request("PATCH", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> Response:
        return await self.request("DELETE", path, **kwargs)

    def takes(self, answer: Response) -> "Browser":
        """Remember what a sign-in answered."""
        assert answer.status_code == 200, answer.text
        self.csrf_token = answer.json()["csrf_token"]
        return self

    @property
    def cookie(self) -> str | None:
        return self.http.cookies.get("kontor")


def browser(house: House) -> Browser:
    return Browser(house.client())


async def signed_in_browser(house: House, account: Account, **extra: object) -> Browser:
    made = browser(house)
    body = {"email": account.email, "password": account.password, "cookie": True, **extra}
    return made.takes(await made.post("/auth/login", json=body))


async def tokens_for(house: House, account: Account) -> dict[str, Any]:
    answer = await house.client().post("/auth/login", json={"email": account.email, "password": account.password})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def link_for(house: House, account: Account, purpose: Purpose, *, email: str | None = None) -> str:
    async with house.database.system("sign-in") as unit:
        return await links.make(unit, account.id, purpose, email=email)


async def mails_to(house: House, email: str) -> list[Any]:
    """What was queued for an address, oldest first, opened."""
    async with house.database.system("mail") as unit:
        rows = await unit.execute(
            text("SELECT id FROM mail WHERE to_address = :to ORDER BY created_at, id"), {"to": email}
        )
        ids = [row.id for row in rows]
        return [await house.kernel.mailer.find(unit, mail_id) for mail_id in ids]


async def audit_lines(house: House, *, owner: UUID | None = None, action: str | None = None) -> list[Any]:
    async with house.database.system("test") as unit:
        return await _lines(unit, owner, action)


async def _lines(unit: AsyncSession, owner: UUID | None, action: str | None) -> list[Any]:
    query = "SELECT * FROM audit_line WHERE true"
    query += " AND owner_id = :owner" if owner else ""
    query += " AND action = :action" if action else ""
    return list((await unit.execute(text(query + " ORDER BY id"), {"owner": owner, "action": action})).all())
