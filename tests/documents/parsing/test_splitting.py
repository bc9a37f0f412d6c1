"""Passages cover a document to the last character, and are cut where it has borders of its own."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kontor.documents.parsing.builder import Builder
from kontor.documents.parsing.language import language_of
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import BlockKind, Box, Document, Kind
from kontor.documents.parsing.packing import Malformed, pack, unpack
from kontor.documents.parsing.reading import read
from kontor.documents.parsing.splitting import Passage, estimated, split

SENTENCE = "Dieser Satz erzählt von Herrn Dr. Müller, der am 3. Mai z. B. nach Köln fuhr. "
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=400)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """As readers make them: blocks of all kinds, tables, hidden pieces, pages, places of words."""
    builder = Builder(draw(st.sampled_from(list(Kind))), Limits())
    for _ in range(draw(st.integers(0, 4))):
        builder.page(width=draw(st.integers(0, 9_999)), height=10, name=draw(st.text(max_size=5)))
        for _ in range(draw(st.integers(0, 4))):
            kind = draw(st.sampled_from(list(BlockKind)))
            text = draw(ANYTHING | st.integers(1, 40).map(lambda number: SENTENCE * number))
            if kind is BlockKind.TABLE:
                builder.table(draw(st.lists(st.lists(st.text(max_size=30), max_size=4), max_size=12)))
                continue
            start = builder.length
            builder.block(kind, text, draw(st.integers(1, 6)) if kind is BlockKind.HEADING else 0)
            if builder.length > start:
                place = draw(st.tuples(*[st.integers(-1_000_000, 1_000_000)] * 4))
                builder.words.add(builder.length - 1, builder.length, Box(*place))
    return builder.build("made-1")


@settings(max_examples=150, deadline=None)
@given(documents(), st.integers(1, 80), st.integers(0, 30))
def test_splitting_never_loses_a_character(document: Document, size: int, overlap: int) -> None:
    passages = split(document, size=size, overlap=min(overlap, size - 1))
    assert "".join(document.text[passage.fresh : passage.end] for passage in passages) == document.text
    for passage in passages:
        assert passage.start <= passage.fresh < passage.end
        assert passage.first_page <= passage.last_page


@settings(max_examples=100, deadline=None)
@given(documents())
def test_a_document_survives_being_packed(document: Document) -> None:
    assert unpack(pack(document)) == document
    assert unpack(pack(document)).digest == document.digest


@settings(max_examples=100, deadline=None)
@given(documents(), st.data())
def test_packed_documents_that_somebody_has_changed_are_refused_or_whole(
    document: Document, data: st.DataObject
) -> None:
    packed = bytearray(pack(document))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack(bytes(packed))
    except Malformed:
        return
    assert found == document


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=5), min_size=1, max_size=8))
def test_cells_point_at_their_own_text(rows: list[list[str]]) -> None:
    builder = Builder(Kind.CSV, Limits())
    builder.table(rows)
    document = builder.build("made-1")
    for table in document.tables:
        for cell in table.cells:
            said = " ".join(rows[cell.row][cell.column].split())
            shown = " ".join(document.text[cell.start : cell.end].split())
            assert shown
            assert set(shown) <= set(said) | {" "}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | ANYTHING.map(str.encode))
def test_no_text_file_breaks_its_reader(data: bytes) -> None:
    for name in ("a.txt", "a.md", "a.csv", "a.html", "a.json"):
        document = opened(data, name)
        if document is not None:
            assert "\0" not in document.text
            document.text.encode()
            assert unpack(pack(document)) == document


def opened(data: bytes, name: str) -> Document | None:
    try:
        return read(io.BytesIO(data), name, "", Limits())
    except Unreadable as reason:
        assert reason.code not in (Reason.READER_FAILED, Reason.TOO_SLOW, Reason.TOO_MUCH_MEMORY)
        return None


def made(*blocks: tuple[BlockKind, str, int]) -> Document:
    builder = Builder(Kind.PDF, Limits())
    builder.page()
    for kind, text, level in blocks:
        builder.block(kind, text, level)
    return builder.build("made-1")


def texts(document: Document, passages: list[Passage]) -> list[str]:
    return [document.text[passage.start : passage.end] for passage in passages]


def test_a_heading_stays_with_its_text_and_names_its_passages() -> None:
    document = made(
        (BlockKind.HEADING, "Erstens", 1),
        (BlockKind.PARAGRAPH, SENTENCE * 4, 0),
        (BlockKind.HEADING, "Zweitens", 1),
        (BlockKind.HEADING, "Darunter", 2),
        (BlockKind.PARAGRAPH, SENTENCE * 20, 0),
    )
    passages = split(document, size=150, overlap=20)
    assert [passage.headings for passage in passages][:2] == [("Erstens",), ("Zweitens", "Darunter")]
    assert {passage.headings for passage in passages[1:]} == {("Zweitens", "Darunter")}
    for text in texts(document, passages):
        assert not text.rstrip().endswith(("Erstens", "Zweitens", "Darunter"))


def test_passages_end_at_sentences_repeat_whole_ones_and_keep_their_size() -> None:
    document = made((BlockKind.PARAGRAPH, SENTENCE * 60, 0))
    passages = split(document, size=120, overlap=40)
    assert len(passages) > 5
    for passage, text in zip(passages, texts(document, passages), strict=True):
        assert text.rstrip().endswith("fuhr.")
        assert text.startswith("Dieser Satz")
        assert estimated(text) <= 120
        assert (passage.start < passage.fresh) == (passage is not passages[0])


def test_a_table_is_in_one_piece_or_cut_between_its_rows() -> None:
    builder = Builder(Kind.XLSX, Limits())
    builder.page()
    builder.block(BlockKind.PARAGRAPH, SENTENCE * 3)
    builder.table([["Posten", str(number)] for number in range(20)])
    builder.table([["Zeile", str(number)] for number in range(200)])
    document = builder.build("made-1")
    passages = split(document, size=100, overlap=0)
    small = document.tables[0]
    assert any(passage.fresh <= small.start and small.end <= passage.end for passage in passages)
    for text in texts(document, passages)[2:]:
        assert text.startswith("Zeile\t")


def test_slides_do_not_share_a_passage() -> None:
    builder = Builder(Kind.PPTX, Limits())
    for number in range(3):
        builder.page()
        builder.block(BlockKind.PARAGRAPH, f"Folie {number}")
    passages = split(builder.build("made-1"))
    assert [(passage.first_page, passage.last_page) for passage in passages] == [(0, 0), (1, 1), (2, 2)]


def test_another_counter_may_measure() -> None:
    document = made((BlockKind.PARAGRAPH, "x" * 5_000, 0))
    passages = split(document, size=100, overlap=0, count=len)
    assert all(len(text) <= 100 for text in texts(document, passages))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (SENTENCE, "de"),
        ("The cat is on the mat and it will not go out of the house.", "en"),
        ("Le chat est sur la table et il ne veut pas partir de la maison.", "other"),
        ("1.200,50 80,10", "other"),
        ("", "other"),
    ],
)
def test_the_language_is_told_by_its_small_words(text: str, language: str) -> None:
    assert language_of(text) == language
