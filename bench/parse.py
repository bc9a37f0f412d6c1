"""Measures reading documents: what a child costs to start, pages a second for each kind of file, memory, packed size.

    python bench/parse.py              files made here, each read in a child of its own, as a worker reads them
    python bench/parse.py FILE ...     these files instead

The made files have the words of a real text (about 450 to a page), so that boxes, lines and passages are as many as in
one. Times are processor seconds of the child (start included) unless it says otherwise.
"""

import asyncio
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.documents.parsing import samples  # noqa: E402
from tests.documents.parsing.sample_pdf import Pdf  # noqa: E402

from kontor.documents.parsing.frames import REQUEST  # noqa: E402
from kontor.documents.parsing.limits import Limits, Unreadable  # noqa: E402
from kontor.documents.parsing.model import Document  # noqa: E402
from kontor.documents.parsing.packing import pack, unpack  # noqa: E402
from kontor.documents.parsing.process import MODULE, Parsed, parse  # noqa: E402
from kontor.documents.parsing.splitting import split  # noqa: E402

STARTS = 15
PAGES = 100
SENTENCE = (
    "Die Verwaltung des Hauses legt jedes Jahr eine Abrechnung vor, aus der jede Zahl auf ihren Beleg zurückgeführt "
    "werden kann, und sie antwortet auf Fragen innerhalb von vierzehn Tagen nach ihrem Eingang. "
)
WORDS_OF_PAGE = 450


def main() -> int:
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        given = [Path(argument) for argument in sys.argv[1:]]
        if not given:
            measure_start(Path(folder))
        files = given or [write(Path(folder) / name, make()) for name, make in MADE.items()]
        print(f"\n{'file':<24} {'pages':>6} {'cpu s':>7} {'pages/s':>8} {'wall s':>7} {'MB':>5} "
              f"{'packed KB':>10} {'split ms':>9}")  # fmt: skip
        for file in files:
            measure(file)
    return 0


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def measure_start(folder: Path) -> None:
    source = write(folder / "tiny.txt", b"Ein Satz.")
    pdf = write(folder / "tiny.pdf", Pdf().page().text(72, 72, "Ein Satz.").bytes())
    for file in (source, pdf):
        runs = [run(file) for _ in range(STARTS)]
        cpu, wall = (statistics.median(found) for found in zip(*[entry[1:] for entry in runs], strict=True))
        print(f"a child for {file.name:<12} median of {STARTS}: {cpu * 1e3:.0f} ms of a core, {wall * 1e3:.0f} ms wall")


def run(file: Path) -> tuple[Parsed, float, float]:
    before, began = spent(), time.perf_counter()
    found = asyncio.run(parse(file, file.name, "", Limits()))
    return found, spent() - before, time.perf_counter() - began


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(file: Path) -> None:
    try:
        found, cpu, wall = run(file)
    except Unreadable as reason:
        print(f"{file.name:<24} {reason.code}: {reason.sentence}")
        return
    document = found.document
    pages = max(1, len(document.pages)) if file.suffix in (".pdf", ".pptx") else pages_of(document)
    began = time.process_time()
    split(document)
    splitting = time.process_time() - began
    print(f"{file.name:<24} {pages:>6} {cpu:>7.2f} {pages / cpu:>8.0f} {wall:>7.2f} {peak(file):>5.0f} "
          f"{len(found.packed) / 1e3:>10.1f} {splitting * 1e3:>9.0f}")  # fmt: skip
    if file.name == "text.pdf":
        compare_packing(document)


def pages_of(document: Document) -> int:
    """Of kinds without pages: as many as its words would fill."""
    return max(1, round(len(document.text.split()) / WORDS_OF_PAGE))


def peak(file: Path) -> float:
    """The highest resident memory of a child that reads this file, in MB.

    Started by a bare interpreter, since Linux counts what the process was before it became another program.
    """
    request = {"name": file.name, "declared": "", "limits": asdict(Limits())}
    with file.open("rb") as source:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER],
            stdin=source,
            capture_output=True,
            env={REQUEST: orjson.dumps(request).decode(), "PATH": os.defpath},
            check=True,
        )
    return int(done.stdout) / 1024


