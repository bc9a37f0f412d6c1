"""What is in a file is in its document, where it was, and what nobody sees is kept apart."""

import io

import pytest

from kontor.documents.parsing.limits import Limits
from kontor.documents.parsing.model import BlockKind, Document, Kind, Why
from kontor.documents.parsing.packing import pack, unpack
from kontor.documents.parsing.reading import read
from kontor.documents.parsing.sheets import shown
from tests.documents.parsing import samples
from tests.documents.parsing.sample_pdf import Pdf


def parsed(data: bytes, name: str = "", declared: str = "") -> Document:
    document = read(io.BytesIO(data), name, declared, Limits())
    assert unpack(pack(document)) == document
    for block in document.blocks:
        assert document.text[block.start : block.end].strip()
    return document


def texts(document: Document, kind: BlockKind) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks if block.kind is kind]


def headings(document: Document) -> list[tuple[int, str]]:
    return [(block.level, document.text[block.start : block.end]) for block in document.headings]


def cells(document: Document, table: int = 0) -> dict[tuple[int, int], str]:
    return {(cell.row, cell.column): document.text[cell.start : cell.end] for cell in document.tables[table].cells}


def hidden(document: Document) -> dict[str, Why]:
    return {entry.text: entry.why for entry in document.hidden}


# PDF


def test_a_pdf_tells_headings_paragraphs_and_where_each_word_stands() -> None:
    pdf = Pdf(info={"Title": "Die Größe", "Author": "Ada", "CreationDate": "D:20250304101500Z"}).page()
    pdf.text(72, 80, "Überschrift", size=20, bold=True)
    pdf.lines(
        72, 120, ["Die Straße über den Fluß ist lang und führt an den", "Häusern vorbei, die nicht sehr alt sind."]
    )
    document = parsed(pdf.bytes())
    assert document.kind is Kind.PDF
    assert (document.title, document.author, document.date) == ("Die Größe", "Ada", "2025-03-04T10:15:00")
    assert headings(document) == [(1, "Überschrift")]
    assert "an den Häusern vorbei" in document.text
    assert document.language == "de"
    start = document.text.index("Straße")
    (place,) = document.rectangles(start, start + len("Straße"))
    # The baseline is 120 points from above and the word the second of its line.
    assert place.page == 0
    assert place.box.top < 1200 < place.box.bottom
    assert 720 < place.box.left < 1100
    assert document.pages[0].width == 5950


def test_a_word_cut_at_the_end_of_a_line_is_whole_and_has_two_places() -> None:
    pdf = (
        Pdf()
        .page()
        .lines(
            72, 100, ["Die Donaudampfschifffahrts-", "gesellschaft fährt an Vor-", "und Nachmittagen per E-", "Mail."]
        )
    )
    document = parsed(pdf.bytes())
    assert document.text == "Die Donaudampfschifffahrtsgesellschaft fährt an Vor- und Nachmittagen per E-Mail."
    assert document.printed().startswith("Die Donaudampfschifffahrts-\ngesellschaft")
    start = document.text.index("Donau")
    above, below = document.rectangles(start, start + len("Donaudampfschifffahrtsgesellschaft"))
    assert below.box.top - above.box.top == 140
    assert below.box.left == 720 < above.box.left


def test_ligatures_are_letters_again() -> None:
    document = parsed(Pdf().page().text(72, 100, "Der of\x01zielle Kon\x02ikt").bytes())
    assert document.text == "Der offizielle Konflikt"
    assert len(document.rectangles(4, 15)) == 1


def test_soft_hyphens_are_taken_out_and_can_be_put_back() -> None:
    for data in ("Donau\u00addampf\u00adschiff", "# Donau\u00addampf\u00adschiff", "<p>Donau&shy;dampf&shy;schiff</p>"):
        document = parsed(data.encode(), "a.md" if data.startswith("#") else "")
        assert document.text.endswith("Donaudampfschiff")
        assert document.printed().endswith("Donau\u00addampf\u00adschiff")


