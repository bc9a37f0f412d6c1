"""EPUB: its chapters in the order of reading, each read as the web page that it is."""

import posixpath
from urllib.parse import unquote

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.markup import all_text, attribute, child, local, xml
from kontor.documents.parsing.texts import decoded
from kontor.documents.parsing.web_page import Page, parsed

PARSER = "epub-1"
CONTAINER = "META-INF/container.xml"
READABLE = ("application/xhtml+xml", "text/html", "application/xml")


def read_epub(archive: Archive, builder: Builder) -> None:
    if "META-INF/rights.xml" in archive:
        raise Unreadable(Reason.ENCRYPTED, "The book is protected against copying and cannot be read.")
    path = next((attribute(entry, "full-path") for entry in xml(archive.read(CONTAINER)).iter("{*}rootfile")), "")
    package = xml(archive.read(path))
    metadata = child(package, "metadata")
    for entry in () if metadata is None else metadata:
        text = all_text(entry).strip()
        match local(entry):
            case "title":
                builder.title = builder.title or text
            case "creator":
                builder.author = f"{builder.author}, {text}" if builder.author else text
            case "date":
                builder.date = builder.date or text
            case _:
                pass
    folder = posixpath.dirname(path)
    chapters = {
        attribute(entry, "id"): posixpath.normpath(posixpath.join(folder, unquote(attribute(entry, "href"))))
        for entry in package.iterfind("{*}manifest/{*}item")
        if attribute(entry, "media-type") in READABLE
    }
    order = [attribute(entry, "idref") for entry in package.iterfind("{*}spine/{*}itemref")]
    names = [chapters[name] for name in order if name in chapters and chapters[name] in archive]
    builder.expected_pages = len(names)
    for name in names:
        root = parsed(decoded(archive.read(name)))
        heading = next(root.iter("h1", "h2", "title"), None)
        builder.page(name=all_text(heading))
        Page(builder, set()).walk(root)
