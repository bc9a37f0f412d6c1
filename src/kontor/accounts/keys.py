"""Key bindings as people set them: `Mod+K`, `App+Shift+W`, `G C` (one after the other), or nothing."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

MODIFIERS = frozenset({"mod", "app", "shift", "alt", "ctrl", "meta"})
NAMED_KEYS = """
    enter escape esc tab space backspace delete insert home end pageup pagedown pgup pgdn arrowup arrowdown arrowleft
    arrowright up down left right plus minus comma period slash f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12
"""
NAMED = frozenset(NAMED_KEYS.split())

# Written with AltGr on German keyboards, so nobody there could press them.
UNREACHABLE = frozenset("[]{}\\|~")
MOST_STROKES = 3


def binding(value: str) -> str:
    if value == "":
        return value
    strokes = value.split(" ")
    if len(strokes) > MOST_STROKES:
        raise ValueError(f"At most {MOST_STROKES} keys follow each other.")
    for stroke in strokes:
        check_stroke(stroke)
    return value


def check_stroke(stroke: str) -> None:
    *modifiers, key = re.split(r"(?<=.)\+(?=.)", stroke)
    words = [word.lower() for word in modifiers]
    if any(word not in MODIFIERS for word in words) or len(set(words)) != len(words):
        raise ValueError("Modifiers are Mod, App, Shift, Alt, Ctrl and Meta, each at most once.")
    if {"ctrl", "alt"} <= set(words):
        raise ValueError("Ctrl and Alt together write characters on many keyboards. Choose another combination.")
    if key.lower() in NAMED:
        return
    if len(key) != 1 or not key.isprintable() or key.isspace():
        raise ValueError("Name one key, such as K, Enter or F2.")
    if key in UNREACHABLE:
        raise ValueError("This character cannot be typed without AltGr on German keyboards.")


Action = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9._:-]{0,79}$")]
Binding = Annotated[str, StringConstraints(max_length=60), AfterValidator(binding)]
