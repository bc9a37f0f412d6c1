"""One file to one document, in this process. The worker calls `process.parse`, which does this in a child."""

import io
import mmap
from ctypes import c_char
from typing import IO, Any

from kontor.documents.parsing import kinds
from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder, HandOver, Progress
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Document, Kind
from kontor.documents.parsing.texts import decoded


def read(
    file: IO[bytes],
    name: str,
    declared: str,
    limits: Limits,
    progress: Progress = lambda done, of: None,
    *,
    hand_over: HandOver | None = None,
    depth: int = 0,
) -> Document:
    """Raises Unreadable, and nothing else but what running out of memory or stack raises."""
    size = file.seek(0, io.SEEK_END)
    if size > limits.file_bytes:
        raise Unreadable(Reason.TOO_LARGE, f"The file is larger than {limits.file_bytes >> 20} MB.")
    file.seek(0)
    head = file.read(kinds.HEAD_BYTES)
    kind = kinds.kind_of(head, file, name, declared, limits)
    builder = Builder(kind, limits, progress, hand_over=hand_over)
    sentence = kinds.other_than_said(kind, name, declared)
    if sentence:
        builder.notice(Reason.OTHER_TYPE, sentence)
    try:
        parser = write(kind, file, builder, declared, depth)
    except (Unreadable, MemoryError):
        raise
    except RecursionError as reason:
        raise Unreadable(Reason.TOO_DEEP, "The file is nested deeper than anything that people write.") from reason
    except Exception as reason:  # a reader that meets what no file should hold; the child's own edge
        raise Unreadable(Reason.DAMAGED, "The file is damaged, or not what it says it is.") from reason
    return builder.build(parser)


def write(  # noqa: PLR0911 - one for each kind
    kind: Kind, file: IO[bytes], builder: Builder, declared: str, depth: int
) -> str:
    """Each reader is imported when a file needs it: a child lives for one file, and its start is part of its price."""
    match kind:
        case Kind.PDF:
            from kontor.documents.parsing import pdf

            pdf.read_pdf(mapped(file), builder)
            return pdf.PARSER
        case Kind.DOCX:
            from kontor.documents.parsing import word

            word.read_docx(Archive(file, builder.limits), builder)
            return word.PARSER
        case Kind.PPTX:
            from kontor.documents.parsing import slides

            slides.read_pptx(Archive(file, builder.limits), builder)
            return slides.PARSER
        case Kind.XLSX:
            from kontor.documents.parsing import sheets

            sheets.read_xlsx(Archive(file, builder.limits), builder)
            return sheets.PARSER
        case Kind.ODT:
            from kontor.documents.parsing import open_text

            open_text.read_odt(Archive(file, builder.limits), builder)
            return open_text.PARSER
        case Kind.EPUB:
            from kontor.documents.parsing import books

            books.read_epub(Archive(file, builder.limits), builder)
            return books.PARSER
        case Kind.RTF:
            from kontor.documents.parsing import rich_text

            rich_text.read_rtf(whole(file), builder)
            return rich_text.PARSER
        case Kind.IMAGE:
            from kontor.documents.parsing import images

            images.read_image(whole(file), builder)
            return images.PARSER
        case Kind.EML:
            from kontor.documents.parsing import mails

            def attach(data: bytes, name: str, kind: str) -> Document:
                if depth >= builder.limits.nesting:
                    raise Unreadable(Reason.ATTACHMENT, "Mails within mails within mails are not read any deeper.")
                return read(io.BytesIO(data), name, kind, builder.limits, depth=depth + 1)

            mails.read_eml(whole(file), builder, attach)
            return mails.PARSER
        case _:
            return write_text(kind, whole(file), builder, declared)


def write_text(kind: Kind, data: bytes, builder: Builder, declared: str) -> str:
    from kontor.documents.parsing import texts

    charset = declared.partition("charset=")[2].strip("\"' ;")
    text = decoded(data, charset)
    match kind:
        case Kind.HTML:
            from kontor.documents.parsing import web_page

            web_page.read_html(text, builder)
            return web_page.PARSER
        case Kind.MARKDOWN:
            texts.read_markdown(text, builder)
            return texts.MARKDOWN
        case Kind.CSV:
            texts.read_csv(text, builder)
            return texts.CSV
        case Kind.JSON if kinds.is_json(text.encode("utf-8", "replace")):
            texts.read_json(text, builder)
            return texts.JSON
        case _:
            builder.kind = Kind.TEXT  # what began as JSON does may be none
            texts.read_text(text, builder)
            return texts.TEXT


def whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def mapped(file: IO[bytes]) -> Any:
    """The file's pages are read when they are looked at; in memory it is as it is."""
    try:
        number = file.fileno()
    except io.UnsupportedOperation:
        return whole(file)
    # A private copy, because ctypes takes the address of nothing that cannot be written to.
    view = mmap.mmap(number, 0, access=mmap.ACCESS_COPY)
    return (c_char * len(view)).from_buffer(view)
