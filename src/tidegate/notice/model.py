"""Notices. May decide: nothing.

A notice goes to the person whose content was restricted, by a link only they get. It carries the statement of reasons
(Regulation (EU) 2022/2065 Article 17(3)) and the way to complain.
"""

from datetime import datetime
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import ContentId, DecisionId, NoticeId


class Cause(StrEnum):
    HOLD = "hold"
    DECISION = "decision"


class Ended(StrEnum):
    """How the restriction a notice was about came to its end."""

    LAPSED = "lapsed"
    RELEASED = "released"
    REVERSED = "reversed"
    REPLACED = "replaced"


class State(StrEnum):
    STANDING = "standing"
    ENDED = "ended"


#: state -> what may happen to a notice -> next state
NOTICES: dict[State, dict[str, State]] = {
    State.STANDING: {"notice.ended": State.ENDED},
    State.ENDED: {},
}


@event("notice.issued")
class NoticeIssued(Event):
    """The statement itself is sealed with the content."""

    notice: NoticeId
    content: ContentId
    revision: int
    cause: Cause
    decision: DecisionId | None
    complaint_until: datetime


@event("notice.ended")
class NoticeEnded(Event):
    """The restriction is over; the same link says so."""

    notice: NoticeId
    ended: Ended


@event("notice.read")
class NoticeRead(Event):
    """The link was opened for the first time."""

    notice: NoticeId
