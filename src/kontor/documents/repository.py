"""Every query about documents, their texts and passages.

A read on somebody's behalf joins the access row of the project: it is the first wall, and says in the same breath what
they may do. What was thrown away is seen by those who could bring it back, and what lies in a project that was thrown
away by nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import Bulk
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.paging import CursorKey
from kontor.documents.parsing.model import Notice
from kontor.documents.values import Document, DocumentState, Origin, Problem, Text

SortKey = Literal["created_at", "-created_at", "name", "-name", "changed_at", "-changed_at", "bytes", "-bytes"]

KEYS: Mapping[str, tuple[str, CursorKey, str]] = {
    "created_at": ("d.created_at", "datetime", "timestamptz"),
    "name": ("lower(d.name)", "str", "text"),
    "changed_at": ("d.changed_at", "datetime", "timestamptz"),
    "bytes": ("d.bytes", "int", "bigint"),
}

COLUMNS = """
    d.id, d.owner_id, d.project_id, d.name, d.origin, d.url, d.kind, d.media_type, d.blob_id, d.bytes, d.sha256,
    d.state, d.problem_code, d.problem, d.notices, d.done, d.total, d.title, d.author, d.dated, d.language, d.pages,
    d.characters, d.text_id, d.tags, d.created_by, d.created_at, d.changed_at, d.trashed_at, d.version
"""
# Where one may look is found first: asking each document's project would be to ask the same thousands of times.
PLACES = """
    WITH place AS MATERIALIZED (
        SELECT a.project_id, a.role FROM project_access a JOIN project p ON p.id = a.project_id
        WHERE a.user_id = :me AND p.trashed_at IS NULL {narrowed}
    )
"""
SEEN = """
    FROM place a JOIN document d ON d.project_id = a.project_id
    WHERE (d.trashed_at IS NULL OR a.role <> 'viewer')
"""

_FIND = text(f"""
    SELECT {COLUMNS}, a.role FROM document d
    JOIN project_access a ON a.project_id = d.project_id JOIN project p ON p.id = d.project_id
    WHERE d.id = :id AND a.user_id = :me AND p.trashed_at IS NULL AND (d.trashed_at IS NULL OR a.role <> 'viewer')
""")  # noqa: S608 - our own words
_LOCK = text("SELECT FROM document WHERE id = :id FOR UPDATE")
_LOAD = text(f"SELECT {COLUMNS}, NULL AS role FROM document d WHERE d.id = :id")  # noqa: S608
_LOCK_PROJECT = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.documents ' || :project, 0))")


async def find(unit: AsyncSession, me: UserId, document_id: UUID) -> Document | None:
    row = (await unit.execute(_FIND, {"me": me, "id": document_id})).one_or_none()
    return None if row is None else Document.of(row)


async def lock(unit: AsyncSession, document_id: UUID) -> None:
    await unit.execute(_LOCK, {"id": document_id})


async def load(unit: AsyncSession, document_id: UUID) -> Document | None:
    """For jobs, in a unit of the system."""
    row = (await unit.execute(_LOAD, {"id": document_id})).one_or_none()
    return None if row is None else Document.of(row)


async def lock_project(unit: AsyncSession, project_id: UUID) -> None:
    """Until the end of the unit nobody else adds to it: what was counted and compared still holds when it is
    written."""
    await unit.execute(_LOCK_PROJECT, {"project": str(project_id)})


# Lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    project: UUID | None = None
    kinds: Sequence[str] = ()
    states: Sequence[str] = ()
    tags: Sequence[str] = ()
    search: str | None = None
    trashed: bool = False
    sort: SortKey = "-created_at"


CHOSEN = f"""
    {SEEN} AND (d.trashed_at IS NOT NULL) = :trashed
      AND (CAST(:kinds AS text[]) IS NULL OR d.kind = ANY(CAST(:kinds AS text[])))
      AND (CAST(:states AS text[]) IS NULL OR d.state = ANY(CAST(:states AS text[])))
      AND (CAST(:tags AS text[]) IS NULL OR d.tags @> CAST(:tags AS text[]))
      AND (CAST(:words AS text[]) IS NULL OR d.name || ' ' || d.title || ' ' || d.author ILIKE ALL
           (CAST(:words AS text[])))
