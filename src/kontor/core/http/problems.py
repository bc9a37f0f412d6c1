"""Problem documents (RFC 9457): the one place where errors become answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from kontor.core.errors import FieldProblem, Kind, KontorError
from kontor.core.outage import DatabaseAway, is_outage

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"

STATUS: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PAYMENT_REQUIRED: 402,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.TOO_SLOW: 408,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.STALE: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.RATE_LIMITED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.OUT_OF_SPACE: 507,
}

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Sign in first",
    402: "Not enough balance",
    403: "Not allowed",
    404: "Not found",
    405: "This address does not take that method",
    408: "Too slow",
    409: "In conflict with the present state",
    410: "No longer there",
    412: "Changed by somebody else meanwhile",
    413: "Too large",
    415: "This type is not taken",
    422: "Something in the request is not valid",
    429: "Too many requests",
    500: "Kontor made a mistake",
    503: "Not available right now",
    507: "Out of space",
}


class InvalidRequest(KontorError):
    """For the registry: the code that validation errors carry."""

    kind, code = Kind.UNPROCESSABLE, "http.invalid_request"


class InvalidValue(KontorError):
    """What passed the schema and still cannot be kept: NUL in a text, a number or a date out of all range."""

    kind, code = Kind.UNPROCESSABLE, "http.invalid_value"

    def __init__(self) -> None:
        super().__init__("The request holds a value that cannot be stored, such as a NUL character.")


# 22: a value is at fault. Only the states that a request can cause; a division by zero stays our own mistake.
VALUE_STATES = frozenset({"22000", "22001", "22003", "22007", "22008", "22021", "22P02", "22P05"})


class FieldError(BaseModel):
    field: str
    message: str
    code: str


class Problem(BaseModel):
    """RFC 9457, with our stable `code` and, where fields are at fault, their names."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    errors: list[FieldError] = Field(default_factory=list)


def problem_body(
    status: int,
    code: str,
    detail: str,
    *,
    request_id: str | None = None,
    errors: Sequence[FieldError] = (),
    extra: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    body: dict[str, Any] = dict(extra or {})
    body.update(
        type=f"urn:kontor:problem:{code}",
        title=TITLES.get(status, "Error"),
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        errors=[error.model_dump() for error in errors],
    )
    return body


class ProblemResponse(Response):
    media_type = PROBLEM_TYPE

    def __init__(self, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(orjson.dumps(body), status_code=int(body["status"]), headers=dict(headers or {}))


def problem_of(error: KontorError, *, request_id: str | None = None) -> ProblemResponse:
    """The one place where a domain error becomes an HTTP answer; the rate and size limits use it too."""
    status = STATUS[error.kind]
    errors = (
        [FieldError(field=error.field, message=error.message, code=error.reason)]
        if isinstance(error, FieldProblem)
        else []
    )
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after + 0.499)))
    if status == STATUS[Kind.UNAUTHENTICATED]:
        headers["WWW-Authenticate"] = 'Bearer realm="kontor"'
    body = problem_body(status, error.code, error.message, request_id=request_id, errors=errors, extra=error.details)
    return ProblemResponse(body, headers=headers)


def problems(*errors: type[KontorError]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the errors it answers with, by status, so that the client knows them too."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = by_status.setdefault(STATUS[error.kind], {"model": Problem, "description": ""})
        entry["description"] = ", ".join(filter(None, [entry["description"], f"`{error.code}`"]))
    return by_status


def request_id_of(request: Request) -> str | None:
    found = request.scope.get("kontor.request_id")
    return found if isinstance(found, str) else None


def add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(KontorError)
    async def on_kontor_error(request: Request, error: KontorError) -> Response:
        return problem_of(error, request_id=request_id_of(request))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        # The input itself is not repeated: it may be a password.
        errors = [
            FieldError(field=field_name(item["loc"]), message=str(item["msg"]), code=str(item["type"]))
            for item in error.errors()
        ]
        named = ", ".join(dict.fromkeys(item.field for item in errors))
        body = problem_body(
            422, InvalidRequest.code, f"Please check: {named}.", request_id=request_id_of(request), errors=errors
        )
        return ProblemResponse(body)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        codes = {404: "http.not_found", 405: "http.method_not_allowed", 400: "http.unreadable", 415: "http.unsupported"}
        code = codes.get(error.status_code, f"http.status_{error.status_code}")
        body = problem_body(
            error.status_code, code, TITLES.get(error.status_code, str(error.detail)), request_id=request_id_of(request)
        )
        return ProblemResponse(body, headers=error.headers)

    @app.exception_handler(DBAPIError)
    @app.exception_handler(PoolTimeout)
    @app.exception_handler(OSError)
    async def on_database(request: Request, error: Exception) -> Response:
        known = as_kontor_error(error)
        if known is None:
            raise error
        return problem_of(known, request_id=request_id_of(request))


def as_kontor_error(error: Exception) -> KontorError | None:
    """What an error of the database or the machine means to whoever asked; None when it is a mistake of ours."""
    if isinstance(error, KontorError):
        return error
    if isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")) in VALUE_STATES:
        # The transaction is rolled back, so nothing happened; the log shows which statement should have known better.
        log.warning("http.invalid_value", exc_info=error)
        return InvalidValue()
    # Of the errors of the operating system only those of connections: a missing file is no outage.
    is_connection = isinstance(error, ConnectionError | TimeoutError) or not isinstance(error, OSError)
    if is_connection and is_outage(error):
        log.warning("database.away", reason=type(error).__name__)
        return DatabaseAway()
    return None


def field_name(location: Sequence[object]) -> str:
    """`("body", "items", 0, "name")` becomes `items.0.name`."""
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] in {"body", "query", "path", "header", "cookie"}:
        parts = parts[1:]
    return ".".join(parts) or "body"
