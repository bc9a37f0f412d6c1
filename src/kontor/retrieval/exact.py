"""The words that must be the same, whatever else a quotation gets wrong: numbers, negations, units, dates, bounds.

A changed figure makes a quotation no worse spelled and wholly untrue; likeness of letters does not see it.
"""

from collections.abc import Sequence
from enum import StrEnum

from kontor.retrieval.reading import Word


class Matter(StrEnum):
    """What a word is about, where it is one of those."""

    NUMBER = "number"
    NEGATION = "negation"
    UNIT = "unit"
    DATE = "date"
    BOUND = "bound"


_NEGATIONS_TEXT = """
not no none never neither nor nobody nothing nowhere without cannot except unless nicht nichts nie niemals
niemand niemandem niemanden nirgends nirgendwo kein keine keinem keinen keiner keines keins keinerlei
keinesfalls keineswegs weder ohne außer nein nay
"""
_NEGATIONS = frozenset(_NEGATIONS_TEXT.split())
_NUMBER_WORDS = {
    word: value
    for value, words in {
        "0": "zero null",
        "1": "one eins einen",
        "2": "two zwei beide both",
        "3": "three drei",
        "4": "four vier",
        "5": "five fünf",
        "6": "six sechs",
        "7": "seven sieben",
        "8": "eight acht",
        "9": "nine neun",
        "10": "ten zehn",
        "11": "eleven elf",
        "12": "twelve zwölf",
        "14": "fourteen vierzehn",
        "15": "fifteen fünfzehn",
        "20": "twenty zwanzig",
        "30": "thirty dreißig",
        "50": "fifty fünfzig",
        "100": "hundred hundert",
        "1000": "thousand tausend",
        "0.5": "half halb halbe halben halbes hälfte",
    }.items()
    for word in words.split()
}
_UNITS = {
    word: unit
    for unit, words in {
        "%": "% prozent percent",
        "‰": "‰ promille",
        "€": "€ eur euro euros",
        "$": "$ usd dollar dollars",
        "£": "£ gbp pfund pound pounds",
        "chf": "chf franken francs",
        "cent": "cent cents",
        "second": "second seconds sekunde sekunden",
        "minute": "minute minutes minuten min",
        "hour": "hour hours stunde stunden h",
        "day": "day days tag tage tagen tages",
        "workday": "werktag werktage werktagen arbeitstage arbeitstagen",
        "week": "week weeks woche wochen",
        "month": "month months monat monate monaten monats",
        "quarter": "quarter quarters quartal quartale quartalen quartals",
        "year": "year years jahr jahre jahren jahres",
        "mg": "mg",
        "g": "g gram grams gramm",
        "kg": "kg kilo kilogramm kilogram kilograms",
        "t": "t tonne tonnen tonnes tons",
        "mm": "mm",
        "cm": "cm zentimeter",
        "m": "m meter metern metres meters",
        "km": "km kilometer kilometern kilometres kilometers",
        "mile": "mile miles meile meilen",
        "m²": "qm quadratmeter ²",
        "m³": "cbm kubikmeter ³",
        "ml": "ml milliliter",
        "l": "l liter litre litres",
        "°": "° grad degree degrees",
        "w": "w watt",
        "kw": "kw kilowatt",
        "mw": "mw megawatt",
        "kwh": "kwh",
        "mwh": "mwh",
        "v": "v volt",
        "hz": "hz mhz ghz khz",
        "kb": "kb kilobyte",
        "mb": "mb megabyte",
        "gb": "gb gigabyte",
        "tb": "tb terabyte",
        "million": "million millionen millions mio",
        "milliard": "milliarde milliarden mrd billion billions billionen",
    }.items()
    for word in words.split()
}
_ONLY_AFTER_NUMBERS = frozenset(unit for unit in _UNITS if len(unit) == 1 and unit.isalpha()) | {"second", "min"}
_DATES_TEXT = """
januar februar märz april mai juni juli august september oktober november dezember january february march may
june july october december montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag monday
tuesday wednesday thursday friday saturday sunday
"""
_DATES = frozenset(_DATES_TEXT.split())
_BOUNDS_TEXT = """
mindestens höchstens maximal minimal least most more less fewer mehr weniger minimum maximum before after vor
nach above below über unter only nur all alle always immer
"""
_BOUNDS = frozenset(_BOUNDS_TEXT.split())
_NEGATING_BEGINNINGS = ("un", "in", "im", "il", "ir", "non", "dis", "mis", "miss", "nicht", "de", "anti")
_NEGATING_ENDINGS = ("los", "lose", "loser", "loses", "losen", "losem", "less", "frei", "free")
_SYMBOLS = "½¼¾²³"


def matter_of(words: Sequence[Word], place: int) -> Matter | None:
    text = words[place].text
    before = words[place - 1].text if place else ""
    if is_number(text):
        return Matter.NUMBER
    if is_negation(text):
        return Matter.NEGATION
    if text in _UNITS and (text not in _ONLY_AFTER_NUMBERS or is_number(before)):
        return Matter.UNIT
    if text in _DATES:
        return Matter.DATE
    return Matter.BOUND if text in _BOUNDS else None


def is_number(text: str) -> bool:
    return any(letter.isdigit() or letter in _SYMBOLS for letter in text) or text in _NUMBER_WORDS


def is_negation(text: str) -> bool:
    return text in _NEGATIONS or text.endswith("n't")


def turns_round(one: str, other: str) -> bool:
    """Whether one is the other with a syllable that denies it: zulässig and unzulässig, end and endless."""
    short, long = sorted((one, other), key=len)
    if short == long or len(short) < 3:
        return False
    return any(long == begin + short for begin in _NEGATING_BEGINNINGS) or any(
        long == short + end for end in _NEGATING_ENDINGS
    )


def values(text: str) -> frozenset[str]:
    """What a number may mean: 1.234,50 and 1,234.50 are one; 1.234 is one of two."""
    if text in _NUMBER_WORDS:
        return frozenset({_NUMBER_WORDS[text]})
    made = set()
    for point, other in ((".", ","), (",", ".")):
        whole, _, part = text.replace(other, "").partition(point)
        groups = text.partition(point)[0].split(other)
        if all(len(group) == 3 for group in groups[1:]) and point not in part:
            part = part.rstrip("0")
            made.add((whole.lstrip("0") or "0") + (f".{part}" if part else ""))
    return frozenset(made or {text})


def unit_of(text: str) -> str | None:
    return _UNITS.get(text)
