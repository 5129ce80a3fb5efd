"""Values of the jail, and what goes over a child's pipe.

May decide: nothing. A request is a header, the function's name, its arguments, and the untrusted bytes; an
answer is a status, a length and that many bytes. The parent checks every length: a child is not believed.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from tidegate.kernel.errors import Unavailable
from tidegate.kernel.process import Account

#: Lengths of name, arguments and data, and the most bytes of an answer.
REQUEST = struct.Struct("!HIQI")
#: Status (see below) and length.
ANSWER = struct.Struct("!BI")
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


#: Without these a jail does not start, unless someone accepts it by name.
REQUIRED = frozenset({Lock.RLIMITS, Lock.SECCOMP})

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
    """What a child may use."""

    #: Address space. A quarter of it is the engine's own libraries; the hungriest picture within the limit on
    #: pixels (WebP, whose decoder keeps several copies) takes it to 1.1 GB.
    memory: int = 5 << 28
    #: Over a child's whole life. It asks to be replaced at half, so that each request has the other half.
    cpu_seconds: int = 10
    requests: int = 200


class Start(TypedDict):
    """The first message to a forkserver."""

    engines: list[str]
    accept_missing: list[str]
    account: tuple[int, int]
    limits: dict[str, int]
