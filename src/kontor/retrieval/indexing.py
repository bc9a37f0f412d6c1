"""Making passages findable: by words at once, then by vectors, and the statistics counted anew when it is quiet.

Each step is a unit of its own that can be taken again: whatever ends the process in between, the next try goes on with
what is still missing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from kontor.core.database import Database
from kontor.retrieval import repository
from kontor.retrieval.compounds import compounds
from kontor.retrieval.minilm import LONGEST
from kontor.retrieval.models import Model
from kontor.retrieval.pgvector import lock_graph
from kontor.retrieval.ports import VectorStore
from kontor.retrieval.repository import NewWords, Passage
from kontor.retrieval.words import Indexed, Language, indexed, mark_of, tokens

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

WORDS_AT_ONCE = 500
VECTORS_AT_ONCE = 64
LARGE = 30_000  # passages of a project: up to here every vector is looked at
MARKED_AT_ONCE = 1000
ORPHANS_AT_ONCE = 500
QUIET = timedelta(seconds=20)
LONGEST_UNCOUNTED = timedelta(minutes=10)

LANGUAGES = {"de": Language.GERMAN, "en": Language.ENGLISH}

Tell = Callable[[int, int | None], Awaitable[None]]


class Embedder(Protocol):
    """Of one model. Counts are of pieces of words, and known of the local model alone."""

    async def embed(self, texts: Sequence[str]) -> "Vectors": ...

    async def count(self, texts: Sequence[str]) -> Sequence[int]: ...


async def index_words(database: Database, text_id: UUID, *, at_once: int = WORDS_AT_ONCE) -> int:
    """Answers how many passages can be found by words now that could not before."""
    added = 0
    while True:
        async with database.system("retrieval") as unit:
            passages = await repository.without_words(unit, text_id, limit=at_once)
        if not passages:
            return added
        made = await asyncio.to_thread(read_words, passages)
        project_id = passages[0].place.project_id
        async with database.system("retrieval") as unit:
            await repository.lock_words(unit, project_id)
            new = await repository.add_words(
                unit, [NewWords(passage.place, each.words, each.vector) for passage, each in made]
            )
            fresh = [each for passage, each in made if passage.place.passage_id in new]
            lexemes = Counter(lexeme for each in fresh for lexeme in each.lexemes)
            words = sum(each.words for each in fresh)
            await repository.count_in(unit, project_id, lexemes, passages=len(fresh), words=words)
        added += len(fresh)
        if len(passages) < at_once:
            return added


def read_words(passages: Sequence[Passage]) -> list[tuple[Passage, Indexed]]:
    return [
        (
            passage,
            indexed(
                passage.searched,
                LANGUAGES.get(passage.language, Language.OTHER),
                mark=mark_of(passage.place.project_id),
            ),
        )
        for passage in passages
    ]


@dataclass(frozen=True, slots=True)
class Way:
    """How passages come to their vectors, and where these go."""

    database: Database
    store: VectorStore
    embedder: Embedder
    model: Model
    at_once: int = VECTORS_AT_ONCE


async def index_vectors(way: Way, text_id: UUID, tell: Tell) -> None:
    database, store, model = way.database, way.store, way.model
    async with database.system("retrieval") as unit:
        done, total = await repository.counts_of(unit, text_id, model, is_elsewhere=store.is_elsewhere)
    while True:
        async with database.system("retrieval") as unit:
            passages = await repository.without_vector(
                unit, text_id, model, is_elsewhere=store.is_elsewhere, limit=way.at_once
            )
        if not passages:
            return
        texts = [passage.searched for passage in passages]
        vectors = await way.embedder.embed(texts)
        pieces = await way.embedder.count(texts)
        places = [passage.place for passage in passages]
        await store.put(model, places, vectors)
        words = sum(min(words_of(text), LONGEST) for text in texts)  # as many as the model has read
        async with database.system("retrieval") as unit:
            if store.is_elsewhere:
                await repository.record_elsewhere(unit, model, places)
            await repository.add_totals(
                unit, places[0].project_id, model, passages=len(places), pieces=sum(pieces), words=words
            )
        done += len(places)
        await tell(done, total)
        if len(passages) < way.at_once:
            return


def words_of(text: str) -> int:
    return sum(len(token.parts) for token in tokens(text))


async def recount(database: Database, project_id: UUID) -> None:
    """What every intake only adds to is counted anew, without what has gone; then compounds are taken apart with the
    words that are there now."""
    async with database.system("retrieval") as unit:
        await repository.lock_words(unit, project_id)
        vocabulary = await repository.recount(unit, project_id)
        await repository.recount_vectors(unit, project_id)
    words = {lexeme: passages for lexeme, passages in vocabulary.items() if lexeme.isalpha()}
    pairs = await asyncio.to_thread(compounds, words)
    async with database.system("retrieval") as unit:
        await repository.lock_words(unit, project_id)
        await repository.set_parts(unit, project_id, pairs)


async def recount_stale(database: Database, *, quiet: timedelta = QUIET, at_once: int = 20) -> int:
    """Answers how many projects were counted. One into which documents are still coming waits a while."""
    async with database.system("retrieval") as unit:
        stale = await repository.stale_projects(unit, quiet=quiet, longest=LONGEST_UNCOUNTED, limit=at_once)
    for project_id in stale:
        await recount(database, project_id)
    return len(stale)


async def enlarge(database: Database, *, above: int = LARGE) -> int:
    """Puts the vectors of projects that have grown large into the graph, little by little; until all of them are in it
    every one is looked at. Answers how many projects came to it."""
    async with database.system("retrieval") as unit:
        grown = await repository.grown_projects(unit, above=above)
    for project_id in grown:
        while await _marked(database, project_id) == MARKED_AT_ONCE:
            pass
        async with database.system("retrieval") as unit:
            # Who adds vectors at this moment is waited for; who comes later sees that they belong into the graph.
            await lock_graph(unit, project_id)
            while await repository.mark_large(unit, project_id, limit=MARKED_AT_ONCE) == MARKED_AT_ONCE:
                pass
            await repository.set_large(unit, project_id)
    return len(grown)


async def _marked(database: Database, project_id: UUID) -> int:
    async with database.system("retrieval") as unit:
        return await repository.mark_large(unit, project_id, limit=MARKED_AT_ONCE)


async def forget_orphans(database: Database, store: VectorStore) -> int:
    """What another store still has of passages that are gone."""
    gone = 0
    async with database.system("retrieval") as unit:
        models = await repository.models(unit)
    for model in models:
        while True:
            async with database.system("retrieval") as unit:
                found = await repository.orphans(unit, model, limit=ORPHANS_AT_ONCE)
            if not found:
                break
            await store.forget(model, found)
            async with database.system("retrieval") as unit:
                await repository.end_orphans(unit, model, found)
            gone += len(found)
    return gone
