"""Finds a quotation in a document and says how well it is there.

Exactly; or but for white space, case, quotes, dashes and hyphens; or in pieces, where the quotation says so; or nearly,
for a person to look at. Numbers, negations, units, dates and bounds must be the same in every class. What fails there
is `none`, with the reason and the place, because "the document says three" is what somebody wants to see. A quotation
that leaves a "not" standing right beside it is for a person to look at, however exact it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise

from kontor.retrieval.exact import Matter, is_negation, matter_of, turns_round
from kontor.retrieval.reading import Reading, Span, Word
from kontor.retrieval.sentences import ends_of_sentences

LONGEST_QUOTATION = 20_000  # letters
MOST_FUZZY_WORDS = 400
FEWEST_FUZZY_WORDS = 4
LIKE_ENOUGH = 0.85
WORDS_ALIKE = 0.6
MOST_TRIES = 1000  # of a quotation that is everywhere, and nowhere whole
MOST_GAP = 3000  # letters between two pieces of one quotation
FEWEST_LETTERS = 3  # of a piece of an elided one
SEEDS = 12
MOST_PLACES = 200
WINDOWS = 6
WRONG_MATTER = 1.5  # costs more than another word, so that a place with the right figure wins

_ELLIPSIS = re.compile(r"\s*[\[(]\s*…\s*[\])]\s*|\s*…\s*")
_ORNAMENTS = re.compile(r"[\s\"'()\[\]*_,]|[.;:]$")
_OUTER = " \t\r\n\"'“”„‟«»‘’‚‹›"
_SYMBOL_OF_UNIT = re.compile(r"\d\s*(mW|MW|kW|KW|mb|Mb|MB|kB|KB|kb|gb|Gb|GB|mg|Mg|MG|ml|Ml|Wh|kWh|MWh|GWh)\b")


class Exactness(StrEnum):
    VERBATIM = "verbatim"
    NORMALISED = "normalised"
    ELIDED = "elided"
    FUZZY = "fuzzy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    quoted: str
    found: str


@dataclass(frozen=True, slots=True)
class Evidence:
    kind: Exactness
    spans: tuple[Span, ...] = ()  # of `none`: where it would have been
    likeness: float = 0.0
    reason: Matter | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def is_proof(self) -> bool:
        """Without a person's look."""
        return self.kind in {Exactness.VERBATIM, Exactness.NORMALISED, Exactness.ELIDED}


NOTHING = Evidence(Exactness.NONE)


@dataclass(frozen=True, slots=True)
class _Place:
    """In the text as it is compared."""

    start: int
    end: int


def find(quotation: str, document: Reading) -> Evidence:
    wanted = quotation[: LONGEST_QUOTATION + 1].strip(_OUTER)
    if len(wanted) > LONGEST_QUOTATION or not any(letter.isalnum() for letter in wanted):
        return NOTHING
    for search in (_verbatim, _normalised, _elided, _fuzzy):
        evidence = search(wanted, document)
        if evidence is not None:
            return evidence
    return NOTHING


def _verbatim(wanted: str, document: Reading) -> Evidence | None:
    at, tries = document.text.find(wanted), 0
    while at >= 0 and tries < MOST_TRIES:
        span = Span(at, at + len(wanted))
        if _is_whole(document.text, span.start, span.end) and not _cuts_negation(document, _compared(document, span)):
            return Evidence(Exactness.VERBATIM, (span,), 1.0)
        at, tries = document.text.find(wanted, at + 1), tries + 1
    return None


def _compared(document: Reading, span: Span) -> _Place:
    """The other way, from the original to what is compared."""
    return _Place(document.compared(span.start), document.compared(span.end))


def _normalised(wanted: str, document: Reading) -> Evidence | None:
    place, is_cut = _next(Reading(wanted).plain.strip(), document, 0)
    if place is None:
        return None
    span = document.original(place.start, place.end)
    if is_cut:
        return Evidence(Exactness.FUZZY, (span,), 1.0, Matter.NEGATION)
    if _SYMBOL_OF_UNIT.findall(wanted) != _SYMBOL_OF_UNIT.findall(document.text[span.start : span.end]):
        return Evidence(Exactness.NONE, (span,), 1.0, Matter.UNIT)
    return Evidence(Exactness.NORMALISED, (span,), 1.0)


