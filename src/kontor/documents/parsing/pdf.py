"""PDF through pdfium: each character with its box, lines, columns, tables, headings, and what nobody can see.

The order of the file's own stream is kept, since on real files it reads better than any order computed from places. It
is mended only where lines of two columns alternate. pdfium is not thread-safe: one file, one process.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from kontor.documents.parsing import ocr
from kontor.documents.parsing.archive import damaged
from kontor.documents.parsing.builder import UNWANTED, Builder
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Block, BlockKind, Box, Cell, Join, Table, Why
from kontor.documents.parsing.names import names
from kontor.documents.parsing.pdf_layout import Layout, Line, Word, arrange

PARSER = "pdf-1"
LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"}
LINE_HYPHEN = "\ufffe"  # pdfium's mark for a hyphen at the end of a line
SOFT_HYPHEN = "\u00ad"
TINY = 12  # tenths of a point: the height of a character's whole box
NEARLY_WHITE = 245
MOST_OBJECTS = 20_000
Look = tuple[Why | None, bool, int]  # why it is hidden, whether it is bold, its size
PLAIN: Look = (None, False, 0)
MOST_CHARACTERS_OF_PAGE = 400_000
SCAN_SCALE = 200 / 72  # dots per inch for OCR
DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?")


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
    size: int
    is_bold: bool
    length: int
    lines: int


@dataclass
class Reader:
    document: Any
    builder: Builder
    sizes: Counter[int] = field(default_factory=Counter)
    pending: list[PendingBlock] = field(default_factory=list)
    scans: int = 0

    def read(self, count: int) -> None:
        missing = 0
        for number in range(count):
            page = pdfium.FPDF_LoadPage(self.document, number)
            if not page:
                self.builder.page()
                missing += 1
                continue
            try:
                self.read_page(page)
            finally:
                pdfium.FPDF_ClosePage(page)
        if missing == count:
            raise damaged
        if missing:
            self.builder.notice(Reason.DAMAGED, f"{missing} of {count} pages are damaged and could not be read.")
        self.name_headings()

    def read_page(self, page: Any) -> None:
        width, height = tenths(pdfium.FPDF_GetPageWidthF(page)), tenths(pdfium.FPDF_GetPageHeightF(page))
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
        layout = arrange([seen for line in lines if (seen := line.without_hidden())])
        for part in layout:
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
        length = self.builder.length - start
        self.sizes[size] += length
        is_bold = all(line.is_bold for line in part.lines)
        self.pending.append(PendingBlock(len(self.builder.blocks), size, is_bold, length, len(part.lines)))
        self.builder.blocks.append(Block(start, self.builder.length, BlockKind.PARAGRAPH))

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
        body = self.sizes.most_common(1)[0][0]
        headings = [block for block in self.pending if is_heading(block, body)]
        levels = sorted({block.size for block in headings if block.size > body}, reverse=True)
        for block in headings:
            level = levels.index(block.size) + 1 if block.size > body else len(levels) + 1
            plain = self.builder.blocks[block.index]
            self.builder.blocks[block.index] = Block(plain.start, plain.end, BlockKind.HEADING, min(6, level))


CONJUNCTIONS = names("und oder bzw. sowie and or u.")
LONGEST_HEADING = 200


def is_heading(block: PendingBlock, body: int) -> bool:
    if block.length > LONGEST_HEADING or block.lines > 3 or block.length < 2:
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
    _covers: "list[tuple[float, float, float, float]] | None" = None

    def lines(self) -> list[Line]:
        text_page = pdfium.FPDFText_LoadPage(self.page)
        if not text_page:
            return []
        try:
            return self._lines(text_page)
        finally:
            pdfium.FPDFText_ClosePage(text_page)

    def _lines(self, text_page: Any) -> list[Line]:  # noqa: PLR0915 - a loop over each character, with nothing called in vain
        unicode_of, box_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        object_of = pdfium.FPDFText_GetTextObject
        count = min(pdfium.FPDFText_CountChars(text_page), MOST_CHARACTERS_OF_PAGE)
        rectangle = pdfium.FS_RECTF()
        at = ctypes.byref(rectangle)
        to_page = self.transform()
        lines: list[Line] = []
        words: list[Word] = []
        letters: list[str] = []
        sides = [0.0, 0.0, 0.0, 0.0]
        look = current = PLAIN
        last_object, high = None, 0

        def end_word(is_hyphenated: bool = False) -> None:
            text = UNWANTED.sub("", "".join(letters))
            letters.clear()
            if not text:
                if is_hyphenated and words:
                    words[-1] = words[-1].hyphenated()
                return
            box = to_page(sides)
            why, is_bold, size = look
            height = box.bottom - box.top
            if why is None and self.is_off(box):
                why = Why.OUTSIDE
            elif why is None and min(height, box.right - box.left) <= TINY and has_letters(text) and height <= 2 * TINY:
                why = Why.TINY
            words.append(Word(text, box, why, is_bold, size or height, is_hyphenated))

        def end_line() -> None:
            if words:
                lines.append(Line(words.copy()))
                words.clear()

        for index in range(count):
            code = unicode_of(text_page, index)
            if 0xD800 <= code <= 0xDBFF:
                high = code
                continue
            if 0xDC00 <= code <= 0xDFFF and high:
                code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
            if code in (0xFFFE, 0x02):
                # The line ends here too: pdfium writes nothing else between it and the next.
                end_word(is_hyphenated=True)
                end_line()
                continue
            if code in (0x0A, 0x0D):
                end_word()
                end_line()
                continue
            if code in (0x20, 0xA0, 0x09, 0x00):
                end_word()
                continue
            owner = object_of(text_page, index)
            address = ctypes.cast(owner, ctypes.c_void_p).value if owner else None
            if address != last_object:
                last_object = address
                current = self.look_of(owner, text_page, index) if address else PLAIN
                if letters and current[0] is not look[0]:
                    end_word()
            if not letters:
                look = current
            box_of(text_page, index, at)
            if letters:
                sides[0] = min(sides[0], rectangle.left)
                sides[1] = min(sides[1], rectangle.bottom)
                sides[2] = max(sides[2], rectangle.right)
                sides[3] = max(sides[3], rectangle.top)
            else:
                sides[:] = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
            character = chr(code)
            letters.append(LIGATURES.get(character, character))
        end_word()
        end_line()
        return [part for line in lines for part in line.at_gaps()]

    def transform(self) -> Callable[[list[float]], Box]:
        """From the page's own space (crop box, rotation, y upwards) to tenths of a point from the top left corner."""
        x, y = ctypes.c_int(), ctypes.c_int()
        at_x, at_y = ctypes.byref(x), ctypes.byref(y)
        to_device, page, width, height = pdfium.FPDF_PageToDevice, self.page, self.width, self.height

        def place(sides: list[float]) -> Box:
            to_device(page, 0, 0, width, height, 0, sides[0], sides[3], at_x, at_y)
            first_x, first_y = x.value, y.value
            to_device(page, 0, 0, width, height, 0, sides[2], sides[1], at_x, at_y)
            return Box(
                within_int(min(first_x, x.value)),
                within_int(min(first_y, y.value)),
                within_int(max(first_x, x.value)),
                within_int(max(first_y, y.value)),
            )

        return place

    def is_off(self, box: Box) -> bool:
        x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
        return not (0 <= x <= self.width and 0 <= y <= self.height)

    def look_of(self, owner: Any, text_page: Any, index: int) -> Look:
        """Why it cannot be seen, whether it is bold, and its size; of all characters that one operator wrote."""
        key = ctypes.cast(owner, ctypes.c_void_p).value or 0
        known = self._looks.get(key)
        if known is not None:
            return known
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
        self._looks[key] = found
        return found

    def why_hidden(self, owner: Any) -> Why | None:
        mode = pdfium.FPDFTextObj_GetTextRenderMode(owner)
        if mode in (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP):
            # Over the picture of a page such text is what OCR has read, and meant to be found.
            return None if self.is_covered(owner, with_fills=False) else Why.INVISIBLE
        red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
        if not pdfium.FPDFPageObj_GetFillColor(
            owner, ctypes.byref(red), ctypes.byref(green), ctypes.byref(blue), ctypes.byref(alpha)
        ):
            return None
        if alpha.value <= 5:
            return Why.INVISIBLE
        if min(red.value, green.value, blue.value) >= NEARLY_WHITE and mode != pdfium.FPDF_TEXTRENDERMODE_STROKE:
            return None if self.is_covered(owner, with_fills=True) else Why.WHITE
        return None

    def is_covered(self, owner: Any, *, with_fills: bool) -> bool:
        """Whether an image, or a fill that is not white, lies behind it."""
        if self._covers is None:
            self._covers = []
            self._fills: list[tuple[float, float, float, float]] = []
            for index in range(min(pdfium.FPDFPage_CountObjects(self.page), MOST_OBJECTS)):
                self._note_cover(pdfium.FPDFPage_GetObject(self.page, index))
        box = bounds(owner)
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        covers = self._covers + self._fills if with_fills else self._covers
        return any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in covers)

    def _note_cover(self, thing: Any) -> None:
        assert self._covers is not None  # noqa: S101 - the caller made it
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING):
            self._covers.append(bounds(thing))
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
            mode, stroke = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDFPath_GetDrawMode(thing, ctypes.byref(mode), ctypes.byref(stroke))
            pdfium.FPDFPageObj_GetFillColor(
                thing, ctypes.byref(red), ctypes.byref(green), ctypes.byref(blue), ctypes.byref(alpha)
            )
            if mode.value and alpha.value > 25 and min(red.value, green.value, blue.value) < 230:
                self._fills.append(bounds(thing))


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


def bounds(thing: Any) -> tuple[float, float, float, float]:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(
        thing, ctypes.byref(left), ctypes.byref(bottom), ctypes.byref(right), ctypes.byref(top)
    )
    return left.value, bottom.value, right.value, top.value


def within_int(value: int) -> int:
    return max(-1_000_000, min(1_000_000, value))


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
