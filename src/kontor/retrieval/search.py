"""Hybrid search over the passages of documents: by words and by vectors, brought together, grouped by document.

Two walls: the projects that are searched are those that the person may read, asked in their own unit; and whatever was
found is read in that unit again, under the policies of the tables. So nothing can be counted that may not be seen.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import Named, fetch
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.tenancy import Actor
from kontor.core.units import driver_of
from kontor.projects.errors import ProjectNotFound
from kontor.retrieval import bm25
from kontor.retrieval.bm25 import Narrowed, Plan, Statistics, WordHit
from kontor.retrieval.fusion import FAR, FROM_EACH_SIDE, NEAR, Fused, Hit, Weights, fuse, parts, weigh
from kontor.retrieval.indexing import LANGUAGES, LARGE
from kontor.retrieval.models import LOCAL, Model, ModelId
from kontor.retrieval.pgvector import plain
from kontor.retrieval.ports import Searched, VectorHit, VectorStore
from kontor.retrieval.query import Query, parse
from kontor.retrieval.reading import Span
from kontor.retrieval.snippets import snippet
from kontor.retrieval.words import Language

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

log = structlog.get_logger(__name__)

FUSED = 60  # passages that are grouped by their documents
MOST_PROJECTS = 2000  # of one search; those that changed last
FURTHER = 0.05  # what each further passage adds to its document, of its own score


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    query: str
    project_ids: Sequence[UUID] | None = None  # None: everything that one may read
    document_ids: Sequence[UUID] | None = None
    types: Sequence[str] = ()
    tags: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    page_from: int | None = None
    page_to: int | None = None
    limit: int = 10
    passages_each: int = 3
    by: Literal["both", "words", "vectors"] = "both"

    @property
    def names_documents(self) -> bool:
        return bool(self.document_ids is not None or self.types or self.tags or self.since or self.until)


class Questions(Protocol):
    async def embed_question(self, actor: Actor, model: Model, text: str) -> "Vectors":
        """One vector of length 1."""


# What was found


@dataclass(frozen=True, slots=True)
class FoundPassage:
    passage_id: UUID
    text_id: UUID
    ordinal: int
    span: Span  # of the document's text
    page_first: int
    page_last: int
    heading: str
    text: str
    snippet: str
    snippet_start: int  # in the document's text
    marks: Sequence[Span]  # of the snippet
    fused: Fused


@dataclass(frozen=True, slots=True)
class FoundDocument:
    id: UUID
    project_id: UUID
    name: str
    title: str
    author: str
    dated: str
    kind: str | None
    pages: int
    tags: Sequence[str]
    score: float
    passages: Sequence[FoundPassage]


@dataclass(frozen=True, slots=True)
class Explained:
    """What each stage found."""

    query: Query
    statistics: Statistics
    plan: Plan | None
    by_words: int
    by_vectors: int
    nearest: float | None
    weights: Weights
    fertility: float
    models: Sequence[Model]
    projects: int
    milliseconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    documents: Sequence[FoundDocument]
    is_weak: bool  # hardly anything of what was asked is in what was found
    explained: Explained
    lacks_vectors: bool = False  # they could not be asked, of all projects or of some


# The search


@dataclass(frozen=True, slots=True)
class Scope:
    """The projects that are searched, by the model that their vectors are of."""

    projects: Sequence[UUID]
    by_model: Mapping[Model, Sequence[UUID]]
    fertility: float
    passages: int
    trashed: Sequence[UUID] = ()
    hiding: Sequence[UUID] = ()  # projects with a trash that is none of the person's business


@dataclass(slots=True)
class Clock:
    began: float = field(default_factory=time.perf_counter)
    laps: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        at = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + round((at - self.began) * 1000, 2)
        self.began = at


class Search:
    """One question of one person."""

    def __init__(self, database: Database, store: VectorStore, questions: Questions, actor: Actor) -> None:
        self._database = database
        self._store = store
        self._questions = questions
        self._actor = actor
        self._clock = Clock()
        self._asked: dict[Model, asyncio.Task[Vectors]] = {}
        self._lacks_vectors = False

    async def run(self, wanted: Wanted) -> Found:
        query = parse(wanted.query)
        try:
            if wanted.by != "words":
                self._ask(LOCAL, wanted.query)  # it is on its way while the words are looked for
            async with self._database.unit(self._actor) as unit:
                scope = await scope_of(unit, self._actor, wanted)
                narrowed = await narrow(unit, scope, wanted)
                if self._store.is_elsewhere:
                    scope = replace(scope, trashed=await trashed_in(unit, scope))
                if not scope.projects or narrowed.documents == [] or not query.terms:
                    return nothing(query, scope, self._clock)
                self._clock.lap("rights")
                ranked = await by_words(unit, scope, query, narrowed)
                self._clock.lap("words")
                if wanted.by == "words":
                    return await self._finish(unit, wanted, scope, ranked, [])
                # As long as nobody's network is waited for, all of it is one transaction.
                if not self._store.is_elsewhere and all(model.is_local for model in scope.by_model):
                    return await self._finish(unit, wanted, scope, ranked, await self._near(unit, scope, narrowed))
            for model in scope.by_model:
                await asyncio.wait({self._ask(model, wanted.query)})
            near = await self._near(None, scope, narrowed) if self._store.is_elsewhere else None
            async with self._database.unit(self._actor) as unit:
                return await self._finish(
                    unit, wanted, scope, ranked, await self._near(unit, scope, narrowed) if near is None else near
                )
        finally:
            for waiting in self._asked.values():
                waiting.cancel()
            await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _ask(self, model: Model, text: str) -> "asyncio.Task[Vectors]":
        if model not in self._asked:
            asking = self._questions.embed_question(self._actor, model, text)
            self._asked[model] = asyncio.create_task(asking)
        return self._asked[model]

    async def _near(self, unit: AsyncSession | None, scope: Scope, narrowed: Narrowed) -> list[VectorHit]:
        """Of several models each is stretched by itself: what one calls near says nothing about another."""
        found: list[VectorHit] = []
        for model, projects in scope.by_model.items():
            try:
                question = await self._asked[model]
                self._clock.lap("question")
                searched = Searched(projects, scope.trashed, narrowed, is_large=scope.passages > LARGE)
                hits = await self._store.search(unit, model, question, searched, limit=FROM_EACH_SIDE)
            except KontorError as reason:
                # A store that is away, a model that whoever asks has no way to: then the words answer alone.
                log.warning("search.without_vectors", model=model.name, code=reason.code)
                self._lacks_vectors = True
                continue
            if len(scope.by_model) > 1:
                scaled = parts([Hit(hit.passage_id, hit.likeness) for hit in hits])
                hits = [replace(hit, likeness=scaled[hit.passage_id].scaled) for hit in hits]
            found += hits
            self._clock.lap("vectors")
        return found

    async def _finish(
        self, unit: AsyncSession, wanted: Wanted, scope: Scope, ranked: "Ranked", near: Sequence[VectorHit]
    ) -> Found:
        words = [Hit(hit.passage_id, hit.score, hit.terms) for hit in ranked.hits]
        if wanted.by == "vectors":
            words = []
        weights, fused = together(words, near, ranked.plan, scope.fertility)
        where = {hit.passage_id: hit.project_id for found in (ranked.hits, near) for hit in found}
        rows = await read_passages(unit, [(where[hit.passage_id], hit.passage_id) for hit in fused])
        worth = {lexeme.lexeme: lexeme.worth for lexeme in ranked.plan.lexemes}
        documents = grouped([(hit, rows[hit.passage_id]) for hit in fused if hit.passage_id in rows], worth, wanted)
        self._clock.lap("together")
        nearest = max((hit.likeness for hit in near), default=None)
        explained = Explained(
            ranked.plan.query, ranked.statistics, ranked.plan, len(ranked.hits), len(near), nearest, weights,
            scope.fertility, list(scope.by_model), len(scope.projects), self._clock.laps,
        )  # fmt: skip
        is_weak = ranked.plan.known == 0 and (nearest is None or nearest < NEAR)
        return Found(documents, is_weak, explained, self._lacks_vectors)


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the words found."""

    statistics: Statistics
    plan: Plan
    hits: Sequence[WordHit]


