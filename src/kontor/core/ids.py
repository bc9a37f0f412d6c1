"""Ids: random, so that nobody can guess a neighbour's; typed, so that nobody can confuse two of them."""

from typing import NewType
from uuid import UUID, uuid4

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
TokenId = NewType("TokenId", UUID)
JobId = NewType("JobId", UUID)
BlobId = NewType("BlobId", UUID)
EventId = NewType("EventId", int)


def new_id() -> UUID:
    return uuid4()
