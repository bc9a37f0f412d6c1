"""The embedding model, held against a second reckoning of the same weights in plain numpy."""

import asyncio
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kontor.retrieval.embedder import LocalEmbedder, Urgency
from kontor.retrieval.minilm import (
    HEADS,
    LAYERS,
    PARTS_AT_ONCE,
    PIECES_AT_ONCE,
    WEIGHTS,
    WIDTH,
    MiniLm,
    ModelMissing,
    batches,
    make_graph,
    model_folder,
    read_tensors,
)

Floats = NDArray[np.float32]

SENTENCES = [
    "The notice period is three months to the end of a quarter.",
    "Die Kündigungsfrist beträgt drei Monate zum Quartalsende.",
    "x",
    "",
    "A much longer text, so that the shorter ones are filled up beside it: "
    "rain fell on the harbour all night, and nobody slept.",
    "€ 1.234,56 – naïve Größenordnung №5 🙂",
]


@pytest.fixture(scope="module")
def model() -> MiniLm:
    return MiniLm(threads=1)


def reference(pieces: list[int]) -> Floats:
    """One text, step by step, with no operator of the runtime's."""
    folder = model_folder()
    raw = np.memmap(folder / WEIGHTS, np.uint8, "r")
    found = read_tensors(folder / WEIGHTS)

    def weight(name: str) -> Floats:
        place = found[name]
        flat: Floats = raw[place.offset : place.offset + place.length].view(np.float32)
        return flat.reshape(place.shape)

    def normed(value: Floats, at: str) -> Floats:
        centred = value - value.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        made: Floats = centred / spread * weight(f"{at}.weight") + weight(f"{at}.bias")
        return made

    def dense(value: Floats, at: str) -> Floats:
        made: Floats = value @ weight(f"{at}.weight").T + weight(f"{at}.bias")
        return made

    def gelu(value: Floats) -> Floats:
        errors = np.fromiter(map(math.erf, (value / math.sqrt(2)).ravel().tolist()), np.float32)
        made: Floats = (value * (1 + errors.reshape(value.shape)) / 2).astype(np.float32)
        return made

    state: Floats = (
        weight("embeddings.word_embeddings.weight")[pieces]
        + weight("embeddings.position_embeddings.weight")[: len(pieces)]
        + weight("embeddings.token_type_embeddings.weight")[0]
    )
    state = normed(state, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        query, key, value = (
            dense(state, f"{at}.attention.self.{part}").reshape(-1, HEADS, WIDTH // HEADS).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        heard: Floats = (shares @ value).transpose(1, 0, 2).reshape(-1, WIDTH)
        state = normed(dense(heard, f"{at}.attention.output.dense") + state, f"{at}.attention.output.LayerNorm")
        inner = gelu(dense(state, f"{at}.intermediate.dense"))
        state = normed(dense(inner, f"{at}.output.dense") + state, f"{at}.output.LayerNorm")
    mean = state.mean(0)
    made: Floats = mean / np.linalg.norm(mean)
    return made


def test_vectors_are_those_of_the_published_weights(model: MiniLm) -> None:
    pieces = model.pieces(SENTENCES)
    vectors = model.run(pieces)
    assert vectors.dtype == np.float32
    for text, vector in zip(pieces, vectors, strict=True):
        assert float(vector @ reference(text)) >= 0.9999
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_what_stands_beside_a_text_does_not_change_its_vector(model: MiniLm) -> None:
    pieces = model.pieces(SENTENCES)
    together, alone = model.run(pieces), np.vstack([model.run([text]) for text in pieces])
    assert (together * alone).sum(1).min() >= 0.99999


def test_likeness_follows_meaning(model: MiniLm) -> None:
    asked, near, far = model.run(model.pieces(["How long is the notice period?", SENTENCES[0], "The harbour at night"]))
    assert asked @ near > asked @ far + 0.3


def test_a_text_is_read_up_to_256_pieces_and_not_filled_up(model: MiniLm) -> None:
    assert [len(text) for text in model.pieces(["word " * 400, "word", ""])] == [256, 3, 2]


def test_8_bits_are_nearly_as_good_and_the_same_in_any_company(model: MiniLm) -> None:
    quick = MiniLm(threads=1, eight_bits=True)
    pieces = model.pieces(SENTENCES)
    exact, vectors = model.run(pieces), quick.run(pieces)
    assert (exact * vectors).sum(1).min() >= 0.97
    assert (exact * vectors).sum(1).mean() >= 0.985
    assert np.array_equal(vectors[1], quick.run(pieces[1:2])[0])
    # Questions and passages may be of either kind.
    assert np.abs(exact @ exact.T - vectors @ exact.T).max() < 0.06


@given(st.lists(st.integers(2, 256), max_size=200))
def test_batches_hold_each_text_once_and_not_too_much(lengths: list[int]) -> None:
    made = list(batches(lengths))
    assert sorted(at for batch in made for at in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) <= PARTS_AT_ONCE
        assert len(batch) * max(lengths[at] for at in batch) <= max(PIECES_AT_ONCE, 256)


def test_the_graph_holds_no_weights() -> None:
    assert len(make_graph(read_tensors(model_folder() / WEIGHTS))) < 40_000


def test_weights_that_are_cut_off_or_anothers_are_refused(tmp_path: Path) -> None:
    whole = (model_folder() / WEIGHTS).read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    path = tmp_path / WEIGHTS

    def refused(content: bytes) -> str:
        path.write_bytes(content)
        with pytest.raises(ModelMissing) as caught:
            read_tensors(path)
        return str(caught.value)

    assert "not whole" in refused(whole[:1_000_000])
    assert "no safetensors" in refused(b"<html>Not found</html>")
    assert "no safetensors" in refused((2).to_bytes(8, "little") + b"[]")
    header["encoder.layer.5.output.dense.weight"]["shape"] = [WIDTH, WIDTH]
    other = json.dumps(header).encode()
    assert "is not all-MiniLM-L6-v2" in refused(len(other).to_bytes(8, "little") + other)


def test_a_folder_can_be_named_and_what_it_lacks_is_said(tmp_path: Path) -> None:
    for name in (WEIGHTS, "tokenizer.json"):
        (tmp_path / name).symlink_to(model_folder() / name)
    text = "The same from another folder."
    named, packaged = MiniLm(tmp_path, threads=1), MiniLm(threads=1)
    assert np.allclose(named.run(named.pieces([text])), packaged.run(packaged.pieces([text])))
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(ModelMissing, match=WEIGHTS):
        MiniLm(tmp_path)
    shutil.copy(model_folder() / "tokenizer.json", tmp_path / WEIGHTS)
    with pytest.raises(ModelMissing):
        MiniLm(tmp_path)


async def test_the_embedder_gives_vectors_in_the_order_of_the_texts() -> None:
    async with LocalEmbedder(threads=1) as embedder:
        assert not embedder.is_loaded
        texts = [f"Text number {number} " + "and more " * (number % 7) for number in range(40)]
        vectors = await embedder.embed(texts)
        assert vectors.shape == (40, 384)
        one = await embedder.embed([texts[17]], urgency=Urgency.QUESTION)
        assert float(one[0] @ vectors[17]) > 0.99999
        assert (await embedder.embed([])).shape == (0, 384)
        assert await embedder.count(["word", ""]) == [3, 2]


async def test_a_question_goes_before_what_waits_of_a_document() -> None:
    async with LocalEmbedder(threads=1) as embedder:
        document = asyncio.create_task(embedder.embed(["A sentence of the document."] * (4 * PARTS_AT_ONCE)))
        question = asyncio.create_task(embedder.embed(["A question?"], urgency=Urgency.QUESTION))
        await question
        assert not document.done()
        assert (await document).shape == (4 * PARTS_AT_ONCE, 384)


async def test_texts_that_fail_are_their_askers_alone() -> None:
    async with LocalEmbedder(threads=1) as embedder:
        bad, good = await asyncio.gather(embedder.embed(["\ud800"]), embedder.embed(["fine"]), return_exceptions=True)
        assert isinstance(bad, Exception)
        assert isinstance(good, np.ndarray)


async def test_who_gives_up_takes_what_waits_along() -> None:
    async with LocalEmbedder(threads=1) as embedder:
        document = asyncio.create_task(embedder.embed(["A sentence."] * (20 * PARTS_AT_ONCE)))
        await embedder.embed(["A question?"], urgency=Urgency.QUESTION)
        document.cancel()
        assert (await asyncio.gather(document, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        assert len(await embedder.embed(["The next."])) == 1
        assert not embedder._queue


async def test_an_idle_model_is_forgotten_and_loaded_again() -> None:
    async with LocalEmbedder(threads=1, idle_seconds=0.01) as embedder:
        first = await embedder.embed(["Once more."])
        for _ in range(1000):
            if not embedder.is_loaded:
                break
            await asyncio.sleep(0.005)
        assert not embedder.is_loaded
        assert np.allclose(await embedder.embed(["Once more."]), first)
