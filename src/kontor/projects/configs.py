"""What each kind of project can be set to. Every shape has a version and refuses what it does not know.

What is stored may be older than this program: `read` brings it up to date, and what is written is always the newest.
A new version gets a new model, and a step in `STEPS` that leads from the one before.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from kontor.core.text import Line
from kontor.projects.values import Kind

Words = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Language = Literal["de", "en"]


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1


class ChatConfig(Config):
    kind: Literal[Kind.CHAT] = Kind.CHAT
    scope: Literal["none", "project", "everything"] = Field("project", description="Which documents answers rest on")
    temperature: float | None = Field(None, ge=0, le=2)
    max_output: int | None = Field(None, ge=1, le=1_000_000, description="Tokens of an answer")


class PrivateGptConfig(Config):
    kind: Literal[Kind.PRIVATE_GPT] = Kind.PRIVATE_GPT
    answers: Literal["passages", "documents_only", "documents_first"] = Field(
        "documents_only",
        description="The passages themselves, an answer from them alone, or more where they are silent",
    )
    passages: int = Field(8, ge=1, le=50, description="That an answer is made from")
    greeting: Annotated[Line, StringConstraints(max_length=1000)] = ""


class ExtractionConfig(Config):
    kind: Literal[Kind.EXTRACTION] = Kind.EXTRACTION
    unit: Literal["document", "section", "paragraph", "items"] = Field("document", description="What a row stands for")
    item: Words | None = Field(None, description="What is looked for, where rows are items")
    needs_evidence: bool = True
    challenge_model: Words | None = Field(None, description="A second model that is asked the same")


class CvMatcherConfig(Config):
    kind: Literal[Kind.CV_MATCHER] = Kind.CV_MATCHER
    is_blind: bool = Field(True, description="Names, pictures and ages are hidden from model and reader")
    shortlist: int = Field(10, ge=1, le=500)
    language: Language | None = None


class ResumeConfig(Config):
    kind: Literal[Kind.RESUME] = Kind.RESUME
    language: Language = "en"
    greeting: Annotated[Line, StringConstraints(max_length=1000)] = ""
    topics_closed: list[Words] = Field(default_factory=list, max_length=50, description="What is not talked about")


class TellMeLifeConfig(Config):
    kind: Literal[Kind.TELL_ME_LIFE] = Kind.TELL_ME_LIFE
    language: Language = "en"
    address_form: Literal["sie", "du"] = "sie"
    pace: Literal["gentle", "usual", "brisk"] = "usual"
    topics_closed: list[Words] = Field(default_factory=list, max_length=50, description="What is not asked about")


class RoleplayConfig(Config):
    kind: Literal[Kind.ROLEPLAY] = Kind.ROLEPLAY
    language: Language = "en"
    narrator: Literal["off", "brief", "full"] = "brief"
    turns: Literal["free", "in_order"] = "free"


AnyConfig = Annotated[
    ChatConfig
    | PrivateGptConfig
    | ExtractionConfig
    | CvMatcherConfig
    | ResumeConfig
    | TellMeLifeConfig
    | RoleplayConfig,
    Field(discriminator="kind"),
]

SHAPES: Mapping[Kind, type[Config]] = {
    Kind.CHAT: ChatConfig,
    Kind.PRIVATE_GPT: PrivateGptConfig,
    Kind.EXTRACTION: ExtractionConfig,
    Kind.CV_MATCHER: CvMatcherConfig,
    Kind.RESUME: ResumeConfig,
    Kind.TELL_ME_LIFE: TellMeLifeConfig,
    Kind.ROLEPLAY: RoleplayConfig,
}

# (kind, version) -> what makes the next version of it. There is but one version so far.
STEPS: Mapping[tuple[Kind, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}

_adapter: TypeAdapter[AnyConfig] = TypeAdapter(AnyConfig)


def usual(kind: Kind) -> AnyConfig:
    return _adapter.validate_python({"kind": kind})


def read(stored: Mapping[str, Any]) -> AnyConfig:
    found = dict(stored)
    while (step := STEPS.get((Kind(found["kind"]), found["version"]))) is not None:
        found = step(found)
    return _adapter.validate_python(found)


def stored(config: AnyConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")
