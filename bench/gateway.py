"""Compares the provider itself, Kontor's /v1/chat/completions and the LiteLLM proxy, in one run, with one provider.

    .venv/bin/python bench/gateway.py [--litellm PATH] [--seconds 5] [--streams 48] [--soak 0] [--only kontor]

The provider is the practice provider of the tests, in a process of its own. Kontor runs as a person starts it (embedded
PostgreSQL, worker) with authentication, prepaid billing, holds, journal and ledger on; PostgreSQL's processor time is
counted and shown beside. LiteLLM is not one of Kontor's packages: `--litellm` names the program in an environment made
for it (`python3 -m venv E && E/bin/pip install 'litellm[proxy]'`); without it that column is left out.

It prints figures and ratios. On a machine with other work only the ratios of processor time mean something.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import httpx
import uvloop

ROOT = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
PLAIN, BURST, PACED = "fake-n12", "fake-n200", "fake-n200-w20-t5"
CUT = "fake-n60-cut20"
MODELS = (PLAIN, BURST, PACED, CUT)
QUESTION = "Which way to the harbour, please?"
TICKS = os.sysconf("SC_CLK_TCK")
PRICES = {"input": 1_250_000_000, "cached": 125_000_000, "output": 10_000_000_000}  # as the practice provider bills
IDEAL_PACED_SECONDS = 0.020 + 199 * 0.005


# Asking


@dataclass(slots=True)
class Answer:
    status: int = 0
    first_seconds: float = 0.0
    seconds: float = 0.0
    size: int = 0
    head: bytes = b""
    tail: bytes = b""

    @property
    def is_whole_stream(self) -> bool:
        return self.status == 200 and b"[DONE]" in self.tail


class Line(asyncio.Protocol):
    """One connection, asked one thing after the other. It does as little as it can: it must not be what is measured."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer = Answer()
        self._done: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._done is not None and not self._done.done():
            self._answer.status = 0
            self._done.set_result(self._answer)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        answer = self._answer
        if not answer.size:
            answer.first_seconds = time.perf_counter() - self._began
            answer.head = body[:400]
        answer.size += len(body)
        answer.tail = (answer.tail + body)[-40:] if len(body) < 40 else body[-40:]

    def on_message_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self._answer.seconds = time.perf_counter() - self._began
        self._parser = httptools.HttpResponseParser(self)
        if self._done is not None and not self._done.done():
            self._done.set_result(self._answer)

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        self._answer = Answer()
        self._done = asyncio.get_running_loop().create_future()
        self._began = time.perf_counter()
        if self._transport is None:
            self._done.set_result(self._answer)
        else:
            self._transport.write(request)
        return self._done

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


