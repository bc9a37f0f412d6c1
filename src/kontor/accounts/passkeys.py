"""Passkeys (WebAuthn): a key in the person's device that only answers to this site. With the device's own check of its
holder (user verification) it is both steps in one, so no code is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, challenges, configuration, repository, signin
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.challenges import ChallengeKind
from kontor.accounts.errors import PasskeyNotFound, PasskeyRefused, PasskeysUnavailable, TooMany
from kontor.accounts.opaque import digest
from kontor.accounts.origins import origin_of
from kontor.accounts.sessions import Opened, SessionKind
from kontor.accounts.tables import Passkey
from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.kernel import Kernel
from kontor.core.limits.throttle import Attempt
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject

if TYPE_CHECKING:
    from kontor.accounts.authenticators import Answer

MOST_PASSKEYS = 20
TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"})


@dataclass(frozen=True, slots=True)
class RelyingParty:
    id: str
    origin: str


def relying_party(settings: Settings) -> RelyingParty:
    """By the public address, never by what a request says. Browsers give no passkeys to bare addresses, except that
    this machine may be called localhost."""
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        return RelyingParty(host, origin_of(settings.public_url))
    if not is_loopback:
        raise PasskeysUnavailable
    port = f":{parts.port}" if parts.port else ""
    return RelyingParty("localhost", origin_of(f"{parts.scheme}://localhost{port}"))


async def registration_options(unit: AsyncSession, kernel: Kernel, actor: Actor) -> dict[str, Any]:
    party = relying_party(kernel.settings)
    person = await repository.lock(unit, actor.user_id)
    present = (await unit.scalars(select(Passkey.credential_id).where(Passkey.owner_id == person.id))).all()
    if len(present) >= MOST_PASSKEYS:
        raise TooMany("passkeys", MOST_PASSKEYS)
    house = (await configuration.read(unit)).name
    from kontor.accounts import authenticators

    holder = authenticators.Holder(person.id.bytes, person.email or person.name, person.name)
    question = authenticators.ask_for_new_key(party.id, house, holder, present)
    await challenges.remember(unit, ChallengeKind.PASSKEY_NEW, question.secret, owner_id=person.id)
    return question.options


async def register(
    unit: AsyncSession, kernel: Kernel, actor: Actor, *, name: str, credential: Mapping[str, Any], address: str | None
) -> Passkey:
    from kontor.accounts import authenticators

    party = relying_party(kernel.settings)
    said = authenticators.read_new_key(credential)
    remembered = await challenges.recall(unit, ChallengeKind.PASSKEY_NEW, said.secret)
    if remembered is None or remembered.owner_id != actor.user_id:
        raise PasskeyRefused
    verified = authenticators.check_new_key(said, party.id, party.origin)
    passkey = Passkey(
        id=new_id(),
        owner_id=actor.user_id,
        name=name,
        credential_id=verified.credential_id,
        public_key=verified.public_key,
        sign_count=verified.sign_count,
        transports=sorted(verified.transports & TRANSPORTS),
        created_at=now(),
    )
    try:
        async with unit.begin_nested():
            unit.add(passkey)
    except IntegrityError as reason:
        # Somebody else's credential with the same id: chance does not do that.
        raise PasskeyRefused from reason
    await _note(unit, Action.PASSKEY_ADDED, actor, passkey.id, address)
    return passkey


async def list_mine(unit: AsyncSession, actor: Actor) -> Sequence[Passkey]:
    mine = select(Passkey).where(Passkey.owner_id == actor.user_id)
    return (await unit.scalars(mine.order_by(Passkey.created_at, Passkey.id))).all()


async def remove(unit: AsyncSession, actor: Actor, passkey_id: UUID, *, address: str | None) -> None:
    mine = delete(Passkey).where(Passkey.id == passkey_id, Passkey.owner_id == actor.user_id)
    if (await unit.execute(mine.returning(Passkey.id))).one_or_none() is None:
        raise PasskeyNotFound
    await _note(unit, Action.PASSKEY_REMOVED, actor, passkey_id, address)


async def sign_in_options(kernel: Kernel) -> dict[str, Any]:
    """The same for everybody: which key answers is the device's business (discoverable credentials)."""
    from kontor.accounts import authenticators

    question = authenticators.ask(relying_party(kernel.settings).id)
    async with kernel.database.system("sign-in") as unit:
        await challenges.remember(unit, ChallengeKind.PASSKEY_SIGN_IN, question.secret)
    return question.options


