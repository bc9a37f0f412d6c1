"""How vectors are kept with the run of an idempotency key."""

import pytest

from kontor.gateway.embedding import kept_in, packed
from kontor.gateway.runs.answers import Answer


@pytest.mark.parametrize(
    ("vector", "kind"),
    [([0.5, -0.25, 0.0], "float32"), ([0.1, 0.2], "float64"), ([1e300, -1.0], "float64"), ([], "float32")],
)
def test_vectors_are_kept_to_the_last_bit(vector: list[float], kind: str) -> None:
    kept = packed(vector)
    assert list(kept) == [kind]
    answer = Answer(vectors=[{"index": 1, **kept}, {"index": 0, **packed([2.0])}])
    assert kept_in(answer) == [[2.0], vector]
