"""What somebody typed into the search field, read.

notice period          any of the words, the more and the rarer the better
"notice period"        this phrase, required
+notice                this word, required
-draft  -"first draft" without it
contract*              every word that begins so
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kontor.retrieval.words import STOP_WORDS, Language, Token, beginning, quoted, stem, tokens

LONGEST_QUESTION = 2000  # letters; a question, no document
MOST_TERMS = 24
SHORTEST_PREFIX = 2
LANGUAGES = (Language.GERMAN, Language.ENGLISH)

_PIECE = re.compile(r"""(?P<sign>(?<!\S)[+-])?(?:["„“”«»](?P<phrase>[^"„“”«»]*)["“”«»]|(?P<word>[^\s"„“”«»]+))""")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked for: the lexemes that count as it, each as good as its weight."""

    text: str
    lexemes: Mapping[str, float]
    weight: float = 1.0
    prefix: str | None = None
    # Stems whose compounds count too, and which may be compounds themselves.
    german: str | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Exactly this sequence of words, each in any of the languages."""

    words: tuple[tuple[str, ...], ...]
    is_prefix: bool  # the last one

    def tsquery(self, mark: str) -> str:
        made = ["(" + " | ".join(quoted(mark + lexeme) for lexeme in word) + ")" for word in self.words]
        if self.is_prefix:
            made[-1] = quoted(mark + self.words[-1][0]) + ":*"
        return "(" + " <-> ".join(made) + ")"


@dataclass(frozen=True, slots=True)
class Query:
    terms: tuple[Term, ...]
    required: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]

    def filters(self, mark: str) -> str | None:
        parts = [part.tsquery(mark) for part in self.required]
        parts += [f"!({part.tsquery(mark)})" for part in self.excluded]
        return " & ".join(parts) or None


def parse(text: str) -> Query:
    """Nothing that anybody can type is an error."""
    words: list[Term] = []
    required: list[Phrase] = []
    excluded: list[Phrase] = []
    for piece in _PIECE.finditer(text[:LONGEST_QUESTION]):
        sign, phrase, word = piece["sign"], piece["phrase"], piece["word"]
        found = list(tokens(phrase if phrase is not None else word))
        is_prefix = word is not None and word.endswith("*") and len(word) > SHORTEST_PREFIX and bool(found)
        if not found:
            continue
        if sign == "-":
            excluded.append(_phrase(found, is_prefix=is_prefix))
            continue
        if sign == "+" or phrase is not None:
            required.append(_phrase(found, is_prefix=is_prefix))
        words += _terms(found, is_prefix=is_prefix)
    unique = list({term.text: term for term in words}.values())
    telling = [term for term in unique if term.text not in STOP_WORDS]
    return Query(tuple((telling or unique)[:MOST_TERMS]), tuple(required), tuple(excluded))


def _terms(found: Sequence[Token], *, is_prefix: bool) -> list[Term]:
    made = [Term(part, _stems(part), german=stem(part, Language.GERMAN)) for token in found for part in token.parts]
    made += [Term(token.joined, _stems(token.joined)) for token in found if len(token.parts) > 1]
    if is_prefix and made:
        last = made[-1]
        made[-1] = Term(f"{last.text}*", last.lexemes, prefix=stem(last.text, Language.OTHER))
        return made
    return made + [
        Term(short, {short: 1.0}) for term in made if (short := beginning(term.text, Language.GERMAN)) is not None
    ]


def _stems(word: str) -> dict[str, float]:
    return dict.fromkeys([*(stem(word, language) for language in LANGUAGES), stem(word, Language.OTHER)], 1.0)


def _phrase(found: Iterable[Token], *, is_prefix: bool) -> Phrase:
    words = [part for token in found for part in token.parts]
    made = [tuple(_stems(word)) for word in words]
    if is_prefix:
        made[-1] = (stem(words[-1], Language.OTHER),)
    return Phrase(tuple(made), is_prefix)
