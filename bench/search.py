"""How fast search answers over HTTP, and how much of what exact search finds the vectors find.

    python bench/search.py                           100,000 passages
    python bench/search.py --passages 500000
    python bench/search.py --chroma PYTHON           also Chroma, on the same vectors, by another environment's Python

An embedded PostgreSQL, a web process of its own, one person with projects of 50, 1,000, 20,000 and up to 100,000
passages, among others' projects of 5,000. Words are made up and as frequent as words are; vectors lie in clusters, as
those of texts do. Asked is by one client after the other's answer, with token, rights and row-level security. What a
question takes includes its vector by the local model. Recall is of the ten nearest, against all vectors multiplied.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from numpy.typing import NDArray
from own import Client, own_kontor

from kontor.core.database import Database
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor, Role
from kontor.core.units import Connection
from kontor.retrieval import indexing
from kontor.retrieval.models import LOCAL
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.ports import Searched
from kontor.retrieval.words import Language, indexed, mark_of

Vectors = NDArray[np.float32]

WIDTH = LOCAL.dimensions
CLUSTERS = 400
OTHERS = 5_000
FEWEST = 30_000
TO_DOCUMENT = 100
VOCABULARY = 30_000
WORDS = 100
BATCH = 2_000
SYLLABLES = "ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so ta te ti"

# What the other environment runs: the same vectors and questions, filtered by project as people's searches are.
CHROMA = """
import json, statistics, sys, time
import chromadb, numpy as np
given = json.load(sys.stdin)
vectors, owners = np.load(given["vectors"]), np.load(given["owners"])
client = chromadb.PersistentClient(given["folder"], settings=chromadb.Settings(anonymized_telemetry=False))
made = client.create_collection("bench", metadata={"hnsw:space": "ip", "hnsw:search_ef": 200})
began = time.perf_counter()
for at in range(0, len(vectors), 2000):
    some = range(at, min(at + 2000, len(vectors)))
    made.add(ids=[str(n) for n in some], embeddings=vectors[at : at + 2000].tolist(),
             metadatas=[{"project": int(owners[n])} for n in some])
