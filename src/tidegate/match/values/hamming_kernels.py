"""The compiled half of the Hamming index: every loop over entries. May decide: nothing; ``hamming.py`` says why.

Numbers are laid out for the memory, which is what a search waits for: the entries of a bucket stand next to each other
with the 16 bits that follow their chunk, so that nearly all of them are dismissed by reading two bytes each in order.
A value is four 64-bit words, its first bit the highest of the first word; chunk ``c`` is its 16 bits from bit 16 c.
"""

from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.match.values.instructions import LANES, bits_set, fetch, lowest_set, near

Words = NDArray[np.uint64]

#: A value's chunks, and how many bits may differ between a value and a query.
CHUNKS: Final = 16
CHUNK_BITS: Final = 16
RADIUS: Final = 31
#: 31 < 16 * 2: some chunk differs in fewer than two bits, and it and the next together in fewer than four.
_ALLOWANCE: Final = 2

#: A row is named by three bytes, so there are at most sixteen million.
ROW_BYTES: Final = 3

#: Candidates of one chunk that are looked at together, and hits of one query that are kept.
_WAITING: Final = 1024
MOST_HITS: Final = 4096

#: A count is of its type from the start: to the compiler a 0 is a type of its own, and it would compile for both.
_NONE: Final = cast("int", np.int64(0))

#: Entries are of this many strengths; the nearest of each are kept (see ``hamming.py``).
STRENGTHS: Final = 3


class Tables(NamedTuple):
    """An index over n values. Arrays only, read-only ones, so that one compiled kernel serves files and memory.

    Attributes:
        values: (n, 4), in ascending order.
        gone: (n,), not zero where an entry counts no more.
        starts: (16, buckets + 1), where the entries of each bucket begin, by the first bits of the chunk.
        following: (16, n + LANES), the 16 bits after the chunk, of each bucket's entries in turn.
        rows: (16, n, 3), the rows in ``values`` of the same, little-endian.
    """

    values: Words
    gone: NDArray[np.uint8]
    starts: NDArray[np.uint32]
    following: NDArray[np.uint16]
    rows: NDArray[np.uint8]


# --- values ---


@kernel
def _chunk(value: Words, which: int) -> int:
    chunk: int = np.int64((value[which >> 2] >> np.uint64(48 - 16 * (which & 3))) & np.uint64(0xFFFF))  # type: ignore[assignment]
    return chunk


@kernel
def distance(one: Words, other: Words) -> int:
    """Count the bits in which two values differ."""
    bits: int = (
        bits_set(one[0] ^ other[0])
        + bits_set(one[1] ^ other[1])
        + bits_set(one[2] ^ other[2])
        + bits_set(one[3] ^ other[3])
    )
    return bits


@kernel
def _less(one: Words, other: Words) -> bool:
    for word in range(4):
        if one[word] != other[word]:
            less: bool = one[word] < other[word]
            return less
    return False


@kernel
def first_not_below(values: Words, wanted: Words, places: NDArray[np.int64]) -> None:
    """Give for each wanted value the first row of the ascending values that is not below it."""
    for which in range(len(wanted)):
        low, high = 0, len(values)
        while low < high:
            middle = (low + high) >> 1
            if _less(values[middle], wanted[which]):
                low = middle + 1
            else:
                high = middle
        places[which] = low


# --- building ---


