"""Our errors in OpenAI's shape, as its clients expect them: they sort by status, and people read `code` and `type`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kontor.core.errors import Kind, registry
from kontor.core.http.problems import STATUS

JSON = Any


class Shown(NamedTuple):
    status: int
    type: str
    code: str | None


BY_CODE: Mapping[str, Shown] = {
    "auth.scope_required": Shown(403, "invalid_request_error", "insufficient_permissions"),
    "gateway.context_too_long": Shown(400, "invalid_request_error", "context_length_exceeded"),
    "gateway.model_not_found": Shown(404, "invalid_request_error", "model_not_found"),
    "gateway.model_unknown": Shown(404, "invalid_request_error", "model_not_found"),
    "gateway.model_unfit": Shown(400, "invalid_request_error", "model_unfit"),
    "gateway.key_missing": Shown(400, "invalid_request_error", "provider_key_missing"),
    # Of the house or the person at the provider, not of the token that was sent to us.
    "gateway.key_refused": Shown(502, "server_error", "provider_key_refused"),
    "gateway.account_empty": Shown(502, "server_error", "provider_account_empty"),
    "gateway.provider_busy": Shown(429, "requests", "rate_limit_exceeded"),
    "billing.price_missing": Shown(400, "invalid_request_error", "model_unpriced"),
}
BY_STATUS: Mapping[int, Shown] = {
    400: Shown(400, "invalid_request_error", None),
    401: Shown(401, "invalid_request_error", "invalid_api_key"),
    # Their word for it, which their clients explain; that waiting does not help is said in a header.
    402: Shown(429, "insufficient_quota", "insufficient_quota"),
    403: Shown(403, "invalid_request_error", "insufficient_permissions"),
    404: Shown(404, "invalid_request_error", "not_found"),
    405: Shown(405, "invalid_request_error", "method_not_supported"),
    409: Shown(409, "invalid_request_error", "conflict"),
    413: Shown(413, "invalid_request_error", "request_too_large"),
    415: Shown(400, "invalid_request_error", None),
    422: Shown(400, "invalid_request_error", None),
    429: Shown(429, "requests", "rate_limit_exceeded"),
}
FAILED = Shown(500, "server_error", "server_error")
# Fields of a problem document that stand elsewhere in their shape, or nowhere.
OURS = frozenset({"type", "title", "status", "code", "detail", "request_id", "errors", "field", "reason"})


def shown(code: str, status: int) -> Shown:
    known = BY_CODE.get(code)
    if known is not None:
        return known
    by_status = BY_STATUS.get(status)
    if by_status is None:
        return FAILED._replace(status=status) if status >= 500 else BY_STATUS[400]._replace(status=status)
    return by_status


def body_of(shape: Shown, code: str, message: str, param: str | None, details: Mapping[str, JSON]) -> dict[str, JSON]:
    error: dict[str, JSON] = {
        "message": message,
        "type": shape.type,
        "param": param,
        "code": shape.code or code.rpartition(".")[2],
        "kontor_code": code,
    }
    if details:
        error["details"] = dict(details)
    return {"error": error}


def of_problem(problem: Mapping[str, JSON]) -> tuple[int, dict[str, JSON]]:
    """A problem document, as the rest of Kontor answers."""
    code, status = str(problem.get("code", "")), int(problem.get("status", 500))
    shape = shown(code, status)
    fields = problem.get("errors") or ()
    param = fields[0]["field"] if fields else None
    details = {name: value for name, value in problem.items() if name not in OURS}
    message = "; ".join(f"{each['field']}: {each['message']}" for each in fields) or str(problem.get("detail", ""))
    return shape.status, body_of(shape, code, message, param, details)


def of_event(data: Mapping[str, JSON]) -> tuple[int, dict[str, JSON]]:
    """The error of a run, which names its code but is no exception any more."""
    code = str(data.get("code", ""))
    known = registry.get(code)
    shape = shown(code, STATUS[Kind.INTERNAL if known is None else known.kind])
    return shape.status, body_of(shape, code, str(data.get("message", "")), None, data.get("details") or {})


def is_worth_a_retry(status: int, type_: str) -> bool:
    """For the header that their clients obey, before their own rule of statuses."""
    return (status in {408, 429} and type_ != "insufficient_quota") or status == 503
