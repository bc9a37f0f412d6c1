"""PDF through pdfium: each character with its box, lines, columns, tables, headings, and what nobody can see.

The order of the file's own stream is kept, since on real files it reads better than any order computed from places. It
is mended only where lines of two columns alternate. pdfium is not thread-safe: one file, one process.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import pypdfium2_raw as pdfium  # the bindings alone: the package around them takes 0.15 s to load

from kontor.documents.parsing import ocr
from kontor.documents.parsing.archive import damaged
from kontor.documents.parsing.builder import UNWANTED, Builder
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Block, BlockKind, Box, Cell, Join, Table, Why
from kontor.documents.parsing.names import names
from kontor.documents.parsing.pdf_layout import Layout, Line, Word, arrange, has_leader, is_item

PARSER = "pdf-1"
LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
LINE_HYPHENS = "\ufffe\x02"  # pdfium's marks for a hyphen at the end of a line
SPACES = " \xa0\t\0"
BETWEEN_WORDS = frozenset(f"{SPACES}{LINE_HYPHENS}\r\n")
SOFT_HYPHEN = "\u00ad"
TINY = 12  # tenths of a point: the height of a character's whole box
NEARLY_WHITE = 245  # letters; of 255
LIGHT = 230  # what is behind them
FAINT, NOTHING = 25, 5  # of what lets all through
MOST_OBJECTS = 20_000
MOST_COVERS = 3_000
Look = tuple[Why | None, bool, int]  # why it is hidden, whether it is bold, its size
Sides = tuple[float, float, float, float]  # left, bottom, right, top
Point = tuple[float, float]
FAR = 10_000.0  # points: far enough that whole tenths say where it leads
PLAIN: Look = (None, False, 0)
MOST_CHARACTERS_OF_PAGE = 400_000
SCAN_SCALE = 200 / 72  # dots per inch for OCR
DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?")


# With a number for what the bindings would make an object of: it is asked for each character.
owner_of = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(
    ctypes.cast(pdfium.FPDFText_GetTextObject, ctypes.c_void_p).value or 0
)


def read_pdf(data: "ctypes.Array[Any] | bytes", builder: Builder) -> None:
    with opened(data) as document:
        count = pdfium.FPDF_GetPageCount(document)
        if count <= 0:
            raise damaged
        if count > builder.limits.pages:
            raise Unreadable(Reason.TOO_MANY_PARTS, f"The file has {count} pages, more than {builder.limits.pages}.")
        builder.expected_pages = count
        builder.title, builder.author = info(document, "Title"), info(document, "Author")
        builder.date = date_of(info(document, "CreationDate"))
        Reader(document, builder).read(count)


@contextmanager
def opened(data: "ctypes.Array[Any] | bytes") -> Iterator[Any]:
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        error = pdfium.FPDF_GetLastError()
        if error == pdfium.FPDF_ERR_PASSWORD:
            raise Unreadable(Reason.ENCRYPTED, "The file is protected by a password. Save it without one.")
        if error == pdfium.FPDF_ERR_SECURITY:
            raise Unreadable(Reason.ENCRYPTED, "The file is protected in a way that cannot be opened.")
        raise damaged
    try:
        yield document
    finally:
        pdfium.FPDF_CloseDocument(document)


def info(document: Any, name: str) -> str:
    length = pdfium.FPDF_GetMetaText(document, name.encode(), None, 0)
    if not 2 < length <= 4_000:
        return ""
    buffer = ctypes.create_string_buffer(length)
    pdfium.FPDF_GetMetaText(document, name.encode(), buffer, length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")


def date_of(text: str) -> str:
    found = DATE.match(text)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    date = "-".join(part for part in (year, month, day) if part)
    return f"{date}T{hour}:{minute}:{second or '00'}" if day and hour and minute else date


@dataclass
class PendingBlock:
    """A block whose kind is known only when all pages are: headings are larger than what most of the text is set in."""

    index: int
    page: int
    place: float  # from 0 at the page's top to 1
    size: int
    is_bold: bool
    lines: int
    text: str

    @property
    def as_title(self) -> tuple[str, int]:
        """The same for the same title on another page; a page's own heading may read so too, but is larger."""
        return NUMBERS.sub("#", self.text), self.size