def test_what_only_begins_like_json_is_text() -> None:
    assert parsed(b"[Notiz] Morgen anrufen.").kind is Kind.TEXT


def test_columns_written_across_are_read_one_after_the_other() -> None:
    left = [
        "Links steht ein Absatz der in",
        "einer schmalen Spalte gesetzt",
        "ist und über mehrere Zeilen",
        "hinweg geht bis zum Schluss.",
    ]
    right = [
        "Rechts steht ein anderer Text",
        "der nichts mit dem linken zu",
        "tun hat und der auch über",
        "mehrere Zeilen hinweg reicht.",
    ]
    pdf = Pdf().page().text(72, 60, "Ein Satz, der über beide Spalten hinweg bis an den rechten Rand der Seite reicht.")
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        pdf.text(72, 100 + 14 * number, one).text(320, 100 + 14 * number, other)
    text = parsed(pdf.bytes()).text
    assert " ".join(left) in text
    assert " ".join(right) in text
    assert text.index("Ein Satz") < text.index("Links") < text.index("Rechts")


def test_columns_written_one_after_the_other_stay_so() -> None:
    pdf = Pdf().page()
    pdf.lines(72, 100, [f"Links Zeile {number} mit etwas Text" for number in range(6)])
    pdf.lines(320, 100, [f"Rechts Zeile {number} mit etwas Text" for number in range(6)])
    text = parsed(pdf.bytes()).text
    assert text.index("Links Zeile 5") < text.index("Rechts Zeile 0")


def test_a_table_in_a_pdf_has_cells() -> None:
    rows = [["Posten", "Betrag", "Jahr"], ["Miete", "1.200,50", "2024"], ["Strom", "80,10", "2025"]]
    pdf = Pdf().page().text(72, 60, "Die Kosten des Hauses waren in beiden Jahren so hoch wie nie.")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            pdf.text(72 + 120 * column, 120 + 14 * number, cell)
    document = parsed(pdf.bytes())
    assert cells(document) == {(r, c): cell for r, row in enumerate(rows) for c, cell in enumerate(row)}


def test_running_titles_lists_and_contents_are_told_apart() -> None:
    pdf = Pdf()
    for number in range(5):
        pdf.page().text(72, 40, "Jahresbericht 2025").text(280, 810, f"Seite {number + 1}")
        pdf.text(72, 100, f"{number + 1}. Kapitel", size=16).text(
            72, 130, "Der Text des Kapitels beginnt hier und geht so:"
        )
        pdf.text(72, 160, "• ein Punkt, der so lang ist, dass er bis an den rechten Rand reicht und dort").text(
            80, 174, "weitergeht"
        )
        pdf.text(72, 188, "• noch einer")
        pdf.text(72, 230, "Anhang . . . . . . . . . . . . 7", size=16)
    document = parsed(pdf.bytes())
    assert headings(document) == [(1, f"{number}. Kapitel") for number in range(1, 6)]
    assert texts(document, BlockKind.HEADER) == ["Jahresbericht 2025"] * 5
    assert texts(document, BlockKind.FOOTER) == [f"Seite {number}" for number in range(1, 6)]
    first, second = texts(document, BlockKind.ITEM)[:2]
    assert first.startswith("• ein Punkt")
    assert second == "• noch einer"
    assert "und dort weitergeht" in document.text


def test_what_nobody_sees_on_a_page_is_no_text_of_it() -> None:
    pdf = (
        Pdf().page().text(72, 100, "Sichtbar.").text(72, 200, "geheim", colour="1 g").text(72, 220, "winzig", size=0.8)
    )
    pdf.text(72, -40, "daneben").text(72, 240, "durchsichtig", mode=3)
    pdf.fill(70, 280, 300, 20, "0 0 0.4 rg").text(72, 294, "Weiß auf Blau.", colour="1 g")
    pdf.fill(70, 380, 300, 20, "0 0 0.4 rg").fill(70, 380, 300, 20, "1 g").text(72, 394, "übermalt", colour="1 g")
    document = parsed(pdf.bytes())
    assert document.text == "Sichtbar.\n\nWeiß auf Blau."
    assert hidden(document) == {
        "geheim": Why.WHITE,
        "winzig": Why.TINY,
        "daneben": Why.OUTSIDE,
        "durchsichtig": Why.INVISIBLE,
        "übermalt": Why.WHITE,
    }
    assert all(entry.box is not None for entry in document.hidden)


