"""Reading our own server-sent events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    data: Any
    id: str | None


async def events_of(response: httpx.Response) -> AsyncIterator[Event]:
    kind, data, place = "", b"", None
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        match name:
            case "event":
                kind = value
            case "data":
                data = value.encode()
            case "id":
                place = value
            case "" if kind:
                yield Event(kind, orjson.loads(data), place)
                kind, place = "", None


async def all_of(response: httpx.Response) -> list[Event]:
    return [event async for event in events_of(response)]