built = time.perf_counter() - began
answers = {}
for name, project, questions in given["asked"]:
    took, recalled = [], []
    for at, question in enumerate(np.load(questions)):
        began = time.perf_counter()
        found = made.query(query_embeddings=[question.tolist()], n_results=10, where={"project": project}, include=[])
        took.append(time.perf_counter() - began)
        wanted = np.flatnonzero(owners == project)
        best = wanted[np.argsort(-(vectors[wanted] @ question))[:10]]
        recalled.append(len({int(n) for n in found["ids"][0]} & set(best.tolist())) / len(best))
    took.sort()
    answers[name] = [took[len(took) // 2] * 1000, took[int(len(took) * 0.95)] * 1000, statistics.mean(recalled)]
print(json.dumps({"built": built, "answers": answers, "version": chromadb.__version__}))
"""


@dataclass(frozen=True)
class Project:
    id: UUID
    owner: UUID
    first: int  # of its passages
    count: int


@dataclass(frozen=True)
class Corpus:
    projects: Sequence[Project]
    vectors: Vectors
    passages: Sequence[UUID]
    words: Sequence[str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=100, help="of each project (100)")
    parser.add_argument("--chroma", type=Path, metavar="PYTHON", help="interpreter of an environment with chromadb")
    options = parser.parse_args()
    if options.passages < FEWEST:
        parser.error(f"Fewer than {FEWEST} passages say nothing.")
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.passages} passages")
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        top = Path(folder)
        with own_kontor(top) as own:
            corpus = asyncio.run(fill(own.superuser_url, own.person, options.passages))
            asyncio.run(settle(own.app_url))
            asyncio.run(show_sizes(own.superuser_url))
            measure(own.client(), corpus, options.questions)
            asyncio.run(recall(own.app_url, corpus, options.questions))
            if options.chroma:
                compare(options.chroma, top, corpus, options.questions)
    return 0


# What is in it


def layout(person: UUID, total: int) -> list[Project]:
    """The person's own, and others' of 5,000 each, who have three quarters of a large database."""
    mine = [50, 1_000, 20_000, min(100_000, max(total * 3 // 4 - 21_050, 1_000))]
    projects, first = [], 0
    for count in mine:
        projects.append(Project(uuid4(), person, first, count))
        first += count
    while first < total:
        count = min(OTHERS, total - first)
        projects.append(Project(uuid4(), uuid4(), first, count))
        first += count
    return projects


def clustered(total: int) -> Vectors:
    """With the nearest neighbour at a cosine of about .75, as passages of documents have it."""
    random = np.random.default_rng(1)
    centres = random.standard_normal((CLUSTERS, WIDTH)).astype(np.float32)
    made = np.empty((total, WIDTH), np.float32)
    for at in range(0, total, 10_000):
        some = made[at : at + 10_000]
        some[:] = centres[random.integers(0, CLUSTERS, len(some))]
        some += random.standard_normal(some.shape).astype(np.float32) * 0.6
        some /= np.linalg.norm(some, axis=1, keepdims=True)
    return made


def sentences(total: int) -> tuple[list[str], Iterator[str]]:
    random = np.random.default_rng(2)
    syllables = SYLLABLES.split()
    vocabulary = list(
        dict.fromkeys("".join(random.choice(syllables, random.integers(2, 5))) for _ in range(VOCABULARY * 2))
    )[:VOCABULARY]
    odds = 1 / np.arange(1, len(vocabulary) + 1)
    odds /= odds.sum()

    def made() -> Iterator[str]:
        for at in range(0, total, BATCH):
            for row in random.choice(len(vocabulary), (min(BATCH, total - at), WORDS), p=odds):
                yield " ".join(vocabulary[word] for word in row)

    return vocabulary, made()


async def fill(url: str, person: UUID, total: int) -> Corpus:
    began = time.perf_counter()
    projects, vectors = layout(person, total), clustered(total)
    vocabulary, texts = sentences(total)
    passages = [uuid4() for _ in range(total)]
    connection: Connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT set_config('kontor.scope', 'system', false)")
        for project in projects:
            await add_project(connection, project)
            for at in range(0, project.count, BATCH):
                count = min(BATCH, project.count - at)
                some = [next(texts) for _ in range(count)]
                first = project.first + at
                last = first + count
                await add_passages(connection, project, passages[first:last], some, vectors[first:last])
            await connection.execute(
                "INSERT INTO vector_totals (project_id, model_id, passages, pieces, words) VALUES ($1, 1, $2, $3, $3)",
                project.id, project.count, project.count * WORDS,
            )  # fmt: skip
            await connection.execute("INSERT INTO word_totals VALUES ($1, 0, 0, now(), NULL)", project.id)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    print(f"filled in {time.perf_counter() - began:.0f} s")
    return Corpus(projects, vectors, passages, vocabulary)


async def add_project(connection: Connection, project: Project) -> None:
    name = project.owner.hex
    await connection.execute(
        "INSERT INTO person (id, name, role, state, email, email_key) VALUES ($1, 'x', 'user', 'active', $2, $2) "
        "ON CONFLICT DO NOTHING",
        project.owner, f"{name}@example.org",
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO project (id, owner_id, kind, config, name, position, created_at, updated_at) "
        """VALUES ($1, $2, 'chat', '{"kind": "chat"}', 'x', 0, now(), now())""",
        project.id, project.owner,
    )  # fmt: skip


async def add_passages(
    connection: Connection, project: Project, ids: Sequence[UUID], texts: Sequence[str], vectors: Vectors
) -> None:
    documents = [uuid4() for _ in range(0, len(ids), TO_DOCUMENT)]
    where = [documents[at // TO_DOCUMENT] for at in range(len(ids))]
    # The keys of what is copied hold without being asked: this is no test of them.
    await connection.execute("SET session_replication_role = replica")
    await connection.executemany(
        "INSERT INTO document (id, owner_id, project_id, name, origin, kind, media_type, state, text_id, created_at, "
        "changed_at) VALUES ($1, $2, $3, 'x', 'text', 'text', 'text/plain', 'ready', $1, now(), now())",
        [(document, project.owner, project.id) for document in documents],
    )
    columns = "project_id id document_id text_id ordinal start_at end_at fresh_at page_first page_last language text"
    await connection.copy_records_to_table(
        "passage",
        columns=columns.split(),
        records=[
            (project.id, passage, document, document, at % TO_DOCUMENT, 0, len(text), 0, 1, 1, "en", text)
            for at, (passage, document, text) in enumerate(zip(ids, where, texts, strict=True))
        ],
    )
    made = [indexed(text, Language.ENGLISH, mark=mark_of(project.id)) for text in texts]
    await connection.executemany(
        "INSERT INTO passage_words VALUES ($1, $2, $3, $4, $5::text::tsvector)",
        [
            (project.id, passage, document, entry.words, entry.vector)
            for passage, document, entry in zip(ids, where, made, strict=True)
        ],
    )
    await connection.executemany(
        "INSERT INTO passage_vectors (project_id, passage_id, model_id, document_id, vector) "
        "VALUES ($1, $2, 1, $3, $4::float4[]::halfvec)",
        [
            (project.id, passage, document, vector.tolist())
            for passage, document, vector in zip(ids, where, vectors, strict=True)
        ],
    )
    await connection.execute("SET session_replication_role = origin")


async def settle(url: str) -> None:
    """What workers do when documents have come in."""
    database = Database.connect(url, pool_size=2)
    try:
        began = time.perf_counter()
        while await indexing.recount_stale(database, quiet=timedelta()):
            pass
        counted = time.perf_counter()
        grown = await indexing.enlarge(database)
        print(f"words counted in {counted - began:.0f} s, {grown} large project(s) put into the graph in "
              f"{time.perf_counter() - counted:.0f} s")  # fmt: skip
    finally:
        await database.close()


async def show_sizes(url: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
        rows = await connection.fetch(
            "SELECT relname, pg_relation_size(oid) >> 20 AS mebibytes FROM pg_class "
            "WHERE relname ~ '^(passage|word_)' AND relkind IN ('r', 'i') AND pg_relation_size(oid) >> 20 > 0 "
            "ORDER BY 1"
        )
        print("sizes in MiB: " + ", ".join(f"{row['relname']} {row['mebibytes']}" for row in rows))
    finally:
        await connection.close()


# What is measured


def mine(corpus: Corpus) -> list[Project]:
    return list(corpus.projects[:4])


def measure(client: Client, corpus: Corpus, count: int) -> None:
    random = np.random.default_rng(3)
    client.ask("POST", "/search", {"query": "warm"})  # loads the model
    for project in mine(corpus):
        took: list[float] = []
        stages: Counter[str] = Counter()
        for _ in range(count + 10):
            words = random.choice(corpus.words[20:], 6).tolist()
            wanted = {"query": " ".join(words), "project_ids": [str(project.id)], "explain": True}
            began = time.perf_counter()
            found = client.ask("POST", "/search", wanted)
            took.append((time.perf_counter() - began) * 1000)
            stages.update(found["explained"]["milliseconds"])
        mean = {name: value / len(took) for name, value in stages.items()}
        show(f"search, {project.count} passages", took[10:], "  ".join(f"{k} {v:.1f}" for k, v in mean.items()))


async def recall(url: str, corpus: Corpus, count: int) -> None:
    database = Database.connect(url, pool_size=1)
    store = PostgresVectors(database)
    try:
        for project in mine(corpus):
            held = corpus.vectors[project.first : project.first + project.count]
            ids = corpus.passages[project.first : project.first + project.count]
            actor = Actor(UserId(project.owner), Role.USER)
            took, recalled = [], []
            for question in questions_of(corpus, project, count):
                began = time.perf_counter()
                async with database.unit(actor) as unit:
                    found = await store.search(unit, LOCAL, question, Searched([project.id], []), limit=10)
                took.append((time.perf_counter() - began) * 1000)
                best = {ids[at] for at in np.argsort(-(held @ question))[:10]}
                recalled.append(len(best & {hit.passage_id for hit in found}) / len(best))
            show(f"vectors alone, {project.count} passages", took, f"recall@10 {statistics.mean(recalled):.3f}")
    finally:
        await database.close()


def questions_of(corpus: Corpus, project: Project, count: int) -> Vectors:
    """Near to passages of the project, as questions are to their answers."""
    random = np.random.default_rng(4)
    near = corpus.vectors[project.first + random.integers(0, project.count, count)]
    made: Vectors = near + random.standard_normal(near.shape).astype(np.float32) * 0.04
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def compare(python: Path, top: Path, corpus: Corpus, count: int) -> None:
    folder = top / "chroma"
    folder.mkdir()
    owners = np.concatenate([np.full(project.count, at) for at, project in enumerate(corpus.projects)])
    np.save(folder / "vectors.npy", corpus.vectors)
    np.save(folder / "owners.npy", owners)
    asked = []
    for at, project in enumerate(mine(corpus)):
        np.save(folder / f"{at}.npy", questions_of(corpus, project, count))
        asked.append((str(project.count), at, str(folder / f"{at}.npy")))
    given = {"vectors": str(folder / "vectors.npy"), "owners": str(folder / "owners.npy"),
             "folder": str(folder / "data"), "asked": asked}  # fmt: skip
    done = subprocess.run(
        [str(python), "-c", CHROMA], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"Chroma did not run:\n{done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    size = sum(path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file()) >> 20
    print(f"Chroma {said['version']}: built in {said['built']:.0f} s, {size} MiB")
    for name, (median, late, recalled) in said["answers"].items():
        print(f"  vectors alone, {name} passages  p50 {median:.1f} ms  p95 {late:.1f} ms  recall@10 {recalled:.3f}")


def show(what: str, took: Sequence[float], more: str = "") -> None:
    ordered = sorted(took)
    late = ordered[int(len(ordered) * 0.95)]
    print(f"{what:<34} p50 {statistics.median(ordered):6.1f} ms  p95 {late:6.1f} ms  {more}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
