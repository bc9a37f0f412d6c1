"""The answerer that needs no model: it hands back the best passages with their sources, and says that it does.

It is a provider like any other, with one model, so that everything which leans on runs works without a language model.
What finds passages lies above and plugs itself in here. Where nothing is found, the answer says so plainly.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from kontor.billing.usage import Usage
from kontor.core.tenancy import Actor
from kontor.gateway.transport import Outgoing, Transport
from kontor.gateway.wire.port import (
    Adapter,
    Call,
    Cited,
    Embedded,
    Endpoint,
    Failed,
    Finished,
    Listed,
    Named,
    Prepared,
    Reader,
    Reason,
    Said,
    Text,
    UsageSeen,
)

PROTOCOL = "passages"
PROVIDER_ID = UUID("00000000-0000-4000-8000-000000000001")
MODEL_ID = UUID("00000000-0000-4000-8000-000000000002")
MODEL_NAME = "passages"

LONGEST_QUESTION = 8000

NO_PASSAGES = (
    "There are no passages to answer from. This installation answers with passages of its documents alone, and nothing "
    "has been found, or nothing has been added yet."
)


@dataclass(frozen=True, slots=True)
class Passage:
    text: str
    title: str
    url: str  # a page of ours


class Retrieval(Protocol):
    async def passages(self, actor: Actor, question: str, project_id: UUID | None) -> Sequence[Passage]:
        """The best ones that this person may read by this door, best first: of one project, or of all."""


class NoRetrieval:
    async def passages(self, actor: Actor, question: str, project_id: UUID | None) -> Sequence[Passage]:
        return ()


class Answerer:
    """The transport for everybody else's models, and the passages themselves for this one."""

    def __init__(self, transport: Transport, retrieval: Retrieval | None = None) -> None:
        self.retrieval: Retrieval = retrieval or NoRetrieval()
        self._transport = transport

    def stream(
        self, request: Outgoing, adapter: Adapter, call: Call, at: Endpoint, prepared: Prepared | None = None
    ) -> AsyncGenerator[Sequence[Said], None]:
        if adapter.protocol == PROTOCOL:
            return self._passages(request, call)
        return self._transport.stream(request, adapter, call, at, prepared)

    async def _passages(self, request: Outgoing, call: Call) -> AsyncGenerator[Sequence[Said], None]:
        found: Sequence[Passage] = ()
        if request.actor is not None:
            found = await self.retrieval.passages(request.actor, question_of(call.messages), request.project_id)
        said: list[Said] = [Named(model=MODEL_NAME)]
        for place, passage in enumerate(found, start=1):
            said.append(Text(f"{quoted(passage.text)}\n\n[{place}] {passage.title}\n\n"))
            said.append(Cited(passage.url, passage.title))
        if not found:
            said.append(Text(NO_PASSAGES))
        yield [*said, UsageSeen(Usage()), Finished(Reason.STOP)]


class PassagesAdapter:
    """Holds the place of a protocol: nothing goes out, so there is nothing to write or to read."""

    protocol = PROTOCOL

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        return Prepared("POST", at.base_url, {}, b"", "json")

    def reader(self, call: Call, at: Endpoint) -> Reader:
        raise NotImplementedError

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        raise NotImplementedError

    def read_embedding(self, body: bytes) -> Embedded:
        raise NotImplementedError

    def models(self, at: Endpoint) -> Prepared:
        raise NotImplementedError

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return ()

    def failure(self, status: int, body: bytes) -> Failed:
        raise NotImplementedError


def question_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last thing that a person said; pictures and files in it are not looked at."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return text_of(message.get("content"))[:LONGEST_QUESTION]
    return ""


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().splitlines())
