"""Values of the jail, and what goes over a child's pipe.

May decide: nothing. A request is a header, the function's name, its arguments, and the untrusted bytes; an
answer is the request's tag, a status, a length and that many bytes. The parent checks them all: a child is not
believed.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from tidegate.kernel.errors import Unavailable
from tidegate.kernel.process import Account

#: What a request may be made over; it is sent from where it is.
Data = bytes | bytearray | memoryview

#: Random, and to be given back: bytes written before a request was read cannot pass for its answer.
TAG = 8
#: Tag, lengths of name, arguments and data, and the most bytes of an answer.
REQUEST = struct.Struct(f"!{TAG}sHIQI")
#: Tag, status (see below) and length.
ANSWER = struct.Struct(f"!{TAG}sBI")
#: Of the first message of a child, which answers nothing.
NO_TAG = bytes(TAG)
READY, ANSWERED, UNDECODABLE, TOO_LARGE = 0, 1, 2, 3
#: Added to a status by a child that wants to be replaced.
LAST = 0x80

#: Of the forkserver's messages.
LARGEST_MESSAGE = 65536

#: How a child ends that could not lock its door, and so never took a request.
NOT_LOCKED = 81


class Reason(StrEnum):
    """Why there is no answer."""

    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    ENGINE_DOWN = "engine_down"


class Lock(StrEnum):
    """What a child is locked with."""

    RLIMITS = "rlimits"
    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    #: A change to an account that owns nothing; only root can.
    ACCOUNT = "account"
    #: Accounts, network, shared memory, files and processes of its own; see ``jail/namespaces.py``.
    USER_NAMESPACE = "user_namespace"
    NETWORK_NAMESPACE = "network_namespace"
    IPC_NAMESPACE = "ipc_namespace"
    MOUNT_NAMESPACE = "mount_namespace"
    PROCESS_NAMESPACE = "process_namespace"


#: Without these a jail does not start, unless someone accepts it by name.
REQUIRED = frozenset({Lock.RLIMITS, Lock.SECCOMP})
#: Nor without one of these walls behind them: a filter on system calls with one hole must not be all there is.
WALLS = (frozenset({Lock.LANDLOCK}), frozenset({Lock.NETWORK_NAMESPACE, Lock.MOUNT_NAMESPACE}))


def unmet(missing: Collection[Lock], accepted: Collection[str] = ()) -> list[Lock]:
    """Name the locks that are missing and must not be, unless someone accepts it.

    Args:
        missing: locks that do not hold here.
        accepted: names of those to do without. Where no wall stands, that is ``landlock``.
    """
    needed = set(REQUIRED)
    if all(wall & set(missing) for wall in WALLS):
        needed.add(Lock.LANDLOCK)
    return sorted(needed & set(missing) - set(accepted))


#: Shared with no other process of a node (PostgreSQL may run as 65534), so that one cannot be reached from
#: the other; below 65536, so that it exists in a container with the usual range of accounts.
JAIL_ACCOUNT = Account(uid=65531, gid=65531)


class Refusal(Exception):
    """Raised by a jailed function: these bytes cannot be worked on, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class JailError(Unavailable):
    """These bytes could not be checked."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(_MESSAGES[reason])
        self.reason = reason


_MESSAGES = {
    Reason.UNDECODABLE: "These bytes could not be decoded: send a JPEG, PNG, WebP or GIF picture.",
    Reason.TOO_LARGE: "This is larger than the node decodes: a person must look at it, or send it smaller.",
    Reason.TIMEOUT: "Decoding took too long and was ended: try again, or let a person look at it.",
    Reason.ENGINE_DOWN: "The node cannot decode just now: try again shortly.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use. A jail has one of these; an engine that needs other ones has a jail of its own."""

    #: Address space. A quarter of it is the engine's own libraries; the hungriest picture within the limit on
    #: pixels (WebP, whose decoder keeps several copies) takes it to 1.1 GB.
    memory: int = 5 << 28
    #: Over a child's whole life. It asks to be replaced at half, so that each request has the other half.
    cpu_seconds: int = 10
    #: Files a child reads. One that was taken over by the first could lie about the rest; each fresh child costs
    #: 10 to 15 ms of processor time (see docs/jail.md). Whatever could not be read is a child's last in any case.
    requests: int = 50


class Start(TypedDict):
    """The first message to a forkserver."""

    engines: list[str]
    accept_missing: list[str]
    #: Locks to leave off though the kernel has them; as if it lacked them.
    without: list[str]
    account: tuple[int, int]
    limits: dict[str, int]