@dataclass
class Reader:
    document: Any
    builder: Builder
    sizes: Counter[int] = field(default_factory=Counter)
    pending: list[PendingBlock] = field(default_factory=list)
    scans: int = 0
    page: int = 0
    height: int = 0

    def read(self, count: int) -> None:
        missing = 0
        for number in range(count):
            self.page = number
            page = pdfium.FPDF_LoadPage(self.document, number)
            if not page:
                self.builder.page()
                missing += 1
                continue
            try:
                self.read_page(page)
            finally:
                pdfium.FPDF_ClosePage(page)
            if number + 1 < count:
                self.builder.first_pages(PARSER)
        if missing == count:
            raise damaged
        if missing:
            self.builder.notice(Reason.DAMAGED, f"{missing} of {count} pages are damaged and could not be read.")
        self.name_headings()

    def read_page(self, page: Any) -> None:
        width, height = tenths(pdfium.FPDF_GetPageWidthF(page)), tenths(pdfium.FPDF_GetPageHeightF(page))
        self.height = height
        lines = PageText(page, width, height, self.builder).lines()
        is_scan = not lines and has_image(page)
        self.builder.page(width=width, height=height, is_scan=is_scan)
        if is_scan:
            self.read_scan(page)
            return
        hidden = [word for line in lines for word in line.words if word.why]
        for word in hidden:
            assert word.why is not None  # noqa: S101 - chosen so
            self.builder.hide(word.text, word.why, word.box)
        for part in arrange([seen for line in lines if (seen := line.without_hidden())]):
            self.write(part)

    def read_scan(self, page: Any) -> None:
        self.scans += 1
        if not ocr.is_there():
            if self.scans == 1:
                self.builder.notice(Reason.OCR_MISSING, ocr.MISSING)
            return
        if self.scans > self.builder.limits.ocr_pages:
            return
        with rendered(page, self.builder.limits) as image:
            ocr.read_image(image, self.builder, scale=SCAN_SCALE)

    def write(self, part: Layout) -> None:
        if part.rows:
            self.write_table(part.rows)
            return
        self.builder.gap()
        start = self.builder.length
        for index, line in enumerate(part.lines):
            if index:
                self.break_line(part.lines[index - 1], line, part.is_wrapped[index - 1])
            self.write_line(line, is_last=index == len(part.lines) - 1)
        size = max(line.size for line in part.lines)
        self.sizes[size] += self.builder.length - start
        is_bold = all(line.is_bold for line in part.lines)
        place = part.lines[0].box.top / max(1, self.height)
        text = " ".join(word.text for line in part.lines[:3] for word in line.words)
        self.pending.append(
            PendingBlock(len(self.builder.blocks), self.page, place, size, is_bold, len(part.lines), text)
        )
        kind = BlockKind.ITEM if is_item(part.lines[0]) else BlockKind.PARAGRAPH
        self.builder.blocks.append(Block(start, self.builder.length, kind, int(kind is BlockKind.ITEM)))

    def write_table(self, rows: list[list[Line]]) -> None:
        self.builder.gap()
        start, cells = self.builder.length, []
        for number, row in enumerate(rows):
            if number:
                self.builder.add("\n")
            for column, line in enumerate(row):
                if column:
                    self.builder.add("\t")
                began = self.builder.length
                self.write_line(line, is_last=True)
                cells.append(Cell(began, self.builder.length, number, column))
        self.builder.count_cells(len(cells))
        self.builder.tables.append(Table(start, self.builder.length, tuple(cells)))
        self.builder.blocks.append(Block(start, self.builder.length, BlockKind.TABLE))

    def write_line(self, line: Line, *, is_last: bool) -> None:
        builder = self.builder
        for index, word in enumerate(line.words):
            if index:
                builder.add(" ")
            # A hyphen that ends the last line of a block belongs to the text; others are decided with the next line.
            text = word.text + ("-" if word.is_hyphenated and is_last and index == len(line.words) - 1 else "")
            pieces = text.split(SOFT_HYPHEN)
            start = builder.length
            for number, piece in enumerate(pieces):
                if number:
                    builder.joins.append(Join(builder.length, SOFT_HYPHEN))
                if piece:
                    builder.add(piece)
            if builder.length > start:
                builder.words.add(start, builder.length, word.box)

    def break_line(self, above: Line, below: Line, is_wrapped: bool) -> None:
        word, first = above.words[-1], below.words[0].text
        if not word.is_hyphenated:
            self.builder.add(" " if is_wrapped else "\n")
        elif first[:1].islower() and first not in CONJUNCTIONS:
            self.builder.joins.append(Join(self.builder.length, "-\n"))
        else:
            # "Vor- und Nachteile", "E-Mail": the hyphen is the writer's own.
            self.builder.add("-")
            if first in CONJUNCTIONS:
                self.builder.add(" ")
            else:
                self.builder.joins.append(Join(self.builder.length, "\n"))

    def name_headings(self) -> None:
        if not self.sizes:
            return
        self.name_running_titles()
        body = self.sizes.most_common(1)[0][0]
        headings = [block for block in self.pending if is_heading(block, body)]
        levels = sorted({block.size for block in headings if block.size > body}, reverse=True)
        for block in headings:
            level = levels.index(block.size) + 1 if block.size > body else len(levels) + 1
            self.rename(block, BlockKind.HEADING, min(6, level))

    def name_running_titles(self) -> None:
        """What stands at the edge of most pages, the same but for a number, is no part of what they tell."""
        for kind, edge in ((BlockKind.HEADER, min), (BlockKind.FOOTER, max)):
            of_pages = groupby(self.pending, key=attrgetter("page"))
            outermost = [edge(blocks, key=attrgetter("place")) for _, blocks in of_pages]
            at_edge = [block for block in outermost if not MARGIN < block.place < 1 - MARGIN]
            counted = Counter(block.as_title for block in at_edge)
            running = {title for title, times in counted.items() if times >= max(LEAST_PAGES, len(at_edge) / 2)}
            found = [block for block in at_edge if block.lines <= 2 and block.as_title in running]
            for block in found:
                self.rename(block, kind)
            gone = {block.index for block in found}
            self.pending = [block for block in self.pending if block.index not in gone]

    def rename(self, block: PendingBlock, kind: BlockKind, level: int = 0) -> None:
        plain = self.builder.blocks[block.index]
        self.builder.blocks[block.index] = Block(plain.start, plain.end, kind, level)


