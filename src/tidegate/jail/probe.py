"""Tries to escape, from inside a locked child: what ``tidegate jail check`` shows and our tests insist on.

May decide: nothing. Each attempt is one thing an attacker who took over a decoder would do next. None does
harm where it succeeds: files are only opened, signals are signal 0, programs are "true". An attempt is judged
where it is made; an offence (``OFFENCES``) from outside, by what becomes of its request and of the next one.
"""

import ctypes
import errno
import mmap
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from tidegate.jail import model
from tidegate.jail.lock import PIPE, number
from tidegate.jail.model import JailError, Reason
from tidegate.jail.pool import Jail

#: Imported by the forkserver, this is the parent of every child.
_PARENT = os.getpid()
_ESCAPED = b"escaped"
_DENIED = "denied"
_HONEST = b"honest"
#: Seconds given to what never ends, and to what ends by itself.
_SHORT, _LONG = 0.5, 30.0

_libc = ctypes.CDLL(None, use_errno=True)


def attempt(_data: bytes, arguments: bytes) -> bytes:
    """Make the attempt of this name, and say how it ended."""
    try:
        ATTEMPTS[arguments.decode()]()
    except MemoryError:
        return f"{_DENIED}: no memory".encode()
    except OSError as error:
        return f"{_DENIED}: {errno.errorcode.get(error.errno or 0, 'error')}".encode()
    return _ESCAPED


def offend(_data: bytes, arguments: bytes) -> bytes:
    """Do the offence of this name. What comes back, if anything, is for the parent to judge."""
    act, _ = OFFENCES[arguments.decode()]
    act()
    return _ESCAPED


def honest(_data: bytes, _arguments: bytes) -> bytes:
    """Do as told."""
    return _HONEST


async def try_escapes(names: Collection[str] | None = None, **settings: object) -> dict[str, str]:
    """Make attempts and offences in a jail of their own; whatever is not "denied: ..." is a hole.

    Args:
        names: which; all of them where nobody says.
        settings: of the jail.

    Raises:
        ConfigurationError: the jail does not start here.
    """
    jail = Jail(engines=[__name__], size=1, **settings)  # type: ignore[arg-type]  # the caller's, passed on
    await jail.start()
    try:
        outcomes = {}
        for name in names or (*ATTEMPTS, *OFFENCES):
            if name in ATTEMPTS:
                outcomes[name] = (await jail.run(f"{__name__}:attempt", b"", name.encode())).decode()
            else:
                outcomes[name] = await _judge(jail, name, OFFENCES[name][1])
        return outcomes
    finally:
        await jail.stop()


async def _judge(jail: Jail, name: str, expected: Reason | None) -> str:
    """See that an offence ends as it must, and that the next request has its own answer."""
    outcome: Reason | None = None
    seconds = _SHORT if expected is Reason.TIMEOUT else _LONG
    try:
        await jail.run(f"{__name__}:offend", b"", name.encode(), seconds, answer_limit=len(_HONEST))
    except JailError as error:
        outcome = error.reason
    try:
        next_answered = await jail.run(f"{__name__}:honest", b"") == _HONEST
    except JailError as error:
        return f"the next request: {error.reason}"
    if not next_answered:
        return "the next request was answered falsely"
    if outcome is not expected:
        return f"ended as {outcome or 'answered'}"
    return f"{_DENIED}: {outcome or 'the next is safe'}"


def _call(x86_64: int, aarch64: int, *arguments: object) -> None:
    """Make a system call by its number, past the C library."""
    if _libc.syscall(number(x86_64, aarch64), *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _libc_call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _open(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags))


def _connect(family: int, kind: int, address: object) -> Callable[[], None]:
    def connect() -> None:
        with socket.socket(family, kind) as end:
            end.connect(address)  # type: ignore[arg-type]  # of the family's form

    return connect


def _executable(protection: int) -> Callable[[], None]:
    return lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=protection).close()


