"""How people decide.

May decide: whether a vote counts, whether enough people agree, and what a decision covers. May not decide what the
content is: people do. These are floor rules 3 and 4, to be read aloud:

- Every vote answers the exception question, and a vote to restrict names its ground, law or house rule, and which. If
  an exception applies, the content stays up.
- Two people, the second blind, decide: about an account; about protected accounts; at wide reach; the first time
  something becomes a signal; and about more than 50 at once. Two who disagree are joined by a senior reviewer.
- Nobody votes twice. A vote covers what its voter had in view, and no more.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.case.model import CASES, Case, CaseDecided
from tidegate.content.model import Content, Standing
from tidegate.decision.model import (
    DECISIONS,
    Ballot,
    Decision,
    DecisionUndone,
    Exempt,
    Measure,
    Shown,
    State,
    Vote,
    WhyTwo,
)
from tidegate.decision.policy import MOST_ALONE, Policy
from tidegate.kernel.errors import Malformed, RuleBroken, WrongState
from tidegate.kernel.ids import StaffId
from tidegate.kernel.states import follow
from tidegate.signal.model import Label

#: Two who voted without a decision disagree.
DISAGREEING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """All that a vote is about."""

    case: Case
    contents: Sequence[Content]
    #: Our people already stand behind the signal this case is around.
    signal_confirmed: bool
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What enough people agreed on."""

    measure: Measure
    label: Label | None
    votes: tuple[Vote, ...]
    contents: tuple[Shown, ...]
    people: int


def check_ballot(matter: Matter, ballot: Ballot, votes: Sequence[Vote], voter: StaffId, *, senior: bool) -> None:
    """Accept a vote, or say why it does not count.

    Raises:
        WrongState: the case is decided or closed.
        RuleBroken: the exception question or the ground is missing, the voter voted already, or a third vote is not
            a senior reviewer's.
        Malformed: what was shown is not in this case.
    """
    follow(CASES, matter.case.state, CaseDecided, "case")
    check_voter(votes, voter, senior=senior)
    check_reasons(ballot)
    check_shown(matter, ballot.shown)


def check_shown(matter: Matter, shown: Sequence[Shown]) -> None:
    """Keep a vote to what its voter had in view, as it still is.

    Raises:
        Malformed: nothing was, or it changed or left the case meanwhile.
    """
    present = {Shown(content.id, content.revision) for content in matter.contents}
    if not shown or not set(shown) <= present:
        raise Malformed(
            "You can decide only about what you have in view: reload the case and look again.",
            reference="shown",
        )


def check_voter(votes: Sequence[Vote], voter: StaffId, *, senior: bool) -> None:
    """Say whether a case waits for this person's vote.

    Raises:
        RuleBroken: they voted already, or a third vote is asked of a senior reviewer.
    """
    if any(vote.voter == voter for vote in votes):
        raise RuleBroken("You voted on this case already: someone else must be the second.", reference="rule 4")
    if len(votes) >= DISAGREEING and not senior:
        raise RuleBroken("Two people disagree here: a senior reviewer casts the third vote.", reference="rule 4")


def check_reasons(ballot: Ballot) -> None:
    """Ask for the reasons every decision must give (floor rule 3).

    Raises:
        RuleBroken: one is missing or contradicts another.
    """
    if ballot.exempt is None:
        raise RuleBroken(
            "Answer the exception question: news, research, education, art, countering terrorism, debate, or none.",
            reference="rule 3",
        )
    if not ballot.measure.restricts:
        return
    if ballot.exempt is not Exempt.NONE:
        raise RuleBroken("An exception applies, so the content stays up: vote to keep it.", reference="rule 3")
    if ballot.ground is None or ballot.provision is None:
        raise RuleBroken("Name the ground: law or house rule, and which.", reference="rule 3")
    if ballot.provision.ground is not ballot.ground:
        raise RuleBroken("The provision named is not of the ground named.", reference="rule 3")
    if ballot.label is None:
        raise RuleBroken("Say what the content does, by one label of the closed list.", reference="rule 14")