@kernel
def sort_chunk(
    values: Words, which: int, starts: NDArray[np.uint32], following: NDArray[np.uint16], rows: NDArray[np.uint8]
) -> None:
    """Sort all entries into the buckets of one chunk, in two passes of few buckets each, which the cache can hold.

    Args:
        values: (n, 4).
        which: the chunk.
        starts: (buckets + 1,), a power of two of buckets, is filled.
        following: (n + LANES,) is filled.
        rows: (n, 3) is filled.
    """
    count, after = len(values), (which + 1) & 15
    buckets = len(starts) - 1
    bits = 0
    while (1 << bits) < buckets:
        bits += 1
    unused, low_bits = CHUNK_BITS - bits, bits >> 1
    low = (1 << low_bits) - 1
    outer = np.zeros((buckets >> low_bits) + 1, dtype=np.int64)
    for row in range(count):
        outer[(_chunk(values[row], which) >> (unused + low_bits)) + 1] += 1
    for bucket in range(len(outer) - 1):
        outer[bucket + 1] += outer[bucket]
    places = outer[:-1].copy()
    keys, nexts = np.empty(count, dtype=np.uint16), np.empty(count, dtype=np.uint16)
    sources = np.empty(count, dtype=np.uint32)
    for row in range(count):
        key = _chunk(values[row], which) >> unused
        place = places[key >> low_bits]
        places[key >> low_bits] = place + 1
        keys[place], nexts[place], sources[place] = key, _chunk(values[row], after), row
    inner = np.empty(low + 2, dtype=np.int64)
    for bucket in range(len(outer) - 1):
        inner[:] = 0
        for place in range(outer[bucket], outer[bucket + 1]):
            inner[(keys[place] & low) + 1] += 1
        inner[0] = outer[bucket]
        for key in range(low + 1):
            inner[key + 1] += inner[key]
            starts[(bucket << low_bits) + key] = inner[key]
        for place in range(outer[bucket], outer[bucket + 1]):
            target = inner[keys[place] & low]
            inner[keys[place] & low] = target + 1
            following[target] = nexts[place]
            for byte in range(ROW_BYTES):
                rows[target, byte] = (sources[place] >> np.uint32(8 * byte)) & np.uint32(0xFF)
    starts[buckets] = count


# --- searching ---


@kernel
def _begins_here(value: Words, query: Words, which: int) -> bool:
    """Say whether this chunk is the one by which the hit is counted: every hit has exactly one (see ``hamming.py``)."""
    total, most, after = 0, -1_000, 0
    for chunk in range(CHUNKS):
        total += bits_set(np.uint64(_chunk(value, chunk) ^ _chunk(query, chunk))) - _ALLOWANCE
        if total >= most:
            most, after = total, (chunk + 1) & 15
    return after == which


@kernel
def _look(
    tables: Tables,
    which: int,
    waiting: NDArray[np.int64],
    count: int,
    query: Words,
    number: int,
    hits: NDArray[np.int64],
    found: int,
    wider: int,
) -> int:
    """Compare the waiting candidates of a chunk in full, and write down those within the radius."""
    values, rows = tables.values, tables.rows[which]
    for place in range(count):
        row = np.int64(rows[waiting[place], 0]) | (np.int64(rows[waiting[place], 1]) << 8)
        waiting[place] = row | (np.int64(rows[waiting[place], 2]) << 16)
    for place in range(count):
        row = waiting[place]
        # A damaged file must not lead out of the array.
        if row >= len(values) or tables.gone[row]:
            continue
        apart = distance(values[row], query)
        # Beyond the radius no chunk is certain, so any will do.
        if apart <= RADIUS + wider and (apart > RADIUS or _begins_here(values[row], query, which)):
            if found < len(hits):
                hits[found, 0], hits[found, 1], hits[found, 2] = number, row, apart
            found += 1
    return found


@kernel
def _gather(
    tables: Tables, which: int, query: Words, begins: NDArray[np.int64], ends: NDArray[np.int64], bits: int
) -> int:
    """Find the buckets of one chunk that differ from the query's in at most one bit, and ask for their entries."""
    starts, following = tables.starts[which], tables.following[which]
    own = _chunk(query, which) >> (CHUNK_BITS - bits)
    entries = 0
    for flip in range(bits + 1):
        bucket = own if flip == 0 else own ^ (1 << (flip - 1))
        begins[flip], ends[flip] = starts[bucket], starts[bucket + 1]
        entries += ends[flip] - begins[flip]
        for place in range(begins[flip], min(ends[flip], begins[flip] + 8 * LANES), LANES):
            fetch(following, place)
    return entries


