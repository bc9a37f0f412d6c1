"""Passkeys (WebAuthn): a key in the person's device that only answers to this site. With the device's own check of its
holder (user verification) it is both steps in one, so no code is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

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
    known = await configuration.read(unit)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=known.name,
        user_id=person.id.bytes,
        user_name=person.email or person.name,
        user_display_name=person.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in present],
    )
    secret = bytes_to_base64url(options.challenge)
    await challenges.remember(unit, ChallengeKind.PASSKEY_NEW, secret, owner_id=person.id)
    return _plain(webauthn.options_to_json(options))


async def register(
    unit: AsyncSession, kernel: Kernel, actor: Actor, *, name: str, credential: Mapping[str, Any], address: str | None
) -> Passkey:
    party = relying_party(kernel.settings)
    parsed = _parsed_registration(credential)
    challenge = _challenge_of(parsed.response.client_data_json)
    remembered = await challenges.recall(unit, ChallengeKind.PASSKEY_NEW, bytes_to_base64url(challenge))
    if remembered is None or remembered.owner_id != actor.user_id:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as reason:
        raise PasskeyRefused from reason
    passkey = Passkey(
        id=new_id(),
        owner_id=actor.user_id,
        name=name,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=sorted({each.value for each in parsed.response.transports or []} & TRANSPORTS),
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
    party = relying_party(kernel.settings)
    options = webauthn.generate_authentication_options(
        rp_id=party.id, user_verification=UserVerificationRequirement.REQUIRED
    )
    async with kernel.database.system("sign-in") as unit:
        await challenges.remember(unit, ChallengeKind.PASSKEY_SIGN_IN, bytes_to_base64url(options.challenge))
    return _plain(webauthn.options_to_json(options))


@dataclass(frozen=True, slots=True)
class Answered:
    """What a device said to a question of ours, which nobody can answer a second time."""

    credential: AuthenticationCredential
    challenge: bytes
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
    party = relying_party(kernel.settings)
    async with kernel.database.system("sign-in") as unit:
        mine = (await unit.scalars(select(Passkey).where(Passkey.owner_id == actor.user_id))).all()
        options = webauthn.generate_authentication_options(
            rp_id=party.id,
            user_verification=UserVerificationRequirement.REQUIRED,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in mine],
        )
        secret = bytes_to_base64url(options.challenge)
        await challenges.remember(unit, ChallengeKind.PASSKEY_PROOF, secret, owner_id=actor.user_id)
    return _plain(webauthn.options_to_json(options))


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
    parsed = _parsed_authentication(credential)
    challenge = _challenge_of(parsed.response.client_data_json)
    attempt = await kernel.throttle.begin(f"passkey:{digest(parsed.id).hex()}", caller.address, is_known=False)
    async with kernel.database.system("sign-in") as unit:
        # In a unit of its own, so that a refusal afterwards does not give the challenge back.
        remembered = await challenges.recall(unit, kind, bytes_to_base64url(challenge))
    if remembered is None:
        raise PasskeyRefused
    return Answered(parsed, challenge, remembered.owner_id, attempt)


async def _verified(unit: AsyncSession, settings: Settings, answered: Answered) -> Passkey:
    party = relying_party(settings)
    # Locked: of two answers with the same count at once, the second meets the count of the first.
    found = select(Passkey).where(Passkey.credential_id == answered.credential.raw_id).with_for_update()
    passkey = await unit.scalar(found)
    if passkey is None or answered.credential.response.user_handle not in {None, passkey.owner_id.bytes}:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_authentication_response(
            credential=answered.credential,
            expected_challenge=answered.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as reason:
        raise PasskeyRefused from reason
    passkey.sign_count = verified.new_sign_count
    passkey.last_used_at = now()
    return passkey


async def count_mine(unit: AsyncSession, user_id: UUID) -> int:
    return await unit.scalar(select(func.count()).select_from(Passkey).where(Passkey.owner_id == user_id)) or 0


def _parsed_registration(credential: Mapping[str, Any]) -> RegistrationCredential:
    try:
        return webauthn.helpers.parse_registration_credential_json(dict(credential))
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as reason:
        raise PasskeyRefused from reason


def _parsed_authentication(credential: Mapping[str, Any]) -> AuthenticationCredential:
    try:
        return webauthn.helpers.parse_authentication_credential_json(dict(credential))
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as reason:
        raise PasskeyRefused from reason


def _challenge_of(client_data: bytes) -> bytes:
    try:
        return parse_client_data_json(client_data).challenge
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as reason:
        raise PasskeyRefused from reason


def _plain(options: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(options)
    return plain


async def _note(unit: AsyncSession, action: Action, actor: Actor, passkey_id: UUID, address: str | None) -> None:
    subject = Subject("passkey", str(passkey_id))
    await audit.write(unit, action=action, actor=actor, owner_id=actor.user_id, subject=subject, address=address)