"""


# Said outright, so that an index has the order of one project.
OF_PROJECT = "AND d.project_id = :project"


def _places(*, is_of_project: bool) -> str:
    return PLACES.format(narrowed="AND a.project_id = :project" if is_of_project else "")


def _page(key: str, *, is_falling: bool, is_of_project: bool) -> str:
    expression, _, kind = KEYS[key]
    compare, order = ("<", "DESC") if is_falling else (">", "ASC")
    return f"""
        {_places(is_of_project=is_of_project)}
        SELECT {COLUMNS}, a.role, {expression} AS sort_key
        {CHOSEN} {OF_PROJECT if is_of_project else ""}
          AND (CAST(:after_id AS uuid) IS NULL
               OR ({expression}, d.id) {compare} (CAST(:after_key AS {kind}), CAST(:after_id AS uuid)))
        ORDER BY {expression} {order}, d.id {order} LIMIT :limit
    """


_PAGES: Mapping[tuple[str, bool], TextClause] = {
    (("-" if is_falling else "") + key, is_of_project): text(
        _page(key, is_falling=is_falling, is_of_project=is_of_project)
    )
    for key in KEYS
    for is_falling in (False, True)
    for is_of_project in (False, True)
}


def _counts(*, is_of_project: bool) -> str:
    return f"""
        {_places(is_of_project=is_of_project)}, chosen AS MATERIALIZED (
            SELECT d.state, d.kind, d.tags, d.bytes {CHOSEN} {OF_PROJECT if is_of_project else ""}
        )
        SELECT 'state' AS field, state AS value, count(*) AS number, sum(bytes) AS bytes FROM chosen GROUP BY state
        UNION ALL
        SELECT 'kind', kind, count(*), sum(bytes) FROM chosen WHERE kind IS NOT NULL GROUP BY kind
        UNION ALL
        (SELECT 'tag', tag, count(*), sum(bytes) FROM chosen, unnest(tags) AS tag
         GROUP BY tag ORDER BY 3 DESC, 2 LIMIT 200)
    """  # noqa: S608


_COUNTS: Mapping[bool, TextClause] = {one: text(_counts(is_of_project=one)) for one in (False, True)}


def _values(me: UserId, wanted: Filter) -> dict[str, Any]:
    words = [_pattern(word) for word in (wanted.search or "").split()]
    of_project = {} if wanted.project is None else {"project": wanted.project}
    return of_project | {
        "me": me,
        "kinds": list(wanted.kinds) or None,
        "states": list(wanted.states) or None,
        "tags": list(wanted.tags) or None,
        "words": words or None,
        "trashed": wanted.trashed,
    }


def _pattern(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"


async def page(
    unit: AsyncSession, me: UserId, wanted: Filter, *, after: tuple[Any, ...] | None, limit: int
) -> Sequence[tuple[Document, object]]:
    """With the value that each was sorted by."""
    values = _values(me, wanted) | {"after_key": after and after[0], "after_id": after and after[1], "limit": limit}
    return [
        (Document.of(row), row.sort_key)
        for row in await unit.execute(_PAGES[wanted.sort, wanted.project is not None], values)
    ]


async def counts(unit: AsyncSession, me: UserId, wanted: Filter) -> Sequence[Row[Any]]:
    return (await unit.execute(_COUNTS[wanted.project is not None], _values(me, wanted))).all()


# Writing

_INSERT = text("""
    INSERT INTO document (id, owner_id, project_id, name, origin, url, kind, media_type, blob_id, bytes, sha256, title,
        author, dated, tags, created_by, created_at, changed_at)
    VALUES (:id, :owner, :project, :name, :origin, :url, :kind, :media_type, :blob, :bytes, :sha256, :title,
        :author, :dated, :tags, :by, :at, :at)
