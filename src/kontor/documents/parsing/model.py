"""The page model: one text, and where each part of it stood. Everything later points into this text by offsets.

Offsets count characters (code points) of `Document.text`. Boxes are tenths of a point, from the page's top left corner.
"""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

MODEL_VERSION = 1


class DocumentKind(StrEnum):
    """What a file is, by its content."""

    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    XLSX = "xlsx"
    ODT = "odt"
    RTF = "rtf"
    HTML = "html"
    EPUB = "epub"
    MARKDOWN = "markdown"
    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    EML = "eml"
    IMAGE = "image"


Kind = DocumentKind  # as readers call it, who know no other


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"
    NOTE = "note"  # footnotes, comments, speaker's notes
    HEADER = "header"
    FOOTER = "footer"


class Why(StrEnum):
    """Why a text is hidden from who looks at the page."""

    WHITE = "white"
    TINY = "tiny"
    OUTSIDE = "outside"
    INVISIBLE = "invisible"
    VANISH = "vanish"  # Word's own word for it
    DELETED = "deleted"  # a tracked change
    HIDDEN = "hidden"  # HTML, hidden sheets, rows and slides
    ASIDE = "aside"  # of a web page: menus, banners, what is not its main text


class Box(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Page:
    start: int
    end: int
    width: int = 0  # tenths of a point; pixels times ten of an image; 0 where there are no pages
    height: int = 0
    name: str = ""  # of a sheet, a chapter, an attachment
    is_scan: bool = False  # its text, if any, was read off an image


@dataclass(frozen=True, slots=True)
class Block:
    start: int
    end: int
    kind: BlockKind
    level: int = 0  # of a heading from 1, of an item from 1


@dataclass(frozen=True, slots=True)
class Cell:
    start: int
    end: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Table:
    start: int
    end: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    at: int  # it would stand before this character
    text: str
    why: Why
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Taken out of the text here: a hyphen at the end of a line, or a soft one. With it the line reads as printed."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    code: str
    sentence: str


class Words:
    """Of pages that have places: for each word, or each part of one on a line of its own, its offsets and its box."""

    __slots__ = ("boxes", "ends", "starts")

    def __init__(self) -> None:
        self.starts = array("I")
        self.ends = array("I")
        self.boxes = array("i")

    def add(self, start: int, end: int, box: Box) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.boxes.extend(box)

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it grows

    def box(self, index: int) -> Box:
        return Box(*self.boxes[4 * index : 4 * index + 4])

    def within(self, start: int, end: int) -> range:
        """The words that have a character in [start, end)."""
        return range(bisect_right(self.ends, start), bisect_left(self.starts, end))


class Rectangle(NamedTuple):
    page: int  # from 0
    box: Box


@dataclass(frozen=True)
class Document:
    kind: Kind
    parser: str
    text: str
    pages: tuple[Page, ...] = ()
    blocks: tuple[Block, ...] = ()
    tables: tuple[Table, ...] = ()
    words: Words = field(default_factory=Words)
    hidden: tuple[Hidden, ...] = ()
    joins: tuple[Join, ...] = ()
    notices: tuple[Notice, ...] = ()
    language: str = "other"
    title: str = ""
    author: str = ""
    date: str = ""  # ISO 8601, as exactly as the file tells it

    @cached_property
    def digest(self) -> str:
        """Of what citations point into: the same text read by the same parser."""
        return hashlib.sha256(f"{self.parser}\n{self.text}".encode()).hexdigest()

    @property
    def headings(self) -> Iterator[Block]:
        return (block for block in self.blocks if block.kind is BlockKind.HEADING)

    def page_at(self, offset: int) -> int:
        """The page that a character stands on, from 0. Pages lie side by side without a gap."""
        return max(0, bisect_right(self._page_starts, offset) - 1)

    def rectangles(self, start: int, end: int) -> list[Rectangle]:
        """Where the words of [start, end) stand, one rectangle for what follows each other on a line."""
        found: list[Rectangle] = []
        for index in self.words.within(start, end):
            page, box = self.page_at(self.words.starts[index]), self.words.box(index)
            if found and found[-1].page == page and is_beside(found[-1].box, box):
                found[-1] = Rectangle(page, around(found[-1].box, box))
            else:
                found.append(Rectangle(page, box))
        return found

    def printed(self, start: int = 0, end: int | None = None) -> str:
        """The text with the hyphens that were taken out of it."""
        stop = len(self.text) if end is None else end
        parts, at = [], start
        for join in self.joins:
            if start < join.at < stop:
                parts += [self.text[at : join.at], join.text]
                at = join.at
        return "".join([*parts, self.text[at:stop]])

    @cached_property
    def _page_starts(self) -> list[int]:
        return [page.start for page in self.pages]


def is_beside(left: Box, right: Box) -> bool:
    """Whether one follows the other on the same line, with no more than a wide space between."""
    height = max(1, min(left.bottom - left.top, right.bottom - right.top))
    shared = min(left.bottom, right.bottom) - max(left.top, right.top)
    return shared > height // 2 and -height <= right.left - left.right <= 2 * height


def around(first: Box, second: Box) -> Box:
    return Box(
        min(first.left, second.left),
        min(first.top, second.top),
        max(first.right, second.right),
        max(first.bottom, second.bottom),
    )
