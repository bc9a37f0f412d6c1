"""Providers, models and keys as they go over the wire. No field of any of these carries a key back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from kontor.core.tenancy import Role
from kontor.core.text import Line, Lines
from kontor.gateway import known
from kontor.gateway.facts import Effort, Facts, Tokens, Way, friendly
from kontor.gateway.known import Health, KnownProvider
from kontor.gateway.llm_config import ModelRef
from kontor.gateway.tables import Model, Provider, ProviderKey
from kontor.gateway.wire.port import Feature, Quirks
from kontor.gateway.wire.quirks import KINDS, ProviderKind

LONGEST_KEY = 500
MOST_QUIRKS = 40

Label = Annotated[Line, StringConstraints(min_length=1, max_length=80)]
ModelName = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
BaseUrl = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

# A path that a provider's own field names must not lead to another host.
PATHS = ("chat_path", "embed_path", "models_path")


class Timeouts(BaseModel):
    """In seconds; what is absent is as usual."""

    model_config = ConfigDict(extra="forbid")

    queue: Seconds | None = None
    connect: Seconds | None = None
    first_byte: Seconds | None = None
    idle: Seconds | None = None
    total: Seconds | None = None


def plain_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value().strip()
    if not 8 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("A key is a single word of 8 to 500 characters.")
    return SecretStr(key)


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: SecretStr

    @field_validator("key")
    @classmethod
    def plain(cls, value: SecretStr) -> SecretStr:
        return plain_key(value)


def usable_quirks(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of `Quirks` with values of their types, and paths that stay at the provider's address."""
    unknown = sorted(set(given) - set(Quirks.__dataclass_fields__))
    if unknown:
        raise ValueError(f"There is no such quirk: {', '.join(unknown)}.")
    for name in PATHS:
        path = given.get(name)
        if path is not None and (not isinstance(path, str) or not is_plain_path(path)):
            raise ValueError(f"{name} is a path: it begins with one slash and has no spaces.")
    try:
        known.QUIRKS.validate_python(given)
    except ValueError as reason:
        fields = sorted({str(error["loc"][0]) for error in getattr(reason, "errors", list)()})
        raise ValueError(f"These quirks have values that cannot be: {', '.join(fields)}.") from reason
    return given


def is_plain_path(path: str) -> bool:
    return (
        path.startswith("/")
        and not path.startswith("//")
        and len(path) <= 200
        and path.isascii()
        and path.isprintable()
        and not set(path) & set(" \\#@")
    )


QuirkBag = Annotated[dict[str, Any], Field(max_length=MOST_QUIRKS)]


class ProviderCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: KindName
    label: Label | None = None
    base_url: BaseUrl | None = Field(None, description="Absent: the one that is usual for the kind.")
    protocol: KindName | None = None
    key: SecretStr | None = None
    is_local: bool | None = Field(None, description="What is sent there stays in the house and costs nothing.")
    concurrency: Concurrency = 16
    timeouts: Timeouts = Field(default_factory=Timeouts)
    quirks: QuirkBag = Field(default_factory=dict)
    models: Annotated[list[ModelName], Field(max_length=500)] | None = Field(
        None, description="Those to switch on; absent: all that are of use."
    )

    @field_validator("key")
    @classmethod
    def plain(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else plain_key(value)

    @field_validator("kind")
    @classmethod
    def known_kind(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"The kinds are: {', '.join(KINDS)}.")
        return value

    @field_validator("quirks")
    @classmethod
    def usable(cls, value: dict[str, Any]) -> dict[str, Any]:
        return usable_quirks(value)


class ProviderChange(BaseModel):
    """Only what is sent is changed. Another address means that its keys must be entered anew."""

    model_config = ConfigDict(extra="forbid")

    label: Label | None = None
    base_url: BaseUrl | None = None
    protocol: KindName | None = None
    is_enabled: bool | None = None
    is_local: bool | None = None
    concurrency: Concurrency | None = None
    timeouts: Timeouts | None = None
    quirks: QuirkBag | None = None

    @field_validator("quirks")
    @classmethod
    def usable(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if value is None else usable_quirks(value)


class ProviderRef(BaseModel):
    id: UUID
    kind: str
    label: str
    is_local: bool


class ProvidersDown(BaseModel):
    items: list[ProviderRef]


class KindRead(BaseModel):
    kind: str
    label: str
    base_url: str | None
    protocols: list[str]
    keys_at: str | None
    is_local: bool
    needs_key: bool

    @classmethod
    def of(cls, kind: ProviderKind) -> "KindRead":
        return cls(
            kind=kind.kind,
            label=kind.label,
            base_url=kind.base_url,
            protocols=[kind.protocol, *kind.protocols],
            keys_at=kind.keys_at,
            is_local=kind.is_local,
            needs_key=bool(kind.keys) and not kind.is_local,
        )


class KeyRead(BaseModel):
    id: UUID
    provider_id: UUID
    ending: str = Field(description="The last four characters")
    state: Literal["ok", "untested", "refused"]
    tested_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: ProviderKey) -> "KeyRead":
        return cls.model_validate(row, from_attributes=True)


class OwnKeyRead(KeyRead):
    provider: ProviderRef
    base_url: str | None = Field(description="Only where one named it oneself")
    problem: str | None = Field(None, description="Why it could not be tested: the code of the error")


class OwnKeysRead(BaseModel):
    items: list[OwnKeyRead]
    kinds: list[KindRead]
    own_keys_allowed: bool
    own_addresses_allowed: bool


class OwnKeyCreate(KeyBody):
    provider: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] = Field(
        description="A kind such as `openai`, or the id of a provider"
    )
    base_url: BaseUrl | None = None
    label: Label | None = None


