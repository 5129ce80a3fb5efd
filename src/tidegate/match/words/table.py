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
#: A bucket for about each hash, up to this many (in bits), so that a lookup reads one or two lines of memory.
_BUCKET_BITS: Final = 22
#: Buckets that are marked only: for each hash about this many (in bits), so that few hold one by chance; no fewer than
#: a word has marks, and no more than so many.
_MARKS_EACH: Final = 4
_FEWEST_MARKS: Final = 6
_MOST_MARKS: Final = 28


@dataclass(frozen=True, slots=True)
class Table:
    """Kept hashes in order.

    Attributes:
        values: each once, for few are common and those stand very often.
        begins: where in ``stands`` each begins; behind them where the last one ends.
        stands: for each place of a hash the row of its known text and the place in it: they are read together.
        buckets: where in ``values`` each bucket begins.
        marks: which of many more, smaller buckets hold one.
    """

    values: Hashes
    begins: Places
    stands: NDArray[np.int32]
    buckets: Places
    marks: NDArray[np.uint64]

    @property
    def hashes(self) -> Hashes:
        """Give each hash as often as it stands."""
        return np.repeat(self.values, np.diff(self.begins))

    @property
    def rows(self) -> Places:
        """Give the row of each."""
        return self.stands[:, 0]

    @property
    def places(self) -> Places:
        """Give the place of each."""
        return self.stands[:, 1]

    @property
    def bits(self) -> tuple[int, int]:
        """Say how many buckets there are, and how many that are marked only, in bits."""
        return (len(self.buckets) - 1).bit_length() - 1, (64 * len(self.marks)).bit_length() - 1

    def __len__(self) -> int:
        return len(self.stands)


def build(hashes: Hashes, rows: Places, places: Places) -> Table:
    """Sort places into a table."""
    from tidegate.match.words import kernels

    # Not stable, so equal hashes stand in any order: nothing asks for one.
    order = np.argsort(hashes)
    values, begins = kernels.distinct(hashes[order])
    bits = max(len(values).bit_length(), 1)
    return Table(
        # Copied, for they are views of something longer.
        values.copy(),
        begins.copy(),
        np.stack([rows, places], axis=1)[order],
        kernels.bucketed(values, min(bits, _BUCKET_BITS)),
        kernels.marked(values, max(_FEWEST_MARKS, min(bits + _MARKS_EACH, _MOST_MARKS))),
    )


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
        kernels.look_up(
            table.values, table.begins, table.buckets, table.marks, table.bits, values, MOST_TEXTS, first, last
        )
    chosen, costs = kernels.rarest(starts, ends, begins, (MOST_TEXTS, MOST_PLACES, MOST_PAIRS))
    found = [
        kernels.gather(table.stands, first, last, begins, chosen, places, MOST_PLACES)
        for table, first, last in zip(tables, starts, ends, strict=True)
    ]
    rows, known, at, which = found[0] if len(found) == 1 else map(np.concatenate, zip(*found, strict=True))
    return Pairs(rows, known, at, (1 / costs).astype(np.float32)[which])
