"""Our own interface to models: an answer, its events, its run, its receipt, and what was used."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.tenancy import Role
from tests.gateway.api.conftest import Desk
from tests.gateway.api.sse import Event, all_of, events_of

API = "/api/v1"
ASK = {"prompt": "What is there to know?", "model": "fake-n30"}


@pytest.fixture
async def http(desk: Desk) -> Any:
    person = await desk.live.sign_in()
    async with desk.live.client(headers=person.headers) as client:
        yield client


async def ask(http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await http.post(f"{API}/llm/generate", json={**ASK, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.data["text"] for event in events if event.kind == "text")


async def run_of(http: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    answer = await http.get(f"{API}/runs/{run_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def until_over(http: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    async with http.stream("GET", f"{API}/runs/{run_id}/events") as response:
        await all_of(response)
    return await run_of(http, run_id)


async def test_an_answer_names_its_run_its_usage_and_its_cost(http: httpx.AsyncClient) -> None:
    answer = await ask(http, temperature=0.3, system="Be brief.")
    assert len(answer["response"].split()) >= 10
    assert (answer["model"], answer["provider"], answer["finish_reason"]) == ("fake-n30", "openai", "stop")
    assert answer["usage"]["output"] == 30
    run = await run_of(http, answer["run_id"])
    assert (run["state"], run["response"], run["usage"]) == ("done", answer["response"], answer["usage"])
    assert run["cost"] == answer["cost"]


async def test_the_same_answer_as_events_and_from_any_position(http: httpx.AsyncClient) -> None:
    whole = await ask(http)
    async with http.stream("POST", f"{API}/llm/generate", json={**ASK, "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        run_id = response.headers["x-kontor-run-id"]
        events = await all_of(response)
    said = text_of(events)
    assert said == whole["response"]
    assert events[-1].kind == "done"
    for event in events[:: max(1, len(events) // 5)]:
        async with http.stream(
            "GET", f"{API}/runs/{run_id}/events", headers={"Last-Event-ID": event.id or ""}
        ) as response:
            rest = await all_of(response)
        known = "".join(
            each.data["text"] for each in events if each.kind == "text" and int(each.id or 0) <= int(event.id or 0)
        )
        assert known + "".join(each.data["text"] for each in rest if each.kind == "text") == said
    async with http.stream("GET", f"{API}/runs/{run_id}/events", params={"after": events[-1].id}) as response:
        assert await all_of(response) == []


async def test_two_readers_and_one_that_leaves(http: httpx.AsyncClient) -> None:
    async with http.stream(
        "POST", f"{API}/llm/generate", json={**ASK, "model": "fake-n30-t20", "stream": True}
    ) as first:
        run_id = first.headers["x-kontor-run-id"]
        async for event in events_of(first):
            if event.kind == "text":
                break
    async with http.stream("GET", f"{API}/runs/{run_id}/events") as second:
        events = await all_of(second)
    run = await run_of(http, run_id)
    assert text_of(events) == run["response"]
    assert run["usage"]["output"] == 30


async def test_a_run_is_stopped_kept_and_continued(http: httpx.AsyncClient) -> None:
    body = {**ASK, "model": "fake-n400-t10", "stream": True}
    async with http.stream("POST", f"{API}/llm/generate", json=body) as response:
        run_id = response.headers["x-kontor-run-id"]
        events = events_of(response)
        async for event in events:
            if event.kind == "text":
                break
        assert (await http.get(f"{API}/runs/{run_id}/receipt")).json()["code"] == "run.not_over"
        assert (await http.post(f"{API}/runs/{run_id}/continue")).json()["code"] == "run.not_over"
        assert (await http.post(f"{API}/runs/{run_id}/stop")).status_code == 204
        rest = [event async for event in events]
    assert rest[-1].kind == "done" and rest[-1].data["state"] == "stopped"
    run = await run_of(http, run_id)
    assert run["state"] == "stopped" and run["response"]
    again = await http.post(f"{API}/runs/{run_id}/continue")
    assert again.status_code == 200, again.text
    following = await run_of(http, again.json()["run_id"])
    assert following["continues_id"] == run_id
    assert (await http.post(f"{API}/runs/{following['id']}/stop")).status_code == 204
    await until_over(http, following["id"])


async def test_a_receipt_adds_up(http: httpx.AsyncClient) -> None:
    answer = await ask(http)
    receipt = (await http.get(f"{API}/runs/{answer['run_id']}/receipt")).json()
    assert receipt["model"] == "fake-n30"
    assert {line["class"] for line in receipt["lines"]} <= set(answer["usage"])
    assert receipt["currency"] == answer["cost"]["currency"]
    assert (receipt["sum"] is None) == (not answer["cost"]["is_known"])


async def test_an_answer_by_a_schema(http: httpx.AsyncClient) -> None:
    schema = {
        "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
        "additionalProperties": False,
    }  # fmt: skip
    answer = await ask(http, model="fake", schema=schema)
    assert isinstance(json.loads(answer["response"])["name"], str)
    bad = await http.post(f"{API}/llm/generate", json={**ASK, "schema": {"type": "no such type"}})
    assert bad.json()["code"] == "run.bad_schema"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "prompt"),
        ({"prompt": "a", "messages": []}, 422, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, 422, "messages.0.role"),
        ({"prompt": "a", "max_cost": "much"}, 422, "max_cost"),
        ({"prompt": "a", "max_cost": "0"}, 422, "max_cost"),
        ({"prompt": "a", "model": "fake", "temperature": 99}, 422, "temperature"),
        ({"prompt": "a", "model": "fake", "no_such_parameter": 1}, 422, "no_such_parameter"),
        ({"prompt": "a", "tools": [{"type": "web_search"}]}, 422, "tools.0.type"),
    ],
)
async def test_what_cannot_be_asked_names_its_field(
    http: httpx.AsyncClient, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await http.post(f"{API}/llm/generate", json=body)
    assert answer.status_code == status, answer.text
    assert field in answer.text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failing_provider_is_a_problem_with_a_run(http: httpx.AsyncClient, stream: bool) -> None:
    answer = await http.post(f"{API}/llm/generate", json={**ASK, "model": "fake-e503", "stream": stream})
    assert answer.status_code == 503
    assert answer.json()["code"] == "gateway.provider_failed"
    assert (await run_of(http, answer.json()["run_id"]))["state"] == "failed"


async def test_one_key_one_run(http: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await http.post(f"{API}/llm/generate", json=ASK, headers=headers)
    second = await http.post(f"{API}/llm/generate", json=ASK, headers=headers)
    assert first.json() == second.json()
    other = await http.post(f"{API}/llm/generate", json={**ASK, "prompt": "Something else"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "run.key_reused")


async def test_vectors(http: httpx.AsyncClient) -> None:
    one = (await http.post(f"{API}/llm/embed", json={"text": "boat", "model": "fake-d16"})).json()
    two = (await http.post(f"{API}/llm/embed", json={"texts": ["boat", "car"], "model": "fake-d16"})).json()
    assert one["dimensions"] == len(one["embedding"]) == 16 and one["embeddings"] is None
    assert two["embeddings"][0] == one["embedding"] and two["embedding"] is None
    run = await run_of(http, one["run_ids"][0])
    assert (run["kind"], run["state"]) == ("embed", "done")
    assert (await http.post(f"{API}/runs/{run['id']}/continue")).json()["code"] == "run.nothing_to_continue"
    wrong = await http.post(f"{API}/llm/embed", json={"text": "boat", "model": "fake-n30"})
    assert wrong.status_code == 422


async def test_one_key_gives_the_same_vectors_again_and_is_charged_once(desk: Desk, http: httpx.AsyncClient) -> None:
    texts = [f"text number {number}" for number in range(100)]  # more than one batch
    body, headers = {"texts": texts, "model": "fake-d16"}, {"Idempotency-Key": "the same vectors"}
    first = await http.post(f"{API}/llm/embed", json=body, headers=headers)
    before = desk.provider.calls.total()
    second = await http.post(f"{API}/llm/embed", json=body, headers=headers)
    assert first.status_code == second.status_code == 200, first.text + second.text
    assert first.json() == second.json() and len(first.json()["embeddings"]) == 100
    assert len(first.json()["run_ids"]) == 2 and desk.provider.calls.total() == before
    plain = await http.post(f"{API}/llm/embed", json=body)
    assert plain.json()["embeddings"] == first.json()["embeddings"]
    assert set(plain.json()["run_ids"]).isdisjoint(first.json()["run_ids"])
    for other in ({"texts": texts[:99]}, {"texts": [*texts, "more"]}, {"dimensions": 8}, {"model": "fake-d16-w1"}):
        refused = await http.post(f"{API}/llm/embed", json={**body, **other}, headers=headers)
        assert refused.status_code in {409, 422}, refused.text
    kinds: dict[str, set[str]] = {}
    for name, answer in (("kept", first), ("plain", plain)):
        async with http.stream("GET", f"{API}/runs/{answer.json()['run_ids'][0]}/events") as response:
            kinds[name] = {event.kind for event in await all_of(response)}
    assert "vector" in kinds["kept"] and "vector" not in kinds["plain"]


async def test_counting_shows_its_band_and_what_fits(http: httpx.AsyncClient) -> None:
    body = {"prompt": "How many tokens are these words? " * 20, "models": ["fake-n30", "auto"], "max_output": 100}
    answer = await http.post(f"{API}/llm/count", json=body)
    assert answer.status_code == 200, answer.text
    for item in answer.json()["items"]:
        assert 0 < item["tokens_low"] <= item["tokens"] <= item["tokens_high"]
    unknown = await http.post(f"{API}/llm/count", json={**body, "models": ["unheard-of"]})
    assert unknown.json()["code"] == "gateway.model_unknown"


async def test_runs_are_listed_and_found_again(http: httpx.AsyncClient) -> None:
    made = [(await ask(http, model=model))["run_id"] for model in ("fake", "fake-n30", "fake")]
    page = (await http.get(f"{API}/runs", params={"limit": 2})).json()
    assert [run["id"] for run in page["items"]] == made[:0:-1]
    rest = (await http.get(f"{API}/runs", params={"cursor": page["next_cursor"]})).json()
    assert [run["id"] for run in rest["items"]] == made[:1]
    named = (await http.get(f"{API}/runs", params={"model": "fake", "state": "done"})).json()
    assert {run["id"] for run in named["items"]} == {made[0], made[2]}
    assert (await http.get(f"{API}/runs", params={"project": str(new_id())})).json()["items"] == []


async def test_what_was_used_adds_up_in_every_grouping(http: httpx.AsyncClient) -> None:
    for model in ("fake-n30", "fake-n30", "fake"):
        await ask(http, model=model)
    await http.post(f"{API}/llm/generate", json={**ASK, "model": "fake-e503"})
    sums = {}
    for group in ("day", "model", "project", "person", "provider"):
        found = (await http.get(f"{API}/usage", params={"group": group})).json()
        assert sum(item["runs"] for item in found["items"]) == found["total"]["runs"] == 3
        sums[group] = (found["total"]["tokens_in"], found["total"]["tokens_out"])
    assert len(set(sums.values())) == 1
    by_model = (await http.get(f"{API}/usage", params={"group": "model"})).json()["items"]
    assert {item["key"]: item["runs"] for item in by_model} == {"fake": 1, "fake-n30": 2}
    log = (await http.get(f"{API}/usage/log", params={"limit": 3})).json()
    assert [line["state"] for line in log["items"]] == ["failed", "done", "done"]
    rest = (await http.get(f"{API}/usage/log", params={"cursor": log["next_cursor"]})).json()
    assert len(rest["items"]) == 1 and rest["next_cursor"] is None
    sheet = await http.get(f"{API}/usage.csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert [row["model"] for row in rows] == ["fake-n30", "fake-n30", "fake"]
    assert sum(int(row["output"]) for row in rows) == sums["model"][1]
    empty = (await http.get(f"{API}/usage", params={"since": "2020-01-01", "until": "2020-01-31"})).json()
    assert (empty["items"], empty["total"]["runs"]) == ([], 0)
    wrong = await http.get(f"{API}/usage", params={"since": "2020-02-01", "until": "2020-01-31"})
    assert wrong.status_code == 422


async def test_administrators_see_sums_of_people_and_no_words(desk: Desk, http: httpx.AsyncClient) -> None:
    me = (await http.get(f"{API}/auth/me")).json()["id"]
    answer = await ask(http, prompt="a secret of mine")
    async with desk.live.client(headers=desk.admin.headers) as admin:
        found = (await admin.get(f"{API}/admin/usage", params={"group": "person"})).text
        hidden = await admin.get(f"{API}/runs/{answer['run_id']}")
    assert me in found and "secret" not in found
    assert hidden.status_code == 404


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])  # never on the same day
async def test_days_are_those_of_the_person(http: httpx.AsyncClient, zone: str) -> None:
    assert (await http.patch(f"{API}/settings", json={"timezone": zone})).status_code == 200
    before = now().astimezone(ZoneInfo(zone)).date()
    await ask(http)
    (item,) = (await http.get(f"{API}/usage", params={"group": "day"})).json()["items"]
    assert item["key"] in {str(before), str(now().astimezone(ZoneInfo(zone)).date())}
    for day, runs in ((before - timedelta(days=1), 0), (before, 1)):
        period = {"since": str(day), "until": str(day)}
        assert (await http.get(f"{API}/usage", params=period)).json()["total"]["runs"] == runs


async def test_strangers_find_nothing_of_a_run(desk: Desk, http: httpx.AsyncClient) -> None:
    answer = await ask(http)
    stranger = await desk.live.sign_in(Role.MANAGER)
    async with desk.live.client(headers=stranger.headers) as other:
        for method, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/receipt"),
            ("POST", "/stop"),
            ("POST", "/continue"),
        ):
            found = await other.request(method, f"{API}/runs/{answer['run_id']}{path}")
            assert (found.status_code, found.json()["code"]) == (404, "run.not_found")


@pytest.mark.parametrize("place", ["", "x", "-1", "9" * 30, "1e3"])
async def test_a_position_that_is_none_is_refused(http: httpx.AsyncClient, place: str) -> None:
    answer = await ask(http)
    found = await http.get(f"{API}/runs/{answer['run_id']}/events", headers={"Last-Event-ID": place})
    assert found.status_code == 422


async def test_ones_own_default_answers_where_no_model_is_named(http: httpx.AsyncClient) -> None:
    before = await ask(http, model=None)
    assert before["model"] != "fake-n30"
    answer = await http.put(f"{API}/llm/preferred", json={"model": "fake-n30"})
    assert answer.status_code == 200, answer.text
    for _ in range(200):  # until the process has heard of it
        after = await ask(http, model=None)
        if after["model"] != before["model"]:
            break
        await asyncio.sleep(0.02)
    assert after["model"] == "fake-n30"
    assert (await run_of(http, after["run_id"]))["routed"]["by"] == "person"


async def test_a_question_in_a_project_is_asked_of_its_model_and_counted_there(http: httpx.AsyncClient) -> None:
    body = {"name": "Novel", "default_model": "fake-n30"}
    project = (await http.post(f"{API}/projects", json=body)).json()["id"]
    answer = await ask(http, model=None, project_id=project)
    assert answer["model"] == "fake-n30"
    assert (await run_of(http, answer["run_id"]))["project_id"] == project
    shown = (await http.get(f"{API}/projects/{project}/dashboard")).json()
    assert (shown["total"]["runs"], shown["models"][0]["key"]) == (1, "fake-n30")
    assert (await http.delete(f"{API}/projects/{project}")).status_code == 204
    thrown = await http.post(f"{API}/llm/generate", json={**ASK, "project_id": project})
    assert (thrown.status_code, thrown.json()["code"]) == (409, "project.in_trash")
    foreign = await http.post(f"{API}/llm/generate", json={**ASK, "project_id": str(new_id())})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "project.not_found")
