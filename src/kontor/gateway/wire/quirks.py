"""The providers that Kontor knows, and how each differs from the protocol it speaks. A new one is a row.

What stands here is each provider's own documentation or what its servers were seen to do; where the two disagree, the
servers are right. An admin can set fields of `Quirks` for one provider or model without a new release.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from kontor.gateway.wire import anthropic, gemini, ollama
from kontor.gateway.wire.port import Feature, ModelQuirks, Quirks


@dataclass(frozen=True, slots=True)
class ProviderKind:
    kind: str
    label: str
    protocol: str
    base_url: str | None  # None: each installation has an address of its own
    quirks: Quirks = field(default_factory=Quirks)
    keys: tuple[str, ...] = ()  # regular expressions for a whole key
    keys_at: str | None = None  # where one gets a key
    is_local: bool = False
    protocols: tuple[str, ...] = ()  # others that it speaks as well

    @property
    def says_cost(self) -> bool:
        return self.quirks.cost_field is not None


NO_SAMPLING: Final = frozenset({Feature.TEMPERATURE, Feature.TOP_P, Feature.LOGPROBS})


def efforts(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


OPENAI = Quirks(
    cache="automatic",
    largest_stop=4,
    refused=frozenset({Feature.EFFORT}),
    of_models=(
        # Models that think. They take a limit for all they write, thoughts included, under a name of its own.
        ModelQuirks(
            r"^(o[1-9]|gpt-[5-9](?!.*chat)|codex)",
            refused=frozenset({Feature.STOP}),
            taken=frozenset({Feature.EFFORT}),
            renamed={"max_tokens": "max_completion_tokens"},
            changes={"system_role": "developer", "summary": "auto", "efforts": efforts("low", "medium", "high")},
        ),
        ModelQuirks(r"^(o[1-9]|codex)", refused=NO_SAMPLING | {Feature.PARALLEL_TOOLS}),
        ModelQuirks(r"^o1-(mini|preview)", refused=frozenset({Feature.SYSTEM, Feature.EFFORT})),
        ModelQuirks(
            r"^gpt-5(-\d{4}|-mini|-nano|-pro|-codex|$)",
            refused=NO_SAMPLING,
            changes={"efforts": efforts("minimal", "low", "medium", "high")},
        ),
        # From 5.1 on, not to think at all is an effort as well, and only then can the choice of words be steered.
        ModelQuirks(
            r"^gpt-(5\.|[6-9])(?!.*chat)",
            changes={"refused_with_effort": NO_SAMPLING, "efforts": efforts("none", "low", "medium", "high")},
        ),
        ModelQuirks(
            r"^gpt-(5\.([2-9]|\d\d)|[6-9])(?!.*chat)",
            changes={
                "efforts": efforts("none", "low", "medium", "high", "xhigh"),
                "tools_by_responses": "with_effort",
            },
        ),
        # These think unless told not to.
        ModelQuirks(r"^gpt-(5\.([6-9]|\d\d)|[6-9])(?!.*chat)", changes={"tools_by_responses": "unless_none"}),
        ModelQuirks(r"^gpt-[5-9].*chat", renamed={"max_tokens": "max_completion_tokens"}),
        ModelQuirks(r"^gpt-(3|4-|4$)", changes={"schema_mode": "json_object"}),
        ModelQuirks(r"^gpt-3|^gpt-4-0|^gpt-4$", refused=frozenset({Feature.IMAGE, Feature.DOCUMENT})),
    ),
)

DEEPSEEK = Quirks(
    cache="automatic",
    schema_mode="json_object",
    reasoning_back="reasoning_content",
    largest_stop=16,
    refused=frozenset({Feature.IMAGE, Feature.DOCUMENT, Feature.AUDIO, Feature.SEED, Feature.PARALLEL_TOOLS}),
    # It thinks unless told not to, and then takes these without a word and without effect, or not at all.
    refused_with_effort=frozenset({Feature.TEMPERATURE, Feature.LOGPROBS}),
    efforts={
        "none": {"thinking": {"type": "disabled"}},
        "low": "low",
        "medium": "high",
        "high": "high",
        "max": "max",
    },
)

XAI = Quirks(
    cache="automatic",
    models_path="/language-models",  # the plain list has names only; this one has prices and what models take
    refused=frozenset({Feature.DOCUMENT, Feature.AUDIO, Feature.STOP}),
    cost_field="usage.cost_in_usd_ticks",
    costs_per_usd=10_000_000_000,
    efforts=efforts("low", "medium", "high", "xhigh"),
    of_models=(
        ModelQuirks(r"^grok-4\.3", changes={"efforts": efforts("none", "low", "medium", "high", "xhigh")}),
        ModelQuirks(r"^grok-3-mini", changes={"efforts": efforts("low", "high")}),
        # These answer any effort with an error.
        ModelQuirks(
            r"^grok-(2|3(?!-mini)|4(?!\.)|4\.20|code|build|vision)|non-reasoning", refused=frozenset({Feature.EFFORT})
        ),
        ModelQuirks(r"^grok-(2|3(?!-mini))|non-reasoning", taken=frozenset({Feature.STOP})),
    ),
)

OPENROUTER = Quirks(
    cache="cache_control",
    reasoning_field="reasoning",
    reasoning_back="details",
    renamed={"reasoning_effort": "reasoning.effort"},
    cost_field="usage.cost",
    takes_prefill=True,
)

# A part that it does not know is refused as a whole: it takes no stream_options, and sends the usage unasked.
MISTRAL = Quirks(
    usage_on_request=False,
    renamed={"seed": "random_seed", "dimensions": "output_dimension"},
    refused=frozenset({Feature.LOGPROBS, Feature.EFFORT}),
    reasoning_back="parts",
    document_part="document_url",
    audio_part="text",
    takes_prefill=True,
    prefill_by="prefix",
    tool_id=r"[A-Za-z0-9]{9}",
    cache="automatic",
    of_models=(
        ModelQuirks(
            r"^(mistral-(small|medium)|magistral)",
            taken=frozenset({Feature.EFFORT}),
            changes={"efforts": efforts("none", "high")},
        ),
    ),
)

GROQ = Quirks(
    cache="automatic",
    reasoning_field="reasoning",
    largest_stop=4,
    renamed={"max_tokens": "max_completion_tokens"},
    schema_mode="json_object",
    schema_streams=False,
    schema_with_tools=False,
    refused=frozenset(
        {Feature.LOGPROBS, Feature.DOCUMENT, Feature.AUDIO, Feature.EFFORT},
    ),
    of_models=(
        ModelQuirks(r"llama-4|kimi-k2", changes={"schema_mode": "json_schema", "schema_strict": False}),
        ModelQuirks(
            r"gpt-oss",
            taken=frozenset({Feature.EFFORT}),
            changes={"schema_mode": "json_schema", "efforts": efforts("low", "medium", "high")},
        ),
        # Otherwise what they think stands between tags in the middle of the answer.
        ModelQuirks(
            r"qwen|deepseek-r1",
            taken=frozenset({Feature.EFFORT}),
            fixed={"reasoning_format": "parsed"},
            changes={"efforts": {"none": "none", "medium": "default"}},
        ),
    ),
)

VLLM = Quirks(
    cache="automatic",
    reasoning_back="reasoning",
    takes_prefill=True,
    prefill_by="continue_final_message",
    refused=frozenset({Feature.DOCUMENT}),
)

LM_STUDIO = Quirks(
    cache="automatic",
    reasoning_back="reasoning_content",
    names_tools=False,
    efforts=efforts("none", "low", "medium", "high", "xhigh"),
    refused=frozenset({Feature.DOCUMENT, Feature.AUDIO, Feature.LOGPROBS, Feature.PARALLEL_TOOLS}),
)

LLAMA_CPP = Quirks(
    cache="automatic",
    takes_prefill=True,
    reasoning_back="reasoning_content",
    names_tools=False,  # it takes a name and chooses freely all the same
    renamed={"reasoning_effort": "chat_template_kwargs.reasoning_effort"},
    refused=frozenset({Feature.DOCUMENT}),
    efforts={"none": {"chat_template_kwargs": {"enable_thinking": False}}, **efforts("low", "medium", "high")},
)

ROWS = (
    ProviderKind(
        kind="openai",
        label="OpenAI",
        protocol="openai_chat",
        protocols=("openai_responses",),
        base_url="https://api.openai.com/v1",
        quirks=OPENAI,
        keys=(r"sk-(proj|svcacct|admin|service)-[A-Za-z0-9_-]{20,}", r"sk-[A-Za-z0-9]{32,}"),
        keys_at="https://platform.openai.com/api-keys",
    ),
    ProviderKind(
        kind="anthropic",
        label="Anthropic",
        protocol="anthropic",
        base_url="https://api.anthropic.com/v1",
        quirks=anthropic.QUIRKS,
        keys=(r"sk-ant-[A-Za-z0-9_-]{20,}",),
        keys_at="https://console.anthropic.com/settings/keys",
    ),
    ProviderKind(
        kind="gemini",
        label="Google Gemini",
        protocol="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        quirks=gemini.QUIRKS,
        keys=(r"AIza[A-Za-z0-9_-]{35}", r"AQ\.[A-Za-z0-9_-]{20,}"),
        keys_at="https://aistudio.google.com/apikey",
    ),
    ProviderKind(
        kind="ollama",
        label="Ollama",
        protocol="ollama",
        base_url="http://127.0.0.1:11434",
        quirks=ollama.QUIRKS,
        keys=(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{20,}",),
        keys_at="https://ollama.com/settings/keys",
        is_local=True,
    ),
    ProviderKind(
        kind="deepseek",
        label="DeepSeek",
        protocol="openai_chat",
        base_url="https://api.deepseek.com",
        quirks=DEEPSEEK,
        keys=(r"sk-[0-9a-f]{32}",),
        keys_at="https://platform.deepseek.com/api_keys",
    ),
    ProviderKind(
        kind="xai",
        label="xAI",
        protocol="openai_chat",
        protocols=("openai_responses",),
        base_url="https://api.x.ai/v1",
        quirks=XAI,
        keys=(r"xai-[A-Za-z0-9]{20,}",),
        keys_at="https://console.x.ai",
    ),
    ProviderKind(
        kind="openrouter",
        label="OpenRouter",
        protocol="openai_chat",
        base_url="https://openrouter.ai/api/v1",
        quirks=OPENROUTER,
        keys=(r"sk-or-[A-Za-z0-9-]{20,}",),
        keys_at="https://openrouter.ai/settings/keys",
    ),
    ProviderKind(
        kind="runpod",
        label="RunPod",
        protocol="openai_chat",
        base_url=None,  # https://api.runpod.ai/v2/ENDPOINT/openai/v1
        quirks=VLLM,
        keys=(r"rpa_[A-Za-z0-9]{20,}",),
        keys_at="https://www.runpod.io/console/user/settings",
    ),
    ProviderKind(
        kind="mistral",
        label="Mistral",
        protocol="openai_chat",
        base_url="https://api.mistral.ai/v1",
        quirks=MISTRAL,
        keys=(r"[A-Za-z0-9]{32}",),
        keys_at="https://console.mistral.ai/api-keys",
    ),
    ProviderKind(
        kind="groq",
        label="Groq",
        protocol="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        quirks=GROQ,
        keys=(r"gsk_[A-Za-z0-9]{20,}",),
        keys_at="https://console.groq.com/keys",
    ),
    ProviderKind(
        kind="vllm",
        label="vLLM",
        protocol="openai_chat",
        base_url="http://127.0.0.1:8000/v1",
        quirks=VLLM,
        is_local=True,
    ),
    ProviderKind(
        kind="lmstudio",
        label="LM Studio",
        protocol="openai_chat",
        base_url="http://127.0.0.1:1234/v1",
        quirks=LM_STUDIO,
        keys=(r"sk-lm-\S{10,}",),
        is_local=True,
    ),
    ProviderKind(
        kind="llamacpp",
        label="llama.cpp",
        protocol="openai_chat",
        base_url="http://127.0.0.1:8080/v1",
        quirks=LLAMA_CPP,
        is_local=True,
    ),
    ProviderKind(
        kind="compatible",
        label="OpenAI-compatible",
        protocol="openai_chat",
        protocols=("openai_responses",),
        base_url=None,
        quirks=Quirks(reasoning_back="reasoning_content"),
    ),
)

KINDS: Mapping[str, ProviderKind] = MappingProxyType({row.kind: row for row in ROWS})


def recognise(key: str) -> tuple[str, ...]:
    """The kinds that a key may be for, by its shape alone. Nothing is sent anywhere to find out."""
    return tuple(row.kind for row in ROWS if any(re.fullmatch(pattern, key.strip()) for pattern in row.keys))
