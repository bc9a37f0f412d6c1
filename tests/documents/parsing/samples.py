"""Files of every kind, made where they are needed: a reader of a test sees what is in them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return held.getvalue()


def core(title: str, author: str) -> str:
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator>"
        "<dcterms:created>2025-03-04T10:00:00Z</dcterms:created></cp:coreProperties>"
    )


# Word


def paragraph(text: str, *, style: str = "", properties: str = "", run: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return (
        f"<w:p><w:pPr>{named}{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr>"
        f'<w:t xml:space="preserve">{text}</w:t></w:r></w:p>'
    )


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """Cells hold XML: a paragraph, or a table of their own."""
    return (
        "<w:tbl>"
        + "".join("<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
        + "</w:tbl>"
    )


def docx(body: str, **parts: str) -> bytes:
    styles = (
        f'<w:styles {W}><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>'
        '<w:style w:styleId="Secret"><w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
    )
    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="0">'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f"<w:document {W} {R}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": styles,
            "word/numbering.xml": numbering,
            "docProps/core.xml": core("Der Bericht", "Ada Lovelace"),
            **{f"word/{name}.xml": content for name, content in parts.items()},
        }
    )


# PowerPoint


def shape(text: str, place: str = "") -> str:
    held = f'<p:nvSpPr><p:nvPr><p:ph type="{place}"/></p:nvPr></p:nvSpPr>' if place else ""
    return f"<p:sp>{held}<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"


def relations(**targets: str) -> str:
    entries = "".join(f'<Relationship Id="{name}" Type="t" Target="{target}"/>' for name, target in targets.items())
    return f'<Relationships xmlns="{RELATIONS}">{entries}</Relationships>'


def pptx(slides: Sequence[str], notes: str = "") -> bytes:
    ids = "".join(f'<p:sldId id="{256 + index}" r:id="s{index}"/>' for index in range(len(slides)))
    parts = {
        "[Content_Types].xml": "<Types/>",
        "ppt/presentation.xml": f"<p:presentation {P} {R}><p:sldIdLst>{ids}</p:sldIdLst>"
        '<p:sldSz cx="12192000" cy="6858000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relations(
            **{f"s{index}": f"slides/slide{index}.xml" for index in range(len(slides))}
        ),
        "ppt/slides/_rels/slide0.xml.rels": relations(n="../notesSlides/notes0.xml"),
        "ppt/notesSlides/notes0.xml": f"<p:notes {P} {A}><p:cSld><p:spTree>{shape(notes, 'body')}</p:spTree></p:cSld>"
        "</p:notes>",
    }
    for index, slide in enumerate(slides):
        parts[f"ppt/slides/slide{index}.xml"] = f"<p:sld {P} {A}><p:cSld><p:spTree>{slide}</p:spTree></p:cSld></p:sld>"
    return archive(parts)


# Excel


def xlsx(
    sheets: Mapping[str, str], *, shared: Sequence[str] = (), formats: Sequence[str] = (), hidden: str = ""
) -> bytes:
    """Sheets hold rows of XML; cell style n is the n-th format, 0 the general one."""
    states = {name: 'state="hidden"' if name == hidden else "" for name in sheets}
    entries = "".join(
        f'<sheet name="{name}" sheetId="{index}" r:id="s{index}" {states[name]}/>'
        for index, name in enumerate(sheets, 1)
    )
    own = "".join(f'<numFmt numFmtId="{164 + index}" formatCode="{form}"/>' for index, form in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{164 + index}"/>' for index in range(len(formats)))
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f"<workbook {S} {R}><sheets>{entries}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            **{f"s{index}": f"worksheets/sheet{index}.xml" for index in range(1, len(sheets) + 1)}
        ),
        "xl/sharedStrings.xml": f"<sst {S}>" + "".join(f"<si><t>{text}</t></si>" for text in shared) + "</sst>",
        "xl/styles.xml": f'<styleSheet {S}><numFmts>{own}</numFmts><cellXfs><xf numFmtId="0"/>{styles}</cellXfs>'
        "</styleSheet>",
    }
    for index, rows in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{index}.xml"] = f"<worksheet {S}><sheetData>{rows}</sheetData></worksheet>"
    return archive(parts)


# The others


def odt(body: str, styles: str = "") -> bytes:
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {OFFICE}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body><office:text>{body}</office:text></office:body>"
            "</office:document-content>",
            "meta.xml": f"<office:document-meta {OFFICE}><office:meta><dc:title>Der Brief</dc:title>"
            "<dc:creator>Ada</dc:creator></office:meta></office:document-meta>",
        }
    )


def epub(chapters: Sequence[str]) -> bytes:
    items = "".join(
        f'<item id="c{index}" href="text/c%20{index}.xhtml" media-type="application/xhtml+xml"/>'
        for index in range(len(chapters))
    )
    # The order of reading is not that of the files.
    spine = "".join(f'<itemref idref="c{index}"/>' for index in reversed(range(len(chapters))))
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<metadata><dc:title>Das Buch</dc:title><dc:creator>Ada</dc:creator><dc:date>2024</dc:date></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for index, chapter in enumerate(chapters):
        parts[f"OEBPS/text/c {index}.xhtml"] = (
            '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
            f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{chapter}</body></html>'
        )
    return archive(parts)


def mail(text: str, attachments: Sequence[tuple[str, str, bytes]] = ()) -> bytes:
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "Jörg <joerg@example.org>"
    message["Subject"] = "Übergabe der Unterlagen"
    message["Date"] = "Tue, 04 Mar 2025 10:00:00 +0100"
    message.set_content(text)
    for name, kind, content in attachments:
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def png(width: int, height: int) -> bytes:
    """Its size may be a lie: the pixels are one row of nothing."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    ]
    made = b"\x89PNG\r\n\x1a\n"
    for name, content in parts:
        made += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return made
