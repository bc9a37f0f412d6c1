"""Streams of OpenAI's /responses, as frames."""

from typing import Any

import orjson

RESPONSE: dict[str, Any] = {
    "id": "resp_67cc",
    "object": "response",
    "created_at": 1763000000,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-6.1-sol",
    "output": [],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 150,
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "**Geography**"},
        {"type": "summary_text", "text": "Seine, so Paris."},
    ],
    "encrypted_content": "gAAAAABo",
}
CITATION = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 5}
LOGPROB = {"token": "Paris", "logprob": -0.1, "bytes": [80], "top_logprobs": []}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Paris, it is.", "annotations": [CITATION], "logprobs": [LOGPROB]}],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_one",
    "name": "weather_in",
    "arguments": '{"place":"Paris"}',
    "status": "completed",
}
OUTPUT = [THOUGHT, MESSAGE, CALL]


def frames(*events: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(orjson.dumps({"sequence_number": number, **event}) for number, event in enumerate(events))


def response(**changes: Any) -> dict[str, Any]:
    return {**RESPONSE, **changes}


COMPLETED = response(status="completed", output=OUTPUT, usage=USAGE)
THINKING = {"item_id": "rs_1", "output_index": 0}
SAYING = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
CALLING = {"item_id": "fc_1", "output_index": 2}

STREAM = frames(
    {"type": "response.created", "response": RESPONSE},
    {"type": "response.in_progress", "response": RESPONSE},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"id": "rs_1", "type": "reasoning", "summary": []},
    },
    {
        "type": "response.reasoning_summary_part.added",
        **THINKING,
        "summary_index": 0,
        "part": {"type": "summary_text", "text": ""},
    },
    {"type": "response.reasoning_summary_text.delta", **THINKING, "summary_index": 0, "delta": "**Geo"},
    {"type": "response.reasoning_summary_text.delta", **THINKING, "summary_index": 0, "delta": "graphy**"},
    {"type": "response.reasoning_summary_text.done", **THINKING, "summary_index": 0, "text": "**Geography**"},
    {
        "type": "response.reasoning_summary_part.done",
        **THINKING,
        "summary_index": 0,
        "part": {"type": "summary_text", "text": "**Geography**"},
    },
    {
        "type": "response.reasoning_summary_part.added",
        **THINKING,
        "summary_index": 1,
        "part": {"type": "summary_text", "text": ""},
    },
    {"type": "response.reasoning_summary_text.delta", **THINKING, "summary_index": 1, "delta": "Seine, so Paris."},
    {"type": "response.output_item.done", "output_index": 0, "item": THOUGHT},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []},
    },
    {
        "type": "response.content_part.added",
        **SAYING,
        "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    },
    {"type": "response.output_text.delta", **SAYING, "delta": "Paris", "logprobs": [LOGPROB]},
    {"type": "response.output_text.delta", **SAYING, "delta": ", it is.", "logprobs": []},
    {"type": "response.output_text.annotation.added", **SAYING, "annotation_index": 0, "annotation": CITATION},
    {"type": "response.output_text.done", **SAYING, "text": "Paris, it is.", "logprobs": []},
    {"type": "response.content_part.done", **SAYING, "part": MESSAGE["content"][0]},
    {"type": "response.output_item.done", "output_index": 1, "item": MESSAGE},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {**CALL, "arguments": "", "status": "in_progress"},
    },
    {"type": "response.function_call_arguments.delta", **CALLING, "delta": '{"place":'},
    {"type": "response.function_call_arguments.delta", **CALLING, "delta": '"Paris"}'},
    {
        "type": "response.function_call_arguments.done",
        **CALLING,
        "name": "weather_in",
        "arguments": '{"place":"Paris"}',
    },
    {"type": "response.output_item.done", "output_index": 2, "item": CALL},
    {"type": "response.completed", "response": COMPLETED},
)
