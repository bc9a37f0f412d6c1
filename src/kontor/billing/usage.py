"""What an answer used, by class. Each class has a price of its own, and none is counted in another."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `input` is what was neither read from nor written to a cache, and `cache_write` is without what is kept
    there for an hour; `output` is without reasoning; `image` was looked at, `image_out` drawn.

    So the sum of all is what the model read and wrote, and a provider that counts one class within another is put
    right by its adapter, once.
    """

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    image: int = 0
    audio_in: int = 0
    audio_out: int = 0
    cache_write_1h: int = 0
    image_out: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})

    @property
    def read(self) -> int:
        return self.input + self.cached + self.cache_write + self.cache_write_1h + self.image + self.audio_in

    @property
    def written(self) -> int:
        return self.output + self.reasoning + self.audio_out + self.image_out

    def by_class(self) -> Mapping[str, int]:
        return {name: number for name in NAMES if (number := getattr(self, name))}


NAMES = tuple(each.name for each in fields(Usage))
