"""How many tokens a question will be, before it is sent, and how sure that is. No tokenizer is needed for it.

Characters are counted by what they are, each sort has a weight, and each model has a ratio to the result that is
learned from what providers said they had counted. Weights and first spreads were fitted to the public table of OpenAI's
newer models (o200k) over prose, code and documents in eight languages; for everybody else the ratio has to be learned,
and until it is, the band is wide.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orjson

from kontor.gateway.wire.port import JSON

NINE_IN_TEN = 1.645  # standard deviations to each side

# What is known before anything was seen, in logarithms: how far models lie apart, and texts for one model.
BETWEEN_MODELS = 0.25
BETWEEN_TEXTS = 0.10
TRUST_IN_BETWEEN_TEXTS = 8  # as many observations as this is worth
LASTING = 400  # observations: older ones fade, as models change under their names

LEAST_TOKENS_TO_LEARN_FROM = 40
LEAST_SHARE_TO_LEARN_FROM = 0.85
LARGEST_RATIO_TO_BELIEVE = 1.5  # logarithm; beyond, something else was counted

PER_MESSAGE = 4
PER_PICTURE = 900
PICTURE_BAND = (0.1, 2.5)  # providers count from 85 to 2000 and more, by size and detail
BYTES_PER_DOCUMENT_TOKEN = 30
DOCUMENT_BAND = (0.1, 6.0)  # a scan is large and says little, a text is small and says much


class Writing(StrEnum):
    """Sorts of text in which models differ from one another in different ways."""

    PROSE = "prose"
    CODE = "code"  # also JSON, tables, lists of figures
    ASIAN = "asian"  # Chinese, Japanese, Korean
    OTHER = "other"  # Cyrillic, Greek, Arabic and the rest


LETTERS = bytes(range(ord("a"), ord("z") + 1)) + bytes(range(ord("A"), ord("Z") + 1))
DIGITS = b"0123456789"
BLANKS = b" \t\r\n"
BEYOND_ASCII = bytes(range(128, 256))

LETTER, DIGIT, BLANK, SIGN, ACCENTED = 0.21, 0.6, 0.134, 0.58, 1.2
HAN, KANA, HANGUL, ALPHABETIC, PICTURED = 0.78, 0.93, 0.67, 0.33, 1.5
SIGNS_OF_CODE = 0.09  # of all characters

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Measured:
    """A question in units that no model has had a say in yet."""

    writing: Mapping[Writing, float] = field(default_factory=dict)
    frame: int = 0  # what stands around the messages
    pictures: int = 0
    document_bytes: int = 0

    @property
    def is_text(self) -> bool:
        return not self.pictures and not self.document_bytes


@dataclass(frozen=True, slots=True)
class Ratio:
    """What was seen of one model with one sort of writing: mean and squares of the logarithms."""

    seen: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_one(self, value: float) -> "Ratio":
        kept = min(self.seen, LASTING - 1)
        squares = self.squares * kept / self.seen if self.seen else 0.0
        step = value - self.mean
        mean = self.mean + step / (kept + 1)
        return Ratio(kept + 1, mean, squares + step * (value - mean))

    @property
    def centre(self) -> float:
        """Drawn towards what is known without having seen anything, the more so the less was seen."""
        return self.mean * self.seen / (self.seen + self._variance / BETWEEN_MODELS**2)

    @property
    def spread(self) -> float:
        """Of one further text: what texts differ in, and what is not known yet about the model."""
        unknown = 1 / (1 / BETWEEN_MODELS**2 + self.seen / self._variance)
        return math.sqrt(self._variance + unknown)

    @property
    def _variance(self) -> float:
        known = TRUST_IN_BETWEEN_TEXTS * BETWEEN_TEXTS**2
        return (known + self.squares) / (TRUST_IN_BETWEEN_TEXTS + self.seen)


NOTHING_SEEN = Ratio()
Ratios = Mapping[Writing, Ratio]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Nine of ten questions lie between `low` and `high`."""

    low: int
    likely: int
    high: int


# Of a longer text so many pieces of so many characters are looked at.
PIECES = 128
PIECE = 64


def sample_of(text: str) -> str:
    """Pieces from the whole length of a long text: 100 kB of Russian, counted whole, hold up everybody for 20 ms.

    They begin at a place that differs with each process, so nobody can write what is dear in between.
    """
    if len(text) <= 2 * PIECES * PIECE:
        return text
    step = len(text) // PIECES
    begin = hash(text) % (step - PIECE)
    return "".join([text[place : place + PIECE] for place in range(begin, len(text) - PIECE + 1, step)])


def measure_text(text: str) -> Mapping[Writing, float]:
    """Whole strings are counted by the interpreter, not characters one by one."""
    sample = sample_of(text)
    found = measure_sample(sample)
    if len(sample) == len(text):
        return found
    share = len(sample) / len(text)
    return {sort: tokens / share for sort, tokens in found.items()}


