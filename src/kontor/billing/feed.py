"""Prices from outside as data: the list of genai-prices (MIT licence), as its authors publish it and, in our own short
form, as it is bundled. A second source disagrees where it must; it never sets a price.

Left out is what no class of usage counts: pages, searches, seconds of audio, a price for each request.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from json import loads
from pathlib import Path
from typing import Any

import orjson

from kontor.billing.errors import FeedUnreadable
from kontor.billing.naming import Clause, Names
from kontor.billing.rates import LONGEST_SERVICE, ORDINARY, Hours, PriceSheet, Service, Tier
from kontor.core.clock import now
from kontor.core.money import NANO

BUNDLED = Path(__file__).with_name("prices.json")
SECOND = Path(__file__).with_name("prices_second.json")

WHAT = "a list of prices"
LARGEST = 20_000_000
MOST_MODELS = 20_000

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

# Their name of a provider: our kind of it. What is not named here has the same name.
KINDS = {"google": "gemini", "x-ai": "xai"}

# Whose prices are taken in: the kinds of providers that can be set up here. Nobody else's could ever be used.
PROVIDERS = frozenset({"anthropic", "deepseek", "gemini", "groq", "mistral", "openai", "openrouter", "xai"})

# Their prices by what we count. What is missing falls back to the class it is a kind of (`rates.FALLBACK`).
KEYS = {
    "input_mtok": "input",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_image_mtok": "image",
    "input_audio_mtok": "audio_in",
    "output_audio_mtok": "audio_out",
    "output_image_mtok": "image_out",
}

# What their special prices are for, where it is a way of being served: the provider's answer names it by the same word.
SERVED = ("service_tier", "processing", "speed")

SIGNS = {"equals": "is", "starts_with": "starts", "ends_with": "ends", "contains": "contains", "regex": "regex"}
LONGEST_CLAUSE = 300

# Models that read and answer with numbers or an order: nothing they write is charged.
INPUT_ONLY = re.compile(
    r"embed|(^|[/-])(bge|e5|gte|uae|m2-bert|voyage|rerank|minilm|mpnet|guard|moderation)(?=[-.@\d]|$)|rerank", re.I
)


@dataclass(frozen=True, slots=True)
class Dated:
    valid_from: datetime
    sheet: PriceSheet


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as a list has it: its versions, oldest first, and which names mean it."""

    provider: str
    model: str
    clause: Clause
    versions: tuple[Dated, ...]
    is_free: bool = False

    @property
    def is_input_only(self) -> bool:
        return INPUT_ONLY.search(self.model) is not None


@dataclass(frozen=True, slots=True)
class Snapshot:
    digest: str
    models: Sequence[Listed]

    def names(self) -> Names:
        by_provider: dict[str, list[tuple[str, Clause]]] = {}
        for model in self.models:
            by_provider.setdefault(model.provider, []).append((model.model, model.clause))
        return Names(by_provider)


