"""Takes German compounds apart with the words that the documents themselves use.

No list of words is shipped. `Krankenhausverwaltung` falls into `Krankenhaus` and `Verwaltung` where both are words of
the same project; so what is found gets better as documents come in, and nothing has to be indexed anew: the parts are
kept beside the statistics, and a question for `Verwaltung` is widened by the compounds that contain it.
"""

from collections.abc import Mapping
from functools import lru_cache

SHORTEST_PART = 4
SHORTEST_LAST = 3  # Bau, Amt, Rat, Weg: the last part is the word that the whole is a kind of
SHORTEST_COMPOUND = 9
MOST_PARTS = 4
FEWEST_PASSAGES = 2  # a word that occurs once is as often a slip as a word
# What German puts between two parts. `e` and `er` are endings of plurals (Hund-e-hütte, Kind-er-garten), and the last
# ones what the stem of a part has lost (Kündigung is `kundig`, in Kündig-ungs-frist as well).
LINKS = ("", "s", "es", "n", "en", "er", "e", "ns", "ens", "ung", "ungs", "heits", "keits")


def split(word: str, vocabulary: Mapping[str, int]) -> tuple[str, ...]:
    """The parts of a stem, or none. Of several ways the one with the fewest parts, then the one of commoner words.

    `vocabulary` is in how many passages each stem occurs.
    """
    if len(word) < SHORTEST_COMPOUND or not word.isalpha():
        return ()

    def is_part(candidate: str) -> bool:
        return vocabulary.get(candidate, 0) >= FEWEST_PASSAGES

    @lru_cache(None)
    def best(start: int, left: int) -> tuple[float, tuple[str, ...]] | None:
        rest = word[start:]
        ways: list[tuple[float, tuple[str, ...]]] = []
        if start and len(rest) >= SHORTEST_LAST and is_part(rest):
            ways.append((1 / vocabulary[rest], (rest,)))
        if left > 1:
            for end in range(start + SHORTEST_PART, len(word) - SHORTEST_LAST + 1):
                part = word[start:end]
                if not is_part(part):
                    continue
                for link in LINKS:
                    if word.startswith(link, end) and (after := best(end + len(link), left - 1)):
                        ways.append((after[0] + 1 / vocabulary[part] + bool(link) / 100, (part, *after[1])))
        return min(ways, key=lambda way: (len(way[1]), way[0]), default=None)

    found = best(0, MOST_PARTS)
    return found[1] if found else ()


def pieces_of(word: str) -> set[str]:
    """What `split` may ask the vocabulary about."""
    if len(word) < SHORTEST_COMPOUND or not word.isalpha():
        return set()
    inner = {word[start:end] for start in range(len(word)) for end in range(start + SHORTEST_PART, len(word))}
    return inner | {word[start:] for start in range(1, len(word) - SHORTEST_LAST + 1)}


def compounds(vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """Each part with each word of the vocabulary that contains it: what is kept beside the statistics."""
    return [(part, word) for word in vocabulary for part in dict.fromkeys(split(word, vocabulary))]
