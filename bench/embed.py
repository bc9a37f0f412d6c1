"""Measures the local embedder: texts for a second, what a question costs, memory, loading.

    python bench/embed.py                          the packaged weights, one thread and all cores
    python bench/embed.py --texts 200 --threads 2
    python bench/embed.py --against PYTHON         also sentence-transformers, run by another environment's interpreter

Texts are of real words and 250 word pieces each, the length that passages are cut to, and of 5 to 250 mixed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

TEXT = """
the contract between both parties ends after notice period rent water heating system of and to in for with a
is was are which court decision review quality result method paper measure house garden street people year
month price value number report table figure question answer document page project study city river mountain
"""
WORDS = TEXT.split()

# What the other environment runs: the same texts, through the package that everybody knows.
OTHER = """
import json, sys, time
begin = time.perf_counter()
from sentence_transformers import SentenceTransformer
import torch
given = json.load(sys.stdin)
torch.set_num_threads(given["threads"])
model = SentenceTransformer(given["folder"], device="cpu")
model.max_seq_length = 256
model.encode(["warm"])
loaded = time.perf_counter() - begin
begin, spent = time.perf_counter(), time.process_time()
model.encode(given["texts"], batch_size=16, normalize_embeddings=True)
took, spent = time.perf_counter() - begin, time.process_time() - spent
resident = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1]
print(json.dumps({"loaded": loaded, "took": took, "spent": spent, "resident": int(resident) / 1024}))
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--texts", type=int, default=96, help="how many texts in a round (96)")
    arguments.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (3)")
    arguments.add_argument("--threads", type=int, help="only with so many threads")
    arguments.add_argument("--model", type=Path, help="folder of the weights, instead of the package's")
    arguments.add_argument("--eight-bits", action="store_true", help="the quick form of the model")
    arguments.add_argument("--against", type=Path, help="interpreter of an environment with sentence-transformers")
    options = arguments.parse_args()
    if options.threads:
        measure(options)
        if options.against:
            compare(options.against, options.threads, options.texts, options.model)
        return 0
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n", flush=True)  # fmt: skip
    for threads in sorted({1, os.cpu_count() or 1}):  # each in a process of its own, for its memory
        subprocess.run([sys.executable, __file__, "--threads", str(threads), *sys.argv[1:]], check=True)
    return 0


def measure(options: argparse.Namespace) -> None:
    threads, count = options.threads, options.texts
    began, spent = time.perf_counter(), time.process_time()
    from kontor.retrieval.minilm import MiniLm

    model = MiniLm(options.model, threads=threads, eight_bits=options.eight_bits)
    model.run(model.pieces(["warm"]))
    print(f"{threads} threads")
    show("loading, imports and weights", f"{time.perf_counter() - began:.2f} s", f"{time.process_time() - spent:.2f} s")
    show("resident, loaded", f"{resident('VmRSS'):.0f} MiB")
    questions = model.pieces(["What is the notice period of the contract with the city?"])
    took = []
    for _ in range(60):
        began = time.perf_counter()
        model.run(questions)
        took.append(time.perf_counter() - began)
    show("a question, median", f"{statistics.median(took) * 1000:.1f} ms")
    for name, made in (("250 pieces", texts(count)), ("5 to 250 pieces", texts(count, mixed=True))):
        best = min(round_of(model, made) for _ in range(options.rounds))
        rate = f"{count / best[0]:.1f} a second"
        show(f"texts of {name}", rate, f"{best[1] / count * 1000:.0f} ms of a core each")
    show("resident, at most", f"{resident('VmHWM'):.0f} MiB")


def round_of(model: object, made: Sequence[str]) -> tuple[float, float]:
    from kontor.retrieval.minilm import MiniLm, batches

    assert isinstance(model, MiniLm)
    began, spent = time.perf_counter(), time.process_time()
    pieces = model.pieces(made)
    for batch in batches([len(text) for text in pieces]):
        model.run([pieces[at] for at in batch])
    return time.perf_counter() - began, time.process_time() - spent


def texts(count: int, *, mixed: bool = False) -> list[str]:
    random = Random(1)
    return [" ".join(random.choices(WORDS, k=random.randint(5, 240) if mixed else 240)) for _ in range(count)]


def compare(python: Path, threads: int, count: int, folder: Path | None) -> None:
    from kontor.retrieval.minilm import model_folder

    given = {"threads": threads, "folder": str(model_folder(folder)), "texts": texts(count)}
    done = subprocess.run(
        [str(python), "-c", OTHER], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"sentence-transformers did not run:\n{done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    print("sentence-transformers")
    show("loading, imports and weights", f"{said['loaded']:.2f} s")
    show(
        "texts of 250 pieces",
        f"{count / said['took']:.1f} a second",
        f"{said['spent'] / count * 1000:.0f} ms of a core",
    )
    show("resident, at most", f"{said['resident']:.0f} MiB")


def resident(what: str) -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def show(what: str, value: str, more: str = "") -> None:
    print(f"  {what:<34} {value:>16}  {more}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
