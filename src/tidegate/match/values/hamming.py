"""Searching 256-bit values by Hamming distance: every entry within 31 bits of a query, provably none missed.

May decide: which entries are near. Multi-index hashing (Norouzi, Punjani, Fleet: "Fast Exact Search in Hamming Space
with Multi-Index Hashing", 2014) by the general pigeonhole principle (Qin et al.: "GPH", ICDE 2018) and the pigeonring
(Qin, Xiao: "Pigeonring", VLDB 2018), laid out for the memory.

**Why nothing is missed.** Cut both values into 16 chunks of 16 bits, in a ring: after the last comes the first. Let d_i
be the number of bits in which they differ in chunk i, and let the distance D = d_0 + ... + d_15 be at most 31. Then
x_i = d_i - 2 sums up to D - 32 < 0. Go once around and note the running sums S_i = x_0 + ... + x_i; let k be the *last*
place where S is greatest, and begin at the next, c = k + 1. Every sum from c onwards is negative: up to place j > k it
is S_j - S_k < 0, since k was the last greatest; past the end it is S_15 - S_k + S_j <= S_15 < 0, since S_j <= S_k
(Raney's lemma on cycles). The first two of these sums say

    d_c <= 1    and    d_c + d_(c+1) <= 3.

So each entry within the radius stands, in the table of its chunk c, in a bucket whose number differs from the query's
in at most one bit; and the next 16 bits, which the table keeps beside it, differ in at most 3 bits, or 2 if the bucket
did in one. Both are looked for in all 16 tables: 16 x 17 buckets. Where there are few entries, buckets are numbered by
the first bits of the chunk only; a part of the chunk differs in no more bits than all of it. The place c is one place,
so an entry is counted from table c alone, and once.

**Why it is fast.** A bucket's entries are neighbours in memory and all but one in 400 are dismissed by their two bytes,
32 at a time. With 10 million random entries a query reads 41,500 such pairs of bytes and compares 107 entries in full.
Fewer chunks, some of which may differ in two bits, read fewer entries but jump between more buckets: 14 and 15 chunks
were measured at 10 and 30 million entries and took longer than 16. So the number of entries decides the number of
buckets, and whether there are tables at all, but not the number of chunks.

**Why nobody can slow it.** Crowded buckets are noticed from their sizes before they are read. A query that would read
or compare more than a scan costs is answered by the scan, which looks at every entry: 13 ms for 10 million.

**Why answers are short.** Whoever knows a picture can make a million values near it. The nearest ``most`` entries of
each strength are given: what is near and may support a hold is never crowded out by what may not.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # numba costs half a second; who compares a few values needs none of it
    from tidegate.match.values.hamming_kernels import Tables

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

RADIUS: Final = 31
WORDS: Final = 4
#: Rows are named by three bytes.
MOST_ENTRIES: Final = 1 << 24
#: Up to this many a scan takes no longer than the tables would.
SCANNED: Final = 8_192
#: Up to this many NumPy is as quick, and nothing need be compiled.
_FEW: Final = 1_024
_ENTRIES_PER_BUCKET: Final = 8
_LEAST_BITS, _MOST_BITS = 8, 16
#: A query may read this many entries of buckets for each entry there is: 2 bytes each, where a scan reads 32.
_WORTH_READING: Final = 2


class Hits(NamedTuple):
    """Entries near queries: three arrays of one length, ordered by query, then distance, then row."""

    query: Integers
    row: Integers
    distance: Integers


class Entries(NamedTuple):
    """What is searched: n values (n, 4), whether they are gone, and of which strength (0, 1 or 2) each is."""

    values: Words
    gone: NDArray[np.uint8]
    strengths: NDArray[np.uint8]
    #: None where so few are scanned.
    tables: "Tables | None" = None


#: Makes room for an array: its name, shape and type. Files do, or memory.
Room = Callable[[str, tuple[int, ...], Any], NDArray[Any]]


def words(values: Iterable[bytes]) -> Words:
    """Read 256-bit values as rows of four 64-bit words, shape (n, 4)."""
    return from_bytes(b"".join(values))


def from_bytes(values: bytes) -> Words:
    """Read 256-bit values that stand one after the other, shape (n, 4)."""
    return np.frombuffer(values, dtype=">u8").astype(np.uint64).reshape(-1, WORDS)


def distances(entries: Words, query: Words) -> NDArray[np.uint16]:
    """Count differing bits: entries (n, 4), query (4,) -> (n,)."""
    counts: NDArray[np.uint16] = np.bitwise_count(entries ^ query).sum(axis=1, dtype=np.uint16)
    return counts


def ascending(values: Words) -> Integers:
    """Give the order that sorts values (n, 4) as numbers."""
    order = np.argsort(values[:, 0])
    first = values[order, 0]
    same = np.concatenate([[False], first[1:] == first[:-1]])
    tied = same | np.concatenate([same[1:], [False]])
    if tied.any():
        places = np.flatnonzero(tied)
        rows = order[places]
        order[places] = rows[np.lexsort([values[rows, word] for word in range(WORDS - 1, -1, -1)])]
    return order


def shapes(count: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Give the types and shapes of the tables of so many entries; none where a scan does."""
    if count <= SCANNED:
        return {}
    from tidegate.match.values import hamming_kernels as kernels
    from tidegate.match.values.instructions import LANES

    bits = min(max((count // _ENTRIES_PER_BUCKET).bit_length() - 1, _LEAST_BITS), _MOST_BITS)
    return {
        "starts": (np.uint32, (kernels.CHUNKS, (1 << bits) + 1)),
        "following": (np.uint16, (kernels.CHUNKS, count + LANES)),
        "rows": (np.uint8, (kernels.CHUNKS, count, kernels.ROW_BYTES)),
    }


def build(values: Words, room: Room) -> "Tables | None":
    """Make the tables of ascending values (n, 4), n at most ``MOST_ENTRIES``; None where a scan does.

    The time is that of 16 sortings in two passes; beside the tables it takes 8 bytes an entry while it runs.
    """
    from tidegate.match.values import hamming_kernels as kernels

    if len(values) > MOST_ENTRIES:
        raise ValueError("too many entries for one index")
    made = {what: room(what, shape, kind) for what, (kind, shape) in shapes(len(values)).items()}
    if not made:
        return None
    values = read_only(values)
    for chunk in range(kernels.CHUNKS):
        kernels.sort_chunk(values, chunk, *(np.asarray(array[chunk]) for array in made.values()))
    return tables_of(values, np.zeros(len(values), dtype=np.uint8), **made)


def tables_of(
    values: Words,
    gone: NDArray[np.uint8],
    starts: NDArray[np.uint32],
    following: NDArray[np.uint16],
    rows: NDArray[np.uint8],
) -> "Tables":
    """Put an index together; its arrays are read as they stand.

    Raises:
        ValueError: the buckets are none: a search would leave the arrays.
    """
    from tidegate.match.values import hamming_kernels as kernels

    if starts[:, 0].any() or (starts[:, -1] != len(values)).any() or (starts[:, 1:] < starts[:, :-1]).any():
        raise ValueError("these are no buckets")
    return kernels.Tables(*(read_only(array) for array in (values, gone, starts, following, rows)))


def in_memory(_name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:  # noqa: ANN401 - any dtype
    """Make room in memory."""
    return np.zeros(shape, dtype=kind)


def near(entries: Entries, queries: Words, most: int, wider: int = 0) -> Hits:
    """Find the entries within the radius of each query (q, 4): of each strength the ``most`` nearest.

    With ``wider``, those up to so many bits beyond the radius, too. None of these is promised: an entry is found if any
    of its 16 pairs of chunks is as near as is looked for, which at 8 bits beyond holds for about 95 of 100, and at 3
    for nearly all; and one may be given several times.
    """
    if not len(entries.values) or not len(queries):
        return _joined([])
    if entries.tables is None:
        return _joined([_scan(entries, queries[number], number, most, wider) for number in range(len(queries))])
    from tidegate.match.values import hamming_kernels as kernels

    crowded = np.zeros(len(queries), dtype=np.uint8)
    hits = np.empty((kernels.MOST_HITS, 3), dtype=np.int64)
    worth = _WORTH_READING * len(entries.values) + SCANNED
    asked = read_only(np.ascontiguousarray(queries))
    found = kernels.search(entries.tables, asked, hits, crowded, worth, wider)
    if found > len(hits):
        # Once more with room for all, but those known to be crowded.
        hits = np.empty((found, 3), dtype=np.int64)
        found = kernels.search(entries.tables, asked, hits, crowded, worth, wider)
    if not found and not crowded.any():
        return _joined([])
    hits = hits[:found]
    hits = hits[crowded[hits[:, 0]] == 0]
    parts = [_nearest(Hits(hits[:, 0], hits[:, 1], hits[:, 2]), entries.strengths, most)]
    parts += [_scan(entries, queries[number], number, most, wider) for number in np.flatnonzero(crowded).tolist()]
    return _joined(parts)


def scan(entries: Entries, queries: Words, most: int) -> Hits:
    """Find the same by looking at every entry: the oracle."""
    return _joined([_scan(entries, queries[number], number, most) for number in range(len(queries))])


def rows_of(values: Words, wanted: Words) -> Integers:
    """Give for each wanted value (w, 4) the first row of the ascending values that is not below it."""
    from tidegate.match.values import hamming_kernels as kernels

    places = np.empty(len(wanted), dtype=np.int64)
    kernels.first_not_below(read_only(values), read_only(np.ascontiguousarray(wanted)), places)
    return places


def warm() -> None:
    """Compile or load every kernel, so that no upload waits for it."""
    values = np.arange(4 * (SCANNED + 1), dtype=np.uint64).reshape(-1, WORDS)
    nothing = np.zeros(len(values), dtype=np.uint8)
    for tables in (build(values, in_memory), None):
        near(Entries(values, nothing, nothing, tables), values[:1], 1)
    rows_of(values, values[:1])


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Give a read-only view of a plain array: to the compiler a writable one, or a mapped one, is another type."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _scan(entries: Entries, query: Words, number: int, most: int, wider: int = 0) -> Hits:
    if len(entries.values) <= _FEW:
        apart = distances(entries.values, query)
        rows = np.flatnonzero((apart <= RADIUS + wider) & (entries.gone == 0))
        hits = Hits(np.full(len(rows), number), rows, apart[rows].astype(np.int64))
        return _nearest(hits, entries.strengths, most)
    from tidegate.match.values import hamming_kernels as kernels

    nearest = np.empty((kernels.STRENGTHS, RADIUS + wider + 1, most), dtype=np.int64)
    counts = np.zeros((kernels.STRENGTHS, RADIUS + wider + 1), dtype=np.int64)
    values, gone = read_only(entries.values), read_only(entries.gone)
    kernels.scan(values, gone, read_only(entries.strengths), read_only(query), nearest, counts)
    parts = []
    for strength, distance in np.argwhere(counts).tolist():
        rows = nearest[strength, distance, : counts[strength, distance]]
        parts.append(Hits(np.full(len(rows), number), rows, np.full(len(rows), distance)))
    return _nearest(_joined(parts), entries.strengths, most)


def _nearest(hits: Hits, strengths: NDArray[np.uint8], most: int) -> Hits:
    """Keep of each query and strength the nearest; among equals the lowest rows, so that all processes agree."""
    order = np.lexsort([hits.row, hits.distance, hits.query])
    hits = Hits(*(array[order] for array in hits))
    if len(order) <= most:
        return hits
    group = hits.query * 256 + strengths[hits.row]
    by_group = np.argsort(group, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(group[by_group])) + 1])
    sizes = np.diff(np.concatenate([starts, [len(group)]]))
    rank = np.empty(len(group), dtype=np.int64)
    rank[by_group] = np.arange(len(group)) - np.repeat(starts, sizes)
    return Hits(*(array[rank < most] for array in hits))


def _joined(parts: list[Hits]) -> Hits:
    parts = [part for part in parts if len(part.row)]
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Hits(nothing, nothing, nothing)
    joined = Hits(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    order = np.argsort(joined.query, kind="stable")
    return Hits(*(array[order] for array in joined))