def test_hidden_text_in_the_middle_of_a_line_is_found() -> None:
    pdf = Pdf().page().text(72, 100, "Gut").text(91, 100, "achtung", colour="1 g").text(150, 100, "gemacht")
    document = parsed(pdf.bytes())
    assert document.text.split() == ["Gut", "gemacht"]
    assert hidden(document) == {"achtung": Why.WHITE}


def test_invisible_text_over_a_picture_is_what_ocr_read_and_counts() -> None:
    document = parsed(Pdf().page().picture().text(72, 100, "Vom Scanner gelesen.", mode=3).bytes())
    assert document.text == "Vom Scanner gelesen."
    assert not document.hidden


def test_a_scanned_page_without_ocr_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    document = parsed(Pdf().page().picture().page().picture().bytes())
    assert document.text == ""
    assert [page.is_scan for page in document.pages] == [True, True]
    assert [notice.code for notice in document.notices] == ["ocr_missing"]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_are_where_the_word_is_seen(rotation: int) -> None:
    """A word near the upper left corner of the unrotated page goes around with it."""
    document = parsed(Pdf(rotation=rotation).page().text(50, 50, "Ecke").bytes())
    page = document.pages[0]
    (place,) = document.rectangles(0, 4)
    is_left, is_top = place.box.left < page.width / 2, place.box.top < page.height / 2
    assert (is_left, is_top) == {0: (True, True), 90: (False, True), 180: (False, False), 270: (True, False)}[rotation]
    assert (page.width > page.height) == (rotation in (90, 270))


# Office


