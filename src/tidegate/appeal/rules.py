"""How complaints are decided.

May decide: whether a complaint may be filed, who may judge it, and when enough have. Floor rule 6, to be read aloud:

- A complaint is decided by people who did not vote for what it is about, never by a machine.
- As many people as decided must agree on the outcome: what two decided, one alone does not confirm or undo.
- Every judgement gives its reasons in words.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tidegate.appeal.model import APPEALS, Appeal, AppealVoteCast, Outcome, State
from tidegate.decision.model import Decision
from tidegate.kernel.errors import RuleBroken, WrongState
from tidegate.kernel.ids import StaffId
from tidegate.kernel.states import follow

#: Regulation (EU) 2021/784 Article 10: within two weeks of receipt.
DUE_IN = timedelta(weeks=2)


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


def late(appeal: Appeal, now: datetime) -> bool:
    """Say whether an appeal is past its clock (floor rule 11)."""
    return appeal.state is State.OPEN and appeal.due_at < now
