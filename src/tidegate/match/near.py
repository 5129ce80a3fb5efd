"""All pairs of frames that look alike: the scan over every value.

May decide: nothing; it compares. It is exact and knows no shortcut, which makes it the oracle of faster ways.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.pdq_kernels import kernel

Words = NDArray[np.uint64]
Rows = NDArray[np.int64]

_ODD: Final = np.uint64(0x5555555555555555)
_PAIRS: Final = np.uint64(0x3333333333333333)
_HALVES: Final = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONES: Final = np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_FIRST_ROOM: Final = 1 << 12


def near(entries: Words, queries: Words, radius: int) -> tuple[Rows, Rows, Rows]:
    """Find all pairs within a Hamming distance.

    Args:
        entries: (n, 4) words.
        queries: (m, 4) words.
        radius: in bits, included.

    Returns:
        Rows of queries, rows of entries, distances: one of each for every pair, by query.
    """
    room = _FIRST_ROOM
    while True:
        found = np.empty((room, 3), dtype=np.int64)
        count = int(_scan(np.ascontiguousarray(entries), np.ascontiguousarray(queries), radius, found))
        if count <= room:
            return found[:count, 0], found[:count, 1], found[:count, 2]
        room = count


@kernel
def _scan(entries: Words, queries: Words, radius: int, found: Rows) -> int:
    count = 0
    for query in range(queries.shape[0]):
        for entry in range(entries.shape[0]):
            distance = 0
            for word in range(4):
                distance += _ones(entries[entry, word] ^ queries[query, word])
                if distance > radius:
                    break
            if distance <= radius:
                if count < found.shape[0]:
                    found[count, 0] = query
                    found[count, 1] = entry
                    found[count, 2] = distance
                count += 1
    return count


@kernel
def _ones(word: np.uint64) -> int:
    """Count the ones of a word (Hacker's Delight, 5-1); the compiler knows this form for one instruction."""
    word = word - ((word >> _1) & _ODD)
    word = (word & _PAIRS) + ((word >> _2) & _PAIRS)
    word = (word + (word >> _4)) & _HALVES
    return np.int64((word * _ONES) >> _56)  # type: ignore[return-value]  # a whole number to the compiler


@kernel
def distinct(values: Words, least: int) -> int:
    """Count values that differ from every one counted before by at least so many bits."""
    leaders = np.empty(values.shape[0], dtype=np.int64)
    count = 0
    for row in range(values.shape[0]):
        new = True
        for leader in range(count):
            distance = 0
            for word in range(4):
                distance += _ones(values[row, word] ^ values[leaders[leader], word])
            if distance < least:
                new = False
                break
        if new:
            leaders[count] = row
            count += 1
    return count


@kernel
def moments(values: Words, least: int) -> Rows:
    """Number values in order: a value gets a new number when it differs from the last numbered anew by so much."""
    numbers = np.zeros(values.shape[0], dtype=np.int64)
    leader = 0
    for row in range(1, values.shape[0]):
        distance = 0
        for word in range(4):
            distance += _ones(values[row, word] ^ values[leader, word])
        numbers[row] = numbers[row - 1]
        if distance >= least:
            numbers[row] += 1
            leader = row
    return numbers
