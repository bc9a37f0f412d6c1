"""Every query about folders, projects, shares and the trash.

Folders and projects hang in one kind of tree and are written alike, so their statements are made from one pattern. A
read on somebody's behalf joins the access row: it is the first wall, and says in the same breath what they may do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.ids import UserId
from kontor.core.paging import CursorKey
from kontor.projects.values import Access, Kind, Sort, Thing

SPACE = 1024  # between the positions of two that stand next to each other

SortKey = Literal["position", "name", "-name", "updated_at", "-updated_at", "created_at", "-created_at"]

PARENT: Mapping[Sort, str] = {"folder": "parent_id", "project": "folder_id"}
EXTRA: Mapping[Sort, tuple[str, ...]] = {"folder": (), "project": ("kind", "config", "instructions", "default_model")}
KEYS: Mapping[str, tuple[str, CursorKey, str]] = {
    "position": ("t.position", "int", "bigint"),
    "name": ("lower(t.name)", "str", "text"),
    "updated_at": ("t.updated_at", "datetime", "timestamptz"),
    "created_at": ("t.created_at", "datetime", "timestamptz"),
}

LOCK_TREE = text("SELECT lock_tree(:owner)")


def seen(sort: Sort, key: str = "NULL") -> str:
    """Things as `:me` sees them, and what they are sorted by."""
    extra = "".join(f", t.{name}" for name in EXTRA[sort])
    return f"""
        SELECT t.id, t.owner_id, above.folder_id AS parent_id, a.role, t.name, t.description, t.colour, t.tags,
            a.pinned_at IS NOT NULL AS is_pinned,
            a.role <> 'owner' OR EXISTS (
                SELECT FROM share s WHERE s.{sort}_id = t.id AND s.state = 'accepted'
            ) AS is_shared,
            t.position, t.archived_at, t.trashed_at, t.trashed_with, t.version, t.created_at, t.updated_at {extra},
            {key} AS sort_key
        FROM {sort}_access a
        JOIN {sort} t ON t.id = a.{sort}_id
        LEFT JOIN folder_access above ON above.folder_id = t.{PARENT[sort]} AND above.user_id = a.user_id
        WHERE a.user_id = :me
    """  # noqa: S608 - our own words


def as_thing(sort: Sort, row: Row[Any]) -> Thing:
    more: dict[str, Any] = {}
    if sort == "project":
        more = {"kind": Kind(row.kind), "config": row.config, "instructions": row.instructions,
                "default_model": row.default_model}  # fmt: skip
    return Thing(
        sort, row.id, row.owner_id, row.parent_id, Access(row.role), row.name, row.description, row.colour,
        list(row.tags), row.is_pinned, row.is_shared, row.position, row.archived_at, row.trashed_at, row.trashed_with,
        row.version, row.created_at, row.updated_at, **more,
    )  # fmt: skip


_FIND: Mapping[Sort, TextClause] = {sort: text(f"{seen(sort)} AND t.id = :id") for sort in PARENT}


async def find(unit: AsyncSession, me: UserId, sort: Sort, thing_id: UUID) -> Thing | None:
    row = (await unit.execute(_FIND[sort], {"me": me, "id": thing_id})).one_or_none()
    return None if row is None else as_thing(sort, row)


_SOME: Mapping[Sort, TextClause] = {
    sort: text(f"{seen(sort)} AND t.trashed_at IS NULL AND t.id = ANY(CAST(:ids AS uuid[]))") for sort in PARENT
}


async def alive(unit: AsyncSession, me: UserId, sort: Sort, ids: Sequence[UUID]) -> list[Thing]:
    """Of these what is not in the trash."""
    return [as_thing(sort, row) for row in await unit.execute(_SOME[sort], {"me": me, "ids": list(ids)})]


async def lock_tree(unit: AsyncSession, owner: UUID) -> None:
    """Until the end of the unit nobody else changes this person's folders, projects or shares."""
    await unit.execute(LOCK_TREE, {"owner": owner})


# Lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    parent: UUID | Literal["none"] | None = None
    search: str | None = None
    kind: Kind | None = None
    tag: str | None = None
    pinned: bool | None = None
    mine: bool | None = None
    archived: bool | None = False
    sort: SortKey = "position"


def _page(sort: Sort, key: str, *, is_falling: bool) -> str:
    expression, _, kind = KEYS[key]
    compare, order = ("<", "DESC") if is_falling else (">", "ASC")
    by_kind = "AND (CAST(:kind AS text) IS NULL OR t.kind = :kind)" if sort == "project" else ""
    # What stands in an archived folder is archived with it.
    away = "t.archived_at IS NOT NULL OR t.id IN (SELECT id FROM shelved)" if sort == "folder" else (
        "t.archived_at IS NOT NULL OR t.folder_id IN (SELECT id FROM shelved)"
    )  # fmt: skip
    return f"""
        WITH RECURSIVE shelved AS (
            SELECT f.id FROM folder_access a JOIN folder f ON f.id = a.folder_id
            WHERE a.user_id = :me AND f.archived_at IS NOT NULL
            UNION
            SELECT f.id FROM shelved s JOIN folder f ON f.parent_id = s.id
        )
        {seen(sort, expression)} AND t.trashed_at IS NULL {by_kind}
          AND (CAST(:parent AS uuid) IS NULL OR t.{PARENT[sort]} = :parent)
          AND (NOT :is_top OR above.folder_id IS NULL)
          AND (CAST(:tag AS text) IS NULL OR :tag = ANY(t.tags))
          AND (CAST(:pinned AS boolean) IS NULL OR (a.pinned_at IS NOT NULL) = :pinned)
          AND (CAST(:mine AS boolean) IS NULL OR (a.role = 'owner') = :mine)
          AND (CAST(:archived AS boolean) IS NULL OR (({away}) IS TRUE) = :archived)
          AND (CAST(:words AS text[]) IS NULL OR t.name ILIKE ALL (CAST(:words AS text[])))
          AND (CAST(:after_id AS uuid) IS NULL
               OR ({expression}, t.id) {compare} (CAST(:after_key AS {kind}), CAST(:after_id AS uuid)))
        ORDER BY {expression} {order}, t.id {order} LIMIT :limit
    """  # noqa: S608


_PAGES: Mapping[tuple[Sort, str], TextClause] = {
    (sort, ("-" if is_falling else "") + key): text(_page(sort, key, is_falling=is_falling))
    for sort in PARENT
    for key in KEYS
    for is_falling in (False, True)
}