""")
_OF_PROJECT = text(f"""
    SELECT {COLUMNS}, NULL AS role FROM document d
    WHERE d.project_id = :project AND d.trashed_at IS NULL AND (CAST(:after AS uuid) IS NULL OR d.id > :after)
    ORDER BY d.id LIMIT :limit
""")  # noqa: S608
_MAY_READ = text("""
    SELECT EXISTS (
        SELECT FROM project_access a JOIN project p ON p.id = a.project_id
        WHERE a.user_id = :person AND a.project_id = :project AND p.trashed_at IS NULL
    )
""")
_LOCK_LIVING = text("SELECT true FROM project WHERE id = :project FOR KEY SHARE")
_FILLED = text("""
    SELECT count(*) AS number, coalesce(sum(bytes), 0)::bigint AS bytes FROM document WHERE project_id = :project
""")
_SAME = text("""
    SELECT id, name FROM document
    WHERE project_id = :project AND sha256 = :sha256 AND trashed_at IS NULL AND id IS DISTINCT FROM :but
    ORDER BY created_at, id LIMIT 1
""")
_SAME_ELSEWHERE = text("""
    SELECT d.id FROM project_access a
    JOIN project p ON p.id = a.project_id JOIN document d ON d.project_id = a.project_id AND d.sha256 = :sha256
    WHERE a.user_id = :me AND p.trashed_at IS NULL AND d.trashed_at IS NULL AND d.blob_id IS NOT NULL LIMIT 1
""")
_SAME_URL = text("""
    SELECT id, name FROM document
    WHERE project_id = :project AND url = :url AND trashed_at IS NULL ORDER BY created_at, id LIMIT 1
""")
_TRASH = text("""
    UPDATE document SET trashed_at = :at, trashed_by = :by, changed_at = :at, version = version + 1 WHERE id = :id
""")
_RESTORE = text("""
    UPDATE document SET trashed_at = NULL, trashed_by = NULL, changed_at = :at, version = version + 1 WHERE id = :id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    id: UUID
    owner_id: UUID
    project_id: UUID
    name: str
    origin: Origin
    media_type: str
    by: UserId | None
    url: str | None = None
    kind: str | None = None
    blob_id: UUID | None = None
    size: int = 0
    sha256: bytes | None = None
    title: str = ""
    author: str = ""
    dated: str = ""
    tags: Sequence[str] = ()


async def insert(unit: AsyncSession, new: New) -> None:
    await unit.execute(
        _INSERT,
        {
            "id": new.id, "owner": new.owner_id, "project": new.project_id, "name": new.name,
            "origin": new.origin.value, "url": new.url, "kind": new.kind, "media_type": new.media_type,
            "blob": new.blob_id, "bytes": new.size, "sha256": new.sha256, "title": new.title,
            "author": new.author, "dated": new.dated, "tags": list(new.tags), "by": new.by, "at": now(),
        },
    )  # fmt: skip


async def of_project(unit: AsyncSession, project_id: UUID, *, after: UUID | None, limit: int) -> list[Document]:
    """Without those in the trash, in a unit of the system."""
    values = {"project": project_id, "after": after, "limit": limit}
    return [Document.of(row) for row in await unit.execute(_OF_PROJECT, values)]


async def may_read(unit: AsyncSession, person: UUID, project_id: UUID) -> bool:
    """In a unit of the system, of somebody for whom a job works."""
    return bool(await unit.scalar(_MAY_READ, {"person": person, "project": project_id}))


async def insert_into_living(unit: AsyncSession, new: New) -> bool:
    """Unless its project has gone meanwhile."""
    if not await unit.scalar(_LOCK_LIVING, {"project": new.project_id}):
        return False
    await insert(unit, new)
    return True


