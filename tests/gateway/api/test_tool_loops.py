"""A model that thinks between its calls of tools gets its own turns back as it gave them: in order, unchanged, signed.

What the practice providers said is kept as their documents have it, and compared with what they are sent afterwards.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest

from tests.gateway.api.conftest import Desk
from tests.gateway.api.sse import all_of
from tests.wire import anthropic, gemini, openai
from tests.wire.llm_server import Dialect, LlmServer, Question, Spoken, Streamed, Whole, serving

API = "/api/v1"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather_in",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
ANSWERS = 3  # two with a call, then one with words
BEHAVIOUR = "fake-think9-tools2-aloud"
Turn = Sequence[Mapping[str, Any]]


class Claude(anthropic.Anthropic):
    models: Sequence[str] = ("claude-opus-4-5",)
    protocol = "anthropic"
    parameters: Mapping[str, Any] = {"effort": "low"}

    def turn(self, question: Question, spoken: Spoken) -> Turn:
        return anthropic.blocks_of(spoken)

    def turns_in(self, body: Any) -> list[Turn]:
        return [message["content"] for message in body["messages"] if message["role"] == "assistant"]


class Gemini(gemini.Gemini):
    models: Sequence[str] = ("gemini-3.5-flash",)
    protocol = "gemini"
    parameters: Mapping[str, Any] = {}

    def turn(self, question: Question, spoken: Spoken) -> Turn:
        return gemini.parts_of(spoken)

    def turns_in(self, body: Any) -> list[Turn]:
        return [content["parts"] for content in body["contents"] if content["role"] == "model"]


class Gpt(openai.OpenAi):
    models: Sequence[str] = ("gpt-5.5",)
    protocol = "openai_responses"
    parameters: Mapping[str, Any] = {"effort": "low"}

    def turn(self, question: Question, spoken: Spoken) -> Turn:
        """Items as they are taken back: a message in its short form, and a call without what is only theirs."""
        said: list[Mapping[str, Any]] = []
        for item in openai.output_of(question, spoken):
            if item["type"] == "message":
                said.append({"role": "assistant", "content": item["content"][0]["text"]})
            else:
                own = {"id", "status"} if item["type"] == "function_call" else set[str]()
                said.append({name: value for name, value in item.items() if name not in own})
        return said

    def turns_in(self, body: Any) -> list[Turn]:
        turns: list[list[Mapping[str, Any]]] = [[]]
        for item in body["input"]:
            if item.get("role") == "user" or item.get("type") == "function_call_output":
                turns.append([])
            else:
                turns[-1].append(item)
        return [turn for turn in turns if turn]


def remembering(dialect: Any) -> Any:
    """The same, with what it said in `said`."""
    said: list[Turn] = []

    class Remembering(dialect):  # type: ignore[misc]  # which it is, only the test knows
        def whole(self, question: Question, spoken: Spoken) -> Whole:
            said.append(self.turn(question, spoken))
            found: Whole = super().whole(question, spoken)
            return found

        def streamed(self, question: Question, spoken: Spoken) -> Streamed:
            said.append(self.turn(question, spoken))
            found: Streamed = super().streamed(question, spoken)
            return found

    made = Remembering()
    made.said = said
    return made


@pytest.fixture(params=[Claude, Gemini, Gpt], ids=["anthropic", "gemini", "openai_responses"])
async def thinker(request: pytest.FixtureRequest, desk: Desk) -> AsyncIterator[LlmServer]:
    """A provider whose model thinks, says a word and calls, twice; then it answers."""
    dialect: Dialect = remembering(request.param)
    name = dialect.models[0]
    async with (
        serving(dialect, known={name: BEHAVIOUR}) as server,
        desk.live.client(headers=desk.admin.headers) as http,
    ):
        body = {
            "kind": dialect.kind, "label": f"Thinker {name}", "base_url": server.url, "key": server.key,
            "models": [name], "protocol": request.param.protocol,
        }  # fmt: skip
        answer = await http.post(f"{API}/admin/providers", json=body)
        assert answer.status_code == 201, answer.text
        yield server
        removed = await http.delete(f"{API}/admin/providers/{answer.json()['id']}")
        assert removed.is_success, removed.text


Ask = Callable[[httpx.AsyncClient, Mapping[str, Any]], Any]


async def at_once(http: httpx.AsyncClient, body: Mapping[str, Any]) -> list[Any]:
    answer = await http.post(f"{API}/llm/generate", json=body)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["parts"]
    return found


async def as_it_comes(http: httpx.AsyncClient, body: Mapping[str, Any]) -> list[Any]:
    async with http.stream("POST", f"{API}/llm/generate", json={**body, "stream": True}) as response:
        await all_of(response)
        run = await http.get(f"{API}/runs/{response.headers['x-kontor-run-id']}")
    found: list[Any] = run.json()["parts"]
    return found


@pytest.mark.parametrize("ask", [at_once, as_it_comes])
async def test_what_goes_back_is_what_came(desk: Desk, thinker: LlmServer, ask: Ask) -> None:
    dialect: Any = thinker.dialect
    person = await desk.live.sign_in()
    messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    kinds = []
    async with desk.live.client(headers=person.headers) as http:
        for number in range(ANSWERS):
            body = {"model": dialect.models[0], "messages": messages, "tools": [WEATHER], **dialect.parameters}
            parts = await ask(http, body)
            kinds.append([part["type"] for part in parts if part != {"type": "reasoning", "text": ""}])
            assert dialect.turns_in(thinker.requests[-1].json) == dialect.said[:number]
            messages.append({"role": "assistant", "content": parts})
            messages += [
                {"role": "tool", "tool_call_id": part["id"], "content": "17 degrees and drizzle"}
                for part in parts
                if part["type"] == "tool_call"
            ]
    for said in kinds[:2]:
        assert said[0] == "reasoning" and said[-1] == "tool_call" and "text" in said
    assert "tool_call" not in kinds[2] and len(dialect.said) == ANSWERS
