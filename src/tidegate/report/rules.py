"""From the published counts to what a page says: sums, series over time, and rates with their uncertainty.

May decide: what is added up with what, and which share may be called a rate. It adds, and never subtracts or guesses:
whoever counts the same rows again gets the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from tidegate.ledger.entry import LeafKind, Measure, Tallied
from tidegate.report.model import COLUMNS, Counts, Period, What
from tidegate.report.uncertainty import interval


class Strand(StrEnum):
    """What is followed over time: something is taken, something is given back, a complaint is answered."""

    HELD = "held"
    REMOVED = "removed"
    LIMITED = "limited"
    ACCOUNT_RESTRICTED = "account_restricted"
    RELEASED = "released"
    LAPSED = "lapsed"
    RESTORED = "restored"
    ACCOUNT_REINSTATED = "account_reinstated"
    COMPLAINT_UPHELD = "complaint_upheld"
    COMPLAINT_REVERSED = "complaint_reversed"


TAKEN = (Strand.HELD, Strand.REMOVED, Strand.LIMITED, Strand.ACCOUNT_RESTRICTED)
GIVEN_BACK = (Strand.RELEASED, Strand.LAPSED, Strand.RESTORED, Strand.ACCOUNT_REINSTATED)
JUDGED = (Strand.COMPLAINT_UPHELD, Strand.COMPLAINT_REVERSED)

_STRANDS = {
    LeafKind.HOLD: Strand.HELD,
    LeafKind.REMOVAL: Strand.REMOVED,
    LeafKind.GEO_LIMIT: Strand.LIMITED,
    LeafKind.RELEASED: Strand.RELEASED,
    LeafKind.LAPSED: Strand.LAPSED,
    LeafKind.RESTORATION: Strand.RESTORED,
}


def strand_of(kind: str, measure: str) -> Strand | None:
    """Say which strand a leaf belongs to."""
    if kind == LeafKind.ACCOUNT_ACTION:
        return Strand.ACCOUNT_REINSTATED if measure == Measure.REINSTATE_ACCOUNT else Strand.ACCOUNT_RESTRICTED
    if kind == LeafKind.APPEAL_DECIDED:
        return Strand.COMPLAINT_REVERSED if measure == Measure.REVERSE else Strand.COMPLAINT_UPHELD
    return _STRANDS.get(LeafKind(kind))


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
    in_buckets: Mapping[tuple[date, Strand], int]

    def of(self, **where: str) -> int:
        """Count what has these values."""
        return sum(count for _, count in self.by(**where))

    def by(self, *columns: str, **where: str) -> tuple[tuple[What, int], ...]:
        """Count what has these values, told apart by these columns, in the order of the words."""
        question = (columns, tuple(sorted(where.items())))
        if question not in self._answered:
            self._answered[question] = self._add_up(columns, where)
        return self._answered[question]

    def _add_up(self, columns: tuple[str, ...], where: Mapping[str, str]) -> tuple[tuple[What, int], ...]:
        places = [COLUMNS.index(column) for column in columns]
        found: dict[What, int] = {}
        for what, count in self._of_kind.get(where["kind"], ()) if "kind" in where else self.sums.items():
            if not where or all(what[COLUMNS.index(column)] == word for column, word in where.items()):
                key = tuple([what[place] for place in places])
                found[key] = found.get(key, 0) + count
        return tuple(sorted(found.items()))

    @cached_property
    def _answered(self) -> dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], tuple[tuple[What, int], ...]]:
        # A page asks the same more than once, and there are tens of thousands of sums over years.
        return {}

    @cached_property
    def _of_kind(self) -> dict[str, list[tuple[What, int]]]:
        grouped: dict[str, list[tuple[What, int]]] = {}
        for what, count in self.sums.items():
            grouped.setdefault(what[_KIND], []).append((what, count))
        return grouped

    def along(self, *strands: Strand) -> int:
        """Count what belongs to these strands."""
        return sum(count for (_, strand), count in self.in_buckets.items() if strand in strands)

    @property
    def taken(self) -> int:
        """Count the restrictions: content held, removed or limited, measures on accounts."""
        return self.along(*TAKEN)

    @property
    def given_back(self) -> int:
        """Count what was given back: content shown again, accounts reinstated."""
        return self.along(*GIVEN_BACK)

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

    def series(self, strand: Strand) -> tuple[int, ...]:
        """Count one strand in each bucket."""
        return tuple(self.in_buckets.get((start, strand), 0) for start in self.starts)

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


_KIND, _MEASURE = COLUMNS.index("kind"), COLUMNS.index("measure")
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
    strands: dict[tuple[str, str], Strand | None] = {}
    sums: dict[What, int] = {}
    in_buckets: dict[tuple[date, Strand], int] = {}
    for what, day, count in counts.rows:
        if day not in days:
            continue
        sums[what] = sums.get(what, 0) + count
        words = (what[_KIND], what[_MEASURE])
        if words not in strands:
            strands[words] = strand_of(*words)
        if (strand := strands[words]) is not None:
            place = (starts[day], strand)
            in_buckets[place] = in_buckets.get(place, 0) + count
    return Summary(period, first, last, bucket, sums, in_buckets)
