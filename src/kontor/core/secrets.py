"""The master key, and the keys derived from it: one per purpose, so that none of them opens another's door."""

import base64
import binascii
import os
import re
import stat
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal
from uuid import uuid4

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from kontor.core.errors import Kind, KontorError
from kontor.core.settings import Settings

KEY_BYTES = 32
FILE_NAME = "master.key"

# A closed list: each purpose is one key, and a reviewer can see at a glance what hangs on the master key.
Purpose = Literal[
    "jwt", "csrf", "cursor", "app-role-password", "signed-url", "token", "sign-in-state", "mail", "idempotency"
]

# What must not change while old and new master keys overlap: other processes still hold the old one.
LASTING: frozenset[Purpose] = frozenset({"app-role-password"})

# 32 random bytes hold about 30 different values. Fewer than 16 does not happen to random keys in the life of the
# universe, and always happens to keys that somebody typed or repeated.
LEAST_DISTINCT = 16


class MasterKeyUnusable(KontorError):
    kind, code = Kind.UNAVAILABLE, "secrets.master_key_unusable"


class MasterKey:
    """32 bytes that never appear in a log, a traceback or a comparison by accident."""

    __slots__ = ("_raw", "id")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        # Names the key in the rows that it wraps, without saying anything about it.
        self.id = self._expand("kontor/master-key-id", 8).hex()

    def __repr__(self) -> str:
        return f"<MasterKey {self.id}>"

    def _expand(self, info: str, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode()).derive(self._raw)

    def derive(self, purpose: str, length: int = 32) -> bytes:
        return self._expand(f"kontor/1/{purpose}", length)


class Secrets:
    """The present master key and the former ones, newest first; read once at start."""

    def __init__(self, current: MasterKey, old: Sequence[MasterKey] = (), *, source: str = "KONTOR_MASTER_KEY") -> None:
        self.current = current
        self.old = tuple({key.id: key for key in old if key.id != current.id}.values())
        self.source = source

    def __repr__(self) -> str:
        return f"<Secrets {self.current.id} and {len(self.old)} former>"

    @classmethod
    def load(cls, settings: Settings) -> "Secrets":
        """From the environment, or from the file in the data folder, which the first start makes."""
        old = keys_from_list(settings.kontor_master_key_old, "KONTOR_MASTER_KEY_OLD")
        path = settings.kontor_data / FILE_NAME
        if settings.kontor_master_key is not None:
            current = MasterKey(parse_key(settings.kontor_master_key.get_secret_value(), "KONTOR_MASTER_KEY"))
            # An installation that moves its key into the environment can still read what the file had sealed.
            files = [path, *former_files(path)] if path.exists() else former_files(path)
            return cls(current, [*old, *map(read_key_file, files)], source="KONTOR_MASTER_KEY")
        current = read_key_file(path) if path.exists() else make_key_file(path)
        return cls(current, [*old, *map(read_key_file, former_files(path))], source=str(path))

    @property
    def all(self) -> tuple[MasterKey, ...]:
        return (self.current, *self.old)

    def find(self, master_id: str) -> MasterKey | None:
        return next((key for key in self.all if key.id == master_id), None)

    def derive(self, purpose: Purpose, length: int = 32) -> bytes:
        """The key to make something new with."""
        key = self.all[-1] if purpose in LASTING else self.current
        return key.derive(purpose, length)

    def derive_all(self, purpose: Purpose, length: int = 32) -> tuple[bytes, ...]:
        """The keys to check something with: the present one first, then those that were in use before a rotation."""
        return tuple(key.derive(purpose, length) for key in self.all)


def generate_key() -> bytes:
    while is_too_regular(key := os.urandom(KEY_BYTES)):
        pass
    return key