NUMBERS = re.compile(r"\d+|\b[ivxlc]+\b")
LEAST_PAGES = 4
MARGIN = 0.15  # of a page's height, above and below
CONJUNCTIONS = names("und oder bzw. sowie and or u.")
LONGEST_HEADING = 200


def is_heading(block: PendingBlock, body: int) -> bool:
    if not 2 <= len(block.text) <= LONGEST_HEADING or block.lines > 3 or has_leader(block.text):
        return False
    return block.size >= body * 1.12 or (block.is_bold and block.size >= body and block.lines <= 2)


def tenths(points: float) -> int:
    return max(0, min(1_000_000, round(points * 10)))


@dataclass
class PageText:
    """The characters of a page, made into words with boxes, and lines of them."""

    page: Any
    width: int
    height: int
    builder: Builder
    _looks: dict[int, Look] = field(default_factory=dict)
    _rectangle: Any = field(default_factory=pdfium.FS_RECTF)

    def lines(self) -> list[Line]:
        text_page = pdfium.FPDFText_LoadPage(self.page)
        if not text_page:
            return []
        try:
            return self._lines(text_page)
        finally:
            pdfium.FPDFText_ClosePage(text_page)

    def _lines(self, text_page: Any) -> list[Line]:
        address = ctypes.cast(text_page, ctypes.c_void_p)
        lines: list[Line] = []
        words: list[Word] = []
        letters: list[str] = []
        look = current = PLAIN
        first = last = 0  # of the word's characters
        last_owner: int | None = None

        def end_word(*, is_hyphenated: bool = False) -> None:
            word = self.word(text_page, "".join(letters), first, last, look)
            letters.clear()
            if word is not None:
                words.append(word)
            if is_hyphenated and words:
                words[-1] = words[-1].hyphenated()

        def end_line() -> None:
            if words:
                lines.append(Line(words.copy()))
                words.clear()

        for index, character in self.characters(text_page):
            if character in BETWEEN_WORDS:
                end_word(is_hyphenated=character in LINE_HYPHENS)
                # After such a hyphen pdfium writes nothing else between a line and the next.
                if character not in SPACES:
                    end_line()
                continue
            owner = owner_of(address, index)
            if owner != last_owner:
                last_owner = owner
                current = self.look_of(owner, text_page, index) if owner else PLAIN
                if letters and current[0] is not look[0]:
                    end_word()
            if not letters:
                look, first = current, index
            last = index
            letters.append(character)
        end_word()
        end_line()
        return [part for line in lines for part in line.at_gaps()]

    def characters(self, text_page: Any) -> Iterator[tuple[int, str]]:
        count = min(pdfium.FPDFText_CountChars(text_page), MOST_CHARACTERS_OF_PAGE)
        buffer = (ctypes.c_ushort * (count + 1))()
        written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
        text = bytes(buffer)[: 2 * count].decode("utf-16-le", "surrogatepass")
        # All at once is ten times as fast, but leaves some characters out; then their numbers are no longer ours.
        if written == count + 1 and len(text) == count:
            yield from enumerate(text)
            return
        high = 0
        for index in range(count):
            code = pdfium.FPDFText_GetUnicode(text_page, index)
            if 0xD800 <= code <= 0xDBFF:
                high = code
                continue
            if 0xDC00 <= code <= 0xDFFF and high:
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
            high = 0
            yield index, chr(code if code < 0x110000 else 0)

    def word(self, text_page: Any, raw: str, first: int, last: int, look: Look) -> Word | None:
        text = UNWANTED.sub("", raw.translate(LIGATURES))
        if not text:
            return None
        # A character's box reaches from the font's top to its foot, so those of the ends hold all between them.
        sides = self.sides(text_page, first)
        if last != first:
            other = self.sides(text_page, last)
            sides = min(sides[0], other[0]), min(sides[1], other[1]), max(sides[2], other[2]), max(sides[3], other[3])
        box = self.placed(sides)
        why, is_bold, size = look
        height = box.bottom - box.top
        if why is None and self.is_off(box):
            why = Why.OUTSIDE
        elif why is None and min(height, box.right - box.left) <= TINY and height <= 2 * TINY and has_letters(text):
            why = Why.TINY
        return Word(text, box, why, is_bold, size or height)

    def sides(self, text_page: Any, index: int) -> Sides:
        found = self._rectangle
        pdfium.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(found))
        return found.left, found.bottom, found.right, found.top

    def placed(self, sides: Sides) -> Box:
        """From the page's own space (crop box, rotation, y upwards) to tenths of a point from the top left corner."""
        (x, y), (right_x, right_y), (up_x, up_y) = self._frame
        left, bottom, right, top = sides
        one_x, one_y = x + left * right_x + top * up_x, y + left * right_y + top * up_y
        other_x, other_y = x + right * right_x + bottom * up_x, y + right * right_y + bottom * up_y
        return Box(
            within_int(min(one_x, other_x)),
            within_int(min(one_y, other_y)),
            within_int(max(one_x, other_x)),
            within_int(max(one_y, other_y)),
        )

    @cached_property
    def _frame(self) -> tuple[Point, Point, Point]:
        """Where the page's own origin is, and what a point to the right and one up are, as pdfium places them."""
        origin = self._device(0, 0)
        right, up = self._device(FAR, 0), self._device(0, FAR)
        return (
            origin,
            ((right[0] - origin[0]) / FAR, (right[1] - origin[1]) / FAR),
            ((up[0] - origin[0]) / FAR, (up[1] - origin[1]) / FAR),
        )

    def _device(self, left: float, top: float) -> Point:
        x, y = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(
            self.page, 0, 0, self.width, self.height, 0, left, top, ctypes.byref(x), ctypes.byref(y)
        )
        return x.value, y.value

    def is_off(self, box: Box) -> bool:
        x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
        return not (0 <= x <= self.width and 0 <= y <= self.height)

    def look_of(self, address: int, text_page: Any, index: int) -> Look:
        """Why it cannot be seen, whether it is bold, and its size; of all characters that one operator wrote."""
        known = self._looks.get(address)
        if known is not None:
            return known
        owner = ctypes.cast(address, pdfium.FPDF_PAGEOBJECT)
        if len(self._looks) > MOST_OBJECTS:
            self._looks.clear()
        why = self.why_hidden(owner)
        weight = pdfium.FPDFText_GetFontWeight(text_page, index)
        is_bold = weight >= 600 or is_bold_name(owner)
        size = ctypes.c_float()
        matrix = pdfium.FS_MATRIX()
        points = 0.0
        if pdfium.FPDFTextObj_GetFontSize(owner, ctypes.byref(size)):
            scale = 1.0
            if pdfium.FPDFPageObj_GetMatrix(owner, ctypes.byref(matrix)):
                scale = (abs(matrix.c) ** 2 + abs(matrix.d) ** 2) ** 0.5
            points = abs(size.value) * scale
        found = (why, is_bold, tenths(points) if points < 1000 else 0)
        self._looks[address] = found
        return found

    def why_hidden(self, owner: Any) -> Why | None:
        mode = pdfium.FPDFTextObj_GetTextRenderMode(owner)
        if mode in (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP):
            # Over the picture of a page such text is what OCR has read, and meant to be found.
            return None if self.lies_on_picture(owner) else Why.INVISIBLE
        red, green, blue, alpha = fill_of(owner)
        if alpha <= NOTHING:
            return Why.INVISIBLE
        if min(red, green, blue) >= NEARLY_WHITE and mode != pdfium.FPDF_TEXTRENDERMODE_STROKE:
            return None if self.lies_on_dark(owner) else Why.WHITE
        return None

    def lies_on_picture(self, owner: Any) -> bool:
        x, y = middle(owner)
        return any(cover.is_picture for cover in self.covers if cover.holds(x, y))

    def lies_on_dark(self, owner: Any) -> bool:
        """What was painted there last decides: a dark field with a white one over it shows no white letters."""
        x, y = middle(owner)
        return next((cover.is_dark for cover in reversed(self.covers) if cover.holds(x, y)), False)

    @cached_property
    def covers(self) -> list["Cover"]:
        """Pictures and filled shapes in the order of painting; asked for only where a text may be hidden."""
        count = min(pdfium.FPDFPage_CountObjects(self.page), MOST_COVERS)
        things = (pdfium.FPDFPage_GetObject(self.page, index) for index in range(count))
        return [cover for thing in things if (cover := cover_of(thing)) is not None]


