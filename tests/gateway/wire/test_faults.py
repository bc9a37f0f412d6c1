"""What providers answer when they do not answer."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.gateway.wire.faults import LONGEST_MESSAGE, Fault, failed_by_body
from tests.gateway.wire.streams import CALM


def openai(message: str, kind: str | None, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@pytest.mark.parametrize(
    ("status", "document", "fault"),
    [
        (
            400,
            openai(
                "This model's maximum context length is 128000 tokens. However, your messages are longer.",
                "invalid_request_error",
                "context_length_exceeded",
                "messages",
            ),
            Fault.CONTEXT_TOO_LONG,
        ),
        (
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
            Fault.CONTEXT_TOO_LONG,
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size. try increasing the context size",
                    "type": "exceed_context_size_error",
                }
            },
            Fault.CONTEXT_TOO_LONG,
        ),
        (
            413,
            {"error": {"message": "Request too large for model", "code": "request_too_large"}},
            Fault.CONTEXT_TOO_LONG,
        ),
        (429, openai("Rate limit reached for gpt-4.1", "requests", "rate_limit_exceeded"), Fault.BUSY),
        (429, "slow down", Fault.BUSY),
        (
            429,
            openai("Request too large for gpt-4 on tokens per min (TPM)", "tokens", "rate_limit_exceeded"),
            Fault.BUSY,
        ),
        (
            429,
            openai(
                "You exceeded your current quota, please check your plan and billing details.",
                "insufficient_quota",
                "insufficient_quota",
            ),
            Fault.ACCOUNT_EMPTY,
        ),
        (402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), Fault.ACCOUNT_EMPTY),
        (402, {"error": {"message": "Insufficient credits", "code": 402}, "user_id": "u"}, Fault.ACCOUNT_EMPTY),
        (401, openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"), Fault.KEY_REFUSED),
        (401, {"detail": "Unauthorized"}, Fault.KEY_REFUSED),
        (401, {"message": "Unauthorized", "request_id": "x"}, Fault.KEY_REFUSED),
        (
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect API key provided: xa***Zz. You can obtain an API key from the console.",
            },
            Fault.KEY_REFUSED,
        ),
        (403, openai("Your account is not active", "permission_denied", None), Fault.KEY_REFUSED),
        (
            403,
            {"error": {"code": 403, "message": "Your input was flagged by moderation", "metadata": {"reasons": ["x"]}}},
            Fault.REFUSED,
        ),
        (
            404,
            openai(
                "The model `gpt-9` does not exist or you do not have access to it.",
                "invalid_request_error",
                "model_not_found",
            ),
            Fault.MODEL_NOT_FOUND,
        ),
        (400, {"error": {"message": "a/b is not a valid model ID", "code": 400}}, Fault.MODEL_NOT_FOUND),
        (400, openai("Model Not Exist", "invalid_request_error", "invalid_request_error"), Fault.MODEL_NOT_FOUND),
        (
            400,
            {"object": "error", "message": "Invalid model: mistral-huge", "type": "invalid_model", "code": "1500"},
            Fault.MODEL_NOT_FOUND,
        ),
        (404, "404 page not found", Fault.MODEL_NOT_FOUND),
        (
            400,
            openai(
                "Unsupported parameter: 'stop' is not supported with this model.",
                "invalid_request_error",
                "unsupported_parameter",
                "stop",
            ),
            Fault.REFUSED,
        ),
        (
            422,
            {
                "object": "error",
                "message": {"detail": [{"type": "extra_forbidden", "msg": "Extra inputs"}]},
                "code": None,
            },
            Fault.REFUSED,
        ),
        (
            400,
            openai(
                "Your organization must be verified to stream this model.", "invalid_request_error", "unsupported_value"
            ),
            Fault.REFUSED,
        ),
        (500, openai("The server had an error", "server_error", None), Fault.FAILED),
        (500, openai("Internal error: invalid api key cache", "server_error", None), Fault.FAILED),
        (502, "<html><body>Bad Gateway: model not found</body></html>", Fault.FAILED),
        (503, openai("That model is currently overloaded", "server_error", None), Fault.BUSY),
        (503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, Fault.FAILED),
        (529, {}, Fault.FAILED),
        (408, {}, Fault.FAILED),
        (418, {}, Fault.REFUSED),
    ],
)
def test_what_an_answer_means(status: int, document: Any, fault: Fault) -> None:
    body = document.encode() if isinstance(document, str) else orjson.dumps(document)
    failure = failed_by_body(status, body)
    assert (failure.status, failure.code) == (status, fault)
    assert failure.is_passing is (fault in {Fault.BUSY, Fault.FAILED})


def test_the_words_are_kept_without_markup_and_without_keys() -> None:
    failure = failed_by_body(
        401, orjson.dumps(openai("Incorrect API key provided: sk-proj-abcd****wxyz. Sorry.", None, None))
    )
    assert failure.message == "Incorrect API key provided: … Sorry."
    assert failed_by_body(502, b"<html>Bad Gateway</html>").message == ""
    behind = {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "out of memory"}}}
    assert failed_by_body(502, orjson.dumps(behind)).message == "Provider returned error: out of memory"


@CALM
@given(
    st.integers(300, 599),
    st.binary(max_size=200) | st.text(max_size=2000).map(lambda text: orjson.dumps({"error": text})),
)
def test_anything_may_come(status: int, body: bytes) -> None:
    failure = failed_by_body(status, body)
    assert failure.code in set(Fault)
    assert len(failure.message) <= LONGEST_MESSAGE
