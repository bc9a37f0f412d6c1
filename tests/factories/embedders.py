"""Models of the gateway for tests of what is done with vectors: the same words, the same vector."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from kontor.core.tenancy import Actor
from kontor.retrieval.embedding import Said
from kontor.retrieval.errors import EmbeddingFailed
from kontor.retrieval.words import tokens


class NoModels:
    async def vectors(
        self, actor: Actor, texts: Sequence[str], *, model: str, provider: str | None, project_id: UUID | None
    ) -> Said:
        raise EmbeddingFailed(model, "nobody is connected")


class WordModels:
    """Texts that share words are near to each other. Notes who asked for what."""

    def __init__(self, dimensions: int = 48) -> None:
        self.dimensions = dimensions
        self.asked: list[tuple[Actor, str, int]] = []
        self.is_away = False

    async def vectors(
        self, actor: Actor, texts: Sequence[str], *, model: str, provider: str | None, project_id: UUID | None
    ) -> Said:
        if self.is_away:
            raise EmbeddingFailed(model, "it is away")
        self.asked.append((actor, model, len(texts)))
        return Said(provider or "compatible", model, [self.vector(text) for text in texts])

    def vector(self, text: str) -> Sequence[float]:
        made = np.full(self.dimensions, 0.01)
        for token in tokens(text):
            made[int.from_bytes(hashlib.sha256(token.joined.encode()).digest()[:4]) % self.dimensions] += 1
        found: list[float] = (made * 3).tolist()
        return found