async def by_words(unit: AsyncSession, scope: Scope, query: Query, narrowed: Narrowed) -> Ranked:
    connection = driver_of(unit)
    statistics = await bm25.statistics_for(connection, scope.projects, query, hiding=scope.hiding)
    made = bm25.plan(query, statistics)
    hits = await bm25.score(connection, scope.projects, made, statistics, narrowed, limit=FROM_EACH_SIDE)
    return Ranked(statistics, made, hits)


def together(
    words: Sequence[Hit], near: Sequence[VectorHit], made: Plan, fertility: float
) -> tuple[Weights, list[Fused]]:
    """What only the vectors found, and not near, was found by chance. What was demanded, or excluded, is so for both
    sides, and the words alone can tell."""
    known = {hit.passage_id for hit in words}
    is_bound = bool(made.query.required or made.query.excluded)
    vectors = [
        Hit(hit.passage_id, hit.likeness)
        for hit in near
        if hit.passage_id in known or (hit.likeness >= FAR and not is_bound)
    ]
    weights = weigh(words, vectors, fertility=fertility, known=made.known)
    return weights, fuse(words, vectors, weights, limit=FUSED)


_SCOPE = """
    SELECT a.project_id, m.id, m.provider, m.name, m.dimensions,
        coalesce(v.passages, 0) AS passages, coalesce(v.pieces, 0) AS pieces, coalesce(v.words, 0) AS words,
        a.role = 'viewer' AND EXISTS (
            SELECT FROM document d WHERE d.project_id = a.project_id AND d.trashed_at IS NOT NULL
        ) AS is_hiding
    FROM project_access a JOIN project p ON p.id = a.project_id
    LEFT JOIN project_embedding e ON e.project_id = a.project_id
    JOIN embedding_model m ON m.id = coalesce(e.model_id, 1)
    LEFT JOIN vector_totals v ON v.project_id = a.project_id AND v.model_id = m.id
    WHERE a.user_id = $1 AND p.trashed_at IS NULL AND ($2::uuid[] IS NULL OR a.project_id = ANY($2))
    ORDER BY p.updated_at DESC LIMIT $3
"""
_TRASHED = "SELECT unnest(trashed_documents($1)) AS id"


