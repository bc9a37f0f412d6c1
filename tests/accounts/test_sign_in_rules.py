"""Addresses, passwords and codes as plain rules."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kontor.accounts import totp
from kontor.accounts.callers import plain_address, plain_client
from kontor.accounts.emails import parse_email
from kontor.accounts.origins import origin_of
from kontor.accounts.passwords import check_rule, hasher, normalise
from kontor.accounts.policy import leaves_no_admin, scopes_of, too_wide
from kontor.accounts.schemas import initials
from kontor.core.errors import FieldProblem
from kontor.core.tenancy import Role

SAME = [
    ("Anna.Muster@Example.ORG", "anna.muster@example.org"),
    ("  anna@example.org ", "anna@example.org"),
    ("jürgen@bücher.example", "JÜRGEN@xn--bcher-kva.example"),
    ("ju\u0308rgen@example.org", "j\u00fcrgen@example.org"),
    ("\uff41nna@example.org", "anna@example.org"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_a_mailbox_have_one_key(one: str, other: str) -> None:
    assert parse_email(one).key == parse_email(other).key


@pytest.mark.parametrize(
    "text",
    [
        "", "anna", "@example.org", "anna@", "a b@example.org", "anna@exa mple.org", "anna@-a.org", "anna@a..org",
        "anna@@example.org", "an\nna@example.org", "an\x00na@example.org", "anna@example.org\r\nBcc: x@y.z",
        '"anna"@example.org', "anna,otto@example.org", "<anna@example.org>", ".anna@example.org", "an..na@example.org",
        "anna@exam_ple.org", "a" * 65 + "@example.org", "anna@" + "a." * 125 + "org", "anna\u202e@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse_email(text)


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_a_clean_refusal(text: str) -> None:
    try:
        parsed = parse_email(text)
    except ValueError:
        return
    assert parse_email(parsed.written) == parsed
    assert parse_email(parsed.key).key == parsed.key
    assert len(parsed.key) <= 320
    assert all(character.isprintable() and not character.isspace() for character in parsed.key)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "password.too_short"),
        ("123456789", "password.too_short"),
        ("1234567890", "password.common"),
        ("PASSWORT123", "password.common"),
        ("aaaaaaaaaaaaaa", "password.common"),
        ("anna.muster", "password.is_email"),
        ("Anna.Muster@example.org", "password.is_email"),
        ("ä" * 600, "password.too_long"),
    ],
)
def test_passwords_that_are_tried_first_are_refused(password: str, reason: str) -> None:
    with pytest.raises(FieldProblem) as refused:
        check_rule(password, email="anna.muster@example.org")
    assert refused.value.reason == reason


@given(st.text(min_size=10, max_size=200))
def test_long_passwords_of_any_signs_are_welcome(password: str) -> None:
    assume(len(set(normalise(password).casefold())) > 3 and len(normalise(password)) >= 10)
    assume(not normalise(password).isdecimal() and len(normalise(password).encode()) <= 1024)
    check_rule(password, email=None)


@pytest.mark.usefixtures("slow_passwords")
async def test_a_password_is_the_same_on_every_keyboard() -> None:
    stored = await hasher.hash("gru\u0308n und blau")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.verify("gr\u00fcn und blau", stored) == (True, None)
    assert await hasher.verify("gruen und blau", stored) == (False, None)


@pytest.mark.usefixtures("slow_passwords")
async def test_an_older_hash_is_renewed_and_nonsense_never_fits() -> None:
    from pwdlib.hashers.argon2 import Argon2Hasher

    older = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1).hash("four wild geese")
    fits, fresh = await hasher.verify("four wild geese", older)
    assert fits
    assert fresh is not None
    assert await hasher.verify("four wild geese", fresh) == (True, None)
    for stored in (None, "", "x", "$argon2id$broken"):
        assert await hasher.verify("four wild geese", stored) == (False, None)
    assert await hasher.verify("a" * 5000, older) == (False, None)


# RFC 6238, appendix B (SHA-1), cut to six digits.
@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert totp.code_for(b"12345678901234567890", totp.step_at(at)) == code


@given(st.binary(min_size=20, max_size=20), st.integers(10, 2**40), st.integers(-3, 3))
def test_a_code_is_taken_one_step_early_or_late_and_no_more(secret: bytes, step: int, off: int) -> None:
    at = (step + off) * 30.0
    found = totp.matching_step(secret, totp.code_for(secret, step), at=at)
    if abs(off) <= 1:
        assert found is not None
        assert totp.code_for(secret, found) == totp.code_for(secret, step)
    else:
        assert found is None or totp.code_for(secret, found) == totp.code_for(secret, step)


def test_the_app_is_told_everything_in_one_address() -> None:
    uri = totp.provisioning_uri(b"12345678901234567890", account="anna@example.org", site="Küche & Co")
    assert uri.startswith("otpauth://totp/K%C3%BCche%20%26%20Co%3Aanna%40example.org?secret=")
    assert base64.b32encode(b"12345678901234567890").decode() in uri
    assert totp.qr_svg(uri).startswith("<svg")


def test_recovery_codes_are_read_as_people_type_them() -> None:
    code = totp.new_recovery_code()
    assert len(totp.plain(code)) == 16
    assert totp.plain(code.upper().replace("-", " ")) == totp.plain(code)


def test_scopes_are_cut_to_the_role() -> None:
    assert too_wide(["account:read", "admin:write"], Role.MANAGER) == ["admin:write"]
    assert too_wide(["account:read", "admin:write"], Role.ADMIN) == []
    assert scopes_of(Role.USER) == scopes_of(Role.MANAGER) < scopes_of(Role.ADMIN)


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3))
def test_an_installation_never_loses_its_last_administrator(
    is_admin: bool, is_active: bool, stays_admin: bool, stays_active: bool, others: int
) -> None:
    refused = leaves_no_admin(
        is_admin=is_admin, is_active=is_active, stays_admin=stays_admin, stays_active=stays_active, others=others
    )
    before = others + (is_admin and is_active)
    after = others + (is_admin and is_active and stays_admin and stays_active)
    assert refused == (before > 0 and after == 0)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Anna Muster", "AM"), ("anna", "A"), ("Anna von der Heide", "AH"), ("李 明", "李明"), ("-", "-")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Kontor.Example:443/", "https://kontor.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("http://kontor.example:80", "http://kontor.example"),
        ("https://kontor.example:80", "https://kontor.example:80"),
    ],
)
def test_our_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_what_a_caller_says_about_itself_is_cut_to_size() -> None:
    assert plain_client("Mozilla\x07/5.0 " + "x" * 500) == ("Mozilla/5.0 " + "x" * 500)[:300]
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("testclient") is None
