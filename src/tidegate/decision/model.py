"""Votes and decisions.

May decide: nothing; these are values, events and the table of a decision's life. A decision is made by votes, issued
after the undo time over a frozen list of content, and immutable: it is changed only by a new one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.case.model import Reason
from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import AppealId, CaseId, ContentId, DecisionId, SignalId, StaffId, VoteId
from tidegate.signal.model import Label


class Measure(StrEnum):
    """What is to happen. The last two include removing the content."""

    KEEP = "keep"
    REMOVE = "remove"
    SUSPEND_ACCOUNT = "suspend_account"
    TERMINATE_ACCOUNT = "terminate_account"

    @property
    def restricts(self) -> bool:
        """Say whether anything is taken from anyone."""
        return self is not Measure.KEEP

    @property
    def on_account(self) -> bool:
        """Say whether the whole account is concerned (floor rule 4)."""
        return self in {Measure.SUSPEND_ACCOUNT, Measure.TERMINATE_ACCOUNT}


class Ground(StrEnum):
    """On what a decision rests (floor rule 3)."""

    LAW = "law"
    HOUSE_RULE = "house_rule"


class Provision(StrEnum):
    """Which law or which house rule (floor rule 3)."""

    TCO_2_7_A = "tco_2_7_a"
    TCO_2_7_B = "tco_2_7_b"
    TCO_2_7_C = "tco_2_7_c"
    TCO_2_7_D = "tco_2_7_d"
    TCO_2_7_E = "tco_2_7_e"
    HOUSE_TERRORIST_CONTENT = "house_terrorist_content"
    HOUSE_PERPETRATOR_CONTENT = "house_perpetrator_content"

    @property
    def ground(self) -> Ground:
        """Say whether this is law or a house rule."""
        return Ground.HOUSE_RULE if self.value.startswith("house_") else Ground.LAW


class Exempt(StrEnum):
    """The exception question (floor rule 3; Regulation (EU) 2021/784 Article 1(3)): what is the true purpose?"""

    NONE = "none"
    NEWS = "news"
    RESEARCH = "research"
    EDUCATION = "education"
    ART = "art"
    COUNTERING = "countering"
    PUBLIC_DEBATE = "public_debate"


#: What a provision names, as one may find it done. Where it is one thing, nobody needs to be asked.
LABELS: dict[Provision, tuple[Label, ...]] = {
    # To glorify and otherwise to incite differ in what a machine may do with it later (floor rule 1): people say which.
    Provision.TCO_2_7_A: (Label.INCITES, Label.GLORIFIES),
    Provision.TCO_2_7_B: (Label.SOLICITS_OFFENCE,),
    Provision.TCO_2_7_C: (Label.SOLICITS_GROUP,),
    Provision.TCO_2_7_D: (Label.INSTRUCTS,),
    Provision.TCO_2_7_E: (Label.THREATENS,),
    Provision.HOUSE_TERRORIST_CONTENT: tuple(Label),
    Provision.HOUSE_PERPETRATOR_CONTENT: (Label.PERPETRATOR,),
}


class WhyTwo(StrEnum):
    """Why two people must agree (floor rule 4)."""

    ACCOUNT = "account"
    PROTECTED = "protected"
    WIDE_REACH = "wide_reach"
    NEW_SIGNAL = "new_signal"
    MANY = "many"


class State(StrEnum):
    MADE = "made"
    UNDONE = "undone"
    ISSUED = "issued"
    REVERSED = "reversed"


#: state -> what may happen to a decision -> next state
DECISIONS: dict[State, dict[str, State]] = {
    State.MADE: {"decision.undone": State.UNDONE, "decision.issued": State.ISSUED},
    State.UNDONE: {},
    State.ISSUED: {"decision.reversed": State.REVERSED},
    # A decision over many may be reversed for one, and later for another.
    State.REVERSED: {"decision.reversed": State.REVERSED},
}


@dataclass(frozen=True, slots=True, order=True)
class Shown:
    """One revision of a content, as a voter had it in view."""

    content: ContentId
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One person's judgement: all of it is asked for, none of it assumed."""

    measure: Measure
    exempt: Exempt | None
    ground: Ground | None
    provision: Provision | None
    label: Label | None
    shown: tuple[Shown, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A vote that counts."""

    id: VoteId
    voter: StaffId
    measure: Measure
    ground: Ground | None
    provision: Provision | None
    exempt: Exempt
    label: Label | None
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision as the view knows it."""

    id: DecisionId
    case: CaseId
    state: State
    measure: Measure
    ground: Ground | None
    provision: Provision | None
    exempt: Exempt
    label: Label | None
    reason: Reason
    people: int
    new_signal: bool
    contents: tuple[Shown, ...]
    voters: tuple[StaffId, ...]
    issue_at: datetime


@event("decision.vote_cast")
class VoteCast(Event):
    """Why, in words, is sealed."""

    vote: VoteId
    case: CaseId
    voter: StaffId
    measure: Measure
    ground: Ground | None
    provision: Provision | None
    exempt: Exempt
    label: Label | None
    shown: tuple[Shown, ...]


@event("decision.vote_withdrawn")
class VoteWithdrawn(Event):
    vote: VoteId
    case: CaseId


@event("decision.made")
class DecisionMade(Event):
    """Enough people agree; it takes effect when the undo time has passed."""

    decision: DecisionId
    case: CaseId
    reason: Reason
    measure: Measure
    ground: Ground | None
    provision: Provision | None
    exempt: Exempt
    label: Label | None
    people: int
    new_signal: bool
    votes: tuple[VoteId, ...]
    voters: tuple[StaffId, ...]
    contents: tuple[Shown, ...]
    issue_at: datetime


@event("decision.undone")
class DecisionUndone(Event):
    """Taken back in time, by one who voted; or by no one, because one person more turned out to be needed."""

    decision: DecisionId
    case: CaseId
    by: StaffId | None


@event("decision.issued")
class DecisionIssued(Event):
    """From here on it is in force, over exactly these contents."""

    decision: DecisionId
    case: CaseId
    reason: Reason
    measure: Measure
    ground: Ground | None
    provision: Provision | None
    exempt: Exempt
    label: Label | None
    people: int
    new_signal: bool
    contents: tuple[Shown, ...]


@event("decision.reversed")
class DecisionReversed(Event):
    """Other people judged a complaint and found it wrong: for these contents, or, when ``whole``, altogether."""

    decision: DecisionId
    appeal: AppealId
    contents: tuple[ContentId, ...]
    whole: bool
    signals: tuple[SignalId, ...]
