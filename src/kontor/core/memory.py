"""How a process that stays treats its memory."""

import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MEBIBYTE = 1024 * 1024


def give_back() -> None:
    """What is large goes back to the system when it is freed.

    Left alone, glibc takes the first large block that is freed as a sign that such blocks are common, and keeps all
    further ones: checking one password took 20 MiB for good. Other C libraries do not do that.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(M_MMAP_THRESHOLD, MEBIBYTE)
        mallopt(M_TRIM_THRESHOLD, 2 * MEBIBYTE)


def leave_out(*names: str) -> None:
    """Packages that a library takes along only because they happen to be there: to it, they are not."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # the documented way to stop an import


def settle() -> None:
    """What has been loaded by now stays until the end, so it need not be looked through for garbage again and again:
    each such look at half a million objects held up every stream for a tenth of a second. And what a request makes is
    freed without such looks, all but a little; at the usual 700 new objects they take a twentieth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 10)
