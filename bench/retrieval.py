"""How well words, vectors and both together find: nDCG@10, recall@10, MRR@10 over a set with known answers.

    python bench/retrieval.py FOLDER [FOLDER ...]

A set is the common three files: corpus.jsonl (`_id`, `title`, `text`), queries.jsonl (`_id`, `text`) and qrels.tsv
(query, document, relevance, with a line of headings). Texts are taken whole, one passage each. It works on Kontor's
package directly, with an embedded PostgreSQL for the words and exact search over the vectors.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from kontor.core.postgres import EmbeddedPostgres
from kontor.core.units import Connection
from kontor.retrieval import bm25
from kontor.retrieval.embedder import LocalEmbedder
from kontor.retrieval.fusion import FROM_EACH_SIDE, Hit, fuse, weigh, with_feedback
from kontor.retrieval.query import parse
from kontor.retrieval.words import Language, fertility, indexed, language_of

DEPTH = 10
Vectors = NDArray[np.float32]

PROJECT = UUID(int=1)
WAYS = ("words", "vectors", "hybrid")
MEASURES = ("nDCG@10", "recall@10", "MRR@10")


@dataclass(frozen=True)
class Set:
    name: str
    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--queries", type=int, help="only so many of each set")
    parser.add_argument("--feedback", action="store_true", help="search by vectors once more, drawn to the first three")
    options = parser.parse_args(arguments)
    means: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        Path(folder).chmod(0o755)  # the database's own user passes through
        with EmbeddedPostgres(Path(folder) / "data", durable=False).running() as postgres:
            for place in options.folders:
                judged = read(place, options.queries)
                found = asyncio.run(measure(postgres.url("postgres"), judged, feedback=options.feedback))
                for way in WAYS:
                    means[way].append(found[way][0])
    if len(options.folders) > 1:
        print("\nmean nDCG@10  " + "  ".join(f"{way} {statistics.mean(means[way]):.4f}" for way in WAYS))
    return 0


def read(folder: Path, most: int | None = None) -> Set:
    corpus = {
        row["_id"]: f"{row.get('title') or ''}\n{row['text']}".strip() for row in rows_of(folder / "corpus.jsonl")
    }
    relevance: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevance.setdefault(query, {})[document] = int(score)
    asked = {row["_id"]: row["text"] for row in rows_of(folder / "queries.jsonl") if row["_id"] in relevance}
    return Set(folder.name, corpus, dict(list(asked.items())[:most]), relevance)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


async def measure(url: str, judged: Set, *, feedback: bool = False) -> dict[str, tuple[float, ...]]:
    names = list(judged.corpus)
    texts = list(judged.corpus.values())
    connection: Connection = await asyncpg.connect(url)
    try:
        async with LocalEmbedder() as embedder:
            began = time.perf_counter()
            lengths = await add_words(connection, texts)
            counted = time.perf_counter()
            vectors = await embedder.embed(texts)
            pieces = await embedder.count(texts)
            read_well = fertility(pieces, [min(length, embedder.longest) for length in lengths])
            print(
                f"\n{judged.name}: {len(texts)} texts, {len(judged.queries)} queries, fertility {read_well:.2f}, "
                f"words {counted - began:.1f} s, vectors {time.perf_counter() - counted:.1f} s"
            )
            asked = await embedder.embed(list(judged.queries.values()))
            figures: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
            for (query, text), vector in zip(judged.queries.items(), asked, strict=True):
                by_words, known = await search_words(connection, text)
                by_vectors = search_vectors(vectors, vector, feedback=feedback)
                weights = weigh(by_words, by_vectors, fertility=read_well, known=known)
                both = [hit.passage_id for hit in fuse(by_words, by_vectors, weights)]
                found = ([hit.passage_id for hit in by_words], [hit.passage_id for hit in by_vectors], both)
                for way, ranked in zip(WAYS, found, strict=True):
                    figures[way].append(rate([names[at.int] for at in ranked], judged.relevance[query]))
    finally:
        await connection.close()
    made = {way: tuple(statistics.mean(column) for column in zip(*figures[way], strict=True)) for way in WAYS}
    for way, values in made.items():
        print(f"  {way:<8} " + "  ".join(f"{name} {value:.4f}" for name, value in zip(MEASURES, values, strict=True)))
    return made


async def add_words(connection: Connection, texts: Sequence[str]) -> list[int]:
    await connection.execute(bm25.TABLES.format("TEMPORARY"))
    otherwise = language_of("\n".join(texts[:200]), first=100_000)
    made = [indexed(text, language_of(text, otherwise=otherwise)) for text in texts]
    await connection.executemany(
        "INSERT INTO passage_words VALUES ($1, $2, $3, $4::text::tsvector)",
        [(PROJECT, UUID(int=at), entry.words, entry.vector) for at, entry in enumerate(made)],
    )
    await bm25.refresh(connection, PROJECT)
    await connection.execute("ANALYZE passage_words")
    if otherwise is Language.OTHER:
        print("  (neither German nor English: searched without stems)")
    return [entry.words for entry in made]


async def search_words(connection: Connection, text: str) -> tuple[list[Hit], float]:
    query = parse(text)
    statistics_ = await bm25.statistics_for(connection, PROJECT, query)
    plan = bm25.plan(query, statistics_)
    hits = await bm25.score(connection, PROJECT, plan, statistics_, limit=FROM_EACH_SIDE)
    return [Hit(hit.passage_id, hit.score, hit.terms) for hit in hits], plan.known


def search_vectors(vectors: Vectors, question: Vectors, *, feedback: bool) -> list[Hit]:
    likeness = vectors @ question
    best = np.argsort(-likeness, kind="stable")[:FROM_EACH_SIDE]
    if feedback:
        likeness = vectors @ with_feedback(question, vectors[best])
        best = np.argsort(-likeness, kind="stable")[:FROM_EACH_SIDE]
    return [Hit(UUID(int=int(at)), float(likeness[at])) for at in best]


def rate(ranked: Sequence[str], relevance: Mapping[str, int]) -> tuple[float, float, float]:
    """nDCG@10, recall@10 and the reciprocal rank of the first that is relevant."""
    gains = [relevance.get(name, 0) for name in ranked[:DEPTH]]
    ideal = sorted(relevance.values(), reverse=True)[:DEPTH]
    first = next((1 / rank for rank, gain in enumerate(gains, 1) if gain), 0.0)
    return discounted(gains) / discounted(ideal), sum(map(bool, gains)) / len(relevance), first


def discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


if __name__ == "__main__":
    sys.exit(main())
