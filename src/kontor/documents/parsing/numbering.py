"""The numbers and marks of lists, which the file does not spell out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from kontor.documents.parsing.markup import attribute, child, local

PLACE = re.compile(r"%(\d)")
BULLET = "•"


@dataclass(frozen=True)
class Level:
    form: str = "bullet"
    pattern: str = ""
    start: int = 1


@dataclass
class Numbering:
    levels: dict[str, dict[int, Level]] = field(default_factory=dict)
    _counts: dict[str, list[int]] = field(default_factory=dict)

    @staticmethod
    def of_word(root: etree._Element) -> "Numbering":
        shapes = {
            attribute(entry, "abstractNumId"): {
                int(attribute(level, "ilvl", "0")): Level(
                    attribute(child(level, "numFmt"), "val", "decimal"),
                    attribute(child(level, "lvlText"), "val"),
                    int(attribute(child(level, "start"), "val", "1")),
                )
                for level in entry
                if local(level) == "lvl" and attribute(level, "ilvl", "0").isdigit()
            }
            for entry in root
            if local(entry) == "abstractNum"
        }
        return Numbering(
            {
                attribute(entry, "numId"): shapes.get(attribute(child(entry, "abstractNumId"), "val"), {})
                for entry in root
                if local(entry) == "num"
            }
        )

    def next(self, name: str, level: int) -> str:
        """What stands before the next entry of this list."""
        levels = self.levels.get(name, {})
        shape = levels.get(level, Level())
        if shape.form == "none":
            return ""
        if shape.form == "bullet":
            return BULLET
        counts = self._counts.setdefault(name, [])
        while len(counts) <= level:
            counts.append(levels.get(len(counts), Level()).start - 1)
        counts[level] += 1
        for deeper in range(level + 1, len(counts)):
            counts[deeper] = levels.get(deeper, Level()).start - 1

        def shown(found: "re.Match[str]") -> str:
            index = int(found[1]) - 1
            if not 0 <= index <= level:
                return ""
            form = levels.get(index, Level()).form
            return FORMS.get(form, str)(max(counts[index], levels.get(index, Level()).start))

        return PLACE.sub(shown, shape.pattern)


def letters(number: int) -> str:
    """a to z, then aa, bb."""
    return chr(97 + (number - 1) % 26) * min(9, (number - 1) // 26 + 1) if number > 0 else ""


def roman(number: int) -> str:
    if not 0 < number < 4_000:
        return str(number)
    found = ""
    for value, sign in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    ):
        found += sign * (number // value)
        number %= value
    return found


FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
}
