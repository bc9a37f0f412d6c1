"""How models are chosen here, as administrators set it: a default, friendly names, rules. One row."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.versions import refuse_stale
from kontor.gateway.tables import GatewayConfig

MOST_NAMES = 200
MOST_MODELS = 50

Strategy = Literal["first_healthy", "cheapest", "local"]

# Rules that are always there. They look at every model that the person may use.
BUILT_IN: dict[str, Strategy] = {"auto": "first_healthy", "cheapest": "cheapest", "local": "local"}

# What a person writes to name a model: its id, its name at the provider, `provider/name`, an alias or a rule.
ModelRef = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=260)]


def not_built_in(name: str) -> str:
    if name in BUILT_IN:
        raise ValueError(f"The name {name} is taken by a rule that is always there.")
    return name


Name = Annotated[
    str,
    StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9._-]{0,59}$").pattern),
    AfterValidator(not_built_in),
]


class Alias(BaseModel):
    """A name of the house for a model, and what stands in for it while it cannot answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    model: ModelRef
    fallbacks: Annotated[tuple[ModelRef, ...], Field(max_length=MOST_MODELS)] = ()


class Rule(BaseModel):
    """`models` is the order to look in; empty means all that the person may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    strategy: Strategy
    models: Annotated[tuple[ModelRef, ...], Field(max_length=MOST_MODELS)] = ()


class LlmConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: ModelRef | None = Field(None, description="A model, an alias or a rule; null: the rule `auto`.")
    embedding_model: ModelRef | None = None
    aliases: Annotated[tuple[Alias, ...], Field(max_length=MOST_NAMES)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_NAMES)] = ()
    cut_stream_policy: Literal["cancel", "drain"] = Field(
        "cancel", description="After a stop: end the provider's stream at once, or read on for its count of tokens."
    )
    unanswered_policy: Literal["input", "nothing"] = Field(
        "input",
        description="A question that was sent and ended before its first word: its input is charged, or nothing.",
    )
    own_keys_allowed: bool = Field(True, description="People may use keys of their own.")
    own_addresses_allowed: bool = Field(False, description="People may name providers at addresses of their own.")

    def names(self) -> list[str]:
        return [*(alias.name for alias in self.aliases), *(rule.name for rule in self.rules)]

    @model_validator(mode="after")
    def names_differ(self) -> Self:
        names = self.names()
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"These names are there twice: {', '.join(twice)}.")
        return self


class LlmConfigRead(LlmConfig):
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int


async def read(unit: AsyncSession, *, for_update: bool = False) -> LlmConfigRead:
    query = select(GatewayConfig)
    row = (await unit.scalars(query.with_for_update() if for_update else query)).one()
    return parsed(row.configuration, row.version)


def parsed(stored: dict[str, object], version: int) -> LlmConfigRead:
    """What cannot be used any more falls back to its default, field by field."""
    usable = {}
    for name, value in stored.items():
        if name not in LlmConfig.model_fields:
            continue
        try:
            LlmConfig.model_validate({name: value})
        except ValueError:
            continue
        usable[name] = value
    return LlmConfigRead.model_validate({**usable, "version": version})


async def write(unit: AsyncSession, wanted: LlmConfig, *, seen: int | None) -> tuple[LlmConfigRead, LlmConfigRead]:
    """Before and after. Whoever calls has checked the role, and tells the others."""
    before = await read(unit, for_update=True)
    refuse_stale(before.version, seen)
    statement = (
        update(GatewayConfig)
        .values(configuration=wanted.model_dump(mode="json"), version=GatewayConfig.version + 1, updated_at=now())
        .returning(GatewayConfig.version)
    )
    version = (await unit.execute(statement)).scalar_one()
    return before, LlmConfigRead(**wanted.model_dump(), version=version)
