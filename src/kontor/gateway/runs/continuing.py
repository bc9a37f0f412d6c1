"""Going on where an answer broke off: a new run that knows what was said."""

from collections.abc import Mapping, Sequence
from typing import Any

from kontor.gateway.runs.answers import Answer

GO_ON = (
    "Your last answer was interrupted. It stands above as far as it got. Go on exactly where it stops, in the middle "
    "of the sentence or word if that is where it is. Do not repeat any of it, do not comment, do not apologise."
)


def continued(messages: Sequence[Mapping[str, Any]], answer: Answer, *, takes_prefill: bool) -> list[Mapping[str, Any]]:
    """The question, the part of the answer that there is, and the wish to go on.

    A model that takes an answer's beginning goes on with it by itself; the others are told to.
    """
    partial = answer.text or answer.draft
    if not partial.strip():
        return list(messages)
    said = {"role": "assistant", "content": partial.rstrip() if takes_prefill else partial}
    if takes_prefill:
        return [*messages, said]
    return [*messages, said, {"role": "user", "content": GO_ON}]
