"""From the published counts to what a page says: sums, series over time, and rates with their uncertainty.

May decide: what is added up with what, and which share may be called a rate. It adds, and never subtracts or guesses:
whoever counts the same rows again gets the same numbers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from tidegate.ledger.entry import LeafKind, Measure, Tallied
from tidegate.report.model import COLUMNS, Counts, Period, What
from tidegate.report.uncertainty import interval

#: Restrictions: something was taken from someone.
RESTRICTING = (LeafKind.HOLD, LeafKind.REMOVAL, LeafKind.GEO_LIMIT, LeafKind.ACCOUNT_ACTION)
#: Something was given back.
RETURNING = (LeafKind.RELEASED, LeafKind.LAPSED, LeafKind.RESTORATION)
#: Measures on an account that give it back stand among the measures on accounts.
_REINSTATED = Measure.REINSTATE_ACCOUNT


class Bucket(StrEnum):
    """How much time one bar of a series covers."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def start(self, day: date) -> date:
        """Give the first day of the bucket that a day lies in. Weeks begin on Monday."""
        match self:
            case Bucket.DAY:
                return day
            case Bucket.WEEK:
                return date.fromordinal(max(1, day.toordinal() - day.weekday()))
            case Bucket.MONTH:
                return day.replace(day=1)
            case Bucket.YEAR:
                return day.replace(month=1, day=1)

    def after(self, start: date) -> date:
        """Give the start of the next bucket."""
        longest = {Bucket.DAY: 1, Bucket.WEEK: 7, Bucket.MONTH: 31, Bucket.YEAR: 366}[self]
        return self.start(start + timedelta(days=longest))


#: Up to how many days each bucket is used for, so that there are never many more than thirty bars.
_WIDEST = ((31, Bucket.DAY), (217, Bucket.WEEK), (36 * 31, Bucket.MONTH))
#: Beyond this many years, days in the counts are nonsense that must not become a million bars.
_MOST_BUCKETS = 1000


def bucket_for(first: date, last: date) -> Bucket:
    """Choose how much time one bar covers."""
    days = (last - first).days + 1
    return next((bucket for widest, bucket in _WIDEST if days <= widest), Bucket.YEAR)


class RateKind(StrEnum):
    """A share of which something can be learnt."""

    COMPLAINTS_REVERSED = "complaints_reversed"
    HOLDS_RELEASED = "holds_released"
    HOLDS_LAPSED = "holds_lapsed"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its exact 95 % interval."""

    kind: RateKind
    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """The share itself; None while there is nothing to take a share of."""
        return self.count / self.of if self.of else None

    @property
    def comparable(self) -> bool:
        """Whether it is a share at all: in a short period more may end than began in it."""
        return self.count <= self.of


@dataclass(frozen=True)
class Summary:
    """What happened in a period."""

    period: Period
    #: The first and the last day on which something was counted; None when nothing was.
    first: date | None
    last: date | None
    bucket: Bucket
    sums: Mapping[What, int]
    in_buckets: Mapping[tuple[date, str], int]

    def of(self, **where: str) -> int:
        """Count what has these values."""
        return sum(count for _, count in self.by(**where))

    def by(self, *columns: str, **where: str) -> list[tuple[What, int]]:
        """Count what has these values, told apart by these columns, in the order of the closed lists' words."""
        places = [COLUMNS.index(column) for column in columns]
        wanted = [(COLUMNS.index(column), word) for column, word in where.items()]
        found: Counter[What] = Counter()
        for what, count in self.sums.items():
            if all(what[place] == word for place, word in wanted):
                found[tuple(what[place] for place in places)] += count
        return sorted(found.items())

    @cached_property
    def returned(self) -> int:
        """Count what was given back: content shown again, accounts reinstated."""
        reinstated = self.of(kind=LeafKind.ACCOUNT_ACTION, measure=_REINSTATED)
        return reinstated + sum(self.of(kind=kind) for kind in RETURNING)

    @cached_property
    def answers(self) -> int:
        """Count the answers given to platforms."""
        return sum(count for (word,), count in self.by("tallied", kind=LeafKind.TALLY) if word in _ANSWERS)

    @cached_property
    def starts(self) -> tuple[date, ...]:
        """List the buckets, also those in which nothing happened."""
        found: list[date] = []
        if self.first and self.last:
            start = self.bucket.start(self.first)
            while start <= self.last and len(found) < _MOST_BUCKETS:
                found.append(start)
                try:
                    start = self.bucket.after(start)
                except OverflowError:
                    break
        return tuple(found)

    def series(self, kind: str) -> tuple[int, ...]:
        """Count one kind in each bucket."""
        return tuple(self.in_buckets.get((start, kind), 0) for start in self.starts)

    def rates(self) -> tuple[Rate, ...]:
        """Give each share with its uncertainty."""
        judged = self.of(kind=LeafKind.APPEAL_DECIDED)
        holds = self.of(kind=LeafKind.HOLD)
        return (
            _rate(
                RateKind.COMPLAINTS_REVERSED,
                self.of(kind=LeafKind.APPEAL_DECIDED, measure=Measure.REVERSE),
                judged,
            ),
            _rate(RateKind.HOLDS_RELEASED, self.of(kind=LeafKind.RELEASED), holds),
            _rate(RateKind.HOLDS_LAPSED, self.of(kind=LeafKind.LAPSED), holds),
        )


#: Matches answered outside due process are no answers about content: nothing is held by them, and nobody is told.
_ANSWERS = frozenset({Tallied.CLEAR, Tallied.REVIEW, Tallied.HOLD, Tallied.UNCHECKED})


def _rate(kind: RateKind, count: int, of: int) -> Rate:
    low, high = interval(count, of) if count <= of else (0.0, 1.0)
    return Rate(kind, count, of, low, high)


def summarise(counts: Counts, period: Period) -> Summary:
    """Add up what lies in a period."""
    days = {day for day in {row.day for row in counts.rows} if day in period}
    if not days:
        return Summary(period, None, None, Bucket.DAY, {}, {})
    first, last = min(days), max(days)
    bucket = bucket_for(first, last)
    starts = {day: bucket.start(day) for day in days}
    sums: dict[What, int] = {}
    in_buckets: dict[tuple[date, str], int] = {}
    for what, day, count in counts.rows:
        if day not in days:
            continue
        sums[what] = sums.get(what, 0) + count
        place = (starts[day], what[0])
        in_buckets[place] = in_buckets.get(place, 0) + count
    return Summary(period, first, last, bucket, sums, in_buckets)