@lru_cache(maxsize=64)
def measure_sample(text: str) -> Mapping[Writing, float]:
    """Asked for the same text when its model is chosen, when it is held for, and when its tokens have been counted."""
    raw = text.encode("utf-8", "surrogatepass")
    plain = raw if text.isascii() else raw.translate(None, BEYOND_ASCII)
    blanks = len(plain) - len(plain.translate(None, BLANKS))
    digits = len(plain) - len(plain.translate(None, DIGITS))
    letters = len(plain) - len(plain.translate(None, LETTERS))
    signs = len(plain) - blanks - digits - letters
    latin = letters * LETTER + digits * DIGIT + blanks * BLANK + signs * SIGN
    asian = other = 0.0
    accented = 0
    if len(plain) != len(raw):
        for character, times in Counter("".join(NOT_ASCII.findall(text))).items():
            sort, weight = sort_of(ord(character))
            if sort is Writing.ASIAN:
                asian += weight * times
            elif sort is Writing.PROSE:
                latin += weight * times
                accented += times
            else:
                other += weight * times
    is_code = signs + digits > SIGNS_OF_CODE * (len(plain) + accented)
    found = {Writing.CODE if is_code else Writing.PROSE: latin, Writing.ASIAN: asian, Writing.OTHER: other}
    return {sort: tokens for sort, tokens in found.items() if tokens}


# The first row that the character is below counts.
SORTS: Sequence[tuple[int, Writing, float]] = (
    (0x250, Writing.PROSE, ACCENTED),
    (0x1100, Writing.OTHER, ALPHABETIC),
    (0x1200, Writing.ASIAN, HANGUL),
    (0x2000, Writing.OTHER, ALPHABETIC),
    (0x2070, Writing.PROSE, SIGN),  # dashes and quotation marks of every language
    (0x2E80, Writing.OTHER, PICTURED),
    (0x3040, Writing.ASIAN, HAN),
    (0x3100, Writing.ASIAN, KANA),
    (0xAC00, Writing.ASIAN, HAN),
    (0xD7B0, Writing.ASIAN, HANGUL),
    (0xF900, Writing.OTHER, PICTURED),
    (0xFB00, Writing.ASIAN, HAN),
    (0xFF00, Writing.OTHER, ALPHABETIC),
    (0xFFF0, Writing.ASIAN, HAN),
    (0x20000, Writing.OTHER, PICTURED),
    (0x40000, Writing.ASIAN, HAN),
    (0x110000, Writing.OTHER, PICTURED),
)


def sort_of(code: int) -> tuple[Writing, float]:
    """Of a character beyond ASCII."""
    return next((sort, weight) for end, sort, weight in SORTS if code < end)


def measure(messages: Sequence[Mapping[str, JSON]], tools: Sequence[Mapping[str, JSON]] = ()) -> Measured:
    """A question as it stands in a `Call`. What is of no known shape is counted as the text it is written in."""
    writing: dict[Writing, float] = defaultdict(float)
    pictures = document_bytes = 0

    def add(text: str) -> None:
        for sort, tokens in measure_text(text).items():
            writing[sort] += tokens

    for message in messages:
        content = message.get("content")
        for part in [content] if isinstance(content, str) else content if isinstance(content, list) else ():
            match part:
                case str():
                    add(part)
                case {"text": str(text)}:
                    add(text)
                case {"type": "image_url"}:
                    pictures += 1
                case {"type": "file" | "input_audio" as kind}:
                    document_bytes += _bytes_of(part.get(kind))
                case _:
                    add(_written(part))
        for key in ("tool_calls", "name", "refusal"):
            if message.get(key):
                add(_written(message[key]))
    for tool in tools:
        add(_written(tool))
    return Measured(dict(writing), frame=PER_MESSAGE * len(messages), pictures=pictures, document_bytes=document_bytes)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _bytes_of(part: Any) -> int:
    """Three bytes are four characters of base64."""
    if not isinstance(part, Mapping):
        return 0
    return max((len(value) for value in part.values() if isinstance(value, str)), default=0) * 3 // 4


def estimate(measured: Measured, ratios: Ratios) -> Estimate:
    low = likely = high = float(measured.frame)
    for sort, tokens in measured.writing.items():
        ratio = ratios.get(sort, NOTHING_SEEN)
        reach = NINE_IN_TEN * ratio.spread
        low += tokens * math.exp(ratio.centre - reach)
        likely += tokens * math.exp(ratio.centre)
        high += tokens * math.exp(ratio.centre + reach)
    beside = (
        (measured.pictures * PER_PICTURE, PICTURE_BAND),
        (measured.document_bytes / BYTES_PER_DOCUMENT_TOKEN, DOCUMENT_BAND),
    )
    for tokens, (least, most) in beside:
        low, likely, high = low + tokens * least, likely + tokens, high + tokens * most
    return Estimate(math.floor(low), round(likely), math.ceil(high))


def lesson(measured: Measured, tokens: int) -> tuple[Writing, float] | None:
    """What a counted question teaches, and about which writing; None where it teaches nothing."""
    text = sum(measured.writing.values())
    counted = tokens - measured.frame
    if not measured.is_text or text < LEAST_TOKENS_TO_LEARN_FROM or counted <= 0:
        return None
    sort = max(measured.writing, key=lambda each: measured.writing[each])
    if measured.writing[sort] < LEAST_SHARE_TO_LEARN_FROM * text:
        return None
    value = math.log(counted / text)
    return (sort, value) if abs(value) <= LARGEST_RATIO_TO_BELIEVE else None
