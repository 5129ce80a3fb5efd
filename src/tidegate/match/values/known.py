"""The known 256-bit values of one kind of signal: segments on disk and the delta in memory, searched as one.

May decide: which signals have a value, or one near it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tidegate.kernel.ids import SignalId
from tidegate.match.values import hamming
from tidegate.match.values.delta import Delta, ids_of
from tidegate.match.values.hamming import Words
from tidegate.match.values.segments import OpenSegment
from tidegate.signal.model import FingerprintKind, Signal

#: How many near signals of each strength are given for one value. A hundred pictures that may support a hold and a
#: hundred that may not say all a person can use; whoever makes up a million near values crowds out no other strength.
MOST_NEAR: Final = 100


@dataclass(frozen=True, slots=True)
class Near:
    """A signal near the query with this number, and how many bits lie between."""

    query: int
    distance: int
    signal: SignalId


@dataclass(frozen=True, slots=True)
class _View:
    """What a search reads; replaced as a whole, so that none sees half of a change."""

    segments: Sequence[OpenSegment] = ()
    delta: Delta = field(default_factory=Delta)


class KnownValues:
    """Brought forward and given new segments by one thread at a time; searched by any number meanwhile."""

    def __init__(self, kind: FingerprintKind) -> None:
        self.kind = kind
        self._view = _View()

    def __len__(self) -> int:
        """Count the signals of the delta."""
        return len(self._view.delta)

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, of any kind, in the order of their positions."""
        mine = [signal for signal in changed if signal.kind is self.kind]
        if mine:
            # First the new state, then the end of the old: a search between the two sees a signal twice, never not.
            self._view.delta.add(mine)
            _forget(self._view.segments, mine)

    def adopt(self, segments: Sequence[OpenSegment], position: int) -> None:
        """Search these segments from now on, which hold every signal's state up to a position."""
        newer = self._view.delta.after(position)
        delta = Delta()
        if newer:
            delta.add(newer)
            _forget(segments, newer)
        self._view = _View(segments, delta)

    def find(self, value: bytes) -> SignalId | None:
        """Give the signal with exactly this value."""
        view = self._view
        if (signal := view.delta.find(value)) is not None:
            return signal
        wanted = hamming.words([value])[0] if view.segments else None
        for segment in view.segments:
            if wanted is not None and (row := segment.find(wanted)) is not None:
                return segment.id_of(row)
        return None

    def near(self, queries: Words, *, wider: int = 0) -> list[Near]:
        """Find the signals within the radius of each query (q, 4), nearest first, ``MOST_NEAR`` of each strength.

        With ``wider``, most of those up to so many bits beyond the radius, too (``hamming.near``).

        Many queries at once cost less each than one after the other.
        """
        view, found = self._view, []
        classes = []
        owners: list[Delta | OpenSegment] = [view.delta, *view.segments]
        for owner in owners:
            entries = owner.entries
            hits = hamming.near(entries, queries, MOST_NEAR, wider)
            for query, row, distance in zip(*(array.tolist() for array in hits), strict=True):
                found.append(Near(query, distance, owner.id_of(row)))
                classes.append(int(entries.strengths[row]))
        return _nearest(found, classes)


def _forget(segments: Sequence[OpenSegment], changed: Sequence[Signal]) -> None:
    """Say in the segments that the older states of these signals count no more."""
    if segments:
        values, ids = hamming.words(signal.value for signal in changed), ids_of(changed)
        for segment in segments:
            segment.gone[segment.rows(values, ids)] = 1


def _nearest(found: list[Near], classes: list[int]) -> list[Near]:
    """Keep of each query and class the nearest."""
    order = sorted(
        range(len(found)), key=lambda which: (found[which].distance, found[which].query, found[which].signal)
    )
    counts: dict[tuple[int, int], int] = {}
    kept = []
    for which in order:
        group = (found[which].query, classes[which])
        counts[group] = counts.get(group, 0) + 1
        if counts[group] <= MOST_NEAR:
            kept.append(found[which])
    return kept