async def filled(unit: AsyncSession, project_id: UUID) -> tuple[int, int]:
    """How many documents a project has, and how many bytes of files. Those in the trash may come back, and count."""
    row = (await unit.execute(_FILLED, {"project": project_id})).one()
    return row.number, row.bytes


async def same(unit: AsyncSession, project_id: UUID, sha256: bytes, *, but: UUID | None = None) -> Row[Any] | None:
    values = {"project": project_id, "sha256": sha256, "but": but}
    return (await unit.execute(_SAME, values)).one_or_none()


async def same_elsewhere(unit: AsyncSession, me: UserId, sha256: bytes) -> UUID | None:
    """A document with this content, in any project that the person may read."""
    found: UUID | None = await unit.scalar(_SAME_ELSEWHERE, {"me": me, "sha256": sha256})
    return found


async def same_url(unit: AsyncSession, project_id: UUID, url: str) -> Row[Any] | None:
    return (await unit.execute(_SAME_URL, {"project": project_id, "url": url})).one_or_none()


CHANGEABLE = ("name", "tags", "title", "author", "dated")


async def change(unit: AsyncSession, document_id: UUID, values: Mapping[str, Any]) -> None:
    """The columns are named by us, what stands in them by others."""
    assert set(values) <= set(CHANGEABLE)  # noqa: S101 - the names become part of a statement
    sets = ", ".join(f"{name} = :{name}" for name in values)
    statement = f"UPDATE document SET {sets}, version = version + 1, changed_at = :at WHERE id = :id"  # noqa: S608
    await unit.execute(text(statement), dict(values) | {"id": document_id, "at": now()})


async def trash(unit: AsyncSession, document_id: UUID, by: UserId) -> None:
    await unit.execute(_TRASH, {"id": document_id, "by": by, "at": now()})


async def restore(unit: AsyncSession, document_id: UUID) -> None:
    await unit.execute(_RESTORE, {"id": document_id, "at": now()})


# What becomes of a document while it is read

_STATE = text("""
    UPDATE document SET state = :state, problem_code = NULL, problem = NULL, done = :done, total = :total,
        changed_at = :at
    WHERE id = :id
""")
_FAIL = text("""
    UPDATE document SET state = 'failed', problem_code = :code, problem = :sentence, changed_at = :at WHERE id = :id
""")
_CONTENT = text("""
    UPDATE document SET blob_id = :blob, bytes = :bytes, sha256 = :sha256, media_type = :media_type, changed_at = :at
    WHERE id = :id
""")
# What somebody wrote themselves stays: a reader only fills in what is empty.
_READ = text("""
    UPDATE document SET name = :name, kind = :kind, language = :language, pages = :pages, characters = :characters,
        notices = CAST(:notices AS jsonb), title = coalesce(nullif(title, ''), :title),
        author = coalesce(nullif(author, ''), :author), dated = coalesce(nullif(dated, ''), :dated),
        state = 'indexing', done = 0, total = NULL, changed_at = :at
    WHERE id = :id
""")
_CURRENT = text("UPDATE document SET text_id = :text WHERE id = :id")


async def set_state(
    unit: AsyncSession, document_id: UUID, state: DocumentState, *, done: int = 0, total: int | None = None
) -> None:
    values = {"id": document_id, "state": state.value, "done": done, "total": total, "at": now()}
    await unit.execute(_STATE, values)


async def fail(unit: AsyncSession, document_id: UUID, problem: Problem) -> None:
    await unit.execute(
        _FAIL, {"id": document_id, "code": problem.code, "sentence": problem.sentence[:1000], "at": now()}
    )


async def set_content(
    unit: AsyncSession, document_id: UUID, *, blob_id: UUID, size: int, sha256: bytes, media_type: str
) -> None:
    values = {"id": document_id, "blob": blob_id, "bytes": size, "sha256": sha256, "media_type": media_type}
    await unit.execute(_CONTENT, values | {"at": now()})