def write_key(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def parse_key(text: str, source: str) -> bytes:
    """The bytes of a key written as base64 or hex. What nobody drew at random is refused, with the way out."""
    advice = "Draw one with `openssl rand -base64 32`."
    text = text.strip()
    if not text:
        raise MasterKeyUnusable(f"{source} is empty. {advice}")
    raw = decode(text)
    if raw is None:
        raise MasterKeyUnusable(f"{source} is not a key: it must be 32 bytes in base64 or hex. {advice}")
    if len(raw) < KEY_BYTES:
        raise MasterKeyUnusable(f"{source} is too short: {len(raw)} bytes instead of {KEY_BYTES}. {advice}")
    if len(raw) > KEY_BYTES:
        raise MasterKeyUnusable(f"{source} is too long: {len(raw)} bytes instead of {KEY_BYTES}. {advice}")
    if is_too_regular(raw):
        raise MasterKeyUnusable(f"{source} was not drawn at random: it repeats itself or is readable text. {advice}")
    return raw


def decode(text: str) -> bytes | None:
    if re.fullmatch(r"[0-9a-fA-F]+", text) and len(text) >= 2 * KEY_BYTES and len(text) % 2 == 0:
        return bytes.fromhex(text)
    body = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_too_regular(raw: bytes) -> bool:
    steps = {(after - before) % 256 for before, after in pairwise(raw)}
    readable = all(32 <= byte < 127 for byte in raw)
    return readable or len(set(raw)) < LEAST_DISTINCT or len(steps) < LEAST_DISTINCT


def keys_from_list(value: SecretStr | None, source: str) -> list[MasterKey]:
    if value is None:
        return []
    parts = [part for part in re.split(r"[\s,]+", value.get_secret_value()) if part]
    return [MasterKey(parse_key(part, source)) for part in parts]


def former_files(path: Path) -> list[Path]:
    """`master.key.2`, `master.key.1`: the higher the number, the later the key was replaced."""
    numbered = []
    for found in path.parent.glob(f"{path.name}.*"):
        number = found.name.removeprefix(f"{path.name}.")
        if number.isdecimal():
            numbered.append((int(number), found))
    return [found for _, found in sorted(numbered, reverse=True)]


def read_key_file(path: Path) -> MasterKey:
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that nobody can exchange it between the question and the answer.
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise MasterKeyUnusable(f"{path} is not a file.")
            if state.st_mode & 0o077:
                raise MasterKeyUnusable(f"Others can read {path}. Close it with `chmod 600 {path}`.")
            if state.st_uid not in {os.geteuid(), 0}:
                raise MasterKeyUnusable(f"{path} belongs to another user. Give it to the one that runs Kontor.")
            content = file.read(4096)
    except OSError as reason:
        raise MasterKeyUnusable(f"{path} cannot be read: {reason.strerror or reason}.") from reason
    return MasterKey(parse_key(content.decode("ascii", "replace"), str(path)))


def make_key_file(path: Path) -> MasterKey:
    """Make the key of a new installation. Whoever comes second reads what the first has written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = write_draft(path, generate_key())
        try:
            link_new(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as reason:
        raise MasterKeyUnusable(f"{path} cannot be written: {reason.strerror or reason}.") from reason
    return read_key_file(path)


def replace_key_file(path: Path) -> MasterKey:
    """Begin a rotation: the present key becomes `master.key.N` and stays readable; at no moment is there none."""
    present = read_key_file(path)
    former = former_files(path)
    number = int(former[0].name.rsplit(".", 1)[1]) + 1 if former else 1
    try:
        # A crash after this leaves the same key under two names, which is harmless; the next try goes on from there.
        if not former or read_key_file(former[0]).id != present.id:
            link_new(path, path.with_name(f"{path.name}.{number}"))
            sync_folder(path.parent)
        draft = write_draft(path, generate_key())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as reason:
        raise MasterKeyUnusable(f"{path} cannot be replaced: {reason.strerror or reason}.") from reason
    return read_key_file(path)


def write_draft(path: Path, raw: bytes) -> Path:
    # The leading dot keeps a draft that a crash left behind from being taken for `master.key.N`.
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(write_key(raw) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def link_new(source: Path, target: Path) -> None:
    """Give a file a second name, unless that name is taken; a name that appears has its whole content."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        # Some shared folders know no links. Exclusive creation never overwrites either; a crash half way leaves a
        # short file, which is refused in plain words.
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
