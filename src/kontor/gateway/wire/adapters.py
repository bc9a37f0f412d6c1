"""Which adapter speaks which protocol. A new protocol is one module and one line here."""

from collections.abc import Mapping
from types import MappingProxyType

from kontor.gateway.wire.anthropic import Anthropic
from kontor.gateway.wire.gemini import Gemini
from kontor.gateway.wire.ollama import Ollama
from kontor.gateway.wire.openai_chat import OpenAIChat
from kontor.gateway.wire.openai_responses import OpenAIResponses
from kontor.gateway.wire.port import Adapter

RESPONSES = OpenAIResponses()
SPOKEN: tuple[Adapter, ...] = (
    OpenAIChat(RESPONSES),
    RESPONSES,
    Anthropic(),
    Gemini(),
    Ollama(),
)
ADAPTERS: Mapping[str, Adapter] = MappingProxyType({adapter.protocol: adapter for adapter in SPOKEN})
