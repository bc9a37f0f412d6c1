"""What is signed or random, without a database: any altered byte is refused."""

import base64
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from kontor.accounts import access_tokens
from kontor.accounts.opaque import digest, is_personal_token, new_personal_token, new_token
from kontor.core.clock import moved, now
from kontor.core.secrets import MasterKey, Secrets

SECRETS = Secrets(MasterKey(bytes(range(7, 39))))
OTHERS = Secrets(MasterKey(bytes(range(100, 132))))
USER, SESSION = uuid4(), uuid4()
PERSONAL = new_personal_token()
TEXT = st.characters(min_codepoint=33, max_codepoint=0x2FF)


def altered(token: str, at: int, by: str) -> str:
    at %= len(token)
    return token[:at] + by + token[at + 1 :]


def issue(**changes: object) -> str:
    issued = int(now().timestamp())
    claims: dict[str, object] = {
        "iss": "kontor",
        "aud": "kontor-api",
        "sub": str(USER),
        "sid": str(SESSION),
        "iat": issued,
        "nbf": issued,
        "exp": issued + 600,
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not None}
    key = OctKey.import_key(SECRETS.derive("jwt"))
    return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, key, algorithms=["HS256"])


def test_an_access_token_says_who_and_by_which_session() -> None:
    read = access_tokens.read(SECRETS, access_tokens.issue(SECRETS, user_id=USER, session_id=SESSION))
    assert read is not None
    assert (read.user_id, read.session_id) == (USER, SESSION)


@given(st.integers(0, 400), TEXT)
def test_no_altered_access_token_is_read(at: int, by: str) -> None:
    token = access_tokens.issue(SECRETS, user_id=USER, session_id=SESSION)
    changed = altered(token, at, by)
    assert changed == token or access_tokens.read(SECRETS, changed) is None


@given(st.text(max_size=300))
def test_no_text_is_an_access_token(text: str) -> None:
    assert access_tokens.read(SECRETS, text) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "elsewhere"},
        {"aud": None},
        {"iss": "elsewhere"},
        {"iss": None},
        {"exp": None},
        {"exp": 1},
        {"exp": "never"},
        {"nbf": 4102444800},
        {"nbf": None},
        {"iat": 4102444800},
        {"sub": None},
        {"sub": "nobody"},
        {"sub": 7},
        {"sid": None},
        {"sid": ["a"]},
    ],
)
def test_a_token_with_other_claims_is_refused_although_its_signature_is_right(changes: dict[str, object]) -> None:
    assert access_tokens.read(SECRETS, issue()) is not None
    assert access_tokens.read(SECRETS, issue(**changes)) is None


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_other_algorithms_are_refused() -> None:
    _, claims, signature = issue().split(".")
    for header in ({"alg": "none"}, {"alg": "None", "typ": "at+jwt"}, {"alg": "HS512", "typ": "at+jwt"}, {}):
        assert access_tokens.read(SECRETS, f"{part(header)}.{claims}.{signature}") is None
        assert access_tokens.read(SECRETS, f"{part(header)}.{claims}.") is None
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    by_rsa = jwt.encode({"alg": "RS256", "typ": "at+jwt"}, body, RSAKey.generate_key(2048), algorithms=["RS256"])
    assert access_tokens.read(SECRETS, by_rsa) is None
    key = OctKey.import_key(SECRETS.derive("jwt"))
    longer = jwt.encode({"alg": "HS512", "typ": "at+jwt"}, body, key, algorithms=["HS512"])
    other_type = jwt.encode({"alg": "HS256", "typ": "JWT"}, body, key, algorithms=["HS256"])
    with_key_id = jwt.encode({"alg": "HS256", "typ": "at+jwt", "kid": "x"}, body, key, algorithms=["HS256"])
    assert [access_tokens.read(SECRETS, token) for token in (longer, other_type, with_key_id)] == [None] * 3


def test_a_token_lives_for_ten_minutes() -> None:
    token = access_tokens.issue(SECRETS, user_id=USER, session_id=SESSION)
    with moved(timedelta(minutes=9, seconds=50)):
        assert access_tokens.read(SECRETS, token) is not None
    with moved(timedelta(minutes=10, seconds=1)):
        assert access_tokens.read(SECRETS, token) is None
    with moved(timedelta(minutes=-5)):
        assert access_tokens.read(SECRETS, token) is None


def test_tokens_outlive_a_new_master_key_and_no_other_installation_takes_them() -> None:
    token = access_tokens.issue(SECRETS, user_id=USER, session_id=SESSION)
    rotated = Secrets(OTHERS.current, [SECRETS.current])
    assert access_tokens.read(rotated, token) is not None
    assert access_tokens.read(OTHERS, token) is None
    csrf = access_tokens.csrf_token(SECRETS, SESSION)
    assert access_tokens.is_csrf_token(rotated, SESSION, csrf)
    assert not access_tokens.is_csrf_token(OTHERS, SESSION, csrf)


@given(st.integers(0, 60), TEXT)
def test_no_altered_csrf_token_is_taken(at: int, by: str) -> None:
    token = access_tokens.csrf_token(SECRETS, SESSION)
    changed = altered(token, at, by)
    assert changed == token or not access_tokens.is_csrf_token(SECRETS, SESSION, changed)


@given(st.uuids())
def test_a_csrf_token_belongs_to_one_session(other: UUID) -> None:
    token = access_tokens.csrf_token(SECRETS, SESSION)
    assert access_tokens.is_csrf_token(SECRETS, other, token) == (other == SESSION)


@given(st.integers(0, 60), TEXT)
def test_a_typo_in_a_personal_token_is_seen_without_the_database(at: int, by: str) -> None:
    assert is_personal_token(PERSONAL)
    changed = altered(PERSONAL, at, by)
    assert changed == PERSONAL or not is_personal_token(changed)


@given(st.integers(0, 48))
def test_two_letters_changed_places_are_seen_too(at: int) -> None:
    body = PERSONAL[4:]
    swapped = PERSONAL[:4] + body[:at] + body[at : at + 2][::-1] + body[at + 2 :]
    assert swapped == PERSONAL or not is_personal_token(swapped)


@given(st.text(max_size=80))
def test_no_text_is_a_personal_token(text: str) -> None:
    assert not is_personal_token(text)


def test_random_tokens_carry_256_bits_and_are_kept_as_a_digest() -> None:
    made = {new_token() for _ in range(200)} | {new_personal_token() for _ in range(200)}
    assert len(made) == 400
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in made if not token.startswith("ktr_"))
    assert all(len(digest(token)) == 32 for token in made)


@given(st.text(min_size=1, max_size=60))
def test_the_successor_of_a_refresh_token_is_always_the_same_and_never_itself(token: str) -> None:
    following = access_tokens.successors(SECRETS, token)
    assert following == access_tokens.successors(SECRETS, token)
    assert token not in following
    assert access_tokens.successors(OTHERS, token) != following
