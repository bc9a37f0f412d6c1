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
class Query:
    terms: tuple[Term, ...]
    required: tuple[str, ...]  # each a tsquery
    excluded: tuple[str, ...]

    @property
    def filters(self) -> str | None:
        parts = [*self.required, *(f"!({part})" for part in self.excluded)]
        return " & ".join(parts) or None


def parse(text: str) -> Query:
    """Nothing that anybody can type is an error."""
    words: list[Term] = []
    required: list[str] = []
    excluded: list[str] = []
    for piece in _PIECE.finditer(text[:LONGEST_QUESTION]):
        sign, phrase, word = piece["sign"], piece["phrase"], piece["word"]
        found = list(tokens(phrase if phrase is not None else word))
        is_prefix = word is not None and word.endswith("*") and len(word) > SHORTEST_PREFIX and bool(found)
        matched = _matching(found, is_prefix=is_prefix)
        if not matched:
            continue
        if sign == "-":
            excluded.append(matched)
            continue
        if sign == "+" or phrase is not None:
            required.append(matched)
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


def _matching(found: Iterable[Token], *, is_prefix: bool) -> str:
    """A tsquery for exactly this sequence of words, in any of the languages."""
    words = [part for token in found for part in token.parts]
    made = ["(" + " | ".join(quoted(lexeme) for lexeme in _stems(word)) + ")" for word in words]
    if is_prefix and words:
        made[-1] = quoted(stem(words[-1], Language.OTHER)) + ":*"
    return "(" + " <-> ".join(made) + ")" if made else ""
