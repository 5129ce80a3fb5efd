"""Which content is looked at together.

May decide: whether a content belongs to a case, in which order cases are looked at, and who is on one. May not decide
anything about the content.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tidegate.case.model import CASES, CaseClaimed, CaseFacts, HeadStart, Reason, Urgency
from tidegate.content.model import Content
from tidegate.kernel.errors import WrongState
from tidegate.kernel.ids import CaseId, StaffId
from tidegate.kernel.states import follow
from tidegate.match.model import PDQ_RADIUS, Match, Where
from tidegate.verdict.model import Reason as VerdictReason
from tidegate.verdict.model import VerdictKind

_WIDEST_REACH = 100_000
_WIDE_REACH = 10_000
#: Half the radius within which two pictures look alike.
_NEAR = PDQ_RADIUS // 2
#: What counts as far.
FARTHEST = PDQ_RADIUS
_TRUSTED_REPORT_HOURS, _TRUSTED_REPORTS_MOST = 12, 24
_REPORT_HOURS, _REPORTS_MOST = 2, 12

CLAIM_LIFE = timedelta(minutes=10)
#: More than a person works on at once.
MOST_CLAIMS = 5


def nearest_of(matches: Sequence[Match]) -> Match | None:
    """Give the match a content is grouped and placed by: one that the second hash doubts only if there is no other.

    One beside it groups nothing: the same words stand beside quite unlike things.
    """
    own = [match for match in matches if match.where is Where.CONTENT]
    return min(own, key=lambda match: match.doubtful, default=None)


def counted_distance(match: Match) -> int:
    """Say how far a match counts: one that the second hash doubts counts as far, however near it is."""
    return max(match.distance, FARTHEST) if match.doubtful else match.distance


def belongs(case: CaseFacts, content: Content) -> bool:
    """Say whether a content has the words and the kind of account this case is about."""
    return content.account_class == case.account_class and content.caption == case.caption


def reason_of(verdict: VerdictKind, reason: VerdictReason | None, *, exact: bool, matched: bool) -> Reason:
    """Say why people must look at a content with this verdict."""
    if verdict is VerdictKind.UNCHECKED:
        return Reason.UNCHECKED
    if reason is VerdictReason.DECIDED_BEFORE or not matched:
        return Reason.DECIDED_BEFORE
    return Reason.EXACT_MATCH if exact else Reason.LOOK_ALIKE


# --- the queue ---


def head_starts(urgency: Urgency) -> tuple[tuple[HeadStart, int], ...]:
    """Say by how many hours a case stands before one opened at the same time, and why.

    An hour of head start weighs as much as an hour of waiting, and all of them together are few days: whatever waits
    comes to the front.
    """
    trusted = min(urgency.trusted_reports * _TRUSTED_REPORT_HOURS, _TRUSTED_REPORTS_MOST)
    reports = min(urgency.reports * _REPORT_HOURS, _REPORTS_MOST)
    every = (
        *_by_reach(urgency.reach),
        *_by_match(urgency),
        (HeadStart.TRUSTED_REPORTS, trusted),
        (HeadStart.REPORTS, reports),
        # Wrongly removing what the press or a parliament shows does the most harm.
        (HeadStart.PROTECTED_ACCOUNT, 24 if urgency.account_class.protected else 0),
        # Someone is restricted by what no longer stands.
        (HeadStart.SIGNAL_WITHDRAWN, 24 if urgency.reason is Reason.SIGNAL_WITHDRAWN else 0),
    )
    return tuple((cause, hours) for cause, hours in every if hours)


def _by_reach(reach: int) -> tuple[tuple[HeadStart, int], ...]:
    if reach >= _WIDEST_REACH:
        return ((HeadStart.WIDEST_REACH, 48),)
    return ((HeadStart.WIDE_REACH, 24),) if reach >= _WIDE_REACH else ()


def _by_match(urgency: Urgency) -> tuple[tuple[HeadStart, int], ...]:
    if urgency.reason in {Reason.EXACT_MATCH, Reason.DECIDED_BEFORE}:
        return ((HeadStart.EXACT, 12),)
    if urgency.reason is not Reason.LOOK_ALIKE or urgency.distance is None:
        return ()
    return ((HeadStart.NEAR, 8),) if urgency.distance <= _NEAR else ((HeadStart.FAR, 2),)


def place(opened_at: datetime, urgency: Urgency) -> datetime:
    """Say where a case stands: when it was opened, less its head starts."""
    return opened_at - timedelta(hours=sum(hours for _, hours in head_starts(urgency)))


def turn(held_until: datetime | None, place: datetime, case: CaseId) -> tuple[bool, datetime, datetime, CaseId]:
    """Give the key by which the queue is ordered.

    While a hold runs someone is restricted by a machine, so what is held comes first, the soonest to lapse first.
    """
    return held_until is None, held_until or place, place, case


# --- claims ---


def check_claim(case: CaseFacts, person: StaffId, now: datetime, *, others: int) -> None:
    """Let someone say that they are on a case, or go on being.

    Args:
        case: the case as it is.
        person: who claims it.
        now: the time.
        others: how many other cases they are on.

    Raises:
        WrongState: it is decided or closed, someone else is on it, or they are on too many.
    """
    follow(CASES, case.state, CaseClaimed, "case")
    check_free(case, person, now)
    if others >= MOST_CLAIMS:
        raise WrongState(
            "You are on %(most)s cases already: vote on one or let one go first.", values={"most": MOST_CLAIMS}
        )


def check_free(case: CaseFacts, person: StaffId, now: datetime) -> None:
    """Keep two people from doing the same work.

    Raises:
        WrongState: someone else is on this case.
    """
    if claim_runs(case, now) and case.claimed_by != person:
        assert case.claimed_until is not None
        until = case.claimed_until.astimezone(UTC)
        raise WrongState(
            "Someone is on this case until %(until)s UTC: take the next one.",
            values={"until": f"{until:%H:%M}"},
            reference="claim",
        )


def claim_runs(case: CaseFacts, now: datetime) -> bool:
    """Say whether someone is on a case."""
    return case.claimed_until is not None and now < case.claimed_until