class Cover(NamedTuple):
    sides: Sides
    is_picture: bool
    is_dark: bool

    def holds(self, x: float, y: float) -> bool:
        return self.sides[0] <= x <= self.sides[2] and self.sides[1] <= y <= self.sides[3]


def middle(thing: Any) -> Point:
    left, bottom, right, top = bounds(thing)
    return (left + right) / 2, (bottom + top) / 2


def cover_of(thing: Any, *, is_inner: bool = False) -> Cover | None:
    match pdfium.FPDFPageObj_GetType(thing):
        case pdfium.FPDF_PAGEOBJ_IMAGE | pdfium.FPDF_PAGEOBJ_SHADING:
            return Cover(bounds(thing), True, True)
        case pdfium.FPDF_PAGEOBJ_PATH:
            mode, stroke = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDFPath_GetDrawMode(thing, ctypes.byref(mode), ctypes.byref(stroke))
            red, green, blue, alpha = fill_of(thing)
            is_filled = mode.value and alpha > FAINT
            return Cover(bounds(thing), False, min(red, green, blue) < LIGHT) if is_filled else None
        case pdfium.FPDF_PAGEOBJ_FORM if not is_inner:
            # A drawing within the drawing, with places of its own: whether anything dark is in it must do.
            count = min(pdfium.FPDFFormObj_CountObjects(thing), MOST_COVERS)
            inner = [cover_of(pdfium.FPDFFormObj_GetObject(thing, index), is_inner=True) for index in range(count)]
            is_picture = any(cover.is_picture for cover in inner if cover is not None)
            is_dark = any(cover.is_dark for cover in inner if cover is not None)
            return Cover(bounds(thing), is_picture, True) if is_dark else None
        case _:
            return None