def _notices(notices: Sequence[Notice]) -> str:
    return orjson.dumps([{"code": each.code, "sentence": each.sentence} for each in notices]).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reader found out about a document."""

    name: str
    kind: str
    language: str
    pages: int
    characters: int
    notices: Sequence[Notice]
    title: str
    author: str
    dated: str


async def set_read(unit: AsyncSession, document_id: UUID, found: Found) -> None:
    values = {name: getattr(found, name) for name in Found.__slots__}
    await unit.execute(_READ, values | {"id": document_id, "notices": _notices(found.notices), "at": now()})


async def set_current(unit: AsyncSession, document_id: UUID, text_id: UUID) -> None:
    await unit.execute(_CURRENT, {"id": document_id, "text": text_id})


# Texts and passages

TEXT = """
    SELECT t.id, t.document_id, t.project_id, t.parser, t.language, t.pages, t.characters, t.created_at, t.blob_id,
        t.is_whole
    FROM document_text t
"""
_ADD_TEXT = text("""
    INSERT INTO document_text (id, owner_id, project_id, document_id, blob_id, parser, digest, packed, language, pages,
        characters, is_whole, created_at)
    VALUES (:id, :owner, :project, :document, :blob, :parser, :digest, :packed, :language, :pages, :characters,
        :is_whole, :at)
    ON CONFLICT (document_id, parser, digest) DO NOTHING RETURNING id
""")
_READ_FROM = text("SELECT EXISTS (SELECT FROM document_text WHERE document_id = :document AND blob_id = :blob)")
_KNOWN_TEXT = text("""
    SELECT id FROM document_text WHERE document_id = :document AND parser = :parser AND digest = :digest
""")
_OPEN_TEXT = text("SELECT id FROM document_text WHERE document_id = :document AND NOT is_whole")
_CLOSE_TEXT = text("""
    UPDATE document_text SET blob_id = :blob, digest = :digest, packed = :packed, language = :language, pages = :pages,
        characters = :characters, is_whole = true
    WHERE id = :id
""")
_FORGET_OPEN = (
    text("""
        UPDATE document SET text_id = NULL
        WHERE id = :document AND text_id = (SELECT id FROM document_text WHERE document_id = :document AND NOT is_whole)
    """),
    text("DELETE FROM document_text WHERE document_id = :document AND NOT is_whole"),
)
_FORGET_PASSAGES_OF = text("DELETE FROM passage WHERE text_id = :text")
_TEXTS = text(f"{TEXT} WHERE t.document_id = :document ORDER BY t.created_at DESC, t.id")
_TEXT = text(f"{TEXT} WHERE t.document_id = :document AND t.id = :id")
_PACKED = text("SELECT packed FROM document_text WHERE id = :id")
_ADD_PASSAGES = Bulk(
    """
    INSERT INTO passage (project_id, id, document_id, text_id, ordinal, start_at, end_at, fresh_at, page_first,
        page_last, heading, language, text)
    SELECT n.* FROM {n} ON CONFLICT (text_id, ordinal) DO NOTHING
    """,
    n={
        "project_id": "uuid", "id": "uuid", "document_id": "uuid", "text_id": "uuid", "ordinal": "integer",
        "start_at": "integer", "end_at": "integer", "fresh_at": "integer", "page_first": "integer",
        "page_last": "integer", "heading": "text", "language": "text", "text": "text",
    },
)  # fmt: skip
_HAS_PASSAGES = text("SELECT EXISTS (SELECT FROM passage WHERE text_id = :text)")
_FORGET_PASSAGES = text("""
    DELETE FROM passage WHERE project_id = :project AND document_id = :document AND text_id <> :text