def _made_executable() -> None:
    page = ctypes.create_string_buffer(2 * mmap.PAGESIZE)
    start = (ctypes.addressof(page) + mmap.PAGESIZE - 1) & -mmap.PAGESIZE
    _libc_call("mprotect", ctypes.c_void_p(start), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_EXEC)


def _write_to_others() -> None:
    """Write to whatever else is open: other children's pipes, the forkserver's socket."""
    for descriptor in range(PIPE + 1, 1024):
        with suppress(OSError):
            os.write(descriptor, b"!")
            return
    raise OSError(errno.EBADF, "nothing else is open")


def _run_from_memory() -> None:
    file = os.memfd_create("program")
    os.write(file, b"#!/bin/true")
    os.execve(file, ["true"], {})  # noqa: S606 -- it must not start


def _find_tag() -> bytes:
    """Find the tag of the request under way, as one who took the child over would: it is in the memory."""
    frame = sys._getframe()  # noqa: SLF001 -- the only way to it
    while "tag" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    tag: bytes = frame.f_locals["tag"]
    return tag


def _say(*answers: bytes, to: bytes | None = None, length: int | None = None) -> None:
    """Answer past the loop that answers, and stay."""
    request = to or _find_tag()
    for answer in answers:
        os.write(PIPE, model.ANSWER.pack(request, model.ANSWERED, len(answer) if length is None else length) + answer)
    time.sleep(3600)


def _pour() -> None:
    said = model.ANSWER.pack(_find_tag(), model.ANSWERED, len(_HONEST))
    while True:
        os.write(PIPE, said + bytes(1 << 16))


def _speak_later() -> None:
    """Answer, and then speak without having been asked."""
    said = model.ANSWER.pack(_find_tag(), model.ANSWERED, len(_ESCAPED[:6])) + _ESCAPED[:6]
    os.write(PIPE, said)
    for _ in range(100):
        time.sleep(0.001)
        os.write(PIPE, said)
    time.sleep(3600)


def _loop() -> None:
    while True:
        pass


def _take_everything() -> None:
    taken = []
    while True:
        taken.append(bytearray(1 << 24))


def _fall() -> None:
    _fall()


_SOMEWHERE = "/tmp/tidegate-escaped"  # noqa: S108 -- must not come to be
_HERE = ("127.0.0.1", 9)
_ALG, _VSOCK, _PACKET = 38, 40, 17
_TEN_GB = 10 << 30

