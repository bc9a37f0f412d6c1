"""How fast quotations are found in a text of 300 pages, and how many of those that were disturbed.

python bench/evidence.py [--pages 300] [--quotations 200]
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from kontor.retrieval.evidence import find
from kontor.retrieval.reading import Reading

WORDS_ON_A_PAGE = 450
SYLLABLES = [begin + end for begin in "bdfgklmnprstvz" for end in ("a", "e", "i", "o", "u", "au", "ei", "ü")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--quotations", type=int, default=200)
    options = parser.parse_args()
    random = Random(5)
    words = invented(random, options.pages * WORDS_ON_A_PAGE)
    text = " ".join(words)
    began = time.process_time()
    document = Reading(text)
    read = time.process_time() - began
    found = len(document.places)
    print(
        f"{options.pages} pages, {len(text):,} letters, {found:,} words: read in {read:.2f} s, "
        f"words in {time.process_time() - began - read:.2f} s of a core\n"
    )
    for name, disturb in ways(random, words).items():
        kinds: Counter[str] = Counter()
        took = []
        for _ in range(options.quotations):
            start = random.randrange(len(words) - 60)
            quotation = disturb(words[start : start + random.randint(15, 50)])
            began = time.process_time()
            kinds[find(quotation, document).kind.value] += 1
            took.append((time.process_time() - began) * 1000)
        said = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        print(f"{name:<24} {statistics.mean(took):6.2f} ms, at most {max(took):6.1f} ms   {said}", flush=True)
    return 0


def invented(random: Random, count: int) -> list[str]:
    """As often as in a language: few words very often, most of them rarely; lines and sentences end."""
    vocabulary = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(12_000)]
    drawn = random.choices(vocabulary, [1 / (rank + 10) for rank in range(len(vocabulary))], k=count)
    return [
        str(random.randint(1, 99_999)) if at % 31 == 0 else f"{word}." if at % 13 == 0 else f"{word}\n" if at % 11 == 0
        else word
        for at, word in enumerate(drawn)
    ]  # fmt: skip


def ways(random: Random, words: Sequence[str]) -> dict[str, Callable[[list[str]], str]]:
    def slip(quoted: list[str]) -> str:
        at = random.randrange(3, len(quoted) - 3)
        return " ".join([*quoted[:at], "anders", *quoted[at + 1 :]])

    def figure(quoted: list[str]) -> str:
        text = " ".join(quoted)
        digits = [at for at, letter in enumerate(text) if letter.isdigit()]
        at = random.choice(digits) if digits else 0
        changed = str((int(text[at]) + random.randint(1, 9)) % 10) if digits else "9 "
        return text[:at] + changed + text[at + 1 :]

    return {
        "as it stands": " ".join,
        "case and lines": lambda quoted: " ".join(quoted).replace("\n", "").upper(),
        "middle left out": lambda quoted: " ".join([*quoted[:7], "…", *quoted[-7:]]),
        "one word replaced": slip,
        "one digit changed": figure,
        "from nowhere": lambda quoted: " ".join(random.sample(words, len(quoted))),
    }


if __name__ == "__main__":
    sys.exit(main())
