"""Text off images by tesseract, where it is installed. It reads from one pipe and writes to another, and no files."""

import shutil
import subprocess
from functools import cache

from kontor.documents.parsing.builder import Builder, clean
from kontor.documents.parsing.limits import Reason
from kontor.documents.parsing.model import Block, BlockKind, Box

PROGRAM = "tesseract"
MISSING = (
    "The file is an image or has scanned pages, and no program that reads text off images is installed. "
    "Install tesseract with German and English."
)
FAILED = "The text could not be read off an image."
LEAST_CONFIDENCE = 20.0
SECONDS = 120


def is_there() -> bool:
    return shutil.which(PROGRAM) is not None


@cache
def languages() -> str:
    """Of the two that we want those that are installed."""
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=SECONDS, check=False)
    there = set((listed.stdout + listed.stderr).split())
    return "+".join(name for name in ("deu", "eng") if name in there) or "eng"


def read_image(image: bytes, builder: Builder, *, scale: float = 1.0) -> None:
    """`scale` is how many of the image's pixels make a point."""
    try:
        done = subprocess.run(
            [PROGRAM, "stdin", "stdout", "-l", languages(), "tsv"],
            input=image,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        builder.notice(Reason.OCR_FAILED, FAILED)
        return
    if done.returncode:
        builder.notice(Reason.OCR_FAILED, FAILED)
        return
    write(done.stdout.decode("utf-8", "replace"), builder, 10 / scale)


def write(sheet: str, builder: Builder, factor: float) -> None:
    """Tesseract's table: a row for each word, with the numbers of its block, paragraph and line before it."""
    paragraph = line = None
    start = builder.length
    for row in sheet.splitlines()[1:]:
        cells = row.split("\t", 11)
        if len(cells) < 12 or cells[0] != "5":
            continue
        text = clean(cells[11]).strip()
        try:
            left, top, width, height = (int(cell) for cell in cells[6:10])
            is_sure = float(cells[10]) >= LEAST_CONFIDENCE
        except ValueError:
            continue
        if not text or not is_sure:
            continue
        if cells[2:4] != paragraph:
            end_block(builder, start)
            builder.gap()
            paragraph, line, start = cells[2:4], cells[4], builder.length
        elif cells[4] != line:
            line = cells[4]
            builder.add("\n")
        else:
            builder.add(" ")
        began, ended = builder.add(text)
        sides = (left, top, left + width, top + height)
        builder.words.add(began, ended, Box(*(round(side * factor) for side in sides)))
    end_block(builder, start)


def end_block(builder: Builder, start: int) -> None:
    if builder.length > start:
        builder.blocks.append(Block(start, builder.length, BlockKind.PARAGRAPH))
