"""The kept hashes of all known texts in one sorted table, and the lookups in it.

May decide: which places of which known texts are worth comparing. A table is never altered once it is made.

Nobody may slow a node with a text made for it, so what a query costs has a bound that no text moves: of each of its
hashes ``MOST_PLACES`` places count, a hash that stands in more than ``MOST_TEXTS`` places of known texts says nothing
about any of them (a greeting, a formula), and the pairs of places are at most ``MOST_PAIRS``, those of the rarest
hashes first.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.shingles import Hashes, Places, kernel

MOST_TEXTS: Final = 64
MOST_PLACES: Final = 4
MOST_PAIRS: Final = 50_000
#: A bucket for each value of this many upper bits, so that a lookup reads one or two lines of memory.
_BUCKET_BITS: Final = 20
_BITS: Final = 64

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """Kept hashes in order, with the row and the place each stands at; ``buckets`` says where upper bits begin."""

    hashes: Hashes
    rows: Places
    places: Places
    buckets: Places

    def __len__(self) -> int:
        return len(self.hashes)


def build(hashes: Hashes, rows: Places, places: Places) -> Table:
    """Sort places into a table."""
    # Not stable, so equal hashes stand in any order: nothing asks for one.
    order = np.argsort(hashes)
    ordered = hashes[order]
    # A small table needs few buckets.
    bits = min(_BUCKET_BITS, max(len(hashes).bit_length(), 1))
    edges = np.arange(1 << bits, dtype=np.uint64) << np.uint64(_BITS - bits)
    buckets = np.append(np.searchsorted(ordered, edges), len(ordered)).astype(np.int32)
    return Table(ordered, rows[order], places[order], buckets)


def join(first: Table, second: Table, alive: NDArray[np.bool_]) -> Table:
    """Make one table of two, leaving out rows that are no longer known."""
    rows = np.concatenate([first.rows, second.rows])
    kept = alive[rows]
    return build(
        np.concatenate([first.hashes, second.hashes])[kept],
        rows[kept],
        np.concatenate([first.places, second.places])[kept],
    )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Places that share a hash: the row of a known text, the place in it, the place in the query; ``weights`` adds up
    to how much speaks for a row: a hash counts less the more known texts have it.
    """

    rows: Places
    known: Places
    asked: Places
    weights: NDArray[np.float32]


def find(tables: tuple[Table, ...], hashes: Hashes, places: Places) -> Pairs:
    """Look up the kept hashes of a query."""
    # In order, so that lookups go through the table once from end to end.
    order = np.argsort(hashes)
    ordered = hashes[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    values, times = ordered[first], np.diff(np.append(first, len(ordered)))
    ranges = [_ranges(table.hashes, table.buckets, values) for table in tables]
    standing = np.sum([last - start for start, last in ranges], axis=0)
    costs = standing * np.minimum(times, MOST_PLACES)
    wanted = np.flatnonzero((standing > 0) & (standing <= MOST_TEXTS))
    wanted = wanted[np.argsort(standing[wanted], kind="stable")]
    wanted = wanted[np.cumsum(costs[wanted]) <= MOST_PAIRS]
    first, times, asked = first[wanted], times[wanted], places[order]
    found = [
        _gather(table.rows, table.places, start[wanted], last[wanted], first, times, asked)
        for table, (start, last) in zip(tables, ranges, strict=True)
    ]
    rows, known, at, which = (np.concatenate(columns) for columns in zip(*found, strict=True))
    weights = (1 / costs[wanted][which]).astype(np.float32)
    return Pairs(rows, known, at, weights)


@kernel
def _first(hashes: Hashes, buckets: Places, shift: np.uint64, value: np.uint64) -> np.int64:
    """Find the first entry that is not smaller."""
    bucket = np.int64(value >> shift)
    at, stop = np.int64(buckets[bucket]), np.int64(buckets[bucket + 1])
    while at < stop:
        middle = (at + stop) // 2
        if hashes[middle] < value:
            at = middle + 1
        else:
            stop = middle
    return at


@kernel
def _shift(buckets: Places) -> np.uint64:
    bits = 0
    while (1 << bits) < len(buckets) - 1:
        bits += 1
    return np.uint64(_BITS - bits)


@kernel
def _ranges(hashes: Hashes, buckets: Places, values: Hashes) -> tuple[Counts, Counts]:
    """Say where each value begins and ends in the table; both equal where it is not. Of many, one too many is told."""
    shift = _shift(buckets)
    starts = np.zeros(len(values), dtype=np.int64)
    ends = np.zeros(len(values), dtype=np.int64)
    for index in range(len(values)):
        at = _first(hashes, buckets, shift, values[index])
        last = at
        while last < len(hashes) and hashes[last] == values[index] and last - at <= MOST_TEXTS:
            last += 1
        starts[index], ends[index] = at, last
    return starts, ends


@kernel
def _gather(
    rows: Places, places: Places, starts: Counts, ends: Counts, first: Counts, times: Counts, asked: Places
) -> tuple[Places, Places, Places, Places]:
    """Pair the places of each hash in the table with its first places in the query."""
    total = 0
    for index in range(len(starts)):
        total += (ends[index] - starts[index]) * min(times[index], MOST_PLACES)
    out = np.empty((4, total), dtype=np.int32)
    count = 0
    for index in range(len(starts)):
        for entry in range(starts[index], ends[index]):
            for repeat in range(min(times[index], MOST_PLACES)):
                out[0, count] = rows[entry]
                out[1, count] = places[entry]
                out[2, count] = asked[first[index] + repeat]
                out[3, count] = index
                count += 1
    return out[0], out[1], out[2], out[3]
