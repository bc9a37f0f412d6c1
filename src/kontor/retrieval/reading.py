"""A text as it is compared: one spelling of everything that means the same, and the way back to where it stood.

Most letters stay where they are. Only what gets shorter or longer (line breaks, hyphens at the ends of lines,
ligatures, marks that stand apart from their letters) is noted, so 300 pages are read in a fraction of a second.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_QUOTES = dict.fromkeys(map(ord, "“”„‟«»″〝〞＂"), '"') | dict.fromkeys(map(ord, "‘’‚‛‹›′´`＇"), "'")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_SAME_LENGTH = _QUOTES | _DASHES | _SPACES

# In this order: a hyphen between letters, at the end of a line or not, is no difference (well-known, well-⏎known,
# wellknown); nor is what cannot be seen; nor how much white there is; nor three points for one sign.
_UNEVEN = re.compile(
    r"(?<=[^\W\d_])(?:\u00ad|[-‐‑\ufffe](?:[ \t]*\r?\n\s*)?)(?=[^\W\d_])"
    r"|[\u00ad\u200b-\u200d\u2060\ufeff\ufffe]"
    r"|\s*[\t\n\r\f\v\x85\u2028\u2029]\s*|[ \u00a0\u2000-\u200a\u202f]{2,}"
    r"|\.{3,}|(?:\. ){2,}\."
    r"|[^\W\d_][\u0300-\u036f]+|[ﬀ-ﬆĲĳŉǄ-ǌẞİ]"
)
# Numbers with their separators and sign, words with apostrophes, and the signs that stand for words.
_TOKEN = re.compile(
    r"(?<![\w.,])-?\d+(?:[.,:/]\d+)*|\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[%‰€$£¥§°²³½¼¾+=<>≤≥±×÷µ]|\w"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Of the original text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: int  # in the text as it is compared
    end: int


class Reading:
    """Prepared once for a document, then asked for many quotations."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._made_at: list[int] = []  # where each noted piece begins in what is compared,
        self._made_end: list[int] = []
        self._original_at: list[int] = []  # and in the original
        self._original_end: list[int] = []
        self.plain = self._read()

    def _read(self) -> str:
        pieces: list[str] = []
        length = last = 0
        for found in _UNEVEN.finditer(self.text):
            start, end = found.span()
            between = _even(self.text[last:start])
            replacement = _replacement(found.group())
            length += len(between)
            pieces += (between, replacement)
            self._made_at.append(length)
            length += len(replacement)
            self._made_end.append(length)
            self._original_at.append(start)
            self._original_end.append(end)
            last = end
        return "".join([*pieces, _even(self.text[last:])])

    def original(self, start: int, end: int) -> Span:
        """Where a piece of what is compared stood; never empty, never less than what was seen of it."""
        return Span(self._start(start), self._start(end - 1, is_end=True))

    def _start(self, at: int, *, is_end: bool = False) -> int:
        piece = bisect_right(self._made_at, at) - 1
        if piece < 0:
            return at + is_end
        if at < self._made_end[piece]:
            return self._original_end[piece] if is_end else self._original_at[piece]
        return self._original_end[piece] + (at - self._made_end[piece]) + is_end

    def compared(self, at: int) -> int:
        """The other way: where a place of the original is in what is compared."""
        piece = bisect_right(self._original_at, at) - 1
        if piece < 0:
            return at
        if at < self._original_end[piece]:
            return self._made_at[piece]
        return self._made_end[piece] + (at - self._original_end[piece])

    @cached_property
    def words(self) -> Sequence[Word]:
        return [Word(found.group(), *found.span()) for found in _TOKEN.finditer(self.plain)]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """At which places of `words` each word stands."""
        made: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            made.setdefault(word.text, []).append(place)
        return made

    @cached_property
    def _word_ends(self) -> list[int]:
        return [word.end for word in self.words]

    def words_between(self, start: int, end: int) -> Sequence[Word]:
        return self.words[bisect_right(self._word_ends, start) : bisect_right(self._word_ends, end)]

    def first_word_after(self, at: int) -> Word | None:
        place = bisect_right(self._word_ends, at)
        return self.words[place] if place < len(self.words) else None

    def last_word_before(self, at: int) -> Word | None:
        place = bisect_right(self._word_ends, at) - 1
        return self.words[place] if place >= 0 else None


def _even(text: str) -> str:
    """Letter for letter, so that no place moves."""
    made = text.lower()
    if len(made) != len(text):
        made = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return made.translate(_SAME_LENGTH)


def _replacement(found: str) -> str:
    if found[0] == ".":
        return "…"
    if found[0].isalpha():
        return unicodedata.normalize("NFKC", found).lower()
    if found.isspace():
        return " "
    return ""
