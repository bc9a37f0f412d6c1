"""Whatever a file does, it ends as a document or as a sentence with a code, and nothing of it stays behind."""

import asyncio
import io
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.packing import unpack
from kontor.documents.parsing.process import parse
from kontor.documents.parsing.reading import read
from tests.documents.parsing import samples
from tests.documents.parsing.sample_pdf import Pdf, assemble

LIMITS = Limits(cpu_seconds=20, wall_seconds=60.0)
HOSTILE_XML = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd"><!ENTITY a "aaaaaaaaaa">'
    '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<w:document {samples.W}><w:body><w:p><w:r><w:t>&file;&b;</w:t></w:r></w:p></w:body></w:document>"
)


def refused(data: bytes, name: str = "", limits: Limits = LIMITS) -> Reason:
    """In this process: what is tested is the reader, not the child around it."""
    with pytest.raises(Unreadable) as caught:
        read(io.BytesIO(data), name, "", limits)
    assert caught.value.sentence.endswith(".")
    assert "Traceback" not in caught.value.sentence
    return caught.value.code


def with_document(content: bytes) -> bytes:
    return samples.archive({"[Content_Types].xml": "<Types/>", "word/document.xml": content})


def bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        with made.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(24):
                part.write(b" " * (1 << 20))
    return held.getvalue()


def lying() -> bytes:
    """An archive that says its part has ten bytes."""
    data = bytearray(bomb())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"word/document.xml"))
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def encrypted_zip() -> bytes:
    data = bytearray(samples.docx(""))
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"word/document.xml"))
    data[at + 8] |= 1
    return bytes(data)


def nested_mail(depth: int) -> bytes:
    data = samples.mail("Ganz innen.")
    for number in range(depth):
        data = samples.mail(f"Ebene {number}", [("innen.eml", "application/octet-stream", data)])
    return data


CASES: dict[str, tuple[Callable[[], bytes], str, Reason]] = {
    "nothing": (lambda: b"", "a.pdf", Reason.EMPTY),
    "spaces": (lambda: b" \n\n ", "a.txt", Reason.EMPTY),
    "noise": (lambda: bytes(range(256)) * 40, "a.txt", Reason.UNKNOWN_TYPE),
    "program": (lambda: b"\x7fELF" + bytes(60), "a.pdf", Reason.UNSUPPORTED),
    "archive": (lambda: samples.archive({"a.txt": "x"}), "a.zip", Reason.UNSUPPORTED),
    "archive of archives": (
        lambda: samples.archive({"a.zip": samples.archive({"b.zip": b"x"})}), "a.docx", Reason.UNSUPPORTED,
    ),
    "old office": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", Reason.OLD_OFFICE),
    "encrypted office": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(80) + "EncryptedPackage".encode("utf-16-le"),
        "a.docx",
        Reason.ENCRYPTED,
    ),
    "encrypted pdf": (lambda: Pdf(encrypted=True).page().text(72, 72, "x").bytes(), "a.pdf", Reason.ENCRYPTED),
    "encrypted zip": (encrypted_zip, "a.docx", Reason.ENCRYPTED),
    "half a pdf's head": (lambda: b"%PDF-1.7\n1 0 obj\n<<", "a.pdf", Reason.DAMAGED),
    "half a docx": (lambda: samples.docx(samples.paragraph("x" * 999))[:700], "a.docx", Reason.DAMAGED),
    "pdf without pages": (lambda: Pdf().bytes(), "a.pdf", Reason.DAMAGED),
    "docx without a document": (
        lambda: samples.archive({"[Content_Types].xml": "<Types/>", "word/x.xml": "<x/>"}), "a.docx", Reason.DAMAGED,
    ),
    "not well formed": (lambda: with_document(b"<w:document"), "a.docx", Reason.DAMAGED),
    "entities": (lambda: with_document(HOSTILE_XML.encode()), "a.docx", Reason.UNSAFE_XML),
    "entities in UTF-16": (lambda: with_document(HOSTILE_XML.encode("utf-16")), "a.docx", Reason.UNSAFE_XML),
    "bomb": (bomb, "a.docx", Reason.TOO_COMPRESSED),
    "lying archive": (lying, "a.docx", Reason.DAMAGED),
    "deep xml": (lambda: with_document(b"<a>" * 5_000), "a.docx", Reason.TOO_DEEP),
    "deep rtf": (lambda: b"{\\rtf1" + b"{" * 200_000, "a.rtf", Reason.TOO_DEEP),
    "huge image": (lambda: samples.png(2_000_000_000, 2_000_000_000), "a.png", Reason.TOO_LARGE),
    "image of nothing": (lambda: samples.png(0, 0), "a.png", Reason.DAMAGED),
    "cut image": (lambda: b"\xff\xd8\xff\xe0", "a.jpg", Reason.DAMAGED),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_ends_as_a_reason(case: str) -> None:
    make, name, reason = CASES[case]
    assert refused(make(), name) == reason


