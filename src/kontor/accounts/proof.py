"""Who is there? Asked again before whatever would let the finder of an open browser take the account over.

A session knows when its person last proved themselves. Every way in is such a proof; afterwards a password, a code of
the app (or a recovery code), a passkey or a new sign-in by the provider renews it. Any one of them is enough: what is
guarded against is somebody at an unlocked machine, who has none.

Whoever has nothing that could be asked for is not asked on an installation of one's own: there the printed link is the
only way in, and whoever can print one owns the machine. So its owner sets a first password whenever they like. The same
holds for the first administrator until the first run is done. Elsewhere nobody has nothing by right (a provider was
taken out of the settings, say); there a session alone must not give itself a password, and the mail that resets one is
the way.

A personal token has no person in front of it and never gets here; an access token stands for its session and is asked
like it.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, oidc, passkeys, repository, totp
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.errors import PasskeyRefused, PasskeysUnavailable, ProofNeeded, SessionRequired
from kontor.accounts.passwords import hasher
from kontor.accounts.tables import Session
from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject

FRESH = timedelta(minutes=15)


class Method(StrEnum):
    PASSWORD = "password"  # noqa: S105 - the name of a method
    CODE = "code"
    PASSKEY = "passkey"
    PROVIDER = "provider"


METHODS_BY_WAY = {
    "password": Method.PASSWORD,
    "totp": Method.CODE,
    "passkey": Method.PASSKEY,
    "oidc": Method.PROVIDER,
}


async def require(unit: AsyncSession, settings: Settings, actor: Actor) -> None:
    """Call it in a system unit, before the deed."""
    if actor.session_id is None:
        raise SessionRequired
    proved_at = await unit.scalar(select(Session.proved_at).where(Session.id == actor.session_id))
    if proved_at is not None and now() - proved_at < FRESH:
        return
    methods = await methods_of(unit, settings, actor)
    if methods or not await _may_have_none(unit, settings, actor):
        raise ProofNeeded([method.value for method in methods])


async def methods_of(unit: AsyncSession, settings: Settings, actor: Actor) -> list[Method]:
    ways = (await repository.sign_in_ways(unit, [actor.user_id]))[actor.user_id]
    return [METHODS_BY_WAY[way] for way in ways if _works_here(METHODS_BY_WAY[way], settings)]


def _works_here(method: Method, settings: Settings) -> bool:
    if method is Method.PROVIDER:
        return oidc.OidcProvider.of(settings) is not None
    if method is Method.PASSKEY:
        try:
            passkeys.relying_party(settings)
        except PasskeysUnavailable:
            return False
    return True


async def _may_have_none(unit: AsyncSession, settings: Settings, actor: Actor) -> bool:
    if not settings.is_multi:
        return True
    person = await repository.find(unit, actor.user_id)
    return person is not None and person.must_set_up


async def by_password(kernel: Kernel, actor: Actor, password: str, caller: Caller) -> None:
    async with kernel.database.system("sign-in") as unit:
        stored = await repository.password_hash(unit, actor.user_id)
    try:
        await check_password(kernel, actor, password, stored, address=caller.address, field="password")
    except FieldProblem:
        await _refused(kernel, actor, Method.PASSWORD, caller)
        raise
    await _given(kernel, actor, Method.PASSWORD, caller)


async def by_code(kernel: Kernel, actor: Actor, code: str, caller: Caller) -> None:
    attempt = await kernel.throttle.begin(f"code:{actor.user_id}", caller.address, is_known=True)
    async with kernel.database.system("sign-in") as unit:
        is_right = await totp.accept(unit, kernel, actor.user_id, code)
        if not is_right and await totp.accept_recovery(unit, actor.user_id, code):
            is_right = True
            await audit.write(
                unit,
                action=Action.RECOVERY_CODE_USED,
                actor=actor,
                owner_id=actor.user_id,
                subject=audit.person(actor.user_id),
                address=caller.address,
            )
    if not is_right:
        await _refused(kernel, actor, Method.CODE, caller)
        raise wrong_code()
    await kernel.throttle.succeeded(attempt)
    await _given(kernel, actor, Method.CODE, caller)


async def by_passkey(kernel: Kernel, actor: Actor, credential: Mapping[str, Any], caller: Caller) -> None:
    try:
        await passkeys.prove(kernel, actor, credential, caller)
    except PasskeyRefused:
        await _refused(kernel, actor, Method.PASSKEY, caller)
        raise
    await _given(kernel, actor, Method.PASSKEY, caller)


async def check_password(
    kernel: Kernel, actor: Actor, given: str | None, stored: str | None, *, address: str | None, field: str
) -> None:
    """Somebody at an unlocked machine guesses as slowly as anybody else."""
    attempt = await kernel.throttle.begin(f"own-password:{actor.user_id}", address, is_known=True)
    fits, _ = await hasher.verify(given or "", stored)
    if not fits:
        raise FieldProblem(field, "This is not your present password.", reason="wrong")
    await kernel.throttle.succeeded(attempt)


def wrong_code() -> FieldProblem:
    return FieldProblem("code", "This code is wrong, or it was used already.", reason="wrong")


async def _given(kernel: Kernel, actor: Actor, method: Method, caller: Caller) -> None:
    async with kernel.database.system("sign-in") as unit:
        own = (Session.id == actor.session_id) & (Session.owner_id == actor.user_id)
        await unit.execute(update(Session).where(own, Session.ended_at.is_(None)).values(proved_at=now()))
        await _note(unit, Action.PROOF_GIVEN, actor, method, caller)


async def _refused(kernel: Kernel, actor: Actor, method: Method, caller: Caller) -> None:
    async with kernel.database.system("sign-in") as unit:
        await _note(unit, Action.PROOF_REFUSED, actor, method, caller)


async def _note(unit: AsyncSession, action: Action, actor: Actor, method: Method, caller: Caller) -> None:
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=actor.user_id,
        subject=Subject("session", str(actor.session_id)),
        details={"method": method.value},
        address=caller.address,
    )
