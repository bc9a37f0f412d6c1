"""What can go wrong with a run, by name."""

from kontor.core.errors import Kind, KontorError


class RunNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "run.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such run.")


class RunNotOver(KontorError):
    kind, code = Kind.CONFLICT, "run.not_over"

    def __init__(self) -> None:
        super().__init__("This run is still going on. Stop it or wait for its end first.")


class NothingToContinue(KontorError):
    kind, code = Kind.CONFLICT, "run.nothing_to_continue"

    def __init__(self) -> None:
        super().__init__("This run came to its own end. Ask anew instead.")


class KeyReused(KontorError):
    kind, code = Kind.CONFLICT, "run.key_reused"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another question. Choose a new one.")


class Closing(KontorError):
    kind, code = Kind.UNAVAILABLE, "run.closing"

    def __init__(self) -> None:
        super().__init__("This process is about to end and begins nothing new. Try again in a moment.", retry_after=1)


class CostLimitTooLow(KontorError):
    kind, code = Kind.UNPROCESSABLE, "run.cost_limit_too_low"

    def __init__(self, *, needed: str, limit: str) -> None:
        super().__init__(
            f"The question alone would cost about {needed}, more than the limit of {limit}. Raise the limit or shorten "
            "the question.",
            details={"needed": needed, "limit": limit},
        )


class NoModel(KontorError):
    kind, code = Kind.UNAVAILABLE, "run.no_model"

    def __init__(self) -> None:
        super().__init__("No model can answer this right now. Choose another, or ask the administrator.")


class SchemaNotMet(KontorError):
    """Stands in the run: the model was asked twice."""

    kind, code = Kind.UNPROCESSABLE, "run.schema_not_met"

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The model's answer does not fit the schema, also not at the second try: {problem} Its drafts stand in "
            "the run.",
            details={"problem": problem},
        )


class BadSchema(KontorError):
    kind, code = Kind.UNPROCESSABLE, "run.bad_schema"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This is not a JSON schema that can be used: {problem}", details={"problem": problem})
