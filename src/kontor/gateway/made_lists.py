"""Lists of models that were made already, for as long as they are true.

After a change of the house every open window asks for the list at once, and most of them get the same: it depends on
the role, the currency and the model that somebody prefers, and on the person only where they have keys of their own.
Whether anything was changed is asked of the database each time: it has a number for the last news of each kind.
"""

import asyncio
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from datetime import datetime

from kontor.billing import configuration
from kontor.billing import service as billing
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.http.prepared import Prepared, prepare
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor, Role
from kontor.gateway import known, listing
from kontor.gateway.known import House, Knowledge, View

# Packed, a list of a thousand models has 60 kB.
MOST = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """Who has the same terms gets the same list."""

    role: Role
    currency: str
    preferred: str | None
    person: tuple[UserId, int] | None  # with the last news of them; nobody where only the house's models are in it


@dataclass(frozen=True, slots=True)
class Made:
    house: House
    at: datetime
    until: datetime
    list: Prepared

    def is_true(self, house: House) -> bool:
        return self.house is house and self.at <= now() < self.until


class MadeLists:
    """One per process."""

    def __init__(self, database: Database, knowledge: Knowledge) -> None:
        self._database = database
        self._knowledge = knowledge
        self._made: OrderedDict[Terms, Made] = OrderedDict()
        self._making: defaultdict[Terms, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, actor: Actor) -> Prepared:
        async with self._database.system("configuration") as unit:
            news = await known.last_news(unit, actor.user_id)
            currency = await billing.currency_of(unit, actor.user_id, await configuration.read(unit))
        view = await self._knowledge.view(actor, since=news)
        terms = terms_of(view, actor, currency)
        if (found := self._true(terms, view.house)) is not None:
            return found.list
        async with self._making[terms]:
            try:
                found = self._true(terms, view.house) or await self._make(terms, view, actor)
                return found.list
            finally:
                self._making.pop(terms, None)

    def _true(self, terms: Terms, house: House) -> Made | None:
        found = self._made.get(terms)
        return found if found is not None and found.is_true(house) else None

    async def _make(self, terms: Terms, view: View, actor: Actor) -> Made:
        at = now()
        async with self._database.unit(actor) as unit:
            found, until = await listing.models_of(unit, view, actor, at)
        # What was made of another house is true no more, and keeps all of that house in memory.
        for each in [each for each, made in self._made.items() if made.house is not view.house]:
            del self._made[each]
        made = self._made[terms] = Made(view.house, at, until, prepare(found))
        while len(self._made) > MOST:
            self._made.popitem(last=False)
        return made


def terms_of(view: View, actor: Actor, currency: str) -> Terms:
    own = view.own
    is_own = bool(own.providers or own.models or own.keys)
    return Terms(actor.role, currency, own.preferred, (actor.user_id, own.news) if is_own else None)
