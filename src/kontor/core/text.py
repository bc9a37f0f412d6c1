"""Text that people send us, before it is kept: what no screen can show and no `jsonb` can hold is refused."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

# Control characters, direction overrides and lone surrogates. Joiners (U+200C, U+200D) are letters' business and stay.
_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")


# What a field takes is said by the field, and asked last. This is asked first: composing a long run of marks takes time
# that grows with its square, and two megabytes of them an hour.
LONGEST = 2000


def one_line(value: str) -> str:
    if len(value) > LONGEST:
        raise ValueError("This is too long.")
    if any(unicodedata.category(character) in _HIDDEN or character in _OVERRIDES for character in value):
        raise ValueError("Control characters are not taken here.")
    return unicodedata.normalize("NFC", value)


def several_lines(value: str) -> str:
    one_line(value.translate({9: " ", 10: " ", 13: " "}))
    return unicodedata.normalize("NFC", value)


def prose(value: str) -> str:
    """Long text. It is kept as it was written: composing it could take too long."""
    if any(
        (unicodedata.category(character) in _HIDDEN and character not in "\t\n\r") or character in _OVERRIDES
        for character in value
    ):
        raise ValueError("Control characters are not taken here.")
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(one_line)]
Lines = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(several_lines)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), AfterValidator(prose)]
