"""Instructions to the platform.

May decide: nothing; these are values, events and two tables: what may follow on what for a content, and the life of an
instruction. An instruction carries a sequence per content: the platform ignores lower ones, and a newer one supersedes
those not delivered yet.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import AppealId, ContentId, DecisionId, InstructionId, NoticeId, ServiceId


class Action(StrEnum):
    """What the platform is asked to do."""

    HOLD = "hold"
    RELEASE = "release"
    REMOVE = "remove"
    RESTORE = "restore"
    SUSPEND_ACCOUNT = "suspend_account"
    TERMINATE_ACCOUNT = "terminate_account"
    REINSTATE_ACCOUNT = "reinstate_account"


class Restriction(StrEnum):
    """What the platform should be doing with a content."""

    NONE = "none"
    HELD = "held"
    REMOVED = "removed"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_TERMINATED = "account_terminated"


#: restriction -> action -> next restriction. Measures on an account include the content.
RESTRICTIONS: dict[Restriction, dict[Action, Restriction]] = {
    Restriction.NONE: {
        Action.HOLD: Restriction.HELD,
        Action.REMOVE: Restriction.REMOVED,
        Action.SUSPEND_ACCOUNT: Restriction.ACCOUNT_SUSPENDED,
        Action.TERMINATE_ACCOUNT: Restriction.ACCOUNT_TERMINATED,
    },
    Restriction.HELD: {
        Action.HOLD: Restriction.HELD,
        Action.RELEASE: Restriction.NONE,
        Action.REMOVE: Restriction.REMOVED,
        Action.SUSPEND_ACCOUNT: Restriction.ACCOUNT_SUSPENDED,
        Action.TERMINATE_ACCOUNT: Restriction.ACCOUNT_TERMINATED,
    },
    Restriction.REMOVED: {
        Action.HOLD: Restriction.HELD,
        Action.RESTORE: Restriction.NONE,
        Action.REMOVE: Restriction.REMOVED,
        Action.SUSPEND_ACCOUNT: Restriction.ACCOUNT_SUSPENDED,
        Action.TERMINATE_ACCOUNT: Restriction.ACCOUNT_TERMINATED,
    },
    Restriction.ACCOUNT_SUSPENDED: {
        Action.SUSPEND_ACCOUNT: Restriction.ACCOUNT_SUSPENDED,
        Action.REINSTATE_ACCOUNT: Restriction.NONE,
        Action.TERMINATE_ACCOUNT: Restriction.ACCOUNT_TERMINATED,
    },
    Restriction.ACCOUNT_TERMINATED: {
        Action.TERMINATE_ACCOUNT: Restriction.ACCOUNT_TERMINATED,
        Action.REINSTATE_ACCOUNT: Restriction.NONE,
    },
}


class State(StrEnum):
    """The life of an instruction."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    SUPERSEDED = "superseded"
    UNDELIVERED = "undelivered"


#: state -> what may happen to an instruction -> next state. A dead letter can still be acknowledged, or sent again.
INSTRUCTIONS: dict[State, dict[str, State]] = {
    State.WAITING: {
        "enforcement.acknowledged": State.ACKNOWLEDGED,
        "enforcement.superseded": State.SUPERSEDED,
        "enforcement.undelivered": State.UNDELIVERED,
    },
    State.ACKNOWLEDGED: {},
    State.SUPERSEDED: {},
    State.UNDELIVERED: {
        "enforcement.acknowledged": State.ACKNOWLEDGED,
        "enforcement.superseded": State.SUPERSEDED,
        "enforcement.resent": State.WAITING,
    },
}


class Problem(StrEnum):
    """What came of an attempt to deliver in vain."""

    NO_ADDRESS = "no_address"
    NO_ANSWER = "no_answer"
    TOO_SLOW = "too_slow"
    OTHER_STATUS = "other_status"
    NO_ACKNOWLEDGEMENT = "no_acknowledgement"


class Cause(StrEnum):
    """Why an instruction is given."""

    MATCH = "match"
    DECISION = "decision"
    TIME_LIMIT = "time_limit"
    APPEAL = "appeal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """An instruction as the view knows it."""

    id: InstructionId
    content: ContentId
    service: ServiceId
    position: int
    sequence: int
    action: Action
    cause: Cause
    state: State
    given_at: datetime
    #: Since when it waits for its acknowledgement: given, or sent again.
    waiting_since: datetime
    expires_at: datetime | None
    notice: NoticeId | None
    decision: DecisionId | None


@event("enforcement.instructed")
class Instructed(Event):
    """``position`` numbers all instructions without a gap; ``sequence`` those about one content."""

    instruction: InstructionId
    content: ContentId
    service: ServiceId
    position: int
    sequence: int
    action: Action
    cause: Cause
    expires_at: datetime | None
    notice: NoticeId | None
    decision: DecisionId | None
    appeal: AppealId | None


@event("enforcement.acknowledged")
class Acknowledged(Event):
    """The platform says it did it; ``applied`` is false when a newer instruction made it moot there."""

    instruction: InstructionId
    content: ContentId
    applied: bool


@event("enforcement.superseded")
class Superseded(Event):
    instruction: InstructionId
    by: InstructionId


@event("enforcement.undelivered")
class Undelivered(Event):
    """Three days of trying did not reach the platform: a dead letter, shown to people."""

    instruction: InstructionId


@event("enforcement.resent")
class Resent(Event):
    instruction: InstructionId
