"""Money: whole nano-units (a billionth) of a currency, never a float, and rounded where it is said and nowhere else.

A bigint holds nine thousand million units. Rounding up happens once for a run, to the nano; half-up to the smallest
coin happens on invoices alone.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import NewType

NANO = 1_000_000_000
MOST_NANO = 2**63 - 1

Currency = NewType("Currency", str)  # ISO 4217, such as EUR

USD = Currency("USD")
EUR = Currency("EUR")

# Digits of the smallest coin, where they are not two (ISO 4217).
_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
         "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip


def digits_of(currency: str) -> int:
    return _DIGITS.get(currency, 2)


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def ceil_nano(exact: Fraction) -> int:
    """The one rounding of what somebody is charged."""
    return ceil_div(exact.numerator, exact.denominator)


def half_up(nano: int, currency: str) -> int:
    """In nano still, but in whole smallest coins, as an invoice shows it. Away from zero, on both sides of it."""
    step: int = NANO // 10 ** digits_of(currency)
    rounded = (2 * abs(nano) + step) // (2 * step) * step
    return rounded if nano >= 0 else -rounded


def as_decimal(nano: int) -> Decimal:
    return Decimal(nano).scaleb(-9)


def plain(nano: int) -> str:
    """Every digit that is there and no more: `0.0278`, `-3`, `1234.5`."""
    whole, rest = divmod(abs(nano), NANO)
    text = str(whole)
    if rest:
        text += "." + f"{rest:09}".rstrip("0")
    return f"-{text}" if nano < 0 else text


def parse(text: str) -> int:
    """Nano-units of a decimal number as programs write it; raises ValueError for more than nine places."""
    try:
        number = Decimal(text.strip())
        scaled = number.scaleb(9) if number.is_finite() else None
    except InvalidOperation as reason:
        raise ValueError("Write a number such as 12.50.") from reason
    if scaled is None or scaled != scaled.to_integral_value() or abs(scaled) > MOST_NANO:
        raise ValueError("Write a number such as 12.50, with nine decimal places at most.")
    return int(scaled)


@dataclass(frozen=True, slots=True)
class Money:
    """For messages and answers; the books hold the two apart."""

    nano: int
    currency: str

    def __str__(self) -> str:
        return f"{plain(self.nano)} {self.currency}"
