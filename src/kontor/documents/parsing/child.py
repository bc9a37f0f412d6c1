"""python -m kontor.documents.parsing.child: reads the file that is its input, tells what it found, ends."""

import os
import time

import orjson

from kontor.documents.parsing.confinement import confine
from kontor.documents.parsing.frames import FIRST, PROGRESS, REFUSAL, REQUEST, RESULT, frame
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Document

PROGRESS_SECONDS = 0.2
MEMORY = "Reading the file would take more memory than one file is given."


class Teller:
    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._told = 0.0

    def progress(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS or done == of:
            self._told = now
            self.tell(PROGRESS, orjson.dumps([done, of]))

    def refuse(self, code: Reason, sentence: str) -> None:
        self.tell(REFUSAL, orjson.dumps([code, sentence]))

    def tell(self, letter: bytes, body: bytes) -> None:
        left = memoryview(frame(letter, body))
        while left:
            left = left[os.write(self._pipe, left) :]


def main() -> None:
    request = orjson.loads(os.environ.pop(REQUEST))
    limits = Limits(**request["limits"])
    # What a library prints must not stand between our frames.
    teller = Teller(os.dup(1))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    confine(limits, request["parent"])
    try:
        packed = read_packed(request["name"], request["declared"], limits, teller)
    except Unreadable as reason:
        teller.refuse(reason.code, reason.sentence)
    except MemoryError:
        teller.refuse(Reason.TOO_MUCH_MEMORY, MEMORY)
    else:
        teller.tell(RESULT, packed)
    # Nothing of a stranger's file is worth tidying up for.
    os._exit(0)


def read_packed(name: str, declared: str, limits: Limits, teller: Teller) -> bytes:
    from kontor.documents.parsing.packing import pack
    from kontor.documents.parsing.reading import read

    def hand_over(first: Document) -> None:
        teller.tell(FIRST, pack(first))

    with open(0, "rb", closefd=False) as file:
        packed = pack(read(file, name, declared, limits, teller.progress, hand_over=hand_over))
    if len(packed) > limits.output_bytes:
        raise Unreadable(Reason.TOO_LARGE, "What the file holds is more than can be kept of one.")
    return packed


if __name__ == "__main__":
    main()
