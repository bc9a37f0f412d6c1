"""DOCX in the order of its body. Text boxes once, notes at the end, what was deleted or made invisible apart."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder, Run
from kontor.documents.parsing.markup import all_text, attribute, child, local, optional, xml
from kontor.documents.parsing.model import BlockKind, Why
from kontor.documents.parsing.names import names
from kontor.documents.parsing.numbering import Numbering

PARSER = "docx-1"
TINY_HALF_POINTS = 4
SKIPPED = names("Fallback pPr rPr sectPr tblPr tblGrid trPr tcPr sdtPr instrText fldData proofErr bookmarkStart")


def read_docx(archive: Archive, builder: Builder) -> None:
    core_properties(archive, builder)
    Word(archive, builder).read()


def core_properties(archive: Archive, builder: Builder) -> None:
    """Title, author and date, which all of Office keeps in one place."""
    properties = optional(archive, "docProps/core.xml")
    for entry in () if properties is None else properties:
        text = all_text(entry).strip()
        match local(entry):
            case "title":
                builder.title = text
            case "creator":
                builder.author = text
            case "created":
                builder.date = text
            case _:
                pass


@dataclass(frozen=True)
class Style:
    parent: str
    level: int  # of a heading, else 0
    why: Why | None
    number: tuple[str, int] | None


@dataclass
class Word:
    archive: Archive
    builder: Builder
    styles: dict[str, Style] = field(default_factory=dict)
    numbering: Numbering = field(default_factory=Numbering)
    page_start: int = 0

    def read(self) -> None:
        if (styles := optional(self.archive, "word/styles.xml")) is not None:
            self.read_styles(styles)
        if (numbering := optional(self.archive, "word/numbering.xml")) is not None:
            self.numbering = Numbering.of_word(numbering)
        names = self.archive.names
        body = xml(self.archive.read(main_part(self.archive)))
        self.builder.page()
        for name in sorted(name for name in names if name.startswith("word/header") and name.endswith(".xml")):
            self.walk_part(name, BlockKind.HEADER)
        self.walk(body)
        for part in ("word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"):
            if (notes := optional(self.archive, part)) is not None:
                self.read_notes(notes)
        for name in sorted(name for name in names if name.startswith("word/footer") and name.endswith(".xml")):
            self.walk_part(name, BlockKind.FOOTER)

    def walk_part(self, name: str, kind: BlockKind) -> None:
        if (root := optional(self.archive, name)) is not None:
            self.walk(root, kind)

    def read_styles(self, root: etree._Element) -> None:
        for style in root:
            if local(style) != "style":
                continue
            properties = child(style, "pPr")
            name = attribute(child(style, "name"), "val").lower()
            outline = attribute(child(properties, "outlineLvl"), "val")
            level = int(outline) + 1 if outline.isdigit() and int(outline) < 9 else heading_level(name)
            self.styles[attribute(style, "styleId")] = Style(
                attribute(child(style, "basedOn"), "val"), level, why_of(child(style, "rPr")), number_of(properties)
            )

    def style(self, name: str) -> Style:
        """With what it inherits."""
        level, why, number = 0, None, None
        for _ in range(12):
            found = self.styles.get(name)
            if found is None:
                break
            level, why, number = level or found.level, why or found.why, number or found.number
            name = found.parent
        return Style("", level, why, number)

    def walk(self, element: etree._Element, kind: BlockKind = BlockKind.PARAGRAPH) -> None:
        for entry in element:
            match local(entry):
                case "p":
                    self.paragraph(entry, kind)
                case "tbl":
                    self.builder.table(self.rows(entry))
                case name if name not in SKIPPED:
                    self.walk(entry, kind)
                case _:
                    pass

    def paragraph(self, element: etree._Element, kind: BlockKind) -> None:
        properties = child(element, "pPr")
        style = self.style(attribute(child(properties, "pStyle"), "val"))
        outline = attribute(child(properties, "outlineLvl"), "val")
        level = int(outline) + 1 if outline.isdigit() and int(outline) < 9 else style.level
        boxes: list[etree._Element] = []
        runs = list(self.runs(element, style.why, boxes))
        if any(run.text == PAGE_BREAK for run in runs):
            # Word notes a break that somebody made twice: as made, and as it fell when the file was last shown.
            if self.builder.length > self.page_start:
                self.builder.page()
                self.page_start = self.builder.length
            runs = [run for run in runs if run.text != PAGE_BREAK]
        number = number_of(properties) or style.number
        has_text = any(run.why is None and run.text.strip() for run in runs)
        mark = self.numbering.next(*number) if number is not None and has_text else ""
        if mark:
            runs.insert(0, Run(f"{mark} "))
        if kind is BlockKind.PARAGRAPH and level:
            kind = BlockKind.HEADING
        elif kind is BlockKind.PARAGRAPH and mark and number is not None:
            kind, level = BlockKind.ITEM, number[1] + 1
        self.builder.block(kind, runs, min(9, level))
        for box in boxes:
            self.walk(box)

    def runs(  # noqa: PLR0912 - one for each element
        self, element: etree._Element, why: Why | None, boxes: list[etree._Element]
    ) -> Iterator[Run]:
        for entry in element:
            match local(entry):
                case "t":
                    yield Run(entry.text or "", why)
                case "delText":
                    yield Run(entry.text or "", Why.DELETED)
                case "tab":
                    yield Run("\t", why)
                case "br" if attribute(entry, "type") == "page":
                    yield Run(PAGE_BREAK, why)
                case "lastRenderedPageBreak":
                    yield Run(PAGE_BREAK, why)
                case "br" | "cr":
                    yield Run("\n", why)
                case "noBreakHyphen":
                    yield Run("-", why)
                case "softHyphen":
                    yield Run("\u00ad", why)
                case "sym":
                    yield Run(symbol(entry), why)
                case "footnoteReference" | "endnoteReference":
                    yield Run(f"[{attribute(entry, 'id')}]", why)
                case "r":
                    properties = child(entry, "rPr")
                    style = self.style(attribute(child(properties, "rStyle"), "val"))
                    yield from self.runs(entry, why_of(properties) or style.why or why, boxes)
                case "del" | "moveFrom":
                    yield from (Run(run.text, Why.DELETED) for run in self.runs(entry, why, boxes))
                case "txbxContent":
                    boxes.append(entry)
                case name if name not in SKIPPED:
                    yield from self.runs(entry, why, boxes)
                case _:
                    pass

    def rows(self, table: etree._Element) -> Iterator[list[list[Run]]]:
        for row in table.iterdescendants("{*}tr"):
            # Those of a table within a cell belong to that cell.
            if next(row.iterancestors("{*}tbl"), None) is table:
                yield [self.cell(cell) for cell in row if local(cell) == "tc"]

    def cell(self, cell: etree._Element) -> list[Run]:
        runs: list[Run] = []
        for paragraph in cell.iterdescendants("{*}p"):
            if any(local(above) in ("Fallback", "p") for above in paragraph.iterancestors()):
                continue  # said twice, or read with the paragraph that its text box hangs on
            boxes: list[etree._Element] = []
            style = self.style(attribute(child(paragraph, "pPr", "pStyle"), "val"))
            found = [run for run in self.runs(paragraph, style.why, boxes) if run.text != PAGE_BREAK]
            for box in boxes:
                found += [run for inner in box.iterdescendants("{*}p") for run in self.runs(inner, None, [])]
            runs += [Run(" "), *found] if runs else found
        return runs

    def read_notes(self, root: etree._Element) -> None:
        for note in root:
            if attribute(note, "type") in ("separator", "continuationSeparator", "continuationNotice"):
                continue
            runs: list[Run] = []
            for paragraph in note.iterdescendants("{*}p"):
                runs += [Run("\n")] if runs else []
                runs += self.runs(paragraph, None, [])
            if any(run.text.strip() for run in runs):
                name = attribute(note, "author") if local(note) == "comment" else attribute(note, "id")
                self.builder.block(BlockKind.NOTE, [Run(f"[{name}] "), *runs])


PAGE_BREAK = "\x0c"


def main_part(archive: Archive) -> str:
    if "word/document.xml" in archive:
        return "word/document.xml"
    for entry in xml(archive.read("_rels/.rels")):
        if attribute(entry, "Type").endswith("/officeDocument"):
            return attribute(entry, "Target").lstrip("/")
    return "word/document.xml"


def heading_level(style: str) -> int:
    """Word calls them by English names in every language."""
    if style == "title":
        return 1
    name, _, number = style.rpartition(" ")
    return int(number) if name == "heading" and number.isdigit() and 0 < int(number) < 10 else 0


def number_of(properties: etree._Element | None) -> tuple[str, int] | None:
    numbers = child(properties, "numPr")
    name, level = attribute(child(numbers, "numId"), "val"), attribute(child(numbers, "ilvl"), "val", "0")
    return (name, min(8, int(level))) if name and name != "0" and level.isdigit() else None


def why_of(properties: etree._Element | None) -> Why | None:
    if properties is None:
        return None
    for name in ("vanish", "webHidden"):
        switch = child(properties, name)
        if switch is not None and attribute(switch, "val", "1").lower() not in ("0", "false", "off"):
            return Why.VANISH
    size = attribute(child(properties, "sz"), "val")
    if size.isdigit() and int(size) <= TINY_HALF_POINTS:
        return Why.TINY
    shaded = child(properties, "shd") is not None or child(properties, "highlight") is not None
    if attribute(child(properties, "color"), "val").upper() in ("FFFFFF", "FEFEFE") and not shaded:
        return Why.WHITE
    return None


def symbol(entry: etree._Element) -> str:
    try:
        code = int(attribute(entry, "char"), 16)
    except ValueError:
        return ""
    # Symbol fonts live in the private area, where no reader knows them; what they mostly draw is a mark of a list.
    return "•" if 0xE000 <= code <= 0xF8FF else chr(code) if code < 0x110000 else ""
