"""Flags. May decide: nothing. A flag asks people to look; it restricts nothing by itself."""

from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import ContentId, DecisionId, FlagId, ServiceId
from tidegate.signal.model import Label


class Outcome(StrEnum):
    REMOVED = "removed"
    LEFT_UP = "left_up"


class State(StrEnum):
    RAISED = "raised"
    ANSWERED = "answered"


#: state -> what may happen to a flag -> next state; a later decision answers again.
FLAGS: dict[State, dict[str, State]] = {
    State.RAISED: {"flag.answered": State.ANSWERED},
    State.ANSWERED: {"flag.answered": State.ANSWERED},
}


@event("flag.raised")
class FlagRaised(Event):
    """Who reported it and in which words is sealed."""

    flag: FlagId
    content: ContentId
    service: ServiceId
    label: Label | None
    trusted: bool


@event("flag.answered")
class FlagAnswered(Event):
    flag: FlagId
    outcome: Outcome
    decision: DecisionId