@dataclass
class Target:
    name: str
    url: str
    key: str
    # What is measured: the gateway itself, and what works for it beside.
    pids: Callable[[], Sequence[int]] = lambda: ()
    beside: Callable[[], Sequence[int]] = lambda: ()
    start_seconds: float = 0.0

    async def line(self) -> Line:
        address = urlsplit(self.url)
        _, made = await asyncio.get_running_loop().create_connection(
            Line, address.hostname or "127.0.0.1", address.port or 80
        )
        return made

    def request(self, model: str, *, prompt: str = QUESTION, is_streamed: bool = False) -> bytes:
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 400}
        if is_streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        data, address = json.dumps(body).encode(), urlsplit(self.url)
        head = (
            f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data


# What processes take


def cpu_seconds(pids: Sequence[int]) -> float:
    """Their own and that of children that have ended."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def resident_mebibytes(pids: Sequence[int]) -> float:
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
    return total / 1024


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(folder.name))
    found, waiting = list[int](), [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


# Starting


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], log: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KONTOR_", "DATABASE_"))}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment | more, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 180:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return time.monotonic() - began
        time.sleep(0.05)
    sys.exit(f"{process.args!r} did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}")


@contextmanager
def provider(top: Path) -> Iterator[Target]:
    log = top / "provider.log"
    command = [sys.executable, "-m", "tests.wire.demo", "--port", "0", "--json", "--forgetful"]
    command += ["--models", ",".join(MODELS)]
    with running(command, log) as process:
        began = time.monotonic()
        while not (said := log.read_text("utf-8")).endswith("\n"):
            if process.poll() is not None or time.monotonic() - began > 30:
                sys.exit(f"The practice provider did not start:\n{said}")
            time.sleep(0.05)
        found = json.loads(said)["openai"]
        yield Target("provider", found["url"], found["key"], pids=lambda: [process.pid])


@contextmanager
def kontor(top: Path, behind: Target) -> Iterator[Target]:
    log, data, port = top / "kontor.log", top / "data", free_port()
    command = [sys.executable, "-m", "kontor.cli.main", "--no-browser", "--port", str(port), "--data", str(data)]
    settings = {
        "KONTOR_KIND": "multi",
        "ADMIN_EMAIL": EMAIL,
        "ADMIN_PASSWORD": PASSWORD,
        "KONTOR_RATE_FACTOR": "0",
        "KONTOR_SHOW_LOG": "0",
    }
    with running(command, log, **settings) as process:
        url = f"http://127.0.0.1:{port}"
        seconds = wait_for(f"{url}/health/ready", process, log)
        token = furnish(url, behind)

        def of(words: Callable[[str], bool]) -> Callable[[], Sequence[int]]:
            return lambda: [pid for pid in descendants(process.pid) if words(command_of(pid))]

        yield Target(
            "kontor",
            f"{url}/v1",
            token,
            pids=of(lambda said: " web" in said),
            beside=of(lambda said: "postgres" in said),
            start_seconds=seconds,
        )


def furnish(url: str, behind: Target) -> str:
    """A provider with its key, priced models, a prepaid house, credit for its owner and a token."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=60) as http:

        def ask(method: str, path: str, body: Any = None) -> Any:
            answer = http.request(method, path, json=body)
            if answer.status_code >= 300:
                sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
            return answer.json() if answer.content else None

        ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD, "cookie": True})
        me = ask("GET", "/auth/me")
        http.headers["X-Kontor-CSRF"] = me["csrf_token"]
        ask(
            "POST",
            "/admin/providers",
            {"kind": "openai", "label": "Practice", "base_url": behind.url, "key": behind.key, "models": MODELS},
        )
        for model in MODELS:
            ask("POST", "/admin/prices", {"provider": "openai", "model": model, "prices": PRICES, "is_meant": True})
        ask("PUT", "/admin/billing", {"is_on": True, "currency": "USD"})
        ask("POST", "/admin/grants", {"user_id": me["id"], "nano": 10**15, "note": "for measuring"})
        made = ask("POST", "/auth/tokens", {"name": "bench", "scopes": ["llm:use", "account:read"]})
        return str(made["token"])


@contextmanager
def litellm(program: Path, top: Path, behind: Target) -> Iterator[Target]:
    log, config, port = top / "litellm.log", top / "litellm.yaml", free_port()
    key = f"sk-{secrets.token_hex(8)}"
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"openai/{model}",
                "api_base": behind.url,
                "api_key": behind.key,
                "input_cost_per_token": 1.25e-6,
                "output_cost_per_token": 1e-5,
            },
        }
        for model in MODELS
    ]
    # YAML holds JSON.
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": key}}), "utf-8")
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with running(command, log, **quiet, LITELLM_TELEMETRY="False") as process:
        seconds = wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, log)
        yield Target(
            "litellm",
            f"http://127.0.0.1:{port}/v1",
            key,
            pids=lambda: [process.pid, *descendants(process.pid)],
            start_seconds=seconds,
        )


# Measuring


@dataclass
class Load:
    """What came of asking for a while."""

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    beside: float = 0.0
    failed: int = 0
    failure: str = ""

    def take(self, answer: Answer, *, is_streamed: bool) -> bool:
        if answer.is_whole_stream if is_streamed else answer.status == 200:
            self.answers.append(answer)
            return True
        self.failed += 1
        self.failure = self.failure or f"{answer.status} {answer.head!r}"
        return False

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return len(self.answers) / self.cpu if self.cpu else float("nan")

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / max(1, len(self.answers))

    @property
    def beside_ms(self) -> float:
        return 1000 * self.beside / max(1, len(self.answers))

    def ms(self, percent: float, *, first: bool = False) -> float:
        times = sorted(each.first_seconds if first else each.seconds for each in self.answers)
        return 1000 * times[min(len(times) - 1, int(len(times) * percent / 100))] if times else float("nan")


@contextmanager
def metered(target: Target, load: Load) -> Iterator[None]:
    pids, beside = target.pids(), target.beside()
    cpu, other, began = cpu_seconds(pids), cpu_seconds(beside), time.perf_counter()
    yield
    load.seconds = time.perf_counter() - began
    load.cpu = cpu_seconds(pids) - cpu
    load.beside = cpu_seconds(beside) - other


async def in_parallel(
    target: Target, request: bytes, *, at_once: int, seconds: float = 1e9, most: int = 10**9, is_streamed: bool = False
) -> Load:
    load, left = Load(), [most]
    lines = [await target.line() for _ in range(at_once)]

    async def one(line: Line, until: float) -> None:
        while time.perf_counter() < until and left[0] > 0:
            left[0] -= 1
            answer = await line.ask(request)
            if not load.take(answer, is_streamed=is_streamed):
                await asyncio.sleep(0.05)

    with metered(target, load):
        until = time.perf_counter() + seconds
        await asyncio.gather(*(one(line, until) for line in lines))
    for line in lines:
        line.close()
    return load


