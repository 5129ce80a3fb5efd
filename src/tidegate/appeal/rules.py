"""How complaints are decided.

May decide: whether a complaint may be filed, who may judge it, and when enough have. Floor rule 6, to be read aloud:

- A complaint is decided by people who did not vote for what it is about, never by a machine.
- As many people as decided must agree on the outcome: what two decided, one alone does not confirm or undo.
- Every judgement gives its reasons in words.

And what would follow from each outcome, so that a judge sees it before judging.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.appeal.model import APPEALS, Appeal, AppealVoteCast, Outcome, State
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.decision.model import Decision
from tidegate.kernel.errors import Malformed, RuleBroken, WrongState
from tidegate.kernel.ids import ContentId, SignalId, StaffId
from tidegate.kernel.states import follow

#: Regulation (EU) 2021/784 Article 10: within two weeks of receipt.
DUE_IN = timedelta(weeks=2)
MOST_WORDS = 5_000
MOST_EVIDENCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """What is in force that a complaint could undo."""

    #: The decision it is about; None when it is about a machine's hold.
    decision: Decision | None
    #: Contents of that decision that are still restricted by one.
    restricted: Sequence[ContentId]
    #: What that decision made known, and is still known.
    signals: Sequence[SignalId]
    #: A machine's hold is running on the content.
    held: bool
    #: How many reports each of them answered.
    reports: Mapping[ContentId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What an outcome does, all of it at once."""

    #: Contents shown again; the one complained about among them.
    shown_again: int = 0
    account_back: bool = False
    signals_withdrawn: int = 0
    hold_ends: bool = False
    reports_answered: int = 0
    #: The bytes are held no more when this uploader shows them again.
    bytes_allowed: bool = False

    @property
    def nothing(self) -> bool:
        """Say whether everything stays as it is."""
        return self == Consequences()


def check_filing(*, complaint_until: datetime, open_already: bool, decided_already: bool, now: datetime) -> None:
    """Accept a complaint, or say why not.

    Raises:
        WrongState: the window is over, or a complaint about this notice is open or was decided.
    """
    if open_already:
        raise WrongState("Your complaint is with us already: this page shows what becomes of it.")
    if decided_already:
        raise WrongState("Your complaint was decided. The page says where else you can turn.")
    if now > complaint_until:
        raise WrongState("The time to complain here is over. The page says where else you can turn.")


def check_complaint(words: str, evidence: int) -> None:
    """Accept what a person says and how many pictures they send.

    Raises:
        Malformed: nothing said, too much, too many pictures, or not in normal form C.
    """
    check_text("words", words, most=MOST_WORDS_BYTES, needed=True)
    if len(words) > MOST_WORDS:
        raise Malformed("words may be at most %(most)s characters.", values={"most": MOST_WORDS}, reference="words")
    if evidence > MOST_EVIDENCE:
        raise Malformed(
            "At most %(most)s pictures can come with a complaint.", values={"most": MOST_EVIDENCE}, reference="files"
        )


def check_judge(
    appeal: Appeal, decisions: Sequence[Decision], judge: StaffId, words: str, *, voted: Collection[StaffId] = ()
) -> None:
    """Let other people judge, with reasons.

    Args:
        appeal: the complaint.
        decisions: what it is about.
        judge: who wants to judge it.
        words: their reasons.
        voted: everyone whose vote about the content stands, whichever way, decided yet or not.

    Raises:
        WrongState: it was decided meanwhile.
        RuleBroken: they voted on what it is about, judged it already, or gave no reasons.
    """
    follow(APPEALS, appeal.state, AppealVoteCast, "complaint")
    if judge in voted or any(judge in decision.voters for decision in decisions):
        raise RuleBroken("You voted on what this complaint is about: others judge it.", reference="rule 6")
    if any(judge == voter for voter, _ in appeal.votes):
        raise RuleBroken("You judged this complaint already.", reference="rule 6")
    if not words.strip():
        raise RuleBroken("Give the reasons of your judgement in words the person can understand.", reference="rule 6")


def outcome(appeal: Appeal, people: int) -> Outcome | None:
    """Say what enough people agree on, if they do.

    The two ways of being right count together for undoing; the narrower then stands, unless as many agree on the wider.
    """
    votes = Counter(found for _, found in appeal.votes)
    right = votes[Outcome.NOT_TERRORIST] + votes[Outcome.USE_ALLOWED]
    # Judges who disagree are joined by a third, even where one alone would do.
    needed = max(people, 2 if right and votes[Outcome.UPHELD] else 1)
    for found in (Outcome.UPHELD, Outcome.NOT_TERRORIST, Outcome.USE_ALLOWED):
        if votes[found] >= needed:
            return found
    if right >= needed:
        return Outcome.USE_ALLOWED
    return None


def consequences(found: Outcome, appeal: Appeal, present: Restrictions) -> Consequences:
    """Say what an outcome would do as things stand; ``flow.carry_out_judgement`` does it."""
    if found is Outcome.UPHELD:
        return Consequences()
    decision = present.decision
    if decision is None:
        return Consequences(shown_again=int(present.held), hold_ends=present.held)
    whole = found is Outcome.NOT_TERRORIST
    back = [content for content in present.restricted if whole or content == appeal.content]
    return Consequences(
        shown_again=len(back),
        account_back=decision.measure.on_account and bool(back),
        signals_withdrawn=len(present.signals) if whole else 0,
        reports_answered=sum(present.reports.get(content, 0) for content in back),
        bytes_allowed=bool(back),
    )


def late(appeal: Appeal, now: datetime) -> bool:
    """Say whether an appeal is past its clock (floor rule 11)."""
    return appeal.state is State.OPEN and appeal.due_at < now
