"""What is known about a model: from bundled data, from the provider's own list, and from administrators, who win."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kontor.core.text import Line
from kontor.gateway.wire.port import Feature, Listed

BUNDLED = Path(__file__).with_name("models.json")

Way = Literal["text", "image", "document", "audio", "vector"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Tokens = Annotated[int, Field(ge=1, le=1 << 40)]

# A dated edition is described like the model it is one of.
EDITION = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4}|-latest|-preview|:free)$")
# Kinds that offer the models of others, with the maker before a slash.
MAKERS = {"openai": "openai", "anthropic": "anthropic", "google": "gemini", "deepseek": "deepseek", "x-ai": "xai",
          "mistralai": "mistral"}  # fmt: skip


class Facts(BaseModel):
    """Everything may be unknown: None says so, and what leans on it stays careful."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: Annotated[Line, StringConstraints(min_length=1, max_length=120)] | None = None
    description: Annotated[str, StringConstraints(max_length=1000)] | None = None
    context_total: Tokens | None = None
    max_input: Tokens | None = None
    max_output: Tokens | None = None
    takes: frozenset[Way] | None = None
    gives: frozenset[Way] | None = None
    features: frozenset[Feature] | None = None
    efforts: tuple[Effort, ...] | None = None
    takes_prefill: bool | None = None  # goes on with an assistant's last message where that ended
    dimensions: Annotated[int, Field(ge=1, le=100_000)] | None = None
    size_bytes: Annotated[int, Field(ge=0, le=1 << 50)] | None = None
    deprecated_on: date | None = None

    def known(self) -> dict[str, Any]:
        """As it is stored."""
        return self.model_dump(mode="json", exclude_none=True)


NOTHING = Facts()


@cache
def _bundle() -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = orjson.loads(BUNDLED.read_bytes())
    return found


def bundled(kind: str, name: str) -> Facts:
    """What the data that came with the program say; nothing where they are silent."""
    maker, slash, rest = name.partition("/")
    if slash and kind not in _bundle() and maker in MAKERS:
        kind, name = MAKERS[maker], rest
    models = _bundle().get(kind, {})
    name = name.removeprefix("models/")
    entry = models.get(name) or models.get(EDITION.sub("", name)) or models.get(f"{EDITION.sub('', name)}-latest")
    return NOTHING if entry is None else Facts.model_validate(entry)


def of_list(listed: Listed) -> Facts:
    """A provider's list is outside input: what cannot be is left out, not believed."""
    given = {
        "label": listed.label,
        "context_total": listed.context_total,
        "max_output": listed.max_output,
        "takes": None if listed.takes is None else listed.takes & {"text", "image", "document", "audio"},
        "gives": None if listed.gives is None else listed.gives & {"text", "image", "audio", "vector"},
        "features": listed.features,
        "size_bytes": listed.size_bytes,
        "deprecated_on": listed.deprecated_on,
    }
    return careful(given)


def careful(given: Mapping[str, Any]) -> Facts:
    """Field by field, so that one value out of all range costs that value alone."""
    good = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            Facts.model_validate({name: value})
        except ValueError:
            continue
        good[name] = value
    return Facts.model_validate(good)


def joined(*facts: Facts) -> Facts:
    """The later one wins where it says anything."""
    values: dict[str, Any] = {}
    for each in facts:
        values |= {name: getattr(each, name) for name in Facts.model_fields if getattr(each, name) is not None}
    return Facts.model_construct(**values)


def is_edition(name: str) -> bool:
    """A dated copy of a model that has a plain name as well."""
    return re.search(r"-(\d{4}-\d{2}-\d{2}|\d{8})$", name) is not None


SMALL = {"mini", "nano", "pro", "preview", "latest", "chat", "turbo", "instruct"}
CAPITAL = {"gpt": "GPT", "glm": "GLM", "oss": "OSS", "ai": "AI", "er": "ER", "vl": "VL"}


@lru_cache(maxsize=4096)
def friendly(name: str) -> str:
    """`claude-opus-5-5` is Claude Opus 5.5, `gpt-5.4-mini` is GPT-5.4 mini, `qwen3:32b` is Qwen3 32B."""
    plain = name.rpartition("/")[2].removeprefix("models/")
    dated = re.search(r"-(\d{4})-?(\d{2})-?(\d{2})$", plain)
    if dated is not None:
        plain = plain[: dated.start()]
    plain = re.sub(r"(?<=-\d)-(?=\d(-|$))", ".", plain)
    words = [word for word in re.split(r"[-_:\s]+", plain) if word]
    made: list[str] = []
    for word in words:
        if word.lower() == "latest" and len(words) > 1:
            continue
        if re.fullmatch(r"\d+(\.\d+)?[bmk]", word, re.IGNORECASE):
            made.append(word.upper())
        elif word.lower() in SMALL and made:
            made.append(word.lower())
        else:
            made.append(CAPITAL.get(word.lower(), word[:1].upper() + word[1:]))
    text = " ".join(made) or name
    text = re.sub(r"^GPT (?=\d|OSS)", "GPT-", text)
    if dated is not None:
        text += f" ({'-'.join(dated.groups())})"
    return text[:120]
