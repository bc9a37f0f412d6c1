"""What every reader has to bear, whatever the protocol."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import orjson

from kontor.gateway.wire.frames import framer
from kontor.gateway.wire.port import Deed, Failed, Feature, Finished, Prepared, Reader, Reasoning, Said, Text, ToolCall

Kind = TypeVar("Kind", bound=Said)
Arrives = Callable[[dict[str, Any]], object]
Fate = Arrives | Deed


def check_fate(prepared: Prepared, feature: Feature, fate: Fate) -> None:
    """It arrives as it was asked, and nothing is noted; or exactly this is noted. Never neither."""
    noted = {loss.feature: loss.deed for loss in prepared.losses}
    if isinstance(fate, Deed):
        assert noted == {feature: fate}
    else:
        assert noted == {}
        assert fate(orjson.loads(prepared.body)), prepared.body


def frames_of(stream: bytes, framing: Literal["sse", "ndjson", "json"]) -> list[bytes]:
    cut = framer(framing)
    return [*cut.feed(stream), *cut.end()]


def read(reader: Reader, frames: Sequence[bytes]) -> list[Said]:
    return [*(one for frame in frames for one in reader.feed(frame)), *reader.end()]


def text_of(said: Sequence[Said]) -> str:
    return "".join(one.text for one in said if isinstance(one, Text))


def thoughts_of(said: Sequence[Said]) -> str:
    return "".join(one.text for one in said if isinstance(one, Reasoning))


def calls_of(said: Sequence[Said]) -> list[tuple[str | None, str | None, Any]]:
    """Id, name and arguments of each call, put together from its pieces."""
    together: dict[int, list[Any]] = {}
    for one in said:
        if isinstance(one, ToolCall):
            call = together.setdefault(one.index, [None, None, ""])
            call[0], call[1] = one.id or call[0], one.name or call[1]
            call[2] += one.arguments
    return [(own_id, name, orjson.loads(arguments)) for own_id, name, arguments in together.values()]


def last(said: Sequence[Said], kind: type[Kind]) -> Kind:
    return [one for one in said if isinstance(one, kind)][-1]


def is_sound(said: Sequence[Said]) -> bool:
    """Each field has the type that it promises, so that nothing behind the reader trips."""
    for one in said:
        for field in dataclasses.fields(one):
            value = getattr(one, field.name)
            if field.name in ("text", "arguments", "detail", "message", "title", "url") and not isinstance(value, str):
                return False
            if field.name in ("id", "name", "request_id", "model", "signature") and not isinstance(value, str | None):
                return False
    return True


GARBAGE: tuple[Any, ...] = (None, True, -1, 1e308, 2**63, "x", "", [], {}, [[]], [None], {"type": 7}, [{"text": 1}])


def spoiled(document: Any) -> Iterator[Any]:
    """The document with each of its places, one after the other, holding something that does not belong there."""
    yield from GARBAGE
    if isinstance(document, dict):
        for key, value in document.items():
            yield {other: kept for other, kept in document.items() if other != key}
            for bad in spoiled(value):
                yield {**document, key: bad}
    elif isinstance(document, list):
        for place, value in enumerate(document):
            for bad in spoiled(value):
                yield [*document[:place], bad, *document[place + 1 :]]


BROKEN_FRAMES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b"<html>502 Bad Gateway</html>",
    b'{"type":',
    b"[" * 5000,
    b'{"a":"\xed\xa0\x80"}',
)


def check_hostile(make: Callable[[], Reader], frames: Sequence[bytes]) -> None:
    """No frame makes a reader raise, and what it says of bad ones can be relied on."""
    for bad in BROKEN_FRAMES:
        said = read(make(), [bad])
        assert is_sound(said), bad
        assert all(isinstance(one, Failed) for one in said), bad
    for place, frame in enumerate(frames):
        for document in spoiled(orjson.loads(frame)):
            reader = make()
            for earlier in frames[:place]:
                reader.feed(earlier)
            try:
                bad = orjson.dumps(document)
            except orjson.JSONEncodeError:
                continue
            said = [*reader.feed(bad), *reader.end()]
            assert is_sound(said), bad


def check_cut(make: Callable[[], Reader], frames: Sequence[bytes]) -> None:
    """A stream that stops early says what came, and never that it has come to its end."""
    whole = read(make(), frames)
    ends = next(place for place in range(len(frames) + 1) if _has_ended(read(make(), frames[:place])))
    for place in range(ends):
        said = read(make(), frames[:place])
        assert text_of(whole).startswith(text_of(said))
        assert not any(isinstance(one, Failed) for one in said)


def _has_ended(said: Sequence[Said]) -> bool:
    return any(isinstance(one, Finished) for one in said)


ODD_SCHEMA = {
    "type": "object",
    "properties": {
        "one": {"$ref": "#/$defs/other"},
        "two": {"anyOf": [{"type": "string", "enum": ["a"], "pattern": "x", "format": "date", "minItems": 2}]},
        "many": {"type": "array", "items": {"const": 1}, "additionalProperties": {"type": "null"}},
    },
    "$defs": {"other": {"type": "object", "properties": {}}},
}


def odd_schemas() -> Iterator[dict[str, Any]]:
    """People write schemas; whether they are any good is for the provider to say."""
    return (schema for schema in spoiled(ODD_SCHEMA) if isinstance(schema, dict))