class RecognisedRead(BaseModel):
    kinds: list[KindRead]


class TickRead(BaseModel):
    """Half an hour."""

    at: datetime
    ok: int
    failed: int
    first_ms: int | None


class TroubleRead(BaseModel):
    at: datetime
    code: str
    text: str | None
    count: int


class HealthSummary(BaseModel):
    """Of the last 24 hours."""

    state: Health
    ticks: list[TickRead]
    first_ms_p50: int | None
    first_ms_p95: int | None
    requests: int
    failed: int


class ProviderHealth(HealthSummary):
    checked_at: datetime | None
    ok_at: datetime | None
    failed_at: datetime | None
    latency_ms: int | None
    error_code: str | None
    error: str | None
    errors: list[TroubleRead]


class ProviderRead(BaseModel):
    id: UUID
    kind: str
    label: str
    protocol: str
    base_url: str
    is_enabled: bool
    is_local: bool
    is_built_in: bool
    needs_key: bool
    concurrency: int
    timeouts: dict[str, float]
    quirks: dict[str, Any]
    version: int
    state: Health
    error_code: str | None
    error: str | None
    checked_at: datetime | None
    latency_ms: int | None
    refreshed_at: datetime | None
    created_at: datetime
    keys: list[KeyRead]
    models: int
    models_enabled: int
    health: HealthSummary | None = None
    problem: str | None = Field(None, description="Why its models could not be listed just now: the code of the error")

    @classmethod
    def of(
        cls,
        row: Provider,
        *,
        keys: list[KeyRead],
        models: int,
        models_enabled: int,
        health: HealthSummary | None = None,
        problem: str | None = None,
    ) -> "ProviderRead":
        found: KnownProvider = known.known_provider(row)
        return cls(
            id=row.id,
            kind=row.kind,
            label=row.label,
            protocol=row.protocol,
            base_url=row.base_url,
            is_enabled=row.is_enabled,
            is_local=row.is_local,
            is_built_in=row.protocol == known.PASSAGES,
            needs_key=found.needs_key,
            concurrency=row.concurrency,
            timeouts=row.timeouts,
            quirks=row.quirks,
            version=row.version,
            state=found.health,
            error_code=row.error_code,
            error=row.error,
            checked_at=row.checked_at,
            latency_ms=row.latency_ms,
            refreshed_at=row.refreshed_at,
            created_at=row.created_at,
            keys=keys,
            models=models,
            models_enabled=models_enabled,
            health=health,
            problem=problem,
        )


class ProvidersRead(BaseModel):
    items: list[ProviderRead]
    kinds: list[KindRead]


class KeyCheckRead(BaseModel):
    """`ok`, or what went wrong: the code and the words."""

    ok: bool
    ms: int | None = None
    models: int | None = None
    code: str | None = None
    text: str | None = None


class RefreshRead(BaseModel):
    added: int
    changed: int
    gone: int
    total: int


class ModelCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider_id: UUID
    name: ModelName