@dataclass(frozen=True, slots=True)
class Answered:
    """What a device said to a question of ours, which nobody can answer a second time."""

    said: "Answer"
    asked_of: UUID | None
    attempt: Attempt


async def sign_in(kernel: Kernel, credential: Mapping[str, Any], caller: Caller) -> Opened:
    answered = await _take_up(kernel, ChallengeKind.PASSKEY_SIGN_IN, credential, caller)
    async with kernel.database.system("sign-in") as unit:
        passkey = await _verified(unit, kernel.settings, answered)
        person = await repository.lock(unit, passkey.owner_id)
        opened = await signin.open_for(unit, person, caller, kind=SessionKind.BROWSER, way="passkey")
    await kernel.throttle.succeeded(answered.attempt)
    return opened


async def proof_options(kernel: Kernel, actor: Actor) -> dict[str, Any]:
    """For one's own keys alone, and for whoever is signed in already."""
    from kontor.accounts import authenticators

    party = relying_party(kernel.settings)
    async with kernel.database.system("sign-in") as unit:
        mine = (await unit.scalars(select(Passkey.credential_id).where(Passkey.owner_id == actor.user_id))).all()
        question = authenticators.ask(party.id, mine)
        await challenges.remember(unit, ChallengeKind.PASSKEY_PROOF, question.secret, owner_id=actor.user_id)
    return question.options


async def prove(kernel: Kernel, actor: Actor, credential: Mapping[str, Any], caller: Caller) -> None:
    answered = await _take_up(kernel, ChallengeKind.PASSKEY_PROOF, credential, caller)
    if answered.asked_of != actor.user_id:
        raise PasskeyRefused
    async with kernel.database.system("sign-in") as unit:
        passkey = await _verified(unit, kernel.settings, answered)
        if passkey.owner_id != actor.user_id:
            raise PasskeyRefused
    await kernel.throttle.succeeded(answered.attempt)


async def _take_up(kernel: Kernel, kind: ChallengeKind, credential: Mapping[str, Any], caller: Caller) -> Answered:
    from kontor.accounts import authenticators

    said = authenticators.read(credential)
    attempt = await kernel.throttle.begin(f"passkey:{digest(said.key).hex()}", caller.address, is_known=False)
    async with kernel.database.system("sign-in") as unit:
        # In a unit of its own, so that a refusal afterwards does not give the challenge back.
        remembered = await challenges.recall(unit, kind, said.secret)
    if remembered is None:
        raise PasskeyRefused
    return Answered(said, remembered.owner_id, attempt)


async def _verified(unit: AsyncSession, settings: Settings, answered: Answered) -> Passkey:
    from kontor.accounts import authenticators

    party, said = relying_party(settings), answered.said
    # Locked: of two answers with the same count at once, the second meets the count of the first.
    found = select(Passkey).where(Passkey.credential_id == said.key_id).with_for_update()
    passkey = await unit.scalar(found)
    if passkey is None or said.user_handle not in {None, passkey.owner_id.bytes}:
        raise PasskeyRefused
    passkey.sign_count = authenticators.check(
        said, party.id, party.origin, public_key=passkey.public_key, sign_count=passkey.sign_count
    )
    passkey.last_used_at = now()
    return passkey


async def count_mine(unit: AsyncSession, user_id: UUID) -> int:
    return await unit.scalar(select(func.count()).select_from(Passkey).where(Passkey.owner_id == user_id)) or 0


async def _note(unit: AsyncSession, action: Action, actor: Actor, passkey_id: UUID, address: str | None) -> None:
    subject = Subject("passkey", str(passkey_id))
    await audit.write(unit, action=action, actor=actor, owner_id=actor.user_id, subject=subject, address=address)