async def steadily(target: Target, request: bytes, *, per_second: float, seconds: float) -> Load:
    load = Load()
    idle = [await target.line() for _ in range(64)]

    async def one(line: Line) -> None:
        answer = await line.ask(request)
        idle.append(line)
        load.take(answer, is_streamed=False)

    with metered(target, load):
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                group.create_task(one(idle.pop() if idle else await target.line()))
    for line in idle:
        line.close()
    return load


async def leavers(target: Target, count: int) -> None:
    """Clients that go at any moment, some before they have heard a word."""
    drawn, request = random.Random(7), target.request(PACED, is_streamed=True)

    async def one() -> None:
        line = await target.line()
        asked = line.ask(request)
        await asyncio.wait([asked], timeout=drawn.uniform(0.02, 0.9))
        line.close()

    for _ in range(0, count, 20):
        await asyncio.gather(*(one() for _ in range(20)))


@dataclass
class Figures:
    rows: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, what: str, target: str, value: float) -> None:
        self.rows.setdefault(what, {})[target] = value
        print(f"  {target:<9} {what:<52} {value:>12,.2f}", flush=True)


async def measure(target: Target, figures: Figures, options: argparse.Namespace) -> None:
    def add(what: str, value: float) -> None:
        figures.add(what, target.name, value)

    if target.start_seconds:
        add("cold start, s", target.start_seconds)
        add("memory before load, MiB", resident_mebibytes(target.pids()))
    plain = target.request(PLAIN)
    await in_parallel(target, plain, at_once=4, seconds=min(2.0, options.seconds))  # warms up
    for at_once in (1, 16, 64):
        load = await in_parallel(target, plain, at_once=at_once, seconds=options.seconds)
        name = f"plain, {at_once} at once"
        add(f"{name}: requests/s", load.per_second)
        add(f"{name}: requests/CPU-s", load.per_cpu_second)
        for percent in (50, 95, 99):
            add(f"{name}: p{percent}, ms", load.ms(percent))
        report_beside(add, name, load)
    load = await steadily(target, plain, per_second=40, seconds=options.seconds * 2)
    for percent in (50, 95, 99):
        add(f"steady 40/s: p{percent}, ms", load.ms(percent))
    report_beside(add, "steady 40/s", load)
    large = target.request(PLAIN, prompt="Ein Satz von vielen. " * 4900)
    load = await in_parallel(target, large, at_once=16, seconds=options.seconds)
    add("prompts of 100 kB, 16 at once: requests/CPU-s", load.per_cpu_second)
    report_beside(add, "prompts of 100 kB", load)
    for name, model, count in (("burst", BURST, options.streams * 4), ("paced", PACED, options.streams)):
        request = target.request(model, is_streamed=True)
        load = await in_parallel(target, request, at_once=16, most=count, is_streamed=True)
        add(f"{name} of 200 tokens, 16 at once: first token p50, ms", load.ms(50, first=True))
        add(f"{name} of 200 tokens, 16 at once: whole p50, ms", load.ms(50))
        add(f"{name} of 200 tokens, 16 at once: CPU ms/stream", load.cpu_ms)
        add(f"{name} of 200 tokens, 16 at once: tokens/s", 200 * load.per_second)
        report_beside(add, name, load)
    if target.pids():
        add("memory after load, MiB", resident_mebibytes(target.pids()))


def report_beside(add: Callable[[str, float], None], name: str, load: Load) -> None:
    if load.beside:
        add(f"{name}: PostgreSQL CPU ms each", load.beside_ms)
    if load.failed:
        add(f"{name}: FAILED", load.failed)
        print(f"            {load.failure}")


# Whether the books are right


def read_json(url: str, key: str = "") -> Any:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)


def invoice(behind: Target) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = read_json(f"{behind.url.removesuffix('/v1')}/_invoice")
    return found


def usage(target: Target) -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_json(f"{target.url.removesuffix('/v1')}/api/v1/usage?group=model", target.key)
    return found