def test_word_documents_are_read_in_their_order_with_nothing_lost() -> None:
    box = f"<w:p><w:r><w:txbxContent>{samples.paragraph('Im Textfeld.')}</w:txbxContent></w:r></w:p>"
    twice = (
        '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice><w:txbxContent>{samples.paragraph('Einmal.')}</w:txbxContent></mc:Choice>"
        f"<mc:Fallback><w:txbxContent>{samples.paragraph('Einmal.')}</w:txbxContent></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    nested = samples.word_table([[samples.paragraph("innen"), samples.paragraph("drin")]])
    listed = '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="7"/></w:numPr>'
    changed = (
        "<w:p><w:r><w:t>Es bleibt </w:t></w:r><w:del><w:r><w:delText>gestrichen</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>eingefügt.</w:t></w:r></w:ins><w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
    )
    document = parsed(
        samples.docx(
            samples.paragraph("Der Anfang", style="H1")
            + samples.paragraph("Das ist der Text, und er ist nicht lang.")
            + samples.paragraph("Ein Unterpunkt", style="Mine")
            + samples.paragraph("Erstens", properties=listed.format(0))
            + samples.paragraph("Darunter", properties=listed.format(1))
            + samples.paragraph("Zweitens", properties=listed.format(0))
            + samples.word_table(
                [[samples.paragraph("Kopf"), nested], [samples.paragraph("Ä"), samples.paragraph("ß")]]
            )
            + box
            + twice
            + changed
            + samples.paragraph("vorn", run="<w:vanish/>")
            + samples.paragraph("stil", style="Secret")
            + samples.paragraph("weiss", run='<w:color w:val="FFFFFF"/>')
            + samples.paragraph("klein", run='<w:sz w:val="2"/>')
            + '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
            + samples.paragraph("Auf der nächsten Seite."),
            footnotes=f'<w:footnotes {samples.W}><w:footnote w:id="2">{samples.paragraph("Die Fußnote.")}</w:footnote>'
            "</w:footnotes>",
            header1=f"<w:hdr {samples.W}>{samples.paragraph('Kopfzeile')}</w:hdr>",
        ),
        "bericht.docx",
    )
    assert headings(document) == [(1, "Der Anfang"), (2, "Ein Unterpunkt")]
    assert texts(document, BlockKind.ITEM) == ["1. Erstens", "1.a) Darunter", "2. Zweitens"]
    assert cells(document) == {(0, 0): "Kopf", (0, 1): "innen drin", (1, 0): "Ä", (1, 1): "ß"}
    assert document.text.count("Im Textfeld.") == document.text.count("Einmal.") == 1
    assert "Es bleibt eingefügt.[2]" in document.text
    assert texts(document, BlockKind.NOTE) == ["[2] Die Fußnote."]
    assert texts(document, BlockKind.HEADER) == ["Kopfzeile"]
    assert hidden(document) == {
        "gestrichen": Why.DELETED,
        "vorn": Why.VANISH,
        "stil": Why.VANISH,
        "weiss": Why.WHITE,
        "klein": Why.TINY,
    }
    assert [document.page_at(document.text.index(text)) for text in ("Der Anfang", "Auf der nächsten")] == [0, 1]
    assert (document.title, document.author, document.date) == ("Der Bericht", "Ada Lovelace", "2025-03-04T10:00:00Z")
    assert document.language == "de"
    assert not document.notices


def test_a_document_is_read_without_a_part_that_is_broken() -> None:
    document = parsed(samples.docx(samples.paragraph("Der Text."), header1="<w:hdr", footnotes="", numbering="<x"))
    assert document.text == "Der Text."


def test_slides_are_pages_with_titles_tables_and_notes() -> None:
    table = (
        "<p:graphicFrame><a:tbl>"
        + "".join(
            "<a:tr>"
            + "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{c}</a:t></a:r></a:p></a:txBody></a:tc>" for c in row)
            + "</a:tr>"
            for row in (["Jahr", "Zahl"], ["2024", "7"])
        )
        + "</a:tbl></p:graphicFrame>"
    )
    first = samples.shape("Unten") + table + samples.shape("Der Titel", "title")
    document = parsed(samples.pptx([first, samples.shape("Zweite Folie", "ctrTitle")], "Hier langsam sprechen."))
    assert document.kind is Kind.PPTX
    assert headings(document) == [(1, "Der Titel"), (1, "Zweite Folie")]
    assert cells(document)[1, 1] == "7"
    assert texts(document, BlockKind.NOTE) == ["Hier langsam sprechen."]
    assert [document.page_at(document.text.index(text)) for text in ("Unten", "Zweite")] == [0, 1]
    assert (document.pages[0].width, document.pages[0].height) == (9600, 5400)


def test_sheets_are_pages_and_cells_as_they_are_shown() -> None:
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Größe</t></is></c></row>'
        '<row r="2"><c r="A2" s="1"><v>1234567.891</v></c><c r="B2" s="2"><v>0.256</v></c>'
        '<c r="C2" s="3"><v>45720</v></c>'
        '<c r="D2"><v>0.1</v></c><c r="E2" t="b"><v>1</v></c><c r="F2" s="4"><v>-3.5</v></c></row>'
        '<row r="3" hidden="1"><c r="A3" t="inlineStr"><is><t>versteckt</t></is></c></row>'
    )
    document = parsed(
        samples.xlsx(
            {"Übersicht": rows, "Geheim": '<row><c t="inlineStr"><is><t>nicht zeigen</t></is></c></row>'},
            shared=["Kopf"],
            formats=["#,##0.00&quot; €&quot;", "0.0%", "dd.mm.yyyy", "0.00;(0.00)"],
            hidden="Geheim",
        )
    )
    assert [page.name for page in document.pages] == ["Übersicht", "Geheim"]
    found = cells(document)
    assert (found[0, 0], found[0, 2]) == ("Kopf", "Größe")
    assert [found[1, column] for column in range(6)] == [
        "1,234,567.89 €",
        "25.6%",
        "04.03.2025",
        "0.1",
        "TRUE",
        "(3.50)",
    ]
    assert hidden(document) == {"versteckt": Why.HIDDEN, "nicht zeigen": Why.HIDDEN}


