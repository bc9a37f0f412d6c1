"""Brings together what words and what vectors found, and says why each passage stands where it stands.

Each side's scores are stretched to 0…1 over what that side found, and added with weights. The weight of the vectors
follows the text: the embedding model was made for English, and takes German apart into twice as many pieces a word.
With equal weights it would spoil good German results (nDCG of German sentences: 0.69 instead of 0.82). It also follows
the question: words that occur nowhere say nothing, and a best vector that is hardly near says little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

FROM_EACH_SIDE = 100

# The share of the vectors, between texts that the model reads well and texts that it reads badly (pieces for a word).
WELL_READ, BADLY_READ = 1.5, 2.0
SHARE_WELL_READ, SHARE_BADLY_READ = 0.5, 0.2
# Cosines of texts that have nothing to do with each other lie up to here, those of answers mostly above it.
FAR, NEAR = 0.10, 0.30
FEEDBACK = 0.3
FEEDBACK_PASSAGES = 3


@dataclass(frozen=True, slots=True)
class Hit:
    passage_id: UUID
    score: float
    terms: Mapping[str, float] = field(default_factory=dict)  # by words only


@dataclass(frozen=True, slots=True)
class Weights:
    words: float
    vectors: float
    reasons: tuple[str, ...]  # codes, for the screen that explains


@dataclass(frozen=True, slots=True)
class Part:
    """What one side said of a passage."""

    rank: int
    score: float
    scaled: float
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fused:
    passage_id: UUID
    score: float
    words: Part | None
    vectors: Part | None


def weigh(words: Sequence[Hit], vectors: Sequence[Hit], *, fertility: float, known: float) -> Weights:
    """`fertility` is the project's, not the question's: a few words are too few to tell. `known` is of the question,
    by rarity, what occurs in the project at all."""
    if not words or not vectors:
        only = "no_words_found" if vectors else "no_vectors_found"
        return Weights(float(not vectors), float(bool(vectors)), (only,))
    reasons = ["well_read" if fertility <= WELL_READ else "badly_read" if fertility >= BADLY_READ else "partly_read"]
    share = between(fertility, WELL_READ, BADLY_READ, SHARE_WELL_READ, SHARE_BADLY_READ)
    if known < 1:
        # Squared, because one strange word among several is common and takes little away.
        share += (1 - share) * (1 - known) ** 2
        reasons.append("words_unknown")
    nearest = max(hit.score for hit in vectors)
    if nearest < NEAR:
        share *= between(nearest, FAR, NEAR, 0, 1)
        reasons.append("vectors_far")
    return Weights(1 - share, share, tuple(reasons))


def between(value: float, low: float, high: float, at_low: float, at_high: float) -> float:
    place = min(max((value - low) / (high - low), 0.0), 1.0)
    return at_low + place * (at_high - at_low)


def fuse(words: Sequence[Hit], vectors: Sequence[Hit], weights: Weights, *, limit: int = 50) -> list[Fused]:
    """Best first; what stands equal is in the order of its ranks and ids, so that pages of results never overlap."""
    by_words, by_vectors = parts(words), parts(vectors)
    fused = []
    for passage_id in by_words.keys() | by_vectors.keys():
        word, vector = by_words.get(passage_id), by_vectors.get(passage_id)
        score = weights.words * (word.scaled if word else 0) + weights.vectors * (vector.scaled if vector else 0)
        fused.append(Fused(passage_id, score, word, vector))
    return sorted(fused, key=lambda hit: (-hit.score, _best_rank(hit), hit.passage_id))[:limit]


def _best_rank(hit: Fused) -> int:
    return min(part.rank for part in (hit.words, hit.vectors) if part)


def parts(hits: Sequence[Hit]) -> dict[UUID, Part]:
    ranked = sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))[:FROM_EACH_SIDE]
    if not ranked:
        return {}
    most, least = ranked[0].score, ranked[-1].score
    span = most - least
    return {
        hit.passage_id: Part(rank, hit.score, (hit.score - least) / span if span > 0 else 1.0, hit.terms)
        for rank, hit in enumerate(ranked, 1)
    }


def with_feedback(question: "Vectors", passages: "Vectors") -> "Vectors":
    """The question drawn towards the first that were found, to search with once more; of length 1 again."""
    import numpy as np

    if len(passages) == 0:
        return question
    drawn: Vectors = question + np.float32(FEEDBACK) * passages[:FEEDBACK_PASSAGES].mean(0)
    made: Vectors = drawn / np.linalg.norm(drawn)
    return made
