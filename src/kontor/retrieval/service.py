"""Retrieval as a process has it: the local model, the store of vectors, and what may be searched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor
from kontor.documents.parsing.model import Kind as DocumentKind
from kontor.documents.ports import Readable, Tell
from kontor.retrieval import embedding, indexing, repository
from kontor.retrieval.embedder import LocalEmbedder, Urgency
from kontor.retrieval.embedding import AskedEmbedder, Asks, of_length_one
from kontor.retrieval.fusion import Part
from kontor.retrieval.indexing import Embedder, Way
from kontor.retrieval.kinds import Searchables
from kontor.retrieval.models import Model
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.ports import VectorStore
from kontor.retrieval.proof import Readings
from kontor.retrieval.qdrant import QdrantVectors
from kontor.retrieval.schemas import (
    DocumentResultRead,
    ExplainedRead,
    LexemeRead,
    MarkRead,
    PassageHitRead,
    ResultRead,
    SearchRead,
    SearchWanted,
    SideRead,
    TermRead,
)
from kontor.retrieval.search import Explained, FoundDocument, FoundPassage, Search, Wanted

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors


@dataclass(slots=True)
class Retrieval:
    database: Database
    embedder: LocalEmbedder
    store: VectorStore
    asks: Asks
    searchables: Searchables = field(default_factory=Searchables)
    readings: Readings = field(default_factory=Readings)

    @classmethod
    def of(cls, kernel: Kernel, asks: Asks) -> "Retrieval":
        made = cls(kernel.database, LocalEmbedder(), store_of(kernel.settings, kernel.database), asks)
        made.searchables.register(SearchableDocuments(made))
        kernel.close_with(made.close)
        return made

    async def close(self) -> None:
        await self.embedder.close()
        await self.store.close()

    async def embed_question(self, actor: Actor, model: Model, text: str) -> "Vectors":
        """What another model makes of it is paid by whoever asks."""
        if model.is_local:
            vectors = await self.embedder.embed([text], urgency=Urgency.QUESTION)
        else:
            said = await self.asks.vectors(actor, [text], model=model.name, provider=model.provider, project_id=None)
            vectors = of_length_one(said.vectors, model)
        one: Vectors = vectors[0]
        return one

    async def embedder_of(self, model: Model, project_id: UUID) -> Embedder:
        if model.is_local:
            return self.embedder
        return AskedEmbedder(self.database, self.asks, model, project_id)

    async def search(self, actor: Actor, wanted: SearchWanted) -> SearchRead:
        """Each kind by itself, one after another; what is best comes first, whatever it is."""
        searched = self.searchables.named(wanted.kinds)
        answers = [await each.search(actor, wanted) for each in searched]
        results = sorted((result for answer in answers for result in answer.results), key=lambda result: -result.score)
        explained = next((answer.explained for answer in answers if answer.explained is not None), None)
        return SearchRead(
            results=results,
            kinds=[each.kind for each in searched],
            is_weak=all(answer.is_weak for answer in answers),
            lacks_vectors=any(answer.lacks_vectors for answer in answers),
            explained=explained,
        )


def store_of(settings: Settings, database: Database) -> VectorStore:
    if settings.vector_url is None:
        return PostgresVectors(database)
    return QdrantVectors(settings.vector_url, settings.vector_key)


class Indexer:
    """What documents call when a text has been read: their `documents.ports` know no more of this."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    async def index(self, database: Database, text: Readable, tell: Tell) -> None:
        """By words first: from then on it is found, and of the first pages of a long one that is all."""
        await indexing.index_words(database, text.text_id)
        if not text.is_whole:
            return
        done: set[Model] = set()
        while True:
            # Asked again each time: another model may have been chosen meanwhile.
            async with database.system("retrieval") as unit:
                models = await repository.models_of(unit, text.project_id)
            model = next((each for each in models if each not in done), None)
            if model is None:
                return
            embedder = await self._retrieval.embedder_of(model, text.project_id)
            await indexing.index_vectors(Way(database, self._retrieval.store, embedder, model), text.text_id, tell)
            done.add(model)


