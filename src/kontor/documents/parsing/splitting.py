"""Passages of a document: cut where the document itself has borders, and never losing a character of it.

The parts that are new in each passage lie side by side and cover the whole text. A passage may begin earlier, with the
last sentences of the one before it, so that what stands across a border is found too.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kontor.documents.parsing.model import Block, BlockKind, Document, Kind
from kontor.documents.parsing.names import names

# The local embedder reads 256 pieces of words; what is longer is cut off by it without a word.
SIZE, OVERLAP = 220, 32
# Pieces of words for each word: long German words are cut into many.
PIECES_OF_LONG = 4.2  # characters in a piece, past a word's first six
TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
ABBREVIATIONS = names(
    "z b d h u a s o bzw usw vgl ca dr prof nr str abs art aufl bd hrsg st etc evtl ggf inkl mio mrd no vs eg ie mr "
    "mrs ms jr sr fig eq al approx dept inc ltd co jan feb mar apr jun jul aug sep sept oct okt nov dec dez"
)
SENTENCE_END = re.compile(r"[.!?…][\"'”“’)\]]*\s+|\n{2,}")
SPACES = re.compile(r"\s+")
LEAST_OF_SIZE = 0.35  # a heading begins a new passage when the one before it has at least this much

LONGEST_REPEATED = 2_000  # characters to look for sentences in

Count = Callable[[str], int]
Borders = Callable[[str, int, int], Iterator[int]]


@dataclass(frozen=True, slots=True)
class Passage:
    start: int
    end: int
    fresh: int  # where what no earlier passage has begins
    first_page: int
    last_page: int
    headings: tuple[str, ...]  # from the outermost to the nearest


@dataclass(frozen=True, slots=True)
class Piece:
    start: int
    end: int
    tokens: int
    is_heading: bool = False
    begins_part: bool = False
    can_repeat: bool = False  # running text, of which the end may begin the next passage


def estimated(text: str) -> int:
    """How many pieces of words a tokenizer makes of it, about: one for six letters, one for each sign."""
    return sum(1 + int(max(0, len(word) - 6) / PIECES_OF_LONG + 0.6) for word in TOKEN.findall(text))


def split(document: Document, *, size: int = SIZE, overlap: int = OVERLAP, count: Count = estimated) -> list[Passage]:
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("A passage has at least one token, and repeats fewer than it has.")
    text, headings = document.text, Headings(document)
    pieces = [piece for span in spans(document) for piece in pieces_of(document, *span, size=size, count=count)]
    passages: list[Passage] = []
    before: Sequence[Piece] = ()
    for group in groups(pieces, size - overlap):
        fresh, end = group[0].start, group[-1].end
        room = min(overlap, size - sum(piece.tokens for piece in group))
        start = repeated(text, before, group, room, count) if room > 0 else fresh
        first, last = document.page_at(start), document.page_at(end - 1)
        passages.append(Passage(start, end, fresh, first, last, headings.above(first_text(group))))
        before = group
    return passages


def spans(document: Document) -> Iterator[tuple[Block | None, int, int]]:
    """The blocks with what lies between them, so that nothing is left over."""
    at, text = 0, document.text
    blocks = sorted(document.blocks, key=lambda block: block.start)
    for index, block in enumerate(blocks):
        following = blocks[index + 1].start if index + 1 < len(blocks) else len(text)
        if block.start > at and text[at : block.start].strip():
            yield None, at, block.start
            at = block.start
        end = max(block.end, following if not text[block.end : following].strip() else block.end)
        if end > at:
            yield block, at, end
            at = end
    if at < len(text):
        yield None, at, len(text)


def pieces_of(
    document: Document, block: Block | None, start: int, end: int, *, size: int, count: Count
) -> Iterator[Piece]:
    text = document.text
    tokens = count(text[start:end])
    kind = block.kind if block is not None else BlockKind.PARAGRAPH
    begins = is_part_border(document, start)
    if tokens <= size:
        yield Piece(start, end, tokens, kind is BlockKind.HEADING, begins, kind is BlockKind.PARAGRAPH)
        return
    borders = line_borders if kind in (BlockKind.TABLE, BlockKind.CODE) else sentence_borders
    can_repeat = kind is BlockKind.PARAGRAPH
    for first, last in cut(text, start, end, borders, size=size, count=count):
        yield Piece(first, last, count(text[first:last]), False, begins and first == start, can_repeat)


def is_part_border(document: Document, start: int) -> bool:
    """Slides, sheets, chapters and attachments do not share a passage; the pages of running text do."""
    if document.kind in (Kind.PDF, Kind.DOCX, Kind.ODT, Kind.RTF):
        return False
    page = document.page_at(start)
    return bool(document.pages) and page > 0 and start <= document.pages[page].start


def cut(text: str, start: int, end: int, borders: Borders, *, size: int, count: Count) -> Iterator[tuple[int, int]]:
    """Between borders, each part within the size; a part that has none is cut between words, or anywhere at last."""
    at = start
    for border in [*borders(text, start, end), end]:
        if border <= at:
            continue
        if count(text[at:border]) <= size:
            yield at, border
        elif borders is not word_borders:
            finer = sentence_borders if borders is line_borders else word_borders
            yield from cut(text, at, border, finer, size=size, count=count)
        else:
            yield from halves(text, at, border, size, count)
        at = border


def halves(text: str, start: int, end: int, size: int, count: Count) -> Iterator[tuple[int, int]]:
    waiting = [(start, end)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2 or count(text[first:last]) <= size:
            yield first, last
            continue
        middle = (first + last) // 2
        waiting += [(middle, last), (first, middle)]


def line_borders(text: str, start: int, end: int) -> Iterator[int]:
    at = text.find("\n", start, end)
    while at >= 0:
        yield at + 1
        at = text.find("\n", at + 1, end)


def sentence_borders(text: str, start: int, end: int) -> Iterator[int]:
    for found in SENTENCE_END.finditer(text, start, end):
        if found[0][0] != "\n" and is_abbreviation(text, start, found.start(), found.end()):
            continue
        yield found.end()


def is_abbreviation(text: str, start: int, dot: int, after: int) -> bool:
    if text[dot] != ".":
        return False
    if text[after : after + 1].islower():
        return True
    word = ""
    at = dot - 1
    while at >= start and text[at].isalnum() and len(word) < 8:
        word = text[at] + word
        at -= 1
    # "am 3. Mai", "S. 12", "z. B."
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isalpha()) or (word.isdigit() and len(word) <= 2)


def word_borders(text: str, start: int, end: int) -> Iterator[int]:
    for found in SPACES.finditer(text, start, end):
        yield found.end()


def groups(pieces: Sequence[Piece], size: int) -> Iterator[list[Piece]]:
    """As many pieces as fit, a heading with what follows it, and a new start where a part begins."""
    group: list[Piece] = []
    tokens = 0
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if piece.is_heading and index + 1 < len(pieces) else None
        needed = piece.tokens + (following.tokens if following is not None else 0)
        is_all_headings = all(entry.is_heading for entry in group)
        is_full = tokens + min(needed, size) > size or tokens + piece.tokens > size
        is_new = piece.begins_part or (piece.is_heading and tokens >= LEAST_OF_SIZE * size)
        # A heading is never left alone by what does not fit beside it, as long as it fits itself.
        must_end = piece.begins_part or tokens + piece.tokens > size
        if group and ((not is_all_headings and (is_full or is_new)) or (is_all_headings and must_end)):
            yield group
            group, tokens = [], 0
        group.append(piece)
        tokens += piece.tokens
    if group:
        yield group


def repeated(text: str, before: Sequence[Piece], group: Sequence[Piece], overlap: int, count: Count) -> int:
    """Where the passage begins: with sentences of the one before it, as far as that is running text."""
    fresh = group[0].start
    if not overlap or not group[0].can_repeat or group[0].begins_part:
        return fresh
    lowest = fresh
    for piece in reversed(before):
        if not piece.can_repeat or fresh - lowest > LONGEST_REPEATED:
            break
        lowest = piece.start
    start = fresh
    for border in reversed(list(sentence_borders(text, lowest, fresh))):
        if border < fresh:
            if count(text[border:fresh]) > overlap:
                break
            start = border
    return start


def first_text(group: Sequence[Piece]) -> int:
    return next((piece.start for piece in group if not piece.is_heading), group[-1].start)


class Headings:
    """Which headings stand above a place."""

    def __init__(self, document: Document) -> None:
        self._starts: list[int] = []
        self._paths: list[tuple[str, ...]] = []
        path: list[tuple[int, str]] = []
        for block in document.headings:
            path = [entry for entry in path if entry[0] < block.level]
            path.append((block.level, " ".join(document.text[block.start : block.end].strip("# \n").split())[:200]))
            self._starts.append(block.start)
            self._paths.append(tuple(text for _, text in path))

    def above(self, at: int) -> tuple[str, ...]:
        index = bisect_right(self._starts, at) - 1
        return self._paths[index] if index >= 0 else ()
