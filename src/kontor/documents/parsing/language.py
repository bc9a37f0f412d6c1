"""German, English or another language, by the words that every text has."""

import re
from collections import Counter
from typing import Literal

from kontor.documents.parsing.names import names

Language = Literal["de", "en", "other"]

GERMAN = names(
    "der die das und ist nicht ein eine einen einem einer zu den dem des mit von für auf im in sich auch als an es "
    "wird werden sind war bei nach oder aus wie wir ich sie er ihr ihre durch zum zur nur noch über aber so dass kann "
    "hat haben wenn vor unter sein diese dieser dieses mehr wurde man am um bis keine kein"
)
ENGLISH = names(
    "the of and to in a is that it for as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will more no if out so what up its about into "
    "than them can only other new some could these two may then do first any my such"
)
WORD = re.compile(r"[^\W\d_]+")
SAMPLE = 60_000  # characters, from three places
LEAST_SHARE = 0.10  # of the words; about 0.35 in running text, 0.15 in lists
LEAST_WORDS = 3


def language_of(text: str) -> Language:
    counted = Counter(word.lower() for word in WORD.findall(sample(text)))
    total = sum(counted.values())
    german = sum(number for word, number in counted.items() if word in GERMAN)
    english = sum(number for word, number in counted.items() if word in ENGLISH)
    # Letters that English does not have speak for German, where both are short of words: titles, forms, tables.
    german += sum(number for word, number in counted.items() if word not in GERMAN and any(c in "äöüß" for c in word))
    best = max(german, english)
    if best < LEAST_WORDS or best < LEAST_SHARE * total or german == english:
        return "other"
    return "de" if german > english else "en"


def sample(text: str) -> str:
    if len(text) <= SAMPLE:
        return text
    part = SAMPLE // 3
    middle = len(text) // 2
    return text[:part] + " " + text[middle : middle + part] + " " + text[-part:]
