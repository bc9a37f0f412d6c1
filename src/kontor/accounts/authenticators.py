"""Talking with devices that hold passkeys, by the library for it. Loaded with the first of them: it takes five
mebibytes, and many houses have no passkeys. Whatever it finds wrong is a refusal, and no more is told."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRequestOptions,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kontor.accounts.errors import PasskeyRefused


@dataclass(frozen=True, slots=True)
class Holder:
    id: bytes
    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class Question:
    secret: str  # to be remembered, until it is answered once
    options: dict[str, Any]  # for the browser


@dataclass(frozen=True, slots=True)
class Said:
    """By a device to a question of ours; not checked yet."""

    challenge: bytes

    @property
    def secret(self) -> str:
        return bytes_to_base64url(self.challenge)


@dataclass(frozen=True, slots=True)
class NewKey(Said):
    parsed: RegistrationCredential


@dataclass(frozen=True, slots=True)
class CheckedKey:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer(Said):
    parsed: AuthenticationCredential

    @property
    def key(self) -> str:
        return self.parsed.id

    @property
    def key_id(self) -> bytes:
        return self.parsed.raw_id

    @property
    def user_handle(self) -> bytes | None:
        return self.parsed.response.user_handle


@contextmanager
def refusing() -> Iterator[None]:
    try:
        yield
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as reason:
        raise PasskeyRefused from reason


def question_of(options: PublicKeyCredentialCreationOptions | PublicKeyCredentialRequestOptions) -> Question:
    return Question(bytes_to_base64url(options.challenge), json.loads(webauthn.options_to_json(options)))


def ask_for_new_key(party_id: str, house: str, holder: Holder, present: Sequence[bytes]) -> Question:
    options = webauthn.generate_registration_options(
        rp_id=party_id,
        rp_name=house,
        user_id=holder.id,
        user_name=holder.name,
        user_display_name=holder.shown,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in present],
    )
    return question_of(options)


def ask(party_id: str, keys: Sequence[bytes] | None = None) -> Question:
    """Any key of this site, or one of these."""
    options = webauthn.generate_authentication_options(
        rp_id=party_id,
        user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=None if keys is None else [PublicKeyCredentialDescriptor(id=each) for each in keys],
    )
    return question_of(options)


def read_new_key(credential: Mapping[str, Any]) -> NewKey:
    with refusing():
        parsed = webauthn.helpers.parse_registration_credential_json(dict(credential))
        return NewKey(parse_client_data_json(parsed.response.client_data_json).challenge, parsed)


def read(credential: Mapping[str, Any]) -> Answer:
    with refusing():
        parsed = webauthn.helpers.parse_authentication_credential_json(dict(credential))
        return Answer(parse_client_data_json(parsed.response.client_data_json).challenge, parsed)


def check_new_key(said: NewKey, party_id: str, origin: str) -> CheckedKey:
    with refusing():
        verified = webauthn.verify_registration_response(
            credential=said.parsed,
            expected_challenge=said.challenge,
            expected_rp_id=party_id,
            expected_origin=origin,
            require_user_verification=True,
        )
        return CheckedKey(
            verified.credential_id,
            verified.credential_public_key,
            verified.sign_count,
            frozenset(each.value for each in said.parsed.response.transports or []),
        )


def check(said: Answer, party_id: str, origin: str, *, public_key: bytes, sign_count: int) -> int:
    """The device's count from now on."""
    with refusing():
        verified = webauthn.verify_authentication_response(
            credential=said.parsed,
            expected_challenge=said.challenge,
            expected_rp_id=party_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
        return verified.new_sign_count
