"""Past uploads in memory or mapped from files, and which of them are near a value.

May decide: which uploads are near. Pure.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.pdq_kernels import read_only
from tidegate.kernel.ids import ContentId
from tidegate.match.model import PDQ_RADIUS
from tidegate.match.past import kernels, sketches
from tidegate.match.past.kernels import TURNS, Words
from tidegate.match.past.sketches import Sketches, sketches_of
from tidegate.match.values.files import Damaged

VALUE_BYTES, ID_BYTES = 32, 16
_MOST_FOUND: Final = 4096


class Uploads(NamedTuple):
    """Some uploads of one day, in the order of their numbers.

    Attributes:
        numbers: (n,), ascending.
        ids: (n, 16).
        ends: (n,), where the values of each upload end.
        values: (m, 4), of all uploads.
    """

    numbers: NDArray[np.int64]
    ids: NDArray[np.uint8]
    ends: NDArray[np.int64]
    values: Words


class Sketched(NamedTuple):
    """Uploads that need not be read to be searched, but for those that may be near."""

    uploads: Uploads
    sketches: Sketches


def uploads_of(numbers: Sequence[int], ids: bytes, lengths: Sequence[int], values: bytes) -> Uploads:
    """Read uploads as they come from PostgreSQL: ids and values one after the other, and the bytes of each's values."""
    return Uploads(
        np.asarray(numbers, dtype=np.int64),
        np.frombuffer(ids, dtype=np.uint8).reshape(-1, ID_BYTES),
        np.cumsum(np.asarray(lengths, dtype=np.int64) // VALUE_BYTES),
        words_of(values),
    )


def words_of(values: bytes) -> Words:
    """Read values (n, 4), one after the other."""
    return np.frombuffer(values, dtype=">u8").astype(np.uint64).reshape(-1, 4)


def sketched(uploads: Uploads) -> Sketched:
    """Make what uploads are searched by."""
    return Sketched(uploads, sketches_of(uploads.values, uploads.ends))


def search(uploads: Uploads, value: bytes, radius: int = PDQ_RADIUS) -> list[ContentId]:
    """Give the uploads that have a value within the radius of this one, by a look at every value."""
    values, query = read_only(uploads.values), read_only(words_of(value)[0])
    found = np.empty(_MOST_FOUND, dtype=np.int64)
    count = kernels.near(values, query, radius, found)
    if count > len(found):
        found = np.empty(count, dtype=np.int64)
        kernels.near(values, query, radius, found)
    return _named(uploads, found[:count])


def search_sketched(searched: Sketched, value: bytes, radius: int = PDQ_RADIUS) -> list[ContentId]:
    """Give the uploads that have a value within the radius of this one, the same, by their sketches.

    Raises:
        Damaged: the sketches, or what the uploads say of themselves, cannot be.
    """
    uploads, query = searched.uploads, read_only(words_of(value)[0])
    rows = sketches.candidates(searched.sketches, query, radius)
    if not len(rows):
        return []
    found = np.empty(TURNS * len(rows), dtype=np.int64)
    values, blocks = read_only(uploads.values), read_only(searched.sketches.blocks)
    count = kernels.near_in_blocks(values, blocks, rows, query, radius, found)
    return _named(uploads, found[:count])


def _named(uploads: Uploads, places: NDArray[np.int64]) -> list[ContentId]:
    if not len(places):
        return []
    ends = uploads.ends
    rows = np.searchsorted(ends, places, side="right")
    starts = np.where(rows > 0, ends[rows - 1], 0)
    if (
        ends[-1] != len(uploads.values)
        or (rows >= len(ends)).any()
        or ((places < starts) | (places >= ends[rows])).any()
    ):
        raise Damaged(reference="ends")
    rows = np.unique(rows)
    return [ContentId(UUID(bytes=uploads.ids[row].tobytes())) for row in rows]


def without(searched: Sketched, forgotten: NDArray[np.int64]) -> Sketched:
    """Leave out the uploads with these numbers."""
    uploads = searched.uploads
    kept = ~np.isin(uploads.numbers, forgotten)
    counts = np.diff(uploads.ends, prepend=0)
    values = np.repeat(kept, counts)
    left = Uploads(uploads.numbers[kept], uploads.ids[kept], np.cumsum(counts[kept]), uploads.values[values])
    return Sketched(left, sketches.without(searched.sketches, values))


def joined(before: Sketched, after: Sketched) -> Sketched:
    """Put uploads together, those with lower numbers first."""
    (one, its), (other, others) = before, after
    uploads = Uploads(
        np.concatenate([one.numbers, other.numbers]),
        np.concatenate([one.ids, other.ids]),
        np.concatenate([one.ends, other.ends + len(one.values)]),
        np.concatenate([one.values, other.values]),
    )
    return Sketched(uploads, sketches.joined(its, others, len(one.values)))


def warm() -> None:
    """Compile or load every loop."""
    uploads = uploads_of([1], bytes(16), [32], bytes(32))
    search(uploads, bytes(32))
    search_sketched(sketched(uploads), bytes(32))
