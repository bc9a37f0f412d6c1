"""Text off images: a stand-in speaks as tesseract does, so that what we send it and make of its answer is tested."""

import os
import sys
from pathlib import Path

import pytest

from kontor.documents.parsing.limits import Limits, Reason
from kontor.documents.parsing.process import parse
from tests.documents.parsing import samples
from tests.documents.parsing.sample_pdf import Pdf

STAND_IN = f"""#!{sys.executable} -I
import sys
if sys.argv[1:] == ["--list-langs"]:
    print("List of available languages (3):\\ndeu\\neng\\nosd")
    raise SystemExit(0)
image = sys.stdin.buffer.read()
assert sys.argv[1:] == ["stdin", "stdout", "-l", "deu+eng", "tsv"], sys.argv
assert image.startswith((b"P5 ", b"\\x89PNG")), image[:8]
if image.startswith(b"P5 "):
    assert image.startswith(b"P5 1652 2338 255\\n"), image[:20]
    assert len(image) == 17 + 1652 * 2338
print("level\\tpage_num\\tblock_num\\tpar_num\\tline_num\\tword_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext")
for line in ("1 1 0 0 0 0 0 0 9 9 -1 ", "5 1 1 1 1 1 200 400 100 50 96.1 Größe", "5 1 1 1 1 2 320 400 100 50 95 zählt",
             "5 1 1 1 2 1 200 480 100 50 94 nicht", "5 1 1 1 2 2 320 480 100 50 3 ~|",
             "5 1 2 1 1 1 200 900 100 50 93 Ende"):
    print(line.replace(" ", "\\t"))
"""


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "tesseract"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.mark.usefixtures("tesseract")
async def test_a_scanned_page_is_read_with_the_places_of_its_words(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(Pdf().page().picture().bytes())
    document = (await parse(source, "scan.pdf", "", Limits())).document
    assert document.text == "Größe zählt\nnicht\n\nEnde"
    assert document.pages[0].is_scan
    assert not document.notices
    (place,) = document.rectangles(0, 5)
    # 200 dots to an inch, 720 tenths of a point to one.
    assert place.box == (720, 1440, 1080, 1620)


@pytest.mark.usefixtures("tesseract")
async def test_an_image_is_read(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(samples.png(800, 600))
    document = (await parse(source, "scan.png", "", Limits())).document
    assert document.text.startswith("Größe")
    assert document.rectangles(0, 5)[0].box == (2000, 4000, 3000, 4500)


@pytest.fixture
def failing(tesseract: Path) -> None:
    tesseract.write_text("#!/bin/sh\nexit 1\n")


@pytest.mark.usefixtures("failing")
async def test_a_program_that_fails_is_told_of(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(samples.png(800, 600))
    document = (await parse(source, "scan.png", "", Limits())).document
    assert document.text == ""
    assert [notice.code for notice in document.notices] == [Reason.OCR_FAILED]