async def check_books(target: Target, behind: Target, options: argparse.Namespace) -> bool:
    """One usage row for each thing that the provider bills, whatever happened on the way.

    Where the provider told the usage, tokens and money agree to the nano. What it cut off, or was left in, is an
    estimate: there the rows have to agree, and the difference is shown.
    """
    cut, paced = target.request(CUT, is_streamed=True), target.request(PACED, is_streamed=True)
    await asyncio.gather(
        in_parallel(target, cut, at_once=8, most=options.streams),
        in_parallel(target, paced, at_once=16, most=options.streams, is_streamed=True),
        leavers(target, options.streams),
    )
    theirs, ours = dict[str, Sums](), dict[str, Sums]()
    for _ in range(100):
        theirs, ours = billed(behind), recorded(target)
        if sum(each.runs for each in theirs.values()) == sum(each.runs for each in ours.values()):
            break
        await asyncio.sleep(0.2)
    print("\nThe books, by model: provider's invoice / Kontor's usage rows")
    is_sound = True
    for model in MODELS:
        bill, kept = theirs.get(model, Sums()), ours.get(model, Sums())
        is_same = bill == kept if model in {PLAIN, BURST} else bill.runs == kept.runs
        is_sound = is_sound and is_same
        print(f"  {'ok' if is_same else 'WRONG':<6}{model:<18} {bill} / {kept}")
    return is_sound


@dataclass
class Sums:
    runs: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    nano: int = 0

    def __str__(self) -> str:
        return f"{self.runs} answers, {self.tokens_in} + {self.tokens_out} tokens, {self.nano / 1e9:.9f} USD"


def billed(behind: Target) -> dict[str, Sums]:
    sums: dict[str, Sums] = {}
    for line in invoice(behind):
        each, used = sums.setdefault(line["model"], Sums()), line["usage"]
        each.runs += 1
        each.tokens_in += used["input"] + used["cached"]
        each.tokens_out += used["output"] + used["reasoning"]
        each.nano += line["usd_nano"]
    return sums


def recorded(target: Target) -> dict[str, Sums]:
    found = {}
    for item in usage(target)["items"]:
        nano = item["cost"]["nano"] if item["cost"] else 0
        found[item["key"]] = Sums(item["runs"], item["tokens_in"], item["tokens_out"], nano)
    return found


async def soak(target: Target, count: int) -> None:
    request = target.request(BURST, is_streamed=True)
    print(f"\nMemory over {count} streams, MiB:", end="")
    for _ in range(10):
        await in_parallel(target, request, at_once=32, most=count // 10, is_streamed=True)
        print(f" {resident_mebibytes(target.pids()):.0f}", end="", flush=True)
    print()


# Telling


def ratios(figures: Figures) -> None:
    """How many times better Kontor does than LiteLLM, by what both took for the same."""
    print("\nKontor against LiteLLM:")
    for what, row in figures.rows.items():
        if not {"kontor", "litellm"} <= row.keys() or not row["kontor"] or not row["litellm"]:
            continue
        more_is_better = "/s" in what or "/CPU-s" in what
        times = row["kontor"] / row["litellm"] if more_is_better else row["litellm"] / row["kontor"]
        print(f"  {what:<56} {times:>8.1f} times")
    print("\nAdded to the provider's own time, ms:")
    for what, row in figures.rows.items():
        if what.endswith(", ms") and "provider" in row:
            added = "  ".join(
                f"{name} {row[name] - row['provider']:.2f}" for name in ("kontor", "litellm") if name in row
            )
            print(f"  {what:<56} {added}")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--litellm", type=Path, metavar="PATH", help="the litellm program, in its own environment")
    arguments.add_argument("--seconds", type=float, default=5, help="for each figure of plain requests (5)")
    arguments.add_argument("--streams", type=int, default=48, help="for each figure of streams (48)")
    arguments.add_argument("--soak", type=int, default=0, metavar="STREAMS", help="look at memory over so many (0)")
    arguments.add_argument("--only", choices=["provider", "kontor", "litellm"], help="leave out the others")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = arguments.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped as well
    figures, is_sound = Figures(), True
    with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
        top = Path(folder)
        os.chmod(top, 0o755)  # noqa: PTH101 - the database's own user passes through, as it would anywhere
        if options.only in {None, "provider"}:
            with provider(top) as behind:
                uvloop.run(measure(behind, figures, options))
        (top / "provider.log").unlink(missing_ok=True)
        if options.litellm and options.only in {None, "litellm"}:
            with provider(top) as behind, litellm(options.litellm.resolve(), top, behind) as target:
                uvloop.run(measure(target, figures, options))
        (top / "provider.log").unlink(missing_ok=True)
        if options.only in {None, "kontor"}:
            # A provider of its own: its invoice is Kontor's alone.
            with provider(top) as behind, kontor(top, behind) as target:
                uvloop.run(measure(target, figures, options))
                is_sound = uvloop.run(check_books(target, behind, options))
                if options.soak:
                    uvloop.run(soak(target, options.soak))
    ratios(figures)
    if options.json:
        options.json.write_text(json.dumps(figures.rows, indent=2), "utf-8")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
