"""Google's Gemini API: contents and parts, thoughts that are signed part by part, and an answer in whole pieces.

Which levels of thinking a model knows stands in `MODELS` as data, for `quirks.py`.
"""

import mimetypes
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlsplit

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.wire import faults, parts
from kontor.gateway.wire.frames import DONE
from kontor.gateway.wire.losses import Losses
from kontor.gateway.wire.parts import Object, Seal, count
from kontor.gateway.wire.port import (
    JSON,
    AnswerSchema,
    Call,
    Cited,
    Embedded,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Listed,
    Logprobs,
    ModelQuirks,
    Named,
    Prepared,
    Quirks,
    Reader,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)

PROTOCOL: Final = "gemini"
IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
SOUNDS: Final = {"mp3": "audio/mp3", "wav": "audio/wav"}
LONGEST_DELAY: Final = 86_400
# The third generation signs its calls of tools and looks at pictures in their results.
NEWER: Final = re.compile(r"gemini-[3-9]")
# What Google names for calls of tools that another model made: they carry no signature, and would be refused.
UNSIGNED: Final = "skip_thought_signature_validator"

# --- how the models differ


def _level(name: str) -> Object:
    return {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": name}}


def _budget(tokens: int) -> Object:
    return {"thinkingConfig": {"includeThoughts": tokens > 0, "thinkingBudget": tokens}}


LEVELS: Final = {"low": _level("LOW"), "medium": _level("MEDIUM"), "high": _level("HIGH")}
BUDGETS: Final = {
    "minimal": _budget(512),
    "low": _budget(2048),
    "medium": _budget(8192),
    "high": _budget(24_576),
}
SHOWN: Final = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
MODELS: Final = (
    ModelQuirks(r"gemini-[3-9](?!.*tts)", fixed=SHOWN, changes={"efforts": LEVELS}),
    ModelQuirks(
        r"gemini-3(\.[0156])?-flash",
        changes={"efforts": {"minimal": _level("MINIMAL"), **LEVELS}},
    ),
    ModelQuirks(r"gemini-3-pro", changes={"efforts": {"low": LEVELS["low"], "high": LEVELS["high"]}}),
    ModelQuirks(r"gemini-2\.5(?!.*(image|tts))", fixed=SHOWN, changes={"efforts": {"none": _budget(0), **BUDGETS}}),
    ModelQuirks(r"gemini-2\.5-pro", changes={"efforts": BUDGETS}),
    ModelQuirks(r"gemini-[12]", changes={"schema_with_tools": False}),
    ModelQuirks(r"gemma", refused=frozenset({Feature.SYSTEM, Feature.SCHEMA, Feature.TOOLS})),
)
QUIRKS: Final = Quirks(
    auth="x-goog-api-key",
    cache="automatic",
    largest_stop=5,
    efforts={},
    of_models=MODELS,
)

# --- what a schema may hold to

KEYWORDS: Final = frozenset(
    {
        *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"),
        *("minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties"),
        *("required", "propertyOrdering"),
    }
)


def _known_forms(level: Object, missed: set[str]) -> None:
    """One level of a schema in the words that Gemini knows, where it has others for the same."""
    if "const" in level:
        level.setdefault("enum", [level.pop("const")])
    if "definitions" in level:
        level.setdefault("$defs", level.pop("definitions"))
    if isinstance(level.get("$ref"), str):
        level["$ref"] = level["$ref"].replace("#/definitions/", "#/$defs/", 1)
    known = level.get("enum", [])
    if not isinstance(known, list) or any(type(value) not in (str, int, float) for value in known):
        missed.add("enum")
        del level["enum"]


class Gemini:
    protocol = PROTOCOL

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(call.model)
        losses = Losses(quirks.refused)
        if call.schema is not None and not _takes_schema(call, quirks):
            call = parts.in_words(call, call.schema, losses)
        call = parts.without(call, quirks.refused, losses)
        body = _Writer(call, quirks, losses).body()
        verb = "streamGenerateContent?alt=sse" if call.is_streamed else "generateContent"
        return Prepared(
            "POST",
            f"{at.base_url}/{_resource(call.model)}:{verb}",
            parts.headers_for(at),
            orjson.dumps(body),
            "sse" if call.is_streamed else "json",
            losses.noted,
        )

    def reader(self, call: Call, at: Endpoint) -> Reader:
        return GeminiReader(call.model)

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        requests: list[Object] = [
            {"model": _resource(model), "content": {"parts": [{"text": text}], "role": "user"}} for text in texts
        ]
        if dimensions is not None:
            for request in requests:
                request["outputDimensionality"] = dimensions
        return Prepared(
            "POST",
            f"{at.base_url}/{_resource(model)}:batchEmbedContents",
            parts.headers_for(at),
            orjson.dumps({"requests": requests}),
            "json",
        )

    def read_embedding(self, body: bytes) -> Embedded:
        said = orjson.loads(body)
        return Embedded(
            [embedding["values"] for embedding in said["embeddings"]],
            Usage(input=count((said.get("usageMetadata") or {}).get("promptTokenCount"))),
        )

    def models(self, at: Endpoint) -> Prepared:
        return Prepared("GET", f"{at.base_url}/models?pageSize=1000", parts.headers_for(at), b"", "json")

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return [listed for model in orjson.loads(body).get("models", ()) if (listed := _listed(model)) is not None]

    def failure(self, status: int, body: bytes) -> Failed:
        return replace(faults.failed_by_body(status, body), retry_after=_delay(body))


def _delay(body: bytes) -> float | None:
    """How long to wait stands among the details of an error, as `37s`, and in no header."""
    try:
        details = faults.error_in(orjson.loads(body))["details"]
        delays = [detail["retryDelay"] for detail in details if "retryDelay" in detail]
        seconds = float(delays[0].removesuffix("s"))
    except faults.Unreadable:
        return None
    return seconds if 0 <= seconds <= LONGEST_DELAY else None


def _takes_schema(call: Call, quirks: Quirks) -> bool:
    """Older models take either tools or a schema. Of `json_object` nothing speaks here."""
    if quirks.schema_mode != "json_schema" or Feature.SCHEMA in quirks.refused:
        return False
    return not call.tools or quirks.schema_with_tools or Feature.TOOLS in quirks.refused


def _resource(model: str) -> str:
    name = quote(model, safe="/")
    return name if name.startswith(("models/", "tunedModels/")) else f"models/{name}"


class _Writer:
    def __init__(self, call: Call, quirks: Quirks, losses: Losses) -> None:
        self._call = call
        self._quirks = quirks
        self._losses = losses
        self._names: dict[JSON, str] = {}  # id of a call -> name of its function

    def body(self) -> Object:
        call, quirks, losses = self._call, self._quirks, self._losses
        body: Object = {}
        parts.merge(body, quirks.fixed)
        system, contents = self._conversation()
        body["contents"] = contents
        if system:
            body["systemInstruction"] = {"parts": system}
        functions = self._functions()
        if functions:
            body["tools"] = [{"functionDeclarations": functions}]
            body["toolConfig"] = {"functionCallingConfig": self._choice()}
        elif call.tool_choice not in (None, "none", "auto"):
            losses.dropped(Feature.TOOL_CHOICE, "without tools there is nothing to choose")
        if call.parallel_tool_calls is False:
            losses.dropped(Feature.PARALLEL_TOOLS, "it may call several tools at once")
        if generation := self._generation(body.pop("generationConfig", {})):
            body["generationConfig"] = generation
        parts.marks_unsaid(call, quirks, losses)
        parts.rename(body, quirks.renamed)
        decided = frozenset({"contents", "generationConfig.maxOutputTokens", "generationConfig.candidateCount"})
        parts.add_extra(body, call, losses, decided=decided)
        return body

    def _generation(self, config: Object) -> Object:
        call, losses = self._call, self._losses
        if (said := parts.effort_of(call, self._quirks.efforts, losses)) is not None:
            config.update(said)
        for name, value in (
            ("maxOutputTokens", call.max_output),
            ("temperature", call.temperature),
            ("topP", call.top_p),
            ("seed", call.seed),
            ("stopSequences", parts.stops_of(call, self._quirks, losses) or None),
        ):
            if value is not None:
                config[name] = value
        if call.top_logprobs is not None:
            config["responseLogprobs"] = True
            if call.top_logprobs > 0:
                config["logprobs"] = call.top_logprobs
        if call.schema is not None:
            self._answer_by_schema(call.schema, config)
        return config

    def _answer_by_schema(self, schema: AnswerSchema, config: Object) -> None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"], missed = parts.fitted(schema.schema, known=KEYWORDS, rewrite=_known_forms)
        if missed:
            self._losses.changed(Feature.SCHEMA, f"without {', '.join(missed)}")

    # --- tools

    def _functions(self) -> list[Object]:
        written = []
        for _, function in parts.functions_of(self._call, self._losses):
            one: Object = {"name": function.get("name"), "description": function.get("description") or ""}
            if function.get("parameters"):
                known = parts.fitted(function["parameters"], known=KEYWORDS, rewrite=_known_forms)
                one["parametersJsonSchema"], missed = known
                if missed:
                    self._losses.changed(Feature.TOOLS, f"schemas without {', '.join(missed)}")
            written.append(one)
        return written

    def _choice(self) -> Object:
        wish = parts.choice_of(self._call.tool_choice)
        mode = {"required": "ANY", "none": "NONE"}.get(wish.mode, "AUTO")
        if not wish.names:
            return {"mode": mode}
        return {"mode": "ANY" if mode == "ANY" else "VALIDATED", "allowedFunctionNames": list(wish.names)}

    # --- contents

    def _conversation(self) -> tuple[list[Object], list[Object]]:
        system: list[Object] = []
        contents: list[Object] = []
        for message in self._call.messages:
            role = message.get("role")
            if role in ("system", "developer"):
                if contents:
                    self._losses.changed(Feature.SYSTEM, "what came later stands at the beginning")
                system.extend(self._plain_parts(message, role="system"))
            elif role == "assistant":
                parts.say(contents, "model", self._of_assistant(message), "parts")
            elif role == "tool":
                parts.say(contents, "user", [self._tool_result(message)], "parts")
            else:
                parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content"}))
                parts.say(contents, "user", self._plain_parts(message, role="user"), "parts")
        if NEWER.search(self._call.model):
            self._sign_the_unsigned(contents)
        return system, contents

    def _plain_parts(self, message: Mapping[str, JSON], *, role: str) -> list[Object]:
        written = []
        for part in parts.parts_of(message.get("content")):
            one = self._part(part, role=role)
            if one is not None:
                written.append(one)
        return written

    def _part(self, part: Mapping[str, JSON], *, role: str) -> Object | None:
        losses = self._losses
        match part.get("type"):
            case "text" | "refusal":
                words = part.get("text") or part.get("refusal")
                return {"text": words} if words else None
            case "image_url" if role == "system":
                losses.dropped(Feature.IMAGE, "not in the system text")
            case "image_url":
                return self._image(part)
            case "file":
                return self._document(part)
            case "input_audio":
                audio = part.get("input_audio") or {}
                form = str(audio.get("format") or "wav")
                return {"inlineData": {"mimeType": SOUNDS.get(form, f"audio/{form}"), "data": audio.get("data")}}
            case "reasoning":
                losses.dropped(Feature.REASONING_INPUT, "only the model has thoughts")
            case kind:
                losses.dropped(Feature.EXTRA, f"a part of the type {kind}")
        return None

    def _image(self, part: Mapping[str, JSON]) -> Object | None:
        url = parts.image_of(part, self._losses)
        held = parts.inline(url)
        if held is None:
            return _at_address(url, "image/jpeg")
        media_type = "image/jpeg" if held.media_type == "image/jpg" else held.media_type
        if media_type not in IMAGES:
            self._losses.dropped(Feature.IMAGE, f"{held.media_type} is not taken")
            return None
        return {"inlineData": {"mimeType": media_type, "data": held.data}}

    def _document(self, part: Mapping[str, JSON]) -> Object | None:
        document = parts.document_of(part)
        if document is None:
            self._losses.dropped(Feature.DOCUMENT, "a file that another provider holds")
            return None
        if document.content is None:
            return _at_address(document.url or "", "application/pdf")
        held = document.content
        if held.media_type != "application/pdf" and not held.media_type.startswith("text/"):
            self._losses.dropped(Feature.DOCUMENT, f"{held.media_type} is not taken")
            return None
        return {"inlineData": {"mimeType": held.media_type, "data": held.data}}

    def _of_assistant(self, message: Mapping[str, JSON]) -> list[Object]:
        parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content", "tool_calls", "refusal"}))
        written: list[Object] = []
        of_calls: dict[int, str] = {}
        number = 0
        for part in parts.turn_of(message):
            if part.get("type") == "reasoning":
                self._thought(part, written, of_calls)
            elif part.get("type") == "tool_call":
                written.append(self._former_call(part["call"], of_calls.get(number)))
                number += 1
            elif (one := self._part(part, role="model")) is not None:
                written.append(one)
        return written

    def _former_call(self, called: Mapping[str, JSON], signature: str | None) -> Object:
        function = called.get("function") or {}
        name = str(function.get("name"))
        self._names[called.get("id")] = name
        call: Object = {"name": name, "args": parts.arguments_of(function.get("arguments"), self._losses)}
        if called.get("id"):
            call["id"] = called["id"]
        return {"functionCall": call} if signature is None else {"functionCall": call, "thoughtSignature": signature}

    def _thought(self, part: Mapping[str, JSON], written: list[Object], of_calls: dict[int, str]) -> None:
        """A signature goes back on the part that it came with, and only to the model that signed."""
        seal = parts.seal_of(part.get("signature"))
        if seal is not None and (seal.protocol != PROTOCOL or seal.model != self._call.model):
            self._losses.dropped(Feature.REASONING_INPUT, "thoughts of another model")
            return
        if words := part.get("text"):
            written.append({"text": words, "thought": True})
        if seal is None:
            return
        number = seal.kind.removeprefix("call")
        if number.isdecimal():
            of_calls[int(number)] = seal.signature
        elif seal.kind == "thought" and written:
            written[-1]["thoughtSignature"] = seal.signature
        else:
            self._sign_words(seal, written)

    @staticmethod
    def _sign_words(seal: Seal, written: list[Object]) -> None:
        """Of what was said before, the signature is of the last piece alone, which may be of no length."""
        last = written[-1] if written else {}
        length = seal.kind.removeprefix("text")
        words = last.get("text", "") if "thought" not in last and "thoughtSignature" not in last else ""
        signed = words[len(words) - int(length) :] if length.isdecimal() and int(length) <= len(words) else ""
        if signed and signed == words:
            last["thoughtSignature"] = seal.signature
            return
        if signed:
            last["text"] = words.removesuffix(signed)
        written.append({"text": signed, "thoughtSignature": seal.signature})

    def _tool_result(self, message: Mapping[str, JSON]) -> Object:
        parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content", "tool_call_id", "name"}))
        called = message.get("tool_call_id")
        name = message.get("name") or self._names.get(called) or "unknown"
        # As text, not as an object: numbers in objects become floating there.
        answer: Object = {"name": name, "response": {"output": parts.plain_text(message.get("content"))}}
        if called:
            answer["id"] = called
        seen = [part for part in parts.parts_of(message.get("content")) if part.get("type") not in ("text", "refusal")]
        media = [one for part in seen if (one := self._part(part, role="user")) is not None]
        if media and NEWER.search(self._call.model):
            answer["parts"] = media
        elif media:
            self._losses.dropped(Feature.TOOL_RESULT, "only the text of results")
        return {"functionResponse": answer}

    def _sign_the_unsigned(self, contents: list[Object]) -> None:
        """The first call of each step since the person last spoke must be signed; earlier ones are not looked at."""
        for content in reversed(contents):
            if content["role"] == "user":
                if any("functionResponse" not in part for part in content["parts"]):
                    return
                continue
            first = next((part for part in content["parts"] if "functionCall" in part), None)
            if first is not None and "thoughtSignature" not in first:
                first["thoughtSignature"] = UNSIGNED
                self._losses.changed(Feature.REASONING_INPUT, "a call of a tool without the thought behind it")


def _at_address(url: str, otherwise: str) -> Object:
    guessed, _ = mimetypes.guess_type(urlsplit(url).path)
    return {"fileData": {"fileUri": url, "mimeType": guessed or otherwise}}


# --- what comes back

_REASONS: Final = {
    "STOP": Reason.STOP,
    "MAX_TOKENS": Reason.LENGTH,
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "IMAGE_RECITATION", "NO_IMAGE", "ESCALATION"),
        ),
        Reason.FILTERED,
    ),
}
# The model broke its own rules; asked again it often does not.
_BROKEN: Final = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"}
)


