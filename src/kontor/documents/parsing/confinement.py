"""What a child that reads a stranger's file may use and do. Called once, before the first byte is looked at.

Limits come from the kernel, and so do the walls: a filter of system calls around the network, Landlock around the
files, of which only programs and libraries can be read. What the child starts inherits both. Where the kernel knows
neither (macOS, some containers), Python's own sockets are closed and the limits hold.
"""

import ctypes
import os
import platform
import resource
import shutil
import signal
import struct
import sys
from pathlib import Path

from kontor.documents.parsing.limits import Limits

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 4, 38, 22
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 13  # EACCES
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
# socket, connect, accept, bind, listen, socketpair, ptrace, process_vm_readv/writev, io_uring_setup (which could open
# sockets by itself), bpf, userfaultfd, keyctl, mount, unshare, setns, kexec_load, init_module.
REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 43, 49, 50, 53, 101, 310, 311, 425, 321, 323, 250, 165, 272, 308, 246, 175)),
    "aarch64": (0xC00000B7, (198, 203, 202, 200, 201, 199, 117, 270, 271, 425, 280, 282, 219, 40, 97, 268, 104, 105)),
}
# Landlock's calls have the same numbers everywhere; its rights are bits.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1, 2, 4, 8
EVERYTHING = (1 << 13) - 1
LIBRARIES = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom")
X32_BIT = 0x40000000  # the same calls under other numbers on x86-64


def confine(limits: Limits, parent: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # pipes are no files
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 2))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
        die_with(parent)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    # A write past the limit is an error, not a death: it is no reader's fault that a library wanted a cache.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    close_network()
    if sys.platform == "linux":
        close_files()


def die_with(parent: int) -> None:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def close_network() -> None:
    def refuse(event: str, _: tuple[object, ...]) -> None:
        if event.startswith("socket."):
            raise PermissionError("No network here.")

    sys.addaudithook(refuse)
    machine = platform.machine()
    if sys.platform != "linux" or machine not in REFUSED:
        return
    architecture, calls = REFUSED[machine]
    libc = ctypes.CDLL(None, use_errno=True)
    program = filter_of(architecture, calls)
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    wanted = Program(len(program) // 8, ctypes.addressof(instructions))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # Landlock wants it too
    # Refused within some containers; the limits above and the empty environment hold all the same.
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(wanted), 0, 0)


def filter_of(architecture: int, calls: tuple[int, ...]) -> bytes:
    """In the kernel's little language: load a number, compare it, return what to do. Jumps count instructions ahead."""
    steps = [
        (LOAD, 0, 0, 4),  # the architecture of the call
        (JUMP_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, 0),  # its number
        (JUMP_AT_LEAST, len(calls) + 1, 0, X32_BIT),
        *((JUMP_EQUAL, len(calls) - index, 0, call) for index, call in enumerate(calls)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def close_files() -> None:
    """Nothing can be opened any more but what readers are made of: no settings, no keys, nobody's documents."""
    libc = ctypes.CDLL(None, use_errno=True)
    handled = ctypes.c_uint64(EVERYTHING)
    rules = libc.syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if rules < 0:
        return
    ours = Path(__file__).resolve().parents[2]
    program = shutil.which("tesseract")
    others = (Path(program).parent, Path(program).resolve().parent) if program else ()
    for path in {*map(Path, (*LIBRARIES, sys.prefix, sys.base_prefix)), ours, *others}:
        allow(libc, rules, path, EXECUTE | READ_FILE | READ_FOLDER)
    allow(libc, rules, Path(os.devnull), READ_FILE | WRITE_FILE)
    libc.syscall(RESTRICT_SELF, rules, 0)
    os.close(rules)


def allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    if not path.exists():
        return
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    wanted = rights if path.is_dir() else rights & ~READ_FOLDER
    rule = ctypes.create_string_buffer(struct.pack("<Qi", wanted, place))
    libc.syscall(ADD_RULE, rules, 1, rule, 0)
    os.close(place)
