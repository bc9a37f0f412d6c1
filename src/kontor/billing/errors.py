"""What can go wrong with money, by name."""

from datetime import datetime
from uuid import UUID

from kontor.core.errors import Kind, KontorError
from kontor.core.money import Money, plain


class InsufficientBalance(KontorError):
    kind, code = Kind.PAYMENT_REQUIRED, "billing.insufficient_balance"

    def __init__(self, *, needed: int, available: int, currency: str, max_output: int | None) -> None:
        hint = f" With at most {max_output} tokens of output it fits." if max_output else " Ask for credit to be added."
        super().__init__(
            f"This may cost {Money(needed, currency)}, and {Money(max(available, 0), currency)} are available.{hint}",
            details={
                "needed": plain(needed),
                "available": plain(available),
                "currency": currency,
                "max_output": max_output,
            },
        )
        self.needed, self.available, self.max_output = needed, available, max_output


class BudgetReached(KontorError):
    kind, code = Kind.PAYMENT_REQUIRED, "billing.budget_reached"

    def __init__(
        self,
        budget_id: UUID,
        *,
        subject: str,
        period: str,
        limit: int,
        left: int,
        needed: int,
        currency: str,
        resets_at: datetime | None,
    ) -> None:
        again = "" if resets_at is None else f" It begins anew at {resets_at:%Y-%m-%d %H:%M %Z}."
        words = {"day": "daily", "month": "monthly", "total": "total"}
        super().__init__(
            f"The {words[period]} budget of this {subject} is {Money(limit, currency)}, of which "
            f"{Money(left, currency)} is left; this may cost {Money(needed, currency)}.{again}",
            details={
                "budget_id": str(budget_id),
                "subject": subject,
                "period": period,
                "limit": plain(limit),
                "left": plain(left),
                "needed": plain(needed),
                "currency": currency,
                "resets_at": None if resets_at is None else resets_at.isoformat(),
            },
        )


class PriceMissing(KontorError):
    kind, code = Kind.PAYMENT_REQUIRED, "billing.price_missing"

    def __init__(self, provider: str, model: str) -> None:
        super().__init__(
            f"Nobody has set a price for {model} of {provider}, so it cannot be paid for. An administrator can.",
            details={"provider": provider, "model": model},
        )


class RateTooOld(KontorError):
    kind, code = Kind.UNAVAILABLE, "billing.exchange_rate_too_old"

    def __init__(self, currency: str, day: str | None) -> None:
        known = "is not known" if day is None else f"is of {day}, which is too long ago"
        super().__init__(
            f"The exchange rate of the US dollar to {currency} {known}. An administrator can fetch it or type it in.",
            details={"currency": currency, "day": day},
        )


class PriceNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "billing.price_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such price waiting for a decision.")


class PriceRefused(KontorError):
    kind, code = Kind.UNPROCESSABLE, "billing.price_refused"

    def __init__(self, findings: list[str]) -> None:
        super().__init__(
            "This price cannot be right: " + " ".join(findings) + " Correct it, or say that you mean it.",
            details={"findings": findings},
        )


class SubjectNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "billing.subject_not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing of this name that a budget could be for.")


class GrantNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "billing.grant_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such grant.")


class PayerNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "billing.payer_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class EntryNotReversible(KontorError):
    kind, code = Kind.CONFLICT, "billing.entry_not_reversible"

    def __init__(self) -> None:
        super().__init__("Only what a run was charged can be given back, and only once.")


class WrongCurrency(KontorError):
    """A mistake of ours: a cost in another currency than its hold would charge a wrong sum."""

    kind, code = Kind.INTERNAL, "billing.wrong_currency"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"A sum in {found} was to be booked in a wallet of {expected}.")


class FeedUnreadable(KontorError):
    kind, code = Kind.UNPROCESSABLE, "billing.feed_unreadable"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"What was fetched is not {what}: {reason}.")


class FeedNotConfigured(KontorError):
    kind, code = Kind.CONFLICT, "billing.feed_not_configured"

    def __init__(self, what: str) -> None:
        super().__init__(f"No address is set to fetch {what} from.")