async def scope_of(unit: AsyncSession, actor: Actor, wanted: Wanted) -> Scope:
    named = None if wanted.project_ids is None else list(dict.fromkeys(wanted.project_ids))
    rows = await fetch(unit, _SCOPE, actor.user_id, named, MOST_PROJECTS)
    if named is not None and len(rows) < len(named):
        raise ProjectNotFound
    by_model: dict[Model, list[UUID]] = {}
    for row in rows:
        model = Model(ModelId(row["id"]), row["provider"], row["name"], row["dimensions"])
        by_model.setdefault(model, []).append(plain(row["project_id"]))
    read = [row for row in rows if row["id"] == LOCAL.id]
    words = sum(row["words"] for row in read)
    return Scope(
        projects=[plain(row["project_id"]) for row in rows],
        by_model=by_model,
        fertility=sum(row["pieces"] for row in read) / words if words else 1.0,
        passages=sum(row["passages"] for row in rows),
        hiding=[plain(row["project_id"]) for row in rows if row["is_hiding"]],
    )


_CHOSEN = """
    SELECT d.id FROM document d
    WHERE d.project_id = ANY($1::uuid[]) AND d.trashed_at IS NULL
        AND ($2::uuid[] IS NULL OR d.id = ANY($2))
        AND ($3::text[] IS NULL OR d.kind = ANY($3))
        AND ($4::text[] IS NULL OR d.tags @> $4)
        AND ($5::text IS NULL OR coalesce(nullif(d.dated, ''), d.created_at::date::text) >= $5)
        AND ($6::text IS NULL OR left(coalesce(nullif(d.dated, ''), d.created_at::date::text), 10) <= $6)
"""