""")
_PASSAGES = text("""
    SELECT id, ordinal, start_at, end_at, fresh_at, page_first, page_last, heading, language, text
    FROM passage
    WHERE text_id = :text AND ordinal > :after AND (CAST(:page AS integer) IS NULL OR :page BETWEEN page_first
        AND page_last)
    ORDER BY ordinal LIMIT :limit
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    id: UUID
    owner_id: UUID
    project_id: UUID
    document_id: UUID
    blob_id: UUID | None
    parser: str
    digest: bytes
    packed: bytes
    language: str
    pages: int
    characters: int
    is_whole: bool = True


async def add_text(unit: AsyncSession, new: NewText) -> UUID:
    """The id of this text: of one that is there already, where the same reader found the same."""
    values = _text_values(new)
    made: UUID | None = await unit.scalar(_ADD_TEXT, values)
    if made is None:
        made = await unit.scalar(_KNOWN_TEXT, values)
    assert made is not None  # noqa: S101 - texts are not taken away while their document is locked
    return made


def _text_values(new: NewText) -> dict[str, Any]:
    return {
        "id": new.id, "owner": new.owner_id, "project": new.project_id, "document": new.document_id,
        "blob": new.blob_id, "parser": new.parser, "digest": new.digest, "packed": new.packed,
        "language": new.language, "pages": new.pages, "characters": new.characters, "is_whole": new.is_whole,
        "at": now(),
    }  # fmt: skip


async def open_text(unit: AsyncSession, document_id: UUID) -> UUID | None:
    """One of which only the first pages are there."""
    found: UUID | None = await unit.scalar(_OPEN_TEXT, {"document": document_id})
    return found


async def close_text(unit: AsyncSession, whole: NewText) -> None:
    """The rest of it has come. Its passages are cut anew."""
    await unit.execute(_CLOSE_TEXT, _text_values(whole))
    await unit.execute(_FORGET_PASSAGES_OF, {"text": whole.id})


async def forget_open_text(unit: AsyncSession, document_id: UUID) -> None:
    for statement in _FORGET_OPEN:
        await unit.execute(statement, {"document": document_id})