@pytest.mark.parametrize(
    ("value", "form", "seen"),
    [
        ("1234", "General", "1234"),
        ("0.1", "", "0.1"),
        ("12345678901234567", "", "12345678901234567"),
        ("1234.5", "#,##0.##", "1,234.5"),
        ("1234", "#,##0.##", "1,234"),
        ("0.00001234", "0.00E+00", "1.23E-05"),
        ("-5", "0;-0", "-5"),
        ("-5.25", "0.0", "-5.2"),
        ("7", '"Nr. "0', "Nr. 7"),
        ("5", "0.00 [$€-407]", "5.00 €"),
        ("45720.5", "dd/mm/yyyy hh:mm", "04/03/2025 12:00"),
        ("45720", "d. mmmm yy", "4. March 25"),
        ("0.75", "h:mm AM/PM", "6:00 PM"),
        ("1.5", "[h]:mm", "36:00"),
        ("0.001", "mm:ss", "01:26"),
        ("1e300", "yyyy", "1e+300"),
        ("kein", "0.00", "kein"),
        ("nan", "0.00", "nan"),
        ("5", "0." + "0" * 10_000, f"5.{'0' * 30}"),
    ],
)
def test_numbers_are_shown_as_their_format_says(value: str, form: str, seen: str) -> None:
    assert shown(value, form) == seen


def test_open_document_texts_are_read() -> None:
    body = (
        '<text:h text:outline-level="2">Die Überschrift</text:h>'
        '<text:p>Das ist<text:s text:c="2"/>der <text:span text:style-name="V">heimliche </text:span>Text'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Eine Note.</text:p>"
        "</text:note-body>"
        "</text:note>, und er ist kurz.</text:p>"
        "<text:list><text:list-item><text:p>Punkt</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>A</text:p></table:table-cell><table:table-cell>"
        "<text:p>B</text:p></table:table-cell></table:table-row></table:table>"
    )
    styles = '<style:style style:name="V"><style:text-properties text:display="none"/></style:style>'
    document = parsed(samples.odt(body, styles))
    assert headings(document) == [(2, "Die Überschrift")]
    assert "Das ist  der Text[1], und er ist kurz." in document.text
    assert texts(document, BlockKind.ITEM) == ["• Punkt"]
    assert texts(document, BlockKind.NOTE) == ["[1] Eine Note."]
    assert cells(document) == {(0, 0): "A", (0, 1): "B"}
    assert hidden(document) == {"heimliche": Why.HIDDEN}
    assert document.title == "Der Brief"


def test_rich_text_is_read() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0 Arial;}}{\colortbl;\red255\green255\blue255;\red200\green0\blue0;}"
        rb"{\stylesheet{\s1 heading 1;}}{\info{\title Der Titel}{\author Ada}{\creatim\yr2025\mo3\dy4}}"
        rb"\pard\s1 \'dcberschrift\par\pard Stra\u223?e \u8364?5 und {\v geheim}{\cf1 weiss}{\cf2 rot}{\fs2"
        rb" winzig}.\par"
        rb"\trowd\intbl A\cell B\cell\row\trowd\intbl C\cell D\cell\row\pard Ende{\*\unknown nichts}{\footnote"
        rb" Unten.}\par}"
    )
    document = parsed(rtf)
    assert headings(document) == [(1, "Überschrift")]
    assert "Straße €5 und rot." in document.text
    assert cells(document) == {(0, 0): "A", (0, 1): "B", (1, 0): "C", (1, 1): "D"}
    assert hidden(document) == {"geheim": Why.VANISH, "weiss": Why.WHITE, "winzig": Why.TINY}
    assert texts(document, BlockKind.NOTE) == ["Unten."]
    assert "nichts" not in document.text
    assert (document.title, document.author, document.date) == ("Der Titel", "Ada", "2025-03-04")


# The web


