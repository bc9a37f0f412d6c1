"""What a provider means by an error, in whatever shape it says so: as an answer of its own or amid a stream.

Providers of one protocol agree least on their errors, so this looks for what is there: a status, a code or type, and
words. Each table is read from top to bottom, and the first row that fits counts.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import orjson

from kontor.gateway.wire.port import JSON, Failed

LONGEST_MESSAGE = 500
READ_AT_MOST = 65_536


class Fault(StrEnum):
    """The codes of `Failed`. `gateway.errors` makes of each what people are told."""

    KEY_REFUSED = "key_refused"
    ACCOUNT_EMPTY = "account_empty"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSED = "refused_by_provider"
    BUSY = "provider_busy"
    FAILED = "provider_failed"
    BAD_ANSWER = "bad_answer"


PASSING = frozenset({Fault.BUSY, Fault.FAILED})

WORDS: tuple[tuple[Fault, re.Pattern[str]], ...] = tuple(
    (fault, re.compile(pattern, re.IGNORECASE))
    for fault, pattern in (
        (
            Fault.CONTEXT_TOO_LONG,
            r"context_length_exceeded|context.?(window|length|size)|max_model_len|too many (input )?tokens"
            r"|(prompt|input|request).{0,40} (is )?too (long|large)|request_too_large|exceeds? the available context"
            r"|exceeds the maximum number of tokens",
        ),
        (
            Fault.ACCOUNT_EMPTY,
            r"insufficient.?(quota|balance|credit|funds)|billing|exceeded your current quota|out of credits"
            r"|(spending|credit|usage) limit|payment required|prepayment|credit balance",
        ),
        (
            Fault.KEY_REFUSED,
            r"invalid.?api.?key|(incorrect|invalid|missing|bad|no|expired|unknown).{0,10} api.?key|api.?key.{0,20}"
            r"(invalid|incorrect|not valid|expired|required|missing|not found)|authentication|unauthori[sz]ed"
            r"|no auth credentials|user not found|permission_(error|denied)|token (is )?(expired|invalid)",
        ),
        (
            Fault.MODEL_NOT_FOUND,
            r"model_not_found|model_not_exist|not a valid model|no endpoints found|unknown model|invalid model"
            r"|model.{0,80}(does not exist|not exist|not found|is not available|no access|decommissioned|not loaded)",
        ),
        (Fault.REFUSED, r"content_(filter|policy)|moderation|safety|flagged|invalid_request|invalid.?argument"),
        (Fault.BUSY, r"rate.?limit|too many requests|resource.?exhausted|over(loaded|.capacity)"),
        (
            Fault.FAILED,
            r"server.?error|internal.?error|service.?unavailable|time.?out|insufficient_system_resource",
        ),
    )
)
BY_STATUS = {
    401: Fault.KEY_REFUSED,
    402: Fault.ACCOUNT_EMPTY,
    403: Fault.KEY_REFUSED,
    404: Fault.MODEL_NOT_FOUND,
    408: Fault.FAILED,
    413: Fault.CONTEXT_TOO_LONG,
    425: Fault.FAILED,
    429: Fault.BUSY,
}
# A status that says enough, so that no word in the message outweighs it: quotas and missing keys are told by words.
DECIDED_BY_STATUS = frozenset({401, 402, 408, 425})
# Some repeat the key, or most of it, in what they say of it.
KEY_LIKE = re.compile(r"\b(?:sk|xai|gsk|rpa|pk|AIza)[-_A-Za-z0-9*.]{6,}|[A-Za-z0-9_-]{4,}\*{3,}[A-Za-z0-9_-]*")


def failed(status: int | None, code: str, message: str) -> Failed:
    fault = fault_of(status, f"{code} {message}")
    is_passing = fault in PASSING and status != 501
    return Failed(status, fault, readable(message or code), is_passing)


def fault_of(status: int | None, words: str) -> Fault:
    if status in DECIDED_BY_STATUS:
        return BY_STATUS[status]
    said_fault = next((fault for fault, pattern in WORDS if pattern.search(words)), None)
    if status is not None and status >= 500:
        # What broke there may quote anything. Only these are worth believing against such a status.
        return said_fault if said_fault in (Fault.CONTEXT_TOO_LONG, Fault.BUSY) else Fault.FAILED
    if status == 429:
        return Fault.ACCOUNT_EMPTY if said_fault is Fault.ACCOUNT_EMPTY else Fault.BUSY
    if said_fault is not None:
        return said_fault
    if status is None:
        return Fault.FAILED  # in the middle of a stream only the provider itself can be at fault
    return BY_STATUS.get(status, Fault.REFUSED)


def failed_by(status: int | None, error: JSON) -> Failed:
    """From what was found where an error stands: an object of any of the known shapes, or plain words."""
    code, message, own_status = read(error)
    return failed(status if status is not None else own_status, code, message)


def failed_by_body(status: int, body: bytes) -> Failed:
    """From an answer other than 2xx. Proxies answer with web pages, so it may be no JSON at all."""
    try:
        document = orjson.loads(body[:READ_AT_MOST])
    except orjson.JSONDecodeError:
        text = body[:LONGEST_MESSAGE].decode("utf-8", "replace")
        return failed(status, "", "" if "<" in text else text)
    return failed_by(status, error_in(document))


def error_in(document: JSON) -> JSON:
    """What holds the error: OpenAI's `error`, also within a list, or the document itself."""
    if isinstance(document, list):
        document = document[0] if document else None
    if isinstance(document, dict):
        inner = document.get("error")
        if isinstance(inner, dict):
            return inner
        if isinstance(inner, str) and inner:
            return {"code": document.get("code"), "message": inner}
    return document


def read(error: JSON) -> tuple[str, str, int | None]:
    """Code, words and status."""
    if isinstance(error, str):
        return "", error, None
    if not isinstance(error, dict):
        return "", "", None
    message = words_of(error.get("message")) or words_of(error.get("detail")) or words_of(error.get("msg"))
    raw = error.get("metadata")
    if isinstance(raw, dict) and isinstance(raw.get("raw"), str):
        message = f"{message}: {raw['raw']}"  # a router's own words say only that something failed behind it
    codes = [error.get("code"), error.get("type"), error.get("status")]
    status = next((code for code in codes if type(code) is int and 400 <= code < 600), None)
    if status is None:
        status = next((int(c) for c in codes if isinstance(c, str) and re.fullmatch(r"[45][0-9]{2}", c)), None)
    code = " ".join(code for code in codes if isinstance(code, str))
    return code, message, status


def words_of(value: JSON) -> str:
    """Some validate with a library that answers with a list of faults, and pass it on."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return words_of(value.get("message")) or words_of(value.get("msg")) or words_of(value.get("detail"))
    if isinstance(value, list):
        return "; ".join(filter(None, (words_of(item) for item in value[:5])))
    return ""


def readable(message: str) -> str:
    shown = KEY_LIKE.sub("…", message[: 4 * LONGEST_MESSAGE])
    return " ".join(shown.split())[:LONGEST_MESSAGE]


def bad_answer(reason: str) -> Failed:
    """For what cannot be read as its protocol has it. Never holds what was sent, which may be anything."""
    return Failed(None, Fault.BAD_ANSWER, reason, is_passing=False)


# What reading JSON of an unexpected shape raises, once and for all readers.
Unreadable: tuple[type[Exception], ...] = (
    orjson.JSONDecodeError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    ArithmeticError,
)
