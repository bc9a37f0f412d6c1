"""Paging by key: the next page begins after the last row, whatever was inserted meanwhile."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel

from kontor.core.errors import Kind, KontorError

T = TypeVar("T")

CursorKey = Literal["datetime", "uuid", "int", "str"]


class BadCursor(KontorError):
    kind, code = Kind.UNPROCESSABLE, "http.bad_cursor"

    def __init__(self) -> None:
        super().__init__("This cursor is not one of ours. Start again without it.")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = None
    total: int | None = None


def _whole(raw: Any) -> int:
    value = int(raw)
    if not -(2**63) <= value < 2**63:
        raise ValueError("No column holds this number.")
    return value


def _plain(raw: Any) -> str:
    text = str(raw)
    if "\0" in text:
        raise ValueError("No column holds this character.")
    text.encode()  # lone surrogates raise UnicodeEncodeError, which is a ValueError
    return text


class Cursor:
    """Where the next page begins: the sort key of the last row, opaque to the client."""

    _read: ClassVar[Mapping[str, Callable[[Any], object]]] = {
        "datetime": lambda raw: datetime.fromisoformat(raw).astimezone(UTC),
        "uuid": UUID,
        "int": _whole,
        "str": _plain,
    }

    @staticmethod
    def encode(values: Iterable[object]) -> str:
        plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
        return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode()

    @classmethod
    def decode(cls, token: str | None, *keys: CursorKey) -> tuple[Any, ...] | None:
        if token is None:
            return None
        try:
            raw = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            if not isinstance(raw, list) or len(raw) != len(keys):
                raise BadCursor
            return tuple(cls._read[key](value) for key, value in zip(keys, raw, strict=True))
        except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, orjson.JSONDecodeError) as reason:
            raise BadCursor from reason
