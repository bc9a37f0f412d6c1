"""Notes of what a request could not say as it was asked, taken while the request is written."""

from kontor.gateway.wire.port import Deed, Feature, Loss

NOT_TAKEN = "not taken there"
SCHEMA_IN_WORDS = (
    "Answer with one JSON value that matches this JSON schema, and with nothing before or after it:\n{schema}"
)


class Losses:
    """Each once, in the order in which they were met."""

    def __init__(self, refused: frozenset[Feature]) -> None:
        self.refused = refused
        self._noted: dict[Loss, None] = {}

    def takes(self, feature: Feature) -> bool:
        """Asked where the feature is wanted: if it is refused there, that is a loss."""
        if feature not in self.refused:
            return True
        self.dropped(feature)
        return False

    def dropped(self, feature: Feature, detail: str = NOT_TAKEN) -> None:
        self._noted[Loss(feature, Deed.DROPPED, detail)] = None

    def changed(self, feature: Feature, detail: str) -> None:
        self._noted[Loss(feature, Deed.CHANGED, detail)] = None

    @property
    def noted(self) -> tuple[Loss, ...]:
        return tuple(self._noted)
