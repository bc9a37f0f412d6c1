"""From a wish to those who may fulfil it: chosen, checked, and each with the request as it takes it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from kontor.core.tenancy import Actor
from kontor.gateway import parameters
from kontor.gateway.estimates import Estimates
from kontor.gateway.known import PASSAGES, KnownProvider
from kontor.gateway.routing import Choice, Chooser, Chosen, Need
from kontor.gateway.runs.continuing import continued
from kontor.gateway.runs.judging import CutPolicy
from kontor.gateway.runs.ports import Candidate, Route, Wish
from kontor.gateway.service import Gateway, adapter_of
from kontor.gateway.transport import Outgoing, Timeouts
from kontor.gateway.wire.port import Call, Feature

# Below this many characters nobody's window is asked about with care: a rough look is enough.
SHORT = 4000

PARTS: Mapping[str, Feature] = {
    "image_url": Feature.IMAGE,
    "file": Feature.DOCUMENT,
    "input_audio": Feature.AUDIO,
}


class Router:
    """`runs.ports.Router`, from what this process knows."""

    def __init__(self, gateway: Gateway, estimates: Estimates) -> None:
        self._gateway = gateway
        self._estimates = estimates

    async def route(self, actor: Actor, wish: Wish) -> Route:
        view = await self._gateway.knowledge.view(actor)
        choice = Chooser(view, self.need_of(wish)).choose(wish.model, provider=wish.provider)
        return Route(
            candidates=candidates_of(actor, wish, choice),
            why=choice.data(),
            after_stop=view.house.config.cut_stream_policy,
            unanswered=CutPolicy(view.house.config.unanswered_policy),
        )

    async def embedders(
        self, actor: Actor, ref: str | None, *, provider: str | None = None, tokens_in: int = 0
    ) -> Choice:
        """Those that turn texts into vectors. `outgoing_of` and `adapter_of` make the request of each."""
        view = await self._gateway.knowledge.view(actor)
        return Chooser(view, Need(tokens_in=tokens_in, gives="vector")).choose(ref, provider=provider)

    def need_of(self, wish: Wish) -> Need:
        features, characters = looked_at(wish.messages)
        if wish.tools:
            features.add(Feature.TOOLS)
        most = wish.parameters.get("max_output")
        if characters < SHORT:
            likely, least = characters // 3 + 1, characters // 8
        else:
            estimated = self._estimates.question("", wish.messages, wish.tools)
            likely, least = estimated.likely, estimated.low
        return Need(
            tokens_in=likely,
            tokens_in_least=least,
            max_output=most if isinstance(most, int) else None,
            features=frozenset(features),
        )


def looked_at(messages: Sequence[Mapping[str, Any]]) -> tuple[set[Feature], int]:
    """What the messages hold that not every model takes, and how many characters they have."""
    features: set[Feature] = set()
    characters = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            characters += len(content)
        elif isinstance(content, list):
            for part in content:
                if not isinstance(part, Mapping):
                    continue
                if (feature := PARTS.get(str(part.get("type")))) is not None:
                    features.add(feature)
                characters += len(text) if isinstance(text := part.get("text"), str) else 0
    return features, characters


def candidates_of(actor: Actor, wish: Wish, choice: Choice) -> Sequence[Candidate]:
    """The first one must take what was asked; a stand-in drops what it does not take, and says so."""
    return [
        candidate_of(actor, wish, chosen, is_lenient=wish.is_lenient or place > 0)
        for place, chosen in enumerate(choice.chosen)
    ]


def candidate_of(actor: Actor, wish: Wish, chosen: Chosen, *, is_lenient: bool) -> Candidate:
    model, provider, key = chosen.model, chosen.provider, chosen.key
    # Passages are what they are, whatever is wished.
    is_lenient = is_lenient or provider.protocol == PASSAGES
    read = parameters.read(model, provider, wish.parameters, is_lenient=is_lenient)
    messages = wish.messages
    if wish.partial:
        takes = model.facts.takes_prefill
        if takes is None:
            takes = provider.quirks.for_model(model.name).takes_prefill
        messages = continued(messages, wish.partial, takes_prefill=takes)
    call = Call(
        model=model.name,
        messages=messages,
        tools=wish.tools,
        tool_choice=wish.tool_choice,
        parallel_tool_calls=read.parallel_tool_calls,
        schema=wish.schema,
        max_output=read.max_output,
        temperature=read.temperature,
        top_p=read.top_p,
        stop=read.stop,
        seed=read.seed,
        effort=read.effort,
        top_logprobs=read.top_logprobs,
        is_streamed=wish.is_streamed,
        extra=read.extra,
    )
    return Candidate(
        model_id=model.id,
        provider_id=provider.id,
        key_id=None if key is None else key.id,
        provider_kind=provider.kind,
        model_name=model.name,
        adapter=adapter_of(provider),
        at=provider.endpoint(key),
        call=call,
        outgoing=outgoing_of(actor, chosen, wish.project_id),
        is_own_key=chosen.is_own_key,
        is_local=provider.is_local,
        losses=read.losses,
        max_output=model.facts.max_output,
    )


def outgoing_of(actor: Actor, chosen: Chosen, project_id: UUID | None = None) -> Outgoing:
    provider, key = chosen.provider, chosen.key
    return Outgoing(
        person=actor.user_id,
        provider=provider.id,
        label=provider.label,
        model=chosen.model.name,
        key=None if key is None else key.id,
        is_guarded=provider.is_guarded,
        concurrency=provider.concurrency,
        timeouts=timeouts_of(provider),
        actor=actor,
        project_id=project_id,
    )


def timeouts_of(provider: KnownProvider) -> Timeouts:
    return made_timeouts(tuple(sorted(provider.timeouts.items())))


@lru_cache(maxsize=1024)
def made_timeouts(given: tuple[tuple[str, float], ...]) -> Timeouts:
    known = {name: seconds for name, seconds in given if name in Timeouts.__dataclass_fields__}
    return Timeouts(**known)
