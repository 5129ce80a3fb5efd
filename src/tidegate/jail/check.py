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

from tidegate.jail import landlock, lock, namespaces, seccomp
from tidegate.jail.model import JAIL_ACCOUNT, Limits, Lock
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


def check(account: Account = JAIL_ACCOUNT) -> Report:
    """Try every lock in a child, and report."""
    details: dict[Lock, str] = {}
    missing: set[Lock] = set()
    for name, attempt in _ATTEMPTS.items():
        # Others may need a user namespace to stand in.
        first = {Lock.USER_NAMESPACE} & set(details) - missing
        held, details[name] = _in_child(lambda attempt=attempt, first=first: attempt(account, first))  # type: ignore[misc]
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


def _rlimits(_account: Account, _first: set[Lock]) -> str:
    lock.limit(Limits())
    if resource.getrlimit(resource.RLIMIT_AS)[1] != Limits().memory:
        raise OSError(errno.ENOTRECOVERABLE, "the limit on memory was not kept")
    try:
        bytearray(2 * Limits().memory)
    except MemoryError:
        return "memory, processor time, files, processes"
    raise OSError(errno.ENOTRECOVERABLE, "more memory than allowed was given")


def _account(account: Account, _first: set[Lock]) -> str:
    lock.become(account)
    return f"account {os.getuid()}"


def _landlock(_account: Account, _first: set[Lock]) -> str:
    lock.isolate(os.getppid())
    landlock.restrict(lock.libc)
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return f"version {lock.landlock_version()}"
    raise OSError(errno.ENOTRECOVERABLE, "a folder could still be opened")


def _seccomp(_account: Account, _first: set[Lock]) -> str:
    lock.isolate(os.getppid())
    seccomp.install(lock.libc)
    try:
        socket.socket().close()
    except PermissionError:
        return f"an allow-list of {len(seccomp.program()) // ctypes.sizeof(ctypes.c_uint64)} steps"
    raise OSError(errno.ENOTRECOVERABLE, "a socket could still be made")


def _users(account: Account, _first: set[Lock]) -> str:
    before = _here("user")
    _enter({Lock.USER_NAMESPACE}, account)
    if _here("user") == before:
        raise OSError(errno.ENOTRECOVERABLE, "still in the old one")
    return "no right over anything outside"


def _network(account: Account, first: set[Lock]) -> str:
    _enter(first | {Lock.NETWORK_NAMESPACE}, account)
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        raise OSError(errno.ENOTRECOVERABLE, f"there still is {others[0]}")
    return "no interface"


def _ipc(account: Account, first: set[Lock]) -> str:
    before = _here("ipc")
    _enter(first | {Lock.IPC_NAMESPACE}, account)
    if _here("ipc") == before:
        raise OSError(errno.ENOTRECOVERABLE, "still in the old one")
    return "no shared memory, no queue"


def _mounts(account: Account, first: set[Lock]) -> str:
    _enter(first | {Lock.MOUNT_NAMESPACE}, account)
    if os.listdir("/"):  # noqa: PTH208 -- of whatever the root is now
        raise OSError(errno.ENOTRECOVERABLE, "there still are files")
    return "an empty folder"


def _processes(account: Account, first: set[Lock]) -> str:
    _enter(first | {Lock.PROCESS_NAMESPACE}, account)
    child = os.fork()
    if child == 0:
        # The first process, which holds the namespace, is 1.
        os._exit(0 if os.getpid() == 2 else 1)  # noqa: PLR2004
    if os.waitpid(child, 0)[1] != 0:
        raise OSError(errno.ENOTRECOVERABLE, "a child still sees the others")
    return "no process but its own kind"


def _enter(which: set[Lock], account: Account) -> None:
    namespaces.enter(which, account, lock.open_ground())


def _here(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}")  # noqa: PTH115 -- the target is no path


_ATTEMPTS: dict[Lock, Callable[[Account, set[Lock]], str]] = {
    Lock.RLIMITS: _rlimits,
    Lock.SECCOMP: _seccomp,
    Lock.LANDLOCK: _landlock,
    Lock.ACCOUNT: _account,
    Lock.USER_NAMESPACE: _users,
    Lock.NETWORK_NAMESPACE: _network,
    Lock.IPC_NAMESPACE: _ipc,
    Lock.MOUNT_NAMESPACE: _mounts,
    Lock.PROCESS_NAMESPACE: _processes,
}
