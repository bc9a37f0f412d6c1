"""Splits an answer into what it claims, and says of each claim how far the passages bear it out. No model is asked.

What can be said without one is modest, and is said modestly: a sentence that stands in a passage is supported; one
whose words, numbers and negations are together in one place is partly so, and somebody reads it; everything else is not
found. A claim with a figure, a unit or a "not" of its own is never supported in any degree.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from kontor.retrieval.evidence import Evidence, Exactness, find
from kontor.retrieval.exact import Matter, is_negation, is_number, unit_of, values
from kontor.retrieval.reading import Reading, Span, Word
from kontor.retrieval.sentences import sentences
from kontor.retrieval.words import STOP_WORDS, Language, folded, stem

PARTLY = 0.6  # of the telling words
FEWEST_WORDS = 2
SHORTEST_QUOTE = 3  # words; fewer in quotes are a name or an irony
NEIGHBOURS = 2  # sentences that may bear a claim together

_MARK = re.compile(r"\s*(?:\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]|【(\d{1,3})[^】]*】)")
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ORNAMENT = re.compile(r"^[ \t]*(?:[-*+•–]|\d+[.)]|#+|>)[ \t]+|\*\*|__|`", re.MULTILINE)
_QUOTED = re.compile(r"[\"“„«»]([^\"“”„«»]+)[\"”“«»]")
_HEADING = re.compile(r"^[ \t]*#+[ \t]|:\s*$|^\s*\*\*[^*]+\*\*:?\s*$")


class Support(StrEnum):
    VERBATIM = "verbatim"
    NORMALISED = "normalised"
    PARTLY = "partly"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Claim:
    span: Span  # of the answer
    text: str  # without marks and ornaments
    cited: tuple[int, ...]  # numbers, as they stand in the answer


@dataclass(frozen=True, slots=True)
class Judged:
    claim: Claim
    support: Support
    passage: int | None = None  # the number of the one that bears it out best
    spans: tuple[Span, ...] = ()  # in that passage
    reason: Matter | None = None  # what keeps a passage that is near from bearing it out
    missing: tuple[str, ...] = ()  # words, and numbers with their units


def claims(answer: str) -> list[Claim]:
    """Sentences that state something; questions, headings and code state nothing."""
    # Same length, so that places stay.
    text = _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), answer)
    made: list[Claim] = []
    for begin, end in sentences(text):
        start, piece = begin, text[begin:end]
        marks, rest = _marks_at_beginning(piece)
        if marks and made:  # `… three months. [1] The rent …`: they belong to what they follow
            last = made[-1]
            made[-1] = Claim(Span(last.span.start, start + len(piece) - len(rest)), last.text, last.cited + marks)
            start, piece = start + len(piece) - len(rest), rest
        plain = " ".join(_ORNAMENT.sub("", _MARK.sub("", piece)).split())
        if _states(piece, plain):
            made.append(Claim(Span(start, end), plain, _marks(piece)))
    return made


def _states(piece: str, plain: str) -> bool:
    if plain.endswith("?") or _HEADING.search(piece):
        return False
    return sum(any(map(str.isalnum, word)) for word in plain.split()) >= FEWEST_WORDS


def _marks_at_beginning(piece: str) -> tuple[tuple[int, ...], str]:
    marks: tuple[int, ...] = ()
    while found := _MARK.match(piece):
        marks += _numbers(found)
        piece = piece[found.end() :].lstrip()
    return marks, piece


def _marks(piece: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for found in _MARK.finditer(piece) for number in _numbers(found)))


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    made: list[int] = []
    for part in re.split(r"\s*[,;]\s*", found[1] or found[2]):
        first, *last = (int(number) for number in re.split(r"\s*[–-]\s*", part))
        made += range(first, min(last[0], first + 50) + 1) if last else [first]
    return tuple(made)


class Passage:
    """Read once, then held against every claim."""

    def __init__(self, text: str) -> None:
        self.reading = Reading(text)

    @cached_property
    def places(self) -> Sequence["Said"]:
        """Each sentence; then each with those that follow it, which only count where one is not enough."""
        found = sentences(self.reading.text)
        return [
            Said(found[first][0], found[first + more][1], self.reading.text)
            for more in range(NEIGHBOURS)
            for first in range(len(found) - more)
        ]


class Said:
    """What a piece of text says, as far as that can be counted."""

    def __init__(self, start: int, end: int, text: str) -> None:
        self.span = Span(start, end)
        words = Reading(text[start:end]).words
        self.stems = {made for word in words for made in telling(word)}
        self.numbers = numbers(words)
        self.denies = sum(is_negation(word.text) for word in words)


def telling(word: Word) -> tuple[str, ...]:
    """What a word is known by in either language; nothing, if it says little."""
    text = word.text
    if text in STOP_WORDS or is_number(text) or unit_of(text) or not text[0].isalpha():
        return ()
    return tuple(dict.fromkeys(stem(text, language) for language in (Language.GERMAN, Language.ENGLISH)))


@dataclass(frozen=True, slots=True)
class Number:
    text: str
    values: frozenset[str]
    unit: str | None

    def is_among(self, others: Sequence["Number"]) -> bool:
        return any(self.values & other.values and (self.unit is None or self.unit == other.unit) for other in others)


def numbers(words: Sequence[Word]) -> list[Number]:
    """With the unit after, or before it ($ 5, € 5)."""
    made = []
    for at, word in enumerate(words):
        if not is_number(word.text) or word.text in {"einen", "one", "half", "both", "beide"}:
            continue
        after = unit_of(words[at + 1].text) if at + 1 < len(words) else None
        before = unit_of(words[at - 1].text) if at and words[at - 1].text in "€$£¥" else None
        made.append(Number(word.text, values(word.text), after or before))
    return made


def judge(answer: str, passages: Mapping[int, str], *, before_each: Callable[[], None] = lambda: None) -> list[Judged]:
    """`passages` by the numbers that the answer cites them by. `before_each` claim may raise to end it."""
    read = {number: Passage(text) for number, text in passages.items()}
    judged: list[Judged] = []
    for claim in claims(answer):
        before_each()
        judged.append(_judged(claim, read))
    return judged


def _judged(claim: Claim, passages: Mapping[int, Passage]) -> Judged:
    """By what it cites. What cites nothing, or nothing that there is, may stand anywhere."""
    held = {number: passages[number] for number in claim.cited if number in passages} or dict(passages)
    best: Judged | None = None
    for number, passage in held.items():
        judged = _by_words(claim, number, passage)
        literal = _literal(claim, number, passage)
        judged = literal if literal and _order(literal) > _order(judged) else judged
        if best is None or _order(judged) > _order(best):
            best = judged
    if best is None:
        return Judged(claim, Support.NOT_FOUND)
    return _with_quotes(best, held)


_RANKS = [Support.NOT_FOUND, Support.PARTLY, Support.NORMALISED, Support.VERBATIM]


def _order(judged: Judged) -> tuple[int, bool, int]:
    """The better support; then what at least says why it is none; then what lacks fewer words."""
    return _RANKS.index(judged.support), judged.reason is not None, -len(judged.missing)


def _literal(claim: Claim, number: int, passage: Passage) -> Judged | None:
    """The whole claim, word for word; the full stop is the answer's own."""
    evidence = find(claim.text.rstrip(".!… "), passage.reading)
    if not evidence.is_proof:
        return None
    support = Support.VERBATIM if evidence.kind is Exactness.VERBATIM else Support.NORMALISED
    return Judged(claim, support, number, evidence.spans)


