"""Where a notice stands, for someone who was never told how any of this works.

May decide: which of a few plain situations a notice is in, and the steps it has gone and has yet to go. Pure: what
it is told and the time in, words to look up out.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.appeal.model import Appeal, Outcome
from tidegate.appeal.model import State as AppealState
from tidegate.notice.model import Ended


class Final(StrEnum):
    """Whether this is the last word, and why."""

    HELD = "held"
    CONTESTABLE = "contestable"
    CONTESTED = "contested"
    UPHELD = "upheld"
    TOO_LATE = "too_late"
    OVER = "over"
    REPLACED = "replaced"


class StepName(StrEnum):
    """What happens on the way of a notice."""

    RESTRICTED = "restricted"
    OBJECTED = "objected"
    JUDGED = "judged"
    STANDS = "stands"
    PUT_RIGHT = "put_right"
    ANSWER = "answer"
    OVER = "over"
    REPLACED = "replaced"


class Place(StrEnum):
    """Where a step stands: behind, here, or ahead."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Step:
    """One step, with its time: when it was, or the latest it will be."""

    name: StepName
    place: Place
    at: datetime | None = None


def final(ended: Ended | None, appeal: Appeal | None, *, held: bool, complaint_until: datetime, now: datetime) -> Final:
    """Say whether this is the last word."""
    if ended is Ended.REPLACED:
        return Final.REPLACED
    if ended is not None:
        return Final.OVER
    if appeal is not None and appeal.state is AppealState.OPEN:
        return Final.CONTESTED
    if appeal is not None:
        return Final.UPHELD if appeal.outcome is Outcome.UPHELD else Final.OVER
    if held:
        return Final.HELD
    return Final.CONTESTABLE if now <= complaint_until else Final.TOO_LATE


def steps(
    ended: Ended | None,
    appeal: Appeal | None,
    *,
    issued_at: datetime,
    ended_at: datetime | None,
    complaint_until: datetime,
    now: datetime,
) -> tuple[Step, ...]:
    """Give the steps of a notice's way; exactly one of them is where it stands now."""
    begun = Step(StepName.RESTRICTED, Place.DONE, issued_at)
    if appeal is None and ended is not None:
        name = StepName.REPLACED if ended is Ended.REPLACED else StepName.OVER
        return begun, Step(name, Place.NOW, ended_at)
    if appeal is None:
        return _not_contested(begun, complaint_until, now)
    objected = Step(StepName.OBJECTED, Place.DONE, appeal.opened_at)
    if appeal.state is AppealState.OPEN:
        judged = Step(StepName.JUDGED, Place.NOW, appeal.due_at)
        return begun, objected, judged, Step(StepName.ANSWER, Place.AHEAD)
    answer = StepName.STANDS if appeal.outcome is Outcome.UPHELD else StepName.PUT_RIGHT
    return begun, objected, Step(StepName.JUDGED, Place.DONE), Step(answer, Place.NOW)


def _not_contested(begun: Step, complaint_until: datetime, now: datetime) -> tuple[Step, ...]:
    if now > complaint_until:
        return Step(StepName.RESTRICTED, Place.DONE, begun.at), Step(StepName.STANDS, Place.NOW)
    return (
        begun,
        Step(StepName.OBJECTED, Place.NOW, complaint_until),
        Step(StepName.JUDGED, Place.AHEAD),
        Step(StepName.ANSWER, Place.AHEAD),
    )
