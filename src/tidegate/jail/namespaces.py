"""Takes a process, and all it forks, out of the machine's accounts, network, files and processes (namespaces(7)).

May decide: nothing. The forkserver enters once, when everything is loaded; its children are born inside, which
costs them nothing. Inside there is no network but an unconfigured loopback, no file but an empty folder nobody
can write to, no process but children, and no shared memory or message queue but theirs. They stand behind
seccomp and beside Landlock: should one system call slip through, there is nothing to reach with it.

Where we are not root, a user namespace comes first, for only its owner may make the others; a child gives up
the rights that come with it (``lock.renounce``).
"""

import ctypes
import errno
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from tidegate.jail import lock
from tidegate.jail.model import Lock
from tidegate.kernel.process import Account

#: In the order they are entered: the first gives the right to the others; in the fourth no file is left.
NAMESPACES = (
    Lock.USER_NAMESPACE,
    Lock.NETWORK_NAMESPACE,
    Lock.IPC_NAMESPACE,
    Lock.MOUNT_NAMESPACE,
    Lock.PROCESS_NAMESPACE,
)

_NEW_MOUNTS, _NEW_IPC, _NEW_USERS, _NEW_PROCESSES, _NEW_NETWORK = (
    0x00020000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_REMOUNT, _WITH_THOSE_BELOW, _PRIVATE = 32, 1 << 14, 1 << 18
_DETACH = 2
#: One empty folder that nobody may look into.
_EMPTY = b"size=4k,nr_inodes=1,mode=000"
#: Any folder that is there: for a moment the new root is mounted on it.
_MOUNT_POINT = b"/proc"


def enter(which: Collection[Lock], account: Account, ground: lock.Ground) -> int | None:
    """Enter some of ``NAMESPACES``, for good.

    Args:
        which: those the kernel allows.
        account: who children will be, if we are root.
        ground: what a child of ours needs to lock itself in.

    Returns:
        The process that holds the process namespace, if there is one: when it ends no child can be forked.

    Raises:
        OSError: the kernel refused.
    """
    simple: dict[Lock, Callable[[], None]] = {
        Lock.USER_NAMESPACE: lambda: _own_users(account),
        Lock.NETWORK_NAMESPACE: lambda: _unshare(_NEW_NETWORK),
        Lock.IPC_NAMESPACE: lambda: _unshare(_NEW_IPC),
        Lock.MOUNT_NAMESPACE: _own_files,
    }
    for name in NAMESPACES:
        if name in which and name in simple:
            simple[name]()
    return _own_processes(account, ground) if Lock.PROCESS_NAMESPACE in which else None


def _unshare(kind: int) -> None:
    lock.succeed("unshare", lock.libc.unshare(kind))


def _own_users(account: Account) -> None:
    if os.geteuid() == 0:
        # Who maps another account must have a right outside, which one who is inside has not: a child that stays does.
        with _mapper({"uid_map": account.uid, "gid_map": account.gid}) as mapped:
            _unshare(_NEW_USERS)
            mapped()
    else:
        user, group = os.geteuid(), os.getegid()
        _unshare(_NEW_USERS)
        ours = Path("/proc/self")
        (ours / "setgroups").write_text("deny", encoding="ascii")
        (ours / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        (ours / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    # In a container these settings may be out of reach.
    with suppress(OSError):
        Path("/proc/sys/user/max_user_namespaces").write_text("0", encoding="ascii")


class _mapper:  # noqa: N801 -- used like a function
    """Forks a child that maps root and one other account into our user namespace once we are in it."""

    def __init__(self, maps: dict[str, int]) -> None:
        self._maps = maps

    def __enter__(self) -> Callable[[], None]:
        process = os.getpid()
        told, self._tell = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            self._map(process, told)
        os.close(told)
        return self._wait

    def __exit__(self, *_: object) -> None:
        os.close(self._tell)
        if self._child:
            os.waitpid(self._child, 0)

    def _wait(self) -> None:
        os.write(self._tell, b"!")
        child, self._child = self._child, 0
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise OSError(errno.EPERM, "the accounts could not be mapped")

    def _map(self, process: int, told: int) -> NoReturn:
        status = 1
        try:
            os.close(self._tell)
            if os.read(told, 1):
                for name, number in self._maps.items():
                    Path(f"/proc/{process}/{name}").write_text(f"0 0 1\n{number} {number} 1\n", encoding="ascii")
                status = 0
        finally:
            os._exit(status)


def _own_files() -> None:
    """Have an empty folder for a root, which cannot be written to, and let go of all else that is mounted."""
    _unshare(_NEW_MOUNTS)
    libc, strict = lock.libc, _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS
    lock.succeed("mount", libc.mount(None, b"/", None, ctypes.c_ulong(_WITH_THOSE_BELOW | _PRIVATE), None))
    lock.succeed("mount", libc.mount(b"none", _MOUNT_POINT, b"tmpfs", ctypes.c_ulong(strict), _EMPTY))
    os.chdir(_MOUNT_POINT)
    # The new root onto itself: the old one then lies on top of it and can be let go (pivot_root(2), notes).
    lock.succeed("pivot_root", libc.syscall(lock.number(155, 41), b".", b"."))
    lock.succeed("umount2", libc.umount2(b".", _DETACH))
    os.chdir("/")
    flags = _REMOUNT | _READ_ONLY | strict
    lock.succeed("mount", libc.mount(None, b"/", None, ctypes.c_ulong(flags), None))


def _own_processes(account: Account, ground: lock.Ground) -> int:
    """Have children see each other only. The first of them is the namespace: it does nothing and holds it open."""
    _unshare(_NEW_PROCESSES)
    heard, told = os.pipe()
    first = os.fork()
    if first == 0:
        try:
            signal.set_wakeup_fd(-1)
            lock.keep_only(told, ground)
            if os.geteuid() == 0:
                lock.become(account)
            lock.isolate(parent=0)
            # From here its parent is 0 whether it lives or not. Who has ended before we could ask to end with it hears
            # nothing more, and then we end here.
            os.write(lock.PIPE, b"!")
            os.close(lock.PIPE)
            while True:
                time.sleep(3600)
        finally:
            os._exit(1)
    os.close(told)
    word = os.read(heard, 1)
    os.close(heard)
    if not word:
        raise OSError(errno.ESRCH, "the first process of the namespace ended")
    return first
