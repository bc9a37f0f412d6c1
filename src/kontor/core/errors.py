"""What can go wrong, in the domain's words. HTTP is mentioned nowhere here: `core.http` maps kinds to statuses."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

Detail = str | int | float | bool | None | list[str]


class Kind(StrEnum):
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    STALE = "stale"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    UNSUPPORTED = "unsupported"
    UNPROCESSABLE = "unprocessable"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    OUT_OF_SPACE = "out_of_space"


registry: dict[str, type["KontorError"]] = {}


class KontorError(Exception):
    """An error with a stable code. Its message names the thing and the way out, and holds no secret."""

    kind: ClassVar[Kind]
    code: ClassVar[str]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if code is None:
            return
        known = registry.setdefault(code, cls)
        if known is not cls and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"The error code {code} is taken by {known.__qualname__}.")

    def __init__(
        self, message: str, *, details: Mapping[str, Detail] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Detail] = details or {}
        self.retry_after = retry_after


class FieldProblem(KontorError):
    """A value that a person gave and that cannot be used; names the field."""

    kind, code = Kind.UNPROCESSABLE, "http.invalid_field"

    def __init__(self, field: str, message: str, *, reason: str = "invalid") -> None:
        super().__init__(message, details={"field": field, "reason": reason})
        self.field = field
        self.reason = reason
