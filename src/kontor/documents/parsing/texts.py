"""Plain text in whatever encoding, Markdown, CSV, JSON. The text stays as it is written, and its parts are named."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

from kontor.documents.parsing.builder import SOFT_HYPHEN, Builder, clean
from kontor.documents.parsing.model import Block, BlockKind, Cell, Join, Table, Why

TEXT, MARKDOWN, CSV, JSON = "text-1", "markdown-1", "csv-1", "json-1"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
SINGLE_BYTE = ("cp1252", "cp850", "mac_roman")
EXPECTED = frozenset("äöüÄÖÜßéèàâçñôêëîïûœ€„“”’‘–—…§°«»·½²³µ ")
SAMPLE_BYTES = 200_000


def decoded(data: bytes, declared: str = "") -> str:
    for mark, name in BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    if declared and (text := tried(data, declared)) is not None:
        return text
    if (text := tried(data, "utf-8")) is not None:
        return text
    found = DECLARED.search(data[:2_048])
    if found and (text := tried(data, found[1].decode("ascii"))) is not None:
        return text
    sample = data[:SAMPLE_BYTES]
    if sample.count(0) > len(sample) // 4:
        is_little = sample[1::2].count(0) > sample[::2].count(0)
        return data.decode("utf-16-le" if is_little else "utf-16-be", "replace")
    best = max(SINGLE_BYTE, key=lambda name: likeness(sample, name))
    return data.decode(best, "replace")


def tried(data: bytes, name: str) -> str | None:
    """What is cut off within a character at the end is still that encoding."""
    try:
        decoder = codecs.getincrementaldecoder(name)("strict")
        return decoder.decode(data)
    except (LookupError, UnicodeError, TypeError, AttributeError):
        return None


def likeness(sample: bytes, name: str) -> int:
    """How many of the characters beyond ASCII are such as German and its neighbours use."""
    strange = [character for character in sample.decode(name, "replace") if ord(character) > 127]
    return sum(1 if character in EXPECTED else -2 for character in strange)


def read_text(text: str, builder: Builder) -> None:
    builder.page()
    write(shown(text), builder)


def shown(text: str) -> str:
    return clean(text).strip("\n")


def write(text: str, builder: Builder) -> None:
    """Kept as it is, with its paragraphs named."""
    at = begun = builder.length
    for line in add(text, builder).split("\n"):
        if not line.strip():
            paragraph(begun, at - 1, builder)
            begun = at + len(line) + 1
        at += len(line) + 1
    paragraph(begun, at - 1, builder)


def add(text: str, builder: Builder) -> str:
    """What is written of it: soft hyphens become joins."""
    for number, piece in enumerate(text.split(SOFT_HYPHEN)):
        if number:
            builder.joins.append(Join(builder.length, SOFT_HYPHEN))
        builder.add(piece)
    return text.replace(SOFT_HYPHEN, "")


def paragraph(start: int, end: int, builder: Builder) -> None:
    if end > start:
        builder.blocks.append(Block(start, end, BlockKind.PARAGRAPH))


# Markdown

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)")
SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
DIVIDER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
FENCE_OR_COMMENT = re.compile(r"^ {0,3}(`{3,}|~{3,})|<!--[\s\S]{0,20000}?-->", re.MULTILINE)
FRONT = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
FRONT_LINE = re.compile(r"(title|author|date)[ \t]*:[ \t]*(.+)", re.IGNORECASE)


def read_markdown(text: str, builder: Builder) -> None:
    text = shown(text)
    front = FRONT.match(text)
    if front is not None:
        for name, value in FRONT_LINE.findall(front[1]):
            setattr(builder, name.lower(), value.strip().strip("\"'"))
        text = text[front.end() :].lstrip("\n")
    builder.page()
    text = without_comments(text, builder)
    start = builder.length
    text = add(text, builder)
    builder.blocks.extend(markdown_blocks(text, start, builder))
    heading = next((block for block in builder.blocks if block.kind is BlockKind.HEADING), None)
    if heading is not None and not builder.title:
        builder.title = text[heading.start - start : heading.end - start].strip("#= \n-")


def without_comments(text: str, builder: Builder) -> str:
    """They are not shown; a fence may hold them as an example, and there they stay."""
    parts, at, fence = [], 0, ""
    for found in FENCE_OR_COMMENT.finditer(text):
        if found[1]:
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        elif not fence:
            parts.append(text[at : found.start()])
            builder.hide(found[0][4:-3], Why.HIDDEN)
            at = found.end()
    return "".join([*parts, text[at:]])


def markdown_blocks(text: str, start: int, builder: Builder) -> Iterator[Block]:  # noqa: PLR0912 - a sort of line each
    fence, begun, at = "", -1, 0  # of the paragraph, code or table that is being read
    lines = text.split("\n")
    table_rows: list[tuple[int, str]] = []

    def block(end: int, kind: BlockKind, level: int = 0, first: int | None = None) -> Iterator[Block]:
        began = begun if first is None else first
        if began >= 0 and end > began:
            yield Block(start + began, start + end, kind, level)

    for number, line in enumerate(lines):
        before = max(0, at - 1)
        if table_rows and ("|" not in line or not line.strip()):
            yield table_of(table_rows, start, builder)
            table_rows = []
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                yield from block(at + len(line), BlockKind.CODE)
                fence, begun = "", -1
        elif table_rows:
            table_rows.append((at, line))
        elif opened := FENCE.match(line):
            yield from block(before, BlockKind.PARAGRAPH)
            fence, begun = opened[1], at
        elif found := ATX.match(line):
            yield from block(before, BlockKind.PARAGRAPH)
            begun = -1
            yield from block(at + len(line), BlockKind.HEADING, len(found[1]), at)
        elif begun >= 0 and (found := SETEXT.match(line)):
            yield from block(at + len(line), BlockKind.HEADING, 1 if found[1][0] == "=" else 2)
            begun = -1
        elif (
            "|" in line
            and number + 1 < len(lines)
            and "|" in lines[number + 1]
            and DIVIDER.match(lines[number + 1].strip())
        ):
            yield from block(before, BlockKind.PARAGRAPH)
            table_rows, begun = [(at, line)], -1
        elif found := ITEM.match(line):
            yield from block(before, BlockKind.PARAGRAPH)
            begun = -1
            yield from block(at + len(line), BlockKind.ITEM, min(9, len(found[1].expandtabs(4)) // 2 + 1), at)
        elif not line.strip():
            yield from block(before, BlockKind.PARAGRAPH)
            begun = -1
        elif begun < 0:
            begun = at
        at += len(line) + 1
    if table_rows:
        yield table_of(table_rows, start, builder)
    yield from block(len(text), BlockKind.CODE if fence else BlockKind.PARAGRAPH)


def table_of(rows: list[tuple[int, str]], start: int, builder: Builder) -> Block:
    cells: list[Cell] = []
    shown_rows = [row for index, row in enumerate(rows) if index != 1]
    for number, (at, line) in enumerate(shown_rows):
        place = at + len(line) - len(line.lstrip(" \t|"))
        for column, piece in enumerate(re.split(r"(?<!\\)\|", line.strip(" \t").strip("|"))):
            inner = piece.strip()
            if inner:
                began = line.index(inner, max(0, place - at))
                cells.append(Cell(start + at + began, start + at + began + len(inner), number, column))
                place = at + began + len(inner)
        builder.count_cells(1)
    end = rows[-1][0] + len(rows[-1][1])
    builder.tables.append(Table(start + rows[0][0], start + end, tuple(cells)))
    return Block(start + rows[0][0], start + end, BlockKind.TABLE)


# CSV

SEPARATORS = ",;\t|"


def read_csv(text: str, builder: Builder) -> None:
    builder.page()
    text = clean(text)
    csv.field_size_limit(10_000_000)
    builder.table(csv.reader(io.StringIO(text), delimiter=separator(text.split("\n", 51)) or ","))


def separator(lines: list[str]) -> str:
    """The mark that cuts the first lines into the same number of cells, more than one; the empty text without any."""
    first = [line for line in lines[:50] if line.strip()]
    best, most = "", 0
    for mark in SEPARATORS:
        try:
            counts = [len(row) for row in csv.reader(first, delimiter=mark)]
        except csv.Error:
            continue
        usual = max(set(counts), key=counts.count, default=0)
        if usual > 1 and counts.count(usual) >= 0.8 * len(counts) and usual > most:
            best, most = mark, usual
    return best


# JSON

LONG_LINE = 2_000
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
DEEPEST_INDENT = 40


def read_json(text: str, builder: Builder) -> None:
    """As it is written; only what stands on one endless line is given lines, and not a character of it changed."""
    text = shown(text)
    builder.page()
    if max(map(len, text.splitlines()), default=0) > LONG_LINE:
        text = "".join(indented(text))
    write(text, builder)


def indented(text: str) -> Iterator[str]:
    depth, before = 0, ""
    for token in STRING.findall(text):
        if before in ("{", "["):
            is_empty = token in ("}", "]")
            depth += 0 if is_empty else 1
            if not is_empty:
                yield "\n" + "  " * min(depth, DEEPEST_INDENT)
        elif token in ("}", "]"):
            depth -= 1
            yield "\n" + "  " * min(max(0, depth), DEEPEST_INDENT)
        elif before == ",":
            yield "\n" + "  " * min(max(0, depth), DEEPEST_INDENT)
        elif before == ":":
            yield " "
        yield token
        before = token