ATTEMPTS: dict[str, Callable[[], object]] = {
    # Files.
    "read the accounts file": _open("/etc/passwd", os.O_RDONLY),
    "list the root folder": lambda: list(Path("/").iterdir()),
    "look at a file's size": Path("/etc/passwd").stat,
    "read its own environment": _open("/proc/self/environ", os.O_RDONLY),
    "read the parent's environment": _open(f"/proc/{_PARENT}/environ", os.O_RDONLY),
    "write a file": _open(_SOMEWHERE, os.O_WRONLY | os.O_CREAT),
    "write a file through openat2": lambda: _call(437, 437, -100, b"/dev/null", bytes(24), 24),
    "open a file by its handle": lambda: _call(304, 265, -100, b"\x08" + bytes(127), 0),
    "get a file's handle": lambda: _call(303, 264, -100, b"/", b"\x80" + bytes(131), bytes(4), 0),
    "open its pipe again": _open(f"/proc/self/fd/{PIPE}", os.O_RDWR),
    "list what it has open": lambda: os.listdir("/proc/self/fd"),  # noqa: PTH208 -- by the path alone
    "write its own memory": _open("/proc/self/mem", os.O_RDWR),
    "write the parent's memory": _open(f"/proc/{_PARENT}/mem", os.O_RDWR),
    "open the machine's memory": _open("/dev/mem", os.O_RDWR),
    "open the terminal": _open("/dev/tty", os.O_RDWR),
    "make a folder": Path(_SOMEWHERE).mkdir,
    "remove a file": Path(_SOMEWHERE).unlink,
    "make a link": lambda: Path(_SOMEWHERE).symlink_to("/etc/passwd"),
    "go to another folder": lambda: os.chdir("/"),
    "watch files": lambda: _call(294, 26, 0),
    # Sockets and pipes.
    "connect by TCP": _connect(socket.AF_INET, socket.SOCK_STREAM, _HERE),
    "send by UDP": _connect(socket.AF_INET, socket.SOCK_DGRAM, _HERE),
    "connect by IPv6": _connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 9)),
    "connect to a Unix socket": _connect(socket.AF_UNIX, socket.SOCK_STREAM, "/run/postgresql/.s.PGSQL.5432"),
    "connect to an abstract socket": _connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0bus"),
    "talk to the kernel": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "use the kernel's ciphers": lambda: socket.socket(_ALG, socket.SOCK_SEQPACKET).close(),
    "talk to the machine's host": lambda: socket.socket(_VSOCK, socket.SOCK_STREAM).close(),
    "read the network's packets": lambda: socket.socket(_PACKET, socket.SOCK_RAW).close(),
    "make a pair of sockets": socket.socketpair,
    "pass on its pipe": lambda: _call(46, 211, PIPE, bytes(56), 0),
    "be passed something": lambda: _call(47, 212, PIPE, bytes(56), 0x40),
    "duplicate its pipe": lambda: os.close(os.dup(PIPE)),
    "change its pipe": lambda: os.set_blocking(PIPE, False),
    "control its pipe": lambda: _call(16, 29, PIPE, 0x541B, bytes(4)),
    "splice its pipe": lambda: _call(275, 76, PIPE, None, PIPE, None, 1, 0),
    "write to other children's pipes": _write_to_others,
    "make a pipe": os.pipe,
    "wait for many things": lambda: _call(291, 20, 0),
    # Programs and processes.
    "make a file in memory": lambda: _call(319, 279, b"", 0),
    "run a program from memory": _run_from_memory,
    "fork": _fork,
    "clone": lambda: _call(56, 220, 17, 0, 0, 0, 0),
    "clone by clone3": lambda: _call(435, 435, bytes(64), 64),
    "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 -- it must not start
    "run a program by its descriptor": lambda: _call(322, 281, PIPE, b"", None, None, 0x1000),
    "trace the parent": lambda: _libc_call("ptrace", 16, _PARENT, None, None),
    "be traced": lambda: _libc_call("ptrace", 0, 0, None, None),
    "read the parent's memory": lambda: _call(310, 270, _PARENT, None, 0, None, 0, 0),
    "write the parent's memory past files": lambda: _call(311, 271, _PARENT, None, 0, None, 0, 0),
    "hold the parent by a descriptor": lambda: _call(434, 434, _PARENT, 0),
    "take a descriptor of the parent": lambda: _call(438, 438, PIPE, 0, 0),
    "signal by a descriptor": lambda: _call(424, 424, PIPE, 0, None, 0),
    "signal the parent": lambda: os.kill(_PARENT, 0),
    "signal process 1": lambda: os.kill(1, 0),
    "signal all its siblings": lambda: os.kill(-1, 0),
    "signal its group": lambda: os.kill(0, 0),
    "signal a thread": lambda: _call(234, 131, 1, 1, 0),
    "lead a session": os.setsid,
    "use another processor": lambda: os.sched_setaffinity(0, {0}),
    "go before all others": lambda: _call(144, 119, 0, 1, b"\1\0\0\0"),
    "wake itself up later": lambda: _call(38, 103, 0, bytes(32), None),
    # The machine.
    "mount": lambda: _libc_call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "mount by the newer calls": lambda: _call(430, 430, b"tmpfs", 0),
    "open a tree of mounts": lambda: _call(428, 428, -100, b"/", 0),
    "change the root folder": lambda: os.chroot("/"),
    "make a user namespace": lambda: _libc_call("unshare", 0x10000000),
    "enter a namespace": lambda: _libc_call("setns", PIPE, 0),
    "become root": lambda: os.setresuid(0, 0, 0),
    "get rights": lambda: _call(126, 91, b"\x22\x05\x08\x20" + bytes(4), bytes(24)),
    "raise its limits": lambda: _libc_call("setrlimit", int(resource.RLIMIT_AS), b"\xff" * 16),
    "become traceable": lambda: _libc_call("prctl", 4, 1, 0, 0, 0),
    "add a filter of its own": lambda: _call(317, 277, 1, 0, None),
    "add rules of its own": lambda: _call(444, 444, None, 0, 1),
    "change how it is run": lambda: _call(135, 92, 0x0400000),
    "load a kernel program": lambda: _call(321, 280, 0, None, 0),
    "load a kernel module": lambda: _call(175, 105, None, 0, b""),
    "start another kernel": lambda: _call(246, 104, 0, 0, None, 0),
    "stop the machine": lambda: _call(169, 142, 0, 0, 0, None),
    "set the clock": lambda: _call(227, 112, 0, None),
    "name the machine": lambda: _call(170, 161, b"", 1 << 20),
    "read the kernel's log": lambda: _call(103, 116, 3, bytes(64), 1),
    "queue calls past the filter": lambda: _call(425, 425, 1, bytes(120)),
    "hand in queued calls": lambda: _call(426, 426, PIPE, 0, 0, 0, None, 0),
    "use the kernel's keys": lambda: _call(250, 219, 0, -3, 0, 0, 0),
    "handle its own page faults": lambda: _call(323, 282, 1),
    "watch performance counters": lambda: _call(298, 241, bytes(112), 0, -1, -1, 0),
    # Memory.
    "get memory to execute": _executable(mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "make memory executable": _made_executable,
    "share memory that outlives it": lambda: _call(29, 194, 0, 4096, 0o1600),
    "open a message queue": lambda: _call(240, 180, b"queue", os.O_RDWR | os.O_CREAT, 0o600, None),
    "keep memory from being swapped": lambda: _call(149, 228, None, 4096),
    "take 10 GB": lambda: bytearray(_TEN_GB),
    "map 10 GB": lambda: mmap.mmap(-1, _TEN_GB).close(),
}

