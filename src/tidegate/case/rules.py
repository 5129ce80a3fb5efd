"""Which content is looked at together.

May decide: whether a content belongs to a case, and in which order cases are looked at. May not decide anything about
the content.
"""

from collections.abc import Sequence
from datetime import datetime

from tidegate.case.model import Case, Reason
from tidegate.content.model import Content
from tidegate.verdict.model import Reason as VerdictReason
from tidegate.verdict.model import VerdictKind


def belongs(case: Case, content: Content) -> bool:
    """Say whether a content has the words and the kind of account this case is about."""
    return content.account_class == case.account_class and content.caption == case.caption


def reason_of(verdict: VerdictKind, reason: VerdictReason | None, *, exact: bool, matched: bool) -> Reason:
    """Say why people must look at a content with this verdict."""
    if verdict is VerdictKind.UNCHECKED:
        return Reason.UNCHECKED
    if reason is VerdictReason.DECIDED_BEFORE or not matched:
        return Reason.DECIDED_BEFORE
    return Reason.EXACT_MATCH if exact else Reason.LOOK_ALIKE


def by_urgency(cases: Sequence[tuple[Case, datetime | None, int]]) -> list[Case]:
    """Order cases: holds that lapse soonest first, then wide reach, then age. Each with (hold's end, reach)."""

    def key(entry: tuple[Case, datetime | None, int]) -> tuple[bool, float, int, datetime]:
        case, until, reach = entry
        return until is None, until.timestamp() if until else 0.0, -reach, case.opened_at

    return [case for case, _, _ in sorted(cases, key=key)]
