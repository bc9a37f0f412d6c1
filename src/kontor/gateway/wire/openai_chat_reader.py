"""OpenAI's chat completions: what comes back, in pieces or as a whole, from OpenAI and from all who speak like it.

One of these lives as long as a stream, and `feed` runs once for each token: it looks into the plain JSON, makes nothing
but what it tells, and looks for the rare things only where there is more in a piece than usual.
"""

from collections.abc import Mapping, Sequence

import orjson

from kontor.gateway.wire.faults import Unreadable, bad_answer, error_in, failed, failed_by
from kontor.gateway.wire.openai_usage import usage_seen
from kontor.gateway.wire.port import (
    JSON,
    Cited,
    Failed,
    Finished,
    Logprobs,
    Named,
    Quirks,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
)

DONE = b"[DONE]"

REASONS: Mapping[str, Reason] = {
    "stop": Reason.STOP,
    "eos": Reason.STOP,
    "end_turn": Reason.STOP,
    "stop_sequence": Reason.STOP,
    "length": Reason.LENGTH,
    "max_tokens": Reason.LENGTH,
    "model_length": Reason.LENGTH,
    "tool_calls": Reason.TOOLS,
    "tool_use": Reason.TOOLS,
    "function_call": Reason.TOOLS,
    "content_filter": Reason.FILTERED,
    "safety": Reason.FILTERED,
    "refusal": Reason.FILTERED,
}
# A reason that is no end: the provider gave up.
GAVE_UP = frozenset({"error", "insufficient_system_resource", "abort"})
# What may stand beside the choices. Some of it stands in their place, with an error.
RARE = frozenset({"error", "citations", "x_groq", "message", "detail"})
# What stands before the text in a piece that is nothing else.
BEFORE_TEXT = (b'"content":', b'"content": ')
MOST_LOOKS = 4  # for what pieces have in common; some providers make each of them different
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")