def _by_words(claim: Claim, number: int, passage: Passage) -> Judged:
    words = Reading(claim.text).words
    wanted = [(word.text, made) for word in words if (made := telling(word))]
    figures, denies = numbers(words), sum(is_negation(word.text) for word in words)
    best, least = Judged(claim, Support.NOT_FOUND), PARTLY
    for place in passage.places:
        missing = tuple(text for text, made in wanted if not _is_said(made, place.stems))
        share = 1 - len(missing) / len(wanted) if wanted else 0.0
        if share < least:
            continue
        lacking = tuple(
            f"{figure.text} {figure.unit}" if figure.unit else figure.text
            for figure in figures
            if not figure.is_among(place.numbers)
        )
        reason = Matter.NUMBER if lacking else Matter.NEGATION if denies % 2 != place.denies % 2 else None
        support = Support.NOT_FOUND if reason else Support.PARTLY
        judged = Judged(claim, support, number, (place.span,), reason, missing + lacking)
        if _order(judged) > _order(best):
            best = judged
    return best


def _is_said(made: Sequence[str], stems: set[str]) -> bool:
    return any(one in stems for one in made) or any(folded(one) in stems for one in made)


def _with_quotes(judged: Judged, passages: Mapping[int, Passage]) -> Judged:
    """What the answer puts in quotes must be there, whatever the rest of the sentence says."""
    if judged.support in {Support.VERBATIM, Support.NORMALISED}:
        return judged
    quoted = [found[1] for found in _QUOTED.finditer(judged.claim.text) if len(found[1].split()) >= SHORTEST_QUOTE]
    if not quoted:
        return judged
    held = [_best_evidence(text, passages) for text in quoted]
    if not all(evidence.is_proof for _, evidence in held):
        bad = next(evidence for _, evidence in held if not evidence.is_proof)
        missing = tuple(text for text, (_, evidence) in zip(quoted, held, strict=True) if not evidence.is_proof)
        return Judged(judged.claim, Support.NOT_FOUND, judged.passage, judged.spans, bad.reason, missing)
    number, evidence = held[0]
    if judged.support is Support.NOT_FOUND and judged.reason is None:
        return Judged(judged.claim, Support.PARTLY, number, evidence.spans, None, judged.missing)
    return judged


def _best_evidence(text: str, passages: Mapping[int, Passage]) -> tuple[int, Evidence]:
    found = [(number, find(text, passage.reading)) for number, passage in passages.items()]
    return max(found, key=lambda entry: (entry[1].is_proof, entry[1].likeness))
