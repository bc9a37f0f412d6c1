"""The house's money, for administrators: how it is handled, credit for people, prices, rates and their proof."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.accounts.current_caller import CurrentCaller
from kontor.billing import configuration, desk, exchange, prices, proofs, statements, wallets
from kontor.billing.configuration import BillingChange
from kontor.billing.errors import (
    EntryNotReversible,
    GrantNotFound,
    PayerNotFound,
    PriceNotFound,
    PriceRefused,
)
from kontor.billing.exchange import Published
from kontor.billing.jobs import PROVE_BILLING, REFRESH_PRICES, REFRESH_RATES
from kontor.billing.schemas import (
    BillingRead,
    BudgetsRead,
    BudgetsWrite,
    Decision,
    EntryRead,
    ExchangeDayRead,
    ExchangeDays,
    ExchangeWrite,
    GivenBack,
    GrantMade,
    GrantRead,
    GrantWrite,
    ModelPriceRead,
    PersonBilling,
    PriceHistory,
    PriceInReview,
    PriceMade,
    PriceWrite,
    ProofRead,
    Queued,
    Reason,
    Withdrawn,
    Word,
)
from kontor.core.clock import now
from kontor.core.http.actors import AdminReader, AdminWriter, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.ids import UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import NoArgs
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.core.text import Line
from kontor.core.trail import Subject

router = APIRouter(
    prefix="/admin",
    tags=["billing"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, RoleRequired, ScopeRequired),
)

Place = tuple[datetime, UUID]


def place_of(cursor: str | None) -> Place | None:
    decoded = Cursor.decode(cursor, "datetime", "uuid")
    return None if decoded is None else (decoded[0], decoded[1])


@router.get("/billing")
async def read_billing(_actor: AdminReader, unit: AdminUnit, response: Response) -> BillingRead:
    found = await desk.house(unit)
    response.headers["ETag"] = etag(found.version)
    return found


@router.put("/billing", responses=problems(StaleVersion))
async def change_billing(
    wanted: BillingChange,
    actor: AdminWriter,
    unit: AdminUnit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> BillingRead:
    """Only what is sent is changed. What runs already is paid on the terms on which it began. Where that needs a newer
    exchange rate than there is, it is fetched at once."""
    house, details = await configuration.change(unit, wanted, seen=seen)
    if details:
        await audit.write(unit, action=Action.BILLING_CHANGED, actor=actor, details=details, address=caller.address)
    found = await desk.house(unit)
    if details and house.is_on and found.rates.is_wanting:
        await enqueue(unit, REFRESH_RATES, NoArgs(), key="now")
    response.headers["ETag"] = etag(found.version)
    return found


@router.get("/billing/proofs")
async def list_proofs(_actor: AdminReader, unit: AdminUnit, limit: PageLimit = 30) -> list[ProofRead]:
    """Newest first."""
    return [ProofRead.of(each) for each in await proofs.latest(unit, limit=limit)]


@router.post("/billing/proofs", status_code=status.HTTP_202_ACCEPTED)
async def prove_now(_actor: AdminWriter, unit: AdminUnit) -> Queued:
    return Queued(job_id=await enqueue(unit, PROVE_BILLING, NoArgs(), key="now"))


@router.get("/billing/people/{user_id}")
async def read_person_billing(user_id: UUID, _actor: AdminReader, unit: AdminUnit) -> PersonBilling:
    owner = UserId(user_id)
    return PersonBilling(
        balance=await desk.balance(unit, owner), budgets=await desk.read_budgets(unit, owner, is_by_admin=True)
    )


@router.put("/billing/people/{user_id}/budgets", responses=problems(StaleVersion, PayerNotFound))
async def impose_budgets(
    user_id: UUID,
    wanted: BudgetsWrite,
    actor: AdminWriter,
    unit: AdminUnit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
) -> BudgetsRead:
    """Limits that the person sees and cannot change, beside those they set themselves."""
    owner = UserId(user_id)
    await wallets.require_person(unit, owner)
    saved = await desk.write_budgets(unit, owner, wanted.items, is_by_admin=True, seen=seen)
    details = {"budgets": [item.model_dump(mode="json") for item in wanted.items]}
    await audit.write(
        unit,
        action=Action.BUDGETS_IMPOSED,
        actor=actor,
        owner_id=user_id,
        subject=audit.person(user_id),
        details=details,
        address=caller.address,
    )
    return saved


@router.get("/billing/people/{user_id}/entries", responses=problems(BadCursor))
async def list_person_entries(
    user_id: UUID, _actor: AdminReader, unit: AdminUnit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[EntryRead]:
    """What moved a person's balance, newest first. What was asked for it stands nowhere in it."""
    found = await statements.entries(unit, UserId(user_id), after=place_of(cursor), limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[EntryRead.of(each) for each in found[:limit]],
        next_cursor=None if last is None else Cursor.encode([last.at, last.id]),
    )