async def add_passages(unit: AsyncSession, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        await _ADD_PASSAGES.run(unit, n=rows)


async def was_read_from(unit: AsyncSession, document_id: UUID, blob_id: UUID) -> bool:
    return bool(await unit.scalar(_READ_FROM, {"document": document_id, "blob": blob_id}))


async def has_passages(unit: AsyncSession, text_id: UUID) -> bool:
    return bool(await unit.scalar(_HAS_PASSAGES, {"text": text_id}))


async def forget_other_passages(unit: AsyncSession, document: Document, text_id: UUID) -> None:
    values = {"project": document.project_id, "document": document.id, "text": text_id}
    await unit.execute(_FORGET_PASSAGES, values)


def _as_text(row: Any) -> Text:
    return Text(
        row.id, row.document_id, row.project_id, row.parser, row.language, row.pages, row.characters, row.created_at,
        row.blob_id, row.is_whole,
    )  # fmt: skip


async def texts(unit: AsyncSession, document_id: UUID) -> list[Text]:
    """Newest first."""
    return [_as_text(row) for row in await unit.execute(_TEXTS, {"document": document_id})]


async def find_text(unit: AsyncSession, document_id: UUID, text_id: UUID) -> Text | None:
    row = (await unit.execute(_TEXT, {"document": document_id, "id": text_id})).one_or_none()
    return None if row is None else _as_text(row)


async def packed(unit: AsyncSession, text_id: UUID) -> bytes:
    found: bytes = (await unit.execute(_PACKED, {"id": text_id})).scalar_one()
    return found


async def passages(
    unit: AsyncSession, text_id: UUID, *, after: int, page: int | None, limit: int
) -> Sequence[Row[Any]]:
    return (await unit.execute(_PASSAGES, {"text": text_id, "after": after, "page": page, "limit": limit})).all()


# The trash, and what goes for good

_THROWN = text("""
    SELECT d.id, d.name, d.kind, d.project_id, p.name AS project, d.trashed_at
    FROM project p JOIN document d ON d.project_id = p.id
    WHERE p.owner_id = :me AND p.trashed_at IS NULL AND d.trashed_at IS NOT NULL
      AND (CAST(:after_id AS uuid) IS NULL
           OR (d.trashed_at, d.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY d.trashed_at DESC, d.id DESC LIMIT :limit
""")
_LOCK_THROWN = text("""
    SELECT id FROM document WHERE id = ANY(CAST(:ids AS uuid[])) AND trashed_at IS NOT NULL ORDER BY id FOR UPDATE
""")
# Whoever restores one at this moment has it.
_DUE = text("""
    SELECT id FROM document WHERE trashed_at < :before ORDER BY trashed_at LIMIT :limit FOR UPDATE SKIP LOCKED
""")
_FILES = text("""
    SELECT owner_id, blob_id FROM document WHERE id = ANY(CAST(:ids AS uuid[])) AND blob_id IS NOT NULL
    UNION
    SELECT owner_id, blob_id FROM document_text WHERE document_id = ANY(CAST(:ids AS uuid[])) AND blob_id IS NOT NULL
""")
_ERASE = text("DELETE FROM document WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING id, owner_id, project_id")
# Locked: a reader that puts another file in the place of one is waited for, and finds nothing afterwards.
_OF_PROJECTS = text("""
    SELECT id FROM document WHERE project_id = ANY(CAST(:projects AS uuid[])) ORDER BY id LIMIT :limit FOR UPDATE
""")
_STRANDED = text("""
    SELECT d.id, d.owner_id, d.project_id FROM document d
    WHERE d.state IN ('waiting', 'reading', 'indexing') AND d.changed_at < :before AND NOT EXISTS (
        SELECT FROM job j WHERE j.kind = :kind AND j.key = d.id::text AND j.state IN ('waiting', 'queued', 'running')
    )
    LIMIT :limit
""")
_COUNT = text("SELECT state, count(*) AS number, sum(bytes)::bigint AS bytes FROM document "
              "WHERE project_id = :project AND trashed_at IS NULL GROUP BY state")  # fmt: skip


async def thrown(
    unit: AsyncSession, me: UserId, *, after: tuple[Any, ...] | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    """In one's own projects, whoever threw it away."""
    values = {"me": me, "after_at": after and after[0], "after_id": after and after[1], "limit": limit}
    return (await unit.execute(_THROWN, values)).all()


async def lock_thrown(unit: AsyncSession, ids: Sequence[UUID]) -> list[UUID]:
    """Of these what lies in the trash, and now stays there."""
    return list((await unit.execute(_LOCK_THROWN, {"ids": list(ids)})).scalars())


async def due(unit: AsyncSession, *, before: datetime, limit: int) -> list[UUID]:
    return list((await unit.execute(_DUE, {"before": before, "limit": limit})).scalars())


async def files(unit: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    return (await unit.execute(_FILES, {"ids": list(ids)})).all()


async def erase(unit: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """With their texts and passages, by their keys. The files are for the caller to delete, after it."""
    return (await unit.execute(_ERASE, {"ids": list(ids)})).all()


async def of_projects(unit: AsyncSession, project_ids: Sequence[UUID], *, limit: int) -> list[UUID]:
    return list((await unit.execute(_OF_PROJECTS, {"projects": list(project_ids), "limit": limit})).scalars())


async def stranded(unit: AsyncSession, *, kind: str, before: datetime, limit: int) -> Sequence[Row[Any]]:
    """Under way by their state, and nobody's work."""
    return (await unit.execute(_STRANDED, {"kind": kind, "before": before, "limit": limit})).all()


async def count(unit: AsyncSession, project_id: UUID) -> Sequence[Row[Any]]:
    return (await unit.execute(_COUNT, {"project": project_id})).all()


# Uploads in parts

UPLOAD = """
    SELECT u.id, u.owner_id, u.project_id, u.name, u.media_type, u.bytes, u.received, u.allow_duplicate, u.tags,
        u.created_at, u.changed_at
    FROM document_upload u
"""
_ADD_UPLOAD = text("""
    INSERT INTO document_upload (id, owner_id, project_id, name, media_type, bytes, allow_duplicate, tags, created_by,
        created_at, changed_at)
    VALUES (:id, :owner, :project, :name, :media_type, :bytes, :allow_duplicate, :tags, :by, :at, :at)
""")
_COUNT_UPLOADS = text("SELECT count(*) FROM document_upload WHERE created_by = :me")
_UPLOADS = text(f"""
    {UPLOAD} WHERE u.created_by = :me AND (CAST(:project AS uuid) IS NULL OR u.project_id = :project)
    ORDER BY u.created_at, u.id
""")
_FIND_UPLOAD = text(f"{UPLOAD} WHERE u.created_by = :me AND u.id = :id")
_LOCK_UPLOAD = text(f"{UPLOAD} WHERE u.created_by = :me AND u.id = :id FOR UPDATE")
_ADD_PART = text("""
    INSERT INTO document_upload_part (upload_id, owner_id, start_at, bytes, blob_id)
    VALUES (:upload, :owner, :start, :bytes, :blob)
""")
_MOVE_UPLOAD = text("UPDATE document_upload SET received = :received, changed_at = :at WHERE id = :id")
_PARTS = text("SELECT owner_id, blob_id FROM document_upload_part WHERE upload_id = :upload ORDER BY start_at")
_PARTS_OF_PROJECTS = text("""
    SELECT DISTINCT u.id FROM document_upload u WHERE u.project_id = ANY(CAST(:projects AS uuid[]))
""")
_OLD_UPLOADS = text("SELECT id FROM document_upload WHERE changed_at < :before LIMIT :limit")
_END_UPLOAD = text("DELETE FROM document_upload WHERE id = :id")


async def add_upload(unit: AsyncSession, values: Mapping[str, Any]) -> None:
    await unit.execute(_ADD_UPLOAD, dict(values) | {"at": now()})


async def count_uploads(unit: AsyncSession, me: UserId) -> int:
    return int(await unit.scalar(_COUNT_UPLOADS, {"me": me}) or 0)


async def uploads(unit: AsyncSession, me: UserId, project_id: UUID | None) -> Sequence[Row[Any]]:
    return (await unit.execute(_UPLOADS, {"me": me, "project": project_id})).all()


async def find_upload(unit: AsyncSession, me: UserId, upload_id: UUID, *, is_locked: bool = False) -> Row[Any] | None:
    statement = _LOCK_UPLOAD if is_locked else _FIND_UPLOAD
    return (await unit.execute(statement, {"me": me, "id": upload_id})).one_or_none()


async def add_part(unit: AsyncSession, upload: Row[Any], *, size: int, blob_id: UUID) -> None:
    """In a unit of the system, with the upload locked."""
    start = upload.received
    await unit.execute(
        _ADD_PART, {"upload": upload.id, "owner": upload.owner_id, "start": start, "bytes": size, "blob": blob_id}
    )
    await unit.execute(_MOVE_UPLOAD, {"id": upload.id, "received": start + size, "at": now()})


async def parts(unit: AsyncSession, upload_id: UUID) -> Sequence[Row[Any]]:
    """In their order; in a unit of the system."""
    return (await unit.execute(_PARTS, {"upload": upload_id})).all()


async def uploads_of_projects(unit: AsyncSession, project_ids: Sequence[UUID]) -> list[UUID]:
    return list((await unit.execute(_PARTS_OF_PROJECTS, {"projects": list(project_ids)})).scalars())


async def old_uploads(unit: AsyncSession, *, before: datetime, limit: int) -> list[UUID]:
    return list((await unit.execute(_OLD_UPLOADS, {"before": before, "limit": limit})).scalars())


async def end_upload(unit: AsyncSession, upload_id: UUID) -> None:
    await unit.execute(_END_UPLOAD, {"id": upload_id})