async def trashed_in(unit: AsyncSession, scope: Scope) -> list[UUID]:
    return [plain(row["id"]) for row in await fetch(unit, _TRASHED, scope.projects)]


async def narrow(unit: AsyncSession, scope: Scope, wanted: Wanted) -> Narrowed:
    pages = Narrowed(
        None,
        1 if wanted.page_from is None and wanted.page_to is not None else wanted.page_from,
        2**31 - 1 if wanted.page_to is None and wanted.page_from is not None else wanted.page_to,
    )
    if not wanted.names_documents or not scope.projects:
        return pages
    rows = await fetch(
        unit,
        _CHOSEN,
        scope.projects,
        None if wanted.document_ids is None else list(wanted.document_ids),
        list(wanted.types) or None,
        list(wanted.tags) or None,
        wanted.since and wanted.since.isoformat(),
        wanted.until and wanted.until.isoformat(),
    )
    return replace(pages, documents=[plain(row["id"]) for row in rows])


def nothing(query: Query, scope: Scope, clock: Clock) -> Found:
    clock.lap("rights")
    explained = Explained(
        query, Statistics(0, 0, {}), None, 0, 0, None, weigh([], [], fertility=1.0, known=0.0), scope.fertility,
        list(scope.by_model), len(scope.projects), clock.laps,
    )  # fmt: skip
    return Found([], True, explained)


_READ = """
    SELECT p.id, p.text_id, p.ordinal, p.start_at, p.end_at, p.page_first, p.page_last, p.heading, p.language, p.text,
        d.id AS document_id, d.project_id, d.name, d.title, d.author, d.dated, d.kind, d.pages, d.tags
    FROM unnest($1::uuid[], $2::uuid[]) AS n (project_id, passage_id)
    JOIN passage p ON p.project_id = n.project_id AND p.id = n.passage_id
    JOIN document d ON d.project_id = p.project_id AND d.id = p.document_id
    WHERE d.trashed_at IS NULL
"""


async def read_passages(unit: AsyncSession, places: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Named]:
    rows = await fetch(unit, _READ, [project for project, _ in places], [passage for _, passage in places])
    return {plain(row["id"]): row for row in rows}


def grouped(hits: Sequence[tuple[Fused, Named]], worth: Mapping[str, float], wanted: Wanted) -> list[FoundDocument]:
    """By document, each as good as its best passage and a little better for each further one."""
    by_document: dict[UUID, list[tuple[Fused, Named]]] = {}
    for hit, row in hits:
        by_document.setdefault(plain(row["document_id"]), []).append((hit, row))
    scores = {
        document: members[0][0].score + FURTHER * sum(hit.score for hit, _ in members[1:])
        for document, members in by_document.items()
    }
    best = sorted(by_document, key=lambda document: (-scores[document], document))[: wanted.limit]
    return [found_document(scores[document], by_document[document][: wanted.passages_each], worth) for document in best]


def found_document(score: float, members: Sequence[tuple[Fused, Named]], worth: Mapping[str, float]) -> FoundDocument:
    row = members[0][1]
    return FoundDocument(
        plain(row["document_id"]), plain(row["project_id"]), row["name"], row["title"], row["author"], row["dated"],
        row["kind"], row["pages"], row["tags"], score, [found_passage(hit, each, worth) for hit, each in members],
    )  # fmt: skip


def found_passage(hit: Fused, row: Named, worth: Mapping[str, float]) -> FoundPassage:
    shown = snippet(row["text"], worth, LANGUAGES.get(row["language"], Language.OTHER))
    return FoundPassage(
        hit.passage_id, plain(row["text_id"]), row["ordinal"], Span(row["start_at"], row["end_at"]),
        row["page_first"], row["page_last"], row["heading"], row["text"], shown.text,
        row["start_at"] + shown.span.start, shown.marks, hit,
    )  # fmt: skip