def _next(plain: str, document: Reading, start: int, *, alone: bool = True) -> tuple[_Place | None, bool]:
    """The next whole place; one that cuts a negation off only if there is no other."""
    cut: _Place | None = None
    at, tries = document.plain.find(plain, start), 0
    while at >= 0 and tries < MOST_TRIES:
        place = _Place(at, at + len(plain))
        if _is_whole(document.plain, place.start, place.end):
            if not alone or not _cuts_negation(document, place):
                return place, False
            cut = cut or place
        at, tries = document.plain.find(plain, at + 1), tries + 1
    return cut, cut is not None


def _is_whole(text: str, start: int, end: int) -> bool:
    """Neither end lies inside a word or a number: `5 %` is not in `15 %`, in `1,5 %` or in `-5 %`."""
    first, last = text[start], text[end - 1]
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before and before[-1].isalnum() and first.isalnum():
        return False
    if after and after[0].isalnum() and last.isalnum():
        return False
    if first.isdigit() and before and (before[-1] in "-–−+" or (before[-1] in ".,:/" and before[0].isdigit())):
        return False
    return not (last.isdigit() and len(after) == 2 and after[0] in ".,:/-–" and after[1].isdigit())


def _cuts_negation(document: Reading, place: _Place) -> bool:
    """Whether a word that denies stands right before or after, in the same clause."""
    before, after = document.last_word_before(place.start), document.first_word_after(place.end)
    return (
        before is not None and is_negation(before.text) and _is_joined(document.plain[before.end : place.start])
    ) or (after is not None and is_negation(after.text) and _is_joined(document.plain[place.end : after.start]))


def _is_joined(between: str) -> bool:
    return not between.strip()


def _elided(wanted: str, document: Reading) -> Evidence | None:
    pieces = [piece.strip() for piece in _ELLIPSIS.split(Reading(wanted).plain)]
    pieces = [piece for piece in pieces if any(letter.isalnum() for letter in piece)]
    if len(pieces) < 2 or any(sum(map(str.isalnum, piece)) < FEWEST_LETTERS for piece in pieces):
        return _normalised(pieces[0], document) if len(pieces) == 1 and "…" in Reading(wanted).plain else None
    hidden: Evidence | None = None
    start = 0
    for _ in range(MOST_TRIES):
        places = _in_order(pieces, document, start)
        if places is None:
            return hidden
        spans = tuple(document.original(place.start, place.end) for place in places)
        if not _hides_negation(document, places):
            return Evidence(Exactness.ELIDED, spans, 1.0)
        hidden = hidden or Evidence(Exactness.NONE, spans, 1.0, Matter.NEGATION)
        start = places[0].start + 1
    return hidden


def _in_order(pieces: Sequence[str], document: Reading, start: int) -> list[_Place] | None:
    for _ in range(MOST_TRIES):
        first, _ = _next(pieces[0], document, start, alone=False)
        if first is None:
            return None
        places = [first]
        for piece in pieces[1:]:
            place, _ = _next(piece, document, places[-1].end, alone=False)
            if place is None or place.start - places[-1].end > MOST_GAP:
                break
            places.append(place)
        if len(places) == len(pieces):
            return places
        start = first.start + 1
    return None


def _hides_negation(document: Reading, places: Sequence[_Place]) -> bool:
    """In what is left out of the sentences that are quoted, or right beside the whole."""
    if _cuts_negation(document, _Place(places[0].start, places[-1].end)):
        return True
    for one, other in pairwise(places):
        whole = document.original(one.start, other.start)
        told = [whole.start + end for end in ends_of_sentences(document.text[whole.start : whole.end])]
        ends = [end for at in told if (end := document.compared(at)) >= one.end]
        left_out = [(one.end, ends[0]), (ends[-1], other.start)] if ends else [(one.end, other.start)]
        if any(is_negation(word.text) for start, end in left_out for word in document.words_between(start, end)):
            return True
    return False


def _fuzzy(wanted: str, document: Reading) -> Evidence | None:
    quoted = Reading(wanted).words
    if not FEWEST_FUZZY_WORDS <= len(quoted) <= MOST_FUZZY_WORDS:
        return None
    best: _Aligned | None = None
    for first, last in _windows(quoted, document):
        aligned = _align(quoted, document.words[first:last])
        if best is None or aligned.cost < best.cost:
            best = aligned
    if best is None or best.likeness < LIKE_ENOUGH or not best.found:
        return None
    place = _Place(best.found[0].start, best.found[-1].end)
    span = document.original(place.start, place.end)
    if best.reason:
        return Evidence(Exactness.NONE, (span,), best.likeness, best.reason, best.differences)
    if _cuts_negation(document, place):  # which may be what the first or last word of the quotation reached over
        return Evidence(Exactness.NONE, (span,), best.likeness, Matter.NEGATION, best.differences)
    is_same = _bare(Reading(wanted).plain) == _bare(document.plain[place.start : place.end])
    return Evidence(
        Exactness.NORMALISED if is_same else Exactness.FUZZY, (span,), best.likeness, None, best.differences
    )