# Documents as one kind of what can be searched


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    results: Sequence[ResultRead]
    is_weak: bool
    lacks_vectors: bool
    explained: ExplainedRead | None


class SearchableDocuments:
    kind = "document"

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    async def search(self, actor: Actor, wanted: SearchWanted) -> DocumentAnswer:
        one = Search(self._retrieval.database, self._retrieval.store, self._retrieval, actor)
        found = await one.run(
            Wanted(
                query=wanted.query,
                project_ids=wanted.project_ids,
                document_ids=wanted.document_ids,
                types=[each.value for each in wanted.types],
                tags=wanted.tags,
                since=wanted.since,
                until=wanted.until,
                page_from=wanted.page_from,
                page_to=wanted.page_to,
                limit=wanted.limit,
                passages_each=wanted.passages_each,
                by=wanted.by,
            )
        )
        return DocumentAnswer(
            [result_read(document, explain=wanted.explain) for document in found.documents],
            found.is_weak,
            found.lacks_vectors,
            explained_read(found.explained) if wanted.explain else None,
        )


def result_read(document: FoundDocument, *, explain: bool) -> DocumentResultRead:
    return DocumentResultRead(
        id=document.id,
        project_id=document.project_id,
        name=document.name,
        title=document.title,
        author=document.author,
        dated=document.dated,
        type=None if document.kind is None else DocumentKind(document.kind),
        pages=document.pages,
        tags=list(document.tags),
        score=round(document.score, 6),
        passages=[hit_read(passage, explain=explain) for passage in document.passages],
    )


def hit_read(found: FoundPassage, *, explain: bool) -> PassageHitRead:
    fused = found.fused
    return PassageHitRead(
        passage_id=found.passage_id,
        text_id=found.text_id,
        ordinal=found.ordinal,
        start_at=found.span.start,
        end_at=found.span.end,
        page_first=found.page_first,
        page_last=found.page_last,
        heading=found.heading,
        score=round(fused.score, 6),
        found_by=[*(("words",) if fused.words else ()), *(("vectors",) if fused.vectors else ())],
        snippet=found.snippet,
        snippet_at=found.snippet_start,
        marks=[MarkRead(start=mark.start, end=mark.end) for mark in found.marks],
        text=found.text,
        words=side_read(fused.words) if explain else None,
        vectors=side_read(fused.vectors) if explain else None,
    )


def side_read(part: Part | None) -> SideRead | None:
    if part is None:
        return None
    return SideRead(rank=part.rank, score=part.score, scaled=part.scaled, terms=dict(part.terms))


def explained_read(found: Explained) -> ExplainedRead:
    plan = found.plan
    finding = frozenset(plan.finding) if plan else frozenset()
    return ExplainedRead(
        terms=[TermRead(text=term.text, weight=term.weight) for term in found.query.terms],
        required=len(found.query.required),
        excluded=len(found.query.excluded),
        lexemes=[
            LexemeRead(
                lexeme=each.lexeme,
                term=plan.terms[each.term],
                worth=each.worth,
                passages=each.passages,
                finds=each.lexeme in finding,
            )
            for each in plan.lexemes
        ]
        if plan
        else [],
        passages=found.statistics.passages,
        projects=found.projects,
        mean_words=found.statistics.mean_words,
        known=plan.known if plan else 0.0,
        found_by_words=found.by_words,
        found_by_vectors=found.by_vectors,
        nearest=found.nearest,
        fertility=found.fertility,
        weight_of_words=found.weights.words,
        weight_of_vectors=found.weights.vectors,
        reasons=list(found.weights.reasons),
        models=[embedding.shown(each) for each in found.models],
        milliseconds=dict(found.milliseconds),
    )
