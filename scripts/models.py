"""Writes `src/kontor/gateway/models.json`: what models take, give and do, for those that providers list by name alone.

    python scripts/models.py GENAI_PRICES LITELLM

GENAI_PRICES is a folder with the unpacked `genai_prices` package, LITELLM the file
`model_prices_and_context_window_backup.json`. Both are read as data (MIT licence, see THIRD_PARTY_NOTICES.md); nothing
of the second is ever run. Prices are another matter: they have a history (`kontor.billing`).
"""

import importlib
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

TARGET = Path(__file__).parent.parent / "src" / "kontor" / "gateway" / "models.json"

# Our kind of provider: its name in the two sources.
SOURCES = {
    "openai": ("openai", "openai"),
    "anthropic": ("anthropic", "anthropic"),
    "gemini": ("google", "gemini"),
    "deepseek": ("deepseek", "deepseek"),
    "xai": ("x-ai", "xai"),
    "mistral": ("mistral", "mistral"),
    "groq": ("groq", "groq"),
}

# Listed for a price per picture or per second, or for endpoints that nobody here calls.
CHAT_MODES = {"chat", "responses"}
ENDPOINT = re.compile(r"realtime|transcribe|-tts|tts-|live|whisper|robotics|computer-use|deep-research|search-preview")
SIZES = re.compile(r"^(low|medium|high|standard|hd|\d+-x-\d+)/|^ft:|^container$")

FLAGS = {
    "supports_function_calling": ("tools", "tool_result"),
    "supports_tool_choice": ("tool_choice",),
    "supports_parallel_function_calling": ("parallel_tools",),
    "supports_response_schema": ("schema",),
    "supports_vision": ("image",),
    "supports_pdf_input": ("document",),
    "supports_audio_input": ("audio",),
    "supports_prompt_caching": ("cache",),
    "supports_reasoning": ("effort", "reasoning_input"),
}
ALWAYS = ("stream", "system", "max_output", "extra")
SAMPLING = ("temperature", "top_p")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
USUAL_EFFORTS = {"low", "medium", "high"}


def genai(folder: Path) -> dict[str, Any]:
    """The data alone: the package itself would bring an HTTP client."""
    package = ModuleType("genai_prices")
    package.__path__ = [str(folder)]
    sys.modules["genai_prices"] = package
    return {provider.id: provider for provider in importlib.import_module("genai_prices.data").providers}


def facts_of(name: str, kind: str, flags: dict[str, Any], described: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    window = getattr(described, "context_window", None)
    largest = flags.get("max_input_tokens")
    facts["context_total"] = max(filter(None, (window, largest)), default=None)
    facts["max_input"] = largest
    facts["max_output"] = flags.get("max_output_tokens")
    facts["deprecated_on"] = flags.get("deprecation_date")
    if flags.get("mode") == "embedding":
        facts |= {"takes": ["text"], "gives": ["vector"], "features": [], "max_output": None}
        facts["dimensions"] = flags.get("output_vector_size")
    elif flags:
        facts |= abilities(name, kind, flags)
    return {key: value for key, value in facts.items() if value is not None}


def abilities(name: str, kind: str, flags: dict[str, Any]) -> dict[str, Any]:
    features = {*ALWAYS, *(feature for flag, names in FLAGS.items() if flags.get(flag) for feature in names)}
    thinks = bool(flags.get("supports_reasoning"))
    # OpenAI's own models that reason take no sampling and no stop words; the others say so where it is so.
    if flags.get("supports_sampling_params", not (kind == "openai" and thinks)):
        features |= {*SAMPLING, "stop"}
        features |= {"seed", "logprobs"} if kind in {"openai", "deepseek", "mistral", "groq", "gemini"} else set()
    elif kind != "openai":
        features.add("stop")
    takes = ["text", *(way for way in ("image", "document", "audio") if way in features)]
    found: dict[str, Any] = {"takes": takes, "gives": ["text"], "features": sorted(features)}
    if flags.get("supports_assistant_prefill"):
        found["takes_prefill"] = True
    if thinks:
        found["efforts"] = [level for level in EFFORTS if has_effort(level, flags)]
    return found


def has_effort(level: str, flags: dict[str, Any]) -> bool:
    """The three in the middle are usual, the others are not."""
    return bool(flags.get(f"supports_{level}_reasoning_effort", level in USUAL_EFFORTS))


def collect(folder: Path, file: Path) -> dict[str, dict[str, Any]]:
    described = genai(folder)
    listed: dict[str, Any] = json.loads(file.read_text("utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for kind, (there, provider) in SOURCES.items():
        flags = {
            name.removeprefix(f"{provider}/"): entry
            for name, entry in listed.items()
            if entry.get("litellm_provider") == provider and entry.get("mode") in {*CHAT_MODES, "embedding"}
        }
        models = described[there].models
        names = {*flags, *(model.id for model in models)}
        wanted = [name for name in sorted(names) if not (ENDPOINT.search(name) or SIZES.search(name))]
        found[kind] = {}
        for name in wanted:
            match = next((model for model in models if model.is_match(name)), None)
            facts = facts_of(name, kind, flags.get(name, {}), match)
            if "gives" in facts:
                found[kind][name] = facts
    return found


def main() -> None:
    folder, file = map(Path, sys.argv[1:3])
    lines = []
    for kind, models in collect(folder, file).items():
        rows = (f"  {json.dumps(name)}: {json.dumps(facts, separators=(',', ':'))}" for name, facts in models.items())
        lines.append(f"{json.dumps(kind)}: {{\n" + ",\n".join(rows) + "\n}")
        print(kind, len(models))
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
