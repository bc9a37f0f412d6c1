"""Vectors for texts, as runs like all others: quoted, held, journalled and settled. What is not journalled is the
vectors: whoever asked keeps them, and nobody else has a use for them.

An idempotency key is the exception, because the same key must give the same answer again without being charged again.
Then the vectors stay with the run, at four bytes a number where that holds it exactly, in base64: 8 kB for one of 1536.
The texts do not: of them the run knows a digest, by which another question under the same key is told apart.
"""

import hashlib
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kontor.billing.usage import Usage
from kontor.core.tenancy import Actor
from kontor.gateway.router import Router, outgoing_of
from kontor.gateway.routing import Chosen
from kontor.gateway.runs.answers import Answer
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.ports import Candidate, Route, Wish
from kontor.gateway.runs.service import Runs
from kontor.gateway.service import adapter_of
from kontor.gateway.wire.port import (
    Adapter,
    Call,
    Embedded,
    Endpoint,
    Failed,
    Finished,
    Listed,
    Prepared,
    Reader,
    Reason,
    Said,
    UsageSeen,
    Vector,
)

KIND = "embed"
TEXTS_AT_ONCE = 96  # every provider takes as many


@dataclass(frozen=True, slots=True)
class Wanted:
    texts: Sequence[str]
    model: str | None = None
    provider: str | None = None
    dimensions: int | None = None
    wish: Wish = field(default_factory=lambda: Wish(messages=()))  # whose run it is; its question is taken from here


@dataclass(slots=True)
class Vectors:
    """`failure` is the error of the run that came to nothing; the vectors are then not all there."""

    run_ids: list[RunId] = field(default_factory=list)
    vectors: list[Sequence[float]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    failure: Mapping[str, Any] | None = None

    @property
    def usage(self) -> Usage:
        counted = [(answer.done or {}).get("usage", {}) for answer in self.answers]
        names = Usage.__dataclass_fields__
        return Usage(**{name: sum(each.get(name, 0) for each in counted) for name in names})


async def embed(runs: Runs, router: Router, actor: Actor, wanted: Wanted) -> Vectors:
    """A run for each batch, one after another: the first that fails is the last."""
    found = Vectors()
    wish = replace(wanted.wish, messages=(), model=wanted.model, provider=wanted.provider, kind=KIND)
    for number, begin in enumerate(range(0, len(wanted.texts), TEXTS_AT_ONCE)):
        texts = wanted.texts[begin : begin + TEXTS_AT_ONCE]
        way = Way(router, texts, wanted)
        run_id, answer = await runs.ask(actor, of_batch(wish, wanted, number), via=way)
        found.run_ids.append(run_id)
        found.answers.append(answer)
        vectors = way.found.vectors if way.found is not None else kept_in(answer)
        if answer.error is not None or len(vectors) != len(texts):
            found.failure = answer.error or {
                "code": "gateway.bad_answer",
                "message": "The provider did not send one vector for each text.",
            }
            return found
        found.vectors += vectors
    return found


def of_batch(wish: Wish, wanted: Wanted, number: int) -> Wish:
    """Each batch is a run, and so has a key of its own. It is told apart by all of the question, not by its part."""
    key = wish.idempotency_key
    if key is None:
        return wish
    asked = {"texts": digest_of(*wanted.texts), "dimensions": wanted.dimensions}
    return replace(wish, parameters=asked, idempotency_key=key if number == 0 else f"{digest_of(key)}:{number}")


def digest_of(*texts: str) -> str:
    found = hashlib.sha256()
    for text in texts:
        said = text.encode("utf-8", "surrogatepass")
        found.update(len(said).to_bytes(8) + said)
    return found.hexdigest()


def packed(vector: Sequence[float]) -> Mapping[str, str]:
    """Little-endian. Most providers count with four bytes and write what these are in eight; others are kept whole."""
    doubles = array("d", vector)
    floats = array("f", doubles)
    numbers = floats if array("d", floats) == doubles else doubles
    if sys.byteorder == "big":
        numbers.byteswap()
    return {f"float{numbers.itemsize * 8}": b64encode(numbers).decode()}


def kept_in(answer: Answer) -> Sequence[Sequence[float]]:
    """The vectors of a run that kept them, in their order."""
    found = []
    for kept in sorted(answer.vectors, key=lambda each: int(each["index"])):
        kind, numbers = ("float32", array("f")) if "float32" in kept else ("float64", array("d"))
        numbers.frombytes(b64decode(kept[kind]))
        if sys.byteorder == "big":
            numbers.byteswap()
        found.append(numbers.tolist())
    return found


class Way:
    """The route of one batch. Has the vectors, which events hold only where there is a key."""

    def __init__(self, router: Router, texts: Sequence[str], wanted: Wanted) -> None:
        self._router = router
        self._texts = texts
        self._wanted = wanted
        self.is_kept = wanted.wish.idempotency_key is not None
        self.found: Embedded | None = None

    async def route(self, actor: Actor, wish: Wish) -> Route:
        tokens = sum(map(len, self._texts)) // 4
        choice = await self._router.embedders(actor, wish.model, provider=wish.provider, tokens_in=tokens)
        candidates = [self._candidate(actor, chosen) for chosen in choice.chosen]
        # Vectors of two models have nothing to do with each other, so nobody else's stand in unasked.
        same = [each for each in candidates if each.model_name == candidates[0].model_name]
        return Route(same, choice.data())

    def _candidate(self, actor: Actor, chosen: Chosen) -> Candidate:
        provider, model = chosen.provider, chosen.model
        return Candidate(
            model_id=model.id,
            provider_id=provider.id,
            key_id=None if chosen.key is None else chosen.key.id,
            provider_kind=provider.kind,
            model_name=model.name,
            adapter=VectorAdapter(adapter_of(provider), self, self._wanted.dimensions),
            at=provider.endpoint(chosen.key),
            call=Call(
                model=model.name,
                messages=[{"role": "user", "content": text} for text in self._texts],
                max_output=1,  # nothing is written, so next to nothing is held for it
                is_streamed=False,
            ),
            outgoing=outgoing_of(actor, chosen),
            is_own_key=chosen.is_own_key,
            is_local=provider.is_local,
        )


class VectorAdapter:
    """The provider's adapter, with its call for vectors where others have the one for answers."""

    def __init__(self, inner: Adapter, way: Way, dimensions: int | None) -> None:
        self._inner = inner
        self._way = way
        self._dimensions = dimensions
        self.protocol = inner.protocol

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        texts = [message["content"] for message in call.messages]
        return self._inner.embed(call.model, texts, self._dimensions, at)

    def reader(self, call: Call, at: Endpoint) -> Reader:
        return VectorReader(self._inner, self._way)

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        return self._inner.embed(model, texts, dimensions, at)

    def read_embedding(self, body: bytes) -> Embedded:
        return self._inner.read_embedding(body)

    def models(self, at: Endpoint) -> Prepared:
        return self._inner.models(at)

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return self._inner.read_models(body)

    def failure(self, status: int, body: bytes) -> Failed:
        return self._inner.failure(status, body)


class VectorReader:
    def __init__(self, inner: Adapter, way: Way) -> None:
        self._inner = inner
        self._way = way

    def feed(self, frame: bytes) -> Sequence[Said]:
        found = self._inner.read_embedding(frame)
        self._way.found = found
        kept = [Vector(place, packed(each)) for place, each in enumerate(found.vectors)] if self._way.is_kept else []
        counted = [UsageSeen(found.usage)] if found.usage.read else []
        return [*kept, *counted, Finished(Reason.STOP)]

    def end(self) -> Sequence[Said]:
        return ()
