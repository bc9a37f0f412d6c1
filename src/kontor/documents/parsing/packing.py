"""A document as bytes, and back. What is read is checked: it comes from a process that a hostile file may have taken.

A head in JSON, the text, then the words' numbers as differences, column by column; all of it deflated.
docs/performance.md has what that saves against JSON and MessagePack. The text is not in the JSON, because the library
that writes that ends the process when it runs out of memory.
"""

import struct
import sys
import zlib
from array import array
from itertools import accumulate
from operator import sub
from typing import Any

import orjson

from kontor.documents.parsing.model import (
    MODEL_VERSION,
    Block,
    BlockKind,
    Box,
    Cell,
    Document,
    Hidden,
    Join,
    Kind,
    Notice,
    Page,
    Table,
    Why,
    Words,
)

MAGIC = b"KPM1"
HEAD = struct.Struct("<III")  # length of the JSON, of the text, number of words
LARGEST_BYTES = 512 << 20
MOST_WORDS = 20_000_000


class Malformed(ValueError):
    """Not a packed document."""


def pack(document: Document) -> bytes:
    head = orjson.dumps(
        {
            "version": MODEL_VERSION,
            "kind": document.kind,
            "parser": document.parser,
            "language": document.language,
            "title": document.title,
            "author": document.author,
            "date": document.date,
            "pages": [[p.start, p.end, p.width, p.height, p.name, int(p.is_scan)] for p in document.pages],
            "blocks": [[b.start, b.end, b.kind, b.level] for b in document.blocks],
            "tables": [
                [t.start, t.end, [n for c in t.cells for n in (c.start, c.end, c.row, c.column)]]
                for t in document.tables
            ],
            "hidden": [[h.at, h.text, h.why, h.box and list(h.box)] for h in document.hidden],
            "joins": [[j.at, j.text] for j in document.joins],
            "notices": [[n.code, n.sentence] for n in document.notices],
        }
    )
    words = document.words
    columns = [
        differences(words.starts),
        array("i", map(sub, words.ends, words.starts)),
        *(differences(words.boxes[side::4]) for side in (0, 1)),
        *(array("i", map(sub, words.boxes[side + 2 :: 4], words.boxes[side::4])) for side in (0, 1)),
    ]
    text = document.text.encode()
    deflater = zlib.compressobj(6)
    packed = [MAGIC, deflater.compress(HEAD.pack(len(head), len(text), len(words)))]
    packed += [deflater.compress(part) for part in (head, text, *map(little, columns))]
    return b"".join([*packed, deflater.flush()])


def unpack(packed: bytes) -> Document:
    try:
        return _unpack(packed)
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, struct.error, zlib.error) as reason:
        raise Malformed("These bytes are no page model.") from reason


def _unpack(packed: bytes) -> Document:
    if not packed.startswith(MAGIC):
        raise Malformed("These bytes are no page model.")
    inflater = zlib.decompressobj()
    raw = inflater.decompress(packed[len(MAGIC) :], LARGEST_BYTES)
    if inflater.unconsumed_tail or not inflater.eof:
        raise Malformed("The page model is cut off or too large.")
    length, letters, count = HEAD.unpack_from(raw)
    body = HEAD.size + length + letters
    if count > MOST_WORDS or len(raw) != body + 24 * count:
        raise Malformed("The page model has another length than it says.")
    head: dict[str, Any] = orjson.loads(raw[HEAD.size : HEAD.size + length])
    text = raw[HEAD.size + length : body].decode()
    if head["version"] != MODEL_VERSION:
        raise Malformed(f"The page model has version {head['version']}, not {MODEL_VERSION}.")
    columns = [numbers_of(raw[body + 4 * count * index : body + 4 * count * (index + 1)]) for index in range(6)]
    return checked(document_of(head, text, words_of(columns)))


def document_of(head: dict[str, Any], text: str, words: Words) -> Document:
    return Document(
        kind=Kind(head["kind"]),
        parser=str(head["parser"]),
        text=text,
        pages=tuple(Page(a, b, w, h, str(name), bool(scan)) for a, b, w, h, name, scan in head["pages"]),
        blocks=tuple(Block(a, b, BlockKind(kind), level) for a, b, kind, level in head["blocks"]),
        tables=tuple(Table(a, b, cells_of(numbers)) for a, b, numbers in head["tables"]),
        words=words,
        hidden=tuple(Hidden(at, str(text), Why(why), box and Box(*box)) for at, text, why, box in head["hidden"]),
        joins=tuple(Join(at, str(text)) for at, text in head["joins"]),
        notices=tuple(Notice(str(code), str(sentence)) for code, sentence in head["notices"]),
        language=str(head["language"]),
        title=str(head["title"]),
        author=str(head["author"]),
        date=str(head["date"]),
    )


def words_of(columns: list["array[int]"]) -> Words:
    starts, lengths, lefts, tops, widths, heights = columns
    words = Words()
    words.starts = array("I", accumulate(starts))
    words.ends = array("I", map(int.__add__, words.starts, lengths))
    boxes = array("i", bytes(16 * len(starts)))
    boxes[0::4] = array("i", accumulate(lefts))
    boxes[1::4] = array("i", accumulate(tops))
    boxes[2::4] = array("i", map(int.__add__, boxes[0::4], widths))
    boxes[3::4] = array("i", map(int.__add__, boxes[1::4], heights))
    words.boxes = boxes
    return words


def cells_of(numbers: list[int]) -> tuple[Cell, ...]:
    return tuple(Cell(*numbers[index : index + 4]) for index in range(0, len(numbers), 4))


def checked(document: Document) -> Document:
    """Whoever holds one may rely on this: offsets are within the text, pages partition it, words are in order."""
    size, at = len(document.text), 0
    if "\0" in document.text:
        raise Malformed("The text holds what no database takes.")
    for page in document.pages:
        if page.start != at or not page.start <= page.end <= size:
            raise Malformed("The pages do not lie side by side.")
        at = page.end
    if document.pages and at != size:
        raise Malformed("The pages do not cover the text.")
    spans: list[Block | Table | Cell] = [*document.blocks, *document.tables]
    spans += [cell for table in document.tables for cell in table.cells]
    points = [hidden.at for hidden in document.hidden] + [join.at for join in document.joins]
    numbers = [number for span in spans for number in (span.start, span.end)] + points
    if not all(type(number) is int and 0 <= number <= size for number in numbers):
        raise Malformed("The page model points outside its text.")
    at = 0
    for start, end in zip(document.words.starts, document.words.ends, strict=True):
        if not at <= start < end <= size:
            raise Malformed("The words are not in order.")
        at = end
    return document


def differences(column: "array[int]") -> "array[int]":
    return array("i", map(sub, column, [0, *column[:-1]]))


def little(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def numbers_of(data: bytes) -> "array[int]":
    column = array("i", data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