@pytest.mark.parametrize(
    ("data", "limits", "reason"),
    [
        (lambda: Pdf(pages=[[] for _ in range(12)]).bytes(), {"pages": 10}, Reason.TOO_MANY_PARTS),
        (lambda: samples.pptx([samples.shape("x")] * 12), {"pages": 10}, Reason.TOO_MANY_PARTS),
        (lambda: samples.xlsx({f"S{number}": "" for number in range(12)}), {"pages": 10}, Reason.TOO_MANY_PARTS),
        (lambda: samples.archive({str(number): "" for number in range(12)}), {"entries": 10}, Reason.TOO_MANY_PARTS),
        (lambda: b"a;b\n" * 60, {"cells": 100}, Reason.TOO_MANY_PARTS),
        (lambda: b"abc " * 300, {"characters": 1_000}, Reason.TOO_LARGE),
        (lambda: b"abc " * 300, {"file_bytes": 1_000}, Reason.TOO_LARGE),
        (lambda: samples.docx(samples.paragraph("ab " * 900)), {"unpacked_bytes": 2_000}, Reason.TOO_LARGE),
    ],
)
def test_too_much_of_anything_is_refused(data: Callable[[], bytes], limits: dict[str, int], reason: Reason) -> None:
    assert refused(data(), "a.csv", replace(LIMITS, **limits)) == reason


def test_mails_within_mails_end_somewhere_and_what_is_above_is_read() -> None:
    document = read(io.BytesIO(nested_mail(9)), "a.eml", "", LIMITS)
    assert "Ebene 8" in document.text
    assert "Ganz innen." not in document.text
    assert document.notices[0].code == Reason.ATTACHMENT


def test_deep_pages_of_the_web_end_without_using_up_the_stack() -> None:
    try:
        document = read(io.BytesIO(b"<div>" * 100_000 + b"Ende"), "a.html", "", LIMITS)
    except Unreadable as reason:
        assert reason.code == Reason.TOO_DEEP
    else:
        assert document.kind == "html"


