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

from tidegate.fingerprint.words.letters import Hashes, Places

MOST_TEXTS: Final = 64
MOST_PLACES: Final = 4
MOST_PAIRS: Final = 50_000
#: A bucket for each value of this many upper bits, so that a lookup reads one or two lines of memory.
_BUCKET_BITS: Final = 20
BITS: Final = 64


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
    edges = np.arange(1 << bits, dtype=np.uint64) << np.uint64(BITS - bits)
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
    from tidegate.match.words import kernels

    # In order, so that lookups go through the table once from end to end.
    order = np.argsort(hashes)
    ordered = hashes[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    values, times = ordered[first], np.diff(np.append(first, len(ordered)))
    ranges = [kernels.ranges(table.hashes, table.buckets, values, MOST_TEXTS) for table in tables]
    standing = np.sum([last - start for start, last in ranges], axis=0)
    costs = standing * np.minimum(times, MOST_PLACES)
    wanted = np.flatnonzero((standing > 0) & (standing <= MOST_TEXTS))
    wanted = wanted[np.argsort(standing[wanted], kind="stable")]
    wanted = wanted[np.cumsum(costs[wanted]) <= MOST_PAIRS]
    first, times, asked = first[wanted], np.minimum(times[wanted], MOST_PLACES), places[order]
    found = [
        kernels.gather(
            table.rows, table.places, start[wanted], last[wanted], first, np.minimum(times, MOST_PLACES), asked
        )
        for table, (start, last) in zip(tables, ranges, strict=True)
    ]
    rows, known, at, which = (np.concatenate(columns) for columns in zip(*found, strict=True))
    weights = (1 / costs[wanted][which]).astype(np.float32)
    return Pairs(rows, known, at, weights)
