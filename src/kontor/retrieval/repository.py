"""Every query about words, vectors and models that is not itself a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import Bulk, Named, fetch
from kontor.retrieval.bm25 import COUNT_PASSAGES, COUNT_WORDS
from kontor.retrieval.models import LOCAL, Model, ModelId
from kontor.retrieval.pgvector import plain
from kontor.retrieval.ports import Place

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.words ' || :project, 0))")


async def lock_words(unit: AsyncSession, project_id: UUID) -> None:
    """Until the end of the unit nobody else changes what is counted of this project."""
    await unit.execute(_LOCK, {"project": str(project_id)})


# Passages that are to be found


@dataclass(frozen=True, slots=True)
class Passage:
    place: Place
    language: str
    heading: str
    text: str

    @property
    def searched(self) -> str:
        """What it is found by: a passage in the middle of a chapter is about what the chapter is about."""
        nearest = self.heading.rpartition(" › ")[2]
        return self.text if self.text.startswith(nearest) else f"{self.heading}\n{self.text}"


_COLUMNS = "p.project_id, p.document_id, p.id, p.page_first, p.page_last, p.language, p.heading, p.text"
_WITHOUT_WORDS = f"""
    SELECT {_COLUMNS} FROM passage p
    WHERE p.text_id = $1 AND NOT EXISTS (
        SELECT FROM passage_words w WHERE w.project_id = p.project_id AND w.passage_id = p.id
    )
    ORDER BY p.ordinal LIMIT $2
"""  # noqa: S608 - our own words
_WITHOUT_VECTOR = f"""
    SELECT {_COLUMNS} FROM passage p
    WHERE p.text_id = $1 AND NOT EXISTS (
        SELECT FROM passage_vectors v
        WHERE v.project_id = p.project_id AND v.passage_id = p.id AND v.model_id = $2 AND {{kept}}
    )
    ORDER BY p.ordinal LIMIT $3
"""  # noqa: S608
# Which store is meant: one that has a vector only according to the other's books has none.
KEPT = {False: "v.vector IS NOT NULL", True: "v.is_elsewhere"}
_COUNTS = """
    SELECT count(v.passage_id) AS done, count(*) AS total FROM passage p LEFT JOIN passage_vectors v
        ON v.project_id = p.project_id AND v.passage_id = p.id AND v.model_id = $2 AND {kept}
    WHERE p.text_id = $1
"""


async def without_words(unit: AsyncSession, text_id: UUID, *, limit: int) -> list[Passage]:
    return [_passage(row) for row in await fetch(unit, _WITHOUT_WORDS, text_id, limit)]


async def without_vector(
    unit: AsyncSession, text_id: UUID, model: Model, *, is_elsewhere: bool, limit: int
) -> list[Passage]:
    statement = _WITHOUT_VECTOR.format(kept=KEPT[is_elsewhere])
    return [_passage(row) for row in await fetch(unit, statement, text_id, model.id, limit)]


async def counts_of(unit: AsyncSession, text_id: UUID, model: Model, *, is_elsewhere: bool) -> tuple[int, int]:
    """How many passages have a vector, of how many."""
    [row] = await fetch(unit, _COUNTS.format(kept=KEPT[is_elsewhere]), text_id, model.id)
    return row["done"], row["total"]


def _passage(row: Named) -> Passage:
    project, document, passage = (plain(row[name]) for name in ("project_id", "document_id", "id"))
    place = Place(project, document, passage, row["page_first"], row["page_last"])
    return Passage(place, row["language"], row["heading"], row["text"])


# Words

_ADD_WORDS = Bulk(
    """
    INSERT INTO passage_words (project_id, passage_id, document_id, words, vector)
    SELECT p.project_id, p.id, p.document_id, n.words, n.vector::tsvector
    FROM {n} JOIN passage p ON p.project_id = n.project_id AND p.id = n.passage_id
    ON CONFLICT (project_id, passage_id) DO NOTHING RETURNING passage_id
    """,
    n={"project_id": "uuid", "passage_id": "uuid", "words": "integer", "vector": "text"},
)
_COUNT_IN = """
    INSERT INTO word_statistics (project_id, lexeme, passages)
    SELECT $1, n.lexeme, n.passages FROM unnest($2::text[], $3::integer[]) AS n (lexeme, passages)
    ON CONFLICT (project_id, lexeme) DO UPDATE SET passages = word_statistics.passages + excluded.passages