def fill_of(thing: Any) -> tuple[int, int, int, int]:
    """Red, green, blue, alpha; solid black where the file tells none."""
    parts = [ctypes.c_uint(number) for number in (0, 0, 0, 255)]
    pdfium.FPDFPageObj_GetFillColor(thing, *(ctypes.byref(part) for part in parts))
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def is_bold_name(owner: Any) -> bool:
    font = pdfium.FPDFTextObj_GetFont(owner)
    if not font:
        return False
    length = pdfium.FPDFFont_GetBaseFontName(font, None, 0)
    if not 1 < length < 300:
        return False
    buffer = ctypes.create_string_buffer(length)
    pdfium.FPDFFont_GetBaseFontName(font, buffer, length)
    name = buffer.value.lower()
    return b"bold" in name or b"black" in name or b"heavy" in name


def bounds(thing: Any) -> Sides:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(
        thing, ctypes.byref(left), ctypes.byref(bottom), ctypes.byref(right), ctypes.byref(top)
    )
    return left.value, bottom.value, right.value, top.value


def within_int(value: float) -> int:
    return round(max(-1e6, min(1e6, value)))


def has_letters(text: str) -> bool:
    return any(character.isalnum() for character in text)


def has_image(page: Any) -> bool:
    return any(
        pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page, index)) == pdfium.FPDF_PAGEOBJ_IMAGE
        for index in range(min(pdfium.FPDFPage_CountObjects(page), 200))
    )


@contextmanager
def rendered(page: Any, limits: Limits) -> Iterator[bytes]:
    """The page as a grey picture (PGM, which needs no library to be written)."""
    scale = SCAN_SCALE
    width, height = (
        max(1, int(pdfium.FPDF_GetPageWidthF(page) * scale)),
        max(1, int(pdfium.FPDF_GetPageHeightF(page) * scale)),
    )
    if width * height > limits.pixels:
        raise Unreadable(Reason.TOO_LARGE, "A page of the file is too large to be made a picture of.")
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_Gray, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_GRAYSCALE)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        raw = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    rows = raw if stride == width else b"".join(raw[at : at + width] for at in range(0, stride * height, stride))
    with suppress(GeneratorExit):
        yield b"P5 %d %d 255\n" % (width, height) + rows
