"""The system calls a child may make: an allow-list, as a seccomp filter (seccomp(2), linux/filter.h).

May decide: which calls pass. What a decoder needs once everything is loaded is short: read and write the
pipe, memory, time, and leaving. Everything else fails with "not permitted": no socket, no file is opened,
nothing is started, traced, mounted or signalled. Memory can never be made executable. A call of another
architecture ends the child.

Only x86_64 and aarch64: the numbers are part of the kernel's promise to programs and do not change.
"""

import ctypes
import errno
import platform
import struct

_X86_64, _AARCH64 = "x86_64", "aarch64"
_AUDIT = {_X86_64: 0xC000003E, _AARCH64: 0xC00000B7}
_COLUMN = {_X86_64: 0, _AARCH64: 1}

#: Name: number on x86_64, number on aarch64.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "restart_syscall": (219, 128),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
    "gettimeofday": (96, 169),
    "clock_gettime": (228, 113),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
#: Allowed unless the third argument asks for memory that can be executed.
_ALLOWED_WITHOUT_EXECUTION = {"mmap": (9, 222), "mprotect": (10, 226)}
#: "No such call": the C library then falls back to the older one, and is refused there.
_UNKNOWN = {"clone3": (435, 435), "openat2": (437, 437)}

_X32 = 0x40000000
_PROT_EXEC = 4
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(machine: str | None = None) -> bytes:
    """Assemble the filter for a machine.

    Raises:
        OSError: there is no list of numbers for it.
    """
    machine = machine or platform.machine()
    if machine not in _COLUMN:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    column = _COLUMN[machine]
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, _AUDIT[machine]), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    # These first: what depends on an argument alone is decided anew each time, the rest the kernel remembers.
    for numbers in _ALLOWED_WITHOUT_EXECUTION.values():
        steps += [(_EQUAL, 0, 4, numbers[column]), (_LOAD, 0, 0, _THIRD_ARGUMENT)]
        steps += [
            (_ANY_BIT, 0, 1, _PROT_EXEC),
            (_RETURN, 0, 0, _ERROR | errno.EPERM),
            (_RETURN, 0, 0, _ALLOW),
        ]
    for numbers in _ALLOWED.values():
        steps += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    for numbers in _UNKNOWN.values():
        steps += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]
    steps.append((_RETURN, 0, 0, _ERROR | errno.EPERM))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def install(libc: ctypes.CDLL) -> None:
    """Filter this process from now on, for good. It must have given up new privileges before.

    Raises:
        OSError: the kernel does not filter.
    """
    code = program()
    filters = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filters), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