@kernel
def _read(
    tables: Tables,
    which: int,
    query: Words,
    number: int,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    waiting: NDArray[np.int64],
    hits: NDArray[np.int64],
    found: int,
    most_compared: int,
    wider: int,
) -> tuple[int, int]:
    """Read the buckets of one chunk; give the hits so far, and how many entries were compared in full.

    It ends early where that is more than ``most_compared``, or where there are more hits than are kept.
    """
    before = found
    following, after = tables.following[which], np.uint16(_chunk(query, (which + 1) & 15))
    compared, count = _NONE, _NONE
    for flip in range(len(begins)):
        # Together the two chunks differ in fewer than four bits, and this one does in one unless it is the query's own.
        most = np.uint16(2 * _ALLOWANCE - 1 - (flip > 0))
        for place in range(begins[flip], ends[flip], LANES):
            mask = near(following, place, after, most)
            if mask and ends[flip] - place < LANES:
                mask &= (np.uint32(1) << np.uint32(ends[flip] - place)) - np.uint32(1)
            while mask:
                waiting[count] = place + lowest_set(mask)
                mask &= mask - np.uint32(1)
                count += 1
            if count >= _WAITING:
                found = _look(tables, which, waiting, count, query, number, hits, found, wider)
                compared += count
                count = 0
                if compared > most_compared or found - before > MOST_HITS:
                    return found, compared
    return _look(tables, which, waiting, count, query, number, hits, found, wider), compared + count


@kernel
def search(
    tables: Tables,
    queries: Words,
    hits: NDArray[np.int64],
    crowded: NDArray[np.uint8],
    most_entries: int,
    wider: int,
) -> int:
    """Find the entries within the radius of each query, each once.

    The queries go through one chunk after the other together, so that a chunk's buckets are still near when the next
    query asks for them.

    Args:
        tables: the index.
        queries: (q, 4).
        hits: (any, 3) is filled with query, row, distance.
        crowded: (q,), is set where a query met too many entries to go on; its hits then mean nothing.
        most_entries: how many entries of its buckets a query may read.
        wider: how many bits beyond the radius an entry that is met may be; such ones may be given several times.

    Returns:
        How many hits there were; more than fit into ``hits`` are counted but not written.
    """
    bits = 0
    while (1 << bits) < tables.starts.shape[1] - 1:
        bits += 1
    begins, ends = np.empty(bits + 1, dtype=np.int64), np.empty(bits + 1, dtype=np.int64)
    waiting = np.empty(_WAITING + LANES, dtype=np.int64)
    entries, compared = np.zeros(len(queries), dtype=np.int64), np.zeros(len(queries), dtype=np.int64)
    of_query = np.zeros(len(queries), dtype=np.int64)
    # To compare an entry in full is to jump to it: as slow as reading thirty pairs of bytes in order.
    found, most_compared = _NONE, most_entries >> 5
    for which in range(CHUNKS):
        for number in range(len(queries)):
            if crowded[number]:
                continue
            before = found
            entries[number] += _gather(tables, which, queries[number], begins, ends, bits)
            if entries[number] <= most_entries:
                found, more = _read(
                    tables, which, queries[number], number, begins, ends, waiting, hits, found, most_compared, wider
                )
                compared[number] += more
                of_query[number] += found - before
            if entries[number] > most_entries or compared[number] > most_compared or of_query[number] > MOST_HITS:
                crowded[number] = 1
    return found


@kernel
def scan(
    values: Words,
    gone: NDArray[np.uint8],
    strengths: NDArray[np.uint8],
    query: Words,
    nearest: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Look at every entry: the way that needs no proof, and no more time for one query than for another.

    Args:
        values: (n, 4).
        gone: (n,), not zero where an entry counts no more.
        strengths: (n,), each below 3.
        query: (4,).
        nearest: (3, the radius + 1, k) is filled with up to k rows of each strength at each distance.
        counts: (3, the radius + 1), zeros; is filled with how many rows that are.
    """
    most = nearest.shape[2]
    for row in range(len(values)):
        apart = distance(values[row], query)
        if apart < counts.shape[1] and not gone[row]:
            strength = min(strengths[row], STRENGTHS - 1)
            if counts[strength, apart] < most:
                nearest[strength, apart, counts[strength, apart]] = row
                counts[strength, apart] += 1