class GeminiReader:
    """Each piece of a stream has the shape of a whole answer."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._named = False
        self._request_id: str | None = None
        self._calls = 0
        self._cited: set[str] = set()
        self._has_ended = False

    def feed(self, frame: bytes) -> Sequence[Said]:
        said: list[Said] = []
        try:
            document = orjson.loads(frame)
            if type(document) is list:  # errors come so, and streams that are not asked for as events
                for one in document:
                    self._read(one, said)
            else:
                self._read(document, said)
        except faults.Unreadable:
            if frame.strip() != DONE:  # some that imitate it end as OpenAI does
                said.append(faults.bad_answer("A piece of the answer cannot be read."))
        return said

    def end(self) -> Sequence[Said]:
        return ()

    def _read(self, document: Object, said: list[Said]) -> None:
        if "error" in document:
            said.append(faults.failed_by(None, document["error"]))
            return
        if not self._named:
            self._name(document, said)
        candidates = document.get("candidates")
        candidate = candidates[0] if candidates else None
        if candidate:
            content = candidate.get("content")
            for part in (content.get("parts") or ()) if content else ():
                self._part(part, said)
            self._beside(candidate, said)
        if usage := document.get("usageMetadata"):
            said.append(UsageSeen(_usage_of(usage), service=_SERVICES.get(usage.get("trafficType"))))
        if candidate and candidate.get("finishReason"):
            self._finish(candidate, said)
        feedback = document.get("promptFeedback")
        if not candidate and feedback and feedback.get("blockReason"):
            detail = feedback.get("blockReasonMessage") or feedback["blockReason"]
            said.append(Finished(Reason.FILTERED, f"the question was refused: {detail}"))

    def _name(self, document: Object, said: list[Said]) -> None:
        self._request_id, model = parts.name(document.get("responseId")), parts.name(document.get("modelVersion"))
        if self._request_id or model:
            self._named = True
            said.append(Named(self._request_id, model))

    def _part(self, part: Object, said: list[Said]) -> None:
        words, signature = part.get("text"), part.get("thoughtSignature")
        if part.get("thought"):
            seal = str(Seal(PROTOCOL, self._model, "thought", parts.text(signature))) if signature else None
            if words or seal:
                said.append(Reasoning(parts.text(words or ""), seal))
            return
        if words:
            said.append(Text(parts.text(words)))
        elif called := part.get("functionCall"):
            self._called(called, signature, said)
            return
        elif words is None:
            self._other(part, said)
        if signature:
            said.append(
                Reasoning("", str(Seal(PROTOCOL, self._model, f"text{len(words or '')}", parts.text(signature))))
            )

    def _called(self, called: Object, signature: JSON, said: list[Said]) -> None:
        number = self._calls
        self._calls += 1
        if signature:
            said.append(Reasoning("", str(Seal(PROTOCOL, self._model, f"call{number}", parts.text(signature)))))
        own_id = called.get("id") or f"call_{self._request_id or secrets.token_hex(8)}_{number}"
        arguments = orjson.dumps(called.get("args") or {}).decode()
        said.append(ToolCall(number, parts.text(own_id), parts.text(called["name"]), arguments))

    def _other(self, part: Object, said: list[Said]) -> None:
        """What is no text, but belongs to the answer that was paid for, as Markdown has it."""
        if held := part.get("inlineData"):
            said.append(Text(f"![](data:{parts.text(held['mimeType'])};base64,{parts.text(held['data'])})"))
        elif code := part.get("executableCode"):
            language = str(code.get("language") or "").lower()
            said.append(Text(f"\n```{language}\n{parts.text(code['code'])}\n```\n"))
        elif result := part.get("codeExecutionResult"):
            said.append(Text(f"\n```text\n{parts.text(result.get('output') or '')}\n```\n"))

    def _beside(self, candidate: Object, said: list[Said]) -> None:
        if logprobs := candidate.get("logprobsResult"):
            said.append(Logprobs(_logprobs(logprobs)))
        if grounding := candidate.get("groundingMetadata"):
            for chunk in grounding.get("groundingChunks") or ():
                source = chunk.get("web") or chunk.get("retrievedContext") or chunk.get("maps") or {}
                self._cite(source, said)
        if citations := candidate.get("citationMetadata"):
            for source in citations.get("citations") or citations.get("citationSources") or ():
                self._cite(source, said)

    def _cite(self, source: Object, said: list[Said]) -> None:
        url = source.get("uri")
        if url and url not in self._cited:
            self._cited.add(url)
            said.append(Cited(parts.text(url), str(source.get("title") or "")))

    def _finish(self, candidate: Object, said: list[Said]) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        name = parts.text(candidate["finishReason"])
        message = candidate.get("finishMessage")
        if name in _BROKEN:
            said.append(Failed(None, faults.Fault.FAILED, faults.readable(f"{name} {message or ''}"), is_passing=True))
            return
        reason = _REASONS.get(name, Reason.STOP)
        if reason is Reason.STOP and self._calls:
            reason = Reason.TOOLS
        detail = "" if name in ("STOP", "MAX_TOKENS") else f"{name}: {message}" if message else name
        said.append(Finished(reason, detail))


def _usage_of(seen: Object) -> Usage:
    """Here the cached is among the prompt, thoughts are beside the answer, and pictures and sound are in both."""
    prompt = _by_modality(seen.get("promptTokensDetails"))
    cached = _by_modality(seen.get("cacheTokensDetails"))
    answer = _by_modality(seen.get("candidatesTokensDetails"))
    read = count(seen.get("promptTokenCount"))
    from_cache = min(read, count(seen.get("cachedContentTokenCount")))
    image = min(read - from_cache, max(0, prompt.get("IMAGE", 0) - cached.get("IMAGE", 0)))
    audio = min(read - from_cache - image, max(0, prompt.get("AUDIO", 0) - cached.get("AUDIO", 0)))
    written = count(seen.get("candidatesTokenCount"))
    spoken = min(written, answer.get("AUDIO", 0))
    drawn = min(written - spoken, answer.get("IMAGE", 0))
    return Usage(
        input=read - from_cache - image - audio + count(seen.get("toolUsePromptTokenCount")),
        cached=from_cache,
        output=written - spoken - drawn,
        reasoning=count(seen.get("thoughtsTokenCount")),
        image=image,
        audio_in=audio,
        audio_out=spoken,
        image_out=drawn,
    )


# Which way a call went there is told only on some of its addresses.
_SERVICES: Final[Mapping[JSON, str]] = {
    "ON_DEMAND": "standard",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
}
_NOTHING: Final[Mapping[str, int]] = {}


def _by_modality(details: JSON) -> Mapping[str, int]:
    if not details:
        return _NOTHING
    return {str(one.get("modality")): count(one.get("tokenCount")) for one in details}


def _logprobs(result: Object) -> list[Object]:
    """In OpenAI's shape: what was said, and beside each what might have been."""
    others = result.get("topCandidates") or ()
    items = []
    for place, chosen in enumerate(result.get("chosenCandidates") or ()):
        beside = (others[place].get("candidates") or ()) if place < len(others) else ()
        items.append({**_logprob(chosen), "top_logprobs": [_logprob(one) for one in beside]})
    return items


