"""Measures bringing documents in, over the interface, as people do: until the first pages are found by their words,
until all of them are, and until the whole is found by meaning too.

    python bench/ingest.py              PDFs of 30 and 300 pages, a manual in Markdown; made here
    python bench/ingest.py FILE ...     these files instead

An embedded PostgreSQL, a web process and a worker of their own. How long reading and splitting take is measured once
more by themselves; what remains of a step is the database's and ours. While it waits, the bench asks every tenth of a
second, which takes its part of the cores. `core s` is the processor time of web, worker, readers and database together,
and says more than the clock on a machine that does other things too.
"""

import asyncio
import os
import platform
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
from own import Client, Own, own_kontor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.documents.parsing.sample_pdf import Pdf  # noqa: E402

from kontor.documents.parsing.limits import Limits  # noqa: E402
from kontor.documents.parsing.process import parse  # noqa: E402
from kontor.documents.parsing.splitting import split  # noqa: E402

ASK_SECONDS = 0.1
WORDS = "Abrechnung Beleg Vertrag Lieferung Käufer Frist Zahlung Wohnung Mieter Heizung Jahr Betrag und der die das mit"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds since the file was sent."""

    accepted: float
    first: float | None  # its first page is found by a word
    read: float
    last: float | None  # its last page is
    ready: float
    core: float  # of a core, by everything that took part


def main() -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        top = Path(folder)
        files = [Path(argument) for argument in sys.argv[1:]] or made_files(top)
        (top / "own").mkdir()
        with own_kontor(top / "own", workers=1) as own:
            client = own.client()
            project = client.ask("POST", "/projects", {"name": "Bench"})["id"]
            warm = top / "warm.txt"
            warm.write_text("Das Modell wird geladen, bevor gemessen wird.", "utf-8")
            bring(own, client, project, warm, marks=("", ""))
            print(f"{'file':<16} {'pages':>5} {'accepted':>8} {'first':>6} {'all':>6} {'ready':>6} {'core s':>6} "
                  f"{'pages/s':>7}   read split keep+words vectors, shares of the time")  # fmt: skip
            for file in files:
                measure(own, client, project, file)


def measure(own: Own, client: Client, project: str, file: Path) -> None:
    taken = bring(own, client, project, file, marks=marks_of(file))
    began = time.perf_counter()
    parsed = asyncio.run(parse(file, file.name, "", Limits()))
    reading = time.perf_counter() - began
    began = time.perf_counter()
    split(parsed.document)
    splitting = time.perf_counter() - began
    pages = len(parsed.document.pages) if parsed.document.words else max(1, len(parsed.document.text.split()) // 450)
    found = taken.last or taken.read
    shares = (reading, splitting, max(0.0, found - reading - splitting), taken.ready - found)
    shown = " ".join(f"{share / taken.ready:>6.0%}" for share in shares)
    print(f"{file.name:<16} {pages:>5} {taken.accepted:>8.2f} {seconds(taken.first)} {seconds(taken.last)} "
          f"{taken.ready:>6.1f} {taken.core:>6.1f} {pages / taken.ready:>7.0f}   {shown}")  # fmt: skip


def seconds(value: float | None) -> str:
    return "     –" if value is None else f"{value:>6.1f}"


def bring(own: Own, client: Client, project: str, file: Path, *, marks: tuple[str, str]) -> Taken:
    began, spent = time.perf_counter(), core_seconds()
    document = send(own, project, file)["items"][0]["id"]
    accepted = time.perf_counter() - began
    found: list[float | None] = [None, None]
    read: float | None = None
    while True:
        state = client.ask("GET", f"/documents/{document}")
        at = time.perf_counter() - began
        if state["state"] == "failed":
            sys.exit(f"{file.name}: {state['problem']}")
        read = read or (at if state["state"] in {"indexing", "ready"} else None)
        for place, mark in enumerate(marks):
            if mark and found[place] is None and is_found(client, document, mark):
                found[place] = time.perf_counter() - began
        if state["state"] == "ready":
            return Taken(accepted, found[0], read or at, found[1], at, core_seconds() - spent)
        # Vectors take long, and a second more or less says nothing of them.
        time.sleep(1.0 if state["state"] == "indexing" and None not in found else ASK_SECONDS)


def core_seconds() -> float:
    """Of all that this bench has started, by Linux's own account, with those that have ended."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks[process] for process in ours - {os.getpid()}) / os.sysconf("SC_CLK_TCK")


def is_found(client: Client, document: str, mark: str) -> bool:
    found: dict[str, Any] = client.ask("GET", f"/documents/search?query=%2B{mark}&document_id={document}")
    return bool(found["results"])


def send(own: Own, project: str, file: Path) -> Any:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
    body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    connection = HTTPConnection(own.address, timeout=600)
    headers = {"Authorization": f"Bearer {own.token}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    connection.request("POST", f"/api/v1/projects/{project}/documents?allow_duplicate=true", body, headers)
    answer = connection.getresponse()
    said = orjson.loads(answer.read())
    if answer.status != 201:
        sys.exit(f"{file.name}: {answer.status} {said}")
    return said


def marks_of(file: Path) -> tuple[str, str]:
    """A word of the first page and one of the last, of files made here."""
    return (f"anfang{file.stem}", f"schluss{file.stem}") if file.stem.startswith("made") else ("", "")


def made_files(folder: Path) -> list[Path]:
    return [made_pdf(folder / f"made{pages}.pdf", pages) for pages in (30, 300)] + [made_text(folder / "madetext.md")]


def lines_of(number: int) -> list[str]:
    words = WORDS.split()
    return [" ".join(words[(number * 31 + line * 7 + at * at) % len(words)] for at in range(10)) for line in range(45)]


def made_pdf(path: Path, pages: int) -> Path:
    pdf = Pdf()
    for number in range(pages):
        lines = lines_of(number)
        if number in (0, pages - 1):
            lines[0] = marks_of(path)[number > 0] + " steht hier."
        pdf.page().lines(72, 60, lines, size=10)
    path.write_bytes(pdf.bytes())
    return path


def made_text(path: Path) -> Path:
    paragraphs = [" ".join(lines_of(number)) for number in range(100)]
    first, last = marks_of(path)
    path.write_text("\n\n".join([f"# {first}", *paragraphs, last]), "utf-8")
    return path


if __name__ == "__main__":
    main()
