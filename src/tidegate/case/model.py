"""Cases: what people must look at together.

May decide: nothing; these are values, events and the table of a case's life. A case is a star: every member is within
the radius of one anchor (a signal, or one content), never chained. Members share caption and account class, so that
nobody decides about words or an account they did not see; others are cases of their own.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.content.model import AccountClass
from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import CaseId, ContentId, DecisionId, SignalId, StaffId


class Reason(StrEnum):
    """Why people must look."""

    EXACT_MATCH = "exact_match"
    LOOK_ALIKE = "look_alike"
    DECIDED_BEFORE = "decided_before"
    FLAG = "flag"
    UNCHECKED = "unchecked"
    SIGNAL_WITHDRAWN = "signal_withdrawn"


class HeadStart(StrEnum):
    """Why a case stands before others that were opened earlier."""

    WIDEST_REACH = "widest_reach"
    WIDE_REACH = "wide_reach"
    EXACT = "exact"
    NEAR = "near"
    FAR = "far"
    TRUSTED_REPORTS = "trusted_reports"
    REPORTS = "reports"
    PROTECTED_ACCOUNT = "protected_account"
    SIGNAL_WITHDRAWN = "signal_withdrawn"


class State(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    CLOSED = "closed"


#: state -> what may happen to a case -> next state. A decided case waits for its decision to be issued or undone.
CASES: dict[State, dict[str, State]] = {
    State.OPEN: {
        "case.joined": State.OPEN,
        "case.left": State.OPEN,
        "case.claimed": State.OPEN,
        "case.let_go": State.OPEN,
        "case.decided": State.DECIDED,
        "case.closed": State.CLOSED,
    },
    State.DECIDED: {
        "case.joined": State.DECIDED,
        "case.left": State.DECIDED,
        "case.reopened": State.OPEN,
        "case.closed": State.CLOSED,
    },
    State.CLOSED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """What a case's place in the queue rests on, besides when it was opened."""

    reason: Reason
    account_class: AccountClass
    #: Of the member that reaches most people.
    reach: int = 0
    #: Of the member nearest to the anchor.
    distance: int | None = None
    #: Not yet answered; those of trusted flaggers are not among ``reports``.
    reports: int = 0
    trusted_reports: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """A case as the view knows it, but for its members, of which there may be thousands.

    A claim whose time is over counts for nothing.
    """

    id: CaseId
    state: State
    reason: Reason
    signal: SignalId | None
    content: ContentId | None
    account_class: AccountClass
    caption: bytes | None
    opened_at: datetime
    size: int = 0
    claimed_by: StaffId | None = None
    claimed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(CaseFacts):
    """A case with all its members."""

    members: tuple[ContentId, ...]


@event("case.opened")
class CaseOpened(Event):
    """The anchor is a signal or a content; ``first`` is the member whose caption and account class the case has."""

    case: CaseId
    reason: Reason
    signal: SignalId | None
    content: ContentId | None
    first: ContentId
    account_class: AccountClass


@event("case.joined")
class CaseJoined(Event):
    case: CaseId
    content: ContentId
    distance: int


@event("case.left")
class CaseLeft(Event):
    """It changed, or the decision did not cover it; it is looked at elsewhere or needs no look."""

    case: CaseId
    content: ContentId


@event("case.claimed")
class CaseClaimed(Event):
    """Someone is on it until then, so that two people do not do the same work."""

    case: CaseId
    by: StaffId
    until: datetime


@event("case.let_go")
class CaseLetGo(Event):
    """They are on it no more: they voted, or left it to others."""

    case: CaseId
    by: StaffId


@event("case.decided")
class CaseDecided(Event):
    case: CaseId
    decision: DecisionId


@event("case.reopened")
class CaseReopened(Event):
    case: CaseId
    decision: DecisionId


@event("case.closed")
class CaseClosed(Event):
    case: CaseId
    decision: DecisionId | None
