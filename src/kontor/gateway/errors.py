"""What can go wrong between us and a model. Raised before anything was said; afterwards it ends the stream as `Failed`.

Each text says what happened and what to do. Keys and what people wrote stand in none of them; a provider's own words
are cut short and shown only to whoever asked.
"""

from collections.abc import Mapping
from typing import Literal

from kontor.core.errors import Detail, Kind, KontorError
from kontor.gateway.wire.faults import Fault
from kontor.gateway.wire.port import Failed

LONGEST_QUOTE = 300
NOTHING_CHARGED = "Nothing was charged."

Phase = Literal["queue", "connect", "first_byte", "idle", "total"]


class GatewayError(KontorError):
    """`can_fall_back`: another provider or key may do better. `is_passing`: the same one may, a little later.

    `counts`: it speaks against the provider's health, so the circuit breaker takes note of it.
    """

    kind = Kind.UNAVAILABLE
    can_fall_back = True
    is_passing = False
    counts = False

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Detail] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{message} {NOTHING_CHARGED}", details=details, retry_after=retry_after)
        self.bare_message = message  # for when something was said, and paid for, before it


class ProviderUnreachable(GatewayError):
    code = "gateway.provider_unreachable"
    is_passing = counts = True

    def __init__(self, provider: str, *, reason: str) -> None:
        super().__init__(
            f"{provider} cannot be reached ({reason}). Check its address and whether it runs, or choose another model.",
            details={"provider": provider, "reason": reason},
        )


class ProviderBusy(GatewayError):
    """The provider's own limit of requests, or our queue before it."""

    kind, code = Kind.RATE_LIMITED, "gateway.provider_busy"
    is_passing = True

    def __init__(self, provider: str, *, retry_after: float | None = None, said: str = "") -> None:
        wait = "in a moment" if retry_after is None else f"in {retry_after:.0f} seconds"
        super().__init__(
            f"{provider} takes no more requests right now{quoted(said)}. Try again {wait}, or choose another model.",
            details={"provider": provider, "retry_after_seconds": retry_after},
            retry_after=retry_after,
        )
        # A provider that names a time is left alone until then; one that only says no may take the next request.
        self.counts = retry_after is not None


class ProviderFailed(GatewayError):
    code = "gateway.provider_failed"
    is_passing = counts = True

    def __init__(
        self, provider: str, *, status: int | None = None, said: str = "", retry_after: float | None = None
    ) -> None:
        with_status = "" if status is None else f" (status {status})"
        super().__init__(
            f"{provider} failed{with_status}{quoted(said)}. Try again, or choose another model.",
            details={"provider": provider, "status": status},
            retry_after=retry_after,
        )


class BadAnswer(GatewayError):
    """It speaks, but not as its protocol has it: a web page, broken JSON, a line without an end."""

    code = "gateway.bad_answer"
    counts = True

    def __init__(self, provider: str, *, reason: str) -> None:
        super().__init__(
            f"{provider} answered in a way that cannot be used ({reason}). Check its address and protocol.",
            details={"provider": provider, "reason": reason},
        )


class AnswerTooLarge(GatewayError):
    code = "gateway.answer_too_large"

    def __init__(self, provider: str, *, limit_bytes: int) -> None:
        super().__init__(
            f"{provider} sent more than {limit_bytes} bytes in one answer, which is not taken. Ask for less.",
            details={"provider": provider, "limit_bytes": limit_bytes},
        )


class KeyRefused(GatewayError):
    kind, code = Kind.UNPROCESSABLE, "gateway.key_refused"

    def __init__(self, provider: str, *, status: int | None = None) -> None:
        super().__init__(
            f"{provider} does not accept the key. Enter a valid one, or check what the key is allowed to do.",
            details={"provider": provider, "status": status},
        )


class AccountEmpty(GatewayError):
    """The account at the provider, not the person's balance here."""

    kind, code = Kind.UNPROCESSABLE, "gateway.account_empty"

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"The account at {provider} has no credit left. Whoever owns the key can top it up there.",
            details={"provider": provider},
        )


