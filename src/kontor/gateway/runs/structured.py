"""Answers that are to fit a JSON schema: the check, the one repair that needs no model, and the words of a second try.

A schema comes from outside. Nothing is fetched for it, and its patterns run in linear time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from kontor.gateway.runs.errors import BadSchema

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

MOST_PROBLEMS = 5
LONGEST_PROBLEM = 300

_FENCE = re.compile(r"```[a-zA-Z0-9_-]*\n?(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fit:
    text: str  # the answer as JSON, as it was given where it needed no repair
    is_repaired: bool


@dataclass(frozen=True, slots=True)
class Misfit:
    problem: str


class Checker:
    """One schema, compiled."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = _compiled(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))

    def look(self, answer: str) -> Fit | Misfit:
        """As it is, or repaired; otherwise what is wrong with the best reading of it."""
        problem = "There is no JSON in it."
        for number, candidate in enumerate(readings(answer)):
            try:
                value = orjson.loads(candidate)
            except orjson.JSONDecodeError as reason:
                if number == 0:
                    problem = f"It is not JSON: {reason}."
                continue
            found = self._problems(value)
            if not found:
                return Fit(candidate, is_repaired=number > 0)
            problem = found
        return Misfit(problem)

    def _problems(self, value: object) -> str:
        lines = []
        for error in self._validator.iter_errors(value):
            place = "/".join(map(str, error.instance_path))
            lines.append(f"{'/' + place}: {error.message}"[:LONGEST_PROBLEM])
            if len(lines) == MOST_PROBLEMS:
                break
        return "\n".join(lines)


@lru_cache(maxsize=64)
def _compiled(schema: bytes) -> "Draft202012Validator":
    # Ten megabytes of a library that only answers with a schema need.
    from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

    try:
        return Draft202012Validator(orjson.loads(schema), offline=True, pattern_options=RegexOptions())
    except (ValidationError, ValueError) as reason:
        raise BadSchema(str(reason).splitlines()[0][:LONGEST_PROBLEM]) from reason


def readings(answer: str) -> Sequence[str]:
    """What the answer may have meant, the most faithful first: as it is, unwrapped, cut out, without stray commas."""
    whole = answer.strip()
    found = [whole]
    found += [match.strip() for match in _FENCE.findall(whole)]
    begin = min((place for place in (whole.find("{"), whole.find("[")) if place >= 0), default=-1)
    end = max(whole.rfind("}"), whole.rfind("]"))
    if 0 <= begin < end:
        found.append(whole[begin : end + 1])
    found += [without_stray_commas(each) for each in found[-1:]]
    return list(dict.fromkeys(found))


def without_stray_commas(text: str) -> str:
    """Commas before a closing bracket, outside of strings."""
    kept: list[str] = []
    is_in_string = is_escaped = False
    for letter in text:
        if is_in_string:
            is_in_string = is_escaped or letter != '"'
            is_escaped = letter == "\\" and not is_escaped
        elif letter == '"':
            is_in_string = True
        elif letter in "}]":
            while kept and kept[-1].isspace():
                kept.pop()
            if kept and kept[-1] == ",":
                kept.pop()
        kept.append(letter)
    return "".join(kept)


def second_try(
    messages: Sequence[Mapping[str, Any]], answer: str, problem: str, schema: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The conversation so far, the answer, and what was wrong with it."""
    return [
        *messages,
        {"role": "assistant", "content": answer or "(no answer)"},
        {
            "role": "user",
            "content": (
                "Your answer does not fit the schema that was asked for.\n\n"
                f"What is wrong:\n{problem}\n\n"
                f"The schema:\n{orjson.dumps(schema).decode()}\n\n"
                "Answer again with the corrected JSON alone, without any other word and without a code block."
            ),
        },
    ]
