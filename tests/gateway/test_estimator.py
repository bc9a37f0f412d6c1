"""The estimator of tokens: what it may never do, and how far off it is on texts whose tokens are known."""

import math
from collections.abc import Iterable
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.gateway.estimator import (
    BLANK,
    HAN,
    LASTING,
    NOTHING_SEEN,
    Measured,
    Ratio,
    Ratios,
    Writing,
    estimate,
    lesson,
    measure,
    measure_text,
)
from tests.gateway.token_samples import SAMPLES, Sample

SORTS = ("english", "german", "chinese", "code")

texts = st.text(max_size=200)
values = st.floats(min_value=-1, max_value=1)


def seen(numbers: Iterable[float]) -> Ratio:
    ratio = NOTHING_SEEN
    for number in numbers:
        ratio = ratio.with_one(number)
    return ratio


def asked(text: str) -> Measured:
    return measure([{"role": "user", "content": text}])


@given(texts, texts)
def test_more_text_is_never_less(one: str, other: str) -> None:
    assert sum(measure_text(one + other).values()) >= sum(measure_text(one).values()) - 1e-9


@given(texts)
def test_no_character_is_for_nothing_and_none_costs_more_than_two_tokens(text: str) -> None:
    tokens = sum(measure_text(text).values())
    assert 0.1 * len(text) <= tokens + 1e-9 <= 2 * len(text) + 1e-6


@given(texts, st.lists(values, max_size=30))
def test_the_band_holds_the_likely_number(text: str, numbers: list[float]) -> None:
    found = estimate(asked(text), dict.fromkeys(Writing, seen(numbers)))
    assert 0 <= found.low <= found.likely <= found.high


@given(values, st.integers(0, 60), st.integers(1, 60))
def test_the_band_shrinks_with_evidence(value: float, few: int, more: int) -> None:
    assert seen([value] * (few + more)).spread < seen([value] * few).spread


@given(values)
def test_what_is_seen_often_is_believed(value: float) -> None:
    assert seen([value] * LASTING).centre == pytest.approx(value, abs=0.01)


@given(st.lists(values, min_size=1, max_size=40))
def test_little_is_believed_little(numbers: list[float]) -> None:
    ratio = seen(numbers)
    assert abs(ratio.centre) <= abs(ratio.mean) + 1e-9
    assert ratio.mean == pytest.approx(fmean(numbers), abs=1e-9)


def test_a_model_that_counts_anew_is_learned_anew() -> None:
    before = seen([0.3] * 5 * LASTING)
    after = before
    for _ in range(3 * LASTING):
        after = after.with_one(-0.1)
    assert before.centre > 0.29
    assert after.centre == pytest.approx(-0.1, abs=0.03)


@given(st.text(min_size=1, max_size=80), st.integers(0, 3))
def test_parts_count_like_the_text_that_they_hold(text: str, pictures: int) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": text}, *[picture] * pictures]
    found = measure([{"role": "user", "content": parts}])
    assert found.writing == asked(text).writing
    assert found.pictures == pictures


def test_what_is_no_text_teaches_nothing() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with_picture = measure([{"role": "user", "content": [{"type": "text", "text": "word " * 200}, picture]}])
    assert lesson(with_picture, 1000) is None
    assert lesson(asked("word"), 5) is None  # the frame would be most of it
    assert lesson(asked("word " * 200), 100_000) is None  # something else was counted
    mixed = asked("Half of this is English, and there is a lot of it. " * 5 + "另一半是中文，而且也很长。" * 12)
    assert lesson(mixed, 200) is None


def test_a_document_is_counted_by_its_size_and_its_band_is_wide() -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 40_000}}
    found = estimate(measure([{"role": "user", "content": [file]}]), {})
    assert found.low * 5 < found.likely
    assert found.high > 4 * found.likely


@pytest.mark.parametrize("sort", SORTS)
def test_a_long_text_is_counted_by_pieces_and_hardly_differs(sort: str) -> None:
    samples = [sample.text for sample in SAMPLES if sample.sort == sort]
    text = "".join(samples) * (100_000 // sum(map(len, samples)))
    whole = sum(sum(measure_text(each).values()) for each in samples) * (len(text) / sum(map(len, samples)))
    assert sum(measure_text(text).values()) == pytest.approx(whole, rel=0.05)


@pytest.mark.parametrize("width", [1, 7, 64, 500, 781, 782, 5000])
def test_what_is_dear_cannot_be_hidden_between_pieces(width: int) -> None:
    text = ("    " * width + "漢字仮名" * width) * (50_000 // (4 * width))
    whole = len(text) / 2 * (BLANK + HAN)
    assert sum(measure_text(text).values()) == pytest.approx(whole, rel=0.15)


def off(sample: Sample, tokens: int, ratios: Ratios) -> float:
    measured = asked(sample.text)
    return (estimate(measured, ratios).likely - measured.frame) / tokens - 1


@pytest.mark.parametrize(("sort", "most"), [("english", 0.06), ("german", 0.06), ("chinese", 0.06), ("code", 0.10)])
def test_texts_are_estimated_well_for_the_table_that_the_weights_were_fitted_to(sort: str, most: float) -> None:
    errors = [off(sample, sample.o200k, {}) for sample in SAMPLES if sample.sort == sort]
    assert abs(fmean(errors)) <= most, errors


@pytest.mark.parametrize("sort", SORTS)
def test_another_table_is_learned_from_three_texts_and_tried_on_a_fourth(sort: str) -> None:
    """The older table counts German by a tenth and Chinese by a half more."""
    mine = [sample for sample in SAMPLES if sample.sort == sort]
    before, after, widths = [], [], []
    for left_out in mine:
        ratios: dict[Writing, Ratio] = {}
        for sample in mine:
            if sample is not left_out:
                learn(ratios, sample)
        before.append(abs(off(left_out, left_out.cl100k, {})))
        after.append(abs(off(left_out, left_out.cl100k, ratios)))
        band = estimate(asked(left_out.text), ratios)
        widths.append(band.high / band.low)
        assert band.low <= left_out.cl100k + asked(left_out.text).frame <= band.high
    assert fmean(after) <= max(0.10, fmean(before))
    assert fmean(after) <= 0.12, (before, after)
    assert fmean(widths) < 2


def learn(ratios: dict[Writing, Ratio], sample: Sample) -> None:
    measured = asked(sample.text)
    found = lesson(measured, sample.cl100k + measured.frame)
    assert found is not None
    sort, value = found
    ratios[sort] = ratios.get(sort, NOTHING_SEEN).with_one(value)


def test_the_first_estimate_for_a_model_that_nobody_knows_holds_both_tables() -> None:
    for sample in SAMPLES:
        found, frame = estimate(asked(sample.text), {}), asked(sample.text).frame
        assert found.low <= sample.o200k + frame <= found.high, sample.text
        if sample.sort != "chinese":
            assert found.low <= sample.cl100k + frame <= found.high, sample.text


def test_the_spread_of_nothing_is_that_of_models_and_texts_together() -> None:
    assert math.isclose(NOTHING_SEEN.spread, math.hypot(0.25, 0.10))
