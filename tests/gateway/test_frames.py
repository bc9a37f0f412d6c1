"""However the network splits the bytes, readers get the same frames."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.gateway.wire.frames import Framer, FrameTooLong, JsonLines, ServerSentEvents, WholeBody, framer

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
VALUES = st.sampled_from([b"", b"{}", b'{"a":"\xc3\xa4\xf0\x9f\x8c\x8d"}', b" two spaces", b"[DONE]", b"a: b"])
LINES = st.one_of(
    VALUES.map(lambda value: b"data:" + value),
    VALUES.map(lambda value: b"data: " + value),
    st.sampled_from([b"", b"", b"", b": keep-alive", b"event: delta", b"id: 7", b"retry: 3", b"data", b"database: no"]),
)
STREAMS = st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(st.tuples(LINES, ENDS), max_size=24)).map(
    lambda drawn: drawn[0] + b"".join(line + end for line, end in drawn[1])
)


def frames_of(made: Framer, pieces: list[bytes]) -> list[bytes]:
    return [frame for piece in pieces for frame in made.feed(piece)] + made.end()


def split(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[first:last] for first, last in itertools.pairwise(places)]


def by_the_book(data: bytes) -> list[bytes]:
    """The standard's rules, one after the other and without any thought of speed."""
    lines = re.split(b"\r\n|\r|\n", data.removeprefix(b"\xef\xbb\xbf"))
    frames, gathered = list[bytes](), list[bytes]()
    for line in [*lines, b""]:
        name, _, value = line.partition(b":")
        if name == b"data" and line:
            gathered.append(value.removeprefix(b" "))
        elif not line:
            frames.append(b"\n".join(gathered))
            gathered = []
    return [frame for frame in frames if frame]


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=40))
def test_events_are_those_of_the_standard_however_they_are_split(data: bytes, at: list[int]) -> None:
    expected = by_the_book(data)
    assert frames_of(ServerSentEvents(), [data]) == expected
    assert frames_of(ServerSentEvents(), split(data, at)) == expected
    assert frames_of(ServerSentEvents(), [data[place : place + 1] for place in range(len(data))]) == expected


@given(
    st.lists(st.tuples(st.sampled_from([b"{}", b'{"a":"\xc3\xa4"}', b"", b"  "]), ENDS)), st.lists(st.integers(0, 999))
)
def test_lines_of_json_are_the_same_however_they_are_split(lines: list[tuple[bytes, bytes]], at: list[int]) -> None:
    data = b"".join(line + end for line, end in lines) + b'{"last": "without an end"}'
    expected = [line for line, _ in lines if line.strip()] + [b'{"last": "without an end"}']
    assert frames_of(JsonLines(), split(data, at)) == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 999)), st.integers(1, 60))
def test_a_bound_holds_however_the_bytes_are_split(data: bytes, at: list[int], limit: int) -> None:
    def outcome(pieces: list[bytes]) -> list[bytes] | None:
        try:
            return frames_of(ServerSentEvents(limit), pieces)
        except FrameTooLong:
            return None

    data = data.replace(b"\xef", b"")
    assert outcome([data]) == outcome(split(data, at))


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    made = ServerSentEvents(limit=1000)
    with pytest.raises(FrameTooLong):
        for _ in range(11):
            made.feed(b"x" * 100)


def test_many_short_lines_of_one_event_are_refused_as_well() -> None:
    made = ServerSentEvents(limit=1000)
    with pytest.raises(FrameTooLong):
        for _ in range(300):
            made.feed(b"data: 1234\n")


@given(st.lists(st.integers(0, 999)))
def test_json_beside_the_events_is_the_last_frame(at: list[int]) -> None:
    data = b'data: {"a":1}\n\n{\n  "error": {\n    "code": 503\n  }\n}\n'
    first, last = frames_of(ServerSentEvents(), split(data, at))
    assert first == b'{"a":1}'
    assert last == b'{\n  "error": {\n    "code": 503\n  }\n}'


def test_json_beside_the_events_is_bounded() -> None:
    made = ServerSentEvents(limit=100)
    with pytest.raises(FrameTooLong):
        for _ in range(20):
            made.feed(b'{"a": 1\ndata: 1\n\n')


def test_a_whole_body_is_one_frame_within_its_bound() -> None:
    assert frames_of(WholeBody(), [b'{"a"', b": 1}"]) == [b'{"a": 1}']
    assert frames_of(WholeBody(), []) == []
    with pytest.raises(FrameTooLong):
        frames_of(WholeBody(limit=4), [b"123", b"45"])


def test_each_framing_has_its_framer() -> None:
    assert [type(framer(name)) for name in ("sse", "ndjson", "json")] == [ServerSentEvents, JsonLines, WholeBody]