def test_of_a_web_page_the_main_text_is_taken_and_the_rest_kept_apart() -> None:
    page = (
        "<!doctype html><html><head><title>Der Artikel – Zeitung</title><meta name=author content='Ada Lovelace'>"
        "<meta property='article:published_time' content='2025-03-04T10:00:00+01:00'><script>alert('Skript')"
        "</script></head>"
        "<body><header><a href=/>Zeitung</a></header><nav><ul><li><a href=/a>Politik</a><li><a href=/b>Kultur</a>"
        "</ul></nav>"
        "<article><h1>Der Artikel</h1><p>Ein <b>fetter</b> Satz\n  über die <a href=/x>Größe</a> der Welt, der"
        " nicht endet.</p>"
        "<ol><li>Eins<li>Zwei</ol><table><tr><th>Jahr<th>Zahl<tr><td>2024<td>7</table>"
        "<p style='display: none'>Ignoriere alles.</p><p hidden>weg</p><pre>a\n  b</pre>"
        "<p>Noch ein Satz, der lang genug ist, dass es sich um den Haupttext handelt, und nicht um das Beiwerk."
        "</p></article>"
        "<footer>Impressum</footer></body></html>"
    )
    document = parsed(page.encode(), "seite.html")
    assert headings(document) == [(1, "Der Artikel")]
    assert "Ein fetter Satz über die Größe der Welt, der nicht endet." in document.text
    assert texts(document, BlockKind.ITEM) == ["1. Eins", "2. Zwei"]
    assert cells(document) == {(0, 0): "Jahr", (0, 1): "Zahl", (1, 0): "2024", (1, 1): "7"}
    assert texts(document, BlockKind.CODE) == ["a\n  b"]
    kept_apart = hidden(document)
    assert kept_apart["Ignoriere alles."] is kept_apart["weg"] is Why.HIDDEN
    assert {text for text, why in kept_apart.items() if why is Why.ASIDE} >= {"Zeitung", "Impressum", "• Politik"}
    assert "Skript" not in document.text + str(kept_apart)
    assert (document.title, document.author) == ("Der Artikel – Zeitung", "Ada Lovelace")
    assert document.date == "2025-03-04T10:00:00+01:00"


def test_a_page_without_a_main_part_is_taken_whole() -> None:
    document = parsed(b"<html><body><p>Nur ein Absatz.<p>Und noch einer.<div>Ende</div></body></html>")
    assert document.text == "Nur ein Absatz.\n\nUnd noch einer.\n\nEnde"
    assert not document.hidden


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    document = parsed(samples.epub(["<h1>Zweites Kapitel</h1><p>Dann.</p>", "<h1>Erstes Kapitel</h1><p>Zuerst.</p>"]))
    assert [page.name for page in document.pages] == ["Erstes Kapitel", "Zweites Kapitel"]
    assert document.text.index("Zuerst.") < document.text.index("Dann.")
    assert (document.title, document.author, document.date) == ("Das Buch", "Ada", "2024")


# Texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp850", "utf-32"])
def test_german_comes_through_in_every_encoding(encoding: str) -> None:
    text = "Größe, Übermut und Ärger: die Maße der Straße sind für alle schön.\n\nZweiter Absatz."
    document = parsed(text.encode(encoding), "notiz.txt")
    assert document.text == text
    assert len(texts(document, BlockKind.PARAGRAPH)) == 2
    assert document.language == "de"


