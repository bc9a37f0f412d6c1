"""Prices that a provider's own list names, for models that no published list has a price for.

Where a published list has one, it stays with that: two sources that overwrite each other in turn help nobody.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import prices
from kontor.billing.errors import FeedUnreadable
from kontor.billing.feed import INPUT_ONLY, nano_of
from kontor.billing.gate import judge
from kontor.billing.prices import PriceKey
from kontor.billing.rates import CLASSES, PriceSheet
from kontor.core.clock import now
from kontor.gateway.addresses import parse
from kontor.gateway.known import KnownProvider
from kontor.gateway.wire.port import Listed
from kontor.gateway.wire.quirks import KINDS

SOURCE = "provider"
# Those that are known to put into their lists what they charge.
TRUSTED = frozenset({"openrouter", "xai"})


def is_trusted(provider: KnownProvider) -> bool:
    """Only at its own address: anybody could name prices in somebody else's name."""
    usual = KINDS[provider.kind].base_url if provider.kind in TRUSTED else None
    return provider.owner_id is None and usual is not None and parse(usual).origin == provider.origin


async def take_in(unit: AsyncSession, provider: KnownProvider, listed: Sequence[Listed]) -> int:
    """In a unit of the system; answers how many are new. Each passes the same gate as every other price."""
    at = now()
    named = {PriceKey(provider.kind, each.name): each.usd_per_million for each in listed if each.usd_per_million}
    present = await prices.find_all(unit, list(named), at)
    added = 0
    for key, given in named.items():
        before = present.get(key)
        sheet = sheet_of(given)
        if sheet is None or (before is not None and (before.source != SOURCE or before.sheet == sheet)):
            continue
        is_input_only = INPUT_ONLY.search(key.model) is not None
        findings = judge(sheet, is_input_only=is_input_only, before=None if before is None else before.sheet)
        if findings and any(version.sheet == sheet for version in await prices.offered(unit, key, source=SOURCE)):
            continue  # it waits for a decision, or was rejected
        await prices.add(unit, key, sheet, source=SOURCE, valid_from=at, findings=findings)
        added += 1
    return added


def sheet_of(given: Mapping[str, str]) -> PriceSheet | None:
    """Nothing where one of them cannot be read: half a price is none."""
    try:
        return PriceSheet({name: nano_of(price) for name, price in given.items() if name in CLASSES})
    except FeedUnreadable:
        return None
