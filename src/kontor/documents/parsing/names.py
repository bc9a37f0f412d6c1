"""Sets of words, written as words."""


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())
