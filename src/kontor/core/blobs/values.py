"""Files as values, and the plain rules about their names and types."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kontor.core.blobs.store import Key
from kontor.core.ids import BlobId, UserId

DEFAULT_QUOTA_BYTES = 10 * 1024**3
# Where an installation wants no quota: more than any disk, and far from where sums of it would overflow.
NO_QUOTA = 1 << 61
LONGEST_NAME = 255
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
UNKNOWN_TYPE = "application/octet-stream"
# Direction overrides make `fdp.exe` read as `exe.pdf`.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Blob:
    id: BlobId
    owner_id: UserId
    name: str
    media_type: str
    size: int
    sha256: bytes
    created_at: datetime
    generation: UUID

    @property
    def key(self) -> str:
        return str(Key(self.owner_id, self.sha256, self.generation))


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that are in the store and not yet anybody's file: `keep` makes them one, otherwise they go again."""

    upload_id: UUID
    owner_id: UserId
    name: str
    media_type: str
    size: int
    sha256: bytes

    @property
    def key(self) -> Key:
        return Key(self.owner_id, self.sha256, self.upload_id)


@dataclass(frozen=True, slots=True)
class Usage:
    used_bytes: int
    reserved_bytes: int
    quota_bytes: int | None  # None: as much as there is

    @property
    def free_bytes(self) -> int | None:
        return None if self.quota_bytes is None else max(0, self.quota_bytes - self.used_bytes - self.reserved_bytes)


def clean_name(given: str | None) -> str:
    """What a browser or a program sent as a name, as something that can be shown and saved anywhere."""
    text = unicodedata.normalize("NFC", given or "").replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(character for character in text if unicodedata.category(character) not in HIDDEN)
    text = " ".join(text.split())
    if len(text) > LONGEST_NAME:
        # The ending tells what it is; shorten before it.
        stem, dot, ending = text.rpartition(".")
        keep = f"{dot}{ending}" if stem and len(ending) <= 16 else ""
        text = text[: LONGEST_NAME - len(keep)] + keep
    return text if text.strip(".") else "file"


def clean_type(given: str | None) -> str:
    """The claimed type without its parameters. It is a claim: whoever depends on it looks at the content."""
    text = (given or "").partition(";")[0].strip().lower()
    return text if MEDIA_TYPE.fullmatch(text) else UNKNOWN_TYPE