"""
_TOTAL_IN = """
    INSERT INTO word_totals (project_id, passages, words, changed_at) VALUES ($1, $2, $3, clock_timestamp())
    ON CONFLICT (project_id) DO UPDATE SET passages = word_totals.passages + excluded.passages,
        words = word_totals.words + excluded.words, changed_at = excluded.changed_at
"""


@dataclass(frozen=True, slots=True)
class NewWords:
    place: Place
    words: int
    vector: str


async def add_words(unit: AsyncSession, new: Sequence[NewWords]) -> set[UUID]:
    """Which of them were not there yet."""
    rows = [
        {
            "project_id": each.place.project_id,
            "passage_id": each.place.passage_id,
            "words": each.words,
            "vector": each.vector,
        }
        for each in new
    ]
    return {plain(row["passage_id"]) for row in await _ADD_WORDS.run(unit, n=rows)}


async def count_in(
    unit: AsyncSession, project_id: UUID, lexemes: Mapping[str, int], *, passages: int, words: int
) -> None:
    """With `lock_words`. In one order, so that nobody waits in a circle."""
    ordered = sorted(lexemes.items())
    await fetch(unit, _COUNT_IN, project_id, [lexeme for lexeme, _ in ordered], [number for _, number in ordered])
    await fetch(unit, _TOTAL_IN, project_id, passages, words)


_STALE = text("""
    SELECT project_id FROM word_totals
    WHERE (counted_at IS NULL OR counted_at < changed_at)
        AND (changed_at <= clock_timestamp() - CAST(:quiet AS interval)
            OR counted_at <= clock_timestamp() - CAST(:longest AS interval))
    ORDER BY changed_at LIMIT :limit
""")
_VOCABULARY = "SELECT lexeme, passages FROM word_statistics WHERE project_id = $1 AND passages > 0"
_ADD_PARTS = """
    INSERT INTO word_parts (project_id, part, lexeme)
    SELECT $1, n.part, n.lexeme FROM unnest($2::text[], $3::text[]) AS n (part, lexeme) ON CONFLICT DO NOTHING
"""


async def stale_projects(unit: AsyncSession, *, quiet: timedelta, longest: timedelta, limit: int) -> list[UUID]:
    """That have changed, and are quiet now or have not been counted for long."""
    values = {"quiet": quiet, "longest": longest, "limit": limit}
    return [plain(found) for found in (await unit.execute(_STALE, values)).scalars()]


async def recount(unit: AsyncSession, project_id: UUID) -> dict[str, int]:
    """Counts anew what every intake has only added to, with `lock_words`. Answers the vocabulary."""
    # Whoever is taking passages out has noted it here, and is waited for; who does it from now on notes it afterwards.
    if not await fetch(unit, "SELECT FROM word_totals WHERE project_id = $1 FOR UPDATE", project_id):
        return {}  # the project itself has gone
    await fetch(unit, "DELETE FROM word_statistics WHERE project_id = $1", project_id)
    await fetch(unit, COUNT_WORDS, project_id)
    await fetch(unit, COUNT_PASSAGES, project_id)
    return {row["lexeme"]: row["passages"] for row in await fetch(unit, _VOCABULARY, project_id)}


async def set_parts(unit: AsyncSession, project_id: UUID, pairs: Sequence[tuple[str, str]]) -> None:
    await fetch(unit, "DELETE FROM word_parts WHERE project_id = $1", project_id)
    await fetch(unit, _ADD_PARTS, project_id, [part for part, _ in pairs], [lexeme for _, lexeme in pairs])


# Vectors

_RECORD_ELSEWHERE = """
    INSERT INTO passage_vectors (project_id, passage_id, model_id, document_id, is_elsewhere)
    SELECT p.project_id, p.id, $3, p.document_id, true
    FROM unnest($1::uuid[], $2::uuid[]) AS n (project_id, passage_id)
    JOIN passage p ON p.project_id = n.project_id AND p.id = n.passage_id
    ON CONFLICT (project_id, passage_id, model_id) DO UPDATE SET is_elsewhere = true
"""
# A passage that went while its vector was on the way has left nothing that a trigger could have noted.
_ORPHANED = """
    INSERT INTO vector_orphan (project_id, passage_id, model_id)
    SELECT n.project_id, n.passage_id, $3 FROM unnest($1::uuid[], $2::uuid[]) AS n (project_id, passage_id)
    WHERE NOT EXISTS (SELECT FROM passage p WHERE p.project_id = n.project_id AND p.id = n.passage_id)
    ON CONFLICT DO NOTHING