def _bare(plain: str) -> str:
    """Without quotes, brackets, commas and emphasis, which many leave out. Numbers have been compared by then."""
    return _ORNAMENTS.sub("", plain)


def _windows(quoted: Sequence[Word], document: Reading) -> Iterator[tuple[int, int]]:
    """Where most of the rarer words stand in the right distance of each other."""
    slack = 4 + len(quoted) // 8
    width = slack + 1
    known = [(len(places), at, places) for at, word in enumerate(quoted) if (places := document.places.get(word.text))]
    votes: Counter[int] = Counter()
    for _, at, places in sorted(known, key=lambda entry: entry[:2])[:SEEDS]:
        for place in places[:MOST_PLACES]:
            votes[(place - at) // width] += 1
    # A quotation may lie across two fields.
    joined = Counter({field: votes[field] + votes[field + 1] for field in {*votes, *(field - 1 for field in votes)}})
    for field, _ in joined.most_common(WINDOWS):
        first = field * width
        yield max(first - slack, 0), min(first + 2 * width + len(quoted) + slack, len(document.words))


@dataclass(frozen=True, slots=True)
class _Aligned:
    cost: float
    likeness: float
    found: Sequence[Word]
    differences: tuple[Difference, ...]
    reason: Matter | None


_LEFT_OUT, _ADDED, _PAIRED = range(3)


def _align(quoted: Sequence[Word], window: Sequence[Word]) -> _Aligned:
    """Word by word, at the least cost; what stands before and after in the window costs nothing."""
    matters_quoted = [matter_of(quoted, at) for at in range(len(quoted))]
    matters_found = [matter_of(window, at) for at in range(len(window))]
    width = len(window) + 1
    row = [0.0] * width
    steps: list[list[int]] = []
    for at, word in enumerate(quoted):
        gone = WRONG_MATTER if matters_quoted[at] else 1.0
        next_row, taken = [row[0] + gone], [_ADDED]
        for other in range(1, width):
            candidate = window[other - 1]
            pair = row[other - 1] + _cost(word.text, candidate.text, matters_quoted[at] or matters_found[other - 1])
            added = row[other] + gone
            left_out = next_row[other - 1] + (WRONG_MATTER if matters_found[other - 1] else 1.0)
            least = min(pair, added, left_out)
            next_row.append(least)
            taken.append(_PAIRED if least == pair else _ADDED if least == added else _LEFT_OUT)
        row = next_row
        steps.append(taken)
    end = min(range(width), key=row.__getitem__)
    return _traced(quoted, window, (matters_quoted, matters_found), steps, end, cost=row[end])


@cache
def _similarity() -> Callable[..., float]:
    """Loaded when two words are first compared: most processes never do."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.normalized_similarity


def _cost(one: str, other: str, matter: Matter | None) -> float:
    if one == other:
        return 0.0
    if matter:
        return WRONG_MATTER
    alike = _similarity()(one, other, score_cutoff=WORDS_ALIKE)
    return 1 - alike if alike else 1.0


def _traced(
    quoted: Sequence[Word],
    window: Sequence[Word],
    matters: tuple[Sequence[Matter | None], Sequence[Matter | None]],
    steps: Sequence[Sequence[int]],
    end: int,
    *,
    cost: float,
) -> _Aligned:
    matters_quoted, matters_found = matters
    reason: Matter | None = None
    differences: list[Difference] = []
    at, other = len(quoted), end
    while at:
        step = steps[at - 1][other]
        one = quoted[at - 1].text if step != _LEFT_OUT else ""
        two = window[other - 1].text if step != _ADDED else ""
        if one != two:
            differences.append(Difference(one, two))
            reason = (
                reason
                or (matters_quoted[at - 1] if one else None)
                or (matters_found[other - 1] if two else None)
                or (Matter.NEGATION if one and two and turns_round(one, two) else None)
            )
        at -= step != _LEFT_OUT
        other -= step != _ADDED
    return _Aligned(
        cost=cost,
        likeness=max(1 - cost / len(quoted), 0.0) if reason is None else _likeness_of_letters(differences, len(quoted)),
        found=window[other:end],
        differences=tuple(reversed(differences)),
        reason=reason,
    )


def _likeness_of_letters(differences: Sequence[Difference], words: int) -> float:
    """As if figures were words like others: a place that differs in one of them alone is worth showing."""
    return max(1 - len(differences) / (words + 3), 0.0)
