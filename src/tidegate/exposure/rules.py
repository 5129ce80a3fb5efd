"""How much looking is enough: a day's budget, and breaks.

May decide: whether someone is given a picture now. Not whether they may vote: a case can always be decided without
looking, or left to others. Nothing here compares people, and no policy switches the counting off.

**Budget.** A second of looking counts as many seconds as the picture is severe (1 to 3). What was given out on a day
of the node's clock, in UTC, counts on that day; the budget is new at midnight.

**Break.** A break is a pause of ``break_for`` without looking, taken freely or not. When the looking since the last
break adds up to ``break_after``, the next picture is given only after a break.

**What a second is.** The browser reports how long a picture was shown, and is believed no further than the node's own
clock goes. Where no report came, a fixed time counts, so that a closed browser is no way around the budget.

A picture seen through a filter counts like any other: blur and grey did not reduce anxiety, bad mood or intrusions
(Lewitzka et al. 2026, n = 309 and 365), and it is the sum of what was seen that wears people down (Cook, Cai, Wohn
2022). Line drawings did lessen distress by about a third (Sarridis et al. 2023), in one study of 107 people; that is
a reason to offer them and too little to let people look longer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tidegate.kernel.errors import Kind, RateLimited

SEVERITIES = (1, 2, 3)

#: A look of which no report came.
UNREPORTED = timedelta(seconds=10)
#: A report that comes later than this after the look it tells of cannot make it shorter than ``UNREPORTED``:
#: else budget that was used up could be had back by reporting less afterwards.
REPORT_WITHIN = timedelta(minutes=1)
#: Looks that are older play no part: no day is longer, and nobody looks for a day without a break.
COUNTED_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePolicy:
    """How much looking a node asks of its people."""

    budget: timedelta
    break_after: timedelta
    break_for: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A picture was given to someone: when, how severe it is, and how long it lasted as far as that is known."""

    at: datetime
    severity: int
    reported: timedelta | None

    @property
    def lasted(self) -> timedelta:
        """How long it counts."""
        return UNREPORTED if self.reported is None else self.reported

    @property
    def ended(self) -> datetime:
        """When it was over."""
        return self.at + self.lasted


class Why(StrEnum):
    """Why no picture is given now."""

    BUDGET = "budget"
    BREAK = "break"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No picture until then, and why."""

    why: Why
    until: datetime


class LookRefused(RateLimited):
    """That is enough looking for now: decide without looking, or leave it to others."""

    kind = Kind.REST

    def __init__(self, refusal: Refusal, now: datetime) -> None:
        super().__init__(retry_after=max(1, round((refusal.until - now).total_seconds())), reference=refusal.why)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How much someone had to look at, as they are told themselves."""

    policy: ExposurePolicy
    #: Of today's budget.
    spent: timedelta
    #: Today, by severity, as it was.
    today: dict[int, timedelta] = field(default_factory=dict)
    #: Since the last break.
    since_break: timedelta
    refusal: Refusal | None
    #: When the budget is new.
    midnight: datetime

    @property
    def until_break(self) -> timedelta:
        """How much more looking until a break is due."""
        return max(self.policy.break_after - self.since_break, timedelta(0))


def exposure_of(looks: Iterable[Look], policy: ExposurePolicy, now: datetime) -> Exposure:
    """Add up what someone looked at."""
    in_order = sorted(looks, key=lambda look: look.at)
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = day + timedelta(days=1)
    today = {severity: timedelta(0) for severity in SEVERITIES}
    for look in in_order:
        if day <= look.at < midnight:
            today[look.severity] += look.lasted
    spent = sum((severity * lasted for severity, lasted in today.items()), timedelta(0))
    since_break, break_ends = _stint(in_order, policy, now)
    refusals = []
    if spent >= policy.budget:
        refusals.append(Refusal(why=Why.BUDGET, until=midnight))
    if since_break >= policy.break_after:
        refusals.append(Refusal(why=Why.BREAK, until=break_ends))
    return Exposure(
        policy=policy,
        spent=spent,
        today=today,
        since_break=since_break,
        refusal=max(refusals, key=lambda refusal: refusal.until, default=None),
        midnight=midnight,
    )


def _stint(looks: Sequence[Look], policy: ExposurePolicy, now: datetime) -> tuple[timedelta, datetime]:
    """Give the looking since the last break, and when a break that began after the last look is over."""
    total, ended = timedelta(0), None
    for look in looks:
        if ended is not None and look.at - ended >= policy.break_for:
            total, ended = timedelta(0), None
        total += look.lasted
        ended = look.ended if ended is None else max(ended, look.ended)
    if ended is None or now - ended >= policy.break_for:
        return timedelta(0), now
    return total, ended + policy.break_for


def may_look(looks: Iterable[Look], policy: ExposurePolicy, now: datetime) -> None:
    """Allow one more picture.

    Raises:
        LookRefused: past the day's budget, or when a break is due.
    """
    refusal = exposure_of(looks, policy, now).refusal
    if refusal is not None:
        raise LookRefused(refusal, now)


def believed(claimed: timedelta, elapsed: timedelta) -> timedelta:
    """Say how much of a report counts: never more than has passed since the picture was given, nor less than nothing.

    Args:
        claimed: how long the browser says the picture was shown.
        elapsed: how long ago it was given out.
    """
    if elapsed < timedelta(0):
        # The clock went back, so that it says nothing of this look.
        return UNREPORTED
    lasted = min(max(claimed, timedelta(0)), elapsed)
    return max(lasted, UNREPORTED) if elapsed - lasted > REPORT_WITHIN else lasted
