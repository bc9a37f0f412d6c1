"""How well words, vectors and both together find: nDCG@10, recall@10, MRR@10 over a set with known answers.

    python bench/retrieval.py FOLDER [FOLDER ...]

A set is the common three files: corpus.jsonl (`_id`, `title`, `text`), queries.jsonl (`_id`, `text`) and qrels.tsv
(query, document, relevance, with a line of headings). It goes the way that everything goes: each text becomes a
document of a project, over HTTP, workers read and index it, and search is asked over HTTP.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from own import Client, own_kontor

DEPTH = 10
WAYS = ("words", "vectors", "both")
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
    parser.add_argument("--corpus", type=int, help="only so many texts, those that are relevant first")
    options = parser.parse_args(arguments)
    means: dict[str, list[float]] = {way: [] for way in WAYS}
    with (
        tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder,
        own_kontor(Path(folder), workers=1, KONTOR_JOBS_PER_PERSON="4", KONTOR_PROJECT_DOCUMENTS="0") as own,
    ):
        for place in options.folders:
            judged = read(place, options.queries, options.corpus)
            found = measure(own.client(), judged)
            for way in WAYS:
                means[way].append(found[way][0])
    if len(options.folders) > 1:
        print("\nmean nDCG@10  " + "  ".join(f"{way} {statistics.mean(means[way]):.4f}" for way in WAYS))
    return 0


def read(folder: Path, queries: int | None = None, texts: int | None = None) -> Set:
    corpus = {
        row["_id"]: f"{row.get('title') or ''}\n{row['text']}".strip() for row in rows_of(folder / "corpus.jsonl")
    }
    relevance: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevance.setdefault(query, {})[document] = int(score)
    asked = {row["_id"]: row["text"] for row in rows_of(folder / "queries.jsonl") if row["_id"] in relevance}
    asked = dict(list(asked.items())[:queries])
    if texts is not None:
        needed = {document for query in asked for document in relevance[query]}
        corpus = dict(sorted(corpus.items(), key=lambda entry: entry[0] not in needed)[:texts])
    return Set(folder.name, corpus, asked, relevance)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def measure(client: Client, judged: Set) -> dict[str, tuple[float, ...]]:
    began = time.perf_counter()
    project = client.ask("POST", "/projects", {"name": judged.name})["id"]
    names: dict[str, str] = {}
    for name, text in judged.corpus.items():
        if text:
            wanted = {"project_id": project, "text": text, "allow_duplicate": True}
            names[client.ask("POST", "/documents/text", wanted)["id"]] = name
    sent = time.perf_counter()
    wait(client, project)
    indexed = time.perf_counter()
    print(
        f"\n{judged.name}: {len(names)} texts, {len(judged.queries)} queries, sent in {sent - began:.0f} s, "
        f"indexed {indexed - sent:.0f} s later", flush=True,
    )  # fmt: skip
    figures: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
    for query, text in judged.queries.items():
        for way in WAYS:
            asked = {"query": " ".join(text.split())[:2000], "project_ids": [project], "by": way}
            results = client.ask("POST", "/search", asked)["results"]
            figures[way].append(rate([names[found["id"]] for found in results], judged.relevance[query]))
    made = {way: tuple(statistics.mean(column) for column in zip(*figures[way], strict=True)) for way in WAYS}
    for way, values in made.items():
        print(f"  {way:<8} " + "  ".join(f"{name} {value:.4f}" for name, value in zip(MEASURES, values, strict=True)))
    return made


def wait(client: Client, project: str) -> None:
    """Until everything can be found, and compounds have been taken apart with all the words that there are."""
    while True:
        states = counts(client, project)
        if not states.keys() & {"waiting", "reading", "indexing"}:
            break
        time.sleep(0.5)
    if states.get("failed"):
        sys.exit(f"{states['failed']} texts could not be read.")
    time.sleep(90)  # a job of each minute counts what has been quiet


def counts(client: Client, project: str) -> dict[str, int]:
    said = client.ask("GET", f"/documents/counts?project_id={project}")
    return {each["value"]: each["number"] for each in said["states"]}


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
