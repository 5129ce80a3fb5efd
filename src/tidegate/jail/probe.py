"""Tries to escape, from inside a locked child: what ``tidegate jail check`` shows and our tests insist on.

May decide: nothing. Each attempt is one thing an attacker who took over a decoder would do next. None does
harm where it succeeds: files are only opened, signals are signal 0, programs are "true".
"""

import ctypes
import errno
import mmap
import os
import platform
import resource
import socket
from collections.abc import Callable
from pathlib import Path

from tidegate.jail.pool import Jail

#: Imported by the forkserver, this is the parent of every child.
_PARENT = os.getpid()
_PIPE = 3
_ESCAPED = b"escaped"
_DENIED = "denied"

_libc = ctypes.CDLL(None, use_errno=True)
_COLUMN = 1 if platform.machine() == "aarch64" else 0


def attempt(_data: bytes, arguments: bytes) -> bytes:
    """Make the attempt of this name, and say how it ended."""
    try:
        ATTEMPTS[arguments.decode()]()
    except MemoryError:
        return f"{_DENIED}: no memory".encode()
    except OSError as error:
        return f"{_DENIED}: {errno.errorcode.get(error.errno or 0, 'error')}".encode()
    return _ESCAPED


async def try_escapes(**settings: object) -> dict[str, str]:
    """Make every attempt in a jail of its own; anything that is not "denied: ..." is a hole.

    Raises:
        ConfigurationError: the jail does not start here.
    """
    jail = Jail(engines=[__name__], size=1, **settings)  # type: ignore[arg-type]  # the caller's, passed on
    await jail.start()
    try:
        return {name: (await jail.run(f"{__name__}:attempt", b"", name.encode())).decode() for name in ATTEMPTS}
    finally:
        await jail.stop()


def _call(x86_64: int, aarch64: int, *arguments: object) -> None:
    """Make a system call by its number, past the C library."""
    if _libc.syscall((x86_64, aarch64)[_COLUMN], *arguments) < 0:
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


_SOMEWHERE = "/tmp/tidegate-escaped"  # noqa: S108 -- must not come to be
_HERE = ("127.0.0.1", 9)

ATTEMPTS: dict[str, Callable[[], object]] = {
    "read the accounts file": _open("/etc/passwd", os.O_RDONLY),
    "list the root folder": lambda: list(Path("/").iterdir()),
    "look at a file's size": Path("/etc/passwd").stat,
    "read the parent's environment": _open(f"/proc/{_PARENT}/environ", os.O_RDONLY),
    "write a file": _open(_SOMEWHERE, os.O_WRONLY | os.O_CREAT),
    "write a file through openat2": lambda: _call(437, 437, -100, b"/dev/null", bytes(24), 24),
    "write its own memory": _open("/proc/self/mem", os.O_RDWR),
    "write the parent's memory": _open(f"/proc/{_PARENT}/mem", os.O_RDWR),
    "make a folder": Path(_SOMEWHERE).mkdir,
    "remove a file": Path(_SOMEWHERE).unlink,
    "make a link": lambda: Path(_SOMEWHERE).symlink_to("/etc/passwd"),
    "make a file in memory": lambda: _call(319, 279, b"", 0),
    "connect by TCP": _connect(socket.AF_INET, socket.SOCK_STREAM, _HERE),
    "send by UDP": _connect(socket.AF_INET, socket.SOCK_DGRAM, _HERE),
    "connect by IPv6": _connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 9)),
    "connect to a Unix socket": _connect(socket.AF_UNIX, socket.SOCK_STREAM, "/run/postgresql/.s.PGSQL.5432"),
    "connect to an abstract socket": _connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0bus"),
    "talk to the kernel": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "make a pair of sockets": socket.socketpair,
    "pass on its pipe": lambda: _call(46, 211, _PIPE, bytes(56), 0),
    "fork": _fork,
    "clone": lambda: _call(56, 220, 17, 0, 0, 0, 0),
    "clone by clone3": lambda: _call(435, 435, bytes(64), 64),
    "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 -- it must not start
    "run a program by its descriptor": lambda: _call(322, 281, _PIPE, b"", None, None, 0x1000),
    "trace the parent": lambda: _libc_call("ptrace", 16, _PARENT, None, None),
    "read the parent's memory": lambda: _call(310, 270, _PARENT, None, 0, None, 0, 0),
    "take a descriptor of the parent": lambda: _call(434, 434, _PARENT, 0),
    "signal the parent": lambda: os.kill(_PARENT, 0),
    "signal process 1": lambda: os.kill(1, 0),
    "mount": lambda: _libc_call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "change the root folder": lambda: os.chroot("/"),
    "make a user namespace": lambda: _libc_call("unshare", 0x10000000),
    "enter a namespace": lambda: _libc_call("setns", _PIPE, 0),
    "become root": lambda: os.setresuid(0, 0, 0),
    "raise its limits": lambda: _libc_call("setrlimit", int(resource.RLIMIT_AS), b"\xff" * 16),
    "become traceable": lambda: _libc_call("prctl", 4, 1, 0, 0, 0),
    "load a kernel program": lambda: _call(321, 280, 0, None, 0),
    "queue calls past the filter": lambda: _call(425, 425, 1, bytes(120)),
    "use the kernel's keys": lambda: _call(250, 219, 0, -3, 0, 0, 0),
    "handle its own page faults": lambda: _call(323, 282, 1),
    "watch performance counters": lambda: _call(298, 241, bytes(112), 0, -1, -1, 0),
    "get memory to execute": _executable(mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "make memory executable": _made_executable,
    "take 10 GB": lambda: bytearray(10 << 30),
}
