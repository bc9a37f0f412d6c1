"""Which model answers, and which instead: by name, by alias, by rule. Decided from what is known, without waiting.

Whoever names a model gets that one or a reason. An alias is a name with stand-ins. A rule looks at many and takes the
first that is well, the cheapest that fits, or one that leaves nothing of the question outside the house.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kontor.core.errors import Kind, KontorError
from kontor.gateway.known import PASSAGES, Health, KnownKey, KnownModel, KnownProvider, Price, View
from kontor.gateway.llm_config import BUILT_IN, Strategy
from kontor.gateway.parameters import has, quirks_of
from kontor.gateway.wire.port import Feature

# What an answer is taken to be as long as, where nobody said, to compare prices.
USUAL_OUTPUT = 1000
# Stand-ins that are tried after one another at most.
MOST_ROUTES = 4

# `person` and `default`: nobody named one, so it is the person's own or the house's.
By = Literal["name", "alias", "rule", "person", "default"]


class ModelUnknown(KontorError):
    kind, code = Kind.UNPROCESSABLE, "gateway.model_unknown"

    def __init__(self, ref: str) -> None:
        super().__init__(
            f"There is no model, alias or rule “{ref}” that you may use. The list of models has all that there are.",
            details={"model": ref},
        )


class ModelUnfit(KontorError):
    """The one that was asked for cannot do this."""

    kind, code = Kind.UNPROCESSABLE, "gateway.model_unfit"

    def __init__(self, model: str, why: str, *, reason: str) -> None:
        super().__init__(f"{model} {why}. Choose another model.", details={"model": model, "reason": reason})


class KeyMissing(KontorError):
    kind, code = Kind.UNPROCESSABLE, "gateway.key_missing"

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"There is no key for {provider}. Add one of your own in the settings, or ask the administrator.",
            details={"provider": provider},
        )


class NothingFits(KontorError):
    """A rule looked at all of them."""

    kind, code = Kind.UNPROCESSABLE, "gateway.nothing_fits"

    def __init__(self, rule: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"The rule “{rule}” finds no model that can answer this. Choose one by name, or change the request.",
            details={"rule": rule, "reasons": list(reasons)},
        )


@dataclass(frozen=True, slots=True)
class Need:
    """What a request asks of a model. Tokens are estimated: the least is what a refusal leans on."""

    tokens_in: int = 0
    tokens_in_least: int = 0
    max_output: int | None = None
    features: frozenset[Feature] = frozenset()
    gives: Literal["text", "vector"] = "text"


# Without these a request would mean something else. The others are wishes, whose loss is noted.
HARD = {
    Feature.IMAGE: "does not look at images",
    Feature.DOCUMENT: "does not read documents",
    Feature.AUDIO: "does not listen to sound",
    Feature.TOOLS: "does not use tools",
    Feature.TOOL_RESULT: "does not use tools",
}


FREE = Price(0, 0)


@dataclass(frozen=True, slots=True)
class Chosen:
    model: KnownModel
    provider: KnownProvider
    key: KnownKey | None
    is_own_key: bool
    price: Price | None


@dataclass(frozen=True, slots=True)
class PassedOver:
    model: KnownModel
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """In the order in which they are tried. `data` is written into the run."""

    asked: str | None
    by: By
    chosen: tuple[Chosen, ...]
    passed_over: tuple[PassedOver, ...] = ()
    name: str | None = None  # of the alias or rule
    strategy: Strategy | None = None
    instead_of: str | None = None  # what the person has set for themselves and what leads nowhere now

    def data(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"asked": self.asked, "by": self.by}
        if self.name is not None:
            found["name"] = self.name
        if self.strategy is not None:
            found["strategy"] = self.strategy
        if self.instead_of is not None:
            found["instead_of"] = self.instead_of
        found["order"] = [
            {
                "model": str(each.model.id),
                "name": each.model.name,
                "provider": each.provider.label,
                "own_key": each.is_own_key,
                "health": each.provider.health.value,
            }
            for each in self.chosen
        ]
        if self.passed_over:
            found["passed_over"] = [{"name": each.model.name, "why": each.why} for each in self.passed_over[:50]]
        return found


@dataclass(frozen=True, slots=True)
class Chooser:
    """For one request of one person."""

    view: View
    need: Need
    _keys: dict[KnownProvider, KnownKey | None] = field(default_factory=dict, init=False, compare=False)

    def choose(self, ref: str | None, *, provider: str | None = None) -> Choice:
        if ref is not None or provider is not None:
            return self._by_ref(ref, None, provider=provider)
        config = self.view.house.config
        if self.need.gives == "vector":
            return self._by_ref(config.embedding_model, "default", provider=None)
        preferred = self.view.own.preferred
        if preferred is None:
            return self._by_ref(config.default_model or "auto", "default", provider=None)
        if self.leads_somewhere(preferred):
            return self._by_ref(preferred, "person", provider=None)
        chosen = self._by_ref(config.default_model or "auto", "default", provider=None)
        return replace(chosen, instead_of=preferred)

    def leads_somewhere(self, ref: str) -> bool:
        """Whether these words mean something that may answer this person at all, whatever is asked just now."""
        config = self.view.house.config
        if ref in BUILT_IN or any(rule.name == ref for rule in config.rules):
            return True
        alias = next((each for each in config.aliases if each.name == ref), None)
        refs = (ref,) if alias is None else (alias.model, *alias.fallbacks)
        models = (model for each in refs for model in self.view.named(each))
        return any(model.answers and self._unready(model) is None for model in models)

    def _by_ref(self, ref: str | None, by: By | None, *, provider: str | None) -> Choice:
        config = self.view.house.config
        if ref is None:
            return self._by_rule(None, "auto", "first_healthy", (), by or "rule", provider=provider)
        alias = next((each for each in config.aliases if each.name == ref), None)
        if alias is not None and provider is None:
            return self._by_alias(ref, (alias.model, *alias.fallbacks), by or "alias")
        rule = next((each for each in config.rules if each.name == ref), None)
        if rule is not None:
            return self._by_rule(ref, rule.name, rule.strategy, rule.models, by or "rule", provider=provider)
        if ref in BUILT_IN and not self.view.named(ref):
            return self._by_rule(ref, ref, BUILT_IN[ref], (), by or "rule", provider=provider)
        return self._by_name(ref, by or "name", provider=provider)

    def _by_name(self, ref: str, by: By, *, provider: str | None) -> Choice:
        found = [model for model in self.view.named(ref) if self._is_at(model, provider)]
        if not found:
            raise ModelUnknown(ref if provider is None else f"{provider}/{ref}")
        reasons = {model.id: self.why_not(model) for model in found}
        fit = [model for model in found if reasons[model.id] is None]
        if not fit:
            raise self.refusal(found[0])
        first = self.chosen(fit[0])
        # A second provider of the same model stands in for the first, but nobody is made to pay where they did not.
        others = [other for model in fit[1:] if (other := self.chosen(model)).is_own_key == first.is_own_key]
        same = [other for other in others if other.model.name == first.model.name]
        passed = [PassedOver(model, reasons[model.id] or "") for model in found if reasons[model.id]]
        return Choice(ref, by, (first, *same)[:MOST_ROUTES], tuple(passed))

    def _by_alias(self, ref: str, targets: Sequence[str], by: By) -> Choice:
        models, passed = self._sorted_out(model for target in targets for model in self.view.named(target)[:1])
        if not models:
            if passed:
                raise self.refusal(passed[0].model)
            raise ModelUnknown(ref)
        chosen = tuple(self.chosen(model) for model in models[:MOST_ROUTES])
        return Choice(ref, by, chosen, tuple(passed), name=ref)

    def _by_rule(
        self, ref: str | None, name: str, strategy: Strategy, targets: Sequence[str], by: By, *, provider: str | None
    ) -> Choice:
        if targets:
            listed: Iterable[KnownModel] = (model for each in targets for model in self.view.named(each)[:1])
        else:
            listed = sorted(self.view.usable(), key=self._standing)
        wanted = [model for model in dict.fromkeys(listed) if self._is_at(model, provider)]
        models, passed = self._sorted_out(wanted)
        if strategy == "local":
            passed += [PassedOver(model, "not local") for model in models if not model.provider.is_local]
            models = [model for model in models if model.provider.is_local]
        elif strategy == "cheapest":
            passed += [PassedOver(model, "no price") for model in models if self._price(model) is None]
            models = [model for model in models if self._price(model) is not None]
            models.sort(key=self._cost)
        # Stable: among those that are well the order stays. Passages answer where nobody else can.
        models.sort(key=lambda model: (self._is_passages(model), model.provider.health is Health.DOWN))
        if not models:
            reasons = sorted({each.why for each in passed})
            raise NothingFits(name, reasons)
        chosen = tuple(self.chosen(model) for model in models[:MOST_ROUTES])
        return Choice(ref, by, chosen, tuple(passed), name=name, strategy=strategy)

    def why_not(self, model: KnownModel) -> str | None:
        """In a word or two, for the run; None where nothing speaks against it."""
        provider = model.provider
        if self.need.gives == "vector":
            if not model.embeds:
                return "does not embed"
        elif not model.answers:
            return "does not write"
        if (unready := self._unready(model)) is not None:
            return unready
        if (missing := self._missing(model, provider)) is not None:
            return missing
        return "too small" if self._is_too_small(model) else None

    def refusal(self, model: KnownModel) -> KontorError:
        """The same for the person, with the way out."""
        provider = model.provider
        match self.why_not(model):
            case "no key":
                return KeyMissing(provider.label)
            case "no price":
                return ModelUnfit(model.label, "has no price yet, so it cannot be paid for", reason="no_price")
            case "too small":
                window = model.facts.max_input or model.facts.context_total
                why = f"takes {window} tokens at most, and this has about {self.need.tokens_in}"
                return ModelUnfit(model.label, why, reason="too_small")
            case why:
                return ModelUnfit(model.label, why or "cannot answer this", reason="cannot")

    def chosen(self, model: KnownModel) -> Chosen:
        provider = model.provider
        return Chosen(model, provider, self._key(provider), self._is_own_key(provider), self._price(model))

    def _sorted_out(self, models: Iterable[KnownModel]) -> tuple[list[KnownModel], list[PassedOver]]:
        fit: list[KnownModel] = []
        passed: list[PassedOver] = []
        for model in dict.fromkeys(models):
            why = self.why_not(model)
            if why is None:
                fit.append(model)
            else:
                passed.append(PassedOver(model, why))
        return fit, passed

    def _unready(self, model: KnownModel) -> str | None:
        provider = model.provider
        if provider.needs_key and self._key(provider) is None:
            return "no key"
        if self.view.house.is_billed and self._price(model) is None and not self._is_own_key(provider):
            return "no price"
        return None

    def _missing(self, model: KnownModel, provider: KnownProvider) -> str | None:
        for feature in sorted(self.need.features & HARD.keys()):
            if not has(model.facts, quirks_of(model, provider), feature) and provider.protocol != PASSAGES:
                return HARD[feature]
        return None

    def _is_too_small(self, model: KnownModel) -> bool:
        facts, need = model.facts, self.need
        if facts.max_input is not None and need.tokens_in_least > facts.max_input:
            return True
        return facts.context_total is not None and need.tokens_in_least + 1 > facts.context_total

    def _is_at(self, model: KnownModel, provider: str | None) -> bool:
        if provider is None:
            return True
        known = model.provider
        return provider.lower() in {str(known.id), known.kind, known.label.lower()}

    def _key(self, provider: KnownProvider) -> KnownKey | None:
        """Looked up once for each provider, however many models it has."""
        if provider not in self._keys:
            self._keys[provider] = self.view.key(provider)
        return self._keys[provider]

    def _is_own_key(self, provider: KnownProvider) -> bool:
        """Also where one's own provider asks for none: whatever it costs, it does not cost the house."""
        key = self._key(provider)
        return provider.owner_id is not None or (key is not None and key.owner_id is not None)

    def _is_passages(self, model: KnownModel) -> bool:
        return model.provider.protocol == PASSAGES

    def _price(self, model: KnownModel) -> Price | None:
        return self.view.house.prices.get(model.id) or (FREE if model.provider.is_local else None)

    def _cost(self, model: KnownModel) -> int:
        price = self._price(model)
        if price is None:
            return 0
        return self.need.tokens_in * price.input + (self.need.max_output or USUAL_OUTPUT) * price.output

    def _standing(self, model: KnownModel) -> tuple[object, ...]:
        """Where nobody has set an order: one's own first, then the able and roomy ones."""
        facts = model.facts
        is_able = facts.features is None or Feature.TOOLS in facts.features
        return (
            model.owner_id is None,
            facts.deprecated_on is not None,
            not is_able,
            -(facts.context_total or 0),
            model.label,
        )
