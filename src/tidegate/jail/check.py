"""What this machine gives to lock a child with.

May decide: nothing. It tries each lock in a child of its own and looks at the effect, since a kernel, a
container or a sandbox around us can promise one and not keep it. ``jail/probe.py`` tries the whole from
inside.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from tidegate.jail import landlock, lock, seccomp
from tidegate.jail.model import JAIL_ACCOUNT, REQUIRED, Limits, Lock
from tidegate.kernel.process import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Which locks hold here, and why the others do not."""

    machine: str
    kernel: str
    landlock: int
    #: What each lock is here, in words.
    details: dict[Lock, str]
    missing: frozenset[Lock]

    @property
    def sufficient(self) -> bool:
        """Say whether a jail may start without anyone accepting anything."""
        return not self.missing & REQUIRED


def check(account: Account = JAIL_ACCOUNT) -> Report:
    """Try every lock in a child, and report."""
    details, missing = {}, set()
    for name, attempt in _ATTEMPTS.items():
        held, details[name] = _in_child(lambda attempt=attempt: attempt(account))  # type: ignore[misc]
        if not held:
            missing.add(name)
    return Report(
        machine=platform.machine(),
        kernel=platform.release(),
        landlock=lock.landlock_version(),
        details=details,
        missing=frozenset(missing),
    )


def _in_child(attempt: Callable[[], str]) -> tuple[bool, str]:
    if sys.platform != "linux":
        return False, "only Linux has this"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            outcome = [True, attempt()]
        except BaseException as error:  # noqa: BLE001 -- the child must end here whatever happens
            outcome = [False, str(error)]
        os.write(writer, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writer)
    with closing(os.fdopen(reader, "rb")) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if not said:
        return False, "the trial ended by itself"
    held, detail = json.loads(said)
    return bool(held), str(detail)


def _rlimits(_account: Account) -> str:
    lock.limit(Limits())
    if resource.getrlimit(resource.RLIMIT_AS)[1] != Limits().memory:
        raise OSError(errno.ENOTRECOVERABLE, "the limit on memory was not kept")
    try:
        bytearray(2 * Limits().memory)
    except MemoryError:
        return "memory, processor time, files, processes"
    raise OSError(errno.ENOTRECOVERABLE, "more memory than allowed was given")


def _account(account: Account) -> str:
    lock.become(account)
    return f"account {os.getuid()}"


def _landlock(_account: Account) -> str:
    lock.isolate(os.getppid())
    landlock.restrict(lock.libc)
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return f"version {lock.landlock_version()}"
    raise OSError(errno.ENOTRECOVERABLE, "a folder could still be opened")


def _seccomp(_account: Account) -> str:
    lock.isolate(os.getppid())
    seccomp.install(lock.libc)
    try:
        socket.socket().close()
    except PermissionError:
        return f"an allow-list of {len(seccomp.program()) // ctypes.sizeof(ctypes.c_uint64)} steps"
    raise OSError(errno.ENOTRECOVERABLE, "a socket could still be made")


_ATTEMPTS: dict[Lock, Callable[[Account], str]] = {
    Lock.RLIMITS: _rlimits,
    Lock.SECCOMP: _seccomp,
    Lock.LANDLOCK: _landlock,
    Lock.ACCOUNT: _account,
}
