"""Where sentences end, in German and English, without a model: good enough to say what a citation belongs to."""

import re
from itertools import pairwise

from kontor.retrieval.words import STOP_WORDS, plain

_END = re.compile(r"(?P<mark>[.!?…]+)[\"”“»«’')\]]*(?=\s|$)|\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•–]|\d+[.)]|#+|\|)[ \t|])")
_WORD_BEFORE = re.compile(r"(?:^|[\s(\[„“\"'])([^\s(\[„“\"']+)$")
_NEXT = re.compile(r"\s*[\"„“»«‚‘'(\[*_]*(\w+)?")

_ABBREVIATIONS_TEXT = """
abs abschn abt anm art aufl az bd begr bspw bzgl bzw ca co dgl dipl dr ebd etc evtl fa ff fig ggf gem geb hr hrsg
inc inkl insb jh kap lfd lit ltd max mind min mio mr mrd mrs ms nr no op par pp pos prof rn rz sog sp st std str tab
tel ua usw vgl vol vs zb zit zzgl approx cf dept ed eds eq est et al jr sr sec ch gov rev gen sen rep vers resp
allg einschl frz engl dt tsd tel jan feb mär apr jun jul aug sep sept okt oct nov dez dec
"""
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_TEXT.split())


def ends_of_sentences(text: str) -> list[int]:
    """Behind the mark and the quotes that belong to it; the end of the text is not told."""
    return [found.end() for found in _END.finditer(text) if _is_end(text, found)]


def _is_end(text: str, found: re.Match[str]) -> bool:
    mark = found["mark"]
    if mark is None:  # a blank line, an item of a list, a heading
        return True
    following = _NEXT.match(text, found.end())
    word = following[1] if following else None
    if word and word[0].islower() and word.isalpha():
        return False
    if mark != ".":
        return True
    before = _WORD_BEFORE.search(text, max(found.start() - 40, 0), found.start())
    last = before[1] if before else ""
    if last.isdigit() and len(last) <= 2:
        # `am 3. Mai`, `die 2. Auflage`: an ordinal, unless what follows is how sentences begin.
        return word is None or plain(word) in STOP_WORDS
    is_short = len(last.strip(".")) == 1 and last.strip(".").isalpha()
    return not (is_short or plain(last.replace(".", "")) in _ABBREVIATIONS or "." in last.strip("."))


def sentences(text: str) -> list[tuple[int, int]]:
    """Every letter that is not white space is in exactly one of them."""
    edges = [0, *ends_of_sentences(text), len(text)]
    made = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        if piece.strip():
            made.append((start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())))
    return made
