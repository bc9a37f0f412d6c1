"""The rules of a wallet, over values: what may be spent, in which order it is drawn, and what becomes debt.

A purse is what a wallet's row and its grants say. Every deed answers a new purse; the difference between the two is
what is booked, so a deed cannot book anything else than it does, and every entry is balanced by the house's account.

Two promises hold after each deed. What is held is always there (`held` ≤ `credit`): a run that was let in is paid for.
And nobody is in debt while they have free credit: it pays the debt first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

NEVER = datetime.max.replace(tzinfo=UTC)

Account = Literal["purchased", "granted", "debt", "revenue", "promotion", "clearing", "write_off"]


@dataclass(frozen=True, slots=True)
class Grant:
    id: UUID
    remaining: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    account: Account
    amount: int
    grant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Purse:
    purchased: int = 0
    held: int = 0
    debt: int = 0
    grants: tuple[Grant, ...] = ()  # those with something left, soonest to expire first

    @property
    def granted(self) -> int:
        return sum(grant.remaining for grant in self.grants)

    @property
    def credit(self) -> int:
        return self.purchased + self.granted

    @property
    def free(self) -> int:
        """What no run holds."""
        return self.credit - self.held

    @property
    def available(self) -> int:
        return self.free - self.debt

    @property
    def next_expiry(self) -> datetime | None:
        return min((grant.expires_at for grant in self.grants if grant.expires_at is not None), default=None)

    def hold(self, amount: int) -> "Purse":
        if amount > self.available:
            raise ValueError("More is held than is available.")
        return replace(self, held=self.held + amount)

    def end_hold(self, held: int, charged: int = 0) -> "Purse":
        """A run is over. It is paid from its own hold and from what is free, never from what other runs hold; what is
        still missing is debt: the error of the estimate by which the hold was made."""
        freed = replace(self, held=self.held - held)
        paid = min(charged, max(freed.free, 0))
        return freed._draw(paid)._owe(charged - paid)._repay()

    def add_grant(self, grant: Grant) -> "Purse":
        return replace(self, grants=_in_order((*self.grants, grant)))._repay()

    def give_back(self, grant_id: UUID, amount: int, expires_at: datetime | None) -> "Purse":
        """To a grant that was drawn from."""
        known = next((grant for grant in self.grants if grant.id == grant_id), None)
        others = tuple(grant for grant in self.grants if grant.id != grant_id)
        remaining = amount + (0 if known is None else known.remaining)
        return replace(self, grants=_in_order((*others, Grant(grant_id, remaining, expires_at))))

    def top_up(self, amount: int) -> "Purse":
        return replace(self, purchased=self.purchased + amount)._repay()

    def refund(self, amount: int) -> "Purse":
        """Money went back to where it came from: bought credit first, and what is spent of it already is debt."""
        taken = min(amount, self.purchased, max(self.free, 0))
        return replace(self, purchased=self.purchased - taken)._owe(amount - taken)._repay()

    def expire(self, at: datetime) -> "Purse":
        """Grants whose time is over. Runs were let in on what expires soonest, so that much stays until they are over,
        and the sweep comes again for the rest."""
        backing, grants = self.held, []
        for grant in self.grants:
            kept = min(grant.remaining, backing)
            backing -= kept
            is_over = grant.expires_at is not None and grant.expires_at <= at
            grants.append(replace(grant, remaining=kept) if is_over else grant)
        return replace(self, grants=tuple(grant for grant in grants if grant.remaining))

    def withdraw(self, grant_id: UUID) -> "Purse":
        """An administrator takes a grant back, as far as it is neither spent nor held."""
        left = max(self.free, 0)
        grants = (
            replace(grant, remaining=grant.remaining - min(grant.remaining, left)) if grant.id == grant_id else grant
            for grant in self.grants
        )
        return replace(self, grants=tuple(grant for grant in grants if grant.remaining))

    def forgive(self) -> "Purse":
        return replace(self, debt=0)

    def _draw(self, amount: int) -> "Purse":
        """Grants first, those that expire soonest before the others; then what was bought."""
        grants = []
        for grant in self.grants:
            taken = min(grant.remaining, amount)
            amount -= taken
            if grant.remaining > taken:
                grants.append(replace(grant, remaining=grant.remaining - taken))
        return replace(self, grants=tuple(grants), purchased=self.purchased - amount)

    def _owe(self, amount: int) -> "Purse":
        return replace(self, debt=self.debt + amount)

    def _repay(self) -> "Purse":
        paid = min(self.debt, max(self.free, 0))
        return replace(self._draw(paid), debt=self.debt - paid)


def _in_order(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """Sorting is stable, so of those that expire together the older one comes first."""
    return tuple(sorted(grants, key=lambda grant: grant.expires_at or NEVER))


def difference(before: Purse, after: Purse, counter: Account) -> tuple[Posting, ...]:
    """What is booked for a deed: what it moved, and the other side of it. Nothing where nothing moved."""
    was = {grant.id: grant.remaining for grant in before.grants}
    now = {grant.id: grant.remaining for grant in after.grants}
    postings = [
        Posting("granted", moved, grant_id)
        for grant_id in dict.fromkeys((*was, *now))
        if (moved := now.get(grant_id, 0) - was.get(grant_id, 0))
    ]
    if moved := after.purchased - before.purchased:
        postings.append(Posting("purchased", moved))
    if moved := before.debt - after.debt:
        postings.append(Posting("debt", moved))
    if rest := -sum(posting.amount for posting in postings):
        postings.append(Posting(counter, rest))
    return tuple(postings)
