"""To stop listening without losing who has been let in.

To close a listening socket is to reset every connection that waits in it to be accepted: for the client it was open,
and its request may have been sent. So the system is told first to let nobody new in, then all who wait are accepted,
then the socket is closed. Whoever was not let in knocks again after a moment, as TCP does, and finds the door closed,
or the next process behind it.
"""

import ctypes
import os
import socket
import struct
import sys

# In Linux, not in Python's socket module: a program that is asked about each segment a socket is sent.
SO_ATTACH_FILTER = 26
# Its words of two, one, one and four bytes, as the system reads them.
STEP = struct.Struct("HBBI")
NO_MORE_CALLERS = b"".join(
    STEP.pack(*step)
    for step in (
        (0x30, 0, 0, 13),  # the flags of the segment:
        (0x54, 0, 0, 0x12),  # is it a SYN, and no ACK with it?
        (0x15, 0, 1, 0x02),
        (0x06, 0, 0, 0),  # then it is as if it had never come;
        (0x06, 0, 0, 0xFFFFFFFF),  # everything else passes
    )
)


def lock(listener: int) -> bool:
    """Whether nobody new is let in from now on; other systems than Linux know no way to say so."""
    if sys.platform != "linux":
        return False
    program = ctypes.create_string_buffer(NO_MORE_CALLERS)
    described = struct.pack("HP", len(NO_MORE_CALLERS) // STEP.size, ctypes.addressof(program))
    with socket.socket(fileno=os.dup(listener)) as same:
        try:
            same.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
        except OSError:  # some sandboxes have no such filters
            return False
    return True
