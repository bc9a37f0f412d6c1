"""Answers that are made once and given many times. Without the framework: workers know of lists, and never answer."""

import gzip
import hashlib
from dataclasses import dataclass

from pydantic import BaseModel

# Below this, packing saves less than the network sends anyway.
WORTH_PACKING_BYTES = 4096
# The quick end of the scale: some thousand lines take milliseconds, and it happens between streams.
PACKING = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that may be given many times, small enough to be kept."""

    tag: str
    body: bytes
    is_packed: bool


def prepare(found: BaseModel) -> Prepared:
    body = found.model_dump_json().encode()
    # Weak, because the same words may come packed or not.
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if len(body) < WORTH_PACKING_BYTES:
        return Prepared(tag, body, is_packed=False)
    return Prepared(tag, gzip.compress(body, PACKING, mtime=0), is_packed=True)
