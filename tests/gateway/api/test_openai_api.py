"""/v1 over a real socket, with OpenAI's own client."""

import asyncio
import base64
import json
import signal
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from sqlalchemy import text

from kontor.accounts import people
from tests.conftest import Server as PostgresServer
from tests.gateway.api.conftest import Desk, opened_desk
from tests.gateway.api.sse import all_of
from tests.web.conftest import SignedInPerson

QUESTION: list[Any] = [{"role": "user", "content": "What is there to know about the practice provider?"}]
LOOK: Any = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]},
    },
}


async def row_of(desk: Desk, run_id: str) -> Any:
    async with desk.live.database.system("test") as unit:
        found = await unit.execute(
            text("""
                SELECT run.*, usage_line.input_tokens + usage_line.cached_tokens AS read, usage_line.output_tokens
                FROM run LEFT JOIN usage_line ON usage_line.run_id = run.id WHERE run.id = :id
            """),
            {"id": run_id},
        )
        return found.one()


async def test_a_whole_completion(desk: Desk) -> None:
    async with await desk.client() as client:
        answer = await client.chat.completions.create(model="fake-n30", messages=QUESTION, seed=1)
    (choice,) = answer.choices
    assert choice.message.content is not None and len(choice.message.content.split()) >= 10
    assert choice.finish_reason == "stop"
    assert answer.usage is not None and answer.usage.completion_tokens == 30
    kontor: Any = answer.model_extra["kontor"] if answer.model_extra else {}
    row = await row_of(desk, kontor["run_id"])
    assert (row.state, row.output_tokens, row.read) == ("done", 30, answer.usage.prompt_tokens)
    assert answer.id == f"chatcmpl-{kontor['run_id'].replace('-', '')}"


async def test_a_streamed_completion_with_its_usage(desk: Desk) -> None:
    async with await desk.client() as client:
        whole = await client.chat.completions.create(model="fake-n30", messages=QUESTION)
        stream = await client.chat.completions.create(
            model="fake-n30", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_reasoning_comes_beside_the_answer(desk: Desk) -> None:
    async with await desk.client() as client:
        answer = await client.chat.completions.create(model="fake-think9-n9", messages=QUESTION)
    message: Any = answer.choices[0].message
    assert message.reasoning_content and message.content
    assert answer.usage is not None and answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 9


async def test_tools_are_called_and_answered(desk: Desk) -> None:
    async with await desk.client() as client:
        async with client.chat.completions.stream(model="fake-tools", messages=QUESTION, tools=[LOOK]) as stream:
            called = await stream.get_final_completion()
        (call,) = called.choices[0].message.tool_calls or []
        assert call.type == "function" and call.function.name == "look"
        json.loads(call.function.arguments)
        assert called.choices[0].finish_reason == "tool_calls"
        turn: Any = called.choices[0].message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"})
        result: Any = {"role": "tool", "tool_call_id": call.id, "content": "nothing"}
        answer = await client.chat.completions.create(
            model="fake-tools", messages=[*QUESTION, turn, result], tools=[LOOK]
        )
    assert answer.choices[0].finish_reason == "stop"


class Boat(BaseModel):
    name: str
    length: float


async def test_answers_by_a_schema_are_parsed_by_their_client(desk: Desk) -> None:
    async with await desk.client() as client:
        answer = await client.chat.completions.parse(model="fake", messages=QUESTION, response_format=Boat)
        again = await client.responses.parse(model="fake", input="A boat, please.", text_format=Boat)
    assert isinstance(answer.choices[0].message.parsed, Boat)
    assert isinstance(again.output_parsed, Boat)


async def test_responses_whole_and_streamed(desk: Desk) -> None:
    async with await desk.client() as client:
        whole = await client.responses.create(
            model="fake-n30", instructions="Be brief.", input=QUESTION, metadata={"topic": "boats"}
        )
        async with client.responses.stream(model="fake-n30", instructions="Be brief.", input=QUESTION) as stream:
            kinds = [event.type async for event in stream]
            streamed = await stream.get_final_response()
    assert whole.output_text == streamed.output_text
    assert (whole.status, whole.instructions, whole.metadata) == ("completed", "Be brief.", {"topic": "boats"})
    assert whole.usage is not None and whole.usage.output_tokens == 30
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


async def test_a_response_that_calls_a_tool(desk: Desk) -> None:
    async with await desk.client() as client:
        answer = await client.responses.create(
            model="fake-tools",
            input=QUESTION,
            tools=[{"type": "function", "name": "look", "parameters": LOOK["function"]["parameters"], "strict": False}],
        )
        (call,) = [item for item in answer.output if item.type == "function_call"]
        assert call.name == "look"
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "nothing"}
        turn: Any = call.model_dump()
        again = await client.responses.create(model="fake-tools", input=[*QUESTION, turn, result])
    assert again.output_text


