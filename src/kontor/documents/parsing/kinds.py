"""What a file is, by its content. Its name and its declared type only choose between kinds of text."""

import re
from typing import IO

import orjson

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Kind
from kontor.documents.parsing.texts import SAMPLE_BYTES, decoded

HEAD_BYTES = 65_536
NAMES = {
    "pdf": Kind.PDF, "docx": Kind.DOCX, "docm": Kind.DOCX, "dotx": Kind.DOCX, "pptx": Kind.PPTX, "pptm": Kind.PPTX,
    "ppsx": Kind.PPTX, "xlsx": Kind.XLSX, "xlsm": Kind.XLSX, "odt": Kind.ODT, "ott": Kind.ODT, "rtf": Kind.RTF,
    "html": Kind.HTML, "htm": Kind.HTML, "xhtml": Kind.HTML, "epub": Kind.EPUB, "md": Kind.MARKDOWN,
    "markdown": Kind.MARKDOWN, "txt": Kind.TEXT, "text": Kind.TEXT, "log": Kind.TEXT, "csv": Kind.CSV, "tsv": Kind.CSV,
    "json": Kind.JSON, "eml": Kind.EML, "png": Kind.IMAGE, "jpg": Kind.IMAGE, "jpeg": Kind.IMAGE, "gif": Kind.IMAGE,
    "webp": Kind.IMAGE, "bmp": Kind.IMAGE, "tif": Kind.IMAGE, "tiff": Kind.IMAGE,
}  # fmt: skip
OPEN_XML = "application/vnd.openxmlformats-officedocument."
TYPES = {
    "application/pdf": Kind.PDF,
    f"{OPEN_XML}wordprocessingml.document": Kind.DOCX,
    f"{OPEN_XML}presentationml.presentation": Kind.PPTX,
    f"{OPEN_XML}spreadsheetml.sheet": Kind.XLSX,
    "application/vnd.oasis.opendocument.text": Kind.ODT,
    "application/rtf": Kind.RTF,
    "text/rtf": Kind.RTF,
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "application/epub+zip": Kind.EPUB,
    "text/markdown": Kind.MARKDOWN,
    "text/csv": Kind.CSV,
    "application/json": Kind.JSON,
    "message/rfc822": Kind.EML,
}
SHOWN = {
    Kind.PDF: "a PDF", Kind.DOCX: "a Word document", Kind.PPTX: "a presentation", Kind.XLSX: "a spreadsheet",
    Kind.ODT: "an OpenDocument text", Kind.RTF: "an RTF document", Kind.HTML: "a web page", Kind.EPUB: "an e-book",
    Kind.MARKDOWN: "a Markdown text", Kind.TEXT: "a plain text", Kind.CSV: "a CSV table", Kind.JSON: "JSON",
    Kind.EML: "an e-mail", Kind.IMAGE: "an image",
}  # fmt: skip
TEXTS = frozenset((Kind.MARKDOWN, Kind.TEXT, Kind.CSV, Kind.JSON, Kind.HTML, Kind.EML))
IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd")
PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa")
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PARTS = (("word/", Kind.DOCX), ("ppt/", Kind.PPTX), ("xl/", Kind.XLSX))
MAIL_LINE = re.compile(
    r"(from|to|cc|subject|date|received|return-path|message-id|mime-version|content-type|delivered-to|reply-to|"
    r"dkim-signature|x-[\w-]+|arc-[\w-]+)[ \t]*:",
    re.IGNORECASE,
)
WEB_PAGE = re.compile(r"<(?:!doctype html|html|head|body|article|main|div|p|h[1-6]|table|meta)\b", re.IGNORECASE)


def kind_of(head: bytes, file: IO[bytes], name: str, declared: str, limits: Limits) -> Kind:
    if not head:
        raise Unreadable(Reason.EMPTY, "The file is empty.")
    if b"%PDF-" in head[:1_024]:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return kind_of_archive(Archive(file, limits))
    if head.startswith(b"{\\rtf"):
        return Kind.RTF
    if head.startswith(IMAGES) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return Kind.IMAGE
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Kind.IMAGE
    if head.startswith(OLD_OFFICE):
        raise old_office(head, file)
    if head.startswith((*ARCHIVES, b"PK")):
        raise Unreadable(Reason.UNSUPPORTED, "The file is an archive. Unpack it and bring what is in it.")
    if head.startswith(PROGRAMS):
        raise Unreadable(Reason.UNSUPPORTED, "The file is a program.")
    return kind_of_text(head, hint(name, declared))