#: What is done, and how the parent must end it; None where the answer stands and only the next one is at stake.
OFFENCES: dict[str, tuple[Callable[[], object], Reason | None]] = {
    "loop for ever": (_loop, Reason.TIMEOUT),
    "sleep for ever": (lambda: time.sleep(3600), Reason.TIMEOUT),
    "take memory without end": (_take_everything, Reason.TOO_LARGE),
    "call itself without end": (_fall, Reason.UNDECODABLE),
    "crash": (lambda: ctypes.string_at(0), Reason.UNDECODABLE),
    "leave without a word": (lambda: os._exit(0), Reason.UNDECODABLE),
    "answer without end": (_pour, None),
    "answer half": (lambda: _say(b"", length=1), Reason.TIMEOUT),
    "answer more than was asked for": (lambda: _say(b"x" * 100), Reason.UNDECODABLE),
    "promise more than was asked for": (lambda: _say(b"", length=0xFFFFFFFF), Reason.UNDECODABLE),
    "answer another request": (lambda: _say(b"x", to=b"\1" * model.TAG), Reason.UNDECODABLE),
    "answer the next request, too": (lambda: _say(_ESCAPED[:6], _ESCAPED[:6]), None),
    "answer without being asked": (_speak_later, None),
}
if platform.machine() == "x86_64":
    #: The kernel's second way in, with other numbers: the filter ends a child that tries it.
    OFFENCES["call by the numbers of x32"] = (lambda: _libc.syscall(0x40000000 | 39), Reason.UNDECODABLE)
