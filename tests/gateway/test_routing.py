"""Who answers: by name, by alias, by rule, and what is written about the choice."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kontor.core.tenancy import Role
from kontor.gateway.estimates import Estimates
from kontor.gateway.known import PASSAGES, Health, KnownProvider, Own, Part, Price, View
from kontor.gateway.llm_config import Alias, LlmConfigRead, Rule
from kontor.gateway.router import Router
from kontor.gateway.routing import Choice, Chooser, KeyMissing, ModelUnfit, ModelUnknown, Need, NothingFits
from kontor.gateway.runs.ports import Wish
from kontor.gateway.wire.port import Feature
from tests.factories.house import House
from tests.gateway.house import add_provider, administrator, gateway_of
from tests.gateway.samples import ANNA, key, model, part, provider, view
from tests.wire.llm_server import LlmServer

OPENAI, LOCAL, OTHER = provider("openai"), provider("ollama"), provider("anthropic")
BIG = model(OPENAI, "gpt-5", context_total=400_000, max_input=272_000, features=["tools", "image"])
SMALL = model(OPENAI, "gpt-5-nano", context_total=8_000, features=["tools"])
CLAUDE = model(OTHER, "claude-opus-5-5", context_total=1_000_000, features=["tools", "image", "document"])
QWEN = model(LOCAL, "qwen3:32b", context_total=40_960, features=["tools"])
VECTORS = model(OPENAI, "text-embedding-3-small", gives=["vector"])
PROVIDERS, MODELS = [OPENAI, LOCAL, OTHER], [BIG, SMALL, CLAUDE, QWEN, VECTORS]
KEYS = [key(OPENAI), key(OTHER)]
PRICES = {
    BIG.id: Price(1_250_000_000, 10_000_000_000),
    SMALL.id: Price(50_000_000, 400_000_000),
    CLAUDE.id: Price(4_000_000_000, 20_000_000_000),
}
CONFIG = LlmConfigRead(
    version=1,
    default_model="good",
    aliases=(Alias(name="good", model="claude-opus-5-5", fallbacks=("gpt-5", "qwen3:32b")),),
    rules=(
        Rule(name="quick", strategy="first_healthy", models=("gpt-5-nano", "qwen3:32b")),
        Rule(name="inside", strategy="local"),
    ),
)


def known(**more: object) -> View:
    given: dict[str, object] = {"config": CONFIG, "prices": PRICES, **more}
    return view(part(PROVIDERS, MODELS, KEYS), **given)  # type: ignore[arg-type]  # what the tests vary


def sick(*those: KnownProvider) -> Part:
    now = {each: replace(each, health=Health.DOWN) if each in those else each for each in PROVIDERS}
    return part(list(now.values()), [replace(each, provider=now[each.provider]) for each in MODELS], KEYS)


def names(choice: Choice) -> list[str]:
    return [each.model.name for each in choice.chosen]


@pytest.mark.parametrize(
    "ref",
    ["gpt-5", "GPT-5", "openai/gpt-5", "OpenAI/gpt-5", str(BIG.id), f"{OPENAI.id}/gpt-5"],
    ids=["name", "any case", "provider", "label", "id", "id of the provider"],
)
def test_a_model_has_many_names(ref: str) -> None:
    choice = Chooser(known(), Need()).choose(ref)
    assert (choice.by, names(choice)) == ("name", ["gpt-5"])


def test_whoever_names_a_model_gets_it_also_when_it_is_unwell() -> None:
    ill = view(sick(OPENAI), config=CONFIG)
    assert names(Chooser(ill, Need()).choose("gpt-5")) == ["gpt-5"]


def test_an_alias_has_stand_ins_in_their_order() -> None:
    choice = Chooser(known(), Need()).choose("good")
    assert (choice.by, choice.name, names(choice)) == ("alias", "good", ["claude-opus-5-5", "gpt-5", "qwen3:32b"])


def test_nothing_said_means_the_default() -> None:
    choice = Chooser(known(), Need()).choose(None)
    assert (choice.by, choice.asked, choice.name) == ("default", "good", "good")


def preferring(ref: str, **more: object) -> View:
    return replace(known(**more), own=Own(preferred=ref))


@pytest.mark.parametrize(
    ("ref", "first"),
    [("gpt-5", "gpt-5"), (str(SMALL.id), "gpt-5-nano"), ("good", "claude-opus-5-5"), ("inside", "qwen3:32b")],
)
def test_ones_own_default_comes_before_the_houses(ref: str, first: str) -> None:
    choice = Chooser(preferring(ref), Need()).choose(None)
    assert (names(choice)[0], choice.by) == (first, "person")
    assert names(Chooser(preferring(ref), Need()).choose("qwen3:32b")) == ["qwen3:32b"]


@pytest.mark.parametrize("ref", ["gone", "text-embedding-3-small", str(ANNA)])
def test_a_default_that_leads_nowhere_gives_way_and_the_run_says_so(ref: str) -> None:
    choice = Chooser(preferring(ref), Need()).choose(None)
    assert (names(choice)[0], choice.by) == ("claude-opus-5-5", "default")
    assert choice.data()["instead_of"] == ref


def test_a_default_that_cannot_be_paid_for_or_has_no_key_gives_way() -> None:
    billed = Chooser(preferring("gpt-5", prices={CLAUDE.id: Price(1, 1)}, is_billed=True), Need()).choose(None)
    keyless = replace(view(part(PROVIDERS, MODELS, [key(OTHER)]), config=CONFIG), own=Own(preferred="gpt-5"))
    for choice in (billed, Chooser(keyless, Need()).choose(None)):
        assert (names(choice)[0], choice.instead_of) == ("claude-opus-5-5", "gpt-5")


def test_a_default_that_cannot_take_this_question_says_so_like_a_named_one() -> None:
    with pytest.raises(ModelUnfit, match="images"):
        Chooser(preferring("qwen3:32b"), Need(features=frozenset({Feature.IMAGE}))).choose(None)


def test_vectors_have_no_default_of_ones_own() -> None:
    assert names(Chooser(preferring("gpt-5"), Need(gives="vector")).choose(None)) == ["text-embedding-3-small"]


def test_first_healthy_passes_over_the_unwell() -> None:
    assert names(Chooser(known(), Need()).choose("quick")) == ["gpt-5-nano", "qwen3:32b"]
    ill = view(sick(OPENAI), config=CONFIG)
    assert names(Chooser(ill, Need()).choose("quick")) == ["qwen3:32b", "gpt-5-nano"]


def test_cheapest_that_fits() -> None:
    """Local costs nothing; without it the cheapest one that holds the question; what has no price is left out."""
    assert names(Chooser(known(), Need()).choose("cheapest"))[0] == "qwen3:32b"
    long = Need(tokens_in=120_000, tokens_in_least=100_000)
    assert names(Chooser(known(), long).choose("cheapest")) == ["gpt-5", "claude-opus-5-5"]
    unknown = known(prices={BIG.id: PRICES[BIG.id]})
    choice = Chooser(unknown, long).choose("cheapest")
    assert names(choice) == ["gpt-5"]
    assert {(each.model.name, each.why) for each in choice.passed_over} >= {("claude-opus-5-5", "no price")}


def test_cheapest_depends_on_what_is_asked() -> None:
    prices = {BIG.id: Price(1, 100), SMALL.id: Price(10, 1)}
    mine = view(part([OPENAI], [BIG, SMALL], KEYS), config=CONFIG, prices=prices)
    long_answer, long_question = Need(tokens_in=10, max_output=1000), Need(tokens_in=5000, max_output=1)
    assert names(Chooser(mine, long_answer).choose("cheapest"))[0] == "gpt-5-nano"
    assert names(Chooser(mine, long_question).choose("cheapest"))[0] == "gpt-5"


def test_local_only_never_leaves_the_house() -> None:
    assert names(Chooser(known(), Need()).choose("inside")) == ["qwen3:32b"]
    without = view(part([OPENAI, OTHER], [BIG, CLAUDE], KEYS), config=CONFIG)
    with pytest.raises(NothingFits) as refused:
        Chooser(without, Need()).choose("local")
    assert refused.value.details["reasons"] == ["not local"]


def test_what_a_model_cannot_take_is_said() -> None:
    needs = {"qwen3:32b": Feature.IMAGE, "gpt-5": Feature.DOCUMENT}
    for ref, feature in needs.items():
        with pytest.raises(ModelUnfit):
            Chooser(known(), Need(features=frozenset({feature}))).choose(ref)
    choice = Chooser(known(), Need(features=frozenset({Feature.IMAGE}))).choose("good")
    assert names(choice) == ["claude-opus-5-5", "gpt-5"]
    assert [(each.model.name, each.why) for each in choice.passed_over] == [("qwen3:32b", "does not look at images")]


def test_a_question_that_is_too_long_for_the_window() -> None:
    with pytest.raises(ModelUnfit, match="8000 tokens"):
        Chooser(known(), Need(tokens_in=10_000, tokens_in_least=9_000)).choose("gpt-5-nano")
    # Where the estimate is not sure, the provider has the last word.
    assert names(Chooser(known(), Need(tokens_in=9_000, tokens_in_least=7_000)).choose("gpt-5-nano"))


def test_a_model_without_a_price_is_of_no_use_to_whoever_pays() -> None:
    billed = known(prices={}, is_billed=True)
    with pytest.raises(ModelUnfit, match="no price"):
        Chooser(billed, Need()).choose("gpt-5")
    assert names(Chooser(billed, Need()).choose("auto")) == ["qwen3:32b"]
    mine = part([], [], [key(OPENAI, ANNA)])
    own = view(part(PROVIDERS, MODELS, KEYS), mine, config=CONFIG, is_billed=True)
    assert names(Chooser(own, Need()).choose("gpt-5")) == ["gpt-5"]


def test_without_a_key() -> None:
    bare = view(part(PROVIDERS, MODELS, []), config=CONFIG)
    with pytest.raises(KeyMissing):
        Chooser(bare, Need()).choose("gpt-5")
    assert names(Chooser(bare, Need()).choose("auto")) == ["qwen3:32b"]


def test_ones_own_key_comes_before_the_houses_also_when_it_was_refused() -> None:
    """Nobody pays the house because their own key has run out, without having said so."""
    mine = part([], [], [key(OPENAI, ANNA, "refused")])
    chosen = Chooser(view(part(PROVIDERS, MODELS, KEYS), mine), Need()).choose("gpt-5").chosen
    assert [(each.is_own_key, each.key and each.key.state) for each in chosen] == [(True, "refused")]


def test_a_second_provider_of_the_same_model_stands_in_for_the_first() -> None:
    second = provider("openai", label="Second")
    again = model(second, "gpt-5")
    both = view(part([OPENAI, second], [BIG, again], [key(OPENAI), key(second)]))
    assert len(Chooser(both, Need()).choose("gpt-5").chosen) == 2
    assert [each.provider.label for each in Chooser(both, Need()).choose("gpt-5", provider="second").chosen] == [
        "Second"
    ]


def test_stand_ins_do_not_make_somebody_pay_who_brought_a_key() -> None:
    second = provider("openai", label="Second")
    again = model(second, "gpt-5")
    ours = part([OPENAI, second], [BIG, again], [key(OPENAI), key(second)])
    mine = part([], [], [key(OPENAI, ANNA)])
    assert [each.provider.label for each in Chooser(view(ours, mine), Need()).choose("gpt-5").chosen] == ["OpenAI"]


def test_roles_switches_and_lists_decide_what_there_is() -> None:
    hidden = [
        replace(BIG, enabled_roles=frozenset({"admin"})),
        replace(SMALL, is_enabled=False),
        replace(CLAUDE, is_gone=True),
    ]
    ours = part(PROVIDERS, hidden, KEYS)
    for each in hidden:
        with pytest.raises(ModelUnknown):
            Chooser(view(ours), Need()).choose(each.name)
    assert names(Chooser(view(ours, role=Role.ADMIN), Need()).choose("gpt-5")) == ["gpt-5"]


def test_passages_answer_where_nobody_else_can() -> None:
    built_in = provider(PASSAGES)
    lonely = view(part([built_in], [model(built_in, "passages")]))
    assert names(Chooser(lonely, Need()).choose(None)) == ["passages"]
    together = view(part([built_in, OPENAI], [model(built_in, "passages"), BIG], KEYS))
    assert names(Chooser(together, Need()).choose(None)) == ["gpt-5", "passages"]


def test_embedding_is_a_trade_of_its_own() -> None:
    chooser = Chooser(known(), Need(gives="vector"))
    assert names(chooser.choose(None)) == ["text-embedding-3-small"]
    with pytest.raises(ModelUnfit):
        chooser.choose("gpt-5")
    with pytest.raises(ModelUnfit):
        Chooser(known(), Need()).choose("text-embedding-3-small")


def test_the_choice_and_its_reasons_are_data_for_the_run() -> None:
    told = Chooser(known(), Need(features=frozenset({Feature.IMAGE}))).choose("good").data()
    assert (told["asked"], told["by"], told["name"]) == ("good", "alias", "good")
    assert [each["name"] for each in told["order"]] == ["claude-opus-5-5", "gpt-5"]
    assert told["passed_over"] == [{"name": "qwen3:32b", "why": "does not look at images"}]


def test_unknown_names() -> None:
    for ref in ("gpt-77", "nobody/gpt-5", ""):
        with pytest.raises(ModelUnknown):
            Chooser(known(), Need()).choose(ref)


async def test_a_wish_becomes_a_request(house: House, provider: LlmServer) -> None:
    """From the database to what the transport is handed, and through it to a provider."""
    admin = await administrator(house)
    await add_provider(admin, provider, timeouts={"idle": 5}, concurrency=3)
    anna = await house.visitor()
    gateway = gateway_of(house)
    router = Router(gateway, Estimates(house.database))
    wish = Wish([{"role": "user", "content": "Guten Tag"}], model="fake", parameters={"temperature": 0.5, "seed": 1})
    route = await router.route(anna.actor, wish)
    (candidate,) = route.candidates
    assert (candidate.call.temperature, candidate.call.seed, candidate.outgoing.concurrency) == (0.5, 1, 3)
    assert (candidate.outgoing.timeouts.idle, candidate.outgoing.timeouts.connect) == (5, 10)
    assert not candidate.is_own_key
    stream = gateway.answerer.stream(candidate.outgoing, candidate.adapter, candidate.call, candidate.at)
    said = [each async for batch in stream for each in batch]
    assert said
    assert provider.requests[-1].json["temperature"] == 0.5
    await gateway.recorder.flush()
    (row,) = [item for item in (await admin.get("/admin/providers")).json()["items"] if not item["is_built_in"]]
    assert (row["health"]["requests"], row["health"]["failed"]) == (1, 0)


async def test_passages_say_plainly_that_there_are_none(house: House) -> None:
    anna = await house.visitor()
    gateway = gateway_of(house)
    router = Router(gateway, Estimates(house.database))
    (candidate,) = (await router.route(anna.actor, Wish([{"role": "user", "content": "?"}]))).candidates
    stream = gateway.answerer.stream(candidate.outgoing, candidate.adapter, candidate.call, candidate.at)
    texts = [each.text async for batch in stream for each in batch if hasattr(each, "text")]
    assert "no passages" in texts[0]


MESSAGES: Mapping[str, object] = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}


async def test_what_the_messages_hold_is_asked_of_the_model(house: House) -> None:
    router = Router(gateway_of(house), Estimates(house.database))
    need = router.need_of(Wish([MESSAGES], tools=[{"type": "function"}], parameters={"max_output": 7}))
    assert (need.features, need.max_output) == (frozenset({Feature.IMAGE, Feature.TOOLS}), 7)
