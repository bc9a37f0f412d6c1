"""How people are found. Every function takes the unit; what it may see is the unit's business."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.errors import PersonNotFound
from kontor.accounts.tables import OidcIdentity, Passkey, Password, Person, Totp
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.tenancy import Role

WAYS = ("password", "totp", "passkey", "oidc")


async def find(unit: AsyncSession, user_id: UUID) -> Person | None:
    return await unit.get(Person, user_id, populate_existing=True)


async def role_of(unit: AsyncSession, user_id: UUID) -> Role | None:
    found = await unit.scalar(select(Person.role).where(Person.id == user_id))
    return None if found is None else Role(found)


async def find_by_email(unit: AsyncSession, key: str) -> Person | None:
    return await unit.scalar(select(Person).where(Person.email_key == key))


async def lock(unit: AsyncSession, user_id: UUID) -> Person:
    found = await unit.get(Person, user_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise PersonNotFound
    return found


def active_admins() -> Select[UUID]:
    return select(Person.id).where(Person.role == Role.ADMIN.value, Person.state == "active")


async def ids_of_active_admins(unit: AsyncSession) -> Sequence[UserId]:
    return [UserId(found) for found in (await unit.scalars(active_admins())).all()]


async def oldest_admin(unit: AsyncSession) -> Person | None:
    admins = select(Person).where(Person.role == Role.ADMIN.value, Person.state == "active")
    return await unit.scalar(admins.order_by(Person.created_at, Person.id).limit(1))


async def password_hash(unit: AsyncSession, user_id: UUID) -> str | None:
    """Needs a system unit, like everything that is secret about signing in."""
    return await unit.scalar(select(Password.hash).where(Password.owner_id == user_id))


async def keep_password(unit: AsyncSession, user_id: UUID, hashed: str) -> None:
    values = {"hash": hashed, "changed_at": now()}
    put = insert(Password).values(owner_id=user_id, **values)
    await unit.execute(put.on_conflict_do_update(index_elements=[Password.owner_id], set_=values))


async def forget_password(unit: AsyncSession, user_id: UUID) -> None:
    await unit.execute(delete(Password).where(Password.owner_id == user_id))


async def refresh_hash(unit: AsyncSession, user_id: UUID, *, old: str, new: str) -> None:
    """The same password under newer parameters; not if it was changed meanwhile."""
    same = select(Password).where(Password.owner_id == user_id, Password.hash == old).with_for_update()
    found = await unit.scalar(same)
    if found is not None:
        found.hash = new


async def sign_in_ways(unit: AsyncSession, user_ids: Sequence[UUID]) -> Mapping[UUID, list[str]]:
    """How each of them can sign in, in the order of WAYS. Needs a system unit, and tells nothing but this."""
    ids = list(user_ids)
    found = union_all(
        select(Password.owner_id, literal("password").label("way")).where(Password.owner_id.in_(ids)),
        select(Totp.owner_id, literal("totp")).where(Totp.owner_id.in_(ids), Totp.confirmed_at.is_not(None)),
        select(Passkey.owner_id, literal("passkey")).where(Passkey.owner_id.in_(ids)).distinct(),
        select(OidcIdentity.owner_id, literal("oidc")).where(OidcIdentity.owner_id.in_(ids)).distinct(),
    )
    ways: dict[UUID, list[str]] = {each: [] for each in ids}
    for owner_id, way in await unit.execute(found):
        ways[owner_id].append(way)
    return {owner_id: sorted(each, key=WAYS.index) for owner_id, each in ways.items()}


async def count_passkeys(unit: AsyncSession, user_id: UUID) -> int:
    return await unit.scalar(select(func.count()).where(Passkey.owner_id == user_id)) or 0