LAUNCHER = f"""
import json, os, resource, sys
request = json.loads(os.environ["{REQUEST}"]) | {{"parent": os.getpid()}}
nowhere = os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawn(
    sys.executable, [sys.executable, "-I", "-m", "{MODULE}"],
    {{"{REQUEST}": json.dumps(request), "PATH": os.environ["PATH"]}},
    file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)],
)
os.waitpid(child, 0)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def compare_packing(document: Document) -> None:
    words = document.words
    plain = orjson.dumps(
        {"text": document.text, "words": [[words.starts[i], words.ends[i], *words.box(i)] for i in range(len(words))]}
    )
    began = time.process_time()
    packed = pack(document)
    packing = time.process_time() - began
    began = time.process_time()
    unpack(packed)
    unpacking = time.process_time() - began
    print(f"    packed {len(packed) / 1e3:.0f} KB in {packing * 1e3:.0f} ms, unpacked in {unpacking * 1e3:.0f} ms; "
          f"as JSON {len(plain) / 1e3:.0f} KB, deflated {len(zlib.compress(plain)) / 1e3:.0f} KB")  # fmt: skip


def paragraphs(pages: int) -> list[str]:
    words = len(SENTENCE.split())
    return [f"{number}. {SENTENCE * 3}" for number in range(pages * WORDS_OF_PAGE // (3 * words))]


def text_pdf() -> bytes:
    pdf = Pdf()
    words = SENTENCE.split() * 20
    for number in range(PAGES):
        pdf.page().text(72, 60, f"Abschnitt {number}", size=16, bold=True)
        at = 0
        for line in range(45):
            shown = ""
            while len(shown) < 75:
                shown += words[(at + line) % len(words)] + " "
                at += 1
            pdf.text(72, 100 + 14 * line, shown)
    return pdf.bytes()


def table_pdf() -> bytes:
    pdf = Pdf()
    for number in range(PAGES):
        pdf.page()
        for row in range(50):
            for column in range(5):
                pdf.text(60 + 100 * column, 60 + 14 * row, f"{number * row + column:,}")
    return pdf.bytes()


def sheet() -> bytes:
    rows = "".join(
        "<row>" + "".join(f'<c s="1"><v>{number * column}.25</v></c>' for column in range(10)) + "</row>"
        for number in range(5_000)
    )
    return samples.xlsx({"Zahlen": rows}, formats=["#,##0.00"])


def web_page() -> bytes:
    body = "".join(f"<p>{text}</p>" for text in paragraphs(PAGES))
    return f"<html><body><nav><a href=/>Start</a></nav><article><h1>Titel</h1>{body}</article></body></html>".encode()


MADE: dict[str, Callable[[], bytes]] = {
    "text.pdf": text_pdf,
    "tables.pdf": table_pdf,
    "text.docx": lambda: samples.docx("".join(samples.paragraph(text) for text in paragraphs(PAGES))),
    "slides.pptx": lambda: samples.pptx([samples.shape("Titel", "title") + samples.shape(SENTENCE) * 4] * PAGES),
    "numbers.xlsx": sheet,
    "text.odt": lambda: samples.odt("".join(f"<text:p>{text}</text:p>" for text in paragraphs(PAGES))),
    "text.rtf": lambda: ("{\\rtf1 " + "\\par ".join(paragraphs(PAGES)) + "}").encode("cp1252"),
    "page.html": web_page,
    "book.epub": lambda: samples.epub(["<h1>K</h1>" + "".join(f"<p>{t}</p>" for t in paragraphs(10))] * 10),
    "text.md": ("# Titel\n\n" + "\n\n".join(paragraphs(PAGES))).encode,
    "text.txt": lambda: "\n\n".join(paragraphs(PAGES)).encode(),
    "numbers.csv": lambda: "".join(f"{n};{n * 2},5;Wort;{n % 7}\n" for n in range(20_000)).encode(),
    "post.eml": lambda: samples.mail("\n\n".join(paragraphs(PAGES // 2)), [("a.pdf", "application/pdf", text_pdf())]),
}


if __name__ == "__main__":
    sys.exit(main())
