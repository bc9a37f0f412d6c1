"""Going on where an answer broke off: a new run that knows what was said."""

from collections.abc import Mapping, Sequence
from typing import Any

GO_ON = (
    "Your last answer was interrupted. It stands above as far as it got. Go on exactly where it stops, in the middle "
    "of the sentence or word if that is where it is. Do not repeat any of it, do not comment, do not apologise."
)


def continued(
    messages: Sequence[Mapping[str, Any]], partial: str, *, takes_prefill: bool
) -> Sequence[Mapping[str, Any]]:
    """The question, the part of the answer that there is, and the wish to go on.

    A model that takes an answer's beginning goes on with it by itself; the others are told to.
    """
    if not partial.strip():
        return messages
    if takes_prefill:
        # Providers refuse a beginning that ends in a space.
        return [*messages, {"role": "assistant", "content": partial.rstrip()}]
    return [*messages, {"role": "assistant", "content": partial}, {"role": "user", "content": GO_ON}]
