"""What OpenAI's protocols say was used, put right: each token in one class, whatever is counted within what there."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from kontor.billing.rates import LONGEST_SERVICE
from kontor.billing.usage import Usage
from kontor.gateway.wire.port import JSON, Quirks, UsageSeen

MOST_TOKENS = 1 << 40
NANO = 1_000_000_000


def usage_seen(said: Mapping[str, JSON], usage: Mapping[str, JSON], quirks: Quirks) -> UsageSeen | None:
    """`said` is what holds the usage. None where it names no number, as some do with each piece but the last."""
    split = usage_of(usage)
    return None if split is None else UsageSeen(split, cost_of(said, quirks), service_of(said.get("service_tier")))


def service_of(said: JSON) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= LONGEST_SERVICE else None


def usage_of(usage: Mapping[str, JSON]) -> Usage | None:
    """Of chat completions, of responses (`input_tokens` …) and of embeddings."""
    read = first(usage, "prompt_tokens", "input_tokens")
    written = first(usage, "completion_tokens", "output_tokens")
    if read is None and written is None:
        return None
    details = part(usage, "prompt_tokens_details", "input_tokens_details")
    cached = first(details, "cached_tokens") or first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    left, cached = take(read or 0, cached)
    left, cache_write = take(left, first(details, "cache_write_tokens"))
    left, audio_in = take(left, first(details, "audio_tokens"))
    left, image = take(left, first(details, "image_tokens"))
    details = part(usage, "completion_tokens_details", "output_tokens_details")
    reasoning = first(details, "reasoning_tokens") or first(usage, "reasoning_tokens") or 0
    output = written or 0
    if reasoning > output or first(usage, "total_tokens") == (read or 0) + output + reasoning:
        output += reasoning  # xAI counts thoughts beside the answer, where others count them within
    output, reasoning = take(output, reasoning)
    output, audio_out = take(output, first(details, "audio_tokens"))
    output, image_out = take(output, first(details, "image_tokens"))
    return Usage(
        input=left,
        cached=cached,
        cache_write=cache_write,
        output=output,
        reasoning=reasoning,
        image=image,
        audio_in=audio_in,
        audio_out=audio_out,
        image_out=image_out,
    )


def take(whole: int, share: int | None) -> tuple[int, int]:
    """What is left of the whole, and the share. No share is larger than its whole, whatever they say."""
    share = min(share or 0, whole)
    return whole - share, share


def first(usage: Mapping[str, JSON], *names: str) -> int | None:
    for name in names:
        number = usage.get(name)
        if type(number) is float and number.is_integer():
            number = int(number)
        if type(number) is int and 0 <= number < MOST_TOKENS:
            return number
    return None


def part(usage: Mapping[str, JSON], *names: str) -> Mapping[str, JSON]:
    return next((found for name in names if isinstance(found := usage.get(name), dict)), {})


def cost_of(said: Mapping[str, JSON], quirks: Quirks) -> int | None:
    """What the provider says it charged, in nano-USD, rounded up."""
    if quirks.cost_field is None:
        return None
    found: JSON = said
    for name in quirks.cost_field.split("."):
        if not isinstance(found, dict) or found.get("is_byok") is True:
            return None  # with a key of one's own at a router, this is the router's fee alone
        found = found.get(name)
    if type(found) not in (int, float):
        return None
    cost = Decimal(str(found)) * NANO / quirks.costs_per_usd
    return int(cost.to_integral_value(ROUND_CEILING)) if cost.is_finite() and 0 <= cost < MOST_TOKENS * NANO else None