"""
_ADD_TOTALS = """
    INSERT INTO vector_totals (project_id, model_id, passages, pieces, words) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (project_id, model_id) DO UPDATE SET passages = vector_totals.passages + excluded.passages,
        pieces = vector_totals.pieces + excluded.pieces, words = vector_totals.words + excluded.words
    RETURNING passages, is_large
"""
_RECOUNT_TOTALS = """
    UPDATE vector_totals t SET passages = c.passages
    FROM (SELECT model_id, count(*) AS passages FROM passage_vectors WHERE project_id = $1 GROUP BY model_id) c
    WHERE t.project_id = $1 AND t.model_id = c.model_id
"""
_MARK_LARGE = """
    UPDATE passage_vectors SET is_large = true WHERE (project_id, passage_id, model_id) IN (
        SELECT project_id, passage_id, model_id FROM passage_vectors
        WHERE project_id = $1 AND model_id = $2 AND NOT is_large LIMIT $3
    )
    RETURNING 1
"""
_LARGE = "UPDATE vector_totals SET is_large = true WHERE project_id = $1 AND model_id = $2"
_GROWN = """
    SELECT project_id FROM vector_totals WHERE model_id = $1 AND NOT is_large AND passages > $2 LIMIT 10
"""


async def record_elsewhere(unit: AsyncSession, model: Model, places: Sequence[Place]) -> None:
    projects, passages = [place.project_id for place in places], [place.passage_id for place in places]
    await fetch(unit, _RECORD_ELSEWHERE, projects, passages, model.id)
    await fetch(unit, _ORPHANED, projects, passages, model.id)
    # What was given up and has come back, with a model that was chosen again, is nobody's orphan any more.
    await fetch(unit, _KEPT_AGAIN, model.id, passages)


async def add_totals(
    unit: AsyncSession, project_id: UUID, model: Model, *, passages: int, pieces: int, words: int
) -> None:
    await fetch(unit, _ADD_TOTALS, project_id, model.id, passages, pieces, words)


async def recount_vectors(unit: AsyncSession, project_id: UUID) -> None:
    await fetch(unit, _RECOUNT_TOTALS, project_id)


async def grown_projects(unit: AsyncSession, *, above: int) -> list[UUID]:
    return [plain(row["project_id"]) for row in await fetch(unit, _GROWN, LOCAL.id, above)]


async def mark_large(unit: AsyncSession, project_id: UUID, *, limit: int) -> int:
    return len(await fetch(unit, _MARK_LARGE, project_id, LOCAL.id, limit))


async def set_large(unit: AsyncSession, project_id: UUID) -> None:
    await fetch(unit, _LARGE, project_id, LOCAL.id)


_ORPHANS = "SELECT passage_id FROM vector_orphan WHERE model_id = $1 LIMIT $2"
_KEPT_AGAIN = """
    DELETE FROM vector_orphan o USING passage_vectors v
    WHERE o.model_id = $1 AND o.passage_id = ANY($2::uuid[])
        AND v.project_id = o.project_id AND v.passage_id = o.passage_id AND v.model_id = o.model_id AND v.is_elsewhere
"""
_END_ORPHANS = "DELETE FROM vector_orphan WHERE model_id = $1 AND passage_id = ANY($2::uuid[])"


async def orphans(unit: AsyncSession, model: Model, *, limit: int) -> list[UUID]:
    return [plain(row["passage_id"]) for row in await fetch(unit, _ORPHANS, model.id, limit)]


async def end_orphans(unit: AsyncSession, model: Model, passages: Sequence[UUID]) -> None:
    await fetch(unit, _END_ORPHANS, model.id, list(passages))


# Models

_MODELS = text("SELECT id, provider, name, dimensions FROM embedding_model ORDER BY id")
_OF_PROJECT = text("""
    SELECT m.id, m.provider, m.name, m.dimensions FROM project_embedding e
    JOIN embedding_model m ON m.id IN (e.model_id, e.next_model_id) WHERE e.project_id = :project
""")


def _model(row: Row[Any]) -> Model:
    return Model(ModelId(row.id), row.provider, row.name, row.dimensions)


async def models(unit: AsyncSession) -> list[Model]:
    return [_model(row) for row in await unit.execute(_MODELS)]


async def models_of(unit: AsyncSession, project_id: UUID) -> list[Model]:
    """The one that answers, and the one that shall."""
    found = [_model(row) for row in await unit.execute(_OF_PROJECT, {"project": project_id})]
    return found or [LOCAL]