class ModelNotFound(GatewayError):
    kind, code = Kind.UNPROCESSABLE, "gateway.model_not_found"

    def __init__(self, provider: str, *, model: str) -> None:
        super().__init__(
            f"{provider} has no model “{model}” for this key. Refresh its list of models, or choose another one.",
            details={"provider": provider, "model": model},
        )


class ContextTooLong(GatewayError):
    kind, code = Kind.UNPROCESSABLE, "gateway.context_too_long"

    def __init__(self, provider: str, *, model: str, said: str = "") -> None:
        super().__init__(
            f"The request is too long for {model}{quoted(said)}. Shorten it, or choose a model that holds more.",
            details={"provider": provider, "model": model},
        )


class RefusedByProvider(GatewayError):
    """The request itself is at fault, so no other provider and no repetition would help."""

    kind, code = Kind.UNPROCESSABLE, "gateway.refused_by_provider"
    can_fall_back = False

    def __init__(self, provider: str, *, status: int | None = None, said: str = "") -> None:
        super().__init__(
            f"{provider} refused the request{quoted(said)}. Change the request or its parameters.",
            details={"provider": provider, "status": status},
        )


class TimedOut(GatewayError):
    code = "gateway.timed_out"

    def __init__(self, provider: str, *, phase: Phase, seconds: float) -> None:
        super().__init__(
            f"{provider} {WAITED[phase]} {seconds:g} seconds. Try again, or choose another model.",
            details={"provider": provider, "phase": phase, "seconds": seconds},
        )
        self.phase = phase
        # Whoever was not connected was asked nothing. Later on, a repetition might be paid twice.
        self.is_passing = phase == "connect"
        self.counts = phase != "queue"


WAITED: Mapping[Phase, str] = {
    "queue": "had no free place within",
    "connect": "could not be connected to within",
    "first_byte": "said nothing within",
    "idle": "fell silent for",
    "total": "did not finish within",
}


class CircuitOpen(GatewayError):
    code = "gateway.circuit_open"

    def __init__(self, provider: str, *, model: str, retry_after: float) -> None:
        super().__init__(
            f"{provider} failed too often just now and is left alone for {retry_after:.0f} seconds. "
            "Try again then, or choose another model.",
            details={"provider": provider, "model": model, "retry_after_seconds": retry_after},
            retry_after=retry_after,
        )


class Cut(GatewayError):
    """The answer ended without an end."""

    code = "gateway.cut"
    is_passing = counts = True

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"{provider} broke off its answer. Try again, or choose another model.", details={"provider": provider}
        )


def quoted(said: str) -> str:
    said = " ".join(said.split())
    if not said:
        return ""
    return f": “{said[:LONGEST_QUOTE]}…”" if len(said) > LONGEST_QUOTE else f": “{said.rstrip('.')}”"


def error_of(failed: Failed, *, provider: str, model: str, retry_after: float | None = None) -> GatewayError:
    """A provider's refusal, as people are told of it. What it means was decided where its protocol is known."""
    status, said = failed.status, failed.message
    made: GatewayError
    match failed.code:
        case Fault.KEY_REFUSED:
            made = KeyRefused(provider, status=status)
        case Fault.ACCOUNT_EMPTY:
            made = AccountEmpty(provider)
        case Fault.MODEL_NOT_FOUND:
            made = ModelNotFound(provider, model=model)
        case Fault.CONTEXT_TOO_LONG:
            made = ContextTooLong(provider, model=model, said=said)
        case Fault.REFUSED:
            made = RefusedByProvider(provider, status=status, said=said)
        case Fault.BUSY:
            made = ProviderBusy(provider, retry_after=retry_after, said=said)
            # A limit of one's own is 429. Anything above is the provider's own weakness.
            made.counts = made.counts or (status or 0) >= 500
        case Fault.BAD_ANSWER:
            made = BadAnswer(provider, reason=said.rstrip("."))
        case _:
            made = ProviderFailed(provider, status=status, said=said, retry_after=retry_after)
    made.is_passing = made.is_passing and failed.is_passing
    return made
