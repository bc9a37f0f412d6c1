"""The bench for retrieval: its measures on values known by hand, and what it reads."""

import importlib.util
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "retrieval.py"

CORPUS = {
    "frist": "Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals.",
    "miete": "Die Miete ist bis zum dritten Werktag des Monats zu zahlen.",
    "garten": "Der Garten darf von allen Mietern benutzt und bepflanzt werden.",
    "heizung": "Die Heizung wird alle zwei Jahre gewartet und im Sommer abgestellt.",
    "aufzug": "Der Aufzug trägt acht Personen.",
}
QUERIES = {"q1": "Frist für die Kündigung", "q2": "Wartung der Heizung", "q3": "never judged"}
RELEVANCE = [("q1", "frist", 1), ("q2", "heizung", 2), ("q2", "aufzug", 0)]


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH.parent))  # as it has it when it is run
    spec = importlib.util.spec_from_file_location("bench_retrieval", BENCH)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    yield made
    sys.path.remove(str(BENCH.parent))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def lines(rows: dict[str, str]) -> str:
        return "\n".join(json.dumps({"_id": name, "text": text}) for name, text in rows.items())

    (tmp_path / "corpus.jsonl").write_text(lines(CORPUS), "utf-8")
    (tmp_path / "queries.jsonl").write_text(lines(QUERIES) + "\n", "utf-8")
    rows = "\n".join("\t".join(map(str, row)) for row in RELEVANCE)
    (tmp_path / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}\n", "utf-8")
    return tmp_path


def test_the_measures_are_those_of_the_books(bench: ModuleType) -> None:
    assert bench.rate(["a", "b"], {"a": 1}) == (1, 1, 1)
    assert bench.rate(["b", "a"], {"a": 1}) == pytest.approx((1 / math.log2(3), 1, 0.5))
    assert bench.rate(["b"], {"a": 1}) == (0, 0, 0)
    assert bench.rate([*"0123456789", "a"], {"a": 1}) == (0, 0, 0)
    graded = bench.rate(["low", "no", "high"], {"high": 3, "low": 1, "lost": 1})
    wanted = (1 + 3 / 2) / (3 + 1 / math.log2(3) + 1 / 2)
    assert graded == pytest.approx((wanted, 2 / 3, 1))


def test_a_set_is_read_without_what_is_not_judged(bench: ModuleType, folder: Path) -> None:
    made = bench.read(folder)
    assert list(made.queries) == ["q1", "q2"]
    assert made.relevance == {"q1": {"frist": 1}, "q2": {"heizung": 2}}
    assert list(bench.read(folder, 1, 2).corpus) == ["frist", "miete"]