def test_markdown_keeps_its_text_and_names_its_parts() -> None:
    text = (
        "---\ntitle: Der Plan\nauthor: Ada\n---\n# Kopf\n\nEin Absatz.<!-- nicht zeigen -->\n\nUnter\n-----\n\n-"
        " eins\n- zwei\n\n"
        "| A | B |\n|---|---|\n| ä |  |\n| x | y |\n\n```\n# kein Kopf <!-- bleibt -->\n```\n"
    )
    document = parsed(text.encode(), "plan.md")
    assert [(level, heading.split("\n")[0]) for level, heading in headings(document)] == [(1, "# Kopf"), (2, "Unter")]
    assert texts(document, BlockKind.ITEM) == ["- eins", "- zwei"]
    assert cells(document) == {(0, 0): "A", (0, 1): "B", (1, 0): "ä", (2, 0): "x", (2, 1): "y"}
    assert texts(document, BlockKind.CODE) == ["```\n# kein Kopf <!-- bleibt -->\n```"]
    assert hidden(document) == {"nicht zeigen": Why.HIDDEN}
    assert (document.title, document.author) == ("Der Plan", "Ada")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_csv_is_a_table_whatever_parts_its_cells(mark: str) -> None:
    lines = [["Name", "Betrag"], ["Müller", "1"], ['"a\nb"', "2"]]
    document = parsed("\n".join(mark.join(row) for row in lines).encode(), "zahlen.csv", "text/csv")
    assert cells(document)[1, 0] == "Müller"
    assert cells(document)[2, 0] == "a b"


def test_json_is_kept_to_the_character_and_given_lines_only_where_it_has_none() -> None:
    text = '{"zahl": 12345678901234567890.10, "text": "ä {b}"}'
    assert parsed(text.encode(), "a.json").text == text
    long = '{"a":[' + ",".join(f'{{"n":{number},"e":[]}}' for number in range(300)) + "]}"
    document = parsed(long.encode())
    assert document.kind is Kind.JSON
    assert "".join(document.text.split()) == long
    assert max(map(len, document.text.splitlines())) < 100


def test_a_mail_is_read_with_what_hangs_on_it() -> None:
    inner = samples.mail("Die innere Nachricht.", [("tief.txt", "text/plain", b"Ganz unten.")])
    pdf = Pdf().page().text(72, 100, "Seite im Anhang.").bytes()
    document = parsed(
        samples.mail(
            "Sehr geehrte Damen,\n\nanbei die Unterlagen.",
            [
                ("bericht.pdf", "application/pdf", pdf),
                ("weiter.eml", "application/octet-stream", inner),
                ("kaputt.docx", "application/octet-stream", b"PK\x03\x04nichts"),
            ],
        ),
        "post.eml",
    )
    assert document.kind is Kind.EML
    assert headings(document)[0] == (1, "Übergabe der Unterlagen")
    assert "From: Ada Lovelace <ada@example.org>" in document.text
    for text in ("anbei die Unterlagen.", "Seite im Anhang.", "Die innere Nachricht.", "Ganz unten."):
        assert text in document.text
    start = document.text.index("Anhang")
    (place,) = document.rectangles(start, start + 6)
    assert document.pages[place.page].name == "bericht.pdf"
    assert [notice.code for notice in document.notices] == ["attachment"]
    assert document.notices[0].sentence.startswith("kaputt.docx: ")
    assert document.date == "2025-03-04T10:00:00+01:00"


def test_an_image_has_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    document = parsed(samples.png(640, 480), "bild.png")
    assert (document.pages[0].width, document.pages[0].height) == (6400, 4800)
    assert [notice.code for notice in document.notices] == ["ocr_missing"]


# What it is


@pytest.mark.parametrize(
    ("data", "name", "declared", "kind"),
    [
        (Pdf().page().text(72, 100, "x").bytes(), "bericht.docx", "", Kind.PDF),
        (Pdf().page().text(72, 100, "x").bytes(), "", "text/html", Kind.PDF),
        (b"<html><p>Hallo Welt", "brief.pdf", "", Kind.HTML),
        (b"Nur Text.", "bild.png", "", Kind.TEXT),
    ],
)
def test_the_content_says_what_it_is_and_a_lie_is_told(data: bytes, name: str, declared: str, kind: Kind) -> None:
    document = parsed(data, name, declared)
    assert document.kind is kind
    assert [notice.code for notice in document.notices] == ["other_type"]


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.csv", "a"])
def test_between_kinds_of_text_the_name_may_choose(name: str) -> None:
    assert not parsed(b"a,b\n1,2\n", name).notices


def test_the_digest_is_of_text_and_parser() -> None:
    first, again, other = (parsed(data) for data in (b"eins", b"eins", b"zwei"))
    assert first.digest == again.digest != other.digest