async def test_embeddings_as_numbers_and_as_bytes(desk: Desk) -> None:
    texts = [f"text {number}" for number in range(120)]  # more than one batch
    async with await desk.client() as client:
        answer = await client.embeddings.create(model="fake-d16", input=texts)
        plain = await client.embeddings.create(model="fake-d16", input=texts[:2], encoding_format="float")
        packed = await client.embeddings.create(model="fake-d16", input=texts[0], encoding_format="base64")
    assert [each.index for each in answer.data] == list(range(120))
    assert len(answer.data[0].embedding) == 16
    assert plain.data[1].embedding == pytest.approx(answer.data[1].embedding, abs=1e-6)
    raw: Any = packed.data[0].embedding
    assert struct.unpack("<16f", base64.b64decode(raw)) == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert answer.usage.prompt_tokens > 0
    run_id = answer.model_extra["kontor"]["run_id"] if answer.model_extra else ""
    row = await row_of(desk, run_id)
    assert (row.state, row.kind) == ("done", "embed")
    assert row.read > 0


async def test_models_are_listed_and_found(desk: Desk) -> None:
    async with await desk.client() as client:
        names = {model.id async for model in client.models.list()}
        assert {"fake-n30", "auto"} <= names
        assert (await client.models.retrieve("fake-n30")).owned_by == "openai"
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("fake-unheard-of")
    assert caught.value.code == "not_found"


async def test_every_mistake_has_their_shape(desk: Desk) -> None:
    async with await desk.client() as client:
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(model="no-such-model", messages=QUESTION)
        assert (unknown.value.code, unknown.value.type) == ("model_not_found", "invalid_request_error")
        with pytest.raises(openai.BadRequestError) as wrong:
            nobody: Any = {"role": "nobody", "content": "x"}
            await client.chat.completions.create(model="fake", messages=[nobody])
        assert wrong.value.param == "messages.0.role"
        with pytest.raises(openai.BadRequestError) as beyond:
            await client.chat.completions.create(model="fake", messages=QUESTION, top_p=7)
        assert beyond.value.param is not None and "top_p" in beyond.value.param
        with pytest.raises(openai.BadRequestError) as long:
            await client.chat.completions.create(
                model="fake-context40", messages=[{"role": "user", "content": "too long " * 100}]
            )
        assert long.value.code == "context_length_exceeded"
        with pytest.raises(openai.InternalServerError) as broken:
            await client.chat.completions.create(model="fake-e503", messages=QUESTION)
        assert broken.value.type == "server_error"
        with pytest.raises(openai.NotFoundError):
            await client.post("/files", cast_to=object)
    async with openai.AsyncOpenAI(api_key="ktr_wrong", base_url=f"{desk.live.url}/v1", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as shut_out:
            await stranger.chat.completions.create(model="fake", messages=QUESTION)
        assert shut_out.value.code == "invalid_api_key"
    narrow = await desk.token(scopes=["account:read"])
    async with openai.AsyncOpenAI(api_key=narrow, base_url=f"{desk.live.url}/v1", max_retries=0) as reader:
        with pytest.raises(openai.PermissionDeniedError):
            await reader.chat.completions.create(model="fake", messages=QUESTION)
        with pytest.raises(openai.PermissionDeniedError):
            await reader.models.list()


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_what_fails_before_its_first_word_has_a_status(desk: Desk, is_streamed: bool) -> None:
    async with await desk.client() as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="fake-e503", messages=QUESTION, stream=is_streamed)
    assert caught.value.status_code == 503
    assert caught.value.response.headers["x-should-retry"] == "true"
    assert (await row_of(desk, caught.value.response.headers["x-kontor-run-id"])).state == "failed"


