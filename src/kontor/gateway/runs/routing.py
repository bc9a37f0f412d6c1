"""From a wish to the models that are asked for it, each with its key, its address and its parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from kontor.core.errors import FieldProblem
from kontor.core.tenancy import Actor
from kontor.gateway import parameters
from kontor.gateway.estimates import Estimates
from kontor.gateway.known import KnownModel, KnownProvider
from kontor.gateway.resilience import Retry
from kontor.gateway.routing import Choice, Chooser, Chosen, Need
from kontor.gateway.runs.continuing import continued
from kontor.gateway.runs.errors import NoModel
from kontor.gateway.runs.judging import CutPolicy
from kontor.gateway.runs.ports import Candidate, Route, Wish
from kontor.gateway.service import Gateway, adapter_of
from kontor.gateway.transport import Outgoing, Timeouts
from kontor.gateway.wire.port import Call, Feature

PARTS: Mapping[str, Feature] = {
    "image_url": Feature.IMAGE,
    "file": Feature.DOCUMENT,
    "input_audio": Feature.AUDIO,
}
# With somebody to stand in, one provider is not waited for as long as it takes.
RETRY_WITH_STAND_IN = Retry(attempts=2)

LIMITS = frozenset(each.name for each in fields(Timeouts))


@dataclass(frozen=True, slots=True)
class Routing:
    """Decided from what this process knows, without asking the database."""

    gateway: Gateway
    estimates: Estimates

    async def route(self, actor: Actor, wish: Wish) -> Route:
        view = await self.gateway.knowledge.view(actor)
        choice = Chooser(view, self._need(wish)).choose(wish.model, provider=wish.provider)
        candidates = self._candidates(actor, wish, choice)
        if not candidates:
            raise NoModel
        config = view.house.config
        return Route(
            candidates,
            choice.data(),
            after_stop=config.cut_stream_policy,
            unanswered=CutPolicy(config.unanswered_policy),
        )

    def _need(self, wish: Wish) -> Need:
        estimated = self.estimates.question(wish.model or "", wish.messages, wish.tools)
        most = wish.parameters.get("max_output")
        return Need(
            tokens_in=estimated.likely,
            tokens_in_least=estimated.low,
            max_output=most if isinstance(most, int) else None,
            features=asked_for(wish),
        )

    def _candidates(self, actor: Actor, wish: Wish, choice: Choice) -> Sequence[Candidate]:
        found = []
        for place, chosen in enumerate(choice.chosen):
            try:
                found.append(
                    self._candidate(actor, wish, chosen, is_stand_in=place > 0, is_alone=len(choice.chosen) == 1)
                )
            except FieldProblem:
                # A stand-in that does not take these values stands in for nobody.
                if not found:
                    raise
        return found

    def _candidate(self, actor: Actor, wish: Wish, chosen: Chosen, *, is_stand_in: bool, is_alone: bool) -> Candidate:
        model, provider, key = chosen.model, chosen.provider, chosen.key
        quirks = provider.quirks.for_model(model.name)
        given = parameters.read(model, provider, wish.parameters, is_lenient=wish.is_lenient or is_stand_in)
        asked = {each.name: getattr(given, each.name) for each in fields(given) if each.name != "losses"}
        return Candidate(
            model_id=model.id,
            provider_id=provider.id,
            key_id=None if key is None else key.id,
            provider_kind=provider.kind,
            model_name=model.name,
            adapter=adapter_of(provider),
            at=provider.endpoint(key),
            call=Call(
                model=model.name,
                messages=continued(wish.messages, wish.partial, takes_prefill=quirks.takes_prefill),
                tools=wish.tools,
                tool_choice=wish.tool_choice,
                schema=wish.schema,
                is_streamed=wish.is_streamed,
                **asked,
            ),
            outgoing=outgoing(actor, model, provider, chosen, retry=Retry() if is_alone else RETRY_WITH_STAND_IN),
            is_own_key=chosen.is_own_key,
            is_local=provider.is_local,
            losses=given.losses,
            max_output=model.facts.max_output,
        )


def outgoing(
    actor: Actor, model: KnownModel, provider: KnownProvider, chosen: Chosen, *, retry: Retry | None = None
) -> Outgoing:
    return Outgoing(
        person=actor.user_id,
        provider=provider.id,
        label=provider.label,
        model=model.name,
        key=None if chosen.key is None else chosen.key.id,
        is_guarded=provider.is_guarded,
        concurrency=provider.concurrency,
        timeouts=Timeouts(**{name: value for name, value in provider.timeouts.items() if name in LIMITS}),
        retry=retry or Retry(),
    )


def asked_for(wish: Wish) -> frozenset[Feature]:
    """What a model must be able to do, or the question would mean something else."""
    found: set[Feature] = set()
    for message in wish.messages:
        if message.get("role") == "tool":
            found.add(Feature.TOOL_RESULT)
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            feature = PARTS.get(str(part.get("type"))) if isinstance(part, Mapping) else None
            if feature is not None:
                found.add(feature)
    if wish.tools:
        found.add(Feature.TOOLS)
    if wish.schema is not None:
        found.add(Feature.SCHEMA)
    return frozenset(found)
