"""The gate that every price goes through before it counts. What it finds is held for an administrator to look at.

A wrong price is expensive in both directions: one of minus one has minted credit elsewhere, and one with a wrong unit
has stopped a whole installation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kontor.billing.rates import PriceSheet

Reason = Literal["not_positive", "no_input", "no_output", "jump", "unit", "disagrees"]

JUMP = 5
# USD nano for a million tokens. Nothing that is sold lies outside, by a wide margin; a price for one token or for a
# thousand of them, taken for that of a million, does.
LEAST = 500_000
MOST = 5_000_000_000_000
# Two sources that differ by more than this are worth a look, and no reason to hold the price.
ALIKE_PERCENT = 1

MAIN = ("input", "output")


@dataclass(frozen=True, slots=True)
class Finding:
    reason: Reason
    name: str  # the class of usage
    found: int | None = None
    expected: int | None = None

    @property
    def holds(self) -> bool:
        return self.reason != "disagrees"

    def stored(self) -> dict[str, object]:
        return {"reason": self.reason, "class": self.name, "found": self.found, "expected": self.expected}

    def __str__(self) -> str:
        match self.reason:
            case "not_positive":
                return f"The price of {self.name} is not above zero."
            case "no_input" | "no_output":
                return f"There is no price of {self.name}."
            case "jump":
                return f"The price of {self.name} is more than {JUMP} times what it was, or less than a {JUMP}th of it."
            case "unit":
                return f"The price of {self.name} looks like one for another number of tokens than a million."
            case "disagrees":
                return f"Another source names another price of {self.name}."


def judge(
    sheet: PriceSheet,
    *,
    is_input_only: bool = False,
    before: PriceSheet | None = None,
    second: PriceSheet | None = None,
) -> Sequence[Finding]:
    """`before` is the price that holds now, `second` what another source says."""
    found: list[Finding] = []
    for needed in MAIN:
        if needed == "output" and is_input_only:
            continue
        if needed not in sheet.prices:
            found.append(Finding("no_input" if needed == "input" else "no_output", needed))
    for prices in sheet.every_price():
        found += [
            Finding("not_positive", name, price)
            for name, price in prices.items()
            if price < 0 or (price == 0 and not (name == "output" and is_input_only))
        ]
        found += [
            Finding("unit", name, price)
            for name, price in prices.items()
            if name in MAIN and price > 0 and not LEAST <= price <= MOST
        ]
    if before is not None:
        found += _jumps(sheet, before)
    if second is not None:
        found += _disagreements(sheet, second, is_new=before is None)
    return list(dict.fromkeys(found))


def _jumps(sheet: PriceSheet, before: PriceSheet) -> Sequence[Finding]:
    return [
        Finding("jump", name, price, was)
        for name, price in sheet.prices.items()
        if (was := before.prices.get(name)) and (price > was * JUMP or price * JUMP < was)
    ]


def _disagreements(sheet: PriceSheet, second: PriceSheet, *, is_new: bool) -> Sequence[Finding]:
    found: list[Finding] = []
    for name in MAIN:
        ours, theirs = sheet.prices.get(name), second.prices.get(name)
        if not ours or not theirs:
            continue
        # What nobody had a price for yet has only the other source to be measured by.
        if is_new and (ours > theirs * JUMP or ours * JUMP < theirs):
            found.append(Finding("unit", name, ours, theirs))
        elif abs(ours - theirs) * 100 > theirs * ALIKE_PERCENT:
            found.append(Finding("disagrees", name, ours, theirs))
    return found