async def test_a_busy_provider_says_when_to_come_back(desk: Desk) -> None:
    async with await desk.client() as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="fake-e429-after7-norepeat", messages=QUESTION)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("model", ["fake-n30-break9", "fake-n30-error9"])
async def test_what_breaks_in_the_middle_is_an_error_and_no_whole_answer(desk: Desk, model: str) -> None:
    said = ""
    async with await desk.client() as client:
        stream = await client.chat.completions.create(model=model, messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError):
            async for chunk in stream:
                said += chunk.choices[0].delta.content or ""
        assert said
        async with client.responses.stream(model=model, input=QUESTION) as events:
            kinds = [event.type async for event in events]
    assert kinds[-1] == "response.failed"


async def test_a_client_that_leaves_does_not_stop_its_run(desk: Desk) -> None:
    async with await desk.http() as http:
        body = {"model": "fake-n30-t20", "messages": QUESTION, "stream": True}
        async with http.stream("POST", "/v1/chat/completions", json=body) as response:
            run_id = response.headers["x-kontor-run-id"]
            async for _ in response.aiter_bytes():
                break
        async with http.stream("GET", f"/api/v1/runs/{run_id}/events") as response:
            await all_of(response)
    row = await row_of(desk, run_id)
    assert (row.state, row.output_tokens) == ("done", 30)


async def test_the_same_idempotency_key_gives_the_same_answer_and_one_run(desk: Desk) -> None:
    person = await desk.live.sign_in()
    headers = {"Idempotency-Key": "twice"}
    async with await desk.client(person) as client:
        first = await client.chat.completions.create(model="fake-n30", messages=QUESTION, extra_headers=headers)
        before = desk.provider.calls.total()
        second = await client.chat.completions.create(model="fake-n30", messages=QUESTION, extra_headers=headers)
        assert (second.id, second.choices, second.usage) == (first.id, first.choices, first.usage)
        assert desk.provider.calls.total() == before
        with pytest.raises(openai.ConflictError):
            await client.chat.completions.create(model="fake", messages=QUESTION, extra_headers=headers)


async def test_the_same_idempotency_key_gives_the_same_vectors(desk: Desk) -> None:
    headers = {"Idempotency-Key": "vectors twice"}
    async with await desk.client() as client:
        first = await client.embeddings.create(model="fake-d16", input="boat", extra_headers=headers)
        before = desk.provider.calls.total()
        for form in ("float", "base64"):
            again: Any = await client.embeddings.with_raw_response.create(
                model="fake-d16", input=["boat"], encoding_format=form, extra_headers=headers
            )
            assert again.headers["x-kontor-run-id"] == first.model_extra["kontor"]["run_id"]
            assert again.parse().data[0].embedding == pytest.approx(first.data[0].embedding) or form == "base64"
        assert desk.provider.calls.total() == before
        with pytest.raises(openai.ConflictError):
            await client.embeddings.create(model="fake-d16", input="car", extra_headers=headers)


