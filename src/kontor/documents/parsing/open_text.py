"""ODT."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder, Run
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.markup import all_text, attribute, child, local, optional, xml
from kontor.documents.parsing.model import BlockKind, Why

PARSER = "odt-1"
TINY_POINTS = 2.0
MOST_REPEATED = 1_000


def read_odt(archive: Archive, builder: Builder) -> None:
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise Unreadable(Reason.ENCRYPTED, "The file is protected by a password. Save it without one.")
    if (facts := optional(archive, "meta.xml")) is not None:
        read_meta(facts, builder)
    reader = OpenText(builder)
    if (styles := optional(archive, "styles.xml")) is not None:
        reader.read_styles(styles)
    content = xml(archive.read("content.xml"))
    reader.read_styles(content)
    builder.page()
    body = child(content, "body", "text")
    if body is not None:
        reader.walk(body)
    for note in reader.notes:
        builder.block(BlockKind.NOTE, note)


def read_meta(root: etree._Element, builder: Builder) -> None:
    for entry in root.iterfind(".//{*}meta/*"):
        text = all_text(entry).strip()
        match local(entry):
            case "title":
                builder.title = text
            case "initial-creator":
                builder.author = text
            case "creator":
                builder.author = builder.author or text
            case "creation-date":
                builder.date = text
            case _:
                pass


@dataclass
class OpenText:
    builder: Builder
    styles: dict[str, tuple[str, Why | None]] = field(default_factory=dict)
    notes: list[list[Run]] = field(default_factory=list)

    def read_styles(self, root: etree._Element) -> None:
        for style in root.iter("{*}style"):
            self.styles[attribute(style, "name")] = (
                attribute(style, "parent-style-name"),
                why_of(child(style, "text-properties")),
            )

    def why(self, name: str) -> Why | None:
        for _ in range(12):
            parent, why = self.styles.get(name, ("", None))
            if why is not None or not parent:
                return why
            name = parent
        return None

    def walk(self, element: etree._Element, depth: int = 0) -> None:
        for entry in element:
            match local(entry):
                case "h":
                    level = attribute(entry, "outline-level", "1")
                    self.paragraph(entry, BlockKind.HEADING, int(level) if level.isdigit() else 1)
                case "p" if depth:
                    self.paragraph(entry, BlockKind.ITEM, depth)
                case "p":
                    self.paragraph(entry, BlockKind.PARAGRAPH, 0)
                case "list":
                    self.walk(entry, depth + 1)
                case "table":
                    self.builder.table(self.rows(entry))
                case "tracked-changes":
                    for change in entry.iter("{*}deletion"):
                        for paragraph in change.iter("{*}p", "{*}h"):
                            self.builder.hide(all_text(paragraph), Why.DELETED)
                case "soft-page-break":
                    self.builder.page()
                case "sequence-decls" | "forms" | "variable-decls" | "user-field-decls":
                    pass
                case _:
                    self.walk(entry, depth)

    def paragraph(self, element: etree._Element, kind: BlockKind, level: int) -> None:
        boxes: list[etree._Element] = []
        runs = list(self.runs(element, self.why(attribute(element, "style-name")), boxes))
        if kind is BlockKind.ITEM and any(run.text.strip() and run.why is None for run in runs):
            runs.insert(0, Run("• "))
        self.builder.block(kind, runs, min(9, level))
        for box in boxes:
            self.walk(box)

    def runs(self, element: etree._Element, why: Why | None, boxes: list[etree._Element]) -> Iterator[Run]:
        yield Run(element.text or "", why)
        for entry in element:
            match local(entry):
                case "s":
                    count = attribute(entry, "c", "1")
                    yield Run(" " * min(MOST_REPEATED, int(count) if count.isdigit() else 1), why)
                case "tab":
                    yield Run("\t", why)
                case "line-break":
                    yield Run("\n", why)
                case "note":
                    mark = all_text(child(entry, "note-citation"))
                    yield Run(f"[{mark}]", why)
                    note = [run for part in entry.iter("{*}p") for run in self.runs(part, None, boxes)]
                    self.notes.append([Run(f"[{mark}] "), *note])
                case "hidden-text" | "hidden-paragraph":
                    yield Run(attribute(entry, "string-value") or all_text(entry), Why.HIDDEN)
                case "text-box":
                    boxes.append(entry)
                case "annotation":
                    self.notes.append([Run(f"[{all_text(child(entry, 'creator'))}] "), Run(text_of_parts(entry))])
                case _:
                    yield from self.runs(entry, self.why(attribute(entry, "style-name")) or why, boxes)
            yield Run(entry.tail or "", why)

    def rows(self, table: etree._Element) -> Iterator[list[list[Run]]]:
        for row in table.iter("{*}table-row"):
            if next(row.iterancestors("{*}table"), None) is not table:
                continue
            cells: list[list[Run]] = []
            for cell in row:
                if local(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                runs: list[Run] = []
                for paragraph in cell.iter("{*}p", "{*}h"):
                    runs += [Run(" ")] if runs else []
                    runs += self.runs(paragraph, self.why(attribute(paragraph, "style-name")), [])
                cells.append(runs)
            yield cells


def text_of_parts(entry: etree._Element) -> str:
    return "\n".join(all_text(paragraph) for paragraph in entry.iter("{*}p"))


def why_of(properties: etree._Element | None) -> Why | None:
    if properties is None:
        return None
    if attribute(properties, "display") == "none":
        return Why.HIDDEN
    size = attribute(properties, "font-size")
    if size.endswith("pt") and size[:-2].replace(".", "", 1).isdigit() and float(size[:-2]) <= TINY_POINTS:
        return Why.TINY
    background = attribute(properties, "background-color", "transparent")
    is_white = attribute(properties, "color").lower() in ("#ffffff", "#fefefe")
    return Why.WHITE if is_white and background in ("transparent", "#ffffff") else None
