"""Verdicts and holds. May decide: nothing; these are values, events and the table of a hold's life."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import AppealId, ContentId, DecisionId, StaffId
from tidegate.match.model import Match
from tidegate.signal.model import Label


class VerdictKind(StrEnum):
    CLEAR = "clear"
    REVIEW = "review"
    HOLD = "hold"
    UNCHECKED = "unchecked"


class Reason(StrEnum):
    """Why this verdict. The last four are those of ``unchecked`` (floor rule 2)."""

    EXACT_MATCH = "exact_match"
    LOOK_ALIKE = "look_alike"
    DECIDED_BEFORE = "decided_before"
    PROTECTED_ACCOUNT = "protected_account"
    CLOSED_GROUP = "closed_group"
    UNCONFIRMED_SIGNAL = "unconfirmed_signal"
    DISPUTED_SIGNAL = "disputed_signal"
    GLORIFICATION_ALONE = "glorification_alone"
    HOLD_USED_UP = "hold_used_up"
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    ENGINE_DOWN = "engine_down"


#: What is tried again by itself; of the other two, people see a sample (floor rule 2).
RETRIED = frozenset({Reason.TIMEOUT, Reason.ENGINE_DOWN})


class HoldState(StrEnum):
    HELD = "held"
    LAPSED = "lapsed"
    RELEASED = "released"
    CONFIRMED = "confirmed"
    REPLACED = "replaced"


#: state -> what may happen to a hold -> next state. All but ``held`` are final.
HOLDS: dict[HoldState, dict[str, HoldState]] = {
    HoldState.HELD: {
        "verdict.hold_lapsed": HoldState.LAPSED,
        "verdict.hold_released": HoldState.RELEASED,
        "verdict.hold_confirmed": HoldState.CONFIRMED,
        "verdict.given": HoldState.REPLACED,
    },
    HoldState.LAPSED: {},
    HoldState.RELEASED: {},
    HoldState.CONFIRMED: {},
    HoldState.REPLACED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The immediate answer to an upload; ``held_until`` only for a hold."""

    kind: VerdictKind
    reason: Reason | None = None
    matches: tuple[Match, ...] = ()
    held_until: datetime | None = None
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One stretch of held time."""

    content: ContentId
    revision: int
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    state: HoldState


@event("verdict.given")
class VerdictGiven(Event):
    """``position`` is that of the newest signal it was matched against."""

    content: ContentId
    revision: int
    verdict: VerdictKind
    reason: Reason | None
    position: int
    matches: tuple[Match, ...]
    held_until: datetime | None
    #: Someone must look: always for review and hold, by sample for what could not be checked.
    for_people: bool


@event("verdict.hold_lapsed")
class HoldLapsed(Event):
    """Nobody decided in time. From here on only a person can restrict it again."""

    content: ContentId
    revision: int


@event("verdict.hold_released")
class HoldReleased(Event):
    """People looked and let it go, or judged a complaint about the hold."""

    content: ContentId
    revision: int
    decision: DecisionId | None
    appeal: AppealId | None


@event("verdict.hold_confirmed")
class HoldConfirmed(Event):
    """People decided to remove it."""

    content: ContentId
    revision: int
    decision: DecisionId


@event("verdict.bytes_remembered")
class BytesRemembered(Event):
    """People decided to remove these bytes; should they come back, they are held for people to decide again."""

    content: ContentId
    revision: int
    decision: DecisionId
    label: Label


@event("verdict.bytes_forgotten")
class BytesForgotten(Event):
    """The decision was reversed, or another took its place: because of it these bytes are no longer held anywhere."""

    content: ContentId
    decision: DecisionId


@event("verdict.bytes_doubted")
class BytesDoubted(Event):
    """People look again at this decision: meanwhile no machine holds these bytes anywhere else because of it."""

    content: ContentId
    decision: DecisionId


@event("verdict.removed_sent_again")
class RemovedSentAgain(Event):
    """The platform sent again, unchanged, what people removed there: their decision stands, and it is told so."""

    content: ContentId
    revision: int


@event("verdict.bytes_allowed")
class BytesAllowed(Event):
    """People found that this uploader may show these bytes: there, a machine never holds them again (floor rule 1)."""

    content: ContentId
    revision: int


@event("verdict.look_alike_holds_switched")
class LookAlikeHoldsSwitched(Event):
    """Two people let look-alikes be held too (floor rules 1 and 4), or one person ended that."""

    by: StaffId
    second: StaffId | None
    on: bool
