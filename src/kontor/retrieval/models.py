"""Embedding models that vectors are kept of: one that every installation has, and others that the gateway asks."""

from dataclasses import dataclass
from typing import NewType

from kontor.retrieval.minilm import NAME, WIDTH

ModelId = NewType("ModelId", int)


@dataclass(frozen=True, slots=True)
class Model:
    id: ModelId
    provider: str  # `local`, or the kind of provider that the gateway asks
    name: str
    dimensions: int

    @property
    def is_local(self) -> bool:
        return self.id == LOCAL.id


# The migration has planted it.
LOCAL = Model(ModelId(1), "local", NAME, WIDTH)
