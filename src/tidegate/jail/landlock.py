"""Takes every right over files from a process, where the kernel has Landlock (landlock(7)).

May decide: nothing; all rights this kernel knows are taken. It stands behind seccomp, which lets no file be
opened in the first place, and covers what that cannot see: should one call slip through, the file is still
out of reach.
"""

import ctypes
import errno
import os
import struct

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_VERSION = 1
#: Version from which on a right exists: rights over files, the network, and things outside the process.
_FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_SINCE, _NETWORK = 4, 0b11
_OUTSIDE_SINCE, _OUTSIDE = 6, 0b11


def version(libc: ctypes.CDLL) -> int:
    """Ask which Landlock the kernel has; 0 is none."""
    return max(int(libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)), 0)


def restrict(libc: ctypes.CDLL) -> None:
    """Take all rights from this process, for good. It must have given up new privileges before.

    Raises:
        OSError: the kernel has no Landlock, or it is switched off.
    """
    known = version(libc)
    if known == 0:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    files = sum(rights for since, rights in _FILES.items() if since <= known)
    rights = struct.pack("=Q", files)
    if known >= _NETWORK_SINCE:
        rights += struct.pack("=Q", _NETWORK)
    if known >= _OUTSIDE_SINCE:
        rights += struct.pack("=Q", _OUTSIDE)
    # No rule is added to the set: a right that is handled and not granted is refused.
    rules = libc.syscall(_CREATE_RULESET, rights, len(rights), 0)
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        if libc.syscall(_RESTRICT_SELF, rules, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(rules)