def people_needed(matter: Matter, measure: Measure, contents: Sequence[Content]) -> int:
    """Say how many people must agree (floor rule 4)."""
    return 2 if why_two(matter, measure, contents) else 1


def why_two(matter: Matter, measure: Measure, contents: Sequence[Content]) -> tuple[WhyTwo, ...]:
    """Say why two people must agree; empty where one is enough. Nothing here depends on what anyone voted."""
    asked = (
        (WhyTwo.ACCOUNT, measure.on_account),
        (WhyTwo.PROTECTED, any(content.account_class.protected for content in contents)),
        (WhyTwo.WIDE_REACH, any(content.reach >= matter.policy.wide_reach for content in contents)),
        (WhyTwo.NEW_SIGNAL, makes_signal(matter, measure)),
        (WhyTwo.MANY, len(contents) > MOST_ALONE),
    )
    return tuple(why for why, holds in asked if holds)


def makes_signal(matter: Matter, measure: Measure) -> bool:
    """Say whether this would be the first decision on something: from then on it is known and enforced."""
    return measure.restricts and not matter.signal_confirmed


def outcome(matter: Matter, votes: Sequence[Vote]) -> Outcome | None:
    """Say what enough people agree on, if they do.

    The number needed is the largest any vote cast asks for, so a second vote is never saved by who came first.
    """
    by_id = {content.id: content for content in matter.contents}

    def seen(vote: Vote) -> list[Content]:
        return [by_id[shown.content] for shown in vote.shown if shown.content in by_id]

    needed = max((people_needed(matter, vote.measure, seen(vote)) for vote in votes), default=1)
    if len({vote.measure for vote in votes}) > 1:
        # What one alone could decide when they voted may be disputed by now: then one alone decides nothing.
        needed = max(needed, DISAGREEING)
    for measure, count in Counter(vote.measure for vote in votes).items():
        agreed = tuple(vote for vote in votes if vote.measure is measure)
        covered = set.intersection(*(set(vote.shown) for vote in agreed))
        if count >= needed and covered:
            return Outcome(
                measure=measure, label=_label(agreed), votes=agreed, contents=tuple(sorted(covered)), people=needed
            )
    return None


def _label(agreed: Sequence[Vote]) -> Label | None:
    """Say what those who agree call it; the word that gives a machine the least power stands (floor rule 1)."""
    labels = [vote.label for vote in agreed]
    return Label.GLORIFIES if Label.GLORIFIES in labels else labels[0]


def second_person_missing(matter: Matter, decision: Decision, covered: Sequence[Shown]) -> bool:
    """Say whether what changed since the votes, such as a wider reach, needs a person more (floor rule 4)."""
    ids = {shown.content for shown in covered}
    contents = [content for content in matter.contents if content.id in ids]
    return people_needed(matter, decision.measure, contents) > decision.people


def check_undo(decision: Decision, by: StaffId, now: datetime) -> None:
    """Let one of those who decided take it back in time.

    Raises:
        WrongState: it was issued or undone already, or its time has passed.
        RuleBroken: it is not theirs to undo.
    """
    follow(DECISIONS, decision.state, DecisionUndone, "decision")
    if by not in decision.voters:
        raise RuleBroken("Only someone who voted for this decision can undo it.", reference="rule 4")
    if now >= decision.issue_at:
        raise WrongState("The time to undo has passed: the decision takes effect. A complaint can still reverse it.")


def may_issue(decision: Decision, now: datetime) -> bool:
    """Say whether the undo time has passed."""
    return decision.state is State.MADE and decision.issue_at <= now


def covered_at_issue(case: Case, decision: Decision, contents: Sequence[Content]) -> tuple[Shown, ...]:
    """Freeze the list: what voters saw and is still the same, with the same words and the same kind of account."""
    same = {
        Shown(content.id, content.revision)
        for content in contents
        if content.id in case.members
        and content.standing is not Standing.ERASED
        and content.caption == case.caption
        and content.account_class == case.account_class
    }
    return tuple(shown for shown in decision.contents if shown in same)