async def test_a_stream_ends_when_its_token_is_revoked_and_the_run_goes_on(desk: Desk) -> None:
    person = await desk.live.sign_in()
    async with await desk.client(person) as client:
        stream = await client.chat.completions.create(model="fake-n400-t10", messages=QUESTION, stream=True)
        run_id = stream.response.headers["x-kontor-run-id"]
        await anext(aiter(stream))
        async with desk.live.database.system("test") as unit:
            await unit.execute(text("DELETE FROM personal_token WHERE owner_id = :id"), {"id": person.id})
        with pytest.raises(openai.APIError, match="ended here"):
            async with asyncio.timeout(5):
                async for _ in stream:
                    pass
    assert (await row_of(desk, run_id)).state == "running"


async def suspend(desk: Desk, person: SignedInPerson) -> None:
    async with desk.live.database.system("people") as unit:
        await people.suspend(unit, person.id)


async def revoke(desk: Desk, person: SignedInPerson) -> None:
    async with desk.live.database.system("test") as unit:
        await unit.execute(text("DELETE FROM personal_token WHERE owner_id = :id"), {"id": person.id})


@pytest.mark.parametrize("end_of_rights", [suspend, revoke])
async def test_an_answer_that_is_awaited_is_for_whoever_may_read_it_when_it_comes(
    desk: Desk, end_of_rights: Callable[[Desk, SignedInPerson], Awaitable[None]]
) -> None:
    person, model = await desk.live.sign_in(), "fake-w12000"
    asked = [
        ("/v1/chat/completions", {"model": model, "messages": QUESTION}),
        ("/v1/chat/completions", {"model": model, "messages": QUESTION, "stream": True}),
        ("/v1/responses", {"model": model, "input": "Who are you?"}),
        ("/api/v1/llm/generate", {"model": model, "messages": QUESTION}),
    ]
    before = desk.provider.busy
    async with await desk.http(person) as http, asyncio.TaskGroup() as group:
        answers = [group.create_task(http.post(path, json=body)) for path, body in asked]
        await desk.provider.until(lambda: desk.provider.busy == before + len(asked))
        await end_of_rights(desk, person)
        async with asyncio.timeout(5):
            await asyncio.wait(answers)
        assert [task.result().status_code for task in answers] == [401] * len(asked)
        assert answers[0].result().json()["error"]["code"] == "invalid_api_key"
    async with desk.live.database.system("test") as unit:
        found = await unit.execute(text("SELECT state FROM run WHERE owner_id = :id"), {"id": person.id})
        assert [row.state for row in found] == ["running"] * len(asked), "the runs go on"


async def test_questions_may_be_large_for_people_and_small_for_strangers(desk: Desk) -> None:
    body = {"model": "fake-n30", "messages": [{"role": "user", "content": "a" * 3_000_000}], "max_tokens": 5}
    async with await desk.http() as http:
        assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
    async with desk.live.client() as stranger:
        refused = await stranger.post("/v1/chat/completions", json=body)
    assert refused.status_code in {401, 413}
    assert refused.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"null", b'{"messages": 3}'])
async def test_what_is_no_question_is_refused(desk: Desk, raw: bytes) -> None:
    async with await desk.http() as http:
        for path in ("/v1/chat/completions", "/v1/responses", "/v1/embeddings"):
            answer = await http.post(path, content=raw)
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_stranger_learns_nothing(desk: Desk) -> None:
    async with desk.live.client() as http:
        for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/fake")):
            answer = await http.request(method, path)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_an_answer_is_finished_while_the_process_leaves(server: PostgresServer, tmp_path: Path) -> None:
    async with opened_desk(server, tmp_path) as leaving:
        async with await leaving.client() as client:
            stream = await client.chat.completions.create(model="fake-n30-t20", messages=QUESTION, stream=True)
            await anext(aiter(stream))
            leaving.live.server.handle_exit(signal.SIGTERM, None)
            rest = [chunk async for chunk in stream]
        assert rest[-1].choices[0].finish_reason == "stop"
