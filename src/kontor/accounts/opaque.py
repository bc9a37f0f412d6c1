"""Random tokens: 256 bits each, kept only as SHA-256. A slow hash would add nothing to that much chance."""

import hashlib
import secrets
import string
import zlib

PERSONAL_PREFIX = "ktr_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY_LENGTH = 43  # 62 ** 43 > 2 ** 256
CHECK_LENGTH = 6  # 62 ** 6 > 2 ** 32


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_personal_token() -> str:
    body = _base62(secrets.randbits(256), BODY_LENGTH)
    return PERSONAL_PREFIX + body + _check(body)


def is_personal_token(token: str) -> bool:
    """Whether it can be one of ours: typos and guesses are told without asking the database."""
    if len(token) != len(PERSONAL_PREFIX) + BODY_LENGTH + CHECK_LENGTH or not token.startswith(PERSONAL_PREFIX):
        return False
    body, check = token[len(PERSONAL_PREFIX) : -CHECK_LENGTH], token[-CHECK_LENGTH:]
    return body.isascii() and body.isalnum() and _check(body) == check


def _check(body: str) -> str:
    return _base62(zlib.crc32((PERSONAL_PREFIX + body).encode()), CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