def _logprob(candidate: Object) -> Object:
    token = str(candidate.get("token") or "")
    return {"token": token, "logprob": candidate.get("logProbability"), "bytes": list(token.encode())}


# --- the list of models


def _listed(model: Object) -> Listed | None:
    """None for what is neither asked nor embeds: pictures, films and live talk are other protocols."""
    deeds = set(model.get("supportedGenerationMethods") or model.get("supportedActions") or ())
    gives = {"text"} if "generateContent" in deeds else set()
    if deeds & {"embedContent", "batchEmbedContents"}:
        gives.add("vector")
    if not gives:
        return None
    name = parts.text(model["name"]).removeprefix("models/")
    is_thinking = model.get("thinking")
    quirks = QUIRKS.for_model(name)
    features = {*Feature} - quirks.refused - {Feature.PARALLEL_TOOLS, Feature.CACHE}
    if not is_thinking:
        features -= {Feature.EFFORT, Feature.REASONING_INPUT}
    return Listed(
        name=name,
        label=model.get("displayName"),
        context_total=count(model.get("inputTokenLimit")) or None,
        max_output=count(model.get("outputTokenLimit")) or None,
        takes=frozenset({"text"}) if gives == {"vector"} else None,
        gives=frozenset(gives),
        features=frozenset(features) if "text" in gives else None,
    )
