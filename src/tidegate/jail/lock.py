"""Locks the door behind a child: what it could still do after this, an attacker inside it could do.

May decide: in which order the locks go on. Each must hold, or the child ends before it has seen a byte; only
locks that someone accepted to be missing are left out. See ``model.Lock`` for their names.
"""

import ctypes
import errno
import os
import resource
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tidegate.jail import landlock, seccomp
from tidegate.jail.model import Limits, Lock
from tidegate.kernel.process import Account

#: The only descriptor a child keeps, beside an empty input and outputs that go nowhere.
PIPE = 3

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_EXPENDABLE = "1000"

# Looked up now: once the door is closed no library can be loaded.
libc = ctypes.CDLL(None, use_errno=True)


def lock(*, pipe: int, parent: int, account: Account, limits: Limits, without: Collection[Lock] = ()) -> None:
    """Lock this process, for good, and leave it with one pipe.

    Raises:
        OSError: a lock does not hold.
    """
    keep_only(pipe)
    expendable()
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


def keep_only(pipe: int) -> None:
    """Close everything but the pipe. Libraries print to 2 whatever it is, so 0 to 2 lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(PIPE):
        os.dup2(nowhere, standard)
    if pipe != PIPE:
        os.dup2(pipe, PIPE)
    os.closerange(PIPE + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def expendable() -> None:
    """Ask to be the first to go when the machine has no memory left, before the database does."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_EXPENDABLE, encoding="ascii")


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
    """Never gain a right, never be looked into, and die with the parent.

    Raises:
        OSError: the kernel refused, or the parent is gone.
    """
    # After the change of account, which would clear the second and the third.
    for option, value in (
        (_PR_SET_NO_NEW_PRIVS, 1),
        (_PR_SET_DUMPABLE, 0),
        (_PR_SET_PDEATHSIG, signal.SIGKILL),
    ):
        if libc.prctl(option, int(value), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the parent is gone")