def _pattern(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"


async def page(
    unit: AsyncSession, me: UserId, sort: Sort, wanted: Filter, *, after: tuple[Any, ...] | None, limit: int
) -> Sequence[tuple[Thing, object]]:
    """With the value that each was sorted by."""
    words = [_pattern(word) for word in (wanted.search or "").split()]
    values = {
        "me": me,
        "parent": wanted.parent if isinstance(wanted.parent, UUID) else None,
        "is_top": wanted.parent == "none",
        "tag": wanted.tag,
        "pinned": wanted.pinned,
        "mine": wanted.mine,
        "archived": wanted.archived,
        "words": words or None,
        "after_key": after and after[0],
        "after_id": after and after[1],
        "limit": limit,
    }
    if sort == "project":
        values["kind"] = wanted.kind and wanted.kind.value
    rows = await unit.execute(_PAGES[sort, wanted.sort], values)
    return [(as_thing(sort, row), row.sort_key) for row in rows]


# Writing

_INSERT: Mapping[Sort, TextClause] = {
    sort: text(f"""
        INSERT INTO {sort} (id, owner_id, {parent}, name, description, colour, tags, position, created_by, created_at,
            updated_at {"".join(f", {name}" for name in EXTRA[sort])})
        VALUES (:id, :owner, :parent, :name, :description, :colour, :tags, :position, :by, :at, :at
            {"".join(", CAST(:config AS jsonb)" if name == "config" else f", :{name}" for name in EXTRA[sort])})
    """)  # noqa: S608
    for sort, parent in PARENT.items()
}
_LAST: Mapping[Sort, TextClause] = {
    sort: text(f"""
        SELECT coalesce(max(position), 0) FROM {sort}
        WHERE owner_id = :owner AND {parent} IS NOT DISTINCT FROM CAST(:parent AS uuid)
    """)  # noqa: S608
    for sort, parent in PARENT.items()
}
_COUNT_OWNED: Mapping[Sort, TextClause] = {
    sort: text(f"SELECT count(*) FROM {sort} WHERE owner_id = :owner")  # noqa: S608
    for sort in PARENT
}


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    id: UUID
    owner_id: UUID
    parent_id: UUID | None
    position: int
    by: UserId
    values: Mapping[str, Any]  # the columns that people write


async def insert(unit: AsyncSession, sort: Sort, new: New) -> None:
    values = dict(new.values)
    if sort == "project":
        values["config"] = orjson.dumps(values["config"]).decode()
    await unit.execute(
        _INSERT[sort],
        values | {"id": new.id, "owner": new.owner_id, "parent": new.parent_id, "position": new.position, "by": new.by,
                  "at": now()},
    )  # fmt: skip


async def next_position(unit: AsyncSession, sort: Sort, owner: UUID, parent: UUID | None) -> int:
    """Behind all that stand there, those in the trash included, which may come back."""
    async with elevated(unit, "projects"):
        last = await unit.scalar(_LAST[sort], {"owner": owner, "parent": parent})
    return int(last or 0) + SPACE


async def count_owned(unit: AsyncSession, sort: Sort, owner: UUID) -> int:
    async with elevated(unit, "projects"):
        return int(await unit.scalar(_COUNT_OWNED[sort], {"owner": owner}) or 0)


CHANGEABLE = ("name", "description", "colour", "tags", "instructions", "default_model", "config", "archived_at")


async def change(unit: AsyncSession, sort: Sort, thing_id: UUID, values: Mapping[str, Any]) -> None:
    """The columns are named by us, what stands in them by others."""
    assert set(values) <= set(CHANGEABLE)  # noqa: S101 - the names become part of a statement
    told = dict(values)
    if "config" in told:
        told["config"] = orjson.dumps(told["config"]).decode()
    sets = ", ".join(f"{name} = " + ("CAST(:config AS jsonb)" if name == "config" else f":{name}") for name in told)
    statement = f"UPDATE {sort} SET {sets}, version = version + 1, updated_at = :at WHERE id = :id"  # noqa: S608
    await unit.execute(text(statement), told | {"id": thing_id, "at": now()})


_PIN: Mapping[Sort, TextClause] = {
    sort: text(f"UPDATE {sort}_access SET pinned_at = :at WHERE user_id = :me AND {sort}_id = :id")  # noqa: S608
    for sort in PARENT
}


async def pin(unit: AsyncSession, me: UserId, sort: Sort, thing_id: UUID, at: datetime | None) -> None:
    async with elevated(unit, "projects"):
        await unit.execute(_PIN[sort], {"me": me, "id": thing_id, "at": at})


# The tree

_PARENT_OF: Mapping[Sort, TextClause] = {
    sort: text(f"SELECT {parent} AS parent FROM {sort} WHERE id = :id")  # noqa: S608
    for sort, parent in PARENT.items()
}
_ABOVE = text("""
    WITH RECURSIVE above AS (
        SELECT CAST(:id AS uuid) AS id
        UNION
        SELECT f.parent_id FROM above a JOIN folder f ON f.id = a.id WHERE f.parent_id IS NOT NULL
    )
    SELECT id FROM above
""")
_MOVE: Mapping[Sort, TextClause] = {
    sort: text(f"""
        UPDATE {sort} SET {parent} = :parent, version = version + 1, updated_at = :at WHERE id = :id
    """)  # noqa: S608
    for sort, parent in PARENT.items()
}
_SIBLINGS: Mapping[Sort, TextClause] = {
    sort: text(f"""
        SELECT id FROM {sort}
        WHERE owner_id = :owner AND {parent} IS NOT DISTINCT FROM CAST(:parent AS uuid) ORDER BY position, id
    """)  # noqa: S608
    for sort, parent in PARENT.items()
}
_ORDER: Mapping[Sort, TextClause] = {
    sort: text(f"""
        UPDATE {sort} SET position = place.number * {SPACE}
        FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS place (id, number)
        WHERE {sort}.id = place.id AND {sort}.position <> place.number * {SPACE}
    """)  # noqa: S608
    for sort in PARENT
}
_RIGHTS_IN = text("SELECT user_id, role FROM folder_access WHERE folder_id = :id")

BELOW = """
    WITH RECURSIVE below AS (
        SELECT CAST(:root AS uuid) AS id
        UNION
        SELECT f.id FROM below b JOIN folder f ON f.parent_id = b.id
    )
"""
_PEOPLE: Mapping[Sort, TextClause] = {
    "project": text("SELECT user_id FROM project_access WHERE project_id = :root"),
    "folder": text(f"""
        {BELOW}
        SELECT a.user_id FROM below b JOIN folder_access a ON a.folder_id = b.id
        UNION
        SELECT a.user_id FROM below b JOIN project p ON p.folder_id = b.id
        JOIN project_access a ON a.project_id = p.id
    """),  # noqa: S608
}
_FOLDERS_BELOW = text(f"{BELOW} SELECT id FROM below")  # noqa: S608
_PROJECTS_BELOW = text(f"{BELOW} SELECT p.id FROM below b JOIN project p ON p.folder_id = b.id")  # noqa: S608


async def parent_of(unit: AsyncSession, sort: Sort, thing_id: UUID) -> UUID | None:
    """The true one, whether or not somebody may see it."""
    async with elevated(unit, "projects"):
        found: UUID | None = await unit.scalar(_PARENT_OF[sort], {"id": thing_id})
    return found


async def is_within(unit: AsyncSession, folder_id: UUID, other: UUID) -> bool:
    """Whether a folder is, or stands in, another one."""
    async with elevated(unit, "projects"):
        return other in (await unit.execute(_ABOVE, {"id": folder_id})).scalars().all()


async def rights_in(unit: AsyncSession, folder_id: UUID | None) -> Mapping[UUID, str]:
    async with elevated(unit, "projects"):
        rows = await unit.execute(_RIGHTS_IN, {"id": folder_id})
        return {row.user_id: row.role for row in rows}


async def move(unit: AsyncSession, sort: Sort, thing_id: UUID, parent: UUID | None) -> None:
    await unit.execute(_MOVE[sort], {"id": thing_id, "parent": parent, "at": now()})


async def siblings(unit: AsyncSession, sort: Sort, owner: UUID, parent: UUID | None) -> list[UUID]:
    async with elevated(unit, "projects"):
        return list((await unit.execute(_SIBLINGS[sort], {"owner": owner, "parent": parent})).scalars())


async def order(unit: AsyncSession, sort: Sort, ids: Sequence[UUID]) -> None:
    async with elevated(unit, "projects"):
        await unit.execute(_ORDER[sort], {"ids": list(ids)})


async def people_of(unit: AsyncSession, sort: Sort, root: UUID) -> set[UUID]:
    """Whoever may see it, or anything in it."""
    async with elevated(unit, "projects"):
        return set((await unit.execute(_PEOPLE[sort], {"root": root})).scalars())


async def folders_below(unit: AsyncSession, root: UUID) -> Sequence[UUID]:
    """Itself included, and as far as the unit sees them."""
    return list((await unit.execute(_FOLDERS_BELOW, {"root": root})).scalars())


async def projects_below(unit: AsyncSession, root: UUID) -> Sequence[UUID]:
    return list((await unit.execute(_PROJECTS_BELOW, {"root": root})).scalars())


# The trash

_TRASH_PROJECTS_BELOW = text(f"""
    {BELOW}
    UPDATE project p SET trashed_at = :at, trashed_with = :root FROM below b
    WHERE p.folder_id = b.id AND p.trashed_at IS NULL
""")  # noqa: S608
_TRASH_FOLDERS_BELOW = text(f"""
    {BELOW}
    UPDATE folder f SET trashed_at = :at, trashed_with = :root, version = version + 1 FROM below b
    WHERE f.id = b.id AND f.trashed_at IS NULL
""")  # noqa: S608
_TRASH_PROJECT = text("""
    UPDATE project SET trashed_at = :at, trashed_with = id, version = version + 1 WHERE id = :root
""")
_RESTORE: Mapping[Sort, TextClause] = {
    sort: text(f"""
        UPDATE {sort} SET trashed_at = NULL, trashed_with = NULL, version = version + 1 WHERE trashed_with = :root
    """)  # noqa: S608
    for sort in PARENT
}
_TRASH = text("""
    SELECT * FROM (
        SELECT f.id, 'folder' AS sort, f.name, NULL AS kind, f.trashed_at,
            (SELECT count(*) FROM project p WHERE p.trashed_with = f.id) AS projects
        FROM folder f WHERE f.owner_id = :me AND f.trashed_with = f.id
        UNION ALL
        SELECT p.id, 'project', p.name, p.kind, p.trashed_at, 1
        FROM project p WHERE p.owner_id = :me AND p.trashed_with = p.id
    ) thrown
    WHERE CAST(:after_id AS uuid) IS NULL
       OR (trashed_at, id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))
    ORDER BY trashed_at DESC, id DESC LIMIT :limit
""")
_DUE = text("""
    SELECT id, owner_id FROM (
        SELECT id, owner_id FROM folder WHERE trashed_with = id AND trashed_at < :before
        UNION ALL
        SELECT id, owner_id FROM project WHERE trashed_with = id AND trashed_at < :before
    ) thrown WHERE CAST(:after AS uuid) IS NULL OR id > :after
    ORDER BY id LIMIT :batch
""")
_THROWN_PROJECTS = text("SELECT id FROM project WHERE trashed_with = :root")
_ERASE = (
    text("DELETE FROM project WHERE trashed_with = :root"),
    text("DELETE FROM folder WHERE trashed_with = :root"),
)
_OWNED_PROJECTS = text("SELECT id FROM project WHERE owner_id = :owner")
_FORGET = (
    text("DELETE FROM project WHERE owner_id = :owner"),
    text("DELETE FROM folder WHERE owner_id = :owner"),
)
_IS_THROWN = text("""
    SELECT EXISTS (SELECT FROM folder WHERE id = :root AND trashed_with = id AND trashed_at < :before)
        OR EXISTS (SELECT FROM project WHERE id = :root AND trashed_with = id AND trashed_at < :before)
""")


async def trash_folder(unit: AsyncSession, root: UUID) -> None:
    """The projects first: with the folder itself the database reckons anew who may see them."""
    values = {"root": root, "at": now()}
    await unit.execute(_TRASH_PROJECTS_BELOW, values)
    await unit.execute(_TRASH_FOLDERS_BELOW, values)


async def trash_project(unit: AsyncSession, project_id: UUID) -> None:
    await unit.execute(_TRASH_PROJECT, {"root": project_id, "at": now()})


async def restore(unit: AsyncSession, root: UUID) -> None:
    await unit.execute(_RESTORE["project"], {"root": root})
    await unit.execute(_RESTORE["folder"], {"root": root})


async def trash(
    unit: AsyncSession, me: UserId, *, after: tuple[Any, ...] | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    values = {"me": me, "after_at": after and after[0], "after_id": after and after[1], "limit": limit}
    return (await unit.execute(_TRASH, values)).all()


async def due(unit: AsyncSession, *, before: datetime, after: UUID | None, batch: int) -> Sequence[Row[Any]]:
    return (await unit.execute(_DUE, {"before": before, "after": after, "batch": batch})).all()


async def is_thrown(unit: AsyncSession, root: UUID, *, before: datetime) -> bool:
    return bool(await unit.scalar(_IS_THROWN, {"root": root, "before": before}))


async def thrown_projects(unit: AsyncSession, root: UUID) -> Sequence[UUID]:
    return list((await unit.execute(_THROWN_PROJECTS, {"root": root})).scalars())


async def owned_projects(unit: AsyncSession, owner: UUID) -> Sequence[UUID]:
    return list((await unit.execute(_OWNED_PROJECTS, {"owner": owner})).scalars())


async def forget(unit: AsyncSession, owner: UUID) -> None:
    for statement in _FORGET:
        await unit.execute(statement, {"owner": owner})


async def erase(unit: AsyncSession, root: UUID) -> None:
    """In a unit of the system. What stood in it and was thrown away by itself before stays in the trash."""
    for statement in _ERASE:
        await unit.execute(statement, {"root": root})


# Shares

_SHARE = """
    SELECT s.id, s.owner_id, s.folder_id, s.project_id, s.email, s.email_key, s.user_id, s.role, s.state, s.version,
        s.created_at, s.expires_at, s.answered_at
    FROM share s
"""
_FIND_SHARE = text(f"{_SHARE} WHERE s.id = :id")
_SHARES = text(f"""
    {_SHARE}
    WHERE (CAST(:folder AS uuid) IS NULL OR s.folder_id = :folder)
      AND (CAST(:project AS uuid) IS NULL OR s.project_id = :project)
      AND (CAST(:state AS text) IS NULL OR s.state = :state)
      AND (CAST(:given AS boolean) IS NULL OR (s.owner_id = :me) = :given)
      AND (CAST(:after_id AS uuid) IS NULL
           OR (s.created_at, s.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY s.created_at DESC, s.id DESC LIMIT :limit
""")
_SHARE_OF: Mapping[Sort, TextClause] = {
    sort: text(f"{_SHARE} WHERE s.{sort}_id = :thing AND s.email_key = :key") for sort in PARENT
}
_COUNT_SHARES: Mapping[Sort, TextClause] = {
    sort: text(f"SELECT count(*) FROM share WHERE {sort}_id = :thing")  # noqa: S608
    for sort in PARENT
}
_INVITE = text("""
    INSERT INTO share (id, owner_id, folder_id, project_id, email, email_key, role, created_at, expires_at)
    VALUES (:id, :owner, :folder, :project, :email, :key, :role, :at, :expires)
""")
_INVITE_AGAIN = text("""
    UPDATE share SET role = :role, state = 'pending', email = :email, expires_at = :expires, answered_at = NULL,
        created_at = :at, version = version + 1
    WHERE id = :id
""")
_SET_ROLE = text("UPDATE share SET role = :role, version = version + 1 WHERE id = :id")
_ANSWER = text("""
    UPDATE share SET state = :state, user_id = CAST(:user AS uuid), answered_at = :at, version = version + 1
    WHERE id = :id AND state = 'pending'
""")
_REPLACED = text("""
    DELETE FROM share other USING share s
    WHERE s.id = :id AND other.id <> s.id AND other.user_id = :user
      AND (other.folder_id = s.folder_id OR other.project_id = s.project_id)
""")
_END_SHARE = text("DELETE FROM share WHERE id = :id")
_SWEEP_SHARES = text("DELETE FROM share WHERE state <> 'accepted' AND expires_at < :before")
_NAMES = text("""
    SELECT id, name FROM folder WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT id, name FROM project WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_PEOPLE_NAMES = text("""
    SELECT id, name FROM person WHERE id = ANY(CAST(:ids AS uuid[])) AND role <> 'admin'
""")
_AT_ADDRESS = text("""
    SELECT id FROM person WHERE email_key = :key AND email_verified_at IS NOT NULL AND state = 'active'
""")
_MY_ADDRESS = text("SELECT email_key FROM person WHERE id = :me")


async def find_share(unit: AsyncSession, share_id: UUID) -> Row[Any] | None:
    return (await unit.execute(_FIND_SHARE, {"id": share_id})).one_or_none()


async def share_of(unit: AsyncSession, sort: Sort, thing_id: UUID, key: str) -> Row[Any] | None:
    return (await unit.execute(_SHARE_OF[sort], {"thing": thing_id, "key": key})).one_or_none()


async def count_shares(unit: AsyncSession, sort: Sort, thing_id: UUID) -> int:
    return int(await unit.scalar(_COUNT_SHARES[sort], {"thing": thing_id}) or 0)


async def shares(
    unit: AsyncSession,
    me: UserId,
    *,
    folder: UUID | None,
    project: UUID | None,
    state: str | None,
    given: bool | None,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    values = {
        "me": me, "folder": folder, "project": project, "state": state, "given": given, "limit": limit,
        "after_at": after and after[0], "after_id": after and after[1],
    }  # fmt: skip
    return (await unit.execute(_SHARES, values)).all()


async def invite(unit: AsyncSession, values: Mapping[str, Any]) -> None:
    await unit.execute(_INVITE, dict(values))


async def invite_again(unit: AsyncSession, values: Mapping[str, Any]) -> None:
    await unit.execute(_INVITE_AGAIN, dict(values))


async def set_role(unit: AsyncSession, share_id: UUID, role: str) -> None:
    await unit.execute(_SET_ROLE, {"id": share_id, "role": role})


async def answer(unit: AsyncSession, share_id: UUID, *, state: str, user: UserId | None) -> bool:
    """Needs the system's scope: nobody's own statement gives them a right."""
    if user is not None:
        # Somebody who was invited by two addresses takes part once.
        await unit.execute(_REPLACED, {"id": share_id, "user": user})
    found = await unit.execute(_ANSWER, {"id": share_id, "state": state, "user": user, "at": now()})
    return bool(found.rowcount)  # type: ignore[attr-defined]  # of an UPDATE


async def end_share(unit: AsyncSession, share_id: UUID) -> None:
    await unit.execute(_END_SHARE, {"id": share_id})


async def sweep_shares(unit: AsyncSession, *, before: datetime) -> None:
    await unit.execute(_SWEEP_SHARES, {"before": before})


async def names_of(unit: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Also of what somebody is invited to, and cannot see yet."""
    async with elevated(unit, "projects"):
        return {row.id: row.name for row in await unit.execute(_NAMES, {"ids": list(ids)})}


async def people_names(unit: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Of people who have to do with each other. Administrators are named to nobody."""
    async with elevated(unit, "people"):
        return {row.id: row.name for row in await unit.execute(_PEOPLE_NAMES, {"ids": list(ids)})}


async def at_address(unit: AsyncSession, key: str) -> UUID | None:
    async with elevated(unit, "people"):
        found: UUID | None = await unit.scalar(_AT_ADDRESS, {"key": key})
    return found


async def my_address(unit: AsyncSession, me: UserId) -> str | None:
    found: str | None = await unit.scalar(_MY_ADDRESS, {"me": me})
    return found


# For neighbours

_READABLE = text("SELECT project_id FROM project_access WHERE user_id = :me AND project_id = ANY(CAST(:ids AS uuid[]))")
_PROJECT_NAMES = text("""
    SELECT p.id, p.name FROM project_access a JOIN project p ON p.id = a.project_id
    WHERE a.user_id = :me AND p.id = ANY(CAST(:ids AS uuid[]))
""")


async def readable(unit: AsyncSession, me: UserId, ids: Sequence[UUID]) -> set[UUID]:
    return set((await unit.execute(_READABLE, {"me": me, "ids": list(ids)})).scalars())


async def project_names(unit: AsyncSession, me: UserId, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    return {row.id: row.name for row in await unit.execute(_PROJECT_NAMES, {"me": me, "ids": list(ids)})}
