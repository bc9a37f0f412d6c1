from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.retrieval.fusion import Hit, Weights, fuse, parts, weigh, with_feedback

ENGLISH, GERMAN = 1.15, 2.2


def hits(*scores: float, first: int = 1) -> list[Hit]:
    return [Hit(UUID(int=first + number), score) for number, score in enumerate(scores)]


def order(words: list[Hit], vectors: list[Hit], weights: Weights) -> list[int]:
    return [hit.passage_id.int for hit in fuse(words, vectors, weights)]


def test_english_is_weighed_equally_and_german_by_its_words() -> None:
    words, vectors = hits(9, 5, 1), hits(0.8, 0.5)
    assert weigh(words, vectors, fertility=ENGLISH, known=1).vectors == pytest.approx(0.5)
    assert weigh(words, vectors, fertility=GERMAN, known=1).vectors == pytest.approx(0.2)
    assert weigh(words, vectors, fertility=1.75, known=1).vectors == pytest.approx(0.35)


def test_a_side_that_found_nothing_has_no_say() -> None:
    assert weigh([], hits(0.2), fertility=GERMAN, known=0) == Weights(0, 1, ("no_words_found",))
    assert weigh(hits(3), [], fertility=ENGLISH, known=1) == Weights(1, 0, ("no_vectors_found",))
    assert order([], [], weigh([], [], fertility=ENGLISH, known=0)) == []


def test_words_that_occur_nowhere_leave_it_to_the_vectors() -> None:
    told = [weigh(hits(2, 1), hits(0.8), fertility=GERMAN, known=known).vectors for known in (1, 0.9, 0.5, 0.1, 0)]
    assert told == sorted(told)
    assert told[1] < 0.22  # one strange word among many
    assert told[-1] == 1


def test_vectors_that_are_hardly_near_leave_it_to_the_words() -> None:
    said = weigh(hits(12, 3), hits(0.11, 0.1), fertility=ENGLISH, known=1)
    assert said.vectors < 0.05
    assert "vectors_far" in said.reasons
    assert weigh(hits(12, 3), hits(-0.05), fertility=ENGLISH, known=1).vectors == 0


def test_what_both_found_stands_before_what_one_found() -> None:
    words = [Hit(UUID(int=1), 10.0), Hit(UUID(int=2), 9.0), Hit(UUID(int=3), 1.0)]
    vectors = [Hit(UUID(int=4), 0.9), Hit(UUID(int=2), 0.85), Hit(UUID(int=5), 0.1)]
    assert order(words, vectors, Weights(0.5, 0.5, ()))[0] == 2


def test_a_german_question_keeps_the_order_of_its_words() -> None:
    """The first by vectors is the last by words: what ruins German under equal weights."""
    words, vectors = hits(10, 8, 6, 1), [Hit(UUID(int=4), 0.7), Hit(UUID(int=1), 0.4), Hit(UUID(int=9), 0.3)]
    equal, german = Weights(0.4, 0.6, ()), weigh(words, vectors, fertility=GERMAN, known=1)
    assert order(words, vectors, equal)[0] == 4
    assert order(words, vectors, german)[:3] == [1, 2, 3]


def test_each_hit_says_what_each_side_said() -> None:
    words = [Hit(UUID(int=1), 4.0, {"rent": 4.0}), Hit(UUID(int=2), 2.0), Hit(UUID(int=3), 0.0)]
    [first, second, _] = fuse(words, hits(0.9), Weights(0.5, 0.5, ()))
    assert first.words is not None
    assert (first.words.rank, first.words.score, first.words.scaled) == (1, 4.0, 1.0)
    assert first.words.terms == {"rent": 4.0}
    assert first.vectors is not None
    assert first.score == pytest.approx(0.5 * first.words.scaled + 0.5 * first.vectors.scaled)
    assert second.vectors is None


scores = st.dictionaries(st.integers(1, 40), st.floats(-100, 100), max_size=40).map(
    lambda found: [Hit(UUID(int=number), score) for number, score in found.items()]
)


@given(scores, scores, st.floats(0, 1), st.floats(1, 3))
def test_scores_lie_between_0_and_1_and_fall(
    words: list[Hit], vectors: list[Hit], known: float, fertility: float
) -> None:
    weights = weigh(words, vectors, fertility=fertility, known=known)
    assert weights.words + weights.vectors == pytest.approx(1)
    fused = fuse(words, vectors, weights, limit=1000)
    assert {hit.passage_id for hit in fused} == {hit.passage_id for hit in [*words, *vectors]}
    assert all(-1e-9 <= hit.score <= 1 + 1e-9 for hit in fused)
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(scores)
def test_one_side_alone_keeps_its_order(words: list[Hit]) -> None:
    ranked = sorted(parts(words).items(), key=lambda entry: entry[1].rank)
    fused = fuse(words, [], Weights(1, 0, ()), limit=1000)
    assert [hit.words.score for hit in fused if hit.words] == [part.score for _, part in ranked]


def test_feedback_draws_the_question_towards_what_was_found() -> None:
    question, near = np.array([1, 0, 0], np.float32), np.array([[0, 1, 0]] * 5, np.float32)
    drawn = with_feedback(question, near)
    assert float(np.linalg.norm(drawn)) == pytest.approx(1)
    assert drawn[1] / drawn[0] == pytest.approx(0.3)
    assert with_feedback(question, near[:0]) is question
