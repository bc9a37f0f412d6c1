"""What the command line says: progress on standard output, trouble on standard error."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the supervisor never loads pydantic; see up.py
    from pydantic import ValidationError

OK, FAILED, USAGE, UNAVAILABLE, MISCONFIGURED = 0, 1, 2, 69, 78


def say(text: str = "") -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has gone; what we do matters more than what we say
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - stays open as long as we live


def complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """`  Database … ready, 0.1 s`. The block may say how it ended, in a word or two."""
    result = ["ready"]
    began = time.monotonic()
    yield lambda words: result.__setitem__(0, words)
    say(f"  {name:<10} {result[0]}, {time.monotonic() - began:.1f} s")


def explain_settings(error: "ValidationError") -> str:
    lines = ["Kontor cannot start, because a setting is wrong:"]
    for found in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in found["loc"]).upper() or "SETTINGS"
        lines.append(f"  {name}: {found['msg']}")
    lines.append("Correct it in the environment; the README lists all settings.")
    return "\n".join(lines)
