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
#: A bucket for about each entry, up to this many (in bits), so that a lookup reads one or two lines of memory.
_BUCKET_BITS: Final = 22


@dataclass(frozen=True, slots=True)
class Table:
    """Kept hashes in order, with the row and the place each stands at; ``buckets`` says where each bucket begins."""

    hashes: Hashes
    rows: Places
    places: Places
    buckets: Places

    @property
    def bits(self) -> int:
        """Say how many buckets there are, in bits."""
        return (len(self.buckets) - 1).bit_length() - 1

    def __len__(self) -> int:
        return len(self.hashes)


def build(hashes: Hashes, rows: Places, places: Places) -> Table:
    """Sort places into a table."""
    from tidegate.match.words import kernels

    # Not stable, so equal hashes stand in any order: nothing asks for one.
    order = np.argsort(hashes)
    ordered = hashes[order]
    bits = min(_BUCKET_BITS, max(len(hashes).bit_length(), 1))
    return Table(ordered, rows[order], places[order], kernels.bucketed(ordered, bits))


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
    """Look up the kept hashes of a query, in order: so the lookups go through a table once from end to end."""
    from tidegate.match.words import kernels

    values, begins = kernels.distinct(hashes)
    starts, ends = np.empty((2, len(tables), len(values)), dtype=np.int32)
    for table, first, last in zip(tables, starts, ends, strict=True):
        kernels.look_up(table.hashes, table.buckets, table.bits, values, MOST_TEXTS, first, last)
    chosen, costs = kernels.rarest(starts, ends, begins, (MOST_TEXTS, MOST_PLACES, MOST_PAIRS))
    found = [
        kernels.gather(table.rows, table.places, first, last, begins, chosen, places, MOST_PLACES)
        for table, first, last in zip(tables, starts, ends, strict=True)
    ]
    rows, known, at, which = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return Pairs(rows, known, at, (1 / costs).astype(np.float32)[which])