def hint(name: str, declared: str) -> Kind | None:
    by_name = NAMES.get(name.rpartition(".")[2].lower()) if "." in name else None
    return by_name or TYPES.get(declared.partition(";")[0].strip().lower())


def other_than_said(kind: Kind, name: str, declared: str) -> str:
    """A sentence, where the content is something else than the name or the sender says."""
    by_name = NAMES.get(name.rpartition(".")[2].lower()) if "." in name else None
    by_type = TYPES.get(declared.partition(";")[0].strip().lower())
    said = by_name or by_type
    if said is None or said is kind or (said in TEXTS and kind is Kind.TEXT) or {said, kind} <= {Kind.TEXT, *LOOSE}:
        return ""
    how = "its name" if by_name else "its declared type"
    return f"The file is {SHOWN[kind]}, although {how} says {SHOWN[said]}."


LOOSE = frozenset((Kind.MARKDOWN, Kind.CSV, Kind.JSON))


def kind_of_archive(archive: Archive) -> Kind:
    if "mimetype" in archive:
        kind = archive.read("mimetype")[:200].decode("ascii", "replace").strip()
        if kind.startswith("application/vnd.oasis.opendocument.text"):
            return Kind.ODT
        if kind == "application/epub+zip":
            return Kind.EPUB
        if kind.startswith("application/vnd.oasis.opendocument"):
            raise Unreadable(Reason.UNSUPPORTED, "Of OpenDocument only texts are read. Save it as PDF, PPTX or XLSX.")
    if "[Content_Types].xml" in archive:
        for folder, found in PARTS:
            if any(name.startswith(folder) for name in archive.names):
                return found
    raise Unreadable(Reason.UNSUPPORTED, "The file is an archive. Unpack it and bring what is in it.")


def old_office(head: bytes, file: IO[bytes]) -> Unreadable:
    file.seek(0)
    content = head + file.read(4 << 20)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return Unreadable(Reason.ENCRYPTED, "The file is protected by a password. Save it without one.")
    return Unreadable(
        Reason.OLD_OFFICE, "The file has Office's format from before 2007. Save it as DOCX, XLSX, PPTX or PDF."
    )


def kind_of_text(head: bytes, said: Kind | None) -> Kind:
    text = decoded(head[:SAMPLE_BYTES])
    strange = sum(1 for character in text if character < " " and character not in "\t\n\r\f\x1b") + text.count("\ufffd")
    if strange > 0.02 * len(text) + 2:
        raise Unreadable(Reason.UNKNOWN_TYPE, "Nobody knows what kind of file this is.")
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise Unreadable(Reason.EMPTY, "The file holds nothing but spaces.")
    if is_mail(start):
        return Kind.EML
    if said in (Kind.MARKDOWN, Kind.CSV) or (said is Kind.TEXT and not re.match(r"<(?:!doctype|html)\b", start, re.I)):
        return said
    if start.startswith("<") and WEB_PAGE.search(start[:4_096]):
        return Kind.HTML
    if said is Kind.HTML and WEB_PAGE.search(text):
        return Kind.HTML
    if start[0] in "{[":
        return Kind.JSON  # whether it holds what it promises is seen when it is read
    return Kind.TEXT


def is_mail(text: str) -> bool:
    """Lines that are headers, at least two of those that each mail has, before anything else."""
    known = 0
    for line in text.splitlines()[:60]:
        if line.startswith((" ", "\t")) and known:
            continue
        if not MAIL_LINE.match(line):
            return known >= 3 and (not line.strip() or re.match(r"[\w-]+:", line) is not None)
        known += 1
    return known >= 3


def is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError):
        return False
    return True
