"""All fake providers at once, and which adapter asks which of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from kontor.gateway.wire.port import Endpoint
from kontor.gateway.wire.quirks import KINDS
from tests.wire.anthropic import Anthropic
from tests.wire.gemini import Gemini
from tests.wire.llm_server import Dialect, LlmServer, serving
from tests.wire.ollama import Ollama
from tests.wire.openai import OpenAi

DIALECTS: Mapping[str, type[Dialect]] = {
    "openai": OpenAi,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
}
# Protocol of an adapter -> kind of the provider that speaks it.
SPEAKERS: Mapping[str, str] = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}


@asynccontextmanager
async def all_serving() -> AsyncIterator[Mapping[str, LlmServer]]:
    async with AsyncExitStack() as stack:
        yield {kind: await stack.enter_async_context(serving(dialect())) for kind, dialect in DIALECTS.items()}


def endpoint_of(server: LlmServer, *, base_url: str | None = None) -> Endpoint:
    """As the house's own row of this provider would have it."""
    return Endpoint(base_url or server.url, server.key or None, KINDS[server.dialect.kind].quirks)
