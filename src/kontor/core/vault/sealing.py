"""What is done to the bytes, without a database: keys are wrapped by the master key, values sealed by a data key.

Both times the place is part of what is authenticated. A ciphertext that was moved to another row, column or owner does
not open there, and neither does an old one in the place of a newer.
"""

import os
import struct
from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kontor.core.ids import UserId
from kontor.core.secrets import MasterKey
from kontor.core.vault.errors import SealBroken

# What a column of type bytea holds: format, id of the data key, nonce, ciphertext and tag.
Sealed = NewType("Sealed", bytes)

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD = struct.Struct(f">B16s{NONCE_BYTES}s")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. `version` is the row's, where a value is replaced and the old one must not return."""

    table: str
    column: str
    row_id: UUID | str
    owner_id: UserId | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class DataKey:
    id: UUID
    owner_id: UserId | None
    raw: bytes

    def __repr__(self) -> str:
        return f"<DataKey {self.id}>"


def joined(*parts: str) -> bytes:
    """Each part with its length before it, so that no two lists of parts read the same."""
    encoded = [part.encode() for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def new_data_key(key_id: UUID, owner_id: UserId | None) -> DataKey:
    return DataKey(key_id, owner_id, AESGCM.generate_key(bit_length=8 * KEY_BYTES))


def wrap(key: DataKey, master: MasterKey) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + wrapper(master).encrypt(nonce, key.raw, wrapping_place(key.id, key.owner_id, master))


def unwrap(key_id: UUID, owner_id: UserId | None, wrapped: bytes, master: MasterKey) -> DataKey:
    nonce, body = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        raw = wrapper(master).decrypt(nonce, body, wrapping_place(key_id, owner_id, master))
    except (InvalidTag, ValueError) as reason:
        raise SealBroken from reason
    return DataKey(key_id, owner_id, raw)


def wrapper(master: MasterKey) -> AESGCM:
    return AESGCM(master.derive("vault"))


def wrapping_place(key_id: UUID, owner_id: UserId | None, master: MasterKey) -> bytes:
    return joined("vault_key", str(key_id), str(owner_id or ""), master.id)


def seal(plain: bytes, place: Place, key: DataKey) -> Sealed:
    nonce = os.urandom(NONCE_BYTES)
    head = HEAD.pack(FORMAT, key.id.bytes, nonce)
    return Sealed(head + AESGCM(key.raw).encrypt(nonce, plain, value_place(place, key.id)))


def key_id_of(sealed: bytes) -> UUID:
    if len(sealed) < HEAD.size + TAG_BYTES or sealed[0] != FORMAT:
        raise SealBroken
    _, key_id, _ = HEAD.unpack_from(sealed)
    return UUID(bytes=key_id)


def unseal(sealed: bytes, place: Place, key: DataKey) -> bytes:
    if key_id_of(sealed) != key.id:
        raise SealBroken
    _, _, nonce = HEAD.unpack_from(sealed)
    try:
        return AESGCM(key.raw).decrypt(nonce, sealed[HEAD.size :], value_place(place, key.id))
    except InvalidTag as reason:
        raise SealBroken from reason


def value_place(place: Place, key_id: UUID) -> bytes:
    owner = str(place.owner_id or "")
    return joined(str(FORMAT), str(key_id), place.table, place.column, str(place.row_id), owner, str(place.version))
