"""Under which name a model has its price: providers name editions (`gpt-5-2025-08-07`) that cost what the model costs.

The patterns come with the prices. They are read once for each list of them, whichever database it stands in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A clause is a list: a sign and a text, or `and`, `or` and further clauses.
Clause = Sequence[Any]

LONGEST_NAME = 300

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

_LATEST = text("SELECT digest FROM price_feed WHERE names IS NOT NULL ORDER BY fetched_at DESC, id LIMIT 1")
_NAMES = text("SELECT names FROM price_feed WHERE digest = :digest AND names IS NOT NULL LIMIT 1")


def matches(clause: Clause, name: str) -> bool:
    sign = clause[0]
    if sign == "or":
        return any(matches(each, name) for each in clause[1:])
    if sign == "and":
        return all(matches(each, name) for each in clause[1:])
    wanted = str(clause[1])
    if sign == "regex":
        return _compiled(wanted).search(name) is not None
    wanted = wanted.lower()
    tests = {
        "is": name == wanted,
        "starts": name.startswith(wanted),
        "ends": name.endswith(wanted),
        "contains": wanted in name,
    }
    return tests.get(sign, False)


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@dataclass(slots=True)
class Names:
    """For each provider the models in the order in which they are asked, each with its clause."""

    by_provider: Mapping[str, Sequence[tuple[str, Clause]]]
    _resolved: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "Names":
        return cls({provider: [(each[0], each[1]) for each in models] for provider, models in stored.items()})

    def stored(self) -> dict[str, Any]:
        return {provider: [[name, clause] for name, clause in models] for provider, models in self.by_provider.items()}

    def resolve(self, provider: str, model: str) -> str | None:
        key = provider, model
        if key not in self._resolved:
            if len(self._resolved) > 10_000:
                self._resolved.clear()
            self._resolved[key] = self._find(provider, model[:LONGEST_NAME].lower())
        return self._resolved[key]

    def spellings(self, provider: str, model: str) -> Sequence[str]:
        known = self.resolve(provider, model)
        return [model] if known is None or known == model else [model, known]

    def _find(self, provider: str, name: str) -> str | None:
        models = self.by_provider.get(provider, ())
        dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
        for spelling in dict.fromkeys((name, dashed)):
            for model, clause in models:
                if matches(clause, spelling):
                    return model
        return None


NO_NAMES = Names({})

_known: dict[str, Names] = {}


async def current(unit: AsyncSession) -> Names:
    """Those of the last list that was taken in. Kept by the digest of the list, so nothing can be out of date."""
    digest: str | None = await unit.scalar(_LATEST)
    if digest is None:
        return NO_NAMES
    if digest not in _known:
        stored = await unit.scalar(_NAMES, {"digest": digest})
        if len(_known) > 3:
            _known.clear()
        _known[digest] = Names.parse(stored or {})
    return _known[digest]