@router.post("/billing/entries/{entry_id}/give-back", responses=problems(EntryNotReversible))
async def give_back(
    entry_id: UUID, reason: Reason, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller
) -> GivenBack:
    """What a run was charged, to where it was taken from. The entry stays, and another one corrects it."""
    booked = await wallets.reverse(unit, entry_id, note=reason.note)
    await audit.write(
        unit,
        action=Action.CREDIT_GIVEN_BACK,
        actor=actor,
        subject=Subject("ledger_entry", str(entry_id)),
        address=caller.address,
    )
    return GivenBack(entry_id=booked)


@router.get("/grants", responses=problems(BadCursor))
async def list_grants(
    _actor: AdminReader,
    unit: AdminUnit,
    user_id: Annotated[UUID | None, Query(description="Only those of this person")] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[GrantRead]:
    """Newest first."""
    owner = None if user_id is None else UserId(user_id)
    found = await statements.grants(unit, owner, after=place_of(cursor), limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[GrantRead.of(row) for row in found[:limit]],
        next_cursor=None if last is None else Cursor.encode([last.created_at, last.id]),
    )


@router.post("/grants", status_code=status.HTTP_201_CREATED, responses=problems(PayerNotFound))
async def grant_credit(wanted: GrantWrite, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> GrantMade:
    """In the currency of the person's wallet, which is the house's on the day it is opened."""
    made = await wallets.grant(
        unit, UserId(wanted.user_id), wanted.nano, expires_at=wanted.expires_at, note=wanted.note, by=actor.user_id
    )
    await audit.write(
        unit,
        action=Action.CREDIT_GRANTED,
        actor=actor,
        owner_id=wanted.user_id,
        subject=audit.person(wanted.user_id),
        details={"nano": wanted.nano, "expires_at": wanted.expires_at and wanted.expires_at.isoformat()},
        address=caller.address,
    )
    return GrantMade(id=made)


@router.delete("/grants/{grant_id}", responses=problems(GrantNotFound))
async def withdraw_grant(grant_id: UUID, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> Withdrawn:
    """What is neither spent nor held by a run."""
    owner, taken = await wallets.withdraw(unit, grant_id)
    await audit.write(
        unit,
        action=Action.CREDIT_WITHDRAWN,
        actor=actor,
        owner_id=owner,
        subject=audit.person(owner),
        details={"nano": taken},
        address=caller.address,
    )
    return Withdrawn(withdrawn_nano=taken)


@router.get("/prices", responses=problems(BadCursor))
async def list_prices(
    _actor: AdminReader,
    unit: AdminUnit,
    provider: Annotated[Word | None, Query()] = None,
    search: Annotated[Line | None, Query(max_length=200, description="A part of the model's name")] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[ModelPriceRead]:
    """What holds now."""
    decoded = Cursor.decode(cursor, "str", "str")
    after = None if decoded is None else (decoded[0], decoded[1])
    found = await prices.list_page(unit, provider=provider, search=search, after=after, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[ModelPriceRead.of(each) for each in found[:limit]],
        next_cursor=None if last is None else Cursor.encode([last.provider, last.model]),
    )


@router.post("/prices", status_code=status.HTTP_201_CREATED, responses=problems(PriceRefused))
async def set_price(wanted: PriceWrite, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> PriceMade:
    """The house's own price of a model, from now or later on. A price of zero is refused: say that it is free."""
    wish = wanted.wish()
    made = await prices.set_own(unit, wish, by=actor.user_id)
    await audit.write(
        unit,
        action=Action.PRICE_SET,
        actor=actor,
        subject=Subject("model_price", str(made), f"{wish.key.provider}/{wish.key.model}"),
        details={"prices": dict(wanted.prices), "is_free": wanted.is_free, "follows_feed": wanted.follows_feed},
        address=caller.address,
    )
    return PriceMade(id=made)


@router.get("/prices/{price_id}/history", responses=problems(PriceNotFound))
async def read_price_history(price_id: UUID, _actor: AdminReader, unit: AdminUnit) -> PriceHistory:
    """Every version of the model's price that there was, newest first."""
    return PriceHistory(items=[ModelPriceRead.of(each) for each in await prices.history(unit, price_id)])


@router.post("/prices/refresh", status_code=status.HTTP_202_ACCEPTED)
async def refresh_prices(_actor: AdminWriter, unit: AdminUnit) -> Queued:
    return Queued(job_id=await enqueue(unit, REFRESH_PRICES, NoArgs(), key="now"))


@router.get("/prices/review", responses=problems(BadCursor))
async def list_prices_in_review(
    _actor: AdminReader, unit: AdminUnit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[PriceInReview]:
    """What the gate holds, oldest first, beside what holds meanwhile."""
    found = await prices.review(unit, limit=limit + 1, after=place_of(cursor))
    last = found[limit - 1][0] if len(found) > limit else None
    return Page(
        items=[
            PriceInReview(
                **ModelPriceRead.of(version).model_dump(),
                present=None if present is None else ModelPriceRead.of(present),
            )
            for version, present in found[:limit]
        ],
        next_cursor=None if last is None else Cursor.encode([last.created_at, last.id]),
    )


@router.post("/prices/review/{price_id}", responses=problems(PriceNotFound, PriceRefused))
async def decide_price(
    price_id: UUID, wanted: Decision, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller
) -> PriceMade:
    """Accepted, it holds from now on; rejected, it never does, and the list may offer it again without being heard."""
    version = await prices.decide(unit, price_id, is_accepted=wanted.decision == "accept", by=actor.user_id)
    await audit.write(
        unit,
        action=Action.PRICE_DECIDED,
        actor=actor,
        subject=Subject("model_price", str(price_id), f"{version.provider}/{version.model}"),
        details={"decision": wanted.decision},
        address=caller.address,
    )
    return PriceMade(id=price_id)


@router.get("/exchange-rates")
async def list_exchange_rates(_actor: AdminReader, unit: AdminUnit, limit: PageLimit = 10) -> ExchangeDays:
    """Newest first."""
    return ExchangeDays(items=[ExchangeDayRead.of(each) for each in await exchange.latest(unit, limit)])


@router.post("/exchange-rates", status_code=status.HTTP_201_CREATED)
async def type_exchange_rates(
    wanted: ExchangeWrite, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller
) -> ExchangeDays:
    await exchange.add(unit, Published(now().date(), dict(wanted.rates)), source="admin")
    await audit.write(
        unit,
        action=Action.EXCHANGE_RATES_SET,
        actor=actor,
        details={code: str(rate) for code, rate in wanted.rates.items()},
        address=caller.address,
    )
    return ExchangeDays(items=[ExchangeDayRead.of(each) for each in await exchange.latest(unit, 1)])


@router.post("/exchange-rates/refresh", status_code=status.HTTP_202_ACCEPTED)
async def refresh_exchange_rates(_actor: AdminWriter, unit: AdminUnit) -> Queued:
    return Queued(job_id=await enqueue(unit, REFRESH_RATES, NoArgs(), key="now"))
