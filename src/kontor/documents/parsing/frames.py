"""What the child says: a letter, a length, that many bytes."""

import struct

HEAD = struct.Struct("<cI")
PROGRESS, FIRST, RESULT, REFUSAL = b"p", b"f", b"r", b"x"
REQUEST = "KONTOR_PARSE"  # the child's only variable of ours: file name, declared type, limits, its parent
SMALL_BYTES = 16_384  # what a progress or a refusal may be long


def frame(letter: bytes, body: bytes) -> bytes:
    return HEAD.pack(letter, len(body)) + body