class ModelChange(BaseModel):
    """Only what is sent is changed; null takes an edit back. Edits survive every refresh."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[Line, StringConstraints(min_length=1, max_length=120)] | None = None
    description: Annotated[Lines, StringConstraints(max_length=1000)] | None = None
    context_total: Tokens | None = None
    max_input: Tokens | None = None
    max_output: Tokens | None = None
    takes: Annotated[list[Way], Field(max_length=8)] | None = None
    gives: Annotated[list[Way], Field(max_length=8)] | None = None
    features: Annotated[list[Feature], Field(max_length=40)] | None = None
    efforts: Annotated[list[Effort], Field(max_length=len(get_args(Effort)))] | None = None
    deprecated_on: date | None = None
    is_enabled: bool | None = None
    enabled_roles: Annotated[list[Role], Field(max_length=3)] | None = None


class ModelAdminRead(BaseModel):
    id: UUID
    provider: ProviderRef
    name: str
    label: str
    description: str | None
    context_total: int | None
    max_input: int | None
    max_output: int | None
    takes: list[str] | None
    gives: list[str] | None
    features: list[str] | None
    efforts: list[str] | None
    dimensions: int | None
    size_bytes: int | None
    deprecated_on: date | None
    edited: list[str] = Field(description="What an administrator set, and a refresh leaves alone")
    source: Literal["listed", "manual"]
    is_enabled: bool
    enabled_roles: list[str]
    gone_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Model, provider: ProviderRef) -> "ModelAdminRead":
        facts: Facts = known.facts_of(row)
        return cls(
            id=row.id,
            provider=provider,
            name=row.name,
            label=facts.label or friendly(row.name),
            description=facts.description,
            context_total=facts.context_total,
            max_input=facts.max_input,
            max_output=facts.max_output,
            takes=listed(facts.takes),
            gives=listed(facts.gives),
            features=listed(facts.features),
            efforts=None if facts.efforts is None else list(facts.efforts),
            dimensions=facts.dimensions,
            size_bytes=facts.size_bytes,
            deprecated_on=facts.deprecated_on,
            edited=sorted(row.edits),
            source=row.source,
            is_enabled=row.is_enabled,
            enabled_roles=row.enabled_roles,
            gone_at=row.gone_at,
            version=row.version,
        )


def listed(found: frozenset[Any] | None) -> list[str] | None:
    return None if found is None else sorted(str(each) for each in found)


class PriceRead(BaseModel):
    """For a million tokens, in the person's currency, as decimal text. A class without a price of its own is absent."""

    currency: str
    is_free: bool
    input: str | None = None
    cached: str | None = None
    cache_write: str | None = None
    output: str | None = None
    reasoning: str | None = None
    image: str | None = None
    audio_in: str | None = None
    audio_out: str | None = None


ModelState = Literal["ok", "slow", "down", "unpriced", "no_key"]


class ModelRead(BaseModel):
    id: UUID
    name: str
    label: str
    provider: ProviderRef
    description: str | None
    context_total: int | None
    max_output: int | None
    takes: list[str]
    gives: list[str]
    features: list[str] | None
    price: PriceRead | None
    state: ModelState
    is_own_key: bool
    deprecated_on: date | None
    aliases: list[str]


class ModelDetail(ModelRead):
    parameters: Mapping[str, Any] = Field(description="A JSON schema of what can be set for a question")


class RuleRead(BaseModel):
    name: str
    strategy: str
    is_built_in: bool


class PreferredRead(BaseModel):
    """What this person has set to answer them when they name no model."""

    name: str
    label: str | None = Field(description="Of the model that is meant, also of one that is gone; null for a rule")
    model_id: UUID | None
    is_usable: bool = Field(description="Otherwise the house's default answers until it is, or another is set")


class ModelsRead(BaseModel):
    items: list[ModelRead]
    rules: list[RuleRead]
    default: str = Field(description="Of the house: a model, an alias or a rule")
    default_model_id: UUID | None = Field(description="The model that this means; null where a rule decides each time")
    preferred: PreferredRead | None = Field(description="Of this person; null: as the house has it")


class PreferredChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: ModelRef | None = Field(description="A model, an alias or a rule; null: as the house has it")


class FoundModel(BaseModel):
    name: str
    label: str
    size_bytes: int | None
    context_total: int | None
    takes: list[str] | None
    gives: list[str] | None


class FoundServer(BaseModel):
    kind: str
    label: str
    base_url: str
    models: list[FoundModel]
    provider_id: UUID | None = Field(description="Where it is one of the providers already")


class DiscoveredRead(BaseModel):
    items: list[FoundServer]