class ChatReader:
    __slots__ = (
        "_after", "_before", "_calls", "_cited", "_has_refused", "_id", "_is_finished", "_is_over", "_looks", "_quirks",
        "_reasoning_fields",
    )  # fmt: skip

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._reasoning_fields = (
            quirks.reasoning_field,
            *(name for name in REASONING_FIELDS if name != quirks.reasoning_field),
        )
        self._id: str | None = None
        self._calls: list[tuple[JSON, str | None]] = []  # of each tool call: the provider's index, and its id
        self._cited: set[str] = set()
        self._has_refused = False
        self._is_finished = False
        self._is_over = False
        self._before = b""  # what the pieces of this stream have before and after their text
        self._after = b""
        self._looks = MOST_LOOKS

    def feed(self, frame: bytes) -> Sequence[Said]:
        if self._is_over:
            return ()
        if self._before and (found := self._text_in(frame)) is not None:
            return (Text(found),) if found else ()
        try:
            said = self._read(orjson.loads(frame))
            if self._looks and len(said) == 1 and type(said[0]) is Text:
                self._look(frame, said[0].text)
            return said
        except Unreadable:
            if frame.strip() == DONE:
                self._is_over = True
                return () if self._is_finished else self._finish("stop")
            if not frame.strip():
                return ()
            self._is_over = True
            return (bad_answer("It sent something that is not a piece of a chat completion."),)

    def end(self) -> Sequence[Said]:
        return ()

    def _text_in(self, frame: bytes) -> str | None:
        """Of a piece that differs from a former one in its text alone: the rest need not be read again."""
        before, after = self._before, self._after
        if not (frame.startswith(before) and frame.endswith(after)):
            return None
        try:
            found = orjson.loads(frame[len(before) : len(frame) - len(after)])
        except orjson.JSONDecodeError:
            return None
        return found if type(found) is str else None

    def _look(self, frame: bytes, found: str) -> None:
        self._looks -= 1
        before, written, after = frame.partition(orjson.dumps(found))
        if written and written not in after and before.endswith(BEFORE_TEXT):
            self._before, self._after = before, after

    def _read(self, piece: JSON) -> list[Said]:
        said: list[Said] = []
        if self._id is None:
            self._name(piece, said)
        choices = piece.get("choices")
        if choices:
            choice = choices[0]
            if choice.get("index"):  # the second of several answers: only the first is ever asked for
                choice = next((other for other in choices if not other.get("index")), {})
            self._read_choice(piece, choice, said)
        if piece.get("usage"):
            self._read_usage(piece, said)
        if not RARE.isdisjoint(piece) or choices is None:
            self._read_around(piece, choices, said)
        return said

    def _read_choice(self, piece: JSON, choice: Mapping[str, JSON], said: list[Said]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if delta:
            content = delta.get("content")
            if content:
                if type(content) is str:
                    said.append(Text(content))
                else:
                    self._read_parts(content, said)
            if not content or len(delta) > 1:
                self._read_rare(delta, said)
        logprobs = choice.get("logprobs")
        if logprobs and logprobs.get("content"):
            said.append(Logprobs(list(logprobs["content"])))
        reason = choice.get("finish_reason")
        if reason:
            self._read_end(piece, choice, reason, said)
        if "usage" in choice:  # Moonshot's models
            self._read_usage(choice, said)

    def _name(self, piece: JSON, said: list[Said]) -> None:
        given, model = piece.get("id"), piece.get("model")
        if isinstance(given, str) and given:
            self._id = given
            said.append(Named(given, model if isinstance(model, str) else None))

    def _read_parts(self, content: list[JSON], said: list[Said]) -> None:
        """Mistral's models that think answer in parts."""
        for part in content:
            match part["type"]:
                case "text":
                    said.append(Text(text(part["text"])))
                case "thinking":
                    thought = part["thinking"]
                    if not isinstance(thought, str):
                        thought = "".join(text(piece["text"]) for piece in thought if piece.get("type") == "text")
                    said.append(Reasoning(thought))

    def _read_rare(self, delta: Mapping[str, JSON], said: list[Said]) -> None:
        thought = next((found for name in self._reasoning_fields if (found := delta.get(name))), None)
        if thought:
            # It is told before the text where both come at once, as in a whole answer.
            said.insert(first_text(said), Reasoning(text(thought)))
        details = delta.get("reasoning_details")
        if details:
            self._read_details(details, said, has_text=thought is not None)
        refusal = delta.get("refusal")
        if refusal:
            self._has_refused = True
            said.append(Text(text(refusal)))
        calls = delta.get("tool_calls")
        if calls:
            for position, call in enumerate(calls):
                said.append(self._read_call(call, position if len(calls) > 1 else None))
        elif delta.get("function_call"):
            said.append(self._read_call({"index": 0, "function": delta["function_call"]}, None))
        audio = delta.get("audio")
        if audio and audio.get("transcript"):
            said.append(Text(text(audio["transcript"])))
        for cited in delta.get("annotations") or ():
            source = cited.get("url_citation") or cited
            self._cite(source.get("url"), source.get("title"), said)

    def _read_details(self, details: list[JSON], said: list[Said], *, has_text: bool) -> None:
        """OpenRouter's form of thoughts. What it wants back as it came, is kept as the signature."""
        for detail in details:
            thought = detail.get("text") or detail.get("summary")
            if thought and not has_text:
                said.insert(first_text(said), Reasoning(text(thought)))
            if detail.get("signature") or detail.get("data"):
                kept = {name: value for name, value in detail.items() if name != "text"}
                said.insert(first_text(said), Reasoning("", orjson.dumps(kept).decode()))

    def _read_call(self, call: Mapping[str, JSON], position: int | None) -> ToolCall:
        """Which call a piece belongs to is said by an index, by an id, by its place or not at all."""
        function = call.get("function") or call.get("custom") or {}
        name, arguments = function.get("name") or None, function.get("arguments", function.get("input"))
        index, given = call.get("index", position), call.get("id") or None
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = orjson.dumps(arguments).decode()
        known = self._place(index, given, has_name=name is not None)
        if known is not None:
            return ToolCall(known, None, None, arguments)
        place = len(self._calls)
        given = text(given) if given is not None else f"call_{(self._id or '')[-8:]}_{place}"
        self._calls.append((index, given))
        return ToolCall(place, given, None if name is None else text(name), arguments)

    def _place(self, index: JSON, given: str | None, *, has_name: bool) -> int | None:
        """Which of the known calls this is a piece of, if any. The latest first: indexes are used again by some."""
        for place in range(len(self._calls) - 1, -1, -1):
            known_index, known_id = self._calls[place]
            if given is not None:
                is_same = given == known_id
            elif index is None:
                is_same = not has_name
            else:
                is_same = index == known_index
            if is_same:
                return place
        return None

    def _cite(self, url: JSON, title: JSON, said: list[Said]) -> None:
        if isinstance(url, str) and url and url not in self._cited:
            self._cited.add(url)
            said.append(Cited(url, title if isinstance(title, str) else ""))

    def _read_end(self, piece: JSON, choice: Mapping[str, JSON], reason: JSON, said: list[Said]) -> None:
        if reason in GAVE_UP or choice.get("error") or piece.get("error"):
            error = piece.get("error") or choice.get("error")
            said.append(failed_by(None, error) if error else failed(None, text(reason), "It gave up."))
            self._is_over = True
        elif not self._is_finished:
            said.extend(self._finish(text(reason)))

    def _finish(self, reason: str) -> list[Said]:
        self._is_finished = True
        known = REASONS.get(reason.lower())
        if self._has_refused:
            return [Finished(Reason.FILTERED, "refusal")]
        return [Finished(Reason.STOP, reason) if known is None else Finished(known)]

    def _read_usage(self, holder: Mapping[str, JSON], said: list[Said]) -> None:
        usage = holder.get("usage")
        seen = usage_seen(holder, usage, self._quirks) if usage else None
        if seen is not None:
            # Before a failure, so that nobody misses it who stops there.
            said.insert(len(said) - 1 if said and isinstance(said[-1], Failed) else len(said), seen)

    def _read_around(self, piece: JSON, choices: JSON, said: list[Said]) -> None:
        """What stands beside the choices, or in place of them."""
        for cited in piece.get("citations") or ():
            source = cited if isinstance(cited, dict) else {"url": cited}
            self._cite(source.get("url"), source.get("title"), said)
        beside = piece.get("x_groq")
        if beside:
            if not piece.get("usage"):
                self._read_usage(beside, said)
            if isinstance(beside.get("error"), str):
                self._fail(beside["error"], said)
        if piece.get("error") or (choices is None and is_error(piece)):
            self._fail(error_in(piece), said)

    def _fail(self, error: JSON, said: list[Said]) -> None:
        if not self._is_over:
            self._is_over = True
            said.append(failed_by(None, error))


def is_error(piece: Mapping[str, JSON]) -> bool:
    """vLLM's former shape, Mistral's and that of web frameworks: the error is not in anything."""
    return piece.get("object") == "error" or piece.get("type") == "error" or "message" in piece or "detail" in piece


def text(value: JSON) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value


def first_text(said: Sequence[Said]) -> int:
    return next((place for place, one in enumerate(said) if isinstance(one, Text)), len(said))
