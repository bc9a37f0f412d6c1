"""Reads a file in a child that lives for it alone. However the file is made, what comes back is a document or a reason.

The child is given the open file, its limits and an environment with nothing in it. Everything it says is taken as what
a stranger might say: bounded, and checked.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from kontor.documents.parsing.frames import FIRST, HEAD, PROGRESS, REFUSAL, REQUEST, RESULT, SMALL_BYTES
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Document
from kontor.documents.parsing.packing import Malformed, unpack

MODULE = "kontor.documents.parsing.child"
LONGEST_NAME = 500
LONGEST_SENTENCE = 500
MOST_FRAMES = 100_000
GOING_SECONDS = 5.0

Progress = Callable[[int, int], None]  # pages done, pages in all (0 while that is not known)
First = Callable[[bytes], None]  # a packed document that will be the beginning of the whole

SLOW = "Reading the file took longer than one file is given."
FAILED = "The program that reads such files failed on this one. It may be damaged."
MEMORY = "Reading the file would take more memory than one file is given."


@dataclass(frozen=True, slots=True)
class Parsed:
    document: Document
    packed: bytes  # the document as it is to be kept
    seconds: float


async def parse(
    source: Path,
    name: str,
    declared: str,
    limits: Limits,
    on_progress: Progress = lambda done, of: None,
    *,
    on_first: First = lambda packed: None,
) -> Parsed:
    """Raises Unreadable with a code and a sentence; leaves no process behind, whatever happens to us."""
    began = time.monotonic()
    process = await start(source, name, declared, limits)
    try:
        async with asyncio.timeout(limits.wall_seconds):
            packed = await listen(process, limits, on_progress, on_first)
        document = await asyncio.to_thread(unpack, packed)
    except TimeoutError as reason:
        raise Unreadable(Reason.TOO_SLOW, SLOW) from reason
    except Malformed as reason:
        raise Unreadable(Reason.READER_FAILED, FAILED) from reason
    finally:
        await end(process)
    return Parsed(document, packed, time.monotonic() - began)


async def start(source: Path, name: str, declared: str, limits: Limits) -> asyncio.subprocess.Process:
    request = {
        "name": name[:LONGEST_NAME],
        "declared": declared[:LONGEST_NAME],
        "limits": asdict(limits),
        "parent": os.getpid(),
    }
    environment = {
        REQUEST: orjson.dumps(request).decode(),
        "PATH": os.environ.get("PATH", os.defpath),  # for tesseract
        "LC_ALL": "C.UTF-8",
        "OMP_THREAD_LIMIT": "1",
    }
    with await asyncio.to_thread(source.open, "rb") as file:
        # -I: neither the folder we stand in nor anybody's variables decide what is imported.
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", MODULE),
                stdin=file,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
                limit=1 << 20,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # It may have started others before we know of it: asyncio would end it alone.
            await end(await starting)
            raise


async def listen(process: asyncio.subprocess.Process, limits: Limits, on_progress: Progress, on_first: First) -> bytes:
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - it was given PIPE
    large = {RESULT, FIRST}
    for _ in range(MOST_FRAMES):
        try:
            letter, length = HEAD.unpack(await pipe.readexactly(HEAD.size))
            if length > (limits.output_bytes if letter in large else SMALL_BYTES):
                break
            body = await pipe.readexactly(length)
        except asyncio.IncompleteReadError as reason:
            raise why_it_ended(await process.wait()) from reason
        if letter == RESULT:
            return body
        if letter == REFUSAL:
            raise refusal(body)
        if letter == FIRST and FIRST in large:
            large.remove(FIRST)  # once
            on_first(body)
            continue
        if letter != PROGRESS:
            break
        done, of = progress(body)
        on_progress(done, of)
    raise Unreadable(Reason.READER_FAILED, FAILED)


def progress(body: bytes) -> tuple[int, int]:
    match decoded(body):
        case [int(done), int(of)] if 0 <= done <= 1_000_000 and 0 <= of <= 1_000_000:
            return done, of
        case _:
            raise Unreadable(Reason.READER_FAILED, FAILED)


def refusal(body: bytes) -> Unreadable:
    match decoded(body):
        case [str(code), str(sentence)] if code in set(Reason):
            return Unreadable(Reason(code), sentence[:LONGEST_SENTENCE])
        case _:
            return Unreadable(Reason.READER_FAILED, FAILED)


def decoded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def why_it_ended(status: int) -> Unreadable:
    """Without a word: the kernel stopped it, or a library gave up."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return Unreadable(Reason.TOO_SLOW, SLOW)
    return Unreadable(Reason.READER_FAILED, FAILED)


async def end(process: asyncio.subprocess.Process) -> None:
    """With whatever it started: the child leads a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    waiting = asyncio.ensure_future(process.wait())
    # Cancelled or not, it is collected; it is dead already.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), GOING_SECONDS)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