def nano_of(price: object) -> int:
    """USD for a million tokens as their decimal number, in nano; a finer price is rounded up."""
    try:
        number = price if isinstance(price, Decimal) else Decimal(str(price))
    except InvalidOperation as reason:
        raise FeedUnreadable(WHAT, "a price in it is no number") from reason
    if not number.is_finite() or abs(number) > 1_000_000_000:
        raise FeedUnreadable(WHAT, "a price in it is impossible")
    numerator, denominator = number.as_integer_ratio()
    return -(-numerator * NANO // denominator)


def parse_published(body: bytes) -> Snapshot:
    """The list as its authors publish it. Regular expressions are taken only as the bundle knows them: one from outside
    could keep a process busy for ever."""
    if len(body) > LARGEST:
        raise FeedUnreadable(WHAT, "it is too large")
    try:
        providers = loads(body, parse_float=Decimal)
    except ValueError as reason:
        raise FeedUnreadable(WHAT, "it is no JSON") from reason
    if not isinstance(providers, list):
        raise FeedUnreadable(WHAT, "it is no list of providers")
    return read_published(providers, digest=hashlib.sha256(body).hexdigest(), patterns=bundled_patterns())


def read_published(providers: Sequence[Any], *, digest: str = "", patterns: frozenset[str] | None = None) -> Snapshot:
    reader = _Reader(patterns)
    try:
        models = [found for provider in providers for found in reader.provider(provider)]
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        raise FeedUnreadable(WHAT, "it has another shape than expected") from reason
    if not models:
        raise FeedUnreadable(WHAT, "it prices nothing")
    if len(models) > MOST_MODELS:
        raise FeedUnreadable(WHAT, "it names too many models")
    return Snapshot(digest, models)


@dataclass(slots=True)
class _Reader:
    patterns: frozenset[str] | None  # None: any

    def provider(self, raw: Mapping[str, Any]) -> Sequence[Listed]:
        kind = KINDS.get(raw["id"], raw["id"])
        if kind not in PROVIDERS:
            return ()
        found = [self.model(kind, each) for each in raw["models"]]
        return [each for each in found if each is not None]

    def model(self, provider: str, raw: Mapping[str, Any]) -> Listed | None:
        name = str(raw["id"])
        versions = _versions(raw.get("prices") or {}, _services(raw.get("price_variants") or ()))
        is_free = not versions and provider == "openrouter" and name.endswith(":free")
        if not versions and not is_free:
            return None
        clause = self.clause(raw["match"]) if raw.get("match") else None
        return Listed(provider, name, clause or ["is", name], versions, is_free)

    def clause(self, raw: Mapping[str, Any]) -> Clause | None:
        [(sign, wanted)] = raw.items()
        if sign in {"or", "and"}:
            parts = [self.clause(each) for each in wanted]
            usable = [part for part in parts if part is not None]
            if not usable or (sign == "and" and len(usable) < len(parts)):
                return None
            return [sign, *usable]
        if sign not in SIGNS or len(str(wanted)) > LONGEST_CLAUSE:
            return None
        if sign == "regex" and self.patterns is not None and wanted not in self.patterns:
            return None
        return [SIGNS[sign], str(wanted)]


def _services(raw: Sequence[Mapping[str, Any]]) -> dict[str, Service]:
    """Theirs are conditions too, of which the first that is true counts. One that is to come is read when it has."""
    found: dict[str, Service] = {}
    for variant in raw:
        [(sort, name), *others] = variant["when"].items()
        if sort not in SERVED or others or name in ORDINARY or _start(variant.get("constraint") or {}) > now():
            continue
        prices, tiers = _priced(variant.get("prices") or {})
        if prices and len(name) <= LONGEST_SERVICE:
            found.setdefault(name, Service(prices, tiers))
    return found


def _versions(raw: Any, services: Mapping[str, Service]) -> tuple[Dated, ...]:
    """Theirs are conditions, of which the last that is true counts: dates make our versions, hours stay conditions."""
    listed = raw if isinstance(raw, list) else [{"prices": raw}]
    conditions = [(each.get("constraint") or {}, each["prices"]) for each in listed]
    made: list[Dated] = []
    for number, (constraint, prices) in enumerate(conditions):
        if "start_time" in constraint:
            continue
        sheet, tiers = _priced(prices)
        if not sheet:
            continue
        hours = tuple(
            Hours(_time(later["start_time"]), _time(later["end_time"]), *_priced(special))
            for later, special in conditions[number + 1 :]
            if "start_time" in later
        )
        made.append(Dated(_start(constraint), PriceSheet(sheet, tiers, hours, services)))
    return tuple(sorted(made, key=lambda each: each.valid_from))


def _start(constraint: Mapping[str, Any]) -> datetime:
    if "start_date" not in constraint:
        return BEGINNING
    return datetime.combine(date.fromisoformat(str(constraint["start_date"])), time(), UTC)


def _time(raw: object) -> time:
    found = time.fromisoformat(str(raw).replace("Z", "+00:00"))
    if found.tzinfo is None:
        return found
    return datetime.combine(date(2000, 1, 1), found).astimezone(UTC).time()


def _priced(raw: Mapping[str, Any]) -> tuple[dict[str, int], tuple[Tier, ...]]:
    base: dict[str, int] = {}
    tiers: dict[int, dict[str, int]] = {}
    for key, name in KEYS.items():
        value = raw.get(key)
        if isinstance(value, Mapping):
            base[name] = nano_of(value["base"])
            for tier in value["tiers"]:
                tiers.setdefault(int(tier["start"]), {})[name] = nano_of(tier["price"])
        elif value is not None:
            base[name] = nano_of(value)
    return base, tuple(Tier(above, prices) for above, prices in sorted(tiers.items()))


def shortened(snapshot: Snapshot, *, source: str) -> dict[str, Any]:
    """What is bundled."""
    providers: dict[str, dict[str, Any]] = {}
    for model in snapshot.models:
        entry: dict[str, Any] = {}
        if list(model.clause) != ["is", model.model]:
            entry["match"] = model.clause
        if model.is_free:
            entry["free"] = True
        else:
            entry["versions"] = [
                {**({} if each.valid_from == BEGINNING else {"from": f"{each.valid_from:%Y-%m-%d}"}),
                 **each.sheet.stored()}
                for each in model.versions
            ]  # fmt: skip
        providers.setdefault(model.provider, {})[model.model] = entry
    return {"source": source, "providers": providers}


def parse_bundled(body: bytes) -> Snapshot:
    stored = orjson.loads(body)
    models = [
        Listed(
            provider,
            name,
            entry.get("match", ["is", name]),
            tuple(
                Dated(_start({"start_date": each["from"]} if "from" in each else {}), PriceSheet.parse(each))
                for each in entry.get("versions", ())
            ),
            entry.get("free", False),
        )
        for provider, entries in stored["providers"].items()
        for name, entry in entries.items()
    ]
    return Snapshot(hashlib.sha256(body).hexdigest(), models)


def bundled_digest() -> str:
    return hashlib.sha256(BUNDLED.read_bytes()).hexdigest()


def bundled() -> Snapshot:
    """Read anew each time: it is needed once in a start, and megabytes are not kept for that."""
    return parse_bundled(BUNDLED.read_bytes())


@cache
def bundled_patterns() -> frozenset[str]:
    found: set[str] = set()

    def collect(clause: Clause) -> None:
        if clause[0] in {"or", "and"}:
            for each in clause[1:]:
                collect(each)
        elif clause[0] == "regex":
            found.add(clause[1])

    for model in bundled().models:
        collect(model.clause)
    return frozenset(found)


class SecondSource:
    """Another list, to compare with: LiteLLM's (MIT licence), of which the bundle has what both know. Output for 0 says
    that what a model writes is not charged: it decides, measures or sorts."""

    def __init__(self, prices: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        self._prices = prices

    @classmethod
    def bundled(cls) -> "SecondSource":
        return cls(orjson.loads(SECOND.read_bytes())["providers"])

    def find(self, provider: str, model: str) -> PriceSheet | None:
        found = self._prices.get(provider, {}).get(model)
        return None if found is None else PriceSheet(found)
