"""`kontor demo-provider`: every fake provider at once, to try everything without a key and without a cent."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

import uvloop

from tests.wire.fleet import DIALECTS
from tests.wire.llm_server import LlmServer

LABELS = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Google Gemini", "ollama": "Ollama"}
# Names that have a price, so that costs can be tried as well.
KNOWN = {
    "openai": ("gpt-5", "gpt-5-mini"),
    "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"),
    "gemini": ("gemini-2.5-pro", "gemini-2.5-flash"),
    "ollama": (),
}
AT_READING_SPEED = "fake-n120-w400-t25"


def main() -> None:
    parser = argparse.ArgumentParser(prog="kontor demo-provider")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--models", help="names to list, separated by commas, instead of the usual ones")
    parser.add_argument("--forgetful", action="store_true", help="keep no requests, for measurements")
    options = parser.parse_args()
    uvloop.run(serve(options))


async def serve(options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    async with AsyncExitStack() as stack:
        servers: list[LlmServer] = []
        for place, (kind, make) in enumerate(DIALECTS.items()):
            dialect = make()
            dialect.models = options.models.split(",") if options.models else (*dialect.models, *KNOWN[kind])
            known = dict.fromkeys(KNOWN[kind], AT_READING_SPEED)
            server = LlmServer(dialect, known=known, keeps_requests=0 if options.forgetful else 1000)
            await server.start(port=options.port and options.port + place)
            stack.push_async_callback(server.stop)
            servers.append(server)
        sys.stdout.write(as_json(servers) if options.json else as_text(servers))
        sys.stdout.flush()
        await ended.wait()


def as_json(servers: list[LlmServer]) -> str:
    return json.dumps({each.dialect.kind: {"url": each.url, "key": each.key} for each in servers}) + "\n"


def as_text(servers: list[LlmServer]) -> str:
    lines = ["Practice providers, for trying everything. They know nothing and cost nothing; Ctrl-C ends them.", ""]
    for each in servers:
        lines += [
            f"  {LABELS[each.dialect.kind]}",
            f"    address  {each.url}",
            f"    key      {each.key or 'none'}",
            f"    models   {', '.join(each.dialect.models)}",
            f"    bills    {each.url.removesuffix(each.dialect.base_path)}/_invoice",
        ]
    lines += ["", "What a model does stands in its name, such as fake-n200-w20-t5: see tests/wire/behaviour.py.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