@pytest.mark.parametrize(
    "data",
    [
        Pdf().page().lines(72, 72, ["Ein Satz."] * 30).bytes(),
        samples.docx(samples.paragraph("Ein Satz.") * 30),
        samples.mail("Ein Satz.\n" * 30, [("a.txt", "text/plain", b"x" * 90)]),
    ],
    ids=["pdf", "docx", "eml"],
)
def test_files_cut_off_anywhere_are_read_or_refused(data: bytes) -> None:
    for part in range(1, 40):
        cut = data[: len(data) * part // 40]
        try:
            read(io.BytesIO(cut), "", "", LIMITS)
        except Unreadable as reason:
            assert reason.code != Reason.READER_FAILED


# The child


async def test_a_child_reads_a_file_and_tells_how_far_it_is(tmp_path: Path) -> None:
    pdf = Pdf()
    for number in range(3):
        pdf.page().text(72, 100, f"Seite {number}")
    source = tmp_path / "file"
    source.write_bytes(pdf.bytes())
    told: list[tuple[int, int]] = []
    found = await parse(source, "a.pdf", "application/pdf", LIMITS, lambda done, of: told.append((done, of)))
    assert found.document.text == "Seite 0\n\nSeite 1\n\nSeite 2"
    assert told[-1] == (3, 3)
    assert unpack(found.packed) == found.document


async def test_a_child_tells_why_it_could_not(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(bomb())
    with pytest.raises(Unreadable) as caught:
        await parse(source, "a.docx", "", LIMITS)
    assert caught.value.code == Reason.TOO_COMPRESSED


SPINNING = "while True: pass"
EATING = "held = []\nwhile True: held.append(bytearray(1 << 20))"
CRASHING = "import ctypes; ctypes.string_at(0)"
SILENT = "raise SystemExit(0)"
CHATTING = "import os\nwhile True: os.write(1, b'p' + (2).to_bytes(4, 'little') + b'[]')"
LOUD = "import os; os.write(1, b'r' + (0xFFFFFFFF).to_bytes(4, 'little'))"
LYING = "import os; os.write(1, b'r' + (4).to_bytes(4, 'little') + b'KPM1')"
ASLEEP = "import time; time.sleep(600)"
BEFORE = """
import os, orjson
from kontor.documents.parsing.confinement import confine
from kontor.documents.parsing.limits import Limits
request = orjson.loads(os.environ["KONTOR_PARSE"])
confine(Limits(**request["limits"]), request["parent"])
"""


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (SPINNING, Reason.TOO_SLOW),
        (EATING, Reason.READER_FAILED),
        (CRASHING, Reason.READER_FAILED),
        (SILENT, Reason.READER_FAILED),
        (CHATTING, Reason.READER_FAILED),
        (LOUD, Reason.READER_FAILED),
        (LYING, Reason.READER_FAILED),
        (ASLEEP, Reason.TOO_SLOW),
    ],
)
async def test_a_reader_that_a_file_has_taken_is_ended(
    deed: str, reason: Reason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a hostile file might make of the child stands in its place; the kernel's limits and the parent are real."""
    limits = replace(LIMITS, cpu_seconds=1, wall_seconds=0.5 if deed == ASLEEP else 30.0, memory_bytes=300 << 20)
    with pytest.raises(Unreadable) as caught:
        await parse(stood_in(BEFORE + deed, tmp_path, monkeypatch), "a.pdf", "", limits)
    assert caught.value.code == reason
    assert not children()


def stood_in(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter that runs this program, whatever it is asked to run."""
    script = folder / "program.py"
    script.write_text(program)
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\nexec {sys.executable} -I {script}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    source = folder / "file"
    source.write_bytes(b"x")
    return source


def children() -> list[int]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in found if b"program.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


LOOKING = (
    BEFORE
    + """
import socket, subprocess, sys
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
seen = [sorted(os.environ), os.getcwd(), [number for number in range(64) if is_open(number)]]
def tried(deed):
    try:
        deed()
    except OSError as reason:
        return type(reason).__name__
    return "done"
seen.append(tried(lambda: socket.socket()))
seen.append(subprocess.run([sys.executable, "-I", "-c", "import socket; socket.socket()"], stderr=-1).returncode)
seen.append([tried(lambda: open(FILE)), tried(lambda: open(FILE, "w")), tried(lambda: open("/etc/passwd"))])
seen.append(tried(lambda: open(f"/proc/{os.getppid()}/environ")))
body = orjson.dumps(["damaged", orjson.dumps(seen).decode()])
os.write(1, b"x" + len(body).to_bytes(4, "little") + body)
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="both walls are Linux's")
async def test_a_child_has_no_secrets_no_network_and_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    with pytest.raises(Unreadable) as caught:
        await parse(
            stood_in(LOOKING.replace("FILE", repr(str(tmp_path / "file"))), tmp_path, monkeypatch),
            "a.pdf",
            "",
            LIMITS,
        )
    names, folder, open_files, network, network_of_child, files, environment = orjson.loads(caught.value.sentence)
    assert set(names) <= {"KONTOR_PARSE", "LC_ALL", "OMP_THREAD_LIMIT", "PATH", "PWD"}
    assert folder == "/"
    assert open_files == [0, 1, 2]
    assert network == "PermissionError"
    assert network_of_child != 0
    assert files == ["PermissionError"] * 3
    assert environment == "PermissionError"


async def test_who_gives_up_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = stood_in(f"import os; os.fork(); open({str(tmp_path / 'there')!r}, 'w'); {ASLEEP}", tmp_path, monkeypatch)
    waiting = asyncio.create_task(parse(source, "a.pdf", "", LIMITS))
    await until((tmp_path / "there").exists)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    # The child and the one that it has forked: init collects the latter, at its leisure.
    await until(lambda: not running(tmp_path / "program.py"))


async def test_who_gives_up_while_it_starts_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = stood_in(f"import os; os.fork(); open({str(tmp_path / 'there')!r}, 'w'); {ASLEEP}", tmp_path, monkeypatch)
    make = asyncio.create_subprocess_exec

    async def slowly(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        made = await make(*arguments, **options)
        await until((tmp_path / "there").exists)
        starting.set()
        await asyncio.sleep(0.01)
        return made

    starting = asyncio.Event()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    waiting = asyncio.create_task(parse(source, "a.pdf", "", LIMITS))
    await starting.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not running(tmp_path / "program.py"))


async def until(claim: Callable[[], bool]) -> None:
    """Other processes tell nobody what they do."""
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_file_that_takes_too_much_memory_says_so(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"Wort und noch eins. " * (3 << 20))
    with pytest.raises(Unreadable) as caught:
        await parse(source, "a.txt", "", replace(LIMITS, memory_bytes=160 << 20, characters=1 << 30))
    assert caught.value.code == Reason.TOO_MUCH_MEMORY


def running(script: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(script).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_a_page_with_endless_references_ends() -> None:
    """A page tree that is its own child."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]
    assert refused(assemble(objects, b"/Root 1 0 R"), "a.pdf") == Reason.DAMAGED
