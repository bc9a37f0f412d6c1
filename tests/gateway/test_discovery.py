"""Model servers on this machine are found, described, and added with a click."""

from collections.abc import Mapping

from kontor.gateway import service
from tests.factories.house import House
from tests.gateway.house import add_provider, administrator, gateway_of
from tests.wire.llm_server import LlmServer

CLOSED = "http://127.0.0.1:1"


async def test_what_answers_is_found_with_its_models(house: House, providers: Mapping[str, LlmServer]) -> None:
    ollama = providers["ollama"]
    places = [("ollama", ollama.url), ("lmstudio", CLOSED)]
    (found,) = await service.discover(gateway_of(house), own_port=8000, places=places)
    assert (found.kind, found.base_url, found.provider_id) == ("ollama", ollama.url, None)
    described = {each.name.removesuffix(":latest"): each for each in found.listed}
    assert set(described) == set(ollama.dialect.models)
    # The list has names and sizes; what a model holds and takes is asked of each.
    assert described["fake"].context_total is not None
    assert described["fake"].size_bytes


async def test_what_is_a_provider_already_is_named(house: House, providers: Mapping[str, LlmServer]) -> None:
    added = await add_provider(await administrator(house), providers["ollama"])
    places = [("ollama", providers["ollama"].url)]
    (found,) = await service.discover(gateway_of(house), own_port=8000, places=places)
    assert str(found.provider_id) == added["id"]


async def test_nothing_is_found_where_nobody_or_somebody_else_is(
    house: House, providers: Mapping[str, LlmServer]
) -> None:
    """A server that wants a key, or speaks otherwise, is none that was looked for."""
    places = [("ollama", CLOSED), ("vllm", providers["openai"].url), ("llamacpp", providers["gemini"].url)]
    assert await service.discover(gateway_of(house), own_port=8000, places=places) == []


async def test_kontor_does_not_find_itself(house: House, providers: Mapping[str, LlmServer]) -> None:
    ollama = providers["ollama"]
    assert await service.discover(gateway_of(house), own_port=ollama.port, places=[("ollama", ollama.url)]) == []
    assert len(ollama.requests) == 0
