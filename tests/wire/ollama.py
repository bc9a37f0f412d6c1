"""Ollama's own protocol, as its documents have it: chat, embeddings, the list of models, one model, a download."""

from collections.abc import Callable, Sequence

import orjson

from kontor.billing.usage import Usage
from tests.wire.behaviour import Behaviour
from tests.wire.llm_server import JSON, Other, Question, Request, Spoken, Streamed, Whole, count, text_in, vector_of

AT = "2026-11-20T12:00:00.000000Z"
DIGEST = "sha256:" + "5f" * 32
SIZE = 2_019_393_189


class Ollama:
    kind = "ollama"
    base_path = ""
    key = ""
    models: Sequence[str] = ("fake", "fake-n200-w20-t5", "fake-think40", "fake-tools", "fake-d256")

    def is_signed(self, request: Request, key: str) -> bool:
        return True  # it knows no keys

    def question(self, request: Request) -> Question | None:
        if request.method != "POST" or request.path != "/api/chat":
            return None
        body = request.json
        messages, shape = body["messages"], body.get("format")
        return Question(
            model=body["model"].removesuffix(":latest"),
            text="\n".join(map(text_in, messages)),
            last=next((text_in(each) for each in reversed(messages) if each["role"] == "user"), ""),
            is_streamed=body.get("stream", True),
            max_output=(body.get("options") or {}).get("num_predict"),
            tools=[
                (tool["function"]["name"], tool["function"].get("parameters", {})) for tool in body.get("tools") or ()
            ],
            schema={} if shape == "json" else shape,
            has_tool_result=messages[-1]["role"] == "tool",
            body=body,
        )

    def other(self, request: Request, behave: Callable[[str], Behaviour | None]) -> Whole | Other | None:
        match request.path:
            case "/":
                return Whole(b"Ollama is running", content_type="text/plain; charset=utf-8")
            case "/api/version":
                return as_json({"version": "0.12.9"})
            case "/api/tags":
                return as_json({"models": [listed(name) for name in self.models]})
            case "/api/ps":
                running = {"expires_at": "2026-11-20T12:05:00Z", "size_vram": SIZE, "context_length": 8192}
                return as_json({"models": [listed(self.models[0]) | running]})
            case "/api/show" | "/api/pull" | "/api/embed":
                return about(request.path, request.json, behave)
            case _:
                return None

    def identity(self, question: Question, number: int) -> str:
        return f"ollama{number:08d}"

    def whole(self, question: Question, spoken: Spoken) -> Whole:
        message: JSON = {"role": "assistant", "content": spoken.text}
        if spoken.thoughts:
            message["thinking"] = spoken.thought
        if spoken.tool:
            message["tool_calls"] = calls_of(spoken)
        return as_json(said(spoken, message, **ending_of(spoken)))

    def streamed(self, question: Question, spoken: Spoken) -> Streamed:
        role = {"role": "assistant"}
        tokens = [line(said(spoken, {**role, "content": "", "thinking": word}, done=False)) for word in spoken.thoughts]
        tokens += [line(said(spoken, {**role, "content": word}, done=False)) for word in spoken.words]
        if spoken.tool:
            call = said(spoken, {**role, "content": "", "tool_calls": calls_of(spoken)}, done=False)
            tokens += [b""] * (spoken.output - 1) + [line(call)]
        return Streamed(
            content_type="application/x-ndjson",
            opening=b"",
            tokens=tokens,
            closing=[line(said(spoken, {**role, "content": ""}, **ending_of(spoken)))],
            failing=line({"error": "an error was encountered while running the model: CUDA error"}),
            keep_alive=b"\n",
        )

    def error(self, status: int, message: str, *, code: str = "") -> Whole:
        if code == "model_not_found":
            message = message.replace("The model `", "model '").replace("` does not exist.", "' not found")
        return Whole(orjson.dumps({"error": message}), status, "application/json; charset=utf-8")

    def usage(self, spoken: Spoken, *, thoughts: int, words: int) -> Usage:
        # Thoughts are part of what was written there, and not told apart.
        return Usage(input=spoken.input, output=thoughts + words)


def as_json(document: JSON) -> Whole:
    return Whole(orjson.dumps(document), content_type="application/json; charset=utf-8")


def line(document: JSON) -> bytes:
    return orjson.dumps(document) + b"\n"


def said(spoken: Spoken, message: JSON, **rest: JSON) -> JSON:
    return {"model": spoken.model, "created_at": AT, "message": message, **rest}


def ending_of(spoken: Spoken) -> JSON:
    ending: JSON = {"done": True, "done_reason": "length" if spoken.reason == "length" else "stop"}
    ending |= {"total_duration": 2_000_000_000, "load_duration": 1_000_000}
    if not spoken.behaviour.nousage:
        ending |= {"prompt_eval_count": spoken.input, "prompt_eval_duration": 100_000_000}
        ending |= {"eval_count": spoken.output + len(spoken.thoughts), "eval_duration": 1_800_000_000}
    return ending


def calls_of(spoken: Spoken) -> JSON:
    if not spoken.tool:
        return []
    identity, name, pieces = spoken.tool
    return [{"id": identity, "function": {"index": 0, "name": name, "arguments": orjson.loads("".join(pieces))}}]


def details_of(name: str) -> JSON:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "bert" if "-d" in name else "llama",
        "families": ["bert" if "-d" in name else "llama"],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }


def listed(name: str) -> JSON:
    named = f"{name}:latest"
    return {
        "name": named,
        "model": named,
        "modified_at": AT,
        "size": SIZE,
        "digest": DIGEST.removeprefix("sha256:"),
        "details": details_of(name),
    }


def about(path: str, body: JSON, behave: Callable[[str], Behaviour | None]) -> Whole | Other:
    model = (body.get("model") or body["name"]).removesuffix(":latest")
    behaviour = behave(model) or Behaviour()
    if path == "/api/show":
        return Other(model, as_json(shown(model)))
    if path == "/api/pull":
        return Other(model, pulled() if body.get("stream", True) else as_json({"status": "success"}))
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    tokens = sum(map(count, texts))
    vectors = [vector_of(text, int(body.get("dimensions") or behaviour.d)) for text in texts]
    answer: JSON = {"model": model, "embeddings": vectors, "total_duration": 14_143_917, "load_duration": 1_019_500}
    return Other(model, as_json(answer | {"prompt_eval_count": tokens}), tokens)


def shown(name: str) -> JSON:
    can = ["embedding"] if "-d" in name else ["completion", "tools"]
    return {
        "license": "",
        "modelfile": f"FROM {name}",
        "parameters": 'stop "<|eot_id|>"',
        "template": "{{ .Prompt }}",
        "details": details_of(name),
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 3_212_749_888,
            "llama.context_length": 131_072,
            "llama.embedding_length": 3072,
        },
        "capabilities": [*can, "thinking"] if "think" in name else can,
        "modified_at": AT,
    }


def pulled() -> Streamed:
    layer = {"status": f"pulling {DIGEST[7:19]}", "digest": DIGEST, "total": SIZE}
    pieces = [layer, *({**layer, "completed": SIZE * tenth // 10} for tenth in range(1, 11))]
    states = ("verifying sha256 digest", "writing manifest", "success")
    return Streamed(
        content_type="application/x-ndjson",
        opening=line({"status": "pulling manifest"}),
        tokens=[line(piece) for piece in pieces],
        closing=[line({"status": state}) for state in states],
        failing=line({"error": "pull model manifest: file does not exist"}),
        keep_alive=b"\n",
    )
