"""What can go wrong when something is searched for or held against its source."""

from kontor.core.errors import Kind, KontorError


class VectorsAway(KontorError):
    kind, code = Kind.UNAVAILABLE, "retrieval.vectors_away"

    def __init__(self, store: str) -> None:
        super().__init__(f"{store}, where vectors are kept, does not answer.")


class VectorsRefused(KontorError):
    kind, code = Kind.UNAVAILABLE, "retrieval.vectors_refused"

    def __init__(self, store: str, *, status: int) -> None:
        super().__init__(f"{store}, where vectors are kept, answered with {status}.", details={"status": status})


class UnknownKind(KontorError):
    kind, code = Kind.UNPROCESSABLE, "search.unknown_kind"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Nothing of the kind {name} can be searched.", details={"known": known})


class EmbeddingFailed(KontorError):
    kind, code = Kind.UNAVAILABLE, "retrieval.embedding_failed"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model} made no vectors: {reason}", details={"model": model})


class ModelTooWide(KontorError):
    kind, code = Kind.UNPROCESSABLE, "retrieval.model_too_wide"

    def __init__(self, model: str, widest: int) -> None:
        super().__init__(f"The vectors of {model} are wider than {widest} numbers.", details={"widest": widest})
