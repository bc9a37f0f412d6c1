"""From text to the lexemes that are searched for, the same for passages and for questions.

PostgreSQL keeps and finds them; making them is ours, because the stems of its own dictionaries change between versions,
and an index would then disagree with its questions. Every word is kept, stop words too: without them no phrase holds.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from snowballstemmer.basestemmer import BaseStemmer  # type: ignore[import-untyped]  # it has no types


class Language(StrEnum):
    GERMAN = "de"
    ENGLISH = "en"
    OTHER = "und"  # searched without stems


# Letters and digits, with what may stand inside a word and is no part of it: marks of their own, soft hyphens.
_WORD = r"[^\W_][^\W_\u00ad\u0300-\u036f]*(?:[\u00ad\u0300-\u036f]+[^\W_]*)*"
# A number keeps its points and commas; words joined by a hyphen or an apostrophe stand together.
TOKEN = re.compile(rf"\d+(?:[.,:]\d+)+|{_WORD}(?:[-\u2010\u2011'’]{_WORD})*")
_PARTS = re.compile(_WORD)

LONGEST_LEXEME = 64  # letters; what is longer is no word
LAST_POSITION = 16_383  # of PostgreSQL's
MOST_POSITIONS = 255
PREFIX = 5
# Stands before the beginnings of German words, which no token can contain.
PREFIX_MARK = "~"
SURE_OF_LANGUAGE = 2
MARK_LENGTH = 4
_MARK_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    parts: tuple[str, ...]  # in plain letters; several where a hyphen joins them
    joined: str


@dataclass(frozen=True, slots=True)
class Indexed:
    vector: str  # a tsvector as PostgreSQL reads it
    words: int
    lexemes: frozenset[str]


def tokens(text: str) -> Iterator[Token]:
    for found in TOKEN.finditer(text):
        raw = found.group()
        parts = tuple(plain(part) for part in _PARTS.findall(raw))
        if parts:
            yield Token(found.start(), found.end(), parts, plain(raw) if raw[0].isdigit() else "".join(parts))


def plain(word: str) -> str:
    """One spelling: small letters, no ligatures, ß as ss; umlauts stay, because the stem needs them."""
    return unicodedata.normalize("NFKC", word).casefold().replace("\u00ad", "")[:LONGEST_LEXEME]


def folded(word: str) -> str:
    """Without marks above and below: é as e, ü as u."""
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@lru_cache(1 << 16)
def stem(word: str, language: Language) -> str:
    """Of a plain word. Mueller, Müller and Muller are one in German; a number is itself."""
    if language is Language.OTHER or not word.isalpha():
        return folded(word)
    # The stemmer reads ae as ä where that can be; it wants composed letters.
    return folded(_stemmer(language).stemWord(unicodedata.normalize("NFC", word)))


@cache
def _stemmer(language: Language) -> "BaseStemmer":
    if language is Language.GERMAN:
        from snowballstemmer.german_stemmer import GermanStemmer  # type: ignore[import-untyped]  # it has no types

        return GermanStemmer()
    from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[import-untyped]  # it has no types

    return EnglishStemmer()


def beginning(word: str, language: Language) -> str | None:
    """German inflects, derives and compounds to the right; five letters bring together what stems keep apart."""
    if language is not Language.GERMAN or len(word) <= PREFIX or not word.isalpha():
        return None
    return PREFIX_MARK + folded(word)[:PREFIX]


def lexemes(token: Token, language: Language) -> Iterator[tuple[int, str]]:
    """With their place after the token's first."""
    for place, part in enumerate(token.parts):
        yield place, stem(part, language)
        short = beginning(part, language)
        if short:
            yield place, short
    if len(token.parts) > 1:
        yield 0, stem(token.joined, language)


def mark_of(project_id: UUID) -> str:
    """Stands before each lexeme of a project in the index, which so has lists of hardly more than one project. That
    two projects have the same one is rare and does no harm: who is asked is said beside it."""
    return "".join(_MARK_LETTERS[project_id.int >> 5 * place & 31] for place in range(MARK_LENGTH))


def indexed(text: str, language: Language, *, mark: str = "") -> Indexed:
    places: dict[str, list[int]] = {}
    position = words = 0
    for token in tokens(text):
        for place, lexeme in lexemes(token, language):
            at = places.setdefault(lexeme, [])
            if len(at) < MOST_POSITIONS:
                at.append(min(position + place + 1, LAST_POSITION))
        position += len(token.parts)
        words += len(token.parts)
    vector = " ".join(f"{quoted(mark + lexeme)}:{','.join(map(str, at))}" for lexeme, at in places.items())
    return Indexed(vector, words, frozenset(places))


def quoted(lexeme: str) -> str:
    """As PostgreSQL reads it in a tsvector or a tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


_GERMAN = """
ab aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei
beim bin bis bist da damit dann das dass dein deine deinem deinen deiner dem den denn der deren des dessen die dies
diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas euch euer für
gegen gibt hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in indem
ins ist jede jedem jeden jeder jedes jene jenem jenen jener jenes kann kein keine keinem keinen keiner können könnte
machen man manche mein meine meinem meinen meiner mich mir mit muss musste nach nicht nichts noch nun nur ob oder
ohne sehr sein seine seinem seinen seiner seit selbst sich sie sind so solche soll sollte sondern sonst über um und
uns unser unsere unter viel vom von vor während war waren warst was weg weil weiter welche welchem welchen welcher
welches wenn wer werde werden wie wieder will wir wird wirst wo wollen wurde wurden würde zu zum zur zwar zwischen
"""
_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being below between
both but by can could did do does doing down during each few for from further had has have having he her here hers
him his how i if in into is it its just me more most my no nor not of off on once only or other our out over own
same she should so some such than that the their them then there these they this those through to too under until up
very was we were what when where which while who whom why will with would you your
"""
GERMAN_STOP_WORDS = frozenset(map(plain, _GERMAN.split()))
ENGLISH_STOP_WORDS = frozenset(map(plain, _ENGLISH.split()))
STOP_WORDS = GERMAN_STOP_WORDS | ENGLISH_STOP_WORDS
_ONLY_GERMAN = GERMAN_STOP_WORDS - ENGLISH_STOP_WORDS
_ONLY_ENGLISH = ENGLISH_STOP_WORDS - GERMAN_STOP_WORDS


def language_of(text: str, *, otherwise: Language = Language.OTHER, first: int = 4000) -> Language:
    """By the small words that only one of the two has. Too few of them: what the document as a whole is in."""
    german = english = 0
    for found in _PARTS.finditer(text[:first]):
        word = plain(found.group())
        german += word in _ONLY_GERMAN
        english += word in _ONLY_ENGLISH
    if max(german, english) < SURE_OF_LANGUAGE or min(german, english) * 2 > max(german, english):
        return otherwise
    return Language.GERMAN if german > english else Language.ENGLISH


def fertility(pieces: Sequence[int], words: Sequence[int]) -> float:
    """Word pieces that the embedding model makes of a word: about 1.2 in what it was trained on, 2.2 in German."""
    return sum(pieces) / total if (total := sum(words)) else 1.0
