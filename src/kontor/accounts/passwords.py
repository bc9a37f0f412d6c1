"""Passwords: the rule, and hashing that neither blocks the loop nor says by its time whether an address is known."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from kontor.accounts.emails import parse_email
from kontor.accounts.errors import Busy
from kontor.core.errors import FieldProblem

LEAST_CHARACTERS = 10
MOST_BYTES = 1024

# 19 MiB each: two at a time keep the memory small and leave the loop a core; more would only queue in the kernel.
THREADS = 2
MOST_WAITING = 64

T = TypeVar("T")


def check_rule(password: str, *, email: str | None, field: str = "password") -> None:
    """Long, not the address, none of the commonest. No rules of composition: they make worse passwords."""
    plain = normalise(password[: MOST_BYTES + 1])
    if len(password) > MOST_BYTES or len(plain.encode()) > MOST_BYTES:
        raise FieldProblem(field, f"Use at most {MOST_BYTES} bytes.", reason="password.too_long")
    if len(plain) < LEAST_CHARACTERS:
        raise FieldProblem(field, f"Use at least {LEAST_CHARACTERS} characters.", reason="password.too_short")
    folded = plain.casefold()
    if email is not None:
        key = parse_email(email).key
        if folded in {key, key.partition("@")[0], email.casefold()}:
            raise FieldProblem(field, "Do not use your address as your password.", reason="password.is_email")
    if folded in commonest() or len(set(folded)) == 1:
        raise FieldProblem(field, "This is one of the passwords that are tried first.", reason="password.common")


def normalise(password: str) -> str:
    """The same keys pressed on two machines are one password, whatever way they compose an umlaut."""
    return unicodedata.normalize("NFKC", password)


@cache
def commonest() -> frozenset[str]:
    return frozenset(files("kontor.accounts").joinpath("common_passwords.txt").read_text("utf-8").split("\n"))


class Hasher:
    """Argon2id in threads of its own; whoever finds the queue full is asked to come back."""

    def __init__(self) -> None:
        self._hash = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        plain = normalise(password)
        return await self._run(lambda: self._hash.hash(plain))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it fits, and a fresh hash when the stored one is older than today's parameters. Without a stored
        hash the same work is done for nothing, so that the time tells nothing either."""
        # Cut first: to compose very long texts takes very long.
        plain = normalise(password[: MOST_BYTES + 1])
        if len(password) > MOST_BYTES or len(plain.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            plain, stored = "", None

        def work() -> tuple[bool, str | None]:
            try:
                fits, fresh = self._hash.verify_and_update(
                    plain.encode("utf-8", "surrogatepass"), stored or self.dummy()
                )
            except PwdlibError:
                return False, None
            return (fits, fresh) if stored is not None else (False, None)

        return await self._run(work)

    def dummy(self) -> str:
        if self._dummy is None:
            self._dummy = self._hash.hash("nobody's password")
        return self._dummy

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


hasher = Hasher()
