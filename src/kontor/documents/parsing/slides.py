"""PPTX: slides in their order, titles as headings, tables, speaker's notes."""

import posixpath
from collections.abc import Iterator

from lxml import etree

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder, Run
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.markup import all_text, attribute, child, local, xml
from kontor.documents.parsing.model import BlockKind, Why
from kontor.documents.parsing.word import core_properties

PARSER = "pptx-1"
UNITS_OF_TENTH = 1270  # English Metric Units in a tenth of a point
MAIN = "ppt/presentation.xml"
TITLES = ("title", "ctrTitle")


def read_pptx(archive: Archive, builder: Builder) -> None:
    core_properties(archive, builder)
    root = xml(archive.read(MAIN))
    size = child(root, "sldSz")
    width, height = (number(attribute(size, name)) // UNITS_OF_TENTH for name in ("cx", "cy"))
    targets = relations(archive, MAIN)
    slides = [targets.get(relation_of(entry), "") for entry in root.iterfind("{*}sldIdLst/{*}sldId")]
    slides = [name for name in slides if name in archive]
    if len(slides) > builder.limits.pages:
        raise Unreadable(Reason.TOO_MANY_PARTS, f"The file has more than {builder.limits.pages} slides.")
    builder.expected_pages = len(slides)
    for name in slides:
        slide = xml(archive.read(name))
        builder.page(width=width, height=height)
        if attribute(slide, "show", "1") in ("0", "false"):
            builder.hide(" ".join(all_text(paragraph) for paragraph in slide.iter("{*}p")), Why.HIDDEN)
            continue
        write_shapes(slide, builder)
        for target in relations(archive, name).values():
            if "/notesSlides/" in f"/{target}" and target in archive:
                write_notes(xml(archive.read(target)), builder)


def write_shapes(slide: etree._Element, builder: Builder) -> None:
    tree = child(slide, "cSld", "spTree")
    for shape in () if tree is None else shapes(tree):
        if local(shape) == "graphicFrame":
            for table in shape.iter("{*}tbl"):
                builder.table([all_text_of_cell(cell) for cell in row.iter("{*}tc")] for row in table.iter("{*}tr"))
            continue
        place = attribute(next(shape.iter("{*}ph"), None), "type")
        for paragraph in shape.iter("{*}p"):
            level = number(attribute(child(paragraph, "pPr"), "lvl"))
            if place in TITLES:
                builder.block(BlockKind.HEADING, runs(paragraph), 1)
            elif place in ("body", "") and level:
                builder.block(BlockKind.ITEM, runs(paragraph), level + 1)
            else:
                builder.block(BlockKind.PARAGRAPH, runs(paragraph))


def shapes(tree: etree._Element) -> Iterator[etree._Element]:
    """Titles first: in the file the order is that of painting."""
    found = [
        shape
        for shape in tree.iter("{*}sp", "{*}graphicFrame")
        if not any(local(above) == "Fallback" for above in shape.iterancestors())
    ]
    yield from sorted(found, key=lambda shape: attribute(next(shape.iter("{*}ph"), None), "type") not in TITLES)


def runs(paragraph: etree._Element) -> Iterator[Run]:
    for entry in paragraph:
        if local(entry) in ("r", "fld"):
            yield Run(all_text(child(entry, "t")), why_of(child(entry, "rPr")))
        elif local(entry) == "br":
            yield Run("\n")


def why_of(properties: etree._Element | None) -> Why | None:
    size = attribute(properties, "sz")
    return Why.TINY if size.isdigit() and int(size) <= 200 else None


def all_text_of_cell(cell: etree._Element) -> str:
    return " ".join(all_text(paragraph) for paragraph in cell.iter("{*}p"))


def write_notes(notes: etree._Element, builder: Builder) -> None:
    for shape in notes.iter("{*}sp"):
        if attribute(next(shape.iter("{*}ph"), None), "type") == "body":
            for paragraph in shape.iter("{*}p"):
                builder.block(BlockKind.NOTE, runs(paragraph))


def relations(archive: Archive, part: str) -> dict[str, str]:
    """Where each of a part's relations leads, within the archive; what lies outside is left alone."""
    folder, name = posixpath.split(part)
    path = f"{folder}/_rels/{name}.rels"
    if path not in archive:
        return {}
    return {
        attribute(entry, "Id"): posixpath.normpath(posixpath.join(folder, attribute(entry, "Target"))).lstrip("/")
        if not attribute(entry, "Target").startswith("/")
        else attribute(entry, "Target").lstrip("/")
        for entry in xml(archive.read(path))
        if attribute(entry, "TargetMode") != "External"
    }


def relation_of(element: etree._Element) -> str:
    """Its `r:id`, which is not the `id` beside it."""
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}id")), "")


def number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 12 else 0
