"""The part of a passage that shows why it was found, with its words marked."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kontor.retrieval.reading import Span
from kontor.retrieval.sentences import ends_of_sentences
from kontor.retrieval.words import PREFIX_MARK, TOKEN, Language, lexemes, tokens

LENGTH = 300  # letters
REACH = 120  # so far back for where the sentence begins


@dataclass(frozen=True, slots=True)
class Snippet:
    span: Span  # of the passage
    text: str
    marks: tuple[Span, ...]  # of the snippet


def snippet(text: str, worth: Mapping[str, float], language: Language, *, length: int = LENGTH) -> Snippet:
    """`worth` of the lexemes that were asked for. Where none of them is, the passage's beginning."""
    found = _found(text, worth, language)
    start = _start(text, _best(found, length))
    end = _end(text, start, length)
    marks = tuple(Span(at - start, stop - start) for at, stop, _, _ in found if start <= at and stop <= end)
    return Snippet(Span(start, end), text[start:end], marks)


def _found(text: str, worth: Mapping[str, float], language: Language) -> list[tuple[int, int, str, float]]:
    """Words that count, in their order, each with the lexeme by which it counts most."""
    made = []
    for word in TOKEN.finditer(text):
        known = [lexeme for lexeme in _lexemes(word.group(), language) if lexeme in worth]
        if known:
            best = max(known, key=worth.__getitem__)
            made.append((word.start(), word.end(), best.lstrip(PREFIX_MARK), worth[best]))
    return made


@lru_cache(1 << 14)
def _lexemes(word: str, language: Language) -> tuple[str, ...]:
    """Of thirty passages that are shown most words come again and again."""
    return tuple(lexeme for token in tokens(word) for _, lexeme in lexemes(token, language))


def _best(found: list[tuple[int, int, str, float]], length: int) -> int:
    """Where the window begins that shows the most different words; of several the first."""
    best, most = 0, 0.0
    for index, (start, _, _, _) in enumerate(found):
        shown: dict[str, float] = {}
        for _, stop, lexeme, value in found[index:]:
            if stop - start > length - REACH // 2:
                break
            shown[lexeme] = max(shown.get(lexeme, 0.0), value)
        if sum(shown.values()) > most:
            best, most = start, sum(shown.values())
    return best


def _start(text: str, at: int) -> int:
    """The beginning of the sentence, or of a word not far before."""
    if at <= REACH // 2:
        return len(text) - len(text.lstrip()) if at else 0
    window = max(at - REACH, 0)
    ends = [window + end for end in ends_of_sentences(text[window:at])]
    start = ends[-1] if ends else (0 if window == 0 else text.find(" ", max(at - REACH // 2, 0), at) + 1 or at)
    return start + len(text[start:at]) - len(text[start:at].lstrip())


def _end(text: str, start: int, length: int) -> int:
    if len(text) - start <= length:
        return len(text.rstrip()) if len(text.rstrip()) > start else len(text)
    ends = [start + end for end in ends_of_sentences(text[start : start + length])]
    near = ends[bisect_left(ends, start + length * 2 // 3) : bisect_right(ends, start + length)]
    if near:
        return near[-1]
    space = text.rfind(" ", start, start + length)
    return space if space > start else start + length
