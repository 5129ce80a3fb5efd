"""Locks the door behind a child: what it could still do after this, an attacker inside it could do.

May decide: in which order the locks go on. Each must hold, or the child ends before it has seen a byte; only
locks that someone accepted to be missing are left out. See ``model.Lock`` for their names. A child was born in
its namespaces (``jail/namespaces.py``), where no path leads anywhere: all it needs was opened before.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from tidegate.jail import landlock, seccomp
from tidegate.jail.model import Limits, Lock
from tidegate.kernel.process import Account

#: The only descriptor a child keeps, beside an empty input and outputs that go nowhere.
PIPE = 3

#: Effective, permitted, inheritable: two words each.
_CAPABILITIES_VERSION, _CAPABILITIES = 0x20080522, 24
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_EXPENDABLE = b"1000"

# Looked up now: once the door is closed no library can be loaded.
libc = ctypes.CDLL(None, use_errno=True)


class Ground(NamedTuple):
    """What a process needs to lock itself in where no path leads anywhere: opened before."""

    #: /dev/null.
    nowhere: int
    #: The folder /proc.
    processes: int


def open_ground() -> Ground:
    """Open what locking takes, while there are files."""
    return Ground(os.open(os.devnull, os.O_RDWR), os.open("/proc", os.O_PATH | os.O_DIRECTORY))


def lock(
    *,
    pipe: int,
    parent: int,
    account: Account,
    limits: Limits,
    ground: Ground,
    without: Collection[Lock] = (),
) -> None:
    """Lock this process, for good, and leave it with one pipe. Its namespaces it was born in.

    Args:
        pipe: to the one who asks.
        parent: its process, 0 when it is in another process namespace.
        account: who to be, if we are root.
        limits: what may be used.
        ground: what this takes.
        without: locks to leave off.

    Raises:
        OSError: a lock does not hold.
    """
    expendable(ground)
    keep_only(pipe, ground)
    if Lock.RLIMITS not in without:
        limit(limits)
    if Lock.ACCOUNT not in without:
        become(account)
    isolate(parent)
    if Lock.LANDLOCK not in without:
        landlock.restrict(libc)
    if Lock.SECCOMP not in without:
        seccomp.install(libc)


def landlock_version() -> int:
    """Ask which Landlock the kernel has; 0 is none."""
    return landlock.version(libc) if sys.platform == "linux" else 0


def keep_only(pipe: int, ground: Ground) -> None:
    """Close everything but the pipe. Libraries print to 2 whatever it is, so 0 to 2 lead nowhere."""
    for standard in range(PIPE):
        os.dup2(ground.nowhere, standard)
    if pipe != PIPE:
        os.dup2(pipe, PIPE)
    os.closerange(PIPE + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def expendable(ground: Ground) -> None:
    """Ask to be the first to go when the machine has no memory left, before the database does."""
    with suppress(OSError):
        score = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=ground.processes)
        os.write(score, _EXPENDABLE)
        os.close(score)


def limit(limits: Limits) -> None:
    """Limit what this process can use, hard: it cannot raise any of it again."""
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, PIPE + 1 + 1),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # The soft one ends the process with a signal that says why.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def become(account: Account) -> None:
    """Become an account that owns nothing, where we may choose who we are.

    Raises:
        OSError: we are not root, or there is a way back.
    """
    if os.geteuid() != 0:
        raise OSError(errno.EPERM, "only root can change its account")
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    with suppress(PermissionError):
        os.setresuid(0, 0, 0)
        raise OSError(errno.ENOTRECOVERABLE, "still root")


def isolate(parent: int) -> None:
    """Have no right and never gain one, never be looked into, and die with the parent.

    Args:
        parent: its process, 0 when it is in another process namespace.

    Raises:
        OSError: the kernel refused, or the parent is gone.
    """
    renounce()
    # After the change of account, which would clear the second and the third.
    _set(_PR_SET_NO_NEW_PRIVS, 1)
    _set(_PR_SET_DUMPABLE, 0)
    die_with(parent)


def die_with(parent: int) -> None:
    """Be killed when the parent ends.

    Raises:
        OSError: the kernel refused, or the parent is gone already.
    """
    _set(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the parent is gone")


def _set(option: int, value: int) -> None:
    succeed(f"prctl {option}", libc.prctl(option, int(value), 0, 0, 0))


def renounce() -> None:
    """Give up every right that root has and others have not (capabilities(7)).

    Raises:
        OSError: the kernel refused.
    """
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    succeed("capset", libc.capset(header, bytes(_CAPABILITIES)))


def succeed(name: str, result: int) -> None:
    """See that a call of the C library was obeyed.

    Raises:
        OSError: it was not.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def number(x86_64: int, aarch64: int) -> int:
    """Give a system call's number on this machine."""
    return aarch64 if platform.machine() == "aarch64" else x86_64
