"""Appeals: a complaint and its outcome. May decide: nothing; values, events and the table of an appeal's life."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import AppealId, ContentId, DecisionId, NoticeId, StaffId


class Outcome(StrEnum):
    """What other people find.

    ``use_allowed``: the content may be what it was said to be, but this use of it is allowed (news, research ...).
    ``not_terrorist``: it never was terrorist content; everything that rested on the decision is undone.
    """

    UPHELD = "upheld"
    USE_ALLOWED = "use_allowed"
    NOT_TERRORIST = "not_terrorist"


class State(StrEnum):
    OPEN = "open"
    DECIDED = "decided"


#: state -> what may happen to an appeal -> next state
APPEALS: dict[State, dict[str, State]] = {
    State.OPEN: {
        "appeal.evidence_added": State.OPEN,
        "appeal.vote_cast": State.OPEN,
        "appeal.decided": State.DECIDED,
    },
    State.DECIDED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal as the view knows it."""

    id: AppealId
    notice: NoticeId
    content: ContentId
    state: State
    outcome: Outcome | None
    opened_at: datetime
    due_at: datetime
    #: How many pictures came with it, numbered from 1.
    evidence: int
    votes: tuple[tuple[StaffId, Outcome], ...]


@event("appeal.opened")
class AppealOpened(Event):
    """What the person says, and how to reach them, is sealed."""

    appeal: AppealId
    notice: NoticeId
    content: ContentId
    due_at: datetime


@event("appeal.evidence_added")
class AppealEvidenceAdded(Event):
    """A picture came with the complaint; it is sealed with the content."""

    appeal: AppealId
    content: ContentId
    number: int


@event("appeal.vote_cast")
class AppealVoteCast(Event):
    """The written reason is sealed."""

    appeal: AppealId
    voter: StaffId
    outcome: Outcome


@event("appeal.decided")
class AppealDecided(Event):
    appeal: AppealId
    notice: NoticeId
    content: ContentId
    decision: DecisionId | None
    outcome: Outcome
    people: int
