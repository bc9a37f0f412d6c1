"""What runs need of their neighbours, and what they are asked for. Filled in at start."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from kontor.billing.rates import Quote
from kontor.billing.service import Due, PriceKey, Reserved, Settled, Wanted
from kontor.billing.usage import Usage
from kontor.core.errors import KontorError
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor, Role
from kontor.core.units import Unit
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.judging import CutPolicy
from kontor.gateway.transport import Outgoing
from kontor.gateway.wire.port import Adapter, AnswerSchema, Call, Endpoint, Loss, Prepared, Said
from kontor.projects.errors import ProjectNotFound
from kontor.projects.values import Terms


@dataclass(frozen=True, slots=True)
class Wish:
    """A question to a model, as somebody asks it."""

    messages: Sequence[Mapping[str, Any]]
    model: str | None = None  # a name, an alias or a rule; None: the installation's default
    provider: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)  # as `gateway.parameters` reads them
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Any = None
    schema: AnswerSchema | None = None
    is_streamed: bool = True
    is_lenient: bool = False  # what a model cannot be asked is a loss and no error
    kind: str = "api"  # what it is for; `api` is not announced to screens
    project_id: UUID | None = None
    idempotency_key: str | None = None
    max_cost_nano: int | None = None  # in the payer's currency
    max_seconds: float | None = None
    payer_id: UserId | None = None  # None: whoever asks
    token_id: UUID | None = None  # the personal access token that it came by, for its budget
    continues_id: RunId | None = None
    partial: str = ""  # what that run had answered, to go on from


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model at one provider with one key: everything that is needed to ask it."""

    model_id: UUID | None
    provider_id: UUID
    key_id: UUID | None
    provider_kind: str
    model_name: str  # as the provider names it; with the kind, where its price is looked up
    adapter: Adapter
    at: Endpoint
    call: Call
    outgoing: Outgoing
    is_own_key: bool = False
    is_local: bool = False
    losses: tuple[Loss, ...] = ()  # of parameters that this model does not take
    max_output: int | None = None  # of the model


@dataclass(frozen=True, slots=True)
class Route:
    """Who is asked, and who instead while nothing has been said. `why` is written into the run."""

    candidates: Sequence[Candidate]
    why: Mapping[str, Any] = field(default_factory=dict)
    after_stop: Literal["cancel", "drain"] = "cancel"
    unanswered: CutPolicy = CutPolicy.INPUT


class Router(Protocol):
    async def route(self, actor: Actor, wish: Wish) -> Route:
        """Validates the parameters as well. Raises when nobody could be asked. Outside of any transaction."""


class Projects(Protocol):
    """Projects, as far as runs name them."""

    async def terms(self, actor: Actor, project_id: UUID) -> Terms:
        """For whoever may ask in it; raises for everybody else. Outside of any transaction."""


class NoProjects:
    """Where there are none, none can be named."""

    async def terms(self, actor: Actor, project_id: UUID) -> Terms:
        raise ProjectNotFound


class Asks(Protocol):
    """The transport, as far as runs use it."""

    def stream(
        self, request: Outgoing, adapter: Adapter, call: Call, at: Endpoint, prepared: Prepared | None = None
    ) -> AsyncGenerator[Sequence[Said], None]: ...


class Estimates(Protocol):
    """Tokens before they are known, and where they are never told."""

    def input_tokens(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> int: ...

    def output_tokens(self, model: str, characters: int) -> int: ...

    def learn(self, model: str, call: Call, *, estimated: Usage, told: Usage) -> None:
        """After a run whose usage the provider told."""


class Ledger(Protocol):
    """Billing, as far as the end of a run needs it. All of it in the caller's transaction."""

    async def settle_all(self, unit: Unit, dues: Sequence[Due]) -> Sequence[Settled]: ...


class Books(Ledger, Protocol):
    """Billing, as `billing.known` offers it."""

    async def quote(
        self,
        *,
        payer: UserId,
        key: PriceKey,
        is_own_key: bool,
        is_local: bool,
        role: Role | None,
        at: datetime,
        service: str | None = None,
    ) -> Quote:
        """Outside of any transaction."""

    async def reserve_all(self, unit: Unit, wanted: Sequence[Wanted]) -> Sequence[Reserved | KontorError]: ...
