"""Makes a document of what a reader finds, piece by piece, and counts while it does."""

import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from kontor.documents.parsing.language import language_of
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import (
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

# What PostgreSQL does not take, what moves a cursor, and halves of characters.
UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
SPACES = re.compile(r"[ \t\r\n\f\v\xa0\u2000-\u200a\u202f\u3000]+")
LONGEST_META = 500
LONGEST_HIDDEN = 200_000  # characters in all: it is a warning, not a text
BETWEEN_BLOCKS = "\n\n"
SOFT_HYPHEN = "\u00ad"

Progress = Callable[[int, int], None]  # pages done, pages in all (0 where that is not known)
HandOver = Callable[[Document], None]


class Run(NamedTuple):
    """A piece of a paragraph."""

    text: str
    why: Why | None = None  # hidden, then


def clean(text: str) -> str:
    return UNWANTED.sub("", LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    return SPACES.sub(" ", clean(text)).strip()


def merged(runs: Iterable[Run]) -> list[Run]:
    return [Run("".join(run.text for run in group), why) for why, group in groupby(runs, key=attrgetter("why"))]


def is_plain(runs: Sequence[Run]) -> bool:
    return len(runs) == 1 and runs[0].why is None


@dataclass
class Builder:
    kind: Kind
    limits: Limits
    progress: Progress = lambda done, of: None
    expected_pages: int = 0
    title: str = ""
    author: str = ""
    date: str = ""
    length: int = 0
    _parts: list[str] = field(default_factory=list)
    _pages: list[Page] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    hidden: list[Hidden] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    hand_over: HandOver | None = None
    _began: float = field(default_factory=time.monotonic)
    _hidden_length: int = 0
    _cells: int = 0

    # Pages

    def page(self, *, width: int = 0, height: int = 0, name: str = "", is_scan: bool = False) -> None:
        """What follows stands on a new page."""
        if len(self._pages) >= self.limits.pages:
            raise Unreadable(Reason.TOO_MANY_PARTS, f"The file has more than {self.limits.pages} pages or parts.")
        if self._pages:
            self.progress(len(self._pages), self.expected_pages)
            self.gap()
            self._pages[-1] = replace(self._pages[-1], end=self.length)
        self._pages.append(Page(self.length, self.length, width, height, one_line(name)[:LONGEST_META], is_scan))

    def first_pages(self, parser: str) -> None:
        """For readers that take their time, between two pages: once, what there is so far. It will be the beginning of
        the whole, letter for letter."""
        if self.hand_over is None or time.monotonic() - self._began < self.limits.first_seconds:
            return
        hand_over, self.hand_over = self.hand_over, None
        hand_over(self._document(parser, replace(self._pages[-1], end=self.length)))

    # Text

    def add(self, text: str) -> tuple[int, int]:
        """Text that is clean already."""
        start = self.length
        self.length += len(text)
        if self.length > self.limits.characters:
            raise Unreadable(
                Reason.TOO_LARGE, f"The file holds more than {self.limits.characters // 1_000_000} million characters."
            )
        self._parts.append(text)
        return start, self.length

    def gap(self, between: str = BETWEEN_BLOCKS) -> None:
        """Between what stands here and what comes next; nothing at the beginning, and never two."""
        if self.length and not (self._parts and self._parts[-1].endswith(between)):
            self.add(between)

    def block(self, kind: BlockKind, runs: str | Iterable[Run], level: int = 0, *, between: str = "") -> None:
        """A paragraph, if anything of it can be seen. What is hidden in it is noted where it would stand."""
        pieces = [Run(runs)] if isinstance(runs, str) else merged(runs)
        if not any(run.why is None and run.text.strip() for run in pieces):
            for run in pieces:
                self.hide(run.text, run.why or Why.INVISIBLE)
            return
        self.gap(between or (self._between(kind)))
        start = self.length
        self.runs(pieces)
        self.blocks.append(Block(start, self.length, kind, level))

    def runs(self, runs: Iterable[Run], *, is_one_line: bool = False) -> None:
        """The visible pieces, without spaces at either end; soft hyphens become joins."""
        pieces = [Run(clean(run.text), run.why) for run in merged(runs)]
        visible = [index for index, run in enumerate(pieces) if run.why is None and run.text.strip()]
        for index, (text, why) in enumerate(pieces):
            if why is not None:
                self.hide(text, why)
                continue
            if not visible or not visible[0] <= index <= visible[-1]:
                continue
            shown = SPACES.sub(" ", text) if is_one_line else text
            shown = shown.lstrip() if index == visible[0] else shown
            shown = shown.rstrip() if index == visible[-1] else shown
            for number, piece in enumerate(shown.split(SOFT_HYPHEN)):
                if number:
                    self.joins.append(Join(self.length, SOFT_HYPHEN))
                if piece:
                    self.add(piece)

    def hide(self, text: str, why: Why, box: Box | None = None) -> None:
        shown = one_line(text)[: max(0, LONGEST_HIDDEN - self._hidden_length)]
        if shown:
            self._hidden_length += len(shown)
            self.hidden.append(Hidden(self.length, shown, why, box))

    def table(self, rows: Iterable[Sequence[str | Sequence[Run]]]) -> None:
        """Cells with tabs between them, rows on lines of their own."""
        cells: list[Cell] = []
        self.gap()
        start = self.length
        for row, entries in enumerate(rows):
            if row:
                self.add("\n")
            for column, entry in enumerate(entries):
                if column:
                    self.add("\t")
                began = self.length
                self.cell(entry)
                if self.length > began:
                    cells.append(Cell(began, self.length, row, column))
            self.count_cells(len(entries))
        if cells:
            self.tables.append(Table(start, self.length, tuple(cells)))
            self.blocks.append(Block(start, self.length, BlockKind.TABLE))

    def cell(self, entry: str | Sequence[Run]) -> None:
        plain = entry if isinstance(entry, str) else entry[0].text if is_plain(entry) else None
        if plain is None or SOFT_HYPHEN in plain:
            self.runs([Run(entry)] if isinstance(entry, str) else entry, is_one_line=True)
        elif text := one_line(plain):
            self.add(text)

    def count_cells(self, more: int) -> None:
        self._cells += more
        if self._cells > self.limits.cells:
            raise Unreadable(Reason.TOO_MANY_PARTS, f"The file has tables of more than {self.limits.cells} cells.")

    def notice(self, code: Reason, sentence: str) -> None:
        if len(self.notices) < 100:
            self.notices.append(Notice(code, sentence))

    def include(self, other: Document, name: str) -> None:
        """Another document's pages after these: an attachment's, a chapter's."""
        for page in other.pages or (Page(0, len(other.text)),):
            self.page(width=page.width, height=page.height, name=page.name or name, is_scan=page.is_scan)
            moved = self.length - page.start
            self.add(other.text[page.start : page.end])
            self._move(other, page, moved)
        self.notices += [Notice(entry.code, f"{name}: {entry.sentence}") for entry in other.notices]

    def _move(self, other: Document, page: Page, moved: int) -> None:
        def here(at: int) -> bool:
            return page.start <= at < page.end or at == page.end == len(other.text)

        self.blocks += [
            replace(block, start=block.start + moved, end=min(block.end, page.end) + moved)
            for block in other.blocks
            if page.start <= block.start < page.end
        ]
        for table in other.tables:
            if page.start <= table.start < page.end:
                cells = tuple(replace(cell, start=cell.start + moved, end=cell.end + moved) for cell in table.cells)
                self.tables.append(Table(table.start + moved, table.end + moved, cells))
        for index in other.words.within(page.start, page.end):
            word = other.words
            self.words.add(word.starts[index] + moved, word.ends[index] + moved, word.box(index))
        self.hidden += [replace(entry, at=entry.at + moved) for entry in other.hidden if here(entry.at)]
        self.joins += [replace(entry, at=entry.at + moved) for entry in other.joins if here(entry.at)]

    def _between(self, kind: BlockKind) -> str:
        is_list = kind is BlockKind.ITEM and self.blocks and self.blocks[-1].kind is BlockKind.ITEM
        return "\n" if is_list else BETWEEN_BLOCKS

    def build(self, parser: str) -> Document:
        if not self._pages:
            self._pages.append(Page(0, self.length))
        self._pages[-1] = replace(self._pages[-1], end=self.length)
        self.progress(len(self._pages), len(self._pages))
        return self._document(parser, self._pages[-1])

    def _document(self, parser: str, last: Page) -> Document:
        text = "".join(self._parts)
        return Document(
            kind=self.kind,
            parser=parser,
            text=text,
            pages=(*self._pages[:-1], last),
            blocks=tuple(self.blocks),
            tables=tuple(self.tables),
            words=self.words,
            hidden=tuple(self.hidden),
            joins=tuple(self.joins),
            notices=tuple(self.notices),
            language=language_of(text),
            title=meta(self.title),
            author=meta(self.author),
            date=meta(self.date),
        )


def meta(text: str) -> str:
    return unicodedata.normalize("NFC", one_line(text))[:LONGEST_META]
