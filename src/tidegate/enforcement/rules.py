"""What the platform is asked, and how long we try.

May decide: whether an action makes sense for a content now, and when the next attempt is made. May not decide to
restrict: it carries out what a verdict held and what people decided.
"""

from datetime import timedelta

from tidegate.decision.model import Measure
from tidegate.enforcement.model import RESTRICTIONS, Action, Restriction

#: What a measure that restricts asks of the platform.
ACTIONS = {
    Measure.REMOVE: Action.REMOVE,
    Measure.SUSPEND_ACCOUNT: Action.SUSPEND_ACCOUNT,
    Measure.TERMINATE_ACCOUNT: Action.TERMINATE_ACCOUNT,
}

#: What only people decide, and no time ends.
DECIDED = frozenset(ACTIONS.values())

#: Standard Webhooks recommends exponential back-off over days; we try for three.
TRY_FOR = timedelta(days=3)
_FIRST_WAIT_SECONDS = 1
_LONGEST_WAIT_SECONDS = 3600


def next_restriction(present: Restriction, action: Action) -> Restriction | None:
    """Give what the platform should be doing after an action; None when it makes no sense now."""
    return RESTRICTIONS[present].get(action)


def lift(present: Restriction) -> Action | None:
    """Give the action that undoes a restriction altogether (floor rule 6)."""
    return {
        Restriction.NONE: None,
        Restriction.HELD: Action.RELEASE,
        Restriction.REMOVED: Action.RESTORE,
        Restriction.ACCOUNT_SUSPENDED: Action.REINSTATE_ACCOUNT,
        Restriction.ACCOUNT_TERMINATED: Action.REINSTATE_ACCOUNT,
    }[present]


def foreseen(measure: Measure, present: Restriction, *, held: bool) -> Action | None:
    """Give what a decision will ask of the platform about a content; None when nothing changes there.

    Args:
        measure: what people decide.
        present: what the platform should be doing now.
        held: a machine's hold is running.
    """
    if measure.restricts:
        wanted: Action | None = ACTIONS[measure]
    else:
        wanted = Action.RELEASE if held else lift(present)
    return None if wanted is None or next_restriction(present, wanted) is None else wanted


def wait_before(attempt: int) -> int:
    """Give the seconds to wait before an attempt: 1, 2, 4 ... an hour at most."""
    return min(_FIRST_WAIT_SECONDS << min(attempt, 20), _LONGEST_WAIT_SECONDS)


def give_up(tried_for: timedelta) -> bool:
    """Say whether an instruction has become a dead letter."""
    return tried_for >= TRY_FOR
